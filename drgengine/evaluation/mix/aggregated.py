"""Statistics out of a table that is aggregated already, e.g. published provider x DRG tables or a query's result."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from drgengine.errors import EvaluationError
from drgengine.evaluation.mix.collect import adrg_of_drg, mdc_of_drg
from drgengine.evaluation.mix.measures import AMOUNTS, COUNTS, FEN, INCLUSIONS
from drgengine.evaluation.mix.unitstatistics import UnitStatistics, add_up

LARGEST = 2.0**62
"""Of sums over all rows, which are kept in 64 bits; squares of charge and cost have 32 more."""
ROUNDED = {"charge": 0.01, "cost": 0.01, "los": 0.1}
_PLAIN = COUNTS[COUNTS.index("disposition_known") :]


def statistics_of_table(
    table: Any,
    by: str | Sequence[str] = "hospital_id",
    *,
    period: tuple[dt.date, dt.date] | None = None,
) -> UnitStatistics:
    """Statistics from one row per unit and DRG (已汇总数据).

    table : pandas DataFrame, or what has to_pandas(); the columns of `by`, drg, cases; per amount (charge, cost in
        yuan, los in days) *_mean or *_sum, *_sumsq for standard errors, *_known where it is not `cases`; deaths,
        disposition_known, with_procedure, dx_count, cc, mcc ...; mdc, adrg, inclusion (default included)
    period : first and last day of the discharges

    Sums are rounded to the fen and to the day. Raises EvaluationError naming the row for a count that is no whole
    number from 0, a missing DRG, a sum that 64 bits do not hold, a sum of squares below n x mean^2.

    >>> frame = pd.DataFrame({"hospital_id": ["H"], "drg": ["039"], "cases": [23], "charge_mean": [28847.95652]})
    >>> statistics_of_table(frame).table[["cases", "charge_sum"]]
       cases  charge_sum
    0     23    663503.0
    """
    frame = table if isinstance(table, pd.DataFrame) else table.to_pandas()
    names = (by,) if isinstance(by, str) else tuple(by)
    for name in (*names, "drg", "cases"):
        if name not in frame.columns and name not in ("mdc", "adrg"):
            raise EvaluationError("table", f"there is no column {name!r}", "Rename the column, or name others in by=")
    drg = _texts(frame["drg"])
    empty = next((row for row, code in enumerate(drg) if not code), None)
    if empty is not None:
        raise EvaluationError(f"table row {frame.index[empty]}", "there is no DRG", "Fill it in or leave the row out")
    columns: dict[str, Any] = {name: _texts(frame[name]) for name in names if name not in ("mdc", "adrg", "drg")}
    columns["inclusion"] = _inclusion(frame)
    columns["mdc"] = _texts(frame["mdc"]) if "mdc" in frame.columns else [mdc_of_drg(code) for code in drg]
    columns["adrg"] = _texts(frame["adrg"]) if "adrg" in frame.columns else [adrg_of_drg(code) for code in drg]
    columns["drg"] = drg
    keys = pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})
    counts, squares = _counts(frame)
    cells = keys
    for name in COUNTS:
        cells = cells.append_column(name, pa.array(counts[name]))
    return UnitStatistics(names, add_up(cells, names), squares, period)


def _counts(frame: pd.DataFrame) -> tuple[dict[str, np.ndarray], frozenset[str]]:
    nothing = np.zeros(len(frame), np.int64)
    counts = dict.fromkeys(COUNTS, nothing)
    counts["cases"] = cases = _whole(frame, "cases")
    squares = set(AMOUNTS)
    for amount in AMOUNTS:
        if f"{amount}_sum" not in frame.columns and f"{amount}_mean" not in frame.columns:
            continue
        known = _whole(frame, f"{amount}_known") if f"{amount}_known" in frame.columns else cases
        if f"{amount}_sum" in frame.columns:
            total = _number(frame, f"{amount}_sum")
        else:
            total = _number(frame, f"{amount}_mean") * known
        scale = 1.0 if amount == "los" else FEN
        _refuse_large(frame, amount, total, LARGEST / scale)
        counts[f"{amount}_known"] = known = np.where(np.isnan(total), 0, known)
        counts["los_days" if amount == "los" else f"{amount}_fen"] = np.rint(np.nan_to_num(total) * scale).astype(int)
        if f"{amount}_sumsq" not in frame.columns:
            squares.discard(amount)
            continue
        given = _number(frame, f"{amount}_sumsq")
        _refuse_large(frame, f"{amount}_sumsq", given, LARGEST if amount == "los" else LARGEST * 2.0**32 / FEN**2)
        _refuse_squares(frame, amount, known, total, given)
        square = np.rint(np.nan_to_num(given) * scale**2)
        if amount == "los":
            counts["los_sq"] = square.astype(np.int64)
        else:
            high = np.floor(square / 2.0**32)
            counts[f"{amount}_sq_high"] = high.astype(np.int64)
            counts[f"{amount}_sq_low"] = (square - high * 2.0**32).astype(np.int64)
    for name in _PLAIN:
        if name in frame.columns:
            counts[name] = _whole(frame, name)
    for part, whole in (
        ("deaths", "disposition_known"),
        ("with_procedure", "procedure_known"),
        ("dx_count", "dx_known"),
    ):
        if part in frame.columns and whole not in frame.columns:
            counts[whole] = cases
    return counts, frozenset(squares)


def _refuse_large(frame: pd.DataFrame, what: str, values: np.ndarray, limit: float) -> None:
    """Sums over all rows have to fit 64 bits."""
    sizes = np.abs(np.nan_to_num(values))
    if sizes.sum() > limit:
        at = int(sizes.argmax())
        place = f"table row {frame.index[at]}, column {what}"
        raise EvaluationError(place, f"{values[at]:.6g} is too large to be added up", "Mend the cell")


def _refuse_squares(
    frame: pd.DataFrame, amount: str, known: np.ndarray, total: np.ndarray, squares: np.ndarray
) -> None:
    """A sum of squares is at least n x mean^2, but for rounding; its variance would be below 0 otherwise."""
    total = np.nan_to_num(total)
    least = np.divide(total**2, known, out=np.zeros(len(total)), where=known > 0)
    # A mean may be rounded to the fen, or to a tenth of a day.
    slack = 2.0 * np.abs(total) * ROUNDED[amount] + 1e-9 * least
    wrong = np.flatnonzero(squares < least - slack)
    if wrong.size:
        place = f"table row {frame.index[wrong[0]]}, column {amount}_sumsq"
        problem = f"{squares[wrong[0]]:.6g} is below n x mean^2 = {least[wrong[0]]:.6g}: the variance would be below 0"
        raise EvaluationError(place, problem, "Give the sum of the squares of the cases")


def _inclusion(frame: pd.DataFrame) -> list[str]:
    if "inclusion" not in frame.columns:
        return ["included"] * len(frame)
    values = [str(value) for value in frame["inclusion"]]
    wrong = next((value for value in values if value not in INCLUSIONS), None)
    if wrong is not None:
        raise EvaluationError("column inclusion", f"{wrong!r} is not known", f"Known: {', '.join(INCLUSIONS)}")
    return values


def _texts(series: pd.Series) -> list[str | None]:
    if pd.api.types.is_float_dtype(series.dtype) and series.notna().any():
        problem = f"the codes are numbers with a fraction, e.g. {float(series.dropna().iloc[0])!r}"
        raise EvaluationError(f"column {series.name}", problem, "Give codes as text")
    return [None if pd.isna(value) or not str(value).strip() else str(value) for value in series]


def _number(frame: pd.DataFrame, name: str) -> np.ndarray:
    values = pd.to_numeric(frame[name], errors="coerce").to_numpy(dtype=float)
    wrong = np.flatnonzero(np.isnan(values) & frame[name].notna().to_numpy())
    if wrong.size:
        place = f"table row {frame.index[wrong[0]]}, column {name}"
        raise EvaluationError(place, f"{frame[name].iloc[wrong[0]]!r} is no number", "Mend the cell")
    return values


def _whole(frame: pd.DataFrame, name: str) -> np.ndarray:
    values = _number(frame, name)
    wrong = np.flatnonzero(~(values >= 0) | (values != np.floor(values)))
    if wrong.size:
        place = f"table row {frame.index[wrong[0]]}, column {name}"
        raise EvaluationError(place, f"{values[wrong[0]]:g} is no whole number from 0", "Mend the cell")
    _refuse_large(frame, name, values, LARGEST)
    return values.astype(np.int64)
