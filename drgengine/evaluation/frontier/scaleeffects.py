"""Scale efficiency (规模效率) and returns to scale (规模报酬) of every unit."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from drgengine.evaluation.frontier.programs import Returns, Technology, radial_programs
from drgengine.evaluation.frontier.solve import solve
from drgengine.evaluation.frontier.unitdata import Units

Floats = npt.NDArray[np.float64]
SAME = 1e-7


class ScaleEffects(NamedTuple):
    """scale_efficiency (n,) <= 1; returns_to_scale (n,): irs, crs, drs or "" where a program has no solution."""

    scale_efficiency: Floats
    returns_to_scale: npt.NDArray[Any]


def scale_effects(units: Units, orientation: str, threads: int | None = None) -> ScaleEffects:
    """SE = theta_CRS / theta_VRS; below 1 returns increase if theta_NIRS = theta_CRS and decrease otherwise."""
    crs, vrs, nirs = (radial_efficiency(units, returns, orientation, threads) for returns in ("crs", "vrs", "nirs"))
    scale = np.minimum(crs / vrs, 1.0)
    with np.errstate(invalid="ignore"):
        increasing = np.abs(nirs - crs) <= SAME * crs
        words = np.where(scale >= 1.0 - SAME, "crs", np.where(increasing, "irs", "drs"))
    return ScaleEffects(scale, np.where(np.isnan(scale + nirs), "", words))


def radial_efficiency(
    units: Units,
    returns: Returns,
    orientation: str = "input",
    threads: int | None = None,
    reference: Units | None = None,
) -> Floats:
    """(n,) efficiency as a share (theta or 1 / phi) against `reference` (default the units themselves).

    Against another reference it may exceed 1 and is NaN where the program has no solution.
    """
    reference = reference or units
    tech = Technology.of(reference.inputs, reference.outputs)
    x, y = tech.scaled(units.inputs, units.outputs)
    none = np.full(x.shape[0], -1)
    answer = solve(radial_programs(tech, x, y, returns, orientation, none), threads)
    score = answer.value[:, 0]
    if orientation == "output":
        score = np.where(score > 1e-12, 1.0 / np.where(score > 1e-12, score, 1.0), np.nan)
    return np.minimum(score, 1.0) if reference is units else score
