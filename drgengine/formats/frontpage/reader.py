"""Reading a front page export as a stream of cleaned batches."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from drgengine.cases.columns import drop_personal
from drgengine.cases.issues import BatchIssue, IssueLog
from drgengine.cases.shown import shown_name
from drgengine.errors import DrgEngineError, InputFileError
from drgengine.formats.cleaning.codecell import Plus
from drgengine.formats.cleaning.codeshape import Kind
from drgengine.formats.codemaps import EditionSigns, edition_signs
from drgengine.formats.codemaps.signs import CodeEdition
from drgengine.formats.frontpage.assemble import Assembled, Assembler
from drgengine.formats.frontpage.identity import StayKeys
from drgengine.formats.frontpage.masking import mask_numbers
from drgengine.formats.frontpage.norecords import RecordFilter
from drgengine.formats.frontpage.options import (
    GreyGiven,
    MapGiven,
    check_choice,
    code_options,
    days_unit_of,
    kept_columns,
    pseudonym_key,
)
from drgengine.formats.frontpage.schema import FRONT_PAGE_SCHEMA
from drgengine.formats.mojibake import refuse_mojibake
from drgengine.formats.profiles import DaysUnit, Found, Profile, choose_profile
from drgengine.formats.profiles.leftout import column_remarks, is_private
from drgengine.formats.source import FileSource, open_source

BATCH_ROWS = 16_384
"""Rows cleaned at a time: an export has hundreds of columns."""

_MOST_DISTINCT_CODES = 200_000
_NAMED = ("dx.code", "dx.name", "proc.code", "proc.name")
OnIssues = Callable[[list[BatchIssue]], None]


def open_front_page(
    path: str | os.PathLike[str],
    profile: str = "auto",
    *,
    code_edition: CodeEdition,
    drop_pii: bool = True,
    dx_map: MapGiven = None,
    proc_map: MapGiven = None,
    grey: GreyGiven = None,
    separators: str = "auto",
    plus: Plus = "auto",
    days_unit: DaysUnit | None = None,
    salt: str | bytes | None = None,
    batch_rows: int = BATCH_ROWS,
    encoding: str = "auto",
    keep: Sequence[str] = (),
    on_issues: OnIssues | None = None,
    first_row: int = 1,
) -> FrontPageSource:
    """Open an export of discharge front pages (住院病案首页) of any dialect, to be read in cleaned batches.

    path : .csv, .tsv, .txt (also .gz), .xlsx, .xls, .dbf or .parquet
    profile : "auto" (by the headers, never by position), hqms, n041, n042, hn041, hqms_p, opendrg, or the path of an
        own profile file
    code_edition : edition the codes are in: "clinical" (国家临床版) or "insurance" (国家医保版); nothing is guessed
    drop_pii : names, identity numbers, addresses and phones are never read; False only lets `keep` name such columns
    dx_map, proc_map : mapping tables clinical -> insurance edition (two-column CSV or XLSX, or a loaded CodeMap)
    grey : grey codes (灰码): a file or a set
    separators, plus : of several codes in one cell, see formats.cleaning.clean_codes
    days_unit : "days", "months" or "unknown" of the age below one year; default that of the profile
    salt : patient_id becomes a keyed hash of the identity number; without it patient_id is null
    batch_rows : most rows per batch; values and issues do not depend on it
    keep : further columns of the input to pass through
    on_issues : called with the issues of each batch before the batch is handed out, and once after the last batch
        with the superseded records
    first_row : number of the first row, when the file is one part of several

    Memory grows by 32 bytes a row (keys of repeated uploads) and not otherwise. Raises InputFileError (file, headers,
    mapping tables), DrgEngineError (arguments); never for a value.
    """
    if batch_rows < 1:
        raise DrgEngineError("argument batch_rows", f"{batch_rows} is too small", "Give a whole number from 1")
    check_choice("code_edition", code_edition, ("clinical", "insurance"))
    key = pseudonym_key(salt)
    chosen: list[tuple[Profile, Found, tuple[str, ...], tuple[str, ...]]] = []
    told: list[str] = []
    first = ""

    def needed(headers: list[str]) -> list[str]:
        nonlocal first
        read_by, found = choose_profile(headers, profile, str(path))
        kept = kept_columns(Path(path), headers, keep, drop_pii)
        if drop_pii:
            _refuse_private(str(path), kept, read_by)
        told.extend(column_remarks([name for name in headers if name not in kept], read_by, found))
        wanted = {*found.headers, *kept}
        if key is None:
            wanted.discard(found.scalars.get("id_number", ""))
        personal = drop_personal(pa.schema([(name, pa.string()) for name in headers]))
        # A total stands in the first column, which nothing else may be read from.
        hidden = headers[0] in personal or is_private(headers[0], read_by) or headers.count(headers[0]) > 1
        first = "" if hidden else headers[0]
        wanted.add(first)
        chosen.append((read_by, found, kept, tuple(name for name in personal if name not in kept)))
        return [name for name in headers if name in wanted]

    source = open_source(
        path, batch_rows=batch_rows, encoding=encoding, keep_personal=True, columns=needed, ragged="keep", header="auto"
    )
    try:
        read_by, found, kept, dropped = chosen[0]
        if key is None:
            found.scalars.pop("id_number", None)
        codes = code_options(read_by, code_edition, dx_map, proc_map, grey, separators, plus)
        assembler = Assembler(read_by, found, codes, days_unit_of(read_by, days_unit), key, kept)
    except BaseException:
        source.close()
        raise
    records = RecordFilter(read_by, found, first)
    return FrontPageSource(
        source, assembler, records, tuple(told), code_edition, dropped, batch_rows, on_issues, first_row
    )


def _refuse_private(path: str, kept: Sequence[str], profile: Profile) -> None:
    for name in kept:
        if is_private(name, profile):
            raise InputFileError(
                path,
                f"the column {shown_name(name)!r} holds personal data (个人信息) that is only read to work out age "
                "and pseudonym",
                "Do not keep it; in Python drop_pii=False lets it through, where you may",
            )


class FrontPageSource:
    """An open export; see formats.source.Source. Its batches can be read once.

    profile, code_edition : what it is read by
    found : the columns found
    counted : rule -> cells, of rules that are only counted; counted_by_column : (column, rule) -> cells
    issue_log : counts and first examples by column and rule
    rows_read : so far
    """

    def __init__(
        self,
        source: FileSource,
        assembler: Assembler,
        records: RecordFilter,
        told: tuple[str, ...],
        code_edition: CodeEdition,
        dropped: tuple[str, ...],
        batch_rows: int,
        on_issues: OnIssues | None,
        first_row: int,
    ) -> None:
        self._source, self._assembler, self._on_issues = source, assembler, on_issues
        self._records, self._told = records, told
        self._batch_rows, self._first_row = batch_rows, first_row
        self._stays = StayKeys()
        self._codes: dict[Kind, Counter[str]] = {"dx": Counter(), "proc": Counter()}
        self.path = source.path
        self.profile, self.found = assembler.profile, assembler.found
        self.code_edition, self.dropped = code_edition, dropped
        kept = [source.schema.field(name) for name in assembler.kept]
        self.schema = pa.schema([*FRONT_PAGE_SCHEMA, *kept])
        self.output_schema = self.schema
        self.num_rows = source.num_rows
        self.issue_log = IssueLog()
        self.counted_by_column: Counter[tuple[str, str]] = Counter()
        self.rows_read = 0
        self.rows_ragged = 0

    @property
    def counted(self) -> dict[str, int]:
        """rule -> cells of rules that are counted and not listed row by row."""
        total: Counter[str] = Counter()
        for (_, rule), count in self.counted_by_column.items():
            total[rule] += count
        return dict(sorted(total.items()))

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is to be known of the file and its columns, one line each; complete after the last batch."""
        return (*self._source.remarks, *self._told)

    @property
    def columns(self) -> dict[str, str]:
        """Canonical column -> header of the file."""
        return dict(self.found.scalars)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Cleaned batches in file order."""
        for raw in self._source.batches():
            for start in range(0, raw.num_rows, self._batch_rows):
                yield self._next(raw.slice(start, self._batch_rows))
        rows, by = self.superseded()
        if rows.size:
            hints = [f"row {row}" for row in by.tolist()]
            header = self.found.scalars.get("record_no", "record_no")
            self._tell([BatchIssue(header, "record_superseded", rows, [""] * rows.size, None, hints)])

    def superseded(self) -> tuple[np.ndarray, np.ndarray]:
        """After the last batch: rows of stays that were uploaded again, ascending, and for each the row that counts."""
        return self._stays.superseded()

    def edition_signs(self) -> dict[str, EditionSigns]:
        """After the last batch, of "dx" and "proc": whether the codes look like those of the other edition."""
        maps = self._assembler.codes.maps
        return {
            kind: edition_signs(counts, self.code_edition, kind=kind, code_map=maps[kind])
            for kind, counts in self._codes.items()
        }

    def _next(self, raw: pa.RecordBatch) -> pa.RecordBatch:
        first_row = self._first_row + self.rows_read
        self._refuse_misread(raw)
        raw, no_records = self._records.clean(raw, first_row)
        done = self._assembler.assemble(raw, first_row)
        self.rows_read += raw.num_rows
        self.counted_by_column.update(done.counted)
        self._count_codes(done)
        self._stays.add(done.batch, first_row)
        self._tell([*self._ragged(first_row), *no_records, *done.issues])
        return done.batch

    def _refuse_misread(self, raw: pa.RecordBatch) -> None:
        for key in _NAMED:
            for header in self.found.slots.get(key, {}).values():
                refuse_mojibake(f"{self.path}, column {header!r}", raw.column(header))

    def _ragged(self, first_row: int) -> list[BatchIssue]:
        """Rows of this batch that did not fit the header."""
        last = self.rows_read
        here = [(row, cells) for row, cells in self._source.ragged[self.rows_ragged :] if row <= last]
        self.rows_ragged += len(here)
        if not here:
            return []
        rows = np.array([row for row, _ in here], np.int64) + (self._first_row - 1)
        return [BatchIssue("", "row_ragged", rows, [f"{cells} cells" for _, cells in here])]

    def _count_codes(self, done: Assembled) -> None:
        for kind, lists in done.given.items():
            counts = self._codes[kind]
            if len(counts) < _MOST_DISTINCT_CODES:
                for item in pc.value_counts(lists.flatten()).to_pylist():
                    if item["values"]:
                        counts[item["values"]] += item["counts"]

    def _tell(self, issues: list[BatchIssue]) -> None:
        issues = mask_numbers(issues)
        self.issue_log.add(issues)
        if self._on_issues is not None and issues:
            self._on_issues(issues)

    def close(self) -> None:
        """Close the file."""
        self._source.close()

    def __enter__(self) -> FrontPageSource:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
