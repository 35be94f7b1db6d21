"""Reading a cost model folder: headers, cells, codes, units, files, templates, and what every mistake is told."""

from __future__ import annotations

import dataclasses
import datetime
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from costing_fixture import Rows, model_tables, write_model, write_table
from hypothesis import given
from hypothesis import strategies as st

from drgengine.cases.vocabulary import fold, is_personal
from drgengine.costing.intake.cells import BadCellError, read_date, read_number
from drgengine.costing.intake.check import check_model
from drgengine.costing.intake.modelfile import read_settings, table_files
from drgengine.costing.intake.read import charge_columns, read_model
from drgengine.costing.intake.template import new_model
from drgengine.costing.intake.vocabulary import accepted, basis_of, choice_of, default_behaviour, tables
from drgengine.costing.ledger.directcosts import COST_ITEMS, ENTRY_MODES
from drgengine.costing.ledger.driverstats import BASIS_WORDS
from drgengine.costing.ledger.scope import FUND_SOURCES
from drgengine.costing.model import CATEGORIES, Settings
from drgengine.costing.runmodel import read_checked
from drgengine.errors import CostingError, OutputFileError

WORD_LISTS = (
    "category",
    "setting",
    "system",
    "cost_item",
    "fund_source",
    "entry_mode",
    "behaviour",
    "goods",
    "patient_type",
    "bool",
    "basis",
    "indicator",
    "status",
)


# ---------------------------------------------------------------- vocabulary


@pytest.mark.parametrize("words", WORD_LISTS)
def test_no_word_stands_for_two_choices(words: str) -> None:
    seen: dict[str, str] = {}
    for choice, others in accepted(words).items():
        for word in (choice, *others):
            assert seen.setdefault(fold(word), choice) == choice, word


@pytest.mark.parametrize("table", tables())
def test_no_header_of_a_table_stands_for_two_columns(table: str) -> None:
    seen: dict[str, str] = {}
    for column in tables()[table].columns.values():
        for header in (column.name, column.title, *column.aliases):
            assert seen.setdefault(fold(header), column.name) == column.name, header


def test_no_header_is_that_of_a_personal_column() -> None:
    """Such a column would be dropped before it is read; the name of a group is the exception."""
    found = {
        (table.name, column.name)
        for table in tables().values()
        for column in table.columns.values()
        for header in (column.name, column.title, *column.aliases)
        if is_personal(header)
    }
    assert found == {("weights", "name")}


def test_words_are_those_the_engine_knows() -> None:
    assert tuple(accepted("category")) == CATEGORIES
    assert tuple(accepted("cost_item")) == COST_ITEMS
    assert set(accepted("fund_source")) == set(FUND_SOURCES)
    assert tuple(accepted("entry_mode")) == ENTRY_MODES
    assert set(accepted("basis")) == {word for word in BASIS_WORDS if "<" not in word}
    assert {default_behaviour(item) for item in COST_ITEMS} <= set(accepted("behaviour"))


def test_words_in_both_languages() -> None:
    assert choice_of("fund_source", "财政项目拨款") == "fiscal_project"
    assert choice_of("fund_source", " Fiscal_Project ") == "fiscal_project"
    assert choice_of("entry_mode", "计算计入") == "computed"
    assert choice_of("category", "医技") == "technology"
    assert basis_of("workload.手术台次") == "workload.operations"


# ---------------------------------------------------------------- cells


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1,234.50", 1234.5),
        ("￥1,234.50", 1234.5),
        ("¥ 12", 12.0),
        ("-￥12.5", -12.5),
        ("（1,234.50）", -1234.5),
        ("１２．５", 12.5),
        ("1，234", 1234.0),
        (" 7 元", 7.0),
        ("1.5万元", 15000.0),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("", None),
        ("-", None),
        ("NULL", None),
        ("0", 0.0),
    ],
)
def test_amounts_are_understood(text: str, value: float | None) -> None:
    assert read_number(text, "money") == value


@pytest.mark.parametrize("text", ["abc", "1,23", "1.2.3", "12个", "--5", "(-5)", "1e999", "inf", "￥", "12 34", "1/2"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(BadCellError):
        read_number(text, "money")


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e12, max_value=1e12))
def test_every_number_written_is_read_again(value: float) -> None:
    assert read_number(repr(value)) == value
    assert read_number(f"{value:,.2f}") == pytest.approx(float(f"{value:.2f}"))


