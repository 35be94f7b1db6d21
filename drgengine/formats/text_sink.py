"""CSV output that opens in a spreadsheet: UTF-8 with byte order mark, lists joined by |, no formulas."""

from __future__ import annotations

import codecs
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.types as pt

from drgengine.cases.unreadable import decoded
from drgengine.errors import OutputFileError
from drgengine.formats.sink import Sink

LIST_SEPARATOR = "|"
_FORMULA = r"^[=+\-@\t\r]"
_HARMLESS = r"^(-|[+-]?(\d{1,3}(,\d{3})+|\d+|\d*\.\d+)\.?\d*([eE][+-]?\d+)?)$"


class TextSink(Sink):
    """See formats.sink.Sink."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        for field in schema:
            _check_type(path, field)
        super().__init__(path)
        self._opened: list[pa.NativeFile] = []
        header = escape_formulas(pa.array(schema.names, pa.string())).to_pylist()
        types = [pa.string() if _becomes_text(field.type) else _value_type(field.type) for field in schema]
        self._schema = pa.schema(list(zip(header, types, strict=True)))
        with self.failing():
            self._opened.append(pa.OSFile(str(self._temporary), "wb"))
            if path.name.lower().endswith(".gz"):
                self._opened.append(pa.CompressedOutputStream(self._opened[0], "gzip"))
            self._opened[-1].write(codecs.BOM_UTF8)
            self._writer = pacsv.CSVWriter(self._opened[-1], self._schema)

    def _write(self, batch: pa.RecordBatch) -> None:
        columns = [as_cells(column) for column in batch.columns]
        self._writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=self._schema))

    def _finish(self) -> None:
        self._writer.close()
        for stream in reversed(self._opened):
            stream.close()

    def _discard(self) -> None:
        # A stream left open writes its last bytes when it is destroyed, and prints that it could not.
        for stream in reversed(self._opened):
            with suppress(pa.ArrowException, OSError):
                stream.close()


def as_cells(column: pa.Array) -> pa.Array:
    """A column as CSV cells: lists joined, dictionaries as values, text with formulas made harmless."""
    if pt.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if _is_list(column.type):
        column = _join(column)
    if _becomes_text(column.type):
        column = escape_formulas(_as_utf8(column.cast(pa.string())))
    return column


def _as_utf8(texts: pa.StringArray) -> pa.StringArray:
    """The texts; bytes that are no UTF-8 would make the whole file unreadable and become U+FFFD."""
    try:
        texts.validate(full=True)
    except pa.ArrowInvalid:
        return pc.if_else(texts.is_valid(), decoded(texts)[0], pa.scalar(None, pa.string()))
    return texts


def escape_formulas(texts: pa.StringArray) -> pa.StringArray:
    """Put ' before texts a spreadsheet would run: = + - @, tab or CR in front; numbers and "-" stay.

    >>> escape_formulas(pa.array(["=1+1", "-5.2", "-", "A18.8+I32.0*"])).to_pylist()
    ["'=1+1", '-5.2', '-', 'A18.8+I32.0*']
    """
    risky = pc.match_substring_regex(texts, _FORMULA)
    if not pc.any(risky).as_py():
        return texts
    harmless = pc.match_substring_regex(texts, _HARMLESS)
    quoted = pc.binary_join_element_wise("'", texts, "")
    return pc.if_else(pc.and_not(risky, harmless), quoted, texts)


def _join(column: pa.Array) -> pa.Array:
    items = column.flatten()
    if pt.is_dictionary(items.type):
        items = items.cast(items.type.value_type)
    items = pc.fill_null(items.cast(pa.string()), "")
    sizes = pc.fill_null(pc.list_value_length(column), 0)
    ends = pc.cumulative_sum(sizes)
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), ends.cast(pa.int32())])
    joined = pc.binary_join(pa.ListArray.from_arrays(offsets, items), LIST_SEPARATOR)
    return pc.if_else(column.is_valid(), joined, pa.scalar(None, pa.string()))


def _check_type(path: Path, field: pa.Field) -> None:
    kind = _value_type(field.type)
    if _is_list(kind):
        kind = _value_type(kind.value_type)
    if pt.is_nested(kind) or pt.is_binary(kind) or pt.is_large_binary(kind):
        raise OutputFileError(
            str(path),
            f"the column {field.name!r} of type {field.type} has no form in CSV",
            "Write .parquet instead",
        )


def _value_type(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pt.is_dictionary(kind) else kind


def _becomes_text(kind: pa.DataType) -> bool:
    kind = _value_type(kind)
    return _is_list(kind) or pt.is_string(kind) or pt.is_large_string(kind) or pt.is_string_view(kind)


def _is_list(kind: pa.DataType) -> bool:
    return (
        pt.is_list(kind)
        or pt.is_large_list(kind)
        or pt.is_fixed_size_list(kind)
        or pt.is_list_view(kind)
        or pt.is_large_list_view(kind)
    )
