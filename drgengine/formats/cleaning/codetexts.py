"""The distinct texts of code cells, read once each, as arrays to look cells up in."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from drgengine.cases.coerce import plain_text
from drgengine.cases.unreadable import decoded
from drgengine.formats.cleaning.codecell import SPREADSHEET_ERROR, CellOptions, CodeCell, read_cell


@dataclass(slots=True, eq=False)
class Codes:
    """Distinct cleaned codes, each once; number 0 is the empty place."""

    texts: list[str] = field(default_factory=lambda: [""])
    _numbers: dict[str, int] = field(default_factory=lambda: {"": 0})

    def number(self, text: str) -> int:
        """The number of a code, a new one when it is not there yet."""
        found = self._numbers.get(text)
        if found is None:
            found = self._numbers[text] = len(self.texts)
            self.texts.append(text)
        return found


@dataclass(slots=True, eq=False)
class CellTexts:
    """k distinct texts of cells.

    raw, cells : text and what read_cell gives for it
    first : int32[k], number of the first code, 0 for none
    count : int32[k], places the cell takes (1 for an empty one)
    filler, remarked, is_name, lost : bool[k]; remarked: a rule was met; lost: the error of a spreadsheet stood there
    """

    options: CellOptions
    codes: Codes
    raw: list[str]
    cells: list[CodeCell]
    first: np.ndarray
    count: np.ndarray
    filler: np.ndarray
    remarked: np.ndarray
    is_name: np.ndarray
    lost: np.ndarray

    def add(self, raw: str, cell: CodeCell) -> int:
        """One more text with a reading of its own; its number. Call `refresh` when done."""
        self.raw.append(raw)
        self.cells.append(cell)
        return len(self.cells) - 1

    def refresh(self) -> None:
        """Make the arrays as long as the texts."""
        later = read_arrays(self.cells[len(self.first) :], self.codes)
        names = ("first", "count", "filler", "remarked", "is_name", "lost")
        for name, more in zip(names, later, strict=True):
            setattr(self, name, np.concatenate([getattr(self, name), more]))


def read_texts(raw: list[str], options: CellOptions) -> CellTexts:
    """Read all distinct texts."""
    codes = Codes()
    cells = [read_cell(text, options) for text in raw]
    return CellTexts(options, codes, raw, cells, *read_arrays(cells, codes))


def read_arrays(cells: list[CodeCell], codes: Codes) -> tuple[np.ndarray, ...]:
    """first, count, filler, remarked, is_name and lost of some cells."""
    number = codes.number
    return (
        np.array([number(cell.codes[0]) if cell.codes else 0 for cell in cells], dtype=np.int32),
        np.array([len(cell.codes) or 1 for cell in cells], dtype=np.int32),
        np.array([cell.filler for cell in cells], dtype=bool),
        np.array([bool(cell.mended or cell.rule not in ("", SPREADSHEET_ERROR)) for cell in cells], dtype=bool),
        np.array([cell.rule in ("code_is_name", "code_too_long") for cell in cells], dtype=bool),
        np.array([cell.rule == SPREADSHEET_ERROR for cell in cells], dtype=bool),
    )


def encode_together(columns: list[pa.Array]) -> tuple[list[np.ndarray], list[str]]:
    """Numbers int32[n] of every column into one list of distinct texts; a null is an empty text.

    Any type is taken: numbers as their shortest text, bytes that are no UTF-8 with U+FFFD in their place.
    """
    plain = [_as_text(column) for column in columns]
    if any(pa.types.is_dictionary(column.type) for column in plain):
        plain = [c if pa.types.is_dictionary(c.type) else c.dictionary_encode() for c in plain]
        chunks = pa.chunked_array(plain).unify_dictionaries().chunks
    else:
        chunks = pa.chunked_array(plain, pa.string()).dictionary_encode().chunks
    if not chunks:  # no rows
        return [np.zeros(0, dtype=np.int32) for _ in columns], [""]
    dictionary = chunks[-1].dictionary
    try:
        texts: list[str] = pc.fill_null(dictionary, "").to_pylist()
    except UnicodeDecodeError:
        texts = decoded(dictionary)[0].to_pylist()
    empty = pa.scalar(len(texts), pa.int32())
    indices = [pc.fill_null(chunk.indices, empty).to_numpy(zero_copy_only=False) for chunk in chunks]
    return indices, [*texts, ""]


def _as_text(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    try:
        return plain_text(column)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return pa.array([_shown(value) for value in column.to_pylist()], pa.string())


def _shown(value: object) -> str | None:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return None if value is None else str(value)
