"""The workbook foots and opens elsewhere, the manifest repeats, and results appear whole or not at all."""

from __future__ import annotations

import datetime
import hashlib
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pytest
import python_calamine
from hypothesis import given
from hypothesis import strategies as st

from drgengine.costing.model import Finding, Settings
from drgengine.costing.reports import workbook
from drgengine.costing.reports.departmentreports import department_direct, department_direct_full
from drgengine.costing.reports.notes import exceptions_table, report_notes
from drgengine.costing.reports.reportparquet import write_report
from drgengine.costing.reports.reporttables import ReportTable, report_table
from drgengine.costing.reports.reportwords import cost_items, table_form, table_names
from drgengine.costing.reports.sheetshape import column_widths, display_width, sheet_names
from drgengine.costing.reports.workbook import HEADER_ROW, Caption, write_workbook
from drgengine.costing.results import manifest as manifests
from drgengine.costing.results import outfolder
from drgengine.costing.results.manifest import Hashing, manifest, output_files, read_manifest, run_id, write_manifest
from drgengine.costing.results.outfolder import check_folder, result_folder
from drgengine.errors import InputFileError, OutputFileError

START, END = datetime.date(2024, 1, 1), datetime.date(2024, 12, 31)
CAPTION = Caption("示范医院", START, END)
SETTINGS = Settings("demo", "示范医院", START, END, {"ledger": "ledger.csv"})
INJECTIONS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("http://x","y")', "http://example.org", "007"]


def department_tables() -> list[ReportTable]:
    rng = np.random.default_rng(20240501)
    categories = ["administration", "auxiliary", "technology", "clinical"]
    departments = pd.DataFrame(
        {
            "dept_code": [f"D{n:02d}" for n in range(12)],
            "dept_name": [f"第{n}科室及其附属单元" for n in range(12)],
            "category": [categories[n % 4] for n in range(12)],
        }
    )
    direct = pd.DataFrame(
        {
            "dept_code": rng.choice(departments["dept_code"], 200),
            "element": rng.choice(["materials:charged", *cost_items()], 200),
            "fund_source": rng.choice(["basic", "fiscal_project", "research_teaching"], 200, p=[0.8, 0.1, 0.1]),
            "entry_mode": rng.choice(["direct", "computed"], 200),
            "fen": rng.integers(-10_000, 10_000_000, 200),
        }
    )
    return [department_direct(direct, departments), department_direct_full(direct, departments)]


def units(texts: list[str], income: list[float] | None = None) -> ReportTable:
    values = income or [10.0] * len(texts)
    units = pd.Series(texts, dtype=object)
    return report_table("service_unit_ratio", pd.DataFrame({"service_unit": units, "income": values, "cost": 1.0}))


def computed(book: Any, sheet: str, cell: str) -> float:
    """What a spreadsheet would show: plain values, SUM over ranges and cells, and the quotient of totals."""
    value = book[sheet][cell].value
    if not isinstance(value, str) or not value.startswith("="):
        return float(value or 0.0)
    quotient = re.fullmatch(r'=IF\(N\((\w+)\)=0,"",(\w+)/\1\)', value)
    if quotient:
        return computed(book, sheet, quotient[2]) / computed(book, sheet, quotient[1])
    inner = re.fullmatch(r"=SUM\((.*)\)", value)
    assert inner, value
    total = 0.0
    for part in inner[1].split(","):
        block = book[sheet][part]
        rows = block if isinstance(block, tuple) else ((block,),)
        total += sum(computed(book, sheet, one.coordinate) for row in rows for one in row)
    return total


# Footing


def test_cached_values_are_what_the_formulas_give(tmp_path: Path) -> None:
    path = tmp_path / "costs.xlsx"
    write_workbook(path, [*department_tables(), units(["a", "b"], [10.1, 20.2])], CAPTION)
    formulas, values = openpyxl.load_workbook(path), openpyxl.load_workbook(path, data_only=True)
    seen = 0
    for sheet in formulas.sheetnames[1:]:
        for row in formulas[sheet].iter_rows(min_row=HEADER_ROW + 2):
            for cell in row:
                if isinstance(cell.value, str) and cell.value.startswith("="):
                    seen += 1
                    cached = values[sheet][cell.coordinate].value
                    assert cached == pytest.approx(computed(formulas, sheet, cell.coordinate), abs=1e-6), cell
    assert seen > 100


