"""Funnel limits (漏斗图控制限): how far chance alone takes a unit of its volume from the target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import betainc, betaincc, ndtri, pdtr, pdtrc

from drgengine.costing.bilingual import Bilingual
from drgengine.errors import EvaluationError
from drgengine.evaluation.mix.exactintervals import binomial_interval, poisson_interval
from drgengine.evaluation.uncertainty.unitlabels import read_values

Floats = npt.NDArray[np.float64]
Kind = Literal["ratio", "share", "mean"]
LEVELS = {"95": 0.95, "998": 0.998}
FEWEST = 5  # units below which overdispersion is not judged
GRID = 100
WHOLE, TINY = 1e-6, 1e-300
WORD = {"95": "95", "998": "99.8"}


@dataclass(frozen=True, slots=True, eq=False)
class FunnelLimits:
    """Limits of a funnel.

    points : one row per unit: volume, value, low_95, high_95, low_998, high_998, z, flag ("", "above 95", "above 99.8",
        "below 95", "below 99.8"), reason (why there are no limits, else "")
    curve : volume, low_95, high_95, low_998, high_998 on a grid, for drawing
    target : centre line   phi, tau2 : overdispersion used, 1 and 0 where none   measured_phi : mean squared z of the
        winsorised units, NaN where it was not judged   notes : what a reader has to know; the Chinese in `.zh` of each
    """

    points: pd.DataFrame
    curve: pd.DataFrame
    target: float
    phi: float
    tau2: float
    measured_phi: float
    kind: Kind
    notes: tuple[Bilingual, ...]


def funnel_limits(
    observed: Any,
    expected: Any = None,
    *,
    kind: Kind = "ratio",
    cases: Any = None,
    sd: Any = None,
    target: float | None = None,
    overdispersion: bool = True,
    winsorise: float = 0.1,
) -> FunnelLimits:
    """Control limits of 95 % and 99.8 % around a target, by volume (漏斗图).

    kind "ratio" : observed and expected counts (SMR); volume = expected; exact Poisson limits chi2(p, 2 t E) / (2 E)
        and chi2(1 - p, 2 t E + 2) / (2 E); target t default 1
    kind "share" : observed counts among `cases`; volume = cases; exact binomial limits (Clopper-Pearson about t n);
        target default: all observed over all cases
    kind "mean" : observed means of `cases` with standard deviation `sd` of a case (one, or one per unit; the curve
        takes the pooled one); limits t -+ z sd / sqrt(n); target default: mean over all cases
    overdispersion : where units differ by more than chance - n phi > n - 1, phi the mean of squared z with the lowest
        and highest `winsorise` of the z set to the next - limits are t -+ z sqrt(s^2 + tau2) with the additive tau2 of
        DerSimonian and Laird; not judged for fewer than 5 units
    Units without volume get no limits and a reason. Limits of a ratio or share stay within 0 and, for a share, 1.
    No order of the units within the limits is to be read.
    flag : of counts without overdispersion by the exact tail at the target: "above 95" where P(X >= o) < 0.025, "above
        99.8" below 0.001, "below ..." likewise by P(X <= o), X Poisson(t E) or binomial(n, t). The limits drawn are
        interval limits about the target, wider than these tails above and narrower below, so that a unit beyond a drawn
        limit need not be flagged, nor one inside be free. Means and overdispersed counts are flagged beyond the limits
        (by z); units on a limit are inside
    Source: Spiegelhalter, Statistics in Medicine 2005.

    Raises EvaluationError: a negative count, more events than cases, a missing argument, a target out of range.

    >>> found = funnel_limits([30, 20, 30], [15, 20, 30])
    >>> found.points[["low_95", "high_95", "flag"]].round(4).values.tolist()
    [[0.5597, 1.6493, 'above 99.8'], [0.6108, 1.5444, ''], [0.6747, 1.4276, '']]
    """
    if kind not in ("ratio", "share", "mean"):
        raise EvaluationError("kind", f"{kind!r} is not known", 'Say "ratio", "share" or "mean"')
    if not 0.0 <= winsorise < 0.5:
        raise EvaluationError("winsorise", f"{winsorise!r} is no share below a half", "Give e.g. 0.1")
    value, volume, spread, units, reasons = _read(observed, expected, cases, sd, kind)
    known = np.array([not reason for reason in reasons])
    centre = _target(value[known], volume[known], kind, target)
    error = _errors(volume, spread, centre, kind)
    notes: list[Bilingual] = []
    phi, tau2, measured, z = 1.0, 0.0, np.nan, (value - centre) / error
    if overdispersion and known.sum() >= FEWEST:
        measured, tau2 = _overdispersion(z[known], error[known], winsorise)
        phi = measured if tau2 > 0 else 1.0
        if tau2 > 0:
            en = f"Units differ by more than chance (phi {phi:.3g}): limits widened by tau2 = {tau2:.3g}."
            notes.append(Bilingual(en, f"机构间差异超过随机（phi {phi:.3g}），控制限按tau2 = {tau2:.3g}放宽。"))
    elif overdispersion:
        few = int(known.sum())
        en = f"{few} units are too few to judge whether they differ by more than chance."
        notes.append(Bilingual(en, f"{few}家机构过少，无法判断机构间差异是否超过随机。"))
    if tau2 == 0.0 and kind != "mean":
        en = "Flags are decided by the exact tail probability at the target; the limits drawn are interval limits."
        notes.append(Bilingual(en, "信号按目标值下的精确尾概率判定，图中控制限为区间公式，两者在边缘处可不同。"))
    columns: dict[str, Any] = {"volume": volume, "value": value}
    columns |= _limits(volume, error, centre, tau2, kind)
    columns["z"] = z / np.sqrt(1.0 + tau2 / error**2)
    points = pd.DataFrame(columns, index=units)
    points.loc[~known, list(points.columns[2:])] = np.nan
    points["flag"] = _flags_of_counts(points, centre, kind) if tau2 == 0.0 and kind != "mean" else _flags(points)
    points["reason"] = np.array(reasons, dtype=object)
    curve = _curve(volume[known], spread[known], centre, tau2, kind)
    return FunnelLimits(points, curve, centre, phi, tau2, float(measured), kind, tuple(notes))


def _read(
    observed: Any, expected: Any, cases: Any, sd: Any, kind: Kind
) -> tuple[Floats, Floats, Floats, pd.Index, list[str]]:
    """Value, volume, standard deviation of a case, labels, and why a unit has no limits."""
    count, units = read_values(observed, "observed")
    place, given = ("expected", expected) if kind == "ratio" else ("cases", cases)
    if given is None:
        raise EvaluationError(place, f"missing for a {kind}", f"Give {place}= with one number per unit")
    volume, _ = read_values(given, place, units)
    if kind == "mean" and sd is None:
        raise EvaluationError("sd", "missing for a mean", "Give the standard deviation of a case")
    spread = read_values(1.0 if sd is None else sd, "sd", units)[0]
    _refuse(volume < 0, units, volume, place, "is negative")
    _refuse(spread < 0, units, spread, "sd", "is negative")
    if kind != "mean":
        _refuse(count < 0, units, count, "observed", "is negative")
    if kind == "share":
        _refuse(count > volume, units, count, "observed", "is more than there are cases")
    usable = volume > 0
    reasons = [
        "no value" if np.isnan(c) else f"no {place}" if not v > 0 else "no sd" if kind == "mean" and not s > 0 else ""
        for c, v, s in zip(count, volume, spread, strict=True)
    ]
    value = count if kind == "mean" else np.where(usable, count, np.nan) / np.where(usable, volume, 1.0)
    return np.asarray(value, np.float64), np.where(usable, volume, np.nan), spread, units, reasons


def _refuse(wrong: npt.NDArray[np.bool_], units: pd.Index, values: Floats, place: str, problem: str) -> None:
    at = np.flatnonzero(wrong)
    if at.size:
        raise EvaluationError(f"{place}, unit {units[at[0]]!r}", f"{values[at[0]]:g} {problem}", "Correct it")


def _target(value: Floats, volume: Floats, kind: Kind, target: float | None) -> float:
    if not value.size:
        raise EvaluationError("observed", "no unit has a value and a volume", "Give at least one")
    if target is None:
        return 1.0 if kind == "ratio" else float((value * volume).sum() / volume.sum())
    if not np.isfinite(target) or (kind == "ratio" and target <= 0) or (kind == "share" and not 0 <= target <= 1):
        raise EvaluationError("target", f"{target!r} is no target of a {kind}", "Give a share, or a ratio above 0")
    return float(target)


def _errors(volume: Floats, spread: Floats, centre: float, kind: Kind) -> Floats:
    """Standard error of a unit's value at the target; NaN without volume."""
    variance = {"ratio": centre, "share": centre * (1.0 - centre), "mean": 1.0}[kind]
    error = np.sqrt(variance / volume) * (spread if kind == "mean" else 1.0)
    # A target of 0 or 1 leaves no spread to divide by.
    return np.where(error > 0, error, np.nan)


