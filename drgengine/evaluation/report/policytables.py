"""Policy compliance (政策达成): every line with target, actual and status; conflicts; progress of the regional plan."""

from __future__ import annotations

from typing import Any

import pandas as pd
from markupsafe import Markup

from drgengine.evaluation.report.numbers import DASH, finite, number, share
from drgengine.evaluation.report.reading import Reading
from drgengine.evaluation.report.tables import Cell, Column, Table, words_cell

_CONFLICTS = ("contradiction", "differs", "rounding")
_KINDS = {
    "met": "good",
    "trend right": "good",
    "near": "near",
    "missed": "bad",
    "trend wrong": "bad",
    "green": "good",
    "amber": "near",
    "red": "bad",
}


def status_cell(reading: Reading, status: Any) -> Cell:
    """A status as sign, word and colour."""
    known = str(status) if isinstance(status, str) else ""
    kind = _KINDS.get(known, "none")
    sign = {"good": "●", "near": "▲", "bad": "■", "none": "○"}[kind]
    return Cell(f"{sign} {reading.words.word('status', known) if known else DASH}", sort=known, kind=f"t {kind}")


def line_tables(reading: Reading) -> list[Table]:
    """The lines A (hospital output, cost, price) and B (regional capacity), and others where there are."""
    table, words = reading.evaluation.lines, reading.words
    if not len(table):
        return []
    columns = [
        Column(str(words("policy.line")), text=True),
        Column(str(words("policy.asks")), text=True),
        Column(str(words("policy.actual"))),
        Column(str(words("policy.target"))),
        Column(str(words("policy.status")), text=True),
        Column(str(words("policy.gap"))),
        Column(str(words("policy.units")), hint=str(words("policy.units_hint"))),
    ]
    found = []
    for letter in sorted({str(line)[:1] for line in table["line"]}):
        own = [row for _, row in table[table["line"].str.startswith(letter)].iterrows()]
        rows = [_line(reading, row, above) for above, row in zip([None, *own], own, strict=False)]
        key = f"policy.lines_{letter.lower()}" if letter in "ABC" else "policy.lines_c"
        found.append(Table(columns, rows, words(key), css="policy"))
    return found


def _line(reading: Reading, row: pd.Series, above: pd.Series | None) -> list[Cell]:
    """A row; what it shares with the row above of the same line is not said again."""
    words, line = reading.words, str(row["line"])
    same = above is not None and str(above["line"]) == line
    name = _text(row, "indicator")
    unit = reading.unit(name)
    title = words.text(_text(row, "indicator_zh"), _text(row, "indicator_en")) or (name and reading.indicator(name))
    below = _said(reading, row)
    if same and above is not None and _said(reading, above) == below:
        below = []
    asked = "" if same else words.text(_text(row, "zh"), _text(row, "en"))
    parts = [Markup.escape(asked), *([Markup("<b>{}</b>").format(title)] if title else [])]
    target, value = _text(row, "target_text"), number(row.get("target"), unit)
    return [
        Cell("" if same else line, sort=line, kind="t"),
        Cell(Markup("<br>").join(part for part in parts if part), below=Markup("<br>").join(below), kind="t"),
        Cell(number(row.get("actual"), unit)),
        Cell(value if value != DASH else target or DASH, below=_word(target) if value != DASH else ""),
        status_cell(reading, row.get("status")),
        Cell(number(row.get("gap"), unit)),
        _units(reading, row),
    ]


def _said(reading: Reading, row: pd.Series) -> list[str]:
    remark = reading.words.text(_text(row, "remark_zh"), _text(row, "remark_en"))
    return [part for part in (reading.source(row), remark) if part]


def _word(text: str) -> str:
    """The word of the document beside the number; a longer text that has the number in it would repeat it."""
    return text if len(text) <= 40 else text[:39] + "…"


def _units(reading: Reading, row: pd.Series) -> Cell:
    met, missed, units = (finite(row.get(name)) for name in ("met", "missed", "units"))
    if units is None or not units:
        return Cell(DASH)
    return Cell(f"{number(met)} / {number(missed)} / {number(units)}")


def _text(row: pd.Series, name: str) -> str:
    value = row.get(name)
    return value if isinstance(value, str) else ""


def conflict_table(reading: Reading) -> tuple[Table | None, Markup]:
    """Targets that do not fit one another, and how many relations were checked."""
    table, words = reading.evaluation.consistency, reading.words
    if not len(table):
        return None, words("policy.no_consistency")
    counts = table["verdict"].value_counts()
    rest = [words("policy.verdict_count", name=words.word("verdict", str(k)), n=int(v)) for k, v in counts.items()]
    text = words("policy.consistency", n=len(table), counts=Markup(words("page.comma")).join(rest))
    rows = table[table["verdict"].isin(_CONFLICTS)]
    rows = rows.assign(_at=rows["verdict"].map(_CONFLICTS.index)).sort_values("_at", kind="stable")
    if not len(rows):
        return None, text
    names = ("verdict", "year", "indicator", "stated", "derived", "text")
    columns = [Column(str(words(f"policy.conflict_{name}")), text=name not in ("year",)) for name in names]
    body = []
    for _, row in rows.iterrows():
        year = "" if pd.isna(row["year"]) else str(int(row["year"]))
        known = str(row["verdict"])
        sign = "■" if known == "contradiction" else "▲"
        kind = "t bad" if known == "contradiction" else "t near"
        body.append(
            [
                Cell(f"{sign} {words.word('verdict', known)}", kind=kind),
                Cell(year or DASH),
                words_cell(reading.indicator(str(row["indicator"]))),
                words_cell(str(row["stated"])),
                words_cell(_derived(row["derived"])),
                Cell(str(row["text"]), below=str(row["sources"] or ""), kind="t"),
            ]
        )
    return Table(columns, body, words("policy.conflicts"), css="policy"), text


def _derived(value: Any) -> str:
    if isinstance(value, str):
        return value
    found = finite(value)
    return "" if found is None else f"{found:.4g}"


def progress_table(reading: Reading) -> Table | None:
    """Each target of the regional plan with a traffic light in words."""
    table, words = reading.evaluation.progress, reading.words
    if not len(table):
        return None
    names = ("line", "indicator", "base", "actual", "target", "progress", "expected", "light")
    columns = [Column(str(words(f"policy.plan_{name}")), text=name in ("line", "indicator", "light")) for name in names]
    rows = []
    for _, row in table.iterrows():
        name = str(row["indicator"])
        unit = reading.unit(name)
        years = [_year(row[column]) for column in ("base_year", "target_year")]
        nature = words.word("nature", str(row.get("nature", "")))
        rows.append(
            [
                words_cell(str(row["line"])),
                Cell(reading.indicator(name), below=f"{nature} · {reading.source(row)}", kind="t"),
                Cell(number(row["base"], unit), below=years[0]),
                Cell(number(row["actual"], unit)),
                Cell(number(row["target"], unit), below=years[1]),
                _bar(row["progress"]),
                Cell(share(row["expected"], 0)),
                status_cell(reading, row["colour"]),
            ]
        )
    return Table(columns, rows, words("policy.plan_caption"), css="policy", note=words("policy.plan_note"))


def _year(value: Any) -> str:
    return "" if pd.isna(value) else str(int(value))


def _bar(value: Any) -> Cell:
    found = finite(value)
    if found is None:
        return Cell(DASH)
    width = round(100 * min(max(found, 0.0), 1.0))
    bar = Markup('<span class="bar"><i style="width:{}%"></i></span>').format(width)
    return Cell(share(found, 0), below=bar, sort=found)
