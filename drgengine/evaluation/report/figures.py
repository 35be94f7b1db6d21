"""Figures for plotly as plain data (图形数据): what all of them share, names made safe, JSON made short."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from drgengine.evaluation.report.numbers import finite

# Okabe and Ito: told apart with every kind of colour vision.
BLUE, RED, GREEN, ORANGE, SKY, PURPLE, GREY, INK = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#E69F00",
    "#56B4E9",
    "#CC79A7",
    "#8a8f98",
    "#1f2933",
)
# Orange dark enough for thin lines on white.
DARK = "#a35a00"
SERIES = (BLUE, ORANGE, GREEN, PURPLE, SKY, RED, INK, GREY)
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "star", "hexagon", "x")
WIDTH = 680
ROW = 19
MOST_ROWS = 40
FONT = '"Noto Sans CJK SC","Microsoft YaHei","PingFang SC","WenQuanYi Zen Hei",sans-serif'
_AXIS = {
    "gridcolor": "#e3e7ec",
    "linecolor": "#9aa3ad",
    "showline": True,
    "ticks": "outside",
    "ticklen": 4,
    "tickcolor": "#9aa3ad",
    "zeroline": False,
    "automargin": False,
    "fixedrange": True,
    "title": {"standoff": 8},
}
# Put below every figure once, by the script of the page.
BASE = {
    "layout": {
        "width": WIDTH,
        "font": {"family": FONT, "size": 12, "color": INK},
        "paper_bgcolor": "#ffffff",
        "plot_bgcolor": "#ffffff",
        "hovermode": "closest",
        "hoverlabel": {"align": "left", "font": {"family": FONT, "size": 12}},
        "dragmode": False,
        "showlegend": False,
        "legend": {"orientation": "h", "x": 0, "xanchor": "left", "y": 1, "yanchor": "bottom"},
        "margin": {"l": 60, "r": 16, "t": 30, "b": 46, "pad": 0},
    },
    "axis": _AXIS,
    "config": {"displayModeBar": False, "staticPlot": False, "responsive": False, "displaylogo": False},
}


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of the page. title : caption in the language   note : how to read it   json : data and layout"""

    id: str
    title: str | Markup
    note: str | Markup
    json: Markup
    width: int
    height: int


def figure(
    name: str,
    title: str | Markup,
    data: Sequence[Mapping[str, Any]],
    layout: Mapping[str, Any],
    *,
    note: str | Markup = "",
    height: int = 400,
    width: int = WIDTH,
) -> Figure:
    """A figure from traces and layout; what all share is in BASE."""
    sides: Mapping[str, Any] = layout.get("margin", {})
    if layout.get("showlegend") and "x" not in layout.get("legend", {}):
        # The legend starts at the left edge of the figure, beyond the labels of the axis.
        left, plot = sides.get("l", 60), width - sides.get("l", 60) - sides.get("r", 16)
        layout = {**layout, "legend": {**layout.get("legend", {}), "x": round((8 - left) / plot, 4)}}
    whole = {"data": list(data), "layout": {**layout, "height": height, "width": width}}
    return Figure(name, title, note, script_json(whole), width, height)


def script_json(value: Any) -> Markup:
    """JSON that may stand inside a script element: "<" is written as a Unicode escape.

    >>> script_json({"name": "</script>"})
    Markup('{"name":"\\\\u003c/script>"}')
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029"))


def short(values: Iterable[Any], digits: int = 5) -> list[float | int | None]:
    """Numbers with few digits, None where there is none; so that the file stays small.

    >>> short([1.23456789, float("nan"), 3.0])
    [1.2346, None, 3]
    """
    return [brief(value, digits) for value in values]


def brief(value: Any, digits: int = 5) -> float | int | None:
    """One number with few digits."""
    found = finite(value)
    if found is None:
        return None
    cut = float(f"{found:.{digits}g}")
    return int(cut) if cut == int(cut) and abs(cut) < 1e15 else cut


def plain(text: str) -> str:
    """A text as plotly shows it literally: it reads <b> and &lt; in labels.

    >>> plain("A<b>&")
    'A&lt;b&gt;&amp;'
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def lines(*parts: str | Markup) -> str:
    """Several lines of a hover text; parts are names or numbers and shown literally."""
    return "<br>".join(plain(Markup(part).unescape() if isinstance(part, Markup) else part) for part in parts if part)


def text_width(text: str, size: float = 12.0) -> float:
    """Pixels a label takes: a Chinese character is as wide as it is high."""
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    return size * (wide + 0.56 * (len(text) - wide))


def label(text: str, most: float = 170.0, size: float = 12.0) -> str:
    """A label cut to a width, made safe.

    >>> label("第一人民医院", 50.0)
    '第一人…'
    """
    if text_width(text, size) <= most:
        return plain(text)
    while text and text_width(text + "…", size) > most:
        text = text[:-1]
    return plain(text + "…")


def cut_to(text: str, most: int) -> str:
    """A text cut to a number of letters; a Chinese character counts as two.

    >>> cut_to("Central Hospital", 9), cut_to("第一人民医院", 8), cut_to("第一人民医院", 12)
    ('Central …', '第一人…', '第一人民医院')
    """
    if _letters(text) <= most:
        return text
    while text and _letters(text) >= most:
        text = text[:-1]
    return text + "…"


def _letters(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def wrapped(text: str, most: float, size: float = 12.0) -> str:
    """A label on one line where it fits a width, else on two, each cut to it; made safe.

    >>> wrapped("Maternal and Child Health Hospital", 130.0), wrapped("第一人民医院", 130.0)
    ('Maternal and Child<br>Health Hospital', '第一人民医院')
    """
    if text_width(text, size) <= most:
        return plain(text)
    gaps = [at for at, letter in enumerate(text) if letter == " "] or list(range(1, len(text)))
    at = min(gaps, key=lambda place: abs(text_width(text[:place], size) - text_width(text, size) / 2.0))
    return f"{label(text[:at].strip(), most, size)}<br>{label(text[at:].strip(), most, size)}"


def two_lines(text: str, most: float = 80.0, size: float = 11.0) -> str:
    """A label of several words on two lines where it is wide, each line cut to 100 pixels, made safe.

    >>> two_lines("Resource allocation"), two_lines("资源配置")
    ('Resource<br>allocation', '资源配置')
    """
    words = text.split(" ")
    if text_width(text, size) <= most or len(words) < 2:
        return label(text, max(most, 100.0), size)
    half = min(range(1, len(words)), key=lambda at: abs(len(" ".join(words[:at])) - len(text) / 2))
    return "<br>".join(label(" ".join(part), 100.0, size) for part in (words[:half], words[half:]))


def left_margin(labels: Iterable[str], size: float = 12.0) -> int:
    """Room for the widest of some labels."""
    return int(max((text_width(text, size) for text in labels), default=40.0)) + 16


def chunks(items: Sequence[Any], most: int = MOST_ROWS) -> list[Sequence[Any]]:
    """Parts of about the same length, none longer than what fits a page.

    >>> chunks("ABCDE", 3)
    ['ABC', 'DE']
    """
    count = -(-len(items) // most) if len(items) else 0
    size = -(-len(items) // count) if count else 0
    return [items[at * size : (at + 1) * size] for at in range(count)]


def padded(values: Iterable[Any], share: float = 0.06) -> list[float]:
    """A range around the values, never empty."""
    known = [one for one in map(finite, values) if one is not None] or [0.0, 1.0]
    low, high = min(known), max(known)
    room = (high - low) * share or abs(high) * share or 1.0
    return [low - room, high + room]
