"""The smoothed bootstrap of scores."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from drgengine.errors import EvaluationError
from drgengine.evaluation.frontier import dea, dea_bootstrap

Floats = npt.NDArray[np.float64]


def producers(n: int, seed: int) -> tuple[Floats, Floats, Floats]:
    """Units with y = sqrt(x1 x2) times a known efficiency, so that the true frontier is known."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(1, 10, (n, 2))
    truth = np.exp(-np.abs(rng.normal(0, 0.25, n)))
    return x, np.sqrt(x[:, :1] * x[:, 1:]) * truth[:, None], truth


@pytest.mark.parametrize("orientation", ["input", "output"])
def test_correction_goes_toward_the_truth(orientation: str) -> None:
    x, y, truth = producers(60, 2)
    found = dea_bootstrap(x, y, "crs", orientation, replications=200, seed=1)
    known = truth if orientation == "input" else 1 / truth
    np.testing.assert_allclose(found.score, dea(x, y, "ccr", orientation).score, rtol=1e-9)
    raw, corrected = np.abs(found.score - known).mean(), np.abs(found.corrected - known).mean()
    assert corrected < 0.7 * raw
    covered = ((found.low <= known) & (known <= found.high)).mean()
    assert covered >= 0.5
    better = found.corrected < found.score if orientation == "input" else found.corrected > found.score
    assert better.all()
    assert (found.low < found.high).all()


def test_same_seed_same_numbers_whatever_the_threads() -> None:
    x, y, _ = producers(25, 3)
    one = dea_bootstrap(x, y, "vrs", replications=30, seed=9, threads=1)
    three = dea_bootstrap(x, y, "vrs", replications=30, seed=9, threads=3)
    assert one.draws.tobytes() == three.draws.tobytes()
    assert (one.seed, one.replications) == (9, 30)
    other = dea_bootstrap(x, y, "vrs", replications=30, seed=10)
    assert not np.array_equal(other.corrected, one.corrected)
    free = dea_bootstrap(x, y, replications=5)
    np.testing.assert_array_equal(dea_bootstrap(x, y, replications=5, seed=free.seed).draws, free.draws)


def test_shifted_interval_is_centred_on_the_corrected_score() -> None:
    x, y, _ = producers(25, 4)
    found = dea_bootstrap(x, y, replications=100, interval="shifted", seed=1, level=0.9)
    assert ((found.low <= found.corrected) & (found.corrected <= found.high)).all()
    np.testing.assert_allclose((found.draws - 2 * found.bias).mean(axis=0), found.corrected)


def test_bandwidth_of_zero_is_the_plain_draw_and_shows_less_bias() -> None:
    x, y, _ = producers(40, 5)
    smooth = dea_bootstrap(x, y, replications=100, seed=1)
    plain = dea_bootstrap(x, y, replications=100, seed=1, bandwidth=0.0)
    assert smooth.bandwidth > 0
    assert plain.bias.mean() < smooth.bias.mean()


def test_refusals() -> None:
    with pytest.raises(EvaluationError, match="0 of 3 units are inefficient"):
        dea_bootstrap([1, 2, 3], [1, 2, 3])
    with pytest.raises(EvaluationError, match="replications 1"):
        dea_bootstrap([1, 2, 3], [1, 1, 1], replications=1)
    with pytest.raises(EvaluationError, match="difference, shifted"):
        dea_bootstrap([1, 2, 3], [1, 1, 1], interval="percentile")
