"""Proof that a solved program is optimal, or infeasible, from the unscaled data alone. Plain arrays only."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@njit(cache=True, nogil=True)
def residual_kernel(
    tech: Floats, extra: Floats, rhs: Floats, fixed: Bools, basis: Ints, value: Floats
) -> float:  # fmt: skip
    """Largest |A z - b| of a row over the sum of its absolute terms; z < 0 and artificials count as 0."""
    rows, n = tech.shape
    worst = 0.0
    for r in range(rows):
        left = -rhs[r]
        terms = abs(rhs[r])
        for k in range(rows):
            j = basis[k]
            if value[k] > 0.0 and not (j >= n and fixed[j - n]):
                term = value[k] * (tech[r, j] if j < n else extra[r, j - n])
                left += term
                terms += abs(term)
        if terms > 0.0:
            worst = max(worst, abs(left) / terms)
    return worst


@njit(cache=True, nogil=True)
def gap_kernel(n: int, cost: Floats, rhs: Floats, basis: Ints, value: Floats, dual: Floats) -> float:
    """Difference of primal and dual value over the sum of their absolute terms."""
    gap = 0.0
    terms = 0.0
    for k in range(basis.size):
        if basis[k] >= n:
            term = cost[basis[k] - n] * value[k]
            gap += term
            terms += abs(term)
    for r in range(rhs.size):
        gap -= dual[r] * rhs[r]
        terms += abs(dual[r] * rhs[r])
    return abs(gap) / terms if terms > 0.0 else 0.0


@njit(cache=True, nogil=True)
def prices_kernel(tech: Floats, extra: Floats, cost: Floats, dual: Floats, d: Floats, terms: Floats) -> None:
    """Write the reduced costs d (n + e,) and the sums of their absolute terms."""
    rows, n = tech.shape
    d[:n] = 0.0
    d[n:] = cost
    terms[:] = np.abs(d)
    for r in range(rows):
        if dual[r] != 0.0:
            for j in range(n):
                product = dual[r] * tech[r, j]
                d[j] -= product
                terms[j] += abs(product)
            for e in range(cost.size):
                product = dual[r] * extra[r, e]
                d[n + e] -= product
                terms[n + e] += abs(product)


@njit(cache=True, nogil=True)
def price_kernel(tech: Floats, extra: Floats, cost: Floats, dual: Floats, j: int) -> tuple[float, float]:
    """Reduced cost of one column and the sum of its absolute terms."""
    n = tech.shape[1]
    d = cost[j - n] if j >= n else 0.0
    terms = abs(d)
    for r in range(dual.size):
        product = dual[r] * (tech[r, j] if j < n else extra[r, j - n])
        d -= product
        terms += abs(product)
    return d, terms


@njit(cache=True, nogil=True)
def optimal_kernel(
    tech: Floats, extra: Floats, cost: Floats, rhs: Floats, fixed: Bools, exclude: Ints, basis: Ints, value: Floats,
    dual: Floats, zero: float, out: Floats,
) -> None:  # fmt: skip
    """Write out (p, 3): row residual, gap and negative reduced cost, each the worst and relative to its terms.

    At a later stage only columns count whose reduced costs of all earlier stages are 0 (relative, below `zero`).
    """
    n = tech.shape[1]
    stages, extras = cost.shape[1], cost.shape[2]
    d = np.empty(n + extras)
    terms = np.empty(n + extras)
    left = np.empty(n + extras, np.int64)
    for p in range(rhs.shape[0]):
        out[p, 0] = residual_kernel(tech, extra[p], rhs[p], fixed, basis[p], value[p])
        out[p, 1] = 0.0
        out[p, 2] = 0.0
        for stage in range(stages):
            gap = gap_kernel(n, cost[p, stage], rhs[p], basis[p], value[p], dual[p, stage])
            out[p, 1] = max(out[p, 1], gap)
        prices_kernel(tech, extra[p], cost[p, 0], dual[p, 0], d, terms)
        count = 0
        for j in range(d.size):
            if j != exclude[p] and not (j >= n and fixed[j - n]):
                if d[j] < 0.0:
                    out[p, 2] = max(out[p, 2], -d[j] / terms[j])
                if d[j] <= zero * terms[j]:
                    left[count] = j
                    count += 1
        for stage in range(1, stages):
            kept = 0
            for at in range(count):
                price, size = price_kernel(tech, extra[p], cost[p, stage], dual[p, stage], left[at])
                if price < 0.0:
                    out[p, 2] = max(out[p, 2], -price / size)
                if price <= zero * size:
                    left[kept] = left[at]
                    kept += 1
            count = kept


@njit(cache=True, nogil=True)
def infeasible_kernel(
    tech: Floats, extra: Floats, rhs: Floats, fixed: Bools, exclude: Ints, ray: Floats, out: Floats
) -> None:  # fmt: skip
    """Write out (p,): how far the ray (p, rows) is from proving that no z >= 0 fulfils A z = b (Farkas).

    The ray must have y A >= 0 and y b < 0. out is the worst negative y A_j relative to its terms, inf if y b >= 0.
    """
    n = tech.shape[1]
    extras = extra.shape[2]
    d = np.empty(n + extras)
    terms = np.empty(n + extras)
    none = np.zeros(extras)
    for p in range(rhs.shape[0]):
        value = 0.0
        size = 0.0
        for r in range(rhs.shape[1]):
            value += ray[p, r] * rhs[p, r]
            size += abs(ray[p, r] * rhs[p, r])
        out[p] = 0.0 if value < -1e-9 * size else np.inf
        prices_kernel(tech, extra[p], none, ray[p], d, terms)
        for j in range(d.size):
            open_column = j != exclude[p] and not (j >= n and fixed[j - n])
            if open_column and d[j] > 0.0:  # d = -y A
                out[p] = max(out[p], d[j] / terms[j])
