"""A plausible Evaluation of made-up hospitals, every table filled by the docstrings of yearly/result.py."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
from report_example_data import hospital_table, inputs_table, mix_of, some_readmissions, statistics
from report_example_parts import books, decisions, frontier, funnels, lines, productivity, region_values

from drgengine.evaluation.indicators import (
    casemix_inputs,
    check_consistency,
    check_targets,
    compute_indicators,
    load_targets,
    load_tree,
    plan_progress,
)
from drgengine.evaluation.indicators.computing import Indicators
from drgengine.evaluation.indicators.treefile import Tree
from drgengine.evaluation.mix import cmi_drift
from drgengine.evaluation.plan.settings import Period, Plan
from drgengine.evaluation.yearly.result import Evaluation, PeriodResult, Scores

METHODS = ("efficacy", "topsis", "vikor", "rsr", "geometric", "pca")


def report_example(count: int = 12, previous: bool = True, *, seed: int = 1, whole: bool = True) -> Evaluation:
    """An evaluation of `count` hospitals.

    previous : with a previous period   whole : False leaves out frontier, region, decisions, books, mortality
    """
    rng = np.random.default_rng(seed)
    hospitals, tree = hospital_table(count, rng), load_tree()
    traits = rng.normal(size=(count, 10))
    sizes = np.exp(rng.uniform(np.log(1500.0), np.log(40_000.0), count))
    old = statistics(hospitals, sizes * 0.95, np.random.default_rng(seed + 7), 2024)
    new = statistics(hospitals, sizes, np.random.default_rng(seed + 7), 2025)
    weights = mix_of(new).weights
    mixes = {"2024": mix_of(old, weights), "2025": mix_of(new, weights)}
    inputs = {
        year: inputs_table(hospitals, mixes[year], traits, rng).drop(columns=["discharges"], errors="ignore")
        for year in mixes
    }
    joined = {year: inputs[year].join(casemix_inputs(mixes[year])) for year in mixes}
    found = {
        "2024": compute_indicators(joined["2024"]),
        "2025": compute_indicators(joined["2025"], previous=joined["2024"] if previous else None),
    }
    periods = {}
    for year, stats in (("2024", old), ("2025", new)):
        cases = mixes[year].table["cases"].reindex(hospitals.index)
        periods[year] = PeriodResult(
            year,
            stats,
            mixes[year],
            some_readmissions(hospitals, rng, int(year)),
            found[year],
            region_values() if whole else None,
            _quality(mixes[year], found[year], hospitals, tree),
            _mortality(hospitals, cases, rng) if whole else None,
            _calibration(rng) if whole else None,
        )
    anchors = _anchors(found["2024"], tree)
    scores = _scores(hospitals, found["2025"], tree, anchors)
    before = _scores(hospitals, found["2024"], tree, anchors) if previous else None
    league, classes = _league(hospitals, periods["2025"], scores, before, rng)
    targets = _targets(periods["2025"], hospitals)
    shown = load_targets("dehui")
    plan_table = plan_progress(region_values().values, shown, 2025, language="zh") if whole else pd.DataFrame()
    methods = scores.table[["score"]].to_numpy() + rng.normal(0.0, 2.0, (count, len(METHODS)))
    ranks = pd.DataFrame(methods, index=hospitals.index, columns=list(METHODS)).rank(ascending=False)
    return Evaluation(
        plan=_plan(previous),
        tree=tree,
        hospitals=hospitals,
        current=periods["2025"],
        previous=periods["2024"] if previous else None,
        base_id="2024",
        scores=scores,
        previous_scores=before,
        league=league,
        class_probabilities=classes,
        targets=targets,
        lines=lines(targets, region_values() if whole else None),
        progress=plan_table,
        consistency=check_consistency(shown, language="zh") if whole else pd.DataFrame(),
        funnels=funnels(hospitals, found["2025"], mixes["2025"]),
        shrunk=_shrunk(hospitals, found["2025"], mixes["2025"]),
        frontier=frontier(hospitals, joined["2025"], rng) if whole else None,
        frontier_notes=(("本组单位数少，多数单位得分为1。", "Few units for so many inputs: most score 1."),),
        productivity=productivity(hospitals, rng) if whole and previous else None,
        agreement=ranks.corr(method="spearman"),
        method_ranks=ranks,
        weight_sensitivity=pd.DataFrame(
            {"class_stays": rng.beta(9, 1, count), "rank_moves": rng.beta(2, 8, count)}, index=hospitals.index
        ),
        drift=cmi_drift(old, new, weights) if previous else None,
        decisions=decisions(hospitals, league) if whole else pd.DataFrame(),
        books=books(hospitals, rng, 3) if whole else {},
        notes=(("权重由本期数据计算。", "Weights are computed from the current period."),),
        seed=1,
        draws=1000,
        hashes={"cases_2025.parquet": "ab" * 32, "inputs_2025.csv": "cd" * 32},
        software={"drgengine": "0.1", "numpy": np.__version__},
        run_id="2026-example-0001",
        details=_alerts(hospitals, previous),
    )


def _alerts(hospitals: pd.DataFrame, previous: bool) -> dict[str, pd.DataFrame]:
    """Of the first hospital that its CMI rises by coding, of the second that stays are short and readmissions many."""
    coding = pd.DataFrame(
        {
            "hospital_id": hospitals.index[:1] if previous else hospitals.index[:0],
            "cmi_change": 0.065,
            "within": 0.061,
            "between": 0.004,
            "depth_before": 4.9,
            "depth_after": 5.3,
            "zh": "CMI升高主要来自编码，请抽查病案。",
            "en": "Most of the rise of the CMI comes from coding <check>.",
        }
    )
    pairs = pd.DataFrame({"hospital_id": hospitals.index[1:2], "pair": "short_stay_readmission"})
    pairs["zh"], pairs["en"] = (
        "住院日短而再住院多，两者须同看。",
        "Short stays beside many readmissions: read the two together.",
    )
    return {"coding_alerts": coding, "pair_alerts": pairs}


def _plan(previous: bool) -> Plan:
    years = ("2024", "2025") if previous else ("2025",)
    return Plan(
        path=Path("plan.toml"),
        title="某市公立医院医疗服务产出评价",
        region="某市",
        units=Path("hospitals.csv"),
        periods={year: Period(year, dt.date(int(year), 1, 1), dt.date(int(year), 12, 31)) for year in years},
        current="2025",
        previous="2024" if previous else None,
        base=years[0],
    )


def _quality(mix: object, found: Indicators, hospitals: pd.DataFrame, tree: Tree) -> pd.DataFrame:
    flow = mix.flow.reindex(hospitals.index)  # type: ignore[attr-defined]
    names = list(tree.table().index)
    n = flow["included"].to_numpy(float)
    return pd.DataFrame(
        {
            "discharges": flow["discharges"],
            "grouped": flow["included"] + flow["long_stay"],
            "grouping_rate": (flow["included"] + flow["long_stay"]) / flow["discharges"],
            "invalid": flow["invalid"],
            "ungroupable": flow["ungroupable"],
            "ambiguous": flow["ambiguous"],
            "long_stay": flow["long_stay"],
            "without_weight": flow["included_without_weight"],
            "charge_known": 1.0 - flow["included_without_charge"] / n,
            "stay_known": 1.0 - flow["included_without_stay"] / n,
            "disposition_known": 1.0 - flow["included_without_disposition"] / n,
            "dx_per_case": 2.7,
            "input_coverage": found.values[names].notna().mean(axis=1),
        },
        index=hospitals.index,
    )


def _mortality(hospitals: pd.DataFrame, cases: pd.Series, rng: np.random.Generator) -> pd.DataFrame:
    expected = cases.to_numpy(float) * 0.011
    deaths = rng.poisson(expected)
    smr = deaths / expected
    half = 1.96 * np.sqrt(np.maximum(deaths, 1)) / expected
    columns = {"deaths": deaths, "expected": expected, "smr": smr, "low": np.maximum(smr - half, 0), "high": smr + half}
    return pd.DataFrame(columns, index=hospitals.index)


def _calibration(rng: np.random.Generator) -> pd.DataFrame:
    expected = np.array([0.4, 1, 2, 4, 7, 12, 20, 41, 90, 310.0])
    columns = {"cases": np.full(10, 9_000), "deaths": rng.poisson(expected), "expected": expected}
    return pd.DataFrame(columns, index=pd.RangeIndex(1, 11, name="decile"))


def _anchors(base: Indicators, tree: Tree) -> pd.DataFrame:
    rows = []
    for name, leaf in tree.table().iterrows():
        low, high = np.nanpercentile(base.values[name], (10, 90)) if base.values[name].notna().any() else (0.0, 1.0)
        bad, good = (low, high) if leaf["direction"] > 0 else (high, low)
        rows.append((name, "", bad, good, "P10/P90 2024"))
    return pd.DataFrame(rows, columns=["indicator", "peer_group", "bad", "good", "source"])


def _scores(hospitals: pd.DataFrame, found: Indicators, tree: Tree, anchors: pd.DataFrame) -> Scores:
    table, ends = tree.table(), anchors.set_index("indicator")
    values = found.values[list(table.index)]
    bad, good = ends["bad"].reindex(table.index), ends["good"].reindex(table.index)
    points = ((60.0 + 40.0 * (values - bad) / (good - bad)).clip(0.0, 100.0)).where(values.notna())
    coverage = values.notna().mul(table["weight"]).sum(axis=1)
    reason = pd.Series("", index=hospitals.index, dtype=object)
    if len(hospitals) > 5:
        reason.iloc[4] = "指标覆盖率 0.55，低于 0.70 / coverage 0.55 below 0.70"
    spread = values.notna().mul(table["weight"]).div(coverage, axis=0)
    contribution = points.mul(spread)
    score = contribution.sum(axis=1).where(reason == "")
    dimensions = pd.DataFrame(
        {
            one.id: (contribution[[leaf.indicator for leaf in one.leaves]].sum(axis=1))
            / spread[[leaf.indicator for leaf in one.leaves]].sum(axis=1)
            for one in tree.dimensions
        }
    )
    groups = hospitals["peer_group"]
    rows = []
    for hospital in hospitals.index:
        peers = groups[groups == groups[hospital]].index
        for name, leaf in table.iterrows():
            cells = [values.at[hospital, name], bad[name], good[name], points.at[hospital, name]]
            cells += [spread.at[hospital, name], contribution.at[hospital, name]]
            cells += [values.loc[peers, name].median(), points.loc[peers, name].median()]
            rows.append((hospital, leaf["dimension"], name, *cells))
    columns = ["hospital_id", "dimension", "indicator", "value", "bad", "good", "points", "weight", "contribution"]
    columns += ["peer_median", "peer_median_points"]
    result = pd.DataFrame({"peer_group": groups, "score": score}, index=hospitals.index)
    result["rank"] = score.groupby(groups).rank(ascending=False, method="min")
    result["coverage"], result["excluded"] = coverage, reason
    return Scores(result, dimensions, pd.DataFrame(rows, columns=columns), anchors)


def _league(
    hospitals: pd.DataFrame,
    period: PeriodResult,
    scores: Scores,
    before: Scores | None,
    rng: np.random.Generator,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    table, mix, values = scores.table, period.mix.table, period.indicators.values
    out = table[["peer_group", "rank", "score", "coverage", "excluded"]].copy()
    error = 12.0 / np.sqrt(mix["cases"].reindex(out.index) / 300.0) + 0.4
    draws = table["score"].to_numpy()[None, :] + rng.normal(size=(400, len(out))) * error.to_numpy()
    ranks = np.full_like(draws, np.nan)
    for group in out["peer_group"].unique():
        there = ((out["peer_group"] == group) & out["rank"].notna()).to_numpy()
        ranks[:, there] = (-draws[:, there]).argsort(axis=1).argsort(axis=1) + 1
    known = out["rank"].notna().to_numpy()
    for name, percent in (("rank_low", 2.5), ("rank_high", 97.5)):
        out[name] = np.nan
        out.loc[known, name] = np.percentile(ranks[:, known], percent, axis=0, method="nearest")
    out["rank_expected"] = ranks.mean(axis=0)
    out["p_top"] = np.where(known, (ranks <= 3).mean(axis=0), np.nan)
    size = out.groupby("peer_group")["rank"].transform("count")
    share = (ranks - 1.0) / size.to_numpy()
    classes = pd.DataFrame(
        {"A": (share < 0.25).mean(0), "B": ((share >= 0.25) & (share < 0.75)).mean(0), "C": (share >= 0.75).mean(0)},
        index=out.index,
    )
    classes.loc[~known] = np.nan
    best = classes.fillna(0).idxmax(axis=1)
    out["class_probability"] = classes.max(axis=1)
    out["separable"] = (out["class_probability"] >= 0.8).to_numpy()
    out["class_before_veto"] = np.where(out["separable"], best, "")
    out["class"], out["veto"] = out["class_before_veto"], ""
    first = out.index[(out["class"] == "A").to_numpy()][:1]
    out.loc[first, "class"], out.loc[first, "veto"] = "B", "low_risk_mortality > 0.05"
    out["score_low"], out["score_high"] = out["score"] - 1.96 * error, out["score"] + 1.96 * error
    for name in ("previous_score", "previous_rank", "change", "p_improved"):
        out[name] = np.nan
    if before is not None:
        out["previous_score"], out["previous_rank"] = before.table["score"], before.table["rank"]
        out["change"] = out["score"] - out["previous_score"]
        out["p_improved"] = 1.0 / (1.0 + np.exp(-1.7 * out["change"] / (1.4 * error)))
    out[["cases", "total_weight", "cmi", "drg_count"]] = mix[["cases", "total_weight", "cmi", "drg_count"]]
    out["low_risk_expected"] = np.nan
    for name in ("charge_index", "time_index", "low_risk_mortality", "drug_share", "consumables_per_100"):
        out[name] = values[name]
    for name in ("medical_service_share", "inpatient_fee_growth", "medical_surplus_rate"):
        out[name] = values[name]
    out["comparable_score"] = out["score"].where(out["previous_score"].notna())
    out["previous_comparable_score"] = out["previous_score"].where(out["score"].notna())
    out["comparable_rank"] = out["rank"].where(out["previous_rank"].notna())
    out["low_risk_expected"] = values["low_risk_mortality"].mean()
    out["rank_worst"] = size
    return out, classes


def _targets(period: PeriodResult, hospitals: pd.DataFrame) -> pd.DataFrame:
    checked = check_targets(period.indicators, load_targets("putuo"), language="zh", year=2025)
    if period.region is None:
        return checked
    values = period.region.values
    own = [one for one in load_targets("dehui") if one.indicator in values.columns]
    return pd.concat([checked, check_targets(values, own, language="zh", year=2025)], ignore_index=True)


def _shrunk(hospitals: pd.DataFrame, found: Indicators, mix: object) -> pd.DataFrame:
    cases = mix.table["cases"].reindex(hospitals.index).to_numpy(float)  # type: ignore[attr-defined]
    rows = []
    for name, spread in (("charge_index", 1.2), ("time_index", 1.0), ("readmission_unplanned_31", 16.0)):
        raw = found.values[name].to_numpy()
        error = spread / np.sqrt(cases)
        between = max(float(np.nanvar(raw) - np.mean(error**2)), 1e-6)
        reliability = between / (between + error**2)
        value = reliability * raw + (1.0 - reliability) * np.nanmean(raw)
        half = 1.96 * np.sqrt(reliability) * error
        for at, hospital in enumerate(hospitals.index):
            share = reliability[at]
            mark = "" if share >= 0.7 else "marked" if share >= 0.4 else "unreliable"
            ends = (raw[at], value[at], value[at] - half[at], value[at] + half[at])
            rows.append((hospital, name, *ends, share, mark))
    columns = ["hospital_id", "indicator", "raw", "shrunk", "low", "high", "reliability", "mark"]
    return pd.DataFrame(rows, columns=columns)
