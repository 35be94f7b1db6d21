"""Column names in messages (列名显示): one line, and nothing that may be a patient's data."""

from __future__ import annotations

import re
from collections.abc import Sequence

from drgengine.cases.vocabulary import is_personal, role_of

MASK = "…"
_MOST_NAMES = 12
_MOST_CHARACTERS = 40
# Digits of an identity number, a phone or a date, also in groups.
_DIGITS = re.compile(r"\d(?:[\s./-]?\d){5}")
_VALUE = re.compile(r"[+-]?\d[\d\s.,:/+-]*[Xx]?|[A-Z]\d\d\.[\dXx]\S*")
_NAMELESS = re.compile(r"column_\d+")


def shown_name(name: str) -> str:
    """A column name as messages show it: printable, on one line, cut when long, masked when it may be personal.

    >>> shown_name("main\\ndiagnosis"), shown_name("139 1234 5678")
    ('main diagnosis', '…')
    """
    if _DIGITS.search(name):
        return MASK
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in name).split())
    return line if len(line) <= _MOST_CHARACTERS else line[:_MOST_CHARACTERS] + MASK


def shown_names(names: Sequence[str]) -> str:
    """The first column names of a table in one line.

    >>> shown_names(["sex", "age"]), shown_names([])
    ('sex, age', 'none')
    """
    shown = ", ".join(map(shown_name, names[:_MOST_NAMES])) or "none"
    return f"{shown} and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else shown


def look_like_values(names: Sequence[str]) -> bool:
    """True when the names are rather the first case of a table without headers (缺表头).

    >>> look_like_values(["张三", "110101199003071233", "I10.x00", "63"]), look_like_values(["sex", "2023"])
    (True, False)
    """
    named = [name for name in names if not _NAMELESS.fullmatch(name)]
    values = sum(bool(_VALUE.fullmatch(name.strip())) for name in named)
    known = sum(role_of(name) is not None or is_personal(name) for name in named)
    return values > known and values * 3 >= len(named)
