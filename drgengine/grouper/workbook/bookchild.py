"""The process that reads the sheets of a workbook: run as a script, by bookfile only; imports nothing of the package.

A workbook can make its reader ask for any amount of memory, which ends the process: so it is a process of its own with
limits. It writes one line of JSON for what is in the file, and one for every sheet that was asked for: the numbers of
its rows that are not empty, from 1, and its columns as lists of as many cells. A cell is its text, or [kind, text] for
what is no text in the file: number, boolean, date, error.
"""

from __future__ import annotations

import datetime as dt
import importlib.util
import json
import sys
from collections.abc import Iterator
from itertools import islice
from typing import Any


def main() -> None:
    request = json.loads(sys.argv[1])
    sys.path.append(request["packages"])
    texts = _load(request["texts"])
    texts.set_limits(request["memory"], request["seconds"])
    try:
        _answer(request, texts)
    except MemoryError:
        _send({"failed": "memory"})
    except BaseException as error:
        # A panic of the reader derives from BaseException.
        _send({"failed": type(error).__name__})


def _answer(request: dict[str, Any], texts: Any) -> None:
    import python_calamine

    with open(request["path"], "rb") as stream:  # noqa: PTH123 - a start without pathlib is faster
        book = python_calamine.CalamineWorkbook.from_filelike(stream)
    names = [entry.name for entry in book.sheets_metadata if str(entry.typ).endswith(".WorkSheet")]
    _send({"sheets": names})
    for name in json.loads(sys.stdin.readline()):
        sheet = book.get_sheet_by_name(name)
        rows = list(_rows(sheet, texts, request))
        _send(
            {
                "left": sheet.start[1] if sheet.start else 0,
                "numbers": [number for number, _ in rows],
                "columns": list(zip(*(cells for _, cells in rows), strict=True)),
            }
        )


def _rows(sheet: Any, texts: Any, request: dict[str, Any]) -> Iterator[tuple[int, list[Any]]]:
    top, left = sheet.start or (0, 0)
    errors = texts.sheet_errors(request["path"], sheet.name)
    width = sheet.width
    for number, row in enumerate(islice(sheet.iter_rows(), top, None), top):
        cells = [cell if isinstance(cell, str) else _typed(cell, texts, request) for cell in row[-width:]]
        for column, text in errors.get(number, {}).items():
            if 0 <= column - left < len(cells) and cells[column - left] == "":
                cells[column - left] = ["error", text]
        if any(cells):
            yield number + 1, cells


def _typed(cell: object, texts: Any, request: dict[str, Any]) -> Any:
    if cell is None:
        return ""
    kind = "number"
    if isinstance(cell, bool):
        kind = "boolean"
    elif isinstance(cell, dt.date | dt.time | dt.timedelta):
        kind = "date"
    return [kind, texts.cell_text(cell, request["whole_numbers"])]


def _load(path: str) -> Any:
    """A module by the path of its file; the script sees none of the packages."""
    spec = importlib.util.spec_from_file_location("texts", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _send(thing: Any) -> None:
    sys.stdout.buffer.write(json.dumps(thing, ensure_ascii=False).encode("utf-8", "replace") + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