@pytest.mark.parametrize("text", ["2024-02-30", "2024-13-01", "24-01-01", "1.1.2024", "45292", "昨天"])
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(BadCellError):
        read_date(text)


# ---------------------------------------------------------------- reading


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"chinese": True},
        {"chinese": True, "encoding": "gb18030"},
        {"chinese": True, "encoding": "utf-8-sig"},
        {"form": "xlsx", "chinese": True},
        {"form": "parquet"},
    ],
)
def test_every_form_gives_the_same_model(tmp_path: Path, how: dict[str, Any]) -> None:
    expected = read_model(write_model(tmp_path / "plain"))
    found = read_model(write_model(tmp_path / "other", **how))
    assert found.tables.keys() == expected.tables.keys()
    for name, frame in expected.tables.items():
        columns = [column for column in frame.columns if not column.startswith("source_")]
        pd.testing.assert_frame_equal(found.tables[name][columns], frame[columns])
    assert found.findings == expected.findings == ()


def test_dtypes_and_defaults(tmp_path: Path) -> None:
    model = read_model(write_model(tmp_path / "m"))
    departments, ledger, items = (model.tables[name] for name in ("departments", "ledger", "items"))
    assert "goods" not in model.tables
    assert "charges" not in model.tables
    assert model.charges == tmp_path / "m" / "charges.csv"
    for name, frame in model.tables.items():
        extra = ["source_file", "source_row"] if name == "ledger" else []
        columns = [column.name for column in tables()[name].columns.values() if not column.hint]
        assert list(frame.columns) == columns + extra
    assert ledger["amount"].dtype == np.float64
    assert ledger["separately_charged"].dtype == np.bool_
    assert str(departments["valid_from"].dtype) == "datetime64[us]"
    groups = dict(zip(departments["dept_code"], departments["centre_group"], strict=True))
    assert (groups["T01"], groups["C01"], groups["W01"]) == ("检验科", "clinic", "ward")
    assert departments["service_unit"].tolist() == departments["dept_code"].tolist()
    behaviour = ledger.groupby("cost_item")["behaviour"].unique().map(list).to_dict()
    assert behaviour["personnel"] == ["fixed"]
    assert behaviour["drugs"] == ["variable"]
    assert behaviour["other"] == ["mixed"]
    assert items.set_index("item_code").loc[["S001", "D001", "M001"], "goods"].tolist() == ["none", "drug", "material"]
    assert items.set_index("item_code")["separately_charged"].to_dict()["M001"]
    assert not items.set_index("item_code")["separately_charged"].to_dict()["S001"]


def test_the_ledger_leads_back_to_the_line(tmp_path: Path) -> None:
    write_model(tmp_path / "m")
    path = tmp_path / "m" / "ledger.csv"
    lines = path.read_text("utf-8").splitlines()
    path.write_text("\n".join([*lines[:3], "", "", *lines[3:]]) + "\n", "utf-8")
    ledger = read_model(tmp_path / "m").tables["ledger"]
    assert ledger["source_row"].tolist()[:4] == [2, 3, 6, 7]
    assert set(ledger["source_file"]) == {"ledger.csv"}


def test_several_files_of_one_table(tmp_path: Path) -> None:
    rows = model_tables()
    write_model(tmp_path / "m", rows)
    whole = read_model(tmp_path / "m").tables["ledger"]
    half = len(rows["ledger"]) // 2
    write_table(tmp_path / "m" / "a.csv", "ledger", rows["ledger"][:half])
    write_table(tmp_path / "m" / "b.xlsx", "ledger", rows["ledger"][half:], chinese=True)
    text = (tmp_path / "m" / "model.toml").read_text("utf-8")
    (tmp_path / "m" / "model.toml").write_text(text.replace('"ledger.csv"', '["a.csv", "b.xlsx"]'), "utf-8")
    model = read_model(tmp_path / "m")
    columns = whole.columns[:-2]
    pd.testing.assert_frame_equal(model.tables["ledger"][columns], whole[columns])
    assert [name for _, name in table_files(model.settings, tmp_path, "ledger")] == ["a.csv", "b.xlsx"]
    assert model.tables["ledger"]["source_row"].iloc[half] == 2


