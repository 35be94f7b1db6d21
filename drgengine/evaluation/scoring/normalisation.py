"""Indicators of different units brought to one scale (正向化, 无量纲化)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from drgengine.errors import EvaluationError
from drgengine.evaluation.scoring.indicators import Floats, Indicators, read_matrix
from drgengine.evaluation.scoring.places import average_ranks, constant_columns, constant_words

Kind = Literal["minmax", "target", "interval", "zscore", "vector", "rank", "percentile", "anchors"]
KINDS: tuple[str, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How one indicator is brought to a common scale; a target or an interval forwards it (正向化) as well.

    kind : "minmax"      (x - min) / (max - min), or (max - x) / (max - min) with direction -1
           "target"      1 - |x - target| / reach; reach defaults to the largest distance in the data (中间型)
           "interval"    1 inside [low, high], falling to 0 at distance reach outside (区间型)
           "zscore"      direction x (x - mean) / sd, sd with n - 1
           "vector"      direction x x / sqrt(sum x^2)
           "rank"        mean rank / n, 1/n = worst
           "percentile"  (mean rank - 0.5) / n
           "anchors"     (x - bad) / (good - bad), kept within 0..1: the only one, with target and interval of fixed
                         reach, that other units do not change, so that years can be compared
    """

    kind: Kind = "minmax"
    direction: int = 1
    target: float | None = None
    low: float | None = None
    high: float | None = None
    bad: float | None = None
    good: float | None = None
    reach: float | None = None


NEEDED: dict[str, tuple[str, ...]] = {"target": ("target",), "interval": ("low", "high"), "anchors": ("bad", "good")}


@dataclass(frozen=True, slots=True, eq=False)
class Normalised:
    """Normalised indicators: values [n, m] (labels kept, larger is better), the scales applied, and warnings."""

    values: Any
    scales: tuple[Scale, ...]
    warnings: tuple[str, ...]


def normalise(matrix: Any, scales: Any, kind: Kind = "minmax") -> Normalised:
    """Bring indicators to one scale on which larger is better (指标正向化与无量纲化).

    matrix : units x indicators; a missing value stays missing
    scales : per indicator, by name or in order: +1 or -1 (scale `kind` in that direction), a Scale, or its fields as
        a mapping
    A constant column becomes 1 for all (0 as z-score, 0 as vector when all are 0), with a warning, never 0/0.
    Raises EvaluationError: scales that do not fit the indicators, bad = good, low > high, a reach of 0 or less.
    Formulas: common to textbooks of comprehensive evaluation (综合评价); the interval form as in the mathmodels book.

    >>> found = normalise([[6.0, 30.0], [7.0, 20.0], [9.0, 40.0]], [Scale(kind="target", target=7.0), -1])
    >>> found.values.tolist()
    [[0.5, 0.5], [1.0, 1.0], [0.0, 0.0]]
    """
    source = read_matrix(matrix)
    read = read_scales(scales, source, kind)
    values = np.empty_like(source.values)
    flat = np.zeros(len(read), dtype=np.bool_)
    for at, scale in enumerate(read):
        column = source.values[:, at]
        if np.isnan(column).all():
            problem = f"indicator {source.names[at]!r} has no value at all"
            raise EvaluationError("matrix", problem, "Drop it, or set its source right")
        flat[at] = constant_columns(column[:, None])[0] and scale.kind not in ("anchors", "target", "interval")
        values[:, at] = scaled(column, scale)
    return Normalised(source.matrix(values), read, constant_words(flat, source.names, "it cannot tell them apart"))


def read_scales(scales: Any, of: Indicators, kind: Kind = "minmax") -> tuple[Scale, ...]:
    """One Scale per indicator from numbers, mappings or Scales, by name or in order."""
    if kind not in KINDS:
        raise EvaluationError("kind", f"{kind!r} is not known", f"Take one of {', '.join(KINDS)}")
    names = list(of.names)
    if isinstance(scales, (Mapping, pd.Series)):
        given = {key: scales[key] for key in (scales.index if isinstance(scales, pd.Series) else scales)}
        odd = [name for name in names if name not in given] or [key for key in given if key not in names]
        if odd:
            raise EvaluationError("scales", f"indicator {odd[0]!r} stands on one side only", "Give one per indicator")
        scales = [given[name] for name in names]
    scales = list(scales)
    if len(scales) != len(names):
        raise EvaluationError("scales", f"{len(scales)} for {len(names)} indicators", "Give one per indicator")
    return tuple(_scale(one, f"scales: indicator {name!r}", kind) for one, name in zip(scales, names, strict=True))


