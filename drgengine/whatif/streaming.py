"""Files and tables of cases as batches that several threads work on, results in order."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa

from drgengine.cases import ColumnMap, resolve_columns
from drgengine.cases.shown import shown_name
from drgengine.cases.vocabulary import is_personal
from drgengine.errors import CaseTableError
from drgengine.formats import list_parts, open_source
from drgengine.formats.headers import clean_headers
from drgengine.grouper.conditions import NUMBERS
from drgengine.grouper.group import as_table

BATCH_ROWS = 65_536
Progress = Callable[[int, int | None], None]
Result = TypeVar("Result")
_SCALARS = ("sex", "department_id", "case_id", "admission_date", "discharge_date", *NUMBERS)


@dataclass(frozen=True, slots=True, eq=False)
class CaseBatches:
    """Batches of cases: their layout, how many rows in all (None = only reading tells), the column to count by."""

    columns: ColumnMap
    rows: int | None
    department: str | None
    batches: Iterator[pa.RecordBatch]


@contextmanager
def open_cases(
    path: str | os.PathLike[str], columns: Mapping[str, str] | None, department: str | None, encoding: str = "auto"
) -> Iterator[CaseBatches]:
    """A file of cases, of which only the columns needed are read. Raises InputFileError, CaseTableError."""
    file = Path(path)
    if file.is_dir():
        problem = f"it is a folder with {len(list_parts(file))} files"
        raise CaseTableError(str(file), problem, "Give one file at a time")
    with open_source(file, encoding=encoding, batch_rows=BATCH_ROWS) as first:
        needed = set(
            clean_headers(needed_columns(resolve_columns(first.output_schema, columns, str(file)), department))
        )
        known = {name for name in clean_headers(list(first.output_schema.names)) if name in needed}
    with open_source(
        file, encoding=encoding, batch_rows=BATCH_ROWS, columns=lambda headers: [h for h in headers if h in known]
    ) as source:
        layout = resolve_columns(source.output_schema, columns, str(file))
        yield CaseBatches(layout, source.num_rows, count_column(layout, source.schema, department), source.batches())


def case_batches(cases: Any, columns: Mapping[str, str] | None, department: str | None) -> CaseBatches:
    """A table of cases in memory, anything that `group` takes. Raises CaseTableError."""
    table = as_table(cases)
    layout = resolve_columns(table.schema, columns, "cases")
    column = count_column(layout, table.schema, department)
    wanted = list(dict.fromkeys(needed_columns(layout, department)))
    kept = table.select([name for name in wanted if name in table.schema.names])
    return CaseBatches(layout, table.num_rows, column, iter(kept.to_batches(max_chunksize=BATCH_ROWS)))


def needed_columns(layout: ColumnMap, department: str | None) -> list[str]:
    """The columns of a table that a what-if reads; personal ones are never among them."""
    names = [layout.scalars[name] for name in _SCALARS if name in layout.scalars]
    names += layout.dx.names if layout.proc is None else (*layout.dx.names, *layout.proc.names)
    return names if department is None else [*names, department]


def count_column(layout: ColumnMap, schema: pa.Schema, department: str | None) -> str | None:
    """The column by which clues are counted. Raises CaseTableError: it is not there, or holds personal data."""
    if department is None:
        return layout.scalars.get("department_id")
    if is_personal(department):
        problem = f"the column {shown_name(department)!r} holds personal data"
        raise CaseTableError(layout.source, problem, "Count by another column")
    if department not in schema.names:
        problem = f"there is no column {shown_name(department)!r} to count by"
        raise CaseTableError(layout.source, problem, "Check the name given to --department")
    return department


def in_order(
    batches: Iterator[pa.RecordBatch], work: Callable[[pa.RecordBatch, int], Result], threads: int | None
) -> Iterator[tuple[Result, int, int]]:
    """(result, number of the first row from 1, rows) of every batch, in order; few batches are held at once."""
    many = threads or os.cpu_count() or 1
    waiting: deque[tuple[Future[Result], int, int]] = deque()
    row = 1
    with ThreadPoolExecutor(many) as pool:
        for batch in batches:
            waiting.append((pool.submit(work, batch, row), row, batch.num_rows))
            row += batch.num_rows
            if len(waiting) > many:
                done, first, rows = waiting.popleft()
                yield done.result(), first, rows
        while waiting:
            done, first, rows = waiting.popleft()
            yield done.result(), first, rows
