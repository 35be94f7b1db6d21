"""Reading a folder of linked settlement tables as cases."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from drgengine.cases.issues import BatchIssue, IssueLog
from drgengine.errors import InputFileError
from drgengine.formats.checks import check_logic
from drgengine.formats.cleaning import CleanedCodes, check_charges
from drgengine.formats.codemaps import apply_codes, edition_signs
from drgengine.formats.frontpage.codelists import CodeOptions, note_repeated_procedures
from drgengine.formats.frontpage.masking import mask_numbers
from drgengine.formats.frontpage.options import GreyGiven, MapGiven, edition_options
from drgengine.formats.frontpage.pages import IssueTable
from drgengine.formats.frontpage.schema import FRONT_PAGE_SCHEMA
from drgengine.formats.mojibake import refuse_mojibake
from drgengine.formats.settlement.care import read_care
from drgengine.formats.settlement.charges import read_charges
from drgengine.formats.settlement.diagnoses import Coding, read_diagnoses
from drgengine.formats.settlement.joining import Gathered
from drgengine.formats.settlement.operations import read_operations
from drgengine.formats.settlement.profile import settlement_profile
from drgengine.formats.settlement.result import SettlementPages, SettlementSummary
from drgengine.formats.settlement.settlementlist import SettlementList, begin
from drgengine.formats.settlement.tables import Folder, InputTable, find_tables, read_table


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

    Tables are linked by setl_id; by mdtrt_id where a row or the settlement has none. case_id is the settlement,
    record_no the record number (medcasno), visit_no the visit (mdtrt_id). A settlement that comes twice counts once,
    and so does a visit (hospital, record and visit number) that was settled again under another number: the last by
    discharge, of equal ones by the end of settlement (setl_end_date), then by row; the amounts are not added. `table`
    has them all, `cases` every stay once. The principal diagnosis is the one flagged; with none, or with several that
    differ, it stays empty and the record cannot be grouped. The main operation is the one flagged; with none, or with
    several that differ, it is the first in order (operation_main_unclear). Ages in nwb_age are days. The 14 charge
    classes go to the parts that the profile names; refunds are netted; the total is medfee_sumamt, or the sum of the
    items. Pathology and external cause are not in a settlement list. summary.remarks tell what is lost with a missing
    or empty operation or fee table.

    Raises InputFileError: no folder, settlement or diagnosis table missing, two files for one table, no linking
    column, no such order column, a file that cannot be read; DrgEngineError: an unknown choice, or a mapping table
    for codes of the insurance edition.

    >>> import pathlib, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> _ = (folder / "setlinfo.csv").write_text("setl_id,medcasno,gend,age\\nS1,7,1,63\\n")
    >>> _ = (folder / "diseinfo.csv").write_text("setl_id,diag_code,maindiag_flag\\nS1,I10.x00,0\\nS1,I21.001,1\\n")
    >>> read_settlement(folder).table.select(["case_id", "record_no", "sex", "dx"]).to_pylist()
    [{'case_id': 'S1', 'record_no': '7', 'sex': 1, 'dx': ['I21.001', 'I10.x00']}]
    """
    started = time.perf_counter()
    options = edition_options(code_edition, dx_map, proc_map, grey, separators, plus)
    options = _knowing(options, {"dx": known_dx, "proc": known_proc})
    found = find_tables(folder)
    tables = _read(found, order_column)
    whole = begin(tables)
    _codes(whole, tables, options, order_column)
    _charges(whole, tables)
    _care(whole, tables)
    batch = _assembled(whole)
    issues = [*whole.work.issues, *whole.evidence.issues]
    issues += check_logic(batch, whole.table.headers | whole.headers, 1, slots=whole.slots)
    issues = mask_numbers(issues)
    if on_issues is not None:
        on_issues(issues)
    listed = IssueTable(language)
    listed.write(issues)
    summary = _summary(whole, found, tables, code_edition, issues, options)
    summary.remarks = _lacking(tables, language)
    summary.seconds = time.perf_counter() - started
    table = pa.Table.from_batches([batch])
    return SettlementPages(table, listed.table(), whole.standing.superseded(), summary, "settlement")


def _knowing(options: CodeOptions, stated: dict[str, frozenset[str] | None]) -> CodeOptions:
    """The options with the codes that exist as the caller states them."""
    given = {kind: codes for kind, codes in stated.items() if codes is not None}
    return replace(options, known={**options.known, **given}, targets={**options.targets, **given})


def _read(found: Folder, order_column: str | None) -> dict[str, InputTable]:
    further = () if order_column is None else (order_column,)
    tables = {
        name: read_table(path, name, None if name == "settlement" else path.name.split(".")[0], further)
        for name, path in found.tables.items()
        if name != "line" or "item" not in found.tables  # the classes are the sums of the lines
    }
    if order_column is not None and order_column not in tables["diagnosis"].columns:
        place = str(found.tables["diagnosis"])
        raise InputFileError(place, f"there is no column {order_column!r} to order by", "Name a column of this table")
    return tables


