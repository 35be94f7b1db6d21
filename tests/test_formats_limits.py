"""Files that ask for too much are refused politely: bounded memory, bounded time, and the interpreter lives."""

import contextlib
import gzip
import os
import struct
import subprocess
import sys
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_formats_dbf import dbf

from drgengine.errors import InputFileError
from drgengine.formats import limits, open_source

KIB, MIB = 1 << 10, 1 << 20


def read(path, **options):
    with open_source(path, **options) as source:
        return sum(batch.num_rows for batch in source.batches())


def says(path, *words, **options):
    with pytest.raises(InputFileError) as caught:
        read(path, **options)
    assert all(word in str(caught.value) for word in [path.name, *words]), str(caught.value)


# ------------------------------------------------------------------ text without end


def test_a_line_of_200_megabytes_is_refused_in_little_memory(tmp_path):
    """The same for ten gigabytes: the file is not read beyond a few blocks, however long it is."""
    resource = pytest.importorskip("resource", reason="a limit of memory needs POSIX")
    with (tmp_path / "row.csv").open("wb") as file:
        file.write(b"dx,sex\nA01,1\n")
        for _ in range(200):
            file.write(b"x" * MIB)
    with (tmp_path / "header.csv").open("wb") as file:
        file.write(b'dx,"sex')
        for _ in range(100):
            file.write(b"x\n" * (MIB // 2))
    with gzip.open(tmp_path / "packed.csv.gz", "wb", compresslevel=1) as file:
        file.write(b"dx,sex\nA01,1\n")
        for _ in range(200):
            file.write(b"x" * MIB)
    script = f"""
import resource, sys
sys.path.insert(0, {os.fspath(limits.__file__.removesuffix("drgengine/formats/limits.py"))!r})
import pyarrow.csv, pyarrow.parquet
from drgengine.errors import InputFileError
from drgengine.formats import open_source
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for name in ("row.csv", "header.csv", "packed.csv.gz"):
    try:
        with open_source({str(tmp_path)!r} + "/" + name) as source:
            print(sum(batch.num_rows for batch in source.batches()))
    except InputFileError as error:
        print(error.problem)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    *said, peak = done.stdout.splitlines()
    line = "the row that begins in line 3 of the file does not end"
    assert said == [line, "the first row does not end within 4,194,304 characters", line], done.stderr
    assert resource
    assert int(peak) < 160


def test_a_sparse_file_of_ten_gigabytes(tmp_path):
    with (tmp_path / "a.csv").open("wb") as file:
        file.write(b"dx,sex\nA01,1\n")
        file.truncate(10 << 30)
    says(tmp_path / "a.csv", "zero bytes")


def test_a_gzip_bomb(tmp_path, monkeypatch):
    monkeypatch.setattr("drgengine.formats.textstream.GZIP_RATIO_FROM_BYTES", MIB)
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"dx,sex\n" + b"A,1\n" * (3 * MIB)))
    says(path, "unpacks to more than 400 times")
    path.write_bytes(gzip.compress(b"dx,sex\n" + b"A,1\n" * 1000))
    assert read(path) == 1000


@pytest.mark.parametrize("change", ["shrinks", "grows"])
def test_a_text_that_changes_while_it_is_read(tmp_path, monkeypatch, change):
    monkeypatch.setattr("drgengine.formats.textstream.TEXT_PIECE_BYTES", KIB)
    path = tmp_path / "a.csv"
    path.write_bytes(b"dx,sex\n" + b"A01,1\n" * 10_000)
    with open_source(path) as source:
        size = path.stat().st_size
        monkeypatch.setattr("drgengine.formats.textstream.TextStream._check_size", _after(path, change, size))
        with pytest.raises(InputFileError, match="changed while it was read"):
            list(source.batches())


def _after(path, change, size):
    from drgengine.formats.textstream import TextStream

    check = TextStream._check_size

    def changed(self):
        os.truncate(path, size // 2 if change == "shrinks" else size + 10)
        return check(self)

    return changed


# ------------------------------------------------------------------ places that are no files


@pytest.mark.parametrize("ending", [".csv", ".parquet", ".xlsx", ".dbf", ".csv.gz"])
def test_folders_and_pipes_are_no_files(tmp_path, ending):
    (tmp_path / f"folder{ending}").mkdir()
    says(tmp_path / f"folder{ending}", "this is a folder")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / f"pipe{ending}")
        says(tmp_path / f"pipe{ending}", "no ordinary file")


# ------------------------------------------------------------------ workbooks


@pytest.fixture
def book(tmp_path):
    """A workbook of one sheet with three rows."""
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(path) as workbook:
        sheet = workbook.add_worksheet()
        for row, cells in enumerate([["dx", "sex"], ["A01", 1], ["B02", 2]]):
            sheet.write_row(row, 0, cells)
    return path


def repacked(path, change, name="sheet1.xml"):
    """The workbook with one part changed."""
    with zipfile.ZipFile(path) as archive:
        parts = {part: archive.read(part) for part in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for part, data in parts.items():
            archive.writestr(part, change(data) if part.endswith(name) else data)
    return path


def test_a_workbook_that_unpacks_to_too_much(book, monkeypatch):
    assert read(book) == 2
    monkeypatch.setattr("drgengine.formats.excelzip.EXCEL_UNPACKED_BYTES", MIB)
    repacked(book, lambda data: data + b" " * (4 * MIB))
    says(book, "unpacks to more than", "CSV")
    # The directory lies: it tells of 2,000 bytes.
    data = bytearray(book.read_bytes())
    at = data.find(b"PK\x01\x02")
    while at >= 0:
        if struct.unpack_from("<I", data, at + 24)[0] > MIB:
            struct.pack_into("<I", data, at + 24, 2000)
        at = data.find(b"PK\x01\x02", at + 4)
    book.write_bytes(data)
    says(book, "workbook")
    monkeypatch.setattr("drgengine.formats.excelzip.EXCEL_PARTS", 3)
    says(book, "parts")


def test_parts_that_overlap(book):
    data = bytearray(book.read_bytes())
    at = data.find(b"PK\x01\x02")
    struct.pack_into("<I", data, at + 20, len(data))
    book.write_bytes(data)
    says(book, "zip bomb")


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.replace(b'r="B3"', b'r="XFD1048576"'),  # a rectangle of 17 billion cells
        lambda data: data.replace(b'r="B3"', b'r="ZZZZZZZZZ99999999999999"'),  # a panic of the reader
        lambda data: data.replace(b"<sheetData>", b"<sheetData><row><c><v>"),
        lambda data: (
            b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
            + data.replace(b"<v>2</v>", b"<v>&b;</v>")
        ),
    ],
    ids=["corners", "panic", "torn", "entities"],
)
def test_a_workbook_that_would_end_the_interpreter(book, change):
    says(repacked(book, change), "workbook", "CSV")


def test_deep_nesting_in_a_workbook(book):
    deep = 200_000
    repacked(book, lambda data: data.replace(b"</sheetData>", b"<a>" * deep + b"</a>" * deep + b"</sheetData>"))
    assert read(book) == 2


def test_a_count_of_shared_texts_that_is_absurd(book):
    repacked(book, lambda data: data.replace(b'count="', b'count="99999999999'), "sharedStrings.xml")
    assert read(book) == 2


# ------------------------------------------------------------------ Parquet


def parquet_of_levels(levels):
    """A file without rows whose only column lies so many groups deep; the footer is in Thrift's compact protocol."""

    def number(value):
        out = b""
        while value > 127:
            out, value = out + bytes([value & 127 | 128]), value >> 7
        return out + bytes([value])

    group = b"\x35\0\x18\x01g\x15\x02\0"  # required, named g, one child
    leaf = b"\x15\x0c\x25\0\x18\x01x\0"
    footer = b"\x15\x02\x19\xfc" + number(levels + 1) + group * levels + leaf + b"\x16\0\x19\x0c\0"
    return b"PAR1" + footer + struct.pack("<I", len(footer)) + b"PAR1"


def test_deep_nesting_in_parquet(tmp_path):
    path = tmp_path / "a.parquet"
    path.write_bytes(parquet_of_levels(20))
    assert read(path) == 0
    for levels in (limits.PARQUET_LEVELS + 1, 50_000):
        path.write_bytes(parquet_of_levels(levels))
        says(path, "nested more than 64 levels")
    path.write_bytes(parquet_of_levels(limits.PARQUET_COLUMNS + 1))
    says(path, "more than 200,000 columns")


def test_a_parquet_footer_that_claims_too_much(tmp_path, monkeypatch):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"dx": ["A01", "B02"]}), path)
    whole = path.read_bytes()
    for length in (0xFFFFFFFF, 0x7FFFFFFF, len(whole), 0):
        path.write_bytes(whole[:-8] + struct.pack("<I", length) + b"PAR1")
        says(path, "damaged")
    footer = whole.index(b"PAR1", 4) if b"PAR1" in whole[4:-4] else len(whole) - 8
    rows = whole.rindex(b"\x16\x04\x19", 0, footer)  # the number of rows of the file, 2 in zigzag
    path.write_bytes(whole[:rows] + b"\x16\x7e" + whole[rows + 2 :])
    says(path, "tells of 63 rows and of 2")
    path.write_bytes(whole)
    monkeypatch.setattr("drgengine.formats.parquet_footer.PARQUET_FOOTER_BYTES", 100)
    says(path, "footer")