def test_every_total_foots_down_and_across(tmp_path: Path) -> None:
    path = tmp_path / "costs.xlsx"
    table = department_tables()[0]
    write_workbook(path, [table], CAPTION)
    rows = python_calamine.CalamineWorkbook.from_path(str(path)).get_sheet_by_index(1).to_python()
    header = rows[HEADER_ROW]
    assert header[:4] == ["科室类别", "科室编码", "科室名称", "人员经费"]
    items = slice(3, 3 + len(cost_items()))
    total_at = header.index("合计")
    body = rows[HEADER_ROW + 1 :]
    for row in body:
        assert round(sum(row[items]) * 100) == round(row[total_at] * 100)
    details = [row for row in body if row[1]]
    for place in range(3, len(header)):
        assert round(sum(row[place] for row in details) * 100) == round(body[-1][place] * 100)
    assert [row[2] for row in body if not row[1]] == [
        *("临床服务类小计", "医疗技术类小计", "医疗辅助类小计"),
        *("医疗业务成本合计", "行政后勤类小计", "合计"),
    ]


def test_a_long_table_is_shortened_and_still_foots(tmp_path: Path) -> None:
    path = tmp_path / "costs.xlsx"
    write_workbook(path, [units([f"u{n}" for n in range(25)])], CAPTION, sheet_rows=10)
    formulas, values = openpyxl.load_workbook(path).worksheets[1], openpyxl.load_workbook(path, data_only=True)
    rest, total = HEADER_ROW + 12, HEADER_ROW + 13
    assert formulas.cell(rest, 1).value == "其余 15 行合计（全表见 service_unit_ratio.parquet）"
    assert formulas.cell(rest, 2).value == 150
    assert formulas.cell(total, 2).value == "=SUM(B5:B15)"
    assert values.worksheets[1].cell(total, 2).value == 250


def test_a_long_table_with_groups_is_shortened_too(tmp_path: Path) -> None:
    path = tmp_path / "costs.xlsx"
    table = department_tables()[0]
    write_workbook(path, [table], CAPTION, sheet_rows=5)
    rows = python_calamine.CalamineWorkbook.from_path(str(path)).get_sheet_by_index(1).to_python()[HEADER_ROW + 1 :]
    assert len(rows) == 7
    for place in range(3, len(table.columns)):
        assert round(sum(row[place] for row in rows[:-1]), 2) == rows[-1][place]


def test_a_quotient_without_denominator_is_blank(tmp_path: Path) -> None:
    path = tmp_path / "costs.xlsx"
    write_workbook(path, [units(["a"], [0.0])], CAPTION)
    sheet = openpyxl.load_workbook(path).worksheets[1]
    assert [sheet.cell(row, 4).value for row in (HEADER_ROW + 2, HEADER_ROW + 3)] == [None, None]


# Text


def test_text_is_never_a_formula_a_link_or_a_number(tmp_path: Path) -> None:
    path = tmp_path / "costs.xlsx"
    findings = [Finding("warning", "=rule", text, text, text, 1.0) for text in INJECTIONS]
    write_workbook(path, [exceptions_table(findings), units(INJECTIONS)], Caption("=1+1", START, END))
    book = openpyxl.load_workbook(path)
    for number, text in enumerate(INJECTIONS, HEADER_ROW + 2):
        for cell in (book.worksheets[1].cell(number, 3), book.worksheets[2].cell(number, 1)):
            assert cell.data_type == "s"
            assert cell.value.replace("_x000D_", "\r") == text
            assert cell.hyperlink is None
    assert all(cell.data_type != "f" for row in book.worksheets[1].iter_rows() for cell in row)
    with zipfile.ZipFile(path) as archive:
        assert "externalLink" not in " ".join(archive.namelist())


def test_strange_text_does_not_break_the_file(tmp_path: Path) -> None:
    path = tmp_path / "costs.xlsx"
    write_workbook(path, [units(["\ud800", "\x00\x01", "a" * 40_000, "_x0041_", "龘\U0001f3e5"])], CAPTION)
    sheet = python_calamine.CalamineWorkbook.from_path(str(path)).get_sheet_by_index(1).to_python()
    assert sheet[HEADER_ROW + 1][0] == "�"
    assert len(sheet[HEADER_ROW + 3][0]) == 32_767
    assert sheet[HEADER_ROW + 5][0] == "龘\U0001f3e5"


