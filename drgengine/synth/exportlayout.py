"""Which columns stand in a hospital's export, and what stands in them (data/export_*.toml)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from drgengine.errors import DrgEngineError
from drgengine.synth.settings import data

DIALECTS = ("hqms", "n041", "n042", "hn041", "hqms_p", "opendrg", "settlement")
HEADERS = ("code", "name", "both", "both_wide", "upper", "lower_x")
FILLER = "-"

_NUMBER = re.compile(r"\{n(n?)(?:\+(\d+))?\}")
_BLOCK = re.compile(r"\[(\d+)-(\d+)\]")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of an export: its code, its Chinese title, and the key of the value in it.

    A column without a key holds `constant` in every row.
    """

    code: str
    name: str
    key: str | None
    constant: str = ""

    def header(self, style: str) -> str:
        """The column's title in one of HEADERS."""
        titles = {
            "code": self.code,
            "name": self.name,
            "both": f"{self.name}({self.code})",
            "both_wide": f"{self.name}（{self.code}）",
            "upper": self.code.upper(),
            "lower_x": self.code.replace("X", "x"),
        }
        return titles[style]


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of one dialect in their usual order; dates: "time", "date and hour" (two columns) or "none"."""

    dialect: str
    columns: tuple[Column, ...]
    dates: str

    @property
    def keys(self) -> frozenset[str]:
        return frozenset(column.key for column in self.columns if column.key)

    def places(self, kind: str) -> int:
        """Number of slots of a code list, kind "dx" or "proc"."""
        return sum(key.startswith(f"{kind}.code.") for key in self.keys)


@cache
def load_layout(dialect: str) -> Layout:
    """The layout of a dialect of front pages (not "settlement"). DrgEngineError for an unknown one."""
    if dialect not in DIALECTS or dialect == "settlement":
        known = ", ".join(DIALECTS)
        raise DrgEngineError("argument dialect", f"{dialect!r} is no dialect of an export", f"Use one of: {known}")
    made = data(f"export_{dialect}")
    return Layout(dialect, tuple(read_columns(made["columns"])), made["dates"])


@cache
def settlement_tables() -> dict[str, tuple[Column, ...]]:
    """Table of the settlement list -> its columns."""
    return {name: tuple(read_columns(text)) for name, text in data("export_settlement")["tables"].items()}


def settlement_keys() -> frozenset[str]:
    """Keys of what the tables of the settlement list hold, its lists of codes by the keys of a front page."""
    keys = {column.key for column in settlement_tables()["setlinfo"] if column.key}
    lists = ("dx.code.0", "dx.cond.0", "proc.code.0", "proc.date.0", "icu.in.1", "ventilator_hours", "total_charge")
    return frozenset({*keys, *lists})


def read_columns(text: str) -> Iterator[Column]:
    """The columns of a layout's text, its repeated blocks written out.

    >>> [column.code for column in read_columns("A1 甲 sex\\n[1-2]\\nB{nn} 乙{n} dx.{n+1}\\n[]")]
    ['A1', 'B01', 'B02']
    """
    lines = iter(text.strip().splitlines())
    for line in lines:
        block = _BLOCK.fullmatch(line)
        if block is None:
            yield _column(line)
            continue
        inside = list(iter(lambda: next(lines), "[]"))
        for number in range(int(block[1]), int(block[2]) + 1):
            yield from (_column(_numbered(inner, number)) for inner in inside)


def _numbered(line: str, number: int) -> str:
    def written(found: re.Match[str]) -> str:
        value = number + int(found[2] or 0)
        return f"{value:02d}" if found[1] else str(value)

    return _NUMBER.sub(written, line)


def _column(line: str) -> Column:
    code, name, content = line.split(maxsplit=2)
    if content == FILLER:
        return Column(code, name, None, FILLER)
    if content == "." or content.startswith("="):
        return Column(code, name, None, content[1:])
    return Column(code, name, content)
