"""Cases counted by what two schemes say of them: one reading, batch by batch, in bounded memory."""

from __future__ import annotations

import difflib
import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from drgengine.cases import ColumnMap, missing_required, resolve_columns
from drgengine.cases.codes import trim_texts
from drgengine.cases.coerce import distinct
from drgengine.cases.shown import shown_name, shown_names
from drgengine.cases.unreadable import decoded
from drgengine.cases.vocabulary import is_personal, role_of
from drgengine.errors import CaseTableError, DrgEngineError
from drgengine.formats import list_parts, open_source
from drgengine.grouper.cache import compiled
from drgengine.grouper.group import BATCH_ROWS, BatchAnswer, Grouper, as_table
from drgengine.grouper.scheme import Scheme
from drgengine.grouper.schemefile import load_scheme

__all__ = ["DEPARTMENT", "EXAMPLE_ROWS", "Answer", "PairCounts", "count_pairs"]

DEPARTMENT = "department_id"
EXAMPLE_ROWS = 3
MOST_DEPARTMENTS = 10_000
_COMPACT_AT = 400_000
_LEAVES = 1 << 15
_SEVERITIES: tuple[str | None, ...] = (None, "MCC", "CC", "none")
_SINGLE = ("case_id", "patient_id")
_ALWAYS_READ = ("sex", "dx", "proc", DEPARTMENT, "admission_date", "discharge_date")
Progress = Callable[[int, int | None], None]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a scheme says of a case: status, codes (None where there is none), severity MCC, CC, none or None."""

    status: str
    mdc: str | None
    adrg: str | None
    drg: str | None
    severity: str | None


@dataclass(frozen=True, slots=True, eq=False)
class PairCounts:
    """Cases by department and by their answers under two schemes; the same whatever the batch size and threads.

    schemes : the two ids; rows : cases read; departments : names in alphabetical order, "" = none is stated
    old_answers, new_answers : distinct answers under the first and under the second scheme
    department, old, new : int64 (cells,), numbers into the three lists; n : int64 (cells,), cases; they sum to rows
    examples : int64 (cells, 3), first row numbers from 1, 0 = no further one
    department_column : the column departments were read from, None when there is none
    absent : columns that every case needs and that were not found
    """

    schemes: tuple[str, str]
    rows: int
    departments: tuple[str, ...]
    old_answers: tuple[Answer, ...]
    new_answers: tuple[Answer, ...]
    department: np.ndarray
    old: np.ndarray
    new: np.ndarray
    n: np.ndarray
    examples: np.ndarray
    department_column: str | None
    absent: tuple[str, ...]

    def cells(self) -> Iterator[tuple[Answer, Answer, int, list[int]]]:
        """Every cell: answer under the first scheme, under the second, cases, first rows."""
        lists = (self.old.tolist(), self.new.tolist(), self.n.tolist(), self.examples.tolist())
        for old, new, n, rows in zip(*lists, strict=True):
            yield self.old_answers[old], self.new_answers[new], n, [row for row in rows if row]


def count_pairs(
    cases: Any,
    a: str | Path | Scheme,
    b: str | Path | Scheme,
    *,
    columns: Mapping[str, str] | None = None,
    department: str | None = None,
    batch_rows: int = BATCH_ROWS,
    threads: int | None = None,
    encoding: str = "auto",
    progress: Progress | None = None,
) -> PairCounts:
    """Group cases under two schemes and count them by department and pair of answers.

    cases : path of a file or folder that `group_file` reads, or a table that `group` takes
    department : column to count by, by its header or by a canonical name; None counts all cases together. The
        column department_id may be absent, another one may not
    threads : default all cores; progress : called with (rows, rows in all or None) after every batch
    raises InputFileError, CaseTableError, SchemeError

    Only the columns that the two schemes ask for are read.
    """
    for name, value in (("threads", threads), ("batch_rows", batch_rows)):
        if value is not None and value < 1:
            raise DrgEngineError(f"argument {name}", f"{value} is too small", "Give a whole number from 1")
    refuse_department(department)
    schemes = load_scheme(a), load_scheme(b)
    counter = _Counter()
    reading = _Reading(schemes, columns, department, batch_rows, encoding)
    workers = threads or os.cpu_count() or 1
    with ThreadPoolExecutor(workers) as pool:
        for part in reading.parts(cases):
            with reading.opened(part) as (layout, batches, total):
                pair = _Pair(schemes, layout, reading.department_in(layout))
                for done in _in_order(pool, pair, batches, workers, counter.rows + 1):
                    counter.add(done)
                    if progress is not None:
                        progress(counter.rows, total)
    return counter.result((schemes[0].id, schemes[1].id), reading)


def refuse_department(department: str | None) -> None:
    """CaseTableError for a column that tells single persons apart."""
    if department is None:
        return
    role = role_of(department)
    if is_personal(department) or (role is not None and role.name in _SINGLE):
        problem = f"the column {shown_name(department)!r} tells single persons apart and is not read"
        raise CaseTableError("department", problem, "Name a column of departments, wards or hospitals")


class _Reading:
    """Where batches come from, and the columns that are read."""

    def __init__(
        self,
        schemes: tuple[Scheme, Scheme],
        columns: Mapping[str, str] | None,
        department: str | None,
        batch_rows: int,
        encoding: str,
    ) -> None:
        self.columns, self.department = columns, department
        self.options: dict[str, Any] = {"batch_rows": batch_rows, "encoding": encoding}
        self.needed = {*_ALWAYS_READ, *(name for scheme in schemes for name in compiled(scheme).numbers)}
        self.single = True
        self.headers: list[str] = []
        self.absent: tuple[str, ...] = ()
        self.department_column: str | None = None

    def parts(self, cases: Any) -> Sequence[Any]:
        """Files, or one table."""
        found = list_parts(cases) if isinstance(cases, str | os.PathLike) else [as_table(cases)]
        self.single = len(found) == 1
        return found

    @contextmanager
    def opened(self, part: Any) -> Iterator[tuple[ColumnMap, Iterator[pa.RecordBatch], int | None]]:
        """Columns, batches and number of rows of a file or table."""
        if isinstance(part, pa.Table):
            kept = part.select(self._wanted(part.column_names))
            layout = resolve_columns(kept.schema, self.columns, "cases")
            self._note(layout)
            yield layout, iter(kept.to_batches(max_chunksize=self.options["batch_rows"])), kept.num_rows
            return
        with open_source(part, columns=self._wanted, **self.options) as source:
            layout = resolve_columns(source.output_schema, self.columns, str(part))
            self._note(layout)
            yield layout, source.batches(), source.num_rows if self.single else None

    def _note(self, layout: ColumnMap) -> None:
        self.absent = tuple(dict.fromkeys((*self.absent, *missing_required(layout))))

    def _wanted(self, names: list[str]) -> list[str]:
        """The columns to read; all of them where no diagnosis is found, so that the message can name them."""
        self.headers = names
        mapped = self.columns or {}
        roles = {name: role_of(name) for name in names}
        if not any(role is not None and role.name == "dx" for role in roles.values()) and not any(
            str(target).startswith("dx") for target in mapped.values()
        ):
            return names
        return [
            name
            for name, role in roles.items()
            if name in mapped or name == self.department or (role is not None and role.name in self.needed)
        ]

    def department_in(self, layout: ColumnMap) -> str | None:
        """The column that holds the department, None when there is none."""
        wanted = self.department
        if wanted is None:
            return None
        column = wanted if wanted in self.headers else layout.scalars.get(wanted)
        if column is None:
            if wanted == DEPARTMENT:
                return None
            near = difflib.get_close_matches(wanted, self.headers, n=3, cutoff=0.5) or self.headers
            problem = f"there is no column {shown_name(wanted)!r} to count by"
            raise CaseTableError(layout.source, problem, f"Correct --department; columns: {shown_names(near)}")
        self.department_column = column
        return column


@dataclass(frozen=True, slots=True, eq=False)
class _Done:
    """A batch that both schemes answered. keys : see _Pair.answer; names : departments; answers : leaf -> answer."""

    rows: int
    keys: np.ndarray
    n: np.ndarray
    examples: np.ndarray
    names: list[str]
    answers: tuple[dict[int, Answer], dict[int, Answer]]


class _Pair:
    """Two groupers for tables of one layout. `answer` is pure and may run in several threads at once."""

    def __init__(self, schemes: tuple[Scheme, Scheme], layout: ColumnMap, department: str | None) -> None:
        self.groupers = [Grouper(scheme, layout) for scheme in schemes]
        self.department, self.source = department, layout.source

    def answer(self, batch: pa.RecordBatch, first_row: int) -> _Done:
        """The cells of a batch: key = department, leaf and severity under each scheme, as one number."""
        answers = [grouper.answer(batch, first_row) for grouper in self.groupers]
        place, names = self._departments(batch)
        key = place.astype(np.int64)
        for answer in answers:
            key = (key * _LEAVES + answer.leaf) * len(_SEVERITIES) + _severity(answer)
        order = np.argsort(key, kind="stable")
        keys, starts, n = np.unique(key[order], return_index=True, return_counts=True)
        rows = order + first_row
        at = np.minimum(starts[:, None] + np.arange(EXAMPLE_ROWS), max(order.size - 1, 0))
        examples = np.where(np.arange(EXAMPLE_ROWS) < n[:, None], rows[at], 0) if order.size else at
        old, new = (_answers(answer) for answer in answers)
        return _Done(batch.num_rows, keys, n, examples, names, (old, new))

    def _departments(self, batch: pa.RecordBatch) -> tuple[np.ndarray, list[str]]:
        if self.department is None:
            return np.zeros(batch.num_rows, np.int32), [""]
        values = batch.column(self.department)
        if pt.is_nested(values.type):
            problem = f"the column {shown_name(self.department)!r} holds lists and cannot be counted by"
            raise CaseTableError(self.source, problem, "Name a column with one text per case (--department)")
        try:
            index, texts = distinct(values)
            return index, trim_texts(texts)
        except (UnicodeDecodeError, pa.ArrowInvalid):
            index, texts = distinct(decoded(values)[0])
            return index, trim_texts(texts)


def _severity(answer: BatchAnswer) -> np.ndarray:
    """Place in _SEVERITIES per row."""
    column = answer.columns[4]
    words = column.dictionary.to_pylist()
    place = np.array([*(_SEVERITIES.index(word) for word in words), 0], np.int64)
    return place[pc.fill_null(column.indices, len(words)).to_numpy(zero_copy_only=False)]


def _answers(answer: BatchAnswer) -> dict[int, Answer]:
    """Leaf -> what it stands for, of the leaves in a batch; severity is no matter of the leaf."""
    leaves, first = np.unique(answer.leaf, return_index=True)
    cells = [column.take(pa.array(first)).to_pylist() for column in answer.columns[:4]]
    told = zip(leaves.tolist(), *cells, strict=True)
    return {leaf: Answer(status, mdc, adrg, drg, None) for leaf, status, mdc, adrg, drg in told}


def _in_order(
    pool: ThreadPoolExecutor, pair: _Pair, batches: Iterator[pa.RecordBatch], workers: int, first_row: int
) -> Iterator[_Done]:
    """Batches answered in the order in which they are read, a few at a time."""
    waiting: deque[Future[_Done]] = deque()
    for batch in batches:
        waiting.append(pool.submit(pair.answer, batch, first_row))
        first_row += batch.num_rows
        if len(waiting) > workers:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


class _Counter:
    """Adds up cells, batch by batch and in order."""

    def __init__(self) -> None:
        self.rows = 0
        self.names: dict[str, int] = {}
        self.answers: tuple[dict[int, Answer], dict[int, Answer]] = ({}, {})
        self.held: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        self.size = 0

    def add(self, done: _Done) -> None:
        """Take in one batch."""
        self.rows += done.rows
        number = np.array([self.names.setdefault(name, len(self.names)) for name in done.names], np.int64)
        if len(self.names) > MOST_DEPARTMENTS:
            problem = f"the column of departments holds more than {MOST_DEPARTMENTS:,} different values"
            raise CaseTableError("department", problem, "Name a column of departments, wards or hospitals")
        base = (_LEAVES * len(_SEVERITIES)) ** 2
        keys = number[done.keys // base] * base + done.keys % base
        for held, found in zip(self.answers, done.answers, strict=True):
            held.update(found)
        self.held.append((keys, done.n, done.examples))
        self.size += keys.size
        if self.size > _COMPACT_AT:
            self._compact()

    def _compact(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        if not self.held:
            return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, EXAMPLE_ROWS), np.int64)
        keys, n, examples = (np.concatenate(parts) for parts in zip(*self.held, strict=True))
        order = np.argsort(keys, kind="stable")
        unique, starts, group = np.unique(keys[order], return_index=True, return_inverse=True)
        # Batches come in order, so the first rows of a cell stand first among its entries.
        rows = examples[order].ravel()
        of = np.repeat(group, EXAMPLE_ROWS)[rows > 0]
        rows = rows[rows > 0]
        rank = np.arange(rows.size) - np.searchsorted(of, of)
        first = np.zeros((unique.size, EXAMPLE_ROWS), np.int64)
        kept = rank < EXAMPLE_ROWS
        first[of[kept], rank[kept]] = rows[kept]
        counts = np.add.reduceat(n[order], starts) if unique.size else np.zeros(0, np.int64)
        self.held = [(unique, counts, first)]
        self.size = unique.size
        return self.held[0]

    def result(self, schemes: tuple[str, str], reading: _Reading) -> PairCounts:
        """The cells, ordered by department, old and new answer."""
        keys, n, examples = self._compact()
        numbers, answers = [], []
        for facts in reversed(self.answers):  # the key holds the second scheme in its lowest digits
            keys, low = np.divmod(keys, _LEAVES * len(_SEVERITIES))
            found, place = np.unique(low, return_inverse=True)
            told = [_with_severity(facts[one // len(_SEVERITIES)], one % len(_SEVERITIES)) for one in found.tolist()]
            numbers.append(place.astype(np.int64))
            answers.append(tuple(told))
        met = list(self.names)
        names = sorted(met[at] for at in np.unique(keys).tolist())
        rank = {name: at for at, name in enumerate(names)}
        department = np.array([rank.get(name, -1) for name in met], np.int64)[keys]
        new, old = numbers
        order = np.lexsort((new, old, department))
        return PairCounts(
            schemes, self.rows, tuple(names), answers[1], answers[0],
            department[order], old[order], new[order], n[order].astype(np.int64), examples[order],
            reading.department_column, reading.absent,
        )  # fmt: skip


def _with_severity(answer: Answer, severity: int) -> Answer:
    return Answer(answer.status, answer.mdc, answer.adrg, answer.drg, _SEVERITIES[severity])
