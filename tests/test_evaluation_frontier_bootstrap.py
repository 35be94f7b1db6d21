"""The bootstraps of scores: coverage of known truths, the density drawn from, subsamples, reproducibility."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from drgengine.errors import EvaluationError
from drgengine.evaluation.frontier import dea, dea_bootstrap
from drgengine.evaluation.frontier.smoothing import _smooth_draw

Floats = npt.NDArray[np.float64]


def producers(n: int, seed: int) -> tuple[Floats, Floats, Floats]:
    """Units with y = sqrt(x1 x2) times a known efficiency, so that the true frontier is known."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(1, 10, (n, 2))
    truth = np.exp(-np.abs(rng.normal(0, 0.25, n)))
    return x, np.sqrt(x[:, :1] * x[:, 1:]) * truth[:, None], truth


def curved(n: int, seed: int) -> tuple[Floats, Floats, Floats]:
    """Units with y = sqrt(x), inputs too large by a known efficiency: variable returns."""
    rng = np.random.default_rng(seed)
    best = rng.uniform(1, 10, (n, 1))
    truth = np.exp(-np.abs(rng.normal(0, 0.25, n)))
    return best / truth[:, None], np.sqrt(best), truth


@pytest.mark.parametrize("orientation", ["input", "output"])
@pytest.mark.parametrize(("method", "error", "least"), [("smoothed", 0.7, 0.75), ("subsampling", 0.8, 0.85)])
def test_correction_goes_toward_the_truth(orientation: str, method: str, error: float, least: float) -> None:
    x, y, truth = producers(60, 2)
    found = dea_bootstrap(x, y, "crs", orientation, method=method, replications=200, seed=1)
    known = truth if orientation == "input" else 1 / truth
    np.testing.assert_allclose(found.score, dea(x, y, "ccr", orientation).score, rtol=1e-9)
    raw, corrected = np.abs(found.score - known).mean(), np.abs(found.corrected - known).mean()
    assert corrected < error * raw
    assert ((found.low <= known) & (known <= found.high)).mean() >= least
    better = found.corrected < found.score if orientation == "input" else found.corrected > found.score
    assert better.all()
    assert (found.low < found.high).all()
    np.testing.assert_allclose(found.score - found.bias, found.corrected)


@pytest.mark.parametrize(
    ("returns", "method", "least"),
    [
        # Three sets of 15 draws of 60 units gave 0.85 to 0.90 smoothed and 0.88 to 0.95 by subsampling.
        pytest.param("crs", "smoothed", 0.8, id="2x1 crs smoothed"),
        pytest.param("crs", "subsampling", 0.84, id="2x1 crs subsampling"),
        pytest.param("vrs", "smoothed", 0.8, id="1x1 vrs smoothed"),
        pytest.param("vrs", "subsampling", 0.84, id="1x1 vrs subsampling"),
    ],
)
def test_intervals_hold_the_truth_about_as_often_as_measured(returns: str, method: str, least: float) -> None:
    inside = []
    for seed in range(15):
        x, y, truth = (producers if returns == "crs" else curved)(60, 100 + seed)
        found = dea_bootstrap(x, y, returns, method=method, replications=120, seed=seed)
        inside.append(((found.low <= truth) & (truth <= found.high)).mean())
    assert np.mean(inside) >= least


def test_orientations_agree_under_constant_returns() -> None:
    x, y, _ = producers(30, 6)
    for method in ("smoothed", "subsampling"):
        theta = dea_bootstrap(x, y, "crs", "input", method=method, replications=51, seed=2)
        phi = dea_bootstrap(x, y, "crs", "output", method=method, replications=51, seed=2)
        np.testing.assert_allclose(theta.corrected, 1 / phi.corrected, rtol=1e-6)
        np.testing.assert_allclose(theta.low, 1 / phi.high, rtol=1e-6)
        np.testing.assert_allclose(theta.high, 1 / phi.low, rtol=1e-6)


def test_density_reaches_the_frontier_and_keeps_the_spread_of_the_reflected_sample() -> None:
    rng = np.random.default_rng(1)
    pool = 1.0 + np.abs(rng.normal(0, 0.3, 400))
    drawn = _smooth_draw(pool, 0.1, 200_000, rng)
    assert drawn.min() >= 1.0
    # As many draws next to 1 as the half-normal has there; shrinking to the mean would leave none.
    width = 0.02
    assert (drawn < 1 + width).mean() == pytest.approx(width * 2 / (0.3 * np.sqrt(2 * np.pi)), rel=0.2)
    assert np.mean((drawn - 1) ** 2) == pytest.approx(np.mean((pool - 1) ** 2), rel=0.02)


