"""Titles, headers and shown values of the cost report tables (成本报表), from data/costing_reports.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from drgengine.errors import CostingError

Language = Literal["zh", "en"]
Kind = Literal["code", "text", "long", "amount", "unit", "count", "quantity", "number", "percent"]
TEXT_KINDS = ("code", "text", "long")
ADDING_KINDS = ("amount", "count", "quantity")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a report.

    name : canonical English name, as in Parquet
    zh, en : headers
    kind : what it holds, see data/costing_reports.toml
    values : table of words for its values, "" for none
    over : for a ratio: (numerator, denominator), columns of the same table
    parts : for a sum: the columns it adds up
    adds : whether totals of it mean something
    both : its texts are in two languages: a sheet shows its own, Parquet has English under the name and Chinese in a
        further column with _zh
    """

    name: str
    zh: str
    en: str
    kind: Kind
    values: str = ""
    over: tuple[str, str] | None = None
    parts: tuple[str, ...] = ()
    adds: bool = False
    both: bool = False

    def header(self, language: Language) -> str:
        """Header in the language asked for."""
        return self.zh if language == "zh" else self.en


@dataclass(frozen=True, slots=True)
class TableForm:
    """What data/costing_reports.toml says about a table, with "@items" written out."""

    name: str
    title: Mapping[str, str]
    sheet: Mapping[str, str]
    answers: Mapping[str, str]
    source: Mapping[str, str]
    columns: tuple[str, ...]
    optional: tuple[str, ...]
    lead: tuple[str, ...]
    tail: tuple[str, ...]
    open: Kind | None
    sums: Mapping[str, tuple[str, ...]]
    ratios: Mapping[str, tuple[str, str]]
    blank_totals: tuple[str, ...]
    group: str
    running: Mapping[str, str]
    total: bool


@cache
def report_texts() -> Mapping[str, Any]:
    """The whole of data/costing_reports.toml."""
    text = (Path(__file__).parents[2] / "data" / "costing_reports.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def cost_items() -> tuple[str, ...]:
    """The seven cost items (成本项目) in the order of the printed form."""
    return tuple(report_texts()["items"])


def category_order() -> tuple[str, ...]:
    """The four categories of departments in the order of the printed form, clinical first."""
    return tuple(report_texts()["categories"])


def table_names() -> tuple[str, ...]:
    """All report tables in the order of the workbook."""
    return tuple(report_texts()["tables"])


def table_form(name: str) -> TableForm:
    """The form of a report table.

    Raises CostingError for a name that is no table.

    >>> table_form("visit_cost").title["zh"]
    '诊次成本构成表'
    """
    tables = report_texts()["tables"]
    if name not in tables:
        raise CostingError("report", f"there is no table {name!r}", f"Use one of {', '.join(tables)}")
    entry = tables[name]
    return TableForm(
        name=name,
        title={"zh": entry["zh"], "en": entry["en"]},
        sheet={"zh": entry.get("sheet_zh", entry["zh"]), "en": entry.get("sheet_en", entry["en"])},
        answers={"zh": entry["answers_zh"], "en": entry["answers_en"]},
        source=report_texts()["sources"][entry["source"]],
        columns=_written_out(entry["columns"]),
        optional=_written_out(entry.get("optional", ())),
        lead=tuple(entry.get("lead", ())),
        tail=tuple(entry.get("tail", ())),
        open=entry.get("open"),
        sums={column: _written_out(parts) for column, parts in entry.get("sums", {}).items()},
        ratios={column: (top, bottom) for column, (top, bottom) in entry.get("ratios", {}).items()},
        blank_totals=tuple(entry.get("blank_totals", ())),
        group=entry.get("group", ""),
        running=entry.get("running", {}),
        total=entry.get("total", True),
    )


def column_word(name: str, preferred_kind: Kind | None = None) -> Column:
    """Header and kind of a column by its name; words with a suffix are put together, an unknown name stands itself.

    preferred_kind : the name is that of a method or level and not of a known column; the kind such columns have

    >>> column_word("personnel_share").zh, column_word("personnel_share").over
    ('人员经费 占比', ('personnel', 'total'))
    >>> column_word("reciprocal", "amount").zh
    '交互分配法'
    """
    texts = report_texts()
    if preferred_kind and name in texts["values"]["value"]:
        word = texts["values"]["value"][name]
        return Column(name, word["zh"], word["en"], preferred_kind)
    if name in texts["words"]:
        word = texts["words"][name]
        both = word.get("both", False)
        return Column(name, word["zh"], word["en"], word["kind"], word.get("values", ""), both=both)
    for suffix, word in texts["suffixes"].items():
        stem = name.removesuffix("_" + suffix)
        if stem != name:
            base = column_word(stem, preferred_kind)
            over = (stem, word["over"]) if "over" in word else None
            titles = f"{base.zh} {word['zh']}", f"{base.en}, {word['en']}"
            return Column(name, *titles, word["kind"], word.get("values", ""), over=over)
    return Column(name, name, name, preferred_kind or "text")


def shown_value(value: object, values: str, language: Language) -> str:
    """A text value in the words of the language; a value without words stands itself. Settings may be lists.

    >>> shown_value("auxiliary", "category", "zh"), shown_value("ward 3", "category", "zh")
    ('医疗辅助类', 'ward 3')
    """
    words = report_texts()["values"].get(values, {})
    parts = str(value).split(", ") if values == "value" else [str(value)]
    return ", ".join(words[part][language] if part in words else part for part in parts)


def frame_word(name: str, language: Language, **fields: object) -> str:
    """A word of the sheets themselves, such as "total".

    >>> frame_word("subtotal", "zh", group="医疗技术类")
    '医疗技术类小计'
    """
    return str(report_texts()["frame"][name][language]).format(**fields)


def remark(name: str, **fields: object) -> Mapping[str, str]:
    """A remark over a table in both languages; CostingError for one that is not known.

    >>> remark("unpaid", n=3)["zh"]
    '另有 3 例无支付，其成本不计入盈亏'
    """
    remarks = report_texts()["remarks"]
    if name not in remarks:
        raise CostingError("report", f"there is no remark {name!r}", f"Use one of {', '.join(remarks)}")
    return {language: str(text).format(**fields) for language, text in remarks[name].items()}


def _written_out(names: Iterable[str]) -> tuple[str, ...]:
    """Names with "@items" and "@items:direct,full" replaced by the columns they stand for."""
    found: list[str] = []
    for name in names:
        if not name.startswith("@items"):
            found.append(name)
            continue
        suffixes = name.removeprefix("@items").removeprefix(":")
        for item in cost_items():
            found += [f"{item}_{suffix}" for suffix in suffixes.split(",")] if suffixes else [item]
    return tuple(found)
