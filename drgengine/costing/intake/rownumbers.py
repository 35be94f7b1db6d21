"""Which row of a file a record came from, as a spreadsheet program would number it (the header is row 1)."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from drgengine.costing.bilingual import Bilingual, phrase
from drgengine.formats.source import EXCEL_ENDINGS, PARQUET_ENDINGS


def row_numbers(path: Path, records: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Row numbers int64[n] of records, which are counted from 0; blank rows count although they are no records.

    Rows of a Parquet file, which has no row of headers, are counted from 1.
    """
    name = path.name.lower()
    if name.endswith(PARQUET_ENDINGS):
        return records + 1
    if name.endswith(EXCEL_ENDINGS):
        return records + 2 + _first_sheet_row(path)
    blank = np.array(_blank_rows(path), dtype=np.int64)
    # The j-th blank row lies before a record when as many records as fit come before it.
    before = np.searchsorted(blank - np.arange(blank.size), records + 2, side="right")
    return records + 2 + before


def shown_rows(rows: Sequence[int], most: int = 5) -> Bilingual:
    """Row numbers in a message.

    >>> shown_rows([3]), shown_rows([3, 4, 9]), shown_rows(list(range(2, 30))), shown_rows([3, 4]).zh
    ('row 3', 'rows 3, 4, 9', 'rows 2, 3, 4, 5, 6 and 23 more', '第 3、4 行')
    """
    shown = [str(row) for row in rows[:most]]
    numbers = Bilingual(", ".join(shown), "、".join(shown))
    if len(rows) > most:
        return phrase("rows_more", rows=numbers, rest=len(rows) - most, count=len(rows))
    return phrase("rows", rows=numbers) if len(rows) > 1 else phrase("row", row=numbers)


def _blank_rows(path: Path) -> list[int]:
    for encoding in ("utf-8-sig", "gb18030", "utf-16"):
        try:
            return _scan(path, encoding)
        except (UnicodeError, csv.Error):
            continue
        except (OSError, EOFError):
            break
    return []


def _scan(path: Path, encoding: str) -> list[int]:
    if encoding != "utf-16":
        _refuse_utf16(path)
    opened = gzip.open if path.name.lower().endswith(".gz") else open
    with opened(path, "rt", encoding=encoding, newline="") as text:
        # Delimiters do not matter for blank rows, quotation marks do.
        return [at for at, cells in enumerate(csv.reader(text), 1) if not cells]


def _refuse_utf16(path: Path) -> None:
    with path.open("rb") as file:
        if file.read(2) in (b"\xff\xfe", b"\xfe\xff"):
            raise UnicodeError("utf-16")


def _first_sheet_row(path: Path) -> int:
    """Blank rows above the header, which the reader leaves out."""
    from python_calamine import CalamineWorkbook

    start = CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).start
    return 0 if start is None else int(start[0])
