"""Scores against subsamples of the units (子抽样), and how fast their error falls with the number of units."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from drgengine.errors import EvaluationError
from drgengine.evaluation.frontier.programs import Returns, Technology, radial_programs
from drgengine.evaluation.frontier.solve import FAILED, run_in_threads, solve
from drgengine.evaluation.frontier.unitdata import Units

Floats = npt.NDArray[np.float64]
_POWER = {"crs": 0.5}
_OTHER_POWER = 0.65


def radial_scores(
    units: Units, reference: Units, returns: Returns, orientation: str, threads: int | None, place: str
) -> Floats:
    """(n,) radial scores of `units` against the frontier of `reference`.

    A unit beyond the reference has theta above 1 or phi below 1; where no comparison exists, theta is infinite and
    phi 0. Raises EvaluationError when a program could not be solved.
    """
    tech = Technology.of(reference.inputs, reference.outputs)
    x, y = tech.scaled(units.inputs, units.outputs)
    answer = solve(radial_programs(tech, x, y, returns, orientation, np.full(x.shape[0], -1)), threads)
    lost = [at for at, status in enumerate(answer.status) if status == FAILED]
    if lost:
        label = units.labels[lost[0]]
        raise EvaluationError(f"{place}, unit {label!r}", "no solution was found", "Look for extreme numbers")
    beyond = np.inf if orientation == "input" else 0.0
    return np.where(answer.solved, answer.value[:, 0], beyond)


def rate(units: Units, returns: Returns) -> float:
    """k: the error of a score falls as n^-k; 2 / (p + q) for constant returns, 2 / (p + q + 1) else.

    For "nirs" and "ndrs" this is the slower rate of the parts of the frontier that are curved.
    """
    columns = units.inputs.shape[1] + units.outputs.shape[1]
    return 2.0 / (columns if returns == "crs" else columns + 1)


def subsample_size(units: Units, returns: Returns) -> int:
    """Units per subsample: n^0.5 or n^0.65, at least one more than columns and at most n - 1."""
    n = len(units.labels)
    columns = units.inputs.shape[1] + units.outputs.shape[1]
    return int(max(min(max(round(n ** _POWER.get(returns, _OTHER_POWER)), columns + 1), n - 1), 1))


def shrink_factor(units: Units, returns: Returns, size: int) -> float:
    """(size / n)^k, by which differences in a subsample are larger than in the whole sample."""
    n = len(units.labels)
    if not 1 <= size < n:
        raise EvaluationError("dea_bootstrap", f"size {size} of {n} units", f"Pass a size from 1 to {n - 1}")
    return float((size / n) ** rate(units, returns))


def subsample_draws(
    units: Units, size: int, returns: Returns, orientation: str, seeds: list[np.random.SeedSequence],
    threads: int | None,
) -> Floats:  # fmt: skip
    """(replications, n) scores of all units against `size` of them, drawn without replacement."""
    n = len(units.labels)
    draws = np.empty((len(seeds), n))

    def replicate(b: int) -> None:
        at = np.random.default_rng(seeds[b]).choice(n, size, replace=False)
        drawn = Units(
            tuple(units.labels[row] for row in at), units.inputs[at], units.outputs[at], units.input_names,
            units.output_names,
        )  # fmt: skip
        draws[b] = radial_scores(units, drawn, returns, orientation, 1, "dea_bootstrap")

    run_in_threads(replicate, len(seeds), 1, threads)
    return draws
