"""Figures of ranks (位次图): rank intervals, ranks of two years, shrunk values."""

from __future__ import annotations

from typing import Any

import pandas as pd

from drgengine.evaluation.report.figures import (
    BLUE,
    GREY,
    INK,
    MOST_ROWS,
    RED,
    ROW,
    SERIES,
    Figure,
    chunks,
    figure,
    label,
    left_margin,
    lines,
    padded,
    plain,
    short,
    text_width,
    wrapped,
)
from drgengine.evaluation.report.numbers import chance, finite, number, span
from drgengine.evaluation.report.reading import Reading

REAL = 0.9
_ROOM = 250.0
_SIDE = 150.0
_NAMES = 11.0
_TALL = 30


def rank_intervals(reading: Reading) -> list[Figure]:
    """Rank and interval of each hospital (位次区间图), one figure per peer group of at least two, cut into parts."""
    found = []
    for number_, group in enumerate(reading.groups):
        ranked = reading.ranked(group)
        parts = chunks(ranked) if len(ranked) > 1 else []
        for at, part in enumerate(parts):
            title = reading.words("figure.ranks", group=reading.group_name(group), part=_part(reading, at, len(parts)))
            found.append(_ranks(reading, f"ranks-{number_}-{at}", title, part, len(ranked)))
    return found


def _part(reading: Reading, at: int, parts: int) -> str:
    return str(reading.words("figure.part", at=at + 1, parts=parts)) if parts > 1 else ""


def _ranks(reading: Reading, name: str, title: Any, hospitals: Any, size: int) -> Figure:
    words, league = reading.words, reading.evaluation.league
    classes = list(reading.evaluation.plan.classes.names)
    data = []
    for at, one in enumerate([*classes, ""]):
        rows = [number_ for number_, key in enumerate(hospitals) if str(league.at[key, "class"] or "") == one]
        if not rows:
            continue
        keys = [hospitals[row] for row in rows]
        rank = [float(league.at[key, "rank"]) for key in keys]
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": plain(str(words("league.class_name", name=one) if one else words("league.not_separable"))),
                "x": short(rank),
                "y": rows,
                "error_x": _bars(rank, league.loc[keys, "rank_low"], league.loc[keys, "rank_high"], _colour(at, one)),
                "marker": _marker(at, one),
                "hoverinfo": "text",
                "hovertext": [_rank_text(reading, key) for key in keys],
            }
        )
    layout = rows_layout([reading.labels[key] for key in hospitals])
    layout["xaxis"] = {
        "range": [0.5, size + 0.5],
        "dtick": max(1, round(size / 12)),
        "tick0": 1,
        "title": {"text": str(words("figure.rank_axis", level=reading.level))},
    }
    layout["showlegend"] = True
    return figure(name, title, data, layout, height=len(hospitals) * ROW + 84)


def _colour(at: int, name: str) -> str:
    return SERIES[at % 6] if name else GREY


def _marker(at: int, name: str) -> dict[str, Any]:
    """Filled signs for classes, an empty circle where there is none."""
    if not name:
        return {"symbol": "circle", "size": 9, "color": "#ffffff", "line": {"color": GREY, "width": 2}}
    symbol = ("diamond", "square", "triangle-down", "cross", "star", "hexagon")[at % 6]
    return {"symbol": symbol, "size": 9, "color": _colour(at, name)}


def _bars(middle: list[float], low: pd.Series, high: pd.Series, colour: str) -> dict[str, Any]:
    return {
        "type": "data",
        "symmetric": False,
        "array": short(max(0.0, float(end) - x) for x, end in zip(middle, high, strict=True)),
        "arrayminus": short(max(0.0, x - float(end)) for x, end in zip(middle, low, strict=True)),
        "thickness": 2,
        "width": 3,
        "color": colour,
    }


def _rank_text(reading: Reading, key: Any) -> str:
    row, words = reading.evaluation.league.loc[key], reading.words
    interval = span(row["rank_low"], row["rank_high"], 0)
    return lines(
        reading.names[key],
        words("figure.rank_hover", rank=number(row["rank"]), interval=interval, level=reading.level),
        words("figure.score_hover", score=number(row["score"], "points"), interval=_score_span(row)),
    )


def _score_span(row: pd.Series) -> str:
    return span(row.get("score_low"), row.get("score_high"))


def rows_layout(names: list[str]) -> dict[str, Any]:
    """Hospitals from top to bottom, with room for their names."""
    shown = [label(name, _ROOM, _NAMES) for name in names]
    return {
        "yaxis": {
            "range": [len(names) - 0.4, -0.6],
            "tickmode": "array",
            "tickvals": list(range(len(names))),
            "ticktext": shown,
            "ticks": "",
            "tickfont": {"size": _NAMES},
            "showline": False,
        },
        "margin": {"l": min(left_margin(names, _NAMES), int(_ROOM) + 20), "r": 16, "t": 30, "b": 46},
    }


