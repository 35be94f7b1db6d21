"""Progress and summaries on the terminal (standard error)."""

from __future__ import annotations

import threading
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from types import TracebackType

import click
from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from drgengine.cases.issues import issue_rules
from drgengine.grouper.schemefile import load_scheme
from drgengine.grouper.summary import EXAMPLE_ROWS, GroupSummary
from drgengine.grouper.wording import reason_text

MOST_REASONS, MOST_ISSUES, MOST_NAMES = 10, 20, 12


@cache
def words(language: str) -> Mapping[str, str]:
    """The words of summaries."""
    path = Path(__file__).parent.parent / "data" / "summary.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))[language]


def warm_up(scheme: str, language: str, quiet: bool) -> None:
    """Make the kernel ready; if that takes longer than two seconds (first use on a machine), say why."""
    from drgengine.grouper.group import group

    loaded = load_scheme(scheme)
    notice = threading.Timer(2.0, click.echo, (words(language)["compiling"],), {"err": True})
    notice.daemon = True
    if not quiet:
        notice.start()
    try:
        group({"dx": [[""]]}, loaded)
    finally:
        notice.cancel()


class RowProgress:
    """A progress bar with rows and rows/s; nothing when standard error is no terminal."""

    def __init__(self, language: str, show: bool, name: str | None = None) -> None:
        console = Console(stderr=True)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not (show and console.is_terminal),
        )
        self._name = words(language)["progress"] if name is None else name
        self._task: TaskID | None = None

    def update(self, rows: int, total: int | None) -> None:
        """Show that so many rows are done."""
        if self._task is None:
            self._bar.start()
            self._task = self._bar.add_task(self._name, total=total, rate="")
        speed = self._bar.tasks[0].speed
        self._bar.update(self._task, completed=rows, total=total, rate=f"{speed:,.0f}/s" if speed else "")

    def __enter__(self) -> RowProgress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._bar.stop()


def print_summary(summary: GroupSummary, output: str, language: str) -> None:
    """The summary of a grouping run, on standard error."""
    text = words(language)
    console = Console(stderr=True, highlight=False)
    for column in summary.absent:
        console.print(text["absent"].format(column=column), style="bold red", markup=False)
    for remark in summary.remarks:
        console.print(remark, markup=False)
    console.print(_status_table(summary, text))
    if summary.reasons:
        console.print(_reason_table(summary, text, language))
    if summary.issues.counts:
        console.print(_issue_table(summary, text, language))
    console.print(text["groups"].format(seen=len(summary.groups)))
    rate = f"{summary.rows_per_second:,.0f}"
    console.print(text["speed"].format(seconds=f"{summary.seconds:.2f}", rate=rate))
    repeated = sum(n for (_, rule), n in summary.issues.counts.items() if rule == "record_superseded")
    if repeated:
        console.print(text["superseded"].format(n=f"{repeated:,}"), style="bold red", markup=False)
    if summary.dropped:
        console.print(text["dropped"].format(columns=some_names(summary.dropped)), markup=False)
    console.print(text["written"].format(path=output), markup=False, soft_wrap=True)


def some_names(names: Sequence[str]) -> str:
    """Names one after the other; of many the first ones and how many more there are.

    >>> some_names([f"c{n}" for n in range(14)])
    'c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11 (+ 2)'
    """
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" (+ {more})" if more > 0 else "")


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", title_style="bold", box=SIMPLE, pad_edge=False)


def _status_table(summary: GroupSummary, text: Mapping[str, str]) -> Table:
    table = _table(text["title"].format(scheme=summary.scheme))
    table.add_column(text["status"])
    table.add_column(text["records"], justify="right")
    table.add_column(text["share"], justify="right")
    for status, count in summary.status.items():
        share = f"{100 * summary.share(status):.2f} %" if summary.rows else "-"
        table.add_row(text[status], f"{count:,}", share)
    table.add_section()
    table.add_row(text["all"], f"{summary.rows:,}", "100.00 %" if summary.rows else "-")
    return table


def _reason_table(summary: GroupSummary, text: Mapping[str, str], language: str) -> Table:
    table = _table(text["reasons"].format(n=MOST_REASONS))
    table.add_column(text["records"], justify="right", no_wrap=True)
    table.add_column(text["reason"], overflow="fold")
    table.add_column(text["rows"], no_wrap=True)
    stop = "。" if language == "zh" else ". "
    for reason, count in list(summary.reasons.items())[:MOST_REASONS]:
        meaning, remedy = reason_text(reason, language)
        rows = ", ".join(str(row) for row in summary.example_rows[reason])
        table.add_row(f"{count:,}", f"[bold]{reason}[/bold]\n{escape(f'{meaning}{stop}{remedy}')}", rows)
    return table


def _issue_table(summary: GroupSummary, text: Mapping[str, str], language: str) -> Table:
    table = _table(text["issues"].format(n=MOST_ISSUES))
    table.add_column(text["times"], justify="right", no_wrap=True)
    table.add_column(text["rule"], overflow="fold")
    table.add_column(text["rows"], no_wrap=True)
    log = summary.issues
    for (column, rule), count in sorted(log.counts.items(), key=lambda item: (-item[1], item[0]))[:MOST_ISSUES]:
        rows = ", ".join(str(row) for row, _ in log.examples[column, rule][:EXAMPLE_ROWS])
        what = f"[bold]{rule}[/bold] ({escape(column)})\n{escape(issue_rules()[rule][language])}"
        table.add_row(f"{count:,}", what, rows)
    return table
