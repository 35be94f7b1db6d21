"""The yearly evaluation: what it computes, that it adds up, and what it does with data that are not complete."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from evaluation_region import hospital_ids, write_region

from drgengine.evaluation import evaluate
from drgengine.evaluation.mix import casemix, risk_groups
from drgengine.evaluation.plan import load_plan
from drgengine.evaluation.yearly.result import Evaluation


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_region(tmp_path_factory.mktemp("yearly") / "region", departments=True).parent


@pytest.fixture(scope="module")
def found(folder: Path) -> Evaluation:
    return evaluate(folder)


def test_all_tables_hold_the_same_hospitals_in_the_order_of_their_table(found: Evaluation) -> None:
    ids = hospital_ids(12)
    tables = [found.hospitals, found.league, found.class_probabilities, found.scores.table, found.scores.dimensions]
    tables += [found.frontier, found.productivity, found.method_ranks, found.weight_sensitivity]
    tables += [found.current.quality, found.current.indicators.values]
    for table in tables:
        assert table is not None
        assert list(table.index) == ids


def test_intervals_hold_the_score_and_the_notes_say_that_draws_are_centred(found: Evaluation) -> None:
    league = found.league
    assert (league["score_low"] <= league["score"]).all()
    assert (league["score_high"] >= league["score"]).all()
    assert (league["score_high"] > league["score_low"]).all()
    assert league[["score_low", "score_high"]].stack().between(0.0, 100.0).all()
    # Percentiles around a mean that is the score: neither end takes nearly all of the width.
    below = (league["score"] - league["score_low"]) / (league["score_high"] - league["score_low"])
    assert below.between(0.25, 0.75).all()
    assert any("以得分为中心" in zh and "centred on the score" in en for zh, en in found.notes)


def test_contributions_add_up_to_the_score_exactly(found: Evaluation) -> None:
    for scores in (found.scores, found.previous_scores):
        assert scores is not None
        table = scores.contributions
        assert len(table) == 12 * len(found.tree.table())
        total = table.groupby("hospital_id")["contribution"].sum()
        assert np.allclose(total, scores.table["score"].loc[total.index], rtol=0, atol=1e-9)
        weight = table.groupby("hospital_id")["weight"].sum()
        assert np.allclose(weight, 1.0, atol=1e-12)


def test_score_by_hand_from_points_and_weights(found: Evaluation) -> None:
    """Points from anchors, weights of the tree over what is there: a second way to the score of one hospital."""
    table = found.scores.contributions
    own = table[table["hospital_id"] == "H005"].set_index("indicator")
    leaves = found.tree.table()
    scored = own.index[own["points"].notna()]
    points = {}
    for name in scored:
        value, bad, good = own.loc[name, ["value", "bad", "good"]]
        assert (good - bad) * leaves.loc[name, "direction"] > 0
        points[name] = min(max(60 + 40 * (value - bad) / (good - bad), 0), 100)
    weights = leaves["weight"].loc[list(scored)]
    expected = sum(points[name] * weights[name] for name in scored) / weights.sum()
    assert found.league.loc["H005", "score"] == pytest.approx(expected, abs=1e-9)
    assert len(scored) >= 20


def test_anchors_are_percentiles_of_the_base_period_in_the_better_direction(found: Evaluation) -> None:
    assert found.previous is not None
    anchors = found.scores.anchors.set_index(["indicator", "peer_group"])
    base = found.previous.indicators.values["drug_share"]
    bad, good = np.percentile(base, [90, 10])  # less is better; six peers are too few for their own percentiles
    row = anchors.loc[("drug_share", "三级 · 综合")]
    assert (row["bad"], row["good"]) == (pytest.approx(bad), pytest.approx(good))
    assert "2024" in row["source"]
    assert row["source_en"] == "P90/P10 of all hospitals, 2024, n = 12 (the peer group has 6, 10 are needed)"
    assert row["source_zh"] == "2024期全部机构第90、10百分位数，n=12（同组6家，不足10家或无差异）"


def test_growth_has_no_base_value_and_takes_the_current_period(found: Evaluation) -> None:
    anchors = found.scores.anchors
    assert anchors[anchors["indicator"] == "inpatient_fee_growth"]["source"].str.contains("2025").all()


def test_both_periods_have_fixed_weights_and_the_risk_groups_of_the_base(found: Evaluation, folder: Path) -> None:
    assert found.previous is not None
    assert found.current.mix.weights.weights == found.previous.mix.weights.weights
    base = found.previous.statistics.roll_up("hospital_id")
    again = casemix(found.current.statistics, "hospital_id", base=risk_groups(base), max_stay_days=60)
    for name in ("cmi", "charge_index", "low_risk_mortality", "smr"):
        pd.testing.assert_series_equal(found.current.mix.table[name], again.table[name])
    drawn = found.drift
    assert drawn is not None
    assert np.allclose(drawn.table["cmi_current"], found.current.mix.table["cmi"])


def test_ranks_are_within_peer_groups_and_intervals_hold_them(found: Evaluation) -> None:
    league = found.league
    for _, part in league.groupby("peer_group"):
        assert sorted(part["rank"]) == list(range(1, len(part) + 1))
        assert (part.sort_values("rank")["score"].diff().dropna() <= 0).all()
    assert (league["rank_low"] <= league["rank"]).all()
    assert (league["rank"] <= league["rank_high"]).all()
    assert (league["score_low"] <= league["score"]).all()
    assert (league["score"] <= league["score_high"]).all()
    assert (league["score_high"] - league["score_low"]).min() > 0.1
    assert league["p_improved"].between(0, 1).all()
    assert np.allclose(league["change"], league["comparable_score"] - league["previous_comparable_score"])
    assert not np.allclose(league["change"], league["score"] - league["previous_score"]), "growths are in one year only"


def test_classes_only_where_separable(found: Evaluation) -> None:
    league, shares = found.league, found.class_probabilities
    assert np.allclose(shares.sum(axis=1), 1.0)
    for unit, row in league.iterrows():
        if row["separable"]:
            assert row["class"] == shares.loc[unit].idxmax()
            assert row["class_probability"] >= 0.8
        else:
            assert row["class"] == ""
            assert shares.loc[unit].max() < 0.8


def test_the_same_plan_gives_the_same_numbers(found: Evaluation, folder: Path) -> None:
    again = evaluate(load_plan(folder))
    pd.testing.assert_frame_equal(again.league, found.league)
    assert again.run_id == found.run_id
    assert again.hashes == found.hashes
    assert set(found.hashes) >= {"plan.toml", "hospitals.csv", "statistics_2025.csv"}


def test_another_seed_moves_intervals_and_not_scores(found: Evaluation, folder: Path) -> None:
    plan = load_plan(folder)
    again = evaluate(replace(plan, uncertainty=replace(plan.uncertainty, seed=99)))
    assert again.league["score"].equals(found.league["score"])
    assert not again.league["score_low"].equals(found.league["score_low"])


def test_what_else_is_there(found: Evaluation) -> None:
    assert set(found.funnels) >= {"smr", "low_risk_mortality", "charge_index", "time_index"}
    assert {"raw", "shrunk", "reliability", "mark"} <= set(found.shrunk.columns)
    assert found.frontier is not None
    assert {"score", "corrected", "scale_efficiency", "peers", "target_beds"} <= set(found.frontier.columns)
    assert found.productivity is not None
    assert np.isfinite(found.productivity["malmquist"]).all()
    assert "efficacy" in found.agreement.index
    assert set(found.lines["line"].str[0]) == {"A", "B"}
    assert len(found.decisions)
    assert list(found.books) == hospital_ids(12)
    assert all(zh and en for zh, en in found.notes)
    assert any("自助抽样200次，种子1" in zh for zh, _ in found.notes)
    assert found.software["drgengine"]


def test_only_what_cases_and_their_number_move_is_drawn(found: Evaluation) -> None:
    drawn, fixed = found.details["drawn_indicators"], found.details["fixed_indicators"]
    assert {"cmi", "charge_index", "time_index", "low_risk_mortality", "weight_per_bed", "bed_turnover"} <= set(drawn)
    assert "inpatient_fee_growth" in drawn
    assert {"drug_share", "mdc_coverage", "bed_occupancy"} <= set(fixed)


def test_progress_tells_the_steps(folder: Path) -> None:
    seen: list[tuple[int, int, str]] = []
    evaluate(folder, progress=lambda *step: seen.append(step))
    assert [done for done, _, _ in seen] == list(range(8))
    assert {steps for _, steps, _ in seen} == {7}
