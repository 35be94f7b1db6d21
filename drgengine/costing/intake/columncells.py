"""The cells of one column of a file, by distinct value: values, blanks, and what cannot be read."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from drgengine.costing.intake.cells import BadCellError, reader_of
from drgengine.costing.intake.vocabulary import CODE_KINDS, Column

Positions = npt.NDArray[np.int64]
MOST_BAD_CELLS = 20
_FLOAT_CODE = re.compile(r"\d+\.0+")
_FRACTION = re.compile(r"\d+\.\d*[1-9]\d*")


@dataclass(frozen=True, slots=True)
class BadValue:
    """A text that a column cannot hold, why, and the rows it stands in (positions, from 0)."""

    column: str
    text: str
    why: str
    remedy: str
    positions: Positions


def read_column(column: Column, array: Any, factor: float) -> tuple[Any, npt.NDArray[np.bool_], list[BadValue]]:
    """Values (null where blank or bad), which cells are blank, and the bad ones by distinct value."""
    if column.kind == "number":
        quick = _quick_numbers(array, factor, column.minimum)
        if quick is not None:
            return quick, np.isnan(quick), []
    index, texts = distinct_texts(array)
    read = reader_of(column, factor)
    if column.kind in CODE_KINDS:
        read = partial(_read_code, read=read, float_codes=are_float_codes(texts))
    cells: list[Any] = []
    wrong: dict[int, BadCellError] = {}
    for at, text in enumerate(texts):
        try:
            cells.append(read(text))
        except BadCellError as error:
            wrong[at] = error
            cells.append(None)
    spread = np.empty(len(cells), dtype=object)
    spread[:] = cells
    blank_texts = np.array([cell is None and at not in wrong for at, cell in enumerate(cells)], dtype=bool)
    bad = [
        BadValue(column.name, texts[at], cause.why, cause.remedy, np.flatnonzero(index == at))
        for at, cause in list(wrong.items())[: MOST_BAD_CELLS + 1]
    ]
    rest = list(wrong)[MOST_BAD_CELLS + 1 :]
    if rest:
        first, where = wrong[rest[0]], np.flatnonzero(np.isin(index, rest))
        bad.append(BadValue(column.name, texts[rest[0]], first.why, first.remedy, where))
    return spread[index], blank_texts[index], bad


def _quick_numbers(array: Any, factor: float, minimum: float | None) -> npt.NDArray[np.float64] | None:
    """Plain numbers all at once; None when a cell needs a closer look."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.types as pt

    kind = array.type.value_type if pt.is_dictionary(array.type) else array.type
    try:
        values = array.cast(kind)
        if pt.is_string(kind) or pt.is_large_string(kind):
            trimmed = pc.utf8_trim_whitespace(values)
            values = pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, kind), trimmed)
        elif not (pt.is_integer(kind) or pt.is_floating(kind) or pt.is_decimal(kind) or pt.is_null(kind)):
            return None
        floats = values.cast(pa.float64()) if not pt.is_decimal(kind) else values.cast(pa.float64(), safe=False)
    except pa.ArrowException:
        return None
    numbers: npt.NDArray[np.float64] = np.array(floats.to_numpy(), dtype=np.float64) * factor
    textual = pt.is_string(kind) or pt.is_large_string(kind)
    if np.isinf(numbers).any() or (textual and int(np.isnan(numbers).sum()) != floats.null_count):
        return None
    if minimum is not None and (numbers < minimum).any():
        return None
    return numbers


def distinct_texts(array: Any) -> tuple[Positions, list[str]]:
    """Positions int64[n] into the distinct texts of an Arrow column of any type; null is an empty text."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.types as pt

    kind = array.type
    if pt.is_dictionary(kind):
        array, kind = array.cast(kind.value_type), kind.value_type
    if pt.is_nested(kind):
        array = pa.array([_joined(cell) for cell in array.to_pylist()], pa.string())
        kind = array.type
    encoded = (array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array).dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    dictionary = [_shown(value) for value in encoded.dictionary.to_pylist()]
    indices = pc.fill_null(encoded.indices, len(dictionary)).to_numpy(zero_copy_only=False).astype(np.int64)
    return indices, [*dictionary, ""]


def _joined(cell: Any) -> str:
    return ";".join(str(value) for value in cell if value is not None) if isinstance(cell, list) else ""


def _shown(value: Any) -> str:
    """A cell of any type as a spreadsheet would show it, whole numbers without .0."""
    if isinstance(value, str):
        return value
    if value is None or value != value:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if hasattr(value, "isoformat"):
        return str(value.isoformat(sep=" ") if hasattr(value, "hour") else value.isoformat())[:19]
    return str(value)


def are_float_codes(texts: list[str]) -> bool:
    """True when codes went through a number column: some end in .0 and none has another fraction."""
    return any(_FLOAT_CODE.fullmatch(text.strip()) for text in texts) and not any(
        _FRACTION.fullmatch(text.strip()) for text in texts
    )


def _read_code(text: str, read: Callable[[str], Any], float_codes: bool) -> Any:
    code = read(text)
    return code.partition(".")[0] if code and float_codes and _FLOAT_CODE.fullmatch(code) else code


def float_codes(texts: list[str]) -> list[str]:
    """The texts that look like codes which went through a number column, e.g. 12.0; none when they are meant so."""
    return [text for text in texts if _FLOAT_CODE.fullmatch(text.strip())] if are_float_codes(texts) else []
