"""Pools and claims: the kernel against its twin, whole fen, and what has no claim."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drgengine.costing.cases.pools import Claims, Pools, add_rows, distribute, give_idle, join, make_claims
from drgengine.costing.cases.reference_cells import add_rows_by_hand, distribute_by_hand
from drgengine.errors import CostingError

amounts = st.one_of(st.just(0), st.integers(-1000, 1000), st.integers(-(10**12), 10**12))
weights = st.one_of(st.sampled_from([0.0, 1.0, 1.0, 3.0]), st.floats(1e-3, 1e9))


@st.composite
def pools_and_claims(draw: st.DrawFn) -> tuple[list[list[int]], list[tuple[int, int, float]]]:
    """Few pools and objects, so that they collide; claims sorted, every pool with one that counts."""
    count, columns = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    fen = [[draw(amounts) for _ in range(columns)] for _ in range(count)]
    claims = []
    for pool in range(count):
        things = draw(st.lists(st.integers(0, 9), min_size=1, max_size=6, unique=True))
        claims += [(pool, thing, draw(weights)) for thing in sorted(things)[:-1]]
        claims.append((pool, max(things), draw(st.floats(1e-3, 1e9))))
    return fen, claims


def give(fen: list[list[int]], claims: list[tuple[int, int, float]]) -> np.ndarray:
    """One row per claim."""
    names = tuple(f"P{n}" for n in range(len(fen)))
    columns = tuple(("personnel", str(n)) for n in range(len(fen[0])))
    pools = Pools(names, names, names, columns, np.array(fen, np.int64))
    pool, thing, weight = zip(*claims, strict=True)
    made, _ = make_claims(pool, thing, weight, place="drawn")
    return distribute(pools, made, np.arange(len(claims)), len(claims))


@pytest.mark.kernel
@given(pools_and_claims())
def test_kernel_gives_what_the_twin_gives(drawn: tuple[list[list[int]], list[tuple[int, int, float]]]) -> None:
    fen, claims = drawn
    expected = distribute_by_hand(fen, claims)
    assert give(fen, claims).tolist() == [expected[pool, thing] for pool, thing, _ in claims]


@pytest.mark.kernel
@given(st.lists(st.tuples(st.integers(0, 6), st.tuples(amounts, amounts)), max_size=20))
def test_rows_are_added_as_by_hand(drawn: list[tuple[int, tuple[int, int]]]) -> None:
    rows = np.array([row for row, _ in drawn], np.int32)
    fen = np.array([list(pair) for _, pair in drawn], np.int64).reshape(len(drawn), 2)
    expected = add_rows_by_hand(rows.tolist(), fen.tolist(), 7)
    assert add_rows(rows, fen, 7).tolist() == [expected.get(row, [0, 0]) for row in range(7)]


@pytest.mark.kernel
@given(pools_and_claims())
def test_pools_are_given_out_exactly_and_each_part_is_within_a_fen(
    drawn: tuple[list[list[int]], list[tuple[int, int, float]]],
) -> None:
    fen, claims = drawn
    cells = give(fen, claims)
    pool = np.array([claim[0] for claim in claims])
    for number, row in enumerate(fen):
        assert cells[pool == number].sum(axis=0).tolist() == row
        whole = sum(Fraction(w) for p, _, w in claims if p == number)
        for claim, cell in zip(claims, cells, strict=True):
            if claim[0] == number:
                for amount, got in zip(row, cell.tolist(), strict=True):
                    assert abs(got - amount * Fraction(claim[2]) / whole) <= Fraction(1002, 1000)
                    assert claim[2] > 0 or got == 0


@pytest.mark.kernel
def test_claims_of_one_row_are_added_up() -> None:
    pools = Pools(("a", "b"), ("g", "g"), ("", ""), (("personnel", "fixed"),), np.array([[100], [11]], np.int64))
    claims, _ = make_claims([0, 0, 1], [0, 1, 0], [1.0, 2.0, 5.0], place="here")
    assert distribute(pools, claims, np.array([0, 1, 0]), 2)[:, 0].tolist() == [33 + 11, 67]


# --- claims and pools ------------------------------------------------------------------------------------------------


def test_order_of_claims_does_not_matter_and_duplicates_are_added() -> None:
    one, _ = make_claims([1, 0, 1], [3, 2, 3], [1.5, 2.0, 2.5], place="here")
    two, _ = make_claims([0, 1], [2, 3], [2.0, 4.0], place="here")
    for name in ("pool", "object", "weight"):
        assert getattr(one, name).tolist() == getattr(two, name).tolist()


def test_negative_claims_count_zero_and_are_listed() -> None:
    claims, findings = make_claims([0, 0], [1, 2], [-30.0, 10.0], place="charges", in_yuan=True)
    assert claims.weight.tolist() == [0.0, 10.0]
    assert [(f.rule, f.place, f.amount) for f in findings] == [("negative_claim", "charges", -30.0)]


def test_float_noise_of_cancelled_charges_attracts_nothing() -> None:
    claims, findings = make_claims([0, 0, 0], [1, 1, 1], [0.1, 0.2, -0.3], place="charges")
    assert claims.weight.tolist() == [0.0]
    assert findings == ()


def test_a_weight_that_is_no_number_is_refused() -> None:
    with pytest.raises(CostingError, match="nan"):
        make_claims([0], [1], [float("nan")], place="stays.csv")


def idle() -> tuple[Pools, Claims]:
    fen = np.array([[500], [-40], [0]], np.int64)
    pools = Pools(("W1", "W2", "W3"), ("g",) * 3, ("",) * 3, (("personnel", "fixed"),), fen)
    claims, _ = make_claims([0, 2], [0, 0], [0.0, 1.0], place="here")
    return pools, claims


def test_idle_pools_are_refused_by_name() -> None:
    with pytest.raises(CostingError, match=r"2 pools .* no bed-days: W1 \(5.00 yuan\), W2 \(-0.40 yuan\)"):
        give_idle(*idle(), "refuse", 9, activity="bed-days")


def test_idle_pools_go_to_unassigned_and_claims_without_cost_are_listed() -> None:
    pools, claims = idle()
    filled, findings = give_idle(pools, claims, "unassigned", 9, activity="bed-days")
    assert [(f.rule, f.amount) for f in findings] == [("idle_pool", 4.6), ("activity_without_cost", None)]
    assert distribute(pools, filled, filled.object.astype(np.int64), 10)[9].tolist() == [460]


def test_pools_with_other_columns_cannot_be_joined() -> None:
    pools, claims = idle()
    other = Pools(("x",), ("g",), ("",), (("drugs", "fixed"),), np.zeros((1, 1), np.int64))
    with pytest.raises(ValueError, match="columns"):
        join([(pools, claims), (other, claims)])


def test_pools_without_claims_are_never_lost_in_silence() -> None:
    with pytest.raises(ValueError, match="no claim"):
        distribute(*idle(), np.zeros(2, np.int64), 1)
