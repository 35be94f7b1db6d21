"""What changed from one scheme to another: identity, MDCs, rules, groups, lists, severity, editions."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from drgengine.grouper.codechange import (
    CancelChange,
    Change,
    CodeChange,
    LevelChange,
    answer_changes,
    cancel_changes,
    edition_changes,
    level_changes,
    list_changes,
)
from drgengine.grouper.codemoves import CodeMove, Continued, asked_codes, code_moves, continued_adrgs
from drgengine.grouper.conditions import Condition, Constant
from drgengine.grouper.expression import unparse
from drgengine.grouper.implication import simplify
from drgengine.grouper.listed import ListedCodes
from drgengine.grouper.listpairs import ListPairs, RenamedList
from drgengine.grouper.scheme import Group, Mdc, Rule, Scheme
from drgengine.grouper.schemefile import load_scheme, relative
from drgengine.grouper.splits import (
    Size,
    Split,
    adrg_names,
    left_over,
    renamed,
    shown_names,
    sizes,
    special_kinds,
    splits,
)

__all__ = ["Change", "SchemeDiff", "diff_schemes"]


@dataclass(frozen=True)
class SchemeDiff:
    """All differences from scheme `a` to scheme `b` that matter for grouping, and what the schemes call themselves.

    identity : keys of scheme.toml, options included; answers : ADRG and DRG codes that only one scheme has
    mdcs, rules, groups : Changes in the order of the schemes
    lists : CodeChange per list that gained or lost codes; only_in tells lists that only one scheme has
    levels : diagnoses that became MCC, CC or none; cancels : MCC and CC that other principal diagnoses cancel
    editions : codes that only one edition has
    sizes : how many MDCs, ADRGs, groups ... each scheme has
    renamed : MDCs, ADRGs and groups with the same code and another name
    continued : ADRGs that probably go on under another code, by their codes
    splits : ADRGs of both schemes with other groups
    moves : codes that the rules of other ADRGs, or the gates of other MDCs, ask for, whatever the lists are called
    renamed_lists : lists with the same codes and another name
    list_names_differ : whether the schemes share hardly any name of a list
    names : names of the codes above, where a scheme folder knows them
    adrg_names, adrg_kinds : how ADRGs are called in texts; those that are ambiguous or fall-back (not in JSON)

    Conditions are compared after parts that say nothing are dropped (`has_proc and first_proc in @proc`), so two
    ways to write the same rule are no difference; `otherwise` counts only where a case can miss all groups. Names
    are compared where both schemes have one. Numbers of exclusion lists do not matter, only their content; nor do
    names of lists in conditions, where the lists hold the same codes or can be paired (their codes are compared).
    """

    a: str
    b: str
    identity: tuple[Change, ...]
    answers: tuple[CodeChange, ...]
    mdcs: tuple[Change, ...]
    rules: tuple[Change, ...]
    groups: tuple[Change, ...]
    lists: tuple[CodeChange, ...]
    levels: tuple[LevelChange, ...]
    cancels: tuple[CancelChange, ...]
    editions: tuple[CodeChange, ...]
    sizes: tuple[Size, ...] = ()
    renamed: tuple[Change, ...] = ()
    continued: tuple[Continued, ...] = ()
    splits: tuple[Split, ...] = ()
    moves: tuple[CodeMove, ...] = ()
    renamed_lists: tuple[RenamedList, ...] = ()
    list_names_differ: bool = False
    names: Mapping[str, str] = field(default_factory=dict, repr=False)
    adrg_names: Mapping[str, str] = field(default_factory=dict, repr=False)
    adrg_kinds: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def is_empty(self) -> bool:
        """Whether nothing differs."""
        return not (self.matters or self.identity or self.mdcs or self.rules or self.groups or self.renamed_lists)

    @property
    def matters(self) -> bool:
        """Whether anything differs that can give a case another group: all but names, titles and dates."""
        told = (self.answers, self.lists, self.levels, self.cancels, self.editions, self.splits, self.moves)
        changes = (*self.mdcs, *self.rules, *self.groups)
        options = any(change.key in OPTIONS for change in self.identity)
        return any(told) or options or any(change.kind != "name" for change in changes)

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values, for JSON."""
        content = asdict(self)
        for key in ("adrg_names", "adrg_kinds"):
            del content[key]
        for split in content["splits"]:
            del split["asked"]
        return content

    def lines(self, limit: int | None = 40, language: str = "en") -> list[str]:
        """Text for a person: what matters most, then part by part, at most `limit` entries of each.

        language : en or zh
        raises DrgEngineError for a language there are no words of

        >>> diff_schemes("chs-drg-2.0", "chs-drg-2.0").lines()
        ['chs-drg-2.0 and chs-drg-2.0 do not differ.']
        """
        from drgengine.grouper.difftext import diff_lines

        return diff_lines(self, limit, language)


