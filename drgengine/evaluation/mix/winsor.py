"""Consumption indices with winsorised ratios (缩尾): a second pass over the cases, as quantiles need every ratio."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from drgengine.errors import EvaluationError
from drgengine.evaluation.mix.casecolumns import find_columns, open_cases
from drgengine.evaluation.mix.cellarrays import Cells, unit_index
from drgengine.evaluation.mix.collect import Collector
from drgengine.evaluation.mix.indices import Index, mean_and_error, with_interval
from drgengine.evaluation.mix.measures import AMOUNTS, FEN, Floats

_INDEX_NAMES = {"charge": "charge_index", "cost": "cost_index", "los": "time_index"}


def winsorised_indices(
    cases: Any,
    cells: Cells,
    by: tuple[str, ...],
    expected: dict[str, Floats],
    quantiles: tuple[float, float],
    confidence: float,
    options: dict[str, Any],
) -> tuple[dict[str, Index], dict[str, tuple[float, float]]]:
    """Mean of ratios with the ratios of all units cut at two quantiles (type 7), e.g. P1 and P99.

    cases : a table or path that can be read again   expected : per amount, float64[c] as in indices.mean_of_ratios
    returns the index per amount ("charge_index", "cost_index", "time_index") and the cuts used. Ratios of all included
    cases are held: 12 bytes per case and amount.
    """
    lower, upper = quantiles
    if not 0.0 <= lower < upper <= 1.0:
        raise EvaluationError("winsorise", f"{quantiles!r} are no two rising shares", "Give e.g. (0.01, 0.99)")
    units, ratios = _ratios(cases, cells, by, expected, options)
    indices: dict[str, Index] = {}
    cuts: dict[str, tuple[float, float]] = {}
    for amount in AMOUNTS:
        unit, ratio = units[amount], ratios[amount]
        if not ratio.size:
            continue
        low, high = (float(cut) for cut in np.quantile(ratio, [lower, upper]))
        cut = np.clip(ratio, low, high)
        size = len(cells.units)
        n = np.bincount(unit, minlength=size).astype(np.float64)
        total = np.bincount(unit, weights=cut, minlength=size).astype(np.float64)
        square = np.bincount(unit, weights=cut * cut, minlength=size).astype(np.float64)
        value, se = mean_and_error(n, total, square)
        name = _INDEX_NAMES[amount]
        indices[name] = with_interval(value, se, n, np.zeros(size), confidence)
        cuts[name] = (low, high)
    return indices, cuts


def _ratios(
    cases: Any, cells: Cells, by: tuple[str, ...], expected: dict[str, Floats], options: dict[str, Any]
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    opened = open_cases(cases)
    columns = find_columns(opened.names, by, options["charge"], options["cost"], opened.place)
    collector = Collector(columns, options["max_stay_days"], options["ungroupable"])
    lookup = _CellLookup(cells, collector, by)
    units: dict[str, list[np.ndarray]] = {amount: [np.empty(0, np.int32)] for amount in AMOUNTS}
    ratios: dict[str, list[np.ndarray]] = {amount: [np.empty(0)] for amount in AMOUNTS}
    for batch in opened.batches(columns.needed()):
        keys, values = collector.prepare(batch)
        cell = lookup.cells_of(keys)
        found: dict[str, np.ndarray] = {"charge": values.charge, "cost": values.cost, "los": values.los}
        for amount, number in found.items():
            known = (cell >= 0) & ((number >= 0) if amount == "los" else (number > 0))
            place = cell[known]
            ratio = number[known] / (1.0 if amount == "los" else FEN) / expected[amount][place]
            usable = np.isfinite(ratio)
            units[amount].append(cells.unit[place][usable].astype(np.int32))
            ratios[amount].append(ratio[usable])
    return ({a: np.concatenate(v) for a, v in units.items()}, {a: np.concatenate(v) for a, v in ratios.items()})


class _CellLookup:
    """Cell of every row of a batch, -1 for cases that are not included."""

    def __init__(self, cells: Cells, collector: Collector, by: tuple[str, ...]) -> None:
        self.cells, self.collector, self.by = cells, collector, by
        self.width = max(len(cells.groups), 1)
        self.codes = cells.unit * self.width + cells.group
        self.group_of: dict[str | None, int] = {code: number for number, code in enumerate(cells.groups)}

    def cells_of(self, keys: np.ndarray) -> np.ndarray:
        distinct, inverse = np.unique(keys, axis=0, return_inverse=True)
        texts = self._texts(distinct)
        unit, labels = unit_index(pa.table(texts), self.by)
        unit = self.cells.units.get_indexer(labels)[unit]
        group = np.array([self.group_of.get(code, -1) for code in texts["drg"]], np.int64)
        included = (distinct[:, len(self.collector.units)] == 0) & (group >= 0)
        code = unit * self.width + group
        place = np.minimum(np.searchsorted(self.codes, code), len(self.codes) - 1)
        cell = np.where(included & (self.codes[place] == code), place, -1)
        return cell[inverse.reshape(-1)]

    def _texts(self, distinct: np.ndarray) -> dict[str, list[str | None]]:
        named = self.collector.label_texts()
        return {name: [texts[k] for k in distinct[:, at]] for at, (name, texts) in enumerate(named.items())}
