"""Adding up the quality of an export batch by batch, in bounded memory."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from drgengine.cases import resolve_columns
from drgengine.cases.issues import BatchIssue, issue_rules
from drgengine.formats.frontpage.schema import FRONT_PAGE_SCHEMA
from drgengine.grouper.group import RESULT_COLUMNS, Grouper
from drgengine.grouper.scheme import Scheme
from drgengine.grouper.tables import STATUSES
from drgengine.quality.problems import Tally, rank_problems
from drgengine.quality.readmitted import StayCollector
from drgengine.quality.result import Completeness, Department, QualityReport, RuleCount
from drgengine.quality.words import settings

GROUPED = "grouped"


class QualityCollector:
    """Takes cleaned batches with their issues and groups them; `report` says what was seen.

    scheme : what the rows are grouped by
    A batch has the columns of FRONT_PAGE_SCHEMA (more may stand beside them). Memory does not grow with the rows but
    for about 60 bytes each for readmissions, up to a limit (data/quality.toml).
    """

    def __init__(self, scheme: Scheme) -> None:
        self._scheme = scheme
        self._grouper = Grouper(scheme, resolve_columns(FRONT_PAGE_SCHEMA, None, "cases"))
        self._rows = 0
        self._filled: Counter[str] = Counter()
        self._domains: dict[str, Counter[str | None]] = {name: Counter() for name in settings()["domains"]["columns"]}
        self._rules: dict[str, Tally] = {}
        self._reasons: dict[str, Tally] = {}
        self._departments: Counter[tuple[str, str]] = Counter()
        self._reasons_of: dict[str, Counter[str]] = {}
        self._first: dt.date | None = None
        self._last: dt.date | None = None
        self._fen = 0
        self._stays = StayCollector()

    def add(self, batch: pa.RecordBatch, issues: Sequence[BatchIssue], first_row: int) -> None:
        """Take in a batch whose first row has the number first_row, and every issue of its rows."""
        plain = pa.RecordBatch.from_arrays(
            [batch.column(name) for name in FRONT_PAGE_SCHEMA.names], schema=FRONT_PAGE_SCHEMA
        )
        answer = dict(zip(RESULT_COLUMNS, self._grouper.answer(plain, first_row).columns, strict=True))
        status = np.asarray(answer["status"].cast(pa.string()).to_pylist(), dtype=object)
        departments = _texts(plain.column("department_id"))
        self._rows += plain.num_rows
        self._count_columns(plain)
        self._count_departments(departments, status, _texts(answer["reason"]), first_row)
        self._count_issues(issues, status, departments, first_row)
        self._stays.add(plain, answer["drg"].cast(pa.string()))

    def report(
        self,
        *,
        source: str,
        profile: str,
        code_edition: str,
        superseded: int = 0,
        counted: Mapping[str, int] | None = None,
        signs: Mapping[str, str] | None = None,
    ) -> QualityReport:
        """The report of everything taken in. superseded, counted, signs : as the reader says after the last batch."""
        status = {name: sum(n for (_, s), n in self._departments.items() if s == name) for name in STATUSES}
        not_grouped = self._rows - status[GROUPED]
        rules = issue_rules()
        return QualityReport(
            source=source,
            profile=profile,
            code_edition=code_edition,
            scheme=self._scheme.id,
            rows=self._rows,
            superseded=superseded,
            status=status,
            period=(self._first, self._last) if self._first and self._last else None,
            charges=self._fen / 100,
            completeness=tuple(
                Completeness(name, column_title(name), required, self._filled[name])
                for name, required in settings()["completeness"].items()
            ),
            domains={name: _by_frequency(counts) for name, counts in self._domains.items()},
            rules=tuple(
                RuleCount(
                    name, rules[name].get("kind", "text"), rules[name]["severity"], t.cells, t.rows, t.not_grouped
                )
                for name, t in sorted(self._rules.items(), key=lambda item: (-item[1].rows, item[0]))
            ),
            counted=dict(counted or {}),
            departments=self._department_table(),
            reasons={name: t.rows for name, t in sorted(self._reasons.items(), key=lambda i: (-i[1].rows, i[0]))},
            readmitted=self._stays.result(),
            problems=rank_problems(self._rules, self._reasons, self._rows, not_grouped),
            signs=dict(signs or {}),
        )

    def _count_columns(self, batch: pa.RecordBatch) -> None:
        for name in settings()["completeness"]:
            self._filled[name] += _filled(batch.column(name))
        for name, counts in self._domains.items():
            for item in pc.value_counts(batch.column(name).cast(pa.string())).to_pylist():
                counts[item["values"]] += item["counts"]
        days = batch.column("discharge_date")
        if days.null_count < len(days):
            low, high = (pc.min_max(days)[key].as_py() for key in ("min", "max"))
            self._first = low if self._first is None else min(low, self._first)
            self._last = high if self._last is None else max(high, self._last)
        fen = np.nan_to_num(batch.column("total_charge").to_numpy(zero_copy_only=False) * 100, nan=0.0)
        self._fen += int(np.rint(fen).astype(np.int64).sum())

    def _count_departments(
        self, departments: np.ndarray, status: np.ndarray, reasons: np.ndarray, first_row: int
    ) -> None:
        self._departments.update(zip(departments.tolist(), status.tolist(), strict=True))
        for at in np.flatnonzero(status != GROUPED).tolist():
            reason, department = reasons[at], departments[at]
            if not reason:
                continue
            tally = self._reasons.setdefault(reason, Tally())
            tally.cells += 1
            tally.rows += 1
            tally.not_grouped += 1
            tally.departments[department] += 1
            tally.examples.append(first_row + at)
            del tally.examples[settings()["example_rows"] :]
            self._reasons_of.setdefault(department, Counter())[reason] += 1

    def _count_issues(
        self, issues: Sequence[BatchIssue], status: np.ndarray, departments: np.ndarray, first_row: int
    ) -> None:
        rows_of: dict[str, list[np.ndarray]] = {}
        for issue in issues:
            if issue.rows.size == 0:
                continue
            tally = self._rules.setdefault(issue.rule, Tally())
            tally.cells += issue.rows.size
            if issue.column:
                tally.columns[issue.column] += issue.rows.size
            rows_of.setdefault(issue.rule, []).append(issue.rows)
        for rule, parts in rows_of.items():
            at = np.unique(np.concatenate(parts)) - first_row
            tally = self._rules[rule]
            tally.rows += at.size
            tally.not_grouped += int((status[at] != GROUPED).sum())
            tally.departments.update(departments[at].tolist())
            tally.examples = (tally.examples + (at[:3] + first_row).tolist())[: settings()["example_rows"]]

    def _department_table(self) -> tuple[Department, ...]:
        names = {name for name, _ in self._departments}
        table = []
        for name in names:
            grouped, ambiguous, ungroupable, invalid = (
                self._departments[name, status] for status in ("grouped", "ambiguous", "ungroupable", "invalid")
            )
            cases = grouped + ambiguous + ungroupable + invalid
            reason = next(iter(_by_frequency(self._reasons_of.get(name, Counter()))), None)
            table.append(Department(name, cases, grouped, ambiguous, ungroupable, invalid, reason))
        return tuple(sorted(table, key=lambda row: (row.grouped - row.cases, row.department)))


def column_title(name: str) -> str:
    """The Chinese title of a column of FRONT_PAGE_SCHEMA."""
    return str((FRONT_PAGE_SCHEMA.field(name).metadata or {}).get(b"title", name.encode()).decode())


def _texts(values: pa.Array) -> np.ndarray:
    return np.asarray(pc.fill_null(values.cast(pa.string()), "").to_pylist(), dtype=object)


def _filled(values: pa.Array) -> int:
    """Rows with a value; a list counts when its first element does."""
    if not pt.is_list(values.type):
        if pt.is_string(values.type):
            return int(pc.sum(pc.not_equal(values, "")).as_py() or 0)
        return len(values) - values.null_count
    sizes = pc.fill_null(pc.list_value_length(values), 0).to_numpy(zero_copy_only=False)
    filled = int((sizes > 0).sum())
    if filled == 0 or not pt.is_string(values.type.value_type):
        return filled
    flat = values.flatten()
    starts = (np.cumsum(sizes) - sizes)[sizes > 0]
    first = pc.fill_null(flat.take(pa.array(starts)), "")
    return int(pc.sum(pc.not_equal(first, "")).as_py() or 0)


def _by_frequency(counts: Counter[str | None] | Counter[str]) -> dict[str | None, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0] or "")))