def _scale(given: Any, place: str, kind: Kind) -> Scale:
    if isinstance(given, Mapping):
        known = {field.name for field in fields(Scale)}
        unknown = [key for key in given if key not in known]
        if unknown:
            raise EvaluationError(place, f"{unknown[0]!r} is not known", f"Take {', '.join(sorted(known))}")
        given = Scale(**given)
    elif not isinstance(given, Scale):
        given = Scale(kind=kind, direction=given)
    if given.kind not in KINDS:
        raise EvaluationError(place, f"kind {given.kind!r} is not known", f"Take one of {', '.join(KINDS)}")
    if given.direction not in (1, -1):
        raise EvaluationError(place, f"direction {given.direction!r} is neither +1 nor -1", "Give +1 or -1")
    for name in NEEDED.get(given.kind, ()):
        value = getattr(given, name)
        if value is None or not np.isfinite(value):
            raise EvaluationError(place, f"kind {given.kind!r} has {name} = {value!r}", f"Give a number as {name}")
    if given.kind == "anchors" and given.bad == given.good:
        raise EvaluationError(place, f"bad and good are both {given.bad:g}", "Give two different anchors")
    if given.kind == "interval" and given.low > given.high:
        raise EvaluationError(place, f"low {given.low:g} lies above high {given.high:g}", "Swap them")
    if given.reach is not None and not given.reach > 0:
        raise EvaluationError(place, f"reach {given.reach!r} is not above 0", "Give the distance at which 0 is reached")
    return given


def scaled(x: Floats, scale: Scale) -> Floats:
    """One column on its scale; no checks, NaN stays NaN. float64[n] -> float64[n]."""
    if scale.kind == "minmax":
        return minmax(x[:, None], np.array([float(scale.direction)]))[:, 0]
    if scale.kind in ("target", "interval"):
        low, high = (scale.target, scale.target) if scale.kind == "target" else (scale.low, scale.high)
        assert low is not None
        assert high is not None
        outside = np.maximum(np.maximum(low - x, x - high), 0.0)
        reach = np.nanmax(outside) if scale.reach is None else scale.reach
        return np.where(
            outside > 0.0, 1.0 - np.minimum(outside / (reach or 1.0), 1.0), np.where(np.isnan(x), np.nan, 1.0)
        )
    if scale.kind == "anchors":
        assert scale.bad is not None
        assert scale.good is not None
        return np.clip((x - scale.bad) / (scale.good - scale.bad), 0.0, 1.0)
    if scale.kind == "zscore":
        if constant_columns(x[:, None])[0]:
            return np.where(np.isnan(x), np.nan, 0.0)
        return scale.direction * (x - np.nanmean(x)) / np.nanstd(x, ddof=1)
    if scale.kind == "vector":
        return scale.direction * x / vector_norms(x[:, None])[0]
    many = np.count_nonzero(~np.isnan(x))
    ranks = average_ranks(x[:, None], np.array([float(scale.direction)]))[:, 0]
    return ranks / many if scale.kind == "rank" else (ranks - 0.5) / many


def minmax(values: Floats, directions: Floats) -> Floats:
    """Min-max per column, 1 = best; a constant column is 1 for all; no checks, NaN stays NaN. float64[n, m]."""
    low, high = np.nanmin(values, axis=0), np.nanmax(values, axis=0)
    best, worst = np.where(directions > 0, high, low), np.where(directions > 0, low, high)
    return between(values, worst, best, constant_columns(values))


def between(values: Floats, worst: Floats, best: Floats, flat: Any) -> Floats:
    """Place of each value on the way from worst (0) to best (1), kept within 0..1; 1 in the columns of `flat`."""
    way = np.where(flat, 1.0, best - worst)
    z = np.clip((values - worst) / way, 0.0, 1.0) + 0.0  # no -0.0 in a report
    return np.where(flat & ~np.isnan(values), 1.0, z)


def vector_norms(values: Floats) -> Floats:
    """sqrt(sum x^2) per column, 1 where all values are 0; a column with gaps is scaled up to the full number of units.

    Divided by the largest value first, so that no square overflows.
    """
    largest = np.nanmax(np.abs(values), axis=0)
    largest = np.where(largest == 0.0, 1.0, largest)
    squares = np.nanmean((values / largest) ** 2, axis=0) * values.shape[0]
    return np.where(squares == 0.0, 1.0, largest * np.sqrt(squares))
