"""Excel workbooks: the first sheet as text, through python-calamine."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import pyarrow as pa

from drgengine.cases.columns import drop_personal
from drgengine.errors import InputFileError
from drgengine.formats.source import refuse_repeated


class ExcelSource:
    """See formats.source.Source; cells become text (whole numbers without .0, dates as YYYY-MM-DD)."""

    def __init__(self, path: Path, batch_rows: int, keep_personal: bool) -> None:
        self.path = path
        self._batch_rows = batch_rows
        rows = _first_sheet(path)
        if not rows or not any(_text(cell).strip() for cell in rows[0]):
            raise InputFileError(
                str(path),
                "the first row of the first sheet holds no column names",
                "Put the column names there",
            )
        names = [_text(cell).strip() or f"column_{position}" for position, cell in enumerate(rows[0], 1)]
        refuse_repeated(path, names)
        self.dropped = () if keep_personal else drop_personal(pa.schema([(name, pa.string()) for name in names]))
        self._kept = [position for position, name in enumerate(names) if name not in self.dropped]
        self._rows = rows[1:]
        self.num_rows: int | None = len(self._rows)
        self.schema = pa.schema([(names[position], pa.string()) for position in self._kept])
        self.output_schema = self.schema

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Record batches in sheet order."""
        for start in range(0, len(self._rows), self._batch_rows):
            rows = self._rows[start : start + self._batch_rows]
            columns = [
                pa.array([_text(row[position]) if position < len(row) else "" for row in rows], pa.string())
                for position in self._kept
            ]
            yield pa.RecordBatch.from_arrays(columns, schema=self.schema)

    def close(self) -> None:
        """Let go of the sheet."""
        self._rows = []

    def __enter__(self) -> ExcelSource:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _first_sheet(path: Path) -> list[list[object]]:
    try:
        from python_calamine import CalamineWorkbook
    except ImportError:
        raise InputFileError(
            str(path),
            "reading Excel needs the package python-calamine, which is not installed",
            "Install it with: pip install 'drgengine[excel]', or save the sheet as CSV",
        ) from None
    try:
        workbook = CalamineWorkbook.from_path(str(path))
        # Rows must keep their width, or columns would shift.
        sheet = workbook.get_sheet_by_index(0).to_python(skip_empty_area=True)
        rows: list[list[object]] = [list(row) for row in sheet]
    except Exception as error:  # the reader has its own family of errors
        raise InputFileError(
            str(path),
            "this is no readable Excel workbook",
            "Open it in Excel and save it again as .xlsx or CSV",
        ) from error
    return rows


def _text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, dt.datetime):
        return cell.isoformat(sep=" ") if cell.time() != dt.time() else cell.date().isoformat()
    if isinstance(cell, dt.date | dt.time):
        return cell.isoformat()
    return str(cell)
