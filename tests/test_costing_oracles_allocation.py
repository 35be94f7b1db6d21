"""Worked examples of cost allocation. The test id says how far the printed answer can be trusted.

Each example is run with allocate and compared with the printed answer, and with an independent computation of the same
example, both read from the file; a wrong answer in print is a test that must fail the right way.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from drgengine.costing.allocation.allocate import allocate
from drgengine.costing.allocation.comparemethods import compare_methods
from drgengine.costing.allocation.result import Allocation
from drgengine.errors import CostingError

SEEN, PARTLY, MEMORY = "published_answer_seen", "published_partial_answer_seen", "published_answer_from_memory"
WRONG, FORMULA = "published_but_wrong_negative_test", "published_formula_numbers_ours"
RECOMPUTED = "recomputed_only"
STATUS = {
    "horngren_castleford": MEMORY,
    "drury_appendix31": MEMORY,
    "icai_simultaneous": MEMORY,
    "caro_b": PARTLY,
    "two_service_three_prod_670k": SEEN,
    "maintenance_personnel_step": SEEN,
    "hospital_stepdown_brainmass": PARTLY,
    "zimmerman_rose_hospital": SEEN,
    "d365_electricity_flow": SEEN,
    "gapenski_st_mary": RECOMPUTED,
    "china_three_level": FORMULA,
    "matrix_self_consumption": WRONG,
    "closed_department_leak": WRONG,
    "trapped_cycle": RECOMPUTED,
    "zero_driver": RECOMPUTED,
}
NOT_ALLOCATION = {
    "ahd_ccr",
    "china_item_equivalent",
    "china_ccr_patient",
    "drg_weight_trim",
    "drg_points_settlement",
    "drg_points_incomplete",
    "dip_score_deviation",
    "consumption_indices",
}
# example, method, what is compared, key of the printed answer, key of the recomputed one
ANSWERS = [
    ("horngren_castleford", "direct", "full", "direct", "direct"),
    ("horngren_castleford", "step-down", "full", "step_down", "step_down"),
    ("horngren_castleford", "reciprocal", "full", "reciprocal", "reciprocal"),
    ("horngren_castleford", "reciprocal", "gross", "reciprocal_gross", "gross"),
    ("drury_appendix31", "reciprocal", "full", "reciprocal", "reciprocal"),
    ("drury_appendix31", "reciprocal", "gross", "reciprocal_gross", "gross"),
    ("icai_simultaneous", "reciprocal", "full", "reciprocal", "final"),
    ("icai_simultaneous", "reciprocal", "gross", "reciprocal_gross", "gross"),
    ("caro_b", "reciprocal", "gross", "gross", "gross"),
    ("caro_b", "reciprocal", "full", None, "final"),
    ("two_service_three_prod_670k", "reciprocal", "gross", "reciprocal_gross", "gross"),
    ("two_service_three_prod_670k", "reciprocal", "full", None, "final"),
    ("maintenance_personnel_step", "step-down", "full", "step_down", "final"),
    ("hospital_stepdown_brainmass", "step-down", "full", None, "final"),
    ("hospital_stepdown_brainmass", "direct", "full", None, "direct"),
    ("hospital_stepdown_brainmass", "reciprocal", "full", None, "reciprocal"),
    ("hospital_stepdown_brainmass", "reciprocal", "gross", None, "gross"),
    ("zimmerman_rose_hospital", "direct", "full", None, "direct"),
    ("closed_department_leak", "step-down", "full", None, "correct"),
]


def named(example: str) -> Any:
    """A parameter whose test id ends with the status of the example."""
    return pytest.param(example, id=f"{example}-{STATUS[example]}")


@pytest.fixture(scope="module")
def examples(shared: Path) -> dict[str, dict[str, Any]]:
    path = shared / "oracles" / "costing_examples.json"
    return {example["id"]: example for example in json.loads(path.read_text("utf-8"))}


def inputs(example: dict[str, Any]) -> tuple[pd.Series, pd.DataFrame]:
    given = example["inputs"]
    costs = pd.Series(given["direct_cost"], index=given["depts"], dtype=float, name="cost")
    drivers = pd.DataFrame([given["drivers"][giver] for giver in given["service"]], given["service"], given["depts"])
    return costs, drivers


def allocated(example: dict[str, Any], method: Any, **options: Any) -> Allocation:
    costs, drivers = inputs(example)
    order = example["inputs"].get("step_order") if method == "step-down" else None
    return allocate(costs, drivers, method, **{"order": order, **options})


def close_to(found: float, expected: float, tolerance: float) -> bool:
    return bool(abs(found - expected) <= tolerance)


def test_every_example_of_allocation_is_here(examples: dict[str, dict[str, Any]]) -> None:
    assert {name: examples[name]["status"] for name in examples if name not in NOT_ALLOCATION} == STATUS


@pytest.mark.parametrize(
    ("name", "method", "what", "printed", "recomputed"),
    [pytest.param(*row, id=f"{row[0]}-{row[1]}-{row[2]}-{STATUS[row[0]]}") for row in ANSWERS],
)
def test_answer(
    examples: dict[str, dict[str, Any]], name: str, method: str, what: str, printed: str | None, recomputed: str
) -> None:
    example = examples[name]
    a = allocated(example, method)
    found = (a.full if what == "full" else a.gross)["cost"]
    if printed is not None:
        for department, value in example["expected"][printed].items():
            assert close_to(found[department], value, example["tolerance"]), (department, found[department], value)
    values = example["recomputed"][recomputed]
    departments = example["inputs"]["depts" if len(values) == len(example["inputs"]["depts"]) else "service"]
    answers = {code: value for code, value in zip(departments, values, strict=True) if code in found.index}
    assert set(answers) == set(found.index)
    for department, value in answers.items():
        assert close_to(found[department], value, 0.0051), (department, found[department], value)


@pytest.mark.parametrize("name", [named("two_service_three_prod_670k")])
def test_what_each_department_gives(examples: dict[str, dict[str, Any]], name: str) -> None:
    example = examples[name]
    a = allocated(example, "reciprocal")
    (step,) = a.steps
    for giver, key in (("X", "X_to"), ("Y", "Y_to")):
        for receiver, value in example["expected"][key].items():
            given = step.shares.loc[giver, receiver] * step.given.loc[giver, "cost"]
            assert close_to(given, value, example["tolerance"]), (giver, receiver, given)
    for department, value in example["expected"]["repeated_distribution_approx"].items():
        assert close_to(a.full.loc[department, "cost"], value, 100), department


@pytest.mark.parametrize("name", [named("maintenance_personnel_step"), named("hospital_stepdown_brainmass")])
def test_steps_between(examples: dict[str, dict[str, Any]], name: str) -> None:
    example = examples[name]
    a = allocated(example, "step-down")
    for key, value in example["expected"]["intermediate"].items():
        if "->" in key:
            giver, receiver = key.split("->")
            found = a.received[giver].loc[receiver, "cost"]
        else:
            found = a.gross.loc[key.removesuffix("_total"), "cost"]
        assert close_to(found, value, example["tolerance"]), (key, found)
    total = example["expected"].get("total_after", sum(example["inputs"]["direct_cost"]))
    assert a.full["cost"].sum() == pytest.approx(total, abs=1e-6)


@pytest.mark.parametrize("name", [named("zimmerman_rose_hospital")])
def test_book_with_rounded_shares(examples: dict[str, dict[str, Any]], name: str) -> None:
    """The book rounds shares to whole percent: totals are met within 0.02 (million), with its shares within 0.006."""
    example = examples[name]
    a = allocated(example, "step-down")
    for department, value in example["expected"]["step_down"].items():
        assert close_to(a.full.loc[department, "cost"], value, 0.02), department
    shares = pd.concat([step.shares for step in a.steps]).round(2)
    assert shares.sum(axis=1).round(9).tolist() == [1, 1]
    costs, _ = inputs(example)
    book = allocate(costs, shares, "step-down", order=["FOOD", "BLD"], drivers_are="shares")
    for key, found in (
        ("step_down", book.full["cost"]),
        ("food_to", book.received["FOOD"]["cost"]),
        ("building_to", book.received["BLD"]["cost"]),
    ):
        for department, value in example["expected"][key].items():
            assert close_to(found[department], value, 0.006), (key, department, found[department])
    first = allocated(example, "step-down", order=["BLD", "FOOD"])
    for b, key in ((a, "exact"), (first, "step_building_first")):
        for department, value in zip(example["inputs"]["depts"], example["recomputed"][key], strict=True):
            assert department not in b.full.index or close_to(b.full.loc[department, "cost"], value, 0.0001)


@pytest.mark.parametrize("name", [named("d365_electricity_flow")])
def test_fixed_and_variable_cost_stay_apart(examples: dict[str, dict[str, Any]], name: str) -> None:
    """Fixed cost is split equally among users, variable cost by kWh; the two are allocated with drivers of their own.

    The charge to projects at a predetermined rate moves cost before the allocation: negative at HR, positive there.
    """
    example = examples[name]
    given, printed = example["inputs"], example["expected"]
    later = pd.DataFrame(
        {
            "HR": given["HR_services"],
            "FIN": given["FIN_services"],
            "ASSY": given["ASSY_hours"],
            "PACK": given["PACK_hours"],
        }
    ).T.fillna(0.0)
    kwh = pd.Series(given["kwh"], dtype=float)
    charged = {project: hours * given["project_rate"] for project, hours in given["project_hours"].items()}
    assert charged == printed["projects"]
    zero = dict.fromkeys(["ELEC", "HR", "FIN", "ASSY", "PACK", "Prod1", "Prod2", *charged], 0.0)
    order = ["ELEC", "HR", "FIN", "ASSY", "PACK"]
    found = {}
    for behaviour, statistic, amounts in (
        ("fixed", (kwh > 0).astype(float), {"ELEC": given["fixed"]}),
        ("variable", kwh, {"ELEC": given["amount"] - given["fixed"], "HR": -sum(charged.values()), **charged}),
    ):
        drivers = pd.concat([statistic.to_frame("ELEC").T, later]).fillna(0.0)
        costs = pd.Series({**zero, **amounts}, name="cost")
        a = allocate(costs, drivers, "step-down", order=order, negative="allocate")
        assert ("negative_cost" in [finding.rule for finding in a.findings]) == (behaviour == "variable")
        found[behaviour] = a.full["cost"]
        for product, value in printed[behaviour].items():
            assert close_to(found[behaviour][product], value, example["tolerance"]), (behaviour, product)
        for product, value in zip(("Prod1", "Prod2"), example["recomputed"][behaviour], strict=True):
            assert close_to(found[behaviour][product], value, 0.0051)
    total = found["fixed"] + found["variable"]
    for product, value in printed["total"].items():
        assert close_to(total[product], value, example["tolerance"])
    assert total.sum() == pytest.approx(printed["grand_total"], abs=1e-6)


@pytest.mark.parametrize("name", [named("gapenski_st_mary")])
def test_direct_with_two_sets_of_drivers(examples: dict[str, dict[str, Any]], name: str) -> None:
    example = examples[name]
    given = example["inputs"]
    departments = ["routine", "intensive", "diagnostic", "other"]
    own = {"GA": given["GA"], "facilities": given["facilities"], "financial": given["financial"]}
    costs = pd.Series({**own, **dict.fromkeys(departments, 0.0)}, name="cost")
    for scheme, general, facilities in (
        ("scheme1", "revenue", "sqft"),
        ("scheme2", "salary", "housekeeping_hours"),
    ):
        statistics = [given[general], given[facilities], given["revenue"]]
        drivers = pd.DataFrame(statistics, ["GA", "facilities", "financial"], departments)
        a = allocate(costs, drivers, "direct")
        answers = example["recomputed"][scheme]
        for department in departments:
            assert close_to(a.full.loc[department, "cost"], answers[department], 0.02), (scheme, department)
        rates = (costs[:3] / drivers.sum(axis=1)).tolist()
        assert rates == pytest.approx(answers["rates"])


@pytest.mark.parametrize("name", [named("china_three_level")])
def test_three_levels(examples: dict[str, dict[str, Any]], name: str) -> None:
    """三级分摊: 人员比例 for 行政后勤; packs and outpatient income for 医疗辅助; orders for 医疗技术."""
    example = examples[name]
    given, answers = example["inputs"], example["recomputed"]
    basis = {
        "院办": "staff",
        "后勤": "staff",
        "供应室": "cssd_packs",
        "挂号收费": "outpatient_income",
        "检验": "lab_orders",
        "影像": "imaging_orders",
    }
    costs = pd.Series(given["direct_cost"], given["depts"], name="cost")
    drivers = pd.DataFrame([given[column] for column in basis.values()], list(basis), given["depts"])
    category = dict(zip(given["depts"], given["category"], strict=True))
    a = allocate(costs, drivers, "three-level", category=category)
    after_1 = a.received["administration"]["cost"]
    after_2 = (costs + after_1 + a.received["auxiliary"]["cost"])[4:]
    for found, key, places in (
        (after_1, "level1", slice(None)),
        (after_2, "after_level2", slice(4, None)),
        (a.received["technology"]["cost"], "level3", slice(None)),
        (a.full["cost"], "final", slice(6, None)),
    ):
        gap = (found - pd.Series(answers[key], given["depts"])[places]).abs()
        assert gap.max() <= example["tolerance"], (key, gap)
    assert a.full["cost"].sum() == pytest.approx(answers["total"], abs=1e-6)
    beds = given["bed_days"]
    assert a.full.loc["内科门诊", "cost"] / given["outpatient_visits"] == pytest.approx(answers["visit_cost"], abs=5e-5)
    for ward, days in beds.items():
        assert a.full.loc[ward, "cost"] / days == pytest.approx(answers["bed_day"][ward], abs=5e-5)
    whole = a.full.loc[list(beds), "cost"].sum() / sum(beds.values())
    assert whole == pytest.approx(answers["bed_day"]["全院"], abs=5e-5)


@pytest.mark.parametrize("name", [named("matrix_self_consumption")])
def test_printed_gross_costs_do_not_solve_the_printed_equations(examples: dict[str, dict[str, Any]], name: str) -> None:
    example = examples[name]
    costs, drivers = inputs(example)
    a = allocated(example, "reciprocal", self_use="keep", drivers_are="shares")
    service = example["inputs"]["service"]
    printed = pd.Series(example["expected"]["reciprocal_gross"], dtype=float)[service]
    among = drivers[service].T

    def residual(gross: pd.Series) -> float:
        return float((costs[service] + among @ gross - gross).abs().max())

    assert residual(a.gross["cost"]) < 1e-9
    assert residual(printed) > 8.5
    assert (a.gross["cost"] - printed).abs().max() <= example["tolerance"]
    dropped = allocated(example, "reciprocal", drivers_are="shares")
    for allocation, ending in ((a, "keep_self"), (dropped, "drop_self")):
        assert allocation.gross["cost"].tolist() == pytest.approx(example["recomputed"][f"gross_{ending}"], abs=0.0051)
        assert allocation.full["cost"].tolist() == pytest.approx(
            example["recomputed"][f"final_{ending}"][3:], abs=0.0051
        )
    assert a.full["cost"].tolist() == pytest.approx(dropped.full["cost"].tolist(), rel=1e-12)


@pytest.mark.parametrize("name", [named("closed_department_leak")])
def test_closed_department_receives_nothing(examples: dict[str, dict[str, Any]], name: str) -> None:
    example = examples[name]
    a = allocated(example, "step-down")
    total = sum(example["inputs"]["direct_cost"])
    printed = {key: value for key, value in example["expected"]["wrong_published"].items() if key != "lost"}
    assert total - sum(printed.values()) == example["expected"]["wrong_published"]["lost"]
    assert a.received["MAINT"].loc["ADMIN", "cost"] == 0
    assert a.full["cost"].to_dict() == pytest.approx(example["expected"]["correct"], abs=1e-9)
    assert a.reconciliation.loc["cost", ["ledger", "final", "difference"]].tolist() == [total, total, 0]


@pytest.mark.parametrize("name", [named("trapped_cycle")])
def test_departments_that_serve_only_each_other(examples: dict[str, dict[str, Any]], name: str) -> None:
    with pytest.raises(CostingError, match="no path from S1, S2 to any final cost cent"):
        allocated(examples[name], "reciprocal")


@pytest.mark.parametrize("name", [named("zero_driver")])
@pytest.mark.parametrize("method", ["direct", "step-down", "reciprocal", "double"])
def test_cost_without_a_driver_is_never_dropped(examples: dict[str, dict[str, Any]], name: str, method: str) -> None:
    example = examples[name]
    with pytest.raises(CostingError) as caught:
        allocated(example, method)
    assert all(word in str(caught.value) for word in ("'S1'", "driver is 0", "100.00", "another driver"))
    kept = allocated(example, method, final=["S1", "P1", "P2"])
    assert kept.full["cost"].sum() == example["recomputed"]["total_required"]


@pytest.mark.parametrize("name", [named("horngren_castleford")])
def test_methods_side_by_side(examples: dict[str, dict[str, Any]], name: str) -> None:
    example = examples[name]
    compared = compare_methods(*inputs(example), order=example["inputs"]["step_order"])
    assert list(compared.full) == ["direct", "step-down", "reciprocal", "double"]
    assert compared.mutual == (("PM", "IS"),)
    assert compared.refused == {}
    gap = compared.differences["largest_difference"]
    assert gap["MACH"] == pytest.approx(gap["ASSY"]) == pytest.approx(8_300_800 - 7_653_300)
