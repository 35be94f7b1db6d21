"""Parquet files as a stream of batches."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.types as pt

from drgengine.errors import InputFileError
from drgengine.formats.headers import Columns, choose_columns, clean_headers
from drgengine.formats.parquet_footer import check_footer
from drgengine.formats.source import no_permission

# A dictionary pays when the column is little more than its indices; code lists take about 2 bytes a value.
_SMALL_BYTES_PER_VALUE = 6.0
_GROUPS_LOOKED_AT = 4
# Batches end with the row group when dictionaries are read; many small groups are better read across their borders.
_ROWS_PER_GROUP = 10_000
# Column chunks of huge row groups are read piecewise (slower), so that memory stays bounded.
_HUGE_GROUP_BYTES = 128 << 20
_PIECE_BYTES = 4 << 20
_PROBE_BYTES = 64 << 10


class ParquetSource:
    """See formats.source.Source; row groups are read one after the other."""

    remarks: tuple[str, ...] = ()

    def __init__(
        self,
        path: Path,
        batch_rows: int,
        keep_personal: bool,
        dictionary_columns: str | tuple[str, ...],
        columns: Columns | None = None,
    ) -> None:
        self.path = path
        self.ragged: list[tuple[int, int]] = []
        self._batch_rows = batch_rows
        check_footer(path)
        plain = _open(path)
        _check_rows(path, plain.metadata)
        self.num_rows: int | None = plain.metadata.num_rows
        logical = plain.schema_arrow
        kept, self.dropped = _choose(path, logical, columns, keep_personal)
        self._columns = None if len(kept) == len(logical) else [logical.names[i] for i in kept]
        leaves = _dictionary_leaves(path, plain.metadata) if dictionary_columns == "auto" else list(dictionary_columns)
        if self._columns is not None:
            leaves = [leaf for leaf in leaves if leaf.split(".")[0] in self._columns or leaf in self._columns]
        plain.close()
        self._file = _open(path, leaves, _piece_bytes(plain.metadata))
        # A dictionary belongs to one row group: nested ones cannot be read across the border of two.
        every = list(range(plain.metadata.num_row_groups))
        nested = any(pt.is_nested(field.type) and "dictionary" in str(field.type) for field in logical)
        self._group_runs = [[group] for group in every] if leaves or nested else [every]
        delivered = self._file.schema_arrow
        # The pandas note describes an index of the old table; columns are what counts here.
        notes = {key: text for key, text in (logical.metadata or {}).items() if key != b"pandas"}
        self.output_schema = pa.schema([logical.field(i) for i in kept], notes or None)
        self.schema = pa.schema([delivered.field(i) for i in kept])
        if columns is not None:
            clean = [name for i, name in enumerate(clean_headers(logical.names)) if i in set(kept)]
            self.output_schema = _renamed(self.output_schema, clean)
            self.schema = _renamed(self.schema, clean)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Record batches in file order; InputFileError when the file turns out damaged."""
        done = 0
        try:
            for groups in self._group_runs:
                for batch in self._batches_of(groups):
                    done += batch.num_rows
                    yield batch
        except (pa.ArrowException, OSError) as error:
            raise InputFileError(
                str(self.path),
                f"the Parquet file is damaged ({_first_line(error)})",
                "Write or copy the file again",
            ) from error
        if done != self.num_rows:
            problem = f"the Parquet file is damaged (it ends after {done:,} of {self.num_rows:,} rows)"
            raise InputFileError(str(self.path), problem, "Write or copy the file again")

    def _batches_of(self, groups: list[int]) -> Iterator[pa.RecordBatch]:
        for batch in self._file.iter_batches(self._batch_rows, row_groups=groups, columns=self._columns):
            # A name that begins another one, up to a dot, brings that along.
            found = zip(batch.schema.names, batch.columns, strict=True)
            arrays = [column for name, column in found if self._columns is None or name in self._columns]
            yield pa.RecordBatch.from_arrays(arrays, schema=self.schema)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> ParquetSource:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _choose(
    path: Path, logical: pa.Schema, columns: Columns | None, keep_personal: bool
) -> tuple[list[int], tuple[str, ...]]:
    if columns is not None:
        logical = _renamed(logical, clean_headers(logical.names))
    return choose_columns(path, logical, columns, keep_personal)


