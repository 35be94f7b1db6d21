"""Empirical Bayes shrinkage (经验贝叶斯收缩): a unit's value drawn to the mean by as much as it is chance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import minimize, minimize_scalar
from scipy.special import betaincinv, betaln, gammaincinv, gammaln, ndtri

from drgengine.errors import EvaluationError
from drgengine.evaluation.uncertainty.unitlabels import check_level, read_values

Floats = npt.NDArray[np.float64]
Kind = Literal["normal", "beta-binomial", "gamma-poisson"]
METHODS = {
    "normal": ("dersimonian-laird", "reml", "james-stein"),
    "beta-binomial": ("ml", "moments"),
    "gamma-poisson": ("ml", "moments"),
}
RANK, SHOW = 0.7, 0.4  # reliabilities from which a value may be ranked, or shown with a mark


@dataclass(frozen=True, slots=True, eq=False)
class Shrunk:
    """Shrunken values.

    table : one row per unit: raw, shrunk, low, high (posterior interval), reliability (0 = all chance, 1 = all the
        unit's own), mark ("rank" from 0.7, "show" from 0.4, else "hide"; "" without a value), reason
    mean : what values are drawn to   tau2 : variance between units of what lies behind the values
    prior : (a, b) of the Beta or Gamma distribution, () for normal
    """

    table: pd.DataFrame
    mean: float
    tau2: float
    kind: Kind
    method: str
    level: float
    prior: tuple[float, ...] = ()


def shrink(
    values: Any = None,
    standard_errors: Any = None,
    *,
    kind: Kind = "normal",
    counts: Any = None,
    cases: Any = None,
    expected: Any = None,
    method: str | None = None,
    level: float = 0.95,
) -> Shrunk:
    """Shrink values of units towards their common mean (经验贝叶斯收缩).

    kind "normal" : values with standard_errors; B = s2 / (s2 + tau2), shrunk = B mean + (1 - B) value; tau2 by method
        "dersimonian-laird" (default), "reml", or "james-stein": tau2 of DerSimonian and Laird and B (k - 3) / (k - 1)
        as Morris (1983), which for equal errors is the estimator of James and Stein. The interval counts the
        uncertainty of the mean, not that of tau2
    kind "beta-binomial" : counts among cases; shrunk = (a + d) / (a + b + n); a, b by "ml" (default) or "moments"
    kind "gamma-poisson" : counts and expected counts; shrunk = (a + O) / (b + E) for the ratio O / E; likewise
    Where counts differ by no more than chance, a + b or b is the number of all cases or expected counts, which leaves
    the uncertainty of the common mean in the interval.
    `values` is taken for counts where counts are asked for and not given. reliability = 1 - B, n / (a + b + n) or
    E / (b + E). Shrinkage protects small units from extremes and hides small bad ones: show raw, shrunk and interval.

    Raises EvaluationError: an argument that is missing, a negative number, more counts than cases, below two units.

    >>> found = shrink([10.0, 12.0, 20.0], [1.0, 1.0, 4.0])
    >>> found.table[["raw", "shrunk", "reliability", "mark"]].round(2).values.tolist()
    [[10.0, 10.38, 0.82, 'rank'], [12.0, 12.01, 0.82, 'rank'], [20.0, 13.81, 0.22, 'hide']]
    """
    check_level(level)
    if kind not in METHODS:
        raise EvaluationError("kind", f"{kind!r} is not known", f"Known: {', '.join(METHODS)}")
    chosen = METHODS[kind][0] if method is None else method
    if chosen not in METHODS[kind]:
        raise EvaluationError("method", f"{chosen!r} is none of {kind}", f"Known: {', '.join(METHODS[kind])}")
    if kind == "normal":
        return _normal(values, standard_errors, chosen, level)
    given, place = (cases, "cases") if kind == "beta-binomial" else (expected, "expected")
    return _conjugate(values if counts is None else counts, given, place, kind, chosen, level)


def _normal(values: Any, standard_errors: Any, method: str, level: float) -> Shrunk:
    if values is None or standard_errors is None:
        raise EvaluationError("values, standard_errors", "one is missing", "Give both, one number per unit")
    y, units = read_values(values, "values")
    s, _ = read_values(standard_errors, "standard_errors", units)
    if (s < 0).any():
        unit = units[int(np.flatnonzero(s < 0)[0])]
        raise EvaluationError(f"standard_errors, unit {unit!r}", "is negative", "Give numbers above 0")
    known = ~np.isnan(y) & (s > 0)
    reasons = np.where(np.isnan(y), "no value", np.where(known, "", "no standard error"))
    _enough(int(known.sum()))
    tau2 = _reml(y[known], s[known] ** 2) if method == "reml" else _dersimonian_laird(y[known], s[known] ** 2)
    weight = 1.0 / (s[known] ** 2 + tau2)
    mean = float((weight * y[known]).sum() / weight.sum())
    b = np.where(known, s**2 / np.where(known, s**2 + tau2, 1.0), np.nan)
    if method == "james-stein":
        k = int(known.sum())
        b = np.minimum(b * max(k - 3.0, 0.0) / (k - 1.0), 1.0)
    shrunk = b * mean + (1.0 - b) * y
    width = float(ndtri(0.5 + level / 2.0)) * np.sqrt((1.0 - b) * s**2 + b**2 / weight.sum())
    table = _table(units, y, shrunk, shrunk - width, shrunk + width, 1.0 - b, reasons)
    return Shrunk(table, mean, tau2, "normal", method, level)


def _dersimonian_laird(y: Floats, variance: Floats) -> float:
    w = 1.0 / variance
    mean = (w * y).sum() / w.sum()
    excess = (w * (y - mean) ** 2).sum() - (y.size - 1.0)
    return max(0.0, float(excess / (w.sum() - (w**2).sum() / w.sum())))


def _reml(y: Floats, variance: Floats) -> float:
    """tau2 of the largest restricted likelihood."""
    scale = float(np.var(y) + variance.max())

    def minus_likelihood(tau2: float) -> float:
        w = 1.0 / (variance + tau2)
        mean = (w * y).sum() / w.sum()
        return float(0.5 * (-np.log(w).sum() + np.log(w.sum()) + (w * (y - mean) ** 2).sum()))

    found = minimize_scalar(
        lambda root: minus_likelihood(root**2), bounds=(0.0, 2.0 * np.sqrt(scale)), method="bounded",
        options={"xatol": 1e-10 * np.sqrt(scale)},
    )  # fmt: skip
    tau2 = float(found.x**2)
    # At the bound the search comes close to 0 but does not reach it.
    return tau2 if tau2 > 1e-9 * float(variance.min()) else 0.0


def _conjugate(given: Any, volume: Any, place: str, kind: Kind, method: str, level: float) -> Shrunk:
    if given is None or volume is None:
        raise EvaluationError(f"counts, {place}", "one is missing", f"Give counts= and {place}=")
    count, units = read_values(given, "counts")
    n, _ = read_values(volume, place, units)
    wrong = (count < 0) | (n < 0) | ((count > n) if kind == "beta-binomial" else False)
    if wrong.any():
        at = int(np.flatnonzero(wrong)[0])
        problem = f"{count[at]:g} counts with {n[at]:g} {place}"
        raise EvaluationError(f"counts, unit {units[at]!r}", problem, "Correct it")
    known = ~np.isnan(count) & (n > 0)
    reasons = np.where(np.isnan(count), "no value", np.where(known, "", f"no {place}"))
    _enough(int(known.sum()))
    mean, strength = _prior(count[known], n[known], kind, method)
    differ = strength < _strongest(n[known])
    a = mean * strength
    safe = np.where(known, n, 1.0)
    o = np.where(known, count, 0.0)
    tail = (1.0 - level) / 2.0
    if kind == "beta-binomial":
        b = strength - a
        low, high = (_beta_quantile(a + o, b + safe - o, p) for p in (tail, 1.0 - tail))
        tau2 = mean * (1.0 - mean) / (strength + 1.0)
    else:
        b = strength
        low, high = (gammaincinv(np.maximum(a + o, 1e-300), p) / (b + safe) for p in (tail, 1.0 - tail))
        tau2 = mean / strength
    shrunk = (a + o) / (strength + safe)
    parts = [np.where(known, part, np.nan) for part in (o / safe, shrunk, low, high, safe / (strength + safe))]
    table = _table(units, parts[0], parts[1], parts[2], parts[3], parts[4], reasons)
    return Shrunk(table, mean, float(tau2) if differ else 0.0, kind, method, level, (a, b))


def _beta_quantile(a: Floats, b: Floats, p: float) -> Floats:
    return np.asarray(betaincinv(np.maximum(a, 1e-300), np.maximum(b, 1e-300), p), np.float64)


def _strongest(n: Floats) -> float:
    """Where units differ by nothing but chance, what all of them tell of the common mean is the prior of each."""
    return float(n.sum())


def _prior(count: Floats, n: Floats, kind: Kind, method: str) -> tuple[float, float]:
    """Mean of the prior, and the cases or expected counts it is worth, at most those of all units."""
    mean = float(count.sum() / n.sum())
    one = mean * (1.0 - mean) if kind == "beta-binomial" else mean  # variance of one case
    if one <= 0.0:  # no event at all, or nothing else: half a case of doubt
        whole = float(n.sum()) + (1.0 if kind == "beta-binomial" else 0.0)
        return float(count.sum() + 0.5) / whole, _strongest(n)
    start = _moments(count / n, n, mean, one, kind)
    if method == "moments":
        return mean, start

    def minus_likelihood(at: Floats) -> float:
        m = 1.0 / (1.0 + np.exp(-at[0])) if kind == "beta-binomial" else np.exp(at[0])
        size = np.exp(at[1])
        if kind == "beta-binomial":
            a, b = m * size, (1.0 - m) * size
            return -float((betaln(a + count, b + n - count) - betaln(a, b)).sum())
        a = m * size
        rest = gammaln(a + count) - gammaln(a) + a * np.log(size / (size + n)) - count * np.log1p(size / n)
        return -float(rest.sum())

    first = np.log(mean / (1.0 - mean)) if kind == "beta-binomial" else np.log(mean)
    most = float(np.log(_strongest(n)))
    bounds = [(first - 10.0, first + 10.0), (np.log(1e-3), most)]
    middle = float(np.clip(np.log(start), bounds[1][0], most))
    tries = [
        minimize(minus_likelihood, np.array([first, at]), method="L-BFGS-B", bounds=bounds)
        for at in {middle, float(np.log(n.mean())), most}
    ]
    best = min(tries, key=lambda one: float(one.fun)).x
    fitted = 1.0 / (1.0 + np.exp(-best[0])) if kind == "beta-binomial" else np.exp(best[0])
    # At the bound the units differ by nothing but chance.
    return (mean, _strongest(n)) if best[1] >= most - 1e-3 else (float(fitted), float(np.exp(best[1])))


def _moments(rate: Floats, n: Floats, mean: float, one: float, kind: Kind) -> float:
    """Strength of the prior from the variance between units beyond chance, weighted by cases."""
    whole = n.sum()
    spread = (n * (rate - mean) ** 2).sum()
    between = (spread - (n.size - 1.0) * one) / (whole - (n**2).sum() / whole)
    if between <= 0.0:
        return _strongest(n)
    strength = one / between - (1.0 if kind == "beta-binomial" else 0.0)
    return float(np.clip(strength, 1e-3, _strongest(n)))


def _enough(units: int) -> None:
    if units < 2:
        problem = f"{units} units have a value and its error or volume"
        raise EvaluationError("values", problem, "Give at least two, there is nothing to shrink to otherwise")


def _table(
    units: pd.Index, raw: Floats, shrunk: Floats, low: Floats, high: Floats, reliability: Floats, reasons: Any
) -> pd.DataFrame:
    mark = np.where(reliability >= RANK, "rank", np.where(reliability >= SHOW, "show", "hide"))
    mark = np.where(np.isnan(reliability), "", mark).astype(object)
    columns = {"raw": raw, "shrunk": shrunk, "low": low, "high": high, "reliability": reliability, "mark": mark}
    return pd.DataFrame({**columns, "reason": np.asarray(reasons, dtype=object)}, index=units)
