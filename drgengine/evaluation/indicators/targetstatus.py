"""Targets against values (目标达成): met, near, missed, trend right or wrong, no data."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from drgengine.errors import EvaluationError
from drgengine.evaluation.indicators.computing import Indicators
from drgengine.evaluation.indicators.targetfile import Target

Cells = dict[str, dict[Any, float]]
STATUS = ("met", "near", "missed", "trend right", "trend wrong", "no data")
_TOLERANCE = 1e-9  # 0.3 * 100 is not 30, but means it


def check_targets(
    values: Indicators | pd.DataFrame,
    targets: Iterable[Target],
    previous: pd.DataFrame | None = None,
    *,
    groups: Mapping[Any, str] | None = None,
    year: int | None = None,
    language: str = "en",
) -> pd.DataFrame:
    """Each target against each unit (目标达成情况), one row per pair, in the order of the targets.

    values : result of compute_indicators(), or a table units x indicators
    previous : values of the previous period for trends; default those of `values`
    groups : unit -> group; a target with a group is checked for its units only
    year : year of the values; before its year a target does not fail; None = every target is due

    status : met - on the right side of the value, or within the band of a soft target to be equalled; near - within the
    band of a soft target, on the wrong side; missed; trend right (no change counts unless the target says otherwise)
    or trend wrong; no data, with the reason. gap = actual - target, from the nearer end of a range. A hard ceiling or
    floor has no band. fails : missed, hard, binding and due.

    >>> from drgengine.evaluation.indicators.targetfile import load_targets
    >>> table = pd.DataFrame({"drug_share": [29.0, 32.0, 40.0], "consumables_per_100": [20.0, 20.5, 25.0]})
    >>> found = check_targets(table, [t for t in load_targets("jingmen") if t.indicator in table.columns])
    >>> found["status"].to_list()
    ['met', 'near', 'missed', 'met', 'missed', 'missed']
    """
    reasons: dict[tuple[Any, str], str] = {}
    if isinstance(values, Indicators):
        reasons = dict(
            zip(
                zip(values.missing["unit"], values.missing["indicator"], strict=True),
                values.missing["reason"],
                strict=True,
            )
        )
        previous = values.previous if previous is None else previous
        table = values.values
    else:
        table = values
    known = tuple(targets)
    names = {name for one in known for name in (one.indicator, one.limit)}
    now, before = cells_of(table, names), {} if previous is None else cells_of(previous, names)
    rows = []
    for one in known:
        if one.group and groups is None:
            problem = f"the target on {one.indicator} is for group {one.group!r}"
            raise EvaluationError(one.place, problem, "Say groups=, the group of each unit")
        source = one.cited(language)
        rows += [
            _row(one, unit, now, before, reasons, year) | {"source": source}
            for unit in table.index
            if not one.group or (groups is not None and groups.get(unit) == one.group)
        ]
    return pd.DataFrame(rows, columns=list(_COLUMNS)).astype({"year": "Int64"})


_COLUMNS = (
    "unit",
    "indicator",
    "line",
    "word",
    "direction",
    "strictness",
    "actual",
    "previous",
    "target",
    "gap",
    "status",
    "fails",
    "reason",
    "nature",
    "year",
    "source",
)


def _row(
    one: Target,
    unit: Any,
    now: Cells,
    earlier: Cells,
    reasons: dict[tuple[Any, str], str],
    year: int | None,
) -> dict[str, Any]:
    actual = _cell(now, unit, one.indicator)
    before = _cell(earlier, unit, one.indicator)
    limit = _cell(now, unit, one.limit) if one.limit else math.nan
    status, reference = judge(one, actual, before, limit)
    reason = ""
    if status == "no data":
        reason = _why(one, unit, actual, limit, reasons)
    due = year is None or not one.year or year >= one.year
    return {
        "unit": unit,
        "indicator": one.indicator,
        "line": one.line,
        "word": one.word,
        "direction": one.direction,
        "strictness": one.strictness,
        "actual": actual,
        "previous": before,
        "target": reference,
        "gap": actual - reference,
        "status": status,
        "fails": status == "missed" and one.strictness == "hard" and one.nature == "binding" and due,
        "reason": reason,
        "nature": one.nature,
        "year": one.year or None,
    }


def judge(one: Target, actual: float, before: float = math.nan, limit: float = math.nan) -> tuple[str, float]:
    """Status of a value, and the number it was compared with (the previous value for a trend, NaN = none).

    >>> from drgengine.evaluation.indicators.targetfile import load_targets
    >>> about_30 = load_targets("putuo").targets[0]
    >>> [judge(about_30, value)[0] for value in (30.0, 33.0, 33.1)]
    ['met', 'near', 'missed']
    """
    reference = before if one.strictness == "trend" else limit if one.limit else _nearest(one, actual)
    if math.isnan(actual) or math.isnan(reference):
        return "no data", reference
    slack = _TOLERANCE * max(1.0, abs(reference))
    if one.strictness == "trend":
        change = actual - before if one.direction == "rising" else before - actual
        right = change >= -slack if one.inclusive else change > slack
        return ("trend right" if right else "trend wrong"), reference
    # How far the value lies on the wrong side; below 0 it lies on the right one.
    distance = {
        "at_most": actual - reference,
        "at_least": reference - actual,
        "equal": abs(actual - reference),
        "range": abs(actual - reference),
    }[one.direction]
    within = distance <= one.band * abs(reference) + slack and one.strictness == "soft"
    if distance <= slack if one.inclusive else distance < -slack:
        return "met", reference
    return ("met" if one.direction == "equal" else "near") if within else "missed", reference


def _nearest(one: Target, actual: float) -> float:
    if one.direction != "range":
        return one.value
    return one.low if math.isnan(actual) else min(max(actual, one.low), one.high)


def cells_of(table: pd.DataFrame, names: Collection[str]) -> Cells:
    """Indicator -> unit -> value, for those of `names` the table has. Raises EvaluationError for text."""
    units = list(table.index)
    found: Cells = {}
    for name in names:
        if name in table.columns:
            try:
                values = table[name].to_numpy(dtype=np.float64, na_value=np.nan)
            except (TypeError, ValueError) as cause:
                problem = f"indicator {name!r} has a value that is no number ({cause})"
                raise EvaluationError("values", problem, "Give numbers; leave empty what is not known") from None
            found[name] = dict(zip(units, values.tolist(), strict=True))
    return found


def _cell(cells: Cells, unit: Any, name: str) -> float:
    return cells.get(name, {}).get(unit, math.nan)


def _why(one: Target, unit: Any, actual: float, limit: float, reasons: dict[tuple[Any, str], str]) -> str:
    if math.isnan(actual):
        return reasons.get((unit, one.indicator), f"{one.indicator} has no value")
    if one.limit and math.isnan(limit):
        return reasons.get((unit, one.limit), f"{one.limit} has no value")
    return "no value of the previous period"
