"""Days or hours that each case spent in each department (住院天数、诊疗时间): the key of the top-down method."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from drgengine.costing.bilingual import listed, phrase
from drgengine.costing.findings import finding
from drgengine.costing.intake.vocabulary import table_word
from drgengine.costing.model import CostModel, Finding
from drgengine.errors import CostingError

HOURS_OF_A_DAY = 24.0


@dataclass(frozen=True, slots=True)
class StayDays:
    """Stays, one entry per row of the table `stays` and one per case without any.

    case : int32, row of the discharges table; -1 where the case is not among them
    department : int32, index of the department; -1 where it is not known
    amount : float64, bed-days or hours
    """

    case: npt.NDArray[np.int32]
    department: npt.NDArray[np.int32]
    amount: npt.NDArray[np.float64]
    findings: tuple[Finding, ...]


def stay_days(model: CostModel, departments: tuple[str, ...], key: Literal["bed_days", "hours"]) -> StayDays:
    """Ward stays of all inpatients, in bed-days or hours.

    Taken from the table `stays`; a case that has no row there counts its whole length of stay (los_days, a stay of less
    than a day counts 1) in `department_id`. Without los_days the days from admission to discharge, or to the end of the
    period, count. Hours that are not given are 24 for each bed-day.

    Raises CostingError: a department that is not in the table of departments (policy unknown_department = "refuse").
    """
    import pandas as pd

    cases = model.tables["discharges"]
    number = {code: n for n, code in enumerate(cases["case_id"])}
    of_department = {code: n for n, code in enumerate(departments)}
    findings: list[Finding] = []
    stays = model.tables.get("stays")
    case, department, amount = _from_table(stays, number, of_department, key, findings)
    seen = np.zeros(len(cases), bool)
    seen[case[case >= 0]] = True
    rest = np.flatnonzero(~seen)
    if rest.size:
        if stays is not None and len(stays):
            place = model.settings.tables.get("stays", table_word("stays"))
            findings.append(finding("note", "case_without_stay", place, n=rest.size))
        days = _length_of_stay(cases.iloc[rest], model, findings)
        if key == "hours":
            days = days * HOURS_OF_A_DAY
        codes = cases["department_id"].iloc[rest]
        case = np.concatenate([case, rest])
        department = np.concatenate(
            [department, [-1 if pd.isna(c) else of_department.get(c, -1) for c in codes]]
        ).astype(np.int32)
        amount = np.concatenate([amount, days])
        place = model.settings.tables.get("discharges", table_word("discharges"))
        _refuse_unknown(codes, of_department, place, model, findings)
    return StayDays(case.astype(np.int32), department.astype(np.int32), amount, tuple(findings))


def _from_table(
    stays: Any, number: dict[str, int], of_department: dict[str, int], key: str, findings: list[Finding]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    if stays is None or not len(stays):
        return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0)
    case = np.array([number.get(code, -1) for code in stays["case_id"]], np.int64)
    department = np.array([of_department.get(code, -1) for code in stays["dept_code"]], np.int64)
    amount = stays["bed_days"].to_numpy(float, na_value=np.nan)
    if key == "hours":
        hours = stays["hours"].to_numpy(float, na_value=np.nan) if "hours" in stays else np.full(len(stays), np.nan)
        missing = int(np.isnan(hours).sum())
        if missing:
            place = table_word("stays")
            findings.append(finding("warning", "hours_from_days.run", place, n=missing, rows=len(stays)))
        amount = np.where(np.isnan(hours), amount * HOURS_OF_A_DAY, hours)
    unknown = case < 0
    if unknown.any():
        cases = listed(map(str, stays["case_id"][unknown].unique()), 5)
        place = table_word("stays")
        findings.append(finding("warning", "stay_without_case", place, n=int(unknown.sum()), cases=cases))
    return case, department, amount


def _length_of_stay(cases: Any, model: CostModel, findings: list[Finding]) -> npt.NDArray[np.float64]:
    import pandas as pd

    place = model.settings.tables.get("discharges", table_word("discharges"))
    days = cases["los_days"].to_numpy(float, na_value=np.nan)
    missing = np.isnan(days)
    if missing.any():
        until = pd.to_datetime(cases["discharge_date"]).fillna(pd.Timestamp(model.settings.end))
        since = pd.to_datetime(cases["admission_date"])
        days = np.where(missing, (until - since).dt.days.to_numpy(float, na_value=np.nan), days)
        findings.append(finding("note", "length_of_stay_from_dates", place, n=int(missing.sum())))
    still = np.isnan(days)
    if still.any():
        first = cases["case_id"].iloc[int(np.flatnonzero(still)[0])]
        findings.append(finding("warning", "no_length_of_stay", place, n=int(still.sum()), first=first))
    return np.maximum(np.where(still, 1.0, days), 1.0)


def _refuse_unknown(
    codes: Any, of_department: dict[str, int], place: str, model: CostModel, findings: list[Finding]
) -> None:
    import pandas as pd

    unknown = [c for c in codes if pd.isna(c) or c not in of_department]
    if not unknown:
        return
    named = sorted({phrase("empty") if pd.isna(c) else str(c) for c in unknown})
    values = {"n": len(unknown), "departments": listed(named, 5)}
    told = finding("warning", "unknown_department.discharges", place, **values)
    if model.settings.policies.unknown_department == "refuse":
        raise CostingError(place, told.problem, told.remedy)
    findings.append(told)
