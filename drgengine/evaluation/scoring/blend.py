"""Weights put together, bounded and judged (组合赋权): expert with objective, caps, effective number."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd

from drgengine.errors import EvaluationError
from drgengine.evaluation.scoring.indicators import Floats, Indicators, read_weights

ROUNDING = 1e-12


def combine_weights(
    expert: Any,
    objective: Any,
    share: float = 0.7,
    how: Literal["product", "sum"] = "product",
    *,
    normalise_weights: bool = False,
) -> Any:
    """Expert weights combined with objective ones (主客观组合赋权). Sum 1, labels of `expert` kept.

    expert, objective : weights of the same indicators, sum 1; share : of the expert weights, 0..1
    how : "product" - w_e^share w_o^(1-share), rescaled: an indicator that one side gives 0 gets 0;
        "sum" - share w_e + (1 - share) w_o
    Raises EvaluationError: weights that cannot be used, different indicators, no indicator left above 0.

    >>> combine_weights([0.5, 0.5], [0.2, 0.8], share=0.5, how="sum").tolist()
    [0.35, 0.65]
    """
    if not 0.0 <= share <= 1.0:
        raise EvaluationError("share", f"{share!r} is no share", "Give 0 to 1, usually 0.7")
    if how not in ("product", "sum"):
        raise EvaluationError("how", f"{how!r} is not known", "Take 'product' or 'sum'")
    named = _named(expert)
    ours = read_weights(expert, named, rescale=normalise_weights, place="expert weights")
    theirs = read_weights(objective, named, rescale=normalise_weights, place="objective weights")
    mixed = ours**share * theirs ** (1.0 - share) if how == "product" else share * ours + (1.0 - share) * theirs
    if not mixed.sum() > 0.0:
        problem = "each indicator is given 0 by one side, so the product leaves none"
        raise EvaluationError("weights", problem, "Combine with how='sum'")
    return named.per_indicator(mixed / mixed.sum())


def cap_weights(weights: Any, low: float | None = None, high: float | None = None) -> Any:
    """Keep each weight within [low, high] (权重上下限), the free ones in their proportion. Sum 1, labels kept.

    low, high : shares of 1; default 0.5 / m and 2 / m (2 / m at most 1), m the number of indicators
    If even that does not reach 1 (weights of 0 beside capped ones), the rest goes to the weights of 0 in equal parts.
    Raises EvaluationError: bounds that no m weights of sum 1 can keep.

    >>> cap_weights([0.9, 0.06, 0.04], low=0.1, high=0.6).round(4).tolist()
    [0.6, 0.24, 0.16]
    """
    named = _named(weights)
    given = read_weights(weights, named)
    many = given.size
    least = 0.5 / many if low is None else low
    most = min(1.0, 2.0 / many) if high is None else high
    if not (0.0 <= least <= most and many * least <= 1.0 + ROUNDING and many * most >= 1.0 - ROUNDING):
        problem = f"{many} weights within [{least:g}, {most:g}] cannot add up to 1"
        raise EvaluationError("low, high", problem, f"Give low of at most {1 / many:.4g} and high of at least that")
    return named.per_indicator(_bounded(given, least, most))


def _bounded(given: Floats, least: float, most: float) -> Floats:
    """clip(t w, least, most) for the t that makes the sum 1: the sum is piecewise linear in t, so t is exact."""
    positive = given[given > 0.0]
    turns = np.unique(np.concatenate((least / positive, most / positive)))
    sums = np.array([np.clip(turn * given, least, most).sum() for turn in turns])
    if sums[-1] < 1.0:
        bounded = np.where(given > 0.0, most, least)
        empty = given == 0.0
        if empty.any():
            bounded[empty] += (1.0 - bounded.sum()) / empty.sum()
        return bounded / bounded.sum()
    at = int(np.searchsorted(sums, 1.0))
    if at == 0:
        return np.clip(turns[0] * given, least, most)
    steep = (sums[at] - sums[at - 1]) / (turns[at] - turns[at - 1])
    factor = turns[at - 1] + (1.0 - sums[at - 1]) / steep
    return np.clip(factor * given, least, most)


def effective_number(weights: Any) -> float:
    """How many equally weighted indicators the weights amount to, 1 / sum w^2 (有效指标数).

    >>> effective_number([0.5, 0.5, 0.0])
    2.0
    """
    given = read_weights(weights, _named(weights))
    return float(1.0 / (given**2).sum())


def _named(weights: Any) -> Indicators:
    """Weights alone carry the names of their indicators."""
    if isinstance(weights, dict):
        weights = pd.Series(weights)
    labelled = isinstance(weights, pd.Series)
    given = list(weights) if labelled else list(np.atleast_1d(np.asarray(weights, dtype=object)))
    if not given:
        raise EvaluationError("weights", "there are none", "Give one per indicator")
    names = weights.index if labelled else pd.RangeIndex(len(given))
    if not names.is_unique:
        twice = names[names.duplicated()][0]
        raise EvaluationError("weights", f"indicator {twice!r} stands there more than once", "Give each once")
    return Indicators(np.zeros((1, len(given))), pd.RangeIndex(1), names, labelled)
