"""What cleaning a column gives: the values, what was done to which row, and what was only counted."""

from __future__ import annotations

from dataclasses import dataclass, field

import pyarrow as pa

from drgengine.cases.issues import BatchIssue


@dataclass(frozen=True, slots=True, eq=False)
class Cleaned:
    """One cleaned column of one batch.

    values : as many as went in, in their order; null where there is none or none that can be used
    issues : row by row, with the raw and the cleaned text (数据清洗记录)
    counted : rule id -> cells, of rules that are counted and not listed row by row (`listed = false` in
        data/cleaning.toml), such as the fillers of empty cells
    """

    values: pa.Array
    issues: list[BatchIssue] = field(default_factory=list)
    counted: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class CleanedCodes:
    """The cleaned code list of one batch, principal first.

    codes : list<string>; an empty text keeps the place of an empty slot that stands before a filled one
    slots : list<int16>, parallel to codes: the slot each code came from (0 = principal), so that the columns beside
        the codes (admission condition, date, level) can be put beside them
    issues, counted : as in Cleaned
    """

    codes: pa.ListArray
    slots: pa.ListArray
    issues: list[BatchIssue] = field(default_factory=list)
    counted: dict[str, int] = field(default_factory=dict)
