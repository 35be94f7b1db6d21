"""Decision figures (决策应用): budget, appraisal, wages, subsidy, posts; each with formula and cap."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup

from drgengine.evaluation.report.numbers import DASH, finite, number
from drgengine.evaluation.report.reading import Reading
from drgengine.evaluation.report.tables import Cell, Column, Table, words_cell

_NUMBERS = ("factor", "capped_factor", "amount")
_POINTS = ("score", "median_score", "mean_score", "best_score", "comparable_score", "previous_comparable_score")
_NAME = re.compile(r"[A-Za-z_]\w*")
_MANY = 5


@dataclass(frozen=True, slots=True)
class Decision:
    """One kind. rules : formula, caps, source, once   table : None where there are no amounts, then why : a sentence"""

    title: str
    rules: list[Markup]
    table: Table | None
    why: Markup


def decision_tables(reading: Reading) -> list[Decision]:
    """One per kind, with what all hospitals share said once."""
    table = reading.evaluation.decisions
    if not len(table):
        return []
    return [_kind(reading, rows) for _, rows in table.groupby("kind", sort=False)]


def _kind(reading: Reading, rows: pd.DataFrame) -> Decision:
    words, first = reading.words, rows.iloc[0]
    basis = [_quantities(row["basis"]) for _, row in rows.iterrows()]
    fixed, varying = _split(basis)
    common, notes = _notes(reading, rows)
    rules = _rules(reading, rows, fixed)
    title = words.text(str(first["zh"]), str(first["en"]))
    if not rows["amount"].notna().any() and not (rows["capped_factor"].notna().any() and not common):
        known = rows["capped_factor"].dropna()
        reason = Markup(words("page.semicolon")).join(Markup.escape(part) for part in common) or words(
            "decision.no_data"
        )
        why = words("decision.no_amount", reason=reason)
        if len(known):
            ends = f"{number(known.min(), 'index')}–{number(known.max(), 'index')}"
            why += Markup(" ") + words("decision.factors_are", ends=ends)
        return Decision(title, [], None, why)
    own = [name for name in ("formula",) if rows[name].nunique(dropna=False) > 1]
    shown = _numbers_shown(rows)
    columns = [Column(str(words("decision.hospital")), text=True)]
    columns += [Column(_headed(reading, name)) for name in varying]
    columns += [Column(str(words(f"decision.{name}"))) for name in shown]
    columns += [Column(str(words(f"decision.{name}")), text=True) for name in own]
    noted = any(notes)
    columns += [Column(str(words("decision.note")), text=True)] if noted else []
    body = []
    for (_, row), values, said in zip(rows.iterrows(), basis, notes, strict=True):
        key = row["hospital_id"]
        name: Any = reading.link(key) if key in reading.anchors else str(key)
        cells = [Cell(name, sort=str(name), kind="t")]
        cells += [_quantity(reading, one, values.get(one)) for one in varying]
        cells += [_number(reading, row, one) for one in shown]
        cells += [words_cell(row[one]) for one in own]
        body.append([*cells, *([_said(reading, said)] if noted else [])])
    remark = Markup(words("page.semicolon")).join(Markup.escape(part) for part in common)
    note = words("decision.for_all", text=remark) if common else ""
    return Decision(title, rules, Table(columns, body, css="dense", sortable=True, note=note), Markup(""))


def _said(reading: Reading, note: list[str]) -> Cell:
    return words_cell(("；" if reading.words.language == "zh" else "; ").join(note) or " ")


def _caps(reading: Reading, rows: pd.DataFrame) -> Markup:
    """The cap of most hospitals, and who has another one."""
    words, caps = reading.words, rows["cap"].fillna("").astype(str).str.replace("..", "–", regex=False)
    usual = str(caps.value_counts(sort=True).index[0])
    text = Markup.escape(usual)
    for other in dict.fromkeys(caps[caps != usual]):
        names = [reading.names.get(key, str(key)) for key in rows.loc[caps == other, "hospital_id"]]
        text += words("decision.cap_but", names=words.listed(names, 6), value=other)
    return text if text.strip(" .") else Markup("")


def _numbers_shown(rows: pd.DataFrame) -> list[str]:
    """Factor, capped factor and amount, without those that repeat the one before."""
    shown: list[str] = []
    for name in _NUMBERS:
        same = shown and (rows[name].fillna(-1.0) - rows[shown[-1]].fillna(-1.0)).abs().max() < 1e-9
        if same and name == "amount":
            shown[-1] = name
        elif not same:
            shown.append(name)
    return shown


def _rules(reading: Reading, rows: pd.DataFrame, fixed: Mapping[str, float]) -> list[Markup]:
    """Formula in words, constants, caps and source, as far as they are those of all hospitals."""
    words, first, parts = reading.words, rows.iloc[0], []
    if rows["formula"].nunique(dropna=False) == 1 and str(first["formula"] or "").strip(" ."):
        parts.append(words("decision.formula_is", value=_formula(reading, str(first["formula"]))))
    if fixed:
        listed = words.listed(f"{_quantity_name(reading, name)} {number(value)}" for name, value in fixed.items())
        parts.append(words("decision.fixed_are", value=listed))
    cap = _caps(reading, rows)
    if cap:
        parts.append(words("decision.cap_is", value=cap))
    source = reading.source(first)
    if source:
        parts.append(words("decision.source_is", value=source))
    return parts


def _formula(reading: Reading, text: str) -> str:
    """A formula with names for the ids of its quantities."""
    spaced = _NAME.sub(lambda found: _quantity_name(reading, found[0]), text)
    return spaced.replace(" * ", " × ").replace(" / ", " ÷ ").replace(" - ", " − ")


def _quantities(text: Any) -> dict[str, float | None]:
    """NAME=VALUE parts of a basis; a bare number is the score."""
    if not isinstance(text, str):
        return {} if finite(text) is None else {"score": finite(text)}
    parts = (part.partition("=") for part in text.split("; ") if "=" in part)
    return {name: finite(value) for name, _, value in parts}


def _split(basis: list[dict[str, float | None]]) -> tuple[dict[str, float], list[str]]:
    """Quantities that are the same for all, and those that vary; the base is left out where another one is it."""
    names = list(dict.fromkeys(name for one in basis for name in one))
    columns = {name: [one.get(name) for one in basis] for name in names}
    fixed = {name: column[0] for name, column in columns.items() if len(set(column)) == 1 and len(basis) > 1}
    varying = [name for name in names if name not in fixed]
    if "base" in varying and any(columns[name] == columns["base"] for name in varying if name != "base"):
        varying.remove("base")
    kept = {name: value for name, value in fixed.items() if value is not None}
    return kept, varying[:_MANY]


def _notes(reading: Reading, rows: pd.DataFrame) -> tuple[list[str], list[list[str]]]:
    """Remarks that all hospitals share, and those of each."""
    texts = [[part for part in re.split("；|; ", _note(reading, row)) if part] for _, row in rows.iterrows()]
    common = [part for part in texts[0] if all(part in other for other in texts)]
    return common, [[part for part in text if part not in common] for text in texts]


def _note(reading: Reading, row: pd.Series) -> str:
    zh, en = (row.get(name) if isinstance(row.get(name), str) else "" for name in ("note_zh", "note"))
    return reading.words.text(str(zh), str(en))


def _quantity_name(reading: Reading, name: str) -> str:
    """A quantity of a formula in words."""
    known = reading.words.word("quantity", name)
    if known != name:
        return known
    found = reading.input_name(name)
    return found if found != name else reading.indicator(name).replace("_", " ")


def _unit_of(reading: Reading, name: str) -> str:
    one = reading.catalogue.inputs.get(name)
    return one.unit if one is not None else "points" if name in _POINTS else reading.unit(name)


def _headed(reading: Reading, name: str) -> str:
    unit = _unit_of(reading, name)
    word = reading.words.word("unit", unit) if unit not in ("", "%", "index", "points", "weight") else ""
    title = _quantity_name(reading, name)
    title = title[:1].upper() + title[1:]
    return f"{title} ({word})" if word else title


def _quantity(reading: Reading, name: str, value: float | None) -> Cell:
    return Cell(number(value, _unit_of(reading, name)), sort=value)


def _number(reading: Reading, row: pd.Series, name: str) -> Cell:
    if name != "amount":
        return Cell(number(row[name], "index"), sort=finite(row[name]))
    unit = str(row["unit"]) if isinstance(row["unit"], str) else ""
    word = reading.words.word("unit", unit) if unit else ""
    amount = number(row["amount"], unit)
    shown = f"{amount} {word}" if word and unit != "%" and amount != DASH else amount
    return Cell(shown, sort=finite(row["amount"]))


def hospital_decisions(reading: Reading, key: Any) -> Table | None:
    """The decisions on one hospital, or None; a kind without any number is left to the chapter on decisions."""
    rows = reading.decisions.get(key)
    if rows is None or not rows[["capped_factor", "amount"]].notna().any(axis=None):
        return None
    words = reading.words
    columns = [Column(str(words("decision.kind")), text=True)]
    columns += [Column(str(words(f"decision.{name}"))) for name in _NUMBERS]
    columns.append(Column(str(words("decision.note")), text=True))
    body = []
    for _, row in rows.iterrows():
        if finite(row["capped_factor"]) is None and finite(row["amount"]) is None:
            continue
        title = Cell(words.text(str(row["zh"]), str(row["en"])), below=_basis(reading, row["basis"]), kind="t")
        note = _note(reading, row)
        cells = [_number(reading, row, name) for name in _NUMBERS]
        body.append([title, *cells, words_cell(note) if note else words_cell(" ")])
    return Table(columns, body, words("decision.of_hospital"), css="dense")


def _basis(reading: Reading, value: Any) -> Markup:
    """What a figure rests on, in words, numbers rounded."""
    parts = []
    for name, amount in _quantities(value).items():
        unit = _unit_of(reading, name)
        word = reading.words.word("unit", unit) if unit not in ("", "%", "index", "points", "weight") else ""
        shown = f"{number(amount, unit)} {word}".strip()
        parts.append(reading.words("decision.basis_part", name=_quantity_name(reading, name), value=shown))
    return Markup(reading.words("page.semicolon")).join(parts)
