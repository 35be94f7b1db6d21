"""What a grouping run did, in numbers."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from drgengine.cases import IssueLog
from drgengine.grouper.compile import Compiled
from drgengine.grouper.group import BatchAnswer
from drgengine.grouper.tables import REASONS, STATUSES

EXAMPLE_ROWS = 3


@dataclass
class GroupSummary:
    """Counts of one grouping run; they do not depend on batch size or threads.

    rows : records read and written
    status : grouped, ambiguous, ungroupable, invalid -> number of records; the four sum to rows
    reasons : reason -> number of records, commonest first; example_rows : reason -> first row numbers, from 1
        (in a folder, rows are counted through all its files in the order of their names)
    groups : DRG -> number of records grouped into it
    issues : mended, unreadable and unknown values
    absent : columns that every scheme needs and the input does not have; its records are then invalid
    dropped : columns with personal data that were left out at reading
    remarks : what is to be known of the file, such as columns that were not read
    seconds : time from opening the input to the finished output
    """

    scheme: str
    digest: str
    rows: int = 0
    status: dict[str, int] = field(default_factory=lambda: dict.fromkeys(STATUSES, 0))
    reasons: dict[str, int] = field(default_factory=dict)
    example_rows: dict[str, list[int]] = field(default_factory=dict)
    groups: dict[str, int] = field(default_factory=dict)
    issues: IssueLog = field(default_factory=IssueLog)
    absent: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    files: int = 0
    seconds: float = 0.0

    def __str__(self) -> str:
        shares = ", ".join(f"{count:,} {status}" for status, count in self.status.items())
        return f"{self.rows:,} records under {self.scheme}: {shares}; {len(self.groups)} groups"

    @property
    def rejected(self) -> int:
        """Records that are invalid: they lack what every scheme needs."""
        return self.status["invalid"]

    @property
    def rows_per_second(self) -> float:
        """Throughput of the whole run, reading and writing included."""
        return self.rows / self.seconds if self.seconds > 0 else float("nan")

    def share(self, status: str) -> float:
        """Share of a status in all records (入组率 for `grouped`); NaN when there are no records.

        >>> GroupSummary("demo", "", rows=4, status={"grouped": 3, "invalid": 1}).share("grouped")
        0.75
        """
        return self.status[status] / self.rows if self.rows else float("nan")

    def as_dict(self) -> dict[str, object]:
        """Everything as plain values, for JSON."""
        return {
            "scheme": self.scheme,
            "scheme_digest": self.digest,
            "rows": self.rows,
            "status": dict(self.status),
            "share": {status: self.share(status) if self.rows else None for status in self.status},
            "reasons": dict(self.reasons),
            "example_rows": dict(self.example_rows),
            "groups": dict(self.groups),
            "issues": [
                {"column": column, "rule": rule, "count": count}
                for (column, rule), count in sorted(self.issues.counts.items())
            ],
            "absent_columns": list(self.absent),
            "dropped_columns": list(self.dropped),
            "remarks": list(self.remarks),
            "files": self.files,
            "seconds": round(self.seconds, 3),
        }


class SummaryCounter:
    """Adds up the answers of batches, in order."""

    def __init__(self, summary: GroupSummary, made: Compiled) -> None:
        self.summary = summary
        self.made = made
        self.by_leaf = np.zeros(2 + len(made.leaf_drg), np.int64)
        self.by_reason = np.zeros(len(REASONS), np.int64)

    def add(self, answer: BatchAnswer, first_row: int) -> None:
        """Take in one batch whose first row has the number first_row."""
        self.summary.rows += answer.leaf.size
        self.by_leaf += np.bincount(answer.leaf, minlength=self.by_leaf.size)
        counts = np.bincount(answer.reason[answer.reason >= 0], minlength=len(REASONS))
        self.by_reason += counts
        for number in np.flatnonzero(counts).tolist():
            rows = self.summary.example_rows.setdefault(REASONS[number], [])
            if len(rows) < EXAMPLE_ROWS:
                found = np.flatnonzero(answer.reason == number)[: EXAMPLE_ROWS - len(rows)]
                rows += (found + first_row).tolist()
        self.summary.issues.add(answer.issues)

    def finish(self) -> None:
        """Write the totals into the summary."""
        status, groups = dict.fromkeys(STATUSES, 0), dict(self.summary.groups)
        status["invalid"], status["ungroupable"] = int(self.by_leaf[0]), int(self.by_leaf[1])
        for drg, ambiguous, count in zip(
            self.made.leaf_drg, self.made.leaf_ambiguous, self.by_leaf[2:].tolist(), strict=True
        ):
            status["ambiguous" if ambiguous else "grouped"] += count
            if count and not ambiguous:
                groups[drg] = groups.get(drg, 0) + count
        self.summary.status = status
        self.summary.groups = dict(sorted(groups.items()))
        order = np.argsort(-self.by_reason, kind="stable")
        self.summary.reasons = {REASONS[at]: int(self.by_reason[at]) for at in order if self.by_reason[at]}
