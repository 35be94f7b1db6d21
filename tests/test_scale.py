"""Shard runs: whatever interrupts them, every row is grouped and counted once and finished shards stay finished."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from drgengine.errors import DrgEngineError, InputFileError, OutputFileError
from drgengine.evaluation.mix import load_statistics, unit_statistics
from drgengine.evaluation.plan import plan_page
from drgengine.evaluation.shards import Shard, ShardProgress, ShardRun, group_shards, run_shards, statistics_digest
from drgengine.evaluation.shards.folderlock import locked
from drgengine.grouper.stream import group_file
from drgengine.synth import sample

ROOT = Path(__file__).resolve().parent.parent
ROWS = (400, 300, 500, 200)
NAMES = ["a/one.parquet", "a/two.parquet", "b/one.parquet", "z.parquet"]
ALL = sum(ROWS)
posix = pytest.mark.skipif(os.name != "posix", reason="SIGKILL")


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shards")
    table, _ = sample(ALL, seed=5, dirty_share=0.1)
    first = 0
    for name, rows in zip(NAMES, ROWS, strict=True):
        (folder / name).parent.mkdir(exist_ok=True)
        pq.write_table(table.slice(first, rows), folder / name)
        first += rows
    return folder


@pytest.fixture(scope="module")
def whole(given: Path, tmp_path_factory: pytest.TempPathFactory) -> ShardRun:
    """A run that nothing disturbed."""
    return group_shards(given, tmp_path_factory.mktemp("whole") / "out")


def journal(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "journal.jsonl").read_text("utf-8").splitlines()]


def events(folder: Path, kind: str) -> list[str]:
    return [event["shard"] for event in journal(folder) if event["event"] == kind]


def content(folder: Path) -> dict[str, bytes]:
    """Every file of a run but the journal, which tells of its interruptions, and the lock."""
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in files.items() if name not in ("journal.jsonl", "lock")}


def stages(seen: list[ShardProgress], stage: str) -> list[str]:
    return [step.shard for step in seen if step.stage == stage]


# ------------------------------------------------------------------------------------------------ an undisturbed run


def test_the_shards_add_up_to_the_whole_table(given: Path, whole: ShardRun, tmp_path: Path) -> None:
    summary = group_file(given, tmp_path / "at once")
    assert (whole.rows, whole.status, whole.reasons) == (ALL, summary.status, summary.reasons)
    assert whole.issues == dict(summary.issues.counts)
    for name in NAMES:
        assert pq.read_table(whole.grouped / name).equals(pq.read_table(tmp_path / "at once" / name))
    at_once = unit_statistics(tmp_path / "at once", max_stay_days=60)
    assert whole.statistics is not None
    assert whole.statistics.cells.equals(at_once.cells)
    assert load_statistics(whole.folder / "statistics.parquet").cells.equals(at_once.cells)
    assert whole.digest == statistics_digest(at_once)


def test_a_second_call_does_nothing_again(given: Path, whole: ShardRun) -> None:
    seen: list[ShardProgress] = []
    before = content(whole.folder)
    again = group_shards(given, whole.folder, progress=seen.append)
    assert (again.rows, again.digest, again.worked, seen) == (ALL, whole.digest, (), [])
    assert content(whole.folder) == before


# --------------------------------------------------------------------------------------------------- killed processes

_KILLED = """
import os, signal, sys
from pathlib import Path
from drgengine.evaluation.shards import group_shards
from drgengine.evaluation.shards import runshards

def stop():
    os.kill(os.getpid(), signal.SIGKILL)

stage, number = sys.argv[3], int(sys.argv[4])
if stage == "between":  # one product is in its place, the other is not
    settled = []
    def settle(path, target, settle=runshards.settle):
        settle(path, target)
        settled.append(target)
        if len(settled) == 2 * number - 1:
            stop()
    runshards.settle = settle

def progress(step):
    if (step.stage, step.number) == (stage, number):
        stop()

