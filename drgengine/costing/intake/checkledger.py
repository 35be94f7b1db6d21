"""Checks of the ledger: totals, negative costs, months, and whether the unit of amounts can be right."""

from __future__ import annotations

import calendar
import datetime
from typing import TYPE_CHECKING

import numpy as np

from drgengine.costing.bilingual import Bilingual, listed, phrase
from drgengine.costing.intake.checking import Checking
from drgengine.costing.intake.modelfile import YUAN_PER_UNIT
from drgengine.costing.intake.vocabulary import choice_word, element_word
from drgengine.costing.ledger.directcosts import line_elements
from drgengine.costing.model import Severity

if TYPE_CHECKING:
    import pandas as pd

_MOST_NEGATIVE = 20
# A discharge costs some 10,000 yuan; beyond these bounds an amount is rather in another unit.
_YUAN_PER_DISCHARGE = (200.0, 5_000_000.0)
_HOURS_A_YEAR = (200.0, 6_000.0)


def check_ledger(checking: Checking) -> None:
    """Everything about the ledger (科室成本明细)."""
    ledger = checking.frame("ledger")
    if ledger is None:
        if "ledger" in checking.loaded.tables:
            checking.add("error", "empty_ledger", checking.place("ledger"))
        return
    _total(checking, ledger)
    _negative(checking, ledger)
    _months(checking, ledger)
    _unit(checking, ledger)
    _staff_hours(checking)


def _total(checking: Checking, ledger: pd.DataFrame) -> None:
    stated = checking.settings.ledger_total
    total = float(ledger["amount"].sum())
    if stated is None or abs(total - stated) < 0.005:
        return
    gap = total - stated
    checking.add(
        "error",
        "ledger_total",
        checking.key("model", "ledger_total"),
        gap,
        total=total,
        stated=stated,
        gap=gap,
        accounts=_sums(ledger, "account", gap),
        departments=_sums(ledger, "dept_code", gap),
    )


def _sums(ledger: pd.DataFrame, column: str, gap: float) -> Bilingual:
    """Sums by account or department; those as large as the gap first, as they may explain it."""
    sums = ledger["amount"].groupby(ledger[column].fillna("")).sum()
    near = {name: abs(abs(amount) - abs(gap)) < 0.005 for name, amount in sums.items()}
    names = sorted(sums.index, key=lambda name: (not near[name], -abs(sums[name]), name))
    return listed(
        phrase("sum_is_gap" if near[name] else "sum_of", name=name or phrase("none"), amount=sums[name])
        for name in names
    )


def _negative(checking: Checking, ledger: pd.DataFrame) -> None:
    """Costs below zero after netting by department, element and fund source, as the run nets them."""
    keys = [ledger["dept_code"], line_elements(ledger), ledger["fund_source"]]
    sums = ledger["amount"].groupby(keys).sum().round(2)
    below = sums[sums < 0]
    policy = checking.settings.policies.negative_cost
    parents = dict(zip(checking.departments["dept_code"], checking.departments["parent"], strict=True))
    for (department, element, fund), amount in list(below.items())[:_MOST_NEGATIVE]:
        orphan = policy == "parent" and not isinstance(parents.get(department), str)
        rows = (ledger["dept_code"] == department).to_numpy() & (np.asarray(keys[1]) == element)
        rows &= ((ledger["fund_source"] == fund) & (ledger["amount"] < 0)).to_numpy()
        checking.add(
            "error" if policy == "refuse" or orphan else "warning",
            f"negative_cost.ledger_{'no_parent' if orphan else policy}",
            checking.place("ledger", rows),
            float(amount),
            element=element_word(str(element)),
            fund=choice_word("fund_source", str(fund)),
            department=checking.named(department),
            cost=float(amount),
        )
    if len(below) > _MOST_NEGATIVE:
        severity: Severity = "error" if policy == "refuse" else "warning"
        rest = float(below[_MOST_NEGATIVE:].sum())
        checking.add(severity, "negative_cost.more", checking.place("ledger"), rest, n=len(below) - _MOST_NEGATIVE)


def _months(checking: Checking, ledger: pd.DataFrame) -> None:
    periods = set(ledger["period"].dropna())
    if not periods or ledger["period"].isna().any() or any(len(text) != 7 or "Q" in text for text in periods):
        return
    missing = [
        month for month in _months_between(checking.settings.start, checking.settings.end) if month not in periods
    ]
    if missing:
        checking.add("warning", "months_missing", checking.place("ledger"), months=listed(missing, 12))


def _months_between(start: datetime.date, end: datetime.date) -> list[str]:
    """Months that lie wholly in the period."""
    found = []
    for number in range(start.year * 12 + start.month - 1, end.year * 12 + end.month):
        year, month = number // 12, number % 12 + 1
        last = datetime.date(year, month, calendar.monthrange(year, month)[1])
        if datetime.date(year, month, 1) >= start and last <= end:
            found.append(f"{year}-{month:02d}")
    return found


def _unit(checking: Checking, ledger: pd.DataFrame) -> None:
    """元 or 万元: the ledger per discharge shows a slip of ten thousand."""
    discharges = _discharges(checking)
    total = float(ledger["amount"].sum())
    if not discharges or total <= 0:
        return
    each = total / discharges
    low, high = _YUAN_PER_DISCHARGE
    if low <= each <= high:
        return
    unit = checking.settings.amount_unit
    other = next(name for name in YUAN_PER_UNIT if name != unit)
    checking.add(
        "warning",
        "amount_unit",
        checking.key("model", "amount_unit"),
        total,
        each=each,
        discharges=discharges,
        unit=unit,
        other=other,
    )


def _discharges(checking: Checking) -> float:
    workload, cases = checking.frame("workload"), checking.frame("discharges")
    if workload is not None:
        counted = float(workload.loc[workload["indicator"] == "discharges", "value"].sum())
        if counted > 0:
            return counted
    return 0.0 if cases is None else float(len(cases))


def _staff_hours(checking: Checking) -> None:
    """Hours or minutes: hours of a full-time person in a year."""
    staff = checking.frame("staff")
    if staff is None:
        return
    both = staff[staff["hours"].notna() & (staff["fte"] > 0)]
    days = (checking.settings.end - checking.settings.start).days + 1
    if both.empty or float(both["hours"].sum()) == 0:
        return
    a_year = float(both["hours"].sum() / both["fte"].sum()) * 365 / days
    low, high = _HOURS_A_YEAR
    if not low <= a_year <= high:
        checking.add("warning", "hours_unit", checking.place("staff"), hours=a_year)
