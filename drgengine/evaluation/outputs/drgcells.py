"""Hospital by DRG, and DRGs of the region, so that no hidden cell follows from what is shown (病组明细与隐私)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from drgengine.evaluation.books.suppression import Bools, Ints, hidden_rows
from drgengine.evaluation.mix.measures import AMOUNTS
from drgengine.evaluation.mix.result import CaseMix
from drgengine.evaluation.yearly.result import Evaluation

Rows = npt.NDArray[np.int64]
Texts = npt.NDArray[np.object_]
OTHERS = "(others)"
INDEX_OF = {"charge": "charge_index", "cost": "cost_index", "los": "time_index"}
_DIGITS = {"charge": 0, "cost": 0, "los": 2}
_WEIGHT_DIGITS, _INDEX_DIGITS = 4, 4
_FEWEST_UNKNOWN = 3
"""Unknown terms a hospital's sums must keep: its sum of weights and its mean index are two equations."""
WITHHELD = (
    "区域均值、权重和指数不显示：本病组全区病例过少，或可由此推算其他医院未显示的病例",
    "No mean, weight or index of the region: too few cases in it, or a hidden cell of another hospital would follow",
)
FEW_KNOWN = (
    "已知金额或住院日的病例过少，均值不显示",
    "Too few cases with a known amount or stay: no mean",
)


@dataclass(frozen=True, slots=True, eq=False)
class Shielded:
    """table : unit x DRG of cell_table()   hidden : bool per row, shown in (others) only   known : int64 per row and
    amount   withheld : DRGs whose region values are not shown   touched : DRGs that have a hidden cell
    few, few_base : DRGs of fewer cases in the region than may be shown, now and in the base period"""

    table: pd.DataFrame
    hidden: Bools
    known: dict[str, Ints]
    withheld: frozenset[str]
    touched: frozenset[str]
    few_base: frozenset[str]
    smallest: int
    own_weights: bool


def shield(evaluation: Evaluation) -> Shielded:
    """Which cells are hidden, and which DRGs show no value of the region.

    Every value of the region is withheld for a DRG of fewer than privacy.smallest_cell cases in the region, and for one
    whose hidden cells are a single one or hold fewer cases than that together: the mean of the region less the cells
    that are shown would be the hidden one. Where the sums of a hospital (total weight, expected charge, mean index, as
    a whole or by kind of group) would leave fewer than 3 unknown terms, or those of several hospitals together give a
    value away, one more DRG of them is withheld.
    """
    smallest, mix = evaluation.plan.privacy.smallest_cell, evaluation.current.mix
    table = mix.cell_table(smallest).drop(columns=["below_minimum"])
    unit = table.groupby(list(mix.by), sort=False).ngroup().to_numpy().astype(np.int64)
    hidden = hidden_rows(table["cases"].to_numpy(np.int64), unit, smallest)
    known = {amount: mix.cells.amount(amount)[0].astype(np.int64) for amount in AMOUNTS}
    withheld = _first_withheld(table["drg"], table["cases"].to_numpy(np.int64), hidden, smallest)
    for one in known.values():
        # A mean of few known values is as telling as one of few cases.
        some = one > 0
        blank = (hidden | (one < smallest))[some]
        withheld |= _first_withheld(table["drg"][some], one[some], blank, smallest)
    withheld = _closed(table, unit, hidden, withheld)
    few_base = _few(_risk_mix(evaluation), smallest)
    touched = frozenset(table["drg"][hidden]) | withheld
    own = evaluation.plan.mix.weights is None
    return Shielded(table, hidden, known, withheld, touched, few_base, smallest, own)


def _first_withheld(drg: pd.Series, cases: Ints, hidden: Bools, smallest: int) -> frozenset[str]:
    frame = pd.DataFrame({"all": cases, "cells": hidden.astype(np.int64), "hidden": np.where(hidden, cases, 0)})
    found = frame.groupby(drg.to_numpy(dtype=object)).sum()
    exposed = (found["cells"] > 0) & ((found["cells"] < 2) | (found["hidden"] < smallest))
    return frozenset(found.index[(found["all"] < smallest) | exposed])


