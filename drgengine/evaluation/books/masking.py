"""Numbers instead of the codes of physicians (医师脱敏): P001 is the one of most weight in the hospital."""

from __future__ import annotations

import numpy as np
import pandas as pd

from drgengine.evaluation.mix.measures import MISSING_UNIT, Floats


def masked_names(hospital: pd.Series, physician: pd.Series, weight: Floats, masked: bool = True) -> pd.Series:
    """What each row's physician is called, the same in all rows of a hospital; ties by code.

    hospital, physician : codes, one row per physician and department   weight : total weight of the row
    masked : False leaves the codes. Discharges without a physician stay (missing)

    >>> names = masked_names(pd.Series(["H", "H", "H"]), pd.Series(["x", "y", "x"]), np.array([1.0, 3.0, 4.0]))
    >>> names.to_list()
    ['P001', 'P002', 'P001']
    """
    if not masked:
        return physician.astype(object)
    frame = pd.DataFrame({"hospital": hospital.to_numpy(), "physician": physician.to_numpy(), "weight": weight})
    totals = frame.groupby(["hospital", "physician"], sort=True, as_index=False)["weight"].sum()
    totals = totals[totals["physician"] != MISSING_UNIT]
    ordered = totals.sort_values(["hospital", "weight", "physician"], ascending=[True, False, True], kind="stable")
    number = ordered.groupby("hospital").cumcount() + 1
    names = pd.Series(
        [f"P{n:03d}" for n in number], index=pd.MultiIndex.from_frame(ordered[["hospital", "physician"]]), dtype=object
    )
    found = names.reindex(pd.MultiIndex.from_frame(frame[["hospital", "physician"]])).to_numpy(dtype=object)
    missing = (frame["physician"] == MISSING_UNIT).to_numpy()
    return pd.Series(np.where(missing, MISSING_UNIT, found), index=physician.index, dtype=object)
