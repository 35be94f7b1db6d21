"""What comes in: a table of units x indicators, weights and directions, checked and packed into plain arrays."""

from __future__ import annotations

import numbers
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from drgengine.errors import EvaluationError

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

SUM_TOLERANCE = 1e-6  # weights printed with six digits still add up
NUMBER_KINDS = "biuf"


@dataclass(frozen=True, slots=True, eq=False)
class Indicators:
    """A matrix of indicators (指标矩阵) and the names it came with.

    values : float64[n, m], units x indicators, NaN where missing
    units, names : labels of rows and columns; 0, 1, 2, ... when the matrix was a plain array
    labelled : the input was a table, so results carry its labels
    """

    values: Floats
    units: pd.Index
    names: pd.Index
    labelled: bool

    def per_unit(self, values: npt.NDArray[Any]) -> Any:
        """One value per unit: a Series with the labels of the units, or the plain array."""
        return pd.Series(values, index=self.units) if self.labelled else values

    def per_indicator(self, values: npt.NDArray[Any]) -> Any:
        """One value per indicator: a Series with their names, or the plain array."""
        return pd.Series(values, index=self.names) if self.labelled else values

    def matrix(self, values: npt.NDArray[Any]) -> Any:
        """Units x indicators: a DataFrame with the labels, or the plain array."""
        return pd.DataFrame(values, index=self.units, columns=self.names) if self.labelled else values


def read_matrix(matrix: Any, place: str = "matrix") -> Indicators:
    """Pack a table or an array of shape (units, indicators).

    matrix : DataFrame (labels kept), a table with `to_pandas` (polars, Arrow), or an array of numbers; a missing
        value is NaN, None or pd.NA
    Raises EvaluationError: no rows or columns, a label twice, text or an infinite value (unit and indicator named).

    >>> read_matrix([[1, 2], [3, None]]).values
    array([[ 1.,  2.],
           [ 3., nan]])
    """
    if not isinstance(matrix, pd.DataFrame) and hasattr(matrix, "to_pandas"):
        matrix = matrix.to_pandas()
    labelled = isinstance(matrix, pd.DataFrame)
    table = matrix if labelled else _table_of(matrix, place)
    if not table.shape[0] or not table.shape[1]:
        shape = f"{table.shape[0]} units and {table.shape[1]} indicators"
        raise EvaluationError(
            place, f"{shape}, nothing can be scored", "Give one row per unit, one column per indicator"
        )
    for labels, kind in ((table.index, "unit"), (table.columns, "indicator")):
        if not labels.is_unique:
            twice = labels[labels.duplicated()][0]
            raise EvaluationError(place, f"{kind} {twice!r} stands there more than once", f"Give each {kind} once")
    if all(isinstance(dtype, np.dtype) and dtype.kind in NUMBER_KINDS for dtype in set(table.dtypes)):
        values = table.to_numpy(dtype=np.float64)
    else:
        columns = enumerate(table.columns)
        values = np.column_stack([_numbers(table.iloc[:, at], name, table.index, place) for at, name in columns])
    infinite = np.isinf(values)
    if infinite.any():
        row, column = (int(at[0]) for at in np.nonzero(infinite))
        where = f"unit {table.index[row]!r}, indicator {table.columns[column]!r}"
        problem = f"{where}: {values[row, column]} is not finite"
        raise EvaluationError(place, problem, "Correct the division by zero it comes from, or leave it empty")
    return Indicators(values, table.index, table.columns, labelled)


def _table_of(matrix: Any, place: str) -> pd.DataFrame:
    try:
        array = np.asarray(matrix)
    except ValueError:
        raise EvaluationError(place, "its rows are not equally long", "Give each unit all indicators") from None
    if array.ndim != 2:
        shown = f"it has {array.ndim} dimension{'' if array.ndim == 1 else 's'}"
        raise EvaluationError(place, shown, "Give a table of units x indicators; one indicator alone is one column")
    return pd.DataFrame(array)


def _numbers(column: pd.Series, name: Any, units: pd.Index, place: str) -> Floats:
    """The column as float64; text is refused and not read, since "1,200" or "12%" could be read in two ways."""
    missing = column.isna().to_numpy()
    for at in np.flatnonzero(~missing).tolist():
        value = column.iloc[at]
        if not isinstance(value, (numbers.Real, Decimal, np.bool_)):
            where = f"unit {units[at]!r}, indicator {name!r}: {value!r} is not a number"
            remedy = "Turn it into a number, leave it empty, or make names the index of the table"
            raise EvaluationError(place, where, remedy)
    return np.array([np.nan if gone else float(v) for v, gone in zip(column, missing, strict=True)], dtype=np.float64)


