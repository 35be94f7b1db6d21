"""League tables by peer group (排行表): ranks with intervals, classes only where separable, indices beside them."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup, escape

from drgengine.evaluation.report.numbers import DASH, chance, finite, number, signed, span
from drgengine.evaluation.report.rankfigures import end_column
from drgengine.evaluation.report.reading import Reading
from drgengine.evaluation.report.tables import Cell, Column, Table, words_cell

BESIDE = (
    "total_weight",
    "cmi",
    "drg_count",
    "charge_index",
    "time_index",
    "low_risk_mortality",
    "drug_share",
    "consumables_per_100",
    "medical_service_share",
    "inpatient_fee_growth",
    "medical_surplus_rate",
)


def league_tables(reading: Reading) -> list[Table]:
    """One table per peer group."""
    return [_table(reading, group) for group in reading.groups]


def _table(reading: Reading, group: str) -> Table:
    words = reading.words
    columns = [
        Column(str(words("league.rank")), hint=str(words("league.rank_hint", level=reading.level))),
        Column(str(words("league.hospital")), text=True),
        Column(str(words("league.class")), text=True, hint=str(words("league.class_hint"))),
        Column(str(words("league.score")), hint=str(words("league.score_hint", level=reading.level))),
        *(Column(words.text(one.zh, one.en)) for one in reading.evaluation.tree.dimensions),
        *(Column(str(words(f"beside.{name}")), hint=_hint(reading, name)) for name in BESIDE),
        Column(str(words("league.change")), hint=str(words("league.change_hint"))),
        Column(_last_title(reading), hint=str(words("league.last_hint"))),
    ]
    keys = reading.groups[group]
    rows = [_row(reading, key) for key in keys]
    size = len(reading.ranked(group))
    caption = words("league.caption", group=reading.group_name(group), n=len(keys), ranked=size)
    return Table(columns, rows, caption, css="league", sortable=True)


def _last_title(reading: Reading) -> str:
    before = reading.evaluation.previous
    if before is None:
        return str(reading.words("league.last"))
    return str(reading.words("league.last_both", before=before.id, now=reading.evaluation.current.id))


def _hint(reading: Reading, name: str) -> str:
    unit = reading.unit_word(name)
    return f"{reading.indicator(name)} ({unit})" if unit else reading.indicator(name)


def _row(reading: Reading, key: Any) -> list[Cell]:
    dimensions = reading.evaluation.scores.dimensions
    points = [dimensions.at[key, one.id] for one in reading.evaluation.tree.dimensions]
    return [
        rank_cell(reading, key),
        Cell(reading.link(key), reading.names[key], reading.labels[key], kind="t"),
        class_cell(reading, key),
        score_cell(reading, key),
        *(Cell(number(value, "points"), sort=finite(value)) for value in points),
        *(_beside(reading, key, name) for name in BESIDE),
        change_cell(reading, key),
        last_cell(reading, key),
    ]


def rank_cell(reading: Reading, key: Any) -> Cell:
    """Rank with its interval below; the interval stays in sight whatever the order."""
    rank, reason = reading.league(key, "rank"), reading.said(key, "excluded")
    if finite(rank) is None:
        return Cell(DASH, reason, below=reading.words("league.excluded"))
    ends = span(reading.league(key, "rank_low"), reading.league(key, "rank_high"), 0)
    return Cell(number(rank), sort=finite(rank), below=f"[{ends}]")


def class_cell(reading: Reading, key: Any) -> Cell:
    """The class with its probability, "not separable", or left out."""
    words = reading.words
    name, veto = str(reading.league(key, "class") or ""), reading.said(key, "veto")
    probability = reading.league(key, "class_probability")
    if reading.league(key, "excluded"):
        return words_cell("", reading.said(key, "excluded"))
    if not name:
        return Cell(words("league.not_separable"), chance(probability), kind="t quiet", sort="~")
    below: str | Markup = f"P {chance(probability)}"
    if veto:
        below = words("league.capped", before=str(reading.league(key, "class_before_veto") or DASH))
    return Cell(Markup("<b>{}</b>").format(name), veto, name, below, "t")


def score_cell(reading: Reading, key: Any) -> Cell:
    """Score with its interval below."""
    score = reading.league(key, "score")
    ends = span(reading.league(key, "score_low"), reading.league(key, "score_high"))
    below = "" if finite(score) is None else f"[{ends}]"
    return Cell(number(score, "points"), reading.said(key, "excluded"), finite(score), below)


def _beside(reading: Reading, key: Any, name: str) -> Cell:
    value = reading.league(key, name)
    if name == "total_weight":
        return Cell(number(None if finite(value) is None else round(float(value))), sort=finite(value))
    shown = reading.shown(key, name, value)
    if name == "low_risk_mortality":
        expected = number(reading.league(key, "low_risk_expected"), reading.unit(name))
        return Cell(shown.text, shown.title, shown.sort, reading.words("league.expected", value=expected))
    return shown


def last_cell(reading: Reading, key: Any) -> Cell:
    """Comparable ranks of both years with an arrow, and the probability that the score has risen."""
    before, now = finite(reading.league(key, "previous_rank")), finite(reading.league(key, end_column(reading)))
    if before is None:
        return Cell(DASH, str(reading.words("league.no_last")))
    arrow = "" if now is None else "↑" if now < before else "↓" if now > before else "="
    risen = reading.league(key, "p_improved")
    below = f"P↑ {chance(risen)}" if finite(risen) is not None else ""
    return Cell(f"{number(before)} → {number(now)} {arrow}".strip(), sort=before, below=below)


def change_cell(reading: Reading, key: Any) -> Cell:
    """Change of the score over the indicators of both years; on hover the two scores."""
    now, before = reading.league(key, "comparable_score"), reading.league(key, "previous_comparable_score")
    change = finite(reading.league(key, "change"))
    shown = f"{number(before, 'points')} → {number(now, 'points')}" if finite(now) is not None else ""
    return Cell(signed(change), shown, change)


def excluded_rows(reading: Reading) -> list[tuple[Markup, Markup]]:
    """Hospitals left out, and why."""
    excluded = reading.evaluation.league["excluded"]
    return [(reading.link(key), escape(reading.said(key, "excluded"))) for key, reason in excluded.items() if reason]
