"""Targets (目标值) as data: value, direction, strictness by the words of the document, year, source."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from drgengine.errors import EvaluationError
from drgengine.evaluation.indicators.catalogue import Catalogue, load_catalogue
from drgengine.evaluation.indicators.documents import AGAIN, DATA, check_source, cite
from drgengine.evaluation.indicators.formula import Formula, read_formula
from drgengine.tomltable import Table, read_toml

DIRECTIONS = ("at_most", "at_least", "equal", "range", "falling", "rising")
STRICTNESS = ("soft", "hard", "trend")
NATURES = ("binding", "expected")
BAND = 0.10


@dataclass(frozen=True, slots=True)
class Target:
    """One target (目标).

    value : number in the indicator's unit, NaN for a trend, a range or a limit; low, high : of a range
    limit : another indicator of the same unit that is the limit, or ""
    word : as in the document, such as 左右, 以下, 不低于, 逐步   direction : one of DIRECTIONS
    strictness : soft (within `band` of the value is near), hard, trend (only the direction counts)
    inclusive : whether the value itself meets it   band : relative, of a soft target
    year : when it is due, 0 = always   base, base_year : where a plan starts, NaN and 0 = not stated
    decimals : printed digits of value and base, which bound their rounding
    nature : binding 约束性 or expected 预期性; an expected target never fails   group : of units it is for, "" = all
    """

    indicator: str
    value: float
    low: float
    high: float
    limit: str
    word: str
    direction: str
    strictness: str
    inclusive: bool
    band: float
    year: int
    base: float
    base_year: int
    decimals: int
    nature: str
    group: str
    line: str
    source: tuple[str, ...]
    note: str
    place: str

    def cited(self, language: str = "en") -> str:
        """The source in words."""
        return cite(self.source, language)

    @property
    def half_unit(self) -> float:
        """Half a unit of the last printed digit."""
        return float(0.5 * 10.0**-self.decimals)


@dataclass(frozen=True, slots=True)
class Stated:
    """A value that a document states for a year without asking for it (现状值)."""

    indicator: str
    value: float
    year: int
    decimals: int
    group: str
    line: str
    source: tuple[str, ...]

    def cited(self, language: str = "en") -> str:
        """The source in words."""
        return cite(self.source, language)

    @property
    def half_unit(self) -> float:
        """Half a unit of the last printed digit."""
        return float(0.5 * 10.0**-self.decimals)


@dataclass(frozen=True, slots=True)
class Identity:
    """A relation between indicators that stated values have to keep (勾稽关系).

    whole : indicator that `formula` over other indicators gives
    """

    id: str
    whole: str
    formula: Formula
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class TargetSet:
    """The targets of a document (目标集); iterating gives the targets.

    stated : values without a target   counts : year -> input -> value, for plans that state them, else empty
    """

    name: str
    zh: str
    en: str
    targets: tuple[Target, ...]
    stated: tuple[Stated, ...]
    counts: dict[int, dict[str, float]]

    def printed(self) -> tuple[Stated, ...]:
        """Every value the document states for a year that has passed: stated ones and bases of targets."""
        bases = [
            Stated(t.indicator, t.base, t.base_year, t.decimals, t.group, t.line, t.source)
            for t in self.targets
            if not math.isnan(t.base)
        ]
        return (*bases, *self.stated)

    def __iter__(self) -> Iterator[Target]:
        return iter(self.targets)

    def __len__(self) -> int:
        return len(self.targets)


def target_names() -> tuple[str, ...]:
    """Names of the shipped target sets."""
    return tuple(sorted(path.stem.removeprefix("targets_") for path in DATA.glob("targets_*.toml")))


def load_targets(name: str | Path, catalogue: Catalogue | None = None) -> TargetSet:
    """A shipped target set by name (目标集), or a TOML file of the same form.

    Raises EvaluationError: no such set, or file, entry, key, value and remedy of what is wrong in it.

    >>> jingmen = load_targets("jingmen")
    >>> [(one.value, one.word, one.strictness) for one in jingmen if one.indicator == "consumables_per_100"]
    [(20.0, '以下', 'hard')]
    """
    catalogue = load_catalogue() if catalogue is None else catalogue
    if str(name) in target_names():
        path, remedy = DATA / f"targets_{name}.toml", AGAIN
    elif Path(name).suffix == ".toml":
        path, remedy = Path(name), "Check the path"
    else:
        shipped = ", ".join(target_names())
        raise EvaluationError("targets", f"no target set is called {str(name)!r}", f"Take {shipped}, or a .toml file")
    table = Table(path.name, read_toml(path, EvaluationError, remedy), EvaluationError)
    zh, en = table.take("zh", str), table.take("en", str)
    defaults = table.take("defaults", dict, {})
    counts = _counts(table, catalogue)
    entries = table.take("target", list)
    bare = table.take("stated", list, [])
    table.done()
    stated = tuple(
        _read_stated(Table(f"{path.name} stated {at}", row, EvaluationError), catalogue)
        for at, row in enumerate(bare, start=1)
    )
    found = []
    for at, values in enumerate(entries, start=1):
        row = {**defaults, **values} if isinstance(values, dict) else values
        found.append(_read_target(Table(f"{path.name} target {at}", row, EvaluationError), catalogue))
    return TargetSet(path.stem.removeprefix("targets_"), zh, en, tuple(found), stated, counts)


@cache
def target_words() -> dict[str, dict[str, Any]]:
    """What the words of tolerance mean, from data/evaluation/target_words.toml."""
    return read_toml(DATA / "target_words.toml", EvaluationError, AGAIN)


@cache
def load_identities() -> tuple[Identity, ...]:
    """The relations between indicators of data/evaluation/identities.toml (勾稽关系)."""
    path, catalogue = DATA / "identities.toml", load_catalogue()
    found = []
    for name, values in read_toml(path, EvaluationError, AGAIN).items():
        table = Table(f"{path.name} [{name}]", values, EvaluationError)
        whole, text = table.take("whole", str), table.take("formula", str)
        one = Identity(name, whole, read_formula(text, table.place), table.take("zh", str), table.take("en", str))
        table.done()
        for indicator in (whole, *one.formula.names):
            catalogue[indicator]
        found.append(one)
    return tuple(found)


def _counts(table: Table, catalogue: Catalogue) -> dict[int, dict[str, float]]:
    found: dict[int, dict[str, float]] = {}
    for year, values in table.take("counts", dict, {}).items():
        inner = Table(f"{table.place} [counts.{year}]", values, EvaluationError)
        if not year.isdigit():
            raise EvaluationError(inner.place, f"{year!r} is no year", "Write [counts.2020]")
        unknown = next((name for name in inner.values if name not in catalogue.inputs), None)
        if unknown is not None:
            raise EvaluationError(inner.place, f"{unknown!r} is no input", "Take a name of inputs.toml")
        found[int(year)] = {name: inner.take(name, float) for name in inner.values}
    return found


def _read_stated(table: Table, catalogue: Catalogue) -> Stated:
    found = Stated(
        catalogue[table.take("indicator", str)].id,
        table.take("value", float),
        table.take("year", int),
        table.take("decimals", int, 2),
        table.take("group", str, ""),
        table.take("line", str, ""),
        check_source(table.take("source", list), table.at("source")),
    )
    table.done()
    return found


def _read_target(table: Table, catalogue: Catalogue) -> Target:
    indicator = catalogue[table.take("indicator", str)]
    word = table.take("word", str)
    if word not in target_words():
        raise EvaluationError(table.at("word"), f"{word!r} is no known word", f"Use {', '.join(target_words())}")
    meaning = target_words()[word]
    strictness = table.choice("strictness", STRICTNESS, meaning["strictness"])
    direction = table.choice("direction", DIRECTIONS, meaning.get("direction") or _implied(indicator.direction, word))
    found = Target(
        indicator=indicator.id,
        value=_finite(table, "value"),
        low=_finite(table, "low"),
        high=_finite(table, "high"),
        limit=table.take("limit", str, ""),
        word=word,
        direction=direction,
        strictness=strictness,
        inclusive=table.take("inclusive", bool, meaning.get("inclusive", True)),
        band=table.take("band", float, BAND),
        year=table.take("year", int, 0),
        base=_finite(table, "base"),
        base_year=table.take("base_year", int, 0),
        decimals=table.take("decimals", int, 2),
        nature=table.choice("nature", NATURES, "binding"),
        group=table.take("group", str, ""),
        line=table.take("line", str, ""),
        source=check_source(table.take("source", list), table.at("source")),
        note=table.take("note", str, ""),
        place=table.place,
    )
    table.done()
    if found.limit:
        catalogue[found.limit]
    _check(found)
    return found


def _implied(direction: str, word: str) -> str:
    """The direction of a target that says none: that of its indicator."""
    if target_words()[word]["strictness"] == "trend":
        return "falling" if direction == "down" else "rising"
    return {"up": "at_least", "down": "at_most"}.get(direction, "equal")


def _finite(table: Table, key: str) -> float:
    value = table.take(key, float, math.nan)
    if math.isinf(value):
        raise EvaluationError(table.at(key), f"{value!r} is not finite", "Write a number")
    return value


def _check(one: Target) -> None:
    """What each direction needs, and nothing else."""
    trend = one.direction in ("falling", "rising")
    if trend != (one.strictness == "trend"):
        problem = f"direction {one.direction!r} does not go with strictness {one.strictness!r}"
        raise EvaluationError(one.place, problem, "A trend is falling or rising with a word such as 逐步")
    given = {"value": not math.isnan(one.value), "limit": bool(one.limit)}
    ranged = not math.isnan(one.low) or not math.isnan(one.high)
    if one.direction == "range":
        if any(given.values()) or not one.low <= one.high:
            raise EvaluationError(one.place, f"range {one.low} to {one.high}", "Give low and high, low first, alone")
    elif ranged or (any(given.values()) if trend else sum(given.values()) != 1):
        wanted = "no number" if trend else "either value = a number or limit = an indicator"
        raise EvaluationError(one.place, f"direction {one.direction!r} with other numbers", f"Give {wanted}")
    if one.limit and one.direction == "equal":
        raise EvaluationError(one.place, "equal to another indicator", "Use at_most or at_least with limit")
    if not 0.0 <= one.band < 1.0 or not 0 <= one.decimals <= 12:
        raise EvaluationError(one.place, f"band {one.band}, decimals {one.decimals}", "band 0 to 1, decimals 0 to 12")
    if not math.isnan(one.base) and one.year <= one.base_year:
        problem = f"base of {one.base_year} with a target of {one.year}"
        raise EvaluationError(one.place, problem, "Give base_year and a later year")
