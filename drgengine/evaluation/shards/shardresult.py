"""What goes into a shard run and what comes out of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from drgengine.evaluation.mix import UnitStatistics

Stage = Literal["damaged", "begun", "made", "grouped", "counted", "moved", "finished"]
GROUPED = "grouped"
STATISTICS = "statistics"
MADE = "made"
MERGED_FILE = "statistics.parquet"


@dataclass(frozen=True, slots=True)
class Shard:
    """A part of the discharges (分片).

    name : relative path of its products, ending in .parquet, such as "2025/part-07.parquet"
    source : an existing Parquet file, or a call that writes the discharges to the path it is given. Such a call must
        give the same rows each time
    """

    name: str
    source: Path | Callable[[Path], object]


@dataclass(frozen=True, slots=True)
class ShardProgress:
    """A step of a run: damaged (a finished shard must be done again, `problem` says why), begun, made, grouped,
    counted, moved (products are in their place), finished (and in the journal). number : of the shard, from 1."""

    shard: str
    number: int
    shards: int
    stage: Stage
    rows: int = 0
    seconds: float = 0.0
    problem: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class ShardRun:
    """A finished run.

    folder : with grouped/, statistics/, statistics.parquet (all shards merged), journal.jsonl
    rows : discharges of all shards; read = grouped = counted, which every shard was checked for
    shards : all of them; worked : those done by this call; damaged : (shard or journal.jsonl, why) done again
    statistics : merged, or None when none were wanted; digest : of its content, whatever interrupted the run
    status : grouped, ambiguous, ungroupable, invalid -> discharges   reasons : reason -> discharges
    issues : (column, rule) -> values   seconds : make, group, count, store -> of all shards, merge -> of this call
    """

    folder: Path
    rows: int
    shards: tuple[str, ...]
    worked: tuple[str, ...]
    damaged: tuple[tuple[str, str], ...]
    statistics: UnitStatistics | None
    digest: str | None
    status: dict[str, int]
    reasons: dict[str, int]
    issues: dict[tuple[str, str], int]
    seconds: dict[str, float]

    @property
    def grouped(self) -> Path:
        """The folder of the grouped shards, as group_file and unit_statistics take it."""
        return self.folder / GROUPED

    def __str__(self) -> str:
        shares = ", ".join(f"{count:,} {status}" for status, count in self.status.items())
        again = "".join(f"; {name}: {why}" for name, why in self.damaged)
        return f"{self.rows:,} records in {len(self.shards)} shards ({len(self.worked)} now): {shares}{again}"


def adds(finished: list[dict[str, Any]], key: str) -> dict[str, Any]:
    """Counts of all shards added up by name."""
    total: dict[str, Any] = {}
    for event in finished:
        for name, count in event[key].items():
            total[name] = total.get(name, 0) + count
    return total
