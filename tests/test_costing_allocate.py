"""Allocation of service departments: laws that hold for every hospital, the plain twin, refusals, forms of input."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest
from drawn_costing import LEVELS, Hospital, hospitals
from hypothesis import given, settings
from hypothesis import strategies as st

from drgengine.costing.allocation.allocate import allocate
from drgengine.costing.allocation.comparemethods import compare_methods
from drgengine.costing.allocation.reference_allocate import reference_allocate, repeated_distribution
from drgengine.costing.allocation.result import Allocation, check_conservation
from drgengine.costing.model import AllocationMethod
from drgengine.errors import CostingError

few = settings(max_examples=25)
"""For laws drawn once per method."""
ROOT = Path(__file__).resolve().parent.parent
METHODS: tuple[AllocationMethod, ...] = get_args(AllocationMethod)


def run(hospital: Hospital, method: Any, **options: Any) -> Allocation:
    return allocate(
        hospital.costs, hospital.drivers, method, order=hospital.order, category=hospital.category, **options
    )


def same(left: pd.DataFrame, right: pd.DataFrame, scale: float) -> None:
    """Equal within 1e-11 of the whole hospital's cost, and 1e-9 yuan; rows and columns matched by label."""
    assert set(left.index) == set(right.index)
    assert list(left.columns) == list(right.columns)
    gap = np.abs(left.to_numpy() - right.loc[left.index].to_numpy())
    assert gap.max(initial=0.0) <= 1e-9 + 1e-11 * scale, (left, right)


def whole(hospital: Hospital) -> float:
    return float(hospital.costs.to_numpy().sum())


def table(amounts: dict[str, dict[str, Any]], columns: pd.Index) -> pd.DataFrame:
    rows = [[float(row[column]) for column in columns] for row in amounts.values()]
    return pd.DataFrame(rows, list(amounts), columns)


# ---- the plain twin


@pytest.mark.kernel
@pytest.mark.parametrize("method", METHODS)
@given(hospital=hospitals())
def test_allocation_equals_the_plain_twin(method: AllocationMethod, hospital: Hospital) -> None:
    a = run(hospital, method)
    costs, drivers = hospital.costs.to_dict("index"), hospital.drivers.to_dict("index")
    expected = reference_allocate(costs, drivers, method, order=hospital.order, category=hospital.category)
    scale, columns = whole(hospital), hospital.costs.columns
    gross = table(expected.gross, columns)
    same(a.full, table(expected.full, columns), scale)
    same(a.gross, gross, scale + float(gross.to_numpy().sum()))
    assert list(a.received) == list(expected.received)
    for level, received in a.received.items():
        same(received, table(expected.received[level], columns), scale + float(gross.to_numpy().sum()))


@pytest.mark.kernel
@pytest.mark.parametrize("method", METHODS)
@few
@given(hospital=hospitals(), data=st.data())
def test_origin_is_where_a_single_yuan_goes(method: AllocationMethod, hospital: Hospital, data: st.DataObject) -> None:
    code = data.draw(st.sampled_from(list(hospital.costs.index)))
    one = {other: {"cost": float(other == code)} for other in hospital.costs.index}
    drivers = hospital.drivers.to_dict("index")
    expected = reference_allocate(one, drivers, method, order=hospital.order, category=hospital.category)
    found = run(hospital, method).origin_share[code]
    assert found.to_dict() == pytest.approx(
        {final: float(row["cost"]) for final, row in expected.full.items()}, abs=1e-12
    )


# ---- laws


@pytest.mark.parametrize("self_use", ["drop", "keep"])
@pytest.mark.parametrize("method", METHODS)
@few
@given(hospital=hospitals())
def test_nothing_is_lost_and_every_yuan_has_an_origin(
    method: AllocationMethod, self_use: Any, hospital: Hospital
) -> None:
    a = run(hospital, method, self_use=self_use)
    scale = whole(hospital)
    small = 1e-9 + 1e-11 * scale
    assert np.abs(a.full.sum() - hospital.costs.sum()).max() <= small
    stages = a.reconciliation.drop(columns="difference")
    assert np.abs(stages.sub(stages["ledger"], axis=0).to_numpy()).max() <= small
    assert list(stages.columns) == ["ledger", *(f"after {level}" for level in a.received), "final"]
    assert np.allclose(a.origin_share.sum(), 1.0, atol=1e-12)
    assert (a.origin_share.to_numpy() >= 0).all()
    assert np.abs(a.origin.sum() - hospital.costs.sum(axis=1)).max() <= small
    assert np.abs(a.origin.sum(axis=1) - a.full.sum(axis=1)).max() <= small
    for column in hospital.costs.columns:
        assert np.abs(a.origin_of(column).sum(axis=1) - a.full[column]).max() <= small
    received = sum(a.received.values())
    same(a.direct + received.loc[a.final], a.full, scale)
    same(hospital.costs.loc[a.order] + received.loc[a.order], a.gross, scale + float(a.gross.to_numpy().sum()))
    for step in a.steps:
        sums = step.shares.sum(axis=1)
        assert np.allclose(sums, 1.0, atol=1e-12)
        same(step.received, step.shares.T @ step.given, scale + float(a.gross.to_numpy().sum()))


