"""Kernels that write out the records of a what-if: which codes may stand first, which may be left out."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

Array = npt.NDArray[Any]


@njit(cache=True, nogil=True)
def marks_kernel(offsets: Array, number: Array, as_first: Array, leaves: Array) -> None:
    """Mark the places of a code list that a what-if tries.

    offsets int32 (n+1,), number int32 (m,): equal codes have equal numbers, -1 = no code
    as_first bool (m,): result; the first place of a record, and each place with a code that stands at no place before
    leaves bool (m,): result; each place behind the first with a code that stands at no place between
    """
    for r in range(offsets.size - 1):
        start = offsets[r]
        for k in range(start, offsets[r + 1]):
            as_first[k] = k == start or number[k] >= 0
            leaves[k] = k > start and number[k] >= 0
            for j in range(start, k):
                if number[j] == number[k]:
                    as_first[k] = False
                    if j > start:
                        leaves[k] = False
                        break


@njit(cache=True, nogil=True)
def pairs_kernel(
    rows: Array,
    dx_offsets: Array,
    dx_first: Array,
    proc_offsets: Array,
    proc_first: Array,
    case: Array,
    dx_place: Array,
    proc_place: Array,
) -> None:
    """Every diagnosis that may stand first with every procedure that may, in the order of the record.

    rows int64: records looked at; case int64, dx_place, proc_place int32: results, places from 0 inside the record;
    proc_place is -1 where the record has no procedure
    """
    at = 0
    for r in rows:
        for k in range(dx_offsets[r], dx_offsets[r + 1]):
            if not dx_first[k]:
                continue
            if proc_offsets[r] == proc_offsets[r + 1]:
                case[at], dx_place[at], proc_place[at] = r, k - dx_offsets[r], -1
                at += 1
            for j in range(proc_offsets[r], proc_offsets[r + 1]):
                if proc_first[j]:
                    case[at], dx_place[at], proc_place[at] = r, k - dx_offsets[r], j - proc_offsets[r]
                    at += 1


@njit(cache=True, nogil=True)
def moved_kernel(case: Array, place: Array, offsets: Array, index: Array, new_offsets: Array, new_index: Array) -> None:
    """Code lists with the code at a place moved to the front, the others in their order.

    case int64 (a,), place int32 (a,): record and place of each new list, place <= 0: as it is
    offsets, index: the lists; new_offsets (a+1,) is given, new_index is the result
    """
    for a in range(case.size):
        start, end = offsets[case[a]], offsets[case[a] + 1]
        at = new_offsets[a]
        chosen = start + max(place[a], 0)
        if chosen < end:
            new_index[at] = index[chosen]
            at += 1
        for k in range(start, end):
            if k != chosen:
                new_index[at] = index[k]
                at += 1


@njit(cache=True, nogil=True)
def left_out_kernel(
    case: Array, place: Array, offsets: Array, index: Array, number: Array, new_offsets: Array, new_index: Array
) -> None:
    """Code lists without one further code, at all its places behind the first.

    case int64 (a,), place int32 (a,): record and place of the code left out, place <= 0: nothing
    number int32 (m,): equal codes have equal numbers
    new_offsets (a+1,): result, from 0; new_index: result, long enough for the whole lists
    """
    at = 0
    for a in range(case.size):
        new_offsets[a] = at
        start = offsets[case[a]]
        gone = number[start + place[a]] if place[a] > 0 else -2
        for k in range(start, offsets[case[a] + 1]):
            if k == start or number[k] != gone:
                new_index[at] = index[k]
                at += 1
    new_offsets[case.size] = at


def lengths_of(offsets: np.ndarray, case: np.ndarray) -> np.ndarray:
    """Lengths of the code lists of some records: int64 (a,)."""
    return np.diff(offsets.astype(np.int64))[case]
