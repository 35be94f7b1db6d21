"""The steps of a shard run: check what is there, then make, group, count, store and journal shard by shard."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from drgengine import __version__
from drgengine.errors import DrgEngineError, InputFileError, OutputFileError
from drgengine.evaluation.mix import unit_statistics
from drgengine.evaluation.shards.folderlock import LOCK_FILE, locked
from drgengine.evaluation.shards.journal import JOURNAL_FILE, Journal, file_facts, finished_shards, settle, sync_folder
from drgengine.evaluation.shards.mergestatistics import merge_statistics, statistics_digest
from drgengine.evaluation.shards.shardresult import (
    GROUPED,
    MADE,
    MERGED_FILE,
    STATISTICS,
    Shard,
    ShardProgress,
    ShardRun,
    Stage,
    adds,
)
from drgengine.formats.sink import explain
from drgengine.grouper.scheme import Scheme
from drgengine.grouper.schemefile import DEFAULT_SCHEME, load_scheme
from drgengine.grouper.stream import group_file
from drgengine.grouper.tables import STATUSES

_WORK = "work"
Event = dict[str, Any]


def run_shards(
    shards: Sequence[Shard],
    output_folder: str | os.PathLike[str],
    scheme: str | Path | Scheme = DEFAULT_SCHEME,
    *,
    statistics: str | Sequence[str] | None = "hospital_id",
    max_stay_days: int | None = 60,
    columns: Mapping[str, str] | None = None,
    keep_personal: bool = False,
    keep_made: bool = False,
    settings: Mapping[str, Any] | None = None,
    threads: int | None = None,
    verify: bool = True,
    progress: Callable[[ShardProgress], None] | None = None,
) -> ShardRun:
    """Group the given shards into a folder; as `group_shards`, for shards that need not exist yet.

    shards : with different names; those that are made are removed once they are grouped
    keep_made : keep made shards in made/
    settings : what the making depends on (seed, rows), as JSON can hold it; it must be the same at every call

    Raises what `group_shards` raises, and what a call that makes a shard raises.
    """
    names = [shard.name for shard in shards]
    if not names or len(set(names)) < len(names):
        raise DrgEngineError("shards", "there is none, or two have the same name", "Give every shard its own name")
    by = None if statistics is None else [statistics] if isinstance(statistics, str) else list(statistics)
    loaded = load_scheme(scheme)
    parameters = {
        "program": __version__,
        "scheme": loaded.id,
        "scheme_digest": loaded.digest,
        "statistics": by,
        "max_stay_days": max_stay_days,
        "columns": dict(columns) if columns else None,
        "keep_personal": keep_personal,
        "keep_made": keep_made,
        **(settings or {}),
    }
    folder = Path(output_folder)
    try:
        _refuse_other(folder)
        folder.mkdir(exist_ok=True)
        with locked(folder):
            run = _Run(folder, shards, loaded, parameters, threads, progress)
            run.prepare(verify)
            for number, shard in enumerate(shards, 1):
                if shard.name not in run.finished:
                    run.do(number, shard)
            return run.result()
    except OSError as error:
        raise explain(folder, error) from error


def _refuse_other(folder: Path) -> None:
    """OutputFileError for a place that is no folder of a run."""
    if folder.is_dir():
        strange = {path.name for path in folder.iterdir()} - {LOCK_FILE, _WORK}
        if strange and not (folder / JOURNAL_FILE).is_file():
            problem = f"the folder holds {min(strange)!r} and no {JOURNAL_FILE}, so it is not that of a shard run"
            raise OutputFileError(str(folder), problem, "Name a new folder")
    elif folder.exists():
        raise OutputFileError(str(folder), "this is a file, a folder is needed", "Name a new folder")
    elif not folder.parent.is_dir():
        problem = f"the folder {str(folder.parent)!r} does not exist"
        raise OutputFileError(str(folder), problem, "Create it, or name another output")


class _Run:
    """A run in a folder that is locked."""

    def __init__(
        self,
        folder: Path,
        shards: Sequence[Shard],
        scheme: Scheme,
        parameters: dict[str, Any],
        threads: int | None,
        progress: Callable[[ShardProgress], None] | None,
    ) -> None:
        self.folder, self.shards, self.scheme, self.parameters = folder, shards, scheme, parameters
        self.threads, self.progress = threads, progress
        self.number = {shard.name: number for number, shard in enumerate(shards, 1)}
        self.digest = hashlib.sha256(json.dumps(parameters, sort_keys=True).encode()).hexdigest()[:16]
        self.work = folder / _WORK
        self.finished: dict[str, Event] = {}
        self.worked: list[str] = []
        self.damaged: list[tuple[str, str]] = []

    def prepare(self, verify: bool) -> None:
        """Compare journal, arguments and files; remove what a killed run left behind."""
        self.journal = Journal(self.folder / JOURNAL_FILE)
        self._refuse_other_parameters()
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir()
        if self.journal.damaged:
            problem = f"{self.journal.damaged} damaged lines; shards they told of are done again"
            self.damaged.append((JOURNAL_FILE, problem))
        self.finished = finished_shards(self.journal.events)
        gone = sorted(self.finished.keys() - self.number.keys())
        if gone:
            problem = f"the finished shard {gone[0]!r} is not in the input any more ({len(gone)} in all)"
            raise OutputFileError(str(self.folder), problem, "Put it back, or name a new output folder")
        self.journal.append({"event": "run", "parameters": self.parameters, "process": os.getpid()})
        for shard in self.shards:
            event = self.finished.get(shard.name)
            problem = self._problem(shard, event, verify) if event is not None else ""
            if problem:
                del self.finished[shard.name]
                self.journal.append({"event": "damaged", "shard": shard.name, "problem": problem})
                self.damaged.append((shard.name, problem))
                self._tell(shard.name, "damaged", problem=problem)
        self._remove_leftovers()

    def _refuse_other_parameters(self) -> None:
        told = next((e["parameters"] for e in reversed(self.journal.events) if e["event"] == "run"), None)
        if told is not None and told != self.parameters:
            names = sorted(n for n in told.keys() | self.parameters if told.get(n) != self.parameters.get(n))
            shown = "; ".join(f"{n} was {told.get(n)!r} and is {self.parameters.get(n)!r}" for n in names)
        elif any(e.get("parameters_digest", self.digest) != self.digest for e in self.journal.events):
            shown = "its journal is damaged where it names them"
        else:
            return
        remedy = "Give the same arguments as before, or name a new output folder"
        raise OutputFileError(str(self.folder), f"the shards in it were made with other arguments: {shown}", remedy)

    def _problem(self, shard: Shard, event: Event, verify: bool) -> str:
        """What is wrong with a finished shard, "" when nothing is."""
        for name, facts in event["files"].items():
            path = self.folder / name
            if not path.is_file():
                return f"{name} is missing"
            if path.stat().st_size != facts["bytes"]:
                return f"{name} has {path.stat().st_size} bytes and not {facts['bytes']}"
            if verify and file_facts(path) != facts:
                return f"{name} is not what was written (its sha256 differs)"
        if not isinstance(shard.source, Path) or _stamp(shard.source) == event["stamp"]:
            return ""
        return "" if file_facts(shard.source) == event["input"] else f"its input {shard.source} has changed"

    def _remove_leftovers(self) -> None:
        """Products without a line in the journal are those of a run that was killed before it wrote the line."""
        for kind in (GROUPED, STATISTICS, MADE):
            place = self.folder / kind
            for path in sorted(place.rglob("*")):
                name = path.relative_to(place).as_posix()
                if path.is_dir() or name in self.finished:
                    continue
                if name not in self.number:
                    problem = f"{kind}/{name} belongs to no shard"
                    raise OutputFileError(str(self.folder), problem, "Move it to another folder")
                path.unlink()

    def do(self, number: int, shard: Shard) -> None:
        """Make, group, count and store one shard; the line in the journal makes it finished."""
        clock = _Clock()
        self.journal.append({"event": "begun", "shard": shard.name, "parameters_digest": self.digest})
        self._tell(shard.name, "begun")
        given = shard.source if isinstance(shard.source, Path) else self.work / f"{number}.made.parquet"
        if not isinstance(shard.source, Path):
            shard.source(given)
        stamp = _stamp(given)
        rows = _rows(given)
        clock.lap("make")
        self._tell(shard.name, "made", rows, clock.seconds["make"])
        products, summary = self._group(number, shard.name, given)
        clock.lap("group")
        self._tell(shard.name, "grouped", rows, clock.seconds["group"])
        cases = self._count(number, shard.name, products)
        clock.lap("count")
        self._tell(shard.name, "counted", rows, clock.seconds["count"])
        counts = {"read": rows, "grouped": summary["rows"], "written": _rows(products[f"{GROUPED}/{shard.name}"])}
        counts |= {} if cases is None else {"counted": cases}
        if len(set(counts.values())) > 1:
            shown = ", ".join(f"{count} {name}" for name, count in counts.items())
            raise DrgEngineError(shard.name, f"the rows do not agree: {shown}", "Report this as a fault of drgengine")
        entry: Event = {"input": file_facts(given), "stamp": stamp}
        if _stamp(given) != stamp:
            raise InputFileError(str(given), "the file changed while it was read", "Call again when it is complete")
        if not isinstance(shard.source, Path):
            if self.parameters["keep_made"]:
                products[f"{MADE}/{shard.name}"] = given
            else:
                given.unlink()
        entry["files"] = {name: file_facts(path) for name, path in products.items()}
        for name, path in products.items():
            settle(path, self.folder / name)
        self._tell(shard.name, "moved", rows)
        clock.lap("store")
        entry |= {"event": "finished", "shard": shard.name, "rows": rows, "seconds": clock.seconds}
        entry |= {"parameters_digest": self.digest, **{key: summary[key] for key in ("status", "reasons", "issues")}}
        self.journal.append(entry, sync=True)
        self.finished[shard.name] = entry
        self.worked.append(shard.name)
        self._tell(shard.name, "finished", rows, sum(clock.seconds.values()))

    def _group(self, number: int, name: str, given: Path) -> tuple[dict[str, Path], Event]:
        made = self.work / f"{number}.grouped.parquet"
        made_of = {key: self.parameters[key] for key in ("columns", "keep_personal")}
        summary = group_file(given, made, self.scheme, threads=self.threads, **made_of).as_dict()
        return {f"{GROUPED}/{name}": made}, summary

    def _count(self, number: int, name: str, products: dict[str, Path]) -> int | None:
        if self.parameters["statistics"] is None:
            return None
        grouped, target = products[f"{GROUPED}/{name}"], self.work / f"{number}.statistics.parquet"
        found = unit_statistics(grouped, self.parameters["statistics"], max_stay_days=self.parameters["max_stay_days"])
        found.save(target)
        products[f"{STATISTICS}/{name}"] = target
        return found.cases

    def result(self) -> ShardRun:
        """Merge the statistics and add up the journal."""
        clock = _Clock()
        finished = [self.finished[shard.name] for shard in self.shards]
        merged, digest = None, None
        if self.parameters["statistics"] is not None:
            merged = merge_statistics(self.folder / STATISTICS / shard.name for shard in self.shards)
            merged.save(self.work / MERGED_FILE)
            settle(self.work / MERGED_FILE, self.folder / MERGED_FILE)
            digest = statistics_digest(merged)
        shutil.rmtree(self.work, ignore_errors=True)
        sync_folder(self.folder)
        clock.lap("merge")
        issues: dict[tuple[str, str], int] = {}
        for issue in (one for event in finished for one in event["issues"]):
            key = (issue["column"], issue["rule"])
            issues[key] = issues.get(key, 0) + issue["count"]
        return ShardRun(
            folder=self.folder,
            rows=sum(event["rows"] for event in finished),
            shards=tuple(self.number),
            worked=tuple(self.worked),
            damaged=tuple(self.damaged),
            statistics=merged,
            digest=digest,
            status={name: adds(finished, "status").get(name, 0) for name in STATUSES},
            reasons=adds(finished, "reasons"),
            issues=issues,
            seconds=adds(finished, "seconds") | clock.seconds,
        )

    def _tell(self, name: str, stage: Stage, rows: int = 0, seconds: float = 0.0, problem: str = "") -> None:
        if self.progress is not None:
            number = self.number[name]
            self.progress(ShardProgress(name, number, len(self.number), stage, rows, seconds, problem))


class _Clock:
    """Seconds by step."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.started = time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.seconds[name] = round(now - self.started, 4)
        self.started = now


def _rows(path: Path) -> int:
    try:
        return int(pq.read_metadata(path).num_rows)
    except (ValueError, OSError) as error:  # pyarrow's own errors are ValueErrors
        raise InputFileError(str(path), f"cannot be read as Parquet ({error})", "Write the file again") from None


def _stamp(path: Path) -> list[int]:
    """Size and time of change, which tell without reading that a file is as it was."""
    try:
        found = path.stat()
    except OSError as error:
        raise InputFileError(str(path), f"cannot be read ({error.strerror})", "Put it back and call again") from None
    return [found.st_size, found.st_mtime_ns]
