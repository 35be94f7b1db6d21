"""What the tests of the scalar cleaners share: cells in, values and rules by row out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa

from drgengine.cases.issues import issue_rules
from drgengine.formats.cleaning import Cleaned

COMMON = {"text_blanks", "text_full_width"}


def rules_by_row(cleaned: Cleaned, size: int, first_row: int = 1, column: str = "c") -> list[list[str]]:
    """The rules of every row of a column, sorted."""
    rules: list[list[str]] = [[] for _ in range(size)]
    for issue in cleaned.issues:
        if issue.column == column:
            assert issue.rule in issue_rules()
            assert len(issue.values) == issue.rows.size
            assert issue.cleaned is None or len(issue.cleaned) == issue.rows.size
            for row in issue.rows.tolist():
                rules[row - first_row].append(issue.rule)
    return [sorted(found) for found in rules]


def read_one(clean: Callable[..., Cleaned], raw: str | None, *rest: Any) -> tuple[Any, list[str]]:
    """Value and rules of one cell; a filler shows as the rule `filler`."""
    cleaned = clean(pa.array([raw], pa.string()), "c", 1, *rest)
    return cleaned.values[0].as_py(), rules_by_row(cleaned, 1)[0] + ["filler"] * cleaned.counted.get("filler", 0)


def at_most_one_of_the_kind(rules: Sequence[str]) -> bool:
    """One rule of the kind, and one of blanks and full width beside it."""
    common = [rule for rule in rules if rule in COMMON]
    return len(common) <= 1 and len(rules) - len(common) <= 1


def same_in_pieces(clean: Callable[..., Cleaned], texts: list[str], cut: int, *rest: Any) -> None:
    """A column cleaned whole and in two batches is the same, row by row."""
    whole = clean(pa.array(texts, pa.string()), "c", 1, *rest)
    parts = [
        clean(pa.array(texts[:cut], pa.string()), "c", 1, *rest),
        clean(pa.array(texts[cut:], pa.string()), "c", 1 + cut, *rest),
    ]
    assert whole.values.to_pylist() == [value for part in parts for value in part.values.to_pylist()]
    in_parts = rules_by_row(parts[0], cut) + rules_by_row(parts[1], len(texts) - cut, 1 + cut)
    assert rules_by_row(whole, len(texts)) == in_parts
    assert whole.counted.get("filler", 0) == sum(part.counted.get("filler", 0) for part in parts)
    assert all(at_most_one_of_the_kind(found) for found in in_parts)
