"""Weights of the indicators in play (指标权重): expert ones, or blended with weights from the data."""

from __future__ import annotations

import numpy as np
import pandas as pd

from drgengine.errors import EvaluationError
from drgengine.evaluation.plan.settings import ScoreSettings
from drgengine.evaluation.scoring import (
    cap_weights,
    combine_weights,
    critic_weights,
    entropy_weights,
    variation_weights,
)

_EPSILON = 1e-4


def indicator_weights(
    expert: pd.Series, directions: pd.Series, values: pd.DataFrame, groups: pd.Series, settings: ScoreSettings
) -> pd.Series:
    """Weights, sum 1, of the indicators of `expert`; the same for both periods.

    expert : weights of the tree   values : current period, hospitals x indicators; gaps are filled by the median of
        the peers, else of all, for the weights only
    With another method than expert the weights from the data are capped at multiples of 1/m and blended as
    expert^share x data^(1 - share). Raises EvaluationError where the data give no weights.
    """
    expert = expert / expert.sum()
    if settings.weights == "expert" or len(expert) == 1:
        return expert
    filled = fill_by_peers(values[list(expert.index)], groups)
    if settings.weights == "entropy":
        found = entropy_weights(filled, directions[expert.index], "minmax", _EPSILON)
    elif settings.weights == "critic":
        found = critic_weights(filled, directions[expert.index])
    else:
        found = variation_weights(filled)
    low, high = (factor / len(expert) for factor in settings.cap)
    try:
        found = cap_weights(found, low, min(high, 1.0))
    except EvaluationError as error:
        raise EvaluationError("[scores], key 'cap'", error.problem, error.remedy) from None
    blended = combine_weights(expert, found, settings.expert_share)
    return pd.Series(blended, index=expert.index)


def fill_by_peers(values: pd.DataFrame, groups: pd.Series) -> pd.DataFrame:
    """Gaps filled by the median of the peers that have a value, else by that of all.

    >>> table = pd.DataFrame({"x": [1.0, 3.0, np.nan]}, index=["A", "B", "C"])
    >>> fill_by_peers(table, pd.Series("g", index=table.index)).x.to_list()
    [1.0, 3.0, 2.0]
    """
    medians = values.groupby(groups.reindex(values.index).to_numpy()).transform("median")
    return values.fillna(medians).fillna(values.median()).astype(np.float64)
