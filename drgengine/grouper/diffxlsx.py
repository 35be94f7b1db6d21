"""The differences of two schemes as a workbook that a coder can filter."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from drgengine.formats.xlsxsink import whole_workbook
from drgengine.grouper.optionwords import option_words
from drgengine.grouper.rulechanges import change_words

if TYPE_CHECKING:
    from drgengine.grouper.diff import SchemeDiff

Cell = str | int
Row = Sequence[Cell]
_CELL_LENGTH, _WIDEST, _SHEET_ROWS = 32_767, 60, 1_048_575
_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")


def write_diff_xlsx(diff: SchemeDiff, path: str | os.PathLike[str]) -> Path:
    """Write the sheets overview, groups, splits, moved codes, severity, exclusions and rules (.xlsx).

    path : replaced as a whole when the workbook is complete
    returns the path; the same difference gives the same bytes
    raises OutputFileError: another ending, missing folder, no permission, disk full
    """
    with whole_workbook(path, title=f"{diff.a} -> {diff.b}") as book:
        head = book.add_format({"bold": True, "bg_color": "#DDE6F0", "border": 1, "valign": "vcenter"})
        for name, columns, rows in diff_sheets(diff):
            _fill(book.add_worksheet(name), columns, rows, head)
    return Path(path)


def _fill(sheet: object, columns: Row, rows: list[Row], head: object) -> None:
    widths = [len(str(column)) + 2 for column in columns]
    for place, column in enumerate(columns):
        sheet.write_string(0, place, column, head)  # type: ignore[attr-defined]
    shown = rows[:_SHEET_ROWS]
    for at, row in enumerate(shown, 1):
        for place, cell in enumerate(row):
            if isinstance(cell, int):
                sheet.write_number(at, place, cell)  # type: ignore[attr-defined]
            elif cell:
                sheet.write_string(at, place, cell_text(cell))  # type: ignore[attr-defined]
                widths[place] = max(widths[place], _width(cell))
    for place, width in enumerate(widths):
        sheet.set_column(place, place, min(width + 1, _WIDEST))  # type: ignore[attr-defined]
    sheet.freeze_panes(1, 0)  # type: ignore[attr-defined]
    sheet.autofilter(0, 0, len(shown), len(columns) - 1)  # type: ignore[attr-defined]


def _width(text: str) -> int:
    return sum(2 if ord(sign) > 0x2E7F else 1 for sign in text[:_WIDEST])


def cell_text(text: str) -> str:
    """A text as a cell: what a spreadsheet might take for a formula gets a ' before it, overlong texts are cut.

    >>> cell_text("=1+1"), cell_text("I21.000")
    ("'=1+1", 'I21.000')
    """
    safe = f"'{text}" if text.startswith(_FORMULA_SIGNS) else text
    safe = safe.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return safe if len(safe) <= _CELL_LENGTH else safe[: _CELL_LENGTH - 1] + "…"


def diff_sheets(diff: SchemeDiff) -> Iterator[tuple[str, Row, list[Row]]]:
    """Name, column heads and rows of each sheet."""
    names = diff.names
    yield "overview", ("what", diff.a, diff.b), list(_overview(diff))
    yield "groups", ("what", "kind", "code", "name before", "name after", "other code"), list(_groups(diff))
    splits: list[Row] = [(one.adrg, one.name, "\n".join(one.old), "\n".join(one.new)) for one in diff.splits]
    yield "splits", ("ADRG", "name", "groups before", "groups after"), splits
    moved: list[Row] = [
        (code, names.get(code, ""), move.kind, move.level, move.what, " ".join(move.old), " ".join(move.new))
        for move in diff.moves
        for code in move.codes
    ]
    yield "moved codes", ("code", "name", "kind", "asked for by", "what", "no more in", "now in"), moved
    levels: list[Row] = [
        (code, names.get(code, ""), level.old, level.new) for level in diff.levels for code in level.codes
    ]
    yield "severity", ("diagnosis", "name", "before", "after"), levels
    yield "exclusions", _EXCLUSION_HEAD, list(_exclusions(diff))
    yield "rules", ("where", "key", "ADRG", "what", "before", "after", "in words"), list(_rules(diff))


_EXCLUSION_HEAD = (
    "MCC or CC",
    "name",
    "cancelled by more",
    "cancelled by fewer",
    "principal diagnoses now",
    "principal diagnoses no more",
)


def _overview(diff: SchemeDiff) -> Iterator[Row]:
    for change in diff.identity:
        yield change.key, change.old, change.new
    for size in diff.sizes:
        yield size.what, size.old, size.new
    for codes in (*diff.answers, *diff.editions):
        yield f"{codes.key}: only in one scheme", len(codes.removed), len(codes.added)
    for change in diff.identity:
        for line in option_words(change):
            yield "in words", line, ""


def _groups(diff: SchemeDiff) -> Iterator[Row]:
    for one in diff.continued:
        yield "likely continues", "ADRG", one.old, one.old_name, one.new_name, one.new
    names = {(c.adrg, c.kind): c.old or c.new for c in diff.rules if c.kind in ("added", "removed")}
    names |= {(c.key.split()[-1], c.kind): c.old or c.new for c in diff.groups if c.kind in ("added", "removed")}
    for codes in diff.answers:
        for code in codes.added:
            yield "new", codes.key, code, "", names.get((code, "added"), ""), ""
        for code in codes.removed:
            yield "gone", codes.key, code, names.get((code, "removed"), ""), "", ""
    for change in diff.renamed:
        yield "renamed", change.kind, change.key, change.old, change.new, ""


def _exclusions(diff: SchemeDiff) -> Iterator[Row]:
    for cancel in diff.cancels:
        texts = " ".join(cancel.added), " ".join(cancel.removed)
        for code in cancel.codes:
            yield code, diff.names.get(code, ""), len(cancel.added), len(cancel.removed), *texts


def _rules(diff: SchemeDiff) -> Iterator[Row]:
    for where, changes in (("MDC", diff.mdcs), ("rule", diff.rules), ("group", diff.groups)):
        for change in changes:
            yield where, change.key, change.adrg, change.kind, change.old, change.new, change_words(change)
    for codes in diff.lists:
        what = {"a": "list gone", "b": "list new"}.get(codes.only_in, "list")
        yield what, codes.key, codes.adrg, codes.old_key, " ".join(codes.removed), " ".join(codes.added), "codes"
