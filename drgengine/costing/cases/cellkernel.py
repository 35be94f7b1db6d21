"""The kernel that gives each pool's fen to its claims. Plain arrays only; see pools.py for what they hold."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit


@njit(cache=True, nogil=True)
def distribute_kernel(
    first: npt.NDArray[np.int64],
    row: npt.NDArray[np.int64],
    weight: npt.NDArray[np.float64],
    fen: npt.NDArray[np.int64],
    out: npt.NDArray[np.int64],
) -> None:
    """Add to out[row of the claim] what each claim gets of its pool, by cumulative rounding.

    first int64 (p+1,): the claims of pool i are first[i]..first[i+1]
    row int64 (c,): row of out; several claims may share a row
    weight float64 (c,): >= 0, finite; a pool without positive weight is left alone
    fen int64 (p, k): what is in each pool, may be negative
    out int64 (r, k): is added to

    After the j-th claim the claims so far hold floor(fen * w_1..j / w + 1/2), so that a pool is given out exactly and
    every claim is within one fen of its unrounded part.
    """
    columns = fen.shape[1]
    used = np.empty(columns, np.int64)
    given = np.empty(columns, np.int64)
    for pool in range(fen.shape[0]):
        total = 0.0
        for claim in range(first[pool], first[pool + 1]):
            total += weight[claim]
        count = 0
        for column in range(columns):
            if fen[pool, column] != 0:
                used[count] = column
                given[count] = 0
                count += 1
        if total <= 0.0 or count == 0:
            continue
        running = 0.0
        for claim in range(first[pool], first[pool + 1]):
            if weight[claim] > 0.0:
                # Summed in the same order as total, so that the last claim has running == total.
                running += weight[claim]
                share = running / total
                target = row[claim]
                for n in range(count):
                    column = used[n]
                    until = np.int64(np.floor(fen[pool, column] * share + 0.5))
                    out[target, column] += until - given[n]
                    given[n] = until


@njit(cache=True, nogil=True)
def add_rows_kernel(row: npt.NDArray[np.int64], fen: npt.NDArray[np.int64], out: npt.NDArray[np.int64]) -> None:
    """Add fen[n] to out[row[n]] for every n.

    row int64 (n,), 0 <= row < r; fen int64 (n, k); out int64 (r, k): is added to
    """
    for n in range(row.size):
        target = row[n]
        for column in range(fen.shape[1]):
            out[target, column] += fen[n, column]
