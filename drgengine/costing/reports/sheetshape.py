"""Shape of a worksheet: names of sheets, widths of columns that hold Chinese text, number formats."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from math import ceil

from drgengine.costing.reports.reportwords import Column, Language

NUMBER_FORMATS = {
    "amount": "#,##0.00",
    "unit": "#,##0.00",
    "count": "#,##0",
    "quantity": "#,##0.00",
    "number": "0.0000",
    "percent": "0.00%",
}
NAME_LENGTH = 31
"""Longest name of a worksheet."""
CELL_LENGTH = 32_767
"""Longest text of a cell."""
_NUMBER_WIDTH = {"amount": 17, "unit": 13, "count": 11, "quantity": 13, "number": 11, "percent": 9}
_TEXT_LIMIT = {"code": 40, "text": 60, "long": 60}
_HEADER_LINES = 2
_MARGIN = 2


def sheet_names(titles: Iterable[str]) -> list[str]:
    """Names a workbook may have: at most 31 characters, none of []:*?/\\, no ' at an end, none twice (by any case).

    >>> sheet_names(["科室/诊次", "科室 诊次", "a" * 40, "A" * 40, "'"])
    ['科室 诊次', '科室 诊次 2', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAA 2', 'Sheet']
    """
    names: list[str] = []
    used: set[str] = {"history"}
    for title in titles:
        allowed = "".join(" " if sign in "[]:*?/\\" or ord(sign) < 32 else sign for sign in title)
        base = allowed[:NAME_LENGTH].strip().strip("'").strip() or "Sheet"
        name, number = base, 1
        while name.casefold() in used:
            number += 1
            ending = f" {number}"
            name = base[: NAME_LENGTH - len(ending)].rstrip() + ending
        used.add(name.casefold())
        names.append(name)
    return names


def display_width(text: str) -> int:
    """Width of a text in columns of Latin characters; a Chinese character takes two.

    >>> display_width("DRG 成本"), display_width("")
    (8, 0)
    """
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)


def column_widths(
    columns: Sequence[Column], cells: Sequence[Sequence[str] | None], language: Language
) -> tuple[list[float], int]:
    """Width of every column, wide enough for its values and for its header on two lines; and lines of the header.

    cells : texts of each column, None for numbers, which take the width of 999,999,999.99 or the like

    >>> column_widths([Column("a", "科室名称", "Department", "text")], [["心血管内科一病区"]], "zh")
    ([18], 1)
    """
    widths: list[float] = []
    lines = 1
    for column, texts in zip(columns, cells, strict=True):
        header = column.header(language)
        if texts is None:
            width = _NUMBER_WIDTH[column.kind]
        else:
            longest = max((display_width(part) for text in texts for part in text.split("\n")), default=0)
            width = min(longest, _TEXT_LIMIT[column.kind]) + _MARGIN
        width = max(width, _header_width(header) + _MARGIN)
        widths.append(width)
        lines = max(lines, ceil(display_width(header) / (width - _MARGIN)))
    return widths, min(lines, _HEADER_LINES)


def _header_width(header: str) -> int:
    """The narrowest width at which a header fits on two lines; Latin words stay whole."""
    pieces = _unbreakable(header)
    whole = display_width(header)
    at, best = 0, whole
    for piece in pieces:
        at += display_width(piece)
        best = min(best, max(at, whole - at))
    return best


def _unbreakable(text: str) -> list[str]:
    """A text cut where a line may end: after a space and between Chinese characters."""
    pieces = [""]
    for sign in text:
        wide = display_width(sign) == 2
        if wide or pieces[-1].endswith(" ") or (pieces[-1] and display_width(pieces[-1][-1]) == 2):
            pieces.append(sign)
        else:
            pieces[-1] += sign
    return [piece for piece in pieces if piece]


def shown_text(text: str) -> str:
    """A text a cell can hold: at most 32,767 characters, and no half of a surrogate pair.

    >>> shown_text("\\ud800=1+1")
    '\\ufffd=1+1'
    """
    clean = text if text.isprintable() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return clean if len(clean) <= CELL_LENGTH else clean[: CELL_LENGTH - 1] + "…"