def read_vector(values: Any, of: Indicators, place: str) -> Floats:
    """One number per indicator: a mapping or Series by name, or a sequence in the order of the columns.

    Raises EvaluationError: a name too many or too few, a wrong count, text, NaN or an infinite value.

    >>> read_vector({"b": 2, "a": 1}, read_matrix(pd.DataFrame({"a": [0], "b": [0]})), "weights")
    array([1., 2.])
    """
    names = list(of.names)
    if isinstance(values, (Mapping, pd.Series)):
        values = _by_name(values, names, place)
    given = list(np.atleast_1d(np.asarray(values, dtype=object)).ravel())
    if len(given) != len(names):
        raise EvaluationError(place, f"{len(given)} values for {len(names)} indicators", "Give one per indicator")
    for name, value in zip(names, given, strict=True):
        if not isinstance(value, (numbers.Real, Decimal)) or not np.isfinite(float(value)):
            raise EvaluationError(place, f"{value!r} for indicator {name!r} is not a finite number", "Give a number")
    return np.array([float(value) for value in given], dtype=np.float64)


def _by_name(values: Any, names: list[Any], place: str) -> list[Any]:
    keys = list(values.index) if isinstance(values, pd.Series) else list(values)
    if isinstance(values, pd.Series):
        if isinstance(values.index, pd.RangeIndex) and len(values) == len(names):
            return list(values)
        if not values.index.is_unique:
            twice = values.index[values.index.duplicated()][0]
            raise EvaluationError(place, f"indicator {twice!r} stands there more than once", "Give each once")
    lacking = [name for name in names if name not in keys]
    unknown = [key for key in keys if key not in names]
    if lacking or unknown:
        problem = (
            f"no value for indicator {lacking[0]!r}" if lacking else f"indicator {unknown[0]!r} is not in the matrix"
        )
        raise EvaluationError(place, problem, f"Give one value for each of {', '.join(map(repr, names[:8]))}")
    return [values[name] for name in names]


def read_directions(directions: Any, of: Indicators, place: str = "directions") -> Floats:
    """+1 where more is better (高优), -1 where less is better (低优); None takes +1 for all.

    >>> read_directions([1, -1], read_matrix([[1, 2]]))
    array([ 1., -1.])
    """
    if directions is None:
        return np.ones(len(of.names))
    read = read_vector(directions, of, place)
    for name, value in zip(of.names, read, strict=True):
        if value not in (1.0, -1.0):
            remedy = (
                "Give +1 where more is better, -1 where less is better; bring a target or an interval to 0..1 first"
            )
            raise EvaluationError(place, f"{value:g} for indicator {name!r} is neither +1 nor -1", remedy)
    return read


def read_weights(weights: Any, of: Indicators, *, rescale: bool = False, place: str = "weights") -> Floats:
    """Weights that are 0 or more and add up to 1 within 1e-6; what is left of rounding is divided out.

    weights : by name or in order; None weighs all indicators alike; rescale : divide by their sum, whatever it is
    Raises EvaluationError: a negative weight, a sum that is not 1 (unless rescale), only zeros.

    >>> read_weights([3, 1], read_matrix([[1, 2]]), rescale=True)
    array([0.75, 0.25])
    """
    if weights is None:
        return np.full(len(of.names), 1.0 / len(of.names))
    read = read_vector(weights, of, place)
    if (read < 0).any():
        at = int(np.flatnonzero(read < 0)[0])
        problem = f"{read[at]:g} for indicator {of.names[at]!r} is negative"
        raise EvaluationError(place, problem, "Give weights of 0 or more; the direction belongs into directions")
    total = float(read.sum())
    if total == 0.0 or not np.isfinite(total):
        raise EvaluationError(place, f"they add up to {total:g}", "Give at least one indicator a weight above 0")
    if not rescale and abs(total - 1.0) > SUM_TOLERANCE:
        remedy = "Correct them, or ask for rescaling with normalise_weights=True"
        raise EvaluationError(place, f"they add up to {total:.9g} and not to 1", remedy)
    return read / total
