"""Sensitivity to weights (权重敏感性): how ranks and classes answer to other weights near the chosen ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd

from drgengine.errors import EvaluationError
from drgengine.evaluation.scoring.indicators import read_matrix, read_weights
from drgengine.evaluation.uncertainty.classes import check_classes, class_numbers
from drgengine.evaluation.uncertainty.rankdraws import ranks_of_draws
from drgengine.evaluation.uncertainty.unitlabels import Floats, read_groups

MOVED = 2  # places beyond which a rank counts as moved


def weight_sensitivity(
    points: Any,
    weights: Any,
    *,
    groups: Any = None,
    names: Sequence[str] = ("A", "B", "C"),
    shares: Sequence[float] = (0.25, 0.5, 0.25),
    concentration: float = 50.0,
    draws: int = 1000,
    seed: int = 1,
    how: Literal["sum", "geometric"] = "sum",
    level: float = 0.95,
) -> pd.DataFrame:
    """Ranks and classes under weights drawn around the chosen ones (权重的狄利克雷抽样).

    points : units x indicators, points of each (efficacy_score().by_indicator), NaN = missing, its weight goes to the
        others; a unit without any is not ranked   weights : sum 1, drawn from Dirichlet(concentration x weights); a
        weight of 0 stays 0. At 50 a weight of 0.1 has a standard deviation of 0.04
    groups, names, shares : see separable_classes; how : weighted mean or geometric mean of the points
    Columns: group, score, rank, class (by the rank alone), class_stays (share of draws with this class), rank_low,
    rank_high (interval of `level`), rank_moved (share of draws with a rank more than 2 places away), seed in .attrs.

    Raises EvaluationError: points, weights, classes or numbers that cannot be used.

    >>> found = weight_sensitivity([[90.0, 90.0], [80.0, 60.0], [60.0, 79.0]], [0.5, 0.5], draws=200)
    >>> found["rank"].tolist(), found["class_stays"].tolist()[0], bool(found["class_stays"][1] < 1)
    ([1.0, 2.0, 3.0], 1.0, True)
    """
    check_classes(names, shares)
    source = read_matrix(points, "points")
    weight = read_weights(weights, source)
    if not concentration > 0.0 or draws < 1 or seed < 0 or not 0.0 < level < 1.0:
        problem = f"concentration {concentration!r}, draws {draws}, seed {seed}, level {level!r}"
        raise EvaluationError("weight_sensitivity", problem, "Give a concentration above 0, at least 1 draw")
    codes, _, labels = read_groups(groups, source.units)
    drawn = np.zeros((draws, weight.size))
    positive = weight > 0.0
    drawn[:, positive] = np.random.default_rng(seed).dirichlet(concentration * weight[positive], size=draws)
    base = _scores(source.values, weight[None], how)
    rank = ranks_of_draws(base, codes)
    grade = class_numbers(rank, codes, shares)
    ranks = ranks_of_draws(_scores(source.values, drawn, how), codes)
    grades = class_numbers(ranks, codes, shares)
    known = rank[0] > 0
    tail = (1.0 - level) / 2.0

    def where_ranked(values: Any) -> Any:
        return np.where(known, values, np.nan)

    columns = {
        "group": labels,
        "score": base[0],
        "rank": where_ranked(rank[0]),
        "class": np.where(known, np.array(names, dtype=object)[grade[0]], ""),
        "class_stays": where_ranked((grades == grade).mean(axis=0)),
        "rank_low": where_ranked(np.quantile(ranks, tail, axis=0, method="lower")),
        "rank_high": where_ranked(np.quantile(ranks, 1.0 - tail, axis=0, method="higher")),
        "rank_moved": where_ranked((np.abs(ranks - rank) > MOVED).mean(axis=0)),
    }
    table = pd.DataFrame(columns, index=source.units)
    table.attrs |= {"seed": seed, "draws": draws, "concentration": concentration}
    return table


def _scores(points: Floats, weights: Floats, how: str) -> Floats:
    """Scores [draws, units]; NaN for a unit without any point that has a weight."""
    if how not in ("sum", "geometric"):
        raise EvaluationError("how", f"{how!r} is not known", "Take 'sum' or 'geometric'")
    gone = np.isnan(points)
    whole = weights @ (~gone).T.astype(np.float64)
    safe = np.where(whole > 0.0, whole, 1.0)
    if how == "sum":
        mean = weights @ np.where(gone, 0.0, points).T / safe
    else:
        if (points < 0).any():
            raise EvaluationError("points", "one is negative", "A geometric mean needs 0 or more")
        positive = ~gone & (points > 0.0)
        logs = weights @ np.log(np.where(positive, points, 1.0)).T / safe
        zero = weights @ (~gone & (points == 0.0)).T.astype(np.float64) > 0.0
        mean = np.where(zero, 0.0, np.exp(logs))
    return np.where(whole > 0.0, mean, np.nan)
