"""The words of the case table: columns, headers, values and limits (data/columns.toml)."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa

_TYPES = {
    "string": pa.string(),
    "int8": pa.int8(),
    "int32": pa.int32(),
    "float64": pa.float64(),
    "date32": pa.date32(),
}
_BLANK_OR_UNDERSCORE = re.compile(r"[\s_\u200b-\u200d\u2060\ufeff]+")
_BRACKETED = re.compile(r"(?P<outer>[^()]*)\((?P<inner>[^()]*)\)")
_HEADER_CODE = re.compile(r"[a-z]{1,3}\d[\da-z]*")


@dataclass(frozen=True, slots=True)
class Role:
    """What a column is for: a canonical name, and for code lists the part and the slot number.

    name : canonical column, e.g. "sex" or "dx"
    part : "" (scalar column), "list", "principal" or "other"
    slot : number in the header, None when it has none
    """

    name: str
    part: str = ""
    slot: int | None = None

    @property
    def label(self) -> str:
        """The name a user writes in a mapping file.

        >>> Role("dx", "other", 2).label, Role("dx", "list").label, Role("sex").label
        ('dx_other2', 'dx', 'sex')
        """
        part = f"_{self.part}" if self.part in ("principal", "other") else ""
        return f"{self.name}{part}{'' if self.slot is None else self.slot}"


@cache
def column_data() -> Mapping[str, Any]:
    """The packaged file data/columns.toml."""
    text = (Path(__file__).parent.parent / "data" / "columns.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def fold(header: str) -> str:
    """A header without case, blanks, underscores and full-width forms.

    >>> fold(" Ａge_Years "), fold("年龄（A14）")
    ('ageyears', '年龄(a14)')
    """
    return _BLANK_OR_UNDERSCORE.sub("", unicodedata.normalize("NFKC", header)).casefold()


def readings(header: str) -> tuple[str, ...]:
    """The folded forms under which a header may be known: whole, code in brackets, text before the brackets.

    The text before the brackets counts only when they hold a header code; a unit there changes the meaning.

    >>> readings("年龄(A14)"), readings("年龄(月)")
    (('年龄(a14)', 'a14', '年龄'), ('年龄(月)', '月'))
    """
    whole = fold(header)
    match = _BRACKETED.fullmatch(whole)
    if not match:
        return (whole,)
    inner, outer = match["inner"], match["outer"]
    return (whole, inner, outer) if _HEADER_CODE.fullmatch(inner) else (whole, inner)


def build_schema() -> pa.Schema:
    """All canonical columns with the Chinese title as metadata; code lists stand before the charges."""
    data = column_data()
    scalars = {
        name: pa.field(name, _TYPES[entry["type"]], metadata={"title": entry["title"]})
        for name, entry in data["column"].items()
    }
    lists = [
        pa.field(name, pa.list_(pa.string()), metadata={"title": entry["title"]})
        for name, entry in data["codes"].items()
    ]
    names = list(scalars)
    cut = names.index("total_charge")
    return pa.schema([scalars[n] for n in names[:cut]] + lists + [scalars[n] for n in names[cut:]])


@cache
def _known_headers() -> tuple[dict[str, Role], tuple[tuple[re.Pattern[str], Role], ...]]:
    plain: dict[str, Role] = {}
    numbered: list[tuple[re.Pattern[str], Role]] = []
    for name, entry in column_data()["column"].items():
        for alias in (name, *entry["aliases"]):
            plain[fold(alias)] = Role(name)
            for unit in entry.get("units", ()):
                plain[f"{fold(alias)}({fold(unit)})"] = Role(name)
    for name, entry in column_data()["codes"].items():
        for part in ("list", "principal", "other"):
            for alias in entry[part]:
                if "#" in alias:
                    numbered.append((_numbered_pattern(alias), Role(name, part)))
                else:
                    plain[fold(alias)] = Role(name, part)
    return plain, tuple(numbered)


def _numbered_pattern(alias: str) -> re.Pattern[str]:
    before, after = fold(alias).split("#")
    return re.compile(re.escape(before) + r"0*(\d{1,3})" + re.escape(after))


def role_of(header: str) -> Role | None:
    """The role of a column by its header; None for a column the case table does not know.

    >>> role_of("C06x03C")
    Role(name='dx', part='other', slot=3)
    >>> role_of("性别"), role_of("ward")
    (Role(name='sex', part='', slot=None), None)
    """
    plain, numbered = _known_headers()
    for reading in readings(header):
        if reading in plain:
            return plain[reading]
        for pattern, role in numbered:
            match = pattern.fullmatch(reading)
            if match:
                return Role(role.name, role.part, int(match[1]))
    return None


@cache
def _personal_headers() -> tuple[frozenset[str], tuple[re.Pattern[str], ...], frozenset[str], tuple[str, ...]]:
    data = column_data()["personal"]
    exact = frozenset(fold(h) for h in data["exact"] if "#" not in h)
    numbered = tuple(_numbered_pattern(h) for h in data["exact"] if "#" in h)
    return exact, numbered, frozenset(data["words"]), tuple(data["parts"])


def is_personal(header: str) -> bool:
    """True for a column that holds names, identity numbers, addresses or phones of patients or staff.

    >>> is_personal("患者姓名"), is_personal("patient_phone"), is_personal("ward")
    (True, True, False)
    """
    exact, numbered, words, parts = _personal_headers()
    for reading in readings(header):
        if reading in exact or any(pattern.fullmatch(reading) for pattern in numbered):
            return True
        if any(part in reading for part in parts):
            return True
    return any(word in words for word in re.split(r"[\W_]+", header.casefold()))
