"""Row-level remarks on the values of a case table: collected per batch, kept as counts and first examples."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa

EXAMPLES_KEPT = 20

ISSUE_SCHEMA = pa.schema(
    [
        ("row", pa.int64()),
        ("column", pa.string()),
        ("value", pa.string()),
        ("rule", pa.string()),
        ("severity", pa.string()),
        ("remedy", pa.string()),
        ("count", pa.int64()),
    ]
)


@cache
def issue_rules() -> Mapping[str, Mapping[str, str]]:
    """Rule id -> {severity, en, zh} (data/issues.toml and, for front pages, data/cleaning.toml)."""
    folder = Path(__file__).parent.parent / "data"
    texts = [(folder / name).read_text(encoding="utf-8") for name in ("issues.toml", "cleaning.toml")]
    return {rule: entry for text in texts for rule, entry in tomllib.loads(text).items() if isinstance(entry, dict)}


@dataclass(frozen=True, slots=True, eq=False)
class BatchIssue:
    """One rule met in one column of one batch.

    column : input column name
    rule : rule id of data/issues.toml or data/cleaning.toml
    rows : int64[k], ascending row numbers; a row stands once per occurrence
    values : raw values, parallel to rows
    cleaned : what became of them, parallel to rows; "" where nothing was left; None where nothing was changed
    hints : something to go by for a single value, e.g. candidates for a short code; parallel to rows, or None
    """

    column: str
    rule: str
    rows: np.ndarray
    values: list[str]
    cleaned: list[str] | None = None
    hints: list[str] | None = None


@dataclass(slots=True)
class IssueLog:
    """Counts by column and rule, and the first rows of each; independent of batch size and order.

    >>> log = IssueLog()
    >>> log.add([BatchIssue("sex", "sex_unreadable", np.array([4, 9]), ["x", "y"])])
    >>> log.counts
    {('sex', 'sex_unreadable'): 2}
    """

    counts: dict[tuple[str, str], int] = field(default_factory=dict)
    examples: dict[tuple[str, str], list[tuple[int, str]]] = field(default_factory=dict)

    def add(self, issues: Iterable[BatchIssue]) -> None:
        """Take in the issues of one batch."""
        for issue in issues:
            if issue.rows.size:
                shown = list(zip(issue.rows[:EXAMPLES_KEPT].tolist(), issue.values[:EXAMPLES_KEPT], strict=True))
                self._take((issue.column, issue.rule), issue.rows.size, shown)

    def merge(self, other: IssueLog) -> None:
        """Take in another log, e.g. that of another file part or thread."""
        for key, count in other.counts.items():
            self._take(key, count, other.examples[key])

    def _take(self, key: tuple[str, str], count: int, shown: list[tuple[int, str]]) -> None:
        self.counts[key] = self.counts.get(key, 0) + count
        # A stable sort by row keeps the occurrences inside one row in their order.
        kept = sorted(self.examples.get(key, []) + shown, key=lambda example: example[0])
        self.examples[key] = kept[:EXAMPLES_KEPT]

    @property
    def total(self) -> int:
        """Number of occurrences over all columns and rules."""
        return sum(self.counts.values())

    def to_table(self, language: str = "en") -> pa.Table:
        """Examples as a table: row, column, value, rule, severity, remedy, count (of all occurrences).

        language : "en" or "zh", of the remedy. Sorted by column, rule and row.
        """
        rules = issue_rules()
        lines = [
            (
                row,
                column,
                value,
                rule,
                rules[rule]["severity"],
                rules[rule][language],
                self.counts[column, rule],
            )
            for column, rule in sorted(self.counts)
            for row, value in self.examples[column, rule]
        ]
        columns = zip(*lines, strict=True) if lines else [()] * len(ISSUE_SCHEMA)
        return pa.table([pa.array(c, f.type) for c, f in zip(columns, ISSUE_SCHEMA, strict=True)], ISSUE_SCHEMA)
