"""Reading the six sheets of an official configuration workbook: layouts, repairs, and files that are not one."""

from __future__ import annotations

import datetime as dt
import hashlib
import string
import sys
import zipfile
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from drgengine.errors import DrgEngineError, InputFileError, SchemeError
from drgengine.grouper.workbook.rows import FIELDS, SHEETS
from drgengine.grouper.workbook.sheets import clean, read_workbook

MIB = 1 << 20


def content() -> dict[str, list[list[object]]]:
    """A small workbook: sheet -> rows, the header among them; None is no cell."""
    return {
        "MDC": [
            ["MDC编码", "MDC名称", "MDC规则", "排序"],
            ["MDCA", "先期分组", None, 1],
            ["MDCB", "神经系统", "ZYZD in DI_B00", 2],
            ["0000", None, None, 27],
        ],
        "ADRG": [
            ["ADRG编码", "ADRG名称", "ADRG规则", "所属MDC编码", "MDC内排序"],
            ["BB2", "颅内手术", "ZYSS in OP_BB2", "MDCB", 1],
            ["000", None, None, "0000", 1],
        ],
        "DRG": [
            ["DRG", "DRG名称", "DRG规则", "所属ADRG编码", "所属MDC编码", "排序"],
            ["BB21", "伴严重并发症", "QTZD in MCC", "BB2", "MDCB", 1],
            ["BB25", "不伴并发症", None, "BB2", "MDCB", 2],
        ],
        "集合": [
            ["集合编号", "ICD编码", "ICD名称", "类型编号"],
            ["DI_B00", "I61.003", "脑干出血", "DI"],
            ["DI_B00", "J10.801+G94.8*", "流感伴脑病", "DI"],
            ["OP_BB2", "38.4000", "血管切除", "OP"],
            ["OP_BB2", "33.6x00", "联合移植", "OP"],
        ],
        "CC": [["疾病编码", "疾病名称", "排除表", "类型"], ["A19.000x012", "粟粒性结核", "EX_1", "MCC"]],
        "排除表": [["集合编号", "ICD编码", "ICD名称"], ["EX_1", "A15.000", "肺结核"]],
    }


def write(path: Path, sheets: dict[str, list[list[object]]]) -> Path:
    """Write rows cell by cell: texts stay texts, numbers numbers, dates dates, truth values truth values."""
    with xlsxwriter.Workbook(str(path)) as book:
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for number, row in enumerate(rows):
                for column, cell in enumerate(row):
                    if isinstance(cell, str) and cell.startswith("=#"):
                        sheet.write_formula(number, column, "=1/0", None, cell[1:])
                    elif isinstance(cell, str):
                        sheet.write_string(number, column, cell)
                    elif isinstance(cell, bool):
                        sheet.write_boolean(number, column, cell)
                    elif isinstance(cell, dt.date):
                        sheet.write_datetime(number, column, cell, day)
                    elif cell is not None:
                        sheet.write_number(number, column, cell)
    return path


@pytest.fixture
def book(tmp_path):
    def make(change=None, name="book.xlsx"):
        sheets = content()
        if change is not None:
            sheets = change(sheets) or sheets
        return write(tmp_path / name, sheets)

    return make


def tables(workbook) -> dict[str, list[dict[str, str]]]:
    return {name: [row.cells for row in sheet.rows] for name, sheet in workbook.sheets.items()}


def says(path, *words: str, error: type[DrgEngineError] = SchemeError) -> str:
    with pytest.raises(error) as caught:
        read_workbook(path)
    text = str(caught.value)
    assert all(word in text for word in words), text
    return text


def kinds(workbook) -> dict[str, str]:
    return {remark.kind: str(remark.place) for remark in workbook.remarks if remark.level == "repair"}


def test_a_workbook_as_it_is_meant(book):
    path = book()
    workbook = read_workbook(str(path))
    assert list(workbook.sheets) == list(SHEETS)
    assert workbook.remarks == ()
    assert workbook.path == str(path)
    assert workbook.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    adrg = workbook.sheets["ADRG"]
    assert adrg.header_row == 1
    assert adrg.columns == {"code": "A", "name": "B", "rule": "C", "mdc": "D", "order": "E"}
    assert adrg.rows[0].cells == {
        "code": "BB2",
        "name": "颅内手术",
        "rule": "ZYSS in OP_BB2",
        "mdc": "MDCB",
        "order": "1",
    }
    assert str(adrg.place(adrg.rows[0], "rule")) == "sheet ADRG, cell C2"
    for name, sheet in workbook.sheets.items():
        assert all(tuple(row.cells) == FIELDS[name] for row in sheet.rows)
    assert [row["order"] for row in workbook.sheets["MDC"].rows] == ["1", "2", "27"]


