"""A result table as it is shown: columns of one language, headers, kinds, words (显示用表)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from drgengine.evaluation.indicators.catalogue import Catalogue
from drgengine.evaluation.indicators.treefile import Tree
from drgengine.evaluation.outputs.columnwords import (
    TEXT_KINDS,
    column_words,
    columns_in,
    kind_of,
    sentence,
    shown_word,
)
from drgengine.evaluation.plan.settings import Language
from drgengine.evaluation.yearly.result import Evaluation


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """A column as it is shown: header, kind, values (text, or a number with NaN for none)."""

    header: str
    kind: str
    values: pd.Series

    @property
    def is_text(self) -> bool:
        """Whether the cells are texts."""
        return self.kind in TEXT_KINDS or self.kind == "bool"

    def texts(self, language: Language) -> list[str]:
        """Its cells as texts."""
        return [_text(value, self.kind, language) for value in self.values.tolist()]


@dataclass(frozen=True, slots=True, eq=False)
class Naming:
    """Where names of columns come from."""

    catalogue: Catalogue
    tree: Tree
    own: Mapping[str, tuple[str, str]]


def naming_of(evaluation: Evaluation) -> Naming:
    """Catalogue, tree, and the names only this evaluation has: its classes and the user's columns of hospitals."""
    names = (*evaluation.class_probabilities.columns, *evaluation.hospitals.columns)
    return Naming(
        evaluation.current.indicators.catalogue,
        evaluation.tree,
        {str(name): (str(name), str(name)) for name in names},
    )


def shown_columns(name: str, table: pd.DataFrame, naming: Naming, language: Language) -> list[Shown]:
    """The columns of a table that a language shows; two with one header get their names behind it."""
    found: list[Shown] = []
    for column in columns_in([str(column) for column in table.columns], language):
        words = column_words(name, column, naming.catalogue, naming.tree, naming.own)
        header = words.header(language)
        if any(one.header == header for one in found):
            header = f"{header} [{column}]"
        found.append(Shown(header, kind_of(words, table[column]), table[column]))
    return found


def text_table(columns: Sequence[Shown], language: Language) -> pa.Table:
    """For a CSV file: headers and words of the language, numbers as they are."""
    arrays = []
    for one in columns:
        texts = one.is_text and not _is_numeric(one.values)
        arrays.append(pa.array(one.texts(language), pa.string()) if texts else arrow_column(one.values))
    return pa.Table.from_arrays(arrays, names=[one.header for one in columns])


def arrow_table(table: pd.DataFrame) -> pa.Table:
    """For a Parquet file: canonical names, and a column of whole texts, numbers or truth values each."""
    arrays = [arrow_column(table[name]) for name in table.columns]
    return pa.Table.from_arrays(arrays, names=[str(name) for name in table.columns])


def arrow_column(column: pd.Series) -> pa.Array:
    """int64, float64 (no value = null), bool or string."""
    if pd.api.types.is_bool_dtype(column.dtype):
        return pa.array(column.tolist(), pa.bool_(), from_pandas=True)
    if pd.api.types.is_integer_dtype(column.dtype):
        return pa.array([None if pd.isna(value) else int(value) for value in column.tolist()], pa.int64())
    if pd.api.types.is_float_dtype(column.dtype):
        return pa.array(column.to_numpy(dtype=np.float64, na_value=np.nan), pa.float64(), from_pandas=True)
    values = [None if _is_missing(value) else value for value in column.tolist()]
    given = [value for value in values if value is not None]
    if given and all(isinstance(value, (bool, np.bool_)) for value in given):
        return pa.array([None if value is None else bool(value) for value in values], pa.bool_())
    if given and all(isinstance(value, (int, float, np.number)) for value in given):
        return pa.array([None if value is None else float(value) for value in values], pa.float64())
    return pa.array([None if value is None else str(value) for value in values], pa.string())


def _text(value: Any, kind: str, language: Language) -> str:
    if _is_missing(value):
        return ""
    if isinstance(value, (bool, np.bool_)):
        return sentence("yes" if value else "no", language)
    return shown_word(value, language) if kind == "word" else str(value)


def _is_missing(value: Any) -> bool:
    return value is None or (not isinstance(value, (list, dict, tuple, set)) and bool(pd.isna(value)))


def _is_numeric(column: pd.Series) -> bool:
    return bool(pd.api.types.is_numeric_dtype(column.dtype)) and not pd.api.types.is_bool_dtype(column.dtype)
