"""Exact intervals of counts and shares (精确区间): Poisson by gamma quantiles, binomial by Clopper and Pearson."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import betaincinv, gammaincinv

Floats = npt.NDArray[np.float64]


def poisson_interval(count: Any, confidence: float = 0.95) -> tuple[Floats, Floats]:
    """Exact interval of the expectation of a Poisson count (Garwood): chi2(a/2, 2d)/2 and chi2(1-a/2, 2d+2)/2.

    Divide by the expected count for a standardised ratio.

    >>> low, high = poisson_interval([0, 10])
    >>> [round(float(x), 4) for x in (*low, *high)]
    [0.0, 4.7954, 3.6889, 18.3904]
    """
    d = np.asarray(count, dtype=np.float64)
    tail = (1.0 - confidence) / 2.0
    low = np.where(d > 0, gammaincinv(np.where(d > 0, d, 1.0), tail), 0.0)
    return np.where(np.isnan(d), np.nan, low), gammaincinv(d + 1.0, 1.0 - tail)


def binomial_interval(count: Any, cases: Any, confidence: float = 0.95) -> tuple[Floats, Floats]:
    """Exact interval of a share of `cases` (Clopper-Pearson); NaN where there is no case.

    >>> low, high = binomial_interval([0, 5], [20, 20])
    >>> [round(float(x), 4) for x in (*low, *high)]
    [0.0, 0.0866, 0.1684, 0.491]
    """
    k, n = np.broadcast_arrays(np.asarray(count, np.float64), np.asarray(cases, np.float64))
    tail = (1.0 - confidence) / 2.0
    some = n > 0
    inner_low, inner_high = some & (k > 0), some & (k < n)
    low = betaincinv(np.where(inner_low, k, 1.0), np.where(inner_low, n - k + 1.0, 1.0), tail)
    high = betaincinv(np.where(inner_high, k + 1.0, 1.0), np.where(inner_high, n - k, 1.0), 1.0 - tail)
    low, high = np.where(inner_low, low, 0.0), np.where(inner_high, high, 1.0)
    return np.where(some, low, np.nan), np.where(some, high, np.nan)


def rule_of_three(count: Any, cases: Any) -> Floats:
    """Upper 95 % bound 3/n of a rate without a single event (三倍法则); NaN where there were events or no case.

    >>> rule_of_three([0, 1], [1500, 1500])
    array([0.002,   nan])
    """
    k, n = np.broadcast_arrays(np.asarray(count, np.float64), np.asarray(cases, np.float64))
    bound = 3.0 / np.where(n > 0, n, 1.0)
    return np.where((k == 0) & (n > 0), np.minimum(bound, 1.0), np.nan)
