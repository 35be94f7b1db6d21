"""Which encoding and delimiter a delimited text has (文本编码): byte order mark, strict UTF-8, GB18030."""

from __future__ import annotations

import codecs
import csv
import io
import re
from pathlib import Path

from drgengine.errors import InputFileError
from drgengine.formats.headers import clean_headers

REMEDY_ENCODING = "Name the encoding with --encoding (e.g. gb18030 or utf-8), or save the file as UTF-8"
_DELIMITERS = (",", "\t", ";", "|")
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_FIRST_LINE = re.compile(r"[^\r\n]+")
_NO_NAMES = "the first row holds no column names", "Put the column names in the first row"


def find_encoding(path: Path, sample: bytes) -> str:
    """The encoding of the first bytes; InputFileError when they are no text."""
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
    raise InputFileError(str(path), "the text is neither UTF-8 nor GB18030", REMEDY_ENCODING)


def known_encoding(path: Path, encoding: str) -> str:
    """The name Python has for it, GBK widened to GB18030; InputFileError when there is none."""
    try:
        name = codecs.lookup(encoding).name
        "".encode(name)
    except (LookupError, ValueError):
        raise InputFileError(str(path), f"the encoding {encoding!r} is not known", REMEDY_ENCODING) from None
    return {"gbk": "gb18030", "gb2312": "gb18030", "cp936": "gb18030", "utf-8-sig": "utf-8"}.get(name, name)


def decode_sample(path: Path, sample: bytes, encoding: str, whole: bool) -> str:
    """The text of the first bytes, without byte order mark."""
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(sample, final=whole)
    except UnicodeError as error:
        where = f"byte {error.start} and following" if isinstance(error, UnicodeDecodeError) else "the first bytes"
        raise InputFileError(str(path), f"{where} are not in the encoding {encoding}", REMEDY_ENCODING) from error
    if "\0" in text:
        raise InputFileError(str(path), "this is no text file (it holds zero bytes)", "Give the file its true ending")
    return text.removeprefix("\ufeff")


def find_delimiter(path: Path, text: str) -> str:
    """The candidate that stands most often in the header outside quotation marks."""
    first = _FIRST_LINE.search(text)
    unquoted = "".join(first.group().split('"')[::2]) if first else ""
    counts = {candidate: unquoted.count(candidate) for candidate in _DELIMITERS}
    best = max(_DELIMITERS, key=lambda candidate: counts[candidate])
    if counts[best]:
        return best
    return "\t" if ".tsv" in path.name.lower() else ","


def read_header(path: Path, text: str, delimiter: str, whole: bool) -> list[str]:
    """Column names; `whole` tells that the sample is all of the file."""
    # Without newline="" a lone CR would not end a row.
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        first = next(rows, None)
        open_ended = not whole and first is not None and next(rows, None) is None
    except csv.Error:  # a cell of more than 131,072 characters
        open_ended = True
    if open_ended:
        problem = f"the first row does not end within {len(text):,} characters"
        raise InputFileError(
            str(path), problem, "Look for a quotation mark that is never closed, or a missing line end"
        )
    if not first or not any(name.strip() for name in first):
        raise InputFileError(str(path), *_NO_NAMES)
    return clean_headers(first)
