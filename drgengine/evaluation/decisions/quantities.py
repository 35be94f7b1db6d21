"""The named quantities that formulas of decisions may use (可用数据项)."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

import numpy as np
import pandas as pd

from drgengine.errors import EvaluationError
from drgengine.evaluation.decisions.rulefile import Rule
from drgengine.evaluation.indicators.computing import Indicators
from drgengine.evaluation.indicators.formula import Floats

OWN = ("factor", "base")
_GROUP = {"mean_score": "mean", "median_score": "median", "best_score": "max"}


class Quantities:
    """Columns by name, one value per hospital of the league, NaN = not known.

    A name of several tables is taken of the first: league, scores of the peer group, case mix, inputs, indicators.
    """

    def __init__(self, league: pd.DataFrame, mix: pd.DataFrame, indicators: Indicators) -> None:
        self.units = league.index
        self.now: dict[str, Floats] = {}
        for table in (_numeric(league), _of_group(league), mix, indicators.inputs, indicators.values):
            self._add(self.now, table)
        self.before: dict[str, Floats] = {}
        if "previous_score" in self.now:
            self.before["score"] = self.now["previous_score"]
        if "previous_comparable_score" in self.now:
            self.before["comparable_score"] = self.now["previous_comparable_score"]
        for earlier in (indicators.previous_inputs, indicators.previous):
            if earlier is not None:
                self._add(self.before, earlier)
        self.known = {*self.now, *OWN, *indicators.catalogue.inputs, *indicators.catalogue.indicators}

    def _add(self, place: dict[str, Floats], table: pd.DataFrame) -> None:
        aligned = table.reindex(self.units)
        for name in aligned.columns:
            if name not in place and pd.api.types.is_numeric_dtype(aligned[name].dtype):
                place[str(name)] = aligned[name].to_numpy(dtype=np.float64, na_value=np.nan)

    def of(self, rule: Rule) -> dict[str, Floats]:
        """All of them with the rule's own numbers. Raises EvaluationError for a name that nothing gives."""
        known = {*self.known, *rule.quantities}
        for formula in rule.formulas:
            for name in formula.names:
                if name not in known:
                    near = get_close_matches(name, known, n=1)
                    remedy = f"Did you mean {near[0]}?" if near else f"Add it to [decisions.{rule.kind}.quantities]"
                    raise EvaluationError(f"[decisions.{rule.kind}]", f"no quantity is called {name!r}", remedy)
        own: Mapping[str, Floats] = {name: np.full(len(self.units), value) for name, value in rule.quantities.items()}
        return {**self.now, **own}


def _numeric(league: pd.DataFrame) -> pd.DataFrame:
    """Without truth values, which are no quantities."""
    kept = [n for n in league.columns if pd.api.types.is_numeric_dtype(league[n].dtype) and league[n].dtype != bool]
    return league[kept]


def _of_group(league: pd.DataFrame) -> pd.DataFrame:
    """Mean, median and best score of the peer group, of those that have one."""
    groups = league.groupby("peer_group", sort=False)["score"]
    return pd.DataFrame({name: groups.transform(how) for name, how in _GROUP.items()})
