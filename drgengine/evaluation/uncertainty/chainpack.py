"""Statistics of units packed for the draws of the chain: arrays of cells, what is given and what is drawn anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from drgengine.errors import EvaluationError
from drgengine.evaluation.mix.breadth import kinds_of
from drgengine.evaluation.mix.cellarrays import Cells, pack_cells, unit_index
from drgengine.evaluation.mix.defaults import defaults
from drgengine.evaluation.mix.expected import Benchmark, choose_benchmark, expected_per_case
from drgengine.evaluation.mix.groupweights import given_weights, weights_of_cells
from drgengine.evaluation.mix.measures import AMOUNTS, Floats
from drgengine.evaluation.mix.mortality import RiskGroups, risk_groups, same_data
from drgengine.evaluation.mix.unitstatistics import UnitStatistics
from drgengine.evaluation.uncertainty.chainkernel import CellArrays, GroupArrays
from drgengine.evaluation.uncertainty.deathdraws import Deaths, pack_deaths
from drgengine.evaluation.uncertainty.spread import square_variation

Note = tuple[str, str]  # in Chinese and English
# Correlation of the sums of one cell on the log scale; statistics hold no cross products to take it from.
CORRELATION: Mapping[tuple[str, str], float] = {("charge", "cost"): 0.8, ("charge", "los"): 0.6, ("cost", "los"): 0.6}
WORDS = {"charge": ("费用", "charge"), "cost": ("成本", "cost"), "los": ("住院日", "stay")}


@dataclass(frozen=True, slots=True, eq=False)
class ChainSettings:
    """The choices of casemix() that the draws repeat."""

    weights: Any
    benchmark: Any
    risks: Any
    shrinkage: float | None
    leave_one_out: bool
    low_risk_scores: Sequence[int] | None
    kinds: Mapping[str, str] | None
    expected_mdcs: Sequence[str] | None
    mdc_threshold: int
    correlation: Mapping[tuple[str, str], float]


@dataclass(frozen=True, slots=True, eq=False)
class Packed:
    """Statistics ready to draw from.

    amounts : those that occur   arrays : the cells   weight : float64[j] given weights, or None = anew in each draw
    plain, shrunk : float64[k, j] given expectations, or None = anew in each draw
    excluded : float64[u], discharges that are not included
    """

    cells: Cells
    amounts: tuple[str, ...]
    arrays: CellArrays
    weight: Floats | None
    plain: Floats | None
    shrunk: Floats | None
    shrinkage: float
    leave_one_out: bool
    high_weight: float
    deaths: Deaths
    excluded: Floats
    mdcs: tuple[str, ...]
    mdc_threshold: int
    notes: tuple[Note, ...]

    def empty_groups(self) -> GroupArrays:
        """Room for one draw's groups, filled with what is given."""
        k, j = len(self.amounts), len(self.cells.groups)
        families, own = len(self.cells.adrgs), int(self.arrays.own.max(initial=-1)) + 1
        nothing = np.full((k, j), np.nan)
        plain, shrunk = (nothing if given is None else given for given in (self.plain, self.shrunk))
        return GroupArrays(
            np.full(j, np.nan) if self.weight is None else self.weight.copy(), plain.copy(), shrunk.copy(),
            np.zeros(j), np.zeros((k, j)), np.zeros((k, j)), np.zeros((k, families)), np.zeros((k, families)),
            np.zeros((k, own)), np.zeros((k, own)),
        )  # fmt: skip


def pack(statistics: UnitStatistics, settings: ChainSettings) -> Packed:
    """Check and pack. Raises EvaluationError: see casemix(); correlations that contradict each other."""
    cells = pack_cells(statistics)
    if not cells.group.size:
        raise EvaluationError("current", "there is no included case", "Give statistics of grouped cases")
    benchmark = choose_benchmark(settings.benchmark, cells)
    if settings.leave_one_out and not benchmark.same:
        problem = "leave_one_out needs the benchmark to be the same data"
        raise EvaluationError("benchmark", problem, "Leave benchmark out, or leave leave_one_out out")
    shrinkage = float(defaults()["benchmark"]["shrinkage_cases"] if settings.shrinkage is None else settings.shrinkage)
    amounts = tuple(name for name in AMOUNTS if cells.amount(name)[0].any())
    arrays, notes = _arrays(cells, amounts, settings)
    plain, shrunk = _given_expectations(cells, benchmark, amounts, shrinkage)
    mortality = defaults()["mortality"]
    low = mortality["low_risk_scores"] if settings.low_risk_scores is None else settings.low_risk_scores
    mdcs = sorted({mdc for mdc in cells.mdc_of if mdc is not None})
    return Packed(
        cells,
        amounts,
        arrays,
        _given_weights(cells, benchmark, settings.weights),
        plain,
        shrunk,
        shrinkage,
        settings.leave_one_out,
        float(defaults()["benchmark"]["high_weight"]),
        pack_deaths(cells, _risks(settings.risks, cells), low, mortality["mid_low_risk_scores"]),
        _not_included(statistics, cells),
        tuple(mdcs if settings.expected_mdcs is None else dict.fromkeys(settings.expected_mdcs)),
        settings.mdc_threshold,
        notes,
    )


