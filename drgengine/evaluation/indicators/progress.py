"""Progress of a regional plan (规划进展): actual against base and target, on a straight line of years."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from drgengine.errors import EvaluationError
from drgengine.evaluation.indicators.catalogue import Catalogue, load_catalogue
from drgengine.evaluation.indicators.computing import Indicators, compute_indicators
from drgengine.evaluation.indicators.targetfile import Target, TargetSet
from drgengine.evaluation.indicators.targetstatus import cells_of, judge

AMBER = 0.8
COLOURS = ("green", "amber", "red", "no base", "no data")
_TOLERANCE = 1e-9


def plan_progress(
    values: Indicators | pd.DataFrame, targets: Iterable[Target], year: int, *, language: str = "en"
) -> pd.DataFrame:
    """Progress of each unit (region) towards each target that has a year (规划进展), one row per pair.

    values : units x indicators in `year`

    progress = (actual - base) / (target - base); expected = (year - base year) / (target year - base year), within
    0..1. colour : green - the target is reached or progress >= expected; amber - progress >= 80 % of expected; red.
    A target that its base meets already has no progress: green while it is met, else red. Without a base green when
    reached, else "no base". fails : red, hard, binding and due; an expected (预期性) target never fails.
    Targets for a year before `year` are judged as due; trends and limits are left to check_targets().

    >>> from drgengine.evaluation.indicators.targetfile import load_targets
    >>> doctors = [one for one in load_targets("dehui") if one.indicator == "doctors_per_1000"]
    >>> found = plan_progress(pd.DataFrame({"doctors_per_1000": [2.6]}, index=["Dehui"]), doctors, 2022)
    >>> found[["progress", "expected", "colour"]].round(3).values.tolist()
    [[0.412, 0.4, 'green']]
    """
    table = values.values if isinstance(values, Indicators) else values
    known = tuple(targets)
    cells = cells_of(table, {one.indicator for one in known})
    rows = [
        _row(one, unit, cells.get(one.indicator, {}).get(unit, math.nan), year, language)
        for one in known
        if one.year and one.strictness != "trend" and not one.limit
        for unit in table.index
    ]
    return pd.DataFrame(rows, columns=list(_COLUMNS)).astype({"base_year": "Int64", "target_year": "Int64"})


_COLUMNS = (
    "unit",
    "line",
    "indicator",
    "base_year",
    "base",
    "actual",
    "target_year",
    "target",
    "gap",
    "progress",
    "expected",
    "colour",
    "reached",
    "fails",
    "nature",
    "source",
)


def _row(one: Target, unit: Any, actual: float, year: int, language: str) -> dict[str, Any]:
    status, reference = judge(one, actual)
    reached = status == "met"
    progress, expected = progress_of(one, actual, reference), _expected(one, year)
    colour = _colour(one, actual, reached, progress, expected)
    return {
        "unit": unit,
        "line": one.line,
        "indicator": one.indicator,
        "base_year": one.base_year or None,
        "base": one.base,
        "actual": actual,
        "target_year": one.year,
        "target": reference,
        "gap": actual - reference,
        "progress": progress,
        "expected": expected,
        "colour": colour,
        "reached": reached,
        "fails": colour == "red" and one.strictness == "hard" and one.nature == "binding" and year >= one.year,
        "nature": one.nature,
        "source": one.cited(language),
    }


def progress_of(one: Target, actual: float, reference: float) -> float:
    """(actual - base) / (target - base), NaN without a base or where the base meets the target already."""
    if math.isnan(one.base) or math.isnan(reference) or judge(one, one.base)[0] == "met" or reference == one.base:
        return math.nan
    return (actual - one.base) / (reference - one.base)


def _expected(one: Target, year: int) -> float:
    if math.isnan(one.base):
        return math.nan
    return min(max((year - one.base_year) / (one.year - one.base_year), 0.0), 1.0)


def _colour(one: Target, actual: float, reached: bool, progress: float, expected: float) -> str:
    if math.isnan(actual):
        return "no data"
    if reached:
        return "green"
    if math.isnan(one.base):
        return "no base"
    if math.isnan(progress):
        return "red"
    if progress >= expected - _TOLERANCE:
        return "green"
    return "amber" if progress >= AMBER * expected - _TOLERANCE else "red"


def recompute_base(plan: TargetSet, catalogue: Catalogue | None = None) -> pd.DataFrame:
    """Values a plan prints for its base year against its own counts (基期数据复核), one row per value.

    plan : with [counts.YEAR]; computed is NaN where the counts do not give it. agrees : equal in the printed digits;
    None where nothing was computed
    Raises EvaluationError when the plan has no counts.
    """
    if not plan.counts:
        raise EvaluationError(plan.name, "the plan has no counts", "Add them as [counts.2020]")
    catalogue = load_catalogue() if catalogue is None else catalogue
    years = sorted(plan.counts)
    found = compute_indicators(pd.DataFrame([plan.counts[year] for year in years], index=years), catalogue)
    rows = []
    for one in plan.printed():
        if one.year in found.values.index:
            computed = float(found.values.at[one.year, one.indicator])
            agrees = None if math.isnan(computed) else abs(computed - one.value) <= one.half_unit * (1 + _TOLERANCE)
            rows.append([one.line, one.indicator, one.year, one.value, computed, agrees])
    columns = ["line", "indicator", "year", "printed", "computed", "agrees"]
    return pd.DataFrame(rows, columns=columns).astype({"agrees": object})


def implied_range(plan: TargetSet, name: str, catalogue: Catalogue | None = None) -> tuple[float, float]:
    """The range of one count, such as the population, that makes every printed base value come out (反推口径).

    name : an input that divides, as `population` does in values per 1,000. An empty range has its ends in the wrong
    order: then the printed values do not fit the other counts.

    >>> from drgengine.evaluation.indicators.targetfile import load_targets
    >>> low, high = implied_range(load_targets("dehui"), "population")
    >>> round(low), round(high)
    (691204, 691577)
    """
    catalogue = load_catalogue() if catalogue is None else catalogue
    low, high = 0.0, math.inf
    for one in plan.printed():
        formula = catalogue[one.indicator].formula
        counts = plan.counts.get(one.year, {})
        if formula is None or name not in formula.names:
            continue
        alone = pd.DataFrame([{**counts, name: 1.0}])
        amount = float(compute_indicators(alone, catalogue, [one.indicator]).values.iat[0, 0])
        if np.isfinite(amount):
            low = max(low, amount / (one.value + one.half_unit))
            high = min(high, amount / (one.value - one.half_unit) if one.value > one.half_unit else math.inf)
    return low, high
