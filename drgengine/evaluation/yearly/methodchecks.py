"""Do other methods rank the hospitals alike (方法一致性), and do the ranks hang on the weights (权重敏感性)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from drgengine.errors import EvaluationError
from drgengine.evaluation.plan.settings import Plan
from drgengine.evaluation.scoring import agreement, pca_score, rsr, topsis, vikor
from drgengine.evaluation.yearly.scorecard import Scorecard, combined
from drgengine.evaluation.yearly.weighting import fill_by_peers

Note = tuple[str, str]
MAIN = "efficacy"
DIGITS = 9
"""Of scores: those that differ by rounding alone are ties."""
SENSITIVITY = {"class_stays": "class_stays", "rank_moved": "rank_moves"}


def cross_checks(
    plan: Plan, card: Scorecard, values: pd.DataFrame, weights: pd.Series, directions: pd.Series, groups: pd.Series
) -> tuple[pd.DataFrame, pd.DataFrame, list[Note]]:
    """Rank correlation of the methods, ranks in the peer group by each, and notes.

    Gaps are filled by the median of the peers for the other methods, which score all hospitals together; ranks are
    taken within the peer groups afterwards, as in the league. The correlation is that of the places in the group,
    1 - (rank - 1/2) / size, over all hospitals, so that differences between groups count for nothing.
    """
    notes: list[Note] = []
    total = card.scores.table["score"]
    scored = total.index[total.notna()]
    empty = pd.DataFrame(), pd.DataFrame(index=values.index)
    if len(scored) < 2:
        notes.append(("可计分机构不足2家，未比较方法。", "Fewer than 2 scored hospitals: methods are not compared."))
        return *empty, notes
    names = [name for name in card.indicators if values.loc[scored, name].notna().any()]
    matrix = fill_by_peers(values.loc[scored, names], groups.loc[scored])
    own = weights[names] / weights[names].sum()
    toward = directions[names]
    scores: dict[str, Any] = {MAIN: total.loc[scored]}
    for method in plan.scores.cross_checks:
        try:
            scores[method] = _by_method(method, plan, card, matrix, own, toward, values.index)
        except EvaluationError as error:
            notes.append((f"方法{method}未计算：{error.problem}。", f"Method {method} was left out: {error.problem}."))
    if len(scores) < 2:
        return *empty, notes
    by_method = pd.DataFrame({name: pd.Series(score).reindex(scored) for name, score in scores.items()})
    peers = groups.loc[scored]
    ranks = by_method.round(DIGITS).groupby(peers).rank(method="min", ascending=False)
    middle = by_method.round(DIGITS).groupby(peers).rank(method="average", ascending=False)
    size = peers.map(peers.value_counts()).to_numpy(float)
    try:
        found = agreement(1.0 - middle.sub(0.5).div(size, axis=0))
    except EvaluationError as error:
        notes.append((f"未比较方法：{error.problem}。", f"Methods are not compared: {error.problem}."))
        return *empty, notes
    w = found.kendall.w
    said = ("无法计算（各机构位次相同）", "cannot be said (all places are alike)")
    said = said if w != w else (f"{w:.3f}", f"{w:.3f}")
    notes.append(
        (
            f"各方法对全部机构计分、在比较组内排名，与总表名次可比；一致性按组内位次计算，Kendall W = {said[0]}。",
            "Other methods score all hospitals together and rank them within the peer group, as the league does; their "
            f"agreement is that of the places in the group, Kendall W = {said[1]}.",
        )
    )
    return found.spearman, ranks.reindex(values.index), notes


def _by_method(
    method: str, plan: Plan, card: Scorecard, matrix: pd.DataFrame, own: pd.Series, toward: pd.Series, index: pd.Index
) -> pd.Series:
    made: dict[str, Callable[[], Any]] = {
        "topsis": lambda: topsis(matrix, own, toward).score,
        "vikor": lambda: vikor(matrix, own, toward).score,
        "rsr": lambda: rsr(matrix, toward, own).score,
        "pca": lambda: pca_score(matrix.loc[:, matrix.nunique() > 1], toward[matrix.nunique() > 1]).score,
    }
    if method in made:
        return made[method]()
    other = "sum" if plan.scores.how == "geometric" else "geometric"
    found = pd.Series(combined(card.points, card.row_weights, other), index=index)
    return found.reindex(matrix.index)


def sensitivity(plan: Plan, card: Scorecard, weights: pd.Series, groups: pd.Series) -> tuple[pd.DataFrame, list[Note]]:
    """Share of Dirichlet draws of the weights in which a hospital's class stays and its rank hardly moves."""
    from drgengine.evaluation.uncertainty import weight_sensitivity

    total = card.scores.table["score"]
    scored = total.index[total.notna()]
    points = pd.DataFrame(card.points, index=total.index, columns=list(card.indicators)).loc[scored]
    if len(scored) < 2 or len(card.indicators) < 2:
        return pd.DataFrame(index=total.index), []
    own = weights[list(card.indicators)]
    try:
        found = weight_sensitivity(
            points,
            own / own.sum(),
            groups=groups.loc[scored],
            names=plan.classes.names,
            shares=plan.classes.shares,
            concentration=plan.uncertainty.concentration,
            draws=plan.uncertainty.weight_draws,
            seed=plan.uncertainty.seed,
            how=plan.scores.how,
            level=plan.uncertainty.level,
        )
    except EvaluationError as error:
        return pd.DataFrame(index=total.index), [
            (f"未计算权重敏感性：{error.problem}。", f"No weight sensitivity: {error.problem}.")
        ]
    drawn = plan.uncertainty
    zh = f"权重敏感性：以当前权重为中心的Dirichlet抽样{drawn.weight_draws}次，集中度{drawn.concentration:g}。"
    en = (
        f"Weight sensitivity: {plan.uncertainty.weight_draws} Dirichlet draws around the weights, concentration "
        f"{plan.uncertainty.concentration:g}."
    )
    kept = found[list(SENSITIVITY)].rename(columns=SENSITIVITY)
    return kept.reindex(total.index), [(zh, en)]
