"""The inpatients of an invented hospital's year: those discharged, and those still there at its end (在院患者)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from drgengine.errors import CaseTableError
from drgengine.synth.hospitalitems import PARTS
from drgengine.synth.settings import data

_NEEDED = ("case_id", "department_id", "admission_date", "discharge_date", "los_days", "total_charge")
_OPTIONAL = ("hospital_id", "physician_id", "icu_hours", "dx", "status", "adrg", "drg")
_KEPT = ("physician_id", "status", "adrg", "drg")
_NAMED = 5


@dataclass(frozen=True)
class HospitalCases:
    """n inpatients, the discharged first. Days count from 1970-01-01.

    texts : case_id, department_id and, where the cases have them, physician_id, status, adrg, drg, dx (principal)
    ward : place in `wards`, int32[n]; other : ward of a transfer (转科), -1 without
    days, intensive_hours, other_days : of the stay so far
    fen : charges by the 24 fee classes, int64[n, 24]
    left_out : rows of the table without a discharge in the year, or with a discharge in another
    """

    hospital: str
    year: int
    texts: dict[str, pa.Array]
    wards: tuple[str, ...]
    ward: np.ndarray
    other: np.ndarray
    admitted: np.ndarray
    discharged: np.ndarray
    days: np.ndarray
    intensive_hours: np.ndarray
    other_days: np.ndarray
    fen: np.ndarray
    in_hospital: int
    left_out: int

    @property
    def intensive_days(self) -> np.ndarray:
        """Days in intensive care, whole ones, within the stay."""
        return np.minimum(np.ceil(self.intensive_hours / 24), self.days).astype(np.int64)

    @property
    def first_day(self) -> int:
        """First day of the year."""
        return _day(self.year, 0)

    @property
    def last_day(self) -> int:
        """Last day of the year."""
        return _day(self.year + 1, -1)


def _day(year: int, shift: int) -> int:
    return int(np.datetime64(f"{year:04d}-01-01", "D").astype(int)) + shift


def read_cases(cases: Any, hospital: str | None, rng: np.random.Generator) -> HospitalCases:
    """One hospital's discharges of one year, and patients invented after them who are still there.

    cases : Arrow table, or path of a Parquet file
    hospital : hospital_id; None: the one with most discharges. The year is that of most discharges.
    Raises CaseTableError: a column, id or ward is missing, charges do not add up, nothing is left.
    """
    place = str(cases) if isinstance(cases, (str, Path)) else "cases"
    table = _table(cases, place)
    table, name = _of_hospital(table, hospital, place)
    rows = table.num_rows
    discharge = table["discharge_date"].cast(pa.date32())
    years = pc.year(discharge)
    counts = pc.value_counts(years.drop_null()).to_pylist()
    if not counts:
        raise CaseTableError(place, f"hospital {name} has no discharge", "Name another hospital")
    year = max(counts, key=lambda entry: (entry["counts"], entry["values"]))["values"]
    table = table.filter(pc.fill_null(pc.equal(years, year), False))
    _refuse_gaps(table, place)
    return _with_inpatients(_cases(table, name, year, place, rows - table.num_rows, rng), rng)


def _table(cases: Any, place: str) -> pa.Table:
    wanted = (*_NEEDED, *_OPTIONAL, *(f"charge_{part}" for part in PARTS))
    names = pq.read_schema(cases).names if isinstance(cases, (str, Path)) else cases.column_names
    missing = [column for column in _NEEDED if column not in names]
    if missing:
        raise CaseTableError(place, f"column {missing[0]} is missing", "Use the output of `drgengine group`")
    chosen = [column for column in wanted if column in names]
    return pq.read_table(cases, columns=chosen) if isinstance(cases, (str, Path)) else cases.select(chosen)


def _of_hospital(table: pa.Table, hospital: str | None, place: str) -> tuple[pa.Table, str]:
    if "hospital_id" not in table.column_names:
        return table, hospital or "H"
    ids = table["hospital_id"].cast(pa.string())
    counts = {entry["values"]: entry["counts"] for entry in pc.value_counts(ids.drop_null()).to_pylist()}
    if hospital is None and counts:
        hospital = max(sorted(counts), key=lambda name: counts[name])
    if hospital is None or hospital not in counts:
        known = ", ".join(sorted(counts)[:_NAMED]) or "none"
        raise CaseTableError(place, f"hospital {hospital} has no cases", f"Name one of the hospitals: {known}")
    return table.filter(pc.fill_null(pc.equal(ids, hospital), False)), hospital


def _refuse_gaps(table: pa.Table, place: str) -> None:
    for column in ("case_id", "department_id", "admission_date"):
        if table[column].null_count:
            remedy = "Complete the column, or leave those cases out"
            raise CaseTableError(place, f"{table[column].null_count} cases have no {column}", remedy)
    if pc.count_distinct(table["case_id"]).as_py() != table.num_rows:
        raise CaseTableError(place, "a case_id stands twice", "Leave the second of each out")


def _cases(
    table: pa.Table, hospital: str, year: int, place: str, left_out: int, rng: np.random.Generator
) -> HospitalCases:
    def column(name: str, fill: float = 0.0) -> np.ndarray:
        if name not in table.column_names:
            return np.full(table.num_rows, fill)
        return np.asarray(pc.fill_null(table[name].cast(pa.float64()), fill).to_numpy())

    texts = {"case_id": _text(table["case_id"]), "department_id": _text(table["department_id"])}
    texts |= {name: _text(table[name]) for name in _KEPT if name in table.column_names}
    if "dx" in table.column_names:
        texts["dx"] = _principal(table["dx"])
    coded = texts["department_id"].dictionary_encode()
    wards = tuple(sorted(coded.dictionary.to_pylist()))
    rank = np.array([wards.index(code) for code in coded.dictionary.to_pylist()], dtype=np.int32)
    ward = rank[coded.indices.to_numpy()]
    admitted, discharged = (
        np.asarray(table[name].cast(pa.date32()).cast(pa.int32()).to_numpy(), dtype=np.int32)
        for name in ("admission_date", "discharge_date")
    )
    los = column("los_days", -1)
    days = np.maximum(np.where(los < 0, discharged - admitted, los), 1).astype(np.int64)
    facts = data("hospital_activity")["stay"]
    moves = (rng.random(ward.size) < facts["transfer"]) & (days >= facts["transfer_days"]) & (len(wards) > 1)
    other = (ward + 1 + rng.integers(0, max(len(wards) - 1, 1), ward.size)) % len(wards)
    intensive = np.clip(column("icu_hours"), 0, days * 24)
    free = days - np.minimum(np.ceil(intensive / 24), days).astype(np.int64)
    other_days = np.where(moves, np.maximum(np.rint(free * rng.uniform(0.1, 0.5, ward.size)), 0), 0).astype(np.int64)
    return HospitalCases(
        hospital=hospital,
        year=year,
        texts=texts,
        wards=wards,
        ward=ward,
        other=np.where(other_days > 0, other, -1).astype(np.int32),
        admitted=admitted,
        discharged=discharged,
        days=days,
        intensive_hours=intensive,
        other_days=other_days,
        fen=_charges(table, column, place),
        in_hospital=0,
        left_out=left_out,
    )


def _charges(table: pa.Table, column: Any, place: str) -> np.ndarray:
    """Fen by fee class; what the classes do not explain of the total stands under the rest."""
    fen = np.stack([np.rint(column(f"charge_{part}") * 100).astype(np.int64) for part in PARTS], axis=1)
    total = np.rint(column("total_charge", np.nan) * 100)
    known = fen.sum(axis=1)
    total = np.where(np.isnan(total), known, total).astype(np.int64)
    bad = np.flatnonzero((known > total) | (fen < 0).any(axis=1))
    if bad.size:
        ids = ", ".join(table["case_id"].take(pa.array(bad[:_NAMED])).to_pylist())
        problem = f"{bad.size} cases have fee classes below 0 or above total_charge: {ids}"
        raise CaseTableError(place, problem, "Mend the charges, or leave those cases out")
    fen[:, PARTS.index(data("hospital_activity")["stay"]["rest"])] += total - known
    return fen


def _with_inpatients(cases: HospitalCases, rng: np.random.Generator) -> HospitalCases:
    """Add as many patients as there are occupied beds: stays of the discharged, cut off at the end of the year."""
    n, count = len(cases.ward), round(int(cases.days.sum()) / 365)
    if count == 0:
        return cases
    model = np.sort(rng.choice(n, size=min(count, n), replace=False, p=cases.days / cases.days.sum()))
    so_far = rng.integers(1, cases.days[model] + 1)
    share = so_far / cases.days[model]
    intensive = np.minimum(cases.intensive_hours[model], so_far * 24.0)
    free = so_far - np.minimum(np.ceil(intensive / 24), so_far).astype(np.int64)
    other_days = np.minimum(cases.other_days[model], free)
    fen = np.floor(cases.fen[model] * share[:, None]).astype(np.int64)
    count = model.size
    ids = [f"Z{cases.year}{number:06d}" for number in range(1, count + 1)]
    kept = {"department_id", "physician_id"}
    texts = {
        name: pa.concat_arrays(
            [values, values.take(pa.array(model)) if name in kept else pa.nulls(count, values.type)]
            if name != "case_id"
            else [values, pa.array(ids, values.type)]
        )
        for name, values in cases.texts.items()
    }

    def join(old: np.ndarray, new: np.ndarray) -> np.ndarray:
        return np.concatenate([old, new.astype(old.dtype)])

    return HospitalCases(
        hospital=cases.hospital,
        year=cases.year,
        texts=texts,
        wards=cases.wards,
        ward=join(cases.ward, cases.ward[model]),
        other=join(cases.other, np.where(other_days > 0, cases.other[model], -1)),
        admitted=join(cases.admitted, cases.last_day + 1 - so_far),
        discharged=join(cases.discharged, np.full(count, -1)),
        days=join(cases.days, so_far),
        intensive_hours=join(cases.intensive_hours, intensive),
        other_days=join(cases.other_days, other_days),
        fen=join(cases.fen, fen),
        in_hospital=count,
        left_out=cases.left_out,
    )


def _text(column: Any) -> pa.Array:
    return (
        pa.concat_arrays([chunk.cast(pa.string()) for chunk in column.chunks])
        if column.num_chunks
        else pa.array([], pa.string())
    )


def _principal(column: Any) -> pa.Array:
    """First diagnosis of a list column, or the text itself."""
    if not pa.types.is_list(column.type) and not pa.types.is_large_list(column.type):
        return _text(column)
    codes = column.combine_chunks()
    first = codes.offsets.to_numpy()[:-1]
    there = pc.fill_null(pc.greater(pc.list_value_length(codes), 0), False).to_numpy(zero_copy_only=False)
    values = codes.values.cast(pa.string())
    return values.take(pa.array(np.where(there, first, 0), mask=~there))
