"""One block of discharges as an Arrow table. A block depends on the plan, the seed and its number alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from drgengine.cases import CASE_SCHEMA
from drgengine.synth.charges import draw_charges
from drgengine.synth.coding import Coding, draw_coding
from drgengine.synth.dirt import Dirt, soil
from drgengine.synth.outcome import Outcome, draw_outcome
from drgengine.synth.people import NONE, People, draw_people
from drgengine.synth.plan import Plan
from drgengine.synth.pools import EMPTY
from drgengine.synth.settings import KINDS

BLOCK_ROWS = 32_768
FIRST_DAY = int(np.datetime64("2025-01-01", "D").astype(int))
_HEX = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)
_FOUR_DIGITS = np.frombuffer(b"".join(b"%04d" % n for n in range(10_000)), dtype=np.uint8).reshape(-1, 4)


@dataclass(frozen=True)
class Block:
    """A table of BLOCK_ROWS discharges; hospital and dirt (position in `kinds()`, -1 clean) per row."""

    table: pa.Table
    hospital: np.ndarray
    dirt: np.ndarray


def make_block(plan: Plan, seed: int, number: int, dirty_share: float) -> Block:
    """Block `number` (from 0) of the discharges of a seed."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, number]))
    people = draw_people(plan, rng, BLOCK_ROWS)
    coding = draw_coding(plan, rng, people)
    outcome = draw_outcome(plan, rng, people, coding)
    charges = draw_charges(plan, rng, people, coding, outcome)
    staff = _staff(plan, rng, people)
    dirt = soil(plan, rng, people, coding, dirty_share)
    row = np.arange(BLOCK_ROWS, dtype=np.uint64) + np.uint64(number * BLOCK_ROWS)
    first_row = outcome.patient.astype(np.uint64) + np.uint64(number * BLOCK_ROWS)
    columns = {
        "case_id": _digits(row.astype(np.int64) + 1),
        "patient_id": _pseudonyms(first_row, seed),
        "hospital_id": _named(people.hospital, plan.hospitals.ids),
        **staff,
        "admission_route": _named(outcome.route, tuple(map(str, range(10)))),
        "planned_readmission": _named(outcome.planned, ("0", "1", "2")),
        **_person_columns(people),
        **_stay_columns(outcome),
        **_code_columns(plan, coding, dirt),
        **charges,
    }
    arrays = [pa.array(columns[field.name]).cast(field.type) for field in CASE_SCHEMA]
    return Block(pa.Table.from_arrays(arrays, schema=CASE_SCHEMA), people.hospital, dirt.kind)


def _staff(plan: Plan, rng: np.random.Generator, people: People) -> dict[str, pa.Array]:
    made = plan.hospitals
    operative = (plan.kind[people.way] != KINDS.index("medical")).astype(int)
    department = made.department[operative, plan.mdc[people.way]]
    place = people.hospital.astype(np.int64) * len(made.department_ids) + department
    physician = place * made.per_department + rng.integers(0, made.per_department, department.size)
    return {
        "department_id": _named(department, made.department_ids),
        "physician_id": _named(physician, made.physicians),
    }


def _person_columns(people: People) -> dict[str, pa.Array]:
    def optional(values: np.ndarray) -> pa.Array:
        return pa.array(values, mask=values == NONE)

    return {
        "sex": optional(people.sex),
        "age_years": optional(people.age),
        "age_days": optional(people.days),
        "birth_weight_g": optional(people.birth_weight),
        "admission_weight_g": optional(people.admission_weight),
    }


def _stay_columns(outcome: Outcome) -> dict[str, pa.Array]:
    return {
        "admission_date": pa.array(outcome.admitted.astype(np.int32) + FIRST_DAY, pa.int32()).view(pa.date32()),
        "discharge_date": pa.array(outcome.discharged.astype(np.int32) + FIRST_DAY, pa.int32()).view(pa.date32()),
        "los_days": pa.array(outcome.los),
        "discharge_disposition": pa.array(outcome.disposition),
        "icu_hours": pa.array(outcome.icu_hours),
        "ventilator_hours": pa.array(outcome.ventilator_hours),
    }


def _code_columns(plan: Plan, coding: Coding, dirt: Dirt) -> dict[str, pa.Array]:
    return {
        "dx": _lists(coding.dx, pa.concat_arrays([plan.dx_texts, pa.array(dirt.texts)]), None),
        "proc": _lists(coding.proc, plan.proc_texts, dirt.no_procedures),
    }


def _lists(codes: np.ndarray, texts: pa.Array, null: np.ndarray | None) -> pa.Array:
    """List array of the codes that are not EMPTY; a null list where `null` holds."""
    there = codes != EMPTY
    if null is not None:
        there &= ~null[:, None]
    offsets = np.zeros(len(codes) + 1, dtype=np.int32)
    np.cumsum(np.count_nonzero(there, axis=1), out=offsets[1:])
    mask = pa.array(null) if null is not None and null.any() else None
    return pa.ListArray.from_arrays(pa.array(offsets), texts.take(pa.array(codes[there])), mask=mask)


def _named(places: np.ndarray, texts: tuple[str, ...]) -> pa.Array:
    """Strings by their position."""
    return pa.array(texts, pa.string()).take(pa.array(places))


def _digits(values: np.ndarray) -> pa.Array:
    """Whole numbers below 10^12 as texts of 12 digits."""
    parts = (values // 10**8, values // 10**4 % 10**4, values % 10**4)
    return _fixed_width(np.concatenate([_FOUR_DIGITS[part] for part in parts], axis=1))


def _pseudonyms(values: np.ndarray, seed: int) -> pa.Array:
    """16 hexadecimal signs per number: a mixing of number and seed (splitmix64), different for different numbers."""
    mixed = values + np.uint64((seed * 0x9E3779B97F4A7C15 + 0x1234567) & 0xFFFFFFFFFFFFFFFF)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    mixed ^= mixed >> np.uint64(31)
    octets = mixed.astype(">u8").view(np.uint8).reshape(-1, 8)
    return _fixed_width(_HEX[np.stack([octets >> 4, octets & 15], axis=2).reshape(-1, 16)])


def _fixed_width(signs: np.ndarray) -> pa.Array:
    """ASCII codes uint8[n, width] as n strings."""
    n, width = signs.shape
    offsets = np.arange(0, (n + 1) * width, width, dtype=np.int32)
    return pa.StringArray.from_buffers(n, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(signs)))
