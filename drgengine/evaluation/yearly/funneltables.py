"""Funnels (漏斗图) and shrunk values (收缩估计) of the indicators whose volume matters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from drgengine.costing.bilingual import in_language
from drgengine.errors import EvaluationError
from drgengine.evaluation.plan.settings import Plan
from drgengine.evaluation.yearly.result import Funnel, PeriodResult

Note = tuple[str, str]
FEWEST = 2
_EXPECTED = ("期望死亡例数", "expected deaths")
_CASES = ("病例数", "cases")


@dataclass(frozen=True, slots=True, eq=False)
class Counted:
    """One indicator as counts, hospitals in the order of the result; NaN or 0 cases = not drawn.

    kind : ratio (observed / expected), share (observed / cases) or mean (value, sd, cases)   scale : of value, 100
        for per cent
    """

    id: str
    zh: str
    en: str
    unit: str
    kind: str
    observed: pd.Series
    volume: pd.Series
    sd: pd.Series | None
    words: tuple[str, str]
    scale: float
    note: Note = ("", "")


def counted(current: PeriodResult, window: int, hospitals: pd.Index) -> list[Counted]:
    """What a funnel is drawn of: SMR, low-risk mortality, unplanned readmission, charge and time index."""
    mix = current.mix.table.reindex(hospitals)
    catalogue = current.indicators.catalogue
    found = []
    if current.adjusted_mortality is not None:
        adjusted = current.adjusted_mortality
        note = ("按患者风险调整", "adjusted for the patients' risk")
        found.append(
            _of("smr", catalogue, "ratio", adjusted["deaths"], adjusted["expected"], None, _EXPECTED, 1.0, note)
        )
    else:
        note = ("按DRG标化，未作患者风险调整", "standardised by DRG, not adjusted for the patients' risk")
        counts = mix["deaths"] - mix["deaths_unclassified"]
        found.append(_of("smr", catalogue, "ratio", counts, mix["expected_deaths"], None, _EXPECTED, 1.0, note))
    low = mix["low_risk_deaths"], mix["low_risk_cases"]
    found.append(_of("low_risk_mortality", catalogue, "share", *low, None, _CASES, 100.0))
    if current.readmissions is not None:
        table = current.readmissions.table
        part = table[table.index.get_level_values("kind") == "unplanned"]
        windows = part.index.get_level_values("window")
        if window in windows:
            rates = part[windows == window].droplevel(["kind", "window"]).reindex(hospitals)
            name = f"readmission_unplanned_{window}"
            found.append(
                _of(name, catalogue, "share", rates["readmissions"], rates["index_stays"], None, _CASES, 100.0)
            )
    for name in ("charge_index", "time_index"):
        n = mix["cases"].where(mix[f"{name}_se"].notna())
        sd = mix[f"{name}_se"] * np.sqrt(n)
        found.append(_of(name, catalogue, "mean", mix[name], n, sd, _CASES, 1.0))
    return found


def _of(name: str, catalogue: Any, *rest: Any) -> Counted:
    one = catalogue[name]
    return Counted(name, one.zh, one.en, one.unit, *rest)


def funnels(parts: list[Counted], hospitals: pd.Index) -> tuple[dict[str, Funnel], list[Note]]:
    """Funnel per indicator with at least two hospitals; a note for each that cannot be drawn."""
    from drgengine.evaluation.uncertainty import funnel_limits

    found: dict[str, Funnel] = {}
    notes: list[Note] = []
    for one in parts:
        usable = _usable(one)
        if usable.sum() < FEWEST:
            notes.append(_too_few(one))
            continue
        observed, volume = one.observed[usable], one.volume[usable]
        try:
            if one.kind == "ratio":
                limits = funnel_limits(observed, volume, kind="ratio")
            elif one.kind == "share":
                limits = funnel_limits(observed, kind="share", cases=volume)
            else:
                assert one.sd is not None
                limits = funnel_limits(observed, kind="mean", cases=volume, sd=one.sd[usable], target=1.0)
        except EvaluationError as error:
            notes.append((f"{one.zh}未画漏斗图：{error.problem}。", f"No funnel of {one.en}: {error.problem}."))
            continue
        found[one.id] = _funnel(one, limits)
    return found, notes


def _usable(one: Counted) -> pd.Series:
    usable = one.observed.notna() & one.volume.notna() & (one.volume > 0)
    return usable if one.sd is None else usable & one.sd.notna() & (one.sd > 0)


def _too_few(one: Counted) -> Note:
    return (
        f"{one.zh}：可用机构不足{FEWEST}家，未画漏斗图，未作收缩估计。",
        f"{one.en}: fewer than {FEWEST} hospitals can be used: no funnel, no shrunk values.",
    )


def _funnel(one: Counted, limits: Any) -> Funnel:
    columns = ["value", "low_95", "high_95", "low_998", "high_998"]
    points, curve = limits.points.copy(), limits.curve.copy()
    points[columns] = points[columns] * one.scale
    curve[columns[1:]] = curve[columns[1:]] * one.scale
    notes = list(limits.notes)
    zh, en = one.note
    return Funnel(
        id=one.id,
        zh=one.zh,
        en=one.en,
        unit=one.unit,
        kind="share" if one.kind == "share" else "ratio",
        target=float(limits.target) * one.scale,
        volume_zh=one.words[0],
        volume_en=one.words[1],
        points=points[["volume", *columns, "flag"]],
        curve=curve[["volume", *columns[1:]]],
        phi=float(limits.phi),
        tau2=float(limits.tau2),
        note_zh="；".join([zh, *(in_language(note, "zh") for note in notes)]).strip("；"),
        note_en="; ".join([en, *(in_language(note, "en") for note in notes)]).strip("; "),
    )


SHRUNK = ("hospital_id", "indicator", "raw", "shrunk", "low", "high", "reliability", "mark")


def shrunk_table(parts: list[Counted], plan: Plan) -> tuple[pd.DataFrame, list[Note]]:
    """Empirical Bayes values, in the unit of the indicator: gamma-Poisson, beta-binomial, and normal for indices."""
    from drgengine.evaluation.uncertainty import shrink

    rows: list[pd.DataFrame] = []
    notes: list[Note] = []
    level = plan.uncertainty.level
    for one in parts:
        usable = _usable(one)
        if usable.sum() < FEWEST:
            continue
        observed, volume = one.observed[usable], one.volume[usable]
        try:
            if one.kind == "ratio":
                found = shrink(kind="gamma-poisson", counts=observed, expected=volume, level=level)
            elif one.kind == "share":
                found = shrink(kind="beta-binomial", counts=observed, cases=volume, level=level)
            else:
                assert one.sd is not None
                found = shrink(observed, one.sd[usable] / np.sqrt(volume), level=level)
        except EvaluationError as error:
            notes.append((f"{one.zh}未作收缩估计：{error.problem}。", f"No shrunk {one.en}: {error.problem}."))
            continue
        part = found.table[["raw", "shrunk", "low", "high", "reliability", "mark"]].copy()
        part[["raw", "shrunk", "low", "high"]] *= one.scale
        part.insert(0, "indicator", one.id)
        rows.append(part.rename_axis("hospital_id").reset_index())
    table = pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=list(SHRUNK))
    return table[list(SHRUNK)], notes
