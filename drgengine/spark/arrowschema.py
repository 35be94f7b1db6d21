"""The Arrow schema that the executors will see of a Spark table, and names that Spark cannot tell apart or read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from inspect import signature
from typing import Any

import pyarrow as pa

from drgengine.errors import CaseTableError, DrgEngineError

PLACE = "Spark table"


def arrow_schema(columns: Iterable[Any], error: type[DrgEngineError] = CaseTableError) -> pa.Schema:
    """Columns (fields of a Spark schema) with their Arrow types. Raises `error` for a type Arrow does not have."""
    from pyspark.errors import PySparkException
    from pyspark.sql.pandas.types import to_arrow_schema
    from pyspark.sql.types import StructType

    # Later versions ask for the zone of timestamps; what is looked at here does not depend on it.
    zone: dict[str, Any] = {"timezone": "UTC"} if "timezone" in signature(to_arrow_schema).parameters else {}
    fields: list[pa.Field] = []
    for field in columns:
        try:
            fields += to_arrow_schema(StructType([field]), **zone)
        except PySparkException:
            raise error(
                PLACE,
                f"the column {field.name!r} has the type {field.dataType.simpleString()}, which has no Arrow form",
                "Leave it out (df.drop) or cast it to text",
            ) from None
    return pa.schema(fields)


def plainly_named(df: Any) -> Any:
    """The table with columns c0, c1, ... by place.

    Spark reads a dot, a star or a backtick in a name as syntax, and cannot tell columns of one name apart.
    """
    return df.toDF(*(f"c{at}" for at in range(len(df.columns))))


def refuse_taken(df: Any, names: Sequence[str]) -> None:
    """Raise CaseTableError when a new column would have the name of one there, as Spark compares names."""
    fold = comparison(df)
    there = {fold(name): name for name in df.columns}
    taken = [there[fold(name)] for name in names if fold(name) in there]
    if taken:
        raise CaseTableError(
            PLACE,
            f"columns {', '.join(taken)} are there already and would be the names of results",
            "Rename them, or give the results a prefix (prefix='new_')",
        )


def comparison(df: Any) -> Any:
    """How Spark compares the names of columns: as they are, or (its default) without case."""
    sensitive = df.sparkSession.conf.get("spark.sql.caseSensitive", "false") == "true"
    return str if sensitive else str.lower
