"""Do several methods agree (方法一致性), and which order do they give together: Kendall W, Borda, Copeland."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import chi2, rankdata

from drgengine.errors import EvaluationError
from drgengine.evaluation.scoring.indicators import Floats, read_matrix
from drgengine.evaluation.scoring.places import places
from drgengine.evaluation.scoring.scored import Scored


@dataclass(frozen=True, slots=True)
class KendallW:
    """Coefficient of concordance: w in [0, 1] (NaN if every method ties all), chi2, degrees, p_value."""

    w: float
    chi2: float
    degrees: int
    p_value: float


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """Agreement of methods over the same units.

    spearman : DataFrame, method x method, rank correlation; NaN for a method that ties all units
    kendall : Kendall W over all methods, corrected for ties
    borda : Series, mean over methods of (units below + half of the ties); borda_rank : 1 = best
    copeland : Series, pairwise wins by majority of methods minus losses; copeland_rank : 1 = best
    ranks : DataFrame, units x methods, 1 = best, ties share the best place
    excluded : unit -> the methods that gave it no score; it is left out
    """

    method: str
    methods: tuple[str, ...]
    spearman: pd.DataFrame
    kendall: KendallW
    borda: pd.Series
    borda_rank: pd.Series
    copeland: pd.Series
    copeland_rank: pd.Series
    ranks: pd.DataFrame
    excluded: Mapping[Any, str]
    warnings: tuple[str, ...]


def agreement(scores: Any) -> Agreement:
    """Compare the rankings of several methods and combine them (Borda 法, Copeland 法).

    scores : method -> scores of the same units, larger is better; values may be results of this package, Series,
        arrays; or a DataFrame of units x methods. Series are matched by their labels.
    Raises EvaluationError: fewer than 2 methods, fewer than 2 units scored by all, different units.

    >>> found = agreement({"sum": [0.9, 0.5, 0.1], "topsis": [0.8, 0.2, 0.3]})
    >>> float(found.spearman.loc["sum", "topsis"]), found.kendall.w, found.borda_rank.tolist()
    (0.5, 0.75, [1, 2, 2])
    """
    table = _table(scores)
    source = read_matrix(table, "scores")
    gone = np.isnan(source.values)
    excluded = {
        unit: "no score by " + ", ".join(str(name) for name in source.names[row])
        for unit, row in zip(source.units, gone, strict=True)
        if row.any()
    }
    values = source.values[~gone.any(axis=1)]
    units = source.units[~gone.any(axis=1)]
    if values.shape[0] < 2 or values.shape[1] < 2:
        problem = f"{values.shape[1]} methods and {values.shape[0]} units that all of them score"
        raise EvaluationError("scores", problem, "Give at least 2 of each")
    ranks = np.column_stack([places(values[:, at]) for at in range(values.shape[1])])
    values = -ranks.astype(np.float64)  # scores that differ by rounding alone are ties from here on
    spearman = _spearman(values)
    lone = np.isnan(np.diag(spearman))
    borda = ((rankdata(values, method="average", axis=0) - 1.0).mean(axis=1)).astype(np.float64)
    copeland = _copeland(values)
    return Agreement(
        "agreement",
        tuple(str(name) for name in source.names),
        pd.DataFrame(spearman, index=source.names, columns=source.names),
        kendall_w(values),
        pd.Series(borda, index=units),
        pd.Series(places(borda), index=units),
        pd.Series(copeland, index=units),
        pd.Series(places(copeland.astype(np.float64)), index=units),
        pd.DataFrame(ranks, index=units, columns=source.names),
        excluded,
        tuple(f"method {name!r} gives all units the same score: no correlation" for name in source.names[lone]),
    )


def kendall_w(values: Floats) -> KendallW:
    """Kendall W of units x judges with correction for ties; float64[n, k], n >= 2, k >= 2, no NaN.

    W = 12 S / (k^2 (n^3 - n) - k sum T), T = sum (t^3 - t) over ties; chi2 = k (n - 1) W with n - 1 degrees.

    >>> kendall_w(np.array([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]])).w
    1.0
    """
    many, judges = values.shape
    ranks = rankdata(values, method="average", axis=0)
    sums = ranks.sum(axis=1)
    squares = float(((sums - sums.mean()) ** 2).sum())
    ties = sum(float((count**3 - count).sum()) for count in (np.unique(c, return_counts=True)[1] for c in ranks.T))
    below = judges**2 * (float(many) ** 3 - many) - judges * ties
    if below <= 0.0:
        return KendallW(float("nan"), float("nan"), many - 1, float("nan"))
    w = 12.0 * squares / below
    statistic = judges * (many - 1) * w
    return KendallW(w, statistic, many - 1, float(chi2.sf(statistic, many - 1)))


def _table(scores: Any) -> pd.DataFrame:
    if isinstance(scores, pd.DataFrame):
        return scores
    if not isinstance(scores, Mapping):
        raise EvaluationError("scores", "they have no names of methods", "Give {method: scores} or a DataFrame")
    columns = {name: given.score if isinstance(given, Scored) else given for name, given in scores.items()}
    lengths = {name: len(given) for name, given in columns.items()}
    if len(set(lengths.values())) > 1:
        shown = ", ".join(f"{name!r} {length}" for name, length in lengths.items())
        raise EvaluationError("scores", f"not of the same units: {shown}", "Score the same units by each method")
    labelled = [given for given in columns.values() if isinstance(given, pd.Series)]
    index = labelled[0].index if labelled else pd.RangeIndex(next(iter(lengths.values()), 0))
    for name, given in columns.items():
        if isinstance(given, pd.Series) and set(given.index) != set(index):
            raise EvaluationError("scores", f"{name!r} has other units than the first", "Score the same units by each")
    aligned = {n: g.reindex(index) if isinstance(g, pd.Series) else np.asarray(g) for n, g in columns.items()}
    return pd.DataFrame(aligned, index=index)


def _spearman(values: Floats) -> Floats:
    ranks = rankdata(values, method="average", axis=0)
    own = ranks - ranks.mean(axis=0)
    squares = (own**2).sum(axis=0)
    lengths = np.sqrt(np.outer(squares, squares))
    matrix: Floats = np.where(lengths > 0.0, own.T @ own / np.where(lengths > 0.0, lengths, 1.0), np.nan)
    return np.clip(matrix, -1.0, 1.0)


def _copeland(values: Floats) -> Floats:
    """Wins minus losses against each other unit; one unit at a time, so that memory grows with n and not n^2."""
    result = np.empty(values.shape[0])
    for at in range(values.shape[0]):
        majority = (values[at] > values).sum(axis=1) - (values[at] < values).sum(axis=1)
        result[at] = np.sign(majority).sum()
    return result