def test_amounts_in_ten_thousand_yuan(tmp_path: Path) -> None:
    rows = model_tables()
    yuan = sum(row["amount"] for row in rows["ledger"])
    for row in rows["ledger"]:
        row["amount"] = round(row["amount"] / 10_000, 6)
    head = (
        "[model]\nname = 'm'\namount_unit = 'ten_thousand_yuan'\nledger_total = {}\n"
        "[period]\nstart = 2024-01-01\nend = 2024-03-31\n"
    )
    model = read_model(write_model(tmp_path / "m", rows, head.format(round(yuan / 10_000, 6))))
    assert model.tables["ledger"]["amount"].sum() == pytest.approx(yuan, abs=1e-6)
    assert model.settings.ledger_total == pytest.approx(yuan)
    assert model.tables["staff"]["pay"].iloc[0] == 12000 * 10_000
    assert model.tables["items"]["price"].iloc[0] == 50


def test_a_unit_in_the_header_is_followed(tmp_path: Path) -> None:
    rows = model_tables()
    rows["ledger"] = [{**row, "金额（万元）": row["amount"] / 10_000} for row in rows["ledger"]]
    for row in rows["ledger"]:
        del row["amount"]
    rows["items"] = [{**row, "标准时间(小时)": row["minutes"] / 60} for row in rows["items"]]
    for row in rows["items"]:
        del row["minutes"]
    model = read_model(write_model(tmp_path / "m", rows))
    expected = read_model(write_model(tmp_path / "plain"))
    assert model.tables["ledger"]["amount"].to_numpy() == pytest.approx(expected.tables["ledger"]["amount"].to_numpy())
    assert model.tables["items"]["minutes"].iloc[:11].tolist() == pytest.approx(
        expected.tables["items"]["minutes"].iloc[:11].tolist()
    )
    assert [finding.rule for finding in model.findings] == ["unit_in_header"]


def test_blank_is_not_zero(tmp_path: Path) -> None:
    rows = model_tables()
    rows["workload"][0]["value"] = ""
    rows["workload"][1]["value"] = 0
    value = read_model(write_model(tmp_path / "m", rows)).tables["workload"]["value"]
    assert np.isnan(value.iloc[0])
    assert value.iloc[1] == 0


def test_blank_rows_of_a_sheet_are_no_rows(tmp_path: Path) -> None:
    rows = model_tables()
    rows["staff"] += [dict.fromkeys(rows["staff"][0], "")] * 3
    assert len(read_model(write_model(tmp_path / "m", rows, form="xlsx")).tables["staff"]) == 12


def test_codes_that_went_through_numbers_are_mended_and_told(tmp_path: Path) -> None:
    rows = model_tables()
    for row in (row for lines in rows.values() for row in lines):
        for key in {"dept_code", "order_dept", "exec_dept", "department_id"} & row.keys():
            row[key] = f"0{'AXTCW'.index(row[key][0])}{row[key][1:]}"
    for row in rows["staff"]:
        row["dept_code"] = f"{int(row['dept_code'])}.0"
    for row in rows["assets"]:
        row["dept_code"] = row["dept_code"].lstrip("0")
    model = read_model(write_model(tmp_path / "m", rows))
    known = set(model.tables["departments"]["dept_code"])
    assert set(model.tables["staff"]["dept_code"]) == known
    assert set(model.tables["assets"]["dept_code"]) == known
    told = {(finding.rule, finding.place.partition(".")[0]) for finding in model.findings}
    assert told == {("code_is_number", "staff"), ("code_zeros", "staff"), ("code_zeros", "assets")}


def test_codes_with_a_meaning_behind_the_dot_stay(tmp_path: Path) -> None:
    rows = model_tables()
    rows["staff"][0]["dept_code"] = "1.0"
    rows["staff"][1]["dept_code"] = "1.5"
    assert read_model(write_model(tmp_path / "m", rows)).tables["staff"]["dept_code"].tolist()[:2] == ["1.0", "1.5"]


def test_numbers_in_a_code_column_of_parquet(tmp_path: Path) -> None:
    rows = model_tables()
    rows["weights"].append({"drg": 12, "weight": 1.0, "name": "x"})
    rows["weights"] = rows["weights"][-1:]
    model = read_model(write_model(tmp_path / "m", rows, form="parquet"))
    assert model.tables["weights"]["drg"].tolist() == ["12"]
    assert [finding.rule for finding in model.findings] == ["code_is_number"]


