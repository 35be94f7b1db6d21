"""Efficacy coefficient (功效系数法): 60 points at the value not allowed, 100 at the satisfying one, set by policy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from drgengine.errors import EvaluationError
from drgengine.evaluation.scoring.indicators import Floats, Indicators, read_matrix, read_vector
from drgengine.evaluation.scoring.missing import COVERAGE, Missing, Prepared, prepare
from drgengine.evaluation.scoring.places import places
from drgengine.evaluation.scoring.scored import Scored
from drgengine.evaluation.scoring.sums import geometric_mean


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Efficacy(Scored):
    """Efficacy scores in points.

    by_indicator : [n, m], points of each indicator, NaN where missing; bad, good : anchors, [m] or [n, m]
    contributions : [n, m], rows add up to the score: weight x points for the sum; for the geometric mean the weight's
        part of the ceiling, less its part of the loss (see sums.geometric_mean)
    """

    by_indicator: Any
    bad: Any
    good: Any


def efficacy_score(
    matrix: Any,
    weights: Any,
    bad: Any,
    good: Any,
    floor: float = 0.0,
    how: Literal["sum", "geometric"] = "sum",
    *,
    base: float = 60.0,
    span: float = 40.0,
    ceiling: float = 100.0,
    missing: Missing = "refuse",
    minimum_coverage: float = COVERAGE,
    peers: Any = None,
    normalise_weights: bool = False,
) -> Efficacy:
    """Points against fixed anchors (功效系数法): base + span (x - bad) / (good - bad), within [floor, ceiling].

    matrix : units x indicators, as measured; weights : sum 1
    bad : value not allowed (不允许值), scores `base` = 60; good : satisfying value (满意值), scores base + span = 100;
        per indicator, or a table of the shape of the matrix where peers have anchors of their own. Where less is
        better good lies below bad; directions are not needed
    floor, ceiling : limits of the points of an indicator
    how : "sum" - weighted arithmetic mean; "geometric" - product of points^weight, which punishes one bad indicator
    missing, minimum_coverage, peers, normalise_weights : see drgengine.evaluation.scoring.missing.prepare
    Other units have no influence, so years can be compared.
    Raises EvaluationError: matrix or weights that cannot be used, good = bad, limits in the wrong order.

    >>> found = efficacy_score([[35.0, 8.0], [28.0, 11.0]], [0.5, 0.5], bad=[40, 12], good=[30, 7])
    >>> found.by_indicator.tolist(), found.score.tolist()
    ([[80.0, 92.0], [100.0, 68.0]], [86.0, 84.0])
    """
    if how not in ("sum", "geometric"):
        raise EvaluationError("how", f"{how!r} is not known", "Take 'sum' or 'geometric'")
    if not (0.0 <= floor < ceiling and span > 0.0 and np.isfinite([floor, ceiling, base, span]).all()):
        problem = f"floor {floor:g}, ceiling {ceiling:g}, span {span:g} give no scale"
        raise EvaluationError("floor, ceiling, span", problem, "Give 0 <= floor < ceiling and a span above 0")
    ready = prepare(
        matrix,
        weights,
        missing=missing,
        minimum_coverage=minimum_coverage,
        peers=peers,
        normalise_weights=normalise_weights,
    )
    source = ready.source
    low, high = _anchor(bad, "bad", source), _anchor(good, "good", source)
    _check_anchors(low, high, source)
    points = np.clip(base + span * (ready.values - _own(low, ready)) / _own(high - low, ready), floor, ceiling)
    filled = np.where(np.isnan(points), ceiling, points)
    if how == "sum":
        shares = ready.row_weights * filled
        score = shares.sum(axis=1)
    else:
        score, shares = geometric_mean(filled, ready.row_weights, ceiling)
    parameters = {"how": how, "base": base, "span": span, "floor": floor, "ceiling": ceiling}
    return Efficacy(
        method=f"efficacy-{how}",
        parameters=parameters | {"missing": missing, "minimum_coverage": minimum_coverage},
        score=ready.per_unit(score),
        rank=source.per_unit(places(ready.spread(score))),
        contributions=ready.matrix(shares),
        weights=source.per_indicator(ready.weights),
        coverage=source.per_unit(ready.coverage),
        excluded=ready.excluded,
        warnings=ready.warnings,
        by_indicator=ready.matrix(points),
        bad=source.matrix(low) if low.ndim == 2 else source.per_indicator(low),
        good=source.matrix(high) if high.ndim == 2 else source.per_indicator(high),
    )


def _anchor(given: Any, place: str, source: Indicators) -> Floats:
    """Per indicator, or per unit and indicator; tables are matched by their labels."""
    if getattr(given, "ndim", None) != 2:
        return read_vector(given, source, place)
    if isinstance(given, pd.DataFrame) and source.labelled:
        lacking = [unit for unit in source.units if unit not in given.index]
        lacking += [name for name in source.names if name not in given.columns]
        if lacking:
            raise EvaluationError(place, f"it has no {lacking[0]!r}", "Give an anchor for each unit and indicator")
        given = given.loc[source.units, source.names]
    read = read_matrix(given, place).values
    if read.shape != source.values.shape:
        problem = f"its shape {read.shape} is not that of the matrix, {source.values.shape}"
        raise EvaluationError(place, problem, "Give one anchor per indicator, or one per unit and indicator")
    if np.isnan(read).any():
        row, column = (int(at[0]) for at in np.nonzero(np.isnan(read)))
        where = f"unit {source.units[row]!r} has no anchor for indicator {source.names[column]!r}"
        raise EvaluationError(place, where, "Give an anchor for each unit and indicator")
    return read


def _check_anchors(low: Floats, high: Floats, source: Indicators) -> None:
    if low.ndim != high.ndim:
        raise EvaluationError("bad, good", "one is per indicator, the other per unit", "Give both in the same shape")
    same = np.atleast_2d(low == high)
    if same.any():
        column = int(np.nonzero(same)[1][0])
        value = np.atleast_2d(low)[np.nonzero(same)[0][0], column]
        problem = f"indicator {source.names[column]!r}: both are {value:g}"
        raise EvaluationError("bad, good", problem, "Give two different anchors; good below bad where less is better")


def _own(anchors: Floats, ready: Prepared) -> Floats:
    return anchors[ready.kept] if anchors.ndim == 2 else anchors
