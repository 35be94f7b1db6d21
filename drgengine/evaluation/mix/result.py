"""What `casemix` returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from drgengine.evaluation.mix.cellarrays import Cells
from drgengine.evaluation.mix.defaults import defaults
from drgengine.evaluation.mix.expected import Expected
from drgengine.evaluation.mix.groupweights import GroupWeights
from drgengine.evaluation.mix.indices import log_interval, mean_and_error
from drgengine.evaluation.mix.measures import AMOUNTS, over
from drgengine.evaluation.mix.mortality import RiskGroups


@dataclass(frozen=True, slots=True, eq=False)
class CaseMix:
    """Case-mix indices per unit, and how they came about.

    table : one row per unit, see `casemix` for the columns
    flow : counts per unit by reason; discharges = included + long_stay + ambiguous + ungroupable + invalid
    weights : the weights used   without_weight : groups that had cases and no weight (DRG, cases)
    risks : risk group and base mortality of every DRG
    missing_mdcs : MDCs a unit lacks of those expected, per unit, in the order of `table`
    settings : every choice made, with its value   notes : what a reader of the table has to know, in sentences
    cells, expected : the packed cells and the benchmark means behind the table
    """

    by: tuple[str, ...]
    table: pd.DataFrame
    flow: pd.DataFrame
    weights: GroupWeights
    without_weight: pd.DataFrame
    risks: RiskGroups
    missing_mdcs: tuple[tuple[str, ...], ...]
    settings: dict[str, Any]
    notes: tuple[str, ...]
    cells: Cells
    expected: dict[str, Expected] = field(repr=False)

    def cell_table(self, minimum: int | None = None) -> pd.DataFrame:
        """One row per unit and DRG: cases, weight, means, benchmark means, indices with intervals, deaths.

        below_minimum marks cells with fewer cases than `minimum` (default 5): outside the unit they are to be
        suppressed for the privacy of the patients, and they are too few to be read.
        """
        cells = self.cells
        minimum = defaults()["minimum_cases"]["cell"] if minimum is None else minimum
        labels = cells.units.take(cells.unit).to_frame(index=False)
        columns: dict[str, Any] = {name: labels[name].to_numpy() for name in labels.columns}
        columns["mdc"] = np.array(cells.mdc_of, dtype=object)[cells.group]
        columns["adrg"] = np.array(cells.adrgs, dtype=object)[cells.adrg_of][cells.group]
        columns["drg"] = np.array(cells.groups, dtype=object)[cells.group]
        columns["cases"] = cells.counts["cases"]
        columns["weight"] = self.weights.of(cells.groups)[cells.group]
        columns["risk_score"] = np.array([self.risks.score.get(g, np.nan) for g in cells.groups], float)[cells.group]
        for amount, index in zip(AMOUNTS, ("charge_index", "cost_index", "time_index"), strict=True):
            known, total, squares = cells.amount(amount)
            mean, se = mean_and_error(known, total, squares)
            hoped = self.expected[amount].plain
            with np.errstate(invalid="ignore", divide="ignore"):
                ratio, error = mean / hoped, se / hoped
            low, high = log_interval(ratio, error, self.settings["confidence"])
            columns |= {f"mean_{amount}": mean, f"benchmark_{amount}": hoped}
            columns |= {index: ratio, f"{index}_low": low, f"{index}_high": high}
        columns["deaths"] = cells.counts["deaths"]
        columns["mortality"] = over(cells.counts["deaths"], cells.counts["disposition_known"])
        columns["below_minimum"] = cells.counts["cases"] < minimum
        return pd.DataFrame(columns)
