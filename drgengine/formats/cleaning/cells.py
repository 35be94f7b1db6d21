"""The distinct texts of a column, read once each, and the remarks of all its rows (逐值清洗)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from drgengine.cases.coerce import distinct, is_textual
from drgengine.cases.columns import is_number
from drgengine.cases.issues import BatchIssue
from drgengine.formats.cleaning.result import Cleaned

# A double keeps fifteen decimal digits: of a longer identifier the last ones are gone.
_DIGITS_KEPT = 1e15


class Reading(NamedTuple):
    """What one distinct text gives: the value (None = none), the rules met, and whether it was a filler."""

    value: Any
    rules: tuple[str, ...] = ()
    filler: bool = False


class Cells(NamedTuple):
    """places : int32[n] into texts; texts : distinct raw texts without nulls, an empty text for a null."""

    places: np.ndarray
    texts: pa.StringArray


@dataclass(slots=True)
class Remarks:
    """Which distinct texts met a rule: rule -> positions in the texts; fillers: positions of fillers."""

    rules: dict[str, list[int]] = field(default_factory=dict)
    fillers: list[int] = field(default_factory=list)

    def take(self, position: int, reading: Reading) -> None:
        """Note what the text at a position met."""
        for rule in reading.rules:
            self.rules.setdefault(rule, []).append(position)
        if reading.filler:
            self.fillers.append(position)


def cells_of(values: pa.Array | pa.ChunkedArray) -> Cells:
    """Any column as distinct texts; numbers as their shortest text, whole ones without a dot."""
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    kind = values.type.value_type if pt.is_dictionary(values.type) else values.type
    if pt.is_dictionary(values.type) and not is_textual(kind):
        values = values.cast(kind)
    if is_number(kind):
        values = _number_texts(values)
    elif pt.is_binary(kind) or pt.is_large_binary(kind):
        values = pa.array([None if raw is None else raw.decode("utf-8", "replace") for raw in values.to_pylist()])
        values = values.cast(pa.string())
    elif not is_textual(kind):
        values = values.cast(pa.string())
    return Cells(*distinct(values))


def _number_texts(values: pa.Array) -> pa.Array:
    if pt.is_integer(values.type):
        return values.cast(pa.string())
    encoded = values.cast(pa.float64(), safe=False).dictionary_encode()
    texts = [_number_text(number) for number in encoded.dictionary.to_pylist()]
    return pa.DictionaryArray.from_arrays(encoded.indices, pa.array(texts, pa.string()))


def _number_text(number: float | None) -> str:
    if number is None or number != number:
        return ""
    if abs(number) >= _DIGITS_KEPT:
        return "inf" if np.isinf(number) else f"{number:.2E}"
    return f"{number:.0f}" if number == int(number) else np.format_float_positional(number, trim="-")


def text_list(texts: pa.Array) -> list[str]:
    """Texts as a list; bytes that are no UTF-8 as U+FFFD; null as an empty text."""
    try:
        return [text or "" for text in texts.to_pylist()]
    except UnicodeDecodeError:
        return [(raw or b"").decode("utf-8", "replace") for raw in texts.cast(pa.binary()).to_pylist()]


def read_cells(
    cells: Cells,
    column: str,
    first_row: int,
    read: Callable[[str], Reading],
    kind: pa.DataType,
    shown: Callable[[Any], str] = str,
) -> Cleaned:
    """A column whose distinct texts are read one by one.

    read : text -> Reading; shown : cleaned value -> its text in the issues
    """
    readings = [read(text) for text in text_list(cells.texts)]
    remarks = Remarks()
    for position, reading in enumerate(readings):
        if reading.rules or reading.filler:
            remarks.take(position, reading)
    table = pa.array([reading.value for reading in readings], kind)
    issues, counted = remarks_of(
        cells, column, first_row, remarks, lambda at: "" if readings[at].value is None else shown(readings[at].value)
    )
    return Cleaned(table.take(places_array(cells.places)), issues, counted)


def remarks_of(
    cells: Cells, column: str, first_row: int, remarks: Remarks, cleaned: Callable[[int], str]
) -> tuple[list[BatchIssue], dict[str, int]]:
    """The issues of all rows and the counted fillers; cleaned : position of a text -> what became of it."""
    issues = []
    for rule, positions in remarks.rules.items():
        rows = np.flatnonzero(_holds(cells, positions))
        if rows.size:
            at = cells.places[rows]
            raw = dict(zip(positions, text_list(cells.texts.take(places_array(positions))), strict=True))
            after = {position: cleaned(position) for position in positions}
            issues.append(issue_of(column, rule, rows, first_row, [raw[p] for p in at], [after[p] for p in at]))
    fillers = int(np.count_nonzero(_holds(cells, remarks.fillers))) if remarks.fillers else 0
    return issues, {"filler": fillers} if fillers else {}


def issue_of(
    column: str,
    rule: str,
    rows: np.ndarray,
    first_row: int,
    raw: list[str],
    cleaned: list[str] | None,
    hints: list[str] | None = None,
) -> BatchIssue:
    """An issue at batch positions `rows`."""
    return BatchIssue(column, rule, rows.astype(np.int64) + first_row, raw, cleaned, hints)


def places_array(places: Sequence[int] | np.ndarray) -> pa.Array:
    """Positions as an Arrow array for take; built from a buffer, as pa.array would load pandas."""
    flat = np.ascontiguousarray(places, dtype=np.int64)
    return pa.Array.from_buffers(pa.int64(), flat.size, [None, pa.py_buffer(flat)])


def truths(mask: np.ndarray) -> pa.Array:
    """bool[n] as an Arrow array, without loading pandas."""
    return pa.Array.from_buffers(pa.uint8(), mask.size, [None, pa.py_buffer(mask.astype(np.uint8))]).cast(pa.bool_())


def masked(numbers: np.ndarray, known: np.ndarray, kind: pa.DataType) -> pa.Array:
    """Numbers as an Arrow array of a kind of the same width, null where not known."""
    values = pa.Array.from_buffers(kind, numbers.size, [None, pa.py_buffer(np.ascontiguousarray(numbers))])
    return values if known.all() else pc.if_else(truths(known), values, pa.scalar(None, kind))


def _holds(cells: Cells, positions: list[int]) -> np.ndarray:
    mask = np.zeros(len(cells.texts), dtype=bool)
    mask[positions] = True
    return mask[cells.places]


def matches(texts: pa.StringArray, pattern: str) -> np.ndarray:
    """bool[n]: texts that match a regular expression (RE2)."""
    return pc.match_substring_regex(texts, pattern).to_numpy(zero_copy_only=False)
