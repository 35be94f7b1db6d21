"""Report tables of departments (科室成本报表): direct cost, full cost, its composition, the allocation summary."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, get_args

import numpy as np
import pandas as pd

from drgengine.costing.fen import largest_remainder, to_fen, to_yuan
from drgengine.costing.ledger.scope import FUND_SOURCES, in_scope
from drgengine.costing.model import CATEGORIES, Scope
from drgengine.costing.reports.reporttables import ReportTable, ratio, report_table
from drgengine.costing.reports.reportwords import Language, category_order, cost_items, remark, shown_value
from drgengine.errors import CostingError

DIRECT = "direct"
"""Level of a department's own cost among the cells; every other level is received."""


def direct_long(by_entry: pd.DataFrame) -> pd.DataFrame:
    """`DirectCosts.by_entry` as rows: dept_code, its column levels (element, fund_source, ...), fen; zeros left out.

    >>> columns = pd.MultiIndex.from_tuples([("drugs", "basic")], names=["element", "fund_source"])
    >>> direct_long(pd.DataFrame([[500], [0]], index=["A", "B"], columns=columns)).values.tolist()
    [['A', 'drugs', 'basic', 500]]
    """
    row, column = np.nonzero(by_entry.to_numpy(np.int64))
    long = pd.DataFrame({"dept_code": by_entry.index.to_numpy(object)[row]})
    for level, name in enumerate(by_entry.columns.names):
        long[str(name)] = by_entry.columns.get_level_values(level).to_numpy(object)[column]
    long["fen"] = by_entry.to_numpy(np.int64)[row, column]
    return long


def department_direct(direct: pd.DataFrame, departments: pd.DataFrame) -> ReportTable:
    """医院科室直接成本表（医疗成本）: direct cost per department and cost item, by the four categories.

    direct : rows dept_code, element, fund_source, entry_mode, fen; medical cost are the rows of basic funds
    departments : dept_code, dept_name, category; rows come in its order within a category, all of them
    """
    medical = direct[direct["fund_source"] == FUND_SOURCES[0]]
    names = _named(departments, ("category", "dept_code", "dept_name"))
    items = item_amounts(medical, names["dept_code"])
    modes = _summed(
        medical, "entered_" + medical["entry_mode"], names["dept_code"], ["entered_direct", "entered_computed"]
    )
    return report_table("department_direct", pd.concat([names, items, modes], axis=1), scope="medical")


def department_direct_full(direct: pd.DataFrame, departments: pd.DataFrame) -> ReportTable:
    """医院科室直接成本表（医疗全成本和医院全成本）: medical cost by item, then what each further fund source paid for.

    direct, departments : as in `department_direct`
    """
    names = _named(departments, ("category", "dept_code", "dept_name"))
    basic = direct["fund_source"] == FUND_SOURCES[0]
    items = item_amounts(direct[basic], names["dept_code"])
    funds = _summed(direct[~basic], direct["fund_source"][~basic], names["dept_code"], FUND_SOURCES[1:])
    return report_table("department_direct_full", pd.concat([names, items, funds], axis=1), scope="hospital_full")


def clinical_full(cells: pd.DataFrame, departments: pd.DataFrame, scope: Scope = "medical") -> ReportTable:
    """医院临床服务类科室全成本表: per clinical department and cost item direct, indirect (received) and full cost.

    cells : rows dept_code, level, element, fund_source, block, fen, see `DepartmentCosts.cells`
    scope : which of the four totals (成本口径) is shown
    """
    kept = cells[in_scope(cells, scope)]
    names = _named(departments, ("dept_code", "dept_name", "setting"), "clinical")
    side = np.where(kept["level"].astype(str) == DIRECT, "_direct", "_indirect")
    wanted = [f"{item}_{kind}" for item in cost_items() for kind in ("direct", "indirect")]
    amounts = _summed(kept, kept["element"].map(_item) + side, names["dept_code"], wanted)
    return report_table("clinical_full", pd.concat([names, amounts], axis=1), scope=scope)


def clinical_composition(
    cells: pd.DataFrame,
    departments: pd.DataFrame,
    scope: Scope = "medical",
    *,
    visits: pd.DataFrame | None = None,
    bed_days: pd.DataFrame | None = None,
) -> ReportTable:
    """医院临床服务类科室全成本构成分析表: amounts and shares of the cost items, direct and received, cost per unit.

    cells, scope : as in `clinical_full`
    visits, bed_days : frames of the tables "visit_cost" and "bed_day_cost" in the same scope (dept_code, visits,
        visit_cost; dept_code, bed_days, bed_day_cost); departments they do not hold get null
    """
    kept = cells[in_scope(cells, scope)]
    names = _named(departments, ("dept_code", "dept_name", "setting"), "clinical")
    codes = names["dept_code"]
    items = item_amounts(kept, codes)
    side = pd.Series(np.where(kept["level"].astype(str) == DIRECT, "direct", "received"), kept.index)
    sides = _summed(kept, side, codes, ["direct", "received"])
    units = pd.DataFrame(
        {
            column: _looked_up(table, column, codes)
            for table, columns in ((bed_days, ("bed_days", "bed_day_cost")), (visits, ("visits", "visit_cost")))
            for column in columns
        }
    )
    return report_table("clinical_composition", pd.concat([names, items, sides, units], axis=1), scope=scope)


