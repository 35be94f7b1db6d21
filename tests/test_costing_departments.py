"""Department, visit and bed-day cost: a worked example, conservation to the fen, the four nested totals."""

from __future__ import annotations

import itertools
import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from costing_by_hand import FOUR, activity_of, line, model_of, small
from hypothesis import given, settings
from hypothesis import strategies as st

from drgengine.costing.ledger.directcosts import COST_ITEMS, cost_item, direct_costs
from drgengine.costing.ledger.drivers import driver_matrix
from drgengine.costing.ledger.scope import FUND_SOURCES, in_scope, nested_totals
from drgengine.costing.model import SCOPES, CostModel
from drgengine.costing.objects.beddays import bed_day_costs
from drgengine.costing.objects.departments import DepartmentCosts, department_costs
from drgengine.costing.objects.settingsplit import split_settings
from drgengine.costing.objects.visits import visit_costs
from drgengine.errors import CostingError

METHODS = ("three-level", "direct", "step-down", "reciprocal", "double")
CATEGORY = {"行政后勤": "administration", "医疗辅助": "auxiliary", "医疗技术": "technology", "临床服务": "clinical"}
PARTS = ("level1", "after_level2", "level3", "final", "visit_cost", "bed_day")
STATUS = "published_formula_numbers_ours"


def run(model: CostModel, activity: Any = None) -> DepartmentCosts:
    return department_costs(model, direct_costs(model), driver_matrix(model, activity))


# ---------------------------------------------------------------- worked example
@cache
def example(shared: Path) -> tuple[dict[str, Any], CostModel, DepartmentCosts]:
    """The example of nine departments as a model folder would hold it."""
    cases = json.loads((shared / "oracles" / "costing_examples.json").read_text(encoding="utf-8"))
    one = next(case for case in cases if case["id"] == "china_three_level")
    given, names = one["inputs"], one["inputs"]["depts"]
    departments = [
        {
            "dept_code": name,
            "category": CATEGORY[category],
            "setting": None if category != "临床服务" else "outpatient" if name.endswith("门诊") else "inpatient",
            "basis": {"供应室": "workload.sterile_packs", "挂号收费": "outpatient_income"}.get(name),
        }
        for name, category in zip(names, given["category"], strict=True)
    ]
    workload = [
        {"dept_code": name, "indicator": indicator, "value": value}
        for indicator, key in (("sterile_packs", "cssd_packs"), ("outpatient_income", "outpatient_income"))
        for name, value in zip(names, given[key], strict=True)
    ]
    workload.append(
        {"dept_code": "内科门诊", "indicator": "outpatient_visits", "value": float(given["outpatient_visits"])}
    )
    workload += [
        {"dept_code": name, "indicator": "bed_days", "value": float(days)} for name, days in given["bed_days"].items()
    ]
    orders = [
        {"order_dept": name, "exec_dept": technology, "qty": qty, "income": None}
        for technology, key in (("检验", "lab_orders"), ("影像", "imaging_orders"))
        for name, qty in zip(names, given[key], strict=True)
    ]
    model = model_of(
        departments,
        [line(name, cost) for name, cost in zip(names, given["direct_cost"], strict=True)],
        staff=[{"dept_code": name, "fte": fte} for name, fte in zip(names, given["staff"], strict=True)],
        workload=workload,
        orders=orders,
    )
    return one, model, run(model)


