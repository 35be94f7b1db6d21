"""DBF files of dBase and FoxPro, written here byte by byte."""

import struct

import pyarrow as pa
import pytest

from drgengine.errors import InputFileError
from drgengine.formats import list_parts, open_source

FIELDS = [("P3", "C", 8), ("诊断", "C", 12), ("P782", "N", 10), ("P22", "D", 8), ("P6", "L", 1)]
ROWS = [
    ["0012", "肺炎", "1234.50", "20240102", "T"],
    [" 7", "I21.9", "", "", "?"],
    ["x\0yz", "", "**********", "2024010", " "],
]
READ = {
    "P3": ["0012", " 7", "x"],
    "诊断": ["肺炎", "I21.9", ""],
    "P782": ["1234.50", "", "**********"],
    "P22": ["2024-01-02", "", "2024010"],
    "P6": ["T", "", ""],
}


def dbf(path, fields=FIELDS, rows=ROWS, *, version=3, page=0, deleted=(), encoding="gb18030", records=None):
    """fields : (name, type, length); rows : texts or bytes; deleted : places of the rows marked so"""

    def cell(value, kind, length):
        stored = value if isinstance(value, bytes) else value.encode(encoding)
        return (stored.rjust(length) if kind in "NF" else stored.ljust(length))[:length]

    size = 1 + sum(length for _, _, length in fields)
    count = len(rows) if records is None else records
    head = struct.pack("<B3xIHH17xB2x", version, count, 33 + 32 * len(fields), size, page)
    for name, kind, length in fields:
        head += struct.pack("<11sc4xH14x", name.encode(encoding), kind.encode(), length)
    body = b""
    for place, row in enumerate(rows):
        cells = [cell(value, kind, length) for value, (_, kind, length) in zip(row, fields, strict=True)]
        body += b"".join([b"*" if place in deleted else b" ", *cells])
    path.write_bytes(head + b"\r" + body + b"\x1a")
    return path


def table_of(path, **options):
    with open_source(path, keep_personal=True, **options) as source:
        table = pa.Table.from_batches(source.batches(), source.schema)
        assert source.num_rows == table.num_rows
        return table


def says(path, *words, **options):
    with pytest.raises(InputFileError) as caught:
        table_of(path, **options)
    assert all(word in str(caught.value) for word in [path.name, *words]), str(caught.value)


def test_cells_are_text(tmp_path):
    assert table_of(dbf(tmp_path / "a.dbf")).to_pydict() == READ
    assert table_of(dbf(tmp_path / "B.DBF"), batch_rows=1).to_pydict() == READ
    assert table_of(dbf(tmp_path / "c.dbf", rows=[])).num_rows == 0


def test_types_of_foxpro(tmp_path):
    fields = [("i", "I", 4), ("b", "B", 8), ("y", "Y", 8), ("t", "T", 8), ("f", "F", 6)]
    at = struct.pack("<ii", 2_460_312, 30_600_000)  # 2 January 2024, 8:30
    rows = [
        [struct.pack("<i", -5), struct.pack("<d", 2.5), struct.pack("<q", 12_345_000), at, "1.20"],
        [struct.pack("<i", 0), struct.pack("<d", 3), struct.pack("<q", -1), bytes(8), ""],
    ]
    assert table_of(dbf(tmp_path / "a.dbf", fields, rows, version=0x30)).to_pydict() == {
        "i": ["-5", "0"],
        "b": ["2.5", "3"],
        "y": ["1234.5000", "-0.0001"],
        "t": ["2024-01-02 08:30:00", ""],
        "f": ["1.20", ""],
    }


def test_deleted_records_are_counted_and_left_out(tmp_path):
    path = dbf(tmp_path / "a.dbf", deleted=(0, 2))
    with open_source(path, columns=lambda names: ["诊断"]) as source:
        assert (source.num_rows, source.deleted, source.dropped) == (1, 2, ())
        assert source.remarks == ("2 records marked as deleted are left out",)
        assert [b.to_pydict() for b in source.batches()] == [{"诊断": ["I21.9"]}]
    assert table_of(dbf(path, deleted=(0, 1, 2))).num_rows == 0


