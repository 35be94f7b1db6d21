"""The result of an allocation: what final departments bear, level by level, and where each yuan came from."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from drgengine.costing.allocation.products import product
from drgengine.costing.model import Finding
from drgengine.errors import CostingError

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class Step:
    """One level of an allocation: its departments give at the same time.

    level : "administration", ... ; "services"; "first", "second"; in a step-down the code of the giving department
    departments, givers, columns : pandas Index
    share_values : float64 (givers, departments), rows sum to 1, own use included where it is kept; a department without
        cost and without a driver has zeros
    given_values : float64 (givers, columns), yuan, before own use is taken off
    """

    level: Hashable
    departments: pd.Index
    givers: pd.Index
    columns: pd.Index
    share_values: Floats
    given_values: Floats

    @cached_property
    def shares(self) -> pd.DataFrame:
        """Giver x receiving department, rows sum to 1."""
        return pd.DataFrame(self.share_values, self.givers, self.departments)

    @cached_property
    def given(self) -> pd.DataFrame:
        """Giver x column, yuan."""
        return pd.DataFrame(self.given_values, self.givers, self.columns)

    @cached_property
    def received(self) -> pd.DataFrame:
        """Department x column, yuan: shares, transposed, times given."""
        return pd.DataFrame(product(self.share_values.T, self.given_values), self.departments, self.columns)

    def __repr__(self) -> str:
        return f"Step({self.level!r}, {len(self.givers)} giving)"


class Received(Mapping[Hashable, pd.DataFrame]):
    """Level -> DataFrame, each made when asked for: a step-down may have hundreds of levels."""

    def __init__(self, steps: tuple[Step, ...]) -> None:
        self._steps = {step.level: step for step in steps}

    def __getitem__(self, level: Hashable) -> pd.DataFrame:
        return self._steps[level].received

    def __iter__(self) -> Iterator[Hashable]:
        return iter(self._steps)

    def __len__(self) -> int:
        return len(self._steps)

    def __repr__(self) -> str:
        return f"Received({', '.join(map(str, self._steps))})"


@dataclass(frozen=True, eq=False, repr=False)
class Allocation:
    """Costs after allocation (分摊结果). All tables are pandas DataFrames in yuan, made when first asked for.

    method : "direct", "step-down", "three-level", "reciprocal" or "double"
    departments, final, order, columns : pandas Index; order = the giving departments in the order of closing
    steps : the levels in order; what departments receive is the sum over the steps of shares, transposed, times given
    findings : policies that were used, to be listed among the exceptions
    """

    method: str
    departments: pd.Index
    final: pd.Index
    order: pd.Index
    columns: pd.Index
    steps: tuple[Step, ...]
    findings: tuple[Finding, ...]
    cost_values: Floats
    full_values: Floats
    ending_values: Floats

    @cached_property
    def full(self) -> pd.DataFrame:
        """Full cost (全成本) of the final departments: final x columns; its sums are those of the costs."""
        return pd.DataFrame(self.full_values, self.final, self.columns)

    @cached_property
    def direct(self) -> pd.DataFrame:
        """Their own cost (直接成本) before the allocation: final x columns."""
        return pd.DataFrame(self._of(self.cost_values, self.final), self.final, self.columns)

    @cached_property
    def received(self) -> Mapping[Hashable, pd.DataFrame]:
        """Level -> what every department receives at it: department x columns, service departments included."""
        return Received(self.steps)

    @cached_property
    def gross(self) -> pd.DataFrame:
        """Cost of the giving departments, what they receive included, before they give: order x columns."""
        total = np.zeros((len(self.order), len(self.columns)))
        if self.steps:
            givers = self.order[:0].append([step.givers for step in self.steps])
            np.add.at(total, self.order.get_indexer(givers), np.vstack([step.given_values for step in self.steps]))
        return pd.DataFrame(total, self.order, self.columns)

    @cached_property
    def origin_share(self) -> pd.DataFrame:
        """Fraction of each department's own cost that ends in each final one: final x departments.

        Columns sum to 1. A department without cost whose driver leads nowhere has a column of zeros.
        """
        return pd.DataFrame(self.ending_values, self.final, self.departments)

    @cached_property
    def origin(self) -> pd.DataFrame:
        """Where each yuan came from (成本来源), all columns together: final x departments; rows sum to full."""
        return self.origin_share * self.cost_values.sum(axis=1)

    def origin_of(self, column: Hashable) -> pd.DataFrame:
        """`origin` of one column of the costs. Raises CostingError for an unknown column."""
        if column not in self.columns:
            known = ", ".join(map(str, self.columns[:20]))
            raise CostingError("origin_of", f"the costs have no column {column!r}", f"Columns: {known}")
        return self.origin_share * self.cost_values[:, self.columns.get_loc(column)]

    @cached_property
    def reconciliation(self) -> pd.DataFrame:
        """Cost column x stages: ledger, total of all departments after each level, final, and final less ledger."""
        totals = self.stage_totals
        stages = ["ledger", *(f"after {step.level}" for step in self.steps), "final", "difference"]
        return pd.DataFrame(np.vstack([totals, totals[-1] - totals[0]]).T, self.columns, pd.Index(stages))

    @cached_property
    def stage_totals(self) -> Floats:
        """float64 (2 + steps, columns): total of the ledger, after each step, of the final departments."""
        ledger = self.cost_values.sum(axis=0)
        moved = [product(step.share_values.sum(axis=1) - 1, step.given_values) for step in self.steps]
        after = ledger + np.cumsum(np.array(moved).reshape(len(moved), len(ledger)), axis=0)
        return np.vstack([ledger, after, self.full_values.sum(axis=0)])

    def _of(self, values: Floats, labels: pd.Index) -> Floats:
        return values[self.departments.get_indexer(labels)]

    def __repr__(self) -> str:
        return (
            f"Allocation({self.method!r}, {len(self.order)} of {len(self.departments)} departments give to "
            f"{len(self.final)}, total {self.full_values.sum():,.2f})"
        )


def check_conservation(allocation: Allocation) -> None:
    """Raise CostingError unless every column has the same total before, between and after the levels.

    Half a fen per department may be lost to rounding of floating point numbers, or 1e-12 of the amounts that move: the
    costs, and for the totals between levels what was given, which is far more where hardly anything leaves a cycle.
    """
    totals = allocation.stage_totals
    moving = np.repeat(np.abs(allocation.cost_values).sum(axis=0)[None, :], len(totals), axis=0)
    for step in allocation.steps:
        moving[1:-1] += np.abs(step.given_values).sum(axis=0)
    allowed = np.maximum(0.005 * len(allocation.departments), 1e-12 * moving)
    gaps = np.argwhere(~(np.abs(totals - totals[0]) <= allowed))
    if not len(gaps):
        return
    stage, column = gaps[0]
    name = allocation.reconciliation.columns[stage]
    raise CostingError(
        f"allocation, column {allocation.columns[column]!r}",
        f"{totals[stage, column]:,.2f} {name} against {totals[0, column]:,.2f} in the ledger",
        "This is a mistake of the program: please report it with the input",
    )
