"""The honest small files that the fuzzing run changes (种子文件): made anew for every run, always the same."""

from __future__ import annotations

import csv
import io
import tempfile
import zipfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from drgengine.synth.export import export

DIALECTS = ("hqms", "n041", "n042", "hn041", "hqms_p", "opendrg")
# Enough of every dialect to reach all cleaners; hundreds of idle columns would only cost inputs.
_WANTED = frozenset(
    [
        "A01",
        "A48",
        "A49",
        "A12C",
        "A13",
        "A14",
        "A16",
        "A17",
        "A18X01",
        "B12",
        "B15",
        "B16C",
        "B20",
        "B34C",
        "A46C",
        "C03C",
        "C04N",
        "C05C",
        "C06X01C",
        "C07X01N",
        "C08X01C",
        "C06X02C",
        "C14X01C",
        "C16X01",
        "C17X01",
        "C35X01C",
        "C37X01",
        "D01",
        "D09",
        "D11",
        "D20",
        "D20X01",
        "D23",
        "C47",
        "USERNAME",
        "BAH",
        "ZYCS",
        "XB",
        "CSRQ",
        "NL",
        "BZYZSNL",
        "BAYZSNL",
        "BZYZSNLT",
        "XSECSTZ",
        "XSERYTZ",
        "RYSJ",
        "RYSJS",
        "CYSJ",
        "CYSJS",
        "CYKB",
        "SJZYTS",
        "LYFS",
        "YLFKFS",
        "JBDM",
        "ZYZD",
        "RYBQ",
        "JBDM1",
        "QTZD1",
        "JBDM2",
        "JBBM",
        "H23",
        "SSJCZBM1",
        "SSJCZRQ1",
        "SSJCZBM2",
        "SSJB1",
        "ZYZD_JBBM",
        "ZYZD_JBBM1",
        "XY_JBDM",
        "XY_FJBM",
        "XY_JBDM1",
        "XY_FJBM1",
        "SSBM1_S",
        "SSBM2_S",
        "ZFY",
        "ZFJE",
        "YLFUF",
        "SSZLF",
        "MAF",
        "XYF",
        "P900",
        "P3",
        "P2",
        "P5",
        "P6",
        "P7",
        "P22",
        "P25",
        "P26",
        "P27",
        "P741",
        "P321",
        "P324",
        "P327",
        "P490",
        "P491",
        "P4911",
        "P782",
        "P751",
        "P752",
        "P763",
        "P764",
    ]
)


@dataclass(frozen=True, slots=True)
class Seed:
    """One honest file: name with its ending, bytes, encoding of its text."""

    name: str
    data: bytes
    encoding: str = "utf-8"


@cache
def page_texts() -> dict[str, list[list[str]]]:
    """Dialect -> header and five front pages with planted dirt, cut to the columns above."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for dialect in DIALECTS:
            path = Path(folder, f"{dialect}.csv")
            dirt = None if dialect == "opendrg" else 0.4
            export(12, path, dialect=dialect, dirt=dirt, personal=False, seed=7)
            with path.open(encoding="utf-8", newline="") as file:
                header, *rows = csv.reader(file)
            kept = [at for at, name in enumerate(header) if dialect == "opendrg" or name.upper() in _WANTED]
            whole = [row for row in rows if len(row) == len(header)][:5]
            found[dialect] = [[row[at] for at in kept] for row in (header, *whole)]
    return found


def as_text(rows: list[list[str]], delimiter: str, encoding: str) -> bytes:
    """Rows as delimited text."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows(rows)
    return text.getvalue().encode(encoding)


def _written(rows: list[list[str]], ending: str) -> bytes:
    from drgengine.synth.exportfiles import write_table

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"a{ending}")
        write_table(path, rows[0], rows[1:], ["text"] * len(rows[0]), encoding="gb18030", delimiter=",")
        return path.read_bytes()


@cache
def page_seeds() -> tuple[Seed, ...]:
    """Front pages of all dialects as text, DBF and Parquet."""
    seeds = []
    for dialect, rows in page_texts().items():
        for at, (encoding, delimiter) in enumerate((("utf-8", ","), ("gb18030", "\t"), ("utf-8-sig", ";"))):
            seeds.append(Seed(f"{dialect}{at}.csv", as_text(rows, delimiter, encoding), encoding))
        seeds.append(
            Seed(f"{dialect}.parquet", _parquet(pa.table(dict(zip(rows[0], zip(*rows[1:], strict=True), strict=True)))))
        )
        if all(len(name) <= 10 and name.isascii() for name in rows[0]):
            seeds.append(Seed(f"{dialect}.dbf", _written(rows, ".dbf"), "gb18030"))
    return tuple(seeds)


