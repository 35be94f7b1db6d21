"""Processes that take inputs, watched from outside: a hang is ended with SIGKILL, a crash is told, the run goes on."""

from __future__ import annotations

import ctypes
import multiprocessing as mp
import os
import random
import shutil
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

MEMORY_MIB = 2048
TWICE_EVERY = 100
SLOW_SECONDS = 1.0


@dataclass(slots=True)
class Tally:
    """What came of the inputs of one block, or of all of a target. Memory in MiB, times in seconds."""

    inputs: int = 0
    accepted: int = 0
    refused: int = 0
    twice: int = 0
    slowest: float = 0.0
    slowest_input: str = ""
    slow: list[str] = field(default_factory=list)
    failures: list[dict[str, str]] = field(default_factory=list)
    seconds: float = 0.0
    memory_peak: float = 0.0
    memory_growth: float = 0.0

    def add(self, other: Tally) -> None:
        """Take in another tally."""
        if other.slowest > self.slowest:
            self.slowest, self.slowest_input = other.slowest, other.slowest_input
        for name in ("inputs", "accepted", "refused", "twice", "seconds"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("memory_peak", "memory_growth"):
            setattr(self, name, max(getattr(self, name), getattr(other, name)))
        self.slow += other.slow
        self.failures += other.failures

    def as_dict(self) -> dict[str, Any]:
        """For the journal and the result."""
        return asdict(self)


def drawn(target: Any, seed: int, block: int, number: int) -> Any:
    """The input with this number: the same whenever and wherever it is asked for."""
    return target.make(random.Random(f"{seed}/{target.name}/{block}/{number}"))


def keep_editions() -> None:
    """The lists of known codes are parsed once per process, not once per file, or the run would do little else."""
    from functools import cache

    from drgengine.formats.frontpage import options

    options.load_edition = cache(options.load_edition)


def resident_mib(process: int | str = "self") -> float:
    """Memory a process holds now; not its address space, of which Arrow's allocator keeps 40 KiB per CSV reader."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def serve(pipe: Connection, clock: Any, target_name: str, seed: int) -> None:
    """The worker: takes (block, first input), answers with a Tally, until None comes."""
    import resource

    from fuzz_targets import TARGETS

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    warnings.simplefilter("error", RuntimeWarning)
    keep_editions()
    target = next(target for target in TARGETS if target.name == target_name)
    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    warm = None
    try:
        while (asked := pipe.recv()) is not None:
            tally = _block(target, seed, *asked, clock, folder)
            tally.memory_peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            warm = resident_mib() if warm is None else warm
            tally.memory_growth = resident_mib() - warm
            pipe.send(tally)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _block(target: Any, seed: int, block: int, first: int, clock: Any, folder: Path) -> Tally:
    from fuzz_checks import Broken, same_answers
    from fuzz_targets import run

    tally = Tally()
    begun = time.monotonic()
    for number in range(first, target.per_block):
        name = f"{block}/{number}"
        clock[0], clock[1] = number, 0.0
        given = drawn(target, seed, block, number)
        clock[1] = started = time.monotonic()
        try:
            answer = run(target, given, folder)
            if (block * target.per_block + number) % TWICE_EVERY == 0:
                again = run(target, given, folder)
                tally.twice += 1
                if answer.accepted != again.accepted or not same_answers(answer.told, again.told):
                    raise Broken("another answer to the same input")
            tally.accepted += answer.accepted
            tally.refused += not answer.accepted
        except BaseException as error:
            # A panic of a library derives from BaseException too.
            if isinstance(error, KeyboardInterrupt):
                raise
            where = traceback.extract_tb(error.__traceback__)
            place = next((f for f in reversed(where) if "drgengine" in f.filename), where[-1])
            kind = f"{type(error).__name__} at {Path(place.filename).name}:{place.lineno}"
            tally.failures.append({"input": name, "kind": kind, "text": traceback.format_exc()[-3000:]})
        took = time.monotonic() - started
        clock[1] = 0.0
        tally.inputs += 1
        if took > tally.slowest:
            tally.slowest, tally.slowest_input = took, name
        if took > SLOW_SECONDS and target.counted == 1:
            tally.slow.append(f"{name} {took:.2f} s")
    tally.seconds = time.monotonic() - begun
    return tally


class _Worker:
    def __init__(self, target: Any, seed: int) -> None:
        context = mp.get_context("spawn")
        self.clock = context.RawArray(ctypes.c_double, 2)
        self.pipe, other = context.Pipe()
        self.process = context.Process(target=serve, args=(other, self.clock, target.name, seed), daemon=True)
        self.process.start()
        other.close()
        self.block = -1

    def ask(self, block: int, first: int) -> None:
        self.block = block
        self.pipe.send((block, first))

    def end(self) -> None:
        if self.process.is_alive():
            self.pipe.send(None)
            self.process.join(20)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


def run_target(target: Any, seed: int, blocks: list[int], count: int, done: Callable[[int, Tally], None]) -> None:
    """Hand the blocks to `count` processes; `done` is told of every block, in the order they end."""
    waiting: Iterator[int] = iter(blocks)
    workers: list[_Worker] = []
    partial: dict[int, Tally] = {}

    def begin(first: tuple[int, int] | None = None) -> None:
        asked = first or ((block, 0) if (block := next(waiting, None)) is not None else None)
        if asked is not None:
            worker = _Worker(target, seed)
            worker.ask(*asked)
            workers.append(worker)

    for _ in range(min(count, len(blocks))):
        begin()
    while workers:
        wait([worker.pipe for worker in workers], timeout=0.25)
        for worker in list(workers):
            try:
                tally = worker.pipe.recv() if worker.pipe.poll() else None
            except (EOFError, OSError):
                _lost(worker, f"the interpreter ended with code {_code(worker)}", target, partial)
                workers.remove(worker)
                begin((worker.block, int(worker.clock[0]) + 1))
                continue
            if tally is None:
                if what := _trespass(worker, target):
                    worker.process.kill()
                    worker.process.join()
                    _lost(worker, what, target, partial)
                    workers.remove(worker)
                    begin((worker.block, int(worker.clock[0]) + 1))
                continue
            tally.add(partial.pop(worker.block, Tally()))
            done(worker.block, tally)
            block = next(waiting, None)
            if block is None:
                worker.end()
                workers.remove(worker)
            else:
                worker.ask(block, 0)


def _trespass(worker: _Worker, target: Any) -> str:
    """What a worker does that it may not, "" for nothing."""
    since = worker.clock[1]
    if since and time.monotonic() - since > target.seconds:
        return f"no answer within {target.seconds:g} s"
    try:
        held = resident_mib(worker.process.pid or "self")
    except OSError:
        return ""
    return f"more than {MEMORY_MIB} MiB of memory" if held > MEMORY_MIB else ""


def _code(worker: _Worker) -> int | None:
    worker.process.join(20)
    return worker.process.exitcode


def _lost(worker: _Worker, what: str, target: Any, partial: dict[int, Tally]) -> None:
    """A worker is gone: what it did of its block before is counted, and the input that it fell over."""
    number = int(worker.clock[0])
    tally = partial.setdefault(worker.block, Tally())
    tally.add(
        Tally(
            inputs=number + 1 - tally.inputs,
            failures=[{"input": f"{worker.block}/{number}", "kind": what, "text": what}],
        )
    )
