"""What `drgengine impact` shows on the terminal (standard error)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.box import SIMPLE
from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from drgengine.impact.result import Impact
from drgengine.impact.words import words

MOST_FLOWS, MOST_DEPARTMENTS = 50, 10
ONE_LINE, EXAMPLES, _GAP = 100, 3, 3
_SIGNED = ("weight_change",)
_COUNTS = ("cases", "moved", "newly_ambiguous", "newly_ungroupable", "severity_up", "severity_down")
_WEIGHTS = ("weight_before", "weight_after", "weight_change", "cmi_before", "cmi_after")


def print_impact(found: Impact, paths: Mapping[str, Path], language: str, top: int = MOST_FLOWS) -> None:
    """Totals, the largest movements and departments, remarks, and where the files are."""
    text, console = words(language), Console(stderr=True, highlight=False)
    lead = text["lead"].format(a=found.a.id, b=found.b.id, rows=f"{found.rows:,}")
    console.print(lead, style="bold", markup=False, soft_wrap=True)
    console.print(_totals(found, text))
    flows = [row for row in found.flows.to_pylist() if row["kind"] != "stays"]
    if flows:
        title = text["chapter_top"].format(n=min(top, len(flows)), all=f"{len(flows):,}")
        console.print(title, style="bold", markup=False, soft_wrap=True)
        console.print(flow_table(flows[:top], text, found.weights is not None, console.width))
    console.print(text["chapter_departments"], style="bold", markup=False)
    console.print(_departments(found, text, _COUNTS, console.width))
    if found.weights is not None:
        console.print(_departments(found, text, _WEIGHTS, console.width))
    more = found.departments.num_rows - MOST_DEPARTMENTS
    if more > 0:
        key = "more_departments" if paths else "more_departments_unwritten"
        console.print(text[key].format(n=f"{more:,}"), markup=False, soft_wrap=True)
    wrong = [check for check in found.checks if not check.holds]
    key = "not_reconciled" if wrong else "reconciled"
    console.print(text[key].format(n=len(wrong or found.checks), rows=f"{found.rows:,}"), markup=False)
    for remark in found.remarks:
        if remark.key != "no_weights":
            console.print(remark.text(language), markup=False, soft_wrap=True)
    if found.weights is None:
        console.print(text["add_weights"], markup=False, soft_wrap=True)
    if paths:
        console.print(text["written"].format(path=paths["page"].parent), markup=False, soft_wrap=True)
        console.print(text["page"].format(path=paths["page"]), markup=False, soft_wrap=True)


def _table() -> Table:
    return Table(box=SIMPLE, pad_edge=False)


def _totals(found: Impact, text: Mapping[str, str]) -> Table:
    table = _table()
    table.add_column(text["item"])
    table.add_column(text["value"], justify="right", no_wrap=True)
    table.add_column("%", justify="right", no_wrap=True)
    counts = {name: getattr(found, name) for name in ("moved", "moved_adrg", "renumbered", "moved_mdc")}
    counts |= {f"newly_{status}": found.newly(status) for status in ("ambiguous", "ungroupable", "grouped", "invalid")}
    for name, n in counts.items():
        item = f"  {text['of_which_renumbered']}" if name == "renumbered" else text[name]
        table.add_row(escape(item), f"{n:,}", f"{n / found.rows:.1%}" if found.rows else "")
    weights = found.weights
    if weights is not None:
        for name, value in (("weight_before", weights.before), ("weight_after", weights.after)):
            table.add_row(escape(text[name]), f"{value:,.2f}", "")
        change = f"{float(weights.change / weights.before):+.2%}" if weights.before else ""
        table.add_row(escape(text["weight_change"]), f"{weights.change:+,.2f}", change)
        for name in ("price", "mix", "not_comparable"):
            table.add_row("  " + escape(text[name]), f"{getattr(weights, name):+,.2f}", "")
        for name in ("cmi_before", "cmi_after"):
            cmi = getattr(weights, name)
            table.add_row(escape(text[name]), "—" if cmi is None else f"{cmi:.4f}", "")
    return table


def flow_table(flows: Sequence[Mapping[str, Any]], text: Mapping[str, str], weighted: bool, width: int) -> Table:
    """Movements as rows, one line each from ONE_LINE columns on, where names of groups are cut to what is left.

    flows : rows of Impact.flows; width : of the terminal, in columns
    """
    wide = width >= ONE_LINE
    names = ["cases", "share_of_old", *(_SIGNED if weighted else ())]
    heads = [_two_lines(text[name]) for name in ("kind", *names, "example_rows")]
    lines = [_flow_cells(row, names, text, EXAMPLES if wide else 1) for row in flows]
    columns = zip(heads, *lines, strict=True)  # kind, numbers, rows: as wide as their widest line
    taken = sum(max(cell_len(part) for cell in column for part in cell.split("\n")) for column in columns)
    room = (width - taken - _GAP * (len(heads) + 1)) // 2 if wide else 0
    table = _table()
    for side in ("old", "new"):
        table.add_column(text[side] if wide else _two_lines(text[side]), no_wrap=True)
    for at, head in enumerate(heads):
        table.add_column(head, justify="right" if 0 < at <= len(names) else "left", no_wrap=wide or at > 0)
    for row, cells in zip(flows, lines, strict=True):
        table.add_row(*(escape(_end(row, side, text, room)) for side in ("old", "new")), *map(escape, cells))
    return table


def _two_lines(head: str) -> str:
    return "\n".join(head.rsplit(" ", 1))


def _flow_cells(row: Mapping[str, Any], names: Sequence[str], text: Mapping[str, str], examples: int) -> list[str]:
    numbers = [f"{row[name]:.1%}" if name == "share_of_old" else _shown(row[name], name) for name in names]
    return [text[row["kind"]], *numbers, ", ".join(map(str, row["example_rows"][:examples]))]


def _end(row: Mapping[str, Any], side: str, text: Mapping[str, str], room: int) -> str:
    """Code and name of a group, or what the case is instead, in so many columns; the code is never cut."""
    grouped = row[f"{side}_status"] == "grouped"
    code, word = row[side] or "", (row[f"{side}_name"] or "") if grouped else text[row[f"{side}_status"]]
    if not grouped or cell_len(f"{code} {word}") <= room:
        return f"{code} {word}".strip() if not grouped or room else code
    left = room - cell_len(code) - 2
    return f"{code} {set_cell_size(word, left).rstrip()}…" if left >= 4 else code


def _departments(found: Impact, text: Mapping[str, str], names: Sequence[str], width: int) -> Table:
    table = _table()
    table.collapse_padding = width < ONE_LINE
    table.add_column(text["department"], overflow="fold")
    for name in names:
        head = text[name] if width >= ONE_LINE else _two_lines(text[name])
        table.add_column(head, justify="right", overflow="fold")
    for row in found.departments.slice(0, MOST_DEPARTMENTS).to_pylist():
        cells = [_shown(row[name], name) for name in names]
        table.add_row(escape(row["department"]), *cells)
    return table


def _shown(value: Any, name: str) -> str:
    if value is None:
        return "—"
    if isinstance(value, int):
        return f"{value:,}"
    if name.startswith("cmi"):
        return f"{value:.4f}"
    return f"{value:+,.2f}" if name in _SIGNED else f"{value:,.2f}"
