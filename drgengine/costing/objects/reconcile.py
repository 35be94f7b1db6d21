"""Whether every stage holds the ledger's total, by cost item and fund source, to the fen (成本核对)."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from drgengine.costing.fen import Fen, largest_remainder, to_fen, to_yuan
from drgengine.costing.ledger.directcosts import COST_ITEMS, DirectCosts, cost_item, line_elements
from drgengine.costing.ledger.scope import FUND_SOURCES, in_scope
from drgengine.costing.model import CostModel, Scope
from drgengine.costing.objects.departments import DepartmentCosts
from drgengine.errors import CostingError

IN_SCOPE = "in scope"
"""fund_source of cost objects that no longer tell fund sources apart."""

ALL = "all"
_KEYS = ["element", "fund_source"]
_OBJECT_COLUMNS = ("kind", "element", "fund_source", "amount")

_WORDS: dict[str, tuple[str, str]] = {
    "title": ("成本核对表", "Reconciliation statement"),
    "stage": ("阶段", "Stage"),
    "amount": ("金额（元）", "Amount (yuan)"),
    "difference": ("差异", "Difference"),
    "ledger_total": ("账面总额（财务提供）", "Ledger total as stated"),
    "ledger": ("科室成本明细账合计", "Ledger lines"),
    "set_aside": ("其中：单列未分摊的负数成本", "of these: negative costs set aside"),
    "suspense": ("其中：未知科室转入待分摊科室", "of these: unknown departments, in suspense"),
    "departments": ("科室直接成本", "Departments, direct cost"),
    "final": ("临床科室全成本", "Clinical departments, full cost"),
    "stage_departments": ("二级分摊后临床与医技科室成本", "Clinical and technology departments"),
    "objects": ("成本对象合计（口径内）", "Cost objects in scope"),
    "outside_scope": ("口径外成本", "Cost outside the scope"),
    "all_objects": ("成本对象与口径外合计", "Objects and outside the scope"),
    "objects:discharged": ("  出院病例", "  discharged cases"),
    "objects:in_hospital": ("  在院患者", "  patients in hospital"),
    "objects:outpatient": ("  门急诊", "  outpatients"),
    "objects:non_patient": ("  非患者服务", "  work for others than patients"),
    "objects:unmatched": ("  未匹配病例", "  unmatched cases"),
    "objects:unassigned": ("  未分配", "  unassigned"),
    "objects:unused_capacity": ("  未利用产能", "  unused capacity"),
    "after:administration": ("行政后勤分摊后", "After administration"),
    "after:auxiliary": ("医疗辅助分摊后", "After auxiliary"),
    "after:technology": ("医疗技术分摊后", "After technology"),
    "after:services": ("服务科室分摊后", "After service departments"),
    "after:first": ("第一次分配后", "After the first distribution"),
    "after:second": ("第二次分配后", "After the second distribution"),
    "element": ("按成本项目", "By cost item"),
    "fund_source": ("按资金来源", "By fund source"),
    "personnel": ("人员经费", "personnel"),
    "materials": ("卫生材料费", "sanitary materials"),
    "drugs": ("药品费", "drugs"),
    "depreciation": ("固定资产折旧费", "depreciation"),
    "amortisation": ("无形资产摊销费", "amortisation"),
    "risk_fund": ("提取医疗风险基金", "medical risk fund"),
    "other": ("其他运行费用", "other running costs"),
    "basic": ("基本支出", "basic"),
    "fiscal_project": ("财政项目拨款", "fiscal projects"),
    "other_fiscal": ("非同级财政拨款项目", "other fiscal projects"),
    "research_teaching": ("科教经费", "research and teaching"),
    "non_medical": ("非医疗", "non-medical"),
    IN_SCOPE: ("口径内", "in scope"),
    ALL: ("合计", "all"),
    "equal": ("各阶段与账面一致，差异 0.00", "Every stage equals the ledger, differences 0.00"),
    "unequal": ("与账面不一致", "Not equal to the ledger"),
    "largest": ("最大差异", "Largest difference"),
}
"""Chinese and English words of the statement."""


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """The statement a run ends with (成本核对表).

    lines : stage, element (one of the seven cost items or "all"), fund_source (one of the five, "in scope" or "all"),
        amount in yuan, difference in yuan: what is more (+) or less (-) than in the ledger, amounts set aside counted
        in; null where a line is only a part of another. Stages in order: ledger_total (where it is stated), ledger,
        set_aside, suspense, departments, after:LEVEL ..., final, stage_departments, objects:KIND ..., objects,
        outside_scope, all_objects
    hospital, period : for the heading
    """

    lines: pd.DataFrame
    hospital: str
    period: str

    @property
    def ok(self) -> bool:
        """Whether every difference is 0.00."""
        return self.largest == 0.0

    @property
    def largest(self) -> float:
        """The largest difference in yuan, with its sign; 0.0 where all is equal."""
        found = self._largest_line()
        return 0.0 if found is None else float(self.lines["difference"].iloc[found])

    @property
    def largest_place(self) -> tuple[str, str, str]:
        """Stage, element and fund source of the largest difference; empty texts where all is equal."""
        found = self._largest_line()
        if found is None:
            return "", "", ""
        line = self.lines.iloc[found]
        return str(line["stage"]), str(line["element"]), str(line["fund_source"])

    def _largest_line(self) -> int | None:
        size = self.lines["difference"].abs().fillna(0.0).to_numpy()
        return int(size.argmax()) if size.size and size.max() > 0 else None

    def totals(self, by: Literal["element", "fund_source"] | None = None) -> pd.DataFrame:
        """Amount and difference per stage, or per stage and cost item or fund source, in yuan.

        The difference of a sum is the sum of the differences: one that cancels shows in `lines` and `largest`.
        """
        keys = ["stage"] if by is None else ["stage", by]
        fen = self.lines.assign(
            amount=to_fen(self.lines["amount"]),
            difference=to_fen(self.lines["difference"].fillna(0.0)),
            part=self.lines["difference"].isna(),
        )
        sums = fen.groupby(keys, sort=False).agg({"amount": "sum", "difference": "sum", "part": "all"}).reset_index()
        difference = np.where(sums["part"], np.nan, to_yuan(sums["difference"]))
        return sums.assign(amount=to_yuan(sums["amount"]), difference=difference).drop(columns="part")

    def text(self, language: Literal["zh", "en"] = "zh") -> str:
        """The statement as lines of text, for the screen and for the notes of the reports (报表说明)."""
        return "\n".join(_statement(self, language)) + "\n"


def reconcile(
    model: CostModel,
    direct: DirectCosts,
    costs: DepartmentCosts,
    objects: pd.DataFrame | None = None,
    *,
    scope: Scope | None = None,
) -> Reconciliation:
    """Compare every stage with the ledger, which is added up again from its lines.

    objects : cost objects in a scope as kind, element, fund_source, amount in yuan, any number of rows; fund_source is
        "in scope" where fund sources are not told apart; None: the statement ends with the departments
    scope : the scope of the objects, default `cases.scope`
    Raises CostingError where a column of objects is missing. Differences do not raise: see `Reconciliation.ok`.
    """
    ledger = _ledger(model)
    aside = _sums(direct.set_aside)
    stages = [("departments", _sums(_long(direct.matrix)))]
    stages += [
        (f"after:{name}", _sums(costs.after_level[costs.after_level["level"] == name])) for name in costs.level_names
    ]
    stages += [("final", _sums(costs.cells)), ("stage_departments", _sums(costs.stage_cells))]
    lines = [_against(model, ledger), _part("ledger", ledger), _part("set_aside", aside), _suspense(direct)]
    lines += [_compared(name, held, ledger.sub(aside, fill_value=0)) for name, held in stages]
    if objects is not None:
        lines += _objects(objects, costs.cells, scope or model.settings.cases.scope, ledger.sub(aside, fill_value=0))
    frame = pd.concat([part for part in lines if len(part)], ignore_index=True)
    settings = model.settings
    return Reconciliation(frame, settings.hospital, f"{settings.start} - {settings.end}")


def _ledger(model: CostModel) -> pd.Series:
    """fen by cost item and fund source, straight from the lines."""
    table = model.tables["ledger"]
    frame = pd.DataFrame({"element": line_elements(table)})
    fund = table["fund_source"].astype(object) if "fund_source" in table.columns else pd.Series("basic", table.index)
    frame["fund_source"] = fund.where(fund.notna(), "basic").to_numpy(dtype=object)
    frame["exact"] = table["amount"].to_numpy(dtype=np.float64) * 100.0
    exact = frame.groupby(_KEYS, sort=True)["exact"].agg(math.fsum).reset_index()
    exact["fen"] = largest_remainder(exact["exact"], round(math.fsum(frame["exact"])))
    return _sums(exact)


def _sums(cells: pd.DataFrame) -> pd.Series:
    """fen by cost item and fund source, in their order; sums of 0 are left out unless there is a cell."""
    items = pd.Series([cost_item(str(element)) for element in cells["element"]], cells.index, dtype=object)
    frame = pd.DataFrame({"element": items, "fund_source": cells["fund_source"].astype(object), "fen": cells["fen"]})
    return frame.groupby(_KEYS, sort=True)["fen"].sum().astype(np.int64)


def _long(matrix: pd.DataFrame) -> pd.DataFrame:
    frame = matrix.columns.to_frame(index=False)
    return frame.assign(fen=matrix.to_numpy().sum(axis=0))


def _ordered(index: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    def place(label: str, known: tuple[str, ...]) -> int:
        return known.index(label) if label in known else len(known)

    return sorted(index, key=lambda key: (place(key[0], COST_ITEMS), place(key[1], FUND_SOURCES), key))


def _frame(stage: str, keys: list[tuple[str, str]], amount: Fen, difference: Fen | None) -> pd.DataFrame:
    missing = np.full(len(keys), np.nan)
    return pd.DataFrame(
        {
            "stage": np.full(len(keys), stage, dtype=object),
            "element": np.array([key[0] for key in keys], dtype=object),
            "fund_source": np.array([key[1] for key in keys], dtype=object),
            "amount": to_yuan(amount),
            "difference": missing if difference is None else to_yuan(difference),
        }
    )


def _part(stage: str, amount: pd.Series) -> pd.DataFrame:
    keys = _ordered(amount.index)
    return _frame(stage, keys, amount.reindex(keys).to_numpy(dtype=np.int64), None)


def _compared(stage: str, amount: pd.Series, expected: pd.Series) -> pd.DataFrame:
    keys = _ordered(amount.index.union(expected.index))
    held = amount.reindex(keys, fill_value=0).to_numpy(dtype=np.int64)
    return _frame(stage, keys, held, held - expected.reindex(keys, fill_value=0).to_numpy(dtype=np.int64))


def _against(model: CostModel, ledger: pd.Series) -> pd.DataFrame:
    """The total the finance department stated; the difference is what it has more than the lines."""
    stated = model.settings.ledger_total
    if stated is None:
        return _frame("ledger_total", [], np.zeros(0, np.int64), None)
    total = to_fen([stated])
    return _frame("ledger_total", [(ALL, ALL)], total, total - int(ledger.sum()))


def _suspense(direct: DirectCosts) -> pd.DataFrame:
    """What the suspense department took over for unknown departments; part of the departments' direct cost."""
    amounts = [one.amount or 0.0 for one in direct.findings if one.rule == "unknown_department"]
    fen = to_fen([math.fsum(amounts)]) if amounts else np.zeros(0, np.int64)
    return _frame("suspense", [(ALL, ALL)] * len(fen), fen, None)


