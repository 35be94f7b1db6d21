"""What two years are compared by: common indicators, risk groups of the other year, inputs of the region."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from evaluation_region import changed, rewrite, write_region

from drgengine.evaluation import evaluate
from drgengine.evaluation.mix import casemix, risk_groups
from drgengine.evaluation.plan import load_plan
from drgengine.evaluation.uncertainty import bootstrap_chain
from drgengine.evaluation.yearly.comparable import in_both
from drgengine.evaluation.yearly.regioninputs import of_the_region, with_region
from drgengine.evaluation.yearly.result import Evaluation
from drgengine.evaluation.yearly.riskperiods import risk_notes, risk_period

GROWTHS = {"inpatient_fee_growth", "outpatient_fee_growth"}


def test_fee_growth_above_income_is_known_for_every_hospital(evaluated_sample: Evaluation) -> None:
    values = evaluated_sample.current.indicators.values
    region = evaluated_sample.current.region
    assert region is not None
    income = region.values["resident_income_growth"].iloc[0]
    for name in ("outpatient_fee", "inpatient_fee"):
        excess = values[f"{name}_growth_excess"]
        assert excess.notna().all()
        assert np.allclose(excess, values[f"{name}_growth"] - income)
    assert values["inpatient_fee_growth_excess"].idxmax() == "R05", "planted"
    targets = evaluated_sample.targets
    limited = targets[(targets["line"] == "A04") & targets["unit"].isin(values.index)]
    assert len(limited) == 2 * len(values)
    assert not (limited["status"] == "no data").any()
    assert np.allclose(limited["target"], income)


def test_inputs_of_the_region_are_no_data_of_a_hospital(evaluated_sample: Evaluation) -> None:
    found = evaluated_sample.current.indicators
    assert set(found.origin["resident_income_growth"]) == {"region"}
    assert found.inputs["resident_income"].nunique() == 1
    assert found.previous_inputs is not None
    assert found.previous_inputs["resident_income"].notna().all()
    share = found.values.drop(columns="resident_income_growth").notna().mean(axis=1)
    assert np.allclose(found.coverage, share)
    assert any("取区域表" in zh and "region's table" in en for zh, en in evaluated_sample.notes)
    own = pd.DataFrame({"resident_income": [1.0, np.nan]}, index=["A", "B"])
    region = pd.DataFrame({"resident_income": [5.0], "population": [9.0]}, index=["R"])
    joined, shared = with_region(own, region, found.catalogue)
    assert joined["resident_income"].to_list() == [1.0, 5.0]
    assert (shared, list(joined.columns)) == (("resident_income",), ["resident_income"])
    assert with_region(own, None, found.catalogue)[1] == ()
    assert of_the_region(found, ()) is found


def test_change_is_over_indicators_that_both_years_have(evaluated_sample: Evaluation) -> None:
    league = evaluated_sample.league
    now, then = evaluated_sample.details["comparable_scores"]
    for unit in league.index:
        tables = (now.contributions, then.contributions)
        parts = [table[table["hospital_id"] == unit].set_index("indicator") for table in tables]
        used = [set(part.index[part["weight"] > 0]) for part in parts]
        assert used[0] == used[1]
        assert not used[0] & GROWTHS
        assert np.allclose(parts[0]["weight"], parts[1]["weight"])
        assert np.allclose(parts[0]["bad"], parts[1]["bad"], equal_nan=True)
        change = parts[0]["contribution"].sum() - parts[1]["contribution"].sum()
        assert league.loc[unit, "change"] == pytest.approx(change, abs=1e-9)
    # R08 has no complications in 2024, so they count in neither year for it, and for the others in both.
    weights = now.contributions.set_index(["hospital_id", "indicator"])["weight"].unstack("indicator")
    assert weights.loc["R08", "complication_rate"] == 0
    assert (weights["complication_rate"].drop("R08") > 0).all()
    assert any("可比得分" in zh and "住院次均费用增幅" in zh for zh, _ in evaluated_sample.notes)


def test_ranks_of_both_years_are_of_the_comparable_scores(evaluated_sample: Evaluation) -> None:
    league = evaluated_sample.league
    for score, rank in (("comparable_score", "comparable_rank"), ("previous_comparable_score", "previous_rank")):
        expected = league.groupby("peer_group")[score].rank(ascending=False)
        pd.testing.assert_series_equal(league[rank], expected, check_names=False)


def test_nothing_changes_where_the_years_are_alike(tmp_path: Path) -> None:
    """The same data twice: growths are 0 and in the score of one year only; nothing has changed, p is a half."""
    folder = write_region(tmp_path / "region", drgs=20).parent
    plan = changed(folder, tmp_path)
    for name in ("statistics", "inputs"):
        (plan / f"{name}_2025.csv").write_bytes((plan / f"{name}_2024.csv").read_bytes())
    without = {"drug_revenue": lambda table: table["drug_revenue"].where(table.index > 0)}
    rewrite(plan / "inputs_2025.csv", lambda table: table.assign(**without))
    league = evaluate(plan).league
    assert np.allclose(league["change"], 0.0, atol=0.05), "2024 has one day more, and no more differs"
    assert (league["score"] - league["previous_score"]).abs().max() > 0.2
    assert league["p_improved"].between(0.3, 0.7).all()


def test_values_in_both_years_only() -> None:
    now = pd.DataFrame({"a": [1.0, 2.0], "new": [1.0, 1.0]}, index=["A", "B"])
    before = pd.DataFrame({"a": [np.nan, 4.0], "old": [1.0, 1.0]}, index=["A", "B"])
    first, second = in_both(now, before)
    assert first["new"].isna().all()
    assert list(second.columns) == ["a", "new"]
    assert first["a"].isna().to_list() == second["a"].isna().to_list() == [True, False]


def test_no_period_makes_its_own_risk_groups(evaluated_sample: Evaluation) -> None:
    plan = evaluated_sample.plan
    assert evaluated_sample.details["risk_periods"] == {"2025": "2024", "2024": "2025"}
    same = replace(plan, base="2025")
    assert [risk_period(same, name) for name in ("2025", "2024")] == ["2024", "2025"]
    older = replace(plan, base="2023")
    assert [risk_period(older, name) for name in ("2025", "2024", "2023")] == ["2023", "2023", "2025"]
    alone = replace(plan, base="2025", previous=None)
    assert risk_period(alone, "2025") is None
    assert any("自身死亡率" in zh for zh, _ in risk_notes(alone, ["2025"]))
    assert any("2025期按2024期，2024期按2025期" in zh for zh, _ in evaluated_sample.notes)


def test_deaths_of_both_years_are_counted_with_groups_of_the_other(evaluated_sample: Evaluation) -> None:
    previous = evaluated_sample.previous
    assert previous is not None
    plan = evaluated_sample.plan
    crossed = risk_groups(evaluated_sample.current.statistics.roll_up("hospital_id"))
    assert previous.mix.risks.score == crossed.score
    own = casemix(previous.statistics, "hospital_id", low_risk_scores=plan.mix.low_risk_scores).table
    mine, theirs = (table["low_risk_deaths"].sum() for table in (own, previous.mix.table))
    assert mine < 0.5 * theirs, "by its own groups the base has next to no low-risk deaths"
    rates = [one.mix.table["low_risk_deaths"].sum() / one.mix.table["low_risk_cases"].sum() for one in
             (previous, evaluated_sample.current)]  # fmt: skip
    assert rates[0] == pytest.approx(rates[1], rel=0.3)


def test_draws_of_the_previous_year_have_its_own_risk_groups(evaluated_sample: Evaluation) -> None:
    previous = evaluated_sample.previous
    assert previous is not None
    now, then = (one.statistics.roll_up("hospital_id") for one in (evaluated_sample.current, previous))
    chain = bootstrap_chain(
        now, risks=evaluated_sample.current.mix.risks, previous=then, previous_risks=previous.mix.risks,
        low_risk_scores=evaluated_sample.plan.mix.low_risk_scores, draws=2,
    )  # fmt: skip
    assert chain.previous is not None
    for name in ("low_risk_cases", "low_risk_mortality", "low_risk_expected_deaths"):
        assert np.allclose(chain.previous.observed[name], previous.mix.table[name])


def test_expected_low_risk_deaths_sum_to_the_deaths(evaluated_sample: Evaluation) -> None:
    for result in (evaluated_sample.current, evaluated_sample.previous):
        assert result is not None
        table = result.mix.table
        for name in ("low_risk", "mid_low_risk"):
            assert table[f"{name}_expected_deaths"].sum() == pytest.approx(table[f"{name}_deaths"].sum())
    league, funnel = evaluated_sample.league, evaluated_sample.funnels["low_risk_mortality"]
    assert league["low_risk_expected"].mean() == pytest.approx(funnel.target, rel=0.05)


def test_a_base_before_the_previous_year_stands_for_both(tmp_path: Path) -> None:
    folder = write_region(tmp_path / "region", drgs=20).parent
    more = '[period.2023]\nstart = 2023-01-01\nend = 2023-12-31\nstatistics = "statistics_2023.csv"\n'
    plan = changed(folder, tmp_path, ('previous = "2024"\n', 'previous = "2024"\nbase = "2023"\n'), more=more)
    (plan / "statistics_2023.csv").write_bytes((plan / "statistics_2024.csv").read_bytes())
    found = evaluate(load_plan(plan))
    assert found.previous is not None
    assert found.current.mix.risks.score == found.previous.mix.risks.score
    assert found.details["risk_periods"]["2023"] == "2025"
