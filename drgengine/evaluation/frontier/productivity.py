"""Productivity change between two periods (Malmquist 指数)."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from drgengine.errors import EvaluationError
from drgengine.evaluation.frontier.scaleeffects import radial_efficiency
from drgengine.evaluation.frontier.tidy import one_of
from drgengine.evaluation.frontier.unitdata import Units, read_units

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Productivity:
    """Change of productivity from period 0 to period 1, all (n,) and > 1 for an improvement.

    index = efficiency_change (追赶效应) x technical_change (前沿移动)
    efficiency_change = pure_efficiency_change (VRS) x scale_efficiency_change
    distances : {(technology, data, returns): efficiency (n,)}, e.g. (0, 1, "crs") = period 1 data on the frontier of
        period 0
    status, reason : a value is NaN where a unit produces now what no unit produced then
    """

    labels: tuple[Hashable, ...]
    index: Floats
    efficiency_change: Floats
    technical_change: Floats
    pure_efficiency_change: Floats
    scale_efficiency_change: Floats
    status: tuple[str, ...]
    reason: tuple[str | None, ...]
    thin: bool
    distances: dict[tuple[int, int, str], Floats] = field(repr=False)

    def frame(self) -> Any:
        """One row per unit."""
        names = (
            "index", "efficiency_change", "technical_change", "pure_efficiency_change", "scale_efficiency_change",
            "status", "reason",
        )  # fmt: skip
        return pd.DataFrame({name: getattr(self, name) for name in names}, index=pd.Index(self.labels, name="unit"))


def malmquist(
    x0: Any, y0: Any, x1: Any, y1: Any, orientation: str = "input", *, threads: int | None = None
) -> Productivity:
    """Malmquist productivity index with its parts (Fare, Grosskopf, Norris, Zhang 1994).

    x0, y0 : inputs (n, m) and outputs (n, s) of the first period; x1, y1 : of the second, the same units and columns
    orientation : of the distances; the index is the same for both under constant returns
    With D_t(u) the CRS efficiency of the data of period u on the frontier of period t:
        efficiency change D_1(1) / D_0(0), technical change sqrt(D_0(1) / D_1(1) x D_0(0) / D_1(0))
    raises EvaluationError as dea, and for periods with unlike units

    >>> found = malmquist([2, 3, 5, 4, 4], [1, 4, 6, 3, 5], [1, 2, 4, 3, 4], [1, 4, 6, 3, 3])
    >>> found.index.round(4)
    array([2.    , 1.5   , 1.25  , 1.3333, 0.6   ])
    """
    one_of("orientation", orientation, ("input", "output"), "malmquist")
    first = read_units(x0, y0, "malmquist period 0")
    second = _aligned(first, read_units(x1, y1, "malmquist period 1"))
    periods = (first, second)
    distances = {
        (tech, data, "crs"): radial_efficiency(periods[data], "crs", orientation, threads, periods[tech])
        for tech in (0, 1)
        for data in (0, 1)
    }
    for period in (0, 1):
        distances[period, period, "vrs"] = radial_efficiency(periods[period], "vrs", orientation, threads)
    d00, d01, d10, d11 = (distances[tech, data, "crs"] for tech, data in ((0, 0), (0, 1), (1, 0), (1, 1)))
    efficiency = d11 / d00
    technical = np.sqrt(d01 / d11 * (d00 / d10))
    pure = distances[1, 1, "vrs"] / distances[0, 0, "vrs"]
    index = efficiency * technical
    lost = np.isnan(index)
    return Productivity(
        first.labels, index, efficiency, technical, pure, efficiency / pure,
        tuple("infeasible" if none else "optimal" for none in lost),
        tuple(_reason(d01[row], d10[row]) if none else None for row, none in enumerate(lost)),
        first.thin, distances,
    )  # fmt: skip


def _reason(forward: float, backward: float) -> str:
    parts = []
    if np.isnan(forward):
        parts.append("in period 1 it has an output that no unit had in period 0")
    if np.isnan(backward):
        parts.append("in period 0 it had an output that no unit has in period 1")
    return " and ".join(parts) or "no distance could be worked out"


def _aligned(first: Units, second: Units) -> Units:
    """The second period in the order of the first."""
    for what, names, others in (
        ("inputs", first.input_names, second.input_names),
        ("outputs", first.output_names, second.output_names),
    ):
        if len(names) != len(others):
            raise EvaluationError(
                "malmquist", f"{len(names)} {what} in period 0 and {len(others)} in period 1", "Pass the same columns"
            )
    if first.labels == second.labels:
        return second
    at = {label: row for row, label in enumerate(second.labels)}
    missing = [label for label in first.labels if label not in at]
    new = [label for label in second.labels if label not in set(first.labels)]
    if missing or new:
        label, period = (missing[0], 1) if missing else (new[0], 0)
        raise EvaluationError(
            "malmquist", f"unit {label!r} is missing in period {period}", "Keep the units that stand in both periods"
        )
    rows = [at[label] for label in first.labels]
    return Units(first.labels, second.inputs[rows], second.outputs[rows], second.input_names, second.output_names)
