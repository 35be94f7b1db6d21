"""`drgengine cost`: exit codes, languages, and an OUT that is replaced as a whole or left as it was."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from costing_fixture import model_tables, write_model

from drgengine import costing
from drgengine.costing import runmodel
from drgengine.costing.compute import Computation, compute_model
from drgengine.costing.reports.reportwords import shown_value
from drgengine.costing.results import manifest as manifests
from drgengine.costing.results import outfolder, resultfiles
from drgengine.costing.runmodel import compare_model
from drgengine.errors import CostingError, DrgEngineError, OutputFileError

ROOT = Path(__file__).resolve().parent.parent
METHODS = ["direct", "step-down", "three-level", "reciprocal", "double"]
Run = Callable[..., tuple[Any, str, str]]


def departments_only() -> dict[str, Any]:
    """The fixture without charge lines and cases: quick, and with nothing to decide."""
    tables = model_tables()
    for name in ("charges", "discharges", "items", "goods", "stays", "service_units", "weights"):
        del tables[name]
    for department in tables["departments"]:
        department["basis"] = "staff" if department["dept_code"] == "X02" else department["basis"]
    return tables


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Models of which `run` and `check` say 0, 1 and 2."""
    folder = tmp_path_factory.mktemp("models")
    warning = departments_only()
    warning["workload"] = [row for row in warning["workload"] if row["dept_code"] != "C02"]
    error = departments_only()
    error["ledger"][0]["dept_code"] = "Q99"
    return {
        "fine": write_model(folder / "fine", departments_only()),
        "warning": write_model(folder / "warning", warning),
        "error": write_model(folder / "error", error),
    }


