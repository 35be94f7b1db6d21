"""One pass over grouped discharges (流式汇总): a table or a file of any size in, statistics per unit and group out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from drgengine.cases.coerce import distinct, is_textual, read_date, read_number, read_number_text, read_stay
from drgengine.cases.vocabulary import column_data
from drgengine.errors import EvaluationError
from drgengine.evaluation.mix.casecolumns import CHARGE, COST, CaseColumns, find_columns, open_cases
from drgengine.evaluation.mix.labels import Labels
from drgengine.evaluation.mix.measures import COUNTS, GROUP_COLUMNS, INCLUSIONS
from drgengine.evaluation.mix.tally import BatchValues, Tally, minor_units, whole_days
from drgengine.evaluation.mix.unitstatistics import UnitStatistics, add_up

DIED = 5
NO_DISPOSITION = "no code of 离院方式"
_GROUP_CODE = re.compile(r"[A-Z][A-Z][0-9A-Z][0-9]")
_LONG_STAY = INCLUSIONS.index("long_stay")
_STATUS = {"grouped": 0, **{name: INCLUSIONS.index(name) for name in ("ambiguous", "ungroupable", "invalid")}}
_SEVERITY = {"none": 1, "CC": 2, "MCC": 3}
Bytes = npt.NDArray[np.int8]
Shorts = npt.NDArray[np.int32]
Doubles = npt.NDArray[np.float64]


def unit_statistics(
    cases: Any,
    by: str | Sequence[str] = "hospital_id",
    *,
    charge: str = CHARGE,
    cost: str = COST,
    max_stay_days: int | None = None,
    ungroupable: str = "0000",
) -> UnitStatistics:
    """Collect the sufficient statistics of grouped discharges per unit and group (充分统计量), in one pass.

    cases : path of a grouped file (Parquet, a folder of Parquet, CSV, Excel), or a pandas, polars or Arrow table, or an
        Arrow stream; it needs the column drg and those of `by`; status, mdc, adrg, severity, los_days (or both dates),
        discharge_disposition (5 = died; a code outside the vocabulary is not known, and counted in `unusable`), dx,
        proc, the charge and the cost are used where they are there. Without status, an empty drg is invalid,
        `ungroupable` is ungroupable, and a code ending in QY is ambiguous
    by : column or columns that make a unit: hospital_id, department_id, physician_id, mdc ... Take all levels at once
        and use roll_up() for each
    charge, cost : columns with the billed charge and the accounted cost of the case, yuan; rounded to the fen. Amounts
        not above 0 count as not known, and are reported in `unusable`
    max_stay_days : longer stays are kept apart as long_stay and enter no index (60 is customary); None keeps all

    Memory grows with units x groups, not with cases. Raises EvaluationError for columns that are missing or unfit,
    InputFileError for a file that cannot be read.

    >>> table = {"hospital_id": ["H1", "H1", "H2"], "drg": ["FR25", "FR25", "0000"], "total_charge": [1000.0, 3000, 9]}
    >>> unit_statistics(pa.table(table)).table[["hospital_id", "inclusion", "drg", "cases", "charge_sum"]]
      hospital_id    inclusion   drg  cases  charge_sum
    0          H1     included  FR25      2      4000.0
    1          H2  ungroupable  0000      1         9.0
    """
    names = (by,) if isinstance(by, str) else tuple(by)
    opened = open_cases(cases)
    columns = find_columns(opened.names, names, charge, cost, opened.place)
    collector = Collector(columns, max_stay_days, ungroupable)
    for batch in opened.batches(columns.needed()):
        if batch.num_rows:
            collector.add(batch)
    return collector.result()


class Collector:
    """What a pass over the batches gathers: labels, cells, remarks."""

    def __init__(self, columns: CaseColumns, max_stay_days: int | None, ungroupable: str) -> None:
        self.columns = columns
        self.max_stay_days = max_stay_days
        self.ungroupable = ungroupable
        self.units = tuple(name for name in columns.by if name not in GROUP_COLUMNS)
        self.labels = {name: Labels(columns.header[name]) for name in self.units}
        self.labels |= {name: Labels(name) for name in ("drg", "adrg", "mdc", "status", "severity")}
        self.tally = Tally(len(self.units) + len(GROUP_COLUMNS))
        self.unusable: dict[str, int] = {}
        self.days: list[float] = []
        self.row = 0

    def add(self, batch: pa.RecordBatch) -> None:
        """Add a batch to the cells."""
        self.tally.add(*self.prepare(batch))
        self._note_period(batch)
        self.row += batch.num_rows

    def prepare(self, batch: pa.RecordBatch) -> tuple[Shorts, BatchValues]:
        """Keys (unit columns, inclusion, mdc, adrg, drg) and values of the rows of a batch."""
        rows = batch.num_rows
        los = self._stay(batch)
        keys = np.empty((rows, len(self.units) + len(GROUP_COLUMNS)), np.int32)
        for place, name in enumerate(self.units):
            keys[:, place] = self._numbers(batch, name)
        first = len(self.units)
        drg = self._numbers(batch, "drg")
        inclusion = self._inclusion(batch, drg)
        if self.max_stay_days is not None:
            inclusion = np.where((inclusion == 0) & (los > self.max_stay_days), _LONG_STAY, inclusion)
        keys[:, first] = inclusion
        keys[:, first + 1] = self._numbers(batch, "mdc") if "mdc" in self.columns.header else drg
        keys[:, first + 2] = self._numbers(batch, "adrg") if "adrg" in self.columns.header else drg
        keys[:, first + 3] = drg
        return keys, self._values(batch, los)

    def _values(self, batch: pa.RecordBatch, los: Shorts) -> BatchValues:
        return BatchValues(
            charge=self._amount(batch, "charge"),
            cost=self._amount(batch, "cost"),
            los=los,
            disposition=self._disposition(batch),
            procedures=self._lengths(batch, "proc"),
            diagnoses=self._lengths(batch, "dx"),
            severity=self._severity(batch),
        )

    def _column(self, batch: pa.RecordBatch, name: str) -> pa.Array | None:
        header = self.columns.header.get(name)
        return None if header is None else batch.column(header)

    def _numbers(self, batch: pa.RecordBatch, name: str) -> Shorts:
        return self.labels[name].number(self._column(batch, name))

    def _inclusion(self, batch: pa.RecordBatch, drg: Shorts) -> Bytes:
        if "status" not in self.columns.header:
            codes = [self._inclusion_of(text) for text in self.labels["drg"].texts()]
            return np.array(codes, np.int8)[drg]
        status = self._numbers(batch, "status")
        texts = self.labels["status"].texts()
        wrong = next((text for text in texts if text not in _STATUS), None) if set(texts) - set(_STATUS) else ""
        if wrong != "":
            problem = f"{wrong!r} is no status of a grouped case"
            raise EvaluationError("column status", problem, f"Known: {', '.join(_STATUS)}")
        return np.array([_STATUS[str(text)] for text in texts], np.int8)[status]

    def _inclusion_of(self, drg: str | None) -> int:
        if drg is None:
            return _STATUS["invalid"]
        if drg == self.ungroupable:
            return _STATUS["ungroupable"]
        return _STATUS["ambiguous"] if drg.endswith("QY") else 0

    def _amount(self, batch: pa.RecordBatch, name: str) -> npt.NDArray[np.int64]:
        values = self._column(batch, name)
        if values is None:
            return np.zeros(batch.num_rows, np.int64)
        header = self.columns.header[name]
        fen, unusable = minor_units(read_amount(values, header, self.unusable))
        self._count(header, unusable)
        return fen

    def _stay(self, batch: pa.RecordBatch) -> Shorts:
        header = self.columns.header
        if "los_days" in header:
            name = header["los_days"]
            days, issues = read_number(batch.column(name), "los_days", name, self.row)
        elif {"admission_date", "discharge_date"} <= header.keys():
            names = (header["admission_date"], header["discharge_date"])
            name = names[1]
            days, issues = read_stay(batch.column(names[0]), batch.column(names[1]), names, self.row)
        else:
            return np.full(batch.num_rows, -1, np.int32)
        self._issues(issues)
        whole, unusable = whole_days(days)
        self._count(name, unusable)
        return whole

    def _disposition(self, batch: pa.RecordBatch) -> Bytes:
        values = self._column(batch, "discharge_disposition")
        if values is None:
            return np.zeros(batch.num_rows, np.int8)
        name = self.columns.header["discharge_disposition"]
        number, issues = read_number(values, "discharge_disposition", name, self.row)
        self._issues(issues)
        known = known_disposition(number)
        self._count(name, {NO_DISPOSITION: count} if (count := int((~known & ~np.isnan(number)).sum())) else {})
        return np.where(known, 1 + (number == DIED), 0).astype(np.int8)

    def _lengths(self, batch: pa.RecordBatch, name: str) -> Shorts:
        values = self._column(batch, name)
        if values is None or not (pt.is_list(values.type) or pt.is_large_list(values.type)):
            return np.full(batch.num_rows, -1, np.int32)
        lengths = pc.fill_null(pc.list_value_length(values), -1)
        return lengths.to_numpy(zero_copy_only=False).astype(np.int32)

    def _severity(self, batch: pa.RecordBatch) -> Bytes:
        if "severity" not in self.columns.header:
            return np.zeros(batch.num_rows, np.int8)
        number = self._numbers(batch, "severity")
        texts = self.labels["severity"].texts()
        return np.array([_SEVERITY.get(str(text), 0) for text in texts], np.int8)[number]

    def _note_period(self, batch: pa.RecordBatch) -> None:
        values = self._column(batch, "discharge_date")
        if values is None:
            return
        days, issues = read_date(values, self.columns.header["discharge_date"], self.row)
        if "los_days" in self.columns.header:
            self._issues(issues)
        if not np.isnan(days).all():
            self.days += [float(np.nanmin(days)), float(np.nanmax(days))]

    def _issues(self, issues: Sequence[Any]) -> None:
        for issue in issues:
            self._count(issue.column, {issue.rule: len(issue.values)})

    def _count(self, column: str, found: Mapping[str, int]) -> None:
        for reason, count in found.items():
            key = f"{column}: {reason}"
            self.unusable[key] = self.unusable.get(key, 0) + count

    def label_texts(self) -> dict[str, list[str | None]]:
        """The texts behind the numbers of the keys, per column of the keys."""
        drg = self.labels["drg"].texts()
        texts: dict[str, list[str | None]] = {name: self.labels[name].texts() for name in self.units}
        texts["inclusion"] = list(INCLUSIONS)
        texts["mdc"] = (
            self.labels["mdc"].texts() if "mdc" in self.columns.header else [mdc_of_drg(code) for code in drg]
        )
        texts["adrg"] = (
            self.labels["adrg"].texts() if "adrg" in self.columns.header else [adrg_of_drg(code) for code in drg]
        )
        texts["drg"] = drg
        return texts

    def result(self) -> UnitStatistics:
        """The statistics of all batches added."""
        keys, sums = self.tally.keys[: self.tally.filled], self.tally.sums[: self.tally.filled]
        texts = self.label_texts()
        columns = [
            pa.array(labels, pa.string()).take(pa.array(keys[:, place])) for place, labels in enumerate(texts.values())
        ]
        columns += [pa.array(np.ascontiguousarray(sums[:, place])) for place in range(len(COUNTS))]
        cells = pa.table(columns, names=[*texts, *COUNTS])
        period = (_date(min(self.days)), _date(max(self.days))) if self.days else None
        return UnitStatistics(self.columns.by, add_up(cells, self.columns.by), period=period, unusable=self.unusable)


@cache
def dispositions() -> tuple[int, ...]:
    """The codes of discharge_disposition (离院方式) that the vocabulary of the case table knows.

    >>> dispositions()
    (1, 2, 3, 4, 5, 9)
    """
    return tuple(sorted(set(column_data()["values"]["discharge_disposition"].values())))


def known_disposition(number: Doubles) -> npt.NDArray[np.bool_]:
    """Whether the code of a disposition says anything; one that is not in the vocabulary is neither alive nor dead."""
    return np.isin(number, dispositions())


def read_amount(values: pa.Array, column: str, unusable: dict[str, int]) -> Doubles:
    """Money as float64[n], NaN = missing; text such as "1,234.50" is read, what cannot be is counted in `unusable`."""
    if not is_textual(values.type):
        filled = pc.fill_null(values.cast(pa.float64(), safe=False), np.nan)
        return filled.to_numpy(zero_copy_only=False)
    place, texts = distinct(values)
    readings = [read_number_text(text, {"units": ["元"]}, {}) for text in texts.to_pylist()]
    wrong = np.array([rule == "number_unreadable" for _, rule in readings], dtype=bool)
    count = int(wrong[place].sum())
    if count:
        unusable[f"{column}: number_unreadable"] = unusable.get(f"{column}: number_unreadable", 0) + count
    return np.array([number for number, _ in readings], dtype=np.float64)[place]


def adrg_of_drg(drg: str | None) -> str | None:
    return drg[:3] if drg is not None and _GROUP_CODE.fullmatch(drg) else drg


def mdc_of_drg(drg: str | None) -> str | None:
    return drg[0] if drg is not None and re.fullmatch(r"[A-Z][A-Z][0-9A-Z][0-9]?", drg) else None


def _date(days: float) -> Any:
    return pa.scalar(int(days), pa.int32()).cast(pa.date32()).as_py()
