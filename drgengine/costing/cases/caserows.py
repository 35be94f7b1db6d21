"""Row of each case in tables by DRG, ADRG or disease: its group, or a row of its own status (未入组、歧义、在院)."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

GROUPS = ("drg", "adrg", "disease")
CASES = ("discharged", "in_hospital")
GROUPED, NO_GROUP, IN_HOSPITAL = "grouped", "no_group", "in_hospital"


class CaseRows(NamedTuple):
    """number : int64 (cases,), row of each case; groups, statuses : of each row, group None where it is a status."""

    number: npt.NDArray[np.int64]
    groups: list[str | None]
    statuses: list[str]


def case_rows(cases: Any, by: str) -> CaseRows:
    """Rows of cases: groups by code, then discharged cases without a group by status, then cases in hospital.

    cases : pandas DataFrame with kind, status and `by`. Codes such as 0000 and FQY stand with cases that belong to no
    group and name none: by DRG or ADRG a case whose status is not "grouped" stands under its status. Objects that are
    no cases stand under their kind, last.
    """
    import pandas as pd

    kind, group = cases["kind"].to_numpy(object), cases[by].to_numpy(object)
    status = cases["status"].to_numpy(object)
    told, blank = pd.notna(status), pd.isna(group)
    blank |= np.array([not str(text).strip() for text in group], bool)
    outside = told & (status != GROUPED) if by != "disease" else np.zeros(len(cases), bool)
    without = np.where(told, status, NO_GROUP)
    discharged, waiting = kind == CASES[0], kind == CASES[1]
    rank = np.select([discharged & ~(outside | blank), discharged, waiting], [0, 1, 2], 3)
    label = np.select([rank == 0, rank == 1, rank == 2], [group, without, IN_HOSPITAL], kind)
    keys = pd.MultiIndex.from_arrays([rank, label.astype(str)])
    number, distinct = keys.factorize(sort=True)
    groups = [str(text) if place == 0 else None for place, text in distinct]
    statuses = [GROUPED if place == 0 else str(text) for place, text in distinct]
    return CaseRows(number.astype(np.int64), groups, statuses)


def grouped_cases(cases: Any, by: str = "drg") -> npt.NDArray[np.object_]:
    """Group of each case, None where the case stands under a status; see `case_rows`. Cases are discharged ones."""
    rows = case_rows(cases, by)
    found: npt.NDArray[np.object_] = np.array([*rows.groups, None], object)[rows.number]
    return found
