"""Policy compliance (政策达成): status as sign and word; conflicts of targets; progress of the regional plan."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd
from markupsafe import Markup

from drgengine.evaluation.report.numbers import DASH, finite, number, share
from drgengine.evaluation.report.reading import Reading
from drgengine.evaluation.report.tables import Cell, Column, Table, words_cell
from drgengine.evaluation.report.targetwords import asked
from drgengine.evaluation.report.words import entries

_CONFLICTS = ("contradiction", "differs", "rounding")
_WORDS = "|".join(sorted(map(re.escape, entries()["target_word"]), key=len, reverse=True))
_WORDED = re.compile(rf"(?<!\w)({_WORDS}) (?:(-?\d[\d.]*(?:[-–]\d[\d.]*)?)|(at_most|at_least|rising|falling))")
_WAY = re.compile(r"\bat_(?:most|least)\b")
_KINDS = {
    "met": "good",
    "trend right": "good",
    "near": "near",
    "missed": "bad",
    "trend wrong": "bad",
    "behind": "bad",
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
                words_cell(_ways(reading, str(row["stated"]))),
                words_cell(_derived(row["derived"])),
                Cell(_said(reading, row), below=_cited(reading, row), kind="t"),
            ]
        )
    return Table(columns, body, words("policy.conflicts"), css="dense lines"), text


def _said(reading: Reading, row: pd.Series) -> str:
    """Two targets that do not agree, in the language of the report: 左右 30 as about 30; other texts as they are."""
    text, key = str(row["text"]), f"verdict_text.{row['verdict']}"
    found = [asked(reading, one[1], one[2] or DASH, one[3] or "") for one in _WORDED.finditer(text)]
    if len(found) == 2 and row["verdict"] in entries()["verdict_text"]:
        return str(reading.words(key, first=found[0], second=found[1]).unescape())
    return _ways(reading, text)


def _ways(reading: Reading, text: str) -> str:
    return _WAY.sub(lambda match: reading.words.word("target_way", match[0]), text)


def _cited(reading: Reading, row: pd.Series) -> str:
    """The sources, each in the language as far as the policy lines know it."""
    given = row["sources"] if isinstance(row["sources"], str) else ""
    return " / ".join(reading.sources.get(one, one) for one in given.split(" / "))


def _derived(value: Any) -> str:
    if isinstance(value, str):
        return value
    found = finite(value)
    return "" if found is None else f"{found:.4g}"


def progress_table(reading: Reading) -> Table | None:
    """Each target of the regional plan with a traffic light in words; what all rows share stands above."""
    table, words = reading.evaluation.progress, reading.words
    if not len(table):
        return None
    names = ("line", "indicator", "base", "actual", "target", "progress", "expected", "light")
    columns = [Column(str(words(f"policy.plan_{name}")), text=name in ("line", "indicator", "light")) for name in names]
    shared = {name: _one([_year(value) for value in table[name]]) for name in ("base_year", "target_year")}
    natures = [words.word("nature", str(row.get("nature", ""))) for _, row in table.iterrows()]
    sources = [reading.source(row) for _, row in table.iterrows()]
    rows = []
    for (_, row), nature, source in zip(table.iterrows(), natures, sources, strict=True):
        name = str(row["indicator"])
        unit = reading.unit(name)
        years = ["" if shared[column] else _year(row[column]) for column in ("base_year", "target_year")]
        own = [text for text, every in ((nature, natures), (source, sources)) if not _one(every)]
        rows.append(
            [
                words_cell(str(row["line"])),
                Cell(reading.indicator(name), below=" · ".join(own), kind="t"),
                Cell(number(row["base"], unit), below=years[0]),
                Cell(number(row["actual"], unit)),
                Cell(number(row["target"], unit), below=years[1]),
                _bar(row["progress"]),
                Cell(share(row["expected"], 0)),
                status_cell(reading, row["colour"]),
            ]
        )
    said = [_one(natures), _one(sources)]
    said += [words(f"policy.plan_{name}_is", value=value) for name, value in shared.items() if value]
    caption = words("policy.plan_caption") + Markup("").join(
        words("policy.plan_part", text=text) for text in said if text
    )
    return Table(columns, rows, caption, css="dense lines", note=words("policy.plan_note"))


def _one(texts: list[str]) -> str:
    """The text that all share, else ""."""
    return texts[0] if len(set(texts)) == 1 else ""


def _year(value: Any) -> str:
    return "" if pd.isna(value) else str(int(value))


def _bar(value: Any) -> Cell:
    found = finite(value)
    if found is None:
        return Cell(DASH)
    width = round(100 * min(max(found, 0.0), 1.0))
    bar = Markup('<span class="bar beside"><i style="width:{}%"></i></span> ').format(width)
    return Cell(bar + share(found, 0), sort=found)
