"""Cost per occupied bed-day (床日成本)."""

from __future__ import annotations

from typing import Any

from drgengine.costing.model import CostModel
from drgengine.costing.objects.departments import DepartmentCosts
from drgengine.costing.objects.settingsplit import SettingSplit, split_settings
from drgengine.costing.objects.unitcosts import UnitCosts, unit_costs

BED_DAY_INDICATORS = ("bed_days",)
"""实际占用床日数: rows of the table workload."""


def bed_day_costs(
    model: CostModel, costs: DepartmentCosts, activity: Any | None = None, *, split: SettingSplit | None = None
) -> UnitCosts:
    """Cost per occupied bed-day of each department and of the hospital, in the four scopes, with and without goods.

    department: 住院成本 / 实际占用床日数, neither days of discharged patients nor open beds; hospital: sum of inpatient
    cost / sum of occupied bed-days (norm 国卫财务发〔2021〕4号, formula as recalled).
    split : from `split_settings`, where it is there already; activity is needed only to make it
    Raises CostingError like `split_settings`.
    """
    split = split or split_settings(model, costs, activity)
    return unit_costs(model, split.inpatient, "bed_day", BED_DAY_INDICATORS, split.findings)
