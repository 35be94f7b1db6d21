"""Sufficient statistics per unit and group by Spark: cells of each partition, added up by Spark SQL."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from drgengine import errors
from drgengine.errors import DrgEngineError, EvaluationError
from drgengine.evaluation.mix.casecolumns import CHARGE, COST, CaseColumns, find_columns
from drgengine.evaluation.mix.measures import COUNTS, GROUP_COLUMNS
from drgengine.evaluation.mix.unitstatistics import UnitStatistics, add_up
from drgengine.spark.arrowschema import PLACE, arrow_schema, comparison, plainly_named
from drgengine.spark.needs import require_pyspark

_CELL, _UNUSABLE, _PERIOD, _ERROR = "cell", "unusable", "period", "error"
Batches = Iterator[pa.RecordBatch]


def unit_statistics(
    df: Any,
    by: str | Sequence[str] = "hospital_id",
    *,
    charge: str = CHARGE,
    cost: str = COST,
    max_stay_days: int | None = None,
    ungroupable: str = "0000",
) -> UnitStatistics:
    """Collect the sufficient statistics of a grouped Spark table per unit and group (充分统计量).

    df : pyspark.sql.DataFrame of grouped discharges; by, charge, cost, max_stay_days, ungroupable : as in
        drgengine.evaluation.mix.unit_statistics
    returns UnitStatistics, equal to what one machine collects from the same rows: every value is read by the same
        code, and all sums are whole numbers, so that they do not depend on partitions. save() makes a file for the
        plan of an evaluation (`statistics = [...]`)
    raises EvaluationError for columns that are missing or unfit

    Runs one job. Each partition becomes a table of its cells; Spark SQL adds those up. Only the columns that are
    needed leave the JVM; only units x groups reach the driver.
    """
    require_pyspark()
    from pyspark.sql import functions as f

    if not hasattr(df, "mapInArrow"):
        raise EvaluationError("cases", f"a {type(df).__name__} is no Spark table", "Pass a pyspark.sql.DataFrame")
    names = (by,) if isinstance(by, str) else tuple(by)
    columns = find_columns(df.columns, names, charge, cost, PLACE)
    _refuse_twins(df, columns)
    needed = [df.columns.index(name) for name in columns.needed()]
    arrow_schema([df.schema.fields[at] for at in needed], EvaluationError)
    units = [name for name in columns.by if name not in GROUP_COLUMNS]
    keys = [f"key_{at}" for at in range(len(units) + len(GROUP_COLUMNS))]
    sums = [f"sum_{at}" for at in range(len(COUNTS))]
    texts, numbers = (f"{key} string" for key in keys), (f"{name} bigint" for name in sums)
    schema = ", ".join(["kind string", "note string", *texts, *numbers, "first_day date", "last_day date"])
    collect = cells_of_partition(columns, max_stay_days, ungroupable)
    plain = plainly_named(df)
    added = (
        plain.select([plain.columns[at] for at in needed])
        .mapInArrow(collect, schema)
        .groupBy("kind", "note", *keys)
        .agg(*(f.sum(name).alias(name) for name in sums), f.min("first_day"), f.max("last_day"))
    )
    return _as_statistics(added.toArrow(), columns.by, [*units, *GROUP_COLUMNS])


def _refuse_twins(df: Any, columns: CaseColumns) -> None:
    fold = comparison(df)
    folded = [fold(name) for name in df.columns]
    twin = next((name for name in columns.needed() if folded.count(fold(name)) > 1), None)
    if twin is not None:
        raise EvaluationError(PLACE, f"two columns are named {twin!r}", "Rename one of them")


def cells_of_partition(
    columns: CaseColumns, max_stay_days: int | None, ungroupable: str
) -> Callable[[Batches], Batches]:
    """The function for mapInArrow: batches of a partition in, one batch of its cells and remarks out."""
    # Plain values: an object of ours would load the kernels with it, before they have a place for compiled code.
    by, header, names = columns.by, dict(columns.header), columns.needed()

    def collected(batches: Batches) -> Batches:
        from drgengine.spark.executor import prepare

        prepare()
        from drgengine.evaluation.mix.casecolumns import CaseColumns
        from drgengine.evaluation.mix.collect import Collector
        from drgengine.spark.unitcells import as_batch, error_batch

        collector = Collector(CaseColumns(by, header), max_stay_days, ungroupable)
        try:
            for batch in batches:
                if batch.num_rows:
                    collector.add(batch.rename_columns(names))
        except DrgEngineError as error:
            # Not raised here: Spark would try the partition again and hide the words in a trace.
            yield error_batch(error, len(collector.units))
        else:
            if collector.row:
                yield as_batch(collector.result())

    return collected


def as_batch(statistics: UnitStatistics) -> pa.RecordBatch:
    """Cells, unusable values and period of one partition as rows of one batch."""
    cells = statistics.cells
    names = [name for name in cells.column_names if name not in COUNTS]
    remarks = list(statistics.unusable.items())
    rows = cells.num_rows
    extra = len(remarks) + 1
    kind = [_CELL] * rows + [_UNUSABLE] * len(remarks) + [_PERIOD]
    note = [None] * rows + [reason for reason, _ in remarks] + [None]
    columns = [pa.array(kind, pa.string()), pa.array(note, pa.string())]
    columns += [pa.concat_arrays([*cells[name].chunks, pa.nulls(extra, pa.string())]) for name in names]
    counted = pa.array([count for _, count in remarks] + [0], pa.int64())
    columns += [pa.concat_arrays([*cells[name].chunks, counted]) for name in COUNTS]
    for day in statistics.period or (None, None):
        columns.append(pa.array([None] * (rows + extra - 1) + [day], pa.date32()))
    return _batch(columns, len(names))


def error_batch(error: DrgEngineError, units: int) -> pa.RecordBatch:
    """One row that carries an error to the driver."""
    text = json.dumps([type(error).__name__, error.place, error.problem, error.remedy])
    keys = units + len(GROUP_COLUMNS)
    columns = [pa.array([_ERROR]), pa.array([text]), *(pa.nulls(1, pa.string()) for _ in range(keys))]
    columns += [pa.array([0], pa.int64())] * len(COUNTS) + [pa.nulls(1, pa.date32())] * 2
    return _batch(columns, keys)


def _batch(columns: list[pa.Array], keys: int) -> pa.RecordBatch:
    names = ["kind", "note", *(f"key_{at}" for at in range(keys)), *(f"sum_{at}" for at in range(len(COUNTS)))]
    return pa.RecordBatch.from_arrays(columns, names=[*names, "first_day", "last_day"])


def _as_statistics(added: pa.Table, by: tuple[str, ...], keys: list[str]) -> UnitStatistics:
    def rows(kind: str) -> pa.Table:
        return added.filter(pc.equal(added["kind"], kind))

    failed = sorted(rows(_ERROR)["note"].to_pylist())
    if failed:
        name, *words = json.loads(failed[0])
        raise getattr(errors, name)(*words)
    found = rows(_CELL).columns[2 : 2 + len(keys) + len(COUNTS)]
    types = [pa.string()] * len(keys) + [pa.int64()] * len(COUNTS)
    cells = pa.table([c.cast(t) for c, t in zip(found, types, strict=True)], names=[*keys, *COUNTS])
    unusable = rows(_UNUSABLE)
    counts = zip(unusable["note"].to_pylist(), unusable["sum_0"].to_pylist(), strict=True)
    first, last = (pc.min_max(added.column(at)).as_py() for at in (-2, -1))
    period = None if first["min"] is None else (first["min"], last["max"])
    return UnitStatistics(by, add_up(cells, by), period=period, unusable=dict(sorted(counts)))
