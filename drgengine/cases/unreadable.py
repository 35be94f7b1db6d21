"""Text that is no UTF-8 although its column says so (非 UTF-8 文本), as some exporters write it into Parquet."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from drgengine.cases.coerce import distinct


def decoded(values: pa.Array) -> tuple[pa.StringArray, np.ndarray]:
    """Text with U+FFFD in place of bytes that are no UTF-8, and the ascending positions where that was needed.

    values : text or dictionary of text; a null gives an empty text
    """
    index, raw = distinct(values)
    stored: list[bytes] = raw.cast(pa.binary()).to_pylist()
    texts = [text.decode("utf-8", "replace") for text in stored]
    bad = np.array([text.encode() != data for text, data in zip(texts, stored, strict=True)], dtype=bool)
    return pa.array(texts, pa.string()).take(pa.array(index)), np.flatnonzero(bad[index])


def as_utf8(values: pa.Array) -> pa.Array:
    """The column; text and bytes that are no UTF-8 become text with U+FFFD, null stays null, other types pass.

    >>> as_utf8(pa.array([bytes([97, 255]), None])).to_pylist() == ["a" + chr(0xFFFD), None]
    True
    """
    kind = values.type.value_type if pt.is_dictionary(values.type) else values.type
    if pt.is_binary(kind) or pt.is_large_binary(kind):
        values = values.cast(kind).cast(pa.string(), safe=False)
    elif not (pt.is_string(kind) or pt.is_large_string(kind)):
        return values
    try:
        values.validate(full=True)
    except pa.ArrowInvalid:
        return pc.if_else(values.is_valid(), decoded(values)[0], pa.scalar(None, pa.string()))
    return values
