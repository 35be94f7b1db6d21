"""Report tables: titles, columns, sums that foot, subtotals by category, and Parquet with Chinese titles."""

from __future__ import annotations

import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drgengine.costing.model import AllocationSettings, Finding, PaymentSettings, Policies, Settings
from drgengine.costing.objects.reconcile import Reconciliation
from drgengine.costing.reports.casereports import case_methods, group_composition, group_detail
from drgengine.costing.reports.departmentreports import (
    allocation_methods,
    allocation_summary,
    clinical_composition,
    clinical_full,
    department_direct,
    department_direct_full,
    direct_long,
)
from drgengine.costing.reports.marginreports import margins_table, reconciliation_table, weights_table
from drgengine.costing.reports.notes import (
    changed_settings,
    exceptions_table,
    policies_used,
    report_notes,
    settings_values,
)
from drgengine.costing.reports.objectreports import item_detail, item_summary, service_unit_ratio, unit_cost_table
from drgengine.costing.reports.reportparquet import write_report
from drgengine.costing.reports.reporttables import report_table
from drgengine.costing.reports.reportwords import (
    ADDING_KINDS,
    TEXT_KINDS,
    column_word,
    cost_items,
    report_texts,
    shown_value,
    table_form,
    table_names,
)
from drgengine.costing.reports.sheetshape import NUMBER_FORMATS
from drgengine.costing.value.margins import margins
from drgengine.costing.value.weights import compare_weights
from drgengine.errors import CostingError

DEPARTMENTS = pd.DataFrame(
    [
        ("A01", "院办", "administration", None),
        ("H01", "消毒供应室", "auxiliary", None),
        ("T01", "检验科", "technology", None),
        ("C02", "外科病区", "clinical", "inpatient"),
        ("C01", "内科门诊", "clinical", "outpatient"),
    ],
    columns=["dept_code", "dept_name", "category", "setting"],
)
SETTINGS = Settings(
    "demo", "示范医院", datetime.date(2024, 1, 1), datetime.date(2024, 12, 31), {"ledger": "ledger.csv"}
)


def direct_rows() -> pd.DataFrame:
    return pd.DataFrame(
        [
            ("A01", "personnel", "basic", "fixed", "direct", 100_00),
            ("H01", "other", "basic", "fixed", "computed", 50_01),
            ("T01", "materials:charged", "basic", "variable", "direct", 20_02),
            ("T01", "personnel:doctor", "basic", "fixed", "direct", 30_03),
            ("C01", "drugs", "basic", "variable", "direct", 400_04),
            ("C02", "depreciation", "fiscal_project", "fixed", "direct", 70_05),
            ("C02", "other", "research_teaching", "fixed", "direct", 5_06),
        ],
        columns=["dept_code", "element", "fund_source", "behaviour", "entry_mode", "fen"],
    )


def cells() -> pd.DataFrame:
    return pd.DataFrame(
        [
            ("C01", "direct", "drugs", "basic", "variable", "medical", 400_04),
            ("C01", "administration", "personnel", "basic", "fixed", "administration", 40_00),
            ("C01", "technology", "personnel:doctor", "basic", "fixed", "medical", 10_01),
            ("C02", "administration", "personnel", "basic", "fixed", "administration", 60_00),
            ("C02", "direct", "depreciation", "fiscal_project", "fixed", "medical", 70_05),
            ("C02", "direct", "other", "research_teaching", "fixed", "medical", 5_06),
        ],
        columns=["dept_code", "level", "element", "fund_source", "behaviour", "block", "fen"],
    )


def column(table: Any, name: str) -> dict[str, Any]:
    return dict(zip(table.frame["dept_code"], table.frame[name], strict=True))


# The forms themselves


def test_every_word_has_both_languages_and_a_kind() -> None:
    texts = report_texts()
    kinds = {*TEXT_KINDS, *NUMBER_FORMATS}
    assert set(ADDING_KINDS) < kinds
    for words in (texts["words"], texts["suffixes"]):
        assert {name for name, word in words.items() if not {"zh", "en", "kind"} <= set(word)} == set()
        assert {word["kind"] for word in words.values()} <= kinds
    for name, values in texts["values"].items():
        assert {key for key, word in values.items() if set(word) != {"zh", "en"}} == set(), name
    lists = {word["values"] for word in texts["words"].values() if "values" in word}
    assert lists <= set(texts["values"])