@pytest.fixture(scope="module")
def finished(models: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of the model in which all is fine; to be copied, not changed."""
    folder = tmp_path_factory.mktemp("finished") / "out"
    costing.run(models["fine"], folder)
    return folder


@pytest.fixture
def out(finished: Path, tmp_path: Path) -> Path:
    """A result folder of an earlier run."""
    return shutil.copytree(finished, tmp_path / "place" / "out")


def content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# ------------------------------------------------------------------------------------------------------ cost MODEL


@pytest.mark.parametrize(("name", "expected"), [("fine", 0), ("warning", 1), ("error", 2)])
def test_exit_codes_of_a_run(name: str, expected: int, models: dict[str, Path], tmp_path: Path, run: Run) -> None:
    code, stdout, err = run("cost", models[name], "-o", tmp_path / "out", "--lang", "en")
    assert (code, stdout) == (expected, "")
    assert (tmp_path / "out").exists() == (expected < 2)
    if expected == 2:
        assert err.startswith("error: ")
        assert "Q99" in err
        assert "cost check" in err
        assert list(tmp_path.iterdir()) == []
    else:
        assert "Reconciliation statement" in err
        for path in (tmp_path / "out").iterdir():
            assert str(path) in err


def test_the_number_of_errors_ends_in_a_full_sentence(models: dict[str, Path], tmp_path: Path, run: Run) -> None:
    _, _, err = run("cost", models["error"], "-o", tmp_path / "out", "--lang", "en")
    assert not [line for line in err.splitlines() if line.startswith((".", " ."))]


@pytest.mark.parametrize(
    ("language", "title", "workbook"),
    [("zh", "成本核对表", "成本报表.xlsx"), ("en", "Reconciliation statement", "cost_reports.xlsx")],
)
def test_languages(language: str, title: str, workbook: str, models: dict[str, Path], tmp_path: Path, run: Run) -> None:
    code, _, err = run("cost", models["fine"], "-o", tmp_path / "out", "--lang", language)
    assert code == 0
    assert title in err
    assert workbook in err
    assert (tmp_path / "out" / workbook).exists()
    assert (tmp_path / "out" / "reconciliation.txt").read_text(encoding="utf-8").startswith(title)
    has_chinese = bool(re.search("[诊床][次日]", err))
    assert has_chinese == (language == "zh")


def test_the_language_of_the_system_is_taken(
    models: dict[str, Path], tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert run("cost", models["fine"], "-q", "-o", tmp_path / "out")[0] == 0
    assert (tmp_path / "out" / "成本报表.xlsx").exists()


def test_quiet_says_nothing_and_still_answers(models: dict[str, Path], tmp_path: Path, run: Run) -> None:
    assert run("cost", models["fine"], "-o", tmp_path / "out", "-q") == (0, "", "")
    assert run("cost", models["warning"], "-o", tmp_path / "out", "--quiet") == (1, "", "")
    code, stdout, err = run("cost", models["error"], "-o", tmp_path / "out", "-q")
    assert (code, stdout) == (2, "")
    assert err.startswith("error: ")


def test_cases_and_what_waits_for_a_decision_are_shown(tmp_path: Path, run: Run) -> None:
    model = write_model(tmp_path / "model")
    code, _, err = run("cost", model, "-o", tmp_path / "out", "--lang", "en")
    assert code == 1
    for word in ("visits", "bed-days", "bottom-up", "top-down", "cost-to-revenue", "differences 0.00"):
        assert word in err
    assert shown_value("goods_factor", "rule", "en") in err
    # A note is for the record, and stands in the exceptions table alone.
    assert shown_value("reversal", "rule", "en") not in err


@pytest.mark.parametrize("words", [("-o", "OUT", "MODEL"), ("run", "MODEL", "-o", "OUT"), ("MODEL", "-oOUT")])
def test_the_words_may_come_in_any_order(
    words: tuple[str, ...], models: dict[str, Path], tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(models["fine"], tmp_path / "MODEL")
    assert run("cost", *words, "-q") == (0, "", "")
    assert (tmp_path / "OUT" / "manifest.json").exists()


def test_the_command_runs_as_a_program_of_its_own(models: dict[str, Path], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "drgengine.cli", "cost", str(models["fine"]), "-o", "out", "--lang", "zh"]
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, env={**os.environ, "PYTHONPATH": path})
    assert (done.returncode, done.stdout) == (0, b"")
    assert "差异 0.00" in done.stderr.decode()
    assert json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))["kind"] == "drgengine costing"


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("none",), "none"),
        (("lines.csv",), "lines.csv"),
        (("empty",), "model.toml"),
        (("check", "none"), "none"),
        (("check", "lines.csv"), "lines.csv"),
        (("compare", "none"), "none"),
        (("compare", "empty"), "model.toml"),
    ],
)
def test_what_is_no_model_is_refused(
    words: tuple[str, ...], named: str, language: str, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "lines.csv").write_text("case_id,amount\n1,2\n", encoding="utf-8")
    more = ["-o", "out"] if words[0] not in ("check", "compare") else []
    code, stdout, err = run("cost", *words, *more, "--lang", language)
    assert code == 2
    assert named in stdout + err
    assert "Traceback" not in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "lines.csv"]


def test_a_model_file_with_mistakes_is_refused(models: dict[str, Path], tmp_path: Path, run: Run) -> None:
    model = shutil.copytree(models["fine"], tmp_path / "model")
    text = (model / "model.toml").read_text(encoding="utf-8")
    for wrong, named in (
        ('[allocation]\nmethod = "stepdown"\n', "stepdown"),
        ('[policies]\nnegative_costs = "carry"\n', "negative_costs"),
        ("[cases\n", "model.toml"),
    ):
        (model / "model.toml").write_text(f"{text}\n{wrong}", encoding="utf-8")
        code, _, err = run("cost", model, "-o", tmp_path / "out")
        assert code == 2
        assert named in err
        assert "Traceback" not in err
    (model / "model.toml").write_text(text.replace('"ledger.csv"', '"costs.csv"'), encoding="utf-8")
    code, _, err = run("cost", model, "-o", tmp_path / "out")
    assert code == 2
    assert "costs.csv" in err
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_an_output_has_to_be_named(models: dict[str, Path], run: Run) -> None:
    code, _, err = run("cost", models["fine"])
    assert code == 2
    assert "-o" in err


# ------------------------------------------------------------------------------------------------------------- OUT


def test_results_replace_those_of_an_earlier_run_as_a_whole(
    models: dict[str, Path], out: Path, run: Run, tmp_path: Path
) -> None:
    before = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    model = shutil.copytree(models["fine"], tmp_path / "model")
    with (model / "model.toml").open("a", encoding="utf-8") as file:
        file.write('\n[allocation]\nmethod = "reciprocal"\n')
    assert run("cost", model, "-o", out, "--lang", "en", "-q")[0] == 0
    assert (out / "cost_reports.xlsx").exists()
    assert not (out / "成本报表.xlsx").exists()
    after = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    assert after["run_id"] != before["run_id"]
    notes = pd.read_parquet(out / "tables" / "notes.parquet")
    change = notes[notes["section"] == "change"].set_index("item")
    assert change[["value", "before"]].to_dict("index") == {
        "allocation.method": {"value": "reciprocal", "before": "three-level"}
    }
    assert [path.name for path in out.parent.iterdir()] == ["out"]


def test_an_empty_folder_is_taken(models: dict[str, Path], tmp_path: Path, run: Run) -> None:
    (tmp_path / "out").mkdir()
    assert run("cost", models["fine"], "-o", tmp_path / "out", "-q")[0] == 0
    assert (tmp_path / "out" / "manifest.json").exists()


@pytest.mark.parametrize("name", ["notes.txt", "tables/mine.parquet", ".hidden"])
def test_a_folder_with_files_of_others_is_refused(
    name: str, models: dict[str, Path], out: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    (out / name).write_text("mine", encoding="utf-8")
    before = content(out)
    monkeypatch.setattr(runmodel, "compute_model", lambda *_: pytest.fail("it is said before anything is computed"))
    code, _, err = run("cost", models["fine"], "-o", out)
    assert code == 2
    assert Path(name).name in err
    assert content(out) == before
    assert [path.name for path in out.parent.iterdir()] == ["out"]


def test_a_folder_of_something_else_is_refused(models: dict[str, Path], tmp_path: Path, run: Run) -> None:
    own = shutil.copytree(models["fine"], tmp_path / "model")
    before = content(own)
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    for place, named in ((own, "model"), (tmp_path / "file", "file"), (tmp_path / "none" / "out", "none")):
        code, _, err = run("cost", own, "-o", place)
        assert code == 2, place
        assert named in err
    assert content(own) == before
    assert (tmp_path / "file").read_text(encoding="utf-8") == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "model"]


FAILURES: dict[str, tuple[Any, str]] = {
    "the workbook": (resultfiles, "write_workbook"),
    "a report": (resultfiles, "write_report"),
    "the manifest": (runmodel, "write_manifest"),
    "the list of outputs": (runmodel, "output_files"),
    "the calculation": (runmodel, "compute_model"),
    "the last move": (outfolder, "_put"),
}
ERRORS = {
    "stopped by the user": KeyboardInterrupt(),
    "a full disk": OSError(errno.ENOSPC, "No space left on device"),
    "a mistake of the program": ZeroDivisionError("division by zero"),
}


@pytest.fixture(scope="module")
def computed(models: dict[str, Path]) -> Computation:
    """The calculation, done once for all tests of the writing."""
    return compute_model(costing.read_model(models["fine"]))


@pytest.fixture
def quick(computed: Computation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runmodel, "compute_model", lambda *_: computed)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(("what", "why"), [*zip(FAILURES, cycle(ERRORS)), *(("the workbook", why) for why in ERRORS)])
def test_an_interrupted_run_leaves_the_old_results(
    what: str, why: str, models: dict[str, Path], out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ERRORS[why]

    before = content(out)
    monkeypatch.setattr(*FAILURES[what], fail)
    for place in (out, out.parent / "new"):
        with pytest.raises((type(ERRORS[why]), DrgEngineError)):
            costing.run(models["fine"], place)
        assert content(out) == before
        assert [path.name for path in out.parent.iterdir()] == ["out"]


@pytest.mark.usefixtures("quick")
def test_a_run_that_cannot_put_its_results_in_place_puts_the_old_ones_back(
    models: dict[str, Path], out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, move = content(out), Path.rename

    def rename(self: Path, target: Any) -> Path:
        if self.name.endswith(".part") and Path(target).name == "out":
            raise OSError(errno.EACCES, "Permission denied")
        return move(self, target)

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(OutputFileError):
        costing.run(models["fine"], out)
    assert content(out) == before
    assert [path.name for path in out.parent.iterdir()] == ["out"]


def test_stopping_a_command_is_no_traceback(
    models: dict[str, Path], out: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    before = content(out)
    monkeypatch.setattr(resultfiles, "write_workbook", stop)
    code, _, err = run("cost", models["fine"], "-o", out)
    assert code == 2
    assert "no output was written" in err
    assert "Traceback" not in err
    assert content(out) == before


def test_an_input_that_vanishes_is_an_error_and_no_result(
    models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look(*_: object) -> None:
        raise DrgEngineError("ledger.csv", "it cannot be read for its hash", "Check the file")

    monkeypatch.setattr(manifests.Hashing, "_look", look)
    with pytest.raises(DrgEngineError, match="hash"):
        costing.run(models["fine"], tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


# ---------------------------------------------------------------------------------------------- new, check, compare


@pytest.mark.parametrize("name", ["run", "new", "check", "compare", "trace"])
def test_help_shows_an_example(name: str, run: Run) -> None:
    code, stdout, err = run("cost", name, "--help")
    assert (code, err) == (0, "")
    assert re.search(r"Example:\n +drgengine cost ", stdout)
    assert name in run("cost", "--help")[1]


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_a_new_model_can_be_run(form: str, tmp_path: Path, run: Run) -> None:
    code, stdout, err = run("cost", "new", tmp_path / "model", "--format", form)
    assert (code, err) == (0, "")
    listed = [Path(line) for line in stdout.splitlines()]
    assert tmp_path / "model" / "model.toml" in listed
    assert set(listed) == set((tmp_path / "model").iterdir())
    assert run("cost", "check", tmp_path / "model")[0] in (0, 1)
    assert run("cost", tmp_path / "model", "-o", tmp_path / "out", "-q")[0] in (0, 1)
    assert (tmp_path / "out" / "cases.parquet").exists()
    code, _, err = run("cost", "new", tmp_path / "model")
    assert code == 2
    assert "model" in err


def test_an_empty_template_is_checked_and_not_run(tmp_path: Path, run: Run) -> None:
    assert run("cost", "new", tmp_path / "model", "--empty")[0] == 0
    assert run("cost", "check", tmp_path / "model")[0] == 2
    assert run("cost", tmp_path / "model", "-o", tmp_path / "out")[0] == 2
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(("name", "expected"), [("fine", 0), ("warning", 1), ("error", 2)])
def test_check_says_what_it_found(name: str, expected: int, language: str, models: dict[str, Path], run: Run) -> None:
    before = content(models[name])
    code, stdout, err = run("cost", "check", models[name], "--lang", language)
    assert (code, err) == (expected, "")
    found = costing.check_model(models[name])
    titles = {shown_value(finding.rule, "rule", "zh" if language == "zh" else "en") for finding in found}
    assert {title for title in titles if title not in stdout} == set()
    assert f"例外事项（{len(found)} 项）" in stdout if language == "zh" else f"Exceptions ({len(found)})" in stdout
    assert ("Q99" in stdout) == (name == "error")
    assert content(models[name]) == before


def without_a_way(name: str) -> dict[str, Any]:
    """The fixture with a driver that is nowhere above 0, blank, a share that is missing, or income nobody has."""
    tables = departments_only()
    if name == "zero":
        tables["workload"] = [row for row in tables["workload"] if row["indicator"] != "sterile_packs"]
        tables["workload"].append({"dept_code": "W02", "indicator": "sterile_packs", "value": 0})
    elif name == "blank":
        tables["staff"][10]["fte"] = ""
    elif name == "shares":
        given = (("W01", 0.5), ("W02", 0.3))
        tables["drivers"] = [
            {"from_dept": "X02", "to_dept": code, "driver": "share", "value": value} for code, value in given
        ]
    else:
        for department in tables["departments"]:
            department["basis"] = "" if department["dept_code"] == "X02" else department["basis"]
    return tables


@pytest.mark.parametrize("name", ["zero", "blank", "shares", "income"])
def test_check_finds_what_would_stop_a_run(name: str, tmp_path: Path) -> None:
    model = write_model(tmp_path / "model", without_a_way(name))
    with pytest.raises(CostingError):
        costing.run(model, tmp_path / "out")
    assert "error" in {finding.severity for finding in costing.check_model(model)}


def test_a_blank_driver_of_a_department_that_does_not_receive_stops_nothing(tmp_path: Path) -> None:
    """By three levels, sterile supply serves technology and clinical departments and no administration."""
    tables = departments_only()
    tables["workload"].append({"dept_code": "A01", "indicator": "sterile_packs", "value": ""})
    model = write_model(tmp_path / "model", tables)
    assert "error" not in {finding.severity for finding in costing.check_model(model)}
    assert costing.run(model, tmp_path / "out").reconciliation.ok


def fen_of_the_ledger(tables: dict[str, Any]) -> int:
    return sum(round(row["amount"] * 100) for row in tables["ledger"])


def test_compare_gives_the_ledger_by_every_method(models: dict[str, Path], run: Run, tmp_path: Path) -> None:
    total = fen_of_the_ledger(departments_only())
    for ending in ("csv", "parquet"):
        file = tmp_path / f"methods.{ending}"
        code, stdout, err = run("cost", "compare", models["fine"], "-o", file, "--top", 2, "--lang", "en")
        assert (code, err) == (0, "")
        table = pd.read_csv(file, encoding="utf-8-sig") if ending == "csv" else pd.read_parquet(file)
        assert table["dept_code"].tolist() == ["C01", "C02", "W01", "W02", "W03"]
        for method in METHODS:
            assert table[method].sum() * 100 == pytest.approx(total, abs=0.01), method
            assert method in stdout
        assert f"{total / 100:,.0f}" in stdout
    shown = [code for code in ("C01", "C02", "W01", "W02", "W03") if code in stdout]
    spread = table.set_index("dept_code")[METHODS].agg(lambda row: row.max() - row.min(), axis=1)
    assert sorted(shown) == sorted(spread.nlargest(2).index)


def test_compare_of_a_hospital_with_charge_lines() -> None:
    comparison, method, names = compare_model(ROOT / "sample_cases" / "hospital")
    assert method == "three-level"
    assert list(comparison.allocations) == METHODS
    for column in METHODS:
        assert comparison.totals[column].sum() == pytest.approx(119133977.50, abs=0.001)
    assert set(comparison.totals.index) <= set(names)
    assert (comparison.differences["largest_difference"] > 1000).any()


def test_compare_speaks_chinese_and_refuses_what_run_refuses(models: dict[str, Path], run: Run) -> None:
    code, stdout, _ = run("cost", "compare", models["fine"], "--lang", "zh")
    assert code == 0
    for word in ("三级分摊", "交互", "阶梯", "合计", "外科病区"):
        assert word in stdout
    assert run("cost", "compare", models["error"])[0] == 2
    assert run("cost", "compare", models["fine"], "--top", 0)[0] == 2
