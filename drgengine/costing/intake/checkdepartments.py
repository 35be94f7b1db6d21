"""Checks of the table of departments, and of every code that should stand in it."""

from __future__ import annotations

import numpy as np

from drgengine.costing.bilingual import listed, phrase
from drgengine.costing.intake.checking import Checking
from drgengine.costing.intake.deptmap import department_columns
from drgengine.costing.intake.tables import ReadTable
from drgengine.costing.model import Severity

_MOST_CODES = 20
_ONLY_LISTED = ("departments", "drivers", "service_units", "dept_map")
"""Tables in which the policy for unknown departments has nothing to move."""


def check_departments(checking: Checking) -> None:
    """Everything about departments (科室字典), in the order of the table."""
    _repeated(checking)
    _categories(checking)
    _settings_of_clinical(checking)
    _parents(checking)
    _suspense(checking)
    _order(checking)
    for name, table in checking.loaded.tables.items():
        _unknown(checking, name, table)
    _validity(checking)


def _repeated(checking: Checking) -> None:
    frame = checking.loaded.tables["departments"].frame
    codes = frame["dept_code"]
    for code in codes[codes.duplicated() & codes.notna()].unique():
        place = checking.place("departments", codes == code, "dept_code")
        checking.add("error", "duplicate_department", place, code=code, n=int((codes == code).sum()))


def _categories(checking: Checking) -> None:
    if not (checking.departments["category"] == "clinical").any():
        checking.add("error", "no_clinical_department", checking.place("departments"))


def _settings_of_clinical(checking: Checking) -> None:
    frame = checking.departments
    clinical = frame[frame["category"] == "clinical"]
    for code in clinical.loc[clinical["setting"].isna(), "dept_code"]:
        rows = checking.loaded.tables["departments"].frame["dept_code"] == code
        place = checking.place("departments", rows, "setting")
        checking.add("error", "missing_setting", place, department=checking.named(code))
    for code in clinical.loc[clinical["setting"] == "both", "dept_code"]:
        if not checking.costs.get(code):
            continue
        split = checking.settings.policies.setting_split == "income"
        rows = checking.loaded.tables["departments"].frame["dept_code"] == code
        checking.add(
            "warning" if split else "error",
            "setting_both.split" if split else "setting_both.refused",
            checking.place("departments", rows, "setting"),
            checking.costs[code],
            department=checking.named(code),
        )


def _parents(checking: Checking) -> None:
    parent = dict(zip(checking.departments["dept_code"], checking.departments["parent"], strict=True))
    for code in parent:
        seen, at = {code}, parent[code]
        while isinstance(at, str) and at in parent and at not in seen:
            seen.add(at)
            at = parent[at]
        if isinstance(at, str) and at == code:
            rows = checking.loaded.tables["departments"].frame["dept_code"] == code
            checking.add("error", "parent_circle", checking.place("departments", rows, "parent"), code=code)
            return


def _suspense(checking: Checking) -> None:
    policies = checking.settings.policies
    code = policies.suspense_department
    if policies.unknown_department == "suspense" and code and code not in checking.category():
        near = checking.near_department(code)
        remedy = phrase("perhaps", near=near) if near else phrase("add_department")
        place = checking.key("policies", "suspense_department")
        checking.add("error", "unknown_department.setting", place, code=code, remedy=remedy)


def _order(checking: Checking) -> None:
    allocation, category = checking.settings.allocation, checking.category()
    place = checking.key("allocation", "order")
    for code in allocation.order:
        if code not in category:
            near = checking.near_department(code)
            remedy = phrase("perhaps", near=near) if near else phrase("take_out")
            checking.add("error", "unknown_department.setting", place, code=code, remedy=remedy)
        elif category[code] == "clinical":
            checking.add("error", "order_of_clinical", place, department=checking.named(code))
    missing = [code for code, kind in category.items() if kind != "clinical" and code not in allocation.order]
    if allocation.order and missing and allocation.method == "step-down":
        checking.add("error", "order_incomplete", place, departments=listed(missing))


def _unknown(checking: Checking, name: str, table: ReadTable) -> None:
    known = set(checking.loaded.tables["departments"].frame["dept_code"].dropna())
    suspense = checking.settings.policies.unknown_department == "suspense" and name not in _ONLY_LISTED
    severity: Severity = "warning" if suspense else "error"
    for column in department_columns(table):
        codes = table.frame[column]
        unknown = codes[codes.notna() & ~codes.isin(known)]
        for code in list(dict.fromkeys(unknown))[:_MOST_CODES]:
            rows = np.flatnonzero(codes == code)
            amount = float(table.frame["amount"].iloc[rows].sum()) if name == "ledger" else None
            called = table.hints.get(code, "")
            near = checking.near_department(code, called)
            target = checking.settings.policies.suspense_department
            checking.add(
                severity,
                "unknown_department.row",
                table.place(rows, column),
                amount,
                code=code,
                called=phrase("called", name=called) if called else "",
                money="" if amount is None else phrase("lines_money", lines=rows.size, amount=amount),
                suspense=phrase("to_suspense", department=target) if suspense and name == "ledger" else "",
                hint=phrase("perhaps_and", near=near) if near else "",
            )
        rest = len(set(unknown)) - _MOST_CODES
        if rest > 0:
            checking.add(severity, "unknown_department.more", checking.place(name), n=rest)


def _validity(checking: Checking) -> None:
    """Costs of periods in which a department was not open."""
    from drgengine.costing.intake.cells import period_span

    ledger = checking.frame("ledger")
    if ledger is None or not checking.departments[["valid_from", "valid_to"]].notna().any(axis=None):
        return
    dates = checking.departments.set_index("dept_code")[["valid_from", "valid_to"]]
    begins = ledger["dept_code"].map(dates["valid_from"])
    ends = ledger["dept_code"].map(dates["valid_to"])
    spans = {text: period_span(text) for text in ledger["period"].dropna().unique()}
    whole = (checking.settings.start, checking.settings.end)
    first = np.array([spans.get(text, whole)[0] for text in ledger["period"]], dtype="datetime64[us]")
    last = np.array([spans.get(text, whole)[1] for text in ledger["period"]], dtype="datetime64[us]")
    closed = ((begins.notna() & (begins > last)) | (ends.notna() & (ends < first))).to_numpy()
    for code in ledger["dept_code"][closed].unique():
        rows = closed & (ledger["dept_code"] == code).to_numpy()
        amount = float(ledger["amount"][rows].sum())
        checking.add(
            "warning",
            "department_validity",
            checking.place("ledger", rows),
            amount,
            department=checking.named(code),
            cost=amount,
        )
