"""Audit clues as a workbook: counts by department, what the clues mean, the first codes they speak of."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from drgengine.formats.xlsxsink import whole_workbook
from drgengine.whatif.cluecounts import EXAMPLES, ClueCounts
from drgengine.whatif.definitions import clue_ids, definitions, words

_CELL = 32_000
_WIDTHS = {"counts": 14, "clues": 44, "cases": 16}
Row = Sequence[str | int | float | None]


def write_clue_book(counts: ClueCounts, path: str | os.PathLike[str], language: str = "en") -> None:
    """Write the report of a clue run as .xlsx. Texts are never formulas. Raises OutputFileError.

    counts : of audit_clues or audit_file
    """
    text = words(language)
    title = text["clues_title"].format(scheme=counts.scheme)
    with whole_workbook(path, title=title) as book:
        for name, rows in (
            ("counts", _counts(counts, language)),
            ("clues", _clues(language)),
            ("reasons", _reasons(language)),
            ("cases", _cases(counts, language)),
        ):
            _write(book, text[f"sheet_{name}"], title, text["neutral"], rows, _WIDTHS.get(name, 44))


def clue_title(name: str, language: str) -> str:
    """The title of a clue.

    >>> clue_title("rests_on_one_code", "en")
    'rests on one code'
    """
    return str(definitions()["clue"][name][language])


def _counts(counts: ClueCounts, language: str) -> Iterable[Row]:
    text = words(language)
    shares = [f"{clue_title(name, language)} ({text['share']})" for name in clue_ids()]
    yield [text["department"], text["cases"], text["valid"], *(clue_title(n, language) for n in clue_ids()), *shares]
    total = (counts.cases, counts.valid, *counts.clues.values())
    for name, row in [(text["all"], total), *counts.departments.items()]:
        valid = row[1]
        yield [name or text["no_department"], *row, *(n / valid if valid else None for n in row[2:])]


def _clues(language: str) -> Iterable[Row]:
    text = words(language)
    yield [text["clue"], text["means"], text["ask"], text["source"]]
    for entry in definitions()["clue"].values():
        yield [entry[language], entry[f"{language}_means"], entry[f"{language}_ask"], entry["source"]]


def _reasons(language: str) -> Iterable[Row]:
    text = words(language)
    yield [text["reasons"], text["source"]]
    for entry in definitions()["doubt"].values():
        yield [entry[language], entry["source"]]


def _cases(counts: ClueCounts, language: str) -> Iterable[Row]:
    text = words(language)
    names = ("row", "case_id", "department", "answer", "clue", "kind", "place", "code", "other_answer", "reasons")
    yield [text[name] for name in names]
    for one in counts.examples:
        doubts = [definitions()["doubt"][name][language] for name in one["doubt"].split()]
        yield [
            one["row"], one["case_id"], one["department"], _answer(one["status"], one["drg"], text),
            clue_title(one["clue"], language), text[one["kind"]], one["place"], one["code"],
            _answer(one["other_status"], one["other_drg"], text), text["comma"].join(doubts),
        ]  # fmt: skip
    if len(counts.examples) == EXAMPLES:
        yield [text["first_rows"].format(n=EXAMPLES)]


def _answer(status: str | None, drg: str | None, text: Mapping[str, str]) -> str | None:
    return None if status is None else f"{drg or ''} {text[status]}".strip()


def _write(book: Any, name: str, title: str, note: str, rows: Iterable[Row], width: int) -> None:
    sheet = book.add_worksheet(name)
    head = book.add_format({"bold": True, "border": 1, "bg_color": "#DDE6F0", "text_wrap": True, "valign": "vcenter"})
    plain = book.add_format({"valign": "top", "text_wrap": width > _WIDTHS["cases"]})
    count, share = book.add_format({"num_format": "#,##0"}), book.add_format({"num_format": "0.00%"})
    sheet.write_string(0, 0, title, book.add_format({"bold": True, "font_size": 14}))
    sheet.write_string(1, 0, note)
    most = 0
    for at, row in enumerate(rows, 3):
        most = max(most, len(row))
        for column, value in enumerate(row):
            if isinstance(value, str):
                sheet.write_string(at, column, _shown(value), head if at == 3 else plain)
            elif value is not None:
                sheet.write_number(at, column, value, share if isinstance(value, float) else count)
    sheet.set_column(0, max(most - 1, 0), width)
    sheet.freeze_panes(4, 1)


def _shown(text: str) -> str:
    """A text a cell can hold: no half of a surrogate pair, no more characters than a cell takes."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")[:_CELL]
