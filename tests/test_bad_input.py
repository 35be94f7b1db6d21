"""Every kind of bad input: one line that names place, value and remedy, or a status and a remark; nothing is lost."""

from __future__ import annotations

import errno
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import drgengine as de
from drgengine.cases import IssueLog
from drgengine.cli import main
from drgengine.errors import CaseTableError, DrgEngineError, OutputFileError, SchemeError
from drgengine.formats.parquet_sink import ParquetSink

ROOT = Path(__file__).resolve().parent.parent
PRINCIPAL = "I10.x00x002"
GROUPED = ("grouped", "FV25", None)
PERSON = ("张三丰", "110101199003071233", "13912345678")


def answer(**columns: Any) -> list[tuple[str, str | None, str | None]]:
    """(status, drg, reason) of a few cases: hypertension at 63 unless said otherwise."""
    n = max([len(column) for column in columns.values()], default=1)
    base: dict[str, Any] = {"dx": [[PRINCIPAL]] * n, "sex": [1] * n, "age_years": [63] * n}
    result = de.group({name: value for name, value in (base | columns).items() if value is not None})
    assert result.num_rows == n
    return list(zip(*(result[name].to_pylist() for name in ("status", "drg", "reason")), strict=True))


def remarks(**columns: Any) -> dict[tuple[str, str], list[tuple[int, str]]]:
    n = max(len(column) for column in columns.values())
    log = IssueLog()
    de.group({"dx": [[PRINCIPAL]] * n, "sex": [1] * n, "age_years": [63] * n} | columns, issues=log)
    return log.examples


def write(path: Path, **columns: Any) -> Path:
    """A Parquet file of one case, changed by `columns`; None leaves a column out."""
    base: dict[str, Any] = {"dx": [[PRINCIPAL]], "sex": [1], "age_years": [63]}
    pq.write_table(pa.table({k: v for k, v in (base | columns).items() if v is not None}), path)
    return path


def invalid(reason: str) -> tuple[str, None, str]:
    return "invalid", None, reason


# --------------------------------------------------------------------------------- rows: a status and a remark


def test_sex_in_words() -> None:
    words = ["男", "女", "F", " 1 ", "1.0", "02", "3", "未知", "", None]
    assert answer(sex=words) == [GROUPED] * 6 + [invalid("sex_invalid")] * 4
    assert remarks(sex=words)["sex", "sex_unreadable"] == [(7, "3"), (8, "未知")]


def test_ages_that_are_none() -> None:
    ages = ["63岁", "63", "-1", "999", "abc", "", None, "3月"]
    missing = invalid("age_missing")
    assert answer(age_years=ages) == [GROUPED, GROUPED, *[missing] * 5, invalid("age_days_missing")]
    found = remarks(age_years=ages)
    assert found["age_years", "age_negative"] == [(3, "-1")]
    assert found["age_years", "age_over_130"] == [(4, "999")]
    assert found["age_years", "number_unreadable"] == [(5, "abc")]
    assert answer(age_years=[-1, 999, 130]) == [missing, missing, GROUPED]
    assert answer(age_years=[float("nan"), float("inf")]) == [missing, missing]


def test_infants_and_newborns() -> None:
    found = answer(age_years=[0] * 5, age_days=[None, 29, 28, 28, 28], birth_weight_g=[3000, None, None, 0, 3000])
    assert [reason for _, _, reason in found[:1] + found[2:4]] == [
        "age_days_missing",
        "newborn_weight_missing",
        "newborn_weight_missing",
    ]
    assert [status for status, _, _ in (found[1], found[4])] == ["grouped", "grouped"]


def test_codes_that_are_null_empty_or_double() -> None:
    codes: list[Any] = [[None, PRINCIPAL], ["", PRINCIPAL], ["NULL"], [], None]
    assert answer(dx=codes) == [invalid("principal_diagnosis_missing")] * 5
    fine: list[Any] = [[PRINCIPAL, PRINCIPAL], [PRINCIPAL, None, "", "E11.900"], [PRINCIPAL, "  "], [PRINCIPAL] * 40]
    assert answer(dx=fine) == [GROUPED] * 4
    assert ("dx", "code_hole") in remarks(dx=fine)


