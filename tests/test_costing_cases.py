"""Case cost: the three methods, what is no case, policies, and worked examples."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from smallhospital import ITEMS, Hospital, ledger_lines, made_hospital, small_hospital

from drgengine.costing.cases.casecosts import CaseCosts, case_costs
from drgengine.costing.cases.casemethods import METHODS
from drgengine.costing.cases.caseobjects import KINDS
from drgengine.costing.cases.pools import Pools, distribute, make_claims, pool_rates
from drgengine.costing.ledger.scope import in_scope
from drgengine.costing.model import Finding
from drgengine.costing.objects.reconcile import reconcile
from drgengine.errors import CostingError

SEEN, FORMULA = "published_answer_seen", "published_formula_numbers_ours"
# --- the three methods -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Hospital:
    return small_hospital(tmp_path_factory.mktemp("hospital"))


def costs_of(hospital: Hospital, method: str = "main") -> CaseCosts:
    return case_costs(hospital.model, hospital.activity, hospital.departments, method)  # type: ignore[arg-type]


def rules(findings: tuple[Finding, ...]) -> set[str]:
    return {finding.rule for finding in findings if finding.severity != "note"}


def in_scope_fen(hospital: Hospital) -> dict[str, int]:
    cells = hospital.departments.cells
    inside = cells[in_scope(cells, hospital.model.settings.cases.scope)]
    return {str(k): int(v) for k, v in inside.groupby("element")["fen"].sum().items() if v}


@pytest.mark.parametrize("scope", ["medical_business", "medical", "medical_full", "hospital_full"])
@pytest.mark.parametrize("method", METHODS)
def test_objects_add_up_to_the_ledger_in_the_scope(tmp_path: Path, method: str, scope: str) -> None:
    hospital = small_hospital(tmp_path, scope=scope, seed=3)
    costs = costs_of(hospital, method)
    by_element = dict(zip(costs.elements, costs.object_fen.sum(axis=0).tolist(), strict=True))
    assert {k: v for k, v in by_element.items() if v} == in_scope_fen(hospital)
    assert costs.total + sum(costs.outside.values()) == hospital.departments.cells["fen"].sum()
    assert (costs.variable.sum(), costs.cost.min()) > (0, -1)


@pytest.mark.parametrize("allocation", ["direct", "step-down", "reciprocal", "double"])
def test_methods_agree_after_any_allocation(tmp_path: Path, allocation: str) -> None:
    hospital = small_hospital(tmp_path, seed=2, allocation=allocation)
    totals = {method: costs_of(hospital, method).total for method in METHODS}
    assert set(totals.values()) == {sum(in_scope_fen(hospital).values())}
    costs = costs_of(hospital, "top-down")
    given_ = hospital.departments.allocation.steps
    for code, group in (("T1", "检验科"), ("T2", "手术室")):
        expected = 0.0
        for step in given_:
            if code in step.shares.index:
                frame = step.given.columns.to_frame(index=False)
                amount = step.given.loc[code][in_scope(frame, "medical_full")].sum()
                expected += amount * step.shares.loc[code, ["O1", "W1", "W2"]].sum()
        shown = costs.cost[costs.row_group == costs.centre_groups.index(group)].sum() / 100
        assert shown == pytest.approx(expected, abs=0.5)


@pytest.mark.parametrize("scope", ["hospital", "department"])
def test_all_methods_agree_on_the_grand_total_and_on_goods(tmp_path: Path, scope: str) -> None:
    hospital = small_hospital(tmp_path, goods_scope=scope, seed=11)
    one, *others = (costs_of(hospital, method) for method in METHODS)
    goods = [n for n, element in enumerate(one.elements) if element in ("drugs", "materials:charged")]
    for other in others:
        assert other.total == one.total
        assert other.object_fen[:, goods].tolist() == one.object_fen[:, goods].tolist()
    groups = {one.centre_groups[n] for n in one.row_group[(one.cost[:, goods] != 0).any(axis=1)]}
    assert groups == ({"ward"} if scope == "department" else {"drugs", "charged_materials"})


def test_reconciliation_with_the_ledger_holds(hospital: Hospital) -> None:
    from drgengine.costing.ledger.directcosts import direct_costs

    for method in METHODS:
        objects = costs_of(hospital, method).reconciliation_objects
        assert reconcile(hospital.model, direct_costs(hospital.model), hospital.departments, objects).ok


def test_bottom_up_is_item_quantity_times_unit_cost(hospital: Hospital) -> None:
    from drgengine.costing.objects.items import item_costs

    costs = costs_of(hospital, "bottom-up")
    items = item_costs(hospital.model, hospital.activity, hospital.departments)
    unit = items.by_department.set_index(["dept_code", "item_code"])["unit_cost"]
    lines = pd.read_csv(hospital.model.charges, dtype={"case_id": object, "item_code": object})  # type: ignore[arg-type]
    lines = lines[lines["item_code"] < "900"]
    pairs = zip(lines["exec_dept"], lines["item_code"], lines["qty"], strict=True)
    lines["cost"] = [unit[department, item] * qty for department, item, qty in pairs]
    expected = lines.groupby("case_id")["cost"].sum()
    services = [n for n, element in enumerate(costs.elements) if element not in ("drugs", "materials:charged")]
    totals = pd.Series(costs.object_fen[:, services].sum(axis=1) / 100, index=costs.objects["case_id"])
    for case, amount in expected.items():
        assert totals[case] == pytest.approx(amount, abs=0.5)


def test_top_down_shares_a_ward_by_bed_days(hospital: Hospital) -> None:
    costs = costs_of(hospital, "top-down")
    stays = hospital.model.tables["stays"]
    rates = costs.rates[costs.rates["kind"] == "services"]
    ward = rates.groupby("department")["cost"].sum()
    days = stays.groupby("dept_code")["bed_days"].sum()
    mine = stays[stays["case_id"] == "C007"]
    expected = sum(ward[d] / days[d] * n for d, n in zip(mine["dept_code"], mine["bed_days"], strict=True))
    services = [n for n, element in enumerate(costs.elements) if element not in ("drugs", "materials:charged")]
    assert costs.object_fen[7, services].sum() / 100 == pytest.approx(expected, abs=0.5)
    assert costs.by_kind.loc["outpatient"].sum() / 100 == pytest.approx(ward["O1"], abs=0.01)
    assert set(costs.centre_groups) >= {"ward", "clinic", "检验科", "手术室"}


def test_top_down_keeps_what_technology_gave(hospital: Hospital) -> None:
    """The part under a technology's centre group is what that department had after level 2."""
    costs = costs_of(hospital, "top-down")
    stage = costs_of(hospital, "bottom-up")
    for group in ("检验科", "手术室"):
        one, other = (c.cost[c.row_group == c.centre_groups.index(group)].sum() for c in (costs, stage))
        assert one == pytest.approx(other, abs=20)