def diff_schemes(a: str | Path | Scheme, b: str | Path | Scheme) -> SchemeDiff:
    """What changed from scheme `a` to scheme `b` (方案比较).

    a, b : packaged name, path of a scheme folder, or a loaded Scheme
    returns SchemeDiff; MDCs, rules, groups and lists are matched by their codes and names
    raises SchemeError when a scheme cannot be loaded

    >>> changes = diff_schemes("chs-drg-1.1", "chs-drg-2.0")
    >>> [(change.old, change.new) for change in changes.mdcs if change.key == "Y" and change.kind == "gate"]
    [('pdx in @dx', 'any_dx in @dx')]
    """
    old, new = load_scheme(a), load_scheme(b)
    lists = ListedCodes(old), ListedCodes(new)
    rules = _keyed(old.rules), _keyed(new.rules)
    pairs = ListPairs(*lists)
    asked = asked_codes(lists[0]), asked_codes(lists[1])
    continued = tuple(continued_adrgs(*asked, (adrg_names(old), adrg_names(new))))
    moves = tuple(code_moves(*asked, continued))
    levels = tuple(level_changes(*lists))
    told = [code for codes in ([m.codes for m in moves], [n.codes for n in levels]) for some in codes for code in some]
    return SchemeDiff(
        a=old.id,
        b=new.id,
        identity=tuple(_identity(old, new)),
        answers=tuple(answer_changes(old, new)),
        mdcs=tuple(_mdcs(old, new, pairs)),
        rules=tuple(_rules(*rules, pairs)),
        groups=tuple(_groups(*rules, pairs)),
        lists=tuple(list_changes(pairs)),
        levels=levels,
        cancels=tuple(cancel_changes(*lists)),
        editions=tuple(edition_changes(old, new)),
        sizes=tuple(sizes(old, new)),
        renamed=tuple(renamed(old, new)),
        continued=continued,
        splits=tuple(splits(pairs)),
        moves=moves,
        renamed_lists=pairs.renamed,
        list_names_differ=pairs.names_differ,
        names=_names_of(told, old, new),
        adrg_names=shown_names(old, new),
        adrg_kinds=special_kinds(new, old),
    )


def _names_of(codes: Iterable[str], a: Scheme, b: Scheme) -> dict[str, str]:
    known = {**a.code_names, **b.code_names}
    return {code: known[code] for code in sorted(set(codes) & known.keys())} if known else {}


def _keyed(rules: Iterable[tuple[Mdc, Rule]]) -> dict[str, tuple[Mdc, Rule]]:
    return {rule.id: (mdc, rule) for mdc, rule in rules}


def _identity(a: Scheme, b: Scheme) -> Iterator[Change]:
    for key, old, new in zip(_FACTS, _facts(a), _facts(b), strict=True):
        if old != new:
            yield Change("identity", key, old=old, new=new)


