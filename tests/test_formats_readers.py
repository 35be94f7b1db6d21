"""Readers of raw exports: only the wanted columns, ragged rows in their place, sheets, garbled text."""

import datetime as dt

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter

from drgengine.errors import InputFileError
from drgengine.formats import open_source
from drgengine.formats.mojibake import refuse_mojibake


def pick(*names):
    """What a caller gives as `columns`: those of the headers that are in names."""
    return lambda headers: [name for name in headers if name in names]


def table_of(path, **options):
    with open_source(path, **options) as source:
        table = pa.Table.from_batches(source.batches(), source.schema)
        assert source.num_rows in (None, table.num_rows)
        return table


def says(path, *words, **options):
    with pytest.raises(InputFileError) as caught:
        table_of(path, **options)
    message = str(caught.value)
    assert all(word in message for word in [path.name, *words]), message
    return message


def written(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path


# ------------------------------------------------------------------ projection


@pytest.mark.parametrize("ending", [".csv", ".parquet", ".xlsx"])
def test_only_wanted_columns_are_read_in_the_order_of_the_file(tmp_path, ending):
    path = tmp_path / f"a{ending}"
    names = ["\ufeffA48 ", "A11", "B12", "C03C", "C03C.x"]
    if ending == ".csv":
        written(path, ",".join(names) + "\n1,x,2,I10,y\n")
    elif ending == ".parquet":
        pq.write_table(pa.table([[v] for v in ["1", "x", "2", "I10", "y"]], names), path)
    else:
        workbook(path, s=[names, ["1", "x", "2", "I10", "y"]])
    seen = []

    def choose(headers):
        seen.extend(headers)
        return ["C03C", "A48"]

    with open_source(path, columns=choose) as source:
        assert source.schema.names == source.output_schema.names == ["A48", "C03C"]
        assert [batch.to_pydict() for batch in source.batches()] == [{"A48": ["1"], "C03C": ["I10"]}]
        assert source.dropped == ("A11",)
        assert (source.ragged, source.remarks) == ([], ())
    assert seen == ["A48", "A11", "B12", "C03C", "C03C.x"]
    with pytest.raises(ValueError, match="D01"):
        open_source(path, columns=lambda headers: ["D01"])


@pytest.mark.parametrize("ending", [".csv", ".parquet", ".xlsx"])
def test_a_repeated_header_matters_only_when_wanted(tmp_path, ending):
    path = tmp_path / f"a{ending}"
    if ending == ".csv":
        written(path, "dx,c,c\nA01,1,2\n")
    elif ending == ".parquet":
        pq.write_table(pa.Table.from_arrays([pa.array([v]) for v in ("A01", "1", "2")], ["dx", "c", "c"]), path)
    else:
        workbook(path, s=[["dx", "c", "c"], ["A01", "1", "2"]])
    assert table_of(path, columns=pick("dx")).to_pydict() == {"dx": ["A01"]}
    says(path, "columns 2 and 3 are both named 'c'", columns=pick("dx", "c"))


# ------------------------------------------------------------------ ragged rows


def test_ragged_rows_keep_their_place(tmp_path):
    path = written(tmp_path / "a.csv", "dx,sex,n\nshort\n1,1,1\n\nlong,2,2,2\n2,2,2\n3,3,3\n4,4,4\ntail,1\ntail\n")
    for batch_rows in (1, 2, 100):
        with open_source(path, ragged="keep", batch_rows=batch_rows) as source:
            rows = [row["n"] for batch in source.batches() for row in batch.to_pylist()]
            assert rows == [None, "1", None, "2", "3", "4", None, None]
            assert source.ragged == [(1, 1), (3, 4), (7, 2), (8, 1)]
    says(path, "line 2 of the file has 1 cells")
    with pytest.raises(ValueError, match="ragged"):
        open_source(path, ragged="drop")


def test_ragged_rows_over_many_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr("drgengine.formats.text_source.TEXT_BLOCK_BYTES", (200, 200))
    lines = [f"{i},A{i % 100:02d},诊断" if i % 7 and not 300 < i < 400 else f"{i},x" for i in range(1, 1500)]
    path = written(tmp_path / "a.csv", "n,dx,name\r\n" + "\r\n".join(lines), "gb18030")
    with open_source(path, ragged="keep", columns=pick("n")) as source:
        found = [value for batch in source.batches() for value in batch["n"].to_pylist()]
        expected = [str(i) if i % 7 and not 300 < i < 400 else None for i in range(1, 1500)]
        assert found == expected
        assert source.ragged == [(i, 2) for i, value in enumerate(expected, 1) if value is None]


def test_too_many_ragged_rows_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("drgengine.formats.text_source.RAGGED_ROWS", 3)
    says(
        written(tmp_path / "a.csv", "dx,sex\n" + "A,1\n" * 4 + "A\n" * 4), "more than 3 rows", "2 cells", ragged="keep"
    )
    says(written(tmp_path / "a.csv", "dx,sex\nA,1\n" + "A\n" * 3), "3 of the first 4 rows", "2 cells", ragged="keep")


# ------------------------------------------------------------------ encodings, ends of lines, quotation marks


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16-le", "utf-16-be", "gb18030"])
def test_ends_of_lines_and_encodings(tmp_path, end, encoding):
    mark = "\ufeff" if encoding.startswith("utf-16") else ""
    text = mark + end.join(['诊断;"a;b"', "高血压;1", '"x;";""""', "㐀𠀀;3"])
    expected = {"诊断": ["高血压", "x;", "㐀𠀀"], "a;b": ["1", '"', "3"]}
    assert table_of(written(tmp_path / "a.csv", text, encoding)).to_pydict() == expected


def test_a_quotation_mark_that_is_never_closed(tmp_path):
    text = 'dx,sex\nA01,1\nB02,"2\nC03,1\nD04,2\n'
    for ragged in ("refuse", "keep"):
        says(written(tmp_path / "a.csv", text), "quotation mark", "line 3", ragged=ragged)
        says(written(tmp_path / "b.csv", 'dx,"sex\nA01,1\n'), "line 1", ragged=ragged)
    assert table_of(written(tmp_path / "a.csv", 'dx,in\nA,5"\nB,6"2\n'))["in"].to_pylist() == ['5"', '6"2']


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "gb18030"])
def test_zero_bytes_are_no_text_wherever_they_stand(tmp_path, encoding, monkeypatch):
    monkeypatch.setattr("drgengine.formats.textstream.TEXT_SAMPLE_BYTES", 100)
    text = "dx,sex,诊\n" + "A,1,断\n" * 100
    for bad in (text.replace("A", "\0", 1), text + "\0,1,x\n"):
        says(written(tmp_path / "a.csv", bad, encoding), "no text", encoding=encoding)


