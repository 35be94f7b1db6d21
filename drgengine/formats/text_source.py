"""Delimited text (CSV, TSV, .gz) as a stream of batches, every column as text."""

from __future__ import annotations

import csv
import io
import secrets
from bisect import insort
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from drgengine.errors import InputFileError
from drgengine.formats.firstrows import cells_of_first_rows, has_trailing_delimiter, refuse_mostly_ragged
from drgengine.formats.headers import Columns, choose_columns
from drgengine.formats.limits import RAGGED_ROWS, TEXT_BLOCK_BYTES
from drgengine.formats.raggedrows import empty_rows, with_cells, with_empty_rows
from drgengine.formats.rowlines import line_of_endless_row, line_of_ragged_row
from drgengine.formats.source import TEXT_ENDINGS
from drgengine.formats.textencoding import (
    REMEDY_ENCODING,
    decode_sample,
    find_delimiter,
    find_encoding,
    known_encoding,
    read_header,
)
from drgengine.formats.textstream import TextStream, read_sample

# First bytes of tables that often bear the wrong ending; only binary files can hold a zero byte beside them.
_BEGINNINGS = (
    (b"PAR1", "a Parquet file", ".parquet"),
    (b"PK\x03\x04", "an Excel workbook (or another zip archive)", ".xlsx"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook", ".xls"),
)


class TextSource:
    """See formats.source.FileSource; leading zeros and code texts stay as they are in the file."""

    num_rows: int | None = None
    remarks: tuple[str, ...] = ()

    def __init__(
        self,
        path: Path,
        batch_rows: int,
        keep_personal: bool,
        encoding: str,
        delimiter: str,
        columns: Columns | None = None,
        ragged: str = "refuse",
    ) -> None:
        self.path = path
        self.ragged: list[tuple[int, int]] = []
        self._batch_rows = batch_rows
        sample, whole = read_sample(path)
        _refuse_other_formats(path, sample)
        self.encoding = find_encoding(path, sample) if encoding == "auto" else known_encoding(path, encoding)
        text = decode_sample(path, sample, self.encoding, whole)
        self.delimiter = find_delimiter(path, text) if delimiter == "auto" else delimiter
        self._header = read_header(path, text, self.delimiter, whole)
        self._mean_row_bytes = len(text.encode(errors="replace")) / max(1, text.count("\n"), text.count("\r"))
        self._kept, self.dropped = choose_columns(path, self._header, columns, keep_personal)
        self.schema = pa.schema([(self._header[place], pa.string()) for place in self._kept])
        self.output_schema = self.schema
        self._keep_ragged = ragged == "keep"
        first = cells_of_first_rows(text, self.delimiter, whole)
        # Read with the others, to see that it stays empty.
        self._trailing = has_trailing_delimiter(first, len(self._header))
        if self._trailing:
            self.remarks = ("the rows end in one delimiter more than the header; the empty cell behind it is left out",)
        elif self._keep_ragged:
            refuse_mostly_ragged(str(path), first, len(self._header))
        self._missing: list[int] = []
        self._short: dict[int, list[str]] = {}  # rows without the delimiter behind the others
        self._bad_row: tuple[int, int] | None = None
        # Stands behind the last row with a cell too many: the parser reports it, unless an open quotation mark
        # swallows it. Drawn, so that no file can hold it.
        self._end = f"end {secrets.token_hex(16)}"
        self._ended = False
        self._reader: pacsv.CSVStreamingReader | None = None
        self._stream: TextStream | None = None

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Record batches in file order; InputFileError for a ragged row (unless kept) or a wrong encoding."""
        self.ragged.clear()
        self._missing, self._short, self._bad_row, self._ended = [], {}, None, False
        done = 0
        for read in self._parsed():
            batch = with_empty_rows(read, done + 1, self._missing)
            if self._trailing:
                batch = self._without_last(with_cells(batch, done + 1, self._short), done + 1)
            done += batch.num_rows
            for start in range(0, batch.num_rows, self._batch_rows):
                yield batch.slice(start, self._batch_rows)
        behind = sum(row > done for row in self._missing)
        for batch in empty_rows(self.schema, behind, self._batch_rows):
            yield with_cells(batch, done + 1, self._short)
            done += batch.num_rows

    def close(self) -> None:
        """Close the file."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def __enter__(self) -> TextSource:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _parsed(self) -> Iterator[pa.RecordBatch]:
        """Batches as parsed, ragged rows left out; they are noted before the rows behind them come."""
        try:
            for batch in self._open():
                if self._trailing:
                    yield batch
                else:
                    yield pa.RecordBatch.from_arrays(batch.columns[: len(self._kept)], schema=self.schema)
        except InputFileError:
            raise
        except UnicodeError as error:
            raise self._bad_encoding() from error
        except (pa.ArrowException, OSError, EOFError) as error:
            raise self._explain(error) from error
        finally:
            self.close()
        if not self._ended:
            raise self._open_quote()

    def _without_last(self, batch: pa.RecordBatch, row: int) -> pa.RecordBatch:
        """The columns wanted; a row with something in the cell behind the header's is ragged after all."""
        behind = pc.fill_null(pc.utf8_trim_whitespace(batch.column(batch.num_columns - 1)), "")
        full = np.asarray(pc.not_equal(behind, ""))
        columns = batch.columns[: len(self._kept)]
        if full.any():
            cells = len(self._header) + 1
            if not self._keep_ragged:
                raise self._ragged_row(cells - 1, cells)
            for place in np.flatnonzero(full).tolist():
                insort(self.ragged, (row + place, cells))
            taken = pa.array(np.arange(batch.num_rows), pa.int64(), mask=full)
            columns = [pc.take(column, taken) for column in columns]
        return pa.RecordBatch.from_arrays(columns, schema=self.schema)

    def _open(self) -> Iterator[pa.RecordBatch]:
        low, high = TEXT_BLOCK_BYTES
        block = int(min(max(self._batch_rows * self._mean_row_bytes, low), high))
        count = len(self._header) + self._trailing
        names = [str(place) for place in range(count)]  # names of the file may be there twice
        # One column is read in any case, to count the rows.
        taken = [names[place] for place in self._kept] or names[:1]
        taken += names[-1:] if self._trailing else []
        ending = self._end + self.delimiter * count + "\n"
        self._stream = TextStream(self.path, self.encoding, ending.encode())
        self._reader = pacsv.open_csv(
            pa.PythonFile(self._stream, mode="r"),
            read_options=pacsv.ReadOptions(
                use_threads=False,  # else rows have no numbers
                block_size=block,
                column_names=names,
                skip_rows_after_names=1,
            ),
            parse_options=pacsv.ParseOptions(
                delimiter=self.delimiter,
                newlines_in_values=True,
                ignore_empty_lines=len(self._header) > 1,
                invalid_row_handler=self._note_bad_row,
            ),
            convert_options=pacsv.ConvertOptions(
                column_types=dict.fromkeys(taken, pa.string()),
                include_columns=taken,
                strings_can_be_null=False,
            ),
        )
        return iter(self._reader)

    def _note_bad_row(self, row: pacsv.InvalidRow) -> str:
        if row.actual_columns == row.expected_columns + 1 and row.text.startswith(self._end):
            self._ended = True
            return "skip"
        if self._trailing and row.actual_columns == len(self._header) and len(self._missing) < RAGGED_ROWS:
            self._missing.append(row.number - 1)
            self._short[row.number - 1] = self._wanted_cells(row.text)
            return "skip"
        if self._keep_ragged and len(self._missing) < RAGGED_ROWS:
            self._missing.append(row.number - 1)  # the header is row 1 of the parser
            self.ragged.append((row.number - 1, row.actual_columns))
            return "skip"
        self._bad_row = (row.expected_columns, row.actual_columns)
        return "error"

    def _wanted_cells(self, text: str) -> list[str]:
        cells = next(csv.reader(io.StringIO(text, newline=""), delimiter=self.delimiter), [])
        cells += [""] * (len(self._header) - len(cells))
        return [*(cells[place] for place in self._kept or [0]), ""]

    def _explain(self, error: BaseException) -> InputFileError:
        """In our own words: the parser's message quotes the row, which may hold personal data."""
        place = str(self.path)
        if self._stream is not None and self._stream.failure is not None:
            return self._stream.failure
        if self._bad_row is not None:
            return self._ragged_row(*self._bad_row)
        words = str(error).lower()
        if "utf8" in words or "utf-8" in words or "decode" in words:
            return self._bad_encoding()
        if "straddling" in words:
            line = line_of_endless_row(self.path, self.encoding, self.delimiter)
            where = "a row" if line is None else f"the row that begins in line {line} of the file"
            remedy = f"Look for a quotation mark that is never closed; a row may have {TEXT_BLOCK_BYTES[1] >> 20} MiB"
            return InputFileError(place, f"{where} does not end", remedy)
        return InputFileError(place, "the text cannot be read as a table", "Check quotation marks and delimiters")

    def _ragged_row(self, expected: int, actual: int) -> InputFileError:
        if self._keep_ragged:
            problem = f"more than {RAGGED_ROWS:,} rows do not have the {expected} cells of the header"
            return InputFileError(str(self.path), problem, "Name the delimiter, or export the data again")
        line = line_of_ragged_row(self.path, self.encoding, self.delimiter, expected)
        return InputFileError(
            str(self.path),
            f"{'a row' if line is None else f'line {line} of the file'} has {actual} cells "
            f"where the header has {expected}",
            f"Quote cells that hold {self.delimiter!r} or a line break",
        )

    def _open_quote(self) -> InputFileError:
        line = line_of_endless_row(self.path, self.encoding, self.delimiter)
        where = "" if line is None else f" in the row that begins in line {line} of the file"
        problem = f"a quotation mark is never closed{where}, so the rows behind it cannot be told apart"
        return InputFileError(str(self.path), problem, "Close or remove the quotation mark")

    def _bad_encoding(self) -> InputFileError:
        problem = f"a later part of the file is not in the encoding {self.encoding}"
        return InputFileError(str(self.path), problem, REMEDY_ENCODING)


def _refuse_other_formats(path: Path, sample: bytes) -> None:
    for beginning, what, ending in _BEGINNINGS:
        if sample.startswith(beginning) and b"\0" in sample:
            name = path.name.lower()
            known = max((e for e in TEXT_ENDINGS if name.endswith(e)), key=len, default="")
            verb = "unpack it to" if known.endswith(".gz") else "rename it to"
            stem = path.name[: len(path.name) - len(known)]
            problem = f"this is no text file; it begins like {what}"
            raise InputFileError(str(path), problem, f"{verb.capitalize()} {stem}{ending}")
