"""From a real .xlsx: the command, the reports, the folder kept in the cache, the documents."""

from __future__ import annotations

import re
import threading
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from smallworkbook import as_workbook, content, edition_file, replaced, write_xlsx

from drgengine.errors import InputFileError, OutputFileError, SchemeError
from drgengine.grouper.schemefile import load_scheme
from drgengine.grouper.workbook import cachedfolder
from drgengine.grouper.workbook.cachedfolder import folder_of_workbook
from drgengine.grouper.workbook.cells import REPAIRS
from drgengine.grouper.workbook.editionfile import load_edition_file
from drgengine.grouper.workbook.findings import IMPORTANCE
from drgengine.grouper.workbook.importer import import_workbook
from drgengine.grouper.workbook.loadreport import LoadReport
from drgengine.grouper.workbook.reporthtml import report_page, write_report_html
from drgengine.grouper.workbook.reporttext import report_lines
from drgengine.grouper.workbook.reportwords import notation, report_words
from drgengine.grouper.workbook.reportxlsx import write_report_xlsx
from drgengine.grouper.workbook.rows import Remark, at_sheet
from drgengine.grouper.workbook.sentences import said

ROOT = Path(__file__).resolve().parent.parent
Run = Callable[..., tuple[Any, str, str]]


@pytest.fixture(scope="module")
def official(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_xlsx(content(), tmp_path_factory.mktemp("official") / "official.xlsx")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> LoadReport:
    place = tmp_path_factory.mktemp("report")
    sheets = content()
    sheets["MDC"][0] = ("MDCA", '=HYPERLINK("x") <script>alert(1)</script>', "", "1")
    sheets["集合"].append(("DI_B00", "D33.404", "", "DI"))
    edition = edition_file(place, "\n[counts]\nsets = 46\nmdc_rows = 15\n")
    return import_workbook(as_workbook(sheets), place / "scheme", edition=edition)


# --- the command -------------------------------------------------------------------------------------------------


def test_the_command_imports_reports_and_the_folder_groups(run: Run, official: Path, tmp_path: Path) -> None:
    reports = [tmp_path / "report.html", tmp_path / "report.xlsx"]
    code, _, err = run(
        "scheme", "import", official, "-o", tmp_path / "s", "--edition", edition_file(tmp_path), "--lang", "en",
        *(word for path in reports for word in ("--report", path)), "--id", "mine", "--no-amendments",
    )  # fmt: skip
    assert code == 0
    assert "repair: operation test added [operation_test_added], 1 x" in err
    assert "mine: 14 MDCs, 30 ADRGs, 60 groups" in err
    assert "[amendment]" not in err
    assert all(path.stat().st_size > 5_000 for path in reports)
    assert load_scheme(tmp_path / "s").identity.id == "mine"
    code, out, _ = run("explain", "--scheme", tmp_path / "s", "--dx", "I61.003", "--sex", "1", "--lang", "en")
    assert code in (0, 1)
    assert "I61.003的名称" in out


def test_a_folder_with_one_workbook_and_the_two_lists(run: Run, official: Path, tmp_path: Path) -> None:
    folder = tmp_path / "download"
    folder.mkdir()
    (folder / official.name).write_bytes(official.read_bytes())
    (folder / "~$official.xlsx").write_bytes(b"lock")
    (tmp_path / "grey.txt").write_text("17.4100\n38.4000\n", encoding="utf-8")
    code, _, err = run(
        "scheme", "import", folder, "-o", tmp_path / "s", "--edition", edition_file(tmp_path), "--lang", "zh",
        "--not-for-grouping", tmp_path / "grey.txt",
    )  # fmt: skip
    assert code == 0, err
    assert "保留参与分组" in err
    assert "38.4000" in load_scheme(tmp_path / "s").lists["not_for_grouping"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--report", "report.pdf"], "a report ends in .html or .xlsx"),
        (["--report", "no/such/report.html"], "does not exist"),
        (["--edition", "chs-drg-9"], "Packaged: chs-drg-3.0"),
        (["--not-principal", "none.csv"], "none.csv"),
    ],
)
def test_slips_on_the_command_line(run: Run, official: Path, tmp_path: Path, words: list[str], said: str) -> None:
    code, _, err = run("scheme", "import", official, "-o", tmp_path / "s", *words)
    assert code == 2
    assert said in err
    assert not (tmp_path / "s").exists()


