"""Rank intervals, classes and sensitivity to weights."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drgengine.errors import EvaluationError
from drgengine.evaluation.scoring import efficacy_score
from drgengine.evaluation.scoring.places import places
from drgengine.evaluation.uncertainty import (
    class_limits,
    rank_intervals,
    separable_classes,
    weight_sensitivity,
)
from drgengine.evaluation.uncertainty.rankdraws import ranks_of_draws

VALUES = st.one_of(st.sampled_from([1.0, 2.0, float("nan"), 1.0 + 1e-14]), st.floats(-1e3, 1e3))


@given(
    st.lists(st.tuples(VALUES, st.integers(0, 2)), min_size=1, max_size=8),
    st.booleans(),
    st.integers(1, 3),
)
def test_ranks_of_draws_are_places_row_by_row(units: list[tuple[float, int]], higher: bool, draws: int) -> None:
    codes = np.array([code for _, code in units])
    row = np.array([value for value, _ in units])
    drawn = np.stack([np.roll(row, k) for k in range(draws)])
    found = ranks_of_draws(drawn, codes, higher)
    for k in range(draws):
        for code in set(codes.tolist()):
            expected = places(drawn[k, codes == code], larger_is_better=higher)
            assert found[k, codes == code].tolist() == np.nan_to_num(expected).tolist()


def test_summary_counts_the_draws() -> None:
    draws = np.array([[3.0, 2.0, 1.0], [3.0, 1.0, 2.0], [2.0, 3.0, 1.0], [3.0, 3.0, 1.0]])
    found = rank_intervals([3.0, 2.0, 1.0], draws=draws, top=1, level=0.5)
    assert found.ranks.tolist() == [[1, 2, 3], [1, 3, 2], [2, 1, 3], [1, 1, 3]]
    table = found.table
    assert table["rank_expected"].tolist() == [1.25, 1.75, 2.75]
    assert table["p_top"].tolist() == [0.75, 0.5, 0.0]
    assert table["p_bottom"].tolist() == [0.0, 0.25, 0.75]
    assert table["ranked"].tolist() == [3, 3, 3]
    assert (found.method, found.seed, found.draws) == ("draws", None, 4)


def test_normal_draws_have_the_exact_chance_of_two_units() -> None:
    """P(A before B) = Phi(difference / sqrt(sum of variances)) = 0.8413."""
    found = rank_intervals([1.0, 0.0], [0.6, 0.8], top=1, draws_count=40_000)
    assert found.table["p_top"][0] == pytest.approx(0.841345, abs=3 * np.sqrt(0.84 * 0.16 / 40_000))
    again = rank_intervals([1.0, 0.0], [0.6, 0.8], top=1, draws_count=40_000)
    pd.testing.assert_frame_equal(found.table, again.table)
    assert rank_intervals([1.0, 0.0], [0.6, 0.8], seed=2).table["p_top"][0] != found.table["p_top"][0]


def test_certain_scores_have_certain_ranks_and_ties_share() -> None:
    table = rank_intervals([5.0, 7.0, 7.0, 1.0], 0.0, higher_is_better=False, draws_count=20).table
    assert table["rank"].tolist() == table["rank_low"].tolist() == table["rank_high"].tolist() == [2, 3, 3, 1]


def test_groups_are_ranked_apart_and_missing_units_stay_with_a_reason() -> None:
    names = pd.Index(list("ABCDE"))
    scores = pd.Series([1.0, 2.0, 3.0, np.nan, 5.0], names)
    groups = pd.Series(["x", "x", "y", "x", "y"], names)
    error = pd.Series([0.0, 0.0, 0.0, 0.0, np.nan], names)
    table = rank_intervals(scores, error, groups=groups, draws_count=10).table
    assert table.loc[["A", "B", "C"], "rank"].tolist() == [2, 1, 1]
    assert table.loc["C", ["rank_low", "rank_high", "ranked"]].tolist() == [1, 1, 1]
    assert table.loc["D", "reason"] == "no score"
    assert table.loc["E", "reason"] == "no standard error"
    assert table.loc[["D", "E"], ["rank", "rank_low", "rank_expected", "p_top"]].isna().all(axis=None)


def test_draws_without_a_score_are_told() -> None:
    draws = pd.DataFrame({"B": [1.0, 1.0, np.nan, 1.0], "A": [2.0, 0.0, 2.0, 2.0]})
    found = rank_intervals(pd.Series({"A": 2.0, "B": 1.0}), draws=draws, top=1)
    assert found.table["reason"].tolist() == ["", "no score in 1 of 4 draws"]
    assert found.ranks.tolist() == [[1, 2], [2, 1], [1, 0], [1, 2]]
    assert found.table.loc["B", "p_top"] == pytest.approx(1 / 3)


def test_pointwise_intervals_cover_true_ranks_and_simultaneous_ones_all_of_them() -> None:
    """Truths as spread as their errors and shrunken scores: 95 % of the ranks lie in their intervals."""
    rng = np.random.default_rng(7)
    covered, together, runs, units = [], [], 60, 25
    for run in range(runs):
        truth = rng.normal(0, 1, units)
        error = rng.uniform(0.2, 0.8, units)
        seen = truth + error * rng.normal(size=units)
        b = error**2 / (error**2 + 1.0)
        rank = places(truth)
        table = rank_intervals((1 - b) * seen, np.sqrt(1 - b) * error, draws_count=1000, seed=run).table
        covered += ((table["rank_low"] <= rank) & (rank <= table["rank_high"])).tolist()
        table = rank_intervals(seen, error, draws_count=1000, seed=run, simultaneous=True).table
        together.append(((table["rank_low_all"] <= rank) & (rank <= table["rank_high_all"])).all())
    # Whole ranks make intervals hold a little more than asked for; ranks of a run hang together.
    assert 0.94 <= np.mean(covered) <= 0.985
    assert np.mean(together) >= 0.95


def test_simultaneous_intervals_contain_the_rank_and_widen_with_the_level() -> None:
    scores = np.arange(12.0)
    narrow = rank_intervals(scores, 0.7, simultaneous=True, level=0.8).table
    wide = rank_intervals(scores, 0.7, simultaneous=True, level=0.99).table
    assert ((narrow["rank_low_all"] <= narrow["rank"]) & (narrow["rank"] <= narrow["rank_high_all"])).all()
    assert ((wide["rank_low_all"] <= narrow["rank_low_all"]) & (wide["rank_high_all"] >= narrow["rank_high_all"])).all()
    assert (wide["rank_high_all"] - wide["rank_low_all"]).sum() > (
        narrow["rank_high_all"] - narrow["rank_low_all"]
    ).sum()


@given(st.integers(1, 60), st.lists(st.integers(1, 9), min_size=1, max_size=5))
def test_class_limits_are_ordered_and_use_all_units(units: int, parts: list[int]) -> None:
    limits = class_limits(units, [part / sum(parts) for part in parts])
    assert limits[-1] == units
    assert all(low <= high for low, high in pairwise(limits))


def test_halves_of_class_limits_go_up() -> None:
    shares = [0.25, 0.5, 0.25]
    assert [class_limits(n, shares) for n in (2, 6, 10)] == [(1, 2, 2), (2, 5, 6), (3, 8, 10)]
    assert class_limits(5, [0.1, 0.2, 0.7]) == (1, 2, 5), "0.1 + 0.2 is 0.3"


def test_classes_follow_probability_and_group() -> None:
    ranks = np.array([[1, 2, 3, 4, 1, 0]] * 9 + [[2, 1, 3, 4, 1, 0]])
    groups = ["x"] * 4 + ["y"] * 2
    found = separable_classes(ranks, groups, probability=0.9)
    assert found.table["class"].tolist() == ["A", "B", "B", "C", "", ""]
    assert found.table["separable"].tolist() == [True, True, True, True, False, False]
    assert found.table["reason"].tolist() == ["", "", "", "", "alone in its group", "not ranked"]
    strict = separable_classes(ranks, groups, probability=0.95).table
    assert strict["class"].tolist() == ["", "", "B", "C", "", ""]
    assert strict["reason"][0] == "not separable: A with 90 %"
    np.testing.assert_allclose(found.probabilities.iloc[:5].sum(axis=1), 1.0)
    assert found.probabilities.iloc[5].isna().all()


def test_classes_of_rank_intervals_keep_labels_and_groups() -> None:
    scores = pd.Series(np.arange(8.0), [f"H{k}" for k in range(8)])
    ranks = rank_intervals(scores, 0.01, groups=["x"] * 5 + ["y"] * 3)
    found = separable_classes(ranks).table
    assert found["class"].to_dict() == {
        "H4": "A", "H3": "B", "H2": "B", "H1": "B", "H0": "C", "H7": "A", "H6": "B", "H5": "C",
    }  # fmt: skip
    assert found.loc[["H5", "H6", "H7"], "reason"].tolist() == ["group of 3 units"] * 3


def points_of(units: int, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(rng.uniform(40, 100, (units, 4)), [f"H{k}" for k in range(units)], list("abcd"))


@pytest.mark.parametrize("how", ["sum", "geometric"])
def test_sensitivity_starts_from_the_scores_of_the_given_weights(how: Any) -> None:
    points = points_of(9)
    points.iloc[2, 1] = np.nan
    points.iloc[4] = np.nan
    weights = [0.4, 0.3, 0.2, 0.1]
    found = weight_sensitivity(points, weights, how=how, draws=300)
    same = efficacy_score(
        points, weights, [60] * 4, [100] * 4, how=how, missing="reweight", minimum_coverage=0.0
    )  # fmt: skip
    np.testing.assert_allclose(found["score"], same.score, rtol=1e-12)
    assert found["rank"].fillna(0).tolist() == same.rank.fillna(0).tolist()
    assert found.loc["H4", "class"] == ""
    assert found.loc["H4", ["rank", "class_stays", "rank_moved"]].isna().all()


def test_firm_weights_change_nothing_and_loose_ones_do() -> None:
    points, weights = points_of(20, 3), [0.25] * 4
    firm = weight_sensitivity(points, weights, concentration=1e9, draws=50)
    assert (firm["class_stays"] == 1).all()
    assert (firm["rank_moved"] == 0).all()
    loose = weight_sensitivity(points, weights, concentration=5, draws=400)
    usual = weight_sensitivity(points, weights, draws=400)
    assert loose["class_stays"].mean() < usual["class_stays"].mean() < 1
    assert loose["rank_moved"].mean() > usual["rank_moved"].mean() > 0
    assert (usual.attrs["seed"], usual.attrs["draws"]) == (1, 400)
    pd.testing.assert_frame_equal(usual, weight_sensitivity(points, weights, draws=400))


def test_two_places_are_no_move() -> None:
    found = weight_sensitivity([[100.0, 0.0], [50.0, 50.0], [0.0, 100.0]], [0.55, 0.45], concentration=5)
    assert found["rank"].tolist() == [1, 2, 3]
    assert found["rank_high"][0] == 3
    assert (found["rank_moved"] == 0).all()


def test_equal_points_do_not_depend_on_weights() -> None:
    points = np.repeat([[90.0], [70.0], [50.0], [30.0]], 3, axis=1)
    found = weight_sensitivity(points, [0.5, 0.5, 0.0], concentration=1.0)
    assert found["class"].tolist() == ["A", "B", "B", "C"]
    assert (found["class_stays"] == 1).all()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: rank_intervals([1.0]), ["standard errors or draws"]),
        (lambda: rank_intervals([1.0], 1.0, draws=[[1.0]]), ["one of them"]),
        (lambda: rank_intervals([1.0, 2.0], [1.0, -0.5]), ["unit 1", "-0.5"]),
        (lambda: rank_intervals([1.0, 2.0], draws=[[1.0, 2.0, 3.0]]), ["(1, 3)", "2 units"]),
        (lambda: rank_intervals(pd.Series({"A": 1.0}), draws=pd.DataFrame({"B": [1.0]})), ["'A'"]),
        (lambda: rank_intervals([1.0, 2.0], 1.0, groups=["x", None]), ["unit 1", "peer group"]),
        (lambda: rank_intervals([1.0], 1.0, top=0), ["top 0"]),
        (lambda: rank_intervals([1.0], 1.0, level=1.0), ["level"]),
        (lambda: rank_intervals([1.0, np.inf], 1.0), ["unit 1", "not finite"]),
        (lambda: separable_classes([[1, 2]], names=["A", "A"]), ["names"]),
        (lambda: separable_classes([[1, 2]], shares=[0.5, 0.5]), ["shares", "A, B, C"]),
        (lambda: separable_classes([[1, 2]], probability=0.0), ["probability"]),
        (lambda: separable_classes([1, 2]), ["ranks", "(2,)"]),
        (lambda: weight_sensitivity([[1.0, 2.0]], [0.5, 0.6]), ["weights", "1.1"]),
        (lambda: weight_sensitivity([[1.0]], [1.0], concentration=0.0), ["concentration"]),
        (lambda: weight_sensitivity([[1.0]], [1.0], how="mean"), ["how", "mean"]),
    ],
)
def test_broken_input_says_where(call: Any, words: list[str]) -> None:
    with pytest.raises(EvaluationError) as caught:
        call()
    assert all(word in str(caught.value) for word in words), str(caught.value)
