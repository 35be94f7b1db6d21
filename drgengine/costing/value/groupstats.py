"""Values by group, sorted once: quantiles, means and deviations of many groups at a time (分组统计)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from drgengine.errors import CostingError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# Plotting positions (alpha, beta) of the continuous sample quantiles, by numpy's names; "linear" is type 7.
QUANTILES: dict[str, tuple[float, float]] = {
    "interpolated_inverted_cdf": (0.0, 1.0),
    "hazen": (0.5, 0.5),
    "weibull": (0.0, 0.0),
    "linear": (1.0, 1.0),
    "median_unbiased": (1 / 3, 1 / 3),
    "normal_unbiased": (3 / 8, 3 / 8),
}


def number_groups(group: Any, place: str = "group") -> tuple[Ints, tuple[str, ...]]:
    """Numbers 0.. of the group codes in the order of their texts, -1 for null or empty text; and the codes.

    Raises CostingError for floating point numbers: a code is text, "12" and 12.0 are not the same.

    >>> number_groups(["FR25", None, "AA19", "FR25"])
    (array([ 1, -1,  0,  1]), ('AA19', 'FR25'))
    """
    series = pd.Series(group, dtype=object if len(group) == 0 else None)
    if pd.api.types.is_float_dtype(series.dtype):
        if series.isna().all():
            return np.full(len(series), -1, np.int64), ()
        shown = series.dropna().iloc[0]
        raise CostingError(place, f"the code {shown} is a number", "Give codes as text, as they are printed")
    if pd.api.types.is_integer_dtype(series.dtype):
        series = series.astype(str)
    number, labels = pd.factorize(series)
    wrong = next((label for label in labels if not isinstance(label, str)), None)
    if wrong is not None:
        raise CostingError(place, f"the code {wrong!r} is no text", "Give codes as text, as they are printed")
    texts = list(labels)
    ranked = sorted({text for text in texts if text.strip()})
    rank = {text: position for position, text in enumerate(ranked)}
    # One more place at the end: factorize says -1 where there is no code.
    new = np.array([*(rank.get(text, -1) for text in texts), -1], np.int64)
    return new[number], tuple(ranked)


@dataclass(frozen=True, slots=True, eq=False)
class GroupedValues:
    """Values sorted by group, then by size: sums over them do not depend on the order of the rows.

    order : int64[m], rows of the input; value : float64[m]; number : int64[m], group of each; start : int64[g + 1]
    """

    order: Ints
    value: Floats
    number: Ints
    start: Ints

    @property
    def n(self) -> Ints:
        return np.diff(self.start)

    def sums(self, values: Floats | None = None) -> Floats:
        """Sum per group of `values`, which lie in sorted order; by default of the values themselves."""
        weights = self.value if values is None else values
        return np.bincount(self.number, weights=weights, minlength=self.start.size - 1).astype(np.float64, copy=False)

    def means(self) -> Floats:
        """float64[g]; NaN for a group without values."""
        return divide(self.sums(), self.n)

    def deviations(self) -> Floats:
        """Sum of squared deviations from the group's mean, float64[g]; 0 for a group without values."""
        return self.sums((self.value - self.means()[self.number]) ** 2)

    def quantiles(self, share: float, method: str = "linear") -> Floats:
        """Sample quantile per group, float64[g]; NaN for a group without values. Agrees with numpy.quantile."""
        return quantiles_of_sorted(self.value, self.start, share, method)


def sort_by_group(value: Floats, number: Ints, n_groups: int, rows: npt.NDArray[np.bool_]) -> GroupedValues:
    """Sort the rows asked for by group and value; rows of group -1 must not be among them."""
    chosen = np.flatnonzero(rows)
    chosen = chosen[np.argsort(value[chosen])]
    # A stable sort of 16 bit numbers is a radix sort, many times faster than one of wide numbers.
    key = number[chosen].astype(np.uint16 if n_groups <= 1 << 16 else np.int64)
    order = chosen[np.argsort(key, kind="stable")]
    start = np.zeros(n_groups + 1, np.int64)
    np.cumsum(np.bincount(number[order], minlength=n_groups), out=start[1:])
    return GroupedValues(order, value[order], number[order], start)


def quantiles_of_sorted(value: Floats, start: Ints, share: float, method: str) -> Floats:
    """See GroupedValues.quantiles; raises CostingError for a definition that is not continuous or not known."""
    if method not in QUANTILES:
        known = ", ".join(QUANTILES)
        raise CostingError("quantile", f"the definition {method!r} is not known", f"Take one of {known}")
    alpha, beta = QUANTILES[method]
    n = np.diff(start)
    found = np.full(n.size, np.nan)
    there = n > 0
    size, first = n[there], start[:-1][there]
    place = (size - 1) * share if method == "linear" else size * share + alpha + share * (1 - alpha - beta) - 1
    place = np.clip(place, 0, size - 1)
    below = np.floor(place).astype(np.int64)
    above = np.minimum(below + 1, size - 1)
    part = place - below
    low, high = value[first + below], value[first + above]
    found[there] = low + (high - low) * part
    return found


def divide(above: npt.ArrayLike, below: npt.ArrayLike) -> Floats:
    """above / below with NaN where below is 0, never a warning.

    >>> divide([1.0, 1.0], [2, 0])
    array([0.5, nan])
    """
    top, bottom = np.broadcast_arrays(np.asarray(above, np.float64), np.asarray(below, np.float64))
    return np.divide(top, bottom, out=np.full(top.shape, np.nan), where=bottom != 0)


def number_array(values: Any, place: str) -> Floats:
    """One-dimensional float64 array, null as NaN; CostingError for a text that is no number."""
    try:
        found = pd.to_numeric(pd.Series(values, dtype=object if len(values) == 0 else None))
        array = found.to_numpy(np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise CostingError(place, f"a value is no number ({error})", "Give one number per case") from None
    return np.ascontiguousarray(array)
