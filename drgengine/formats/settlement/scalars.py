"""The settlement table itself: one value per settlement."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from drgengine.formats.cleaning import (
    Cleaned,
    clean_charges,
    clean_dates,
    clean_department,
    clean_domain,
    clean_identifier,
    clean_weights,
)
from drgengine.formats.frontpage.stays import read_stay
from drgengine.formats.frontpage.work import Work
from drgengine.formats.profiles import Found
from drgengine.formats.settlement.evidence import without
from drgengine.formats.settlement.joining import Keys, parents_of
from drgengine.formats.settlement.profile import plain_word, settlement_profile
from drgengine.formats.settlement.tables import InputTable

_CLEANERS: dict[str, Callable[[pa.Array, str, int], Cleaned]] = {
    "hospital_id": clean_identifier,
    "record_no": clean_identifier,
    "patient_id": clean_identifier,
    "physician_id": clean_identifier,
    "department_id": clean_department,
    "admission_department_id": clean_department,
    "birth_weight_g": clean_weights,
    "admission_weight_g": clean_weights,
    "total_charge": clean_charges,
    "paid_within_plan": clean_charges,
    "paid_outside_plan": clean_charges,
    "settled_end": clean_dates,
}
_DOMAINS = {
    "sex": "sex",
    "discharge_disposition": "disposition",
    "admission_route": "admission_route",
    "planned_readmission": "yes_no_plan",
}


def beside_settled(table: InputTable, keys: Keys, settled: InputTable, settled_keys: Keys) -> InputTable:
    """The settlement table with the columns it lacks from the table of the platform (SETL_D), by settlement."""
    at = parents_of(keys, settled_keys, np.ones(settled.rows, bool))
    index = pa.array(at, mask=at < 0)
    lacking = [name for name in settled.columns if name not in table.columns and name not in ("setl_id", "mdtrt_id")]
    columns = table.columns | {name: settled.columns[name].take(index) for name in lacking}
    headers = table.headers | {name: settled.shown(name) for name in lacking}
    return InputTable(table.file, table.rows, columns, headers, table.label, table.ragged)


def work_on(table: InputTable) -> Work:
    """The settlement table as one batch, under its headers."""
    arrays = {table.headers[name]: values for name, values in table.columns.items()}
    return Work(pa.RecordBatch.from_arrays(list(arrays.values()), names=list(arrays)), 1)


def read_scalars(work: Work, table: InputTable) -> dict[str, pa.Array]:
    """Columns of FRONT_PAGE_SCHEMA that the settlement table feeds; absent ones are left out.

    Beside them settled_end (结算结束日期), which tells the last settlement of a visit.
    """
    columns = read_stay(work, Found(scalars=dict(table.headers)), settlement_profile()["days_unit"])
    _allow_empty_years(work, table, columns["age_years"])
    for name, clean in _CLEANERS.items():
        values = work.column(table.headers.get(name))
        if values is not None:
            columns[name] = work.take(clean(values, table.headers[name], 1), table.headers[name])
    for name, domain in _DOMAINS.items():
        values = work.column(table.headers.get(name))
        if values is not None:
            columns[name] = work.take(clean_domain(values, table.headers[name], 1, domain), table.headers[name])
    within, outside = columns.pop("paid_within_plan", None), columns.pop("paid_outside_plan", None)
    columns["self_paid"] = _sum(within, outside, work.rows)
    columns["payment"] = _payment(work.column(table.headers.get("insurance")), work.rows)
    for name in ("record_no", "hospital_id"):
        columns.setdefault(name, pa.nulls(work.rows, pa.string()))
    return columns


def _allow_empty_years(work: Work, table: InputTable, years: pa.Array) -> None:
    """The list wants no years below one year, but days: years worked out there are no remark on the list."""
    days = pc.fill_null(table.column("age_days").cast(pa.string()), "")
    infant = np.flatnonzero(np.asarray(pc.and_(pc.equal(pc.fill_null(years, 1), 0), pc.not_equal(days, ""))))
    here = [issue for issue in work.issues if issue.rule == "age_computed"]
    rest = [issue for issue in work.issues if issue.rule != "age_computed"]
    work.issues[:] = [*rest, *without(here, "age_computed", infant)]


def _sum(first: pa.Array | None, second: pa.Array | None, rows: int) -> pa.Array:
    """What the patient pays inside and outside the plan (自付、自费); null only where both are."""
    given = [part for part in (first, second) if part is not None]
    if not given:
        return pa.nulls(rows, pa.float64())
    total = given[0] if len(given) == 1 else pc.add(pc.fill_null(given[0], 0.0), pc.fill_null(given[1], 0.0))
    some = given[0].is_valid() if len(given) == 1 else pc.or_(given[0].is_valid(), given[1].is_valid())
    return pc.if_else(some, total, pa.scalar(None, pa.float64()))


def _payment(insurance: pa.Array | None, rows: int) -> pa.Array:
    if insurance is None:
        return pa.nulls(rows, pa.string())
    encoded = insurance.cast(pa.string()).dictionary_encode()
    known = settlement_profile()["payment"]
    return pa.array([known.get(plain_word(text)) for text in encoded.dictionary.to_pylist()], pa.string()).take(
        encoded.indices
    )
