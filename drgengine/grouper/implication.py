"""What follows from what: does one condition hold whenever another does, and which parts say nothing new?"""

from __future__ import annotations

from collections.abc import Callable

from drgengine.grouper.conditions import (
    All,
    AnyOf,
    Compare,
    Condition,
    Constant,
    Count,
    Has,
    InCodes,
    InList,
    Known,
    Not,
    OneOf,
    Severity,
    StartsWith,
)

MEMBERSHIP = (InList, InCodes, StartsWith)
_WIDER = {"pdx": "any_dx", "sdx": "any_dx", "first_proc": "any_proc", "other_proc": "any_proc"}
_IMPLIED_HAS = {"sdx": ("sdx",), "any_proc": ("first_proc", "other_proc", "any_proc"), "other_proc": ("other_proc",)}
Within = Callable[[InList | InCodes | StartsWith, InList | InCodes | StartsWith], bool]


def covers(wide: str, narrow: str) -> bool:
    """Whether a code that stands in the narrow scope also stands in the wide one."""
    return wide in (narrow, _WIDER.get(narrow))


def same_text(inner: InList | InCodes | StartsWith, outer: InList | InCodes | StartsWith) -> bool:
    """Whether two memberships name the same codes in the same words, whatever their scopes."""
    match inner, outer:
        case InList(_, one), InList(_, other):
            return one == other
        case InCodes(_, some), InCodes(_, more):
            return set(some) <= set(more)
        case StartsWith(_, long), StartsWith(_, short):
            return all(text.startswith(short) for text in long)
    return False


def implies(given: Condition, asked: Condition, within: Within = same_text) -> bool:
    """Whether `asked` surely holds for every case for which `given` does.

    within : whether the codes of one membership all belong to another; by default only by their words
    returns False also where it cannot be told by parts

    >>> from drgengine.grouper.expression import parse
    >>> implies(parse("mcc and age_days <= 28"), parse("has_sdx and age_days < 30"))
    True
    """
    if given in (asked, Constant(False)) or asked == Constant(True):
        return True
    match given:
        case AnyOf(parts):
            return all(implies(part, asked, within) for part in parts)
    match asked:
        case All(parts):
            return all(implies(given, part, within) for part in parts)
    if isinstance(given, All) and any(implies(part, asked, within) for part in given.parts):
        return True
    if isinstance(asked, AnyOf):
        return any(implies(given, part, within) for part in asked.parts)
    if isinstance(given, Not) and isinstance(asked, Not):
        return implies(asked.part, given.part, within)
    return _implies_atom(given, asked, within)


def _implies_atom(given: Condition, asked: Condition, within: Within) -> bool:
    match given, asked:
        case ((InList() | InCodes() | StartsWith()), (InList() | InCodes() | StartsWith())):
            return covers(asked.scope, given.scope) and within(given, asked)
        case ((InList() | InCodes() | StartsWith() | Has()), Has(scope)):
            return given.scope in _IMPLIED_HAS.get(scope, ())
        case Count(scope, name, op, value), Count(other_scope, other, wanted, bound) if (scope, name) == (
            other_scope,
            other,
        ):
            return _implies_bound(op, value, wanted, bound)
        case Count(scope, name, op, value), (InList() | Has()) if _implies_bound(op, value, ">", 0):
            return _implies_atom(InList(scope, name), asked, within)
        case Severity(), Has("sdx"):
            return True
        case (Compare(name) | OneOf(name), Known(other)) if name == other:
            return not name.endswith("weight_g") or _above_zero(given)
        case Compare(name, op, value), Compare(other, wanted, bound) if name == other:
            return _implies_bound(op, value, wanted, bound)
        case OneOf(name, values), Compare(other, wanted, bound) if name == other:
            return all(_implies_bound("==", value, wanted, bound) for value in values)
        case OneOf(name, some), OneOf(other, more) if name == other:
            return set(some) <= set(more)
        case Compare(name, "==", value), OneOf(other, more) if name == other:
            return value in more
    return False


def _above_zero(given: Condition) -> bool:
    match given:
        case Compare(_, op, value):
            return _implies_bound(op, value, ">", 0)
        case OneOf(_, values):
            return min(values) > 0
    return False


def _implies_bound(op: str, value: float, wanted: str, bound: float) -> bool:
    """`x op value` implies `x wanted bound`."""
    match wanted:
        case "==":
            return op == "==" and value == bound
        case "<":
            return (op in ("<=", "==") and value < bound) or (op == "<" and value <= bound)
        case "<=":
            return op in ("<", "<=", "==") and value <= bound
        case ">":
            return (op in (">=", "==") and value > bound) or (op == ">" and value >= bound)
    return op in (">", ">=", "==") and value >= bound


def simplify(condition: Condition, settle: Callable[[Condition], Condition] = lambda atom: atom) -> Condition:
    """A condition that holds for the same cases, without constants and parts that say nothing new.

    settle : may put a constant in place of an atom, such as a list that is known to be empty

    >>> from drgengine.grouper.expression import parse, unparse
    >>> unparse(simplify(parse("has_proc and first_proc in @proc and age_days known and age_days <= 28")))
    'first_proc in @proc and age_days <= 28'
    """
    match condition:
        case Not(part):
            inner = simplify(part, settle)
            if isinstance(inner, Constant):
                return Constant(not inner.value)
            return inner.part if isinstance(inner, Not) else Not(inner)
        case All(parts):
            kept = _parts(parts, settle, All, neutral=True)
            return kept if isinstance(kept, Constant) else kept[0] if len(kept) == 1 else All(kept)
        case AnyOf(parts):
            kept = _parts(parts, settle, AnyOf, neutral=False)
            return kept if isinstance(kept, Constant) else kept[0] if len(kept) == 1 else AnyOf(kept)
    return settle(condition)


def _parts(
    parts: tuple[Condition, ...], settle: Callable[[Condition], Condition], kind: type, *, neutral: bool
) -> Constant | tuple[Condition, ...]:
    flat: list[Condition] = []
    for part in parts:
        inner = simplify(part, settle)
        flat += inner.parts if isinstance(inner, kind) else [inner]  # type: ignore[union-attr]
    if Constant(not neutral) in flat:
        return Constant(not neutral)
    flat = [part for part in dict.fromkeys(flat) if part != Constant(neutral)]
    kept = list(flat)
    for part in flat:
        others = [other for other in kept if other != part]
        if any(implies(other, part) if neutral else implies(part, other) for other in others):
            kept = others
    return tuple(kept) or Constant(neutral)
