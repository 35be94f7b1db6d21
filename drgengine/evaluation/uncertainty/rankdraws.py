"""Intervals of ranks (名次区间): how far a rank is settled by the data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtri

from drgengine.errors import EvaluationError
from drgengine.evaluation.scoring.places import NOISE, places
from drgengine.evaluation.uncertainty.unitlabels import check_level, read_draws, read_groups, read_values

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
_CHUNK = 1 << 21  # numbers sorted at a time


@dataclass(frozen=True, slots=True, eq=False)
class RankIntervals:
    """Ranks within peer groups and how sure they are.

    table : one row per unit: group, value, rank, rank_low, rank_high (pointwise interval of `level`), rank_expected
        (mean rank of the draws), p_top, p_bottom (share of draws among the best and worst `top`), ranked (units with a
        rank in the group), reason (why there is no rank, or what is missing, else ""); with simultaneous also
        rank_low_all, rank_high_all
    ranks : int32[draws, units], 1 = best, 0 = no score in that draw
    """

    table: pd.DataFrame
    ranks: npt.NDArray[np.int32] = field(repr=False)
    seed: int | None
    draws: int
    level: float
    top: int
    method: str


def rank_intervals(
    scores: Any,
    standard_errors: Any = None,
    *,
    draws: Any = None,
    groups: Any = None,
    higher_is_better: bool = True,
    level: float = 0.95,
    top: int = 3,
    draws_count: int = 10_000,
    seed: int = 1,
    simultaneous: bool = False,
) -> RankIntervals:
    """Rank, interval of the rank, expected rank, chance to be among the best (名次区间、期望名次、进入前k名的概率).

    scores : one per unit (Series or sequence), NaN = not ranked
    standard_errors : of the scores; draws_count normal draws around them are ranked. For shrunken scores give the
        posterior standard deviations   draws : instead, drawn scores [draws, units] or a table with units as columns
    groups : peer group of each unit; ranks are within it   top : k of p_top and p_bottom
    simultaneous : also intervals that hold for all units of a group at once: a unit ranks below every unit that is
        better by more than z times the standard error of the difference, z at (1 - level) over the number of pairs
        (Bonferroni); differences use the covariance of the draws, where draws are given
    Ties share the best place. Intervals are percentiles of the drawn ranks, taken outwards to whole ranks.
    Pointwise intervals of units that differ by less than their errors lean to the middle of the group, as drawing adds
    noise to noise, and hold true ranks somewhat too seldom (in a simulation 90 instead of 95 of 100); simultaneous
    ones do not.
    Source: Goldstein and Spiegelhalter 1996; Mogstad, Romano, Shaikh and Wilhelm 2024 for the pairs.

    Raises EvaluationError: neither or both of standard_errors and draws, labels that do not fit, a negative error.

    >>> found = rank_intervals(pd.Series({"A": 90.0, "B": 80.0, "C": 79.0}), [1.0, 1.0, 1.0], top=1)
    >>> found.table[["rank", "rank_low", "rank_high"]].astype(int).values.tolist()
    [[1, 1, 1], [2, 2, 3], [3, 2, 3]]
    """
    check_level(level)
    if (standard_errors is None) == (draws is None):
        problem = "give standard errors or draws, one of them"
        raise EvaluationError("standard_errors, draws", problem, "Draws come from bootstrap_chain and score_draws")
    if top < 1 or draws_count < 1 or seed < 0:
        problem = f"top {top}, draws_count {draws_count}, seed {seed}"
        raise EvaluationError("top, draws_count, seed", problem, "Give whole numbers from 1, a seed from 0")
    value, units = read_values(scores, "scores")
    codes, _, labels = read_groups(groups, units)
    reasons = ["" if known else "no score" for known in ~np.isnan(value)]
    if draws is None:
        drawn, method = _normal_draws(value, standard_errors, units, draws_count, seed, reasons), "normal"
    else:
        drawn, method = read_draws(draws, units), "draws"
    value = np.where([reason == "no standard error" for reason in reasons], np.nan, value)
    drawn = np.where(np.isnan(value), np.nan, drawn)
    ranks = ranks_of_draws(drawn, codes, higher_is_better)
    missing = (ranks == 0).sum(axis=0)
    for unit in np.flatnonzero((missing > 0) & ~np.isnan(value)):
        reasons[unit] = f"no score in {missing[unit]} of {drawn.shape[0]} draws"
    columns = {"group": labels, "value": value, "rank": _point_ranks(value, codes, higher_is_better)}
    columns |= _summary(ranks, codes, value, level, top)
    if simultaneous:
        columns |= _all_at_once(value, drawn, codes, level, higher_is_better)
    columns["reason"] = np.array(reasons, dtype=object)
    return RankIntervals(
        pd.DataFrame(columns, index=units), ranks, seed if draws is None else None, drawn.shape[0], level, top, method
    )


def ranks_of_draws(draws: Floats, codes: Ints, higher_is_better: bool = True) -> npt.NDArray[np.int32]:
    """Rank of every unit in its group in every draw, int32[draws, units]; 0 where there is no number.

    >>> ranks_of_draws(np.array([[3.0, 1.0, 3.0, np.nan]]), np.zeros(4, np.int64)).tolist()
    [[1, 3, 1, 0]]
    """
    ranks = np.zeros(draws.shape, np.int32)
    for code in np.unique(codes):
        at = np.flatnonzero(codes == code)
        step = max(1, _CHUNK // at.size)
        for first in range(0, draws.shape[0], step):
            part = slice(first, first + step)
            ranks[part, at] = _row_ranks(draws[part][:, at], higher_is_better)
    return ranks


def _row_ranks(values: Floats, higher_is_better: bool) -> npt.NDArray[np.int32]:
    """places() for each row."""
    key = np.where(np.isnan(values), np.inf, -values if higher_is_better else values)
    order = np.argsort(key, axis=1, kind="stable")
    along = np.take_along_axis(key, order, axis=1)
    first = np.ones(along.shape, np.bool_)
    finite = np.where(np.isinf(along), np.finfo(np.float64).max, along)
    with np.errstate(over="ignore"):
        first[:, 1:] = finite[:, 1:] - finite[:, :-1] > NOISE * np.maximum(1.0, np.abs(finite[:, 1:]))
    rank = np.maximum.accumulate(np.where(first, np.arange(1, along.shape[1] + 1), 0), axis=1)
    rank = np.where(np.isinf(along), 0, rank)
    out = np.empty(along.shape, np.int32)
    np.put_along_axis(out, order, rank.astype(np.int32), axis=1)
    return out


def _normal_draws(
    value: Floats, standard_errors: Any, units: pd.Index, count: int, seed: int, reasons: list[str]
) -> Floats:
    error, _ = read_values(standard_errors, "standard_errors", units)
    negative = np.flatnonzero(error < 0)
    if negative.size:
        place = f"standard_errors, unit {units[negative[0]]!r}"
        raise EvaluationError(place, f"{error[negative[0]]:g} is negative", "Give 0 or more")
    for unit in np.flatnonzero(np.isnan(error) & ~np.isnan(value)):
        reasons[unit] = "no standard error"
    normal = np.random.default_rng(seed).standard_normal((count, value.size))
    return np.asarray(value + error * normal, np.float64)


def _point_ranks(value: Floats, codes: Ints, higher_is_better: bool) -> Floats:
    rank = np.full(value.size, np.nan)
    for code in np.unique(codes):
        at = codes == code
        rank[at] = places(value[at], larger_is_better=higher_is_better)
    return rank


def _summary(ranks: npt.NDArray[np.int32], codes: Ints, value: Floats, level: float, top: int) -> dict[str, Any]:
    names = ("rank_low", "rank_high", "rank_expected", "p_top", "p_bottom", "ranked")
    found = {name: np.full(value.size, np.nan) for name in names}
    tail = (1.0 - level) / 2.0
    size = np.zeros(ranks.shape, np.int32)
    for code in np.unique(codes):
        at = codes == code
        size[:, at] = (ranks[:, at] > 0).sum(axis=1, keepdims=True)
        found["ranked"][at] = np.sum(~np.isnan(value[at]))
    for unit in np.flatnonzero((ranks > 0).any(axis=0)):
        there = ranks[:, unit] > 0
        own, among = ranks[there, unit], size[there, unit]
        found["rank_low"][unit] = np.quantile(own, tail, method="lower")
        found["rank_high"][unit] = np.quantile(own, 1.0 - tail, method="higher")
        found["rank_expected"][unit] = own.mean()
        found["p_top"][unit] = np.mean(own <= top)
        found["p_bottom"][unit] = np.mean(own > among - top)
    return found


def _all_at_once(value: Floats, drawn: Floats, codes: Ints, level: float, higher_is_better: bool) -> dict[str, Any]:
    """Units surely better and surely worse, counted by Bonferroni over the pairs of the group."""
    low, high = np.full((2, value.size), np.nan)
    for code in np.unique(codes):
        at = np.flatnonzero((codes == code) & ~np.isnan(value) & ~np.isnan(drawn).any(axis=0))
        if not at.size:
            continue
        pairs = max(at.size * (at.size - 1) // 2, 1)
        z = float(ndtri(1.0 - (1.0 - level) / (2.0 * pairs)))
        covariance = (
            np.atleast_2d(np.cov(drawn[:, at], rowvar=False)) if drawn.shape[0] > 1 else np.zeros((at.size,) * 2)
        )
        variance = np.diag(covariance)
        error = np.sqrt(np.maximum(variance[:, None] + variance - 2.0 * covariance, 0.0))
        ahead = value[at] - value[at][:, None]
        ahead = ahead if higher_is_better else -ahead
        low[at] = 1 + (ahead > z * error + NOISE).sum(axis=1)
        high[at] = at.size - (-ahead > z * error + NOISE).sum(axis=1)
    return {"rank_low_all": low, "rank_high_all": high}
