"""Kill a scale run again and again and show that nothing is lost, doubled or done twice.

    python benchmarks/scale_kill.py                                 2 million discharges in 20 shards, 25 kills or more
    python benchmarks/scale_kill.py --rows 200000 --shards 10       a shorter one

First `scale_run.py` runs undisturbed. Then it runs in another folder and is killed with SIGKILL at a random moment
after every start (drawn from --seed: mostly while it works on a shard, every tenth while it is still starting), until
it comes to its end by itself. Then the journals, the files and the statistics of both are compared.

It must hold, else the exit code is 1: at least --kills kills; no shard was begun again after its line was in the
journal; every row is there once; the hashes of all products and the digest of the merged statistics are those of the
undisturbed run; nothing unfinished lies about.

The moments are drawn by --seed; what a process has reached by then depends on the machine. The outcome does not.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

RUN = Path(__file__).with_name("scale_run.py")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="new folder for both runs; default: a temporary one, removed")
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--shards", type=int, default=20)
    parser.add_argument("--kills", type=int, default=25, help="at least so many")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--longest", type=float, default=1.7, help="longest life after the start, in shards")
    return parser.parse_args()


def start(chosen: argparse.Namespace, folder: Path) -> subprocess.Popen[bytes]:
    shard_rows = -(-chosen.rows // chosen.shards)
    command = [sys.executable, str(RUN), "--folder", str(folder), "--rows", str(chosen.rows)]
    command += ["--shard-rows", str(shard_rows), "--seed", str(chosen.seed), "--hospitals", "50", "--no-evaluation"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL)


def journal(folder: Path) -> list[dict[str, Any]]:
    """The events; a torn last line is left out."""
    file = folder / "shards" / "journal.jsonl"
    lines = file.read_bytes().split(b"\n")[:-1] if file.exists() else []
    return [json.loads(line) for line in lines]


def starts(folder: Path) -> int:
    return sum(event["event"] == "run" for event in journal(folder))


def wait_for_start(process: subprocess.Popen[bytes], folder: Path, before: int) -> bool:
    """Until the process has looked at the journal; False when it ended."""
    while process.poll() is None:
        if starts(folder) > before:
            return True
        time.sleep(0.01)
    return False


def kill_until_done(chosen: argparse.Namespace, folder: Path, shard_seconds: float) -> tuple[int, Counter[str]]:
    """Number of kills, and what the journal had last when they came."""
    draw = random.Random(chosen.seed)
    kills, where = 0, Counter[str]()
    while True:
        begun_before = starts(folder)
        process = start(chosen, folder)
        if draw.random() < 0.1:
            time.sleep(draw.uniform(0.0, 1.5))
        elif wait_for_start(process, folder, begun_before):
            time.sleep(draw.uniform(0.0, chosen.longest * shard_seconds))
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            kills += 1
            events = journal(folder)
            last = events[-1]["event"] if events else "nothing"
            where[last] += 1
            finished = sum(event["event"] == "finished" for event in events)
            print(f"kill {kills:3d}: last in the journal {last:<8}  {finished} of {chosen.shards} finished", flush=True)
        elif process.returncode == 0:
            return kills, where
        else:
            raise SystemExit(f"a start ended with {process.returncode}")


def begun_twice(events: list[dict[str, Any]]) -> list[str]:
    """Shards that were begun although they were finished."""
    finished: set[str] = set()
    again = []
    for event in events:
        if event["event"] == "finished":
            finished.add(event["shard"])
        elif event["event"] in ("begun", "damaged") and event["shard"] in finished:
            again.append(event["shard"])
    return again


def products(events: list[dict[str, Any]]) -> dict[str, str]:
    """File -> sha256, and rows, of every finished shard."""
    found: dict[str, str] = {}
    for event in events:
        if event["event"] == "finished":
            found |= {name: facts["sha256"] for name, facts in event["files"].items()}
            found[f"rows of {event['shard']}"] = str(event["rows"])
    return found


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def compare(chosen: argparse.Namespace, killed: Path, whole: Path, kills: int) -> dict[str, bool]:
    """What must hold."""
    mine, other = (json.loads((folder / "result.json").read_text("utf-8")) for folder in (killed, whole))
    return {
        f"at least {chosen.kills} kills": kills >= chosen.kills,
        "no finished shard begun again": not begun_twice(journal(killed)),
        "every row grouped and counted once": mine["reconciles"] and mine["rows"] == chosen.rows,
        "same products as undisturbed": products(journal(killed)) == products(journal(whole)),
        "same statistics as undisturbed": mine["statistics_digest"] == other["statistics_digest"],
        "same files, nothing unfinished": files(killed) == files(whole),
    }


def measure(chosen: argparse.Namespace, folder: Path) -> bool:
    """Both runs and their comparison."""
    whole, killed = folder / "undisturbed", folder / "killed"
    if start(chosen, whole).wait() != 0:
        raise SystemExit("the undisturbed run failed")
    seconds = [sum(event["seconds"].values()) for event in journal(whole) if event["event"] == "finished"]
    shard_seconds = sum(seconds) / len(seconds)
    print(f"undisturbed: {chosen.rows:,} rows, {shard_seconds:.2f} s a shard", flush=True)
    kills, where = kill_until_done(chosen, killed, shard_seconds)
    events = journal(killed)
    begun = sum(event["event"] == "begun" for event in events)
    print(
        f"{kills} kills, {starts(killed)} starts that reached the journal, {begun} shards begun, {len(seconds)} needed"
    )
    print(f"last event before the kill: {dict(where)}")
    held = compare(chosen, killed, whole, kills)
    for name, holds in held.items():
        print(f"{'holds ' if holds else 'FAILED'}  {name}")
    print(f"statistics digest {json.loads((killed / 'result.json').read_text('utf-8'))['statistics_digest']}")
    return all(held.values())


def main() -> None:
    chosen = arguments()
    if chosen.folder is not None:
        chosen.folder.mkdir(parents=True)
        held = measure(chosen, chosen.folder)
    else:
        with tempfile.TemporaryDirectory() as name:
            held = measure(chosen, Path(name))
    sys.exit(0 if held else 1)


if __name__ == "__main__":
    main()
