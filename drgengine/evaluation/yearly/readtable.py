"""Small tables of a plan (CSV in UTF-8 or GB18030, XLSX, Parquet) with headers in English or Chinese."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable, Mapping
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from drgengine.cases.vocabulary import fold
from drgengine.errors import EvaluationError
from drgengine.evaluation.plan.keywords import TableWords, table_words
from drgengine.formats import open_source

LARGEST = 1e18
"""No number of a hospital or a region lies beyond."""


def read_table(path: Path, table: str) -> pd.DataFrame:
    """A table of the plan; columns it knows bear their canonical names, others their own.

    The index is the row of the file, the header being row 1. Texts are stripped, empty cells are None.
    Raises EvaluationError: a column that lacks or stands there twice, a table without rows; InputFileError.
    """
    words = table_words()[table]
    with open_source(path, keep_personal=True, dictionary_columns=()) as source:
        read = pa.Table.from_batches(list(source.batches()), schema=source.schema)
    frame = read.to_pandas()
    frame.index = pd.RangeIndex(2, len(frame) + 2)
    frame.columns = _canonical([str(name) for name in frame.columns], words, path)
    for one in words.columns:
        if one.required and one.name not in frame.columns:
            raise EvaluationError(str(path), f"there is no column {one.name!r}", _offer(one.name, one.headers, frame))
    for name in frame.columns:
        if frame[name].dtype == object or isinstance(frame[name].dtype, pd.StringDtype):
            cells = [_cell(value) for value in frame[name]]
            frame[name] = pd.Series(cells, index=frame.index, dtype=object)
    return frame.dropna(how="all")


def _canonical(names: list[str], words: TableWords, path: Path) -> list[str]:
    known = {fold(header): one.name for one in words.columns for header in (one.name, *one.headers)}
    found = [known.get(fold(name), name.strip()) for name in names]
    twice = next((name for name in found if found.count(name) > 1), None)
    if twice is not None:
        both = [given for given, name in zip(names, found, strict=True) if name == twice]
        raise EvaluationError(str(path), f"columns {' and '.join(map(repr, both))} mean the same", "Keep one of them")
    return found


def _offer(name: str, headers: tuple[str, ...], frame: pd.DataFrame) -> str:
    near = get_close_matches(name, [str(one) for one in frame.columns], n=1)
    if near:
        return f"Did you mean {near[0]!r}? Name it {name}"
    return f"Name it {' or '.join((name, *headers[:2]))}"


def _cell(value: Any) -> Any:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, str):
        return value.strip() or None
    return value


def code(value: Any) -> str | None:
    """A cell that is a code, as text; whole numbers without a fraction.

    >>> code(12.0), code(" H1"), code(None)
    ('12', 'H1', None)
    """
    if value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip() or None


def number_column(frame: pd.DataFrame, name: str, path: Path) -> pd.Series:
    """A column as float64, NaN where it is empty. Raises EvaluationError naming row, column and value."""
    values = [_number(value, f"{path}, row {row}, column {name!r}") for row, value in frame[name].items()]
    return pd.Series(values, index=frame.index, dtype="float64", name=name)


def _number(value: Any, place: str) -> float:
    if value is None or value is pd.NA:
        return math.nan
    if isinstance(value, bool):
        raise EvaluationError(place, f"{value!r} is no number", "Write 1 or 0")
    if isinstance(value, str):
        text = value.strip()
        if not text or text in ("-", "—", "/"):
            return math.nan
        try:
            if "_" in text:
                raise ValueError
            found = float(text)
        except ValueError:
            raise EvaluationError(place, f"{value!r} is no number", "Write digits only, such as 1234.5") from None
    elif isinstance(value, numbers.Real | Decimal):
        found = float(value)
    else:
        raise EvaluationError(place, f"{value!r} is no number", "Write digits only, such as 1234.5")
    if math.isinf(found):
        raise EvaluationError(place, f"{value!r} is not finite", "Leave the cell empty if it is not known")
    if abs(found) > LARGEST:
        raise EvaluationError(place, f"{found:g} is beyond {LARGEST:g}", "Mend it, or leave the cell empty")
    return found


def by_name_or_title(known: Mapping[str, Any]) -> dict[str, str]:
    """Name, Chinese and English title, folded -> name, of inputs or indicators of the catalogue."""
    found = {fold(one.en): name for name, one in known.items()}
    found |= {fold(one.zh): name for name, one in known.items()}
    return found | {fold(name): name for name in known}


def refuse_unknown(ids: Iterable[str], known: Iterable[str], place: str, what: str) -> None:
    """EvaluationError naming the hospitals that are not in the table of hospitals."""
    listed = set(known)
    strange = sorted({one for one in ids if one not in listed})
    if strange:
        shown = ", ".join(strange[:8]) + (f" and {len(strange) - 8} more" if len(strange) > 8 else "")
        problem = f"{len(strange)} {what} not in the table of hospitals: {shown}"
        raise EvaluationError(place, problem, "Add them to the hospitals, or take them out here")
