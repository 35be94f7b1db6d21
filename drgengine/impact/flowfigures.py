"""Flow charts of an impact (桑基图): by MDC, and the largest movements between groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from drgengine.evaluation.report.figures import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    RED,
    SKY,
    Figure,
    figure,
    label,
    plain,
)
from drgengine.grouper.tables import STATUSES
from drgengine.impact.result import Impact
from drgengine.impact.words import words

WIDTH = 1040
MOST_MDCS, MOST_FLOWS = 16, 25
_ROW, _LABEL = 27, 250.0
_PAD, _MARGIN = 15, 20
LIGHT = "#9aa7b4"
COLOURS = {
    "renumbered": LIGHT,
    "drg": SKY,
    "adrg": BLUE,
    "mdc": ORANGE,
    "becomes_grouped": GREEN,
    "becomes_ambiguous": PURPLE,
    "becomes_ungroupable": RED,
    "becomes_invalid": GREY,
}
"""Colour by kind of movement; what stays is not drawn."""
Link = tuple[str, str, str, int]


def figures(found: Impact, language: str) -> list[Figure]:
    """The flow charts; none when no case moves."""
    moving = [row for row in found.flows.to_pylist() if row["kind"] != "stays"]
    return [_by_mdc(found, moving, language), _by_group(moving, language)] if moving else []


def _by_mdc(found: Impact, moving: Sequence[Mapping[str, Any]], language: str) -> Figure:
    text = words(language)
    total = sum(row["cases"] for row in moving)
    sides = []
    for side in ("old", "new"):
        size: dict[str, int] = {}
        for row in moving:
            name = _mdc_node(row, side, text)
            size[name] = size.get(name, 0) + row["cases"]
        named = {text[status] for status in STATUSES}  # what does not group is the point of the chart
        kept = sorted(size, key=lambda name: (name not in named, -size[name], name))[:MOST_MDCS]
        sides.append(set(size) if len(size) <= MOST_MDCS + 1 else set(kept))
    links: dict[tuple[str, str, str], int] = {}
    for row in moving:
        ends = [_mdc_node(row, side, text) for side in ("old", "new")]
        old, new = (end if end in kept else text["others"] for end, kept in zip(ends, sides, strict=True))
        links[old, new, row["kind"]] = links.get((old, new, row["kind"]), 0) + row["cases"]
    last = [text["others"], *(text[status] for status in STATUSES)]

    def place(node: str) -> tuple[int, str]:
        return (last.index(node) + 1 if node in last else 0, node)

    told = [(old, new, kind, n) for (old, new, kind), n in links.items()]
    told.sort(key=lambda link: (place(link[0]), place(link[1]), list(COLOURS).index(link[2])))
    note = text["sankey_mdc_note"].format(stays=f"{found.rows - total:,}", a=found.a.id, b=found.b.id)
    nodes = [sorted({link[0] for link in told}, key=place), sorted({link[1] for link in told}, key=place)]
    return _sankey("flow-mdc", text["sankey_mdc"].format(n=f"{total:,}"), note, told, nodes, text)


def _mdc_node(row: Mapping[str, Any], side: str, text: Mapping[str, str]) -> str:
    status = row[f"{side}_status"]
    return text["mdc_of"].format(mdc=row[f"{side}_mdc"]) if status == "grouped" else text[status]


def _by_group(moving: Sequence[Mapping[str, Any]], language: str) -> Figure:
    text = words(language)
    shown, rest = moving[:MOST_FLOWS], moving[MOST_FLOWS:]
    links = [(_group_node(row, "old", text), _group_node(row, "new", text), row["kind"], row["cases"]) for row in shown]
    n, left = (sum(row["cases"] for row in rows) for rows in (shown, rest))
    title = text["sankey_group"].format(shown=len(shown), n=f"{n:,}", share=f"{n / (n + left):.1%}")
    note = text["sankey_group_note"].format(rest=f"{len(rest):,}", cases=f"{left:,}") if rest else ""
    nodes = [list(dict.fromkeys(link[0] for link in links)), list(dict.fromkeys(link[1] for link in links))]
    return _sankey("flow-group", title, note, links, nodes, text)


def _group_node(row: Mapping[str, Any], side: str, text: Mapping[str, str]) -> str:
    status = row[f"{side}_status"]
    word = "" if status == "grouped" else text[status]
    return " ".join(part for part in (row[side], word or row[f"{side}_name"]) if part)


def _sankey(
    name: str,
    title: str,
    note: str,
    links: Sequence[Link],
    nodes: Sequence[Sequence[str]],
    text: Mapping[str, str],
) -> Figure:
    """nodes : of the left and of the right side, from top to bottom; a code on both sides is drawn twice."""
    ends = [[old for old, _, _, _ in links], [new for _, new, _, _ in links]]
    height = max(160, _ROW * max(map(len, nodes)) + 40)
    totals = [dict.fromkeys(side, 0) for side in nodes]
    for at in (0, 1):
        for node, link in zip(ends[at], links, strict=True):
            totals[at][node] += link[3]
    place = {(at, node): number for number, (at, node) in enumerate((at, node) for at in (0, 1) for node in nodes[at])}
    shown = [f"{label(node, _LABEL)}  {totals[at][node]:,}" for at, node in place]
    trace = {
        "type": "sankey",
        "arrangement": "snap",
        "node": {
            "label": shown,
            "customdata": [plain(node) for _, node in place],
            "pad": _PAD,
            "x": [(0.001, 0.999)[at] for at, _ in place],
            "y": [y for at in (0, 1) for y in _heights([totals[at][node] for node in nodes[at]], nodes, height)],
            "thickness": 12,
            "color": "#5b6673",
            "line": {"width": 0},
            "hovertemplate": "%{customdata}<br>%{value:,.0f}<extra></extra>",
        },
        "link": {
            "source": [place[0, link[0]] for link in links],
            "target": [place[1, link[1]] for link in links],
            "value": [link[3] for link in links],
            "color": [_pale(COLOURS[link[2]]) for link in links],
            "customdata": [plain(f"{link[0]} → {link[1]} · {text[link[2]]}") for link in links],
            "hovertemplate": "%{customdata}<br>%{value:,.0f}<extra></extra>",
        },
        "textfont": {"size": 12, "shadow": "none"},
    }
    layout = {
        "margin": {"l": 10, "r": 10, "t": 8, "b": 12},
        "xaxis": {"visible": False},
        "yaxis": {"visible": False},
    }
    return figure(name, title, [trace], layout, note=note, height=height, width=WIDTH)


def _heights(sizes: Sequence[int], nodes: Sequence[Sequence[str]], height: int) -> list[float]:
    """The middle of every node of a side, from 0 (top) to 1, so that none covers another."""
    room = height - _MARGIN
    scale = (room - _PAD * (max(map(len, nodes)) - 1)) / max(sum(sizes), 1)
    middles, top = [], 0.0
    for size in sizes:
        middles.append(round(min(max((top + size * scale / 2) / room, 0.001), 0.999), 4))
        top += size * scale + _PAD
    return middles


def _pale(colour: str) -> str:
    """A colour for links, through which others are seen.

    >>> _pale("#0072B2")
    'rgba(0,114,178,0.45)'
    """
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.45)"


def legend(found: Impact, language: str) -> list[tuple[str, str, int]]:
    """Colour, word and cases of the kinds of movement that occur."""
    text = words(language)
    cases: dict[str, int] = {}
    for kind, n in zip(found.flows["kind"].to_pylist(), found.flows["cases"].to_pylist(), strict=True):
        cases[kind] = cases.get(kind, 0) + n
    return [(colour, text[kind], cases[kind]) for kind, colour in COLOURS.items() if kind in cases]
