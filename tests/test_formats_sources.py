"""Files in: every format, and what is said about files that cannot be read."""

import builtins
import gzip
import zipfile
from pathlib import Path

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from drgengine.errors import InputFileError
from drgengine.formats import list_parts, open_source

ROWS = {
    "姓名": ["张三", "李四"],
    "性别": ["1", "2"],
    "病案号": ["001", "002"],
    "dx": ["I21.900x003|I10.x00", "A01"],
}


def table_of(path, **options):
    with open_source(path, **options) as source:
        table = pa.Table.from_batches(source.batches(), source.schema)
        assert source.num_rows in (None, table.num_rows)
        return table


def text_file(path, text, encoding="utf-8"):
    data = text.encode(encoding)
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def csv_text(delimiter=","):
    lines = [delimiter.join(ROWS)] + [delimiter.join(row) for row in zip(*ROWS.values(), strict=True)]
    return "\n".join(lines) + "\n"


def says(path, *words, **options):
    with pytest.raises(InputFileError) as caught:
        table_of(path, **options)
    message = str(caught.value)
    assert all(word in message for word in [path.name, *words]), message
    return message


# ------------------------------------------------------------------ delimited text


@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("name", ["a.csv", "a.txt", "a.csv.gz"])
def test_text_is_read_as_text(tmp_path, delimiter, encoding, name):
    found = table_of(text_file(tmp_path / name, csv_text(delimiter), encoding))
    assert found.to_pydict() == {name: values for name, values in ROWS.items() if name != "姓名"}


def test_personal_columns_only_on_request(tmp_path):
    path = text_file(tmp_path / "a.csv", csv_text())
    with open_source(path) as source:
        assert source.dropped == ("姓名",)
        assert "姓名" not in source.schema.names
    assert table_of(path, keep_personal=True).to_pydict() == ROWS


def test_pipe_between_columns(tmp_path):
    assert table_of(text_file(tmp_path / "a.csv", "sex|dx\n1|A01\n")).to_pydict() == {
        "sex": ["1"],
        "dx": ["A01"],
    }


def test_one_column_keeps_empty_rows(tmp_path):
    assert table_of(text_file(tmp_path / "a.csv", "dx\nA01\n\nB02\n"))["dx"].to_pylist() == ["A01", "", "B02"]


def test_line_breaks_and_delimiters_in_quotes(tmp_path):
    path = text_file(tmp_path / "a.csv", 'dx,"a\nnote"\nA01,"x,\ny"\n')
    assert table_of(path).to_pydict() == {"dx": ["A01"], "a\nnote": ["x,\ny"]}


def test_header_only_gives_no_rows(tmp_path):
    assert table_of(text_file(tmp_path / "a.csv", "sex,dx\n")).num_rows == 0
    assert table_of(text_file(tmp_path / "b.csv", "sex,dx")).column_names == ["sex", "dx"]


def test_blank_header_cells_get_a_name(tmp_path):
    assert table_of(text_file(tmp_path / "a.csv", "dx,,\nA01,x,\n")).column_names == [
        "dx",
        "column_2",
        "column_3",
    ]


def test_character_cut_at_the_end_of_the_sample(tmp_path, monkeypatch):
    monkeypatch.setattr("drgengine.formats.textstream.TEXT_SAMPLE_BYTES", 100)
    for encoding in ("utf-8", "gb18030"):
        for pad in range(4):
            path = text_file(tmp_path / "a.csv", "dx,note\n" + "x" * pad + ",诊断" * 1 + "\n" + "A,断\n" * 40, encoding)
            assert table_of(path)["note"].to_pylist()[-1] == "断"


def test_batches_are_bounded_and_complete(tmp_path):
    path = text_file(tmp_path / "a.csv", "n,dx\n" + "".join(f"{i},A01\n" for i in range(300_000)))
    with open_source(path, batch_rows=1000) as source:
        batches = list(source.batches())
    assert max(b.num_rows for b in batches) <= 1000
    assert [int(x) for b in batches for x in b["n"].to_pylist()] == list(range(300_000))


def test_ragged_row_says_which_and_not_what(tmp_path):
    message = says(
        text_file(tmp_path / "a.csv", "name,dx,sex\nWang,A01,1\nZhang,A01\n"),
        "line 3 of the file has 2 cells",
        "3",
    )
    assert "Zhang" not in message
    assert "--delimiter" not in message


