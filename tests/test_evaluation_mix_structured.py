"""Structured weights and standard errors clustered by physician."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t as student

import drgengine
from drgengine import evaluation as ev
from drgengine.cases.vocabulary import column_data
from drgengine.errors import EvaluationError
from drgengine.evaluation.mix import (
    GroupWeights,
    casemix,
    clustered_errors,
    relative_weights,
    structured_weights,
    unit_statistics,
)
from drgengine.evaluation.mix.structuredweights import PARTS_FILE
from drgengine.synth import sample
from drgengine.tomltable import read_toml

PARTS = {part["id"]: part["columns"] for part in read_toml(PARTS_FILE, EvaluationError)["part"]}


@cache
def grouped() -> pa.Table:
    return drgengine.group(sample(6_000, seed=4, hospitals=4)[0])


def by_hand(frame: pd.DataFrame, shares: dict[str, float]) -> dict[str, float]:
    """The definition, case by case: each part of the charges over its mean, averaged by the shares."""
    frame = frame[frame["status"] == "grouped"]
    parts = pd.DataFrame({name: frame[columns].fillna(0.0).sum(axis=1) for name, columns in PARTS.items()})
    known = parts[parts.sum(axis=1) > 0]
    standard = sum(share * known[name] / known[name].mean() for name, share in shares.items())
    weight = standard.groupby(frame.loc[known.index, "drg"]).mean()
    cases = frame.groupby("drg").size().reindex(weight.index)
    return (weight * cases.sum() / (weight * cases).sum()).to_dict()


def test_every_class_of_charges_of_the_front_page_is_in_one_part() -> None:
    classes = [name for name in column_data()["column"] if name.startswith("charge_")]
    assigned = [column for columns in PARTS.values() for column in columns]
    assert sorted(assigned) == sorted(classes)
    assert len(classes) == 24
    assert list(PARTS) == ["medical", "nursing", "technical", "drug", "management"]


def test_weights_are_those_of_the_definition_and_add_up_to_the_cases() -> None:
    found = structured_weights(grouped())
    expected = by_hand(grouped().to_pandas(), dict.fromkeys(PARTS, 0.2))
    assert set(found.weights) == set(expected)
    for drg, weight in expected.items():
        assert found.weights[drg] == pytest.approx(weight, rel=1e-9), drg
    assert (found.parts["cases"] * found.parts["weight"]).sum() == pytest.approx(found.parts["cases"].sum(), rel=1e-12)
    assert (found.parts["cases"] * found.parts["raw"]).sum() == pytest.approx(found.parts["cases"].sum(), rel=1e-12)
    assert found.parts["cases"].sum() == sum(status == "grouped" for status in grouped()["status"].to_pylist())
    assert found.money["drug"] > 0.25, "a fifth is less than drugs had"
    assert isinstance(found, GroupWeights)
    assert found.computed


def test_other_shares_and_parts() -> None:
    found = structured_weights(grouped(), shares={"medical": 3, "nursing": 1})
    assert found.shares == {"medical": 0.75, "nursing": 0.25, "technical": 0.0, "drug": 0.0, "management": 0.0}
    expected = by_hand(grouped().to_pandas(), {"medical": 0.75, "nursing": 0.25})
    assert found.weights == pytest.approx(expected, rel=1e-9)
    one = structured_weights(grouped(), parts={"all": [name for names in PARTS.values() for name in names]})
    np.testing.assert_allclose(one.parts["weight"], one.parts["raw"], rtol=1e-12, err_msg="one part is the plain mean")


def test_weights_serve_the_case_mix() -> None:
    found = structured_weights(grouped())
    table = casemix(grouped(), weights=found).table
    assert table["total_weight"].sum() == pytest.approx(table["cases"].sum(), rel=1e-9)
    raw = casemix(grouped()).table
    assert not np.allclose(table["cmi"], raw["cmi"], rtol=1e-3)
    # Charges of the sample add up to the total, so that the plain form is the well-known weight.
    plain = relative_weights(unit_statistics(grouped()))
    both = pd.Series(plain.weights).reindex(found.parts.index)
    np.testing.assert_allclose(found.parts["raw"], both, rtol=1e-6)


def test_units_of_money_and_order_of_rows_do_not_matter() -> None:
    frame = grouped().to_pandas()
    plain = structured_weights(frame)
    dear = frame.assign(**{name: frame[name] * 10 for name in PARTS["drug"]})
    assert structured_weights(dear).weights == pytest.approx(plain.weights, rel=1e-9), "that is the point of them"
    assert relative_weights(unit_statistics(frame)).weights != pytest.approx(plain.weights, rel=1e-2)
    shuffled = pl.from_pandas(frame.sample(frac=1.0, random_state=1).drop(columns=["dx", "proc"]))
    assert structured_weights(shuffled).weights == pytest.approx(plain.weights, rel=1e-9)


def test_what_is_missing_or_unusable_is_said() -> None:
    cases = pd.DataFrame(
        {
            "drg": ["FR21"] * 3 + ["GB11"] * 3,
            "护理费": [10.0, 20.0, -5.0, 40.0, None, None],
            "西药费": [100.0, 300.0, 200.0, 0.0, 400.0, None],
        }
    )
    found = structured_weights(cases)
    notes = " ".join(en for _, en in found.notes)
    assert "Nobody was charged for medical, technical, management" in notes
    assert "1 charges could not be used (护理费: negative or infinite)" in notes
    assert "1 cases without any class of charges are in no mean" in notes
    assert "Part technical lacks charge_pathology" in notes
    assert found.shares["nursing"] == found.shares["drug"] == 0.5
    # By hand: nursing means 10, 20 (of 70/5 = 14), drug means 200, 200 (of 1000/5); 3 cases each.
    first, second = (10 / 14 + 1) / 2, (20 / 14 + 1) / 2
    scale = 2 / (first + second)
    assert found.weights == pytest.approx({"FR21": first * scale, "GB11": second * scale})


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"shares": {"drugs": 1.0}}, "there is no part 'drugs'"),
        ({"shares": {"drug": -1.0}}, "holds no shares"),
        ({"parts": {"a": ["charge_blood"], "b": ["charge_blood"]}}, "'charge_blood' stands in two places"),
        ({"parts": {"a": []}}, "no part with a column"),
    ],
)
def test_refusals(options: dict[str, Any], words: str) -> None:
    with pytest.raises(EvaluationError, match=words):
        structured_weights(grouped(), **options)


def test_refusal_of_what_has_no_classes() -> None:
    with pytest.raises(EvaluationError, match="statistics hold no classes of charges"):
        structured_weights(unit_statistics(grouped()))
    with pytest.raises(EvaluationError, match="no class of charges, such as"):
        structured_weights(pa.table({"drg": ["FR21"], "total_charge": [1.0]}))
    with pytest.raises(EvaluationError, match="no part with a share has a charge"):
        structured_weights(pa.table({"drg": ["FR21"], "charge_nursing": [0.0]}))
    assert ev.structured_weights is structured_weights


def drawn(seed: int, size: int = 400) -> pd.DataFrame:
    """Cases whose charges go by the habits of their physician."""
    rng = np.random.default_rng(seed)
    hospital = rng.integers(0, 3, size)
    physician = rng.integers(0, 7, size)
    habit = rng.normal(0, 0.3, (3, 7))[hospital, physician]
    return pd.DataFrame(
        {
            "hospital_id": [f"H{k}" for k in hospital],
            "physician_id": [f"P{k}" for k in physician],
            "drg": rng.choice(["FR21", "FR25", "GB11"], size),
            "total_charge": np.round(np.exp(8 + habit + rng.normal(0, 0.4, size)), 2),
            "los_days": rng.integers(1, 30, size),
        }
    )


def directly(cases: pd.DataFrame, column: str, form: str) -> pd.DataFrame:
    """Index and clustered error from the single cases."""
    hoped = cases.groupby("drg")[column].transform("mean")
    rows = {}
    for unit, mine in cases.assign(hoped=hoped).groupby("hospital_id"):
        if form == "ratios":
            value = (mine[column] / mine["hoped"]).mean()
            residual, size = mine[column] / mine["hoped"] - value, len(mine)
        else:
            value = mine[column].sum() / mine["hoped"].sum()
            residual, size = mine[column] - value * mine["hoped"], mine["hoped"].sum()
        sums = residual.groupby(mine["physician_id"]).sum()
        g = len(sums)
        se = np.sqrt(g / (g - 1) * (sums**2).sum()) / size if g > 1 else np.nan
        factor = np.exp(student.ppf(0.975, g - 1) * se / value) if g > 1 else np.nan
        rows[unit] = (value, se, value / factor, value * factor, g)
    return pd.DataFrame.from_dict(rows, orient="index", columns=["value", "se", "low", "high", "clusters"])


@pytest.mark.parametrize("form", ["ratios", "oe"])
@given(seed=st.integers(0, 10_000), size=st.integers(5, 80))
def test_clustered_errors_equal_those_of_the_cases(form: str, seed: int, size: int) -> None:
    cases = drawn(seed, size)
    found = clustered_errors(unit_statistics(cases, ["hospital_id", "physician_id"]), form=form).table
    for name, column in (("charge_index", "total_charge"), ("time_index", "los_days")):
        expected = directly(cases, column, form)
        assert list(found.index) == list(expected.index)
        assert found["clusters"].tolist() == expected["clusters"].tolist()
        for ours, theirs in ((name, "value"), (f"{name}_se", "se"), (f"{name}_low", "low"), (f"{name}_high", "high")):
            np.testing.assert_allclose(found[ours], expected[theirs], rtol=1e-6, atol=1e-9, err_msg=ours)
    assert found["cost_index"].isna().all()


def test_index_and_plain_error_are_those_of_the_case_mix() -> None:
    cases = drawn(1)
    statistics = unit_statistics(cases, ["hospital_id", "physician_id"])
    found = clustered_errors(statistics).table
    plain = casemix(statistics, "hospital_id").table
    for name in ("charge_index", "time_index"):
        np.testing.assert_allclose(found[name], plain[name], rtol=1e-12)
        np.testing.assert_allclose(found[f"{name}_se_cases"], plain[f"{name}_se"], rtol=1e-12)
    assert (found["charge_index_design_effect"] > 1.5).all(), "physicians differ"
    assert (found["charge_index_high"] > plain["charge_index_high"]).all()


def test_every_case_its_own_cluster_is_the_plain_error() -> None:
    cases = drawn(2).assign(physician_id=lambda table: [f"P{k}" for k in range(len(table))])
    found = clustered_errors(unit_statistics(cases, ["hospital_id", "physician_id"])).table
    np.testing.assert_allclose(found["charge_index_se"], found["charge_index_se_cases"], rtol=1e-9)
    np.testing.assert_allclose(found["charge_index_design_effect"], 1.0, rtol=1e-9)


def test_single_and_missing_physicians() -> None:
    cases = drawn(3)
    cases.loc[cases["hospital_id"] == "H0", "physician_id"] = "P0"
    cases.loc[cases.index[cases["hospital_id"] == "H1"][:10], "physician_id"] = None
    found = clustered_errors(unit_statistics(cases, ["hospital_id", "physician_id"])).table
    assert found["clusters"].tolist()[0] == 1
    assert np.isnan(found.loc["H0", "charge_index_se"])
    assert found.loc["H0", "largest_cluster"] == 1.0
    assert found["without_cluster"].tolist() == [0, 10, 0]
    assert np.isfinite(found.loc["H1", "charge_index_se"])


def test_units_of_two_columns_and_another_benchmark() -> None:
    cases = drawn(4).assign(department_id=lambda table: ["D1", "D2"] * (len(table) // 2))
    statistics = unit_statistics(cases, ["hospital_id", "department_id", "physician_id"])
    fine = clustered_errors(statistics, ["hospital_id", "department_id"])
    assert fine.table.index.names == ["hospital_id", "department_id"]
    assert len(fine.table) == 6
    benchmark = unit_statistics(drawn(5))
    other = clustered_errors(statistics, benchmark=benchmark).table
    plain = casemix(statistics, "hospital_id", benchmark=benchmark).table
    np.testing.assert_allclose(other["charge_index"], plain["charge_index"], rtol=1e-12)


def test_clustered_intervals_hold_more_often() -> None:
    """Hospitals without any difference: 95 % intervals of cases miss 1 far too often, clustered ones seldom."""
    missed = np.zeros(2)
    rng = np.random.default_rng(9)
    for _ in range(12):
        size, doctors = 6_000, 25
        hospital, physician = rng.integers(0, 8, size), rng.integers(0, doctors, size)
        habit = rng.normal(0, 0.25, (8, doctors))[hospital, physician]
        cases = pd.DataFrame(
            {
                "hospital_id": hospital.astype(str),
                "physician_id": physician.astype(str),
                "drg": "FR21",
                "total_charge": np.round(1000 * np.exp(habit + rng.normal(0, 0.3, size)), 2),
            }
        )
        statistics = unit_statistics(cases, ["hospital_id", "physician_id"])
        found = clustered_errors(statistics).table
        plain = casemix(statistics, "hospital_id").table
        missed += [
            ((plain["charge_index_low"] > 1) | (plain["charge_index_high"] < 1)).mean() / 12,
            ((found["charge_index_low"] > 1) | (found["charge_index_high"] < 1)).mean() / 12,
        ]
    assert missed[0] > 0.3
    assert missed[1] < 0.12


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"cluster": "ward"}, "were not kept by 'ward'"),
        ({"cluster": "hospital_id"}, "makes the units already"),
        ({"form": "median"}, "'median' is no form"),
        ({"confidence": 2}, "confidence: 2 is no share"),
    ],
)
def test_clustered_refusals(options: dict[str, Any], words: str) -> None:
    with pytest.raises(EvaluationError, match=words):
        clustered_errors(unit_statistics(drawn(1), ["hospital_id", "physician_id"]), **options)
