"""Workbooks that appear whole or not at all, and with the same bytes for the same content."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from drgengine.errors import OutputFileError
from drgengine.formats.sink import check_output, explain

NO_DATE = dt.datetime(2000, 1, 1)


@contextmanager
def whole_workbook(path: str | os.PathLike[str], *, title: str = "", created: dt.datetime = NO_DATE) -> Iterator[Any]:
    """An xlsxwriter Workbook under a temporary name; renamed to `path` at the end of the block.

    path : ends in .xlsx; a file that is there is replaced only by a complete one
    title, created : of its properties; the date is fixed, so that the same content gives the same bytes
    Texts are never taken for formulas, links or numbers.
    raises OutputFileError: another ending, missing folder, no permission, disk full

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with whole_workbook(Path(folder) / "sums.xlsx", title="sums") as book:
    ...         _ = book.add_worksheet("one").write(0, 0, "=1+1")
    ...     [file.name for file in Path(folder).iterdir()]
    ['sums.xlsx']
    """
    import xlsxwriter
    from xlsxwriter.exceptions import XlsxWriterException

    file = Path(path)
    if file.suffix.lower() != ".xlsx":
        raise OutputFileError(str(file), f"the ending {file.suffix!r} is not .xlsx", "Name the workbook NAME.xlsx")
    target = check_output(file)
    temporary = target.with_name(f".{target.name[:40]}.{os.getpid()}.part")
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    try:
        book = xlsxwriter.Workbook(str(temporary), options)
        book.set_properties({"title": title, "created": created, "modified": created})
        yield book
        book.close()
        temporary.replace(target)
    except (OSError, XlsxWriterException) as error:
        raise explain(file, error if isinstance(error, OSError) else OSError(str(error))) from error
    finally:
        temporary.unlink(missing_ok=True)
