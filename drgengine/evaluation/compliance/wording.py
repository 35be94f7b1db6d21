"""Words of the compliance table in both languages (符合性用语)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from drgengine.errors import EvaluationError
from drgengine.evaluation.indicators.catalogue import Catalogue
from drgengine.evaluation.indicators.documents import AGAIN, DATA
from drgengine.evaluation.indicators.targetfile import Target
from drgengine.tomltable import read_toml

Said = tuple[str, str]
"""A sentence in Chinese and in English."""

_SIGNS = {("at_most", True): "≤", ("at_most", False): "<", ("at_least", True): "≥", ("at_least", False): ">"}
_ARROWS = {"rising": "↑", "falling": "↓"}


@cache
def _words() -> Mapping[str, Any]:
    return read_toml(DATA / "compliance_words.toml", EvaluationError, AGAIN)


def said(name: str, /, **values: object) -> Said:
    """A sentence of the data file; a value that is a pair is put into each language.

    >>> said("near", n=2)
    ('接近目标2家', '2 hospitals are near the target')
    """
    entry = _words()["sentences"][name]
    zh = {key: value[0] if isinstance(value, tuple) else value for key, value in values.items()}
    en = {key: value[1] if isinstance(value, tuple) else value for key, value in values.items()}
    return entry["zh"].format(**zh), entry["en"].format(**en)


def how(line: str, en: str) -> Said:
    """What a reader has to know about a line, ("", "") where nothing."""
    return (_words()["how"].get(line, en), en) if en else ("", "")


def joined(parts: Iterable[Said]) -> Said:
    """Sentences one after the other, empty ones left out."""
    kept = [part for part in parts if part[1]]
    return "；".join(zh.rstrip("。") for zh, _ in kept), "; ".join(en.rstrip(".") for _, en in kept)


def shown(value: float, decimals: int = 2) -> str:
    """A number as in a document: no more decimals than it needs.

    >>> shown(30.0), shown(91.82), shown(0.75, 3)
    ('30', '91.82', '0.75')
    """
    text = f"{value:.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def target_text(one: Target, catalogue: Catalogue) -> str:
    """A target in signs and in the word of its document: 左右 30, ≤ 20 以下, 0.8–1.2 相协调, ↓ 逐步.

    A range whose ends are not known is its word alone.
    """
    year = f" ({one.year})" if one.year else ""
    if one.strictness == "trend":
        return f"{_ARROWS[one.direction]} {one.word}{year}"
    if one.direction == "range":
        ends = "" if math.isnan(one.low) else f"{shown(one.low, one.decimals)}–{shown(one.high, one.decimals)} "
        return f"{ends}{one.word}{year}"
    if one.limit:
        limit = catalogue[one.limit]
        return f"{_SIGNS[one.direction, one.inclusive]} {limit.zh} {limit.en} {one.word}{year}"
    number = shown(one.value, one.decimals)
    if one.strictness == "soft":
        return f"{one.word} {number}{year}"
    sign = _SIGNS.get((one.direction, one.inclusive), "=")
    start = "" if math.isnan(one.base) else f"{shown(one.base, one.decimals)} → "
    return f"{start}{sign} {number} {one.word}{year}"
