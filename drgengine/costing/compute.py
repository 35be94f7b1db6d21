"""The whole calculation of a model, in its order: ledger, allocation, cost objects, cases, weights and margins."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, get_args

from drgengine.costing.allocation.allocate import allocate
from drgengine.costing.allocation.comparemethods import MethodComparison, compare_methods
from drgengine.costing.bilingual import Bilingual
from drgengine.costing.cases.casecosts import CaseCosts, collect
from drgengine.costing.cases.casemethods import METHODS, MethodPools
from drgengine.costing.cases.caseobjects import case_objects
from drgengine.costing.charges.activity import Activity
from drgengine.costing.charges.readcharges import read_activity
from drgengine.costing.fen import to_yuan
from drgengine.costing.findings import finding
from drgengine.costing.ledger.directcosts import DirectCosts, direct_costs
from drgengine.costing.ledger.drivers import DriverTable, driver_matrix
from drgengine.costing.model import AllocationMethod, CaseMethod, CostModel, Finding, with_method
from drgengine.costing.objects.beddays import bed_day_costs
from drgengine.costing.objects.departments import DepartmentCosts, department_costs, giving_order
from drgengine.costing.objects.items import ItemCosts, item_costs
from drgengine.costing.objects.reconcile import Reconciliation, reconcile
from drgengine.costing.objects.settingsplit import split_settings
from drgengine.costing.objects.unitcosts import UnitCosts
from drgengine.costing.objects.visits import visit_costs
from drgengine.costing.reports.reportwords import shown_value
from drgengine.costing.value.casevalue import CaseValue, case_value
from drgengine.errors import CostingError

Progress = Callable[[int, int | None], None]


@dataclass(frozen=True, slots=True, eq=False)
class Computation:
    """Everything a run finds out, before it is written.

    pools : of the main case method, kept to lead a case's cost back to where it came from
    items, cases, value are None for a model without charge lines or discharges (department costing only)
    """

    model: CostModel
    activity: Activity
    direct: DirectCosts
    drivers: DriverTable
    departments: DepartmentCosts
    comparison: MethodComparison
    visits: UnitCosts
    bed_days: UnitCosts
    items: ItemCosts | None
    pools: MethodPools | None
    cases: dict[CaseMethod, CaseCosts]
    value: CaseValue | None
    reconciliation: Reconciliation

    @property
    def main(self) -> CaseCosts | None:
        """Case costs by the main method of the model."""
        return self.cases.get(self.model.settings.cases.main)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All of them in the order of the calculation, none twice."""
        found: list[Finding] = [
            *self.model.findings,
            *self.activity.findings,
            *self.direct.findings,
            *self.drivers.findings,
            *self.departments.findings,
            *self.visits.findings,
            *self.bed_days.findings,
        ]
        if self.items is not None:
            found += self.items.findings
        for method, costs in self.cases.items():
            main = method == self.model.settings.cases.main
            found += costs.findings if main else _of_other_method(method, costs.findings, found)
        if self.value is not None:
            found += self.value.findings
        return tuple(dict.fromkeys(found))

    @property
    def payment(self) -> dict[str, Any] | None:
        """How cases were paid, for notes and manifest; None without payment."""
        return None if self.value is None else self.value.payment_used


def compute_model(model: CostModel, progress: Progress | None = None) -> Computation:
    """Compute a model that has been read and checked.

    Raises CostingError: whatever the data leave open and no policy decides; a reconciliation that does not close.
    """
    activity = read_activity(model, progress=progress)
    direct = direct_costs(model)
    drivers = driver_matrix(model, activity)
    departments = department_costs(model, direct, drivers)
    split = split_settings(model, departments, activity)
    items, pools, cases, value = None, None, dict[CaseMethod, CaseCosts](), None
    if activity.service.lines.size:
        items = item_costs(model, activity, departments)
    if activity.service.lines.size and len(model.tables.get("discharges", ())):
        pools, cases = _cases(model, activity, departments)
        value = case_value(model, cases[model.settings.cases.main])
    main = cases.get(model.settings.cases.main)
    reconciliation = reconcile(model, direct, departments, None if main is None else main.reconciliation_objects)
    if not reconciliation.ok:
        raise CostingError(
            str(model.folder),
            f"the results miss the ledger by {reconciliation.largest:,.2f} yuan:\n{reconciliation.text('en')}",
            "This is a mistake of the program: report it with the model",
        )
    return Computation(
        model=model,
        activity=activity,
        direct=direct,
        drivers=drivers,
        departments=departments,
        comparison=allocation_comparison(model, activity, direct, drivers),
        visits=visit_costs(model, departments, activity, split=split),
        bed_days=bed_day_costs(model, departments, activity, split=split),
        items=items,
        pools=pools,
        cases=cases,
        value=value,
        reconciliation=reconciliation,
    )


def allocation_comparison(
    model: CostModel, activity: Activity, direct: DirectCosts, drivers: DriverTable | None = None
) -> MethodComparison:
    """The ledger allocated by every method (分摊方法比较), under the settings of the model.

    drivers : of the run, by which its own method is allocated. The other methods need drivers by which every department
        may receive; where the policies refuse those, the other methods stand in `refused`.
    """
    own = driver_matrix(model, activity) if drivers is None else drivers
    method = model.settings.allocation.method
    table = model.tables["departments"]
    category = dict(zip(table["dept_code"].astype(str), table["category"].astype(str), strict=True))
    givers = [code for code in own.statistics.index if category[code] != "clinical"]
    costs = direct.matrix.T.groupby(level=0, sort=False).sum().T.apply(to_yuan)
    options: dict[str, Any] = {
        "category": category,
        "order": giving_order(model, givers, category, ("clinical",)),
        "self_use": model.settings.policies.self_use,
        "negative": "allocate",
    }
    final = [code for code in costs.index if category[code] == "clinical"]
    mine = allocate(costs, own.statistics.loc[givers], method, final=final, **options)
    try:
        every = own if method != "three-level" else driver_matrix(with_method(model, "reciprocal"), activity)
        found = compare_methods(costs, every.statistics.loc[givers], **options)
    except CostingError as error:
        refused = {name: str(error) for name in get_args(AllocationMethod) if name != method}
        return MethodComparison({method: mine}, refused, ())
    return replace(found, allocations={**found.allocations, method: mine})


def _of_other_method(method: CaseMethod, findings: tuple[Finding, ...], before: list[Finding]) -> list[Finding]:
    """Findings of a case method besides the main one: its idle pools hold cost that the main method told of, too."""
    word = Bilingual(method, shown_value(method, "value", "zh"))
    return [
        finding(one.severity, "idle_pool_other", one.place, one.amount, method=word, text=one.problem)
        if one.rule == "idle_pool" and one not in before
        else one
        for one in findings
    ]


def _cases(
    model: CostModel, activity: Activity, departments: DepartmentCosts
) -> tuple[MethodPools, dict[CaseMethod, CaseCosts]]:
    settings = model.settings.cases
    objects = case_objects(model, activity)

    def cost(name: CaseMethod) -> tuple[MethodPools, CaseCosts]:
        pools = METHODS[name](model, activity, departments)
        return pools, collect(pools, objects, settings.scope)

    names = tuple(dict.fromkeys((settings.main, *settings.methods)))
    with ThreadPoolExecutor(len(names)) as threads:
        made = dict(zip(names, threads.map(cost, names), strict=True))
    return made[settings.main][0], {name: costs for name, (_, costs) in made.items()}
