"""The departments (核算科室) of an invented hospital: wards and clinics from the cases, the rest from data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from drgengine.synth.settings import data

CATEGORIES = ("administration", "auxiliary", "technology", "clinical")


@dataclass(frozen=True)
class Departments:
    """n departments, grouped by category in the order of CATEGORIES.

    category : place in CATEGORIES, int8[n]; inpatient : clinical department with beds, bool[n]
    part : share of the pool of its category (administration, auxiliary); cost : direct cost per yuan of service income
    size : visits of a clinic relative to the mean clinic; 0 elsewhere
    mix : row of hospital_ledger.toml; basis, unit : texts of the department table, may be empty
    """

    codes: tuple[str, ...]
    names: tuple[str, ...]
    category: np.ndarray
    inpatient: np.ndarray
    part: np.ndarray
    cost: np.ndarray
    size: np.ndarray
    mix: tuple[str, ...]
    basis: tuple[str, ...]
    unit: tuple[str, ...]
    emergency: np.ndarray
    examination: np.ndarray

    def of(self, category: str) -> np.ndarray:
        """Places of the departments of a category."""
        return np.flatnonzero(self.category == CATEGORIES.index(category))

    @property
    def clinics(self) -> np.ndarray:
        """Places of clinical departments without beds."""
        return np.flatnonzero((self.category == CATEGORIES.index("clinical")) & ~self.inpatient)

    @property
    def place(self) -> dict[str, int]:
        """Place by code."""
        return {code: n for n, code in enumerate(self.codes)}


def make_departments(
    ids: Sequence[str], cases: Mapping[str, int], intensive: bool, rng: np.random.Generator
) -> Departments:
    """Departments for the department ids of cases.

    ids : department ids, each becomes the code of a ward; cases : number of cases by id
    intensive : there are stays in intensive care
    """
    facts = data("hospital_departments")
    names = {entry["code"]: entry["name"] for entry in data("departments")["department"]}
    rows = [
        entry | {"category": kind, "mix": entry.get("mix", default)}
        for kind, default in _OF_DATA
        for entry in facts[kind]
    ]
    mean = sum(cases.values()) / len(ids)
    for key in ("ward", "clinic"):
        for code in ids:
            base, _, number = code.partition("-")
            entry = facts[key]
            rows.append(
                entry
                | {
                    "category": "clinical",
                    "code": entry["prefix"] + code,
                    "name": names.get(base, f"科室{base}") + number + entry["suffix"],
                    "cost": entry["cost"] * float(np.exp(rng.normal(0, entry["noise"]))),
                    "size": 0.0 if key == "ward" else float((cases[code] / mean) ** 0.5),
                    "inpatient": key == "ward",
                }
            )
        if key == "ward" and intensive:
            rows.append(facts["intensive"] | {"category": "clinical", "inpatient": True})
    rows += [facts["clinic"] | entry | {"category": "clinical"} for entry in facts["extra_clinic"]]
    return _packed(rows)


_OF_DATA = (("administration", "office"), ("auxiliary", "service"), ("technology", "treatment"))


def _packed(rows: list[dict[str, Any]]) -> Departments:
    def numbers(key: str, dtype: Any = np.float64) -> np.ndarray:
        return np.array([row.get(key, 0) for row in rows], dtype=dtype)

    return Departments(
        codes=tuple(row["code"] for row in rows),
        names=tuple(row["name"] for row in rows),
        category=np.array([CATEGORIES.index(row["category"]) for row in rows], dtype=np.int8),
        inpatient=numbers("inpatient", bool),
        part=numbers("part"),
        cost=numbers("cost"),
        size=numbers("size"),
        mix=tuple(row["mix"] for row in rows),
        basis=tuple(row.get("basis", "") for row in rows),
        unit=tuple(row.get("unit", "") for row in rows),
        emergency=numbers("emergency", bool),
        examination=numbers("examination", bool),
    )