@cache
def text_seeds() -> tuple[Seed, ...]:
    """Delimited text in every encoding that is read, also packed."""
    import gzip

    small = [["病案号", "dx", "备注"], ["1", "I10.x00", '肺,"炎"'], ["2", "", "多行\n文字"], ["3", "A18.8+I32.0*", " "]]
    some = [row[:9] for row in page_texts()["hqms"]]
    seeds = []
    for rows in (small, some):
        for encoding in ("utf-8", "utf-8-sig", "gb18030", "utf-16"):
            for delimiter, ending in ((",", ".csv"), ("\t", ".tsv"), (";", ".txt")):
                seeds.append(Seed(f"a{ending}", as_text(rows, delimiter, encoding), encoding))
        seeds.append(Seed("a.csv.gz", gzip.compress(as_text(rows, ",", "gb18030"), 1, mtime=0), "gb18030"))
    return tuple(seeds)


@cache
def parquet_seeds() -> tuple[Seed, ...]:
    """Flat, nested, dictionary-encoded and typed columns; several row groups; packed and not."""
    texts = pa.array(["I10.x00", None, "E11.900", ""] * 5)
    lists = pa.array([["I10.x00", "E11.900"], [], None, [None, ""]] * 5)
    typed = pa.table(
        {
            "dx": lists, "sex": pa.array([1, 2, None, 9] * 5, pa.int8()), "age": pa.array([0.5, None, -0.0, 63] * 5),
            "code": texts.dictionary_encode(), "day": pa.array([18000, None, 1, 0] * 5, pa.date32()),
            "time": pa.array([0, 1, None, 2] * 5, pa.timestamp("us", "UTC")), "big": pa.array([b"\xff", None, b"",
            b"x"] * 5),
            "deep": pa.array([[{"a": [1]}], None, [], [{"a": None}]] * 5), "price": pa.array([1, None, 2,
            3] * 5).cast(pa.decimal128(22, 2)),
        }
    )  # fmt: skip
    return (
        Seed("a.parquet", _parquet(typed, row_group_size=7)),
        Seed("b.parquet", _parquet(typed.select(["dx", "sex"]), compression="none", write_page_index=True)),
        Seed(
            "c.parquet", _parquet(pa.table({"code": texts, "n": range(20)}), compression="gzip", use_dictionary=False)
        ),
    )


def _parquet(table: pa.Table, **options: object) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


@cache
def dbf_seeds() -> tuple[Seed, ...]:
    """dBase files of two dialects."""
    return tuple(seed for seed in page_seeds() if seed.name.endswith(".dbf"))


@cache
def book_seeds() -> tuple[Seed, ...]:
    """Workbooks: .xlsx as the generator writes it, and the smallest .ods."""
    rows = [row[:8] for row in page_texts()["n041"][:3]]
    made = [Seed("a.xlsx", _written(rows, ".xlsx")), Seed("b.xlsm", _written(rows[:2], ".xlsx"))]
    cells = "".join(
        "<table:table-row>"
        + "".join(
            f'<table:table-cell office:value-type="string"><text:p>{cell or "-"}</text:p></table:table-cell>'
            for cell in row
        )
        + "</table:table-row>"
        for row in rows
    )
    spaces = " ".join(
        f'xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for short, name in (("office", "office"), ("table", "table"), ("text", "text"))
    )
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {spaces}><office:body><office:spreadsheet>'
        f'<table:table table:name="a">{cells}</table:table></office:spreadsheet></office:body>'
        "</office:document-content>"
    )
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        kind = "application/vnd.oasis.opendocument.spreadsheet"
        for name, part in (("mimetype", kind), ("content.xml", content), ("META-INF/manifest.xml", "<a/>")):
            archive.writestr(zipfile.ZipInfo(name), part)
    return (*made, Seed("c.ods", packed.getvalue()))


@cache
def map_seeds() -> tuple[Seed, ...]:
    """Mapping tables of diagnoses."""
    rows = [
        ["国临版编码", "名称", "医保版2.0编码"],
        ["I10.x00", "高血压", "I10.x00"],
        ["A18.808+I32.0*", "", "A17.000;A18.000"],
        ["E11.9", "", ""],
    ]
    return tuple(Seed("map.csv", as_text(rows, ",", encoding), encoding) for encoding in ("utf-8", "gb18030", "utf-16"))


@cache
def settlement_seed() -> dict[str, bytes]:
    """Name -> bytes of the tables of a settlement list."""
    with tempfile.TemporaryDirectory() as folder:
        export(4, Path(folder, "list"), dialect="settlement", personal=False, seed=7)
        return {path.name: path.read_bytes() for path in sorted(Path(folder, "list").iterdir())}
