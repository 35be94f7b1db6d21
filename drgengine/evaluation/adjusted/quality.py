"""How good a model of deaths is (模型质量): discrimination, calibration, by deciles of risk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import chdtrc, expit, logit
from scipy.stats import rankdata

Floats = npt.NDArray[np.float64]
_TINY = 1e-12


@dataclass(frozen=True, slots=True)
class HosmerLemeshow:
    """Chi-square of the deciles, its degrees of freedom (groups - 2) and p."""

    chi2: float
    df: int
    p: float


def c_statistic(risk: Any, died: Any) -> float:
    """Share of pairs (one died, one not) in which the dead had the higher risk, ties half (C 统计量, AUC).

    >>> c_statistic([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])
    0.75
    """
    risk, died = np.asarray(risk, np.float64), np.asarray(died, bool)
    dead, alive = int(died.sum()), int((~died).sum())
    if not dead or not alive:
        return float("nan")
    return float((rankdata(risk)[died].sum() - dead * (dead + 1) / 2.0) / (dead * alive))


def brier(risk: Any, died: Any) -> float:
    """Mean of (risk - outcome)^2.

    >>> round(brier([0.5, 0.1], [1, 0]), 4)
    0.13
    """
    return float(np.mean((np.asarray(risk, np.float64) - np.asarray(died, np.float64)) ** 2))


def calibration_deciles(risk: Any, died: Any, groups: int = 10) -> pd.DataFrame:
    """Cases in groups of rising risk: risk_low, risk_high, cases, deaths, expected, observed_rate, expected_rate.

    Cases of equal risk stay together, so that groups may be fewer than `groups`.
    """
    risk, died = np.asarray(risk, np.float64), np.asarray(died, np.float64)
    edges = np.unique(np.quantile(risk, np.arange(1, groups) / groups))
    place = np.searchsorted(edges, risk, side="right")
    _, place = np.unique(place, return_inverse=True)
    cases = np.bincount(place)
    deaths, expected = np.bincount(place, weights=died), np.bincount(place, weights=risk)
    low, high = np.full(cases.size, np.inf), np.full(cases.size, -np.inf)
    np.minimum.at(low, place, risk)
    np.maximum.at(high, place, risk)
    return pd.DataFrame(
        {
            "risk_low": low,
            "risk_high": high,
            "cases": cases,
            "deaths": deaths.round().astype(np.int64),
            "expected": expected,
            "observed_rate": deaths / cases,
            "expected_rate": expected / cases,
        },
        index=pd.RangeIndex(1, cases.size + 1, name="decile"),
    )


def hosmer_lemeshow(table: pd.DataFrame) -> HosmerLemeshow:
    """Of the table of calibration_deciles; NaN with fewer than three groups."""
    expected, cases = table["expected"].to_numpy(), table["cases"].to_numpy()
    spread = expected * (1.0 - expected / cases)
    df = len(table) - 2
    if df < 1 or not (spread > 0).all():
        return HosmerLemeshow(float("nan"), max(df, 0), float("nan"))
    chi2 = float(np.sum((table["deaths"].to_numpy() - expected) ** 2 / spread))
    return HosmerLemeshow(chi2, df, float(chdtrc(df, chi2)))


def calibration_line(risk: Any, died: Any) -> tuple[float, float]:
    """Intercept with the slope held at 1 (0 = right level), and slope (1 = right spread) of deaths on log odds of risk.

    NaN where the model has no solution (nobody died, everybody died, all risks the same).
    """
    lp = logit(np.clip(np.asarray(risk, np.float64), _TINY, 1.0 - _TINY))
    y = np.asarray(died, np.float64)
    if not 0 < y.sum() < y.size:
        return float("nan"), float("nan")
    intercept = float(_newton(np.ones((y.size, 1)), y, lp)[0])
    if np.ptp(lp) < 1e-9:
        return intercept, float("nan")
    return intercept, float(_newton(np.stack([np.ones(y.size), lp], axis=1), y, np.zeros(y.size))[1])


def _newton(matrix: Floats, y: Floats, offset: Floats) -> Floats:
    """Unpenalised logistic regression with an offset, for one or two columns."""
    beta = np.zeros(matrix.shape[1])
    for _ in range(100):
        p = expit(matrix @ beta + offset)
        weight = p * (1.0 - p)
        step = np.linalg.lstsq((matrix * weight[:, None]).T @ matrix, matrix.T @ (y - p), rcond=None)[0]
        step *= min(1.0, 5.0 / max(float(np.abs(step).max()), 1e-300))
        beta = beta + step
        if np.abs(step).max() < 1e-12:
            return beta
    return np.full(beta.shape, np.nan)
