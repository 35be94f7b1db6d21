"""Copies of patient data: readable by one user, only what is needed, and nothing left of them however a run ends."""

from __future__ import annotations

import datetime as dt
import os
import signal
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from drgengine.evaluation.plan.settings import Period
from drgengine.evaluation.yearly.groupedparts import grouped_cases
from drgengine.evaluation.yearly.scratchfolder import ended_by_signals, remove_leftovers, scratch_folder

posix = pytest.mark.skipif(os.name == "nt", reason="signals and permissions of POSIX")
HOLD = """
import os, sys, time
from drgengine.evaluation.yearly.scratchfolder import scratch_folder
with scratch_folder() as folder:
    (folder / "grouped-0.parquet").write_text("patients")
    print(folder, flush=True)
    time.sleep(60)
"""


def held(place: Path) -> tuple[subprocess.Popen[str], Path]:
    """A process that holds a folder in `place`."""
    environment = {**os.environ, "TMPDIR": str(place), "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen([sys.executable, "-c", HOLD], stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    with process.stdout as out:
        return process, Path(out.readline().strip())


@posix
def test_sigterm_leaves_nothing_and_sigkill_until_the_next_run(tmp_path: Path) -> None:
    ended, folder = held(tmp_path)
    killed, left = held(tmp_path)
    assert (folder / "grouped-0.parquet").exists()
    ended.send_signal(signal.SIGTERM)
    assert ended.wait(30) == 128 + signal.SIGTERM
    assert not folder.exists()
    assert left.exists()  # of a process that is alive
    remove_leftovers(tmp_path)
    assert left.exists()
    killed.kill()
    killed.wait(30)
    assert left.exists()
    remove_leftovers(tmp_path)
    assert list(tmp_path.iterdir()) == []


@posix
def test_the_folder_is_of_this_user_alone_and_goes_with_an_exception(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "drgengine-evaluation-mine").mkdir()

    def run() -> None:
        with scratch_folder() as folder:
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
            assert str(os.getpid()) in folder.name
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        run()
    assert [path.name for path in tmp_path.iterdir()] == ["drgengine-evaluation-mine"]


@posix
def test_a_handler_of_somebody_else_stays() -> None:
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with ended_by_signals():
            assert signal.getsignal(signal.SIGTERM) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, before)
    with ended_by_signals():
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before


@pytest.mark.parametrize("files", [1, 2])
def test_only_needed_columns_are_copied(tmp_path: Path, files: int) -> None:
    table = pd.DataFrame(
        {
            "机构代码": ["H1", "H1"],
            "病案号": ["1", "2"],
            "patient_id": ["p", "q"],
            "姓名": ["甲", "乙"],
            "name": ["A", "B"],
            "remark": ["x", "y"],
            "birth_date": ["1980-01-01", "1990-01-01"],
            "主要诊断编码": ["I10.x00", "J18.900"],
            "age_years": [45, 35],
            "sex": [1, 2],
            "入院日期": ["2025-01-01", "2025-01-03"],
            "出院日期": ["2025-01-05", "2025-01-09"],
            "discharge_disposition": [1, 1],
            "total_charge": [3000.0, 5000.0],
            "charge_nursing": [30.0, 50.0],
        }
    )
    paths = tuple(tmp_path / f"cases-{at}.csv" for at in range(files))
    for path in paths:
        table.to_csv(path, index=False)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    period = Period("2025", dt.date(2025, 1, 1), dt.date(2025, 12, 31), cases=paths)
    found = grouped_cases(period, "chs-drg-2.0", scratch)
    written = list(scratch.rglob("*.parquet"))
    assert len(written) >= files
    for path in written:
        names = set(pq.read_schema(path).names)
        assert not names & {"姓名", "name", "remark", "birth_date"}, path
        assert {
            "patient_id",
            "age_years",
            "sex",
            "discharge_disposition",
            "total_charge",
            "charge_nursing",
            "drg",
        } <= names
    assert {"hospital_id", "admission_date", "discharge_date", "patient_id", "drg"} <= found.columns
