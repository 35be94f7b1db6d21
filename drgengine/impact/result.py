"""What `impact` finds, as frozen results with tables (影响分析结果)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pyarrow as pa

from drgengine.grouper.tables import STATUSES
from drgengine.impact.words import words

NO_DEPARTMENT = "(none)"


@dataclass(frozen=True, slots=True)
class SchemeName:
    """A scheme: id, title by language, version, digest of its content."""

    id: str
    title: Mapping[str, str]
    version: str
    digest: str


@dataclass(frozen=True, slots=True)
class Remark:
    """Something to know: key of a sentence in data/impact.toml, and its values."""

    key: str
    values: Mapping[str, object] = field(default_factory=dict)

    def text(self, language: str) -> str:
        """The sentence in a language."""
        return words(language)[f"remark_{self.key}"].format(**self.values)


@dataclass(frozen=True, slots=True)
class Check:
    """Two ways to the same sum (勾稽). key : of its name in data/impact.toml"""

    key: str
    found: int | Decimal
    expected: int | Decimal

    @property
    def holds(self) -> bool:
        """Whether both are equal, exactly."""
        return self.found == self.expected


@dataclass(frozen=True, slots=True)
class WeightTotals:
    """Total weight (总权重) under both schemes, exact to six decimals.

    before, after : sums over the grouped cases with a weight under the old, the new scheme; change : the difference
    price : part of the change due to another weight of the same group (权重调整), w_new(old group) - w_old(old group)
    mix : part due to another group (分组调整), w_new(new group) - w_new(old group)
    not_comparable : the rest; price + mix + not_comparable == change
    not_split : of the rest, cases weighted on both sides whose old group has no weight in the new table
    only_before, only_after : of the rest, cases weighted on one side alone (only_before is what is lost, <= 0)
    cases_before, cases_after : grouped cases with a weight; lacking_before, lacking_after : grouped cases without
    cases_split, cases_not_split, cases_only_before, cases_only_after : cases behind the parts
    cmi_before, cmi_after : weight over cases with a weight, None when there is none
    source_before, source_after : where the weights are from
    """

    before: Decimal
    after: Decimal
    price: Decimal
    mix: Decimal
    not_comparable: Decimal
    not_split: Decimal
    only_before: Decimal
    only_after: Decimal
    cases_before: int
    cases_after: int
    lacking_before: int
    lacking_after: int
    cases_split: int
    cases_not_split: int
    cases_only_before: int
    cases_only_after: int
    source_before: str
    source_after: str

    @property
    def change(self) -> Decimal:
        """Total weight after less total weight before."""
        return self.after - self.before

    @property
    def cmi_before(self) -> float | None:
        """Mean weight of the grouped cases with a weight, old scheme."""
        return float(self.before) / self.cases_before if self.cases_before else None

    @property
    def cmi_after(self) -> float | None:
        """Mean weight of the grouped cases with a weight, new scheme."""
        return float(self.after) / self.cases_after if self.cases_after else None

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        names = [name for name in self.__slots__ if name not in ("change", "cmi_before", "cmi_after")]
        found = {name: _plain(getattr(self, name)) for name in names}
        return found | {"change": float(self.change), "cmi_before": self.cmi_before, "cmi_after": self.cmi_after}


@dataclass(frozen=True, slots=True, eq=False)
class Impact:
    """What changes for a set of cases when scheme `b` takes the place of scheme `a`.

    rows : cases; moved, moved_adrg, moved_mdc : with another DRG, ADRG, MDC
    status : (status under a, status under b) -> cases; they sum to rows
    renumbered : of those moved, cases whose group only got another code (same name, which no other group bears)
    flows : one row per pair of answers that occurs, largest movements first, then what stays: kind (stays, renumbered,
        drg, adrg, mdc, becomes_grouped, becomes_ambiguous, becomes_ungroupable, becomes_invalid), old_status,
        old_mdc, old_adrg, old, old_name, new_..., cases, share_of_old, example_rows; with weights also old_weight,
        new_weight, weight_before, weight_after, weight_change, price, mix, not_comparable (decimal)
    mdcs : kind, old_status, old_mdc, new_status, new_mdc, cases
    severity : before, after (MCC, CC, none; null where no group asks), cases
    departments : one row per department, most cases first, see docs/impact.md
    department_severity : department, before, after, cases
    groups : one row per group that occurs: code, name, status, cases before and after, stayed, left, arrived, weights
    weights : None without weight tables
    department_column : where departments were read from, None when there is no such column
    checks : sums that must agree; remarks : what is to be known
    """

    a: SchemeName
    b: SchemeName
    rows: int
    moved: int
    moved_adrg: int
    moved_mdc: int
    status: Mapping[tuple[str, str], int]
    flows: pa.Table
    mdcs: pa.Table
    severity: pa.Table
    departments: pa.Table
    department_severity: pa.Table
    groups: pa.Table
    weights: WeightTotals | None
    department_column: str | None
    checks: tuple[Check, ...]
    remarks: tuple[Remark, ...]

    @property
    def reconciled(self) -> bool:
        """Whether every check holds."""
        return all(check.holds for check in self.checks)

    @property
    def renumbered(self) -> int:
        """Cases that move only because their group got another code, its name being the same."""
        pairs = zip(self.flows["kind"].to_pylist(), self.flows["cases"].to_pylist(), strict=True)
        return sum(n for kind, n in pairs if kind == "renumbered")

    @property
    def invalid(self) -> int:
        """Cases that are invalid under one of the schemes."""
        return sum(n for pair, n in self.status.items() if "invalid" in pair)

    def newly(self, status: str) -> int:
        """Cases that have a status under b and had another one under a."""
        return sum(n for (old, new), n in self.status.items() if new == status != old)

    def to_dict(self, top: int | None = None) -> dict[str, Any]:
        """Plain values for JSON; weights as numbers. top : at most so many flows of cases that move, None = all."""
        flows = [row for row in self.flows.to_pylist() if row["kind"] != "stays"]
        return {
            "from": _scheme(self.a),
            "to": _scheme(self.b),
            "rows": self.rows,
            "moved": {"drg": self.moved, "adrg": self.moved_adrg, "mdc": self.moved_mdc, "renumbered": self.renumbered},
            "newly": {status: self.newly(status) for status in STATUSES},
            "status": [{"from": old, "to": new, "cases": n} for (old, new), n in self.status.items()],
            "weights": self.weights.to_dict() if self.weights else None,
            "severity": self.severity.to_pylist(),
            "department_column": self.department_column,
            "departments": _rows(self.departments.to_pylist()),
            "department_severity": self.department_severity.to_pylist(),
            "movements": _rows(flows[:top]),
            "movements_in_all": len(flows),
            "groups": _rows(self.groups.to_pylist()),
            "reconciled": self.reconciled,
            "checks": [
                {"check": one.key, "found": _plain(one.found), "expected": _plain(one.expected)} for one in self.checks
            ],
            "remarks": [remark.text("en") for remark in self.remarks],
        }


def _scheme(name: SchemeName) -> dict[str, Any]:
    return {"id": name.id, "title": dict(name.title), "version": name.version, "digest": name.digest}


def _rows(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: _plain(value) for key, value in row.items()} for row in rows]


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value
