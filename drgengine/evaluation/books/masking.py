"""Numbers instead of the codes of physicians (医师脱敏): P001 is the one of most weight in the hospital."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa

from drgengine.errors import EvaluationError
from drgengine.evaluation.mix.measures import MISSING_UNIT, Floats
from drgengine.evaluation.mix.unitstatistics import UnitStatistics

MOST_SHARED = 0.2
"""Share of the physicians of a table whose code may be that of a department of their hospital, as codes may be short
numbers in both; above it the department column holds physicians, and the number P001 would stand beside its code."""


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


def refuse_same_codes(statistics: UnitStatistics) -> None:
    """EvaluationError where department codes are physician codes, since departments are shown by their codes."""
    if not {"hospital_id", "department_id", "physician_id"} <= set(statistics.by):
        return
    cells = statistics.cells
    physicians = _pairs(cells.select(["hospital_id", "physician_id"]))
    shared = physicians & _pairs(cells.select(["hospital_id", "department_id"]))
    if len(shared) > MOST_SHARED * len(physicians):
        hospital, code = min(shared)
        problem = (
            f"{len(shared)} of {len(physicians)} physicians have the code of a department, such as {code!r} in "
            f"{hospital}: a table of departments would show who is who though mask_physicians = true"
        )
        remedy = "Put departments into department_id, or leave the column out; or set mask_physicians = false"
        raise EvaluationError("column department_id", problem, remedy)


def _pairs(columns: pa.Table) -> set[tuple[str, str]]:
    """Distinct pairs of codes without those that are missing."""
    plain = columns.cast(pa.schema([(name, pa.string()) for name in columns.column_names]))
    distinct = plain.group_by(plain.column_names, use_threads=False).aggregate([])
    rows = zip(*(distinct[name].to_pylist() for name in plain.column_names), strict=True)
    return {(str(one), str(two)) for one, two in rows if two not in (None, "", MISSING_UNIT)}
