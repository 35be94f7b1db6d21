"""Result files: tables in both forms, workbooks, books, main figures, manifest; the same bytes every time."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pytest
from report_example import report_example

from drgengine.costing.results.manifest import KINDS, read_manifest
from drgengine.costing.results.outfolder import result_folder
from drgengine.errors import OutputFileError
from drgengine.evaluation.books import DEPARTMENT_COLUMNS, PHYSICIAN_COLUMNS
from drgengine.evaluation.compliance import COLUMNS as LINE_COLUMNS
from drgengine.evaluation.decisions import COLUMNS as DECISION_COLUMNS
from drgengine.evaluation.outputs import TABLES, file_names, manifest_of, result_tables, write_outputs
from drgengine.evaluation.outputs.bookfiles import write_book_files
from drgengine.evaluation.outputs.columnwords import KINDS as FORMATS
from drgengine.evaluation.outputs.columnwords import column_words, result_words
from drgengine.evaluation.outputs.shownframe import arrow_table, naming_of, shown_columns
from drgengine.evaluation.report import write_books
from drgengine.evaluation.yearly.result import Book, Evaluation

EVIL = '=HYPERLINK("http://x","y")'
RISKY = [EVIL, "+1+1", "-2+3", "@SUM(A1)", "\tx", "\rx"]


def with_evil_texts(evaluation: Evaluation) -> Evaluation:
    """Names of hospitals, notes and codes that a spreadsheet would run."""
    hospitals = evaluation.hospitals.copy()
    hospitals["name"] = [*RISKY, *hospitals["name"].iloc[len(RISKY) :]]
    return dataclasses.replace(evaluation, hospitals=hospitals, notes=((EVIL, EVIL),))


@pytest.fixture(scope="module")
def example() -> Evaluation:
    return with_evil_texts(report_example())


@pytest.fixture(scope="module")
def written(example: Evaluation, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folders = {}
    for language in ("zh", "en"):
        folders[language] = tmp_path_factory.mktemp(language)
        write_outputs(example, folders[language], language, sheet_rows=40)  # type: ignore[arg-type]
    return folders


def headers(sheet: Any) -> tuple[int, list[str]]:
    """Row and texts of the header: the row above the frozen panes' edge."""
    row = int("".join(sign for sign in sheet.freeze_panes if sign.isdigit())) - 1
    return row, [cell.value for cell in sheet[row]]


def test_every_table_is_written_in_both_forms_and_named_in_the_words(
    example: Evaluation, written: dict[str, Path]
) -> None:
    assert list(result_words()["table"]) == list(TABLES)
    tables = result_tables(example)
    assert set(tables) == set(TABLES)
    for folder in written.values():
        assert {path.stem for path in (folder / "tables").glob("*.parquet")} == set(tables)
        assert {path.stem for path in (folder / "tables").glob("*.csv")} == set(tables)


def test_every_column_has_words_in_both_languages(example: Evaluation) -> None:
    naming = naming_of(example)
    tables = {name: list(table.columns) for name, table in result_tables(example).items()}
    tables["lines"] = [*LINE_COLUMNS]
    tables["decisions"] = [*DECISION_COLUMNS]
    tables["departments"] += [*DEPARTMENT_COLUMNS, *PHYSICIAN_COLUMNS]
    tables["mortality"] += ["discharges", "crude_rate", "adjusted_rate", "adjusted_low", "rankable", "reason_zh"]
    tables["calibration"] += ["risk_low", "risk_high", "observed_rate", "expected_rate"]
    tables["weight_sensitivity"] += ["group", "score", "rank", "class", "rank_low", "rank_high", "rank_moved"]
    for name, columns in tables.items():
        for column in columns:
            words = column_words(name, column, naming.catalogue, naming.tree, naming.own)
            assert words.known, f"{name}.{column}"
            assert words.zh, f"{name}.{column}"
            assert words.en, f"{name}.{column}"
            assert words.kind in (*FORMATS, ""), f"{name}.{column}"
            if column not in (*naming.own, "mdc", "adrg", "drg", "cmi", "topsis", "vikor"):
                assert words.en.isascii(), f"{name}.{column}: {words.en}"


