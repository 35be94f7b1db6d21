"""A mapping table (编码对照表) from one code edition to another, looked up exactly."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple

from drgengine.formats.cleaning.codeshape import Kind

Fallback = Literal["extension", "category"]
_EXTENSION = re.compile(r"(?<=^.{6})X\d{1,4}$")  # not the filler x inside I10.x00
_CATEGORY = {"dx": 3, "proc": 2}


@cache
def edition_data() -> Mapping[str, Any]:
    """data/code_editions.toml: headers of tables, thresholds of the signs."""
    path = Path(__file__).parent.parent.parent / "data" / "code_editions.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))


def code_key(code: str) -> str:
    """What codes are compared by: case and dots say nothing.

    >>> code_key("I10.x00x002") == code_key("i10X00x002")
    True
    """
    return code.upper().replace(".", "")


class Found(NamedTuple):
    """An entry of the table: targets in the table's order, () when the table says there is none; way: exact,
    extension or category; key: the entry used."""

    targets: tuple[str, ...]
    way: str
    key: str


@dataclass(frozen=True, eq=False)
class CodeMap:
    """One code -> the codes of the other edition.

    path : of the file, for messages
    entries : key (see code_key) -> targets in file order, as written there; () for a code known to have none
    sources : source codes as written

    A pair such as A18.808+I32.0* is one code, as source and as target.
    """

    path: str
    kind: Kind
    entries: Mapping[str, tuple[str, ...]]
    sources: frozenset[str]

    def find(self, code: str, fallback: Fallback | None = None) -> Found | None:
        """The entry for a code, None when the table has none.

        fallback : None looks up the code itself and nothing else. "extension" then tries it without its extension
            xNNN, "category" after that its category (3 characters of a diagnosis, 2 of a procedure). A code the
            table knows to have no target is found, so nothing further is tried.

        >>> table = CodeMap("", "dx", {"I10X00": ("I10.x00",)}, frozenset({"I10.x00"}))
        >>> table.find("i10.X00").targets, table.find("I10.x00x002"), table.find("I10.x00x002", "extension").way
        (('I10.x00',), None, 'extension')
        """
        key = code_key(code)
        if key in self.entries:
            return Found(self.entries[key], "exact", key)
        if fallback is None or "+" in key:
            return None
        stem = _EXTENSION.sub("", key)
        if stem != key and stem in self.entries:
            return Found(self.entries[stem], "extension", stem)
        head = key[: _CATEGORY[self.kind]]
        if fallback == "category" and head in self.entries:
            return Found(self.entries[head], "category", head)
        return None

    @cached_property
    def targets(self) -> frozenset[str]:
        """All target codes."""
        return frozenset(code for targets in self.entries.values() for code in targets)
