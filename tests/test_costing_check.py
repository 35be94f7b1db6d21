"""Every way to make a cost model wrong although its files can be read, and what the check says about it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from chinese_findings import english_left
from costing_fixture import Rows, model_tables, write_model

from drgengine.costing.intake.check import check_model
from drgengine.costing.intake.read import read_model
from drgengine.costing.model import Finding
from drgengine.costing.runmodel import read_checked
from drgengine.errors import CostingError

Tables = dict[str, Rows]
Breaker = Callable[[Tables], None]
HEAD = "[model]\nname = 'm'\n{}[period]\nstart = 2024-01-01\nend = 2024-03-31\n"


def put(table: str, row: int, /, **cells: Any) -> Breaker:
    return lambda tables: tables[table][row].update(cells)


def put_where(table: str, key: str, wanted: str, /, **cells: Any) -> Breaker:
    def broken(tables: Tables) -> None:
        for row in tables[table]:
            if row[key] == wanted:
                row.update(cells)

    return broken


def append(table: str, /, **cells: Any) -> Breaker:
    return lambda tables: tables.setdefault(table, []).append({**(tables[table][0] if tables[table] else {}), **cells})


def drop(table: str, key: str = "", *values: Any) -> Breaker:
    """Without a key the whole table goes."""

    def broken(tables: Tables) -> None:
        if key:
            tables[table] = [row for row in tables[table] if row[key] not in values]
        else:
            del tables[table]

    return broken


def together(*breakers: Breaker) -> Breaker:
    def broken(tables: Tables) -> None:
        for breaker in breakers:
            breaker(tables)

    return broken


def scale(table: str, key: str, factor: float) -> Breaker:
    def broken(tables: Tables) -> None:
        for row in tables[table]:
            if row.get(key) not in (None, ""):
                row[key] = row[key] * factor

    return broken


def drivers(*rows: tuple[str, str, str, Any]) -> Breaker:
    keys = ("from_dept", "to_dept", "driver", "value")

    def broken(tables: Tables) -> None:
        tables["drivers"] = [dict(zip(keys, row, strict=True)) for row in rows]

    return broken


def nothing(tables: Tables) -> None:
    """Only the settings are wrong."""


# name -> (what is broken, more of model.toml, severity, rule, words of place, problem and remedy)
Case = tuple[Breaker, str, str, str, list[str]]
CASES: dict[str, Case] = {
    "duplicate department": (
        append("departments", dept_code="A01"),
        "",
        "error",
        "duplicate_department",
        ["departments.csv rows 2, 14", "'A01'", "2 times"],
    ),
    "no clinical": (
        put_where("departments", "category", "clinical", category="technology", setting=""),
        "",
        "error",
        "no_clinical_department",
        ["departments.csv", "临床服务"],
    ),
    "no setting": (
        put("departments", 7, setting=""),
        "",
        "error",
        "missing_setting",
        ["departments.csv row 9", "C01 内科门诊", "门急诊"],
    ),
    "both settings": (
        put("departments", 7, setting="both"),
        "",
        "error",
        "setting_both",
        ["departments.csv row 9", "C01 内科门诊", "共用", 'setting_split = "income"'],
    ),
    "both settings, split": (
        put("departments", 7, setting="both"),
        "[policies]\nsetting_split = 'income'",
        "warning",
        "setting_both",
        ["split by income"],
    ),
    "parents in a circle": (
        together(put("departments", 0, parent="A02"), put("departments", 1, parent="A01")),
        "",
        "error",
        "parent_circle",
        ["departments.csv row 2", "A01"],
    ),
    "unknown parent": (
        put("departments", 0, parent="A0Z"),
        "",
        "error",
        "unknown_department",
        ["departments.csv row 2", "'A0Z'"],
    ),
    "unknown in ledger": (
        together(put("ledger", 0, dept_code="W91"), append("ledger", dept_code="W91", amount=10)),
        "",
        "error",
        "unknown_department",
        ["ledger.csv rows 2, 166", "'W91'", "4,010.00 yuan", "Did you mean W01 内科病区?", "dept_map"],
    ),
    "unknown by name": (
        put("staff", 0, dept_code="H9", dept_name="心内科病区"),
        "",
        "error",
        "unknown_department",
        ["staff.csv row 2", "'H9' (心内科病区)", "W01 内科病区"],
    ),
    "unknown in stays": (put("stays", 0, dept_code="Z"), "", "error", "unknown_department", ["stays.csv row 2", "'Z'"]),
    "unknown in orders": (put("orders", 0, exec_dept="Z"), "", "error", "unknown_department", ["orders.csv row 2"]),
    "unknown discharge": (
        put("discharges", 0, department_id="Z"),
        "",
        "error",
        "unknown_department",
        ["discharges.csv row 2", "column department_id"],
    ),
    "unknown, suspense": (
        put("ledger", 0, dept_code="W91"),
        "[policies]\nunknown_department = 'suspense'\nsuspense_department = 'A02'",
        "warning",
        "unknown_department",
        ["suspense department A02"],
    ),
    "unknown suspense": (
        nothing,
        "[policies]\nunknown_department = 'suspense'\nsuspense_department = 'A0'",
        "error",
        "unknown_department",
        ["suspense_department", "'A0'", "A0"],
    ),
    "order": (
        nothing,
        "[allocation]\nmethod = 'step-down'\norder = ['A01', 'W01', 'X9']",
        "error",
        "order_of_clinical",
        ["[allocation]", "W01 内科病区"],
    ),
    "order incomplete": (
        nothing,
        "[allocation]\nmethod = 'step-down'\norder = ['A01', 'A02']",
        "error",
        "order_incomplete",
        ["X01, X02, T01, T02, T03"],
    ),
    "order unknown": (nothing, "[allocation]\norder = ['A0l']", "error", "unknown_department", ["'A0l'", "A01"]),
    "closed department": (
        put("departments", 0, valid_to="2024-01-31"),
        "",
        "warning",
        "department_validity",
        ["A01 院办", "ledger.csv rows", "有效期"],
    ),
    "ledger total": (
        nothing,
        HEAD.format("ledger_total = 1000.0\n"),
        "error",
        "ledger_total",
        ["ledger_total", "1,000.00 yuan", "gap", "By account: 5", "By department: W0"],
    ),
    "ledger total, explained": (
        append("ledger", account="5099", amount=777.77, dept_code="A02"),
        HEAD.format("ledger_total = 367930.89\n"),
        "error",
        "ledger_total",
        ["gap 777.77 yuan", "By account: 5099 777.77 (= the gap)"],
    ),
    "negative cost": (
        append("ledger", dept_code="W01", cost_item="drugs", amount=-5000, entry_mode="direct"),
        "",
        "error",
        "negative_cost",
        ["drugs (basic) of W01 内科病区", "-2,298.50 yuan", "ledger.csv row 166", "allocate, carry or parent"],
    ),
    "negative cost, carried": (
        append("ledger", dept_code="W01", cost_item="drugs", amount=-5000),
        "[policies]\nnegative_cost = 'carry'",
        "warning",
        "negative_cost",
        ["set aside"],
    ),
    "negative cost, no parent": (
        append("ledger", dept_code="W01", cost_item="drugs", amount=-5000),
        "[policies]\nnegative_cost = 'parent'",
        "error",
        "negative_cost",
        ["no parent department", "上级科室"],
    ),
    "month missing": (
        drop("ledger", "period", "2024-02"),
        "",
        "warning",
        "months_missing",
        ["ledger.csv", "2024-02", "[period]"],
    ),
    "ten thousand yuan": (
        scale("ledger", "amount", 1e-4),
        "",
        "warning",
        "amount_unit",
        ["amount_unit", "元 or 万元?", "ten_thousand_yuan"],
    ),
    "yuan": (
        scale("ledger", "amount", 1000),
        HEAD.format("amount_unit = 'ten_thousand_yuan'\n"),
        "warning",
        "amount_unit",
        ["元 or 万元?", 'amount_unit = "yuan"'],
    ),
    "hours in minutes": (scale("staff", "hours", 60), "", "warning", "hours_unit", ["staff.csv", "工时", "minutes"]),
    "minutes in hours": (
        scale("items", "minutes", 1 / 60),
        "",
        "warning",
        "minutes_unit",
        ["items.csv", "标准时间", "hours"],
    ),
    "zero driver": (
        put_where("workload", "indicator", "sterile_packs", value=0),
        "",
        "error",
        "zero_driver",
        ["departments.csv row 4", "X01 消毒供应室", '"workload.sterile_packs" is 0', "fallback"],
    ),
    "zero driver, fallback": (
        put_where("workload", "indicator", "sterile_packs", value=0),
        "[policies]\nzero_driver = 'fallback'",
        "warning",
        "zero_driver",
        ["the run will try income, staff"],
    ),
    "no orders": (
        drop("orders", "exec_dept", "T03"),
        "",
        "error",
        "zero_driver",
        ["T03 手术室", '"orders" is 0'],
    ),
    "blank driver": (
        put("staff", 8, fte=""),
        "",
        "error",
        "missing_driver",
        ["staff.csv", '"staff" is blank', "C02 外科门诊", "missing_driver"],
    ),
    "absent driver": (
        drop("staff", "dept_code", "W02"),
        "",
        "error",
        "missing_driver",
        ["staff.csv", '"staff" is blank', "W02 外科病区"],
    ),
    "blank driver as zero": (
        put("staff", 8, fte=""),
        "[policies]\nmissing_driver = 'zero'",
        "warning",
        "missing_driver",
        ["will count as 0"],
    ),
    "no staff": (drop("staff"), "", "error", "no_driver", ["A01 院办", "staff", "absent"]),
    "no income": (
        together(drop("charges"), drop("orders")),
        "",
        "error",
        "no_driver",
        ["X02 住院收费处", "income", "charges"],
    ),
    "no indicator": (
        put("departments", 2, basis="workload.消毒锅"),
        "",
        "error",
        "no_driver",
        ["X01", "消毒锅", "workload.csv", "sterile_packs"],
    ),
    "no rows of drivers": (put("departments", 2, basis="table"), "", "error", "no_driver", ["X01", "drivers"]),
    "negative workload": (
        put_where("workload", "indicator", "sterile_packs", value=-3),
        "",
        "error",
        "negative_driver",
        ["workload.csv rows", "sterile_packs of T03: -3"],
    ),
    "negative driver": (
        drivers(("X01", "W01", "包", 5), ("X01", "W02", "包", -1)),
        "",
        "error",
        "negative_driver",
        ["drivers.csv row 3", "X01", "-1"],
    ),
    "blank value of drivers": (
        drivers(("X01", "W01", "包", 5), ("X01", "W02", "包", "")),
        "",
        "error",
        "missing_driver",
        ["drivers.csv rows 2, 3", "W02 外科病区"],
    ),
    "two drivers": (
        drivers(("X01", "W01", "包", 5), ("X01", "W02", "收入", 1)),
        "",
        "error",
        "several_drivers",
        ["drivers.csv rows 2, 3", "X01 has 2 drivers: 包, 收入"],
    ),
    "shares of drivers": (
        drivers(("X01", "W01", "比例", 0.5), ("X01", "W02", "比例", 0.48)),
        "",
        "error",
        "share_sum",
        ["drivers.csv rows 2, 3", "0.98", "normalise"],
    ),
    "unknown in drivers": (
        drivers(("X01", "W01", "包", 5), ("X01", "W9", "包", 1)),
        "",
        "error",
        "unknown_department",
        ["drivers.csv row 3", "'W9'"],
    ),
    "shares of service units": (
        put("service_units", 0, share=0.5),
        "",
        "error",
        "share_sum",
        ["service_units.csv rows 2, 3", "W01 内科病区", "0.9"],
    ),
    "shares of service units, scaled": (
        put("service_units", 0, share=0.5),
        "[policies]\nshare_sum = 'normalise'",
        "warning",
        "share_sum",
        ["will be scaled"],
    ),
    "no bed-days": (
        put("workload", 2, value=0),
        "",
        "warning",
        "no_volume",
        ["workload.csv", "W01 内科病区", "no bed-days"],
    ),
    "no visits": (
        drop("workload", "indicator", "outpatient_visits"),
        "",
        "warning",
        "no_volume",
        ["C01 内科门诊", "no visits"],
    ),
    "duplicate case": (
        append("discharges", case_id="1001"),
        "",
        "error",
        "duplicate_case",
        ["discharges.csv rows 2, 14", "1001", 'duplicate_case = "first"'],
    ),
    "duplicate case, first": (
        append("discharges", case_id="1001"),
        "[policies]\nduplicate_case = 'first'",
        "warning",
        "duplicate_case",
        ["discharges.csv row 14", "left out"],
    ),
    "discharge before admission": (
        put("discharges", 1, discharge_date="2024-01-02"),
        "",
        "error",
        "discharge_before_admission",
        ["discharges.csv row 3", "1002", "2024-01-02 before 2024-01-05"],
    ),
    "discharged long ago": (
        put("discharges", 1, admission_date="2023-01-01", discharge_date="2023-01-06"),
        "",
        "error",
        "outside_period",
        ["discharges.csv row 3", "2024-01-01"],
    ),
    "admitted later": (
        put("discharges", 11, admission_date="2024-05-01"),
        "",
        "warning",
        "outside_period",
        ["discharges.csv row 13", "2024-03-31"],
    ),
    "length of stay": (
        put("discharges", 0, los_days=60),
        "",
        "warning",
        "length_of_stay",
        ["discharges.csv row 2", "60 days instead of 6"],
    ),
    "stay without case": (
        put("stays", 0, case_id="9999"),
        "",
        "error",
        "unmatched_case",
        ["stays.csv row 2", "9999", 'unmatched_case = "list"'],
    ),
    "stay without case, listed": (
        put("stays", 0, case_id="9999"),
        "[policies]\nunmatched_case = 'list'",
        "warning",
        "unmatched_case",
        ["9999"],
    ),
    "no hours": (
        put("stays", 0, hours=""),
        "[cases]\ntop_down_key = 'hours'",
        "warning",
        "hours_from_days",
        ["stays.csv row 2", "top_down_key"],
    ),
    "no equivalent": (
        put("items", 2, equivalent=""),
        "[items]\nmethod = 'equivalent'",
        "warning",
        "missing_equivalent",
        ["items.csv row 4", "S101", "1 of 11", "the run stops"],
    ),
    "no equivalents at all": (
        scale("items", "equivalent", float("nan")),
        "[items]\nmethod = 'equivalent'",
        "error",
        "missing_equivalent",
        ["11 of 11"],
    ),
    "no minutes": (
        put("items", 2, minutes=""),
        "[items]\nmethod = 'tdabc'\n[policies]\nmissing_equivalent = 'price'",
        "warning",
        "missing_equivalent",
        ["items.csv row 4", "minutes", "price will stand"],
    ),
    "two items": (
        append("items", item_code="S101", price=99),
        "",
        "error",
        "duplicate_item",
        ["items.csv rows 4, 13", "S101"],
    ),
    "item and goods": (
        append("goods", item_code="S101"),
        "",
        "error",
        "duplicate_item",
        ["items.csv row 4; goods.csv"],
    ),
    "purchase price": (
        put("goods", 0, unit_cost=2.5),
        "",
        "warning",
        "goods_price",
        ["goods.csv row 2", "D001", "2.5 and 25"],
    ),
    "two weights": (append("weights", drg="ES21"), "", "error", "duplicate_group", ["weights.csv rows 2, 7", "ES21"]),
    "no weight": (
        drop("weights", "drg", "HC23"),
        "[payment]\nweights = 'table'",
        "warning",
        "group_without_weight",
        ["weights.csv", "HC23", "1 case(s)", "version"],
    ),
    "no items": (
        together(drop("items"), drop("goods")),
        "",
        "error",
        "missing_table",
        ["charges.csv", "项目字典", "[tables]"],
    ),
    "no DRG": (put("discharges", 0, drg=""), "", "note", "no_drg", ["discharges.csv row 2", "1 discharged case"]),
    "no workload": (
        together(drop("workload"), put("departments", 2, basis="area")),
        "",
        "note",
        "missing_table",
        ["workload", "bed-days"],
    ),
    "bed-days": (put("workload", 2, value=90), "", "warning", "bed_days_differ", ["W01 内科病区 90 and 37"]),
}


@pytest.mark.parametrize("name", CASES)
def test_the_check_says_what_is_wrong(tmp_path: Path, name: str) -> None:
    broken, settings, severity, rule, words = CASES[name]
    rows = model_tables()
    broken(rows)
    findings = check_model(write_model(tmp_path / "m", rows, settings))
    same = [finding for finding in findings if finding.rule == rule and finding.severity == severity]
    texts = [" | ".join((finding.place, finding.problem, finding.remedy)) for finding in same]
    assert any(all(word in text for word in words) for text in texts), "\n".join(map(str, findings))
    assert not english_left(findings)


def errors(findings: tuple[Finding, ...]) -> list[Finding]:
    return [finding for finding in findings if finding.severity == "error"]


def test_the_whole_model_has_no_mistake(tmp_path: Path) -> None:
    model, findings = read_checked(write_model(tmp_path / "m"))
    assert [finding for finding in findings if finding.severity != "note"] == []
    assert model.tables["ledger"]["amount"].sum() == pytest.approx(367930.89)


def test_everything_is_told_at_once_errors_first(tmp_path: Path) -> None:
    rows = model_tables()
    for name in ("unknown in stays", "blank driver", "duplicate case", "length of stay", "no setting"):
        CASES[name][0](rows)
    rows["ledger"][0]["amount"] = "x"
    findings = check_model(write_model(tmp_path / "m", rows, "[policies]\nself_use = 'nein'"))
    rules = {finding.rule for finding in errors(findings)}
    assert rules >= {
        "model_file",
        "bad_cell",
        "unknown_department",
        "missing_driver",
        "duplicate_case",
        "missing_setting",
    }
    order = [("error", "warning", "note").index(finding.severity) for finding in findings]
    assert order == sorted(order)


def test_the_first_row_of_a_repeated_case_is_kept_on_request(tmp_path: Path) -> None:
    rows = model_tables()
    rows["discharges"].append({**rows["discharges"][0], "drg": "ZZ99"})
    cases = read_model(write_model(tmp_path / "m", rows, "[policies]\nduplicate_case = 'first'")).tables["discharges"]
    assert cases["case_id"].is_unique
    assert "ZZ99" not in set(cases["drg"])


def test_a_model_of_departments_alone(tmp_path: Path) -> None:
    """Department costs need departments, ledger and drivers, and nothing else."""
    rows = {
        name: lines for name, lines in model_tables().items() if name in ("departments", "ledger", "staff", "orders")
    }
    rows["departments"][2]["basis"] = "staff"
    refused = check_model(write_model(tmp_path / "income", rows))
    assert ["X02" in finding.problem for finding in errors(refused)] == [True]  # its driver is income
    next(row for row in rows["departments"] if row["dept_code"] == "X02")["basis"] = "staff"
    findings = check_model(write_model(tmp_path / "m", rows))
    assert errors(findings) == []
    assert {finding.rule for finding in findings} == {"missing_table"}


def test_the_check_never_raises_for_empty_tables(tmp_path: Path) -> None:
    rows = model_tables()
    for name in list(rows):
        folder = write_model(tmp_path / name, rows)
        path = folder / f"{name}.csv"
        path.write_text(path.read_text("utf-8").splitlines()[0] + "\n", "utf-8")
        check_model(folder)
    folder = write_model(tmp_path / "all", rows)
    for name in rows:
        path = folder / f"{name}.csv"
        path.write_text(path.read_text("utf-8").splitlines()[0] + "\n", "utf-8")
    assert [finding.rule for finding in errors(check_model(folder))] == ["empty_table"]


def test_an_empty_ledger_is_an_error(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "m")
    path = folder / "ledger.csv"
    path.write_text(path.read_text("utf-8").splitlines()[0] + "\n", "utf-8")
    assert "empty_ledger" in {finding.rule for finding in errors(check_model(folder))}


@pytest.mark.parametrize("table", ["departments", "ledger", "staff", "charges", "discharges"])
@pytest.mark.parametrize("content", [b"", b"PAR1\0\0", b"a,b\n1,2,3\n", b"\xff\xff\xff\xff"])
def test_an_unreadable_file_is_a_finding(tmp_path: Path, table: str, content: bytes) -> None:
    folder = write_model(tmp_path / "m")
    (folder / f"{table}.csv").write_bytes(content)
    found = errors(check_model(folder))
    assert any(f"{table}.csv" in f"{finding.place} {finding.problem}" for finding in found)
    assert not any(str(folder / table) in finding.place for finding in found)
    with pytest.raises(CostingError, match=rf"{table}\.csv"):
        read_model(folder)


def test_the_check_agrees_with_the_run_on_drivers(tmp_path: Path) -> None:
    """What the check passes the run takes: the driver matrix of a checked model can be built."""
    from drgengine.costing.charges.readcharges import read_activity
    from drgengine.costing.ledger.drivers import driver_matrix

    model, findings = read_checked(write_model(tmp_path / "m"))
    assert errors(findings) == []
    drivers = driver_matrix(model, read_activity(model))
    assert (drivers.statistics.sum(axis=1) > 0).all()
