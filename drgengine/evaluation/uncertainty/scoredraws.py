"""Efficacy scores of many draws at once (功效系数得分的抽样), the same computation as scoring.efficacy_score."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from drgengine.errors import EvaluationError
from drgengine.evaluation.scoring.missing import COVERAGE, ROUNDING, WAYS, Missing
from drgengine.evaluation.uncertainty.unitlabels import read_groups

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
_CHUNK = 1 << 20  # numbers worked on at a time


class ScoreDraws(NamedTuple):
    """scores : float64[draws, units]   dimensions : float64[draws, units, d]   names : of the dimensions, [d]

    NaN where a unit has no score in a draw; a dimension is NaN only where none of its indicators has a value
    """

    scores: Floats
    dimensions: Floats
    names: tuple[Any, ...]


def score_draws(
    values: Any,
    bad: Any,
    good: Any,
    weights: Any,
    how: Literal["sum", "geometric"] = "sum",
    floor: float = 0.0,
    *,
    base: float = 60.0,
    span: float = 40.0,
    ceiling: float = 100.0,
    missing: Missing = "reweight",
    minimum_coverage: float = COVERAGE,
    peers: Any = None,
    dimensions: Sequence[Any] | None = None,
) -> ScoreDraws:
    """Scores by efficacy points in every draw, and of every dimension.

    values : float64[draws, units, m], NaN = missing   bad, good : [m] or [units, m]; without an anchor (NaN) a value
        counts as missing   weights : [m], sum 1
    how, floor, base, span, ceiling, missing, minimum_coverage, peers : as in efficacy_score, draw by draw; an indicator
        without any value in a draw is left out there, where efficacy_score refuses it
    dimensions : dimension of each indicator, [m]; the score of a dimension is that of its indicators alone, with
        their weights renewed over what is there, however little that is. None = no dimensions
    Works on blocks of draws, so that next to `values` only the results are held.

    Raises EvaluationError: shapes that do not fit, equal anchors, weights that do not add up to 1, with "refuse" the
    first missing value.

    >>> found = score_draws([[[35.0, 8.0], [28.0, 11.0]]], [40, 12], [30, 7], [0.5, 0.5], dimensions=["cost", "stay"])
    >>> found.scores.tolist(), found.dimensions.tolist()
    ([[86.0, 84.0]], [[[80.0, 92.0], [100.0, 68.0]]])
    """
    drawn = np.asarray(values, dtype=np.float64)
    if drawn.ndim != 3 or not all(drawn.shape):
        raise EvaluationError("values", f"their shape is {drawn.shape}", "Give draws x units x indicators")
    draws, units, many = drawn.shape
    low, high, weight = _anchor(bad, "bad", units, many), _anchor(good, "good", units, many), _weights(weights, many)
    _check(low, high, how, floor, ceiling, span, missing)
    if missing == "refuse" and np.isnan(drawn).any():
        draw, unit, at = (int(place[0]) for place in np.nonzero(np.isnan(drawn)))
        raise EvaluationError("values", f"draw {draw}, unit {unit}, indicator {at}: no value", "Choose missing=")
    group = read_groups(peers, pd.RangeIndex(units))[0]
    names = tuple(dict.fromkeys(dimensions)) if dimensions is not None else ()
    if dimensions is not None and len(dimensions) != many:
        raise EvaluationError("dimensions", f"{len(dimensions)} for {many} indicators", "Give one per indicator")
    inside = np.array([[name == own for own in dimensions or ()] for name in names], np.bool_).reshape(-1, many)
    unanchored = np.isnan(low) | np.isnan(high)
    scores = np.empty((draws, units))
    parts = np.empty((draws, units, len(names)))
    step = max(1, _CHUNK // (units * many))
    for first in range(0, draws, step):
        block = slice(first, first + step)
        part, kept = _settle(np.where(unanchored, np.nan, drawn[block]), weight, missing, minimum_coverage, group)
        points = np.clip(base + span * (part - low) / (high - low), floor, ceiling)
        scores[block] = np.where(kept, _mean(points, weight, how, ceiling), np.nan)
        for at, mine in enumerate(inside):
            found = _mean(points[:, :, mine], weight[mine], how, ceiling)
            parts[block, :, at] = np.where(kept, found, np.nan)
    return ScoreDraws(scores, parts, names)


def _settle(
    values: Floats, weight: Floats, missing: str, least: float, group: npt.NDArray[np.int64]
) -> tuple[Floats, Bools]:
    """Values with missing ones settled, and which units have a score."""
    gone = np.isnan(values)
    if not gone.any():
        return values, np.ones(values.shape[:2], np.bool_)
    if missing in ("exclude", "refuse"):
        return values, np.asarray(~gone.any(axis=2))
    coverage = np.where(gone.any(axis=2), (~gone) @ weight, 1.0)
    kept: Bools = np.asarray((coverage >= least - ROUNDING) & (coverage > 0.0))
    if missing == "median":
        values = _with_medians(values, gone, kept, group)
        kept = np.asarray(kept & ~np.isnan(values).any(axis=2))
    return values, kept


def _with_medians(values: Floats, gone: Bools, kept: Bools, group: npt.NDArray[np.int64]) -> Floats:
    filled = values.copy()
    usable = np.where(kept[:, :, None], values, np.nan)
    for code in np.unique(group):
        at = np.flatnonzero(group == code)
        ordered = np.sort(usable[:, at], axis=1)  # NaN last
        count = np.sum(~np.isnan(ordered), axis=1, keepdims=True)
        upper = np.take_along_axis(ordered, np.minimum(count // 2, at.size - 1), axis=1)
        lower = np.take_along_axis(ordered, np.maximum((count - 1) // 2, 0), axis=1)
        middle = np.where(count > 0, np.mean([lower, upper], axis=0), np.nan)
        filled[:, at] = np.where(gone[:, at], middle, values[:, at])
    return filled


def _mean(points: Floats, weight: Floats, how: str, ceiling: float) -> Floats:
    """Weighted mean over the indicators that are there; NaN where there is none with a weight."""
    gone = np.isnan(points)
    own = np.where(gone, 0.0, weight) if gone.any() else np.broadcast_to(weight, points.shape)
    whole = own.sum(axis=2)
    safe = np.where(whole > 0.0, whole, 1.0)
    filled = np.where(gone, ceiling, points)
    if how == "sum":
        mean = (own * filled).sum(axis=2) / safe
    else:
        nothing = ((filled == 0.0) & (own > 0.0)).any(axis=2)
        logs = np.log(np.where(filled > 0.0, filled, ceiling) / ceiling)
        mean = np.where(nothing, 0.0, ceiling * np.exp((own * logs).sum(axis=2) / safe))
    return np.where(whole > 0.0, mean, np.nan)


def _anchor(given: Any, place: str, units: int, many: int) -> Floats:
    array = np.asarray(given, dtype=np.float64)
    if array.shape not in ((many,), (units, many)):
        problem = f"its shape is {array.shape}"
        raise EvaluationError(place, problem, f"Give {many} values, or {units} x {many} where peers have their own")
    return array


def _weights(given: Any, many: int) -> Floats:
    weight = np.asarray(given, dtype=np.float64)
    if weight.shape != (many,) or not (weight >= 0).all() or abs(weight.sum() - 1.0) > 1e-6:
        problem = f"{weight.size} weights with the sum {weight.sum():.9g}"
        raise EvaluationError("weights", problem, f"Give {many} weights of 0 or more that add up to 1")
    return np.asarray(weight / weight.sum(), np.float64)


def _check(low: Floats, high: Floats, how: str, floor: float, ceiling: float, span: float, missing: str) -> None:
    if how not in ("sum", "geometric"):
        raise EvaluationError("how", f"{how!r} is not known", "Take 'sum' or 'geometric'")
    if missing not in WAYS:
        raise EvaluationError("missing", f"{missing!r} is not known", f"Take one of {', '.join(WAYS)}")
    if not (0.0 <= floor < ceiling and span > 0.0):
        problem = f"floor {floor:g}, ceiling {ceiling:g}, span {span:g} give no scale"
        raise EvaluationError("floor, ceiling, span", problem, "Give 0 <= floor < ceiling and a span above 0")
    same = np.atleast_2d(low == high)
    if same.any():
        raise EvaluationError("bad, good", f"equal for indicator {np.nonzero(same)[1][0]}", "Give two different ones")
