"""Readmissions within an export, patients told by their pseudonym or else by their record number."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from drgengine.errors import EvaluationError
from drgengine.quality.result import Readmitted
from drgengine.quality.words import settings

_COLUMNS = ("hospital_id", "admission_date", "discharge_date", "discharge_disposition")


class StayCollector:
    """Holds what readmissions need of each stay, up to the limit of data/quality.toml."""

    def __init__(self) -> None:
        self._parts: list[pa.RecordBatch] = []
        self._rows = 0

    def add(self, batch: pa.RecordBatch, drg: pa.Array) -> None:
        """Take in a batch of FRONT_PAGE_SCHEMA and its groups."""
        self._rows += batch.num_rows
        if self._rows > settings()["readmission_rows"]:
            self._parts = []
            return
        hospital = pc.fill_null(batch.column("hospital_id"), "")
        own = pc.binary_join_element_wise(hospital, batch.column("record_no"), "\0")
        patient = pc.coalesce(batch.column("patient_id"), own)
        columns = {name: batch.column(name) for name in _COLUMNS} | {"hospital_id": hospital}
        self._parts.append(pa.RecordBatch.from_pydict(columns | {"patient_id": patient, "drg": drg}))

    def result(self) -> Readmitted:
        """How many stays were followed by another of the same patient in the same hospital."""
        days, limit = settings()["readmission_days"], settings()["readmission_rows"]
        if self._rows > limit:
            return Readmitted(days, 0, 0, "why_rows")
        if not self._parts:
            return Readmitted(days, 0, 0, "why_dates")
        table = pa.Table.from_batches(self._parts)
        if table["patient_id"].null_count == len(table):
            return Readmitted(days, 0, 0, "why_patient")
        if len(table) in (table["admission_date"].null_count, table["discharge_date"].null_count):
            return Readmitted(days, 0, 0, "why_dates")
        from drgengine.evaluation.mix import readmissions

        try:
            found = readmissions(table, windows=[days], same_hospital=True).table
        except EvaluationError:
            return Readmitted(days, 0, 0, "why_dates")
        counts = found.reset_index()
        counts = counts[counts["kind"] == "all_cause"]
        return Readmitted(days, int(counts["index_stays"].sum()), int(counts["readmissions"].sum()))
