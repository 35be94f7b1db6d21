"""What comes in: a table of units x named inputs, checked; the previous period beside it; several tables joined."""

from __future__ import annotations

import numbers
from collections.abc import Iterable, Mapping
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

import numpy as np
import pandas as pd

from drgengine.errors import EvaluationError
from drgengine.evaluation.indicators.entries import Input
from drgengine.evaluation.indicators.formula import Bools, Floats

REMARK_COLUMNS = ("unit", "name", "value", "remark")


def read_inputs(table: Any, known: Mapping[str, Input], place: str) -> pd.DataFrame:
    """The columns of a table that are inputs, as float64, NaN = missing; units are its index.

    table : DataFrame, or a table with `to_pandas` (polars, Arrow)
    Raises EvaluationError: no unit, a unit or input twice, text, an infinite value (unit and input named).
    """
    frame = as_frame(table, place)
    if not len(frame):
        raise EvaluationError(place, "it has no row", "Give one row per unit")
    for labels, kind in ((frame.index, "unit"), (frame.columns, "input")):
        if not labels.is_unique:
            twice = labels[labels.duplicated()][0]
            raise EvaluationError(place, f"{kind} {twice!r} stands there more than once", f"Give each {kind} once")
    columns = {name: _numbers(frame[name], name, place) for name in frame.columns if name in known}
    return pd.DataFrame(columns, index=frame.index, dtype=np.float64)


def as_frame(table: Any, place: str) -> pd.DataFrame:
    """The table as a DataFrame."""
    if not isinstance(table, pd.DataFrame) and hasattr(table, "to_pandas"):
        table = table.to_pandas()
    if not isinstance(table, pd.DataFrame):
        raise EvaluationError(place, f"{type(table).__name__} is no table", "Give a DataFrame of units x inputs")
    return table


def _numbers(column: pd.Series, name: str, place: str) -> Floats:
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "iuf":
        values = column.to_numpy(dtype=np.float64)
    else:
        missing = column.isna().to_numpy()
        for at in np.flatnonzero(~missing).tolist():
            value = column.iloc[at]
            if not isinstance(value, (numbers.Real, Decimal)):
                where = f"unit {column.index[at]!r}, input {name!r}: {value!r} is not a number"
                raise EvaluationError(place, where, "Turn it into a number or leave it empty")
        pairs = zip(column, missing, strict=True)
        values = np.array([np.nan if gone else float(value) for value, gone in pairs], dtype=np.float64)
    infinite = np.isinf(values)
    if infinite.any():
        where = f"unit {column.index[int(infinite.argmax())]!r}, input {name!r} is infinite"
        raise EvaluationError(place, where, "Correct the division by zero it comes from, or leave it empty")
    return values


def unknown_columns(columns: Iterable[object], known: Mapping[str, Input]) -> list[dict[str, Any]]:
    """Remarks on columns that are no input, since one of them may be a misspelt one."""
    found = []
    for name in columns:
        if name not in known:
            near = get_close_matches(str(name), known, n=1, cutoff=0.8)
            hint = f"; did you mean {near[0]}?" if near else ""
            found.append({"unit": None, "name": name, "value": np.nan, "remark": f"the column is no input{hint}"})
    return found


def negative_values(inputs: pd.DataFrame, known: Mapping[str, Input], when: str) -> list[dict[str, Any]]:
    """Remarks on values below 0 of inputs that cannot be."""
    found = []
    for name in inputs.columns:
        if not known[name].signed:
            below = inputs.loc[(inputs[name] < 0).to_numpy(), name]
            found += [
                {"unit": unit, "name": name, "value": value, "remark": f"below 0{when}"}
                for unit, value in below.items()
            ]
    return found


def without_negatives(inputs: pd.DataFrame, known: Mapping[str, Input]) -> tuple[pd.DataFrame, dict[str, Bools]]:
    """The inputs with NaN for values below 0 that cannot be, and where these stood: input -> bool[units]."""
    below = {name: (inputs[name] < 0).to_numpy() for name in inputs.columns if not known[name].signed}
    below = {name: there for name, there in below.items() if there.any()}
    kept = {name: inputs[name].mask(below[name]) if name in below else inputs[name] for name in inputs.columns}
    return pd.DataFrame(kept, index=inputs.index, dtype=np.float64), below


