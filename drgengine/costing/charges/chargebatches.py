"""Charge files as record batches: only the columns needed, several row groups at a time."""

from __future__ import annotations

import datetime as dt
import queue
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.types as pt

from drgengine.costing.intake.vocabulary import tables
from drgengine.errors import CostingError, InputFileError
from drgengine.formats import list_parts, open_source
from drgengine.formats.source import PARQUET_ENDINGS

CODES = ("case_id", "patient_type", "order_dept", "exec_dept", "item_code")
_ALWAYS = (*CODES, "qty", "amount", "reversal")
_HUGE_GROUP_BYTES, _PIECE_BYTES = 256 << 20, 4 << 20


@dataclass(frozen=True, slots=True)
class ChargeBatch:
    """Some lines of one file.

    columns : canonical name -> Arrow array; what the file lacks or nobody needs is absent
    first_row : number of the first line in its file, from 1
    all_visits : True when every line is known to have a visit number
    """

    path: Path
    columns: Mapping[str, pa.Array]
    first_row: int
    all_visits: bool

    @property
    def rows(self) -> int:
        """Number of lines."""
        return len(self.columns["amount"])


@dataclass(frozen=True, slots=True)
class ChargeFile:
    """One file: its columns by canonical name, factors of units in headers, lines if known without reading."""

    path: Path
    columns: Mapping[str, str]
    factors: Mapping[str, float]
    rows: int | None
    metadata: Any


Task = Callable[[], Iterator[ChargeBatch]]


def open_charges(path: Path) -> list[ChargeFile]:
    """The file, or the Parquet files of a folder, with their columns.

    Raises InputFileError, and CostingError where a needed column is absent or stands twice.
    """
    return [_open(part) for part in list_parts(path)]


def _open(path: Path) -> ChargeFile:
    words = tables()["charges"]
    with open_source(path, batch_rows=1024, keep_personal=True) as source:
        headers, rows, logical = source.output_schema.names, source.num_rows, source.output_schema
    match = words.match(headers)
    if match.twice:
        name, first, second = match.twice[0]
        raise CostingError(
            str(path), f"{first!r} and {second!r} both mean {words.columns[name].label}", "Rename one of them"
        )
    if match.missing:
        labels = ", ".join(words.columns[name].label for name in match.missing)
        near = words.nearest(match.missing[0], match.unknown)
        hint = f"; perhaps {near!r}?" if near else ""
        raise CostingError(str(path), f"no column holds {labels}", f"Add it, or name its header so{hint}")
    for name, header in match.columns.items():
        if pt.is_nested(logical.field(header).type) and name in _ALWAYS:
            kind = logical.field(header).type
            raise CostingError(
                str(path), f"the column {header!r} holds {kind} values", "Write one plain value per line"
            )
    metadata = pq.read_metadata(path) if path.name.lower().endswith(PARQUET_ENDINGS) else None
    return ChargeFile(path, dict(match.columns), dict(match.factors), rows, metadata)


def tasks(file: ChargeFile, batch_rows: int, period: tuple[dt.date, dt.date]) -> Iterator[Task]:
    """Pieces of a file that can be read side by side; together they are the file."""
    if file.metadata is None:
        yield lambda: _text_batches(file, batch_rows)
        return
    reader = _Readers(file)
    first, row = 0, 1
    count = file.metadata.num_row_groups
    while first < count:
        last, rows = first, 0
        # Small groups are read together, as each costs an open dictionary.
        while last < count and (rows == 0 or rows + file.metadata.row_group(last).num_rows <= batch_rows):
            rows += file.metadata.row_group(last).num_rows
            last += 1
        groups = list(range(first, last))
        yield _group_task(reader, groups, row, batch_rows, period)
        first, row = last, row + rows


class _Readers:
    """A reader of the file for each thread."""

    def __init__(self, file: ChargeFile) -> None:
        self.file = file
        self._mine = threading.local()
        names = file.metadata.schema.to_arrow_schema()
        self.coded = [file.columns[c] for c in CODES if c in file.columns and _is_text(names, file.columns[c])]
        largest = max(
            (file.metadata.row_group(g).total_byte_size for g in range(file.metadata.num_row_groups)), default=0
        )
        self._piece = _PIECE_BYTES if largest > _HUGE_GROUP_BYTES else 0
        self.leaf = {file.metadata.schema.column(k).path: k for k in range(file.metadata.num_columns)}

    def open(self) -> pq.ParquetFile:
        """This thread's reader."""
        if not hasattr(self._mine, "reader"):
            self._mine.reader = pq.ParquetFile(
                self.file.path, metadata=self.file.metadata, read_dictionary=self.coded, buffer_size=self._piece
            )
        return self._mine.reader

    def statistics(self, group: int, name: str) -> Any:
        """Statistics of a column chunk, None without."""
        leaf = self.leaf.get(self.file.columns.get(name, ""))
        chunk = None if leaf is None else self.file.metadata.row_group(group).column(leaf)
        return chunk.statistics if chunk is not None and chunk.is_stats_set else None


