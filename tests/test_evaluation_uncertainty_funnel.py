"""Funnel limits: published limits, exactness, overdispersion, flags, what cannot be drawn."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from drgengine.errors import EvaluationError
from drgengine.evaluation.uncertainty import funnel_limits


@pytest.mark.parametrize(
    "name", [pytest.param("funnel_poisson_exact", id="funnel_poisson_exact-PUBLISHED test oracle, confirmed-1e-06")]
)
def test_published_poisson_limits(shared: Path, name: str) -> None:
    examples = json.loads((shared / "oracles" / "evaluation_examples.json").read_text(encoding="utf-8"))
    one = next(example for example in examples if example["id"] == name)
    assert (one["status"], one["tolerance"]) == ("PUBLISHED test oracle, confirmed", 1e-6)
    expected = one["inputs"]["expected"]
    found = funnel_limits(expected, expected, target=one["inputs"]["target"]).points
    for column, key in (("low_95", "ll95"), ("high_95", "ul95"), ("low_998", "ll998"), ("high_998", "ul998")):
        np.testing.assert_allclose(found[column], one["expected"][key], atol=1e-6, rtol=0)


def test_ratio_limits_are_poisson_limits_of_the_target() -> None:
    found = funnel_limits([9.0, 30.0], [10.0, 40.0], target=0.8, overdispersion=False).points
    np.testing.assert_allclose(found["low_95"], stats.chi2.ppf(0.025, [16.0, 64.0]) / [20.0, 80.0], rtol=1e-10)
    np.testing.assert_allclose(found["high_998"], stats.chi2.ppf(0.999, [18.0, 66.0]) / [20.0, 80.0], rtol=1e-10)


def test_share_limits_are_exact_binomial_ones() -> None:
    found = funnel_limits([3, 8], kind="share", cases=[50, 60], target=0.1, overdispersion=False).points
    low = stats.beta.ppf(0.025, [5.0, 6.0], [46.0, 55.0])
    high = stats.beta.ppf(0.975, [6.0, 7.0], [45.0, 54.0])
    np.testing.assert_allclose(found["low_95"], low, rtol=1e-9)
    np.testing.assert_allclose(found["high_95"], high, rtol=1e-9)


def test_mean_limits_and_pooled_target() -> None:
    found = funnel_limits([1.0, 1.3], kind="mean", cases=[100, 400], sd=0.9, overdispersion=False)
    assert found.target == pytest.approx((100 * 1.0 + 400 * 1.3) / 500)
    width = stats.norm.ppf(0.999) * 0.9 / np.sqrt([100, 400])
    np.testing.assert_allclose(found.points["high_998"], found.target + width)
    assert found.points["flag"].tolist() == ["below 95", ""]


def test_flags_and_volume_zero() -> None:
    names = pd.Index(["far", "near", "inside", "empty", "unknown", "good"])
    observed = pd.Series([60, 45, 31, 0, np.nan, 10], names)
    found = funnel_limits(observed, pd.Series([30, 30, 30, 0, 9, 30], names), overdispersion=False)
    assert found.points["flag"].tolist() == ["above 99.8", "above 95", "", "", "", "below 99.8"]
    assert found.points["reason"].tolist() == ["", "", "", "no expected", "no value", ""]
    assert found.points.loc["empty", ["value", "low_95", "z"]].isna().all()


def test_overdispersion_by_hand() -> None:
    """phi and tau2 as in the formulas, written out again with loops."""
    observed, expected = np.array([40, 10, 55, 12, 30, 80, 18, 25]), np.full(8, 25.0) + np.arange(8)
    found = funnel_limits(observed, expected)
    s = 1.0 / np.sqrt(expected)
    z = (observed / expected - 1.0) / s
    low, high = np.quantile(z, [0.1, 0.9])
    phi = sum(min(max(one, low), high) ** 2 for one in z) / 8
    w = s**-2
    tau2 = (8 * phi - 7) / (w.sum() - (w**2).sum() / w.sum())
    assert (found.phi, found.tau2) == (pytest.approx(phi), pytest.approx(tau2))
    assert tau2 > 0
    np.testing.assert_allclose(found.points["high_95"], 1 + stats.norm.ppf(0.975) * np.sqrt(s**2 + tau2))
    narrow = funnel_limits(observed, expected, overdispersion=False)
    assert (found.points["high_998"] > narrow.points["high_998"]).all()
    assert "phi" in found.notes[0]


def test_without_overdispersion_exact_limits_stay() -> None:
    expected = np.full(40, 50.0)
    observed = np.random.default_rng(3).binomial(100, 0.5, 40)
    found = funnel_limits(observed, expected)
    assert (found.phi, found.tau2) == (1.0, 0.0)
    assert found.measured_phi < 1
    pd.testing.assert_frame_equal(found.points, funnel_limits(observed, expected, overdispersion=False).points)


def test_chance_alone_leaves_as_many_outside_as_the_limits_say() -> None:
    expected = np.full(4000, 20.0)
    observed = np.random.default_rng(5).poisson(expected)
    flags = funnel_limits(observed, expected, overdispersion=False).points["flag"]
    low, high = funnel_limits([20], [20], overdispersion=False).points[["low_95", "high_95"]].iloc[0] * 20
    assert (np.ceil(low), np.floor(high)) == (13, 30)
    # Exact limits hold at least 95 % of a discrete count.
    inside = stats.poisson(20.0).cdf(30) - stats.poisson(20.0).cdf(12)
    assert (flags == "").mean() == pytest.approx(inside, abs=3 * np.sqrt(inside * (1 - inside) / 4000))


def test_curve_meets_points() -> None:
    found = funnel_limits([30, 20, 30], [15, 20, 30])
    assert found.curve["volume"].is_monotonic_increasing
    for column in ("low_95", "high_998"):
        between = np.interp([15, 20, 30], found.curve["volume"], found.curve[column])
        np.testing.assert_allclose(between, found.points[column], atol=1e-3)


def test_share_limits_stay_within_zero_and_one() -> None:
    rng = np.random.default_rng(1)
    cases = rng.integers(5, 40, 30)
    found = funnel_limits(rng.binomial(cases, rng.beta(0.5, 4, 30)), kind="share", cases=cases)
    assert found.tau2 > 0
    assert found.points["low_998"].min() == 0.0
    assert found.points["high_998"].max() <= 1.0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"observed": [3.0]}, ["expected", "missing"]),
        ({"observed": [3.0], "kind": "share"}, ["cases", "missing"]),
        ({"observed": [3.0], "kind": "mean", "cases": [5]}, ["sd", "missing"]),
        ({"observed": [3.0], "kind": "rate"}, ["'rate'", "share"]),
        ({"observed": [-1.0, 2.0], "expected": [1, 1]}, ["unit 0", "-1 is negative"]),
        ({"observed": [7.0], "kind": "share", "cases": [5]}, ["unit 0", "7 is more"]),
        ({"observed": [7.0], "expected": [0]}, ["no unit has a value"]),
        ({"observed": [7.0], "expected": [4], "target": 0.0}, ["target", "above 0"]),
        ({"observed": [7.0, 8.0], "expected": [4, 4, 4]}, ["3 values for 2 units"]),
        ({"observed": ["many"], "expected": [4]}, ["observed", "no number"]),
        ({"observed": [7.0], "expected": [4], "winsorise": 0.7}, ["winsorise", "0.7"]),
    ],
)
def test_broken_input_says_where(arguments: dict[str, object], words: list[str]) -> None:
    with pytest.raises(EvaluationError) as caught:
        funnel_limits(**arguments)  # type: ignore[arg-type]
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_no_death_where_four_are_expected_is_no_99_8() -> None:
    """P(0) = 2 % at 3.9 expected: beyond 95 % and not beyond 99.8 %, though the interval limit says so."""
    found = funnel_limits([0, 0, 9], [3.9, 7.0, 3.9], overdispersion=False).points
    assert found["flag"].tolist() == ["below 95", "below 99.8", "above 95"]
    assert found.loc[0, "low_998"] > 0.0
    assert found.loc[2, "value"] < found.loc[2, "high_95"]


@pytest.mark.parametrize("kind", ["ratio", "share"])
def test_flags_are_exact_tails(kind: str) -> None:
    counts = np.arange(0, 40)
    if kind == "ratio":
        found = funnel_limits(counts, np.full(40, 11.3), target=0.9, overdispersion=False).points
        drawn = stats.poisson(0.9 * 11.3)
    else:
        found = funnel_limits(counts, kind="share", cases=np.full(40, 40), target=0.3, overdispersion=False).points
        drawn = stats.binom(40, 0.3)
    below, above = drawn.cdf(counts), drawn.sf(counts - 1)
    expected = np.where(below < 0.025, "below 95", np.where(above < 0.025, "above 95", ""))
    expected = np.where(below < 0.001, "below 99.8", np.where(above < 0.001, "above 99.8", expected))
    assert found["flag"].tolist() == expected.tolist()
    assert len(set(expected)) == 5


def test_all_cases_and_a_target_at_the_end() -> None:
    full = funnel_limits([5, 50], kind="share", cases=[5, 50], target=0.9, overdispersion=False).points
    assert full["flag"].tolist() == ["", "above 95"]
    none = funnel_limits([0, 3], kind="share", cases=[50, 50], target=0.0, overdispersion=False).points
    assert none["flag"].tolist() == ["", "above 99.8"]


def test_notes_tell_in_both_languages_how_flags_are_made() -> None:
    found = funnel_limits([30, 20, 30], [15, 20, 30])
    assert any("exact tail" in note for note in found.notes)
    assert all(note.zh != str(note) for note in found.notes)
