"""The twin of cellkernel.py: how a pool is given to its claims, with dicts and lists, as one would do it by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence


def distribute_by_hand(
    pools: Sequence[Sequence[int]], claims: Sequence[tuple[int, int, float]]
) -> dict[tuple[int, int], list[int]]:
    """Fen of each (pool, object), one number per column.

    pools : fen per column of each pool
    claims : (pool, object, weight), in the order in which fen are given out

    >>> distribute_by_hand([[100]], [(0, 7, 1.0), (0, 8, 1.0), (0, 9, 1.0)])
    {(0, 7): [33], (0, 8): [34], (0, 9): [33]}
    """
    answer: dict[tuple[int, int], list[int]] = {}
    for number, amounts in enumerate(pools):
        mine = [(who, weight) for pool, who, weight in claims if pool == number]
        whole = 0.0
        for _, weight in mine:
            whole += weight
        if whole <= 0:
            continue
        held = [0] * len(amounts)
        so_far = 0.0
        for who, weight in mine:
            so_far += weight
            should = [math.floor(amount * (so_far / whole) + 0.5) for amount in amounts]
            cells = answer.setdefault((number, who), [0] * len(amounts))
            for column, amount in enumerate(should):
                cells[column] += amount - held[column]
            held = should
    return answer


def add_rows_by_hand(row: Sequence[int], fen: Sequence[Sequence[int]], rows: int) -> dict[int, list[int]]:
    """Sum per column of the rows of fen that go to each row; rows that get nothing are absent.

    >>> add_rows_by_hand([1, 0, 1], [[1], [2], [3]], 3)
    {1: [4], 0: [2]}
    """
    answer: dict[int, list[int]] = {}
    for target, amounts in zip(row, fen, strict=True):
        if not 0 <= target < rows:
            raise IndexError(target)
        answer[target] = [a + b for a, b in zip(answer.get(target, [0] * len(amounts)), amounts, strict=True)]
    return answer
