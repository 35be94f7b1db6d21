"""What a case of a group costs or stays at the benchmark (标杆例均值): plain, shrunk to its ADRG, leave-one-out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from drgengine.errors import EvaluationError
from drgengine.evaluation.mix.cellarrays import Cells, pack_cells
from drgengine.evaluation.mix.measures import AMOUNTS, Floats
from drgengine.evaluation.mix.unitstatistics import UnitStatistics


@dataclass(frozen=True, slots=True, eq=False)
class Expected:
    """Expected amount of one case, float64[c] per cell, NaN where the benchmark has no case of the group.

    plain : C_j   shrunk : C_j* = (N_j C_j + k C_ADRG) / (N_j + k)
    """

    plain: Floats
    shrunk: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Benchmark:
    """Where expectations come from: the cells themselves, those of other statistics, or a table of means."""

    cells: Cells | None
    means: pd.DataFrame | None
    same: bool
    text: str


def choose_benchmark(benchmark: Any, cells: Cells) -> Benchmark:
    """The benchmark set: None = all units of the same data, UnitStatistics, or means per DRG in a table or mapping.

    A table has the DRG as index and any of the columns charge, cost, los; a mapping from DRG to number holds charges.
    """
    if benchmark is None:
        return Benchmark(cells, None, True, f"the same data: {len(cells.units)} units, {int(cells.n.sum())} cases")
    if isinstance(benchmark, UnitStatistics):
        packed = pack_cells(benchmark)
        text = f"other statistics: {len(packed.units)} units, {int(packed.n.sum())} cases"
        return Benchmark(packed, None, False, text)
    if isinstance(benchmark, Mapping):
        benchmark = pd.DataFrame({"charge": pd.Series(dict(benchmark), dtype=float)})
    if not isinstance(benchmark, pd.DataFrame):
        problem = f"a {type(benchmark).__name__} is no benchmark"
        raise EvaluationError("benchmark", problem, "Give UnitStatistics, a table of means with DRG as index, or None")
    wrong = [str(name) for name in benchmark.columns if name not in AMOUNTS]
    if wrong:
        problem = f"the column {wrong[0]!r} is not known"
        raise EvaluationError("benchmark", problem, f"Known columns: {', '.join(AMOUNTS)}, with the DRG as index")
    if benchmark.index.has_duplicates:
        twice = benchmark.index[benchmark.index.duplicated()][0]
        raise EvaluationError(f"benchmark, group {twice}", "stands there twice", "Keep one row per DRG")
    return Benchmark(None, benchmark.astype(float), False, f"given means of {len(benchmark)} groups")


def expected_per_case(
    cells: Cells, benchmark: Benchmark, amount: str, shrinkage: float, leave_one_out: bool
) -> Expected:
    """Expectations for the cells; `leave_one_out` takes the unit's own cases out of its benchmark."""
    if benchmark.means is not None:
        return _given_means(cells, benchmark.means, amount)
    source = benchmark.cells
    assert source is not None
    known, total, _ = source.amount(amount)
    group_n, group_sum = source.per_group(known), source.per_group(total)
    families = len(source.adrgs)
    adrg_n = np.bincount(source.adrg_of, weights=group_n, minlength=families).astype(np.float64)
    adrg_sum = np.bincount(source.adrg_of, weights=group_sum, minlength=families).astype(np.float64)
    at = _places(cells.groups, source.groups)[cells.group]
    adrg_at = _places(cells.adrgs, source.adrgs)[cells.adrg_of[cells.group]]
    n, s = _taken(group_n, at), _taken(group_sum, at)
    family_n, family_s = _taken(adrg_n, adrg_at), _taken(adrg_sum, adrg_at)
    if leave_one_out:
        n, s = n - known, s - total
        own_n, own_s = _own_family(cells, known, total)
        family_n, family_s = family_n - own_n, family_s - own_s
    with np.errstate(invalid="ignore", divide="ignore"):
        plain = np.where(n > 0, s / n, np.nan)
        family = np.where(family_n > 0, family_s / family_n, np.nan)
        shrunk = (np.where(n > 0, s, 0.0) + shrinkage * family) / (n + shrinkage) if shrinkage > 0 else plain
    return Expected(_positive(plain), _positive(np.asarray(shrunk)))


def _given_means(cells: Cells, means: pd.DataFrame, amount: str) -> Expected:
    nothing = np.full(cells.group.shape, np.nan)
    if amount not in means.columns:
        return Expected(nothing, nothing)
    plain = means[amount].reindex(list(cells.groups)).to_numpy(dtype=float)[cells.group]
    return Expected(_positive(plain), nothing)


def _own_family(cells: Cells, known: Floats, total: Floats) -> tuple[Floats, Floats]:
    """Cases and amount of the unit's own ADRG, per cell."""
    pair = cells.unit * max(len(cells.adrgs), 1) + cells.adrg_of[cells.group]
    _, place = np.unique(pair, return_inverse=True)
    cases: Floats = np.bincount(place, weights=known).astype(np.float64)
    return cases[place], np.bincount(place, weights=total).astype(np.float64)[place]


def _places(wanted: tuple[str, ...], there: tuple[str, ...]) -> np.ndarray:
    place = {code: number for number, code in enumerate(there)}
    return np.array([place.get(code, -1) for code in wanted], np.int64)


def _taken(values: Floats, at: np.ndarray) -> Floats:
    """values[at], 0 where `at` is -1."""
    return np.append(values, 0.0)[at]


def _positive(mean: Floats) -> Floats:
    """A mean of 0 (stays of 0 days) is nothing to compare with."""
    with np.errstate(invalid="ignore"):
        return np.where(mean > 0, mean, np.nan)
