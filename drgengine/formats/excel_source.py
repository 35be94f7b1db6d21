"""Excel workbooks: one sheet as text, through python-calamine in a process of its own."""

from __future__ import annotations

import importlib.util
import json
import marshal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa

from drgengine.cases.shown import shown_name
from drgengine.errors import InputFileError
from drgengine.formats import excelchild
from drgengine.formats.excelzip import check_parts
from drgengine.formats.headers import Columns, choose_columns, clean_headers
from drgengine.formats.limits import (
    EXCEL_HEADER_CELLS,
    EXCEL_HEADER_ROWS,
    EXCEL_MEMORY_BYTES,
    EXCEL_SECONDS,
    EXCEL_WHOLE_NUMBERS,
    GIB,
)

_MOST_BATCH_ROWS = 8192
_UNREADABLE = "this is no readable Excel workbook", "Open it in Excel and save it again as .xlsx or CSV"


class ExcelSource:
    """See formats.source.FileSource; cells become text (whole numbers without .0, dates as YYYY-MM-DD).

    sheet, sheets : the name of the sheet that is read, and of all
    """

    def __init__(
        self,
        path: Path,
        batch_rows: int,
        keep_personal: bool,
        columns: Columns | None = None,
        sheet: str | int | None = None,
        header: str = "first",
    ) -> None:
        self.path = path
        self.ragged: list[tuple[int, int]] = []
        self._sheet, self._auto = sheet, header == "auto"
        self._batch_rows = batch_rows
        packages = reader_folder(path, ", or save the sheet as CSV")
        check_parts(path)
        self._child: subprocess.Popen[bytes] | None = self._start(packages)
        self._packages = packages
        try:
            found = self._receive()
            names = self._names(found)
            self._kept, self.dropped = choose_columns(path, names, columns, keep_personal)
        except BaseException:
            self.close()
            raise
        self.sheet: str = found["sheet"]
        self.sheets: list[str] = found["sheets"]
        self.num_rows: int | None = found["rows"]
        self.schema = pa.schema([(names[place], pa.string()) for place in self._kept])
        self.output_schema = self.schema
        self.remarks = _remarks(self.sheet, self.sheets, found["above"])

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Record batches in sheet order."""
        if self._child is None:
            self._child = self._start(self._packages)
            self._names(self._receive())
        try:
            self._ask(self._kept)
            while (message := self._receive()) is not None:
                count, lists = message
                arrays = [pa.array(values, pa.string()) for values in lists]
                batch = pa.RecordBatch.from_arrays(arrays, schema=self.schema)
                for start in range(0, count, self._batch_rows):
                    yield batch.slice(start, self._batch_rows)
        except UnicodeError as error:
            raise InputFileError(str(self.path), *_UNREADABLE) from error
        finally:
            self.close()

    def close(self) -> None:
        """End the process that holds the sheet."""
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:
                    continue
        child.wait()

    def __enter__(self) -> ExcelSource:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_child", None) is not None:
            self.close()

    def _start(self, packages: str) -> subprocess.Popen[bytes]:
        request = {
            "path": str(self.path.absolute()),
            "packages": packages,
            "sheet": self._sheet,
            "header_rows": EXCEL_HEADER_ROWS if self._auto else 1,
            "header_cells": EXCEL_HEADER_CELLS if self._auto else 0,
            "batch_rows": min(self._batch_rows, _MOST_BATCH_ROWS),
            "whole_numbers": EXCEL_WHOLE_NUMBERS,
            "memory": EXCEL_MEMORY_BYTES,
            "seconds": EXCEL_SECONDS,
        }
        # -I -S: a start of 20 ms, and nothing of the folder or the environment of the user is run.
        command = [sys.executable, "-I", "-S", str(Path(excelchild.__file__)), json.dumps(request)]
        try:
            return subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=1 << 20
            )
        except OSError as error:
            problem = "no process can be started to read the workbook"
            raise InputFileError(str(self.path), problem, "Save the sheet as CSV") from error

    def _ask(self, places: list[int]) -> None:
        assert self._child is not None
        assert self._child.stdin is not None
        try:
            self._child.stdin.write(json.dumps(places).encode() + b"\n")
            self._child.stdin.flush()
        except OSError as error:
            raise InputFileError(str(self.path), *_UNREADABLE) from error

    def _receive(self) -> Any:
        assert self._child is not None
        assert self._child.stdout is not None
        size = self._child.stdout.read(8)
        packed = self._child.stdout.read(int.from_bytes(size, "little")) if len(size) == 8 else b""
        if not packed:
            raise self._died(self._child.wait())
        message = marshal.loads(packed)
        if isinstance(message, dict) and "failed" in message:
            raise self._failed(message)
        return message

    def _failed(self, message: dict[str, Any]) -> InputFileError:
        place = str(self.path)
        if message["failed"] == "memory":
            return self._too_much()
        if message["failed"] == "password":
            return InputFileError(place, "the workbook is protected by a password", "Save it without a password")
        if message["failed"] == "no sheet":
            names = ", ".join(map(shown_name, message["sheets"])) or "none"
            return InputFileError(place, f"there is no sheet {self._sheet!r}", f"Sheets of the workbook: {names}")
        return InputFileError(place, *_UNREADABLE)

    def _died(self, code: int) -> InputFileError:
        # Rust ends the process (SIGABRT) when memory is refused, the system (SIGKILL, SIGXCPU) when it runs out.
        return self._too_much() if code else InputFileError(str(self.path), *_UNREADABLE)

    def _too_much(self) -> InputFileError:
        return InputFileError(
            str(self.path),
            f"reading the workbook takes more than {EXCEL_MEMORY_BYTES / GIB:g} GiB of memory "
            f"or {EXCEL_SECONDS // 60} minutes, or the workbook is damaged",
            "Save the sheet as CSV or Parquet",
        )

    def _names(self, found: dict[str, Any]) -> list[str]:
        if not any(cell.strip() for cell in found["header"]):
            where = f"the sheet {shown_name(found['sheet'])!r}" if len(found["sheets"]) > 1 else "the first sheet"
            problem = f"the first row of {where} holds no column names"
            raise InputFileError(str(self.path), problem, "Put the column names there")
        return clean_headers(found["header"])


def reader_folder(path: Path, else_: str = "") -> str:
    """The folder that holds the package python_calamine. else_ : what else may be done where it is missing."""
    try:
        import python_calamine
    except ImportError:
        raise InputFileError(
            str(path),
            "reading Excel needs the package python-calamine, which is not installed",
            f"Install it with: pip install 'drgengine[excel]'{else_}",
        ) from None
    spec = importlib.util.find_spec(python_calamine.__name__)
    assert spec is not None
    assert spec.origin is not None
    return str(Path(spec.origin).parent.parent)


def _remarks(sheet: str, sheets: list[str], above: int) -> tuple[str, ...]:
    said = []
    if len(sheets) > 1:
        said.append(f"sheet {shown_name(sheet)!r} of {len(sheets)} is read")
    if above:
        said.append(f"the column names stand in row {above + 1} of the sheet; what is above them is left out")
    return tuple(said)