@pytest.mark.parametrize("method", METHODS)
@few
@given(hospital=hospitals())
def test_closed_departments_and_departments_themselves_receive_nothing(
    method: AllocationMethod, hospital: Hospital
) -> None:
    a = run(hospital, method)
    for step in a.steps:
        for giver in step.givers:
            assert step.shares.loc[giver, giver] == 0
            if method == "direct":
                assert (step.shares.loc[giver, a.order] == 0).all()
            elif method == "three-level":
                own = LEVELS.index(hospital.category[giver])
                closed = [code for code in a.order if LEVELS.index(hospital.category[code]) <= own]
                assert (step.shares.loc[giver, closed] == 0).all()
            elif method == "step-down" or step.level == "second":
                closed = hospital.order[: hospital.order.index(giver) + 1]
                assert (step.shares.loc[giver, list(closed)] == 0).all()


@pytest.mark.parametrize("method", METHODS)
@few
@given(hospital=hospitals())
def test_own_use_changes_nobody_s_full_cost(method: AllocationMethod, hospital: Hospital) -> None:
    dropped, kept = run(hospital, method), run(hospital, method, self_use="keep")
    assert np.array_equal(dropped.full, kept.full)
    assert (kept.gross >= dropped.gross - 1e-9).all(axis=None)
    using = any(hospital.drivers.loc[code, code] > 0 for code in hospital.order)
    assert using == any(finding.rule == "self_use" for finding in kept.findings)


@pytest.mark.parametrize("method", ["direct", "three-level", "reciprocal"])
@few
@given(hospital=hospitals(), data=st.data())
def test_the_sequence_of_departments_does_not_matter(method: Any, hospital: Hospital, data: st.DataObject) -> None:
    other = hospital.shuffled(data.draw(st.permutations(range(len(hospital.costs)))))
    same(run(other, method).full, run(hospital, method).full, whole(hospital))
    same(run(other, method).origin_share[list(hospital.costs.index)], run(hospital, method).origin_share, 1.0)


@given(hospital=hospitals())
def test_reciprocal_is_the_limit_of_repeated_distribution(hospital: Hospital) -> None:
    costs, drivers = hospital.costs.to_dict("index"), hospital.drivers.to_dict("index")
    limit = repeated_distribution(costs, drivers, hospital.order, most=3000)
    found = run(hospital, "reciprocal").full
    passed_on = pd.DataFrame.from_dict(limit, orient="index", columns=list(hospital.costs.columns))
    still_held = (hospital.costs.sum() - passed_on.sum()).clip(lower=0)
    assert (np.abs(found - passed_on.loc[found.index]) <= still_held + 1e-6 + 1e-9 * whole(hospital)).all(axis=None)


@given(hospital=hospitals(acyclic=True))
def test_without_cycles_step_down_in_topological_order_is_reciprocal(hospital: Hospital) -> None:
    step_down, reciprocal = run(hospital, "step-down"), run(hospital, "reciprocal")
    same(step_down.full, reciprocal.full, whole(hospital))
    same(step_down.gross, reciprocal.gross, whole(hospital))
    assert compare_methods(hospital.costs, hospital.drivers, order=hospital.order).mutual == ()


@pytest.mark.parametrize("method", METHODS)
@few
@given(hospital=hospitals(), data=st.data())
def test_scaling_a_driver_changes_nothing(method: AllocationMethod, hospital: Hospital, data: st.DataObject) -> None:
    factors = [data.draw(st.sampled_from([1e-200, 1e-3, 1 / 3, 2.0, 7.0, 1e250])) for _ in hospital.drivers.index]
    scaled = hospital.drivers.mul(factors, axis=0)
    other = Hospital(hospital.costs, scaled, hospital.order, hospital.category)
    same(run(other, method).full, run(hospital, method).full, whole(hospital))


