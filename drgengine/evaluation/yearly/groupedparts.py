"""The discharges of a period as grouped Parquet with one set of columns (分组后的病例), with costs where given."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pyarrow.types as pt

from drgengine.cases.vocabulary import role_of
from drgengine.errors import EvaluationError
from drgengine.evaluation.mix.casecolumns import open_cases
from drgengine.evaluation.plan.settings import Period
from drgengine.evaluation.yearly.casecosts import CaseCosts, read_costs
from drgengine.formats.source import PARQUET_ENDINGS
from drgengine.formats.text_sink import LIST_SEPARATOR

LEVELS = ("hospital_id", "department_id", "physician_id")


@dataclass(frozen=True, slots=True)
class GroupedCases:
    """The discharges of a period.

    path : grouped Parquet file, folder of such, or a grouped file as given
    by : those of hospital_id, department_id, physician_id that the columns name
    columns : canonical names the columns answer to   costs : what came of joining costs, None without
    """

    path: Path
    by: tuple[str, ...]
    columns: frozenset[str]
    costs: CaseCosts | None
    grouped_here: bool


def canonical(names: Sequence[str]) -> dict[str, str]:
    """Canonical name -> column, for columns whose header is known."""
    known = {name: name for name in names}
    for name in names:
        role = role_of(name)
        if role is not None and role.part in ("", "list") and role.slot is None:
            known.setdefault(role.name, name)
    return known


def grouped_cases(period: Period, scheme: str, scratch: Path) -> GroupedCases:
    """Group what is not grouped, join costs, and bring all files of a period to the same columns.

    scratch : folder for what has to be written; a single grouped file without costs is used as it stands
    Raises EvaluationError naming the file that lacks hospital_id, and what the grouper and the readers raise.
    """
    files = [_grouped(path, scheme, scratch, at) for at, path in enumerate(period.cases)]
    names = [tuple(canonical(open_cases(path).names)) for path in files]
    for path, columns in zip(period.cases, names, strict=True):
        if "hospital_id" not in columns:
            problem = "no column says the hospital (hospital_id, 机构代码)"
            raise EvaluationError(str(path), problem, "Add it, with the ids of the table of hospitals")
    by = tuple(name for name in LEVELS if all(name in columns for columns in names))
    for path, given in zip(files, period.cases, strict=True):
        refuse_lists(path, given, by)
    common = frozenset.intersection(*(frozenset(columns) for columns in names))
    here = any(made != given for made, given in zip(files, period.cases, strict=True))
    costs = read_costs(period.costs) if period.costs else None
    if len(files) == 1 and costs is None and (files[0].is_dir() or files[0].name.lower().endswith(PARQUET_ENDINGS)):
        return GroupedCases(files[0], by, common, None, here)
    folder = scratch / "cases"
    folder.mkdir()
    _write_alike(files, folder, costs)
    return GroupedCases(folder, by, common | ({"cost"} if costs is not None else set()), costs, here)


def refuse_lists(path: Path, given: Path, names: Sequence[str]) -> None:
    """EvaluationError for a column of hospitals, departments or physicians that holds lists."""
    opened = open_cases(path)
    header = canonical(opened.names)
    batch = next(iter(opened.batches([header[name] for name in names])), None)
    for name in names:
        if batch is not None and pt.is_nested(batch.schema.field(header[name]).type):
            problem = f"column {header[name]!r} holds {batch.schema.field(header[name]).type}, and no codes"
            raise EvaluationError(str(given), problem, "Give one code per discharge")


def _grouped(path: Path, scheme: str, scratch: Path, at: int) -> Path:
    if "drg" in canonical(open_cases(path).names):
        return path
    from drgengine.grouper.stream import group_file

    target = scratch / (f"grouped-{at}" if path.is_dir() else f"grouped-{at}.parquet")
    group_file(path, target, scheme, only=needed)
    return target


def _write_alike(files: Sequence[Path], folder: Path, costs: CaseCosts | None) -> None:
    """One Parquet file per file, all with the same canonical columns and kinds; a column one lacks is empty there."""
    headers = [canonical(open_cases(path).names) for path in files]
    names = list(dict.fromkeys(name for header in headers for name in header if needed(name)))
    kinds = {name: _kind(name, files, headers) for name in names}
    if costs is not None:
        names = [name for name in names if name != "cost"]
        kinds["cost"] = pa.float64()
    fields = [pa.field(name, kinds[name]) for name in names]
    schema = pa.schema(fields + ([pa.field("cost", pa.float64())] if costs is not None else []))
    for at, (path, header) in enumerate(zip(files, headers, strict=True)):
        with pq.ParquetWriter(folder / f"part-{at}.parquet", schema, compression="zstd") as writer:
            for read in _batches(path, header, names, kinds):
                batch = read
                if costs is not None:
                    batch = read.append_column("cost", pa.array(costs.of(batch), pa.float64(), from_pandas=True))
                writer.write_table(pa.Table.from_batches([batch]).cast(schema))


def needed(column: str) -> bool:
    """Whether an evaluation reads a column, by its name or header: no other one is copied, nobody's name above all.

    >>> [name for name in ("住院总费用", "姓名", "身份证号", "出生日期", "drg", "charge_nursing") if needed(name)]
    ['住院总费用', 'drg', 'charge_nursing']
    """
    role = role_of(column)
    names = {column} if role is None else {column, role.name}
    return any(name in _OWN or name in _READ or name.startswith("charge_") for name in names)


_LISTS = ("dx", "proc")
_READ = frozenset(
    {
        *LEVELS,
        *("case_id", "admission_date", "discharge_date", "los_days", "discharge_disposition", "dx", "proc"),
        # Readmissions follow a patient; nothing else needs to know one.
        *("patient_id", "planned_readmission"),
        *("age_years", "age_days", "sex", "admission_route", "total_charge"),
    }
)
_OWN = frozenset({"status", "mdc", "adrg", "drg", "severity", "cost"})


def _kind(name: str, files: Sequence[Path], headers: Sequence[dict[str, str]]) -> pa.DataType:
    """The kind of a column in all files; text where they differ."""
    found = set()
    for path, header in zip(files, headers, strict=True):
        if name in header:
            opened = open_cases(path)
            batch = next(iter(opened.batches([header[name]])), None)
            if batch is not None:
                found.add(_plain(batch.schema.field(0).type))
    if name in _LISTS:
        return pa.list_(pa.string())
    return found.pop() if len(found) == 1 else pa.string()


def _plain(kind: pa.DataType) -> pa.DataType:
    if pt.is_dictionary(kind):
        return _plain(kind.value_type)
    if pt.is_list(kind) or pt.is_large_list(kind):
        return pa.list_(_plain(kind.value_type))
    return pa.string() if pt.is_large_string(kind) or pt.is_null(kind) else kind


def _batches(
    path: Path, header: dict[str, str], names: Sequence[str], kinds: dict[str, pa.DataType]
) -> Iterator[pa.RecordBatch]:
    opened = open_cases(path)
    wanted = list(dict.fromkeys(header[name] for name in names if name in header))
    for batch in opened.batches(wanted):
        columns = []
        for name in names:
            if name in header:
                column = batch.column(header[name])
                columns.append(column if column.type == kinds[name] else _cast(column, kinds[name]))
            else:
                columns.append(pa.nulls(batch.num_rows, kinds[name]))
        yield pa.RecordBatch.from_arrays(columns, names=list(names))


def _cast(column: pa.Array, kind: pa.DataType) -> pa.Array:
    if pt.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pt.is_list(kind) and pt.is_string(column.type):
        # In a text an empty cell is an empty list: the column is there, and the case has no such code.
        filled = pc.if_else(pc.equal(column, ""), pa.scalar(None, pa.string()), column)
        return _list_array(pc.split_pattern(filled, LIST_SEPARATOR), column.is_null()).cast(kind)
    if pt.is_list(column.type) and pt.is_dictionary(column.type.value_type):
        return _list_array(column, column.is_null()).cast(kind)
    return column.cast(kind)


def _list_array(lists: pa.Array, missing: pa.Array) -> pa.Array:
    """The lists with plain values; those without a value are empty unless `missing`."""
    values = lists.flatten()
    if pt.is_dictionary(values.type):
        values = values.dictionary_decode()
    lengths = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False)
    offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32))
    return pa.ListArray.from_arrays(offsets, values, mask=missing)


def matched_share(costs: CaseCosts | None) -> float:
    """Share of the discharges that found a cost."""
    return np.nan if costs is None or not costs.seen else costs.matched / costs.seen