def _renamed(schema: pa.Schema, names: list[str]) -> pa.Schema:
    fields = [field.with_name(name) for field, name in zip(schema, names, strict=True)]
    return pa.schema(fields, schema.metadata)


def _open(path: Path, dictionary_columns: list[str] | None = None, buffer_size: int = 0) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path, read_dictionary=dictionary_columns, buffer_size=buffer_size)
    except PermissionError as error:
        raise no_permission(path) from error
    except UnicodeDecodeError as error:
        raise InputFileError(
            str(path), "a column name is no UTF-8 text", "Write the file again with column names in UTF-8"
        ) from error
    except (pa.ArrowException, OSError) as error:
        with path.open("rb") as file:
            begins = file.read(4) == b"PAR1"
        if begins:
            problem, remedy = "the Parquet file is cut off or damaged", "Copy or write the file again"
        else:
            problem, remedy = (
                "this is no Parquet file despite its ending",
                "Give the file its true ending, e.g. .csv",
            )
        raise InputFileError(str(path), f"{problem} ({_first_line(error)})", remedy) from error


def _check_rows(path: Path, metadata: pq.FileMetaData) -> None:
    rows = sum(metadata.row_group(group).num_rows for group in range(metadata.num_row_groups))
    if rows != metadata.num_rows:
        problem = f"the Parquet file is damaged (its footer tells of {metadata.num_rows:,} rows and of {rows:,})"
        raise InputFileError(str(path), problem, "Write or copy the file again")


def _try_groups(path: Path, groups: int) -> None:
    """Read a row of each of the first groups: asked for a damaged column chunk directly, pyarrow ends the process."""
    with _open(path, buffer_size=_PROBE_BYTES) as file:
        try:
            for group in range(groups):
                next(file.iter_batches(1, row_groups=[group]), None)
        except (pa.ArrowException, OSError) as error:
            problem = f"the Parquet file is damaged ({_first_line(error)})"
            raise InputFileError(str(path), problem, "Write or copy the file again") from error


def _piece_bytes(metadata: pq.FileMetaData) -> int:
    sizes = (metadata.row_group(group).total_byte_size for group in range(metadata.num_row_groups))
    return _PIECE_BYTES if max(sizes, default=0) > _HUGE_GROUP_BYTES else 0


def _dictionary_leaves(path: Path, metadata: pq.FileMetaData) -> list[str]:
    """Text leaf columns that the file itself keeps as a dictionary, at few bytes per value."""
    if metadata.num_rows < _ROWS_PER_GROUP * (metadata.num_row_groups - 1):
        return []
    groups = [metadata.row_group(g) for g in range(min(metadata.num_row_groups, _GROUPS_LOOKED_AT))]
    _try_groups(path, len(groups))
    leaves = []
    for position in range(metadata.num_columns):
        column = metadata.schema.column(position)
        if column.physical_type != "BYTE_ARRAY" or column.logical_type.type not in ("STRING", "NONE"):
            continue
        if column.logical_type.type == "NONE" and column.converted_type != "UTF8":
            continue
        chunks = [group.column(position) for group in groups]
        values = sum(chunk.num_values for chunk in chunks)
        size = sum(chunk.total_uncompressed_size for chunk in chunks)
        if values and all(c.has_dictionary_page for c in chunks) and size <= _SMALL_BYTES_PER_VALUE * values:
            leaves.append(column.path)
    return leaves


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0].rstrip(".") if str(error).strip() else type(error).__name__