def test_goods_in_the_ledger_of_technology_follow_the_patient(hospital: Hospital, tmp_path: Path) -> None:
    def in_theatre(tables: dict[str, Any], lines: Any) -> Any:
        ledger = tables["ledger"]
        ledger.loc[ledger["separately_charged"], "dept_code"] = "T2"
        return lines

    moved = changed(hospital, tmp_path / "a", in_theatre)
    for method in METHODS:
        costs = costs_of(moved, method)
        element = costs.elements.index("materials:charged")
        assert costs.cost.min() >= 0
        assert costs.object_fen[:, element].tolist() == costs_of(hospital, method).object_fen[:, element].tolist()
        assert {costs.centre_groups[n] for n in costs.row_group[costs.cost[:, element] > 0]} == {"charged_materials"}


def test_cost_to_revenue_is_charge_times_ratio(hospital: Hospital) -> None:
    costs = costs_of(hospital, "cost-to-revenue")
    rate = costs.rates[costs.rates["kind"] == "services"].set_index("label")["rate"]
    unit = {"T1": "检验", "T2": "手术", "O1": "门诊", "W1": "病房", "W2": "病房"}
    lines = pd.read_csv(hospital.model.charges, dtype={"case_id": object, "item_code": object})  # type: ignore[arg-type]
    mine = lines[(lines["case_id"] == "C003") & (lines["item_code"] < "900")]
    expected = sum(rate[unit[d]] * a for d, a in zip(mine["exec_dept"], mine["amount"], strict=True))
    services = [n for n, element in enumerate(costs.elements) if element not in ("drugs", "materials:charged")]
    assert costs.object_fen[3, services].sum() / 100 == pytest.approx(expected, abs=0.5)