@pytest.mark.parametrize("part", PARTS, ids=[f"china_three_level-{part}-{STATUS}" for part in PARTS])
def test_three_level_example(shared: Path, part: str) -> None:
    """Nine departments, 三级分摊; formulas of 国卫财务发〔2021〕4号 as recalled, numbers made up."""
    one, model, costs = example(shared)
    assert one["status"] == STATUS
    tolerance = one["tolerance"]
    expected = one["recomputed"][part]
    levels = costs.levels.groupby("dept_code")[["direct", *costs.level_names, "final"]].sum() / 100
    levels = levels.reindex(one["inputs"]["depts"], fill_value=0.0)
    if part == "level1":
        np.testing.assert_allclose(levels["administration"], expected, atol=tolerance)
    elif part == "after_level2":
        stage = costs.stage_cells.groupby("dept_code")["fen"].sum() / 100
        np.testing.assert_allclose(stage.reindex(levels.index, fill_value=0), expected, atol=tolerance)
    elif part == "level3":
        np.testing.assert_allclose(levels["technology"], expected, atol=tolerance)
    elif part == "final":
        np.testing.assert_allclose(levels["final"], expected, atol=tolerance)
        assert costs.cells["fen"].sum() == round(one["recomputed"]["total"] * 100)
    elif part == "visit_cost":
        assert visit_costs(model, costs).cost("hospital_full") == pytest.approx(expected, abs=tolerance)
    else:
        beds = bed_day_costs(model, costs)
        found = dict(zip(beds.wide["dept_code"], beds.wide["hospital_full_per_bed_day"], strict=True))
        assert found | {"全院": beds.cost("hospital_full")} == pytest.approx(expected, abs=tolerance)


# ---------------------------------------------------------------- conservation
AMOUNT = st.integers(1, 10**9).map(lambda fen: fen / 100)
LINE = st.builds(
    lambda department, amount, item, fund, behaviour, charged: line(
        department, amount, item, fund_source=fund, behaviour=behaviour, separately_charged=charged
    ),
    st.sampled_from("AXTCW"),
    AMOUNT,
    st.sampled_from(COST_ITEMS),
    st.sampled_from(FUND_SOURCES),
    st.sampled_from(["fixed", "variable", "mixed"]),
    st.booleans(),
)


@settings(max_examples=30)
@given(lines=st.lists(LINE, min_size=1, max_size=12), method=st.sampled_from(METHODS))
def test_every_column_keeps_its_fen_through_every_level(lines: list[dict[str, Any]], method: str) -> None:
    model = small(lines, method=method)
    direct = direct_costs(model)
    costs = department_costs(model, direct, driver_matrix(model))
    keys = ["element", "fund_source", "behaviour"]
    ledger = direct.matrix.sum().rename("fen")
    ledger = ledger[ledger != 0]
    for cells in (costs.cells, costs.stage_cells):
        pd.testing.assert_series_equal(
            cells.groupby(keys)["fen"].sum().sort_index(), ledger.sort_index(), check_names=False
        )
    for name in costs.level_names:
        held = costs.after_level[costs.after_level["level"] == name].groupby(keys)["fen"].sum()
        pd.testing.assert_series_equal(held[held != 0].sort_index(), ledger.sort_index(), check_names=False)
    levels = costs.levels
    received = levels[list(costs.level_names)].sum(axis=1)
    assert (levels["direct"] + received == levels["total"]).all()
    assert (levels["total"] - levels["given"] == levels["final"]).all()
    assert (levels.loc[levels["category"] != "clinical", "final"] == 0).all()
    assert received.sum() == levels["given"].sum()
    exact = costs.allocation.full.sort_index(axis=1) * 100
    whole = costs.cells.pivot_table(index="dept_code", columns=exact.columns.names, values="fen", aggfunc="sum")
    whole = whole.reindex(index=exact.index, columns=exact.columns).fillna(0.0)
    assert np.abs(whole.to_numpy() - exact.to_numpy()).max() <= 5


@settings(max_examples=15)
@given(lines=st.lists(LINE, min_size=1, max_size=8))
def test_stage_is_what_is_held_after_the_second_level(lines: list[dict[str, Any]]) -> None:
    costs = run(small(lines))
    levels = costs.levels[costs.levels["category"].isin(["technology", "clinical"])]
    held = levels["direct"] + levels["administration"] + levels["auxiliary"]
    by_department = held.groupby(levels["dept_code"]).sum()
    stage = costs.stage_cells.groupby("dept_code")["fen"].sum()
    assert by_department[by_department != 0].to_dict() == stage[stage != 0].to_dict()