GARBLED = {
    "replacement": "主要\ufffd断",
    "replaced twice": "锟斤拷诊断",
    "Latin-1": "主要".encode().decode("latin-1"),
    "Windows-1252": "我".encode().decode("cp1252"),
    "sign": "25Â°C",
}


@pytest.mark.parametrize("kind", GARBLED)
def test_garbled_text_is_refused(kind):
    for texts in ([GARBLED[kind]], pa.array([None, "x", GARBLED[kind]]), pa.array([GARBLED[kind]]).dictionary_encode()):
        with pytest.raises(InputFileError, match=r"a\.csv: the text is garbled .*--encoding") as caught:
            refuse_mojibake("a.csv", texts)
        assert GARBLED[kind] not in str(caught.value)


def test_utf8_read_as_gbk_is_refused_and_honest_text_is_not():
    names = ["主要诊断编码", "出院时间", "病案号", "手术名称及操作", "住院总费用", "性别"]
    honest = [*names, "37.5℃×3天", "Ménière病", "±2", "Sjögren", "α-地中海贫血", "10×²", "“引号”—…", "联通", "Ω", "é"]
    refuse_mojibake("a.csv", honest)
    refuse_mojibake("a.csv", pa.array([1, 2]))
    garbled = [name.encode().decode("gbk", "replace").replace("\ufffd", "?") for name in names]
    with pytest.raises(InputFileError, match="read as GBK"):
        refuse_mojibake("a.csv", [*garbled, "dx", "A48"])