@pytest.mark.parametrize("method", METHODS)
@few
@given(hospital=hospitals(), part=st.sampled_from([0.25, 0.5, 0.9]), data=st.data())
def test_splitting_a_final_department_changes_nobody_else(
    method: AllocationMethod, hospital: Hospital, part: float, data: st.DataObject
) -> None:
    code = data.draw(st.sampled_from(hospital.final))
    costs = pd.concat([hospital.costs, hospital.costs.loc[[code]].rename({code: "new"})])
    costs.loc[code] *= part
    costs.loc["new"] *= 1 - part
    drivers = hospital.drivers.assign(new=hospital.drivers[code] * (1 - part))
    drivers[code] *= part
    split = Hospital(costs, drivers, hospital.order, hospital.category | {"new": "clinical"})
    before, after = run(hospital, method).full, run(split, method).full
    together = after.drop(index="new")
    together.loc[code] += after.loc["new"]
    same(together, before, whole(hospital))


@given(hospital=hospitals(), part=st.sampled_from([0.25, 0.5, 0.9]), data=st.data())
def test_splitting_a_service_department_changes_nobody_else(
    hospital: Hospital, part: float, data: st.DataObject
) -> None:
    """Two halves that give alike and receive in proportion are one department to everyone else (reciprocal method).

    Own use is left out before: the halves would have to serve each other.
    """
    code = data.draw(st.sampled_from(hospital.order))
    drivers = hospital.drivers.copy()
    drivers.loc[code, code] = 0.0
    plain = Hospital(hospital.costs, drivers, hospital.order, hospital.category)
    costs = pd.concat([hospital.costs, hospital.costs.loc[[code]].rename({code: "new"})])
    costs.loc[code] *= part
    costs.loc["new"] *= 1 - part
    halves = pd.concat([drivers, drivers.loc[[code]].rename({code: "new"})])
    halves = halves.assign(new=halves[code] * (1 - part))
    halves[code] *= part
    split = Hospital(costs, halves, (*hospital.order, "new"), {})
    same(run(split, "reciprocal").full, run(plain, "reciprocal").full, whole(hospital))


def assert_names_the_loss(error: CostingError) -> None:
    assert error.place.startswith("drivers")
    assert "would be lost" in error.problem


@pytest.mark.parametrize("method", METHODS)
@few
@given(hospital=hospitals(every_way_out=False))
def test_cost_arrives_or_the_call_is_refused(method: AllocationMethod, hospital: Hospital) -> None:
    try:
        a = run(hospital, method)
    except CostingError as error:
        assert_names_the_loss(error)
    else:
        assert np.abs(a.full.sum() - hospital.costs.sum()).max() <= 1e-9 + 1e-11 * whole(hospital)


@given(hospital=hospitals())
def test_amounts_keep_their_precision_when_hardly_anything_leaves_a_cycle(hospital: Hospital) -> None:
    drivers = hospital.drivers.copy()
    drivers[hospital.final] *= 1e-14
    thin = Hospital(hospital.costs, drivers, hospital.order, hospital.category)
    expected = reference_allocate(
        thin.costs.to_dict("index"), drivers.to_dict("index"), "reciprocal", order=hospital.order
    )
    same(run(thin, "reciprocal").full, table(expected.full, hospital.costs.columns), whole(hospital))


# ---- the methods on one small hospital

COSTS = pd.DataFrame(
    {("personnel", "basic"): [100.0, 50.0, 30.0, 10.0, 20.0], ("drugs", "basic"): [0.0, 1.0, 2.0, 3.0, 4.0]},
    index=["A", "B", "C", "P", "Q"],
)
DRIVERS = pd.DataFrame(
    [[5, 1, 1, 1, 1], [2, 0, 2, 1, 3], [0, 4, 0, 1, 1]], index=["A", "B", "C"], columns=["A", "B", "C", "P", "Q"]
)
CATEGORY = {"A": "行政后勤", "B": "医疗辅助类", "C": "technology", "P": "临床服务类", "Q": "clinical"}


