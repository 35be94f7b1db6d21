"""Decision figures (决策应用): budget, appraisal, wages, subsidy, posts; each with formula and cap."""

from __future__ import annotations

from typing import Any

import pandas as pd
from markupsafe import Markup

from drgengine.evaluation.report.numbers import DASH, finite, number
from drgengine.evaluation.report.reading import Reading
from drgengine.evaluation.report.tables import Cell, Column, Table, words_cell

_NUMBERS = ("factor", "capped_factor", "amount")


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
    columns += [Column(str(words(f"decision.{name}"))) for name in _NUMBERS]
    columns += [Column(str(words(f"decision.{name}")), text=True) for name in (*own, "note")]
    body = []
    for _, row in rows.iterrows():
        key = row["hospital_id"]
        name: Any = reading.link(key) if key in reading.anchors else str(key)
        cells = [Cell(name, sort=str(name), below=_basis(reading, row["basis"]), kind="t"), *_numbers(reading, row)]
        body.append([*cells, *(words_cell(row[one]) for one in own), words_cell(_note(reading, row))])
    title = words.text(str(first["zh"]), str(first["en"]))
    common = [name for name in ("formula", "cap") if name not in own and str(first[name] or "").strip(" .")]
    parts = [words(f"decision.{name}_is", value=str(first[name])) for name in common]
    if reading.source(first):
        parts.append(words("decision.source_is", value=reading.source(first)))
    caption = Markup("<b>{}</b> ").format(title) + Markup(words("page.semicolon")).join(parts)
    return Table(columns, body, caption, sortable=True)


def _numbers(reading: Reading, row: pd.Series) -> list[Cell]:
    unit = str(row["unit"]) if isinstance(row["unit"], str) else ""
    word = reading.words.word("unit", unit) if unit else ""
    amount = number(row["amount"], unit)
    cells = [Cell(number(row[name], "index"), sort=finite(row[name])) for name in _NUMBERS[:2]]
    shown = f"{amount} {word}" if word and unit != "%" and amount != DASH else amount
    return [*cells, Cell(shown, sort=finite(row["amount"]))]


def _note(reading: Reading, row: pd.Series) -> str:
    zh, en = (row.get(name) if isinstance(row.get(name), str) else "" for name in ("note_zh", "note"))
    return reading.words.text(str(zh), str(en))


def _basis(reading: Reading, value: Any) -> Markup | str:
    """What the figure rests on: a number, or NAME=VALUE parts put into words."""
    if not isinstance(value, str):
        return number(value) if finite(value) is not None else ""
    parts = []
    for part in value.split("; "):
        name, equals, amount = part.partition("=")
        known = reading.words.word("quantity", name)
        title = known if known != name else reading.input_name(name)
        shown = number(amount) if finite(amount) is not None else amount or DASH
        parts.append(reading.words("decision.basis_part", name=title, value=shown) if equals else Markup.escape(part))
    return Markup(reading.words("page.semicolon")).join(parts)


def hospital_decisions(reading: Reading, key: Any) -> Table | None:
    """The decisions on one hospital, or None."""
    rows = reading.decisions.get(key)
    if rows is None:
        return None
    words = reading.words
    columns = [Column(str(words("decision.kind")), text=True)]
    columns += [Column(str(words(f"decision.{name}"))) for name in _NUMBERS]
    columns.append(Column(str(words("decision.note")), text=True))
    body = []
    for _, row in rows.iterrows():
        title = Cell(words.text(str(row["zh"]), str(row["en"])), below=_basis(reading, row["basis"]), kind="t")
        body.append([title, *_numbers(reading, row), words_cell(_note(reading, row))])
    return Table(columns, body, words("decision.of_hospital"))
