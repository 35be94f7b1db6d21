"""The models of this package once more, in plain Python and exact fractions, as the books write them.

Slow, for a few dozen units at most; shares no code with the kernels. Units are lists of numbers; a result is a Fraction
or None where the program has no solution.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

Row = Sequence[float]


def reference_radial(
    inputs: Sequence[Row], outputs: Sequence[Row], unit: int, returns: str, orientation: str, leave_out: bool = False
) -> Fraction | None:
    """theta (input) or phi (output) of one unit; leave_out: super-efficiency."""
    peers = [j for j in range(len(inputs)) if not (leave_out and j == unit)]
    own_x, own_y = _exact(inputs[unit]), _exact(outputs[unit])
    columns = [[*_exact(inputs[j]), *[-y for y in _exact(outputs[j])]] for j in peers]
    if orientation == "input":
        rows = _rows([*columns, [-x for x in own_x] + [Fraction(0)] * len(own_y)])
        bounds = [Fraction(0)] * len(own_x) + [-y for y in own_y]
        sign = -1
    else:
        rows = _rows([*columns, [Fraction(0)] * len(own_x) + list(own_y)])
        bounds = list(own_x) + [Fraction(0)] * len(own_y)
        sign = 1
    _add_sum_row(rows, bounds, returns, len(peers))
    best = maximum([Fraction(0)] * len(peers) + [Fraction(sign)], rows, bounds)
    return None if best is None else sign * best


def reference_largest_slack(
    inputs: Sequence[Row], outputs: Sequence[Row], unit: int, returns: str, at_inputs: Sequence[Fraction],
    at_outputs: Sequence[Fraction],
) -> Fraction | None:  # fmt: skip
    """Largest sum of slacks of the point (at_inputs, at_outputs): the unit itself, or its radial projection."""
    peers = range(len(inputs))
    xs, ys = [_exact(inputs[j]) for j in peers], [_exact(outputs[j]) for j in peers]
    rows = _rows([[*xs[j], *[-y for y in ys[j]]] for j in peers])
    bounds = [*at_inputs, *[-y for y in at_outputs]]
    _add_sum_row(rows, bounds, returns, len(xs), extra=0)
    best = maximum([sum(ys[j], Fraction(0)) - sum(xs[j], Fraction(0)) for j in peers], rows, bounds)
    return None if best is None else best + sum(at_inputs) - sum(at_outputs)


def reference_slack_measure(
    inputs: Sequence[Row], outputs: Sequence[Row], unit: int, returns: str
) -> Fraction | None:  # fmt: skip
    """rho of Tone 2001, with S- = t x - X L and S+ = Y L - t y put into the objective; outputs > 0."""
    peers = range(len(inputs))
    own_x, own_y = _exact(inputs[unit]), _exact(outputs[unit])
    xs, ys = [_exact(inputs[j]) for j in peers], [_exact(outputs[j]) for j in peers]
    columns = [[*xs[j], *[-y for y in ys[j]]] for j in peers]
    rows = _rows([*columns, [-x for x in own_x] + list(own_y)])
    bounds = [Fraction(0)] * len(rows)
    total = [Fraction(1)] * len(xs) + [Fraction(-1)]
    if returns in ("vrs", "nirs"):
        rows.append(total)
        bounds.append(Fraction(0))
    if returns in ("vrs", "ndrs"):
        rows.append([-value for value in total])
        bounds.append(Fraction(0))
    growth = [_mean_ratio(ys[j], own_y) for j in peers] + [Fraction(0)]
    rows += [growth, [-value for value in growth]]
    bounds += [Fraction(1), Fraction(-1)]
    use = [_mean_ratio(xs[j], own_x) for j in peers] + [Fraction(0)]
    best = maximum([-value for value in use], rows, bounds)
    return None if best is None else -best


def reference_least_cost(
    inputs: Sequence[Row], outputs: Sequence[Row], unit: int, returns: str, prices: Row
) -> Fraction | None:  # fmt: skip
    """Least cost of the unit's outputs."""
    peers = range(len(inputs))
    price = _exact(prices)
    rows = _rows([[-y for y in _exact(outputs[j])] for j in peers])
    bounds = [-y for y in _exact(outputs[unit])]
    _add_sum_row(rows, bounds, returns, len(inputs), extra=0)
    cost = [sum(w * x for w, x in zip(price, _exact(inputs[j]), strict=True)) for j in peers]
    best = maximum([Fraction(-value) for value in cost], rows, bounds)
    return None if best is None else -best


