"""Grouping of files of any size: reading, grouping and writing overlap, memory is bounded, output appears whole."""

from __future__ import annotations

import os
import queue
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from drgengine.cases import BatchIssue, missing_required, resolve_columns
from drgengine.errors import DrgEngineError, OutputFileError
from drgengine.formats import Source, list_parts, open_front_page, open_sink, open_source, refuse_same
from drgengine.formats.issuefile import IssueFile
from drgengine.formats.sink import explain as explain_failure
from drgengine.formats.sink import keep_apart
from drgengine.grouper.cache import compiled
from drgengine.grouper.group import BATCH_ROWS, BatchAnswer, Grouper, refuse_taken_names, result_fields
from drgengine.grouper.scheme import Scheme
from drgengine.grouper.schemefile import DEFAULT_SCHEME, load_scheme
from drgengine.grouper.summary import GroupSummary, SummaryCounter

Progress = Callable[[int, int | None], None]
# A front page has hundreds of columns.
FRONT_PAGE_ROWS = 16_384
_END = object()


def group_file(
    input_path: str | os.PathLike[str],
    output_path: str | os.PathLike[str],
    scheme: str | Path | Scheme = DEFAULT_SCHEME,
    *,
    columns: Mapping[str, str] | None = None,
    prefix: str = "",
    threads: int | None = None,
    batch_rows: int = BATCH_ROWS,
    encoding: str = "auto",
    keep_personal: bool = False,
    only: Callable[[str], bool] | None = None,
    front_page: Mapping[str, Any] | None = None,
    issues: str | os.PathLike[str] | None = None,
    language: str = "en",
    progress: Progress | None = None,
) -> GroupSummary:
    """Group a file of cases into a new file, or a folder of Parquet files into a new folder.

    input_path : .parquet, .csv, .csv.gz (UTF-8 or GB18030), .xlsx, or a (partitioned) folder of Parquet files
    output_path : .parquet, .csv or .csv.gz; for a folder, a folder that does not exist yet
    scheme, columns, prefix : as in `group`
    threads : default all cores; the output does not depend on it, nor on batch_rows
    keep_personal : keep columns with names, identity numbers, addresses and phones; otherwise they are left out
    only : says of a column of the input whether it is written; default all of them
    front_page : options of formats.open_front_page (profile, code_edition, dx_map, ...): the input is an export of
        front pages, which is cleaned first; the output then has the columns of FRONT_PAGE_SCHEMA. Superseded uploads
        stay and are told (rule record_superseded). A folder of Parquet files is read file by file
    issues : a .csv or .parquet file that takes in every remark on a value, one row each; language : of its remedies
    progress : called with (rows written, rows in all or None) after every batch
    returns GroupSummary
    raises InputFileError, OutputFileError, CaseTableError, SchemeError; the output then does not exist (an older
        file of that name is untouched)

    Memory does not grow with the number of rows.
    """
    started = time.perf_counter()
    source, target = Path(input_path), Path(output_path)
    _check_arguments(threads, batch_rows)
    if front_page is not None:
        _check_front_page(columns, keep_personal)
    refuse_same(source, target)
    if issues is not None:
        refuse_same(source, issues)
    keep_apart({"groups": target, "remarks": issues}, front_page or {})
    parts = list_parts(source)
    loaded = load_scheme(scheme)
    summary = GroupSummary(loaded.id, loaded.digest, files=len(parts))
    counter = SummaryCounter(summary, compiled(loaded))
    with ExitStack() as stack:
        remarks = stack.enter_context(IssueFile(issues, language)) if issues is not None else None
        run = _Run(loaded, columns, prefix, threads or os.cpu_count() or 1, counter, remarks, progress)
        run.only, run.front_page = only, front_page
        options = {"batch_rows": batch_rows, "encoding": encoding, "keep_personal": keep_personal}
        if source.is_dir():
            _group_folder(source, parts, target, run, options)
        else:
            run.total = None
            run.part(source, target, options)
    counter.finish()
    summary.seconds = time.perf_counter() - started
    return summary


def _check_arguments(threads: int | None, batch_rows: int) -> None:
    for name, value in (("threads", threads), ("batch_rows", batch_rows)):
        if value is not None and value < 1:
            raise DrgEngineError(f"argument {name}", f"{value} is too small", "Give a whole number from 1")


def _check_front_page(columns: Mapping[str, str] | None, keep_personal: bool) -> None:
    if columns is not None:
        raise DrgEngineError(
            "argument columns", "a profile names the columns already", "Name them in an own profile file instead"
        )
    if keep_personal:
        raise DrgEngineError(
            "argument keep_personal", "front pages are read without personal columns", "Leave it out (--keep-personal)"
        )


def _group_folder(source: Path, parts: list[Path], target: Path, run: _Run, options: dict[str, object]) -> None:
    """Every file of a folder to its like in a new folder, which appears whole or not at all."""
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise OutputFileError(str(target), "the output folder is there already", "Remove it or name another one")
    if not target.parent.is_dir():
        raise OutputFileError(
            str(target), f"the folder {str(target.parent)!r} does not exist", "Create it, or name another output"
        )
    try:
        with tempfile.TemporaryDirectory(prefix=f".{target.name}.", suffix=".part", dir=target.parent) as made:
            for part in parts:
                place = Path(made, "out", part.relative_to(source))
                place.parent.mkdir(parents=True, exist_ok=True)
                run.part(part, place, options)
            if target.exists():
                target.rmdir()
            shutil.move(str(Path(made, "out")), str(target))
    except OSError as error:
        raise explain_failure(target, error) from error


