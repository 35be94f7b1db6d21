"""All report tables as one Excel workbook (成本报表工作簿) that foots in Excel and in programs that do not compute."""

from __future__ import annotations

import datetime
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path
from typing import Any

import pandas as pd
import xlsxwriter
from xlsxwriter.exceptions import XlsxWriterException
from xlsxwriter.utility import xl_col_to_name, xl_range, xl_rowcol_to_cell

from drgengine.costing.bilingual import in_language
from drgengine.costing.reports.reporttables import Line, ReportTable, added
from drgengine.costing.reports.reportwords import TEXT_KINDS, Column, Language, frame_word, shown_value, table_names
from drgengine.costing.reports.sheetshape import NUMBER_FORMATS, column_widths, sheet_names, shown_text
from drgengine.formats.sink import check_output, explain

SHEET_ROWS = 2_000
"""Rows of a table shown in its sheet; the sum of the others stands below them and all of them in Parquet."""

HEADER_ROW = 3
"""Row of the headers, counted from 0: title, hospital and period, source come before it."""


@dataclass(frozen=True, slots=True)
class Caption:
    """What stands over every sheet.

    start, end : of the period; the workbook carries the end as its date, so that the same input gives the same bytes
    """

    hospital: str
    start: datetime.date
    end: datetime.date
    language: Language = "zh"


def write_workbook(
    path: str | os.PathLike[str], tables: Iterable[ReportTable], caption: Caption, *, sheet_rows: int = SHEET_ROWS
) -> None:
    """Write the tables as sheets of one XLSX file, with an index sheet in front (成本报表工作簿).

    tables : at most one of each name; sheets come in the order of data/costing_reports.toml, and a table without rows
        gets a sheet that says so
    sheet_rows : rows of a table shown at most; what is left out is summed in one row in place of subtotals, so
        that the sheet still foots

    Subtotals and totals are SUM formulas with their values stored. Text is written as text, whatever it begins with.
    The file is written under a temporary name and then put in its place; the same input gives the same bytes.
    Raises OutputFileError: missing folder, no permission, disk full.
    """
    target = check_output(Path(path))
    temporary = target.with_name(f".{target.name[:40]}.{os.getpid()}.part")
    try:
        _write(temporary, in_order(tables), caption, sheet_rows)
        temporary.replace(target)
    except (OSError, XlsxWriterException) as error:
        cause = error if isinstance(error, OSError) else error.args[0] if error.args else error
        raise explain(Path(path), cause if isinstance(cause, OSError) else OSError(str(error))) from error
    finally:
        temporary.unlink(missing_ok=True)


def in_order(tables: Iterable[ReportTable]) -> list[ReportTable]:
    """The tables as the workbook shows them: notes and reconciliation first, then from departments to cases."""
    return sorted(tables, key=lambda table: table_names().index(table.name))


def _write(path: Path, tables: Sequence[ReportTable], caption: Caption, sheet_rows: int) -> None:
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = xlsxwriter.Workbook(str(path), options)
    noon = datetime.datetime.combine(caption.end, datetime.time(12))
    book.set_properties({"title": caption.hospital, "created": noon, "modified": noon})
    formats = _Formats(book)
    language = caption.language
    names = sheet_names([frame_word("index", language), *(table.form.sheet[language] for table in tables)])
    _write_index(book.add_worksheet(names[0]), tables, names[1:], caption, formats)
    for table, name in zip(tables, names[1:], strict=True):
        _Sheet(book.add_worksheet(name), table, caption, formats, names[0]).write(sheet_rows)
    book.close()


