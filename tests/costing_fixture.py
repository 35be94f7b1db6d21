"""A small complete cost model: twelve departments of all four categories, one quarter, a dozen cases."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from drgengine.costing.intake.vocabulary import accepted, tables

Rows = list[dict[str, Any]]

MONTHS = ("2024-01", "2024-02", "2024-03")
DEPARTMENTS = (
    # code, name, category, setting, basis, fte, area
    ("A01", "院办", "administration", "", "", 2, 60),
    ("A02", "财务科", "administration", "", "", 3, 80),
    ("X01", "消毒供应室", "auxiliary", "", "workload.sterile_packs", 2, 150),
    ("X02", "住院收费处", "auxiliary", "", "", 2, 40),
    ("T01", "检验科", "technology", "", "", 4, 300),
    ("T02", "影像科", "technology", "", "", 3, 400),
    ("T03", "手术室", "technology", "", "", 5, 500),
    ("C01", "内科门诊", "clinical", "outpatient", "", 3, 200),
    ("C02", "外科门诊", "clinical", "outpatient", "", 3, 180),
    ("W01", "内科病区", "clinical", "inpatient", "", 8, 900),
    ("W02", "外科病区", "clinical", "inpatient", "", 9, 950),
    ("W03", "重症医学科", "clinical", "inpatient", "", 6, 350),
)
SERVICES = (
    # code, name, fee class, unit, price, equivalent, minutes, service unit
    ("S001", "床位费", "床位费", "日", 50.0, 1.0, 60, "BED"),
    ("S002", "护理费", "护理费", "日", 30.0, 0.8, 90, "NURSE"),
    ("S101", "血常规", "检验费", "次", 20.0, 1.0, 5, ""),
    ("S102", "生化全套", "检验费", "次", 80.0, 2.5, 15, ""),
    ("S201", "胸部CT", "检查费", "次", 300.0, 6.0, 25, ""),
    ("S202", "胸部X线", "检查费", "次", 60.0, 1.0, 10, ""),
    ("S301", "阑尾切除术", "手术费", "次", 1500.0, 10.0, 70, ""),
    ("S302", "胆囊切除术", "手术费", "次", 2500.0, 16.0, 120, ""),
    ("S401", "诊察费", "诊察费", "次", 20.0, 1.0, 12, ""),
    ("S402", "换药", "治疗费", "次", 15.0, 0.7, 10, ""),
    ("S501", "重症监护", "监护费", "日", 500.0, 8.0, 300, "ICU"),
)
GOODS = (
    ("D001", "头孢呋辛", "西药费", "支", 25.0, "drug", 25.0),
    ("D002", "氯化钠注射液", "西药费", "袋", 5.0, "drug", 4.5),
    ("M001", "吻合器", "卫生材料费", "个", 1200.0, "material", 1100.0),
)
CASES = (
    # case, admission, discharge, DRG, principal diagnosis, stays (department, bed-days), operation
    ("1001", "2024-01-03", "2024-01-09", "ES23", "J18.900", (("W01", 6),), ""),
    ("1002", "2024-01-05", "2024-01-10", "ES23", "J18.900", (("W01", 5),), ""),
    ("1003", "2024-01-08", "2024-01-20", "ES21", "J18.900", (("W01", 8), ("W03", 4)), ""),
    ("1004", "2024-01-11", "2024-01-16", "GD25", "K35.900", (("W02", 5),), "S301"),
    ("1005", "2024-01-15", "2024-01-19", "GD25", "K35.900", (("W02", 4),), "S301"),
    ("1006", "2024-02-01", "2024-02-10", "HC25", "K80.100", (("W02", 9),), "S302"),
    ("1007", "2024-02-03", "2024-02-15", "HC23", "K80.000", (("W02", 10), ("W03", 2)), "S302"),
    ("1008", "2024-02-06", "2024-02-12", "GD25", "K35.200", (("W02", 6),), "S301"),
    ("1009", "2024-02-20", "2024-02-27", "ES23", "J15.900", (("W01", 7),), ""),
    ("1010", "2024-03-01", "2024-03-08", "HC25", "K80.100", (("W02", 7),), "S302"),
    ("1011", "2024-03-04", "2024-03-12", "ES21", "J18.900", (("W01", 5), ("W03", 3)), ""),
    ("1012", "2024-03-25", "", "", "J18.900", (("W01", 6),), ""),
)
SETTINGS = """\
[model]
name = "quarter"
hospital = "示范医院"

