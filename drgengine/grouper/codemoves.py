"""Where codes went: which ADRGs and MDC gates ask for a code, before and after, whatever the lists are called."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from drgengine.grouper.conditions import (
    DIAGNOSIS_SCOPES,
    All,
    AnyOf,
    Compare,
    Condition,
    Count,
    InCodes,
    InList,
    Not,
    StartsWith,
)
from drgengine.grouper.implication import simplify
from drgengine.grouper.listed import ListedCodes
from drgengine.grouper.listpairs import jaccard
from drgengine.grouper.scheme import SHARED

LEVELS, KINDS = ("ADRG", "MDC"), ("diagnosis", "procedure")
WHATS = ("moved", "new", "gone", "also", "left")
ALIKE = 0.8
Asked = dict[tuple[str, str], dict[str, frozenset[str]]]
"""(ADRG or MDC, its code) -> kind of code -> the codes that it asks for."""


@dataclass(frozen=True, slots=True)
class CodeMove:
    """Codes that other rules ask for than before.

    level : ADRG (rules of ADRGs) or MDC (gates); kind : diagnosis or procedure
    what : moved (from `old` to `new`), new (in none before), gone (in none any more), also (besides where they
        were, now in `new` too), left (no more in `old`, still in others)
    old, new : ADRGs or MDCs that ask for the codes no more, and those that do now
    """

    level: str
    kind: str
    what: str
    old: tuple[str, ...]
    new: tuple[str, ...]
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Continued:
    """An ADRG that probably goes on under another code; alike : share of common codes, 0.8 to 1."""

    old: str
    new: str
    old_name: str
    new_name: str
    alike: float


def asked_codes(lists: ListedCodes) -> Asked:
    """The codes that the rules of each ADRG and the gate of each MDC ask for, not those that they bar.

    Lists of the whole scheme (`operations` ...) do not count; what only groups ask for does not either.
    """
    held: dict[tuple[str, str], dict[str, np.ndarray]] = {}
    for mdc in lists.scheme.mdcs:
        _collect(held.setdefault(("MDC", mdc.code), {}), lists, mdc.gate)
        for rule in mdc.rules:
            _collect(held.setdefault(("ADRG", rule.adrg), {}), lists, rule.when)
    editions = {"diagnosis": lists.scheme.diagnoses.codes, "procedure": lists.scheme.procedures.codes}
    return {
        owner: {
            kind: frozenset(editions[kind][at] for at in np.flatnonzero(kinds[kind]).tolist())
            if kind in kinds
            else _NONE
            for kind in KINDS
        }
        for owner, kinds in held.items()
    }


_NONE: frozenset[str] = frozenset()


def _collect(found: dict[str, np.ndarray], lists: ListedCodes, condition: Condition) -> None:
    for atom in _wanted(simplify(condition), True):
        if isinstance(atom, Compare):
            names = [name for name in lists.scheme.diagnosis_patterns if name.startswith("site.")]
            parts = [("diagnosis", lists.member(name)) for name in names]
        elif isinstance(atom, InList | InCodes | StartsWith):
            kind = "diagnosis" if atom.scope in DIAGNOSIS_SCOPES else "procedure"
            parts = [(kind, lists.held(atom))]
        for kind, member in parts:
            found[kind] = found[kind] | member if kind in found else member


def _wanted(condition: Condition, wanted: bool) -> Iterator[Condition]:
    """The atoms about codes that a case may meet to fulfil the condition."""
    match condition:
        case All(parts) | AnyOf(parts):
            for part in parts:
                yield from _wanted(part, wanted)
        case Not(part):
            yield from _wanted(part, not wanted)
        case InList(_, name) if wanted and name not in SHARED:
            yield condition
        case InCodes() | StartsWith() if wanted:
            yield condition
        case Count(scope, name, op, value) if name not in SHARED:
            if (op in (">", ">=") or (op == "==" and value > 0)) is wanted:
                yield InList(scope, name)
        case Compare("trauma_sites", op) if (op in (">", ">=", "==")) is wanted:
            yield condition


def code_moves(old: Asked, new: Asked, continued: Iterable[Continued] = ()) -> Iterator[CodeMove]:
    """What moved, by level, by kind, moves before additions, the largest first.

    continued : ADRGs that go on under another code; that alone moves no code
    """
    onward = {("ADRG", one.old): one.new for one in continued}
    for level in LEVELS:
        for kind in KINDS:
            before = _owners_of_codes(old, level, kind, onward)
            after = _owners_of_codes(new, level, kind, {})
            found: dict[tuple[str, tuple[str, ...], tuple[str, ...]], list[str]] = {}
            for code in sorted(before.keys() | after.keys()):
                one, other = before.get(code, _NONE), after.get(code, _NONE)
                if one != other:
                    lost, gained = tuple(sorted(one - other)), tuple(sorted(other - one))
                    found.setdefault((_what(one, other), lost, gained), []).append(code)
            for key in sorted(found, key=lambda key: (WHATS.index(key[0]), -len(found[key]), *key[1:])):
                yield CodeMove(level, kind, *key, tuple(found[key]))


def _owners_of_codes(
    asked: Asked, level: str, kind: str, onward: Mapping[tuple[str, str], str]
) -> dict[str, frozenset[str]]:
    owners: dict[str, set[str]] = {}
    for owner, kinds in asked.items():
        if owner[0] == level:
            name = onward.get(owner, owner[1])
            for code in kinds[kind]:
                owners.setdefault(code, set()).add(name)
    shared: dict[frozenset[str], frozenset[str]] = {}
    return {code: shared.setdefault(one, one) for code, names in owners.items() for one in (frozenset(names),)}


def _what(before: frozenset[str], after: frozenset[str]) -> str:
    if not before or not after:
        return "gone" if before else "new"
    if before <= after:
        return "also"
    return "left" if after <= before else "moved"


def continued_adrgs(old: Asked, new: Asked, names: tuple[Mapping[str, str], Mapping[str, str]]) -> Iterator[Continued]:
    """ADRGs that only one scheme has, paired where at least 0.8 of all diagnoses and of all procedures agree.

    names : ADRG -> name, in the old and in the new scheme; the same name decides between equal candidates
    Every ADRG is paired once, the most alike first. ADRGs that ask for no code are never paired.
    """
    gone, come = (
        {code: side[level, code] for level, code in side if level == "ADRG" and (level, code) not in other}
        for side, other in ((old, new), (new, old))
    )
    chances = []
    for one, mine in gone.items():
        for other, theirs in come.items():
            shares = [jaccard(mine[kind], theirs[kind]) for kind in KINDS]
            if min(shares) >= ALIKE and any(mine[kind] for kind in KINDS):
                alike = jaccard(*(side["diagnosis"] | side["procedure"] for side in (mine, theirs)))
                chances.append((-alike, names[0].get(one) != names[1].get(other), one, other))
    left, right = set(gone), set(come)
    for alike, _, one, other in sorted(chances):
        if one in left and other in right:
            left.remove(one)
            right.remove(other)
            yield Continued(one, other, names[0].get(one, ""), names[1].get(other, ""), round(-alike, 4))