def maximum(
    c: Sequence[Fraction], rows: Sequence[Sequence[Fraction]], bounds: Sequence[Fraction]
) -> Fraction | None:  # fmt: skip
    """max c x subject to rows x <= bounds, x >= 0, by dictionaries and Bland's rule; None: infeasible."""
    n, m = len(c), len(rows)
    # Variables 0..n-1 are x, n..n+m-1 the slacks, n+m the helper of the first phase.
    helper = n + m
    free = list(range(n))
    basic = [n + i for i in range(m)]
    table = [[Fraction(bounds[i]), *[-Fraction(a) for a in rows[i]]] for i in range(m)]
    if m and min(line[0] for line in table) < 0:
        free.append(helper)
        for line in table:
            line.append(Fraction(1))
        goal = [Fraction(0)] * (n + 1) + [Fraction(-1)]
        lowest = min(range(m), key=lambda i: table[i][0])
        _exchange(table, goal, basic, free, lowest, n)
        _climb(table, goal, basic, free)
        if goal[0] < 0:
            return None
        if helper in basic:
            row = basic.index(helper)
            column = next(k for k in range(len(free)) if table[row][1 + k] != 0)
            _exchange(table, goal, basic, free, row, column)
        gone = free.index(helper)
        free.pop(gone)
        for line in table:
            line.pop(1 + gone)
    goal = [Fraction(0)] * (1 + len(free))
    for variable in range(n):
        if variable in free:
            goal[1 + free.index(variable)] += c[variable]
        else:
            line = table[basic.index(variable)]
            goal = [g + c[variable] * value for g, value in zip(goal, line, strict=True)]
    _climb(table, goal, basic, free)
    return goal[0]


def _climb(table: list[list[Fraction]], goal: list[Fraction], basic: list[int], free: list[int]) -> None:
    while True:
        better = [k for k in range(len(free)) if goal[1 + k] > 0]
        if not better:
            return
        column = min(better, key=lambda k: free[k])
        limits = [(-line[0] / line[1 + column], basic[i], i) for i, line in enumerate(table) if line[1 + column] < 0]
        if not limits:
            raise ArithmeticError("the program is unbounded")
        _exchange(table, goal, basic, free, min(limits)[2], column)


def _exchange(
    table: list[list[Fraction]], goal: list[Fraction], basic: list[int], free: list[int], row: int, column: int
) -> None:
    """The free variable becomes basic and the other way round."""
    at = 1 + column
    line = table[row]
    pivot = line[at]
    solved = [-value / pivot for value in line]
    solved[at] = 1 / pivot
    for other in [*(table[i] for i in range(len(table)) if i != row), goal]:
        factor = other[at]
        if factor:
            other[at] = Fraction(0)
            for k, value in enumerate(solved):
                other[k] += factor * value
    table[row] = solved
    basic[row], free[column] = free[column], basic[row]


def _exact(numbers: Row | Sequence[Fraction]) -> list[Fraction]:
    return [Fraction(number) for number in numbers]


def _mean_ratio(numbers: Sequence[Fraction], own: Sequence[Fraction]) -> Fraction:
    return sum((a / b for a, b in zip(numbers, own, strict=True)), Fraction(0)) / len(own)


def _rows(columns: Sequence[Sequence[Fraction]]) -> list[list[Fraction]]:
    return [list(row) for row in zip(*columns, strict=True)]


def _add_sum_row(
    rows: list[list[Fraction]], bounds: list[Fraction], returns: str, peers: int, extra: int = 1
) -> None:  # fmt: skip
    """sum l <= 1 and, or, sum l >= 1; the extra columns do not count."""
    total = [Fraction(1)] * peers + [Fraction(0)] * extra
    if returns in ("vrs", "nirs"):
        rows.append(total)
        bounds.append(Fraction(1))
    if returns in ("vrs", "ndrs"):
        rows.append([-value for value in total])
        bounds.append(Fraction(-1))