def test_headers_of_a_table_are_not_twice_the_same(example: Evaluation) -> None:
    for name, table in result_tables(example).items():
        for language in ("zh", "en"):
            shown = shown_columns(name, table, naming_of(example), language)  # type: ignore[arg-type]
            found = [one.header for one in shown]
            assert len(set(found)) == len(found), name
            assert not any("[" in header for header in found), (name, found)


def test_parquet_is_canonical_english_in_both_languages(example: Evaluation, written: dict[str, Path]) -> None:
    for name, table in result_tables(example).items():
        one, other = (folder / "tables" / f"{name}.parquet" for folder in written.values())
        assert one.read_bytes() == other.read_bytes(), name
        assert list(pd.read_parquet(one).columns) == [str(column) for column in table.columns], name
    league = pd.read_parquet(written["zh"] / "tables" / "league.parquet").set_index("hospital_id")
    again = example.league.loc[league.index]
    np.testing.assert_array_equal(league["score"], again["score"])
    assert league["separable"].dtype == bool
    assert set(league["name"]) >= set(RISKY)  # nothing is escaped where nothing runs


def test_csv_opens_in_a_spreadsheet(written: dict[str, Path]) -> None:
    for language, header in (("zh", "机构代码"), ("en", "Hospital code")):
        path = written[language] / "tables" / "league.csv"
        assert path.read_bytes().startswith(b"\xef\xbb\xbf")
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        assert table.columns[0] == header
        assert not table.stack().str.match(r"^[=+@\t\r]").any()
        names = set(table.iloc[:, 1])
        assert "'" + EVIL in names
        assert {"'+1+1", "'-2+3", "'@SUM(A1)"} <= names
        growth = table[
            next(name for name in table.columns if name.startswith(("住院次均费用增幅", "Growth of the mean in")))
        ]
        assert growth.str.startswith("-").any()  # numbers stay numbers
        assert not growth.str.startswith("'").any()
    remarks = (written["zh"] / "tables" / "remarks.csv").read_text("utf-8-sig")
    assert "\"'=HYPERLINK" in remarks


def test_words_of_cells_are_in_the_language_of_the_file(written: dict[str, Path]) -> None:
    table = pd.read_csv(written["zh"] / "tables" / "targets.csv")
    assert {"达标", "未达标"} & set(table["状态"])
    english = pd.read_csv(written["en"] / "tables" / "targets.csv")
    assert {"met", "missed"} & set(english["Status"])
    assert pd.read_csv(written["zh"] / "tables" / "league.csv")["等级可区分"].isin(["是", "否"]).all()


def test_only_the_columns_of_the_language_are_shown(written: dict[str, Path]) -> None:
    zh, en = (pd.read_csv(written[language] / "tables" / "lines.csv") for language in ("zh", "en"))
    assert zh.iloc[0, 1].startswith("药占比")
    assert en.iloc[0, 1].startswith("Drug share")
    assert len(zh.columns) == len(en.columns)


def test_workbook_has_a_legend_first_and_a_league_per_peer_group(example: Evaluation, written: dict[str, Path]) -> None:
    book = openpyxl.load_workbook(written["zh"] / "report.xlsx")
    assert book.sheetnames[0] == "说明"
    groups = list(dict.fromkeys(example.league["peer_group"]))
    assert {f"排名 {group}" for group in groups} <= set(book.sheetnames)
    assert len(book.sheetnames) == 1 + len(groups) + len(TABLES) - 1
    listed = {row[0].value for row in book["说明"].iter_rows() if row[0].value}
    assert set(book.sheetnames[1:]) <= listed
    first = book[f"排名 {groups[0]}"]
    row, names = headers(first)
    assert names[:3] == ["机构代码", "名称", "比较组"]
    shown = [first.cell(at, 1).value for at in range(row + 1, first.max_row + 1)]
    assert sorted(shown) == sorted(example.league.index[example.league["peer_group"] == groups[0]])
    assert first.column_dimensions["B"].width > 4


