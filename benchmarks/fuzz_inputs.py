"""Hand changed files and hostile records to all readers, cleaners and the grouping (变异测试), and show what came.

    python benchmarks/fuzz_inputs.py                                  the whole run: 0.4 million files,
    6 million records
    python benchmarks/fuzz_inputs.py --scale 0.01                     a look, one hundredth of every target
    python benchmarks/fuzz_inputs.py --targets dbf "long text"        some targets only
    python benchmarks/fuzz_inputs.py --replay dbf 12/345              one input again, in this process
    python benchmarks/fuzz_inputs.py --journal run.jsonl              goes on where a run with the same seed was stopped

An input is one changed file handed to a reader, or one drawn record in a table of thousands; the two are counted apart.
Every input follows from --seed, its target and its number (block/number), so nothing but a failing input is kept.

It must hold of every input, else it is a failure and the exit code is 1:
no exception but DrgEngineError, whose message is one line that can be printed; an answer within the target's seconds
(a worker that gives none is ended with SIGKILL); the interpreter lives; the memory of a worker stays below 2 GiB; no
RuntimeWarning; as many rows as the file has, in order and with their kept columns, in any size of batches; issues that
lie inside the table; and the same answer once more (1 input in 100).
"""

from __future__ import annotations

import argparse
import json
import pickle
import platform
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from fuzz_targets import TARGETS, Target, run
from fuzz_workers import Tally, drawn, keep_editions, run_target


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scale", type=float, default=1.0, help="times the inputs of every target")
    parser.add_argument("--targets", nargs="+", choices=[target.name for target in TARGETS], metavar="TARGET")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("fuzz-result.json"))
    parser.add_argument("--failures", type=Path, default=Path("fuzz-failures"), help="folder for inputs that failed")
    parser.add_argument("--journal", type=Path, help="file of finished blocks, to go on with later")
    parser.add_argument("--replay", nargs=2, metavar=("TARGET", "BLOCK/NUMBER"))
    return parser.parse_args()


def main() -> int:
    """The whole run."""
    chosen = arguments()
    if chosen.replay:
        return replay(chosen)
    finished = read_journal(chosen)
    tallies: dict[str, Tally] = {}
    for target in TARGETS:
        if chosen.targets and target.name not in chosen.targets:
            continue
        tallies[target.name] = fuzz(target, chosen, finished.get(target.name, {}))
    lines = table_of(tallies)
    print("\n".join(lines))
    result = result_of(chosen, tallies)
    chosen.out.write_text(json.dumps(result, ensure_ascii=False, indent=1), encoding="utf-8")
    return 1 if any(tally.failures for tally in tallies.values()) else 0


def fuzz(target: Target, chosen: argparse.Namespace, finished: dict[int, Tally]) -> Tally:
    """All blocks of one target."""
    blocks = range(max(1, round(target.inputs * chosen.scale / target.per_block)))
    total = Tally()
    for block in blocks:
        if block in finished:
            total.add(finished[block])
    waiting = [block for block in blocks if block not in finished]
    begun, shown = time.monotonic(), 0.0

    def done(block: int, tally: Tally) -> None:
        nonlocal shown
        total.add(tally)
        for failure in tally.failures:
            save(target, chosen, failure)
            print(f"  {target.name} {failure['input']}: {failure['kind']}", flush=True)
        if chosen.journal:
            with chosen.journal.open("a", encoding="utf-8") as file:
                file.write(
                    json.dumps({"seed": chosen.seed, "target": target.name, "block": block, **tally.as_dict()}) + "\n"
                )
        if time.monotonic() - shown > 15:
            shown = time.monotonic()
            print(f"{target.name}: {total.inputs * target.counted:,} inputs, {shown - begun:.0f} s", flush=True)

    run_target(target, chosen.seed, waiting, chosen.processes, done)
    return total


def save(target: Target, chosen: argparse.Namespace, failure: dict[str, str]) -> None:
    """Write a failing input and what it did."""
    chosen.failures.mkdir(parents=True, exist_ok=True)
    block, number = map(int, failure["input"].split("/"))
    given = drawn(target, chosen.seed, block, number)
    stem = f"{target.name.replace(' ', '_')}-{block}-{number}"
    (chosen.failures / f"{stem}.txt").write_text(failure["text"], encoding="utf-8", errors="replace")
    if isinstance(given, tuple) and isinstance(given[1], bytes):
        (chosen.failures / f"{stem}-{given[0]}").write_bytes(given[1])
    else:
        (chosen.failures / f"{stem}.pickle").write_bytes(pickle.dumps(given))


def replay(chosen: argparse.Namespace) -> int:
    """One input again."""
    target = next(target for target in TARGETS if target.name == chosen.replay[0])
    block, number = map(int, chosen.replay[1].split("/"))
    keep_editions()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        answer = run(target, drawn(target, chosen.seed, block, number), Path(folder))
    print(
        f"{'accepted' if answer.accepted else 'refused'} in {time.monotonic() - begun:.2f} s: {str(answer.told)[:2000]}"
    )
    return 0


def read_journal(chosen: argparse.Namespace) -> dict[str, dict[int, Tally]]:
    """Finished blocks of an earlier run with the same seed; a torn last line is left out."""
    found: dict[str, dict[int, Tally]] = {}
    if chosen.journal and chosen.journal.exists():
        for line in chosen.journal.read_text(encoding="utf-8").splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if entry.pop("seed") == chosen.seed:
                target, block = entry.pop("target"), entry.pop("block")
                found.setdefault(target, {})[block] = Tally(**entry)
    return found


def result_of(chosen: argparse.Namespace, tallies: dict[str, Tally]) -> dict[str, Any]:
    """What is written down."""
    counted = {target.name: target.counted for target in TARGETS}
    files = sum(tally.inputs for name, tally in tallies.items() if counted[name] == 1)
    records = sum(tally.inputs * counted[name] for name, tally in tallies.items() if counted[name] > 1)
    return {
        "seed": chosen.seed,
        "machine": f"{platform.platform()}, Python {platform.python_version()}, {chosen.processes} processes",
        "files": files,
        "records": records,
        "failures": sum(len(tally.failures) for tally in tallies.values()),
        "failure_kinds": Counter(failure["kind"] for tally in tallies.values() for failure in tally.failures),
        "targets": {name: {"counted": counted[name], **tally.as_dict()} for name, tally in tallies.items()},
    }


def table_of(tallies: dict[str, Tally]) -> list[str]:
    """One line per target: what came of its inputs."""
    counted = {target.name: target.counted for target in TARGETS}
    widths = {
        "inputs": 12,
        "accepted": 12,
        "refused": 12,
        "twice": 8,
        "slowest s": 11,
        "MiB": 7,
        "grown": 7,
        "cpu s": 7,
    }
    head = f"{'target':<20}" + "".join(f"{name:>{width}}" for name, width in widths.items()) + f"{'failures':>10}"
    lines = ["", head]
    for name, t in tallies.items():
        per = counted[name]
        lines.append(
            f"{name:<20}{t.inputs * per:>12,}{t.accepted * per:>12,}{t.refused * per:>12,}{t.twice:>8,}"
            f"{t.slowest:>11.2f}{t.memory_peak:>7.0f}{t.memory_growth:>7.0f}{t.seconds:>7.0f}{len(t.failures):>10,}"
        )
    files = sum(t.inputs for name, t in tallies.items() if counted[name] == 1)
    records = sum(t.inputs * counted[name] for name, t in tallies.items() if counted[name] > 1)
    return [*lines, f"{files:,} files and texts, {records:,} records and values"]


if __name__ == "__main__":
    sys.exit(main())
