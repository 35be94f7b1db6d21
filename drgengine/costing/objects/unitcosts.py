"""Cost per unit of service, per department and for the hospital: what visits and bed-days have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from drgengine.costing.bilingual import Bilingual, in_language, phrase
from drgengine.costing.fen import to_yuan
from drgengine.costing.findings import finding
from drgengine.costing.intake.vocabulary import choice_word
from drgengine.costing.ledger.directcosts import COST_ITEMS, cost_item, is_goods
from drgengine.costing.ledger.scope import in_scope
from drgengine.costing.model import SCOPES, CostModel, Finding, Scope

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class UnitCosts:
    """Cost per visit (诊次成本) or per bed-day (床日成本).

    unit : "visit" or "bed_day"; count_name : "visits" or "bed_days"
    cells : the cost concerned, fen: dept_code, element, fund_source, behaviour, block, fen
    departments : dept_code, dept_name, scope, goods, cost_item, cost, units, unit_cost; scope one of the four, goods
        True with and False without drugs and separately charged materials, cost_item one of the seven or "total"; yuan
    hospital : scope, goods, cost_item, cost, units, unit_cost; all cost over all units
    wide : dept_code, dept_name, `count_name`, and one column per scope and goods such as "medical_per_visit" and
        "medical_without_goods_per_visit", in yuan per unit
    hospital_wide : the hospital's means under the same names
    findings : those of the division by setting stand both with visits and with bed-days
    unit_cost is null where there are no units; such cost stays in the mean of the hospital.
    """

    unit: str
    count_name: str
    cells: pd.DataFrame
    departments: pd.DataFrame
    hospital: pd.DataFrame
    wide: pd.DataFrame
    hospital_wide: dict[str, float]
    findings: tuple[Finding, ...]

    def cost(self, scope: Scope, *, goods: bool = True) -> float:
        """The hospital's mean cost per unit in a scope, in yuan; NaN without units."""
        return self.hospital_wide[column_name(self.unit, scope, goods)]


def column_name(unit: str, scope: Scope, goods: bool) -> str:
    """Name of a column of `UnitCosts.wide`.

    >>> column_name("visit", "medical", False)
    'medical_without_goods_per_visit'
    """
    return f"{scope}{'' if goods else '_without_goods'}_per_{unit}"


def unit_costs(
    model: CostModel,
    cells: pd.DataFrame,
    unit: str,
    indicators: tuple[str, ...],
    findings: tuple[Finding, ...] = (),
    *,
    together: str = "",
) -> UnitCosts:
    """Divide cells by the workload of their departments.

    cells : dept_code, element, fund_source, behaviour, block, fen
    indicators : of the table workload, added up: the units; a blank value counts as none
    together : indicator that holds them together already; where a department gives it, it stands in place of their sum
    Departments with cost and without units, or with units and without cost, are Findings.
    """
    import pandas as pd

    table = model.tables["departments"]
    codes = table["dept_code"].astype(str).tolist()
    units = (
        units_of(model.tables.get("workload"), indicators, together).reindex(codes, fill_value=0.0).to_numpy(np.float64)
    )
    cost = cells.groupby("dept_code")["fen"].sum().reindex(codes, fill_value=0).to_numpy()
    listed = np.flatnonzero((cost != 0) | (units != 0))
    rows = [codes[n] for n in listed]
    name = table["dept_name"].astype(object) if "dept_name" in table.columns else pd.Series(codes, dtype=object)
    names = name.where(name.notna(), "").to_numpy(dtype=object)[listed]
    noticed = [*findings, *_noticed(rows, cost[listed], units[listed], unit, indicators)]
    long, total, wide, mean = [], [], {}, {}
    for scope in SCOPES:
        for goods in (True, False):
            fen = _by_item(cells, rows, scope, goods)
            per = _per_unit(fen, units[listed])
            whole = _per_unit(fen.sum(axis=0, keepdims=True), units.sum(keepdims=True))
            long.append(_long(fen, per, units[listed], rows, names, scope, goods))
            total.append(
                _long(fen.sum(axis=0, keepdims=True), whole, units.sum(keepdims=True), [""], [""], scope, goods)
            )
            wide[column_name(unit, scope, goods)] = per[:, -1]
            mean[column_name(unit, scope, goods)] = float(whole[0, -1])
    first = {"dept_code": np.array(rows, dtype=object), "dept_name": names, f"{unit}s": units[listed]}
    return UnitCosts(
        unit=unit,
        count_name=f"{unit}s",
        cells=cells,
        departments=pd.concat(long, ignore_index=True),
        hospital=pd.concat(total, ignore_index=True).drop(columns=["dept_code", "dept_name"]),
        wide=pd.DataFrame({**first, **wide}),
        hospital_wide=mean,
        findings=tuple(noticed),
    )


