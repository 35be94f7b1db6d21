"""Who gives to whom (分摊关系图): cost that can never reach a final department, departments that serve each other."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]


def reached(gives: Bools, start: Bools) -> Bools:
    """Which departments something that starts in `start` can come to, the start included; bool (m,).

    gives : bool (m, m), row department gives to column department
    """
    seen, wave = start.copy(), start
    while wave.any():
        wave = np.asarray(gives[wave].any(axis=0)) & ~seen
        seen = seen | wave
    return seen


def caught_departments(gives: Bools, gives_final: Bools, holding: Bools) -> tuple[Ints, list[Ints]]:
    """Departments in which cost would stay for ever: dead ends, and groups that give only to each other.

    gives : bool (m, m) among service departments; gives_final : bool (m,), gives to a final one
    holding : bool (m,), has cost of its own
    returns positions of dead ends (they give to nobody) and one array of positions per closed group; a department that
    merely leads to one of them is not named
    """
    carrying = reached(gives, holding)
    safe = reached(gives.T, gives_final)
    caught = carrying & ~safe
    dead = caught & ~np.asarray(gives.any(axis=1))
    cycling = caught & ~reached(gives.T, dead)
    # A closed group is one whose members reach nobody outside it.
    groups = [group for group in mutual_groups(gives, cycling) if not gives[group][:, _others(group, gives)].any()]
    return np.flatnonzero(dead), groups


def mutual_groups(gives: Bools, among: Bools) -> list[Ints]:
    """Groups of two or more departments of `among` that all reach each other (强连通分量), by their first member."""
    left = _core(gives, among)
    groups = []
    for i in range(len(left)):
        if not left[i]:
            continue
        start = np.zeros(len(left), np.bool_)
        start[i] = True
        inside = gives & left & left[:, None]
        group = reached(inside, start) & reached(inside.T, start)
        left &= ~group
        if group.sum() > 1:
            groups.append(np.flatnonzero(group))
    return groups


def _core(gives: Bools, among: Bools) -> Bools:
    """`among` without those that nobody left gives to, or that give to nobody left: they are in no cycle."""
    left = among.copy()
    while left.any():
        inside = gives & left & left[:, None]
        kept = left & inside.any(axis=0) & inside.any(axis=1)
        if (kept == left).all():
            break
        left = kept
    return left


def _others(group: Ints, gives: Bools) -> Bools:
    others = np.ones(len(gives), np.bool_)
    others[group] = False
    return others