def allocation_summary(levels: pd.DataFrame, departments: pd.DataFrame, scope: Scope = "hospital_full") -> ReportTable:
    """科室成本分摊汇总表: what each department costs itself, received at each level, passed on and kept.

    levels : rows dept_code, fund_source, block, direct, a column per level, total, given, final in fen, see
        `DepartmentCosts.levels`; total = direct + received, final = total - given; all finals = all direct costs
    """
    kept = levels[in_scope(levels, scope)]
    names = _named(departments, ("category", "dept_code", "dept_name"))
    first, last = list(levels.columns).index(DIRECT), list(levels.columns).index("total")
    received = [str(name) for name in levels.columns[first + 1 : last]]
    amounts = pd.DataFrame(
        {
            column: to_yuan(_added(kept["dept_code"], kept[column], names["dept_code"]))
            for column in (DIRECT, *received, "total", "given", "final")
        }
    )
    sums = {"total": (DIRECT, *received)}
    return report_table("allocation_summary", pd.concat([names, amounts], axis=1), scope=scope, sums=sums)


def allocation_methods(
    full_by_method: Mapping[str, pd.Series], departments: pd.DataFrame, refused: Iterable[str] = ()
) -> ReportTable:
    """分摊方法比较表: full cost of each department under every method, lowest, highest and their spread.

    full_by_method : method -> yuan by dept_code, all cost items together, `MethodComparison.totals.to_dict("series")`;
        shown to the fen, so that a column may miss the ledger by some fen where the other tables do not
    refused : methods that the drivers do not allow, named in a remark
    """
    codes = {str(code) for full in full_by_method.values() for code in full.index}
    known = departments[departments["dept_code"].astype(str).isin(codes)]
    names = _named(known, ("dept_code", "dept_name"))
    methods = pd.DataFrame(
        {name: _whole_fen(full.reindex(names["dept_code"]).to_numpy(float)) for name, full in full_by_method.items()}
    )
    lowest, highest = methods.min(axis=1), methods.max(axis=1)
    spread = pd.DataFrame({"spread": (highest - lowest).round(2), "spread_rate": ratio(highest - lowest, lowest)})
    left_out = {
        language: ", ".join(shown_value(name, "value", language) for name in refused) for language in get_args(Language)
    }
    return report_table(
        "allocation_methods",
        pd.concat([names, methods, spread], axis=1),
        remarks=[{word: remark("methods_refused", methods=left_out[word])[word] for word in left_out}]
        if any(left_out.values())
        else [],
    )


def _whole_fen(yuan: Any) -> Any:
    """Amounts in whole fen that add up to their rounded total."""
    return largest_remainder(yuan * 100.0, int(to_fen(yuan.sum()))) / 100.0


def item_amounts(cells: pd.DataFrame, codes: pd.Series) -> pd.DataFrame:
    """Yuan by department, in the order of the codes, and cost item.

    cells : rows dept_code, element, fen
    Raises CostingError for a department that is not among the codes and for an element that is no cost item.
    """
    return _summed(cells, cells["element"].map(_item), codes.astype(str), cost_items())


def _item(element: str) -> str:
    """The cost item of an element; one that is none of the seven would be missing from every table."""
    item = str(element).partition(":")[0]
    if item not in cost_items():
        raise CostingError("report", f"{element!r} is no cost item", f"Use one of {', '.join(cost_items())}")
    return item


def _named(departments: pd.DataFrame, columns: Iterable[str], category: str = "") -> pd.DataFrame:
    """Departments of a category, or all, in the order of the printed form, as text columns."""
    order = [category] if category else [*category_order(), *(c for c in CATEGORIES if c not in category_order())]
    rank = departments["category"].astype(str).map({name: place for place, name in enumerate(order)})
    chosen = departments[rank.notna()].assign(_rank=rank).sort_values("_rank", kind="stable")
    empty = pd.Series("", chosen.index)
    return pd.DataFrame(
        {name: chosen.get(name, empty).astype(object).fillna("").astype(str).to_numpy(object) for name in columns}
    )


def _summed(rows: pd.DataFrame, label: pd.Series, codes: pd.Series, labels: Iterable[str]) -> pd.DataFrame:
    """Yuan by department (codes, in their order) and label; refuses rows that would fall out of the table."""
    wanted = list(labels)
    row = pd.Index(codes).get_indexer(pd.Index(rows["dept_code"].astype(str)))
    column = pd.Index(wanted).get_indexer(pd.Index(label.astype(str)))
    lost = np.flatnonzero(((row < 0) | (column < 0)) & (rows["fen"].to_numpy(np.int64) != 0))
    if lost.size:
        first = int(lost[0])
        raise CostingError(
            f"department {rows['dept_code'].iloc[first]}",
            f"its cost {label.iloc[first]!r} has no place in the table",
            "Give the department table and the cells of the same run",
        )
    fen = np.zeros((len(codes) + 1, len(wanted) + 1), np.int64)
    np.add.at(fen, (row, column), rows["fen"].to_numpy(np.int64))
    return pd.DataFrame(to_yuan(fen[:-1, :-1]), columns=wanted)


def _added(dept_code: pd.Series, fen: pd.Series, codes: pd.Series) -> Any:
    """fen added up by department, in the order of the codes."""
    sums = np.zeros(len(codes) + 1, np.int64)
    np.add.at(sums, pd.Index(codes).get_indexer(pd.Index(dept_code.astype(str))), fen.to_numpy(np.int64))
    return sums[:-1]


def _looked_up(table: pd.DataFrame | None, column: str, codes: pd.Series) -> Any:
    if table is None:
        return np.full(len(codes), np.nan)
    found = table.set_index(table["dept_code"].astype(str))[column]
    return found.reindex(codes).to_numpy(np.float64)
