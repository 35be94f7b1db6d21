"""Scores of one period under fixed anchors and weights (计分), with everything that makes them up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from drgengine.costing.bilingual import Bilingual
from drgengine.evaluation.indicators import Tree
from drgengine.evaluation.plan.settings import Language, ScoreSettings
from drgengine.evaluation.scoring import efficacy_score
from drgengine.evaluation.scoring.missing import prepare
from drgengine.evaluation.yearly.anchors import Anchors
from drgengine.evaluation.yearly.result import Scores

Floats = npt.NDArray[np.float64]
ROUNDING = 1e-9
_COVERAGE = (
    "coverage {share:.0%} of the weights, at least {least:.0%} are needed",
    "指标数据覆盖率{share:.0%}，低于{least:.0%}",
)
_NOTHING = Bilingual("no indicator can be scored", "没有可计分的指标")
_NO_PEERS = "缺少的指标同组机构也没有数值，无法补值"


@dataclass(frozen=True, slots=True, eq=False)
class Scorecard:
    """Scores, and the arrays behind them that draws need; n hospitals, m scored indicators.

    indicators : scored   values, points, row_weights, bad, good : [n, m], row_weights 0 for excluded hospitals
    known : bool[n, m], values that are the hospital's own and not filled in   scores : the tables
    """

    indicators: tuple[str, ...]
    values: Floats
    points: Floats
    row_weights: Floats
    bad: Floats
    good: Floats
    known: npt.NDArray[np.bool_]
    scores: Scores

    @property
    def total(self) -> Floats:
        """Score per hospital, NaN where excluded."""
        found: Floats = self.scores.table["score"].to_numpy(np.float64)
        return found


def score_period(
    values: pd.DataFrame,
    weights: pd.Series,
    anchors: Anchors,
    hospitals: pd.DataFrame,
    tree: Tree,
    settings: ScoreSettings,
    language: Language,
    in_play: float | None = None,
) -> Scorecard:
    """Efficacy scores of all hospitals.

    values : hospitals x indicators   weights : of the indicators in play, sum 1. One without any value in the period
        leaves it, and the weights of the others are renewed, for all hospitals alike
    in_play : share of the tree's weight that `weights` stand for, so that coverage is that of the whole tree; None =
        coverage is that of the indicators some hospital has (an earlier period has no growths by nature)
    """
    groups = hospitals["peer_group"]
    names, excluded, coverage = _usable(values, weights, settings, in_play)
    kept = [unit for unit in values.index if unit not in excluded]
    n, m = len(values), len(names)
    shape = (n, m)
    matrix, points, row_weights, shares = (
        np.full(shape, np.nan),
        np.full(shape, np.nan),
        np.zeros(shape),
        np.zeros(shape),
    )
    bad, good = (anchors.wide(which, names, groups).to_numpy(np.float64) for which in ("bad", "good"))
    score = np.full(n, np.nan)
    if kept and names:
        part = values.loc[kept, names]
        own = weights[names] / weights[names].sum()
        rows = values.index.get_indexer(pd.Index(kept))
        options: dict[str, Any] = {"missing": settings.missing, "minimum_coverage": 0.0, "peers": groups[kept]}
        found = efficacy_score(
            part,
            own,
            pd.DataFrame(bad[rows], index=kept, columns=names),
            pd.DataFrame(good[rows], index=kept, columns=names),
            settings.floor,
            settings.how,
            **options,
        )
        ready = prepare(part, own, **options)
        score[rows] = found.score.to_numpy(np.float64)
        for unit, reason in found.excluded.items():
            excluded[unit] = Bilingual(str(reason), _NO_PEERS)
        points[rows] = found.by_indicator.to_numpy(np.float64)
        shares[rows] = np.nan_to_num(found.contributions.to_numpy(np.float64))
        row_weights[rows[ready.kept]] = ready.row_weights
        matrix[rows[ready.kept]] = ready.values
    table = pd.DataFrame({"peer_group": groups, "score": score}, index=values.index)
    table["rank"] = table.groupby("peer_group")["score"].rank(method="min", ascending=False)
    table["coverage"] = coverage
    reasons = [excluded.get(unit, Bilingual("", "")) for unit in values.index]
    table["excluded_zh"] = [one.zh for one in reasons]
    table["excluded_en"] = [str.__str__(one) for one in reasons]
    table["excluded"] = table[f"excluded_{language}"]
    scores = Scores(
        table=table,
        dimensions=_dimensions(points, row_weights, names, tree, settings, values.index),
        contributions=_contributions(values, points, row_weights, shares, names, tree, anchors, groups),
        anchors=anchors.table,
    )
    known = values[names].notna().to_numpy()
    return Scorecard(tuple(names), matrix, points, row_weights, bad, good, known, scores)


def _usable(
    values: pd.DataFrame, weights: pd.Series, settings: ScoreSettings, in_play: float | None
) -> tuple[list[str], dict[Any, Bilingual], Floats]:
    """Indicators that some scored hospital has, hospitals without a score and why, and the coverage of each."""
    names = [name for name in weights.index if name in values.columns and values[name].notna().any()]
    while True:
        present = values[names].notna().to_numpy()
        own = weights[names].to_numpy(np.float64)
        whole = own.sum() if in_play is None else float(weights.sum()) / in_play
        coverage = present @ (own / whole) if names else np.zeros(len(values))
        if settings.missing == "exclude":
            enough = present.all(axis=1)
        else:
            enough = (coverage >= settings.minimum_coverage - ROUNDING) & (coverage > 0)
        left = [name for name in names if values.loc[enough, name].notna().any()]
        if left == names or not enough.any():
            break
        names = left
    excluded: dict[Any, Bilingual] = {}
    for at in np.flatnonzero(~enough):
        unit = values.index[at]
        if not names:
            excluded[unit] = _NOTHING
        elif settings.missing == "exclude":
            gone = [name for name, there in zip(names, present[at], strict=True) if not there]
            excluded[unit] = Bilingual(f"no value for {', '.join(gone)}", f"缺少指标：{'、'.join(gone)}")
        else:
            share = {"share": coverage[at], "least": settings.minimum_coverage}
            excluded[unit] = Bilingual(*(text.format(**share) for text in _COVERAGE))
    return names, excluded, coverage


def dimension_columns(names: list[str] | tuple[str, ...], tree: Tree) -> dict[str, list[int]]:
    """Dimension -> places of its indicators among `names`."""
    home = tree.table()["dimension"]
    return {one.id: [at for at, name in enumerate(names) if home[name] == one.id] for one in tree.dimensions}


def _dimensions(
    points: Floats, row_weights: Floats, names: list[str], tree: Tree, settings: ScoreSettings, index: pd.Index
) -> pd.DataFrame:
    columns = {}
    for dimension, places in dimension_columns(names, tree).items():
        columns[dimension] = combined(points[:, places], row_weights[:, places], settings.how)
    return pd.DataFrame(columns, index=index)


def combined(points: Floats, row_weights: Floats, how: str) -> Floats:
    """Points of several indicators as one, weights renewed within them; [..., k] -> [...], NaN without a weight.

    >>> combined(np.array([[80.0, 100.0], [60.0, np.nan]]), np.array([[0.1, 0.3], [0.5, 0.0]]), "sum").round(9).tolist()
    [95.0, 60.0]
    """
    total = row_weights.sum(axis=-1)
    there = total > 0
    share = row_weights / np.where(there, total, 1.0)[..., None]
    filled = np.where(share > 0, np.nan_to_num(points), 100.0)
    if how == "sum":
        found = (share * np.where(share > 0, filled, 0.0)).sum(axis=-1)
    else:
        nothing = ((filled == 0.0) & (share > 0)).any(axis=-1)
        logs = (share * np.log(np.where(filled > 0, filled, 100.0) / 100.0)).sum(axis=-1)
        found = np.where(nothing, 0.0, 100.0 * np.exp(logs))
    result: Floats = np.where(there, found, np.nan)
    return result


def _contributions(
    values: pd.DataFrame,
    points: Floats,
    row_weights: Floats,
    shares: Floats,
    names: list[str],
    tree: Tree,
    anchors: Anchors,
    groups: pd.Series,
) -> pd.DataFrame:
    """Long table of the whole tree; what is not scored has weight and contribution 0 and no points."""
    leaves = tree.table()
    order = list(leaves.index)
    index = values.index
    wide = {
        "value": values.reindex(columns=order),
        "bad": anchors.wide("bad", order, groups),
        "good": anchors.wide("good", order, groups),
        "points": pd.DataFrame(points, index=index, columns=names).reindex(columns=order),
        "weight": pd.DataFrame(row_weights, index=index, columns=names).reindex(columns=order).fillna(0.0),
        "contribution": pd.DataFrame(shares, index=index, columns=names).reindex(columns=order).fillna(0.0),
    }
    peers = groups.to_numpy()
    wide["peer_median"] = wide["value"].groupby(peers).transform("median")
    wide["peer_median_points"] = wide["points"].groupby(peers).transform("median")
    n, m = len(index), len(order)
    table = pd.DataFrame(
        {
            "hospital_id": np.repeat(index.to_numpy(), m),
            "dimension": np.tile(leaves["dimension"].to_numpy(), n),
            "indicator": np.tile(np.array(order, dtype=object), n),
        }
    )
    for name in ("value", "bad", "good", "points", "weight", "contribution", "peer_median", "peer_median_points"):
        table[name] = wide[name].to_numpy(np.float64).ravel()
    return table
