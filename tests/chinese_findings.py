"""What a finding in Chinese may not hold."""

from __future__ import annotations

import re
from collections.abc import Iterable

from drgengine.costing.model import Finding

# Three words in a row are a sentence, not a code, a key of model.toml or a file.
_ENGLISH = re.compile(r"[A-Za-z]{2,} [A-Za-z]{2,} [A-Za-z]{2,}")
_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_COMMAND = "drgengine cost new"
_ENGLISH_ONLY = ("model_file", "unreadable_file")
"""Rules of mistakes that other parts of the program tell in English; their Chinese begins with （英文原文）."""


def english_left(findings: Iterable[Finding]) -> list[str]:
    """Texts that are not Chinese although they should be."""
    wrong = []
    for finding in findings:
        place, problem, remedy = finding.text("zh")
        for text in (problem, remedy):
            told = text.partition("（英文原文）")[0] if finding.rule in _ENGLISH_ONLY else text.replace(_COMMAND, "")
            if _ENGLISH.search(told) or not _CHINESE.search(text):
                wrong.append(f"{finding.rule}: {text}")
        if _ENGLISH.search(place) or re.search(r"\b(row|rows|column|key|department|table|line)\b ?\d*", place):
            wrong.append(f"{finding.rule}: {place}")
    return wrong