@given(st.lists(st.text(max_size=50), max_size=12))
def test_sheet_names_are_allowed_and_unique(titles: list[str]) -> None:
    names = sheet_names(titles)
    assert len({name.casefold() for name in names}) == len(titles)
    for name in names:
        assert 1 <= len(name) <= 31
        assert not set(name) & set("[]:*?/\\")
        assert not name.startswith("'")
        assert not name.endswith("'")
        assert name.casefold() != "history"


def test_all_tables_have_names_of_sheets_that_need_no_cutting() -> None:
    for language in ("zh", "en"):
        titles = [table_form(name).sheet[language] for name in table_names()]
        assert sheet_names(titles) == titles


# Shape


def test_sheets_say_what_where_when_and_in_which_unit(tmp_path: Path) -> None:
    path = tmp_path / "costs.xlsx"
    write_workbook(path, department_tables(), CAPTION)
    book = openpyxl.load_workbook(path)
    sheet = book.worksheets[1]
    assert sheet.title == "科室直接成本（医疗成本）"
    assert sheet["A1"].value == "医院科室直接成本表（医疗成本）"
    line = "编制单位：示范医院    期间：2024-01-01 至 2024-12-31    单位：元    口径：医疗成本"
    assert sheet["A2"].value == line
    assert sheet["B3"].value.startswith("来源：公立医院成本核算规范")
    assert sheet.freeze_panes == "D5"
    assert sheet.print_title_rows == "$4:$4"
    assert (sheet.page_setup.orientation, sheet.page_setup.paperSize) == ("landscape", 9)
    assert sheet.sheet_properties.pageSetUpPr.fitToPage
    assert sheet.page_setup.fitToHeight == 0, "as many pages as it takes, one page wide"
    assert sheet["D5"].number_format == "#,##0.00"
    index = book.worksheets[0]
    assert index.title == "目录"
    assert [index.cell(HEADER_ROW + 2, place).value for place in (1, 2, 3)] == [sheet.title, sheet["A1"].value, 12]
    assert index.cell(HEADER_ROW + 2, 1).hyperlink.location == f"'{sheet.title}'!A1"
    assert sheet["A3"].hyperlink.location == "'目录'!A1"


def test_english_sheets_keep_the_chinese_title(tmp_path: Path) -> None:
    path = tmp_path / "costs.xlsx"
    write_workbook(path, department_tables(), Caption("Demo", START, END, "en"))
    sheet = openpyxl.load_workbook(path).worksheets[1]
    assert sheet["A1"].value == "Department direct cost (medical cost)  医院科室直接成本表（医疗成本）"
    header = [cell.value for cell in sheet[HEADER_ROW + 1]]
    assert header[:4] == ["Category", "Department code", "Department", "Personnel"]
    assert sheet.cell(HEADER_ROW + 2, 1).value == "Clinical"


def test_chinese_text_fits_its_column() -> None:
    table = department_tables()[0]
    texts = [table.frame[column.name].tolist() if column.kind in ("code", "text") else None for column in table.columns]
    widths, _ = column_widths(table.columns, texts, "zh")
    for column, width, values in zip(table.columns, widths, texts, strict=True):
        assert 2 * width >= display_width(column.zh) + 2
        assert all(width > display_width(value) for value in values or [])


def test_sheets_come_in_order_and_carry_their_remarks(tmp_path: Path) -> None:
    path = tmp_path / "costs.xlsx"
    frame = pd.DataFrame({"drg": ["A"], "cases": [1], "weight_cost": [1.0], "weight_charges": [1.0]})
    weights = report_table("weights", frame, remarks=["payment_model"])
    write_workbook(path, [weights, *department_tables(), exceptions_table([])], CAPTION)
    book = openpyxl.load_workbook(path)
    assert book.sheetnames[1:] == ["例外事项清单", "科室直接成本（医疗成本）", "科室直接成本（全成本）", "DRG 权重表"]
    assert book["DRG 权重表"]["A2"].value.endswith("    支付按本次核算的费用权重测算，并非医保权重")


