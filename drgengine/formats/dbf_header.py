"""The header of a DBF file (dBase III to Visual FoxPro): fields, record count, code page."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from drgengine.errors import InputFileError
from drgengine.formats.limits import DBF_FIELDS

# dBase III and IV, FoxBASE, FoxPro, Visual FoxPro, with and without memo file.
_VERSIONS = frozenset((0x02, 0x03, 0x30, 0x31, 0x32, 0x43, 0x63, 0x83, 0x8B, 0x8E, 0xCB, 0xF5, 0xFB))
_VISUAL_FOXPRO = frozenset((0x30, 0x31, 0x32))
_HEAD_BYTES = 32
_FIELD_BYTES = 32
_END_OF_FIELDS = 0x0D
_HIDDEN = 1  # flag of fields that FoxPro keeps for itself
# Language drivers, as dBase and FoxPro number them.
_CODE_PAGES = {
    0x01: "cp437", 0x02: "cp850", 0x03: "cp1252", 0x13: "cp932", 0x4D: "gb18030", 0x4E: "cp949", 0x4F: "cp950",
    0x57: "cp1252", 0x58: "cp1252", 0x59: "cp1252", 0x64: "cp852", 0x65: "cp866", 0x78: "cp950", 0x79: "cp949",
    0x7A: "gb18030", 0x7B: "cp932", 0xC8: "cp1250", 0xC9: "cp1251", 0xCA: "cp1254", 0xCB: "cp1253",
}  # fmt: skip
# FoxPro writes these for want of a choice, whatever the texts are in.
WESTERN = ("cp437", "cp850", "cp1252")
_REMEDY = "Copy the file again, or save it anew as .csv or .xlsx"


@dataclass(frozen=True, slots=True)
class DbfField:
    """A field: raw name, type letter, place within the record, length in bytes."""

    name: bytes
    kind: str
    start: int
    length: int


@dataclass(frozen=True, slots=True)
class DbfHeader:
    """records : as the header claims and the size of the file confirms; code_page : "" when it names none"""

    records: int
    head_bytes: int
    record_bytes: int
    code_page: str
    fields: tuple[DbfField, ...]


def read_dbf_header(path: Path) -> DbfHeader:
    """The header, checked against the size of the file; InputFileError for what is damaged or not known."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
        if len(head) < _HEAD_BYTES or head[0] not in _VERSIONS:
            problem = "this is no DBF file of dBase III, dBase IV or FoxPro"
            raise InputFileError(str(path), problem, "Give the file its true ending, or save it as .csv or .xlsx")
        records, head_bytes, record_bytes = (
            int.from_bytes(head[start:end], "little") for start, end in ((4, 8), (8, 10), (10, 12))
        )
        rest = file.read(max(0, head_bytes - _HEAD_BYTES))
        file.seek(min(size, head_bytes + records * record_bytes))
        behind = file.read(record_bytes)
    if head_bytes <= _HEAD_BYTES or record_bytes < 2 or len(rest) < head_bytes - _HEAD_BYTES:
        raise InputFileError(str(path), "the header of the DBF file is cut off or damaged", _REMEDY)
    there = (size - head_bytes) // record_bytes
    # A file that is still open elsewhere, or was never closed, has a count of its own.
    if there < records or (len(behind) == record_bytes and behind[:1] in (b" ", b"*")):
        problem = f"the header tells of {records:,} records, the file holds {there:,}"
        raise InputFileError(str(path), problem, "Close the file in the program that writes it, then copy it again")
    fields = _fields(path, rest, head[0] in _VISUAL_FOXPRO)
    if not fields or fields[-1].start + fields[-1].length > record_bytes:
        raise InputFileError(str(path), "the fields of the DBF file do not fit its records", _REMEDY)
    return DbfHeader(records, head_bytes, record_bytes, _CODE_PAGES.get(head[29], ""), fields)


def _fields(path: Path, rest: bytes, foxpro: bool) -> tuple[DbfField, ...]:
    fields: list[DbfField] = []
    start = 1  # behind the mark of deletion
    for at in range(0, len(rest) - _FIELD_BYTES + 1, _FIELD_BYTES):
        if rest[at] == _END_OF_FIELDS:
            break
        entry = rest[at : at + _FIELD_BYTES]
        kind = chr(entry[11]).upper()
        # A text may be longer than one byte tells: the place of decimals holds the second.
        length = entry[16] + (entry[17] << 8 if kind == "C" else 0)
        if not length or len(fields) >= DBF_FIELDS:
            raise InputFileError(str(path), f"field {len(fields) + 1} of the DBF file is damaged", _REMEDY)
        if not (foxpro and entry[18] & _HIDDEN):
            fields.append(DbfField(entry[:11].split(b"\0")[0], kind, start, length))
        start += length
    return tuple(fields)
