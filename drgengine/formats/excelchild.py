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
import re
import sys
import zipfile
from collections.abc import Iterator
from itertools import islice
from typing import IO, Any
from xml.etree import ElementTree

_PIECE = 1 << 22
_LONGEST_CELL = 1 << 26
_MARK = re.compile(rb't="e"|<f[ />]')
_PLACE = re.compile(rb'\br="([A-Z]{1,3})([0-9]{1,7})"')
_VALUE = re.compile(rb"<v[^>]*>([^<]+)</v>")
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
    set_limits(request["memory"], request["seconds"])
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
    rows = _filled_area(sheet, sheet_errors(request["path"], sheet.name))
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


def _filled_area(sheet: Any, errors: dict[int, dict[int, str]]) -> Iterator[list[object]]:
    """Rows from the first filled one on; the reader leaves out empty columns before them, but not empty rows.

    errors : row -> column -> text, both from 0, of the cells that the reader gives as empty
    """
    top, left = sheet.start or (0, 0)
    width = sheet.width
    for number, row in enumerate(islice(sheet.iter_rows(), top, None), top):
        filled = row[-width:]
        for column, text in errors.get(number, {}).items():
            if 0 <= column - left < len(filled) and filled[column - left] in ("", None):
                filled[column - left] = text
        yield filled


def sheet_errors(path: str, sheet: str) -> dict[int, dict[int, str]]:
    """Row -> column -> error text such as #REF! of a sheet of an .xlsx file; a formula never worked out is #N/A.

    The reader of workbooks gives such cells as empty. Other formats, and what is not understood, give nothing.
    """
    try:
        with zipfile.ZipFile(path) as archive, archive.open(_sheet_part(archive, sheet)) as stream:
            return _errors(stream)
    except (zipfile.BadZipFile, KeyError, ElementTree.ParseError, OSError, ValueError, NotImplementedError):
        return {}


def _sheet_part(archive: zipfile.ZipFile, sheet: str) -> str:
    """The part of the archive that holds a sheet."""
    entries = ElementTree.fromstring(archive.read("xl/workbook.xml")).iter()
    found = next((entry for entry in entries if entry.tag.endswith("}sheet") and entry.get("name") == sheet), None)
    links = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
    targets = {link.get("Id"): link.get("Target", "") for link in links}
    keys = [] if found is None else [key for key in found.keys() if key.endswith("}id")]  # noqa: SIM118
    target = targets[found.get(keys[0])] if found is not None and keys else ""
    return target[1:] if target.startswith("/") else f"xl/{target}"


def _errors(stream: IO[bytes]) -> dict[int, dict[int, str]]:
    errors: dict[int, dict[int, str]] = {}
    rest = b""
    while piece := stream.read(_PIECE):
        done, _, rest = (rest + piece).rpartition(b"</c>")
        if len(rest) > _LONGEST_CELL:
            return errors
        if b't="e"' not in done and b"<f" not in done:
            continue
        at = 0
        while mark := _MARK.search(done, at):
            at = (done.find(b"</c>", mark.end()) + 1) or len(done)
            cell = done[max(0, done.rfind(b"<c ", 0, mark.start())) : at]
            text, place = _error_text(cell), _PLACE.search(cell)
            if text and place:
                errors.setdefault(int(place[2]) - 1, {})[_column(place[1])] = text
    return errors


def _error_text(cell: bytes) -> str:
    """The error in a cell, "" for any other cell."""
    value = _VALUE.search(cell)
    if b't="e"' in cell.partition(b">")[0]:
        return value[1].decode("utf-8", "replace") if value else "#N/A"
    worked_out = value is not None or b't="str"' in cell.partition(b">")[0]
    return "" if worked_out or b"<f" not in cell else "#N/A"


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number - 1


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


def set_limits(memory: int, seconds: int) -> None:
    """Limits of this process in bytes and seconds, as far as the system has them."""
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
