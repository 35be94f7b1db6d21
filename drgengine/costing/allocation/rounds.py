"""What each allocation method (分摊方法) allows: who gives in which order to whom, in which rounds and levels."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from drgengine.costing.model import CATEGORIES

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Round:
    """One passage of cost through the m giving departments.

    givers : int64 (m,), positions among the n departments, in the order of closing
    allowed : bool (m, n), who may receive from whom; the own column is False
    at_once : every giver passes on what it held at the start; what givers receive stays for the next round
    levels : name and which of the givers, in order; every giver is in one level
    limit : why a department may not give to some others, for messages; "" where it may give to all
    """

    givers: Ints
    allowed: Bools
    at_once: bool
    levels: tuple[tuple[Hashable, slice], ...]
    limit: str


def rounds_of(method: str, givers: Ints, final: Bools, codes: Sequence[Hashable], categories: Ints) -> list[Round]:
    """The rounds of a method.

    givers : in the order of closing; final : bool (n,); codes : (n,); categories : int64 (n,), used by "three-level"
    """
    every = slice(0, len(givers))
    if method == "direct":
        allowed = np.repeat(final[None, :], len(givers), axis=0)
        return [Round(givers, allowed, False, (("services", every),), "final departments alone receive in this method")]
    if method == "reciprocal":
        return [Round(givers, _all_others(givers, len(final)), False, (("services", every),), "")]
    if method == "step-down":
        levels = tuple((codes[giver], slice(at, at + 1)) for at, giver in enumerate(givers))
        return [_stepwise(givers, final, levels)]
    if method == "double":
        first = Round(givers, _all_others(givers, len(final)), True, (("first", every),), "")
        return [first, _stepwise(givers, final, (("second", every),))]
    return [_three_level(givers, final, categories)]


def _stepwise(givers: Ints, final: Bools, levels: tuple[tuple[Hashable, slice], ...]) -> Round:
    allowed = np.zeros((len(givers), len(final)), np.bool_)
    allowed[:, final] = True
    allowed[:, givers] = np.triu(np.ones((len(givers), len(givers)), np.bool_), 1)
    return Round(givers, allowed, False, levels, "departments closed earlier do not receive")


def _all_others(givers: Ints, departments: int) -> Bools:
    allowed = np.ones((len(givers), departments), np.bool_)
    allowed[np.arange(len(givers)), givers] = False
    return allowed


def _three_level(givers: Ints, final: Bools, categories: Ints) -> Round:
    """行政后勤 to all others, 医疗辅助 to 医疗技术 and 临床服务, 医疗技术 to 临床服务, each level a direct pool."""
    mine = categories[givers]
    allowed = categories[None, :] > mine[:, None]
    levels = []
    for number, name in enumerate(CATEGORIES[:-1]):
        first, end = np.searchsorted(mine, [number, number + 1])
        if first < end or not final[categories == number].any():
            levels.append((name, slice(int(first), int(end))))
    return Round(givers, allowed, False, tuple(levels), "a level gives to the categories after its own alone")
