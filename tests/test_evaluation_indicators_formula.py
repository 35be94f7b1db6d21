"""The language of indicator formulas: what it refuses, and its values against a twin that works on single numbers."""

from __future__ import annotations

import math
import pickle
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drgengine.errors import EvaluationError
from drgengine.evaluation.indicators.formula import LONGEST, evaluate, read_formula
from drgengine.evaluation.indicators.influence import influences

REFUSED = {
    "": ["character"],
    "1 + 2": ["names no input"],
    "a +": ["'a +'", "character"],
    "a ** 2": ["a ** 2", "+ - * /"],
    "a // b": ["no meaning"],
    "a % b": ["no meaning"],
    "a if b else c": ["no meaning"],
    "a > b": ["no meaning"],
    "a and b": ["no meaning"],
    "a.real": ["a.real"],
    "a[0]": ["a[0]"],
    "[a]": ["no meaning"],
    "lambda: a": ["no meaning"],
    "(a := 1)": ["no meaning"],
    "a + 'text'": ["'text'", "no number"],
    "a + True": ["True", "no number"],
    "a + 1j": ["1j"],
    "a + 1e999": ["no number"],
    "growht(a)": ["growht", "Did you mean growth?"],
    "__import__('os')": ["__import__"],
    "a.b(c)": ["no meaning"],
    "growth + a": ["without its brackets"],
    "growth(a, b)": ["one value,", "growth(a, b)"],
    "growth(x=a)": ["growth"],
    "min(a)": ["two or more"],
    "max(*a)": ["two or more"],
    "max(*a, b)": ["no meaning"],
    "growth(previous(a))": ["looks back within a look back"],
    "(" * 300 + "a" + ")" * 300: ["cannot be read"],
    "a + " * LONGEST + "a": ["characters", "Make a part of it an input"],
    "a\n+ b": ["cannot be read"],
}


@pytest.mark.parametrize(("text", "words"), REFUSED.items(), ids=[text[:20] for text in REFUSED])
def test_what_is_no_formula_is_refused(text: str, words: list[str]) -> None:
    with pytest.raises(EvaluationError) as caught:
        read_formula(text, "own.toml [indicator.x]")
    assert all(word in str(caught.value) for word in [*words, "own.toml [indicator.x]"])


def test_a_formula_survives_pickling() -> None:
    formula = pickle.loads(pickle.dumps(read_formula("growth(a / b) * 100")))
    now, before = {"a": np.array([3.0]), "b": np.array([2.0])}, {"a": np.array([2.0]), "b": np.array([2.0])}
    assert evaluate(formula, now, before, 1)[0].tolist() == [50.0]


def test_reasons_name_what_is_lacking() -> None:
    formula = read_formula("growth(a / (b - c))")
    now = {"a": np.array([1.0, np.nan, 1.0, 1.0]), "b": np.array([2.0, 2.0, 1.0, 2.0]), "c": np.ones(4)}
    before = {"a": np.array([-1.0, 1.0, 1.0, 1.0]), "b": np.full(4, 2.0), "c": np.ones(4)}
    values, failures = evaluate(formula, now, before, 4)
    told = {failure.what: np.flatnonzero(failure.units).tolist() for failure in failures}
    assert np.isnan(values).tolist() == [True, True, True, False]
    assert told == {
        "a is missing": [1],
        "b - c is 0": [2],
        "a / (b - c) is not above 0 in the previous period": [0],
    }
    assert {failure.what for failure in evaluate(formula, now, None, 4)[1]} >= {"no previous period"}
    assert "a is missing in the previous period" in {f.what for f in evaluate(formula, now, {}, 4)[1]}


def test_what_rounding_leaves_of_a_denominator_is_zero() -> None:
    parts = {"a": np.array([0.1]), "b": np.array([0.2]), "c": np.array([0.3])}
    values, failures = evaluate(read_formula("1000 / (a + b - c)"), parts, None, 1)
    assert math.isnan(values[0])
    assert failures[0].what == "a + b - c is 0"


def test_an_overflow_is_no_value() -> None:
    values, failures = evaluate(read_formula("a * a"), {"a": np.array([1e200, 2.0])}, None, 2)
    assert math.isnan(values[0])
    assert values[1] == 4.0
    assert failures[0].what == "the result is too large"


# A drawn formula is a nested tuple; text and exact value are made from it, apart from the parser.
NAMES = ("a", "b", "c")
numbers = st.integers(0, 4).map(lambda n: ("number", n))
leaves = numbers | st.sampled_from(NAMES).map(lambda n: ("name", n))


