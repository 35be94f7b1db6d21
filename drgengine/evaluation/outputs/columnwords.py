"""What a column is called and how it is shown, in Chinese and English (字段名称)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import pandas as pd

from drgengine.errors import EvaluationError
from drgengine.evaluation.indicators.catalogue import Catalogue
from drgengine.evaluation.indicators.documents import AGAIN, DATA
from drgengine.evaluation.indicators.treefile import Tree
from drgengine.evaluation.plan.settings import Language
from drgengine.tomltable import read_toml

TEXT_KINDS = ("code", "text", "long", "word")
KINDS = (*TEXT_KINDS, "bool", "count", "year", "number", "points", "amount", "share", "rate")
_BY_CATALOGUE = ("league",)
"""Tables whose columns that are indicators take name and unit from the catalogue, since casemix() has its own units."""
_UNIT_FREE = ("index", "ratio", "", "weight per case", "groups", "cases", "weight", "points")
_UNITS_ZH = {
    "yuan": "元",
    "days": "天",
    "persons": "人",
    "beds": "张",
    "visits": "人次",
    "times": "次",
    "minutes": "分钟",
}


@dataclass(frozen=True, slots=True)
class ColumnWords:
    """Header in both languages and kind of a column; known : False where nothing names it, so that its name stands."""

    name: str
    zh: str
    en: str
    kind: str
    known: bool = True

    def header(self, language: Language) -> str:
        """The header in a language."""
        return self.zh if language == "zh" else self.en


@cache
def result_words() -> Mapping[str, Any]:
    """The content of data/evaluation/result_tables.toml."""
    return read_toml(DATA / "result_tables.toml", EvaluationError, AGAIN)


def sentence(name: str, language: Language, /, **values: object) -> str:
    """A sentence of the file in a language.

    >>> sentence("group", "en", group="3")
    'League 3'
    """
    return str(result_words()["sentence"][name][language]).format(**values)


def table_title(name: str, language: Language) -> str:
    """Title of a result table."""
    return str(result_words()["table"][name][language])


def shown_word(value: object, language: Language) -> str:
    """A word of a cell such as "met" in a language; one that is not in the file stands for itself."""
    entry = result_words()["word"].get(str(value))
    return str(value) if entry is None else str(entry[language])


def column_words(
    table: str,
    name: str,
    catalogue: Catalogue,
    tree: Tree | None = None,
    own: Mapping[str, tuple[str, str]] | None = None,
) -> ColumnWords:
    """Words of a column of a table.

    own : further names in both languages, such as classes and columns of the user's table of hospitals

    >>> from drgengine.evaluation.indicators import load_catalogue
    >>> words = [column_words("casemix", name, load_catalogue()) for name in ("cmi_low", "charge_index_oe_se")]
    >>> [(one.zh, one.kind) for one in words]
    [('CMI下限', 'number'), ('费用消耗指数（观察/期望）标准误', 'number')]
    """
    return (
        _listed(table, name)
        or (_of_catalogue(name, catalogue) if table in _BY_CATALOGUE else None)
        or _listed("", name)
        or _given(name, tree, own or {})
        or _composed(table, name, catalogue)
        or _of_catalogue(name, catalogue)
        or ColumnWords(name, name, name, "", False)
    )


def _listed(table: str, name: str) -> ColumnWords | None:
    entry = result_words()["column"].get(f"{table}.{name}" if table else name)
    return None if entry is None else ColumnWords(name, entry["zh"], entry["en"], entry["kind"])


def _given(name: str, tree: Tree | None, own: Mapping[str, tuple[str, str]]) -> ColumnWords | None:
    if name in own:
        return ColumnWords(name, *own[name], "")
    for one in tree.dimensions if tree is not None else ():
        if one.id == name:
            return ColumnWords(name, one.zh, one.en, "points")
    return None


def _of_catalogue(name: str, catalogue: Catalogue) -> ColumnWords | None:
    one: Any = catalogue.indicators.get(name) or catalogue.inputs.get(name)
    if one is None:
        return None
    zh = en = ""
    if one.unit not in _UNIT_FREE:
        zh, en = f"（{_UNITS_ZH.get(one.unit, one.unit)}）", f" ({one.unit})"
    return ColumnWords(name, one.zh + zh, one.en + en, "number")


def _composed(table: str, name: str, catalogue: Catalogue) -> ColumnWords | None:
    """A known column with a prefix or a suffix."""
    for ending, words in result_words()["suffix"].items():
        if name.endswith(ending) and len(name) > len(ending):
            inner = column_words(table, name.removesuffix(ending), catalogue)
            if inner.known:
                return replace(inner, name=name, zh=inner.zh + words["zh"], en=inner.en + words["en"])
    for start, words in result_words()["prefix"].items():
        if name.startswith(start) and len(name) > len(start):
            inner = column_words(table, name.removeprefix(start), catalogue)
            if inner.known:
                kind = "number" if inner.kind in (*TEXT_KINDS, "count") else inner.kind
                return replace(inner, name=name, zh=words["zh"] + inner.zh, en=words["en"] + inner.en, kind=kind)
    return None


def kind_of(words: ColumnWords, column: pd.Series) -> str:
    """How a column is shown: as its words say where its values fit, else by its values."""
    numeric = pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype)
    if pd.api.types.is_bool_dtype(column.dtype):
        return "bool"
    if not numeric:
        return words.kind if words.kind in TEXT_KINDS else "text"
    if words.kind in (*TEXT_KINDS, "bool", ""):
        return "count" if pd.api.types.is_integer_dtype(column.dtype) else "number"
    return words.kind


def columns_in(columns: list[str], language: Language) -> list[str]:
    """The columns shown in a language: of pairs such as zh and en, remark_zh and remark_en, note and note_zh only one;
    of three such as veto, veto_zh and veto_en that of the language.

    >>> columns_in(["zh", "en", "note", "note_zh", "name", "name_en"], "en")
    ['en', 'note', 'name', 'name_en']
    """
    there = set(columns)
    dropped = set()
    for name in columns:
        base = name.removesuffix("_zh") if name.endswith("_zh") else ""
        if base:
            other = f"{base}_en" if f"{base}_en" in there else base
            if other in there:
                dropped.add(other if language == "zh" else name)
            if f"{base}_en" in there and base in there:
                dropped.add(base)
    if {"zh", "en"} <= there:
        dropped.add("en" if language == "zh" else "zh")
    return [name for name in columns if name not in dropped]
