"""A function for Spark SQL: SELECT drg_group(dx, proc, sex, age_years).drg FROM cases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from drgengine.cases import resolve_columns
from drgengine.errors import CaseTableError
from drgengine.grouper.scheme import Scheme
from drgengine.grouper.schemefile import DEFAULT_SCHEME
from drgengine.spark.executor import results
from drgengine.spark.needs import require_pyspark
from drgengine.spark.shipped import Shipped, ship

ARGUMENTS = (
    "dx",
    "proc",
    "sex",
    "age_years",
    "age_days",
    "birth_weight_g",
    "admission_weight_g",
    "los_days",
    "ventilator_hours",
    "department_id",
)
"""Meaning of arguments given by place."""
ANSWER = "struct<status:string,mdc:string,adrg:string,drg:string,severity:string,reason:string>"
_PLACE = "arguments of the SQL function"


def register(spark: Any, name: str = "drg_group", scheme: str | Path | Scheme = DEFAULT_SCHEME) -> Any:
    """Make grouping a function of Spark SQL (注册 SQL 函数), vectorised over Arrow batches.

    spark : SparkSession; name : of the function; scheme : as in drgengine.spark.group
    returns the function, for use on columns: df.select(drg_group("dx", "proc", "sex", "age_years"))

    It answers with struct<status, mdc, adrg, drg, severity, reason>, all strings, and takes

    - by place: dx, proc, sex, age_years, age_days, birth_weight_g, admission_weight_g, los_days, ventilator_hours,
      department_id; those at the end may be left out
    - by name: drg_group(dx => diagnoses, sex => gender, age_years => age), with any header the case table knows
    - one struct: drg_group(struct(*)) takes every column under its own name

    A column that is missing or of a wrong type is an error when the query runs. Arguments pass through pandas; for
    whole tables drgengine.spark.group is faster.
    """
    require_pyspark()
    from pyspark.sql.pandas import functions

    vectorised: Any = functions.pandas_udf
    return spark.udf.register(name, vectorised(_function(ship(spark, scheme)), ANSWER))


def _function(shipped: Shipped) -> Any:
    def drg_group(*by_place: pd.Series, **by_name: pd.Series) -> pd.DataFrame:
        from drgengine.spark.sqlfunction import answer

        return answer(shipped, by_place, by_name)

    # With `from __future__ import annotations` they are texts, which Spark would look up among the globals.
    drg_group.__annotations__ = {"by_place": pd.Series, "by_name": pd.Series, "return": pd.DataFrame}
    return drg_group


def answer(shipped: Shipped, by_place: tuple[Any, ...], by_name: dict[str, Any]) -> pd.DataFrame:
    """The six result columns for one batch of arguments. Raises CaseTableError."""
    batch = as_batch(by_place, by_name)
    found = results(batch, shipped, resolve_columns(batch.schema, None, _PLACE))
    return pd.DataFrame({name: column.to_pandas() for name, column in found.items()})


def as_batch(by_place: tuple[Any, ...], by_name: dict[str, Any]) -> pa.RecordBatch:
    """Arguments as one batch with names; a struct (a pandas DataFrame here) brings its own.

    >>> as_batch((pd.Series([["I21.001"]]), pd.Series([None])), {"sex": pd.Series([1])}).schema.names
    ['dx', 'proc', 'sex']
    """
    if len(by_place) > len(ARGUMENTS):
        raise CaseTableError(
            _PLACE, f"{len(by_place)} arguments by place", f"Give at most {len(ARGUMENTS)}: {', '.join(ARGUMENTS)}"
        )
    columns: dict[str, Any] = {}
    for place, value in enumerate(by_place):
        if isinstance(value, pd.DataFrame):
            if len(by_place) > 1:
                raise CaseTableError(_PLACE, "a struct stands beside other arguments", "Give the struct alone")
            columns |= {str(name): value[name] for name in value.columns}
        else:
            columns[ARGUMENTS[place]] = value
    columns |= by_name
    return pa.RecordBatch.from_arrays([_array(name, value) for name, value in columns.items()], names=list(columns))


def _array(name: str, values: Any) -> pa.Array:
    try:
        return pa.array(values, from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError):
        raise CaseTableError(_PLACE, f"the values of {name} are of mixed types", "Cast it to one type") from None
