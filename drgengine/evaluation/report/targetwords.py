"""Targets in words (目标表述): the word of a document beside its number, put into the language of the report."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd

from drgengine.evaluation.report.numbers import DASH, finite, number
from drgengine.evaluation.report.reading import Reading
from drgengine.evaluation.report.words import entries

_YEAR = re.compile(r" \((\d{4})\)$")
_NUMBER = re.compile(r"-?\d[\d.]*(?:–\d[\d.]*)?")
_SIGNS = "<>≤≥="
_ARROWS = {"↑": "rising", "↓": "falling"}


def asked(reading: Reading, word: str, value: str, direction: str = "") -> str:
    """What a target asks for, from the word of its document and a number: 30%左右, about 30%.

    direction : of a trend, rising or falling   A word that is not known stands before the value as it is.
    """
    words = reading.words
    if word not in entries()["target_word"]:
        return f"{word} {value}".strip()
    way = words.word("target_way", direction)
    return str(words(f"target_word.{word}", value=value if value != DASH else way).unescape())


def target_in_words(reading: Reading, row: pd.Series) -> str:
    """The target of a policy line: number, word of the document, year and base, without signs that the word repeats."""
    words, text = reading.words, str(row.get("target_text") or "")
    unit = reading.unit(str(row.get("indicator") or ""))
    year = _YEAR.search(text)
    parts = _YEAR.sub("", text).split(" ")
    word = next((part for part in parts if part in entries()["target_word"]), "")
    arrow = next((_ARROWS[part] for part in parts if part in _ARROWS), "")
    if not text or not word:
        return text or number(row.get("target"), unit)
    if arrow:
        shown = asked(reading, word, DASH, arrow)
        before = number(row.get("target"), unit)
        return shown if before == DASH else str(words("target_way.since", text=shown, value=before).unescape())
    shown = asked(reading, word, _value(reading, row, parts, word, unit))
    base = parts[0] if "→" in parts else ""
    if year and base:
        return str(words("target_way.by_from", text=shown, year=year[1], base=base).unescape())
    return str(words("target_way.by", text=shown, year=year[1]).unescape()) if year else shown


def _value(reading: Reading, row: pd.Series, parts: list[str], word: str, unit: str) -> str:
    """The number as the document has it, or the name of the indicator that is the limit, with its value."""
    after = parts[parts.index("→") + 1 :] if "→" in parts else parts
    numbers = [part for part in after if _NUMBER.fullmatch(part)]
    percent = "%" if unit == "%" else ""
    if numbers:
        # "planned" says nothing of the side; other words do.
        sign = next((f"{part} " for part in after if part in _SIGNS), "") if word in _NEUTRAL else ""
        return f"{sign}{numbers[0]}{percent}"
    value = number(row.get("target"), unit)
    name = " ".join(part for part in after if part not in _SIGNS and part != word)
    if not name:
        return value
    limits: Any = reading.catalogue.indicators.values()
    found = next((one for one in limits if name == f"{one.zh} {one.en}"), None)
    title = name if found is None else reading.words.text(found.zh, found.en)
    return title if finite(row.get("target")) is None else f"{title} ({value})"


_NEUTRAL = ("规划值", "达到", "planned")
