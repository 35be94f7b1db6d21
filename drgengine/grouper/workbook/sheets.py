"""The six sheets of the authority's workbook: found by name, columns by header, cells cleaned, repairs told."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from drgengine.errors import SchemeError
from drgengine.grouper.workbook.bookfile import Cell, RawSheet, check_workbook, find_workbook, read_cells
from drgengine.grouper.workbook.cells import clean, clean_key, header_key, whole_number
from drgengine.grouper.workbook.findings import Findings, some
from drgengine.grouper.workbook.headerrow import Header, column_letters, find_header, missing_sheets, shown
from drgengine.grouper.workbook.rows import FIELDS, SHEETS, Remark, Sheet, SheetRow, Workbook, at_cell, at_sheet
from drgengine.grouper.workbook.sentences import said

__all__ = ["clean", "read_workbook"]

_RULE_SHEETS = ("MDC", "ADRG", "DRG")
_TEXT_FIELDS = ("name", "rule")
_SHOWN_CELLS = 10
_CELLS_OF_A_REPAIR = 6
_WORDS = {"number": "a number", "boolean": "a truth value", "date": "a date", "error": "an Excel error"}


def read_workbook(path: str | Path) -> Workbook:
    """The sheets MDC, ADRG, DRG, 集合, CC and 排除表 of an official configuration workbook (.xlsx).

    path : the file, or a folder with exactly one .xlsx
    returns texts only: codes, rules and names cleaned (see `clean`); names of sets and tables, types and the codes of
    MDC, ADRG and DRG in plain capitals; whole numbers in `order` without .0; remarks tell every repair

    Raises InputFileError for what is no readable workbook (or without python-calamine), SchemeError for missing sheets,
    for headers that are missing or stand twice, and for cells with codes that hold numbers, dates or Excel errors.
    """
    book = find_workbook(path)
    check_workbook(book)
    with book.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    written: dict[str, str] = {}

    def choose(names: list[str]) -> list[str]:
        written.update(_sheet_names(str(book), names))
        return list(written.values())

    raw = read_cells(book, choose)
    findings = Findings(str(book))
    headers = {name: find_header(name, raw[written[name]], findings) for name in SHEETS}
    findings.stop()
    reader = _Reader()
    sheets = {}
    for name, header in headers.items():
        assert header is not None
        if written[name] != name:
            text = said("sheet_name", written=repr(shown(written[name])), sheet=name)
            reader.remarks.append(Remark("repair", "sheet_name", at_sheet(name), text))
        sheets[name] = reader.sheet(name, raw.pop(written[name]), header)
    reader.stop(str(book))
    return Workbook(str(book), sha256, sheets, tuple(reader.remarks))


def _sheet_names(path: str, names: list[str]) -> dict[str, str]:
    """Sheet -> name as it is written in the file."""
    found: dict[str, str] = {}
    keys = {header_key(name): name for name in SHEETS}
    for written in names:
        name = keys.get(header_key(written))
        if name in found:
            problem = f"two sheets are {name}: {found[name]!r} and {written!r}"
            raise SchemeError(path, problem, "Keep the one that is meant, or give the other another name")
        if name is not None:
            found[name] = written
    missing = [name for name in SHEETS if name not in found]
    if missing:
        raise missing_sheets(path, missing, names)
    return {name: found[name] for name in SHEETS}


@dataclass
class _Reader:
    """Rows of one sheet after the other, with what is told about them.

    wrong : (sheet, address, kind, text) of cells that should be texts; repairs : kind -> addresses, of one sheet
    """

    remarks: list[Remark] = field(default_factory=list)
    wrong: list[tuple[str, str, str, str]] = field(default_factory=list)
    repairs: dict[str, list[str]] = field(default_factory=dict)

    def sheet(self, name: str, raw: RawSheet, header: Header) -> Sheet:
        """One sheet; its repairs are told."""
        self.repairs = {}
        start = bisect_right(raw.numbers, header.row)
        numbers = raw.numbers[start:]
        letters = {of: column_letters(place) for of, place in header.columns.items()}
        columns = [
            self.column(name, of, numbers, raw.columns[header.columns[of] - raw.left][start:], letters[of])
            if of in letters
            else [""] * len(numbers)
            for of in FIELDS[name]
        ]
        rows = tuple(
            SheetRow(number, dict(zip(FIELDS[name], texts, strict=True)))
            for number, texts in zip(numbers, zip(*columns, strict=True), strict=True)
            if any(texts)
        )
        self.tell(name)
        for column, headline in header.unknown:
            at = at_cell(name, f"{column_letters(column)}{header.row}")
            text = said("unknown_column", column=repr(shown(headline)))
            self.remarks.append(Remark("note", "unknown_column", at, text))
        return Sheet(name, header.row, letters, rows)

    def column(self, name: str, of: str, numbers: list[int], cells: list[Cell], letter: str) -> list[str]:
        """The cleaned texts of one column below the header; a text that stands there often is cleaned once."""
        texts = [
            cell if isinstance(cell, str) else self.typed(name, of, f"{letter}{number}", cell)
            for number, cell in zip(numbers, cells, strict=True)
        ]
        cleaner = _cleaner(name, of)
        cleaned = {text: cleaner(text) for text in set(texts)}
        if any(kinds for _, kinds in cleaned.values()):
            for number, text in zip(numbers, texts, strict=True):
                for kind in cleaned[text][1]:
                    self.repairs.setdefault(kind, []).append(f"{letter}{number}")
        return [cleaned[text][0] for text in texts]

    def typed(self, name: str, of: str, address: str, cell: list[str]) -> str:
        """The text of a cell that is no text in the file, "" where none can be had."""
        kind, text = cell
        if of == "order" or (of == "name" and kind != "error") or (of == "rule" and kind == "number"):
            return text
        if of == "name":
            self.repairs.setdefault("error_in_name", []).append(address)
        else:
            self.wrong.append((name, address, kind, text))
        return ""

    def tell(self, name: str) -> None:
        """Remarks on the repairs of one sheet, one of each kind."""
        for kind, cells in self.repairs.items():
            place, text = at_cell(name, cells[0]), said(kind)
            if len(cells) > 1:
                place = at_sheet(name)
                text = said("in_cells", repair=text, n=len(cells), cells=some(cells, _CELLS_OF_A_REPAIR))
            self.remarks.append(Remark("repair", kind, place, text))

    def stop(self, path: str) -> None:
        """SchemeError for all cells that should hold texts and do not."""
        if not self.wrong:
            return
        cells = [
            f"sheet {name}, cell {address}: {shown(text)} ({_WORDS[kind]})" for name, address, kind, text in self.wrong
        ]
        kinds = {kind for *_, kind, _ in self.wrong}
        why, remedies = [], []
        if kinds - {"error"}:
            why.append(
                "Excel drops the zeros at the end of a number (17.4100 becomes 17.41) and turns codes into dates"
            )
            remedies.append("Format these columns as text and write the codes again")
        if "error" in kinds:
            why.append("what a formula should have given there is not known")
            remedies.append("Replace the formulas by their values")
        more = f"; and {len(cells) - _SHOWN_CELLS:,} more" if len(cells) > _SHOWN_CELLS else ""
        count = "1 cell holds" if len(cells) == 1 else f"{len(cells):,} cells hold"
        problem = f"{count} no text where a code or a rule must stand: {'; '.join(cells[:_SHOWN_CELLS])}{more}; "
        place = f"{path}, sheet {self.wrong[0][0]}, cell {self.wrong[0][1]}" if len(cells) == 1 else path
        raise SchemeError(place, problem + "; ".join(why), "; ".join(remedies) + ", or download the file again")


def _cleaner(name: str, of: str) -> Callable[[str], tuple[str, list[str]]]:
    if of in _TEXT_FIELDS:
        return clean
    if of == "order":
        return _clean_order
    return partial(clean_key, capitals=of != "code" or name in _RULE_SHEETS)


def _clean_order(text: str) -> tuple[str, list[str]]:
    cleaned, kinds = clean_key(text, capitals=False)
    return whole_number(cleaned), kinds
