"""Hostile texts and mutations of files (变异), drawn from a seeded generator: same seed, same input."""

from __future__ import annotations

import gzip
import io
import random
import struct
import zipfile

# What has broken readers of tables before: quotes, zero bytes, byte order marks, mojibake, formulas, extremes.
TOKENS = (
    '"', '""', "'", "\0", "\ufeff", "锟斤拷", "\ufffd", "\r", "\n", "\r\n", "\t", ",", ";", "|", "，", "；", "、",
    "†", "+",
    "*", "=1+1", "@SUM(A1)", "-", "--", "—", "/", "\\", "NULL", "null", "无", "nan", "inf", "-inf", "1e308", "-1e400",
    "1.23E+17", "9223372036854775808", "-9223372036854775809", "18446744073709551616", "-0", "0", "00", "1.0", "٣",
    "１２", "²", "½", "3月", "45岁", "1/12", "8 15/30", "-5岁", "131", "2019-01-02", "2019年1月2日",
    "20190102083000", "43831",
    "43831.5", "2958465", "0000-00-00", "9999-12-31 23:59:59", "2019-02-30", "1/2/2019", "31/12/2019", "24:00", "8时",
    "2019-01-02T08:05:00Z", "2019-01-02 08:05:00.999999999", "3200g", "3.2kg", "3200/2800", "￥1,234.50元", "(12.50)",
    "1,23,4", "I10.x00", "i10.X00", "A18.808†I32.0*", "A18.8+I32.0*", "8000/3", "M80000/3", "38.9300x001", "51.2300",
    "I10.x00;E11.900", "高血压病", "高血压 I10.x00", "I10.x00 高血压", "男", "女", "M", "F", "9", "01", "1.", "1/13/24",
    "\u200b", "\u3000", "\u2028", "\x85", "\x1c", "\x7f", "ß", "İ", "ﷺ", "🏥", "e\u0301", "\u202e",
    "<script>alert(1)</script>",
    "{{7*7}}", "${x}", "%s%n", "../../x", "a" * 300, " " * 300, "1" * 400, "†" * 50, "+" * 60, "I10.x00 " * 40,
    "-" * 70,
)  # fmt: skip
BYTES = (
    b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf", b"\0", b"\xff" * 4, b"\x80", b"\xa1\xa1", b"\x81\x30\x81\x30",
    b"\xed\xa0\x80",
    b"\x1a", b"PK\x03\x04", b"PAR1", b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0" * 64, b'"' * 3,
    b"\x0d" * 5,
)  # fmt: skip
XML = (
    b"<v>1e400</v>", b'r="XFD1048576"', b'r="A0"', b't="s"', b't="e"', b't="b"',
    b"<!DOCTYPE x [<!ENTITY a 'b'>]>", b"&a;",
    b"&#0;", b"<row>", b"</row>", b"</c>", b'<c r="ZZZ9" t="inlineStr"><is><t>=1</t></is></c>', b"]]>",
    b"<![CDATA[", b"\xff",
    b'count="99999999999"', b"-1", b"1.5", b'r:id="rId99"', b"../../../x.xml", b"<a>" * 500,
    b"table:number-columns-repeated=",
)  # fmt: skip
_PLANES = (
    (0x20, 0x7E),
    (0x4E00, 0x9FA5),
    (0x80, 0x2FF),
    (0x0, 0x1F),
    (0x2000, 0x206F),
    (0xFF00, 0xFFEF),
    (0x10000, 0x1FFFF),
)


def hostile_text(rng: random.Random, *, seeds: tuple[str, ...] = TOKENS) -> str:
    """A cell that no one should export: a token, several, a changed one, or signs from anywhere but surrogates."""
    way = rng.random()
    if way < 0.45:
        return rng.choice(seeds)
    if way < 0.65:
        return "".join(rng.choice(seeds) for _ in range(rng.randint(2, 4)))
    if way < 0.9:
        text = list(rng.choice(seeds))
        for _ in range(rng.randint(1, 3)):
            at = rng.randint(0, len(text))
            text[at : at + rng.randint(0, 2)] = [any_sign(rng)] * rng.randint(0, 2)
        return "".join(text)
    return "".join(any_sign(rng) for _ in range(rng.randint(1, 30)))


def any_sign(rng: random.Random) -> str:
    """One character of a random part of Unicode, no surrogate."""
    return chr(rng.randint(*rng.choice(_PLANES)))


