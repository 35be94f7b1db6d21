"""One workbook per hospital (科室与医师分册), and file names that every system takes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from drgengine.evaluation.outputs.columnwords import sentence
from drgengine.evaluation.outputs.sheetbook import Sheet, write_book
from drgengine.evaluation.outputs.shownframe import Naming, shown_columns
from drgengine.evaluation.plan.settings import Language
from drgengine.evaluation.yearly.result import Book, Evaluation

_LONGEST = 72
"""Bytes of UTF-8; with a number behind it and ".html.12345.part" a name stays far from the 255 that systems take."""
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])( *\..*)?", re.IGNORECASE)


def file_names(codes: Iterable[str]) -> dict[str, str]:
    """Code of a hospital -> file name without ending, none twice, also where upper and lower case are one; at most 80
    bytes of UTF-8. HTML and XLSX of a hospital share it.

    >>> file_names(["H/1", "H\\\\1", "../x", "con", "市一医院", "A", "a"])
    {'H/1': 'H_1', 'H\\\\1': 'H_1-2', '../x': '_x', 'con': '_con', '市一医院': '市一医院', 'A': 'A', 'a': 'a-2'}
    """
    found: dict[str, str] = {}
    used: set[str] = set()
    for code in codes:
        text = unicodedata.normalize("NFC", str(code))
        base = re.sub(r"[^\w\-. ]", "_", text).strip(". ")
        base = base.encode()[:_LONGEST].decode("utf-8", "ignore").strip(". ") or "hospital"
        if _RESERVED.fullmatch(base):
            base = f"_{base}"
        name, number = base, 1
        while name.casefold() in used:
            number += 1
            name = f"{base}-{number}"
        used.add(name.casefold())
        found[code] = name
    return found


def write_book_files(evaluation: Evaluation, folder: Path, naming: Naming, language: Language) -> dict[str, str]:
    """books/HOSPITAL.xlsx; hospital -> path below the result folder."""
    if not evaluation.books:
        return {}
    place = folder / "books"
    place.mkdir(exist_ok=True)
    names = file_names(evaluation.books)
    for code, book in evaluation.books.items():
        _write(evaluation, book, place / f"{names[code]}.xlsx", naming, language)
    return {code: f"books/{name}.xlsx" for code, name in names.items()}


def _write(evaluation: Evaluation, book: Book, path: Path, naming: Naming, language: Language) -> None:
    name = _name(evaluation, book.hospital_id, language)
    end = evaluation.plan.periods[evaluation.plan.current].end
    smallest = evaluation.plan.privacy.smallest_cell
    counts = {"departments": 0, "physicians": 0, **book.suppressed}
    common = (
        sentence("suppressed", language, **counts),
        sentence("small", language, smallest=smallest),
    )
    sheets = []
    for kind, table in (("departments", book.departments), ("physicians", book.physicians)):
        if not len(table.columns):
            continue
        key = "department_id" if kind == "departments" else "physician"
        said = (*common, sentence("peers" if kind == "departments" else "masked", language))
        flat = table.rename_axis(key).reset_index()
        title = sentence(kind, language)
        shown = shown_columns("departments", flat, naming, language)
        sheets.append(Sheet(title, f"{name}  {title}", said, shown, kind))
    write_book(path, sheets, title=name, created=end, language=language, rows=1_000_000)


def _name(evaluation: Evaluation, code: str, language: Language) -> str:
    """Name and code of a hospital."""
    row = evaluation.hospitals.loc[code] if code in evaluation.hospitals.index else {}
    english = str(row.get("name_en", "") or "") if language == "en" else ""
    name = english if english and english != "nan" else str(row.get("name", "") or "")
    return f"{name} {code}".strip()
