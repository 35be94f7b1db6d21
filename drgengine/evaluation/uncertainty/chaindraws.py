"""Bootstrap of the whole case-mix chain (病例组合全链条自助法) from statistics per unit and DRG, no single cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from drgengine.errors import EvaluationError
from drgengine.evaluation.frontier.solve import run_in_threads
from drgengine.evaluation.mix.measures import Floats
from drgengine.evaluation.mix.unitstatistics import UnitStatistics
from drgengine.evaluation.uncertainty.chainpack import CORRELATION, ChainSettings, Packed, pack
from drgengine.evaluation.uncertainty.onedraw import ALL_COLUMNS, Bench, varying_names

Mix = Literal["fixed", "drawn"]
BLOCK = 16  # draws per task
_METHOD = {
    "fixed": "cases per unit and DRG kept",
    "drawn": "cases per unit and DRG drawn from Poisson distributions",
}
_METHOD_ZH = {"fixed": "各单位各DRG例数固定", "drawn": "各单位各DRG例数按泊松分布抽取"}


@dataclass(frozen=True, slots=True, eq=False)
class ChainDraws:
    """Draws of the case-mix chain.

    units : index of the units, as in casemix().table
    columns : name as in casemix().table -> float64[draws, units]; columns that a draw does not change are the same
        number in all draws, without taking memory
    observed : name -> float64[units], the same computation without any noise; equal to casemix()
    seed, draws, mix : how they came about   method_text, method_text_zh : the same in words
    notes, notes_zh : what a reader has to know   previous : draws of the previous period, or None
    """

    units: pd.Index
    columns: Mapping[str, Floats]
    observed: Mapping[str, Floats]
    seed: int
    draws: int
    mix: Mix
    method_text: str
    method_text_zh: str
    notes: tuple[str, ...]
    notes_zh: tuple[str, ...]
    previous: ChainDraws | None = field(default=None, repr=False)

    def interval(self, column: str, level: float = 0.95) -> pd.DataFrame:
        """Observed value and percentile interval of one column per unit; NaN where no draw has a value."""
        if column not in self.columns:
            raise EvaluationError("column", f"{column!r} was not drawn", f"Drawn: {', '.join(self.columns)}")
        draws = np.sort(self.columns[column], axis=0)
        tail = (1.0 - level) / 2.0
        known = np.isfinite(draws).all(axis=0)
        low, high = np.full((2, len(self.units)), np.nan)
        if known.any():
            low[known], high[known] = np.quantile(draws[:, known], [tail, 1.0 - tail], axis=0)
        return pd.DataFrame({"value": self.observed[column], "low": low, "high": high}, index=self.units)


def bootstrap_chain(
    current: UnitStatistics,
    *,
    weights: Any = None,
    risks: Any = None,
    mix: Mix = "fixed",
    draws: int = 1000,
    seed: int = 1,
    benchmark: Any = None,
    shrinkage: float | None = None,
    leave_one_out: bool = False,
    low_risk_scores: Sequence[int] | None = None,
    kinds: Mapping[str, str] | None = None,
    expected_mdcs: Sequence[str] | None = None,
    mdc_threshold: int = 1,
    correlation: Mapping[tuple[str, str], float] | None = None,
    columns: Sequence[str] | None = None,
    previous: UnitStatistics | None = None,
    previous_risks: Any = None,
    threads: int | None = None,
) -> ChainDraws:
    """Draw the whole chain anew: sums of cells, benchmark means, weights, indices, deaths (全链条自助法).

    current : statistics per unit and DRG   weights : as in casemix(); None = computed anew in every draw, unless the
        benchmark is of other statistics; given ones stay as they are   risks : risk groups, statistics of a base period
        or mortality per DRG (casemix's `base`); the classification and the base mortality are not drawn
    mix : "fixed" - the cases of a cell are kept; "drawn" - they are Poisson draws. Groups a unit did not meet are not
        met in any draw, so drawn numbers of DRGs lie below the observed ones
    benchmark, shrinkage, leave_one_out, low_risk_scores, kinds, expected_mdcs, mdc_threshold : as in casemix(); a given
        benchmark is not drawn
    correlation : of the sums of a cell, ("charge", "cost" or "los" pairs) -> number; default 0.8 charge-cost, 0.6
        charge-stay and cost-stay: a setting, no estimate, as statistics hold no cross products
    columns : those to keep; default all   previous : statistics of the previous period, drawn independently, with the
        weights of the same draw of the current period and their own benchmark where none is given
    previous_risks : as `risks`, for the deaths of the previous period; None = `risks`. Take groups that another period
        made than the one whose deaths are counted
    threads : default all cores, without effect on the numbers

    Sums of charge, cost and stay of a cell are log-normal with the observed sum as mean and variance n s2; s2 is the
    variance of single cases, see spread.square_variation for small cells. Deaths: see deathdraws.Deaths.draw. Cases
    are taken to be independent within a cell. The same seed gives the same numbers with any number of threads.

    Raises EvaluationError: an unknown option or column, no included case, and as casemix().

    >>> from drgengine.evaluation.mix import statistics_of_table
    >>> table = pd.DataFrame({"hospital_id": ["H1", "H1", "H2"], "drg": ["FB19", "FR25", "FR25"],
    ...     "cases": [40, 60, 100], "charge_mean": [9e3, 1e3, 1e3], "charge_sumsq": [4e9, 9e7, 1.6e8]})
    >>> found = bootstrap_chain(statistics_of_table(table), draws=200)
    >>> found.interval("cmi").round(2).values.tolist()
    [[1.62, 1.56, 1.67], [0.38, 0.33, 0.44]]
    """
    if mix not in _METHOD:
        raise EvaluationError("mix", f"{mix!r} is not known", 'Say "fixed" or "drawn"')
    if draws < 1 or seed < 0:
        raise EvaluationError(
            "draws, seed", f"{draws} draws with seed {seed}", "Give at least 1 draw and a seed from 0"
        )
    settings = ChainSettings(
        weights, benchmark, risks, shrinkage, leave_one_out, low_risk_scores, kinds, expected_mdcs, mdc_threshold,
        CORRELATION if correlation is None else correlation,
    )  # fmt: skip
    _check_columns(columns)
    now = _Period(pack(current, settings), mix, draws, seed, 0, columns)
    earlier = settings if previous_risks is None else replace(settings, risks=previous_risks)
    before = None if previous is None else _Period(pack(previous, earlier), mix, draws, seed, 1, columns)
    if before is not None:
        before.take_weights_of(now)
    now.run(threads)
    if before is not None:
        before.run(threads)
    return now.result(None if before is None else before.result(None))


class _Period:
    """The draws of one period."""

    def __init__(
        self, packed: Packed, mix: Mix, draws: int, seed: int, stream: int, columns: Sequence[str] | None
    ) -> None:
        self.packed, self.mix, self.draws, self.seed, self.stream = packed, mix, draws, seed, stream
        self.names = [name for name in ALL_COLUMNS if columns is None or name in columns]
        varying = varying_names(packed, mix == "drawn")
        shape = (draws, len(packed.cells.units))
        self.drawn = {name: np.empty(shape) for name in self.names if name in varying}
        self.weights_kept: Floats | None = None
        self.weights_from: tuple[_Period, np.ndarray] | None = None

    def take_weights_of(self, other: _Period) -> None:
        """Use the other period's weights of the same draw; its given weights were given to both."""
        if other.packed.weight is not None:
            return
        other.weights_kept = np.empty((self.draws, len(other.packed.cells.groups)))
        place = {group: at for at, group in enumerate(other.packed.cells.groups)}
        at = np.array([place.get(group, -1) for group in self.packed.cells.groups], np.int64)
        self.weights_from = other, at

    def run(self, threads: int | None) -> None:
        """Fill all draws."""
        bench = Bench(self.packed)
        self.counts = bench.counts
        self.observed, self.observed_weight = bench.observed(self._weight_of(None))
        if self.drawn or self.weights_kept is not None:
            run_in_threads(self._block, self.draws, BLOCK, threads)

    def _weight_of(self, draw: int | None) -> Floats | None:
        if self.weights_from is None:
            return None
        other, at = self.weights_from
        kept = other.weights_kept
        assert kept is not None
        given = other.observed_weight if draw is None else kept[draw]
        return np.append(given, np.nan)[at]

    def _block(self, first: int) -> None:
        bench = Bench(self.packed, self.counts)
        for draw in range(first, min(first + BLOCK, self.draws)):
            sequence = np.random.SeedSequence(self.seed, spawn_key=(self.stream, draw))
            rng = np.random.Generator(np.random.SFC64(sequence))
            found = bench.draw(rng, self.mix == "drawn", self._weight_of(draw))
            for name, room in self.drawn.items():
                room[draw] = found[name]
            if self.weights_kept is not None:
                self.weights_kept[draw] = bench.groups.weight

    def result(self, previous: ChainDraws | None) -> ChainDraws:
        shape = (self.draws, len(self.packed.cells.units))
        columns = {
            name: self.drawn[name] if name in self.drawn else np.broadcast_to(self.observed[name], shape)
            for name in self.names
        }
        observed = {name: self.observed[name] for name in self.names}
        text, zh = self._words()
        notes = self.packed.notes
        return ChainDraws(
            self.packed.cells.units, columns, observed, self.seed, self.draws, self.mix, text, zh,
            tuple(en for _, en in notes), tuple(zh for zh, _ in notes), previous,
        )  # fmt: skip

    def _words(self) -> tuple[str, str]:
        anew = self.packed.weight is None and self.weights_from is None
        weights = "weights computed anew in each draw" if anew else "weights as given"
        if self.weights_from is not None:
            weights = "weights of the same draw of the current period"
        text = (
            f"{self.draws} parametric bootstrap draws (seed {self.seed}) of the chain from statistics per unit and "
            f"DRG: {_METHOD[self.mix]}; log-normal sums with the variance of the cases; Gamma deaths by risk score; "
            f"{weights}."
        )
        weights_zh = "权重每次重算" if anew else "权重取同次抽样的本期权重" if self.weights_from else "权重给定不变"
        zh = (
            f"按单位×DRG充分统计量对全链条作参数自助抽样{self.draws}次（种子{self.seed}）：{_METHOD_ZH[self.mix]}；"
            f"费用、成本、住院日合计服从对数正态分布，方差取病例方差；死亡例数按风险等级作伽马抽样；{weights_zh}。"
        )
        return text, zh


def _check_columns(columns: Sequence[str] | None) -> None:
    wrong = next((name for name in columns or () if name not in ALL_COLUMNS), None)
    if wrong is not None:
        raise EvaluationError("columns", f"{wrong!r} is not drawn", f"Known: {', '.join(ALL_COLUMNS)}")
