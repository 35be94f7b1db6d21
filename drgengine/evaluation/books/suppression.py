"""Which rows are too small to be shown, and which more are hidden so that none can be worked out (小格抑制)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]


def hidden_rows(counts: Ints, group: Ints, smallest: int) -> Bools:
    """bool[n]: rows of a group that may not be shown one by one when the total of the group is known.

    counts : int64[n], cases of a row, from 1   group : int64[n], rows whose total is published

    Every row of fewer than `smallest` cases is hidden. Where there is one, the smallest others follow until two rows
    are hidden that have `smallest` cases together, so that no difference to the total gives one of them away; a group
    of a single small row is hidden alone.

    >>> hidden_rows(np.array([3, 50, 40, 2, 4]), np.array([0, 0, 0, 1, 1]), 5).tolist()
    [True, False, True, True, True]
    >>> hidden_rows(np.array([5, 50]), np.array([0, 0]), 5).tolist()
    [False, False]
    """
    hidden = np.zeros(counts.size, np.bool_)
    if not counts.size:
        return hidden
    order = np.lexsort((np.arange(counts.size), counts, group))
    sorted_counts, sorted_group = counts[order], group[order]
    first = np.flatnonzero(np.r_[True, sorted_group[1:] != sorted_group[:-1]])
    start = np.repeat(first, np.diff(np.r_[first, counts.size]))
    place = np.arange(counts.size) - start
    before = np.cumsum(sorted_counts) - sorted_counts
    before -= before[start]
    small = sorted_counts < smallest
    any_small = np.add.reduceat(small, first) > 0
    any_small = np.repeat(any_small, np.diff(np.r_[first, counts.size]))
    hidden[order] = any_small & (small | (place < 2) | (before < smallest))
    return hidden