def _overdispersion(z: Floats, error: Floats, winsorise: float) -> tuple[float, float]:
    """phi of the winsorised z, and tau2."""
    z, error = z[np.isfinite(z)], error[np.isfinite(z)]
    n = z.size
    if n < FEWEST:
        return np.nan, 0.0
    low, high = np.quantile(z, [winsorise, 1.0 - winsorise])
    phi = float(np.mean(np.clip(z, low, high) ** 2))
    weight = error**-2.0
    excess = n * phi - (n - 1.0)
    return phi, max(0.0, float(excess / (weight.sum() - (weight**2).sum() / weight.sum())))


def _limits(volume: Floats, error: Floats, centre: float, tau2: float, kind: Kind) -> dict[str, Floats]:
    found = {}
    for name, level in LEVELS.items():
        if tau2 > 0.0 or kind == "mean":
            z = float(ndtri(0.5 + level / 2.0))
            width = z * np.sqrt(error**2 + tau2)
            low, high = centre - width, centre + width
        elif kind == "ratio":
            low, high = (limit / volume for limit in poisson_interval(centre * volume, level))
        else:
            low, high = binomial_interval(centre * volume, volume, level)
        if kind != "mean":
            low, high = np.maximum(low, 0.0), np.minimum(high, 1.0 if kind == "share" else np.inf)
        found[f"low_{name}"], found[f"high_{name}"] = low, high
    return found


