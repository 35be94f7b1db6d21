"""Trimming and relative weights: published examples, the plain twin, and what must hold for any cases."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from drgengine.costing.model import WeightSettings
from drgengine.costing.value import reference_weights as twin
from drgengine.costing.value.groupstats import QUANTILES, sort_by_group
from drgengine.costing.value.indices import consumption_index, region_means
from drgengine.costing.value.trim import FLAG_NAMES, HIGH, KEPT, LOW, trim
from drgengine.costing.value.weights import (
    charges_to_cost,
    compare_weights,
    hospital_relative_weights,
    relative_weights,
)
from drgengine.errors import CostingError

RULES = ("none", "iqr", "iqr-log", "multiple", "percentile")
DRGS = ("AA11", "AA13", "AA15", "AA19", "BB21", "BB25")
NO_TRIM = WeightSettings(trim="none")


def oracle(shared: Path, name: str) -> dict[str, Any]:
    cases = json.loads((shared / "oracles" / "costing_examples.json").read_text(encoding="utf-8"))
    return next(case for case in cases if case["id"] == name)


def columns(groups: dict[str, list[float]]) -> tuple[list[float], list[str]]:
    return [v for values in groups.values() for v in values], [g for g, values in groups.items() for _ in values]


# Published examples; status of the answer: published_formula_numbers_ours unless the id says otherwise.


@pytest.mark.parametrize("name", ["drg_weight_trim"], ids=["drg_weight_trim-published_formula_numbers_ours"])
def test_weights_after_trimming(shared: Path, name: str) -> None:
    case = oracle(shared, name)
    answer, near = case["recomputed"], case["tolerance"]
    found = relative_weights(*columns(case["inputs"]["groups"]), settings=WeightSettings(trim="iqr"))
    assert dict(zip(found.table["drg"], found.table["n_kept"], strict=True)) == answer["kept"]
    assert found.overall_mean == pytest.approx(answer["mean_all"], abs=near)
    assert found.by_group == pytest.approx(answer["weight"], abs=near)
    mean = np.average(found.table["weight"], weights=found.table["n_kept"])
    assert mean == pytest.approx(answer["check_sum_w_over_n"], abs=near)
    assert found.trimming.quantile == "linear"


@pytest.mark.parametrize("name", ["ahd_ccr"], ids=["ahd_ccr-published_answer_seen"])
def test_cost_from_charges(shared: Path, name: str) -> None:
    case = oracle(shared, name)
    found = charges_to_cost(case["inputs"]["charge"], case["inputs"]["ccr"])
    assert float(found) == pytest.approx(case["expected"]["cost"], abs=case["tolerance"])


@pytest.mark.parametrize("form", ["mean-of-ratios", "observed-expected"])
@pytest.mark.parametrize("name", ["consumption_indices"], ids=["consumption_indices-published_formula_numbers_ours"])
def test_both_forms_of_the_consumption_index(shared: Path, name: str, form: Any) -> None:
    case = oracle(shared, name)
    answer, near, hospital = case["recomputed"], case["tolerance"], case["inputs"]["hospital"]
    groups = list(hospital)
    cases = [hospital[g]["n"] for g in groups]
    found = {
        what: consumption_index(
            [hospital[g][what] for g in groups], groups, case["inputs"][f"region_mean_{what}"], n=cases, form=form
        )
        for what in ("cost", "los")
    }
    assert {one.form for one in found.values()} == {form}
    if form == "mean-of-ratios":
        assert found["cost"].value == pytest.approx(answer["cost_index"], abs=near)
        assert found["los"].value == pytest.approx(answer["time_index"], abs=near)
    else:
        assert found["cost"].value == pytest.approx(answer["alternative_expected_cost_form"], abs=near)


# Trimming


@pytest.mark.parametrize("method", QUANTILES)
@pytest.mark.parametrize("share", [0.0, 0.01, 0.25, 0.5, 0.9, 1.0])
def test_quantiles_are_those_of_numpy(method: Any, share: float) -> None:
    rng = np.random.default_rng(20240701)
    value = rng.lognormal(9, 1, 200)
    number = rng.integers(0, 12, 200)
    grouped = sort_by_group(value, number, 13, np.ones(200, bool))
    found = grouped.quantiles(share, method)
    expected = [np.quantile(value[number == g], share, method=method) for g in range(12)]
    np.testing.assert_allclose(found[:12], expected, rtol=1e-12)
    assert math.isnan(found[12])


def test_the_quantile_definition_moves_the_bounds_of_a_small_group() -> None:
    cost, group = [8.0, 9.0, 10.0, 11.0, 20.0], ["A"] * 5
    upper = {
        m: trim(cost, group, WeightSettings(trim="iqr", quantile=m)).upper.item()
        for m in ("linear", "weibull", "hazen")
    }
    assert len(set(upper.values())) == 3


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (WeightSettings(trim="none"), [KEPT] * 6),
        (WeightSettings(trim="iqr"), [KEPT, KEPT, KEPT, KEPT, KEPT, HIGH]),
        (WeightSettings(trim="iqr-log"), [KEPT, KEPT, KEPT, KEPT, KEPT, HIGH]),
        (WeightSettings(trim="multiple", low_multiple=0.45, high_multiple=2.0), [LOW, KEPT, KEPT, KEPT, KEPT, HIGH]),
        (WeightSettings(trim="percentile", low_percentile=10, high_percentile=90), [LOW, KEPT, KEPT, KEPT, KEPT, HIGH]),
    ],
    ids=RULES,
)
def test_rules(settings: WeightSettings, expected: list[int]) -> None:
    found = trim([8.0, 9.0, 10.0, 11.0, 12.0, 70.0], ["A"] * 6, settings)
    assert found.flag.tolist() == expected
    assert (found.n_low.item(), found.n_high.item()) == (expected.count(LOW), expected.count(HIGH))
    assert (found.rule, found.quantile, found.iterate) == (settings.trim, "linear", False)


@pytest.mark.parametrize(
    ("settings", "cost"),
    [
        (WeightSettings(trim="multiple", low_multiple=0.5, high_multiple=1.5), [5.0, 10.0, 15.0]),
        (WeightSettings(trim="iqr", multiplier=1.0), [1.0, 4.0, 4.0, 5.0, 6.0, 7.0, 7.0, 10.0]),
        (WeightSettings(trim="iqr-log", multiplier=0.5), [1.0, 2.0, 4.0, 8.0, 16.0]),
        (WeightSettings(trim="iqr", multiplier=0.0), [0.1 + 0.2, 0.3, 0.3, 0.3]),
    ],
    ids=["multiple", "iqr", "iqr-log", "equal but for the last bit"],
)
def test_a_case_at_the_bound_is_kept(settings: WeightSettings, cost: list[float]) -> None:
    found = trim(cost, ["A"] * len(cost), settings)
    assert found.kept.all()
    assert [found.lower.item(), found.upper.item()] == pytest.approx([min(cost), max(cost)])


def test_one_more_look_and_not_two() -> None:
    cost = [10.0, 11.0, 12.0, 13.0, 14.0, 20.0, 200.0]
    once = trim(cost, ["A"] * 7, WeightSettings(trim="iqr"))
    twice = trim(cost, ["A"] * 7, WeightSettings(trim="iqr", iterate=True))
    assert once.n_high.item() == 1
    assert twice.n_high.item() == 2
    assert twice.upper.item() < once.upper.item()


def test_cases_without_group_or_cost_are_left_out_and_counted() -> None:
    found = trim([1.0, math.nan, 0.0, -3.0, math.inf, 2.0, 3.0], ["A", "A", "A", "A", "A", None, ""], NO_TRIM)
    assert [FLAG_NAMES[flag] for flag in found.flag] == ["kept", *["left out"] * 6]
    assert (found.n_left_out, found.n.tolist(), found.groups) == (6, [1], ("A",))


def test_nothing_in_nothing_out() -> None:
    found = trim([], [])
    assert (found.groups, found.flag.size, found.table.shape) == ((), 0, (0, 7))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"trim": "tukey"}, ["trim", "tukey", "iqr-log"]),
        ({"quantile": "type 7"}, ["quantile", "type 7", "linear"]),
        ({"multiplier": math.nan}, ["multiplier", "1.5"]),
        ({"low_multiple": 3.0}, ["low_multiple", "3.0 .. 3.0"]),
        ({"high_percentile": 101.0}, ["percentile", "0 .. 100"]),
        ({"shrink_cases": -1.0}, ["shrink_cases", "-1.0"]),
        ({"confidence": 1.0}, ["confidence", "0.95"]),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_impossible_settings_say_which(change: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(CostingError) as caught:
        trim([1.0, 2.0], ["A", "A"], replace(WeightSettings(), **change))
    assert all(word in str(caught.value) for word in words)


@pytest.mark.parametrize("group", [[12.0, 13.0], ["A", 12.0]], ids=["numbers", "one number"])
def test_a_code_that_is_a_number_is_refused(group: list[Any]) -> None:
    with pytest.raises(CostingError, match="codes as text"):
        trim([1.0, 2.0], group)


def test_lengths_must_agree() -> None:
    with pytest.raises(CostingError, match="3 groups for 2 costs"):
        trim([1.0, 2.0], ["A", "B", "C"])
    with pytest.raises(CostingError, match="no number"):
        trim(["1.0", "dear"], ["A", "B"])


# The plain twin

cost_value = st.one_of(
    st.none(),
    st.integers(0, 40).map(float),
    st.floats(0.01, 1e6).map(lambda v: float(f"{v:.4g}")),
)
case = st.tuples(cost_value, st.one_of(st.none(), st.sampled_from(DRGS)))
settings_drawn = st.builds(
    WeightSettings,
    trim=st.sampled_from(RULES),
    multiplier=st.sampled_from([0.0, 0.5, 1.5, 3.0]),
    iterate=st.booleans(),
    quantile=st.sampled_from(sorted(QUANTILES)),
    shrink_cases=st.sampled_from([0.0, 2.0, 10.0]),
    enforce_severity=st.booleans(),
)


@given(st.lists(case, max_size=40), settings_drawn)
def test_flags_equal_those_of_the_twin(cases: list[tuple[float | None, str | None]], settings: WeightSettings) -> None:
    cost, group = [c for c, _ in cases], [g for _, g in cases]
    assert [FLAG_NAMES[flag] for flag in trim(cost, group, settings).flag] == twin.flags(cost, group, settings)


@given(st.lists(case, min_size=1, max_size=40), settings_drawn, st.integers(1, 6))
def test_weights_equal_those_of_the_twin(
    cases: list[tuple[float | None, str | None]], settings: WeightSettings, minimum: int
) -> None:
    cost, group = [c for c, _ in cases], [g for _, g in cases]
    if "kept" not in twin.flags(cost, group, settings):
        with pytest.raises(CostingError, match="no case is left"):
            relative_weights(cost, group, settings=settings)
        return
    rank = {drg: "135".index(drg[-1]) for drg in DRGS if drg[-1] in "135"}
    expected = twin.weights(cost, group, {drg: drg[:2] for drg in DRGS}, rank, settings, minimum)
    parents = [None if g is None else g[:2] for g in group]
    found = relative_weights(cost, group, parents, settings=settings, minimum_cases=minimum)
    assert found.by_group == pytest.approx(expected, rel=1e-9)
    assert set(found.without_cases) == {g for g in group if g} - set(expected)


# What must hold

priced = st.lists(st.tuples(st.floats(1, 1e5), st.sampled_from(DRGS)), min_size=1, max_size=60)


@given(priced, settings_drawn)
def test_weights_average_one_over_the_cases_kept(cases: list[tuple[float, str]], settings: WeightSettings) -> None:
    assume(trim(*zip(*cases, strict=True), settings).kept.any())
    found = relative_weights(*zip(*cases, strict=True), settings=settings)
    there = found.table[found.table["n_kept"] > 0]
    for column in ("raw_weight", "shrunk_weight", "weight"):
        assert (there["n_kept"] * there[column]).sum() == pytest.approx(there["n_kept"].sum(), rel=1e-9)


@given(priced, settings_drawn, st.sampled_from([0.0001, 0.01, 100.0, 10_000.0]))
def test_the_unit_of_cost_does_not_matter(
    cases: list[tuple[float, str]], settings: WeightSettings, factor: float
) -> None:
    assume(trim(*zip(*cases, strict=True), settings).kept.any())
    cost, group = (list(column) for column in zip(*cases, strict=True))
    found = relative_weights(cost, group, settings=settings).by_group
    scaled = relative_weights([value * factor for value in cost], group, settings=settings).by_group
    assert scaled == pytest.approx(found, rel=1e-8)


@given(priced, settings_drawn, st.randoms(use_true_random=False))
def test_the_order_of_cases_does_not_matter(
    cases: list[tuple[float, str]], settings: WeightSettings, chance: Any
) -> None:
    assume(trim(*zip(*cases, strict=True), settings).kept.any())
    mixed = list(cases)
    chance.shuffle(mixed)
    found = relative_weights(*zip(*cases, strict=True), settings=settings)
    again = relative_weights(*zip(*mixed, strict=True), settings=settings)
    assert found.table.equals(again.table)


@given(priced)
def test_cases_of_one_more_group_leave_the_ratios_of_the_others(cases: list[tuple[float, str]]) -> None:
    cost, group = (list(column) for column in zip(*cases, strict=True))
    found = relative_weights(cost, group).by_group
    more = relative_weights([*cost, 5e3, 6e3], [*group, "ZZ19", "ZZ19"]).by_group
    factor = {more[drg] / found[drg] for drg in found}
    assert max(factor) == pytest.approx(min(factor), rel=1e-9)


@given(priced)
def test_severity_is_in_order_and_no_cost_is_lost(cases: list[tuple[float, str]]) -> None:
    cost, group = zip(*cases, strict=True)
    found = relative_weights(cost, group, settings=replace(NO_TRIM, enforce_severity=True)).table.set_index("drg")
    line = [drg for drg in ("AA11", "AA13", "AA15") if drg in found.index]
    assert (np.diff(found.loc[line, "weight"]) <= 1e-12).all()
    total = (found["n"] * found["weight"] * np.mean(cost)).sum()
    assert total == pytest.approx(math.fsum(cost), rel=1e-9)


def test_order_of_severity_may_be_given() -> None:
    cost, group = [10.0, 30.0, 20.0], ["XX1", "XX2", "XX3"]
    settings = replace(NO_TRIM, enforce_severity=True)
    order = {"XX1": 2, "XX2": 1, "XX3": 0}
    found = relative_weights(cost, group, ["XX"] * 3, order, settings)
    assert found.table["weight"].tolist() == pytest.approx([0.5, 1.25, 1.25])
    assert found.table["reordered"].tolist() == [False, True, True]
    with pytest.raises(CostingError, match="severity rank"):
        relative_weights(cost, group, ["XX"] * 3, dict.fromkeys(group, 0), settings)


def test_shrinking_moves_small_groups_most() -> None:
    cost, group = [10.0] * 100 + [40.0, 40.0], ["AA11"] * 100 + ["AA15"] * 2
    table = relative_weights(cost, group, settings=replace(NO_TRIM, shrink_cases=5.0)).table.set_index("drg")
    moved = (table["shrunk_weight"] / table["raw_weight"] - 1).abs()
    assert moved["AA15"] > 0.4
    assert moved["AA11"] < 0.05


def test_groups_without_cases_and_of_few_are_listed() -> None:
    found = relative_weights([5.0, 6.0, 7.0, math.nan], ["A", "A", "B", "C"], settings=NO_TRIM, minimum_cases=2)
    assert (found.without_cases, found.provisional) == (("C",), ("B",))
    assert "C" not in found.by_group
    table = found.table.set_index("drg")
    assert table.loc["C", ["weight", "mean", "sd", "cv"]].isna().all()
    assert math.isnan(table.loc["B", "raw_low"])


def test_reduction_in_variance() -> None:
    apart = relative_weights([1.0, 1.0, 9.0, 9.0], list("AABB"), settings=NO_TRIM)
    assert (apart.riv_before, apart.riv_after) == (1.0, 1.0)
    alike = relative_weights([1.0, 9.0, 1.0, 9.0], list("AABB"), settings=NO_TRIM)
    assert alike.riv_before == 0.0
    assert math.isnan(relative_weights([5.0, 5.0], list("AB")).riv_before)
    better = relative_weights(
        [8, 9, 10, 11, 60, 20, 22, 24, 26], list("AAAAABBBB"), settings=WeightSettings(trim="iqr")
    )
    assert better.riv_after > better.riv_before


def test_the_interval_holds_the_true_weight_as_often_as_it_says() -> None:
    rng = np.random.default_rng(20240701)
    group = ["A"] * 40 + ["B"] * 60
    hits = []
    for _ in range(400):
        cost = np.concatenate([rng.normal(100, 20, 40), rng.normal(200, 30, 60)])
        table = relative_weights(cost, group, settings=NO_TRIM).table
        hits.append((table["raw_low"][0] <= 100 / 160) & (table["raw_high"][0] >= 100 / 160))
    assert 0.92 <= np.mean(hits) <= 0.98


def test_a_group_stands_in_one_adrg() -> None:
    with pytest.raises(CostingError, match=r"group A: it stands in the ADRGs P, Q"):
        relative_weights([1.0, 2.0], ["A", "A"], ["P", "Q"])


def test_cost_and_charges_side_by_side() -> None:
    rng = np.random.default_rng(20240701)
    cost = np.concatenate([rng.normal(100, 5, 50), rng.normal(300, 10, 50), [50.0]])
    charges = np.concatenate([cost[:50] * 3, cost[50:100], [math.nan]])
    found = compare_weights(cost, charges, ["A"] * 50 + ["B"] * 50 + ["C"], settings=NO_TRIM)
    table = found.table.set_index("drg")
    assert table["intervals_apart"].to_dict() == {"A": True, "B": True, "C": False}
    assert table.loc["A", "ratio"] < 1 < table.loc["B", "ratio"]
    assert (found.cost.basis, found.charges.basis) == ("cost", "charges")
    assert found.cost.without_cases == found.charges.without_cases == ("C",)


def test_charges_to_cost_refuses_a_negative_ratio() -> None:
    assert charges_to_cost([100.0, 50.0], [0.5, 1.2]).tolist() == [50.0, 60.0]
    with pytest.raises(CostingError, match="ratio"):
        charges_to_cost([1.0], [-0.1])


def test_a_dear_hospital_moves_no_relative_value() -> None:
    """Both hospitals have A : B = 1 : 3, the second is twice as dear and treats mostly B."""
    cost = [10.0] * 30 + [30.0] * 10 + [20.0] * 10 + [60.0] * 30
    group = ["A"] * 30 + ["B"] * 10 + ["A"] * 10 + ["B"] * 30
    home = ["cheap"] * 40 + ["dear"] * 40
    plain = relative_weights(cost, group, settings=NO_TRIM).by_group
    found = hospital_relative_weights(cost, group, home, NO_TRIM)
    assert found.converged
    assert found.weight[1] / found.weight[0] == pytest.approx(3.0, rel=1e-8)
    assert plain["B"] / plain["A"] > 4
    assert found.casemix[1] > found.casemix[0]


# Consumption index


def test_index_of_the_region_itself_is_one() -> None:
    cost, group = [8.0, 12.0, 5.0, 7.0], ["A", "A", "B", "B"]
    for form in ("mean-of-ratios", "observed-expected"):
        assert consumption_index(cost, group, region_means(cost, group), form=form).value == pytest.approx(1.0)


def test_groups_the_region_lacks_are_excluded_and_counted() -> None:
    found = consumption_index(
        [10.0, 20.0, 99.0, math.nan, 3.0],
        ["A", "A", "Z", "A", None],
        {"A": 10.0, "B": 0.0},
        unit=["x", "y", "y", "x", "x"],
    )
    assert found.excluded == (("Z", 1),)
    assert found.n_without_value == 2
    assert found.table.to_dict("list") == {
        "unit": ["x", "y"],
        "n": [1, 1],
        "n_excluded": [0, 1],
        "index": [1.0, 2.0],
    }
    nothing = consumption_index([1.0], ["B"], {"B": 0.0}, unit=[None])
    assert math.isnan(nothing.value)
    assert nothing.table["unit"].tolist() == [""]


def test_index_says_what_is_wrong() -> None:
    with pytest.raises(CostingError, match="form"):
        consumption_index([1.0], ["A"], {"A": 1.0}, form="third")  # type: ignore[arg-type]
    with pytest.raises(CostingError, match="equally many"):
        consumption_index([1.0, 2.0], ["A"], {"A": 1.0})