def _group_task(
    readers: _Readers, groups: list[int], first_row: int, batch_rows: int, period: tuple[dt.date, dt.date]
) -> Task:
    columns = readers.file.columns
    names = [name for name in _ALWAYS if name in columns]
    if "charge_date" in columns and not all(_inside(readers.statistics(g, "charge_date"), period) for g in groups):
        names.append("charge_date")
    ids = all(_never_blank(readers.statistics(g, "visit_id")) for g in groups) and "visit_id" in columns
    asked = any(
        not _never_blank(readers.statistics(g, "case_id")) and not _never_blank(readers.statistics(g, "patient_type"))
        for g in groups
    )
    if "visit_id" in columns and asked and not ids:
        names.append("visit_id")

    def batches() -> Iterator[ChargeBatch]:
        row, path = first_row, readers.file.path
        wanted = [columns[name] for name in names]
        try:
            # Pieces are read side by side; only where there is but one, its columns are.
            alone = len(groups) == readers.file.metadata.num_row_groups
            stream = readers.open().iter_batches(batch_rows, row_groups=groups, columns=wanted, use_threads=alone)
            for batch in stream:
                arrays = {name: batch.column(columns[name]) for name in names}
                yield ChargeBatch(path, arrays, row, ids)
                row += batch.num_rows
        except (pa.ArrowException, OSError) as error:
            words = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise InputFileError(
                str(path), f"the Parquet file is damaged ({words})", "Write or copy the file again"
            ) from error

    return batches


def _text_batches(file: ChargeFile, batch_rows: int) -> Iterator[ChargeBatch]:
    names = [name for name in (*_ALWAYS, "charge_date", "visit_id") if name in file.columns]
    row = 1
    with open_source(file.path, batch_rows=batch_rows, keep_personal=True) as source:
        for batch in source.batches():
            yield ChargeBatch(file.path, {name: batch.column(file.columns[name]) for name in names}, row, False)
            row += batch.num_rows


def _is_text(schema: pa.Schema, name: str) -> bool:
    kind = schema.field(name).type
    return pt.is_string(kind) or pt.is_large_string(kind) or pt.is_string_view(kind)


def _never_blank(statistics: Any) -> bool:
    """True when no value of the chunk is null or begins with a blank."""
    if statistics is None or not statistics.has_null_count or statistics.null_count or not statistics.has_min_max:
        return False
    return not isinstance(statistics.min, str) or statistics.min[:1] > " "


def _inside(statistics: Any, period: tuple[dt.date, dt.date]) -> bool:
    if statistics is None or not statistics.has_min_max:
        return False
    low, high = _date(statistics.min), _date(statistics.max)
    return low is not None and high is not None and period[0] <= low and high <= period[1]


def _date(value: Any) -> dt.date | None:
    if isinstance(value, dt.datetime):
        return value.date() if value.tzinfo is None else None
    return value if isinstance(value, dt.date) else None


def run_tasks(
    work: Iterator[Task], threads: int, take: Callable[[ChargeBatch], None], done: Callable[[int], None]
) -> None:
    """Read all tasks in `threads` threads; `take` runs in them, `done(rows)` in the calling one, after every batch.

    An exception of any thread, or of `done`, or an interrupt, ends them all after their current batch and is raised.
    """
    if threads == 1:
        for task in work:
            for batch in task():
                take(batch)
                done(batch.rows)
        return
    reports: queue.SimpleQueue[int | BaseException | None] = queue.SimpleQueue()
    stopped, turn = threading.Event(), threading.Lock()

    def run() -> None:
        try:
            while not stopped.is_set():
                with turn:
                    task = next(work, None)
                if task is None:
                    break
                for batch in task():
                    take(batch)
                    reports.put(batch.rows)
                    if stopped.is_set():
                        break
        except BaseException as error:  # handed to the calling thread, which raises it
            reports.put(error)
        finally:
            reports.put(None)

    workers = [threading.Thread(target=run, name=f"drgengine-charges-{k}", daemon=True) for k in range(threads)]
    for worker in workers:
        worker.start()
    try:
        running = threads
        while running:
            report = reports.get()
            if isinstance(report, BaseException):
                raise report
            if report is None:
                running -= 1
            else:
                done(report)
    finally:
        stopped.set()
        for worker in workers:
            worker.join()