class _Formats:
    """Cell formats of a workbook, made once each."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self._made: dict[tuple[Any, ...], Any] = {}
        self.title = self._add(bold=True, font_size=14)
        self.plain = self._add()
        self.grey = self._add(font_color="#606060")
        self.link = self._add(font_color="#0563C1", underline=1)
        self.header = self._add(
            bold=True, border=1, bg_color="#DDE6F0", text_wrap=True, align="center", valign="vcenter"
        )

    def cell(self, column: Column, line: str) -> Any:
        """Format of a cell by the kind of its column and of its line."""
        options: dict[str, Any] = {"border": 1, "valign": "top"}
        if column.kind in NUMBER_FORMATS:
            options["num_format"] = NUMBER_FORMATS[column.kind]
        else:
            options |= {"num_format": "@", "text_wrap": column.kind == "long"}
        if line != "detail":
            options |= {"bold": True, "bg_color": "#F2F2F2"}
        if line == "total":
            options["top"] = 2
        return self._add(**options)

    def _add(self, **options: Any) -> Any:
        key = tuple(sorted(options.items()))
        if key not in self._made:
            self._made[key] = self._book.add_format({"font_name": "宋体", "font_size": 10, **options})
        return self._made[key]


class _Sheet:
    """One table on one worksheet."""

    def __init__(self, sheet: Any, table: ReportTable, caption: Caption, formats: _Formats, index: str) -> None:
        self.sheet, self.caption, self.formats, self.index = sheet, caption, formats, index
        self.table, self.language = table, caption.language
        self.at = {column.name: place for place, column in enumerate(table.columns)}

    def write(self, sheet_rows: int) -> None:
        """Caption, header, lines, and how it is printed."""
        shown = _shortened(self.table, sheet_rows)
        texts = [self._texts(shown, column) for column in shown.columns]
        self._caption()
        widths, header_lines = column_widths(shown.columns, texts, self.language)
        for place, (column, width) in enumerate(zip(shown.columns, widths, strict=True)):
            self.sheet.set_column(place, place, width)
            self.sheet.write_string(HEADER_ROW, place, column.header(self.language), self.formats.header)
        self.sheet.set_row(HEADER_ROW, 15 * header_lines + 3)
        lines = shown.lines() if len(shown.frame) == len(self.table.frame) else self._with_rest(shown)
        details = [HEADER_ROW + 1 + position for position, line in enumerate(lines) if line.kind == "detail"]
        for place, column in enumerate(shown.columns):
            self._details(place, column, details, texts[place] or shown.frame[column.name].tolist())
        for position, line in enumerate(lines):
            if line.kind != "detail":
                for place, column in enumerate(shown.columns):
                    self._total_cell(HEADER_ROW + 1 + position, place, column, line)
        if not lines:
            self.sheet.write_string(HEADER_ROW + 1, 0, frame_word("empty", self.language), self.formats.grey)
        self._page(HEADER_ROW + max(len(lines), 1), len(shown.columns))

    def _with_rest(self, shown: ReportTable) -> tuple[Line, ...]:
        """Lines of a shortened table: the rows, one row for the others, the total."""
        left = self.table.frame.iloc[len(shown.frame) :]
        rest = {column.name: added(left[column.name], column) for column in shown.columns if column.adds}
        details = tuple(Line("detail", row) for row in range(len(shown.frame)))
        ending = [line for line in self.table.lines() if line.kind == "total"]
        parts = ((0, len(details)),)
        return (
            *details,
            Line("rest", len(left), f"{self.table.name}.parquet", values=rest),
            *(Line("total", parts=parts, values=line.values) for line in ending),
        )

    def _caption(self) -> None:
        form, language, formats = self.table.form, self.language, self.formats
        title = form.title["zh"] if language == "zh" else f"{form.title['en']}  {form.title['zh']}"
        words = [
            frame_word("hospital", language, hospital=self.caption.hospital),
            frame_word("period", language, start=self.caption.start, end=self.caption.end),
        ]
        if any(column.kind in ("amount", "unit") for column in self.table.columns):
            words.append(frame_word("yuan", language))
        if self.table.scope:
            words.append(frame_word("scope", language, scope=shown_value(self.table.scope, "value", language)))
        words += [remark[language] for remark in self.table.remarks]
        self.sheet.write_string(0, 0, shown_text(title), formats.title)
        self.sheet.write_string(1, 0, shown_text("    ".join(words)), formats.plain)
        source = frame_word("source", language, source=form.source[language])
        back = frame_word("back", language)
        self.sheet.write_url(2, 0, f"internal:'{self.index}'!A1", formats.link, back)
        self.sheet.write_string(2, 1, source, formats.grey)

    def _details(self, place: int, column: Column, rows: Sequence[int], values: Sequence[Any]) -> None:
        """The cells of a column that are no totals."""
        style = self.formats.cell(column, "detail")
        if column.kind in TEXT_KINDS:
            for row, text in zip(rows, values, strict=True):
                self.sheet.write_string(row, place, text, style)
            return
        sums = self._row_sums(column)
        for row, value in zip(rows, values, strict=True):
            self._number(row, place, value, style, sums.format(row=row + 1))

    def _total_cell(self, row: int, place: int, column: Column, line: Line) -> None:
        value, style = line.values.get(column.name), self.formats.cell(column, line.kind)
        if column.name == self.table.label_column:
            self.sheet.write_string(row, place, shown_text(line.text(self.language)), style)
        elif value is None or column.kind in TEXT_KINDS:
            self.sheet.write_blank(row, place, None, style)
        else:
            self._number(row, place, value, style, self._total_formula(row, place, column, line))

    def _total_formula(self, row: int, place: int, column: Column, line: Line) -> str:
        if column.name in self.table.given_totals:
            return ""
        if column.adds and line.parts:
            first = HEADER_ROW + 1
            ranges = (xl_range(first + low, place, first + high, place) for low, high in line.parts)
            return f"=SUM({','.join(ranges)})"
        if column.over and line.kind != "rest":
            top, bottom = (xl_rowcol_to_cell(row, self.at[name]) for name in column.over)
            return f'=IF(N({bottom})=0,"",{top}/{bottom})'
        return ""

    def _row_sums(self, column: Column) -> str:
        """The formula of a sum across columns, such as the total of the seven items, with {row} for the row."""
        places = sorted(self.at[part] for part in column.parts if part in self.at)
        if not places or len(places) != len(column.parts):
            return ""
        names = [xl_col_to_name(place) for place in places]
        if places[-1] - places[0] + 1 == len(places):
            return f"=SUM({names[0]}{{row}}:{names[-1]}{{row}})"
        return f"=SUM({','.join(f'{name}{{row}}' for name in names)})"

    def _number(self, row: int, place: int, value: float, style: Any, formula: str) -> None:
        if value != value:  # NaN
            self.sheet.write_blank(row, place, None, style)
        elif abs(value) == inf:
            self.sheet.write_string(row, place, "∞" if value > 0 else "-∞", style)
        elif formula:
            self.sheet.write_formula(row, place, formula, style, _plain(value))
        else:
            self.sheet.write_number(row, place, value, style)

    def _texts(self, shown: ReportTable, column: Column) -> list[str] | None:
        """Texts of a column as shown; None for numbers."""
        if column.kind not in TEXT_KINDS:
            return None
        values = shown.frame[column.name].tolist()
        return [shown_text(_word(value, column, self.language)) for value in values]

    def _page(self, last_row: int, width: int) -> None:
        fixed = sum(1 for column in self.table.columns[:3] if column.kind in ("code", "text"))
        self.sheet.freeze_panes(HEADER_ROW + 1, fixed if width > fixed + 1 else 0)
        self.sheet.repeat_rows(HEADER_ROW)
        self.sheet.set_landscape()
        self.sheet.set_paper(9)  # A4
        self.sheet.fit_to_pages(1, 0)
        self.sheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
        self.sheet.set_footer("&C&A  &P / &N")
        self.sheet.print_area(0, 0, last_row, max(width - 1, 1))


def _shortened(table: ReportTable, sheet_rows: int) -> ReportTable:
    if len(table.frame) <= sheet_rows:
        return table
    kept = table.frame.iloc[:sheet_rows].reset_index(drop=True)
    return replace(table, frame=kept)


def _word(value: Any, column: Column, language: Language) -> str:
    if value is None or (not isinstance(value, (list, dict)) and pd.isna(value)):
        return ""
    if isinstance(value, bool) or type(value).__name__ == "bool":
        return frame_word("yes" if value else "no", language)
    return shown_value(in_language(value, language) if column.both else value, column.values, language)


def _plain(value: float) -> float | int:
    """Whole numbers without decimals, as those of cells without formula are written."""
    return int(value) if float(value).is_integer() else float(value)


def _write_index(
    sheet: Any, tables: Sequence[ReportTable], names: Sequence[str], caption: Caption, formats: _Formats
) -> None:
    language = caption.language
    headers = [frame_word(word, language) for word in ("sheet", "table", "rows", "answers")]
    rows = [
        (name, table.form.title[language], len(table.frame), table.form.answers[language])
        for name, table in zip(names, tables, strict=True)
    ]
    columns = tuple(Column(str(n), header, header, "count" if n == 2 else "text") for n, header in enumerate(headers))
    cells = [None if n == 2 else [str(row[n]) for row in rows] for n in range(4)]
    widths, _ = column_widths(columns, cells, language)
    period = frame_word("period", language, start=caption.start, end=caption.end)
    sheet.write_string(0, 0, frame_word("index", language), formats.title)
    hospital = frame_word("hospital", language, hospital=caption.hospital)
    sheet.write_string(1, 0, shown_text(f"{hospital}    {period}"), formats.plain)
    for place, (column, width) in enumerate(zip(columns, widths, strict=True)):
        sheet.set_column(place, place, width)
        sheet.write_string(HEADER_ROW, place, column.header(language), formats.header)
    for number, (name, title, count, answers) in enumerate(rows, HEADER_ROW + 1):
        sheet.write_url(number, 0, f"internal:'{name}'!A1", formats.link, name)
        sheet.write_string(number, 1, title, formats.cell(columns[1], "detail"))
        sheet.write_number(number, 2, count, formats.cell(columns[2], "detail"))
        sheet.write_string(number, 3, answers, formats.cell(columns[3], "detail"))
    sheet.freeze_panes(HEADER_ROW + 1, 0)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
