"""Report tables of weights, of profit and loss, and of the reconciliation (权重、盈亏、核对报表)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from drgengine.costing.reports.reporttables import ReportTable, report_table
from drgengine.costing.reports.reportwords import table_form

TABLE_OF = {"drg": "margins_drg", "department": "margins_department", "physician": "margins_physician"}
LEAST_CASES = 3
"""Cases of a weight whose interval is shown."""


def weights_table(
    comparison: pd.DataFrame,
    *,
    names: Mapping[str, str] | None = None,
    payment: Mapping[str, float] | None = None,
    remarks: Sequence[str | Mapping[str, str]] = (),
) -> ReportTable:
    """DRG 权重表: weights from cost and from charges with their intervals, difference and ratio.

    Intervals of fewer than 3 cases, and those that reach below 0, say nothing: they are left blank here.

    comparison : `compare_weights(...).table`; names : DRG -> name; payment : DRG -> weight of the payment
    """
    frame = comparison.rename(columns={"n": "cases", "difference": "weight_difference", "ratio": "weight_ratio"})
    if names is not None:
        frame["drg_name"] = [names.get(str(code), "") for code in frame["drg"]]
    if payment is not None:
        frame["weight_payment"] = [payment.get(str(code), float("nan")) for code in frame["drg"]]
    for basis in ("cost", "charges"):
        low, high = f"raw_low_{basis}", f"raw_high_{basis}"
        blank = (frame[f"n_kept_{basis}"] < LEAST_CASES) | ~(frame[low] >= 0)
        frame[[low, high]] = frame[[low, high]].mask(blank)
    known = frame[["raw_low_cost", "raw_low_charges"]].notna().all(axis=1)
    if not known.all():
        frame["intervals_apart"] = frame["intervals_apart"].astype(object).where(known, None)
    return report_table("weights", frame, remarks=remarks)


def margins_table(
    margins: pd.DataFrame,
    by: str,
    *,
    names: Mapping[str, str] | None = None,
    remarks: Sequence[str | Mapping[str, str]] = (),
) -> ReportTable:
    """DRG, 科室 or 医师盈亏表: payment against full cost, variable cost and charges.

    margins : `Margins.by(by)`; by : "drg", "department" or "physician"; names : code -> name
    remarks : see `report_table`; says where the payment comes from
    """
    name = TABLE_OF[by]
    form = table_form(name)
    frame = margins.rename(columns={"n": "cases", "break_even": "break_even_cases"})
    label = {"drg": "drg_name", "department": "dept_name"}.get(by)
    if names is not None and label:
        frame[label] = [names.get(str(code), "") for code in frame[by]]
    wanted = [column for column in frame if column in (*form.columns, *form.optional)]
    return report_table(name, frame[wanted], remarks=remarks)


def reconciliation_table(reconciliation: Any) -> ReportTable:
    """成本核对表: the ledger's total at every stage, then by cost item, by fund source, and by both.

    reconciliation : Reconciliation. A difference is null in lines that are only a part of another.
    """
    views = {
        "total": reconciliation.totals(),
        "element": reconciliation.totals("element"),
        "fund_source": reconciliation.totals("fund_source"),
        "both": reconciliation.lines,
    }
    parts = [part.assign(view=view) for view, part in views.items()]
    frame = pd.concat(parts, ignore_index=True)
    frame[["element", "fund_source"]] = frame[["element", "fund_source"]].astype(object).fillna("all")
    return report_table("reconciliation", frame)
