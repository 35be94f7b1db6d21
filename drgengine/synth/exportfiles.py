"""Writing the cells of an export as text, workbook, dBase or Parquet; the same cells give the same bytes."""

from __future__ import annotations

import csv
import datetime
import gzip
import io
import re
import struct
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from drgengine.errors import OutputFileError

TEXT_ENDINGS = (".csv", ".tsv", ".txt", ".csv.gz")
ENDINGS = (*TEXT_ENDINGS, ".xlsx", ".dbf", ".parquet")
_WHOLE = re.compile(r"-?[0-9]+")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}( [0-9]{2}:[0-9]{2}:[0-9]{2})?")
_CREATED = datetime.datetime(2026, 1, 1)
_DBASE_COLUMNS, _DBASE_NAME, _DBASE_TEXT = 255, 10, 254


def write_table(
    path: Path,
    headers: Sequence[str],
    rows: Sequence[Sequence[str]],
    kinds: Sequence[str],
    *,
    encoding: str = "utf-8",
    delimiter: str = ",",
) -> None:
    """Write a table by the ending of its name.

    kinds : of each column: "text", "whole", "number", "date" or "time"; workbooks, Parquet and dBase hold such values,
        delimited text ignores it
    rows : cells as text, "" for none; only delimited text takes rows of another length than the header

    Raises OutputFileError for an ending, a character or a width the file cannot have.
    """
    name = path.name.lower()
    try:
        if name.endswith(TEXT_ENDINGS):
            _write_text(path, headers, rows, encoding, delimiter)
        elif name.endswith(".xlsx"):
            _write_workbook(path, headers, rows, kinds)
        elif name.endswith(".dbf"):
            _write_dbase(path, headers, rows, kinds)
        elif name.endswith(".parquet"):
            _write_parquet(path, headers, rows, kinds)
        else:
            raise OutputFileError(
                str(path), f"the ending {path.suffix!r} is not known", f"Use one of: {', '.join(ENDINGS)}"
            )
    except OSError as error:
        raise OutputFileError(str(path), f"cannot be written ({error.strerror})", "Choose another place") from None
    except UnicodeEncodeError as error:
        sign = error.object[error.start]
        raise OutputFileError(str(path), f"{sign!r} cannot be written in {encoding}", "Use gb18030 or utf-8") from None


def _write_text(
    path: Path, headers: Sequence[str], rows: Sequence[Sequence[str]], encoding: str, delimiter: str
) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\r\n")
    writer.writerow(headers)
    writer.writerows(rows)
    content = text.getvalue().encode(encoding)
    path.write_bytes(gzip.compress(content, mtime=0) if path.name.lower().endswith(".gz") else content)


def _value(text: str, kind: str) -> object:
    """A cell's value of its kind; the text itself where it is none, and None for no text."""
    if not text:
        return None
    if kind == "whole" and _WHOLE.fullmatch(text):
        return int(text)
    if kind == "number" and _NUMBER.fullmatch(text):
        return float(text)
    if kind in ("date", "time") and _MOMENT.fullmatch(text):
        try:
            return datetime.datetime.fromisoformat(text)
        except ValueError:
            return text
    return text


def _write_workbook(path: Path, headers: Sequence[str], rows: Sequence[Sequence[str]], kinds: Sequence[str]) -> None:
    import xlsxwriter

    book = xlsxwriter.Workbook(path, {"strings_to_numbers": False, "strings_to_formulas": False})
    book.set_properties({"created": _CREATED})
    forms = {"date": book.add_format({"num_format": "yyyy-mm-dd"})}
    forms["time"] = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
    sheet = book.add_worksheet("首页")
    for column, header in enumerate(headers):
        sheet.write_string(0, column, header)
    for at, row in enumerate(rows, 1):
        for column, (text, kind) in enumerate(zip(row, kinds, strict=True)):
            value = _value(text, kind)
            if isinstance(value, datetime.datetime):
                sheet.write_datetime(at, column, value, forms[kind])
            elif isinstance(value, int | float):
                sheet.write_number(at, column, value)
            elif value is not None:
                sheet.write_string(at, column, str(value))
    book.close()


def _write_parquet(path: Path, headers: Sequence[str], rows: Sequence[Sequence[str]], kinds: Sequence[str]) -> None:
    types = {"whole": pa.int64(), "number": pa.float64(), "date": pa.date32(), "time": pa.timestamp("us")}
    columns = []
    for texts, kind in zip(zip(*rows, strict=True), kinds, strict=True):
        values = [_value(text, kind) for text in texts]
        if kind not in types or any(isinstance(value, str) for value in values):
            columns.append(pa.array([text or None for text in texts], pa.string()))
        else:
            columns.append(pa.array(values, types[kind]))
    pq.write_table(pa.table(columns, names=list(headers)), path, compression="zstd")


def _write_dbase(path: Path, headers: Sequence[str], rows: Sequence[Sequence[str]], kinds: Sequence[str]) -> None:
    """dBase III with the code page of Chinese Windows (GBK), as old front page archives have it."""
    names = [header.encode("ascii", "replace") for header in headers]
    if len(names) > _DBASE_COLUMNS or max(map(len, names)) > _DBASE_NAME:
        problem = f"{len(names)} columns, names of up to {max(map(len, names))} letters"
        remedy = f"dBase takes {_DBASE_COLUMNS} columns and {_DBASE_NAME} letters; use .csv"
        raise OutputFileError(str(path), problem, remedy)
    cells = [[_dbase_text(text, kind) for text, kind in zip(row, kinds, strict=True)] for row in rows]
    widths = [max((len(cell) for cell in column), default=1) or 1 for column in zip(*cells, strict=True)]
    if max(widths) > _DBASE_TEXT:
        raise OutputFileError(str(path), "a text is too long for dBase", "Use .csv")
    size = 32 + 32 * len(names) + 1
    head = struct.pack("<4BIHH17xB2x", 3, 126, 1, 1, len(rows), size, 1 + sum(widths), 0x4D)
    fields = b""
    for name, kind, width in zip(names, kinds, widths, strict=True):
        letter = {"date": b"D", "whole": b"N", "number": b"N"}.get(kind, b"C")
        width_of = 8 if letter == b"D" else width
        fields += struct.pack("<11sc4x2B14x", name, letter, width_of, 2 if kind == "number" else 0)
    lines = b"".join(
        b" " + b"".join(_padded(cell, kind, width) for cell, kind, width in zip(row, kinds, widths, strict=True))
        for row in cells
    )
    path.write_bytes(head + fields + b"\r" + lines + b"\x1a")


def _dbase_text(text: str, kind: str) -> bytes:
    if kind == "date":
        return text.replace("-", "").encode().ljust(8)
    return text.encode("gbk")


def _padded(cell: bytes, kind: str, width: int) -> bytes:
    return cell.rjust(width) if kind in ("whole", "number") else cell.ljust(width)