@pytest.mark.parametrize("name", table_names())
def test_every_column_of_a_form_is_known(name: str) -> None:
    form = table_form(name)
    for column_name in (*form.columns, *form.optional):
        assert column_word(column_name).zh != column_name, column_name
    everything = {*form.columns, *form.optional}
    assert {*form.lead, *form.tail, *form.sums, *form.ratios, *form.blank_totals} <= everything
    assert {part for parts in form.sums.values() for part in parts} <= everything
    assert {part for pair in form.ratios.values() for part in pair} <= everything
    assert form.title["zh"]
    assert form.source["zh"]


def test_official_tables_say_that_their_titles_are_recalled() -> None:
    form = table_form("department_direct")
    assert form.title["zh"] == "医院科室直接成本表（医疗成本）"
    assert "待与附件核对" in form.source["zh"]
    assert "to be checked against the annex" in form.source["en"]
    assert table_form("weights").source["en"] == "A table of this program, no official form"


def test_every_setting_and_policy_has_a_name() -> None:
    names = report_texts()["values"]["setting_name"]
    table = report_notes(SETTINGS).frame
    assert set(table["item"]) - set(names) == set()


def test_every_choice_of_a_setting_has_words() -> None:
    words = report_texts()["values"]["value"]
    for part in ("allocation", "cases", "items", "payment", "policies"):
        for value in settings_values(SETTINGS)[part].values():
            for choice in value if isinstance(value, list) else [value]:
                if isinstance(choice, str) and choice:
                    assert choice in words, choice
    assert shown_value("bottom-up, top-down", "value", "zh") == "自下而上法, 自上而下法"


# Sums and totals


def test_a_missing_sum_is_worked_out_and_a_wrong_one_refused() -> None:
    frame = pd.DataFrame({"dept_code": ["A"], "dept_name": ["甲"], "visits": [4], **dict.fromkeys(cost_items(), 0.1)})
    table = report_table("visit_cost", frame)
    assert table.frame["total"].tolist() == [0.7]
    assert table.frame["visit_cost"].tolist() == [0.175]
    with pytest.raises(CostingError, match=r"row 1: total is 0\.80, its parts add up to 0\.70"):
        report_table("visit_cost", frame.assign(total=0.8))


def test_a_missing_column_is_named() -> None:
    with pytest.raises(CostingError, match="the column 'income' is missing"):
        report_table("service_unit_ratio", pd.DataFrame({"service_unit": ["护理"], "cost": [1.0]}))


def test_an_unknown_table_is_refused() -> None:
    with pytest.raises(CostingError, match="there is no table 'departments_direct'"):
        report_table("departments_direct", pd.DataFrame())


@given(fen=st.lists(st.integers(-(10**12), 10**12), min_size=1, max_size=30))
def test_totals_are_exact_to_the_fen(fen: list[int]) -> None:
    frame = pd.DataFrame({"service_unit": "x", "income": np.array(fen) / 100, "cost": 1.0})
    total = report_table("service_unit_ratio", frame).lines()[-1].values
    assert round((total["income"] or 0.0) * 100) == sum(fen)


def test_department_direct_groups_categories_as_the_printed_form() -> None:
    table = department_direct(direct_rows(), DEPARTMENTS)
    assert table.frame["dept_code"].tolist() == ["C02", "C01", "T01", "H01", "A01"]
    printed = table.with_totals("zh")
    assert printed["line"].tolist() == [
        *("detail", "detail", "subtotal"),
        *("detail", "subtotal"),
        *("detail", "subtotal", "running"),
        *("detail", "subtotal"),
        "total",
    ]
    labels = printed.loc[printed["line"] != "detail", "dept_name"].tolist()
    assert labels == [
        "临床服务类小计",
        "医疗技术类小计",
        "医疗辅助类小计",
        "医疗业务成本合计",
        "行政后勤类小计",
        "合计",
    ]
    totals = printed.loc[printed["line"] != "detail", "total"].tolist()
    assert totals == [400.04, 50.05, 50.01, 500.10, 100.00, 600.10]
    last = printed.iloc[-1]
    assert (last["entered_direct"], last["entered_computed"]) == (550.09, 50.01)
    assert column(table, "materials")["T01"] == 20.02


