"""Risk-adjusted mortality per hospital, department or physician (风险调整死亡率)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import expit

from drgengine.errors import EvaluationError
from drgengine.evaluation.adjusted.casevalues import REASONS, CaseValues, read_values
from drgengine.evaluation.adjusted.comorbidity import Comorbidities, load_comorbidities
from drgengine.evaluation.adjusted.design import Design, make_design
from drgengine.evaluation.adjusted.fitting import (
    MOST_UNITS,
    Model,
    assign_folds,
    balancing_shift,
    crossed_risk,
    fit_logistic,
    honest_predictions,
    predict,
)
from drgengine.evaluation.adjusted.grouprisk import FoldCounts, log_odds, make_ladder
from drgengine.evaluation.adjusted.quality import (
    HosmerLemeshow,
    brier,
    c_statistic,
    calibration_deciles,
    calibration_line,
    hosmer_lemeshow,
)
from drgengine.evaluation.adjusted.remarks import data_notes, model_notes, refusal, small_note
from drgengine.evaluation.adjusted.result import AdjustedMortality
from drgengine.evaluation.mix.cellarrays import pack_cells
from drgengine.evaluation.mix.collect import unit_statistics
from drgengine.evaluation.mix.defaults import defaults
from drgengine.evaluation.mix.exactintervals import poisson_interval
from drgengine.evaluation.mix.measures import GROUP_COLUMNS, over
from drgengine.evaluation.mix.unitstatistics import UnitStatistics

Floats = npt.NDArray[np.float64]
_Z95 = 1.959963984540054


def adjusted_mortality(
    cases: Any,
    by: str | Sequence[str] = "hospital_id",
    *,
    base: Any = None,
    min_deaths: int = 20,
    deaths_per_feature: int = 10,
    comorbidities: str | Comorbidities = "score",
    folds: int = 5,
    folds_by: str = "case",
    within_units: bool = True,
    penalty: float = 1.0,
    limit: int = 1_000_000,
    confidence: float = 0.95,
    max_stay_days: int | None = None,
    ungroupable: str = "0000",
    seed: int = 1,
) -> AdjustedMortality:
    """Deaths against those expected of the same patients in an average unit (风险调整死亡率), by logistic regression.

    cases : grouped discharges as unit_statistics takes them: a path (Parquet, CSV, Excel) or a pandas, polars or Arrow
        table. Needed: drg, discharge_disposition (5 = died) and those of `by`; age_years, age_days, sex,
        admission_route (1 = emergency), severity and dx (a list, principal first) enter the model where they are
        there. Only these columns are read; about 30 bytes per case are kept
    by : column or columns that make a unit; [] makes one unit of all
    base : an earlier period, UnitStatistics or cases, whose deaths give the risk of each DRG. None: the same cases,
        cross-fitted: the risk comes from the other folds, shrunk to ADRG, MDC and overall
    min_deaths : with fewer deaths there is no model: NaN and a reason   deaths_per_feature : columns are left out, the
        least important first, until there are that many deaths for each
    comorbidities : "score" (Charlson score of the secondary diagnoses), "groups" (each of the 17), "none", or
        Comorbidities of one's own, which enter as a score
    folds, folds_by : number, and whether "case"s or whole "unit"s make a fold. By unit, a unit's own deaths have no
        part in its DRG risks, but a unit that alone treats a DRG is then compared with the rest of its ADRG
    within_units : give every unit (of the first column of `by`) a level of its own while the coefficients are
        estimated, so that its quality is not taken for an effect of the age or the DRGs of its patients; not for groups
        of cases (mdc, adrg), a single unit or more than 500
    penalty : ridge on standardised columns   limit : cases the coefficients are estimated from at most, drawn at
        random
    confidence : of the intervals   max_stay_days, ungroupable : as in unit_statistics   seed : of folds and sample

    The intercept is set so that expected deaths of all cases in the model add up to their deaths. smr = deaths /
    expected, with the exact Poisson interval of the deaths; adjusted_rate = smr x overall rate. Expected deaths are
    taken as known, so that intervals are somewhat too narrow for units that are a large part of the data.

    Source: indirect standardisation; Charlson groups see data/evaluation/comorbidities.toml. Raises EvaluationError
    for columns or settings that are unfit, InputFileError for a file that cannot be read.

    >>> import pyarrow as pa
    >>> few = pa.table({"hospital_id": ["H1", "H2"], "drg": ["FR25", "FR25"], "discharge_disposition": [1, 5]})
    >>> found = adjusted_mortality(few)
    >>> found.fitted, found.table["deaths"].tolist(), found.table["reason_en"].iloc[0]
    (False, [0, 1], 'No risk adjustment: 1 deaths, and a model takes 20.')
    """
    names = (by,) if isinstance(by, str) else tuple(by)
    kind, groups = _comorbidities(comorbidities)
    settings: dict[str, Any] = {
        "min_deaths": min_deaths, "deaths_per_feature": deaths_per_feature, "comorbidities": kind, "folds": folds,
        "folds_by": folds_by, "within_units": within_units, "penalty": penalty, "limit": limit,
        "confidence": confidence, "max_stay_days": max_stay_days, "ungroupable": ungroupable,
        "group_risk": "crossed" if base is None else "base", "comorbidity_version": groups.version,
    }  # fmt: skip
    _check(settings)
    values = read_values(cases, names, groups, max_stay_days, ungroupable)
    if "discharge_disposition" not in values.columns:
        problem = "there is no column 'discharge_disposition'"
        raise EvaluationError("cases", problem, "Deaths are known by it (5 = died)")
    rows = np.flatnonzero(values.state == 0)
    deaths = int(values.died[rows].sum())
    needed = max(min_deaths, deaths_per_feature, 1)
    if deaths < needed or deaths == len(rows):
        return _refused(values, rows, names, refusal(deaths, needed), settings, seed)
    return _adjusted(values, rows, names, groups, base, settings, seed)


def _check(settings: dict[str, Any]) -> None:
    for name, low in (("min_deaths", 0), ("deaths_per_feature", 1), ("folds", 2), ("limit", 100)):
        if not settings[name] >= low:
            raise EvaluationError(name, f"{settings[name]!r} is below {low}", f"Give a whole number from {low}")
    if settings["folds_by"] not in ("case", "unit"):
        raise EvaluationError("folds_by", f"{settings['folds_by']!r} makes no folds", 'Say "case" or "unit"')
    if not settings["penalty"] > 0:
        raise EvaluationError("penalty", f"{settings['penalty']!r} is not above 0", "Give e.g. 1.0")
    if not 0.0 < settings["confidence"] < 1.0:
        problem = f"{settings['confidence']!r} is no share between 0 and 1"
        raise EvaluationError("confidence", problem, "Give e.g. 0.95")
    if settings["folds"] > 100:
        raise EvaluationError("folds", f"{settings['folds']} folds", "Give 2 to 100; 5 or 10 are usual")


def _comorbidities(wanted: str | Comorbidities) -> tuple[str, Comorbidities]:
    if isinstance(wanted, Comorbidities):
        return "score", wanted
    if wanted not in ("score", "groups", "none"):
        raise EvaluationError("comorbidities", f"{wanted!r} is unknown", 'Say "score", "groups" or "none"')
    return wanted, load_comorbidities()


def _adjusted(
    values: CaseValues,
    rows: npt.NDArray[np.int64],
    by: tuple[str, ...],
    groups: Comorbidities,
    base: Any,
    settings: dict[str, Any],
    seed: int,
) -> AdjustedMortality:
    died, group = values.died[rows], values.group[rows]
    fold = assign_folds(values, rows, settings["folds"], settings["folds_by"], seed)
    known = None if base is None else _base_risk(base, values.groups)
    counts = None if base is not None else FoldCounts.of(fold, group, died, settings["folds"], values.groups)
    risk = crossed_risk(counts, known, fold, group)
    sample = _sample(len(rows), settings["limit"], seed)
    settings["sampled"] = len(sample) < len(rows)
    drawn = rows[sample]
    budget = max(int(died[sample].sum()) // settings["deaths_per_feature"], 1)
    design, left = make_design(values, drawn, groups, settings["comorbidities"], budget)
    matrix = design.matrix(values, drawn, risk[sample])
    spread = np.ptp(matrix, axis=0) > 0
    flat = [feature for feature, varies in zip(design.features, spread, strict=True) if not varies]
    design, matrix = design.only(list(spread)), matrix[:, spread]
    settings["features"] = [feature.id for feature in design.features]
    settings["knots"] = list(design.knots)
    unit = _providers(values, by)[drawn] if settings["within_units"] else None
    if unit is not None and not 1 < len(np.unique(unit)) <= MOST_UNITS:
        unit, settings["within_units"] = None, False
    model = fit_logistic(matrix, died[sample], settings["penalty"], unit)
    linear = predict(values, rows, design, model, risk)
    shift = balancing_shift(linear, float(died.sum()))
    model, p = model.shifted(shift), expit(linear + shift)
    honest_counts = counts
    if counts is not None and settings["sampled"]:
        honest_counts = FoldCounts.of(fold[sample], group[sample], died[sample], settings["folds"], values.groups)
    honest = honest_predictions(values, drawn, design, honest_counts, known, fold[sample], settings["penalty"], unit)
    seen = np.isfinite(honest)
    judged, outcome = honest[seen], died[sample][seen]
    line = calibration_line(judged, outcome) if seen.any() else (np.nan, np.nan)
    table = _table(values, rows, p, settings["confidence"])
    deciles = calibration_deciles(p, died)
    rankable = float(defaults()["mortality"]["rankable_expected_deaths"])
    table["rankable"] = table["expected"] >= rankable
    table["reason_zh"], table["reason_en"] = "", ""
    empty = table["cases"] == 0
    table.loc[empty, ["reason_zh", "reason_en"]] = ["无可用病例", "no case in the model"]
    notes = model_notes(values, rows, left, flat, groups, settings, model.converged)
    notes += [*small_note(table, rankable), *data_notes(values)]
    return AdjustedMortality(
        by, table, _excluded(values), deciles, _coefficients(design, model), c_statistic(p, died),
        c_statistic(judged, outcome), brier(p, died), brier(judged, outcome) if seen.any() else np.nan, line[0],
        line[1], hosmer_lemeshow(deciles), True, seed, settings, tuple(notes),
    )  # fmt: skip


def _providers(values: CaseValues, by: tuple[str, ...]) -> npt.NDArray[np.int64]:
    """Who has a level of its own: the first column of the units, unless it is a group of cases."""
    if not by or by[0] in GROUP_COLUMNS:
        return np.zeros(values.unit.size, np.int64)
    return np.asarray(pd.factorize(values.units.get_level_values(0))[0][values.unit], np.int64)


def _sample(n: int, limit: int, seed: int) -> npt.NDArray[np.int64]:
    """Sorted places of at most `limit` of n cases."""
    if n <= limit:
        return np.arange(n)
    return np.sort(np.random.default_rng([seed, 1]).choice(n, limit, replace=False))


def _base_risk(base: Any, groups: tuple[str | None, ...]) -> Floats:
    """Log odds per DRG of an earlier period, float64[groups]; a DRG it lacks has those of its ADRG, MDC or all."""
    statistics = base if isinstance(base, UnitStatistics) else unit_statistics(base, [])
    cells = pack_cells(statistics.roll_up([]))
    deaths = cells.per_group(cells.counts["deaths"])
    known = cells.per_group(cells.counts["disposition_known"])
    if not deaths.sum() > 0:
        raise EvaluationError("base", "nobody died in it", "Give an earlier period with known dispositions, or None")
    own = dict(zip(cells.groups, range(len(cells.groups)), strict=True))
    every = [*cells.groups, *[group for group in groups if group not in own]]
    extra = np.zeros(len(every) - len(own))
    risk = log_odds(
        make_ladder(every, np.concatenate([deaths, extra]), np.concatenate([known, extra])),
        np.concatenate([deaths, extra]),
        np.concatenate([known, extra]),
    )
    place = {group: at for at, group in enumerate(every)}
    return risk[[place[group] for group in groups]]


def _table(values: CaseValues, rows: npt.NDArray[np.int64], p: Floats | None, confidence: float) -> pd.DataFrame:
    size = len(values.units)
    unit = values.unit[rows]
    cases = np.bincount(unit, minlength=size)
    deaths = np.bincount(unit, weights=values.died[rows], minlength=size)
    total = np.bincount(values.unit, minlength=size)
    expected = np.full(size, np.nan) if p is None else np.bincount(unit, weights=p, minlength=size)
    expected = np.where(cases > 0, expected, np.nan)
    low, high = poisson_interval(deaths, confidence)
    overall = float(deaths.sum() / cases.sum()) if cases.sum() else np.nan
    smr, low, high = over(deaths, expected), over(low, expected), over(high, expected)
    return pd.DataFrame(
        {
            "discharges": total,
            "excluded": total - cases,
            "cases": cases,
            "deaths": deaths.round().astype(np.int64),
            "crude_rate": over(deaths, cases),
            "expected": expected,
            "smr": smr,
            "low": low,
            "high": high,
            "adjusted_rate": smr * overall,
            "adjusted_low": low * overall,
            "adjusted_high": high * overall,
        },
        index=values.units,
    )


def _excluded(values: CaseValues) -> pd.DataFrame:
    size = len(REASONS)
    place = values.unit.astype(np.int64) * size + values.state
    counts = np.bincount(place, minlength=len(values.units) * size).reshape(-1, size)
    return pd.DataFrame(counts[:, 1:], index=values.units, columns=list(REASONS[1:]))


def _coefficients(design: Design, model: Model) -> pd.DataFrame:
    index = pd.Index([feature.id for feature in design.features], name="feature")
    beta, se = model.coefficients, model.se
    return pd.DataFrame(
        {
            "zh": [feature.zh for feature in design.features],
            "en": [feature.en for feature in design.features],
            "coefficient": beta,
            "se": se,
            "odds_ratio": np.exp(beta),
            "low": np.exp(beta - _Z95 * se),
            "high": np.exp(beta + _Z95 * se),
            "mean": model.mean,
            "spread": model.spread,
        },
        index=index,
    )


def _refused(
    values: CaseValues,
    rows: npt.NDArray[np.int64],
    by: tuple[str, ...],
    reason: tuple[str, str],
    settings: dict[str, Any],
    seed: int,
) -> AdjustedMortality:
    table = _table(values, rows, None, settings["confidence"])
    table["rankable"] = False
    table["reason_zh"], table["reason_en"] = reason
    nothing = float("nan")
    settings |= {"sampled": False, "features": [], "knots": []}
    deciles = pd.DataFrame(
        columns=["risk_low", "risk_high", "cases", "deaths", "expected", "observed_rate", "expected_rate"],
        index=pd.RangeIndex(1, 1, name="decile"),
        dtype=float,
    )
    columns = ["zh", "en", "coefficient", "se", "odds_ratio", "low", "high", "mean", "spread"]
    coefficients = pd.DataFrame(columns=columns, index=pd.Index([], name="feature", dtype=object))
    return AdjustedMortality(
        by, table, _excluded(values), deciles, coefficients, nothing, nothing, nothing, nothing, nothing, nothing,
        HosmerLemeshow(nothing, 0, nothing), False, seed, settings, (reason, *data_notes(values)),
    )  # fmt: skip
