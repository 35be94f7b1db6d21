"""Which part of a clinical department's cost is outpatient and which inpatient (门急诊、住院的划分)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from drgengine.costing.allocation.problems import Problems
from drgengine.costing.bilingual import phrase
from drgengine.costing.findings import finding
from drgengine.costing.ledger.driverstats import DriverStatistics
from drgengine.costing.model import CostModel, Finding
from drgengine.costing.objects.departments import DepartmentCosts

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class SettingSplit:
    """Clinical cells by setting, fen: together exactly `DepartmentCosts.cells` without the level.

    outpatient, inpatient : dept_code, element, fund_source, behaviour, block, fen
    shares : dept_code -> outpatient share, for the departments that were split (共用)
    """

    outpatient: pd.DataFrame
    inpatient: pd.DataFrame
    shares: dict[str, float]
    findings: tuple[Finding, ...]


def split_settings(model: CostModel, costs: DepartmentCosts, activity: Any | None = None) -> SettingSplit:
    """Tell outpatient from inpatient cost of clinical departments.

    Departments of setting "both" are split by their executed outpatient and inpatient income when the policy
    setting_split is "income"; each split is a Finding with the share.
    Raises CostingError where a department with cost has no setting, or both and the policy refuses, or no income.
    """
    table = model.tables["departments"]
    setting = dict(zip(table["dept_code"].astype(str), table["setting"].astype(object), strict=True))
    keys = ["dept_code", "element", "fund_source", "behaviour", "block"]
    cells = costs.cells.groupby(keys, sort=False)["fen"].sum().reset_index()
    shares, findings = _shares(model, cells, setting, activity)
    part = np.array(
        [1.0 if setting[code] == "outpatient" else shares.get(code, 0.0) for code in cells["dept_code"]],
        dtype=np.float64,
    )
    outpatient = np.rint(cells["fen"].to_numpy() * part).astype(np.int64)
    inpatient = cells["fen"].to_numpy() - outpatient
    return SettingSplit(_kept(cells, outpatient), _kept(cells, inpatient), shares, tuple(findings))


def _kept(cells: pd.DataFrame, fen: Any) -> pd.DataFrame:
    return cells.assign(fen=fen)[fen != 0].reset_index(drop=True)


def _shares(
    model: CostModel, cells: pd.DataFrame, setting: dict[str, Any], activity: Any | None
) -> tuple[dict[str, float], list[Finding]]:
    """Outpatient share of every department with cost and setting both."""
    problems = Problems()
    statistics = DriverStatistics(model, activity)
    shares: dict[str, float] = {}
    findings = []
    amounts = cells.groupby("dept_code", sort=False)["fen"].sum()
    for code, fen in amounts.items():
        if setting[str(code)] in ("outpatient", "inpatient"):
            continue
        if setting[str(code)] != "both":
            problems.add(
                f"department {code}", "it is clinical and has no setting", "Enter outpatient, inpatient or both"
            )
        elif model.settings.policies.setting_split == "refuse":
            problems.add(
                f"department {code}",
                f"it serves outpatients and inpatients (共用) with a cost of {fen / 100:,.2f} yuan that is not divided",
                "Divide it into two cost units, or set setting_split = 'income' under [policies]",
            )
        else:
            at = statistics.departments.index(str(code))
            income = [statistics.of(word, str(code)).value[at] for word in ("outpatient_income", "inpatient_income")]
            if not (min(income) >= 0 and sum(income) > 0):
                problems.add(
                    f"department {code}",
                    f"its income of {income[0]:,.2f} outpatient and {income[1]:,.2f} inpatient cannot divide its cost",
                    "Divide it into two cost units",
                )
                continue
            shares[str(code)] = income[0] / sum(income)
            findings.append(
                finding(
                    "warning",
                    "setting_split",
                    phrase("department", code=str(code)),
                    float(fen / 100),
                    outpatient=shares[str(code)],
                    inpatient=1 - shares[str(code)],
                )
            )
    problems.stop("setting of departments")
    return shares, findings
