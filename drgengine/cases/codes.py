"""Mending of code texts (编码清洗), done once per distinct text."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from drgengine.cases.vocabulary import column_data

_ZERO_WIDTH = "\u200b\u200c\u200d\u2060\ufeff"
_OUTER = "".join(map(chr, (*range(0x21), 0x7F, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F)))
_OUTER += "\u205f\u3000" + _ZERO_WIDTH
_DAGGERS = re.compile("†+")
_LOWER_CODE = re.compile(r"[a-z][0-9]")


class MendedCodes(NamedTuple):
    """Distinct texts after mending, and which of them each rule touched.

    texts : parallel to the raw dictionary; two raw texts may give the same mended text
    empty : bool[len(texts)], True where the text is "" after mending
    touched : rule id -> bool[len(texts)]; only rules that touched a text
    raw : position -> raw text, of the texts that changed
    """

    texts: list[str]
    empty: np.ndarray
    touched: dict[str, np.ndarray]
    raw: dict[int, str]


def mend_code(raw: str) -> tuple[str, tuple[str, ...]]:
    """One code text and the rules that changed it.

    Mended are only: outer blanks, full-width characters, dagger signs (剑号), a lower-case leading letter and X after
    the dot, both also in the asterisk code behind +. A filler such as "NULL" or "-" is an empty code.

    >>> mend_code(" i10.X00 ")
    ('I10.x00', ('code_blanks', 'code_lower_case', 'code_capital_x'))
    >>> mend_code("A18.808†I32.0*"), mend_code("NULL")
    (('A18.808+I32.0*', ('code_dagger',)), ('', ('code_placeholder',)))
    """
    rules = []
    text = raw.strip(_OUTER)
    blanks = text != raw
    if not text.isascii():
        wide = text
        # A combining form may put a blank at the edge, so strip once more.
        text = unicodedata.normalize("NFKC", text).strip(_OUTER)
        if text != wide:
            rules.append("code_full_width")
    if "†" in text:
        text = _joined_by_plus(text)
        rules.append("code_dagger")
    if blanks and text:
        rules.insert(0, "code_blanks")
    if text in column_data()["values"]["code_missing"]:
        return "", ("code_placeholder",)
    capital = _leading_capitals(text)
    if capital != text:
        text = capital
        rules.append("code_lower_case")
    lowered = _lower_x(text)
    if lowered != text:
        text = lowered
        rules.append("code_capital_x")
    return text, tuple(rules)


def _joined_by_plus(text: str) -> str:
    """Dagger signs, with the blanks and the + beside them, as one +; none at the end."""
    parts = _DAGGERS.split(text)
    joined = [parts[0]]
    for part in parts[1:]:
        # Cut by hand: one pattern for blanks, + and signs takes quadratic time on a long run of blanks.
        joined[-1] = joined[-1].rstrip().removesuffix("+").rstrip()
        joined.append(part.lstrip().removeprefix("+").lstrip())
    return "+".join(joined).rstrip("+") if text.endswith(("†", "†+")) else "+".join(joined)


def _leading_capitals(text: str) -> str:
    """A capital in front, and in front of every further code behind a +."""
    first, *further = text.split("+")
    if first[:1].islower() and first[:1].isascii():
        first = first[0].upper() + first[1:]
    parts = [part[0].upper() + part[1:] if _LOWER_CODE.match(part) else part for part in further]
    return "+".join((first, *parts))


def _lower_x(text: str) -> str:
    if "X" not in text:
        return text
    parts = []
    for part in text.split("+"):
        head, dot, rest = part.partition(".")
        parts.append(head + dot + rest.replace("X", "x"))
    return "+".join(parts)


def mend_codes(dictionary: pa.StringArray) -> MendedCodes:
    """Mend all distinct texts (no nulls); texts of ordinary code characters are not looked at one by one."""
    texts: list[str] = dictionary.to_pylist()
    empty = pc.equal(pc.binary_length(dictionary), 0).to_numpy(zero_copy_only=False)
    touched: dict[str, list[int]] = {}
    raw: dict[int, str] = {}
    for position in _unusual(dictionary):
        mended, rules = mend_code(texts[position])
        if mended == texts[position]:
            continue
        raw[position] = texts[position]
        texts[position] = mended
        if not empty.flags.writeable:
            empty = empty.copy()
        empty[position] = mended == ""
        for rule in rules:
            touched.setdefault(rule, []).append(position)
    masks = {rule: np.zeros(len(texts), dtype=bool) for rule in touched}
    for rule, positions in touched.items():
        masks[rule][positions] = True
    return MendedCodes(texts, empty, masks, raw)


_ODD, _CAPITAL, _SMALL_X, _PLUS = 1, 2, 4, 8


def _byte_kinds() -> np.ndarray:
    kinds = np.full(256, _ODD, dtype=np.uint8)
    kinds[[*range(ord("0"), ord("9") + 1), *b".*/"]] = 0
    kinds[range(ord("A"), ord("Z") + 1)] = _CAPITAL
    kinds[ord("x")] = _SMALL_X
    kinds[ord("+")] = _PLUS
    return kinds


_KINDS = _byte_kinds()


def _unusual(dictionary: pa.StringArray) -> list[int]:
    """Positions of texts that may need mending: odd bytes, x in front, a capital inside (not after '+')."""
    if dictionary.offset:
        dictionary = pa.concat_arrays([dictionary])
    count = len(dictionary)
    if count == 0:
        return []
    _, offset_buffer, data_buffer = dictionary.buffers()
    offsets = np.frombuffer(offset_buffer, dtype=np.int32, count=count + 1)
    if data_buffer is None or offsets[-1] == offsets[0]:
        return []
    data = np.frombuffer(data_buffer, dtype=np.uint8)[offsets[0] : offsets[-1]]
    kinds = _KINDS[data]
    starts = offsets[:-1][offsets[1:] > offsets[:-1]] - offsets[0]
    kinds[starts] = np.where(kinds[starts] == _CAPITAL, 0, (kinds[starts] != 0).astype(np.uint8) * _ODD)
    behind_plus = np.flatnonzero(kinds == _PLUS) + 1
    behind_plus = behind_plus[behind_plus < kinds.size]
    kinds[behind_plus[kinds[behind_plus] == _CAPITAL]] = 0
    places = np.flatnonzero(kinds & (_ODD | _CAPITAL)) + offsets[0]
    if places.size == 0:
        return []
    positions = np.searchsorted(offsets, places, side="right") - 1
    return [int(position) for position in np.unique(positions)]


def trim_texts(dictionary: pa.StringArray) -> list[str]:
    """Distinct texts (no nulls) without outer blanks, nothing else changed."""
    return [text.strip(_OUTER) for text in dictionary.to_pylist()]
