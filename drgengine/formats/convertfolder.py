"""A folder of settlement tables to a file of cleaned cases."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import numpy as np
import pyarrow as pa

from drgengine.cases.issues import BatchIssue
from drgengine.formats.codemaps.signs import CodeEdition
from drgengine.formats.frontpage.convertfile import (
    DUPLICATES,
    OnBatch,
    check_places,
    rechunked,
    superseded_path,
)
from drgengine.formats.frontpage.options import check_choice
from drgengine.formats.frontpage.summary import ConvertSummary
from drgengine.formats.issuefile import IssueFile
from drgengine.formats.settlement import read_settlement
from drgengine.formats.sink import open_sink

_ROWS_WRITTEN = 65_536
Progress = Callable[[int, int | None], None]


def convert_folder(
    folder: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    code_edition: CodeEdition = "insurance",
    issues: str | os.PathLike[str] | None = None,
    duplicates: str = "last",
    language: str = "en",
    on_batch: OnBatch | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> ConvertSummary:
    """Convert the linked tables of settlement lists (医疗保障基金结算清单, interface 4101) to a file of cleaned cases.

    folder, code_edition, options : as in read_settlement
    out, issues, duplicates, progress : as in convert_file; set aside are settlements that come twice, where the row
        that counts has the diagnoses, and those of a visit that was settled again, which keep their own
    on_batch : called once, with all rows and issues

    Raises InputFileError, OutputFileError, DrgEngineError.
    """
    started = time.perf_counter()
    check_choice("duplicates", duplicates, DUPLICATES)
    aside = superseded_path(out)
    target = check_places(folder, out, aside, issues, options)
    found: list[BatchIssue] = []
    with ExitStack() as stack:
        remarks = stack.enter_context(IssueFile(issues, language)) if issues is not None else None
        pages = read_settlement(
            folder, code_edition=code_edition, language=language, on_issues=found.extend, **options
        )  # fmt: skip
        if remarks is not None:
            remarks.write(found)
        if on_batch is not None:
            # One batch, as all issues are told at once.
            for batch in pages.table.combine_chunks().to_batches():
                on_batch(batch, found, 1)
        leave = np.zeros(pages.table.num_rows, dtype=bool)
        if duplicates == "last":
            leave[pages.superseded["row"].to_numpy() - 1] = True
            if leave.any():
                _write(pages.table.filter(pa.array(leave)), aside)
            else:
                aside.unlink(missing_ok=True)
        _write(pages.table.filter(pa.array(~leave)), target)
    summary = pages.summary
    summary.rows_superseded = int(leave.sum())
    summary.rows_written = summary.rows_read - summary.rows_superseded
    summary.output, summary.superseded_output = str(out), str(aside) if leave.any() else ""
    summary.seconds = time.perf_counter() - started
    if progress is not None:
        progress(summary.rows_read, summary.rows_read)
    return summary


def _write(table: pa.Table, place: os.PathLike[str]) -> None:
    with open_sink(place, table.schema) as sink:
        for batch in rechunked(iter(table.to_batches()), table.schema, _ROWS_WRITTEN):
            sink.write(batch)
