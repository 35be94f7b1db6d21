"""Profit and loss of cases (DRG 盈亏): payment against full cost, variable cost and charges.

Three views of one case: margin = payment - full cost (盈亏), contribution = payment - variable cost (边际贡献), and
charge_margin = payment - charges, which is what hospitals without cost accounting look at. Amounts are turned into
whole fen once per case and only added after that, so every table adds up to the cases.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from drgengine.costing.fen import to_fen
from drgengine.costing.value.groupstats import Floats, divide, number_array
from drgengine.errors import CostingError

VIEWS: dict[str, str] = {"margin": "full_cost", "contribution": "variable_cost", "charge_margin": "charges"}
KEYS = ("drg", "department", "physician")
INTERVAL = "t interval of the mean per case, n - 1 degrees of freedom"
PROFIT, LOSS, NOT_ROBUST = "profit", "loss", "sign not robust"

_BAD_SHOWN = 3


@dataclass(frozen=True, slots=True, eq=False)
class Margins:
    """Profit and loss per case; amounts in yuan, exact to the fen.

    cases : DataFrame of the cases with payment: case_id, drg, department, physician, payment, full_cost, variable_cost,
        charges, margin, contribution, charge_margin; charges and charge_margin are NaN where no charges were given
    unpaid : DataFrame of the cases without payment, same columns up to charges; they stand in no sum of `by`
    reconciliation : rows "all", "paid", "unpaid", "difference" (0.0) with n, payment and the costs
    confidence, interval : of the means in `by`
    """

    cases: pd.DataFrame
    unpaid: pd.DataFrame
    reconciliation: pd.DataFrame
    confidence: float
    interval: str = INTERVAL
    _fen: dict[str, Floats] = field(default_factory=dict, repr=False)

    def by(self, *keys: str) -> pd.DataFrame:
        """Profit and loss per DRG, department or physician, or several of them together (分组盈亏).

        keys : of "drg", "department", "physician"; none gives one row for all. A null key stands under "".

        Columns: the keys, n, sums payment, full_cost, variable_cost, charges, margin, contribution, charge_margin, and
        for each view _n (cases with the amount), _mean, _low, _high, _loss_share (cases below 0) and _sign:
        "profit", "loss", or "sign not robust" where the interval holds 0 or there are fewer than two cases;
        break_even : cases at which payment covers the fixed cost of these cases, Q* = F / (p - v), NaN where p <= v.
        charges and charge_margin add up the cases whose charges are known (charge_margin_n), NaN where none are.
        Raises CostingError for a key that is not known.
        """
        unknown = [key for key in keys if key not in KEYS]
        if unknown:
            raise CostingError("by", f"{unknown[0]!r} is no key", f"Take some of {', '.join(KEYS)}")
        number, table = _number_rows(self.cases, keys)
        many = len(table)
        table["n"] = np.bincount(number, minlength=many)
        sums = {name: _sum(values, number, many) for name, values in self._fen.items()}
        for name in ("payment", *VIEWS.values(), *VIEWS):
            table[name] = sums[name] / 100
        for view in VIEWS:
            for name, values in _view_columns(self._fen[view], number, many, self.confidence).items():
                table[f"{view}_{name}"] = values
        table["break_even"] = break_even_volume(
            (sums["full_cost"] - sums["variable_cost"]) / 100,
            divide(sums["payment"] / 100, table["n"]),
            divide(sums["variable_cost"] / 100, table["n"]),
        )
        return table


def margins(
    payment: Any,
    full_cost: Any,
    variable_cost: Any,
    charges: Any = None,
    *,
    drg: Any,
    department: Any = None,
    physician: Any = None,
    case_id: Any = None,
    confidence: float = 0.95,
) -> Margins:
    """Profit and loss of every case (病例盈亏).

    payment : float[n], yuan, NaN for a case without payment (group without weight); it is listed in `unpaid`
    full_cost, variable_cost : float[n], yuan, none missing; charges : float[n], NaN where unknown, None without any
    drg, department, physician, case_id : text[n]; physicians should come masked where results leave the hospital

    Raises CostingError: lengths, a cost that is missing, an amount that is none.

    >>> found = margins([100.0, None], [80.0, 50.0], [30.0, 20.0], [120.0, 60.0], drg=["FR21", "FR29"])
    >>> found.cases[["margin", "contribution", "charge_margin"]].values.tolist()
    [[20.0, 70.0, -20.0]]
    >>> found.unpaid["full_cost"].tolist()
    [50.0]
    """
    if not 0 < confidence < 1:
        raise CostingError("confidence", f"{confidence} does not lie between 0 and 1", "0.95 is usual")
    paid = number_array(payment, "payment")
    n = paid.size
    amounts = {
        "payment": _in_fen(paid, "payment", n, missing=True),
        "full_cost": _in_fen(full_cost, "full_cost", n),
        "variable_cost": _in_fen(variable_cost, "variable_cost", n),
        "charges": _in_fen(np.full(n, np.nan) if charges is None else charges, "charges", n, missing=True),
    }
    labels = {"case_id": case_id, "drg": drg, "department": department, "physician": physician}
    frame = pd.DataFrame({name: _labels(values, n, name) for name, values in labels.items()})
    for name, fen in amounts.items():
        frame[name] = fen / 100
    there = np.isfinite(paid)
    chosen = {name: fen[there] for name, fen in amounts.items()}
    for view, cost in VIEWS.items():
        chosen[view] = chosen["payment"] - chosen[cost]
    cases = frame[there].reset_index(drop=True).assign(**{view: chosen[view] / 100 for view in VIEWS})
    unpaid = frame[~there].reset_index(drop=True)
    return Margins(cases, unpaid, _reconcile(amounts, there), confidence, _fen=chosen)


def break_even_volume(fixed: npt.ArrayLike, price: npt.ArrayLike, variable: npt.ArrayLike) -> Floats:
    """Break-even volume (保本点) Q* = F / (p - v), elementwise; NaN where the price does not exceed the variable cost.

    fixed : yuan of the period; price, variable : yuan per case

    >>> break_even_volume([1000.0, 1000.0], [50.0, 50.0], [30.0, 60.0])
    array([50., nan])
    """
    gain = np.asarray(price, np.float64) - np.asarray(variable, np.float64)
    return divide(fixed, np.where(gain > 0, gain, 0.0))


def _in_fen(values: Any, name: str, n: int, missing: bool = False) -> Floats:
    """Whole fen as float64 (exact to 2^53), NaN where missing."""
    found = number_array(values, name)
    if found.size != n:
        raise CostingError(name, f"{found.size} amounts for {n} cases", "Give one per case")
    absent = np.isnan(found)
    if absent.any() and not missing:
        rows = ", ".join(str(row + 1) for row in np.flatnonzero(absent)[:_BAD_SHOWN])
        problem = f"{np.count_nonzero(absent)} cases have no {name} (rows {rows})"
        raise CostingError(name, problem, "Every case has a cost, 0 where none was found")
    fen = np.full(n, np.nan)
    fen[~absent] = to_fen(found[~absent])
    return fen


def _labels(values: Any, n: int, name: str) -> pd.Series:
    series = pd.Series([None] * n if values is None else list(values), dtype=object)
    if series.size != n:
        raise CostingError(name, f"{series.size} values for {n} cases", "Give one per case")
    return series.where(series.notna(), "")


def _number_rows(cases: pd.DataFrame, keys: Sequence[str]) -> tuple[npt.NDArray[np.int64], pd.DataFrame]:
    """Number of each case's row in the table of keys, which is sorted."""
    if not keys:
        return np.zeros(len(cases), np.int64), pd.DataFrame(index=range(1))
    rows = cases.groupby(list(keys), sort=True, dropna=False)
    table = rows.size().reset_index()[list(keys)]
    return rows.ngroup().to_numpy(np.int64), table


