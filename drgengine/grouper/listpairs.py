"""Which list of one scheme is which list of another, also where the names differ, and whether conditions agree."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from drgengine.grouper.conditions import DIAGNOSIS_SCOPES, All, AnyOf, Condition, Count, InList, Not, atoms
from drgengine.grouper.expression import unparse
from drgengine.grouper.implication import simplify
from drgengine.grouper.listed import ListedCodes
from drgengine.grouper.scheme import SHARED, Scheme

SEVERITY_FAMILIES = ("mcc.", "cc.", "excluded.")
_HARDLY = 0.2


@dataclass(frozen=True, slots=True)
class RenamedList:
    """A list with the same codes that is called `old` in the one scheme and `new` in the other."""

    old: str
    new: str


class ListPairs:
    """The lists of scheme `a` and `b` side by side.

    A list that both schemes name is the same list. Of the others, those are paired which the same rule or gate asks
    for: equal ones first, then the most alike, or the only ones in their place. Lists that no rule asks for are
    paired when they are equal.

    changed : (name in a, name in b) of paired lists with other names and other codes
    renamed : RenamedList, same codes under another name
    """

    def __init__(self, a: ListedCodes, b: ListedCodes) -> None:
        self.a, self.b = a, b
        self._codes: tuple[dict[str, frozenset[str]], dict[str, frozenset[str]]] = ({}, {})
        self._numbers: dict[frozenset[str], int] = {}
        self._names = _list_names(a.scheme), _list_names(b.scheme)
        self._of_owner: dict[str, dict[str, str]] = {}
        seen: dict[tuple[str, str], None] = {}
        old, new = _owners(a.scheme), _owners(b.scheme)
        for owner in old:
            if owner in new:
                pairs = self._pair(_asked(old[owner]), _asked(new[owner]))
                self._of_owner[owner] = {other: one for one, other in pairs}
                seen |= dict.fromkeys(pairs)
        seen |= dict.fromkeys(self._alike_outside_rules(seen))
        self.changed = tuple(pair for pair in seen if self.codes(0, pair[0]) != self.codes(1, pair[1]))
        self.renamed = tuple(RenamedList(*pair) for pair in seen if self.codes(0, pair[0]) == self.codes(1, pair[1]))

    @property
    def names_differ(self) -> bool:
        """Whether the schemes share hardly any name of a list of their rules."""
        old, new = (names.keys() - set(SHARED) for names in self._names)
        fewest = min(len(old), len(new))
        return fewest > 0 and len(old & new) < _HARDLY * fewest

    def codes(self, side: int, name: str) -> frozenset[str]:
        """The codes of a list of scheme a (side 0) or b (side 1)."""
        if name not in self._codes[side]:
            self._codes[side][name] = frozenset((self.a, self.b)[side].codes(name))
        return self._codes[side][name]

    def same(self, one: Condition, other: Condition, owner: str) -> bool:
        """Whether a condition of `a` and one of `b` agree: by their words, by the codes, or by paired lists.

        owner : id of the rule, or MDC and its code; decides which lists belong together
        """
        if _ordered(one) == _ordered(other):
            return True
        if _ordered(one, self._number(0)) == _ordered(other, self._number(1)):
            return True
        paired = self._of_owner.get(owner, {})
        return _ordered(one) == _ordered(other, lambda name: paired.get(name, name))

    def _number(self, side: int) -> Callable[[str], str]:
        def number(name: str) -> str:
            if name in SHARED:
                return name
            codes = self.codes(side, name)
            return f"#{self._numbers.setdefault(codes, len(self._numbers))}"

        return number

    def _pair(self, old: list[InList], new: list[InList]) -> list[tuple[str, str]]:
        """Pairs of names that differ, for the lists that one rule or gate asks for."""
        chances: list[tuple[bool, bool, float, int, int]] = []
        for i, one in enumerate(old):
            for j, other in enumerate(new):
                if one.list == other.list or _is_diagnosis(one) != _is_diagnosis(other):
                    continue
                mine, theirs = self.codes(0, one.list), self.codes(1, other.list)
                named_by_both = one.list in self._names[1] or other.list in self._names[0]
                alone = _alone(one, old) and _alone(other, new) and one.scope == other.scope
                alike = jaccard(mine, theirs)
                if not named_by_both and (mine == theirs or alike > 0 or alone):
                    chances.append((mine != theirs, one.scope != other.scope, -alike, i, j))
        taken: tuple[set[str], set[str]] = (set(), set())
        pairs = []
        for *_, i, j in sorted(chances):
            one_name, other_name = old[i].list, new[j].list
            if one_name not in taken[0] and other_name not in taken[1]:
                taken[0].add(one_name)
                taken[1].add(other_name)
                pairs.append((one_name, other_name))
        return pairs

    def _alike_outside_rules(self, seen: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
        """Equal lists of both schemes that neither names like the other and no pair holds."""
        pairs = list(seen)
        old, new = self._names
        left = [n for n in old if n not in new and n not in {one for one, _ in pairs}]
        right = [n for n in new if n not in old and n not in {other for _, other in pairs}]
        free: dict[tuple[bool, frozenset[str]], list[str]] = {}
        for name in right:
            free.setdefault((new[name], self.codes(1, name)), []).append(name)
        for name in left:
            waiting = free.get((old[name], self.codes(0, name)))
            if waiting:
                yield name, waiting.pop(0)


def jaccard(one: frozenset[str] | set[str], other: frozenset[str] | set[str]) -> float:
    """Codes in both over codes in any of them; 1.0 where both are empty.

    >>> jaccard({"A", "B"}, {"B", "C"})
    0.3333333333333333
    """
    union = len(one | other)
    return len(one & other) / union if union else 1.0


def _list_names(scheme: Scheme) -> dict[str, bool]:
    """Names of the lists but those of severity, each with whether it holds diagnoses."""
    names = dict.fromkeys(scheme.diagnosis_patterns, True) | dict.fromkeys(scheme.procedure_patterns, False)
    return {name: is_dx for name, is_dx in names.items() if not name.startswith(SEVERITY_FAMILIES)}


def _owners(scheme: Scheme) -> dict[str, list[Condition]]:
    owners = {f"MDC{mdc.code}": [mdc.gate] for mdc in scheme.mdcs}
    return owners | {rule.id: [rule.when, *(group.when for group in rule.groups)] for _, rule in scheme.rules}


def _asked(conditions: Iterable[Condition]) -> list[InList]:
    found = [atom for condition in conditions for atom in atoms(condition) if isinstance(atom, InList | Count)]
    return list(dict.fromkeys(InList(atom.scope, atom.list) for atom in found if atom.list not in SHARED))


def _is_diagnosis(atom: InList) -> bool:
    return atom.scope in DIAGNOSIS_SCOPES


def _alone(atom: InList, asked: list[InList]) -> bool:
    """Whether a rule asks for no other list in the same place of a case."""
    return sum(other.scope == atom.scope for other in asked) == 1


def _ordered(condition: Condition, named: Callable[[str], str] = str) -> str:
    """The condition as text, whatever the order of its parts, with lists named as `named` says."""
    return unparse(_sorted(simplify(_renamed(condition, named))))


def _renamed(condition: Condition, named: Callable[[str], str]) -> Condition:
    match condition:
        case All(parts):
            return All(tuple(_renamed(part, named) for part in parts))
        case AnyOf(parts):
            return AnyOf(tuple(_renamed(part, named) for part in parts))
        case Not(part):
            return Not(_renamed(part, named))
        case InList(scope, name):
            return InList(scope, named(name))
        case Count(scope, name, op, value):
            return Count(scope, named(name), op, value)
    return condition


def _sorted(condition: Condition) -> Condition:
    match condition:
        case All(parts):
            return All(tuple(sorted(map(_sorted, parts), key=unparse)))
        case AnyOf(parts):
            return AnyOf(tuple(sorted(map(_sorted, parts), key=unparse)))
        case Not(part):
            return Not(_sorted(part))
    return condition
