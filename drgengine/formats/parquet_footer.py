"""A look at the footer of a Parquet file before the reader gets it: size and depth, without recursion."""

from __future__ import annotations

from pathlib import Path

from drgengine.errors import InputFileError
from drgengine.formats.limits import MIB, PARQUET_COLUMNS, PARQUET_FOOTER_BYTES, PARQUET_LEVELS

_MAGIC = b"PAR1"
# Types of the compact protocol of Thrift.
_STOP, _TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = 0, 1, 2, 3, 7, 8, 9, 10, 11, 12
_INTEGERS = (4, 5, 6)
_SCHEMA, _CHILDREN = 2, 5


class _DamagedError(Exception):
    pass


def check_footer(path: Path) -> None:
    """InputFileError for a footer that is oversized, or a schema nested deeper than formats.limits allows.

    Other damage is left to the reader, which says it in its own words.
    """
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 8))
        tail = file.read(8)
        length = int.from_bytes(tail[:4], "little")
        if tail[4:] != _MAGIC or length > size - 8:
            return
        if length > PARQUET_FOOTER_BYTES:
            problem = f"the footer of the Parquet file has {length // MIB:,} MiB"
            raise InputFileError(str(path), problem, "Write the file again with larger row groups")
        file.seek(size - 8 - length)
        footer = file.read(length)
    try:
        children = _children(footer)
    except (_DamagedError, IndexError):
        return
    if len(children) > PARQUET_COLUMNS:
        problem = f"the Parquet file has more than {PARQUET_COLUMNS:,} columns"
        raise InputFileError(str(path), problem, "Leave out columns at the export")
    if _depth(children) > PARQUET_LEVELS:
        problem = f"the columns of the Parquet file are nested more than {PARQUET_LEVELS} levels deep"
        raise InputFileError(str(path), problem, "Write the columns flat, or as lists")


def _depth(children: list[int]) -> int:
    """Levels of a tree given as the number of children of each node, parents before children."""
    open_places: list[int] = []
    deepest = 0
    for count in children:
        while open_places and open_places[-1] <= 0:
            open_places.pop()
        if open_places:
            open_places[-1] -= 1
        open_places.append(count)
        deepest = max(deepest, len(open_places))
    return deepest


def _children(data: bytes) -> list[int]:
    """num_children of every schema element (field 2 of the file metadata)."""
    at, field = 0, 0
    while data[at]:
        kind, field, at = _field(data, at, field)
        if field == _SCHEMA and kind == _LIST:
            return _elements(data, at)
        at = _skip(data, at, kind)
    return []


def _elements(data: bytes, at: int) -> list[int]:
    count, kind, at = _list_head(data, at)
    if kind != _STRUCT:
        raise _DamagedError
    found = []
    for _ in range(min(count, PARQUET_COLUMNS + 1)):
        children, field = 0, 0
        while data[at]:
            inner, field, at = _field(data, at, field)
            if field == _CHILDREN and inner in _INTEGERS:
                number, at = _varint(data, at)
                children = (number >> 1) ^ -(number & 1)
            else:
                at = _skip(data, at, inner)
        at += 1
        found.append(children)
    return found


def _skip(data: bytes, at: int, kind: int) -> int:
    """Behind a value; what is inside is counted in a stack of our own."""
    pending: list[tuple[int, int]] = [(kind, 1)]
    while pending:
        kind, count = pending.pop()
        if count > 1:
            pending.append((kind, count - 1))
        if kind == _BYTE:
            at += 1
        elif kind == _DOUBLE:
            at += 8
        elif kind in _INTEGERS:
            _, at = _varint(data, at)
        elif kind == _BINARY:
            length, at = _varint(data, at)
            at += length
        elif kind in (_LIST, _SET):
            items, inner, at = _list_head(data, at)
            # Truth values have a byte each in lists.
            pending += [(_BYTE if inner in (_TRUE, _FALSE) else inner, items)] if items else []
        elif kind == _STRUCT:
            if data[at] == _STOP:
                at += 1
            else:
                inner, _, at = _field(data, at, 0)
                pending += [(_STRUCT, 1), (inner, 1)]
        elif kind not in (_TRUE, _FALSE):
            raise _DamagedError
        if at > len(data):
            raise _DamagedError
    return at


def _field(data: bytes, at: int, before: int) -> tuple[int, int, int]:
    head = data[at]
    if head >> 4:
        return head & 15, before + (head >> 4), at + 1
    number, at = _varint(data, at + 1)
    return head & 15, (number >> 1) ^ -(number & 1), at


def _list_head(data: bytes, at: int) -> tuple[int, int, int]:
    head = data[at]
    if head >> 4 < 15:
        return head >> 4, head & 15, at + 1
    count, at = _varint(data, at + 1)
    if count > len(data):
        raise _DamagedError
    return count, head & 15, at


def _varint(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while shift < 70:
        byte = data[at]
        at += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, at
        shift += 7
    raise _DamagedError