def test_codes_with_dagger_and_asterisk_and_small_x_stay_as_they_are(book):
    codes = [row["code"] for row in read_workbook(book()).sheets["集合"].rows]
    assert codes == ["I61.003", "J10.801+G94.8*", "38.4000", "33.6x00"]


def test_sheets_in_any_order_and_spelling(book):
    plain = tables(read_workbook(book()))

    def change(sheets):
        names = {
            "MDC": " mdc ",
            "ADRG": "ＡＤＲＧ",
            "DRG": "Drg",
            "集合": "集合\u3000",
            "CC": "ｃc",
            "排除表": "排除表 ",
        }
        others = {"说明": [["读我"]]}
        return others | {names[name]: rows for name, rows in reversed(sheets.items())}

    workbook = read_workbook(book(change))
    assert tables(workbook) == plain
    assert [remark.kind for remark in workbook.remarks] == ["sheet_name"] * 6


def test_missing_sheets_are_named_at_once(book):
    def change(sheets):
        del sheets["集合"], sheets["排除表"]

    says(book(change), "lacks the sheets 集合, 排除表", "MDC, ADRG, DRG, CC")


def test_two_sheets_of_one_name(book):
    says(book(lambda sheets: {**sheets, "MDC ": sheets["MDC"]}), "two sheets", "MDC")


@pytest.mark.parametrize("above", [1, 2, 5])
def test_the_header_row_is_looked_for(book, above):
    plain = tables(read_workbook(book()))

    def change(sheets):
        titles = [["按病组（DRG）付费分组方案"], [None], ["DRG", "2026年9月"], ["排除表"], ["=#N/A"]][:above]
        return {name: titles + rows for name, rows in sheets.items()}

    workbook = read_workbook(book(change))
    assert tables(workbook) == plain
    assert {sheet.header_row for sheet in workbook.sheets.values()} == {above + 1}
    assert workbook.sheets["MDC"].rows[0].number == above + 2


def test_titles_in_merged_cells(tmp_path):
    made = openpyxl.Workbook()
    made.remove(made.active)
    for name, rows in content().items():
        sheet = made.create_sheet(name)
        sheet.append(["分组方案配置信息"])
        sheet.merge_cells(start_row=1, start_column=1, end_row=1, end_column=len(rows[0]))
        for row in rows:
            sheet.append(row)
    made.save(tmp_path / "merged.xlsx")
    workbook = read_workbook(tmp_path / "merged.xlsx")
    assert tables(workbook) == tables(read_workbook(write(tmp_path / "plain.xlsx", content())))
    assert workbook.sheets["DRG"].header_row == 2


def test_a_header_below_the_first_six_rows(book):
    def change(sheets):
        sheets["DRG"] = [[f"第{number}行"] for number in range(1, 8)] + sheets["DRG"]

    text = says(book(change), "sheet DRG", "none of the first 6 rows", "DRG编码 or DRG", "row 1: 第1行", "row 6: 第6行")
    assert "第7行" not in text


def test_an_empty_sheet(book):
    says(book(lambda sheets: {**sheets, "CC": []}), "sheet CC", "疾病编码", "hold nothing")


def test_adrg_with_an_empty_first_column_is_the_same_table(book):
    plain = read_workbook(book())

    def change(sheets):
        sheets["ADRG"] = [[None, *row] for row in sheets["ADRG"]]

    old = read_workbook(book(change))
    assert tables(old) == tables(plain)
    assert old.sheets["ADRG"].columns == {"code": "B", "name": "C", "rule": "D", "mdc": "E", "order": "F"}

    # An empty column in which something stands by chance, and other columns in another order.
    def shuffled(sheets):
        sheets["ADRG"] = [
            [f"x{number}" if number else None, *reversed(row)] for number, row in enumerate(sheets["ADRG"])
        ]

    assert tables(read_workbook(book(shuffled))) == tables(plain)


