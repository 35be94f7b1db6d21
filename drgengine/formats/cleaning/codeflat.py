"""The code cells of a batch in one line, row by row, each with the column and the slot it stands in."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from drgengine.formats.cleaning.codecell import CellOptions, CodeCell, is_filler, read_cell, split_marks, whole_code
from drgengine.formats.cleaning.codeshape import only_code_characters, shape_of
from drgengine.formats.cleaning.codetexts import CellTexts, encode_together, read_texts

NO_COLUMN = -1
_COMMA = re.compile("[,，]")
_PLAIN_LIST = re.compile(r"[0-9A-Za-z.*+|]*")


@dataclass(frozen=True, slots=True)
class CodeSlot:
    """One slot (编码栏位) of a code list.

    place : 0 = principal diagnosis or main procedure
    column : header of the column, for the issues
    codes : its cells, one per row; any type
    names : cells of the name column beside it; looked at only where the code cell holds no code
    added : cells of an added (asterisk) code column, with its header `added_column`
    """

    place: int
    column: str
    codes: pa.Array
    names: pa.Array | None = None
    added: pa.Array | None = None
    added_column: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class FlatCells:
    """m cells of n rows, in the order of the rows and of the places in them; empty cells at a row's end are left out.

    sizes : int64[n], cells of each row
    text : int32[m] into the distinct texts
    place : int32[m], the slot
    source : int32[m] into `columns`, NO_COLUMN for a place that no column feeds
    fillers : cells with a filler, those at the end of rows included
    has_principal : whether a column (the first one) feeds place 0
    lost : (column, rows from 0, texts) of cells with the error of a spreadsheet, those at the end of rows included
    beside : row from 0 -> codes that stand in the name beside an empty first place
    """

    sizes: np.ndarray
    text: np.ndarray
    place: np.ndarray
    source: np.ndarray
    columns: tuple[str, ...]
    fillers: int
    has_principal: bool
    lost: tuple[tuple[str, np.ndarray, np.ndarray], ...] = ()
    beside: Mapping[int, str] = field(default_factory=dict)


def cells_of_slots(slots: Sequence[CodeSlot], options: CellOptions) -> tuple[FlatCells, CellTexts]:
    """The cells of columns with one slot each."""
    slots = sorted(slots, key=lambda slot: slot.place)
    columns: list[tuple[int, str, pa.Array]] = []
    for slot in slots:
        columns.append((slot.place, slot.column, slot.codes))
        if slot.added is not None:
            columns.append((slot.place, slot.added_column or slot.column, slot.added))
    index, raw = encode_together([values for _, _, values in columns])
    texts = read_texts(raw, options)
    behind = [at > 0 and columns[at - 1][0] == columns[at][0] for at in range(len(columns))]
    own = [at for at in range(len(columns)) if not behind[at]]
    for at, slot in zip(own, slots, strict=True):
        if slot.names is not None:
            index[at] = _exchanged(index[at], slot.names, texts)
    texts.refresh()
    found = _beside_principal(index[0], slots[0], texts) if slots and slots[0].place == 0 else {}
    fillers = sum(int(np.count_nonzero(texts.filler[numbers])) for numbers in index)
    lost = tuple(
        (column, rows, numbers[rows])
        for (_, column, _), numbers in zip(columns, index, strict=True)
        if (rows := np.flatnonzero(texts.lost[numbers])).size
    )
    return replace(_in_line(columns, index, behind, texts, fillers), lost=lost, beside=found), texts


def _exchanged(index: np.ndarray, names: pa.Array, texts: CellTexts) -> np.ndarray:
    """Numbers with those of name-and-code cells that changed places (编码与名称写反) in place of the names'."""
    rows = np.flatnonzero((texts.is_name[index] | (texts.first[index] == 0)) & _filled(names))
    if rows.size == 0:
        return index
    beside, distinct = encode_together([names.take(pa.array(rows))])
    found = [whole_code(name, texts.options) for name in distinct]
    # Beside an empty cell a B12 may be the whole of a name; beside a name it is the code.
    sure = np.array(["." in code or code in texts.options.known for code in found])
    taken = np.array([bool(code) for code in found])
    hits = np.where(texts.is_name[index[rows]], taken[beside[0]], sure[beside[0]])
    numbers: dict[tuple[int, int], int] = {}
    index = index.copy()
    for row, name in zip(rows[hits].tolist(), beside[0][hits].tolist(), strict=True):
        key = (int(index[row]), name)
        if key not in numbers:
            numbers[key] = texts.add(texts.raw[key[0]], CodeCell((found[name],), (), "code_name_swapped"))
        index[row] = numbers[key]
    return index


def _filled(names: pa.Array) -> np.ndarray:
    """bool[n], rows whose name is not empty."""
    valid = pc.is_valid(names)
    if pa.types.is_string(names.type) or pa.types.is_large_string(names.type):
        valid = pc.and_(valid, pc.fill_null(pc.greater(pc.binary_length(names), 0), False))
    filled: np.ndarray = np.asarray(valid)
    return filled


def _beside_principal(index: np.ndarray, slot: CodeSlot, texts: CellTexts) -> dict[int, str]:
    """Row -> codes in the text of the name beside an empty first place, to go by."""
    if slot.names is None:
        return {}
    rows = np.flatnonzero((texts.first[index] == 0) & _filled(slot.names))
    if rows.size == 0:
        return {}
    beside, distinct = encode_together([slot.names.take(pa.array(rows))])
    cells = [read_cell(name, texts.options) for name in distinct]
    hints = [" ".join(cell.codes) if cell.rule in ("code_affix", "code_several") else "" for cell in cells]
    return {row: hints[name] for row, name in zip(rows.tolist(), beside[0].tolist(), strict=True) if hints[name]}