def test_personal_columns_are_not_kept(tmp_path: Path) -> None:
    rows = model_tables()
    rows["staff"] = [{**row, "姓名": "某人", "身份证号": "x"} for row in rows["staff"]]
    model = read_model(write_model(tmp_path / "m", rows))
    assert set(model.tables["staff"].columns) == {"dept_code", "role", "fte", "hours", "pay"}
    assert [finding.rule for finding in model.findings] == ["personal_column"]


def test_columns_without_a_meaning_are_told(tmp_path: Path) -> None:
    rows = model_tables()
    rows["staff"] = [{**row, "备注": "x"} for row in rows["staff"]]
    (finding,) = read_model(write_model(tmp_path / "m", rows)).findings
    assert finding.severity == "note"
    assert "备注" in finding.problem


# ---------------------------------------------------------------- department map


def mapped(rows: dict[str, Rows], *lines: tuple[str, str, str, Any]) -> None:
    keys = ("source_system", "source_code", "dept_code", "share")
    rows["dept_map"] = [dict(zip(keys, line, strict=True)) for line in lines]


def test_the_ledger_is_split_to_the_fen(tmp_path: Path) -> None:
    rows = model_tables()
    rows["ledger"].append({**rows["ledger"][0], "dept_code": "WARDS", "amount": 100.01})
    rows["ledger"].append({**rows["ledger"][0], "dept_code": "WARDS", "amount": -0.05})
    mapped(
        rows,
        ("", "WARDS", "W01", 0.3333333),
        ("", "WARDS", "W02", 0.3333333),
        ("", "WARDS", "W03", 0.3333334),
    )
    before = read_model(write_model(tmp_path / "plain")).tables["ledger"]
    model = read_model(write_model(tmp_path / "m", rows))
    ledger = model.tables["ledger"]
    assert ledger["dept_code"].tolist()[-6:] == ["W01", "W02", "W03"] * 2
    parts = ledger["amount"].tolist()[-6:]
    assert [round(part * 100) for part in parts] == [pytest.approx(part * 100) for part in parts]
    assert ledger["amount"].sum() == pytest.approx(before["amount"].sum() + 99.96)
    assert ledger["source_row"].tolist()[-6:] == [len(rows["ledger"])] * 3 + [len(rows["ledger"]) + 1] * 3
    (finding,) = model.findings
    assert (finding.rule, finding.amount) == ("department_mapped", pytest.approx(99.96))


def test_each_system_has_its_own_codes(tmp_path: Path) -> None:
    rows = model_tables()
    rows["staff"][0]["dept_code"] = rows["assets"][0]["dept_code"] = "7"
    mapped(rows, ("人事", "7", "A01", 1), ("assets", "7", "A02", ""))
    model = read_model(write_model(tmp_path / "m", rows))
    assert model.tables["staff"]["dept_code"].iloc[0] == "A01"
    assert model.tables["assets"]["dept_code"].iloc[0] == "A02"


def test_shares_are_scaled_only_when_the_policy_says_so(tmp_path: Path) -> None:
    rows = model_tables()
    rows["ledger"][0]["dept_code"] = "P"
    mapped(rows, ("finance", "P", "A01", 0.5), ("finance", "P", "A02", "48%"))
    with pytest.raises(CostingError) as caught:
        read_model(write_model(tmp_path / "m", rows))
    assert all(word in str(caught.value) for word in ("dept_map.csv rows 2, 3", "'P'", "0.98", "normalise"))
    model = read_model(write_model(tmp_path / "n", rows, "[policies]\nshare_sum = 'normalise'"))
    assert model.tables["ledger"]["amount"].sum() == pytest.approx(
        read_model(write_model(tmp_path / "o")).tables["ledger"]["amount"].sum()
    )


# ---------------------------------------------------------------- mistakes in the files

Breaker = Callable[[dict[str, Rows]], None]


def put(table: str, row: int, **cells: Any) -> Breaker:
    return lambda rows: rows[table][row].update(cells)


def rename(table: str, old: str, new: str) -> Breaker:
    def broken(rows: dict[str, Rows]) -> None:
        rows[table] = [{new if key == old else key: value for key, value in row.items()} for row in rows[table]]

    return broken