def test_same_seed_same_numbers_whatever_the_threads() -> None:
    x, y, _ = producers(25, 3)
    for method in ("smoothed", "subsampling"):
        one = dea_bootstrap(x, y, "vrs", method=method, replications=30, seed=9, threads=1)
        three = dea_bootstrap(x, y, "vrs", method=method, replications=30, seed=9, threads=3)
        assert one.draws.tobytes() == three.draws.tobytes()
        assert (one.seed, one.replications, one.method) == (9, 30, method)
        other = dea_bootstrap(x, y, "vrs", method=method, replications=30, seed=10)
        assert not np.array_equal(other.corrected, one.corrected)
    free = dea_bootstrap(x, y, replications=5)
    np.testing.assert_array_equal(dea_bootstrap(x, y, replications=5, seed=free.seed).draws, free.draws)


def test_shifted_interval_is_centred_on_the_corrected_score() -> None:
    x, y, _ = producers(25, 4)
    found = dea_bootstrap(x, y, replications=100, interval="shifted", seed=1, level=0.9)
    assert ((found.low <= found.corrected) & (found.corrected <= found.high)).all()
    logs = np.log(found.draws / found.score)
    np.testing.assert_allclose(np.exp((logs - 2 * logs.mean(axis=0)).mean(axis=0)) * found.score, found.corrected)


def test_units_on_the_frontier_are_not_drawn_from() -> None:
    x, y, _ = producers(40, 5)
    found = dea_bootstrap(x, y, replications=20, seed=1, bandwidth=0.0)
    assert found.bandwidth == 0.0
    assert dea_bootstrap(x, y, replications=2, seed=1).bandwidth > 0
    # Without smoothing a draw has the distances of inefficient units, so that no unit stays on the drawn frontier.
    assert (found.draws[:, found.score > 1 - 1e-7] > 1 - 1e-9).all()
    assert found.draws.min() > found.score.min()


def test_subsamples_are_of_the_size_said_and_scaled_by_it() -> None:
    x, y, _ = producers(64, 7)
    small = dea_bootstrap(x, y, method="subsampling", replications=60, seed=1)
    assert small.size == 8, "square root of 64 units"
    assert np.isnan(small.bandwidth)
    assert (small.draws >= small.score - 1e-9).all(), "fewer units never make a stricter frontier"
    large = dea_bootstrap(x, y, method="subsampling", size=32, replications=60, seed=1)
    assert large.size == 32
    middle = np.quantile(np.log(large.draws / large.score), 0.5, axis=0, method="nearest")
    np.testing.assert_allclose(large.corrected, large.score * np.exp(-middle * (32 / 64) ** (2 / 3)))


def test_a_unit_without_comparison_has_an_open_interval_and_a_remark() -> None:
    x, y, _ = curved(40, 8)
    x[0], y[0] = 30.0, 50.0  # the largest by far: subsamples without it span nothing as large
    found = dea_bootstrap(x, y, "vrs", method="subsampling", replications=80, seed=1)
    assert found.score[0] == pytest.approx(1.0)
    assert np.isinf(found.draws[:, 0]).mean() > 0.4
    assert (found.low[0], np.isfinite(found.corrected[0])) == (0.0, True)
    assert any("could not be compared" in text for text in found.remarks)
    assert np.isfinite(found.variance[1:]).all()


def test_remarks_tell_in_both_languages_how_far_to_trust() -> None:
    x, y, _ = producers(25, 4)
    found = dea_bootstrap(x, y, replications=5, seed=1)
    assert found.remarks[0].startswith("Intervals of the smoothed bootstrap hold the true score less often")
    assert found.remarks[1].startswith("25 units are few")
    assert all(text.zh and text.zh != str(text) for text in found.remarks)


def test_refusals() -> None:
    with pytest.raises(EvaluationError, match="0 of 3 units are inefficient"):
        dea_bootstrap([1, 2, 3], [1, 2, 3])
    with pytest.raises(EvaluationError, match="replications 1"):
        dea_bootstrap([1, 2, 3], [1, 1, 1], replications=1)
    with pytest.raises(EvaluationError, match="difference, shifted"):
        dea_bootstrap([1, 2, 3], [1, 1, 1], interval="percentile")
    with pytest.raises(EvaluationError, match="smoothed, subsampling"):
        dea_bootstrap([1, 2, 3], [1, 1, 1], method="naive")
    with pytest.raises(EvaluationError, match="no shifted interval"):
        dea_bootstrap([1, 2, 3], [1, 1, 1], method="subsampling", interval="shifted")
    with pytest.raises(EvaluationError, match="size 3 of 3 units"):
        dea_bootstrap([1, 2, 3], [1, 1, 1], method="subsampling", size=3)
