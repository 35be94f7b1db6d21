"""What reading a settlement list gives."""

from __future__ import annotations

from dataclasses import dataclass, field

from drgengine.formats.frontpage.pages import FrontPages
from drgengine.formats.frontpage.summary import ConvertSummary


@dataclass(slots=True)
class SettlementSummary(ConvertSummary):
    """How many rows there were and where they went; every row of every linked table is in one of the counts.

    rows_read, rows_written, ... : of the settlement table, as of front pages
    rows_of : table -> rows read; orphans : table -> rows among them that belong to no settlement
    tallies : what was counted and not listed: diagnoses_of_tcm (中医诊断), care_dummies (无监护的占位行), refunds
        (退费行, netted), settlements_without_diagnosis, settlements_without_main, settlements_with_several_mains,
        totals_from_items (settlements whose total is the sum of their items)
    files : table -> file name; missing : tables that no file holds; ignored, other : further files of the folder
    """

    rows_of: dict[str, int] = field(default_factory=dict)
    orphans: dict[str, int] = field(default_factory=dict)
    tallies: dict[str, int] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    other: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class SettlementPages(FrontPages):
    """Settlement lists as cases, in the shape of front pages.

    table : one row per row of the settlement table, in its order; of a settlement that comes twice the row that counts
        holds the codes, the other none; of a visit that was settled again each settlement holds its own
    superseded : row, counts (the row that counts instead), of both; `cases` is the table without these rows
    issues : row of the settlement table; only of a row without a settlement (settlement_missing) and of one with a
        wrong number of cells (row_ragged) the row of its own table
    """

    summary: SettlementSummary
