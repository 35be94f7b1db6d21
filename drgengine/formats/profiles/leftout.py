"""What of the headers a reader leaves out although it may matter (未读取的列), and what it never lets out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from drgengine.cases.shown import shown_name
from drgengine.cases.vocabulary import fold, is_personal
from drgengine.formats.profiles.claims import Found, read_header
from drgengine.formats.profiles.profilefile import PRIVATE, Profile, load_profile, profile_names

_CODE_LIKE = re.compile(r"(诊断|手术|操作|icd).*(编码|代码)|(编码|代码).*(诊断|手术|操作|icd)")
# Codes of diagnoses and services that no list of the front page holds, and what belongs to a procedure beside its code.
_ELSEWHERE = re.compile(r"门.?急|门诊|急诊|中医|中药|病理|损伤|中毒|麻醉|切口|级别|术者|医师|病情|入院诊断|科")
_MOST = 4


def column_remarks(headers: Sequence[str], profile: Profile, found: Found) -> tuple[str, ...]:
    """What is to be known of the columns of a file, one line each.

    Told are: no procedure column, columns whose header looks like a diagnosis or procedure code and is not known,
    columns of another dialect, and columns that hold what another one is read for.

    >>> from drgengine.formats.profiles import choose_profile
    >>> names = ["C03C", "主要诊断编码", "BAH", "C14x01C", "C06x1000C"]
    >>> for line in column_remarks(names, *choose_profile(names)):
    ...     print(line)
    columns not read although they look like codes: C06x1000C
    columns of another dialect are not read: BAH (n041)
    columns not read, as another one holds the same: 主要诊断编码 (C03C is read)
    """
    unread = [name for name in headers if not is_personal(name) and read_header(name, profile) is None]
    codes = [name for name in unread if _looks_like_code(name, profile)]
    foreign = {name: other for name in unread if name not in codes and (other := _dialect_of(name))}
    lines = []
    if not found.slots.get("proc.code") and not found.slots.get("proc.list"):
        lines.append("no procedure column was found; every record is read without procedures")
    if codes:
        lines.append(f"columns not read although they look like codes: {_few(map(shown_name, codes))}")
    if foreign:
        shown = _few(f"{shown_name(name)} ({other})" for name, other in foreign.items())
        lines.append(f"columns of another dialect are not read: {shown}")
    if found.beside:
        shown = _few(f"{shown_name(name)} ({shown_name(read)} is read)" for name, read in found.beside.items())
        lines.append(f"columns not read, as another one holds the same: {shown}")
    return tuple(lines)


def is_private(header: str, profile: Profile) -> bool:
    """True for a column that is read to work something out and never leaves, by any spelling of any dialect.

    >>> is_private("出生日期", load_profile("hqms")), is_private("CSRQ", load_profile("hqms"))
    (True, True)
    """
    for known in (profile, *map(load_profile, profile_names())):
        reading = read_header(header, known)
        if reading is not None and reading[0][0] in PRIVATE:
            return True
    return False


def _looks_like_code(header: str, profile: Profile) -> bool:
    form = fold(header)
    for layer in profile.layers:
        for pattern, key, _ in layer.numbered:
            if key in ("dx.code", "proc.code") and re.fullmatch(pattern.pattern.replace(r"\d{1,3}", r"\d+"), form):
                return True
    if _CODE_LIKE.search(form) and not _ELSEWHERE.search(form):
        return True
    targets = [read_header(header, load_profile(name)) for name in profile_names()]
    return any(found is not None and found[0][0] in ("dx.code", "proc.code") for found in targets)


def _dialect_of(header: str) -> str | None:
    for name in profile_names():
        reading = read_header(header, load_profile(name))
        if reading is not None:
            return name
    return None


def _few(texts: Iterable[str]) -> str:
    told = list(texts)
    more = f" and {len(told) - _MOST} more" if len(told) > _MOST else ""
    return ", ".join(told[:_MOST]) + more
