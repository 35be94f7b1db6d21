"""Ranks: 1 is best and ties share the best place; average ranks for sums of ranks; columns that do not vary."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import rankdata

from drgengine.evaluation.scoring.indicators import Bools, Floats

NOISE = 1e-12  # below this, relative, two results differ by rounding only


def places(score: Floats, *, larger_is_better: bool = True) -> npt.NDArray[Any]:
    """Rank of each unit, 1 = best, ties share the best place (1, 2, 2, 4).

    score : float64[n]; values that differ by rounding alone (1e-12 relative) are ties
    returns int64[n]; float64[n] with NaN at the places of units without a score, when there are any

    >>> places(np.array([0.5, 0.9, 0.5, 0.1])).tolist()
    [2, 1, 2, 4]
    """
    scored = ~np.isnan(score)
    if not scored.all():
        full = np.full(score.size, np.nan)
        full[scored] = places(score[scored], larger_is_better=larger_is_better)
        return full
    key = -score if larger_is_better else score
    order = np.argsort(key, kind="stable")
    along = key[order]
    apart = np.diff(along) > NOISE * np.maximum(1.0, np.abs(along[1:]))
    first = np.concatenate(([True], apart)) if along.size else np.empty(0, dtype=np.bool_)
    at = np.arange(1, along.size + 1)
    rank = np.empty(along.size, dtype=np.int64)
    rank[order] = np.maximum.accumulate(np.where(first, at, 0))
    return rank


def average_ranks(values: Floats, directions: Floats) -> Floats:
    """Rank per column, 1 = worst, ties get the mean rank (编秩, 平均秩); NaN stays NaN and is not counted.

    >>> average_ranks(np.array([[3.0], [1.0], [3.0]]), np.array([1.0])).ravel().tolist()
    [2.5, 1.0, 2.5]
    """
    ranks: Floats = rankdata(values * directions, method="average", axis=0, nan_policy="omit")
    return ranks


def constant_columns(values: Floats) -> Bools:
    """Columns whose values are all equal, up to rounding (1e-12 of the largest); NaN is not looked at."""
    low, high = np.nanmin(values, axis=0), np.nanmax(values, axis=0)
    flat: Bools = high - low <= NOISE * np.maximum(np.abs(low), np.abs(high))
    return flat


def constant_words(flat: Bools, names: pd.Index, effect: str) -> tuple[str, ...]:
    """One warning per constant column, which says what becomes of it."""
    return tuple(f"indicator {name!r} is the same for all units: {effect}" for name in names[flat])
