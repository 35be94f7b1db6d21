"""Staff, assets, workload, drivers and the other small tables of an invented hospital."""

from __future__ import annotations

import numpy as np

from drgengine.synth.costledger import Ledger
from drgengine.synth.hospitalcases import HospitalCases
from drgengine.synth.hospitaldepartments import CATEGORIES, Departments
from drgengine.synth.hospitalitems import GOODS, Items
from drgengine.synth.linetally import Tally
from drgengine.synth.settings import data

Rows = list[tuple[object, ...]]
"""Rows of a table in the order of its columns; None is a blank cell."""
_GIVEN = ("auxiliary", "technology", "clinical")


def staff(departments: Departments, ledger: Ledger, tally: Tally) -> Rows:
    """dept_code, role, fte, hours, pay: people for the pay in the ledger, and enough for the minutes of the items."""
    facts = data("hospital_ledger")["staff"]
    roles = list(facts["pay"])
    pay = np.stack([ledger.spent[role] for role in roles], axis=1)
    people = np.maximum(pay / np.array([facts["pay"][role] for role in roles]), 0.0)
    needed = tally.minutes / 60 / facts["hours"] / facts["busy"]
    short = np.maximum(needed / np.maximum(people.sum(axis=1), 1e-9), 1.0)
    rows: Rows = []
    for dept, code in enumerate(departments.codes):
        for n, role in enumerate(roles):
            if pay[dept, n] > 0:
                fte = max(round(float(people[dept, n] * short[dept]) + 0.05, 1), 0.1)
                rows.append((code, role, fte, round(fte * facts["hours"]), round(float(pay[dept, n]), 2)))
    return rows


def assets(departments: Departments, ledger: Ledger) -> Rows:
    """dept_code, asset_id, class, original_value, monthly_depreciation, area_m2."""
    facts = data("hospital_ledger")["assets"]
    kinds = (("building", "房屋及构筑物", "F"), ("equipment", "专用设备", "S"), ("software", "无形资产", "W"))
    rows: Rows = []
    for dept, code in enumerate(departments.codes):
        for line, title, letter in kinds:
            yearly = float(ledger.spent[line][dept])
            area = max(round(yearly / facts["building_per_m2"], 1), 12.0) if line == "building" else None
            if yearly > 0 or area:
                value = round(yearly * facts[f"{line}_years"], 2)
                rows.append((code, f"{letter}{dept + 1:04d}", title, value, round(yearly / 12, 2), area))
    return rows


def workload(departments: Departments, cases: HospitalCases, tally: Tally) -> Rows:
    """dept_code, indicator, value; departments that have none of what drives an allocation say 0."""
    facts = data("hospital_activity")["workload"]
    size = len(departments.codes)
    place = departments.place
    bed_days = np.zeros(size)
    for code, _, days, _ in stays(cases):
        bed_days[place[str(code)]] += 0 if days is None else float(str(days))
    gone = cases.discharged >= 0
    ward = np.array([place[code] for code in cases.wards])
    packs = (
        tally.operations_by_ward * 0.2
        + bed_days * facts["sterile_per_bed_day"]
        + tally.visits * facts["sterile_per_visit"]
        + tally.operations * facts["sterile_per_operation"]
    )
    values = {
        "outpatient_visits": np.where(departments.emergency, 0, tally.visits),
        "emergency_visits": np.where(departments.emergency, tally.visits, 0),
        "discharges": np.bincount(ward[cases.ward[gone]], minlength=size),
        "bed_days": bed_days,
        "sterile_packs": np.rint(packs),
        "operations": tally.operations,
        "tests": tally.tests,
    }
    driving = {basis.removeprefix("workload.") for basis in departments.basis}
    asked = np.isin(departments.category, [CATEGORIES.index(name) for name in _GIVEN[1:]])
    return [
        (departments.codes[dept], name, int(value[dept]))
        for name, value in values.items()
        for dept in np.flatnonzero((value > 0) | (asked & (name in driving)))
    ]


