"""Scores against other hospitals or against a target: percentile bands and target ratios (百分位分档, 目标比值)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from drgengine.errors import EvaluationError
from drgengine.evaluation.scoring.indicators import Floats, Indicators, read_directions, read_matrix, read_vector
from drgengine.evaluation.scoring.missing import COVERAGE, Missing, prepare
from drgengine.evaluation.scoring.places import constant_columns, constant_words, places
from drgengine.evaluation.scoring.scored import Scored


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Banded(Scored):
    """Scores by percentile bands.

    band : [n, m], 1 = lowest band; NaN where missing; by_indicator : [n, m], points of the band
    cuts : [bands - 1, m], the percentiles in the units of the indicators, worst first
    """

    band: Any
    by_indicator: Any
    cuts: Any


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class TargetRatio(Scored):
    """Scores by ratio to the target.

    by_indicator : [n, m], ratio within the limits, NaN where missing; target : [m], as given
    """

    by_indicator: Any
    target: Any


def percentile_bands(
    matrix: Any,
    weights: Any,
    directions: Any,
    *,
    percentiles: Sequence[float] = (25.0, 50.0, 75.0),
    points: Sequence[float] = (25.0, 50.0, 75.0, 100.0),
    reference: Any = None,
    missing: Missing = "refuse",
    minimum_coverage: float = COVERAGE,
    peers: Any = None,
    normalise_weights: bool = False,
) -> Banded:
    """Points by percentile band (百分位分档: P25, P50, P75), as in the 2022 accreditation standard.

    matrix : units x indicators, as measured; weights : sum 1; directions : +1, -1
    percentiles : ascending, linear between values; points : of each band, lowest first, one more than percentiles
    reference : units x the same indicators whose distribution gives the percentiles (a base year, the nation);
        None takes the scored units themselves
    A value on a percentile belongs to the better band, so an indicator that does not vary is in the best band for all,
    with a warning.
    missing, minimum_coverage, peers, normalise_weights : see drgengine.evaluation.scoring.missing.prepare
    Raises EvaluationError: matrix, weights, directions, percentiles or points that cannot be used.

    >>> found = percentile_bands([[1.0], [2.0], [3.0], [4.0], [5.0]], [1.0], [-1])
    >>> found.band.ravel().tolist(), found.score.tolist()
    ([4.0, 4.0, 3.0, 2.0, 1.0], [100.0, 100.0, 75.0, 50.0, 25.0])
    """
    asked, given = np.asarray(percentiles, dtype=np.float64), np.asarray(points, dtype=np.float64)
    if asked.size == 0 or (np.diff(asked) <= 0).any() or not ((asked >= 0) & (asked <= 100)).all():
        raise EvaluationError("percentiles", f"{list(percentiles)} do not ascend within 0..100", "Give 25, 50, 75")
    if given.size != asked.size + 1:
        raise EvaluationError("points", f"{given.size} for {asked.size + 1} bands", "Give points for each band")
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
    base = values if reference is None else _reference(reference, source)
    cuts = np.nanpercentile(base * direction, asked, axis=0)
    flat = constant_columns(base)
    cuts[:, flat] = np.nanmax(base * direction, axis=0)[flat]
    reached = (values * direction)[:, None, :] >= cuts[None, :, :]
    number = reached.sum(axis=1)
    gone = np.isnan(values)
    by_indicator = np.where(gone, np.nan, given[number])
    shares = ready.row_weights * np.where(gone, 0.0, given[number])
    score = shares.sum(axis=1)
    effect = "all that reach its value are in the best band"
    return Banded(
        method="percentile-bands",
        parameters={
            "percentiles": asked.tolist(),
            "points": given.tolist(),
            "directions": direction.tolist(),
            "reference": reference is not None,
            "missing": missing,
            "minimum_coverage": minimum_coverage,
        },
        score=ready.per_unit(score),
        rank=source.per_unit(places(ready.spread(score))),
        contributions=ready.matrix(shares),
        weights=source.per_indicator(ready.weights),
        coverage=source.per_unit(ready.coverage),
        excluded=ready.excluded,
        warnings=ready.warnings + constant_words(flat, source.names, effect),
        band=ready.matrix(np.where(gone, np.nan, number + 1.0)),
        by_indicator=ready.matrix(by_indicator),
        cuts=_cut_table(cuts * direction, asked, source),
    )


def target_ratio(
    matrix: Any,
    weights: Any,
    target: Any,
    directions: Any,
    *,
    negative: Literal["ratio", "mirror"] = "ratio",
    low: float = 0.0,
    high: float = 2.0,
    missing: Missing = "refuse",
    minimum_coverage: float = COVERAGE,
    peers: Any = None,
    normalise_weights: bool = False,
) -> TargetRatio:
    """Ratio to target or benchmark (标杆比值法), x / target where more is better; 1 = target reached.

    matrix : units x indicators, 0 or more; weights : sum 1; target : above 0, per indicator; directions : +1, -1
    negative : where less is better, "ratio" takes target / x (x = 0 gives `high`), "mirror" takes 2 - x / target
    low, high : limits of a ratio, so that one indicator cannot pay for all others; high = 1 rewards nothing beyond
    missing, minimum_coverage, peers, normalise_weights : see drgengine.evaluation.scoring.missing.prepare
    Raises EvaluationError: matrix, weights, directions or limits that cannot be used, a target not above 0, a negative
    value.

    >>> target_ratio([[1.2, 0.8]], [0.5, 0.5], [1.0, 1.0], [1, -1]).by_indicator.tolist()
    [[1.2, 1.25]]
    """
    if negative not in ("ratio", "mirror"):
        raise EvaluationError("negative", f"{negative!r} is not known", "Take 'ratio' or 'mirror'")
    if not 0.0 <= low < high < np.inf:
        raise EvaluationError("low, high", f"{low:g} and {high:g} are no limits", "Give 0 <= low < high")
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
    goal = read_vector(target, source, "target")
    if (goal <= 0).any():
        at = int(np.flatnonzero(goal <= 0)[0])
        problem = f"{goal[at]:g} for indicator {source.names[at]!r} is not above 0"
        raise EvaluationError("target", problem, "A ratio needs a target above 0; take efficacy_score with anchors")
    below = values < 0.0
    if below.any():
        row, column = (int(at[0]) for at in np.nonzero(below))
        where = f"unit {ready.kept_units[row]!r}, indicator {source.names[column]!r}: {values[row, column]:g}"
        raise EvaluationError("matrix", f"{where} is negative", "A ratio needs 0 or more; take efficacy_score")
    ratio = np.clip(_ratios(values, goal, direction, negative, high), low, high)
    shares = ready.row_weights * np.nan_to_num(ratio)
    score = shares.sum(axis=1)
    parameters = {"negative": negative, "low": low, "high": high, "directions": direction.tolist()}
    return TargetRatio(
        method=f"target-{negative}",
        parameters=parameters | {"missing": missing, "minimum_coverage": minimum_coverage},
        score=ready.per_unit(score),
        rank=source.per_unit(places(ready.spread(score))),
        contributions=ready.matrix(shares),
        weights=source.per_indicator(ready.weights),
        coverage=source.per_unit(ready.coverage),
        excluded=ready.excluded,
        warnings=ready.warnings,
        by_indicator=ready.matrix(ratio),
        target=source.per_indicator(goal),
    )


def _ratios(values: Floats, goal: Floats, direction: Floats, negative: str, high: float) -> Floats:
    up = values / goal
    if negative == "mirror":
        down = 2.0 - up
    else:
        # target / x at or above `high` is cut there anyway, so 0 is never divided by.
        least = goal / high
        down = np.where(values <= least, high, goal / np.where(values <= least, goal, values))
    return np.where(direction > 0, up, np.where(np.isnan(values), np.nan, down))


def _reference(reference: Any, source: Indicators) -> Floats:
    read = read_matrix(reference, "reference")
    if source.labelled and read.labelled:
        lacking = [name for name in source.names if name not in read.names]
        if lacking:
            raise EvaluationError("reference", f"it has no indicator {lacking[0]!r}", "Give all indicators")
        base = read.values[:, read.names.get_indexer(source.names)]
    elif read.values.shape[1] == len(source.names):
        base = read.values
    else:
        problem = f"{read.values.shape[1]} indicators for {len(source.names)}"
        raise EvaluationError("reference", problem, "Give the indicators of the matrix, in its order")
    empty = np.isnan(base).all(axis=0)
    if empty.any():
        name = source.names[int(np.flatnonzero(empty)[0])]
        raise EvaluationError("reference", f"indicator {name!r} has no value at all", "Fill it, or drop the indicator")
    return base


def _cut_table(cuts: Floats, asked: Floats, source: Indicators) -> Any:
    if not source.labelled:
        return cuts
    return pd.DataFrame(cuts, index=[f"P{at:g}" for at in asked], columns=source.names)
