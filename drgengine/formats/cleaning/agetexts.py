"""One age text in any of the forms that exports hold (年龄写法)."""

from __future__ import annotations

import math
import re
from typing import NamedTuple

from drgengine.formats.cleaning.texts import (
    domain_data,
    has_tail,
    mend_text,
    number_of,
    parts_in_a_row,
)

OLDEST = 130
DAYS_OF_YEAR = 365.25
DAYS_OF_MONTH = 30.4375
_MOST = 10**6

_KEPT_BLANK = re.compile(r"(?<=\d) (?=\d+[/／]\d)")
_FRACTION = re.compile(r"(?:(\d{1,4})[ 又])?(\d{1,4})/(\d{1,3})", re.ASCII)
_PART = re.compile(r"(\d+(?:\.\d+)?|\.\d+)([^\d.]+)", re.ASCII)
_UNIT_FIRST = re.compile(r"([A-Za-z]+)(\d+(?:\.\d+)?)", re.ASCII)
_WHOLE_MONTH, _WHOLE_YEAR = (30, 31), (365, 366)


class AgeReading(NamedTuple):
    """An age as years, months and days that add up; `number` where a bare number stands there.

    known : False where nothing can be used
    fine : True where months, days or less were stated, so that the days below one year are known
    number : the bare number of a cell without unit or fraction, NaN otherwise
    """

    years: int = 0
    months: int = 0
    days: int = 0
    known: bool = False
    fine: bool = False
    number: float = math.nan
    rules: tuple[str, ...] = ()
    filler: bool = False


def read_years_text(raw: str) -> AgeReading:
    """An age of the column of years.

    >>> [read_years_text(text)[:3] for text in ("45", "3月", "12天", "0.5", "8 15/30", "Y45")]
    [(45, 0, 0), (0, 3, 0), (0, 0, 12), (0, 0, 182), (0, 8, 15), (45, 0, 0)]
    """
    reading = _read(raw)
    number = reading.number
    if math.isnan(number):
        return _not_too_old(reading)
    if number > OLDEST:
        return AgeReading(rules=_last(reading, "age_over_130"))
    if number == int(number):
        return reading._replace(years=int(number), known=True)
    if number < 1:
        days = math.floor(number * DAYS_OF_YEAR)
        return reading._replace(days=days, known=True, fine=True, rules=_last(reading, "age_as_fraction"))
    return reading._replace(years=int(number), known=True, rules=_last(reading, "age_not_whole"))


def read_days_text(raw: str) -> AgeReading:
    """An age of the column of days (or months) of infants; a bare number is left in `number` alone.

    >>> read_days_text("12").number, read_days_text("12天").days, read_days_text("15/30").rules
    (12.0, 12, ('age_as_fraction',))
    """
    reading = _read(raw)
    if reading.number > OLDEST * 366:
        return AgeReading(rules=_last(reading, "age_over_130"))
    return _not_too_old(reading) if math.isnan(reading.number) else reading._replace(known=True)


def _read(raw: str) -> AgeReading:
    cell = mend_text(raw, _KEPT_BLANK, number=True)
    if cell.empty:
        return AgeReading(rules=cell.rules, filler=cell.filler)
    number = number_of(cell.text)
    if number is not None:
        if number < 0:
            return AgeReading(rules=cell.with_rule("age_negative"))
        return AgeReading(number=number, rules=cell.with_rule("number_tail" if has_tail(cell.text) else ""))
    fraction = _read_fraction(cell.text)
    if fraction is not None:
        return fraction._replace(rules=(*cell.rules, "age_as_fraction"))
    if cell.text.startswith("-") and _read_units(cell.text[1:]) is not None:
        return AgeReading(rules=(*cell.rules, "age_negative"))
    united = _read_units(cell.text)
    if united is not None:
        return united._replace(rules=(*cell.rules, "age_with_unit"))
    return AgeReading(rules=cell.with_rule("number_unreadable"))


def _read_fraction(text: str) -> AgeReading | None:
    """Twelfths are months of a year, thirtieths days of a month; a whole number before them counts the larger unit."""
    found = _FRACTION.fullmatch(text)
    if not found:
        return None
    whole, part, of = int(found[1] or 0), int(found[2]), int(found[3])
    if of == 12:
        return AgeReading(years=whole, months=part, known=True, fine=True)
    if of in _WHOLE_MONTH:
        return AgeReading(months=whole, days=part, known=True, fine=True)
    if of in _WHOLE_YEAR:
        return AgeReading(years=whole, days=part, known=True, fine=True)
    return None


def _read_units(text: str) -> AgeReading | None:
    units = domain_data()["units"]["age"]
    first = _UNIT_FIRST.fullmatch(text)
    if first:
        text = first[2] + first[1]
    amounts: dict[str, float] = {}
    at = 0
    for part in parts_in_a_row(_PART, text):
        unit = units.get(part[2].rstrip("零又").casefold())
        if unit is None or unit in amounts:
            return None
        amounts[unit] = min(float(part[1]), _MOST)
        at = part.end()
    if not amounts or at != len(text):
        return None
    return _added(amounts)


def _added(amounts: dict[str, float]) -> AgeReading:
    """Amounts by unit as whole years, months and days; broken years and months become days."""
    years, months = amounts.get("years", 0.0), amounts.get("months", 0.0)
    days = amounts.get("days", 0.0) + 7 * amounts.get("weeks", 0.0)
    days += amounts.get("hours", 0.0) / 24 + amounts.get("minutes", 0.0) / 1440
    days += (years % 1) * DAYS_OF_YEAR + (months % 1) * DAYS_OF_MONTH
    return AgeReading(
        int(years), int(months), math.floor(days), known=True, fine=amounts.keys() != {"years"} or years % 1 > 0
    )


def _not_too_old(reading: AgeReading) -> AgeReading:
    years = reading.years + reading.months / 12 + reading.days / DAYS_OF_YEAR
    # The last completed year lasts until the next birthday.
    return AgeReading(rules=_last(reading, "age_over_130")) if years >= OLDEST + 1 else reading


def _last(reading: AgeReading, rule: str) -> tuple[str, ...]:
    """The rules with the one of the kind replaced, as a cell has one of them only."""
    return (*(r for r in reading.rules if r in ("text_blanks", "text_full_width")), rule)
