"""The ledger (科室成本明细) of an invented hospital: what departments spend, month by month, in whole fen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from drgengine.synth.hospitaldepartments import CATEGORIES, Departments
from drgengine.synth.hospitalitems import GOODS
from drgengine.synth.linetally import MONTHS, Tally
from drgengine.synth.settings import data

_ADMINISTRATION = CATEGORIES.index("administration")


@dataclass(frozen=True)
class LedgerLine:
    """One kind of cost of one department: fen of the 12 months, int64[12]; line is a key of hospital_ledger.toml.

    dept_code : of the department table, or a shared code that dept_map divides
    """

    dept_code: str
    account: str
    line: str
    fund_source: str
    fen: np.ndarray


@dataclass(frozen=True)
class Ledger:
    """All lines; spent : yuan of the year by department and line (basic funds), for staff and assets."""

    lines: tuple[LedgerLine, ...]
    spent: Mapping[str, np.ndarray]
    total: int


def make_ledger(departments: Departments, tally: Tally, rng: np.random.Generator) -> Ledger:
    """Costs that fit the income of `tally`: see [level] of hospital_ledger.toml for the ratios."""
    facts = data("hospital_ledger")
    level = facts["level"]
    income = float(tally.amount.sum()) / 100
    goods = tally.goods * np.exp(rng.normal(0, level["goods_noise"], tally.goods.shape))
    base = _direct(departments, tally, level["cost_to_income"] * income - float(goods.sum()), rng)
    spent = _spent(departments, base)
    shape = _months(tally, rng)
    shared = facts["shared"]
    lines = []
    for name, yearly in spent.items():
        entry = facts["line"][name]
        kind = entry["month"]
        for dept in np.flatnonzero(yearly > 0).tolist():
            weight = shape[kind][dept] * np.exp(rng.normal(0, _NOISE[kind] * level["monthly_noise"], MONTHS))
            fen = whole_fen(yearly[dept] * 100 * weight / weight.sum())
            lines.append(LedgerLine(departments.codes[dept], _account(departments, dept, entry), name, "basic", fen))
    lines = list(_with_shared(lines, shared))
    for name, kind in (("drugs", "drug"), ("charged", "material")):
        entry = facts["line"][name]
        for dept in np.flatnonzero(goods[:, GOODS.index(kind)].sum(axis=1) > 0).tolist():
            fen = np.rint(goods[dept, GOODS.index(kind)] * 100).astype(np.int64)
            lines.append(LedgerLine(departments.codes[dept], _account(departments, dept, entry), name, "basic", fen))
    lines += _funded(departments, base, income)
    order = {code: n for n, code in enumerate((*departments.codes, shared["code"]))}
    lines.sort(key=lambda line: order[line.dept_code])
    return Ledger(tuple(lines), spent, int(sum(int(line.fen.sum()) for line in lines)))


_NOISE = {"pay": 0.2, "activity": 1.0, "even": 0.0, "season": 0.5, "loose": 4.0}


def whole_fen(values: np.ndarray) -> np.ndarray:
    """Round to whole fen so that the rounded sum stays: each partial sum is rounded.

    >>> whole_fen(np.array([0.4, 0.4, 0.4])).tolist()
    [0, 1, 0]
    """
    return np.diff(np.rint(np.cumsum(values)), prepend=0.0).astype(np.int64)


def _direct(departments: Departments, tally: Tally, whole: float, rng: np.random.Generator) -> np.ndarray:
    """Yuan of the year by department, without drugs and charged materials."""
    level = data("hospital_ledger")["level"]
    base = departments.cost * tally.income / 100
    pools = {"administration": level["administration"], "auxiliary": level["auxiliary"]}
    base *= whole * (1 - sum(pools.values())) / base.sum()
    for name, share in pools.items():
        rows = departments.of(name)
        base[rows] = whole * share * departments.part[rows] / departments.part[rows].sum()
    return base * np.exp(rng.normal(0, level["noise"], base.size))


def _spent(departments: Departments, base: np.ndarray) -> dict[str, np.ndarray]:
    """Yuan by line of the ledger and department."""
    facts = data("hospital_ledger")
    mixes = facts["mix"]
    return {
        line: np.array(
            [
                yuan * mixes[mix].get(line, 0) / sum(mixes[mix].values())
                for yuan, mix in zip(base, departments.mix, strict=True)
            ]
        )
        for line in facts["line"]
        if "month" in facts["line"][line]
    }


def _months(tally: Tally, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Relative size of the months by kind of line, float64[d, 12]."""
    level = data("hospital_ledger")["level"]
    pay = np.ones(MONTHS)
    pay[-1] = level["december"]
    used = tally.goods.sum(axis=(0, 1))
    activity = used / used.mean() if used.sum() > 0 else np.ones(MONTHS)
    season = 1 + 0.18 * np.cos(2 * np.pi * (np.arange(MONTHS) - 0.5) / 6)
    shapes = {"pay": pay, "activity": np.maximum(activity, 0.3), "even": np.ones(MONTHS), "season": season}
    shapes["loose"] = np.linspace(0.85, 1.25, MONTHS)
    return {kind: np.tile(shape, (tally.size, 1)) for kind, shape in shapes.items()}


def _account(departments: Departments, dept: int, entry: Mapping[str, Any]) -> str:
    return ("5101" if departments.category[dept] == _ADMINISTRATION else "5001") + str(entry["account"])


def _with_shared(lines: list[LedgerLine], shared: Mapping[str, Any]) -> Iterator[LedgerLine]:
    """Part of a line of two departments is booked under a code of finance that dept_map divides between them."""
    for line in lines:
        if line.line != shared["line"] or line.dept_code not in shared["departments"]:
            yield line
            continue
        apart = np.rint(line.fen * shared["part"]).astype(np.int64)
        yield LedgerLine(line.dept_code, line.account, line.line, line.fund_source, line.fen - apart)
        yield LedgerLine(shared["code"], line.account, line.line, line.fund_source, apart)


def _funded(departments: Departments, base: np.ndarray, income: float) -> list[LedgerLine]:
    """Costs of projects, research and teaching, and what is not medical."""
    lines = []
    for fund in data("hospital_ledger")["fund"]:
        rows = [n for n, code in enumerate(departments.codes) if code in fund["departments"]]
        for category in CATEGORIES:
            rows += departments.of(category).tolist() if category in fund["departments"] else []
        named = np.isin(np.array(departments.codes), fund["departments"])
        # A department named next to a category takes as much as all departments together.
        whole = any(category in fund["departments"] for category in CATEGORIES)
        weight = np.where(named & whole, base.sum(), base)[rows]
        months = np.isin(np.arange(1, MONTHS + 1), fund["months"]) / len(fund["months"])
        for dept, yuan in zip(rows, fund["share"] * income * weight / weight.sum(), strict=True):
            fen = whole_fen(yuan * 100 * months)
            if fen.any():
                lines.append(LedgerLine(departments.codes[dept], fund["account"], fund["line"], fund["source"], fen))
    return lines
