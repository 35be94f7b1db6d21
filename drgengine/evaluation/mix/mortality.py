"""Mortality by risk group (低风险组死亡率等): DRGs classified by their mortality in a base period."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from drgengine.errors import EvaluationError
from drgengine.evaluation.mix.cellarrays import Cells, pack_cells
from drgengine.evaluation.mix.defaults import defaults
from drgengine.evaluation.mix.exactintervals import binomial_interval, poisson_interval, rule_of_three
from drgengine.evaluation.mix.measures import Floats, over
from drgengine.evaluation.mix.unitstatistics import UnitStatistics


@dataclass(frozen=True, slots=True)
class RiskGroups:
    """Risk score per DRG (死亡风险分级): 0 no death, 1 low, 2 mid-low, 3 mid-high, 4 high.

    score : DRG -> 0..4   mortality : DRG -> deaths / cases in the base period
    mean, sd : of ln mortality over the DRGs with deaths, each DRG counted once, sd with n - 1; NaN below two of them,
        and then only score 0 is given
    basis : where the mortality is from, in words
    """

    score: Mapping[str, int]
    mortality: Mapping[str, float]
    mean: float
    sd: float
    basis: str


def risk_groups(base: UnitStatistics | Mapping[str, float]) -> RiskGroups:
    """Classify DRGs by ln mortality: below mean - sd low, below mean mid-low, below mean + sd mid-high, else high.

    base : statistics of the base period (deaths among known dispositions), or mortality per DRG. Take an earlier period
        than the one whose deaths are counted: a DRG without a death in its own data cannot have one. Beijing method;
        the limit of minus one standard deviation stands in the national manual of 2025.

    Raises EvaluationError for a mortality outside 0..1.

    >>> groups = risk_groups({"A": 0.0, "B": 0.0005, "C": 0.002, "D": 0.004, "E": 0.01, "F": 0.03, "G": 0.12})
    >>> list(groups.score.values()), round(groups.mean, 4), round(groups.sd, 4)
    ([0, 1, 2, 2, 3, 3, 4], -4.9282, 1.9576)
    """
    if isinstance(base, UnitStatistics):
        rate, basis = _rates(pack_cells(base)), "base statistics"
        if base.period:
            basis += f" {base.period[0]} to {base.period[1]}"
    else:
        rate, basis = dict(base), "given mortality"
    wrong = next((drg for drg, value in rate.items() if not 0.0 <= value <= 1.0), None)
    if wrong is not None:
        problem = f"a mortality of {rate[wrong]!r} is no share"
        raise EvaluationError(f"base, group {wrong}", problem, "Give deaths divided by cases")
    return classify(rate, basis)


def classify(rate: Mapping[str, float], basis: str) -> RiskGroups:
    """risk_groups for mortalities that are in order."""
    logs = np.array([math.log(value) for value in rate.values() if value > 0])
    if logs.size < 2:
        score = {drg: 0 for drg, value in rate.items() if value == 0}
        return RiskGroups(score, dict(rate), math.nan, math.nan, basis)
    mean, sd = float(logs.mean()), float(logs.std(ddof=1))
    limits = (mean - sd, mean, mean + sd)
    score = {
        drg: 0 if value == 0 else 1 + sum(math.log(value) >= limit for limit in limits) for drg, value in rate.items()
    }
    return RiskGroups(score, dict(rate), mean, sd, basis)


def same_data(cells: Cells) -> RiskGroups:
    """Risk groups out of the very data whose deaths are counted."""
    return classify(_rates(cells), "the same data")


def _rates(cells: Cells) -> dict[str, float]:
    known = cells.per_group(cells.counts["disposition_known"])
    deaths = cells.per_group(cells.counts["deaths"])
    return {
        group: float(d / n) for group, n, d in zip(cells.groups, known.tolist(), deaths.tolist(), strict=True) if n > 0
    }


def overall_mortality(cells: Cells, risks: RiskGroups, confidence: float) -> dict[str, Floats]:
    """Deaths, expected deaths at the base mortality of every DRG, and their ratio (SMR) with an exact Poisson interval.

    The ratio compares with the base only; two units of different mix are not comparable with one another.
    """
    known, deaths = (cells.counts[name].astype(np.float64) for name in ("disposition_known", "deaths"))
    rate = np.array([risks.mortality.get(group, np.nan) for group in cells.groups], np.float64)[cells.group]
    rated = np.isfinite(rate)
    expected = cells.per_unit(np.where(rated, known * rate, 0.0))
    counted = cells.per_unit(np.where(rated, deaths, 0.0))
    low, high = poisson_interval(counted, confidence)
    all_known, all_deaths = cells.per_unit(known), cells.per_unit(deaths)
    return {
        "disposition_known": all_known,
        "deaths": all_deaths,
        "mortality": over(all_deaths, all_known),
        "mortality_expected": over(expected, all_known),
        "expected_deaths": expected,
        "smr": over(counted, expected),
        "smr_low": over(low, expected),
        "smr_high": over(high, expected),
        "deaths_unclassified": cells.per_unit(np.where(rated, 0.0, deaths)),
    }


def counted_rate(cells: Cells, inside: np.ndarray) -> Floats:
    """Mortality expected of a case of the cells `inside`, in the counted data of all units (期望死亡率), float64[c].

    A DRG with as many deaths as data/evaluation_casemix.toml asks for stands at its own rate, the others together at
    theirs, so that one death in few cases makes no rate of its own. 0 outside, and where no disposition is known.
    """
    least = defaults()["mortality"]["own_rate_deaths"]
    known = cells.per_group(np.where(inside, cells.counts["disposition_known"], 0)).astype(np.float64)
    deaths = cells.per_group(np.where(inside, cells.counts["deaths"], 0)).astype(np.float64)
    own = deaths >= least
    together = over(np.array([deaths[~own].sum()]), np.array([known[~own].sum()]))[0]
    rate = np.where(own, over(deaths, known), together)
    found: Floats = np.where(inside, np.nan_to_num(rate)[cells.group], 0.0)
    return found


def risk_mortality(
    cells: Cells, risks: RiskGroups, scores: Sequence[int], name: str, confidence: float
) -> dict[str, Any]:
    """Deaths per case in the DRGs of some risk scores, with the exact binomial interval, the bound 3/n where nobody
    died, and the expected deaths; columns are named `name`_cases, `name`_deaths, ...

    Expected deaths are those at the rates of the counted cases themselves, see counted_rate(): the rates of the period
    that made the risk groups are low because they were chosen to be low. Over all units they sum to the deaths.
    A rate is for ranking only where the expected deaths reach the minimum of data/evaluation_casemix.toml.
    """
    inside = np.array([risks.score.get(group) in set(scores) for group in cells.groups], bool)[cells.group]
    known = cells.per_unit(np.where(inside, cells.counts["disposition_known"], 0))
    deaths = cells.per_unit(np.where(inside, cells.counts["deaths"], 0))
    expected = cells.per_unit(np.where(inside, cells.counts["disposition_known"] * counted_rate(cells, inside), 0.0))
    low, high = binomial_interval(deaths, known, confidence)
    return {
        f"{name}_cases": known,
        f"{name}_deaths": deaths,
        f"{name}_mortality": over(deaths, known),
        f"{name}_mortality_low": low,
        f"{name}_mortality_high": high,
        f"{name}_rule_of_three": rule_of_three(deaths, known),
        f"{name}_expected_deaths": expected,
    }
