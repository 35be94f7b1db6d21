"""Which cases move from group to group when one scheme takes the place of another."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from drgengine.cases import resolve_columns
from drgengine.formats import list_parts, open_source
from drgengine.grouper.cache import compiled
from drgengine.grouper.compile import Compiled
from drgengine.grouper.group import BATCH_ROWS, Grouper
from drgengine.grouper.scheme import Scheme
from drgengine.grouper.schemefile import load_scheme
from drgengine.grouper.tables import STATUSES

__all__ = ["CaseFlow", "CaseMovement", "diff_cases"]

EXAMPLE_ROWS = 3
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

    def lines(self, limit: int | None = 20) -> list[str]:
        """Text for a person: totals, changes of status, then the largest flows, at most `limit` of them."""
        share = f" ({self.moved / self.rows:.1%})" if self.rows else ""
        text = [
            f"{self.a} -> {self.b}: {self.rows:,} cases, {self.moved:,}{share} with another answer",
            f"  another MDC {self.moved_mdc:,}, another ADRG {self.moved_adrg:,}",
        ]
        text += [f"  {old} -> {new}: {n:,}" for (old, new), n in self.status.items() if old != new]
        moving = [flow for flow in self.flows if flow.old != flow.new]
        shown = moving if limit is None else moving[:limit]
        for flow in shown:
            rows = ", ".join(map(str, flow.example_rows))
            text.append(f"{flow.old or 'invalid'} -> {flow.new or 'invalid'}: {flow.n:,} (rows {rows})")
        if len(moving) > len(shown):
            text.append(f"... and {len(moving) - len(shown):,} more pairs of groups")
        return text


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
    schemes = load_scheme(a), load_scheme(b)
    count = _MovementCounter(*(compiled(scheme) for scheme in schemes))
    parts = list_parts(cases)
    with ThreadPoolExecutor(2) as pool:
        for part in parts:
            with open_source(part, batch_rows=batch_rows, encoding=encoding) as source:
                layout = resolve_columns(source.output_schema, columns, str(part))
                groupers = [Grouper(scheme, layout) for scheme in schemes]
                for batch in source.batches():
                    first_row = count.rows + 1
                    waiting = [pool.submit(grouper.answer, batch, first_row) for grouper in groupers]
                    count.add(*(answer.result().leaf for answer in waiting))
                    if progress is not None:
                        progress(count.rows, source.num_rows if len(parts) == 1 else None)
    return count.result(schemes[0].id, schemes[1].id)


class _MovementCounter:
    """Adds up pairs of answers, batch by batch and in order."""

    def __init__(self, a: Compiled, b: Compiled) -> None:
        self.answers: list[list[str | None]] = []
        self.number: list[np.ndarray] = []  # leaf -> answer, per scheme
        for made in (a, b):
            texts: list[str | None] = [None, made.ungroupable, *made.leaf_drg]
            answers = list(dict.fromkeys(texts))
            self.answers.append(answers)
            self.number.append(_numbered(texts, answers))
        self.status = [_numbered(_statuses(made), STATUSES) for made in (a, b)]
        # Places of the three levels that both schemes number alike, to see at which level a case moves.
        self.levels = [
            _numbered_alike(*([None, None, *getattr(m, name)] for m in (a, b))) for name in ("leaf_mdc", "leaf_adrg")
        ]
        self.levels.append(_numbered_alike(*([None, m.ungroupable, *m.leaf_drg] for m in (a, b))))
        self.rows = 0
        self.moved = np.zeros(3, np.int64)
        self.by_status = np.zeros(len(STATUSES) ** 2, np.int64)
        self.by_pair = np.zeros(len(self.answers[0]) * len(self.answers[1]), np.int64)
        self.examples: dict[int, list[int]] = {}

    def add(self, leaf_a: np.ndarray, leaf_b: np.ndarray) -> None:
        """Take in the leaves of one batch under both schemes."""
        pair = self.number[0][leaf_a] * len(self.answers[1]) + self.number[1][leaf_b]
        order = np.argsort(pair, kind="stable")
        keys, starts = np.unique(pair[order], return_index=True)
        for key, start in zip(keys.tolist(), starts.tolist(), strict=True):
            rows = self.examples.setdefault(key, [])
            if len(rows) < EXAMPLE_ROWS:
                candidates = order[start : start + EXAMPLE_ROWS - len(rows)]
                rows += (candidates[pair[candidates] == key] + self.rows + 1).tolist()
        self.by_pair += np.bincount(pair, minlength=self.by_pair.size)
        status = self.status[0][leaf_a] * len(STATUSES) + self.status[1][leaf_b]
        self.by_status += np.bincount(status, minlength=self.by_status.size)
        self.moved += [int((one[leaf_a] != other[leaf_b]).sum()) for one, other in self.levels]
        self.rows += leaf_a.size

    def result(self, a: str, b: str) -> CaseMovement:
        """The totals."""
        flows = []
        for key in np.flatnonzero(self.by_pair).tolist():
            old, new = divmod(key, len(self.answers[1]))
            rows = tuple(self.examples[key])
            flows.append(CaseFlow(self.answers[0][old], self.answers[1][new], int(self.by_pair[key]), rows))
        flows.sort(key=lambda flow: (-flow.n, flow.old or "", flow.new or ""))
        status = {
            (STATUSES[key // len(STATUSES)], STATUSES[key % len(STATUSES)]): int(self.by_status[key])
            for key in np.flatnonzero(self.by_status).tolist()
        }
        mdc, adrg, moved = self.moved.tolist()
        return CaseMovement(a, b, self.rows, moved, adrg, mdc, status, tuple(flows))


def _statuses(made: Compiled) -> list[str]:
    return ["invalid", "ungroupable", *("ambiguous" if odd else "grouped" for odd in made.leaf_ambiguous)]


def _numbered(texts: Iterable[str | None], words: Iterable[str | None]) -> np.ndarray:
    place = {word: at for at, word in enumerate(words)}
    return np.array([place[text] for text in texts], np.int64)


def _numbered_alike(a: list[str | None], b: list[str | None]) -> tuple[np.ndarray, np.ndarray]:
    words = list(dict.fromkeys((*a, *b)))
    return _numbered(a, words), _numbered(b, words)
