"""Payment by rate, by points and by disease score; weight tables; rules as data."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drgengine.costing.fen import to_fen
from drgengine.costing.value.outliers import outlier_points
from drgengine.costing.value.payment import predicted_rate, rate_payment, read_weight_table, weight_table
from drgengine.costing.value.paymentrules import Formula, IncompleteStay, OutlierBand, read_payment_rules
from drgengine.costing.value.points import (
    benchmark_points,
    case_points,
    difference_coefficient,
    disease_scores,
    settle_points,
    simulate_point_values,
    year_weighted_mean,
)
from drgengine.errors import CostingError, DrgEngineError

RULES = read_payment_rules()


def oracle(shared: Path, name: str) -> tuple[dict[str, Any], dict[str, Any], float]:
    cases = json.loads((shared / "oracles" / "costing_examples.json").read_text(encoding="utf-8"))
    case = next(case for case in cases if case["id"] == name)
    return case["inputs"], case["recomputed"], case["tolerance"]


# Published examples


@pytest.mark.parametrize(
    "name", ["drg_points_settlement"], ids=["drg_points_settlement-published_formula_numbers_ours"]
)
def test_settlement_by_points(shared: Path, name: str) -> None:
    inputs, answer, near = oracle(shared, name)
    points = {
        hospital: sum(case_points(np.full(n, inputs["benchmark"][drg]), factor).sum() for drg, n, factor in of["cases"])
        for hospital, of in inputs["hospitals"].items()
    }
    assert points == pytest.approx(answer["points"], abs=near)
    found = settle_points(list(points.values()), inputs["budget"])
    assert found.total_points == pytest.approx(answer["total"], abs=near)
    assert found.point_value == pytest.approx(answer["point_value"], abs=near)
    assert dict(zip(points, found.payment, strict=True)) == pytest.approx(answer["payment"], abs=near)
    assert found.payment_fen.sum() == round(answer["sum"] * 100)


@pytest.mark.parametrize(
    ("name", "rule", "key"),
    [
        pytest.param(
            "drg_points_incomplete",
            "jinhua-2017",
            "jinhua",
            id="drg_points_incomplete-jinhua-published_formula_numbers_ours",
        ),
        pytest.param(
            "drg_points_incomplete",
            "zhejiang-2019",
            "zhejiang",
            id="drg_points_incomplete-zhejiang-published_formula_numbers_ours",
        ),
    ],
)
def test_points_of_incomplete_stays(shared: Path, name: str, rule: str, key: str) -> None:
    inputs, answer, near = oracle(shared, name)
    found = case_points(
        [inputs["benchmark"]] * 2,
        inputs["coefficient"],
        incomplete=True,
        cost=inputs["case"],
        mean_cost=inputs["mean"],
        rule=RULES.incomplete_stays[rule],
    )
    assert found.tolist() == pytest.approx(answer[key], abs=near)


@pytest.mark.parametrize("name", ["dip_score_deviation"], ids=["dip_score_deviation-published_formula_numbers_ours"])
def test_disease_scores_and_their_deviation(shared: Path, name: str) -> None:
    inputs, answer, near = oracle(shared, name)
    mean = year_weighted_mean(inputs["year_means"], inputs["year_weights"])
    weight, score = disease_scores(mean, inputs["overall_mean"])
    assert float(mean) == pytest.approx(answer["m"], abs=near)
    assert float(weight) == pytest.approx(answer["rw"], abs=near)
    assert float(score) == pytest.approx(answer["score"], abs=near)
    costs = inputs["case_costs"]
    bands = RULES.outlier_bands["dip"]
    found = outlier_points(np.full(len(costs), score), costs, inputs["same_level_mean"], bands)
    assert found.points.tolist() == pytest.approx(answer["case_scores"], abs=near)
    assert found.kind.tolist() == [-1, 0, 1]


# A real city's table


def test_payment_with_the_weights_and_rates_of_a_city(shared: Path) -> None:
    """Harbin 2024, CHS-DRG 1.1 with local groups; the numbers asked for are read from the table itself."""
    folder = shared / "reference" / "weights"
    with (folder / "harbin_2024.csv").open(encoding="utf-8-sig", newline="") as file:
        printed = {row["drg"]: float(row["weight"]) for row in csv.DictReader(file)}
    with (folder / "rates.csv").open(encoding="utf-8-sig", newline="") as file:
        rates = {(row["year"], row["insurance"]): float(row["rate_per_weight_yuan"]) for row in csv.DictReader(file)}
    table = read_weight_table(folder / "harbin_2024.csv")
    assert table.weights == printed
    assert len(printed) > 600
    assert table.names["AE19"] == "肾移植"
    asked = [*sorted(printed)[:: len(printed) // 20], "ZZ99", "AA11", "ZZ99", None]
    rate = rates["2024", "职工"]
    found = rate_payment(table.weights, asked, rate, weights_from=table.source)
    expected = [round(printed[drg] * rate, 2) if drg in printed else math.nan for drg in asked]
    np.testing.assert_allclose(found.payment, expected, atol=0.00501)
    assert found.missing == (("AA11", 1), ("ZZ99", 2))
    assert found.n_without_group == 1
    assert found.total == pytest.approx(np.nansum(found.payment), abs=1e-6)
    assert found.weights_from.endswith("harbin_2024.csv")


# Weight tables

ROWS = [("FR21", "急性心肌梗死, 伴严重并发症", 1.5), ("FR25", "急性心肌梗死", 0.9)]


@pytest.mark.parametrize("ending", ["csv", "parquet", "xlsx"])
def test_tables_with_chinese_headers(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"weights.{ending}"
    frame = pd.DataFrame(ROWS, columns=["DRG 编码", "病组名称", "权 重"])
    if ending == "csv":
        frame.to_csv(path, index=False, encoding="gb18030")
    elif ending == "parquet":
        frame.to_parquet(path)
    else:
        pytest.importorskip("openpyxl")
        pytest.importorskip("python_calamine")
        frame.to_excel(path, index=False)
    found = read_weight_table(path)
    assert found.weights == {"FR21": 1.5, "FR25": 0.9}
    assert found.names["FR25"] == "急性心肌梗死"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("drg,weight\nFR21,1\nFR25,2\nFR21,3\n", ["row 4", "FR21", "row 2"]),
        ("drg,weight\nFR21,0\n", ["row 2", "FR21", "'0'", "above 0"]),
        ("drg,weight\nFR21,1\nFR25,-1.5\n", ["row 3", "-1.5"]),
        ("drg,weight\nFR21,\n", ["row 2", "FR21"]),
        ("drg,weight\nFR21,heavy\n", ["row 2", "heavy"]),
        ("drg,weight\nFR21,nan\n", ["row 2", "nan"]),
        ("drg,weight\n,1.0\n", ["row 2", "empty"]),
        ("drg,weight\n12.0,1.0\n", ["row 2", "12.0", "text"]),
        ("drg,points\nFR21,80\n", ["weight", "points"]),
        ("drg,weight,RW\nFR21,1,1\n", ["weight and RW", "columns="]),
        ("drg,weight\n", ["no row"]),
    ],
    ids=[
        "twice",
        "zero",
        "negative",
        "missing",
        "text",
        "nan",
        "no code",
        "number",
        "no weight",
        "two weights",
        "empty",
    ],
)
def test_bad_tables_say_where(tmp_path: Path, text: str, words: list[str]) -> None:
    path = tmp_path / "weights.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DrgEngineError) as caught:
        read_weight_table(path)
    assert all(word in str(caught.value) for word in ["weights.csv", *words])


def test_headers_may_be_named(tmp_path: Path) -> None:
    path = tmp_path / "weights.csv"
    path.write_text("组,系数\nFR21,1.5\n", encoding="utf-8")
    assert read_weight_table(path, {"drg": "组", "weight": "系数"}).weights == {"FR21": 1.5}
    with pytest.raises(CostingError, match="no column '分组'"):
        read_weight_table(path, {"drg": "分组", "weight": "系数"})


def test_codes_stored_as_numbers_are_refused() -> None:
    with pytest.raises(CostingError, match="row 1: the group code 12 is a number"):
        weight_table([{"drg": 12, "weight": 1.0}])


# Rate


def test_payment_is_weight_times_rate_times_coefficient() -> None:
    found = rate_payment({"A": 1.25, "B": 0.5}, ["A", "B", "A"], 10_000, [1.0, 1.1, math.nan])
    assert found.payment.tolist() == [12_500.0, 5_500.0, 12_500.0]
    assert found.n_default_coefficient == 1
    assert found.paid.all()


@given(st.lists(st.sampled_from(["A", "B", "C", "Z", None]), min_size=1, max_size=50), st.integers(1, 10**10))
def test_a_total_is_met_to_the_fen(drg: list[str | None], fen: int) -> None:
    weights = {"A": 1.7, "B": 0.31, "C": 3.3333}
    if not any(code in weights for code in drg):
        with pytest.raises(CostingError, match="no case has a weight"):
            rate_payment(weights, drg, total=fen / 100)
        return
    found = rate_payment(weights, drg, total=fen / 100)
    assert to_fen(found.payment[found.paid]).sum() == fen
    assert found.total == fen / 100
    np.testing.assert_allclose(found.payment, found.weight * found.rate, atol=0.0101)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, ["rate None and total None"]),
        ({"rate": 1.0, "total": 1.0}, ["rate 1.0 and total 1.0"]),
        ({"rate": 0.0}, ["rate 0.0"]),
        ({"rate": 1.0, "coefficient": [1.0, 0.0]}, ["case 2", "coefficient 0"]),
        ({"rate": 1.0, "coefficient": [1.0]}, ["coefficient", "1 values for 2 cases"]),
    ],
    ids=["neither", "both", "zero", "coefficient", "length"],
)
def test_payment_says_what_is_wrong(change: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(CostingError) as caught:
        rate_payment({"A": 1.0}, ["A", "A"], **change)
    assert all(word in str(caught.value) for word in words)


def test_predicted_rate() -> None:
    assert predicted_rate(300.0, [1.0, 2.0, math.nan]) == 100.0
    with pytest.raises(CostingError, match="total weight"):
        predicted_rate(300.0, [math.nan])


# Points


@given(st.lists(st.one_of(st.just(0.0), st.floats(0.001, 1e4)), min_size=1, max_size=50), st.integers(0, 10**12))
def test_settlement_pays_out_the_budget(points: list[float], fen: int) -> None:
    if not sum(points) > 0:
        with pytest.raises(CostingError, match="add up to 0"):
            settle_points(points, fen / 100)
        return
    found = settle_points(points, fen / 100)
    assert found.payment_fen.sum() == fen
    np.testing.assert_allclose(found.payment, np.array(points) * found.point_value, atol=0.0101, rtol=1e-9)


def test_what_patients_paid_is_taken_off() -> None:
    found = settle_points([60.0, 40.0], 1000.0, [100.0, 50.0])
    assert found.fund.tolist() == [500.0, 350.0]
    assert simulate_point_values([60.0, 40.0], [900.0, 1000.0]).tolist() == [9.0, 10.0]


@pytest.mark.parametrize(
    ("points", "budget", "words"),
    [
        ([1.0, math.nan], 10.0, ["row 2", "nan"]),
        ([-1.0], 10.0, ["row 1", "-1.0"]),
        ([1.0], -1.0, ["budget"]),
        ([1.0], math.inf, ["budget"]),
    ],
    ids=["missing", "negative", "negative budget", "no budget"],
)
def test_settlement_says_what_is_wrong(points: list[float], budget: float, words: list[str]) -> None:
    with pytest.raises(CostingError) as caught:
        settle_points(points, budget)
    assert all(word in str(caught.value) for word in words)


def test_benchmarks_and_coefficients() -> None:
    assert benchmark_points([5000.0, math.nan], 10_000.0)[0] == 50.0
    assert np.isnan(difference_coefficient([1.0], [0.0])).all()
    with pytest.raises(CostingError, match="mean cost of all cases"):
        benchmark_points([1.0], 0.0)


def test_incomplete_stays_need_a_rule_and_a_mean() -> None:
    with pytest.raises(CostingError, match="1 stays are incomplete"):
        case_points([80.0, 90.0], incomplete=[False, True])
    rule = RULES.incomplete_stays["jinhua-2017"]
    with pytest.raises(CostingError, match="case 2"):
        case_points([80.0, 90.0], incomplete=[False, True], cost=[1.0, 1.0], mean_cost=[1.0, 0.0], rule=rule)


def test_a_missing_year_takes_no_part() -> None:
    found = year_weighted_mean([[math.nan, 10.0, 20.0], [math.nan] * 3], [1, 2, 8])
    assert found[0] == 18.0
    assert math.isnan(found[1])
    with pytest.raises(CostingError, match="year_weights"):
        year_weighted_mean([1.0, 2.0], [1, 2, 7])


# Outlier bands


def test_thresholds_fall_as_points_rise() -> None:
    bands = RULES.outlier_bands["points-tiers"]
    benchmark = [100.0, 101.0, 201.0]
    found = outlier_points(benchmark, [2.6, 2.6, 2.6], 1.0, bands, coefficient=1.1)
    assert found.row.tolist() == [0, 1, 2]
    assert found.kind.tolist() == [0, 1, 1]
    assert found.points.tolist() == pytest.approx([110.0, 101 * 1.1 + 101 * 0.1, 201 * 1.1 + 201 * 0.6])


def test_level_and_cap() -> None:
    """Of 40 cases a hospital may have two as high outliers; those with the greatest gain stay."""
    cost = np.ones(80)
    cost[:4] = [9.0, 4.0, 7.0, 3.5]
    cost[40] = 2.5
    found = outlier_points(
        np.ones(80),
        cost,
        1.0,
        RULES.outlier_bands["national-rate"],
        hospital_level=["tertiary"] * 40 + ["secondary"] * 40,
        hospital=["x"] * 40 + ["y"] * 40,
    )
    assert found.points[:4].tolist() == [9.0, 1.0, 7.0, 1.0]
    assert found.over_cap[:4].tolist() == [False, True, False, True]
    assert found.points[40] == 2.5
    assert found.counts == {"low": 0, "normal": 77, "high": 3, "unknown": 0}


def test_unknown_cases_are_not_paid_as_zero() -> None:
    found = outlier_points([100.0, math.nan, 100.0], [1.0, 1.0, 1.0], [0.0, 1.0, 1.0], RULES.outlier_bands["dip"])
    assert found.kind.tolist() == [2, 2, 0]
    assert np.isnan(found.points[:2]).all()


def test_a_level_without_a_row_is_refused() -> None:
    with pytest.raises(CostingError, match=r"no outlier band holds for benchmark 5, hospital level 'primary'"):
        outlier_points([5.0], [1.0], 1.0, RULES.outlier_bands["national-rate"], hospital_level="primary")


def test_every_packaged_rule_names_its_source() -> None:
    rows = [band for bands in RULES.outlier_bands.values() for band in bands]
    assert all(row.source for row in [*rows, *RULES.incomplete_stays.values()])


BROKEN = {
    "unknown key": ("[[outlier_band]]\nset='a'\nlow=0.4\nhigh=2\nhihg=3\n", ["outlier_band[0]", "hihg", "high"]),
    "not complete": ("[[outlier_band]]\nset='a'\nlow=0.4\nhigh=2\n", ["outlier_band[0]", "low_formula"]),
    "reversed": (
        "[[outlier_band]]\nset='a'\nlow=2\nhigh=0.4\nlow_formula='cost'\nhigh_formula='cost'\n",
        ["outlier_band[0]", "low 2"],
    ),
    "a text": (
        "[[outlier_band]]\nset='a'\nlow='2'\nhigh=0.4\nlow_formula='cost'\nhigh_formula='cost'\n",
        ["outlier_band[0]", "type"],
    ),
    "overlap": (
        "[[outlier_band]]\nset='a'\nlow=0.4\nhigh=2\nlow_formula='cost'\nhigh_formula='cost'\n" * 2,
        ["set 'a'", "overlap"],
    ),
    "formula": (
        "[[incomplete_stay]]\nname='x'\npoints='benchmark ** 2'\n",
        ["incomplete_stay[0]", "benchmark ** 2", "not allowed"],
    ),
    "name": (
        "[[incomplete_stay]]\nname='x'\npoints='points * ratio'\n",
        ["incomplete_stay[0]", "'points' is not known", "benchmark"],
    ),
    "no toml": ("[[outlier_band\n", ["not valid TOML"]),
}


@pytest.mark.parametrize(("text", "words"), BROKEN.values(), ids=BROKEN)
def test_broken_rules_say_where(tmp_path: Path, text: str, words: list[str]) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CostingError) as caught:
        read_payment_rules(path)
    assert all(word in str(caught.value) for word in ["rules.toml", *words])


def test_missing_rules_say_where(tmp_path: Path) -> None:
    with pytest.raises(CostingError, match="nowhere"):
        read_payment_rules(tmp_path / "nowhere.toml")


@pytest.mark.parametrize(
    "text",
    ["__import__('os')", "ratio.real", "ratio / low", "True", "min(ratio)", "max(a=ratio, b=low)", "-low", "("],
)
def test_formulas_hold_nothing_but_arithmetic(text: str) -> None:
    with pytest.raises(CostingError, match="formula"):
        Formula(text)


def test_formula_says_which_variable_is_missing() -> None:
    with pytest.raises(CostingError, match="'cost' is needed"):
        Formula("cost * 2").value({"ratio": np.ones(1)})


def test_rules_may_be_made_by_hand() -> None:
    band = OutlierBand(low=0.5, high=2.0, low_formula="benchmark * ratio", high_formula="cost")
    assert outlier_points([10.0], [5.0], 2.0, [band]).points.tolist() == [5.0]
    stay = IncompleteStay("half", "0.5 * benchmark")
    assert case_points([80.0], incomplete=True, cost=1.0, mean_cost=1.0, rule=stay).tolist() == [40.0]
