"""What each department cost before any allocation: ledger lines to department x element (科室直接成本)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from drgengine.costing.bilingual import phrase
from drgengine.costing.fen import Fen, largest_remainder, to_fen, to_yuan
from drgengine.costing.findings import finding
from drgengine.costing.intake.vocabulary import table_word
from drgengine.costing.ledger.negative import settle_negative
from drgengine.costing.ledger.scope import FUND_SOURCES
from drgengine.costing.model import CostModel, Finding
from drgengine.errors import CostingError

if TYPE_CHECKING:
    import pandas as pd

COST_ITEMS: tuple[str, ...] = (
    "personnel",
    "materials",
    "drugs",
    "depreciation",
    "amortisation",
    "risk_fund",
    "other",
)
"""人员经费, 卫生材料费, 药品费, 固定资产折旧费, 无形资产摊销费, 提取医疗风险基金, 其他运行费用."""

CHARGED_MATERIALS = "materials:charged"
"""Element of materials charged to the patient separately (单独收费卫生材料)."""

GOODS: tuple[str, ...] = ("drugs", CHARGED_MATERIALS)
"""Elements that are no service: drugs and separately charged materials; a detail may follow after ":"."""

ENTRY_MODES: tuple[str, ...] = ("direct", "computed")
BEHAVIOURS: tuple[str, ...] = ("fixed", "variable")
KEYS: tuple[str, ...] = ("dept_code", "element", "fund_source", "entry_mode", "behaviour")


@dataclass(frozen=True, slots=True)
class DirectCosts:
    """Direct cost of every department of the department table, in whole fen.

    matrix : int64 DataFrame, index dept_code, columns (element, fund_source, behaviour), behaviour fixed | variable
    by_entry : the same with the further column level entry_mode: direct (直接计入) | computed (计算计入)
    set_aside : negative costs carried on a line of their own: dept_code, element, fund_source, amount in fen;
        empty unless the policy negative_cost is "carry"
    total : fen, all ledger lines = matrix + set_aside
    """

    matrix: pd.DataFrame
    by_entry: pd.DataFrame
    set_aside: pd.DataFrame
    total: int
    findings: tuple[Finding, ...]


def cost_item(element: str) -> str:
    """The cost item (成本项目) an element belongs to.

    >>> cost_item("materials:charged")
    'materials'
    """
    return element.partition(":")[0]


def is_goods(element: str) -> bool:
    """Whether an element is drugs or separately charged materials.

    >>> [is_goods(element) for element in ("drugs", "drugs:herbal", "materials:charged", "materials")]
    [True, True, True, False]
    """
    return any(element == goods or element.startswith(goods + ":") for goods in GOODS)


def element_key(element: str) -> tuple[int, str]:
    """Sorts elements in the order of the seven cost items, then by detail."""
    item = cost_item(element)
    return (COST_ITEMS.index(item) if item in COST_ITEMS else len(COST_ITEMS), element)


def direct_costs(model: CostModel) -> DirectCosts:
    """Gather the ledger by department, element, fund source and behaviour (直接成本归集).

    Amounts become whole fen here, once; a line that is not whole fen is rounded so that the totals per element and fund
    source stay, and listed. Mixed costs (混合成本) are split by `cases.mixed_variable_share`. Policies: negative_cost
    (after netting at department x element x fund source for the whole period), unknown_department.
    Raises CostingError for an empty ledger, an amount that is missing, an unknown department or a negative cost that
    the policies refuse, and a sum that is not `ledger_total`.
    """
    ledger = model.tables.get("ledger")
    if ledger is None or len(ledger) == 0:
        raise CostingError(place(model), "there is no ledger line", "Name the ledger (科室成本明细) in model.toml")
    findings: list[Finding] = []
    lines = _lines(model, ledger, findings)
    _check_total(model, lines)
    lines = _known_departments(model, lines, findings)
    cells = _split_mixed(lines, model.settings.cases.mixed_variable_share)
    cells, set_aside = settle_negative(model, cells, findings)
    by_entry = _wide(model, cells, ["element", "fund_source", "behaviour", "entry_mode"])
    matrix = _wide(model, cells, ["element", "fund_source", "behaviour"])
    return DirectCosts(matrix, by_entry, set_aside, int(lines["fen"].sum()), tuple(findings))


def place(model: CostModel) -> str:
    """The ledger's file name, for messages."""
    return model.settings.tables.get("ledger", table_word("ledger"))


