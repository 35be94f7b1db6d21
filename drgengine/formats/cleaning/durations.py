"""Hours on the ventilator and days in hospital (呼吸机使用时间、住院天数)."""

from __future__ import annotations

import re

import pyarrow as pa

from drgengine.formats.cleaning.cells import Reading, cells_of, read_cells
from drgengine.formats.cleaning.result import Cleaned
from drgengine.formats.cleaning.texts import (
    Mended,
    domain_data,
    has_tail,
    mend_text,
    number_of,
    parts_in_a_row,
)

_THREE = re.compile(r"([0-9]{1,6})/([0-9]{1,6})/([0-9]{1,6})")
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)([^0-9.]+)")
_MOST_DAYS = 2**31 - 1


def clean_hours(values: pa.Array, column: str, first_row: int) -> Cleaned:
    """Hours (时长，小时), float64, from a number, "days/hours/minutes" (天/小时/分钟), or numbers with units.

    Negative hours are null. Source of the d/h/m form: 国家医疗保障局, settlement list 4101.

    >>> clean_hours(pa.array(["96", "1/13/30", "2天3小时", "-5"]), "C47", 1).values.to_pylist()
    [96.0, 37.5, 51.0, None]
    """
    return read_cells(cells_of(values), column, first_row, _read_hours, pa.float64(), lambda hours: f"{hours:g}")


def _read_hours(raw: str) -> Reading:
    cell = mend_text(raw, number=True)
    if cell.empty:
        return Reading(None, cell.rules, cell.filler)
    three = _THREE.fullmatch(cell.text)
    if three:
        days, hours, minutes = (int(part) for part in three.groups())
        return Reading(days * 24 + hours + minutes / 60, cell.rules)
    number, rule = number_of(cell.text), ""
    if number is None:
        number, rule = _with_units(cell.text, domain_data()["units"]["hours"]), "number_with_unit"
    return _not_negative(number, cell, rule, "hours_negative")


def clean_stay_days(values: pa.Array, column: str, first_row: int) -> Cleaned:
    """Days in hospital (实际住院天数), int32; negative or broken numbers are null.

    >>> clean_stay_days(pa.array(["7", "7.0", "7天", "-1", "7.5"]), "B20", 1).values.to_pylist()
    [7, 7, 7, None, None]
    """
    return read_cells(cells_of(values), column, first_row, _read_days, pa.int32())


def _read_days(raw: str) -> Reading:
    cell = mend_text(raw, number=True)
    if cell.empty:
        return Reading(None, cell.rules, cell.filler)
    number, rule = number_of(cell.text), "number_tail" if has_tail(cell.text) else ""
    if number is None:
        number, rule = _with_units(cell.text, domain_data()["units"]["stay"]), "number_with_unit"
    if number is not None and (number != int(number) or number > _MOST_DAYS):
        number = None
    reading = _not_negative(number, cell, rule, "stay_negative")
    return reading if reading.value is None else reading._replace(value=int(reading.value))


def _with_units(text: str, units: dict[str, float]) -> float | None:
    """The sum of numbers with their units, None when it is not that.

    >>> _with_units("1天2小时", {"天": 24, "小时": 1}), _with_units("1个", {"天": 24})
    (26.0, None)
    """
    total, at = 0.0, 0
    for part in parts_in_a_row(_PART, text):
        factor = units.get(part[2].casefold())
        if factor is None:
            return None
        total += float(part[1]) * factor
        at = part.end()
    return total if 0 < at == len(text) and total < 1e300 else None


def _not_negative(number: float | None, cell: Mended, rule: str, negative: str) -> Reading:
    if number is None:
        return Reading(None, cell.with_rule("number_unreadable"))
    if number < 0:
        return Reading(None, cell.with_rule(negative))
    return Reading(number, cell.with_rule(rule))
