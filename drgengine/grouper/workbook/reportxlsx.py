"""The import report as a workbook: summary, remarks, rules line by line, sets, notation."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from drgengine.formats.xlsxsink import whole_workbook
from drgengine.grouper.workbook.loadreport import LoadReport
from drgengine.grouper.workbook.reportwords import kind_word, notation, report_words

_LONGEST = 32_000
_USERS_SHOWN = 40


def write_report_xlsx(report: LoadReport, path: str | os.PathLike[str], language: str = "zh") -> Path:
    """Write the report as .xlsx: filters, widths, a header that stays; text is never a formula.

    language : "zh" or "en"; the same report gives the same bytes. Raises OutputFileError where it cannot be written
    """
    words = report_words(language)
    with whole_workbook(path, title=words["title"]) as book:
        styles = _styles(book)
        _summary(book.add_worksheet(words["summary"]), report, words, styles)
        for name, heads, widths, rows in _tables(report, words, language):
            _table(book.add_worksheet(name[:31]), heads, widths, rows, styles)
    return Path(path)


def _styles(book: Any) -> dict[str, Any]:
    base = {"font_name": "宋体", "font_size": 10, "valign": "top"}
    head = {"bold": True, "border": 1, "bg_color": "#DDE6F0", "text_wrap": True}
    return {
        "title": book.add_format({**base, "font_size": 14, "bold": True}),
        "head": book.add_format({**base, **head}),
        "text": book.add_format({**base, "num_format": "@", "text_wrap": True, "border": 1}),
        "number": book.add_format({**base, "num_format": "#,##0", "border": 1}),
        "differs": book.add_format({**base, "num_format": "#,##0", "border": 1, "bg_color": "#FCE4D6"}),
    }


def _summary(sheet: Any, report: LoadReport, words: Any, styles: dict[str, Any]) -> None:
    sheet.set_column(0, 0, 30)
    sheet.set_column(1, 2, 16)
    sheet.write_string(0, 0, words["title"], styles["title"])
    facts = ("path", "sha256", "edition", "scheme_id", "folder")
    for row, (word, fact) in enumerate(zip(("file", "sha256", "edition", "scheme", "folder"), facts, strict=True), 1):
        sheet.write_string(row, 0, words[word], styles["head"])
        sheet.write_string(row, 1, getattr(report, fact))
    sheet.write_string(6, 0, words["how_to"])
    sheet.write_string(7, 0, words["see_signs"])
    top = 9
    for column, word in enumerate(("what", "found", "expected")):
        sheet.write_string(top, column, words[word], styles["head"])
    for row, (what, found, expected) in enumerate(report.counts, top + 1):
        sheet.write_string(row, 0, words["counts"].get(what, what), styles["text"])
        sheet.write_number(row, 1, found, styles["number" if expected in (None, found) else "differs"])
        if expected is not None:
            sheet.write_number(row, 2, expected, styles["number"])
    sheet.freeze_panes(top + 1, 0)


Cell = str | int
_Sheet = tuple[str, Sequence[str], Sequence[int], Iterable[Sequence[Cell]]]


def _tables(report: LoadReport, words: Any, language: str) -> list[_Sheet]:
    remarks = [
        (words[r.level], kind_word(r.kind, language), r.place.told(language), r.text.told(language))
        for r in report.remarks
    ]
    rules = [
        (r.sheet, r.row, r.mdc, r.code, r.name, r.place, r.text, r.meaning, words["became"].get(r.became, r.became),
         r.changed(language))
        for r in report.rules
    ]  # fmt: skip
    sets = [(s.name, s.kind, s.rows, s.codes, s.unknown, used_by(s.used_by)) for s in report.sets]
    rule_heads = ("sheet", "row", "mdc", "code", "name", "order", "rule", "meaning", "became_head", "changed")
    set_heads = ("set", "type", "rows", "codes", "unknown", "used_by")
    return [
        (words["remarks"], [words[w] for w in ("level", "kind", "place", "text")], (8, 22, 34, 100), remarks),
        (words["rules"], [words[w] for w in rule_heads], (7, 6, 7, 8, 30, 6, 48, 56, 18, 30), rules),
        (words["sets"], [words[w] for w in set_heads], (14, 9, 9, 10, 12, 70), sets),
        (words["signs"], [words[w] for w in ("sign", "in_words")], (24, 60), notation(language)),
    ]


def used_by(names: Sequence[str]) -> str:
    """The rows that use a set, the first forty by name.

    >>> used_by(["BB2", "BD1"]), used_by([f"A{n}" for n in range(42)])[-8:]
    ('BB2, BD1', 'A39, + 2')
    """
    more = [f"+ {len(names) - _USERS_SHOWN}"] if len(names) > _USERS_SHOWN else []
    return ", ".join([*names[:_USERS_SHOWN], *more])


def _table(
    sheet: Any, heads: Sequence[str], widths: Sequence[int], rows: Iterable[Sequence[Cell]], styles: dict[str, Any]
) -> None:
    last = 0
    for column, (head, width) in enumerate(zip(heads, widths, strict=True)):
        sheet.set_column(column, column, width)
        sheet.write_string(0, column, head, styles["head"])
    for last, cells in enumerate(rows, 1):
        for column, cell in enumerate(cells):
            if isinstance(cell, int):
                sheet.write_number(last, column, cell, styles["number"])
            else:
                sheet.write_string(last, column, cell[:_LONGEST], styles["text"])
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, max(last, 1), len(heads) - 1)