ALIASES = [
    ("ADRG", "MDC内排序", "排序"),
    ("DRG", "DRG", "DRG编码"),
    ("集合", "类型编号", "类型"),
    ("CC", "疾病编码", "ICD编码"),
    ("CC", "疾病名称", "ICD名称"),
    ("CC", "类型", "类型编号"),
    ("MDC", "MDC规则", " mdc\u3000规则\n"),
    ("ADRG", "ADRG编码", "ＡＤＲＧ编码_x000D_"),
    ("排除表", "集合编号", "\ufeff集合 编号"),
]


@pytest.mark.parametrize(("sheet", "usual", "alias"), ALIASES)
def test_every_alias_of_a_header(book, sheet, usual, alias):
    def change(sheets):
        header = sheets[sheet][0]
        header[header.index(usual)] = alias

    assert tables(read_workbook(book(change))) == tables(read_workbook(book()))


NEEDED = [(name, header) for name, rows in content().items() for header in rows[0] if "名称" not in str(header)]


@pytest.mark.parametrize(("sheet", "header"), NEEDED)
def test_an_unknown_header_is_an_error_and_no_position_is_guessed(book, sheet, header):
    def change(sheets):
        sheets[sheet][0][sheets[sheet][0].index(header)] = "别的"

    says(book(change), f"sheet {sheet}, row 1", "headers found", "别的", "headers missing", str(header))


def test_faults_of_several_headers_come_together(book):
    def change(sheets):
        sheets["MDC"][0][2] = "规则"
        sheets["CC"][0][2] = "表"

    says(book(change), "2 errors", "sheet MDC, row 1", "MDC规则", "sheet CC, row 1", "headers missing: 排除表")


def test_names_may_be_absent(book):
    def change(sheets):
        return {
            name: [[row[0], *row[2:]] for row in rows] if "名称" in rows[0][1] else rows
            for name, rows in sheets.items()
        }

    def nameless(sheets):
        for name in ("集合", "排除表"):
            place = 2
            sheets[name] = [row[:place] + row[place + 1 :] for row in sheets[name]]

    workbook = read_workbook(book(change))
    assert "name" not in workbook.sheets["DRG"].columns
    assert [row["name"] for row in workbook.sheets["DRG"].rows] == ["", ""]
    workbook = read_workbook(book(nameless))
    assert workbook.sheets["集合"].rows[0].cells == {"set": "DI_B00", "code": "I61.003", "name": "", "kind": "DI"}


def test_a_header_that_stands_twice(book):
    says(
        book(lambda sheets: {**sheets, "集合": [[*row, row[1]] for row in sheets["集合"]]}),
        "sheet 集合, row 1",
        "same header",
        "B1 (ICD编码) and E1 (ICD编码)",
    )
    says(book(lambda sheets: {**sheets, "CC": [[*sheets["CC"][0], "ICD编码"]]}), "A1 (疾病编码) and E1 (ICD编码)")


def test_columns_that_are_not_known_are_told(book):
    workbook = read_workbook(book(lambda sheets: {**sheets, "CC": [[*row, "备注"] for row in sheets["CC"]]}))
    assert [str(remark) for remark in workbook.remarks] == [
        "note: sheet CC, cell E1: the column '备注' is not read [unknown_column]"
    ]


DIRT = [
    ("a_x000D_b", "a b", ["escaped_character"]),
    ("a_X000d__x000A_b", "a b", ["escaped_character"]),
    ("a_x0009_b", "a b", ["escaped_character"]),
    ("a\u00a0b", "a b", ["odd_blank"]),
    ("\u3000a", "a", ["odd_blank"]),
    ("a\u200b b", "a b", ["zero_width"]),
    ("\ufeffa", "a", ["zero_width"]),
    ("a\tb", "a b", ["line_break"]),
    ("a\r\nb", "a b", ["line_break"]),
    ("a or \\\nb", "a or b", ["line_break", "line_continuation"]),
    ("a or \\ _x000D_\nb", "a or b", ["escaped_character", "line_break", "line_continuation"]),
    ("a or\\", "a or", ["line_continuation"]),
    ("a\\b", "a\\b", []),
    ("  a  b ", "a b", ["extra_blank"]),
    ("DI_x00_1", "DI_x00_1", []),
    ("", "", []),
]