def test_several_column_levels_stay() -> None:
    a = allocate(COSTS, DRIVERS, "step-down", order=["A", "B", "C"])
    assert a.full.columns.equals(COSTS.columns)
    assert a.received["A"].columns.equals(COSTS.columns)
    assert a.origin_of(("drugs", "basic")).to_numpy().sum() == pytest.approx(10.0)
    assert list(a.reconciliation.index) == list(COSTS.columns)


def test_every_method_has_its_levels() -> None:
    levels = {m: list(allocate(COSTS, DRIVERS, m, category=CATEGORY, order=list("CBA")).received) for m in METHODS}
    assert levels == {
        "direct": ["services"],
        "step-down": ["C", "B", "A"],
        "three-level": ["administration", "auxiliary", "technology"],
        "reciprocal": ["services"],
        "double": ["first", "second"],
    }


def test_double_distribution_gives_own_cost_to_everyone_first() -> None:
    a = allocate(COSTS, DRIVERS, "double", order=["A", "B", "C"])
    first, second = a.steps
    assert np.array_equal(first.given, COSTS.loc[["A", "B", "C"]])
    assert first.shares.loc["B", "A"] == 0.25
    assert (second.shares[["A"]] == 0).all(axis=None)


def test_default_order_is_most_departments_served_then_most_costly() -> None:
    a = allocate(COSTS, DRIVERS, "step-down")
    assert list(a.order) == ["A", "B", "C"]
    few = DRIVERS.copy()
    few.loc["A", ["B", "C"]] = 0
    assert list(allocate(COSTS, few, "step-down").order) == ["B", "C", "A"]
    rich = COSTS.copy()
    rich.loc["C"] = 1000.0
    equal = DRIVERS.where(DRIVERS > 0, 1)
    assert list(allocate(rich, equal, "step-down").order) == ["C", "A", "B"]


def test_three_level_stops_where_the_final_departments_begin() -> None:
    a = allocate(COSTS, DRIVERS, "three-level", category=CATEGORY, final=["C", "P", "Q"])
    assert list(a.received) == ["administration", "auxiliary"]
    assert list(a.final) == ["C", "P", "Q"]
    assert a.full.to_numpy().sum() == COSTS.to_numpy().sum()
    whole_way = allocate(COSTS, DRIVERS, "three-level", category=CATEGORY)
    assert a.full.loc["C"].tolist() == whole_way.gross.loc["C"].tolist()


def test_a_level_without_departments_is_still_there() -> None:
    category = CATEGORY | {"B": "administration"}
    a = allocate(COSTS, DRIVERS, "three-level", category=category)
    assert list(a.received) == ["administration", "auxiliary", "technology"]
    assert not a.received["auxiliary"].to_numpy().any()


def test_category_may_be_a_series() -> None:
    by_series = allocate(COSTS, DRIVERS, category=pd.Series(CATEGORY)).full
    assert by_series.equals(allocate(COSTS, DRIVERS, category=CATEGORY).full)


def test_a_department_that_is_no_column_receives_nothing() -> None:
    a = allocate(COSTS, DRIVERS.drop(columns="Q"), "reciprocal")
    assert a.full.loc["Q"].tolist() == COSTS.loc["Q"].tolist()


def test_no_giving_department_changes_nothing() -> None:
    for method in ("direct", "step-down", "reciprocal", "double"):
        a = allocate(COSTS, DRIVERS.iloc[:0], method)
        assert a.full.equals(COSTS)
        assert a.gross.empty
        assert a.reconciliation["difference"].tolist() == [0, 0]


def test_a_department_without_cost_needs_no_driver() -> None:
    costs, drivers = COSTS.copy(), DRIVERS.copy()
    costs.loc["C"] = 0.0
    drivers.loc["C"] = 0
    drivers["C"] = 0
    for method in METHODS:
        a = allocate(costs, drivers, method, category=CATEGORY)
        assert a.full.to_numpy().sum() == pytest.approx(costs.to_numpy().sum())
        assert not a.origin_share["C"].any()


def test_two_that_serve_each_other_without_cost_are_no_trap() -> None:
    costs = pd.Series({"S1": 0.0, "S2": 0.0, "S3": 5.0, "P": 1.0})
    drivers = pd.DataFrame({"S1": [0, 1, 0], "S2": [1, 0, 0], "P": [0, 0, 2]}, index=["S1", "S2", "S3"])
    a = allocate(costs, drivers, "reciprocal")
    assert a.full["cost"].tolist() == [6.0]
    assert np.isfinite(a.gross.to_numpy()).all()


