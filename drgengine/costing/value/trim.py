"""Which cases a weight is made from: outlier rules per group (离群病例裁剪).

The technical specification of CHS-DRG (国家医疗保障局) asks for trimmed cases and leaves the rule to the city; in use
are the interquartile range of cost or of its logarithm, multiples of the group mean, percentiles (rules as recalled).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from drgengine.costing.model import WeightSettings
from drgengine.costing.value.groupstats import Floats, GroupedValues, Ints, number_array, number_groups, sort_by_group
from drgengine.errors import CostingError

Flags = npt.NDArray[np.int8]

KEPT, LOW, HIGH, LEFT_OUT = 0, -1, 1, 2
FLAG_NAMES = {KEPT: "kept", LOW: "low", HIGH: "high", LEFT_OUT: "left out"}

# A case at a bound is kept. Bounds come out of logarithms and interpolation, so "at" needs a width.
_AT_BOUND = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Trimming:
    """Result of trimming (裁剪结果).

    groups : text[g]; flag : int8[n], KEPT 0, LOW -1, HIGH 1, LEFT_OUT 2 (no group, or no cost above 0)
    lower, upper : float64[g], bounds in the unit of cost, both kept; infinite under the rule "none" and NaN for a group
        without usable case; n, n_low, n_high, n_kept : int64[g], n counts usable cases
    n_left_out : cases without group or without a cost above 0; they stand in no group
    quantile : definition of the sample quantile by numpy's name ("linear" is type 7); it moves bounds of small groups
    """

    rule: str
    quantile: str
    iterate: bool
    groups: tuple[str, ...]
    flag: Flags
    lower: Floats
    upper: Floats
    n: Ints
    n_low: Ints
    n_high: Ints
    n_left_out: int
    number: Ints = field(repr=False)

    @property
    def n_kept(self) -> Ints:
        return self.n - self.n_low - self.n_high

    @property
    def kept(self) -> npt.NDArray[np.bool_]:
        """bool[n], True for the cases a weight is made from."""
        return self.flag == KEPT

    @property
    def table(self) -> pd.DataFrame:
        """DataFrame, one row per group: drg, n, n_kept, n_low, n_high, lower, upper."""
        return pd.DataFrame(
            {
                "drg": pd.Series(self.groups, dtype=object),
                "n": self.n,
                "n_kept": self.n_kept,
                "n_low": self.n_low,
                "n_high": self.n_high,
                "lower": self.lower,
                "upper": self.upper,
            }
        )


def trim(cost: Any, group: Any, settings: WeightSettings | None = None) -> Trimming:
    """Flag the outliers of every group (裁剪离群病例).

    cost : float[n], yuan or any unit; a case whose cost is null, infinite or not above 0 is left out and counted
    group : text[n], the DRG of each case; null and "" are left out and counted
    settings : rule and its numbers. "iqr" keeps Q1 - k IQR .. Q3 + k IQR, "iqr-log" the same on log cost, "multiple"
        the mean times low_multiple .. high_multiple, "percentile" low_percentile .. high_percentile, "none" all.
        `iterate` looks once more at the cases kept, never more often.

    A cost at a bound is kept. Percentiles flag the cheapest and the dearest case of a small group however near they
    lie, and both cases of two; groups that keep none have no weight.
    Raises CostingError: unequal lengths, codes that are numbers, impossible settings.

    >>> found = trim([8.0, 9.0, 10.0, 11.0, 60.0], ["A"] * 5, WeightSettings(trim="iqr"))
    >>> found.flag.tolist(), found.upper.tolist(), found.n_kept.tolist()
    ([0, 0, 0, 0, 1], [14.0], [4])
    """
    settings = settings or WeightSettings()
    refuse_bad_settings(settings)
    values = number_array(cost, "cost")
    number, groups = number_groups(group)
    if number.size != values.size:
        raise CostingError("group", f"{number.size} groups for {values.size} costs", "Give one group per case")
    usable = np.isfinite(values) & (values > 0) & (number >= 0)
    sorted_values = sort_by_group(values, number, len(groups), usable)
    lower, upper = _bounds(sorted_values, settings)
    flag = _flags(values, number, usable, lower, upper)
    if settings.iterate and settings.trim != "none":
        inner_lower, inner_upper = _bounds(sort_by_group(values, number, len(groups), flag == KEPT), settings)
        # A case must pass both looks; fmax and fmin ignore the NaN of a group that has nothing left.
        lower, upper = np.fmax(lower, inner_lower), np.fmin(upper, inner_upper)
        flag = _flags(values, number, usable, lower, upper)
    return Trimming(
        rule=settings.trim,
        quantile=settings.quantile,
        iterate=settings.iterate,
        groups=groups,
        flag=flag,
        lower=lower,
        upper=upper,
        n=sorted_values.n,
        n_low=np.bincount(number[flag == LOW], minlength=len(groups)),
        n_high=np.bincount(number[flag == HIGH], minlength=len(groups)),
        n_left_out=int(np.count_nonzero(flag == LEFT_OUT)),
        number=number,
    )


def _flags(values: Floats, number: Ints, usable: npt.NDArray[np.bool_], lower: Floats, upper: Floats) -> Flags:
    flag = np.full(values.size, LEFT_OUT, np.int8)
    if not lower.size:
        return flag
    low = lower - _AT_BOUND * np.where(np.isfinite(lower), np.abs(lower), 0.0)
    high = upper + _AT_BOUND * np.where(np.isfinite(upper), np.abs(upper), 0.0)
    flag[usable] = KEPT
    flag[usable & (values < low[number])] = LOW
    flag[usable & (values > high[number])] = HIGH
    return flag


def _bounds(grouped: GroupedValues, settings: WeightSettings) -> tuple[Floats, Floats]:
    """float64[g] twice, in the unit of cost."""
    rule, k, quantile = settings.trim, settings.multiplier, settings.quantile
    if rule == "none":
        empty = grouped.n == 0
        return np.where(empty, np.nan, -np.inf), np.where(empty, np.nan, np.inf)
    if rule == "multiple":
        mean = grouped.means()
        return mean * settings.low_multiple, mean * settings.high_multiple
    if rule == "percentile":
        low, high = settings.low_percentile / 100, settings.high_percentile / 100
        return grouped.quantiles(low, quantile), grouped.quantiles(high, quantile)
    if rule == "iqr-log":
        grouped = GroupedValues(grouped.order, np.log(grouped.value), grouped.number, grouped.start)
    first, third = grouped.quantiles(0.25, quantile), grouped.quantiles(0.75, quantile)
    lower, upper = first - k * (third - first), third + k * (third - first)
    if rule == "iqr-log":
        with np.errstate(over="ignore"):
            return np.exp(lower), np.exp(upper)
    return lower, upper


def refuse_bad_settings(settings: WeightSettings) -> None:
    """CostingError for numbers no rule can work with; the place is the setting."""
    rules = ("none", "iqr", "iqr-log", "multiple", "percentile")
    if settings.trim not in rules:
        _refuse("trim", settings.trim, "is no rule", f"Take one of {', '.join(rules)}")
    if not (0 <= settings.multiplier < np.inf):
        _refuse("multiplier", settings.multiplier, "is not 0 or more", "1.5 is usual")
    if not (0 <= settings.low_multiple < settings.high_multiple):
        shown = f"{settings.low_multiple} .. {settings.high_multiple}"
        _refuse("low_multiple, high_multiple", shown, "is no range", "Give 0 <= low < high, e.g. 0.3 and 3")
    if not (0 <= settings.low_percentile < settings.high_percentile <= 100):
        shown = f"{settings.low_percentile} .. {settings.high_percentile}"
        _refuse("low_percentile, high_percentile", shown, "is no range within 0 .. 100", "1 and 99 are usual")
    if not (0 <= settings.shrink_cases < np.inf):
        _refuse("shrink_cases", settings.shrink_cases, "is not 0 or more", "0 means no shrinking")
    if not (0 < settings.confidence < 1):
        _refuse("confidence", settings.confidence, "does not lie between 0 and 1", "0.95 is usual")


def _refuse(name: str, value: object, why: str, remedy: str) -> None:
    raise CostingError(f"[weights] {name}", f"{value!r} {why}", remedy)
