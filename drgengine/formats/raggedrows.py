"""Rows of a delimited text whose cells do not fit the header: left out by the parser, put back as rows of nulls."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def with_empty_rows(batch: pa.RecordBatch, row: int, missing: list[int]) -> pa.RecordBatch:
    """The batch with a row of nulls at the place of every missing row.

    row : number of the row that the batch begins with, missing ones counted
    missing : row numbers, ascending; those behind the end of the batch are left for later

    >>> with_empty_rows(pa.record_batch({"dx": ["A", "B"]}), 1, [2, 3, 9])["dx"].to_pylist()
    ['A', None, None, 'B']
    """
    first = last = bisect_left(missing, row)
    while last < len(missing) and missing[last] < row + batch.num_rows + last - first:
        last += 1
    if first == last:
        return batch
    here = np.asarray(missing[first:last]) - row
    total = batch.num_rows + len(here)
    there = np.ones(total, bool)
    there[here] = False
    place = np.cumsum(there) - 1
    taken = pa.array(place, pa.int64(), mask=~there)
    return pa.RecordBatch.from_arrays([pc.take(column, taken) for column in batch.columns], schema=batch.schema)


def with_cells(batch: pa.RecordBatch, row: int, cells: dict[int, list[str]]) -> pa.RecordBatch:
    """The batch of texts with the cells of some rows put in; taken out of `cells`, those behind the end stay.

    >>> cells = {2: ["B"], 9: ["C"]}
    >>> with_cells(pa.record_batch({"dx": ["A", None]}), 1, cells)["dx"].to_pylist(), cells
    (['A', 'B'], {9: ['C']})
    """
    here = sorted(number for number in cells if row <= number < row + batch.num_rows)
    if not here:
        return batch
    rows = [cells.pop(number) for number in here]
    places = np.arange(batch.num_rows)
    places[np.asarray(here) - row] = batch.num_rows + np.arange(len(here))
    taken = pa.array(places, pa.int64())
    columns = [
        pa.concat_arrays([column, pa.array([texts[n] for texts in rows], column.type)]).take(taken)
        for n, column in enumerate(batch.columns)
    ]
    return pa.RecordBatch.from_arrays(columns, schema=batch.schema)


def empty_rows(schema: pa.Schema, rows: int, most: int) -> Iterator[pa.RecordBatch]:
    """Batches of nothing but null, at most `most` rows each.

    >>> [b.num_rows for b in empty_rows(pa.schema([("dx", pa.string())]), 5, 2)]
    [2, 2, 1]
    """
    for start in range(0, rows, most):
        count = min(most, rows - start)
        yield pa.RecordBatch.from_arrays([pa.nulls(count, field.type) for field in schema], schema=schema)