def test_a_result_survives_pickling() -> None:
    a = allocate(COSTS, DRIVERS, "reciprocal")
    again = pickle.loads(pickle.dumps(a))
    assert again.full.equals(a.full)
    assert again.origin.equals(a.origin)


@pytest.mark.parametrize("density", [1.0, 0.1])
@pytest.mark.parametrize("method", METHODS)
def test_a_large_hospital_satisfies_the_equations(method: AllocationMethod, density: float) -> None:
    """100 service departments: more than the small ones drawn above, and than one block of the elimination."""
    rng = np.random.default_rng(20240701)
    codes = [f"D{number:03d}" for number in range(140)]
    costs = pd.DataFrame(rng.uniform(0, 1e6, (140, 3)), codes, ["a", "b", "c"])
    statistics = rng.uniform(0, 50, (100, 140)) * (rng.random((100, 140)) < density)
    statistics[:, 139] += 1.0
    drivers = pd.DataFrame(statistics, codes[:100], codes)
    category = {code: LEVELS[at % 3] if at < 100 else "clinical" for at, code in enumerate(codes)}
    a = allocate(costs, drivers, method, category=category)
    assert np.allclose(a.full.sum(), costs.sum(), rtol=1e-13)
    assert np.allclose(a.origin_share.sum(), 1.0, rtol=1e-13)
    assert np.allclose(a.origin_share @ costs, a.full, rtol=1e-12)
    assert np.allclose(costs.loc[a.order] + sum(a.received.values()).loc[a.order], a.gross, rtol=1e-12)
    if method == "reciprocal":
        shares = a.steps[0].shares
        gross = np.linalg.solve(np.eye(100) - shares[a.order].to_numpy().T, costs.loc[a.order])
        assert np.allclose(gross, a.gross, rtol=1e-12)
        assert np.allclose(costs.loc[a.final] + shares[a.final].T.to_numpy() @ gross, a.full, rtol=1e-12)


def test_the_number_of_threads_does_not_change_a_digit() -> None:
    program = (
        "import numpy as np, pandas as pd; from drgengine.costing.allocation.allocate import allocate\n"
        "rng = np.random.default_rng(1); codes = [str(at) for at in range(400)]\n"
        "costs = pd.DataFrame(rng.random((400, 40)), codes)\n"
        "drivers = pd.DataFrame(rng.random((333, 400)), codes[:333], codes)\n"
        "for method in ('double', 'reciprocal'):\n"
        "    a = allocate(costs, drivers, method)\n"
        "    for values in (a.full_values, a.ending_values, a.steps[0].received.to_numpy()):\n"
        "        print(hash(values.tobytes()))\n"
    )
    answers = set()
    for threads in ("1", "2", "5"):
        limits = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), threads)
        environment = {**os.environ, **limits, "PYTHONHASHSEED": "0"}
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, env=environment, cwd=ROOT
        )
        assert (done.returncode, done.stderr) == (0, "")
        answers.add(done.stdout)
    assert len(answers) == 1


def test_the_result_in_a_line() -> None:
    a = allocate(COSTS, DRIVERS, "step-down", order=["A", "B", "C"])
    assert repr(a) == "Allocation('step-down', 3 of 5 departments give to 2, total 220.00)"
    assert repr(a.steps[1]) == "Step('B', 1 giving)"


def test_inputs_are_not_changed() -> None:
    costs, drivers = COSTS.copy(), DRIVERS.copy()
    for method in METHODS:
        allocate(costs, drivers, method, category=CATEGORY, self_use="keep")
    assert costs.equals(COSTS)
    assert drivers.equals(DRIVERS)


# ---- forms of input


def test_other_tables_are_taken() -> None:
    pa = pytest.importorskip("pyarrow")
    polars = pytest.importorskip("polars")
    expected = allocate(COSTS[("personnel", "basic")].rename("cost"), DRIVERS, "reciprocal").full
    columns = {"dept_code": list(COSTS.index), "cost": COSTS[("personnel", "basic")].tolist()}
    rows = {"from": list(DRIVERS.index), **{code: DRIVERS[code].tolist() for code in DRIVERS}}
    for make in (pa.table, polars.DataFrame):
        found = allocate(make(columns), make(rows), "reciprocal").full
        assert found.to_numpy().tolist() == expected.to_numpy().tolist()
        assert list(found.index) == ["P", "Q"]


