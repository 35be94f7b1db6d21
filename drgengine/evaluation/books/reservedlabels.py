"""Codes of departments and physicians that are words of the books themselves (保留名称)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from drgengine.evaluation.mix.unitstatistics import UnitStatistics

LEVELS = ("department_id", "physician_id")


def free_labels(
    reserved: Collection[str], current: UnitStatistics, previous: UnitStatistics | None
) -> tuple[UnitStatistics, UnitStatistics | None]:
    """The statistics with a code that is a reserved label shown with asterisks, as many as make it no other code.

    Both periods alike, so that a department is found again.

    >>> from drgengine.evaluation.mix import unit_statistics
    >>> cases = {"hospital_id": ["H"] * 2, "department_id": ["(others)", "(others)*"], "drg": ["BB19"] * 2}
    >>> found, _ = free_labels(["(others)"], unit_statistics(pa.table(cases), ["hospital_id", "department_id"]), None)
    >>> sorted(found.cells["department_id"].to_pylist())
    ['(others)*', '(others)**']
    """
    given = [current] if previous is None else [current, previous]
    for level in LEVELS:
        known = {code for one in given if level in one.by for code in _codes(one, level)}
        # Every code that begins like the label moves up by one: none of them meets another.
        moved = {code: f"{code}*" for code in known for label in reserved if _like(code, label)}
        if any(label in known for label in reserved):
            given = [_renamed(one, level, moved) if level in one.by else one for one in given]
    return given[0], given[1] if len(given) > 1 else None


def _like(code: str, label: str) -> bool:
    return code.startswith(label) and not code[len(label) :].strip("*")


def _codes(statistics: UnitStatistics, level: str) -> set[str]:
    column = pc.unique(statistics.cells[level].cast(pa.string()))
    return {code for code in column.to_pylist() if code is not None}


def _renamed(statistics: UnitStatistics, level: str, names: dict[str, str]) -> UnitStatistics:
    cells = statistics.cells
    codes = [names.get(code, code) for code in cells[level].cast(pa.string()).to_pylist()]
    at = cells.column_names.index(level)
    return replace(statistics, cells=cells.set_column(at, level, pa.array(codes, pa.string()).cast(cells[level].type)))
