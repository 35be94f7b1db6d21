"""Bootstrap of the case-mix chain: equal to casemix() without noise, noise of the right size, threads, input."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from drgengine.errors import EvaluationError
from drgengine.evaluation.mix import UnitStatistics, casemix, risk_groups, statistics_of_table
from drgengine.evaluation.uncertainty import bootstrap_chain

CODES = ("FB19", "FB13", "FR25", "GK35", "GZ11", "BR21", "ES31", "DT19")


def table(hospitals: int = 5, seed: int = 0, spread: float = 0.8, codes: tuple[str, ...] = CODES) -> pd.DataFrame:
    """One row per hospital and DRG, some cells empty; `spread` is the coefficient of variation of a case."""
    rng = np.random.default_rng(seed)
    rows = []
    for h in range(hospitals):
        for j, code in enumerate(codes):
            n = int(rng.integers(0, 3)) if j > 5 else int(rng.integers(1, 80))
            if n == 0:
                continue
            mean = 1000.0 * (j + 1) * (1 + 0.1 * h)
            row: dict[str, Any] = {"hospital_id": f"H{h}", "drg": code, "cases": n}
            for amount, of in (("charge", mean), ("cost", 0.8 * mean), ("los", 2.0 * (j + 1))):
                total = np.round(n * of)
                row[f"{amount}_sum"] = total
                row[f"{amount}_sumsq"] = total**2 / n * (1 + (n - 1) / n * spread**2)
            row["deaths"] = int(rng.binomial(n, 0.01 * j))
            rows.append(row)
    return pd.DataFrame(rows)


def statistics(*args: Any, **options: Any) -> UnitStatistics:
    return statistics_of_table(table(*args, **options))


OTHER = statistics(3, 9)
MEANS = pd.DataFrame({"charge": [900.0, 2100.0], "los": [3.0, 0.0]}, index=["FB19", "FR25"])


def as_in_casemix(found: Any, mix: Any) -> None:
    for name, values in found.observed.items():
        expected = mix.table[name].to_numpy(dtype=float)
        np.testing.assert_allclose(values, expected, rtol=1e-12, atol=1e-12, err_msg=name)
    assert found.units.equals(mix.table.index)


@pytest.mark.kernel
@pytest.mark.parametrize(
    "options",
    [
        pytest.param({}, id="same data"),
        pytest.param({"leave_one_out": True}, id="leave one out"),
        pytest.param({"shrinkage": 0.0}, id="no shrinkage"),
        pytest.param({"leave_one_out": True, "shrinkage": 0.0}, id="leave one out, no shrinkage"),
        pytest.param({"benchmark": OTHER}, id="other statistics"),
        pytest.param({"benchmark": MEANS}, id="table of means"),
        pytest.param({"weights": {"FB19": 2.5, "GK35": 0.4, "ZZ11": 1.0}}, id="given weights"),
        pytest.param({"kinds": {"FB1": "medical"}, "low_risk_scores": (0, 1)}, id="kinds and low-risk scores"),
        pytest.param({"expected_mdcs": ["A", "F", "G"], "mdc_threshold": 40}, id="expected MDCs"),
    ],
)
def test_without_noise_the_columns_are_those_of_casemix(options: dict[str, Any]) -> None:
    current = statistics()
    as_in_casemix(bootstrap_chain(current, draws=1, **options), casemix(current, **options))


def test_base_mortality_and_excluded_cases_as_in_casemix() -> None:
    frame = table()
    frame["inclusion"] = np.where(np.arange(len(frame)) % 5 == 0, "long_stay", "included")
    current, base = statistics_of_table(frame), statistics(8, 4)
    for risks in (base, risk_groups(base), {"FB13": 0.01, "FR25": 0.02, "GK35": 0.0, "GZ11": 0.2}):
        as_in_casemix(bootstrap_chain(current, risks=risks, draws=1), casemix(current, base=risks))


def test_an_amount_that_does_not_occur_is_not_a_number() -> None:
    frame = table().drop(columns=["cost_sum", "cost_sumsq", "los_sum", "los_sumsq"])
    current = statistics_of_table(frame)
    found = bootstrap_chain(current, draws=3)
    as_in_casemix(found, casemix(current))
    assert np.isnan(found.columns["time_index"]).all()
    assert np.isnan(found.columns["cost_index_oe"]).all()


@pytest.mark.kernel
@pytest.mark.parametrize("mix", ["fixed", "drawn"])
def test_equal_cases_give_equal_draws(mix: Any) -> None:
    """Without spread of cases only deaths, and with a drawn mix the cases, differ from draw to draw."""
    frame = table(spread=0.0)
    frame = frame.assign(charge_sum=500.0 * frame["cases"], charge_sumsq=250_000.0 * frame["cases"])
    current = statistics_of_table(frame)
    found = bootstrap_chain(current, mix=mix, draws=20)
    expected = casemix(current).table
    for name in ("cmi", "charge_index", "charge_index_oe", "charge_index_shrunk", "mean_charge"):
        wanted = np.broadcast_to(expected[name].to_numpy(), (20, 5))
        np.testing.assert_allclose(found.columns[name], wanted, rtol=1e-12, err_msg=name)
    if mix == "fixed":
        for name in ("total_weight", "cost_index", "time_index", "mean_stay", "cmi_medical"):
            wanted = np.broadcast_to(expected[name].to_numpy(dtype=float), (20, 5))
            np.testing.assert_allclose(found.columns[name], wanted, rtol=1e-9, err_msg=name)


@pytest.mark.parametrize("mix", ["fixed", "drawn"])
@pytest.mark.parametrize("previous", [None, OTHER])
def test_threads_and_kept_columns_do_not_change_the_numbers(mix: Any, previous: Any) -> None:
    current = statistics()
    one = bootstrap_chain(current, mix=mix, draws=50, seed=3, threads=1, previous=previous)
    four = bootstrap_chain(current, mix=mix, draws=50, seed=3, threads=4, previous=previous)
    few = bootstrap_chain(current, mix=mix, draws=50, seed=3, columns=["cmi", "smr"], previous=previous)
    for a, b in ((one, four), (one.previous, four.previous)):
        if a is None:
            continue
        for name in a.columns:
            assert np.array_equal(a.columns[name], b.columns[name], equal_nan=True), name
    assert list(few.columns) == ["cmi", "smr"]
    assert np.array_equal(few.columns["smr"], one.columns["smr"])
    assert not np.array_equal(bootstrap_chain(current, draws=50, seed=4).columns["cmi"], one.columns["cmi"])
    first = bootstrap_chain(current, mix=mix, draws=7, seed=3)
    assert np.array_equal(first.columns["cmi"], one.columns["cmi"][:7]), "more draws keep the first ones"


@pytest.mark.parametrize("mix", ["fixed", "drawn"])
def test_computed_weights_add_up_to_the_cases_in_every_draw(mix: Any) -> None:
    found = bootstrap_chain(statistics(), mix=mix, draws=40)
    np.testing.assert_allclose(found.columns["total_weight"].sum(axis=1), found.columns["cases"].sum(axis=1))


def test_charges_in_another_unit_leave_indices_and_weights() -> None:
    frame = table()
    large = frame.assign(charge_sum=frame["charge_sum"] * 100, charge_sumsq=frame["charge_sumsq"] * 10_000)
    one, other = (bootstrap_chain(statistics_of_table(each), draws=30) for each in (frame, large))
    for name in ("charge_index", "charge_index_oe", "charge_index_shrunk", "cmi", "high_weight_share", "time_index"):
        np.testing.assert_allclose(one.columns[name], other.columns[name], rtol=1e-9, err_msg=name)
    np.testing.assert_allclose(one.columns["mean_charge"] * 100, other.columns["mean_charge"], rtol=1e-9)


def test_the_sum_of_a_cell_has_its_mean_and_variance() -> None:
    """One hospital, one DRG: the mean charge of a draw has the standard error s / sqrt(n); the draws hang together."""
    n, cv = 400, 1.3
    frame = pd.DataFrame({"hospital_id": ["H"], "drg": ["FB19"], "cases": [n]})
    for amount, mean in (("charge", 5000.0), ("cost", 4000.0), ("los", 10.0)):
        frame[f"{amount}_sum"] = n * mean
        frame[f"{amount}_sumsq"] = n * mean**2 * (1 + cv**2 * (n - 1) / n)
    found = bootstrap_chain(statistics_of_table(frame), draws=6000)
    error = cv / np.sqrt(n)
    drawn = {name: found.columns[name][:, 0] for name in ("mean_charge", "mean_cost", "mean_stay")}
    for (_, values), mean in zip(drawn.items(), (5000.0, 4000.0, 10.0), strict=True):
        assert values.mean() == pytest.approx(mean, rel=4 * error / np.sqrt(6000))
        assert values.std() == pytest.approx(mean * error, rel=0.04)
    seen = np.corrcoef(np.log(list(drawn.values())))
    np.testing.assert_allclose(seen[np.triu_indices(3, 1)], [0.8, 0.6, 0.6], atol=0.03)
    asked = bootstrap_chain(statistics_of_table(frame), draws=3000, correlation={("los", "charge"): -0.5})
    assert np.corrcoef(asked.columns["mean_charge"][:, 0], asked.columns["mean_stay"][:, 0])[0, 1] == pytest.approx(
        -0.5, abs=0.05
    )


def test_one_case_is_as_uncertain_as_the_cases_of_its_group_elsewhere() -> None:
    rows = [("H1", 1, 900.0, 810_000.0), ("H2", 200, 1000.0, 200 * 1_360_000.0)]
    frame = pd.DataFrame(
        [{"hospital_id": h, "drg": "FB19", "cases": n, "charge_mean": m, "charge_sumsq": q} for h, n, m, q in rows]
    )
    found = bootstrap_chain(statistics_of_table(frame), draws=4000)
    # The group varies with cv = 0.6, up to the n - 1 of the one cell that shows it.
    assert found.columns["mean_charge"][:, 0].std() == pytest.approx(900 * 0.6, rel=0.06)
    assert found.columns["mean_charge"][:, 1].std() == pytest.approx(1000 * 0.6 / np.sqrt(200), rel=0.06)


def test_missing_squares_and_no_two_cases_are_told() -> None:
    frame = table().drop(columns="charge_sumsq")
    found = bootstrap_chain(statistics_of_table(frame), draws=5)
    assert np.ptp(found.columns["charge_index"], axis=0).max() == 0.0
    assert np.ptp(found.columns["time_index"], axis=0).min() > 0.0
    assert "No sums of squares of charge" in found.notes[0]
    single = pd.DataFrame({"hospital_id": ["A", "B"], "drg": "FB19", "cases": 1, "charge_sum": [4.0, 5.0]})
    single["charge_sumsq"] = single["charge_sum"] ** 2
    found = bootstrap_chain(statistics_of_table(single), draws=4000)
    assert "coefficient of variation of 1" in found.notes[0]
    assert np.log(found.columns["mean_charge"]).std() == pytest.approx(np.sqrt(np.log(2)), rel=0.05)


def deaths_table(units: int = 400, rate: float = 0.004, cases: int = 250) -> pd.DataFrame:
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"hospital_id": [f"H{k:03d}" for k in range(units)], "drg": "FB19", "cases": cases})
    return frame.assign(charge_mean=10.0, charge_sumsq=100.0 * cases, deaths=rng.binomial(cases, rate, units))


def test_deaths_are_drawn_around_those_observed_and_none_is_no_certainty() -> None:
    frame = deaths_table()
    found = bootstrap_chain(statistics_of_table(frame), risks={"FB19": 0.004}, draws=3000, low_risk_scores=(-1,))
    drawn, seen = found.columns["deaths"], frame["deaths"].to_numpy()
    some = seen > 0
    error = np.sqrt(seen[some] / 3000)
    assert (np.abs(drawn[:, some].mean(axis=0) - seen[some]) < 4.5 * error).all()
    np.testing.assert_allclose(drawn[:, some].var(axis=0), seen[some], rtol=0.4)
    expected = 250 * (seen.sum() + 0.5) / (400 * 250)
    none = drawn[:, ~some]
    assert none.min() > 0.0
    assert none.mean() == pytest.approx(expected / (2 * expected + 1), rel=0.03)
    np.testing.assert_allclose(found.columns["smr"], drawn / (250 * 0.004))


def test_deaths_by_risk_score_add_up() -> None:
    base = {"FB19": 0.001, "FB13": 0.004, "FR25": 0.02, "GK35": 0.03, "GZ11": 0.2, "BR21": 0.0}
    found = bootstrap_chain(statistics(), risks=base, draws=50, low_risk_scores=(0, 1))
    assert (found.columns["low_risk_deaths"] + found.columns["mid_low_risk_deaths"] < found.columns["deaths"]).all()
    rate = found.columns["low_risk_deaths"] / found.observed["low_risk_cases"]
    np.testing.assert_allclose(found.columns["low_risk_mortality"], rate)


def test_a_drawn_mix_draws_the_cases() -> None:
    current = statistics()
    found = bootstrap_chain(current, mix="drawn", draws=2000)
    n = found.observed["cases"]
    drawn = found.columns["cases"]
    assert (np.abs(drawn.mean(axis=0) - n) < 4 * np.sqrt(n / 2000)).all()
    np.testing.assert_allclose(drawn.var(axis=0), n, rtol=0.15)
    np.testing.assert_allclose(found.columns["disposition_known"], drawn, rtol=1e-12)
    assert (found.columns["drg_count"] <= found.observed["drg_count"]).all()
    assert (found.columns["drg_count"].mean(axis=0) < found.observed["drg_count"]).any()
    kept = bootstrap_chain(current, draws=2000)
    assert (found.columns["cmi"].std(axis=0) > kept.columns["cmi"].std(axis=0)).all()
    assert np.ptp(kept.columns["drg_count"], axis=0).max() == 0.0
    np.testing.assert_allclose(found.columns["smr"].mean(axis=0), found.observed["smr"], rtol=0.3)


def test_a_hospital_without_a_drawn_case_has_no_value_in_that_draw() -> None:
    frame = table(2)
    one = frame[frame["hospital_id"] == "H0"].head(1)
    means = {name: one[name] // one["cases"] for name in one.columns if name.endswith("_sum")}
    squares = {f"{name}sq": mean**2 for name, mean in means.items()}
    one = one.assign(hospital_id="tiny", cases=1, **means, **squares)
    found = bootstrap_chain(statistics_of_table(pd.concat([frame, one])), mix="drawn", draws=400)
    at = found.units.get_loc("tiny")
    empty = found.columns["cases"][:, at] == 0
    assert empty.mean() == pytest.approx(np.exp(-1), abs=0.08)
    assert np.isnan(found.columns["cmi"][empty, at]).all()
    assert not np.isnan(found.columns["cmi"][~empty, at]).any()


def test_the_previous_period_uses_the_weights_of_the_same_draw() -> None:
    """The same statistics twice with one case type: both CMI of a draw differ only by the weights, which are shared."""
    current, previous = statistics(), statistics(4, 9)
    found = bootstrap_chain(current, previous=previous, draws=30)
    assert found.previous is not None
    fixed = casemix(current).weights
    np.testing.assert_allclose(found.previous.observed["cmi"], casemix(previous, weights=fixed).table["cmi"])
    assert found.previous.units.tolist() == ["H0", "H1", "H2", "H3"]
    twice = bootstrap_chain(current, previous=current, draws=30)
    assert twice.previous is not None
    # Cases are fixed, so total weights follow from the weights alone, although the charges are drawn apart.
    np.testing.assert_allclose(twice.previous.columns["total_weight"], twice.columns["total_weight"])
    assert not np.array_equal(twice.previous.columns["charge_index"], twice.columns["charge_index"])


def test_given_weights_stay_in_every_draw() -> None:
    weights = {code: 1.0 + k for k, code in enumerate(CODES)}
    found = bootstrap_chain(statistics(), weights=weights, draws=20)
    assert np.ptp(found.columns["total_weight"], axis=0).max() == 0.0
    assert "weights as given" in found.method_text


def test_interval_and_words() -> None:
    found = bootstrap_chain(statistics(), draws=200, seed=8)
    table = found.interval("charge_index", 0.9)
    assert ((table["low"] < table["value"]) & (table["value"] < table["high"])).all()
    assert (found.seed, found.draws, found.mix) == (8, 200, "fixed")
    assert "seed 8" in found.method_text
    assert "种子8" in found.method_text_zh


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"mix": "loose"}, ["mix", "loose", "drawn"]),
        ({"draws": 0}, ["0 draws"]),
        ({"columns": ["cmi", "rank"]}, ["'rank'", "cmi"]),
        ({"correlation": {("charge", "los"): 1.5}}, ["correlation", "1.5"]),
        ({"correlation": {("charge", "stay"): 0.5}}, ["correlation", "stay"]),
        (
            {"correlation": {("charge", "cost"): 0.9, ("charge", "los"): 0.9, ("cost", "los"): -0.9}},
            ["contradict"],
        ),
        ({"benchmark": OTHER, "leave_one_out": True}, ["leave_one_out", "same data"]),
        ({"weights": {"FB19": -1.0}}, ["FB19", "-1.0"]),
        ({"risks": {"FB19": 1.5}}, ["FB19", "1.5"]),
    ],
)
def test_broken_input_says_where(options: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(EvaluationError) as caught:
        bootstrap_chain(statistics(2), **options)
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_no_included_case_is_refused() -> None:
    with pytest.raises(EvaluationError, match="no included case"):
        bootstrap_chain(statistics_of_table(table(1).assign(inclusion="invalid")))
