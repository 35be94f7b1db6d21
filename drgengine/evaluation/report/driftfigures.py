"""Why the CMI of each hospital moved (CMI 变动来源图): mix between ADRGs and coding within them, with coding depth."""

from __future__ import annotations

from typing import Any

import pandas as pd

from drgengine.evaluation.report.figures import (
    BLUE,
    DARK,
    INK,
    ROW,
    Figure,
    chunks,
    figure,
    lines,
    padded,
    short,
)
from drgengine.evaluation.report.numbers import DASH, finite, number, signed
from drgengine.evaluation.report.rankfigures import rows_layout
from drgengine.evaluation.report.reading import Reading

# Full bars and hatched ones, so that the parts are told apart without colour.
_PARTS = (("between", BLUE, "", BLUE), ("within", DARK, "/", "#fde3b3"))


def cmi_changes(reading: Reading) -> list[Figure]:
    """Stacked bars of the two parts, a mark for their sum; hospitals in the order of the part within ADRGs."""
    drift = reading.evaluation.drift
    if drift is None:
        return []
    table = drift.table[drift.table["within"].notna() & drift.table.index.isin(list(reading.names))]
    keys = list(table.sort_values("within", ascending=False, kind="stable").index)
    ends = padded([0.0, *table[["between", "within", "change"]].to_numpy().ravel()], 0.12)
    parts = chunks(keys)
    return [_bars(reading, table.loc[list(part)], at, len(parts), ends) for at, part in enumerate(parts)]


def _bars(reading: Reading, table: pd.DataFrame, at: int, parts: int, ends: list[float]) -> Figure:
    words, keys = reading.words, list(table.index)
    place = list(range(len(keys)))
    texts = [_hover(reading, key, table.loc[key]) for key in keys]
    data: list[dict[str, Any]] = [
        {"type": "bar", "orientation": "h", "name": str(words(f"figure.{name}")), "y": place, "x": short(table[name])}
        | {"marker": {"color": colour, "line": {"color": colour, "width": 1}} | _hatched(shape, colour, ground)}
        | {"hoverinfo": "text", "hovertext": texts}
        for name, colour, shape, ground in _PARTS
    ]
    marker = {"symbol": "diamond", "size": 8, "color": INK}
    data.append(
        {"type": "scatter", "mode": "markers", "name": str(words("figure.cmi_change")), "y": place}
        | {"x": short(table["change"]), "marker": marker, "hoverinfo": "skip"}
    )
    layout = rows_layout([reading.labels[key] for key in keys])
    depths = [_depth(table.loc[key]) for key in keys]
    layout["annotations"] = [
        {"xref": "paper", "x": 1.01, "xanchor": "left", "y": row, "text": depth, "showarrow": False}
        | {"font": {"size": 11, "color": INK}}
        for row, depth in enumerate(depths)
    ]
    head = {"xref": "paper", "yref": "paper", "x": 1.01, "xanchor": "left", "y": 1.0, "yanchor": "bottom"}
    layout["annotations"].append(
        head | {"text": str(words("figure.depth")), "showarrow": False, "align": "left", "font": {"size": 10}}
    )
    layout["margin"] = layout["margin"] | {"r": 96, "t": 62}
    plot = len(keys) * ROW + 10
    layout |= {"barmode": "relative", "bargap": 0.35, "showlegend": True, "legend": {"y": round(1 + 30 / plot, 3)}}
    layout["xaxis"] = {"range": short(ends), "title": {"text": str(words("figure.cmi_axis"))}, "zeroline": True}
    layout["xaxis"] |= {"zerolinecolor": INK, "zerolinewidth": 1}
    extra = str(words("figure.part", at=at + 1, parts=parts)) if parts > 1 else ""
    title = words("figure.drift", part=extra)
    note = words("figure.drift_note")
    return figure(f"drift-{at}", title, data, layout, note=note, height=plot + 108)


def _hatched(shape: str, colour: str, ground: str) -> dict[str, Any]:
    if not shape:
        return {}
    return {"pattern": {"shape": shape, "fgcolor": colour, "bgcolor": ground, "size": 6, "solidity": 0.35}}


def _depth(row: pd.Series) -> str:
    ends = [finite(row.get(f"coding_depth_{when}")) for when in ("previous", "current")]
    return DASH if None in ends else " → ".join(f"{end:.2f}" for end in ends)


def _hover(reading: Reading, key: Any, row: pd.Series) -> str:
    words = reading.words
    return lines(
        reading.names[key],
        f"CMI {number(row['cmi_previous'], 'index')} → {number(row['cmi_current'], 'index')}",
        words("figure.drift_hover", between=signed(row["between"], 3), within=signed(row["within"], 3)),
        words("figure.depth_hover", depth=_depth(row)),
    )