def test_result_does_not_depend_on_the_order_of_charges(tmp_path: Path) -> None:
    one = small_hospital(tmp_path, seed=5)
    lines = pd.read_csv(one.model.charges, dtype={"case_id": object, "item_code": object})  # type: ignore[arg-type]
    (tmp_path / "two").mkdir()
    two = made_hospital(tmp_path / "two", one.model.tables, lines.sample(frac=1, random_state=1))
    for method in METHODS:
        assert costs_of(one, method).cube.equals(costs_of(two, method).cube)


# --- objects ---------------------------------------------------------------------------------------------------------


def test_kinds_and_descriptions_of_objects(hospital: Hospital) -> None:
    objects = costs_of(hospital).objects
    assert objects["kind"].tolist()[-5:] == list(KINDS[2:])
    assert (objects["kind"] == "in_hospital").sum() == 2
    assert objects.loc[0, ["case_id", "drg", "adrg", "disease"]].tolist() == ["C000", "AA10", "AA1", "I01"]
    lines = pd.read_csv(hospital.model.charges, dtype={"case_id": object})  # type: ignore[arg-type]
    charge = lines.groupby("case_id")["amount"].sum()
    assert objects["total_charge"][0] == pytest.approx(charge["C000"])


def test_unmatched_charges_have_their_cost(tmp_path: Path) -> None:
    one = small_hospital(tmp_path)
    lines = pd.read_csv(one.model.charges, dtype={"case_id": object, "item_code": object})  # type: ignore[arg-type]
    lines["case_id"] = lines["case_id"].replace({"C001": "C999"})
    (tmp_path / "two").mkdir()
    two = made_hospital(tmp_path / "two", one.model.tables, lines, unmatched_case="list")
    before, after = costs_of(one, "bottom-up"), costs_of(two, "bottom-up")
    assert after.total == before.total
    # The unmatched object stands last in every pool, so that the last fen may fall elsewhere.
    assert after.by_kind.loc["unmatched"].sum() == pytest.approx(before.object_fen[1].sum(), abs=40)
    assert after.object_fen[1].sum() == 0


def test_no_discharges_and_unknown_methods_are_refused(hospital: Hospital) -> None:
    with pytest.raises(CostingError, match="not known"):
        costs_of(hospital, "sideways")
    tables = {k: v for k, v in hospital.model.tables.items() if k != "discharges"}
    from dataclasses import replace

    model = replace(hospital.model, tables=tables)
    with pytest.raises(CostingError, match="no table of discharges"):
        case_costs(model, hospital.activity, hospital.departments)


# --- policies and findings -------------------------------------------------------------------------------------------


def changed(hospital: Hospital, folder: Path, change: Any, **settings: Any) -> Hospital:
    """The hospital with other tables."""
    tables = {name: table.copy() for name, table in hospital.model.tables.items()}
    lines = pd.read_csv(hospital.model.charges, dtype={"case_id": object, "item_code": object})  # type: ignore[arg-type]
    lines = change(tables, lines)
    folder.mkdir(exist_ok=True)
    return made_hospital(folder, tables, lines, **settings)


