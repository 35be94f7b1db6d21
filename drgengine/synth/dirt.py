"""Dirty records (问题数据): each one gets one kind of data/dirty.toml."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from drgengine.synth.coding import DX_PLACES, Coding
from drgengine.synth.people import NONE, People
from drgengine.synth.plan import Plan
from drgengine.synth.pools import EMPTY
from drgengine.synth.settings import FEMALE, LAST_NEWBORN_DAY, MALE, data


@dataclass
class Dirt:
    """A block's records while they are soiled. People and coding are changed in place.

    texts : codes that stand in no edition, numbered from len(book.dx); text number 0 is the empty text
    number : int[n], diagnoses of each record before it was soiled
    kind : int8[n], position in `kinds()` or -1; no_procedures : bool[n], the list itself is null
    """

    plan: Plan
    rng: np.random.Generator
    people: People
    coding: Coding
    kind: np.ndarray
    no_procedures: np.ndarray
    number: np.ndarray
    texts: list[str] = field(default_factory=lambda: [""])

    def text(self, row: int, column: int) -> str:
        return self.plan.book.dx[self.coding.dx[row, column]]

    def write(self, row: int, column: int, text: str) -> None:
        self.coding.dx[row, column] = len(self.plan.book.dx) + len(self.texts)
        self.texts.append(text)

    def empty(self) -> int:
        return len(self.plan.book.dx)


class Kind(NamedTuple):
    """Which records a kind of dirt can befall, and how it soils those rows."""

    eligible: Callable[[Dirt], np.ndarray]
    soil: Callable[[Dirt, np.ndarray], None]


def kinds() -> tuple[str, ...]:
    """Names of the kinds of dirt, in the order of the data file."""
    return tuple(data("dirty")["kind"])


def soil(plan: Plan, rng: np.random.Generator, people: People, coding: Coding, share: float) -> Dirt:
    """Soil about `share` of the records; a rare kind may find fewer records than its weight asks."""
    n = people.way.size
    number = (coding.dx != EMPTY).sum(axis=1)
    dirt = Dirt(plan, rng, people, coding, np.full(n, -1, np.int8), np.zeros(n, bool), number)
    weights = np.array([entry["weight"] for entry in data("dirty")["kind"].values()], float)
    counts = rng.multinomial(rng.binomial(n, share), weights / weights.sum())
    for position, (name, count) in enumerate(zip(kinds(), counts, strict=True)):
        candidates = np.flatnonzero(KINDS_OF_DIRT[name].eligible(dirt) & (dirt.kind < 0))
        rows = rng.choice(candidates, min(count, candidates.size), replace=False)
        dirt.kind[rows] = position
        KINDS_OF_DIRT[name].soil(dirt, rows)
    return dirt


def _everyone(dirt: Dirt) -> np.ndarray:
    return np.ones(dirt.kind.size, dtype=bool)


def _newborns(dirt: Dirt) -> np.ndarray:
    return (dirt.people.days >= 0) & (dirt.people.days <= LAST_NEWBORN_DAY)


def _with_room(dirt: Dirt) -> np.ndarray:
    return (dirt.number >= 3) & (dirt.number < DX_PLACES)


def _no_sex(dirt: Dirt, rows: np.ndarray) -> None:
    dirt.people.sex[rows] = np.where(dirt.rng.random(rows.size) < 0.5, NONE, 9)


def _age(value: int) -> Callable[[Dirt, np.ndarray], None]:
    def soil_rows(dirt: Dirt, rows: np.ndarray) -> None:
        dirt.people.age[rows] = value
        dirt.people.days[rows] = NONE

    return soil_rows


def _weight(value: int) -> Callable[[Dirt, np.ndarray], None]:
    def soil_rows(dirt: Dirt, rows: np.ndarray) -> None:
        dirt.people.birth_weight[rows] = value

    return soil_rows


def _no_principal(dirt: Dirt, rows: np.ndarray) -> None:
    dirt.coding.dx[rows, 0] = dirt.empty()


def _unknown(last: bool) -> Callable[[Dirt, np.ndarray], None]:
    def soil_rows(dirt: Dirt, rows: np.ndarray) -> None:
        known, columns = dirt.plan.scheme.diagnoses.known, dirt.number - 1 if last else np.zeros_like(dirt.kind)
        for row in rows.tolist():
            column = int(columns[row])
            base = dirt.text(row, column)[:7]
            local = next(text for text in (f"{base}x9{n:02d}" for n in range(100)) if text not in known)
            dirt.write(row, column, local)

    return soil_rows


def _not_allowed(dirt: Dirt, rows: np.ndarray) -> None:
    pool = np.full(rows.size, dirt.plan.secondary.barred)
    dirt.coding.dx[rows, 0] = dirt.plan.pools.draw(dirt.rng, pool)


def _empty_between(dirt: Dirt, rows: np.ndarray) -> None:
    last = dirt.number[rows]
    dirt.coding.dx[rows, last] = dirt.coding.dx[rows, last - 1]
    dirt.coding.dx[rows, last - 1] = dirt.empty()


def _twice(dirt: Dirt, rows: np.ndarray) -> None:
    dirt.coding.dx[rows, dirt.number[rows]] = dirt.coding.dx[rows, 1]


def _rewritten(change: Callable[[str], str]) -> Callable[[Dirt, np.ndarray], None]:
    def soil_rows(dirt: Dirt, rows: np.ndarray) -> None:
        for row in rows.tolist():
            dirt.write(row, 0, change(dirt.text(row, 0)))

    return soil_rows


def _full_width(text: str) -> str:
    return "".join(chr(ord(sign) + 0xFEE0) for sign in text)


def _has_x(dirt: Dirt) -> np.ndarray:
    with_x = dirt.plan.book.with_x
    return with_x[dirt.coding.dx[:, 0].clip(max=with_x.size - 1)]


def _capital_x(text: str) -> str:
    head, plus, tail = text.partition("+")
    return head.replace("x", "X") + plus + tail


def _dagger(dirt: Dirt, rows: np.ndarray) -> None:
    drawn = dirt.plan.pools.draw(dirt.rng, np.full(rows.size, dirt.plan.secondary.dagger))
    last = dirt.number[rows] - 1
    for row, column, code in zip(rows.tolist(), last.tolist(), drawn.tolist(), strict=True):
        dirt.write(row, column, dirt.plan.book.dx[code].replace("+", "†"))


def _null_procedures(dirt: Dirt, rows: np.ndarray) -> None:
    dirt.no_procedures[rows] = True


def _sexed(dirt: Dirt) -> np.ndarray:
    sex = dirt.plan.book.sex
    return sex[dirt.coding.dx[:, 0].clip(max=sex.size - 1)] > 0


def _other_sex(dirt: Dirt, rows: np.ndarray) -> None:
    dirt.people.sex[rows] = MALE + FEMALE - dirt.people.sex[rows]


KINDS_OF_DIRT: dict[str, Kind] = {
    "sex_missing": Kind(_everyone, _no_sex),
    "age_missing": Kind(_everyone, _age(NONE)),
    "age_negative": Kind(_everyone, _age(-1)),
    "age_999": Kind(_everyone, _age(999)),
    "infant_without_days": Kind(_everyone, _age(0)),
    "newborn_without_weight": Kind(_newborns, _weight(NONE)),
    "weight_zero": Kind(_newborns, _weight(0)),
    "principal_missing": Kind(_everyone, _no_principal),
    "principal_unknown": Kind(_everyone, _unknown(last=False)),
    "principal_not_allowed": Kind(_everyone, _not_allowed),
    "secondary_unknown": Kind(lambda dirt: dirt.number >= 2, _unknown(last=True)),
    "secondary_empty": Kind(_with_room, _empty_between),
    "secondary_twice": Kind(_with_room, _twice),
    "code_lower_case": Kind(_everyone, _rewritten(lambda text: text[0].lower() + text[1:])),
    "code_capital_x": Kind(_has_x, _rewritten(_capital_x)),
    "code_blanks": Kind(_everyone, _rewritten(lambda text: f" {text} ")),
    "code_full_width": Kind(_everyone, _rewritten(_full_width)),
    "code_dagger": Kind(lambda dirt: dirt.number >= 2, _dagger),
    "procedures_null": Kind(lambda dirt: dirt.coding.proc[:, 0] != EMPTY, _null_procedures),
    "sex_against_diagnosis": Kind(_sexed, _other_sex),
}
