"""The settlement table as the list that the linked tables are put beside."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from drgengine.formats.frontpage.work import Work
from drgengine.formats.settlement.evidence import Evidence
from drgengine.formats.settlement.joining import Keys, orphans, parents_of, read_keys
from drgengine.formats.settlement.scalars import beside_settled, read_scalars, work_on
from drgengine.formats.settlement.standing import Standing, standing_of
from drgengine.formats.settlement.tables import InputTable, ragged_rows


@dataclass(slots=True, eq=False)
class SettlementList:
    """The settlement list on its way: the settlement table, and what the linked tables give it."""

    table: InputTable
    keys: Keys
    work: Work
    columns: dict[str, pa.Array]
    standing: Standing
    given: dict[Literal["dx", "proc"], Counter[str]] = field(default_factory=dict)
    evidence: Evidence = field(default_factory=Evidence)
    rows_of: dict[str, int] = field(default_factory=dict)
    orphans: dict[str, int] = field(default_factory=dict)
    tallies: dict[str, int] = field(default_factory=dict)
    slots: dict[str, pa.ListArray] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        return self.table.rows

    def linked(self, name: str, table: InputTable) -> np.ndarray:
        """The settlement of every row of a linked table; rows without one are reported."""
        return self.placed(name, table, read_keys(table))

    def placed(self, name: str, table: InputTable, keys: Keys) -> np.ndarray:
        """As linked, with the keys of the table."""
        parent = parents_of(keys, self.keys, self.standing.unrepeated, self.standing.counts)
        lost = orphans(table, keys, parent)
        self.rows_of[name], self.orphans[name] = table.rows, int(np.count_nonzero(parent < 0))
        self.evidence.issues += [*ragged_rows(table), *lost]
        return parent


def begin(tables: dict[str, InputTable]) -> SettlementList:
    """The settlement table with its plain columns, and which rows count."""
    table = tables["settlement"]
    keys = read_keys(table)
    settled = tables.get("settled")
    settled_keys = None if settled is None else read_keys(settled)
    if settled is not None and settled_keys is not None:
        table = beside_settled(table, keys, settled, settled_keys)
    work = work_on(table)
    work.issues += [*ragged_rows(table), *keys.issues]
    columns = read_scalars(work, table)
    columns["case_id"] = keys.own
    columns["visit_no"] = pa.nulls(table.rows, pa.string()) if keys.mdtrt_id is None else keys.mdtrt_id
    standing = standing_of(keys.own, columns, columns.pop("settled_end", None))
    _note(work, table, keys.own, standing)
    whole = SettlementList(table, keys, work, columns, standing)
    if settled is not None and settled_keys is not None:
        whole.placed("settled", settled, settled_keys)
    return whole


def _note(work: Work, table: InputTable, own: pa.Array, standing: Standing) -> None:
    name = table.shown("setl_id" if "setl_id" in table.columns else "mdtrt_id")
    texts = pc.fill_null(own.take(pa.array(standing.repeated)), "").to_pylist()
    work.note(name, "record_superseded", standing.repeated, texts, _rows(standing.repeated_by))
    # As in front pages the record number is not quoted.
    blank = [""] * standing.renewed.size
    work.note(table.shown("record_no"), "record_superseded", standing.renewed, blank, _rows(standing.renewed_by))
    nameless = np.flatnonzero(np.asarray(own.is_null()))
    work.note(name, "record_number_missing", nameless, [""] * nameless.size)


def _rows(positions: np.ndarray) -> list[str]:
    return [f"row {at + 1}" for at in positions]
