"""Efficiency frontier (效率前沿 DEA) and productivity (Malmquist) as tables, with their cautions."""

from __future__ import annotations

from typing import Any

import pandas as pd
from markupsafe import Markup

from drgengine.evaluation.report.numbers import DASH, finite, number, share, signed
from drgengine.evaluation.report.reading import Reading
from drgengine.evaluation.report.tables import Cell, Column, Table, words_cell

_EFFICIENT = 1.0 - 1e-9


def frontier_tables(reading: Reading) -> list[Table]:
    """Scores with corrected intervals and peers; targets and slacks of those that could do with less."""
    table = reading.evaluation.frontier
    if table is None or not len(table):
        return []
    targets = _targets(reading, table)
    return [_scores(reading, table), *([targets] if targets is not None else [])]


def _order(table: pd.DataFrame, column: str) -> list[Any]:
    return list(table.sort_values(column, ascending=False, kind="stable", na_position="last").index)


def _scores(reading: Reading, table: pd.DataFrame) -> Table:
    words = reading.words
    names = ("hospital", "score", "corrected", "interval", "efficient", "returns", "scale", "peers")
    texts = ("hospital", "efficient", "returns", "peers")
    columns = [Column(str(words(f"frontier.{name}")), text=name in texts) for name in names]
    rows = []
    for key in _order(table, "score"):
        row = table.loc[key]
        score, reason = finite(row["score"]), str(row.get("reason") or "")
        state = "" if score is None else str(words("frontier.yes" if score >= _EFFICIENT else "frontier.no"))
        low, high = number(row["low"], "index"), number(row["high"], "index")
        rows.append(
            [
                Cell(_link(reading, key), sort=reading.names.get(key, str(key)), kind="t"),
                Cell(number(score, "index"), reason, score, below=_left_out(reading, score, reason)),
                Cell(number(row["corrected"], "index"), sort=finite(row["corrected"])),
                Cell(f"{low}–{high}" if DASH not in (low, high) else DASH),
                words_cell(state),
                words_cell(words.word("returns", str(row["returns_to_scale"] or "")) if score is not None else ""),
                Cell(number(row["scale_efficiency"], "index"), sort=finite(row["scale_efficiency"])),
                words_cell(_peers(reading, str(row["peers"] or "")) if score is not None else ""),
            ]
        )
    return Table(
        columns, rows, words("frontier.caption", level=f"{reading.evaluation.plan.frontier.level:.0%}"), sortable=True
    )


def _left_out(reading: Reading, score: float | None, reason: str) -> str:
    return reading.reason(reason) if score is None and reason else ""


def _link(reading: Reading, key: Any) -> Markup | str:
    return reading.link(key) if key in reading.anchors else str(key)


def _peers(reading: Reading, text: str) -> str:
    """Ids in a text of peers replaced by names."""
    parts = []
    for part in text.split(", "):
        key, _, rest = part.partition(" ")
        name = next((reading.names[one] for one in reading.names if str(one) == key), key)
        parts.append(f"{name} {rest}".strip())
    return ("；" if reading.words.language == "zh" else "; ").join(parts)


def _targets(reading: Reading, table: pd.DataFrame) -> Table | None:
    words, settings = reading.words, reading.evaluation.plan.frontier
    inputs = [name for name in settings.inputs if f"target_{name}" in table.columns]
    outputs = [name for name in settings.outputs if f"target_{name}" in table.columns]
    known = table["score"].notna()
    keys = [key for key in _order(table, "score") if known[key] and float(table.at[key, "score"]) < _EFFICIENT]
    if not (inputs or outputs) or not keys:
        return None
    columns = [Column(str(words("frontier.hospital")), text=True)]
    for side, names in (("input", inputs), ("output", outputs)):
        columns += [Column(str(words(f"frontier.target_{side}", name=reading.input_name(name)))) for name in names]
    rows = []
    for key in keys:
        cells = [Cell(_link(reading, key), kind="t")]
        for name in (*inputs, *outputs):
            slack = finite(table.at[key, f"slack_{name}"]) if f"slack_{name}" in table.columns else None
            below = words("frontier.slack", value=number(slack)) if slack else ""
            cells.append(Cell(number(table.at[key, f"target_{name}"]), below=below))
        rows.append(cells)
    return Table(columns, rows, words("frontier.targets"), note=words("frontier.targets_note"))


def productivity_table(reading: Reading) -> Table | None:
    """Malmquist index, above 1 = better, with its parts."""
    table, words = reading.evaluation.productivity, reading.words
    if table is None or not len(table):
        return None
    parts = ("malmquist", "efficiency_change", "technical_change", "pure", "scale")
    names = [name for name in parts if name in table.columns]
    columns = [Column(str(words("frontier.hospital")), text=True)]
    columns += [Column(str(words(f"malmquist.{name}"))) for name in names]
    columns.append(Column(str(words("malmquist.meaning")), text=True))
    rows = []
    for key in _order(table, "malmquist"):
        row = table.loc[key]
        value = finite(row["malmquist"])
        rows.append(
            [
                Cell(_link(reading, key), kind="t"),
                *(Cell(number(row[name], "index"), sort=finite(row[name])) for name in names),
                words_cell(_meaning(reading, value, str(row.get("reason") or ""))),
            ]
        )
    return Table(columns, rows, words("malmquist.caption"), sortable=True, note=words("malmquist.note"))


def _meaning(reading: Reading, value: float | None, reason: str) -> str:
    if value is None:
        return reading.reason(reason) if reason else ""
    change = share(abs(value - 1.0))
    key = "malmquist.up" if value > 1.0 else "malmquist.down" if value < 1.0 else "malmquist.same"
    return str(reading.words(key, value=change)) if value != 1.0 else str(reading.words(key))


def least_units(reading: Reading) -> int:
    """Hospitals below which a frontier of m inputs and s outputs is thin: max(m s, 3 (m + s))."""
    setting = reading.evaluation.plan.frontier
    inputs, outputs = len(setting.inputs), len(setting.outputs)
    return max(inputs * outputs, 3 * (inputs + outputs))


def drift_table(reading: Reading) -> Table | None:
    """Change of CMI under fixed weights: mix between ADRGs, severity within them, beside the depth of coding."""
    drift, words = reading.evaluation.drift, reading.words
    if drift is None:
        return None
    names = ("cmi_previous", "cmi_current", "change", "between", "within", "depth", "mcc")
    columns = [Column(str(words("frontier.hospital")), text=True)]
    columns += [Column(str(words(f"drift.{name}"))) for name in names]
    rows = []
    for key in drift.table.index:
        row = drift.table.loc[key]
        numbers = [Cell(number(row[name], "index"), sort=finite(row[name])) for name in names[:2]]
        numbers += [Cell(signed(row[name], 3), sort=finite(row[name])) for name in names[2:5]]
        depth = (number(row.get("coding_depth_previous")), number(row.get("coding_depth_current")))
        mcc = (share(row.get("mcc_share_previous")), share(row.get("mcc_share_current")))
        pairs = [Cell(" → ".join(pair) if DASH not in pair else DASH) for pair in (depth, mcc)]
        rows.append([Cell(_link(reading, key), kind="t"), *numbers, *pairs])
    return Table(columns, rows, words("drift.caption"), sortable=True, note=words("drift.note"))
