"""Texts of cells as they are meant (单元格清洗): blanks of every kind folded, keys in one spelling."""

from __future__ import annotations

import re
import unicodedata

REPAIRS = (
    "escaped_character", "line_break", "odd_blank", "zero_width", "line_continuation", "extra_blank", "letter_form",
    "error_in_name",
)  # fmt: skip
"""Kinds of repair; what is done stands in workbook_report.toml."""

# A program that escapes the underscore of such a mark puts _x005F in front of it.
_ESCAPED = re.compile(
    r"(?:_x005f)*(?:_x00[0189][0-9a-f]_|_x007f_|_x00a0_|_x3000_|_x20[02][0-9a-f]_|_xfeff_)", re.IGNORECASE
)
_BREAK = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_ODD = re.compile(r"[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_UNSEEN = re.compile(r"[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")
_CONTINUATION = re.compile(r"\\+(?=\s|$)")
_EXTRA = re.compile(r"^ | $|  ")
# One look tells most texts that need nothing.
_SUSPECT = re.compile(
    r"[\x00-\x1f\x7f-\xa0\xad\\\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u2064\u2066-\u2069\u3000\ufeff]"
    r"|_[xX]|^ | $|  "
)
_FOLDED = (
    ("escaped_character", _ESCAPED, " "),
    ("line_break", _BREAK, " "),
    ("odd_blank", _ODD, " "),
    ("zero_width", _UNSEEN, " "),
    ("line_continuation", _CONTINUATION, ""),
)
_WHOLE = re.compile(r"([+-]?[0-9]+)\.0*")


def clean(text: str) -> tuple[str, list[str]]:
    r"""A text without what spreadsheets and web pages leave in it, and the kinds of repair (see REPAIRS), each once.

    Blanks, tabs, line breaks, characters without width and control characters written out (`_x000D_`) become one
    blank, those at the ends go; so does a backslash in front of a blank or at the end. Cleaning twice changes nothing
    more.

    >>> clean("ZYZD in DI_B00_x000D_")
    ('ZYZD in DI_B00', ['escaped_character'])
    >>> clean("(1) or \\\n(0)"), clean("plain")
    (('(1) or (0)', ['line_break', 'line_continuation']), ('plain', []))
    """
    if not _SUSPECT.search(text):
        return text, []
    kinds = ["extra_blank"] if _EXTRA.search(text) else []
    for kind, pattern, instead in _FOLDED:
        text, count = pattern.subn(instead, text)
        if count:
            kinds.append(kind)
    return " ".join(text.split()), kinds


def clean_key(text: str, *, capitals: bool) -> tuple[str, list[str]]:
    """A code or the name of a set: cleaned as by `clean`, but characters without width are left out.

    capitals : also fold full-width to plain letters and lower-case to capitals; codes of ICD editions keep theirs

    >>> clean_key("di_Ｂ\u200b00 ", capitals=True)
    ('DI_B00', ['extra_blank', 'zero_width', 'letter_form'])
    >>> clean_key("33.6x00", capitals=False)
    ('33.6x00', [])
    """
    seen = _UNSEEN.sub("", text)
    cleaned, kinds = clean(seen)
    if seen != text:
        kinds.append("zero_width")
    if capitals:
        folded = unicodedata.normalize("NFKC", cleaned).upper()
        if folded != cleaned:
            kinds.append("letter_form")
        cleaned = folded
    return cleaned, kinds


def whole_number(text: str) -> str:
    """A number in plain digits, without the .0 of a spreadsheet; any other text stays as it is.

    >>> whole_number("18.0"), whole_number("１８"), whole_number("18.5"), whole_number("last")
    ('18', '18', '18.5', 'last')
    """
    plain = unicodedata.normalize("NFKC", text)
    found = _WHOLE.fullmatch(plain)
    return found[1] if found else plain


def header_key(text: str) -> str:
    """A sheet name or a header as it is compared: no blanks, plain width, capitals.

    >>> header_key(" ＭＤＣ 编码 "), header_key("mdc编码")
    ('MDC编码', 'MDC编码')
    """
    plain = unicodedata.normalize("NFKC", clean_key(text, capitals=False)[0])
    return "".join(plain.split()).upper()
