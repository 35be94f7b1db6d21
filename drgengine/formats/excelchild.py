"""The process that reads a workbook: run as a script, by excel_source only; imports nothing of the package.

A workbook can make its reader ask for any amount of memory, which ends the process. So it is a process of its own,
with a limit of memory and of computing time where the system has such limits. It writes marshalled objects to its
standard output, each behind eight bytes of length: first a description of the sheet, then, once the places of the
wanted columns have come by standard input as JSON, batches of columns as lists of texts, None at the end.
"""

from __future__ import annotations

import datetime as dt
import json
import marshal
import sys
from collections.abc import Iterator
from itertools import islice
from typing import Any

_HALF_SECOND = dt.timedelta(milliseconds=500)


def cell_text(cell: object, whole_numbers: float) -> str:
    """A cell as text: whole numbers without .0, dates as YYYY-MM-DD, times to the second.

    A number at or above `whole_numbers` is written in scientific form, as Excel shows it: its last digits are lost.

    >>> cell_text(7.0, 1e15), cell_text(1.2345678901234568e17, 1e15), cell_text(None, 1e15)
    ('7', '1.23456789012346E+17', '')
    >>> cell_text(dt.datetime(2024, 1, 2, 8, 29, 59, 999000), 1e15)
    '2024-01-02 08:30:00'
    """
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return str(cell)
    if isinstance(cell, float | int):
        if abs(cell) >= whole_numbers:
            return f"{cell:.14E}"
        return str(int(cell)) if float(cell).is_integer() else str(cell)
    if isinstance(cell, dt.datetime):
        second = cell if cell > dt.datetime.max - _HALF_SECOND else cell + _HALF_SECOND
        second = second.replace(microsecond=0)
        return second.isoformat(sep=" ") if second.time() != dt.time() else second.date().isoformat()
    if isinstance(cell, dt.date | dt.time):
        return cell.isoformat()
    return "" if cell is None else str(cell)


def find_header(rows: list[list[str]], cells: int) -> int:
    """Place of the row with headers: the first with so many filled cells, or else the first of all."""
    found = (place for place, row in enumerate(rows) if sum(bool(cell.strip()) for cell in row) >= cells)
    return next(found, 0)


def main() -> None:
    request = json.loads(sys.argv[1])
    sys.path.append(request["packages"])
    _set_limits(request["memory"], request["seconds"])
    try:
        _answer(request)
    except MemoryError:
        _send({"failed": "memory"})
    except BaseException as error:
        # A panic of the reader derives from BaseException.
        kind = type(error).__name__
        _send({"failed": "password" if kind == "PasswordError" else kind})


def _answer(request: dict[str, Any]) -> None:
    import python_calamine

    book = python_calamine.CalamineWorkbook.from_path(request["path"])
    names = book.sheet_names
    sheet = _find_sheet(book, names, request["sheet"])
    if sheet is None:
        _send({"failed": "no sheet", "sheets": names})
        return
    largest = request["whole_numbers"]
    rows = _filled_area(sheet)
    top: list[list[str]] = []
    for row in rows:
        top.append([cell_text(cell, largest) for cell in row])
        if len(top) == request["header_rows"]:
            break
    place = find_header(top, request["header_cells"]) if top else 0
    _send(
        {
            "sheet": sheet.name,
            "sheets": names,
            "header": top[place] if top else [],
            "above": place,
            "rows": max(0, sheet.height - place - 1),
        }
    )
    wanted = json.loads(sys.stdin.readline())
    kept = [[row[column] for row in top[place + 1 :]] for column in wanted]
    filled = len(top) - place - 1
    for row in rows:
        for values, column in zip(kept, wanted, strict=True):
            values.append(cell_text(row[column], largest))
        filled += 1
        if filled >= request["batch_rows"]:
            _send((filled, kept))
            kept, filled = [[] for _ in wanted], 0
    if filled > 0:
        _send((filled, kept))
    _send(None)


def _filled_area(sheet: Any) -> Iterator[list[object]]:
    """Rows from the first filled one on; the reader leaves out empty columns before them, but not empty rows."""
    width = sheet.width
    return (row[-width:] for row in islice(sheet.iter_rows(), (sheet.start or (0, 0))[0], None))


def _find_sheet(book: Any, names: list[str], wanted: str | int | None) -> Any:
    if isinstance(wanted, int):
        return book.get_sheet_by_index(wanted - 1) if 1 <= wanted <= len(names) else None
    if isinstance(wanted, str):
        return book.get_sheet_by_name(wanted) if wanted in names else None
    empty = None
    for position, entry in enumerate(book.sheets_metadata):
        shown = str(entry.visible).endswith(".Visible") and str(entry.typ).endswith(".WorkSheet")
        if not shown and len(names) > 1:
            continue
        sheet = book.get_sheet_by_index(position)
        if sheet.height:
            return sheet
        empty = empty or sheet
    return empty


def _send(thing: Any) -> None:
    packed = marshal.dumps(thing)
    sys.stdout.buffer.write(len(packed).to_bytes(8, "little"))
    sys.stdout.buffer.write(packed)
    sys.stdout.buffer.flush()


def _set_limits(memory: int, seconds: int) -> None:
    try:
        import resource
    except ImportError:  # Windows has none
        return
    for kind, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_CORE, 0),
    ):
        try:
            hard = resource.getrlimit(kind)[1]
            top = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.setrlimit(kind, (top, hard))
        except (ValueError, OSError):
            continue  # a system without this one


if __name__ == "__main__":
    main()
