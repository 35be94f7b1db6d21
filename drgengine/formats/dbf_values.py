"""Cells of DBF records as text: fixed places in a block of bytes, decoded a column at a time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Block = NDArray[np.uint8]  # (records, bytes of the field)

# Memo texts lie in a file of their own (.dbt, .fpt); pictures and general objects are no table data.
MEMO_KINDS = frozenset("MGPW")
_PLAIN_NUMBERS = frozenset("NF")
_JULIAN_DAY_OF_ORDINAL_0 = 1_721_425


@dataclass(slots=True)
class TextDecoder:
    """Bytes of one encoding to text; `cut` counts cells that end in a character of which the field lacks a part."""

    encoding: str
    cut: int = field(default=0)

    def column(self, block: Block) -> pa.Array:
        """Texts without the blanks and zero bytes behind them; UnicodeDecodeError for bytes of another encoding."""
        if not (block & 0x80).any():
            return _ascii(block)
        cells = np.ascontiguousarray(block).view(f"S{block.shape[1]}")
        distinct, place, counts = np.unique(cells, return_inverse=True, return_counts=True)
        texts = [self._text(value, count) for value, count in zip(distinct.tolist(), counts.tolist(), strict=True)]
        return pc.take(pa.array(texts, pa.string()), pa.array(place.reshape(-1)))

    def _text(self, stored: bytes, cells: int) -> str:
        stored = stored.split(b"\0")[0].rstrip(b" ")
        try:
            return stored.decode(self.encoding)
        except UnicodeDecodeError as error:
            if error.end < len(stored) or error.start < len(stored) - 3:
                raise
            text = stored[: error.start].decode(self.encoding)
            self.cut += cells
            return text


def _ascii(block: Block) -> pa.Array:
    rows, width = block.shape
    offsets = np.arange(rows + 1, dtype=np.int32) * np.int32(width)
    plain = pa.StringArray.from_buffers(rows, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(block)))
    if not block.all():  # zero bytes end a text
        plain = pc.replace_substring_regex(plain, r"(?s)\x00.*", "")
    return pc.ascii_rtrim(plain, characters=" ")


def converter(kind: str, length: int, decoder: TextDecoder) -> Callable[[Block], pa.Array] | None:
    """How fields of a type become text; None for types that are not read."""
    if kind in ("C", "V"):
        return decoder.column
    if kind in _PLAIN_NUMBERS:
        return lambda block: pc.ascii_trim(decoder.column(block), characters=" ")
    if kind == "D":
        return lambda block: _dates(decoder.column(block))
    if kind == "L":
        return lambda block: pc.replace_substring(decoder.column(block), "?", "")
    if (kind, length) == ("I", 4):
        return lambda block: _integers(block, "<i4")
    if (kind, length) == ("B", 8) or (kind, length) == ("O", 8):
        return lambda block: _texts([_number(x) for x in _view(block, "<f8").tolist()])
    if (kind, length) == ("Y", 8):
        return lambda block: _texts([f"{x / 10_000:.4f}" for x in _view(block, "<i8").tolist()])
    if (kind, length) == ("T", 8):
        return _times
    return None


def _view(block: Block, kind: str) -> NDArray[np.generic]:
    return np.ascontiguousarray(block).view(kind).reshape(-1)


def _texts(values: list[str]) -> pa.Array:
    return pa.array(values, pa.string())


def _integers(block: Block, kind: str) -> pa.Array:
    return pa.array(_view(block, kind)).cast(pa.string())


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def _dates(texts: pa.Array) -> pa.Array:
    """YYYYMMDD as YYYY-MM-DD; anything else stays as it is."""
    return pc.replace_substring_regex(pc.ascii_trim(texts, characters=" "), r"^(\d{4})(\d\d)(\d\d)$", r"\1-\2-\3")


def _times(block: Block) -> pa.Array:
    """Day number and milliseconds, as FoxPro keeps them; 0 is an empty cell."""
    pairs = np.ascontiguousarray(block).view("<i4").reshape(-1, 2).tolist()
    return _texts([_time(day, milliseconds) for day, milliseconds in pairs])


def _time(day: int, milliseconds: int) -> str:
    ordinal = day - _JULIAN_DAY_OF_ORDINAL_0
    if not 1 <= ordinal <= dt.date.max.toordinal() or not 0 <= milliseconds < 86_400_000:
        return ""
    seconds = dt.timedelta(seconds=(milliseconds + 500) // 1000)
    midnight = dt.datetime.combine(dt.date.fromordinal(ordinal), dt.time())
    if midnight.date() == dt.date.max:
        return ""
    return (midnight + seconds).isoformat(sep=" ")
