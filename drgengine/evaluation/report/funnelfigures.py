"""Funnels (漏斗图): a value against volume, with limits; only hospitals outside the outer limits are named."""

from __future__ import annotations

import re
from typing import Any

from markupsafe import Markup

from drgengine.evaluation.report.figures import (
    GREY,
    INK,
    ORANGE,
    RED,
    SKY,
    WIDTH,
    Figure,
    figure,
    lines,
    padded,
    plain,
    short,
)
from drgengine.evaluation.report.labelplacing import label_annotations, place_labels
from drgengine.evaluation.report.numbers import finite, number
from drgengine.evaluation.report.reading import Reading
from drgengine.evaluation.yearly.result import Funnel

_HEIGHT = 430
# From this dispersion on hospitals differ so much that limits widened by it hold nearly all of them.
_FAR_APART = 5.0
_SPREAD = re.compile("phi|tau2")
_MARGIN = {"l": 62, "r": 20, "t": 56, "b": 52}


def funnels(reading: Reading) -> list[Figure]:
    """All funnels that have a point."""
    shown = (_funnel(reading, one) for one in reading.evaluation.funnels.values() if one.points["value"].notna().any())
    return list(shown)


def outside(one: Funnel) -> dict[Any, str]:
    """Hospital -> "above 99.8" or "below 99.8"."""
    return {key: str(flag) for key, flag in one.points["flag"].items() if str(flag).endswith("99.8")}


def funnel_name(reading: Reading, one: Funnel) -> str:
    """Name of what a funnel shows."""
    named = reading.drawn_name(one.id)
    return named if one.id == "smr" else reading.words.text(one.zh, one.en)


def _funnel(reading: Reading, one: Funnel) -> Figure:
    words, points = reading.words, one.points[one.points["value"].notna()]
    low, high = padded([*points["value"], one.target], 0.15)
    most = max([high, *(value for value in one.curve["high_998"].quantile([0.6]) if finite(value) is not None)])
    least = min([low, *(value for value in one.curve["low_998"].quantile([0.6]) if finite(value) is not None)])
    ranges = [0.0, float(max(points["volume"].max(), 1.0)) * 1.05], [max(least, 0.0) if low >= 0 else least, most]
    if points["value"].min() >= 0 and ranges[1][0] < 0.15 * most:
        ranges[1][0] = -0.03 * most
    data = _curves(reading, one)
    for kind, colour, symbol, size in (
        ("inside", GREY, "circle", 8),
        ("outside_95", ORANGE, "diamond-open", 10),
        ("outside_998", RED, "square", 10),
    ):
        rows = points[[_kind(str(flag)) == kind for flag in points["flag"]]]
        if len(rows):
            data.append(
                {
                    "type": "scatter",
                    "mode": "markers",
                    "name": str(words(f"figure.{kind}")),
                    "x": short(rows["volume"]),
                    "y": short(rows["value"]),
                    "marker": {"color": colour, "symbol": symbol, "size": size, "opacity": 0.85},
                    "hoverinfo": "text",
                    "hovertext": [_hover(reading, one, key) for key in rows.index],
                }
            )
    layout = {
        "xaxis": {"range": short(ranges[0]), "title": {"text": plain(words.text(one.volume_zh, one.volume_en))}},
        "yaxis": {"range": short(ranges[1]), "title": {"text": _value_title(reading, one)}},
        "margin": _MARGIN,
        "showlegend": True,
        "annotations": _names(reading, one, ranges),
    }
    title = words("figure.funnel", name=funnel_name(reading, one))
    data = [trace for trace in data if trace["x"]]
    return figure(f"funnel-{one.id}", title, data, layout, note=_note(reading, one), height=_HEIGHT)


def _value_title(reading: Reading, one: Funnel) -> str:
    unit = reading.words.word("unit", one.unit) if one.unit else ""
    return plain(f"{funnel_name(reading, one)} ({unit})" if unit else funnel_name(reading, one))


