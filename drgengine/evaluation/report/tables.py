"""Tables of the report as plain rows (表格), which one template shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from drgengine.evaluation.report.numbers import DASH, finite


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell. title : shown on hover, a reason   sort : number or text to sort by   below : a second, smaller line

    kind : "" number, "t" text, or a class of the style sheet such as "bad"
    """

    text: str | Markup
    title: str = ""
    sort: float | str | None = None
    below: str | Markup = ""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A column heading. hint : shown on hover   text : whether its cells are texts (left) or numbers (right)"""

    title: str
    text: bool = False
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table. css : classes of the style sheet   sortable : by click on a heading"""

    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    caption: str | Markup = ""
    css: str = ""
    sortable: bool = False
    note: str | Markup = ""


def words_cell(text: object, title: str = "") -> Cell:
    """A text, left-aligned; "—" where there is none."""
    shown = text if isinstance(text, Markup) else "" if text is None or text != text else str(text)
    return Cell(shown or DASH, title, kind="t")


def sorted_by(text: str, value: object, **more: str) -> Cell:
    """A number shown as text and sorted by its value."""
    return Cell(text, sort=finite(value), **more)
