"""The differences of two schemes as text for a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

from drgengine.grouper.codechange import CodeChange
from drgengine.grouper.remark import first

if TYPE_CHECKING:
    from drgengine.grouper.diff import Change, SchemeDiff

_Changed = TypeVar("_Changed", "Change", CodeChange)
_KINDS = ("added", "removed", "mdc", "adrg", "gate", "condition", "kind", "otherwise", "moved", "name")
_CANCELS_SHOWN = 10
_RULE_WEIGHT = ("added", "removed", "mdc", "adrg", "condition", "kind", "otherwise", "moved")


def diff_lines(diff: SchemeDiff, limit: int | None) -> list[str]:
    """Summary by kind, changes of the whole scheme, then the ADRGs that changed most (at most `limit`)."""
    if diff.is_empty:
        return [f"{diff.a} and {diff.b} do not differ."]
    return [f"{diff.a} -> {diff.b}", *_summary(diff), *_whole(diff), *_by_adrg(diff, limit)]


def _summary(diff: SchemeDiff) -> Iterator[str]:
    for change in diff.identity:
        if change.key != "id" and not change.key.startswith(("title", "authority")):
            yield f"  {change.key}: {change.old or '-'} -> {change.new or '-'}"
    for codes in diff.answers:
        yield f"  {codes.key} codes: {_codes(codes)}"
    for what, changes in (("MDCs", diff.mdcs), ("rules", diff.rules), ("groups", diff.groups)):
        if changes:
            times = Counter(change.kind for change in changes)
            yield f"  {what}: {', '.join(f'{kind} {times[kind]:,}' for kind in _KINDS if times[kind])}"
    if diff.lists:
        both = [change for change in diff.lists if not change.only_in]
        added, removed = (sum(len(getattr(change, side)) for change in both) for side in ("added", "removed"))
        new, gone = (sum(change.only_in == side for change in diff.lists) for side in ("b", "a"))
        yield f"  code lists: changed {len(both):,} (+{added:,} -{removed:,} codes), new {new:,}, gone {gone:,}"
    for level in diff.levels:
        yield f"  severity {level.old} -> {level.new}: {len(level.codes):,} diagnoses: {first(level.codes)}"
    if diff.cancels:
        count = sum(len(change.codes) for change in diff.cancels)
        yield f"  exclusions: {count:,} MCC and CC are cancelled by other principal diagnoses than before"
    for codes in diff.editions:
        yield f"  codes of the {codes.key} edition: {_codes(codes)}"


def _whole(diff: SchemeDiff) -> Iterator[str]:
    """What belongs to no ADRG."""
    for change in diff.mdcs:
        yield f"MDC {change.key} {_change(change)}"
    for codes in diff.lists:
        if not codes.adrg:
            yield _list(codes)
    for cancel in diff.cancels[:_CANCELS_SHOWN]:
        codes = CodeChange("", cancel.added, cancel.removed)
        what = f"{first(cancel.codes)} ({len(cancel.codes):,} MCC and CC)"
        yield f"principal diagnoses that cancel {what}: {_codes(codes)}"
    if len(diff.cancels) > _CANCELS_SHOWN:
        yield f"... and {len(diff.cancels) - _CANCELS_SHOWN:,} more changes of exclusions"


def _by_adrg(diff: SchemeDiff, limit: int | None) -> Iterator[str]:
    rules, groups, lists = _grouped(diff.rules), _grouped(diff.groups), _grouped(diff.lists)
    adrgs = (rules.keys() | groups.keys() | lists.keys()) - {""}

    def weight(adrg: str) -> tuple[int, int, int]:
        return (
            -sum(change.kind in _RULE_WEIGHT for change in rules.get(adrg, ())),
            -sum(change.kind in _RULE_WEIGHT for change in groups.get(adrg, ())),
            -sum(len(change.added) + len(change.removed) for change in lists.get(adrg, ())),
        )

    ranked = sorted((adrg for adrg in adrgs if any(weight(adrg))), key=lambda adrg: (weight(adrg), adrg))
    shown = ranked if limit is None else ranked[:limit]
    for adrg in shown:
        yield f"ADRG {adrg}"
        yield from _adrg(rules.get(adrg, []), groups.get(adrg, []), lists.get(adrg, []))
    if len(ranked) > len(shown):
        yield f"... and {len(ranked) - len(shown):,} more ADRGs"
    if len(adrgs) > len(ranked):
        yield f"In {len(adrgs) - len(ranked):,} more ADRGs only names changed."


def _adrg(rules: list[Change], groups: list[Change], lists: list[CodeChange]) -> Iterator[str]:
    """The changes of one ADRG; a rule that came or went takes its groups and lists with it, in one line."""
    whole = {rule.key for rule in rules if rule.kind in ("added", "removed")}
    for rule in rules:
        text = f"  rule {rule.key} {_change(rule)}"
        own = [group.key.split()[-1] for group in groups if group.key.split()[0] == rule.key]
        yield f"{text} (groups {' '.join(own)})" if own and rule.key in whole else text
    for group in groups:
        owner, drg = group.key.split()
        if owner not in whole:
            yield f"  group {drg} {_change(group)}"
    for change in lists:
        if change.key.partition(".")[0] not in whole:
            yield f"  {_list(change)}"


def _grouped(changes: Iterable[_Changed]) -> dict[str, list[_Changed]]:
    found: dict[str, list[_Changed]] = {}
    for change in changes:
        found.setdefault(change.adrg, []).append(change)
    return found


def _change(change: Change) -> str:
    match change.kind:
        case "added" | "removed":
            name = change.old or change.new
            return f"{change.kind}: {name}" if name else change.kind
        case kind:
            return f"{kind}: {change.old} -> {change.new}"


def _list(change: CodeChange) -> str:
    what = {"a": " gone", "b": " new"}.get(change.only_in, "")
    return f"list [{change.key}]{what}: {_codes(change)}"


def _codes(change: CodeChange) -> str:
    sides = ((len(change.added), "+", change.added), (len(change.removed), "-", change.removed))
    return "; ".join(f"{sign}{count:,} ({first(codes)})" for count, sign, codes in sides if count) or "no codes"