def _kind(flag: str) -> str:
    return "outside_998" if flag.endswith("99.8") else "outside_95" if flag.endswith("95") else "inside"


def _curves(reading: Reading, one: Funnel) -> list[dict[str, Any]]:
    volume = short(one.curve["volume"])
    made: list[dict[str, Any]] = []
    for name, colour, dash in (("95", SKY, "dot"), ("998", INK, "solid")):
        for end in ("low", "high"):
            line = {"color": colour, "width": 1.3, "dash": dash}
            made.append(
                {
                    "type": "scatter",
                    "mode": "lines",
                    "name": str(reading.words(f"figure.limit_{name}")),
                    "x": volume,
                    "y": short(one.curve[f"{end}_{name}"]),
                    "line": line,
                    "hoverinfo": "skip",
                    "showlegend": end == "high",
                }
            )
    ends = [volume[0] if volume else 0, volume[-1] if volume else 1]
    centre = {"type": "scatter", "mode": "lines", "name": str(reading.words("figure.centre")), "x": [0, ends[1]]}
    line = {"color": GREY, "width": 1.3, "dash": "dash"}
    made.append(centre | {"y": short([one.target] * 2), "line": line, "hoverinfo": "skip"})
    return made


def _names(reading: Reading, one: Funnel, ranges: tuple[list[float], list[float]]) -> list[dict[str, Any]]:
    points = one.points[one.points["value"].notna()]
    plot = (WIDTH - _MARGIN["l"] - _MARGIN["r"], _HEIGHT - _MARGIN["t"] - _MARGIN["b"])
    (left, right), (bottom, top) = ranges
    places = [
        ((x - left) / (right - left) * plot[0], (1 - (y - bottom) / (top - bottom)) * plot[1], 5.0)
        for x, y in zip(points["volume"], points["value"], strict=True)
    ]
    texts = [reading.short_name(key) for key in points.index]
    far = outside(one)
    order = [at for at, key in enumerate(points.index) if key in far]
    placed = place_labels(places, texts, order, plot)
    values = list(zip(points["volume"], points["value"], strict=True))
    return label_annotations(values, places, texts, placed)


def _hover(reading: Reading, one: Funnel, key: Any) -> str:
    row, words = one.points.loc[key], reading.words
    limits = f"{number(row['low_998'], one.unit)}–{number(row['high_998'], one.unit)}"
    return lines(
        reading.names[key],
        f"{funnel_name(reading, one)}: {number(row['value'], one.unit)}",
        words("figure.limits_hover", limits=limits),
        f"{words.text(one.volume_zh, one.volume_en)}: {number(row['volume'])}",
    )


def _note(reading: Reading, one: Funnel) -> Markup:
    """Who lies outside, in words, and what was allowed for."""
    words, parts = reading.words, []
    for side in ("above", "below"):
        keys = [key for key, flag in outside(one).items() if flag.startswith(side)]
        if keys:
            parts.append(words(f"figure.funnel_{side}", names=reading.links(keys, 12)))
    if not parts:
        parts.append(words("figure.funnel_none"))
    if one.tau2 > 0 or one.phi > 1:
        parts.append(words("figure.overdispersion", phi=number(one.phi)))
    if one.phi > _FAR_APART:
        parts.append(words("figure.far_apart"))
    note = _rest(reading, one)
    return Markup(" ").join([*parts, *([note] if note else [])])


def _rest(reading: Reading, one: Funnel) -> str:
    """The note without what the sentence on overdispersion has said, as a sentence."""
    parts = [part.strip(" 。.") for part in re.split("；|; ", reading.words.text(one.note_zh, one.note_en))]
    kept = [part for part in parts if part and not _SPREAD.search(part)]
    if not kept:
        return ""
    if reading.words.language == "zh":
        return "；".join(kept) + "。"
    text = "; ".join(kept)
    return text[0].upper() + text[1:] + "."
