"""Weighted sum and weighted geometric mean of values that are already on one scale (线性加权, 加权几何平均)."""

from __future__ import annotations

from typing import Any

import numpy as np

from drgengine.errors import EvaluationError
from drgengine.evaluation.scoring.indicators import Floats
from drgengine.evaluation.scoring.missing import COVERAGE, Missing, Prepared, prepare
from drgengine.evaluation.scoring.places import places
from drgengine.evaluation.scoring.scored import Scored


def weighted_sum(
    matrix: Any,
    weights: Any,
    *,
    missing: Missing = "refuse",
    minimum_coverage: float = COVERAGE,
    peers: Any = None,
    normalise_weights: bool = False,
) -> Scored:
    """Weighted sum of normalised indicators (线性加权法); contributions are weight x value.

    matrix : units x indicators on one scale, larger is better (see normalise); weights : sum 1
    missing, minimum_coverage, peers, normalise_weights : see drgengine.evaluation.scoring.missing.prepare
    Raises EvaluationError: matrix or weights that cannot be used.

    >>> weighted_sum([[1.0, 0.0], [0.5, 1.0]], [0.8, 0.2]).score.round(4).tolist()
    [0.8, 0.6]
    """
    ready = prepare(
        matrix,
        weights,
        missing=missing,
        minimum_coverage=minimum_coverage,
        peers=peers,
        normalise_weights=normalise_weights,
    )
    shares = ready.row_weights * np.nan_to_num(ready.values)
    return summed("weighted-sum", {"missing": missing, "minimum_coverage": minimum_coverage}, ready, shares)


def weighted_geometric_mean(
    matrix: Any,
    weights: Any,
    *,
    full: float = 1.0,
    missing: Missing = "refuse",
    minimum_coverage: float = COVERAGE,
    peers: Any = None,
    normalise_weights: bool = False,
) -> Scored:
    """Product of value^weight (加权几何平均), which punishes imbalance: one 0 with a weight makes the score 0.

    matrix : units x indicators on one scale, 0 or more, larger is better; weights : sum 1
    full : the value that means "nothing lost" (1, or 100 points), from which contributions are counted
    missing, minimum_coverage, peers, normalise_weights : see drgengine.evaluation.scoring.missing.prepare
    contributions : see geometric_mean; they add up to the score
    Raises EvaluationError: matrix or weights that cannot be used, a negative value.

    >>> weighted_geometric_mean([[0.9, 0.4], [0.6, 0.6]], [0.5, 0.5]).score.round(4).tolist()
    [0.6, 0.6]
    """
    ready = prepare(
        matrix,
        weights,
        missing=missing,
        minimum_coverage=minimum_coverage,
        peers=peers,
        normalise_weights=normalise_weights,
    )
    if not (full > 0.0 and np.isfinite(full)):
        raise EvaluationError("full", f"{full!r} is not above 0", "Give the best value of the scale, 1 or 100")
    negative = ready.values < 0.0
    if negative.any():
        row, column = (int(at[0]) for at in np.nonzero(negative))
        where = f"unit {ready.kept_units[row]!r}, indicator {ready.source.names[column]!r}"
        problem = f"{where}: {ready.values[row, column]:g} is negative"
        raise EvaluationError("matrix", problem, "A geometric mean needs 0 or more: bring it to 0..1 with normalise()")
    score, shares = geometric_mean(np.where(np.isnan(ready.values), full, ready.values), ready.row_weights, full)
    parameters = {"full": full, "missing": missing, "minimum_coverage": minimum_coverage}
    return summed("weighted-geometric-mean", parameters, ready, shares, score)


def geometric_mean(values: Floats, row_weights: Floats, full: float) -> tuple[Floats, Floats]:
    """Score prod_j v_ij^w_ij (float64[n]) and its exact split over indicators (float64[n, m]); values 0 or more.

    The loss full - score is split in proportion to w_ij ln(v_ij / full), the logarithmic mean split (LMDI, Ang 2004),
    so contribution_ij = w_ij full + L w_ij ln(v_ij / full), L = (score - full) / ln(score / full). With score 0 each
    contribution is 0.
    """
    weighs = row_weights > 0.0
    nothing = ((values == 0.0) & weighs).any(axis=1)
    logs = row_weights * np.log(np.where((values > 0.0) & weighs, values, full) / full)
    total = logs.sum(axis=1)
    growth = np.expm1(total)
    near = np.abs(total) < 1e-12
    mean = np.where(near, 1.0, growth / np.where(near, 1.0, total))
    score = np.where(nothing, 0.0, full * np.exp(total))
    shares = np.where(nothing[:, None], 0.0, full * (row_weights + mean[:, None] * logs))
    return score, shares


def summed(
    method: str, parameters: dict[str, Any], ready: Prepared, shares: Floats, score: Floats | None = None
) -> Scored:
    """The result of a method whose contributions of the kept units are `shares`; score defaults to their sum."""
    total = shares.sum(axis=1) if score is None else score
    source = ready.source
    return Scored(
        method=method,
        parameters=parameters,
        score=ready.per_unit(total),
        rank=source.per_unit(places(ready.spread(total))),
        contributions=ready.matrix(shares),
        weights=source.per_indicator(ready.weights),
        coverage=source.per_unit(ready.coverage),
        excluded=ready.excluded,
        warnings=ready.warnings,
    )
