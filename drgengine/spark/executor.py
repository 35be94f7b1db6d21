"""What runs on the executors: places for compiled code, and groupers kept from task to task."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

import drgengine
from drgengine.spark.remedies import for_table, told_with

if TYPE_CHECKING:
    from drgengine.cases import ColumnMap
    from drgengine.grouper.group import Grouper
    from drgengine.spark.shipped import Shipped

Batches = Iterator[pa.RecordBatch]
_groupers: dict[tuple[str, str], Grouper] = {}


@cache
def prepare() -> None:
    """Give compiled code a folder that can be written, before anything is compiled (once per process).

    An executor often has neither a home nor rights on the folder of the package. numba would then refuse to load the
    kernels at all, and schemes would be compiled by every process. The executor's own temporary folder, which its
    processes share and Spark removes in the end, takes their place. Files appear whole under their names, so that
    several processes may write at once.
    """
    import numba

    from drgengine.grouper.cache import cache_folder

    if not _may_write(cache_folder()):
        os.environ["DRGENGINE_CACHE"] = str(_scratch("schemes"))
    config: Any = numba.config
    package = Path(drgengine.__file__).parent / "grouper" / "__pycache__"
    if not config.CACHE_DIR and not _may_write(package):
        config.CACHE_DIR = str(_scratch("kernels"))


def _scratch(name: str) -> Path:
    from pyspark import SparkFiles

    folder = Path(SparkFiles.getRootDirectory()) / f"drgengine-{name}"
    return folder if _may_write(folder) else Path(tempfile.mkdtemp(prefix=f"drgengine-{name}-"))


def _may_write(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def grouper_for(shipped: Shipped, columns: ColumnMap) -> Grouper:
    """The grouper for a scheme and a layout of columns, made at the first call in this process."""
    prepare()
    from drgengine.grouper.group import Grouper

    key = (shipped.digest, repr(columns))
    if key not in _groupers:
        _groupers[key] = Grouper(shipped.scheme(), columns)
    return _groupers[key]


def group_batches(shipped: Shipped, columns: ColumnMap, names: Sequence[str]) -> Callable[[Batches], Batches]:
    """The function for mapInArrow: batches of a partition in, the same with six columns of text out.

    names : of the columns as `columns` speaks of them; Spark itself sees plain names
    """
    own = list(names)

    def grouped(batches: Batches) -> Batches:
        from drgengine.spark.executor import answered

        for batch in batches:
            yield answered(batch, shipped, columns, own)

    return grouped


def answered(batch: pa.RecordBatch, shipped: Shipped, columns: ColumnMap, names: list[str]) -> pa.RecordBatch:
    """A batch with the six result columns behind its own."""
    with told_with(for_table):
        found = results(batch.rename_columns(names), shipped, columns)
    fields = [*batch.schema, *(pa.field(name, pa.string()) for name in found)]
    return pa.RecordBatch.from_arrays([*batch.columns, *found.values()], schema=pa.schema(fields))


def results(batch: pa.RecordBatch, shipped: Shipped, columns: ColumnMap) -> dict[str, pa.Array]:
    """The six result columns of a batch as plain text, by name."""
    grouper = grouper_for(shipped, columns)
    from drgengine.grouper.group import RESULT_COLUMNS

    # Row numbers only serve remarks on values, which Spark has no place for.
    answer = grouper.answer(batch, 1)
    return {name: column.dictionary_decode() for name, column in zip(RESULT_COLUMNS, answer.columns, strict=True)}