@pytest.mark.parametrize(("name", "encoding"), [("a.csv", "utf-8-sig"), ("a.csv", "utf-16"), ("a.csv.gz", "gb18030")])
def test_ragged_row_is_found_behind_blank_lines_and_breaks_in_quotes(tmp_path, name, encoding):
    text = '"dx","note"\n"A01","诊\n断"\n\nB02,x\n' + "C,d\n" * 100 + "C,d,e\nD\n"
    says(text_file(tmp_path / name, text, encoding), "line 106 of the file has 3 cells")


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "A.b.TXT"])
@pytest.mark.parametrize("encoding", ["auto", "gb18030"])
def test_binary_tables_under_a_text_ending_are_told_apart(tmp_path, name, encoding):
    path = tmp_path / name
    pq.write_table(pa.table(ROWS), path)
    says(path, "it begins like a Parquet file", f"Rename it to {name[:-4]}.parquet", encoding=encoding)
    path.write_bytes(b"PK\x03\x04\x14\0\x06\0")
    says(path, "it begins like an Excel workbook", f"Rename it to {name[:-4]}.xlsx", encoding=encoding)
    path.write_text("PAR1,dx\n1,A01\n")
    assert table_of(path).num_rows == 1


def test_later_bytes_in_another_encoding(tmp_path, monkeypatch):
    monkeypatch.setattr("drgengine.formats.textstream.TEXT_SAMPLE_BYTES", 1000)
    path = tmp_path / "a.csv"
    path.write_bytes(b"dx,note\n" + b"A01,x\n" * 1000 + "A01,诊断\n".encode("gb18030"))
    says(path, "utf-8", "--encoding", "gb18030")
    assert table_of(path, encoding="gbk")["note"].to_pylist()[-1] == "诊断"
    path.write_bytes("dx,note\nA01,诊断\n".encode("gb18030") + b"A01,x\n" * 1000 + b"A01,\xff\xff\n")
    says(path, "gb18030", "--encoding")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", ["empty"]),
        (b"\n\n", ["no column names"]),
        (b"dx,dx\nA,B\n", ["1 and 2", "'dx'"]),
        (b"dx,sex\n\x00\x01", ["no text file"]),
        (b"dx,sex\n\xff\xff\xff,1\n", ["neither UTF-8 nor GB18030", "--encoding"]),
    ],
)
def test_unusable_text(tmp_path, content, words):
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    says(path, *words)


def test_options_that_do_not_fit(tmp_path):
    path = text_file(tmp_path / "a.csv", "dx,诊断\n", "gb18030")
    says(path, "'klingon'", encoding="klingon")
    says(path, "utf-8", "--encoding", encoding="utf-8")
    packed = text_file(tmp_path / "b.csv.gz", csv_text() * 1000)
    packed.write_bytes(packed.read_bytes()[:-20])
    says(packed, "cut off")


# ------------------------------------------------------------------ Parquet

CASES = pa.table(
    {
        "case_id": [f"c{i}" for i in range(3000)],
        "sex": pa.array([i % 2 + 1 for i in range(3000)], pa.int32()),
        "dx": pa.array([["A01.000", "B02.100"][: i % 3] for i in range(3000)], pa.list_(pa.string())),
    }
)


@pytest.mark.parametrize("batch_rows", [1000, 999, 100_000])
def test_parquet_streams_with_dictionaries(tmp_path, batch_rows, monkeypatch):
    monkeypatch.setattr("drgengine.formats.parquet_source._ROWS_PER_GROUP", 1000)
    pq.write_table(CASES, tmp_path / "a.parquet", row_group_size=1500)
    with open_source(tmp_path / "a.parquet", batch_rows=batch_rows) as source:
        assert source.num_rows == 3000
        assert source.output_schema.equals(CASES.schema)
        assert source.schema.field("dx").type == pa.list_(pa.field("element", pa.dictionary(pa.int32(), pa.string())))
        assert source.schema.field("case_id").type == pa.string()
        batches = list(source.batches())
    assert all(b.schema.equals(source.schema) and b.num_rows <= batch_rows for b in batches)
    assert pa.Table.from_batches(batches).to_pylist() == CASES.to_pylist()


def test_many_small_row_groups_are_read_across_their_borders(tmp_path):
    pq.write_table(CASES, tmp_path / "a.parquet", row_group_size=100)
    with open_source(tmp_path / "a.parquet", batch_rows=1000) as source:
        assert source.schema.equals(source.output_schema)
        assert [b.num_rows for b in source.batches()] == [1000, 1000, 1000]