def test_department_direct_full_nests_the_four_totals() -> None:
    table = department_direct_full(direct_rows(), DEPARTMENTS)
    assert column(table, "medical_full")["C02"] == 70.05
    assert column(table, "hospital_full")["C02"] == 75.11
    assert table.lines()[-1].values["hospital_full"] == direct_rows()["fen"].sum() / 100


def test_by_entry_becomes_rows() -> None:
    wide = direct_rows().pivot_table(
        index="dept_code", columns=["element", "fund_source", "behaviour", "entry_mode"], values="fen", aggfunc="sum"
    )
    long = direct_long(wide.fillna(0).astype(np.int64))
    assert long["fen"].sum() == direct_rows()["fen"].sum()
    first = department_direct(long, DEPARTMENTS).frame
    pd.testing.assert_frame_equal(first, department_direct(direct_rows(), DEPARTMENTS).frame)


def test_clinical_full_parts_each_item_into_direct_and_indirect() -> None:
    table = clinical_full(cells(), DEPARTMENTS, "hospital_full")
    assert column(table, "personnel_indirect") == {"C02": 60.0, "C01": 50.01}
    assert column(table, "total_full") == {"C02": 135.11, "C01": 450.05}
    assert table.lines()[-1].values["total_full"] == cells()["fen"].sum() / 100
    assert clinical_full(cells(), DEPARTMENTS, "medical_business").lines()[-1].values["total_full"] == 410.05


def test_clinical_composition_takes_unit_costs_of_departments_that_have_units() -> None:
    visits = pd.DataFrame({"dept_code": ["C01"], "visits": [45], "visit_cost": [10.0]})
    table = clinical_composition(cells(), DEPARTMENTS, "hospital_full", visits=visits)
    assert column(table, "visits")["C01"] == 45
    assert np.isnan(column(table, "visits")["C02"])
    shares = table.frame[[f"{item}_share" for item in cost_items()]].sum(axis=1)
    assert shares.tolist() == pytest.approx([1.0, 1.0])
    assert (table.frame["direct_share"] + table.frame["received_share"]).tolist() == pytest.approx([1.0, 1.0])
    total = table.lines()[-1].values
    assert total["drugs_share"] == pytest.approx(400.04 / 585.16)
    assert total.get("visit_cost") is None


def test_costs_of_a_department_that_is_not_in_the_table_are_not_lost() -> None:
    with pytest.raises(CostingError, match="department C01: its cost 'drugs_direct' has no place"):
        clinical_full(cells(), DEPARTMENTS[DEPARTMENTS["dept_code"] != "C01"])
    strange = direct_rows().assign(element="parking")
    with pytest.raises(CostingError, match="'parking' is no cost item"):
        department_direct(strange, DEPARTMENTS)


def test_allocation_summary_foots_both_ways() -> None:
    levels = pd.DataFrame(
        [
            ("A01", "basic", "administration", 100_00, 0, 0, 100_00, 100_00, 0),
            ("T01", "basic", "medical", 50_00, 30_00, 0, 80_00, 80_00, 0),
            ("C01", "basic", "medical", 400_00, 70_00, 80_00, 550_00, 0, 550_00),
        ],
        columns=[
            "dept_code",
            "fund_source",
            "block",
            "direct",
            "administration",
            "technology",
            "total",
            "given",
            "final",
        ],
    )
    table = allocation_summary(levels, DEPARTMENTS)
    assert list(table.frame.columns[3:]) == ["direct", "administration", "technology", "total", "given", "final"]
    total = table.lines()[-1].values
    assert total["direct"] == total["final"] == 550.0
    assert total["given"] == (total["administration"] or 0) + (total["technology"] or 0) == 180.0
    assert [found.zh for found in table.columns[3:6]] == ["直接成本", "分摊行政后勤类", "分摊医疗技术类"]
    with pytest.raises(CostingError, match=r"row 2: total is 550\.00, its parts add up to 551\.00"):
        allocation_summary(levels.assign(direct=levels["direct"] + 1_00), DEPARTMENTS)