@pytest.mark.parametrize("procedures", [[None], [[]], [[None]], [[""]], pa.nulls(1)], ids=str)
def test_no_procedures(procedures: Any) -> None:
    assert answer(proc=procedures) == [GROUPED]


def test_unknown_codes() -> None:
    assert answer(dx=[["I10"]]) == [("ungroupable", "0000", "principal_diagnosis_unknown")]
    assert answer(dx=[[PRINCIPAL, "I10", "nonsense"]], proc=[["99.zz"]]) == [GROUPED]
    found = remarks(dx=[[PRINCIPAL, "I10"]], proc=[["99.zz"]])
    assert found["dx", "code_unknown_diagnosis"] == [(1, "I10")]
    assert found["proc", "code_unknown_procedure"] == [(1, "99.zz")]


def test_a_principal_diagnosis_that_is_not_allowed() -> None:
    assert answer(dx=[["B95.600"]]) == [("ungroupable", "0000", "principal_diagnosis_not_allowed")]


@pytest.mark.parametrize("count", [300, 5000])
def test_very_many_codes(count: int, tmp_path: Path) -> None:
    unknown = [f"Z99.{n:04}" for n in range(count - 2)]
    table = pa.table(
        {"dx": [[PRINCIPAL, *unknown, "N17.900"]], "proc": [["00.zz"] * count], "sex": [1], "age_years": [63]}
    )
    assert de.group(table)["drg"].to_pylist() == ["FV23"]
    pq.write_table(table, tmp_path / "in.parquet")
    summary = de.group_file(tmp_path / "in.parquet", tmp_path / "out.csv", issues=tmp_path / "issues.csv")
    assert summary.issues.counts["dx", "code_unknown_diagnosis"] == count - 2
    assert de.explain(table.to_pylist()[0]).decision.drg == "FV23"


@pytest.mark.parametrize(
    "code",
    [
        "I" * 1_000_000,
        "I10\x00.x00x002",
        "I10😀",
        "\x1b[31mI10",
        "\u202eI10",
        "I10.x00x002'; DROP TABLE",
        "I10\n.x00",
        "𠮷",
    ],
    ids=["1 MB", "NUL", "emoji", "escape", "right to left", "quote", "line break", "rare character"],
)
def test_strange_texts_as_codes(code: str, tmp_path: Path) -> None:
    wanted = ("ungroupable", "0000", "principal_diagnosis_unknown")
    assert answer(dx=[[code]], proc=[[code]]) == [wanted]
    assert answer(dx=[[PRINCIPAL, code]]) == [GROUPED]
    assert de.explain({"dx": [code], "sex": 1, "age_years": 63}).decision.reason == wanted[2]
    for ending in (".parquet", ".csv"):
        out = tmp_path / f"out{ending}"
        summary = de.group_file(write(tmp_path / "in.parquet", dx=[[code]]), out, issues=tmp_path / f"issues{ending}")
        assert summary.reasons == {"principal_diagnosis_unknown": 1}


# ----------------------------------------------------------------------------------- columns: a clear error

BAD_COLUMNS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "no principal diagnosis": (
        {"dx": None, "ZYZD": ["I10"]},
        ["principal diagnosis (主要诊断编码)", "ZYZD", "--columns"],
    ),
    "only other diagnoses": ({"dx": None, "dx_other": [["I10"]]}, ["principal diagnosis", "dx_other", "--columns"]),
    "lists of numbers": ({"dx": [[1, 2]]}, ["'dx'", "list<element: int64>", "Write the codes as text"]),
    "a struct": ({"dx": [{"code": "I10"}]}, ["'dx'", "struct<code: string>", "Write the codes as text"]),
    "lists of structs": ({"dx": [[{"code": "I10"}]]}, ["'dx'", "list<element: struct<code: string>>", "as text"]),
    "bytes": ({"dx": [b"I10"]}, ["'dx'", "binary", "as text"]),
    "sex as truth": ({"sex": [True]}, ["'sex'", "bool", "a number"]),
    "age as list": ({"age_years": [[63]]}, ["'age_years'", "list", "a number"]),
    "two columns for sex": ({"性别": [2]}, ["'sex' and '性别' both hold sex", '"性别" = "extra"']),
    "two forms of dx": ({"dx1": ["I10"]}, ["'dx'", "'dx1'", "both hold dx"]),
    "result names taken": ({"drg": ["FV25"], "status": ["x"]}, ["status, drg", "--prefix"]),
}


