"""The inclusion flow (纳入流程): every discharge is counted once, as included or with the reason why it is not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa

from drgengine.evaluation.mix.cellarrays import Cells, unit_index
from drgengine.evaluation.mix.measures import INCLUSIONS, Floats
from drgengine.evaluation.mix.unitstatistics import UnitStatistics


def flow_table(statistics: UnitStatistics, cells: Cells, weight: Floats, charge: Floats) -> pd.DataFrame:
    """Counts per unit: discharges = included + long_stay + ambiguous + ungroupable + invalid; and what is lacking.

    weight : float64[j], NaN = no weight   charge : float64[c], expected charge, NaN = no benchmark
    Columns named included_without_* are parts of `included`; a case may stand in several of them.
    """
    own, _ = unit_index(statistics.cells, statistics.by)
    names = statistics.cells["inclusion"]
    count = statistics.cells["cases"].to_numpy()
    table: dict[str, np.ndarray] = {"discharges": _added(own, count, len(cells.units))}
    for name in INCLUSIONS:
        chosen = pa.compute.equal(names, name).to_numpy()
        table[name] = _added(own, np.where(chosen, count, 0), len(cells.units))
    n = cells.counts["cases"]
    lacking = {
        "charge": n - cells.counts["charge_known"],
        "cost": n - cells.counts["cost_known"],
        "stay": n - cells.counts["los_known"],
        "disposition": n - cells.counts["disposition_known"],
        "weight": np.where(np.isnan(weight[cells.group]), n, 0),
        "benchmark": np.where(np.isnan(charge), cells.counts["charge_known"], 0),
    }
    for name, values in lacking.items():
        table[f"included_without_{name}"] = _added(cells.unit, values, len(cells.units))
    return pd.DataFrame(table, index=cells.units)


def grouping_rate(flow: pd.DataFrame) -> Floats:
    """Grouped cases / all discharges (入组率); a stay that is too long to be included was grouped all the same."""
    grouped = (flow["included"] + flow["long_stay"]).to_numpy(dtype=float)
    return grouped / flow["discharges"].to_numpy(dtype=float)


def _added(unit: np.ndarray, values: np.ndarray, units: int) -> np.ndarray:
    result = np.zeros(units, np.int64)
    np.add.at(result, unit, values)
    return result
