"""Text that is no UTF-8 although its column says so (非 UTF-8 文本), as some exporters write it into Parquet."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

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
