"""Payment of cases that cost far less or more than their group (低倍率, 高倍率), by rows of a rule table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from drgengine.costing.value.groupstats import Floats, divide
from drgengine.costing.value.paymentrules import Formula, OutlierBand, as_cases, refuse_overlap
from drgengine.errors import CostingError

LOW, NORMAL, HIGH, UNKNOWN = -1, 0, 1, 2
KIND_NAMES = {LOW: "low", NORMAL: "normal", HIGH: "high", UNKNOWN: "unknown"}


@dataclass(frozen=True, slots=True, eq=False)
class OutlierPoints:
    """points : float64[n], NaN where unknown; kind : int8[n], LOW -1, NORMAL 0, HIGH 1, UNKNOWN 2 (no benchmark or no
    ratio); row : int64[n], row of the rule table, -1 where unknown; over_cap : bool[n], above the threshold and paid as
    normal because the hospital's share of high cases is used up."""

    points: Floats
    kind: npt.NDArray[np.int8]
    row: npt.NDArray[np.int64]
    over_cap: npt.NDArray[np.bool_]

    @property
    def counts(self) -> dict[str, int]:
        """Cases per kind, all four named."""
        return {name: int(np.count_nonzero(self.kind == kind)) for kind, name in KIND_NAMES.items()}


def outlier_points(
    benchmark: npt.ArrayLike,
    cost: npt.ArrayLike,
    mean_cost: npt.ArrayLike,
    bands: Sequence[OutlierBand],
    *,
    coefficient: npt.ArrayLike = 1.0,
    hospital_level: Any = "",
    hospital: Any = "",
) -> OutlierPoints:
    """Points, or yuan, of every case after the rules for low and high outliers (倍率病例).

    benchmark : float[n], points, score or payment standard of the case's group; NaN: unknown
    cost, mean_cost : float[n] or one number, yuan; ratio = cost / mean_cost, to whatever mean the rule speaks of
    bands : rows of the rule table, e.g. read_payment_rules().outlier_bands["dip"]
    coefficient, hospital_level, hospital : per case or one for all; a cap_share counts per hospital and row, ties by
        position

    Raises CostingError: lengths, rows that overlap, a benchmark no row holds for.

    >>> from drgengine.costing.value.paymentrules import read_payment_rules
    >>> found = outlier_points([1000.0] * 3, [4e3, 1e4, 3e4], 1e4, read_payment_rules().outlier_bands["dip"])
    >>> found.points.tolist(), found.counts
    ([400.0, 1000.0, 2000.0], {'low': 1, 'normal': 1, 'high': 1, 'unknown': 0})
    """
    rows = tuple(bands)
    refuse_overlap(rows, "outlier bands")
    points = np.atleast_1d(np.asarray(benchmark, np.float64))
    n = points.size
    spent = as_cases(cost, n, "cost").astype(np.float64)
    ratio = divide(spent, as_cases(mean_cost, n, "mean_cost"))
    factor = as_cases(coefficient, n, "coefficient").astype(np.float64)
    level = as_cases(hospital_level, n, "hospital_level").astype(str)
    homes = as_cases(hospital, n, "hospital").astype(str)
    known = np.isfinite(points) & np.isfinite(ratio) & np.isfinite(factor)
    value = np.where(known, points * factor, np.nan)
    kind = np.where(known, NORMAL, UNKNOWN).astype(np.int8)
    row = np.full(n, -1, np.int64)
    over_cap = np.zeros(n, np.bool_)
    for number, band in enumerate(rows):
        held = known & (points > band.min_points) & (points <= band.max_points)
        if band.hospital_level:
            held &= level == band.hospital_level
        row[held] = number
        variables = {"benchmark": points, "coefficient": factor, "ratio": ratio, "cost": spent}
        variables |= {"low": np.float64(band.low), "high": np.float64(band.high)}  # type: ignore[dict-item]
        low, high = held & (ratio < band.low), held & (ratio > band.high)
        new = np.broadcast_to(Formula(band.high_formula).value(variables), n)
        paid = high if band.cap_share is None else _within_cap(high, new - value, homes, band.cap_share)
        over_cap |= high & ~paid
        value[paid], kind[paid] = new[paid], HIGH
        new = np.broadcast_to(Formula(band.low_formula).value(variables), n)
        value[low], kind[low] = new[low], LOW
    _refuse_without_row(known & (row < 0), points, level)
    return OutlierPoints(value, kind, row, over_cap)


def _within_cap(
    high: npt.NDArray[np.bool_], gain: Floats, homes: npt.NDArray[np.str_], share: float
) -> npt.NDArray[np.bool_]:
    """Of the high cases of each hospital those with the greatest gain, at most `share` of all its cases."""
    paid = np.zeros(high.size, np.bool_)
    names, number, cases = np.unique(homes, return_inverse=True, return_counts=True)
    for place in range(names.size):
        wanted = np.flatnonzero(high & (number == place))
        allowed = int(np.floor(share * cases[place] + 1e-9))
        paid[wanted[np.argsort(-gain[wanted], kind="stable")[:allowed]]] = True
    return paid


def _refuse_without_row(lost: npt.NDArray[np.bool_], points: Floats, level: npt.NDArray[np.str_]) -> None:
    if lost.any():
        first = int(np.flatnonzero(lost)[0])
        shown = f"benchmark {points[first]:g}, hospital level {str(level[first])!r}"
        raise CostingError(
            f"case {first + 1}",
            f"no outlier band holds for {shown} ({np.count_nonzero(lost)} such cases)",
            "Add a row to the rule table, or name the hospital's level",
        )
