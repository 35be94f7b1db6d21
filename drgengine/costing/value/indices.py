"""Cost and time consumption index of a hospital or department (费用消耗指数, 时间消耗指数).

Two forms are in use and give different numbers (technical specification of CHS-DRG and the national performance
evaluation, formulas as recalled); a result always names its form. Below 1: less than the region for the same groups.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from drgengine.costing.value.groupstats import divide, number_array, number_groups
from drgengine.errors import CostingError

Form = Literal["mean-of-ratios", "observed-expected"]
FORMS: dict[str, str] = {
    "mean-of-ratios": "sum over groups of n_g / n x (own mean_g / region's mean_g)",
    "observed-expected": "sum of own values / sum over groups of n_g x region's mean_g",
}


@dataclass(frozen=True, slots=True, eq=False)
class ConsumptionIndex:
    """Consumption index (消耗指数) per unit.

    table : DataFrame, one row per unit: unit, n (cases used), n_excluded, index (NaN without a case used)
    form, formula : which of the two forms this is; value : index of all units together
    excluded : (group, cases) that the region has no mean above 0 for; n_without_value : cases without group or value
    """

    form: Form
    formula: str
    value: float
    table: pd.DataFrame
    excluded: tuple[tuple[str, int], ...]
    n_without_value: int


def consumption_index(
    value: Any,
    group: Any,
    region: Mapping[str, float],
    *,
    unit: Any = None,
    n: Any = None,
    form: Form = "mean-of-ratios",
) -> ConsumptionIndex:
    """Consumption index of cost or of length of stay against the region's mean per group.

    value : float[m], cost in yuan or days per case; or means of groups, with `n` telling their cases
    group : text[m]; region : group -> mean of the region, in the same unit
    unit : text[m], hospital, department or physician; None takes all as one; cases without unit stand under ""

    Cases whose group the region does not know are excluded and counted, nothing is taken for them.
    Raises CostingError: lengths, a form that is not known.

    >>> found = consumption_index([9500.0, 22000.0], ["A", "B"], {"A": 10_000, "B": 20_000}, n=[60, 40])
    >>> round(found.value, 4), found.form
    (1.01, 'mean-of-ratios')
    """
    if form not in FORMS:
        raise CostingError("form", f"{form!r} is not known", f"Take one of {', '.join(FORMS)}")
    own = number_array(value, "value")
    number, groups = number_groups(group)
    count = np.ones(own.size) if n is None else number_array(n, "n")
    at, units = _units(unit, own.size)
    if not own.size == number.size == count.size == at.size:
        shown = f"{own.size} values, {number.size} groups, {count.size} counts, {at.size} units"
        raise CostingError("consumption index", f"{shown} are not equally many", "Give one of each per row")
    mean = _means_of(region, groups)[number]
    valid = np.isfinite(own) & (number >= 0) & (count > 0)
    used, left = valid & np.isfinite(mean), valid & ~np.isfinite(mean)
    many = len(units)
    cases = np.bincount(at[used], weights=count[used], minlength=many)
    # Both forms are a sum over a sum: of ratios over cases, or of own values over expected ones.
    divisor = mean if form == "mean-of-ratios" else np.ones(own.size)
    above = np.bincount(at[used], weights=count[used] * own[used] / divisor[used], minlength=many)
    below = np.bincount(at[used], weights=count[used] * (mean / divisor)[used], minlength=many)
    excluded = np.bincount(at[left], weights=count[left], minlength=many)
    table = pd.DataFrame(
        {
            "unit": pd.Series(units, dtype=object),
            "n": cases.astype(np.int64),
            "n_excluded": excluded.astype(np.int64),
            "index": divide(above, below),
        }
    )
    lost = np.bincount(number[left], weights=count[left], minlength=len(groups))
    return ConsumptionIndex(
        form=form,
        formula=FORMS[form],
        value=float(divide(above.sum(), below.sum())),
        table=table,
        excluded=tuple((groups[i], int(lost[i])) for i in np.flatnonzero(lost)),
        n_without_value=int(np.where(np.isnan(count), 1, count)[~valid].sum()),
    )


def _means_of(region: Mapping[str, float], groups: tuple[str, ...]) -> npt.NDArray[np.float64]:
    """Region's mean per group, NaN where it is absent or not above 0; one more NaN for cases without group (-1)."""
    means = np.array([*(region.get(name, np.nan) for name in groups), np.nan], np.float64)
    means[~((means > 0) & np.isfinite(means))] = np.nan
    return means


def _units(unit: Any, size: int) -> tuple[npt.NDArray[np.int64], tuple[str, ...]]:
    if unit is None:
        return np.zeros(size, np.int64), ("",)
    number, names = number_groups(unit, "unit")
    if (number >= 0).all():
        return number, names
    return number + 1, ("", *names)


def region_means(value: Any, group: Any) -> dict[str, float]:
    """Mean per group of the region's cases, for consumption_index; cases without value or group are left out.

    >>> region_means([8.0, 12.0, 5.0], ["A", "A", "B"])
    {'A': 10.0, 'B': 5.0}
    """
    own = number_array(value, "value")
    number, groups = number_groups(group)
    if own.size != number.size:
        raise CostingError("group", f"{number.size} groups for {own.size} values", "Give one group per case")
    used = np.isfinite(own) & (number >= 0)
    sums = np.bincount(number[used], weights=own[used], minlength=len(groups))
    cases = np.bincount(number[used], minlength=len(groups))
    return {name: float(mean) for name, mean in zip(groups, divide(sums, cases), strict=True) if np.isfinite(mean)}
