"""Data envelopment analysis (数据包络分析): the radial models and the way to all others."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from drgengine.errors import EvaluationError
from drgengine.evaluation.frontier.programs import Returns, Technology, radial_programs, slack_costs
from drgengine.evaluation.frontier.reasons import reasons
from drgengine.evaluation.frontier.result import Frontier, Sides
from drgengine.evaluation.frontier.slackmodels import sbm
from drgengine.evaluation.frontier.solve import INFEASIBLE, Solutions, solve
from drgengine.evaluation.frontier.tidy import one_of, peers_that_count, remarks_on, tidy_slacks
from drgengine.evaluation.frontier.unitdata import Units, read_units

Floats = npt.NDArray[np.float64]
_RADIAL: dict[str, Returns] = {"ccr": "crs", "bcc": "vrs", "nirs": "nirs", "ndrs": "ndrs"}


def dea(
    inputs: Any,
    outputs: Any,
    model: str = "ccr",
    orientation: str | None = None,
    super_efficiency: bool = False,
    *,
    returns: str | None = None,
    slack_weights: str = "equal",
    threads: int | None = None,
) -> Frontier:
    """Efficiency of units against the best of them (数据包络分析 DEA).

    inputs (n, m) > 0, outputs (n, s) >= 0 : arrays, or DataFrames with the units as index; volumes, no ratios;
        undesirable outputs (deaths, complications) go to the inputs
    model : "ccr" constant returns (规模报酬不变), "bcc" variable, "nirs" non-increasing, "ndrs" non-decreasing,
        "sbm" slack-based measure (returns="crs" unless given)
    orientation : "input" (default; score theta, the share of inputs that would do) or "output" (score phi >= 1, the
        factor outputs could grow by; CRS phi = 1 / theta); for sbm None is the non-oriented measure
    super_efficiency : leave the unit out of its own frontier (Andersen-Petersen 超效率); with variable returns there
        may be no solution: score NaN, status infeasible and a reason
    slack_weights : how the second stage weighs slacks. "equal": the plain sum in the columns' own units, as the books
        do; "own": shares of the unit's own amounts, which does not depend on the units of measurement
    threads : default all cores; the result does not depend on it
    returns Frontier
    raises EvaluationError: tables that do not fit, an input <= 0, all outputs 0, NaN, an unknown word
    sources: Charnes, Cooper, Rhodes 1978; Banker, Charnes, Cooper 1984; Andersen, Petersen 1993; Tone 2001

    Every score comes with a proof (primal equals dual value, no negative reduced cost); a unit without one is solved
    by HiGHS and marked "fallback".

    >>> beds_doctors = [[20, 151], [19, 131], [25, 160], [27, 168]]
    >>> visits_stays = [[100, 90], [150, 50], [160, 55], [180, 72]]
    >>> found = dea(beds_doctors, visits_stays)
    >>> found.score.round(4)
    array([1.    , 1.    , 0.8827, 1.    ])
    >>> [(peer, round(share, 2)) for peer, share in found.peers[2]]
    [(1, 0.9), (3, 0.14)]
    """
    one_of("model", model, (*_RADIAL, "sbm"))
    if model == "sbm":
        if super_efficiency:
            raise EvaluationError("dea", "there is no super-efficiency for sbm", "Choose ccr, bcc, nirs or ndrs")
        return sbm(inputs, outputs, returns or "crs", orientation, threads=threads)
    if returns not in (None, _RADIAL[model]):
        raise EvaluationError("dea", f"returns {returns!r} contradicts model {model!r}", "Give one of the two")
    orientation = orientation or "input"
    one_of("orientation", orientation, ("input", "output"))
    one_of("slack_weights", slack_weights, ("equal", "own"))
    units = read_units(inputs, outputs)
    return _radial(units, model, orientation, super_efficiency, slack_weights, threads)


def _radial(
    units: Units, model: str, orientation: str, super_efficiency: bool, weights: str, threads: int | None
) -> Frontier:
    returns = _RADIAL[model]
    n, m = units.inputs.shape
    tech = Technology.of(units.inputs, units.outputs)
    x, y = tech.inputs, tech.outputs
    exclude = np.arange(n) if super_efficiency else np.full(n, -1)
    slacks = slack_costs(tech, x, y, weights)
    answer = solve(radial_programs(tech, x, y, returns, orientation, exclude, slacks), threads)
    score, status = _scores(answer, orientation, super_efficiency)
    shrink, grow = (score, np.ones(n)) if orientation == "input" else (np.ones(n), score)
    scaled = answer.value[:, 1:]
    found = tidy_slacks(units, tech, scaled[:, :m], scaled[:, m : m + y.shape[1]], np.isnan(score))
    targets = Sides(
        units.inputs * shrink[:, None] - found.inputs, units.outputs * grow[:, None] + found.outputs
    )  # fmt: skip
    return Frontier(
        model, orientation, returns, super_efficiency, units.labels, units.input_names, units.output_names, score,
        status, reasons(status, units, returns, orientation), peers_that_count(units, answer.intensities, score),
        found, targets, answer.residual, units.thin, remarks_on(units), units, threads,
    )  # fmt: skip


def _scores(answer: Solutions, orientation: str, super_efficiency: bool) -> tuple[Floats, tuple[str, ...]]:
    """Scores and states; a growth factor of 0 means that no other unit has the unit's outputs at all."""
    score = answer.value[:, 0].copy()
    if not super_efficiency:
        return (np.minimum(score, 1.0) if orientation == "input" else np.maximum(score, 1.0)), answer.status
    if orientation == "input":
        return score, answer.status
    nothing = score <= 1e-12
    score[nothing] = np.nan
    status = tuple(
        INFEASIBLE if none else word for none, word in zip(nothing, answer.status, strict=True)
    )  # fmt: skip
    return score, status
