"""Allocation of the cost of service departments to final ones (科室成本分摊): one call, five methods."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from drgengine.costing.allocation.allocationinput import AllocationInput, read_input
from drgengine.costing.allocation.closing import close, ending_shares, pass_on
from drgengine.costing.allocation.graph import caught_departments
from drgengine.costing.allocation.problems import Problems
from drgengine.costing.allocation.products import product
from drgengine.costing.allocation.result import Allocation, Step, check_conservation
from drgengine.costing.allocation.rounds import Round, rounds_of
from drgengine.costing.allocation.shares import GiverShares, giver_shares
from drgengine.costing.model import AllocationMethod
from drgengine.errors import CostingError

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
_CHOICES: dict[str, tuple[str, ...]] = {
    "method": ("direct", "step-down", "three-level", "reciprocal", "double"),
    "self_use": ("drop", "keep"),
    "drivers_are": ("statistics", "shares"),
    "share_sum": ("refuse", "normalise"),
    "negative": ("refuse", "allocate"),
}


def allocate(
    costs: Any,
    drivers: Any,
    method: AllocationMethod = "three-level",
    *,
    order: Iterable[Hashable] | None = None,
    category: Any = None,
    final: Iterable[Hashable] | None = None,
    self_use: Literal["drop", "keep"] = "drop",
    drivers_are: Literal["statistics", "shares"] = "statistics",
    share_sum: Literal["refuse", "normalise"] = "refuse",
    negative: Literal["refuse", "allocate"] = "refuse",
) -> Allocation:
    """Pass the costs of service departments on to the final ones, every column of costs at once.

    costs : DataFrame, index department code, one column per cost item (any labels, also several levels), yuan; or a
        Series; or a polars or Arrow table with the codes in its first column. It lists every department.
    drivers : DataFrame, index giving department, columns receiving department, statistic >= 0 or share; a department
        without a column receives nothing. Rows are proportions: scaling one changes nothing.
    method :
        "direct" 直接分配法: service departments give to final ones alone
        "step-down" 阶梯分配法: closed one after the other, as `order` says; a closed department never receives
        "three-level" 三级分摊: 行政后勤 to all others, 医疗辅助 to 医疗技术 and 临床服务, 医疗技术 to 临床服务,
            each level one direct pool (国家卫生健康委 国卫财务发〔2021〕4号, formula as recalled)
        "reciprocal" 交互分配法: simultaneous equations, the limit of repeated distribution
        "double" 二次分配法: first every service department gives its own cost to all others at the same time, then a
            step-down of what the service departments received
    order : giving departments, the first to be closed first, for "step-down" and "double"; other methods do not look at
        it. By default those that serve most departments first, then the more costly, then the order of the costs.
    category : mapping or Series, department -> administration, auxiliary, technology, clinical, or 行政后勤, 医疗辅助,
        医疗技术, 临床服务 (with or without 类); "three-level" needs it, other methods do not look at it
    final : departments that keep their cost and give to nobody, whatever the drivers say. By default the clinical ones
        in "three-level", otherwise those without a row in drivers. With the clinical and the technology departments as
        final the three-level method stops after its second level.
    self_use : own use of a giving department (自用) is dropped and the rest scaled up, or kept, which changes its gross
        cost and nobody's full cost
    drivers_are, share_sum : with "shares" every row that is not 0 must sum to 1 within 1e-6, or is scaled with
        "normalise"
    negative : negative costs are refused, or allocated like others with a warning among the findings

    Raises CostingError, which names the place and the value, for blanks, texts, negative or infinite numbers, unknown
    or repeated departments, a department whose cost no driver takes on, and departments that give only to each other.
    Cost is never lost: totals of every column are compared before, between and after the levels.

    >>> import pandas as pd
    >>> costs = pd.Series({"S1": 14_040, "S2": 18_000, "X": 48_000, "Y": 42_000, "Z": 30_000}, dtype=float)
    >>> drivers = pd.DataFrame(
    ...     [[0, 10, 20, 40, 30], [20, 0, 40, 20, 20]], index=["S1", "S2"], columns=["S1", "S2", "X", "Y", "Z"]
    ... )
    >>> a = allocate(costs, drivers, method="reciprocal")
    >>> a.full["cost"].round(2).to_dict()
    {'X': 59520.0, 'Y': 53160.0, 'Z': 39360.0}
    >>> a.gross["cost"].round(2).to_dict()
    {'S1': 18000.0, 'S2': 19800.0}
    """
    given = {
        "method": method,
        "self_use": self_use,
        "drivers_are": drivers_are,
        "share_sum": share_sum,
        "negative": negative,
    }
    for name, value in given.items():
        if value not in _CHOICES[name]:
            raise CostingError(name, f"{value!r} is not a choice", f"Choose one of {', '.join(_CHOICES[name])}")
    read = read_input(costs, drivers, order=order, category=category, final=final, **given)
    allocation = _run(read, method, self_use == "keep")
    check_conservation(allocation)
    return allocation


def _run(read: AllocationInput, method: str, keep_self: bool) -> Allocation:
    """Round by round; `held` is what each department holds, `ends` (n, .) where the cost of each has gone so far."""
    held, ends = read.costs, None
    holding = np.asarray((held != 0).any(axis=1))
    steps: list[Step] = []
    for one in rounds_of(method, read.givers, read.final, list(read.departments), read.categories):
        shares = giver_shares(read.statistics, one.givers, one.allowed, keep_self)
        _check_ways_out(read, one, shares.shares > 0, holding)
        gross, held, onward = _at_once(one, shares, held) if one.at_once else _in_turn(one, shares, held, read.final)
        holding = holding & read.final | (shares.shares[holding[one.givers]] > 0).any(axis=0)
        ends = onward if ends is None else product(ends, onward)
        steps.extend(_steps(read, one, shares, gross))
    assert ends is not None
    final = np.flatnonzero(read.final)
    return Allocation(
        method=method,
        departments=read.departments,
        final=read.departments[final],
        order=read.departments[read.givers],
        columns=read.columns,
        steps=tuple(steps),
        findings=read.findings,
        cost_values=read.costs,
        full_values=held[final],
        ending_values=np.ascontiguousarray(ends.T),
    )


def _in_turn(one: Round, shares: GiverShares, held: Floats, final: Bools) -> tuple[Floats, Floats, Floats]:
    """Gross cost of the givers (m, k), what everyone holds afterwards (n, k), endings (n, final)."""
    kept = np.flatnonzero(final)
    arranged = np.concatenate([one.givers, kept])
    closed = close(shares.shares[:, arranged])
    gross, full = pass_on(closed, held[arranged])
    after = np.zeros_like(held)
    after[kept] = full
    onward = np.zeros((len(held), len(kept)))
    onward[kept, np.arange(len(kept))] = 1.0
    onward[one.givers] = ending_shares(closed)
    return gross, after, onward


def _at_once(one: Round, shares: GiverShares, held: Floats) -> tuple[Floats, Floats, Floats]:
    """The same when every giver passes on what it holds now; endings are (n, n)."""
    onward = np.eye(len(held))
    onward[one.givers] = shares.shares
    gross, after = held[one.givers], held.copy()
    after[one.givers] = 0.0
    return gross, after + product(shares.shares.T, gross), onward


def _steps(read: AllocationInput, one: Round, shares: GiverShares, gross: Floats) -> Iterator[Step]:
    """One step per level; own use, where it is kept, comes back to the giver within its step."""
    values, given = shares.shares, gross
    if shares.own.any():
        values = values * shares.outside[:, None]
        values[np.arange(len(one.givers)), one.givers] = shares.own
        given = gross / shares.outside[:, None]
    order = read.departments[one.givers]
    for level, members in one.levels:
        yield Step(level, read.departments, order[members], read.columns, values[members], given[members])


def _check_ways_out(read: AllocationInput, one: Round, gives: Bools, holding: Bools) -> None:
    """Refuse what would lose cost: a department with cost that gives to nobody, a group that gives only to itself."""
    problems = Problems()
    mine = holding[one.givers]
    groups: list[npt.NDArray[np.int64]] = []
    if one.at_once:
        dead = np.flatnonzero(mine & ~gives.any(axis=1))
    else:
        to_final = np.asarray(gives[:, read.final].any(axis=1))
        dead, groups = caught_departments(gives[:, one.givers], to_final, mine)
    for at in dead:
        served = read.departments[read.statistics[at] > 0]
        others = ", ".join(str(code) for code in served if code != read.departments[one.givers[at]])
        why = f"it serves {others} alone, and {one.limit}" if others else "its driver is 0 for all other departments"
        cost = _cost_text(read, one.givers[[at]])
        remedy = "Enter its statistic, give it another driver, or name it in final="
        problems.add(
            f"drivers, department {read.departments[one.givers[at]]!r}", f"{why}; {cost} would be lost", remedy
        )
    for group in groups:
        named = ", ".join(map(str, read.departments[one.givers[group]]))
        cost = _cost_text(read, one.givers[group])
        problem = f"no path from {named} to any final cost centre: they give only to each other; {cost} would be lost"
        problems.add("drivers", problem, "Enter what they do for other departments, or name one of them in final=")
    problems.stop("drivers")


def _cost_text(read: AllocationInput, departments: npt.NDArray[np.int64]) -> str:
    costs = read.costs[departments]
    return f"cost of {costs.sum():,.2f}" if costs.any() else "the cost received from others"