@pytest.mark.parametrize(
    "kind", ["Int64", "Float64", "int32", "float32", "object", "double[pyarrow]", "int64[pyarrow]"]
)
def test_number_types(kind: str) -> None:
    whole_costs = COSTS.round()
    found = allocate(whole_costs.astype(kind), DRIVERS.astype(kind), "reciprocal").full
    assert found.to_numpy() == pytest.approx(allocate(whole_costs, DRIVERS, "reciprocal").full.to_numpy())


# ---- policies


def test_shares_that_do_not_sum_to_one() -> None:
    shares = pd.DataFrame({"P": [0.6], "Q": [0.38]}, index=["A"])
    costs = pd.Series({"A": 100.0, "P": 0.0, "Q": 0.0})
    with pytest.raises(CostingError, match=r"row 'A': the shares sum to 0\.98 and not to 1.*normalise"):
        allocate(costs, shares, "direct", drivers_are="shares")
    a = allocate(costs, shares, "direct", drivers_are="shares", share_sum="normalise")
    assert a.full["cost"].sum() == pytest.approx(100.0)
    assert [(finding.rule, "0.98" in finding.problem) for finding in a.findings] == [("share_sum", True)]
    assert allocate(costs, shares.assign(P=0.62), "direct", drivers_are="shares").findings == ()
    assert allocate(costs, shares.assign(P=0.6200009), "direct", drivers_are="shares").findings == ()


def test_negative_costs() -> None:
    costs = COSTS.copy()
    costs.loc["B", ("drugs", "basic")] = -7.0
    with pytest.raises(
        CostingError, match=r"row 'B', column \('drugs', 'basic'\): the cost -7\.0 is negative.*red vou"
    ):
        allocate(costs, DRIVERS, "reciprocal")
    a = allocate(costs, DRIVERS, "reciprocal", negative="allocate")
    assert a.full.to_numpy().sum() == pytest.approx(costs.to_numpy().sum())
    assert (a.findings[0].rule, a.findings[0].amount) == ("negative_cost", -7.0)


def test_costs_that_cancel_still_need_a_way_out() -> None:
    costs = pd.DataFrame({"x": [5.0, 0.0], "y": [-5.0, 0.0]}, index=["A", "P"])
    drivers = pd.DataFrame({"P": [0]}, index=["A"])
    with pytest.raises(CostingError, match="'A'"):
        allocate(costs, drivers, "direct", negative="allocate")


# ---- refusals: place, value, why, remedy


def changed(frame: pd.DataFrame, row: str, column: Any, value: Any) -> pd.DataFrame:
    frame = frame.astype(object)
    frame.loc[row, [column]] = [value]
    return frame


