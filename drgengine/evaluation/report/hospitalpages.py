"""One page per hospital (单院页): score, rank, change, best and worst, flags, all indicators, decisions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup

from drgengine.evaluation.report.decisiontables import hospital_decisions
from drgengine.evaluation.report.dimensionfigures import radar, waterfall
from drgengine.evaluation.report.figures import Figure
from drgengine.evaluation.report.leaguetable import class_cell
from drgengine.evaluation.report.numbers import DASH, chance, finite, number, share, signed, span
from drgengine.evaluation.report.reading import Reading
from drgengine.evaluation.report.redflags import Flag
from drgengine.evaluation.report.tables import Cell, Column, Table, words_cell

_BEST, _MOST_FLAGS = 3, 6
_COUNTS = ("discharges", "invalid", "ungroupable", "ambiguous", "long_stay", "without_weight")
_SHARES = ("grouping_rate", "charge_known", "stay_known", "disposition_known", "input_coverage")


@dataclass(frozen=True, slots=True)
class HospitalPage:
    """What the page of one hospital shows.

    missing : sentences in place of figures that cannot be drawn   flags, more_flags : those of the first page, and the
        rest   count : of all flags
    """

    anchor: str
    name: str
    subtitle: str
    excluded: str
    figures: list[tuple[str, str | Markup, str | Markup]]
    charts: list[Figure]
    missing: list[Markup]
    best: Table
    worst: Table
    flags: list[Flag]
    more_flags: list[Flag]
    count: int
    quality: Markup
    indicators: Table
    others: Table | None
    decisions: Table | None


def hospital_pages(reading: Reading, flags: Mapping[Any, list[Flag]]) -> list[HospitalPage]:
    """Pages in the order of the league tables."""
    return [_page(reading, key, flags[key]) for keys in reading.groups.values() for key in keys]


def _page(reading: Reading, key: Any, flags: list[Flag]) -> HospitalPage:
    hospitals = reading.evaluation.hospitals
    kinds = [
        reading.words.word("kind", str(hospitals.at[key, name])) for name in ("level", "type") if name in hospitals
    ]
    parts = [str(key), *kinds, reading.group_name(reading.league(key, "peer_group"))]
    charts = [chart for chart in (radar(reading, key), waterfall(reading, key)) if chart is not None]
    rows = reading.contributions.get(key, pd.DataFrame())
    best, worst = _extremes(reading, rows)
    return HospitalPage(
        anchor=reading.anchors[key],
        name=reading.names[key],
        subtitle=" · ".join(dict.fromkeys(part for part in parts if part)),
        excluded=reading.said(key, "excluded"),
        figures=_figures(reading, key),
        charts=charts,
        missing=_missing(reading, key),
        best=best,
        worst=worst,
        flags=flags[:_MOST_FLAGS],
        more_flags=flags[_MOST_FLAGS:],
        count=len(flags),
        quality=_quality(reading, key),
        indicators=_indicators(reading, key, rows),
        others=_others(reading, key, rows),
        decisions=hospital_decisions(reading, key),
    )


def _figures(reading: Reading, key: Any) -> list[tuple[str, str | Markup, str | Markup]]:
    """Label, number, remark of the strip below the name."""
    words = reading.words
    size = len(reading.ranked(str(reading.league(key, "peer_group"))))
    rank, score = reading.league(key, "rank"), reading.league(key, "score")
    class_ = class_cell(reading, key)
    known = finite(rank) is not None
    change = reading.league(key, "change")
    risen = reading.league(key, "p_improved")
    ends = span(reading.league(key, "score_low"), reading.league(key, "score_high"))
    ranks = span(reading.league(key, "rank_low"), reading.league(key, "rank_high"), 0)
    top = reading.evaluation.plan.uncertainty.top
    found: list[tuple[str, str | Markup, str | Markup]] = [
        (
            str(words("league.score")),
            number(score, "points"),
            words("hospital.interval", level=reading.level, ends=ends),
        ),
        (str(words("league.class")), class_.text, class_.below),
        (
            str(words("league.rank")),
            words("hospital.of", rank=number(rank), size=size) if known else DASH,
            words("hospital.interval", level=reading.level, ends=ranks),
        ),
        (str(words("hospital.top", top=top)), chance(reading.league(key, "p_top")), ""),
    ]
    remark = words("hospital.chance", p=chance(risen)) if finite(risen) is not None else words("league.no_last")
    return [*found, (str(words("hospital.change")), signed(change), remark)]


def _missing(reading: Reading, key: Any) -> list[Markup]:
    words, before = reading.words, reading.evaluation.previous_scores
    if before is None:
        return [words("hospital.no_previous")]
    if key not in before.table.index or finite(before.table.at[key, "score"]) is None:
        return [words("hospital.no_previous_score")]
    return []


def _extremes(reading: Reading, rows: pd.DataFrame) -> tuple[Table, Table]:
    """Indicators that lift and that lower the hospital most against the median of its peers."""
    words = reading.words
    columns = [
        Column(str(words("hospital.indicator")), text=True),
        Column(str(words("hospital.value"))),
        Column(str(words("hospital.peer_median"))),
        Column(str(words("hospital.effect")), hint=str(words("hospital.effect_hint"))),
    ]
    effect = pd.Series(dtype=float)
    if len(rows):
        effect = ((rows["points"] - rows["peer_median_points"]) * rows["weight"]).dropna()
    order = effect.sort_values(ascending=False, kind="stable")
    chosen = order[order > 0].head(_BEST), order[order < 0].iloc[::-1].head(_BEST)
    tables = []
    for title, part in zip(("hospital.best", "hospital.worst"), chosen, strict=True):
        body = [_extreme(reading, rows.loc[name], str(name), value) for name, value in part.items()]
        tables.append(Table(columns, body, words(title)))
    return tables[0], tables[1]


def _extreme(reading: Reading, row: pd.Series, name: str, effect: float) -> list[Cell]:
    unit = reading.unit(name)
    values = [Cell(number(row[column], unit)) for column in ("value", "peer_median")]
    return [words_cell(reading.indicator(name)), *values, Cell(signed(effect, 2))]


def _quality(reading: Reading, key: Any) -> Markup:
    """One line on the data behind the page."""
    words, table = reading.words, reading.evaluation.current.quality
    if key not in table.index:
        return words("hospital.no_quality")
    row = table.loc[key]
    shown = {name: number(row[name]) for name in _COUNTS if name in row.index}
    shown |= {name: share(row[name]) for name in _SHARES if name in row.index}
    shown |= {name: number(row[name]) for name in ("dx_per_case",) if name in row.index}
    parts = [
        words("hospital.quality_part", name=words(f"quality.{name}"), value=value) for name, value in shown.items()
    ]
    return Markup(words("page.semicolon")).join(parts)


def _indicators(reading: Reading, key: Any, rows: pd.DataFrame) -> Table:
    """All indicators of the tree with anchors, points, weight and contribution."""
    words = reading.words
    columns = [
        Column(str(words("hospital.indicator")), text=True),
        Column(str(words("hospital.unit")), text=True),
        *(Column(str(words(f"hospital.{name}"))) for name in ("value", "last_value", "peer_median", "bad", "good")),
        *(Column(str(words(f"hospital.{name}"))) for name in ("points", "weight", "contribution")),
    ]
    earlier = reading.earlier_contributions.get(key)
    body: list[list[Cell]] = []
    for one in reading.evaluation.tree.dimensions:
        mine = rows[rows["dimension"] == one.id] if len(rows) else rows
        if len(mine):
            score = reading.evaluation.scores.dimensions.at[key, one.id]
            body.append(_dimension(reading, words.text(one.zh, one.en), score, mine))
        body += [_indicator(reading, key, str(name), row, earlier) for name, row in mine.iterrows()]
    return Table(columns, body, words("hospital.indicators"), css="full")


def _dimension(reading: Reading, name: str, score: Any, rows: pd.DataFrame) -> list[Cell]:
    blank = Cell("")
    cells = [Cell(number(score, "points")), Cell(share(rows["weight"].sum())), Cell(number(rows["contribution"].sum()))]
    return [Cell(Markup("<b>{}</b>").format(name), kind="t"), *[blank] * 6, *cells]


def _indicator(reading: Reading, key: Any, name: str, row: pd.Series, earlier: pd.DataFrame | None) -> list[Cell]:
    unit = reading.unit(name)
    last = earlier.at[name, "value"] if earlier is not None and name in earlier.index else None
    rest = (row["peer_median"], row["bad"], row["good"])
    arrow = {"up": " ↑", "down": " ↓"}.get(reading.direction(name), "")
    return [
        words_cell(reading.indicator(name) + arrow),
        words_cell(reading.unit_word(name)),
        reading.shown(key, name, row["value"]),
        _last(reading, name, last),
        *(Cell(number(value, unit)) for value in rest),
        Cell(number(row["points"], "points")),
        Cell(share(row["weight"])),
        Cell(number(row["contribution"])),
    ]


def _others(reading: Reading, key: Any, rows: pd.DataFrame) -> Table | None:
    """Values of the catalogue that no dimension uses."""
    words, found = reading.words, reading.evaluation.current.indicators
    values = found.values.loc[key].dropna()
    names = [name for name in values.index if name not in rows.index]
    if not names:
        return None
    columns = [Column(str(words(f"hospital.{name}")), text=name == "indicator") for name in _OTHERS]
    cells = [_other(reading, key, str(name), values[name]) for name in names]
    half = -(-len(cells) // 2)
    blank = [words_cell(" "), *[Cell("")] * 3]
    body = [[*cells[at], *(cells[at + half] if at + half < len(cells) else blank)] for at in range(half)]
    return Table(columns * 2, body, words("hospital.others", n=len(names)), css="others")


def _other(reading: Reading, key: Any, name: str, value: Any) -> list[Cell]:
    unit = reading.unit(name)
    shown = reading.unit_word(name) if unit not in ("%", "index") else ""
    title = f"{reading.indicator(name)} ({shown})" if shown else reading.indicator(name)
    last, median = reading.last_values.at[key, name], reading.medians.at[key, name]
    return [words_cell(title), Cell(number(value, unit)), _last(reading, name, last), Cell(number(median, unit))]


def _last(reading: Reading, name: str, value: Any) -> Cell:
    """The value of last year, "—" where its base is another one."""
    if name in _OTHER_BASE and finite(value) is not None:
        return Cell(DASH, str(reading.words("hospital.no_last")))
    return Cell(number(value, reading.unit(name)))


_OTHER_BASE = ("smr",)
_OTHERS = ("indicator", "value", "last_value", "peer_median")
