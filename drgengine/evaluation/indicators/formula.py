"""Formulas of indicators (指标公式): a few words of arithmetic over named inputs, checked when read.

    (drug_revenue - tcm_revenue) / medical_revenue * 100        growth(outpatient_revenue / visits) * 100

`+ - * /`, brackets, numbers, names, and growth(x), previous(x), min(x, y, ...), max(x, y, ...). Nothing else is run.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

import numpy as np
import numpy.typing as npt

from drgengine.errors import EvaluationError

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

LONGEST = 1000  # characters; keeps brackets shallow enough for every recursion here
_OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.Div)
_ARGUMENTS = {
    "growth": "one value",
    "previous": "one value",
    "min": "two or more values",
    "max": "two or more values",
}
CANCELLED = 1e-13  # what subtraction leaves of equal sums, as a share of them, is 0
_ALLOWED = "+ - * / ( ), numbers, names, " + ", ".join(f"{name}()" for name in _ARGUMENTS)


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula that has been read.

    names : inputs in the order in which they first stand in the text
    looks_back : inputs also asked of the previous period, by growth() or previous()
    """

    text: str
    names: tuple[str, ...]
    looks_back: tuple[str, ...]
    tree: ast.expr = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True, eq=False)
class Failure:
    """Units for which a part of a formula has no value: an input that is missing, or a denominator of 0.

    what : the sentence   name : the input, or "" where it is no missing input   units : bool[n]
    """

    what: str
    name: str
    units: Bools


def read_formula(text: str, place: str = "formula") -> Formula:
    """Read a formula. Raises EvaluationError for anything the language has no word for, with the words it has.

    >>> found = read_formula("growth(revenue / visits) * 100")
    >>> found.names, found.looks_back
    (('revenue', 'visits'), ('revenue', 'visits'))
    """
    if len(text) > LONGEST:
        problem = f"the formula has {len(text)} characters, more than {LONGEST}"
        raise EvaluationError(place, problem, "Make a part of it an input")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except SyntaxError as cause:
        problem = f"{text!r} cannot be read at character {cause.offset or 1}"
        raise EvaluationError(place, problem, f"Use {_ALLOWED}") from None
    except (ValueError, MemoryError, RecursionError):
        raise EvaluationError(place, f"{text[:40]!r} cannot be read", f"Use {_ALLOWED}") from None
    reader = _Reader(place)
    reader.read(tree, back=False)
    if not reader.names:
        raise EvaluationError(place, f"{text!r} names no input", "Write a formula over named inputs")
    return Formula(text.strip(), tuple(reader.names), tuple(reader.back), tree)


class _Reader:
    def __init__(self, place: str) -> None:
        self.place = place
        self.names: dict[str, None] = {}
        self.back: dict[str, None] = {}

    def refuse(self, problem: str, remedy: str = f"Use {_ALLOWED}") -> EvaluationError:
        return EvaluationError(self.place, problem, remedy)

    def read(self, node: ast.expr, back: bool) -> None:
        if isinstance(node, ast.Name):
            if node.id in _ARGUMENTS:
                raise self.refuse(f"{node.id} stands there without its brackets", f"Write {node.id}(...)")
            self.names[node.id] = None
            if back:
                self.back[node.id] = None
        elif isinstance(node, ast.Constant):
            number = isinstance(node.value, (int, float)) and not isinstance(node.value, bool)
            if not number or not math.isfinite(_number(node)):
                raise self.refuse(f"{ast.unparse(node)} is no number")
        elif isinstance(node, ast.BinOp) and isinstance(node.op, _OPERATORS):
            self.read(node.left, back)
            self.read(node.right, back)
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
            self.read(node.operand, back)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            self.call(node, node.func.id, back)
        else:
            raise self.refuse(f"{ast.unparse(node)!r} has no meaning in a formula")

    def call(self, node: ast.Call, name: str, back: bool) -> None:
        if name not in _ARGUMENTS:
            near = get_close_matches(name, _ARGUMENTS, n=1)
            raise self.refuse(
                f"no function is called {name!r}", f"Did you mean {near[0]}?" if near else f"Use {_ALLOWED}"
            )
        looks_back = name in ("growth", "previous")
        if node.keywords or (len(node.args) != 1 if looks_back else len(node.args) < 2):
            raise self.refuse(f"{name}() takes {_ARGUMENTS[name]}, found {ast.unparse(node)!r}")
        if looks_back and back:
            problem = f"{ast.unparse(node)!r} looks back within a look back"
            raise self.refuse(problem, "Only one previous period is known: write it without the inner one")
        for part in node.args:
            self.read(part, back or looks_back)