def _objects(objects: pd.DataFrame, cells: pd.DataFrame, scope: Scope, expected: pd.Series) -> list[pd.DataFrame]:
    """Objects by kind, their sum against the departments in scope, and with what is outside against the ledger."""
    for name in _OBJECT_COLUMNS:
        if name not in objects.columns:
            raise CostingError("objects", f"column {name} is missing", "Give " + ", ".join(_OBJECT_COLUMNS))
    inside = in_scope(cells, scope)
    rows = objects.assign(fen=to_fen(objects["amount"]))
    whole = _sums(rows)
    merged = IN_SCOPE in set(rows["fund_source"])
    due = _sums(cells[inside].assign(fund_source=IN_SCOPE) if merged else cells[inside])
    if merged:
        whole = _sums(rows.assign(fund_source=IN_SCOPE))
    parts = [_part(f"objects:{kind}", _sums(rows[rows["kind"] == kind])) for kind in rows["kind"].unique()]
    outside = _sums(cells[~inside])
    together = whole.groupby("element").sum().add(outside.groupby("element").sum(), fill_value=0).astype(np.int64)
    return [
        *parts,
        _compared("objects", whole, due),
        _part("outside_scope", outside),
        _compared("all_objects", _all_funds(together), _all_funds(expected.groupby("element").sum())),
    ]


