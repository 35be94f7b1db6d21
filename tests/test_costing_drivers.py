"""Drivers: one per giving department, blanks are not zeros, every fallback is named, every mistake says where."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from costing_by_hand import FOUR, ORDERS, PACKS, STAFF, WORKLOAD, activity_of, line, model_of, small

from drgengine.costing.ledger.drivers import DriverTable, driver_matrix
from drgengine.costing.ledger.driverstats import BASIS_WORDS
from drgengine.errors import CostingError

COST = [line(code, 100.0) for code in "AXTCW"]
CHARGES = [
    ("C", "C", 1, 4.0, 400.0),
    ("C", "T", 1, 30.0, 900.0),
    ("W", "W", 0, 5.0, 5000.0),
    ("W", "T", 0, 70.0, 1100.0),
    ("T", "T", 2, 9.0, 90.0),
]


def rows(table: DriverTable) -> dict[str, list[float]]:
    return {str(giver): table.statistics.loc[giver].tolist() for giver in table.statistics.index}


def message(model: Any, activity: Any = None) -> str:
    with pytest.raises(CostingError) as caught:
        driver_matrix(model, activity)
    return str(caught.value)


def test_three_levels_give_to_the_categories_after_their_own() -> None:
    table = driver_matrix(small(COST))
    assert rows(table) == {"A": [0, 10, 20, 30, 40], "X": [0, 0, 20, 30, 50], "T": [0, 0, 0, 30, 70]}
    assert table.basis.to_dict() == {"A": "staff", "X": "workload.packs", "T": "orders"}


@pytest.mark.parametrize("method", ["direct", "step-down", "reciprocal", "double"])
def test_other_methods_hold_all_other_departments(method: str) -> None:
    table = driver_matrix(small(COST, method=method, basis={"auxiliary": "staff", "technology": "staff"}))
    assert rows(table) == {"A": [0, 10, 20, 30, 40], "X": [5, 0, 20, 30, 40], "T": [5, 10, 0, 30, 40]}


STATISTICS = {
    "staff": [30, 40],
    "hours": [300, 100],
    "pay": [7, 9],
    "area": [110, 60],
    "income": [400, 5000],
    "outpatient_income": [400, 0],
    "inpatient_income": [0, 5000],
    "orders": [30, 70],
    "orders_income": [900, 1100],
    "workload.packs": [30, 50],
    "table": [1, 3],
}


def test_every_basis_word_is_tried_below() -> None:
    assert [word.replace("<indicator>", "packs") for word in BASIS_WORDS] == list(STATISTICS)


@pytest.mark.parametrize("word", STATISTICS)
def test_each_basis_word_takes_its_statistic(word: str) -> None:
    departments = [dict(row) for row in FOUR]
    departments[2]["basis"] = word
    staff = [
        {"dept_code": code, "fte": fte, "hours": None, "pay": None}
        for code, fte in zip("AXT", (1.0, 1.0, 1.0), strict=True)
    ]
    staff += [
        {"dept_code": "C", "fte": 10.0, "hours": 100.0, "pay": 3.0},
        {"dept_code": "C", "fte": 20.0, "hours": 200.0, "pay": 4.0},
        {"dept_code": "W", "fte": 40.0, "hours": 100.0, "pay": 9.0},
    ]
    assets = [
        {"dept_code": "C", "area_m2": 100.0},
        {"dept_code": "C", "area_m2": 10.0},
        {"dept_code": "C", "area_m2": None},
        {"dept_code": "W", "area_m2": 60.0},
    ]
    drivers = [{"from_dept": "T", "to_dept": "C", "driver": "pieces", "value": 1.0}]
    drivers += [{"from_dept": "T", "to_dept": "W", "driver": "pieces", "value": 3.0}]
    extra: dict[str, Any] = {"drivers": drivers} if word == "table" else {}
    model = model_of(departments, COST, staff=staff, assets=assets, workload=WORKLOAD, basis=PACKS, **extra)
    table = driver_matrix(model, activity_of(list("AXTCW"), CHARGES))
    assert table.statistics.loc["T", ["C", "W"]].tolist() == STATISTICS[word]
    assert table.basis["T"] == word


def test_the_table_orders_comes_before_the_charge_lines() -> None:
    table = driver_matrix(small(COST, orders=[{"order_dept": "W", "exec_dept": "T", "qty": 1.0, "income": 1.0}]))
    assert rows(table)["T"] == [0, 0, 0, 0, 1]


def test_an_income_stated_in_workload_comes_before_the_charge_lines() -> None:
    workload = [*WORKLOAD, {"dept_code": "C", "indicator": "income", "value": 8.0}]
    model = small(COST, basis={"auxiliary": "income"}, workload=workload)
    assert rows(driver_matrix(model, activity_of(list("AXTCW"), CHARGES)))["X"] == [0, 0, 0, 8, 0]


def test_orders_of_departments_that_do_not_receive_are_noted() -> None:
    model = small(COST, orders=[*ORDERS, {"order_dept": "A", "exec_dept": "T", "qty": 100.0, "income": 1.0}])
    (note,) = [one for one in driver_matrix(model).findings if one.rule == "driver_left_out"]
    assert note.place == "department T"
    assert "50.00%" in note.problem
    assert "(A)" in note.problem


def test_explicit_rows_win_over_the_basis() -> None:
    drivers = [{"from_dept": "X", "to_dept": "C", "driver": "meals", "value": 6.0, "period": "2024-01"}]
    drivers += [{"from_dept": "X", "to_dept": "C", "driver": "meals", "value": 4.0, "period": "2024-02"}]
    table = driver_matrix(small(COST, drivers=drivers))
    assert rows(table)["X"] == [0, 0, 0, 10, 0]
    assert table.basis["X"] == "table"


# ---------------------------------------------------------------- policies
def with_blank() -> list[dict[str, Any]]:
    return [row | {"fte": None} if row["dept_code"] == "W" else row for row in STAFF]


@pytest.mark.parametrize("staff", [with_blank(), STAFF[:4]], ids=["blank cell", "no row"])
def test_a_blank_is_not_a_zero(staff: list[dict[str, Any]]) -> None:
    text = message(small(COST, staff=staff))
    assert all(
        word in text for word in ("staff.csv", '"staff" is blank', "1 receiving departments: W", "missing_driver")
    )
    table = driver_matrix(small(COST, staff=staff, policies={"missing_driver": "zero"}))
    assert rows(table)["A"] == [0, 10, 20, 30, 0]
    assert [(one.rule, one.severity) for one in table.findings] == [("missing_driver", "warning")]


def test_a_zero_is_a_value() -> None:
    staff = [row | {"fte": 0.0} if row["dept_code"] == "W" else row for row in STAFF]
    table = driver_matrix(small(COST, staff=staff))
    assert rows(table)["A"] == [0, 10, 20, 30, 0]
    assert not table.findings


def test_departments_closed_before_the_period_need_no_driver() -> None:
    departments = [dict(row) for row in FOUR]
    departments[4]["valid_to"] = pd.Timestamp("2020-12-31")
    model = model_of(departments, COST, staff=STAFF[:4], orders=ORDERS, workload=WORKLOAD, basis=PACKS)
    assert rows(driver_matrix(model))["A"] == [0, 10, 20, 30, 0]


def test_departments_missing_in_workload_count_as_zero_and_are_noted() -> None:
    table = driver_matrix(small(COST, basis={"auxiliary": "workload.bed_days"}))
    assert rows(table)["X"] == [0, 0, 0, 0, 25]
    (note,) = table.findings
    assert (note.rule, note.severity) == ("unlisted_driver", "note")
    assert "T, C" in note.problem


ZERO = [{"order_dept": "C", "exec_dept": "T", "qty": 0.0, "income": 5.0}]


def test_a_zero_total_is_refused() -> None:
    text = message(small(COST, orders=ZERO))
    assert all(word in text for word in ("department T", '"orders" is 0', "zero_driver = 'fallback'"))


def test_a_zero_total_goes_down_the_fallback_chain_and_says_so() -> None:
    policies = {"zero_driver": "fallback", "fallback": ("orders", "income", "staff")}
    table = driver_matrix(small(COST, orders=ZERO, policies=policies))
    assert rows(table)["T"] == [0, 0, 0, 30, 40]
    assert (table.asked["T"], table.basis["T"]) == ("orders", "staff")
    (finding,) = table.findings
    assert finding.rule == "zero_driver"
    assert all(word in finding.place + finding.problem for word in ("department T", '"orders"', 'fallback "staff"'))
    assert finding.severity == "warning"


def test_a_fallback_that_is_zero_too_is_refused() -> None:
    policies = {"zero_driver": "fallback", "fallback": ("orders_income",)}
    nothing = [{"order_dept": "C", "exec_dept": "T", "qty": 0.0, "income": 0.0}]
    text = message(small(COST, orders=nothing, policies=policies))
    assert all(word in text for word in ("department T", "every fallback (orders_income)"))


def test_a_department_that_never_has_cost_needs_no_driver() -> None:
    departments = [*FOUR, {"dept_code": "E", "category": "administration", "basis": "workload.nothing_yet"}]
    workload = [*WORKLOAD, {"dept_code": "W", "indicator": "nothing_yet", "value": 0.0}]
    model = model_of(departments, COST, staff=STAFF, orders=ORDERS, workload=workload, basis=PACKS)
    assert not np.any(rows(driver_matrix(model))["E"])


SHARES = [
    {"from_dept": "X", "to_dept": "C", "driver": "比例", "value": 0.5},
    {"from_dept": "X", "to_dept": "W", "driver": "比例", "value": 0.48},
]


def test_shares_that_do_not_sum_to_one() -> None:
    text = message(small(COST, drivers=SHARES))
    assert all(word in text for word in ("drivers.csv, from_dept X", "sum to 0.98", "share_sum = 'normalise'"))
    table = driver_matrix(small(COST, drivers=SHARES, policies={"share_sum": "normalise"}))
    assert rows(table)["X"] == [0, 0, 0, 0.5, 0.48]
    assert [(one.rule, "0.98" in one.problem) for one in table.findings] == [("share_sum", True)]


# ---------------------------------------------------------------- broken input
def explicit(giver: str, to: str, value: float | None, driver: str = "meals") -> dict[str, Any]:
    return {"from_dept": giver, "to_dept": to, "driver": driver, "value": value}


BROKEN: dict[str, tuple[dict[str, Any], list[str]]] = {
    "unknown word": ({"basis": {"auxiliary": "stuff"}}, ["department X", '"stuff"', "outpatient_income", "workload.<"]),
    "unknown indicator": ({"basis": {"auxiliary": "workload.pakcs"}}, ["workload.csv", '"pakcs"', "packs"]),
    "no basis at all": ({"basis": {"auxiliary": ""}}, ["department X", '"" is not a known driver']),
    "absent table": ({"basis": {"auxiliary": "area"}}, ["assets", "area_m2", "choose another driver"]),
    "no charge lines": (
        {"basis": {"auxiliary": "inpatient_income"}},
        ['"inpatient_income"', "charge lines", "workload"],
    ),
    "table without rows": ({"basis": {"auxiliary": "table"}}, ["department X", "no row for it"]),
    "negative": (
        {"staff": [*STAFF, {"dept_code": "C", "fte": -31.0}]},
        ["staff.csv, department C", "of giving department A", "negative: -1"],
    ),
    "blank in drivers": ({"drivers": [explicit("X", "C", None)]}, ["drivers.csv", "table of X", "C", "missing_driver"]),
    "two drivers": (
        {"drivers": [explicit("X", "C", 1.0), explicit("X", "W", 1.0, "beds")]},
        ["drivers.csv, from_dept X", "2 drivers: beds, meals", "one driver per giving department"],
    ),
    "unknown receiver": ({"drivers": [explicit("X", "Z", 1.0)]}, ["column to_dept", "Z"]),
    "unknown giver": ({"drivers": [explicit("Q", "C", 1.0)]}, ["column from_dept", "Q"]),
}


@pytest.mark.parametrize(("change", "words"), BROKEN.values(), ids=BROKEN.keys())
def test_broken_drivers_say_where_what_and_what_to_do(change: dict[str, Any], words: list[str]) -> None:
    text = message(small(COST, **change))
    assert all(word in text for word in words), text


def test_all_problems_come_together() -> None:
    text = message(small(COST, basis={"auxiliary": "stuff", "technology": "area"}))
    assert all(word in text for word in ("2 problems", "(1)", '"stuff"', "(2)", "area_m2"))


def test_rows_of_a_clinical_giver_are_noticed() -> None:
    table = driver_matrix(small(COST, drivers=[explicit("C", "W", 1.0)]))
    assert [(one.rule, one.place) for one in table.findings] == [("drivers_unused", "department C")]
