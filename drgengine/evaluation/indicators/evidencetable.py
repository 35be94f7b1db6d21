"""Evidence (佐证材料): values that are given and not computed, each with a source and a date."""

from __future__ import annotations

import datetime as dt
import math
import numbers
from decimal import Decimal
from typing import Any

import pandas as pd

from drgengine.errors import EvaluationError
from drgengine.evaluation.indicators.catalogue import Catalogue
from drgengine.evaluation.indicators.inputtable import as_frame

COLUMNS = ("unit", "indicator", "value", "source", "date")


def read_evidence(table: Any, units: pd.Index, catalogue: Catalogue) -> pd.DataFrame:
    """The evidence table with its dates read, one row per unit and indicator.

    table : columns unit, indicator, value (yes/no as 1 and 0), source (text), date (date or YYYY-MM-DD), others kept
    Raises EvaluationError with row, value and remedy: a column that lacks, a unit or indicator that is not known, a
    value that is no number, an empty source or date, a unit and indicator twice.
    """
    frame = as_frame(table, "evidence").reset_index(drop=True)
    lacking = [name for name in COLUMNS if name not in frame.columns]
    if lacking:
        raise EvaluationError("evidence", f"column {lacking[0]!r} is missing", f"Give {', '.join(COLUMNS)}")
    seen: dict[tuple[Any, Any], int] = {}
    dates, values = [], []
    for at, row in enumerate(frame[list(COLUMNS)].itertuples(index=False, name=None), start=1):
        unit, indicator, value, source, date = row
        place = f"evidence row {at}"
        if unit not in units:
            raise EvaluationError(place, f"unit {unit!r} is not among the units", "Use the unit's label of the inputs")
        catalogue[indicator]
        if (unit, indicator) in seen:
            problem = f"unit {unit!r}, indicator {indicator!r} stand already in row {seen[unit, indicator]}"
            raise EvaluationError(place, problem, "Give one value")
        seen[unit, indicator] = at
        values.append(_number(value, place))
        if not isinstance(source, str) or not source.strip():
            raise EvaluationError(place, f"source {source!r} says nothing", "Name the document the value stands in")
        dates.append(read_date(date, place))
    return frame.assign(value=pd.Series(values, dtype="float64"), date=pd.Series(dates, dtype=object))


def _number(value: Any, place: str) -> float:
    fits = isinstance(value, (numbers.Real, Decimal)) and math.isfinite(float(value))
    if not fits:
        raise EvaluationError(place, f"value {value!r} is no number", "Give a number; yes is 1, no is 0")
    return float(value)


def read_date(value: Any, place: str) -> dt.date:
    """A date, or a text such as 2025-12-31. Raises EvaluationError."""
    if isinstance(value, dt.datetime) and not pd.isna(value):
        return value.date()
    if isinstance(value, dt.date) and not pd.isna(value):
        return value
    try:
        return dt.date.fromisoformat(str(value).strip())
    except ValueError:
        raise EvaluationError(place, f"date {value!r} cannot be read", "Write it as 2025-12-31") from None
