"""Linear programs of few rows and many shared columns, solved one after the other. Plain arrays only.

Every program is: minimise c z subject to A z = b, z >= 0. A has the columns of the technology (one per reference unit,
the same for all programs, cost 0) and a few columns of its own (score, slacks, artificials). programs.py packs them.

The dual simplex method comes first: all models here have a basis that is dual feasible and seldom degenerate, so that
no artificial phase is needed and an infeasible program shows itself as an unbounded dual. The primal method then mends
what rounding left and maximises the costs of the later stages among the optima of the earlier ones. The inverse of the
basis is explicit (about ten rows) and computed afresh before any verdict. Bland's rule takes over when steps stall.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

OPTIMAL, INFEASIBLE, LIMIT, NUMERICAL, AGAIN = 0, 1, 2, 3, 4
SLOP = 1e-11  # how far a ratio test may look past the first bound for a larger pivot
FEASIBLE = 1e-10  # a scaled value above -FEASIBLE counts as >= 0
PRICE = 1e-10  # a scaled reduced cost above -PRICE counts as >= 0, and one below PRICE as 0
PIVOT = 1e-9
NOISE = 1e-14  # a sum below NOISE times its absolute terms is rounding and counts as 0
REFRESH = 40  # steps between two fresh inverses
EXPONENT = 0x7FF0000000000000  # the bits of a float64 that hold its exponent


@njit(cache=True, nogil=True)
def load_kernel(tech: Floats, extra: Floats, scale: Floats, exclude: int, a: Floats, size: Floats) -> None:
    """Write into a (rows, n + e) the scaled columns: rows times scale, then columns times size.

    size (n + e,): written; one over the power of two below the column's largest entry, so that no digit changes. A
    column left out (exclude, -1: none) is zero and can never enter a basis.
    """
    rows, n = tech.shape
    size[:] = 0.0
    for r in range(rows):
        for j in range(n):
            a[r, j] = tech[r, j] * scale[r]
            size[j] = max(size[j], abs(a[r, j]))
        for e in range(extra.shape[1]):
            a[r, n + e] = extra[r, e] * scale[r]
            size[n + e] = max(size[n + e], abs(a[r, n + e]))
    bits = size.view(np.int64)
    for j in range(size.size):
        bits[j] &= EXPONENT
    for j in range(size.size):
        size[j] = 1.0 / size[j] if size[j] > 0.0 else 1.0
    for r in range(rows):
        for j in range(size.size):
            a[r, j] *= size[j]
        if exclude >= 0:
            a[r, exclude] = 0.0


@njit(cache=True, nogil=True)
def invert_kernel(a: Floats, basis: Ints, work: Floats, inverse: Floats) -> bool:
    """Write the inverse of the basis columns of a by Gauss-Jordan with row pivoting; False: singular."""
    rows = a.shape[0]
    for i in range(rows):
        for k in range(rows):
            work[i, k] = a[i, basis[k]]
            work[i, rows + k] = 1.0 if i == k else 0.0
    for k in range(rows):
        p = k
        for i in range(k + 1, rows):
            if abs(work[i, k]) > abs(work[p, k]):
                p = i
        if abs(work[p, k]) < 1e-13:
            return False
        for c in range(2 * rows):
            held = work[p, c]
            work[p, c] = work[k, c]
            work[k, c] = held
        pivot = work[k, k]
        for c in range(2 * rows):
            work[k, c] /= pivot
        for i in range(rows):
            factor = work[i, k]
            if i != k and factor != 0.0:
                for c in range(2 * rows):
                    taken = factor * work[k, c]
                    left = work[i, c] - taken
                    work[i, c] = left if abs(left) > NOISE * abs(taken) else 0.0
    inverse[:, :] = work[:, rows:]
    return True


@njit(cache=True, nogil=True)
def price_kernel(a: Floats, c: Floats, basis: Ints, inverse: Floats, y: Floats, d: Floats) -> None:
    """Write the duals y = c_B B^-1 and the reduced costs d = c - y A; those of the basis are exactly 0."""
    rows, columns = a.shape
    for r in range(rows):
        y[r] = 0.0
        terms = 0.0
        for k in range(rows):
            y[r] += c[basis[k]] * inverse[k, r]
            terms += abs(c[basis[k]] * inverse[k, r])
        if abs(y[r]) <= NOISE * terms:
            y[r] = 0.0
    d[:] = c
    for r in range(rows):
        if y[r] != 0.0:
            for j in range(columns):
                d[j] -= y[r] * a[r, j]
    for k in range(rows):
        d[basis[k]] = 0.0


@njit(cache=True, nogil=True)
def refresh_kernel(
    a: Floats, b: Floats, c: Floats, basis: Ints, work: Floats, inverse: Floats, x: Floats, y: Floats, d: Floats
) -> bool:
    """Inverse, basic values, duals and reduced costs from the data alone; False: the basis is singular."""
    if not invert_kernel(a, basis, work, inverse):
        return False
    for k in range(x.size):
        x[k] = 0.0
        terms = 0.0
        for r in range(x.size):
            x[k] += inverse[k, r] * b[r]
            terms += abs(inverse[k, r] * b[r])
        if abs(x[k]) <= NOISE * terms:
            x[k] = 0.0
    price_kernel(a, c, basis, inverse, y, d)
    return True


@njit(cache=True, nogil=True)
def pivot_kernel(a: Floats, basis: Ints, inverse: Floats, x: Floats, w: Floats, row: int, column: int) -> None:
    """Column enters at row; w = B^-1 a_column. The variable that leaves ends at 0."""
    rows = basis.size
    step = x[row] / w[row]
    for k in range(rows):
        x[k] -= step * w[k]
    x[row] = step
    for r in range(rows):
        inverse[row, r] /= w[row]
    for k in range(rows):
        if k != row and w[k] != 0.0:
            for r in range(rows):
                inverse[k, r] -= w[k] * inverse[row, r]
    basis[row] = column


@njit(cache=True, nogil=True)
def column_kernel(a: Floats, inverse: Floats, column: int, w: Floats) -> None:
    """Write w = B^-1 a_column."""
    for k in range(w.size):
        w[k] = 0.0
        for r in range(w.size):
            w[k] += inverse[k, r] * a[r, column]


@njit(cache=True, nogil=True)
def row_kernel(a: Floats, inverse: Floats, row: int, sign: float, n: int, fixed: Bools, alpha: Floats) -> None:
    """Write alpha = sign * (B^-1 A)_row, 0 for artificials, which must not come back."""
    alpha[:] = 0.0
    for r in range(a.shape[0]):
        factor = sign * inverse[row, r]
        if factor != 0.0:
            for j in range(alpha.size):
                alpha[j] += factor * a[r, j]
    for e in range(fixed.size):
        if fixed[e]:
            alpha[n + e] = 0.0


@njit(cache=True, nogil=True)
def leaving_kernel(basis: Ints, x: Floats, inverse: Floats, n: int, fixed: Bools, bland: bool) -> int:
    """Row that is out of bounds, by steepest edge or, if bland, by the smallest variable; -1: none."""
    row = -1
    best = 0.0
    for k in range(basis.size):
        out = -x[k]
        if basis[k] >= n and fixed[basis[k] - n]:
            out = abs(x[k])
        if out <= FEASIBLE:
            continue
        if bland:
            if row < 0 or basis[k] < basis[row]:
                row = k
            continue
        norm = 0.0
        for r in range(basis.size):
            norm += inverse[k, r] * inverse[k, r]
        if out * out > best * norm:
            row = k
            best = out * out / norm
    return row


@njit(cache=True, nogil=True, fastmath={"nnan", "nsz"})
def dual_bound_kernel(d: Floats, alpha: Floats, slop: float) -> float:
    """Least (d + slop) / -alpha over alpha < 0, inf if there is none. Without branches, so that it runs in parallel."""
    bound = np.inf
    for j in range(d.size):
        ratio = (max(d[j], 0.0) + slop) / -alpha[j] if alpha[j] < -PIVOT else np.inf
        bound = ratio if ratio < bound else bound
    return bound


@njit(cache=True, nogil=True)
def dual_entering_kernel(d: Floats, alpha: Floats, bland: bool) -> int:
    """Column with alpha < 0 and least d / -alpha; among nearly equal ones the largest pivot. -1: none."""
    bound = dual_bound_kernel(d, alpha, 0.0 if bland else SLOP)
    column = -1
    if bound == np.inf:
        return column
    for j in range(d.size):
        if (alpha[j] < -PIVOT) & (d[j] <= bound * -alpha[j]):
            if bland:
                return j
            if column < 0 or alpha[j] < alpha[column]:
                column = j
    return column


@njit(cache=True, nogil=True)
def dual_kernel(
    a: Floats, b: Floats, c: Floats, n: int, fixed: Bools, basis: Ints, work: Floats, inverse: Floats,
    x: Floats, y: Floats, d: Floats, alpha: Floats, w: Floats, limit: int,
) -> tuple[int, int]:  # fmt: skip
    """Dual simplex from a basis with d >= 0. Returns (status, steps); if infeasible, y is the ray that proves it."""
    stalled = 0
    since = 0
    for step in range(limit):
        bland = stalled > 2 * basis.size + 20
        row = leaving_kernel(basis, x, inverse, n, fixed, bland)
        column = -1
        sign = 1.0
        if row >= 0:
            sign = 1.0 if x[row] < 0.0 else -1.0
            row_kernel(a, inverse, row, sign, n, fixed, alpha)
            column = dual_entering_kernel(d, alpha, bland)
        if column >= 0:
            column_kernel(a, inverse, column, w)
        drifted = column >= 0 and abs(w[row] - sign * alpha[column]) > 1e-8 * (1.0 + abs(w[row]))
        if since > 0 and (column < 0 or drifted or since >= REFRESH):
            if not refresh_kernel(a, b, c, basis, work, inverse, x, y, d):
                return NUMERICAL, step
            since = 0
            continue
        if row < 0:
            return OPTIMAL, step
        if column < 0:
            for r in range(basis.size):
                y[r] = sign * inverse[row, r]
            return (INFEASIBLE if abs(x[row]) > 1e-8 else NUMERICAL), step
        ratio = max(d[column], 0.0) / alpha[column]
        stalled = stalled + 1 if ratio > -1e-12 else 0
        if ratio != 0.0:
            for j in range(d.size):
                d[j] -= ratio * alpha[j]
        d[column] = 0.0
        pivot_kernel(a, basis, inverse, x, w, row, column)
        since += 1
    return LIMIT, limit


@njit(cache=True, nogil=True)
def primal_entering_kernel(d: Floats, closed: Bools, bland: bool) -> int:
    """Column with the least reduced cost below 0 or, if bland, the first one; -1: none."""
    column = -1
    best = -PRICE
    for j in range(d.size):
        if d[j] < best and not closed[j]:
            column = j
            best = d[j]
            if bland:
                break
    return column


@njit(cache=True, nogil=True)
def primal_leaving_kernel(basis: Ints, x: Floats, w: Floats, n: int, fixed: Bools, bland: bool) -> int:
    """Row that reaches its bound first when the column behind w grows; artificials hold at 0. -1: none."""
    bound = np.inf
    slop = 0.0 if bland else SLOP
    for k in range(basis.size):
        held = basis[k] >= n and fixed[basis[k] - n]
        if w[k] > PIVOT or (held and w[k] < -PIVOT):
            value = 0.0 if held else max(x[k], 0.0)
            bound = min(bound, (value + slop) / abs(w[k]))
    row = -1
    for k in range(basis.size):
        held = basis[k] >= n and fixed[basis[k] - n]
        if w[k] > PIVOT or (held and w[k] < -PIVOT):
            value = 0.0 if held else max(x[k], 0.0)
            if value > bound * abs(w[k]):
                continue
            better = row < 0 or (basis[k] < basis[row] if bland else abs(w[k]) > abs(w[row]))
            if better:
                row = k
    return row


@njit(cache=True, nogil=True)
def primal_kernel(
    a: Floats, b: Floats, c: Floats, n: int, fixed: Bools, closed: Bools, basis: Ints, work: Floats, inverse: Floats,
    x: Floats, y: Floats, d: Floats, w: Floats, limit: int,
) -> tuple[int, int]:  # fmt: skip
    """Primal simplex from a basis with x >= 0 over the columns that are not closed. Returns (status, steps).

    AGAIN: with a fresh inverse some x < 0, so the dual method must go first.
    """
    stalled = 0
    since = 0
    if not refresh_kernel(a, b, c, basis, work, inverse, x, y, d):
        return NUMERICAL, 0
    for step in range(limit):
        bland = stalled > 2 * basis.size + 20
        column = primal_entering_kernel(d, closed, bland)
        if since > 0 and (column < 0 or since >= REFRESH):
            if not refresh_kernel(a, b, c, basis, work, inverse, x, y, d):
                return NUMERICAL, step
            since = 0
            continue
        if column < 0:
            return (AGAIN if leaving_kernel(basis, x, inverse, n, fixed, True) >= 0 else OPTIMAL), step
        column_kernel(a, inverse, column, w)
        row = primal_leaving_kernel(basis, x, w, n, fixed, bland)
        if row < 0:
            return NUMERICAL, step
        if x[row] * w[row] < 0.0:
            x[row] = 0.0
        stalled = stalled + 1 if x[row] <= 1e-12 * abs(w[row]) else 0
        pivot_kernel(a, basis, inverse, x, w, row, column)
        price_kernel(a, c, basis, inverse, y, d)
        since += 1
    return LIMIT, limit


@njit(cache=True, nogil=True)
def repair_kernel(
    a: Floats, n: int, fixed: Bools, row: int, basis: Ints, inverse: Floats, x: Floats, d: Floats, alpha: Floats,
    w: Floats,
) -> None:  # fmt: skip
    """One step that makes all d >= 0, whatever x becomes; every column with d < 0 has a positive entry in row."""
    row_kernel(a, inverse, row, 1.0, n, fixed, alpha)
    column = -1
    for j in range(d.size):
        if d[j] < 0.0 and alpha[j] > PIVOT and (column < 0 or d[j] * alpha[column] < d[column] * alpha[j]):
            column = j
    if column >= 0:
        column_kernel(a, inverse, column, w)
        pivot_kernel(a, basis, inverse, x, w, row, column)


@njit(cache=True, nogil=True)
def close_kernel(d: Floats, closed: Bools) -> None:
    """Close the columns that no optimum uses."""
    for j in range(d.size):
        closed[j] |= d[j] > PRICE


@njit(cache=True, nogil=True)
def solve_kernel(
    tech: Floats, extra: Floats, cost: Floats, rhs: Floats, scale: Floats, fixed: Bools, start: Ints, repair: int,
    exclude: Ints, limit: int, basis_out: Ints, value_out: Floats, dual_out: Floats, status_out: Ints, steps_out: Ints,
) -> None:  # fmt: skip
    """Solve p programs.

    tech (rows, n); extra (p, rows, e); cost (p, stages, e); rhs, scale (p, rows), scale > 0; fixed (e,): artificials
    start (p, rows): the extra column that is basic in each row at the start
    repair: row for the step to dual feasibility, -1 if the start is dual feasible
    exclude (p,): technology column left out, -1 for none
    basis_out, value_out (p, rows): basic columns (below n technology, from n extra) and values; dual_out (p, stages,
        rows): duals of each stage, for an infeasible program its ray; status_out, steps_out (p,)
    """
    rows, n = tech.shape
    stages, extras = cost.shape[1], cost.shape[2]
    columns = n + extras
    a = np.empty((rows, columns))
    size = np.empty(columns)
    c = np.zeros(columns)
    d = np.empty(columns)
    alpha = np.empty(columns)
    closed = np.empty(columns, np.bool_)
    work = np.empty((rows, 2 * rows))
    inverse = np.empty((rows, rows))
    x = np.empty(rows)
    y = np.empty(rows)
    w = np.empty(rows)
    for p in range(rhs.shape[0]):
        load_kernel(tech, extra[p], scale[p], exclude[p], a, size)
        b = rhs[p] * scale[p]
        basis = n + start[p]
        closed[:n] = False
        closed[n:] = fixed
        if exclude[p] >= 0:
            closed[exclude[p]] = True
        status = OPTIMAL
        steps = 0
        for stage in range(stages):
            top = 0.0
            for e in range(extras):
                c[n + e] = cost[p, stage, e] * size[n + e]
                top = max(top, abs(c[n + e]))
            if top == 0.0:
                top = 1.0
            c[n:] /= top
            if stage == 0 and not refresh_kernel(a, b, c, basis, work, inverse, x, y, d):
                status = NUMERICAL
                break
            if stage == 0 and repair >= 0:
                repair_kernel(a, n, fixed, repair, basis, inverse, x, d, alpha, w)
                price_kernel(a, c, basis, inverse, y, d)
            for _attempt in range(5):
                if stage == 0:
                    status, more = dual_kernel(
                        a, b, c, n, fixed, basis, work, inverse, x, y, d, alpha, w, limit
                    )  # fmt: skip
                    steps += more
                    if status != OPTIMAL:
                        break
                status, more = primal_kernel(a, b, c, n, fixed, closed, basis, work, inverse, x, y, d, w, limit)
                steps += more
                if status != AGAIN or stage > 0:
                    break
            for r in range(rows):
                dual_out[p, stage, r] = y[r] * scale[p, r] * top
            if status != OPTIMAL:
                break
            close_kernel(d, closed)
        basis_out[p] = basis
        for k in range(rows):
            value_out[p, k] = max(x[k], 0.0) * size[basis[k]]
        status_out[p] = status if status != AGAIN else NUMERICAL
        steps_out[p] = steps