def rank_changes(reading: Reading) -> list[Figure]:
    """Rank last year and this year (位次变化图), the latter with its interval; one figure per peer group."""
    found = []
    league, column = reading.evaluation.league, end_column(reading)
    for at, group in enumerate(reading.groups):
        both = [key for key in reading.ranked(group) if finite(league.at[key, "previous_rank"]) is not None]
        both = [key for key in both if finite(league.at[key, column]) is not None]
        if len(both) < 2:
            continue
        moved = sorted(both, key=lambda key: -abs(league.at[key, "previous_rank"] - league.at[key, column]))
        shown = set(moved[:MOST_ROWS])
        title = reading.words("figure.changes", group=reading.group_name(group))
        note = reading.words("figure.changes_cut", n=MOST_ROWS, count=len(both)) if len(both) > MOST_ROWS else ""
        found.append(_slopes(reading, f"changes-{at}", title, note, [key for key in both if key in shown]))
    return found


def end_column(reading: Reading) -> str:
    """The rank that compares with the previous one: over the indicators of both years where there is one."""
    table = reading.evaluation.league
    return (
        "comparable_rank" if "comparable_rank" in table.columns and table["comparable_rank"].notna().any() else "rank"
    )


def _slopes(reading: Reading, name: str, title: Any, note: Any, keys: list[Any]) -> Figure:
    league, column = reading.evaluation.league, end_column(reading)
    before = sorted(keys, key=lambda key: (league.at[key, "previous_rank"], keys.index(key)))
    now = sorted(keys, key=lambda key: (league.at[key, column], keys.index(key)))
    left, right = ({key: place for place, key in enumerate(order)} for order in (before, now))
    data: list[dict[str, Any]] = []
    for kind, colour, dash, width in (
        ("better", BLUE, "solid", 2.5),
        ("worse", RED, "dash", 2.5),
        ("unclear", GREY, "solid", 1.0),
    ):
        chosen = [key for key in keys if _move(league.at[key, "p_improved"]) == kind]
        if not chosen:
            continue
        xs: list[Any] = [value for _ in chosen for value in (0, 1, None)]
        ys = [value for key in chosen for value in (left[key], right[key], None)]
        texts = [text for key in chosen for text in (*[_change_text(reading, key)] * 2, "")]
        line = {"color": colour, "dash": dash, "width": width}
        shown = {"name": str(reading.words(f"figure.{kind}")), "hoverinfo": "text", "hovertext": texts}
        marker = {"size": 7, "color": colour}
        data.append(
            {"type": "scatter", "mode": "lines+markers", "x": xs, "y": ys, "line": line, "marker": marker} | shown
        )
    data.append(_now_bars(reading, now, right))
    shown = {key: wrapped(reading.labels[key], _SIDE, _NAMES) for key in keys}
    names = [f"{number(league.at[key, 'previous_rank'])}  {shown[key]}" for key in before]
    others = [f"{number(league.at[key, column])}  {shown[key]}" for key in now]
    row = _TALL if any("<br>" in text for text in shown.values()) else ROW
    return figure(name, title, data, _slope_layout(reading, names, others), note=note, height=len(keys) * row + 88)


def _now_bars(reading: Reading, now: list[Any], place: dict[Any, int]) -> dict[str, Any]:
    """The interval of this year's rank beside its point, in places of the figure."""
    league = reading.evaluation.league
    ranks = [float(league.at[key, end_column(reading)]) for key in now]

    def at(rank: float) -> int:
        return min(range(len(ranks)), key=lambda number_: (abs(ranks[number_] - rank), number_))

    xs, ys = [], []
    for number_, key in enumerate(now):
        low, high = finite(league.at[key, "rank_low"]), finite(league.at[key, "rank_high"])
        if low is not None and high is not None:
            x = 1.04 + 0.16 * (number_ % 8) / 8
            xs += [x, x, None]
            ys += [min(at(low), place[key]), max(at(high), place[key]), None]
    return {
        "type": "scatter",
        "mode": "lines",
        "x": short(xs),
        "y": ys,
        "line": {"color": "#b4bcc6", "width": 3},
        "yaxis": "y2",
        "name": str(reading.words("figure.interval_now", level=reading.level)),
        "hoverinfo": "skip",
    }


def _slope_layout(reading: Reading, left: list[str], right: list[str]) -> dict[str, Any]:
    plan = reading.evaluation.plan
    common: dict[str, Any] = {"range": [len(left) - 0.4, -0.6], "tickmode": "array", "tickvals": list(range(len(left)))}
    common |= {"ticks": "", "showline": False, "showgrid": False, "tickfont": {"size": _NAMES}}
    widest = [max(text_width(part, _NAMES) for text in texts for part in text.split("<br>")) for texts in (left, right)]
    room = [min(int(width) + 16, int(_SIDE) + 40) for width in widest]
    return {
        "xaxis": {
            "range": [-0.03, 1.24],
            "tickvals": [0, 1],
            "ticktext": [plain(str(plan.previous)), plain(plan.current)],
            "showgrid": False,
        },
        "yaxis": common | {"ticktext": left},
        "yaxis2": common | {"ticktext": right, "overlaying": "y", "side": "right"},
        "margin": {"l": room[0], "r": room[1], "t": 50, "b": 28},
        "showlegend": True,
    }


