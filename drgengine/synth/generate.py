"""The public calls: invented discharges as a table, or streamed into a Parquet file."""

from __future__ import annotations

import os
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from drgengine.cases import CASE_SCHEMA
from drgengine.errors import DrgEngineError, OutputFileError
from drgengine.synth.block import BLOCK_ROWS, Block, make_block
from drgengine.synth.dirt import kinds
from drgengine.synth.plan import Plan, make_plan
from drgengine.synth.settings import data

_THREADS = 2
_NO_DICTIONARY = ("case_id", "patient_id", "total_charge")
_LIST_PATHS = {"dx": "dx.list.element", "proc": "proc.list.element"}


@dataclass(frozen=True, slots=True)
class SynthSummary:
    """What was made.

    path : the file, None for a table in memory; bytes : its size; seconds : time taken; seed : as given
    by_hospital : hospital -> rows; roles : hospital -> what it plays; dirty : kind of dirt -> rows (all kinds)
    """

    path: Path | None
    rows: int
    bytes: int
    seconds: float
    seed: int
    by_hospital: dict[str, int]
    roles: dict[str, str]
    dirty: dict[str, int]

    def text(self) -> str:
        """The summary for a reader, several lines."""
        wrong = sum(self.dirty.values())
        lines = [f"{self.rows:,} synthetic discharges (seed {self.seed})"]
        if self.path is not None:
            lines[0] += f" in {self.path}, {self.bytes / 1e6:,.1f} MB, {self.seconds:.1f} s"
        lines += [f"  {h}  {n:>11,}  {self.roles[h]}" for h, n in self.by_hospital.items()]
        lines.append(f"dirty on purpose: {wrong:,} rows")
        texts = {name: entry["text"] for name, entry in data("dirty")["kind"].items()}
        lines += [f"  {name:<24} {n:>9,}  {texts[name]}" for name, n in self.dirty.items() if n]
        return "\n".join(lines)


def generate(
    path: str | Path,
    *,
    rows: int,
    seed: int = 1,
    hospitals: int = 6,
    departments: int = 12,
    dirty_share: float = 0.02,
    scheme: str = "chs-drg-2.0",
    row_group: int = 131_072,
    progress: Callable[[int, int], None] | None = None,
) -> SynthSummary:
    """Write invented discharges (模拟病案) to a Parquet file: the columns of the case table, zstd, list columns.

    path : the file; written under a temporary name beside it and renamed when complete
    rows : number of discharges, > 0; the first rows of a longer file are those of a shorter one of the same seed
    seed : >= 0; the same arguments give the same file
    hospitals, departments : numbers, 1 to 5000 and 1 to 200; roles and departments stand in the data files
    dirty_share : share of records made dirty on purpose, 0 to 0.5; kinds stand in data/dirty.toml
    scheme : packaged name or folder; its lists and rules decide which codes meet in a record
    row_group : rows per row group; changes the file's layout, never its rows
    progress : called with (rows done, rows in all) now and then

    returns SynthSummary; raises DrgEngineError for an argument out of range, OutputFileError if it cannot write.
    Memory does not grow with `rows`.

    >>> generate("cases.parquet", rows=1000).rows  # doctest: +SKIP
    1000
    """
    started = time.perf_counter()
    _check(rows, seed, hospitals, departments, dirty_share, row_group)
    target = Path(path)
    plan = make_plan(scheme, hospitals=hospitals, departments=departments, seed=seed)
    tally = _Tally(plan)
    temporary = _temporary(target)
    try:
        _write(temporary, _blocks(plan, rows, seed, dirty_share), tally, rows, row_group, progress)
        # mkstemp makes files for the owner alone; give the rights any new file would have.
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)
        temporary.replace(target)
    except OSError as error:
        raise OutputFileError(str(target), f"cannot be written ({error.strerror})", "Choose another place") from None
    finally:
        temporary.unlink(missing_ok=True)
    return tally.summary(target, seed, time.perf_counter() - started)


