"""Which problems do most damage (影响最大的问题)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from drgengine.cases.issues import issue_rules
from drgengine.quality.result import Problem
from drgengine.quality.words import settings


@dataclass(slots=True)
class Tally:
    """What is known of one rule or reason. rows, not_grouped : distinct rows; cells : occurrences"""

    cells: int = 0
    rows: int = 0
    not_grouped: int = 0
    columns: Counter[str] = field(default_factory=Counter)
    departments: Counter[str] = field(default_factory=Counter)
    examples: list[int] = field(default_factory=list)


def extra_losses(hit: int, lost: int, rows: int, all_lost: int) -> float:
    """Rows lost beyond what as many rows without the problem would lose; never negative.

    >>> extra_losses(hit=10, lost=6, rows=110, all_lost=16)
    5.0
    """
    others = rows - hit
    elsewhere = (all_lost - lost) / others if others else 0.0
    return max(0.0, lost - hit * elsewhere)


def rank_problems(
    rules: Mapping[str, Tally], reasons: Mapping[str, Tally], rows: int, not_grouped: int
) -> tuple[Problem, ...]:
    """The most damaging rules and grouping reasons, worst first; rules that lose nothing are left out.

    rules : by rule of cleaning or logic   reasons : by reason of grouping, of rows that are not grouped
    rows, not_grouped : of the whole file. Ties go by id, so that the order is always the same.
    """
    same = settings()["same_as"]
    found = [_problem(name, False, tally, rows, not_grouped) for name, tally in rules.items()]
    found += [
        _problem(name, True, tally, rows, not_grouped) for name, tally in reasons.items() if same.get(name) not in rules
    ]
    damaging = [problem for problem in found if problem.damage > 0]
    damaging.sort(key=lambda problem: (-problem.damage, problem.id))
    return tuple(damaging[: settings()["problems_shown"]])


def _problem(name: str, is_reason: bool, tally: Tally, rows: int, not_grouped: int) -> Problem:
    severity = "error" if is_reason else issue_rules()[name]["severity"]
    weight = settings()["weight"][severity]
    extra = extra_losses(tally.rows, tally.not_grouped, rows, not_grouped)
    if is_reason:
        extra = float(tally.not_grouped)
    return Problem(
        id=name,
        is_reason=is_reason,
        severity=severity,
        cells=tally.cells,
        rows=tally.rows,
        not_grouped=tally.not_grouped,
        extra=extra,
        damage=extra + weight * tally.rows if weight or is_reason else 0.0,
        columns=tuple(_first(tally.columns, 3)),
        department=next(iter(_first(tally.departments, 1)), None),
        examples=tuple(tally.examples[: settings()["example_rows"]]),
    )


def _first(counts: Counter[str], number: int) -> Iterable[str]:
    return [name for name, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:number]]
