"""The long sheets of an invented workbook: severity lists with their exclusion tables, sets of the size asked."""

from __future__ import annotations

import zlib
from random import Random

from drgengine.grouper.listed import ListedCodes
from drgengine.grouper.scheme import Scheme
from drgengine.synth.workbookscheme import Invented

SEVERITY_CODES, EXCLUDED_CODES, TABLES = 7_904, 21_034, 148
AMENDED = {
    "EX_103": ("P22.100", "P24.100"),
    "EX_104": ("P39.800",),
    "EX_105": ("P55.100", "P59.900"),
    "EX_107": ("P78.800",),
    "EX_128": ("S02.400",),
}
"""Principal diagnoses that the manual prints in these tables and the authority's file lacks."""
ODD_MEMBER = ("OP_DC1", "86.700x0013")
_FULL = 107_000
DUPLICATES = 163
"""Rows of 集合 that repeat a member in a workbook of full size."""


def invent_severity(invented: Invented, scheme: Scheme, members: int) -> None:
    """Fill severity and excluded: 148 tables, fewer codes where the whole workbook has fewer members."""
    lists = ListedCodes(scheme)
    numbers = sorted(
        (name.partition(".")[2] for name in scheme.diagnosis_patterns if name.startswith("excluded.")),
        key=lambda number: -_referring(scheme, lists, number),
    )[:TABLES]
    share = min(members / _FULL, 1.0)
    shrunk = _Shrunk(share)
    severity: dict[str, tuple[str, str]] = {}
    for table, number in enumerate(sorted(numbers, key=int), 1):
        name = f"EX_{table}"
        invented.excluded[name] = shrunk.some(lists.codes(f"excluded.{number}"))
        for level in ("mcc", "cc"):
            if f"{level}.{number}" in scheme.diagnosis_patterns:
                for code in shrunk.some(lists.codes(f"{level}.{number}")):
                    severity.setdefault(code, (level.upper(), name))
    for name, codes in AMENDED.items():
        invented.excluded[name] = sorted({*invented.excluded[name], *codes})
    _share_codes(invented.excluded)
    _cut_tables(invented.excluded, round(EXCLUDED_CODES * share))
    invented.severity = _cut_severity(severity, round(SEVERITY_CODES * share))


def _referring(scheme: Scheme, lists: ListedCodes, number: str) -> int:
    names = (f"mcc.{number}", f"cc.{number}")
    return sum(len(lists.codes(name)) for name in names if name in scheme.diagnosis_patterns)


def _share_codes(tables: dict[str, list[str]]) -> None:
    """Some principal diagnoses of every tenth table stand in the next one too."""
    names = list(tables)
    for at in range(0, len(names) - 1, 10):
        own, other = tables[names[at]], tables[names[at + 1]]
        tables[names[at + 1]] = sorted({*other, *own[: max(len(own) // 2, 1)]})


def _cut_tables(tables: dict[str, list[str]], most: int) -> None:
    """Take codes from the longest tables until so many are left; amended codes stay."""
    excess = sum(map(len, tables.values())) - most
    for name in sorted(tables, key=lambda name: -len(tables[name])):
        kept = set(AMENDED.get(name, ()))
        cut = min(excess, max(len(tables[name]) // 2 - len(kept), 0))
        if cut > 0:
            leaving = set([code for code in tables[name] if code not in kept][1::2][:cut])
            tables[name] = [code for code in tables[name] if code not in leaving]
            excess -= len(leaving)


def _cut_severity(severity: dict[str, tuple[str, str]], most: int) -> dict[str, tuple[str, str]]:
    """So many codes; each table keeps its first MCC and its first CC."""
    first = {pair: code for code, pair in reversed(severity.items())}
    kept = set(first.values())
    others = [code for code in severity if code not in kept]
    wanted = max(most - len(kept), 0)
    kept.update(others[at * len(others) // wanted] for at in range(min(wanted, len(others))))
    return {code: pair for code, pair in sorted(severity.items()) if code in kept}


class _Shrunk:
    """Leaves codes out of all lists alike, so that what overlaps still overlaps."""

    def __init__(self, share: float) -> None:
        self.limit = round(share * 10_000)

    def some(self, codes: list[str]) -> list[str]:
        kept = [code for code in codes if zlib.crc32(code.encode()) % 10_000 < self.limit]
        return kept or codes[:3]


def size_sets(invented: Invented, rng: Random, members: int) -> None:
    """Bring all sets together to so many members, the odd one and room for those that will stand twice among them."""
    members -= round(DUPLICATES * min(members / _FULL, 1.0))
    sets = invented.sets
    if ODD_MEMBER[0] in sets:
        sets[ODD_MEMBER[0]] = sorted({*sets[ODD_MEMBER[0]], ODD_MEMBER[1]})
    excess = sum(map(len, sets.values())) - members
    if excess > 0:
        shrunk = _Shrunk(members / (members + excess))
        # A set of which nothing would be left keeps some codes, and so do all others that hold them.
        kept = {code for codes in sets.values() for code in shrunk.some(codes)}
        for name in sets:
            if name != "OP_ARB":
                sets[name] = [code for code in sets[name] if code in kept]
    _pad(invented, rng, members - sum(map(len, sets.values())))


def _pad(invented: Invented, rng: Random, missing: int) -> None:
    """Further operations for the sets of second operations; they stay apart from every first list they meet."""
    sets = invented.sets
    seconds = sorted(name for name in sets if name.startswith("OP2_"))
    while missing > 0 and seconds:
        each = max(missing // len(seconds), 1)
        for name in seconds:
            first = {c for a in invented.adrgs if name in a.rule for c in sets.get(f"OP1_{a.code}", ())}
            first.update(sets[name])
            free = [c for c in sets["OP_ALL"] if c not in first]
            more = rng.sample(free, min(each, len(free), missing))
            sets[name] = sorted([*sets[name], *more])
            missing -= len(more)