@pytest.mark.parametrize(("dirty", "plain", "found"), DIRT)
def test_blanks_of_every_kind(dirty, plain, found):
    assert clean(dirty) == (plain, found)


@given(st.lists(st.sampled_from([*"ab \\_x0DdA9\t\n\r", "\u00a0", "\u3000", "\u200b", "\ufeff", "_x000D_", "集"])))
def test_cleaning_twice_changes_nothing_more(pieces):
    cleaned, _ = clean("".join(pieces))
    assert clean(cleaned) == (cleaned, [])
    assert not set(cleaned) & set("\t\n\r\u00a0\u3000\u200b\ufeff")


@pytest.mark.parametrize(("dirty", "kind"), [(dirty, found[0]) for dirty, _, found in DIRT if found])
def test_repairs_of_a_rule_are_told_with_the_cell(book, dirty, kind):
    workbook = read_workbook(book(lambda sheets: sheets["MDC"][2].__setitem__(2, dirty)))
    assert workbook.sheets["MDC"].rows[1]["rule"] == clean(dirty)[0]
    assert "sheet MDC, cell C3" in kinds(workbook).values()
    # The reader of workbooks may decode _x000D_ itself; it is told as a line break then.
    assert set(kinds(workbook)) & {kind, "line_break"}


@pytest.mark.parametrize("raw", [b"_x000D_", b"_x005F_x000D_", b"&#10;", b"\xe3\x80\x80"])
def test_control_characters_in_every_writing_of_the_file(book, raw):
    path = book(lambda sheets: sheets["ADRG"][1].__setitem__(2, "ZYSS inMARKOP_BB2MARK"))
    workbook = read_workbook(repacked(path, "sharedStrings.xml", lambda data: data.replace(b"MARK", raw)))
    assert workbook.sheets["ADRG"].rows[0]["rule"] == "ZYSS in OP_BB2"
    assert set(kinds(workbook).values()) == {"sheet ADRG, cell C2"}


def test_repairs_of_a_kind_come_in_one_line(book):
    def change(sheets):
        sheets["集合"] += [["DI_B00", f"A{number:04d}", "名 \u3000称", "DI"] for number in range(3000)]

    remarks = [remark for remark in read_workbook(book(change)).remarks if remark.kind == "odd_blank"]
    assert len(remarks) == 1
    assert str(remarks[0].place) == "sheet 集合"
    assert "3,000 cells: C6 C7 C8 C9 C10 C11 and 2,994 more" in str(remarks[0].text)
    assert remarks[0].text.told("zh").endswith("共 3,000 个单元格：C6 C7 C8 C9 C10 C11 等，另有 2,994 个")


def test_keys_are_capitals_and_icd_codes_keep_their_letters(book):
    def change(sheets):
        sheets["集合"][1] = ["di_Ｂ00", " i61.0x3\u200b ", "脑干", "ｄi"]
        sheets["CC"][1] = ["a19.000x012", "结核", "ex_１", "mcc"]
        sheets["排除表"][1] = ["Ex_1", "A15\u200b.000", "肺"]
        sheets["DRG"][1][0] = "bb21"

    workbook = read_workbook(book(change))
    rows = {name: workbook.sheets[name].rows[0].cells for name in SHEETS}
    assert rows["集合"] == {"set": "DI_B00", "code": "i61.0x3", "name": "脑干", "kind": "DI"}
    assert rows["CC"] == {"code": "a19.000x012", "name": "结核", "exclusion": "EX_1", "level": "MCC"}
    assert rows["排除表"] == {"set": "EX_1", "code": "A15.000", "name": "肺"}
    assert rows["DRG"]["code"] == "BB21"
    assert {"letter_form", "zero_width"} <= set(kinds(workbook))


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (18, "18"),
        (18.0, "18"),
        ("18", "18"),
        ("18.0", "18"),
        (" １８ ", "18"),
        (None, ""),
        ("  ", ""),
        (18.5, "18.5"),
        ("末", "末"),
    ],
)
def test_sort_numbers(book, written, read):
    workbook = read_workbook(book(lambda sheets: sheets["ADRG"][1].__setitem__(4, written)))
    assert workbook.sheets["ADRG"].rows[0]["order"] == read