def test_workbook_holds_values_and_no_formulas(example: Evaluation, written: dict[str, Path]) -> None:
    found = set()
    for path in (*written["zh"].rglob("*.xlsx"), *written["en"].rglob("*.xlsx")):
        for sheet in openpyxl.load_workbook(path).worksheets:
            for cells in sheet.iter_rows():
                for cell in cells:
                    assert cell.data_type != "f", (path, sheet.title, cell.coordinate)
                    if cell.value in RISKY:
                        found.add(cell.value)
    assert {EVIL, "+1+1", "-2+3", "@SUM(A1)"} <= found


def test_numbers_have_formats_by_their_kind_and_full_precision(example: Evaluation, written: dict[str, Path]) -> None:
    sheet = openpyxl.load_workbook(written["en"] / "report.xlsx")["Case mix"]
    row, names = headers(sheet)
    at = {name: place for place, name in enumerate(names)}
    cells = sheet[row + 1]
    code = cells[at["Hospital code"]].value
    assert cells[at["Grouping rate"]].number_format == "0.0%"
    assert cells[at["Cases"]].number_format == "#,##0"
    assert cells[at["CMI"]].value == pytest.approx(example.current.mix.table.loc[code, "cmi"], abs=1e-12)
    assert cells[at["Low-risk mortality"]].number_format == "0.000%"


def test_long_tables_are_cut_with_a_sentence_where_the_rest_is(example: Evaluation, written: dict[str, Path]) -> None:
    sheet = openpyxl.load_workbook(written["en"] / "report.xlsx")["Indicators"]
    row, _ = headers(sheet)
    assert sheet.max_row - row == 40
    rows = len(example.hospitals) * example.current.indicators.values.shape[1]
    said = [sheet.cell(at, 1).value for at in range(1, row)]
    assert f"{rows} rows, the first 40 are shown; the rest stands in tables/indicators.csv" in said
    assert (written["en"] / "tables" / "indicators.csv").exists()


def test_small_drg_cells_are_not_shown(example: Evaluation) -> None:
    plan = dataclasses.replace(example.plan, privacy=dataclasses.replace(example.plan.privacy, smallest_cell=60))
    cells = result_tables(dataclasses.replace(example, plan=plan))["drg_cells"]
    whole = example.current.mix.cell_table()
    assert (whole["cases"] < 60).any()
    assert (cells["cases"] >= 60).all()
    assert "(others)" in set(cells["drg"])
    for code, part in whole.groupby("hospital_id"):
        mine = cells[cells["hospital_id"] == code]
        assert mine["cases"].sum() == part["cases"].sum()
        total = (part["cases"] * part["weight"]).sum()
        if mine["total_weight"].notna().all():
            assert mine["total_weight"].sum() == pytest.approx(total, rel=1e-3)
        else:
            assert mine["total_weight"].sum() < total
        assert mine.loc[mine["drg"] == "(others)", "deaths"].isna().all()


def test_physicians_are_in_the_books_only(example: Evaluation, written: dict[str, Path]) -> None:
    codes = set(example.books[next(iter(example.books))].physicians.index)
    for path in (written["zh"] / "tables").glob("*.csv"):
        assert not codes & set(pd.read_csv(path, dtype=str).stack()), path


def test_books_have_safe_names_and_both_levels(example: Evaluation, written: dict[str, Path]) -> None:
    for code, book in example.books.items():
        found = openpyxl.load_workbook(written["zh"] / "books" / f"{code}.xlsx")
        assert found.sheetnames == ["科室", "医师"]
        sheet = found["医师"]
        row, names = headers(sheet)
        assert names[:2] == ["医师", "科室"]
        assert sheet.max_row - row == len(book.physicians)
        said = " ".join(str(sheet.cell(at, 1).value) for at in range(1, row))
        assert "科室1个，医师4名" in said


