"""Alarm of unusual use (超常预警) of monitored drugs and materials, month on month."""

from __future__ import annotations

import numpy as np
import pandas as pd

from drgengine.errors import EvaluationError
from drgengine.evaluation.indicators.inputtable import as_frame

ROOM = 0.1
ROBUST_FACTOR = 0.6745  # quartile of the normal distribution: makes MAD comparable with a standard deviation


def use_alarms(history: pd.DataFrame, months: int = 12, limit: float = 3.5, fewest: int = 6) -> pd.DataFrame:
    """Compare the use of each month with the months before it (跟踪监控、超常预警), one row per item and month.

    history : months in order x items (drugs, materials, departments): amount, quantity or share; NaN = not known
    months : how many earlier months are looked at; at least `fewest` of them need a value
    z : (x - mean) / standard deviation (n - 1); robust_z : 0.6745 (x - median) / MAD, which an earlier jump does not
    blunt. alarm : robust_z above `limit` (3.5, Iglewicz and Hoaglin 1993), or any rise where the earlier months were
    all alike (MAD 0 and their median exceeded by 10 %); None where there are too few months.

    >>> table = pd.DataFrame({"item": [10.0, 11, 9, 10, 12, 10, 11, 30]})
    >>> found = use_alarms(table)
    >>> found.loc[found["alarm"] == True, ["month", "value"]].values.tolist()
    [[7.0, 30.0]]
    """
    table = as_frame(history, "history")
    if months < fewest or fewest < 2 or not limit > 0:
        problem = f"months {months}, fewest {fewest}, limit {limit}"
        raise EvaluationError("use_alarms", problem, "Take fewest from 2 to months, and a limit above 0")
    rows = []
    for item in table.columns:
        values = table[item].to_numpy(dtype=np.float64)
        for at, value in enumerate(values):
            rows.append(
                [item, table.index[at], value, *_compare(values[max(0, at - months) : at], value, limit, fewest)]
            )
    columns = ["item", "month", "value", "mean", "z", "median", "robust_z", "alarm"]
    return pd.DataFrame(rows, columns=columns).astype({"alarm": object})


def _compare(earlier: np.ndarray, value: float, limit: float, fewest: int) -> list[float | bool | None]:
    known = earlier[~np.isnan(earlier)]
    if known.size < fewest or np.isnan(value):
        return [np.nan, np.nan, np.nan, np.nan, None]
    mean, median = float(known.mean()), float(np.median(known))
    spread, mad = float(known.std(ddof=1)), float(np.median(np.abs(known - median)))
    z = (value - mean) / spread if spread > 0 else np.nan
    if mad == 0:
        return [mean, z, median, np.nan, bool(value > median + ROOM * abs(median))]
    robust = ROBUST_FACTOR * (value - median) / mad
    return [mean, z, median, robust, bool(robust > limit)]
