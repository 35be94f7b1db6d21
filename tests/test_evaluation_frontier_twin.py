"""The simplex kernel against its twin in exact fractions, on drawn units with many ties; and the certificate itself."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from drgengine.evaluation.frontier import additive, cost_efficiency, dea, sbm
from drgengine.evaluation.frontier.certificatekernel import infeasible_kernel, optimal_kernel
from drgengine.evaluation.frontier.programs import Programs, Technology, radial_programs
from drgengine.evaluation.frontier.reference_envelopment import (
    maximum,
    reference_largest_slack,
    reference_least_cost,
    reference_radial,
    reference_slack_measure,
)
from drgengine.evaluation.frontier.simplexkernel import INFEASIBLE, OPTIMAL, solve_kernel

pytestmark = pytest.mark.kernel
Floats = npt.NDArray[np.float64]
draw_some = settings(
    deadline=None, max_examples=25, derandomize=True, suppress_health_check=list(HealthCheck), phases=[Phase.generate]
)
MODELS = {"ccr": "crs", "bcc": "vrs", "nirs": "nirs", "ndrs": "ndrs"}
# Few values, so that units are equal, dominate each other by one column, and lie on one ray.
inputs_of = st.sampled_from([1.0, 2.0, 3.0, 4.0, 6.0])
outputs_of = st.sampled_from([0.0, 1.0, 2.0, 3.0, 6.0])


@st.composite
def units(draw: st.DrawFn, positive: bool = False) -> tuple[Floats, Floats]:
    n, m, s = draw(st.integers(1, 7)), draw(st.integers(1, 3)), draw(st.integers(1, 3))
    outputs = inputs_of if positive else outputs_of
    x = draw(st.lists(st.lists(inputs_of, min_size=m, max_size=m), min_size=n, max_size=n))
    y = draw(st.lists(st.lists(outputs, min_size=s, max_size=s).filter(any), min_size=n, max_size=n))
    return np.array(x), np.array(y)


@draw_some
@given(drawn=units(), leave_out=st.booleans())
def test_radial_scores_equal_the_fractions(drawn: tuple[Floats, Floats], leave_out: bool) -> None:
    x, y = drawn
    for model, returns in MODELS.items():
        for orientation in ("input", "output"):
            found = dea(x, y, model, orientation, leave_out)
            assert set(found.status) <= {"optimal", "infeasible"}
            for unit in range(len(x)):
                exact = reference_radial(x.tolist(), y.tolist(), unit, returns, orientation, leave_out)
                if exact is None or (exact == 0 and orientation == "output"):
                    assert found.status[unit] == "infeasible"
                    assert found.reason[unit]
                    assert np.isnan(found.score[unit])
                else:
                    assert found.score[unit] == pytest.approx(float(exact), abs=1e-9)


@pytest.mark.parametrize("seed", range(12))
def test_numbers_over_twelve_powers_of_ten_equal_the_fractions(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.lognormal(0, 5, (8, 3)), rng.lognormal(0, 5, (8, 3))
    y[:, :2][rng.random((8, 2)) < 0.3] = 0.0
    for model, returns in MODELS.items():
        for orientation, leave_out in (("input", False), ("output", True)):
            found = dea(x, y, model, orientation, leave_out)
            for unit in range(8):
                exact = reference_radial(x.tolist(), y.tolist(), unit, returns, orientation, leave_out)
                assert (found.status[unit] == "infeasible") == (exact is None or exact == 0)
                if exact:
                    assert found.score[unit] == pytest.approx(float(exact), rel=1e-7)


@draw_some
@given(drawn=units())
def test_second_stage_finds_the_largest_sum_of_slacks(drawn: tuple[Floats, Floats]) -> None:
    x, y = drawn
    for model, returns in MODELS.items():
        found = dea(x, y, model)
        for unit in range(len(x)):
            theta = Fraction(reference_radial(x.tolist(), y.tolist(), unit, returns, "input") or 0)
            at_x, at_y = [theta * Fraction(v) for v in x[unit]], [Fraction(v) for v in y[unit]]
            exact = reference_largest_slack(x.tolist(), y.tolist(), unit, returns, at_x, at_y)
            assert exact is not None
            total = found.slacks.inputs[unit].sum() + found.slacks.outputs[unit].sum()
            assert total == pytest.approx(float(exact), abs=1e-8)
            assert bool(found.efficient[unit]) == (theta == 1 and exact == 0)


@draw_some
@given(drawn=units())
def test_additive_equals_the_fractions(drawn: tuple[Floats, Floats]) -> None:
    x, y = drawn
    for returns in MODELS.values():
        found = additive(x, y, returns)
        for unit in range(len(x)):
            at = [Fraction(v) for v in x[unit]], [Fraction(v) for v in y[unit]]
            exact = reference_largest_slack(x.tolist(), y.tolist(), unit, returns, *at)
            assert exact is not None
            assert found.score[unit] == pytest.approx(float(exact), abs=1e-8)


@draw_some
@given(drawn=units(positive=True), data=st.data())
def test_slack_measure_and_cost_equal_the_fractions(drawn: tuple[Floats, Floats], data: st.DataObject) -> None:
    x, y = drawn
    prices = np.array(data.draw(st.lists(inputs_of, min_size=x.shape[1], max_size=x.shape[1])))
    for returns in MODELS.values():
        measured, priced = sbm(x, y, returns), cost_efficiency(x, y, prices, returns)
        for unit in range(len(x)):
            exact = reference_slack_measure(x.tolist(), y.tolist(), unit, returns)
            assert exact is not None
            assert measured.score[unit] == pytest.approx(float(exact), abs=1e-9)
            cost = reference_least_cost(x.tolist(), y.tolist(), unit, returns, prices.tolist())
            assert cost is not None
            assert priced.minimal_cost[unit] == pytest.approx(float(cost), rel=1e-9)


def test_dictionaries_solve_a_printed_example_and_see_what_cannot_be() -> None:
    one = Fraction(1)
    # Chvatal, Linear Programming (1983), chapter 2: 5 x1 + 4 x2 + 3 x3 has the maximum 13.
    rows = [[2 * one, 3 * one, one], [4 * one, one, 2 * one], [3 * one, 4 * one, 2 * one]]
    assert maximum([5 * one, 4 * one, 3 * one], rows, [5 * one, 11 * one, 8 * one]) == 13
    assert maximum([one], [[one], [-one]], [one, -2 * one]) is None
    with pytest.raises(ArithmeticError, match="unbounded"):
        maximum([one], [[-one]], [one])


def solved(programs: Programs) -> tuple[npt.NDArray[np.int64], Floats, Floats, npt.NDArray[np.int64]]:
    count, rows = programs.rhs.shape
    basis, state = np.zeros((count, rows), np.int64), np.zeros(count, np.int64)
    value, dual = np.zeros((count, rows)), np.zeros((count, programs.cost.shape[1], rows))
    solve_kernel(
        programs.tech, programs.extra, programs.cost, programs.rhs, programs.scale, programs.fixed, programs.start,
        programs.repair, programs.exclude, 500, basis, value, dual, state, np.zeros(count, np.int64),
    )  # fmt: skip
    return basis, value, dual, state


def test_certificate_sees_every_kind_of_fault() -> None:
    rng = np.random.default_rng(20261122)
    x, y = rng.lognormal(size=(12, 2)), rng.lognormal(size=(12, 2))
    tech = Technology.of(x, y)
    programs = radial_programs(tech, tech.inputs, tech.outputs, "vrs", "input", np.full(12, -1))
    basis, value, dual, state = solved(programs)
    assert (state == OPTIMAL).all()

    def proof(basis: npt.NDArray[np.int64], value: Floats, dual: Floats) -> Floats:
        out = np.empty((12, 3))
        optimal_kernel(
            programs.tech, programs.extra, programs.cost, programs.rhs, programs.fixed, programs.exclude, basis, value,
            dual, 1e-10, out,
        )  # fmt: skip
        return out

    assert proof(basis, value, dual).max() < 1e-12
    assert (proof(basis, value * 1.001, dual)[:, 0] > 1e-5).all()  # rows broken
    assert (proof(basis, value, dual * 0.999)[:, 1] > 1e-5).all()  # primal and dual value apart
    assert (proof(basis, value, dual * 1.001)[:, 2] > 1e-5).any()  # a unit would still improve the value
    negative = value.copy()
    negative[:, 0] = -1.0
    assert (proof(basis, negative, dual).max(axis=1) > 1e-5).all()


def test_certificate_of_a_program_without_solution() -> None:
    tech = Technology.of(np.ones((3, 1)), np.array([[1.0], [2.0], [4.0]]))
    programs = radial_programs(tech, tech.inputs, tech.outputs, "vrs", "input", np.arange(3))
    _, _, dual, state = solved(programs)
    assert state.tolist() == [OPTIMAL, OPTIMAL, INFEASIBLE]
    out = np.empty(3)
    ray = np.ascontiguousarray(dual[:, 0])
    infeasible_kernel(programs.tech, programs.extra, programs.rhs, programs.fixed, programs.exclude, ray, out)
    assert out[2] <= 1e-12
    infeasible_kernel(programs.tech, programs.extra, programs.rhs, programs.fixed, programs.exclude, -ray, out)
    assert out[2] > 1e-3
