"""What a check of a scheme has to say: one remark, and how codes and places are spelled in it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from drgengine.grouper.scheme import Group, Mdc, Rule

LEVELS = ("error", "warning", "note")
SHOWN = 5


@dataclass(frozen=True, slots=True)
class SchemeRemark:
    """Something about a scheme that its author should know.

    level : error (the scheme cannot be used), warning (hardly meant so), note (worth a look, often meant so)
    kind : short word for the sort of remark, such as `group_never_reached`
    place : file and MDC, rule, group or list
    detail : what was found, with counts and the first codes
    """

    level: str
    kind: str
    place: str
    detail: str

    def __str__(self) -> str:
        return f"{self.level}: {self.place}: {self.detail} [{self.kind}]"


def first(codes: Iterable[str]) -> str:
    """The first few codes, and three dots when there are more.

    >>> first(["A00.0", "A00.1"]), first("abcdefgh")
    ('A00.0 A00.1', 'a b c d e ...')
    """
    shown = list(islice(codes, SHOWN + 1))
    return " ".join(shown[:SHOWN]) + (" ..." if len(shown) > SHOWN else "")


def tally(codes: Iterable[str]) -> str:
    """How many codes, and the first few.

    >>> tally(["A00.0"]), tally(["A00.0", "A00.1"])
    ('1 code (A00.0)', '2 codes (A00.0 A00.1)')
    """
    every = list(codes)
    return f"{len(every):,} code{'' if len(every) == 1 else 's'} ({first(every)})"


def rule_place(mdc: Mdc, rule: Rule | None = None, group: Group | None = None) -> str:
    """Where an MDC, a rule or a group stands."""
    place = f"rules.toml MDC {mdc.code}"
    if rule is not None:
        place += f" rule {rule.id}"
    return place if group is None else f"{place} group {group.drg}"