def test_a_department_without_activity_needs_a_decision(hospital: Hospital, tmp_path: Path) -> None:
    def no_surgery(tables: dict[str, Any], lines: Any) -> Any:
        tables["drivers"] = pd.DataFrame(
            {"from_dept": ["T2"], "to_dept": ["W1"], "driver": None, "value": [1.0], "origin": None, "period": None}
        )
        return lines[lines["exec_dept"] != "T2"]

    with pytest.raises(CostingError, match="T2"):
        costs_of(changed(hospital, tmp_path / "a", no_surgery), "bottom-up")
    listed = costs_of(changed(hospital, tmp_path / "b", no_surgery, idle_pool="unassigned"), "bottom-up")
    assert "idle_pool" in rules(listed.findings)
    assert listed.by_kind.loc["unassigned"].sum() == 100 * listed.rates.set_index("label")["cost"]["T2"]


def test_goods_without_claims_and_a_factor_off_one(hospital: Hospital, tmp_path: Path) -> None:
    def no_drugs(tables: dict[str, Any], lines: Any) -> Any:
        tables["ledger"].loc[tables["ledger"]["separately_charged"], "amount"] *= 2
        return lines[lines["item_code"] != "900"]

    costs = costs_of(changed(hospital, tmp_path / "a", no_drugs, idle_pool="unassigned"))
    factor = [f for f in costs.findings if f.rule == "goods_factor"]
    assert [(f.severity, f.place) for f in factor] == [("warning", "charged_materials")]
    assert "factor 2.04" in factor[0].problem
    assert costs.by_kind.loc["unassigned", "drugs"] == in_scope_fen(hospital)["drugs"]
    assert [f.severity for f in costs_of(hospital).findings if f.rule == "goods_factor"] == ["note", "note"]


def test_a_department_of_both_settings(hospital: Hospital, tmp_path: Path) -> None:
    def both(tables: dict[str, Any], lines: Any) -> Any:
        tables["departments"].loc[tables["departments"]["dept_code"] == "W1", "setting"] = "both"
        more = pd.DataFrame([(None, "outpatient", "W1", "W1", "100", 10, 500.0)], columns=lines.columns)
        return pd.concat([lines, more], ignore_index=True)

    with pytest.raises(CostingError, match="W1"):
        costs_of(changed(hospital, tmp_path / "a", both), "top-down")
    split = changed(hospital, tmp_path / "b", both, setting_split="income")
    costs = costs_of(split, "top-down")
    assert "setting_split" in rules(costs.findings)
    outpatient = split.activity.order
    mine = (outpatient.exec_dept == 5) & (outpatient.patient_kind < 2)
    income = [outpatient.amount[mine & (outpatient.patient_kind == kind)].sum() for kind in (0, 1)]
    rates = costs.rates.groupby("department")["cost"].sum()
    expected = rates["O1"] + rates["W1"] * income[1] / sum(income)
    assert costs.by_kind.loc["outpatient"].sum() / 100 == pytest.approx(expected, rel=0.02)


def test_stays_are_completed_from_the_discharges(hospital: Hospital, tmp_path: Path) -> None:
    def some_stays(tables: dict[str, Any], lines: Any) -> Any:
        stays = tables["stays"]
        tables["stays"] = stays[stays["case_id"] != "C004"]
        tables["discharges"].loc[4, "los_days"] = np.nan
        return lines

    costs = costs_of(changed(hospital, tmp_path / "a", some_stays), "top-down")
    assert {"case_without_stay", "length_of_stay_from_dates"} <= {f.rule for f in costs.findings}
    assert costs.object_fen[4].sum() == pytest.approx(costs_of(hospital, "top-down").object_fen[4].sum(), abs=20)


