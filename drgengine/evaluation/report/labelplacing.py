"""Where labels beside points find room (标签避让): greedy, in a fixed order, so that the page is always the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from drgengine.evaluation.report.figures import INK, brief, plain, text_width

Box = tuple[float, float, float, float]
_POSITIONS = ("middle right", "middle left", "top center", "bottom center", "top right", "bottom right")
_GAP = 2.0
_CORE = 0.75


def place_labels(
    points: Sequence[tuple[float, float, float]],
    texts: Sequence[str],
    order: Sequence[int],
    size: tuple[float, float],
    font: float = 11.0,
) -> dict[int, str]:
    """Label number -> plotly text position, for those that find room.

    points : x, y, radius in pixels from the upper left corner   texts : their labels
    order : which labels to try first; others are left out   size : width and height of the plot
    No label touches a placed one, the core of another point or the edge.

    >>> place_labels([(10, 50, 4), (22, 50, 4)], ["A", "B"], [0, 1], (200, 100))
    {0: 'top center', 1: 'middle right'}
    """
    placed: list[Box] = []
    dots = [(x - _CORE * r, y - _CORE * r, x + _CORE * r, y + _CORE * r) for x, y, r in points]
    found: dict[int, str] = {}
    for at in order:
        for position in _POSITIONS:
            box = _box(points[at], text_width(texts[at], font), font + 3.0, position)
            inside = box[0] >= 0 and box[1] >= 0 and box[2] <= size[0] and box[3] <= size[1]
            others = (dot for number, dot in enumerate(dots) if number != at)
            if inside and not any(_touch(box, one) for one in (*placed, *others)):
                placed.append(box)
                found[at] = position
                break
    return found


def label_annotations(
    values: Sequence[tuple[float, float]],
    points: Sequence[tuple[float, float, float]],
    texts: Sequence[str],
    placed: Mapping[int, str],
    font: float = 11.0,
) -> list[dict[str, Any]]:
    """Annotations that put each label beside its point, clear of the marker.

    values : x and y of the points in data units   others as in place_labels
    """
    found = []
    for at in sorted(placed):
        vertical, horizontal = placed[at].split()
        gap = points[at][2] + _GAP
        found.append(
            {
                "x": brief(values[at][0]),
                "y": brief(values[at][1]),
                "text": plain(texts[at]),
                "showarrow": False,
                "font": {"size": font, "color": INK},
                "borderpad": 0,
                "xanchor": {"right": "left", "left": "right", "center": "center"}[horizontal],
                "yanchor": {"top": "bottom", "bottom": "top", "middle": "middle"}[vertical],
                "xshift": {"right": gap, "left": -gap, "center": 0}[horizontal],
                "yshift": {"top": gap, "bottom": -gap, "middle": 0}[vertical],
            }
        )
    return found


def _box(point: tuple[float, float, float], width: float, height: float, position: str) -> Box:
    x, y, radius = point
    gap = radius + _GAP
    vertical, horizontal = position.split()
    left = {"right": x + gap, "left": x - gap - width, "center": x - width / 2}[horizontal]
    top = {"middle": y - height / 2, "top": y - gap - height, "bottom": y + gap}[vertical]
    return left, top, left + width, top + height


def _touch(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
