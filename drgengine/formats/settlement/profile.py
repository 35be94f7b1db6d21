"""The names of tables, columns and values of a settlement list (data/profiles/settlement.toml)."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from drgengine.cases.vocabulary import fold, readings

_FILE = Path(__file__).parent.parent.parent / "data" / "profiles" / "settlement.toml"
_NUMBER_BEHIND = re.compile(r"[\s_.\-]*\d[\d_.\-]*$")


@cache
def settlement_profile() -> Mapping[str, Any]:
    """The packaged file data/profiles/settlement.toml."""
    return tomllib.loads(_FILE.read_text(encoding="utf-8"))


def table_of(stem: str) -> str | None:
    """The table a file holds by its name without ending; "" for a known table that is not needed, None for another.

    >>> table_of("SetlInfo"), table_of("SETL_LIST_DIAG_D_202501"), table_of("payinfo"), table_of("readme")
    ('settlement', 'diagnosis', '', None)
    """
    known = _tables_by_name()
    whole = fold(stem)
    return known.get(whole, known.get(_NUMBER_BEHIND.sub("", whole)))


def find_columns(headers: list[str], table: str) -> dict[str, str]:
    """What a column of a table is for -> its header; of several headers for one purpose the profile's first counts.

    >>> find_columns(["SETL_ID", "诊断代码(diag_code)", "x"], "diagnosis")
    {'setl_id': 'SETL_ID', 'code': '诊断代码(diag_code)'}
    """
    profile = settlement_profile()["table"]
    entry = profile[profile[table].get("like", table)]["column"]
    by_reading: dict[str, str] = {}
    for header in headers:
        for reading in readings(header):
            by_reading.setdefault(reading, header)
    found = {purpose: [by_reading[n] for n in map(fold, names) if n in by_reading] for purpose, names in entry.items()}
    return {purpose: hits[0] for purpose, hits in found.items() if hits}


def plain_word(text: str | None) -> str:
    """A value of a small domain: half-width, without blanks and a spreadsheet's tail.

    >>> plain_word(" １.0 "), plain_word(None)
    ('1', '')
    """
    word = unicodedata.normalize("NFKC", text or "").strip()
    return word.removesuffix(".0") if word[:-2].isdigit() else word


@cache
def _tables_by_name() -> dict[str, str]:
    profile = settlement_profile()
    known = {fold(name): table for table, entry in profile["table"].items() for name in entry["names"]}
    return {fold(name): "" for name in profile["ignored"]} | known
