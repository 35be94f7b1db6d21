"""What the model needs of every case, as plain arrays of a few bytes (建模用病例数据)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from drgengine.cases.coerce import read_number, read_sex
from drgengine.cases.vocabulary import role_of
from drgengine.evaluation.adjusted.comorbidity import Comorbidities, SecondaryMasks
from drgengine.evaluation.mix.casecolumns import CHARGE, COST, CaseColumns, OpenCases, find_columns, open_cases
from drgengine.evaluation.mix.cellarrays import unit_index
from drgengine.evaluation.mix.collect import Collector
from drgengine.evaluation.mix.measures import GROUP_COLUMNS, INCLUSIONS

Shorts = npt.NDArray[np.int32]
Small = npt.NDArray[np.int8]
# Why a case is not in the model, in this order; 0 = it is.
REASONS = ("", *INCLUSIONS[1:], "disposition_missing", "age_missing")
_DISPOSITION, _AGE = REASONS.index("disposition_missing"), REASONS.index("age_missing")
_EMERGENCY = ("1", "01", "急诊", "急诊入院")
_EXTRA = ("age_years", "age_days", "sex", "admission_route")
_DAYS = 365.25
_EMPTY: dict[str, Any] = {
    "keys": np.empty((0, 4), np.int32),
    "group": np.empty(0, np.int32),
    "state": np.empty(0, np.int8),
    "died": np.empty(0, np.bool_),
    "age": np.empty(0, np.float32),
    "female": np.empty(0, np.float32),
    "emergency": np.empty(0, np.int8),
    "severity": np.empty(0, np.int8),
    "secondary": np.empty(0, np.int16),
    "comorbid": np.empty(0, np.uint32),
}


@dataclass(frozen=True, slots=True, eq=False)
class CaseValues:
    """One entry per case.

    unit, units : number of the unit, and the units, sorted   group, groups : number of the DRG, and the codes
    state : 0 in the model, else place in REASONS   died : bool
    age : float32 years, days as a fraction   female : float32 1, 0, 0.5 not known   emergency : 1, 0, -1 not known
    severity : 0 none or not asked, 1 CC, 2 MCC   secondary : secondary diagnoses, -1 not known
    comorbid : uint32 masks   columns : canonical columns the table has   unusable : values by column and reason
    """

    unit: Shorts
    units: pd.Index
    group: Shorts
    groups: tuple[str | None, ...]
    state: Small
    died: npt.NDArray[np.bool_]
    age: npt.NDArray[np.float32]
    female: npt.NDArray[np.float32]
    emergency: Small
    severity: Small
    secondary: npt.NDArray[np.int16]
    comorbid: npt.NDArray[np.uint32]
    columns: frozenset[str]
    unusable: dict[str, int]


def read_values(
    cases: Any, by: Sequence[str], groups: Comorbidities, max_stay_days: int | None, ungroupable: str
) -> CaseValues:
    """Read the columns needed, batch by batch; about 30 bytes per case are kept.

    Raises EvaluationError for columns that are missing or unfit, InputFileError for a file that cannot be read.
    """
    opened = open_cases(cases)
    columns = _columns(opened, by, max_stay_days)
    reader = _Reader(columns, groups, Collector(columns, max_stay_days, ungroupable))
    parts: dict[str, list[Any]] = {name: [] for name in _EMPTY}
    for batch in opened.batches(columns.needed()):
        if batch.num_rows:
            for name, values in reader.read(batch).items():
                parts[name].append(values)
    joined = {name: np.concatenate(values) if values else _EMPTY[name] for name, values in parts.items()}
    unit, units = _units(joined.pop("keys"), reader.collector, tuple(by))
    there = set(columns.header) - ({"dx"} if not reader.lists else set())
    return CaseValues(
        unit=unit, units=units, groups=tuple(reader.collector.labels["drg"].texts()), columns=frozenset(there),
        unusable=reader.collector.unusable, **joined,
    )  # fmt: skip


def _columns(opened: OpenCases, by: Sequence[str], max_stay_days: int | None) -> CaseColumns:
    found = find_columns(opened.names, by, CHARGE, COST, opened.place)
    outside = [name for name in by if name not in GROUP_COLUMNS]
    kept = ["drg", "status", "severity", "discharge_disposition", "dx", *outside]
    kept += ["mdc", "adrg"] if set(by) & {"mdc", "adrg"} else []
    kept += ["los_days", "admission_date", "discharge_date"] if max_stay_days is not None else []
    header = {name: found.header[name] for name in kept if name in found.header}
    for name in opened.names:
        role = role_of(name)
        canonical = name if name in _EXTRA else role.name if role is not None and role.part == "" else ""
        if canonical in _EXTRA and (canonical not in header or name == canonical):
            header[canonical] = name
    return CaseColumns(tuple(by), header)


class _Reader:
    """Arrays of one batch after the other."""

    def __init__(self, columns: CaseColumns, groups: Comorbidities, collector: Collector) -> None:
        self.header = columns.header
        self.collector = collector
        self.masks = SecondaryMasks(groups)
        self.lists = False

    def read(self, batch: pa.RecordBatch) -> dict[str, Any]:
        keys, values = self.collector.prepare(batch)
        inclusion = keys[:, len(self.collector.units)]
        age = self._age(batch)
        state = inclusion.astype(np.int8)
        state = np.where((state == 0) & (values.disposition == 0), _DISPOSITION, state)
        state = np.where((state == 0) & np.isnan(age) & self._has_age(), _AGE, state).astype(np.int8)
        secondary = np.where(values.diagnoses < 0, -1, np.clip(values.diagnoses - 1, 0, 999))
        self.collector.row += batch.num_rows
        return {
            "keys": keys,
            "group": keys[:, -1].copy(),
            "state": state,
            "died": values.disposition == 2,
            "age": age,
            "female": self._female(batch),
            "emergency": self._emergency(batch),
            "severity": np.maximum(values.severity - 1, 0).astype(np.int8),
            "secondary": secondary.astype(np.int16),
            "comorbid": self._comorbid(batch),
        }

    def _has_age(self) -> bool:
        return bool({"age_years", "age_days"} & self.header.keys())

    def _numbers(self, batch: pa.RecordBatch, name: str) -> npt.NDArray[np.float64]:
        header = self.header.get(name)
        if header is None:
            return np.full(batch.num_rows, np.nan)
        numbers, issues = read_number(batch.column(header), name, header, self.collector.row)
        self.collector._issues(issues)
        return numbers

    def _age(self, batch: pa.RecordBatch) -> npt.NDArray[np.float32]:
        years, days = self._numbers(batch, "age_years"), self._numbers(batch, "age_days")
        infant = ~np.isnan(days) & (np.isnan(years) | (years < 1)) & (days < 2 * _DAYS)
        return np.where(infant, days / _DAYS, years).astype(np.float32)

    def _female(self, batch: pa.RecordBatch) -> npt.NDArray[np.float32]:
        header = self.header.get("sex")
        if header is None:
            return np.full(batch.num_rows, 0.5, np.float32)
        codes, issues = read_sex(batch.column(header), header, self.collector.row)
        self.collector._issues(issues)
        return np.array([0.5, 0.0, 1.0], np.float32)[codes]

    def _emergency(self, batch: pa.RecordBatch) -> Small:
        header = self.header.get("admission_route")
        if header is None:
            return np.full(batch.num_rows, -1, np.int8)
        texts = batch.column(header)
        if pt.is_floating(texts.type):
            texts = texts.cast(pa.int64(), safe=False)
        texts = pc.utf8_trim_whitespace(texts.cast(pa.string()))
        known = pc.and_(pc.is_valid(texts), pc.invert(pc.is_in(texts, pa.array(["", "-", "--", "—", "/"]))))
        urgent = pc.is_in(texts, pa.array(_EMERGENCY))
        whole = pc.if_else(pc.fill_null(known, False), pc.if_else(urgent, 1, 0), -1)
        return whole.to_numpy(zero_copy_only=False).astype(np.int8)

    def _comorbid(self, batch: pa.RecordBatch) -> npt.NDArray[np.uint32]:
        header = self.header.get("dx")
        values = None if header is None else batch.column(header)
        if values is None or not (pt.is_list(values.type) or pt.is_large_list(values.type)):
            return np.zeros(batch.num_rows, np.uint32)
        self.lists = True
        return self.masks.masks(values)


def _units(keys: Shorts, collector: Collector, by: tuple[str, ...]) -> tuple[Shorts, pd.Index]:
    """Number of the unit of every case, and the units."""
    places = {name: at for at, name in enumerate([*collector.units, *GROUP_COLUMNS])}
    wanted = [places[name] for name in by]
    if not wanted:
        return np.zeros(len(keys), np.int32), pd.Index(["(all)"], name="unit")
    distinct, inverse = np.unique(keys[:, wanted], axis=0, return_inverse=True)
    texts = collector.label_texts()
    table = pa.table(
        {name: pa.array([texts[name][k] for k in distinct[:, at]], pa.string()) for at, name in enumerate(by)}
    )
    unit, units = unit_index(table, by)
    return unit[inverse.reshape(-1)].astype(np.int32), units