def _move(probability: Any) -> str:
    found = finite(probability)
    if found is None:
        return "unclear"
    return "better" if found >= REAL else "worse" if found <= 1.0 - REAL else "unclear"


def _change_text(reading: Reading, key: Any) -> str:
    row, words = reading.evaluation.league.loc[key], reading.words
    now = row[end_column(reading)]
    ranks = f"{number(row['previous_rank'])} → {number(now)} ({span(row['rank_low'], row['rank_high'], 0)})"
    return lines(reading.names[key], ranks, words("figure.p_improved", p=chance(row["p_improved"])))


def shrunk_values(reading: Reading) -> list[Figure]:
    """Shrunk values with intervals (收缩估计图), one figure per indicator; without names where there are many."""
    table = reading.evaluation.shrunk
    found = []
    for name in dict.fromkeys(table["indicator"]) if len(table) else ():
        rows = table[(table["indicator"] == name) & table["shrunk"].notna()].sort_values("shrunk", kind="stable")
        rows = rows[rows["hospital_id"].isin(reading.evaluation.hospitals.index)]
        if len(rows):
            found.append(_shrunk(reading, str(name), rows))
    return found


def _shrunk(reading: Reading, name: str, rows: pd.DataFrame) -> Figure:
    words, unit = reading.words, reading.unit(name)
    many = len(rows) > MOST_ROWS
    along, across = ("x", "y") if many else ("y", "x")
    middle = float(rows["shrunk"].mean())
    place = list(range(len(rows)))
    data: list[dict[str, Any]] = []
    for kind, low, high, symbol, colour in (
        ("firm", 0.7, 2.0, "circle", BLUE),
        ("marked", 0.4, 0.7, "circle-open", BLUE),
        ("weak", -1.0, 0.4, "x-thin-open", GREY),
    ):
        chosen = [at for at in place if low <= (finite(rows["reliability"].iloc[at]) or 0.0) < high]
        part = rows.iloc[chosen]
        if not chosen:
            continue
        values = [float(value) for value in part["shrunk"]]
        bars = _bars(values, part["low"], part["high"], colour) | {"width": 0 if many else 3}
        bars["thickness"] = 1 if many else 2
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": str(words(f"figure.reliability_{kind}")),
                along: chosen,
                across: short(values),
                f"error_{across}": bars,
                "marker": {"symbol": symbol, "color": colour, "size": 5 if many else 9},
                "hoverinfo": "text",
                "hovertext": [_shrunk_text(reading, row, unit) for _, row in part.iterrows()],
            }
        )
    raw: dict[str, Any] = {"type": "scatter", "mode": "markers", "name": str(words("figure.raw")), along: place}
    raw |= {across: short(rows["raw"]), "marker": {"symbol": "line-ns-open" if not many else "line-ew-open"}}
    raw["marker"] |= {"color": RED, "size": 5 if many else 9, "line": {"width": 1.5}}
    data.append(raw | {"hoverinfo": "skip"})
    title = words("figure.shrunk", name=reading.drawn_name(name))
    ends: dict[str, Any] = {"title": {"text": plain(f"{reading.drawn_name(name)} ({reading.unit_word(name)})")}}
    ends["range"] = padded([*rows["low"], *rows["high"], *rows["raw"]])
    line = {"type": "line", f"{across}0": middle, f"{across}1": middle, f"{along}ref": "paper"}
    shape = line | {f"{along}0": 0, f"{along}1": 1, "line": {"color": INK, "width": 1, "dash": "dot"}}
    layout = _many_layout(reading, len(rows)) if many else rows_layout([reading.labels[k] for k in rows["hospital_id"]])
    layout[f"{across}axis"] = ends
    layout |= {"shapes": [shape], "showlegend": True}
    height = 360 if many else len(rows) * ROW + 84
    return figure(f"shrunk-{name}", title, data, layout, note=words("figure.shrunk_note"), height=height)


def _many_layout(reading: Reading, count: int) -> dict[str, Any]:
    title = {"text": str(reading.words("figure.shrunk_order", n=count))}
    return {"xaxis": {"range": [-1, count], "showticklabels": False, "ticks": "", "showgrid": False, "title": title}}


def _shrunk_text(reading: Reading, row: pd.Series, unit: str) -> str:
    words = reading.words
    interval = f"{number(row['low'], unit)}–{number(row['high'], unit)}"
    return lines(
        reading.names[row["hospital_id"]],
        words("figure.shrunk_hover", value=number(row["shrunk"], unit), interval=interval),
        words("figure.raw_hover", value=number(row["raw"], unit), reliability=number(row["reliability"])),
    )
