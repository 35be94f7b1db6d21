"""Consumption indices (消耗指数) in both published forms, with standard errors from sums and sums of squares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtri

from drgengine.evaluation.mix.cellarrays import Cells
from drgengine.evaluation.mix.measures import Floats

_EPSILON = 1e-13


@dataclass(frozen=True, slots=True, eq=False)
class Index:
    """An index per unit, float64[u] each; NaN where nothing can be said.

    value, se : the index and its standard error   low, high : interval on the log scale, exp(ln I -+ z se/I)
    cases : cases it rests on   without : cases with the amount but without a benchmark for their group
    """

    value: Floats
    se: Floats
    low: Floats
    high: Floats
    cases: Floats
    without: Floats


def mean_of_ratios(cells: Cells, amount: str, expected: Floats, confidence: float) -> Index:
    """Case-weighted mean of ratios, the national convention: sum_i (c_i / C_j(i)) / n; se = s / sqrt(n).

    expected : float64[c], C_j of the cell, NaN = no benchmark; such cases are counted in `without`
    """
    known, total, squares, usable = _usable(cells, amount, expected)
    n = cells.per_unit(np.where(usable, known, 0.0))
    ratio_sum = cells.per_unit(np.where(usable, total / expected, 0.0))
    ratio_squares = cells.per_unit(np.where(usable, squares / expected**2, 0.0))
    value, se = mean_and_error(n, ratio_sum, ratio_squares)
    return with_interval(value, se, n, cells.per_unit(np.where(usable, 0.0, known)), confidence)


def observed_over_expected(cells: Cells, amount: str, expected: Floats, confidence: float) -> Index:
    """Observed over expected: sum n c / sum n C; standard error of a ratio of sums, C_j taken as fixed.

    se = sqrt(n / (n-1) sum_i (c_i - I C_j(i))^2) / sum n C
    """
    known, total, squares, usable = _usable(cells, amount, expected)

    def added(values: Floats) -> Floats:
        return cells.per_unit(np.where(usable, values, 0.0))

    n, observed, hoped = added(known), added(total), added(known * expected)
    with np.errstate(invalid="ignore", divide="ignore"):
        value = np.where(hoped > 0, observed / hoped, np.nan)
        square = added(squares)
        residual = square - 2.0 * value * added(expected * total) + value**2 * added(known * expected**2)
        residual = np.where(residual > _EPSILON * square, residual, np.where(np.isnan(residual), np.nan, 0.0))
        se = np.where(n > 1, np.sqrt(n / (n - 1.0) * residual) / hoped, np.nan)
    return with_interval(value, se, n, cells.per_unit(np.where(usable, 0.0, known)), confidence)


def mean_and_error(n: Floats, total: Floats, squares: Floats) -> tuple[Floats, Floats]:
    """Mean and its standard error s / sqrt(n) from sums; NaN without a case, error NaN below two cases."""
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(n > 0, total / n, np.nan)
        spread = squares - n * mean**2
        # What subtraction leaves of equal numbers is no spread.
        spread = np.where(spread > _EPSILON * squares, spread, np.where(np.isnan(spread), np.nan, 0.0))
        return mean, np.where(n > 1, np.sqrt(spread / (n * (n - 1.0))), np.nan)


def with_interval(value: Floats, se: Floats, n: Floats, without: Floats, confidence: float) -> Index:
    """An Index with its interval on the log scale."""
    low, high = log_interval(value, se, confidence)
    return Index(value, se, low, high, n, without)


def log_interval(value: Any, se: Any, confidence: float) -> tuple[Floats, Floats]:
    """exp(ln v -+ z se / v); NaN where v is not above 0.

    >>> low, high = log_interval(np.array([1.0]), np.array([0.1]), 0.95)
    >>> [round(float(x), 4) for x in (*low, *high)]
    [0.822, 1.2165]
    """
    z = float(ndtri(0.5 + confidence / 2.0))
    with np.errstate(invalid="ignore", divide="ignore"):
        factor = np.exp(z * np.where(value > 0, se / value, np.nan))
        return value / factor, value * factor


def _usable(cells: Cells, amount: str, expected: Floats) -> tuple[Floats, Floats, Floats, np.ndarray]:
    known, total, squares = cells.amount(amount)
    return known, total, squares, (known > 0) & np.isfinite(expected)
