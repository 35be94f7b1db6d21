"""The settings and words of the quality report (data/quality.toml)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any


@cache
def settings() -> Mapping[str, Any]:
    """The whole of data/quality.toml."""
    path = Path(__file__).parent.parent / "data" / "quality.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))


def words(language: str) -> Mapping[str, str]:
    """The words of one language, "en" or "zh".

    >>> words("zh")["title"]
    '数据质量报告'
    """
    found: Mapping[str, str] = settings()["words"][language]
    return found
