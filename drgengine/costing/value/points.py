"""Payment by points (点数法) and by disease score (按病种分值付费, DIP): benchmark, case points, settlement.

Points: 金华市按病组点数法 and 浙江省点数法 as described in public; DIP: 医保办发〔2020〕50号, formulas as recalled.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from drgengine.costing.fen import share_out, to_fen
from drgengine.costing.value.groupstats import Floats, divide
from drgengine.costing.value.paymentrules import Formula, IncompleteStay, as_cases
from drgengine.errors import CostingError


def benchmark_points(mean_cost: npt.ArrayLike, overall_mean: float, scale: float = 100.0) -> Floats:
    """Benchmark points (基准点数) = mean cost of the group / mean cost of all cases x scale; 1000 is usual for DIP.

    mean_cost : float[g], yuan; NaN stays NaN. Raises CostingError when the mean of all is not above 0.

    >>> benchmark_points([8000.0, 25000.0], 10_000.0)
    array([ 80., 250.])
    """
    if not 0 < overall_mean < math.inf:
        raise CostingError(
            "benchmark", f"the mean cost of all cases is {overall_mean:g}", "Give the region's mean in yuan"
        )
    return np.asarray(mean_cost, np.float64) / overall_mean * scale


def difference_coefficient(hospital_mean: npt.ArrayLike, mean: npt.ArrayLike) -> Floats:
    """Coefficient of a hospital or level (差异系数) = its mean in a group / mean of all hospitals there.

    NaN where the mean of all is 0.

    >>> difference_coefficient([9000.0], [10000.0])
    array([0.9])
    """
    return divide(hospital_mean, mean)


def case_points(
    benchmark: npt.ArrayLike,
    coefficient: npt.ArrayLike = 1.0,
    *,
    incomplete: npt.ArrayLike = False,
    cost: npt.ArrayLike = math.nan,
    mean_cost: npt.ArrayLike = math.nan,
    rule: IncompleteStay | None = None,
) -> Floats:
    """Points of every case (病例点数): benchmark x coefficient, an incomplete stay by its rule.

    benchmark : float[n], points of the case's group, NaN stays NaN
    incomplete : bool[n] or one; cost, mean_cost : yuan of the case and mean of its group in the region, read for those
    rule : how an incomplete stay counts, e.g. read_payment_rules().incomplete_stays["jinhua-2017"]

    Raises CostingError: lengths, incomplete stays without a rule, or without cost and a mean above 0.

    >>> case_points([80.0, 250.0], [1.0, 0.9])
    array([ 80., 225.])
    """
    points = np.atleast_1d(np.asarray(benchmark, np.float64))
    n = points.size
    factor = as_cases(coefficient, n, "coefficient").astype(np.float64)
    partial = as_cases(incomplete, n, "incomplete").astype(np.bool_)
    whole = points * factor
    if not partial.any():
        return whole
    if rule is None:
        raise CostingError("rule", f"{np.count_nonzero(partial)} stays are incomplete", "Name the rule for them")
    spent = as_cases(cost, n, "cost").astype(np.float64)
    ratio = divide(spent, as_cases(mean_cost, n, "mean_cost"))
    lost = partial & np.isfinite(points) & ~(ratio >= 0)
    if lost.any():
        first = int(np.flatnonzero(lost)[0])
        problem = "an incomplete stay lacks its cost or the mean cost of its group"
        raise CostingError(f"case {first + 1}", problem, "Give both, or points by special review (特病单议)")
    variables = {"benchmark": points, "coefficient": factor, "ratio": ratio, "cost": spent}
    found = Formula(rule.points, f"incomplete_stay {rule.name}").value(variables)
    return np.where(partial, found, whole)


@dataclass(frozen=True, slots=True, eq=False)
class Settlement:
    """Settlement of a budget by points (清算).

    point_value : yuan per point (点值); payment : float64[n], yuan in whole fen with sum `budget` exactly
    fund : payment less what patients have paid; points : float64[n]; total_points : their sum
    """

    point_value: float
    points: Floats
    total_points: float
    payment: Floats
    payment_fen: npt.NDArray[np.int64]
    fund: Floats
    budget: float


def settle_points(points: npt.ArrayLike, budget: float, paid_by_patients: npt.ArrayLike = 0.0) -> Settlement:
    """Divide a budget by points (点数法清算): point value = budget / all points, payments add up to it to the fen.

    points : float[n], per hospital or per case, >= 0; cases without points are to be left out or reviewed before
    budget : yuan, fund budget and the patients' share for the same cases, as points price the whole bill
    paid_by_patients : yuan per row or one number, taken off to get what the fund pays

    Raises CostingError: points missing, negative or without sum, budget negative or no amount.

    >>> found = settle_points([1.0, 1.0, 1.0], 100.0)
    >>> found.payment.tolist(), round(found.point_value, 4)
    ([33.34, 33.33, 33.33], 33.3333)
    """
    values = np.atleast_1d(np.asarray(points, np.float64))
    wrong = ~(np.isfinite(values) & (values >= 0))
    if wrong.any():
        first = int(np.flatnonzero(wrong)[0])
        problem = f"the points are {values[first]} ({np.count_nonzero(wrong)} such rows)"
        raise CostingError(f"row {first + 1}", problem, "Give points of 0 or more, or leave such cases out")
    total = float(values.sum())
    if not total > 0:
        raise CostingError("points", "all points add up to 0", "Check benchmark points and groups")
    if not 0 <= budget < math.inf:
        raise CostingError("budget", f"{budget} is no amount of 0 or more", "Give the budget in yuan")
    whole = int(to_fen(budget))
    fen = share_out(values, whole)
    paid = to_fen(as_cases(paid_by_patients, values.size, "paid_by_patients"))
    return Settlement(whole / 100 / total, values, total, fen / 100, fen, (fen - paid) / 100, whole / 100)


def year_weighted_mean(year_means: npt.ArrayLike, year_weights: npt.ArrayLike) -> Floats:
    """Mean cost over years, weighted by year (分年度加权均次费用); DIP has 1 : 2 : 7, oldest first (as recalled).

    year_means : float[years] or float[groups, years], yuan; a missing year takes no part, all missing give NaN
    returns float64, one value per group. Raises CostingError for weights that do not fit or add up to nothing.

    >>> year_weighted_mean([10_000.0, 11_000.0, 12_000.0], [1, 2, 7])
    array(11600.)
    """
    means, weights = np.asarray(year_means, np.float64), np.asarray(year_weights, np.float64)
    if weights.ndim != 1 or means.shape[-1] != weights.size or not (weights >= 0).all() or not weights.sum() > 0:
        shown = ", ".join(f"{weight:g}" for weight in weights.ravel())
        remedy = "Give one weight of 0 or more per year, oldest first"
        raise CostingError("year_weights", f"{shown} do not fit {means.shape[-1]} years", remedy)
    there = np.isfinite(means)
    return divide((np.where(there, means, 0.0) * weights).sum(axis=-1), (there * weights).sum(axis=-1))


def disease_scores(mean_cost: npt.ArrayLike, overall_mean: float, scale: float = 1000.0) -> tuple[Floats, Floats]:
    """Relative weight RW = m / M and score (病种分值) = RW x scale of every group; errors as in benchmark_points.

    >>> [round(float(found), 4) for found in disease_scores(11_600.0, 9000.0)]
    [1.2889, 1288.8889]
    """
    weight = benchmark_points(mean_cost, overall_mean, 1.0)
    return weight, weight * scale


def simulate_point_values(points: Any, budgets: npt.ArrayLike) -> Floats:
    """Point value under several budgets (点值敏感性): float64[k] of yuan per point, budget / all points.

    >>> simulate_point_values([40.0, 60.0], [900.0, 1000.0])
    array([ 9., 10.])
    """
    total = float(np.sum(np.asarray(points, np.float64)))
    if not 0 < total < math.inf:
        raise CostingError("points", f"all points add up to {total:g}", "Check benchmark points and groups")
    return np.asarray(budgets, np.float64) / total
