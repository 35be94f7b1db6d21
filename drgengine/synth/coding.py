"""Secondary diagnoses and procedures of a block, as positions in the editions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from drgengine.synth.people import People
from drgengine.synth.plan import Plan
from drgengine.synth.pools import EMPTY
from drgengine.synth.settings import BANDS, data

DX_PLACES = 10
"""Columns of the diagnosis matrix; records use at most 9, the last one is room for dirt."""
MOST_DIAGNOSES = DX_PLACES - 1
PROC_PLACES = 7
_FILLERS = 6
_SAME_MDC_PART = 0.4


@dataclass
class Coding:
    """dx, proc : positions, principal first, EMPTY behind the last code, shapes (n, 10) and (n, 7).
    severity : 0 none, 1 CC, 2 MCC, as intended (an exclusion may cancel it)
    """

    dx: np.ndarray
    proc: np.ndarray
    severity: np.ndarray


def draw_coding(plan: Plan, rng: np.random.Generator, people: People) -> Coding:
    """Diagnoses and procedures for the patients."""
    dx, severity = _diagnoses(plan, rng, people)
    return Coding(dx, _procedures(plan, rng, people), severity)


def _diagnoses(plan: Plan, rng: np.random.Generator, people: People) -> tuple[np.ndarray, np.ndarray]:
    n, pools, more = people.way.size, plan.pools, plan.secondary
    severity = _severity(plan, rng, people)
    slots = np.full((n, 5 + _FILLERS), EMPTY, dtype=np.int32, order="F")
    slots[:, 0] = people.pdx
    slots[:, 1] = pools.draw(rng, plan.way_pools.sdx[people.way])
    trauma = np.array([way.trauma for way in plan.ways])[people.way]
    region = more.site[people.pdx]
    if more.other_site.size:
        elsewhere = pools.draw(rng, np.where(trauma & (region >= 0), more.other_site[region], EMPTY))
        slots[:, 1] = np.where(elsewhere >= 0, elsewhere, slots[:, 1])
    birth = plan.obstetric[people.way] & (_delivers(plan)[people.way] | plan.book.delivery[people.pdx])
    birth &= slots[:, 1] < 0
    slots[:, 2] = pools.draw(rng, np.where(birth, more.birth, EMPTY))
    slots[:, 3] = pools.draw(rng, np.where(severity == 2, more.mcc[people.band], EMPTY))
    with_cc = (severity == 1) | ((severity == 2) & (rng.random(n) < 0.5))
    slots[:, 4] = pools.draw(rng, np.where(with_cc, more.cc[people.band], EMPTY))
    required = (slots[:, :5] >= 0).sum(axis=1)
    fillers = _wanted(rng, people) - required
    comorbid = more.comorbidity[people.band, people.sex]
    same = more.same_mdc[plan.mdc[people.way]]
    for place in range(_FILLERS):
        # The first two fillers are what patients of that age have anyway.
        chosen = comorbid
        if place >= 2:
            chosen = np.where((rng.random(n) < _SAME_MDC_PART) & (same >= 0), same, comorbid)
        slots[:, 5 + place] = pools.draw(rng, np.where(fillers > place, chosen, EMPTY))
    drop_repeats(slots)
    return close_up(slots, DX_PLACES), severity


def _severity(plan: Plan, rng: np.random.Generator, people: People) -> np.ndarray:
    facts = data("diagnoses")["complication"]
    factor = np.array([facts["band_factor"][band] for band in BANDS])[people.band]
    factor = factor * plan.hospitals.severity[people.hospital]
    operative = (plan.kind[people.way] > 0).astype(int)
    mcc = np.minimum(np.array(facts["mcc_chance"])[operative] * factor, 0.9)
    cc = np.array(facts["cc_chance"])[operative] * factor
    chance = rng.random(people.way.size)
    return np.where(chance < mcc, 2, np.where(chance < np.minimum(mcc + cc, 0.97), 1, 0)).astype(np.int8)


def _delivers(plan: Plan) -> np.ndarray:
    """bool[W]: ways that end with a birth, told by what usually brings women to them."""
    usual, delivery = data("case_mix")["principal"], tuple(data("diagnoses")["traits"]["delivery"])
    return np.array([any(p.startswith(delivery) for p in usual.get(w.rule, ())) for w in plan.ways])


def _wanted(rng: np.random.Generator, people: People) -> np.ndarray:
    """Number of diagnoses wanted: around the mean of the age band, 2 to 9."""
    mean = np.array([data("diagnoses")["number"][band] for band in BANDS])[people.band]
    return np.clip(np.rint(mean + rng.normal(0, 1.2, mean.size)), 2, MOST_DIAGNOSES).astype(np.int8)


def drop_repeats(codes: np.ndarray) -> None:
    """Set the second of two equal codes of a row to EMPTY, in place."""
    for late in range(1, codes.shape[1]):
        for early in range(late):
            np.putmask(codes[:, late], codes[:, late] == codes[:, early], EMPTY)


def close_up(codes: np.ndarray, places: int) -> np.ndarray:
    """The codes of each row moved to the front, in their order; shape (n, places)."""
    there = codes != EMPTY
    out = np.full((len(codes), places), EMPTY, dtype=np.int32)
    after = np.zeros(len(codes), dtype=np.int64)
    flat, starts = out.reshape(-1), np.arange(len(codes)) * places
    for column in range(codes.shape[1]):
        rows = np.flatnonzero(there[:, column])
        flat[starts[rows] + after[rows]] = codes[rows, column]
        after[rows] += 1
    return out


def _procedures(plan: Plan, rng: np.random.Generator, people: People) -> np.ndarray:
    facts = data("procedures")
    n, way, pools = people.way.size, people.way, plan.pools
    operative = plan.kind[way] > 0
    slots = np.full((n, PROC_PLACES), EMPTY, dtype=np.int32, order="F")
    slots[:, 0] = pools.draw(rng, plan.way_pools.first[way])
    for column in range(3):
        slots[:, 1 + column] = pools.draw(rng, plan.way_pools.anywhere[way, column])
    some = rng.random(n) >= facts["none_share"]
    beside = np.where(operative, rng.poisson(facts["mean_further"], n), 0)
    number = np.where(operative, beside, np.where(some, 1 + rng.poisson(facts["mean_without_operation"] - 1, n), 0))
    again = np.where(operative & (rng.random(n) < 0.3) & (number > 0), plan.way_pools.first[way], EMPTY)
    slots[:, 4] = pools.draw(rng, again)
    other = np.where(operative, plan.secondary.beside_operation, plan.secondary.procedures[people.band])
    for column in (5, 6):
        slots[:, column] = pools.draw(rng, np.where(number > column - 5, other, EMPTY))
    free = 1
    for extra in (2, 3):
        # Columns 1 to 3 are mostly free: use them for the third and fourth further procedure.
        drawn = pools.draw(rng, np.where((number > extra) & (slots[:, free] < 0), other, EMPTY))
        slots[:, free] = np.where(slots[:, free] < 0, drawn, slots[:, free])
        free += 1
    drop_repeats(slots)
    return close_up(slots, PROC_PLACES)