def grown(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    pair = st.tuples(st.sampled_from("+-*/"), inner, inner)
    return pair | st.tuples(st.sampled_from(["min", "max"]), inner, inner) | st.tuples(st.just("negative"), inner)


plain = st.recursive(leaves, grown, max_leaves=6)
trees = plain | st.tuples(st.sampled_from(["growth", "previous"]), plain) | grown(plain)


def text_of(tree: Any) -> str:
    head, *parts = tree
    if head in ("number", "name"):
        return str(parts[0])
    if head == "negative":
        return f"(-{text_of(parts[0])})"
    if head in ("min", "max", "growth", "previous"):
        return f"{head}({', '.join(text_of(part) for part in parts)})"
    return f"({text_of(parts[0])} {head} {text_of(parts[1])})"


def names_of(tree: Any) -> set[str]:
    return {tree[1]} if tree[0] == "name" else set().union(*(names_of(p) for p in tree[1:] if isinstance(p, tuple)), ())


def value_of(tree: Any, now: dict[str, Any], before: dict[str, Any]) -> Fraction | None:
    """The exact value of one unit; None = no value."""
    head, *parts = tree
    if head == "number":
        return Fraction(parts[0])
    if head == "name":
        return None if now[parts[0]] is None else Fraction(now[parts[0]])
    if head == "previous":
        return value_of(parts[0], before, before)
    values = [value_of(part, now, before) for part in parts]
    if head == "growth":
        base = value_of(parts[0], before, before)
        return None if values[0] is None or base is None or base <= 0 else values[0] / base - 1
    if None in values:
        return None
    first, second = values[0], values[-1]
    assert first is not None
    assert second is not None
    if head == "/":
        return None if second == 0 else first / second
    if head == "negative":
        return -first
    return {"+": first + second, "-": first - second, "*": first * second, "min": min(first, second)}.get(
        head, max(first, second)
    )


unit = st.fixed_dictionaries({name: st.none() | st.integers(-3, 6) for name in NAMES})


@given(
    tree=trees.filter(lambda tree: bool(names_of(tree))), rows=st.lists(st.tuples(unit, unit), min_size=1, max_size=4)
)
def test_values_equal_exact_ones(tree: Any, rows: list[tuple[dict[str, Any], dict[str, Any]]]) -> None:
    formula = read_formula(text_of(tree))
    assert set(formula.names) == names_of(tree)
    now, before = (
        {name: np.array([np.nan if row[at][name] is None else row[at][name] for row in rows], float) for name in NAMES}
        for at in (0, 1)
    )
    values, failures = evaluate(formula, now, before, len(rows))
    for at, row in enumerate(rows):
        exact = value_of(tree, *row)
        if exact is None:
            assert math.isnan(values[at])
            assert any(failure.units[at] for failure in failures)
        elif not math.isnan(values[at]):
            assert values[at] == pytest.approx(float(exact), rel=1e-9, abs=1e-9)
        else:  # an exact difference of thirds may be 0 in floating point, and the other way round
            assert any(failure.units[at] for failure in failures)


amounts = st.lists(st.floats(0.5, 100.0), min_size=4, max_size=4)


@given(now=amounts, before=amounts)
@pytest.mark.parametrize(
    "text", ["a / b", "(a - b) / (c + d) * 100", "growth(a / b)", "growth(a) - growth(d)", "a * b * c / d"]
)
def test_contributions_add_up_to_the_change(text: str, now: list[float], before: list[float]) -> None:
    formula = read_formula(text)
    current, previous = ({n: np.array([v]) for n, v in zip("abcd", part, strict=True)} for part in (now, before))
    shares = influences(formula, current, previous, 1)
    last, first = (evaluate(formula, part, previous, 1)[0][0] for part in (current, previous))
    total = sum(float(share[0]) for share in shares.values())
    assert total == pytest.approx(last - first, rel=1e-6, abs=1e-6 * max(1.0, abs(last), abs(first)))


def test_an_input_that_does_not_move_contributes_nothing() -> None:
    now, before = {"a": np.array([6.0]), "b": np.array([2.0])}, {"a": np.array([4.0]), "b": np.array([2.0])}
    shares = influences(read_formula("a / b"), now, before, 1)
    assert {name: share.tolist() for name, share in shares.items()} == {"a": [1.0], "b": [0.0]}
    with pytest.raises(EvaluationError, match="13 inputs"):
        influences(read_formula(" + ".join("abcdefghijklm")), {}, {}, 1)
