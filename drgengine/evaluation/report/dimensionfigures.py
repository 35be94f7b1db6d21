"""Figures of points (得分图): hospital x indicator, dimensions by peer group, radar and waterfall of a hospital."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from drgengine.evaluation.report.figures import (
    BLUE,
    GREEN,
    GREY,
    INK,
    RED,
    SERIES,
    SYMBOLS,
    Figure,
    brief,
    chunks,
    figure,
    label,
    left_margin,
    lines,
    plain,
    short,
    two_lines,
)
from drgengine.evaluation.report.numbers import finite, number, signed
from drgengine.evaluation.report.reading import Reading

_HALF, _LOW = 336, 270
_REMAINDER = 0.05
_HEAT_ROW, _HEAT_NAMES = 17, 225.0
_SCALE = Markup('0 <span class="scale"></span> 100')


def points_by_hospital(reading: Reading) -> list[Figure]:
    """Points of every hospital and indicator (得分热力图), one figure per peer group, cut into parts."""
    table = reading.evaluation.scores.contributions
    points = table.pivot(index="hospital_id", columns="indicator", values="points")
    names = [name for name in dict.fromkeys(table["indicator"]) if points[name].notna().any()]
    found = []
    for number_, group in enumerate(reading.groups):
        keys = [key for key in reading.groups[group] if key in points.index]
        parts = chunks(keys)
        for at, part in enumerate(parts):
            extra = str(reading.words("figure.part", at=at + 1, parts=len(parts))) if len(parts) > 1 else ""
            title = reading.words("figure.heat", group=reading.group_name(group), part=extra)
            found.append(_heat(reading, f"heat-{number_}-{at}", title, points.loc[part, names]))
    return found


def _heat(reading: Reading, name: str, title: Any, points: pd.DataFrame) -> Figure:
    words = reading.words
    hospitals, indicators = [reading.labels[key] for key in points.index], [reading.indicator(one) for one in points]
    size = 11.0 if len(indicators) <= 36 else 9.0
    shown = [label(one, 150.0, size) for one in indicators]
    trace = {
        "type": "heatmap",
        "z": [[brief(value, 3) for value in row] for row in points.to_numpy()],
        "zmin": 0,
        "zmax": 100,
        "colorscale": [[0, "#7f3b08"], [0.35, "#f1a340"], [0.6, "#f7f7f7"], [0.8, "#92c5de"], [1, "#053061"]],
        "xgap": 1,
        "ygap": 1,
        "hoverinfo": "text",
        "meta": {"rows": [plain(one) for one in hospitals], "columns": [plain(one) for one in indicators]},
        "hoverongaps": False,
        "showscale": False,
    }
    rows = len(hospitals)
    layout = {
        "xaxis": {"tickvals": list(range(len(shown))), "ticktext": shown, "tickangle": -90, "tickfont": {"size": size}}
        | {"ticks": "", "showgrid": False, "side": "bottom", "showline": False},
        "yaxis": {"tickvals": list(range(rows)), "ticktext": [label(one, _HEAT_NAMES, 10.0) for one in hospitals]}
        | {"range": [rows - 0.5, -0.5], "ticks": "", "showgrid": False, "showline": False, "tickfont": {"size": 10}},
        "margin": {"l": min(left_margin(hospitals, 10.0), int(_HEAT_NAMES) + 16), "r": 10, "t": 8, "b": 158},
    }
    return figure(
        name,
        title,
        [trace],
        layout,
        note=words("figure.heat_note", scale=_SCALE),
        height=rows * _HEAT_ROW + 166,
    )


def dimensions_by_group(reading: Reading) -> Figure | None:
    """Dimension scores of all hospitals, by peer group, with medians (维度比较图)."""
    table, tree = reading.evaluation.scores.dimensions, reading.evaluation.tree
    groups = [group for group in reading.groups if table.loc[reading.groups[group]].notna().any().any()]
    if not groups:
        return None
    data: list[dict[str, Any]] = []
    for at, group in enumerate(groups):
        keys = reading.groups[group]
        colour = SERIES[at % len(SERIES)]
        xs: list[float] = []
        ys: list[float] = []
        texts, medians = [], []
        for row, one in enumerate(tree.dimensions):
            place = row + (at - (len(groups) - 1) / 2) * 0.8 / len(groups)
            values = table.loc[keys, one.id].dropna()
            xs += [float(value) for value in values]
            ys += [place] * len(values)
            texts += [
                lines(
                    f"{reading.names[key]} ({reading.group_name(group)})",
                    f"{reading.words.text(one.zh, one.en)}: {number(value, 'points')}",
                )
                for key, value in values.items()
            ]
            medians.append((float(values.median()) if len(values) else None, place))
        marker: dict[str, Any] = {"color": colour, "symbol": SYMBOLS[at % len(SYMBOLS)], "size": 7, "opacity": 0.6}
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": plain(reading.group_name(group)),
                "x": short(xs, 4),
                "y": short(ys),
            }
            | {"marker": marker, "hoverinfo": "text", "hovertext": texts, "legendgroup": str(at)}
        )
        bar = {"symbol": "line-ns", "size": 16, "line": {"width": 3, "color": colour}}
        data.append(
            {"type": "scatter", "mode": "markers", "x": short(value for value, _ in medians)}
            | {"y": short(place for _, place in medians), "marker": bar, "hoverinfo": "skip"}
            | {"showlegend": False, "legendgroup": str(at)}
        )
    names = [reading.words.text(one.zh, one.en) for one in tree.dimensions]
    layout = {
        "xaxis": {"range": [-2, 102], "title": {"text": str(reading.words("figure.dimension_axis"))}},
        "yaxis": {"range": [len(names) - 0.5, -0.5], "tickvals": list(range(len(names)))}
        | {"ticktext": [label(name, 150.0) for name in names], "ticks": "", "showgrid": False},
        "shapes": [
            {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": at + 0.5, "y1": at + 0.5}
            | {"line": {"color": "#e3e7ec", "width": 1}}
            for at in range(len(names) - 1)
        ],
        "margin": {"l": min(left_margin(names), 170), "r": 16, "t": 40, "b": 46},
        "showlegend": True,
    }
    height = len(names) * max(40, 14 * len(groups)) + 96
    title, note = reading.words("figure.dimensions"), reading.words("figure.dimensions_note")
    return figure("dimensions", title, data, layout, note=note, height=height)


def radar(reading: Reading, hospital: Any) -> Figure | None:
    """The dimensions of a hospital against the median of its peers (雷达图)."""
    table, words = reading.evaluation.scores.dimensions, reading.words
    own = table.loc[hospital]
    if not own.notna().any():
        return None
    group = reading.evaluation.league.at[hospital, "peer_group"]
    peers = reading.evaluation.hospitals.index[(reading.evaluation.league["peer_group"] == group).to_numpy()]
    median = table.loc[peers].median()
    names = [two_lines(words.text(one.zh, one.en)) for one in reading.evaluation.tree.dimensions]
    data = []
    for name, values, colour, dash, fill in (
        (str(words("hospital.peer_median")), median, GREY, "dash", "none"),
        (str(words("hospital.own")), own, BLUE, "solid", "toself"),
    ):
        r = [brief(values[one.id], 3) for one in reading.evaluation.tree.dimensions]
        data.append(
            {
                "type": "scatterpolar",
                "mode": "lines+markers",
                "name": name,
                "r": [*r, r[0]],
                "theta": [*names, names[0]],
            }
            | {"line": {"color": colour, "dash": dash, "width": 2}, "marker": {"size": 5}, "fill": fill}
            | ({"fillcolor": "rgba(0,114,178,0.12)"} if fill == "toself" else {})
        )
    layout = {
        "polar": {
            "radialaxis": {"range": [0, 100], "tickvals": [20, 40, 60, 80, 100], "tickfont": {"size": 9}}
            | {"gridcolor": "#e3e7ec", "showline": False, "angle": 90, "tickangle": 90},
            "angularaxis": {"direction": "clockwise", "rotation": 90, "gridcolor": "#e3e7ec", "tickfont": {"size": 11}},
        },
        "margin": {"l": 74, "r": 74, "t": 38, "b": 54},
        "showlegend": True,
        "legend": {"y": -0.16, "x": 0.5, "xanchor": "center", "yanchor": "top", "font": {"size": 11}},
    }
    name = f"radar-{reading.anchors[hospital]}"
    return figure(name, words("figure.radar"), data, layout, height=_LOW, width=_HALF)


def waterfall(reading: Reading, hospital: Any) -> Figure | None:
    """From the score of last year to that of this one, by dimension (得分变化瀑布图).

    The steps compare the indicators of both years; one more leads to the score over all indicators of this year.
    """
    found = score_steps(reading, hospital)
    if found is None:
        return None
    first, steps, rest, last = found
    words = reading.words
    names = [words.text(one.zh, one.en) for one in reading.evaluation.tree.dimensions if one.id in steps]
    values = list(steps.values())
    if abs(rest) > _REMAINDER:
        names, values = [*names, str(words("hospital.remainder"))], [*values, rest]
    starts = first + np.concatenate([[0.0], np.cumsum(values)])
    labels = [str(words("hospital.last_score")), *names, str(words("hospital.this_score"))]
    low, high = float(min([*starts, last])), float(max([*starts, last]))
    room = max((high - low) * 0.28, 1.0)
    trace = {
        "type": "waterfall",
        "orientation": "h",
        "measure": ["absolute", *["relative"] * len(values), "total"],
        "y": list(range(len(labels))),
        "x": short([first, *values, 0.0]),
        "text": [number(first, "points"), *(signed(value) for value in values), number(last, "points")],
        "textposition": "outside",
        "textfont": {"size": 11},
        "increasing": {"marker": {"color": GREEN}},
        "decreasing": {"marker": {"color": RED}},
        "totals": {"marker": {"color": INK}},
        "connector": {"line": {"color": GREY, "width": 1}},
        "hoverinfo": "skip",
        "cliponaxis": False,
    }
    layout = {
        "xaxis": {"range": short([low - room, high + room]), "nticks": 5},
        "yaxis": {"range": [len(labels) - 0.4, -0.6], "tickvals": list(range(len(labels)))}
        | {"ticktext": [two_lines(name, 116.0, 10.0) for name in labels], "ticks": "", "showgrid": False}
        | {"tickfont": {"size": 10}},
        "margin": {"l": min(left_margin(labels, 10.0), 126), "r": 14, "t": 12, "b": 28},
    }
    name = f"waterfall-{reading.anchors[hospital]}"
    return figure(name, words("figure.waterfall"), [trace], layout, height=_LOW, width=_HALF)


def score_steps(reading: Reading, hospital: Any) -> tuple[float, dict[str, float], float, float] | None:
    """First score, dimension -> change over the indicators of both years, what is left, last score.

    What is left are the indicators that only one of the years has; None where a year has no score.
    """
    now, before = reading.evaluation.scores, reading.evaluation.previous_scores
    if before is None or hospital not in before.table.index:
        return None
    last = finite(now.table.at[hospital, "score"])
    first = finite(before.table.at[hospital, "score"])
    common = finite(reading.league(hospital, "previous_comparable_score"))
    if first is None or last is None:
        return None
    tables = [table.get(hospital) for table in (reading.earlier_contributions, reading.contributions)]
    if common is not None and tables[0] is not None and tables[1] is not None:
        tables, first = _in_both(tables[0], tables[1]), common
    sums = [{} if rows is None else rows.groupby("dimension")["contribution"].sum().to_dict() for rows in tables]
    names = [one.id for one in reading.evaluation.tree.dimensions if one.id in sums[0] or one.id in sums[1]]
    steps = {name: float(sums[1].get(name, 0.0) - sums[0].get(name, 0.0)) for name in names}
    return first, steps, last - first - sum(steps.values()), last


def _in_both(before: pd.DataFrame, now: pd.DataFrame) -> list[pd.DataFrame | None]:
    """Contributions of both years over the indicators that have points in both, under this year's weights."""
    names = [name for name in now.index if name in before.index]
    names = [name for name in names if pd.notna(now.at[name, "points"]) and pd.notna(before.at[name, "points"])]
    weight = now.loc[names, "weight"] / now.loc[names, "weight"].sum()
    return [table.loc[names].assign(contribution=table.loc[names, "points"] * weight) for table in (before, now)]
