"""Cost models written down in a test: departments, ledger lines and whatever tables the test needs."""

from __future__ import annotations

import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from drgengine.costing.model import AllocationSettings, CostModel, Policies, Settings

LEDGER = {
    "account": None,
    "detail": None,
    "fund_source": "basic",
    "entry_mode": "direct",
    "behaviour": "fixed",
    "separately_charged": False,
}
DEPARTMENT = {
    "dept_name": None,
    "setting": None,
    "parent": None,
    "basis": None,
    "valid_from": pd.NaT,
    "valid_to": pd.NaT,
}


def model_of(
    departments: list[dict[str, Any]],
    ledger: list[dict[str, Any]],
    *,
    method: str = "three-level",
    basis: dict[str, str] | None = None,
    policies: dict[str, Any] | None = None,
    ledger_total: float | None = None,
    order: tuple[str, ...] = (),
    **tables: list[dict[str, Any]],
) -> CostModel:
    """A model with the tables given as rows; columns left out get their default or null."""
    allocation = AllocationSettings(method=method, order=order)  # type: ignore[arg-type]
    if basis:
        allocation.basis.update(basis)
    settings = Settings(
        name="by hand",
        hospital="示例医院",
        start=datetime.date(2024, 1, 1),
        end=datetime.date(2024, 12, 31),
        tables={"ledger": "ledger.csv", "departments": "departments.csv", **{name: f"{name}.csv" for name in tables}},
        ledger_total=ledger_total,
        allocation=allocation,
        policies=Policies(**(policies or {})),
    )
    frames = {name: pd.DataFrame(rows) for name, rows in tables.items()}
    frames["departments"] = pd.DataFrame([DEPARTMENT | row for row in departments])
    frames["ledger"] = pd.DataFrame([LEDGER | row for row in ledger])
    return CostModel(Path(), settings, frames, None)


def activity_of(departments: list[str], orders: list[tuple[str, str, int, float, float]]) -> Any:
    """Charge lines added up: (ordering, executing department, patient kind, quantity, amount); the rest is absent."""
    at = {code: n for n, code in enumerate(departments)}
    order = SimpleNamespace(
        order_dept=np.array([at[row[0]] for row in orders], np.int32),
        exec_dept=np.array([at[row[1]] for row in orders], np.int32),
        patient_kind=np.array([row[2] for row in orders], np.int32),
        qty=np.array([row[3] for row in orders], np.float64),
        amount=np.array([row[4] for row in orders], np.float64),
    )
    return SimpleNamespace(departments=tuple(departments), order=order)


FOUR = [
    {"dept_code": "A", "category": "administration"},
    {"dept_code": "X", "category": "auxiliary", "parent": "A"},
    {"dept_code": "T", "category": "technology", "parent": "A"},
    {"dept_code": "C", "category": "clinical", "setting": "outpatient", "parent": "T"},
    {"dept_code": "W", "category": "clinical", "setting": "inpatient", "parent": "C"},
]
"""One administration, one auxiliary, one technology department, a clinic and a ward."""

STAFF = [{"dept_code": code, "fte": fte} for code, fte in zip("AXTCW", (5, 10, 20, 30, 40), strict=True)]
ORDERS = [
    {"order_dept": "C", "exec_dept": "T", "qty": 30.0, "income": 900.0},
    {"order_dept": "W", "exec_dept": "T", "qty": 70.0, "income": 1100.0},
]
WORKLOAD = [
    {"dept_code": "T", "indicator": "packs", "value": 20.0},
    {"dept_code": "C", "indicator": "packs", "value": 30.0},
    {"dept_code": "W", "indicator": "packs", "value": 50.0},
    {"dept_code": "C", "indicator": "outpatient_visits", "value": 40.0},
    {"dept_code": "C", "indicator": "emergency_visits", "value": 10.0},
    {"dept_code": "W", "indicator": "bed_days", "value": 25.0},
]
PACKS = {"auxiliary": "workload.packs"}


def line(department: str, amount: float, item: str = "personnel", **more: Any) -> dict[str, Any]:
    """A ledger line."""
    return {"dept_code": department, "cost_item": item, "amount": amount, **more}


def small(ledger: list[dict[str, Any]], **more: Any) -> CostModel:
    """The five departments with staff, orders, workload and the drivers that fit them."""
    return model_of(FOUR, ledger, **{"staff": STAFF, "orders": ORDERS, "workload": WORKLOAD, "basis": PACKS} | more)
