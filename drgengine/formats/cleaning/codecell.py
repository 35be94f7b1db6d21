"""One code cell (编码单元格) -> the codes in it and the rules that were met, a pure function of the text."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal, NamedTuple

from drgengine.cases.codes import mend_code
from drgengine.cases.shown import MASK
from drgengine.cases.vocabulary import column_data
from drgengine.formats.cleaning.codeshape import (
    CodeShape,
    Kind,
    candidates,
    ends_as_asterisk,
    is_morphology,
    only_code_characters,
    shape_of,
    short_form,
    takes_asterisk,
    tidied,
    with_dot,
    with_zero,
)
from drgengine.formats.cleaning.texts import domain_data

Plus = Literal["auto", "join", "separate"]
MENDING = ("code_blanks", "code_full_width", "code_dagger", "code_lower_case", "code_capital_x")
LONGEST_QUOTED, SHORTEST_PERSONAL = 200, 11
SPREADSHEET_ERROR = "spreadsheet_error"
LONGEST_CELL = 32767
"""What a spreadsheet cell can hold; longer text is no code cell and is kept as it is."""

_DASHES = re.compile(r"[-‐‑–—―_/\\*]{1,6}")
_LONG_BLANKS = re.compile(r"\s{3,}")
_BLANK_AT_PLUS = re.compile(r"\s\+|\+\s")
_ALWAYS_SEPARATE = ";、|"
_FULL_WIDTH = {";": "；", ",": "，", "|": "｜", "/": "／", " ": "\u3000", "+": "＋"}
_OPENING, _BEHIND = ":([", ":(["
# Identity numbers of 18 and 15 digits and mobile numbers.
_PERSONAL = re.compile(
    r"(?<!\d)(?:\d(?:[\s-]?\d){16}[\s-]?[\dXx]|\d(?:[\s-]?\d){14}|1[\s-]?[3-9](?:[\s-]?\d){9})(?!\d)"
)


@dataclass(frozen=True, slots=True)
class CellOptions:
    """How code cells are read.

    kind : "dx" diagnoses, "proc" procedures
    known : codes to check dots and lengths against
    separators : "auto" (; ； 、 | and, between whole codes, blank, / , and ，) or the characters that separate
    plus : "auto" keeps A+B as one code and says so, "join" keeps it silently, "separate" takes it apart; A+B*
        is one code in any case
    """

    kind: Kind
    known: frozenset[str]
    separators: str = "auto"
    plus: Plus = "auto"


class CodeCell(NamedTuple):
    """What a cell holds.

    codes : in their order; () for an empty cell, a filler or the error of a spreadsheet; identity and phone numbers
        in text without a code are masked
    mended : rules of mend_code, each once
    rule : at most one further rule, "" for none; hint : something to go by for it
    filler : True when a filler such as - stood there
    """

    codes: tuple[str, ...]
    mended: tuple[str, ...] = ()
    rule: str = ""
    hint: str = ""
    filler: bool = False


class _Token(NamedTuple):
    text: str
    around: bool  # other text stood around it
    squeezed: bool = False  # blanks stood inside it


def read_cell(raw: str, options: CellOptions) -> CodeCell:
    """The codes of one cell; no text raises an error.

    >>> options = CellOptions("dx", frozenset({"I10.x00", "I21.900x003"}))
    >>> read_cell("诊断:I10.x00", options)
    CodeCell(codes=('I10.x00',), mended=(), rule='code_affix', hint='', filler=False)
    >>> read_cell("I21900x003", options).codes, read_cell("E11.900;I10.X00", options).codes
    (('I21.900x003',), ('E11.900', 'I10.x00'))
    """
    if not raw:
        return CodeCell(())
    if raw in options.known:
        return CodeCell((raw,))
    if len(raw) > LONGEST_CELL:
        return CodeCell((without_numbers(raw),), (), "code_too_long")
    text, mended = mend_code(_LONG_BLANKS.sub("  ", raw) if "†" in raw else raw)
    if "code_placeholder" in mended or is_filler(text):
        return CodeCell((), filler=True)
    if not text:
        return CodeCell((), mended)
    if is_error(text):
        return CodeCell((), (), SPREADSHEET_ERROR)
    if text in options.known or (only_code_characters(text) and "/" not in text and "+" not in text):
        return _one_code(text, mended, options)
    return _taken_apart(raw, text, mended, options)


def is_filler(text: str) -> bool:
    """Whether a mended text stands for no value.

    >>> [is_filler(text) for text in ("-", "——", "/", "null", "无", "I10")]
    [True, True, True, True, True, False]
    """
    return bool(_DASHES.fullmatch(text)) or (bool(text) and text.casefold() in column_data()["values"]["missing"])


def is_error(text: str) -> bool:
    """Whether a mended text is what a spreadsheet shows for a value it cannot work out.

    >>> is_error("#n/a"), is_error("I10"), is_error("")
    (True, False, False)
    """
    return text[:1] == "#" and text.upper() in domain_data()["spreadsheet_errors"]


def whole_code(raw: str, options: CellOptions) -> str:
    """A text that is nothing but one code, mended; "" for any other text."""
    if not raw or len(raw) > LONGEST_CELL:
        return ""
    text = mend_code(_LONG_BLANKS.sub("  ", raw) if "†" in raw else raw)[0]
    return text if text in options.known or shape_of(options.kind).whole.fullmatch(text) else ""


def _one_code(text: str, mended: tuple[str, ...], options: CellOptions) -> CodeCell:
    codes, rule, hint = _checked(text, options)
    return CodeCell(codes, mended, rule, hint)


def _checked(text: str, options: CellOptions) -> tuple[tuple[str, ...], str, str]:
    """A mended code (or text of code characters) -> codes, rule and hint."""
    if text in options.known:
        return (text,), "", ""
    if "+" in text:
        codes, rule = _at_plus(text, options)
        formed = rule or shape_of(options.kind).whole.fullmatch(text)
        return codes, rule if formed else "code_malformed", ""
    dotted = with_dot(text, options.kind)
    if dotted and dotted in options.known:
        return (dotted,), "code_dot_missing", ""
    if short := short_form(text, options.kind):
        return (text,), "code_short", " ".join(candidates(short, options.known))
    if dotted:
        return (text,), "code_malformed", dotted
    if shape_of(options.kind).whole.fullmatch(text):
        return (text,), "", ""
    if not any(character.isdigit() for character in text) or _PERSONAL.search(text):
        return (without_numbers(text),), "code_is_name", ""
    return _malformed(text, options)


def _malformed(text: str, options: CellOptions) -> tuple[tuple[str, ...], str, str]:
    """A text of code characters that has the form of no code; a lost zero is set where one code alone has it."""
    padded = with_zero(text, options.kind)
    if not padded:
        return (text,), "code_malformed", tidied(text, options.known, options.kind)
    found = [padded] if padded in options.known else candidates(padded, options.known)
    if len(found) == 1:
        return (found[0],), "code_zero_lost", ""
    return (text,), "code_malformed", " ".join(found)


def masked(text: str) -> str:
    """A text without identity and phone numbers."""
    return _PERSONAL.sub(MASK, text)


def without_numbers(text: str) -> str:
    """A text as it stands in the place of a code: ? for identity and phone numbers, which no mending touches.

    >>> without_numbers("高血压 13912345678")
    '高血压 ?'
    """
    return _PERSONAL.sub("?", text)


def quoted(text: str) -> str:
    """A text as issues quote it: no identity or phone number, cut at 200 characters.

    >>> quoted("I10.x00"), quoted("电话13912345678"), len(quoted("I10.x00;" * 1000))
    ('I10.x00', '电话…', 201)
    """
    if len(text) < SHORTEST_PERSONAL:
        return text
    shown = masked(text[: LONGEST_QUOTED + 18])
    return shown if len(shown) <= LONGEST_QUOTED else shown[:LONGEST_QUOTED] + MASK


def _at_plus(text: str, options: CellOptions) -> tuple[tuple[str, ...], str]:
    first, *rest = text.split("+")
    if len(rest) == 1 and ends_as_asterisk(rest[0]) and takes_asterisk(first, options.kind):
        return (text,), ""
    if options.plus == "join":
        return (text,), ""
    if options.plus == "auto":
        return (text,), "code_plus_ambiguous"
    codes = [first]
    for part in rest:
        if ends_as_asterisk(part) and takes_asterisk(codes[-1], options.kind) and "+" not in codes[-1]:
            codes[-1] += f"+{part}"
        else:
            codes.append(part)
    return tuple(codes), "code_plus_separated"


def _taken_apart(raw: str, text: str, mended: tuple[str, ...], options: CellOptions) -> CodeCell:
    """A cell with separators, blanks, + or other text in it."""
    plain = _plain(raw)
    tokens: list[_Token] = []
    left_out = False
    for part in _parts(plain, options):
        found = _tokens(part, options)
        tokens += found
        left_out |= not found
    if not tokens:
        return CodeCell((without_numbers(text),), mended, "code_is_name")
    rules = {rule for rule in mended if rule in MENDING[:3]}
    if "code_full_width" in rules and _stand_in(raw, tokens):
        rules.remove("code_full_width")
    if "code_dagger" not in rules and _BLANK_AT_PLUS.search(text):
        rules.add("code_blanks")
    codes: list[str] = []
    rule = hint = ""
    for token in tokens:
        code, touched = mend_code(token.text)
        rules.update(touched, ("code_blanks",) if token.squeezed else ())
        these, rule, hint = _checked(code, options)
        codes += these
    kept_mending = tuple(rule for rule in MENDING if rule in rules)
    if len(tokens) > 1:
        return CodeCell(tuple(codes), kept_mending, "code_several")
    stray = plain.strip("+") != plain and "†" not in raw
    if tokens[0].around or left_out or stray or any(mark in plain for mark in _marks(options)):
        return CodeCell(tuple(codes), kept_mending, "code_affix")
    return CodeCell(tuple(codes), kept_mending, rule, hint)


def _stand_in(raw: str, tokens: list[_Token]) -> bool:
    """Whether the codes stand in the raw text as they are, so that only what is around them was full-width."""
    bare = "".join(raw.replace("†", "+").split())
    return all("".join(token.text.split()) in bare for token in tokens)


def _plain(raw: str) -> str:
    """Half-width, single blanks, the dagger sign as +, no blanks around +; the case of letters stays."""
    text = " ".join(unicodedata.normalize("NFKC", raw).split())
    return "+".join(piece.strip() for piece in text.replace("†", "+").split("+"))


def _marks(options: CellOptions) -> str:
    return _ALWAYS_SEPARATE if options.separators == "auto" else unicodedata.normalize("NFKC", options.separators)


def split_marks(text: str, options: CellOptions, *, commas: bool = True) -> list[str]:
    """A text cut at every character that separates, half-width or full-width; a comma may stand for a dot instead."""
    for mark in _marks(options) + "," * (commas and options.separators == "auto"):
        for form in (mark, _FULL_WIDTH.get(mark, mark)):
            text = text.replace(form, "\0")
    return text.split("\0")


def _parts(plain: str, options: CellOptions) -> list[str]:
    pieces = ("+".join(filter(None, piece.split("+"))).strip() for piece in split_marks(plain, options, commas=False))
    return [piece for piece in pieces if piece]


def _tokens(part: str, options: CellOptions) -> list[_Token]:
    """The codes of a part between two separators; none when it is other text."""
    shape = shape_of(options.kind)
    if mend_code(part)[0] in options.known:
        return [_Token(part, False)]
    squeezed = part.replace(" ", "")
    if squeezed != part and mend_code(squeezed)[0] in options.known:
        return [_Token(squeezed, False, True)]
    if options.separators == "auto" and shape.run.fullmatch(part):
        return [_Token(match.group(), False) for match in shape.inside.finditer(part)]
    if only_code_characters(part):
        return [_Token(part, False)] if any(character.isdigit() for character in part) else []
    found = [match.group() for match in shape.inside.finditer(part) if _stands_out(match, part, shape, options)]
    if not found and any(map(str.isdigit, part)) and only_code_characters(part.replace(",", "")):
        return [_Token(part, False)]
    return [_Token(text, True) for text in dict.fromkeys(found)]


def _stands_out(match: re.Match[str], part: str, shape: CodeShape, options: CellOptions) -> bool:
    """Whether code-like characters inside other text are a code, and not the B12 of 维生素B12缺乏.

    A dot with digits behind it, or a known code, is enough; a bare category must stand in front or at the end,
    set off by a colon or a bracket.
    """
    text = mend_code(match.group())[0]
    behind_dot = text.partition("+")[0].partition(".")[2]
    if len(behind_dot) >= 4 - shape.dot or is_morphology(text):
        return True
    if text in options.known or with_dot(text, options.kind) in options.known:
        return True
    before, after = part[: match.start()].rstrip(), part[match.end() :].lstrip()
    if not any(character.isalnum() for character in before + after):
        return True
    if not before:
        return after[:1] in _BEHIND
    return before[-1] in _OPENING and (not after or after in (")", "]"))
