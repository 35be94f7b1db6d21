"""Spark: a cluster of several processes says what one machine says, row by row, also when executors die."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import drgengine as de
from drgengine.cases import resolve_columns
from drgengine.errors import CaseTableError, DrgEngineError, SchemeError
from drgengine.evaluation.mix import UnitStatistics, casemix, load_statistics, unit_statistics
from drgengine.grouper.cache import compiled
from drgengine.grouper.group import RESULT_COLUMNS
from drgengine.grouper.schemefile import load_scheme
from drgengine.spark import local_cluster, mapped, needs, remedies, sqlfunction
from drgengine.spark.shipped import Shipped, ship
from drgengine.synth import sample

fcntl = pytest.importorskip("fcntl", reason="one cluster for all workers of a test run needs file locks")
ROOT = Path(__file__).resolve().parent.parent
ROWS = 20_000
PART = 3_000
TINY = {
    "scheme.toml": 'id = "tiny"\nversion = "1"\ntitle = { zh = "小", en = "Tiny" }\n'
    'authority = { zh = "局", en = "Bureau" }\n'
    '[codes]\ndiagnosis_edition = "icd10-yb-2.0"\nprocedure_edition = "icd9cm3-yb-2.0"\n',
    "rules.toml": '[[mdc]]\ncode = "F"\ngate = "pdx in @dx"\n[[mdc.rule]]\nadrg = "FR2"\nkind = "medical"\n'
    'when = "age_years >= 18"\ngroups = [ { drg = "FR21", when = "sex == 1" }, { drg = "FR25", when = "always" } ]\n',
    "diagnoses.txt": "[MDCF.dx]\nI\nJ\nO\n",
    "procedures.txt": "[operations]\n37\n",
}
Answer = Callable[[str], Any]


@pytest.fixture(scope="session")
def cases(tmp_path_factory: pytest.TempPathFactory) -> pa.Table:
    table, _ = sample(ROWS, seed=7, dirty_share=0.2)
    kept = [name for name in table.column_names if not name.startswith("charge_")]
    return table.select(kept).append_column("row", pa.array(range(ROWS)))


@pytest.fixture(scope="session")
def answer(cases: pa.Table, tmp_path_factory: pytest.TempPathFactory, own_cache: None) -> Answer:
    """What the cluster answered to a scenario of spark_scenarios.py; the first to ask has them all run."""
    pytest.importorskip("pyspark", reason="PySpark is not installed (extra: spark)")
    try:
        needs.require_java()
    except DrgEngineError as error:
        pytest.skip(str(error))
    shared_by_workers = "PYTEST_XDIST_WORKER" in os.environ
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if shared_by_workers else base) / "spark"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "done").exists():
            _run_scenarios(cases, folder)

    def read(name: str) -> Any:
        trace = folder / f"{name}.error"
        if trace.exists():
            pytest.fail(trace.read_text("utf-8"), pytrace=False)
        text = folder / f"{name}.json"
        if text.exists():
            return json.loads(text.read_text("utf-8"))
        return pq.read_table(folder / f"{name}.parquet")

    read.folder = folder  # type: ignore[attr-defined]
    return read


def _run_scenarios(cases: pa.Table, folder: Path) -> None:
    (folder / "cases").mkdir()
    for part in range(8):  # one of them without rows
        piece = cases.slice(min(part * PART, ROWS), PART)
        pq.write_table(piece, folder / "cases" / f"part-{part}.parquet")
    (folder / "tiny").mkdir()
    for name, text in TINY.items():
        (folder / "tiny" / name).write_text(text, encoding="utf-8")
    paths = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    run = subprocess.run(
        [sys.executable, str(ROOT / "tests" / "spark_scenarios.py"), str(folder)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": paths, "DRGENGINE_CACHE": str(folder / "cache")},
        capture_output=True,
        text=True,
        timeout=900,
    )
    (folder / "log").write_text(run.stdout + run.stderr, encoding="utf-8")
    assert run.returncode == 0, (run.stdout + run.stderr)[-4000:]
    (folder / "done").touch()


def plain(table: pa.Table, names: list[str] | tuple[str, ...]) -> dict[str, list[Any]]:
    return {name: table[name].to_pylist() for name in names}


def same_rows(found: pa.Table, alone: pa.Table) -> None:
    """Equal rows, those of one partition in their order; Spark takes the partitions in an order of its own."""
    parts = np.array(found["row"]) // PART
    first = np.unique(parts, return_index=True)[1]
    assert (np.diff(parts) != 0).sum() == len(first) - 1
    rows = np.concatenate([np.arange(part * PART, min((part + 1) * PART, ROWS)) for part in parts[np.sort(first)]])
    assert plain(found, found.column_names) == plain(alone.take(rows), alone.column_names)


def test_every_row_is_grouped_as_on_one_machine(cases: pa.Table, answer: Answer) -> None:
    whole, alone = answer("whole"), de.group(cases)
    assert whole.column_names == alone.column_names
    assert all(whole.schema.field(name).type == pa.string() for name in RESULT_COLUMNS)
    same_rows(whole, alone)
    assert set(alone["status"].to_pylist()) == {"grouped", "ambiguous", "ungroupable", "invalid"}


def test_a_killed_executor_and_a_killed_worker_lose_nothing(cases: pa.Table, answer: Answer) -> None:
    assert answer("killed")["marks"] == ["executor", "worker"]
    same_rows(answer("survived"), de.group(cases))


def test_a_scheme_of_the_drivers_own_reaches_the_executors(cases: pa.Table, answer: Answer) -> None:
    found, folder = answer("own_scheme"), answer.folder / "tiny"  # type: ignore[attr-defined]
    few = cases.select(["dx", "sex", "age_years"]).take(found["row"])
    names = found.column_names
    for prefix, scheme in (("tiny_", folder), ("old_", "chs-drg-1.1"), ("", folder)):
        wanted = de.group(few, scheme, prefix=prefix)
        results = [prefix + name for name in RESULT_COLUMNS]
        assert plain(found, results) == plain(wanted, results)
        assert set(results) <= set(names)
    assert set(found["drg"].to_pylist()) >= {"FR21", "FR25", "0000"}


def test_the_sql_function_takes_places_names_and_structs(cases: pa.Table, answer: Answer) -> None:
    found = answer("sql").sort_by("row")
    alone = de.group(cases)
    assert plain(found, RESULT_COLUMNS) == plain(alone, RESULT_COLUMNS)
    assert found["struct_drg"].to_pylist() == alone["drg"].to_pylist()
    few = cases.select(["dx", "proc", "sex", "age_years", "age_days", "birth_weight_g", "los_days"])
    assert found["name_drg"].to_pylist() == de.group(few)["drg"].to_pylist()


def test_columns_of_every_type_pass_through(answer: Answer) -> None:
    dx: list[Any] = [["I21.001"], [], None, [None, "I50.900"]]
    rows = {"dx": dx, "proc": [None, ["36.0700x004"], None, []], "sex": ["1", None, None, "男"]}
    alone = de.group(rows | {"age_years": [63, None, None, 70]})
    assert answer("types") == {
        "drg": sorted(map(str, alone["drg"].to_pylist())),
        "kinds": ["string"],
        "empty": 0,
    }


def statistics_of(answer: Answer, name: str) -> UnitStatistics:
    return load_statistics(answer.folder / f"{name}.parquet")  # type: ignore[attr-defined]


def same_statistics(one: UnitStatistics, other: UnitStatistics) -> None:
    assert one.by == other.by
    assert one.cells.equals(other.cells)
    assert (one.period, one.unusable, one.squares) == (other.period, other.unusable, other.squares)


def test_statistics_are_those_of_one_machine(cases: pa.Table, answer: Answer) -> None:
    answer("statistics")
    grouped = de.group(cases)
    alone = unit_statistics(grouped, max_stay_days=60)
    assert alone.cells["inclusion"].unique().to_pylist() != ["included"]
    hospitals = statistics_of(answer, "hospitals")
    same_statistics(hospitals, alone)
    assert casemix(hospitals).table.equals(casemix(alone).table)
    texts = pa.array(["1,234.56元", "dear", "-3", "20.5"]).take(pa.array(np.arange(ROWS) % 4))
    amounts = grouped.set_column(grouped.column_names.index("total_charge"), "total_charge", texts)
    same_statistics(statistics_of(answer, "departments"), unit_statistics(amounts, ["hospital_id", "department_id"]))
    same_statistics(statistics_of(answer, "none"), unit_statistics(grouped.slice(0, 0), "mdc"))


REFUSED = {
    "taken": ("CaseTableError", ["DRG", "prefix"]),
    "type": ("CaseTableError", ["'span'", "interval", "df.drop"]),
    "principal": ("CaseTableError", ["principal diagnosis"]),
    "mapping": ("CaseTableError", ["'nowhere'"]),
    "prefixed": ("CaseTableError", ["x.y DRG", "prefix"]),
    "twins": ("CaseTableError", ["two columns are named 'sex'", 'columns={"sex": "extra"}']),
    "both": ("CaseTableError", ["'sex' and 'XB'", 'columns={"XB": "extra"}']),
    "call": ("CaseTableError", ["no argument 'sexx'", "Did you mean sex?"]),
    "undiagnosed": ("CaseTableError", ["principal diagnosis", "dx => ..."]),
    "scheme": ("SchemeError", ["chs-drg-9", "chs-drg-2.0"]),
    "table": ("CaseTableError", ["str", "DataFrame"]),
    "column": ("EvaluationError", ["'drg'", "Group the cases first"]),
    "unit": ("EvaluationError", ["'ward'"]),
    "status": ("EvaluationError", ["'unsure'", "grouped"]),
    "unit twins": ("EvaluationError", ["two columns are named 'ward'"]),
    "unit type": ("EvaluationError", ["'span'", "interval"]),
    "no table": ("EvaluationError", ["str", "DataFrame"]),
    "numbers": ("PythonException", ["CaseTableError", "'dx1'", "numbers", "as text", 'columns={"dx1": "extra"}']),
    "arguments": ("PythonException", ["CaseTableError: arguments of the SQL function", "no argument 'dxx'"]),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_work_says_why(answer: Answer, name: str) -> None:
    kind, words = REFUSED[name]
    found, text = answer("refused")[name]
    assert found == kind, text
    assert [word for word in words if word not in text] == []
    assert "Traceback" not in text
    assert "map.toml" not in text


def test_names_may_hold_anything_and_stand_twice(answer: Answer) -> None:
    found = answer("names")
    results = [*(f"x.y {name}" for name in RESULT_COLUMNS), *RESULT_COLUMNS]
    assert found["columns"] == ["dx", "sex", "age_years", "a.b c", "x", "X", "x", "*", "q`r", "c0", *results]
    assert found["values"] == ["w", 2, 3, 4, 5, 6, 7]
    alone = de.group({"dx": [["I21.001"]], "sex": ["1"], "age_years": [63]})["drg"].to_pylist()
    assert found["drg"] == alone * 2
    assert found["unit"] == ["w", 1]


def test_the_examples_of_the_page_run(answer: Answer) -> None:
    assert answer("page") == {"blocks": 4, "rows": 5_000}


# ------------------------------------------------------------------------------------------------ without a cluster


def test_a_machine_without_pyspark_or_java_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", "/nowhere")
    with pytest.raises(DrgEngineError, match=r"JAVA_HOME=/nowhere.*Java 17"):
        needs.require_java()
    monkeypatch.setattr(needs, "find_spec", lambda name: None)
    for call in (local_cluster, lambda: mapped.group(None), lambda: sqlfunction.register(None)):
        with pytest.raises(DrgEngineError, match=r"drgengine\[spark\].*Java 17"):
            call()


def texts(*values: str) -> list[pd.Series]:
    return [pd.Series([value]) for value in values]


@pytest.mark.parametrize(
    ("by_place", "by_name", "problem"),
    [
        ([], {}, r"the call has none\. Give dx, proc.*struct\(\*\)"),
        (texts(*"abcdefghijk"), {}, "11 arguments by place.*at most 10"),
        (texts("I21.001"), {"foo": texts("A")[0]}, "no argument 'foo'.*header the case table knows"),
        (texts("I21.001"), {"dx": texts("I10")[0]}, "'dx' is given by place and by name"),
        ([pd.DataFrame({"dx": ["I10"]})], {"sex": texts("1")[0]}, "Give the struct alone"),
        ([], {"dx": pd.DataFrame({"dx": ["I10"]})}, "Give the struct alone"),
        ([pd.DataFrame({"dx": ["I10"], "sex_0": [1], "sex_1": [2]})], {}, "two fields of the struct are named 'sex'"),
    ],
)
def test_a_wrong_call_of_the_sql_function_is_refused(
    by_place: list[Any], by_name: dict[str, Any], problem: str
) -> None:
    with pytest.raises(CaseTableError, match=problem):
        sqlfunction.as_batch(tuple(by_place), by_name)


@pytest.mark.parametrize(
    "schema",
    [
        {"诊断码": pa.string(), "sex": pa.string()},
        {"dx": pa.string(), "sex": pa.string(), "XB": pa.string()},
        {"dx": pa.string(), "sex": pa.list_(pa.string())},
    ],
)
def test_remedies_of_the_grouper_fit_spark(schema: dict[str, pa.DataType]) -> None:
    with pytest.raises(CaseTableError, match=r"map\.toml") as told:
        resolve_columns(pa.schema(schema))
    table, sql = remedies.for_table(told.value.remedy), remedies.for_sql(told.value.remedy)
    assert "columns={" in table
    assert "map.toml" not in table + sql
    assert "columns" not in sql


def test_an_old_java_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\" 2019-01-15' >&2\n")
    java.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(DrgEngineError, match=r"Java 11.*17"):
        needs.require_java()


def test_another_state_of_a_scheme_on_an_executor_is_noticed() -> None:
    with pytest.raises(SchemeError, match=r"'chs-drg-2\.0'.*same version of drgengine"):
        Shipped("0" * 64, "chs-drg-2.0").scheme()


def work_in_another_process(cache: str) -> list[int]:
    """As on an executor whose package and home cannot be written, with nothing compiled so far."""
    code = f"""