def test_a_column_chunk_that_would_end_the_interpreter(tmp_path):
    """The schema says required where it was optional: the histogram of levels no longer fits.

    Asked for the chunk, pyarrow throws where nothing catches.
    """
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"dx": [["A01"], None], "sex": ["1", "2"]}), path)
    stored = path.read_bytes()
    assert b"\x35\x02\x18\x02dx" in stored
    path.write_bytes(stored.replace(b"\x35\x02\x18\x02dx", b"\x35\x00\x18\x02dx"))
    says(path, "damaged")


# ------------------------------------------------------------------ whatever else comes


@pytest.fixture(scope="module")
def honest(tmp_path_factory):
    """Small honest files whose bytes are changed below."""
    folder = tmp_path_factory.mktemp("honest")
    dbf(folder / "a.dbf")
    (folder / "a.csv").write_bytes('dx,"se\nx",诊断\nA01,1,"肺,炎"\r\n\nB02,2,\n'.encode("gb18030") * 3)
    pq.write_table(pa.table({"dx": [["A01"], None], "sex": ["1", "2"]}), folder / "a.parquet")
    return [(folder / name).read_bytes() for name in ("a.dbf", "a.csv", "a.parquet")]


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_changed_bytes_are_read_or_refused(honest, tmp_path, data):
    kind = data.draw(st.integers(0, 2))
    stored = bytearray(honest[kind])
    for _ in range(data.draw(st.integers(1, 6))):
        stored[data.draw(st.integers(0, len(stored) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / ("a.dbf", "a.csv", "a.parquet")[kind]
    path.write_bytes(stored[: data.draw(st.integers(1, len(stored)))] if data.draw(st.booleans()) else stored)
    with contextlib.suppress(InputFileError):
        read(path, ragged="keep")
