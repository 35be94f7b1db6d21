"""Stay, dates, outcome, intensive care, and patients who come back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from drgengine.synth.coding import Coding
from drgengine.synth.people import People
from drgengine.synth.plan import Plan
from drgengine.synth.settings import BANDS, NEWBORN, OBSTETRIC, data

YEAR_DAYS = 365
_DEATH = 5


@dataclass
class Outcome:
    """los : days, at least 1; admitted, discharged : day of the year from 0; disposition : 离院方式
    icu_hours, ventilator_hours : 0 where there was none; patient : row of the patient's first stay in the block
    route : 入院途径; planned : 1 no, 2 yes
    """

    los: np.ndarray
    admitted: np.ndarray
    discharged: np.ndarray
    disposition: np.ndarray
    icu_hours: np.ndarray
    ventilator_hours: np.ndarray
    patient: np.ndarray
    route: np.ndarray
    planned: np.ndarray


def draw_outcome(plan: Plan, rng: np.random.Generator, people: People, coding: Coding) -> Outcome:
    """What happened to the patients."""
    n = people.way.size
    death = rng.random(n) < _death_chance(plan, people, coding)
    los = _stays(plan, rng, people, coding, death)
    same_day = (los == 1) & (rng.random(n) < 0.5)
    span = los - same_day
    admitted = (rng.random(n) * (YEAR_DAYS - span)).astype(np.int32)
    icu, ventilator = _hours(plan, rng, people, coding, los)
    ways = data("stay")["disposition"]
    shares = np.cumsum(ways["shares"]) / np.sum(ways["shares"])
    alive = np.array(ways["codes"])[np.minimum(np.searchsorted(shares, rng.random(n)), shares.size - 1)]
    patient, admitted, planned = _returns(plan, rng, people, admitted, span, death)
    return Outcome(
        los=los,
        admitted=admitted,
        discharged=admitted + span,
        disposition=np.where(death, _DEATH, alive).astype(np.int32),
        icu_hours=icu,
        ventilator_hours=ventilator,
        patient=patient,
        route=_routes(plan, rng, people, coding),
        planned=planned,
    )


def by_mdc(plan: Plan, table: dict[str, float]) -> np.ndarray:
    """float64[MDCs] from a table that names the MDCs which differ from 1."""
    return np.array([table.get(mdc, 1.0) for mdc in plan.mdcs])


def by_band(table: dict[str, float]) -> np.ndarray:
    """float64[bands]."""
    return np.array([table[band] for band in BANDS])


def _death_chance(plan: Plan, people: People, coding: Coding) -> np.ndarray:
    facts = data("stay")["death"]
    chance = np.array(facts["severity"])[coding.severity] * by_band(facts["band"])[people.band]
    return np.minimum(chance * by_mdc(plan, facts["mdc"])[plan.mdc[people.way]], 0.6)


def _stays(plan: Plan, rng: np.random.Generator, people: People, coding: Coding, death: np.ndarray) -> np.ndarray:
    facts = data("stay")["stay"]
    median = plan.stay[people.way] * plan.hospitals.stay[people.hospital]
    median = median * np.array(facts["severity"])[coding.severity] * by_band(facts["band"])[people.band]
    spread = np.where(death, 1.6, 1.0) * facts["spread"]
    days = median * np.exp(spread * rng.standard_normal(median.size))
    return np.clip(np.rint(days), 1, facts["longest"]).astype(np.int32)


def _hours(
    plan: Plan, rng: np.random.Generator, people: People, coding: Coding, los: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Hours in intensive care and on a ventilator, within the stay."""
    facts, n = data("stay")["icu"], los.size
    operative = plan.kind[people.way] > 0
    chance = np.where(
        operative, np.array(facts["operative"])[coding.severity], np.array(facts["medical"])[coding.severity]
    )
    chance = chance * by_mdc(plan, facts["mdc"])[plan.mdc[people.way]]
    spell = np.rint(facts["median_hours"] * np.exp(facts["spread"] * rng.standard_normal(n)))
    stay_hours = los * 24.0
    icu = np.where(rng.random(n) < chance, np.clip(spell, 2, stay_hours), 0.0)
    part = facts["ventilated_part"] * (0.4 + 1.2 * rng.random(n))
    ventilated = (icu > 0) & (rng.random(n) < np.array(facts["ventilated"])[coding.severity])
    ventilator = np.where(ventilated, np.clip(np.rint(icu * part), 1, icu), 0.0)
    limits = np.array([facts["hours"].get(way.adrg, (0, 0)) for way in plan.ways], float)[people.way]
    low, high = limits[:, 0], np.minimum(limits[:, 1], stay_hours)
    by_rule = np.where(limits[:, 1] > 0, np.rint(low + (np.maximum(high, low) - low) * rng.random(n) ** 2), 0.0)
    ventilator = np.where(by_rule > 0, np.minimum(by_rule, stay_hours), ventilator)
    return np.maximum(icu, by_rule.clip(max=stay_hours)), ventilator


def _returns(
    plan: Plan, rng: np.random.Generator, people: People, admitted: np.ndarray, span: np.ndarray, death: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """First stay of every patient, admissions after some returns were moved close to the stay before, plan flag."""
    facts, n = data("stay")["return"], admitted.size
    key = np.zeros(n, dtype=np.int64)
    for part, base in ((people.hospital, 1), (plan.mdc[people.way], 64), (people.sex, 4), (people.age, 256)):
        key = key * base + part
    order = np.argsort(key * 512 + admitted, kind="stable")
    key, start, end = key[order], admitted[order], (admitted + span)[order]
    # A child of under one year would have another age in days at each stay.
    may = ((people.band != NEWBORN) & (people.band != OBSTETRIC) & (people.age > 0))[order]
    linked = np.zeros(n, dtype=bool)
    linked[1:] = (key[1:] == key[:-1]) & (start[1:] >= end[:-1]) & ~death[order][:-1]
    linked &= may & (rng.random(n) < facts["share"])
    alone = linked & ~np.roll(linked, 1) & ~np.roll(linked, -1)
    gap = 1 + (rng.random(n) ** 1.5 * 30).astype(np.int32)
    near = np.roll(end, 1) + gap
    soon = alone & (rng.random(n) < facts["soon"]) & (near + span[order] < YEAR_DAYS)
    start = np.where(soon, near, start).astype(np.int32)
    first = np.maximum.accumulate(np.where(linked, 0, np.arange(n)))
    patient, moved, planned = np.empty(n, np.int64), np.empty(n, np.int32), np.ones(n, np.int8)
    patient[order], moved[order] = order[first], start
    comes_back = np.zeros(n, dtype=bool)
    comes_back[order[:-1]] = linked[1:]
    chance = np.array([facts["planned_mdc"].get(mdc, facts["planned"]) for mdc in plan.mdcs])[plan.mdc[people.way]]
    planned[(rng.random(n) < chance) & (comes_back | (rng.random(n) < 0.5))] = 2
    return patient, moved, planned


def _routes(plan: Plan, rng: np.random.Generator, people: People, coding: Coding) -> np.ndarray:
    facts = data("stay")["route"]
    emergency = np.array(facts["emergency"])[coding.severity] * by_mdc(plan, facts["mdc"])[plan.mdc[people.way]]
    chance, rest = rng.random(people.way.size), facts["transfer"] + facts["other"]
    route = np.where(chance < np.minimum(emergency, 1 - rest), 1, 2)
    route = np.where(chance > 1 - rest, 3, route)
    return np.where(chance > 1 - facts["other"], 9, route).astype(np.int8)
