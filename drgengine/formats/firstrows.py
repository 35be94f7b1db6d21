"""Whether the first rows of a delimited text fit its header (首部行核对)."""

from __future__ import annotations

import csv
import io
from collections import Counter

from drgengine.errors import InputFileError

_ROWS = 1000
_FEWEST = 3


def cells_of_first_rows(text: str, delimiter: str, whole: bool) -> list[tuple[int, bool]]:
    """(number of cells, the last one is empty) of up to 1,000 rows behind the header.

    text : beginning of the file; whole : it is all of it, else its last row is left out

    >>> cells_of_first_rows("a,b\\n1,2\\n1,2,\\n", ",", True)
    [(2, False), (3, True)]
    """
    rows = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            if row:
                rows.append((len(row), not row[-1].strip()))
            if len(rows) > _ROWS + 1:
                break
    except (csv.Error, TypeError):
        return []
    if not whole or len(rows) > _ROWS + 1:
        rows = rows[:-1]
    return rows[1:]


def has_trailing_delimiter(rows: list[tuple[int, bool]], cells: int) -> bool:
    """True when most rows end in one delimiter more than the header and the others fit it.

    A few such rows prove nothing: a delimiter that is not quoted shifts a row whose last cell is empty likewise.

    >>> [has_trailing_delimiter([(3, True), *more], 2) for more in ([(3, True), (2, False)], [(2, False)])]
    [True, False]
    """
    ending = sum(row == (cells + 1, True) for row in rows)
    fitting = sum(count == cells for count, _ in rows)
    return ending > fitting and ending + fitting == len(rows)


def refuse_mostly_ragged(place: str, rows: list[tuple[int, bool]], cells: int) -> None:
    """InputFileError when more than half of the first rows (and at least 3) do not have the cells of the header."""
    ragged = Counter(count for count, _ in rows if count != cells)
    total = sum(ragged.values())
    if total >= _FEWEST and total * 2 > len(rows):
        seen = ragged.most_common(1)[0][0]
        raise InputFileError(
            place,
            f"{total:,} of the first {len(rows):,} rows do not have the {cells} cells of the header, most have {seen}",
            "Remove rows above the headers, name the delimiter, or export the data again",
        )
