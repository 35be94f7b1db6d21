"""Opening a table of cases: Parquet, delimited text or Excel, as a stream of record batches."""

from __future__ import annotations

import difflib
import errno
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Protocol

import pyarrow as pa

from drgengine.cases.shown import look_like_values, shown_name
from drgengine.errors import DrgEngineError, InputFileError

BATCH_ROWS = 131_072
PARQUET_ENDINGS = (".parquet", ".pq", ".parq")
EXCEL_ENDINGS = (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods")
TEXT_ENDINGS = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz")


class Source(Protocol):
    """An open table.

    schema : of the batches (code columns may be dictionary-encoded)
    output_schema : the same columns with the types of the file, for writing them again
    num_rows : number of rows, None when only reading tells
    dropped : personal columns left out at reading
    """

    path: Path
    schema: pa.Schema
    output_schema: pa.Schema
    num_rows: int | None
    dropped: tuple[str, ...]

    def batches(self) -> Iterator[pa.RecordBatch]: ...
    def close(self) -> None: ...
    def __enter__(self) -> Source: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def open_source(
    path: str | os.PathLike[str],
    *,
    batch_rows: int = BATCH_ROWS,
    encoding: str = "auto",
    delimiter: str = "auto",
    keep_personal: bool = False,
    dictionary_columns: str | tuple[str, ...] = "auto",
) -> Source:
    """Open a file of cases (病例文件) for reading by batches, in bounded memory; the ending tells the format.

    batch_rows : most rows per batch
    encoding, delimiter : of delimited text; "auto" looks at the beginning of the file
    keep_personal : True keeps columns with names, identity numbers, addresses and phones (个人信息)
    dictionary_columns : Parquet leaf columns to read as dictionaries, e.g. ("dx.list.element",); "auto" takes
        those that are dictionary-encoded in the file and small

    Raises InputFileError: missing, empty, unreadable or damaged file, unknown ending.
    """
    file = check_input(path)
    name = file.name.lower()
    if name.endswith(PARQUET_ENDINGS):
        from drgengine.formats.parquet_source import ParquetSource

        return ParquetSource(file, batch_rows, keep_personal, dictionary_columns)
    if name.endswith(TEXT_ENDINGS):
        from drgengine.formats.text_source import TextSource

        return TextSource(file, batch_rows, keep_personal, encoding, delimiter)
    if name.endswith(EXCEL_ENDINGS):
        from drgengine.formats.excel_source import ExcelSource

        return ExcelSource(file, batch_rows, keep_personal)
    known = ", ".join((*PARQUET_ENDINGS, *TEXT_ENDINGS, ".xlsx"))
    raise InputFileError(str(file), f"the ending {file.suffix!r} is not known", f"Give a file ending in {known}")


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
        others += [file for file in shown if file.name.lower().endswith(TEXT_ENDINGS + EXCEL_ENDINGS)]
    if not found:
        raise InputFileError(str(folder), "the folder holds no Parquet file", "Name a file, or a folder with *.parquet")
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


def refuse_repeated(path: Path, names: list[str]) -> None:
    """InputFileError when two columns have one name; a first row that is a patient's is not quoted."""
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is None:
        return
    places = " and ".join(str(position) for position, name in enumerate(names, 1) if name == twice)
    if look_like_values(names):
        problem = f"columns {places} have the same name, and the names look like the values of a case"
        raise InputFileError(str(path), problem, "Put the column names in the first row")
    problem = f"columns {places} are both named {shown_name(twice)!r}"
    raise InputFileError(str(path), problem, "Give every column a name of its own")


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
