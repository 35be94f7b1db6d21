"""How much single cases of a cell vary (变异系数): its own spread, steadied by that of the group over all units."""

from __future__ import annotations

import numpy as np

from drgengine.evaluation.mix.cellarrays import Cells
from drgengine.evaluation.mix.measures import Floats

STEADYING = 5.0  # degrees of freedom that the pooled spread of the group counts for
UNKNOWN = 1.0  # squared coefficient of variation where nowhere two cases can be compared
_EPSILON = 1e-13


def square_variation(cells: Cells, amount: str) -> tuple[Floats, bool]:
    """Squared coefficient of variation of one case, float64[c], and whether any two cases could be compared at all.

    With the mean m, the unbiased variance s2 and n - 1 degrees of freedom f of a cell it is
    (f s2 + 5 V m2) / (f (m2 - s2 / n) + 5 m2): for many cases s2 / m2, for one case V, the pooled value of the group,
    sum f s2 / sum f (m2 - s2 / n), or of all groups where the group has no two cases of one unit. m2 - s2 / n is the
    unbiased square of the mean; s2 / m2 itself is too small in small cells of skewed amounts. So a cell of one case
    has the spread of its group and is not certain; a plain bootstrap of its cases would take it for certain.
    """
    known, total, squares = cells.amount(amount)
    freedom, mean, variance = _moments(known, total, squares)
    square = np.maximum(mean**2 - variance / np.where(known > 0, known, 1.0), 0.0)
    spread, level, group_freedom = (cells.per_group(freedom * part) for part in (variance, square, 1.0 + 0.0 * mean))
    some = level > 0
    of_group = np.where(some, spread / np.where(some, level, 1.0), 0.0)
    everywhere = float(group_freedom[some].sum())
    overall = float((group_freedom * of_group).sum() / everywhere) if everywhere > 0 else UNKNOWN
    pooled = np.where(some, of_group, overall)[cells.group]
    positive = mean > 0
    below = freedom * square + STEADYING * mean**2
    steady = (freedom * variance + STEADYING * pooled * mean**2) / np.where(positive, below, 1.0)
    return np.where(positive, steady, 0.0), everywhere > 0


def _moments(known: Floats, total: Floats, squares: Floats) -> tuple[Floats, Floats, Floats]:
    """Degrees of freedom (0 where there are none to use), mean, unbiased variance."""
    usable = (known > 1) & (total > 0)
    n = np.where(usable, known, 2.0)
    mean = np.where(known > 0, total / np.where(known > 0, known, 1.0), 0.0)
    around = np.where(usable, squares, 0.0) - n * mean**2
    around = np.where(usable & (around > _EPSILON * np.abs(squares)), around, 0.0)
    return np.where(usable, known - 1.0, 0.0), mean, around / (n - 1.0)
