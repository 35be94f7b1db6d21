"""Discharges aimed at each group of an invented workbook: what its rules ask for is drawn, the rest is left away."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from random import Random

from drgengine.grouper.conditions import All, AnyOf, Compare, Condition, Count, InList, Severity
from drgengine.grouper.reference import Case
from drgengine.grouper.workbook.ruletext import parse_rule
from drgengine.synth.workbookgroups import groups_of
from drgengine.synth.workbookscheme import Invented

_GROWN_UP = 40.0


def aimed_cases(invented: Invented, rng: Random, tries: int, targets: set[str] | None = None) -> list[tuple[str, Case]]:
    """(group it is aimed at, discharge), up to `tries` for each group; an earlier rule may take a discharge away.

    targets : codes of groups, all when None; ambiguous ones by their own code (BQY)
    """
    severe: dict[str, list[str]] = {"mcc": [], "cc": []}
    for code, (level, _) in invented.severity.items():
        severe[level.lower()].append(code)
    asked = [
        (drg, All((_parsed(mdc.rule), _parsed(adrg.rule), _parsed(rule))))
        for mdc in invented.mdcs
        for adrg in mdc.adrgs
        for drg, _, rule in groups_of(adrg)
        if targets is None or drg in targets
    ]
    found = []
    members = {name: frozenset(codes) for name, codes in invented.sets.items()}
    for drg, condition in asked:
        for _ in range(tries):
            case = _Wish(members, severe, rng).case(condition)
            if case is not None:
                found.append((drg, case))
    return found


@lru_cache(maxsize=4096)
def _parsed(text: str) -> Condition:
    return parse_rule(text)


@dataclass
class _Wish:
    """What one way through a condition asks of a discharge."""

    members: dict[str, frozenset[str]]
    severe: dict[str, list[str]]
    rng: Random
    principal: list[frozenset[str]] = field(default_factory=list)
    first: list[frozenset[str]] = field(default_factory=list)
    dx: list[str] = field(default_factory=list)
    proc: list[str] = field(default_factory=list)
    low: dict[str, float] = field(default_factory=dict)
    high: dict[str, float] = field(default_factory=dict)

    def case(self, condition: Condition) -> Case | None:
        """A discharge, or None where two lists that are asked together share no code."""
        self.follow(condition)
        principal = self.one_of_all(self.principal) if self.principal else "Z51.102"
        first = self.one_of_all(self.first) if self.first else ""
        if principal is None or first is None:
            return None
        numbers = {"age_years": _GROWN_UP} | {name: self.number(name) for name in {*self.low, *self.high}}
        if numbers["age_years"] == 0:
            numbers.setdefault("age_days", 10.0)
        sex = int(numbers.pop("sex", self.rng.choice((1, 2))))
        proc = ((first,) if first else ()) + tuple(dict.fromkeys(self.proc))
        return Case((principal, *self.dx), proc, sex, numbers)

    def follow(self, condition: Condition) -> None:
        match condition:
            case All(parts):
                for part in parts:
                    self.follow(part)
            case AnyOf(parts):
                self.follow(self.rng.choice(parts))
            case InList(scope, name):
                self.listed(scope, self.members[name])
            case Count(_, name, _, value):
                self.proc += self.rng.sample(sorted(self.members[name]), int(value) + 1)
            case Severity(level):
                self.dx.append(self.rng.choice(self.severe[level]))
            case Compare(name, op, value):
                step = 1.0
                if op in ("==", ">=", ">"):
                    self.low[name] = max(self.low.get(name, value), value + step * (op == ">"))
                if op in ("==", "<=", "<"):
                    self.high[name] = min(self.high.get(name, value), value - step * (op == "<"))

    def listed(self, scope: str, codes: frozenset[str]) -> None:
        if scope in ("pdx", "first_proc"):
            (self.principal if scope == "pdx" else self.first).append(codes)
        elif codes:
            (self.proc if "proc" in scope else self.dx).append(self.rng.choice(sorted(codes)))

    def one_of_all(self, wanted: list[frozenset[str]]) -> str | None:
        common = sorted(frozenset.intersection(*wanted))
        return self.rng.choice(common) if common else None

    def number(self, name: str) -> float:
        low = self.low.get(name, min(0.0, self.high.get(name, 0.0)))
        return self.rng.choice((low, self.high.get(name, low + 20)))