def join_inputs(parts: Mapping[str, Any]) -> pd.DataFrame:
    """One table of inputs from several (合并数据项): ledger, personnel, case mix; units of any of them, gaps as NaN.

    parts : name of the source -> DataFrame units x inputs. A column of two sources takes the first that has a value
    Raises EvaluationError when two sources give one unit and input different values, or their units do not overlap.

    >>> left = pd.DataFrame({"beds": [10.0]}, index=["A"])
    >>> join_inputs({"beds": left, "staff": pd.DataFrame({"beds": [10.0], "doctors": [4.0]}, index=["A"])})
       beds  doctors
    A  10.0      4.0
    """
    joined: pd.DataFrame | None = None
    for name, part in parts.items():
        frame = as_frame(part, name)
        if not frame.index.is_unique:
            twice = frame.index[frame.index.duplicated()][0]
            raise EvaluationError(name, f"unit {twice!r} stands there more than once", "Give each unit once")
        if joined is None:
            joined = frame.copy()
            continue
        if len(frame) and len(joined) and not joined.index.isin(frame.index).any():
            problem = f"no unit of it, such as {frame.index[0]!r}, is among {', '.join(map(repr, joined.index[:3]))}"
            raise EvaluationError(name, problem, "Use the same codes of units in all tables")
        _check_same(joined, frame, name)
        joined = joined.combine_first(frame)[[*joined.columns, *(c for c in frame.columns if c not in joined.columns)]]
    if joined is None:
        raise EvaluationError("join_inputs", "no table is given", "Give at least one")
    return joined


def _check_same(joined: pd.DataFrame, frame: pd.DataFrame, name: str) -> None:
    units = joined.index.intersection(frame.index)
    for column in joined.columns.intersection(frame.columns):
        left, right = joined.loc[units, column], frame.loc[units, column]
        both = (left.notna() & right.notna()).to_numpy()
        differ = both & (left.to_numpy() != right.to_numpy())
        if differ.any():
            unit = units[int(differ.argmax())]
            problem = f"unit {unit!r}, input {column!r}: {right[unit]:.12g} here, {left[unit]:.12g} in an earlier table"
            raise EvaluationError(name, problem, "Decide which is right and leave the other out")


def roll_up_inputs(inputs: pd.DataFrame, known: Mapping[str, Input], period: str = "period") -> pd.DataFrame:
    """Inputs of several periods as those of one longer period (期间汇总), such as twelve months as a year.

    inputs : index of two or more levels, one of them named `period`
    Flows are added, stocks averaged; a month that lacks a value makes the sum or mean missing, never smaller. Levels
    (ratios and indices) are left out: they have to be computed for the longer period. Every unit needs every period.
    Raises EvaluationError: no such index level, a period that lacks a unit.

    >>> from drgengine.evaluation.indicators.catalogue import load_catalogue
    >>> index = pd.MultiIndex.from_product([["A"], [1, 2]], names=["hospital", "period"])
    >>> table = pd.DataFrame({"visits": [10.0, 20.0], "beds": [5.0, 7.0]}, index=index)
    >>> roll_up_inputs(table, load_catalogue().inputs).to_dict("list")
    {'visits': [30.0], 'beds': [6.0]}
    """
    names = list(inputs.index.names)
    if period not in names or len(names) < 2:
        problem = f"its index has the levels {', '.join(map(repr, names))}"
        raise EvaluationError("inputs", problem, f"Index it by unit and {period!r}")
    units = [name for name in names if name != period]
    groups = inputs.groupby(level=units if len(units) > 1 else units[0], sort=False)
    wanted = inputs.index.get_level_values(period).nunique()
    count = groups.size()
    if inputs.index.has_duplicates or (count != wanted).any():
        unit = count.index[int((count != wanted).to_numpy().argmax())]
        problem = f"unit {unit!r} has {count[unit]} rows for {wanted} periods"
        raise EvaluationError("inputs", problem, "Give each unit each period once; leave empty what is not known")
    columns = {}
    for name in inputs.columns:
        kind = known[name].kind if name in known else "level"
        if kind != "level":
            total = groups[name].sum(min_count=wanted)
            columns[name] = total if kind == "flow" else total / wanted
    return pd.DataFrame(columns, index=count.index)
