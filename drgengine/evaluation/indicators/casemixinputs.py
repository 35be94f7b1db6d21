"""Results of casemix(), readmissions() and cmi_drift() as inputs of indicators."""

from __future__ import annotations

import pandas as pd

from drgengine.errors import EvaluationError
from drgengine.evaluation.indicators.catalogue import Catalogue, load_catalogue
from drgengine.evaluation.mix.drift import CmiDrift
from drgengine.evaluation.mix.readmission import Readmissions
from drgengine.evaluation.mix.result import CaseMix


def casemix_inputs(
    mix: CaseMix,
    readmissions: Readmissions | None = None,
    drift: CmiDrift | None = None,
    catalogue: Catalogue | None = None,
) -> pd.DataFrame:
    """Units x inputs of table "case_mix", and `discharges` (病例组合指标作为数据项).

    mix : result of casemix(); its units are the rows   readmissions, drift : of the same units, for the readmission
        rates and for coding depth and MCC shares of the current period
    Raises EvaluationError when the units are made of different columns.
    """
    catalogue = load_catalogue() if catalogue is None else catalogue
    known = {name for name, one in catalogue.inputs.items() if one.table == "case_mix"} | {"discharges"}
    found = mix.table[[name for name in mix.table.columns if name in known]].copy()
    if readmissions is not None:
        table = readmissions.table
        units = list(table.index.names[:-2])
        _check_units(units, mix, "readmissions")
        counts = table[["index_stays", "readmissions"]].unstack(["kind", "window"])
        for kind, window in table.index.droplevel(units).unique():
            rows = {f"index_stays_{window}": "index_stays", f"readmissions_{kind}_{window}": "readmissions"}
            for name, column in rows.items():
                if name in known:
                    found[name] = counts[column, kind, window].reindex(found.index)
    if drift is not None:
        _check_units(list(drift.table.index.names), mix, "drift")
        for name in ("coding_depth", "mcc_share", "cc_or_mcc_share"):
            found[name] = drift.table[f"{name}_current"].reindex(found.index)
    return found


def _check_units(names: list[object], mix: CaseMix, place: str) -> None:
    if names != list(mix.by):
        problem = f"its units are made of {', '.join(map(str, names))}, those of the case mix of {', '.join(mix.by)}"
        raise EvaluationError(place, problem, "Compute both by the same columns")
