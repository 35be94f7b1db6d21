"""Whole fen (分, 1/100 yuan): how amounts are rounded once, with exact totals, and only added afterwards."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from drgengine.errors import CostingError

Fen = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

LARGEST = 2**53
"""Beyond this many fen float64 no longer holds every whole number."""

TIE_DIGITS = 6
"""Fractions of a fen are compared to this many decimals, so that float noise does not decide a tie."""


def to_fen(yuan: Any) -> Fen:
    """Yuan to whole fen, each amount rounded to the nearest fen, halves to the even one.

    yuan : float64 array of any shape, or one number
    returns int64 array of the same shape
    Raises CostingError for an amount that is missing, infinite or beyond 90 million million yuan.

    >>> to_fen([0.29, -12.5, 1e9]).tolist()
    [29, -1250, 100000000000]
    """
    fen = np.rint(np.asarray(yuan, dtype=np.float64) * 100.0)
    bad = ~(np.abs(fen) <= LARGEST)
    if bad.any():
        first = int(np.flatnonzero(bad)[0])
        value = np.asarray(yuan, dtype=np.float64).ravel()[first]
        raise CostingError(
            f"amount {first + 1}", f"{value} is not an amount in yuan", "Give a finite number of usual size"
        )
    return fen.astype(np.int64)


def to_yuan(fen: Any) -> Floats:
    """Whole fen to yuan, for the eye and for files.

    >>> to_yuan([29, -1250]).tolist()
    [0.29, -12.5]
    """
    return np.asarray(fen, dtype=np.int64) / 100.0


def largest_remainder(values: Any, total_fen: int) -> Fen:
    """Round amounts so that they add up to a given total (最大余数法).

    values : float64 array, shape (n,), in fen, not yet rounded; may be negative
    total_fen : whole fen; differs from the sum of the values by less than n
    returns int64 array, shape (n,), with sum total_fen; each value goes down to a whole fen and the missing ones go to
    the largest fractions, the first of equals first. A value of exactly 0 stays 0.
    Raises CostingError where the values are not amounts in fen that add up to about that total.

    >>> largest_remainder([33.4, 33.3, 33.3], 100).tolist()
    [34, 33, 33]
    >>> largest_remainder([-0.5, 0.0, -0.5], -1).tolist()
    [0, 0, -1]
    """
    column = np.asarray(values, dtype=np.float64).reshape(-1, 1)
    return largest_remainder_columns(column, np.asarray([total_fen], dtype=np.int64))[:, 0]


def largest_remainder_columns(values: Any, totals_fen: Any) -> Fen:
    """`largest_remainder` for every column of a table.

    values : float64 array, shape (n, k), in fen; totals_fen : int64 array, shape (k,)
    returns int64 array, shape (n, k); Raises CostingError like `largest_remainder`.

    >>> largest_remainder_columns([[0.5, 2.0], [0.5, 1.0]], [1, 3]).tolist()
    [[1, 2], [0, 1]]
    """
    table = np.asarray(values, dtype=np.float64)
    totals = np.asarray(totals_fen, dtype=np.int64)
    sums = table.sum(axis=0)
    slack = table.shape[0] + 1e-9 * np.abs(table).sum(axis=0)
    far = ~(np.abs(sums - totals) <= slack) | (~table.any(axis=0) & (totals != 0))
    if far.any():
        k = int(np.flatnonzero(far)[0])
        raise CostingError(
            f"column {k + 1} of {table.shape[1]} to be rounded",
            f"the amounts add up to {sums[k]:.4f} fen and cannot be rounded to a total of {int(totals[k])} fen",
            "Pass unrounded amounts in fen; use share_out for weights",
        )
    return round_to_totals(table, totals)


def round_to_totals(values: Floats, totals: Fen, receivers: npt.NDArray[np.bool_] | None = None) -> Fen:
    """`largest_remainder_columns` without the check that values and totals belong together.

    What is missing beyond one fen per cell is spread evenly over the cells that are not 0.
    receivers : bool array, shape (n,): who takes a total that stands against values of 0 only; default everybody
    """
    base = np.floor(values)
    fraction = np.round(values - base, TIE_DIGITS)
    taking = values != 0
    empty = ~taking.any(axis=0) & (totals != 0)
    if empty.any():
        taking[:, empty] = True if receivers is None else receivers[:, None]
    count = np.maximum(taking.sum(axis=0), 1)
    whole = base.astype(np.int64)
    short = totals - whole.sum(axis=0)
    each, rest = short // count, short % count
    order = np.argsort(np.where(taking, -fraction, 2.0), axis=0, kind="stable")
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.arange(len(values)).reshape(-1, 1), axis=0)
    result: Fen = whole + np.where(taking, each, 0) + (taking & (rank < rest))
    return result


def share_out(weights: Any, total_fen: int) -> Fen:
    """Divide a total in proportion to weights that are not negative (按比例分配), to the fen.

    weights : float64 array, shape (n,), any unit, >= 0, sum > 0
    returns int64 array, shape (n,), with sum total_fen
    Raises CostingError where the weights are negative or add up to nothing.

    >>> share_out([2, 1, 0], 100).tolist()
    [67, 33, 0]
    """
    parts = np.asarray(weights, dtype=np.float64)
    whole = float(parts.sum())
    if not (np.isfinite(whole) and whole > 0 and parts.min() >= 0):
        raise CostingError(
            "weights", f"weights with sum {whole} cannot divide {total_fen} fen", "Give weights >= 0, one of them > 0"
        )
    return largest_remainder(parts / whole * total_fen, total_fen)
