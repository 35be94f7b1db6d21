"""Sufficient statistics per unit and group (单位×病组充分统计量): what every index is computed from."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from drgengine.errors import EvaluationError, InputFileError
from drgengine.evaluation.mix.measures import AMOUNTS, COUNTS, GROUP_COLUMNS, amount_sums

_NOTE = b"drgengine.unit_statistics"
# Taken over by every cell; squares are missing where only sums were handed in.
SQUARES = ("charge_squares", "cost_squares", "los_squares")


@dataclass(frozen=True, slots=True, eq=False)
class UnitStatistics:
    """Additive statistics of discharges per unit x inclusion x MDC x ADRG x DRG.

    by : the columns that make a unit, e.g. ("hospital_id",)
    cells : Arrow table, sorted; the unit columns (string, null = not filled in), inclusion (included | long_stay |
        ambiguous | ungroupable | invalid), mdc, adrg, drg (string) and int64 columns: cases, known values, sums and
        sums of squares of charge, cost (fen) and stay (days), deaths among known dispositions, cases with a procedure,
        number of diagnoses, CC and MCC among the cases whose group asks for a severity. All are whole numbers, so that
        sums do not depend on the order of the rows, the size of the batches or the shards they were merged from
    squares : which amounts come with sums of squares ("charge", "cost", "los"); without them there is no standard error
    period : first and last discharge date, or None
    unusable : values that could not be used, by column and reason, e.g. {"total_charge: not above 0": 3}
    """

    by: tuple[str, ...]
    cells: pa.Table
    squares: frozenset[str] = frozenset(AMOUNTS)
    period: tuple[dt.date, dt.date] | None = None
    unusable: dict[str, int] = field(default_factory=dict)

    @property
    def cases(self) -> int:
        """All discharges, included or not."""
        return pc.sum(self.cells["cases"]).as_py() or 0

    @property
    def table(self) -> Any:
        """A pandas long table in yuan and days: *_known, *_sum, *_sumsq instead of the exact parts."""
        frame = self.cells.to_pandas()
        columns = {name: self.cells[name].to_numpy() for name in COUNTS}
        kept = [*self.by_outside_groups, *GROUP_COLUMNS, "cases"]
        result = frame[kept].copy()
        for amount in AMOUNTS:
            known, total, squares = amount_sums(columns, amount)
            result[f"{amount}_known"] = known.astype("int64")
            result[f"{amount}_sum"] = total
            result[f"{amount}_sumsq"] = squares if amount in self.squares else float("nan")
        for name in COUNTS[COUNTS.index("disposition_known") :]:
            result[name] = frame[name]
        return result

    @property
    def by_outside_groups(self) -> tuple[str, ...]:
        """The unit columns that are not columns of the group anyway (mdc, adrg, drg)."""
        return tuple(name for name in self.by if name not in GROUP_COLUMNS)

    def merge(self, *others: UnitStatistics) -> UnitStatistics:
        """These and other statistics of the same unit columns as one; exact, in any order.

        Raises EvaluationError when the units are made of other columns.
        """
        parts = (self, *others)
        wrong = next((part for part in others if part.by != self.by), None)
        if wrong is not None:
            problem = f"the units are made of {', '.join(self.by)} and of {', '.join(wrong.by)}"
            raise EvaluationError("merge", problem, "Roll both up to the same columns with roll_up()")
        periods = [part.period for part in parts if part.period is not None]
        unusable: dict[str, int] = {}
        for part in parts:
            for reason, count in part.unusable.items():
                unusable[reason] = unusable.get(reason, 0) + count
        return UnitStatistics(
            self.by,
            add_up(pa.concat_tables([part.cells for part in parts]), self.by),
            frozenset.intersection(*(part.squares for part in parts)),
            (min(p[0] for p in periods), max(p[1] for p in periods)) if periods else None,
            unusable,
        )

    def roll_up(self, by: str | Sequence[str]) -> UnitStatistics:
        """The same statistics for coarser units, e.g. hospitals out of hospital x physician.

        by : a subset of `self.by`, or columns of the group (mdc, adrg); an empty list makes one unit of all

        Raises EvaluationError for a column that was not kept.
        """
        names = (by,) if isinstance(by, str) else tuple(by)
        if names == self.by:
            return self
        kept = {*self.by, *GROUP_COLUMNS}
        missing = next((name for name in names if name not in kept), None)
        if missing is not None:
            problem = f"the statistics were not kept by {missing!r} but by {', '.join(self.by) or 'nothing'}"
            raise EvaluationError("by", problem, f"Collect them again with by=[..., {missing!r}]")
        return replace(self, by=names, cells=add_up(self.cells, names))

    def only(self, column: str, value: str) -> UnitStatistics:
        """The cells where a unit or group column has one value, e.g. only("mdc", "F")."""
        if column not in (*self.by, *GROUP_COLUMNS):
            raise EvaluationError("only", f"there is no column {column!r}", f"Known: {', '.join(self.by)}, mdc, drg")
        return replace(self, cells=self.cells.filter(pc.equal(self.cells[column], value)))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the cells as Parquet, to be read again with load_statistics; the file appears when it is complete."""
        note = {
            "by": self.by,
            "squares": sorted(self.squares),
            "period": [day.isoformat() for day in self.period] if self.period else None,
            "unusable": self.unusable,
        }
        target = Path(path)
        unfinished = target.with_name(f".{target.name}.{os.getpid()}.tmp")
        try:
            pq.write_table(
                self.cells.replace_schema_metadata({_NOTE: json.dumps(note)}), unfinished, compression="zstd"
            )
            unfinished.replace(target)
        finally:
            unfinished.unlink(missing_ok=True)


