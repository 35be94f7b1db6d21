"""Weights of newborns (新生儿体重) in grams."""

from __future__ import annotations

import math
import re

import pyarrow as pa

from drgengine.formats.cleaning.cells import Reading, cells_of, read_cells
from drgengine.formats.cleaning.result import Cleaned
from drgengine.formats.cleaning.texts import domain_data, has_tail, mend_text, number_of

_LOWEST, _HIGHEST = 100, 9999
_KILOGRAMS_BELOW = 10
_KEPT_BLANK = re.compile(r"(?:(?<=\d{3})|(?<=\.\d)) (?=\d{3}|\d\.\d)")
_SEPARATOR = re.compile(r"[/,;、| ]+")
_THOUSANDS = re.compile(r"(?<![0-9.,])([1-9]),([0-9]{3})(?![0-9,])")
_WITH_UNIT = re.compile(r"([0-9.]+)([^0-9.]+)")


def clean_weights(values: pa.Array, column: str, first_row: int) -> Cleaned:
    """Birth and admission weights in grams (新生儿出生体重、入院体重), int32, 100 to 9999.

    0 and 1 stand for none; above 1 and below 10 is kilograms; of several weights in a cell the first is taken. A
    comma groups thousands only in the form 3,200. Source: 国家卫生健康委员会, HQMS fields A17 and A18.

    >>> clean_weights(pa.array(["3200", "3.2", "3200g", "0", "3200/2800", "50"]), "A17", 1).values.to_pylist()
    [3200, 3200, 3200, None, 3200, None]
    """
    return read_cells(cells_of(values), column, first_row, _read_weight, pa.int32())


def _read_weight(raw: str) -> Reading:
    cell = mend_text(raw, _KEPT_BLANK, number=True)
    if cell.empty:
        return Reading(None, cell.rules, cell.filler)
    text = _THOUSANDS.sub(r"\1\2", cell.text)
    parts = _SEPARATOR.split(text)
    grams, rule = _read_one(parts[0])
    if grams is not None and text != cell.text:
        rule = "weight_separators"
    if len(parts) > 1:
        if any(_read_one(part)[1] == "number_unreadable" for part in parts):
            grams, rule = None, "number_unreadable"
        elif grams is not None:
            rule = "weight_several"
    return Reading(grams, cell.with_rule(rule))


def _read_one(text: str) -> tuple[int | None, str]:
    number, rule = number_of(text), "number_tail" if has_tail(text) else ""
    unit = _WITH_UNIT.fullmatch(text)
    factor = domain_data()["units"]["weight"].get(unit[2].casefold()) if unit else None
    if unit and factor:
        number = number_of(unit[1])
        number, rule = (None if number is None else number * factor), "weight_with_unit"
    if number is None:
        return None, "number_unreadable"
    if number in (0, 1):
        return None, "weight_missing_mark"
    if factor is None and 1 < number < _KILOGRAMS_BELOW:
        number, rule = number * 1000, "weight_in_kg"
    grams = _in_range(number)
    if not rule and grams != number:
        rule = "weight_rounded"
    return (grams, rule) if grams is not None else (None, "weight_out_of_range")


def _in_range(number: float | None) -> int | None:
    if number is None or not _LOWEST <= number <= _HIGHEST:
        return None
    return min(math.floor(number + 0.5), _HIGHEST)