def _number(node: ast.Constant) -> float:
    try:
        return float(node.value)  # type: ignore[arg-type]
    except OverflowError:
        return math.inf


def evaluate(
    formula: Formula, current: Mapping[str, Floats], previous: Mapping[str, Floats] | None, units: int
) -> tuple[Floats, list[Failure]]:
    """Values float64[units], NaN where an input is missing or a denominator is 0, and the failures that made them NaN.

    current, previous : name -> float64[units], NaN = missing; a name that is not there is missing for all units. A
        growth needs a previous value above 0. Never raises for a formula that was read.

    >>> values, failures = evaluate(read_formula("a / b"), {"a": np.ones(2), "b": np.array([2.0, 0.0])}, None, 2)
    >>> values.tolist(), failures[0].what
    ([0.5, nan], 'b is 0')
    """
    run = _Run(current, previous, units)
    with np.errstate(all="ignore"):
        values = run.value(formula.tree, before=False)
    values = run.without(values, ~np.isfinite(values) & ~np.isnan(values), "the result is too large", "")
    return values, run.failures


class _Run:
    def __init__(self, current: Mapping[str, Floats], previous: Mapping[str, Floats] | None, units: int) -> None:
        self.current, self.previous, self.units = current, previous, units
        self.failures: list[Failure] = []

    def without(self, values: Floats, failed: Bools, what: str, name: str) -> Floats:
        """The values with NaN where `failed`, which is kept as a failure."""
        if failed.any():
            self.failures.append(Failure(what, name, failed))
        return np.where(failed, np.nan, values)

    def value(self, node: ast.expr, before: bool) -> Floats:
        if isinstance(node, ast.Name):
            return self.input(node.id, before)
        if isinstance(node, ast.Constant):
            return np.full(self.units, _number(node))
        if isinstance(node, ast.UnaryOp):
            inner = self.value(node.operand, before)
            return -inner if isinstance(node.op, ast.USub) else inner
        if isinstance(node, ast.BinOp):
            return self.binary(node, before)
        assert isinstance(node, ast.Call)
        assert isinstance(node.func, ast.Name)
        return self.function(node.func.id, node.args, before)

    def input(self, name: str, before: bool) -> Floats:
        table = self.previous if before else self.current
        if table is None:
            return self.without(np.empty(self.units), np.ones(self.units, np.bool_), "no previous period", name)
        values = table.get(name, np.full(self.units, np.nan))
        what = f"{name} is missing in the previous period" if before else f"{name} is missing"
        return self.without(values, np.isnan(values), what, name)

    def binary(self, node: ast.BinOp, before: bool) -> Floats:
        left, right = self.value(node.left, before), self.value(node.right, before)
        if isinstance(node.op, (ast.Add, ast.Sub)):
            total = left + right if isinstance(node.op, ast.Add) else left - right
            return np.where(np.abs(total) <= CANCELLED * np.abs(left), 0.0, total)
        if isinstance(node.op, ast.Mult):
            return left * right
        when = " in the previous period" if before else ""
        return self.without(left / right, right == 0.0, f"{ast.unparse(node.right)} is 0{when}", "")

    def function(self, name: str, arguments: list[ast.expr], before: bool) -> Floats:
        if name in ("min", "max"):
            parts = [self.value(part, before) for part in arguments]
            return np.minimum.reduce(parts) if name == "min" else np.maximum.reduce(parts)
        base = self.value(arguments[0], before=True)
        if name == "previous":
            return base
        now = self.value(arguments[0], before=False)
        what = f"{ast.unparse(arguments[0])} is not above 0 in the previous period"
        return self.without(now / base - 1.0, base <= 0.0, what, "")
