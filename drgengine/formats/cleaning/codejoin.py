"""Codes out of the cells of a batch: several out of one cell, dagger and asterisk code (剑号星号) out of two."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from drgengine.formats.cleaning.codeflat import FlatCells
from drgengine.formats.cleaning.codeshape import ends_as_asterisk, takes_asterisk
from drgengine.formats.cleaning.codetexts import CellTexts


@dataclass(frozen=True, slots=True, eq=False)
class FlatCodes:
    """The codes of n rows in one line.

    row, cell : int64[m], the row and the cell each came from
    code : int32[m] into the distinct codes
    joined : cells whose code took an asterisk code from another cell; joined_to : the code that gave, parallel
    """

    row: np.ndarray
    cell: np.ndarray
    code: np.ndarray
    joined: np.ndarray
    joined_to: np.ndarray


def codes_of(cells: FlatCells, texts: CellTexts) -> FlatCodes:
    """The codes of all cells, an asterisk code joined to the code right before it in its row (diagnoses only)."""
    cell, code = _expanded(cells, texts)
    row = np.repeat(np.arange(cells.sizes.size), cells.sizes)[cell]
    none = np.zeros(0, dtype=np.int64)
    if texts.options.kind != "dx":
        return FlatCodes(row, cell, code, none, none)
    lone = np.array([ends_as_asterisk(text) for text in texts.codes.texts], dtype=bool)
    at = np.flatnonzero(lone[code]) if lone.any() else none
    at = at[at > 0]
    at = at[row[at] == row[at - 1]]
    before, pairs = np.unique(code[at - 1], return_inverse=True)
    takes = np.array([takes_asterisk(texts.codes.texts[number]) for number in before.tolist()], dtype=bool)
    at = at[takes[pairs]] if at.size else at
    if at.size == 0:
        return FlatCodes(row, cell, code, none, none)
    made = _joined(code[at - 1], code[at], texts)
    code[at - 1] = made
    apart = cell[at - 1] != cell[at]
    joined, joined_to = cell[at - 1][apart], made[apart]
    return FlatCodes(np.delete(row, at), np.delete(cell, at), np.delete(code, at), joined, joined_to)


def _expanded(cells: FlatCells, texts: CellTexts) -> tuple[np.ndarray, np.ndarray]:
    """Cell and code of every place; a cell with several codes stands once per code."""
    count = texts.count[cells.text]
    code = texts.first[cells.text]
    if not np.any(count > 1):
        return np.arange(cells.text.size), code
    cell = np.repeat(np.arange(cells.text.size), count)
    code = code[cell]
    starts = np.cumsum(count) - count
    within = np.arange(cell.size) - starts[cell]
    for at in np.flatnonzero(within).tolist():
        code[at] = texts.codes.number(texts.cells[cells.text[cell[at]]].codes[within[at]])
    return cell, code


def _joined(first: np.ndarray, second: np.ndarray, texts: CellTexts) -> np.ndarray:
    """The numbers of first+second, once per distinct pair."""
    pairs, inverse = np.unique(np.stack([first, second]), axis=1, return_inverse=True)
    names = texts.codes.texts
    made = [texts.codes.number(f"{names[a]}+{names[b]}") for a, b in pairs.T.tolist()]
    return np.array(made, dtype=np.int32)[inverse.reshape(-1)]
