"""Figures of two tables that contradict each other, words and codes of grouping, and what the check says of them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from chinese_findings import english_left
from costing_fixture import Rows, model_tables, write_model

from drgengine.costing.charges.readcharges import read_activity
from drgengine.costing.intake.check import check_model
from drgengine.costing.intake.read import load, read_model
from drgengine.costing.model import CostModel, Finding, Settings
from drgengine.costing.objects.unitcosts import units_of
from drgengine.costing.objects.visits import ALL_VISITS, VISIT_INDICATORS

Tables = dict[str, Rows]


def found(folder: Path, tables: Tables, rule: str, settings: str = "") -> list[Finding]:
    """Findings of a rule in the check of a model."""
    told = [one for one in check_model(write_model(folder, tables, settings)) if one.rule == rule]
    assert not english_left(told)
    return told


def by_case(tables: Tables, case: str) -> dict[str, Any]:
    return next(row for row in tables["discharges"] if row["case_id"] == case)


# ---------------------------------------------------------------- visits


def workload(*rows: tuple[str, str, float | None]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["dept_code", "indicator", "value"])


def test_visits_in_all_are_not_added_to_their_parts() -> None:
    table = workload(
        ("A", "visits", 455), ("A", "outpatient_visits", 420), ("A", "emergency_visits", 35),
        ("B", "visits", 100), ("C", "outpatient_visits", 7), ("C", "emergency_visits", 3), ("D", "visits", None),
    )  # fmt: skip
    assert units_of(table, VISIT_INDICATORS, ALL_VISITS).to_dict() == {"A": 455.0, "B": 100.0, "C": 10.0}
    assert units_of(None, VISIT_INDICATORS, ALL_VISITS).empty


@pytest.mark.parametrize(("whole", "wrong"), [(300, False), (335, True)])
def test_visits_in_all_that_miss_their_parts_are_refused(tmp_path: Path, whole: int, wrong: bool) -> None:
    tables = model_tables()
    tables["workload"].append({"dept_code": "C01", "indicator": "门急诊人次", "value": whole})
    told = found(tmp_path, tables, "visits_differ")
    assert [one.severity for one in told] == ["error"] * wrong
    assert not wrong or ("335" in told[0].problem and "300" in told[0].problem)


def test_visits_in_all_alone_are_enough(tmp_path: Path) -> None:
    tables = model_tables()
    for row in tables["workload"]:
        if row["indicator"] == "outpatient_visits":
            row["indicator"] = "门急诊人次"
    assert not found(tmp_path, tables, "no_volume")


# ---------------------------------------------------------------- charge lines against other tables


def activity_findings(
    tmp_path: Path, lines: list[str], stated: list[float], price: float = 10.0, setting: str = "inpatient"
) -> dict[str, Finding]:
    settings = Settings("m", "h", dt.date(2024, 1, 1), dt.date(2024, 12, 31), {})
    names = ["dept_code", "category", "setting"]
    tables = {
        "departments": pd.DataFrame([["D", "clinical", setting], ["E", "clinical", "inpatient"]], columns=names),
        "items": pd.DataFrame({"item_code": ["A"], "goods": ["none"], "price": [price]}),
        "discharges": pd.DataFrame({"case_id": ["c1", "c2", "c3"], "total_charge": stated}),
        "ledger": pd.DataFrame({"dept_code": ["D", "E"], "amount": [50.0, 60.0]}),
    }
    file = tmp_path / "lines.csv"
    file.write_text("\n".join(["case_id,patient_type,exec_dept,item_code,qty,amount", *lines, ""]), encoding="utf-8")
    told = read_activity(CostModel(tmp_path, settings, tables, file)).findings
    assert not english_left(told)
    return {one.rule: one for one in told}


def test_total_charges_that_the_lines_miss(tmp_path: Path) -> None:
    told = activity_findings(tmp_path, ["c1,,D,A,1,10", "c2,,D,A,2,20", "c3,,D,A,1,10"], [10.4, 50.0, np.nan])
    one = told["charge_total"]
    assert (one.severity, one.amount) == ("warning", 30.0)
    assert one.problem.startswith("1 of 2 cases")
    assert "c2" in one.problem
    assert "万元" not in one.problem


def test_total_charges_in_another_unit(tmp_path: Path) -> None:
    told = activity_findings(tmp_path, ["c1,,D,A,1,10000", "c2,,D,A,2,20000", "c3,,D,A,1,10000"], [1.0, 2.0, 1.0], 1e4)
    assert "万元" in told["charge_total"].problem


def test_total_charges_without_lines(tmp_path: Path) -> None:
    told = activity_findings(tmp_path, ["c1,,D,A,1,10"], [10.0, 5.0, np.nan])
    assert told["charge_total"].problem == "1 cases have a total_charge (5.00 yuan) and no charge line: c2"


@pytest.mark.parametrize(("amount", "told"), [(10, ""), (900, ""), (2000, "differ"), (100_000, "万元")])
def test_prices_far_from_what_was_charged(tmp_path: Path, amount: float, told: str) -> None:
    rules = activity_findings(tmp_path, [f"c1,,D,A,1,{amount}"], [np.nan] * 3)
    assert ("price_times_quantity" in rules) == bool(told)
    assert not told or ("万元" in rules["price_times_quantity"].problem) == (told == "万元")


@pytest.mark.parametrize(("kind", "idle"), [("门诊", False), ("体检", False), ("住院", True)])
def test_clinics_without_an_outpatient_line(tmp_path: Path, kind: str, idle: bool) -> None:
    case = "c1" if kind == "住院" else ""
    told = activity_findings(tmp_path, [f"{case},{kind},D,A,1,10"], [np.nan] * 3, setting="outpatient")
    assert ("no_volume" in told) == idle
    assert not idle or told["no_volume"].problem.endswith(": D")


# ---------------------------------------------------------------- discharges and weights as read


def test_words_of_status(tmp_path: Path) -> None:
    tables = model_tables()
    words = {"已入组": "grouped", "歧义": "ambiguous", "未入组": "ungroupable", "无效": "invalid"}
    for row, word in zip(tables["discharges"], words, strict=False):
        row["status"] = word
    frame = read_model(write_model(tmp_path / "a", tables)).tables["discharges"]
    assert frame["status"].tolist()[: len(words)] == list(words.values())
    tables["discharges"][0]["status"] = "入了"
    assert [one.severity for one in found(tmp_path / "b", tables, "bad_cell")] == ["error"]


def test_status_that_codes_tell(tmp_path: Path) -> None:
    tables = model_tables()
    for row, code in zip(tables["discharges"], ("0000", "BQY", "A00"), strict=False):
        row |= {"drg": code, "status": ""}
    for row in tables["discharges"][3:]:
        row["status"] = ""
    loaded = load(write_model(tmp_path, tables))
    frame = loaded.tables["discharges"].frame
    assert frame["status"].tolist()[:3] == ["ungroupable", "ambiguous", "ungroupable"]
    assert frame["status"][3:].isna().all()
    (told,) = [one for one in loaded.findings if one.rule == "no_drg"]
    assert (told.severity, "3 cases" in told.problem) == ("note", True)


def test_codes_of_cases_are_mended(tmp_path: Path) -> None:
    tables = model_tables()
    tables["discharges"][0] |= {"drg": "ｂr21 ", "dx": " i10.X00"}
    loaded = load(write_model(tmp_path, tables))
    frame = loaded.tables["discharges"].frame
    assert (frame["drg"][0], frame["dx"][0]) == ("BR21", "I10.x00")
    assert sum("were spelt otherwise" in one.problem for one in loaded.findings) == 2


def test_ledger_codes_lose_the_point_of_a_spreadsheet(tmp_path: Path) -> None:
    tables = model_tables()
    own = tables["departments"][0]["dept_code"]
    for rows in tables.values():
        for row in rows:
            row.update({key: "3" for key, value in row.items() if value == own and "dept" in key})
    first = next(row for row in tables["ledger"] if row["dept_code"] == "3")
    first["dept_code"] = "3.0"
    next(row for row in tables["ledger"] if row["dept_code"] == "3")["dept_code"] = "3"
    model = read_model(write_model(tmp_path, tables))
    assert "3.0" not in set(model.tables["ledger"]["dept_code"])


# ---------------------------------------------------------------- check


def test_stays_that_stand_twice_or_too_long(tmp_path: Path) -> None:
    tables = model_tables()
    row = max(tables["stays"], key=lambda one: one["bed_days"])
    tables["stays"].append(dict(row))
    assert [one.severity for one in found(tmp_path / "a", tables, "duplicate_case")] == ["warning"]
    (long,) = found(tmp_path / "b", tables, "length_of_stay")
    assert str(row["case_id"]) in long.problem


def test_a_group_in_two_adrgs(tmp_path: Path) -> None:
    tables = model_tables()
    for row, adrg in zip(tables["discharges"], ("AA1", "AA2"), strict=False):
        row |= {"drg": "AA19", "adrg": adrg, "status": ""}
    (told,) = found(tmp_path, tables, "duplicate_group")
    assert (told.severity, "AA1, AA2" in told.problem) == ("error", True)


def test_a_weight_of_nothing(tmp_path: Path) -> None:
    tables = model_tables()
    tables.setdefault("weights", []).append({"drg": "ZZ11", "weight": 0, "name": "x"})
    (told,) = [one for one in found(tmp_path, tables, "group_without_weight") if one.severity == "error"]
    assert f"row {len(tables['weights']) + 1}" in told.place


def test_hours_need_stays(tmp_path: Path) -> None:
    tables = model_tables()
    del tables["stays"]
    told = found(tmp_path, tables, "missing_table", "[cases]\ntop_down_key = 'hours'")
    assert [one.severity for one in told] == ["error"]


def test_charge_lines_without_cases(tmp_path: Path) -> None:
    tables = model_tables()
    for row in tables["charges"]:
        row.pop("case_id")
    assert [one.severity for one in found(tmp_path, tables, "missing_column")] == ["error"]


@pytest.mark.parametrize(("policy", "severity"), [("refuse", "error"), ("fallback", "warning")])
def test_income_of_no_charge_lines_is_nothing(tmp_path: Path, policy: str, severity: str) -> None:
    """The order table gives income to nobody in a run, which reads charge lines."""
    tables = model_tables()
    del tables["charges"]
    tables["orders"] = [{"order_dept": "C01", "exec_dept": "W01", "qty": 1, "income": 5}]
    tables["departments"][0]["basis"] = "income"
    settings = f"[policies]\nzero_driver = '{policy}'"
    assert severity in {one.severity for one in found(tmp_path, tables, "zero_driver", settings)}


def test_discharges_without_charge_lines_are_a_warning(tmp_path: Path) -> None:
    tables = model_tables()
    del tables["charges"]
    told = [one for one in found(tmp_path, tables, "missing_table") if "discharges" in one.problem]
    assert [one.severity for one in told] == ["warning"]


def test_dates_in_quotes(tmp_path: Path) -> None:
    folder = write_model(tmp_path)
    text = (folder / "model.toml").read_text(encoding="utf-8")
    (folder / "model.toml").write_text(text.replace("start = 2024-01-01", 'start = "2024-01-01"'), encoding="utf-8")
    (told,) = [one for one in check_model(folder) if "2024-01-01" in one.problem]
    assert "without quotes" in told.remedy
