"""Defaults of the case-mix indices, from data/evaluation_casemix.toml."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from drgengine.errors import EvaluationError
from drgengine.tomltable import read_toml


@cache
def defaults() -> dict[str, Any]:
    """The content of the file."""
    path = Path(__file__).parents[2] / "data" / "evaluation_casemix.toml"
    return read_toml(path, EvaluationError, "Install drgengine again")


def minimum_cases(by: Sequence[str]) -> int:
    """The smallest number of cases that may be ranked: that of the finest column of a unit; 1 where none is known.

    >>> minimum_cases(["hospital_id", "physician_id"]), minimum_cases(["mdc"])
    (30, 1)
    """
    known = defaults()["minimum_cases"]
    for name in ("physician_id", "department_id", "hospital_id"):
        if name in by:
            return int(known[name])
    return 1


def series_adrgs() -> frozenset[str]:
    """ADRGs of stays that come in a series (chemotherapy, radiotherapy, dialysis, rehabilitation)."""
    return frozenset(code for codes in defaults()["readmission"]["excluded_adrgs"].values() for code in codes)
