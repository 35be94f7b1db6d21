"""Quantities, amounts, marks and dates of charge lines as plain arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from drgengine.cases.coerce import distinct, is_textual, read_date, read_number_text
from drgengine.costing.charges.chargebatches import ChargeBatch
from drgengine.costing.charges.chargefindings import Faults
from drgengine.costing.intake.vocabulary import choice_of

MISSING_DAY = -(2**31)
_LIMITS = {"units": ["元"]}
_REVERSED = frozenset(("冲销", "退费", "冲正", "红冲", "作废", "-1", "reversed"))
_ORDINARY = frozenset(("", "正常", "收费", "null", "none", "nan", "-", "--"))


def read_numbers(batch: ChargeBatch, name: str, faults: Faults) -> Any:
    """float64[n]; a blank or unreadable one is NaN and a fault."""
    column = batch.columns[name]
    numbers = _text_numbers(column) if is_textual(column.type) else _plain_numbers(column)
    bad = ~np.isfinite(numbers)
    if bad.any():
        numbers = np.where(bad, np.nan, numbers)
        faults.add(batch, name, "is missing or no number", np.flatnonzero(bad))
    return numbers


def _plain_numbers(column: pa.Array) -> Any:
    if pt.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pt.is_float32(column.type):
        # 12.34 in single precision is meant as 12.34.
        column = pa.array([None if v is None else float(str(np.float32(v))) for v in column.to_pylist()], pa.float64())
    if not pt.is_float64(column.type):
        column = column.cast(pa.float64(), safe=False)
    if column.null_count:
        column = pc.fill_null(column, np.nan)
    return column.to_numpy(zero_copy_only=False)


def _text_numbers(column: pa.Array) -> Any:
    """Plain numerals in bulk; if any text is more than that, each distinct one is read on its own."""
    try:
        return _plain_numbers(column.cast(pa.string()).cast(pa.float64()))
    except pa.ArrowInvalid:
        index, texts = distinct(column)
        readings = [read_number_text(text or "", _LIMITS, {})[0] for text in texts.to_pylist()]
        return np.array(readings, dtype=np.float64)[index]


def read_flags(batch: ChargeBatch, faults: Faults) -> Any:
    """uint8[n]: 1 where the line is marked as a reversal (冲销标志); a mark nobody knows is a fault."""
    column = batch.columns.get("reversal")
    if column is None:
        return np.zeros(batch.rows, dtype=np.uint8)
    if pt.is_boolean(column.type):
        column = pc.fill_null(column, False) if column.null_count else column
        return column.cast(pa.uint8()).to_numpy(zero_copy_only=False)
    if not is_textual(column.type):
        numbers = _plain_numbers(column)
        return ((numbers != 0) & ~np.isnan(numbers)).astype(np.uint8)
    index, texts = distinct(column)
    marks = np.array([_mark(text or "") for text in texts.to_pylist()], dtype=np.int8)
    flags = marks[index]
    if (marks < 0).any():
        faults.add(batch, "reversal", "is neither yes nor no", np.flatnonzero(flags < 0))
    return (flags > 0).astype(np.uint8)


def _mark(text: str) -> int:
    word = text.strip().casefold()
    if word in _ORDINARY:
        return 0
    if word in _REVERSED:
        return 1
    return {"true": 1, "false": 0}.get(choice_of("bool", word) or "", -1)


def read_present(batch: ChargeBatch) -> Any:
    """uint8[n]: 1 where the line has a visit number (就诊号)."""
    column = batch.columns.get("visit_id")
    if column is None:
        return np.full(batch.rows, batch.all_visits, dtype=np.uint8)
    if pt.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    there = column.is_valid()
    if is_textual(column.type) and not pt.is_null(column.type):
        length = pc.binary_length(pc.ascii_ltrim_whitespace(column.cast(pa.string())))
        there = pc.and_(there, pc.fill_null(pc.greater(length, 0), False))
    return there.cast(pa.uint8()).to_numpy(zero_copy_only=False)


def read_days(batch: ChargeBatch) -> Any:
    """int32[n] days since 1970-01-01, MISSING_DAY without; empty when every date is known to lie in the period."""
    column = batch.columns.get("charge_date")
    if column is None:
        return np.zeros(0, dtype=np.int32)
    days, _ = read_date(column, "charge_date", 1)
    return np.where(np.isnan(days), MISSING_DAY, days).astype(np.int32)
