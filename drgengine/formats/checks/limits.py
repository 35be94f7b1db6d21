"""What a code says about the patient: the sex and the ages it belongs to, once per distinct code."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

_FILE = Path(__file__).parent.parent.parent / "data" / "logic_checks.toml"
NEVER_BELOW, NEVER_ABOVE = -1, 1 << 20
_STEM = 5  # A00.0, 00.01


@dataclass(frozen=True, slots=True, eq=False)
class CodeLimits:
    """Parallel to the codes asked for.

    sex : int8, 0 = either; minimum_years, maximum_years, maximum_days : int32, both ends included
    """

    sex: np.ndarray
    minimum_years: np.ndarray
    maximum_years: np.ndarray
    maximum_days: np.ndarray


class Beginnings:
    """A set of code beginnings (类目范围), asked by prefix.

    >>> tumours = Beginnings(("C00-C97", "D00-D48"), except_=("D10",))
    >>> "C34.900" in tumours, "D10.000" in tumours, "D50.000" in tumours
    (True, False, False)
    """

    def __init__(self, codes: tuple[str, ...], except_: tuple[str, ...] = ()) -> None:
        self._in = _by_length(codes)
        self._out = _by_length(except_)

    def __contains__(self, code: object) -> bool:
        return isinstance(code, str) and _begins(code, self._in) and not _begins(code, self._out)


@cache
def logic_data() -> dict[str, Any]:
    """data/logic_checks.toml."""
    return tomllib.loads(_FILE.read_text(encoding="utf-8"))


@cache
def principals_that_ask_for(name: str) -> Beginnings:
    """Principal diagnoses for which another code ("pathology", "external_cause") is required."""
    return Beginnings(tuple(logic_data()[name]["principal"]))


def limits_of(codes: list[str], of: str) -> CodeLimits:
    """The limits of every code; `of` is "dx" or "proc"."""
    found = [_limits(code, of) for code in codes]
    columns = zip(*found, strict=True) if found else ((), (), (), ())
    sex, low, high, days = (np.array(column, np.int32) for column in columns)
    return CodeLimits(sex.astype(np.int8), low, high, days)


def _limits(code: str, of: str) -> tuple[int, int, int, int]:
    stem = code[:_STEM]
    if "+" not in code:
        return _limits_of_part(code if stem in _finer_stems(of) else stem, of)
    found = [_limits_of_part(part, of) for part in code.split("+")]
    sexes = {sex for sex, *_ in found} - {0}
    lows, highs, days = zip(*(limits[1:] for limits in found), strict=True)
    return sexes.pop() if len(sexes) == 1 else 0, max(lows), min(highs), min(days)


@lru_cache(1 << 16)
def _limits_of_part(part: str, of: str) -> tuple[int, int, int, int]:
    sexes = {sex for sex, codes in _sexes(of) if part in codes}
    low, high, days = NEVER_BELOW, NEVER_ABOVE, NEVER_ABOVE
    for entry, codes in _ages(of):
        if part in codes:
            low = max(low, entry.get("minimum_years", NEVER_BELOW))
            high = min(high, entry.get("maximum_years", NEVER_ABOVE))
            days = min(days, entry.get("maximum_days", NEVER_ABOVE))
    return sexes.pop() if len(sexes) == 1 else 0, low, high, days


@cache
def _finer_stems(of: str) -> frozenset[str]:
    """Stems of which some codes differ from others; all codes of another stem have the same limits."""
    entries = [entry for name in ("sex", "age") for entry in logic_data()[name] if entry["of"] == of]
    codes = [
        text for entry in entries for code in (*entry["codes"], *entry.get("except", ())) for text in _expand(code)
    ]
    return frozenset(code[:_STEM] for code in codes if len(code) > _STEM)


@cache
def _sexes(of: str) -> tuple[tuple[int, Beginnings], ...]:
    return tuple((entry["sex"], _beginnings(entry)) for entry in logic_data()["sex"] if entry["of"] == of)


@cache
def _ages(of: str) -> tuple[tuple[dict[str, int], Beginnings], ...]:
    return tuple((entry, _beginnings(entry)) for entry in logic_data()["age"] if entry["of"] == of)


def _beginnings(entry: dict[str, Any]) -> Beginnings:
    return Beginnings(tuple(entry["codes"]), tuple(entry.get("except", ())))


def _by_length(codes: tuple[str, ...]) -> dict[int, frozenset[str]]:
    texts = {text for code in codes for text in _expand(code)}
    return {length: frozenset(t for t in texts if len(t) == length) for length in {len(t) for t in texts}}


def _expand(code: str) -> list[str]:
    first, dash, last = code.partition("-")
    if not dash:
        return [first]
    digits = next(n for n in range(1, len(first) + 1) if n == len(first) or not first[-n - 1].isdigit())
    stem = first[: len(first) - digits]
    if last[: len(stem)] != stem or len(last) != len(first):
        raise ValueError(f"{_FILE.name}: {code!r} is no range")
    return [f"{stem}{number:0{digits}d}" for number in range(int(first[-digits:]), int(last[-digits:]) + 1)]


def _begins(code: str, by_length: dict[int, frozenset[str]]) -> bool:
    return any(code[:length] in texts for length, texts in by_length.items())


def age_text(limits: CodeLimits, position: int) -> str:
    """The ages of a code in words, e.g. "9 to 64 years"."""
    low, high = int(limits.minimum_years[position]), int(limits.maximum_years[position])
    days = int(limits.maximum_days[position])
    if days < NEVER_ABOVE:
        return f"up to {days} days"
    if high >= NEVER_ABOVE:
        return f"from {low} years"
    if high == 0:
        return "below 1 year"
    return f"{max(low, 0)} to {high} years" if low >= 0 else f"up to {high} years"
