"""Values of single columns -> plain numbers (类型转换), and the rows that could not be read."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from drgengine.cases.issues import BatchIssue
from drgengine.cases.vocabulary import column_data

_NUMBER = re.compile(r"[+-]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d*)?(?:e[+-]?\d+)?")
_NUMBER_UNIT = re.compile(r"(?P<number>[+-]?[\d.,]+)\s*(?P<unit>[^\d\s.,]\S*)")
_DURATION = re.compile(r"(\d+)/(\d+)/(\d+)")
_EPOCH = dt.date(1970, 1, 1).toordinal()

# What one distinct text gives: the number (NaN = missing) and the rule to report, "" for none.
Reading = tuple[float, str]


def plain_text(values: pa.Array) -> pa.Array:
    """Any text, dictionary or null array as string or dictionary<int32, string>."""
    kind = values.type
    if pt.is_string(kind):
        return values
    if pt.is_dictionary(kind):
        if pt.is_string(kind.value_type) and pt.is_int32(kind.index_type):
            return values
        indices, dictionary = values.indices.cast(pa.int32()), values.dictionary.cast(pa.string())
        return pa.DictionaryArray.from_arrays(indices, dictionary)
    return values.cast(pa.string())


def distinct(values: pa.Array) -> tuple[np.ndarray, pa.StringArray]:
    """Positions int32[n] into the distinct texts; a null element points to an empty text at the end."""
    encoded = plain_text(values)
    if not pt.is_dictionary(encoded.type):
        encoded = encoded.dictionary_encode()
    dictionary = encoded.dictionary
    if dictionary.null_count:
        dictionary = pc.fill_null(dictionary, "")
    indices = encoded.indices
    if indices.null_count:
        indices = pc.fill_null(indices, pa.scalar(len(dictionary), pa.int32()))
        dictionary = pa.concat_arrays([dictionary, pa.repeat("", 1)])
    return indices.to_numpy(zero_copy_only=False), dictionary


def issue_at(column: str, rule: str, positions: np.ndarray, first_row: int, values: list[str]) -> BatchIssue:
    """An issue at batch positions; `values` is parallel to them."""
    return BatchIssue(column, rule, positions.astype(np.int64) + first_row, values)


def read_sex(values: pa.Array, column: str, first_row: int) -> tuple[np.ndarray, list[BatchIssue]]:
    """int8[n]: 1 male (男), 2 female (女), 0 anything else or missing; unreadable values are reported."""
    words = column_data()["values"]["sex"]
    numbers, issues = _read(values, column, first_row, lambda text: _read_sex_word(text, words))
    codes = (numbers == 1).astype(np.int8) + 2 * (numbers == 2).astype(np.int8)
    if not is_textual(values.type):
        issues = _issues_where(values, column, first_row, {"sex_unreadable": ~np.isnan(numbers) & (codes == 0)})
    return codes, issues


def _read_sex_word(text: str, words: dict[str, int]) -> Reading:
    word = unicodedata.normalize("NFKC", text).strip().casefold()
    if not word:
        return 0.0, ""
    code = words.get(re.sub(r"\.0*$|\s+", "", word), 0)
    return float(code), "" if code else "sex_unreadable"


def read_number(values: pa.Array, name: str, column: str, first_row: int) -> tuple[np.ndarray, list[BatchIssue]]:
    """float64[n] of the canonical column `name`, NaN = missing; limits and units: data/columns.toml."""
    limits = column_data()["number"][name]
    words = column_data()["values"].get(name, {})
    numbers, issues = _read(values, column, first_row, lambda text: read_number_text(text, limits, words))
    found = _outside(numbers, limits, pt.is_integer(values.type))
    return numbers, issues + _issues_where(values, column, first_row, found)


def read_number_text(text: str, limits: dict[str, Any], words: dict[str, int]) -> Reading:
    """One text as a number.

    >>> years = {"units": ["岁"], "smaller_units": ["月"], "smaller": "age_not_in_years"}
    >>> [read_number_text(text, years, {}) for text in ("45岁", "1,234.5", "3月")]
    [(45.0, ''), (1234.5, ''), (0.0, 'age_not_in_years')]
    """
    word = unicodedata.normalize("NFKC", text).strip().casefold()
    if not word:
        return np.nan, ""
    if word in column_data()["values"]["missing"]:
        return np.nan, "number_placeholder"
    if word in words:
        return float(words[word]), ""
    number = _plain_number(word)
    if number is not None:
        return number, ""
    match = _NUMBER_UNIT.fullmatch(word)
    if match:
        number = _plain_number(match["number"])
        if number is not None and match["unit"] in limits["units"]:
            return number, ""
        if number is not None and match["unit"] in limits.get("smaller_units", ()):
            return (0.0 if number >= 0 else np.nan), limits["smaller"]
    duration = _DURATION.fullmatch(word) if limits.get("duration") else None
    if duration:
        days, hours, minutes = map(int, duration.groups())
        return days * 24 + hours + minutes / 60, ""
    return np.nan, "number_unreadable"


def _plain_number(word: str) -> float | None:
    if not _NUMBER.fullmatch(word) or not any(ch.isdigit() for ch in word):
        return None
    try:
        number = float(word.replace(",", ""))
    except ValueError:
        return None
    return number if np.isfinite(number) else None


def read_stay(
    admission: pa.Array, discharge: pa.Array, columns: tuple[str, str], first_row: int
) -> tuple[np.ndarray, list[BatchIssue]]:
    """Length of stay float64[n] (住院天数): discharge minus admission in days, the same day is 1.

    columns : names of the two input columns. NaN where a date is missing or discharge lies before admission.
    """
    start, issues = read_date(admission, columns[0], first_row)
    end, end_issues = read_date(discharge, columns[1], first_row)
    stay = end - start
    stay[stay == 0] = 1
    reversed_dates = {"discharge_before_admission": stay < 0}
    issues = issues + end_issues + _issues_where(discharge, columns[1], first_row, reversed_dates)
    stay[stay < 0] = np.nan
    return stay, issues


def read_date(values: pa.Array, column: str, first_row: int) -> tuple[np.ndarray, list[BatchIssue]]:
    """Days since 1970-01-01 as float64[n], NaN = missing, from date, timestamp or ISO text columns."""
    kind = values.type.value_type if pt.is_dictionary(values.type) else values.type
    if is_textual(kind):
        # Times differ row by row; the date and the sign after it are enough to tell a date.
        cut = pc.utf8_slice_codeunits(pc.utf8_trim_whitespace(values.cast(pa.string())), 0, 11)
        return _read(cut, column, first_row, _read_iso_date, shown=values)
    if pt.is_dictionary(values.type):
        values = values.cast(kind)
    if pt.is_timestamp(kind) and kind.tz is not None:
        values = pc.local_timestamp(values)
    if not pt.is_date32(kind):
        values = pc.floor_temporal(values, unit="day") if pt.is_timestamp(kind) else values
        values = values.cast(pa.date32())
    return _float_values(values.view(pa.int32())), []


def _read_iso_date(text: str) -> Reading:
    if not text:
        return np.nan, ""
    if text.casefold() in column_data()["values"]["missing"]:
        return np.nan, "number_placeholder"
    if text[4:5] == text[7:8] == "-" and text[10:] in ("", "T", " "):
        try:
            return float(dt.date.fromisoformat(text[:10]).toordinal() - _EPOCH), ""
        except ValueError:
            pass
    return np.nan, "date_unreadable"


def _read(
    values: pa.Array,
    column: str,
    first_row: int,
    read_text: Callable[[str], Reading],
    shown: pa.Array | None = None,
) -> tuple[np.ndarray, list[BatchIssue]]:
    """Numbers of a column: numeric values as they stand, text through `read_text` once per distinct text."""
    kind = values.type
    if pt.is_dictionary(kind) and not is_textual(kind):
        values, kind = values.cast(kind.value_type), kind.value_type
    if not is_textual(kind):
        numbers = _float_values(values)
        infinite = np.isinf(numbers)
        if not infinite.any():
            return numbers, []
        issues = _issues_where(values, column, first_row, {"number_unreadable": infinite})
        numbers[infinite] = np.nan
        return numbers, issues
    index, texts = distinct(values)
    readings = [read_text(text) for text in texts.to_pylist()]
    table = np.array([number for number, _ in readings], dtype=np.float64)
    found = {
        rule: np.array([rule == other for _, other in readings])[index]
        for rule in sorted({rule for _, rule in readings} - {""})
    }
    return table[index], _issues_where(values if shown is None else shown, column, first_row, found)


def _outside(numbers: np.ndarray, limits: dict[str, Any], whole: bool) -> dict[str, np.ndarray]:
    """Apply the limits in place; rule -> bool[n] of the rows it met."""
    found: dict[str, np.ndarray] = {}
    if numbers.size == 0:
        return found
    lowest, highest = np.fmin.reduce(numbers), np.fmax.reduce(numbers)
    low, high = limits.get("minimum", -np.inf), limits.get("maximum", np.inf)
    doubtful = limits.get("doubtful_below", -np.inf)
    if lowest < low:
        found[limits["below"]] = numbers < low
    if highest > high:
        above = numbers > high
        found[limits["above"]] = found[limits["above"]] | above if limits["above"] in found else above
    for outside in list(found.values()):
        numbers[outside] = np.nan
    if "whole" in limits and not whole:
        cut = np.floor(numbers)
        broken = cut < numbers
        if broken.any():
            found[limits["whole"]] = found.get(limits["whole"], False) | broken
            numbers[:] = cut
    if lowest < doubtful:
        found[limits["doubtful"]] = numbers < doubtful
    return found


def _issues_where(values: pa.Array, column: str, first_row: int, found: dict[str, np.ndarray]) -> list[BatchIssue]:
    issues = []
    for rule, mask in found.items():
        positions = np.flatnonzero(mask)
        if positions.size:
            issues.append(issue_at(column, rule, positions, first_row, _shown_values(values, positions)))
    return issues


def _shown_values(values: pa.Array, positions: np.ndarray) -> list[str]:
    # Built from a buffer, as pa.array would load pandas.
    places = pa.Array.from_buffers(pa.int64(), positions.size, [None, pa.py_buffer(positions.astype(np.int64))])
    values = (plain_text(values) if is_textual(values.type) else values).take(places)
    if pt.is_timestamp(values.type):
        # Nanoseconds have no Python type of their own.
        values = values.cast(pa.timestamp("us", values.type.tz), safe=False)
    return ["" if value is None else str(value) for value in values.to_pylist()]


def _float_values(values: pa.Array) -> np.ndarray:
    if values.null_count == 0 and not pt.is_decimal(values.type):
        return np.array(values.to_numpy(zero_copy_only=False), dtype=np.float64)
    filled = pc.fill_null(values.cast(pa.float64(), safe=False), np.nan)
    return np.array(filled.to_numpy(zero_copy_only=False))


def is_textual(kind: pa.DataType) -> bool:
    kind = kind.value_type if pt.is_dictionary(kind) else kind
    return pt.is_string(kind) or pt.is_large_string(kind) or pt.is_string_view(kind) or pt.is_null(kind)
