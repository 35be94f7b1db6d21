"""Clues counted by department and in all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from drgengine.whatif.clues import INVALID, BatchClues
from drgengine.whatif.definitions import clue_ids

EXAMPLES = 5_000
"""Codes kept for the report, in the order of the cases."""


@dataclass(slots=True)
class ClueCounts:
    """How many cases have each clue.

    scheme : its id; cases, invalid : in all; clues : cases per clue, in the order of clue_ids()
    departments : name ("" not stated) -> (cases, valid, *cases per clue), in the order of the names
    examples : the first codes that clues speak of, with row, case_id, department and answer of their case
    seconds : what the run took
    """

    scheme: str
    cases: int = 0
    invalid: int = 0
    departments: dict[str, tuple[int, ...]] = field(default_factory=dict)
    examples: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def valid(self) -> int:
        """Cases that are grouped, ambiguous or ungroupable."""
        return self.cases - self.invalid

    @property
    def clues(self) -> Mapping[str, int]:
        """Clue -> cases, over all departments."""
        sums = [sum(row[2 + at] for row in self.departments.values()) for at in range(len(clue_ids()))]
        return dict(zip(clue_ids(), sums, strict=True))

    def add(self, made: BatchClues, table: pa.RecordBatch) -> None:
        """Take in the clues of one batch and its clue table."""
        valid = np.asarray(made.answer.columns[0].indices.fill_null(-1)) != INVALID
        self.cases += valid.size
        self.invalid += int((~valid).sum())
        encoded = table.column("department").fill_null("").dictionary_encode()
        index, names = np.asarray(encoded.indices), encoded.dictionary.to_pylist()
        columns = [np.ones(valid.size, np.bool_), valid, *made.flags.T]
        counts = [np.bincount(index[column], minlength=len(names)) for column in columns]
        for name, row in zip(names, np.stack(counts, axis=1).tolist(), strict=True):
            before = self.departments.get(name, (0,) * len(row))
            self.departments[name] = tuple(a + b for a, b in zip(before, row, strict=True))
        if len(self.examples) < EXAMPLES:
            self._keep(table, np.unique(made.findings.case)[:EXAMPLES])

    def finish(self) -> None:
        """Bring the departments into the order of their names."""
        self.departments = dict(sorted(self.departments.items()))

    def to_table(self) -> pa.Table:
        """Counts by department as a table: department, cases, valid, a column per clue (int64)."""
        rows = list(self.departments.values())
        columns = {"department": pa.array(list(self.departments), pa.string())}
        for at, name in enumerate(("cases", "valid", *clue_ids())):
            columns[name] = pa.array([row[at] for row in rows], pa.int64())
        return pa.table(columns)

    def to_dict(self) -> dict[str, Any]:
        """The counts as plain values, for JSON."""
        return {
            "scheme": self.scheme,
            "cases": self.cases,
            "invalid": self.invalid,
            "clues": dict(self.clues),
            "departments": self.to_table().to_pylist(),
        }

    def _keep(self, table: pa.RecordBatch, cases: np.ndarray) -> None:
        shown = ("row", "case_id", "department", "status", "drg")
        for record in table.take(pa.array(cases)).select([*shown, "codes"]).to_pylist():
            for code in record["codes"]:
                if len(self.examples) == EXAMPLES:
                    return
                head = {name: record[name] for name in shown}
                head |= {"other_status": code["status"], "other_drg": code["drg"]}
                self.examples.append(head | {name: code[name] for name in ("clue", "kind", "place", "code", "doubt")})
