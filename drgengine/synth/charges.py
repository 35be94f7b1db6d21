"""Charges by the 24 fee classes of the front page, in whole cents, so that they sum exactly."""

from __future__ import annotations

import numpy as np

from drgengine.synth.coding import Coding
from drgengine.synth.outcome import Outcome
from drgengine.synth.people import People
from drgengine.synth.plan import Plan
from drgengine.synth.settings import KINDS, data


def draw_charges(
    plan: Plan, rng: np.random.Generator, people: People, coding: Coding, outcome: Outcome
) -> dict[str, np.ndarray]:
    """float64[n] per column, yuan with two decimals: total_charge and charge_* (their exact sum)."""
    facts = data("charges")
    parts = facts["part"]
    kind = plan.kind[people.way]
    share = np.array([p["share"] for p in parts.values()])
    chance = np.array([p["chance"] for p in parts.values()], dtype=np.float32)
    # Noise and absence keep the mean: E[exp(s z)] = exp(s^2 / 2).
    share = (share / share.sum(axis=0) / np.maximum(chance, 1e-6)).astype(np.float32)
    share *= np.float32(np.exp(-(facts["noise"] ** 2) / 2))
    level = _levels(plan, rng, people, coding, outcome).astype(np.float32)
    columns: dict[str, np.ndarray] = {"total_charge": np.zeros(0)}
    total = np.zeros(kind.size, dtype=np.int64)
    for row, name in enumerate(parts):
        noise = rng.standard_normal(kind.size, dtype=np.float32)
        there = rng.random(kind.size, dtype=np.float32) < chance[row][kind]
        noise *= np.float32(facts["noise"])
        np.exp(noise, out=noise)
        noise *= level
        noise *= share[row][kind]
        noise *= 100
        noise *= there
        cents = np.rint(noise).astype(np.int64)
        total += cents
        columns[f"charge_{name}"] = cents / 100
    columns["total_charge"] = total / 100
    return columns


def _levels(plan: Plan, rng: np.random.Generator, people: People, coding: Coding, outcome: Outcome) -> np.ndarray:
    """Expected charge per case."""
    facts = data("charges")["level"]
    kind = plan.kind[people.way]
    fixed = np.array([facts["fixed"][name] for name in KINDS])[kind] * plan.charge[people.way]
    per_day = np.array([facts["per_day"][name] for name in KINDS])[kind]
    per_day = per_day * np.sqrt(plan.charge[people.way])
    level = fixed + per_day * outcome.los + facts["icu_hour"] * outcome.icu_hours
    level *= np.array(facts["severity"])[coding.severity] * plan.hospitals.charge[people.hospital]
    return level * np.exp(facts["spread"] * rng.standard_normal(kind.size))
