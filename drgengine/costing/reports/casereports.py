"""Report tables of diseases and DRGs (病种、DRG 成本报表), and the case methods side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from drgengine.costing.cases.caserows import GROUPED, IN_HOSPITAL
from drgengine.costing.model import Scope
from drgengine.costing.reports.reporttables import ReportTable, report_table
from drgengine.costing.reports.reportwords import cost_items, table_form

PAID = {"paid_cases": "n", "payment": "payment", "paid_cost": "full_cost", "result": "margin"}
"""Columns of the cases with payment, from those of margins."""


def group_detail(
    statistics: Any,
    scope: Scope,
    *,
    names: Mapping[str, str] | None = None,
    weights: Mapping[str, float] | None = None,
    paid: pd.DataFrame | None = None,
    remarks: Sequence[str | Mapping[str, str]] = (),
) -> ReportTable:
    """病种成本明细表 or DRG 成本明细表: cases, stay, charges, cost and margin per group.

    statistics : GroupStatistics by "drg" or "disease" of cost in the scope. Discharged cases without a group and
        cases in hospital at the period's end (在院患者) stand in rows of their own behind the groups.
    names : code -> name; weights : DRG -> weight
    paid : `paid_rows`, or `Margins.by("drg")` where every case has a group; adds number, payment, cost and result =
        payment - cost (盈亏) of the cases with payment
    remarks : see `report_table`; says where the payment comes from
    """
    by = statistics.by
    frame = _named(statistics.table, by, names)
    if by == "drg" and weights is not None:
        frame["weight"] = frame[by].map(weights).astype(np.float64)
    if by == "drg" and paid is not None:
        known = _by_row(paid["drg"], paid.get("status", GROUPED))
        at = _by_row(frame["drg"], frame["status"])
        for column, source in PAID.items():
            frame[column] = paid[source].set_axis(known).reindex(at).to_numpy(np.float64)
    return report_table(f"{by}_detail", _only(frame, f"{by}_detail"), scope=scope, remarks=remarks)


def group_composition(statistics: Any, scope: Scope, *, names: Mapping[str, str] | None = None) -> ReportTable:
    """病种成本构成表 or DRG 成本构成表: the seven cost items of each group, amounts and shares.

    statistics, names : as in `group_detail`
    """
    by = statistics.by
    wanted = [by, "status", "cases", *cost_items()]
    return report_table(f"{by}_composition", _named(statistics.table[wanted], by, names), scope=scope)


def case_methods(comparison: pd.DataFrame, *, names: Mapping[str, str] | None = None) -> ReportTable:
    """病例成本方法比较表: mean cost of each DRG by every case method, differences to the first and their largest part.

    comparison : the first table of `compare_case_methods` by "drg"; its totals are means over all cases
    """
    frame = comparison.rename(columns=lambda name: str(name).replace(" ", "_"))
    if names is not None:
        frame["drg_name"] = frame["drg"].map(names).fillna("")
    frame["drg"] = _text(frame["drg"])
    cases = frame["cases"].to_numpy(np.float64)
    methods = [str(name) for name in comparison.columns if f"{name} difference" in comparison.columns]
    methods += [str(name) for name in comparison.columns[3:4]]
    overall = {name: float(np.nansum(frame[name] * cases) / cases.sum()) for name in methods if cases.sum()}
    return report_table("case_methods", frame, totals=overall)


def _by_row(drg: Any, status: Any) -> pd.MultiIndex:
    """What tells the rows of a table apart: a group or, without one, the status of its cases."""
    codes = _text(drg)
    return pd.MultiIndex.from_arrays([codes, np.broadcast_to(np.asarray(status, object), len(codes))])


def _named(table: pd.DataFrame, by: str, names: Mapping[str, str] | None) -> pd.DataFrame:
    """The table with the kind of case in front and, where there are names, a column of them."""
    frame = table.copy()
    frame["kind"] = np.where(frame["status"] == IN_HOSPITAL, IN_HOSPITAL, "discharged")
    frame[by] = _text(frame[by])
    if names is not None:
        frame[f"{by}_name"] = [names.get(code, "") for code in frame[by]]
    return frame


def _only(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    """Columns of the form; the cost items stand in the table of the composition."""
    form = table_form(name)
    return frame[[column for column in frame if column in (*form.columns, *form.optional)]]


def _text(values: Any) -> Any:
    return values.astype(object).where(values.notna(), "").astype(str).to_numpy(object)
