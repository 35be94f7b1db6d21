"""Columns of the model (模型变量): which there are, which the deaths allow, and their values per case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from drgengine.evaluation.adjusted.casevalues import CaseValues
from drgengine.evaluation.adjusted.comorbidity import Comorbidities

Floats = npt.NDArray[np.float64]
KNOT_SHARES = (0.05, 0.35, 0.65, 0.95)
_MIN_CARRIERS = 20


@dataclass(frozen=True, slots=True)
class Feature:
    """A column of the model: id, Chinese and English name, source column of the case table."""

    id: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """The columns taken, ages of the knots, and how comorbidities enter: "score", "groups" or ""."""

    features: tuple[Feature, ...]
    knots: tuple[float, ...]
    comorbidities: str
    groups: Comorbidities

    def matrix(self, values: CaseValues, rows: Any, risk: Floats) -> Floats:
        """float64 (rows, features); risk : log odds of the DRG of each of the rows."""
        made = [self._column(feature.id, values, rows, risk) for feature in self.features]
        return np.stack(made, axis=1) if made else np.empty((len(risk), 0))

    def only(self, kept: Sequence[bool]) -> Design:
        """Without the columns that are not kept."""
        features = tuple(feature for feature, keep in zip(self.features, kept, strict=True) if keep)
        return Design(features, self.knots, self.comorbidities, self.groups)

    def _column(self, name: str, values: CaseValues, rows: Any, risk: Floats) -> Floats:
        if name == "group_risk":
            return risk
        if name.startswith("age"):
            return self._age(name, values.age[rows].astype(np.float64))
        if name == "infant":
            return (values.age[rows] < 1.0).astype(np.float64)
        if name == "female":
            return values.female[rows].astype(np.float64)
        if name == "emergency":
            return (values.emergency[rows] == 1).astype(np.float64)
        if name in ("cc", "mcc"):
            return (values.severity[rows] == (1 if name == "cc" else 2)).astype(np.float64)
        if name == "diagnoses":
            return np.log1p(np.maximum(values.secondary[rows], 0).astype(np.float64))
        if name == "charlson":
            return self.groups.score(values.comorbid[rows])
        place = self.groups.ids.index(name)
        return ((values.comorbid[rows] >> np.uint32(place)) & np.uint32(1)).astype(np.float64)

    def _age(self, name: str, age: Floats) -> Floats:
        """Age in decades, or a term of the natural cubic spline, straight beyond the outer knots."""
        if name == "age":
            return age / 10.0
        t = self.knots
        k = int(name.removeprefix("age_curve_")) - 1
        last, before = t[-1], t[-2]

        def cubed(knot: float) -> Floats:
            return np.maximum(age - knot, 0.0) ** 3

        bend = cubed(t[k]) - cubed(before) * (last - t[k]) / (last - before)
        bend += cubed(last) * (before - t[k]) / (last - before)
        return np.asarray(bend / (last - t[0]) ** 2 / 10.0)


def make_design(
    values: CaseValues, rows: Any, groups: Comorbidities, comorbidities: str, budget: int
) -> tuple[Design, list[tuple[Feature, ...]]]:
    """The most important columns that fit into the budget (number of columns), and the blocks left out for it.

    Order of importance: DRG, age, emergency admission, severity, comorbidities, bend of the age curve, number of
    diagnoses, infants, sex.
    """
    ages = values.age[rows].astype(np.float64)
    knots = _knots(ages) if "age_years" in values.columns else ()
    design = Design((), knots, "", groups)
    taken: list[Feature] = []
    left: list[tuple[Feature, ...]] = []
    for block in _blocks(values, knots, groups, comorbidities):
        if len(taken) + len(block) <= budget:
            taken += block
        else:
            left.append(block)
    names = {feature.id for feature in taken}
    kind = "score" if "charlson" in names else "groups" if names & set(groups.ids) else ""
    return Design(tuple(taken), design.knots, kind, groups), left


def _knots(ages: Floats) -> tuple[float, ...]:
    knots = tuple(float(knot) for knot in np.quantile(ages, KNOT_SHARES)) if ages.size else ()
    return knots if len(set(knots)) == len(KNOT_SHARES) else ()


def _blocks(
    values: CaseValues, knots: tuple[float, ...], groups: Comorbidities, comorbidities: str
) -> list[tuple[Feature, ...]]:
    columns = values.columns
    blocks: list[tuple[Feature, ...]] = [(Feature("group_risk", "病组风险（对数比值）", "risk of the DRG (log odds)"),)]
    if "age_years" in columns:
        blocks.append((Feature("age", "年龄（每 10 岁）", "age (10 years)"),))
    if "admission_route" in columns:
        blocks.append((Feature("emergency", "急诊入院", "emergency admission"),))
    if "severity" in columns:
        blocks.append(
            (Feature("cc", "伴并发症或合并症（CC）", "CC"), Feature("mcc", "伴严重并发症或合并症（MCC）", "MCC"))
        )
    if "dx" in columns and comorbidities == "score":
        blocks.append((Feature("charlson", "查尔森合并症评分", "Charlson score"),))
    if "dx" in columns and comorbidities == "groups":
        blocks += [
            (Feature(groups.ids[k], groups.zh[k], groups.en[k]),)
            for k in range(len(groups.ids))
            if np.count_nonzero((values.comorbid >> np.uint32(k)) & np.uint32(1)) >= _MIN_CARRIERS
        ]
    if knots:
        bends = range(1, len(knots) - 1)
        blocks.append(tuple(Feature(f"age_curve_{k}", f"年龄曲线 {k}", f"bend of the age curve {k}") for k in bends))
    if "dx" in columns:
        blocks.append((Feature("diagnoses", "其他诊断数（对数）", "number of secondary diagnoses (log)"),))
    if "age_years" in columns and (values.age < 1.0).any():
        blocks.append((Feature("infant", "不足 1 周岁", "below one year"),))
    if "sex" in columns:
        blocks.append((Feature("female", "女性", "female"),))
    return blocks