@pytest.mark.parametrize("what", BAD_COLUMNS)
def test_columns_that_cannot_serve(what: str, tmp_path: Path) -> None:
    columns, words = BAD_COLUMNS[what]
    path = write(tmp_path / "in.parquet", **columns)
    with pytest.raises(CaseTableError) as refused:
        de.group_file(path, tmp_path / "out.parquet")
    message = str(refused.value)
    assert message.startswith(str(path))
    assert [word for word in words if word not in message] == []
    assert "\n" not in message
    assert [p.name for p in tmp_path.iterdir()] == ["in.parquet"]


def test_two_columns_of_one_name(tmp_path: Path) -> None:
    twice = pa.table([[[PRINCIPAL]], [[PRINCIPAL]], [1], [63]], names=["dx", "dx", "sex", "age_years"])
    pq.write_table(twice, tmp_path / "in.parquet")
    with pytest.raises(CaseTableError, match=r"two columns are named 'dx'.*Rename"):
        de.group_file(tmp_path / "in.parquet", tmp_path / "out.parquet")
    extra = pa.table(
        [[[PRINCIPAL]], [1], [63], ["a"], ["b"], ["x"]], names=["dx", "sex", "age_years", "e", "e", "姓名"]
    )
    pq.write_table(extra, tmp_path / "in.parquet")
    de.group_file(tmp_path / "in.parquet", tmp_path / "out.parquet")
    out = pq.ParquetFile(tmp_path / "out.parquet").read()
    assert [column.to_pylist() for column in out.columns][3:5] == [["a"], ["b"]]


BAD_MAPS: dict[str, tuple[str, list[str]]] = {
    "no such column": ('"ZYZD" = "dx_principal"', ["'ZYZD'", "does not have", "Correct the mapping"]),
    "no such target": ('"sex" = "gender_code"', ["'sex'", "'gender_code'", "no column of the case table"]),
    "a number": ('"sex" = 1', ["map.toml", "'sex'", "1 is no text"]),
    "a table": ("[sex]\na = 1", ["map.toml", "'sex'"]),
    "no TOML": ("sex -> XB", ["map.toml", "not readable as TOML", 'Write lines such as "XB" = "sex"']),
    "a column named columns": ('columns = "dx_principal"', ["'columns'"]),
}


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: object) -> tuple[Any, str, str]:
    """(exit code, standard output, standard error) of a command, run in this process."""
    monkeypatch.setattr(sys, "argv", ["drgengine", *map(str, words)])
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    with pytest.raises(SystemExit) as stopped:
        main()
    output = capsys.readouterr()
    assert "Traceback" not in output.err
    return stopped.value.code, output.out, output.err


def one_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line]
    assert len(lines) == 1, text
    assert lines[0].startswith("error: ")
    return lines[0]


