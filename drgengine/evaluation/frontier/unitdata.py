"""Units (hospitals, departments) with inputs and outputs: tables read, checked by name and scaled."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from drgengine.errors import EvaluationError

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Units:
    """Inputs (n, m) > 0 and outputs (n, s) >= 0 of n units, with the names of units and columns."""

    labels: tuple[Hashable, ...]
    inputs: Floats
    outputs: Floats
    input_names: tuple[str, ...]
    output_names: tuple[str, ...]

    @property
    def thin(self) -> bool:
        """Fewer than max(m s, 3 (m + s)) units: most of them end up with score 1 whatever they do."""
        m, s = self.inputs.shape[1], self.outputs.shape[1]
        return len(self.labels) < max(m * s, 3 * (m + s))


def read_units(inputs: Any, outputs: Any, place: str = "dea") -> Units:
    """Check and join the two tables.

    inputs, outputs : arrays (n, m) and (n, s) (a vector is one column), or DataFrames with the units as index; of two
        DataFrames with unlike order the outputs are put into the order of the inputs; Polars and Arrow tables may
        hold the units' names in a first text column
    raises EvaluationError: other units in one table than in the other, a name twice, a cell that is no finite number,
        an input <= 0, an output < 0, a unit whose outputs are all 0
    """
    x, x_labels, x_names = _table(inputs, f"{place} inputs")
    y, y_labels, y_names = _table(outputs, f"{place} outputs")
    if x_labels is not None and y_labels is not None and x_labels != y_labels:
        y = y[_order(x_labels, y_labels, place)]
    if x.shape[0] != y.shape[0]:
        raise EvaluationError(
            place, f"inputs have {x.shape[0]} units, outputs have {y.shape[0]}", "Pass one row per unit in both"
        )
    if x.shape[0] == 0:
        raise EvaluationError(place, "there are no units", "Pass at least one row")
    labels = x_labels or y_labels or tuple(range(x.shape[0]))
    _check_cells(x, labels, x_names, f"{place} inputs", positive=True)
    _check_cells(y, labels, y_names, f"{place} outputs", positive=False)
    idle = np.flatnonzero((y == 0).all(axis=1))
    if idle.size:
        raise EvaluationError(
            f"{place} outputs, {_unit(labels, idle)}",
            f"all outputs are 0{_more(idle.size)}",
            "Leave out units that produce nothing, or pass the outputs they do have",
        )
    return Units(labels, x, y, x_names, y_names)


def _table(table: Any, place: str) -> tuple[Floats, tuple[Hashable, ...] | None, tuple[str, ...]]:
    if not isinstance(table, pd.DataFrame | pd.Series) and hasattr(table, "to_pandas"):
        table = table.to_pandas()
        if isinstance(table, pd.DataFrame) and table.shape[1] and not pd.api.types.is_numeric_dtype(table.iloc[:, 0]):
            table = table.set_index(table.columns[0])
    if isinstance(table, pd.Series):
        table = table.to_frame()
    labels: tuple[Hashable, ...] | None = None
    if isinstance(table, pd.DataFrame):
        labels = tuple(table.index)
        twice = table.index[table.index.duplicated()]
        if len(twice):
            raise EvaluationError(place, f"unit {twice[0]!r} stands there twice", "Give each unit one row")
        names = tuple(str(name) for name in table.columns)
        cells = table.to_numpy(dtype=object)
    else:
        cells = np.asarray(table)
        cells = cells[:, None] if cells.ndim == 1 else cells
        if cells.ndim != 2:
            raise EvaluationError(place, f"has {cells.ndim} dimensions", "Pass units x columns")
        names = tuple(f"{place.split()[-1].rstrip('s')} {column + 1}" for column in range(cells.shape[1]))
    if cells.shape[1] == 0:
        raise EvaluationError(place, "has no column", "Pass at least one")
    return _numbers(cells, labels or tuple(range(cells.shape[0])), names, place), labels, names


def _numbers(cells: Any, labels: tuple[Hashable, ...], names: tuple[str, ...], place: str) -> Floats:
    if cells.dtype != object and cells.dtype.kind in "iufb":
        return np.ascontiguousarray(cells, dtype=np.float64)
    numbers = np.empty(cells.shape)
    for (row, column), cell in np.ndenumerate(cells):
        try:
            numbers[row, column] = np.nan if pd.isna(cell) else float(cell)
        except (TypeError, ValueError) as error:
            raise EvaluationError(
                f"{place}, unit {labels[row]!r}, {names[column]}", f"{cell!r} is no number", "Pass numbers only"
            ) from error
    return numbers


def _order(wanted: tuple[Hashable, ...], given: tuple[Hashable, ...], place: str) -> list[int]:
    at = {label: row for row, label in enumerate(given)}
    for missing, side, other in (
        ([label for label in wanted if label not in at], "outputs", "inputs"),
        ([label for label in given if label not in set(wanted)], "inputs", "outputs"),
    ):
        if missing:
            raise EvaluationError(
                f"{place} {side}",
                f"unit {missing[0]!r} is missing and stands in the {other}{_more(len(missing))}",
                "Pass the same units in both tables, or arrays in the same order",
            )
    return [at[label] for label in wanted]


def _check_cells(
    values: Floats, labels: tuple[Hashable, ...], names: tuple[str, ...], place: str, *, positive: bool
) -> None:
    wrong = ~np.isfinite(values) | ((values <= 0) if positive else (values < 0))
    rows, columns = np.nonzero(wrong)
    if rows.size:
        value = values[rows[0], columns[0]]
        if not np.isfinite(value):
            problem, remedy = f"{value} is no finite number", "Fill the gap or leave the unit out"
        elif positive:
            problem = f"{value:g} is not above 0"
            remedy = "An input must be positive: correct it, leave the unit out, or pass the column as an output"
        else:
            problem = f"{value:g} is negative"
            remedy = "Shift the column, or pass an undesirable output (deaths, complications) as an input"
        raise EvaluationError(
            f"{place}, {_unit(labels, rows)}, {names[columns[0]]}", problem + _more(rows.size, "cell"), remedy
        )


def _unit(labels: tuple[Hashable, ...], rows: Any) -> str:
    return f"unit {labels[rows[0]]!r}"


def _more(count: int, what: str = "unit") -> str:
    return f" ({count - 1} more {what}{'s' if count > 2 else ''} like it)" if count > 1 else ""


def two_power(values: Floats) -> Floats:
    """The power of two near each positive value, 1 for 0: to divide by it changes no digit."""
    positive = np.where(values > 0, values, 1.0)
    return np.asarray(np.exp2(np.rint(np.log2(positive))))


def input_mix_remarks(units: Units, limit: float = 8.0, factor: float = 4.0) -> tuple[str, ...]:
    """Units whose ratio of two inputs is far from all others, often a slipped decimal point.

    far: more than `limit` robust deviations (MAD of the log ratio) and more than `factor` times the median
    """
    remarks = []
    for i in range(units.inputs.shape[1]):
        for k in range(i + 1, units.inputs.shape[1]):
            ratio = units.inputs[:, i] / units.inputs[:, k]
            log = np.log(ratio)
            middle = float(np.median(log))
            spread = 1.4826 * float(np.median(np.abs(log - middle)))
            far = (np.abs(log - middle) > limit * spread) & (np.abs(log - middle) > np.log(factor))
            remarks += [
                f"unit {units.labels[row]!r}: {units.input_names[i]} / {units.input_names[k]} is {ratio[row]:.3g}, "
                f"the median is {np.exp(middle):.3g}; check the data"
                for row in np.flatnonzero(far)
            ]
    return tuple(remarks)
