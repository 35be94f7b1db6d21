"""What a code looks like (编码格式): diagnoses, procedures, morphology; missing dots; candidates for short codes."""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

Kind = Literal["dx", "proc"]
CANDIDATES = 5

_MORPHOLOGY = r"[Mm]\d{4,5}/\d{1,2}"
_EXTENSION = r"(?:[xX]\d{1,4})?"
_DX = rf"[A-Za-z]\d\d(?:\.[0-9xX]{{1,4}}|[0-9xX]{{1,4}})?{_EXTENSION}\*?"
_PROC = rf"\d\d(?:\.[0-9xX]{{1,5}}|[0-9xX]{{2,5}})(?:[A-Z]\d)?{_EXTENSION}\*?"
_ASTERISK = re.compile(r"[A-Z]\d\d(?:\.[0-9x]{1,8})?\*")
_ZERO_LOST = re.compile(r"\d\.\d{1,5}")
_CODE_CHARACTERS = re.compile(r"[0-9A-Za-z+*./]+")
_POINTS = re.compile(r"[.,/]+")
_IS_MORPHOLOGY = re.compile(_MORPHOLOGY)


@dataclass(frozen=True, slots=True)
class CodeShape:
    """Patterns of one kind of code.

    start : how every code begins
    whole : one code, or several joined by +
    run : whole codes with nothing but blanks, / or commas between them
    inside : a code within other text
    short : a code that lacks digits the editions have; dotless : such a code, or a whole one, without its dot
    dot : how many characters stand before the dot
    """

    start: re.Pattern[str]
    whole: re.Pattern[str]
    run: re.Pattern[str]
    inside: re.Pattern[str]
    short: re.Pattern[str]
    dotless: re.Pattern[str]
    dot: int


def _shape(code: str, start: str, short: str, dotless: str, dot: int) -> CodeShape:
    token = rf"(?:{_MORPHOLOGY}|{code})" if dot == 3 else rf"(?:{code})"
    whole = rf"{token}(?:\+{token}){{0,3}}"
    return CodeShape(
        start=re.compile(start),
        whole=re.compile(whole),
        run=re.compile(rf"{whole}(?:[\s/,，]{{1,9}}{whole})+"),
        inside=re.compile(rf"(?<![0-9A-Za-z.]){whole}(?![0-9A-Za-z])"),
        short=re.compile(short),
        dotless=re.compile(dotless),
        dot=dot,
    )


_SHAPES = {
    "dx": _shape(_DX, r"[A-Za-z]\d\d", r"[A-Z]\d\d(?:\.[0-9x]{0,2})?", r"[A-Z]\d\d[0-9x]{1,4}(?:x\d{1,4})?", 3),
    "proc": _shape(_PROC, r"\d\d", r"\d\d(?:\.[0-9x]{0,3})?", r"\d\d[0-9x]{1,5}(?:x\d{1,4})?", 2),
}


def shape_of(kind: Kind) -> CodeShape:
    """The patterns of diagnoses ("dx") or procedures ("proc")."""
    return _SHAPES[kind]


def looks_like_code(text: str, kind: Kind) -> bool:
    """Whether a mended text begins like a code and holds nothing else than the characters of codes.

    >>> [looks_like_code(text, "dx") for text in ("I10.x00x002", "A18.808+I32.0*", "M8140/3", "高血压", "COPD")]
    [True, True, True, False, False]
    """
    return bool(_CODE_CHARACTERS.fullmatch(text)) and bool(_SHAPES[kind].start.match(text))


def only_code_characters(text: str) -> bool:
    """Whether every character is one that codes are made of (0-9 A-Z a-z + * . /)."""
    return bool(_CODE_CHARACTERS.fullmatch(text))


def is_morphology(text: str) -> bool:
    """Whether a text is a morphology code (形态学编码), which never joins a diagnosis.

    >>> is_morphology("M8140/3"), is_morphology("M01.0*")
    (True, False)
    """
    return bool(_IS_MORPHOLOGY.match(text))


def ends_as_asterisk(text: str) -> bool:
    """Whether a mended text is an asterisk code (星号编码) on its own, to be joined to the dagger code before it.

    >>> [ends_as_asterisk(text) for text in ("I32.0*", "D77*", "G63.x00*", "*", "待查*", "A18.808+I32.0*")]
    [True, True, True, False, False, False]
    """
    return bool(_ASTERISK.fullmatch(text))


def takes_asterisk(text: str, kind: Kind = "dx") -> bool:
    """Whether an asterisk code may be joined to this one: a code that has none yet and is none itself."""
    return "*" not in text and looks_like_code(text, kind) and not is_morphology(text)


def with_dot(text: str, kind: Kind) -> str:
    """A code written without its dot, with it; "" when it is no such code.

    >>> with_dot("I21900x003", "dx"), with_dot("8151", "proc"), with_dot("I10.x00", "dx")
    ('I21.900x003', '81.51', '')
    """
    shape = _SHAPES[kind]
    head, tail = text[: shape.dot], text[shape.dot :].replace("X", "x")
    return f"{head}.{tail}" if shape.dotless.fullmatch(head + tail) else ""


def short_form(text: str, kind: Kind) -> str:
    """The text to complete when a code is shorter than the editions' codes; "" when it is not short.

    >>> short_form("E11.9", "dx"), short_form("I219", "dx"), short_form("I10.x00", "dx"), short_form("81.51", "proc")
    ('E11.9', 'I21.9', '', '81.51')
    """
    dotted = with_dot(text, kind) or text
    return dotted if _SHAPES[kind].short.fullmatch(dotted) else ""


def with_zero(text: str, kind: Kind) -> str:
    """A procedure code whose leading zero a spreadsheet took (前导零丢失), with it; "" when it is no such code.

    >>> with_zero("0.1800", "proc"), with_zero("8.51", "proc"), with_zero("81.51", "proc")
    ('00.1800', '08.51', '')
    """
    return f"0{text}" if kind == "proc" and _ZERO_LOST.fullmatch(text) else ""


def tidied(text: str, known: frozenset[str], kind: Kind) -> str:
    """What a malformed code may have been: one dot for its points, commas and slashes; "" for nothing to go by.

    >>> [tidied(text, frozenset({"I21.900"}), "dx") for text in ("I21..900", "I21,900", "I21.900/", "I21.900.0", "1")]
    ['I21.900', 'I21.900', 'I21.900', 'I21.900', '']
    """
    plain = _POINTS.sub(".", text).strip(".")
    for form in (plain, plain.removesuffix(".0"), plain.removesuffix(".00")):
        if form in known:
            return form
    return plain if "." in plain and _SHAPES[kind].whole.fullmatch(plain) else ""


@lru_cache(maxsize=8)
def _ordered(known: frozenset[str]) -> list[str]:
    return sorted(known)


def candidates(beginning: str, known: frozenset[str]) -> list[str]:
    """At most 5 known codes that begin so, in the order of the codes.

    >>> candidates("I10", frozenset({"I10.x00", "I10.x00x002", "I11.000"}))
    ['I10.x00', 'I10.x00x002']
    """
    codes = _ordered(known)
    first = bisect_left(codes, beginning)
    return [code for code in codes[first : first + CANDIDATES] if code.startswith(beginning)]
