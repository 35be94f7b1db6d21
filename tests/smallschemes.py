"""Small schemes of one MDC made by hand, schemes with other names of lists, and what a diff tells of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from drawn import make_scheme

from drgengine.grouper.conditions import All, AnyOf, Condition, Count, InList, Not
from drgengine.grouper.diff import SchemeDiff
from drgengine.grouper.expression import parse
from drgengine.grouper.scheme import SHARED, Group, Mdc, Rule, Scheme

GROUPS = (("AR11", "with MCC", "mcc"), ("AR15", "without", "always"))


def rule(name: str, when: str = "pdx in a", groups: tuple[tuple[str, str, str], ...] = GROUPS, **more: str) -> Rule:
    """A rule of ADRG AR1 unless `adrg` says otherwise."""
    made = tuple(Group(drg, text, parse(condition)) for drg, text, condition in groups)
    return Rule(
        name, more.get("adrg", "AR1"), more.get("title", "stroke"), more.get("kind", "medical"), parse(when), made,
        more.get("otherwise", "next"),
    )  # fmt: skip


PLAIN = (rule("AR1"), rule("AS1", "pdx in b"), rule("AT1", "first_proc in p"), rule("AU1", "age_days <= 28"))
LISTS = {"a": "A00", "b": "A01", "mcc.1": "A02.0", "cc.2": "B00.0", "excluded.1": "A01", "excluded.2": "A01"}


def small(
    *rules: Rule, gate: str = "pdx in a or pdx in b", diagnoses: tuple[str, ...] | None = None, **lists: str
) -> Scheme:
    """A scheme of one MDC; `lists` take the place of lists, `__` in a name stands for a dot."""
    dx = LISTS | {name.replace("__", "."): text for name, text in lists.items() if name != "p"}
    more: dict[str, Any] = {"diagnoses": diagnoses} if diagnoses else {}
    mdc = Mdc("A", "brain", parse(gate), rules or PLAIN)
    patterns = {name: tuple(text.split()) for name, text in dx.items()}
    return make_scheme([mdc], patterns, {"p": tuple(lists.get("p", "01").split())}, **more)


def told(diff: SchemeDiff) -> dict[str, list[object]]:
    """Everything a diff holds, without the names of the schemes and what is empty."""
    kinds = ("identity", "answers", "mdcs", "rules", "groups", "lists", "levels", "cancels", "editions")
    return {kind: list(getattr(diff, kind)) for kind in kinds if getattr(diff, kind)}


def with_lists_renamed(scheme: Scheme, prefix: str = "DI_OP_") -> Scheme:
    """The same scheme, every list under another name but those with a meaning of their own, severity renumbered."""

    def named(name: str) -> str:
        if name in SHARED:
            return name
        family, dot, rest = name.partition(".")
        own = dot and family in ("mcc", "cc", "excluded", "site")
        return f"{family}.{'none' if rest == 'none' else '9' + rest}" if own else prefix + name.replace(".", "_")

    def condition(old: Condition) -> Condition:
        match old:
            case All(parts):
                return All(tuple(condition(part) for part in parts[::-1]))
            case AnyOf(parts):
                return AnyOf(tuple(map(condition, parts)))
            case Not(part):
                return Not(condition(part))
            case InList(scope, name):
                return InList(scope, named(name))
            case Count(scope, name, op, value):
                return Count(scope, named(name), op, value)
        return old

    def rule_of(old: Rule) -> Rule:
        groups = tuple(replace(group, when=condition(group.when)) for group in old.groups)
        return replace(old, when=condition(old.when), groups=groups)

    return replace(
        scheme,
        mdcs=tuple(replace(m, gate=condition(m.gate), rules=tuple(map(rule_of, m.rules))) for m in scheme.mdcs),
        diagnosis_patterns={named(name): texts for name, texts in scheme.diagnosis_patterns.items()},
        procedure_patterns={named(name): texts for name, texts in scheme.procedure_patterns.items()},
    )
