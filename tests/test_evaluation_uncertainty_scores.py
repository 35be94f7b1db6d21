"""Scores of draws equal efficacy_score draw by draw."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drgengine.errors import EvaluationError
from drgengine.evaluation.scoring import efficacy_score
from drgengine.evaluation.uncertainty import score_draws

WEIGHTS = np.array([0.4, 0.3, 0.2, 0.1])
PEERS = ["x", "x", "y", "x", "y", "y", "x"]


def drawn(holes: float, seed: int, draws: int = 6) -> np.ndarray:
    """Values [draws, 7, 4], some of them missing, every indicator known by some unit in every draw."""
    rng = np.random.default_rng(seed)
    values = rng.uniform(0, 10, (draws, 7, 4))
    values[rng.random(values.shape) < holes] = np.nan
    values[:, 0] = rng.uniform(0, 10, (draws, 4))
    return values


@settings(max_examples=60)
@given(
    st.sampled_from(["reweight", "median", "exclude"]),
    st.sampled_from(["sum", "geometric"]),
    st.sampled_from([0.0, 40.0]),
    st.sampled_from([0.0, 0.5, 0.7, 1.0]),
    st.sampled_from([0.0, 0.15, 0.5]),
    st.integers(0, 10_000),
    st.booleans(),
)
def test_scores_equal_efficacy_score(
    missing: Any, how: Any, floor: float, least: float, holes: float, seed: int, own: bool
) -> None:
    values = drawn(holes, seed)
    bad, good = np.array([0.0, 9.0, 2.0, 8.0]), np.array([8.0, 1.0, 9.0, 3.0])
    if own:
        bad, good = (anchor + 0.01 * np.arange(7)[:, None] for anchor in (bad, good))
    asked: dict[str, Any] = {"missing": missing, "minimum_coverage": least, "peers": PEERS}
    names = ["cost", "cost", "stay", "safety"]
    found = score_draws(values, bad, good, WEIGHTS, how, floor, dimensions=names, **asked)
    assert found.names == ("cost", "stay", "safety")
    for k, one in enumerate(values):
        expected = efficacy_score(one, WEIGHTS, bad, good, floor, how, **asked)
        np.testing.assert_allclose(found.scores[k], expected.score, rtol=1e-12, atol=1e-12)
        kept = ~np.isnan(expected.score)
        # A dimension is the score of its own indicators with their weights renewed.
        mine = efficacy_score(
            expected.by_indicator[kept][:, :2],
            WEIGHTS[:2],
            [60.0, 60.0],
            [100.0, 100.0],
            floor,
            how,
            missing="reweight",
            minimum_coverage=0.0,
            normalise_weights=True,
        )
        np.testing.assert_allclose(found.dimensions[k][kept, 0], mine.score, rtol=1e-12, atol=1e-12)
        assert np.isnan(found.dimensions[k][~kept]).all()


def test_blocks_do_not_change_the_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    values = drawn(0.2, 1, draws=11)
    whole = score_draws(values, [0] * 4, [10] * 4, WEIGHTS, dimensions=list("aabb"))
    monkeypatch.setattr("drgengine.evaluation.uncertainty.scoredraws._CHUNK", 60)
    parts = score_draws(values, [0] * 4, [10] * 4, WEIGHTS, dimensions=list("aabb"))
    assert np.array_equal(whole.scores, parts.scores, equal_nan=True)
    assert np.array_equal(whole.dimensions, parts.dimensions, equal_nan=True)


def test_a_value_without_anchor_counts_as_missing() -> None:
    values = np.full((2, 1, 2), 5.0)
    found = score_draws(values, [[0.0, np.nan]], [[10.0, 1.0]], [0.8, 0.2])
    np.testing.assert_allclose(found.scores, 80.0)
    assert np.isnan(score_draws(values, [[np.nan, 0.0]], [[10.0, 1.0]], [0.8, 0.2]).scores).all()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"values": np.zeros((2, 2))}, ["values", "(2, 2)"]),
        ({"bad": [0.0]}, ["bad", "(1,)"]),
        ({"good": [0.0, 1.0]}, ["bad, good", "indicator 0"]),
        ({"weights": [0.5, 0.6]}, ["weights", "1.1"]),
        ({"how": "mean"}, ["how", "mean"]),
        ({"floor": 100.0}, ["floor 100"]),
        ({"missing": "zero"}, ["missing", "zero"]),
        ({"values": np.full((1, 1, 2), np.nan), "missing": "refuse"}, ["draw 0, unit 0, indicator 0"]),
        ({"dimensions": ["a"]}, ["dimensions", "1 for 2"]),
    ],
)
def test_broken_input_says_where(arguments: dict[str, Any], words: list[str]) -> None:
    usual: dict[str, Any] = {
        "values": np.zeros((1, 1, 2)),
        "bad": [0.0, 0.0],
        "good": [1.0, 1.0],
        "weights": [0.5, 0.5],
    }
    with pytest.raises(EvaluationError) as caught:
        score_draws(**{**usual, **arguments})
    assert all(word in str(caught.value) for word in words), str(caught.value)