def _lines(model: CostModel, ledger: pd.DataFrame, findings: list[Finding]) -> pd.DataFrame:
    """One row per ledger line: dept_code, account, element, fund_source, entry_mode, behaviour, fen."""
    import pandas as pd

    amount = ledger["amount"].to_numpy(dtype=np.float64, na_value=np.nan)
    missing = np.flatnonzero(~np.isfinite(amount))
    if missing.size:
        raise CostingError(
            f"{place(model)} line {int(missing[0]) + 1}",
            f"the amount is missing or not a number ({missing.size} such lines)",
            "Give an amount in yuan on every ledger line",
        )
    lines = pd.DataFrame(
        {
            "dept_code": _text(ledger, "dept_code", ""),
            "account": _text(ledger, "account", ""),
            "element": line_elements(ledger),
            "fund_source": _text(ledger, "fund_source", "basic"),
            "entry_mode": _text(ledger, "entry_mode", "direct"),
            "behaviour": _text(ledger, "behaviour", "fixed"),
        }
    )
    for name, known in (("fund_source", FUND_SOURCES), ("behaviour", (*BEHAVIOURS, "mixed"))):
        wrong = sorted(set(lines[name]) - set(known))
        if wrong:
            raise CostingError(place(model), f'{name} "{wrong[0]}" is not known', "Use one of " + ", ".join(known))
    lines["fen"] = _line_fen(model, amount, lines, findings)
    return lines


def line_elements(ledger: pd.DataFrame) -> Any:
    """The element of each ledger line: cost item, "materials:charged", or cost item and detail.

    >>> import pandas as pd
    >>> line_elements(pd.DataFrame({"cost_item": ["personnel", "drugs"], "detail": ["doctor", None]})).tolist()
    ['personnel:doctor', 'drugs']
    """
    item = _text(ledger, "cost_item", "")
    detail = _text(ledger, "detail", "")
    element = np.where(detail == "", item, item + ":" + detail)
    return np.where((item == "materials") & _flags(ledger, "separately_charged"), CHARGED_MATERIALS, element)


def _text(table: pd.DataFrame, column: str, default: str) -> Any:
    """A column as object array of texts, nulls replaced."""
    if column not in table.columns:
        return np.full(len(table), default, dtype=object)
    values = table[column].astype(object)
    return values.where(values.notna(), default).to_numpy(dtype=object)


def _flags(table: pd.DataFrame, column: str) -> Any:
    if column not in table.columns:
        return np.zeros(len(table), dtype=bool)
    values = table[column].astype(object)
    return values.where(values.notna(), False).to_numpy(dtype=bool)


def _line_fen(model: CostModel, amount: Any, lines: pd.DataFrame, findings: list[Finding]) -> Fen:
    """Whole fen per line. Lines that are not whole fen are rounded together, by element and fund source."""
    exact = amount * 100.0
    fen = to_fen(amount)
    broken = np.abs(exact - fen) > np.maximum(1e-6, 4 * np.finfo(np.float64).eps * np.abs(exact))
    if not broken.any():
        return fen
    rows = np.flatnonzero(broken)
    groups = lines.iloc[rows].groupby(["element", "fund_source"], sort=True).indices
    members = [rows[index] for index in groups.values()]
    sums = np.array([math.fsum(exact[index]) for index in members])
    for index, total in zip(members, largest_remainder(sums, round(math.fsum(sums))), strict=True):
        fen[index] = largest_remainder(exact[index], int(total))
    total = math.fsum(amount[rows])
    findings.append(
        finding(
            "note",
            "fen_rounding.ledger",
            phrase("line", file=place(model), line=int(rows[0]) + 1),
            float(to_yuan(fen[rows].sum()) - total),
            n=rows.size,
            first=float(amount[rows[0]]),
            total=total,
            entered=float(to_yuan(fen[rows].sum())),
        )
    )
    return fen


def _check_total(model: CostModel, lines: pd.DataFrame) -> None:
    """The ledger must add up to the total the finance department stated."""
    stated = model.settings.ledger_total
    if stated is None:
        return
    total = int(lines["fen"].sum())
    gap = total - int(to_fen(stated))
    if gap == 0:
        return
    raise CostingError(
        f"{place(model)}, ledger_total",
        f"the ledger lines add up to {to_yuan(total):,.2f} yuan, ledger_total says {stated:,.2f}: gap "
        f"{to_yuan(gap):,.2f}. By account: {_largest(lines, 'account', gap)}. "
        f"By department: {_largest(lines, 'dept_code', gap)}",
        "Complete the ledger extract or correct ledger_total in model.toml",
    )


