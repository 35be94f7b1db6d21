"""Grey relation to the best values (灰色关联分析)."""

from __future__ import annotations

from typing import Any

import numpy as np

from drgengine.errors import EvaluationError
from drgengine.evaluation.scoring.indicators import Floats, read_directions
from drgengine.evaluation.scoring.missing import COVERAGE, Missing, prepare
from drgengine.evaluation.scoring.normalisation import minmax
from drgengine.evaluation.scoring.places import constant_columns, constant_words
from drgengine.evaluation.scoring.scored import Scored
from drgengine.evaluation.scoring.sums import summed


def grey_relation(
    matrix: Any,
    weights: Any,
    directions: Any,
    rho: float = 0.5,
    *,
    missing: Missing = "refuse",
    minimum_coverage: float = COVERAGE,
    peers: Any = None,
    normalise_weights: bool = False,
) -> Scored:
    """Grey relational degree to the best value of each indicator (灰色关联度), in (0, 1].

    matrix : units x indicators, as measured; weights : sum 1; directions : +1, -1; rho : above 0 up to 1 (分辨系数)
    With min-max z and D_ij = 1 - z_ij: xi_ij = (Dmin + rho Dmax) / (D_ij + rho Dmax), score = sum_j w_j xi_ij, Dmin and
    Dmax over all units and indicators; contributions are w_j xi_ij. An indicator that does not vary has xi of the best,
    with a warning.
    missing, minimum_coverage, peers, normalise_weights : see drgengine.evaluation.scoring.missing.prepare
    Raises EvaluationError: matrix, weights, directions or rho that cannot be used.
    Source: Deng 1982.

    >>> grey_relation([[1.0, 0.0], [0.0, 1.0], [0.5, 1.0]], [0.5, 0.5], [1, 1]).score.round(4).tolist()
    [0.6667, 0.6667, 0.75]
    """
    if not 0.0 < rho <= 1.0:
        raise EvaluationError("rho", f"{rho!r} is not above 0 and at most 1", "Take 0.5")
    ready = prepare(
        matrix,
        weights,
        missing=missing,
        minimum_coverage=minimum_coverage,
        peers=peers,
        normalise_weights=normalise_weights,
    )
    direction = read_directions(directions, ready.source)
    shares = ready.row_weights * relation(1.0 - minmax(ready.values, direction), rho)
    words = constant_words(constant_columns(ready.values), ready.source.names, "it cannot tell them apart")
    parameters = {"rho": rho, "directions": direction.tolist(), "missing": missing}
    scored = summed("grey-relation", parameters | {"minimum_coverage": minimum_coverage}, ready, shares)
    return scored.with_warnings(words)


def relation(away: Floats, rho: float) -> Floats:
    """Relational coefficients from distances to the best; 0 where missing; no checks. float64[n, m]."""
    nearest, farthest = np.nanmin(away), np.nanmax(away)
    if farthest == 0.0:
        return np.where(np.isnan(away), 0.0, 1.0)
    return np.nan_to_num((nearest + rho * farthest) / (away + rho * farthest))
