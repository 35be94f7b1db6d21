"""The data quality report on the terminal (standard error)."""

from __future__ import annotations

from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from drgengine.quality.page import percent, problem_lines, repeat_lines
from drgengine.quality.result import QualityReport
from drgengine.quality.words import words

_PROBLEMS, _DEPARTMENTS = 20, 10
_STYLES = {"error": "bold red", "warning": "yellow", "info": "dim"}


def print_quality(report: QualityReport, language: str) -> None:
    """Key figures, the most damaging problems, columns that are not full, departments, repeats."""
    console = Console(stderr=True, highlight=False)
    text = words(language)
    console.print(f"[bold]{text['title']}[/bold]: {escape(report.source)} ({report.profile})")
    statuses = " + ".join(f"{count:,} {text[name]}" for name, count in report.status.items())
    sign = text["balances"] if report.balances else text["differs"]
    console.print(f"{report.rows:,} {text['read']} = {statuses}: {sign}", style=None if report.balances else "bold red")
    grouped = report.status.get("grouped", 0)
    console.print(f"{text['rate']}: {percent(grouped, report.rows)}")
    for line in report.signs.get(language, "").splitlines():
        console.print(f"{text['edition_signs']}: {line}", style="yellow", markup=False)
    console.print(_problems(report, language) if report.problems else text["problems_none"])
    gaps = [row for row in report.completeness if row.required == "all" and row.filled < report.rows]
    if gaps:
        shown = ", ".join(
            f"{row.title if language == 'zh' else row.column} {percent(row.filled, report.rows)}" for row in gaps
        )
        console.print(f"{text['completeness']} ({text['filled']}): {shown}", markup=False)
    console.print(_departments(report, language))
    for line in repeat_lines(report, language):
        console.print(line, markup=False)


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", title_style="bold", box=SIMPLE, pad_edge=False)


def _problems(report: QualityReport, language: str) -> Table:
    text = words(language)
    lines = problem_lines(report, language)[:_PROBLEMS]
    table = _table(text["problems"].format(n=len(lines)))
    for name in ("hit", "lost"):
        table.add_column(text[name], justify="right", no_wrap=True)
    table.add_column(text["problem"], overflow="fold")
    table.add_column(text["where"], overflow="fold")
    for line in lines:
        name = f"[{_STYLES[line.severity]}]{line.id}[/]"
        table.add_row(line.rows, line.not_grouped, f"{name}\n{escape(line.text)}", escape(line.where))
    return table


def _departments(report: QualityReport, language: str) -> Table:
    text = words(language)
    table = _table(text["departments"])
    table.add_column(text["department"], overflow="fold")
    for name in ("cases", "rate", "ambiguous", "ungroupable", "invalid"):
        table.add_column(text[name], justify="right", no_wrap=True)
    for row in report.departments[:_DEPARTMENTS]:
        table.add_row(
            escape(row.department) or text["no_department"],
            f"{row.cases:,}",
            percent(row.grouped, row.cases),
            *(f"{count:,}" for count in (row.ambiguous, row.ungroupable, row.invalid)),
        )
    rest = len(report.departments) - _DEPARTMENTS
    if rest > 0:
        table.add_row(text["other_departments"].format(n=rest), "", "", "", "", "")
    return table