def test_file_names_cannot_leave_the_folder_or_clash() -> None:
    codes = ["../../etc/passwd", "a/b", "a\\b", "A/B", "nul", "...", "", "x" * 300, "x" * 301, "中医院", "a:b?"]
    codes += ["COM1.x", "lpt².y", "R.1", "R_1", "医" * 90, "医" * 91, "CON ", "b. ", "b.", "\ud800"]
    names = file_names(codes)
    assert len({name.casefold() for name in names.values()}) == len(codes)
    for name in names.values():
        assert name == Path(name).name
        assert name.strip(". ") == name
        assert 0 < len(name.encode()) <= 80
        assert not set(name) & set('/\\:*?"<>|')
    assert names["nul"] == "_nul"
    assert names["中医院"] == "中医院"


def test_html_and_workbook_of_a_hospital_have_one_stem(example: Evaluation, tmp_path: Path) -> None:
    book = next(iter(example.books.values()))
    codes = ["R.1", "R_1", "CON", "r.1", "H1.", "中医院" * 30]
    odd = dataclasses.replace(example, books={code: dataclasses.replace(book, hospital_id=code) for code in codes})
    write_books(odd, tmp_path / "books", "en")
    write_book_files(odd, tmp_path, naming_of(odd), "en")
    stems = {ending: {path.stem for path in tmp_path.glob(f"books/*.{ending}")} for ending in ("html", "xlsx")}
    assert stems["html"] == stems["xlsx"]
    assert {"R.1", "R_1", "_CON", "r.1-2", "H1"} < stems["html"]
    assert len(stems["html"]) == len(codes)


def test_decisions_stand_alone_too(written: dict[str, Path]) -> None:
    table = pd.read_csv(written["zh"] / "decisions.csv")
    assert {"封顶后系数", "公式", "上下限"} <= set(table.columns)
    book = openpyxl.load_workbook(written["zh"] / "decisions.xlsx")
    assert book.sheetnames == ["说明", "预算系数", "岗位数建议"]


def test_main_figures_are_plain_json(example: Evaluation, written: dict[str, Path]) -> None:
    content = json.loads((written["zh"] / "evaluation.json").read_text("utf-8"))
    assert content["run_id"] == example.run_id
    assert [row["hospital_id"] for row in content["league"]] == list(example.league.index)
    excluded = example.league.index[example.league["score"].isna()]
    assert len(excluded)
    for row in content["league"]:
        assert (row["score"] is None) == (row["hospital_id"] in excluded)
    assert content["books"] == {code: f"books/{code}.xlsx" for code in example.books}
    assert sum(content["lines"].values()) == len(example.lines)
    assert "NaN" not in (written["zh"] / "evaluation.json").read_text("utf-8")


def test_manifest_names_every_file_with_its_hash(example: Evaluation, written: dict[str, Path]) -> None:
    folder = written["zh"]
    content = read_manifest(folder, KINDS)
    assert content is not None
    assert content["kind"] == "drgengine evaluation"
    assert {one["name"]: one["sha256"] for one in content["inputs"]} == dict(example.hashes)
    assert (content["seed"], content["settings"]["uncertainty"]["draws"]) == (1, 1000)
    listed = {one["name"]: one for one in content["outputs"]}
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} - {"manifest.json"}
    assert set(listed) == there
    for name, one in listed.items():
        data = (folder / name).read_bytes()
        assert (one["size"], one["sha256"]) == (len(data), hashlib.sha256(data).hexdigest()), name


