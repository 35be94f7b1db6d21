"""Adding discharges up into cells: one pass over plain arrays, an open-addressing table finds the cell."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

# Columns of `sums`, in the order in which the kernel fills them.
(
    CASES,
    CHARGE_KNOWN,
    CHARGE_SUM,
    CHARGE_SQ_HIGH,
    CHARGE_SQ_LOW,
    COST_KNOWN,
    COST_SUM,
    COST_SQ_HIGH,
    COST_SQ_LOW,
    LOS_KNOWN,
    LOS_SUM,
    LOS_SQ,
    DISPOSITION_KNOWN,
    DEATHS,
    PROCEDURE_KNOWN,
    WITH_PROCEDURE,
    DX_KNOWN,
    DX_COUNT,
    SEVERITY_ASKED,
    CC,
    MCC,
) = range(21)
WIDTH = 21
LOW_BITS = 32
LOW_MASK = (1 << LOW_BITS) - 1
HASH_MASK = (1 << 42) - 1
Bytes = npt.NDArray[np.int8]
Shorts = npt.NDArray[np.int32]
Longs = npt.NDArray[np.int64]


@njit(cache=True, nogil=True)
def find_cell(keys: Shorts, row: int, slots: Shorts, cell_keys: Shorts) -> Any:
    """Cell of keys[row], or -1 - place in `slots` where it would be entered; len(slots) is a power of two."""
    mask = slots.size - 1
    mixed = np.int64(0)
    for part in range(keys.shape[1]):
        # 42 bits times 20 bits: never beyond int64.
        mixed = ((mixed * 1000003) ^ np.int64(keys[row, part])) & HASH_MASK
    place = (mixed ^ (mixed >> 21)) & mask
    while True:
        cell = slots[place]
        if cell < 0:
            return -1 - place
        same = True
        for part in range(keys.shape[1]):
            if cell_keys[cell, part] != keys[row, part]:
                same = False
                break
        if same:
            return cell
        place = (place + 1) & mask


@njit(cache=True, nogil=True)
def enter_cells(cell_keys: Shorts, filled: int, slots: Shorts) -> None:
    """Enter the first `filled` cells into the empty table `slots`, after it was made larger."""
    for cell in range(filled):
        place = find_cell(cell_keys, cell, slots, cell_keys)
        if place < 0:
            slots[-1 - place] = cell


@njit(cache=True, nogil=True)
def add_amount(sums: Longs, cell: int, first: int, amount: int) -> None:
    """Add one amount (whole minor units, below 2**31.5) and its square in two parts of 32 bits: exact in any order."""
    square = amount * amount
    sums[cell, first] += 1
    sums[cell, first + 1] += amount
    sums[cell, first + 2] += square >> LOW_BITS
    sums[cell, first + 3] += square & LOW_MASK


@njit(cache=True, nogil=True)
def tally(
    keys: Shorts,
    first: int,
    charge: Longs,
    cost: Longs,
    los: Shorts,
    disposition: Bytes,
    procedures: Shorts,
    diagnoses: Shorts,
    severity: Bytes,
    slots: Shorts,
    cell_keys: Shorts,
    sums: Longs,
    filled: int,
) -> tuple[int, int]:
    """Add the rows first.. to their cells; stops early when `cell_keys` is full or `slots` half full.

    keys : int32 (n, k)    what makes a cell: numbers of unit labels, inclusion, MDC, ADRG, DRG
    charge, cost : int64 (n,)    minor units (fen), 0 = not known
    los : int32 (n,)    days, -1 = not known
    disposition : int8 (n,)    0 not known, 1 alive, 2 died
    procedures, diagnoses : int32 (n,)    number of codes, -1 = not known
    severity : int8 (n,)    0 no group of the winning rule asks, 1 none, 2 CC, 3 MCC
    slots : int32 (power of two,)    cell or -1
    cell_keys : int32 (capacity, k)    sums : int64 (capacity, WIDTH)
    returns (next row to do, number of cells in use)
    """
    for row in range(first, keys.shape[0]):
        cell = find_cell(keys, row, slots, cell_keys)
        if cell < 0:
            if filled == cell_keys.shape[0] or 2 * filled >= slots.size:
                return row, filled
            slots[-1 - cell] = filled
            cell = filled
            for part in range(keys.shape[1]):
                cell_keys[cell, part] = keys[row, part]
            filled += 1
        sums[cell, CASES] += 1
        if charge[row] > 0:
            add_amount(sums, cell, CHARGE_KNOWN, charge[row])
        if cost[row] > 0:
            add_amount(sums, cell, COST_KNOWN, cost[row])
        if los[row] >= 0:
            days = np.int64(los[row])
            sums[cell, LOS_KNOWN] += 1
            sums[cell, LOS_SUM] += days
            sums[cell, LOS_SQ] += days * days
        if disposition[row] > 0:
            sums[cell, DISPOSITION_KNOWN] += 1
            sums[cell, DEATHS] += disposition[row] == 2
        if procedures[row] >= 0:
            sums[cell, PROCEDURE_KNOWN] += 1
            sums[cell, WITH_PROCEDURE] += procedures[row] > 0
        if diagnoses[row] >= 0:
            sums[cell, DX_KNOWN] += 1
            sums[cell, DX_COUNT] += diagnoses[row]
        if severity[row] > 0:
            sums[cell, SEVERITY_ASKED] += 1
            sums[cell, CC] += severity[row] == 2
            sums[cell, MCC] += severity[row] == 3
    return keys.shape[0], filled
