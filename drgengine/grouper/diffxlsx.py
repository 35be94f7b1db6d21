"""The differences of two schemes as a workbook that a coder can filter."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from drgengine.formats.xlsxsink import whole_workbook
from drgengine.grouper.conditionwords import Words, diff_words
from drgengine.grouper.optionwords import option_name, option_words
from drgengine.grouper.rulechanges import change_words, place_words
from drgengine.grouper.splits import split_words

if TYPE_CHECKING:
    from drgengine.grouper.diff import SchemeDiff

Cell = str | int
Row = Sequence[Cell]
_CELL_LENGTH, _WIDEST, _SHEET_ROWS = 32_767, 60, 1_048_575
_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")


def write_diff_xlsx(diff: SchemeDiff, path: str | os.PathLike[str], language: str = "en") -> Path:
    """Write the sheets overview, groups, splits, moved codes, severity, exclusions and rules (.xlsx).

    path : replaced as a whole when the workbook is complete
    language : en or zh, for the words; codes and the notation of rules are the same in both
    returns the path; the same difference gives the same bytes
    raises OutputFileError: another ending, missing folder, no permission, disk full
    """
    with whole_workbook(path, title=f"{diff.a} -> {diff.b}") as book:
        head = book.add_format({"bold": True, "bg_color": "#DDE6F0", "border": 1, "valign": "vcenter"})
        for name, columns, rows in diff_sheets(diff, language):
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


def diff_sheets(diff: SchemeDiff, language: str = "en") -> Iterator[tuple[str, Row, list[Row]]]:
    """Name, column heads and rows of each sheet, in English or Chinese."""
    names, words = diff.names, diff_words(language)

    def heads(keys: str) -> Row:
        return [words[f"col_{key}"] for key in keys.split()]

    yield words["sheet_overview"], (words["col_what"], diff.a, diff.b), list(_overview(diff, language))
    columns = "change kind code name_before name_after other_code special"
    yield words["sheet_groups"], heads(columns), list(_groups(diff, words))
    splits: list[Row] = [
        (one.adrg, one.name or _adrg(diff, one.adrg), *("\n".join(split_words(asked, language)) for asked in one.asked))
        for one in diff.splits
    ]
    yield words["sheet_splits"], heads("adrg name groups_before groups_after"), splits
    moved: list[Row] = []
    for move in diff.moves:
        told = words[f"cell_{move.kind}"], move.level, words[f"cell_{move.what}"]
        sides = " ".join(move.old), " ".join(move.new)
        moved += ((code, names.get(code, ""), *told, *sides) for code in move.codes)
    yield words["sheet_moved"], heads("code name kind asked_for_by change no_more_in now_in"), moved
    levels: list[Row] = [
        (code, names.get(code, ""), *(words.get(f"level_{at.replace(' ', '_')}", at) for at in (level.old, level.new)))
        for level in diff.levels
        for code in level.codes
    ]
    yield words["sheet_severity"], heads("diagnosis name before after"), levels
    columns = "mcc_or_cc name more fewer principals_now principals_no_more"
    yield words["sheet_exclusions"], heads(columns), list(_exclusions(diff))
    yield words["sheet_rules"], heads("where key adrg change before after words"), list(_rules(diff, language))


def _overview(diff: SchemeDiff, language: str) -> Iterator[Row]:
    words = diff_words(language)
    for change in diff.identity:
        yield option_name(change.key, language), change.old, change.new
    for size in diff.sizes:
        yield words[f"size_{size.what.replace(' ', '_').replace('-', '_')}"], size.old, size.new
    for codes in (*diff.answers, *diff.editions):
        what = words.get(f"cell_{codes.key}", codes.key)
        yield words["cell_only"].format(what=what), len(codes.removed), len(codes.added)
    for change in diff.identity:
        for line in option_words(change, language):
            yield words["cell_in_words"], line, ""


def _groups(diff: SchemeDiff, words: Words) -> Iterator[Row]:
    for one in diff.continued:
        before, after = one.old_name or _adrg(diff, one.old), one.new_name or _adrg(diff, one.new)
        yield words["cell_continues"], "ADRG", one.old, before, after, one.new, ""
    names = {(c.key.split()[-1], c.kind): c.old or c.new for c in diff.groups if c.kind in ("added", "removed")}
    for codes in diff.answers:
        for code in codes.added:
            name = names.get((code, "added")) or _adrg(diff, code)
            yield words["cell_new"], codes.key, code, "", name, "", _special(diff, code, words)
        for code in codes.removed:
            name = names.get((code, "removed")) or _adrg(diff, code)
            yield words["cell_gone"], codes.key, code, name, "", "", _special(diff, code, words)
    for change in diff.renamed:
        yield words["cell_renamed"], change.kind, change.key, change.old, change.new, "", ""


def _adrg(diff: SchemeDiff, code: str) -> str:
    return diff.adrg_names.get(code, "")


def _special(diff: SchemeDiff, code: str, words: Words) -> str:
    kind = diff.adrg_kinds.get(code)
    return words[f"adrg_{kind}"] if kind else ""


def _exclusions(diff: SchemeDiff) -> Iterator[Row]:
    for cancel in diff.cancels:
        texts = " ".join(cancel.added), " ".join(cancel.removed)
        for code in cancel.codes:
            yield code, diff.names.get(code, ""), len(cancel.added), len(cancel.removed), *texts


def _rules(diff: SchemeDiff, language: str) -> Iterator[Row]:
    words = diff_words(language)
    for where, changes in (("mdc", diff.mdcs), ("rule", diff.rules), ("group", diff.groups)):
        for change in changes:
            kind, text = words[f"change_{change.kind}"], change_words(change, language)
            sides = (_side(change.kind, side, words) for side in (change.old, change.new))
            yield words[f"cell_{where}"], change.key, change.adrg, kind, *sides, text
    for codes in diff.lists:
        what = words[{"a": "cell_list_gone", "b": "cell_list_new"}.get(codes.only_in, "cell_list")]
        removed, added = " ".join(codes.removed), " ".join(codes.added)
        yield what, codes.key, codes.adrg, codes.old_key, removed, added, words["cell_codes"]


def _side(kind: str, text: str, words: Words) -> str:
    """What stood there before or after; rules as they are written, the rest in words."""
    if kind == "moved":
        return place_words(text, words)
    return words.get(f"{kind}_{text}", text) if kind in ("kind", "otherwise") else text