def sample(
    rows: int,
    *,
    seed: int = 1,
    hospitals: int = 6,
    departments: int = 12,
    dirty_share: float = 0.02,
    scheme: str = "chs-drg-2.0",
) -> tuple[pa.Table, SynthSummary]:
    """The same discharges as a table in memory; arguments as in `generate`.

    >>> sample(100)[0].num_rows
    100
    """
    started = time.perf_counter()
    _check(rows, seed, hospitals, departments, dirty_share, 1)
    plan = make_plan(scheme, hospitals=hospitals, departments=departments, seed=seed)
    tally = _Tally(plan)
    tables = []
    for block, wanted in _blocks(plan, rows, seed, dirty_share):
        tally.add(block, wanted)
        tables.append(block.table.slice(0, wanted))
    return pa.concat_tables(tables), tally.summary(None, seed, time.perf_counter() - started)


class _Tally:
    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.rows = 0
        self.hospital = np.zeros(len(plan.hospitals.ids), dtype=np.int64)
        self.dirty = np.zeros(len(kinds()), dtype=np.int64)

    def add(self, block: Block, wanted: int) -> None:
        self.rows += wanted
        self.hospital += np.bincount(block.hospital[:wanted], minlength=self.hospital.size)
        self.dirty += np.bincount(block.dirt[:wanted] + 1, minlength=self.dirty.size + 1)[1:]

    def summary(self, path: Path | None, seed: int, seconds: float) -> SynthSummary:
        made = self.plan.hospitals
        return SynthSummary(
            path=path,
            rows=self.rows,
            bytes=path.stat().st_size if path else 0,
            seconds=seconds,
            seed=seed,
            by_hospital=dict(zip(made.ids, self.hospital.tolist(), strict=True)),
            roles=dict(zip(made.ids, made.roles, strict=True)),
            dirty=dict(zip(kinds(), self.dirty.tolist(), strict=True)),
        )


def _check(rows: int, seed: int, hospitals: int, departments: int, dirty_share: float, row_group: int) -> None:
    limits = {
        "rows": (rows, 1, 10**12 - 1),
        "seed": (seed, 0, 2**63),
        "hospitals": (hospitals, 1, 5000),
        "departments": (departments, 1, 200),
        "dirty_share": (dirty_share, 0, 0.5),
        "row_group": (row_group, 1, 2**26),
    }
    for name, (value, low, high) in limits.items():
        if not low <= value <= high:
            raise DrgEngineError(f"argument {name}", f"{value} is out of range", f"Give a number from {low} to {high}")


def _blocks(plan: Plan, rows: int, seed: int, dirty_share: float) -> Iterator[tuple[Block, int]]:
    """Blocks in order with the rows wanted of each; a few are made ahead while others are written."""
    count = -(-rows // BLOCK_ROWS)
    waiting: deque[Future[Block]] = deque()
    with ThreadPoolExecutor(_THREADS) as pool:
        try:
            for number in range(count):
                waiting.append(pool.submit(make_block, plan, seed, number, dirty_share))
                if len(waiting) > _THREADS:
                    yield waiting.popleft().result(), BLOCK_ROWS
            for left in range(len(waiting), 0, -1):
                yield waiting.popleft().result(), min(BLOCK_ROWS, rows - (count - left) * BLOCK_ROWS)
        finally:
            for future in waiting:
                future.cancel()


def _write(
    path: Path,
    blocks: Iterator[tuple[Block, int]],
    tally: _Tally,
    rows: int,
    row_group: int,
    progress: Callable[[int, int], None] | None,
) -> None:
    dictionary = [
        _LIST_PATHS.get(name, name)
        for name in CASE_SCHEMA.names
        if name not in _NO_DICTIONARY and not name.startswith("charge_")
    ]
    held: list[pa.Table] = []
    with pq.ParquetWriter(path, CASE_SCHEMA, compression="zstd", use_dictionary=dictionary) as writer:
        for block, wanted in blocks:
            tally.add(block, wanted)
            held.append(block.table.slice(0, wanted))
            last = tally.rows == rows
            while held and (last or sum(map(len, held)) >= row_group):
                joined = pa.concat_tables(held)
                writer.write_table(joined.slice(0, row_group), row_group_size=row_group)
                held = [joined.slice(row_group)] if len(joined) > row_group else []
            if progress is not None:
                progress(tally.rows, rows)


def _temporary(target: Path) -> Path:
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
    except OSError as error:
        remedy = "Create the folder first, or choose another place"
        raise OutputFileError(str(target), f"cannot be written ({error.strerror})", remedy) from None
    os.close(handle)
    return Path(name)
