"""Identifiers and department codes (标识号、科别代码), which spreadsheets take for numbers."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa

from drgengine.formats.cleaning.cells import (
    Cells,
    Reading,
    Remarks,
    cells_of,
    matches,
    places_array,
    read_cells,
    remarks_of,
    text_list,
)
from drgengine.formats.cleaning.result import Cleaned
from drgengine.formats.cleaning.texts import mend_text

# A digit in it, so that no word for nothing is among them.
_PLAIN = r"^[A-Za-z]*[0-9][0-9A-Za-z]*$"
_TAIL = re.compile(r"([0-9]+)\.0+")
_DEPARTMENT = re.compile(r"([0-9]{1,2})(?:\.([0-9]{1,2}))?")


def clean_identifier(values: pa.Array, column: str, first_row: int) -> Cleaned:
    """Identifiers as text (病案号、住院次数、机构代码), string; a spreadsheet's ".0" is cut.

    1.23E+17 has lost digits and is null. Numbers (typed columns) are written without a dot; from 10^15 on a float
    has lost digits too.

    >>> clean_identifier(pa.array(["00123", "123.0", "1.23E+17", "-"]), "BAH", 1).values.to_pylist()
    ['00123', '123', None, None]
    """
    cells = cells_of(values)
    odd = ~matches(cells.texts, _PLAIN)
    return _clean_odd(cells, column, first_row, odd.nonzero()[0].tolist())


def _clean_odd(cells: Cells, column: str, first_row: int, odd: list[int]) -> Cleaned:
    """Plain identifiers stay as they are, without a look at each of them."""
    if not odd:
        return Cleaned(cells.texts.take(places_array(cells.places)))
    remarks = Remarks()
    after: dict[int, str | None] = {}
    for at, raw in zip(odd, text_list(cells.texts.take(places_array(odd))), strict=True):
        reading = _read_identifier(raw)
        after[at] = reading.value
        remarks.take(at, reading)
    moved = np.arange(len(cells.texts), dtype=np.int64)
    moved[odd] = len(cells.texts) + np.arange(len(odd))
    texts = pa.concat_arrays([cells.texts, pa.array([after[at] for at in odd], pa.string())])
    issues, counted = remarks_of(cells, column, first_row, remarks, lambda at: after[at] or "")
    return Cleaned(texts.take(places_array(moved[cells.places])), issues, counted)


def _read_identifier(raw: str) -> Reading:
    cell = mend_text(raw, identifier=True)
    if cell.empty:
        return Reading(None, cell.rules, cell.filler)
    if cell.scientific:
        return Reading(None, cell.rules)
    tail = _TAIL.fullmatch(cell.text)
    return Reading(tail[1], (*cell.rules, "number_tail")) if tail else Reading(cell.text, cell.rules)


def clean_department(values: pa.Array, column: str, first_row: int) -> Cleaned:
    """Department codes or names (科别), string; "3.1" and "3.01" become "03.01".

    Only one or two parts of one or two digits are completed, where a part has one digit.

    >>> clean_department(pa.array(["3.1", "03.01", "3", "心内科"]), "CYKB", 1).values.to_pylist()
    ['03.01', '03.01', '03', '心内科']
    """
    return read_cells(cells_of(values), column, first_row, _read_department, pa.string())


def _read_department(raw: str) -> Reading:
    reading = _read_identifier(raw)
    parts = _DEPARTMENT.fullmatch(reading.value) if isinstance(reading.value, str) else None
    if parts and any(len(part) == 1 for part in parts.groups() if part):
        whole = ".".join(part.zfill(2) for part in parts.groups() if part)
        common = tuple(rule for rule in reading.rules if rule != "number_tail")
        return Reading(whole, (*common, "department_zeros_lost"))
    return reading
