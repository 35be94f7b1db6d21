"""Files out: read back the same, complete or not at all."""

import csv
import errno
import gzip
import subprocess
import sys

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from drgengine.errors import InputFileError, OutputFileError
from drgengine.formats import open_sink, open_source, refuse_same

CASES = pa.table(
    {
        "case_id": [f"c{i}" for i in range(3000)],
        "hospital": pa.array([f"h{i % 3}" for i in range(3000)], pa.large_string()),
        "sex": pa.array([i % 2 + 1 for i in range(3000)], pa.int32()),
        "dx": pa.array(
            [["A01.000", "B02.100"][: i % 3] if i % 5 else None for i in range(3000)], pa.list_(pa.string())
        ),
        "proc": pa.array([["37.3402"] * (i % 2) for i in range(3000)], pa.large_list(pa.large_string())),
    }
)
ANSWER = pa.array(["FR25", None, "0000"] * 1000).dictionary_encode()


def rewrite(source_path, target):
    """What a grouping run does: dictionary batches in, one dictionary column added, out."""
    with open_source(source_path, batch_rows=1000) as source:
        added = pa.field("drg", ANSWER.type)
        with open_sink(target, source.schema.append(added), output_schema=source.output_schema.append(added)) as sink:
            row = 0
            for batch in source.batches():
                sink.write(batch.append_column(added, ANSWER.slice(row, batch.num_rows)))
                row += batch.num_rows


def test_parquet_reads_back_with_the_types_of_the_input(tmp_path):
    pq.write_table(CASES, tmp_path / "in.parquet")
    rewrite(tmp_path / "in.parquet", tmp_path / "out.parquet")
    found = pq.read_table(tmp_path / "out.parquet")
    assert found.schema.equals(CASES.schema.append(pa.field("drg", ANSWER.type)))
    assert found.drop(["drg"]).equals(CASES)
    assert found["drg"].to_pylist() == ANSWER.to_pylist()
    assert pq.ParquetFile(tmp_path / "out.parquet").metadata.num_row_groups == 3


def test_pandas_and_polars_read_the_output(tmp_path):
    pq.write_table(CASES, tmp_path / "in.parquet")
    rewrite(tmp_path / "in.parquet", tmp_path / "out.parquet")
    frame = pd.read_parquet(tmp_path / "out.parquet")
    assert [list(x) for x in frame["dx"][1:3]] == [["A01.000"], ["A01.000", "B02.100"]]
    polars = pl.read_parquet(tmp_path / "out.parquet")
    assert polars["dx"].dtype == pl.List(pl.String)
    assert polars["hospital"].dtype == pl.String
    assert polars["dx"].to_list() == CASES["dx"].to_pylist()
    assert pl.scan_parquet(tmp_path / "out.parquet").select(pl.len()).collect().item() == 3000


@pytest.mark.parametrize("write", ["pandas", "polars"])
def test_files_of_others_survive_the_round_trip(tmp_path, write):
    if write == "pandas":
        frame = pd.DataFrame({"dx": [["A01"], ["B02"]] * 1500, "ward": pd.Categorical(["a", "b"] * 1500)})
        frame.to_parquet(tmp_path / "in.parquet")
    else:
        pl.DataFrame({"dx": [["A01"], ["B02"]] * 1500, "ward": ["a", "b"] * 1500}).write_parquet(
            tmp_path / "in.parquet"
        )
    rewrite(tmp_path / "in.parquet", tmp_path / "out.parquet")
    before, after = pq.read_table(tmp_path / "in.parquet"), pq.read_table(tmp_path / "out.parquet")
    assert after.drop(["drg"]).schema.remove_metadata().equals(before.schema.remove_metadata())
    assert after.drop(["drg"]).to_pylist() == before.to_pylist()


def test_same_input_gives_the_same_bytes(tmp_path):
    pq.write_table(CASES, tmp_path / "in.parquet")
    for name in ("a.parquet", "b.parquet", "a.csv.gz", "b.csv.gz"):
        rewrite(tmp_path / "in.parquet", tmp_path / name)
    for ending in (".parquet", ".csv.gz"):
        assert (tmp_path / f"a{ending}").read_bytes() == (tmp_path / f"b{ending}").read_bytes()


@pytest.mark.parametrize("name", ["a.parquet", "a.csv", "a.csv.gz"])
def test_no_rows(tmp_path, name):
    with open_sink(tmp_path / name, CASES.schema):
        pass
    with open_source(tmp_path / name) as source:
        assert source.schema.names == CASES.column_names
        assert sum(b.num_rows for b in source.batches()) == 0