def _sum(fen: Floats, number: npt.NDArray[np.int64], many: int) -> Floats:
    """Exact below 2^53 fen (90 million million yuan); missing amounts add nothing, NaN where all are missing."""
    known = np.isfinite(fen)
    total = np.bincount(number[known], weights=fen[known], minlength=many)
    cases = np.bincount(number[known], minlength=many)
    return np.where((cases > 0) | (np.bincount(number, minlength=many) == 0), total, np.nan)


def _view_columns(
    fen: Floats, number: npt.NDArray[np.int64], many: int, confidence: float
) -> dict[str, npt.NDArray[Any]]:
    from scipy import stats

    known = np.isfinite(fen)
    value, at = fen[known] / 100, number[known]
    n = np.bincount(at, minlength=many)
    mean = divide(np.bincount(at, weights=fen[known], minlength=many), n) / 100
    squares = np.bincount(at, weights=(value - mean[at]) ** 2, minlength=many)
    error = np.sqrt(divide(divide(squares, np.maximum(n - 1, 0)), n))
    half = error * stats.t.ppf((1 + confidence) / 2, np.where(n > 1, n - 1, np.nan))
    low, high = mean - half, mean + half
    sign = np.where(low > 0, PROFIT, np.where(high < 0, LOSS, NOT_ROBUST)).astype(object)
    loss = divide(np.bincount(at, weights=(value < 0).astype(np.float64), minlength=many), n)
    return {"n": n, "mean": mean, "low": low, "high": high, "loss_share": loss, "sign": sign}


def _reconcile(amounts: dict[str, Floats], paid: npt.NDArray[np.bool_]) -> pd.DataFrame:
    lines = {
        "all": np.ones(paid.size, np.bool_),
        "paid": paid,
        "unpaid": ~paid,
    }
    table = pd.DataFrame(
        {
            "n": [int(rows.sum()) for rows in lines.values()],
            **{name: [float(np.nansum(fen[rows])) for rows in lines.values()] for name, fen in amounts.items()},
        },
        index=list(lines),
    )
    table.loc["difference"] = table.loc["all"] - table.loc["paid"] - table.loc["unpaid"]
    table[list(amounts)] = table[list(amounts)] / 100
    return table.rename_axis("cases").reset_index().astype({"n": np.int64})
