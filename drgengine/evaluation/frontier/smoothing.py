"""Bootstrap of radial scores: how far they are biased and how sure they are."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from drgengine.errors import EvaluationError
from drgengine.evaluation.frontier.programs import Returns, Technology, radial_programs
from drgengine.evaluation.frontier.slackmodels import RETURNS
from drgengine.evaluation.frontier.solve import run_in_threads, solve
from drgengine.evaluation.frontier.tidy import one_of
from drgengine.evaluation.frontier.unitdata import Units, read_units

Floats = npt.NDArray[np.float64]
ON_FRONTIER = 1e-7


@dataclass(frozen=True, slots=True, eq=False)
class BootstrapScores:
    """Scores with bias and interval; score as in Frontier (theta <= 1, or phi >= 1 for output orientation).

    corrected = score - bias; low, high : interval of `level`; variance : of the draws; all (n,)
    draws (replications, n) : scores against the drawn frontiers
    bandwidth, seed, replications, interval : how it came about; the same seed gives the same numbers on any machine
        with any number of threads
    """

    labels: tuple[Hashable, ...]
    score: Floats
    corrected: Floats
    bias: Floats
    low: Floats
    high: Floats
    variance: Floats
    level: float
    interval: str
    orientation: str
    returns: str
    bandwidth: float
    replications: int
    seed: int
    thin: bool
    draws: Floats = field(repr=False)


def dea_bootstrap(
    inputs: Any,
    outputs: Any,
    returns: str = "crs",
    orientation: str = "input",
    *,
    replications: int = 1000,
    level: float = 0.95,
    bandwidth: float | None = None,
    interval: str = "difference",
    seed: int | None = None,
    threads: int | None = None,
) -> BootstrapScores:
    """Bias-corrected DEA scores with intervals (平滑自助法, Simar and Wilson 1998).

    Scores are drawn from a smoothed density that is reflected at 1, and the reference units moved by them; the plain
    bootstrap of scores is inconsistent.
    returns : "crs", "vrs", "nirs" or "ndrs"; orientation : "input" or "output"
    bandwidth : of the density; default the normal reference rule on the reflected scores below 1
    interval : "difference" (quantiles of draw - score, Simar and Wilson 2000) or "shifted" (quantiles of the draws
        moved by twice the bias, 1998)
    seed : default drawn and kept in the result; threads : default all cores, without effect on the result
    Intervals are too narrow for few units: with 30 to 150 simulated units of known efficiency, 95 % intervals held the
    true score of 63 to 75 % ("difference") and 60 to 79 % ("shifted") of them, and the correction took off a third to
    two fifths of the error.
    raises EvaluationError as dea, and when all units are efficient, so that there is nothing to draw from

    >>> x, y = [[2.0], [4.0], [6.0], [9.0], [5.0]], [[2.0], [5.0], [6.0], [7.0], [4.0]]
    >>> found = dea_bootstrap(x, y, replications=200, seed=7)
    >>> bool((found.low <= found.corrected).all() and (found.corrected < found.score).all()), found.seed
    (True, 7)
    """
    one_of("returns", returns, RETURNS, "dea_bootstrap")
    one_of("orientation", orientation, ("input", "output"), "dea_bootstrap")
    one_of("interval", interval, ("difference", "shifted"), "dea_bootstrap")
    if replications < 2 or not 0 < level < 1:
        raise EvaluationError(
            "dea_bootstrap", f"replications {replications}, level {level}", "Pass at least 2 and a level within 0..1"
        )
    units = read_units(inputs, outputs, "dea_bootstrap")
    scale = cast(Returns, returns)
    score = _score(units, units, scale, orientation, threads)
    width = _bandwidth(score) if bandwidth is None else float(bandwidth)
    sequence = np.random.SeedSequence(seed)
    entropy = int(cast(int, sequence.entropy))
    seeds = sequence.spawn(replications)
    draws = np.empty((replications, score.size))

    def replicate(b: int) -> None:
        drawn = _smooth_draw(score, width, orientation, np.random.default_rng(seeds[b]))
        draws[b] = _score(units, _moved(units, score / drawn, orientation), scale, orientation, 1)

    run_in_threads(replicate, replications, 1, threads)
    bias = draws.mean(axis=0) - score
    tail = (1.0 - level) / 2.0
    if interval == "difference":
        low, high = score - np.quantile(draws - score, [1.0 - tail, tail], axis=0)
    else:
        low, high = np.quantile(draws - 2.0 * bias, [tail, 1.0 - tail], axis=0)
    return BootstrapScores(
        units.labels, score, score - bias, bias, low, high, draws.var(axis=0, ddof=1), level, interval, orientation,
        returns, width, replications, entropy, units.thin, draws,
    )  # fmt: skip


def _score(units: Units, reference: Units, returns: Returns, orientation: str, threads: int | None) -> Floats:
    tech = Technology.of(reference.inputs, reference.outputs)
    x, y = tech.scaled(units.inputs, units.outputs)
    answer = solve(radial_programs(tech, x, y, returns, orientation, np.full(x.shape[0], -1)), threads)
    lost = np.flatnonzero(~answer.solved)
    if lost.size:
        raise EvaluationError(
            f"dea_bootstrap, unit {units.labels[lost[0]]!r}", "no solution was found", "Look for extreme numbers"
        )
    return answer.value[:, 0]


def _bandwidth(score: Floats) -> float:
    """Normal reference rule on the reflected scores off the frontier, taken back to the size of the sample."""
    off = score[np.abs(score - 1.0) > ON_FRONTIER]
    if off.size < 2 or np.ptp(score) == 0.0:
        raise EvaluationError(
            "dea_bootstrap",
            f"only {off.size} of {score.size} units are inefficient",
            "Take more units or fewer columns",
        )
    both = np.concatenate([off, 2.0 - off])
    quartiles = np.quantile(both, [0.25, 0.75])
    spread = min(float(both.std(ddof=1)), float(np.ptp(quartiles)) / 1.34)
    width = 0.9 * spread * both.size ** (-0.2)
    return float(width * (both.size / score.size) ** 0.2 * score.std(ddof=1) / both.std(ddof=1))


def _smooth_draw(score: Floats, width: float, orientation: str, rng: np.random.Generator) -> Floats:
    """n scores from the smoothed density, on the right side of 1, with the variance of the sample."""
    chosen = score[rng.integers(0, score.size, score.size)]
    moved = chosen + width * rng.standard_normal(score.size)
    beyond = moved > 1.0 if orientation == "input" else moved < 1.0
    moved = np.where(beyond, 2.0 - moved, moved)
    middle = chosen.mean()
    drawn = middle + (moved - middle) / np.sqrt(1.0 + width**2 / score.var())
    if orientation == "input":
        # A wide band can pass 0 as well; there the draw is reflected again and kept off 0.
        return np.asarray(np.clip(np.abs(drawn), 1e-3 * score.min(), 1.0))
    return np.asarray(np.maximum(drawn, 1.0))


def _moved(units: Units, factor: Floats, orientation: str) -> Units:
    """Reference units whose scores would be the drawn ones."""
    inputs, outputs = units.inputs, units.outputs
    if orientation == "input":
        inputs = inputs * factor[:, None]
    else:
        outputs = outputs * factor[:, None]
    return Units(units.labels, inputs, outputs, units.input_names, units.output_names)
