"""What `drgengine impact` shows on the terminal (standard error)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from drgengine.impact.result import Impact
from drgengine.impact.words import words

MOST_FLOWS, MOST_DEPARTMENTS = 50, 10
_SIGNED = ("weight_change",)
_COUNTS = ("cases", "moved", "newly_ambiguous", "newly_ungroupable", "severity_up", "severity_down")
_WEIGHTS = ("weight_before", "weight_after", "weight_change", "cmi_before", "cmi_after")


def print_impact(found: Impact, paths: Mapping[str, Path], language: str, top: int = MOST_FLOWS) -> None:
    """Totals, the largest movements and departments, remarks, and where the files are."""
    text, console = words(language), Console(stderr=True, highlight=False)
    console.print(_totals(found, text))
    flows = [row for row in found.flows.to_pylist() if row["kind"] != "stays"]
    if flows:
        console.print(_flows(flows, top, text, found.weights is not None))
    console.print(_departments(found, text, _COUNTS))
    if found.weights is not None:
        console.print(_departments(found, text, _WEIGHTS))
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


def _table(title: str) -> Table:
    return Table(title=escape(title), title_justify="left", title_style="bold", box=SIMPLE, pad_edge=False)


def _totals(found: Impact, text: Mapping[str, str]) -> Table:
    table = _table(text["lead"].format(a=found.a.id, b=found.b.id, rows=f"{found.rows:,}"))
    table.add_column(text["item"])
    table.add_column(text["value"], justify="right", no_wrap=True)
    table.add_column("%", justify="right", no_wrap=True)
    counts = {name: getattr(found, name) for name in ("moved", "renumbered", "moved_adrg", "moved_mdc")}
    counts |= {f"newly_{status}": found.newly(status) for status in ("ambiguous", "ungroupable", "grouped", "invalid")}
    for name, n in counts.items():
        table.add_row(escape(text[name]), f"{n:,}", f"{n / found.rows:.1%}" if found.rows else "")
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


def _flows(flows: list[dict[str, Any]], shown: int, text: Mapping[str, str], weighted: bool) -> Table:
    table = _table(text["chapter_top"].format(n=min(shown, len(flows)), all=f"{len(flows):,}"))
    table.add_column(text["old"], no_wrap=True)
    table.add_column(text["new"], no_wrap=True)
    table.add_column(text["kind"], min_width=10)
    names = ["cases", "share_of_old", *(_SIGNED if weighted else ())]
    for name in names:
        table.add_column(text[name], justify="right", overflow="fold")
    table.add_column(text["example_rows"], overflow="fold")
    for row in flows[:shown]:
        ends = [
            escape(" ".join(dict.fromkeys([row[side] or "", "" if status == "grouped" else text[status]])).strip())
            for side, status in (("old", row["old_status"]), ("new", row["new_status"]))
        ]
        numbers = [f"{row['cases']:,}", f"{row['share_of_old']:.1%}"]
        numbers += [f"{row[name]:+,.2f}" for name in names[2:]]
        table.add_row(*ends, escape(text[row["kind"]]), *numbers, ", ".join(map(str, row["example_rows"])))
    return table


def _departments(found: Impact, text: Mapping[str, str], names: Sequence[str]) -> Table:
    table = _table(text["chapter_departments"])
    table.add_column(text["department"], overflow="fold")
    for name in names:
        table.add_column(text[name], justify="right", overflow="fold")
    for row in found.departments.slice(0, MOST_DEPARTMENTS).to_pylist():
        cells = [_shown(row[name], name) for name in names]
        table.add_row(escape(row["department"]), *cells)
    if found.departments.num_rows > MOST_DEPARTMENTS:
        table.caption = text["more_departments"].format(n=f"{found.departments.num_rows - MOST_DEPARTMENTS:,}")
    return table


def _shown(value: Any, name: str) -> str:
    if value is None:
        return "—"
    if isinstance(value, int):
        return f"{value:,}"
    if name.startswith("cmi"):
        return f"{value:.4f}"
    return f"{value:+,.2f}" if name in _SIGNED else f"{value:,.2f}"
