"""Cleaning of code lists (编码清洗): diagnoses and procedures of front pages and settlement lists."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from drgengine.cases.issues import BatchIssue
from drgengine.formats.cleaning.codecell import SPREADSHEET_ERROR, CellOptions, Plus, quoted
from drgengine.formats.cleaning.codeflat import NO_COLUMN, CodeSlot, FlatCells, cells_of_list, cells_of_slots
from drgengine.formats.cleaning.codejoin import FlatCodes, codes_of
from drgengine.formats.cleaning.codeshape import Kind
from drgengine.formats.cleaning.codetexts import CellTexts
from drgengine.formats.cleaning.result import CleanedCodes

_HINTED = ("code_short", "code_malformed")
_UNCHANGED = (*_HINTED, "code_is_name", "code_too_long", "code_plus_ambiguous")
_LAST_SLOT = np.iinfo(np.int16).max


def clean_codes(
    slots: Sequence[CodeSlot],
    kind: Kind = "dx",
    first_row: int = 1,
    *,
    known: frozenset[str],
    separators: str = "auto",
    plus: Plus = "auto",
) -> CleanedCodes:
    """Clean columns with one slot each (诊断栏位、手术栏位), e.g. JBDM, JBDM1 .. JBDM15.

    slots : in any order; a place that no slot has stays empty
    kind : "dx" or "proc"
    first_row : row number of the batch's first row
    known : codes of the editions in use; a missing dot or a lost leading zero is set only when that gives one of
        them, and short codes get their candidates from it
    separators, plus : see CellOptions

    An empty slot before a filled one keeps its place and is reported; slots at the end are cut. The second code of
    a cell follows right behind the first, with the same slot. An asterisk code in the slot behind its dagger code,
    or in the added column, becomes one code with it. No value raises an error. The result does not depend on how
    a table is cut into batches.

    >>> principal = CodeSlot(0, "JBDM", pa.array(["i10.X00", ""]))
    >>> other = CodeSlot(1, "JBDM1", pa.array(["-", "E11.9"]))
    >>> cleaned = clean_codes([principal, other], known=frozenset({"E11.900"}))
    >>> cleaned.codes.to_pylist(), cleaned.counted
    ([['I10.x00'], ['', 'E11.9']], {'filler': 1})
    >>> [(issue.column, issue.rule, issue.rows.tolist(), issue.hints) for issue in cleaned.issues][2:]
    [('JBDM', 'principal_missing', [2], None), ('JBDM1', 'code_short', [2], ['E11.900'])]
    """
    return _cleaned(*cells_of_slots(slots, CellOptions(kind, known, separators, plus)), first_row)


def clean_code_list(
    values: pa.Array,
    column: str,
    kind: Kind = "dx",
    first_row: int = 1,
    *,
    known: frozenset[str],
    separators: str = "auto",
    plus: Plus = "auto",
) -> CleanedCodes:
    """Clean one column with a whole list per row, principal first: a list column, or text with separators.

    The separators of a text column belong to its form and are no issue; several codes in one element of a list
    column are. Slots are numbered by their place in the list. Otherwise like clean_codes.

    >>> cleaned = clean_code_list(pa.array(["I10.x00|E11.900|", None]), "ICD10_DRGS", known=frozenset())
    >>> cleaned.codes.to_pylist(), [issue.rule for issue in cleaned.issues]
    ([['I10.x00', 'E11.900'], []], ['principal_missing'])
    """
    return _cleaned(*cells_of_list(values, column, CellOptions(kind, known, separators, plus)), first_row)


def _cleaned(cells: FlatCells, texts: CellTexts, first_row: int) -> CleanedCodes:
    codes = codes_of(cells, texts)
    sizes = np.bincount(codes.row, minlength=cells.sizes.size)
    offsets = pa.array(np.concatenate([[0], np.cumsum(sizes)]), pa.int32())
    slots = np.minimum(cells.place[codes.cell], _LAST_SLOT).astype(np.int16)
    names = pa.array(texts.codes.texts, pa.string()).take(pa.array(codes.code))
    issues = [issue for issue in _all_issues(cells, texts, codes, first_row) if issue.rows.size]
    order = {column: at for at, column in reversed(list(enumerate(cells.columns)))}
    issues.sort(key=lambda issue: order[issue.column])
    counted = {"filler": cells.fillers} if cells.fillers else {}
    return CleanedCodes(
        pa.ListArray.from_arrays(offsets, names), pa.ListArray.from_arrays(offsets, pa.array(slots)), issues, counted
    )


def _all_issues(cells: FlatCells, texts: CellTexts, codes: FlatCodes, first_row: int) -> Iterator[BatchIssue]:
    rows = np.repeat(np.arange(cells.sizes.size), cells.sizes) + first_row
    yield from _of_texts(cells, texts, rows)
    for column, at, numbers in cells.lost:
        values = [quoted(texts.raw[number]) for number in numbers.tolist()]
        yield BatchIssue(column, SPREADSHEET_ERROR, at.astype(np.int64) + first_row, values, [""] * at.size)
    yield from _joins(cells, texts, codes, rows)
    empty = texts.first[cells.text] == 0
    is_dx = texts.options.kind == "dx"
    holes = np.flatnonzero(empty & (cells.source != NO_COLUMN) & ((cells.place > 0) | (not is_dx)))
    yield from _by_column(cells, texts, rows, holes, "code_hole")
    if is_dx:
        yield from _without_principal(cells, texts, empty, first_row)
        yield from _by_column(cells, texts, rows, _repeats(cells, codes), "principal_repeated")


def _by_column(cells: FlatCells, texts: CellTexts, rows: np.ndarray, at: np.ndarray, rule: str) -> Iterator[BatchIssue]:
    """One issue per column for the cells at ascending positions; cleaned and hint as the texts' readings say."""
    source = cells.source[at]
    for column in np.unique(source).tolist():
        here = at[source == column]
        numbers = cells.text[here].tolist()
        found = [texts.cells[number] for number in numbers]
        of_text = rule.startswith("code_") and rule != "code_hole" and rule not in _UNCHANGED
        yield BatchIssue(
            cells.columns[column],
            rule,
            rows[here].astype(np.int64),
            [quoted(texts.raw[number]) for number in numbers],
            [quoted("|".join(cell.codes)) for cell in found] if of_text else None,
            [cell.hint for cell in found] if rule in _HINTED else None,
        )


