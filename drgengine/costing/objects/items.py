"""What each service item cost (医疗服务项目成本): per executing department, and the mean of the hospital."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from drgengine.costing.bilingual import listed, phrase
from drgengine.costing.cases.casemethods import executing_pools, unused_minutes
from drgengine.costing.cases.pools import Claims, Fen, Pools, distribute, give_idle, make_claims
from drgengine.costing.cases.scopecosts import scope_costs
from drgengine.costing.charges.itemweights import item_weights
from drgengine.costing.findings import finding
from drgengine.costing.intake.vocabulary import table_word
from drgengine.costing.ledger.directcosts import COST_ITEMS, cost_item, element_key
from drgengine.costing.model import CostModel, Finding, ItemMethod
from drgengine.errors import CostingError

if TYPE_CHECKING:
    from drgengine.costing.charges.activity import Activity
    from drgengine.costing.objects.departments import DepartmentCosts

Floats = npt.NDArray[np.float64]
_KEYS = ("item_code", "national_code", "item_name", "fee_class", "unit", "price")
_SUMS = ("quantity", "income", "list_income", "weight", "cost", "margin", *COST_ITEMS)


@dataclass(frozen=True)
class ItemCosts:
    """Item costs by one method.

    by_department : pandas DataFrame, one row per executing department and item, sorted by both: dept_code, dept_name,
        item_code, national_code, item_name, fee_class, unit, price, quantity, income (charged), list_income (quantity x
        price), weight, cost, unit_cost, margin (income - cost), flag, and the seven cost items. Yuan; unit_cost is
        missing where the quantity is not positive. flag is "", "no_quantity" or "negative_quantity".
    by_hospital : one row per item, the mean over departments weighted by quantity: the same columns, `departments`
        (how many) for dept_code
    elements : cost elements, the columns of fen
    fen : int64 (rows of by_department, elements)
    pools : int64 (departments, elements), what was given out: stage cost of each department without goods
    unused, unassigned : int64 (departments, elements), the part of it that no item has: unused capacity (TDABC), and
        cost of departments without items. pools = items + unused + unassigned, to the fen.
    """

    method: ItemMethod
    by_department: Any
    by_hospital: Any
    departments: tuple[str, ...]
    elements: tuple[str, ...]
    fen: Fen
    pools: Fen
    unused: Fen
    unassigned: Fen
    findings: tuple[Finding, ...]


def item_unit_costs(pool: float, weight: npt.ArrayLike, quantity: npt.ArrayLike) -> Floats:
    """Unit cost of the items of one department, yuan: pool x weight / sum of weights / quantity.

    weight : float64 (items,), >= 0: equivalent x quantity (成本当量法), income, operating time or workload
        (成本比例系数法), minutes (作业成本法)
    quantity : float64 (items,); without it an item has no unit cost (NaN)

    The unit costs times the quantities add up to the pool. Formulas of 国家卫生健康委 国卫财务发〔2021〕4号 as
    recalled.
    Raises CostingError: a weight is negative, or none is positive.

    >>> item_unit_costs(300.0, [1.0 * 100, 2.5 * 20], [100, 20]).tolist()
    [2.0, 5.0]
    """
    weights, quantities = np.asarray(weight, np.float64), np.asarray(quantity, np.float64)
    if not (weights >= 0).all() or not weights.sum() > 0:
        raise CostingError("weights", f"the sum is {weights.sum()}, the least is {weights.min()}", "Give weights >= 0")
    cost = pool * (weights / weights.sum())
    return np.divide(cost, quantities, out=np.full(cost.shape, np.nan), where=quantities > 0)


def item_costs(
    model: CostModel, activity: Activity, departments: DepartmentCosts, method: ItemMethod | None = None
) -> ItemCosts:
    """Cost of service items, drugs and separately charged materials left out (医疗服务项目成本核算).

    The pool of an executing department is its cost after level 2 in the scope of settings.cases.scope, without goods.
    It is shared by item weight: income 收入, workload 工作量, time 操作时间 (成本比例系数法), equivalent 成本当量法,
    or tdabc, where the minutes nobody used keep their cost (unused).

    method : default: settings.items.method. Another one is worked out from quantity, income and the items table, so
        that methods can be compared without reading the charges again.

    Raises CostingError: policies idle_pool and missing_equivalent refuse; minutes are missing.
    """
    chosen = method or model.settings.items.method
    findings: list[Finding] = []
    costs = scope_costs(departments.stage_cells, model.settings.cases.scope, activity.departments)
    pools, item = executing_pools(model, costs), activity.item
    weight = item.weight if chosen == model.settings.items.method else item_weights(model, activity, chosen)
    rows, count = item.item.size, len(activity.departments)
    claims, negative = make_claims(
        item.exec_dept, np.arange(rows), weight, place=phrase("charges_of_items"), in_yuan=chosen == "income"
    )
    findings += negative
    if chosen == "tdabc":
        idle, noticed = unused_minutes(model, activity.departments, claims.sums(count))
        findings += noticed
        claims = _add_unused(claims, idle, rows)
    claims, noticed = give_idle(
        pools, claims, model.settings.policies.idle_pool, rows + 1, activity=phrase("service_items")
    )
    findings += noticed
    columns = distribute(pools, claims, _rows(claims, rows, count), rows + 2 * count)
    elements = tuple(sorted({element for element, _ in pools.columns}, key=element_key))
    fen = _by_element(columns, pools, elements)
    table = _table(model, activity, weight, fen[:rows], elements)
    findings += _flagged(table, chosen)
    return ItemCosts(
        chosen,
        table,
        _hospital(table),
        activity.departments,
        elements,
        fen[:rows],
        _by_element(pools.fen, pools, elements),
        fen[rows : rows + count],
        fen[rows + count :],
        tuple(findings),
    )


def _add_unused(claims: Claims, minutes: Floats, thing: int) -> Claims:
    made, _ = make_claims(
        np.concatenate([claims.pool, np.arange(minutes.size)]),
        np.concatenate([claims.object, np.full(minutes.size, thing)]),
        np.concatenate([claims.weight, minutes]),
        place=table_word("staff"),
    )
    return made


def _rows(claims: Claims, rows: int, count: int) -> npt.NDArray[np.int64]:
    """Row of each claim: items first, then unused capacity and what is unassigned of each department."""
    thing = claims.object.astype(np.int64)
    return np.where(thing < rows, thing, rows + (thing - rows) * count + claims.pool)


def _by_element(fen: Fen, pools: Pools, elements: tuple[str, ...]) -> Fen:
    out = np.zeros((fen.shape[0], len(elements)), np.int64)
    for column, (element, _) in enumerate(pools.columns):
        out[:, elements.index(element)] += fen[:, column]
    return out


def _table(model: CostModel, activity: Activity, weight: Floats, fen: Fen, elements: tuple[str, ...]) -> Any:
    import pandas as pd

    item = activity.item
    words = model.tables["departments"].drop_duplicates("dept_code").set_index("dept_code")
    codes = np.array(activity.departments, object)[item.exec_dept]
    columns: dict[str, Any] = {
        "dept_code": codes,
        "dept_name": words["dept_name"].reindex(codes).to_numpy(object) if "dept_name" in words else codes,
    }
    columns |= _item_words(model, np.array(activity.item_codes, object)[item.item])
    quantity, cost = item.qty, fen.sum(axis=1) / 100
    columns |= {
        "quantity": quantity,
        "income": item.amount,
        "list_income": quantity * columns["price"],
        "weight": weight,
        "cost": cost,
        "unit_cost": np.divide(cost, quantity, out=np.full(cost.shape, np.nan), where=quantity > 0),
        "margin": (np.rint(item.amount * 100) - fen.sum(axis=1)) / 100,
        "flag": np.select([quantity < 0, quantity == 0], ["negative_quantity", "no_quantity"], ""),
    }
    for name in COST_ITEMS:
        which = [n for n, element in enumerate(elements) if cost_item(element) == name]
        columns[name] = fen[:, which].sum(axis=1) / 100
    return pd.DataFrame(columns)


def _item_words(model: CostModel, codes: npt.NDArray[Any]) -> dict[str, Any]:
    """Columns of the items table for codes; an item the table lacks has its code alone."""
    columns: dict[str, Any] = dict.fromkeys(_KEYS, np.full(codes.size, None, object))
    columns |= {"item_code": codes, "price": np.full(codes.size, np.nan)}
    items = model.tables.get("items")
    if items is not None:
        found = items.drop_duplicates("item_code").set_index("item_code").reindex(codes)
        for name in _KEYS[1:]:
            if name in found:
                texts = found[name]
                columns[name] = (
                    texts.to_numpy(float, na_value=np.nan)
                    if name == "price"
                    else texts.astype(object).where(texts.notna(), None).to_numpy(object)
                )
    return columns


def _hospital(table: Any) -> Any:
    """Items over all departments: sums, and the mean unit cost weighted by quantity."""
    grouped = table.groupby("item_code", sort=True)
    made = grouped[list(_KEYS[1:])].first()
    made.insert(0, "departments", grouped.size())
    for name in _SUMS:
        amounts = grouped[name].sum(min_count=1)
        # Sums of whole fen stay whole fen; list_income is no booked amount and a quantity has no fen.
        made[name] = amounts if name in ("quantity", "list_income", "weight") else amounts.round(2)
    quantity = made["quantity"].to_numpy(float)
    cost = made["cost"].to_numpy(float)
    unit = np.divide(cost, quantity, out=np.full(cost.shape, np.nan), where=quantity > 0)
    made.insert(made.columns.get_loc("margin"), "unit_cost", unit)
    made["flag"] = np.select([quantity < 0, quantity == 0], ["negative_quantity", "no_quantity"], "")
    return made.reset_index()


def _flagged(table: Any, method: ItemMethod) -> list[Finding]:
    findings = []
    if method == "income":
        findings.append(finding("note", "equal_margin", phrase("service_items")))
    cases = {
        "no_quantity": (table["flag"] == "no_quantity") & (table["cost"] != 0),
        "negative_quantity": table["flag"] == "negative_quantity",
    }
    for rule, which in cases.items():
        if which.any():
            pairs = zip(table["item_code"][which], table["dept_code"][which], strict=True)
            named = listed((phrase("item_in", item=item, department=code) for item, code in pairs), 5)
            findings.append(
                finding(
                    "warning",
                    "no_quantity" if rule == "no_quantity" else "negative_quantity",
                    phrase("service_items"),
                    float(table["cost"][which].sum()),
                    n=int(which.sum()),
                    items=named,
                )
            )
    return findings
