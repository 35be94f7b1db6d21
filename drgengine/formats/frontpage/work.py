"""What cleaning one batch collects: issues, counts, and nothing of a person."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from drgengine.cases.issues import BatchIssue
from drgengine.formats.cleaning.result import Cleaned

MASK = "…"


@dataclass(slots=True, eq=False)
class Work:
    """One batch on its way. first_row : number of its first row; counted : (column, rule) -> cells."""

    batch: pa.RecordBatch
    first_row: int
    issues: list[BatchIssue] = field(default_factory=list)
    counted: Counter[tuple[str, str]] = field(default_factory=Counter)

    @property
    def rows(self) -> int:
        return int(self.batch.num_rows)

    def column(self, header: str | None) -> pa.Array | None:
        """The column as it was read, None when the file has none or it is empty in this batch."""
        if header is None:
            return None
        values = self.batch.column(header)
        return None if is_empty(values) else values

    def take(self, cleaned: Cleaned, column: str, *, private: bool = False) -> pa.Array:
        """The values; issues and counts are kept. private : raw and cleaned text are masked in the issues."""
        self.issues += [masked(issue) for issue in cleaned.issues] if private else cleaned.issues
        for rule, count in cleaned.counted.items():
            self.counted[column, rule] += count
        return cleaned.values

    def mask_since(self, start: int, column: str | None) -> None:
        """Mask the issues of one column from position `start` on."""
        kept = self.issues[start:]
        self.issues[start:] = [masked(issue) if issue.column == column else issue for issue in kept]

    def note(self, column: str, rule: str, at: np.ndarray, values: list[str], hints: list[str] | None = None) -> None:
        """An issue at positions of the batch, in ascending order, that changes no value."""
        if at.size:
            rows = at.astype(np.int64) + self.first_row
            self.issues.append(BatchIssue(column, rule, rows, values, None, hints))


def masked(issue: BatchIssue) -> BatchIssue:
    """The issue without the values of a person."""
    values = [MASK if value else "" for value in issue.values]
    cleaned = issue.cleaned and [MASK if value else "" for value in issue.cleaned]
    return replace(issue, values=values, cleaned=cleaned, hints=None)


def is_empty(values: pa.Array) -> bool:
    """True when no cell holds anything."""
    if values.null_count == len(values):
        return True
    if pt.is_string(values.type) or pt.is_large_string(values.type):
        return not pc.max(pc.binary_length(values)).as_py()
    return False