def test_levels_of_a_step_down_are_added_up_by_category_of_the_giver() -> None:
    departments = [*FOUR, {"dept_code": "B", "category": "administration"}]
    staff = [{"dept_code": code, "fte": 10.0} for code in "AXTCWB"]
    tables = {"staff": staff, "orders": [{"order_dept": "C", "exec_dept": "T", "qty": 1.0, "income": 1.0}]}
    lines = [line(code, 100.0) for code in "AXTCWB"]
    model = model_of(departments, lines, method="step-down", basis={"auxiliary": "staff"}, **tables)
    assert run(model).level_names == ("administration", "auxiliary", "technology")


# ---------------------------------------------------------------- scopes
def all_sources() -> list[dict[str, Any]]:
    lines = [line(code, 100.0, fund_source=fund) for code in "AXTCW" for fund in FUND_SOURCES]
    lines.append(line("C", 77.0, "drugs"))
    lines.append(line("W", 55.0, "materials", separately_charged=True))
    return lines


def test_the_four_totals_nest_and_end_with_the_ledger() -> None:
    costs = run(small(all_sources()))
    by_department = nested_totals(costs.cells)
    assert list(by_department.columns) == list(SCOPES)
    assert (by_department.diff(axis=1).iloc[:, 1:] >= 0).all(axis=None)
    hospital = by_department.sum()
    assert hospital.tolist() == [53200, 63200, 163200, 263200]
    masks = [in_scope(costs.cells, scope) for scope in SCOPES]
    assert all((a <= b).all() for a, b in itertools.pairwise(masks))
    assert masks[-1].all()


def test_unknown_scope_lists_the_known_ones() -> None:
    with pytest.raises(CostingError, match="medical_full"):
        in_scope(pd.DataFrame({"fund_source": [], "block": []}), "everything")  # type: ignore[arg-type]


# ---------------------------------------------------------------- visits and bed-days
def test_visits_and_bed_days_by_scope_item_and_goods() -> None:
    model = small(all_sources())
    costs = run(model)
    visits, beds = visit_costs(model, costs), bed_day_costs(model, costs)
    clinic = costs.cells[costs.cells["dept_code"] == "C"]
    for scope in SCOPES:
        whole = clinic["fen"][in_scope(clinic, scope)].sum() / 100
        assert visits.cost(scope) == pytest.approx(whole / 50)
        assert visits.cost(scope, goods=False) == pytest.approx((whole - 77.0) / 50)
    rows = beds.departments[(beds.departments["scope"] == "medical") & beds.departments["goods"]]
    by_item = dict(zip(rows["cost_item"], rows["cost"], strict=True))
    assert by_item["materials"] == 55.0
    assert by_item["total"] == pytest.approx(sum(by_item[item] for item in COST_ITEMS))
    assert visits.cells["fen"].sum() + beds.cells["fen"].sum() == costs.cells["fen"].sum()
    assert list(visits.wide.columns[:4]) == ["dept_code", "dept_name", "visits", "medical_business_per_visit"]


def test_cost_without_visits_is_blank_and_stays_in_the_mean_of_the_hospital() -> None:
    departments = [*FOUR, {"dept_code": "D", "category": "clinical", "setting": "outpatient"}]
    workload = [{"dept_code": "C", "indicator": "outpatient_visits", "value": 10.0}]
    model = model_of(departments, [line("C", 100.0), line("D", 50.0)], method="direct", workload=workload)
    costs = department_costs(model, direct_costs(model), _no_drivers())
    visits = visit_costs(model, costs)
    wide = visits.wide.set_index("dept_code")["medical_per_visit"]
    assert wide["C"] == 10.0
    assert np.isnan(wide["D"])
    assert visits.cost("medical") == 15.0
    (finding,) = visits.findings
    assert (finding.rule, finding.place, finding.amount) == ("zero_units", "department D", 50.0)


