"""The forms under which one header of an export may be known."""

from __future__ import annotations

import re

from drgengine.cases.vocabulary import fold

_BRACKETED = re.compile(r"(?P<outer>.+)\((?P<inner>[^()]+)\)")
_CODE = re.compile(r"[a-z]{1,3}\d[\da-z]*")


def header_forms(header: str) -> tuple[str, ...]:
    """Folded forms in the order of trust: whole, code in brackets at the end, text before them.

    The text counts only beside a code, as a unit in brackets changes the meaning.

    >>> header_forms("\\ufeff出院主要诊断编码（C03C）"), header_forms("年龄(月)")
    (('出院主要诊断编码(c03c)', 'c03c', '出院主要诊断编码'), ('年龄(月)', '月'))
    """
    whole = fold(header)
    match = _BRACKETED.fullmatch(whole)
    if not match:
        return (whole,)
    inner, outer = match["inner"], match["outer"]
    return (whole, inner, outer) if _CODE.fullmatch(inner) else (whole, inner)