def test_options_of_a_workbook_are_refused_for_tables(run: Run, tmp_path: Path) -> None:
    (tmp_path / "tables").mkdir()
    code, _, err = run("scheme", "import", tmp_path / "tables", "-o", tmp_path / "s", "--not-principal", "x.csv")
    assert (code, "--not-principal: this is for an official workbook" in err) == (2, True)


def test_a_missing_file_says_so(run: Run, tmp_path: Path) -> None:
    code, _, err = run("scheme", "import", tmp_path / "none.xlsx", "-o", tmp_path / "s")
    assert code == 2
    assert "none.xlsx" in err


# --- reports -----------------------------------------------------------------------------------------------------


def test_the_short_report(report: LoadReport) -> None:
    lines = report_lines(report, 1, "zh")
    assert any("集合  应有 46  <- 不符" in line for line in lines)
    assert any(line.startswith("修正：重复成员 [duplicate_member]，1 条") for line in lines)
    assert any("另有 1 条" in line for line in lines)  # two lists are not given, one is shown
    assert "  工作表 集合 单元格 B87：DI_B00：1 行编码重复，各计一次：D33.404" in lines
    kinds = [line.partition("[")[2].partition("]")[0] for line in report_lines(report, 0) if "[" in line]
    assert kinds == [kind for kind in IMPORTANCE if kind in kinds]


def test_of_blanks_the_terminal_tells_how_many(report: LoadReport) -> None:
    blank = Remark("repair", "odd_blank", at_sheet("ADRG"), said("odd_blank"))
    lines = report_lines(replace(report, remarks=(*report.remarks, blank)), 3, "zh")
    assert lines[-1] == "修正：特殊空格 [odd_blank]，1 条"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_page_stands_alone_and_is_escaped(report: LoadReport, language: str, tmp_path: Path) -> None:
    page = report_page(report, language)
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", page)
    assert page.count("<tr ") == len(report.rules) + len(report.remarks) + len(report.sets)
    assert ("工作表 集合 单元格 B87" in page, "sheet 集合, cell B87" in page) == (language == "zh", language == "en")
    assert ("加读“且首个手术操作不属于有效手术”" in page) == (language == "zh")
    assert all(f"<dd>{meaning}</dd>" in page for _, meaning in notation(language))
    path = write_report_html(report, tmp_path / "report.html", language)
    assert path.read_text(encoding="utf-8") == page == report_page(report, language)
    with pytest.raises(OutputFileError, match="does not exist"):
        write_report_html(report, tmp_path / "no" / "report.html")


def test_the_report_workbook(report: LoadReport, tmp_path: Path) -> None:
    path = write_report_xlsx(report, tmp_path / "a.xlsx", "zh")
    write_report_xlsx(report, tmp_path / "b.xlsx", "zh")
    assert path.read_bytes() == (tmp_path / "b.xlsx").read_bytes()
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["概况", "处理与提示", "规则逐行核对", "编码集合", "写法说明"]
    cells = {str(cell.value) for row in book["处理与提示"] for cell in row}
    assert {"工作表 集合 单元格 B87", "DI_B00：1 行编码重复，各计一次：D33.404"} <= cells
    assert {"pdx", "主要诊断"} <= {cell.value for row in book["写法说明"] for cell in row}
    rules = book["规则逐行核对"]
    assert rules.max_row == len(report.rules) + 1
    assert (rules.freeze_panes, rules.auto_filter.ref) == ("A2", f"A1:J{len(report.rules) + 1}")
    assert (rules["E2"].value, rules["E2"].data_type) == ('=HYPERLINK("x") <script>alert(1)</script>', "s")
    with pytest.raises(OutputFileError):
        write_report_xlsx(report, tmp_path / "no" / "a.xlsx")


