"""Statistics of a driver (分摊参数) become shares: only who may receive, own use set apart, rows summing to 1."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class GiverShares:
    """Shares of m giving departments in n departments.

    shares : float64 (m, n), own column 0, rows sum to 1, or are 0 where nobody who may receive has a statistic
    own : float64 (m,), part of the output used by the department itself (自用), 0 where self-use is dropped
    outside : float64 (m,), the rest of it
    """

    shares: Floats
    own: Floats
    outside: Floats


def giver_shares(statistics: Floats, givers: npt.NDArray[np.int64], allowed: Bools, keep_self: bool) -> GiverShares:
    """Shares from statistics (m, n), all finite and >= 0; `allowed` (m, n) says who may receive from whom.

    Own use never changes what others get: with keep_self it is stated in `own` and only gross costs differ.
    """
    rows = np.arange(len(givers))
    own = statistics[rows, givers]
    part = np.where(allowed, statistics, 0.0)
    part[rows, givers] = 0.0
    # Powers of two leave every digit alone and keep sums of very large or very small statistics in range.
    largest = np.maximum(part.max(axis=1, initial=0.0), own if keep_self else 0.0)
    down = -np.frexp(np.maximum(largest, 1e-300))[1]
    part = np.ldexp(part, down[:, None])
    sums = part.sum(axis=1)
    given = sums > 0
    shares = np.divide(part, sums[:, None], out=part, where=given[:, None])
    if not keep_self:
        return GiverShares(shares, np.zeros(len(rows)), np.ones(len(rows)))
    scaled = np.where(given, np.ldexp(own, down), 0.0)
    whole = np.where(given, sums + scaled, 1.0)
    return GiverShares(shares, scaled / whole, np.where(given, sums / whole, 1.0))
