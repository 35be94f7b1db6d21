"""Lists of codes as category patterns with exceptions.

`I21` takes every code of the edition that starts with I21, `-I21.4` leaves some of them out again, `=I10.x00`
and `-=I10.x00` speak of one code alone. The longest pattern that matches a code decides; an exact one goes first.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from drgengine.errors import SchemeError

PATTERN = re.compile(r"-?=?[0-9A-Za-z][0-9A-Za-z_.+*/-]*")
_SECTION = re.compile(r"\[(?P<name>[^\]\s]+)\]\s*(?:#.*)?")


class ListFamily:
    """Several lists asked at once: which of them hold a code? Patterns decide per list, the longest one last.

    lists : name -> patterns
    known : the codes of the edition; other codes stand in no list
    """

    def __init__(self, lists: Mapping[str, Iterable[str]], known: Collection[str]) -> None:
        self.known = known
        self._prefixes: dict[str, list[tuple[str, bool]]] = {}
        self._exact: dict[str, list[tuple[str, bool]]] = {}
        for name, patterns in lists.items():
            for pattern in patterns:
                text = pattern.lstrip("-")
                target = self._exact if text.startswith("=") else self._prefixes
                target.setdefault(text.lstrip("="), []).append((name, not pattern.startswith("-")))

    def holding(self, code: str) -> list[str]:
        """Names of the lists that hold the code, in the order in which the lists were given and matched."""
        if code not in self.known:
            return []
        decided: dict[str, bool] = {}
        for length in range(1, len(code) + 1):
            decided.update(self._prefixes.get(code[:length], ()))
        decided.update(self._exact.get(code, ()))
        return [name for name, inside in decided.items() if inside]


@dataclass(frozen=True)
class CodeList:
    """A named list of codes: patterns over the known codes of an edition.

    `code in code_list` answers one question at a time and is what explanations use; the compiler expands
    whole lists by its own way, and tests hold the two against each other.
    """

    name: str
    patterns: tuple[str, ...]
    known: Collection[str] = field(repr=False)

    @cached_property
    def _family(self) -> ListFamily:
        return ListFamily({self.name: self.patterns}, self.known)

    def __contains__(self, code: object) -> bool:
        return isinstance(code, str) and bool(self._family.holding(code))


def read_lists(text: str, source: str) -> dict[str, tuple[str, ...]]:
    """The patterns of each `[section]` of a list file, in the order of the file.

    raises SchemeError naming file and line for a section twice, a pattern twice or one that is malformed
    """
    lists: dict[str, list[str]] = {}
    current: list[str] | None = None
    seen: set[str] = set()
    for number, line in enumerate(text.splitlines(), 1):
        place = f"{source} line {number}"
        body = line.strip()
        if not body or body.startswith("#"):
            continue
        if body.startswith("["):
            match = _SECTION.fullmatch(body)
            if match is None:
                raise SchemeError(place, f"{body!r} is no section head", "Write [NAME] without blanks")
            if match["name"] in lists:
                raise SchemeError(place, f"section [{match['name']}] stands twice", "Join the two sections")
            current, seen = lists.setdefault(match["name"], []), set()
            continue
        if current is None:
            raise SchemeError(place, f"{body[:40]!r} stands before the first section", "Put a [NAME] line above it")
        body = body.split("#")[0]
        patterns = body.split()
        before = len(seen)
        seen.update(pattern.lstrip("-") for pattern in patterns)
        if len(seen) < before + len(patterns) or not all(map(PATTERN.fullmatch, patterns)):
            _refuse_line([*current, *patterns], place, [*lists][-1])
        current += patterns
    return {name: tuple(patterns) for name, patterns in lists.items()}


def _refuse_line(patterns: list[str], place: str, section: str) -> None:
    """Raise SchemeError if the last line of a section holds a malformed pattern, or one that stands twice."""
    seen: set[str] = set()
    for pattern in patterns:
        bare = pattern.lstrip("-")
        if not PATTERN.fullmatch(pattern):
            raise SchemeError(
                place, f"{pattern!r} is no code pattern", "Write a code or its beginning, with - or = before it"
            )
        if bare in seen:
            raise SchemeError(place, f"{bare!r} stands twice in [{section}]", "Keep the one that is meant")
        seen.add(bare)


def write_lists(lists: Mapping[str, Iterable[str]], title: str) -> str:
    """The text of a list file: a section per list, a line per block of ten categories."""
    lines = [f"# {title}"]
    for name, patterns in lists.items():
        lines += ["", f"[{name}]"]
        blocks: dict[str, list[str]] = {}
        for pattern in patterns:
            blocks.setdefault(pattern.lstrip("-=")[:2], []).append(pattern)
        lines += [" ".join(block) for block in blocks.values()]
    return "\n".join(lines) + "\n"
