"""Spans of years, months and days as an age on a day (历法年龄)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from drgengine.formats.cleaning.agetexts import DAYS_OF_MONTH, DAYS_OF_YEAR

_SECONDS = 86400
_NOT_A_DAY = np.datetime64("NaT", "D")


class Ages(NamedTuple):
    """int64[n] completed years, int64[n] days since birth, bool[n] where they are known."""

    years: np.ndarray
    days: np.ndarray
    known: np.ndarray


def unknown_ages(size: int) -> Ages:
    """No age for any row."""
    return Ages(np.zeros(size, np.int64), np.zeros(size, np.int64), np.zeros(size, bool))


def days_of(times: pa.Array | None, size: int) -> np.ndarray:
    """Timestamps or dates as datetime64[D], NaT where there is none."""
    if times is None:
        return np.full(size, _NOT_A_DAY)
    if isinstance(times, pa.ChunkedArray):
        times = times.combine_chunks()
    seconds = times.cast(pa.timestamp("s")).cast(pa.int64())
    days = pc.fill_null(seconds, 0).to_numpy(zero_copy_only=False) // _SECONDS
    return np.where(seconds.is_valid().to_numpy(zero_copy_only=False), days.astype("M8[D]"), _NOT_A_DAY)


def completed_years(birth: np.ndarray, day: np.ndarray) -> np.ndarray:
    """Years completed from birth to a day (datetime64[D], no NaT); a birthday of 29 February falls on 1 March else.

    >>> birth, day = np.array(["2024-01-01", "2020-02-29"], "M8[D]"), np.array(["2024-12-31", "2021-02-28"], "M8[D]")
    >>> completed_years(birth, day).tolist()
    [0, 0]
    """
    born, now = birth.astype("M8[M]"), day.astype("M8[M]")
    months = (now - born).astype(np.int64) - ((day - now) < (birth - born))
    return months // 12


def age_between(birth: np.ndarray, day: np.ndarray) -> Ages:
    """Age on a day, unknown where a date is NaT or birth comes later."""
    known = ~np.isnat(birth) & ~np.isnat(day)
    known[known] = birth[known] <= day[known]
    ages = unknown_ages(birth.size)
    ages.years[known] = completed_years(birth[known], day[known])
    ages.days[known] = (day[known] - birth[known]).astype(np.int64)
    return ages._replace(known=known)


def age_of_span(months: np.ndarray, days: np.ndarray, day: np.ndarray, known: np.ndarray) -> Ages:
    """Age of who is so many months and then days old, counted back from a day where there is one.

    months : int64; days : float64. Without a day a month has 30.4375 days and a year 365.25.

    >>> day = np.array(["2024-05-31", "NaT"], "M8[D]")
    >>> age_of_span(np.array([3, 3]), np.array([0.0, 0.0]), day, np.array([True, True])).days.tolist()
    [92, 91]
    """
    rest = np.floor(months % 12 * DAYS_OF_MONTH + days + 0.5).astype(np.int64)
    years = months // 12 + np.floor(rest / DAYS_OF_YEAR).astype(np.int64)
    # Whole years need no counting back.
    dated = known & ~np.isnat(day) & ((rest != 0) | (months % 12 != 0))
    if dated.any():
        on = day[dated]
        month = on.astype("M8[M]")
        back = month - months[dated]
        last = (back + 1).astype("M8[D]") - back.astype("M8[D]") - 1
        whole = np.floor(days[dated] + 0.5).astype(np.int64)
        birth = back.astype("M8[D]") + np.minimum(on - month.astype("M8[D]"), last) - whole
        years[dated] = completed_years(birth, on)
        rest[dated] = (on - birth).astype(np.int64)
    return Ages(years, rest, known)
