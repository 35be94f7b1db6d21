"""Words and sentences of the import report, in Chinese and English."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

_DATA = Path(__file__).parent.parent.parent / "data" / "workbook_report.toml"
LANGUAGES = ("zh", "en")


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads(_DATA.read_text(encoding="utf-8"))


def report_words(language: str) -> Mapping[str, Any]:
    """The words of a language, "zh" or "en"."""
    words: Mapping[str, Any] = _data()[language]
    return words


def sentence_words(name: str, language: str) -> str:
    """A sentence with {names} for what is filled in.

    >>> sentence_words("at_sheet", "zh"), sentence_words("at_sheet", "en")
    ('工作表 {sheet}', 'sheet {sheet}')
    """
    return str(_data()["sentence"][name][language])


def kind_word(kind: str, language: str) -> str:
    """The sort of a remark in words; its plain name where there is none.

    >>> kind_word("order_moved", "zh"), kind_word("order_moved", "en")
    ('次序后移', 'order moved')
    """
    return str(report_words(language)["kinds"].get(kind, kind.replace("_", " ")))


def notation(language: str) -> list[tuple[str, str]]:
    """The notation of scheme folders in words: (sign, what it means), for readers of `meaning as imported`.

    >>> dict(notation("zh"))["pdx"]
    '主要诊断'
    """
    return [(row["sign"], row[language]) for row in _data()["notation"]]