def test_a_rule_may_be_a_number(book):
    workbook = read_workbook(book(lambda sheets: sheets["ADRG"][1].__setitem__(2, 1)))
    assert workbook.sheets["ADRG"].rows[0]["rule"] == "1"


def test_empty_rows_are_skipped_and_short_rows_padded(book):
    def change(sheets):
        sheets["集合"][2:2] = [[], [None, " ", "\u3000"], [None, None, None, None, "x"], ["DI_B00", "I62.000"]]

    sheet = read_workbook(book(change)).sheets["集合"]
    assert [row.number for row in sheet.rows] == [2, 6, 7, 8, 9]
    assert sheet.rows[1].cells == {"set": "DI_B00", "code": "I62.000", "name": "", "kind": ""}


def test_codes_that_are_no_texts_are_refused_together(book):
    def change(sheets):
        sheets["集合"][3][1] = 17.41
        sheets["CC"][1][0] = dt.date(2024, 5, 1)
        sheets["MDC"][3][0] = 0
        sheets["排除表"][1][0] = True

    text = says(book(change), "4 cells", "sheet 集合, cell B4: 17.41 (a number)", "sheet MDC, cell A4: 0 (a number)")
    assert "sheet CC, cell A2: 2024-05-01 (a date)" in text
    assert "sheet 排除表, cell A2: True (a truth value)" in text
    assert "17.4100 becomes 17.41" in text
    assert "Format these columns as text" in text


def test_one_code_that_is_a_number_is_the_place_of_the_error(book):
    path = book(lambda sheets: sheets["集合"][3].__setitem__(1, 17.41))
    with pytest.raises(SchemeError) as caught:
        read_workbook(path)
    assert caught.value.place == f"{path}, sheet 集合, cell B4"


def test_ten_of_many_numbers_are_listed(book):
    def change(sheets):
        sheets["集合"] += [["OP_BB2", number + 0.25, None, "OP"] for number in range(25)]

    text = says(book(change), "25 cells", "and 15 more", "cell B6:", "cell B15:")
    assert "cell B16" not in text


def test_errors_of_formulas(book):
    def change(sheets):
        sheets["MDC"][1][1] = "=#N/A"
        sheets["MDC"].append([None, None, None, None, "=#REF!"])

    workbook = read_workbook(book(change))
    assert workbook.sheets["MDC"].rows[0]["name"] == ""
    assert kinds(workbook) == {"error_in_name": "sheet MDC, cell B2"}
    for place in (0, 2):
        path = book(lambda sheets, place=place: sheets["MDC"][2].__setitem__(place, "=#N/A"))
        says(path, f"sheet MDC, cell {string.ascii_uppercase[place]}3", "#N/A (an Excel error)", "by their values")


def test_a_folder_with_one_workbook(book, tmp_path):
    path = book()
    (tmp_path / "~$book.xlsx").write_bytes(b"lock")
    (tmp_path / "note.txt").write_text("note")
    assert read_workbook(tmp_path).path == str(path)
    book(name="BOOK2.XLSX")
    says(tmp_path, "2 workbooks", "book.xlsx", "BOOK2.XLSX", error=InputFileError)
    assert "~$" not in says(tmp_path, error=InputFileError)


def test_a_folder_without_a_workbook(tmp_path):
    says(tmp_path, "no workbook (.xlsx)", error=InputFileError)


def test_a_lock_file(tmp_path):
    (tmp_path / "~$book.xlsx").write_bytes(b"\x05user")
    says(tmp_path / "~$book.xlsx", "lock file", "without ~$", error=InputFileError)