def test_a_table_without_rows_says_so(tmp_path: Path) -> None:
    path = tmp_path / "costs.xlsx"
    write_workbook(path, [exceptions_table([])], CAPTION)
    assert openpyxl.load_workbook(path).worksheets[1].cell(HEADER_ROW + 2, 1).value == "（本期无数据）"


def test_notes_are_shown_in_words(tmp_path: Path) -> None:
    path = tmp_path / "costs.xlsx"
    write_workbook(path, [report_notes(SETTINGS, largest_difference=0.0)], CAPTION)
    rows = python_calamine.CalamineWorkbook.from_path(str(path)).get_sheet_by_index(1).to_python()
    assert ["核算方法", "分摊方法", "三级分项逐级分步结转", "", ""] in rows
    assert ["与账面核对", "与账面一致", "是", "", ""] in rows


# Whole or not at all, and the same again


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one.xlsx", "two.xlsx"):
        write_workbook(tmp_path / name, department_tables(), CAPTION)
    assert (tmp_path / "one.xlsx").read_bytes() == (tmp_path / "two.xlsx").read_bytes()
    later = Caption("示范医院", START, END.replace(year=2025))
    write_workbook(tmp_path / "two.xlsx", department_tables(), later)
    assert (tmp_path / "one.xlsx").read_bytes() != (tmp_path / "two.xlsx").read_bytes()


def test_an_interrupted_workbook_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "costs.xlsx"
    path.write_bytes(b"old")

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(workbook._Sheet, "write", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_workbook(path, department_tables(), CAPTION)
    assert path.read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["costs.xlsx"]


def test_a_workbook_needs_a_folder(tmp_path: Path) -> None:
    with pytest.raises(OutputFileError, match="does not exist"):
        write_workbook(tmp_path / "none" / "costs.xlsx", [], CAPTION)


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("xlsxwriter.workbook.ZipFile", full)
    with pytest.raises(OutputFileError, match="the disk is full"):
        write_workbook(tmp_path / "costs.xlsx", department_tables(), CAPTION)
    assert list(tmp_path.iterdir()) == []


# Manifest


def model_folder(folder: Path) -> list[Path]:
    folder.mkdir()
    (folder / "ledger.csv").write_bytes(b"dept_code,amount\nA,1\n")
    (folder / "charges").mkdir()
    (folder / "charges" / "2024.parquet").write_bytes(b"x" * 3_000_000)
    return [folder / "ledger.csv", folder / "charges"]


def test_input_files_are_hashed_under_names_that_do_not_depend_on_the_place(tmp_path: Path) -> None:
    seen = Hashing(tmp_path / "a", model_folder(tmp_path / "a")).result()
    assert [(file.name, file.size) for file in seen] == [("charges/2024.parquet", 3_000_000), ("ledger.csv", 21)]
    assert seen[1].sha256 == hashlib.sha256(b"dept_code,amount\nA,1\n").hexdigest()
    assert Hashing(tmp_path / "b", model_folder(tmp_path / "b")).result() == seen


def test_an_input_that_went_away_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match="cannot be read for its hash"):
        Hashing(tmp_path, [tmp_path / "gone.csv"]).result()


def test_the_run_id_depends_on_inputs_settings_and_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = Hashing(tmp_path / "a", model_folder(tmp_path / "a")).result()
    first = run_id(seen, SETTINGS)
    assert run_id(seen, SETTINGS) == first
    assert run_id(seen[:1], SETTINGS) != first
    assert run_id(seen, Settings("demo", "示范医院", START, END, {})) != first
    monkeypatch.setattr(manifests, "__version__", "99.0.0")
    assert run_id(seen, SETTINGS) != first


