"""Draws of readmission counts (再住院例数的抽样), which statistics per DRG do not hold."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from drgengine.evaluation.mix import Readmissions

Floats = npt.NDArray[np.float64]
PRIOR = 0.5
"""Of both sides of the Beta distribution (Jeffreys)."""


def readmission_draws(
    found: Readmissions | None, hospitals: pd.Index, draws: int, seed: tuple[int, int]
) -> dict[str, Floats]:
    """Input readmissions_KIND_WINDOW -> [draws, hospitals]: index stays x rate, the rate drawn from Beta(d + 1/2, n - d
    + 1/2); NaN for a hospital without index stays.

    seed : of the run, and the place of the period, so that periods are drawn independently
    """
    if found is None:
        return {}
    made = {}
    generator = np.random.default_rng([*seed, 0x5EAD])
    table = found.table
    for kind, window in table.index.droplevel("hospital_id").unique():
        part = table.xs((kind, window), level=("kind", "window")).reindex(hospitals)
        n, d = part["index_stays"].to_numpy(np.float64), part["readmissions"].to_numpy(np.float64)
        known = np.isfinite(n) & (n > 0)
        rate = np.full((draws, len(hospitals)), np.nan)
        rate[:, known] = generator.beta(d[known] + PRIOR, n[known] - d[known] + PRIOR, (draws, int(known.sum())))
        made[f"readmissions_{kind}_{window}"] = rate * n
    return made
