"""The summary of a conversion on the terminal (standard error)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from drgengine.cases.issues import issue_rules
from drgengine.commands.screen import some_names
from drgengine.formats.frontpage.summary import ConvertSummary, convert_words

MOST_RULES, EXAMPLE_ROWS, MOST_COLUMNS = 12, 3, 3
_GRAVITY = ("error", "warning", "info")


def print_conversion(summary: ConvertSummary, language: str, brief: bool = False) -> None:
    """Rows, rules by severity, the commonest rules with remedy (not when brief), and where everything went."""
    text = convert_words(language)
    console = Console(stderr=True, highlight=False)
    warning = summary.warning(language)
    if warning:
        console.print(warning, style="bold red", markup=False)
    for remark in summary.remarks:
        console.print(remark, markup=False)
    title = text["title"].format(
        rows=f"{summary.rows_read:,}", profile=summary.profile, edition=text[summary.code_edition]
    )
    console.print(title, style="bold", markup=False)
    console.print(_severities(summary, text))
    if summary.rules and not brief:
        console.print(_rules(summary, text, language))
    console.print(summary.reconciliation(language), style="bold", markup=False)
    repeated = summary.rules.get("record_superseded", 0)
    if repeated and not summary.rows_superseded:
        console.print(text["kept"].format(superseded=f"{repeated:,}"), markup=False)
    if summary.rows_ragged:
        console.print(text["ragged"].format(rows=f"{summary.rows_ragged:,}"), markup=False)
    if summary.dropped:
        console.print(text["dropped"].format(columns=some_names(summary.dropped)), markup=False)
    rate = summary.rows_read / summary.seconds if summary.seconds > 0 else 0.0
    console.print(text["speed"].format(seconds=f"{summary.seconds:.2f}", rate=f"{rate:,.0f}"))
    console.print(text["written"].format(path=summary.output), markup=False, soft_wrap=True)
    if summary.superseded_output:
        console.print(text["superseded"].format(path=summary.superseded_output), markup=False, soft_wrap=True)


def _severities(summary: ConvertSummary, text: Mapping[str, Any]) -> Table:
    table = Table(box=SIMPLE, pad_edge=False)
    table.add_column(text["severity"])
    table.add_column(text["occurrences"], justify="right")
    for severity, count in summary.by_severity.items():
        table.add_row(text[severity], f"{count:,}")
    return table


def _rules(summary: ConvertSummary, text: Mapping[str, Any], language: str) -> Table:
    """Gravest first, then by number."""
    rules = issue_rules()
    title = text["rules"].format(n=MOST_RULES)
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE, pad_edge=False)
    table.add_column(text["times"], justify="right", no_wrap=True)
    table.add_column(text["rule"], overflow="fold")
    table.add_column(text["rows"], no_wrap=True)
    order = sorted(summary.rules.items(), key=lambda item: (_GRAVITY.index(rules[item[0]]["severity"]), -item[1]))
    for rule, count in order[:MOST_RULES]:
        columns, rows = _where(summary, rule)
        what = f"[bold]{rule}[/bold] ({escape(columns)})\n{escape(rules[rule][language])}"
        table.add_row(f"{count:,}", what, ", ".join(map(str, rows)))
    return table


def _where(summary: ConvertSummary, rule: str) -> tuple[str, list[int]]:
    """The columns a rule was met in, most often first, and its first rows."""
    counts: dict[str, int] = {}
    for found in (summary.issues.counts, summary.counted):
        for (column, name), count in found.items():
            if name == rule and column:
                counts[column] = counts.get(column, 0) + count
    columns = sorted(counts, key=lambda column: (-counts[column], column))
    shown = ", ".join(columns[:MOST_COLUMNS]) + (" …" if len(columns) > MOST_COLUMNS else "")
    examples = [row for (_, name), found in summary.issues.examples.items() if name == rule for row, _ in found]
    return shown, sorted(set(examples))[:EXAMPLE_ROWS]
