"""TOPSIS: closeness to the ideal and distance from the worst point (优劣解距离法, 逼近理想解排序法)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from drgengine.errors import EvaluationError
from drgengine.evaluation.scoring.fixedpoints import read_points
from drgengine.evaluation.scoring.indicators import Bools, Floats, Indicators, read_directions, read_vector
from drgengine.evaluation.scoring.missing import COVERAGE, Missing, prepare
from drgengine.evaluation.scoring.normalisation import between, vector_norms
from drgengine.evaluation.scoring.places import constant_columns, constant_words, places
from drgengine.evaluation.scoring.scored import Scored


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Topsis(Scored):
    """TOPSIS scores, C = D- / (D+ + D-), in [0, 1].

    best, worst : [m], ideal and anti-ideal point in the units of the indicators
    norms : [m], divisors of the vector normalisation (1 with min-max); with best and worst they freeze a base year
    distances : [n, 2], D+ (to the best point) and D- (to the worst point)
    contributions : [n, m], D-_ij^2 / (D- (D+ + D-)); rows add up to C
    gaps : [n, m], D+_ij^2 / (D+ (D+ + D-)); rows add up to 1 - C, what the unit lacks and on which indicator
    """

    best: Any
    worst: Any
    norms: Any
    distances: Any
    gaps: Any


def topsis(
    matrix: Any,
    weights: Any,
    directions: Any,
    normalisation: Literal["vector", "minmax"] = "vector",
    *,
    best: Any = None,
    worst: Any = None,
    norms: Any = None,
    missing: Missing = "refuse",
    minimum_coverage: float = COVERAGE,
    peers: Any = None,
    normalise_weights: bool = False,
) -> Topsis:
    """Rank units by their closeness to the ideal point (TOPSIS 法).

    matrix : units x indicators, as measured (cost indicators need no forwarding); weights : sum 1; directions : +1, -1
    normalisation : "vector" divides by sqrt(sum x^2), "minmax" by the range; they can name different winners
    best, worst, norms : fixed points and divisors in the units of the indicators, from policy or from a base year
        (`best=first.best, worst=first.worst, norms=first.norms`); without them a unit that comes or goes may turn the
        order of others (rank reversal). A value beyond a fixed point counts as the point, with a warning. "minmax"
        needs best and worst only.
    missing, minimum_coverage, peers, normalise_weights : see drgengine.evaluation.scoring.missing.prepare
    An indicator that does not vary counts for nothing, with a warning; if none varies every unit scores 1.
    Raises EvaluationError: matrix, weights or directions that cannot be used; best not better than worst; "vector"
    with fixed points and no norms.
    Source: Hwang & Yoon 1981; worked example Tzeng & Huang 2011.

    >>> found = topsis([[5, 8, 4], [7, 6, 8], [8, 8, 6], [7, 4, 6]], [0.3, 0.4, 0.3], [1, 1, 1])
    >>> found.score.round(4).tolist(), found.rank.tolist()
    ([0.5037, 0.6581, 0.7482, 0.334], [3, 2, 1, 4])
    """
    if normalisation not in ("vector", "minmax"):
        raise EvaluationError("normalisation", f"{normalisation!r} is not known", "Take 'vector' or 'minmax'")
    ready = prepare(
        matrix,
        weights,
        missing=missing,
        minimum_coverage=minimum_coverage,
        peers=peers,
        normalise_weights=normalise_weights,
    )
    source, values = ready.source, ready.values
    direction = read_directions(directions, source)
    fixed = best is not None or worst is not None
    if fixed and normalisation == "vector" and norms is None:
        remedy = "Give norms (of the base year) too, or take normalisation='minmax'"
        raise EvaluationError("norms", "fixed points with divisors that move with the data are not fixed", remedy)
    top, bottom, beyond = read_points(best, worst, source, direction, values)
    flat = np.zeros(len(source.names), dtype=np.bool_) if fixed else constant_columns(values)
    divisors = _divisors(norms, source, values, normalisation)
    to_best, to_worst = _ways(values, direction, top, bottom, divisors, flat, normalisation)
    warnings = ready.warnings + constant_words(flat, source.names, "it counts for nothing") + beyond
    near, far = ready.row_weights * to_best, ready.row_weights * to_worst
    score, plus, minus, shares, gaps = closeness(near, far, ready.row_weights)
    return Topsis(
        method=f"topsis-{normalisation}",
        parameters={
            "normalisation": normalisation,
            "fixed_points": fixed,
            "directions": direction.tolist(),
            "missing": missing,
            "minimum_coverage": minimum_coverage,
        },
        score=ready.per_unit(score),
        rank=source.per_unit(places(ready.spread(score))),
        contributions=ready.matrix(shares),
        weights=source.per_indicator(ready.weights),
        coverage=source.per_unit(ready.coverage),
        excluded=ready.excluded,
        warnings=warnings,
        best=source.per_indicator(top),
        worst=source.per_indicator(bottom),
        norms=source.per_indicator(divisors),
        distances=_distances(ready.spread(np.column_stack([plus, minus])), source),
        gaps=ready.matrix(gaps),
    )


def closeness(near: Floats, far: Floats, row_weights: Floats) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Scores from weighted distances per indicator; no checks, never divides by zero.

    near, far, row_weights : float64[n, m], way to the best and to the worst point, weights for the case that all are 0
    returns C, D+, D- (float64[n]), contributions to C and gaps to 1 (float64[n, m])
    """
    plus, minus = np.sqrt((near**2).sum(axis=1)), np.sqrt((far**2).sum(axis=1))
    both = plus + minus
    nowhere = both == 0.0
    span = np.where(nowhere, 1.0, both)
    score = np.where(nowhere, 1.0, minus / span)
    # D-^2 = sum of squares, so C = sum_j D-_ij^2 / (D- (D+ + D-)): the split is exact and leaves no rest.
    shares = far * (far / np.where(minus == 0.0, 1.0, minus)[:, None]) / span[:, None]
    gaps = near * (near / np.where(plus == 0.0, 1.0, plus)[:, None]) / span[:, None]
    shares[nowhere] = row_weights[nowhere]
    return score, plus, minus, shares, gaps


def _divisors(norms: Any, source: Indicators, values: Floats, normalisation: str) -> Floats:
    if normalisation == "minmax":
        return np.ones(len(source.names))
    if norms is None:
        return vector_norms(values)
    read = read_vector(norms, source, "norms")
    if (read <= 0).any():
        at = int(np.flatnonzero(read <= 0)[0])
        raise EvaluationError("norms", f"{read[at]:g} for indicator {source.names[at]!r}", "Give divisors above 0")
    return read


def _ways(
    values: Floats,
    direction: Floats,
    top: Floats,
    bottom: Floats,
    divisors: Floats,
    flat: Bools,
    normalisation: str,
) -> tuple[Floats, Floats]:
    """Way to the best and from the worst point per indicator, unweighted; 0 where a value is missing."""
    if normalisation == "minmax":
        place = between(values, bottom, top, flat)
        to_best, to_worst = 1.0 - place, place
    else:
        inside = np.clip(values, np.minimum(bottom, top), np.maximum(bottom, top))
        to_best = direction * (top - inside) / divisors
        to_worst = direction * (inside - bottom) / divisors
    away = np.isnan(values) | flat
    return np.where(away, 0.0, to_best), np.where(away, 0.0, to_worst)


def _distances(both: Floats, source: Indicators) -> Any:
    return pd.DataFrame(both, index=source.units, columns=["best", "worst"]) if source.labelled else both
