"""One program by HiGHS (through scipy), for those whose simplex run brought no certificate."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import linprog

from drgengine.evaluation.frontier.programs import Programs

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
_OPTIONS = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}
_INFEASIBLE = 2


def solve_one(programs: Programs, p: int) -> tuple[str, Ints, Floats]:
    """("fallback" | "infeasible" | "failed", columns, values); later stages over columns of reduced cost 0 alone."""
    matrix, top, bounds = _scaled(programs, p)
    n = programs.tech.shape[1]
    right = programs.rhs[p] * programs.scale[p]
    best: Any = None
    for stage in range(programs.cost.shape[1]):
        costs = np.concatenate([np.zeros(n), programs.cost[p, stage]]) / top
        costs /= np.abs(costs).max() or 1.0
        answer = linprog(costs, A_eq=matrix, b_eq=right, bounds=bounds, method="highs", options=_OPTIONS)
        if answer.status != 0:
            if best is None:
                return ("infeasible" if answer.status == _INFEASIBLE else "failed"), np.empty(0, np.int64), np.empty(0)
            break
        best = answer.x
        bounds[answer.lower.marginals > 1e-9, 1] = 0.0
    columns = np.flatnonzero(best > 0.0)
    return "fallback", columns, best[columns] / top[columns]


def _scaled(programs: Programs, p: int) -> tuple[Floats, Floats, Floats]:
    """Matrix with rows and columns scaled, the columns' factors, the bounds of the variables."""
    matrix = np.concatenate([programs.tech, programs.extra[p]], axis=1) * programs.scale[p][:, None]
    top = np.abs(matrix).max(axis=0)
    top[top == 0.0] = 1.0
    bounds = np.zeros((top.size, 2))
    bounds[:, 1] = np.inf
    bounds[programs.tech.shape[1] :, 1][programs.fixed] = 0.0
    if programs.exclude[p] >= 0:
        bounds[programs.exclude[p], 1] = 0.0
    return matrix / top, top, bounds