@pytest.mark.parametrize("what", BAD_MAPS)
def test_mappings_with_mistakes(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text, words = BAD_MAPS[what]
    (tmp_path / "map.toml").write_text(text)
    paths = write(tmp_path / "in.parquet"), "-o", tmp_path / "out.parquet", "--columns", tmp_path / "map.toml"
    code, out, err = run(monkeypatch, capsys, "group", *paths)
    assert (code, out) == (2, "")
    assert [word for word in words if word not in one_line(err)] == []


BAD_FILES: dict[str, tuple[str, bytes | None, list[str]]] = {
    "missing": ("in.parqet", None, ["there is no such file", "nearest here: near.parquet"]),
    "no Parquet": ("in.parquet", b"dx,sex\nI10,1\n", ["this is no Parquet file", "true ending"]),
    "cut off": ("in.parquet", b"PAR1\0\0\0\0\0\0\0\0", ["cut off or damaged", "again"]),
    "empty": ("in.parquet", b"", ["empty (0 bytes)", "Export the data again"]),
    "empty text": ("in.csv", b"", ["empty (0 bytes)", "Export the data again"]),
    "blank text": ("in.csv", b"\n\n", ["no column names", "first row"]),
    "binary text": ("in.csv", b"dx,sex\n\0\1\2\n", ["no text file", "true ending"]),
    "unknown ending": ("in.sav", b"x", ["'.sav' is not known", ".parquet", ".csv"]),
    "ragged": ("in.csv", b"dx,sex,age\nI10,1,63\nI10,1,63,more\n", ["line 3 of the file", "4 cells", "has 3"]),
    "broken gzip": ("in.csv.gz", b"\x1f\x8b\x08\0 broken", ["cut off or damaged", "again"]),
}


@pytest.mark.parametrize("what", BAD_FILES)
def test_files_that_cannot_be_read(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name, content, words = BAD_FILES[what]
    (tmp_path / "near.parquet").touch()
    if content is not None:
        (tmp_path / name).write_bytes(content)
    code, out, err = run(monkeypatch, capsys, "group", tmp_path / name, "-o", tmp_path / "out.parquet")
    assert (code, out) == (2, "")
    message = one_line(err)
    assert [word for word in [str(tmp_path / name), *words] if word not in message] == []
    assert not (tmp_path / "out.parquet").exists()


def places(tmp_path: Path) -> dict[str, tuple[Path, list[str]]]:
    source = write(tmp_path / "in.parquet")
    (tmp_path / "a file").touch()
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "link.parquet").symlink_to(source)
    os.link(source, tmp_path / "hard.parquet")
    return {
        "no such folder": (tmp_path / "none" / "out.parquet", ["the folder", "does not exist", "Create it"]),
        "a file as folder": (tmp_path / "a file" / "out.parquet", ["the folder", "does not exist", "Create it"]),
        "a folder": (tmp_path / "folder.csv", ["this is a folder", "Add a file name"]),
        "the input": (source, ["the output is the input", "another"]),
        "the input, spelt anew": (tmp_path / "folder.csv" / ".." / "in.parquet", ["the output is the input"]),
        "a link to the input": (tmp_path / "link.parquet", ["the output is the input"]),
        "a hard link": (tmp_path / "hard.parquet", ["the output is the input"]),
        "unknown ending": (tmp_path / "out.xlsx", ["'.xlsx' is not known", ".parquet, .csv"]),
        "no ordinary file": (Path("/dev/null/out.parquet"), ["does not exist"]),
        "too long a name": (tmp_path / f"{'x' * 300}.parquet", ["too long"]),
    }


OUTPUTS = (
    "no such folder", "a file as folder", "a folder", "the input", "the input, spelt anew", "a link to the input",
    "a hard link", "unknown ending", "no ordinary file", "too long a name",
)  # fmt: skip


@pytest.mark.parametrize("what", OUTPUTS)
def test_outputs_that_cannot_be_written(what: str, tmp_path: Path) -> None:
    place, words = places(tmp_path)[what]
    before, listed = (tmp_path / "in.parquet").read_bytes(), sorted(tmp_path.iterdir())
    with pytest.raises(OutputFileError) as refused:
        de.group_file(tmp_path / "in.parquet", place)
    assert [word for word in [str(place), *words] if word not in str(refused.value)] == []
    assert (tmp_path / "in.parquet").read_bytes() == before
    assert sorted(tmp_path.iterdir()) == listed
    if what.endswith("input"):
        with pytest.raises(OutputFileError):
            de.group_file(place, tmp_path / "in.parquet")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_the_right_to_write(tmp_path: Path) -> None:
    source = write(tmp_path / "in.parquet")
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(OutputFileError, match="no permission"):
        de.group_file(source, tmp_path / "locked" / "out.parquet")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EROFS])