def csv_of(tmp_path, columns, name="a.csv"):
    table = pa.table(columns)
    with open_sink(tmp_path / name, table.schema) as sink:
        for batch in table.to_batches():
            sink.write(batch)
    data = (tmp_path / name).read_bytes()
    data = gzip.decompress(data) if name.endswith(".gz") else data
    assert data.startswith(b"\xef\xbb\xbf")
    return pacsv.read_csv(
        pa.BufferReader(data), convert_options=pacsv.ConvertOptions(strings_can_be_null=False)
    ).to_pydict()


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
def test_csv_joins_lists_and_keeps_numbers(tmp_path, name):
    found = csv_of(
        tmp_path,
        {
            "诊断": [["A01", None, "B02"], [], None],
            "drg": pa.array(["FR25", None, "x"]).dictionary_encode(),
            "n": [-5, 1, None],
            "fixed": pa.array([["A", "B"]] * 3, pa.list_(pa.string(), 2)),
            "coded": pa.ListArray.from_arrays([0, 1, 1, 2], pa.array(["A", "B"]).dictionary_encode()),
        },
        name,
    )
    assert found == {
        "诊断": ["A01||B02", "", ""],
        "drg": ["FR25", "", "x"],
        "n": [-5, 1, None],
        "fixed": ["A|B"] * 3,
        "coded": ["A", "", "B"],
    }


def test_formulas_are_made_harmless(tmp_path):
    texts = [
        "=1+1",
        "+A1",
        "-cmd",
        "@x",
        "\tx",
        "-5.2",
        "+7",
        "-",
        "--",
        "-1,234.5",
        "a=b",
        None,
        "1e5",
        "-.",
        "+",
    ]
    expected = [
        "'=1+1",
        "'+A1",
        "'-cmd",
        "'@x",
        "'\tx",
        "-5.2",
        "+7",
        "-",
        "'--",
        "-1,234.5",
        "a=b",
        "",
        "1e5",
        "'-.",
        "'+",
    ]
    assert list(csv_of(tmp_path, {"=h": texts})) == ["'=h"]
    table = pa.table({"t": texts, "l": [[t or ""] for t in texts]})
    with open_sink(tmp_path / "b.csv", table.schema) as sink:
        sink.write(table.to_batches()[0])
    with open_source(tmp_path / "b.csv") as source:
        found = pa.Table.from_batches(source.batches()).to_pydict()
    assert found["t"] == found["l"] == expected


# ------------------------------------------------------------------ complete or not at all


def write_all(sink, batches):
    for batch in batches:
        sink.write(batch)


def names_in(folder):
    return sorted(entry.name for entry in folder.iterdir())


@pytest.mark.parametrize("name", ["a.parquet", "a.csv", "a.csv.gz"])
def test_interrupted_writing_leaves_nothing(tmp_path, name):
    (tmp_path / name).write_text("older")

    def interrupted():
        yield CASES.to_batches()[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), open_sink(tmp_path / name, CASES.schema) as sink:
        write_all(sink, interrupted())
    assert names_in(tmp_path) == [name]
    assert (tmp_path / name).read_text() == "older"


