"""Statistics of many shards as one, in memory for a few of them (统计量合并)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv

from drgengine.errors import EvaluationError
from drgengine.evaluation.mix import UnitStatistics, load_statistics

_AT_ONCE = 8


def merge_statistics(paths: Iterable[Path]) -> UnitStatistics:
    """Merge files of UnitStatistics.save() a few at a time: memory grows with units x groups, not with files.

    Raises EvaluationError when there is no file or the units differ, InputFileError for an unfit file.
    """
    merged: UnitStatistics | None = None
    waiting: list[UnitStatistics] = []
    for path in paths:
        waiting.append(load_statistics(path))
        if len(waiting) == _AT_ONCE:
            merged, waiting = _joined(merged, waiting), []
    if waiting:
        merged = _joined(merged, waiting)
    if merged is None:
        raise EvaluationError("merge", "there are no statistics", "Name at least one file of UnitStatistics.save()")
    return merged


def statistics_digest(statistics: UnitStatistics) -> str:
    """sha256 of the content (cells, units, period, unusable values), which no order of merging changes.

    >>> from drgengine.evaluation.mix import unit_statistics
    >>> one, two = (unit_statistics(pa.table({"hospital_id": [h], "drg": ["FR25"]})) for h in ("H1", "H2"))
    >>> statistics_digest(one.merge(two)) == statistics_digest(two.merge(one)) != statistics_digest(one)
    True
    """
    note = {
        "by": list(statistics.by),
        "squares": sorted(statistics.squares),
        "period": [day.isoformat() for day in statistics.period] if statistics.period else None,
        "unusable": statistics.unusable,
    }
    digest = hashlib.sha256(json.dumps(note, sort_keys=True).encode())
    # CSV and not Arrow's own bytes: these depend on where a column keeps its nulls and offsets.
    buffer = pa.BufferOutputStream()
    pacsv.write_csv(statistics.cells, buffer)
    digest.update(buffer.getvalue())
    return digest.hexdigest()


def _joined(merged: UnitStatistics | None, parts: list[UnitStatistics]) -> UnitStatistics:
    every = parts if merged is None else [merged, *parts]
    return every[0].merge(*every[1:])