def _in_line(
    columns: list[tuple[int, str, pa.Array]],
    index: list[np.ndarray],
    behind: list[bool],
    texts: CellTexts,
    fillers: int,
) -> FlatCells:
    n = index[0].size if index else 0
    filled = [texts.first[numbers] != 0 for numbers in index]
    used = np.zeros(n, dtype=np.int32)
    for (place, _, _), mask in zip(columns, filled, strict=True):
        used[mask] = place + 1
    steps = _steps([place for place, _, _ in columns], behind)
    kept = [np.flatnonzero(filled[at] if at >= 0 and behind[at] else used > place) for place, at in steps]
    sizes = np.zeros(n, dtype=np.int64)
    for rows in kept:
        sizes[rows] += 1
    cursor = np.cumsum(sizes) - sizes
    m = int(sizes.sum())
    text, places, source = (np.empty(m, dtype=np.int32) for _ in range(3))
    empty = len(texts.first) - 1 if not texts.raw else texts.raw.index("")
    for (place, at), rows in zip(steps, kept, strict=True):
        where = cursor[rows]
        text[where] = index[at][rows] if at >= 0 else empty
        places[where] = place
        source[where] = at
        cursor[rows] = where + 1
    return FlatCells(
        sizes,
        text,
        places,
        source,
        tuple(column for _, column, _ in columns),
        fillers,
        bool(columns) and columns[0][0] == 0,
    )


def _steps(places: list[int], behind: list[bool]) -> list[tuple[int, int]]:
    """(place, column number) in the order of the places; NO_COLUMN for a place that is skipped."""
    steps: list[tuple[int, int]] = []
    following = 0
    for at, place in enumerate(places):
        if not behind[at]:
            steps += [(skipped, NO_COLUMN) for skipped in range(following, place)]
            following = place + 1
        steps.append((place, at))
    return steps


def cells_of_list(values: pa.Array, column: str, options: CellOptions) -> tuple[FlatCells, CellTexts]:
    """The cells of a column that holds a whole list: a list column, or text with separators."""
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    kind = values.type
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        sizes = pc.fill_null(pc.list_value_length(values), 0).to_numpy(zero_copy_only=False).astype(np.int64)
        index, raw = encode_together([values.flatten()])
        return _trimmed(sizes, index[0], column, read_texts(raw, options))
    index, raw = encode_together([values])
    lists = [split_list(text, options) for text in raw]
    lengths = np.array([len(found) for found in lists], dtype=np.int64)
    numbers: dict[str, int] = {}
    elements = np.array([numbers.setdefault(t, len(numbers)) for found in lists for t in found], dtype=np.int32)
    sizes = lengths[index[0]]
    starts = (np.cumsum(lengths) - lengths)[index[0]]
    flat = elements[_within(sizes) + np.repeat(starts, sizes)]
    return _trimmed(sizes, flat, column, read_texts(list(numbers), options))


def split_list(text: str, options: CellOptions) -> list[str]:
    """A delimited cell (多编码单元格) as its elements, blanks around them removed.

    >>> options = CellOptions("dx", frozenset())
    >>> split_list("I10.x00|E11.900;C34.900、M8140/3 Z51.103", options)
    ['I10.x00', 'E11.900', 'C34.900', 'M8140/3', 'Z51.103']
    """
    plain = options.separators == "auto" and _PLAIN_LIST.fullmatch(text)
    if plain or is_filler(text.strip()):
        return text.split("|") if plain else [text]
    elements = [element.strip() for element in split_marks(text, options, commas=False)]
    if options.separators == "auto":
        elements = [piece for element in elements for piece in _at_commas(element, options)]
    else:
        return elements
    shape = shape_of(options.kind)
    found: list[str] = []
    for element in elements:
        run = shape.run.fullmatch(element)
        found += [match.group() for match in shape.inside.finditer(element)] if run else [element]
    return found


def _at_commas(element: str, options: CellOptions) -> list[str]:
    """Cut at commas, unless one of them stands for a dot, as in I21,900."""
    pieces = [piece.strip() for piece in _COMMA.split(element)]
    shape = shape_of(options.kind)
    odd = any(only_code_characters(p) and not shape.whole.fullmatch(p) and any(map(str.isdigit, p)) for p in pieces)
    return [element] if odd else pieces


def _trimmed(sizes: np.ndarray, text: np.ndarray, column: str, texts: CellTexts) -> tuple[FlatCells, CellTexts]:
    """Cells without the empty ones at the end of each row."""
    place = _within(sizes)
    row = np.repeat(np.arange(sizes.size), sizes)
    filled = np.flatnonzero(texts.first[text] != 0)
    used = np.zeros(sizes.size, dtype=np.int64)
    used[row[filled]] = place[filled] + 1  # the last filled one of a row stays
    keep = place < used[row]
    fillers = int(np.count_nonzero(texts.filler[text]))
    at = np.flatnonzero(texts.lost[text])
    lost = ((column, row[at], text[at]),) if at.size else ()
    text, place = text[keep], place[keep].astype(np.int32)
    return FlatCells(used, text, place, np.zeros(text.size, dtype=np.int32), (column,), fillers, True, lost), texts


def _within(sizes: np.ndarray) -> np.ndarray:
    """0, 1, 2 ... for each row of so many cells."""
    ends = np.cumsum(sizes)
    total = int(ends[-1]) if sizes.size else 0
    within: np.ndarray = np.arange(total) - np.repeat(ends - sizes, sizes)
    return within
