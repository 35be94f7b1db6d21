"""The linear programs of the models, packed for the simplex kernel; each function writes one model as the books do.

Rows: inputs (m), outputs (s), for other than constant returns one row for the sum of the intensities, for SBM one more.
Columns of the technology: (x_j, y_j, 1) of each reference unit. Own columns: see each function.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from drgengine.evaluation.frontier.unitdata import two_power

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Returns = Literal["crs", "vrs", "nirs", "ndrs"]
_NEGLIGIBLE = 1e-8
_SUM_SIGN = {"vrs": 1.0, "nirs": 1.0, "ndrs": -1.0}


@dataclass(frozen=True, slots=True)
class Technology:
    """Reference units (n), columns divided by a power of two near their mean: scores stay, numbers get tame."""

    inputs: Floats
    outputs: Floats
    input_size: Floats
    output_size: Floats

    @classmethod
    def of(cls, inputs: Floats, outputs: Floats) -> Technology:
        """Scale the reference units."""
        input_size, output_size = two_power(inputs.mean(axis=0)), two_power(outputs.mean(axis=0))
        return cls(inputs / input_size, outputs / output_size, input_size, output_size)

    def scaled(self, inputs: Floats, outputs: Floats) -> tuple[Floats, Floats]:
        """Other units on the same scale."""
        return inputs / self.input_size, outputs / self.output_size

    def matrix(self, *rows: float) -> Floats:
        """(m + s + len(rows), n): the units as columns and constant rows below."""
        n = self.inputs.shape[0]
        below = [np.full((1, n), row) for row in rows]
        return np.ascontiguousarray(np.concatenate([self.inputs.T, self.outputs.T, *below]))


@dataclass(frozen=True, slots=True)
class Programs:
    """p programs over one technology; for the arrays see simplexkernel.solve_kernel."""

    tech: Floats
    extra: Floats
    cost: Floats
    rhs: Floats
    scale: Floats
    fixed: Bools
    start: Ints
    repair: int
    exclude: Ints

    def some(self, at: Ints) -> Programs:
        """The programs with these numbers."""
        return Programs(
            self.tech, self.extra[at], self.cost[at], self.rhs[at], self.scale[at], self.fixed, self.start[at],
            self.repair, self.exclude[at],
        )  # fmt: skip


def _own_scale(x: Floats, y: Floats, more: int) -> Floats:
    return 1.0 / np.concatenate([two_power(x), two_power(y), np.ones((x.shape[0], more))], axis=1)


def slack_costs(tech: Technology, x: Floats, y: Floats, weights: str) -> list[Floats]:
    """Costs (p, m + s) of the slacks for maximising them, stage by stage.

    equal: the plain sum in the columns' own units, ties by shares; own: shares of the unit's own inputs and outputs
    Columns that cannot change a plain sum for their small numbers are left to the shares.
    """
    own = -1.0 / np.concatenate([x, np.where(y > 0, y, 1.0)], axis=1)
    if weights == "own":
        return [own]
    plain = -np.concatenate([tech.input_size, tech.output_size])
    weight = plain / own  # of one unit's own amount
    plain = np.where(weight >= _NEGLIGIBLE * weight.max(axis=1, keepdims=True), plain, 0.0)
    return [plain / np.abs(plain).max(), own]


def radial_programs(
    tech: Technology,
    x: Floats,
    y: Floats,
    returns: Returns,
    orientation: str,
    exclude: Ints,
    slacks: list[Floats] | None = None,
) -> Programs:
    """min theta: X l + s- = theta x_o, Y l - s+ = y_o; output: max phi: X l + s- = x_o, Y l - s+ = phi y_o.

    Own columns: score, s- (m), s+ (s), the one of the sum row. slacks: costs of later stages (slack_costs).
    """
    (p, m), s = x.shape, y.shape[1]
    more = 0 if returns == "crs" else 1
    rows = m + s + more
    extra = np.zeros((p, rows, 1 + rows))
    extra[:, np.arange(m), 1 + np.arange(m)] = 1.0
    extra[:, m + np.arange(s), 1 + m + np.arange(s)] = -1.0
    rhs = np.ones((p, rows))
    start = np.tile(1 + np.arange(rows), (p, 1))
    cost = np.zeros((p, 1 + len(slacks or []), 1 + rows))
    if orientation == "input":
        extra[:, :m, 0] = -x
        rhs[:, :m], rhs[:, m : m + s] = 0.0, y
        start[:, 0] = 0
        cost[:, 0, 0] = 1.0
    else:
        extra[:, m : m + s, 0] = -y
        rhs[:, :m], rhs[:, m : m + s] = x, 0.0
        start[np.arange(p), m + y.argmax(axis=1)] = 0
        cost[:, 0, 0] = -1.0
    for stage, weight in enumerate(slacks or [], 1):
        cost[:, stage, 1 : 1 + m + s] = weight
    if more:
        extra[:, -1, -1] = _SUM_SIGN[returns]
    fixed = np.zeros(1 + rows, np.bool_)
    fixed[-1] = returns == "vrs"
    repair = -1 if orientation == "input" else 0
    matrix = tech.matrix(*[1.0] * more)
    return Programs(matrix, extra, cost, rhs, _own_scale(x, y, more), fixed, start, repair, exclude)


def slack_programs(
    tech: Technology, x: Floats, y: Floats, returns: Returns, exclude: Ints, costs: list[Floats]
) -> Programs:
    """max w s: X l + s- = x_o, Y l - s+ = y_o (additive model). Own columns: s- (m), s+ (s), the one of the sum row."""
    (p, m), s = x.shape, y.shape[1]
    more = 0 if returns == "crs" else 1
    rows = m + s + more
    extra = np.zeros((p, rows, rows))
    sign = np.concatenate([np.ones(m), -np.ones(s), [_SUM_SIGN[returns]] if more else []])
    extra[:, np.arange(rows), np.arange(rows)] = sign
    rhs = np.concatenate([x, y, np.ones((p, more))], axis=1)
    cost = np.zeros((p, len(costs), rows))
    for stage, weight in enumerate(costs):
        cost[:, stage, : m + s] = weight
    fixed = np.zeros(rows, np.bool_)
    fixed[-1] = returns == "vrs"
    start = np.tile(np.arange(rows), (p, 1))
    matrix = tech.matrix(*[1.0] * more)
    return Programs(matrix, extra, cost, rhs, _own_scale(x, y, more), fixed, start, 0, exclude)


def measure_programs(tech: Technology, x: Floats, y: Floats, returns: Returns, exclude: Ints) -> Programs:
    """SBM after the Charnes-Cooper transformation: min t - (1/m) S-/x_o with t + (1/s) S+/y_o = 1.

    X L + S- = t x_o, Y L - S+ = t y_o, sum L (=, <=, >=) t. Own columns: t, S- (m), S+ (s), the one of the sum row, the
    artificial of the last row. Outputs of which the unit has none are left out of the measure.
    """
    (p, m), s = x.shape, y.shape[1]
    more = 0 if returns == "crs" else 1
    rows = m + s + more + 1
    extra = np.zeros((p, rows, 1 + rows))
    extra[:, :m, 0], extra[:, m : m + s, 0] = -x, -y
    extra[:, np.arange(m), 1 + np.arange(m)] = 1.0
    extra[:, m + np.arange(s), 1 + m + np.arange(s)] = -1.0
    if more:
        extra[:, m + s, 0] = -1.0
        extra[:, m + s, 1 + m + s] = _SUM_SIGN[returns]
    has = y > 0
    extra[:, -1, 0] = extra[:, -1, -1] = 1.0
    extra[:, -1, 1 + m : 1 + m + s] = has / np.where(has, y, 1.0) / has.sum(axis=1, keepdims=True)
    rhs = np.zeros((p, rows))
    rhs[:, -1] = 1.0
    cost = np.zeros((p, 1, 1 + rows))
    cost[:, 0, 0] = 1.0
    cost[:, 0, 1 : 1 + m] = -1.0 / (m * x)
    fixed = np.zeros(1 + rows, np.bool_)
    fixed[-1] = True
    if more:
        fixed[-2] = returns == "vrs"
    start = np.tile(1 + np.arange(rows), (p, 1))
    matrix = tech.matrix(*[1.0] * more, 0.0)
    return Programs(matrix, extra, cost, rhs, _own_scale(x, y, more + 1), fixed, start, -1, exclude)


def cost_programs(tech: Technology, x: Floats, y: Floats, prices: Floats, returns: Returns) -> Programs:
    """min w x: X l = x, Y l - s+ = y_o. Own columns: x (m), s+ (s), the one of the sum row. prices (p, m), scaled."""
    programs = slack_programs(tech, x, y, returns, np.full(x.shape[0], -1), [np.zeros((x.shape[0], 1))])
    m = x.shape[1]
    programs.extra[:, np.arange(m), np.arange(m)] = -1.0
    programs.rhs[:, :m] = 0.0
    programs.cost[:, 0, :] = 0.0
    programs.cost[:, 0, :m] = prices
    return programs
