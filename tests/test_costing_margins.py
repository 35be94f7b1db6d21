"""Profit and loss of cases: three views, sums that add up, intervals, break-even."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drgengine.costing.value.margins import LOSS, NOT_ROBUST, PROFIT, VIEWS, break_even_volume, margins
from drgengine.errors import CostingError

yuan = st.integers(0, 10_000_000).map(lambda fen: fen / 100)
label = st.sampled_from(["FR21", "FR25", "GB29", ""])
drawn = st.lists(
    st.tuples(st.one_of(st.none(), yuan), yuan, yuan, st.one_of(st.none(), yuan), label, label), max_size=30
)


def made(rows: list[tuple[Any, ...]]) -> Any:
    payment, full, variable, charges, drg, department = zip(*rows, strict=True) if rows else [()] * 6
    return margins(payment, full, variable, charges, drg=drg, department=department)


@given(drawn, st.sampled_from([(), ("drg",), ("department",), ("drg", "department"), ("physician",)]))
def test_tables_add_up_to_the_cases(rows: list[tuple[Any, ...]], keys: tuple[str, ...]) -> None:
    found = made(rows)
    table = found.by(*keys)
    assert table["n"].sum() == len(found.cases)
    assert len(found.cases) + len(found.unpaid) == len(rows)
    for name in ("payment", *VIEWS.values(), *VIEWS):
        assert round(table[name].sum() * 100) == round(found.cases[name].sum() * 100), name


@given(drawn)
def test_paid_and_unpaid_are_all(rows: list[tuple[Any, ...]]) -> None:
    lines = made(rows).reconciliation.set_index("cases")
    assert (lines.loc["difference"] == 0).all()
    assert lines.loc["all", "n"] == len(rows)
    assert round(lines.loc["all", "full_cost"] * 100) == sum(round(row[1] * 100) for row in rows)


def test_three_views_of_one_drg() -> None:
    found = margins(
        [100.0, 110.0, 120.0, None],
        [90.0, 90.0, 90.0, 70.0],
        [40.0, 50.0, 60.0, 30.0],
        [130.0, 110.0, math.nan, 80.0],
        drg=["FR21"] * 4,
        case_id=["a", "b", "c", "d"],
    )
    row = found.by("drg").iloc[0]
    assert (row["n"], row["margin"], row["contribution"], row["charge_margin"]) == (3, 60.0, 180.0, -30.0)
    assert (row["charge_margin_n"], row["charge_margin_loss_share"], row["margin_loss_share"]) == (2, 0.5, 0.0)
    assert row["margin_mean"] == 20.0
    # t quantile of 2 degrees of freedom at 97.5 %: 4.302653; deviation 10, so half the width is 24.84.
    assert row["margin_high"] - row["margin_mean"] == pytest.approx(4.302653 * 10 / math.sqrt(3), rel=1e-6)
    assert row["margin_sign"] == NOT_ROBUST
    assert row["break_even"] == pytest.approx(120.0 / (110.0 - 50.0))
    assert found.unpaid[["case_id", "full_cost"]].to_numpy().tolist() == [["d", 70.0]]


@pytest.mark.parametrize(
    ("gain", "sign"),
    [([10.0, 11.0, 12.0], PROFIT), ([-10.0, -11.0, -12.0], LOSS), ([-1.0, 9.0, 2.0], NOT_ROBUST), ([5.0], NOT_ROBUST)],
    ids=["profit", "loss", "around nothing", "one case"],
)
def test_sign_of_the_mean(gain: list[float], sign: str) -> None:
    cost = np.full(len(gain), 1000.0)
    found = margins(cost + gain, cost, cost, drg=["X"] * len(gain)).by("drg")
    assert found["margin_sign"].tolist() == [sign]


def test_the_interval_holds_the_true_mean_as_often_as_it_says() -> None:
    rng = np.random.default_rng(20240701)
    gain = rng.normal(50.0, 400.0, (500, 20))
    cost = np.full(gain.size, 1000.0)
    table = margins(cost + gain.ravel(), cost, cost, drg=np.repeat([f"G{i:03d}" for i in range(500)], 20)).by("drg")
    hits = (table["margin_low"] <= 50.0) & (table["margin_high"] >= 50.0)
    assert 0.92 <= hits.mean() <= 0.98


def test_without_charges_there_is_no_charge_view() -> None:
    found = margins([10.0], [5.0], [1.0], drg=["X"])
    row = found.by("drg").iloc[0]
    assert np.isnan(row["charges"])
    assert np.isnan(row["charge_margin"])
    assert row["charge_margin_n"] == 0
    assert found.cases["charge_margin"].isna().all()


def test_a_loss_per_case_has_no_break_even() -> None:
    assert np.isnan(break_even_volume([10.0], [5.0], [5.0])).all()
    table = margins([10.0, 10.0], [9.0, 30.0], [5.0, 15.0], drg=["X", "Y"]).by("drg")
    assert table["break_even"].tolist() == pytest.approx([0.8, math.nan], nan_ok=True)


def test_no_case_paid() -> None:
    found = margins([None, None], [5.0, 6.0], [1.0, 2.0], drg=["X", "Y"])
    assert len(found.by("drg")) == 0
    assert found.by()["n"].tolist() == [0]
    assert found.reconciliation.set_index("cases").loc["unpaid", "full_cost"] == 11.0


def test_cases_without_drg_or_department_stand_under_an_empty_name() -> None:
    found = margins([1.0, 2.0], [1.0, 1.0], [1.0, 1.0], drg=[None, "X"], department=[None, math.nan])
    assert found.by("drg")["drg"].tolist() == ["", "X"]
    assert found.by("department")["n"].tolist() == [2]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"full_cost": [1.0, None]}, ["full_cost", "1 cases", "rows 2"]),
        ({"variable_cost": [1.0]}, ["variable_cost", "1 amounts for 2 cases"]),
        ({"drg": ["X"]}, ["drg", "1 values for 2 cases"]),
        ({"payment": ["1.0", "much"]}, ["payment", "no number"]),
        ({"confidence": 0.0}, ["confidence"]),
    ],
    ids=["missing", "short", "labels", "text", "confidence"],
)
def test_what_is_wrong_is_said(change: dict[str, Any], words: list[str]) -> None:
    given_values: dict[str, Any] = {"payment": [1.0, 1.0], "full_cost": [1.0, 1.0], "variable_cost": [0.0, 0.0]}
    with pytest.raises(CostingError) as caught:
        margins(**{**given_values, "drg": ["X", "Y"], **change})
    assert all(word in str(caught.value) for word in words)


def test_unknown_keys_are_refused() -> None:
    with pytest.raises(CostingError, match="drg, department, physician"):
        margins([1.0], [1.0], [1.0], drg=["X"]).by("ward")