FLAT = COSTS.set_axis(["personnel", "drugs"], axis=1)
REFUSED: dict[str, tuple[dict[str, Any], list[str]]] = {
    "blank cost": (
        {"costs": changed(FLAT, "B", "drugs", None)},
        ["costs, row 'B', column 'drugs'", "blank", "Enter 0"],
    ),
    "text cost": ({"costs": changed(FLAT, "B", "drugs", "1,5")}, ["row 'B', column 'drugs'", "'1,5' is not a number"]),
    "truth cost": ({"costs": changed(FLAT, "B", "drugs", True)}, ["row 'B', column 'drugs'", "True is not a number"]),
    "infinite cost": ({"costs": changed(FLAT, "B", "drugs", float("inf"))}, ["row 'B'", "inf is not finite"]),
    "negative driver": (
        {"drivers": DRIVERS.replace(4, -4)},
        ["drivers, row 'C', column 'B'", "-4", "is negative", "statistic of 0 or more"],
    ),
    "blank driver": (
        {"drivers": changed(DRIVERS, "C", "Q", float("nan"))},
        ["row 'C', column 'Q'", "blank", "Enter 0"],
    ),
    "infinite driver": ({"drivers": changed(DRIVERS, "C", "Q", float("inf"))}, ["row 'C', column 'Q'", "not finite"]),
    "unknown giver": (
        {"drivers": DRIVERS.rename(index={"A": "A "})},
        ["drivers, giving departments", "'A '", "not among the costs", "Did you mean 'A'?"],
    ),
    "unknown receiver": (
        {"drivers": DRIVERS.rename(columns={"Q": "ZZ"})},
        ["drivers, receiving departments", "'ZZ'", "not among the costs", "with 0 if it has none"],
    ),
    "giver twice": (
        {"drivers": DRIVERS.rename(index={"B": "A"})},
        ["giving departments", "'A' stands in entries 1 and 2"],
    ),
    "receiver twice": ({"drivers": DRIVERS.rename(columns={"B": "A"})}, ["receiving departments", "'A' stands in"]),
    "department twice": ({"costs": FLAT.rename({"P": "Q"})}, ["costs, departments", "'Q' stands in entries 4 and 5"]),
    "department blank": ({"costs": FLAT.rename({"P": " "})}, ["costs, departments, entry 4", "' ' is blank"]),
    "department missing": ({"costs": FLAT.rename({"P": None})}, ["costs, departments, entry 4", "is blank"]),
    "column twice": ({"costs": FLAT.set_axis(["x", "x"], axis=1)}, ["costs, columns", "'x' stands there twice"]),
    "no columns": ({"costs": FLAT[[]]}, ["costs", "5 x 0"]),
    "no table": ({"costs": [1, 2]}, ["costs", "list", "pandas DataFrame"]),
    "two index levels": ({"costs": FLAT.set_index("drugs", append=True)}, ["costs", "several index levels"]),
    "unknown method": ({"method": "stepdown"}, ["method", "'stepdown'", "step-down"]),
    "unknown policy": ({"negative": "ignore"}, ["negative", "'ignore'", "refuse, allocate"]),
    "no category": ({"method": "three-level", "category": None}, ["category", "not given", "行政后勤"]),
    "unknown category": (
        {"method": "three-level", "category": CATEGORY | {"B": "support"}},
        ["category, department 'B'", "'support' is no category", "auxiliary (医疗辅助)"],
    ),
    "category a list": ({"method": "three-level", "category": list(CATEGORY)}, ["category", "is a list", "mapping"]),
    "category twice": (
        {"method": "three-level", "category": pd.Series({**CATEGORY, "B ": "技"}).rename({"B ": "B"})},
        ["category, department 'B'", "'医疗辅助类' and '技'", "Keep one"],
    ),
    "final a text": ({"final": "P"}, ["final", "is the text 'P'", "final=['P']"]),
    "order a text": ({"method": "step-down", "order": "ABC"}, ["order", "is the text 'ABC'"]),
    "category missing": (
        {"method": "three-level", "category": {c: w for c, w in CATEGORY.items() if c != "B"}},
        ["category, department 'B'", "has none"],
    ),
    "clinical gives": (
        {"method": "three-level", "category": CATEGORY | {"C": "clinical"}},
        ["drivers, row 'C'", "clinical and gives to nobody", "correct the category"],
    ),
    "clinical not final": (
        {"method": "three-level", "final": ["P"]},
        ["final, department 'Q'", "is clinical and not named"],
    ),
    "final unknown": ({"final": ["P", "Q", "R"]}, ["final", "'R' is not among the costs"]),
    "no final": ({"final": []}, ["final", "no department is left", "final="]),
    "order short": ({"method": "step-down", "order": ["A"]}, ["order", "B, C missing"]),
    "order unknown": (
        {"method": "step-down", "order": ["A", "B", "C", "P"]},
        ["order, entry 4", "'P' is no giving", "A, B, C"],
    ),
    "order twice": ({"method": "double", "order": ["A", "B", "C", "A"]}, ["order", "'A' stands there twice"]),
    "driver zero": (
        {"drivers": DRIVERS.mul([1, 0, 1], axis=0)},
        ["drivers, department 'B'", "driver is 0", "51.00 would be lost", "name it in final="],
    ),
    "no driver": ({"final": ["P"]}, ["drivers, department 'Q'", "driver is 0", "24.00 would be lost"]),
    "closed receivers alone": (
        {"method": "step-down", "order": ["A", "B", "C"], "drivers": DRIVERS.assign(P=[1, 1, 0], Q=[1, 3, 0])},
        ["drivers, department 'C'", "serves B alone", "closed earlier", "32.00 would be lost"],
    ),
    "services alone": (
        {"method": "direct", "drivers": DRIVERS.assign(P=[1, 1, 0], Q=[1, 3, 0])},
        ["drivers, department 'C'", "serves B alone", "final departments alone receive"],
    ),
}


@pytest.mark.parametrize(("change", "words"), REFUSED.values(), ids=REFUSED)
def test_refusal_says_where_and_why(change: dict[str, Any], words: list[str]) -> None:
    arguments = {"costs": FLAT, "drivers": DRIVERS, "method": "reciprocal", "category": CATEGORY} | change
    with pytest.raises(CostingError) as caught:
        allocate(**arguments)
    assert [word for word in words if word not in str(caught.value)] == [], str(caught.value)
    assert "nan" not in caught.value.remedy