def _closed(table: pd.DataFrame, unit: Ints, hidden: Bools, first: frozenset[str]) -> frozenset[str]:
    """Withhold more DRGs until no hospital's sums give the region value of one away."""
    withheld = set(first)
    drg = table["drg"].to_numpy(dtype=object)
    letter = np.array([str(code)[1:2] for code in drg], dtype=object)
    kind = np.where(letter <= "J", 0, np.where(letter <= "Q", 1, 2))
    size = table.groupby("drg")["cases"].transform("sum").to_numpy()
    groups = [np.flatnonzero(unit * 3 + kind == one) for one in np.unique(unit * 3 + kind)]
    # A hidden cell is an unknown of its hospital alone: only sums without one are equations for the withheld DRGs.
    open_groups = [rows for rows in groups if not hidden[rows].any()]
    cases = table["cases"].to_numpy(np.float64)
    while withheld:
        more = _too_few_unknown(groups, hidden, drg, withheld) or _solved(open_groups, cases, drg, withheld)
        free = [row for rows in more for row in rows if drg[row] not in withheld and not hidden[row]]
        if not free:
            break
        withheld.add(drg[min(free, key=lambda row: (size[row], drg[row]))])
    return frozenset(withheld)


def _too_few_unknown(groups: list[Rows], hidden: Bools, drg: Texts, withheld: set[str]) -> list[Rows]:
    """Groups of rows whose sum has an unknown row that is shown, too few in all, and rows left to withhold."""
    found = []
    for rows in groups:
        blank = np.array([code in withheld for code in drg[rows]], np.bool_)
        unknown = hidden[rows] | blank
        if (blank & ~hidden[rows]).any() and unknown.sum() < _FEWEST_UNKNOWN and not unknown.all():
            found.append(rows)
    return found


def _solved(groups: list[Rows], cases: npt.NDArray[np.float64], drg: Texts, withheld: set[str]) -> list[Rows]:
    """Groups whose sums together determine the value of a withheld DRG (rank of the equations)."""
    place = {code: at for at, code in enumerate(sorted(withheld))}
    equations = [(rows, [(place[drg[row]], cases[row]) for row in rows if drg[row] in place]) for rows in groups]
    equations = [(rows, terms) for rows, terms in equations if terms]
    if not equations:
        return []
    matrix = np.zeros((len(equations), len(place)))
    for at, (_, terms) in enumerate(equations):
        for column, count in terms:
            matrix[at, column] = count
    _, singular, basis = np.linalg.svd(matrix, full_matrices=True)
    null = basis[int((singular > 1e-10 * singular[0]).sum()) :]
    known = np.abs(null).max(axis=0, initial=0.0) < 1e-9
    return [rows for (rows, terms) in equations if any(known[column] for column, _ in terms)]


def _risk_mix(evaluation: Evaluation) -> CaseMix:
    """The period whose deaths made the risk scores; the current one where it is not at hand."""
    current = evaluation.current
    name = evaluation.details.get("risk_periods", {}).get(current.id) or evaluation.base_id
    periods = [one for one in (evaluation.previous, evaluation.details.get("base")) if one is not None]
    return next((one.mix for one in periods if one.id == name), current.mix)


def _few(mix: CaseMix, smallest: int) -> frozenset[str]:
    """DRGs with too few cases in a period."""
    cases = mix.cells.per_group(mix.cells.n)
    return frozenset(code for code, count in zip(mix.cells.groups, cases, strict=True) if count < smallest)


