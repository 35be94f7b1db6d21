"""One batch of an export -> one batch of FRONT_PAGE_SCHEMA."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from drgengine.cases.issues import BatchIssue
from drgengine.formats.checks import check_logic
from drgengine.formats.cleaning import (
    check_charges,
    clean_charges,
    clean_dates,
    clean_department,
    clean_domain,
    clean_identifier,
    clean_weights,
)
from drgengine.formats.cleaning.codeshape import Kind
from drgengine.formats.cleaning.result import Cleaned
from drgengine.formats.codemaps import MappedCodes
from drgengine.formats.frontpage.codelists import (
    CodeOptions,
    beside,
    clean_single_code,
    note_repeated_procedures,
    read_codes,
)
from drgengine.formats.frontpage.identity import case_ids, pseudonyms
from drgengine.formats.frontpage.schema import FRONT_PAGE_SCHEMA, OF_WHICH
from drgengine.formats.frontpage.stays import read_stay
from drgengine.formats.frontpage.work import Work
from drgengine.formats.profiles import DaysUnit, Found, Profile

_IDENTIFIERS = ("hospital_id", "record_no", "visit_no", "patient_id", "physician_id")
_DEPARTMENTS = ("admission_department_id", "department_id")
_WEIGHTS = ("birth_weight_g", "admission_weight_g")
_SINGLE_CODES = ("pathology", "external_cause")
CHARGES = tuple(name for name in FRONT_PAGE_SCHEMA.names if name.startswith("charge_"))


@dataclass(frozen=True, slots=True, eq=False)
class Assembled:
    """batch : FRONT_PAGE_SCHEMA and the columns kept; issues, counted : of this batch; given : codes as cleaned, before
    any mapping, of "dx" and "proc"."""

    batch: pa.RecordBatch
    issues: list[BatchIssue]
    counted: Counter[tuple[str, str]]
    given: dict[Kind, pa.ListArray]


@dataclass(frozen=True, slots=True)
class Assembler:
    """Cleans and puts together batches of one file; pure, so that the result does not depend on the batches.

    key : of the pseudonyms, None without; kept : columns of the input that pass through
    """

    profile: Profile
    found: Found
    codes: CodeOptions
    days_unit: DaysUnit
    key: bytes | None
    kept: tuple[str, ...]

    def assemble(self, batch: pa.RecordBatch, first_row: int) -> Assembled:
        """Clean one batch whose first row has the number first_row."""
        work = Work(batch, first_row)
        columns = read_stay(work, self.found, self.days_unit)
        self._scalars(work, columns)
        self._charges(work, columns)
        slots, given = self._codes(work, columns)
        columns["source_row"] = pa.array(np.arange(first_row, first_row + work.rows), pa.int64())
        columns["case_id"] = case_ids(columns["record_no"], columns["visit_no"])
        self._patient(work, columns)
        self._record_numbers(work, columns)
        arrays = [_typed(columns.get(field.name), field.type, work.rows) for field in FRONT_PAGE_SCHEMA]
        clean = pa.RecordBatch.from_arrays(arrays, schema=FRONT_PAGE_SCHEMA)
        work.issues += check_logic(clean, self._headers(), first_row, slots=slots)
        for name in self.kept:
            clean = clean.append_column(pa.field(name, batch.schema.field(name).type), batch.column(name))
        return Assembled(clean, work.issues, work.counted, given)

    def _scalars(self, work: Work, columns: dict[str, pa.Array]) -> None:
        for name in FRONT_PAGE_SCHEMA.names:
            header = self.found.scalars.get(name)
            values = work.column(header)
            clean = self._cleaner(name)
            if header is not None and values is not None and clean is not None:
                columns[name] = work.take(clean(values, header, work.first_row), header)
        for name in ("hospital_id", "record_no", "visit_no"):
            columns.setdefault(name, pa.nulls(work.rows, pa.string()))

    def _cleaner(self, name: str) -> Callable[[pa.Array, str, int], Cleaned] | None:
        """What cleans a plain column; None for columns that are worked out elsewhere."""
        domain = self.profile.domains.get(name)
        if domain is not None:
            return lambda values, column, row: clean_domain(values, column, row, domain)
        if name in _IDENTIFIERS:
            return clean_identifier
        if name in _DEPARTMENTS:
            return clean_department
        if name in _WEIGHTS:
            return clean_weights
        if name in _SINGLE_CODES:
            return clean_single_code
        if name in ("total_charge", "self_paid", *CHARGES, *OF_WHICH):
            return clean_charges
        return None

    def _charges(self, work: Work, columns: dict[str, pa.Array]) -> None:
        """Add what belongs to a charge and check total and parts."""
        headers = self.found.scalars
        for name, more in self.found.added.items():
            for header in more:
                values = work.column(header)
                if values is not None:
                    extra = work.take(clean_charges(values, header, work.first_row), header)
                    columns[name] = _plus(columns.get(name), extra)
        total = columns.get("total_charge", pa.nulls(work.rows, pa.float64()))
        parts = {name: columns[name] for name in CHARGES if name in columns}
        # A parent that the export lacks cannot be smaller than its part.
        of_which = {
            name: (columns[name], headers[name])
            for name, parent in OF_WHICH.items()
            if name in columns and parent in columns
        }
        if "total_charge" in headers or of_which:
            header = headers.get("total_charge", "total_charge")
            work.issues += check_charges(total, header, parts, of_which, work.first_row)

    def _codes(
        self, work: Work, columns: dict[str, pa.Array]
    ) -> tuple[dict[str, pa.ListArray], dict[Kind, pa.ListArray]]:
        slots: dict[str, pa.ListArray] = {}
        given: dict[Kind, pa.ListArray] = {}
        domain = self.profile.domains.get("dx_condition", "admission_condition")
        row = work.first_row
        dx = read_codes(work, self.found, "dx", self.codes)
        if dx is not None:
            slots["dx"], given["dx"] = dx.mapped.slots, dx.given
            self._put(columns, "dx", dx.mapped)
            headers = self.found.slots.get("dx.condition", {})
            columns["dx_condition"] = beside(
                work, dx.mapped, headers, lambda v, h: clean_domain(v, h, row, domain), pa.string()
            )
        proc = read_codes(work, self.found, "proc", self.codes)
        if proc is not None:
            slots["proc"], given["proc"] = proc.mapped.slots, proc.given
            self._put(columns, "proc", proc.mapped)
            dates, levels = (self.found.slots.get(f"proc.{name}", {}) for name in ("date", "level"))
            columns["proc_date"] = beside(
                work, proc.mapped, dates, lambda v, h: clean_dates(v, h, row), pa.timestamp("s")
            )
            columns["proc_level"] = beside(
                work, proc.mapped, levels, lambda v, h: clean_identifier(v, h, row), pa.string()
            )
            if dates:
                note_repeated_procedures(work, proc.mapped, columns["proc_date"], self.found.slots.get("proc.code", {}))
        return slots, given

    @staticmethod
    def _put(columns: dict[str, pa.Array], kind: str, mapped: MappedCodes) -> None:
        columns[kind] = mapped.codes
        columns[f"{kind}_source"] = mapped.source
        columns[f"{kind}_status"] = mapped.status

    def _patient(self, work: Work, columns: dict[str, pa.Array]) -> None:
        numbers = work.column(self.found.scalars.get("id_number"))
        if self.key is not None and numbers is not None:
            columns["patient_id"] = pseudonyms(numbers, self.key)

    def _record_numbers(self, work: Work, columns: dict[str, pa.Array]) -> None:
        header = self.found.scalars.get("record_no")
        if header is not None:
            missing = np.flatnonzero(np.asarray(columns["record_no"].is_null()))
            work.note(header, "record_number_missing", missing, [""] * missing.size)

    def _headers(self) -> dict[str, str | dict[int, str]]:
        """Canonical column -> header, as the logic checks name columns."""
        headers: dict[str, str | dict[int, str]] = dict(self.found.scalars)
        for date, time in (("admission_date", "admission_time"), ("discharge_date", "discharge_time")):
            if time in headers:
                headers[date] = headers[time]
        for kind in ("dx", "proc"):
            places = self.found.slots.get(f"{kind}.code") or self.found.slots.get(f"{kind}.list")
            if places:
                headers[kind] = dict(places)
        if "proc.date" in self.found.slots:
            headers["proc_date"] = dict(self.found.slots["proc.date"])
        return headers


def _typed(values: pa.Array | None, kind: pa.DataType, rows: int) -> pa.Array:
    if values is None:
        return pa.nulls(rows, kind)
    return values if values.type == kind else values.cast(kind)


def _plus(first: pa.Array | None, second: pa.Array) -> pa.Array:
    """The sum of two charges; null only where both are."""
    if first is None:
        return second
    both = pc.add(pc.fill_null(first, 0.0), pc.fill_null(second, 0.0))
    return pc.if_else(pc.or_(first.is_valid(), second.is_valid()), both, pa.scalar(None, pa.float64()))