def test_the_manifest_says_everything_and_only_its_time_changes(tmp_path: Path) -> None:
    write_report(units(["a", "b"]), tmp_path / "service_unit_ratio.parquet")
    (tmp_path / "costs.xlsx").write_bytes(b"12345")
    findings = [Finding("warning", "zero_driver", "H01", "none", "Give", 2.5)]
    content = manifest(SETTINGS, (), findings, output_files(tmp_path))
    path = write_manifest(tmp_path, content)
    assert read_manifest(tmp_path) == json.loads(path.read_text("utf-8")) == content
    assert content["outputs"] == [
        {"name": "costs.xlsx", "size": 5},
        {
            "name": "service_unit_ratio.parquet",
            "size": (tmp_path / "service_unit_ratio.parquet").stat().st_size,
            "rows": 2,
            "columns": 4,
        },
    ]
    assert content["policies"]["zero_driver"]["used"] == 1
    assert content["findings"] == {"error": 0, "warning": 1, "note": 0}
    assert set(content["software"]) == {"drgengine", "python", *manifests.LIBRARIES}
    assert content["settings"]["start"] == "2024-01-01"
    again = manifest(SETTINGS, (), findings, output_files(tmp_path))
    assert {key: value for key, value in again.items() if key != "written"} == {
        key: value for key, value in content.items() if key != "written"
    }


def test_a_foreign_manifest_is_none_of_ours(tmp_path: Path) -> None:
    for text in ("{}", "[1]", "no json", '{"kind": "webpack"}'):
        (tmp_path / "manifest.json").write_text(text)
        assert read_manifest(tmp_path) is None


# The result folder


def fill(out: Path, text: str) -> None:
    with result_folder(out) as folder:
        (folder / "tables").mkdir()
        (folder / "tables" / "a.txt").write_text(text)
        write_manifest(folder, manifest(SETTINGS, (), (), output_files(folder)))


def stop_half_way(out: Path, error: type[BaseException]) -> None:
    with result_folder(out) as folder:
        (folder / "half.txt").write_text("half")
        raise error


def fill_late(out: Path) -> None:
    with result_folder(out) as folder:
        (folder / "new.txt").write_text("new")
        (out / "late.txt").write_text("mine")


def test_results_replace_results(tmp_path: Path) -> None:
    out = tmp_path / "out"
    fill(out, "first")
    fill(out, "second")
    assert (out / "tables" / "a.txt").read_text() == "second"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, OSError])
def test_an_interrupted_run_leaves_everything_as_it_was(tmp_path: Path, error: type[BaseException]) -> None:
    out = tmp_path / "out"
    with pytest.raises(error):
        stop_half_way(out, error)
    assert list(tmp_path.iterdir()) == []
    fill(out, "first")
    with pytest.raises(error):
        stop_half_way(out, error)
    assert (out / "tables" / "a.txt").read_text() == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_failed_move_puts_the_old_results_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    fill(out, "first")
    rename = Path.rename

    def failing(self: Path, target: Path) -> Path:
        if self.name.endswith(".part"):
            raise OSError(28, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(OutputFileError, match="disk is full"):
        fill(out, "second")
    assert (out / "tables" / "a.txt").read_text() == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_run_killed_between_two_moves_is_mended_by_the_next(tmp_path: Path) -> None:
    out = tmp_path / "out"
    fill(out, "first")
    out.rename(tmp_path / outfolder._aside_name(out))
    check_folder(out)
    assert (out / "tables" / "a.txt").read_text() == "first"


def test_folders_of_others_are_refused(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    fill(out, "an empty folder may be filled")
    (out / "notes.docx").write_text("mine")
    with pytest.raises(OutputFileError, match=r"did not write: notes\.docx\. Move them"):
        fill(out, "second")
    assert (out / "tables" / "a.txt").read_text() == "an empty folder may be filled"
    other = tmp_path / "thesis"
    other.mkdir()
    (other / "chapter.txt").write_text("mine")
    with pytest.raises(OutputFileError, match=r"holds files and no manifest of drgengine\. Name a new folder"):
        check_folder(other)
    assert (other / "chapter.txt").read_text() == "mine"


def test_a_file_put_there_during_the_run_is_not_lost(tmp_path: Path) -> None:
    out = tmp_path / "out"
    fill(out, "first")
    with pytest.raises(OutputFileError, match=r"did not write: late\.txt"):
        fill_late(out)
    assert (out / "late.txt").read_text() == "mine"


def test_places_where_no_folder_can_stand(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputFileError, match="this is a file, a folder is needed"):
        check_folder(tmp_path / "file")
    with pytest.raises(OutputFileError, match="does not exist"):
        check_folder(tmp_path / "none" / "out")
    with pytest.raises(OutputFileError):
        check_folder("/")
