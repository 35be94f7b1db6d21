"""Columns of hostile cells, of any type that a file or another program may hand over (变异列)."""

from __future__ import annotations

import math
import random

import fuzz_mutate as mutations
import numpy as np
import pyarrow as pa

_NUMBERS = (0, -0.0, 1, -1, 2, 9, 0.5, 63, 131, 366, 43831, 43831.5, 20190102, 3200, 3.2, 1e15, 1e308, -1e308,
5e-324, math.nan,
            math.inf, -math.inf, 2.0**31, 2.0**63, -(2.0**63), 2.0**64, 0.1 + 0.2, 1e17)  # fmt: skip
_WHOLE = (
    0,
    1,
    2,
    9,
    -1,
    63,
    131,
    366,
    43831,
    20190102,
    3200,
    127,
    -128,
    32767,
    2**31 - 1,
    -(2**31),
    2**31,
    2**63 - 1,
    -(2**63),
)


def numpy_of(rng: random.Random) -> np.random.Generator:
    """A generator of numbers in bulk, seeded by the other."""
    return np.random.default_rng(rng.getrandbits(64))


def hostile_texts(
    rng: random.Random, count: int, honest: list[str], size: int = 300, bad: tuple[str, ...] = ()
) -> list[str]:
    """`count` texts out of a fresh pool of hostile and honest ones."""
    pool = [mutations.hostile_text(rng) for _ in range(size)]
    pool = [
        "".join(sign for sign in text if sign not in bad).replace("锟斤拷", "" if bad else "锟斤拷") for text in pool
    ]
    pool += [rng.choice(honest) for _ in range(size // 2)] if honest else []
    return [pool[at] for at in numpy_of(rng).integers(0, len(pool), count).tolist()]


def raw_strings(values: list[bytes | None], kind: pa.DataType) -> pa.Array:
    """A text column whose bytes need not be UTF-8, as other programs hand them over."""
    data = b"".join(value or b"" for value in values)
    offsets = np.cumsum([0, *(len(value or b"") for value in values)]).astype(np.int32)
    valid = np.packbits(np.array([value is not None for value in values]), bitorder="little")
    made = pa.Array.from_buffers(
        pa.binary(), len(values), [pa.py_buffer(valid), pa.py_buffer(offsets), pa.py_buffer(data)]
    )
    return made.view(kind) if kind == pa.string() else made.cast(kind)


def hostile_column(rng: random.Random, count: int, honest: list[str], bad: tuple[str, ...] = ()) -> pa.Array:
    """A column of any type that Parquet, Excel or another program may hand over."""
    at = numpy_of(rng)
    way = rng.randrange(12)
    texts = hostile_texts(rng, count, honest, bad=bad)
    if way == 0:
        return pa.array(
            [None if x == 5 else _WHOLE[x] for x in at.integers(0, len(_WHOLE), count).tolist()], pa.int64()
        )
    if way == 1:
        numbers = pa.array(
            [None if x == 5 else _NUMBERS[x] for x in at.integers(0, len(_NUMBERS), count).tolist()], pa.float64()
        )
        return numbers if rng.random() < 0.7 else numbers.cast(pa.float32(), safe=False)
    if way == 2:
        days = pa.array(at.integers(-800_000, 3_000_000, count).astype(np.int32)).view(pa.date32())
        return (
            days
            if rng.random() < 0.5
            else pa.array(at.integers(-(2**31), 2**31, count).astype(np.int32)).view(pa.date32())
        )
    if way == 3:
        unit = rng.choice(("s", "ms", "us", "ns"))
        most = 2**63 // (1_001 if unit == "s" else 1) - 1  # Parquet holds seconds as milliseconds
        times = (
            pa.array(at.integers(-most, most, count))
            if rng.random() < 0.5
            else pa.array(at.integers(-(10**9), 10**9, count))
        )
        return times.view(pa.timestamp(unit, rng.choice((None, "UTC", "Asia/Shanghai"))))
    if way == 4:
        return pa.array(at.integers(0, 3, count).tolist()).cast(
            rng.choice((pa.bool_(), pa.int8(), pa.uint8(), pa.uint64(), pa.decimal128(22, 2)))
        )
    if way == 5:
        return pa.nulls(count, rng.choice((pa.null(), pa.string(), pa.int32(), pa.float64())))
    if way == 6:
        return pa.array(texts).dictionary_encode()
    if way == 7:
        return pa.array(texts, pa.large_string())
    if way == 8 and rng.random() < 0.5:
        pool = [
            text.encode()[: rng.randint(0, 9)] + rng.choice((b"\xff", b"\xed\xa0\x80", b"\xc3", b""))
            for text in texts[:200]
        ]
        return raw_strings(
            [None if x == 7 else pool[x % len(pool)] for x in at.integers(0, 200, count).tolist()],
            rng.choice((pa.string(), pa.binary())),
        )
    if way == 9:
        return pa.array([None if x < 0.3 else text for x, text in zip(at.random(count).tolist(), texts, strict=True)])
    return pa.array(texts)
