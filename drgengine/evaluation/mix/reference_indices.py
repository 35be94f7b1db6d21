"""The indices as one would compute them case by case with plain Python numbers, no sums of squares, no cells."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any


def reference_indices(
    cases: Iterable[Mapping[str, Any]], weights: Mapping[str, float] | None = None
) -> dict[str, dict[str, float]]:
    """Indices per unit of grouped cases with unit, drg, charge (> 0); the benchmark is all of them.

    weights : DRG -> weight; None = mean charge of the group / mean charge of all

    >>> cases = [{"unit": "H1", "drg": "A", "charge": 3.0}, {"unit": "H2", "drg": "A", "charge": 1.0}]
    >>> found = reference_indices(cases)
    >>> found["H1"]["charge_index"], found["H2"]["cmi"]
    (1.5, 1.0)
    """
    table = list(cases)
    means = {drg: _mean([c["charge"] for c in table if c["drg"] == drg]) for drg in {c["drg"] for c in table}}
    overall = _mean([c["charge"] for c in table])
    if weights is None:
        weights = {drg: mean / overall for drg, mean in means.items()}
    result: dict[str, dict[str, float]] = {}
    for unit in {case["unit"] for case in table}:
        own = [case for case in table if case["unit"] == unit]
        ratios = [case["charge"] / means[case["drg"]] for case in own]
        n, index = len(own), _mean(ratios)
        observed, hoped = sum(case["charge"] for case in own), sum(means[case["drg"]] for case in own)
        oe = observed / hoped
        residual = sum((case["charge"] - oe * means[case["drg"]]) ** 2 for case in own)
        spread = sum((ratio - index) ** 2 for ratio in ratios)
        result[unit] = {
            "cases": n,
            "drg_count": len({case["drg"] for case in own}),
            "total_weight": sum(weights[case["drg"]] for case in own),
            "cmi": sum(weights[case["drg"]] for case in own) / n,
            "charge_index": index,
            "charge_index_se": math.sqrt(spread / (n * (n - 1))) if n > 1 else math.nan,
            "charge_index_oe": oe,
            "charge_index_oe_se": math.sqrt(n / (n - 1) * residual) / hoped if n > 1 else math.nan,
        }
    return result


def _mean(values: list[float]) -> float:
    return math.fsum(values) / len(values)