@pytest.mark.parametrize("name", ["a.parquet", "a.csv"])
def test_batch_of_another_shape_leaves_nothing(tmp_path, name):
    with pytest.raises((pa.ArrowException, ValueError)), open_sink(tmp_path / name, CASES.schema) as sink:
        sink.write(pa.record_batch({"x": [1]}))
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("name", ["a.parquet", "a.csv"])
def test_full_disk(tmp_path, name, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("drgengine.formats.parquet_sink.ParquetSink._write", full)
    monkeypatch.setattr("drgengine.formats.text_sink.TextSink._write", full)
    with pytest.raises(OutputFileError) as caught, open_sink(tmp_path / name, CASES.schema) as sink:
        sink.write(CASES.to_batches()[0])
    assert "disk is full" in str(caught.value)
    assert names_in(tmp_path) == []


def says(path, *words, schema=CASES.schema):
    with pytest.raises(OutputFileError) as caught:
        open_sink(path, schema).abort()
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_unusable_places(tmp_path):
    says(tmp_path / "no" / "a.csv", "does not exist", "Create it")
    says(tmp_path / "a.doc", "'.doc'", ".parquet")
    says(tmp_path / "a", "the name has no ending", ".parquet, .csv or .csv.gz")
    says(tmp_path, "this is a folder", ".parquet, .csv or .csv.gz")
    (tmp_path / "b.csv").mkdir()
    says(tmp_path / "b.csv", "folder")
    (tmp_path / "null.csv").symlink_to("/dev/null")
    says(tmp_path / "null.csv", "no ordinary file")
    says(tmp_path / "c.csv", "'s'", ".parquet", schema=pa.schema([("s", pa.struct([("a", pa.int8())]))]))
    assert names_in(tmp_path) == ["b.csv", "null.csv"]


def test_no_permission(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("pathlib.Path.open", refuse)
    says(tmp_path / "a.csv", "no permission")


def test_writing_through_a_link_keeps_the_link(tmp_path):
    (tmp_path / "true.csv").write_text("older")
    (tmp_path / "link.csv").symlink_to(tmp_path / "true.csv")
    with open_sink(tmp_path / "link.csv", CASES.schema):
        pass
    assert (tmp_path / "link.csv").is_symlink()
    assert "case_id" in (tmp_path / "true.csv").read_text("utf-8-sig")


def test_output_must_not_be_the_input(tmp_path):
    source = tmp_path / "in.csv"
    source.write_text("x")
    (tmp_path / "link.csv").symlink_to(source)
    (tmp_path / "hard.csv").hardlink_to(source)
    for target in (source, tmp_path / "link.csv", tmp_path / "hard.csv", tmp_path / "." / "in.csv"):
        with pytest.raises(OutputFileError, match="is the input"):
            refuse_same(source, target)
    refuse_same(source, tmp_path / "out.csv")
    with pytest.raises(OutputFileError, match="in the input folder"):
        refuse_same(tmp_path, tmp_path / "out.parquet")


@pytest.mark.parametrize("kind", ["text", "dictionary", "list"])
def test_text_that_is_no_utf8_leaves_the_file_readable(tmp_path, kind):
    stored = pa.array([b"x", "高".encode("gbk"), None, "=高".encode("gbk")], pa.binary())
    values = pa.StringArray.from_buffers(4, *stored.buffers()[1:], stored.buffers()[0])
    if kind == "dictionary":
        values = values.dictionary_encode()
    if kind == "list":
        values = pa.ListArray.from_arrays([0, 1, 2, 2, 4], values)
    batch = pa.record_batch({"note": values})
    with open_sink(tmp_path / "a.csv", batch.schema) as sink:
        sink.write(batch)
    lost = "高".encode("gbk").decode("utf-8", "replace")
    last = f"|={lost}" if kind == "list" else f"'={lost}"
    rows = list(csv.reader((tmp_path / "a.csv").read_text("utf-8-sig").splitlines()))
    assert [row[0] if row else "" for row in rows] == ["note", "x", lost, "", last]


def test_a_disk_that_fails_while_a_packed_file_is_closed(tmp_path):
    script = f"""
import os, resource, signal, pyarrow as pa
from drgengine.errors import InputFileError, OutputFileError
from drgengine.formats import open_sink
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000))
batch = pa.record_batch({{"note": [os.urandom(20).hex() for _ in range(5000)]}})
try:
    with open_sink({str(tmp_path / "a.csv.gz")!r}, batch.schema) as sink:
        for _ in range(10):
            sink.write(batch)
except OutputFileError as error:
    print(error)
"""
    pytest.importorskip("resource", reason="file size limits are POSIX")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert "the disk is full" in done.stdout
    assert done.stderr == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ending", [".parquet", ".csv"])
def test_a_long_name_is_a_name(tmp_path, ending):
    for name in ("x" * 240 + ending, "病" * 80 + ending):
        with open_sink(tmp_path / name, pa.schema([("n", pa.int8())])):
            pass
        assert (tmp_path / name).is_file()


def test_names_that_no_file_can_have(tmp_path):
    good = tmp_path / "in.parquet"
    for name, words in (("x" * 300 + ".csv", "too long"), ("a\0.csv", "zero byte")):
        with pytest.raises(OutputFileError, match=words):
            open_sink(tmp_path / name, pa.schema([("n", pa.int8())]))
        with pytest.raises(OutputFileError, match=words):
            refuse_same(good, tmp_path / name)
        with pytest.raises(InputFileError, match=words):
            refuse_same(tmp_path / name, good)
