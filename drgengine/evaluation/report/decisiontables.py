"""Decision figures (决策应用): budget, appraisal, wages, subsidy, posts; each with formula and cap."""

from __future__ import annotations

from typing import Any

import pandas as pd
from markupsafe import Markup

from drgengine.evaluation.report.numbers import DASH, finite, number
from drgengine.evaluation.report.reading import Reading
from drgengine.evaluation.report.tables import Cell, Column, Table, words_cell

_COMMON = ("basis", "factor", "capped_factor", "amount")


def decision_tables(reading: Reading) -> list[Table]:
    """One table per kind; formula and cap in the caption where they are the same for all."""
    table = reading.evaluation.decisions
    if not len(table):
        return []
    return [_kind(reading, rows) for _, rows in table.groupby("kind", sort=False)]


def _kind(reading: Reading, rows: pd.DataFrame) -> Table:
    words, first = reading.words, rows.iloc[0]
    own = [name for name in ("formula", "cap") if rows[name].nunique(dropna=False) > 1]
    columns = [Column(str(words("decision.hospital")), text=True)]
    columns += [Column(str(words(f"decision.{name}"))) for name in _COMMON]
    columns += [Column(str(words(f"decision.{name}")), text=True) for name in (*own, "note")]
    body = []
    for _, row in rows.iterrows():
        key = row["hospital_id"]
        name: Any = reading.link(key) if key in reading.anchors else str(key)
        body.append([Cell(name, kind="t"), *_numbers(reading, row), *(words_cell(row[one]) for one in (*own, "note"))])
    title = words.text(str(first["zh"]), str(first["en"]))
    parts = [words(f"decision.{name}_is", value=str(first[name])) for name in ("formula", "cap") if name not in own]
    caption = Markup("<b>{}</b> ").format(title) + Markup(words("page.semicolon")).join(parts)
    return Table(columns, body, caption, sortable=True)


def _numbers(reading: Reading, row: pd.Series) -> list[Cell]:
    unit = str(row["unit"]) if isinstance(row["unit"], str) else ""
    word = reading.words.word("unit", unit) if unit else ""
    amount = number(row["amount"], unit)
    cells = [_basis(row["basis"])]
    cells += [Cell(number(row[name], "index"), sort=finite(row[name])) for name in ("factor", "capped_factor")]
    shown = f"{amount} {word}" if word and unit != "%" and amount != DASH else amount
    return [*cells, Cell(shown, sort=finite(row["amount"]))]


def _basis(value: Any) -> Cell:
    """What the factor rests on: a number, or words."""
    return words_cell(value) if isinstance(value, str) else Cell(number(value), sort=finite(value))


def hospital_decisions(reading: Reading, key: Any) -> Table | None:
    """The decisions on one hospital, or None."""
    rows = reading.decisions.get(key)
    if rows is None:
        return None
    words = reading.words
    columns = [Column(str(words("decision.kind")), text=True)]
    columns += [Column(str(words(f"decision.{name}"))) for name in _COMMON]
    columns.append(Column(str(words("decision.note")), text=True))
    body = []
    for _, row in rows.iterrows():
        title = words.text(str(row["zh"]), str(row["en"]))
        body.append([words_cell(title), *_numbers(reading, row), words_cell(row["note"])])
    return Table(columns, body, words("decision.of_hospital"))
