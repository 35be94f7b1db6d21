"""Finding the tables of a settlement list in a folder and reading the columns that are needed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa

from drgengine.cases.issues import BatchIssue
from drgengine.cases.unreadable import as_utf8
from drgengine.errors import InputFileError
from drgengine.formats.settlement.profile import find_columns, settlement_profile, table_of
from drgengine.formats.source import DBF_ENDINGS, EXCEL_ENDINGS, PARQUET_ENDINGS, TEXT_ENDINGS, open_source

_ENDINGS = sorted((*PARQUET_ENDINGS, *TEXT_ENDINGS, *EXCEL_ENDINGS, *DBF_ENDINGS), key=len, reverse=True)
_KEYS = ("setl_id", "mdtrt_id")
_NEEDED = {
    "settlement": (),
    "settled": (),
    "diagnosis": ("code", "main"),
    "operation": ("code",),
    "item": ("class", "amount"),
    "line": ("class", "amount"),
    "care": (),
}


@dataclass(frozen=True, slots=True, eq=False)
class InputTable:
    """One table of the list as it was read.

    columns : what a column is for -> values; headers : the same -> header in the file
    label : put before the header in issues, "" for the settlement table itself
    ragged : rows that had more or fewer cells than the header, and their cells
    """

    file: str
    rows: int
    columns: dict[str, pa.Array]
    headers: dict[str, str]
    label: str = ""
    ragged: tuple[tuple[int, int], ...] = ()

    def column(self, purpose: str) -> pa.Array:
        """The values; nulls when the table lacks the column."""
        return self.columns[purpose] if purpose in self.columns else pa.nulls(self.rows, pa.string())

    def shown(self, purpose: str) -> str:
        """How a column is named in issues, e.g. "diseinfo.diag_code"."""
        return self.label + self.headers.get(purpose, purpose)


@dataclass(frozen=True, slots=True)
class Folder:
    """Which file holds which table; ignored are tables that are known and not needed, other all further ones."""

    path: Path
    tables: dict[str, Path]
    ignored: tuple[str, ...] = ()
    other: tuple[str, ...] = field(default=())


def find_tables(folder: str | os.PathLike[str]) -> Folder:
    """The tables of a settlement list (结算清单) in a folder, by file name in any case.

    SETL_D alone serves as settlement table. Raises InputFileError: no folder, no settlement or diagnosis table, two
    files for one table.
    """
    place = Path(folder)
    if not place.is_dir():
        problem = "a settlement list is a folder with linked tables, and this is none"
        raise InputFileError(str(place), problem, "Name the folder that holds setlinfo, diseinfo, oprninfo")
    tables: dict[str, Path] = {}
    ignored: list[str] = []
    other: list[str] = []
    for file, stem in _table_files(place):
        table = table_of(stem)
        if table in tables:
            problem = f"{tables[table].name} and {file.name} hold the same table"
            raise InputFileError(str(place), problem, "Keep one of them there, or join them into one file")
        if table:
            tables[table] = file
        else:
            (other if table is None else ignored).append(file.name)
    if "settlement" not in tables and "settled" in tables:
        tables["settlement"] = tables.pop("settled")
    for table in ("settlement", "diagnosis"):
        if table not in tables:
            names = ", ".join(settlement_profile()["table"][table]["names"][:3])
            problem = f"no file of the folder holds the {table} table"
            raise InputFileError(str(place), problem, f"Add it under one of the names {names}, e.g. as .csv")
    return Folder(place, tables, tuple(ignored), tuple(other))


def _table_files(place: Path) -> Iterator[tuple[Path, str]]:
    for file in sorted(place.iterdir()):
        if file.is_file() and not file.name.startswith((".", "_", "~")):
            ending = next((e for e in _ENDINGS if file.name.lower().endswith(e)), None)
            if ending:
                yield file, file.name[: -len(ending)]


def read_table(path: Path, table: str, stem: str | None = None, further: tuple[str, ...] = ()) -> InputTable:
    """The needed columns of one table; Parquet and Excel types stay as they are.

    stem : put before the headers in issues; further : headers to read beside the profile's, under their own name
    Raises InputFileError when a column without which the table says nothing is missing.
    """
    headers: dict[str, str] = {}

    def wanted(names: list[str]) -> list[str]:
        headers.update(find_columns(names, table))
        headers.update({name: name for name in further if name in names})
        _check(path, table, headers)
        return list(dict.fromkeys(headers.values()))

    with open_source(path, columns=wanted, ragged="keep") as source:
        read = pa.Table.from_batches(list(source.batches()), source.schema).combine_chunks()
        ragged = tuple(getattr(source, "ragged", ()))
    columns = {
        purpose: as_utf8(_one(read[header])) for purpose, header in headers.items() if header in read.schema.names
    }
    return InputTable(path.name, read.num_rows, columns, headers, f"{stem}." if stem else "", ragged)


def ragged_rows(table: InputTable) -> list[BatchIssue]:
    """The issue of rows with a wrong number of cells."""
    if not table.ragged:
        return []
    rows = np.array([row for row, _ in table.ragged], np.int64)
    return [BatchIssue(table.file, "row_ragged", rows, [f"{cells} cells" for _, cells in table.ragged])]


def _check(path: Path, table: str, headers: dict[str, str]) -> None:
    if not any(key in headers for key in _KEYS):
        problem = "no column holds the settlement (setl_id) or the visit (mdtrt_id), which link the tables"
        raise InputFileError(str(path), problem, "Export the column setl_id with this table")
    names = settlement_profile()["table"]
    for purpose in _NEEDED[table]:
        if purpose not in headers:
            first = names[table]["column"][purpose][0]
            problem = f"no column holds the {purpose} of the {table} table"
            raise InputFileError(str(path), problem, f"Name the column {first}")


def _one(column: pa.ChunkedArray) -> pa.Array:
    chunks = column.combine_chunks()
    if not isinstance(chunks, pa.ChunkedArray):
        return chunks
    return chunks.chunk(0) if chunks.num_chunks else pa.array([], chunks.type)