def test_a_copied_plan_gives_the_same_manifest(example: Evaluation, tmp_path: Path) -> None:
    found = []
    for name in ("one", "two"):
        folder = (tmp_path / name).resolve()
        targets = dataclasses.replace(
            example.plan.targets, plan=str(folder / "targets.toml"), files=(folder / "sub" / "more.toml",)
        )
        plan = dataclasses.replace(example.plan, path=folder / "plan.toml", targets=targets, files=(folder / "a.csv",))
        found.append(manifest_of(dataclasses.replace(example, plan=plan), tmp_path / "nothing"))
    assert found[0]["settings"]["targets"]["plan"] == "targets.toml"
    assert found[0]["settings"]["targets"]["files"] == ["sub/more.toml"]
    assert found[0] == found[1]
    assert str(tmp_path) not in json.dumps(found[0])


def test_the_same_evaluation_gives_the_same_bytes(
    example: Evaluation, written: dict[str, Path], tmp_path: Path
) -> None:
    again = tmp_path / "again"
    again.mkdir()
    paths = write_outputs(with_evil_texts(report_example()), again, "zh", sheet_rows=40)
    for path in paths:
        assert path.read_bytes() == (written["zh"] / path.relative_to(again)).read_bytes(), path.name
    assert len(paths) == len([path for path in written["zh"].rglob("*") if path.is_file()])


def test_a_newer_result_replaces_an_older_one_and_nothing_else(tmp_path: Path) -> None:
    small = report_example(4, previous=False, whole=False)
    out = tmp_path / "results"
    for _ in range(2):
        with result_folder(out) as folder:
            (folder / "report.html").write_text("page")
            write_outputs(small, folder, "en")
    assert read_manifest(out, KINDS) is not None
    (out / "mine.txt").write_text("keep")
    with pytest.raises(OutputFileError, match=r"mine\.txt"), result_folder(out):
        pass


def test_an_evaluation_without_optional_parts_is_written(tmp_path: Path) -> None:
    small = report_example(3, previous=False, whole=False)
    write_outputs(small, tmp_path, "en")
    names = {path.stem for path in (tmp_path / "tables").glob("*.parquet")}
    assert not {"frontier", "productivity", "decisions", "drift", "region_indicators", "mortality"} & names
    assert not (tmp_path / "decisions.xlsx").exists()
    assert not (tmp_path / "books").exists()


def test_empty_books_and_odd_values_are_written(example: Evaluation, tmp_path: Path) -> None:
    empty = pd.DataFrame(columns=list(DEPARTMENT_COLUMNS))
    book = Book("H/1", empty, pd.DataFrame(columns=list(PHYSICIAN_COLUMNS)), {"departments": 1, "physicians": 0})
    casemix = example.current.mix.table.copy()
    casemix.loc[casemix.index[0], "cmi"] = np.inf
    mix = dataclasses.replace(example.current.mix, table=casemix)
    odd = dataclasses.replace(example, books={"H/1": book}, current=dataclasses.replace(example.current, mix=mix))
    write_outputs(odd, tmp_path, "en", sheet_rows=3)
    sheet = openpyxl.load_workbook(tmp_path / "books" / "H_1.xlsx")["Departments"]
    assert "No rows" in [row[0].value for row in sheet.iter_rows()]
    values = [
        row[0] for row in openpyxl.load_workbook(tmp_path / "report.xlsx")["Case mix"].iter_rows(values_only=True)
    ]
    assert values[0] == "Case mix"


def test_mixed_columns_become_one_type() -> None:
    table = pd.DataFrame(
        {
            "flags": pd.Series([True, None, False], dtype=object),
            "numbers": pd.Series([1, None, 2.5], dtype=object),
            "texts": pd.Series(["a", None, 3], dtype=object),
            "years": pd.array([2025, pd.NA, 2020], dtype="Int64"),
        }
    )
    found = arrow_table(table).to_pydict()
    assert found["flags"] == [True, None, False]
    assert found["numbers"] == [1.0, None, 2.5]
    assert found["texts"] == ["a", None, "3"]
    assert found["years"] == [2025, None, 2020]
