"""write_books: departments and physicians of each hospital (科室与医师分册) as small HTML files without plotly."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from drgengine.evaluation.outputs.bookfiles import file_names
from drgengine.evaluation.report.numbers import DASH, finite, number, signed, span
from drgengine.evaluation.report.page import render
from drgengine.evaluation.report.reading import Reading
from drgengine.evaluation.report.reportcontent import short_run
from drgengine.evaluation.report.tables import Cell, Column, Table, words_cell
from drgengine.evaluation.report.words import Words
from drgengine.evaluation.yearly.result import Book, Evaluation
from drgengine.formats.sink import write_whole

_BARS = ("charge_index", "cost_index", "time_index")
_WIDEST = 2.0
_OTHERS = "(others)"
_TEXTS = ("department_id", "department", "physician", "physician_id", "remark", "remark_zh")
_DECIMAL = ("previous_cmi", "cmi_change", "previous_charge_index", "charge_index_change")
_SHARES = ("mortality", "low_risk_mortality", "mid_low_risk_mortality", "high_weight_share", "grouping_rate")


@dataclass(frozen=True, slots=True)
class _Page:
    title: Markup
    lead: Markup
    how: Markup
    parts: list[tuple[Markup, Table, Markup]]


def write_books(evaluation: Evaluation, folder: str | os.PathLike[str], language: str = "zh") -> list[Path]:
    """Write one HTML file per hospital that has a book (科室与医师分册), named after its id; returns the files.

    Raises EvaluationError for a language that is not known, OutputFileError where a file cannot be written.
    """
    reading = Reading(evaluation, Words(language))
    names, place = book_files(evaluation), Path(folder)
    if place.parent.is_dir():
        place.mkdir(exist_ok=True)
    written = []
    for key, book in evaluation.books.items():
        text = render("book.html.jinja", reading.words, page=_page(reading, book))
        written.append(write_whole(place / names[key], text))
    return written


def book_files(evaluation: Evaluation) -> dict[Any, str]:
    """Hospital -> name of its file, the same as of its workbook but for the ending."""
    return {key: f"{stem}.html" for key, stem in file_names(evaluation.books).items()}


def _page(reading: Reading, book: Book) -> _Page:
    words, plan = reading.words, reading.evaluation.plan
    period = plan.periods[plan.current]
    span = f"{period.start.isoformat()} – {period.end.isoformat()}"
    name = reading.names.get(book.hospital_id, str(book.hospital_id))
    how = "book.how" if plan.privacy.mask_physicians else "book.how_open"
    parts = []
    for part, table in (("departments", book.departments), ("physicians", book.physicians)):
        hidden = int(book.suppressed.get(part, 0))
        text = words("book.suppressed", n=hidden) if hidden else words("book.none_suppressed")
        parts.append((words(f"book.{part}"), _table(reading, table), text))
    return _Page(
        title=words("book.title", name=name),
        lead=words(
            "book.lead", title=plan.title_in(words.language), period=span, run=short_run(reading.evaluation.run_id)
        ),
        how=words(how, n=plan.privacy.smallest_cell),
        parts=parts,
    )


def _table(reading: Reading, table: pd.DataFrame) -> Table:
    """All columns, a value beside that of its peers; intervals stand below their value, indices have a bar."""
    shown = table.reset_index() if table.index.name else table
    names = _order([str(name) for name in shown.columns], reading.words.language)
    texts = [name in _TEXTS or not pd.api.types.is_numeric_dtype(shown[name]) for name in names]
    columns = [Column(_title(reading, name), text=text) for name, text in zip(names, texts, strict=True)]
    rows = [
        [_cell(reading, name, text, row) for name, text in zip(names, texts, strict=True)]
        for row in shown.to_dict("records")
    ]
    return Table(columns, rows, css="dense", sortable=True)


def _order(names: list[str], language: str) -> list[str]:
    """The columns that are shown: peers after their value, no ends of intervals, the remark in the language."""
    remark = "remark_zh" if language == "zh" and "remark_zh" in names else "remark"
    hidden = {"below_minimum", *({"remark", "remark_zh"} - {remark})}
    hidden |= {name for name in names if name.endswith(("_low", "_high")) and name.rpartition("_")[0] in names}
    hidden |= {f"peer_{name}" for name in names if f"peer_{name}" in names}
    found: list[str] = []
    for name in names:
        if name not in hidden:
            found += [name, *([f"peer_{name}"] if f"peer_{name}" in names else [])]
    return found


def _title(reading: Reading, name: str) -> str:
    if name.startswith("peer_"):
        return str(reading.words("book.peer", name=_title(reading, name.removeprefix("peer_"))))
    known = reading.words.word("book", name)
    return known if known != name else reading.indicator(name)


def _cell(reading: Reading, name: str, text: bool, row: dict[Any, Any]) -> Cell:
    value = row[name]
    if text:
        return words_cell(reading.words("book.others") if value == _OTHERS else value)
    own = name.removeprefix("peer_")
    unit = reading.unit(own)
    if own in _SHARES and finite(value) is not None:
        # The books hold what casemix() gives: shares of 0 to 1.
        value, unit = 100.0 * float(value), "%"
    if own in _DECIMAL:
        return Cell(signed(value, 3) if own.endswith("_change") else number(value, "index"), sort=finite(value))
    below = Markup("")
    if f"{name}_low" in row:
        ends = span(row[f"{name}_low"], row[f"{name}_high"], 2)
        below = Markup("[{}]").format(ends) if ends != DASH else below
    shown = number(value, unit)
    if name in _BARS and shown != DASH:
        below += _bar(value, row.get(f"peer_{name}"))
    return Cell(shown, sort=finite(value), below=below)


def _bar(value: Any, peers: Any) -> Markup:
    """A bar of an index from 0 to 2 with lines at 1 and at the value of the peers."""
    width = round(100.0 * min(max(float(value), 0.0), _WIDEST) / _WIDEST)
    other = finite(peers)
    mark = Markup("")
    if other is not None:
        place = round(100.0 * min(max(other, 0.0), _WIDEST) / _WIDEST)
        mark = Markup('<em style="left:{}%"></em>').format(place)
    return Markup('<span class="bar index"><i style="width:{}%"></i>{}</span>').format(width, mark)