def test_no_such_file(tmp_path):
    says(tmp_path / "none.xlsx", "no such file", error=InputFileError)
    says("a\0b.xlsx", "no such file", error=InputFileError)


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 1024


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", ["empty"]),
        (b"code,name\nA,B\n", ["no Excel workbook"]),
        (b"\xef\xbb\xbf\n<!DOCTYPE html><html>", ["web page"]),
        (OLE, [".xls", "save it as .xlsx"]),
        (OLE + "EncryptedPackage".encode("utf-16-le"), ["password"]),
        (b"PK\x03\x04" + b"\0" * 100, ["damaged", "Download it again"]),
        (bytes(range(256)) * 8, ["no Excel workbook"]),
    ],
)
def test_files_that_are_no_workbook(tmp_path, data, words):
    path = tmp_path / "book.xlsx"
    path.write_bytes(data)
    says(path, str(path), *words, error=InputFileError)


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ("xl/workbook.bin", ["binary", ".xlsb"]),
        ("content.xml", ["OpenDocument"]),
        ("word/document.xml", ["Word"]),
        ("官方/1.xlsx", ["archive", "Unpack"]),
        ("readme.txt", ["no readable Excel workbook"]),
        ("xl/workbook.xml", ["no readable Excel workbook"]),
    ],
)
def test_archives_that_are_no_workbook(tmp_path, part, words):
    with zipfile.ZipFile(tmp_path / "book.xlsx", "w") as archive:
        archive.writestr(part, "x")
    says(tmp_path / "book.xlsx", *words, error=InputFileError)


def repacked(path: Path, name: str, change) -> Path:
    with zipfile.ZipFile(path) as archive:
        parts = {part: archive.read(part) for part in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for part, data in parts.items():
            archive.writestr(part, change(data) if part.endswith(name) else data)
    return path


@pytest.mark.parametrize("cut", [0.3, 0.7, 0.99])
def test_a_file_that_was_cut_off(book, cut):
    path = book()
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * cut)])
    says(path, "damaged", error=InputFileError)


def test_broken_bytes_within(book):
    path = book()
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        at = archive.getinfo("xl/worksheets/sheet4.xml").header_offset + 60
    data[at : at + 60] = b"\xff" * 60
    path.write_bytes(data)
    says(path, "no readable Excel workbook", error=InputFileError)


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.replace(b'r="D2"', b'r="XFD1048576"'),
        lambda data: data.replace(b'r="D2"', b'r="ZZZZZZZZZ99999999999"'),
        lambda data: data.replace(b"<v>", b"<v>9999999"),
        lambda data: data[: len(data) // 2],
        lambda data: b"",
        lambda data: data + b"<c" * 1000,
    ],
    ids=["far", "address", "string index", "half", "none", "tail"],
)
def test_hostile_sheets_never_end_the_caller(book, change):
    path = repacked(book(), "sheet4.xml", change)
    try:
        assert list(read_workbook(path).sheets) == list(SHEETS)
    except DrgEngineError as error:
        told = str(error)
    else:
        told = str(path)
    assert str(path) in told


def test_a_sheet_that_is_listed_and_not_there(book):
    path = book()
    with zipfile.ZipFile(path) as archive:
        parts = {part: archive.read(part) for part in archive.namelist() if not part.endswith("sheet2.xml")}
    with zipfile.ZipFile(path, "w") as archive:
        for part, data in parts.items():
            archive.writestr(part, data)
    says(path, str(path), error=InputFileError)


def test_entities_and_bombs(book, monkeypatch):
    path = repacked(book(), "workbook.xml", lambda data: data.replace(b"?>", b'?><!DOCTYPE a [<!ENTITY b "c">]>', 1))
    says(path, "entities", error=InputFileError)
    monkeypatch.setattr("drgengine.formats.excelzip.EXCEL_UNPACKED_BYTES", MIB)
    path = repacked(book(), "sheet1.xml", lambda data: data + b" " * (4 * MIB))
    says(path, "unpacks to more than", error=InputFileError)


def test_without_the_reader_of_workbooks(book, monkeypatch):
    path = book()
    monkeypatch.setitem(sys.modules, "python_calamine", None)
    says(path, "python-calamine", "pip install 'drgengine[excel]'", error=InputFileError)


def test_the_name_of_the_file_does_not_matter(book, tmp_path):
    path = book()
    other = path.rename(tmp_path / "1.按病组（DRG）付费3.0版分组方案配置信息_20260909更新")
    assert tables(read_workbook(other)) == tables(read_workbook(book()))


def test_texts_that_look_like_formulas_or_are_very_long(book):
    def change(sheets):
        sheets["DRG"][1][1] = "=1+1 @cmd"
        sheets["DRG"][1][2] = "ZYZD in {" + ", ".join(f"DI_{number}" for number in range(3000)) + "}"

    row = read_workbook(book(change)).sheets["DRG"].rows[0]
    assert row["name"] == "=1+1 @cmd"
    assert len(row["rule"]) > 20_000
