"""The command line: help with examples that run, exit codes, and what goes to which stream."""

from __future__ import annotations

import csv
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from drawn import small_tables, write_tables
from smallworkbook import content, write_xlsx

from drgengine import costing
from drgengine.cli import app
from drgengine.costing import new_model
from drgengine.evaluation.plan import new_plan
from drgengine.grouper.interchange import import_scheme
from drgengine.grouper.schemefile import packaged_schemes
from drgengine.synth import sample

ROOT = Path(__file__).resolve().parent.parent
Run = Callable[..., tuple[Any, str, str]]
HEAVY = ("numba", "llvmlite", "numpy", "pyarrow", "pandas", "polars")


def commands(group: click.Group, *path: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command with the words that lead to it."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, *path, name)


COMMANDS = dict(commands(app))
EXAMPLES = [
    (name, line.strip())
    for name, command in COMMANDS.items()
    for line in (command.help or "").splitlines()
    if line.strip().startswith("drgengine ")
]


def names(path: tuple[str, ...]) -> str:
    return " ".join(path)


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every file that the examples of the help name."""
    folder = tmp_path_factory.mktemp("workplace")
    cases, _ = sample(200, seed=2, dirty_share=0)
    pq.write_table(cases, folder / "discharges.parquet")
    (folder / "shards").mkdir()
    for at in range(2):
        pq.write_table(cases.slice(at * 100, 100), folder / "shards" / f"part-{at}.parquet")
    with (folder / "出院病案.csv").open("w", encoding="gb18030", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["病案号", "性别", "年龄", "主要诊断编码", "其他诊断编码1", "手术操作编码1"])
        writer.writerow(["000017", "男", "63", "I10.x00x002", "", ""])
    with (folder / "病案首页.csv").open("w", encoding="gb18030", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["A48", "A49", "A12C", "A14", "出院主要诊断编码（C03C）", "C06x01C", "C14x01C", "D01"])
        writer.writerow(["000017", "1", "男", "63", "I10.x00x002", "E11.900", "-", "1,200.50"])
    (folder / "tables").mkdir()
    write_tables(small_tables(), folder / "tables" / "my_city", None)
    import_scheme(folder / "tables" / "my_city", folder / "my-city-2026")
    write_xlsx(content(), folder / "分组方案配置信息.xlsx")
    new_model(folder / "my-model")
    new_plan(folder / "my-plan")
    shutil.copytree(ROOT / "sample_cases" / "hospital", folder / "sample_cases" / "hospital")
    shutil.copytree(ROOT / "sample_cases" / "region", folder / "sample_cases" / "region")
    costing.run(folder / "sample_cases" / "hospital", folder / "cost_results")
    return folder


# ------------------------------------------------------------------------------------------------------- help


@pytest.mark.parametrize("path", COMMANDS, ids=names)
def test_help_tells_what_and_shows_an_example(path: tuple[str, ...], run: Run) -> None:
    code, out, err = run(*path, "--help")
    assert (code, err) == (0, "")
    assert re.match(rf"Usage: .*drgengine {names(path)}\b", out)
    assert re.search(r"Examples?:\n +drgengine ", out)
    command = COMMANDS[path]
    for parameter in command.params:
        if isinstance(parameter, click.Option) and parameter.name not in ("help", "hospitals", "departments"):
            assert parameter.help, f"{parameter.name} has no help"
    assert command.get_short_help_str()


@pytest.mark.parametrize("document", ["README.md", "README.zh-CN.md"])
@pytest.mark.parametrize("path", COMMANDS, ids=names)
def test_every_command_is_in_the_readme(path: tuple[str, ...], document: str) -> None:
    assert f"drgengine {names(path)}" in (ROOT / document).read_text(encoding="utf-8")


@pytest.mark.parametrize(("path", "example"), EXAMPLES, ids=[example for _, example in EXAMPLES])
def test_examples_of_the_help_run(
    path: tuple[str, ...], example: str, workplace: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "place"
    shutil.copytree(workplace, place)
    if path == ("scheme", "import") and " import " in example:
        shutil.rmtree(place / "my-city-2026")
    monkeypatch.chdir(place)
    words = shlex.split(example.replace("--rows 1000000", "--rows 1000").replace("000017", "000000000017"))[1:]
    code, out, err = run(*words)
    # The sample region has a veto to look at.
    assert code == (1 if "sample_cases/region" in words else 0), err
    assert out or err
    if "-o" in words:
        assert (place / words[words.index("-o") + 1]).exists()


def test_help_and_version_are_light() -> None:
    asked = f"""
import sys
from drgengine.cli import main
for words in ("--help", "--version", "group --help", "convert --help",
    "explain --help", "scheme --help", "synth --help", "demo --help",
    "cost --help", "cost check --help"):
    sys.argv = ["drgengine", *words.split()]
    try:
        main()
    except SystemExit as stopped:
        assert stopped.code == 0, words
print("LOADED", *sorted(set({HEAVY!r}) & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "LOADED"


@pytest.mark.parametrize(
    ("words", "near"), [(["groop"], "group"), (["exlain"], "explain"), (["scheme", "lst"], "list")]
)
def test_the_nearest_command_is_offered(words: list[str], near: str, run: Run) -> None:
    code, out, err = run(*words)
    assert (code, out) == (2, "")
    assert f"Did you mean '{near}'?" in err


def test_wrong_use_is_code_2(run: Run, tmp_path: Path) -> None:
    for words in (["group"], ["group", "in.parquet"], ["explain"], ["explain", "--dx", "I10", "--file", "x.csv"],
                  ["explain", "--file", "x.csv"], ["group", "a.csv", "-o", "b.csv", "--threads", "0"],
                  ["scheme", "show"], ["synth", "x.parquet", "--rows", "0"], ["explain", "--bad"]):  # fmt: skip
        code, out, err = run(*words)
        assert (code, out) == (2, ""), words
        assert "Error: " in err
        assert "Traceback" not in err


# ------------------------------------------------------------------------------------------------------- group


@pytest.mark.parametrize("language", ["en", "zh"])
def test_group_says_what_it_did(language: str, workplace: Path, tmp_path: Path, run: Run) -> None:
    source, target = workplace / "discharges.parquet", tmp_path / "out.parquet"
    code, out, err = run("group", source, "-o", target, "--lang", language, "--json")
    assert code == 0
    summary = json.loads(out)
    assert summary["rows"] == 200 == sum(summary["status"].values())
    words = {"en": ["grouped", "Share", "Written to", "records/s"], "zh": ["入组", "占比", "结果文件", "每秒"]}[
        language
    ]
    assert [word for word in words if word not in err] == []
    assert str(target) in err.replace("\n", "")
    assert target.exists()


def test_records_that_are_invalid_make_code_1(tmp_path: Path, run: Run) -> None:
    cases, _ = sample(100, seed=2, dirty_share=0.5)
    pq.write_table(cases, tmp_path / "in.parquet")
    code, out, err = run("group", tmp_path / "in.parquet", "-o", tmp_path / "out.parquet")
    assert (code, out) == (1, "")
    assert "sex_invalid" in err
    assert pq.read_metadata(tmp_path / "out.parquet").num_rows == 100


def test_quiet_is_quiet(workplace: Path, tmp_path: Path, run: Run) -> None:
    assert run("group", workplace / "discharges.parquet", "-o", tmp_path / "o.csv", "-q") == (0, "", "")
    assert run("synth", tmp_path / "s.parquet", "--rows", 50, "-q") == (0, "", "")


def test_an_error_is_the_only_line(tmp_path: Path, run: Run) -> None:
    code, out, err = run("group", tmp_path / "none.parquet", "-o", tmp_path / "out.parquet")
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1


def test_options_of_group(workplace: Path, tmp_path: Path, run: Run) -> None:
    (tmp_path / "in.csv").write_text("name,main,sex,age\nLi,I10.x00x002,9,63\n")
    (tmp_path / "map.toml").write_text('"main" = "dx_principal"\n')
    words = [
        "group",
        tmp_path / "in.csv",
        "-o",
        tmp_path / "out.csv",
        "--columns",
        tmp_path / "map.toml",
        "--prefix",
        "x_",
    ]
    code, _, err = run(
        *words, "--keep-personal", "--issues", tmp_path / "issues.csv", "--threads", 1, "--encoding", "utf-8"
    )
    assert code == 1, err
    header, row = csv.reader((tmp_path / "out.csv").read_text(encoding="utf-8-sig").splitlines())
    assert header == [
        "name",
        "main",
        "sex",
        "age",
        *(f"x_{n}" for n in ("status", "mdc", "adrg", "drg", "severity", "reason")),
    ]
    assert (row[0], row[4], row[9]) == ("Li", "invalid", "sex_invalid")
    assert "sex_unreadable" in (tmp_path / "issues.csv").read_text(encoding="utf-8-sig")


# ------------------------------------------------------------------------------------------------------ explain


@pytest.mark.parametrize("language", ["en", "zh"])
def test_explain_from_options_json_file_and_stdin(
    language: str, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = {"dx": ["I50.900", "N17.900"], "proc": [], "sex": 1, "age_years": 74}
    text = json.dumps(record)
    (tmp_path / "case.json").write_text(text)
    pq.write_table(pa.Table.from_pylist([record | {"case_id": "A7"}]), tmp_path / "a.parquet")
    read_end, write_end = os.pipe()
    os.write(write_end, text.encode())
    os.close(write_end)
    answers = []
    with os.fdopen(read_end) as pipe:
        monkeypatch.setattr(sys, "stdin", pipe)
        for words in (
            ["--dx", "I50.900, N17.900", "--sex", "1", "--age", "74"],
            [text],
            [tmp_path / "case.json"],
            ["-"],
            ["--file", tmp_path / "a.parquet", "--case-id", "A7"],
            ["--file", tmp_path / "a.parquet", "--row", "1"],
        ):
            code, out, err = run("explain", *words, "--lang", language, "--json")
            assert (code, err) == (0, "")
            answers.append(json.loads(out)["answer"])
    assert answers == [answers[0]] * 6
    assert answers[0]["drg"] == "FR21"


def test_explain_takes_names_and_mapping(tmp_path: Path, run: Run) -> None:
    (tmp_path / "names.csv").write_bytes("code,name\nI10.x00x002,原发性高血压\n".encode("gb18030"))
    code, out, _ = run("explain", "--dx", "I10.x00x002", "--sex", 1, "--age", 63, "--names", tmp_path / "names.csv")
    assert code == 0
    assert "原发性高血压" in out
    (tmp_path / "in.csv").write_text("BAH,main,sex,age\n007,I10.x00x002,1,63\n")
    (tmp_path / "map.toml").write_text('[columns]\n"main" = "dx_principal"\n')
    words = ["--file", tmp_path / "in.csv", "--case-id", "007", "--columns", tmp_path / "map.toml"]
    code, out, err = run("explain", *words)
    assert (code, err) == (0, "")
    assert "FV25" in out


def test_json_nested_beyond_reason(tmp_path: Path, run: Run) -> None:
    (tmp_path / "deep.json").write_text('{"dx":' + "[" * 100_000)
    code, out, err = run("explain", tmp_path / "deep.json")
    assert (code, out) == (2, "")
    assert "deep.json" in err


@pytest.mark.parametrize("padded", ["A1", " A1 "])
def test_a_case_id_is_found_with_or_without_blanks(padded: str, tmp_path: Path, run: Run) -> None:
    (tmp_path / "in.csv").write_text(f"case_id,dx,sex,age\n{padded},I10.x00x002,1,63\n")
    for asked in ("A1", padded):
        code, _, err = run("explain", "--file", tmp_path / "in.csv", "--case-id", asked)
        assert (code, err) == (0, "")


def test_a_record_without_diagnosis_is_explained_out_of_its_file(tmp_path: Path, run: Run) -> None:
    codes = {"dx1": [None, "I10.x00x002"], "dx2": ["I10.x00x002", None]}
    table = pa.table({"case_id": ["A1", "A2"], **codes, "sex": [1, 1], "age": [63, 63]})
    pq.write_table(table, tmp_path / "in.parquet")
    assert run("explain", "--file", tmp_path / "in.parquet", "--case-id", "A2")[0] == 0
    code, out, err = run("explain", "--file", tmp_path / "in.parquet", "--case-id", "A1")
    assert (code, err) == (1, "")
    assert "no principal diagnosis" in out


# ------------------------------------------------------------------------------------------------------ scheme


def test_scheme_list_names_all(run: Run) -> None:
    for language in ("en", "zh"):
        code, out, err = run("scheme", "list", "--lang", language)
        assert (code, err) == (0, "")
        assert all(name in out for name in packaged_schemes())


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ((), ["code editions: icd10-yb-2.0", "MDC F", "Known oddities"]),
        (("F",), ["MDC F", "gate: pdx in", "FM3", "[MDCF.dx]"]),
        (("MDCF",), ["MDC F"]),
        (("FM3",), ["FM3", "non-operating-room", "FM39", "[FM3.proc]"]),
        (("FM39",), ["FM3", "FM39"]),
        (("mcc.104",), ["[mcc.104]", "codes"]),
        (("FM3", "--codes"), ["  36.0700x004"]),
        (("FR2", "--lang", "en"), ["MDC F Circulatory"]),
    ],
    ids=str,
)
def test_scheme_show(what: tuple[str, ...], words: list[str], run: Run) -> None:
    code, out, err = run("scheme", "show", "chs-drg-2.0", *what)
    assert (code, err) == (0, "")
    assert [word for word in words if word not in out] == []


def test_scheme_show_offers_near_names(run: Run) -> None:
    code, out, err = run("scheme", "show", "chs-drg-2.0", "FM33")
    assert (code, out) == (2, "")
    assert re.search(r"'FM33' is no MDC.*Nearest names: .*FM3", err)


def test_a_scheme_is_imported_checked_and_used(workplace: Path, tmp_path: Path, run: Run) -> None:
    folder, source, target = tmp_path / "city", tmp_path / "in.csv", tmp_path / "out.csv"
    code, out, err = run("scheme", "import", workplace / "tables" / "my_city", "-o", folder, "--title", "My city")
    assert (code, out) == (0, "")
    assert f"written to {folder}" in err
    code, _, err = run("scheme", "import", workplace / "tables" / "my_city", "-o", folder)
    assert code == 2
    assert "--overwrite" in err
    assert run("scheme", "import", workplace / "tables" / "my_city", "-o", folder, "--overwrite")[0] == 0
    assert run("scheme", "check", folder)[0] == 0
    source.write_text("dx,proc,sex,age\nI21.000|J96.000,37.2200,1,40\nI21.000,37.2200,1,40\n")
    code, _, err = run("group", source, "-o", target, "--scheme", folder, "-q")
    assert code == 0, err
    assert [row["drg"] for row in csv.DictReader(target.read_text("utf-8-sig").splitlines())] == ["AR11", "AR15"]
    code, out, _ = run("explain", "--dx", "I21.000", "--proc", "37.2200", "--sex", 1, "--age", 40, "--scheme", folder)
    assert code == 0
    assert "AR15" in out


def test_scheme_diff_in_words_and_json(workplace: Path, run: Run) -> None:
    words = ["scheme", "diff", "chs-drg-1.0", "chs-drg-1.1", "--cases", workplace / "discharges.parquet"]
    code, out, _ = run(*words, "--limit", 3)
    assert code == 0
    assert "chs-drg-1.0 -> chs-drg-1.1" in out
    code, out, _ = run(*words, "--json")
    assert code == 0
    assert set(json.loads(out)) == {"rules", "cases"}


# ------------------------------------------------------------------------------------------- terminals and places


def command(*words: object, cwd: Path, **environment: str) -> subprocess.CompletedProcess[bytes]:
    env = {k: v for k, v in os.environ.items() if not k.startswith(("LC_", "LANG", "PYTHONIOENCODING"))}
    env |= {"PYTHONPATH": str(ROOT), **environment}
    return subprocess.run(
        [sys.executable, "-m", "drgengine.cli", *map(str, words)], capture_output=True, cwd=cwd, env=env
    )


@pytest.mark.parametrize(
    "environment",
    [{"PYTHONIOENCODING": "gbk"}, {"PYTHONIOENCODING": "ascii", "LC_ALL": "C", "NO_COLOR": "1", "TERM": "dumb"}],
    ids=lambda environment: "-".join(environment.values()),
)
def test_odd_terminals(environment: dict[str, str], workplace: Path, tmp_path: Path) -> None:
    words = ["group", workplace / "discharges.parquet", "-o", tmp_path / "out.parquet", "--lang", "zh"]
    done = command(*words, cwd=tmp_path, **environment)
    assert (done.returncode, done.stdout) == (0, b""), done.stderr
    assert b"\x1b[" not in done.stderr
    assert b"200" in done.stderr
    if environment.get("PYTHONIOENCODING") == "gbk":
        assert "入组" in done.stderr.decode("gbk")
        done = command(
            "explain", "--dx", "I50.900", "--sex", "1", "--age", "74", "--lang", "zh", cwd=tmp_path, **environment
        )
        assert done.returncode == 0
        assert "分组路径" in done.stdout.decode("gbk")


@pytest.mark.parametrize("place", ["elsewhere", "repository"])
def test_the_demo_runs_anywhere(place: str, tmp_path: Path) -> None:
    out = tmp_path / "shown"
    done = command("demo", "-o", out, "--lang", "en", cwd=ROOT if place == "repository" else tmp_path)
    assert done.returncode == 0, done.stderr
    assert b"Traceback" not in done.stderr
    shown = done.stderr.decode().replace("\n", "")
    assert {"grouped.parquet", "issues.csv", "explained.txt"} <= {p.name for p in out.iterdir()}
    assert all(name in shown for name in ("grouped.parquet", "issues.csv", "explained.txt"))
    assert (out / "explained.txt").read_text(encoding="utf-8").strip() == done.stdout.decode().strip()
    grouped = pq.read_table(out / "grouped.parquet")
    assert grouped.num_rows > 100
    assert set(grouped["status"].to_pylist()) == {"grouped", "ambiguous", "ungroupable", "invalid"}
    if place == "elsewhere":
        assert [p.name for p in tmp_path.iterdir()] == ["shown"]
