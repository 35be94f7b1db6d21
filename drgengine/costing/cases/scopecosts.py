"""Department costs in one scope (成本口径) as arrays: what the case methods give out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from drgengine.costing.cases.pools import Column, Fen
from drgengine.costing.fen import largest_remainder_columns
from drgengine.costing.ledger.directcosts import GOODS, element_key
from drgengine.costing.ledger.scope import in_scope
from drgengine.costing.model import Scope

GOODS_LABELS = ("drugs", "charged_materials")
"""Labels of the goods classes, also the centre group of goods that are pooled over the hospital."""


def goods_class(element: str) -> int:
    """0 for drugs (药品费), 1 for separately charged materials (单独收费卫生材料), -1 for everything else.

    >>> [goods_class(e) for e in ("drugs", "drugs:herbal", "materials:charged", "materials")]
    [0, 0, 1, -1]
    """
    for number, goods in enumerate(GOODS):
        if element == goods or element.startswith(goods + ":"):
            return number
    return -1


@dataclass(frozen=True, slots=True)
class ScopedCosts:
    """Cost of departments in one scope, fund sources added up.

    departments : codes, in the order asked for
    columns : (element, behaviour), in the order of the seven cost items
    fen : int64 (departments, columns)
    outside : fen per element that the scope leaves out
    """

    departments: tuple[str, ...]
    columns: tuple[Column, ...]
    fen: Fen
    outside: dict[str, int]

    @property
    def goods(self) -> npt.NDArray[np.int8]:
        """Goods class of each column, see `goods_class`."""
        return np.array([goods_class(element) for element, _ in self.columns], np.int8)

    def only(self, goods: int | None) -> Fen:
        """fen with the columns of one goods class alone (-1: without goods), the others zero."""
        return np.where(self.goods == goods, self.fen, 0)


def scope_costs(cells: Any, scope: Scope, departments: tuple[str, ...]) -> ScopedCosts:
    """Add up cells of department costs that belong to a scope.

    cells : DataFrame dept_code, element, fund_source, behaviour, block, fen (and others), see departments.py
    departments : codes in the order wanted; every department of the cells is among them
    """
    inside = np.asarray(in_scope(cells, scope), bool)
    names = list(zip(cells["element"], cells["behaviour"], strict=True))
    wanted = tuple(sorted(set(names), key=lambda name: (element_key(name[0]), name[1])))
    of_department = {code: n for n, code in enumerate(departments)}
    of_column = {name: n for n, name in enumerate(wanted)}
    row = np.array([of_department[code] for code in cells["dept_code"]], np.int64)
    column = np.array([of_column[name] for name in names], np.int64)
    fen = np.asarray(cells["fen"], np.int64)
    table = np.zeros((len(departments), len(wanted)), np.int64)
    np.add.at(table, (row[inside], column[inside]), fen[inside])
    outside: dict[str, int] = {}
    for element, amount in zip(cells["element"][~inside], fen[~inside], strict=True):
        outside[element] = outside.get(element, 0) + int(amount)
    return ScopedCosts(departments, wanted, table, outside)


def by_source(
    costs: ScopedCosts, allocation: Any, scope: Scope, technology: tuple[str, ...], centre_group: tuple[str, ...]
) -> list[tuple[int, str, Fen]]:
    """Split the full cost of each department into its own part and what technology departments gave it.

    costs : full cost after the last level without goods, whole fen
    allocation : whose steps say what each department gave to whom
    technology : codes of medical technology departments (医疗技术)
    centre_group : of each department of costs

    Returns (row of costs, centre group, fen per column), departments in order, own part first; what comes through
    several technology departments of one centre group is one entry. The parts of a department add up exactly.
    """
    group_of = dict(zip(costs.departments, centre_group, strict=True))
    received = received_from(costs, allocation, scope, technology)
    parts: list[tuple[int, str, Fen]] = []
    for row in np.flatnonzero((costs.fen != 0).any(axis=1)):
        code, own = costs.departments[row], costs.fen[row].astype(np.float64)
        by_group: dict[str, npt.NDArray[np.float64]] = {group_of[code]: own}
        for giver, amounts in received.items():
            if giver == code or not amounts[row].any():
                continue
            own -= amounts[row]
            by_group.setdefault(group_of[giver], np.zeros_like(own))
            if group_of[giver] != group_of[code]:
                by_group[group_of[giver]] += amounts[row]
            else:
                own += amounts[row]
        table = _without_noise(np.stack(list(by_group.values())), costs.fen[row], len(allocation.steps) + 1)
        split = largest_remainder_columns(table, costs.fen[row])
        parts.extend(
            (int(row), group, amounts) for group, amounts in zip(by_group, split, strict=True) if amounts.any()
        )
    return parts


def _without_noise(table: npt.NDArray[np.float64], fen: Fen, most: int) -> npt.NDArray[np.float64]:
    """Parts (sources, columns) of a cost in whole fen; its rounding at up to `most` steps makes no part negative."""
    noise = (table < 0) & (table > -most) & (fen >= 0)
    if not noise.any():
        return table
    kept = np.where(noise, 0.0, table)
    total = kept.sum(axis=0)
    scale = np.divide(fen, total, out=np.ones(total.shape), where=noise.any(axis=0) & (total > 0))
    return np.asarray(kept * scale, np.float64)


def received_from(
    costs: ScopedCosts, allocation: Any, scope: Scope, technology: tuple[str, ...], *, goods: bool = False
) -> dict[str, npt.NDArray[np.float64]]:
    """What each technology department gave to the departments of costs: (departments, columns), fen.

    goods : of drugs and separately charged materials alone, otherwise of everything else
    """
    import pandas as pd

    answer: dict[str, npt.NDArray[np.float64]] = {}
    of_column = {name: n for n, name in enumerate(costs.columns)}
    for step in allocation.steps:
        frame = step.given.columns.to_frame(index=False)
        gather = np.zeros((len(frame), len(costs.columns)))
        wanted = np.array([(goods_class(element) != -1) == goods for element in frame["element"]], bool)
        inside = np.asarray(in_scope(frame, scope), bool) & wanted
        for n in np.flatnonzero(inside):
            gather[n, of_column[(frame["element"][n], frame["behaviour"][n])]] = 100.0
        givers = [code for code in step.shares.index if code in set(technology)]
        if not givers:
            continue
        shares = pd.DataFrame(step.shares).reindex(index=givers, columns=list(costs.departments), fill_value=0.0)
        given = step.given.loc[givers].to_numpy(float) @ gather
        for code, share, amount in zip(givers, shares.to_numpy(float), given, strict=True):
            answer[code] = answer.get(code, 0.0) + np.outer(share, amount)
    return answer