_FACTS = (
    "id", "title.zh", "title.en", "authority.zh", "authority.en", "version", "published", "effective_from",
    "effective_to", "diagnosis_edition", "procedure_edition", "retry_each_other_procedure", "ungroupable", "checks",
    "refused_principals", "day_age_of_infants_only",
)  # fmt: skip
OPTIONS = ("retry_each_other_procedure", "ungroupable", "checks", "refused_principals", "day_age_of_infants_only")
"""Of the keys of scheme.toml those that decide about cases."""


def _facts(scheme: Scheme) -> tuple[str, ...]:
    own = scheme.identity
    facts = (
        own.id, own.title.get("zh"), own.title.get("en"), own.authority.get("zh"), own.authority.get("en"), own.version,
        own.published, own.effective_from, own.effective_to, scheme.diagnoses.name, scheme.procedures.name,
        str(scheme.retry_each_other_procedure).lower(), scheme.ungroupable, ", ".join(scheme.checks),
        ", ".join(scheme.refused_principals), str(scheme.day_age_of_infants_only).lower(),
    )  # fmt: skip
    return tuple(str(fact or "") for fact in facts)


def _text(condition: Condition, owner: str) -> str:
    return relative(unparse(simplify(condition)), owner)


def _mdcs(a: Scheme, b: Scheme, pairs: ListPairs) -> Iterator[Change]:
    old, new = ({mdc.code: mdc for mdc in scheme.mdcs} for scheme in (a, b))
    yield from _there(old, new, lambda mdc: (mdc.code, "", mdc.name))
    yield from _moved(list(old), list(new), lambda _: "")
    for code in (code for code in old if code in new):
        one, other = old[code], new[code]
        yield from _conditions(("gate", code, ""), one.gate, other.gate, f"MDC{code}", pairs)
        yield from _renamed(code, "", one.name, other.name)
        yield from _renamed(code, "", one.name_en, other.name_en)


def _conditions(
    where: tuple[str, str, str], old: Condition, new: Condition, owner: str, pairs: ListPairs
) -> Iterator[Change]:
    if not pairs.same(old, new, owner):
        yield from _differ(*where, _text(old, owner), _text(new, owner))


def _rules(
    old: Mapping[str, tuple[Mdc, Rule]], new: Mapping[str, tuple[Mdc, Rule]], pairs: ListPairs
) -> Iterator[Change]:
    yield from _there(old, new, lambda pair: (pair[1].id, pair[1].adrg, pair[1].name))
    yield from _moved_rules(old, new)
    for rule_id, (mdc, one) in old.items():
        if rule_id not in new:
            continue
        other_mdc, other = new[rule_id]
        where = rule_id, one.adrg
        yield from _differ("mdc", *where, mdc.code, other_mdc.code)
        yield from _differ("adrg", *where, one.adrg, other.adrg)
        yield from _conditions(("condition", *where), one.when, other.when, rule_id, pairs)
        yield from _differ("kind", *where, one.kind, other.kind)
        if not (_ends_always(one) and _ends_always(other)):
            yield from _differ("otherwise", *where, one.otherwise, other.otherwise)
        yield from _renamed(*where, one.name, other.name)


def _ends_always(rule: Rule) -> bool:
    return any(simplify(group.when) == Constant(True) for group in rule.groups)


def _moved_rules(old: Mapping[str, tuple[Mdc, Rule]], new: Mapping[str, tuple[Mdc, Rule]]) -> Iterator[Change]:
    """Rules that stand elsewhere among the rules that their MDC has in both schemes."""
    orders: dict[str, tuple[list[str], list[str]]] = {}
    for at, side in enumerate((old, new)):
        for rule_id, (mdc, _) in side.items():
            orders.setdefault(mdc.code, ([], []))[at].append(rule_id)
    for before, after in orders.values():
        yield from _moved(before, after, lambda rule_id: old[rule_id][1].adrg)


