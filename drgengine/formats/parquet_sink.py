"""Parquet output; row groups follow the batches."""

from __future__ import annotations

import base64
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pyarrow.types as pt

from drgengine.formats.sink import Sink

_SAMPLE_ROWS = 20_000
# Statistics of dictionary values are worked out once per write batch, so few large ones are much faster.
_WRITE_BATCH = 1 << 20


class ParquetSink(Sink):
    """See formats.sink.Sink."""

    def __init__(self, path: Path, schema: pa.Schema, output_schema: pa.Schema, compression: str) -> None:
        super().__init__(path)
        self._schema = schema.remove_metadata()
        self._output_schema = output_schema
        self._compression = compression
        self._file: pa.NativeFile | None = None
        self._writer: pq.ParquetWriter | None = None

    def _write(self, batch: pa.RecordBatch) -> None:
        writer = self._writer or self._start(batch)
        if batch.num_rows:
            batch = pa.RecordBatch.from_arrays(batch.columns, schema=self._schema)
            writer.write_batch(batch, row_group_size=batch.num_rows)

    def _start(self, batch: pa.RecordBatch) -> pq.ParquetWriter:
        self._file = pa.OSFile(str(self._temporary), "wb")
        self._writer = pq.ParquetWriter(
            self._file,
            self._schema,
            compression=self._compression,
            use_dictionary=_dictionary_leaves(self._schema, batch),
            write_batch_size=_WRITE_BATCH,
            store_schema=False,
        )
        # A reader takes the column types from this note, not from the batches the file was written from.
        note = base64.b64encode(self._output_schema.serialize().to_pybytes())
        self._writer.add_key_value_metadata({**(self._output_schema.metadata or {}), b"ARROW:schema": note})
        return self._writer

    def _finish(self) -> None:
        writer = self._writer or self._start(pa.RecordBatch.from_pylist([], self._schema))
        writer.close()
        assert self._file is not None
        self._file.close()

    def _discard(self) -> None:
        try:
            if self._writer is not None:
                self._writer.close()
        finally:
            if self._file is not None:
                self._file.close()


def _dictionary_leaves(schema: pa.Schema, batch: pa.RecordBatch) -> list[str] | bool:
    """Leaf columns worth a dictionary: values that repeat in the first rows."""
    if batch.num_rows == 0:
        return True
    leaves: list[str] = []
    for field, column in zip(schema, batch.columns, strict=True):
        path, values = field.name, column.slice(0, _SAMPLE_ROWS)
        while pt.is_list(values.type) or pt.is_large_list(values.type) or pt.is_fixed_size_list(values.type):
            path, values = f"{path}.list.element", values.flatten()
        if pt.is_nested(values.type):
            return True
        if _repeats(values):
            leaves.append(path)
    return leaves or False


def _repeats(values: pa.Array) -> bool:
    if pt.is_dictionary(values.type) or len(values) < 1000:
        return True
    try:
        return int(pc.count_distinct(values).as_py()) < len(values) / 2
    except pa.ArrowNotImplementedError:
        return True
