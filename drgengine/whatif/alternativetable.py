"""All arrangements of many records as a table, in memory or from file to file."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from drgengine.errors import OutputFileError
from drgengine.formats import open_sink, refuse_same
from drgengine.grouper.group import result_fields
from drgengine.grouper.scheme import Scheme
from drgengine.grouper.schemefile import DEFAULT_SCHEME, load_scheme
from drgengine.grouper.tables import INVALID_LEAF
from drgengine.whatif.streaming import Progress, case_batches, in_order, open_cases
from drgengine.whatif.variants import VariantGrouper, Variants, all_arrangements

ALTERNATIVES_SCHEMA = pa.schema(
    [
        pa.field("row", pa.int64()),
        pa.field("principal_place", pa.int32()),
        pa.field("procedure_place", pa.int32()),
        *result_fields(),
    ]
)
"""row : number of the case in its table; places : in the record; all from 1 (procedure_place null: no procedure)."""


@dataclass(frozen=True, slots=True)
class AlternativeCounts:
    """What was written: cases read, of which invalid (they have no rows), and arrangements."""

    cases: int
    invalid: int
    alternatives: int


def alternatives_table(
    cases: Any,
    scheme: str | Path | Scheme = DEFAULT_SCHEME,
    *,
    columns: Mapping[str, str] | None = None,
    threads: int = 1,
) -> pa.Table:
    """All arrangements of many records: every diagnosis as principal with every procedure as first.

    cases, scheme, columns : as in `group`
    returns pyarrow Table with ALTERNATIVES_SCHEMA, cases in their order, arrangements in the order of the record (the
        record as it is first); an invalid case has no row
    raises CaseTableError, SchemeError

    >>> found = alternatives_table({"dx": [["I10.x00x002", "I63.900"]], "sex": [1], "age_years": [63]})
    >>> found.select(["row", "principal_place", "drg"]).to_pylist()[1]
    {'row': 1, 'principal_place': 2, 'drg': 'BR25'}
    """
    given = case_batches(cases, columns, None)
    work = _Work(VariantGrouper(load_scheme(scheme), given.columns))
    pieces = [piece for (made, _), _, _ in in_order(given.batches, work, threads) for piece in made]
    return pa.Table.from_batches(pieces, schema=ALTERNATIVES_SCHEMA)


def alternatives_file(
    input_path: str | os.PathLike[str],
    output_path: str | os.PathLike[str],
    scheme: str | Path | Scheme = DEFAULT_SCHEME,
    *,
    columns: Mapping[str, str] | None = None,
    threads: int | None = None,
    encoding: str = "auto",
    progress: Progress | None = None,
) -> AlternativeCounts:
    """All arrangements of the cases of a file into a Parquet file; see alternatives_table.

    input_path : .parquet, .csv, .csv.gz, .xlsx; output_path : .parquet
    threads : default all cores; the output does not depend on it
    progress : called with (cases done, cases in all or None)
    raises InputFileError, OutputFileError, CaseTableError, SchemeError; the output then does not exist

    Only the columns needed are read. Memory does not grow with the number of cases.
    """
    refuse_same(input_path, output_path)
    parquet_only(output_path)
    done = invalid = total = 0
    with (
        open_cases(input_path, columns, None, encoding) as given,
        open_sink(output_path, ALTERNATIVES_SCHEMA) as sink,
    ):
        work = _Work(VariantGrouper(load_scheme(scheme), given.columns))
        for (pieces, left_out), _, rows in in_order(given.batches, work, threads):
            for piece in pieces:
                sink.write(piece)
                total += piece.num_rows
            done, invalid = done + rows, invalid + left_out
            if progress is not None:
                progress(done, given.rows)
    return AlternativeCounts(done, invalid, total)


def parquet_only(path: str | os.PathLike[str]) -> None:
    """OutputFileError for an output that is no Parquet file."""
    if not str(path).lower().endswith(".parquet"):
        raise OutputFileError(str(path), "this table is written as Parquet", "Give the output the ending .parquet")


class _Work:
    """A batch of cases -> batches of arrangements, and how many cases are invalid."""

    def __init__(self, grouper: VariantGrouper) -> None:
        self.grouper = grouper

    def __call__(self, batch: pa.RecordBatch, first_row: int) -> tuple[list[pa.RecordBatch], int]:
        packed = self.grouper.packed(batch, first_row)
        valid = np.flatnonzero(self.grouper.recorded(packed).leaf != INVALID_LEAF)
        arrangements = all_arrangements(packed, valid)
        return list(self._pieces(packed, arrangements, first_row)), packed.n - valid.size

    def _pieces(self, packed: Any, arrangements: Variants, first_row: int) -> Iterator[pa.RecordBatch]:
        for part, answer in self.grouper.moved(packed, arrangements):
            procedure = pa.array(part.proc_place + 1, mask=part.proc_place < 0)
            head = [pa.array(part.case + first_row), pa.array(part.dx_place + 1), procedure]
            yield pa.RecordBatch.from_arrays([*head, *answer.columns], schema=ALTERNATIVES_SCHEMA)