def test_allocation_methods_have_chinese_headers_and_a_spread() -> None:
    methods = {"direct": pd.Series({"C01": 10.0, "C02": 30.0}), "reciprocal": pd.Series({"C01": 12.0, "C02": 28.0})}
    table = allocation_methods(methods, DEPARTMENTS)
    headers = [found.zh for found in table.columns]
    assert headers == ["科室编码", "科室名称", "直接分配法", "交互分配法", "极差", "极差占比"]
    assert column(table, "spread") == {"C01": 2.0, "C02": 2.0}
    assert table.lines()[-1].values["direct"] == 40.0


# Cost objects


def test_unit_costs_keep_the_hospital_mean() -> None:
    wide = pd.DataFrame(
        {"dept_code": ["C01", "C02"], "dept_name": ["a", "b"], "visits": [50, 0], "medical_per_visit": [9.0, np.nan]}
    )
    costs = SimpleNamespace(
        unit="visit", cells=cells().drop(columns="level"), wide=wide, hospital_wide={"medical_per_visit": 10.2}
    )
    table = unit_cost_table(costs, "medical")
    assert table.frame["visit_cost"].tolist() == pytest.approx([9.001, np.nan], nan_ok=True)
    total = table.lines()[-1].values
    assert total["visit_cost"] == pytest.approx(510.05 / 50)
    assert total["medical_per_visit"] == 10.2
    assert next(found for found in table.columns if found.name == "medical_per_visit").zh == "医疗成本 每诊次"


def item_frames() -> SimpleNamespace:
    rows = pd.DataFrame(
        {
            "dept_code": ["T01", "C01"],
            "dept_name": ["检验科", "内科门诊"],
            "item_code": ["250101001", "250101001"],
            "national_code": [None, None],
            "item_name": ["血常规", "血常规"],
            "fee_class": ["检验", "检验"],
            "unit": ["次", "次"],
            "price": [20.0, 20.0],
            "quantity": [10.0, 0.0],
            "income": [200.0, 0.0],
            "weight": [200.0, 0.0],
            "cost": [150.0, 30.0],
            "unit_cost": [15.0, np.nan],
            "margin": [50.0, -30.0],
            "flag": ["", "no_quantity"],
            **{item: [0.0, 0.0] for item in cost_items()},
        }
    )
    rows["personnel"] = rows["cost"]
    hospital = rows.iloc[:1].drop(columns=["dept_code", "dept_name"]).assign(departments=1)
    return SimpleNamespace(by_department=rows, by_hospital=hospital)


def test_item_tables_leave_internal_weights_out_and_foot() -> None:
    detail = item_detail(item_frames(), "medical")
    assert "weight" not in detail.frame
    total = detail.lines()[-1].values
    assert (total["cost"], total["margin"], total.get("quantity")) == (180.0, 20.0, None)
    assert total["margin_rate"] == pytest.approx(0.1)
    assert item_summary(item_frames(), "medical").frame["margin_rate"].tolist() == [0.25]


def test_a_service_unit_of_two_centres_has_one_income() -> None:
    rates = pd.DataFrame(
        {
            "kind": ["services", "services", "services", "goods"],
            "label": ["检验", "检验", "护理", "drugs"],
            "cost": [60.0, 20.0, 50.0, 9.0],
            "weight": [100.0, 100.0, 0.0, 9.0],
        }
    )
    table = service_unit_ratio(rates, "medical")
    assert table.frame["ratio"].tolist() == pytest.approx([0.8, np.nan], nan_ok=True)
    assert table.lines()[-1].values == {"income": 100.0, "cost": 130.0, "ratio": 1.3}


