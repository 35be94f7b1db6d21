"""What keys of plan.toml and columns of its tables mean (data/evaluation/plan_keys.toml, plan_tables.toml)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from drgengine.errors import EvaluationError
from drgengine.evaluation.plan.settings import (
    ClassSettings,
    FrontierSettings,
    MixSettings,
    Period,
    Plan,
    Privacy,
    ScoreSettings,
    TargetSettings,
    UncertaintySettings,
)
from drgengine.tomltable import read_toml

_DATA = Path(__file__).parents[2] / "data" / "evaluation"
_AGAIN = "Install drgengine again"

SECTIONS: dict[str, tuple[str, type]] = {
    "case_mix": ("mix", MixSettings),
    "scores": ("scores", ScoreSettings),
    "classes": ("classes", ClassSettings),
    "uncertainty": ("uncertainty", UncertaintySettings),
    "frontier": ("frontier", FrontierSettings),
    "targets": ("targets", TargetSettings),
    "privacy": ("privacy", Privacy),
}
"""Section of the file -> field of Plan and its class."""
KINDS: dict[str, type] = {"plan": Plan, "period": Period, **{name: kind for name, (_, kind) in SECTIONS.items()}}
FILE_KEY = {"vetoes": "veto"}
"""Field -> key of the file, where they differ."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: headers it goes by beside its own name, and an example for templates."""

    name: str
    headers: tuple[str, ...]
    required: bool
    example: str


@dataclass(frozen=True, slots=True)
class TableWords:
    """A table of a plan: names, file name of its template, columns, what further columns mean."""

    id: str
    zh: str
    en: str
    file: str
    rest: str
    columns: tuple[Column, ...]


@cache
def key_words() -> dict[str, Any]:
    """Section -> zh, en and key -> text, low, high, example."""
    return read_toml(_DATA / "plan_keys.toml", EvaluationError, _AGAIN)


@cache
def table_words() -> dict[str, TableWords]:
    """The tables by id.

    >>> table_words()["weights"].columns[0].headers[0]
    'DRG编码'
    """
    found = {}
    for name, one in read_toml(_DATA / "plan_tables.toml", EvaluationError, _AGAIN).items():
        columns = tuple(
            Column(key, tuple(entry["headers"]), bool(entry.get("required")), str(entry.get("example", "")))
            for key, entry in one["column"].items()
        )
        found[name] = TableWords(name, one["zh"], one["en"], one["file"], one["rest"], columns)
    return found


def limits(section: str, key: str) -> tuple[float, float]:
    """Smallest and largest value of a key, both allowed.

    >>> limits("classes", "probability")
    (0.5, 1.0)
    """
    entry = key_words()[section]["key"][key]
    return float(entry.get("low", float("-inf"))), float(entry.get("high", float("inf")))
