"""The clue table: a row for every case, with its answer, a flag for every clue and the codes they speak of."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from drgengine.cases.codes import trim_texts
from drgengine.cases.coerce import distinct
from drgengine.grouper.group import RESULT_COLUMNS, result_fields
from drgengine.whatif.clues import CODE_CLUES, KINDS, BatchClues
from drgengine.whatif.definitions import clue_ids, doubt_ids

CODE_FIELDS = (
    pa.field("clue", pa.string()),
    pa.field("kind", pa.string()),
    pa.field("place", pa.int32()),
    pa.field("code", pa.string()),
    pa.field("status", pa.string()),
    pa.field("drg", pa.string()),
    pa.field("doubt", pa.string()),
)
CLUES_SCHEMA = pa.schema(
    [
        pa.field("row", pa.int64()),
        pa.field("case_id", pa.string()),
        pa.field("department", pa.string()),
        *result_fields(),
        *(pa.field(name, pa.bool_()) for name in clue_ids()),
        pa.field("codes", pa.list_(pa.struct(CODE_FIELDS))),
    ]
)
"""row : number of the case, from 1; codes : of every clue that names one: its kind (dx, proc) and place in the record
(from 1), status and drg of the other answer where the clue has one, doubt = reasons joined by a blank."""


def clue_batch(made: BatchClues, first_row: int, department: pa.Array, case_id: pa.Array) -> pa.RecordBatch:
    """The clue table of one batch.

    department, case_id : string arrays, one element per record
    """
    n = made.batch.n
    rows = pa.array(np.arange(first_row, first_row + n))
    flags = [pa.array(np.ascontiguousarray(made.flags[:, at])) for at in range(made.flags.shape[1])]
    columns = [rows, case_id, department, *made.answer.columns, *flags, _codes(made)]
    return pa.RecordBatch.from_arrays(columns, schema=CLUES_SCHEMA)


def texts_of(batch: pa.RecordBatch, column: str | None) -> pa.Array:
    """A column as texts without outer blanks, "" where it is missing; null for a table without it."""
    if column is None:
        return pa.nulls(batch.num_rows, pa.string())
    index, texts = distinct(batch.column(column))
    return pa.array(trim_texts(texts), pa.string()).take(pa.array(index))


def _codes(made: BatchClues) -> pa.ListArray:
    found = made.findings
    offsets = np.concatenate([[0], np.cumsum(np.bincount(found.case, minlength=made.batch.n))]).astype(np.int32)
    texts = made.batch.dx.codes.texts, made.batch.proc.codes.texts
    number = found.text + np.where(found.kind == 1, len(texts[0]), 0)
    fields = [
        _words(CODE_CLUES, found.clue),
        _words(KINDS, found.kind),
        pa.array(found.place + 1),
        pa.array([*texts[0], *texts[1]], pa.string()).take(pa.array(number)),
        _answer(made, "status", found.status),
        _answer(made, "drg", found.drg),
        _doubts(found.doubt),
    ]
    return pa.ListArray.from_arrays(pa.array(offsets), pa.StructArray.from_arrays(fields, fields=list(CODE_FIELDS)))


def _words(words: tuple[str, ...], number: np.ndarray) -> pa.Array:
    return pa.array(words, pa.string()).take(pa.array(number.astype(np.int32)))


def _answer(made: BatchClues, name: str, number: np.ndarray) -> pa.Array:
    dictionary = made.answer.columns[RESULT_COLUMNS.index(name)].dictionary
    return dictionary.take(pa.array(number, mask=number < 0))


def _doubts(bits: np.ndarray) -> pa.Array:
    distinct_bits, number = np.unique(bits, return_inverse=True)
    return pa.array([doubt_text(int(one)) for one in distinct_bits], pa.string()).take(pa.array(number))


def doubt_text(bits: int) -> str:
    """Bits of reasons as their names.

    >>> doubt_text(3)
    'unspecified_code symptom_code'
    """
    return " ".join(name for at, name in enumerate(doubt_ids()) if bits >> at & 1)
