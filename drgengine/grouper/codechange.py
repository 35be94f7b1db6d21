"""Which codes changed from one scheme to another: in lists, in severity, in exclusions, in editions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from drgengine.grouper.conditions import Count, InList, atoms
from drgengine.grouper.listed import ListedCodes
from drgengine.grouper.listpairs import SEVERITY_FAMILIES, ListPairs
from drgengine.grouper.scheme import Scheme


@dataclass(frozen=True, slots=True)
class Change:
    """One difference of an MDC, a rule, a group or the scheme itself.

    kind : added, removed, moved, condition, name, ...; key : MDC, rule id, (rule id and) DRG, or key of scheme.toml
    adrg : the ADRG concerned, "" where none is; old, new : texts, "" where there is nothing on that side
    """

    kind: str
    key: str
    adrg: str = ""
    old: str = ""
    new: str = ""


@dataclass(frozen=True, slots=True)
class CodeChange:
    """Codes that a list, an edition or the scheme itself gained and lost.

    key : name of the list, or what the codes are; adrg : the ADRG whose rule the list belongs to, "" for others
    only_in : "a" or "b" where the other scheme lacks the list
    old_key : the name of the list in scheme `a` where it is another one
    """

    key: str
    added: tuple[str, ...]
    removed: tuple[str, ...]
    only_in: str = ""
    adrg: str = ""
    old_key: str = ""


@dataclass(frozen=True, slots=True)
class LevelChange:
    """Diagnoses whose severity as secondary diagnosis changed; old and new are MCC, CC or none."""

    old: str
    new: str
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CancelChange:
    """MCC and CC (`codes`) that the same principal diagnoses cancel no more (removed) or now (added)."""

    codes: tuple[str, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]


def list_changes(pairs: ListPairs) -> Iterator[CodeChange]:
    """Lists of rules, MDCs and the whole scheme, but not those of severity, in the order of the schemes.

    Lists that are the same under another name are no change.
    """
    a, b = pairs.a, pairs.b
    old, new = ({**lists.scheme.diagnosis_patterns, **lists.scheme.procedure_patterns} for lists in (a, b))
    adrg = _asking_adrg(b.scheme) | _asking_adrg(a.scheme)
    known = [*pairs.changed, *((one.old, one.new) for one in pairs.renamed)]
    paired_old, paired_new = {one for one, _ in known}, {other for _, other in known}
    changed = [*((name, name) for name in old if name in new), *pairs.changed]
    found = {name: (one, name) for one, name in changed}
    order = dict.fromkeys((*old, *new))
    for name in order:
        if name.startswith(SEVERITY_FAMILIES):
            continue
        only_in = "" if name in found else "a" if name in old else "b"
        if only_in and name in (paired_old if only_in == "a" else paired_new):
            continue
        one, other = found.get(name, (name, name))
        before = pairs.codes(0, one) if one in old else frozenset()
        after = pairs.codes(1, other) if other in new else frozenset()
        if before != after or only_in:
            owner = adrg.get(one) or adrg.get(other, "")
            added, removed = tuple(sorted(after - before)), tuple(sorted(before - after))
            yield CodeChange(name, added, removed, only_in, owner, "" if one == other else one)


def _asking_adrg(scheme: Scheme) -> dict[str, str]:
    """List -> the ADRG it is named after, or the only one that asks for it where no gate does."""
    asking: dict[str, set[str]] = {}
    for mdc in scheme.mdcs:
        for name in (atom.list for atom in atoms(mdc.gate) if isinstance(atom, InList | Count)):
            asking.setdefault(name, set()).add("")
        for rule in mdc.rules:
            for condition in (rule.when, *(group.when for group in rule.groups)):
                for name in (atom.list for atom in atoms(condition) if isinstance(atom, InList | Count)):
                    asking.setdefault(name, set()).add(rule.adrg)
    rules = {rule.id: rule.adrg for _, rule in scheme.rules}
    names = (*scheme.diagnosis_patterns, *scheme.procedure_patterns)
    found = {name: rules.get(name.partition(".")[0]) for name in names}
    return {name: adrg or _only(asking.get(name, set())) for name, adrg in found.items()}


def _only(adrgs: set[str]) -> str:
    return next(iter(adrgs)) if len(adrgs) == 1 else ""


def level_changes(a: ListedCodes, b: ListedCodes) -> Iterator[LevelChange]:
    """Diagnoses that became MCC, CC or none of both."""
    old, new = _levels(a), _levels(b)
    found: dict[tuple[str, str], list[str]] = {}
    for code in sorted(old.keys() | new.keys()):
        pair = old.get(code, "none"), new.get(code, "none")
        if pair[0] != pair[1]:
            found.setdefault(pair, []).append(code)
    order = ("MCC", "CC", "none", "MCC and CC")
    for pair in sorted(found, key=lambda pair: (order.index(pair[1]), order.index(pair[0]))):
        yield LevelChange(*pair, tuple(found[pair]))


def _levels(lists: ListedCodes) -> dict[str, str]:
    mcc, cc = _numbers(lists, "mcc."), _numbers(lists, "cc.")
    return {
        code: "MCC and CC" if code in mcc and code in cc else "MCC" if code in mcc else "CC"
        for code in mcc.keys() | cc.keys()
    }


def _numbers(lists: ListedCodes, family: str) -> dict[str, frozenset[str]]:
    """Code -> the exclusion lists it belongs to."""
    found: dict[str, frozenset[str]] = {}
    for name in lists.scheme.diagnosis_patterns:
        if name.startswith(family):
            number = frozenset((name[len(family) :],))
            for code in lists.codes(name):
                found[code] = found.get(code, frozenset()) | number
    return found


def cancel_changes(a: ListedCodes, b: ListedCodes) -> Iterator[CancelChange]:
    """MCC and CC of both schemes that other principal diagnoses cancel, those with the same change together.

    Exclusion lists are compared by their content; a scheme may number them as it likes.
    """
    old, new = (_joined(_numbers(lists, "mcc."), _numbers(lists, "cc.")) for lists in (a, b))
    pairs: dict[tuple[frozenset[str], frozenset[str]], list[str]] = {}
    for code in sorted(old.keys() & new.keys()):
        pairs.setdefault((old[code], new[code]), []).append(code)
    universe = np.array(sorted({*a.scheme.diagnoses.codes, *b.scheme.diagnoses.codes}), dtype=object)
    places = [np.searchsorted(universe, np.array(lists.scheme.diagnoses.codes, dtype=object)) for lists in (a, b)]
    held: dict[tuple[int, frozenset[str]], np.ndarray] = {}

    def cancelling(side: int, numbers: frozenset[str]) -> np.ndarray:
        if (side, numbers) not in held:
            lists, found = (a, b)[side], np.zeros(len(universe), bool)
            for name in (f"excluded.{number}" for number in sorted(numbers)):
                if name in lists.scheme.diagnosis_patterns:
                    found[places[side]] |= lists.member(name)
            held[side, numbers] = found
        return held[side, numbers]

    changed: dict[tuple[tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for (one, other), codes in pairs.items():
        before, after = cancelling(0, one), cancelling(1, other)
        if (before != after).any():
            change = tuple(universe[after & ~before]), tuple(universe[before & ~after])
            changed.setdefault(change, []).extend(codes)
    for (added, removed), codes in sorted(changed.items(), key=lambda item: (-len(item[1]), item[1])):
        yield CancelChange(tuple(sorted(codes)), added, removed)


def _joined(*sides: dict[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for side in sides:
        for code, numbers in side.items():
            found[code] = found.get(code, frozenset()) | numbers
    return found


def answer_changes(a: Scheme, b: Scheme) -> Iterator[CodeChange]:
    """ADRG and DRG codes that only one of the schemes can answer with."""
    for key, codes in (
        ("ADRG", [{rule.adrg for _, rule in scheme.rules} for scheme in (a, b)]),
        ("DRG", [{group.drg for _, rule in scheme.rules for group in rule.groups} for scheme in (a, b)]),
    ):
        if codes[0] != codes[1]:
            yield CodeChange(key, tuple(sorted(codes[1] - codes[0])), tuple(sorted(codes[0] - codes[1])))


def edition_changes(a: Scheme, b: Scheme) -> Iterator[CodeChange]:
    """Codes that only one of the editions has."""
    for key, old, new in (("diagnoses", a.diagnoses, b.diagnoses), ("procedures", a.procedures, b.procedures)):
        added, removed = sorted(new.known - old.known), sorted(old.known - new.known)
        if added or removed:
            yield CodeChange(key, tuple(added), tuple(removed))
