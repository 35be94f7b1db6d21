"""Whether targets fit one another (目标一致性): two values for one indicator, ratios and sums that do not come out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any

import numpy as np
import pandas as pd

from drgengine.evaluation.indicators.formula import evaluate
from drgengine.evaluation.indicators.targetfile import Identity, Stated, Target, TargetSet, load_identities

COLUMNS = ("kind", "group", "year", "indicator", "stated", "derived", "verdict", "text", "sources")
VERDICTS = ("agrees", "rounding", "differs", "contradiction", "not computable")
_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class _Statement:
    """A value that a document states for an indicator and a year, with the interval it stands for."""

    value: float
    low: float
    high: float
    decimals: int
    source: str


def check_consistency(
    targets: TargetSet | Iterable[Target | Stated],
    identities: Sequence[Identity] | None = None,
    language: str = "en",
) -> pd.DataFrame:
    """Contradictions between targets, and the relations that were checked (目标一致性检查).

    targets : a target set, or targets and stated values of several
    identities : relations between indicators; default those of data/evaluation/identities.toml. A relation is checked
        in each group and year, base years included, in which all its indicators have stated values

    verdict : contradiction - no value meets both, or the relation fails by more than rounding of the printed digits
    explains; rounding - it fails as printed, and rounding explains it; differs - two different values that one value
    can meet, other than a floor and a ceiling; agrees; not computable - a denominator may be 0. A soft value to be
    equalled stands for its band, any other for half a unit of its last digit.

    >>> from drgengine.evaluation.indicators.targetfile import load_targets
    >>> found = check_consistency(load_targets("dehui"))
    >>> found.loc[(found.verdict == "contradiction") & (found.year == 2025), ["indicator", "stated"]].values.tolist()
    [['nonpublic_beds_per_1000', '3.76; 1.80'], ['nurses_per_doctor', '1.17'], ['beds_per_1000', '6.48']]
    """
    everything = (*targets.targets, *targets.stated) if isinstance(targets, TargetSet) else tuple(targets)
    known = tuple(one for one in everything if isinstance(one, Target))
    rows = _pairs(known, language)
    stated = _statements(known, tuple(one for one in everything if isinstance(one, Stated)), language)
    for one in load_identities() if identities is None else identities:
        for (group, year), table in sorted(stated.items(), key=lambda item: (item[0][0], item[0][1])):
            names = (one.whole, *one.formula.names)
            if all(name in table for name in names):
                for chosen in product(*(table[name] for name in names)):
                    rows.append(_check(one, group, year, chosen, language))
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype({"year": "Int64"})


def _pairs(targets: tuple[Target, ...], language: str) -> list[dict[str, Any]]:
    """Two targets on one indicator that no value can meet, or that differ."""
    rows = []
    for one, other in combinations(targets, 2):
        if one.indicator != other.indicator or one.group != other.group or one.limit or other.limit:
            continue
        if one.year and other.year and one.year != other.year:
            continue
        trends = [t for t in (one, other) if t.strictness == "trend"]
        if len(trends) == 1:
            continue
        first, second = _shown(one), _shown(other)
        if trends:
            clash = one.direction != other.direction
        else:
            low, high = (max(_feasible(t)[0] for t in (one, other)), min(_feasible(t)[1] for t in (one, other)))
            clash = low > high + _TOLERANCE * max(1.0, abs(high))
        corridor = {one.direction, other.direction} == {"at_most", "at_least"}
        if not clash and (first == second or corridor):
            continue
        verdict = "contradiction" if clash else "differs"
        texts = _TEXTS[language]
        rows.append(
            {
                "kind": "same indicator",
                "group": one.group,
                "year": one.year or other.year or None,
                "indicator": one.indicator,
                "stated": f"{first}; {second}",
                "derived": "",
                "verdict": verdict,
                "text": texts[verdict].format(first=f"{one.word} {first}", second=f"{other.word} {second}"),
                "sources": " / ".join(dict.fromkeys((one.cited(language), other.cited(language)))),
            }
        )
    return rows


_TEXTS = {
    "en": {
        "contradiction": "No value meets both {first} and {second}",
        "differs": "{first} and {second} are different, one value can meet both",
        "relation": "{relation}: stated {stated}, {parts} give {derived}",
    },
    "zh": {
        "contradiction": "没有数值能同时满足“{first}”和“{second}”",
        "differs": "“{first}”与“{second}”不同，但可同时满足",
        "relation": "{relation}：文件为 {stated}，由 {parts} 推得 {derived}",
    },
}


def _shown(one: Target) -> str:
    if one.strictness == "trend":
        return one.direction
    if one.direction == "range":
        return f"{one.low:.{one.decimals}f}-{one.high:.{one.decimals}f}"
    return f"{one.value:.{one.decimals}f}"


def _feasible(one: Target) -> tuple[float, float]:
    """Values that meet a target, soft ones within their band."""
    if one.direction == "range":
        return one.low, one.high
    room = one.band * abs(one.value) if one.strictness == "soft" else 0.0
    low = -math.inf if one.direction == "at_most" else one.value - room
    high = math.inf if one.direction == "at_least" else one.value + room
    return low, high


def _statements(
    targets: tuple[Target, ...], stated: tuple[Stated, ...], language: str
) -> dict[tuple[str, int], dict[str, list[_Statement]]]:
    """Group and year -> indicator -> the different values stated for it."""
    found: dict[tuple[str, int], dict[str, list[_Statement]]] = {}

    def add(one: Target | Stated, year: int, value: float, room: float) -> None:
        if math.isnan(value):
            return
        statement = _Statement(value, value - room, value + room, one.decimals, one.cited(language))
        listed = found.setdefault((one.group, year), {}).setdefault(one.indicator, [])
        if all((other.low, other.high) != (statement.low, statement.high) for other in listed):
            listed.append(statement)

    for one in targets:
        soft_level = one.strictness == "soft" and one.direction == "equal"
        add(one, one.year, one.value, one.band * abs(one.value) if soft_level else one.half_unit)
        add(one, one.base_year, one.base, one.half_unit)
    for value in stated:
        add(value, value.year, value.value, value.half_unit)
    return found


def _check(one: Identity, group: str, year: int, chosen: tuple[_Statement, ...], language: str) -> dict[str, Any]:
    """The stated whole against the formula at all corners of the rounding of its parts (each is monotone in a part)."""
    whole, parts = chosen[0], chosen[1:]
    corners = np.array(list(product(*((part.value, part.low, part.high) for part in parts))), dtype=np.float64)
    columns = {name: corners[:, at] for at, name in enumerate(one.formula.names)}
    values = evaluate(one.formula, columns, None, len(corners))[0]
    derived, low, high = float(values[0]), float(values.min()), float(values.max())
    slack = _TOLERANCE * max(1.0, abs(high))
    if math.isnan(high):
        verdict = "not computable"
    elif low > whole.high + slack or high < whole.low - slack:
        verdict = "contradiction"
    else:
        verdict = "agrees" if whole.low - slack <= derived <= whole.high + slack else "rounding"
    stated = f"{whole.value:.{whole.decimals}f}"
    shown = f"{derived:.{whole.decimals + 1}f}"
    given = ", ".join(
        f"{name} {part.value:.{part.decimals}f}" for name, part in zip(one.formula.names, parts, strict=True)
    )
    relation = one.zh if language == "zh" else one.en
    return {
        "kind": one.id,
        "group": group,
        "year": year or None,
        "indicator": one.whole,
        "stated": stated,
        "derived": shown,
        "verdict": verdict,
        "text": _TEXTS[language]["relation"].format(relation=relation, stated=stated, parts=given, derived=shown),
        "sources": " / ".join(dict.fromkeys(part.source for part in chosen)),
    }
