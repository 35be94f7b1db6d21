"""The same costs allocated by every method (分摊方法比较): how much the choice of a method moves, and where."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
import pandas as pd

from drgengine.costing.allocation.allocate import allocate
from drgengine.costing.allocation.allocationinput import read_input
from drgengine.costing.allocation.categories import category_of, category_words
from drgengine.costing.allocation.graph import mutual_groups
from drgengine.costing.allocation.result import Allocation
from drgengine.costing.model import AllocationMethod
from drgengine.errors import CostingError


@dataclass(frozen=True, eq=False)
class MethodComparison:
    """Full cost of the final departments by method.

    allocations : method -> Allocation, in the order direct, step-down, three-level, reciprocal, double
    refused : method -> why it cannot be used with these drivers
    mutual : groups of service departments that serve each other (交互服务): where there is one, a step-down depends on
        its order, and the reciprocal method is the one that does not
    """

    allocations: dict[str, Allocation]
    refused: dict[str, str]
    mutual: tuple[tuple[Hashable, ...], ...]

    @property
    def full(self) -> dict[str, pd.DataFrame]:
        """Method -> final x columns, yuan."""
        return {method: allocation.full for method, allocation in self.allocations.items()}

    @property
    def totals(self) -> pd.DataFrame:
        """Final x methods, yuan, all columns together."""
        return pd.DataFrame({method: full.sum(axis=1) for method, full in self.full.items()})

    @property
    def differences(self) -> pd.DataFrame:
        """`totals` with `largest_difference` (highest less lowest method, yuan) and `share` of it in the highest.

        The department that moves most comes first. share is NaN where the highest is not above 0.
        """
        table = self.totals
        highest, lowest = table.max(axis=1), table.min(axis=1)
        gap = highest - lowest
        share = (gap / highest.where(highest > 0)).astype(float)
        table = table.assign(largest_difference=gap, share=share)
        return table.sort_values("largest_difference", ascending=False, kind="stable")


def compare_methods(
    costs: Any,
    drivers: Any,
    category: Any = None,
    order: Iterable[Hashable] | None = None,
    final: Iterable[Hashable] | None = None,
    **policies: Any,
) -> MethodComparison:
    """Allocate by every method with the same final departments.

    costs, drivers, order : as in allocate
    category : as in allocate; without it the three-level method is left out
    final : by default the clinical departments of `category`, without it those that have no row in drivers
    policies : self_use, drivers_are, share_sum, negative, as in allocate

    A method the drivers do not suit is listed in `refused`. Raises CostingError when none is left.

    >>> costs = pd.Series({"PM": 6_300_000, "IS": 1_452_150, "MACH": 4_000_000, "ASSY": 2_000_000}, dtype=float)
    >>> drivers = pd.DataFrame(
    ...     {"PM": [0, 200], "IS": [1600, 0], "MACH": [2400, 1600], "ASSY": [4000, 200]}, index=["PM", "IS"]
    ... )
    >>> compare_methods(costs, drivers).totals.loc["MACH"].round().to_dict()
    {'direct': 7653300.0, 'step-down': 8300800.0, 'reciprocal': 8187025.0, 'double': 8241100.0}
    """
    order = list(order) if isinstance(order, Iterator) else order
    if final is not None:
        final = list(final) if isinstance(final, Iterator) else final
    elif category is not None:
        final = [code for code, word in category_words(category).items() if category_of(word) == "clinical"]
    allocations: dict[str, Allocation] = {}
    refused: dict[str, str] = {}
    for method in get_args(AllocationMethod):
        if method == "three-level" and category is None:
            continue
        try:
            allocations[method] = allocate(
                costs, drivers, method, order=order, category=category, final=final, **policies
            )
        except CostingError as error:
            refused[method] = str(error)
    if not allocations:
        raise CostingError("compare_methods", "no method can be used", next(iter(refused.values())))
    return MethodComparison(allocations, refused, _mutual(costs, drivers, final, policies))


def _mutual(
    costs: Any, drivers: Any, final: Iterable[Hashable] | None, policies: dict[str, Any]
) -> tuple[tuple[Hashable, ...], ...]:
    stated = {"self_use": "drop", "drivers_are": "statistics", "share_sum": "refuse", "negative": "refuse", **policies}
    read = read_input(costs, drivers, method="reciprocal", order=None, category=None, final=final, **stated)
    gives = read.statistics[:, read.givers] > 0
    np.fill_diagonal(gives, False)
    groups = mutual_groups(gives, np.ones(len(read.givers), np.bool_))
    return tuple(tuple(read.departments[read.givers[group]]) for group in groups)