def _flags_of_counts(points: pd.DataFrame, centre: float, kind: Kind) -> list[str]:
    """Flags by the tails of the count at the target; a count that is no whole number stands at the wider side."""
    volume, value = (points[name].to_numpy(np.float64) for name in ("volume", "value"))
    count = np.nan_to_num(value * volume)
    # A value times its volume is the whole count up to rounding.
    count = np.where(np.abs(count - np.rint(count)) < WHOLE * np.maximum(count, 1.0), np.rint(count), count)
    few, many = np.floor(count), np.ceil(count)
    size = np.where(np.isfinite(volume), volume, 1.0)
    if kind == "ratio":
        below, above = pdtr(few, centre * size), np.where(many > 0, pdtrc(many - 1.0, centre * size), 1.0)
    else:
        below = np.where(few >= size, 1.0, betaincc(few + 1.0, np.maximum(size - few, TINY), centre))
        above = np.where(many > 0, betainc(np.maximum(many, 1.0), np.maximum(size - many + 1.0, TINY), centre), 1.0)
    flags = []
    for known, low, high in zip(np.isfinite(value), below, above, strict=True):
        flag = ""
        for name, level in LEVELS.items():
            tail = (1.0 - level) / 2.0
            if known and min(low, high) < tail:
                flag = f"{'below' if low < high else 'above'} {WORD[name]}"
        flags.append(flag)
    return flags


def _flags(points: pd.DataFrame) -> list[str]:
    flags = []
    for row in points.itertuples(index=False):
        flag = ""
        if row.value > row.high_998:
            flag = "above 99.8"
        elif row.value > row.high_95:
            flag = "above 95"
        elif row.value < row.low_998:
            flag = "below 99.8"
        elif row.value < row.low_95:
            flag = "below 95"
        flags.append(flag)
    return flags


def _curve(volume: Floats, spread: Floats, centre: float, tau2: float, kind: Kind) -> pd.DataFrame:
    pooled = float(np.sqrt((volume * spread**2).sum() / volume.sum()))
    grid = np.geomspace(0.8 * volume.min(), 1.05 * volume.max(), GRID)
    error = _errors(grid, np.full(GRID, pooled), centre, kind)
    return pd.DataFrame({"volume": grid, **_limits(grid, error, centre, tau2, kind)})
