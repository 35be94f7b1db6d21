"""One cell of a cost table: from the text in a file to a value, or why it is none."""

from __future__ import annotations

import calendar
import datetime
import math
import re
import unicodedata
from collections.abc import Callable
from functools import cache, partial
from typing import Any

from drgengine.cases.vocabulary import column_data
from drgengine.costing.bilingual import phrase, sentences
from drgengine.costing.intake.vocabulary import (
    Column,
    basis_of,
    choice_of,
    indicator_of,
    nearest_word,
    shown_choices,
    unit_factor,
)

_ZERO_WIDTH = "\u200b\u200c\u200d\u2060\ufeff"
_AMOUNT = re.compile(r"(?P<number>[+-]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d*)?(?:[eE][+-]?\d+)?)\s*(?P<unit>[^\d\s.,]*)")
_DATE = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[ T]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?")
_PLAIN_DATE = re.compile(r"(\d{4})(\d{2})(\d{2})")
_MONTH = re.compile(r"(\d{4})[-/.年]?(\d{1,2})月?")
_QUARTER = re.compile(r"(\d{4})年?-?[Qq第]([1-4一二三四])季?度?")
_YEAR = re.compile(r"(\d{4})年?度?")
_QUARTERS = {"一": 1, "二": 2, "三": 3, "四": 4}
_SEPARATORS = re.compile(r"[;,|、\s]+")
_CURRENCY = "¥$"
DIAGNOSIS_SEPARATOR = ";"
"""Between the diagnosis codes of one cell of a model; the principal one stands first."""


class BadCellError(ValueError):
    """A cell that cannot be read: why, and what to write instead."""

    def __init__(self, why: str, remedy: str) -> None:
        super().__init__(why, remedy)
        self.why = why
        self.remedy = remedy


def clean(text: str) -> str:
    """A text without outer blanks, with full-width forms made ordinary; empty when it only says that nothing is there.

    >>> clean(" １２０１ "), clean("NULL"), clean("--")
    ('1201', '', '')
    """
    tidy = plain(text)
    return "" if tidy.casefold() in _missing() else tidy


@cache
def _missing() -> frozenset[str]:
    return frozenset(column_data()["values"]["missing"])


def plain(text: str) -> str:
    """`clean` for cells in which a word such as 无 has a meaning."""
    if text.isascii():
        return text.strip()
    return unicodedata.normalize("NFKC", text).strip().strip(_ZERO_WIDTH).strip()


def read_number(text: str, family: str = "", factor: float = 1.0) -> float | None:
    """A number in the unit of its column; None for a blank cell, which is not 0.

    Understood are thousands separators, currency signs, brackets around a negative amount, and a unit behind the
    number, which then counts in place of `factor`, the unit of the column in this file. Raises BadCellError.

    >>> read_number("￥1,234.50", "money"), read_number("(300)", "money"), read_number("1.2万元", "money")
    (1234.5, -300.0, 12000.0)
    >>> read_number(""), read_number("2", factor=60.0)
    (None, 120.0)
    """
    tidy = clean(text)
    if not tidy:
        return None
    bracketed = tidy.startswith("(") and tidy.endswith(")")
    bare = tidy[1:-1].strip() if bracketed else tidy
    sign = "-" if bare.startswith("-") and bare[1:2] in _CURRENCY else ""
    match = _AMOUNT.fullmatch(sign + bare.removeprefix(sign).lstrip(_CURRENCY).strip())
    if not match or not any(map(str.isdigit, match["number"])) or (bracketed and match["number"][0] in "+-"):
        raise BadCellError(*sentences("cells.no_number"))
    if match["unit"]:
        unit = unit_factor(family, match["unit"])
        if unit is None:
            raise BadCellError(*sentences("cells.unknown_unit", unit=match["unit"]))
        factor = unit
    value = float(match["number"].replace(",", "")) * factor
    if not math.isfinite(value):
        raise BadCellError(*sentences("cells.too_large"))
    return -value if bracketed else value


def read_share(text: str) -> float | None:
    """A share; 50% is 0.5. Raises BadCellError below 0 and above 1.

    >>> read_share("50%"), read_share("0.25")
    (0.5, 0.25)
    """
    tidy = clean(text)
    value = read_number(tidy.removesuffix("%"))
    if value is None:
        return None
    value = value / 100 if tidy.endswith("%") else value
    if not 0 <= value <= 1:
        raise BadCellError(*sentences("cells.no_share"))
    return value


def read_date(text: str) -> datetime.date | None:
    """A day; a time behind it is dropped. Raises BadCellError.

    >>> read_date("2024/1/5"), read_date("20240105 "), read_date("2024年1月5日")
    (datetime.date(2024, 1, 5), datetime.date(2024, 1, 5), datetime.date(2024, 1, 5))
    """
    tidy = clean(text)
    if not tidy:
        return None
    match = _DATE.fullmatch(tidy) or _PLAIN_DATE.fullmatch(tidy)
    try:
        if match:
            return datetime.date(*map(int, match.groups()))
    except ValueError:
        raise BadCellError(*sentences("cells.no_such_day")) from None
    raise BadCellError(*sentences("cells.no_date"))