def add(table: str, **cells: Any) -> Breaker:
    def broken(rows: dict[str, Rows]) -> None:
        rows[table] = [{**row, **cells} for row in rows[table]]

    return broken


def split_staff(rows: dict[str, Rows]) -> None:
    rows["staff"][0]["dept_code"] = "P"
    mapped(rows, ("", "P", "A01", 0.5), ("", "P", "A02", 0.5))


BAD_FILES: dict[str, tuple[Breaker, list[str]]] = {
    "no amount": (put("ledger", 3, amount="abc"), ["ledger.csv row 5", "column amount", "'abc'", "not a number"]),
    "blank amount": (put("ledger", 3, amount=""), ["ledger.csv row 5", "blank", "Fill it in"]),
    "blank code": (put("staff", 1, dept_code=""), ["staff.csv row 3", "column dept_code", "blank"]),
    "word": (
        put("ledger", 0, cost_item="人员经废"),
        ["ledger.csv row 2", "人员经废", "'人员经费'", "其他运行费用 (other)"],
    ),
    "category": (
        put("departments", 0, category="保洁"),
        ["departments.csv row 2", "保洁", "行政后勤 (administration)"],
    ),
    "basis": (
        put("departments", 0, basis="人员数量"),
        ["departments.csv row 2", "人员数量", "'人员数'", "workload.INDICATOR"],
    ),
    "date": (put("discharges", 0, admission_date="2024-02-30"), ["discharges.csv row 2", "2024-02-30", "calendar"]),
    "bool": (put("ledger", 0, separately_charged="maybe"), ["ledger.csv row 2", "maybe", "是 or 否"]),
    "period": (put("ledger", 0, period="Jan"), ["ledger.csv row 2", "'Jan'", "2024-01"]),
    "outside": (put("ledger", 0, period="2023-12"), ["ledger.csv row 2", "2023-12", "2024-01-01", "4,000.00 yuan"]),
    "negative staff": (put("staff", 2, fte=-1), ["staff.csv row 4", "'-1'", "below 0"]),
    "share above one": (put("service_units", 0, share=60), ["service_units.csv row 2", "'60'", "between 0 and 1"]),
    "unit behind": (put("ledger", 0, amount="12kg"), ["ledger.csv row 2", "'kg'"]),
    "missing column": (rename("ledger", "amount", "金e"), ["ledger.csv", "金额 (amount)", "金e"]),
    "near column": (
        rename("ledger", "dept_code", "科室编号"),
        ["ledger.csv", "dept_code", "Rename '科室编号' to '科室编码'"],
    ),
    "two columns": (add("ledger", 发生额=1), ["ledger.csv", "'amount'", "'发生额'", "both hold"]),
    "charges header": (rename("charges", "exec_dept", "x"), ["charges.csv", "执行科室 (exec_dept)"]),
    "charges twice": (add("charges", 收费项目编码="1"), ["charges.csv", "'item_code'", "'收费项目编码'"]),
    "goods": (put("goods", 0, goods="", fee_class="其他"), ["goods.csv row 2", "neither drug nor material"]),
    "split staff": (split_staff, ["staff.csv row 2", "'P'", "only the ledger", "'hr'"]),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_broken_file_says_where_and_what(tmp_path: Path, name: str) -> None:
    broken, words = BAD_FILES[name]
    rows = model_tables()
    broken(rows)
    folder = write_model(tmp_path / "m", rows)
    with pytest.raises(CostingError) as caught:
        read_model(folder)
    missing = [word for word in words if word not in str(caught.value)]
    assert not missing, f"{caught.value} lacks {missing}"
    assert any(finding.severity == "error" for finding in check_model(folder))


def test_bad_cells_are_collected_and_counted(tmp_path: Path) -> None:
    rows = model_tables()
    for at, row in enumerate(rows["ledger"]):
        row["amount"] = f"x{at}" if at else row["amount"]
    rows["staff"][0]["fte"] = "viele"
    with pytest.raises(CostingError) as caught:
        read_model(write_model(tmp_path / "m", rows))
    text = str(caught.value)
    assert "22 problems" in text
    assert "'x1'" in text
    assert "'x20'" in text
    assert "'x21'" not in text
    assert f"and {len(rows['ledger']) - 1 - 20} more cells" in text or "and 2 more" in text


def test_the_same_bad_word_is_one_problem(tmp_path: Path) -> None:
    rows = model_tables()
    for row in rows["ledger"]:
        row["fund_source"] = "外星"
    found = [finding for finding in check_model(write_model(tmp_path / "m", rows)) if finding.rule == "bad_cell"]
    assert len(found) == 1
    assert f"and {len(rows['ledger']) - 5} more" in found[0].place


def test_rows_of_a_workbook_are_counted_from_the_top(tmp_path: Path) -> None:
    rows = model_tables()
    rows["staff"][4]["fte"] = "x"
    with pytest.raises(CostingError, match=r"staff\.xlsx row 6, column 人数: 'x'"):
        read_model(write_model(tmp_path / "m", rows, form="xlsx", chinese=True))


# ---------------------------------------------------------------- mistakes in model.toml

GOOD_HEAD = "[model]\nname = 'm'\n[period]\nstart = 2024-01-01\nend = 2024-03-31\n"
BAD_SETTINGS: dict[str, tuple[str, list[str]]] = {
    "unknown section": ("[alocation]\n", ["alocation", "Did you mean 'allocation'"]),
    "unknown key": ("[policies]\nnegativ_cost = 'refuse'", ["[policies]", "negativ_cost", "'negative_cost'"]),
    "unknown choice": (
        "[policies]\nnegative_cost = 'ignore'",
        ["negative_cost", "'ignore'", "allocate, carry, parent"],
    ),
    "method": ("[allocation]\nmethod = 'stepdown'", ["[allocation]", "'stepdown'", "step-down"]),
    "wrong type": ("[weights]\niterate = 'yes'", ["[weights]", "iterate", "'yes'", "true or false"]),
    "number as text": ("[payment]\nrate = '1000'", ["[payment]", "rate", "a number"]),
    "out of range": ("[cases]\nmixed_variable_share = 1.5", ["mixed_variable_share", "1.5", "between 0 and 1"]),
    "zero rate": ("[payment]\nrate = 0", ["rate", "above 0"]),
    "percentile": ("[weights]\nhigh_percentile = 120", ["high_percentile", "120", "100"]),
    "quantile": ("[weights]\nquantile = 'linea'", ["quantile", "'linear'"]),
    "case method": ("[cases]\nmethods = ['bottomup']", ["methods", "'bottomup'", "'bottom-up'"]),
    "no case method": ("[cases]\nmethods = []", ["methods", "empty"]),
    "main": ("[cases]\nmethods = ['top-down']", ["main", "'bottom-up'", "top-down"]),
    "order of numbers": ("[allocation]\norder = [101]", ["order", "101", "quotation marks"]),
    "order twice": ("[allocation]\norder = ['A01', 'A01']", ["order", "'A01'", "twice"]),
    "basis": ("[allocation.basis]\nadministration = 'heads'", ["administration", "'heads'", "人员数 (staff)"]),
    "basis of clinical": ("[allocation.basis]\nclinical = 'staff'", ["[allocation.basis]", "clinical"]),
    "fallback": ("[policies]\nfallback = ['incom']", ["fallback", "'incom'"]),
    "no suspense": ("[policies]\nunknown_department = 'suspense'", ["suspense_department", "no suspense department"]),
    "section is no table": ("policies = 3\n", ["policies", "3"]),
    "ledger total": (
        GOOD_HEAD.replace("name =", "ledger_total = 'all'\nname ="),
        ["ledger_total", "'all'", "a number"],
    ),
    "no name": (GOOD_HEAD.replace("name = 'm'", "nam = 'm'"), ["'name'", "missing", "'nam'"]),
    "end before start": (GOOD_HEAD.replace("2024-03-31", "2023-03-31"), ["end", "2023-03-31", "before", "Swap"]),
    "text date": (GOOD_HEAD.replace("2024-03-31", "'2024-03-31'"), ["end", "without quotes"]),
    "amount unit": (
        GOOD_HEAD.replace("name =", "amount_unit = '万元'\nname ="),
        ["amount_unit", "'万元'", "ten_thousand_yuan"],
    ),
    "table missing": ("[tables]\nledger = 'ledger.csv'\n", ["科室字典 (departments)", "is missing", "departments = "]),
    "near table": (
        "[tables]\nledger = 'ledger.csv'\ndepartment = 'departments.csv'",
        ["'department'", "'departments'"],
    ),
    "file missing": (
        "[tables]\nledger = 'ledgr.csv'\ndepartments = 'departments.csv'",
        ["'ledger'", "ledgr.csv", "no such file", "ledger.csv"],
    ),
    "no file name": ("[tables]\nledger = 3\ndepartments = 'departments.csv'", ["'ledger'", "3", "names no file"]),
    "file twice": (
        "[tables]\nledger = ['ledger.csv', 'ledger.csv']\ndepartments = 'departments.csv'",
        ["'ledger'", "twice"],
    ),
    "charge files": (
        "[tables]\nledger = 'ledger.csv'\ndepartments = 'departments.csv'\ncharges = ['a.csv', 'b.csv']",
        ["'charges'", "2 files", "Parquet"],
    ),
    "weights table": (
        "[payment]\nweights = 'table'\n[tables]\nledger='ledger.csv'\ndepartments='departments.csv'",
        ["[payment]", "weights"],
    ),
}


@pytest.mark.parametrize("name", BAD_SETTINGS)
def test_broken_settings_say_where_and_what(tmp_path: Path, name: str) -> None:
    text, words = BAD_SETTINGS[name]
    folder = write_model(tmp_path / "m")
    path = folder / "model.toml"
    base = path.read_text("utf-8")
    if "[model]" in text:
        base = base[base.index("[tables]") :]
    if "[tables]" in text:
        base = base[: base.index("[tables]")]
    if name == "section is no table":
        path.write_text(text + base, "utf-8")
    else:
        path.write_text(f"{text}\n{base}" if "[model]" in text else f"{base}\n{text}", "utf-8")
    with pytest.raises(CostingError) as caught:
        read_settings(folder)
    missing = [word for word in ("model.toml", *words) if word not in str(caught.value)]
    assert not missing, f"{caught.value} lacks {missing}"
    assert check_model(folder)[0].severity == "error"


def test_several_mistakes_are_told_together(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "m", settings="[policies]\nx = 1\nself_use = 'no'\n[weights]\nconfidence = 2\n")
    with pytest.raises(CostingError) as caught:
        read_settings(folder)
    assert all(word in str(caught.value) for word in ("3 problems", "'x'", "self_use", "confidence"))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, ["missing", "drgengine cost new"]),
        ("[model\n", ["not valid TOML", "line 1"]),
        ("[model]\nname = '人民医院'".encode("gb18030"), ["not UTF-8"]),
    ],
)
def test_a_file_that_is_no_toml(tmp_path: Path, content: str | bytes | None, words: list[str]) -> None:
    if content is not None:
        (tmp_path / "model.toml").write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(CostingError) as caught:
        read_settings(tmp_path)
    assert all(word in str(caught.value) for word in ("model.toml", *words))
    assert [finding.rule for finding in check_model(tmp_path)] == ["model_file"]