def load_statistics(path: str | os.PathLike[str]) -> UnitStatistics:
    """Read what UnitStatistics.save wrote. Raises InputFileError for any other file."""
    try:
        cells = pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise InputFileError(str(path), f"cannot be read as Parquet ({error})", "Give a file of save()") from None
    text = (cells.schema.metadata or {}).get(_NOTE)
    if text is None:
        raise InputFileError(str(path), "holds no statistics of units", "Collect them with unit_statistics()")
    note = json.loads(text)
    period = tuple(dt.date.fromisoformat(day) for day in note["period"]) if note["period"] else None
    return UnitStatistics(
        tuple(note["by"]),
        cells.replace_schema_metadata(None),
        frozenset(note["squares"]),
        period,  # type: ignore[arg-type]
        note["unusable"],
    )


def add_up(cells: pa.Table, by: Sequence[str]) -> pa.Table:
    """Sum the counts per unit and group; sorted by the keys, so that equal statistics are equal tables."""
    keys = [*(name for name in by if name not in GROUP_COLUMNS), *GROUP_COLUMNS]
    order, first = _sorted_groups([cells[key] for key in keys])
    if not len(order):
        return cells.select([*keys, *COUNTS])
    # Arrow's group_by over many text columns takes several times as long.
    distinct = pa.array(order[first])
    columns = [pc.take(cells[key].cast(pa.string()), distinct) for key in keys]
    for name in COUNTS:
        values = np.ascontiguousarray(cells[name].to_numpy())[order]
        columns.append(pa.array(values if len(first) == len(order) else np.add.reduceat(values, first)))
    return pa.table(columns, names=[*keys, *COUNTS]).combine_chunks()


def _sorted_groups(columns: Sequence[pa.ChunkedArray]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Rows sorted by the texts of the columns, nulls last; and where in that order a new combination begins."""
    ranks = [_ranks(column) for column in columns]
    order = np.lexsort(ranks[::-1]) if ranks and len(ranks[0]) else np.empty(0, np.int64)
    new = np.zeros(order.size, np.bool_)
    new[:1] = True
    for rank in ranks:
        placed = rank[order]
        new[1:] |= placed[1:] != placed[:-1]
    return order, np.flatnonzero(new)


def _ranks(column: pa.ChunkedArray) -> npt.NDArray[np.int32]:
    encoded = column.cast(pa.string()).combine_chunks().dictionary_encode()
    texts = encoded.dictionary
    rank = np.empty(len(texts) + 1, np.int32)
    rank[pc.sort_indices(texts).to_numpy()] = np.arange(len(texts), dtype=np.int32)
    rank[-1] = len(texts)
    return rank[pc.fill_null(encoded.indices, len(texts)).to_numpy(zero_copy_only=False)]
