"""Cost objects (成本核算对象) of case costing: the cases, and what is no case but has cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from drgengine.costing.intake.cells import DIAGNOSIS_SEPARATOR
from drgengine.costing.model import CostModel

if TYPE_CHECKING:
    from drgengine.costing.charges.activity import Activity

KINDS = ("discharged", "in_hospital", "outpatient", "non_patient", "unmatched", "unassigned", "unused_capacity")
"""出院患者, 在院患者, 门急诊, 体检外送, 未匹配, 未分配, 未使用产能."""

KEPT = ("department_id", "physician_id", "status", "los_days", "payment")


def case_objects(model: CostModel, activity: Activity) -> Any:
    """One row per cost object, a pandas DataFrame: cases first, then one row for each further kind.

    Columns case_id, kind, drg, adrg, disease, department_id, physician_id, status, los_days, payment, total_charge. A
    case is in hospital (在院患者) when its discharge_date is missing or after the end of the period. adrg is filled
    with the first three characters of drg, disease (病种) with the first settings.cases.disease_characters of the
    principal diagnosis, total_charge with the sum of the charge lines, where they are missing.
    """
    import pandas as pd

    cases = model.tables["discharges"].reset_index(drop=True)
    count = len(cases)
    end = pd.Timestamp(model.settings.end) + pd.Timedelta(days=1)
    discharged = (pd.to_datetime(cases["discharge_date"]) < end).to_numpy(bool)
    charge = _charges(activity)
    known = _column(cases, "total_charge", "float64").to_numpy(float, na_value=np.nan)
    columns: dict[str, Any] = {
        "case_id": cases["case_id"].astype(object),
        "kind": np.where(discharged, KINDS[0], KINDS[1]),
        "drg": _column(cases, "drg"),
        "adrg": _filled(_column(cases, "adrg"), _column(cases, "drg"), 3),
        "disease": _filled(
            _column(cases, "disease"), _principal(cases, count), model.settings.cases.disease_characters
        ),
        **{name: _column(cases, name, "float64" if name in ("los_days", "payment") else None) for name in KEPT},
        "total_charge": np.where(np.isnan(known), charge[:count], known),
    }
    table = pd.DataFrame(columns)
    further: dict[str, Any] = {name: [None] * len(KINDS[2:]) for name in table.columns}
    for name in ("los_days", "payment"):
        further[name] = np.nan
    further |= {"kind": list(KINDS[2:]), "total_charge": [*charge[count : count + 3], np.nan, np.nan]}
    rest = pd.DataFrame(further).astype(table.dtypes.to_dict())
    return pd.concat([table, rest], ignore_index=True)


def _charges(activity: Activity) -> Any:
    """Charged yuan per object, services and goods."""
    service, goods = activity.service, activity.goods
    objects = activity.n_cases + 3
    return np.bincount(service.object, service.amount, objects) + np.bincount(goods.object, goods.amount, objects)


def _column(cases: Any, name: str, dtype: str | None = None) -> Any:
    """A column, of nothing where the table lacks it."""
    import pandas as pd

    if name not in cases:
        return pd.Series([np.nan if dtype else None] * len(cases), dtype=dtype or object)
    values = cases[name]
    return values.astype(dtype) if dtype else values.astype(object).where(values.notna(), None)


def _filled(values: Any, source: Any, characters: int) -> Any:
    """Values, and the first characters of source where they are missing."""
    return [
        have if have is not None else (text[:characters] if text else None)
        for have, text in zip(values, source, strict=True)
    ]


def _principal(cases: Any, count: int) -> list[str | None]:
    """Principal diagnosis (主要诊断): the first of a list, or of codes with a separator between them."""
    if "dx" not in cases:
        return [None] * count
    answer: list[str | None] = []
    for value in cases["dx"]:
        if isinstance(value, str):
            first = value.partition(DIAGNOSIS_SEPARATOR)[0].strip()
        else:
            first = str(value[0]) if hasattr(value, "__len__") and len(value) else ""
        answer.append(first or None)
    return answer
