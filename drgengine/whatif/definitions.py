"""Words, clues and reasons of data/whatif.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from drgengine.errors import DrgEngineError

_FILE = Path(__file__).parent.parent / "data" / "whatif.toml"


@cache
def definitions() -> Mapping[str, Any]:
    """The whole file: clue, doubt, inexact, words."""
    return tomllib.loads(_FILE.read_text(encoding="utf-8"))


def words(language: str) -> Mapping[str, str]:
    """The words of a language. Raises DrgEngineError for a language there is none of.

    >>> words("en")["all"]
    'all'
    """
    known: Mapping[str, Mapping[str, str]] = definitions()["words"]
    if language not in known:
        raise DrgEngineError(f"language {language!r}", "there are no words for it", f"Use {' or '.join(sorted(known))}")
    return known[language]


def clue_ids() -> tuple[str, ...]:
    """All clues in the order in which they are shown; each is a column of the clue table.

    >>> clue_ids()[0]
    'rests_on_one_code'
    """
    return tuple(definitions()["clue"])


def doubt_ids() -> tuple[str, ...]:
    """Reasons why a code is called doubtful, in the order of their bits."""
    return tuple(definitions()["doubt"])
