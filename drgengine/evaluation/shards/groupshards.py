"""A folder of Parquet shards grouped one by one (分片分组): the public call."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from drgengine.errors import InputFileError
from drgengine.evaluation.shards.runshards import run_shards
from drgengine.evaluation.shards.shardresult import Shard, ShardProgress, ShardRun
from drgengine.formats import list_parts, refuse_same
from drgengine.grouper.scheme import Scheme
from drgengine.grouper.schemefile import DEFAULT_SCHEME


def group_shards(
    input_folder: str | os.PathLike[str],
    output_folder: str | os.PathLike[str],
    scheme: str | Path | Scheme = DEFAULT_SCHEME,
    *,
    statistics: str | Sequence[str] | None = "hospital_id",
    max_stay_days: int | None = 60,
    columns: Mapping[str, str] | None = None,
    keep_personal: bool = False,
    threads: int | None = None,
    verify: bool = True,
    progress: Callable[[ShardProgress], None] | None = None,
) -> ShardRun:
    """Group every Parquet file of a folder, and resume where an interrupted call stopped (断点续跑).

    Call it again with the same arguments after a crash, a kill or a power cut: finished shards are not done again and
    no row is lost or doubled. Nothing of the input is changed or removed.

    input_folder : (partitioned) folder of Parquet files; each file is a shard
    output_folder : new, or that of an earlier call. It gets grouped/ (the shards with their groups, same names),
        statistics/ (per shard), statistics.parquet (merged; the key `statistics` of an evaluation plan takes it) and
        journal.jsonl (per finished shard: rows, hashes, seconds)
    scheme, columns, keep_personal, threads : as in `group_file`
    statistics, max_stay_days : `by` and `max_stay_days` of `unit_statistics`; None collects no statistics
    verify : compare hashes of finished shards with the journal at the start, not their sizes alone
    progress : called with a ShardProgress at every step

    Every row is grouped and counted as often as it stands in the input: a discharge (hospital_id and case_id) that two
    shards hold is counted twice in the statistics, and neither the run nor an evaluation that takes the statistics can
    see it. Statistics hold no discharges; `evaluate` refuses repeats only where it is given cases. Keep shards apart,
    e.g. by month of discharge, and clean repeats within a shard with `convert`.

    A shard whose product is missing or damaged, or whose input has changed, is done again; `damaged` and `progress`
    say so. Memory does not grow with the number of shards beyond units x groups.

    Raises OutputFileError when the folder holds something else, was made with other arguments (it names them), lacks
    the input of a finished shard, or another process works in it; InputFileError, CaseTableError and SchemeError as
    `group_file` does. The first shard that cannot be read stops the run: later shards are not tried and nothing is
    merged, but what is finished stays finished. Mend the shard or take it out, and call again.

    >>> group_shards("shards", "results").rows  # doctest: +SKIP
    40000000
    """
    source, target = Path(input_folder), Path(output_folder)
    if not source.is_dir():
        problem = "this is no folder" if source.exists() else "there is no such folder"
        remedy = "Name a folder with *.parquet; one file is grouped without --resume (in Python: group_file)"
        raise InputFileError(str(source), problem, remedy)
    refuse_same(source, target)
    shards = [Shard(part.relative_to(source).as_posix(), part) for part in list_parts(source)]
    return run_shards(
        shards,
        target,
        scheme,
        statistics=statistics,
        max_stay_days=max_stay_days,
        columns=columns,
        keep_personal=keep_personal,
        threads=threads,
        verify=verify,
        progress=progress,
    )
