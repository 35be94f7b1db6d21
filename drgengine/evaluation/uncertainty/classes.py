"""Classes instead of ranks (等级): given only where the data settle them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from drgengine.errors import EvaluationError
from drgengine.evaluation.uncertainty.rankdraws import RankIntervals
from drgengine.evaluation.uncertainty.unitlabels import read_groups

Ints = npt.NDArray[np.int64]
FEW = 3  # units of a group up to which its classes need a remark


@dataclass(frozen=True, slots=True, eq=False)
class Classes:
    """Classes of units.

    table : one row per unit: class ("" where not separable or not ranked), class_probability (of the likeliest class),
        likeliest (that class), separable, reason ("" or a remark, also on classes of very few units)
    probabilities : units x classes, share of the draws; NaN where not ranked
    """

    table: pd.DataFrame
    probabilities: pd.DataFrame


def class_limits(units: int, shares: Sequence[float]) -> tuple[int, ...]:
    """Last rank of each class among so many ranked units: cumulated shares x units, halves rounded up.

    >>> class_limits(12, [0.25, 0.5, 0.25]), class_limits(3, [0.25, 0.5, 0.25]), class_limits(1, [0.25, 0.5, 0.25])
    ((3, 9, 12), (1, 2, 3), (0, 1, 1))
    """
    # 0.1 + 0.2 is a little above 0.3; a half must not be rounded by that.
    limits = np.floor(np.round(np.cumsum(shares) * units, 9) + 0.5).astype(int)
    return (*limits[:-1].tolist(), units)


def class_numbers(ranks: npt.NDArray[Any], groups: Ints, shares: Sequence[float]) -> npt.NDArray[np.int8]:
    """Class of every rank, int8[draws, units], 0 = best, -1 = not ranked; limits by the units ranked in the draw."""
    numbers = np.full(ranks.shape, -1, np.int8)
    for code in np.unique(groups):
        at = np.flatnonzero(groups == code)
        mine = ranks[:, at]
        sizes = (mine > 0).sum(axis=1)
        limits = np.array([class_limits(size, shares) for size in range(at.size + 1)], np.int64)[sizes]
        found = (mine[:, :, None] > limits[:, None, :-1]).sum(axis=2)
        numbers[:, at] = np.where(mine > 0, found, -1)
    return numbers


def check_classes(names: Sequence[str], shares: Sequence[float]) -> None:
    """Raises EvaluationError: names twice, shares that are not one per name, above 0 and 1 together."""
    if not names or len(set(names)) != len(names) or "" in names:
        raise EvaluationError("names", f"{list(names)} do not name classes", "Give each class a name of its own")
    if len(shares) != len(names) or min(shares) <= 0.0 or abs(sum(shares) - 1.0) > 1e-6:
        problem = f"{list(shares)} for the classes {', '.join(names)}"
        raise EvaluationError("shares", problem, "Give a share above 0 for each class, 1 together")


def separable_classes(
    ranks: Any,
    groups: Any = None,
    names: Sequence[str] = ("A", "B", "C"),
    shares: Sequence[float] = (0.25, 0.5, 0.25),
    probability: float = 0.8,
) -> Classes:
    """Class of every unit, where one class has at least `probability`; otherwise "not separable" (等级可分性).

    ranks : RankIntervals, or ranks [draws, units] within the groups with 0 for no rank (DataFrame keeps the labels)
    groups : peer group of each unit; None = those of RankIntervals, or one group
    names, shares : classes from best to worst and the shares of the ranked units of a group they take. Limits are
        rounded: cumulated share x units, halves up, so a small group may have no unit in a class (see class_limits);
        ties share the best place and may make a class larger
    A unit that is alone in its group gets no class, groups of two or three get a remark.

    Raises EvaluationError: classes or shares that do not fit, a probability not above 0 and up to 1.

    >>> found = separable_classes(np.array([[1, 2, 3], [1, 3, 2], [1, 2, 3]]))
    >>> found.table["class"].tolist(), found.table["class_probability"].round(2).tolist()
    (['A', '', ''], [1.0, 0.67, 0.67])
    """
    check_classes(names, shares)
    if not 0.0 < probability <= 1.0:
        raise EvaluationError("probability", f"{probability!r} is no probability", "Give e.g. 0.8")
    drawn, units, groups = _read_ranks(ranks, groups)
    codes, _, _ = read_groups(groups, units)
    numbers = class_numbers(drawn, codes, shares)
    counts = np.stack([(numbers == k).sum(axis=0) for k in range(len(names))], axis=1).astype(np.float64)
    ranked = counts.sum(axis=1)
    share = np.where(ranked[:, None] > 0, counts / np.maximum(ranked, 1.0)[:, None], np.nan)
    size = np.array([((codes == code) & (ranked > 0)).sum() for code in codes])
    at = np.where(ranked > 0, np.argmax(counts, axis=1), 0)
    best = np.where(ranked > 0, share[np.arange(len(units)), at], np.nan)
    separable = (ranked > 0) & (best >= probability - 1e-12) & (size > 1)
    likeliest = np.where(ranked > 0, np.array(names, dtype=object)[at], "")
    table = pd.DataFrame(
        {
            "class": np.where(separable, likeliest, ""),
            "class_probability": best,
            "likeliest": likeliest,
            "separable": separable,
            "reason": [_reason(*row) for row in zip(ranked > 0, size, separable, best, likeliest, strict=True)],
        },
        index=units,
    )
    return Classes(table, pd.DataFrame(share, index=units, columns=list(names)))


def _reason(ranked: bool, size: int, separable: bool, probability: float, likeliest: str) -> str:
    if not ranked:
        return "not ranked"
    if size == 1:
        return "alone in its group"
    few = f"group of {size} units" if size <= FEW else ""
    if separable:
        return few
    words = f"not separable: {likeliest} with {100 * probability:.0f} %"
    return f"{words}, {few}" if few else words


def _read_ranks(ranks: Any, groups: Any) -> tuple[npt.NDArray[Any], pd.Index, Any]:
    if isinstance(ranks, RankIntervals):
        return ranks.ranks, ranks.table.index, ranks.table["group"] if groups is None else groups
    units = ranks.columns if isinstance(ranks, pd.DataFrame) else None
    array = np.asarray(ranks)
    if array.ndim != 2 or not array.size or not np.issubdtype(array.dtype, np.number) or (array < 0).any():
        raise EvaluationError("ranks", f"their shape is {array.shape}", "Give ranks [draws, units], 0 for no rank")
    return array, pd.RangeIndex(array.shape[1]) if units is None else units, groups
