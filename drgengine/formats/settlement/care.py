"""Intensive care of a settlement list: the hours of all stays in such wards."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from drgengine.formats.cleaning import clean_dates, clean_hours
from drgengine.formats.settlement.evidence import Evidence
from drgengine.formats.settlement.profile import settlement_profile
from drgengine.formats.settlement.tables import InputTable
from drgengine.formats.settlement.words import is_one_of


@dataclass(frozen=True, slots=True, eq=False)
class Care:
    """hours : float64 of every settlement, null without intensive care; dummies : rows that say nothing"""

    hours: pa.Array
    dummies: int


def read_care(table: InputTable, parent: np.ndarray, count: int, evidence: Evidence) -> Care:
    """Hours in intensive care (重症监护时长): the stated duration, days/hours/minutes, else from entry to exit.

    Rows without duration and times ("*", "0/0/0") are no care; they are left out and counted.
    """
    dummy = np.ones(table.rows, bool)
    for purpose in ("start", "end", "duration"):
        dummy &= is_one_of(table.column(purpose), settlement_profile()["care"]["dummy"])
    use = ~dummy
    kept = {name: pc.if_else(pa.array(use), table.column(name).cast(pa.string()), None) for name in _PURPOSES}
    clean = {"duration": clean_hours, "start": clean_dates, "end": clean_dates}
    stated, start, end = (
        evidence.below(clean[name](kept[name], table.shown(name), 1), table.shown(name), parent, table.file)
        for name in ("duration", "start", "end")
    )
    seconds = pc.subtract(end.cast(pa.int64()), start.cast(pa.int64()))
    between = pc.if_else(pc.greater_equal(seconds, 0), pc.divide(seconds.cast(pa.float64()), 3600.0), None)
    # A duration of zero beside two times is a filler, too.
    hours = pc.coalesce(pc.if_else(pc.equal(stated, 0.0), between, stated), between, stated)
    counts = use & (parent >= 0) & np.asarray(pc.is_valid(hours))
    total = np.bincount(parent[counts], np.asarray(pc.fill_null(hours, 0.0))[counts], count)
    some = np.bincount(parent[counts], minlength=count) > 0
    return Care(pa.array(total, mask=~some), int(np.count_nonzero(dummy & (parent >= 0))))


_PURPOSES = ("start", "end", "duration")
