"""An export to a file of cleaned cases: streaming, and whole or not at all."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from drgengine.cases.issues import BatchIssue
from drgengine.formats.codemaps.signs import CodeEdition
from drgengine.formats.frontpage.options import check_choice
from drgengine.formats.frontpage.pages import summarise
from drgengine.formats.frontpage.reader import open_front_page
from drgengine.formats.frontpage.summary import ConvertSummary
from drgengine.formats.issuefile import IssueFile
from drgengine.formats.sink import check_output, keep_apart, open_sink, refuse_same
from drgengine.formats.sink import explain as explain_failure
from drgengine.formats.source import PARQUET_ENDINGS

Progress = Callable[[int, int | None], None]
OnBatch = Callable[[pa.RecordBatch, list[BatchIssue], int], None]
DUPLICATES = ("last", "keep")
# Written together whatever the batches read, so that the file does not depend on them.
_ROWS_WRITTEN = 65_536
_ENDINGS = (*PARQUET_ENDINGS, ".csv.gz", ".csv")


def convert_file(
    path: str | os.PathLike[str],
    out: str | os.PathLike[str],
    profile: str = "auto",
    *,
    code_edition: CodeEdition,
    issues: str | os.PathLike[str] | None = None,
    duplicates: str = "last",
    language: str = "en",
    progress: Progress | None = None,
    on_batch: OnBatch | None = None,
    **options: Any,
) -> ConvertSummary:
    """Convert an export of front pages to a file of cleaned cases (首页转换), columns of FRONT_PAGE_SCHEMA.

    path, profile, code_edition, options : as in open_front_page
    out : .parquet (or .csv, .csv.gz with lists joined by |)
    issues : .csv or .parquet for every issue, in the order of the rows; superseded uploads come last
    duplicates : of a stay uploaded several times (hospital, record, visit) "last" writes the last by discharge to `out`
        and the others to OUT.superseded.parquet beside it; "keep" writes all
    language : of the remedies
    progress : called with (rows read, rows in all or None); on_batch : with each cleaned batch, its issues and the
        number of its first row
    returns ConvertSummary; rows_read = rows_written + rows_superseded

    The outputs appear when all is done; a run that fails leaves files as they were. Raises InputFileError,
    OutputFileError, DrgEngineError.
    """
    started = time.perf_counter()
    check_choice("duplicates", duplicates, DUPLICATES)
    aside = superseded_path(out)
    target = check_places(path, out, aside, issues, {"profile": profile, **options})
    with ExitStack() as stack:
        scratch = stack.enter_context(_scratch_folder(target))
        # The issue file is opened first, so that it is closed last: it stands only beside the finished output.
        remarks = stack.enter_context(IssueFile(issues, language)) if issues is not None else None
        held: list[BatchIssue] = []
        source = stack.enter_context(
            open_front_page(path, profile, code_edition=code_edition, on_issues=held.extend, **options)
        )
        first_pass = Path(scratch, f"all{_ending(target)}")
        later = Path(scratch, "all.parquet") if duplicates == "last" else first_pass

        def cleaned() -> Iterator[pa.RecordBatch]:
            for batch in source.batches():
                found = held.copy()
                held.clear()
                if remarks is not None:
                    remarks.write(found)
                if on_batch is not None:
                    on_batch(batch, found, source.rows_read - batch.num_rows + 1)
                yield batch
                if progress is not None:
                    progress(source.rows_read, source.num_rows)

        _write(cleaned(), later, source.schema)
        if remarks is not None:
            remarks.write(held)
        rows, _ = source.superseded()
        summary = summarise(source)
        if duplicates == "last" and (rows.size or first_pass != later):
            _split(later, rows, target, aside, source.schema)
        else:
            _move(later, target)
        if duplicates == "last":
            summary.rows_superseded = int(rows.size)
            if not rows.size:
                aside.unlink(missing_ok=True)
        summary.rows_written = summary.rows_read - summary.rows_superseded
    summary.output = str(out)
    summary.superseded_output = str(aside) if summary.rows_superseded else ""
    summary.seconds = time.perf_counter() - started
    return summary


def superseded_path(out: str | os.PathLike[str]) -> Path:
    """Where superseded uploads go: beside the output.

    >>> superseded_path("cases.parquet").name, superseded_path("cases.csv.gz").name
    ('cases.superseded.parquet', 'cases.superseded.parquet')
    """
    path = Path(out)
    stem = path.name.removesuffix(".gz").rpartition(".")[0] or path.name
    return path.with_name(f"{stem}.superseded.parquet")


def check_places(
    path: str | os.PathLike[str],
    out: str | os.PathLike[str],
    aside: Path,
    issues: str | os.PathLike[str] | None,
    options: Mapping[str, Any],
) -> Path:
    """The output place, when nothing to be written lies in the way of another file. Raises OutputFileError.

    options : of the reader; tables and a profile named among them are not overwritten
    """
    target = Path(out)
    for place in (target, aside):
        check_output(place)
        refuse_same(path, place)
    if issues is not None:
        refuse_same(path, issues)
    read = {name: options.get(name) for name in ("dx_map", "proc_map", "grey", "profile")}
    keep_apart({"cases": target, "superseded uploads": aside, "issues": issues}, read)
    if not target.name.lower().endswith(_ENDINGS):
        open_sink(target, pa.schema([]))  # raises, naming the endings there are
    return target


def _ending(target: Path) -> str:
    name = target.name.lower()
    return next(ending for ending in _ENDINGS if name.endswith(ending))


def _scratch_folder(target: Path) -> tempfile.TemporaryDirectory[str]:
    folder = Path(os.path.realpath(target)).parent
    try:
        return tempfile.TemporaryDirectory(prefix=f".{target.name[:40]}.", suffix=".part", dir=folder)
    except OSError as error:
        raise explain_failure(target, error) from error


def _write(batches: Iterator[pa.RecordBatch], place: Path, schema: pa.Schema) -> None:
    with open_sink(place, schema) as sink:
        for batch in rechunked(batches, schema, _ROWS_WRITTEN):
            sink.write(batch)


def rechunked(batches: Iterator[pa.RecordBatch], schema: pa.Schema, rows: int) -> Iterator[pa.RecordBatch]:
    """The same rows in batches of one size."""
    held: list[pa.RecordBatch] = []
    count = 0
    for batch in batches:
        start = 0
        while count + batch.num_rows - start >= rows:
            cut = start + rows - count
            yield _joined([*held, batch.slice(start, cut - start)], schema)
            held, count, start = [], 0, cut
        if start < batch.num_rows:
            held.append(batch.slice(start))
            count += batch.num_rows - start
    if held:
        yield _joined(held, schema)


def _joined(batches: list[pa.RecordBatch], schema: pa.Schema) -> pa.RecordBatch:
    return pa.Table.from_batches(batches, schema).combine_chunks().to_batches()[0]


def _split(whole: Path, superseded: np.ndarray, target: Path, aside: Path, schema: pa.Schema) -> None:
    """Second pass: rows set aside go to their own file."""
    with ExitStack() as stack:
        # Closed in reverse: what was set aside is there before the cases without it are.
        kept = stack.enter_context(open_sink(target, schema))
        out = stack.enter_context(open_sink(aside, schema)) if superseded.size else None
        first = 1
        file = stack.enter_context(pq.ParquetFile(whole))
        for read in file.iter_batches(_ROWS_WRITTEN):
            batch = pa.RecordBatch.from_arrays(read.columns, schema=schema)
            low, high = np.searchsorted(superseded, (first, first + batch.num_rows))
            leave = np.zeros(batch.num_rows, dtype=bool)
            leave[superseded[low:high] - first] = True
            kept.write(batch.filter(pa.array(~leave)))
            if out is not None and high > low:
                out.write(batch.filter(pa.array(leave)))
            first += batch.num_rows


def _move(made: Path, target: Path) -> None:
    try:
        made.replace(os.path.realpath(target))
    except OSError as error:
        raise explain_failure(target, error) from error
