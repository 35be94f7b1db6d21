"""Rule by rule what changed, ADRG by ADRG, in plain words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

from drgengine.grouper.codechange import Change, CodeChange
from drgengine.grouper.conditionwords import Words, diff_words, rule_words
from drgengine.grouper.remark import SHOWN

if TYPE_CHECKING:
    from drgengine.grouper.diff import SchemeDiff

_Changed = TypeVar("_Changed", Change, CodeChange)
_WEIGHTY = ("mdc", "adrg", "condition", "kind", "otherwise", "moved")


def adrg_lines(diff: SchemeDiff, limit: int | None, language: str = "en") -> Iterator[str]:
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

    told = {
        adrg: list(_adrg(rules.get(adrg, []), groups.get(adrg, []), lists.get(adrg, []), language)) for adrg in adrgs
    }
    ranked = sorted((adrg for adrg in adrgs if told[adrg]), key=lambda adrg: (weight(adrg), adrg))
    if not ranked:
        return
    words = diff_words(language)
    yield from ("", words["section_rules"].format(n=f"{len(ranked):,}"))
    for adrg in ranked[:limit]:
        yield f"  {adrg} {diff.adrg_names.get(adrg, '')}".rstrip()
        yield from (f"    {line}" for line in told[adrg])
    if limit is not None and len(ranked) > limit:
        yield words["more_adrgs"].format(n=f"{len(ranked) - limit:,}")


def _adrg(rules: list[Change], groups: list[Change], lists: list[CodeChange], language: str) -> Iterator[str]:
    """The changes of one ADRG; a rule that came or went takes its groups and lists with it, in one line."""
    words = diff_words(language)
    whole = {rule.key for rule in rules if rule.kind in ("added", "removed")}
    gone, new = ([rule.key for rule in rules if rule.kind == kind] for kind in ("removed", "added"))
    if gone or new:
        sides = (" ".join(keys) or words["rules_none"] for keys in (gone, new))
        yield words["rules_line"].format(old=next(sides), new=next(sides))
    for rule in rules:
        if rule.kind not in ("added", "removed", "name"):
            yield words["rule_line"].format(key=rule.key, what=change_words(rule, language))
    for group in groups:
        owner, drg = group.key.split()
        if owner not in whole and group.kind in ("condition", "moved"):
            yield words["group_line"].format(key=drg, what=change_words(group, language))
    for change in lists:
        if change.key.partition(".")[0] not in whole:
            yield list_words(change, language)


def _grouped(changes: Iterable[_Changed]) -> dict[str, list[_Changed]]:
    found: dict[str, list[_Changed]] = {}
    for change in changes:
        found.setdefault(change.adrg, []).append(change)
    return found


def change_words(change: Change, language: str = "en") -> str:
    """What differs of an MDC, a rule or a group, in plain words.

    >>> change_words(Change("condition", "FR1", "FR1", "pdx in @dx", "pdx in @dx and age_days <= 28"))
    'asks: principal diagnosis in @dx -> principal diagnosis in @dx and age <= 28 days'
    >>> change_words(Change("condition", "FR1", "FR1", "pdx in @dx", "pdx in @dx and age_days <= 28"), "zh")
    '条件：主要诊断在 @dx 内 → 主要诊断在 @dx 内 且 日龄≤28 天'
    """
    words = diff_words(language)
    old, new = change.old, change.new
    match change.kind:
        case "added" | "removed":
            what = words[f"change_{change.kind}"]
            return f"{what}{words['colon']}{old or new}" if old or new else what
        case "condition" | "gate":
            return words["change_asks"].format(old=rule_words(old, language), new=rule_words(new, language))
        case "kind":
            kinds = (words.get(f"kind_{text}", text) for text in (old, new))
            return words["change_kind_words"].format(old=next(kinds), new=next(kinds))
        case "otherwise":
            texts = (words.get(f"otherwise_{text}") or words["otherwise_code"].format(code=text) for text in (old, new))
            return words["change_otherwise_words"].format(old=next(texts), new=next(texts))
        case "moved":
            return words["change_moved_words"].format(old=place_words(old, words), new=place_words(new, words))
    return words["change_other"].format(kind=words.get(f"change_{change.kind}", change.kind), old=old, new=new)


def place_words(text: str, words: Words, prefix: str = "") -> str:
    """A place among rules, `first` or `after FR1`, in words; prefix : what the code is, such as `MDC `."""
    if text == "first":
        return words["first_place"]
    return words["after_place"].format(what=prefix + text.removeprefix("after "))


def list_words(change: CodeChange, language: str = "en") -> str:
    """What a list gained and lost.

    >>> list_words(CodeChange("FR1.dx", ("I21.000",), ()))
    'list [FR1.dx]: +1 (I21.000)'
    """
    words = diff_words(language)
    what = {"a": words["list_gone"], "b": words["list_new"]}.get(change.only_in, "")
    if not what and change.old_key:
        what = words["list_was"].format(key=change.old_key)
    return words["list_line"].format(key=change.key, what=what, codes=signed(change, words))


def signed(change: CodeChange, words: Words, shown: int = SHOWN) -> str:
    """Codes that came and went, counted, with the first of them: `+2 (A00.0 A00.1); -1 (B00.0)`.

    shown : how many codes, three where some came and others went
    """
    sides = [(sign, codes) for sign, codes in (("+", change.added), ("-", change.removed)) if codes]
    most = min(shown, 3) if len(sides) > 1 else shown
    texts = [f"{sign}{len(codes):,}{words['bracket'].format(text=_few(codes, most))}" for sign, codes in sides]
    return words["semicolon"].join(texts) or words["no_codes"]


def _few(codes: tuple[str, ...], most: int) -> str:
    return " ".join(codes[:most]) + (" ..." if len(codes) > most else "")
