"""An allocation in whole fen: every level passes on exactly what it holds, so that each level foots (逐级平衡)."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from drgengine.costing.allocation.result import Allocation, Step
from drgengine.costing.fen import Fen, Floats, round_to_totals
from drgengine.errors import CostingError


@dataclass(frozen=True, slots=True)
class Cascade:
    """n departments of the allocation, k columns, all int64 fen.

    direct : (n, k); received, given : level -> (n, k), levels in order; final : (n, k)
    final = direct + everything received - everything given; per level and column received and given have equal sums
    """

    direct: Fen
    received: dict[str, Fen]
    given: dict[str, Fen]
    final: Fen


def cascade(allocation: Allocation, direct: Fen, level_of: Callable[[Step], Hashable]) -> Cascade:
    """Round an allocation level by level.

    direct : int64 (n, k), in fen, of all departments of the allocation in its order
    level_of : name of the level a step belongs to; steps of one name are added up
    A received amount differs from the exact one by less than a few fen: by its own rounding and by its share of the
    roundings of those who give. What departments that are not final hold in the end is 0.
    Raises CostingError otherwise, which would be a mistake of the program.
    """
    held = direct.copy()
    received: dict[str, Fen] = {}
    given: dict[str, Fen] = {}
    first = True
    for name, steps in groupby(allocation.steps, lambda step: str(level_of(step))):
        got, gave = _one_level(allocation, list(steps), held, at_once=first and allocation.method == "double")
        held = held + got - gave
        received[name] = received.get(name, 0) + got
        given[name] = given.get(name, 0) + gave
        first = False
    left = held.copy()
    left[allocation.departments.get_indexer(allocation.final)] = 0
    if left.any():
        row, column = np.argwhere(left)[0]
        raise CostingError(
            f"department {allocation.departments[row]}",
            f"{int(left[row, column])} fen of {allocation.columns[column]} are left after the last level",
            "This is a mistake of the program: please report it with the input",
        )
    return Cascade(direct, received, given, held)


def _one_level(allocation: Allocation, steps: list[Step], held: Fen, at_once: bool) -> tuple[Fen, Fen]:
    """What every department receives and gives in the steps of one level, fen.

    Steps of a step-down that follow each other in one level are rounded together. Where givers receive from each other,
    they pass that on too (given = held + received); in the first round of the double method (at_once) they keep it for
    the second.
    """
    exact: Floats = np.zeros(held.shape)
    takes = np.zeros(len(held), dtype=bool)
    gives = np.zeros(len(held), dtype=bool)
    for step in steps:
        exact += step.share_values.T @ (step.given_values * 100.0)
        takes |= step.share_values.any(axis=0)
        gives[allocation.departments.get_indexer(step.givers)] = True
    got = np.zeros_like(held)
    gave = np.zeros_like(held)
    pool = held[gives].sum(axis=0)
    if at_once:
        gave[gives] = held[gives]
        return round_to_totals(exact, pool, takes), gave
    got[gives] = np.rint(exact[gives]).astype(np.int64)
    gave[gives] = held[gives] + got[gives]
    got[~gives] = round_to_totals(exact[~gives], pool, takes[~gives])
    return got, gave