def read_period(text: str) -> str | None:
    """A period: month "2024-01", quarter "2024-Q1" or year "2024"; a date stands for its month. Raises BadCellError.

    >>> read_period("202401"), read_period("2024年1月"), read_period("2024-01-31"), read_period("2024Q1")
    ('2024-01', '2024-01', '2024-01', '2024-Q1')
    """
    tidy = clean(text)
    if not tidy:
        return None
    if match := _YEAR.fullmatch(tidy):
        return match[1]
    if match := _QUARTER.fullmatch(tidy):
        return f"{match[1]}-Q{_QUARTERS.get(match[2], match[2])}"
    match = _MONTH.fullmatch(tidy)
    if match and 1 <= int(match[2]) <= 12:
        return f"{match[1]}-{int(match[2]):02d}"
    try:
        day = read_date(tidy)
    except BadCellError:
        day = None
    if day is None:
        raise BadCellError(*sentences("cells.no_period"))
    return f"{day.year}-{day.month:02d}"


def period_span(period: str) -> tuple[datetime.date, datetime.date]:
    """First and last day of a canonical period.

    >>> period_span("2024-02"), period_span("2024-Q1")[1]
    ((datetime.date(2024, 2, 1), datetime.date(2024, 2, 29)), datetime.date(2024, 3, 31))
    """
    year, _, part = period.partition("-")
    if not part:
        first, last = 1, 12
    elif part.startswith("Q"):
        first, last = 3 * int(part[1]) - 2, 3 * int(part[1])
    else:
        first = last = int(part)
    end = calendar.monthrange(int(year), last)[1]
    return datetime.date(int(year), first, 1), datetime.date(int(year), last, end)


def read_bool(text: str) -> bool | None:
    """Yes or no (是/否). Raises BadCellError.

    >>> read_bool("是"), read_bool("0"), read_bool("")
    (True, False, None)
    """
    known = choice_of("bool", plain(text))
    if known is not None:
        return known == "true"
    if not clean(text):
        return None
    raise BadCellError(*sentences("cells.no_yes_or_no"))


def read_choice(text: str, words: str) -> str | None:
    """One of a few words, in Chinese or English. Raises BadCellError with the nearest one.

    >>> read_choice("直接计入", "entry_mode"), read_choice("", "entry_mode")
    ('direct', None)
    """
    known = choice_of(words, plain(text))
    if known is not None:
        return known
    tidy = clean(text)
    if not tidy:
        return None
    near = nearest_word(words, tidy)
    hint = phrase("did_you_mean", near=near) if near else ""
    raise BadCellError(*sentences("cells.no_choice", hint=hint, choices=shown_choices(words)))


def read_basis(text: str) -> str | None:
    """A driver (分摊参数) by its name. Raises BadCellError.

    >>> read_basis("面积"), read_basis("workload.消毒包")
    ('area', 'workload.sterile_packs')
    """
    tidy = clean(text)
    if not tidy:
        return None
    known = basis_of(tidy)
    if known is None:
        near = nearest_word("basis", tidy)
        hint = phrase("did_you_mean", near=near) if near else ""
        raise BadCellError(*sentences("cells.no_driver", hint=hint, choices=shown_choices("basis")))
    return known


def read_text(text: str) -> str | None:
    """Any text as it stands, without outer blanks; None for a blank cell."""
    return text.strip().strip(_ZERO_WIDTH) if clean(text) else None


def read_code(text: str) -> str | None:
    """A code as text, full-width forms made ordinary; None for a blank cell."""
    return clean(text) or None


def read_indicator(text: str) -> str | None:
    """An indicator of work (工作量指标), canonical where it is known."""
    tidy = clean(text)
    return indicator_of(tidy) if tidy else None


def read_diagnoses(text: str) -> str | None:
    """Diagnosis codes, the principal one first, with `;` between them.

    >>> read_diagnoses("I10.x00、E11.900")
    'I10.x00;E11.900'
    """
    return DIAGNOSIS_SEPARATOR.join(part for part in _SEPARATORS.split(clean(text)) if part) or None


def reader_of(column: Column, factor: float = 1.0) -> Callable[[str], Any]:
    """The function that reads the cells of a column; None is a blank cell; it raises BadCellError.

    factor : unit of the column in this file, in units of the model
    """
    match column.kind:
        case "number":
            return partial(_read_column_number, column=column, factor=factor)
        case "choice":
            return partial(read_choice, words=column.words)
        case "share":
            return read_share
        case "date":
            return read_date
        case "period":
            return read_period
        case "bool":
            return read_bool
        case "basis":
            return read_basis
        case "indicator":
            return read_indicator
        case "code" | "department":
            return read_code
        case "diagnoses":
            return read_diagnoses
    return read_text


def _read_column_number(text: str, column: Column, factor: float) -> float | None:
    value = read_number(text, column.family, factor)
    if value is not None and column.minimum is not None and value < column.minimum:
        raise BadCellError(*sentences("cells.below", least=column.minimum))
    return value
