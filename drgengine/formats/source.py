"""Opening a table of cases: Parquet, delimited text, Excel or DBF, as a stream of record batches."""

from __future__ import annotations

import difflib
import errno
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Protocol

import pyarrow as pa

from drgengine.errors import DrgEngineError, InputFileError
from drgengine.formats.headers import Columns

BATCH_ROWS = 131_072
PARQUET_ENDINGS = (".parquet", ".pq", ".parq")
EXCEL_ENDINGS = (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods")
DBF_ENDINGS = (".dbf",)
TEXT_ENDINGS = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz")


class Source(Protocol):
    """An open table.

    schema : of the batches (code columns may be dictionary-encoded)
    output_schema : the same columns with the types of the file, for writing them again
    num_rows : number of rows, None when only reading tells
    dropped : personal columns left out at reading
    remarks : what the user should know of the file, one line each (which sheet is read, deleted records left out);
        complete once all batches are read
    """

    path: Path
    schema: pa.Schema
    output_schema: pa.Schema
    num_rows: int | None
    dropped: tuple[str, ...]

    @property
    def remarks(self) -> tuple[str, ...]: ...

    def batches(self) -> Iterator[pa.RecordBatch]: ...
    def close(self) -> None: ...
    def __enter__(self) -> Source: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class FileSource(Source, Protocol):
    """An open file.

    ragged : (row number, cells) of the rows that did not fit the header and were read as rows of nulls
    """

    ragged: list[tuple[int, int]]


def open_source(
    path: str | os.PathLike[str],
    *,
    batch_rows: int = BATCH_ROWS,
    encoding: str = "auto",
    delimiter: str = "auto",
    keep_personal: bool = False,
    dictionary_columns: str | tuple[str, ...] = "auto",
    columns: Columns | None = None,
    ragged: str = "refuse",
    sheet: str | int | None = None,
    header: str = "first",
) -> FileSource:
    """Open a file of cases (病例文件) for reading by batches, in bounded memory; the ending tells the format.

    batch_rows : most rows per batch
    encoding, delimiter : of delimited text (encoding also of DBF); "auto" looks at the beginning of the file
    keep_personal : True keeps columns with names, identity numbers, addresses and phones (个人信息)
    dictionary_columns : Parquet leaf columns to read as dictionaries, e.g. ("dx.list.element",); "auto" takes
        those that are dictionary-encoded in the file and small
    columns : called with the headers (stripped of byte order mark and blanks), returns those to read; they come in
        the order of the file, nothing else of it is converted. Without it all columns are read
    ragged : "refuse" a row of delimited text with a wrong number of cells, or "keep" it as a row of nulls in its
        place, told by source.ragged
    sheet : of a workbook, by name or by number from 1; the first visible one with content when not named
    header : of a workbook: "first" row with content, or "auto": the first of 10 rows with three filled cells, when
        a title stands above the headers

    Raises InputFileError: missing, empty, unreadable, damaged or oversized file (formats.limits), unknown ending, a
    header that is there twice and wanted.
    """
    for name, value, known in (("ragged", ragged, ("refuse", "keep")), ("header", header, ("first", "auto"))):
        if value not in known:
            raise ValueError(f"{name}={value!r}: it is one of {', '.join(known)}")
    file = check_input(path)
    ending = file.name.lower()
    if ending.endswith(PARQUET_ENDINGS):
        from drgengine.formats.parquet_source import ParquetSource

        return ParquetSource(file, batch_rows, keep_personal, dictionary_columns, columns)
    if ending.endswith(TEXT_ENDINGS):
        from drgengine.formats.text_source import TextSource

        return TextSource(file, batch_rows, keep_personal, encoding, delimiter, columns, ragged)
    if ending.endswith(EXCEL_ENDINGS):
        from drgengine.formats.excel_source import ExcelSource

        return ExcelSource(file, batch_rows, keep_personal, columns, sheet, header)
    if ending.endswith(DBF_ENDINGS):
        from drgengine.formats.dbf_source import DbfSource

        return DbfSource(file, batch_rows, keep_personal, encoding, columns)
    every = ", ".join((*PARQUET_ENDINGS, *TEXT_ENDINGS, ".xlsx", ".xls", *DBF_ENDINGS))
    raise InputFileError(str(file), f"the ending {file.suffix!r} is not known", f"Give a file ending in {every}")


def list_parts(path: str | os.PathLike[str]) -> list[Path]:
    """Parquet files of a (partitioned) folder, sorted by path; names starting with . or _ are left out.

    A single file is its own only part. Raises InputFileError when there is none, and when tables of another format
    lie in the folder, which would be left out without a word.
    """
    folder = Path(path)
    refuse_impossible(folder, InputFileError)
    if not folder.is_dir():
        return [check_input(folder)]
    found: list[Path] = []
    others: list[Path] = []
    for place, folders, files in os.walk(folder):
        folders[:] = [f for f in folders if not f.startswith((".", "_"))]
        shown = [Path(place, f) for f in files if not f.startswith((".", "_"))]
        found += [file for file in shown if file.name.lower().endswith(PARQUET_ENDINGS)]
        others += [file for file in shown if file.name.lower().endswith(TEXT_ENDINGS + EXCEL_ENDINGS + DBF_ENDINGS)]
    if not found:
        raise InputFileError(
            str(folder),
            "the folder holds no Parquet file",
            "Name a file, or a folder with *.parquet; tables of settlement lists go through drgengine convert",
        )
    others = [file for file in others if file.stat().st_size]
    if others:
        names = sorted(str(file.relative_to(folder)) for file in others)
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        raise InputFileError(
            str(folder),
            f"beside Parquet files the folder holds {', '.join(names[:3])}{more}, which would be left out",
            "Move them to another folder, or convert them to Parquet",
        )
    return sorted(found, key=lambda part: part.relative_to(folder).parts)


def refuse_impossible(path: Path, kind: type[DrgEngineError]) -> None:
    """Raise `kind` for a path that no file can have: too long, or with a zero byte."""
    try:
        path.lstat()
    except ValueError:
        raise kind(str(path).replace("\0", "\\0"), "the path holds a zero byte", "Write the path anew") from None
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise kind(str(path), "the path or a name in it is too long", "Give a shorter name") from None


def check_input(path: str | os.PathLike[str]) -> Path:
    """The path when it is a readable file with content; InputFileError otherwise."""
    file = Path(path)
    refuse_impossible(file, InputFileError)
    try:
        if file.is_dir():
            raise InputFileError(str(file), "this is a folder, a file is needed", "Name one file of the folder")
        if not file.exists():
            raise InputFileError(str(file), "there is no such file", _offer(file))
        if not file.is_file():
            raise InputFileError(str(file), "this is no ordinary file", "Save the data to a file first")
        if file.stat().st_size == 0:
            raise InputFileError(str(file), "the file is empty (0 bytes)", "Export the data again")
        with file.open("rb"):
            pass
    except PermissionError as error:
        raise no_permission(file) from error
    return file


def no_permission(file: Path) -> InputFileError:
    return InputFileError(str(file), "no permission to read the file", "Ask for read access, or copy the file")


def _offer(file: Path) -> str:
    if not file.parent.is_dir():
        return f"Check the path; the folder {str(file.parent)!r} does not exist"
    names = sorted(entry.name for entry in file.parent.iterdir() if not entry.name.startswith("."))
    near = difflib.get_close_matches(file.name, names, n=3, cutoff=0.5)
    if near:
        return f"Check the name; nearest here: {', '.join(near)}"
    return f"Check the name and the folder {str(file.parent)!r}"
