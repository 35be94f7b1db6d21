"""What a workbook unpacks to (压缩炸弹检查): looked at before any reader parses it."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

from drgengine.errors import InputFileError
from drgengine.formats.limits import DEFLATE_RATIO, EXCEL_PARTS, EXCEL_UNPACKED_BYTES, GIB

_PIECE = 1 << 20
# Entities are declared before the first element.
_PROLOG = 1 << 16
_ENTITIES = (b"<!ENTITY", "<!ENTITY".encode("utf-16-le"), "<!ENTITY".encode("utf-16-be"))
_DAMAGED = "this is no readable Excel workbook", "Open it in Excel and save it again as .xlsx or CSV"
_REMEDY = "Save the sheet as CSV or Parquet, or leave out columns at the export"


def check_parts(path: Path) -> None:
    """InputFileError for a workbook (.xlsx, .xlsm, .xlsb, .ods) that unpacks to more than formats.limits allows.

    The sizes in the directory of the archive are looked at first; a directory can lie, so that what could unpack
    to more is unpacked and counted, holding one piece at a time. A file that is no zip archive passes.
    """
    if not zipfile.is_zipfile(path):
        return
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
            _check_directory(path, parts)
            if DEFLATE_RATIO * sum(part.compress_size for part in parts) > EXCEL_UNPACKED_BYTES:
                _count(path, archive, parts)
            _refuse_entities(path, archive, parts)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError, NotImplementedError) as error:
        raise InputFileError(str(path), *_DAMAGED) from error


def _check_directory(path: Path, parts: list[zipfile.ZipInfo]) -> None:
    if len(parts) > EXCEL_PARTS:
        raise InputFileError(str(path), f"the workbook has {len(parts):,} parts", _REMEDY)
    if sum(part.file_size for part in parts) > EXCEL_UNPACKED_BYTES:
        raise _too_large(path)
    if sum(part.compress_size for part in parts) > path.stat().st_size:
        problem = "parts of the workbook lie on top of each other, as in a zip bomb"
        raise InputFileError(str(path), problem, "Do not open it; export the data again")


def _count(path: Path, archive: zipfile.ZipFile, parts: list[zipfile.ZipInfo]) -> None:
    unpacked = 0
    for part in parts:
        with archive.open(part) as stream:
            while piece := stream.read(_PIECE):
                unpacked += len(piece)
                if unpacked > EXCEL_UNPACKED_BYTES:
                    raise _too_large(path)


def _refuse_entities(path: Path, archive: zipfile.ZipFile, parts: list[zipfile.ZipInfo]) -> None:
    """No program for workbooks declares entities; the reader would leave the cells that use them empty."""
    for part in parts:
        if part.filename.lower().endswith((".xml", ".rels")):
            with archive.open(part) as stream:
                prolog = stream.read(_PROLOG)
            if any(mark in prolog for mark in _ENTITIES):
                problem = "the workbook declares XML entities, as in an entity bomb"
                raise InputFileError(str(path), problem, "Save it again in Excel, or as CSV")


def _too_large(path: Path) -> InputFileError:
    return InputFileError(str(path), f"the workbook unpacks to more than {EXCEL_UNPACKED_BYTES / GIB:g} GiB", _REMEDY)