def test_visits_of_a_department_without_outpatient_cost_are_noticed() -> None:
    workload = [
        {"dept_code": "C", "indicator": "outpatient_visits", "value": 10.0},
        {"dept_code": "T", "indicator": "outpatient_visits", "value": 5.0},
    ]
    model = model_of(FOUR, [line("C", 100.0)], method="direct", workload=workload)
    visits = visit_costs(model, department_costs(model, direct_costs(model), _no_drivers()))
    assert [(one.rule, one.place) for one in visits.findings] == [("units_without_cost", "department T")]
    assert visits.hospital["units"].unique().tolist() == [15.0]


def _no_drivers() -> Any:
    from drgengine.costing.ledger.drivers import DriverTable

    nobody = pd.DataFrame(np.zeros((3, 5)), index=list("AXT"), columns=list("AXTCW"))
    empty = pd.Series([], dtype=object)
    return DriverTable(nobody, empty, empty, ())


def both_model(policy: str) -> CostModel:
    departments = [{"dept_code": "B", "category": "clinical", "setting": "both"}]
    return model_of(departments, [line("B", 100.01)], policies={"setting_split": policy})


def test_a_department_of_both_settings_is_refused() -> None:
    model = both_model("refuse")
    with pytest.raises(CostingError) as caught:
        split_settings(model, run(model))
    assert all(word in str(caught.value) for word in ("department B", "100.01", "setting_split = 'income'"))


def test_a_department_of_both_settings_is_split_by_income_and_loses_nothing() -> None:
    model = both_model("income")
    activity = activity_of(["B"], [("B", "B", 1, 3.0, 100.0), ("B", "B", 0, 1.0, 200.0)])
    split = split_settings(model, run(model), activity)
    assert split.shares == pytest.approx({"B": 1 / 3})
    assert (split.outpatient["fen"].sum(), split.inpatient["fen"].sum()) == (3334, 6667)
    assert "33.33% outpatient" in split.findings[0].problem
    with pytest.raises(CostingError, match="cannot divide"):
        split_settings(model, run(model), activity_of(["B"], [("B", "B", 2, 3.0, 100.0)]))


def test_a_clinical_department_without_setting_is_refused() -> None:
    model = model_of([{"dept_code": "B", "category": "clinical"}], [line("B", 1.0)])
    with pytest.raises(CostingError, match="no setting"):
        split_settings(model, run(model))


# ---------------------------------------------------------------- departments
def test_cost_outside_the_days_of_a_department_is_noticed() -> None:
    departments = [dict(row) for row in FOUR]
    departments[3]["valid_to"] = pd.Timestamp("2023-12-31")
    departments[4]["valid_from"] = pd.Timestamp("2025-01-01")
    model = model_of(departments, [line("C", 10.0), line("W", 20.0)], method="direct")
    found = department_costs(model, direct_costs(model), _no_drivers()).findings
    assert [(one.rule, one.place, one.amount) for one in found] == [
        ("validity", "department W", 20.0),
        ("validity", "department C", 10.0),
    ]
    assert "2025-01-01" in found[0].problem


def test_departments_without_cost_are_fine() -> None:
    costs = run(small([line("W", 10.0)]))
    assert costs.cells["dept_code"].tolist() == ["W"]
    assert costs.of_category("clinical", "technology") == ("T", "C", "W")


def test_elements_belong_to_their_cost_item() -> None:
    costs = run(small([line("W", 10.0, detail="doctor"), line("C", 5.0, "materials", separately_charged=True)]))
    assert sorted(costs.cells["element"]) == ["materials:charged", "personnel:doctor"]
    assert {cost_item(element) for element in costs.cells["element"]} == {"materials", "personnel"}
