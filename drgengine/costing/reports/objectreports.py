"""Report tables of visits, bed-days, service items and service units (诊次、床日、医疗服务项目、服务单元成本报表)."""

from __future__ import annotations

from typing import Any

import pandas as pd

from drgengine.costing.ledger.scope import in_scope
from drgengine.costing.model import Scope
from drgengine.costing.reports.departmentreports import item_amounts
from drgengine.costing.reports.reporttables import ReportTable, report_table
from drgengine.costing.reports.reportwords import table_form


def unit_cost_table(costs: Any, scope: Scope = "medical_full") -> ReportTable:
    """诊次成本构成表 or 床日成本构成表: cost by item, per unit and as shares; per unit in all scopes.

    costs : UnitCosts of visits or bed-days; its columns per unit, with and without goods, follow
    scope : of the amounts and shares
    """
    cells = costs.cells[in_scope(costs.cells, scope)]
    units = costs.wide.reset_index(drop=True)
    frame = pd.concat([units, item_amounts(cells, units["dept_code"])], axis=1)
    return report_table(f"{costs.unit}_cost", frame, totals=costs.hospital_wide, scope=scope)


def item_summary(costs: Any, scope: Scope) -> ReportTable:
    """医疗服务项目成本汇总表: unit cost, cost by item, income and margin of each service item over the hospital.

    costs : ItemCosts
    """
    return _items("item_summary", costs.by_hospital, scope)


def item_detail(costs: Any, scope: Scope) -> ReportTable:
    """医疗服务项目成本明细表: the same per executing department.

    costs : ItemCosts
    """
    return _items("item_detail", costs.by_department, scope)


def service_unit_ratio(rates: pd.DataFrame, scope: Scope) -> ReportTable:
    """服务单元成本收入比表: income, cost and their ratio per service unit, goods left out.

    rates : `CaseCosts.rates` of the method "cost-to-revenue". The pools of a unit that draws from several centre groups
        share one income, so their costs are added and the income is taken once.
    """
    services = rates[rates["kind"] == "services"].groupby("label", sort=False)
    cost, income = services["cost"].sum().round(2), services["weight"].max().round(2)
    frame = pd.DataFrame({"service_unit": cost.index.astype(str), "income": income.array, "cost": cost.array})
    return report_table("service_unit_ratio", frame, scope=scope)


def _items(name: str, table: pd.DataFrame, scope: Scope) -> ReportTable:
    form = table_form(name)
    wanted = [column for column in table if column in (*form.columns, *form.optional)]
    frame = table[wanted].copy()
    for column in ("national_code", "item_name", "fee_class", "unit", "flag"):
        if column in frame:
            frame[column] = frame[column].astype(object).where(frame[column].notna(), "").astype(str)
    # Income of charge lines need not be whole fen; the margin is taken of what is shown.
    frame["income"] = frame["income"].round(2)
    return report_table(name, frame, scope=scope)