[period]
start = 2024-01-01
end = 2024-03-31
"""


def model_tables() -> dict[str, Rows]:
    """All tables with canonical headers; a test may change them before they are written."""
    charges = _charges()
    return {
        "departments": [
            {"dept_code": code, "dept_name": name, "category": category, "setting": setting, "basis": basis}
            for code, name, category, setting, basis, _, _ in DEPARTMENTS
        ],
        "ledger": _ledger(),
        "staff": [
            {"dept_code": row[0], "role": "医", "fte": row[5], "hours": row[5] * 500, "pay": row[5] * 6000}
            for row in DEPARTMENTS
        ],
        "assets": [
            {
                "dept_code": row[0],
                "asset_id": f"F{at:03d}",
                "class": "房屋",
                "original_value": row[6] * 1000,
                "monthly_depreciation": row[6] * 2,
                "area_m2": row[6],
            }
            for at, row in enumerate(DEPARTMENTS, 1)
        ],
        "workload": _workload(),
        "orders": _orders(charges),
        "items": [
            {
                "item_code": code,
                "item_name": name,
                "fee_class": fee_class,
                "unit": unit,
                "price": price,
                "equivalent": equivalent,
                "minutes": minutes,
                "service_unit": service_unit,
            }
            for code, name, fee_class, unit, price, equivalent, minutes, service_unit in SERVICES
        ],
        "goods": [
            {
                "item_code": code,
                "item_name": name,
                "fee_class": fee_class,
                "unit": unit,
                "price": price,
                "goods": goods,
                "unit_cost": unit_cost,
            }
            for code, name, fee_class, unit, price, goods, unit_cost in GOODS
        ],
        "charges": charges,
        "discharges": _discharges(charges),
        "stays": [
            {
                "case_id": case[0],
                "dept_code": department,
                "bed_days": days,
                "hours": days * (20 if department == "W03" else 4),
            }
            for case in CASES
            for department, days in case[5]
        ],
        "service_units": [
            {"dept_code": department, "service_unit": unit, "share": share}
            for department, shares in (
                ("W01", (("BED", 0.6), ("NURSE", 0.4))),
                ("W02", (("BED", 0.6), ("NURSE", 0.4))),
                ("W03", (("BED", 0.2), ("NURSE", 0.2), ("ICU", 0.6))),
            )
            for unit, share in shares
        ],
        "weights": [
            {"drg": "ES21", "weight": 1.32, "name": "呼吸系统感染，伴严重并发症"},
            {"drg": "ES23", "weight": 0.71, "name": "呼吸系统感染，不伴并发症"},
            {"drg": "GD25", "weight": 0.86, "name": "阑尾切除术"},
            {"drg": "HC23", "weight": 1.75, "name": "胆囊切除术，伴并发症"},
            {"drg": "HC25", "weight": 1.28, "name": "胆囊切除术，不伴并发症"},
        ],
    }


def write_model(
    folder: Path,
    rows: Mapping[str, Rows] | None = None,
    settings: str = "",
    *,
    form: str = "csv",
    encoding: str = "utf-8",
    chinese: bool = False,
) -> Path:
    """Write a model folder and return it.

    rows : table name -> rows, instead of `model_tables()`
    settings : more sections of model.toml; a section [model] of its own replaces the usual [model] and [period]
    form : csv, xlsx or parquet (numbers as numbers, codes as text); chinese: headers and choices in Chinese
    """
    rows = model_tables() if rows is None else rows
    folder.mkdir(parents=True, exist_ok=True)
    for name, lines in rows.items():
        write_table(folder / f"{name}.{form}", name, lines, encoding=encoding, chinese=chinese)
    listed = "\n".join(f'{name} = "{name}.{form}"' for name in rows)
    head = "" if "[model]" in settings else SETTINGS
    files = "" if "[tables]" in settings else f"\n[tables]\n{listed}\n"
    (folder / "model.toml").write_text(f"{head}{files}\n{settings}\n", encoding="utf-8")
    return folder


def write_table(path: Path, name: str, rows: Rows, *, encoding: str = "utf-8", chinese: bool = False) -> None:
    """Write one table; the ending of the path tells the format."""
    headers = list(dict.fromkeys(key for row in rows for key in row))
    if chinese:
        rows = [{_title(name, key): _word(name, key, value) for key, value in row.items()} for row in rows]
        headers = [_title(name, key) for key in headers]
    cells = [[row.get(header, "") for header in headers] for row in rows]
    if path.suffix == ".csv":
        with path.open("w", encoding=encoding, newline="") as file:
            csv.writer(file).writerows([headers, *cells])
    elif path.suffix == ".xlsx":
        _write_xlsx(path, headers, cells)
    else:
        _write_parquet(path, headers, cells)


def _title(name: str, key: str) -> str:
    columns = tables()[name].columns
    return columns[key].title if key in columns else key


def _word(name: str, key: str, value: Any) -> Any:
    column = tables()[name].columns.get(key)
    if column is None or not column.words:
        return value
    return accepted(column.words)[value][0] if value in accepted(column.words) else value


def _write_xlsx(path: Path, headers: list[str], cells: list[list[Any]]) -> None:
    import xlsxwriter

    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet()
        for at, row in enumerate([headers, *cells]):
            sheet.write_row(at, 0, row)


def _write_parquet(path: Path, headers: list[str], cells: list[list[Any]]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = []
    for at in range(len(headers)):
        values = [None if row[at] == "" else row[at] for row in cells]
        numeric = any(isinstance(value, int | float) for value in values)
        columns.append(pa.array(values, pa.float64() if numeric else pa.string()))
    pq.write_table(pa.table(columns, names=headers), path)


def _ledger() -> Rows:
    rows: Rows = []

    def post(month: str, department: str, item: str, amount: float, **more: Any) -> None:
        account = {"personnel": "5001", "depreciation": "5004"}.get(item, "5009")
        rows.append(
            {
                "period": month,
                "dept_code": department,
                "account": account,
                "cost_item": item,
                "amount": round(amount, 2),
                "fund_source": "basic",
                "entry_mode": "direct",
                "behaviour": "",
                "separately_charged": "",
                "voucher": f"V{len(rows) + 1:04d}",
            }
            | more
        )

    for at, month in enumerate(MONTHS):
        for code, _, category, _, _, fte, area in DEPARTMENTS:
            post(month, code, "personnel", fte * 2000 + 10.01 * at)
            post(month, code, "depreciation", area * 2.0)
            post(month, code, "other", fte * 150 + area * 0.37, entry_mode="computed")
            if category == "clinical":
                post(month, code, "risk_fund", 33.33)
            if category in ("technology", "clinical"):
                post(month, code, "materials", 200 + 7.77 * at)
        post(month, "T03", "materials", 1100.0, separately_charged="是")
        post(month, "W01", "drugs", 900.5)
        post(month, "W02", "drugs", 700.25)
        post(month, "T02", "depreciation", 450.0, fund_source="fiscal_project")
        post(month, "W02", "other", 120.0, fund_source="research_teaching")
    post("2024-03", "A02", "amortisation", 600.0)
    post("2024-03", "W02", "drugs", -50.25)
    return rows


def _workload() -> Rows:
    bed_days: dict[str, int] = {}
    discharged: dict[str, int] = {}
    for case in CASES:
        for department, days in case[5]:
            bed_days[department] = bed_days.get(department, 0) + days
        if case[2]:
            last = case[5][-1][0]
            discharged[last] = discharged.get(last, 0) + 1
    figures = [("C01", "outpatient_visits", 300), ("C02", "outpatient_visits", 240)]
    figures += [(department, "bed_days", days) for department, days in bed_days.items()]
    figures += [(department, "discharges", count) for department, count in discharged.items()]
    packs = (("T03", 60), ("C02", 30), ("W02", 25), ("W03", 10))
    figures += [(department, "sterile_packs", count) for department, count in packs]
    return [{"dept_code": code, "indicator": indicator, "value": value} for code, indicator, value in figures]


def _charges() -> Rows:
    """One line per case and item; outpatient and non-patient work as monthly totals."""
    prices = {code: price for code, _, _, _, price, *_ in SERVICES} | {
        code: price for code, _, _, _, price, *_ in GOODS
    }
    rows: Rows = []

    def charge(case: str, kind: str, order: str, execute: str, item: str, qty: float, date: str) -> None:
        rows.append(
            {
                "case_id": case,
                "patient_type": kind,
                "order_dept": order,
                "exec_dept": execute,
                "item_code": item,
                "qty": qty,
                "price": prices[item],
                "amount": round(qty * prices[item], 2),
                "charge_date": date,
                "reversal": 1 if qty < 0 else 0,
            }
        )

    for number, (case, admitted, _, _, _, stays, operation) in enumerate(CASES):
        for ward, days in stays:
            charge(case, "inpatient", ward, ward, "S001", days, admitted)
            charge(case, "inpatient", ward, ward, "S002", days, admitted)
            charge(case, "inpatient", ward, ward, "D002", 2 * days, admitted)
            if ward == "W03":
                charge(case, "inpatient", ward, ward, "S501", days, admitted)
        ward = stays[0][0]
        charge(case, "inpatient", ward, "T01", "S101", 1 + number % 3, admitted)
        charge(case, "inpatient", ward, "T01", "S102", 1 + number % 2, admitted)
        charge(case, "inpatient", ward, "T02", "S201" if number % 2 else "S202", 1, admitted)
        charge(case, "inpatient", ward, ward, "D001", 3 + number, admitted)
        if operation:
            charge(case, "inpatient", ward, "T03", operation, 1, admitted)
        if operation == "S302":
            charge(case, "inpatient", ward, "T03", "M001", 1, admitted)
    charge("1002", "inpatient", "W01", "T01", "S101", -1, "2024-01-10")
    for at, month in enumerate(MONTHS):
        day = f"{month}-28"
        charge("", "outpatient", "C01", "C01", "S401", 90 + 10 * at, day)
        charge("", "outpatient", "C02", "C02", "S401", 70 + 10 * at, day)
        charge("", "outpatient", "C02", "C02", "S402", 40, day)
        charge("", "outpatient", "C01", "T01", "S101", 60, day)
        charge("", "outpatient", "C01", "T02", "S202", 20, day)
        charge("", "outpatient", "C02", "T02", "S202", 15, day)
        charge("", "outpatient", "C01", "C01", "D001", 30, day)
        charge("", "non_patient", "C01", "T01", "S102", 5, day)
    return rows


def _orders(charges: Rows) -> Rows:
    """Work and income of technology departments by ordering department, as the charge lines have it."""
    sums: dict[tuple[str, str], list[float]] = {}
    goods = {row[0] for row in GOODS}
    for line in charges:
        if line["exec_dept"].startswith("T") and line["item_code"] not in goods:
            entry = sums.setdefault((line["order_dept"], line["exec_dept"]), [0.0, 0.0])
            entry[0] += line["qty"]
            entry[1] += line["amount"]
    return [
        {"order_dept": order, "exec_dept": execute, "qty": qty, "income": round(income, 2)}
        for (order, execute), (qty, income) in sorted(sums.items())
    ]


def _discharges(charges: Rows) -> Rows:
    totals: dict[str, float] = {}
    for line in charges:
        totals[line["case_id"]] = totals.get(line["case_id"], 0.0) + line["amount"]
    return [
        {
            "case_id": case,
            "admission_date": admitted,
            "discharge_date": discharged,
            "department_id": stays[-1][0],
            "los_days": sum(days for _, days in stays),
            "dx": diagnosis,
            "drg": drg,
            "adrg": drg[:3],
            "physician_id": f"P{number % 4 + 1}",
            "total_charge": round(totals[case], 2),
            "payment": round(totals[case] * 0.7, 2) if discharged else "",
        }
        for number, (case, admitted, discharged, drg, diagnosis, stays, _) in enumerate(CASES)
    ]
