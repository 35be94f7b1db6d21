"""A configuration workbook as sheets of cells, and its way into an .xlsx file; the same cells give the same bytes."""

from __future__ import annotations

import datetime as dt
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from drgengine.errors import OutputFileError
from drgengine.formats.sink import check_output, explain

Cell = str | int | float | None
_CREATED = dt.datetime(2026, 1, 1)
_LONGEST = 32_767  # characters a cell can hold


@dataclass(slots=True)
class SheetContent:
    """One sheet as it stands in the file.

    header : texts of the header row; rows : the data rows, each as long as it is written (short ones are short)
    above : rows over the header (a title line, empty rows); shift : empty columns at the left of all of it
    """

    name: str
    header: tuple[str, ...]
    rows: list[list[Cell]]
    above: list[list[Cell]] = field(default_factory=list)
    shift: int = 0

    @property
    def header_row(self) -> int:
        """The row of the header in the file, from 1."""
        return len(self.above) + 1


@dataclass(slots=True)
class WorkbookContent:
    """All sheets in the order of the file; `planted` tells which defects stand where (kind -> places or texts)."""

    sheets: list[SheetContent]
    planted: dict[str, list[str]] = field(default_factory=dict)

    def sheet(self, name: str) -> SheetContent:
        """The sheet of a name. Raises KeyError."""
        for sheet in self.sheets:
            if sheet.name == name:
                return sheet
        raise KeyError(name)


def write_workbook(content: WorkbookContent, path: str | Path) -> None:
    """Write a workbook: texts as inline texts, numbers as numbers, None as no cell at all.

    The file appears whole under its name or not at all. Raises OutputFileError, also for a text longer than a cell.

    >>> import tempfile
    >>> book = WorkbookContent([SheetContent("MDC", ("MDC编码", "排序"), [["MDCA", 1]])])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_workbook(book, Path(folder) / "book.xlsx")
    ...     (Path(folder) / "book.xlsx").read_bytes()[:2]
    b'PK'
    """
    import xlsxwriter
    from xlsxwriter.exceptions import XlsxWriterException

    target = check_output(Path(path))
    _refuse_long_texts(content, target)
    temporary = target.with_name(f".{target.name[:40]}.{os.getpid()}.part")
    try:
        book = xlsxwriter.Workbook(str(temporary), {"constant_memory": True})
        book.set_properties({"created": _CREATED, "modified": _CREATED})
        for sheet in content.sheets:
            page = book.add_worksheet(sheet.name)
            for number, row in enumerate((*sheet.above, sheet.header, *sheet.rows)):
                for column, cell in enumerate(row, sheet.shift):
                    _write_cell(page, number, column, cell)
        book.close()
        temporary.replace(target)
    except (OSError, XlsxWriterException) as error:
        cause = error if isinstance(error, OSError) else OSError(str(error))
        raise explain(target, cause) from error
    finally:
        temporary.unlink(missing_ok=True)


def _refuse_long_texts(content: WorkbookContent, target: Path) -> None:
    for sheet in content.sheets:
        for number, row in enumerate((*sheet.above, sheet.header, *sheet.rows), 1):
            for cell in row:
                if isinstance(cell, str) and len(cell) > _LONGEST:
                    problem = f"sheet {sheet.name}, row {number}: a text of {len(cell):,} characters fits into no cell"
                    raise OutputFileError(str(target), f"{problem} ({cell[:30]!r} ...)", "Split the rule")


def _write_cell(page: Any, row: int, column: int, cell: Cell) -> None:
    if isinstance(cell, str):
        page.write_string(row, column, cell)
    elif cell is not None:
        page.write_number(row, column, cell)
