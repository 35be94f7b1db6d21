"""A function for Spark SQL: SELECT drg_group(dx, proc, sex, age_years).drg FROM cases."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from functools import wraps
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from drgengine.cases import resolve_columns
from drgengine.cases.vocabulary import role_of
from drgengine.errors import CaseTableError
from drgengine.grouper.scheme import Scheme
from drgengine.grouper.schemefile import DEFAULT_SCHEME
from drgengine.spark.executor import results
from drgengine.spark.needs import require_pyspark
from drgengine.spark.remedies import for_sql, told_with
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

    Spark shows the arguments of SQL to nobody before the query runs. A wrong call (no diagnosis, an unknown name, too
    many) is then a PythonException of one line that holds the CaseTableError, after as many tries as
    spark.task.maxFailures allows. The returned function raises CaseTableError for a wrong call at once, before any
    job. Arguments pass through pandas; for whole tables drgengine.spark.group is faster.
    """
    require_pyspark()
    from pyspark.sql.pandas import functions

    vectorised: Any = functions.pandas_udf
    return _checked(spark.udf.register(name, vectorised(_function(ship(spark, scheme)), ANSWER)))


def _checked(registered: Any) -> Any:
    @wraps(registered)
    def drg_group(*by_place: Any, **by_name: Any) -> Any:
        names = argument_names(len(by_place), by_name)
        if len(by_place) != 1 or by_name:  # else it may be a struct
            with told_with(for_sql):
                resolve_columns(pa.schema([(name, pa.null()) for name in names]), None, _PLACE)
        return registered(*by_place, **by_name)

    return drg_group


def _function(shipped: Shipped) -> Any:
    def drg_group(*by_place: pd.Series, **by_name: pd.Series) -> pd.DataFrame:
        from drgengine.spark.sqlfunction import answer

        return answer(shipped, by_place, by_name)

    # With `from __future__ import annotations` they are texts, which Spark would look up among the globals.
    drg_group.__annotations__ = {"by_place": pd.Series, "by_name": pd.Series, "return": pd.DataFrame}
    return drg_group


def answer(shipped: Shipped, by_place: tuple[Any, ...], by_name: dict[str, Any]) -> pd.DataFrame:
    """The six result columns for one batch of arguments. Raises CaseTableError."""
    with told_with(for_sql):
        batch = as_batch(by_place, by_name)
        found = results(batch, shipped, resolve_columns(batch.schema, None, _PLACE))
    return pd.DataFrame({name: column.to_pandas() for name, column in found.items()})


def as_batch(by_place: tuple[Any, ...], by_name: dict[str, Any]) -> pa.RecordBatch:
    """Arguments as one batch with names; a struct (a pandas DataFrame here) brings its own.

    >>> as_batch((pd.Series([["I21.001"]]), pd.Series([None])), {"sex": pd.Series([1])}).schema.names
    ['dx', 'proc', 'sex']
    """
    structs = [value for value in (*by_place, *by_name.values()) if isinstance(value, pd.DataFrame)]
    if not structs:
        names = argument_names(len(by_place), by_name)
        values = [*by_place, *by_name.values()]
    elif len(by_place) == 1 and not by_name:
        names = _field_names(structs[0])
        values = [structs[0].iloc[:, at] for at in range(len(names))]
    else:
        raise CaseTableError(_PLACE, "a struct stands beside other arguments or by name", "Give the struct alone")
    arrays = [_array(name, value) for name, value in zip(names, values, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, names=names)


def argument_names(places: int, names: Iterable[str]) -> list[str]:
    """Names of the arguments of a call, those by place first. Raises CaseTableError for a call that cannot be meant.

    >>> argument_names(2, ["sex"])
    ['dx', 'proc', 'sex']
    """
    known, given = ", ".join(ARGUMENTS), list(names)
    if places + len(given) == 0:
        raise CaseTableError(
            _PLACE, "the call has none", f"Give {known} (those at the end may be left out), or struct(*)"
        )
    if places > len(ARGUMENTS):
        raise CaseTableError(_PLACE, f"{places} arguments by place", f"Give at most {len(ARGUMENTS)}: {known}")
    for name in given:
        if role_of(name) is None:
            near = difflib.get_close_matches(name, ARGUMENTS, n=1, cutoff=0.5)
            remedy = f"Did you mean {near[0]}?" if near else f"Take one of {known}, or a header the case table knows"
            raise CaseTableError(_PLACE, f"there is no argument {name!r}", remedy)
        if name in ARGUMENTS[:places]:
            raise CaseTableError(_PLACE, f"{name!r} is given by place and by name", "Give it once")
    return [*ARGUMENTS[:places], *given]


def _field_names(struct: pd.DataFrame) -> list[str]:
    """Names of the fields; Spark numbers those of one name, which would then count as missing."""
    names = [str(name) for name in struct.columns]
    for name in names:
        stem = name.removesuffix("_0")
        if stem != name and f"{stem}_1" in names and role_of(stem) is not None and stem not in names:
            raise CaseTableError(_PLACE, f"two fields of the struct are named {stem!r}", "Rename or drop one of them")
    return names


def _array(name: str, values: Any) -> pa.Array:
    try:
        return pa.array(values, from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError):
        raise CaseTableError(_PLACE, f"the values of {name} are of mixed types", "Cast it to one type") from None
