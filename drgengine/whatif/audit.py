"""Audit clues of many cases: a table in memory, or from file to file."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from drgengine.formats import open_sink, refuse_same
from drgengine.grouper.scheme import Scheme
from drgengine.grouper.schemefile import DEFAULT_SCHEME, load_scheme
from drgengine.whatif.alternativetable import parquet_only
from drgengine.whatif.cluecounts import ClueCounts
from drgengine.whatif.clues import BatchClues, ClueFinder
from drgengine.whatif.cluetable import CLUES_SCHEMA, clue_batch, texts_of
from drgengine.whatif.streaming import CaseBatches, Progress, case_batches, in_order, open_cases
from drgengine.whatif.variants import VariantGrouper


@dataclass(frozen=True, slots=True, eq=False)
class Clues:
    """Audit clues of a table of cases.

    table : a row for every case in its order, see cluetable.CLUES_SCHEMA
    counts : cases per clue, by department and in all
    """

    table: pa.Table
    counts: ClueCounts


def audit_clues(
    cases: Any,
    scheme: str | Path | Scheme = DEFAULT_SCHEME,
    *,
    columns: Mapping[str, str] | None = None,
    department: str | None = None,
    threads: int = 1,
) -> Clues:
    """Audit clues (审核线索) of many cases: questions to the coder and the record, in both directions.

    cases, scheme, columns : as in `group`; department : the column to count by, default department_id
    returns Clues: rows in = rows out, in order; an invalid case has its status and no clue
    raises CaseTableError, SchemeError

    >>> found = audit_clues({"dx": [["I10.x00x002", "J96.000"]], "sex": [1], "age_years": [63]})
    >>> found.table["rests_on_one_code"].to_pylist(), found.table["codes"].to_pylist()[0][0]["drg"]
    ([True], 'FV25')
    """
    loaded = load_scheme(scheme)
    given = case_batches(cases, columns, department)
    counts = ClueCounts(loaded.id)
    pieces = list(_tables(loaded, given, counts, threads, None))
    counts.finish()
    return Clues(pa.Table.from_batches(pieces, schema=CLUES_SCHEMA), counts)


def audit_file(
    input_path: str | os.PathLike[str],
    output_path: str | os.PathLike[str] | None,
    scheme: str | Path | Scheme = DEFAULT_SCHEME,
    *,
    columns: Mapping[str, str] | None = None,
    department: str | None = None,
    threads: int | None = None,
    encoding: str = "auto",
    progress: Progress | None = None,
) -> ClueCounts:
    """Audit clues of a file of cases into a Parquet file with a row for every case; see audit_clues.

    input_path : .parquet, .csv, .csv.gz, .xlsx; output_path : .parquet, or None to count only
    threads : default all cores; the output does not depend on it
    progress : called with (cases done, cases in all or None)
    returns ClueCounts
    raises InputFileError, OutputFileError, CaseTableError, SchemeError; the output then does not exist

    Only the columns needed are read, and no personal one. Memory does not grow with the number of cases.
    """
    started = time.perf_counter()
    if output_path is not None:
        refuse_same(input_path, output_path)
        parquet_only(output_path)
    loaded = load_scheme(scheme)
    counts = ClueCounts(loaded.id)
    with ExitStack() as stack:
        given = stack.enter_context(open_cases(input_path, columns, department, encoding))
        sink = None if output_path is None else stack.enter_context(open_sink(output_path, CLUES_SCHEMA))
        for table in _tables(loaded, given, counts, threads, progress):
            if sink is not None:
                sink.write(table)
    counts.finish()
    counts.seconds = time.perf_counter() - started
    return counts


def _tables(
    scheme: Scheme, given: CaseBatches, counts: ClueCounts, threads: int | None, progress: Progress | None
) -> Iterator[pa.RecordBatch]:
    work = _Work(ClueFinder(scheme, VariantGrouper(scheme, given.columns)), given)
    for (made, table), _, _ in in_order(given.batches, work, threads):
        counts.add(made, table)
        if progress is not None:
            progress(counts.cases, given.rows)
        yield table


class _Work:
    """A batch of cases -> its clues and its clue table."""

    def __init__(self, finder: ClueFinder, given: CaseBatches) -> None:
        self.finder, self.given = finder, given

    def __call__(self, batch: pa.RecordBatch, first_row: int) -> tuple[BatchClues, pa.RecordBatch]:
        made = self.finder(batch, first_row)
        department = texts_of(batch, self.given.department)
        case_id = texts_of(batch, self.given.columns.scalars.get("case_id"))
        return made, clue_batch(made, first_row, department, case_id)