# ------------------------------------------------------------------ workbooks


def workbook(path, **sheets):
    with xlsxwriter.Workbook(path, {"default_date_format": "yyyy-mm-dd hh:mm"}) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for place, row in enumerate(rows):
                sheet.write_row(place, 0, row)
    return path


def test_cells_of_a_workbook_are_text_first(tmp_path):
    moments = [dt.datetime(2024, 1, 2), dt.datetime(2024, 1, 2, 8, 30), dt.datetime(2024, 1, 2, 8, 29, 59, 999000)]
    rows = [["n", "at", "id", "ok"]]
    rows += [[1, moments[0], "007", True], [2.5, moments[1], 123456789012345678, ""], ["3", moments[2], 12345, "否"]]
    assert table_of(workbook(tmp_path / "a.xlsx", s=rows)).to_pydict() == {
        "n": ["1", "2.5", "3"],
        "at": ["2024-01-02", "2024-01-02 08:30:00", "2024-01-02 08:30:00"],
        "id": ["007", "1.23456789012346E+17", "12345"],
        "ok": ["True", "", "否"],
    }


def test_sheets_of_a_workbook(tmp_path):
    path = workbook(tmp_path / "a.xlsx", 说明=[], 首页=[["dx"], ["A01"], ["B02"]], other=[["dx"], ["C03"]])
    with open_source(path) as source:
        assert (source.sheet, source.sheets) == ("首页", ["说明", "首页", "other"])
        assert source.remarks == ("sheet '首页' of 3 is read",)
        assert [b["dx"].to_pylist() for b in source.batches()] == [["A01", "B02"]]
        assert [b["dx"].to_pylist() for b in source.batches()] == [["A01", "B02"]]  # once more
    assert table_of(path, sheet="other")["dx"].to_pylist() == table_of(path, sheet=3)["dx"].to_pylist() == ["C03"]
    says(path, "no column names", sheet=1)
    for sheet in ("nowhere", 4, 0, -1):
        says(path, "no sheet", "说明, 首页, other", sheet=sheet)


def test_a_table_that_begins_inside_the_sheet(tmp_path):
    path = workbook(tmp_path / "a.xlsx", s=[[], [], ["", "dx", "sex"], ["", "A01", 1], ["", "", 2], ["", "C03"]])
    assert table_of(path).to_pydict() == {"dx": ["A01", "", "C03"], "sex": ["1", "2", ""]}


def test_a_title_above_the_headers(tmp_path):
    rows = [["住院病案首页", "", ""], ["", "", ""], ["dx", "sex", "n"], ["A01", 1, ""], ["", "", ""], ["B02", 2, "x"]]
    path = workbook(tmp_path / "a.xlsx", s=rows)
    with open_source(path, header="auto", columns=pick("dx", "n"), batch_rows=2) as source:
        assert source.num_rows == 3
        assert "row 3" in source.remarks[0]
        batches = list(source.batches())
    assert [b.num_rows for b in batches] == [2, 1]
    assert pa.Table.from_batches(batches).to_pydict() == {"dx": ["A01", "", "B02"], "n": ["", "", "x"]}
    assert table_of(path).column_names == ["住院病案首页", "column_2", "column_3"]
    narrow = workbook(tmp_path / "b.xlsx", s=[["dx", "sex"], ["A01", 1]])
    assert table_of(narrow, header="auto").column_names == ["dx", "sex"]


def test_a_workbook_half_read_leaves_nothing_running(tmp_path):
    path = workbook(tmp_path / "a.xlsx", s=[["dx"]] + [["A01"]] * 20_000)
    with open_source(path, batch_rows=100) as source:
        batches = source.batches()
        next(batches)
        child = source._child
    assert child.poll() is not None
    with pytest.raises(ZeroDivisionError):
        open_source(path, columns=lambda headers: 1 / 0)
