"""Input of an allocation: costs, drivers, final departments, order and categories, checked and packed into arrays."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from drgengine.costing.allocation.categories import CHINESE, category_of, category_words
from drgengine.costing.allocation.labelledtable import add_cells, as_frame, cell_values, check_known, check_labels
from drgengine.costing.allocation.problems import Problems
from drgengine.costing.bilingual import listed, phrase
from drgengine.costing.findings import finding
from drgengine.costing.model import CATEGORIES, Finding
from drgengine.errors import CostingError

Floats = npt.NDArray[np.float64]
_SHARE_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class AllocationInput:
    """n departments, k columns, m givers.

    costs : float64 (n, k); givers : int64 (m,) in the order of closing; statistics : float64 (m, n) of the givers
    final : bool (n,); categories : int64 (n,), -1 without; findings : policies that were used
    """

    departments: pd.Index
    columns: pd.Index
    costs: Floats
    givers: npt.NDArray[np.int64]
    statistics: Floats
    final: npt.NDArray[np.bool_]
    categories: npt.NDArray[np.int64]
    findings: tuple[Finding, ...]


def read_input(
    costs: Any,
    drivers: Any,
    *,
    method: str,
    order: Iterable[Hashable] | None,
    category: Any,
    final: Iterable[Hashable] | None,
    self_use: str,
    drivers_are: str,
    share_sum: str,
    negative: str,
) -> AllocationInput:
    """Check everything and report all that is wrong in one error."""
    problems = Problems()
    findings: list[Finding] = []
    costs, drivers = as_frame(costs, "costs"), as_frame(drivers, "drivers")
    departments = costs.index
    _check_tables(costs, drivers, problems)
    money = cell_values(costs, "costs", problems, "Enter 0 where the department has no such cost")
    _check_negative(costs, money, negative, problems, findings)
    table = cell_values(drivers, "drivers", problems, "Enter 0 where the department uses nothing")
    wrong = np.asarray(table < 0)
    add_cells(problems, drivers, "drivers", wrong, lambda cell: f"{cell} is negative", "Enter a statistic of 0 or more")
    problems.stop("costs and drivers")

    categories = _categories(category, departments, method, problems)
    kept = _final(final, drivers.index, departments, categories, method, problems)
    if method == "three-level":
        _check_clinical(kept, categories, departments, drivers.index, final is not None, problems)
    problems.stop("final and category")
    givers = np.flatnonzero(~kept)
    statistics = np.zeros((len(givers), len(departments)))
    at = drivers.index.get_indexer(departments[givers])
    statistics[np.ix_(at >= 0, departments.get_indexer(drivers.columns))] = table[at[at >= 0]]
    if drivers_are == "shares":
        _check_shares(statistics, departments[givers], share_sum, problems, findings)
    place = _places(order, givers, statistics, money, categories, departments, method, problems)
    problems.stop("drivers and order")
    givers, statistics = givers[place], statistics[place]
    _note_self_use(statistics, givers, departments, self_use, findings)
    return AllocationInput(departments, costs.columns, money, givers, statistics, kept, categories, tuple(findings))


def _check_tables(costs: Any, drivers: Any, problems: Problems) -> None:
    if not len(costs.index) or not len(costs.columns):
        problems.add("costs", f"the table is {len(costs.index)} x {len(costs.columns)}", "Give departments and columns")
    check_labels(costs.index, "costs, departments", problems)
    if not costs.columns.is_unique:
        twice = list(costs.columns[costs.columns.duplicated()].unique())
        problems.add("costs, columns", f"{twice[0]!r} stands there twice", "Add the columns up or rename one")
    problems.stop("costs")
    for labels, name in (
        (drivers.index, "drivers, giving departments"),
        (drivers.columns, "drivers, receiving departments"),
    ):
        check_labels(labels, name, problems)
        check_known(labels, costs.index, name, problems)


def _check_negative(frame: Any, costs: Floats, policy: str, problems: Problems, findings: list[Finding]) -> None:
    wrong = costs < 0
    if policy == "refuse":
        remedy = 'Net refunds and red vouchers first, or pass negative="allocate"'
        add_cells(problems, frame, "costs", np.asarray(wrong), lambda cell: f"the cost {cell} is negative", remedy)
        return
    for row in np.flatnonzero(wrong.any(axis=1)):
        amount = float(costs[row][wrong[row]].sum())
        place = phrase("department", code=str(frame.index[row]))
        findings.append(finding("warning", "negative_cost.allocated", place, amount, cost=amount))


def _categories(category: Any, departments: Any, method: str, problems: Problems) -> npt.NDArray[np.int64]:
    """Position in CATEGORIES of each department, -1 without; only the three-level method needs them."""
    numbers = np.full(len(departments), -1)
    if category is None:
        if method == "three-level":
            problems.add("category", "is not given", 'Pass category={department: "administration" or "行政后勤", ...}')
        return numbers
    words = category_words(category)
    for at, code in enumerate(departments):
        known = category_of(words[code]) if code in words else None
        if known is not None:
            numbers[at] = CATEGORIES.index(known)
        elif method == "three-level" and code in words:
            remedy = "Write one of " + ", ".join(f"{name} ({CHINESE[name]})" for name in CATEGORIES)
            problems.add(f"category, department {code!r}", f"{words[code]!r} is no category", remedy)
        elif method == "three-level":
            problems.add(f"category, department {code!r}", "has none", "Enter its category")
    return numbers


def _final(
    final: Iterable[Hashable] | None,
    giving: Any,
    departments: Any,
    categories: npt.NDArray[np.int64],
    method: str,
    problems: Problems,
) -> npt.NDArray[np.bool_]:
    """bool (n,): those named, else the clinical ones in the three-level method, else those without a row in drivers."""
    if final is not None:
        named = pd.Index(_codes(final, "final"))
        check_known(named, departments, "final", problems)
        kept = np.asarray(departments.isin(named))
    elif method == "three-level":
        kept = categories == CATEGORIES.index("clinical")
    else:
        kept = ~np.asarray(departments.isin(giving))
    if not kept.any() and (method != "three-level" or (categories >= 0).all()):
        problems.add("final", "no department is left to keep its cost", "Name the final departments with final=")
    return kept


def _check_clinical(
    kept: npt.NDArray[np.bool_],
    categories: npt.NDArray[np.int64],
    departments: Any,
    giving: Any,
    stated: bool,
    problems: Problems,
) -> None:
    clinical = categories == CATEGORIES.index("clinical")
    for code in departments[clinical & ~kept]:
        problems.add(
            f"final, department {code!r}", "is clinical and not named", "Name it: clinical departments give to nobody"
        )
    if not stated:
        for code in departments[clinical & np.asarray(departments.isin(giving))]:
            remedy = "Take the row out of drivers, correct the category, or name the final departments with final="
            problems.add(f"drivers, row {code!r}", "the department is clinical and gives to nobody", remedy)


def _check_shares(statistics: Floats, givers: Any, policy: str, problems: Problems, findings: list[Finding]) -> None:
    sums = statistics.sum(axis=1)
    for at in np.flatnonzero((sums > 0) & (np.abs(sums - 1) > _SHARE_TOLERANCE)):
        if policy == "refuse":
            problem = f"the shares sum to {sums[at]:.8g} and not to 1"
            problems.add(f"drivers, row {givers[at]!r}", problem, 'Correct them, or pass share_sum="normalise"')
        else:
            place = phrase("drivers_row", giver=givers[at])
            findings.append(finding("warning", "share_sum.allocation", place, total=sums[at]))


def _places(
    order: Iterable[Hashable] | None,
    givers: npt.NDArray[np.int64],
    statistics: Floats,
    costs: Floats,
    categories: npt.NDArray[np.int64],
    departments: Any,
    method: str,
    problems: Problems,
) -> npt.NDArray[np.int64]:
    """Positions among the givers in the order of closing; only stepwise methods look at `order`."""
    if method == "three-level":
        return np.argsort(categories[givers], kind="stable")
    if method not in ("step-down", "double"):
        return np.arange(len(givers))
    if order is None:
        others = statistics > 0
        others[np.arange(len(givers)), givers] = False
        return np.lexsort((-costs[givers].sum(axis=1), -others.sum(axis=1)))
    position = {departments[giver]: at for at, giver in enumerate(givers)}
    asked = _codes(order, "order")
    for at, code in enumerate(asked, 1):
        if code not in position:
            remedy = f"Order the giving departments: {', '.join(map(str, position))}"
            problems.add(f"order, entry {at}", f"{code!r} is no giving department", remedy)
    if len(set(asked)) < len(asked):
        twice = next(code for at, code in enumerate(asked) if code in asked[:at])
        problems.add("order", f"{twice!r} stands there twice", "A department is closed once")
    if missing := [str(code) for code in position if code not in set(asked)]:
        problems.add("order", f"{', '.join(missing)} missing", "Say when each giving department is closed")
    return np.array([position[code] for code in asked if code in position], np.int64)


def _codes(codes: Iterable[Hashable], name: str) -> list[Hashable]:
    if isinstance(codes, str):
        raise CostingError(name, f"is the text {codes!r}", f"Pass a list of department codes: {name}=[{codes!r}]")
    return list(codes)


def _note_self_use(
    statistics: Floats, givers: npt.NDArray[np.int64], departments: Any, policy: str, findings: list[Finding]
) -> None:
    using = departments[givers[statistics[np.arange(len(givers)), givers] > 0]]
    if len(using):
        place = phrase("drivers_of", departments=listed(map(str, using), 8))
        findings.append(finding("note", "self_use.dropped" if policy == "drop" else "self_use.kept", place))
