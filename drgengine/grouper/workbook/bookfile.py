"""A workbook on disk: which file is meant, whether it is one, and the cells of its sheets."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drgengine.errors import InputFileError
from drgengine.formats import excelchild
from drgengine.formats.excel_source import reader_folder
from drgengine.formats.excelzip import check_parts
from drgengine.formats.limits import EXCEL_WHOLE_NUMBERS, GIB
from drgengine.grouper.workbook import bookchild

_MEMORY_BYTES = 4 * GIB
_SECONDS = 300
_LOCK = "~$"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_UNREADABLE = "this is no readable Excel workbook", "Download it again, or open it in Excel and save it as .xlsx"
_SAVE_AS_XLSX = "Open it in Excel and save it as .xlsx (Excel workbook)"
_OTHER_ARCHIVES = (
    ("xl/workbook.bin", "this is a binary Excel workbook (.xlsb)", _SAVE_AS_XLSX),
    ("content.xml", "this is an OpenDocument file, no Excel workbook", "Save it as .xlsx"),
    ("word/document.xml", "this is a Word document, no Excel workbook", "Name the configuration workbook (.xlsx)"),
)

Cell = str | list[str]
"""A text, or [kind, text] with the kind number, boolean, date or error."""


@dataclass(frozen=True, slots=True)
class RawSheet:
    """One sheet as it stands in the file, without its empty rows.

    left : number of its first column, from 0; numbers : of its rows, from 1; columns : each with a cell for every row
    """

    left: int
    numbers: list[int]
    columns: list[list[Cell]]

    def top(self, rows: int) -> list[tuple[int, list[Cell]]]:
        """The first rows, each with its number."""
        cells = [[column[place] for column in self.columns] for place in range(min(rows, len(self.numbers)))]
        return list(zip(self.numbers, cells, strict=False))


def find_workbook(path: str | Path) -> Path:
    """The workbook that a path means: the file itself, or the only .xlsx of a folder; lock files do not count.

    InputFileError for a path that is not there, a lock file, a folder with none or with several.
    """
    path = Path(path)
    try:
        if path.is_dir():
            return _only_one(path)
        there = path.is_file()
    except (OSError, ValueError) as error:  # a NUL in the name
        raise InputFileError(str(path), f"cannot be read ({error})", "Check the path and its rights") from None
    if path.name.startswith(_LOCK):
        problem = "this is a lock file of Excel, which tells that the workbook is open, not the workbook"
        raise InputFileError(str(path), problem, "Name the workbook itself, without ~$")
    if not there:
        raise InputFileError(str(path), "there is no such file", "Name the configuration workbook (.xlsx)")
    return path


def _only_one(folder: Path) -> Path:
    every = sorted(entry for entry in folder.iterdir() if entry.suffix.lower() == ".xlsx" and entry.is_file())
    found = [entry for entry in every if not entry.name.startswith((_LOCK, ".~lock", "._"))]
    if len(found) == 1:
        return found[0]
    remedy = "Name the one that is meant"
    if not found:
        raise InputFileError(str(folder), "there is no workbook (.xlsx) in this folder", "Name the workbook")
    names = ", ".join(entry.name for entry in found[:10])
    more = f" and {len(found) - 10} more" if len(found) > 10 else ""
    raise InputFileError(str(folder), f"there are {len(found)} workbooks in this folder: {names}{more}", remedy)


def check_workbook(path: Path) -> None:
    """InputFileError for a file that is no .xlsx workbook, is damaged, protected or unpacks to too much."""
    try:
        with path.open("rb") as stream:
            start = stream.read(512)
            if start.startswith(_OLE):
                raise _old_or_protected(path, start + stream.read())
    except OSError as error:
        raise InputFileError(str(path), f"cannot be read ({error.strerror})", "Check its rights") from None
    if not start:
        raise InputFileError(str(path), "the file is empty", "Download it again")
    if not zipfile.is_zipfile(path):
        raise _no_archive(path, start)
    check_parts(path)
    with zipfile.ZipFile(path) as archive:
        names = {name.lower() for name in archive.namelist()}
    if "xl/workbook.xml" in names:
        return
    for part, problem, remedy in _OTHER_ARCHIVES:
        if part in names:
            raise InputFileError(str(path), problem, remedy)
    if any(name.endswith(".xlsx") for name in names):
        raise InputFileError(str(path), "this is an archive with workbooks in it", "Unpack it and name the workbook")
    raise InputFileError(str(path), *_UNREADABLE)


def _old_or_protected(path: Path, content: bytes) -> InputFileError:
    if _ENCRYPTED in content:
        remedy = "Open it in Excel and save it without a password"
        return InputFileError(str(path), "the workbook is protected by a password", remedy)
    return InputFileError(
        str(path), "this is a workbook of Excel 97-2003 (.xls) or another old document", _SAVE_AS_XLSX
    )


def _no_archive(path: Path, start: bytes) -> InputFileError:
    if start.startswith(b"PK"):
        problem = "the workbook is damaged; its end is missing, as after a download that was cut off"
        return InputFileError(str(path), problem, "Download it again")
    if start.lstrip(b"\xef\xbb\xbf \r\n\t").lower().startswith((b"<!doctype html", b"<html")):
        problem = "this is a web page, no workbook"
        return InputFileError(str(path), problem, "Download the file itself, not the page that shows it")
    return InputFileError(str(path), "this is no Excel workbook", "Name the configuration workbook (.xlsx)")


def read_cells(path: Path, choose: Callable[[list[str]], list[str]]) -> dict[str, RawSheet]:
    """Sheet name -> its cells. choose : of the names of all worksheets, those to read; what it raises comes through.

    A process of its own reads the file (see bookchild). InputFileError for a file that cannot be read.
    """
    packages = reader_folder(path)
    with _start(path, packages) as child:
        try:
            names = choose(_receive(path, child)["sheets"])
            assert child.stdin is not None
            child.stdin.write(json.dumps(names).encode() + b"\n")
            child.stdin.flush()
            return {name: RawSheet(**_receive(path, child)) for name in names}
        except OSError:
            raise InputFileError(str(path), *_UNREADABLE) from None
        finally:
            child.kill()


def _start(path: Path, packages: str) -> subprocess.Popen[bytes]:
    request = {
        "path": str(path.absolute()),
        "packages": packages,
        "texts": str(Path(excelchild.__file__)),
        "whole_numbers": EXCEL_WHOLE_NUMBERS,
        "memory": _MEMORY_BYTES,
        "seconds": _SECONDS,
    }
    # -I -S: a start of 20 ms, and nothing of the folder or the environment of the user is run.
    command = [sys.executable, "-I", "-S", str(Path(bookchild.__file__)), json.dumps(request)]
    try:
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    except OSError as error:
        problem = f"no process can be started to read the workbook ({error.strerror})"
        raise InputFileError(str(path), problem, "Close other programs and try again") from error


def _receive(path: Path, child: subprocess.Popen[bytes]) -> dict[str, Any]:
    assert child.stdout is not None
    line = child.stdout.readline()
    if not line.endswith(b"\n"):
        # The process was ended by its reader (memory refused) or by the system (limit of time or memory).
        raise _too_much(path)
    message: dict[str, Any] = json.loads(line)
    failed = message.get("failed")
    if failed == "memory":
        raise _too_much(path)
    if failed == "PasswordError":
        raise InputFileError(str(path), "the workbook is protected by a password", "Save it without a password")
    if failed:
        raise InputFileError(str(path), *_UNREADABLE)
    return message


def _too_much(path: Path) -> InputFileError:
    problem = (
        f"reading the workbook takes more than {_MEMORY_BYTES / GIB:g} GiB of memory or {_SECONDS // 60} minutes, "
        "or the workbook is damaged"
    )
    remedy = "Download it again; if cells far outside the table are filled, delete them in Excel and save it"
    return InputFileError(str(path), problem, remedy)
