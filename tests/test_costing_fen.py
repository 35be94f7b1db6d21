"""Whole fen: exact totals, cells within one fen, ties by position."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drgengine.costing.fen import (
    largest_remainder,
    largest_remainder_columns,
    round_to_totals,
    share_out,
    to_fen,
    to_yuan,
)
from drgengine.errors import CostingError

AMOUNT = st.floats(min_value=-1e12, max_value=1e12, allow_nan=False)


@given(st.integers(-(10**14), 10**14))
def test_whole_fen_survive_the_way_to_yuan_and_back(fen: int) -> None:
    assert int(to_fen(to_yuan(fen))) == fen


@given(st.lists(AMOUNT, min_size=1, max_size=30))
def test_rounded_amounts_add_up_and_stay_within_one_fen(values: list[float]) -> None:
    total = int(np.rint(np.sum(values)))
    rounded = largest_remainder(values, total)
    assert int(rounded.sum()) == total
    noise = 1e-9 * np.abs(values).sum()
    assert np.all(np.abs(rounded - np.asarray(values)) <= 1.0 + 1e-6 + noise)
    assert all(r == 0 for r, v in zip(rounded, values, strict=True) if v == 0 and any(values))


@given(
    st.lists(st.floats(0, 1e6, allow_subnormal=False), min_size=1, max_size=20).filter(lambda w: sum(w) > 1e-3),
    st.integers(-(10**12), 10**12),
)
def test_shares_add_up_for_totals_of_either_sign(weights: list[float], total: int) -> None:
    parts = share_out(weights, total)
    assert int(parts.sum()) == total
    assert np.all(parts * np.sign(total) >= 0)


def test_ties_go_to_the_first() -> None:
    assert largest_remainder([0.5, 0.5, 0.5, 0.5], 2).tolist() == [1, 1, 0, 0]


def test_float_noise_does_not_decide_a_tie() -> None:
    assert largest_remainder([0.5, 0.5 + 1e-12], 1).tolist() == [1, 0]


def test_columns_equal_one_column_at_a_time() -> None:
    rng = np.random.default_rng(7)
    values = rng.normal(0, 1000, (12, 9))
    totals = np.rint(values.sum(axis=0)).astype(np.int64)
    together = largest_remainder_columns(values, totals)
    for k in range(9):
        assert together[:, k].tolist() == largest_remainder(values[:, k], int(totals[k])).tolist()


def test_a_total_against_nothing_goes_to_a_receiver() -> None:
    zero = np.zeros((3, 1))
    assert round_to_totals(zero, np.array([1]), np.array([False, True, True]))[:, 0].tolist() == [0, 1, 0]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: to_fen([1.0, float("nan")]), ["amount 2", "nan"]),
        (lambda: to_fen(1e18), ["1e+18"]),
        (lambda: largest_remainder([1.0, 2.0], 300), ["3.0000", "300 fen"]),
        (lambda: largest_remainder([0.0, 0.0], 1), ["total of 1 fen"]),
        (lambda: share_out([0.0, 0.0], 5), ["weights", "5 fen"]),
        (lambda: share_out([2.0, -1.0], 5), [">= 0"]),
    ],
)
def test_amounts_that_cannot_be_rounded_say_so(call, words: list[str]) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(CostingError) as caught:
        call()
    assert all(word in str(caught.value) for word in words)