group_shards(sys.argv[1], sys.argv[2], progress=progress)
"""


def killed_at(given: Path, out: Path, stage: str, number: int) -> None:
    command = [sys.executable, "-c", textwrap.dedent(_KILLED), str(given), str(out), stage, str(number)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr


@posix
def test_kills_lose_nothing_and_repeat_nothing(given: Path, whole: ShardRun, tmp_path: Path) -> None:
    out = tmp_path / "out"
    killed_at(given, out, "between", 1)
    assert (out / "grouped" / NAMES[0]).exists()
    assert events(out, "finished") == []
    killed_at(given, out, "moved", 2)  # both products in place, no line in the journal
    assert events(out, "finished") == NAMES[:1]
    assert (out / "statistics" / NAMES[1]).exists()
    killed_at(given, out, "counted", 3)
    assert list((out / "work").iterdir())
    with (out / "journal.jsonl").open("ab") as file:
        file.write(b'{"event":"finished","shard":"b/one.parq')  # killed while it wrote the line
    run = group_shards(given, out)
    assert run.worked == tuple(NAMES[2:])
    assert events(out, "begun") == [NAMES[0], NAMES[0], NAMES[1], NAMES[1], NAMES[2], NAMES[2], NAMES[3]]
    assert events(out, "finished") == NAMES
    assert (run.rows, run.digest, run.damaged) == (ALL, whole.digest, ())
    assert content(out) == content(whole.folder)


@pytest.mark.parametrize("stage", ["begun", "made", "grouped", "counted", "moved", "finished"])
def test_an_interruption_at_any_step_is_taken_up(given: Path, whole: ShardRun, tmp_path: Path, stage: str) -> None:
    class StoppedError(Exception):
        pass

    def progress(step: ShardProgress) -> None:
        if (step.stage, step.number) == (stage, 2):
            raise StoppedError

    with pytest.raises(StoppedError):
        group_shards(given, tmp_path / "out", progress=progress)
    run = group_shards(given, tmp_path / "out")
    assert run.worked == tuple(NAMES[2 if stage == "finished" else 1 :])
    assert content(tmp_path / "out") == content(whole.folder)


# --------------------------------------------------------------------------------------------------- damaged folders


@pytest.fixture
def out(whole: ShardRun, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole.folder, tmp_path / "copy"))


def flip(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (Path.unlink, "is missing"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1]), "bytes and not"),
        (flip, "sha256 differs"),
    ],
)
@pytest.mark.parametrize("kind", ["grouped", "statistics"])
def test_a_damaged_product_is_done_again_and_said(
    given: Path, whole: ShardRun, out: Path, kind: str, harm: Callable[[Path], None], said: str
) -> None:
    harm(out / kind / NAMES[1])
    seen: list[ShardProgress] = []
    run = group_shards(given, out, progress=seen.append)
    assert run.worked == (NAMES[1],)
    assert [(name, said in why) for name, why in run.damaged] == [(NAMES[1], True)]
    assert [said in step.problem for step in seen if step.stage == "damaged"] == [True]
    assert (run.rows, run.digest) == (ALL, whole.digest)
    assert content(out) == content(whole.folder)


def test_a_damaged_line_of_the_journal_costs_its_shard_alone(given: Path, whole: ShardRun, out: Path) -> None:
    lines = (out / "journal.jsonl").read_bytes().split(b"\n")
    at = next(n for n, line in enumerate(lines) if b'"finished"' in line and NAMES[2].encode() in line)
    lines[at] = lines[at].replace(b'"rows":500', b'"rows":501')
    (out / "journal.jsonl").write_bytes(b"\n".join(lines))
    run = group_shards(given, out)
    assert (run.worked, run.rows, run.digest) == ((NAMES[2],), ALL, whole.digest)
    assert "journal.jsonl: 1 damaged lines" in str(run)


def test_an_input_that_changed_is_done_again_one_that_was_touched_is_not(
    given: Path, whole: ShardRun, tmp_path: Path, out: Path
) -> None:
    mine = Path(shutil.copytree(given, tmp_path / "given"))
    os.utime(mine / NAMES[0], (1, 1))
    pq.write_table(pq.read_table(mine / NAMES[3]).slice(0, 150), mine / NAMES[3])
    run = group_shards(mine, out)
    assert (run.worked, run.rows) == ((NAMES[3],), ALL - 50)
    assert ["has changed" in why for _, why in run.damaged] == [True]


def test_new_shards_join_and_missing_ones_are_refused(given: Path, tmp_path: Path) -> None:
    mine = Path(shutil.copytree(given, tmp_path / "given"))
    kept = tmp_path / "z.parquet"
    (mine / NAMES[3]).rename(kept)
    assert group_shards(mine, tmp_path / "out").rows == ALL - ROWS[3]
    kept.rename(mine / NAMES[3])
    (mine / NAMES[0]).rename(kept)
    with pytest.raises(OutputFileError, match=f"finished shard '{NAMES[0]}' is not in the input any more"):
        group_shards(mine, tmp_path / "out")
    kept.rename(mine / NAMES[0])
    run = group_shards(mine, tmp_path / "out")
    assert (run.worked, run.rows) == ((NAMES[3],), ALL)


# ----------------------------------------------------------------------------------------------------------- refusals


def test_other_arguments_are_named_and_refused(given: Path, out: Path) -> None:
    before = content(out)
    with pytest.raises(OutputFileError, match=r"scheme was 'chs-drg-2.0' and is 'chs-drg-1.1'.*name a new output"):
        group_shards(given, out, "chs-drg-1.1")
    with pytest.raises(OutputFileError, match="max_stay_days was 60 and is None"):
        group_shards(given, out, max_stay_days=None)
    with pytest.raises(OutputFileError, match=r"statistics was \['hospital_id'\] and is None"):
        group_shards(given, out, statistics=None)
    assert content(out) == before


def test_two_runs_in_one_folder_do_not_collide(given: Path, whole: ShardRun) -> None:
    with locked(whole.folder), pytest.raises(OutputFileError, match=rf"process {os.getpid()} on .* is working in it"):
        group_shards(given, whole.folder)
    assert group_shards(given, whole.folder).worked == ()


def test_places_that_are_no_run_are_left_alone(given: Path, out: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("kept")
    with pytest.raises(OutputFileError, match=r"holds 'notes.txt' and no journal"):
        group_shards(given, tmp_path / "mine")
    with pytest.raises(OutputFileError, match="lies in the input folder"):
        group_shards(given, given / "out")
    with pytest.raises(InputFileError, match="no such folder"):
        group_shards(tmp_path / "nowhere", tmp_path / "new")
    with pytest.raises(OutputFileError, match="does not exist"):
        group_shards(given, tmp_path / "no" / "out")
    (out / "grouped" / "other.parquet").write_bytes(b"kept")
    with pytest.raises(OutputFileError, match=r"grouped/other.parquet belongs to no shard"):
        group_shards(given, out)
    assert (out / "grouped" / "other.parquet").read_bytes() == b"kept"


def test_a_shard_that_is_no_table_stops_the_run_and_keeps_what_is_finished(given: Path, tmp_path: Path) -> None:
    mine = Path(shutil.copytree(given, tmp_path / "given"))
    (mine / NAMES[2]).write_bytes(b"PAR1 and nothing else")
    with pytest.raises(InputFileError, match=r"one\.parquet: cannot be read as Parquet"):
        group_shards(mine, tmp_path / "out")
    assert events(tmp_path / "out", "finished") == NAMES[:2]
    assert not (tmp_path / "out" / "statistics.parquet").exists()
    shutil.copy(given / NAMES[2], mine / NAMES[2])
    assert group_shards(mine, tmp_path / "out").worked == tuple(NAMES[2:])


def test_a_discharge_in_two_shards_is_counted_twice_as_the_page_says(given: Path, tmp_path: Path) -> None:
    mine = tmp_path / "given"
    mine.mkdir()
    for name in ("a.parquet", "b.parquet"):
        pq.write_table(pq.read_table(given / NAMES[3]), mine / name)
    run = group_shards(mine, tmp_path / "out")
    assert run.statistics is not None
    assert (run.rows, run.statistics.cases) == (2 * ROWS[3], 2 * ROWS[3])
    for text in (group_shards.__doc__ or "", plan_page()):
        assert "counted twice" in text
        assert "stops" in text


# --------------------------------------------------------------------------------------------------- generated shards


def test_made_shards_are_removed_or_kept(given: Path, tmp_path: Path) -> None:
    table = pq.read_table(given / NAMES[0])
    shards = [
        Shard(f"{rows}.parquet", lambda path, rows=rows: pq.write_table(table.slice(0, rows), path))
        for rows in (100, 200)
    ]
    run = run_shards(shards, tmp_path / "removed", settings={"seed": 1})
    assert run.rows == 300
    assert {name.split("/")[0] for name in content(run.folder)} == {"grouped", "statistics", "statistics.parquet"}
    kept = run_shards(shards, tmp_path / "kept", settings={"seed": 1}, keep_made=True, statistics=None)
    assert pa.concat_tables(map(pq.read_table, sorted((kept.folder / "made").iterdir()))).num_rows == 300
    assert (kept.statistics, kept.digest) == (None, None)
    with pytest.raises(OutputFileError, match="seed was 1 and is 2"):
        run_shards(shards, tmp_path / "removed", settings={"seed": 2})
    with pytest.raises(DrgEngineError, match="two have the same name"):
        run_shards([shards[0], shards[0]], tmp_path / "new")


def benchmark(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "benchmarks" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@posix
def test_the_benchmark_reconciles_and_sees_work_done_twice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["--folder", str(tmp_path / "run"), "--rows", "1100", "--shard-rows", "600", "--no-evaluation"]
    benchmark("scale_run").main(asked)
    made = json.loads((tmp_path / "run" / "result.json").read_text("utf-8"))
    keys = ("rows", "rows_grouped", "cases_in_statistics", "reconciles", "shards", "starts", "begun")
    assert [made[key] for key in keys] == [1100, 1100, 1100, True, 2, 1, 2]
    assert "2 of 2" in capsys.readouterr().out
    kill = benchmark("scale_kill")
    told = kill.journal(tmp_path / "run")
    assert kill.begun_twice(told) == []
    assert kill.begun_twice([*told, {"event": "begun", "shard": "shard-00001.parquet"}]) == ["shard-00001.parquet"]
    assert kill.products(told).keys() == {
        *(f"{kind}/shard-{number:05d}.parquet" for kind in ("grouped", "statistics") for number in (1, 2)),
        *(f"rows of shard-{number:05d}.parquet" for number in (1, 2)),
    }
