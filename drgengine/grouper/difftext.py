"""The differences of two schemes as text for a person: in short first, then part by part."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from drgengine.grouper.codechange import Change, CodeChange
from drgengine.grouper.codemoves import KINDS, LEVELS, WHATS, CodeMove
from drgengine.grouper.conditionwords import Words, base_name, diff_words, rule_words
from drgengine.grouper.optionwords import COSMETIC, option_words
from drgengine.grouper.remark import first
from drgengine.grouper.rulechanges import adrg_lines, list_words, place_words, signed
from drgengine.grouper.scheme import SHARED
from drgengine.grouper.splits import same_name, split_words

if TYPE_CHECKING:
    from drgengine.grouper.diff import SchemeDiff

_NAMED_SHOWN, _WIDTH = 3, 100
_RANKS = ("none", "CC", "MCC", "MCC and CC")
_SIZE_OF_KIND = {"ambiguous": "ambiguous groups", "fallback": "fall-back groups"}


def diff_lines(diff: SchemeDiff, limit: int | None, language: str = "en") -> list[str]:
    """What changed in short, then section by section, at most `limit` entries of each."""
    words = diff_words(language)
    if diff.is_empty:
        return [words["same"].format(a=diff.a, b=diff.b)]
    text = _Text(diff, language)
    lines = [words["title"].format(a=diff.a, b=diff.b), *(f"  {line}" for line in text.short())]
    for title, entries in text.sections():
        shown = list(entries)
        if shown:
            lines += ["", title, *_limited(shown, limit, words)]
    lines += adrg_lines(diff, limit, language)
    if diff.matters:
        legend = [words["legend"]] if any("@" in line for line in lines) else []
        lines += ["", *legend, words["complete"]]
    return [part for line in lines for part in _folded(line, words)]


def _folded(line: str, words: Words) -> Iterator[str]:
    """A line that is wider than a screen in two or more, broken before an arrow or after a semicolon."""
    breaks = ((line.find(sign, 2 * _WIDTH // 5), sign) for sign in (words["arrow"], words["semicolon"]))
    at, sign = min((found for found in breaks if found[0] > 0), default=(0, ""))
    if not at or _width(line) <= _WIDTH:
        yield line
        return
    indent = " " * (len(line) - len(line.lstrip()) + 2)
    yield line[:at] + ("" if sign == words["arrow"] else sign.rstrip())
    rest = line[at:] if sign == words["arrow"] else line[at + len(sign) :]
    yield from _folded(indent + rest.lstrip(), words)


def _width(text: str) -> int:
    """Columns of a screen; Chinese signs take two."""
    return sum(2 if ord(sign) > 0x2E7F else 1 for sign in text)


def _limited(entries: Sequence[str | tuple[str, ...]], limit: int | None, words: Words) -> Iterator[str]:
    for entry in entries[:limit]:
        yield from (f"  {line}" for line in ((entry,) if isinstance(entry, str) else entry))
    if limit is not None and len(entries) > limit:
        yield words["more"].format(n=f"{len(entries) - limit:,}")


def _only_ending(change: Change) -> bool:
    """Whether a group is called the same but for what its name says of severity."""
    old, new = base_name(change.old), base_name(change.new)
    return (old, new) != (change.old, change.new) and same_name(old, new)


class _Text:
    """Lines about a difference in one language."""

    def __init__(self, diff: SchemeDiff, language: str) -> None:
        self.diff, self.language, self.words = diff, language, diff_words(language)

    def short(self) -> Iterator[str]:
        """What the schemes are, how large, how much of each kind changed."""
        diff, words = self.diff, self.words
        for change in diff.identity:
            if change.key not in COSMETIC:
                yield from option_words(change, self.language)
        if not diff.matters:
            yield words["no_matter"]
        yield from self._short_sizes()
        times = Counter((level.old, level.new) for level in diff.levels for _ in level.codes)
        for key, wanted in (("short_raised", True), ("short_lowered", False)):
            texts = [
                f"{self._level(old)}{words['arrow']}{self._level(new)} {n:,}"
                for (old, new), n in times.items()
                if (_RANKS.index(new) > _RANKS.index(old)) is wanted
            ]
            if texts:
                yield words[key] + words["colon"] + words["comma"].join(texts)
        if diff.cancels:
            yield words["short_exclusions"].format(n=f"{sum(len(change.codes) for change in diff.cancels):,}")
        for level in LEVELS:
            yield from self._short_moves(level)
        for codes in diff.editions:
            yield words[f"short_edition_{codes.key}"] + words["colon"] + signed(codes, words)
        if diff.renamed_lists:
            yield words["short_renamed_lists"].format(n=f"{len(diff.renamed_lists):,}")

    def _level(self, name: str) -> str:
        return self.words.get(f"level_{name.replace(' ', '_')}", name)

    def _short_sizes(self) -> Iterator[str]:
        """One line per kind of group, with what came and went; then splits and the rest of what can be counted."""
        words, told = self.words, self._came_and_went()
        before = {size.what: size.old for size in self.diff.sizes}
        for size in self.diff.sizes:
            changed = words["comma"].join(told.get(size.what, ()))
            if size.old != size.new or changed:
                name = words[f"size_{size.what.replace(' ', '_').replace('-', '_')}"]
                counts = f"{size.old:,}{words['arrow']}{size.new:,}" if size.old != size.new else f"{size.new:,}"
                yield f"{name}{words['colon']}{counts}" + (words["bracket"].format(text=changed) if changed else "")
            if size.what == "ADRGs" and self.diff.splits:
                both = before["ADRGs"] - sum(code not in self.diff.adrg_kinds for code in self._answers("ADRG").removed)
                yield words["short_splits"].format(n=f"{len(self.diff.splits):,}", both=f"{both:,}")

    def _came_and_went(self) -> dict[str, list[str]]:
        """What is counted -> how many are new, gone, renamed, go on under another code."""
        words, diff = self.words, self.diff
        counts: Counter[tuple[str, str]] = Counter()
        for what, codes in (("new", self._answers("ADRG").added), ("gone", self._answers("ADRG").removed)):
            counts.update((_SIZE_OF_KIND.get(diff.adrg_kinds.get(code, ""), "ADRGs"), what) for code in codes)
        counts["groups", "new"], counts["groups", "gone"] = (len(codes) for codes in self._sides("DRG"))
        counts.update(("MDCs", {"added": "new", "removed": "gone"}.get(change.kind, "")) for change in diff.mdcs)
        sizes = {"MDC": "MDCs", "ADRG": "ADRGs", "DRG": "groups"}
        counts.update((sizes[change.kind], "renamed") for change in diff.renamed)
        ending = sum(change.kind == "DRG" and _only_ending(change) for change in diff.renamed)
        found: dict[str, list[str]] = {}
        for what in dict.fromkeys(what for what, _ in counts):
            parts = found.setdefault(what, [])
            for how in ("new", "gone", "renamed"):
                key = "count_renamed_ending" if ending and (what, how) == ("groups", "renamed") else f"count_{how}"
                if counts[what, how]:
                    parts.append(words[key].format(n=f"{counts[what, how]:,}", ending=f"{ending:,}"))
            if what == "ADRGs" and diff.continued:
                parts.append(words["count_continued"].format(n=f"{len(diff.continued):,}"))
        return found

    def _answers(self, kind: str) -> CodeChange:
        return next((change for change in self.diff.answers if change.key == kind), CodeChange(kind, (), ()))

    def _sides(self, kind: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        return self._answers(kind).added, self._answers(kind).removed

    def _short_moves(self, level: str) -> Iterator[str]:
        words = self.words
        for kind in KINDS:
            moves = [move for move in self.diff.moves if (move.level, move.kind) == (level, kind)]
            times = Counter(move.what for move in moves for _ in move.codes)
            if times:
                texts = (words[f"move_{what}"].format(n=f"{times[what]:,}") for what in WHATS if times[what])
                yield words[f"short_asked_{level}_{kind}"] + words["colon"] + words["comma"].join(texts)

    def sections(self) -> Iterator[tuple[str, Iterable[Any]]]:
        """Title and entries of each part; an entry is one line or several."""
        words, diff = self.words, self.diff

        def counted(key: str, entries: list[Any]) -> tuple[str, list[Any]]:
            return words[f"section_{key}"].format(n=f"{len(entries):,}"), entries

        onward = {one.new for one in diff.continued}, {one.old for one in diff.continued}
        yield counted("continued", list(self._continued()))
        for what, codes, same in zip(("new", "gone"), self._sides("ADRG"), onward, strict=True):
            yield counted(what, [self._adrg(code) for code in codes if code not in same])
        yield counted("splits", list(self._splits()))
        yield self._renamed_section()
        yield words["section_mdcs"], list(self._mdcs())
        for level in LEVELS:
            own = [move for move in diff.moves if move.level == level]
            moved, others = ([move for move in own if (move.what == "moved") is wanted] for wanted in (True, False))
            yield words[f"section_moves_{level}"], self._moves(moved)
            yield words[f"section_others_{level}"], self._moves(others)
        shared = (change for change in diff.lists if change.key in SHARED)
        yield words["section_shared"], [f"{one.key}{words['colon']}{signed(one, words)}" for one in shared]
        yield words["section_severity"], self._levels()
        yield words["section_cancels"], list(self._cancels())
        yield words["section_lists"], list(self._lists())

    def _adrg(self, code: str) -> str:
        """An ADRG with its name, and that it is ambiguous or a fall-back."""
        kind = self.diff.adrg_kinds.get(code, "")
        text = f"{code} {self.diff.adrg_names.get(code, '')}".rstrip()
        return text + (self.words["bracket"].format(text=self.words[f"adrg_{kind}"]) if kind else "")

    def _continued(self) -> Iterator[str]:
        for one in self.diff.continued:
            percent = f"{100 * one.alike:.0f}"
            old, new = (self._adrg(code) for code in (one.old, one.new))
            if same_name(old.removeprefix(one.old), new.removeprefix(one.new)):
                old = one.old
            yield self.words["continued_line"].format(old=old, new=new, percent=percent)

    def _splits(self) -> Iterator[tuple[str, ...]]:
        words = self.words
        for split in self.diff.splits:
            sides = (split_words(asked, self.language) for asked in split.asked)
            before, after = (words["comma"].join(side) or words["no_group"] for side in sides)
            yield self._adrg(split.adrg), f"  {before}", f"  {words['arrow'].strip()} {after}"

    def _renamed_section(self) -> tuple[str, list[str]]:
        """Other names; groups of one ADRG that change alike stand together, changes of the ending are counted."""
        words, diff = self.words, self.diff
        told = {change.key for change in diff.renamed if change.kind == "ADRG"}
        left = [change for change in diff.renamed if change.kind != "DRG" or change.adrg not in told]
        endings = [change for change in left if change.kind == "DRG" and _only_ending(change)]
        together: dict[tuple[str, ...], list[Change]] = {}
        for change in left:
            if change not in endings:
                names = (base_name(change.old), base_name(change.new)) if change.kind == "DRG" else (change.key,)
                together.setdefault((change.kind, change.adrg, *names), []).append(change)
        entries = []
        for changes in together.values():
            names = changes[0].old, changes[0].new
            old, new = names if len(changes) == 1 else map(base_name, names)
            keys = " ".join(change.key for change in changes)
            entries.append(f"{changes[0].kind} {keys} {old}{words['arrow']}{new}")
        if endings:
            entries.append(words["only_ending"].format(n=f"{len(endings):,}"))
        return words["section_renamed"].format(n=f"{len(left):,}"), entries

    def _mdcs(self) -> Iterator[str | tuple[str, ...]]:
        words = self.words
        for change in self.diff.mdcs:
            match change.kind:
                case "gate":
                    old, new = (rule_words(text, self.language) for text in (change.old, change.new))
                    yield (
                        words["mdc_gate"].format(code=change.key, rule=old),
                        f"  {words['arrow'].strip()} {new}",
                    )
                case "moved":
                    old, new = (place_words(text, words, "MDC ") for text in (change.old, change.new))
                    yield words["mdc_moved"].format(code=change.key, old=old, new=new)
                case "added" | "removed":
                    text = words[f"mdc_{change.kind}"].format(code=change.key, name=change.old or change.new)
                    yield text.rstrip(": ")

    def _moves(self, moves: list[CodeMove]) -> list[str]:
        """One line per move, the largest first."""
        colon = self.words["colon"]
        ordered = sorted(moves, key=lambda move: -len(move.codes))
        return [f"{self._move_head(move)}{colon}{self._counted(move.kind, move.codes)}" for move in ordered]

    def _move_head(self, move: CodeMove) -> str:
        return self.words[f"head_{move.what}"].format(old=first(move.old), new=first(move.new))

    def _counted(self, kind: str, codes: tuple[str, ...]) -> str:
        unit = self.words[f"unit_{kind}_one" if len(codes) == 1 else f"unit_{kind}"]
        return f"{len(codes):,} {unit}{self.words['bracket'].format(text=self._some(codes))}"

    def _some(self, codes: Sequence[str]) -> str:
        """The first codes, with names where they are known."""
        names = self.diff.names
        if not any(code in names for code in islice(codes, _NAMED_SHOWN)):
            return first(codes)
        shown = [f"{code} {names.get(code, '')}".rstrip() for code in codes[:_NAMED_SHOWN]]
        return self.words["comma"].join(shown) + (" ..." if len(codes) > _NAMED_SHOWN else "")

    def _levels(self) -> list[str]:
        arrow, colon = self.words["arrow"], self.words["colon"]
        return [
            f"{self._level(one.old)}{arrow}{self._level(one.new)}{colon}{self._counted('diagnosis', one.codes)}"
            for one in sorted(self.diff.levels, key=lambda level: -len(level.codes))
        ]

    def _cancels(self) -> Iterator[str]:
        for cancel in self.diff.cancels:
            change = signed(CodeChange("", cancel.added, cancel.removed), self.words, _NAMED_SHOWN)
            codes = first(cancel.codes[:_NAMED_SHOWN]) + (" ..." if len(cancel.codes) > _NAMED_SHOWN else "")
            yield self.words["cancel_line"].format(codes=codes, n=f"{len(cancel.codes):,}", change=change)

    def _lists(self) -> Iterator[str]:
        """Lists of gates and others that no single ADRG asks for; but a sentence where no names are shared."""
        own = [change for change in self.diff.lists if change.key not in SHARED]
        if own and self.diff.list_names_differ:
            yield self.words["hardly_names"]
            return
        yield from (list_words(change, self.language) for change in own if not change.adrg)
