"""Case cost by DRG, ADRG or disease (病种成本、DRG 成本): statistics, composition, and the methods side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from drgengine.costing.cases.caserows import CASES, CaseRows, case_rows
from drgengine.costing.cases.pools import add_rows
from drgengine.costing.cases.scopecosts import GOODS_LABELS, goods_class
from drgengine.costing.ledger.directcosts import COST_ITEMS, cost_item
from drgengine.errors import CostingError

if TYPE_CHECKING:
    from drgengine.costing.cases.casecosts import CaseCosts

GroupBy = Literal["drg", "adrg", "disease"]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class GroupStatistics:
    """Cost of groups of cases. All pandas DataFrames, amounts in yuan.

    table : one row per group of discharged cases, sorted by code; then one row for each status of discharged cases
        without a group, and one for cases in hospital. Columns: `by`, status ("grouped", the status of the cases, or
        "in_hospital"), cases, days, mean_days, charge, mean_charge, cost, mean_cost, median, sd, cv, min, max, low,
        high (confidence interval of the mean), variable_cost, drug_cost, material_cost, service_cost, margin (charge
        - cost), cost_charge_ratio, and the seven cost items. sd, cv, low and high are missing for one case.
    elements, centre_groups : the same rows (index: number of the row), share of the cost per element, per centre group
    """

    by: GroupBy
    method: str
    table: Any
    elements: Any
    centre_groups: Any


def group_statistics(costs: CaseCosts, by: GroupBy = "drg", *, confidence: float = 0.95) -> GroupStatistics:
    """Statistics of case cost per group (病种、DRG 成本明细与构成).

    confidence : level of the interval of the mean, by Student's t over the cases of a group
        (settings.weights.confidence)

    Every case is in exactly one row. Raises CostingError: a level not between 0 and 1.
    """
    if not 0 < confidence < 1:
        raise CostingError("confidence", f"{confidence} is no level", "Give a number between 0 and 1, e.g. 0.95")
    number, groups, statuses = _number(costs, by)
    count, n = len(groups), number.size
    fen, variable = costs.object_fen[:n], costs.object_variable_fen[:n]
    elements = add_rows(number, fen, count)
    table: dict[str, Any] = {by: groups, "status": statuses}
    table |= _amounts(costs, number, count)
    table |= _spread(number, fen.sum(axis=1) / 100, count, confidence)
    table["variable_cost"] = add_rows(number, variable, count).sum(axis=1) / 100
    drugs = [n for n, element in enumerate(costs.elements) if goods_class(element) == 0]
    materials = [n for n, element in enumerate(costs.elements) if goods_class(element) == 1]
    table["drug_cost"] = elements[:, drugs].sum(axis=1) / 100
    table["material_cost"] = elements[:, materials].sum(axis=1) / 100
    table["service_cost"] = (elements.sum(axis=1) - elements[:, drugs + materials].sum(axis=1)) / 100
    table["margin"] = np.round(table["charge"] - table["cost"], 2)
    table["cost_charge_ratio"] = _divide(table["cost"], table["charge"])
    for name in COST_ITEMS:
        which = [n for n, element in enumerate(costs.elements) if cost_item(element) == name]
        table[name] = elements[:, which].sum(axis=1) / 100
    centres = _by_centre(costs, number, count).sum(axis=2)
    return GroupStatistics(
        by,
        costs.method,
        _frame(table),
        _shares(elements, costs.elements),
        _shares(centres, costs.centre_groups),
    )


def compare_case_methods(methods: Sequence[CaseCosts], by: GroupBy = "drg") -> tuple[Any, Any]:
    """Mean cost per group by several methods, and where they differ; the first is the one compared with.

    Returns two pandas DataFrames. The first, one row per group as in `group_statistics`: `by`, status, cases, then per
    method the mean cost, and for each but the first its difference, the difference in parts of the mean cost of the
    first (relative), and `largest`, the part that explains most of it. The second, long: `by`, status, method, part
    (a centre group, or a class of goods), difference of the mean: these add up to the difference.
    """
    first = methods[0]
    if any(m.objects["case_id"].tolist() != first.objects["case_id"].tolist() for m in methods[1:]):
        raise CostingError("methods", "they cost different cases", "Compare results of one model")
    number, groups, statuses = _number(first, by)
    count = len(groups)
    cases = np.bincount(number, minlength=count)
    parts = [_parts(costs, number, count) for costs in methods]
    names = sorted(set().union(*parts), key=lambda name: (name in GOODS_LABELS, name))
    wide: dict[str, Any] = {by: groups, "status": statuses, "cases": cases}
    long: dict[str, list[Any]] = {by: [], "status": [], "method": [], "part": [], "difference": []}
    means = [_divide(sum(part.values(), np.zeros(count)), cases) for part in parts]
    for costs, mean in zip(methods, means, strict=True):
        wide[costs.method] = mean
    for costs, part, mean in zip(methods[1:], parts[1:], means[1:], strict=True):
        zero = np.zeros(count)
        table = np.stack([part.get(n, zero) - parts[0].get(n, zero) for n in names])
        table = table / np.maximum(cases, 1)
        wide[f"{costs.method} difference"] = mean - means[0]
        wide[f"{costs.method} relative"] = _divide(mean - means[0], means[0])
        largest = np.argmax(np.abs(table), axis=0)
        wide[f"{costs.method} largest"] = np.where(table.any(axis=0), np.array(names, object)[largest], None)
        for group in range(count):
            for row in np.flatnonzero(table[:, group]):
                values = (groups[group], statuses[group], costs.method, names[row], table[row, group])
                for column, value in zip(long, values, strict=True):
                    long[column].append(value)
    return _frame(wide), _frame(long)


def paid_rows(costs: CaseCosts, payment: npt.ArrayLike, by: GroupBy = "drg") -> Any:
    """Payment and cost of the discharged cases with payment, per row of `group_statistics`: a pandas DataFrame.

    payment : float (discharged cases,), yuan, NaN where there is none; in the order of the objects
    Columns `by`, status, n (cases with payment), payment, full_cost, margin; each case stands in one row only.
    """
    number, groups, statuses = _number(costs, by)
    kind = costs.objects["kind"].to_numpy(object)[: number.size]
    discharged = np.flatnonzero(kind == CASES[0])
    amount = np.asarray(payment, np.float64)
    known = np.isfinite(amount)
    row, count = number[discharged[known]], len(groups)
    n = np.bincount(row, minlength=count)
    fen = np.bincount(row, np.rint(amount[known] * 100), count)
    cost = np.bincount(row, costs.object_fen[discharged[known]].sum(axis=1), count)
    some = n > 0
    table = {"n": n, "payment": fen / 100, "full_cost": cost / 100, "margin": (fen - cost) / 100}
    return _frame({by: groups, "status": statuses, **table})[some].reset_index(drop=True)


def _number(costs: CaseCosts, by: GroupBy) -> CaseRows:
    """Row of each case, see `case_rows`."""
    return case_rows(costs.objects[costs.objects["kind"].isin(CASES)], by)


def _amounts(costs: CaseCosts, number: npt.NDArray[np.int64], count: int) -> dict[str, Any]:
    cases = costs.objects.iloc[: number.size]
    size = np.bincount(number, minlength=count)
    table: dict[str, Any] = {"cases": size}
    for name, source in (("days", "los_days"), ("charge", "total_charge")):
        values = cases[source].to_numpy(float, na_value=np.nan)
        known = ~np.isnan(values)
        having = np.bincount(number[known], minlength=count)
        total = np.bincount(number[known], values[known], count)
        table[name] = np.round(np.where(having > 0, total, np.nan), 2)
        table[f"mean_{name}"] = _divide(table[name], having)
    return table


def _spread(number: npt.NDArray[np.int64], cost: Floats, count: int, confidence: float) -> dict[str, Any]:
    """Total, mean and spread of the cost of the cases of each row."""
    from scipy.special import stdtrit

    order = np.lexsort((cost, number))
    ordered, size = cost[order], np.bincount(number, minlength=count)
    first = np.cumsum(size) - size
    total = np.bincount(number[order], ordered, count)
    mean = total / size
    squares = np.bincount(number[order], (ordered - np.repeat(mean, size)) ** 2, count)
    sd = np.sqrt(_divide(squares, size - 1))
    half = stdtrit(np.maximum(size - 1, 1), (1 + confidence) / 2) * sd / np.sqrt(size)
    return {
        "cost": np.round(total, 2),
        "mean_cost": mean,
        "median": (ordered[first + (size - 1) // 2] + ordered[first + size // 2]) / 2,
        "sd": sd,
        "cv": _divide(sd, mean),
        "min": ordered[first],
        "max": ordered[first + size - 1],
        "low": mean - half,
        "high": mean + half,
    }


def _by_centre(costs: CaseCosts, number: npt.NDArray[np.int64], count: int) -> npt.NDArray[np.int64]:
    """Fen per row, centre group and element, int64 (rows, centre groups, elements)."""
    mine = costs.row_object < number.size
    groups = len(costs.centre_groups)
    key = number[costs.row_object[mine]] * groups + costs.row_group[mine]
    return add_rows(key, costs.cost[mine], count * groups).reshape(count, groups, len(costs.elements))


def _parts(costs: CaseCosts, number: npt.NDArray[np.int64], count: int) -> dict[str, Floats]:
    """Yuan per row: services by centre group, goods by class."""
    fen = _by_centre(costs, number, count)
    classes = np.array([goods_class(element) for element in costs.elements])
    services = fen[:, :, classes == -1].sum(axis=2) / 100
    parts = {group: services[:, n] for n, group in enumerate(costs.centre_groups) if services[:, n].any()}
    for n, label in enumerate(GOODS_LABELS):
        parts[label] = parts.get(label, np.zeros(count)) + fen[:, :, classes == n].sum(axis=(1, 2)) / 100
    return parts


def _shares(fen: npt.NDArray[np.int64], names: tuple[str, ...]) -> Any:
    import pandas as pd

    return pd.DataFrame(_divide(fen, fen.sum(axis=1, keepdims=True)), columns=list(names))


def _divide(above: Any, below: Any) -> Floats:
    top, bottom = np.broadcast_arrays(np.asarray(above, float), np.asarray(below, float))
    return np.divide(top, bottom, out=np.full(top.shape, np.nan), where=bottom != 0)


def _frame(columns: dict[str, Any]) -> Any:
    import pandas as pd

    return pd.DataFrame(columns)
