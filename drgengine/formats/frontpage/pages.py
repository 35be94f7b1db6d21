"""Front pages read into memory."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import numpy as np
import pyarrow as pa

from drgengine.errors import DrgEngineError
from drgengine.formats.codemaps.signs import CodeEdition
from drgengine.formats.frontpage.reader import FrontPageSource, open_front_page
from drgengine.formats.frontpage.summary import ConvertSummary
from drgengine.formats.issuefile import SCHEMA as ISSUE_FILE_SCHEMA
from drgengine.formats.issuefile import IssueFile


@dataclass(frozen=True, slots=True, eq=False)
class FrontPages:
    """Cleaned cases and the evidence of their cleaning; goes wherever an Arrow table goes, as `cases`.

    table : FRONT_PAGE_SCHEMA, one row per row of the file, in its order (superseded uploads too)
    issues : row, column, raw, cleaned, rule, severity, remedy, hint
    superseded : row, counts (the row that counts instead), of stays uploaded again
    """

    table: pa.Table
    issues: pa.Table
    superseded: pa.Table
    summary: ConvertSummary
    profile: str

    @property
    def cases(self) -> pa.Table:
        """The table without superseded uploads: every stay once."""
        if not self.superseded.num_rows:
            return self.table
        kept = np.ones(self.table.num_rows, dtype=bool)
        kept[self.superseded["row"].to_numpy() - 1] = False
        return self.table.filter(pa.array(kept))

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self.cases.__arrow_c_stream__(requested_schema)


def read_front_page(
    path: str | os.PathLike[str],
    profile: str = "auto",
    *,
    code_edition: CodeEdition,
    language: str = "en",
    **options: Any,
) -> FrontPages:
    """Read an export of discharge front pages (住院病案首页) into memory, cleaned and with evidence.

    path : .csv, .tsv, .txt (also .gz), .xlsx, .xls, .dbf or .parquet, in UTF-8 or GB18030
    profile : "auto" (by the headers), hqms, n041, n042, hn041, hqms_p, opendrg, or an own profile file
    code_edition : "clinical" (国家临床版) or "insurance" (国家医保版)
    language : of the remedies in the issues
    options : dx_map, proc_map, grey, separators, plus, days_unit, salt, keep, ...; see open_front_page

    Nothing is dropped; every value that was changed, doubted or lost is in `issues`. `table` has every row of the file;
    `cases`, which group() takes when it is handed the result, has every stay once. Raises InputFileError and
    DrgEngineError as open_front_page does.

    >>> import tempfile, pathlib
    >>> file = pathlib.Path(tempfile.mkdtemp(), "export.csv")
    >>> _ = file.write_text("A48,A12C,A14,C03C,D01\\n7,男,63,i10.x00,1200.5\\n", encoding="gb18030")
    >>> pages = read_front_page(file, code_edition="clinical")
    >>> pages.table.select(["case_id", "sex", "dx"]).to_pylist()
    [{'case_id': '7', 'sex': 1, 'dx': ['I10.x00']}]
    >>> pages.issues["rule"].to_pylist()[:2]
    ['domain_word', 'code_lower_case']
    """
    if "on_issues" in options:
        raise DrgEngineError("argument on_issues", "the issues are in the result", "Use open_front_page for a callback")
    started = time.perf_counter()
    issues = IssueTable(language)
    with open_front_page(path, profile, code_edition=code_edition, on_issues=issues.write, **options) as source:
        table = pa.Table.from_batches(list(source.batches()), source.schema)
        rows, counts = source.superseded()
        summary = summarise(source)
        summary.rows_written = source.rows_read
    summary.seconds = time.perf_counter() - started
    superseded = pa.table({"row": pa.array(rows, pa.int64()), "counts": pa.array(counts, pa.int64())})
    return FrontPages(table, issues.table(), superseded, summary, source.profile.name)


def summarise(source: FrontPageSource) -> ConvertSummary:
    """What a source counted, once its last batch was read."""
    return ConvertSummary(
        profile=source.profile.name,
        code_edition=source.code_edition,
        rows_read=source.rows_read,
        rows_ragged=source.rows_ragged,
        issues=source.issue_log,
        counted=source.counted_by_column,
        signs=source.edition_signs(),
        dropped=source.dropped,
        remarks=tuple(source.remarks),
    )


class IssueTable(IssueFile):
    """An issue file that is kept in memory."""

    def __init__(self, language: str = "en") -> None:
        self._language = language
        self._batches: list[pa.RecordBatch] = []
        self._sink = _Kept(self._batches)  # type: ignore[assignment]

    def table(self) -> pa.Table:
        """All issues so far."""
        return pa.Table.from_batches(self._batches, ISSUE_FILE_SCHEMA)


class _Kept:
    def __init__(self, batches: list[pa.RecordBatch]) -> None:
        self._batches = batches

    def write(self, batch: pa.RecordBatch) -> None:
        self._batches.append(batch)

    def __enter__(self) -> _Kept:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None
