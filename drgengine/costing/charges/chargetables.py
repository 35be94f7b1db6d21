"""The small tables of a model as charge lines need them: numbers by code, factors by item."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from drgengine.costing.intake.deptmap import targets_of
from drgengine.costing.intake.vocabulary import tables
from drgengine.costing.model import CostModel
from drgengine.errors import CostingError

_FACTOR = {"time": "minutes", "tdabc": "minutes", "equivalent": "equivalent"}


@dataclass(frozen=True, slots=True)
class ChargeTables:
    """Departments, items and cases by number.

    departments, item_codes, service_units : codes by number; n_cases : rows of the discharges table
    department_number : code, or code of the hospital's information system (dept_map) -> number
    divided : source codes that dept_map divides among departments, which charge lines cannot be
    item_number, case_number : code -> number; the first row of a code that stands twice
    department_unit int32[d] : service unit; item_unit int32[m] : -1 = that of the executing department
    item_goods int8[m] : 0 none, 1 drug, 2 material
    item_factors float64[m, 2] : weight (of goods: purchase cost) = [.., 0] * quantity + [.., 1] * yuan
    other_factors float64[2] : the same for items the table lacks
    lacking : bool[m], services without the minutes or the equivalent the item method needs
    no_unit_cost : bool[m], goods taken at what was charged
    factor : the column that gives the weight, "" for income and workload
    suspense : department of unknown codes, -1 where they are refused
    """

    departments: tuple[str, ...]
    item_codes: tuple[str, ...]
    service_units: tuple[str, ...]
    n_cases: int
    department_number: Mapping[str, int]
    divided: frozenset[str]
    item_number: Mapping[str, int]
    case_number: Mapping[str, int]
    department_unit: Any
    item_unit: Any
    item_goods: Any
    item_factors: Any
    other_factors: Any
    lacking: Any
    no_unit_cost: Any
    factor: str
    suspense: int


def charge_tables(model: CostModel) -> ChargeTables:
    """Number the codes of a model; CostingError without departments or with an unknown suspense department."""
    departments = list(dict.fromkeys(_texts(model, "departments", "dept_code")))
    if not departments:
        raise CostingError("departments", "the table holds no department", "Name the departments in model.toml")
    place = {code: number for number, code in enumerate(departments)}
    by_code, divided = _mapped(model, place)
    items = _unique(model, "items", "item_code")
    unit_of_department = dict(zip(_texts(model, "departments", "dept_code"), _units(model), strict=True))
    units: dict[str, int] = {}
    department_unit = [units.setdefault(unit_of_department[code] or code, len(units)) for code in departments]
    item_units = [_word(unit) for unit in _column(items, "service_unit")]
    item_unit = [units.setdefault(unit, len(units)) if unit else -1 for unit in item_units]
    goods = np.array([("none", "drug", "material").index(_word(g) or "none") for g in _column(items, "goods")], np.int8)
    factors, other, lacking = _factors(model, items, goods)
    cases = _texts(model, "discharges", "case_id")
    return ChargeTables(
        departments=tuple(departments),
        item_codes=(codes := tuple(_word(code) for code in _column(items, "item_code"))),
        service_units=tuple(units),
        n_cases=len(cases),
        department_number=by_code,
        divided=divided,
        item_number={code: number for number, code in enumerate(codes)},
        case_number={code: number for number, code in reversed(list(enumerate(cases))) if code},
        department_unit=np.array(department_unit, np.int32),
        item_unit=np.array(item_unit, np.int32),
        item_goods=goods,
        item_factors=factors,
        other_factors=other,
        lacking=lacking,
        no_unit_cost=(goods > 0) & np.isnan(_floats(items, "unit_cost")),
        factor=_FACTOR.get(model.settings.items.method, ""),
        suspense=_suspense(model, place),
    )


def _factors(model: CostModel, items: Any, goods: Any) -> tuple[Any, Any, Any]:
    """Factors by item, those of unknown items, and which services lack theirs."""
    factors = np.zeros((len(goods), 2))
    lacking = np.zeros(len(goods), dtype=bool)
    method, services = model.settings.items.method, goods == 0
    other = np.zeros(2)
    if method == "income":
        factors[services, 1] = other[1] = 1.0
    elif method == "workload":
        factors[services, 0] = other[0] = 1.0
    else:
        values, price = _floats(items, _FACTOR[method]), _floats(items, "price")
        lacking = services & np.isnan(values)
        factors[services & ~lacking, 0] = values[services & ~lacking]
        both = services & ~lacking & (price > 0)
        # Per yuan, what the items of this hospital have that state it.
        ratio = float(values[both].sum() / price[both].sum()) if both.any() else 1.0
        priced = lacking & ~np.isnan(price)
        factors[priced, 0] = price[priced] * ratio
        factors[lacking & ~priced, 1] = other[1] = ratio
    cost = _floats(items, "unit_cost")
    bought = (goods > 0) & ~np.isnan(cost)
    factors[bought, 0] = cost[bought]
    factors[(goods > 0) & ~bought, 1] = 1.0
    return factors, other, lacking


def _mapped(model: CostModel, place: Mapping[str, int]) -> tuple[dict[str, int], frozenset[str]]:
    """Department codes of charge lines; what dept_map says of the information system wins over the code itself."""
    found, divided = dict(place), set()
    for source, parts in targets_of(model.tables.get("dept_map"), tables()["charges"].system).items():
        if len(parts) == 1 and parts[0][0] in place:
            found[source] = place[parts[0][0]]
        else:
            divided.add(source)
            found.pop(source, None)
    return found, frozenset(divided)


def _suspense(model: CostModel, place: Mapping[str, int]) -> int:
    policies = model.settings.policies
    if policies.unknown_department == "refuse":
        return -1
    if policies.suspense_department not in place:
        raise CostingError(
            "policies.suspense_department",
            f"{policies.suspense_department!r} is not in the department table",
            "Name the department that takes charge lines of unknown departments",
        )
    return place[policies.suspense_department]


def _unique(model: CostModel, table: str, key: str) -> Any:
    rows = model.tables.get(table)
    return None if rows is None else rows[rows[key].notna()].drop_duplicates(key, keep="first")


def _units(model: CostModel) -> list[str]:
    return [_word(unit) for unit in _column(model.tables["departments"], "service_unit")]


def _texts(model: CostModel, table: str, column: str) -> list[str]:
    rows = model.tables.get(table)
    return [_word(code) for code in _column(rows, column)]


def _column(rows: Any, name: str) -> list[Any]:
    if rows is None:
        return []
    return rows[name].tolist() if name in rows.columns else [None] * len(rows)


def _word(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _floats(rows: Any, name: str) -> Any:
    if rows is None:
        return np.zeros(0)
    if name not in rows.columns:
        return np.full(len(rows), np.nan)
    return rows[name].to_numpy(dtype=np.float64, na_value=np.nan)
