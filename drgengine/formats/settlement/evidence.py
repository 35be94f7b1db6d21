"""What cleaning the linked tables collects, under the rows of the settlements."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from drgengine.cases.issues import BatchIssue
from drgengine.formats.cleaning import Cleaned, CleanedCodes


@dataclass(slots=True, eq=False)
class Evidence:
    """Issues by settlement row; counted : (column, rule) -> cells."""

    issues: list[BatchIssue] = field(default_factory=list)
    counted: Counter[tuple[str, str]] = field(default_factory=Counter)

    def count(self, cleaned: Cleaned | CleanedCodes, column: str) -> None:
        """Keep what was only counted."""
        for rule, cells in cleaned.counted.items():
            self.counted[column, rule] += cells

    def below(self, cleaned: Cleaned, column: str, parent: np.ndarray, file: str) -> pa.Array:
        """The values of a column of a linked table; its issues go under the settlements."""
        self.count(cleaned, column)
        self.issues += at_settlements(cleaned.issues, parent, file)
        return cleaned.values


def at_settlements(issues: list[BatchIssue], parent: np.ndarray, file: str) -> list[BatchIssue]:
    """Issues of a linked table under the rows of their settlements; the hint tells the row of the linked table.

    Issues of rows without a settlement are left out: such rows are reported as a whole.
    """
    moved = []
    for issue in issues:
        at = parent[issue.rows - 1]
        order = np.flatnonzero(at >= 0)
        order = order[np.argsort(at[order], kind="stable")]
        if order.size:
            places = [f"row {number} of {file}" for number in issue.rows[order].tolist()]
            if issue.hints is not None:
                hints = [issue.hints[k] for k in order]
                places = [f"{hint}; {place}" if hint else place for hint, place in zip(hints, places, strict=True)]
            moved.append(_taken(issue, order, at[order] + 1, places))
    return moved


def without(issues: list[BatchIssue], rule: str, positions: np.ndarray) -> list[BatchIssue]:
    """The issues without those of one rule at some settlements."""
    kept = []
    for issue in issues:
        if issue.rule != rule:
            kept.append(issue)
            continue
        at = np.flatnonzero(~np.isin(issue.rows - 1, positions))
        if at.size:
            kept.append(
                _taken(issue, at, issue.rows[at], None if issue.hints is None else [issue.hints[k] for k in at])
            )
    return kept


def _taken(issue: BatchIssue, at: np.ndarray, rows: np.ndarray, hints: list[str] | None) -> BatchIssue:
    cleaned = None if issue.cleaned is None else [issue.cleaned[k] for k in at]
    return BatchIssue(issue.column, issue.rule, rows, [issue.values[k] for k in at], cleaned, hints)
