"""The same department of peer hospitals (同级同类医院同科室): medians without the hospital itself."""

from __future__ import annotations

import numpy as np
import pandas as pd

from drgengine.evaluation.mix.measures import Floats

FEWEST = 2
"""Peers below which nothing is compared."""


def median_of_others(values: Floats) -> tuple[Floats, Floats]:
    """For each entry the median of the other ones and how many they are; NaN is no value of a peer.

    >>> median, others = median_of_others(np.array([1.0, 2.0, 4.0, np.nan]))
    >>> median.tolist(), others.tolist()
    ([3.0, 2.5, 1.5, 2.0], [2.0, 2.0, 2.0, 3.0])
    """
    known = np.flatnonzero(~np.isnan(values))
    order = known[np.argsort(values[known], kind="stable")]
    ranked = values[order]
    count = ranked.size
    others = np.full(values.size, float(count))
    others[known] -= 1.0
    result = np.full(values.size, np.median(ranked) if count else np.nan)
    if count < 2:
        result[known] = np.nan
        return result, others
    place = np.arange(count)
    low, high = (count - 2) // 2, (count - 1) // 2
    # Position k among the others is position k, or k + 1 from the own place on.
    result[order] = (ranked[low + (place <= low)] + ranked[high + (place <= high)]) / 2.0
    return result, others


def beside_peers(table: pd.DataFrame, columns: tuple[str, ...], usable: pd.Series) -> pd.DataFrame:
    """Columns `peers` and peer_NAME for the rows of a table with peer_group and department_id.

    usable : bool per row, whether it may serve as a peer. Medians of fewer than 2 peers are NaN
    """
    found = pd.DataFrame(np.nan, index=table.index, columns=["peers", *(f"peer_{name}" for name in columns)])
    groups = table.groupby(["peer_group", "department_id"], sort=False).indices
    data = {name: table[name].to_numpy(np.float64) for name in columns}
    serving = usable.to_numpy()
    out = {name: found[name].to_numpy().copy() for name in found.columns}
    for rows in groups.values():
        served = serving[rows]
        out["peers"][rows] = served.sum() - served
        for name in columns:
            median, others = median_of_others(np.where(served, data[name][rows], np.nan))
            out[f"peer_{name}"][rows] = np.where(others >= FEWEST, median, np.nan)
    return pd.DataFrame(out, index=table.index)
