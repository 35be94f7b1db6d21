"""Flags packed into words of 64 bits."""

from __future__ import annotations

import numpy as np


def pack_bits(flags: np.ndarray) -> np.ndarray:
    """bool (rows, k) -> uint64 (rows, words): flag k is bit k & 63 of word k >> 6.

    >>> pack_bits(np.array([[True, False, True]]))
    array([[5]], dtype=uint64)
    """
    rows, width = flags.shape
    padded = np.zeros((rows, -(-width // 64) * 64), bool)
    padded[:, :width] = flags
    return np.packbits(padded, axis=1, bitorder="little").view("<u8").astype(np.uint64)
