"""A first look at the discharges of a period (病例核对): each once, and discharged within the period."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from drgengine.cases.coerce import read_date
from drgengine.errors import EvaluationError
from drgengine.evaluation.mix.casecolumns import BATCH_ROWS, open_cases
from drgengine.evaluation.plan.settings import Period
from drgengine.evaluation.yearly.groupedparts import GroupedCases, canonical, needed
from drgengine.formats import list_parts

SHOWN = 5
_EPOCH = dt.date(1970, 1, 1)
_BETWEEN = "\x1f"
Hashes = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True, eq=False)
class SortedOut:
    """cases : those of the period alone   outside : hospital -> discharges left out, as not of the period"""

    cases: GroupedCases
    outside: dict[str, int]


def cases_of_period(found: GroupedCases, period: Period, scratch: Path) -> SortedOut:
    """The discharges of a period: discharge_date within start and end, or not known.

    scratch : folder for a copy, which is written only where something is left out
    Raises EvaluationError: no discharge at all, none in the period, a case of a hospital twice (where there is a
    case_id). 8 bytes per case are kept: codes are compared where their hashes agree.
    """
    header = canonical(open_cases(found.path).names)
    place = ", ".join(path.name for path in period.cases)
    outside: dict[str, int] = {}
    hashes: list[Hashes] = []
    rows = 0
    for batch in _batches(found.path, header):
        rows += batch.num_rows
        if "case_id" in header:
            keys = _keys(batch, header)
            hashes.append(pd.util.hash_array(keys.to_numpy(object)))
        for name, count in _outside(batch, header, period, rows - batch.num_rows).items():
            outside[name] = outside.get(name, 0) + count
    if not rows:
        raise EvaluationError(place, "the cases hold no discharge", f"Give those of {period.id}, or leave it out")
    if hashes:
        _refuse_repeated(found.path, header, np.concatenate(hashes), place)
    left_out = sum(outside.values())
    if left_out == rows:
        problem = f"none of {rows} discharges is within {period.start} and {period.end}"
        raise EvaluationError(place, problem, f"Check discharge_date, and start and end of period {period.id}")
    if not left_out:
        return SortedOut(found, {})
    folder = scratch / "in-period"
    folder.mkdir()
    _write_inside(found.path, header["discharge_date"], period, folder)
    return SortedOut(replace(found, path=folder), dict(sorted(outside.items())))


def _batches(path: Path, header: dict[str, str]) -> Iterator[pa.RecordBatch]:
    names = [header[name] for name in ("hospital_id", "case_id", "discharge_date") if name in header]
    yield from (batch for batch in open_cases(path).batches(names) if batch.num_rows)


def _keys(batch: pa.RecordBatch, header: dict[str, str]) -> pd.Series:
    """Hospital and case as one text, of rows that have a case_id."""
    case = _texts(batch.column(header["case_id"]))
    there = case.notna() & (case != "")
    return _texts(batch.column(header["hospital_id"]))[there].fillna("").str.cat(case[there], sep=_BETWEEN)


def _texts(column: pa.Array) -> pd.Series:
    return column.cast(pa.string()).to_pandas().astype(object).str.strip()


def _outside(batch: pa.RecordBatch, header: dict[str, str], period: Period, row: int) -> dict[str, int]:
    if "discharge_date" not in header:
        return {}
    wrong = ~_within(batch.column(header["discharge_date"]), header["discharge_date"], period, row)
    if not wrong.any():
        return {}
    hospitals = _texts(batch.column(header["hospital_id"]))[wrong].fillna("")
    return {str(name): int(count) for name, count in hospitals.value_counts().items()}


def _within(values: pa.Array, name: str, period: Period, row: int) -> npt.NDArray[np.bool_]:
    days, _ = read_date(values, name, row)
    first, last = (period.start - _EPOCH).days, (period.end - _EPOCH).days
    with np.errstate(invalid="ignore"):
        return np.isnan(days) | ((np.floor(days) >= first) & (np.floor(days) <= last))


def _refuse_repeated(path: Path, header: dict[str, str], hashes: Hashes, place: str) -> None:
    ordered = np.sort(hashes)
    suspects = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    if not suspects.size:
        return
    found: dict[str, int] = {}
    for batch in _batches(path, header):
        keys = _keys(batch, header)
        for key in keys[np.isin(pd.util.hash_array(keys.to_numpy(object)), suspects)]:
            found[key] = found.get(key, 0) + 1
    repeated = {key: count for key, count in found.items() if count > 1}
    if repeated:
        many = sum(repeated.values()) - len(repeated)
        shown = ", ".join(" ".join(key.split(_BETWEEN)) for key in list(repeated)[:SHOWN])
        problem = (
            f"{len(repeated)} cases (hospital_id and case_id) stand there more than once, {many} rows too many: {shown}"
        )
        raise EvaluationError(place, problem + (" ..." if len(repeated) > SHOWN else ""), "Give each discharge once")


def _write_inside(path: Path, column: str, period: Period, folder: Path) -> None:
    """The rows of the period, file by file, with the columns that an evaluation reads."""
    for at, part in enumerate(list_parts(path)):
        target = folder / f"part-{at}.parquet"
        with pq.ParquetFile(part) as file:
            names = [name for name in file.schema_arrow.names if needed(name)]
            schema = pa.schema([file.schema_arrow.field(name) for name in names])
            _write_part(file, names, schema, target, column, period)


def _write_part(
    file: pq.ParquetFile, names: list[str], schema: pa.Schema, target: Path, column: str, period: Period
) -> None:
    row = 0
    with pq.ParquetWriter(target, schema, compression="zstd") as writer:
        for batch in file.iter_batches(BATCH_ROWS, columns=names):
            inside = _within(batch.column(column), column, period, row)
            writer.write_batch(batch.select(names).filter(pa.array(inside)))
            row += batch.num_rows
