"""One date text in any of the forms that exports hold (日期写法)."""

from __future__ import annotations

import datetime as dt
import re
from functools import cache
from typing import NamedTuple

from drgengine.formats.cleaning.texts import domain_data, mend_text

FIRST_YEAR, LAST_YEAR = 1880, 2100
_FIRST_SERIAL, _LAST_SERIAL = 20000, 60000
_SERIAL_ORIGIN = dt.datetime(1899, 12, 30)

_KEPT_BLANK = re.compile(r"(?<=[\d日号]) (?=[\d上下AaPp])|(?<=\d[点时分秒]) (?=[AaPp])")
_PLAIN = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})(?:[ T](\d{2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?)?",
    re.ASCII,
)
_YEAR_FIRST = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?:[ T](.+))?", re.ASCII)
_CHINESE = re.compile(r"(\d{4})(年)(\d{1,2})月(\d{1,2})[日号]? ?(.+)?", re.ASCII)
_YEAR_LAST = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4})(?: (.+))?", re.ASCII)
_DIGITS = re.compile(r"(\d{4})(\d{2})(\d{2})(?:[ T]?(\d{2})(\d{2})(\d{2})?|[ T](.+))?", re.ASCII)
_SERIAL = re.compile(r"\d{5}(?:\.\d*)?", re.ASCII)
_TIME = re.compile(
    r"(上午|下午)?(\d{1,2})(?:[:时点](?:(\d{1,2})(?:[:分](?:(\d{1,2})(?:\.\d+)?秒?)?)?)?)(?: ?([AaPp])[Mm])?"
    r"(?:Z|[+-]\d{2}:?\d{2})?",
    re.ASCII,
)


@cache
def date_placeholders() -> frozenset[dt.date]:
    """Days that databases and spreadsheets write for no date."""
    return frozenset(map(dt.date.fromisoformat, domain_data()["date_placeholders"]))


class DateReading(NamedTuple):
    """when : None where it is no date; rules, filler as elsewhere."""

    when: dt.datetime | None
    rules: tuple[str, ...] = ()
    filler: bool = False


def read_date_text(raw: str) -> DateReading:
    """A date with or without time, and the rules it met.

    >>> [read_date_text(text).when.isoformat() for text in ("2019-01-02 08:00:00", "2019年1月2日", "43831.5")]
    ['2019-01-02T08:00:00', '2019-01-02T00:00:00', '2020-01-01T12:00:00']
    >>> read_date_text("1/2/2019").rules, read_date_text("2019-02-30").rules
    (('date_ambiguous',), ('date_unreadable',))
    """
    cell = mend_text(raw, _KEPT_BLANK)
    if cell.empty:
        return DateReading(None, cell.rules, cell.filler)
    if cell.scientific:
        return DateReading(None, rules=cell.rules)
    try:
        when, rule = _read(cell.text)
    except (ValueError, OverflowError):
        when, rule = None, ""
    if when is None or not FIRST_YEAR <= when.year <= LAST_YEAR:
        return DateReading(None, (*cell.rules, "date_unreadable"))
    if when.date() in date_placeholders():
        return DateReading(None, (*cell.rules, "date_placeholder"))
    return DateReading(when, (*cell.rules, rule) if rule else cell.rules)


def _read(text: str) -> tuple[dt.datetime | None, str]:
    """The date and the rule of its form; ValueError where a part is out of its range."""
    plain = _PLAIN.fullmatch(text)
    if plain:
        year, month, day, hour, minute, second = (int(part or 0) for part in plain.groups())
        if (hour, minute, second) == (24, 0, 0):
            return dt.datetime(year, month, day) + dt.timedelta(days=1), ""
        return dt.datetime(year, month, day, hour, minute, second), ""
    if _SERIAL.fullmatch(text):
        days = float(text)
        if not _FIRST_SERIAL <= days <= _LAST_SERIAL:
            return None, ""
        return _SERIAL_ORIGIN + dt.timedelta(seconds=round(days * 86400)), "date_serial"
    digits = _DIGITS.fullmatch(text)
    if digits:
        time = digits[7] or (f"{digits[4]}:{digits[5]}:{digits[6] or 0}" if digits[4] else None)
        return _joined(dt.datetime(int(digits[1]), int(digits[2]), int(digits[3])), time), "date_rewritten"
    return _read_written(text)


def _read_written(text: str) -> tuple[dt.datetime | None, str]:
    first = _YEAR_FIRST.fullmatch(text) or _CHINESE.fullmatch(text)
    if first:
        date = dt.datetime(int(first[1]), int(first[3]), int(first[4]))
        return _joined(date, first[5]), "date_rewritten"
    last = _YEAR_LAST.fullmatch(text)
    if not last:
        return None, ""
    one, two, year = int(last[1]), int(last[3]), int(last[4])
    month, day = (two, one) if one > 12 else (one, two)
    rule = "date_ambiguous" if one <= 12 and two <= 12 else "date_rewritten"
    return _joined(dt.datetime(year, month, day), last[5]), rule


def _joined(date: dt.datetime, time: str | None) -> dt.datetime | None:
    if time is None:
        return date
    seconds = read_time(time)
    return None if seconds is None else date + dt.timedelta(seconds=seconds)


def read_time(text: str) -> int | None:
    """Seconds of a time of day, None when it is none; 24:00 is the end of the day.

    >>> read_time("8:05"), read_time("下午3时"), read_time("25:00")
    (29100, 54000, None)
    """
    found = _TIME.fullmatch(text)
    if not found:
        return None
    hour, minute, second = int(found[2]), int(found[3] or 0), int(found[4] or 0)
    half = found[1] or (found[5] or "").upper()
    if half:
        if not 1 <= hour <= 12 and half not in ("上午", "下午"):
            return None
        hour = hour % 12 + 12 * (half in ("下午", "P")) if hour <= 12 else hour
    total = hour * 3600 + minute * 60 + second
    return total if minute < 60 and second < 60 and total <= 86400 else None


def read_hour_text(raw: str) -> tuple[int | None, tuple[str, ...], bool]:
    """Seconds of an hour cell ("8", "8时", "08:30"), the rules it met, and whether it was a filler; 24 ends the day.

    >>> read_hour_text("8时"), read_hour_text("8.0"), read_hour_text("25")
    ((28800, (), False), (28800, ('number_tail',), False), (None, ('number_unreadable',), False))
    """
    cell = mend_text(raw)
    if cell.empty or cell.scientific:
        return None, cell.rules, cell.filler
    text = cell.text
    whole = re.fullmatch(r"([0-9]{1,2})(\.0*)?", text)
    four = re.fullmatch(r"([0-9]{2})([0-9]{2})", text)
    seconds = read_time(f"{whole[1]}:00" if whole else f"{four[1]}:{four[2]}" if four else text)
    if seconds is None:
        return None, (*cell.rules, "number_unreadable"), False
    return seconds, (*cell.rules, "number_tail") if whole and whole[2] else cell.rules, False
