"""A small hospital for tests of case costing: tables of a cost model, charge lines, and the way to its departments."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from drgengine.costing.charges.activity import Activity
from drgengine.costing.charges.readcharges import read_activity
from drgengine.costing.ledger.directcosts import direct_costs
from drgengine.costing.ledger.drivers import driver_matrix
from drgengine.costing.model import AllocationSettings, CaseSettings, CostModel, ItemSettings, Policies, Settings
from drgengine.costing.objects.departments import DepartmentCosts, department_costs

DEPARTMENTS = [
    # code, category, setting, centre group, service unit
    ("A1", "administration", None, "院办", "A1"),
    ("F1", "auxiliary", None, "供应室", "F1"),
    ("T1", "technology", None, "检验科", "检验"),
    ("T2", "technology", None, "手术室", "手术"),
    ("O1", "clinical", "outpatient", "clinic", "门诊"),
    ("W1", "clinical", "inpatient", "ward", "病房"),
    ("W2", "clinical", "inpatient", "ward", "病房"),
]
ITEMS = [
    # code, executing department, price, equivalent, minutes, goods, purchase price
    ("100", "W1", 50.0, 1.0, 30.0, "none", None),
    ("101", "W2", 80.0, 2.0, 45.0, "none", None),
    ("102", "O1", 20.0, 1.0, 10.0, "none", None),
    ("200", "T1", 20.0, 1.0, 5.0, "none", None),
    ("201", "T1", 60.0, 2.5, 15.0, "none", None),
    ("300", "T2", 900.0, 1.0, 120.0, "none", None),
    ("900", "W1", 12.5, None, None, "drug", 12.5),
    ("950", "W2", 300.0, None, None, "material", 300.0),
]
ELEMENTS = [
    # cost item, detail, separately charged, behaviour
    ("personnel", "doctor", False, "fixed"),
    ("personnel", "nurse", False, "mixed"),
    ("materials", None, False, "variable"),
    ("depreciation", None, False, "fixed"),
    ("other", None, False, "mixed"),
]


@dataclass(frozen=True)
class Hospital:
    """A model with its activity and its departments."""

    model: CostModel
    activity: Activity
    departments: DepartmentCosts


def small_hospital(folder: Path, *, cases: int = 30, seed: int = 7, **changes: Any) -> Hospital:
    """A hospital drawn from a seed. changes : fields of CaseSettings and Policies, item_method, minutes, allocation."""
    rng = np.random.default_rng(seed)
    tables = _tables(rng, cases)
    charges = _charges(rng, tables["discharges"])
    tables["ledger"] = pd.concat([tables["ledger"], _goods_ledger(charges)], ignore_index=True)
    return made_hospital(folder, tables, charges, **changes)


def made_hospital(folder: Path, tables: dict[str, Any], charges: Any, **changes: Any) -> Hospital:
    """A hospital from tables and charge lines."""
    settings = Settings("test", "Test hospital", datetime.date(2024, 1, 1), datetime.date(2024, 12, 31), {})
    items = {"method": changes.pop("item_method", "income"), "effective_minutes": changes.pop("minutes", 99_600.0)}
    policies = {k: changes.pop(k) for k in list(changes) if k in Policies.__dataclass_fields__}
    allocation = AllocationSettings(method=changes.pop("allocation", "three-level"))
    settings = replace(settings, allocation=allocation)
    settings = replace(
        settings, items=ItemSettings(**items), policies=Policies(**policies), cases=CaseSettings(**changes)
    )
    file = folder / "charges.csv"
    charges.to_csv(file, index=False)
    model = CostModel(folder, settings, tables, file)
    activity = read_activity(model)
    direct = direct_costs(model)
    return Hospital(model, activity, department_costs(model, direct, driver_matrix(model, activity)))


def _tables(rng: np.random.Generator, cases: int) -> dict[str, Any]:
    departments = pd.DataFrame(
        DEPARTMENTS, columns=["dept_code", "category", "setting", "centre_group", "service_unit"], dtype=object
    )
    departments = departments.assign(dept_name=departments["dept_code"], basis=None)
    staff = pd.DataFrame({"dept_code": departments["dept_code"], "role": None, "fte": [5.0, 4, 6, 8, 9, 20, 25]})
    items = pd.DataFrame(
        ITEMS, columns=["item_code", "dept", "price", "equivalent", "minutes", "goods", "unit_cost"]
    ).astype({"equivalent": float, "minutes": float, "unit_cost": float})
    items = items.assign(
        item_name="item " + items["item_code"], national_code=None, fee_class=None, unit="次", service_unit=None
    )
    stays = []
    rows = []
    for n in range(cases):
        ward, days = f"W{rng.integers(1, 3)}", int(rng.integers(0, 15))
        start = datetime.date(2024, 1, 1) + datetime.timedelta(int(rng.integers(0, 360)))
        waiting = n % 11 == 10
        stays.append((f"C{n:03}", ward, float(max(days, 1)), None))
        if n % 7 == 0:
            stays.append((f"C{n:03}", "W1" if ward == "W2" else "W2", 2.0, None))
        end = None if waiting else start + datetime.timedelta(days)
        group = None if n % 13 == 12 else f"{'ABC'[n % 3]}A1{n % 2}"
        rows.append((f"C{n:03}", start, end, ward, float(days), f"I{n % 4}1.900;E11.900", group, f"D{n % 5}"))
    discharges = pd.DataFrame(
        rows,
        columns=[
            "case_id",
            "admission_date",
            "discharge_date",
            "department_id",
            "los_days",
            "dx",
            "drg",
            "physician_id",
        ],
    )
    discharges = discharges.assign(adrg=None, disease=None, status=None, total_charge=np.nan, payment=np.nan)
    return {
        "departments": departments,
        "staff": staff,
        "items": items.drop(columns="dept"),
        "discharges": discharges,
        "stays": pd.DataFrame(stays, columns=["case_id", "dept_code", "bed_days", "hours"]).astype({"hours": float}),
        "ledger": _ledger(rng, departments["dept_code"]),
    }


def _ledger(rng: np.random.Generator, codes: Any) -> Any:
    rows: list[tuple[Any, ...]] = []
    for code in codes:
        for item, detail, charged, behaviour in ELEMENTS:
            amount = round(float(rng.uniform(1e3, 2e5)), 2)
            fund = "fiscal_project" if rng.random() < 0.2 else "research_teaching" if rng.random() < 0.1 else "basic"
            rows.append((code, item, detail, charged, behaviour, fund, amount))
    return ledger_lines(rows)


def _goods_ledger(charges: Any) -> Any:
    """Goods cost two percent more than what was charged of them."""
    rows: list[tuple[Any, ...]] = []
    for code, item, charged in (("900", "drugs", False), ("950", "materials", True)):
        for ward in ("W1", "W2"):
            amount = charges["amount"][(charges["item_code"] == code) & (charges["exec_dept"] == ward)].sum()
            rows.append((ward, item, None, charged, "variable", "basic", round(float(amount) * 1.02, 2)))
    return ledger_lines(rows)


def ledger_lines(rows: list[tuple[Any, ...]]) -> Any:
    columns = ["dept_code", "cost_item", "detail", "separately_charged", "behaviour", "fund_source", "amount"]
    return pd.DataFrame(rows, columns=columns).assign(entry_mode="direct", account="6601", period="2024")


def _charges(rng: np.random.Generator, discharges: Any) -> Any:
    rows = []
    for case, ward in zip(discharges["case_id"], discharges["department_id"], strict=True):
        for _ in range(int(rng.integers(3, 12))):
            code, executing, price, *_, goods, _ = ITEMS[int(rng.integers(0, len(ITEMS)))]
            if code == "102":
                continue
            executing = ward if goods != "none" else executing
            qty = int(rng.integers(1, 5))
            rows.append((case, "inpatient", ward, executing, code, qty, round(qty * price, 2)))
    for code, executing, price in (("102", "O1", 20.0), ("200", "T1", 20.0), ("201", "T1", 60.0)):
        rows.append((None, "outpatient", "O1", executing, code, 40, 40 * price))
    rows.append((None, "non_patient", "O1", "T1", "200", 10, 200.0))
    columns = ["case_id", "patient_type", "order_dept", "exec_dept", "item_code", "qty", "amount"]
    return pd.DataFrame(rows, columns=columns)
