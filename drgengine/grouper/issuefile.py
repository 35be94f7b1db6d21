"""A file of remarks on values, one row each."""

from __future__ import annotations

import os
from types import TracebackType

import pyarrow as pa

from drgengine.cases import BatchIssue
from drgengine.cases.issues import issue_rules
from drgengine.formats import open_sink

SCHEMA = pa.schema(
    [
        ("row", pa.int64()),
        ("column", pa.string()),
        ("value", pa.string()),
        ("rule", pa.string()),
        ("severity", pa.string()),
        ("remedy", pa.string()),
    ]
)


class IssueFile:
    """Writes row, column, value (null past the first 1,000 of a rule in a batch), rule, severity, remedy."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._sink = open_sink(path, SCHEMA)

    def write(self, issues: list[BatchIssue]) -> None:
        """Append the remarks of one batch."""
        for issue in issues:
            n = issue.rows.size
            rule = issue_rules()[issue.rule]
            texts = (issue.column, issue.rule, rule["severity"], rule["en"])
            column, name, severity, remedy = (pa.repeat(pa.scalar(text, pa.string()), n) for text in texts)
            values = pa.array([*issue.values, *[None] * (n - len(issue.values))], pa.string())
            rows = pa.array(issue.rows, pa.int64())
            self._sink.write(pa.RecordBatch.from_arrays([rows, column, values, name, severity, remedy], schema=SCHEMA))

    def __enter__(self) -> IssueFile:
        self._sink.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._sink.__exit__(kind, error, trace)
