"""Documents that indicators and targets come from (依据), and how one is cited."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from drgengine.errors import EvaluationError
from drgengine.tomltable import Table, read_toml

DATA = Path(__file__).parents[2] / "data" / "evaluation"
AGAIN = "Install drgengine again"


@dataclass(frozen=True, slots=True)
class Document:
    """A document with its descriptive title in both languages."""

    key: str
    zh: str
    en: str


@cache
def documents() -> dict[str, Document]:
    """All documents by key, from data/evaluation/documents.toml."""
    path = DATA / "documents.toml"
    found = {}
    for key, values in read_toml(path, EvaluationError, AGAIN).items():
        table = Table(f"{path.name} [{key}]", values, EvaluationError)
        found[key] = Document(key, table.take("zh", str), table.take("en", str))
        table.done()
    return found


def check_source(source: Sequence[object], place: str) -> tuple[str, ...]:
    """The citations, each a known document key and, after a blank, the item in it; own documents in quotes as they are.

    A citation that starts with "=" is free text for a document that is not among the known ones.

    >>> check_source(["putuo 二", "=市卫健委〔2026〕3号"], "targets.toml")
    ('putuo 二', '=市卫健委〔2026〕3号')
    """
    if not source:
        raise EvaluationError(place, "no source is given", 'Write source = ["DOCUMENT ITEM"], or ["=free text"]')
    for one in source:
        if not isinstance(one, str) or not one.strip(" ="):
            raise EvaluationError(place, f"source {one!r} is no text", 'Write source = ["DOCUMENT ITEM"]')
        if not one.startswith("=") and one.split()[0] not in documents():
            known = ", ".join(documents())
            raise EvaluationError(place, f"source {one!r} names no known document", f'Known: {known}; or "=free text"')
    return tuple(str(one) for one in source)


def cite(source: Sequence[str], language: str = "en") -> str:
    """The citations in words of "en" or "zh", joined by a semicolon.

    >>> cite(["tertiary T31"])
    'National appraisal of tertiary public hospitals, operating manual 2025, T31'
    """
    parts = []
    for one in source:
        if one.startswith("="):
            parts.append(one[1:].strip())
            continue
        key, _, item = one.partition(" ")
        document = documents()[key]
        title = document.zh if language == "zh" else document.en
        parts.append(title + (("，" if language == "zh" else ", ") + item.strip() if item.strip() else ""))
    return ("；" if language == "zh" else "; ").join(parts)
