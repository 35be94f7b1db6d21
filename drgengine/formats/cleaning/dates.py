"""Dates and times (日期时间) of a column, plain ones as a whole, odd ones once per distinct text."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from drgengine.cases.issues import BatchIssue
from drgengine.formats.cleaning.cells import (
    Cells,
    Reading,
    Remarks,
    cells_of,
    issue_of,
    masked,
    matches,
    places_array,
    remarks_of,
    text_list,
    truths,
)
from drgengine.formats.cleaning.datetexts import (
    FIRST_YEAR,
    LAST_YEAR,
    date_placeholders,
    read_date_text,
    read_hour_text,
)
from drgengine.formats.cleaning.result import Cleaned

_TIME = pa.timestamp("s")
# Valid as it stands, so that a column can be cast as a whole; 29 February is left to the reading one by one.
_PLAIN = (
    r"^(?:18[89][0-9]|19[0-9]{2}|20[0-9]{2}|2100)-"
    r"(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
    r"(?:[ T](?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]+)?)?)?$"
)
_WRITTEN = (
    r"^(?:[0-9]{4}(?:/[0-9]{1,2}/[0-9]{1,2}|\.[0-9]{1,2}\.[0-9]{1,2}|-[0-9]{1,2}-[0-9]{1,2}|年[0-9]{1,2}月[0-9]{1,2}日)"
    r"(?: [0-9]{1,2}:[0-9]{1,2}(?::[0-9]{1,2})?)?|[0-9]{8})$"
)
_EPOCH = dt.datetime(1970, 1, 1)
_DAY = 86400


class _Texts(NamedTuple):
    """Per distinct text: seconds since 1970, and whether it is a date."""

    seconds: np.ndarray
    known: np.ndarray


def clean_dates(
    values: pa.Array,
    column: str,
    first_row: int,
    *,
    hours: pa.Array | None = None,
    hours_column: str | None = None,
) -> Cleaned:
    """Dates and times out of text, numbers (a spreadsheet's day numbers, 20190102) or typed columns, timestamp[s].

    hours : the hour in a column of its own (N041: RYSJS, CYSJS), 0 to 23, "8时" or "08:30"; it is added where the date
        has no time or midnight
    What is no date, or outside 1880 to 2100, is null. Times keep the clock they were written with; zones are dropped.

    >>> clean_dates(pa.array(["2019-01-02", "2019/1/2 8:05:00", "43831"]), "B12", 1).values.to_pylist()[1]
    datetime.datetime(2019, 1, 2, 8, 5)
    """
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    kind = values.type.value_type if pt.is_dictionary(values.type) else values.type
    if pt.is_date(kind) or pt.is_timestamp(kind):
        seconds, known, issues = _typed(values.cast(kind), column, first_row)
        counted: dict[str, int] = {}
    else:
        cells = cells_of(values)
        remarks, texts = _read_texts(cells)
        issues, counted = remarks_of(
            cells, column, first_row, remarks, lambda at: _shown(int(texts.seconds[at])) if texts.known[at] else ""
        )
        seconds, known = (part[cells.places] for part in texts)
    if hours is not None:
        # Midnight is what a spreadsheet writes behind a date without a time.
        seconds, hour_issues, fillers = _with_hours(
            seconds, known & (seconds % _DAY == 0), hours, hours_column or column, first_row
        )
        issues += hour_issues
        if fillers:
            counted["filler"] = counted.get("filler", 0) + fillers
    return Cleaned(masked(seconds, known, _TIME), issues, counted)


def _read_texts(cells: Cells) -> tuple[Remarks, _Texts]:
    known = matches(cells.texts, _PLAIN)
    seconds = np.zeros(len(cells.texts), dtype=np.int64)
    seconds[known] = _cast(cells.texts.filter(truths(known)))
    remarks = Remarks()
    nothing = known & _placeholders(seconds)
    known &= ~nothing
    if nothing.any():
        remarks.rules["date_placeholder"] = np.flatnonzero(nothing).tolist()
    odd = np.flatnonzero(~known & ~nothing)
    rewritten = _rewritten(cells.texts.take(places_array(odd)))
    sure = matches(rewritten, _PLAIN)
    if sure.any():
        found = _cast(rewritten.filter(truths(sure)))
        real = ~_placeholders(found)
        # The others are read below, one by one.
        sure[sure] = real
        seconds[odd[sure]] = found[real]
        known[odd[sure]] = True
        remarks.rules["date_rewritten"] = odd[sure].tolist()
        odd = odd[~sure]
    for at, raw in zip(odd.tolist(), text_list(cells.texts.take(places_array(odd))), strict=True):
        reading = read_date_text(raw)
        remarks.take(at, Reading(reading.when, reading.rules, reading.filler))
        if reading.when is not None:
            seconds[at] = round((reading.when - _EPOCH).total_seconds())
            known[at] = True
    return remarks, _Texts(seconds, known)


def _placeholders(seconds: np.ndarray) -> np.ndarray:
    """bool[n]: days that stand for no date."""
    return np.isin(seconds // _DAY, [(day - _EPOCH.date()).days for day in date_placeholders()])


def _cast(texts: pa.StringArray) -> np.ndarray:
    # To the second a fraction is refused.
    return pc.utf8_slice_codeunits(texts, 0, 19).cast(_TIME).cast(pa.int64()).to_numpy(zero_copy_only=False)


def _rewritten(texts: pa.StringArray) -> pa.StringArray:
    """The common other forms as YYYY-MM-DD [HH:MM[:SS]], else an empty text; read_date_text gives the same."""
    written = pc.if_else(pc.match_substring_regex(texts, _WRITTEN), texts, "")
    written = pc.replace_substring_regex(written, "[/.年月]", "-")
    written = pc.replace_substring_regex(written, "日", "")
    written = pc.replace_substring_regex(written, r"^([0-9]{4})([0-9]{2})([0-9]{2})$", r"\1-\2-\3")
    return pc.replace_substring_regex(written, r"\b([0-9])\b", r"0\1")


def _shown(seconds: int) -> str:
    when = _EPOCH + dt.timedelta(seconds=seconds)
    return when.isoformat(" ") if seconds % _DAY else when.date().isoformat()


def _typed(values: pa.Array, column: str, first_row: int) -> tuple[np.ndarray, np.ndarray, list[BatchIssue]]:
    if pt.is_timestamp(values.type) and values.type.tz is not None:
        values = pc.local_timestamp(values)
    per_second = {"s": 1, "ms": 1000, "us": 10**6, "ns": 10**9}
    raw = pc.fill_null(values.cast(pa.int32() if pt.is_date32(values.type) else pa.int64()).cast(pa.int64()), 0)
    numbers = raw.to_numpy(zero_copy_only=False)
    if pt.is_date32(values.type):
        seconds = numbers * _DAY
    else:
        unit = "ms" if pt.is_date64(values.type) else values.type.unit
        seconds = numbers // per_second[unit]
    there = values.is_valid().to_numpy(zero_copy_only=False)
    low, high = (int((dt.datetime(year, 1, 1) - _EPOCH).total_seconds()) for year in (FIRST_YEAR, LAST_YEAR + 1))
    outside = there & ((seconds < low) | (seconds >= high))
    nothing = there & _placeholders(seconds)
    issues = []
    for rule, mask in (("date_unreadable", outside), ("date_placeholder", nothing)):
        rows = np.flatnonzero(mask)
        if rows.size:
            shown = [str(text) for text in values.take(places_array(rows)).cast(pa.string()).to_pylist()]
            issues.append(issue_of(column, rule, rows, first_row, shown, [""] * rows.size))
    return seconds, there & ~outside & ~nothing, issues


def _with_hours(
    seconds: np.ndarray, open_: np.ndarray, hours: pa.Array, column: str, first_row: int
) -> tuple[np.ndarray, list[BatchIssue], int]:
    """The hour of its own column put behind the dates without a time."""
    if isinstance(hours, pa.ChunkedArray):
        hours = hours.combine_chunks()
    cells = cells_of(hours)
    readings = [read_hour_text(raw) for raw in text_list(cells.texts)]
    remarks = Remarks()
    for at, (found, rules, filler) in enumerate(readings):
        remarks.take(at, Reading(found, rules, filler))
    after = ["" if found is None else f"{found // 3600:02d}:{found % 3600 // 60:02d}" for found, _, _ in readings]
    issues, counted = remarks_of(cells, column, first_row, remarks, lambda at: after[at])
    added = np.array([found or 0 for found, _, _ in readings], dtype=np.int64)[cells.places]
    return np.where(open_, seconds + added, seconds), issues, counted.get("filler", 0)
