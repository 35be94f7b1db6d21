"""What a reader of the case-mix table has to know, in sentences (指标说明)."""

from __future__ import annotations

from typing import Any

import pandas as pd

from drgengine.evaluation.mix.defaults import defaults
from drgengine.evaluation.mix.groupweights import GroupWeights
from drgengine.evaluation.mix.measures import AMOUNTS
from drgengine.evaluation.mix.unitstatistics import UnitStatistics


def remarks(
    statistics: UnitStatistics,
    table: pd.DataFrame,
    weights: GroupWeights,
    without_weight: pd.DataFrame,
    settings: dict[str, Any],
) -> tuple[str, ...]:
    """Notes on weights, benchmark, risk groups, small units and values that could not be used."""
    notes = [f"Weights: {weights.source}.", f"Indices compare with {settings['benchmark']}."]
    if len(without_weight):
        shown = ", ".join(without_weight["drg"].head(5))
        notes.append(
            f"{len(without_weight)} groups with {int(without_weight['cases'].sum())} cases have no weight and stay out "
            f"of total_weight and cmi: {shown}{' ...' if len(without_weight) > 5 else ''}."
        )
    notes += _years(statistics, weights)
    if settings["risk_basis"] == "the same data":
        notes.append(
            "Risk groups come from the same data whose deaths are counted, so groups without a death have none by "
            "construction; give base= an earlier period for an assessment."
        )
    minimum = defaults()["mortality"]["rankable_expected_deaths"]
    few = int((table["low_risk_expected_deaths"] < minimum).sum())
    if few:
        notes.append(f"{few} units expect fewer than {minimum:g} deaths in the low-risk group: not to be ranked by it.")
    small = int(table["below_minimum"].sum())
    if small:
        notes.append(f"{small} units have fewer than {settings['minimum']} cases: flagged, not to be ranked.")
    lacking = [amount for amount in AMOUNTS if amount not in statistics.squares]
    if lacking:
        notes.append(f"No sums of squares of {', '.join(lacking)}: no standard errors for these.")
    notes += [f"{count} values of {column} could not be used." for column, count in statistics.unusable.items()]
    return tuple(notes)


def _years(statistics: UnitStatistics, weights: GroupWeights) -> list[str]:
    if weights.year is None or statistics.period is None:
        return []
    first, last = statistics.period[0].year, statistics.period[1].year
    if first <= weights.year <= last:
        return []
    years = str(first) if first == last else f"{first}-{last}"
    return [f"The weights are of {weights.year}, the cases of {years}: groups and costs may have changed in between."]
