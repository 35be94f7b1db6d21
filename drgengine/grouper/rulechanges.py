"""Rule by rule what changed, ADRG by ADRG, in plain words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

from drgengine.grouper.codechange import Change, CodeChange
from drgengine.grouper.conditionwords import rule_words
from drgengine.grouper.remark import first

if TYPE_CHECKING:
    from drgengine.grouper.diff import SchemeDiff

_Changed = TypeVar("_Changed", Change, CodeChange)
_WEIGHTY = ("mdc", "adrg", "condition", "kind", "otherwise", "moved")
_KINDS = {
    "surgical": "surgical",
    "non_or_procedure": "procedure outside the operating room",
    "medical": "medical",
    "ambiguous": "ambiguous",
    "fallback": "fall-back (what ends there is not grouped)",
}
_OTHERWISE = {"next": "the next rule is tried", "ambiguous": "the case is ambiguous"}


def adrg_lines(diff: SchemeDiff, limit: int | None) -> Iterator[str]:
    """The rules of both schemes that differ: ADRGs that changed most first, at most `limit` of them.

    ADRGs that only one scheme has and groups that came or went are not told again.
    """
    answers = {code for change in diff.answers if change.key == "ADRG" for code in (*change.added, *change.removed)}
    rules, groups = _grouped(diff.rules), _grouped(diff.groups)
    lists = _grouped(() if diff.list_names_differ else (change for change in diff.lists if change.adrg))
    adrgs = (rules.keys() | groups.keys() | lists.keys()) - answers - {""}

    def weight(adrg: str) -> tuple[int, int, int]:
        kinds = [change.kind for change in rules.get(adrg, ())]
        codes = sum(len(change.added) + len(change.removed) for change in lists.get(adrg, ()))
        return -sum(kind in _WEIGHTY for kind in kinds), -sum(kind in ("added", "removed") for kind in kinds), -codes

    told = {adrg: list(_adrg(rules.get(adrg, []), groups.get(adrg, []), lists.get(adrg, []))) for adrg in adrgs}
    ranked = sorted((adrg for adrg in adrgs if told[adrg]), key=lambda adrg: (weight(adrg), adrg))
    if not ranked:
        return
    yield from ("", f"Rules of ADRGs that both schemes have, those that changed most first ({len(ranked):,})")
    for adrg in ranked[:limit]:
        yield f"  {adrg}"
        yield from (f"    {line}" for line in told[adrg])
    if limit is not None and len(ranked) > limit:
        yield f"  ... and {len(ranked) - limit:,} more ADRGs"


def _adrg(rules: list[Change], groups: list[Change], lists: list[CodeChange]) -> Iterator[str]:
    """The changes of one ADRG; a rule that came or went takes its groups and lists with it, in one line."""
    whole = {rule.key for rule in rules if rule.kind in ("added", "removed")}
    gone, new = ([rule.key for rule in rules if rule.kind == kind] for kind in ("removed", "added"))
    if gone or new:
        yield f"rules: {' '.join(gone) or 'none'} -> {' '.join(new) or 'none'}"
    for rule in rules:
        if rule.kind not in ("added", "removed", "name"):
            yield f"rule {rule.key} {change_words(rule)}"
    for group in groups:
        owner, drg = group.key.split()
        if owner not in whole and group.kind in ("condition", "moved"):
            yield f"group {drg} {change_words(group)}"
    for change in lists:
        if change.key.partition(".")[0] not in whole:
            yield list_words(change)


def _grouped(changes: Iterable[_Changed]) -> dict[str, list[_Changed]]:
    found: dict[str, list[_Changed]] = {}
    for change in changes:
        found.setdefault(change.adrg, []).append(change)
    return found


def change_words(change: Change) -> str:
    """What differs of an MDC, a rule or a group, in plain words.

    >>> change_words(Change("condition", "FR1", "FR1", "pdx in @dx", "pdx in @dx and age_days <= 28"))
    'asks: principal diagnosis in @dx -> principal diagnosis in @dx and age <= 28 days'
    """
    old, new = change.old, change.new
    match change.kind:
        case "added" | "removed":
            return f"{change.kind}: {old or new}" if old or new else change.kind
        case "condition" | "gate":
            return f"asks: {rule_words(old)} -> {rule_words(new)}"
        case "kind":
            return f"kind: {_KINDS.get(old, old)} -> {_KINDS.get(new, new)}"
        case "otherwise":
            texts = (_OTHERWISE.get(text, f"the answer is {text}") for text in (old, new))
            return f"when no group holds: {' -> '.join(texts)}"
        case "moved":
            return f"is tried {old} -> {new}"
    return f"{change.kind}: {old} -> {new}"


def list_words(change: CodeChange) -> str:
    """What a list gained and lost.

    >>> list_words(CodeChange("FR1.dx", ("I21.000",), ()))
    'list [FR1.dx]: +1 (I21.000)'
    """
    what = {"a": " gone", "b": " new"}.get(change.only_in, f" (was [{change.old_key}])" if change.old_key else "")
    sides = ((len(change.added), "+", change.added), (len(change.removed), "-", change.removed))
    codes = "; ".join(f"{sign}{count:,} ({first(codes)})" for count, sign, codes in sides if count) or "no codes"
    return f"list [{change.key}]{what}: {codes}"
