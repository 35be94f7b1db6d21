"""The stay of a front page: times, age, length, intensive care."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from drgengine.formats.cleaning import clean_ages, clean_dates, clean_hours, clean_stay_days
from drgengine.formats.frontpage.work import Work
from drgengine.formats.profiles import DaysUnit, Found

_TIME = pa.timestamp("s")
_SECONDS_AN_HOUR = 3600.0


def read_stay(work: Work, found: Found, days_unit: DaysUnit) -> dict[str, pa.Array]:
    """admission and discharge (time and date), age, stay, hours of intensive care and of ventilation."""
    headers = found.scalars
    admission = _time(work, headers, "admission_time", "admission_hour")
    discharge = _time(work, headers, "discharge_time", "discharge_hour")
    columns = {"admission_time": admission, "discharge_time": discharge}
    columns["admission_date"] = admission.cast(pa.date32())
    columns["discharge_date"] = discharge.cast(pa.date32())
    columns["age_years"], columns["age_days"] = _ages(work, headers, admission, days_unit)
    columns["los_days"] = _stay(work, headers, columns["admission_date"], columns["discharge_date"])
    columns["icu_hours"] = _intensive_care(work, found)
    hours = work.column(headers.get("ventilator_hours"))
    columns["ventilator_hours"] = pa.nulls(work.rows, pa.float64())
    if hours is not None:
        header = headers["ventilator_hours"]
        columns["ventilator_hours"] = work.take(clean_hours(hours, header, work.first_row), header)
    return columns


def _time(work: Work, headers: Mapping[str, str], name: str, hour_name: str) -> pa.Array:
    values, hours = work.column(headers.get(name)), work.column(headers.get(hour_name))
    if values is None:
        return pa.nulls(work.rows, _TIME)
    hours_column = headers[hour_name] if hours is not None else None
    cleaned = clean_dates(values, headers[name], work.first_row, hours=hours, hours_column=hours_column)
    return work.take(cleaned, headers[name]).cast(_TIME)


def _ages(
    work: Work, headers: Mapping[str, str], admission: pa.Array, days_unit: DaysUnit
) -> tuple[pa.Array, pa.Array]:
    birth = None
    born = work.column(headers.get("birth"))
    if born is not None:
        cleaned = clean_dates(born, headers["birth"], work.first_row)
        birth = work.take(cleaned, headers["birth"], private=True).cast(_TIME)
    years, days = (work.column(headers.get(name)) for name in ("age_years", "age_days"))
    if years is None and days is None and birth is None:
        return pa.nulls(work.rows, pa.int32()), pa.nulls(work.rows, pa.int32())
    before = len(work.issues)
    found = clean_ages(
        years,
        days,
        birth,
        admission,
        work.first_row,
        years_column=headers.get("age_years", "age_years"),
        days_column=headers.get("age_days"),
        birth_column=headers.get("birth"),
        days_unit=days_unit,
    )
    columns = headers.get("age_years", "age_years"), headers.get("age_days", "age_days")
    whole, part = (work.take(cleaned, column) for cleaned, column in zip(found, columns, strict=True))
    work.mask_since(before, headers.get("birth"))
    return whole.cast(pa.int32()), part.cast(pa.int32())


def _stay(work: Work, headers: Mapping[str, str], admitted: pa.Array, discharged: pa.Array) -> pa.Array:
    """The stay as stated, else discharge less admission; the same day is one day."""
    stated = work.column(headers.get("los_days"))
    days = pa.nulls(work.rows, pa.int32())
    if stated is not None:
        days = work.take(clean_stay_days(stated, headers["los_days"], work.first_row), headers["los_days"])
    between = pc.subtract(discharged.cast(pa.int32()), admitted.cast(pa.int32()))
    reversed_ = np.flatnonzero(np.asarray(pc.fill_null(pc.less(between, 0), False)))
    if reversed_.size:
        values = discharged.take(pa.array(reversed_)).cast(pa.string()).to_pylist()
        work.note(headers["discharge_time"], "discharge_before_admission", reversed_, values)
    known = pc.if_else(pc.less(between, 0), pa.scalar(None, pa.int32()), pc.max_element_wise(between, 1))
    known = pc.if_else(between.is_valid(), known, pa.scalar(None, pa.int32()))
    return pc.coalesce(days.cast(pa.int32()), known)


def _intensive_care(work: Work, found: Found) -> pa.Array:
    """Hours as stated, else the sum over the stays in intensive care (进出重症监护室时间)."""
    header = found.scalars.get("icu_hours")
    stated = work.column(header)
    total = pa.nulls(work.rows, pa.float64())
    if stated is not None and header is not None:
        total = work.take(clean_hours(stated, header, work.first_row), header)
    seconds, any_known = np.zeros(work.rows), np.zeros(work.rows, dtype=bool)
    starts, ends = found.slots.get("icu.in", {}), found.slots.get("icu.out", {})
    for place, start in starts.items():
        if place not in ends:
            continue
        first, last = (_moments(work, header) for header in (start, ends[place]))
        unstated = np.asarray(total.is_null())
        _note_open(work, start, first, last, unstated)
        _note_open(work, ends[place], last, first, unstated)
        span = pc.subtract(last.cast(pa.int64()), first.cast(pa.int64()))
        known = np.asarray(span.is_valid())
        length = np.asarray(pc.fill_null(span, 0)).astype(np.float64)
        backwards = np.flatnonzero(known & (length < 0))
        work.note(
            ends[place], "hours_negative", backwards, last.take(pa.array(backwards)).cast(pa.string()).to_pylist()
        )
        known &= length >= 0
        seconds[known] += length[known]
        any_known |= known
    if not any_known.any():
        return total
    summed = pa.array(seconds / _SECONDS_AN_HOUR, mask=~any_known)
    return pc.coalesce(total, summed)


def _moments(work: Work, header: str) -> pa.Array:
    values = work.column(header)
    if values is None:
        return pa.nulls(work.rows, _TIME)
    return work.take(clean_dates(values, header, work.first_row), header).cast(_TIME)


def _note_open(work: Work, header: str, known: pa.Array, missing: pa.Array, unstated: np.ndarray) -> None:
    """Where one end of a stay is known, the other is not, and no hours are stated."""
    at = np.flatnonzero(np.asarray(pc.and_(known.is_valid(), missing.is_null())) & unstated)
    work.note(header, "icu_time_open", at, known.take(pa.array(at)).cast(pa.string()).to_pylist())
