"""TOPSIS, VIKOR and RSR in plain Python, written from the formulas as books print them; the twins for the tests.

Lists of lists of numbers, complete, weights that add up to 1, directions +1 or -1. Slow, and shares no code with the
methods it checks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

Table = Sequence[Sequence[float]]


def flat(column: Sequence[float]) -> bool:
    """All values equal up to rounding."""
    return max(column) - min(column) <= 1e-12 * max(abs(value) for value in column)


def topsis_reference(
    matrix: Table, weights: Sequence[float], directions: Sequence[int], normalisation: str
) -> list[float]:
    """Closeness of each unit; an indicator that does not vary is skipped; 1 for all if none varies.

    >>> [round(c, 4) for c in topsis_reference([[1, 5], [2, 9], [4, 6]], [0.5, 0.5], [1, -1], "vector")]
    [0.339, 0.2838, 0.8931]
    """
    plus, minus = [0.0] * len(matrix), [0.0] * len(matrix)
    for j, weight in enumerate(weights):
        column = [row[j] for row in matrix]
        if flat(column):
            continue
        if normalisation == "vector":
            norm = math.hypot(*column)
            scaled = [value / norm for value in column]
        else:
            scaled = [(value - min(column)) / (max(column) - min(column)) for value in column]
        best = max(scaled) if directions[j] == 1 else min(scaled)
        worst = min(scaled) if directions[j] == 1 else max(scaled)
        for i, value in enumerate(scaled):
            plus[i] += (weight * value - weight * best) ** 2
            minus[i] += (weight * value - weight * worst) ** 2
    result = []
    for p, m in zip(plus, minus, strict=True):
        both = math.sqrt(p) + math.sqrt(m)
        result.append(math.sqrt(m) / both if both > 0 else 1.0)
    return result


def vikor_reference(
    matrix: Table, weights: Sequence[float], directions: Sequence[int], v: float
) -> tuple[list[float], list[float], list[float]]:
    """S, R and Q of each unit; an indicator that does not vary brings no regret.

    >>> vikor_reference([[1, 5], [2, 9], [4, 5]], [0.5, 0.5], [1, -1], 0.5)[2]
    [0.8, 1.0, 0.0]
    """
    s, r = [], []
    for row in matrix:
        regrets = []
        for j, weight in enumerate(weights):
            column = [other[j] for other in matrix]
            if flat(column):
                regrets.append(0.0)
                continue
            best = max(column) if directions[j] == 1 else min(column)
            worst = min(column) if directions[j] == 1 else max(column)
            regrets.append(weight * (best - row[j]) / (best - worst))
        s.append(sum(regrets))
        r.append(max(regrets))
    q = []
    for own_s, own_r in zip(s, r, strict=True):
        total = 0.0
        for value, all_values, part in ((own_s, s, v), (own_r, r, 1 - v)):
            if max(all_values) - min(all_values) > 1e-12 * max(all_values):
                total += part * (value - min(all_values)) / (max(all_values) - min(all_values))
        q.append(total)
    return s, r, q


def rsr_reference(
    matrix: Table, directions: Sequence[int], weights: Sequence[float]
) -> tuple[list[float], list[float], list[int]]:
    """RSR, fitted RSR and grade out of 3 of each unit, with ranks; grade 0 if all RSR are equal.

    >>> rsr_reference([[1, 5], [2, 9], [4, 6]], [1, -1], [0.5, 0.5])[0]
    [0.6666666666666666, 0.5, 0.8333333333333333]
    """
    n = len(matrix)
    ratio = []
    for row in matrix:
        total = 0.0
        for j, weight in enumerate(weights):
            own = directions[j] * row[j]
            others = [directions[j] * other[j] for other in matrix]
            below, alike = sum(o < own for o in others), sum(o == own for o in others)
            total += weight * (below + (alike + 1) / 2) / n
        ratio.append(total)
    groups: list[list[int]] = []
    for i in sorted(range(n), key=lambda unit: ratio[unit]):
        if groups and ratio[i] - ratio[groups[-1][-1]] <= 1e-12:
            groups[-1].append(i)
        else:
            groups.append([i])
    if len(groups) == 1:
        return ratio, ratio, [0] * n
    probits, before = [], 0
    for members in groups:
        mean_rank = before + (len(members) + 1) / 2
        before += len(members)
        p = mean_rank / n if before < n else 1 - 1 / (4 * n)
        probits.append(NormalDist().inv_cdf(p) + 5)
    values = [ratio[members[0]] for members in groups]
    mean_x, mean_y = sum(probits) / len(probits), sum(values) / len(values)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in zip(probits, values, strict=True))
    slope /= sum((x - mean_x) ** 2 for x in probits)
    fitted, grade = [0.0] * n, [0] * n
    for members, probit in zip(groups, probits, strict=True):
        for i in members:
            fitted[i] = mean_y + slope * (probit - mean_x)
            grade[i] = 1 if probit < 4 else 2 if probit < 6 else 3
    return ratio, fitted, grade
