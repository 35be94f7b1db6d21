"""Tables as worksheets of an XLSX file (工作簿): values only, text never as a formula, the same bytes every time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from math import isinf, isnan
from pathlib import Path
from typing import Any

from drgengine.costing.reports.sheetshape import display_width, sheet_names, shown_text
from drgengine.evaluation.outputs.columnwords import sentence
from drgengine.evaluation.outputs.shownframe import Shown
from drgengine.evaluation.plan.settings import Language
from drgengine.formats.xlsxsink import whole_workbook

SHEET_ROWS = 5_000
"""Rows of a table shown in its sheet; all of them stand in the CSV and Parquet files."""
_FORMATS = {
    "count": "#,##0",
    "year": "0",
    "number": "#,##0.00##",
    "points": "#,##0.0",
    "amount": "#,##0.00",
    "share": "0.0%",
    "rate": "0.000%",
}
_NUMBER_WIDTH = 12
_WIDEST = {"long": 60}
_OTHER_WIDEST = 36
_MARGIN = 2


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """A worksheet: its name, a title, sentences under it, and a table; source : name of the table in `tables`."""

    name: str
    title: str
    sentences: tuple[str, ...]
    columns: Sequence[Shown]
    source: str = ""


def write_book(
    path: Path,
    sheets: Sequence[Sheet],
    *,
    title: str,
    created: dt.date,
    language: Language,
    legend: Sequence[str] = (),
    rows: int = SHEET_ROWS,
) -> None:
    """Write a workbook; `created` is its date, so that the same tables give the same bytes.

    legend : sentences of a first sheet, which also lists the others; none = no such sheet
    rows : at most so many rows of a table, with a sentence where the rest is
    Raises OutputFileError.
    """
    noon = dt.datetime.combine(created, dt.time(12))
    with whole_workbook(path, title=shown_text(title), created=noon) as book:
        formats = _Formats(book)
        first = [sentence("legend", language)] if legend else []
        names = sheet_names([*first, *(sheet.name for sheet in sheets)])
        if legend:
            _write_legend(book.add_worksheet(names[0]), title, legend, sheets, names[1:], formats, language)
        for sheet, name in zip(sheets, names[len(first) :], strict=True):
            _write_sheet(book.add_worksheet(name), sheet, formats, language, rows)


class _Formats:
    """Cell formats of a workbook."""

    def __init__(self, book: Any) -> None:
        base = {"font_name": "宋体", "font_size": 10}
        self.title = book.add_format({**base, "bold": True, "font_size": 14})
        self.plain = book.add_format(base)
        self.grey = book.add_format({**base, "font_color": "#606060"})
        self.link = book.add_format({**base, "font_color": "#0563C1", "underline": 1})
        head = {"bold": True, "border": 1, "bg_color": "#DDE6F0", "text_wrap": True, "valign": "vcenter"}
        self.header = book.add_format({**base, **head})
        cell = {**base, "border": 1, "valign": "top"}
        self.numbers = {kind: book.add_format({**cell, "num_format": form}) for kind, form in _FORMATS.items()}
        self.text = book.add_format({**cell, "num_format": "@"})
        self.long = book.add_format({**cell, "num_format": "@", "text_wrap": True})


def _write_sheet(sheet: Any, table: Sheet, formats: _Formats, language: Language, most: int) -> None:
    sheet.write_string(0, 0, shown_text(table.title), formats.title)
    said = list(table.sentences)
    length = len(table.columns[0].values) if table.columns else 0
    if length > most:
        said.insert(0, sentence("rest", language, rows=length, shown=most, name=table.source))
    for place, text in enumerate(said, 1):
        sheet.write_string(place, 0, shown_text(text), formats.grey)
    top = len(said) + 1
    for place, column in enumerate(table.columns):
        sheet.write_string(top, place, shown_text(column.header), formats.header)
        _write_column(sheet, place, top + 1, column, formats, language, most)
    if not length:
        sheet.write_string(top + 1, 0, sentence("empty", language), formats.grey)
    fixed = 1 if len(table.columns) < 6 else 2
    sheet.freeze_panes(top + 1, fixed)
    if length:
        sheet.autofilter(top, 0, top + min(length, most), len(table.columns) - 1)
    _page(sheet, top)


def _write_column(
    sheet: Any, place: int, first: int, column: Shown, formats: _Formats, language: Language, most: int
) -> None:
    width = min(display_width(column.header), 24)
    if column.is_text:
        texts = [shown_text(text) for text in column.texts(language)[:most]]
        style = formats.long if column.kind == "long" else formats.text
        for row, text in enumerate(texts, first):
            sheet.write_string(row, place, text, style)
        widest = max((display_width(text) for text in texts), default=0)
        width = max(min(widest, _WIDEST.get(column.kind, _OTHER_WIDEST)), min(width, 18))
    else:
        style = formats.numbers[column.kind]
        for row, value in enumerate(column.values.tolist()[:most], first):
            _write_number(sheet, row, place, value, style, formats)
        width = max(width, _NUMBER_WIDTH)
    sheet.set_column(place, place, width + _MARGIN)


def _write_number(sheet: Any, row: int, place: int, value: Any, style: Any, formats: _Formats) -> None:
    number = value if isinstance(value, (int, float)) else float("nan")
    if isnan(number):
        sheet.write_blank(row, place, None, style)
    elif isinf(number):
        sheet.write_string(row, place, "∞" if number > 0 else "-∞", formats.text)
    else:
        sheet.write_number(row, place, number, style)


def _write_legend(
    sheet: Any,
    title: str,
    legend: Sequence[str],
    sheets: Sequence[Sheet],
    names: Sequence[str],
    formats: _Formats,
    language: Language,
) -> None:
    sheet.write_string(0, 0, shown_text(title), formats.title)
    for place, text in enumerate(legend, 1):
        sheet.write_string(place, 0, shown_text(text), formats.plain)
    top = len(legend) + 2
    for place, word in enumerate(("sheet", "rows", "answers")):
        sheet.write_string(top, place, sentence(word, language), formats.header)
    for row, (one, name) in enumerate(zip(sheets, names, strict=True), top + 1):
        target = name.replace("'", "''")
        sheet.write_url(row, 0, f"internal:'{target}'!A1", formats.link, name)
        sheet.write_number(row, 1, len(one.columns[0].values) if one.columns else 0, formats.numbers["count"])
        sheet.write_string(row, 2, shown_text(one.sentences[0] if one.sentences else one.title), formats.long)
    sheet.set_column(0, 0, 30)
    sheet.set_column(1, 1, 10)
    sheet.set_column(2, 2, 80)
    sheet.freeze_panes(top + 1, 0)
    _page(sheet, top)


def _page(sheet: Any, header: int) -> None:
    sheet.repeat_rows(header)
    sheet.set_landscape()
    sheet.set_paper(9)  # A4
    sheet.fit_to_pages(1, 0)
    sheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
    sheet.set_footer("&C&A  &P / &N")
