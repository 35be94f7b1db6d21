"""The included cells as plain arrays: one entry per unit and DRG (单元格数组)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from drgengine.errors import EvaluationError
from drgengine.evaluation.mix.measures import COUNTS, MISSING_UNIT, Floats, Ints, amount_sums
from drgengine.evaluation.mix.unitstatistics import UnitStatistics

Index = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """Cells c of units u and groups j; only included discharges.

    units : index of the units, sorted   groups, adrgs : codes   adrg_of : int64[j], ADRG of the group
    mdc_of : MDC per group, None where it is not known
    unit, group : int64[c]   counts : int64 columns of measures.COUNTS, each [c]
    """

    units: pd.Index
    groups: tuple[str, ...]
    adrgs: tuple[str, ...]
    adrg_of: Index
    mdc_of: tuple[str | None, ...]
    unit: Index
    group: Index
    counts: dict[str, Ints]
    squares: frozenset[str]

    @property
    def n(self) -> Floats:
        """Cases per cell."""
        return self.counts["cases"].astype(np.float64)

    def amount(self, name: str) -> tuple[Floats, Floats, Floats]:
        """Known values, sums, sums of squares per cell, of charge, cost (yuan) or los (days)."""
        known, total, squares = amount_sums(self.counts, name)
        return known, total, squares if name in self.squares else np.full(known.shape, np.nan)

    def per_unit(self, values: Any) -> Floats:
        """Sum over the cells of each unit."""
        return np.bincount(self.unit, weights=values, minlength=len(self.units)).astype(np.float64)

    def per_group(self, values: Any) -> Floats:
        """Sum over the cells of each group."""
        return np.bincount(self.group, weights=values, minlength=len(self.groups)).astype(np.float64)


def unit_index(cells: pa.Table, by: Sequence[str]) -> tuple[Index, pd.Index]:
    """Number of the unit of every row, and the units in sorted order; a null label is called (missing)."""
    if not by:
        return np.zeros(len(cells), np.int64), pd.Index(["(all)"], name="unit")
    labels = [pc.fill_null(cells[name].cast(pa.string()), MISSING_UNIT).to_pandas().astype(object) for name in by]
    if len(by) == 1:
        codes, units = pd.factorize(labels[0], sort=True)
        return codes.astype(np.int64), pd.Index(units, name=by[0], dtype=object)
    frame = pd.MultiIndex.from_arrays(labels, names=list(by))
    codes, units = frame.factorize(sort=True)
    return codes.astype(np.int64), units.set_names(list(by))


def pack_cells(statistics: UnitStatistics, units: pd.Index | None = None) -> Cells:
    """Pack the included cells; with `units` (all units of the statistics) also units without an included case appear.

    A DRG that stands under several MDCs or ADRGs is put where most of its cases are.
    """
    by = statistics.by
    if units is None:
        units = unit_index(statistics.cells, by)[1]
    table = statistics.cells.filter(pc.equal(statistics.cells["inclusion"], "included"))
    nameless = pc.sum(pc.is_null(table["drg"])).as_py()
    if nameless:
        raise EvaluationError("column drg", f"{nameless} cells of grouped cases have no DRG", "Group the cases again")
    own, labels = unit_index(table, by)
    place = units.get_indexer(labels) if len(labels) else np.empty(0, np.int64)
    unit = np.asarray(place, np.int64)[own] if len(table) else np.empty(0, np.int64)
    group, groups = pd.factorize(table["drg"].to_pandas().astype(object), sort=True)
    adrgs, adrg_of, mdc_of = _home(table, tuple(groups))
    pair = unit * max(len(groups), 1) + group
    distinct, inverse = np.unique(pair, return_inverse=True)
    counts = {}
    for name in COUNTS:
        column = np.zeros(distinct.size, np.int64)
        np.add.at(column, inverse, table[name].to_numpy())
        counts[name] = column
    unit, group = distinct // max(len(groups), 1), distinct % max(len(groups), 1)
    return Cells(units, tuple(groups), adrgs, adrg_of, mdc_of, unit, group, counts, statistics.squares)


def _home(table: pa.Table, groups: tuple[str, ...]) -> tuple[tuple[str, ...], Index, tuple[str | None, ...]]:
    """ADRG codes, number of the ADRG of every group, MDC of every group: those of most cases."""
    homes = table.group_by(["drg", "adrg", "mdc"], use_threads=False).aggregate([("cases", "sum")])
    most: dict[str, tuple[int, str, str | None]] = {}
    for row in homes.to_pylist():
        home = (row["cases_sum"], row["adrg"] or "", row["mdc"])
        if row["drg"] not in most or (home[0], str(home[1:])) > (most[row["drg"]][0], str(most[row["drg"]][1:])):
            most[row["drg"]] = home
    chosen = [most[group][1:] for group in groups]
    codes = sorted({adrg for adrg, _ in chosen})
    number_of = {code: number for number, code in enumerate(codes)}
    adrg_of = np.array([number_of[adrg] for adrg, _ in chosen], np.int64)
    return tuple(codes), adrg_of, tuple(mdc for _, mdc in chosen)
