"""Relative weights of groups (相对权重): from the benchmark's own mean charges, or published ones checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from drgengine.errors import EvaluationError
from drgengine.evaluation.mix.cellarrays import Cells, pack_cells
from drgengine.evaluation.mix.measures import Floats
from drgengine.evaluation.mix.unitstatistics import UnitStatistics


@dataclass(frozen=True, slots=True)
class GroupWeights:
    """Weight per group.

    weights : DRG -> weight   source : where they are from   year : of the weights, None when not known
    computed : True when they were computed from the benchmark, so that the mean weight of its cases is 1
    """

    weights: Mapping[str, float]
    source: str = "given"
    year: int | None = None
    computed: bool = field(default=False)

    def of(self, groups: tuple[str, ...]) -> Floats:
        """float64[j], NaN for a group without weight."""
        return np.array([self.weights.get(group, np.nan) for group in groups], dtype=np.float64)


def relative_weights(benchmark: UnitStatistics, of: str = "charge") -> GroupWeights:
    """Weight of a group = its mean charge (or cost) / mean of the benchmark (权重 = 该组例均费用 / 全部病例例均费用).

    of : "charge" or "cost". Groups without a known amount get no weight; the others are scaled so that the sum of
        N_j w_j equals the sum of their N_j, which also holds when some amounts are not known

    >>> import pyarrow as pa
    >>> from drgengine.evaluation.mix import unit_statistics
    >>> cases = {"hospital_id": ["H"] * 3, "drg": ["AA19", "BB19", "BB19"], "total_charge": [40.0, 10.0, 10.0]}
    >>> relative_weights(unit_statistics(pa.table(cases))).weights
    {'AA19': 2.0, 'BB19': 0.5}
    """
    if of not in ("charge", "cost"):
        raise EvaluationError("of", f"{of!r} is no amount weights are made of", 'Say "charge" or "cost"')
    return weights_of_cells(pack_cells(benchmark), of)


def weights_of_cells(cells: Cells, of: str = "charge") -> GroupWeights:
    """relative_weights for packed cells."""
    known, total, _ = cells.amount(of)
    known, total, n = cells.per_group(known), cells.per_group(total), cells.per_group(cells.n)
    some = known > 0
    mean = total[some] / known[some]
    scale = float(np.sum(n[some] * mean) / np.sum(n[some])) if some.any() else np.nan
    codes = [group for group, has in zip(cells.groups, some, strict=True) if has]
    source = f"mean {of} of the benchmark, {len(codes)} groups, {int(n[some].sum())} cases"
    return GroupWeights(dict(zip(codes, (mean / scale).tolist(), strict=True)), source, computed=True)


def given_weights(weights: Any) -> GroupWeights:
    """Check weights handed in: a mapping DRG -> weight, a pandas Series, GroupWeights, or an object with `.weights`.

    An empty weight (None, NaN) is none. Raises EvaluationError naming the group whose weight is no number from 0.
    """
    mapping: Any
    if isinstance(weights, GroupWeights):
        mapping, source, year, computed = weights.weights, weights.source, weights.year, weights.computed
    else:
        mapping = weights if isinstance(weights, Mapping) else getattr(weights, "weights", None)
        if mapping is None and hasattr(weights, "to_dict"):
            mapping = weights.to_dict()
        source, year, computed = str(getattr(weights, "source", "given")), getattr(weights, "year", None), False
    if not isinstance(mapping, Mapping) or not mapping:
        problem = f"a {type(weights).__name__} holds no weights"
        raise EvaluationError("weights", problem, "Give a mapping from DRG code to weight, or None to compute them")
    checked: dict[str, float] = {}
    for group, weight in mapping.items():
        if not isinstance(group, str):
            raise EvaluationError("weights", f"the code {group!r} is no text", "Give codes as text, as printed")
        if weight is None or weight != weight:
            continue
        number = _number(weight)
        if not (np.isfinite(number) and number >= 0):
            raise EvaluationError(f"weights, group {group}", f"{weight!r} is no number from 0", "Mend or leave it out")
        checked[group] = number
    return GroupWeights(checked, source, year, computed)


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")
