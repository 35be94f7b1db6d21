"""The target behind rows of check_targets() and plan_progress(): its band, its range, its source in both languages."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import cache
from typing import Any

import pandas as pd

from drgengine.evaluation.indicators.targetfile import BAND, Target, load_targets, target_names, target_words

_PLAIN = ("at_most", "at_least", "equal")
_SAME = 1e-9


@cache
def _shipped() -> tuple[Target, ...]:
    return tuple(one for name in target_names() for one in load_targets(name))


def target_of(row: pd.Series, known: Iterable[Target]) -> tuple[Target, str, str]:
    """The target a row of a result was judged by, and its source in Chinese and English.

    row : of check_targets() or plan_progress()   known : targets of the user; the shipped ones are looked through after
        them. One that is in none of them is made up of the row, with the usual band and its source as it stands; a row
        holds a single number, so that the ends of a range (区间) made up of it are not known
    """
    for one in (*known, *_shipped()):
        if one.indicator == row["indicator"] and _is(one, row):
            return one, one.cited("zh"), one.cited("en")
    source = str(row["source"])
    return _made(row), source, source


def nearer_end(one: Target, actual: float) -> float:
    """The end of a range that a value lies nearer to, the lower one without a value; NaN where the ends are not known.

    >>> from drgengine.evaluation.indicators import load_targets
    >>> staff = [one for one in load_targets("dehui") if one.indicator == "inspectors_per_10000"][0]
    >>> nearer_end(staff, 1.4), nearer_end(staff, 0.2), nearer_end(staff, math.nan)
    (1.5, 1.0, 1.0)
    """
    return one.high if abs(actual - one.high) < abs(actual - one.low) else one.low


def _is(one: Target, row: pd.Series) -> bool:
    for name in ("line", "indicator", "word", "direction", "strictness", "nature"):
        if name in row.index and getattr(one, name) != row[name]:
            return False
    if one.year != _year(row) or row["source"] not in (one.cited("zh"), one.cited("en")):
        return False
    value = float(row["target"])
    plain = one.direction in _PLAIN and not one.limit
    if plain and not math.isnan(value) and abs(one.value - value) > _SAME * max(1.0, abs(value)):
        return False
    if one.direction == "range" and not math.isnan(value):
        return one.low - _SAME <= value <= one.high + _SAME
    base = float(row.get("base", math.nan))
    return math.isnan(base) or abs(one.base - base) <= _SAME


def _year(row: pd.Series) -> int:
    year: Any = row.get("target_year", row.get("year"))
    return 0 if pd.isna(year) else int(year)


def _made(row: pd.Series) -> Target:
    word = str(row.get("word", "规划值"))
    direction = str(row.get("direction", "at_least"))
    value = float(row["target"])
    return Target(
        indicator=str(row["indicator"]),
        value=math.nan if direction == "range" else value,
        low=math.nan,
        high=math.nan,
        limit="",
        word=word,
        direction=direction,
        strictness=str(row.get("strictness", "hard")),
        inclusive=bool(target_words().get(word, {}).get("inclusive", True)),
        band=BAND,
        year=_year(row),
        base=float(row.get("base", math.nan)),
        base_year=0,
        decimals=2,
        nature=str(row["nature"]),
        group="",
        line=str(row["line"]),
        source=(f"={row['source']}",),
        note="",
        place="",
    )
