"""Which columns of a grouped table feed the statistics, and the batches that hold only those (列的识别)."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.types as pt

from drgengine.cases.vocabulary import role_of
from drgengine.errors import EvaluationError, InputFileError
from drgengine.evaluation.mix.measures import GROUP_COLUMNS

BATCH_ROWS = 131_072
CHARGE = "total_charge"
COST = "cost"
_OPTIONAL = (
    "status",
    "mdc",
    "adrg",
    "severity",
    "los_days",
    "admission_date",
    "discharge_date",
    "discharge_disposition",
    "dx",
    "proc",
)
_DICTIONARIES = ("status", "mdc", "adrg", "drg", "severity")


@dataclass(frozen=True, slots=True)
class CaseColumns:
    """header : canonical name -> column of the table, only those there are; units : column per name of `by`."""

    by: tuple[str, ...]
    header: dict[str, str]

    def needed(self) -> list[str]:
        """The columns to read, each once."""
        return list(dict.fromkeys(self.header.values()))


def find_columns(names: Sequence[str], by: Sequence[str], charge: str, cost: str, place: str) -> CaseColumns:
    """Find the columns by canonical name or known header, Chinese ones included.

    Raises EvaluationError naming a column that was asked for and is not there.
    """
    known = _known(names)
    header = {"drg": _ask("drg", known, names, place, "Group the cases first (drgengine group)")}
    header |= {name: known[name] for name in _OPTIONAL if name in known}
    for name, column, default in (("charge", charge, CHARGE), ("cost", cost, COST)):
        if column in known:
            header[name] = known[column]
        elif column != default:
            _ask(column, known, names, place, f"Name the column of the {name}")
    for name in by:
        if name not in GROUP_COLUMNS:
            header[name] = _ask(name, known, names, place, "Name a column of the table in by=")
    if "los_days" in header:
        header.pop("admission_date", None)
    return CaseColumns(tuple(by), header)


def _known(names: Sequence[str]) -> dict[str, str]:
    """Canonical and own names -> column; the column's own name goes before a known header."""
    known = {name: name for name in names}
    for name in names:
        role = role_of(name)
        if role is not None and role.part in ("", "list") and role.slot is None:
            known.setdefault(role.name, name)
    return known


def _ask(name: str, known: dict[str, str], names: Sequence[str], place: str, remedy: str) -> str:
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, [*names, *known], n=3, cutoff=0.5)
    hint = f"; nearest: {', '.join(dict.fromkeys(near))}" if near else f"; there are {', '.join(names[:12])}"
    raise EvaluationError(place, f"there is no column {name!r}{hint}", remedy)


@dataclass(frozen=True, slots=True)
class OpenCases:
    """A table of cases that can be read by batches; `place` is for messages."""

    place: str
    names: tuple[str, ...]
    source: Any

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Record batches with these columns only, in the order of the rows."""
        source, wanted = self.source, list(columns)
        if isinstance(source, list):
            for path in source:
                yield from _file_batches(path, wanted)
        elif isinstance(source, pa.RecordBatchReader):
            for batch in source:
                yield batch.select(wanted)
        else:
            table = source.select(wanted) if isinstance(source, pa.Table) else _from_pandas(source, wanted)
            yield from table.to_batches(max_chunksize=BATCH_ROWS)


def open_cases(cases: Any) -> OpenCases:
    """Open a path (Parquet, a folder of Parquet, delimited text, Excel), a pandas, polars or Arrow table, or a stream.

    Raises InputFileError for a path that cannot be read, EvaluationError for anything else that is no table.
    """
    if isinstance(cases, str | os.PathLike):
        from drgengine.formats import list_parts

        parts = list_parts(cases)
        return OpenCases(str(cases), tuple(_names(parts[0])), parts)
    if isinstance(cases, pa.RecordBatch):
        cases = pa.Table.from_batches([cases])
    if isinstance(cases, pa.Table | pa.RecordBatchReader):
        return OpenCases("cases", tuple(cases.schema.names), cases)
    if hasattr(cases, "columns") and hasattr(cases, "iloc"):
        return OpenCases("cases", tuple(str(name) for name in cases.columns), cases)
    if hasattr(cases, "__arrow_c_stream__"):
        reader = pa.RecordBatchReader.from_stream(cases)
        return OpenCases("cases", tuple(reader.schema.names), reader)
    problem = f"a {type(cases).__name__} is no table of cases"
    raise EvaluationError("cases", problem, "Give a path, a pandas, polars or Arrow table, or UnitStatistics")


def _from_pandas(frame: Any, wanted: list[str]) -> pa.Table:
    try:
        return pa.Table.from_pandas(frame[wanted], preserve_index=False)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        text = str(error).splitlines()[0]
        raise EvaluationError("cases", f"a column mixes kinds of values ({text})", "Give one kind per column") from None


def _names(path: Path) -> list[str]:
    if not _is_parquet(path):
        from drgengine.formats import open_source

        with open_source(path, keep_personal=True, dictionary_columns=()) as source:
            return list(source.schema.names)
    try:
        return list(pq.read_schema(path).names)
    except (pa.ArrowException, OSError) as error:
        raise InputFileError(str(path), f"cannot be read as Parquet ({error})", "Write the file again") from None


def _is_parquet(path: Path) -> bool:
    return path.name.lower().endswith((".parquet", ".pq", ".parq"))


def _file_batches(path: Path, wanted: list[str]) -> Iterator[pa.RecordBatch]:
    from drgengine.formats import open_source

    if not _is_parquet(path):
        with open_source(path, keep_personal=True, dictionary_columns=()) as source:
            for batch in source.batches():
                yield batch.select(wanted)
        return
    try:
        schema = pq.read_schema(path)
        texts = [name for name in wanted if _is_text(schema.field(name).type)]
        lists = [f"{name}.list.element" for name in wanted if pt.is_list(schema.field(name).type)]
        with pq.ParquetFile(path, read_dictionary=texts + lists, pre_buffer=True) as file:
            # A dictionary belongs to one row group: nested ones cannot be read across the border of two.
            for group in range(file.metadata.num_row_groups):
                yield from file.iter_batches(BATCH_ROWS, row_groups=[group], columns=wanted)
    except (pa.ArrowException, OSError, KeyError) as error:
        text = str(error).splitlines()[0]
        raise InputFileError(str(path), f"cannot be read as Parquet ({text})", "Write the file again") from None


def _is_text(kind: pa.DataType) -> bool:
    return pt.is_string(kind) or pt.is_large_string(kind)


def stay_columns(names: Sequence[str], by: Sequence[str], same_hospital: bool, place: str) -> dict[str, str]:
    """Canonical name -> column for what follows patients; EvaluationError for one that is needed and not there."""
    known = _known(names)
    needed = ["patient_id", "admission_date", "discharge_date", *(["hospital_id"] if same_hospital else [])]
    header = {name: _ask(name, known, names, place, "Readmissions follow a patient by dates") for name in needed}
    optional = ("discharge_disposition", "planned_readmission", "mdc", "adrg", "drg")
    header |= {name: known[name] for name in optional if name in known}
    for name in by:
        if not (name in ("mdc", "adrg") and "drg" in header):
            header[name] = _ask(name, known, names, place, "Name a column of the table in by=")
    return header