def test_without_stays_length_of_stay_counts_at_least_a_day(hospital: Hospital, tmp_path: Path) -> None:
    def no_stays(tables: dict[str, Any], lines: Any) -> Any:
        del tables["stays"]
        tables["discharges"]["los_days"] = 0.0
        return lines

    costs = costs_of(changed(hospital, tmp_path / "a", no_stays), "top-down")
    wards = hospital.model.tables["discharges"]["department_id"]
    weight = costs.rates.drop_duplicates("department").set_index("department")["weight"]
    assert weight["W1"] == (wards == "W1").sum()


def test_hours_as_key_and_stays_that_fit_nothing(hospital: Hospital, tmp_path: Path) -> None:
    def hours(tables: dict[str, Any], lines: Any) -> Any:
        more = pd.DataFrame({"case_id": ["C000", "C777"], "dept_code": ["T1", "W1"], "bed_days": 1.0, "hours": 10.0})
        tables["stays"] = pd.concat([tables["stays"], more], ignore_index=True)
        return lines

    costs = costs_of(changed(hospital, tmp_path / "a", hours, top_down_key="hours"), "top-down")
    assert {"hours_from_days", "stay_without_case", "activity_without_cost"} <= rules(costs.findings)
    assert costs.by_kind.loc["unmatched"].sum() > 0
    assert costs.total == costs_of(hospital).total


def test_a_discharge_from_an_unknown_department_is_refused(hospital: Hospital, tmp_path: Path) -> None:
    def unknown(tables: dict[str, Any], lines: Any) -> Any:
        del tables["stays"]
        tables["discharges"].loc[2, "department_id"] = "W9"
        return lines

    with pytest.raises(CostingError, match="W9"):
        costs_of(changed(hospital, tmp_path / "a", unknown), "top-down")


def test_shares_of_service_units(hospital: Hospital, tmp_path: Path) -> None:
    def shares(first: float) -> Any:
        def change(tables: dict[str, Any], lines: Any) -> Any:
            rows = {"dept_code": ["T2", "T2"], "service_unit": ["手术", "病房"], "share": [first, 0.4]}
            tables["service_units"] = pd.DataFrame(rows)
            return lines

        return change

    whole = costs_of(hospital, "cost-to-revenue").rates.set_index("label")["cost"]
    costs = costs_of(changed(hospital, tmp_path / "a", shares(0.6)), "cost-to-revenue")
    split = costs.rates.groupby("label")["cost"].sum()
    assert split["手术"] == pytest.approx(0.6 * whole["手术"], abs=0.1)
    assert split.sum() == pytest.approx(whole.sum())
    assert costs.rates["label"].tolist().count("病房") == 2
    with pytest.raises(CostingError, match=r"T2.*0\.9"):
        costs_of(changed(hospital, tmp_path / "b", shares(0.5)), "cost-to-revenue")
    scaled = costs_of(changed(hospital, tmp_path / "c", shares(0.5), share_sum="normalise"), "cost-to-revenue")
    assert "share_sum" in rules(scaled.findings)
    assert scaled.total == costs.total


def test_capacity_nobody_used(tmp_path: Path) -> None:
    costs = costs_of(small_hospital(tmp_path, item_method="tdabc", minutes=1000.0), "bottom-up")
    used = costs.rates.set_index("label")
    assert costs.by_kind.loc["unused_capacity"].sum() > 0
    assert used["weight"]["W1"] == 20 * 1000
    few = small_hospital(tmp_path, item_method="tdabc", minutes=1.0)
    costs = costs_of(few, "bottom-up")
    assert "over_capacity" in rules(costs.findings)
    assert costs.by_kind.loc["unused_capacity"].sum() == 0
    assert costs.total == sum(in_scope_fen(few).values())


# --- worked examples -------------------------------------------------------------------------------------------------


def example(shared: Path, name: str, status: str) -> dict[str, Any]:
    examples = json.loads((shared / "oracles" / "costing_examples.json").read_text(encoding="utf-8"))
    found = next(e for e in examples if e["id"] == name)
    assert found["status"] == status
    return found


