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
# Commonest surnames of China, those of two characters first; a header is hardly ever made of one and 1-3 characters.
_SURNAME = (
    "欧阳|上官|司马|诸葛|司徒|东方|皇甫|尉迟|公孙|慕容|令狐|长孙|夏侯|[王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹"
    "彭曾肖田董袁潘蔡蒋余于杜叶程魏苏吕丁任沈姚卢姜崔钟谭陆汪范廖石贾韦夏傅邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱"
    "严覃武戴莫孔汤]"
)
_PERSON = re.compile(rf"(?:{_SURNAME})\s*[\u4e00-\u9fff]\s*[\u4e00-\u9fff]?|[\u4e00-\u9fff]+·[\u4e00-\u9fff]+")


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
    """The first column names of a table in one line, those masked that may be a person's name (姓名).

    In a row that is rather a title above the headers only names that are known are shown.

    >>> shown_names(["sex", "age"]), shown_names([])
    ('sex, age', 'none')
    >>> shown_names(["欧阳锋利", "column_2", "column_3"]), shown_names(["欧阳锋", "病案号"])
    ('…, column_2, column_3', '…, 病案号')
    """
    title = look_like_title(names)
    shown = ", ".join(MASK if _may_be_person(name, title) else shown_name(name) for name in names[:_MOST_NAMES])
    shown = shown or "none"
    return f"{shown} and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else shown


def _may_be_person(name: str, title: bool) -> bool:
    if _NAMELESS.fullmatch(name) or role_of(name) is not None or is_personal(name):
        return False
    return title or _PERSON.fullmatch(name.strip()) is not None


def look_like_title(names: Sequence[str]) -> bool:
    """True when the names are rather a title above the headers (标题行): one or two of them in a row of blank cells.

    >>> look_like_title(["示例医院 2023", "column_2", "column_3"]), look_like_title(["sex", "column_2"])
    (True, False)
    """
    named = [name for name in names if not _NAMELESS.fullmatch(name)]
    known = any(role_of(name) is not None or is_personal(name) for name in named)
    return not known and len(named) < 3 and (len(names) > 2 * len(named) or not "".join(names).isascii())


def look_like_values(names: Sequence[str]) -> bool:
    """True when the names are rather the first case of a table without headers (缺表头).

    >>> look_like_values(["张三", "110101199003071233", "I10.x00", "63"]), look_like_values(["sex", "2023"])
    (True, False)
    """
    named = [name for name in names if not _NAMELESS.fullmatch(name)]
    values = sum(bool(_VALUE.fullmatch(name.strip())) for name in named)
    known = sum(role_of(name) is not None or is_personal(name) for name in named)
    return values > known and values * 3 >= len(named)
