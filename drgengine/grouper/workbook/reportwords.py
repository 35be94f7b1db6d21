"""Words of the import report, in Chinese and English."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

_DATA = Path(__file__).parent.parent.parent / "data" / "workbook_report.toml"
LANGUAGES = ("zh", "en")


@cache
def report_words(language: str) -> Mapping[str, Any]:
    """The words of a language, "zh" or "en"."""
    words: Mapping[str, Any] = tomllib.loads(_DATA.read_text(encoding="utf-8"))[language]
    return words


def kind_word(kind: str, language: str) -> str:
    """The sort of a remark in words; its plain name where there is none.

    >>> kind_word("order_moved", "zh"), kind_word("order_moved", "en")
    ('次序后移', 'order moved')
    """
    return str(report_words(language)["kinds"].get(kind, kind.replace("_", " ")))
