"""For every way through the scheme: which principal diagnoses and procedures it draws from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

from drgengine.grouper.conditions import Condition, atoms
from drgengine.grouper.scheme import OPERATIONS, Scheme
from drgengine.synth.codebook import CodeBook, rules_lists
from drgengine.synth.pathways import Pathway
from drgengine.synth.pools import EMPTY, PoolMaker
from drgengine.synth.settings import data

_ANYWHERE = 3


@dataclass(frozen=True)
class WayPools:
    """Numbers of pools per way, EMPTY where none is needed; `possible` is False where a list leaves nothing.

    pdx, sdx, first : shape (W,); anywhere : shape (W, 3), further procedures the rule asks for
    """

    pdx: np.ndarray
    sdx: np.ndarray
    first: np.ndarray
    anywhere: np.ndarray
    possible: np.ndarray


def make_way_pools(scheme: Scheme, book: CodeBook, ways: Sequence[Pathway], maker: PoolMaker) -> WayPools:
    """Pools of every way, equal ones shared."""
    look = _Look(scheme, book, maker)
    rows = [look.pools(way) for way in ways]
    return WayPools(
        pdx=np.array([row[0] for row in rows], dtype=np.int32),
        sdx=np.array([row[1] for row in rows], dtype=np.int32),
        first=np.array([row[2] for row in rows], dtype=np.int32),
        anywhere=np.array([row[3] for row in rows], dtype=np.int32).reshape(len(rows), _ANYWHERE),
        possible=np.array([row[4] for row in rows]),
    )


class _Look:
    def __init__(self, scheme: Scheme, book: CodeBook, maker: PoolMaker) -> None:
        self.book = book
        self.maker = maker
        self.dx_place = {code: n for n, code in enumerate(book.dx)}
        self.proc_place = {code: n for n, code in enumerate(book.proc)}
        defining = {mdc.code: rules_lists(mdc.rules) - {OPERATIONS} for mdc in scheme.mdcs}
        early = [mdc.code for mdc in scheme.mdcs if not any("pdx" in w or "any_dx" in w for w in _scopes(mdc.gate))]
        self.claimed = {
            code: self.union(names.union(*(defining[mdc] for mdc in early))) for code, names in defining.items()
        }
        self.principals = data("case_mix")["principal"]

    def pools(self, way: Pathway) -> tuple[int, int, int, list[int], bool]:
        pdx, extra_sdx = self.principal(way)
        sdx = [self.places(name, "dx") for name in (*way.sdx, *extra_sdx)]
        first, anywhere = self.procedures(way)
        needed = [pdx, *sdx, *([] if first is None else [first]), *anywhere]
        possible = all(places.size for places in needed) and len(anywhere) <= _ANYWHERE
        numbers = [self.add("proc", places) for places in anywhere[:_ANYWHERE]]
        return (
            self.add("dx", pdx),
            self.add("dx", sdx[0]) if sdx else EMPTY,
            EMPTY if first is None else self.add("proc", first),
            numbers + [EMPTY] * (_ANYWHERE - len(numbers)),
            possible,
        )

    def principal(self, way: Pathway) -> tuple[np.ndarray, tuple[str, ...]]:
        """Candidates for the principal diagnosis; lists that a secondary one must meet instead."""
        book = self.book
        extra: tuple[str, ...] = ()
        fits_sex = (book.sex == 0) | (way.sex == 0) | (book.sex == way.sex)
        allowed = ~book.barred & (book.newborn <= way.newborn) & fits_sex
        if not way.sex:
            allowed &= ~book.obstetric
        lists = [self.places(name, "dx") for name in way.pdx]
        found = reduce(np.intersect1d, lists) if lists else np.flatnonzero(~book.gate_only)
        if not found.size and len(lists) > 1:
            found, extra = lists[0], way.pdx[1:]
        found = found[allowed[found]]
        usual = book.dx_starting(self.principals.get(way.adrg, ())) if way.adrg in self.principals else found
        narrowed = np.intersect1d(found, usual)
        return (narrowed if narrowed.size else found).astype(np.int32), extra

    def procedures(self, way: Pathway) -> tuple[np.ndarray | None, list[np.ndarray]]:
        """Candidates for the first procedure (None: no demand), and for further ones the rule asks for."""
        firsts = [self.places(name, "proc") for name in way.first]
        anywhere = [self.places(name, "proc") for name in way.anywhere]
        if not firsts:
            # A demand on any place is met in the first one.
            return (anywhere[0], anywhere[1:]) if anywhere else (None, [])
        first = reduce(np.intersect1d, firsts)
        if way.outside:
            return np.setdiff1d(first, self.claimed[way.mdc]), anywhere
        for n, places in enumerate(anywhere):
            both = np.intersect1d(first, places)
            if both.size:
                return both, anywhere[:n] + anywhere[n + 1 :]
        return first, anywhere

    def places(self, name: str, side: str) -> np.ndarray:
        if name.startswith("{"):
            place = self.dx_place if side == "dx" else self.proc_place
            return np.array(sorted(place[c] for c in name[1:-1].split(",") if c in place), dtype=np.int32)
        return (self.book.dx_lists if side == "dx" else self.book.proc_lists)[name]

    def union(self, names: set[str]) -> np.ndarray:
        lists = [self.book.proc_lists[name] for name in names if name in self.book.proc_lists]
        return reduce(np.union1d, lists, np.zeros(0, np.int32))

    def add(self, side: str, places: np.ndarray) -> int:
        weights = self.book.dx_weight if side == "dx" else self.book.proc_weight
        return self.maker.add((side, places.tobytes()), places, weights[places])


def _scopes(gate: Condition) -> list[str]:
    return [getattr(atom, "scope", "") for atom in atoms(gate)]
