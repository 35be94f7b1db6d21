"""RSR: rank-sum ratio with probit regression and grades (秩和比法, 田凤调)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import f as f_distribution
from scipy.stats import norm

from drgengine.errors import EvaluationError
from drgengine.evaluation.scoring.indicators import Floats, read_directions
from drgengine.evaluation.scoring.missing import COVERAGE, Missing, prepare
from drgengine.evaluation.scoring.normalisation import minmax
from drgengine.evaluation.scoring.places import NOISE, average_ranks, constant_columns, constant_words, places
from drgengine.evaluation.scoring.scored import Scored

# Probit bounds of the grades, lowest first (合理分档); a bound belongs to the grade above it.
GRADE_BOUNDS: dict[int, tuple[float, ...]] = {3: (4.0, 6.0), 4: (3.5, 5.0, 6.5), 5: (3.2, 4.4, 5.6, 6.8)}
GRADE_NAMES: dict[int, tuple[str, ...]] = {
    3: ("差", "中", "好"),
    4: ("差", "中", "良", "优"),
    5: ("很差", "差", "中", "好", "很好"),
}


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Rsr(Scored):
    """Rank-sum ratios; `score` is the RSR itself, in [1/n, 1].

    rsr, fitted : [n], RSR and its value on the regression line over probit
    grade : [n], 1 = lowest grade, larger is better; NaN for an excluded unit, or for all when all RSR are equal
    grade_names : names of grades 1, 2, ...
    ranks : [n, m], 1 = worst
    probit_table : one row per distinct RSR, lowest first: rsr, units, cumulated, mean_rank, p, probit, fitted, grade
    intercept, slope, r2 : RSR = intercept + slope x probit over the distinct values; NaN r2 without variation
    p_value : of the F test of the slope, NaN with fewer than 3 distinct values
    """

    rsr: Any
    fitted: Any
    grade: Any
    grade_names: tuple[str, ...]
    ranks: Any
    probit_table: pd.DataFrame
    intercept: float
    slope: float
    r2: float
    p_value: float


@dataclass(frozen=True, slots=True, eq=False)
class ProbitFit:
    """Regression of RSR on probit over its distinct values, and the grade of each."""

    table: pd.DataFrame
    group: Any
    intercept: float
    slope: float
    r2: float
    p_value: float
    warnings: tuple[str, ...]


def rsr(
    matrix: Any,
    directions: Any,
    weights: Any = None,
    integer_ranks: bool = True,
    *,
    grades: int = 3,
    missing: Missing = "refuse",
    minimum_coverage: float = COVERAGE,
    peers: Any = None,
    normalise_weights: bool = False,
) -> Rsr:
    """Rank-sum ratio (秩和比), its distribution and grades (分档).

    matrix : units x indicators, as measured; directions : +1 (高优) or -1 (低优); weights : sum 1, None = all alike
    integer_ranks : True takes ranks, ties their mean (整秩法); False takes 1 + (n - 1) z with min-max z (非整秩法)
    grades : 3, 4 or 5, bounds at probit 4, 6 / 3.5, 5, 6.5 / 3.2, 4.4, 5.6, 6.8
    missing, minimum_coverage, peers, normalise_weights : see drgengine.evaluation.scoring.missing.prepare; ranks of an
        indicator are divided by the number of units that have it
    Units of equal RSR are one point of the regression: p = mean rank / n, 1 - 1/(4n) for the last, probit =
    z(p) + 5. Contributions are weight x rank / n and add up to the RSR. With all RSR equal there is no line and no
    grade, with a warning.
    Raises EvaluationError: matrix, weights, directions or grades that cannot be used.
    Source: Tian Fengdiao 1988; worked example of maternal care in ten districts, as printed in the mathmodels book.

    >>> found = rsr([[99.5, 16.2], [96.5, 20.1], [84.8, 23.6], [99.3, 13.9]], [1, -1])
    >>> found.rsr.tolist(), found.rank.tolist(), found.grade.tolist()
    ([0.875, 0.5, 0.25, 0.875], [1, 3, 4, 1], [3, 2, 2, 3])
    """
    if grades not in GRADE_BOUNDS:
        raise EvaluationError("grades", f"{grades!r} grades have no bounds", "Take 3, 4 or 5")
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
    counted = (~np.isnan(values)).sum(axis=0)
    ranks = average_ranks(values, direction) if integer_ranks else 1.0 + (counted - 1) * minmax(values, direction)
    shares = ready.row_weights * np.nan_to_num(ranks / counted)
    ratio = shares.sum(axis=1)
    fit = probit_fit(ratio, grades)
    per_group = fit.table
    fitted, grade = per_group["fitted"].to_numpy()[fit.group], per_group["grade"].to_numpy()[fit.group]
    return Rsr(
        method="rsr-ranks" if integer_ranks else "rsr-noninteger",
        parameters={
            "integer_ranks": integer_ranks,
            "grades": grades,
            "directions": direction.tolist(),
            "missing": missing,
            "minimum_coverage": minimum_coverage,
        },
        score=ready.per_unit(ratio),
        rank=source.per_unit(places(ready.spread(ratio))),
        contributions=ready.matrix(shares),
        weights=source.per_indicator(ready.weights),
        coverage=source.per_unit(ready.coverage),
        excluded=ready.excluded,
        warnings=ready.warnings
        + constant_words(constant_columns(values), source.names, "it cannot tell them apart")
        + fit.warnings,
        rsr=ready.per_unit(ratio),
        fitted=ready.per_unit(fitted),
        grade=ready.per_unit(grade),
        grade_names=GRADE_NAMES[grades],
        ranks=ready.matrix(ranks),
        probit_table=per_group,
        intercept=fit.intercept,
        slope=fit.slope,
        r2=fit.r2,
        p_value=fit.p_value,
    )


def probit_fit(ratio: Floats, grades: int = 3) -> ProbitFit:
    """Distribution of RSR, regression on probit and grades; ratio float64[n] without NaN, n >= 1.

    The regression is over the distinct values and not over the units: with ties the coefficients differ.
    """
    order = np.argsort(ratio, kind="stable")
    along = ratio[order]
    starts = np.flatnonzero(np.concatenate(([True], np.diff(along) > NOISE)))
    units = np.diff(np.append(starts, along.size))
    group = np.empty(ratio.size, dtype=np.int64)
    group[order] = np.repeat(np.arange(starts.size), units)
    cumulated = np.cumsum(units)
    mean_rank = cumulated - (units - 1) / 2.0
    p = mean_rank / ratio.size
    p[-1] = 1.0 - 1.0 / (4.0 * ratio.size)
    probit: Floats = norm.ppf(p) + 5.0
    value = along[starts]
    intercept, slope, r2, p_value = _line(probit, value)
    grade: Any = np.searchsorted(GRADE_BOUNDS[grades], probit, side="right") + 1
    warnings: tuple[str, ...] = ()
    if value.size == 1:
        grade = np.full(1, np.nan)
        warnings = ("all rank-sum ratios are equal: no regression and no grades",)
    table = pd.DataFrame(
        {
            "rsr": value,
            "units": units,
            "cumulated": cumulated,
            "mean_rank": mean_rank,
            "p": p,
            "probit": probit,
            "fitted": intercept + slope * probit,
            "grade": grade,
        }
    )
    return ProbitFit(table, group, intercept, slope, r2, p_value, warnings)


def _line(x: Floats, y: Floats) -> tuple[float, float, float, float]:
    """Least squares: intercept, slope, r2, p of the F test; a single point gives a flat line through it."""
    if x.size == 1:
        return float(y[0]), 0.0, float("nan"), float("nan")
    dx, dy = x - x.mean(), y - y.mean()
    slope = float(dx @ dy / (dx @ dx))
    explained, total = slope * float(dx @ dy), float(dy @ dy)
    free = x.size - 2
    rest = total - explained
    p_value = float("nan")
    if free > 0:
        p_value = float(f_distribution.sf(explained / (rest / free), 1, free)) if rest > 0 else 0.0
    return float(y.mean() - slope * x.mean()), slope, explained / total, p_value
