"""Cost per outpatient visit (诊次成本)."""

from __future__ import annotations

from typing import Any

from drgengine.costing.model import CostModel
from drgengine.costing.objects.departments import DepartmentCosts
from drgengine.costing.objects.settingsplit import SettingSplit, split_settings
from drgengine.costing.objects.unitcosts import UnitCosts, unit_costs

VISIT_INDICATORS = ("outpatient_visits", "emergency_visits")
"""门诊人次, 急诊人次: rows of the table workload."""

ALL_VISITS = "visits"
"""门急诊人次: both together, in place of the two where a department gives it."""


def visit_costs(
    model: CostModel, costs: DepartmentCosts, activity: Any | None = None, *, split: SettingSplit | None = None
) -> UnitCosts:
    """Cost per visit of each department and of the hospital, in the four scopes, with and without goods.

    department: 门急诊成本 / 门急诊人次; hospital: sum of outpatient cost / sum of visits (norm 国卫财务发〔2021〕4号,
    formula as recalled).
    Visits are the indicator visits where a department gives it, else 门诊人次 + 急诊人次.
    split : from `split_settings`, where it is there already; activity is needed only to make it
    Raises CostingError like `split_settings`.
    """
    split = split or split_settings(model, costs, activity)
    return unit_costs(model, split.outpatient, "visit", VISIT_INDICATORS, split.findings, together=ALL_VISITS)