def drg_cells(evaluation: Evaluation) -> pd.DataFrame:
    """Unit x DRG, small cells together per unit, without what would give a hidden cell away; see shield().

    A DRG with a hidden cell shows rounded values: weights and indices to 4 digits, means to whole yuan and 2 decimals
    of days. Deaths are counts of events among smallest_cell cases or more and are shown.
    """
    made = shield(evaluation)
    table, units = made.table.copy(), list(evaluation.current.mix.by)
    exact = table["cases"] * table["weight"]
    blank = table["drg"].isin(made.withheld).to_numpy()
    rough = table["drg"].isin(made.touched).to_numpy() & ~blank
    table["risk_score"] = table["risk_score"].mask(table["drg"].isin(made.few_base))
    few = np.zeros(len(table), np.bool_)
    for amount, index in INDEX_OF.items():
        ratio, own = [index, f"{index}_low", f"{index}_high"], f"mean_{amount}"
        scarce = (made.known[amount] < made.smallest) & (made.known[amount] > 0)
        few |= scarce
        table.loc[scarce, [own, *ratio]] = np.nan
        table.loc[blank, [f"benchmark_{amount}", *ratio]] = np.nan
        means = [own, f"benchmark_{amount}"]
        table.loc[rough, means] = table.loc[rough, means].round(_DIGITS[amount])
        table.loc[rough, ratio] = table.loc[rough, ratio].round(_INDEX_DIGITS)
    if made.own_weights:
        table.loc[blank, "weight"] = np.nan
        table.loc[rough, "weight"] = table.loc[rough, "weight"].round(_WEIGHT_DIGITS)
    table["total_weight"] = table["cases"] * table["weight"]
    for column, at in (("remark_zh", 0), ("remark_en", 1)):
        said = np.where(blank, WITHHELD[at], np.where(few, FEW_KNOWN[at], ""))
        table[column] = pd.Series(said, index=table.index, dtype=object)
    pooled = _pooled(table, exact, units, made, blank)
    shown = pd.concat([table[~made.hidden], pooled], ignore_index=True) if len(pooled) else table[~made.hidden]
    return shown[list(table.columns)].reset_index(drop=True)


def _pooled(
    table: pd.DataFrame, exact: pd.Series, units: list[str], made: Shielded, blank: npt.NDArray[np.bool_]
) -> pd.DataFrame:
    """The hidden cells of each unit together; the weight that was rounded off elsewhere is not added here."""
    frame = table[units].assign(cases=table["cases"], total_weight=exact.round(1), blank=blank & made.own_weights)
    sums = frame[made.hidden].groupby(units, sort=False, as_index=False)[["cases", "total_weight"]].sum()
    # Beside a row without weight the total of the hospital less this one would be the weight of that row.
    any_blank = frame.groupby(units, sort=False)["blank"].any()
    keys = pd.MultiIndex.from_frame(sums[units]) if len(units) > 1 else pd.Index(sums[units[0]])
    sums["total_weight"] = sums["total_weight"].mask(any_blank.reindex(keys).to_numpy(dtype=bool))
    sums = sums[sums["cases"] >= made.smallest]
    return sums.assign(drg=OTHERS, mdc="", adrg="", remark_zh="", remark_en="")


def drg_groups(evaluation: Evaluation) -> pd.DataFrame:
    """DRG, weight, risk score; a weight worked out from the region's own charges is withheld and rounded as in
    drg_cells(), a published one is shown. A risk score of few cases of the base period would tell how they ended."""
    made, mix = shield(evaluation), evaluation.current.mix
    codes = sorted({*mix.weights.weights, *mix.risks.score})
    weight = np.array([mix.weights.weights.get(code, np.nan) for code in codes], np.float64)
    score = np.array([mix.risks.score.get(code, np.nan) for code in codes], np.float64)
    blank = np.array([made.own_weights and code in made.withheld for code in codes], np.bool_)
    rough = np.array([made.own_weights and code in made.touched for code in codes], np.bool_)
    weight[rough] = weight[rough].round(_WEIGHT_DIGITS)
    weight[blank] = np.nan
    score[[code in made.few_base for code in codes]] = np.nan
    table = pd.DataFrame({"drg": codes, "weight": weight, "risk_score": score})
    for column, at in (("remark_zh", 0), ("remark_en", 1)):
        table[column] = pd.Series(np.where(blank, WITHHELD[at], ""), index=table.index, dtype=object)
    return table
