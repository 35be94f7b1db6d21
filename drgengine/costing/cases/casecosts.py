"""What each case cost (病例成本): a cube of case x centre group x cost element that adds up to the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from drgengine.costing.cases.casemethods import METHODS, MethodPools
from drgengine.costing.cases.caseobjects import KINDS, case_objects
from drgengine.costing.cases.pools import Fen, add_rows, distribute, only_pools, pool_rates
from drgengine.costing.ledger.directcosts import element_key
from drgengine.costing.model import CaseMethod, CostModel, Finding, Scope
from drgengine.errors import CostingError

if TYPE_CHECKING:
    from drgengine.costing.charges.activity import Activity
    from drgengine.costing.objects.departments import DepartmentCosts


@dataclass(frozen=True)
class CaseCosts:
    """Cost of every cost object by one method, in whole fen.

    objects : pandas DataFrame, one row per object (cases in the order of the discharges table, then outpatients,
        non-patients, unmatched, unassigned, unused capacity): case_id, kind, drg, adrg, disease, department_id,
        physician_id, status, los_days, total_charge, payment
    centre_groups, elements : names of the other two axes
    row_object, row_group : int32 (r,), what each row of the tables below is about; sorted, no pair twice
    cost, variable : int64 (r, elements), fen; variable is the part of cost that varies with volume (变动成本)
    rates : pandas DataFrame, cost per unit of weight of each pool, see `pool_rates`; kind is "services" or "goods"
    outside : fen per element that the scope leaves out; not given to any object
    """

    method: CaseMethod
    scope: Scope
    objects: Any
    centre_groups: tuple[str, ...]
    elements: tuple[str, ...]
    row_object: npt.NDArray[np.int32]
    row_group: npt.NDArray[np.int32]
    cost: Fen
    variable: Fen
    rates: Any
    outside: dict[str, int]
    findings: tuple[Finding, ...]

    @property
    def total(self) -> int:
        """Fen of all objects together."""
        return int(self.cost.sum())

    @cached_property
    def object_fen(self) -> Fen:
        """Fen per object and element, int64 (objects, elements)."""
        return add_rows(self.row_object, self.cost, len(self.objects))

    @cached_property
    def object_variable_fen(self) -> Fen:
        """Variable fen per object and element, int64 (objects, elements)."""
        return add_rows(self.row_object, self.variable, len(self.objects))

    @cached_property
    def totals(self) -> Any:
        """Objects with cost and variable_cost in yuan, a pandas DataFrame."""
        cost, variable = self.object_fen.sum(axis=1) / 100, self.object_variable_fen.sum(axis=1) / 100
        return self.objects.assign(cost=cost, variable_cost=variable)

    @cached_property
    def by_kind(self) -> Any:
        """Fen per kind of object (rows, all of `KINDS`) and element (columns), a pandas DataFrame of int64."""
        import pandas as pd

        kind = self.objects["kind"].map({name: n for n, name in enumerate(KINDS)}).to_numpy(np.int64)
        return pd.DataFrame(add_rows(kind, self.object_fen, len(KINDS)), index=list(KINDS), columns=list(self.elements))

    @property
    def reconciliation_objects(self) -> Any:
        """The objects as `reconcile` takes them: kind, element, fund_source "in scope", amount in yuan."""
        long = self.by_kind.rename_axis(index="kind", columns="element").stack().rename("amount").reset_index()
        return long.assign(amount=long["amount"] / 100, fund_source="in scope")

    @cached_property
    def cube(self) -> Any:
        """The cube as a pyarrow Table, one row per object, centre group and element that is not nothing.

        Columns object (int32), case_id, kind, centre_group, element (dictionaries), cost, variable_cost (yuan). Cost
        objects that are no cases have no case_id.
        """
        from drgengine.costing.cases.cube import cube_table

        return cube_table(self)


def case_costs(
    model: CostModel,
    activity: Activity,
    departments: DepartmentCosts,
    method: CaseMethod | Literal["main"] = "main",
) -> CaseCosts:
    """Cost of each case and of everything that is no case, by one method (病例成本核算).

    method : "bottom-up" 自下而上法, "top-down" 自上而下法, "cost-to-revenue" 成本收入比法, or "main" for that of the
        model

    Over all objects each element adds up to the ledger cost in the scope (settings.cases.scope), to the fen, by any
    method. Source: 国家卫生健康委 国卫财务发〔2021〕4号, formulas as recalled.

    Raises CostingError: no discharges; what policies idle_pool, setting_split and share_sum refuse.
    """
    if "discharges" not in model.tables:
        place = str(model.folder / "model.toml")
        raise CostingError(place, "there is no table of discharges", "Name it under [tables]: discharges = ...")
    name = model.settings.cases.main if method == "main" else method
    if name not in METHODS:
        raise CostingError("method", f"{name!r} is not known", f"Use one of {', '.join(METHODS)}")
    made = METHODS[name](model, activity, departments)
    objects = case_objects(model, activity)
    return collect(made, objects, model.settings.cases.scope)


def collect(made: MethodPools, objects: Any, scope: Scope) -> CaseCosts:
    """Give out the pools and add up by object and centre group.

    objects : one row per cost object, see CaseCosts; only its length and columns kind and case_id are needed
    """
    pools, filled = made.pools, (made.pools.fen != 0).any(axis=1)
    claims = only_pools(made.claims, filled)
    groups = tuple(dict.fromkeys(g for g, full in zip(pools.centre_group, filled, strict=True) if full))
    of_group = {group: n for n, group in enumerate(groups)}
    group_of_pool = np.array([of_group.get(group, -1) for group in pools.centre_group], np.int64)
    key = claims.object.astype(np.int64) * len(groups) + group_of_pool[claims.pool]
    # A mark per possible pair is faster than sorting the pairs, and there are far fewer pairs than cells.
    present = np.zeros(len(objects) * len(groups), bool)
    present[key] = True
    pairs = np.flatnonzero(present)
    number = np.cumsum(present) - 1
    fen = distribute(pools, claims, number[key], pairs.size)
    elements = tuple(sorted({element for element, _ in pools.columns}, key=element_key))
    cost = np.zeros((pairs.size, len(elements)), np.int64)
    variable = np.zeros_like(cost)
    for column, (element, behaviour) in enumerate(pools.columns):
        cost[:, elements.index(element)] += fen[:, column]
        if behaviour == "variable":
            variable[:, elements.index(element)] += fen[:, column]
    rates = pool_rates(pools, made.claims)
    rates.insert(0, "kind", np.where(np.arange(len(rates)) < made.services, "services", "goods"))
    return CaseCosts(
        made.method,
        scope,
        objects,
        groups,
        elements,
        (pairs // max(len(groups), 1)).astype(np.int32),
        (pairs % max(len(groups), 1)).astype(np.int32),
        cost,
        variable,
        rates,
        made.outside,
        made.findings,
    )
