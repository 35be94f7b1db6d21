"""What is odd about the MDCs, rules and groups of a scheme."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from drgengine.grouper.conditions import (
    PROCEDURE_SCOPES,
    Condition,
    Constant,
    Count,
    InCodes,
    InList,
    StartsWith,
    atoms,
)
from drgengine.grouper.implication import MEMBERSHIP
from drgengine.grouper.listed import ListedCodes
from drgengine.grouper.possible import Can, can
from drgengine.grouper.remark import SchemeRemark, first, rule_place, tally
from drgengine.grouper.scheme import NOT_PRINCIPAL, OPERATIONS, Mdc
from drgengine.grouper.shadow import always_answers, groups_behind, rule_behind, settled, taken_codes


def never_holds(lists: ListedCodes) -> Iterator[SchemeRemark]:
    """Gates, rules and groups whose condition no case can meet: `never` stands there, or a list is empty."""
    for mdc in lists.scheme.mdcs:
        yield from _never(mdc.gate, lists, rule_place(mdc))
        for rule in mdc.rules:
            yield from _never(rule.when, lists, rule_place(mdc, rule))
            for group in rule.groups:
                yield from _never(group.when, lists, rule_place(mdc, rule, group))


def _never(condition: Condition, lists: ListedCodes, place: str) -> Iterator[SchemeRemark]:
    if settled(condition, lists) != Constant(False):
        return
    if Constant(False) in atoms(condition):
        yield SchemeRemark("note", "switched_off", place, "the condition says `never`")
        return
    empty = [a.list for a in atoms(condition) if isinstance(a, InList | Count) and not lists.member(a.list).any()]
    why = f"empty: {' '.join(dict.fromkeys(empty))}" if empty else "its parts exclude each other"
    yield SchemeRemark("warning", "condition_never_holds", place, f"no case can meet the condition ({why})")


def never_reached(lists: ListedCodes) -> Iterator[SchemeRemark]:
    """Rules and groups that something earlier always answers for; rules that lose part of their codes."""
    for mdc in lists.scheme.mdcs:
        answering = [always_answers(mdc, rule, lists) for rule in mdc.rules]
        for at, rule in enumerate(mdc.rules):
            yield from _rule_reached(mdc, at, answering, lists)
            for group, earlier, always in groups_behind(mdc, rule, lists):
                why = "always holds" if always else f"holds whenever {group.drg} does"
                detail = f"{earlier.drg} stands before it and {why}"
                yield SchemeRemark("warning", "group_never_reached", rule_place(mdc, rule, group), detail)


def _rule_reached(mdc: Mdc, at: int, answering: list[bool], lists: ListedCodes) -> Iterator[SchemeRemark]:
    rule = mdc.rules[at]
    place = rule_place(mdc, rule)
    earlier = rule_behind(mdc, at, answering, lists)
    if earlier is not None:
        level = "note" if earlier.adrg == rule.adrg else "warning"
        detail = f"{earlier.id} stands before it and holds whenever it does"
        yield SchemeRemark(level, "rule_never_reached", place, detail)
        return
    taken = taken_codes(mdc, at, answering, lists)
    whole = [found for found in taken if len(found.codes) == found.listed]
    for found in whole[:1] or taken:
        # "Any operation" stands for whatever the rules before it leave over, and so does an ambiguous group.
        if not whole and (rule.kind == "ambiguous" or found.atom == InList(found.atom.scope, OPERATIONS)):
            continue
        name = found.atom.list if isinstance(found.atom, InList) else "codes in the rule"
        detail = (
            f"{len(found.codes)} of {found.listed} codes of {found.atom.scope} in {name} go to earlier rules "
            f"({first(found.earlier)}): {first(found.codes)}"
        )
        if whole:
            yield SchemeRemark("warning", "rule_never_reached", place, detail)
        else:
            yield SchemeRemark("note", "rule_shadowed_in_part", place, detail)


def falls_through(lists: ListedCodes) -> Iterator[SchemeRemark]:
    """Rules that may hold and yet give no answer, so that the next rule is tried."""
    for mdc, rule in lists.scheme.rules:
        if always_answers(mdc, rule, lists) or settled(rule.when, lists) == Constant(False):
            continue
        place = rule_place(mdc, rule)
        if rule.groups:
            detail = f"a case may meet none of its groups ({len(rule.groups)}) and falls through to the next rule"
            yield SchemeRemark("note", "falls_through", place, detail)
        else:
            yield SchemeRemark("warning", "rule_without_answer", place, "it has no groups, and the next rule is tried")


def diagnoses_outside_mdc(lists: ListedCodes) -> Iterator[SchemeRemark]:
    """Principal diagnoses of a rule with which no case passes the gate of its MDC."""
    size = len(lists.scheme.diagnoses.codes)

    def known(atom: Condition) -> Can | None:
        if isinstance(atom, MEMBERSHIP) and atom.scope in ("pdx", "any_dx"):
            held = lists.held(atom)
            return (held if atom.scope == "pdx" else np.ones(size, bool)), ~held
        return None

    for mdc in lists.scheme.mdcs:
        passes, _ = can(mdc.gate, known, size)
        for rule in mdc.rules:
            asked = np.zeros(size, bool)
            for atom in atoms(rule.when):
                if isinstance(atom, InList | InCodes) and atom.scope == "pdx":
                    asked |= lists.held(atom)
            outside = np.flatnonzero(asked & ~passes)
            if outside.size:
                codes = [lists.scheme.diagnoses.codes[at] for at in outside.tolist()]
                detail = f"{outside.size} of {asked.sum()} principal diagnoses cannot pass the gate: {first(codes)}"
                yield SchemeRemark("note", "diagnoses_outside_mdc", rule_place(mdc, rule), detail)


def procedures_no_operations(lists: ListedCodes) -> Iterator[SchemeRemark]:
    """Procedures in the lists of surgical rules that do not count as operations."""
    codes = lists.scheme.procedures.codes
    operations = lists.member(OPERATIONS)
    for mdc, rule in lists.scheme.rules:
        if rule.kind != "surgical":
            continue
        asked = np.zeros(len(codes), bool)
        for atom in atoms(rule.when):
            if isinstance(atom, InList | InCodes) and atom.scope in PROCEDURE_SCOPES:
                asked |= lists.held(atom)
        others = [codes[at] for at in np.flatnonzero(asked & ~operations).tolist()]
        if others:
            detail = f"{len(others)} of {asked.sum()} procedures do not count as operations: {first(others)}"
            yield SchemeRemark("note", "procedures_no_operations", rule_place(mdc, rule), detail)


def mdc_lists(lists: ListedCodes) -> Iterator[SchemeRemark]:
    """Principal diagnoses that several MDCs ask for, and those that are barred as principal diagnosis."""
    codes = lists.scheme.diagnoses.codes
    barred = lists.member(NOT_PRINCIPAL)
    before: list[tuple[str, np.ndarray]] = []
    for mdc in lists.scheme.mdcs:
        asked = np.zeros(len(codes), bool)
        for atom in atoms(mdc.gate):
            if isinstance(atom, InList | InCodes) and atom.scope in ("pdx", "any_dx"):
                asked |= lists.held(atom)
        shared = [(code, asked & other) for code, other in before if (asked & other).any()]
        if shared:
            every = np.logical_or.reduce([both for _, both in shared])
            counts = ", ".join(f"{code} {both.sum()}" for code, both in shared)
            shown = first(codes[at] for at in np.flatnonzero(every).tolist())
            detail = f"{every.sum()} of {asked.sum()} diagnoses stand in earlier MDCs too ({counts}): {shown}"
            yield SchemeRemark("note", "mdc_lists_overlap", rule_place(mdc), detail)
        forbidden = [codes[at] for at in np.flatnonzero(asked & barred).tolist()]
        if forbidden:
            detail = f"barred as principal diagnosis: {tally(forbidden)}"
            yield SchemeRemark("note", "barred_in_mdc", rule_place(mdc), detail)
        before.append((mdc.code, asked))


def drg_codes(lists: ListedCodes) -> Iterator[SchemeRemark]:
    """DRG codes that do not fit their ADRG."""
    home: dict[str, str] = {}
    for mdc, rule in lists.scheme.rules:
        for at, group in enumerate(rule.groups):
            place = rule_place(mdc, rule, group)
            if group.drg in [earlier.drg for earlier in rule.groups[:at]]:
                yield SchemeRemark("warning", "group_twice", place, "the rule names the same group twice")
            if not group.drg.startswith(rule.adrg):
                detail = f"the code does not start with that of its ADRG, {rule.adrg}"
                yield SchemeRemark("warning", "drg_outside_adrg", place, detail)
            if home.setdefault(group.drg, rule.adrg) != rule.adrg:
                detail = f"the same code stands under ADRG {home[group.drg]}"
                yield SchemeRemark("warning", "drg_in_several_adrgs", place, detail)


def unknown_in_rules(lists: ListedCodes) -> Iterator[SchemeRemark]:
    """Codes and prefixes written in a condition that no code of the edition answers to."""
    for mdc in lists.scheme.mdcs:
        yield from _unknown(mdc.gate, lists, rule_place(mdc))
        for rule in mdc.rules:
            yield from _unknown(rule.when, lists, rule_place(mdc, rule))
            for group in rule.groups:
                yield from _unknown(group.when, lists, rule_place(mdc, rule, group))


def _unknown(condition: Condition, lists: ListedCodes, place: str) -> Iterator[SchemeRemark]:
    for atom in atoms(condition):
        match atom:
            case InCodes(scope, texts):
                lost = [text for text in texts if not lists.held(InCodes(scope, (text,))).any()]
            case StartsWith(scope, texts):
                lost = [text for text in texts if not lists.held(StartsWith(scope, (text,))).any()]
            case _:
                continue
        if lost:
            detail = f"{len(lost)} of {len(texts)} codes match nothing in the edition: {first(lost)}"
            yield SchemeRemark("warning", "code_unknown", place, detail)
