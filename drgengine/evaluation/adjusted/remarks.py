"""What a reader of adjusted mortality has to know, in both languages (指标说明)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from drgengine.evaluation.adjusted.casevalues import CaseValues
from drgengine.evaluation.adjusted.comorbidity import Comorbidities
from drgengine.evaluation.adjusted.design import Feature

Note = tuple[str, str]
_LACKING = (
    ("age_years", "年龄", "age"),
    ("sex", "性别", "sex"),
    ("admission_route", "入院途径", "admission route"),
    ("severity", "并发症合并症等级", "severity"),
    ("dx", "诊断列表", "diagnoses"),
)


def model_notes(
    values: CaseValues,
    rows: Any,
    left: Sequence[tuple[Feature, ...]],
    flat: Sequence[Feature],
    groups: Comorbidities,
    settings: dict[str, Any],
    converged: bool,
) -> list[Note]:
    """Notes on how the model was made and what it left out."""
    deaths = int(values.died[rows].sum())
    notes = [
        (
            f"逻辑回归，{len(rows)} 例、死亡 {deaths} 例；"
            "期望死亡为同类患者在全部单位中的平均水平，期望之和等于死亡之和。",
            f"Logistic regression on {len(rows)} cases with {deaths} deaths; expected is the average of all units for "
            "like patients, and expected deaths add up to the deaths.",
        ),
        _risk_note(settings),
        (
            "并发症合并症等级与其他诊断可能含住院期间新发并发症，据此调整会掩盖部分质量差异；"
            "各单位的标化比只宜与 1 比较，不宜互相比较。",
            "Severity and secondary diagnoses may be complications of the stay itself, and adjusting for them hides "
            "part of the differences in quality. Ratios of two units are strictly comparable with 1 only, not with "
            "each other.",
        ),
    ]
    if settings["within_units"]:
        notes.append(
            (
                "估计系数时各单位自有水平（单位内比较），期望死亡按共同水平计算。",
                "Coefficients come from comparisons within units, each with a level of its own; expected deaths are at "
                "the common level.",
            )
        )
    if "charlson" in settings["features"] or set(groups.ids) & set(settings["features"]):
        notes.append((f"合并症编码组：{groups.source}", f"Comorbidities: {groups.source}"))
    notes += [
        (f"病例表无{zh}，模型未含该变量。", f"The cases have no {en}; the model goes without it.")
        for column, zh, en in _LACKING
        if column not in values.columns
    ]
    if left:
        zh = "、".join(feature.zh for block in left for feature in block)
        en = ", ".join(feature.en for block in left for feature in block)
        limit = settings["deaths_per_feature"]
        notes.append(
            (
                f"死亡数不足以支持全部变量（每变量 {limit} 例），未纳入：{zh}。",
                f"Too few deaths ({limit} per column) for: {en}.",
            )
        )
    if flat:
        zh, en = "、".join(feature.zh for feature in flat), ", ".join(feature.en for feature in flat)
        notes.append((f"取值全部相同，未纳入：{zh}。", f"The same in every case and left out: {en}."))
    notes += _unknown_notes(values, rows)
    if settings["sampled"]:
        limit = settings["limit"]
        notes.append(
            (
                f"病例超过 {limit} 例：系数由随机抽取的 {limit} 例估计，预测覆盖全部病例，截距已在全部病例上校准。",
                f"More than {limit} cases: coefficients come from {limit} drawn at random, predictions are of all "
                "cases, and the intercept is set on all.",
            )
        )
    if not converged:
        notes.append(("求解未收敛，结果仅供参考。", "The solver did not converge: read the result with care."))
    return notes


def data_notes(values: CaseValues) -> list[Note]:
    """Notes on values that could not be used and cases left out."""
    notes = [
        (f"{count} 个值无法使用（{column}）。", f"{count} values could not be used ({column}).")
        for column, count in values.unusable.items()
    ]
    left = int(np.count_nonzero(values.state))
    if left:
        notes.append(
            (
                f"{left} 例未进入模型，原因见排除表。",
                f"{left} cases are not in the model, for the reasons in the table of exclusions.",
            )
        )
    return notes


def refusal(deaths: int, needed: int) -> Note:
    """Why there is no model."""
    return (
        f"死亡 {deaths} 例，少于建模所需的 {needed} 例，不作风险调整。",
        f"No risk adjustment: {deaths} deaths, and a model takes {needed}.",
    )


def small_note(table: pd.DataFrame, rankable: float) -> list[Note]:
    """Units whose expected deaths are too few to be ranked by."""
    small = int((table["expected"] < rankable).sum())
    if not small:
        return []
    return [
        (
            f"{small} 个单位期望死亡不足 {rankable:g} 例，不宜据此排名。",
            f"{small} units expect fewer than {rankable:g} deaths: not to be ranked by it.",
        )
    ]


def _risk_note(settings: dict[str, Any]) -> Note:
    if settings["group_risk"] == "base":
        return (
            "病组风险取自基期，向 ADRG、MDC 与总体收缩（经验贝叶斯）。",
            "The risk of a DRG is that of the base period, shrunk to ADRG, MDC and overall (empirical Bayes).",
        )
    zh, en = ("单位", "units") if settings["folds_by"] == "unit" else ("病例", "cases")
    folds = settings["folds"]
    return (
        f"病组风险由其余各折计算（按{zh}分为 {folds} 折），向 ADRG、MDC 与总体收缩（经验贝叶斯），本例结局不参与。",
        f"The risk of a DRG comes from the other of {folds} folds of {en}, shrunk to ADRG, MDC and overall (empirical "
        "Bayes), so that no case explains itself.",
    )


def _unknown_notes(values: CaseValues, rows: Any) -> list[Note]:
    notes = []
    if "sex" in values.columns:
        count = int((values.female[rows] == 0.5).sum())
        if count:
            notes.append((f"{count} 例性别不明，取中间值。", f"{count} cases of unknown sex count halfway."))
    if "admission_route" in values.columns:
        count = int((values.emergency[rows] < 0).sum())
        if count:
            notes.append(
                (
                    f"{count} 例入院途径不明，按非急诊计。",
                    f"{count} cases of unknown admission route count as no emergency.",
                )
            )
    return notes
