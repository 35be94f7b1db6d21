"""DBF files (dBase III to Visual FoxPro) as a stream of batches, every column as text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import numpy as np
import pyarrow as pa

from drgengine.cases.shown import shown_name, shown_names
from drgengine.errors import InputFileError
from drgengine.formats.dbf_header import WESTERN, DbfHeader, read_dbf_header
from drgengine.formats.dbf_values import MEMO_KINDS, Block, TextDecoder, converter
from drgengine.formats.headers import Columns, choose_columns, clean_headers
from drgengine.formats.limits import DBF_BLOCK_BYTES
from drgengine.formats.textencoding import REMEDY_ENCODING, known_encoding

_DEFAULT = "gb18030"
_DELETED = ord("*")


class DbfSource:
    """See formats.source.FileSource; dates come as YYYY-MM-DD, numbers as they are written.

    num_rows : records that are not deleted; deleted : those left out, which have no row number
    encoding : of the texts
    """

    def __init__(
        self, path: Path, batch_rows: int, keep_personal: bool, encoding: str, columns: Columns | None = None
    ) -> None:
        self.path = path
        self.ragged: list[tuple[int, int]] = []
        header = read_dbf_header(path)
        self._header = header
        self._size = path.stat().st_size
        self._block_rows = max(1, min(batch_rows, DBF_BLOCK_BYTES // header.record_bytes))
        said: list[str] = []
        self.deleted = self._count_deleted()
        if self.deleted:
            said.append(f"{self.deleted:,} records marked as deleted are left out")
        self.encoding = self._find_encoding(said) if encoding == "auto" else known_encoding(path, encoding)
        self._decoder = TextDecoder(self.encoding)
        self._fields = [field for field in header.fields if field.kind not in MEMO_KINDS]
        memos = [field for field in header.fields if field.kind in MEMO_KINDS]
        if memos:
            said.append(f"memo columns are not read: {shown_names(self._names([field.name for field in memos]))}")
        names = self._names([field.name for field in self._fields])
        kept, self.dropped = choose_columns(path, names, columns, keep_personal)
        self._kept = [self._fields[place] for place in kept]
        self._converters = []
        for place in kept:
            field = self._fields[place]
            convert = converter(field.kind, field.length, self._decoder)
            if convert is None:
                problem = f"the column {shown_name(names[place])!r} has the type {field.kind!r}, which is not read"
                raise InputFileError(str(path), problem, "Save the table as .csv or .xlsx")
            self._converters.append(convert)
        self.num_rows: int | None = header.records - self.deleted
        self.schema = pa.schema([(names[place], pa.string()) for place in kept])
        self.output_schema = self.schema
        self._said = tuple(said)

    @property
    def remarks(self) -> tuple[str, ...]:
        cut = self._decoder.cut
        return (*self._said, *((f"{cut:,} texts end in half a character, which is left out",) if cut else ()))

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Record batches in file order, deleted records left out; InputFileError when the file changes meanwhile."""
        self._decoder.cut = 0
        for block in self._blocks():
            alive = block[block[:, 0] != _DELETED] if self.deleted else block
            if not len(alive):
                continue
            yield pa.RecordBatch.from_arrays(self._columns_of(alive), schema=self.schema)

    def close(self) -> None:
        """Nothing is held between batches."""

    def __enter__(self) -> DbfSource:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _columns_of(self, block: Block) -> list[pa.Array]:
        arrays = []
        for place, (field, convert) in enumerate(zip(self._kept, self._converters, strict=True)):
            try:
                arrays.append(convert(block[:, field.start : field.start + field.length]))
            except UnicodeError as error:
                column = shown_name(self.schema.names[place])
                problem = f"texts of the column {column!r} are not in the encoding {self.encoding}"
                raise InputFileError(str(self.path), problem, REMEDY_ENCODING) from error
        return arrays

    def _blocks(self) -> Iterator[Block]:
        """The records, as many at a time as a block holds; each starts with its mark of deletion."""
        header = self._header
        with self.path.open("rb") as file:
            file.seek(header.head_bytes)
            left = header.records
            while left:
                rows = min(left, self._block_rows)
                data = file.read(rows * header.record_bytes)
                if len(data) < rows * header.record_bytes or self.path.stat().st_size != self._size:
                    problem = "the file changed while it was read"
                    raise InputFileError(str(self.path), problem, "Wait until it is written, then start again")
                yield np.frombuffer(data, np.uint8).reshape(rows, header.record_bytes)
                left -= rows

    def _count_deleted(self) -> int:
        """Marks are looked at before: rows and issues count only what is there."""
        return sum(int((block[:, 0] == _DELETED).sum()) for block in self._blocks())

    def _names(self, stored: list[bytes]) -> list[str]:
        try:
            return clean_headers([name.decode(self.encoding) for name in stored])
        except UnicodeError as error:
            problem = f"column names are not in the encoding {self.encoding}"
            raise InputFileError(str(self.path), problem, REMEDY_ENCODING) from error

    def _find_encoding(self, said: list[str]) -> str:
        """The code page of the header, unless it is a Western one by default and the texts are Chinese."""
        header = self._header
        named = header.code_page
        if named and named not in WESTERN:
            return named
        texts = self._foreign_texts(header)
        if not named and texts and all(_decodes(text, "utf-8") for text in texts):
            return "utf-8"
        if named and texts and not _mostly_chinese(texts):
            return named
        if named and texts:
            said.append(f"the header names the code page {named}, the texts are Chinese and read as {_DEFAULT}")
        return _DEFAULT

    def _foreign_texts(self, header: DbfHeader) -> list[bytes]:
        """Distinct texts beyond ASCII of the names and the first block."""
        found = dict.fromkeys(field.name for field in header.fields)
        for block in self._blocks():
            for field in header.fields:
                if field.kind == "C":
                    cells = np.ascontiguousarray(block[:, field.start : field.start + field.length])
                    if (cells & 0x80).any():
                        found.update(
                            dict.fromkeys(x.rstrip(b" ") for x in cells.view(f"S{field.length}").ravel().tolist())
                        )
            break
        return [text for text in found if not text.isascii()]


def _decodes(text: bytes, encoding: str) -> bool:
    try:
        text.decode(encoding)
    except UnicodeDecodeError as error:
        return error.start >= len(text) - 3 and error.reason == "unexpected end of data"
    return True


def _mostly_chinese(texts: list[bytes]) -> bool:
    """Eight of ten texts are GB2312 (both bytes beyond ASCII, rare characters are not in it), mostly characters."""
    good = [text for text in texts if _decodes(text, "gb2312") or _decodes(text[:-1], "gb2312")]
    foreign = [sign for text in good for sign in text.decode("gb2312", "ignore") if not sign.isascii()]
    chinese = sum("\u4e00" <= sign <= "\u9fff" for sign in foreign)
    return 5 * len(good) >= 4 * len(texts) and 2 * chinese > len(foreign)
