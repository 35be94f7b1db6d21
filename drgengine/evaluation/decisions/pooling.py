"""Scaling of factors under a total (总额控制): their weighted mean is made 1, within the caps."""

from __future__ import annotations

import numpy as np

from drgengine.evaluation.indicators.formula import Bools, Floats

_ROUNDS = 200


def pooled(factor: Floats, base: Floats, low: Floats, high: Floats, fixed: Bools) -> tuple[Floats, float]:
    """Factors c f within low and high such that sum base c f = sum base, and the scale c.

    fixed : factors that stay as they are (neutral ones). Without a factor or base a unit takes no part. Where the caps
    allow no such scale, every factor stands at its cap and c is NaN.

    >>> low, high, fixed = np.zeros(2), np.full(2, 2.0), np.zeros(2, bool)
    >>> factor, scale = pooled(np.array([1.1, 1.1]), np.array([1.0, 3.0]), low, high, fixed)
    >>> factor.round(6).tolist()
    [1.0, 1.0]
    """
    taking = np.isfinite(factor) & np.isfinite(base)
    free = taking & ~fixed & (factor > 0)
    if not free.any():
        return factor, 1.0
    f, b, least, most = factor[free], base[free], low[free], high[free]
    wanted = base[taking].sum() - (base * factor)[taking & ~free].sum()

    def total(scale: float) -> float:
        return float((b * np.clip(scale * f, least, most)).sum())

    down, up = 0.0, 1.0
    while total(up) < wanted and up < 1e12:
        up *= 2.0
    for _ in range(_ROUNDS):
        middle = (down + up) / 2.0
        if total(middle) < wanted:
            down = middle
        else:
            up = middle
    result = factor.copy()
    result[free] = np.clip(up * f, least, most)
    met = abs(total(up) - wanted) <= 1e-9 * max(abs(wanted), 1.0)
    return result, up if met else float("nan")
