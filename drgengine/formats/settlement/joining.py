"""Putting the rows of linked tables beside their settlement, by whole columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from drgengine.cases.issues import BatchIssue
from drgengine.formats.cleaning import clean_identifier
from drgengine.formats.settlement.tables import InputTable

_KEYS = ("setl_id", "mdtrt_id")


@dataclass(frozen=True, slots=True, eq=False)
class Keys:
    """The linking values of a table, cleaned; null where a row has none. A table may lack one of the two."""

    setl_id: pa.Array | None
    mdtrt_id: pa.Array | None
    issues: list[BatchIssue]

    @property
    def own(self) -> pa.Array:
        """What tells a row: the settlement, else the visit."""
        given = [key for key in (self.setl_id, self.mdtrt_id) if key is not None]
        return given[0] if len(given) == 1 else pc.coalesce(*given)


def read_keys(table: InputTable) -> Keys:
    """The keys of a table; an identifier that a spreadsheet has destroyed is null and reported."""
    found: list[pa.Array | None] = []
    issues: list[BatchIssue] = []
    for name in _KEYS:
        if name not in table.columns:
            found.append(None)
            continue
        cleaned = clean_identifier(table.column(name), table.shown(name), 1)
        found.append(cleaned.values.cast(pa.string()))
        issues += cleaned.issues
    return Keys(found[0], found[1], issues)


def parents_of(keys: Keys, settlements: Keys, counted: np.ndarray, of_visit: np.ndarray | None = None) -> np.ndarray:
    """int64[rows]: the position of the settlement every row belongs to, -1 for none.

    settlements : the keys they are looked up in; counted : bool, False for those a row of the same settlement
    replaces; of_visit : the same for visits, which a later settlement may stand for, too; `counted` without it
    A row is found by its settlement; only where it names none, or the settlement table has no such column, by the
    visit, and then belongs to the visit's last settlement. A row whose settlement is unknown belongs to its visit where
    that one's row in the settlement table names no settlement.
    """
    count = len(keys.own)
    parent = np.full(count, -1, np.int64)
    open_ = np.ones(count, bool)
    usable = (counted, counted if of_visit is None else of_visit)
    for name, among in zip(_KEYS, usable, strict=True):
        asked, known = getattr(keys, name), getattr(settlements, name)
        if asked is None or known is None:
            continue
        named = np.asarray(pc.is_valid(asked))
        at = _lookup(asked, known, among)
        use = open_ & named
        parent[use] = at[use]
        open_ &= ~named
    if keys.mdtrt_id is not None and settlements.setl_id is not None and settlements.mdtrt_id is not None:
        nameless = counted & np.asarray(settlements.setl_id.is_null())
        lost = parent < 0
        parent[lost] = _lookup(keys.mdtrt_id, settlements.mdtrt_id, nameless)[lost]
    return parent


def _lookup(asked: pa.Array, known: pa.Array, counted: np.ndarray) -> np.ndarray:
    """Last position of every asked text among the known ones, -1 for none and for null."""
    positions = np.flatnonzero(counted & np.asarray(pc.is_valid(known)))[::-1]
    if not positions.size:
        return np.full(len(asked), -1, np.int64)
    at = pc.index_in(asked, value_set=known.take(pa.array(positions)))
    return np.where(np.asarray(pc.is_valid(at)), positions[np.asarray(pc.fill_null(at, 0))], -1)


@dataclass(frozen=True, slots=True, eq=False)
class Gathered:
    """Rows of a linked table in the order of their settlements.

    child : int64, row of the linked table at every place, -1 for a place put in for an empty principal
    offsets : int32[settlements + 1], the places of every settlement
    """

    child: np.ndarray
    offsets: np.ndarray

    def lists(self, values: pa.Array) -> pa.ListArray:
        """The values of the linked table as lists, "" at places put in."""
        padded = pa.concat_arrays([pc.fill_null(values.cast(pa.string()), ""), pa.array([""])])
        flat = padded.take(pa.array(np.where(self.child < 0, len(values), self.child)))
        return pa.ListArray.from_arrays(pa.array(self.offsets, pa.int32()), flat)

    def beside(self, slots: pa.ListArray, values: pa.Array) -> pa.ListArray:
        """The values of the linked table beside codes that came from `slots` (places inside the settlement)."""
        row = np.asarray(pc.list_parent_indices(slots)).astype(np.int64)
        place = self.offsets[row] + np.asarray(pc.list_flatten(slots)).astype(np.int64)
        child = self.child[place]
        flat = values.take(pa.array(child, mask=child < 0))
        lengths = np.asarray(pc.fill_null(pc.list_value_length(slots), 0))
        return pa.ListArray.from_arrays(pa.array(np.r_[0, np.cumsum(lengths)], pa.int32()), flat)

    def most(self) -> int:
        """The largest number of places of a settlement."""
        return int(np.diff(self.offsets).max(initial=0))


def gather(parent: np.ndarray, use: np.ndarray, first: np.ndarray, order: np.ndarray, count: int) -> Gathered:
    """Rows of a linked table by settlement: those of `first` in front, then by `order`, then as in the file.

    parent : from parents_of; use : rows to take; count : settlements
    """
    rows = np.flatnonzero(use)
    return _laid_out(rows, parent[rows], ~first[rows], order[rows], count)


def with_empty_principal(
    parent: np.ndarray, use: np.ndarray, first: np.ndarray, order: np.ndarray, count: int
) -> Gathered:
    """As gather, with an empty first place where a settlement has rows but none of `first`."""
    rows = np.flatnonzero(use)
    some, led = np.zeros(count, bool), np.zeros(count, bool)
    some[parent[rows]] = True
    led[parent[rows[first[rows]]]] = True
    bare = np.flatnonzero(some & ~led)
    return _laid_out(
        np.r_[rows, np.full(bare.size, -1)],
        np.r_[parent[rows], bare],
        np.r_[~first[rows], np.zeros(bare.size, bool)],
        np.r_[order[rows], np.zeros(bare.size)],
        count,
    )


def _laid_out(rows: np.ndarray, parent: np.ndarray, behind: np.ndarray, order: np.ndarray, count: int) -> Gathered:
    at = np.lexsort((rows, order, behind, parent))
    offsets = np.r_[0, np.cumsum(np.bincount(parent, minlength=count))].astype(np.int64)
    return Gathered(rows[at], offsets)


def orphans(table: InputTable, keys: Keys, parent: np.ndarray) -> list[BatchIssue]:
    """The issue of rows that belong to no settlement, under their own row numbers."""
    rows = np.flatnonzero(parent < 0)
    if not rows.size:
        return []
    name = "setl_id" if "setl_id" in table.columns else "mdtrt_id"
    values = pc.fill_null(keys.own.take(pa.array(rows)), "").to_pylist()
    return [BatchIssue(table.shown(name), "settlement_missing", rows + 1, values)]