def long_text(rng: random.Random) -> str:
    """A text of 20,000 to 60,000 signs made of runs: what makes a careless pattern take quadratic time."""
    length = rng.randint(20_000, 60_000)
    unit = rng.choice((" ", "\u3000", "1", "a", ".", "+", "-", "/", ",", ";", "†", "_", "(", "0", "1.", "1,", "1/",
    "1 ", "a1", "岁",
                       "I10.x00", "I10.x00 ", "I10.x00;", "E", "\t", "\n", "\0", "X", "*", "１", "ﷺ", "月3", "(1",
                       "1)"))  # fmt: skip
    body = unit * (length // len(unit))
    return (
        rng.choice(("", "1", "a", "I10.x00", "2019-01-02", "-", "†"))
        + body
        + rng.choice(("", "x", "1", "†", " ", "岁", ")"))
    )


def mutate(rng: random.Random, data: bytes, tokens: tuple[bytes, ...] = BYTES, most: int = 6) -> bytes:
    """1 to `most` changes, mostly one: bits, bytes put in, left out or doubled, cuts, exchanges, tokens, numbers."""
    changed = bytearray(data)
    for _ in range(1 if rng.random() < 0.6 else rng.randint(2, most)):
        if not changed:
            changed += rng.choice(tokens)
        _change(rng, changed, tokens)
    return bytes(changed)


def _change(rng: random.Random, data: bytearray, tokens: tuple[bytes, ...]) -> None:
    size = len(data)
    at, end = rng.randrange(size), rng.randrange(size + 1)
    way = rng.randrange(10)
    if way == 0:
        data[at] ^= 1 << rng.randrange(8)
    elif way == 1:
        data[at] = rng.randrange(256)
    elif way == 2:
        data[at:at] = rng.randbytes(rng.randint(1, 8))
    elif way == 3:
        del data[at : at + rng.randint(1, 16)]
    elif way == 4:
        data[at:at] = data[min(at, end) : min(max(at, end), min(at, end) + 64)]
    elif way == 5 and rng.random() < 0.3:
        del data[at:]
    elif way == 6:
        length = rng.randint(1, 32)
        data[at : at + length], data[end : end + length] = data[end : end + length], data[at : at + length]
    elif way == 7:
        number = rng.choice((0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, size, size + 1, size * 2))
        data[at : at + 4] = struct.pack(rng.choice("<>") + "I", number & 0xFFFFFFFF)
    else:
        token = rng.choice(tokens)
        data[at : at + (len(token) if rng.random() < 0.5 else 0)] = token


def mutate_text_file(rng: random.Random, data: bytes, encoding: str) -> bytes:
    """Delimited text: texts of TOKENS in its encoding beside changed bytes."""
    own = tuple(token.encode(encoding, errors="ignore") for token in rng.sample(TOKENS, 8))
    return mutate(rng, data, BYTES + own, most=8)


def mutate_gzip(rng: random.Random, data: bytes, encoding: str) -> bytes:
    """A packed text: changed inside, outside, or followed by another member."""
    way = rng.random()
    if way < 0.5:
        return gzip.compress(mutate_text_file(rng, gzip.decompress(data), encoding), 1, mtime=0)
    return mutate(rng, data) if way < 0.9 else data + rng.choice((data, data[: len(data) // 2], b"\0" * 10, b"x"))


def mutate_zip(rng: random.Random, data: bytes) -> bytes:
    """A workbook: one part changed or gone, the archive written anew; or the bytes of the archive itself."""
    if rng.random() < 0.35:
        # The directory at the end is where the lies tell.
        cut = max(0, len(data) - 1200)
        return data[:cut] + mutate(rng, data[cut:]) if rng.random() < 0.6 else mutate(rng, data)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    likely = [
        name for name in parts if "sheet1" in name or "Strings" in name or "workbook" in name or "content" in name
    ]
    chosen = rng.choice(likely if likely and rng.random() < 0.7 else list(parts))
    if rng.random() < 0.08:
        del parts[chosen]
    else:
        parts[chosen] = mutate(rng, parts[chosen], XML + BYTES)
    packed = io.BytesIO()
    with zipfile.ZipFile(
        packed, "w", rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)), compresslevel=1
    ) as archive:
        for name, part in parts.items():
            archive.writestr(zipfile.ZipInfo(name), part, archive.compression)
    return packed.getvalue()


def mutate_parquet(rng: random.Random, data: bytes) -> bytes:
    """Half of the time the footer alone, with its length set right again."""
    if rng.random() < 0.5 or len(data) < 16:
        return mutate(rng, data)
    (length,) = struct.unpack("<I", data[-8:-4])
    footer = mutate(rng, data[-8 - length : -8])
    return data[: -8 - length] + footer + struct.pack("<I", len(footer)) + b"PAR1"


def mutate_dbf(rng: random.Random, data: bytes) -> bytes:
    """Half of the time the header and the field descriptors alone."""
    head = struct.unpack("<H", data[8:10])[0]
    return mutate(rng, data[:head]) + data[head:] if rng.random() < 0.5 else mutate(rng, data)
