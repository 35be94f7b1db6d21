"""How ADRGs fall into groups, before and after; what codes are called now; how large the schemes are."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field

from drgengine.grouper.codechange import Change
from drgengine.grouper.conditions import AnyOf, Condition, Constant, Count, InList, atoms
from drgengine.grouper.conditionwords import base_name, condition_words, diff_words
from drgengine.grouper.implication import implies, simplify
from drgengine.grouper.listed import ListedCodes
from drgengine.grouper.listpairs import ListPairs
from drgengine.grouper.scheme import Group, Rule, Scheme

_NOT_GROUPED = ("ambiguous", "fallback")


@dataclass(frozen=True, slots=True)
class GroupAsked:
    """A group, what it asks for (None: it is the only one and takes all), and the lengths of the lists in it."""

    drg: str
    when: Condition | None
    list_sizes: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Split:
    """An ADRG that both schemes have and split into other groups (细分方式不同).

    old, new : its groups in the order in which they are tried, each as code and what it asks for, in English
    asked : the same as conditions, for `split_words`
    """

    adrg: str
    name: str
    old: tuple[str, ...]
    new: tuple[str, ...]
    asked: tuple[tuple[GroupAsked, ...], tuple[GroupAsked, ...]] = field(default=((), ()), repr=False, compare=False)


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
        asked = _asked(before, pairs.a), _asked(after, pairs.b)
        yield Split(adrg, name, split_words(asked[0]), split_words(asked[1]), asked)


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


def _asked(groups: _Groups, lists: ListedCodes) -> tuple[GroupAsked, ...]:
    """The groups with what they ask for."""
    found = []
    for _, group in groups:
        when = simplify(group.when)
        names = dict.fromkeys(atom.list for atom in atoms(when) if isinstance(atom, InList | Count))
        alone = len(groups) == 1 and when == Constant(True)
        held = tuple((name, int(lists.member(name).sum())) for name in names)
        found.append(GroupAsked(group.drg, None if alone else when, held))
    return tuple(found)


def split_words(groups: tuple[GroupAsked, ...], language: str = "en") -> tuple[str, ...]:
    """Each group as `FR21 MCC`; what takes all others is `rest`, an ADRG that is not split `all`.

    >>> from drgengine.grouper.conditions import Severity
    >>> split_words((GroupAsked("FR21", Severity("mcc"), ()), GroupAsked("FR25", Constant(True), ())), "zh")
    ('FR21 MCC', 'FR25 其余')
    """
    words = diff_words(language)

    def asks(group: GroupAsked) -> str:
        if group.when is None or group.when == Constant(True):
            return words["split_all" if group.when is None else "split_rest"]
        texts = {
            name: name + words["bracket"].format(text=f"{n:,} {words['unit_codes_one' if n == 1 else 'unit_codes']}")
            for name, n in group.list_sizes
        }
        return condition_words(group.when, lambda name: texts.get(name, name), language)

    return tuple(f"{group.drg} {asks(group)}" for group in groups)


def renamed(a: Scheme, b: Scheme) -> Iterator[Change]:
    """MDCs, ADRGs and groups with another name; other blanks and other forms of a sign are no other name.

    yields Change with kind MDC, ADRG or DRG and both names
    """
    old, new = _names(a), _names(b)
    for kind, code in old:
        before, after = old[kind, code], new.get((kind, code), "")
        if before and after and not same_name(before, after):
            yield Change(kind, code, code[:3] if kind != "MDC" else "", before, after)


def same_name(one: str, other: str) -> bool:
    """Whether two names differ at most in blanks and in the form of signs.

    >>> same_name("新生儿（<7天）", "新生儿 (＜7天)")
    True
    """
    return _plain(one) == _plain(other)


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


def shown_names(*schemes: Scheme) -> dict[str, str]:
    """ADRG -> its name, else the name of its first group without the severity; the last scheme that knows one."""
    found: dict[str, str] = {}
    for scheme in schemes:
        names: dict[str, str] = {}
        for _, rule in scheme.rules:
            group = next((group.name for group in rule.groups if group.name), "")
            names[rule.adrg] = names.get(rule.adrg) or rule.name or base_name(group)
        found |= {adrg: name for adrg, name in names.items() if name}
    return found


def special_kinds(*schemes: Scheme) -> dict[str, str]:
    """ADRG -> `ambiguous` or `fallback`, where all its rules of a scheme are."""
    found: dict[str, str] = {}
    for scheme in schemes:
        kinds: dict[str, set[str]] = {}
        for _, rule in scheme.rules:
            kinds.setdefault(rule.adrg, set()).add(rule.kind)
        found |= {adrg: min(own) for adrg, own in kinds.items() if len(own) == 1 and own <= set(_NOT_GROUPED)}
    return found


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
