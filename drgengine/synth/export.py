"""Invented discharges as a hospital would export them: a dialect of the front page, clean or with dirt planted."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from drgengine.errors import DrgEngineError, OutputFileError
from drgengine.formats.frontpage.schema import FRONT_PAGE_SCHEMA
from drgengine.synth.exportcells import HOURS, WHOLE, fill_cells, is_charge
from drgengine.synth.exportdirt import dirt_counts, plant
from drgengine.synth.exportfiles import TEXT_ENDINGS, write_table
from drgengine.synth.exportlayout import DIALECTS, HEADERS, Column, load_layout, settlement_keys
from drgengine.synth.exportsettlement import write_settlement
from drgengine.synth.exportsoil import Soil
from drgengine.synth.exportstay import Stay, make_stays
from drgengine.synth.generate import sample

PLANTED_SCHEMA = pa.schema(
    [
        ("row", pa.int64()),
        ("column", pa.string()),
        ("rule", pa.string()),
        ("raw", pa.string()),
        ("cleaned", pa.string()),
    ]
)
_SUPERSEDED_SCHEMA = pa.schema([("row", pa.int64()), ("counts_row", pa.int64())])


@dataclass(frozen=True, slots=True, eq=False)
class ExportTruth:
    """What an export holds, and what must come out of reading it.

    path : the file, or the folder of a settlement list; rows : data rows, records that came twice included
    planted : row (from 1), column (header of the file, null for a whole row), rule, raw, cleaned (null: lost or kept),
        every occurrence of a listed rule
    fillers : header -> planted cells that hold a filler in place of a value
    cases : the front page table to come out, without superseded rows, in their order; patient_id is null
    case_rows : int64[cases], the row of each case in the file
    superseded : row, counts_row
    unsure : (row, column of cases) whose value the planted dirt leaves open
    personal : the invented names, numbers and addresses, none of which may come out
    """

    path: Path
    rows: int
    planted: pa.Table
    fillers: dict[str, int]
    cases: pa.Table
    case_rows: np.ndarray
    superseded: pa.Table
    unsure: frozenset[tuple[int, str]]
    personal: frozenset[str]

    @property
    def counts(self) -> dict[str, int]:
        """Rule -> occurrences, fillers included, sorted by rule."""
        found = Counter(self.planted["rule"].to_pylist())
        found["filler"] += sum(self.fillers.values())
        return {rule: found[rule] for rule in sorted(found) if found[rule]}

    def text(self) -> str:
        """The truth for a reader, several lines."""
        lines = [f"{self.rows:,} records in {self.path}, {self.superseded.num_rows:,} of them superseded"]
        return "\n".join([*lines, *(f"  {rule:<28} {count:>9,}" for rule, count in self.counts.items())])


def export(
    cases: pa.Table | int,
    path: str | os.PathLike[str],
    *,
    dialect: str = "hqms",
    encoding: str = "utf-8",
    delimiter: str = ",",
    header: str = "code",
    shuffled: bool = False,
    seed: int = 1,
    dirt: Mapping[str, int] | float | None = None,
    personal: bool = True,
    ending: str = ".csv",
) -> ExportTruth:
    """Write discharges as a hospital's export (模拟医院导出文件) and say what reading it must give.

    cases : a clean case table, as from `sample(rows, dirty_share=0)`, or the number of rows to draw
    path : .csv, .tsv, .txt, .csv.gz, .xlsx, .parquet or .dbf; for "settlement" a folder
    dialect : hqms (811 columns), n041, n042, hn041, hqms_p, opendrg or settlement (tables of interface 4101)
    encoding, delimiter : of delimited text; "utf-8-sig" puts a byte order mark in front
    header : "code", "name" (Chinese), "both" for 中文(CODE), "both_wide" for 中文（CODE）, "upper", "lower_x"
    shuffled : put the columns in a random order
    dirt : kind of data/export_dirt.toml -> records, or a share of the records spread over all kinds; a record gets
        at most one kind
    personal : invented names, identity numbers, addresses and telephones, otherwise fillers in their place
    ending : of the files of a settlement list

    Same arguments, same bytes. A cell is typed in .xlsx, .parquet and .dbf where its text is a number or a date.
    Raises DrgEngineError for an argument out of range, OutputFileError if it cannot write.

    >>> export(100, "hqms.csv", encoding="gb18030", dirt=0.5).counts  # doctest: +SKIP
    {'age_as_fraction': 1, ...}
    """
    target = Path(path)
    _check(dialect, header, delimiter, encoding)
    rng = np.random.default_rng([seed, len(dialect)])
    table = sample(cases, seed=seed, dirty_share=0)[0] if isinstance(cases, int) else cases
    stays = make_stays(table, rng, personal=personal)
    layout = load_layout("hqms" if dialect == "settlement" else dialect)
    text_file = target.name.lower().endswith(TEXT_ENDINGS)
    daggers = not target.name.lower().endswith(".dbf")  # GBK has no †
    counts = dirt_counts(dirt, len(stays), dialect, text_file, rng, dagger_signs=daggers)
    for stay in stays:
        fill_cells(stay, layout)
    if dialect == "settlement":
        kinds_of = ["text"] * 64
        write = partial(_write_listed, encoding=encoding, delimiter=delimiter, kinds=kinds_of)
        write_settlement(target, stays, header, rng, write, ending)
        return _truth_of(target, stays, {}, settlement_keys())
    stays = plant(stays, counts, Soil(layout, rng), exactly=isinstance(dirt, Mapping))
    columns = list(layout.columns)
    if shuffled:
        columns = [columns[at] for at in rng.permutation(len(columns)).tolist()]
    headers = _headers(columns, header)
    rows = [_row(stay, columns, rng) for stay in stays]
    kinds = [_kind(column.key, layout.dates) for column in columns]
    _make_way(target)
    write_table(target, headers, rows, kinds, encoding=encoding, delimiter=delimiter)
    titles = {column.key: title for column, title in zip(columns, headers, strict=True) if column.key}
    return _truth_of(target, stays, titles, layout.keys)


def _check(dialect: str, header: str, delimiter: str, encoding: str) -> None:
    choices = {
        "dialect": (dialect, DIALECTS),
        "header": (header, HEADERS),
        "delimiter": (delimiter, (",", "\t", ";")),
        "encoding": (encoding, ("utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16")),
    }
    for name, (value, known) in choices.items():
        if value not in known:
            remedy = f"Use one of: {', '.join(map(repr, known))}"
            raise DrgEngineError(f"argument {name}", f"{value!r} is not known", remedy)


def _make_way(target: Path) -> None:
    if target.is_dir():
        raise OutputFileError(str(target), "this is a folder, a file is needed", "Name a file")


def _write_listed(
    path: Path, headers: list[str], rows: list[list[str]], *, encoding: str, delimiter: str, kinds: list[str]
) -> None:
    write_table(path, headers, rows, kinds[: len(headers)], encoding=encoding, delimiter=delimiter)


def _headers(columns: list[Column], style: str) -> list[str]:
    headers = [column.header(style) for column in columns]
    twice = [header for header, count in Counter(headers).items() if count > 1]
    if twice:
        problem = f"{len(twice)} headers would stand twice, such as {twice[0]!r}"
        raise DrgEngineError("argument header", problem, 'Use "code" or "both"')
    return headers


def _row(stay: Stay, columns: list[Column], rng: np.random.Generator) -> list[str]:
    cells = [_cell(stay, column) for column in columns]
    if not stay.ragged:
        return cells
    return cells[:-1] if rng.random() < 0.5 else [*cells, "多"]


def _cell(stay: Stay, column: Column) -> str:
    if column.key is None:
        return column.constant
    unnamed = "-" if column.key.startswith(("person.", "staff.")) and "surgeon" not in column.key else ""
    return stay.cells.get(column.key, unnamed)


def _kind(key: str | None, dates: str) -> str:
    if key is None:
        return "text"
    if key in WHOLE:
        return "whole"
    if is_charge(key) or key in HOURS:
        return "number"
    if key == "birth_date":
        return "date"
    if key in ("admission_time", "discharge_time"):
        return "time" if dates == "time" else "date"
    return "time" if key.startswith(("proc.date", "icu.in", "icu.out")) else "text"


def _truth_of(path: Path, stays: list[Stay], titles: Mapping[str, str], keys: frozenset[str]) -> ExportTruth:
    planted = [
        (row, titles.get(key), rule, raw, cleaned)
        for row, stay in enumerate(stays, 1)
        for key, rule, raw, cleaned in stay.planted
    ]
    row_of = {id(stay): row for row, stay in enumerate(stays, 1)}
    twins = [(row, row_of[id(stay.twin)]) for row, stay in enumerate(stays, 1) if stay.twin is not None]
    counting = [(row, stay) for row, stay in enumerate(stays, 1) if stay.counts]
    fields = [_field(stay.truth, keys) for _, stay in counting]
    return ExportTruth(
        path=path,
        rows=len(stays),
        planted=_table(planted, PLANTED_SCHEMA),
        fillers=dict(Counter(titles[key] for stay in stays for key in stay.fillers)),
        cases=pa.Table.from_pylist(fields, FRONT_PAGE_SCHEMA),
        case_rows=np.array([row for row, _ in counting], dtype=np.int64),
        superseded=_table(twins, _SUPERSEDED_SCHEMA),
        unsure=frozenset((row, name) for row, stay in enumerate(stays, 1) for name in stay.unsure),
        personal=frozenset(
            text for stay in stays for key, text in stay.cells.items() if key.startswith(("person.", "staff."))
        ),
    )


def _table(lines: list[Any], schema: pa.Schema) -> pa.Table:
    columns = zip(*lines, strict=True) if lines else [()] * len(schema)
    return pa.table([pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)], schema)


# Where a column of the front page table comes from, if not from a key of its own name.
_SOURCES = {
    "case_id": ("record_no",),
    "admission_date": ("admission_time",),
    "discharge_date": ("discharge_time",),
    "icu_hours": ("icu.in.1",),
    "dx": ("dx.code.0", "dx.list"),
    "dx_condition": ("dx.cond.0",),
    "proc": ("proc.code.0", "proc.list"),
    "proc_date": ("proc.date.0",),
    "proc_level": ("proc.level.0",),
    "age_days": ("age_days", "total_days"),
}
# In no column of a front page: its row, a pseudonym made at reading, and what comes of mapping codes.
_MADE_AT_READING = ("source_row", "patient_id", "dx_source", "dx_status", "proc_source", "proc_status")


def _field(truth: dict[str, Any], keys: frozenset[str]) -> dict[str, Any]:
    """A row of the front page table; what the dialect has no column for is null."""
    row = {
        name: truth[name]
        for name in FRONT_PAGE_SCHEMA.names
        if name not in _MADE_AT_READING and not keys.isdisjoint(_SOURCES.get(name, (name,)))
    }
    if "visit_no" not in keys and "case_id" in row:
        row["case_id"] = truth["record_no"]
    payment = row.get("payment")
    return row | ({"payment": payment.zfill(2)} if payment else {})
