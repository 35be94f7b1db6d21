"""Words and sentences in Chinese and English, from data/impact.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from drgengine.errors import DrgEngineError

LANGUAGES = ("zh", "en")
FILE = Path(__file__).parents[1] / "data" / "impact.toml"


@cache
def settings() -> Mapping[str, Any]:
    """The whole file: headers of weight tables, words per language."""
    return tomllib.loads(FILE.read_text(encoding="utf-8"))


def words(language: str) -> Mapping[str, str]:
    """The words of a language. Raises DrgEngineError for one that is not known.

    >>> words("en")["mdc"]
    'other MDC'
    """
    if language not in LANGUAGES:
        raise DrgEngineError("language", f"{language!r} is not known", "Say zh or en")
    found: Mapping[str, str] = settings()[language]
    return found
