"""How ADRGs fall into groups, before and after; what codes are called now; how large the schemes are."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from drgengine.grouper.codechange import Change
from drgengine.grouper.conditions import AnyOf, Condition, Constant
from drgengine.grouper.conditionwords import condition_words
from drgengine.grouper.implication import implies, simplify
from drgengine.grouper.listed import ListedCodes
from drgengine.grouper.listpairs import ListPairs
from drgengine.grouper.scheme import Group, Rule, Scheme

_NOT_GROUPED = ("ambiguous", "fallback")


@dataclass(frozen=True, slots=True)
class Split:
    """An ADRG that both schemes have and split into other groups (细分方式不同).

    old, new : its groups in the order in which they are tried, each as code and what it asks for
    """

    adrg: str
    name: str
    old: tuple[str, ...]
    new: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Size:
    """How many MDCs, ADRGs, groups ... each scheme has; ambiguous and fall-back groups count on their own."""

    what: str
    old: int
    new: int


def splits(pairs: ListPairs) -> Iterator[Split]:
    """ADRGs of both schemes whose groups or what these ask for differ, in the order of the second scheme."""
    old, new = _groups(pairs.a.scheme), _groups(pairs.b.scheme)
    for adrg, after in new.items():
        before = old.get(adrg)
        if before is None or _agree(before, after, pairs):
            continue
        name = next((rule.name for rule, _ in after if rule.name), "")
        yield Split(adrg, name, _words(before, pairs.a), _words(after, pairs.b))


_Groups = list[tuple[Rule, Group]]


def _groups(scheme: Scheme) -> dict[str, _Groups]:
    """The groups of each ADRG; what several of its rules repeat stands once."""
    found: dict[str, _Groups] = {}
    for _, rule in scheme.rules:
        own = found.setdefault(rule.adrg, [])
        there = {(group.drg, group.when) for _, group in own}
        own += [(rule, group) for group in rule.groups if (group.drg, group.when) not in there]
    return found


def left_over(rule: Rule) -> tuple[Condition, ...]:
    """What each group of a rule asks of the cases that the groups before it left.

    `mcc or cc` after a group for `mcc` asks the same as `cc`.
    """
    found: list[Condition] = []
    for at, group in enumerate(rule.groups):
        when, before = simplify(group.when), [simplify(other.when) for other in rule.groups[:at]]
        if isinstance(when, AnyOf):
            kept = tuple(part for part in when.parts if not any(implies(part, taken) for taken in before))
            when = kept[0] if len(kept) == 1 else AnyOf(kept) if kept else when
        found.append(when)
    return tuple(found)


def _agree(before: _Groups, after: _Groups, pairs: ListPairs) -> bool:
    return len(before) == len(after) and all(
        one.drg == other.drg and pairs.same(_left(rule, one), _left(new_rule, other), rule.id)
        for (rule, one), (new_rule, other) in zip(before, after, strict=True)
    )


def _left(rule: Rule, group: Group) -> Condition:
    return left_over(rule)[rule.groups.index(group)]


def _words(groups: _Groups, lists: ListedCodes) -> tuple[str, ...]:
    """Each group as `FR21 MCC`; what takes all others is `rest`, an ADRG that is not split `all`."""

    def named(name: str) -> str:
        count = int(lists.member(name).sum())
        return f"{name} ({count:,} code{'' if count == 1 else 's'})"

    def asks(condition: Condition) -> str:
        if simplify(condition) == Constant(True):
            return "all" if len(groups) == 1 else "rest"
        return condition_words(simplify(condition), named)

    return tuple(f"{group.drg} {asks(group.when)}" for _, group in groups)


def renamed(a: Scheme, b: Scheme) -> Iterator[Change]:
    """MDCs, ADRGs and groups with another name; other blanks and other forms of a sign are no other name.

    yields Change with kind MDC, ADRG or DRG and both names
    """
    old, new = _names(a), _names(b)
    for kind, code in old:
        before, after = old[kind, code], new.get((kind, code), "")
        if before and after and _plain(before) != _plain(after):
            yield Change(kind, code, code[:3] if kind != "MDC" else "", before, after)


def _plain(name: str) -> str:
    return "".join(unicodedata.normalize("NFKC", name).split())


def _names(scheme: Scheme) -> dict[tuple[str, str], str]:
    names = {("MDC", mdc.code): mdc.name for mdc in scheme.mdcs}
    for _, rule in scheme.rules:
        names.setdefault(("ADRG", rule.adrg), rule.name)
    for _, rule in scheme.rules:
        for group in rule.groups:
            names.setdefault(("DRG", group.drg), group.name)
    return names


def adrg_names(scheme: Scheme) -> dict[str, str]:
    """ADRG -> its name."""
    return {code: name for (kind, code), name in _names(scheme).items() if kind == "ADRG"}


def sizes(a: Scheme, b: Scheme) -> Iterator[Size]:
    """MDCs, ADRGs, groups and the rest of what can be counted, in both schemes."""
    for what, old, new in zip(_COUNTED, _counts(a), _counts(b), strict=True):
        if old or new:
            yield Size(what, old, new)


_COUNTED = ("MDCs", "ADRGs", "groups", "ambiguous groups", "fall-back groups", "MCC", "CC", "valid operations")


def _counts(scheme: Scheme) -> tuple[int, ...]:
    rules = [rule for _, rule in scheme.rules]
    real = [rule for rule in rules if rule.kind not in _NOT_GROUPED]
    lists = ListedCodes(scheme)
    severity = (
        len({code for name in scheme.diagnosis_patterns if name.startswith(family) for code in lists.codes(name)})
        for family in ("mcc.", "cc.")
    )
    return (
        len(scheme.mdcs),
        len({rule.adrg for rule in real}),
        len({group.drg for rule in real for group in rule.groups}),
        len({rule.adrg for rule in rules if rule.kind == "ambiguous"}),
        len({rule.adrg for rule in rules if rule.kind == "fallback"}),
        *severity,
        int(lists.member("operations").sum()),
    )
