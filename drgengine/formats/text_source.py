"""Delimited text (CSV, TSV, .gz) as a stream of batches, every column as text."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import pyarrow as pa
import pyarrow.csv as pacsv

from drgengine.cases.columns import drop_personal
from drgengine.errors import InputFileError
from drgengine.formats.source import TEXT_ENDINGS, refuse_repeated

_SAMPLE_BYTES = 4 << 20
_DELIMITERS = (",", "\t", ";", "|")
_BLOCK_BYTES = (1 << 20, 64 << 20)
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# First bytes of tables that often bear the wrong ending; only binary files can hold a zero byte beside them.
_BEGINNINGS = (
    (b"PAR1", "a Parquet file", ".parquet"),
    (b"PK\x03\x04", "an Excel workbook (or another zip archive)", ".xlsx"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook", ".xls"),
)
_REMEDY_ENCODING = "Name the encoding with --encoding (e.g. gb18030 or utf-8), or save the file as UTF-8"


class TextSource:
    """See formats.source.Source; leading zeros and code texts stay as they are in the file."""

    num_rows: int | None = None

    def __init__(self, path: Path, batch_rows: int, keep_personal: bool, encoding: str, delimiter: str) -> None:
        self.path = path
        self._batch_rows = batch_rows
        sample, whole = _sample(path)
        _refuse_other_formats(path, sample)
        self.encoding = _find_encoding(path, sample) if encoding == "auto" else _known_encoding(path, encoding)
        text = _decode(path, sample, self.encoding, whole)
        self.delimiter = _find_delimiter(path, text) if delimiter == "auto" else delimiter
        self._header, more = _header(path, text, self.delimiter)
        self._no_rows = whole and not more
        self._mean_row_bytes = len(sample) / max(1, text.count("\n"))
        self.dropped = () if keep_personal else drop_personal(pa.schema([(n, pa.string()) for n in self._header]))
        self.schema = pa.schema([(name, pa.string()) for name in self._header if name not in self.dropped])
        self.output_schema = self.schema
        self._bad_row: tuple[int, int] | None = None
        self._reader: pacsv.CSVStreamingReader | None = None

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Record batches in file order; InputFileError for a ragged row or a wrong encoding."""
        if self._no_rows:
            return
        try:
            for batch in self._open():
                for start in range(0, batch.num_rows, self._batch_rows):
                    yield batch.slice(start, self._batch_rows)
        except UnicodeError as error:
            raise self._bad_encoding() from error
        except (pa.ArrowException, OSError, EOFError) as error:
            raise self._explain(error) from error

    def close(self) -> None:
        """Close the file."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def __enter__(self) -> TextSource:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open(self) -> Iterator[pa.RecordBatch]:
        low, high = _BLOCK_BYTES
        block = int(min(max(self._batch_rows * self._mean_row_bytes, low), high))
        stream = pa.input_stream(str(self.path), compression="detect")
        self._reader = pacsv.open_csv(
            stream,
            read_options=pacsv.ReadOptions(
                use_threads=False,  # else the ragged row that is met first need not be the first one
                block_size=block,
                encoding=self.encoding,
                column_names=self._header,
                skip_rows_after_names=1,
            ),
            parse_options=pacsv.ParseOptions(
                delimiter=self.delimiter,
                newlines_in_values=True,
                ignore_empty_lines=len(self._header) > 1,
                invalid_row_handler=self._note_bad_row,
            ),
            convert_options=pacsv.ConvertOptions(
                column_types={name: pa.string() for name in self._header},
                include_columns=self.schema.names,
                strings_can_be_null=False,
            ),
        )
        return iter(self._reader)

    def _note_bad_row(self, row: pacsv.InvalidRow) -> str:
        self._bad_row = (row.expected_columns, row.actual_columns)
        return "error"

    def _explain(self, error: BaseException) -> InputFileError:
        """In our own words: the parser's message quotes the row, which may hold personal data."""
        place = str(self.path)
        if self._bad_row is not None:
            expected, actual = self._bad_row
            line = self._line_of_bad_row()
            return InputFileError(
                place,
                f"{'a row' if line is None else f'line {line} of the file'} has {actual} cells "
                f"where the header has {expected}",
                f"Quote cells that hold {self.delimiter!r} or a line break",
            )
        words = str(error).lower()
        if "utf8" in words or "utf-8" in words or "decode" in words:
            return self._bad_encoding()
        if "straddling" in words:
            return InputFileError(
                place,
                "a row is longer than the reading block",
                "Look for a quotation mark that is never closed",
            )
        if self.path.name.lower().endswith(".gz"):
            return InputFileError(place, "the compressed file is cut off or damaged", "Compress or copy the file again")
        return InputFileError(place, "the text cannot be read as a table", "Check quotation marks and delimiters")

    def _line_of_bad_row(self) -> int | None:
        """Where the first ragged row begins; the parser counts rows, not lines (blank ones, breaks in quotes)."""
        opened = gzip.open if self.path.name.lower().endswith(".gz") else open
        encoding = "utf-8-sig" if self.encoding == "utf-8" else self.encoding
        line = 1
        try:
            with opened(self.path, "rt", encoding=encoding, newline="") as text:
                rows = csv.reader(text, delimiter=self.delimiter)
                for row in rows:
                    if row and len(row) != len(self._header):
                        return line
                    line = rows.line_num + 1
        except (OSError, EOFError, UnicodeError, csv.Error):
            pass  # a better place than none is all that is wanted here
        return None

    def _bad_encoding(self) -> InputFileError:
        return InputFileError(
            str(self.path),
            f"a later part of the file is not in the encoding {self.encoding}",
            _REMEDY_ENCODING,
        )