def test_settings_are_read(tmp_path: Path) -> None:
    folder = write_model(
        tmp_path / "m",
        settings="[allocation]\nmethod = 'step-down'\n[allocation.basis]\nauxiliary = '面积'\n"
        "[cases]\nmethods = ['top-down']\nmain = 'top-down'\n[payment]\nweights = 'table'\nrate = 9000\n"
        "[policies]\nfallback = ['人员数', 'area']\n",
    )
    settings = read_settings(folder)
    assert (settings.start, settings.end) == (datetime.date(2024, 1, 1), datetime.date(2024, 3, 31))
    assert settings.allocation.basis == {"administration": "staff", "auxiliary": "area", "technology": "orders"}
    assert settings.cases.main == "top-down"
    assert settings.payment.rate == 9000.0
    assert isinstance(settings.payment.rate, float)
    assert settings.policies.fallback == ("staff", "area")
    assert settings.tables["ledger"] == "ledger.csv"


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "m")
    path = folder / "model.toml"
    path.write_text(path.read_text("utf-8"), "utf-8-sig")
    assert read_settings(folder).name == "quarter"


# ---------------------------------------------------------------- charges


def test_charge_columns(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "m", chinese=True)
    found = charge_columns(folder / "charges.csv")
    assert found["exec_dept"] == "执行科室"
    assert found["case_id"] == "住院号"
    parts = tmp_path / "parts"
    parts.mkdir()
    rows = model_tables()["charges"]
    write_table(parts / "a.parquet", "charges", rows[:50])
    write_table(parts / "b.parquet", "charges", rows[50:])
    assert charge_columns(parts)["amount"] == "amount"
    write_table(parts / "c.parquet", "charges", rows[:50], chinese=True)
    with pytest.raises(CostingError, match=r"c\.parquet.*differ"):
        charge_columns(parts)
    with pytest.raises(CostingError, match="no such file"):
        charge_columns(tmp_path / "none.csv")


