"""Readmission within k days of discharge (再住院率): all causes, same MDC, unplanned."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from drgengine.errors import EvaluationError
from drgengine.evaluation.mix.defaults import defaults, series_adrgs
from drgengine.evaluation.mix.exactintervals import binomial_interval
from drgengine.evaluation.mix.measures import over
from drgengine.evaluation.mix.nextstaykernel import next_stay_kernel
from drgengine.evaluation.mix.staytable import Stays, read_stays

KINDS = ("all_cause", "same_mdc", "unplanned")
Mask = np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Readmissions:
    """Readmission rates per unit of the index stay.

    table : one row per unit, kind (all_cause | same_mdc | unplanned) and window: index_stays with a complete window,
        readmissions, rate, low, high (exact binomial)
    flow : stays by what became of them: stays, no_patient, no_dates, series_drg, excluded_disposition, index_stays;
        stays is the sum of the others
    incomplete : index stays per window whose window ends after `until`; they are in no rate
    same_day : index stays followed on the day of discharge (gap 0, counted; often a transfer inside the hospital)
    overlapping : index stays with another stay of the patient that began before they ended (not counted)
    until : last day on which a readmission would be seen
    """

    table: pd.DataFrame
    flow: dict[str, int]
    incomplete: dict[int, int]
    same_day: int
    overlapping: int
    until: dt.date
    settings: dict[str, Any]


def readmissions(
    cases: Any,
    by: str | Sequence[str] = "hospital_id",
    *,
    windows: Sequence[int] | None = None,
    until: dt.date | None = None,
    same_hospital: bool = False,
    excluded_adrgs: Collection[str] | None = None,
    excluded_dispositions: Collection[int] | None = None,
    confidence: float = 0.95,
) -> Readmissions:
    """Rates of readmission: the same patient's next admission - the discharge <= k days.

    cases : as in unit_statistics(); needs patient_id, admission_date, discharge_date; uses discharge_disposition,
        planned_readmission, mdc, adrg or drg. Needs the whole table at once, about 60 bytes per stay
    windows : k in days (default 7, 14, 15, 30, 31)
    until : last day on which admissions are seen; default the last discharge date. Index stays discharged within
        k days before it have no complete window and are left out of that window's rate. As stays enter the data at
        discharge, a readmission shortly before `until` may be missing: give an earlier day where that matters
    same_hospital : True counts only readmission to the same hospital (hospital_id)
    excluded_adrgs : ADRG or DRG codes of stays that come in series and neither open a window nor count as readmission
        (default chemotherapy, radiotherapy, dialysis, rehabilitation; data/evaluation_casemix.toml)
    excluded_dispositions : after which no window opens (default 2, 3 transfer, 5 death); such stays may be readmissions

    unplanned : index stay discharged on medical advice (离院方式 1) with 出院31天内再住院计划 = 无; the
    denominator is the same for all three kinds. same_mdc : the next counting admission has the MDC of the
    index stay.

    >>> import pyarrow as pa
    >>> table = pa.table({"hospital_id": ["H1", "H1", "H1"], "patient_id": ["A", "A", "B"], "drg": ["FR25"] * 3,
    ...     "admission_date": [dt.date(2025, 1, 1), dt.date(2025, 1, 12), dt.date(2025, 2, 20)],
    ...     "discharge_date": [dt.date(2025, 1, 5), dt.date(2025, 1, 15), dt.date(2025, 3, 1)]})
    >>> readmissions(table, windows=[7]).table.loc[("H1", "all_cause", 7), ["index_stays", "readmissions"]].to_list()
    [2, 1]
    """
    chosen = defaults()["readmission"]
    days = sorted({int(k) for k in (chosen["windows_days"] if windows is None else windows)})
    if not days or days[0] < 0:
        raise EvaluationError("windows", f"{list(windows or [])!r}", "Give days from 0, e.g. [7, 30]")
    series = series_adrgs() if excluded_adrgs is None else frozenset(excluded_adrgs)
    gone = frozenset(chosen["excluded_dispositions"] if excluded_dispositions is None else excluded_dispositions)
    stays = read_stays(cases, by, same_hospital)
    usable = stays.patient >= 0
    dated = usable & stays.dated
    in_series = stays.in_groups(series)
    opens = dated & ~in_series & ~np.isin(stays.disposition, list(gone))
    flow = {
        "stays": len(stays.patient),
        "no_patient": int((~usable).sum()),
        "no_dates": int((usable & ~stays.dated).sum()),
        "series_drg": int((dated & in_series).sum()),
        "excluded_disposition": int((dated & ~in_series & ~opens).sum()),
        "index_stays": int(opens.sum()),
    }
    if not dated.any():
        raise EvaluationError("cases", "no stay has a patient and both dates", "Check patient_id and the dates")
    last = int(stays.discharge[dated].max()) if until is None else (until - dt.date(1970, 1, 1)).days
    follower, overlapping = _followers(stays, dated, opens, ~in_series, days[-1])
    events = _events(stays, follower, chosen)
    table, incomplete = _table(stays, opens, events, days, last, confidence)
    settings = {
        "windows": tuple(days),
        "same_hospital": same_hospital,
        "excluded_adrgs": tuple(sorted(series)),
        "excluded_dispositions": tuple(sorted(gone)),
        "confidence": confidence,
    }
    gap = events["gap"]
    day = dt.date(1970, 1, 1) + dt.timedelta(days=last)
    return Readmissions(table, flow, incomplete, int((opens & (gap == 0)).sum()), int(overlapping.sum()), day, settings)


def _followers(stays: Stays, dated: Mask, opens: Mask, counts: Mask, longest: int) -> tuple[np.ndarray, Mask]:
    """Row of the readmission per stay, -1 without one; and whether another stay overlaps."""
    rows = np.flatnonzero(dated)
    order = rows[np.lexsort((stays.discharge[rows], stays.admission[rows], stays.patient[rows]))]
    follower, overlapping = np.full(order.size, -1, np.int64), np.zeros(order.size, np.bool_)
    next_stay_kernel(
        stays.patient[order],
        stays.admission[order],
        stays.discharge[order],
        opens[order],
        counts[order],
        longest,
        follower,
        overlapping,
    )
    found = np.full(dated.size, -1, np.int64)
    found[order] = np.where(follower >= 0, order[follower], -1)
    overlap = np.zeros(dated.size, np.bool_)
    overlap[order] = overlapping
    return found, overlap


def _events(stays: Stays, follower: np.ndarray, chosen: dict[str, Any]) -> dict[str, np.ndarray]:
    """Gap in days (-1 = none) and the three kinds as masks per stay."""
    there = follower >= 0
    gap = np.where(there, stays.admission[follower].astype(np.int64) - stays.discharge, -1)
    same = there & (stays.mdc >= 0) & (stays.mdc[follower] == stays.mdc)
    unplanned = there & (stays.disposition == chosen["unplanned_disposition"]) & stays.no_plan
    return {"gap": gap, "all_cause": there, "same_mdc": same, "unplanned": unplanned}


def _table(
    stays: Stays, opens: Mask, events: dict[str, np.ndarray], days: list[int], last: int, confidence: float
) -> tuple[pd.DataFrame, dict[int, int]]:
    size = len(stays.units)
    incomplete: dict[int, int] = {}
    parts: dict[tuple[str, int], pd.DataFrame] = {}
    for k in days:
        complete = opens & (stays.discharge.astype(np.int64) + k <= last)
        incomplete[k] = int(opens.sum() - complete.sum())
        n = np.bincount(stays.unit[complete], minlength=size)
        for kind in KINDS:
            hit = complete & events[kind] & (events["gap"] <= k)
            d = np.bincount(stays.unit[hit], minlength=size)
            low, high = binomial_interval(d, n, confidence)
            columns = {"index_stays": n, "readmissions": d, "rate": over(d, n), "low": low, "high": high}
            parts[kind, k] = pd.DataFrame(columns, index=stays.units)
    table = pd.concat(parts, names=["kind", "window"])
    names = list(stays.units.names)
    return table.reorder_levels([*names, "kind", "window"]).sort_index(), incomplete
