"""The three ways to cost a case (病例成本核算方法) as pools and claims.

After the norm 国家卫生健康委 国卫财务发〔2021〕4号, formulas as recalled:
  自下而上法    sum of item quantity x item unit cost, with drugs and separately charged materials
  自上而下法    department cost less those goods, by bed-days or hours, with the goods of the patient
  成本收入比法   revenue of each service unit x its cost-to-revenue ratio; goods at their own ratio
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from drgengine.costing.bilingual import Bilingual, phrase
from drgengine.costing.cases.goodspools import goods_pools
from drgengine.costing.cases.pools import UNASSIGNED, UNUSED_CAPACITY, Claims, Pools, give_idle, join, make_claims
from drgengine.costing.cases.scopecosts import ScopedCosts, by_source, scope_costs
from drgengine.costing.cases.unitshares import unit_shares
from drgengine.costing.cases.wardclaims import ward_claims
from drgengine.costing.fen import largest_remainder_columns
from drgengine.costing.findings import finding
from drgengine.costing.intake.vocabulary import table_word
from drgengine.costing.model import CaseMethod, CostModel, Finding

if TYPE_CHECKING:
    from drgengine.costing.charges.activity import Activity
    from drgengine.costing.objects.departments import DepartmentCosts


@dataclass(frozen=True, slots=True)
class MethodPools:
    """What a method gives out and to whom.

    services, goods : number of pools of each, services first
    outside : fen per element that the scope leaves out
    """

    method: CaseMethod
    pools: Pools
    claims: Claims
    services: int
    outside: dict[str, int]
    findings: tuple[Finding, ...]


def bottom_up(model: CostModel, activity: Activity, departments: DepartmentCosts) -> MethodPools:
    """Item cost added up (自下而上法): cost of the executing department by weight of the items executed.

    The pool of a department is its cost after level 2 (二级分摊后成本, clinical and medical technology) without drugs
    and separately charged materials. A case's part is its item weight over that of all, which is the sum of item
    quantity x item unit cost of `item_costs`. With items.method = "tdabc" (时间驱动作业成本法) the minutes nobody
    used go to the object "unused_capacity".
    """
    costs = _stage(model, activity, departments)
    pools, service = executing_pools(model, costs), activity.service
    findings: list[Finding] = []
    claims, negative = make_claims(
        service.exec_dept,
        service.object,
        service.weight,
        place=table_word("charges"),
        in_yuan=model.settings.items.method == "income",
    )
    findings += negative
    if model.settings.items.method == "tdabc":
        idle_minutes, noticed = unused_minutes(model, costs.departments, claims.sums(len(costs.departments)))
        findings += noticed
        claims = _with(claims, idle_minutes, activity.n_cases + UNUSED_CAPACITY)
    return _complete("bottom-up", model, activity, costs, (pools, claims), phrase("item_weight"), findings)


def top_down(model: CostModel, activity: Activity, departments: DepartmentCosts) -> MethodPools:
    """Department cost by time (自上而下法): full cost of clinical departments by bed-days or hours.

    One pool for each clinical department and source: its own cost after level 2, and what it received from medical
    technology at level 3 per centre group. Inpatient departments are shared by days or hours of stay; an outpatient
    department goes to the object OUTPATIENT; one of both (setting "both") is split by ordered income of inpatients
    and outpatients.

    Raises CostingError: a department of both settings while the policy setting_split is "refuse".
    """
    codes = activity.departments
    table = _department_table(model, codes)
    costs = scope_costs(departments.cells, model.settings.cases.scope, codes)
    service = _without_goods(costs)
    technology = tuple(table.index[table["category"] == "technology"])
    groups = tuple(table["centre_group"])
    parts = by_source(service, departments.allocation, model.settings.cases.scope, technology, groups)
    base, noticed = ward_claims(model, activity, departments, service)
    findings = list(noticed)
    pools = Pools(
        tuple(codes[row] if group == groups[row] else f"{codes[row]} < {group}" for row, group, _ in parts),
        tuple(group for _, group, _ in parts),
        tuple(codes[row] for row, _, _ in parts),
        costs.columns,
        np.array([fen for _, _, fen in parts], np.int64).reshape(len(parts), len(costs.columns)),
    )
    claims = _repeat(base, np.array([row for row, _, _ in parts], np.int64))
    return _complete("top-down", model, activity, costs, (pools, claims), phrase("ward_work"), findings)


def cost_to_revenue(model: CostModel, activity: Activity, departments: DepartmentCosts) -> MethodPools:
    """Charges at the ratio of their service unit (成本收入比法).

    The cost of a service unit (服务单元) is that of the departments after level 2, without goods, split by the table
    `service_units` or wholly in the department's own unit. Units whose cost comes from several centre groups have a
    pool for each; their ratios add up to the unit's.

    Raises CostingError: the shares of a department do not add up to 1 (policy share_sum).
    """
    costs = _stage(model, activity, departments)
    table = _department_table(model, costs.departments)
    service = _without_goods(costs)
    shares, noticed = unit_shares(model, table)
    findings = list(noticed)
    keys, fen = _unit_costs(activity, service, shares, tuple(table["centre_group"]))
    base, negative = make_claims(
        activity.unit.service_unit,
        activity.unit.object,
        activity.unit.amount,
        place=table_word("charges"),
        in_yuan=True,
    )
    findings += negative
    pools = Pools(
        tuple(unit for unit, _ in keys),
        tuple(group for _, group in keys),
        ("",) * len(keys),
        costs.columns,
        fen,
    )
    number = {unit: n for n, unit in enumerate(activity.service_units)}
    claims = _repeat(base, np.array([number.get(unit, -1) for unit, _ in keys], np.int64))
    return _complete("cost-to-revenue", model, activity, costs, (pools, claims), phrase("charges"), findings)


METHODS: dict[CaseMethod, Callable[[CostModel, Activity, DepartmentCosts], MethodPools]] = {
    "bottom-up": bottom_up,
    "top-down": top_down,
    "cost-to-revenue": cost_to_revenue,
}


def executing_pools(model: CostModel, costs: ScopedCosts) -> Pools:
    """One pool for each department, in the order of costs: its cost without goods."""
    groups = tuple(_department_table(model, costs.departments)["centre_group"])
    return Pools(costs.departments, groups, costs.departments, costs.columns, costs.only(-1))


def unused_minutes(
    model: CostModel, departments: tuple[str, ...], used: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], tuple[Finding, ...]]:
    """Practical capacity that no item used (未使用产能), minutes per department; 0 where more was used than there is.

    used : minutes of the items executed. Capacity = full-time persons (table staff) x items.effective_minutes. A
    department without any use has no rate and keeps 0 here; so has one without staff, which is listed.
    """
    staff = model.tables.get("staff")
    fte = {} if staff is None else staff.groupby("dept_code")["fte"].sum().to_dict()
    capacity = np.array([fte.get(code, 0.0) for code in departments]) * model.settings.items.effective_minutes
    findings = []
    for n in np.flatnonzero((used > capacity) & (used > 0)):
        place = phrase("department", code=departments[n])
        findings.append(finding("warning", "over_capacity", place, used=used[n], capacity=capacity[n]))
    return np.where(used > 0, np.maximum(capacity - used, 0.0), 0.0), tuple(findings)


def _unit_costs(
    activity: Activity, service: ScopedCosts, shares: dict[str, dict[str, float]], groups: tuple[str, ...]
) -> tuple[list[tuple[str, str]], npt.NDArray[np.int64]]:
    """(service unit, centre group) of each pool, and its fen; a unit with charges and no cost has an empty pool."""
    nothing = np.zeros(len(service.columns), np.int64)
    fen: dict[tuple[str, str], npt.NDArray[np.int64]] = {}
    for row in np.flatnonzero((service.fen != 0).any(axis=1)):
        units = shares[service.departments[row]]
        split = np.array(list(units.values()))[:, None] * service.fen[row]
        for unit, part in zip(units, largest_remainder_columns(split, service.fen[row]), strict=True):
            key = (unit, groups[row])
            fen[key] = fen.get(key, nothing) + part
    costly = {unit for unit, _ in fen}
    charged = {activity.service_units[n] for n in np.unique(activity.unit.service_unit)}
    fen |= {(unit, unit): nothing for unit in charged - costly}
    keys = sorted(fen)
    return keys, np.array([fen[key] for key in keys], np.int64).reshape(len(keys), nothing.size)


def _stage(model: CostModel, activity: Activity, departments: DepartmentCosts) -> ScopedCosts:
    return scope_costs(departments.stage_cells, model.settings.cases.scope, activity.departments)


def _without_goods(costs: ScopedCosts) -> ScopedCosts:
    return ScopedCosts(costs.departments, costs.columns, costs.only(-1), costs.outside)


def _department_table(model: CostModel, codes: tuple[str, ...]) -> Any:
    return model.tables["departments"].drop_duplicates("dept_code").set_index("dept_code").loc[list(codes)]


def _complete(
    method: CaseMethod,
    model: CostModel,
    activity: Activity,
    costs: ScopedCosts,
    service: tuple[Pools, Claims],
    work: Bilingual,
    findings: list[Finding],
) -> MethodPools:
    """Add the goods, and deal with pools without claims."""
    goods, goods_claims, noticed = goods_pools(model, activity, costs)
    policy, unassigned = model.settings.policies.idle_pool, activity.n_cases + UNASSIGNED
    claims, idle = give_idle(*service, policy, unassigned, activity=work)
    goods_claims, idle_goods = give_idle(goods, goods_claims, policy, unassigned, activity=phrase("goods_charged"))
    pools, claims = join([(service[0], claims), (goods, goods_claims)])
    everything = (*findings, *noticed, *idle, *idle_goods)
    return MethodPools(method, pools, claims, len(service[0].label), costs.outside, everything)


def _with(claims: Claims, weight: npt.NDArray[np.float64], thing: int) -> Claims:
    """Claims with one of an object on every pool; its weight may be 0."""
    pool = np.arange(weight.size)
    made, _ = make_claims(
        np.concatenate([claims.pool, pool]),
        np.concatenate([claims.object, np.full(pool.size, thing)]),
        np.concatenate([claims.weight, weight]),
        place=table_word("staff"),
    )
    return made


def _repeat(base: Claims, source: npt.NDArray[np.int64]) -> Claims:
    """Claims on new pools, pool n having those of source[n] in base."""
    first, last = np.searchsorted(base.pool, source), np.searchsorted(base.pool, source, side="right")
    count = last - first
    pool = np.repeat(np.arange(source.size, dtype=np.int32), count)
    position = np.arange(pool.size) - np.repeat(np.cumsum(count) - count, count) + np.repeat(first, count)
    return Claims(pool, base.object[position], base.weight[position])
