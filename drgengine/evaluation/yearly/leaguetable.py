"""Ranks, intervals, classes, vetoes and what is read beside them (评价结果总表)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from drgengine.evaluation.indicators import Catalogue
from drgengine.evaluation.plan.settings import Language, Plan
from drgengine.evaluation.scoring import apply_vetoes
from drgengine.evaluation.yearly.drawnscores import DrawnScores
from drgengine.evaluation.yearly.result import Funnel, PeriodResult
from drgengine.evaluation.yearly.scorecard import Scorecard

Floats = npt.NDArray[np.float64]
BESIDE = (
    "drg_count",
    "charge_index",
    "time_index",
    "low_risk_mortality",
    "drug_share",
    "consumables_per_100",
    "medical_service_share",
    "inpatient_fee_growth",
    "medical_surplus_rate",
)
STILL = 1e-9
"""Points by which a score may differ between draws and is still the same."""
_REASONS_ZH = {"no value": "没有数值"}
RANKED = ("rank_low", "rank_high", "rank_expected", "p_top")


@dataclass(frozen=True, slots=True, eq=False)
class League:
    """The league table, class probabilities, and untested vetoes (unit, indicator, reason, reason_zh)."""

    table: pd.DataFrame
    class_probabilities: pd.DataFrame
    untested: pd.DataFrame


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """Both periods over the indicators a hospital has in both, and their draws; see comparable.in_both."""

    now: Scorecard
    before: Scorecard
    drawn: DrawnScores
    drawn_before: DrawnScores


def league_table(
    plan: Plan,
    hospitals: pd.DataFrame,
    card: Scorecard,
    drawn: DrawnScores,
    current: PeriodResult,
    before: Scorecard | None,
    compared: Compared | None,
    funnels: dict[str, Funnel],
) -> League:
    """The league table in the order of the hospitals; see Evaluation.league for the columns."""
    scores = card.scores.table
    table = pd.DataFrame({"peer_group": hospitals["peer_group"]}, index=hospitals.index)
    table["rank"] = scores["rank"]
    table[[*RANKED, "class", "class_probability", "class_before_veto", "separable", "veto"]] = None
    probabilities = pd.DataFrame(np.nan, index=hospitals.index, columns=list(plan.classes.names))
    ranked = scores.index[scores["score"].notna()]
    if len(ranked):
        _add_ranks(table, probabilities, plan, ranked, scores, drawn)
    untested = _add_classes(table, plan, current, funnels)
    table["score"] = scores["score"]
    low, high = interval(drawn.scores, plan.uncertainty.level)
    table["score_low"], table["score_high"] = np.fmin(low, card.total), np.fmax(high, card.total)
    kept = ["coverage", "excluded", "excluded_zh", "excluded_en"]
    table[kept] = scores[kept]
    _add_change(table, before, compared)
    _add_beside(table, current)
    size = scores.groupby("peer_group")["score"].transform("count")
    table["rank_worst"] = size.astype(np.int64)
    for name in ("rank", *RANKED, "class_probability"):
        table[name] = table[name].astype(np.float64)
    table["separable"] = table["separable"].fillna(False).astype(bool)
    return League(table, probabilities, untested)


def _add_ranks(
    table: pd.DataFrame,
    probabilities: pd.DataFrame,
    plan: Plan,
    ranked: pd.Index,
    scores: pd.DataFrame,
    drawn: DrawnScores,
) -> None:
    from drgengine.evaluation.uncertainty import rank_intervals, separable_classes

    places = scores.index.get_indexer(ranked)
    groups = scores.loc[ranked, "peer_group"]
    found = rank_intervals(
        scores.loc[ranked, "score"],
        draws=drawn.scores[:, places],
        groups=groups,
        level=plan.uncertainty.level,
        top=plan.uncertainty.top,
        seed=plan.uncertainty.seed,
    )
    for name in RANKED:
        table.loc[ranked, name] = found.table[name].to_numpy()
    # Draws add noise to noise, so that the rank itself may lie beyond the percentiles of a clear best or worst.
    rank = table.loc[ranked, "rank"].astype(np.float64)
    table.loc[ranked, "rank_low"] = np.fmin(table.loc[ranked, "rank_low"].astype(np.float64), rank)
    table.loc[ranked, "rank_high"] = np.fmax(table.loc[ranked, "rank_high"].astype(np.float64), rank)
    classes = plan.classes
    sorted_out = separable_classes(found, None, classes.names, classes.shares, classes.probability)
    for name, column in (("class", "class"), ("class_probability", "class_probability"), ("separable", "separable")):
        table.loc[ranked, name] = sorted_out.table[column].to_numpy()
    shares = sorted_out.probabilities
    if not moves(drawn.scores[:, places]):
        table.loc[ranked, ["class", "separable", "class_probability", "p_top"]] = ["", False, np.nan, np.nan]
        table.loc[ranked, ["rank_low", "rank_high", "rank_expected"]] = np.nan
        return
    probabilities.loc[ranked] = shares.reindex(columns=probabilities.columns).to_numpy()


def _add_classes(table: pd.DataFrame, plan: Plan, current: PeriodResult, funnels: dict[str, Funnel]) -> pd.DataFrame:
    """Classes after vetoes; a hospital that is not separable has none, its breaches are told all the same."""
    given = table["class"]
    classes = given.where(given.notna() & (given != "") & table["separable"].fillna(False).astype(bool), None)
    table["class_before_veto"] = classes.fillna("")
    values = veto_values(current, funnels)
    rules = plan.scores.vetoes
    limits = [rule.limit for rule in rules if isinstance(rule.limit, str)]
    for name in [*(str(rule.indicator) for rule in rules), *limits]:
        if name not in values.columns:
            values[name] = np.nan  # a limit without its funnel: listed as untested
    found = apply_vetoes(classes, values, rules, plan.classes.names)
    after = pd.Series([one if isinstance(one, str) else "" for one in found.classes], index=table.index, dtype=object)
    table["class"] = after
    languages: dict[Language, str] = {"zh": "；", "en": "; "}
    for language, between in languages.items():
        texts: dict[Any, list[str]] = {unit: [] for unit in table.index}
        for row in found.applied.itertuples(index=False):
            texts[row.unit].append(veto_text(row, current.indicators.catalogue, language))
        table[f"veto_{language}"] = [between.join(texts[unit]) for unit in table.index]
    table["veto"] = table[f"veto_{plan.language}"]
    untested = found.untested.copy()
    untested["reason_zh"] = [_REASONS_ZH.get(reason, "没有限值") for reason in untested["reason"]]
    return untested


def veto_text(row: Any, catalogue: Catalogue, language: Language) -> str:
    """A breach in words."""
    one = catalogue[row.indicator]
    name = one.zh if language == "zh" else one.en
    shown = f"{name} {row.value:.4g} {row.condition} {row.limit:.4g}"
    source = f"（{row.source}）" if row.source and language == "zh" else f" ({row.source})" if row.source else ""
    if language == "zh":
        return f"{shown}，等级不高于{row.cap}{source}"
    return f"{shown}: class at most {row.cap}{source}"


def veto_values(current: PeriodResult, funnels: dict[str, Funnel]) -> pd.DataFrame:
    """Indicators, and funnel limits as INDICATOR_high_998 and the like."""
    columns = {}
    for name, funnel in funnels.items():
        for limit in ("low_95", "high_95", "low_998", "high_998"):
            columns[f"{name}_{limit}"] = funnel.points[limit].reindex(current.indicators.values.index)
        if name not in current.indicators.values.columns:
            columns[name] = funnel.points["value"]
    values = current.indicators.values
    if not columns:
        return values.copy()
    return pd.concat([values, pd.DataFrame(columns, index=values.index).astype(np.float64)], axis=1)


def moves(scores: Floats) -> bool:
    """Whether any score differs between draws by more than rounding.

    >>> moves(np.array([[80.0, 70.0], [80.0, 70.0]])), moves(np.array([[80.0, 70.0], [80.0, 70.1]]))
    (False, True)
    """
    known = scores[:, np.isfinite(scores).all(axis=0)]
    return bool(known.size) and bool((known.max(axis=0) - known.min(axis=0) > STILL).any())


def interval(scores: Floats, level: float) -> tuple[Floats, Floats]:
    """Percentile interval per hospital within 0..100, which centred draws may leave; NaN where a draw has no score.

    >>> low, high = interval(np.array([[98.0, 10.0], [101.0, 20.0]]), 1.0)
    >>> low.tolist(), high.tolist()
    ([98.0, 10.0], [100.0, 20.0])
    """
    low, high = np.full(scores.shape[1], np.nan), np.full(scores.shape[1], np.nan)
    there = np.isfinite(scores).all(axis=0)
    if there.any():
        tail = (1.0 - level) / 2.0
        low[there], high[there] = np.quantile(scores[:, there], [tail, 1.0 - tail], axis=0)
    return np.clip(low, 0.0, 100.0), np.clip(high, 0.0, 100.0)


def _add_change(table: pd.DataFrame, before: Scorecard | None, compared: Compared | None) -> None:
    """Columns that look back; NaN without a previous period, or for a hospital that has no score in one of the two."""
    table["previous_score"] = np.nan if before is None else before.scores.table["score"]
    names = ("comparable_score", "previous_comparable_score", "comparable_rank", "previous_rank", "change")
    table[[*names, "p_improved"]] = np.nan
    if compared is None:
        return
    groups = table["peer_group"]
    now, then = compared.now.scores.table["score"], compared.before.scores.table["score"]
    both = now.notna() & then.notna() & table["score"].notna()
    for name, score in (("comparable", now), ("previous", then)):
        kept = score.where(both)
        table["comparable_score" if name == "comparable" else "previous_comparable_score"] = kept
        table[f"{name}_rank"] = kept.groupby(groups).rank(method="min", ascending=False)
    table["change"] = table["comparable_score"] - table["previous_comparable_score"]
    drawn, drawn_before = compared.drawn.scores, compared.drawn_before.scores
    finite = both.to_numpy() & np.isfinite(drawn).all(axis=0) & np.isfinite(drawn_before).all(axis=0)
    table["p_improved"] = np.where(finite, improved_share(drawn, drawn_before), np.nan)


def improved_share(now: Floats, before: Floats) -> Floats:
    """Share of paired draws that are better than before, equal ones (up to rounding) counting half.

    >>> improved_share(np.array([[2.0, 1.0], [3.0, 1.0]]), np.array([[1.0, 1.0], [4.0, 1.0]])).tolist()
    [0.5, 0.5]
    """
    change = now - before
    share: Floats = (change > STILL).mean(axis=0) + 0.5 * (np.abs(change) <= STILL).mean(axis=0)
    return share


def _add_beside(table: pd.DataFrame, current: PeriodResult) -> None:
    mix = current.mix.table.reindex(table.index)
    table["cases"] = mix["cases"].fillna(0).astype(np.int64)
    table["total_weight"], table["cmi"] = mix["total_weight"], mix["cmi"]
    values = current.indicators.values
    for name in BESIDE:
        table[name] = values[name] if name in values.columns else mix.get(name, np.nan)
    table["drg_count"] = mix["drg_count"]
    expected = mix["low_risk_expected_deaths"] / mix["low_risk_cases"].where(mix["low_risk_cases"] > 0)
    table["low_risk_expected"] = expected * 100.0
