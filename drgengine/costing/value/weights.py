"""Relative weights of groups from case cost or charges (病组权重).

The weight of a DRG is its mean cost divided by the mean cost of all cases of the region (technical specification of
CHS-DRG, 国家医疗保障局 医保办发〔2019〕36号, formula as recalled); outliers are left out of both means.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from drgengine.costing.model import WeightSettings
from drgengine.costing.value.groupstats import (
    Floats,
    GroupedValues,
    Ints,
    divide,
    number_array,
    number_groups,
    sort_by_group,
)
from drgengine.costing.value.paymentrules import severity_ranks
from drgengine.costing.value.trim import LEFT_OUT, Trimming, trim
from drgengine.errors import CostingError

INTERVAL = "delta method, t quantile with n - 1 degrees of freedom, of the weight before shrinking and ordering"


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """Weights of one run (权重测算结果).

    table : DataFrame, one row per group in the order of the codes:
        drg, adrg, n, n_kept, n_low, n_high, lower, upper (bounds kept),
        mean_all, median_all, sd_all, cv_all before trimming; mean, median, sd, cv after,
        raw_weight, raw_low, raw_high (interval), shrunk_weight, weight (the answer), reordered, provisional
    basis : what the weights are made from, e.g. "cost" or "charges"
    overall_mean : mean of the cases kept; riv_before, riv_after : reduction in variance 1 - SSW / SST, NaN where no
        variance is
    without_cases : groups with no case kept, weight NaN; provisional : groups of fewer than minimum_cases kept
    trimming : flag per case, rule and quantile definition; interval : how raw_low and raw_high came about

    A deviation or interval of fewer than two cases is NaN. The sum of n_kept x weight is the sum of n_kept.
    """

    table: pd.DataFrame
    basis: str
    settings: WeightSettings
    minimum_cases: int
    overall_mean: float
    riv_before: float
    riv_after: float
    without_cases: tuple[str, ...]
    provisional: tuple[str, ...]
    trimming: Trimming = field(repr=False)
    interval: str = INTERVAL

    @property
    def by_group(self) -> dict[str, float]:
        """Weight per group; groups without weight are absent."""
        found = zip(self.table["drg"], self.table["weight"], strict=True)
        return {drg: float(weight) for drg, weight in found if np.isfinite(weight)}


def relative_weights(
    cost: Any,
    group: Any,
    adrg: Any = None,
    severity_order: Mapping[str, int] | None = None,
    settings: WeightSettings | None = None,
    *,
    minimum_cases: int = 5,
    basis: str = "cost",
) -> Weights:
    """Relative weight of every group (相对权重): mean of the group over mean of all, both of cases kept.

    cost : float[n], yuan; null, infinite and not positive ones are left out and counted (see trim)
    group : text[n]; null for cases that shall not count (ungroupable, ambiguous)
    adrg : text[n], the adjacent group of each case; None takes the first three characters of the group code
    severity_order : group -> rank, 0 the most severe; None reads the last character as CHS-DRG does (1 with MCC, 3 with
        CC, 5 without; others stand in no order). Used with settings.enforce_severity: inside an ADRG a more severe
        group never weighs less (isotonic regression, weighted by cases)
    settings : trimming, settings.shrink_cases k: (n m + k m0) / (n + k) towards the mean m0 of the ADRG, which goes
        itself towards the mean of all when it has fewer than minimum_cases

    Raises CostingError: lengths, codes, settings, a group in two ADRGs, no case left.

    >>> found = relative_weights([8, 9, 10, 11, 60, 4, 5, 6], list("AAAAABBB"), settings=WeightSettings(trim="iqr"))
    >>> found.table[["drg", "n", "n_kept", "weight"]].round(3).values.tolist()
    [['A', 5, 4, 1.255], ['B', 3, 3, 0.66]]
    """
    settings = settings or WeightSettings()
    trimming = trim(cost, group, settings)
    values, groups = number_array(cost, "cost"), trimming.groups
    before = sort_by_group(values, trimming.number, len(groups), trimming.flag != LEFT_OUT)
    after = sort_by_group(values, trimming.number, len(groups), trimming.kept)
    _refuse_nothing_left(trimming)
    parents = _parents(adrg, trimming.number, groups)
    n, mean = after.n, after.means()
    overall = float(after.value.sum() / after.value.size)
    shrunk = _shrink(n, mean, parents, overall, settings.shrink_cases, minimum_cases)
    ordered = shrunk
    if settings.enforce_severity:
        ranks = severity_ranks(groups) if severity_order is None else dict(severity_order)
        ordered = _order_by_severity(n, shrunk, groups, parents, ranks)
    raw = mean / overall
    half = _half_width(after, raw, overall, settings.confidence)
    provisional = (n > 0) & (n < minimum_cases)
    table = trimming.table.assign(adrg=pd.Series(parents, dtype=object))
    table = table[["drg", "adrg", "n", "n_kept", "n_low", "n_high", "lower", "upper"]].assign(
        **_statistics(before, "_all"),
        **_statistics(after, ""),
        raw_weight=raw,
        raw_low=raw - half,
        raw_high=raw + half,
        shrunk_weight=_normalise(n, shrunk),
        weight=_normalise(n, ordered),
        reordered=np.abs(ordered - shrunk) > 1e-12 * overall,
        provisional=provisional,
    )
    return Weights(
        table=table,
        basis=basis,
        settings=settings,
        minimum_cases=minimum_cases,
        overall_mean=overall,
        riv_before=_reduction_in_variance(before),
        riv_after=_reduction_in_variance(after),
        without_cases=tuple(np.array(groups, object)[n == 0]),
        provisional=tuple(np.array(groups, object)[provisional]),
        trimming=trimming,
    )


def _refuse_nothing_left(trimming: Trimming) -> None:
    if not trimming.kept.any():
        out, trimmed = trimming.n_left_out, trimming.flag.size - trimming.n_left_out
        problem = f"no case is left: {out} without group or cost above 0, {trimmed} trimmed as outliers"
        raise CostingError("weights", problem, "Check the columns and the outlier rule")


def _parents(adrg: Any, number: Ints, groups: tuple[str, ...]) -> tuple[str, ...]:
    """ADRG of every group."""
    if adrg is None:
        return tuple(drg[:3] for drg in groups)
    parent_number, parents = number_groups(adrg, "adrg")
    if parent_number.size != number.size:
        raise CostingError("adrg", f"{parent_number.size} ADRGs for {number.size} cases", "Give one ADRG per case")
    pairs = pd.DataFrame({"group": number, "parent": parent_number})
    pairs = pairs[(pairs["group"] >= 0) & (pairs["parent"] >= 0)].drop_duplicates().sort_values(["group", "parent"])
    twice = pairs["group"].duplicated(keep=False)
    if twice.any():
        drg = groups[pairs.loc[twice, "group"].iloc[0]]
        places = [parents[parent] for parent in pairs.loc[pairs["group"] == groups.index(drg), "parent"]]
        raise CostingError(f"group {drg}", f"it stands in the ADRGs {', '.join(places)}", "Give it one ADRG")
    found = [""] * len(groups)
    for group, parent in zip(pairs["group"], pairs["parent"], strict=True):
        found[group] = parents[parent]
    return tuple(name or drg[:3] for name, drg in zip(found, groups, strict=True))


def _shrink(n: Ints, mean: Floats, parents: tuple[str, ...], overall: float, k: float, minimum: int) -> Floats:
    if k == 0:
        return mean
    parent, _ = number_groups(parents)
    total = np.bincount(parent, weights=np.where(n > 0, n * mean, 0.0))
    cases = np.bincount(parent, weights=n)
    target = divide(total, cases)
    tiny = (cases < minimum) & (cases > 0)
    target[tiny] = (total[tiny] + k * overall) / (cases[tiny] + k)
    return np.where(n > 0, (n * mean + k * target[parent]) / (n + k), np.nan)


def _order_by_severity(
    n: Ints, value: Floats, groups: tuple[str, ...], parents: tuple[str, ...], ranks: Mapping[str, int]
) -> Floats:
    from sklearn.isotonic import IsotonicRegression

    members: dict[str, list[int]] = {}
    for position, (drg, parent) in enumerate(zip(groups, parents, strict=True)):
        if drg in ranks and n[position] > 0:
            members.setdefault(parent, []).append(position)
    found = value.copy()
    for parent, positions in members.items():
        rank = [ranks[groups[position]] for position in positions]
        if len(set(rank)) < len(rank):
            names = ", ".join(groups[position] for position in positions)
            raise CostingError(f"ADRG {parent}", f"two of {names} have one severity rank", "Give each its own rank")
        place = np.array(positions)[np.argsort(rank)]
        if (np.diff(value[place]) > 0).any():
            isotonic = IsotonicRegression(increasing=False)
            found[place] = isotonic.fit_transform(np.arange(place.size), value[place], sample_weight=n[place])
    return found


def _normalise(n: Ints, value: Floats) -> Floats:
    """Weights whose mean over the cases kept is 1."""
    there = n > 0
    return value / (np.sum(n[there] * value[there]) / n.sum())


def _statistics(grouped: GroupedValues, ending: str) -> dict[str, Floats]:
    n, mean = grouped.n, grouped.means()
    sd = np.sqrt(divide(grouped.deviations(), np.maximum(n - 1, 0)))
    found = {"mean": mean, "median": grouped.quantiles(0.5), "sd": sd, "cv": divide(sd, mean)}
    return {name + ending: values for name, values in found.items()}


def _half_width(grouped: GroupedValues, weight: Floats, overall: float, confidence: float) -> Floats:
    """Half width of the interval of m_g / M: M holds m_g itself and the means of all other groups."""
    from scipy import stats

    n = grouped.n
    share = n / n.sum()
    # A group of one case says nothing of its own variance; in the mean of all it is taken as fixed.
    variance = divide(divide(grouped.deviations(), np.maximum(n - 1, 0)), n)
    known = np.nan_to_num(variance)
    others = np.sum(share**2 * known) - share**2 * known
    own = np.nan_to_num(weight)
    error = np.sqrt((1 - own * share) ** 2 * variance + own**2 * np.maximum(others, 0.0)) / overall
    return error * stats.t.ppf((1 + confidence) / 2, np.where(n > 1, n - 1, np.nan))


def _reduction_in_variance(grouped: GroupedValues) -> float:
    total = float(np.sum((grouped.value - grouped.value.mean()) ** 2))
    return 1 - float(grouped.deviations().sum()) / total if total > 0 else float("nan")


def compare_weights(
    cost: Any,
    charges: Any,
    group: Any,
    adrg: Any = None,
    severity_order: Mapping[str, int] | None = None,
    settings: WeightSettings | None = None,
    *,
    minimum_cases: int = 5,
) -> WeightComparison:
    """Weights from cost and from charges side by side (成本权重与收费权重对照), each trimmed on its own values.

    Only cases with both amounts count. Arguments and errors as in relative_weights.

    >>> found = compare_weights([10.0, 30.0], [20.0, 20.0], ["A", "B"])
    >>> found.table[["drg", "weight_cost", "weight_charges", "ratio"]].values.tolist()
    [['A', 0.5, 1.0, 0.5], ['B', 1.5, 1.0, 1.5]]
    """
    left, right = number_array(cost, "cost"), number_array(charges, "charges")
    if left.size != right.size:
        raise CostingError("charges", f"{right.size} charges for {left.size} costs", "Give one of each per case")
    both = np.isfinite(left) & (left > 0) & np.isfinite(right) & (right > 0)
    made = {
        basis: relative_weights(
            np.where(both, values, np.nan),
            group,
            adrg,
            severity_order,
            settings,
            minimum_cases=minimum_cases,
            basis=basis,
        )
        for basis, values in (("cost", left), ("charges", right))
    }
    by_cost, by_charges = made["cost"].table, made["charges"].table
    table = by_cost[["drg", "adrg", "n"]].copy()
    for basis, found in made.items():
        for column in ("n_kept", "weight", "raw_low", "raw_high"):
            table[f"{column}_{basis}"] = found.table[column]
    table["difference"] = table["weight_cost"] - table["weight_charges"]
    table["ratio"] = divide(table["weight_cost"], table["weight_charges"])
    table["intervals_apart"] = (by_cost["raw_low"] > by_charges["raw_high"]) | (
        by_cost["raw_high"] < by_charges["raw_low"]
    )
    return WeightComparison(table, made["cost"], made["charges"])


@dataclass(frozen=True, slots=True, eq=False)
class WeightComparison:
    """Two sets of weights for the same cases.

    table : drg, adrg, n, then n_kept, weight, raw_low, raw_high of each basis (ending _cost, _charges), difference and
        ratio of cost to charges; intervals_apart : the intervals have nothing in common
    """

    table: pd.DataFrame
    cost: Weights
    charges: Weights


def charges_to_cost(charge: npt.ArrayLike, ratio: npt.ArrayLike) -> Floats:
    """Cost of charges by a cost-to-charge ratio (成本收入比), elementwise; null stays NaN.

    charge, ratio : yuan and cost per yuan of charge. Raises CostingError for a ratio below 0 or infinite.

    >>> charges_to_cost([300.0], 0.5)
    array([150.])
    """
    factor = np.asarray(ratio, np.float64)
    if (factor < 0).any() or np.isinf(factor).any():
        raise CostingError("ratio", "a cost-to-charge ratio is below 0 or infinite", "Check cost and charges behind it")
    return np.asarray(charge, np.float64) * factor


@dataclass(frozen=True, slots=True, eq=False)
class HospitalRelativeWeights:
    """Weights free of the cost level of hospitals: groups, weight float64[g]; hospitals, casemix float64[h] (CMI)."""

    groups: tuple[str, ...]
    weight: Floats
    hospitals: tuple[str, ...]
    casemix: Floats
    iterations: int
    converged: bool


def hospital_relative_weights(
    cost: Any,
    group: Any,
    hospital: Any,
    settings: WeightSettings | None = None,
    *,
    most_iterations: int = 200,
    tolerance: float = 1e-10,
) -> HospitalRelativeWeights:
    """Weights by hospital-specific relative values, HSRV (院内相对值法).

    Every cost is divided by its hospital's mean and multiplied by the hospital's case mix index, which comes from the
    weights so found, until they stand still. A hospital that is dearer throughout moves no weight.
    cost, group, hospital : [n]; trimming as in relative_weights; groups without kept case get NaN
    Raises CostingError as relative_weights does.
    """
    trimming = trim(cost, group, settings)
    home, hospitals = number_groups(hospital, "hospital")
    if home.size != trimming.number.size:
        raise CostingError("hospital", f"{home.size} hospitals for {trimming.number.size} cases", "Give one per case")
    chosen = sort_by_group(
        number_array(cost, "cost"), trimming.number, len(trimming.groups), trimming.kept & (home >= 0)
    )
    if not chosen.value.size:
        raise CostingError("weights", "no case has a group, a hospital and a cost", "Check the columns")
    at, many = home[chosen.order], len(hospitals)
    cases = np.bincount(at, minlength=many)
    relative = chosen.value / divide(np.bincount(at, weights=chosen.value, minlength=many), cases)[at]
    casemix = np.where(cases > 0, 1.0, np.nan)
    step, converged, weight = 0, False, chosen.means()
    while step < most_iterations and not converged:
        step += 1
        found = relative * casemix[at]
        weight = divide(chosen.sums(found), chosen.n) / found.mean()
        new = divide(np.bincount(at, weights=weight[chosen.number], minlength=many), cases)
        converged = bool(np.nanmax(np.abs(new - casemix)) < tolerance)
        casemix = new
    return HospitalRelativeWeights(trimming.groups, weight, hospitals, casemix, step, converged)
