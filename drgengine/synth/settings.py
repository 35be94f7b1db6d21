"""The data files next to this package, and lookups by the beginning of a code."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any, TypeVar

import numpy as np

Value = TypeVar("Value")

BANDS = ("newborn", "child", "young", "middle", "older", "old", "obstetric")
"""Age bands: newborn to 28 days (and all of MDC P), child to 14 years, young to 39, middle to 59, older to 74, old;
obstetric overrides the age for women in MDC O."""
NEWBORN, CHILD, YOUNG, MIDDLE, OLDER, OLD, OBSTETRIC = range(7)
BAND_EDGES = (15, 40, 60, 75)
MALE, FEMALE = 1, 2
LAST_NEWBORN_DAY = 28
KINDS = ("medical", "intervention", "surgical")
"""Kinds of a case: without operation, non-operating-room procedure (非手术室操作), operation."""


@cache
def data(name: str) -> Mapping[str, Any]:
    """A data file by its name without ending."""
    return tomllib.loads((resources.files("drgengine.synth") / "data" / f"{name}.toml").read_text(encoding="utf-8"))


def longest_prefix(codes: Iterable[str], table: Mapping[str, Value], default: Value) -> list[Value]:
    """The value of the longest key that begins each code.

    >>> longest_prefix(["I63.900", "I10.x00"], {"I": 1, "I63": 2}, 0)
    [2, 1]
    """
    lengths = sorted({len(key) for key in table}, reverse=True)
    found = []
    for code in codes:
        value = default
        for length in lengths:
            if code[:length] in table:
                value = table[code[:length]]
                break
        found.append(value)
    return found


def starting(codes: Sequence[str], prefixes: Collection[str]) -> np.ndarray:
    """bool[n]: which codes begin with one of the prefixes."""
    chosen = tuple(prefixes)
    return np.fromiter((code.startswith(chosen) for code in codes), dtype=bool, count=len(codes))