def _groups(
    old: Mapping[str, tuple[Mdc, Rule]], new: Mapping[str, tuple[Mdc, Rule]], pairs: ListPairs
) -> Iterator[Change]:
    for rule_id in dict.fromkeys((*old, *new)):
        one, other = (side[rule_id][1] if rule_id in side else None for side in (old, new))
        adrg = (one or other).adrg  # type: ignore[union-attr]
        yield from _groups_of_rule(rule_id, adrg, one, other, pairs)


_GroupKey = tuple[str, int]


def _groups_of_rule(
    rule_id: str, adrg: str, one: Rule | None, other: Rule | None, pairs: ListPairs
) -> Iterator[Change]:
    old, new = _numbered(one), _numbered(other)
    before = dict(zip(old, left_over(one) if one else (), strict=True))
    after = dict(zip(new, left_over(other) if other else (), strict=True))
    yield from _there(old, new, lambda group: (f"{rule_id} {group.drg}", adrg, group.name))
    yield from _moved(list(old), list(new), lambda _: adrg, lambda key: f"{rule_id} {key[0]}")
    for key, group in old.items():
        if key in new:
            where = f"{rule_id} {group.drg}", adrg
            if not pairs.same(before[key], after[key], rule_id):
                yield from _conditions(("condition", *where), group.when, new[key].when, rule_id, pairs)
            yield from _renamed(*where, group.name, new[key].name)


def _numbered(rule: Rule | None) -> dict[_GroupKey, Group]:
    """Groups of a rule by code, and by count where a code stands several times."""
    found: dict[_GroupKey, Group] = {}
    for group in rule.groups if rule else ():
        times = sum(code == group.drg for code, _ in found)
        found[group.drg, times] = group
    return found


def _there(
    old: Mapping[Any, Any], new: Mapping[Any, Any], named: Callable[[Any], tuple[str, str, str]]
) -> Iterator[Change]:
    for key, value in old.items():
        if key not in new:
            text, adrg, name = named(value)
            yield Change("removed", text, adrg, old=name)
    for key, value in new.items():
        if key not in old:
            text, adrg, name = named(value)
            yield Change("added", text, adrg, new=name)


def _differ(kind: str, key: str, adrg: str, old: str, new: str) -> Iterator[Change]:
    if old != new:
        yield Change(kind, key, adrg, old, new)


def _renamed(key: str, adrg: str, old: str, new: str) -> Iterator[Change]:
    if old and new:
        yield from _differ("name", key, adrg, old, new)


def _moved(
    old: Sequence[Any], new: Sequence[Any], adrg: Callable[[Any], str], spell: Callable[[Any], str] = str
) -> Iterator[Change]:
    """The fewest keys of both sides that must be taken out for the rest to stand in the same order."""
    common = set(old) & set(new)
    before, after = ([key for key in side if key in common] for side in (old, new))
    stay = _longest_rising(before, after)
    for key in before:
        if key not in stay:
            places = (_after(side, key, spell) for side in (before, after))
            yield Change("moved", spell(key), adrg(key), *places)


def _after(order: Sequence[Any], key: Any, spell: Callable[[Any], str]) -> str:
    at = order.index(key)
    return f"after {spell(order[at - 1])}" if at else "first"


def _longest_rising(before: Sequence[Hashable], after: Sequence[Hashable]) -> set[Hashable]:
    """Keys of one longest sequence that stands in the same order on both sides."""
    place = {key: at for at, key in enumerate(after)}
    best: list[tuple[int, int]] = []  # per key of `before`: length of the best sequence ending there, its last step
    for at, key in enumerate(before):
        steps = [(best[back][0], -back) for back in range(at) if place[before[back]] < place[key]]
        length, back = max(steps, default=(0, 1))
        best.append((length + 1, -back))
    chosen: set[Hashable] = set()
    at = max(range(len(best)), key=lambda n: best[n][0], default=-1)
    while at >= 0:
        chosen.add(before[at])
        at = best[at][1]
    return chosen