def group_frame() -> SimpleNamespace:
    table = pd.DataFrame(
        {
            "drg": ["BR21", "FR21", None, None],
            "status": ["grouped", "grouped", "ungroupable", "in_hospital"],
            "cases": [2, 1, 1, 1],
            "days": [10.0, 3.0, 4.0, 2.0],
            "charge": [300.0, 100.0, 50.0, 20.0],
            "cost": [280.0, 120.0, 40.0, 30.0],
            "drug_cost": [80.0, 20.0, 0.0, 0.0],
            "material_cost": [50.0, 0.0, 0.0, 0.0],
            "service_cost": [150.0, 100.0, 40.0, 30.0],
            "margin": [20.0, -20.0, 10.0, -10.0],
            "cv": [0.5, np.nan, np.nan, np.nan],
            **{item: [0.0] * 4 for item in cost_items()},
        }
    )
    table["personnel"] = table["cost"]
    return SimpleNamespace(by="drg", table=table)


def test_drg_tables_keep_ungrouped_and_in_hospital_apart() -> None:
    found = margins([150.0, 140.0, 110.0], [140.0, 140.0, 120.0], [0.0] * 3, drg=["BR21", "BR21", "FR21"])
    table = group_detail(
        group_frame(), "medical_full", names={"BR21": "脑缺血"}, weights={"BR21": 1.2}, paid=found.by("drg")
    )
    printed = table.with_totals("zh")
    assert printed["line"].tolist() == ["detail"] * 3 + ["subtotal", "detail", "subtotal", "total"]
    assert printed["drg_name"].tolist()[3:] == ["出院病例小计", "", "在院患者小计", "合计"]
    subtotal = printed.iloc[3]
    assert (subtotal["cases"], subtotal["cost"], subtotal["mean_cost"]) == (4, 440.0, 110.0)
    assert table.frame["result"].tolist()[:2] == [10.0, -10.0]
    assert subtotal["payment"] == 400.0
    composition = group_composition(group_frame(), "medical_full")
    assert composition.lines()[-1].values["total"] == 470.0
    assert composition.frame["personnel_share"].tolist() == [1.0] * 4


def test_case_methods_name_the_methods() -> None:
    comparison = pd.DataFrame(
        {
            "drg": ["BR21", None],
            "status": ["grouped", "in_hospital"],
            "cases": [3, 1],
            "bottom-up": [100.0, 200.0],
            "top-down": [110.0, 170.0],
            "top-down difference": [10.0, -30.0],
            "top-down relative": [0.1, -0.15],
            "top-down largest": ["ward", "drugs"],
        }
    )
    table = case_methods(comparison)
    assert [found.zh for found in table.columns][3:] == [
        "自下而上法",
        "自上而下法",
        "自上而下法 差异",
        "自上而下法 差异率",
        "自上而下法 主要差异来源",
    ]
    total = table.lines()[-1].values
    assert (total["bottom-up"], total["top-down"]) == (125.0, 125.0)


def test_weights_and_margins_are_shown_with_their_intervals() -> None:
    drg = ["A", "A", "A", "B", "B", "B"]
    made = compare_weights([9.0, 10, 11, 30, 31, 29], [20.0, 21, 19, 20, 22, 18], drg)
    weights = weights_table(made.table, names={"A": "甲"}, payment={"A": 0.6})
    assert weights.frame["weight_difference"].tolist() == made.table["difference"].tolist()
    assert {found.name: found.kind for found in weights.columns}["intervals_apart"] == "text"
    assert weights.lines()[-1].values["cases"] == 6
    found = margins([20.0] * 6, [9.0, 10, 11, 30, 31, 29], [1.0] * 6, drg=drg, physician=["p"] * 6)
    by_drg = margins_table(found.by("drg"), "drg", names={"A": "甲"}, remarks=["payment_model"])
    assert by_drg.remarks[0]["en"].startswith("Payment from charge weights of this run")
    assert by_drg.frame["margin_sign"].tolist() == ["profit", "loss"]
    total = by_drg.lines()[-1].values
    assert total["margin"] == 0.0
    assert total["margin_rate"] == 0.0
    assert margins_table(found.by("physician"), "physician").frame["cases"].tolist() == [6]


