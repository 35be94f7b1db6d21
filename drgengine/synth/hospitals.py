"""Hospitals that differ: in volume, case mix, severity, charges and stay; their departments and physicians."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from drgengine.synth.settings import data

_TAG = 7001


@dataclass(frozen=True)
class Hospitals:
    """h hospitals. volume sums to 1; severity, charge, stay, operative : factors, shape (h,).

    mdc : factors on the frequency of MDCs, shape (h, MDCs)
    department : number of the department by kind (medical, operative) and MDC, shape (2, MDCs)
    department_ids, physicians : texts; physicians has one row of `per_department` texts per hospital and department
    """

    ids: tuple[str, ...]
    roles: tuple[str, ...]
    volume: np.ndarray
    severity: np.ndarray
    charge: np.ndarray
    stay: np.ndarray
    operative: np.ndarray
    mdc: np.ndarray
    department: np.ndarray
    department_ids: tuple[str, ...]
    physicians: tuple[str, ...]
    per_department: int


def make_hospitals(count: int, departments: int, mdcs: Sequence[str], seed: int) -> Hospitals:
    """Hospitals H001.. in the roles of data/hospitals.toml, each a little different from its role."""
    roles = data("hospitals")["role"]
    small = roles[-1]
    chosen = [roles[n % len(roles)] for n in range(count)]
    if count > 1:
        chosen[-1] = small
    rng = np.random.default_rng(np.random.SeedSequence([seed, _TAG]))

    def factor(key: str, spread: float) -> np.ndarray:
        return np.array([role[key] for role in chosen]) * np.exp(rng.normal(0, spread, count))

    volume = factor("volume", 0.15)
    mdc = np.array([[role["mdc"].get(m, role["mdc"].get("other", 1.0)) for m in mdcs] for role in chosen])
    ids = tuple(f"H{n + 1:03d}" for n in range(count))
    department_ids, department = _departments(departments, mdcs)
    per_department = data("departments")["physicians"]
    return Hospitals(
        ids=ids,
        roles=tuple(role["name"] for role in chosen),
        volume=volume / volume.sum(),
        severity=factor("severity", 0.03),
        charge=factor("charge", 0.04),
        stay=factor("stay", 0.03),
        operative=factor("operative", 0.03),
        mdc=mdc * np.exp(rng.normal(0, 0.12, mdc.shape)),
        department=department,
        department_ids=department_ids,
        physicians=tuple(f"{h}-{d}-{n + 1:02d}" for h in ids for d in department_ids for n in range(per_department)),
        per_department=per_department,
    )


def _departments(count: int, mdcs: Sequence[str]) -> tuple[tuple[str, ...], np.ndarray]:
    """The first `count` departments, and which one takes an MDC without (row 0) and with (row 1) an operation."""
    table = data("departments")["department"]
    opened = [table[n % len(table)] | {"ward": n // len(table)} for n in range(count)]
    ids = tuple(d["code"] if not d["ward"] else f"{d['code']}-{d['ward'] + 1}" for d in opened)
    takes = np.zeros((2, len(mdcs)), dtype=np.int32)
    for row, kind in enumerate(("medical", "operative")):
        general = [n for n, d in enumerate(opened) if d.get(kind) == "*"]
        for column, mdc in enumerate(mdcs):
            special = [n for n, d in enumerate(opened) if mdc in d.get(kind, "") and d.get(kind) != "*"]
            takes[row, column] = [*special, *general, 0][0]
    return ids, takes