import sys
from pathlib import Path
from drgengine.spark import executor
really = executor._may_write
executor._may_write = lambda folder: {cache!r} in str(folder) and really(folder)
executor._scratch = lambda name: Path({cache!r}, name)
executor.prepare()
import numpy as np
from drgengine.evaluation.mix.tallykernel import enter_cells
from drgengine.grouper.cache import compiled
from drgengine.grouper.schemefile import load_scheme
slots = np.full(8, -1, np.int32)
enter_cells(np.array([[1, 2], [3, 4]], np.int32), 2, slots)
print(len(compiled(load_scheme()).leaf_drg), *sorted(slots))
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DRGENGINE_CACHE": "/proc/nothing"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return [int(number) for number in done.stdout.split()]


def test_workers_that_compile_at_once_do_not_harm_each_other(tmp_path: Path) -> None:
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(work_in_another_process, [str(tmp_path)] * 3))
    assert found == [[len(compiled(load_scheme()).leaf_drg), *[-1] * 6, 0, 1]] * 3
    assert [path.suffix for path in (tmp_path / "schemes").iterdir()] == [".npz"]
    assert {path.suffix for path in (tmp_path / "kernels").rglob("*") if path.is_file()} == {".nbi", ".nbc"}
    assert work_in_another_process(str(tmp_path)) == found[0]


def test_packaged_schemes_travel_by_name_and_others_once() -> None:
    sent = []

    class Context:
        def broadcast(self, value: Any) -> Any:
            sent.append(value)
            return type("Held", (), {"value": value})()

    class Session:
        sparkContext = Context()  # noqa: N815

    scheme = load_scheme("chs-drg-1.1")
    assert (ship(Session(), "chs-drg-1.1").name, ship(Session(), scheme).name, sent) == ("chs-drg-1.1",) * 2 + ([],)
    changed = replace(scheme, digest="1" * 64)
    first, second = (ship(Session(), changed) for _ in range(2))
    assert len(sent) == 1
    assert (first.name, first.content) == (None, second.content)
    assert second.scheme().digest == "1" * 64
