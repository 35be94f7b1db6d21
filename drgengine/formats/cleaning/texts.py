"""What all scalar cells have in common: fillers, blanks, full-width forms, numbers in scientific form (文本规整)."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

_BLANK = "[\\s\\x00-\\x20\\x7f\\u200b-\\u200d\\u2060\\ufeff]"
# The same signs for strip(): a pattern that looks for blanks at the end takes quadratic time on long blanks inside.
_BLANKS = "".join(map(chr, (*range(0x21), 0x7F, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200E), 0x2028, 0x2029, 0x202F)))
_BLANKS += "\u205f\u2060\u3000\ufeff"
_RUN = re.compile(f"{_BLANK}+")
_SCIENTIFIC = re.compile(r"[+-]?[0-9](?:\.[0-9]+)?[eE][+-]?[0-9]{1,3}")
_SCIENTIFIC_IDENTIFIER = re.compile(r"[0-9](?:\.[0-9]+)?[eE]\+[0-9]{2,3}")
NO_BLANK = re.compile(r"(?!)")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)")
_TAIL = re.compile(r"[+-]?[0-9]+\.0*")


@cache
def domain_data() -> Mapping[str, Any]:
    """data/value_domains.toml."""
    path = Path(__file__).parents[2] / "data" / "value_domains.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))


@cache
def _fillers() -> frozenset[str]:
    return frozenset(domain_data()["fillers"])


@cache
def _spreadsheet_errors() -> frozenset[str]:
    return frozenset(domain_data()["spreadsheet_errors"])


class Mended(NamedTuple):
    """A cell after what is common to all: its text, the rules met so far, and what it turned out to be."""

    text: str
    rules: tuple[str, ...] = ()
    filler: bool = False
    scientific: bool = False

    @property
    def empty(self) -> bool:
        """Nothing to read."""
        return self.filler or not self.text

    def with_rule(self, rule: str) -> tuple[str, ...]:
        """The rules with that of the kind, "" for none, which stands for the form of the number."""
        if not rule:
            return self.rules
        return (rule,) if self.scientific else (*self.rules, rule)


def mend_text(
    raw: str, kept_blank: re.Pattern[str] = NO_BLANK, *, identifier: bool = False, number: bool = False
) -> Mended:
    """A cell without blanks and full-width forms, and the one rule of these that it met.

    kept_blank : the single blanks that belong to the value, such as the one before a time
    identifier : True when only the form that a spreadsheet writes is taken for scientific
    number : True where 1.2E3 is another form of 1200 and is written so

    >>> mend_text("１２ ")[:2], mend_text(" - ").filler, mend_text("1.23E+17").rules
    (('12', ('text_full_width',)), True, ('number_in_scientific_form',))
    >>> mend_text("1.2E3", number=True)[:2], mend_text("#N/A")[:2]
    (('1200', ('number_in_exponent_form',)), ('', ('spreadsheet_error',)))
    """
    text = raw.strip(_BLANKS)
    single = _RUN.sub(" ", text)
    if " " in single:
        single = kept_blank.sub("\0", single).replace(" ", "").replace("\0", " ")
    rules: tuple[str, ...] = ("text_blanks",) if single != raw else ()
    text = single
    if not text.isascii():
        # The currency sign of the common keyboard counts as a currency sign, not as a wide letter.
        text = text.replace("￥", "¥")
        narrow = unicodedata.normalize("NFKC", text).strip(_BLANKS)
        if narrow != text:
            rules, text = ("text_full_width",), narrow
    if not text:
        return Mended("")
    if text.casefold() in _fillers():
        return Mended(text, filler=True)
    if text[0] == "#" and text.upper() in _spreadsheet_errors():
        return Mended("", ("spreadsheet_error",))
    form = _SCIENTIFIC_IDENTIFIER if identifier else _SCIENTIFIC
    if form.fullmatch(text):
        if number:
            plain = format(Decimal(text), "f")
            plain = plain.rstrip("0").rstrip(".") if "." in plain else plain
            return Mended(plain, ("number_in_exponent_form",), scientific=True)
        return Mended(text, ("number_in_scientific_form",), scientific=True)
    return Mended(text, rules)


def parts_in_a_row(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """Matches that follow each other from the start; searching on takes quadratic time where the pattern fails late.

    >>> [part[0] for part in parts_in_a_row(re.compile("[0-9]+[a-z]"), "1a22b-3c")]
    ['1a', '22b']
    """
    at = 0
    while found := pattern.match(text, at):
        yield found
        at = found.end()


def number_of(text: str) -> float | None:
    """A plain decimal number, else None.

    >>> number_of("12.50"), number_of("1,5"), number_of("12.")
    (12.5, None, 12.0)
    """
    if not _NUMBER.fullmatch(text):
        return None
    number = float(text)
    return number if abs(number) < 1e300 else None


def has_tail(text: str) -> bool:
    """True for a whole number with a dot and nothing but zeros behind it.

    >>> has_tail("3.0"), has_tail("3.5"), has_tail("3")
    (True, False, False)
    """
    return "." in text and _TAIL.fullmatch(text) is not None
