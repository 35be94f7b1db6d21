"""The bytes of a delimited text as UTF-8, piece by piece, with what is wrong with them told at once."""

from __future__ import annotations

import codecs
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pyarrow as pa

from drgengine.errors import InputFileError
from drgengine.formats.limits import (
    GZIP_RATIO,
    GZIP_RATIO_FROM_BYTES,
    TEXT_PIECE_BYTES,
    TEXT_SAMPLE_BYTES,
)
from drgengine.formats.textencoding import REMEDY_ENCODING


class TextStream(io.RawIOBase):
    """A file-like object for the parser: unpacked, in UTF-8, no byte order mark, no zero bytes, `ending` behind it.

    failure : the error met while reading, since the parser may wrap it in its own
    """

    def __init__(self, path: Path, encoding: str, ending: bytes = b"") -> None:
        self.failure: InputFileError | None = None
        self._path = path
        self._encoding = encoding
        self._file = _open(path)
        self._size = path.stat().st_size
        self._packed = path.name.lower().endswith(".gz")
        self._unpacked = 0
        self._ending = ending
        self._ended = False
        self._first = True
        self._last = b""
        self._ready = bytearray()
        # UTF-8 is left to the parser, which looks at the columns it converts.
        decoder = codecs.getincrementaldecoder(encoding)()
        self._decode: Callable[[bytes, bool], str] | None = None if encoding == "utf-8" else decoder.decode

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        """Exactly `size` bytes while there are so many: a short answer would cut a row in two."""
        wanted = -1 if size is None else size
        while not self._ended and (wanted < 0 or len(self._ready) < wanted):
            try:
                self._more()
            except InputFileError as failure:
                self.failure = failure
                raise
        taken = bytes(self._ready) if wanted < 0 else bytes(self._ready[:wanted])
        del self._ready[: len(taken)]
        return taken

    def close(self) -> None:
        """Close the file."""
        if not self.closed:
            self._file.close()
        super().close()

    def _more(self) -> None:
        piece = self._piece()
        text = piece if self._decode is None else self._recode(piece)
        if self._first:
            text = text.removeprefix(codecs.BOM_UTF8)
            self._first = not text
        if b"\0" in text:
            self._fail("a later part of the file holds zero bytes, so it is no text", "Export the data again")
        self._ready += text
        self._last = text[-1:] or self._last
        if not piece:
            self._ended = True
            self._ready += (b"" if self._last in (b"\n", b"\r", b"") else b"\n") + self._ending

    def _piece(self) -> bytes:
        try:
            piece: bytes = self._file.read(TEXT_PIECE_BYTES)
        except (pa.ArrowException, OSError, EOFError):
            self._fail(*_damaged(self._path))
        self._unpacked += len(piece)
        if self._packed and self._unpacked > max(GZIP_RATIO_FROM_BYTES, GZIP_RATIO * self._size):
            self._fail(
                f"the compressed file unpacks to more than {GZIP_RATIO} times its size",
                "Unpack it and look at what it holds",
            )
        if not piece:
            self._check_size()
        return piece

    def _check_size(self) -> None:
        try:
            size = self._path.stat().st_size
        except OSError:
            size = -1
        read = size if self._packed else self._unpacked
        if size != self._size or read != self._size:
            self._fail("the file changed while it was read", "Wait until it is written, then start again")

    def _recode(self, piece: bytes) -> bytes:
        assert self._decode is not None
        try:
            return self._decode(piece, not piece).encode()
        except UnicodeError:
            self._fail(f"a later part of the file is not in the encoding {self._encoding}", REMEDY_ENCODING)

    def _fail(self, problem: str, remedy: str) -> NoReturn:
        raise InputFileError(str(self._path), problem, remedy)


def read_sample(path: Path) -> tuple[bytes, bool]:
    """The first bytes of the (unpacked) text, and whether they are all."""
    try:
        with _open(path) as stream:
            parts: list[bytes] = []
            size = 0
            while size < TEXT_SAMPLE_BYTES and (part := stream.read(TEXT_SAMPLE_BYTES - size)):
                parts.append(part)
                size += len(part)
            return b"".join(parts), size < TEXT_SAMPLE_BYTES
    except (pa.ArrowException, OSError) as error:
        raise InputFileError(str(path), *_damaged(path)) from error


def _open(path: Path) -> pa.NativeFile:
    compressed = path.name.lower().endswith(".gz")
    return pa.input_stream(os.fspath(path), compression="gzip" if compressed else None)


def _damaged(path: Path) -> tuple[str, str]:
    if path.name.lower().endswith(".gz"):
        return "the compressed file is cut off or damaged", "Compress or copy the file again"
    return "the file cannot be read to its end", "Copy the file again"
