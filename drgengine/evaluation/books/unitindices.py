"""Indices of departments and physicians, this period and the one before, under the same weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from drgengine.evaluation.books.suppression import Bools, Ints, hidden_rows
from drgengine.evaluation.books.unitnumbers import Units, relabelled
from drgengine.evaluation.mix.compute import casemix
from drgengine.evaluation.mix.groupweights import GroupWeights
from drgengine.evaluation.mix.mortality import RiskGroups
from drgengine.evaluation.mix.unitstatistics import UnitStatistics
from drgengine.evaluation.plan.settings import MixSettings

SHOWN = (
    *("cases", "total_weight", "cmi", "drg_count"),
    *("charge_index", "charge_index_low", "charge_index_high"),
    *("time_index", "time_index_low", "time_index_high"),
    *("cost_index", "high_weight_share", "low_risk_cases", "low_risk_deaths", "low_risk_mortality"),
)
COMPARED = ("cmi", "charge_index")
_LOW_RISK = ["low_risk_cases", "low_risk_deaths", "low_risk_mortality"]


@dataclass(frozen=True, slots=True, eq=False)
class Method:
    """What all tables of the books share."""

    weights: GroupWeights
    risks: RiskGroups | None
    settings: MixSettings
    smallest: int

    def table(self, statistics: UnitStatistics) -> pd.DataFrame:
        """The columns of SHOWN per unit, in the order of its numbers."""
        found = casemix(
            statistics,
            statistics.by,
            self.weights,
            base=self.risks,
            shrinkage=self.settings.shrinkage,
            low_risk_scores=self.settings.low_risk_scores,
            rarefaction=1,
        ).table
        return found[list(SHOWN)].reset_index(drop=True).astype(dict.fromkeys(_LOW_RISK, np.float64))


def indices_of(method: Method, statistics: UnitStatistics, units: Units, number: Ints) -> pd.DataFrame:
    """Indices of the units under their new numbers 0..n-1, -1 = left out."""
    if int(number.max(initial=-1)) < 0:
        return pd.DataFrame(columns=list(SHOWN), dtype=np.float64)
    return method.table(relabelled(statistics, units, number))


def hide_rates(table: pd.DataFrame, group: Ints, smallest: int, above: Bools | None = None) -> pd.DataFrame:
    """Low-risk deaths of fewer than `smallest` low-risk cases are left out, and what would give them away.

    above : bool per row, whether the row this one is a part of is hidden (the department of a physician): then it is
        hidden too, whatever its size, as the sum of the parts would be the whole
    """
    counts = table["low_risk_cases"].to_numpy(np.int64)
    some = counts > 0
    hidden = np.zeros(len(table), np.bool_) if above is None else above.copy()
    hidden[some] |= hidden_rows(counts[some], group[some], smallest)
    table.loc[hidden, _LOW_RISK] = np.nan
    return table


def add_previous(table: pd.DataFrame, before: pd.DataFrame | None, smallest: int) -> pd.DataFrame:
    """Previous values and changes of COMPARED; NaN where the unit had too few cases to be shown.

    before : rows of the same order, NaN where the unit is new
    """
    for name in COMPARED:
        earlier = pd.Series(np.nan, index=table.index)
        if before is not None:
            earlier = before[name].where(before["cases"] >= smallest)
        table[f"previous_{name}"] = earlier
        table[f"{name}_change"] = table[name] - earlier
    return table
