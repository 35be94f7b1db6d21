"""Which settlements count: of one that comes twice, and of a visit that was settled again, the last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from drgengine.formats.frontpage.identity import StayKeys

_STAY = ("hospital_id", "record_no", "visit_no", "admission_time", "discharge_time")
_NEVER = np.iinfo(np.int64).min


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """Positions of settlements, ascending, each with the position of the one that counts instead.

    repeated : a row of the same settlement comes later; linked rows belong to that one
    renewed : the visit was settled again under another number; linked rows stay with their own settlement
    """

    rows: int
    repeated: np.ndarray
    repeated_by: np.ndarray
    renewed: np.ndarray
    renewed_by: np.ndarray

    @property
    def unrepeated(self) -> np.ndarray:
        """bool: the rows that stand for their settlement."""
        return _all_but(self.rows, self.repeated)

    @property
    def counts(self) -> np.ndarray:
        """bool: one row of every visit."""
        return _all_but(self.rows, self.repeated, self.renewed)

    def superseded(self) -> pa.Table:
        """row, counts, numbered from 1."""
        row, by = np.r_[self.repeated, self.renewed], np.r_[self.repeated_by, self.renewed_by]
        order = np.argsort(row)
        return pa.table({"row": row[order] + 1, "counts": by[order] + 1})


def standing_of(own: pa.Array, columns: Mapping[str, pa.Array], settled_end: pa.Array | None) -> Standing:
    """Which rows of the settlement table count.

    own : the settlement; columns : cleaned columns of the front page; settled_end : timestamp or None (结算结束日期)
    """
    rows = len(own)
    repeated, repeated_by = _repeated(own, columns["discharge_time"])
    renewed, renewed_by = _renewed(columns, settled_end, _all_but(rows, repeated))
    last = np.arange(rows)
    last[renewed] = renewed_by
    return Standing(rows, repeated, last[repeated_by], renewed, renewed_by)


def _repeated(own: pa.Array, discharge: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Rows that a later row of the same settlement replaces, and the rows that count.

    The last discharge counts; without one, or with the same, the last row. A row without key replaces nothing.
    """
    key = np.asarray(pc.fill_null(own.dictionary_encode().indices, -1)).astype(np.int64)
    when = _seconds(discharge)
    rows = np.flatnonzero(key >= 0)
    order = rows[np.lexsort((rows, when[rows], key[rows]))]
    last = np.r_[key[order][1:] != key[order][:-1], True] if order.size else np.empty(0, bool)
    keeper = order[last][np.cumsum(np.r_[0, last[:-1]])] if order.size else order
    lost = np.sort(order[~last])
    of = np.full(len(own), -1, np.int64)
    of[order] = keeper
    return lost, of[lost]


def _renewed(
    columns: Mapping[str, pa.Array], settled_end: pa.Array | None, use: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Rows of visits that were settled again, by the rule of front pages, and the rows that count.

    The last discharge counts, of equal ones the last end of settlement, then the last row.
    """
    order = np.flatnonzero(use)
    if settled_end is not None:
        order = order[np.argsort(_seconds(settled_end)[order], kind="stable")]
    stays = StayKeys()
    taken = [columns[name].take(pa.array(order)) for name in _STAY]
    stays.add(pa.RecordBatch.from_arrays(taken, names=list(_STAY)), 0)
    aside, by = (order[positions] for positions in stays.superseded())
    ascending = np.argsort(aside)
    return aside[ascending], by[ascending]


def _seconds(times: pa.Array) -> np.ndarray:
    return np.asarray(pc.fill_null(times.cast(pa.timestamp("s")).cast(pa.int64()), _NEVER))


def _all_but(rows: int, *positions: np.ndarray) -> np.ndarray:
    kept = np.ones(rows, bool)
    kept[np.concatenate(positions)] = False
    return kept
