"""`convert`: streaming, whole or not at all, every row accounted for; `group` on an export as it is."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter
from test_frontpage_reader import DIRTY, HQMS, ID_NUMBER, N041, PHONE, export

from drgengine import group_file, read_front_page
from drgengine.errors import DrgEngineError, InputFileError, OutputFileError
from drgengine.formats import convert_file
from drgengine.formats.frontpage import FRONT_PAGE_SCHEMA, convertfile
from drgengine.synth.export import export as synthetic_export

Run = Callable[..., tuple[Any, str, str]]


def there(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_every_row_is_written_or_set_aside(tmp_path: Path) -> None:
    path, out = export(tmp_path / "export.csv", DIRTY), tmp_path / "cases.parquet"
    summary = convert_file(path, out, code_edition="insurance", issues=tmp_path / "issues.csv")
    assert (summary.rows_read, summary.rows_written, summary.rows_superseded) == (5, 3, 2)
    assert summary.reconciliation("zh") == "读取 5 行 = 写出 3 行 + 另存重复上传 2 行"
    written, aside = pq.read_table(out), pq.read_table(tmp_path / "cases.superseded.parquet")
    assert written.schema.names == aside.schema.names == FRONT_PAGE_SCHEMA.names
    whole = read_front_page(path, code_edition="insurance")
    assert written.to_pylist() == whole.table.take([1, 2, 3]).to_pylist()
    assert aside.to_pylist() == whole.table.take([0, 4]).to_pylist()
    with (tmp_path / "issues.csv").open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.DictReader(file))
    assert [(int(line["row"]), line["rule"]) for line in lines] == [
        (line["row"], line["rule"]) for line in whole.issues.to_pylist()
    ]
    assert [(line["row"], line["hint"]) for line in lines[-2:]] == [("1", "row 4"), ("5", "row 4")]
    assert there(tmp_path) == ["cases.parquet", "cases.superseded.parquet", "export.csv", "issues.csv"]


def test_the_files_do_not_depend_on_the_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convertfile, "_ROWS_WRITTEN", 2)
    path = export(tmp_path / "export.csv", DIRTY)
    found = set()
    for number, batch_rows in enumerate((1, 3, 100)):
        out = tmp_path / f"cases{number}.parquet"
        convert_file(path, out, code_edition="insurance", batch_rows=batch_rows)
        found.add((digest(out), digest(convertfile.superseded_path(out))))
    assert len(found) == 1


def test_keep_writes_all_and_an_old_file_of_superseded_rows_goes(tmp_path: Path) -> None:
    path, out = export(tmp_path / "export.csv", DIRTY), tmp_path / "cases.csv"
    aside = tmp_path / "cases.superseded.parquet"
    summary = convert_file(path, out, code_edition="insurance", duplicates="keep")
    assert (summary.rows_written, summary.rows_superseded, summary.rules["record_superseded"]) == (5, 0, 2)
    assert not aside.exists()
    convert_file(path, out, code_edition="insurance")
    assert aside.exists()
    convert_file(export(path, [HQMS]), out, code_edition="insurance")
    assert not aside.exists()
    assert out.read_text(encoding="utf-8-sig").count("\n") == 2


def test_a_run_that_fails_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, out = export(tmp_path / "export.csv", DIRTY), tmp_path / "cases.parquet"
    out.write_text("older", encoding="utf-8")
    before = there(tmp_path)

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        convert_file(path, out, code_edition="insurance", issues=tmp_path / "issues.csv", on_batch=stop)
    monkeypatch.setattr(convertfile, "_split", stop)
    with pytest.raises(KeyboardInterrupt):
        convert_file(path, out, code_edition="insurance", issues=tmp_path / "issues.csv")
    export(path, [{**row, "C04N": "锟斤拷"} for row in DIRTY], encoding="utf-8")
    with pytest.raises(InputFileError, match="garbled"):
        convert_file(path, out, code_edition="insurance")
    assert (there(tmp_path), out.read_text(encoding="utf-8")) == (before, "older")


def test_each_batch_is_handed_out_with_its_issues(tmp_path: Path) -> None:
    path = export(tmp_path / "export.csv", DIRTY)
    seen: list[tuple[int, int, set[int]]] = []

    def look(batch: pa.RecordBatch, issues: list[Any], first_row: int) -> None:
        seen.append((first_row, batch.num_rows, {row for issue in issues for row in issue.rows.tolist()}))

    convert_file(path, tmp_path / "cases.parquet", code_edition="insurance", batch_rows=2, on_batch=look)
    assert [(first, rows) for first, rows, _ in seen] == [(1, 2), (3, 2), (5, 1)]
    assert [rows <= set(range(first, first + count)) for first, count, rows in seen] == [True] * 3


@pytest.mark.parametrize(
    ("out", "issues", "words"),
    [
        ("export.csv", None, ["the output is the input"]),
        ("cases.xls", None, ["ending", ".parquet"]),
        ("no/cases.parquet", None, ["folder"]),
        ("cases.parquet", "cases.parquet", ["same file"]),
        ("cases.parquet", "cases.superseded.parquet", ["same file"]),
    ],
)
def test_places_that_cannot_be_written(out: str, issues: str | None, words: list[str], tmp_path: Path) -> None:
    path = export(tmp_path / "export.csv", [HQMS])
    content = path.read_bytes()
    with pytest.raises(OutputFileError) as caught:
        convert_file(path, tmp_path / out, code_edition="insurance", issues=issues and tmp_path / issues)
    assert [word for word in words if word not in str(caught.value)] == []
    assert (there(tmp_path), path.read_bytes()) == (["export.csv"], content)


def test_the_command_prints_what_it_did(tmp_path: Path, run: Run) -> None:
    path, out = export(tmp_path / "export.csv", DIRTY), tmp_path / "cases.parquet"
    (tmp_path / "salt.txt").write_text("0123456789abcdef\n", encoding="utf-8")
    words = ["convert", path, "-o", out, "--code-edition", "insurance", "--lang", "en", "--json"]
    code, printed, told = run(*words, "--salt-file", tmp_path / "salt.txt")
    assert code == 1  # discharge before admission is an error
    for word in ("5 rows read = 3 written + 2", "hqms", "principal_missing", "discharge_before_admission", "A11"):
        assert word in told
    summary = json.loads(printed)
    assert summary["rows_read"] == summary["rows_written"] + summary["rows_superseded"] == 5
    assert {"column": "A12C", "rule": "domain_word", "count": 1} in summary["rules"]
    assert pq.read_table(out)["patient_id"].null_count == 0
    code, printed, told = run("convert", export(path, [N041]), "-o", out, "--code-edition", "clinical", "--lang", "zh")
    assert (code, printed) == (0, "")
    assert "读取 1 行 = 写出 1 行" in told
    assert run("convert", path, "-o", out)[0] == 2
    code, _, told = run("convert", path, "-o", out, "--code-edition", "clinical", "--profile", "hqms")
    assert (code, told.count("\n")) == (2, 1)
    assert "principal diagnosis by profile hqms" in told


def test_an_export_is_grouped_as_its_conversion(tmp_path: Path, run: Run) -> None:
    path, cases = export(tmp_path / "export.csv", DIRTY), tmp_path / "cases.parquet"
    convert_file(path, cases, code_edition="insurance", duplicates="keep")
    group_file(cases, tmp_path / "two.parquet")
    words = ["group", path, "-o", tmp_path / "one.parquet", "--profile", "auto", "--code-edition", "insurance"]
    code, _, told = run(*words, "--issues", tmp_path / "issues.csv", "--lang", "en")
    assert code == 1  # a record without principal diagnosis
    assert "record_superseded" in told
    assert pq.read_table(tmp_path / "one.parquet").equals(pq.read_table(tmp_path / "two.parquet"))
    lines = (tmp_path / "issues.csv").read_text(encoding="utf-8-sig").splitlines()[1:]
    pages = read_front_page(path, code_edition="insurance")
    assert len([line for line in lines if "code_unknown" not in line]) == pages.issues.num_rows
    assert "张三" not in "".join(lines)


def test_group_tells_options_that_miss_their_partner(tmp_path: Path, run: Run) -> None:
    path = export(tmp_path / "export.csv", [HQMS])
    words = ["group", path, "-o", tmp_path / "grouped.parquet"]
    assert "--code-edition clinical" in run(*words, "--profile", "auto")[2]
    assert "Add --profile auto" in run(*words, "--code-edition", "clinical")[2]
    with pytest.raises(DrgEngineError, match="own profile file"):
        group_file(path, tmp_path / "g.parquet", columns={"A12C": "sex"}, front_page={"code_edition": "clinical"})
    assert "--keep-personal" in run(*words, "--profile", "auto", "--code-edition", "clinical", "--keep-personal")[2]
    assert there(tmp_path) == ["export.csv"]


def test_a_folder_of_settlement_tables_is_converted(tmp_path: Path, run: Run) -> None:
    truth = synthetic_export(12, tmp_path / "tables", dialect="settlement", seed=4)
    out = tmp_path / "cases.parquet"
    words = ["convert", tmp_path / "tables", "-o", out, "--code-edition", "insurance", "--lang", "en"]
    code, _, told = run(*words)
    assert (code, "12 rows read = 12 written + 0" in told) == (0, True)
    written = pq.read_table(out)
    assert written.schema.names == FRONT_PAGE_SCHEMA.names
    for name in ("sex", "age_years", "total_charge", "los_days"):
        assert written[name].to_pylist() == truth.cases[name].to_pylist()
    # The tables do not say the order of the other diagnoses.
    codes = [(dx[0], sorted(dx)) for dx in written["dx"].to_pylist()]
    assert codes == [(dx[0], sorted(dx)) for dx in truth.cases["dx"].to_pylist()]
    code, _, told = run(*words, "--keep", "ward")
    assert (code, "--keep" in told, told.count("\n")) == (2, True, 1)


def test_numbers_of_a_person_in_a_wrong_column_are_not_quoted(tmp_path: Path, run: Run) -> None:
    rows = [{**HQMS, "A12C": ID_NUMBER, "B34C": f"电话{PHONE}", "D01": "110105491231002", "B12": "139 1234 5678"}]
    path, issues = export(tmp_path / "export.csv", rows), tmp_path / "issues.csv"
    words = ["convert", path, "-o", tmp_path / "cases.parquet", "--code-edition", "insurance", "--lang", "en"]
    told = "".join(run(*words, "--json", "--issues", issues)[1:]) + issues.read_text(encoding="utf-8-sig")
    pages = read_front_page(path, code_edition="insurance")
    told += str(pages.issues.to_pylist()) + str(pages.summary.issues.examples)
    assert [number for number in (ID_NUMBER, PHONE, "110105491231002", "1234 5678") if number in told] == []
    quoted = {line["column"]: line["raw"] for line in pages.issues.to_pylist()}
    assert [quoted[column] for column in ("A12C", "B34C", "B12")] == ["…", "电话…", "…"]


def test_an_open_stay_in_intensive_care_is_told(tmp_path: Path) -> None:
    came, left = "2019-01-03 08:00:00", "2019-01-03 20:30:00"
    rows = [
        {**HQMS, "C49x01": came, "C50x01": ""},
        {**HQMS, "A48": "2", "C49x01": "-", "C50x01": left},
        {**HQMS, "A48": "3", "C49x01": came, "C50x01": left},
        {**HQMS, "A48": "4"},
    ]
    path = export(tmp_path / "export.csv", rows)
    for batch_rows in (1, 10):
        pages = read_front_page(path, code_edition="insurance", batch_rows=batch_rows)
        assert pages.table["icu_hours"].to_pylist() == [None, None, 12.5, None]
        found = [line for line in pages.issues.to_pylist() if line["rule"] == "icu_time_open"]
        assert [(line["row"], line["column"]) for line in found] == [(1, "C49x01"), (2, "C50x01")]


def test_errors_of_a_workbook_are_told(tmp_path: Path) -> None:
    path = tmp_path / "export.xlsx"
    with xlsxwriter.Workbook(path) as book:
        book.add_worksheet("说明").hide()
        sheet = book.add_worksheet("首页 & 病案")
        sheet.write_row(2, 1, list(HQMS))
        sheet.write_row(3, 1, list(HQMS.values()))
        for header, error in (("D01", "#N/A"), ("A12C", "#REF!"), ("B15", "#DIV/0!")):
            sheet.write_formula(3, 1 + list(HQMS).index(header), "=A1", None, error)
        sheet.write_formula(3, 1 + list(HQMS).index("B13C"), "=A1", None, "03.02")
        sheet.write_formula(3, 1 + list(HQMS).index("B16C"), "=A1", None, "")
    pages = read_front_page(path, code_edition="insurance")
    found = {line["column"]: line["raw"] for line in pages.issues.to_pylist() if line["rule"] == "spreadsheet_error"}
    assert found == {"D01": "#N/A", "A12C": "#REF!", "B15": "#DIV/0!", "B16C": "#N/A"}
    assert pages.table["admission_department_id"].to_pylist() == ["03.02"]