@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_columns_that_gave_up_their_dictionary_midway(tmp_path, version):
    """The writer falls back to plain pages when a dictionary grows too big."""
    codes = [["A01", f"B{i:05d}", None] if i % 3 else [] for i in range(20_000)]
    table = pa.table({"dx": codes, "ward": [None if i % 7 == 0 else f"w{i % 9000}" for i in range(20_000)]})
    options = {
        "dictionary_pagesize_limit": 2000,
        "data_page_size": 5000,
        "data_page_version": version,
        "row_group_size": 15_000,
    }
    pq.write_table(table, tmp_path / "a.parquet", **options)
    leaves = ("dx.list.element", "ward")
    for batch_rows in (700, 100_000):
        found = table_of(tmp_path / "a.parquet", batch_rows=batch_rows, dictionary_columns=leaves)
        assert "dictionary" in str(found.schema.field("dx").type)
        assert found.to_pylist() == table.to_pylist()


def test_parquet_of_pandas_and_polars(tmp_path):
    frame = pd.DataFrame({"sex": [1, 2], "dx": [["A01"], ["B02", "C03"]], "姓名": ["x", "y"]}, index=["p", "q"])
    frame.to_parquet(tmp_path / "pandas.parquet")
    pl.DataFrame({"sex": [1, 2], "dx": [["A01"], ["B02", "C03"]]}).write_parquet(tmp_path / "polars.parquet")
    for name in ("pandas", "polars"):
        found = table_of(tmp_path / f"{name}.parquet")
        assert found["dx"].to_pylist() == [["A01"], ["B02", "C03"]]
        assert "姓名" not in found.column_names


def test_personal_columns_of_parquet(tmp_path):
    pq.write_table(CASES.rename_columns(["A20", "sex", "dx"]), tmp_path / "a.parquet")
    with open_source(tmp_path / "a.parquet") as source:
        assert source.dropped == ("A20",)
        assert source.output_schema.names == ["sex", "dx"]
        assert next(source.batches()).schema.names == ["sex", "dx"]


def test_zero_rows(tmp_path):
    pq.write_table(CASES.slice(0, 0), tmp_path / "a.parquet")
    assert table_of(tmp_path / "a.parquet").num_rows == 0


def test_damaged_parquet(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(CASES, path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])
    says(path, "cut off or damaged")
    path.write_bytes(whole[:8] + b"\xff" * 400 + whole[408:])
    says(path, "damaged")
    path.write_text("sex,dx\n1,A01\n")
    says(path, "no Parquet file despite its ending")


# ------------------------------------------------------------------ places


def test_missing_file_offers_neighbours(tmp_path, monkeypatch):
    text_file(tmp_path / "cases_2024.csv", csv_text())
    says(tmp_path / "case_2024.csv", "no such file", "cases_2024.csv")
    says(tmp_path / "nowhere" / "a.csv", "does not exist")
    monkeypatch.chdir(tmp_path)
    says(Path("x"), "Check the name and the folder '.'")


def test_wrong_places(tmp_path):
    (tmp_path / "a.parquet").mkdir()
    says(tmp_path / "a.parquet", "folder")
    says(text_file(tmp_path / "a.docx", "x"), "'.docx'", ".parquet")


def test_no_permission(tmp_path, monkeypatch):
    path = text_file(tmp_path / "a.csv", csv_text())

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.open", refuse)
    says(path, "no permission")