@pytest.mark.parametrize("status", [SEEN])
def test_ahd_ccr(shared: Path, status: str) -> None:
    """A charge of 300 at a ratio of cost to charges of 0.5."""
    given_, expected = (example(shared, "ahd_ccr", status)[key] for key in ("inputs", "expected"))
    charges, patient = 10_000.0, float(given_["charge"])
    fen = np.array([[round(charges * given_["ccr"] * 100)]], np.int64)
    pools = Pools(("pharmacy",), ("pharmacy",), ("",), (("drugs", "variable"),), fen)
    claims, _ = make_claims([0, 0], [0, 1], [patient, charges - patient], place="charges")
    assert pool_rates(pools, claims)["rate"][0] == given_["ccr"]
    assert distribute(pools, claims, np.arange(2), 2)[0, 0] == expected["cost"] * 100


@pytest.mark.parametrize("status", [FORMULA])
def test_china_ccr_patient(shared: Path, tmp_path: Path, status: str) -> None:
    """Ten service units of ten departments, goods at their own ratio of one."""
    found = example(shared, "china_ccr_patient", status)
    given_ = found["inputs"]
    hospital = ten_units(tmp_path, given_)
    costs = costs_of(hospital, "cost-to-revenue")
    rate = costs.rates.set_index("label")["rate"]
    names = {"药品": "drugs", "耗材": "charged_materials"}
    for unit, ratio in zip(given_["units"], found["recomputed"]["ccr"], strict=True):
        assert rate[names.get(unit, unit)] == pytest.approx(ratio, abs=1e-6)
    for patient, expected in enumerate(found["recomputed"]["patient_cost"]):
        # Ten pools, each within a fen.
        assert costs.object_fen[patient].sum() / 100 == pytest.approx(expected, abs=0.05)
    assert costs.total == sum(given_["cost"]) * 100


def ten_units(folder: Path, given_: dict[str, Any]) -> Hospital:
    units = given_["units"]
    kinds = {"药品": "drug", "耗材": "material"}
    departments = pd.DataFrame({"dept_code": units, "dept_name": units, "service_unit": units, "centre_group": units})
    departments = departments.assign(category="clinical", setting="inpatient", basis=None)
    items = pd.DataFrame({"item_code": units, "item_name": units, "price": 1.0, "unit_cost": np.nan, "minutes": np.nan})
    items = items.assign(goods=[kinds.get(u, "none") for u in units], equivalent=np.nan, service_unit=None)
    ledger = ledger_lines(
        [
            (u, {"药品": "drugs", "耗材": "materials"}.get(u, "personnel"), None, u == "耗材", "fixed", "basic", c)
            for u, c in zip(units, given_["cost"], strict=True)
        ]
    )
    cases = pd.DataFrame({"case_id": ["P0", "P1"], "department_id": units[0], "los_days": 1.0, "dx": None, "drg": None})
    cases = cases.assign(admission_date=None, discharge_date=pd.Timestamp("2024-05-01"), status=None)
    rows = []
    for n, unit in enumerate(units):
        parts = [patient[n] for patient in given_["patients"]]
        rest = given_["income"][n] - sum(parts)
        owners = [("P0", "inpatient"), ("P1", "inpatient"), (None, "outpatient")]
        rows += [(c, k, unit, unit, unit, 1, a) for (c, k), a in zip(owners, [*parts, rest], strict=True) if a]
    columns = ["case_id", "patient_type", "order_dept", "exec_dept", "item_code", "qty", "amount"]
    tables = {"departments": departments, "items": items, "ledger": ledger, "discharges": cases}
    return made_hospital(folder, tables, pd.DataFrame(rows, columns=columns))


def test_the_drawn_hospital_uses_every_item(hospital: Hospital) -> None:
    assert set(hospital.activity.item_codes) == {code for code, *_ in ITEMS}
