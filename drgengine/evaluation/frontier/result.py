"""What a frontier model answers for every unit, and how it came about."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from drgengine.evaluation.frontier.scaleeffects import ScaleEffects, scale_effects
from drgengine.evaluation.frontier.unitdata import Units

Floats = npt.NDArray[np.float64]
STRONG = 1e-7  # a score this near to 1 and slacks this small against the unit's own amounts count as efficient


class Sides(NamedTuple):
    """Numbers per input (n, m) and per output (n, s), in the columns' own units."""

    inputs: Floats
    outputs: Floats


@dataclass(frozen=True, eq=False)
class Frontier:
    """Efficiency of n units against their frontier (前沿面).

    score (n,): theta <= 1 for input orientation, phi >= 1 for output, rho for SBM, sum of slacks for the additive
        model; super-efficiency scores may lie beyond 1; NaN where status is infeasible or failed
    status: per unit optimal, fallback (solved by HiGHS because the simplex run brought no certificate), infeasible
        (only with super_efficiency) or failed; reason: why, else None
    intensities: sparse (n, n), row = unit, column = peer, the lambdas
    slacks, targets: (.inputs, .outputs); slacks of the second stage (largest sum); targets are where the unit would be
        strongly efficient
    residual (n,): worst of the optimality certificate (rows, primal-dual gap, reduced costs), relative; NaN: HiGHS
    thin: fewer units than max(m s, 3 (m + s)); remarks: warnings in words
    returns_to_scale, scale_efficiency: worked out when first asked for, by three radial models
    """

    model: str
    orientation: str
    returns: str
    super_efficiency: bool
    labels: tuple[Hashable, ...]
    input_names: tuple[str, ...]
    output_names: tuple[str, ...]
    score: Floats
    status: tuple[str, ...]
    reason: tuple[str | None, ...]
    intensities: Any
    slacks: Sides
    targets: Sides
    residual: Floats
    thin: bool
    remarks: tuple[str, ...]
    units: Units = field(repr=False)
    threads: int | None = field(repr=False, default=None)

    @cached_property
    def efficiency(self) -> Floats:
        """(n,) score as a share of the frontier, whatever the orientation: theta, 1 / phi, rho; additive: NaN."""
        if self.model == "additive":
            return np.full(self.score.shape, np.nan)
        if self.orientation == "output":
            return np.asarray(1.0 / self.score)
        return self.score

    @cached_property
    def efficient(self) -> npt.NDArray[np.bool_]:
        """(n,) strongly efficient (强有效): on the frontier and without slack; an infeasible super-score counts."""
        idle = np.zeros(len(self.labels), np.bool_)
        for slack, amount in zip(self.slacks, (self.units.inputs, self.units.outputs), strict=True):
            size = np.where(amount > 0, amount, amount.mean(axis=0))
            idle |= (slack > STRONG * size).any(axis=1)
        infeasible = np.array([word == "infeasible" for word in self.status], np.bool_)
        if self.model == "additive":
            return np.asarray(~idle & ~np.isnan(self.score))
        on_frontier = self.efficiency >= 1.0 - STRONG
        if self.super_efficiency:
            on_frontier &= (self.efficiency > 1.0 + STRONG) | ~idle
            return np.asarray(on_frontier | infeasible)
        return np.asarray(on_frontier & ~idle)

    @cached_property
    def peers(self) -> dict[Hashable, list[tuple[Hashable, float]]]:
        """{unit: [(peer, lambda), ...]}, the largest lambda first; empty where there is no solution."""
        lists: dict[Hashable, list[tuple[Hashable, float]]] = {}
        for row, label in enumerate(self.labels):
            part = slice(self.intensities.indptr[row], self.intensities.indptr[row + 1])
            pairs = zip(self.intensities.indices[part], self.intensities.data[part], strict=True)
            ordered = sorted(pairs, key=lambda pair: (-pair[1], pair[0]))
            lists[label] = [(self.labels[at], float(amount)) for at, amount in ordered]
        return lists

    @cached_property
    def _scale(self) -> ScaleEffects:
        return scale_effects(self.units, "output" if self.orientation == "output" else "input", self.threads)

    @property
    def returns_to_scale(self) -> npt.NDArray[Any]:
        """(n,) irs (规模报酬递增), crs (不变) or drs (递减) of the unit's radial projection; "" if unsolved."""
        return self._scale.returns_to_scale

    @property
    def scale_efficiency(self) -> Floats:
        """(n,) CRS over VRS efficiency (规模效率), <= 1; super-efficiency and SBM do not enter."""
        return self._scale.scale_efficiency

    def frame(self) -> Any:
        """One row per unit: score, efficiency, efficient, status, reason, slacks and targets."""
        table = pd.DataFrame(index=pd.Index(self.labels, name="unit"))
        table["score"], table["efficiency"] = self.score, self.efficiency
        table["efficient"], table["status"], table["reason"] = self.efficient, self.status, self.reason
        for word, sides in (("slack", self.slacks), ("target", self.targets)):
            for names, numbers in zip((self.input_names, self.output_names), sides, strict=True):
                for column, name in enumerate(names):
                    table[f"{word} {name}"] = numbers[:, column]
        return table