def _summary(
    whole: SettlementList,
    found: Folder,
    tables: dict[str, InputTable],
    code_edition: Literal["insurance", "clinical"],
    issues: list[BatchIssue],
    options: CodeOptions,
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


def _lacking(tables: dict[str, InputTable], language: str) -> tuple[str, ...]:
    """What no case has because a table is not there or has no rows."""
    said = []
    for name, words in settlement_profile()["lacking"].items():
        given = [table for other, table in tables.items() if other == name or _stands_in(name, {other: table})]
        if not any(table.rows for table in given):
            said.append(str(words[language]))
    return tuple(said)


def _stands_in(name: str, tables: dict[str, InputTable]) -> bool:
    return name == "item" and "line" in tables


def _codes(whole: SettlementList, tables: dict[str, InputTable], options: CodeOptions, order: str | None) -> None:
    coding = {kind: Coding(known, options.separators, options.plus, order) for kind, known in options.known.items()}
    table = tables["diagnosis"]
    parent = whole.linked("diagnosis", table)
    # A settlement that was set aside may have no diagnoses of its own, which is no fault of it.
    codes, gathered, beside, tallies = read_diagnoses(
        table, parent, whole.rows, whole.standing.counts, coding["dx"], whole.evidence
    )
    whole.tallies |= tallies
    _put(whole, "dx", table, codes, gathered, beside, options)
    if "operation" in tables:
        table = tables["operation"]
        parent = whole.linked("operation", table)
        codes, gathered, beside = read_operations(table, parent, whole.rows, coding["proc"], whole.evidence)
        _put(whole, "proc", table, codes, gathered, beside, options)
        whole.headers["proc_date"] = table.shown("time")


def _put(
    whole: SettlementList,
    kind: Literal["dx", "proc"],
    table: InputTable,
    codes: CleanedCodes,
    gathered: Gathered,
    beside: dict[str, pa.Array],
    options: CodeOptions,
) -> None:
    """Map the codes and put the columns beside them where the mapped codes stand."""
    shown = dict.fromkeys(range(gathered.most() + 1), table.shown("code"))
    for name in ("code", "name"):
        refuse_mojibake(f"{table.file}, column {table.headers.get(name)!r}", table.column(name))
    met = pc.value_counts(codes.codes.flatten()).to_pylist()
    whole.given[kind] = Counter({item["values"]: item["counts"] for item in met if item["values"]})
    mapped = apply_codes(codes, options.maps[kind], options.grey, kind, shown, 1, known=options.targets[kind])
    whole.work.issues += mapped.issues
    whole.columns |= {kind: mapped.codes, f"{kind}_source": mapped.source, f"{kind}_status": mapped.status}
    whole.columns |= {name: gathered.beside(mapped.slots, values) for name, values in beside.items()}
    whole.slots[kind] = mapped.slots
    whole.headers[kind] = table.shown("code")
    if kind == "proc":
        note_repeated_procedures(whole.work, mapped, whole.columns["proc_date"], shown)


def _charges(whole: SettlementList, tables: dict[str, InputTable]) -> None:
    """Parts from the items or the lines of the bill; a missing total is their sum."""
    name = "item" if "item" in tables else "line"
    if name not in tables:
        return
    parent = whole.linked(name, tables[name])
    charges = read_charges(tables[name], parent, whole.rows, whole.evidence)
    whole.columns |= charges.parts
    stated = whole.columns.get("total_charge", pa.nulls(whole.rows, pa.float64()))
    if "total_charge" in whole.table.headers:
        whole.work.issues += check_charges(stated, whole.table.headers["total_charge"], charges.parts, {}, 1)
    whole.columns["total_charge"] = pc.coalesce(stated, charges.total)
    summed = np.asarray(pc.and_(stated.is_null(), charges.total.is_valid()))
    whole.tallies |= {"refunds": charges.refunds, "totals_from_items": int(np.count_nonzero(summed))}


def _care(whole: SettlementList, tables: dict[str, InputTable]) -> None:
    if "care" in tables:
        care = read_care(tables["care"], whole.linked("care", tables["care"]), whole.rows, whole.evidence)
        whole.columns["icu_hours"] = care.hours
        whole.tallies["care_dummies"] = care.dummies


def _assembled(whole: SettlementList) -> pa.RecordBatch:
    arrays = []
    for column in FRONT_PAGE_SCHEMA:
        values = whole.columns.get(column.name)
        if column.name == "source_row":
            values = pa.array(np.arange(1, whole.rows + 1), pa.int64())
        if values is None:
            values = pa.nulls(whole.rows, column.type)
        arrays.append(values if values.type == column.type else values.cast(column.type))
    return pa.RecordBatch.from_arrays(arrays, schema=FRONT_PAGE_SCHEMA)
