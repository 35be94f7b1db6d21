"""A cost report table (成本报表): checked data with headers, and the lines of the printed form with their totals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile
from typing import Any, Literal

import numpy as np
import pandas as pd

from drgengine.costing.fen import to_fen
from drgengine.costing.model import Scope
from drgengine.costing.reports.reportwords import (
    ADDING_KINDS,
    TEXT_KINDS,
    Column,
    Language,
    TableForm,
    column_word,
    frame_word,
    remark,
    shown_value,
    table_form,
)
from drgengine.errors import CostingError

Values = Mapping[str, float | None]


@dataclass(frozen=True, slots=True, eq=False)
class ReportTable:
    """A report: its rows without totals, and what is needed to print it.

    frame : DataFrame, canonical English columns; amounts in yuan, whole fen
    columns : header and kind of every column of the frame, in its order
    given_totals : values of the grand total that do not follow from the rows, e.g. a hospital mean
    scope : which of the four totals (成本口径) the amounts are, None where they are none of them
    remarks : what stands over the table, by language
    """

    form: TableForm
    frame: Any
    columns: tuple[Column, ...]
    given_totals: Values = field(default_factory=dict)
    scope: Scope | None = None
    remarks: tuple[Mapping[str, str], ...] = ()

    @property
    def name(self) -> str:
        """Canonical name, which is also that of the Parquet file."""
        return self.form.name

    def lines(self) -> tuple[Line, ...]:
        """The rows of the printed form: details, subtotals, running totals, the grand total."""
        return tuple(_lines(self))

    def with_totals(self, language: Language = "zh") -> Any:
        """The printed form as a DataFrame: canonical columns, with subtotals and the total as rows.

        A first column `line` says what each row is: detail, subtotal, running or total.
        """
        rows = []
        for line in self.lines():
            values = self.frame.iloc[line.row].to_dict() if line.kind == "detail" else dict(line.values)
            if line.kind != "detail":
                values[self.label_column] = line.text(language)
            rows.append({"line": line.kind, **values})
        return pd.DataFrame(rows, columns=["line", *self.frame.columns])

    @property
    def label_column(self) -> str:
        """The text column in which a total line carries its name: that of names before that of codes."""
        leading = takewhile(lambda column: column.kind in TEXT_KINDS, self.columns)
        names = [column.name for column in leading if column.kind == "text" and not column.values]
        return names[0] if names else self.columns[0].name


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a printed form.

    row : row of the frame, -1 for totals; of a line for the rest, which rows were left out: how many
    label : group of a subtotal, word of a running total, file of the rest
    parts : ranges (first, last) of positions among the lines that a total adds up
    values : of a total line: column -> value, None where a total means nothing
    """

    kind: Literal["detail", "subtotal", "running", "rest", "total"]
    row: int = -1
    label: str = ""
    group_values: str = ""
    parts: tuple[tuple[int, int], ...] = ()
    values: Values = field(default_factory=dict)

    def text(self, language: Language) -> str:
        """Name of a total line."""
        if self.kind == "subtotal":
            return frame_word("subtotal", language, group=shown_value(self.label, self.group_values, language))
        if self.kind == "rest":
            return frame_word("rest", language, rows=f"{self.row:,}", file=self.label)
        return frame_word(self.label if self.kind == "running" else "total", language)


def report_table(
    name: str,
    frame: Any,
    *,
    totals: Values | None = None,
    scope: Scope | None = None,
    sums: Mapping[str, tuple[str, ...]] | None = None,
    remarks: Sequence[str | Mapping[str, str]] = (),
) -> ReportTable:
    """Bring rows into the form of a report table (成本报表).

    name : table of data/costing_reports.toml
    frame : DataFrame, one row per line of the form, without totals, in the order of the form. Columns of sums and
        ratios may be missing and are then worked out; columns the form does not name follow behind.
    totals : values for the grand total of columns that do not add up
    scope : which of the four totals (成本口径) the amounts are
    sums : sums besides those of the form: column -> its parts
    remarks : of [remarks] in data/costing_reports.toml, e.g. "payment_model", or texts by language

    A ratio is null where its denominator is 0 or null.
    Raises CostingError for a missing column, and for a sum that is not the sum of its parts to the fen.

    >>> rows = pd.DataFrame({"service_unit": ["检验", "护理"], "income": [200.0, 0.0], "cost": [150.0, 20.0]})
    >>> report_table("service_unit_ratio", rows).frame["ratio"].tolist()
    [0.75, nan]
    """
    form = table_form(name)
    form = replace(form, sums={**form.sums, **(sums or {})})
    frame = frame.reset_index(drop=True).copy()
    _fill_sums(form, frame)
    order = _ordered(form, [str(column) for column in frame.columns])
    columns = tuple(_column(form, column, order, frame.get(column)) for column in order)
    for column in columns:
        if column.over and column.name not in frame:
            frame[column.name] = ratio(frame[column.over[0]], frame[column.over[1]])
    frame = frame[list(order)]
    for column in columns:
        if column.kind not in TEXT_KINDS:
            frame[column.name] = pd.to_numeric(frame[column.name]).astype(np.float64)
            if column.kind == "count" and frame[column.name].notna().all():
                frame[column.name] = frame[column.name].round().astype(np.int64)
    return ReportTable(
        form,
        frame,
        columns,
        dict(totals or {}),
        scope,
        tuple(remark(one) if isinstance(one, str) else one for one in remarks),
    )


