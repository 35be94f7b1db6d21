"""The statement: every stage equals the ledger by cost item and fund source, and says so where it does not."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from costing_by_hand import line, small
from costing_fixture import write_model
from hypothesis import given, settings
from hypothesis import strategies as st

from drgengine.costing.charges.readcharges import read_activity
from drgengine.costing.intake.read import read_model
from drgengine.costing.ledger.directcosts import COST_ITEMS, direct_costs
from drgengine.costing.ledger.drivers import driver_matrix
from drgengine.costing.ledger.scope import FUND_SOURCES, in_scope
from drgengine.costing.objects.departments import department_costs
from drgengine.costing.objects.reconcile import IN_SCOPE, Reconciliation, reconcile
from drgengine.errors import CostingError

LINES = [
    line("A", 100.01),
    line("X", 33.33, "other"),
    line("T", 250.0, "depreciation", fund_source="fiscal_project"),
    line("C", 80.0, "drugs"),
    line("W", 70.07, fund_source="research_teaching"),
]
METHODS = ("three-level", "direct", "step-down", "reciprocal", "double")


def run(lines: list[dict[str, Any]], objects: Any = None, **more: Any) -> Reconciliation:
    model = small(lines, **more)
    direct = direct_costs(model)
    costs = department_costs(model, direct, driver_matrix(model))
    if objects is not None:
        objects = objects(costs.cells)
    return reconcile(model, direct, costs, objects)


def in_two_kinds(cells: pd.DataFrame) -> pd.DataFrame:
    """Cases and outpatients that hold the medical full cost of the departments."""
    kept = cells[in_scope(cells, "medical_full")]
    kind = kept["dept_code"].map({"C": "outpatient", "W": "discharged"})
    return pd.DataFrame(
        {"kind": kind, "element": kept["element"], "fund_source": IN_SCOPE, "amount": kept["fen"] / 100}
    )


@pytest.mark.parametrize("method", METHODS)
def test_every_stage_equals_the_ledger(method: str) -> None:
    statement = run(LINES, in_two_kinds, method=method, ledger_total=533.41)
    assert statement.ok
    assert statement.largest == 0.0
    totals = statement.totals().set_index("stage")
    assert totals.loc["ledger", "amount"] == 533.41
    for stage in totals.index[totals["difference"].notna()]:
        expected = 463.34 if stage == "objects" else 533.41
        assert totals.loc[stage, "amount"] == expected, stage
    by_item = statement.totals("element")
    final = by_item[by_item["stage"] == "final"].set_index("element")["amount"]
    assert final.to_dict() == {"personnel": 170.08, "drugs": 80.0, "depreciation": 250.0, "other": 33.33}
    by_fund = statement.totals("fund_source")
    assert by_fund[by_fund["stage"] == "outside_scope"][["fund_source", "amount"]].values.tolist() == [
        ["research_teaching", 70.07]
    ]


def test_a_model_folder_with_charge_lines_reconciles(tmp_path: Path) -> None:
    model = read_model(write_model(tmp_path))
    direct = direct_costs(model)
    drivers = driver_matrix(model, read_activity(model))
    statement = reconcile(model, direct, department_costs(model, direct, drivers))
    assert statement.ok
    assert statement.totals()["amount"].nunique() == 1
    assert set(drivers.basis) == {"staff", "income", "orders", "workload.sterile_packs"}


def test_stages_come_in_order() -> None:
    statement = run(LINES, in_two_kinds, ledger_total=533.41)
    assert statement.totals()["stage"].tolist() == [
        "ledger_total",
        "ledger",
        "departments",
        "after:administration",
        "after:auxiliary",
        "after:technology",
        "final",
        "stage_departments",
        "objects:outpatient",
        "objects:discharged",
        "objects",
        "outside_scope",
        "all_objects",
    ]


@settings(max_examples=20)
@given(
    st.lists(
        st.builds(
            lambda d, a, i, f: line(d, a, i, fund_source=f),
            st.sampled_from("AXTCW"),
            st.floats(0.01, 1e8),
            st.sampled_from(COST_ITEMS),
            st.sampled_from(FUND_SOURCES),
        ),
        min_size=1,
        max_size=10,
    )
)
def test_amounts_that_are_not_whole_fen_reconcile(lines: list[dict[str, Any]]) -> None:
    assert run(lines, in_two_kinds).ok


def test_amounts_set_aside_and_in_suspense_have_their_line() -> None:
    policies = {"negative_cost": "carry", "unknown_department": "suspense", "suspense_department": "A"}
    statement = run([*LINES, line("W", -9.0, "risk_fund"), line("Q", 4.0)], policies=policies)
    totals = statement.totals().set_index("stage")["amount"]
    assert statement.ok
    assert (totals["ledger"], totals["set_aside"], totals["suspense"]) == (528.41, -9.0, 4.0)
    assert totals["departments"] == totals["final"] == 537.41


def test_a_lost_fen_is_found_and_placed() -> None:
    def short(cells: pd.DataFrame) -> pd.DataFrame:
        objects = in_two_kinds(cells).reset_index(drop=True)
        at = objects.index[objects["element"] == "drugs"][0]
        objects.loc[at, "amount"] -= 0.01
        return objects

    statement = run(LINES, short)
    assert not statement.ok
    assert statement.largest == -0.01
    assert statement.largest_place == ("objects", "drugs", IN_SCOPE)
    assert "Largest difference: -0.01 (Cost objects in scope / drugs / in scope)" in statement.text("en")
    assert "与账面不一致" in statement.text()


def test_differences_that_cancel_are_found() -> None:
    def swapped(cells: pd.DataFrame) -> pd.DataFrame:
        return in_two_kinds(cells).replace({"element": {"drugs": "materials"}})

    statement = run(LINES, swapped)
    assert statement.totals().set_index("stage").loc["objects", "difference"] == 0
    assert abs(statement.largest) == 80.0


def test_objects_may_tell_fund_sources_apart() -> None:
    def apart(cells: pd.DataFrame) -> pd.DataFrame:
        return in_two_kinds(cells).assign(fund_source=cells["fund_source"])

    statement = run(LINES, apart)
    assert statement.ok
    lines = statement.lines[statement.lines["stage"] == "objects"]
    assert set(lines["fund_source"]) == {"basic", "fiscal_project"}


def test_departments_that_differ_from_the_ledger_are_found() -> None:
    model = small(LINES)
    direct = direct_costs(model)
    costs = department_costs(model, direct, driver_matrix(model))
    cells = costs.cells.copy()
    cells.loc[0, "fen"] += 5
    statement = reconcile(model, direct, dataclasses.replace(costs, cells=cells))
    assert statement.largest == 0.05
    assert statement.largest_place[0] == "final"


def test_objects_without_a_column_are_refused() -> None:
    with pytest.raises(CostingError, match="column kind is missing"):
        run(LINES, lambda cells: in_two_kinds(cells).drop(columns="kind"))


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("zh", ["成本核对表", "示例医院", "行政后勤分摊后", "人员经费", "科教经费", "差异 0.00", "533.41"]),
        ("en", ["Reconciliation statement", "After administration", "personnel", "differences 0.00", "533.41"]),
    ],
)
def test_the_statement_reads_in_both_languages(language: Any, words: list[str]) -> None:
    text = run(LINES, in_two_kinds).text(language)
    assert all(word in text for word in words), text