def test_codes_read_as_numbers() -> None:
    costs = pd.Series([1.0, 2.0], index=["101", "102"])
    with pytest.raises(CostingError, match="read codes as text in both tables"):
        allocate(costs, pd.DataFrame({102: [1]}, index=[101]), "direct")


def test_many_problems_are_told_at_once() -> None:
    costs = FLAT.astype(object)
    costs.loc["A", "drugs"] = "x"
    costs.loc["P", "drugs"] = None
    drivers = DRIVERS.rename(columns={"Q": "ZZ"}).astype(float)
    drivers.loc["A", "P"] = np.nan
    with pytest.raises(CostingError) as caught:
        allocate(costs, drivers, "reciprocal")
    message = str(caught.value)
    assert "4 problems: (1)" in message
    assert all(
        word in message for word in ("'x' is not a number", "row 'P'", "'ZZ'", "row 'A', column 'P'", "Mend them")
    )
    with pytest.raises(CostingError, match=r"15 problems: .*\(8\).*; and 7 more"):
        allocate(FLAT, DRIVERS * np.nan, "reciprocal")


def test_a_trap_is_named_and_those_who_lead_to_it_are_not() -> None:
    codes = ["A", "S1", "S2", "S3", "T1", "T2", "P"]
    costs = pd.Series(dict.fromkeys(codes, 10.0))
    uses = {"A": ["S1", "P"], "S1": ["S2"], "S2": ["S3"], "S3": ["S1"], "T1": ["T2"], "T2": ["T1"]}
    drivers = pd.DataFrame({code: [float(code in uses[giver]) for giver in uses] for code in codes}, index=list(uses))
    with pytest.raises(CostingError) as caught:
        allocate(costs, drivers, "reciprocal")
    message = str(caught.value)
    assert "no path from S1, S2, S3 to any final cost centre" in message
    assert "no path from T1, T2 to any final cost centre" in message
    assert "cost of 30.00" in message
    assert "from A" not in message


def test_a_dead_end_is_named_and_not_the_cycle_before_it() -> None:
    costs = pd.Series({"S1": 1.0, "S2": 0.0, "S3": 0.0, "P": 0.0})
    drivers = pd.DataFrame({"S1": [0, 1, 0], "S2": [1, 0, 0], "S3": [1, 0, 0], "P": 0}, index=["S1", "S2", "S3"])
    with pytest.raises(CostingError, match=r"department 'S3'.*the cost received from others would be lost") as caught:
        allocate(costs, drivers, "reciprocal")
    assert "no path" not in str(caught.value)


def test_an_unknown_column_of_origin() -> None:
    with pytest.raises(CostingError, match=r"no column 'rent'.*personnel, drugs"):
        allocate(FLAT, DRIVERS, "reciprocal").origin_of("rent")


def test_a_leak_in_the_program_would_be_noticed() -> None:
    a = allocate(FLAT, DRIVERS, "reciprocal")
    leaking = replace(a, full_values=a.full_values + np.array([[0.0, 1.0], [0.0, 0.0]]))
    with pytest.raises(CostingError, match=r"column 'drugs': 11\.00 final against 10\.00 in the ledger.*report it"):
        check_conservation(leaking)


# ---- comparison of methods


def test_comparison_lists_what_moves_most_first_and_what_cannot_be_used() -> None:
    compared = compare_methods(FLAT, DRIVERS, CATEGORY, ["A", "B", "C"])
    assert list(compared.full) == ["direct", "step-down", "three-level", "reciprocal", "double"]
    assert compared.differences["largest_difference"].is_monotonic_decreasing
    assert compared.totals.sum().tolist() == pytest.approx([220.0] * 5)
    assert compared.mutual == (("A", "B", "C"),)
    services_alone = DRIVERS.assign(P=[1, 1, 0], Q=[1, 3, 0])
    compared = compare_methods(FLAT, services_alone, order=["C", "A", "B"])
    assert list(compared.full) == ["step-down", "reciprocal", "double"]
    assert "serves B alone" in compared.refused["direct"]
    with pytest.raises(CostingError, match="no method can be used"):
        compare_methods(FLAT, DRIVERS * 0)
