"""Which cases move from group to group when one scheme takes the place of another."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from drgengine.grouper.group import BATCH_ROWS
from drgengine.grouper.pairs import EXAMPLE_ROWS, PairCounts, count_pairs
from drgengine.grouper.scheme import Scheme
from drgengine.grouper.tables import STATUSES

__all__ = ["CaseFlow", "CaseMovement", "diff_cases"]

Progress = Callable[[int, int | None], None]


@dataclass(frozen=True, slots=True)
class CaseFlow:
    """Cases with one answer under the old scheme and one under the new.

    old, new : DRG, ADRG where the scheme answers with it, the code of no group (0000), None for invalid records
    n : number of cases; example_rows : the first row numbers, from 1
    """

    old: str | None
    new: str | None
    n: int
    example_rows: tuple[int, ...]


@dataclass(frozen=True)
class CaseMovement:
    """How the cases of a file are grouped under scheme `a` and under scheme `b`.

    rows : cases read; moved : those whose answer differs; moved_adrg, moved_mdc : whose ADRG, MDC differs
    status : (status under a, status under b) -> cases, in the order of the statuses; they sum to rows
    flows : every pair of answers that occurs, most cases first; they sum to rows
    """

    a: str
    b: str
    rows: int
    moved: int
    moved_adrg: int
    moved_mdc: int
    status: dict[tuple[str, str], int]
    flows: tuple[CaseFlow, ...]

    def to_table(self) -> pa.Table:
        """The flows as a table: from, to (string, null = invalid), n (int64), example_rows (list of int64)."""
        columns = {
            "from": pa.array([flow.old for flow in self.flows], pa.string()),
            "to": pa.array([flow.new for flow in self.flows], pa.string()),
            "n": pa.array([flow.n for flow in self.flows], pa.int64()),
            "example_rows": pa.array([list(flow.example_rows) for flow in self.flows], pa.list_(pa.int64())),
        }
        return pa.table(columns)

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values, for JSON."""
        status = [{"from": old, "to": new, "n": n} for (old, new), n in self.status.items()]
        return asdict(self) | {"status": status, "flows": self.to_table().to_pylist()}

    def lines(self, limit: int | None = 20, language: str = "en") -> list[str]:
        """Text for a person: totals, changes of status, then the largest flows, at most `limit` of them."""
        from drgengine.grouper.movementtext import movement_lines

        return movement_lines(self, limit, language)


def diff_cases(
    cases: str | os.PathLike[str],
    a: str | Path | Scheme,
    b: str | Path | Scheme,
    *,
    columns: Mapping[str, str] | None = None,
    batch_rows: int = BATCH_ROWS,
    encoding: str = "auto",
    progress: Progress | None = None,
) -> CaseMovement:
    """Group a file of cases under two schemes and count which cases move where (新旧方案对比).

    cases : .parquet, .csv, .csv.gz, .xlsx, or a folder of Parquet files, whose rows are counted through all files
    a, b : packaged name, path of a scheme folder, or a loaded Scheme; answers are compared by their codes
    columns, encoding : as in `group_file`; progress : called with (rows read, rows in all or None) after every batch
    returns CaseMovement; it does not depend on batch_rows
    raises InputFileError, CaseTableError, SchemeError

    The file is read once, and memory does not grow with the number of rows.
    """
    return _movement(
        count_pairs(cases, a, b, columns=columns, batch_rows=batch_rows, encoding=encoding, progress=progress)
    )


def _movement(counts: PairCounts) -> CaseMovement:
    """The totals of what was counted, by codes."""
    moved = {"mdc": 0, "adrg": 0, "drg": 0}
    status: dict[tuple[str, str], int] = {}
    flows: dict[tuple[str | None, str | None], int] = {}
    rows: dict[tuple[str | None, str | None], list[int]] = {}
    for old, new, n, examples in counts.cells():
        for level in moved:
            moved[level] += n if getattr(old, level) != getattr(new, level) else 0
        status[old.status, new.status] = status.get((old.status, new.status), 0) + n
        pair = old.drg, new.drg
        flows[pair] = flows.get(pair, 0) + n
        rows.setdefault(pair, []).extend(examples)
    found = [CaseFlow(*pair, n, tuple(sorted(rows[pair])[:EXAMPLE_ROWS])) for pair, n in flows.items()]
    found.sort(key=lambda flow: (-flow.n, flow.old or "", flow.new or ""))
    ordered = {(x, y): status[x, y] for x in STATUSES for y in STATUSES if (x, y) in status}
    a, b = counts.schemes
    return CaseMovement(a, b, counts.rows, moved["drg"], moved["adrg"], moved["mdc"], ordered, tuple(found))