def _sample(path: Path) -> tuple[bytes, bool]:
    """The first bytes of the (decompressed) text, and whether they are all."""
    try:
        with pa.input_stream(str(path), compression="detect") as stream:
            parts: list[bytes] = []
            size = 0
            while size < _SAMPLE_BYTES and (part := stream.read(_SAMPLE_BYTES - size)):
                parts.append(part)
                size += len(part)
            return b"".join(parts), size < _SAMPLE_BYTES
    except (pa.ArrowException, OSError) as error:
        raise InputFileError(
            str(path), "the compressed file is cut off or damaged", "Compress or copy the file again"
        ) from error


def _refuse_other_formats(path: Path, sample: bytes) -> None:
    for beginning, what, ending in _BEGINNINGS:
        if sample.startswith(beginning) and b"\0" in sample:
            name = path.name.lower()
            known = max((e for e in TEXT_ENDINGS if name.endswith(e)), key=len, default="")
            verb = "unpack it to" if known.endswith(".gz") else "rename it to"
            stem = path.name[: len(path.name) - len(known)]
            problem = f"this is no text file; it begins like {what}"
            raise InputFileError(str(path), problem, f"{verb.capitalize()} {stem}{ending}")


def _find_encoding(path: Path, sample: bytes) -> str:
    for mark, name in _BYTE_ORDER_MARKS:
        if sample.startswith(mark):
            return name
    if b"\0" in sample:
        raise InputFileError(str(path), "this is no text file (it holds zero bytes)", "Give the file its true ending")
    for name in ("utf-8", "gb18030"):
        try:
            # Not final: a character may be cut at the end of the sample.
            codecs.getincrementaldecoder(name)().decode(sample, final=False)
        except UnicodeDecodeError:
            continue
        return name
    raise InputFileError(str(path), "the text is neither UTF-8 nor GB18030", _REMEDY_ENCODING)


def _known_encoding(path: Path, encoding: str) -> str:
    try:
        name = codecs.lookup(encoding).name
    except LookupError:
        raise InputFileError(str(path), f"the encoding {encoding!r} is not known", _REMEDY_ENCODING) from None
    return {"gbk": "gb18030", "gb2312": "gb18030", "utf-8-sig": "utf-8"}.get(name, name)


def _decode(path: Path, sample: bytes, encoding: str, whole: bool) -> str:
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(sample, final=whole)
    except UnicodeDecodeError as error:
        raise InputFileError(
            str(path),
            f"byte {error.start} and following are not in the encoding {encoding}",
            _REMEDY_ENCODING,
        ) from error
    return text.removeprefix("\ufeff")


def _find_delimiter(path: Path, text: str) -> str:
    """The candidate that stands most often in the header outside quotation marks."""
    header = text.lstrip("\r\n").splitlines()[0] if text.strip() else ""
    unquoted = "".join(header.split('"')[::2])
    counts = {candidate: unquoted.count(candidate) for candidate in _DELIMITERS}
    best = max(_DELIMITERS, key=lambda candidate: counts[candidate])
    if counts[best]:
        return best
    return "\t" if ".tsv" in path.name.lower() else ","


def _header(path: Path, text: str, delimiter: str) -> tuple[list[str], bool]:
    """Column names, and whether anything follows them."""
    rows = csv.reader(io.StringIO(text), delimiter=delimiter)
    first = next(rows, None)
    if not first or not any(name.strip() for name in first):
        raise InputFileError(str(path), "the first row holds no column names", "Put the column names in the first row")
    names = [name.strip() or f"column_{position}" for position, name in enumerate(first, 1)]
    refuse_repeated(path, names)
    return names, next(rows, None) is not None
