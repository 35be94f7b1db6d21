"""The differences of two schemes as text for a person: in short first, then part by part."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from drgengine.grouper.codechange import CodeChange
from drgengine.grouper.codemoves import KINDS, LEVELS, WHATS, CodeMove
from drgengine.grouper.conditionwords import rule_words
from drgengine.grouper.optionwords import COSMETIC, option_words
from drgengine.grouper.remark import first
from drgengine.grouper.rulechanges import adrg_lines, list_words
from drgengine.grouper.scheme import SHARED

if TYPE_CHECKING:
    from drgengine.grouper.diff import SchemeDiff

_NAMED_SHOWN = 3
_MOVE_WORDS = {
    "moved": "moved",
    "new": "asked for by none before",
    "gone": "asked for by none any more",
    "also": "now asked for by more",
    "left": "now asked for by fewer",
}
_UNITS = {"diagnosis": "diagnoses", "procedure": "procedures"}


def diff_lines(diff: SchemeDiff, limit: int | None) -> list[str]:
    """What changed in short, then section by section, at most `limit` entries of each."""
    if diff.is_empty:
        return [f"{diff.a} and {diff.b} do not differ."]
    lines = [f"{diff.a} -> {diff.b}", *_short(diff)]
    for title, entries in _sections(diff):
        shown = list(entries)
        if shown:
            lines += ["", title, *_limited(shown, limit)]
    lines += adrg_lines(diff, limit)
    if diff.matters:
        lines += ["", "Complete: --json, or --xlsx FILE to filter it; --limit shows more."]
    return lines


def _limited(entries: Sequence[str | tuple[str, ...]], limit: int | None) -> Iterator[str]:
    for entry in entries[:limit]:
        yield from (entry,) if isinstance(entry, str) else entry
    if limit is not None and len(entries) > limit:
        yield f"  ... and {len(entries) - limit:,} more"


def _short(diff: SchemeDiff) -> Iterator[str]:
    """The summary: what the schemes are, how large, how much of each kind changed."""
    for change in diff.identity:
        if change.key not in COSMETIC:
            yield from (f"  {line}" for line in option_words(change))
    if not diff.matters:
        yield "  no difference that matters for grouping"
    sized = [f"{size.what} {size.old:,} -> {size.new:,}" for size in diff.sizes if size.old != size.new]
    if sized:
        yield f"  {'; '.join(sized)}"
    yield from _short_codes(diff)
    for level in LEVELS:
        yield from _short_moves(level, [move for move in diff.moves if move.level == level])
    times = Counter((level.old, level.new) for level in diff.levels for _ in level.codes)
    if times:
        text = ", ".join(f"{old} -> {new} {count:,}" for (old, new), count in times.items())
        yield f"  severity: {text}"
    if diff.cancels:
        count = sum(len(change.codes) for change in diff.cancels)
        yield f"  exclusions: {count:,} MCC and CC are cancelled by other principal diagnoses than before"
    for codes in diff.editions:
        yield f"  codes of the {codes.key} edition: {_signed(codes)}"
    if diff.renamed_lists:
        yield f"  lists with the same codes under another name: {len(diff.renamed_lists):,}"


def _short_codes(diff: SchemeDiff) -> Iterator[str]:
    """ADRG and DRG codes that came and went, other names, other splits."""
    answers = {change.key: change for change in diff.answers}
    names = Counter(change.kind for change in diff.renamed)
    for kind in ("MDC", "ADRG", "DRG"):
        change = answers.get(kind, CodeChange(kind, (), ()))
        counts = [(len(change.added), "new"), (len(change.removed), "gone"), (names[kind], "renamed")]
        parts = [f"{count:,} {what}" for count, what in counts if count]
        if kind == "ADRG" and diff.continued:
            parts.append(f"{len(diff.continued):,} of the new ones likely continue a gone one")
        if kind == "ADRG" and diff.splits:
            parts.append(f"{len(diff.splits):,} of those in both are split differently")
        if parts:
            yield f"  {kind} codes: {', '.join(parts)}"


def _short_moves(level: str, moves: list[CodeMove]) -> Iterator[str]:
    what = {"ADRG": "codes in the rules of ADRGs", "MDC": "codes in the gates of MDCs"}[level]
    for kind in KINDS:
        times = Counter(move.what for move in moves if move.kind == kind for _ in move.codes)
        if times:
            text = ", ".join(f"{times[one]:,} {_MOVE_WORDS[one]}" for one in WHATS if times[one])
            yield f"  {what}, {_UNITS[kind]}: {text}"


def _sections(diff: SchemeDiff) -> Iterator[tuple[str, Iterable[Any]]]:
    adrgs = next((change for change in diff.answers if change.key == "ADRG"), CodeChange("ADRG", (), ()))
    names = {c.adrg: c.old or c.new for c in diff.rules if c.kind in ("added", "removed") and (c.old or c.new)}
    onward = {one.new for one in diff.continued}, {one.old for one in diff.continued}
    yield (
        f"ADRGs that are likely the same under another code ({len(diff.continued):,})",
        [
            f"  {one.old} continues as {one.new} {one.new_name} ({100 * one.alike:.0f}% of the codes in common)"
            for one in diff.continued
        ],
    )
    for what, codes, same in (("new", adrgs.added, onward[0]), ("gone", adrgs.removed, onward[1])):
        left = [code for code in codes if code not in same]
        yield f"ADRGs that are {what} ({len(left):,})", [f"  {code} {names.get(code, '')}".rstrip() for code in left]
    yield f"ADRGs that are split differently ({len(diff.splits):,})", list(_split_lines(diff))
    told = {change.key for change in diff.renamed if change.kind == "ADRG"}
    renamed = [change for change in diff.renamed if change.kind != "DRG" or change.adrg not in told]
    yield (
        f"Same code, other name ({len(renamed):,})",
        [f"  {change.kind} {change.key} {change.old} -> {change.new}" for change in renamed],
    )
    yield "MDCs: order and gates", list(_mdc_lines(diff))
    for level in LEVELS:
        own = [move for move in diff.moves if move.level == level]
        where = "between ADRGs" if level == "ADRG" else "between the gates of MDCs"
        moved, others = ([move for move in own if (move.what == "moved") is wanted] for wanted in (True, False))
        yield f"Codes that moved {where}, whatever their lists are called", _move_lines(diff, moved)
        yield f"Codes that more or fewer {level}s ask for than before", _move_lines(diff, others)
    yield "Lists of the whole scheme", list(_shared_lines(diff))
    yield "Severity of other diagnoses", _level_lines(diff)
    yield "Principal diagnoses that cancel MCC and CC", list(_cancel_lines(diff))
    yield "Lists of MDC gates and others that belong to no single ADRG", list(_list_lines(diff))


def _split_lines(diff: SchemeDiff) -> Iterator[tuple[str, ...]]:
    for split in diff.splits:
        before, after = ", ".join(split.old) or "no group", ", ".join(split.new) or "no group"
        yield f"  {split.adrg} {split.name}".rstrip(), f"    {before}", f"    -> {after}"


def _mdc_lines(diff: SchemeDiff) -> Iterator[str | tuple[str, ...]]:
    for change in diff.mdcs:
        match change.kind:
            case "gate":
                yield f"  MDC {change.key} gate: {rule_words(change.old)}", f"    -> {rule_words(change.new)}"
            case "moved":
                yield f"  MDC {change.key} stands {_place(change.old)} -> {_place(change.new)}"
            case "added" | "removed":
                yield f"  MDC {change.key} {change.kind}: {change.old or change.new}".rstrip(": ")


def _place(text: str) -> str:
    return text if text == "first" else text.replace("after ", "after MDC ")


def _move_lines(diff: SchemeDiff, moves: list[CodeMove]) -> list[str]:
    """One line per move, the largest first."""
    ordered = sorted(moves, key=lambda move: -len(move.codes))
    return [f"  {_move_head(move)}: {_counted(diff, move.kind, move.codes)}" for move in ordered]


def _move_head(move: CodeMove) -> str:
    old, new = first(move.old), first(move.new)
    match move.what:
        case "moved":
            return f"{old} -> {new}"
        case "new" | "also":
            return f"{'new in' if move.what == 'new' else 'now also in'} {new}"
        case "gone":
            return f"{old} -> in none any more"
    return f"no more in {old}, still in others"


def _counted(diff: SchemeDiff, kind: str, codes: tuple[str, ...]) -> str:
    unit = kind if len(codes) == 1 else _UNITS[kind]
    return f"{len(codes):,} {unit} ({_some(diff, codes)})"


def _some(diff: SchemeDiff, codes: Sequence[str]) -> str:
    """The first codes, with names where they are known."""
    if not any(code in diff.names for code in islice(codes, _NAMED_SHOWN)):
        return first(codes)
    shown = [f"{code} {diff.names.get(code, '')}".rstrip() for code in codes[:_NAMED_SHOWN]]
    return ", ".join(shown) + (" ..." if len(codes) > _NAMED_SHOWN else "")


def _shared_lines(diff: SchemeDiff) -> Iterator[str]:
    for change in diff.lists:
        if change.key in SHARED:
            yield f"  {change.key}: {_signed(change)}"


def _level_lines(diff: SchemeDiff) -> list[str]:
    return [
        f"  {level.old} -> {level.new}: {_counted(diff, 'diagnosis', level.codes)}"
        for level in sorted(diff.levels, key=lambda level: -len(level.codes))
    ]


def _cancel_lines(diff: SchemeDiff) -> Iterator[str]:
    for cancel in diff.cancels:
        what = f"{first(cancel.codes)} ({len(cancel.codes):,} MCC or CC)"
        yield f"  of {what}: {_signed(CodeChange('', cancel.added, cancel.removed))}"


def _list_lines(diff: SchemeDiff) -> Iterator[str]:
    """Lists of gates and others that no single ADRG asks for; nothing but a sentence where no names are shared."""
    own = [change for change in diff.lists if change.key not in SHARED]
    if own and diff.list_names_differ:
        yield (
            "  The schemes share hardly any names of lists: what changed in them is told by code above, "
            "and list by list only in --json."
        )
        return
    yield from (f"  {list_words(change)}" for change in own if not change.adrg)


def _signed(change: CodeChange) -> str:
    sides = ((len(change.added), "+", change.added), (len(change.removed), "-", change.removed))
    return "; ".join(f"{sign}{count:,} ({first(codes)})" for count, sign, codes in sides if count) or "no codes"
