"""Consistent stays for an export: dates, ages, charges and slots of a record fit one another."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from drgengine.synth.exportperson import invented_person, invented_staff
from drgengine.synth.settings import FEMALE, MALE

Cells = dict[str, str]
Truth = dict[str, Any]

_ADMITTED, _OPERATED, _DISCHARGED = (6, 9), 12, (15, 18)  # hours; eighths of a day, so that day numbers are exact
_PAYMENTS = ("1", "02", "3", "07", "99")
_PARTS_OF = {
    "of_which_physical_therapy": ("charge_nonsurgical_treatment", 0.1),
    "of_which_anaesthesia": ("charge_surgical_treatment", 0.2),
    "of_which_operation": ("charge_surgical_treatment", 0.5),
    "of_which_antibacterial": ("charge_western_drug", 0.25),
}
_SIGNS = "甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳"


@dataclass
class Stay:
    """One record: the cells of its export by key, and what must come out of reading it.

    cells : key of the layout -> text; a key that is absent is an empty cell
    truth : columns of the front page table; birth and the slots' own lists beside them
    soiled : whether dirt has been planted in it
    """

    cells: Cells
    truth: Truth
    soiled: bool = False
    ragged: bool = False
    counts: bool = True
    twin: Stay | None = None
    planted: list[tuple[str, str, str, str | None]] = field(default_factory=list)  # key, rule, raw, cleaned
    fillers: list[str] = field(default_factory=list)  # keys
    unsure: set[str] = field(default_factory=set)  # columns of the truth that the planted dirt leaves open


def make_stays(cases: pa.Table, rng: np.random.Generator, *, personal: bool) -> list[Stay]:
    """One stay per row of a case table whose rows are clean.

    The record numbers are new, one per patient and hospital, and the visits are numbered by admission. Times of day,
    births, parts of charges and what the case table does not hold are drawn. Procedures of the other sex, which few
    drawn cases hold, are left out.
    """
    rows = cases.to_pylist()
    records, visits = _numbers(rows, rng)
    persons: dict[str, dict[str, str]] = {}
    stays = []
    for row, record, visit in zip(rows, records, visits, strict=True):
        truth = _truth(row, record, visit, rng)
        people: Cells = {}
        if personal:
            person = persons.get(row["patient_id"])
            if person is None:
                person = persons[row["patient_id"]] = invented_person(rng, truth["birth_date"])
            people = person | invented_staff(rng)
            people |= {f"staff.surgeon.{place}": people["staff.attending"] for place in range(len(truth["proc"]))}
        stays.append(Stay({}, truth))
        stays[-1].cells = people
    return stays


def invented_title(code: str) -> str:
    """The name of a diagnosis or procedure, which is none: three signs and no letter.

    >>> invented_title("I10.x00")
    '虚构名称巳己辰'
    """
    digest = hashlib.sha256(code.encode()).digest()
    return "虚构名称" + "".join(_SIGNS[byte % len(_SIGNS)] for byte in digest[:3])


def whole_years(birth: datetime.date, day: datetime.date) -> int:
    """Completed calendar years (周岁)."""
    return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))


def _numbers(rows: list[dict[str, Any]], rng: np.random.Generator) -> tuple[list[str], list[int]]:
    keys = [(row["hospital_id"], row["patient_id"]) for row in rows]
    drawn = rng.permutation(10**6)[: len(rows)] if len(rows) < 10**6 else np.arange(len(rows))
    number = {key: f"{int(at):08d}" for key, at in zip(dict.fromkeys(keys), drawn, strict=False)}
    order = sorted(range(len(rows)), key=lambda at: (rows[at]["admission_date"], at))
    seen: dict[tuple[str, str], int] = {}
    visits = [0] * len(rows)
    for at in order:
        visits[at] = seen[keys[at]] = seen.get(keys[at], 0) + 1
    return [number[key] for key in keys], visits


def _truth(row: dict[str, Any], record: str, visit: int, rng: np.random.Generator) -> Truth:
    truth = {name: row[name] for name in row if name not in ("case_id", "patient_id")}
    procedures = [code for code in row["proc"] or [] if fits_sex(code, row["sex"])]
    day, last = row["admission_date"], row["discharge_date"]
    admitted = _at(day, int(rng.choice(_ADMITTED)))
    discharged = _at(last, int(rng.choice(_DISCHARGED)))
    birth = _birth(row, day, rng)
    truth |= {
        "case_id": f"{record}-{visit}",
        "record_no": record,
        "visit_no": str(visit),
        "birth_date": birth,
        "age_years": whole_years(birth, day),
        "age_days": (day - birth).days if whole_years(birth, day) < 1 else None,
        "admission_time": admitted,
        "discharge_time": discharged,
        "los_days": max(1, (last - day).days),
        "admission_department_id": row["department_id"],
        "payment": str(rng.choice(_PAYMENTS)),
        "dx": list(row["dx"]),
        "dx_condition": [str(rng.integers(1, 5)) for _ in row["dx"]],
        "proc": procedures,
        "proc_date": [_operated(day, last, rng) for _ in procedures],
        "proc_level": [str(rng.integers(1, 5)) for _ in procedures],
        "pathology": "M81400/3" if needs_pathology(row["dx"][0]) else None,
        "external_cause": "W01.x00" if row["dx"][0][0] in "ST" else None,
        "self_paid": round(row["total_charge"] * 0.3, 2),
    }
    for name, (parent, share) in _PARTS_OF.items():
        truth[name] = round(row[parent] * share, 2)
    return truth


def needs_pathology(code: str) -> bool:
    """Whether a principal diagnosis asks for a pathology code: C*, D00-D48 (HQMS interface, 国家卫生健康委员会)."""
    return code.startswith("C") or (code.startswith("D") and code[1:3] <= "48")


def fits_sex(procedure: str, sex: int) -> bool:
    """Whether a procedure suits the sex: ICD-9-CM-3 chapters 60-64 are male organs, 65-71 female, 72-75 obstetrics."""
    chapter = procedure[:2]
    return not ("60" <= chapter <= "64" and sex == FEMALE) and not ("65" <= chapter <= "75" and sex == MALE)


def _birth(row: dict[str, Any], day: datetime.date, rng: np.random.Generator) -> datetime.date:
    if row["age_days"] is not None:
        return day - datetime.timedelta(days=row["age_days"])
    years = row["age_years"]
    start = day.replace(year=day.year - years, day=min(day.day, 28))
    return start - datetime.timedelta(days=int(rng.integers(5, 330)))


def _operated(day: datetime.date, last: datetime.date, rng: np.random.Generator) -> datetime.datetime:
    return _at(day + datetime.timedelta(days=int(rng.integers(0, (last - day).days + 1))), _OPERATED)


def _at(day: datetime.date, hour: int) -> datetime.datetime:
    return datetime.datetime(day.year, day.month, day.day, hour)


def charge_names(truth: Iterable[str]) -> list[str]:
    """The 24 parts of the total among a truth's names."""
    return [name for name in truth if name.startswith("charge_")]
