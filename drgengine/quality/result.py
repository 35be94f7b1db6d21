"""What a data quality report holds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Completeness:
    """How many rows fill a column. required : "all" or "some" of the stays need it"""

    column: str
    title: str
    required: str
    filled: int


@dataclass(frozen=True, slots=True)
class RuleCount:
    """A rule of cleaning or logic. cells : occurrences   rows : rows with one   not_grouped : of these rows"""

    rule: str
    kind: str
    severity: str
    cells: int
    rows: int
    not_grouped: int


@dataclass(frozen=True, slots=True)
class Department:
    """Grouping of one department (科别). reason : the most frequent one of those not grouped, None without"""

    department: str
    cases: int
    grouped: int
    ambiguous: int
    ungroupable: int
    invalid: int
    reason: str | None


@dataclass(frozen=True, slots=True)
class Problem:
    """One of the most damaging problems.

    id : rule of cleaning or reason of grouping   is_reason : which of the two
    extra : rows not grouped beyond what the rows without the problem lose; damage : what it is ranked by
    columns : where, most frequent first   department : with most of the rows, None without departments
    examples : first row numbers
    """

    id: str
    is_reason: bool
    severity: str
    cells: int
    rows: int
    not_grouped: int
    extra: float
    damage: float
    columns: tuple[str, ...]
    department: str | None
    examples: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Readmitted:
    """Readmissions to the same hospital within `days` days. why_not : word of data/quality.toml when not counted"""

    days: int
    stays: int
    readmitted: int
    why_not: str | None = None


@dataclass(frozen=True, slots=True)
class QualityReport:
    """The quality of one export (数据质量报告).

    rows : read   superseded : of these set aside as repeated uploads
    status : grouped, ambiguous, ungroupable, invalid -> rows; empty when the rows were not grouped
    counted : rule -> cells, of rules that are not listed row by row (fillers)
    domains : column -> value -> rows, most frequent first; None for missing
    reasons : reason of grouping -> rows   signs : what the codes say of their edition, per language
    """

    source: str
    profile: str
    code_edition: str
    scheme: str | None
    rows: int
    superseded: int
    status: Mapping[str, int]
    period: tuple[dt.date, dt.date] | None
    charges: float
    completeness: tuple[Completeness, ...]
    domains: Mapping[str, Mapping[str | None, int]]
    rules: tuple[RuleCount, ...]
    counted: Mapping[str, int]
    departments: tuple[Department, ...]
    reasons: Mapping[str, int]
    readmitted: Readmitted
    problems: tuple[Problem, ...]
    signs: Mapping[str, str] = field(default_factory=dict)

    @property
    def balances(self) -> bool:
        """True when every row read has exactly one status (or none was grouped) and the rest was set aside."""
        return (not self.status or sum(self.status.values()) == self.rows) and 0 <= self.superseded <= self.rows

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; a missing value of a domain is the key ""."""
        content = asdict(self)
        content["period"] = [day.isoformat() for day in self.period] if self.period else None
        content["domains"] = {
            name: {value or "": n for value, n in counts.items()} for name, counts in self.domains.items()
        }
        return content | {"balances": self.balances}
