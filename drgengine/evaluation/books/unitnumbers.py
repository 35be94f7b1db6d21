"""Units of statistics as numbers: labels per column, cases per unit, and the same statistics under new labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from drgengine.evaluation.books.suppression import Ints
from drgengine.evaluation.mix.measures import MISSING_UNIT, Floats
from drgengine.evaluation.mix.unitstatistics import UnitStatistics

UNIT = "physician_id"
"""One column stands for the whole unit: texts of several columns take many times as long to sort."""


@dataclass(frozen=True, slots=True, eq=False)
class Units:
    """Units u and the rows of the cells that belong to them.

    labels : one column per part of the unit, in sorted order   of_row : int64[rows of the cells]
    cases : int64[u], included cases
    """

    labels: pd.DataFrame
    of_row: Ints
    cases: Ints


def units_of(statistics: UnitStatistics) -> Units:
    """The units of statistics."""
    numbers, sizes = [], []
    texts = []
    for name in statistics.by:
        column = pc.fill_null(statistics.cells[name].cast(pa.string()), MISSING_UNIT).combine_chunks()
        encoded = column.dictionary_encode()
        order = pc.sort_indices(encoded.dictionary).to_numpy()
        rank = np.empty(order.size, np.int64)
        rank[order] = np.arange(order.size)
        texts.append(np.array(encoded.dictionary.to_pylist(), dtype=object)[order])
        numbers.append(rank[encoded.indices.to_numpy()])
        sizes.append(max(order.size, 1))
    whole = np.zeros(len(statistics.cells), np.int64)
    for number, size in zip(numbers, sizes, strict=True):
        whole = whole * size + number
    distinct, of_row = np.unique(whole, return_inverse=True)
    columns, rest = {}, distinct
    for name, size, known in reversed(list(zip(statistics.by, sizes, texts, strict=True))):
        columns[name] = known[rest % size] if known.size else np.empty(0, object)
        rest = rest // size
    labels = pd.DataFrame({name: columns[name] for name in statistics.by}, dtype=object)
    included = pc.equal(statistics.cells["inclusion"], "included").to_numpy()
    cases = np.where(included, statistics.cells["cases"].to_numpy(), 0)
    total = np.bincount(of_row, weights=cases, minlength=len(labels)).astype(np.int64)
    return Units(labels, of_row.astype(np.int64), total)


def relabelled(statistics: UnitStatistics, units: Units, number: Ints) -> UnitStatistics:
    """The statistics of the units under new numbers, int64[u]; units of one number become one. -1 is left out."""
    rows = number[units.of_row]
    names = pa.array([f"{n:09d}" for n in range(int(number.max(initial=-1)) + 1)], pa.string())
    cells = statistics.cells.drop_columns(list(statistics.by_outside_groups))
    column = pc.take(names, pa.array(np.maximum(rows, 0))) if len(names) else pa.nulls(len(rows), pa.string())
    cells = cells.append_column(UNIT, column)
    return replace(statistics, by=(UNIT,), cells=cells.filter(pa.array(rows >= 0)))


def weight_of_units(statistics: UnitStatistics, units: Units, weights: Mapping[str, float]) -> Floats:
    """float64[u], total weight of the included cases whose group has a weight."""
    table = statistics.cells
    encoded = pc.fill_null(table["drg"].cast(pa.string()), "").combine_chunks().dictionary_encode()
    weight = np.array([weights.get(code, np.nan) for code in encoded.dictionary.to_pylist()], np.float64)
    included = pc.equal(table["inclusion"], "included").to_numpy()
    cases = np.where(included, table["cases"].to_numpy(), 0).astype(np.float64)
    value = cases * np.nan_to_num(weight[encoded.indices.to_numpy()] if weight.size else cases)
    return np.bincount(units.of_row, weights=value, minlength=len(units.labels)).astype(np.float64)
