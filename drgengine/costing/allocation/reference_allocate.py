"""The allocation methods as a textbook states them: dicts, loops and exact fractions; the fast way is tested on them.

Nothing here is shared with the fast way. Input is taken as correct; own use of a giving department is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

Amounts = dict[str, dict[str, Fraction]]
Numbers = Mapping[str, Mapping[str, float]]
_RANK = {"administration": 0, "auxiliary": 1, "technology": 2, "clinical": 3}


@dataclass(frozen=True)
class ReferenceAllocation:
    """full : final -> column -> amount; gross : giver -> column -> amount; received : level -> department -> column."""

    full: Amounts
    gross: Amounts
    received: dict[str, Amounts]


def reference_allocate(
    costs: Numbers,
    drivers: Numbers,
    method: str,
    *,
    order: Sequence[str],
    category: Mapping[str, str] | None = None,
    final: Sequence[str] | None = None,
) -> ReferenceAllocation:
    """Allocate costs (department -> column -> amount) with drivers (giver -> receiver -> statistic).

    order : the giving departments, the first to be closed first; every other department is final
    """
    finals = [department for department in costs if department not in order] if final is None else list(final)
    held = {d: {k: Fraction(v) for k, v in costs[d].items()} for d in costs}
    if method == "direct":
        return _all_to(held, drivers, {"services": list(order)}, dict.fromkeys(order, finals), finals)
    if method == "three-level":
        assert category is not None
        levels = {
            level: [giver for giver in order if category[giver] == level]
            for level in ("administration", "auxiliary", "technology")
        }
        later = {g: [d for d in costs if _RANK[category[d]] > _RANK[category[g]]] for g in order}
        return _all_to(held, drivers, levels, later, finals)
    if method == "step-down":
        open_yet = {giver: [*order[at + 1 :], *finals] for at, giver in enumerate(order)}
        return _all_to(held, drivers, {giver: [giver] for giver in order}, open_yet, finals)
    if method == "double":
        return _double(held, drivers, order, finals)
    return _reciprocal(held, drivers, order, finals)


def shares_among(statistics: Mapping[str, float], receivers: Sequence[str], giver: str) -> dict[str, Fraction]:
    """Share of each receiver other than the giver, summing to 1; nothing where all statistics are 0."""
    counted = {r: Fraction(statistics.get(r, 0)) for r in receivers if r != giver}
    total = sum(counted.values(), Fraction(0))
    return {r: value / total for r, value in counted.items() if value} if total else {}


def _nothing(held: Amounts) -> Amounts:
    return {department: dict.fromkeys(row, Fraction(0)) for department, row in held.items()}


def _give(amounts: Mapping[str, Fraction], shares: Mapping[str, Fraction], into: Amounts) -> None:
    for receiver, share in shares.items():
        for column, amount in amounts.items():
            into[receiver][column] += share * amount


def _all_to(
    held: Amounts,
    drivers: Numbers,
    levels: Mapping[str, Sequence[str]],
    allowed: Mapping[str, Sequence[str]],
    finals: Sequence[str],
) -> ReferenceAllocation:
    """Level by level, giver by giver: pass on all that is held to those who may receive."""
    gross: Amounts = {}
    received: dict[str, Amounts] = {}
    for level, givers in levels.items():
        received[level] = _nothing(held)
        for giver in givers:
            gross[giver] = dict(held[giver])
            _give(gross[giver], shares_among(drivers.get(giver, {}), allowed[giver], giver), received[level])
            held[giver] = dict.fromkeys(held[giver], Fraction(0))
        for department, row in received[level].items():
            for column, amount in row.items():
                held[department][column] += amount
    return ReferenceAllocation({d: held[d] for d in finals}, gross, received)


def _double(held: Amounts, drivers: Numbers, order: Sequence[str], finals: Sequence[str]) -> ReferenceAllocation:
    first = _nothing(held)
    everyone = list(held)
    own = {giver: dict(held[giver]) for giver in order}
    for giver in order:
        _give(own[giver], shares_among(drivers.get(giver, {}), everyone, giver), first)
        held[giver] = dict.fromkeys(held[giver], Fraction(0))
    for department, row in first.items():
        for column, amount in row.items():
            held[department][column] += amount
    open_yet = {giver: [*order[at + 1 :], *finals] for at, giver in enumerate(order)}
    second = _all_to(held, drivers, {giver: [giver] for giver in order}, open_yet, finals)
    together = _nothing(held)
    for step in second.received.values():
        for department, row in step.items():
            for column, amount in row.items():
                together[department][column] += amount
    gross = {g: {k: own[g][k] + second.gross[g][k] for k in own[g]} for g in order}
    return ReferenceAllocation(second.full, gross, {"first": first, "second": together})


def _reciprocal(held: Amounts, drivers: Numbers, order: Sequence[str], finals: Sequence[str]) -> ReferenceAllocation:
    """gross(i) = own(i) + sum over givers j of share(j, i) x gross(j), solved by Gauss-Jordan elimination."""
    everyone = list(held)
    shares = {giver: shares_among(drivers.get(giver, {}), everyone, giver) for giver in order}
    columns = list(held[everyone[0]])
    rows = []
    for i in order:
        left = [Fraction(int(i == j)) - shares[j].get(i, Fraction(0)) for j in order]
        rows.append(left + [held[i][column] for column in columns])
    size = len(order)
    for at in range(size):
        pivot = next(row for row in range(at, size) if rows[row][at] != 0)
        rows[at], rows[pivot] = rows[pivot], rows[at]
        rows[at] = [value / rows[at][at] for value in rows[at]]
        for row in range(size):
            factor = rows[row][at]
            if row != at and factor:
                rows[row] = [value - factor * other for value, other in zip(rows[row], rows[at], strict=True)]
    gross = {giver: dict(zip(columns, rows[at][size:], strict=True)) for at, giver in enumerate(order)}
    received = _nothing(held)
    for giver in order:
        _give(gross[giver], shares[giver], received)
    full = {d: {k: held[d][k] + received[d][k] for k in columns} for d in finals}
    return ReferenceAllocation(full, gross, {"services": received})


def repeated_distribution(
    costs: Numbers, drivers: Numbers, order: Sequence[str], until: float = 1e-14, most: int = 100_000
) -> dict[str, dict[str, float]]:
    """Pass on, again and again, what the service departments hold, until it is `until` of the whole (连续分配法)."""
    held = {department: dict(row) for department, row in costs.items()}
    columns = list(next(iter(costs.values())))
    whole = sum(abs(value) for row in costs.values() for value in row.values())
    shares = {g: {r: float(v) for r, v in shares_among(drivers[g], list(costs), g).items()} for g in order}
    for _ in range(most):
        if sum(abs(value) for giver in order for value in held[giver].values()) <= until * whole:
            break
        for giver in order:
            moving, held[giver] = held[giver], dict.fromkeys(columns, 0.0)
            for receiver, share in shares[giver].items():
                for column in columns:
                    held[receiver][column] += share * moving[column]
    return {department: row for department, row in held.items() if department not in order}
