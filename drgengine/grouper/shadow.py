"""Which rules, groups and codes are never reached because something earlier answers first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from drgengine.grouper.conditions import All, AnyOf, Condition, Constant, Has, InCodes, InList, Not, StartsWith
from drgengine.grouper.implication import covers, implies, simplify
from drgengine.grouper.listed import ListedCodes, Membership
from drgengine.grouper.scheme import Group, Mdc, Rule

_SINGLE = ("pdx", "first_proc")


@dataclass(frozen=True, slots=True)
class TakenCodes:
    """Codes of one membership of a rule with which every case goes to an earlier rule of the MDC.

    atom : the membership; codes : those taken; listed : how many codes it has; earlier : the rules that take them
    """

    atom: Membership
    codes: tuple[str, ...]
    listed: int
    earlier: tuple[str, ...]


def settled(condition: Condition, lists: ListedCodes) -> Condition:
    """The condition without parts that say nothing; `never` where only empty lists could make it true.

    Severity without any MCC or CC list is `never` too.
    """

    def settle(atom: Condition) -> Condition:
        if isinstance(atom, InList | InCodes) and not lists.held(atom).any():
            return Constant(False)
        return atom

    return simplify(condition, settle)


def always_answers(mdc: Mdc, rule: Rule, lists: ListedCodes) -> bool:
    """Whether a case for which the rule holds always gets an answer from it."""
    given = settled(All((mdc.gate, rule.when)), lists)
    return rule.otherwise != "next" or any(implies(given, group.when, lists.within) for group in rule.groups)


def groups_behind(mdc: Mdc, rule: Rule, lists: ListedCodes) -> Iterator[tuple[Group, Group, bool]]:
    """(group, earlier sibling, whether the sibling always holds) for each group that is never reached."""
    given = settled(All((mdc.gate, rule.when)), lists)
    if given == Constant(False):
        return
    for at, group in enumerate(rule.groups):
        here = settled(group.when, lists)
        if here == Constant(False):
            continue
        for earlier in rule.groups[:at]:
            always = implies(given, earlier.when, lists.within)
            if always or implies(All((given, here)), earlier.when, lists.within):
                yield group, earlier, always
                break


def rule_behind(mdc: Mdc, at: int, answering: Sequence[bool], lists: ListedCodes) -> Rule | None:
    """The first earlier rule of the MDC that takes every case of rule number `at`."""
    given = settled(All((mdc.gate, mdc.rules[at].when)), lists)
    if given == Constant(False):
        return None
    for earlier, answers in zip(mdc.rules[:at], answering, strict=False):
        if answers and implies(given, earlier.when, lists.within):
            return earlier
    return None


def taken_codes(mdc: Mdc, at: int, answering: Sequence[bool], lists: ListedCodes) -> list[TakenCodes]:
    """For a rule that is one membership or an AND of parts: the codes of its lists that earlier rules take."""
    when = settled(mdc.rules[at].when, lists)
    parts = when.parts if isinstance(when, All) else (when,)
    found = []
    for atom in parts:
        if not isinstance(atom, InList | InCodes):  # prefixes also speak of codes that no edition knows
            continue
        held, codes = lists.held(atom), lists.side(atom.scope)
        taken, earlier = np.zeros(len(codes), bool), []
        for rule, answers in zip(mdc.rules[:at], answering, strict=False):
            if not answers:
                continue
            hits = _true_with(rule.when, atom, parts, lists) & held
            if hits.any():
                taken |= hits
                earlier.append(rule.id)
        if earlier:
            chosen = tuple(codes[n] for n in np.flatnonzero(taken).tolist())
            found.append(TakenCodes(atom, chosen, int(held.sum()), tuple(earlier)))
    return found


def _true_with(asked: Condition, atom: Membership, parts: tuple[Condition, ...], lists: ListedCodes) -> np.ndarray:
    """For which codes of an atom's scope `asked` surely holds, when the code stands there and all parts hold."""
    size = len(lists.side(atom.scope))
    if isinstance(asked, All):
        return np.logical_and.reduce([_true_with(part, atom, parts, lists) for part in asked.parts])
    if any(implies(part, asked, lists.within) for part in parts):
        return np.ones(size, bool)
    match asked:
        case AnyOf(inner):
            return np.logical_or.reduce([_true_with(part, atom, parts, lists) for part in inner])
        case InList() | InCodes() | StartsWith() if covers(asked.scope, atom.scope):
            return lists.held(asked)
        case Not((InList() | InCodes() | StartsWith()) as inside) if inside.scope == atom.scope in _SINGLE:
            return ~lists.held(inside)
        case Has() if implies(atom, asked):
            return np.ones(size, bool)
    return np.zeros(size, bool)