def _of_texts(cells: FlatCells, texts: CellTexts, rows: np.ndarray) -> Iterator[BatchIssue]:
    marked = np.flatnonzero(texts.remarked[cells.text])
    numbers = cells.text[marked]
    touched: dict[str, list[int]] = {}
    for number in np.unique(numbers).tolist():
        cell = texts.cells[number]
        for rule in (*cell.mended, cell.rule):
            if rule:
                touched.setdefault(rule, []).append(number)
    for rule in sorted(touched):
        mask = np.zeros(len(texts.cells), dtype=bool)
        mask[touched[rule]] = True
        yield from _by_column(cells, texts, rows, marked[mask[numbers]], rule)


def _joins(cells: FlatCells, texts: CellTexts, codes: FlatCodes, rows: np.ndarray) -> Iterator[BatchIssue]:
    """At the cell of the dagger code, where the pair now stands."""
    at, made = codes.joined, codes.joined_to
    source = cells.source[at]
    for column in np.unique(source).tolist():
        here = source == column
        yield BatchIssue(
            cells.columns[column],
            "code_dagger_joined",
            rows[at[here]].astype(np.int64),
            [quoted(texts.raw[number]) for number in cells.text[at[here]].tolist()],
            [quoted(texts.codes.texts[number]) for number in made[here].tolist()],
        )


def _without_principal(cells: FlatCells, texts: CellTexts, empty: np.ndarray, first_row: int) -> Iterator[BatchIssue]:
    """Rows whose first place is empty, an empty list included; silent when no column feeds that place."""
    if not cells.columns or not cells.has_principal:
        return
    starts = np.cumsum(cells.sizes) - cells.sizes
    missing = cells.sizes == 0
    filled = np.flatnonzero(~missing)
    missing[filled] = empty[starts[filled]]
    told = np.array(sorted(cells.beside), dtype=np.int64)
    told = told[missing[told]]
    missing[told] = False
    rows = np.flatnonzero(missing).astype(np.int64) + first_row
    yield BatchIssue(cells.columns[0], "principal_missing", rows, [""] * rows.size)
    hints = [quoted(cells.beside[row]) for row in told.tolist()]
    yield BatchIssue(cells.columns[0], "principal_missing", told + first_row, [""] * told.size, None, hints)


def _repeats(cells: FlatCells, codes: FlatCodes) -> np.ndarray:
    """Cells of other diagnoses with the code of the principal one, ascending, each once."""
    if codes.code.size == 0:
        return np.zeros(0, dtype=np.int64)
    sizes = np.bincount(codes.row, minlength=cells.sizes.size)
    principal = np.zeros(sizes.size, dtype=np.int32)
    starts = (np.cumsum(sizes) - sizes)[sizes > 0]
    principal[sizes > 0] = codes.code[starts]
    place = cells.place[codes.cell]
    first = cells.place[codes.cell[starts]] == 0
    principal[np.flatnonzero(sizes > 0)[~first]] = 0
    same = (place > 0) & (codes.code != 0) & (codes.code == principal[codes.row])
    return np.unique(codes.cell[same])
