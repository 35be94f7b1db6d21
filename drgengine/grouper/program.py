"""Conditions -> chains of yes/no nodes, with the leaves (answers) at their ends.

A rule is asked only where the candidate tables (possible.py) leave it possible. What those tables decide for good
(parts about the principal diagnosis alone, the first procedure alone or sex alone) is not asked again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from drgengine.grouper.conditions import (
    COMPARISONS,
    DIAGNOSIS_SCOPES,
    All,
    AnyOf,
    Compare,
    Condition,
    Constant,
    Count,
    Department,
    Has,
    InCodes,
    InList,
    Known,
    Not,
    OneOf,
    Severity,
    StartsWith,
    atoms,
)
from drgengine.grouper.scheme import Mdc, Rule, Scheme

NO, YES = -1, -2
_LISTS = (InList, InCodes, StartsWith)
_LISTED = {"pdx": 0, "any_dx": 1, "sdx": 2, "first_proc": 3, "any_proc": 4, "other_proc": 5}
_HAS = {"sdx": 6, "any_proc": 7, "other_proc": 8}
_NUMBER, _SEX, _SITES, _KNOWN, _KNOWN_NOT_ZERO, _DEPARTMENT, _MCC, _CC, _COUNT = range(9, 18)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Numbers of the lists, numeric facts and departments that conditions name."""

    dx_lists: Mapping[Condition, int]
    proc_lists: Mapping[Condition, int]
    numbers: tuple[str, ...]
    departments: tuple[str, ...]

    @staticmethod
    def key(atom: InList | InCodes | StartsWith | Count) -> Condition:
        """The list an atom asks about, whatever its scope."""
        scope = "pdx" if atom.scope in DIAGNOSIS_SCOPES else "first_proc"
        if isinstance(atom, InList | Count):
            return InList(scope, atom.list)
        return InCodes(scope, atom.codes) if isinstance(atom, InCodes) else StartsWith(scope, atom.prefixes)

    def list_number(self, atom: InList | InCodes | StartsWith | Count) -> int:
        """The column of the membership bits that an atom asks about."""
        return (self.dx_lists if atom.scope in DIAGNOSIS_SCOPES else self.proc_lists)[self.key(atom)]


@dataclass(frozen=True, slots=True)
class Leaf:
    """One possible answer."""

    mdc: str
    adrg: str
    drg: str
    ambiguous: bool
    asks_severity: bool
    fallback: bool = False


class Program:
    """The nodes of a whole scheme: an entry per rule, leaves numbered from 0."""

    def __init__(self, scheme: Scheme, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.leaves: list[Leaf] = []
        self._nodes: list[tuple[int, int, int, int, int]] = []
        self._values: list[float] = []
        self.rule_entry = np.array([self._rule(mdc, rule) for mdc, rule in scheme.rules], np.int32)
        self.nodes = np.array(self._nodes, np.int32).reshape(-1, 5)
        self.values = np.array(self._values, np.float64)
        self.leaf_flags = np.array(
            [leaf.asks_severity + 2 * leaf.ambiguous + 4 * leaf.fallback for leaf in self.leaves], np.uint8
        )

    def _rule(self, mdc: Mdc, rule: Rule) -> int:
        asks = any(isinstance(atom, Severity) for group in rule.groups for atom in atoms(group.when))
        fallback = rule.kind == "fallback"
        place = NO
        if rule.otherwise != "next":
            ambiguous = rule.otherwise == "ambiguous"
            code = rule.adrg if ambiguous else rule.otherwise
            place = self._leaf(Leaf(mdc.code, code, code, ambiguous, asks, fallback))
        for group in reversed(rule.groups):
            leaf = Leaf(mdc.code, rule.adrg, group.drg, False, asks, fallback)
            place = self._chain(group.when, self._leaf(leaf), place)
        return self._chain(left_to_ask(mdc, rule), place, NO)

    def _leaf(self, leaf: Leaf) -> int:
        self.leaves.append(leaf)
        return -1 - len(self.leaves)

    def _chain(self, condition: Condition, yes: int, no: int) -> int:
        """Entry of the nodes that go to `yes` when the condition holds and to `no` when it does not."""
        if isinstance(condition, All):
            for part in reversed(condition.parts):
                yes = self._chain(part, yes, no)
            return yes
        if isinstance(condition, AnyOf):
            for part in reversed(condition.parts):
                no = self._chain(part, yes, no)
            return no
        if isinstance(condition, Not):
            return self._chain(condition.part, no, yes)
        if isinstance(condition, Constant):
            return yes if condition.value else no
        if isinstance(condition, OneOf):
            for value in reversed(condition.values):
                no = self._chain(Compare(condition.name, "==", value), yes, no)
            return no
        question, argument, compare, value = self._question(condition)
        self._nodes.append((question, argument, compare, yes, no))
        self._values.append(value)
        return len(self._nodes) - 1

    def _question(self, atom: Condition) -> tuple[int, int, int, float]:
        match atom:
            case InList() | InCodes() | StartsWith():
                return _LISTED[atom.scope], self.vocabulary.list_number(atom), 0, 0.0
            case Count(scope, _, op, value):
                return _COUNT + _LISTED[scope], self.vocabulary.list_number(atom), COMPARISONS.index(op), value
            case Has(scope):
                return _HAS[scope], 0, 0, 0.0
            case Compare("sex", op, value):
                return _SEX, 0, COMPARISONS.index(op), value
            case Compare("trauma_sites", op, value):
                return _SITES, 0, COMPARISONS.index(op), value
            case Compare(name, op, value):
                return _NUMBER, self.vocabulary.numbers.index(name), COMPARISONS.index(op), value
            case Known(name):
                question = _KNOWN_NOT_ZERO if name.endswith("weight_g") else _KNOWN
                return question, self.vocabulary.numbers.index(name), 0, 0.0
            case Department(value):
                return _DEPARTMENT, self.vocabulary.departments.index(value) + 1, 0, 0.0
            case Severity(level):
                return (_MCC if level == "mcc" else _CC), 0, 0, 0.0
        raise TypeError(f"not a condition: {atom!r}")


def left_to_ask(mdc: Mdc, rule: Rule) -> Condition:
    """The part of an MDC's gate and a rule's condition that is still open when the rule is a candidate."""
    parts = [*_conjuncts(mdc.gate), *_conjuncts(rule.when)]
    first_proc = any(isinstance(part, _LISTS) and part.scope == "first_proc" for part in parts)
    return All(
        tuple(
            part
            for part in parts
            if not (_about(part, "pdx") or _about(part, "first_proc") or _about(part, "sex"))
            and not (first_proc and part == Has("any_proc"))
        )
    )


def _conjuncts(condition: Condition) -> list[Condition]:
    if isinstance(condition, All):
        return [inner for part in condition.parts for inner in _conjuncts(part)]
    return [condition]


def _about(part: Condition, what: str) -> bool:
    """Whether a condition asks about the principal diagnosis (`pdx`), the first procedure or sex, and nothing else."""
    return all(
        isinstance(atom, Constant)
        or (isinstance(atom, _LISTS) and atom.scope == what)
        or (isinstance(atom, Compare) and atom.name == what)
        for atom in atoms(part)
    )