def test_a_disk_that_fails(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: object, batch: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(ParquetSink, "_write", fail)
    words = {errno.EIO: "writing failed", errno.EROFS: "no permission"}.get(number, "the disk is full")
    with pytest.raises(OutputFileError, match=rf"out\.parquet: {words}"):
        de.group_file(write(tmp_path / "in.parquet"), tmp_path / "out.parquet")
    assert [p.name for p in tmp_path.iterdir()] == ["in.parquet"]


FULL_DISK = """
import resource, runpy, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
runpy.run_module("drgengine.cli", run_name="__main__")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="file size limits are POSIX")
@pytest.mark.parametrize("ending", [".parquet", ".csv.gz"])
def test_a_file_size_limit(ending: str, tmp_path: Path) -> None:
    """The operating system itself refuses to write on: as close to a full disk as a test can come."""
    rows = 4000
    notes = [os.urandom(20).hex() for _ in range(rows)]
    columns = {"dx": [[PRINCIPAL]] * rows, "sex": [1] * rows, "age_years": [63] * rows, "note": notes}
    source, target = write(tmp_path / "in.parquet", **columns), tmp_path / f"out{ending}"
    de.group({"dx": [[PRINCIPAL]]})  # the scheme's compiled form is larger than the limit
    target.write_text("an older result")
    words = [sys.executable, "-c", FULL_DISK, "group", str(source), "-o", str(target), "-q"]
    done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{target.name}: the disk is full. Free some space" in one_line(done.stderr)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.parquet", target.name]
    assert target.read_text() == "an older result"


# ------------------------------------------------------------------------------------------------ schemes


@pytest.mark.parametrize(
    ("name", "near"), [("chs-drg-2", "chs-drg-2.0"), ("CHS_DRG_1.1", "chs-drg-1.1"), ("bejing", "beijing-2022")]
)
def test_unknown_schemes(name: str, near: str, monkeypatch: Any, capsys: Any, tmp_path: Path) -> None:
    words = ("group", write(tmp_path / "in.parquet"), "-o", tmp_path / "out.parquet", "--scheme", name)
    code, out, err = run(monkeypatch, capsys, *words)
    assert (code, out) == (2, "")
    assert re.search(rf"'{name}'.*Nearest names: .*{near}", one_line(err))


def test_a_scheme_folder_with_a_typo(monkeypatch: Any, capsys: Any, tmp_path: Path) -> None:
    packaged = Path(de.__file__).parent / "schemes" / "chs-drg-2.0"
    folder = tmp_path / "my-city"
    folder.mkdir()
    for file in packaged.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    rules = (folder / "rules.toml").read_text(encoding="utf-8")
    (folder / "rules.toml").write_text(rules.replace("when =", "wenn =", 1), encoding="utf-8")
    with pytest.raises(SchemeError) as refused:
        de.group({"dx": [[PRINCIPAL]]}, folder)
    assert all(word in str(refused.value) for word in ("rules.toml", "wenn", "when"))
    words = ("group", write(tmp_path / "in.parquet"), "-o", tmp_path / "out.parquet", "--scheme", folder)
    code, _, err = run(monkeypatch, capsys, *words)
    assert code == 2
    assert "rules.toml" in one_line(err)


# ------------------------------------------------------------------------------------------- explain, CSV, privacy

BAD_CASES: dict[str, tuple[list[str], list[str]]] = {
    "no JSON": (["{dx: I10}"], ["no JSON", 'Write {"dx"']),
    "a list": (["[1, 2]"], ["no JSON object", 'Write {"dx"']),
    "garbage": (["{" * 50], ["no JSON"]),
    "no such file": (["none.json"], ["none.json", "cannot be read"]),
    "a number as code": (['{"dx": 5}'], ["'dx'", "int64"]),
    "an age beyond all numbers": (['{"dx": ["I10"], "age_years": 1' + "0" * 30 + "}"], ["case"]),
    "no diagnosis": (['{"sex": 1}'], ["principal diagnosis"]),
    "half a character": (['{"dx": ["\\ud800"]}'], ["case"]),
    "no such case": (["--file", "in.parquet", "--case-id", "X9"], ["in.parquet", "'X9'", "1 rows"]),
    "no such row": (["--file", "in.parquet", "--row", "7"], ["in.parquet", "row 7", "1 rows"]),
    "no case ids": (["--file", "plain.parquet", "--case-id", "X9"], ["plain.parquet", "case_id", "--row"]),
}


@pytest.mark.parametrize("what", BAD_CASES)
def test_cases_that_cannot_be_explained(what: str, monkeypatch: Any, capsys: Any, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "in.parquet", case_id=["A1"])
    write(tmp_path / "plain.parquet")
    words, wanted = BAD_CASES[what]
    code, out, err = run(monkeypatch, capsys, "explain", *words)
    assert (code, out) == (2, "")
    assert [word for word in wanted if word not in one_line(err)] == []


def test_no_formula_reaches_a_spreadsheet(tmp_path: Path) -> None:
    evil = "=HYPERLINK(1)"
    columns = {"dx": [[evil, "@x"]], "note": [evil], "=name": ["\t=1"], "minus": ["-1+1"], "fine": ["-5.2"], "n": [-5]}
    source = write(tmp_path / "in.parquet", **columns)
    de.group_file(source, tmp_path / "out.csv", issues=tmp_path / "issues.csv")
    for name in ("out.csv", "issues.csv"):
        text = (tmp_path / name).read_text(encoding="utf-8-sig")
        assert not re.findall(r'(?m)(?:^|,)"?[=@\t]', text)
    assert """"'=HYPERLINK(1)","'\t=1","'-1+1","-5.2",-5,""" in (tmp_path / "out.csv").read_text(encoding="utf-8-sig")


def test_names_and_ids_are_in_no_report(monkeypatch: Any, capsys: Any, tmp_path: Path) -> None:
    name, number, phone = PERSON
    columns: dict[str, Any] = {"姓名": [name], "身份证号": [number], "联系电话": [phone], "sex": ["x"], "dx": [["I10"]]}
    source = write(tmp_path / "in.parquet", **columns)
    out, issues = tmp_path / "out.csv", tmp_path / "issues.csv"
    code, stdout, stderr = run(monkeypatch, capsys, "group", source, "-o", out, "--issues", issues, "--json")
    assert code == 1
    assert json.loads(stdout)["dropped_columns"] == ["姓名", "身份证号", "联系电话"]
    shown = stdout + stderr + out.read_text("utf-8-sig") + issues.read_text("utf-8-sig")
    code, stdout, stderr = run(monkeypatch, capsys, "explain", "--file", source, "--row", 1, "--json")
    assert code == 1
    assert not [word for word in PERSON if word in shown + stdout + stderr]


@pytest.mark.parametrize("ending", ["", ",more"])
def test_a_file_without_headers_does_not_leak_its_first_row(ending: str, tmp_path: Path) -> None:
    """A forgotten header makes the first patient the column names, which the message would list."""
    row = ",".join([*PERSON, PRINCIPAL, "1", "63"])
    (tmp_path / "in.csv").write_text(f"{row}\n{row}{ending}\n", encoding="utf-8")
    with pytest.raises(DrgEngineError) as refused:
        de.group_file(tmp_path / "in.csv", tmp_path / "out.csv")
    assert not [word for word in PERSON[1:] if word in str(refused.value)]


def test_a_header_with_a_line_break_makes_one_line(monkeypatch: Any, capsys: Any, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text('"main\ndiagnosis of this stay",sex\nI10,1\n')
    code, _, err = run(monkeypatch, capsys, "group", tmp_path / "in.csv", "-o", tmp_path / "out.csv")
    assert code == 2
    one_line(err)