def test_a_folder_of_charges(tmp_path: Path) -> None:
    rows = model_tables()
    charges = rows.pop("charges")
    folder = write_model(tmp_path / "m", rows)
    (folder / "charges").mkdir()
    write_table(folder / "charges" / "a.parquet", "charges", charges)
    text = (folder / "model.toml").read_text("utf-8")
    (folder / "model.toml").write_text(text.replace("[tables]", "[tables]\ncharges = 'charges'"), "utf-8")
    assert read_model(folder).charges == folder / "charges"


# ---------------------------------------------------------------- templates


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_a_new_model_can_be_read_and_has_no_mistakes(tmp_path: Path, form: Any) -> None:
    folder = tmp_path / "示例 model"
    files = new_model(folder, form=form)
    assert all(file.is_file() for file in files)
    assert set(files) == set(folder.iterdir())
    model, findings = read_checked(folder)
    assert [finding for finding in findings if finding.severity != "note"] == []
    assert set(model.tables) == set(tables()) - {"charges", "goods"}
    assert model.settings.name == "示例 model"
    assert model.settings.ledger_total == pytest.approx(model.tables["ledger"]["amount"].sum())


def test_both_forms_of_the_template_hold_the_same(tmp_path: Path) -> None:
    new_model(tmp_path / "a")
    new_model(tmp_path / "b", form="xlsx")
    first, second = read_model(tmp_path / "a"), read_model(tmp_path / "b")
    for name, frame in first.tables.items():
        columns = [column for column in frame.columns if column != "source_file"]
        pd.testing.assert_frame_equal(frame[columns], second.tables[name][columns])


