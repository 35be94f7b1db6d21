"""Counts of audit clues on the terminal (standard error)."""

from __future__ import annotations

from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from drgengine.whatif.cluebook import clue_title
from drgengine.whatif.cluecounts import ClueCounts
from drgengine.whatif.definitions import clue_ids, definitions, words

_DEPARTMENTS = 20
_SHOWN = ("rests_on_one_code", "doubtful", "operation_outside_mdc", "missed_severity")


def print_clues(counts: ClueCounts, language: str) -> None:
    """Each clue with cases, share and question; then shares by department, in the order of names."""
    console, text = Console(stderr=True, highlight=False), words(language)
    console.print(text["rows_read"].format(rows=f"{counts.cases:,}", invalid=f"{counts.invalid:,}"), markup=False)
    console.print(text["neutral"], markup=False)
    table = _table(text["clues_title"].format(scheme=counts.scheme))
    table.add_column(text["clue"], overflow="fold")
    table.add_column(text["cases"], justify="right", no_wrap=True)
    table.add_column(text["share"], justify="right", no_wrap=True)
    table.add_column(text["ask"], overflow="fold")
    for name, count in counts.clues.items():
        ask = definitions()["clue"][name][f"{language}_ask"]
        table.add_row(clue_title(name, language), f"{count:,}", _share(count, counts.valid), escape(ask))
    console.print(table)
    console.print(_by_department(counts, language))


def _table(title: str) -> Table:
    return Table(title=escape(title), title_justify="left", title_style="bold", box=SIMPLE, pad_edge=False)


def _share(count: int, of: int) -> str:
    return f"{100 * count / of:.2f} %" if of else "-"


def _by_department(counts: ClueCounts, language: str) -> Table:
    text = words(language)
    places = [clue_ids().index(name) for name in _SHOWN]
    table = _table(f"{text['sheet_counts']}, {text['share']}")
    table.add_column(text["department"], overflow="fold")
    for name in (text["cases"], *(clue_title(name, language) for name in _SHOWN)):
        table.add_column(name, justify="right", overflow="fold", min_width=8)
    for name, row in list(counts.departments.items())[:_DEPARTMENTS]:
        shares = [_share(row[2 + at], row[1]) for at in places]
        table.add_row(escape(name) or text["no_department"], f"{row[0]:,}", *shares)
    rest = len(counts.departments) - _DEPARTMENTS
    if rest > 0:
        table.add_row(text["other_departments"].format(n=rest), *[""] * (1 + len(_SHOWN)))
    return table