def _largest(lines: pd.DataFrame, column: str, gap: int, shown: int = 5) -> str:
    """The sums that equal the gap come first, as they explain it, then the largest."""
    sums = lines.groupby(column, sort=True)["fen"].sum()
    order = sorted(sums.index, key=lambda name: (abs(int(sums[name])) != abs(gap), -abs(int(sums[name])), str(name)))
    parts = [
        f"{name or '(none)'} {to_yuan(sums[name]):,.2f}" + (" = the gap" if abs(int(sums[name])) == abs(gap) else "")
        for name in order[:shown]
    ]
    more = f" and {len(order) - shown} more" if len(order) > shown else ""
    return ", ".join(parts) + more


def _known_departments(model: CostModel, lines: pd.DataFrame, findings: list[Finding]) -> pd.DataFrame:
    """Lines of departments the table does not hold: refused, or moved to the suspense department (待分摊)."""
    import difflib

    known = model.tables["departments"]["dept_code"].astype(str).tolist()
    strange = lines[~lines["dept_code"].isin(known)]
    if strange.empty:
        return lines
    sums = strange.groupby("dept_code", sort=True)["fen"].agg(["sum", "size"])
    policies = model.settings.policies
    if policies.unknown_department == "refuse":
        parts = []
        for code, row in sums.iterrows():
            near = difflib.get_close_matches(str(code), known, n=1, cutoff=0.75)
            guess = f", {near[0]}?" if near else ""
            parts.append(f'"{code}" ({to_yuan(row["sum"]):,.2f} yuan, {row["size"]} lines{guess})')
        raise CostingError(
            place(model),
            "not in the department table: " + ", ".join(parts[:10]),
            "Add them to departments or dept_map, or set unknown_department = 'suspense' with a suspense_department",
        )
    target = policies.suspense_department
    if target not in known:
        raise CostingError(
            "policies.suspense_department",
            f'"{target}" is not in the department table',
            "Name the department that takes ledger lines of unknown departments",
        )
    for code, row in sums.iterrows():
        findings.append(
            finding(
                "warning",
                "unknown_department.ledger",
                phrase("file_department", file=place(model), code=str(code)),
                float(to_yuan(row["sum"])),
                n=int(row["size"]),
                suspense=target,
            )
        )
    return lines.assign(dept_code=lines["dept_code"].where(lines["dept_code"].isin(known), target))


def _split_mixed(lines: pd.DataFrame, variable_share: float) -> pd.DataFrame:
    """Cells per `KEYS`, mixed behaviour split into fixed and variable in whole fen."""
    import pandas as pd

    cells = lines.groupby(list(KEYS), sort=True)["fen"].sum().reset_index()
    mixed = cells["behaviour"] == "mixed"
    if not mixed.any():
        return cells
    whole = cells[mixed]
    variable = np.rint(whole["fen"].to_numpy() * variable_share).astype(np.int64)
    parts = [
        cells[~mixed],
        whole.assign(behaviour="variable", fen=variable),
        whole.assign(behaviour="fixed", fen=whole["fen"].to_numpy() - variable),
    ]
    return pd.concat(parts, ignore_index=True).groupby(list(KEYS), sort=True)["fen"].sum().reset_index()


def _wide(model: CostModel, cells: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """All departments in table order x the columns that occur, in the order of the cost items."""
    import pandas as pd

    orders = {"fund_source": FUND_SOURCES, "behaviour": BEHAVIOURS, "entry_mode": ENTRY_MODES}
    found = {tuple(row) for row in cells[columns].itertuples(index=False)}

    def key(labels: tuple[str, ...]) -> tuple[Any, ...]:
        rest = tuple(
            orders[name].index(label) if label in orders[name] else len(orders[name])
            for name, label in zip(columns[1:], labels[1:], strict=True)
        )
        return (element_key(labels[0]), *rest)

    wanted = pd.MultiIndex.from_tuples(sorted(found, key=key), names=columns)
    departments = pd.Index(model.tables["departments"]["dept_code"].astype(str).to_list(), name="dept_code")
    row = departments.get_indexer(cells["dept_code"])
    column = wanted.get_indexer(pd.MultiIndex.from_frame(cells[columns]))
    values = np.zeros((len(departments), len(wanted)), dtype=np.int64)
    np.add.at(values, (row, column), cells["fen"].to_numpy())
    return pd.DataFrame(values, index=departments, columns=wanted)
