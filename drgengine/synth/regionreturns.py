"""Patients of the invented region who come back (再住院): the same person's next stay, across the New Year too."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from drgengine.synth.regionhospitals import Region
from drgengine.synth.settings import data

HOME, DEATH = 1, 5
_NO_PLAN, _PLAN = "1", "2"
_MONTH = 30


@dataclass
class Stays:
    """n stays. hospital, year : positions; sex, age : None where missing; admitted, discharged : days since 1970

    patient : number of the person, at first the row; last_day : of each year
    """

    hospital: np.ndarray
    year: np.ndarray
    sex: np.ndarray
    age: np.ndarray
    los: np.ndarray
    admitted: np.ndarray
    discharged: np.ndarray
    disposition: np.ndarray
    planned: np.ndarray
    patient: np.ndarray
    last_day: np.ndarray


def come_back(stays: Stays, mdc: np.ndarray, grouped: np.ndarray, region: Region, rng: np.random.Generator) -> None:
    """Let some patients come back, in place: another stay of the same sex and age moves behind theirs and gets their
    number. A stay never leaves its calendar year, so that what was planted by year stays there.
    """
    facts = data("region")["returns"]
    n = stays.year.size
    whole = np.array([a is not None and a > 0 and s is not None for a, s in zip(stays.age, stays.sex, strict=True)])
    may = whole & grouped & ~np.isin(mdc.astype(str), facts["excluded_mdcs"])
    soon = facts["soon"] * region.effect("returns", 1.0)[stays.hospital, stays.year]
    chance = rng.random(n)
    gap = np.where(
        chance < soon, 1 + (rng.random(n) ** 1.4 * _MONTH), _MONTH + 1 + rng.random(n) * (facts["longest"] - _MONTH)
    ).astype(np.int64)
    plan = np.where(rng.random(n) < facts["unplanned"], _NO_PLAN, _PLAN)
    stay_in_mdc, go_elsewhere = rng.random(n) < facts["same_mdc"], rng.random(n) < facts["elsewhere"]
    starts = may & (stays.disposition == HOME) & (chance < soon + facts["later"])
    waiting = _Waiting(stays, mdc, rng.permutation(np.flatnonzero(may)))
    linked = np.zeros(n, dtype=bool)
    for row in np.flatnonzero(starts)[np.argsort(stays.discharged[starts], kind="stable")].tolist():
        back = int(stays.discharged[row] + gap[row])
        year = int(np.searchsorted(stays.last_day, back))
        if year >= stays.last_day.size:
            continue
        hospital = None if go_elsewhere[row] else int(stays.hospital[row])
        wanted = str(mdc[row]) if stay_in_mdc[row] else None
        later = waiting.take(row, (year, hospital, wanted), back, linked)
        if later is None:
            continue
        span = int(stays.discharged[later] - stays.admitted[later])
        stays.admitted[later], stays.discharged[later] = back, back + span
        stays.patient[later] = stays.patient[row]
        linked[[row, later]] = True
        if gap[row] <= _MONTH:
            stays.planned[row] = plan[row]


class _Waiting:
    """Stays that nobody's number was given to yet, by what a return has to share with the stay before."""

    def __init__(self, stays: Stays, mdc: np.ndarray, rows: np.ndarray) -> None:
        self.stays = stays
        self.shelves: dict[tuple[object, ...], list[int]] = defaultdict(list)
        for row in rows.tolist():
            person = (int(stays.year[row]), int(stays.sex[row]), int(stays.age[row]))
            for hospital in (int(stays.hospital[row]), None):
                for group in (str(mdc[row]), None):
                    self.shelves[*person, hospital, group].append(row)

    def take(self, row: int, wanted: tuple[int, int | None, str | None], back: int, linked: np.ndarray) -> int | None:
        """A stay that can begin on day `back` for the patient of `row`, or None."""
        stays = self.stays
        year, hospital, group = wanted
        shelf = self.shelves.get((year, int(stays.sex[row]), int(stays.age[row]), hospital, group), [])
        for place, other in enumerate(shelf):
            span = int(stays.discharged[other] - stays.admitted[other])
            if other != row and not linked[other] and back + span <= stays.last_day[year]:
                return shelf.pop(place)
        return None
