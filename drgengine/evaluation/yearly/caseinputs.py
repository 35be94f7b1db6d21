"""Inputs of indicators that the discharges themselves give, joined with the given ones (病例数据项与填报数据项)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from drgengine.evaluation.indicators import Catalogue, casemix_inputs
from drgengine.evaluation.mix import CaseMix, CmiDrift, Readmissions, UnitStatistics
from drgengine.evaluation.plan.settings import Period

ENOUGH_KNOWN = 0.99
"""Share of discharges whose charge or stay must be known for their sum to be an input."""
SAME = 0.005
"""Relative difference up to which a given value and one out of cases are the same."""
MISMATCHES = ("hospital_id", "input", "given", "from_cases", "used")


def case_inputs(
    statistics: UnitStatistics,
    mix: CaseMix,
    readmissions: Readmissions | None,
    drift: CmiDrift | None,
    period: Period,
    hospitals: pd.Index,
    catalogue: Catalogue,
) -> pd.DataFrame:
    """Hospitals x inputs: the case mix, discharges, discharged_bed_days, total_charges, days; NaN without discharges.

    discharged_bed_days and total_charges are sums over all discharges, included or not, and need 99 % known values.
    """
    found = casemix_inputs(mix, readmissions, drift, catalogue).reindex(hospitals)
    table = statistics.table.groupby("hospital_id", sort=True)[
        ["cases", "charge_known", "charge_sum", "los_known", "los_sum"]
    ].sum()
    table = table.reindex(hospitals)
    for name, amount in (("discharged_bed_days", "los"), ("total_charges", "charge")):
        enough = table[f"{amount}_known"] >= ENOUGH_KNOWN * table["cases"]
        found[name] = table[f"{amount}_sum"].where(enough & (table[f"{amount}_known"] > 0))
    if not statistics.cells["disposition_known"].to_numpy().any():
        found = found.drop(columns=[c for c in found.columns if c.startswith(("low_risk_", "mid_low_risk_", "deaths"))])
    found["discharges"] = table["cases"]
    found["days"] = float((period.end - period.start).days + 1)
    known = [name for name in found.columns if name in catalogue.inputs]
    return found[known].astype(np.float64)


def join_given(given: pd.DataFrame, cases: pd.DataFrame, catalogue: Catalogue) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Given inputs and those out of cases as one table, and where they differ by more than 0.5 %.

    Case-mix inputs are those of the cases; of others (discharges, bed-days, charges) the given value stays, since the
    cases may be a part of the hospital's work.
    """
    joined = given.copy()
    rows: list[list[Any]] = []
    for name in cases.columns:
        if name not in joined.columns:
            joined[name] = cases[name]
            continue
        mine, theirs = given[name], cases[name]
        from_cases = catalogue.inputs[name].table == "case_mix"
        joined[name] = theirs.combine_first(mine) if from_cases else mine.combine_first(theirs)
        apart = (mine - theirs).abs() > SAME * theirs.abs().clip(lower=1e-12)
        used = "cases" if from_cases else "given"
        rows += [[unit, name, mine[unit], theirs[unit], used] for unit in mine.index[apart.to_numpy()]]
    return joined.copy(), pd.DataFrame(rows, columns=list(MISMATCHES))
