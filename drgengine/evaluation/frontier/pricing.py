"""Cost efficiency (成本效率): what the outputs would cost at the best mix of inputs."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from drgengine.errors import EvaluationError
from drgengine.evaluation.frontier.programs import Returns, Technology, cost_programs
from drgengine.evaluation.frontier.reasons import reasons
from drgengine.evaluation.frontier.scaleeffects import radial_efficiency
from drgengine.evaluation.frontier.slackmodels import RETURNS
from drgengine.evaluation.frontier.solve import solve
from drgengine.evaluation.frontier.tidy import one_of
from drgengine.evaluation.frontier.unitdata import Units, read_units

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class CostFrontier:
    """Cost efficiency of n units.

    cost_efficiency = technical_efficiency x allocative_efficiency (配置效率), each (n,) in (0, 1]
    minimal_cost, actual_cost (n,): in the unit of the prices; optimal_inputs (n, m): the cheapest sufficient inputs
    status, reason: as in Frontier
    """

    labels: tuple[Hashable, ...]
    cost_efficiency: Floats
    technical_efficiency: Floats
    allocative_efficiency: Floats
    minimal_cost: Floats
    actual_cost: Floats
    optimal_inputs: Floats
    status: tuple[str, ...]
    reason: tuple[str | None, ...]
    thin: bool

    @property
    def score(self) -> Floats:
        """The cost efficiency."""
        return self.cost_efficiency


def cost_efficiency(
    inputs: Any, outputs: Any, prices: Any, returns: str = "crs", *, threads: int | None = None
) -> CostFrontier:
    """Cost, technical and allocative efficiency (成本效率、技术效率、配置效率; Farrell 1957).

    prices > 0 : (m,) the same for all units, or (n, m); a Series by input name, a DataFrame by unit and input name
    Other arguments and errors: see dea.

    >>> found = cost_efficiency([[2, 5], [2, 4], [6, 6], [3, 2], [6, 2]], [1, 2, 3, 1, 2], [1, 3])
    >>> found.cost_efficiency.round(3), found.allocative_efficiency.round(3)
    (array([0.353, 0.857, 0.75 , 0.667, 1.   ]), array([0.706, 0.857, 0.9  , 0.933, 1.   ]))
    """
    one_of("returns", returns, RETURNS, "cost_efficiency")
    scale = cast(Returns, returns)
    units = read_units(inputs, outputs, "cost_efficiency")
    price = _prices(prices, units)
    tech = Technology.of(units.inputs, units.outputs)
    actual = (price * units.inputs).sum(axis=1)
    # Costs as shares of the actual cost, so that the value of the program is the efficiency itself.
    shares = price * tech.input_size / actual[:, None]
    answer = solve(cost_programs(tech, tech.inputs, tech.outputs, shares, scale), threads)
    best = answer.value[:, : units.inputs.shape[1]] * tech.input_size
    minimal = (price * best).sum(axis=1)
    overall = np.minimum(minimal / actual, 1.0)
    technical = radial_efficiency(units, scale, "input", threads)
    return CostFrontier(
        units.labels, overall, technical, np.minimum(overall / technical, 1.0), minimal, actual, best,
        answer.status, reasons(answer.status, units, returns, "input"), units.thin,
    )  # fmt: skip


def _prices(prices: Any, units: Units) -> Floats:
    place = "cost_efficiency prices"
    if isinstance(prices, pd.Series):
        prices = prices.to_frame().T.set_axis(["all units"])
        prices = prices[_named(prices.columns, units.input_names, "input")]
    elif isinstance(prices, pd.DataFrame):
        prices = prices[_named(prices.columns, units.input_names, "input")]
        prices = prices.loc[_named(prices.index, units.labels, "unit")]
    try:
        price = np.asarray(prices, dtype=np.float64)
        price = np.broadcast_to(price, units.inputs.shape)
    except (TypeError, ValueError) as error:
        raise EvaluationError(
            place, f"do not fit {units.inputs.shape[0]} units and {units.inputs.shape[1]} inputs",
            "Pass one number per input, or one row per unit",
        ) from error  # fmt: skip
    rows, columns = np.nonzero(~(np.isfinite(price) & (price > 0)))
    if rows.size:
        where = f"unit {units.labels[rows[0]]!r}, {units.input_names[columns[0]]}"
        raise EvaluationError(
            f"{place}, {where}", f"{price[rows[0], columns[0]]} is no number above 0", "Pass positive prices"
        )
    return price


def _named(given: Any, wanted: tuple[Any, ...], what: str) -> list[Any]:
    names = {str(name): name for name in given} if what == "input" else {name: name for name in given}
    missing = [name for name in wanted if name not in names]
    if missing:
        raise EvaluationError(
            "cost_efficiency prices",
            f"no price for {what} {missing[0]!r}",
            f"Name the prices by {what}, or pass arrays",
        )
    return [names[name] for name in wanted]
