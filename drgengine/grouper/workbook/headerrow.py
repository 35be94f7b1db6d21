"""Where the header of a sheet stands, and which column holds which field: by the texts, never by position."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from drgengine.errors import SchemeError
from drgengine.grouper.workbook.bookfile import Cell, RawSheet
from drgengine.grouper.workbook.cells import clean, header_key
from drgengine.grouper.workbook.findings import Findings

HEADERS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "MDC": {"code": ("MDC编码",), "name": ("MDC名称",), "rule": ("MDC规则",), "order": ("排序",)},
    "ADRG": {
        "code": ("ADRG编码",),
        "name": ("ADRG名称",),
        "rule": ("ADRG规则",),
        "mdc": ("所属MDC编码",),
        "order": ("MDC内排序", "排序"),
    },
    "DRG": {
        "code": ("DRG编码", "DRG"),
        "name": ("DRG名称",),
        "rule": ("DRG规则",),
        "adrg": ("所属ADRG编码",),
        "mdc": ("所属MDC编码",),
        "order": ("排序",),
    },
    "集合": {"set": ("集合编号",), "code": ("ICD编码",), "name": ("ICD名称",), "kind": ("类型编号", "类型")},
    "CC": {
        "code": ("疾病编码", "ICD编码"),
        "name": ("疾病名称", "ICD名称"),
        "exclusion": ("排除表",),
        "level": ("类型", "类型编号"),
    },
    "排除表": {"set": ("集合编号",), "code": ("ICD编码",), "name": ("ICD名称",)},
}
"""Sheet -> field -> headers it may have."""

OPTIONAL = ("name",)
"""Fields whose column may be missing."""
_ROWS = 6
_SHOWN_CELLS = 8
_SHOWN_CHARACTERS = 24


@dataclass(frozen=True, slots=True)
class Header:
    """The header of one sheet. row : from 1; columns : field -> column from 0; unknown : (column, header)"""

    row: int
    columns: dict[str, int]
    unknown: tuple[tuple[int, str], ...]


def column_letters(column: int) -> str:
    """The letters of a column that is counted from 0.

    >>> column_letters(0), column_letters(25), column_letters(26), column_letters(16383)
    ('A', 'Z', 'AA', 'XFD')
    """
    letters = ""
    column += 1
    while column:
        column, place = divmod(column - 1, 26)
        letters = chr(65 + place) + letters
    return letters


def find_header(name: str, sheet: RawSheet, findings: Findings) -> Header | None:
    """The header among the first six rows that hold anything: the row with most of the known headers.

    None where there is none, or one that lacks headers or has one twice; the error is in `findings` then.
    """
    fields = {header_key(text): field for field, texts in HEADERS[name].items() for text in texts}
    best: tuple[int, list[tuple[int, str]], dict[str, list[int]]] | None = None
    for number, cells in sheet.top(_ROWS):
        written = [(sheet.left + place, cell_text(cell)) for place, cell in enumerate(cells)]
        found: dict[str, list[int]] = {}
        for column, text in written:
            field = fields.get(header_key(text))
            if field is not None:
                found.setdefault(field, []).append(column)
        if found and (best is None or len(found) > len(best[2])):
            best = number, [(column, clean(text)[0]) for column, text in written if text], found
    if best is None:
        _tell_none(name, sheet, findings)
        return None
    row, texts, found = best
    if _tell_faults(name, row, dict(texts), found, findings):
        return None
    columns = {field: places[0] for field, places in found.items()}
    unknown = tuple((column, text) for column, text in texts if text and column not in columns.values())
    return Header(row, columns, unknown)


def cell_text(cell: Cell) -> str:
    """The text of a cell, whatever its kind."""
    return cell if isinstance(cell, str) else cell[1]


def missing_sheets(path: str, wanted: Sequence[str], names: Sequence[str]) -> SchemeError:
    """The error for a workbook that lacks sheets."""
    there = ", ".join(shown(name) for name in names) or "none"
    problem = f"the workbook lacks the sheet{'s' if len(wanted) > 1 else ''} {', '.join(wanted)}; its sheets: {there}"
    return SchemeError(path, problem, f"Name the configuration workbook with the sheets {', '.join(HEADERS)}")


def shown(text: str) -> str:
    """A text as an error shows it: one line, cut when long."""
    line = clean("".join(sign if sign.isprintable() else " " for sign in text))[0]
    return line if len(line) <= _SHOWN_CHARACTERS else line[:_SHOWN_CHARACTERS] + "…"


def _tell_none(name: str, sheet: RawSheet, findings: Findings) -> None:
    needed = ", ".join(" or ".join(texts) for field, texts in HEADERS[name].items() if field not in OPTIONAL)
    rows = [f"row {number}: {_listed([cell_text(cell) for cell in cells])}" for number, cells in sheet.top(_ROWS)]
    there = "; ".join(rows) or "nothing"
    problem = f"none of the first {_ROWS} rows holds the headers {needed}; they hold {there}"
    findings.error("no_header", f"sheet {name}", problem, "Write the headers above the columns")


def _tell_faults(name: str, row: int, texts: dict[int, str], found: dict[str, list[int]], findings: Findings) -> bool:
    place = f"sheet {name}, row {row}"
    missing = [
        " or ".join(headers) for field, headers in HEADERS[name].items() if field not in found and field not in OPTIONAL
    ]
    if missing:
        problem = (
            f"row {row} is the header row; headers found: {_listed(list(texts.values()))}; "
            f"headers missing: {', '.join(missing)}"
        )
        remedy = "Write the missing headers above their columns; no column is taken by its position"
        findings.error("header_missing", place, problem, remedy)
    twice = {field: places for field, places in found.items() if len(places) > 1}
    for places in twice.values():
        cells = " and ".join(f"{column_letters(column)}{row} ({texts[column]})" for column in places)
        findings.error(
            "header_twice", place, f"several columns have the same header: {cells}", "Keep the column that is meant"
        )
    return bool(missing or twice)


def _listed(texts: list[str]) -> str:
    filled = [text for text in (shown(text) for text in texts) if text]
    more = f" and {len(filled) - _SHOWN_CELLS} more" if len(filled) > _SHOWN_CELLS else ""
    return (" | ".join(filled[:_SHOWN_CELLS]) or "blanks only") + more
