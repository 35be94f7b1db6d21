"""Frontier models: what must hold for any data, agreement with HiGHS, and what a user meets."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from scipy.optimize import linprog

from drgengine.errors import EvaluationError
from drgengine.evaluation.frontier import additive, cost_efficiency, dea, malmquist, sbm
from drgengine.evaluation.frontier.programs import Technology, radial_programs, slack_costs
from drgengine.evaluation.frontier.solve import solve

Floats = npt.NDArray[np.float64]
MODELS = ("ccr", "bcc", "nirs", "ndrs")


def drawn(kind: str, seed: int = 11, n: int = 60) -> tuple[Floats, Floats]:
    """Units of one kind: what hospitals look like, and what breaks solvers."""
    rng = np.random.default_rng(seed)
    x, y = rng.lognormal(size=(n, 3)), rng.lognormal(size=(n, 2))
    if kind == "equal units":
        x, y = np.repeat(x[: n // 6], 6, axis=0), np.repeat(y[: n // 6], 6, axis=0)
    elif kind == "small whole numbers":
        x = rng.integers(1, 4, x.shape).astype(float)
        y = rng.integers(1, 4, y.shape).astype(float)
    elif kind == "zero outputs":
        y[rng.random(y.shape) < 0.4] = 0.0
        y[(y == 0).all(axis=1), 0] = 0.5
    elif kind == "bad scale":
        x, y = x * np.array([1e-6, 1.0, 1e9]), y * np.array([1e9, 1e-6])
    elif kind == "nearly one ray":
        size = rng.lognormal(0, 1.5, (n, 1))
        x, y = size * rng.uniform(0.99, 1.01, x.shape), size * rng.uniform(0.99, 1.01, y.shape)
    return x, y


KINDS = ("log-normal", "equal units", "small whole numbers", "zero outputs", "bad scale", "nearly one ray")


def by_highs(x: Floats, y: Floats, unit: int, model: str, orientation: str, leave_out: bool) -> float:
    """The textbook program on columns divided by their means; NaN where HiGHS finds none."""
    x, y = x / x.mean(axis=0), y / y.mean(axis=0)
    n, m, s = len(x), x.shape[1], y.shape[1]
    upper = np.zeros((m + s, n + 1))
    upper[:m, 1:], upper[m:, 1:] = x.T, -y.T
    if orientation == "input":
        upper[:m, 0], right, cost = -x[unit], np.concatenate([np.zeros(m), -y[unit]]), 1.0
    else:
        upper[m:, 0], right, cost = y[unit], np.concatenate([x[unit], np.zeros(s)]), -1.0
    total = np.concatenate([[0.0], np.ones(n)])[None]
    equal = {"A_eq": total, "b_eq": [1.0]} if model == "bcc" else {}
    if model in ("nirs", "ndrs"):
        sign = 1.0 if model == "nirs" else -1.0
        upper, right = np.vstack([upper, sign * total]), np.append(right, sign)
    bounds: list[tuple[float, float | None]] = [(0.0, None)] * (n + 1)
    if leave_out:
        bounds[1 + unit] = (0.0, 0.0)
    answer = linprog(
        cost * np.eye(1, n + 1)[0], A_ub=upper, b_ub=right, bounds=bounds, method="highs", **equal
    )  # fmt: skip
    return float(answer.x[0]) if answer.status == 0 else float("nan")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("leave_out", [False, True], ids=["", "super"])
@pytest.mark.parametrize("orientation", ["input", "output"])
@pytest.mark.parametrize("model", MODELS)
def test_equals_highs(model: str, orientation: str, leave_out: bool, kind: str) -> None:
    x, y = drawn(kind)
    found = dea(x, y, model, orientation, leave_out)
    assert found.status.count("fallback") <= 2
    units = range(0, len(x), 3)
    expected = [by_highs(x, y, unit, model, orientation, leave_out) for unit in units]
    np.testing.assert_allclose(found.score[::3], expected, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("kind", KINDS)
def test_order_of_models_and_orientations(kind: str) -> None:
    x, y = drawn(kind)
    ccr, bcc, nirs = (dea(x, y, model).score for model in ("ccr", "bcc", "nirs"))
    assert (ccr <= nirs + 1e-9).all()
    assert (nirs <= bcc + 1e-9).all()
    assert (bcc <= 1.0).all()
    assert (ccr > 0).all()
    np.testing.assert_allclose(ccr * dea(x, y, orientation="output").score, 1.0, rtol=1e-9)
    assert (sbm(x, y).score <= ccr + 1e-9).all()
    over = dea(x, y, super_efficiency=True).score
    np.testing.assert_allclose(np.minimum(over, 1.0)[~np.isnan(over)], ccr[~np.isnan(over)], rtol=1e-9)


@pytest.mark.parametrize("model", [*MODELS, "sbm"])
def test_unit_of_measurement_and_order_of_units_do_not_matter(model: str) -> None:
    x, y = drawn("log-normal")
    base = dea(x, y, model)
    factors = np.array([1e-6, 7.3, 1e9]), np.array([1e7, 1e-4])
    other = dea(x * factors[0], y * factors[1], model)
    np.testing.assert_allclose(other.score, base.score, rtol=1e-10)
    np.testing.assert_allclose(other.slacks.inputs / factors[0], base.slacks.inputs, rtol=1e-7, atol=1e-9)
    order = np.random.default_rng(5).permutation(len(x))
    mixed = dea(x[order], y[order], model)
    np.testing.assert_allclose(mixed.score, base.score[order], rtol=1e-12)


@pytest.mark.parametrize("model", [*MODELS, "sbm"])
def test_a_copy_and_a_dominated_unit_change_no_other_unit(model: str) -> None:
    x, y = drawn("log-normal")
    base = dea(x, y, model)
    copied = dea(np.vstack([x, x[:1]]), np.vstack([y, y[:1]]), model)
    np.testing.assert_allclose(copied.score, np.append(base.score, base.score[0]), rtol=1e-12)
    worse = dea(np.vstack([x, x[:1] * 1.2]), np.vstack([y, y[:1] * 0.9]), model)
    np.testing.assert_allclose(worse.score[:-1], base.score, rtol=1e-12)
    np.testing.assert_allclose(worse.slacks.outputs[:-1], base.slacks.outputs, rtol=1e-7, atol=1e-9)
    assert worse.score[-1] < base.score[0]


@pytest.mark.parametrize("orientation", ["input", "output"])
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("kind", KINDS)
def test_targets_are_the_mix_of_the_peers_and_efficient(kind: str, model: str, orientation: str) -> None:
    x, y = drawn(kind)
    found = dea(x, y, model, orientation)
    np.testing.assert_allclose(found.intensities @ x, found.targets.inputs, rtol=1e-7, atol=1e-9 * x.mean())
    np.testing.assert_allclose(found.intensities @ y, found.targets.outputs, rtol=1e-7, atol=1e-9 * y.mean())
    if model == "bcc":
        np.testing.assert_allclose(found.intensities.sum(axis=1), 1.0, rtol=1e-9)
    assert (found.slacks.inputs >= 0).all()
    assert (found.slacks.outputs >= 0).all()
    for peer in {peer for pairs in found.peers.values() for peer, _ in pairs}:
        assert found.efficient[peer]
    assert np.nanmax(found.residual) < 1e-9
    again = dea(np.vstack([x, found.targets.inputs[:5]]), np.vstack([y, found.targets.outputs[:5]]), model, orientation)
    np.testing.assert_allclose(again.score[-5:], 1.0, atol=1e-7)
    assert again.efficient[-5:].all()


def test_returns_to_scale_and_scale_efficiency() -> None:
    # One input, one output: the most productive size is 4 -> 8; smaller units gain by growing, larger by shrinking.
    found = dea([2, 4, 10, 3], [2, 8, 12, 4], "bcc")
    np.testing.assert_allclose(found.score, [1.0, 1.0, 1.0, 8 / 9])
    np.testing.assert_allclose(found.scale_efficiency, [0.5, 1.0, 0.6, (2 / 3) / (8 / 9)])
    assert found.returns_to_scale.tolist() == ["irs", "crs", "drs", "irs"]
    x, y = drawn("log-normal")
    for orientation in ("input", "output"):
        split = dea(x, y, "bcc", orientation)
        crs = dea(x, y, "ccr", orientation).efficiency
        np.testing.assert_allclose(split.scale_efficiency * split.efficiency, crs, rtol=1e-9)


def test_super_score_that_cannot_be() -> None:
    x, y = np.array([[2.0, 3.0], [3.0, 2.0], [4.0, 4.0]]), np.array([[1.0, 0.0], [1.0, 0.0], [3.0, 1.0]])
    names = ["甲", "乙", "丙"]
    frames = pd.DataFrame(x, names, ["医生", "护士"]), pd.DataFrame(y, names, ["出院", "手术"])
    for model, orientation in (("ccr", "input"), ("ccr", "output"), ("bcc", "input")):
        found = dea(*frames, model, orientation, super_efficiency=True)
        assert found.status[2] == "infeasible"
        assert np.isnan(found.score[2])
        assert "手术" in str(found.reason[2])
        assert found.reason[0] is None
        assert np.isnan(found.slacks.inputs[2]).all()
    least = dea(*frames, "bcc", "output", super_efficiency=True)
    assert least.status[0] == "infeasible"
    assert "医生 2; the others have at least 3" in str(least.reason[0])
    alone = dea([[1.0]], [[1.0]], super_efficiency=True)
    assert alone.reason == ("there is no other unit to compare with",)
    assert dea([[1.0]], [[1.0]]).score.tolist() == [1.0]


def test_unit_without_certificate_is_solved_by_highs_and_marked() -> None:
    x, y = drawn("log-normal", n=20)
    tech = Technology.of(x, y)
    for exclude in (np.full(20, -1), np.arange(20)):
        slacks = slack_costs(tech, tech.inputs, tech.outputs, "equal")
        programs = radial_programs(tech, tech.inputs, tech.outputs, "vrs", "input", exclude, slacks)
        full, cut = solve(programs), solve(programs, steps=1)
        assert set(full.status) <= {"optimal", "infeasible"}
        assert cut.status.count("fallback") == full.status.count("optimal")
        assert cut.status.count("infeasible") == full.status.count("infeasible")
        assert np.isnan(cut.residual[full.solved]).all()
        np.testing.assert_allclose(cut.value, full.value, atol=1e-8)
        np.testing.assert_allclose(cut.intensities.toarray(), full.intensities.toarray(), atol=1e-8)


def test_threads_do_not_change_a_bit() -> None:
    x, y = drawn("zero outputs", n=200)
    one, three = dea(x, y, "bcc", threads=1), dea(x, y, "bcc", threads=3)
    assert one.score.tobytes() == three.score.tobytes()
    assert one.slacks.inputs.tobytes() == three.slacks.inputs.tobytes()
    assert (one.intensities != three.intensities).nnz == 0


def test_slack_measure_parts() -> None:
    x, y = drawn("log-normal")
    found = sbm(x, y, "vrs")
    rho = (1 - (found.slacks.inputs / x).mean(axis=1)) / (1 + (found.slacks.outputs / y).mean(axis=1))
    np.testing.assert_allclose(found.score, rho, rtol=1e-9)
    left = sbm(x, y, "vrs", "input")
    np.testing.assert_allclose(left.score, 1 - (left.slacks.inputs / x).mean(axis=1), rtol=1e-9)
    right = sbm(x, y, "vrs", "output")
    np.testing.assert_allclose(right.score, 1 + (right.slacks.outputs / y).mean(axis=1), rtol=1e-9)
    assert (found.score <= np.minimum(left.score, 1 / right.score) + 1e-9).all()
    shares = additive(x, y, "vrs", "own")
    np.testing.assert_allclose(
        shares.score, (shares.slacks.inputs / x).sum(axis=1) + (shares.slacks.outputs / y).sum(axis=1), rtol=1e-9
    )
    np.testing.assert_array_equal(shares.efficient, found.efficient)
    assert sbm([[1, 1], [1, 2]], [[1, 0], [1, 0]]).score.tolist() == [1.0, 0.75]


def test_prices_by_name_and_by_unit() -> None:
    x = pd.DataFrame([[2.0, 5.0], [2.0, 4.0], [6.0, 2.0]], list("abc"), ["医生", "床位"])
    base = cost_efficiency(x, [1, 2, 2], [1, 3])
    named = cost_efficiency(x, [1, 2, 2], pd.Series({"床位": 3, "医生": 1}))
    each = pd.DataFrame([[3, 1]] * 3, list("cba"), ["床位", "医生"])
    np.testing.assert_array_equal(named.score, base.score)
    np.testing.assert_array_equal(cost_efficiency(x, [1, 2, 2], each).score, base.score)
    np.testing.assert_allclose(base.minimal_cost / base.actual_cost, base.score)
    np.testing.assert_allclose((base.optimal_inputs * [1, 3]).sum(axis=1), base.minimal_cost)
    np.testing.assert_allclose(base.technical_efficiency * base.allocative_efficiency, base.score)
    for wrong, words in (([1, -3], "床位"), ([1, 2, 3], "3 units and 2 inputs"), (pd.Series({"医生": 1}), "床位")):
        with pytest.raises(EvaluationError, match=words):
            cost_efficiency(x, [1, 2, 2], wrong)


def test_malmquist_of_one_input_and_output_is_the_ratio_of_productivities() -> None:
    rng = np.random.default_rng(3)
    x0, y0, x1, y1 = rng.lognormal(size=(4, 30))
    found = malmquist(x0, y0, x1, y1)
    np.testing.assert_allclose(found.index, (y1 / x1) / (y0 / x0), rtol=1e-9)
    np.testing.assert_allclose(found.technical_change, (y1 / x1).max() / (y0 / x0).max(), rtol=1e-9)


def test_malmquist_parts_and_order_of_units() -> None:
    rng = np.random.default_rng(4)
    names = [f"H{number}" for number in range(25)]
    x0, x1 = (pd.DataFrame(rng.lognormal(size=(25, 3)), names) for _ in range(2))
    y0, y1 = (pd.DataFrame(rng.lognormal(size=(25, 2)), names) for _ in range(2))
    found = malmquist(x0, y0, x1, y1)
    np.testing.assert_allclose(found.index, found.efficiency_change * found.technical_change)
    np.testing.assert_allclose(
        found.efficiency_change, found.pure_efficiency_change * found.scale_efficiency_change, rtol=1e-9
    )
    np.testing.assert_allclose(malmquist(x0, y0, x1, y1, "output").index, found.index, rtol=1e-8)
    np.testing.assert_array_equal(malmquist(x0, y0, x1[::-1], y1[::-1]).index, found.index)
    np.testing.assert_allclose(malmquist(x1, y1, x0, y0).index, 1 / found.index, rtol=1e-9)
    np.testing.assert_allclose(malmquist(x0, y0, x0, y0).index, 1.0, rtol=1e-9)
    np.testing.assert_allclose(malmquist(x0, y0, x0 / 2, y0).index, 2.0, rtol=1e-9)
    assert list(found.frame().index) == names
    with pytest.raises(EvaluationError, match="'H24' is missing in period 1"):
        malmquist(x0, y0, x1[:-1], y1[:-1])
    new = malmquist([1, 2], [[1, 0], [1, 0]], [1, 2], [[1, 1], [1, 0]])
    assert new.status == ("infeasible", "optimal")
    assert "no unit had in period 0" in str(new.reason[0])


@pytest.mark.parametrize(
    ("inputs", "outputs", "words"),
    [
        ([[1, 2], [0, 3]], [[1], [1]], ["unit 1", "input 1", "0 is not above 0"]),
        ([[1, 2], [-1, -3]], [[1], [1]], ["unit 1", "1 more cell"]),
        ([[1, np.nan], [1, 3]], [[1], [1]], ["unit 0", "input 2", "no finite number"]),
        ([[1], [1]], [[1], [np.inf]], ["unit 1", "output 1", "no finite number"]),
        ([[1], [1]], [[1], [-1]], ["unit 1", "negative", "as an input"]),
        ([[1], [1]], [[1, 2], [0, 0]], ["unit 1", "all outputs are 0"]),
        ([[1], [1]], [[1]], ["inputs have 2 units, outputs have 1"]),
        ([[1], ["x"]], [[1], [1]], ["'x'"]),
        (np.ones((2, 2, 2)), [[1], [1]], ["3 dimensions"]),
        (np.ones((0, 2)), np.ones((0, 1)), ["no units"]),
        (np.ones((2, 0)), [[1], [1]], ["no column"]),
    ],
)
def test_refuses_and_names_the_cell(inputs: Any, outputs: Any, words: list[str]) -> None:
    with pytest.raises(EvaluationError) as caught:
        dea(inputs, outputs)
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_tables_are_joined_by_name() -> None:
    x = pd.DataFrame({"beds": [10, 20, 30], "staff": [5, 5, 9]}, ["A", "B", "C"])
    y = pd.DataFrame({"cases": [9, 5, 7]}, ["C", "A", "B"])
    found = dea(x, y)
    assert found.labels == ("A", "B", "C")
    assert (found.input_names, found.output_names) == (("beds", "staff"), ("cases",))
    np.testing.assert_array_equal(found.score, dea(x.to_numpy(), [5, 7, 9]).score)
    assert {peer for peer, _ in found.peers["B"]} <= {"A", "B", "C"}
    table = found.frame()
    assert table.loc["A", "target beds"] == pytest.approx(found.targets.inputs[0, 0])
    assert pickle.loads(pickle.dumps(found)).score.tolist() == found.score.tolist()
    with pytest.raises(EvaluationError, match="unit 'C' is missing"):
        dea(x, y.drop(index="C"))
    with pytest.raises(EvaluationError, match="'A' stands there twice"):
        dea(pd.concat([x, x[:1]]), y)
    with pytest.raises(AttributeError):
        found.score = found.score  # type: ignore[misc]


def test_polars_table_with_names_in_the_first_column() -> None:
    polars = pytest.importorskip("polars")
    x = polars.DataFrame({"unit": ["A", "B"], "beds": [10.0, 20.0]})
    y = polars.DataFrame({"unit": ["B", "A"], "cases": [8.0, 8.0]})
    found = dea(x, y)
    assert (found.labels, found.score.tolist()) == (("A", "B"), [1.0, 0.5])


def test_few_units_and_unknown_words() -> None:
    assert dea(np.ones((11, 2)), np.ones((11, 2))).thin
    assert "few" in dea(np.ones((11, 2)), np.ones((11, 2))).remarks[0]
    assert not dea(np.ones((12, 2)), np.ones((12, 2))).thin
    one = np.ones((2, 1))
    for call, word in (
        (lambda: dea(one, one, "crs"), "ccr, bcc"),
        (lambda: dea(one, one, orientation="both"), "input, output"),
        (lambda: dea(one, one, "sbm", super_efficiency=True), "super-efficiency"),
        (lambda: dea(one, one, "ccr", returns="vrs"), "contradicts"),
        (lambda: dea(one, one, slack_weights="raw"), "equal, own"),
        (lambda: sbm(one, one, "bcc"), "crs, vrs"),
        (lambda: additive(one, one, weights="ram"), "equal, own"),
        (lambda: malmquist(one, one, one, np.ones((2, 2))), "1 outputs in period 0 and 2"),
    ):
        with pytest.raises(EvaluationError, match=word):
            call()
