"""Hospitals as points of two indices (散点图): difficulty by charges, time by charges, breadth by difficulty."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from drgengine.evaluation.report.figures import (
    SERIES,
    SYMBOLS,
    WIDTH,
    Figure,
    brief,
    figure,
    lines,
    padded,
    plain,
    short,
)
from drgengine.evaluation.report.labelplacing import label_annotations, place_labels
from drgengine.evaluation.report.numbers import finite, number
from drgengine.evaluation.report.reading import Reading

_HEIGHT = 500
_MARGIN = {"l": 62, "r": 20, "t": 56, "b": 52}
_MOST_LABELS = 16
_LARGEST = 26.0


def difficulty_by_charges(reading: Reading) -> Figure | None:
    """CMI by charge index, bubbles by total weight, with named quadrants (CMI—费用消耗指数四象限图)."""
    league = reading.evaluation.league
    known = league["total_weight"].notna() & (league["cmi"] > 0)
    weight, cmi = league.loc[known, "total_weight"], league.loc[known, "cmi"]
    benchmark = float(weight.sum() / (weight / cmi).sum()) if len(weight) else 1.0
    return _scatter(
        reading,
        "difficulty",
        ("cmi", "charge_index"),
        (benchmark, 1.0),
        quadrants=("low_costly", "high_costly", "low_frugal", "high_frugal"),
        note=reading.words("figure.difficulty_note", benchmark=number(benchmark, "index")),
    )


def time_by_charges(reading: Reading) -> Figure | None:
    """Time index by charge index (时间—费用消耗指数图)."""
    quadrants = ("short_costly", "long_costly", "short_frugal", "long_frugal")
    note = reading.words("figure.time_note")
    return _scatter(reading, "time", ("time_index", "charge_index"), (1.0, 1.0), quadrants=quadrants, note=note)


def breadth_by_difficulty(reading: Reading) -> Figure | None:
    """Number of DRGs by CMI (DRG组数—CMI图)."""
    note = reading.words("figure.breadth_note")
    return _scatter(reading, "breadth", ("drg_count", "cmi"), (None, None), quadrants=(), note=note)


def _scatter(
    reading: Reading,
    name: str,
    axes: tuple[str, str],
    at: tuple[float | None, float | None],
    *,
    quadrants: Sequence[str],
    note: Any,
) -> Figure | None:
    league = reading.evaluation.league
    keys = [key for key in league.index if all(finite(league.at[key, axis]) is not None for axis in axes)]
    if len(keys) < 2:
        return None
    xs, ys = ([float(league.at[key, axis]) for key in keys] for axis in axes)
    at_lines = [[] if line is None else [line] for line in at]
    ranges = [padded([*values, *line], 0.1) for values, line in zip((xs, ys), at_lines, strict=True)]
    weight = np.nan_to_num(league.loc[keys, "total_weight"].to_numpy(float), nan=0.0)
    sizes = np.maximum(2.0 * _LARGEST * np.sqrt(weight / max(weight.max(), 1e-9)), 6.0)
    if len(keys) > 60:
        sizes = np.maximum(sizes * 0.6, 5.0)
    plot = (WIDTH - _MARGIN["l"] - _MARGIN["r"], _HEIGHT - _MARGIN["t"] - _MARGIN["b"])
    labels = _labels(reading, keys, (xs, ys), sizes, ranges, plot)
    data = [
        _group(reading, number_, group, keys, (xs, ys), sizes, axes) for number_, group in enumerate(reading.groups)
    ]
    layout: dict[str, Any] = {
        "xaxis": {"range": short(ranges[0]), "title": {"text": plain(reading.indicator(axes[0]))}},
        "yaxis": {"range": short(ranges[1]), "title": {"text": plain(reading.indicator(axes[1]))}},
        "margin": _MARGIN,
        "showlegend": True,
        "legend": {"itemsizing": "constant"},
        "shapes": _crosshair(at),
        "annotations": [*_quadrant_names(reading, quadrants), *labels],
    }
    title = reading.words(f"figure.{name}")
    return figure(f"scatter-{name}", title, [one for one in data if one["x"]], layout, note=note, height=_HEIGHT)


def _group(
    reading: Reading, at: int, group: str, keys: list[Any], values: Any, sizes: Any, axes: tuple[str, str]
) -> dict[str, Any]:
    league = reading.evaluation.league
    rows = [row for row, key in enumerate(keys) if str(league.at[key, "peer_group"]) == group]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": plain(reading.group_name(group)),
        "x": short(values[0][row] for row in rows),
        "y": short(values[1][row] for row in rows),
        "marker": {
            "size": short((sizes[row] for row in rows), 3),
            "color": SERIES[at % len(SERIES)],
            "symbol": SYMBOLS[at % len(SYMBOLS)],
            "opacity": 0.65,
            "line": {"width": 1, "color": "#ffffff"},
        },
        "hoverinfo": "text",
        "hovertext": [_hover(reading, keys[row], axes) for row in rows],
    }


def _hover(reading: Reading, key: Any, axes: tuple[str, str]) -> str:
    league = reading.evaluation.league
    shown = [f"{reading.indicator(axis)}: {number(league.at[key, axis], reading.unit(axis))}" for axis in axes]
    weight = f"{reading.indicator('total_weight')}: {number(league.at[key, 'total_weight'])}"
    return lines(f"{reading.names[key]} ({reading.group_name(league.at[key, 'peer_group'])})", *shown, weight)


def _labels(
    reading: Reading, keys: list[Any], values: Any, sizes: Any, ranges: list[list[float]], plot: tuple[int, int]
) -> list[dict[str, Any]]:
    """Names beside points, outermost first, as far as there is room."""
    across = [_share(values[0][row], ranges[0]) for row in range(len(keys))]
    down = [1.0 - _share(values[1][row], ranges[1]) for row in range(len(keys))]
    points = [(across[row] * plot[0], down[row] * plot[1], float(sizes[row]) / 2.0) for row in range(len(keys))]
    middle = float(np.median(across)), float(np.median(down))
    far = [-max(abs(across[row] - middle[0]), abs(down[row] - middle[1])) for row in range(len(keys))]
    order = sorted(range(len(keys)), key=lambda row: (far[row], row))[:_MOST_LABELS]
    texts = [reading.short_name(key) for key in keys]
    placed = place_labels(points, texts, order, plot)
    return label_annotations(list(zip(*values, strict=True)), points, texts, placed)


def _share(value: float, ends: list[float]) -> float:
    return (value - ends[0]) / (ends[1] - ends[0])


def _crosshair(at: tuple[float | None, float | None]) -> list[dict[str, Any]]:
    line = {"type": "line", "layer": "below", "line": {"color": "#5b6673", "width": 1.2, "dash": "dash"}}
    found = []
    if at[0] is not None:
        found.append(line | {"x0": brief(at[0]), "x1": brief(at[0]), "yref": "paper", "y0": 0, "y1": 1})
    if at[1] is not None:
        found.append(line | {"y0": brief(at[1]), "y1": brief(at[1]), "xref": "paper", "x0": 0, "x1": 1})
    return found


def _quadrant_names(reading: Reading, quadrants: Sequence[str]) -> list[dict[str, Any]]:
    corners = (("left", "top"), ("right", "top"), ("left", "bottom"), ("right", "bottom"))
    return [
        {
            "xref": "paper",
            "yref": "paper",
            "x": 0.01 if across == "left" else 0.99,
            "y": 0.985 if along == "top" else 0.015,
            "xanchor": across,
            "yanchor": along,
            "showarrow": False,
            "text": str(reading.words(f"quadrant.{name}")),
            "font": {"size": 13, "color": "#5b6673"},
            "bgcolor": "rgba(255,255,255,0.7)",
        }
        for name, (across, along) in zip(quadrants, corners, strict=False)
    ]
