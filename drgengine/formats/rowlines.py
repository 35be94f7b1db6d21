"""On which line of a delimited text a row begins: looked up once a row is found faulty, for the message."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from pathlib import Path

# Longer lines are not read: a row that holds one is faulty anyway.
_LONGEST_LINE = 1 << 20


def line_of_ragged_row(path: Path, encoding: str, delimiter: str, cells: int) -> int | None:
    """Line (from 1) of the first row without `cells` cells; None when it cannot be told."""
    for line, found in _rows(path, encoding, delimiter):
        if found is None:
            return None
        if found and found != cells:
            return line
    return None


def line_of_endless_row(path: Path, encoding: str, delimiter: str) -> int | None:
    """Line on which the row begins that has a cell of more than 131,072 characters, or else the last row."""
    line = None
    for line, found in _rows(path, encoding, delimiter):
        if found is None:
            return line
    return line


def _rows(path: Path, encoding: str, delimiter: str) -> Iterator[tuple[int, int | None]]:
    """(line on which the row begins, number of its cells); cells is None for a row that is too long, then the end."""
    opened = gzip.open if path.name.lower().endswith(".gz") else open
    line = 1
    try:
        with opened(path, "rt", encoding="utf-8-sig" if encoding == "utf-8" else encoding, newline="") as text:
            rows = csv.reader(iter(lambda: _line(text), ""), delimiter=delimiter)
            for row in rows:
                yield line, len(row)
                line = rows.line_num + 1
    except csv.Error:
        yield line, None
    except (OSError, EOFError, UnicodeError):
        return  # a better place than none is all that is wanted here


def _line(text: object) -> str:
    line: str = text.readline(_LONGEST_LINE)  # type: ignore[attr-defined]
    if len(line) == _LONGEST_LINE:
        raise csv.Error
    return line