def test_memo_columns_are_told(tmp_path):
    path = dbf(tmp_path / "a.dbf", [("dx", "C", 5), ("note", "M", 10)], [["A01", "1"]], version=0x83)
    with open_source(path) as source:
        assert source.schema.names == ["dx"]
        assert source.remarks == ("memo columns are not read: note",)
    unknown = dbf(tmp_path / "b.dbf", [("dx", "C", 5), ("q", "Q", 10)], [["A01", "1"]])
    says(unknown, "'q'", "'Q'", ".csv")
    assert table_of(unknown, columns=lambda names: ["dx"])["dx"].to_pylist() == ["A01"]


@pytest.mark.parametrize(
    ("stored", "page", "asked", "read"),
    [
        ("gb18030", 0, "auto", "gb18030"),
        ("gb18030", 0x4D, "auto", "gb18030"),
        ("gb18030", 0x03, "auto", "gb18030"),  # FoxPro names Windows-1252 for want of a choice
        ("big5", 0x78, "auto", "cp950"),
        ("utf-8", 0, "auto", "utf-8"),
        ("big5", 0, "big5", "big5"),
    ],
)
def test_code_pages(tmp_path, stored, page, asked, read):
    path = dbf(tmp_path / "a.dbf", [("名", "C", 12)], [["中文"], ["x"]], page=page, encoding=stored)
    with open_source(path, encoding=asked) as source:
        assert source.encoding == read
        assert next(source.batches()).to_pydict() == {"名": ["中文", "x"]}
        assert any("code page cp1252" in remark for remark in source.remarks) == (page == 3)


def test_a_western_code_page_is_respected_for_western_texts(tmp_path):
    path = dbf(tmp_path / "a.dbf", [("n", "C", 20)], [["Ménière"], ["Sjögren"], ["naïve"]], page=3, encoding="cp1252")
    assert table_of(path)["n"].to_pylist() == ["Ménière", "Sjögren", "naïve"]


def test_a_character_cut_by_the_width_of_the_field(tmp_path):
    with open_source(dbf(tmp_path / "a.dbf", [("n", "C", 5)], [["肺炎症"], ["肺炎"]])) as source:
        assert next(source.batches())["n"].to_pylist() == ["肺炎", "肺炎"]
        assert source.remarks == ("1 texts end in half a character, which is left out",)
    says(dbf(tmp_path / "b.dbf", [("n", "C", 5)], [[b"\xff\xff\xff x"]], page=0x4D), "'n'", "gb18030", "--encoding")


def test_repeated_and_personal_columns(tmp_path):
    path = dbf(tmp_path / "a.dbf", [("姓名", "C", 4), ("dx", "C", 3), ("dx", "C", 3)], [["x", "A01", "B02"]])
    says(path, "columns 2 and 3 are both named 'dx'")
    with open_source(path, columns=lambda names: ["姓名"]) as source:
        assert (source.dropped, source.schema.names) == (("姓名",), [])


def test_headers_that_claim_what_is_not_there(tmp_path):
    path = dbf(tmp_path / "a.dbf", records=4_000_000_000)
    says(path, "4,000,000,000 records", "holds 3", "copy it again")
    says(dbf(path, records=2), "2 records", "holds 3")
    whole = dbf(path).read_bytes()
    for at, stored, words in (
        (8, b"\xff\xff", "cut off or damaged"),
        (10, b"\x01\x00", "cut off or damaged"),
        (32 + 16, b"\xff\xff", "do not fit"),
        (32 + 16, b"\0\0", "field 1"),
        (0, b"\x04", "no DBF file"),
    ):
        path.write_bytes(whole[:at] + stored + whole[at + len(stored) :])
        says(path, words)
    path.write_bytes(whole[:40])
    says(path, "cut off or damaged")
    path.write_bytes(b"x")
    says(path, "no DBF file")


def test_a_file_that_shrinks_while_it_is_read(tmp_path):
    path = dbf(tmp_path / "a.dbf", rows=ROWS * 100)
    with open_source(path, batch_rows=10) as source:
        batches = source.batches()
        next(batches)
        path.write_bytes(path.read_bytes()[:5000])
        with pytest.raises(InputFileError, match="changed while it was read"):
            list(batches)


def test_a_folder_with_dbf_files_beside_parquet_is_refused(tmp_path):
    dbf(tmp_path / "a.dbf")
    (tmp_path / "b.parquet").write_bytes(b"x")
    with pytest.raises(InputFileError, match=r"a\.dbf, which would be left out"):
        list_parts(tmp_path)
