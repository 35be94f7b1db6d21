"""Models that measure slacks alone: the slack-based measure (SBM) and the additive model (加性模型)."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import numpy.typing as npt

from drgengine.evaluation.frontier.programs import (
    Returns,
    Technology,
    measure_programs,
    slack_costs,
    slack_programs,
)
from drgengine.evaluation.frontier.reasons import reasons
from drgengine.evaluation.frontier.result import Frontier, Sides
from drgengine.evaluation.frontier.solve import Solutions, solve
from drgengine.evaluation.frontier.tidy import one_of, peers_that_count, remarks_on, tidy_slacks
from drgengine.evaluation.frontier.unitdata import Units, read_units

Floats = npt.NDArray[np.float64]
RETURNS = ("crs", "vrs", "nirs", "ndrs")


def sbm(
    inputs: Any, outputs: Any, returns: str = "crs", orientation: str | None = None, *, threads: int | None = None
) -> Frontier:
    """Slack-based measure of efficiency (基于松弛的效率测度, Tone 2001).

    score rho = (1 - mean s-/x) / (1 + mean s+/y), 1 only without any slack; it does not depend on units of measurement
    orientation : None both sides; "input" only the numerator; "output" the score is 1 + mean s+/y >= 1
    An output of which a unit has none is left out of that unit's mean.
    Other arguments and errors: see dea.

    >>> x = [[4, 3], [6, 3], [8, 1], [8, 1], [2, 4]]
    >>> y = [[2, 3], [2, 3], [6, 2], [6, 1], [1, 4]]
    >>> sbm(x, y).score.round(3)
    array([0.798, 0.568, 1.   , 0.667, 1.   ])
    """
    one_of("returns", returns, RETURNS, "sbm")
    one_of("orientation", orientation or "none", ("none", "input", "output"), "sbm")
    units = read_units(inputs, outputs, "sbm")
    scale = cast(Returns, returns)
    tech = Technology.of(units.inputs, units.outputs)
    x, y = tech.inputs, tech.outputs
    (n, m), s = x.shape, y.shape[1]
    none = np.full(n, -1)
    if orientation is None:
        answer = solve(measure_programs(tech, x, y, scale, none), threads)
        rho = np.einsum("pe,pe->p", np.hstack([np.ones((n, 1)), -1.0 / (m * x)]), answer.value[:, : 1 + m])
        t = answer.value[:, :1]
        answer = Solutions(
            answer.value[:, 1:] / t,
            answer.intensities.multiply(1.0 / t).tocsr(),
            answer.status,
            answer.residual,
            answer.steps,
        )
        return _frontier(units, tech, answer, np.clip(rho, 0.0, 1.0), "sbm", "none", returns, threads)
    has = y > 0
    shares = np.hstack([1.0 / (m * x), has / np.where(has, y, 1.0) / has.sum(axis=1, keepdims=True)])
    shares[:, m:] *= orientation == "output"
    shares[:, :m] *= orientation == "input"
    answer = solve(slack_programs(tech, x, y, scale, none, [-shares, *slack_costs(tech, x, y, "own")]), threads)
    gap = np.einsum("pe,pe->p", shares, answer.value[:, : m + s])
    score = np.maximum(1.0 - gap, 0.0) if orientation == "input" else 1.0 + gap
    return _frontier(units, tech, answer, score, "sbm", orientation, returns, threads)


def additive(
    inputs: Any, outputs: Any, returns: str = "vrs", weights: str = "equal", *, threads: int | None = None
) -> Frontier:
    """Additive model (加性模型): the largest sum of slacks, 0 for an efficient unit.

    weights : "equal" the plain sum in the columns' own units (Charnes et al. 1985); "own" each slack as a share of the
        unit's own amount (measure of inefficiency proportions), which does not depend on units of measurement
    Other arguments and errors: see dea.

    >>> additive([5, 8], [12, 12]).score
    array([0., 3.])
    """
    one_of("returns", returns, RETURNS, "additive")
    one_of("weights", weights, ("equal", "own"), "additive")
    units = read_units(inputs, outputs, "additive")
    tech = Technology.of(units.inputs, units.outputs)
    x, y = tech.inputs, tech.outputs
    costs = slack_costs(tech, x, y, weights)
    programs = slack_programs(tech, x, y, cast(Returns, returns), np.full(x.shape[0], -1), costs)
    answer = solve(programs, threads)
    m, s = x.shape[1], y.shape[1]
    factor = np.concatenate([tech.input_size, tech.output_size]) if weights == "equal" else -costs[0]
    score = np.sum(answer.value[:, : m + s] * factor, axis=1)
    return _frontier(units, tech, answer, score, "additive", "none", returns, threads)


def _frontier(
    units: Units,
    tech: Technology,
    answer: Solutions,
    score: Floats,
    model: str,
    orientation: str,
    returns: str,
    threads: int | None,
) -> Frontier:
    m, s = units.inputs.shape[1], units.outputs.shape[1]
    slacks = tidy_slacks(units, tech, answer.value[:, :m], answer.value[:, m : m + s], np.isnan(score))
    targets = Sides(units.inputs - slacks.inputs, units.outputs + slacks.outputs)
    return Frontier(
        model, orientation, returns, False, units.labels, units.input_names, units.output_names, score,
        answer.status, reasons(answer.status, units, returns, "input"),
        peers_that_count(units, answer.intensities, score), slacks, targets, answer.residual, units.thin,
        remarks_on(units), units, threads,
    )  # fmt: skip
