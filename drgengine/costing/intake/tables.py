"""Reading one table of a cost model into a DataFrame with canonical columns, and everything that was wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from drgengine.cases.shown import shown_name
from drgengine.cases.vocabulary import is_personal
from drgengine.costing.bilingual import Bilingual, listed, phrase, sentences
from drgengine.costing.findings import finding, of_error
from drgengine.costing.intake.cells import clean, plain
from drgengine.costing.intake.columncells import (
    MOST_BAD_CELLS,
    BadValue,
    Positions,
    distinct_texts,
    float_codes,
    read_column,
)
from drgengine.costing.intake.rownumbers import row_numbers, shown_rows
from drgengine.costing.intake.vocabulary import CODE_KINDS, TEXT_KINDS, Column, HeaderMatch, TableWords
from drgengine.costing.model import Finding
from drgengine.errors import CostingError, DrgEngineError
from drgengine.formats import open_source

if TYPE_CHECKING:
    import pandas as pd


_MOST_NAMES = 12


@dataclass
class ReadTable:
    """A table as read.

    frame : canonical columns, one row per record; a bad cell is null
    files : (path, name as the model calls it); file, record : int64[n], where each row of the frame came from
    headers : canonical name -> header in the files
    hints : code -> name of a department as this table calls it
    """

    words: TableWords
    frame: pd.DataFrame
    files: list[tuple[Path, str]] = field(default_factory=list)
    file: Positions = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    record: Positions = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    headers: dict[str, str] = field(default_factory=dict)
    hints: dict[str, str] = field(default_factory=dict)

    def place(self, positions: Sequence[int] | Positions, column: str = "") -> Bilingual:
        """Where rows of the frame stand in the files, e.g. 'ledger.csv rows 3, 7, column 金额'."""
        at = np.asarray(positions, dtype=np.int64)
        parts = []
        for number in np.unique(self.file[at]).tolist():
            path, name = self.files[number]
            rows = row_numbers(path, np.unique(self.record[at[self.file[at] == number]])).tolist()
            parts.append(phrase("file_rows", file=name, rows=shown_rows(rows)))
        where = Bilingual("; ".join(parts[:3]), "；".join(part.zh for part in parts[:3]))
        if len(parts) > 3:
            where = phrase("more_files", files=where, rest=len(parts) - 3)
        return phrase("column", place=where, column=self.headers.get(column, column)) if column else where

    def keep(self, rows: Positions) -> None:
        """Keep (or repeat) rows by their position."""
        self.frame = self.frame.iloc[rows].reset_index(drop=True)
        self.file, self.record = self.file[rows], self.record[rows]


def read_table(
    words: TableWords, files: Sequence[tuple[Path, str]], unit: float = 1.0
) -> tuple[ReadTable, list[Finding]]:
    """Read the files of a table, one below the other.

    files : (path, name as the model calls it)
    unit : yuan per unit of amounts that are stated in `amount_unit`

    What is wrong is collected, one finding per column and bad value, at most 20 in a table.
    """
    import pandas as pd

    findings: list[Finding] = []
    parts = []
    for path, name in files:
        try:
            part = _read_file(words, path, name, unit, findings)
        except DrgEngineError as error:
            findings.append(of_error("unreadable_file", for_models(error), error.place.replace(str(path), name)))
            continue
        parts.append((part, (path, name)))
    if not parts:
        return ReadTable(words, _empty(words)), findings
    whole = ReadTable(
        words=words,
        frame=pd.concat([part.frame for part, _ in parts], ignore_index=True) if len(parts) > 1 else parts[0][0].frame,
        files=[file for _, file in parts],
        file=np.concatenate([np.full(len(part.frame), at, dtype=np.int64) for at, (part, _) in enumerate(parts)]),
        record=np.concatenate([part.record for part, _ in parts]),
        headers={name: header for part, _ in reversed(parts) for name, header in part.headers.items()},
        hints={code: name for part, _ in reversed(parts) for code, name in part.hints.items()},
    )
    return whole, findings


def for_models(error: DrgEngineError) -> DrgEngineError:
    """An error of reading as it is told of a model, whose files have no options of a command."""
    if "--encoding" not in error.remedy:
        return error
    return CostingError(error.place, error.problem, phrase("save_as_utf8"))


def match_headers(words: TableWords, names: Sequence[str], place: str) -> tuple[HeaderMatch, list[Finding]]:
    """The canonical columns behind headers, and what is wrong with them (表头)."""
    match = words.match(names)
    findings = []
    for name, first, second in match.twice:
        column = words.columns[name]
        known = listed(_headers(column)[:6])
        both = {"first": first, "second": second, "column": column.label, "known": known}
        findings.append(finding("error", "repeated_column", place, **both))
    for name in match.missing:
        column = words.columns[name]
        near = words.nearest(name, match.unknown)
        known = listed(_headers(column)[:4])
        remedy = phrase("rename_header", near=near, title=column.title) if near else phrase("add_header", known=known)
        unknown = phrase("unknown_headers", names=_shown(match.unknown)) if match.unknown else ""
        values = {"column": column.label, "unknown": unknown, "remedy": remedy}
        findings.append(finding("error", "missing_column.required", place, **values))
    unused = [name for name in match.unknown if not is_personal(name)]
    if unused and not match.missing:
        findings.append(finding("note", "unused_column", place, names=_shown(unused)))
    return match, findings


def frame_of(words: TableWords, values: dict[str, Any], rows: int) -> pd.DataFrame:
    """A DataFrame with every canonical column of a table; those not given hold their default or null."""
    import pandas as pd

    data = {}
    for column in words.columns.values():
        if not column.hint:
            data[column.name] = values.get(column.name, [None] * rows)
    return pd.DataFrame({name: _series(words.columns[name], cells) for name, cells in data.items()})


def text_series(values: Any) -> Any:
    """A Series of texts with nulls, of the text type this pandas has."""
    import pandas as pd

    return pd.Series(values, dtype="str" if int(pd.__version__.partition(".")[0]) >= 3 else "object")


def _shown(names: Sequence[str]) -> Bilingual:
    """Headers in a message, on one line and without what may be personal."""
    return listed(map(shown_name, names), _MOST_NAMES)


def _headers(column: Column) -> list[str]:
    return [column.title, column.name, *column.aliases]


def _empty(words: TableWords) -> pd.DataFrame:
    return frame_of(words, {}, 0)


def _series(column: Column, cells: Any) -> Any:
    import pandas as pd

    if column.kind in TEXT_KINDS:
        series = text_series(cells)
        return series if column.default is None else series.fillna(column.default)
    if column.kind in ("number", "share"):
        series = pd.Series(cells, dtype="float64")
        return series if column.default is None else series.fillna(column.default)
    if column.kind == "bool":
        series = pd.Series(cells, dtype="boolean")
        return series if column.default is None else series.fillna(column.default).astype(bool)
    return pd.Series(pd.to_datetime(pd.Series(cells, dtype="object"))).astype("datetime64[us]")


# ---------------------------------------------------------------- one file


def _read_file(words: TableWords, path: Path, name: str, unit: float, findings: list[Finding]) -> ReadTable:
    import pyarrow as pa

    # A column such as `name` of the weights is a group's, not a person's.
    wanted = any(is_personal(column) for column in words.columns)
    with open_source(path, keep_personal=wanted, dictionary_columns=()) as source:
        match, found = match_headers(words, source.schema.names, name)
        findings.extend(found)
        if source.dropped:
            dropped = {"n": len(source.dropped), "names": _shown(source.dropped)}
            findings.append(finding("note", "personal_column", name, **dropped))
        headers = list(match.columns.values())
        batches = [batch.select(headers) for batch in source.batches()]
        arrow = pa.Table.from_batches(batches, pa.schema([source.schema.field(header) for header in headers]))
    columns = {name: arrow.column(header) for name, header in match.columns.items()}
    return _columns_to_table(words, (path, name), columns, match, unit, findings)


def _columns_to_table(
    words: TableWords,
    file: tuple[Path, str],
    columns: dict[str, Any],
    match: HeaderMatch,
    unit: float,
    findings: list[Finding],
) -> ReadTable:
    rows = max((len(column) for column in columns.values()), default=0)
    values: dict[str, Any] = {}
    bad: list[BadValue] = []
    filled = np.zeros(rows, dtype=bool)
    for name, array in columns.items():
        column = words.columns[name]
        factor = match.factors.get(name, unit if column.in_amount_unit else 1.0)
        values[name], blank, wrong = read_column(column, array, factor)
        filled |= ~blank
        bad.extend(wrong)
        if column.required and not column.blank:
            bad.append(BadValue(name, "", *sentences("cells.blank"), np.flatnonzero(blank)))
    frame = frame_of(words, values, rows)
    table = ReadTable(
        words, frame, [file], np.zeros(rows, dtype=np.int64), np.arange(rows, dtype=np.int64), dict(match.columns)
    )
    for name, factor in match.factors.items():
        if words.columns[name].in_amount_unit and factor != unit:
            findings.append(_header_unit(file[1], match.columns[name], factor))
    findings.extend(_number_codes(table, columns))
    findings.extend(_bad_cells(table, bad, filled))
    table.hints = _hints(words, values)
    table.keep(np.flatnonzero(filled))
    return table


def _header_unit(place: str, header: str, factor: float) -> Finding:
    return finding("warning", "unit_in_header", phrase("column", place=place, column=header), factor=factor)


def _hints(words: TableWords, values: dict[str, Any]) -> dict[str, str]:
    names = next((c.name for c in words.columns.values() if c.hint and c.name in values), None)
    if names is None or "dept_code" not in values:
        return {}
    return {code: name for code, name in zip(values["dept_code"], values[names], strict=True) if code and name}


def _bad_cells(table: ReadTable, bad: list[BadValue], filled: npt.NDArray[np.bool_]) -> list[Finding]:
    found: list[Finding] = []
    cells = 0
    for value in bad:
        positions = value.positions[filled[value.positions]]
        if positions.size == 0:
            continue
        cells += positions.size
        if len(found) < MOST_BAD_CELLS:
            place = table.place(positions, value.column)
            said = {"why": value.why, "remedy": value.remedy}
            if value.text:
                found.append(finding("error", "bad_cell.text", place, text=_quoted(value.text), **said))
            else:
                found.append(finding("error", "bad_cell.blank", place, **said))
            cells -= positions.size
    if cells:
        found.append(finding("error", "bad_cell.more", listed(name for _, name in table.files), n=cells))
    return found


def _quoted(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:40] + "…")


def _number_codes(table: ReadTable, columns: dict[str, Any]) -> list[Finding]:
    """Findings for code columns that arrived as numbers, or were mended."""
    import pyarrow.types as pt

    findings = []
    for name, array in columns.items():
        column = table.words.columns[name].kind
        if column not in (*CODE_KINDS, "diagnoses"):
            continue
        place = phrase("column", place=table.files[0][1], column=table.headers[name])
        kind = array.type.value_type if pt.is_dictionary(array.type) else array.type
        if pt.is_integer(kind) or pt.is_floating(kind) or pt.is_decimal(kind):
            findings.append(finding("warning", "code_is_number.column", place, kind=str(kind)))
            continue
        _, texts = distinct_texts(array)
        floats = float_codes(texts) if column in CODE_KINDS else []
        if floats:
            first = {"raw": floats[0], "code": floats[0].partition(".")[0]}
            findings.append(finding("warning", "code_is_number.point_zero", place, n=len(floats), **first))
        mended = [text for text in texts if clean(text) and clean(text) != text]
        if mended:
            first = {"raw": mended[0], "code": plain(mended[0])}
            findings.append(finding("note", "code_mended.signs", place, n=len(mended), **first))
    return findings
