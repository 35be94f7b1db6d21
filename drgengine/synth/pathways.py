"""Ways through a scheme: what a record needs so that a rule may take it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import product

from drgengine.grouper.conditions import All, AnyOf, Compare, Condition, InCodes, InList, StartsWith
from drgengine.grouper.scheme import OPERATIONS, Mdc, Rule, Scheme

_MOST_WAYS = 4


@dataclass(frozen=True, slots=True)
class Pathway:
    """One way into one rule. Texts are names of lists, or codes in braces: "{96.0400,96.7201}".

    pdx : lists that all hold the principal diagnosis; sdx : lists with a secondary diagnosis each
    first : lists that all hold the first procedure; anywhere : lists with a procedure each
    weight : [from, to) grams of birth weight; trauma : two body regions or more
    outside : the procedure belongs to no rule of the MDC (ambiguous group)
    sex : 1 or 2 where the gate asks it, else 0; newborn : the gate asks for age 0; first_month : the rule asks for days
    """

    mdc: str
    rule: str
    adrg: str
    kind: str
    share: float = 1.0
    pdx: tuple[str, ...] = ()
    sdx: tuple[str, ...] = ()
    first: tuple[str, ...] = ()
    anywhere: tuple[str, ...] = ()
    weight: tuple[float, float] | None = None
    trauma: bool = False
    outside: bool = False
    sex: int = 0
    newborn: bool = False
    first_month: bool = False


@dataclass(slots=True)
class _Needs:
    pdx: list[str] = field(default_factory=list)
    sdx: list[str] = field(default_factory=list)
    first: list[str] = field(default_factory=list)
    anywhere: list[str] = field(default_factory=list)
    low: float = 0
    high: float = 0
    trauma: bool = False
    sex: int = 0
    newborn: bool = False
    first_month: bool = False


def pathways(scheme: Scheme) -> list[Pathway]:
    """All ways through a scheme, rules in order; a rule with alternatives gives several, which share its weight."""
    return [way for mdc in scheme.mdcs for rule in mdc.rules for way in _ways(mdc, rule)]


def _ways(mdc: Mdc, rule: Rule) -> list[Pathway]:
    found = []
    for gate, when in product(_alternatives(mdc.gate), _alternatives(rule.when)):
        needs = _Needs()
        for atom in (*gate, *when):
            _note(needs, atom)
        found.append(
            Pathway(
                mdc.code,
                rule.id,
                rule.adrg,
                rule.kind,
                pdx=tuple(needs.pdx),
                sdx=tuple(needs.sdx),
                first=tuple(dict.fromkeys(needs.first)),
                anywhere=tuple(needs.anywhere),
                weight=(needs.low, needs.high or 4600) if needs.low or needs.high else None,
                trauma=needs.trauma,
                outside=rule.kind == "ambiguous",
                sex=needs.sex,
                newborn=needs.newborn,
                first_month=needs.first_month,
            )
        )
    anchored = [way for way in found if way.pdx]
    found = (anchored or found)[:_MOST_WAYS]
    return [replace(way, share=1 / len(found)) for way in found]


def _alternatives(condition: Condition) -> Iterator[tuple[Condition, ...]]:
    """The condition as alternatives of atoms that all hold; negations make no demand."""
    match condition:
        case AnyOf(parts):
            for part in parts:
                yield from _alternatives(part)
        case All(parts):
            for chosen in product(*(tuple(_alternatives(part)) for part in parts)):
                yield tuple(atom for atoms in chosen for atom in atoms)
        case InList() | InCodes() | StartsWith() | Compare():
            yield (condition,)
        case _:
            yield ()


def _note(needs: _Needs, atom: Condition) -> None:
    match atom:
        case InList(scope, name):
            _note_list(needs, scope, name)
        case InCodes(scope, codes):
            _note_list(needs, scope, "{" + ",".join(codes) + "}")
        case Compare("birth_weight_g", op, value) if ">" in op:
            needs.low = max(needs.low, value, 500)
        case Compare("birth_weight_g", op, value) if "<" in op:
            needs.high = value
        case Compare("trauma_sites", _, _):
            needs.trauma = True
        case Compare("sex", "==", value):
            needs.sex = int(value)
        case Compare("age_years", "==", 0):
            needs.newborn = True
        case Compare("age_days", _, _):
            needs.first_month = True


def _note_list(needs: _Needs, scope: str, name: str) -> None:
    if scope in ("pdx", "any_dx"):
        needs.pdx.append(name)
    elif scope == "sdx":
        needs.sdx.append(name)
    elif scope == "first_proc":
        needs.first.append(name)
    elif name != OPERATIONS:
        needs.anywhere.append(name)
