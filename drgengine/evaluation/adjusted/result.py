"""What `adjusted_mortality` returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from drgengine.evaluation.adjusted.quality import HosmerLemeshow


@dataclass(frozen=True, slots=True, eq=False)
class AdjustedMortality:
    """Deaths against those expected, per unit, and the model behind (风险调整死亡率).

    table : one row per unit; discharges, excluded, cases (in the model), deaths, crude_rate, expected, smr (deaths /
        expected), low, high (its exact Poisson interval, expected taken as known), adjusted_rate (smr x overall rate),
        adjusted_low, adjusted_high, rankable (at least 5 expected deaths), reason_zh, reason_en (why there is no
        expectation, or "")
    excluded : units x reasons: long_stay, ambiguous, ungroupable, invalid, disposition_missing, age_missing
    calibration : deciles of the fitted risk: risk_low, risk_high, cases, deaths, expected, observed_rate, expected_rate
    coefficients : index feature; zh, en, coefficient (per unit of the column), se, odds_ratio, low, high, mean, spread
    c_statistic, brier : of the fitted cases   c_statistic_honest, brier_honest, intercept, slope : of predictions by
        models, and DRG risks, that did not see the case (out of fold); intercept 0 and slope 1 are perfect
    hosmer_lemeshow : of the table calibration
    fitted : False where there were too few deaths; then the numbers of the model are NaN and its tables empty
    settings : every choice made   seed : of the folds and the sample   notes : (zh, en) pairs
    """

    by: tuple[str, ...]
    table: pd.DataFrame
    excluded: pd.DataFrame
    calibration: pd.DataFrame
    coefficients: pd.DataFrame
    c_statistic: float
    c_statistic_honest: float
    brier: float
    brier_honest: float
    intercept: float
    slope: float
    hosmer_lemeshow: HosmerLemeshow
    fitted: bool
    seed: int
    settings: dict[str, Any] = field(repr=False)
    notes: tuple[tuple[str, str], ...] = field(repr=False)
