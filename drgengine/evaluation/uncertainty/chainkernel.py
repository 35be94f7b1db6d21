"""One draw of the case-mix chain over plain arrays: sums of cells, means and weights of groups, indices of units.

The noise comes in as standard normal numbers, so that a draw is a function of its inputs and can be compared with a
twin. k counts the amounts that occur (of charge, cost, stay), c cells sorted by unit, j groups, u units.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# Columns of units: these, then mean, index, observed over expected and shrunk index of every amount.
CASES_WEIGHTED, TOTAL_WEIGHT, CMI, CMI_OF_KIND, HIGH_WEIGHT_SHARE, OF_AMOUNTS = 0, 1, 2, 3, 6, 7
MEAN, INDEX, INDEX_OE, INDEX_SHRUNK, PER_AMOUNT = 0, 1, 2, 3, 4
NO_CASE = 1e-9  # counts that are left by subtraction


class CellArrays(NamedTuple):
    """What a draw starts from.

    first : int64 (u + 1,)    cells of unit t are first[t] .. first[t + 1] - 1
    group : int64 (c,)    family : int64 (j,)    ADRG of the group    own : int64 (c,)    number of unit x ADRG
    kind : int64 (j,)    0 surgical, 1 procedure, 2 medical, -1 not known
    total, known, square_cv : float64 (k, c)    sum, cases with a known amount, squared coefficient of variation
    sigma : float64 (k, c)    standard deviation of the logarithm of the sum where the number of cases is kept
    lower : float64 (k, k)    lower factor of the correlation of the amounts
    """

    first: Ints
    group: Ints
    family: Ints
    own: Ints
    kind: Ints
    total: Floats
    known: Floats
    square_cv: Floats
    sigma: Floats
    lower: Floats


class GroupArrays(NamedTuple):
    """What is known of groups, written anew in every draw where it is not given.

    weight : float64 (j,)    NaN = none
    plain, shrunk : float64 (k, j)    expected amount of a case, NaN = none
    n : float64 (j,)    known, total : float64 (k, j)    family_known, family_total : float64 (k, families)
    own_known, own_total : float64 (k, unit x ADRG)
    """

    weight: Floats
    plain: Floats
    shrunk: Floats
    n: Floats
    known: Floats
    total: Floats
    family_known: Floats
    family_total: Floats
    own_known: Floats
    own_total: Floats


@njit(cache=True, nogil=True)
def kept_sums_kernel(cells: CellArrays, z: Floats, sums: Floats) -> None:
    """Log-normal sums of cells whose number of cases is kept: mean = observed sum.

    z : float64 (k, c)    standard normal, independent    sums : float64 (k, c)    written
    """
    amounts, many = cells.total.shape
    for a in range(amounts):
        for c in range(many):
            s = cells.sigma[a, c]
            if s > 0.0:
                x = 0.0
                for b in range(a + 1):
                    x += cells.lower[a, b] * z[b, c]
                sums[a, c] = cells.total[a, c] * math.exp(s * (x - 0.5 * s))
            else:
                sums[a, c] = cells.total[a, c]


@njit(cache=True, nogil=True)
def drawn_sums_kernel(cells: CellArrays, z: Floats, ratio: Floats, sums: Floats, known: Floats) -> None:
    """The same where the number of cases was drawn: the sum of known * ratio cases.

    ratio : float64 (c,)    cases drawn / cases observed    sums, known : float64 (k, c)    written
    """
    amounts, many = cells.total.shape
    for a in range(amounts):
        for c in range(many):
            cases = cells.known[a, c] * ratio[c]
            known[a, c] = cases
            sums[a, c] = 0.0
            if cases > 0.0:
                square = math.log1p(cells.square_cv[a, c] / cases)
                x = 0.0
                for b in range(a + 1):
                    x += cells.lower[a, b] * z[b, c]
                sums[a, c] = cells.total[a, c] * ratio[c] * math.exp(math.sqrt(square) * x - 0.5 * square)


@njit(cache=True, nogil=True)
def group_sums_kernel(
    cells: CellArrays, n: Floats, known: Floats, sums: Floats, leave_one_out: bool, groups: GroupArrays
) -> None:
    """Sums of groups and of their ADRGs, with leave_one_out also of unit x ADRG.

    n : float64 (c,)    known, sums : float64 (k, c)
    """
    amounts, many = sums.shape
    groups.n[:] = 0.0
    for c in range(many):
        groups.n[cells.group[c]] += n[c]
    groups.known[:] = 0.0
    groups.total[:] = 0.0
    for a in range(amounts):
        for c in range(many):
            groups.known[a, cells.group[c]] += known[a, c]
            groups.total[a, cells.group[c]] += sums[a, c]
    groups.family_known[:] = 0.0
    groups.family_total[:] = 0.0
    for a in range(amounts):
        for j in range(groups.n.size):
            groups.family_known[a, cells.family[j]] += groups.known[a, j]
            groups.family_total[a, cells.family[j]] += groups.total[a, j]
    if leave_one_out:
        groups.own_known[:] = 0.0
        groups.own_total[:] = 0.0
        for a in range(amounts):
            for c in range(many):
                groups.own_known[a, cells.own[c]] += known[a, c]
                groups.own_total[a, cells.own[c]] += sums[a, c]


@njit(cache=True, nogil=True)
def expected_of(
    known: float, total: float, family_known: float, family_total: float, shrinkage: float
) -> tuple[float, float]:
    """Mean of the group and the mean mixed with `shrinkage` cases of the ADRG mean; NaN where there is none above 0."""
    plain = total / known if known > NO_CASE else np.nan
    if shrinkage > 0.0:
        family = family_total / family_known if family_known > NO_CASE else np.nan
        part = total if known > NO_CASE else 0.0
        shrunk = (part + shrinkage * family) / (max(known, 0.0) + shrinkage)
    else:
        shrunk = plain
    return (plain if plain > 0.0 else np.nan), (shrunk if shrunk > 0.0 else np.nan)


@njit(cache=True, nogil=True)
def benchmark_kernel(cells: CellArrays, shrinkage: float, groups: GroupArrays) -> None:
    """Expected amounts of groups from the sums of this draw."""
    for a in range(groups.known.shape[0]):
        for j in range(groups.n.size):
            family = cells.family[j]
            groups.plain[a, j], groups.shrunk[a, j] = expected_of(
                groups.known[a, j],
                groups.total[a, j],
                groups.family_known[a, family],
                groups.family_total[a, family],
                shrinkage,
            )


@njit(cache=True, nogil=True)
def weight_kernel(a: int, groups: GroupArrays) -> None:
    """Weights of groups from amount number a of this draw: mean of the group / mean of all cases."""
    cases = 0.0
    worth = 0.0
    for j in range(groups.n.size):
        if groups.known[a, j] > 0.0:
            cases += groups.n[j]
            worth += groups.n[j] * (groups.total[a, j] / groups.known[a, j])
    for j in range(groups.n.size):
        groups.weight[j] = np.nan
        if groups.known[a, j] > 0.0 and worth > 0.0:
            groups.weight[j] = groups.total[a, j] / groups.known[a, j] / (worth / cases)


@njit(cache=True, nogil=True)
def weighted_kernel(cells: CellArrays, n: Floats, groups: GroupArrays, high_weight: float, out: Floats) -> None:
    """Total weight, CMI, CMI by kind and share of cases of high weight.

    out : float64 (columns, u)    rows CASES_WEIGHTED .. HIGH_WEIGHT_SHARE are written
    """
    kinds = np.zeros((3, 2))
    for unit in range(cells.first.size - 1):
        cases = 0.0
        worth = 0.0
        heavy = 0.0
        kinds[:] = 0.0
        for c in range(cells.first[unit], cells.first[unit + 1]):
            j = cells.group[c]
            weight = groups.weight[j]
            if np.isnan(weight):
                continue
            cases += n[c]
            worth += n[c] * weight
            if weight >= high_weight:
                heavy += n[c]
            if cells.kind[j] >= 0:
                kinds[cells.kind[j], 0] += n[c]
                kinds[cells.kind[j], 1] += n[c] * weight
        out[CASES_WEIGHTED, unit] = cases
        out[TOTAL_WEIGHT, unit] = worth
        out[CMI, unit] = worth / cases if cases > 0.0 else np.nan
        out[HIGH_WEIGHT_SHARE, unit] = heavy / cases if cases > 0.0 else np.nan
        for kind in range(3):
            some = kinds[kind, 0] > 0.0
            out[CMI_OF_KIND + kind, unit] = kinds[kind, 1] / kinds[kind, 0] if some else np.nan


@njit(cache=True, nogil=True)
def index_kernel(
    cells: CellArrays,
    known: Floats,
    sums: Floats,
    groups: GroupArrays,
    shrinkage: float,
    leave_one_out: bool,
    out: Floats,
) -> None:
    """Mean amount and consumption indices in both forms and with shrunk benchmark.

    out : float64 (columns, u)    rows from OF_AMOUNTS on are written, PER_AMOUNT for each amount
    """
    for a in range(sums.shape[0]):
        row = OF_AMOUNTS + PER_AMOUNT * a
        for unit in range(cells.first.size - 1):
            cases, amount = 0.0, 0.0
            compared, ratios, observed, hoped = 0.0, 0.0, 0.0, 0.0
            compared_shrunk, ratios_shrunk = 0.0, 0.0
            for c in range(cells.first[unit], cells.first[unit + 1]):
                m = known[a, c]
                if m <= 0.0:
                    continue
                j = cells.group[c]
                s = sums[a, c]
                cases += m
                amount += s
                if leave_one_out:
                    family = cells.family[j]
                    plain, shrunk = expected_of(
                        groups.known[a, j] - m,
                        groups.total[a, j] - s,
                        groups.family_known[a, family] - groups.own_known[a, cells.own[c]],
                        groups.family_total[a, family] - groups.own_total[a, cells.own[c]],
                        shrinkage,
                    )
                else:
                    plain, shrunk = groups.plain[a, j], groups.shrunk[a, j]
                if not np.isnan(plain):
                    compared += m
                    ratios += s / plain
                    observed += s
                    hoped += m * plain
                if not np.isnan(shrunk):
                    compared_shrunk += m
                    ratios_shrunk += s / shrunk
            out[row + MEAN, unit] = amount / cases if cases > 0.0 else np.nan
            out[row + INDEX, unit] = ratios / compared if compared > 0.0 else np.nan
            out[row + INDEX_OE, unit] = observed / hoped if hoped > 0.0 else np.nan
            out[row + INDEX_SHRUNK, unit] = ratios_shrunk / compared_shrunk if compared_shrunk > 0.0 else np.nan
