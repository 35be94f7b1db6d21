"""Standard errors of indices that allow for cases of one physician being alike (医师聚类标准误)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from drgengine.errors import EvaluationError
from drgengine.evaluation.mix.cellarrays import Cells, Index, pack_cells
from drgengine.evaluation.mix.expected import choose_benchmark, expected_per_case
from drgengine.evaluation.mix.indices import mean_of_ratios, observed_over_expected
from drgengine.evaluation.mix.measures import AMOUNTS, MISSING_UNIT, Floats
from drgengine.evaluation.mix.unitstatistics import UnitStatistics

_INDEX_OF = {"charge": "charge_index", "cost": "cost_index", "los": "time_index"}


@dataclass(frozen=True, slots=True, eq=False)
class ClusteredErrors:
    """Indices with clustered standard errors.

    table : one row per unit; clusters (number), largest_cluster (share of the cases), without_cluster (cases without a
        label, together one cluster), and for charge_index, cost_index and time_index: the index, _se (clustered),
        _se_cases (cases as if independent, the one of `casemix`), _low, _high, _design_effect = (_se / _se_cases)^2.
        NaN where there is no amount, or a single cluster
    by, cluster : columns of the units and of the clusters   form : "ratios" or "oe"   confidence, benchmark : as used
    """

    by: tuple[str, ...]
    cluster: str
    form: str
    confidence: float
    benchmark: str
    table: pd.DataFrame


def clustered_errors(
    statistics: UnitStatistics,
    by: str | Sequence[str] = "hospital_id",
    cluster: str = "physician_id",
    *,
    form: str = "ratios",
    benchmark: Any = None,
    confidence: float = 0.95,
) -> ClusteredErrors:
    """Standard errors of charge, cost and time index clustered by physician (聚类稳健标准误), for safer intervals.

    statistics : kept by hospital and physician at least, e.g. unit_statistics(cases, ["hospital_id", "physician_id"])
    by, cluster : what a unit and what a cluster is; a physician of two hospitals is two clusters
    form : "ratios" (mean of ratios, the national convention) or "oe" (observed / expected)
    benchmark : as in casemix; None = the mean of all cases here

    With the cases i of cluster g, r_i = c_i / C_j(i), I their mean over the unit's n cases and G clusters:
    se^2 = G / (G - 1) sum_g (sum_i in g (r_i - I))^2 / n^2; for "oe" the sums are of c_i - I C_j(i), and n is sum C.
    They need sums per cluster and group only, no squares. C_j is taken as known. The interval is on the log scale,
    exp(ln I -+ t se / I), t with G - 1 degrees of freedom. With fewer than about 20 clusters, or one that holds
    most of the cases, these errors are too small still. Every case its own cluster gives the errors of `casemix`.

    Raises EvaluationError when the statistics were not kept by `cluster`.

    >>> import pyarrow as pa
    >>> from drgengine.evaluation.mix import unit_statistics
    >>> cases = {"hospital_id": ["H"] * 4, "physician_id": ["P1", "P1", "P2", "P2"], "drg": ["AA19"] * 4,
    ...          "total_charge": [8.0, 8.0, 12.0, 12.0]}
    >>> found = clustered_errors(unit_statistics(pa.table(cases), ["hospital_id", "physician_id"])).table
    >>> found[["clusters", "charge_index", "charge_index_se", "charge_index_design_effect"]].round(3).values.tolist()
    [[2.0, 1.0, 0.2, 3.0]]
    """
    units = (by,) if isinstance(by, str) else tuple(by)
    if form not in ("ratios", "oe"):
        raise EvaluationError("form", f"{form!r} is no form of the indices", 'Say "ratios" or "oe"')
    if not 0.0 < confidence < 1.0:
        raise EvaluationError("confidence", f"{confidence!r} is no share between 0 and 1", "Give e.g. 0.95")
    if cluster in units:
        raise EvaluationError("cluster", f"{cluster!r} makes the units already", "Name a finer column")
    cells = pack_cells(statistics.roll_up((*units, cluster)))
    plain = pack_cells(statistics.roll_up(units))
    reference = choose_benchmark(benchmark, cells)
    unit_of, names = _units_of_clusters(cells, len(units))
    columns: dict[str, Any] = _cluster_counts(cells, unit_of, names)
    for amount in AMOUNTS:
        hoped = expected_per_case(cells, reference, amount, 0.0, False).plain
        value, se, groups = _clustered(cells, amount, hoped, form, unit_of, len(names))
        own = choose_benchmark(benchmark, plain)
        classic = mean_of_ratios if form == "ratios" else observed_over_expected
        cases = classic(plain, amount, expected_per_case(plain, own, amount, 0.0, False).plain, confidence)
        se_cases = pd.Series(cases.se, plain.units).reindex(names).to_numpy()
        name = _INDEX_OF[amount]
        low, high = _interval(value, se, groups, confidence)
        with np.errstate(invalid="ignore", divide="ignore"):
            effect = np.where(se_cases > 0, (se / se_cases) ** 2, np.nan)
        columns |= {name: value, f"{name}_se": se, f"{name}_se_cases": se_cases, f"{name}_low": low}
        columns |= {f"{name}_high": high, f"{name}_design_effect": effect}
    return ClusteredErrors(units, cluster, form, confidence, reference.text, pd.DataFrame(columns, index=names))


def _units_of_clusters(cells: Cells, levels: int) -> tuple[Index, pd.Index]:
    """Unit of every cluster, and the units."""
    labels: pd.Index = cells.units.droplevel(-1)
    codes, names = labels.factorize(sort=True)
    if levels == 1:
        names = pd.Index(names, name=cells.units.names[0], dtype=object)
    else:
        names = names.set_names(list(cells.units.names[:levels]))
    return codes.astype(np.int64), names


def _cluster_counts(cells: Cells, unit_of: Index, names: pd.Index) -> dict[str, Any]:
    cases = cells.per_unit(cells.n)
    size = len(names)
    total = np.bincount(unit_of, weights=cases, minlength=size)
    largest = np.zeros(size)
    np.maximum.at(largest, unit_of, cases)
    nameless = np.asarray(cells.units.get_level_values(-1) == MISSING_UNIT)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(total > 0, largest / total, np.nan)
    return {
        "cases": total.astype(np.int64),
        "clusters": np.bincount(unit_of, weights=cases > 0, minlength=size).astype(np.int64),
        "largest_cluster": share,
        "without_cluster": np.bincount(unit_of, weights=np.where(nameless, cases, 0.0), minlength=size).astype(
            np.int64
        ),
    }


def _clustered(
    cells: Cells, amount: str, hoped: Floats, form: str, unit_of: Index, size: int
) -> tuple[Floats, Floats, Floats]:
    """Index, clustered standard error and number of clusters with the amount, per unit."""
    known, total, _ = cells.amount(amount)
    usable = (known > 0) & np.isfinite(hoped)
    part, whole = (total / hoped, known) if form == "ratios" else (total, known * hoped)
    observed = cells.per_unit(np.where(usable, part, 0.0))
    base = cells.per_unit(np.where(usable, whole, 0.0))
    unit_observed = np.bincount(unit_of, weights=observed, minlength=size)
    unit_base = np.bincount(unit_of, weights=base, minlength=size)
    groups = np.bincount(unit_of, weights=base > 0, minlength=size).astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        value = np.where(unit_base > 0, unit_observed / unit_base, np.nan)
        residual = np.where(base > 0, observed - value[unit_of] * base, 0.0)
        squares = np.bincount(unit_of, weights=residual**2, minlength=size)
        se = np.where(groups > 1, np.sqrt(groups / (groups - 1.0) * squares) / unit_base, np.nan)
    return value, se, groups


def _interval(value: Floats, se: Floats, groups: Floats, confidence: float) -> tuple[Floats, Floats]:
    with np.errstate(invalid="ignore", divide="ignore"):
        t = stdtrit(np.where(groups > 1, groups - 1.0, np.nan), 0.5 + confidence / 2.0)
        factor = np.exp(t * np.where(value > 0, se / value, np.nan))
        return value / factor, value * factor