def _risks(risks: Any, cells: Cells) -> RiskGroups:
    if risks is None:
        return same_data(cells)
    return risks if isinstance(risks, RiskGroups) else risk_groups(risks)


def _not_included(statistics: UnitStatistics, cells: Cells) -> Floats:
    unit, _ = unit_index(statistics.cells, statistics.by)
    every = np.bincount(unit, weights=statistics.cells["cases"].to_numpy(), minlength=len(cells.units))
    return np.asarray(every - cells.per_unit(cells.n), np.float64)


def _given_weights(cells: Cells, benchmark: Benchmark, weights: Any) -> Floats | None:
    if weights is not None:
        return given_weights(weights).of(cells.groups)
    if benchmark.same or benchmark.cells is None:
        return None
    return weights_of_cells(benchmark.cells).of(cells.groups)


def _given_expectations(
    cells: Cells, benchmark: Benchmark, amounts: tuple[str, ...], shrinkage: float
) -> tuple[Floats | None, Floats | None]:
    if benchmark.same:
        return None, None
    plain, shrunk = (np.full((len(amounts), len(cells.groups)), np.nan) for _ in range(2))
    for row, name in enumerate(amounts):
        found = expected_per_case(cells, benchmark, name, shrinkage, False)
        plain[row, cells.group], shrunk[row, cells.group] = found.plain, found.shrunk
    return plain, shrunk


def _arrays(cells: Cells, amounts: tuple[str, ...], settings: ChainSettings) -> tuple[CellArrays, tuple[Note, ...]]:
    shape = (len(amounts), cells.group.size)
    known, total, square = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    notes: list[Note] = []
    for row, name in enumerate(amounts):
        known[row], total[row], _ = cells.amount(name)
        zh, en = WORDS[name]
        if name not in cells.squares:
            text = f"No sums of squares of {en}: its sums are not drawn and do not vary by themselves."
            notes.append((f"没有{zh}的平方和：{zh}合计不抽样，其本身不变动。", text))
            continue
        square[row], comparable = square_variation(cells, name)
        if not comparable:
            text = f"No cell has two known values of {en}: a coefficient of variation of 1 is assumed."
            notes.append((f"没有任何单元格有两例以上已知{zh}：假定变异系数为1。", text))
    sigma = np.sqrt(np.log1p(square / np.where(known > 0, known, 1.0)))
    pair = cells.unit * max(len(cells.adrgs), 1) + cells.adrg_of[cells.group]
    arrays = CellArrays(
        np.searchsorted(cells.unit, np.arange(len(cells.units) + 1)).astype(np.int64),
        cells.group.astype(np.int64),
        cells.adrg_of.astype(np.int64),
        np.unique(pair, return_inverse=True)[1].reshape(-1).astype(np.int64),
        kinds_of(cells, settings.kinds),
        total,
        known,
        square,
        sigma,
        _lower(amounts, settings.correlation),
    )
    return arrays, tuple(notes)


def _lower(amounts: tuple[str, ...], correlation: Mapping[tuple[str, str], float]) -> Floats:
    """Lower factor of the correlation matrix of the amounts that occur."""
    matrix = np.eye(len(AMOUNTS))
    for pair, value in correlation.items():
        if len(pair) != 2 or pair[0] == pair[1] or not set(pair) <= set(AMOUNTS) or not -1.0 < value < 1.0:
            problem = f"{value!r} for {pair!r} is no correlation of two amounts"
            raise EvaluationError("correlation", problem, 'Give e.g. {("charge", "los"): 0.6}')
        a, b = (AMOUNTS.index(name) for name in pair)
        matrix[a, b] = matrix[b, a] = value
    if np.linalg.eigvalsh(matrix).min() <= 1e-9:
        raise EvaluationError("correlation", "the correlations contradict each other", "Give smaller ones")
    at = [AMOUNTS.index(name) for name in amounts]
    return np.asarray(np.linalg.cholesky(matrix[np.ix_(at, at)]), np.float64) if at else np.zeros((0, 0))