def units_of(workload: pd.DataFrame | None, indicators: tuple[str, ...], together: str = "") -> pd.Series:
    """Units by department code, float64; of departments the workload lists."""
    import pandas as pd

    if workload is None:
        return pd.Series(dtype=np.float64)
    known = workload[workload["value"].notna()]
    code, indicator = known["dept_code"].astype(str), known["indicator"].astype(str)
    parts = known["value"].astype(np.float64)[indicator.isin(indicators)].groupby(code).sum()
    whole = known["value"].astype(np.float64)[indicator.eq(together)].groupby(code).sum()
    return whole.combine_first(parts)


def _by_item(cells: pd.DataFrame, codes: list[str], scope: Scope, goods: bool) -> Any:
    """fen int64 (departments, seven cost items and their total)."""
    import pandas as pd

    chosen = in_scope(cells, scope)
    if not goods:
        chosen &= ~np.array([is_goods(element) for element in cells["element"]], dtype=bool)
    kept = cells[chosen]
    fen = np.zeros((len(codes), len(COST_ITEMS) + 1), dtype=np.int64)
    at = pd.Index(codes, dtype=object).get_indexer(kept["dept_code"])
    item = pd.Index(COST_ITEMS, dtype=object).get_indexer([cost_item(element) for element in kept["element"]])
    np.add.at(fen, (at, item), kept["fen"].to_numpy())
    fen[:, -1] = fen.sum(axis=1)
    return fen


def _per_unit(fen: Any, units: Any) -> Any:
    """Yuan per unit, NaN without units."""
    some = units > 0
    return np.where(some[:, None], to_yuan(fen) / np.where(some, units, 1.0)[:, None], np.nan)


def _long(fen: Any, per: Any, units: Any, codes: Any, names: Any, scope: Scope, goods: bool) -> pd.DataFrame:
    import pandas as pd

    items = [*COST_ITEMS, "total"]
    return pd.DataFrame(
        {
            "dept_code": np.repeat(np.array(codes, dtype=object), len(items)),
            "dept_name": np.repeat(np.array(names, dtype=object), len(items)),
            "scope": scope,
            "goods": goods,
            "cost_item": np.tile(np.array(items, dtype=object), len(codes)),
            "cost": to_yuan(fen).ravel(),
            "units": np.repeat(units, len(items)),
            "unit_cost": per.ravel(),
        }
    )


def _noticed(codes: list[str], cost: Any, units: Any, unit: str, indicators: tuple[str, ...]) -> list[Finding]:
    findings = []
    words = [choice_word("indicator", name) for name in indicators]
    values = {
        "indicators": Bilingual(" + ".join(words), " + ".join(in_language(name, "zh") for name in words)),
        "what": phrase("outpatient") if unit == "visit" else phrase("inpatient"),
    }
    for code, fen, count in zip(codes, cost, units, strict=True):
        place = phrase("department", code=code)
        if fen and count <= 0:
            cost, per = float(to_yuan(fen)), phrase("per_visit") if unit == "visit" else phrase("per_bed_day")
            findings.append(finding("warning", "zero_units", place, cost, cost=cost, count=count, per=per, **values))
        elif not fen:
            findings.append(finding("warning", "units_without_cost", place, count=count, **values))
    return findings
