"""Which departments a pool's cost comes from (成本池的来源科室): half of the way from a case to the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from drgengine.costing.cases.casemethods import MethodPools
from drgengine.costing.cases.scopecosts import ScopedCosts, goods_class, received_from, scope_costs
from drgengine.costing.cases.unitshares import unit_shares
from drgengine.costing.model import CostModel

if TYPE_CHECKING:
    from drgengine.costing.objects.departments import DepartmentCosts


def pool_sources(model: CostModel, departments: DepartmentCosts, made: MethodPools) -> Any:
    """Where each pool's cost stood after level 2: pandas DataFrame pool, element, dept_code, fen (float64).

    dept_code : a clinical or medical technology department, as among the rows of `DepartmentCosts.stage`
    Per pool and element the fen add up to those of the pool (as floats).
    """
    import pandas as pd

    table = model.tables["departments"].drop_duplicates("dept_code").set_index("dept_code")
    codes = tuple(str(code) for code in table.index)
    scope = model.settings.cases.scope
    stage = scope_costs(departments.stage_cells, scope, codes)
    group = {code: str(name) for code, name in zip(codes, table["centre_group"], strict=True)}
    shares = unit_shares(model, table)[0] if made.method == "cost-to-revenue" else {}
    technology = tuple(code for code in codes if table["category"][code] == "technology")
    full = scope_costs(departments.cells, scope, codes)
    received = received_from(full, departments.allocation, scope, technology) if made.method == "top-down" else {}
    goods = received_from(full, departments.allocation, scope, technology, goods=True) if received else {}
    rows: list[Any] = []
    for pool, label in enumerate(made.pools.label):
        base = stage
        if pool >= made.services:
            code, number = made.pools.department[pool], 0 if label.startswith("drugs") else 1
            if code and made.method == "top-down":
                base, weight = full, _goods(full, number, _own_and_given(full, goods, code))
            else:
                weight = _goods(stage, number, _only(stage, code) if code else stage.fen)
        elif made.method == "bottom-up":
            weight = _only(stage, made.pools.department[pool])
        elif made.method == "cost-to-revenue":
            part = np.array(
                [shares[code].get(label, 0.0) * (group[code] == made.pools.centre_group[pool]) for code in codes]
            )
            weight = stage.fen * part[:, None]
        else:
            base, weight = (
                full,
                _top_down(full, received, group, made.pools.department[pool], made.pools.centre_group[pool]),
            )
        rows.append(_scaled(pool, made, base, weight, codes))
    return pd.concat(rows, ignore_index=True)


def _only(stage: ScopedCosts, code: str) -> Any:
    return np.where(np.array(stage.departments)[:, None] == code, stage.fen, 0)


def _goods(costs: ScopedCosts, number: int, fen: Any) -> Any:
    return np.where(np.array([goods_class(element) == number for element, _ in costs.columns]), fen, 0)


def _own_and_given(full: ScopedCosts, received: dict[str, Any], code: str) -> Any:
    """Where the cost of a clinical department stood: with itself, and with the technology departments that gave it."""
    row = full.departments.index(code)
    weight = np.zeros(full.fen.shape)
    weight[row] = full.fen[row]
    for giver, amounts in received.items():
        if giver != code:
            weight[row] -= amounts[row]
            weight[full.departments.index(giver)] += amounts[row]
    return weight


def _top_down(full: ScopedCosts, received: dict[str, Any], group: dict[str, str], code: str, centre: str) -> Any:
    """Own part of a clinical department, or what the technology departments of a centre group gave it."""
    row = full.departments.index(code)
    weight = np.zeros(full.fen.shape)
    own = full.fen[row].astype(float)
    for giver, amounts in received.items():
        if giver == code:
            continue
        own -= amounts[row]
        if group[giver] == centre:
            weight[full.departments.index(giver)] += amounts[row]
    if group[code] == centre:
        weight[row] += own
    return weight


def _scaled(pool: int, made: MethodPools, costs: ScopedCosts, weight: Any, codes: tuple[str, ...]) -> Any:
    """The pool's fen per element over departments, in proportion to weight."""
    import pandas as pd

    elements = sorted({element for element, _ in costs.columns})
    by_element = np.stack([weight[:, [e == element for e, _ in costs.columns]].sum(axis=1) for element in elements])
    fen = np.array([made.pools.fen[pool, [e == element for e, _ in made.pools.columns]].sum() for element in elements])
    total = by_element.sum(axis=1)
    share = np.divide(by_element, total[:, None], out=np.zeros_like(by_element, float), where=total[:, None] != 0)
    amounts = share * fen[:, None]
    element, department = np.nonzero(amounts)
    return pd.DataFrame(
        {
            "pool": np.full(element.size, pool, np.int32),
            "element": np.array(elements, object)[element],
            "dept_code": np.array(codes, object)[department],
            "fen": amounts[element, department],
        }
    )
