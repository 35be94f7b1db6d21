"""Who shares the cost of a clinical department in the top-down method: its inpatients, by time, and its outpatients."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from drgengine.costing.bilingual import listed, phrase
from drgengine.costing.cases.pools import OUTPATIENT, UNASSIGNED, UNMATCHED, Claims, make_claims
from drgengine.costing.cases.scopecosts import ScopedCosts
from drgengine.costing.cases.staydays import stay_days
from drgengine.costing.findings import finding
from drgengine.costing.intake.vocabulary import table_word
from drgengine.costing.model import CostModel, Finding
from drgengine.costing.objects.settingsplit import split_settings
from drgengine.errors import CostingError

if TYPE_CHECKING:
    from drgengine.costing.charges.activity import Activity
    from drgengine.costing.objects.departments import DepartmentCosts


def ward_claims(
    model: CostModel, activity: Activity, departments: DepartmentCosts, costs: ScopedCosts
) -> tuple[Claims, tuple[Finding, ...]]:
    """Claims on departments: pool = department of costs, weight = bed-days or hours.

    costs : full cost of the clinical departments without goods

    The object OUTPATIENT has a department of outpatients alone, and of one that serves both the weight that gives it
    its share of income.
    """
    stays = stay_days(model, costs.departments, model.settings.cases.top_down_key)
    findings, n = list(stays.findings), activity.n_cases
    known = stays.department >= 0
    pool, weight = stays.department[known], stays.amount[known]
    thing = np.where(stays.case[known] >= 0, stays.case[known], n + UNMATCHED)
    days = np.bincount(pool, weight, len(costs.departments))
    share, noticed = _outpatient_shares(model, activity, departments, costs)
    findings += noticed
    filled = (costs.fen != 0).any(axis=1)
    extra = [(row, n + OUTPATIENT, 1.0) for row in np.flatnonzero(filled & (share == 1))]
    for row in np.flatnonzero((share > 0) & (share < 1)):
        if days[row] > 0:
            extra.append((row, n + OUTPATIENT, float(days[row] * share[row] / (1 - share[row]))))
        else:
            findings.append(_no_days(model, costs.departments[row]))
            extra += [(row, n + OUTPATIENT, float(share[row])), (row, n + UNASSIGNED, float(1 - share[row]))]
    outpatient = (share == 1)[pool]
    if outpatient.any():
        amount = weight[outpatient].sum()
        findings.append(finding("warning", "stay_in_outpatient", table_word("stays"), days=amount))
    free = ~filled[pool]
    if free.any():
        codes = listed((costs.departments[n] for n in np.unique(pool[free])), 5)
        values = {"days": weight[free].sum(), "departments": codes}
        findings.append(finding("warning", "activity_without_cost.stays", table_word("stays"), **values))
    claims, negative = make_claims(
        np.concatenate([pool[~outpatient], np.array([row for row, _, _ in extra], np.int32)]),
        np.concatenate([thing[~outpatient], np.array([who for _, who, _ in extra], np.int32)]),
        np.concatenate([weight[~outpatient], np.array([part for _, _, part in extra], float)]),
        place=table_word("stays"),
    )
    return claims, (*findings, *negative)


def _outpatient_shares(
    model: CostModel, activity: Activity, departments: DepartmentCosts, costs: ScopedCosts
) -> tuple[npt.NDArray[np.float64], list[Finding]]:
    """Part of each department's cost that is for outpatients: 0, 1, or what visits and bed-days take, too."""
    split = split_settings(model, departments, activity)
    table = model.tables["departments"]
    setting = dict(zip(table["dept_code"], table["setting"].astype(object), strict=True))
    filled = (costs.fen != 0).any(axis=1)
    share = [
        1.0 if setting[code] == "outpatient" else split.shares.get(code, 0.0) if full else 0.0
        for code, full in zip(costs.departments, filled.tolist(), strict=True)
    ]
    return np.array(share), list(split.findings)


def _no_days(model: CostModel, code: str) -> Finding:
    """Inpatients brought income and have no days: a pool without activity in part."""
    place = phrase("department", code=code)
    if model.settings.policies.idle_pool == "refuse":
        problem = "it has income from inpatients and no bed-days"
        raise CostingError(place, problem, 'Complete the stays, or set policies.idle_pool = "unassigned"')
    return finding("warning", "idle_pool.no_days", place)