def ratio(top: Any, bottom: Any) -> Any:
    """top / bottom, float64, null where bottom is 0 or null.

    >>> ratio([1.0, 2.0], [4, 0]).tolist()
    [0.25, nan]
    """
    numerator, denominator = np.asarray(top, np.float64), np.asarray(bottom, np.float64)
    result = np.full(numerator.shape, np.nan)
    return np.divide(numerator, denominator, out=result, where=(denominator != 0) & ~np.isnan(denominator))


def _ordered(form: TableForm, given: list[str]) -> list[str]:
    """Columns of the table in their order; those the form does not know stand before its tail."""
    derived = {name for name in form.columns if name in form.ratios or column_word(name).over}
    missing = [name for name in form.columns if name not in given and name not in derived]
    if missing:
        raise CostingError(
            f"report {form.name}", f"the column {missing[0]!r} is missing", f"Give it besides {', '.join(given)}"
        )
    known = [*form.columns, *(name for name in form.optional if name in given)]
    lead = [name for name in form.lead if name in known]
    tail = [name for name in form.tail if name in known]
    middle = [name for name in known if name not in lead and name not in tail]
    more = [name for name in given if name not in known]
    return [*lead, *middle, *more, *tail]


def _column(form: TableForm, name: str, present: list[str], values: Any) -> Column:
    own = name in form.columns or name in form.optional
    word = column_word(name, None if own else form.open)
    if not own and word.kind in TEXT_KINDS and not _is_text(values):
        word = replace(word, kind=form.open or "number")
    elif not own and word.kind not in TEXT_KINDS and _is_text(values):
        word = replace(word, kind="text")
    over = form.ratios.get(name, word.over)
    if over and not set(over) <= set(present):
        over = None
    adds = word.kind in ADDING_KINDS and name not in form.blank_totals
    return Column(name, word.zh, word.en, word.kind, word.values, over, form.sums.get(name, ()), adds, word.both)


def _is_text(values: Any) -> bool:
    """Whether a column of the frame holds no numbers; yes and no are words too."""
    return values is None or not pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values)


def _fill_sums(form: TableForm, frame: Any) -> None:
    """Work out sums that are missing; refuse those that are wrong."""
    for name, parts in _sums_in_order(form):
        if not set(parts) <= set(frame.columns):
            continue
        fen = sum((to_fen(frame[part].to_numpy(np.float64)) for part in parts), np.zeros(len(frame), np.int64))
        if name in frame:
            wrong = np.flatnonzero(to_fen(frame[name].to_numpy(np.float64)) != fen)
            if wrong.size:
                row = int(wrong[0])
                raise CostingError(
                    f"report {form.name}, row {row + 1}",
                    f"{name} is {frame[name].iloc[row]:.2f}, its parts add up to {fen[row] / 100:.2f}",
                    "Report this: the amounts of a report must add up to the fen",
                )
        frame[name] = fen / 100.0


def _sums_in_order(form: TableForm) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Sums, those that other sums need first."""
    waiting = dict(form.sums)
    while waiting:
        for name, parts in list(waiting.items()):
            if not set(parts) & set(waiting):
                yield name, waiting.pop(name)


def _lines(table: ReportTable) -> Iterator[Line]:
    form, frame = table.form, table.frame
    group = form.group if form.group in frame and frame[form.group].nunique() > 1 else ""
    keys = frame[group].astype(str).tolist() if group else []
    group_values = next((column.values for column in table.columns if column.name == group), "")
    position = 0
    subtotals: list[tuple[int, int]] = []
    start = 0
    for row in range(len(frame)):
        yield Line("detail", row)
        position += 1
        if group and (row + 1 == len(frame) or keys[row + 1] != keys[row]):
            part = (position - (row + 1 - start), position - 1)
            values = _total_values(table, slice(start, row + 1))
            yield Line("subtotal", -1, keys[row], group_values, (part,), values)
            subtotals.append((position, position))
            position += 1
            start = row + 1
            if keys[row] in form.running and row + 1 < len(frame):
                so_far = _total_values(table, slice(0, row + 1))
                yield Line("running", -1, form.running[keys[row]], "", tuple(subtotals), so_far)
                position += 1
    if form.total and len(frame):
        parts = tuple(subtotals) if group else ((0, position - 1),)
        values = {**_total_values(table, slice(0, len(frame))), **table.given_totals}
        yield Line("total", -1, "", "", parts, values)


def _total_values(table: ReportTable, rows: slice) -> dict[str, float | None]:
    part = table.frame.iloc[rows]
    values: dict[str, float | None] = {}
    for column in table.columns:
        if column.adds:
            values[column.name] = added(part[column.name], column)
    for column in table.columns:
        if column.over and column.name not in table.form.blank_totals and set(column.over) <= set(values):
            top, bottom = (values[name] for name in column.over)
            values[column.name] = top / bottom if bottom and top is not None else None
    return values


def added(values: Any, column: Column) -> float | None:
    """Sum of a column; amounts are added in whole fen, so that the sum is exact. None where every value is null.

    >>> added(pd.Series([0.1, 0.2, None]), Column("total", "合计", "Total", "amount"))
    0.3
    """
    known = values.dropna()
    if known.empty:
        return None
    if column.kind == "amount":
        return float(to_fen(known.to_numpy(np.float64)).sum() / 100.0)
    if column.kind == "count":
        return int(known.sum())
    return float(known.sum())
