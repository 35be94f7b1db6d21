"""What-if of one record, audit clues of hand-written cases, files and the command."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from test_golden import as_cases, golden
from test_kernel_twin import as_table, without_zero_weights
from test_whatif_twin import check_arrangements, check_clues

from drgengine.errors import CaseTableError, DrgEngineError, OutputFileError
from drgengine.grouper.schemefile import load_scheme
from drgengine.whatif import alternatives, alternatives_file, alternatives_table, audit_clues, audit_file
from drgengine.whatif.cluebook import write_clue_book
from drgengine.whatif.definitions import clue_ids, definitions, words

Run = Callable[..., tuple[Any, str, str]]
PERSON: dict[str, Any] = {"sex": 1, "age_years": 63}
CASE = {"dx": ["I10.x00x002", "I63.900", "I10.x00x002"], "proc": ["36.0700x004", "38.9301"], **PERSON}
CASES: dict[str, Any] = {
    "case_id": ["a", "=b", "c", "d"],
    "patient_name": ["Li", "Wang", "Zhao", "Sun"],
    "department_id": ["ICU", "", "=1+1", "ICU"],
    "ward": ["1", "2", "1", "2"],
    "dx": [["I10.x00x002", "J96.000"], ["I10.x00x002"], ["I63.900"], ["I63.900", " o80.000 "]],
    "proc": [[], [], ["36.0700x004"], ["38.9301"]],
    "sex": [1, 1, 1, None],
    "age_years": [63, 63, 63, 63],
}
MONEY = ("weight", "price", "cost", "fee", "amount", "权重", "金额", "元")


# --- one record -------------------------------------------------------------------------------------------------


def test_the_order_is_that_of_the_record_and_a_repeated_code_stands_once() -> None:
    found = alternatives(CASE)
    places = [(item.principal_place, item.procedure_place) for item in found.items]
    assert places == [(1, 1), (1, 2), (2, 1), (2, 2)]
    assert [item.as_recorded for item in found.items] == [True, False, False, False]
    assert found.items[0].changed == ()
    assert found.items[0].drg == found.recorded.drg


def test_every_arrangement_is_the_answer_to_that_record() -> None:
    from drgengine import explain

    found = alternatives(CASE)
    swapped = {**CASE, "dx": ["I63.900", "I10.x00x002", "I10.x00x002"], "proc": ["38.9301", "36.0700x004"]}
    assert found.items[3].drg == explain(swapped).decision.drg


def test_no_procedure_and_principals_that_may_not_stand_first() -> None:
    found = alternatives({"dx": ["I63.900", "Z99.999x999", "B95.000"], **PERSON})
    assert [item.procedure_place for item in found.items] == [None] * 3
    assert [item.remark for item in found.items][:2] == [None, "principal_diagnosis_unknown"]
    scheme = found.scheme
    barred = next(code for code in scheme.diagnoses.codes if code in scheme.lists["not_principal"])
    item = alternatives({"dx": ["I63.900", barred], **PERSON}, language="zh")
    assert item.items[1].remark == "principal_diagnosis_not_allowed"
    assert words("zh")["principal_diagnosis_not_allowed"] in str(item)


def test_an_invalid_record_has_no_arrangement() -> None:
    found = alternatives({"dx": ["", "I63.900"], **PERSON})
    assert (found.items, found.recorded.status) == ((), "invalid")
    assert "no principal diagnosis" in str(found)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_no_money_is_shown(language: str) -> None:
    found = alternatives(CASE, language=language)
    text = (str(found) + found.to_json()).lower()
    assert [word for word in MONEY if word in text.replace("单元", "")] == []
    assert json.loads(found.to_json())["alternatives"][0]["as_recorded"] is True


def test_a_language_without_words() -> None:
    with pytest.raises(DrgEngineError, match="language 'fr'"):
        alternatives(CASE, language="fr")


# --- definitions ------------------------------------------------------------------------------------------------


def test_both_languages_say_everything() -> None:
    data = definitions()
    assert data["words"]["zh"].keys() == data["words"]["en"].keys()
    for entry in data["clue"].values():
        assert {"zh", "en", "zh_means", "en_means", "zh_ask", "en_ask", "source"} <= entry.keys()
    for entry in data["doubt"].values():
        assert {"zh", "en", "of", "source"} <= entry.keys()


# --- clues of hand-written cases --------------------------------------------------------------------------------


def flags(dx: list[str], proc: list[str] | None = None, **facts: Any) -> dict[str, Any]:
    record = {**PERSON, **facts}
    table = {"dx": [dx], "proc": pa.array([proc or []], pa.list_(pa.string())), **{n: [v] for n, v in record.items()}}
    return dict(audit_clues(table).table.to_pylist()[0])


def held(row: dict[str, Any]) -> set[str]:
    return {name for name in clue_ids() if row[name]}


def test_a_severity_that_rests_on_one_code() -> None:
    row = flags(["I10.x00x002", "J96.000"])
    assert held(row) == {"rests_on_one_code", "severity_rests_on_one_code"}
    assert row["codes"] == [
        {"clue": "rests_on_one_code", "kind": "dx", "place": 2, "code": "J96.000", "status": "grouped",
         "drg": "FV25", "doubt": ""}
    ]  # fmt: skip


def test_two_codes_that_hold_the_group_together_are_no_clue() -> None:
    assert not held(flags(["I10.x00x002", "J96.000", "A41.900"])) & {"rests_on_one_code"}


def test_a_code_recorded_twice_is_left_out_at_both_places() -> None:
    row = flags(["I10.x00x002", "J96.000", "J96.000"])
    assert [(code["place"], code["drg"]) for code in row["codes"]] == [(2, "FV25")]


def test_a_doubtful_code_names_its_reasons() -> None:
    [code] = flags(["I10.x00x002", " a02.901 "])["codes"][:1]
    assert code["code"] == "A02.901"
    assert code["doubt"] == "unspecified_code mended_at_reading"


def test_severity_that_did_not_count() -> None:
    row = flags(["I10.x00x002", "I12.000x001", "A00.900x004", "I63.900"])
    assert held(row) & {"missed_severity", "severity_rests_on_one_code"} == {"missed_severity"}
    named = [(code["clue"], code["code"]) for code in row["codes"] if code["clue"].startswith("severity")]
    assert ("severity_cancelled", "I12.000x001") in named
    assert ("severity_inexact_code", "A00.900x004") in named
    assert ("severity_by_other_principal", "I63.900") in named


def test_an_operation_of_another_mdc() -> None:
    row = flags(["I63.900"], ["36.0700x004"])
    assert row["status"] == "ambiguous"
    assert row["operation_outside_mdc"]
    assert [code["code"] for code in row["codes"] if code["clue"] == "operation_outside_mdc"] == ["36.0700x004"]


def test_rows_stay_and_invalid_ones_have_no_clue() -> None:
    found = audit_clues(CASES)
    assert found.table["row"].to_pylist() == [1, 2, 3, 4]
    assert found.table["status"].to_pylist() == ["grouped", "grouped", "ambiguous", "invalid"]
    assert found.table["codes"].to_pylist()[3] == []
    assert (found.counts.cases, found.counts.invalid) == (4, 1)
    assert {name: row[:2] for name, row in found.counts.departments.items()} == {
        "": (1, 1),
        "=1+1": (1, 1),
        "ICU": (2, 1),
    }
    assert "patient_name" not in found.table.schema.names


def test_counting_by_another_column() -> None:
    assert list(audit_clues(CASES, department="ward").counts.departments) == ["1", "2"]
    with pytest.raises(CaseTableError, match="personal data"):
        audit_clues(CASES, department="patient_name")
    with pytest.raises(CaseTableError, match="no column 'wrad'"):
        audit_clues(CASES, department="wrad")


def test_no_rows() -> None:
    empty = pa.table(CASES).slice(0, 0)
    assert audit_clues(empty).table.num_rows == alternatives_table(empty).num_rows == 0


# --- files and the command --------------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "cases.parquet"
    pq.write_table(pa.table(CASES), path)
    return path


def test_files_hold_what_the_tables_hold(file: Path, tmp_path: Path) -> None:
    counts = audit_file(file, tmp_path / "clues.parquet")
    assert pq.read_table(tmp_path / "clues.parquet").to_pylist() == audit_clues(CASES).table.to_pylist()
    assert dict(counts.clues) == dict(audit_clues(CASES).counts.clues)
    written = alternatives_file(file, tmp_path / "all.parquet")
    found = pq.read_table(tmp_path / "all.parquet")
    assert found.to_pylist() == alternatives_table(CASES).to_pylist()
    assert (written.cases, written.invalid, written.alternatives) == (4, 1, found.num_rows)


def test_outputs_that_cannot_be(file: Path, tmp_path: Path) -> None:
    with pytest.raises(OutputFileError, match="written as Parquet"):
        audit_file(file, tmp_path / "clues.csv")
    with pytest.raises(OutputFileError, match="the input file"):
        alternatives_file(file, file)
    with pytest.raises(OutputFileError, match=r"is not \.xlsx"):
        write_clue_book(audit_clues(CASES).counts, tmp_path / "report.html")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_workbook(tmp_path: Path, language: str) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    write_clue_book(audit_clues(CASES).counts, tmp_path / "report.xlsx", language)
    book = openpyxl.load_workbook(tmp_path / "report.xlsx")
    assert len(book.sheetnames) == 4
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert all(cell.data_type != "f" for cell in cells)
    assert "=1+1" in {cell.value for cell in cells}
    assert book.worksheets[0].cell(5, 2).value == 4


def test_the_command_for_one_case(run: Run, file: Path) -> None:
    code, out, _ = run("whatif", "--dx", "I10.x00x002,I63.900", "--sex", "1", "--age", "63", "--json", "--lang", "en")
    assert code == 0
    assert [item["drg"] for item in json.loads(out)["alternatives"]] == ["FV25", "BR25"]
    assert run("whatif", "--file", file, "--row", "4", "--lang", "en")[0] == 1
    assert "as recorded" in run("whatif", "--file", file, "--row", "1", "--lang", "en")[1]


def test_the_command_for_a_file(run: Run, file: Path, tmp_path: Path) -> None:
    outputs = [tmp_path / name for name in ("clues.parquet", "all.parquet", "report.xlsx")]
    words_of = ("whatif", file, "-o", outputs[0], "--alternatives", outputs[1], "--xlsx", outputs[2], "--lang", "en")
    code, out, err = run(*words_of, "--json")
    assert code == 1
    assert all(output.exists() for output in outputs)
    assert json.loads(out)["clues"]["rests_on_one_code"] == 1
    assert "rests on one code" in err


@pytest.mark.parametrize(
    "given",
    [
        (),
        ("--dx", "I10.x00x002", "-o", "out.parquet"),
        ("cases.parquet", "--dx", "I10.x00x002"),
        ("cases.parquet", "--row", "1"),
        ("no-such-file.parquet", "-q"),
        ("cases.parquet", "--xlsx", "report.csv"),
    ],
)
def test_what_the_command_refuses(run: Run, given: tuple[str, ...]) -> None:
    assert run("whatif", *given)[0] == 2


# --- golden cases: not among the twins of the kernel, which are run a second time without compilation ---------------

_PACKAGED = {"chs_drg_20": "chs-drg-2.0", "chs_drg_11": "chs-drg-1.1", "beijing_2022": "beijing-2022"}
_STEP, _MOST = 40, 60


@pytest.mark.parametrize("name", list(_PACKAGED))
def test_golden_cases(shared: Path, name: str) -> None:
    scheme = load_scheme(_PACKAGED[name])
    cases = [without_zero_weights(case) for case in as_cases(golden(shared, name))[::_STEP][:_MOST]]
    assert "rests_on_one_code" in check_clues(scheme, cases, as_table(cases))
    check_arrangements(scheme, cases, as_table(cases))
