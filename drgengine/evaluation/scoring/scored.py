"""What every scoring method hands back: score, rank, where the score comes from, what was missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import pandas as pd


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Scored:
    """Scores of units by one method. Arrays in give arrays out; tables in give Series and DataFrames with the labels.

    method : name of the method and variant; parameters : settings it ran with
    score : [n], larger is better, NaN for an excluded unit
    rank : [n], 1 = best, ties share the best place; NaN for an excluded unit
    contributions : [n, m], share of each indicator in the score; rows add up to the score (each class says of what)
    weights : [m], sum 1
    coverage : [n], share of the weights (0..1) whose indicator had a value of the unit's own
    excluded : unit -> why it has no score
    warnings : what a reader should know, such as an indicator that does not vary
    """

    method: str
    parameters: Mapping[str, Any]
    score: Any
    rank: Any
    contributions: Any
    weights: Any
    coverage: Any
    excluded: Mapping[Any, str]
    warnings: tuple[str, ...]

    def with_warnings(self, words: tuple[str, ...]) -> Self:
        """The same result with further warnings."""
        return replace(self, warnings=self.warnings + words) if words else self

    @property
    def table(self) -> pd.DataFrame:
        """One row per unit: score, rank, coverage, reason (why there is no score, else empty)."""
        index = self.score.index if isinstance(self.score, pd.Series) else pd.RangeIndex(len(self.score))
        columns = {"score": self.score, "rank": self.rank, "coverage": self.coverage}
        table = pd.DataFrame({name: np.asarray(values) for name, values in columns.items()}, index=index)
        table["reason"] = [self.excluded.get(unit, "") for unit in index]
        return table
