"""Reading a folder of linked settlement tables as cases."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from drgengine.cases.editions import load_edition
from drgengine.cases.issues import BatchIssue, IssueLog
from drgengine.errors import DrgEngineError, InputFileError
from drgengine.formats.checks import check_logic
from drgengine.formats.cleaning import CleanedCodes, check_charges
from drgengine.formats.codemaps import CodeMap, apply_codes, edition_signs, load_code_map, load_grey_codes
from drgengine.formats.frontpage.codelists import note_repeated_procedures
from drgengine.formats.frontpage.options import CODE_EDITIONS, GreyGiven, MapGiven, check_choice
from drgengine.formats.frontpage.pages import IssueTable
from drgengine.formats.frontpage.schema import FRONT_PAGE_SCHEMA
from drgengine.formats.frontpage.work import Work
from drgengine.formats.mojibake import refuse_mojibake
from drgengine.formats.settlement.care import read_care
from drgengine.formats.settlement.charges import read_charges
from drgengine.formats.settlement.diagnoses import Coding, read_diagnoses, read_operations
from drgengine.formats.settlement.evidence import Evidence
from drgengine.formats.settlement.joining import Gathered, Keys, orphans, parents_of, read_keys, set_aside
from drgengine.formats.settlement.result import SettlementPages, SettlementSummary
from drgengine.formats.settlement.scalars import beside_settled, read_scalars, work_on
from drgengine.formats.settlement.tables import Folder, InputTable, find_tables, ragged_rows, read_table


@dataclass(frozen=True, slots=True, eq=False)
class _Options:
    coding: dict[str, Coding]
    maps: dict[str, CodeMap | None]
    grey: frozenset[str]


@dataclass(slots=True, eq=False)
class _List:
    """The settlement list on its way. counts : settlements that are not set aside; aside, by : those set aside, and
    the ones that count instead."""

    table: InputTable
    keys: Keys
    work: Work
    columns: dict[str, pa.Array]
    counts: np.ndarray
    aside: np.ndarray
    by: np.ndarray
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
        keys = read_keys(table)
        parent = parents_of(keys, self.keys, self.counts)
        lost = orphans(table, keys, parent)
        self.rows_of[name], self.orphans[name] = table.rows, int(np.count_nonzero(parent < 0))
        self.evidence.issues += [*ragged_rows(table), *lost]
        return parent


def read_settlement(
    folder: str | os.PathLike[str],
    *,
    code_edition: Literal["insurance", "clinical"] = "insurance",
    order_column: str | None = None,
    drop_pii: bool = True,
    dx_map: MapGiven = None,
    proc_map: MapGiven = None,
    grey: GreyGiven = None,
    known_dx: frozenset[str] | None = None,
    known_proc: frozenset[str] | None = None,
    separators: str = "auto",
    plus: Literal["auto", "join", "separate"] = "auto",
    language: str = "en",
    on_issues: Callable[[list[BatchIssue]], None] | None = None,
) -> SettlementPages:
    """Read the linked tables of settlement lists (医疗保障基金结算清单, interfaces 4101 and 4101A) as cases.

    folder : holds setlinfo, diseinfo, oprninfo, iteminfo, icuinfo, or the tables of a provincial platform
        (SETL_LIST_D, SETL_D, SETL_LIST_DIAG_D, SETL_LIST_OPRN_D, FEE_LIST_D, ...), in any case and any table format;
        names and headers are data (data/profiles/settlement.toml)
    code_edition : of the codes; settlement lists hold the insurance edition (医保版). With "clinical" (国临版) the maps
        are applied, where they are given
    order_column : header with the sequence of diagnoses and procedures; without it the order of the file counts,
        and a dagger and an asterisk code in two rows are not joined
    drop_pii : only columns of FRONT_PAGE_SCHEMA are read, so names and identity numbers never are; False is the same
    dx_map, proc_map, grey : see open_front_page
    known_dx, known_proc : the codes that exist; the insurance edition without them
    separators, plus : of code cells, see CellOptions
    language : of the remedies, "en" or "zh"
    on_issues : called once with all issues

    Tables are linked by setl_id; rows without one by mdtrt_id. case_id is the settlement, record_no the record number
    (medcasno), visit_no the visit (mdtrt_id). A settlement that comes twice counts once, the last by discharge. The
    principal diagnosis is the one flagged; with none, or with several that differ, it stays empty and the record
    cannot be grouped. Ages in nwb_age are days. The 14 charge classes go to the parts that the profile names;
    refunds are netted; the total is medfee_sumamt, or the sum of the items. Pathology and external cause are not in a
    settlement list.

    Raises InputFileError: no folder, settlement or diagnosis table missing, two files for one table, no linking
    column, no such order column, a file that cannot be read.

    >>> import pathlib, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> _ = (folder / "setlinfo.csv").write_text("setl_id,medcasno,gend,age\\nS1,7,1,63\\n")
    >>> _ = (folder / "diseinfo.csv").write_text("setl_id,diag_code,maindiag_flag\\nS1,I10.x00,0\\nS1,I21.001,1\\n")
    >>> read_settlement(folder).table.select(["case_id", "record_no", "sex", "dx"]).to_pylist()
    [{'case_id': 'S1', 'record_no': '7', 'sex': 1, 'dx': ['I21.001', 'I10.x00']}]
    """
    started = time.perf_counter()
    _check_options(code_edition, dx_map, proc_map)
    found = find_tables(folder)
    options = _Options(
        _codings(known_dx, known_proc, separators, plus, order_column),
        {"dx": _map(dx_map, "dx"), "proc": _map(proc_map, "proc")},
        _grey(grey),
    )
    further = () if order_column is None else (order_column,)
    tables = {
        name: read_table(path, name, None if name == "settlement" else path.name.split(".")[0], further)
        for name, path in found.tables.items()
        if name != "line" or "item" not in found.tables  # the classes are the sums of the lines
    }
    if order_column is not None and order_column not in tables["diagnosis"].columns:
        place = str(found.tables["diagnosis"])
        raise InputFileError(place, f"there is no column {order_column!r} to order by", "Name a column of this table")
    whole = _begin(tables)
    _codes(whole, tables, options)
    _charges(whole, tables)
    if "care" in tables:
        parent = whole.linked("care", tables["care"])
        care = read_care(tables["care"], parent, whole.rows, whole.evidence)
        whole.columns["icu_hours"] = care.hours
        whole.tallies["care_dummies"] = care.dummies
    batch = _assembled(whole)
    issues = [*whole.work.issues, *whole.evidence.issues]
    headers = whole.table.headers | whole.headers
    issues += check_logic(batch, headers, 1, slots=whole.slots)
    if on_issues is not None:
        on_issues(issues)
    table = pa.Table.from_batches([batch])
    listed = IssueTable(language)
    listed.write(issues)
    superseded = pa.table({"row": whole.aside + 1, "counts": whole.by + 1})
    summary = _summary(whole, found, tables, code_edition, issues, options)
    summary.seconds = time.perf_counter() - started
    return SettlementPages(table, listed.table(), superseded, summary, "settlement")


def _summary(
    whole: _List,
    found: Folder,
    tables: dict[str, InputTable],
    code_edition: Literal["insurance", "clinical"],
    issues: list[BatchIssue],
    options: _Options,
) -> SettlementSummary:
    log = IssueLog()
    log.add(issues)
    unread = [path.name for name, path in found.tables.items() if name not in tables]
    return SettlementSummary(
        profile="settlement",
        code_edition=code_edition,
        rows_read=whole.rows,
        rows_written=whole.rows,
        rows_ragged=len(whole.table.ragged),
        issues=log,
        counted=whole.work.counted + whole.evidence.counted,
        signs={
            kind: edition_signs(codes, code_edition, kind=kind, code_map=options.maps[kind])
            for kind, codes in whole.given.items()
        },
        rows_of={"settlement": whole.rows, **whole.rows_of},
        orphans=whole.orphans,
        tallies=whole.tallies,
        files={name: path.name for name, path in found.tables.items() if name in tables},
        missing=tuple(n for n in ("operation", "item", "care") if n not in tables and not _stands_in(n, tables)),
        ignored=(*found.ignored, *unread),
        other=found.other,
    )


def _stands_in(name: str, tables: dict[str, InputTable]) -> bool:
    return name == "item" and "line" in tables


def _begin(tables: dict[str, InputTable]) -> _List:
    """The settlement table with its plain columns, and which rows count."""
    table = tables["settlement"]
    keys = read_keys(table)
    settled = tables.get("settled")
    settled_keys = None
    if settled is not None:
        settled_keys = read_keys(settled)
        table = beside_settled(table, keys, settled, settled_keys)
    work = work_on(table)
    work.issues += [*ragged_rows(table), *keys.issues]
    columns = read_scalars(work, table)
    aside, by = set_aside(keys.own, columns["discharge_time"])
    counts = np.ones(table.rows, bool)
    counts[aside] = False
    name = "setl_id" if "setl_id" in table.columns else "mdtrt_id"
    shown = pc.fill_null(keys.own, "")
    work.note(
        table.shown(name),
        "record_superseded",
        aside,
        shown.take(pa.array(aside)).to_pylist(),
        [f"row {k + 1}" for k in by],
    )
    nameless = np.flatnonzero(np.asarray(keys.own.is_null()))
    work.note(table.shown(name), "record_number_missing", nameless, [""] * nameless.size)
    columns["case_id"] = keys.own
    columns["visit_no"] = pa.nulls(table.rows, pa.string()) if keys.mdtrt_id is None else keys.mdtrt_id
    whole = _List(table, keys, work, columns, counts, aside, by)
    if settled is not None and settled_keys is not None:
        parent = parents_of(settled_keys, keys, counts)
        whole.rows_of["settled"], whole.orphans["settled"] = settled.rows, int(np.count_nonzero(parent < 0))
        work.issues += [*ragged_rows(settled), *orphans(settled, settled_keys, parent)]
    return whole


def _codes(whole: _List, tables: dict[str, InputTable], options: _Options) -> None:
    table = tables["diagnosis"]
    parent = whole.linked("diagnosis", table)
    # A settlement that was set aside has no diagnoses of its own, which is no fault of it.
    codes, gathered, beside, tallies = read_diagnoses(
        table, parent, whole.rows, whole.counts, options.coding["dx"], whole.evidence
    )
    whole.tallies |= tallies
    _put(whole, "dx", table, codes, gathered, beside, options)
    if "operation" in tables:
        table = tables["operation"]
        parent = whole.linked("operation", table)
        codes, gathered, beside = read_operations(table, parent, whole.rows, options.coding["proc"], whole.evidence)
        _put(whole, "proc", table, codes, gathered, beside, options)
        whole.headers["proc_date"] = table.shown("time")


def _put(
    whole: _List,
    kind: Literal["dx", "proc"],
    table: InputTable,
    codes: CleanedCodes,
    gathered: Gathered,
    beside: dict[str, pa.Array],
    options: _Options,
) -> None:
    """Map the codes and put the columns beside them where the mapped codes stand."""
    shown = dict.fromkeys(range(gathered.most() + 1), table.shown("code"))
    known = options.coding[kind].known
    for name in ("code", "name"):
        refuse_mojibake(f"{table.file}, column {table.headers.get(name)!r}", table.column(name))
    met = pc.value_counts(codes.codes.flatten()).to_pylist()
    whole.given[kind] = Counter({item["values"]: item["counts"] for item in met if item["values"]})
    mapped = apply_codes(codes, options.maps[kind], options.grey, kind, shown, 1, known=known)
    whole.work.issues += mapped.issues
    whole.columns |= {kind: mapped.codes, f"{kind}_source": mapped.source, f"{kind}_status": mapped.status}
    whole.columns |= {name: gathered.beside(mapped.slots, values) for name, values in beside.items()}
    whole.slots[kind] = mapped.slots
    whole.headers[kind] = table.shown("code")
    if kind == "proc":
        note_repeated_procedures(whole.work, mapped, whole.columns["proc_date"], shown)


def _charges(whole: _List, tables: dict[str, InputTable]) -> None:
    """Parts from the items or the lines of the bill; a missing total is their sum."""
    name = "item" if "item" in tables else "line"
    if name not in tables:
        return
    parent = whole.linked(name, tables[name])
    charges = read_charges(tables[name], parent, whole.rows, whole.evidence, line_by_line=name == "line")
    whole.columns |= charges.parts
    stated = whole.columns.get("total_charge", pa.nulls(whole.rows, pa.float64()))
    if "total_charge" in whole.table.headers:
        whole.work.issues += check_charges(stated, whole.table.headers["total_charge"], charges.parts, {}, 1)
    whole.columns["total_charge"] = pc.coalesce(stated, charges.total)
    summed = np.asarray(pc.and_(stated.is_null(), charges.total.is_valid()))
    whole.tallies |= {"refunds": charges.refunds, "totals_from_items": int(np.count_nonzero(summed))}


def _assembled(whole: _List) -> pa.RecordBatch:
    arrays = []
    for column in FRONT_PAGE_SCHEMA:
        values = whole.columns.get(column.name)
        if column.name == "source_row":
            values = pa.array(np.arange(1, whole.rows + 1), pa.int64())
        if values is None:
            values = pa.nulls(whole.rows, column.type)
        arrays.append(values if values.type == column.type else values.cast(column.type))
    return pa.RecordBatch.from_arrays(arrays, schema=FRONT_PAGE_SCHEMA)


def _codings(
    known_dx: frozenset[str] | None,
    known_proc: frozenset[str] | None,
    separators: str,
    plus: Literal["auto", "join", "separate"],
    order: str | None,
) -> dict[str, Coding]:
    dx = load_edition("icd10-yb-2.0").known if known_dx is None else known_dx
    proc = load_edition("icd9cm3-yb-2.0").known if known_proc is None else known_proc
    return {"dx": Coding(dx, separators, plus, order), "proc": Coding(proc, separators, plus, order)}


def _map(given: MapGiven, kind: Literal["dx", "proc"]) -> CodeMap | None:
    return given if given is None or isinstance(given, CodeMap) else load_code_map(given, kind=kind)


def _grey(given: GreyGiven) -> frozenset[str]:
    if given is None:
        return frozenset()
    return load_grey_codes(given) if isinstance(given, str | os.PathLike) else frozenset(given)


def _check_options(code_edition: str, dx_map: MapGiven, proc_map: MapGiven) -> None:
    check_choice("code_edition", code_edition, CODE_EDITIONS)
    if code_edition == "insurance" and (dx_map is not None or proc_map is not None):
        raise DrgEngineError(
            "argument code_edition",
            "a mapping table was given for codes of the insurance edition, which are the target of mapping",
            "Leave the mapping tables out, or state code_edition='clinical'",
        )
