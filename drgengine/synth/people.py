"""Who is treated where and for what: hospital, way through the scheme, principal diagnosis, sex, age, weight."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from drgengine.synth.plan import Plan
from drgengine.synth.settings import BAND_EDGES, FEMALE, LAST_NEWBORN_DAY, MALE, NEWBORN, OBSTETRIC, data

NONE = -128
"""Missing whole number (fits every integer column)."""


@dataclass
class People:
    """n patients; whole numbers are NONE where missing.

    hospital, way, pdx : positions in the plan; sex : 1 or 2; age : years; days : age in days under one year
    birth_weight, admission_weight : grams; band : position in BANDS
    """

    hospital: np.ndarray
    way: np.ndarray
    pdx: np.ndarray
    sex: np.ndarray
    age: np.ndarray
    days: np.ndarray
    birth_weight: np.ndarray
    admission_weight: np.ndarray
    band: np.ndarray


def draw_people(plan: Plan, rng: np.random.Generator, n: int) -> People:
    """n patients of the plan's hospitals."""
    hospital = np.searchsorted(np.cumsum(plan.hospitals.volume), rng.random(n), side="right")
    hospital = np.minimum(hospital, len(plan.hospitals.ids) - 1).astype(np.int32)
    way = plan.way_draw.draw(rng, hospital)
    pdx = plan.pools.draw(rng, plan.way_pools.pdx[way])
    sex = np.where(rng.random(n) < plan.male[way], MALE, FEMALE).astype(np.int8)
    sex = np.where(plan.book.sex[pdx] > 0, plan.book.sex[pdx], sex)
    age, days = _ages(plan, rng, way, pdx)
    birth, admission = _weights(plan, rng, way, pdx, days)
    band = np.digitize(age, BAND_EDGES).astype(np.int8) + 1
    band[((days >= 0) & (days <= 28)) | plan.newborn[way]] = NEWBORN
    band[plan.obstetric[way]] = OBSTETRIC
    return People(hospital, way, pdx, sex, age, days, birth, admission, band)


def _ages(plan: Plan, rng: np.random.Generator, way: np.ndarray, pdx: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Years, and days of life under one year."""
    n, facts = way.size, data("ages")["newborn_days"]
    own = plan.code_profile[pdx]
    fixed = (plan.newborn | plan.obstetric)[way]
    profile = np.where((own >= 0) & ~fixed, own, plan.profile[way])
    years = plan.ages[profile, rng.integers(0, plan.ages.shape[1], n)]
    age = years.astype(np.int32)
    days = np.where(age == 0, (years * 365).astype(np.int32), NONE)
    shares = np.concatenate([[0.0], np.cumsum(facts["shares"]) / np.sum(facts["shares"])])
    early = np.interp(rng.random(n), shares, facts["edges"]).astype(np.int32)
    early = np.where(plan.first_month[way], np.minimum(early, LAST_NEWBORN_DAY), early)
    after = rng.integers(facts["after"][0], facts["after"][1], n)
    newborn = plan.newborn[way]
    age[newborn] = 0
    return age, np.where(newborn, np.where(plan.late[way], after, early), days).astype(np.int32)


def _weights(
    plan: Plan, rng: np.random.Generator, way: np.ndarray, pdx: np.ndarray, days: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Birth and admission weight in whole tens of grams, up to the 28th day of life."""
    facts = data("ages")["weight"]
    rows = np.flatnonzero((days >= 0) & (days <= LAST_NEWBORN_DAY))
    usual = np.clip(rng.normal(facts["mean"], facts["sd"], rows.size), facts["low"], facts["high"])
    chance = rng.random(rows.size)
    of_way = plan.way_weight[way[rows]]
    low, high = np.where(of_way[:, 1:] > 0, of_way, plan.code_weight[pdx[rows]]).T
    # Light children are rare even within their class: the square root leans to the upper end.
    narrow = low + (high - 10 - low) * np.sqrt(chance)
    birth = np.where((high > 0) & (high <= facts["low"]), narrow, np.maximum(usual, low)) // 10 * 10
    age = days[rows]
    gain = np.where(age <= 7, -0.01 * np.minimum(age, 4), 0.008 * (age - 7))
    admission = birth * (1 + gain + rng.normal(0, 0.01, rows.size)) // 10 * 10
    columns = np.full((2, way.size), NONE, dtype=np.int32)
    columns[0, rows], columns[1, rows] = birth, admission
    return columns[0], columns[1]
