"""Tables with department codes as row labels: labels and numbers checked cell by cell, nothing guessed."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from difflib import get_close_matches
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from drgengine.costing.allocation.problems import Problems
from drgengine.errors import CostingError

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def as_frame(table: Any, name: str) -> Any:
    """A pandas DataFrame of a DataFrame, a Series, or a polars or Arrow table with the codes in its first column."""
    if isinstance(table, pd.Series):
        table = table.to_frame("cost" if table.name is None else table.name)
    elif not isinstance(table, pd.DataFrame) and hasattr(table, "to_pandas"):
        table = table.to_pandas()
        table = table.set_index(table.columns[0])
    if not isinstance(table, pd.DataFrame):
        raise CostingError(
            name, f"is a {type(table).__name__}", "Pass a pandas DataFrame with department codes as index"
        )
    if isinstance(table.index, pd.MultiIndex):
        raise CostingError(
            name, "has several index levels", "Use one department code per row: reset_index or join them"
        )
    return table


def check_labels(labels: Any, place: str, problems: Problems) -> None:
    """No label blank, none twice."""
    for row, label in enumerate(labels, 1):
        if pd.isna(label) or (isinstance(label, str) and not label.strip()):
            problems.add(f"{place}, entry {row}", f"the label {label!r} is blank", "Enter the code")
    if not labels.is_unique:
        again = labels[labels.duplicated()].unique()
        rows = {label: [row for row, other in enumerate(labels, 1) if other == label] for label in again}
        for label, entries in rows.items():
            problems.add(
                place, f"{shown(label)} stands in entries {_and(entries)}", "Add them up, or give each its own code"
            )


def check_known(labels: Any, known: Any, place: str, problems: Problems) -> None:
    """Every label is one of the known departments; a similar one is suggested."""
    names = [str(label) for label in known]
    for label in labels[~labels.isin(known)]:
        near = get_close_matches(str(label).strip(), names, 1, 0.6)
        if near and near[0] == str(label):
            hint = "The costs have it with another type: read codes as text in both tables"
        elif near:
            hint = f"Did you mean {near[0]!r}? Otherwise add it to the costs, with 0 if it has none"
        else:
            hint = "Add the department to the costs, with 0 if it has none, or take it out"
        problems.add(place, f"department {shown(label)} is not among the costs", hint)


def cell_values(frame: Any, place: str, problems: Problems, blank_remedy: str) -> Floats:
    """float64 (rows, columns) of a DataFrame; blanks, texts and infinities are problems, named with their cell."""
    values = frame.to_numpy()
    if values.dtype.kind in "iuf":
        out = values.astype(np.float64)
    else:
        cells = [[_number(cell) for cell in row] for row in values]
        texts = np.array([[cell is None for cell in row] for row in cells], np.bool_).reshape(values.shape)
        out = np.array([[0.0 if cell is None else cell for cell in row] for row in cells], np.float64)
        out = out.reshape(values.shape)
        add_cells(problems, frame, place, texts, lambda cell: f"{cell} is not a number", "Enter a number")
    add_cells(problems, frame, place, np.isnan(out), lambda _: "the cell is blank (NaN)", blank_remedy)
    add_cells(problems, frame, place, np.isinf(out), lambda cell: f"{cell} is not finite", "Enter a number")
    return out


def add_cells(problems: Problems, frame: Any, place: str, wrong: Bools, say: Any, remedy: str) -> None:
    """One problem per wrong cell, with row and column label; `say` gets the cell as text."""
    if not wrong.any():
        return

    def found() -> Iterator[tuple[str, str, str]]:
        for row, column in np.argwhere(wrong):
            where = f"{place}, row {shown(frame.index[row])}, column {shown(frame.columns[column])}"
            yield where, say(shown(frame.iat[row, column])), remedy

    problems.add_many(found(), int(wrong.sum()))


def shown(value: Any) -> str:
    """A label or a cell as text, numpy numbers like plain ones."""
    return repr(value.item() if isinstance(value, np.generic) else value)


def _number(cell: Any) -> float | None:
    """A number, NaN for a blank, None for anything else; true and false are no numbers."""
    if isinstance(cell, bool | np.bool_):
        return None
    if isinstance(cell, Real | Decimal):
        return float(cell)
    if cell is None or cell is pd.NA or cell is pd.NaT or (isinstance(cell, str) and not cell.strip()):
        return float("nan")
    return None


def _and(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers[:-1])) + f" and {numbers[-1]}"