def test_the_template_states_every_key_with_its_default(tmp_path: Path) -> None:
    new_model(tmp_path / "m")
    text = (tmp_path / "m" / "model.toml").read_text("utf-8")
    stated = tomllib.loads(text.replace("# rate =", "rate ="))
    settings = read_settings(tmp_path / "m")
    for section in ("allocation", "items", "cases", "weights", "payment", "policies"):
        kind = type(getattr(settings, section))
        assert set(stated[section]) == {field.name for field in dataclasses.fields(kind)}
        assert getattr(settings, section) == kind()
    assert {field.name for field in dataclasses.fields(Settings)} >= set(stated["model"])
    assert set(stated["tables"]) == set(tables())
    keys = [line for line in text.splitlines() if line[:1].isalpha() and " = " in line]
    assert all("#" in line for line in keys)


def test_a_template_without_rows(tmp_path: Path) -> None:
    new_model(tmp_path / "m", example=False)
    assert set(read_settings(tmp_path / "m").tables) == {"departments", "ledger"}
    assert [finding.rule for finding in check_model(tmp_path / "m")] == ["empty_table"]


def test_a_template_never_covers_files(tmp_path: Path) -> None:
    (tmp_path / "kept.txt").write_text("x")
    with pytest.raises(OutputFileError, match="not empty"):
        new_model(tmp_path)
    with pytest.raises(OutputFileError, match="file of this name"):
        new_model(tmp_path / "kept.txt")
    with pytest.raises(CostingError, match="form"):
        new_model(tmp_path / "m", form="ods")  # type: ignore[arg-type]
    assert [path.name for path in tmp_path.iterdir()] == ["kept.txt"]


def test_templates_are_the_same_every_time(tmp_path: Path) -> None:
    for form in ("csv", "xlsx"):
        files = [new_model(tmp_path / f"{form}{at}" / "m", form=form) for at in range(2)]  # type: ignore[arg-type]
        for first, second in zip(*files, strict=True):
            assert first.read_bytes() == second.read_bytes(), first.name
