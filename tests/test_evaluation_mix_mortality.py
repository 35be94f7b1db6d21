"""Mortality by risk group: classification on a base period, exact intervals, deaths counted once."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from drgengine.evaluation.mix import (
    RiskGroups,
    binomial_interval,
    casemix,
    poisson_interval,
    risk_groups,
    rule_of_three,
    statistics_of_table,
)


@pytest.mark.parametrize(
    ("mortality", "score", "mean", "sd"),
    [
        pytest.param(
            [0.0, 0.0005, 0.002, 0.004, 0.01, 0.03, 0.12],
            [0, 1, 2, 2, 3, 3, 4],
            -4.9281605,
            1.9575528,
            id="constructed, recomputed only; sd with n - 1",
        )
    ],
)
def test_risk_scores(mortality: list[float], score: list[int], mean: float, sd: float) -> None:
    found = risk_groups({f"G{k}": rate for k, rate in enumerate(mortality)})
    assert list(found.score.values()) == score
    assert (found.mean, found.sd) == pytest.approx((mean, sd), abs=1e-6)


def test_without_two_groups_with_deaths_only_score_zero_is_given() -> None:
    found = risk_groups({"A": 0.0, "B": 0.1})
    assert found.score == {"A": 0}
    assert math.isnan(found.sd)


def test_equal_mortality_is_neither_low_nor_mid_low() -> None:
    assert set(risk_groups({"A": 0.1, "B": 0.1}).score.values()) == {4}, "ln M = mean + sd when sd is 0"


@pytest.mark.parametrize("level", [0.9, 0.95, 0.998])
def test_exact_intervals_equal_scipy(level: float) -> None:
    k, n = np.array([0, 1, 3, 20, 50]), np.array([50, 50, 1000, 20, 51])
    low, high = binomial_interval(k, n, level)
    for at in range(k.size):
        found = stats.binomtest(int(k[at]), int(n[at])).proportion_ci(level, "exact")
        assert (low[at], high[at]) == pytest.approx((found.low, found.high), abs=1e-12)
    low, high = poisson_interval(k, level)
    tail = (1 - level) / 2
    assert low[1:] == pytest.approx(stats.chi2.ppf(tail, 2 * k[1:]) / 2, rel=1e-10)
    assert high == pytest.approx(stats.chi2.ppf(1 - tail, 2 * k + 2) / 2, rel=1e-10)
    assert low[0] == 0.0


def test_nothing_observed_in_nobody() -> None:
    low, high = binomial_interval([0], [0])
    assert np.isnan(low).all()
    assert np.isnan(high).all()
    assert np.isnan(rule_of_three([0], [0])).all()
    assert rule_of_three([0], [3000])[0] == pytest.approx(stats.beta.ppf(0.95, 1, 3000), rel=2e-3)


def test_published_low_risk_mortality() -> None:
    # PUMC Hospital 2015-2023: low risk 130 of 680 939, mid-low risk 209 of 130 449 (published, to two decimals of a %).
    frame = pd.DataFrame(
        {
            "hospital_id": "H",
            "drg": ["LOW", "MID", "OTHER"],
            "cases": [680_939, 130_449, 115_916],
            "deaths": [130, 209, 2007],
        }
    )
    risks = RiskGroups({"LOW": 1, "MID": 2, "OTHER": 4}, {}, math.nan, math.nan, "published")
    row = casemix(statistics_of_table(frame), base=risks).table.loc["H"]
    assert round(100 * row["low_risk_mortality"], 2) == 0.02
    assert round(100 * row["mid_low_risk_mortality"], 2) == 0.16
    assert round(100 * row["mortality"], 2) == 0.25
    assert row["deaths"] == 2346


def two_periods() -> tuple[pd.DataFrame, pd.DataFrame]:
    drgs = ["FR21", "FR25", "GB11", "GR15", "ES15"]
    base = pd.DataFrame({"hospital_id": "R", "drg": drgs, "cases": 100_000, "deaths": [0, 2, 30, 300, 4000]})
    now = pd.DataFrame(
        {
            "hospital_id": ["H1"] * 5 + ["H2"] * 2,
            "drg": [*drgs, "FR25", "NEW9"],
            "cases": [50, 400, 60, 20, 10, 700, 5],
            "deaths": [1, 1, 0, 1, 2, 0, 1],
        }
    )
    return base, now


def test_the_base_period_classifies_and_the_current_one_counts() -> None:
    base, now = (statistics_of_table(frame) for frame in two_periods())
    found = casemix(now, base=base, low_risk_scores=(0, 1))
    score = found.risks.score
    assert score == {"ES15": 4, "FR21": 0, "FR25": 1, "GB11": 2, "GR15": 3}
    table = found.table
    assert table.loc["H1", ["low_risk_cases", "low_risk_deaths"]].tolist() == [450, 2], (
        "a death although the base had 0"
    )
    assert table.loc["H2", "low_risk_mortality"] == 0
    assert table.loc["H2", "low_risk_rule_of_three"] == pytest.approx(3 / 700)
    assert table.loc["H2", "low_risk_mortality_high"] == pytest.approx(1 - 0.025 ** (1 / 700))
    assert table.loc["H2", "deaths_unclassified"] == 1, "the base knows nothing of a new group"
    expected = 60 * 30e-5 + 20 * 300e-5 + 10 * 4000e-5 + 400 * 2e-5
    assert table.loc["H1", "expected_deaths"] == pytest.approx(expected)
    assert table.loc["H1", "smr"] == pytest.approx(5 / expected)
    assert table.loc["H1", "smr_low"] == pytest.approx(stats.chi2.ppf(0.025, 10) / 2 / expected)
    assert not any("same data" in note and "Risk" in note for note in found.notes)
    assert any("Risk groups come from the same data" in note for note in casemix(now).notes)
    default = casemix(now, base=base).table
    assert default.loc["H1", ["low_risk_cases", "low_risk_deaths"]].tolist() == [400, 1]


def test_expected_low_risk_deaths_come_from_the_counted_period() -> None:
    """A DRG without a death in the base has one in the next year: expected at what happens, not at 0."""
    table = pd.DataFrame(
        {
            "hospital_id": ["H1", "H1", "H2", "H2"],
            "drg": ["FR21", "FB19", "FR21", "FB19"],
            "cases": [1000, 400, 3000, 100],
            "deaths": [2, 8, 2, 2],
        }
    )
    base = {"FR21": 0.0, "FB19": 0.0, "GB11": 0.01, "GB13": 0.1}
    found = casemix(statistics_of_table(table), base=base, low_risk_scores=(0, 1)).table
    assert found["low_risk_expected_deaths"].sum() == pytest.approx(14)
    # FB19 has ten deaths and stands at its own rate, FR21 has four and is the only other one.
    assert found["low_risk_expected_deaths"].to_list() == pytest.approx([1000 * 4 / 4000 + 400 * 10 / 500, 3 + 2])
