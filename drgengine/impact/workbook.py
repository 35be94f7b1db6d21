"""The workbook of an impact (工作簿): live numbers, text never as a formula."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import pyarrow as pa

from drgengine.evaluation.outputs.sheetbook import Sheet, write_book
from drgengine.evaluation.outputs.shownframe import Shown
from drgengine.impact.result import Impact
from drgengine.impact.words import words

MOST_ROWS = 1_000_000
_WORDS = ("kind", "old_status", "new_status", "status")
_SEVERITIES = ("before", "after")
_KIND = {"share_of_old": "share"}
_LONG = ("old_name", "new_name", "name_before", "name_after")


def write_workbook(found: Impact, path: Path, language: str, top: int) -> None:
    """Write the workbook. Raises OutputFileError."""
    text = words(language)
    moving = [kind != "stays" for kind in found.flows["kind"].to_pylist()]
    first = found.flows.filter(pa.array(moving, pa.bool_())).slice(0, top)
    lead = text["lead"].format(a=found.a.id, b=found.b.id, rows=f"{found.rows:,}")
    parts = (text["parts_note"],) if found.weights else (text["add_weights"],)
    sheets = [
        Sheet(text["sheet_overview"], text["title"], (lead,), _overview(found, language)),
        Sheet(text["sheet_top"], text["sheet_top"], (text["how_code"],), shown_table(first, language)),
        Sheet(text["sheet_flows"], text["sheet_flows"], (text["how_moved"],), shown_table(found.flows, language)),
        Sheet(text["sheet_departments"], text["sheet_departments"], parts, shown_table(found.departments, language)),
        Sheet(
            text["sheet_severity"],
            text["sheet_severity"],
            (text["severity_note"],),
            shown_table(_with_all(found, text["all"]), language),
        ),
        Sheet(text["sheet_groups"], text["sheet_groups"], parts, shown_table(found.groups, language)),
        Sheet(text["sheet_notes"], text["sheet_notes"], notes(found, language), _checks(found, language)),
    ]
    chosen: Literal["zh", "en"] = "zh" if language == "zh" else "en"
    write_book(path, sheets, title=text["title"], created=dt.date.today(), language=chosen, rows=MOST_ROWS)


def notes(found: Impact, language: str) -> tuple[str, ...]:
    """How it was counted, what is to be known, and whether the sums agree."""
    text = words(language)
    said = [text["how_moved"], text["how_code"], *(remark.text(language) for remark in found.remarks)]
    said += [text["parts_note"] if found.weights else text["add_weights"]]
    return (*said, reconciliation(found, language))


def reconciliation(found: Impact, language: str) -> str:
    """Whether the sums agree, in a sentence."""
    wrong = [check for check in found.checks if not check.holds]
    key = "not_reconciled" if wrong else "reconciled"
    return words(language)[key].format(n=len(wrong or found.checks), rows=f"{found.rows:,}")


def shown_table(table: pa.Table, language: str) -> list[Shown]:
    """The columns with headers, words and number formats of a language."""
    text = words(language)
    columns = []
    for name in table.column_names:
        values, kind = table[name].to_pylist(), table.schema.field(name).type
        if name in _WORDS:
            columns.append(_texts(text[name], [text[value] for value in values]))
        elif name in _SEVERITIES:
            columns.append(_texts(text[name], [severity(value, language) for value in values]))
        elif pa.types.is_list(kind):
            columns.append(_texts(text[name], [", ".join(map(str, value)) for value in values]))
        elif pa.types.is_string(kind):
            shown = ["" if value is None else value for value in values]
            columns.append(_texts(text[name], shown, "long" if name in _LONG else "text"))
        else:
            form = _KIND.get(name, "count" if pa.types.is_integer(kind) else "number")
            columns.append(_numbers(text[name], values, form))
    return columns


def severity(value: str | None, language: str) -> str:
    """A severity as it is shown."""
    text = words(language)
    return text["not_asked"] if value is None else text["none_severity"] if value == "none" else value


def _texts(header: str, values: Sequence[str], kind: str = "text") -> Shown:
    return Shown(header, kind, pd.Series(list(values), dtype=object))


def _numbers(header: str, values: Sequence[Any], kind: str) -> Shown:
    numbers = [float("nan") if value is None else float(value) for value in values]
    return Shown(header, kind, pd.Series(numbers, dtype="float64"))


def _with_all(found: Impact, word: str) -> pa.Table:
    """Severities in all, then by department."""
    table = found.severity
    all_of = table.add_column(0, "department", pa.array([word] * table.num_rows, pa.string()))
    return pa.concat_tables([all_of, found.department_severity])


def overview_rows(found: Impact, language: str) -> list[tuple[str, int | float | Decimal | None, str]]:
    """Item, value, kind of number."""
    text, weights = words(language), found.weights
    rows: list[tuple[str, Any, str]] = [(text["cases"], found.rows, "count")]
    rows += [(text[name], getattr(found, name), "count") for name in ("moved", "moved_adrg")]
    rows.append((text["of_which_renumbered"], found.renumbered, "count"))
    rows.append((text["moved_mdc"], found.moved_mdc, "count"))
    rows += [
        (text[f"newly_{status}"], found.newly(status), "count")
        for status in ("ambiguous", "ungroupable", "grouped", "invalid")
    ]
    rows += [(f"{text[old]} → {text[new]}", n, "count") for (old, new), n in found.status.items()]
    if weights is not None:
        rows += [
            (text["weight_before"], weights.before, "number"),
            (text["weight_after"], weights.after, "number"),
            (text["weight_change"], weights.change, "number"),
            *((text[f"part_{name}"], value, "number") for name, value, _ in parts_of(found)),
            (text["cmi_before"], weights.cmi_before, "number"),
            (text["cmi_after"], weights.cmi_after, "number"),
            (text["weighted_before"], weights.cases_before, "count"),
            (text["weighted_after"], weights.cases_after, "count"),
            (text["unweighted_before"], weights.lacking_before, "count"),
            (text["unweighted_after"], weights.lacking_after, "count"),
        ]
    return rows


def parts_of(found: Impact) -> list[tuple[str, Decimal, int]]:
    """Parts of the change of weight: name, weight, cases."""
    weights = found.weights
    if weights is None:
        return []
    return [
        ("price", weights.price, weights.cases_split),
        ("mix", weights.mix, weights.cases_split),
        ("not_split", weights.not_split, weights.cases_not_split),
        ("only_before", weights.only_before, weights.cases_only_before),
        ("only_after", weights.only_after, weights.cases_only_after),
    ]


def _overview(found: Impact, language: str) -> list[Shown]:
    text = words(language)
    rows = overview_rows(found, language)
    item = _texts(text["item"], [name for name, _, _ in rows], "long")
    return [item, _numbers(text["value"], [value for _, value, _ in rows], "number")]


def _checks(found: Impact, language: str) -> list[Shown]:
    text = words(language)
    return [
        _texts(text["check"], [text[f"check_{one.key}"] for one in found.checks], "long"),
        _numbers(text["found"], [one.found for one in found.checks], "number"),
        _numbers(text["expected"], [one.expected for one in found.checks], "number"),
    ]
