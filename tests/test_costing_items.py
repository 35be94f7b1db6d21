"""Service item cost: the identity with the pool, the methods, flags, and a worked example."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from smallhospital import Hospital, ledger_lines, made_hospital, small_hospital

from drgengine.costing.cases.casemethods import unused_minutes
from drgengine.costing.charges.itemweights import item_weights
from drgengine.costing.ledger.directcosts import COST_ITEMS
from drgengine.costing.objects.items import ItemCosts, item_costs, item_unit_costs
from drgengine.errors import CostingError

FORMULA = "published_formula_numbers_ours"
ALL_METHODS = ["income", "workload", "time", "equivalent", "tdabc"]


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Hospital:
    return small_hospital(tmp_path_factory.mktemp("hospital"))


def costs_of(hospital: Hospital, method: str | None = None) -> ItemCosts:
    return item_costs(hospital.model, hospital.activity, hospital.departments, method)  # type: ignore[arg-type]


def again(hospital: Hospital, folder: Path, change: Any, **settings: Any) -> Hospital:
    """The hospital with other charge lines or tables."""
    lines = pd.read_csv(hospital.model.charges, dtype={"case_id": object, "item_code": object})  # type: ignore[arg-type]
    tables = {name: table.copy() for name, table in hospital.model.tables.items()}
    folder.mkdir(exist_ok=True)
    return made_hospital(folder, tables, change(tables, lines), **settings)


# --- the identity ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ALL_METHODS)
def test_items_unused_and_unassigned_are_the_pool_to_the_fen(hospital: Hospital, method: str) -> None:
    costs = costs_of(hospital, method)
    department = hospital.activity.item.exec_dept
    for n, _ in enumerate(costs.departments):
        given_out = costs.fen[department == n].sum(axis=0) + costs.unused[n] + costs.unassigned[n]
        assert given_out.tolist() == costs.pools[n].tolist()
    assert (costs.unused.sum() > 0) == (method == "tdabc")


@pytest.mark.parametrize("method", ALL_METHODS)
def test_unit_cost_times_quantity_is_the_cost(hospital: Hospital, method: str) -> None:
    table = costs_of(hospital, method).by_department
    np.testing.assert_allclose(table["unit_cost"] * table["quantity"], table["cost"], rtol=1e-12)
    np.testing.assert_allclose(table[list(COST_ITEMS)].sum(axis=1), table["cost"], atol=1e-6)
    np.testing.assert_allclose(table["income"] - table["cost"], table["margin"], atol=1e-6)


@given(
    st.floats(1.0, 1e9),
    st.lists(st.tuples(st.floats(0.0, 1e6), st.floats(0.5, 1e5)), min_size=1, max_size=8),
)
def test_unit_costs_times_quantities_are_the_pool(pool: float, items: list[tuple[float, float]]) -> None:
    weight, quantity = np.array(items).T
    weight[0] += 1.0
    assert float((item_unit_costs(pool, weight, quantity) * quantity).sum()) == pytest.approx(pool)


def test_an_item_without_quantity_has_no_unit_cost() -> None:
    assert np.isnan(item_unit_costs(10.0, [1.0, 1.0], [0, 5])[0])


@pytest.mark.parametrize("weight", [[-1.0, 2.0], [0.0, 0.0]])
def test_weights_that_cannot_share_a_pool_are_refused(weight: list[float]) -> None:
    with pytest.raises(CostingError, match="weights"):
        item_unit_costs(10.0, weight, [1, 1])


# --- methods ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ALL_METHODS)
def test_weights_worked_out_again_are_those_of_the_charges(tmp_path: Path, method: str) -> None:
    hospital = small_hospital(tmp_path, item_method=method)
    weights = item_weights(hospital.model, hospital.activity, method)  # type: ignore[arg-type]
    np.testing.assert_allclose(weights, hospital.activity.item.weight, atol=1e-6)


def test_equivalents_share_by_equivalent_times_quantity(hospital: Hospital) -> None:
    table = costs_of(hospital, "equivalent").by_department.set_index("item_code")
    assert table["unit_cost"]["201"] == pytest.approx(2.5 * table["unit_cost"]["200"], abs=1e-3)


def test_income_gives_equal_margins_and_says_so(hospital: Hospital) -> None:
    costs = costs_of(hospital, "income")
    mine = costs.by_department[costs.by_department["dept_code"] == "T1"]
    rate = (mine["margin"] / mine["income"]).tolist()
    assert rate[0] == pytest.approx(rate[1], rel=1e-4)
    assert "equal_margin" in {f.rule for f in costs.findings}
    assert "equal_margin" not in {f.rule for f in costs_of(hospital, "time").findings}


def test_time_driven_rate_is_pool_over_capacity(hospital: Hospital) -> None:
    costs = costs_of(hospital, "tdabc")
    lab = costs.departments.index("T1")
    minutes = costs.by_department.set_index("item_code")["weight"]
    capacity = 6 * 99_600.0
    rate = costs.pools[lab].sum() / 100 / capacity
    cost = costs.by_department.set_index("item_code")["cost"]
    assert cost["201"] == pytest.approx(rate * minutes["201"], abs=0.1)
    assert costs.unused[lab].sum() / 100 == pytest.approx(rate * (capacity - minutes["200"] - minutes["201"]), abs=0.1)


def test_more_minutes_than_capacity_are_listed(tmp_path: Path) -> None:
    hospital = small_hospital(tmp_path, item_method="tdabc", minutes=1.0)
    costs = costs_of(hospital)
    assert {f.place for f in costs.findings if f.rule == "over_capacity"} == {
        f"department {code}" for code in ("T1", "T2", "O1", "W1", "W2")
    }
    assert costs.unused.sum() == 0


def test_a_department_without_staff_takes_the_minutes_used(hospital: Hospital) -> None:
    free, findings = unused_minutes(hospital.model, ("T1", "T9"), np.array([10.0, 10.0]))
    assert free.tolist() == [6 * 99_600.0 - 10, 0.0]
    assert [f.place for f in findings] == ["department T9"]


def test_items_without_equivalent_follow_the_policy(hospital: Hospital, tmp_path: Path) -> None:
    def without(tables: dict[str, Any], lines: Any) -> Any:
        tables["items"].loc[tables["items"]["item_code"] == "201", "equivalent"] = np.nan
        return lines

    with pytest.raises(CostingError, match="201"):
        costs_of(again(hospital, tmp_path / "a", without), "equivalent")
    priced = again(hospital, tmp_path / "b", without, missing_equivalent="price")
    as_read = again(hospital, tmp_path / "c", without, missing_equivalent="price", item_method="equivalent")
    np.testing.assert_allclose(item_weights(priced.model, priced.activity, "equivalent"), as_read.activity.item.weight)
    assert (costs_of(priced, "equivalent").by_department["unit_cost"] > 0).all()


# --- hospital, goods, flags ------------------------------------------------------------------------------------------


def test_hospital_mean_is_weighted_by_quantity(hospital: Hospital, tmp_path: Path) -> None:
    def elsewhere(tables: dict[str, Any], lines: Any) -> Any:
        more = pd.DataFrame([(None, "outpatient", "O1", "W2", "100", 30, 1500.0)], columns=lines.columns)
        return pd.concat([lines, more], ignore_index=True)

    costs = costs_of(again(hospital, tmp_path / "a", elsewhere))
    parts = costs.by_department[costs.by_department["item_code"] == "100"]
    mean = costs.by_hospital.set_index("item_code").loc["100"]
    assert (mean["departments"], mean["quantity"]) == (2, parts["quantity"].sum())
    assert mean["unit_cost"] == pytest.approx((parts["unit_cost"] * parts["quantity"]).sum() / parts["quantity"].sum())
    assert costs.by_hospital["cost"].sum() == pytest.approx(costs.by_department["cost"].sum())


def test_goods_are_no_service_items(hospital: Hospital) -> None:
    costs = costs_of(hospital)
    assert set(costs.by_hospital["item_code"]) == {"100", "101", "102", "200", "201", "300"}
    goods = [n for n, element in enumerate(costs.elements) if element in ("drugs", "materials:charged")]
    assert costs.pools[:, goods].sum() == 0


def test_list_income_and_words_of_the_items_table(hospital: Hospital) -> None:
    row = costs_of(hospital).by_hospital.set_index("item_code").loc["300"]
    assert row["list_income"] == row["quantity"] * 900.0
    assert (row["item_name"], row["unit"]) == ("item 300", "次")


def test_quantities_of_nothing_and_below_are_flagged(hospital: Hospital, tmp_path: Path) -> None:
    def odd(tables: dict[str, Any], lines: Any) -> Any:
        more = [
            (None, "outpatient", "O1", "T1", "300", -3, -2700.0),
            (None, "outpatient", "O1", "T1", "101", 1, 80.0),
            (None, "outpatient", "O1", "T1", "101", -1, -30.0),
        ]
        return pd.concat([lines, pd.DataFrame(more, columns=lines.columns)], ignore_index=True)

    costs = costs_of(again(hospital, tmp_path / "a", odd))
    flags = costs.by_department.set_index(["dept_code", "item_code"])["flag"]
    assert (flags["T1", "300"], flags["T1", "101"], flags["T1", "200"]) == ("negative_quantity", "no_quantity", "")
    assert {"negative_claim", "no_quantity", "negative_quantity"} <= {f.rule for f in costs.findings}
    cost = costs.by_department.set_index(["dept_code", "item_code"])
    assert cost["cost"]["T1", "300"] == 0
    assert cost["cost"]["T1", "101"] > 0
    assert np.isnan(cost["unit_cost"]["T1", "101"])


def test_a_department_without_items_is_refused_or_unassigned(hospital: Hospital, tmp_path: Path) -> None:
    def no_clinic(tables: dict[str, Any], lines: Any) -> Any:
        return lines[lines["exec_dept"] != "O1"]

    with pytest.raises(CostingError, match="O1"):
        costs_of(again(hospital, tmp_path / "a", no_clinic))
    costs = costs_of(again(hospital, tmp_path / "b", no_clinic, idle_pool="unassigned"))
    clinic = costs.departments.index("O1")
    assert costs.unassigned[clinic].tolist() == costs.pools[clinic].tolist()


# --- worked example --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [FORMULA])
def test_china_item_equivalent(shared: Path, tmp_path: Path, status: str) -> None:
    """A laboratory with three items, by cost equivalents and by income, from the charges to the unit cost."""
    examples = json.loads((shared / "oracles" / "costing_examples.json").read_text(encoding="utf-8"))
    found = next(e for e in examples if e["id"] == "china_item_equivalent")
    given_, answer = found["inputs"], found["recomputed"]
    assert found["status"] == status
    hospital = laboratory(tmp_path, given_)
    for method, expected in (("equivalent", answer["unit_cost"]), ("income", answer["ratio_unit_cost"])):
        costs = costs_of(hospital, method)
        assert costs.pools.sum() == answer["pool"] * 100
        assert costs.by_department["unit_cost"].tolist() == pytest.approx(expected, abs=found["tolerance"])
    weight = np.array(given_["equivalents"]) * given_["quantity"]
    unit = item_unit_costs(answer["pool"], weight, given_["quantity"])
    assert unit.tolist() == pytest.approx(answer["unit_cost"], abs=1e-6)
    assert answer["pool"] / weight.sum() == pytest.approx(answer["unit_per_equivalent"], abs=1e-6)


def laboratory(folder: Path, given_: dict[str, Any]) -> Hospital:
    """One department whose cost after level 2 is that of the example; its materials are charged separately."""
    services = [f"I{n}" for n in range(len(given_["quantity"]))]
    departments = pd.DataFrame({"dept_code": ["LAB"], "dept_name": ["检验科"], "category": ["clinical"]})
    departments = departments.assign(setting="outpatient", centre_group="检验科", service_unit="检验", basis=None)
    items = pd.DataFrame({"item_code": [*services, "M"], "equivalent": [*given_["equivalents"], np.nan]})
    items = items.assign(
        item_name=items["item_code"], goods=["none"] * len(services) + ["material"], price=np.nan, minutes=np.nan,
        unit_cost=np.nan, service_unit=None,
    )  # fmt: skip
    materials = given_["separately_charged_materials"]
    rest = given_["dept_cost_after_level2"] - materials
    ledger = ledger_lines(
        [
            ("LAB", "personnel", None, False, "fixed", "basic", rest),
            ("LAB", "materials", None, True, "variable", "basic", float(materials)),
        ]
    )
    rows = [
        (None, "outpatient", "LAB", "LAB", *line)
        for line in zip(services, given_["quantity"], given_["income"], strict=True)
    ]
    rows.append((None, "outpatient", "LAB", "LAB", "M", 1, materials))
    columns = ["case_id", "patient_type", "order_dept", "exec_dept", "item_code", "qty", "amount"]
    cases = pd.DataFrame({"case_id": pd.Series([], dtype=object)})
    tables = {"departments": departments, "items": items, "ledger": ledger, "discharges": cases}
    return made_hospital(folder, tables, pd.DataFrame(rows, columns=columns))