def test_parts_of_a_folder(tmp_path):
    for name in (
        "y=2/b.parquet",
        "y=1/c.parquet",
        "y=1/a.parquet",
        "_tmp/x.parquet",
        ".h.parquet",
        "y=1/_SUCCESS",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    names = [str(part.relative_to(tmp_path)) for part in list_parts(tmp_path)]
    assert names == ["y=1/a.parquet", "y=1/c.parquet", "y=2/b.parquet"]
    assert list_parts(tmp_path / "y=1/a.parquet") == [tmp_path / "y=1/a.parquet"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputFileError, match="no Parquet file"):
        list_parts(tmp_path / "empty")


# ------------------------------------------------------------------ Excel


def workbook(path):
    """The smallest workbook: one sheet with inline texts and numbers."""
    cells = [["sex", "dx", "身份证号", "age"], [1, "A01|B02", "x", 45.5], [2, "I10.x00", "y", 7]]
    rows = ""
    for r, line in enumerate(cells, 1):
        rows += f'<row r="{r}">'
        for c, value in zip("ABCD", line, strict=True):
            text = isinstance(value, str)
            body = f"<is><t>{value}</t></is>" if text else f"<v>{value}</v>"
            rows += f'<c r="{c}{r}" t="{"inlineStr" if text else "n"}">{body}</c>'
        rows += "</row>"
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    rel = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006/relationships"

    def relation(kind, target):
        link = f'<Relationship Id="r1" Type="{rel}/{kind}" Target="{target}"/>'
        return f'<Relationships xmlns="{package}">{link}</Relationships>'

    parts = {
        "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/></Types>',
        "_rels/.rels": relation("officeDocument", "xl/workbook.xml"),
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{rel}"><sheets>'
        '<sheet name="s" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": relation("worksheet", "worksheets/sheet1.xml"),
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{rows}</sheetData></worksheet>',
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return path


def test_excel(tmp_path):
    pytest.importorskip("python_calamine", reason="needs the extra drgengine[excel]")
    path = workbook(tmp_path / "a.xlsx")
    assert table_of(path).to_pydict() == {
        "sex": ["1", "2"],
        "dx": ["A01|B02", "I10.x00"],
        "age": ["45.5", "7"],
    }
    path.write_text("no workbook")
    says(path, "no readable Excel workbook")


def test_excel_without_the_reader(tmp_path, monkeypatch):
    true_import = builtins.__import__

    def refuse(name, *rest, **options):
        if name == "python_calamine":
            raise ImportError(name)
        return true_import(name, *rest, **options)

    monkeypatch.setattr(builtins, "__import__", refuse)
    says(workbook(tmp_path / "a.xlsx"), "python-calamine", "drgengine[excel]")


# ------------------------------------------------------------------ paths and folders


@pytest.mark.parametrize(("name", "words"), [("x" * 300 + ".csv", "too long"), ("a\0.csv", "zero byte")])
def test_names_that_no_file_can_have(tmp_path, name, words):
    for read in (open_source, list_parts):
        with pytest.raises(InputFileError, match=words) as caught:
            read(tmp_path / name)
        assert "\0" not in str(caught.value)


def test_a_folder_with_tables_of_another_format_is_refused(tmp_path):
    (tmp_path / "month=1").mkdir()
    pq.write_table(pa.table(ROWS), tmp_path / "month=1" / "a.parquet")
    for name in ("_SUCCESS", ".hidden.csv", "a.parquet.crc", "notes.json", "_more.csv"):
        (tmp_path / name).write_text("x")
    (tmp_path / "empty.csv").touch()
    assert [part.name for part in list_parts(tmp_path)] == ["a.parquet"]
    for name in ("more.csv", "b.CSV.gz", "c.xlsx", "month=1/d.txt"):
        (tmp_path / name).write_text("x")
    with pytest.raises(InputFileError, match=r"b\.CSV\.gz, c\.xlsx, month=1.d\.txt and 1 more.*Move them"):
        list_parts(tmp_path)


def test_a_first_case_in_place_of_headers_is_not_quoted(tmp_path):
    row = "张三,13912345678,13912345678,I10.x00,1"
    message = says(text_file(tmp_path / "a.csv", f"{row}\n{row}\n"), "columns 2 and 3", "values of a case", "first row")
    assert "13912345678" not in message
    assert "'main code'" in says(text_file(tmp_path / "b.csv", '"main\ncode",sex,"main\ncode"\n1,2,3\n'))


def test_a_struct_with_names_is_dropped(tmp_path):
    contact = [{"name": "张三", "phone": "139"}, None]
    pq.write_table(
        pa.table({"dx": ["A01", "B02"], "contact": contact, "bed": [{"floor": 1}] * 2}), tmp_path / "a.parquet"
    )
    with open_source(tmp_path / "a.parquet") as source:
        assert source.dropped == ("contact",)
        assert [batch.schema.names for batch in source.batches()] == [["dx", "bed"]]
    assert table_of(tmp_path / "a.parquet", keep_personal=True)["contact"].to_pylist() == contact


def test_a_column_name_that_is_no_utf8(tmp_path):
    pq.write_table(pa.table({"abcd": ["1"], "dx": ["A01"]}), tmp_path / "a.parquet", store_schema=False)
    stored = (tmp_path / "a.parquet").read_bytes().replace(b"abcd", "高高".encode("gbk"))
    (tmp_path / "a.parquet").write_bytes(stored)
    says(tmp_path / "a.parquet", "column name", "UTF-8")
