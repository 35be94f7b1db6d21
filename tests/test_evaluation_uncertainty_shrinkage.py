"""Shrinkage: a published factor, formulas written out again, limits, simulated truth, marks, broken input."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from drgengine.errors import EvaluationError
from drgengine.evaluation.uncertainty import shrink


@pytest.mark.parametrize(
    "name",
    [pytest.param("eb_baseball_shrinkage", id="eb_baseball_shrinkage-published value RECALLED, confirmed-0.0025")],
)
def test_baseball(shared: Path, name: str) -> None:
    """Batting averages of 18 players: the factor toward the mean by James and Stein."""
    examples = json.loads((shared / "oracles" / "evaluation_examples.json").read_text(encoding="utf-8"))
    one = next(example for example in examples if example["id"] == name)
    assert (one["status"], one["tolerance"]) == ("published value RECALLED, confirmed to 3 digits", 0.0025)
    y, n = np.array(one["inputs"]["y"]), one["inputs"]["n"]
    error = np.sqrt(y.mean() * (1 - y.mean()) / n)
    found = shrink(y, error, method="james-stein")
    np.testing.assert_allclose(found.table["reliability"], one["expected"]["shrink"][0], atol=0.0025)
    np.testing.assert_allclose(found.table["reliability"], one["recomputed"]["shrink"][0], atol=1e-6)
    assert found.mean == pytest.approx(one["recomputed"]["mean"][0], abs=1e-6)
    assert set(found.table["mark"]) == {"hide"}


def test_dersimonian_laird_by_hand() -> None:
    y, s = np.array([10.0, 14.0, 9.0, 20.0]), np.array([1.0, 2.0, 1.5, 4.0])
    w = s**-2.0
    fixed = (w * y).sum() / w.sum()
    tau2 = ((w * (y - fixed) ** 2).sum() - 3) / (w.sum() - (w**2).sum() / w.sum())
    mean = (y / (s**2 + tau2)).sum() / (1 / (s**2 + tau2)).sum()
    found = shrink(y, s)
    assert (found.tau2, found.mean) == (pytest.approx(tau2), pytest.approx(mean))
    b = s**2 / (s**2 + tau2)
    np.testing.assert_allclose(found.table["shrunk"], b * mean + (1 - b) * y)
    np.testing.assert_allclose(found.table["reliability"], 1 - b)


def test_reml_with_equal_errors_is_the_sample_variance_less_the_error() -> None:
    y = np.array([3.0, 5.0, 9.0, 4.0, 7.5])
    found = shrink(y, 0.8, method="reml")
    assert found.tau2 == pytest.approx(y.var(ddof=1) - 0.64, rel=1e-6)
    assert shrink(y, 5.0, method="reml").tau2 == 0.0, "less spread than the errors alone make"


def test_without_spread_all_go_to_the_mean_and_nothing_is_ranked() -> None:
    found = shrink([1.0, 1.1, 0.9], [1.0, 1.0, 1.0])
    np.testing.assert_allclose(found.table["shrunk"], 1.0)
    assert found.tau2 == 0.0
    assert (found.table["high"] - found.table["low"]).min() == pytest.approx(2 * stats.norm.ppf(0.975) / np.sqrt(3))


@pytest.mark.parametrize("method", ["ml", "moments"])
def test_beta_binomial_finds_its_prior(method: str) -> None:
    rng = np.random.default_rng(11)
    cases = rng.integers(50, 800, 600)
    truth = rng.beta(4.0, 36.0, 600)
    found = shrink(rng.binomial(cases, truth), kind="beta-binomial", cases=cases, method=method)
    a, b = found.prior
    assert found.mean == pytest.approx(0.1, abs=0.006)
    assert a + b == pytest.approx(40.0, rel=0.2)
    np.testing.assert_allclose(found.table["reliability"], cases / (a + b + cases))
    covered = ((found.table["low"] <= truth) & (truth <= found.table["high"])).mean()
    assert covered == pytest.approx(0.95, abs=3 * np.sqrt(0.95 * 0.05 / 600))


@pytest.mark.parametrize("method", ["ml", "moments"])
def test_gamma_poisson_finds_its_prior(method: str) -> None:
    rng = np.random.default_rng(12)
    expected = rng.uniform(1, 60, 600)
    truth = rng.gamma(12.0, 1 / 12.0, 600)
    found = shrink(rng.poisson(expected * truth), kind="gamma-poisson", expected=expected, method=method)
    a, b = found.prior
    assert found.mean == pytest.approx(1.0, abs=0.05)
    assert b == pytest.approx(12.0, rel=0.3)
    count = found.table["raw"] * expected
    np.testing.assert_allclose(found.table["shrunk"], (a + count) / (b + expected))
    np.testing.assert_allclose(found.table["low"], stats.gamma.ppf(0.025, a + count, scale=1 / (b + expected)))
    covered = ((found.table["low"] <= truth) & (truth <= found.table["high"])).mean()
    assert covered == pytest.approx(0.95, abs=3 * np.sqrt(0.95 * 0.05 / 600))


def test_ml_is_a_maximum_of_the_negative_binomial_likelihood() -> None:
    rng = np.random.default_rng(2)
    expected = rng.uniform(2, 30, 80)
    count = rng.poisson(expected * rng.gamma(6.0, 1 / 6.0, 80))
    found = shrink(count, kind="gamma-poisson", expected=expected)

    def likelihood(mean: float, size: float) -> float:
        return float(stats.nbinom.logpmf(count, mean * size, size / (size + expected)).sum())

    best = likelihood(found.mean, found.prior[1])
    for mean, size in ((1.02, 1.0), (0.98, 1.0), (1.0, 1.1), (1.0, 0.9)):
        assert likelihood(found.mean * mean, found.prior[1] * size) < best


@pytest.mark.parametrize(("kind", "volume"), [("beta-binomial", "cases"), ("gamma-poisson", "expected")])
def test_no_event_at_all_is_no_certainty(kind: str, volume: str) -> None:
    found = shrink([0, 0, 0], kind=kind, **{volume: [100, 50, 200]})  # type: ignore[arg-type]
    assert (found.table["high"] > 0).all()
    assert (found.table["high"] < 0.02).all()
    assert found.tau2 == 0.0
    assert set(found.table["mark"]) == {"hide"}


def test_shrunken_values_lie_between_raw_and_mean_and_marks_follow_reliability() -> None:
    rng = np.random.default_rng(4)
    s = rng.uniform(0.1, 3.0, 100)
    found = shrink(rng.normal(10, 1, 100) + s * rng.normal(size=100), s)
    table = found.table
    low, high = np.minimum(table["raw"], found.mean), np.maximum(table["raw"], found.mean)
    assert ((low <= table["shrunk"]) & (table["shrunk"] <= high)).all()
    for name, rows in table.groupby("mark"):
        least, most = {"rank": (0.7, 1.0), "show": (0.4, 0.7), "hide": (0.0, 0.4)}[str(name)]
        assert rows["reliability"].between(least, most).all()
    assert set(table["mark"]) == {"rank", "show", "hide"}


def test_unit_change_changes_only_the_unit() -> None:
    y, s = np.array([3.0, 5.0, 9.0]), np.array([0.5, 1.0, 0.4])
    np.testing.assert_allclose(shrink(1000 * y, 1000 * s).table["shrunk"], 1000 * shrink(y, s).table["shrunk"])


def test_missing_values_keep_their_place() -> None:
    index = pd.Index(["A", "B", "C", "D"])
    found = shrink(pd.Series([1.0, np.nan, 3.0, 4.0], index), pd.Series([1.0, 1.0, np.nan, 1.0], index))
    assert found.table.loc["B", "reason"] == "no value"
    assert found.table.loc["C", "reason"] == "no standard error"
    assert found.table.loc[["B", "C"], "shrunk"].isna().all()
    assert found.table["mark"].tolist()[1:3] == ["", ""]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"values": [1.0, 2.0]}, ["standard_errors", "missing"]),
        ({"values": [1.0, 2.0], "standard_errors": [1.0, -1.0]}, ["unit 1", "negative"]),
        ({"values": [1.0, np.nan], "standard_errors": 1.0}, ["1 units", "at least two"]),
        ({"values": [3, 9], "kind": "beta-binomial", "cases": [5, 5]}, ["unit 1", "9 counts with 5 cases"]),
        ({"values": [3, 9], "kind": "gamma-poisson"}, ["expected", "missing"]),
        ({"values": [3, 9], "kind": "gamma-poisson", "expected": [2, 2], "method": "reml"}, ["reml", "moments"]),
        ({"values": [3, 9], "kind": "poisson"}, ["poisson", "gamma-poisson"]),
        ({"values": [3, 9], "standard_errors": 1.0, "level": 95}, ["level", "95"]),
    ],
)
def test_broken_input_says_where(arguments: dict[str, object], words: list[str]) -> None:
    with pytest.raises(EvaluationError) as caught:
        shrink(**arguments)  # type: ignore[arg-type]
    assert all(word in str(caught.value) for word in words), str(caught.value)