def _all_funds(by_item: pd.Series) -> pd.Series:
    index = pd.MultiIndex.from_tuples([(item, ALL) for item in by_item.index], names=_KEYS)
    return pd.Series(by_item.to_numpy(dtype=np.int64), index)


def _statement(one: Reconciliation, language: Literal["zh", "en"]) -> list[str]:
    column = 0 if language == "zh" else 1

    def word(key: str) -> str:
        if key in _WORDS:
            return _WORDS[key][column]
        kind, _, name = key.partition(":")
        return f"  {name}" if kind == "objects" else f"{name} 分摊后" if language == "zh" else f"After {name}"

    rows = [("stage", "amount", "difference")]
    lines = [f"{word('title')}  {one.hospital}  {one.period}", _row([word(name) for name in rows[0]])]
    totals = one.totals()
    lines += [_row([word(row.stage), f"{row.amount:,.2f}", _difference(row.difference)]) for row in totals.itertuples()]
    last = "all_objects" if (totals["stage"] == "all_objects").any() else "final"
    start = "departments" if (totals["stage"] == "set_aside").any() else "ledger"
    for by, known in (("element", COST_ITEMS), ("fund_source", FUND_SOURCES)):
        # Objects do not tell fund sources apart, so that these end with the departments.
        end = last if by == "element" else "final"
        sums = one.totals(by)  # type: ignore[arg-type]
        lines += ["", _row([word(by), word(start), word(end), word("difference")])]
        for label in known:
            of = {name: sums[(sums["stage"] == name) & (sums[by] == label)] for name in (start, end)}
            if all(part.empty for part in of.values()):
                continue
            amounts = [f"{part['amount'].sum():,.2f}" for part in of.values()]
            lines.append(_row([word(label), *amounts, _difference(of[end]["difference"].sum())]))
    lines.append("")
    if one.ok:
        lines.append(word("equal"))
    else:
        place = " / ".join(word(part).strip() for part in one.largest_place)
        lines.append(f"{word('unequal')}. {word('largest')}: {one.largest:,.2f} ({place})")
    return lines


def _difference(amount: float) -> str:
    return "" if math.isnan(amount) else f"{amount:,.2f}"


def _row(texts: list[str]) -> str:
    """Columns of 36 and then 24 places, numbers to the right; a Chinese character takes two."""
    width = [sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text) for text in texts]
    first = texts[0] + " " * max(36 - width[0], 1)
    return (first + "".join(" " * max(24 - w, 1) + text for text, w in zip(texts[1:], width[1:], strict=True))).rstrip()