class _Run:
    """What all parts of one run share."""

    def __init__(
        self,
        scheme: Scheme,
        columns: Mapping[str, str] | None,
        prefix: str,
        threads: int,
        counter: SummaryCounter,
        remarks: IssueFile | None,
        progress: Progress | None,
    ) -> None:
        self.scheme, self.columns, self.prefix, self.threads = scheme, columns, prefix, threads
        self.counter, self.remarks, self.progress = counter, remarks, progress
        self.total: int | None = None
        self.only: Callable[[str], bool] | None = None
        self.front_page: Mapping[str, Any] | None = None

    def _open(self, path: Path, options: dict[str, object], cleaning: list[BatchIssue] | None) -> Source:
        if self.front_page is None or cleaning is None:
            return open_source(path, **options)  # type: ignore[arg-type]
        rows = min(int(str(options["batch_rows"])), FRONT_PAGE_ROWS)
        more = {**self.front_page, "batch_rows": rows, "encoding": options["encoding"]}
        first_row = self.counter.summary.rows + 1
        return open_front_page(path, on_issues=cleaning.extend, first_row=first_row, **more)

    def part(self, path: Path, target: Path, options: dict[str, object]) -> None:
        """Group one file."""
        cleaning: list[BatchIssue] | None = None if self.front_page is None else []
        with self._open(path, options, cleaning) as source:
            refuse_taken_names(source.schema, self.prefix, str(path))
            columns = resolve_columns(source.output_schema, self.columns, str(path))
            grouper = Grouper(self.scheme, columns)
            summary = self.counter.summary
            summary.absent = tuple(dict.fromkeys((*summary.absent, *missing_required(columns))))
            summary.dropped = tuple(dict.fromkeys((*summary.dropped, *source.dropped)))
            fields = result_fields(self.prefix)
            kept = [at for at, name in enumerate(source.schema.names) if self.only is None or self.only(name)]
            schema = pa.schema([*(source.schema.field(at) for at in kept), *fields])
            given = [source.output_schema.field(at) for at in kept]
            logical = pa.schema([*given, *fields], source.output_schema.metadata)
            with open_sink(target, schema, output_schema=logical) as sink:
                for batch, answer in _answers(source, grouper, summary.rows + 1, self.threads, cleaning):
                    columns_kept = [batch.column(at) for at in kept]
                    sink.write(pa.RecordBatch.from_arrays([*columns_kept, *answer.columns], schema=schema))
                    if self.remarks is not None:
                        self.remarks.write(answer.issues)
                    self.counter.add(answer, summary.rows + 1)
                    if self.progress is not None:
                        self.progress(summary.rows, source.num_rows if self.counter.summary.files == 1 else None)
                # What is known only behind the last row: superseded uploads.
                summary.issues.add(cleaning or ())
                if self.remarks is not None:
                    self.remarks.write(cleaning or [])
                summary.remarks = tuple(dict.fromkeys((*summary.remarks, *source.remarks)))


def told_anew(issues: list[BatchIssue]) -> list[BatchIssue]:
    """What grouping says of cleaned cases; holes were told where they stand in the input."""
    return [issue for issue in issues if issue.rule != "code_hole"]


def _answers(
    source: Source, grouper: Grouper, first_row: int, threads: int, cleaning: list[BatchIssue] | None
) -> Iterator[tuple[pa.RecordBatch, BatchAnswer]]:
    """Batches in order with their answers. One thread reads ahead, a pool groups, the caller writes.

    cleaning : where the source puts what it cleaned in a batch, to go with the answer of that batch; None when it
        cleans nothing
    """
    waiting: queue.Queue[object] = queue.Queue(maxsize=threads)
    stopped = threading.Event()

    def put(item: object) -> bool:
        while not stopped.is_set():
            try:
                waiting.put(item, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def read(pool: ThreadPoolExecutor) -> None:
        row = first_row
        try:
            for batch in source.batches():
                found = list(cleaning or ())
                if cleaning:
                    cleaning.clear()
                if not put((batch, pool.submit(grouper.answer, batch, row), found)):
                    return
                row += batch.num_rows
            put(_END)
        except BaseException as error:  # handed to the caller, who raises it
            put(error)

    with ThreadPoolExecutor(threads) as pool:
        reader = threading.Thread(target=read, args=(pool,), name="drgengine-reader", daemon=True)
        reader.start()
        try:
            while (item := waiting.get()) is not _END:
                if isinstance(item, BaseException):
                    raise item
                assert isinstance(item, tuple)
                batch, future, found = item
                assert isinstance(future, Future)
                answer = future.result()
                yield (
                    batch,
                    replace(answer, issues=[*found, *told_anew(answer.issues)]) if cleaning is not None else answer,
                )
        finally:
            stopped.set()
            reader.join()
