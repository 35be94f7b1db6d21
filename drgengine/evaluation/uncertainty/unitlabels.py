"""Values, draws and peer groups of units, packed by their labels."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from drgengine.errors import EvaluationError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def read_values(values: Any, place: str, units: pd.Index | None = None) -> tuple[Floats, pd.Index]:
    """float64[n] and labels; a Series is put in the order of `units`, a single number stands for all of them.

    NaN, None are missing. Raises EvaluationError: text, an infinite value, another number of units.
    """
    if isinstance(values, pd.Series):
        if not values.index.is_unique:
            twice = values.index[values.index.duplicated()][0]
            raise EvaluationError(place, f"unit {twice!r} stands there more than once", "Give each unit once")
        if units is not None and not isinstance(values.index, pd.RangeIndex):
            values = values.reindex(units)
        labels = values.index
    else:
        if np.ndim(values) == 0 and units is not None:
            values = np.full(len(units), values)
        values = pd.Series(list(np.atleast_1d(values)))
        labels = values.index
    try:
        numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise EvaluationError(place, f"holds what is no number ({error})", "Give numbers, NaN where missing") from None
    if units is not None and numbers.size != len(units):
        raise EvaluationError(place, f"{numbers.size} values for {len(units)} units", "Give one per unit")
    infinite = np.flatnonzero(np.isinf(numbers))
    if infinite.size:
        raise EvaluationError(f"{place}, unit {labels[infinite[0]]!r}", "is not finite", "Correct it or leave it empty")
    return numbers, labels if units is None else units


def read_draws(draws: Any, units: pd.Index, place: str = "draws") -> Floats:
    """float64[draws, units]; the columns of a table are put in the order of `units`."""
    if isinstance(draws, pd.DataFrame):
        if not isinstance(draws.columns, pd.RangeIndex):
            lacking = [unit for unit in units if unit not in draws.columns]
            if lacking:
                raise EvaluationError(place, f"there are no draws of unit {lacking[0]!r}", "Give a column per unit")
            draws = draws[list(units)]
        draws = draws.to_numpy(dtype=np.float64)
    array = np.asarray(draws, dtype=np.float64)
    if array.ndim != 2 or array.shape[1] != len(units) or not array.shape[0]:
        problem = f"their shape {array.shape} is not (draws, {len(units)} units)"
        raise EvaluationError(place, problem, "Give one row per draw and one column per unit")
    return array


def read_groups(groups: Any, units: pd.Index) -> tuple[Ints, tuple[Any, ...], npt.NDArray[np.object_]]:
    """Number of the peer group of every unit, the groups, and the label of every unit; None = one group of all."""
    if groups is None:
        return np.zeros(len(units), np.int64), ("",), np.full(len(units), "", dtype=object)
    if isinstance(groups, pd.Series) and not isinstance(groups.index, pd.RangeIndex):
        groups = groups.reindex(units)
    labels = pd.Series(list(groups), dtype=object)
    if len(labels) != len(units):
        raise EvaluationError("groups", f"{len(labels)} labels for {len(units)} units", "Give one per unit")
    empty = np.flatnonzero(labels.isna().to_numpy())
    if empty.size:
        raise EvaluationError("groups", f"unit {units[empty[0]]!r} has no peer group", "Give each unit one")
    codes, names = pd.factorize(labels)
    return codes.astype(np.int64), tuple(names), labels.to_numpy(dtype=object)


def check_level(level: float) -> None:
    """Raises EvaluationError unless level is a share between 0 and 1."""
    if not 0.0 < level < 1.0:
        raise EvaluationError("level", f"{level!r} is no share between 0 and 1", "Give e.g. 0.95")
