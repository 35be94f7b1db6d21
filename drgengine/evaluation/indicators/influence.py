"""Which input moved an indicator (数据项对变动的贡献): Shapley split of a change over the inputs of a formula."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from math import factorial

import numpy as np

from drgengine.errors import EvaluationError
from drgengine.evaluation.indicators.formula import Floats, Formula, evaluate

MOST_INPUTS = 12


def influences(
    formula: Formula, current: Mapping[str, Floats], previous: Mapping[str, Floats], units: int
) -> dict[str, Floats]:
    """Contribution float64[units] of each input; they add up to f(current) - f(previous).

    Input k gets sum over sets S of the others |S|! (n - |S| - 1)! / n! (f(S and k) - f(S)), where inputs in the set
    are current and the others previous. What a growth looks back at is always the previous period, so that
    f(no input) is 0 for it. NaN where any of these mixtures has no value.
    Raises EvaluationError for a formula of more than 12 inputs.

    >>> now, before = {"a": np.array([6.0]), "b": np.array([4.0])}, {"a": np.array([4.0]), "b": np.array([2.0])}
    >>> from drgengine.evaluation.indicators.formula import read_formula
    >>> {name: share.tolist() for name, share in influences(read_formula("a / b"), now, before, 1).items()}
    {'a': [0.75], 'b': [-1.25]}
    """
    names = formula.names
    n = len(names)
    if n > MOST_INPUTS:
        problem = f"{n} inputs, more than {MOST_INPUTS} cannot be split"
        raise EvaluationError(formula.text, problem, "Make a sum of them an input")
    nothing = np.full(units, np.nan)
    value: dict[frozenset[str], Floats] = {}
    for size in range(n + 1):
        for chosen in combinations(names, size):
            mixed = {name: (current if name in chosen else previous).get(name, nothing) for name in names}
            value[frozenset(chosen)] = evaluate(formula, mixed, previous, units)[0]
    shares = {}
    for name in names:
        total = np.zeros(units)
        for without, worth in value.items():
            if name not in without:
                weight = factorial(len(without)) * factorial(n - len(without) - 1) / factorial(n)
                total = total + weight * (value[without | {name}] - worth)
        shares[name] = total
    return shares
