"""Service departments closed one after the other: the simultaneous equations (交互分配) solved without a subtraction.

A department is closed by passing on what it holds. Where others still give to it, their share in it is redirected to
its receivers in its proportions; a share that thereby comes back to its sender falls away and the rest is scaled up.
When nobody gives to a department already closed, as in a step-down, nothing is redirected and the shares stay as they
are. This is Gaussian elimination of (I - S), the pivot computed as the sum of the other shares instead of 1 minus the
own one (Grassmann, Taksar, Heyman 1985): no digit cancels, so amounts keep their precision however little leaves a
cycle.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from drgengine.costing.allocation.products import product

Floats = npt.NDArray[np.float64]
_BLOCK = 32


@dataclass(frozen=True, slots=True, eq=False)
class Closed:
    """m service departments after closing, in the order of closing, and f final ones behind them.

    shares : float64 (m, m + f); right of the diagonal: share of each receiver when the department is closed, rows sum
        to 1; left of it: share redirected away when the column's department was closed; the diagonal means nothing
    leaving : float64 (m,), part of the output that does not come back to the department through those closed before
    """

    shares: Floats
    leaving: Floats


def close(shares: Floats) -> Closed:
    """Close the m service departments of shares (m, m + f), rows summing to 1 or all 0, in the order of the rows.

    Every department whose row is not 0 must reach a final one: see graph.caught_departments.
    """
    s = shares.copy()
    m = len(s)
    leaving, redirected = np.ones(m), np.zeros(m, np.bool_)
    for first in range(0, m, _BLOCK):
        end = min(first + _BLOCK, m)
        for i in range(first, end):
            if redirected[i] and (rest := s[i, i + 1 :].sum()) > 0:
                leaving[i] = rest
                s[i, i + 1 :] /= rest
            givers = s[i + 1 :, i]
            if givers.any():
                redirected[i + 1 :] |= givers != 0
                near = end - i - 1
                s[i + 1 : end, i + 1 :] += givers[:near, None] * s[i, i + 1 :]
                s[end:, i + 1 : end] += givers[near:, None] * s[i, i + 1 : end]
        if s[end:, first:end].any():
            s[end:, end:] += product(s[end:, first:end], s[first:end, end:])
    return Closed(s, leaving)


def pass_on(closed: Closed, costs: Floats) -> tuple[Floats, Floats]:
    """Gross cost (m, k) of the service departments, what they receive included, and full cost (f, k) of the final ones.

    costs : float64 (m + f, k), direct cost, rows in the order of the columns of closed.shares
    """
    s = closed.shares
    m = len(s)
    held = costs[:m].copy()
    for i in range(1, m):
        if s[:i, i].any():
            held[i] += product(s[:i, i], held[:i])
    full = costs[m:] + product(s[:, m:].T, held)
    gross = held
    for i in range(m - 1, -1, -1):
        if s[i + 1 :, i].any():
            gross[i] += product(s[i + 1 :, i], gross[i + 1 :])
        gross[i] /= closed.leaving[i]
    return gross, full


def ending_shares(closed: Closed) -> Floats:
    """Fraction (m, f) of the cost of each service department that ends in each final one."""
    s = closed.shares
    m = len(s)
    ends = s[:, m:].copy()
    for i in range(m - 2, -1, -1):
        if s[i, i + 1 : m].any():
            ends[i] += product(s[i, i + 1 : m], ends[i + 1 :])
    return ends