def stays(cases: HospitalCases) -> Rows:
    """dept_code, case number, bed_days, hours: intensive care, then the ward of a transfer, then the last one."""
    rows: Rows = []
    intensive = cases.intensive_days
    hours = cases.intensive_hours
    for n, days in enumerate(cases.days.tolist()):
        own = days - int(intensive[n]) - int(cases.other_days[n])
        left = days * 24.0
        if intensive[n]:
            left -= float(hours[n])
            rows.append(("ICU", n, int(intensive[n]), round(float(hours[n]), 1)))
        if cases.other_days[n]:
            left -= 24.0 * int(cases.other_days[n])
            rows.append((cases.wards[cases.other[n]], n, int(cases.other_days[n]), 24 * int(cases.other_days[n])))
        if own or not rows or rows[-1][1] != n:
            rows.append((cases.wards[cases.ward[n]], n, own, round(max(left, 0.0), 1)))
    return rows


def drivers(departments: Departments, ledger: Ledger, tally: Tally) -> Rows:
    """from_dept, to_dept, driver, value, origin where the basis is "table": stores, by what they issue."""
    names = dict(zip(departments.codes, departments.names, strict=True))
    drugs = tally.goods[:, GOODS.index("drug")].sum(axis=1)
    materials = tally.goods[:, GOODS.index("material")].sum(axis=1) + ledger.spent["materials"]
    receiving = np.isin(departments.category, [CATEGORIES.index(name) for name in _GIVEN[1:]])
    rows: Rows = []
    for giver, basis in zip(departments.codes, departments.basis, strict=True):
        if basis != "table":
            continue
        value, driver = (drugs, "领用药品金额") if "药" in names[giver] else (materials, "领用材料金额")
        rows += [
            (giver, departments.codes[dept], driver, round(float(value[dept]), 2), "物资系统")
            for dept in np.flatnonzero(receiving & (value > 0.005))
        ]
    return rows


def orders(departments: Departments, tally: Tally) -> Rows:
    """order_dept, exec_dept, qty, income: what clinical departments ordered from technology (materials left out)."""
    rows: Rows = []
    for executing in departments.of("technology"):
        for ordering in departments.of("clinical"):
            if tally.orders_fen[ordering, executing] > 0:
                qty = round(float(tally.orders_qty[ordering, executing]), 2)
                income = tally.orders_fen[ordering, executing] / 100
                rows.append((departments.codes[ordering], departments.codes[executing], qty, income))
    return rows


def service_units(departments: Departments, tally: Tally) -> Rows:
    """dept_code, service_unit, share: clinical departments, by income times how dear it is; shares sum to 1."""
    effort = data("hospital_activity")["unit_effort"]
    weight = tally.units * np.array([effort.get(name, 1.0) for name in tally.unit_names])
    rows: Rows = []
    for dept in departments.of("clinical"):
        there = np.flatnonzero(weight[dept] > 0)
        cuts = np.rint(np.cumsum(weight[dept][there]) / weight[dept][there].sum() * 10_000).astype(int)
        for unit, parts in zip(there, np.diff(cuts, prepend=0), strict=True):
            rows.append((departments.codes[dept], tally.unit_names[unit], f"{parts / 10_000:.4f}"))
    return rows


def shared_codes() -> Rows:
    """source_system, source_code, dept_code, share of the code finance uses for two departments."""
    shared = data("hospital_ledger")["shared"]
    first, second = shared["departments"]
    return [("finance", shared["code"], first, "0.6"), ("finance", shared["code"], second, "0.4")]


def item_rows(items: Items, goods: bool, fee_classes: tuple[str, ...]) -> Rows:
    """Rows of the table items, or of goods."""
    rows: Rows = []
    for n in np.flatnonzero((items.goods > 0) == goods):
        head = (
            items.codes[n],
            items.names[n],
            fee_classes[items.part[n]],
            items.units[n],
            f"{items.price[n] / 100:.2f}",
        )
        if goods:
            rows.append((*head, GOODS[items.goods[n]], True, f"{items.cost[n]:.4f}"))
        else:
            rows.append((*head, f"{items.equivalent[n]:.2f}", f"{items.minutes[n]:g}", items.service_unit[n]))
    return rows