def test_every_kind_of_remark_has_a_word_in_chinese() -> None:
    folder = ROOT / "drgengine" / "grouper" / "workbook"
    text = "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py"))
    kinds = set(re.findall(r"findings\.(?:repair|warning|note)\(\s*\"(\w+)\"", text)) | set(REPAIRS)
    kinds |= set(re.findall(r"Remark\(\s*\"\w+\",\s*\"(\w+)\"", text))
    assert len(kinds) > 30
    assert kinds == set(IMPORTANCE)
    assert {kind for kind in kinds if kind not in report_words("zh")["kinds"]} == set()


def test_every_sentence_says_the_same_in_both_languages() -> None:
    data = tomllib.loads((ROOT / "drgengine" / "data" / "workbook_report.toml").read_text(encoding="utf-8"))
    for name, words in data["sentence"].items():
        fields = [sorted(re.findall(r"{(\w+)}", words[language])) for language in ("zh", "en")]
        assert fields[0] == fields[1], name
        assert name in ("at_file", "amendment") or re.search("[\u4e00-\u9fff]", words["zh"]) or name == "moved", name
    for table in ("data", "counts", "became"):
        assert data["zh"][table].keys() == data["en"][table].keys()
    assert data["zh"].keys() == data["en"].keys()


# --- the cache ---------------------------------------------------------------------------------------------------


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DRGENGINE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "workbooks"


def test_a_workbook_is_imported_once(official: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = folder_of_workbook(official)
    assert load_scheme(folder).id == "chs-drg-3.0"
    assert [path.name for path in cache.iterdir()] == [folder.name]
    monkeypatch.setattr(cachedfolder, "import_workbook", None)
    assert folder_of_workbook(official) == folder


def test_another_content_is_another_folder(official: Path, cache: Path, tmp_path: Path) -> None:
    sheets = content()
    sheets["DRG"] = replaced(sheets["DRG"], "BB21", c2="QTZD in MCC and NL>=70")
    other = write_xlsx(sheets, tmp_path / "other.xlsx")
    assert folder_of_workbook(other) != folder_of_workbook(official)
    assert len(list(cache.iterdir())) == 2


@pytest.mark.parametrize("harm", ["changed", "removed", "half"])
def test_a_damaged_folder_is_made_anew(official: Path, cache: Path, harm: str) -> None:
    folder = folder_of_workbook(official)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    if harm == "changed":
        (folder / "rules.toml").write_text("", encoding="utf-8")
    elif harm == "removed":
        (folder / "procedures.txt").unlink()
    else:
        (folder / "whole.json").unlink()
    assert folder_of_workbook(official) == folder
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert len(list(cache.iterdir())) == 1


def test_several_may_ask_at_once(official: Path, cache: Path) -> None:
    found: list[Path] = []
    threads = [threading.Thread(target=lambda: found.append(folder_of_workbook(official))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    assert len(found) == 3
    assert [path.name for path in cache.iterdir()] == [found[0].name]


def test_without_a_cache_the_folder_lives_as_long_as_the_process(
    official: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    monkeypatch.setenv("DRGENGINE_CACHE", str(tmp_path / "file"))
    folder = folder_of_workbook(official)
    assert load_scheme(folder).id == "chs-drg-3.0"
    assert folder_of_workbook(official) == folder


def test_a_broken_workbook_leaves_nothing_in_the_cache(cache: Path, tmp_path: Path) -> None:
    sheets = content()
    sheets["DRG"] = replaced(sheets["DRG"], "BB21", c2="QTZD in")
    broken = write_xlsx(sheets, tmp_path / "broken.xlsx")
    with pytest.raises(SchemeError, match="BB21"):
        folder_of_workbook(broken)
    assert list(cache.iterdir()) == []
    with pytest.raises(InputFileError, match=r"none\.xlsx"):
        folder_of_workbook(tmp_path / "none.xlsx")


# --- the document ------------------------------------------------------------------------------------------------


def test_the_edition_file_of_the_document(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "official-workbook.md").read_text(encoding="utf-8")
    (tmp_path / "mine.toml").write_text(page.partition("```toml")[2].partition("```")[0], encoding="utf-8")
    edition = load_edition_file(tmp_path / "mine.toml")
    assert (edition.name, edition.operations, edition.operation_test) == ("mine.toml", "OP_ALL", True)
