"""Shard runs (分片批处理): a folder of Parquet files grouped one by one, resumable after any interruption."""

from drgengine.evaluation.shards.groupshards import group_shards
from drgengine.evaluation.shards.mergestatistics import merge_statistics, statistics_digest
from drgengine.evaluation.shards.runshards import run_shards
from drgengine.evaluation.shards.shardresult import Shard, ShardProgress, ShardRun

__all__ = [
    "Shard",
    "ShardProgress",
    "ShardRun",
    "group_shards",
    "merge_statistics",
    "run_shards",
    "statistics_digest",
]