# Statements


def test_reconciliation_shows_totals_before_details_and_adds_nothing_up() -> None:
    lines = pd.DataFrame(
        {
            "stage": ["ledger", "ledger", "departments", "departments"],
            "element": ["drugs", "other", "drugs", "other"],
            "fund_source": "basic",
            "amount": [7.0, 3.0, 7.0, 3.0],
            "difference": [np.nan, np.nan, 0.0, 0.0],
        }
    )
    table = reconciliation_table(Reconciliation(lines, "示范医院", "2024"))
    assert table.frame["view"].tolist() == ["total"] * 2 + ["element"] * 4 + ["fund_source"] * 2 + ["both"] * 4
    assert table.frame["amount"].tolist()[:3] == [10.0, 10.0, 7.0]
    assert table.frame["element"].tolist()[:3] == ["all", "all", "drugs"]
    assert {line.kind for line in table.lines()} == {"detail"}


def test_exceptions_put_errors_first() -> None:
    findings = [
        Finding("note", "self_use", "H01", "own use", "None needed"),
        Finding("error", "zero_driver", "ledger.csv row 3", "=1+1", "Give staff", 12.5),
    ]
    table = exceptions_table(findings)
    assert table.frame["severity"].tolist() == ["error", "note"]
    assert table.frame["amount"].tolist() == pytest.approx([12.5, np.nan], nan_ok=True)
    assert exceptions_table([]).lines() == ()


def test_notes_state_methods_changes_policies_and_agreement() -> None:
    before = settings_values(SETTINGS)
    now = Settings(
        **{
            **{name: getattr(SETTINGS, name) for name in ("name", "hospital", "start", "end", "tables")},
            "allocation": AllocationSettings(method="reciprocal"),
            "policies": Policies(zero_driver="fallback"),
            "payment": PaymentSettings(rate=12_345.0),
        }
    )
    findings = [Finding("warning", "zero_driver", "H01", "no work", "Give it", 3.0)]
    table = report_notes(now, findings, largest_difference=0.0, bases={"H01": "income"}, before=before)
    rows = {(row.section, row.item): row for row in table.frame.itertuples()}
    assert rows["method", "allocation.method"].value == "reciprocal"
    assert rows["change", "allocation.method"].before == "three-level"
    assert rows["change", "payment.rate"].value == "12345"
    assert rows["policy", "policies.zero_driver"].used == 1
    assert rows["basis", "H01"].value == "income"
    assert rows["reconciliation", "agrees"].value == "true"
    assert changed_settings(before, before) == []
    assert policies_used(now, findings)["zero_driver"] == {"setting": "fallback", "used": 1, "amount": 3.0}


# Parquet


def test_parquet_carries_the_chinese_titles(tmp_path: Path) -> None:
    table = department_direct(direct_rows(), DEPARTMENTS)
    path = tmp_path / "department_direct.parquet"
    write_report(table, path, period=(SETTINGS.start, SETTINGS.end))
    schema = pq.read_schema(path)
    assert schema.names == list(table.frame.columns)
    assert schema.field("personnel").metadata == {
        b"title_zh": "人员经费".encode(),
        b"title_en": b"Personnel",
        b"kind": b"amount",
        b"unit": b"yuan",
    }
    assert schema.metadata[b"title_zh"].decode() == "医院科室直接成本表（医疗成本）"
    assert schema.metadata[b"period"] == b"2024-01-01/2024-12-31"
    assert schema.metadata[b"scope"] == b"medical"
    read = pd.read_parquet(path)
    assert read["total"].tolist() == table.frame["total"].tolist()
    assert len(read) == 5, "no total rows among the data"
    before = path.read_bytes()
    write_report(table, path, period=(SETTINGS.start, SETTINGS.end))
    assert path.read_bytes() == before


def test_an_empty_report_is_written_with_its_columns(tmp_path: Path) -> None:
    write_report(exceptions_table([]), tmp_path / "exceptions.parquet")
    assert pq.read_schema(tmp_path / "exceptions.parquet").field("amount").type == "double"
