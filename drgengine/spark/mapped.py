"""Grouping of Spark tables: a batch of Arrow in, the same batch with six columns more out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from drgengine.cases import ColumnMap, resolve_columns
from drgengine.errors import CaseTableError
from drgengine.grouper.scheme import Scheme
from drgengine.grouper.schemefile import DEFAULT_SCHEME
from drgengine.spark.arrowschema import PLACE, arrow_schema, plainly_named, refuse_taken
from drgengine.spark.executor import group_batches
from drgengine.spark.needs import require_pyspark
from drgengine.spark.remedies import for_table, told_with
from drgengine.spark.shipped import ship

RESULTS = ("status", "mdc", "adrg", "drg", "severity", "reason")


def group(
    df: Any,
    scheme: str | Path | Scheme = DEFAULT_SCHEME,
    *,
    columns: Mapping[str, str] | None = None,
    prefix: str = "",
) -> Any:
    """Assign a DRG to every case of a Spark table (Spark 上的病例入组); nothing runs until the result is asked for.

    df : pyspark.sql.DataFrame of cases; names and types of columns as in drgengine.group, lists as array<string>
    scheme : packaged name, path of a scheme folder on the driver, or a loaded Scheme. A packaged one is loaded by
        every executor from its own drgengine, any other travels once to each executor
    columns : {name of a column in the table: canonical name}, for names that are not recognised
    prefix : put before the names of the result columns
    returns pyspark.sql.DataFrame: all columns and rows of `df`, in the order they have inside their partition, and
        status, mdc, adrg, drg, severity, reason as strings
    raises CaseTableError (columns) and SchemeError before any job; in the job only for a code column of a number
        type in which numbers stand. A row that cannot be grouped gets status `invalid` and a reason

    Names may hold anything, dots and blanks included; two columns of one name pass through unless grouping needs one.
    drgengine of the same version has to be installed where the executors run. Whether they compare names with or
    without case follows spark.sql.caseSensitive.
    """
    require_pyspark()
    from pyspark.sql.types import StringType, StructField, StructType

    if not hasattr(df, "mapInArrow"):
        raise CaseTableError("cases", f"a {type(df).__name__} is no Spark table", "Pass a pyspark.sql.DataFrame")
    refuse_taken(df, [prefix + name for name in RESULTS])
    found = _columns(arrow_schema(df.schema.fields), columns)
    shipped = ship(df.sparkSession, scheme)
    plain = plainly_named(df)
    fields = [StructField(name, StringType()) for name in RESULTS]
    grouped = plain.mapInArrow(group_batches(shipped, found, df.columns), StructType([*plain.schema.fields, *fields]))
    return grouped.toDF(*df.columns, *(prefix + name for name in RESULTS))


def _columns(schema: pa.Schema, mapping: Mapping[str, str] | None) -> ColumnMap:
    """The columns behind the case table; columns of one name are an error only where one of them is needed."""
    each_once = pa.schema([schema.field(schema.names.index(name)) for name in dict.fromkeys(schema.names)])
    with told_with(for_table):
        found = resolve_columns(each_once, mapping, PLACE)
    needed = [*found.scalars.values(), *found.dx.names, *(found.proc.names if found.proc else ())]
    twins = [name for name in needed if schema.names.count(name) > 1]
    if twins:
        raise CaseTableError(
            PLACE,
            f"two columns are named {twins[0]!r}, and grouping needs one",
            f'Rename or drop one of them, or pass both through: columns={{"{twins[0]}": "extra"}}',
        )
    return found
