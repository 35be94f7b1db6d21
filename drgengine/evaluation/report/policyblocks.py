"""Policy lines as blocks (政策条目): what a line asks, a row per target, the rest in a list, remarks as marks."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from markupsafe import Markup

from drgengine.evaluation.compliance.wording import said
from drgengine.evaluation.report.numbers import DASH, finite, number, signed
from drgengine.evaluation.report.policytables import status_cell
from drgengine.evaluation.report.reading import Reading
from drgengine.evaluation.report.tables import Cell, Column
from drgengine.evaluation.report.targetwords import target_in_words

_COUNTED = (
    "met",
    "trend right",
    "near",
    "missed",
    "trend wrong",
    "behind",
    "no data",
    "evidence",
    "no target",
    "engine",
)
_WITHOUT = ("no target", "evidence", "engine", "out of scope")
_ANY = "\0"
# Said once above the tables, or shown in the table of the plan's progress.
_SAID_ONCE = ("median", "of_region", "no_target", "without", "progress", "needs_evidence", "expected_nature")
_COLOURS = ("green", "amber", "red")


@dataclass(frozen=True, slots=True)
class LineBlock:
    """A line. rows : one per target   rest : indicators without a target   status : of a line without any indicator"""

    line: str
    asks: str
    sources: str
    rows: list[list[Cell]]
    rest: list[Markup]
    status: Cell | None


@dataclass(frozen=True, slots=True)
class LineTable:
    """The lines of one letter. notes : remarks in the order of their marks"""

    title: Markup
    columns: list[Column]
    blocks: list[LineBlock]
    notes: list[str]


@dataclass(slots=True)
class _Marks:
    """Remarks, each with a number, in the order in which they come."""

    texts: list[str] = field(default_factory=list)

    def of(self, text: str) -> Markup:
        if not text:
            return Markup("")
        if text not in self.texts:
            self.texts.append(text)
        return Markup("<sup>{}</sup>").format(self.texts.index(text) + 1)


def status_counts(reading: Reading) -> list[tuple[Cell, int]]:
    """Status and how many rows have it, the judged ones first."""
    table = reading.evaluation.lines
    if not len(table):
        return []
    counts = table["status"].value_counts()
    names = [*(name for name in _COUNTED if name in counts.index), *sorted(set(counts.index) - set(_COUNTED))]
    return [(status_cell(reading, name), int(counts[name])) for name in names]


def line_tables(reading: Reading) -> list[LineTable]:
    """The lines A (hospital output, cost, price) and B (regional capacity), and others where there are."""
    table, words = reading.evaluation.lines, reading.words
    if not len(table):
        return []
    names = ("indicator", "actual", "target", "status", "gap", "units")
    columns = [
        Column(str(words(f"policy.{name}")), name in ("indicator", "target", "status"), _hint(reading, name))
        for name in names
    ]
    found = []
    for letter in sorted({str(line)[:1] for line in table["line"]}):
        marks = _Marks()
        own = table[table["line"].str.startswith(letter)]
        blocks = [_block(reading, str(line), rows, marks) for line, rows in own.groupby("line", sort=False)]
        key = f"policy.lines_{letter.lower()}" if letter in "ABC" else "policy.lines_c"
        found.append(LineTable(words(key), columns, blocks, marks.texts))
    return found


def _hint(reading: Reading, name: str) -> str:
    return str(reading.words("policy.units_hint")) if name == "units" else ""


def _block(reading: Reading, line: str, rows: pd.DataFrame, marks: _Marks) -> LineBlock:
    words, first = reading.words, rows.iloc[0]
    named = [row for _, row in rows.iterrows() if _text(row, "indicator")]
    judged = [row for row in named if _is_judged(row)]
    listed = [row for row in named if not _is_judged(row)]
    sources = _parts([reading.source(row) for row in (judged or listed)])
    lettered = len({reading.source(row) for row in judged}) > 1
    shown = [reading.source(row) for row in judged] if lettered else []
    letters = {source: chr(97 + at) for at, source in enumerate(dict.fromkeys(shown))}
    if lettered:
        sources = [f"{letter} {source}" for source, letter in letters.items()]
    status = None
    rest = _rest(reading, listed, marks)
    if not judged and not listed:
        status = status_cell(reading, first["status"])
        remark = words.text(_text(first, "remark_zh"), _text(first, "remark_en"))
        rest = [Markup.escape(remark)] if remark else []
    body = [_row(reading, row, marks, letters) for row in judged]
    asks = words.text(_text(first, "zh"), _text(first, "en"))
    comma = "；" if words.language == "zh" else "; "
    return LineBlock(line, asks, comma.join(sources), body, rest, status)


def _is_judged(row: pd.Series) -> bool:
    """Whether a row has a target, be it without the data to judge it by."""
    if row["status"] == "no data":
        return bool(_text(row, "target_text"))
    return row["status"] not in _WITHOUT


def _parts(sources: list[str]) -> list[str]:
    """Documents of several sources, each once."""
    return list(dict.fromkeys(part for source in sources for part in re.split("；|; ", source) if part))


def _row(reading: Reading, row: pd.Series, marks: _Marks, letters: dict[str, str]) -> list[Cell]:
    unit = reading.unit(_text(row, "indicator"))
    letter = letters.get(reading.source(row), "")
    title = Markup.escape(_title(reading, row)) + marks.of(_remark(reading, row))
    if letter:
        title += Markup(" <small>({})</small>").format(letter)
    decimals = 2 if abs(finite(row.get("gap")) or 0.0) < 1 else 1
    gap = signed(row.get("gap"), decimals)
    return [
        Cell(title, kind="t"),
        Cell(number(row.get("actual"), unit)),
        Cell(target_in_words(reading, row) or DASH, kind="t"),
        status_cell(reading, row.get("status")),
        Cell(reading.words("policy.gap_points", gap=gap) if unit == "%" and gap != DASH else gap),
        _units(reading, row),
    ]


def _title(reading: Reading, row: pd.Series) -> str:
    name = _text(row, "indicator")
    title = reading.words.text(_text(row, "indicator_zh"), _text(row, "indicator_en")) or reading.indicator(name)
    unit = reading.unit(name)
    return title if unit in ("%", "", "index", "yes/no") else f"{title} ({reading.unit_word(name)})"


def _rest(reading: Reading, rows: list[pd.Series], marks: _Marks) -> list[Markup]:
    """What is followed without a target, and what has no value, each in one sentence."""
    words, comma = reading.words, Markup(reading.words("page.semicolon"))
    groups: dict[str, list[Markup]] = {"followed": [], "lacking": [], "needed": []}
    for row in rows:
        known = finite(row.get("actual")) is not None
        kind = "followed" if known else "needed" if row["status"] == "evidence" else "lacking"
        value = number(row.get("actual"), reading.unit(_text(row, "indicator")))
        text = (
            Markup("{} <b>{}</b>").format(_title(reading, row), value) if known else Markup.escape(_title(reading, row))
        )
        groups[kind].append(text + marks.of(_remark(reading, row)))
    return [words(f"policy.{kind}", list=comma.join(texts)) for kind, texts in groups.items() if texts]


def _remark(reading: Reading, row: pd.Series) -> str:
    """What is left of the remark when that is taken away which stands above the tables."""
    words = reading.words
    parts = re.split("；|; ", words.text(_text(row, "remark_zh"), _text(row, "remark_en")))
    kept = [part for part in parts if part and not any(one.fullmatch(part) for one in _once(words.language == "zh"))]
    units, count = finite(row.get("units")), len(reading.names)
    if row.get("scope") == "hospital" and units and units < count:
        kept.insert(0, str(words("policy.without", n=int(count - units))))
    return ("；" if words.language == "zh" else "; ").join(kept)


def _once(chinese: bool) -> list[re.Pattern[str]]:
    """Patterns of the remarks that need not be repeated in every row."""
    return _PATTERNS["zh" if chinese else "en"]


def _patterns() -> dict[str, list[re.Pattern[str]]]:
    named = {"n": _ANY, "region": _ANY, "done": _ANY, "due": _ANY}
    pairs = [said(name, **named) for name in _SAID_ONCE]
    colours = [said(name) for name in _COLOURS]
    found: dict[str, list[re.Pattern[str]]] = {}
    for at, language in enumerate(("zh", "en")):
        texts = [re.escape(pair[at]).replace(re.escape(_ANY), ".+") for pair in pairs]
        found[language] = [re.compile(part) for text in texts for part in re.split("；|;\\ ", text)]
        found[language] += [re.compile(re.escape(pair[at]) + "[：:].*") for pair in colours]
    return found


_PATTERNS = _patterns()


def _units(reading: Reading, row: pd.Series) -> Cell:
    met, missed, units = (finite(row.get(name)) for name in ("met", "missed", "units"))
    if not units or row.get("scope") != "hospital":
        return Cell(reading.words("policy.of_region") if row.get("scope") == "region" else DASH)
    return Cell(f"{number(met)} / {number(missed)} / {number(units)}")


def _text(row: pd.Series, name: str) -> Any:
    value = row.get(name)
    return value if isinstance(value, str) else ""
