"""Hostile inputs end to end: nothing crashes, no row is lost, nothing of a cell is run by a spreadsheet or a browser.

The long run is benchmarks/fuzz_inputs.py; inputs that it once failed on are kept here. What a file may ask of memory is
in test_formats_limits.py.
"""

from __future__ import annotations

import csv
import re
import struct
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import drgengine
from drgengine import read_front_page
from drgengine.errors import DrgEngineError, InputFileError
from drgengine.formats import cleaning, convert_file, open_source, read_settlement
from drgengine.formats.cleaning.texts import mend_text
from drgengine.formats.codemaps import load_code_map
from drgengine.grouper.schemefile import load_scheme
from drgengine.quality import QualityCollector, write_page

FORMULAS = ("=1+1", "+cmd|' /C calc'!A0", "-2+3+cmd", "@SUM(A1)", "\t=1+1", "\r=1+1")
SCRIPT = "<script>alert('1')</script>"
# Parts of which hostile cells are made: quotes, mojibake, formulas, signs of other scripts, numbers beyond measure.
PARTS = ["I10.x00", "A18.8†I32.0*", "+", ";", "、", " ", "\u3000", '"', "'", "\r\n", ",", "3月", "1/12",
"2019-02-30", "43831", "1e308",
         "-5", "￥1,2", "3200/2800", "NULL", "—", "１２", "²", "\u200b", "\u2028", "ﷺ", "🏥", "=1", "<b>",
         "x" * 40, "男", "24:00"]  # fmt: skip
hostile = st.lists(st.sampled_from(PARTS), max_size=4).map("".join) | st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufffd"), max_size=12
)
HEADER = ["BAH", "ZYCS", "XB", "CSRQ", "NL", "BZYZSNL", "XSECSTZ", "RYSJ", "RYSJS", "CYSJ", "CYKB", "SJZYTS",
"LYFS", "JBDM",
          "JBDM1", "JBDM2", "RYBQ1", "SSJCZBM1", "SSJCZRQ1", "SSJCZBM2", "ZFY", "YLFUF", "BLZD", "H23"]  # fmt: skip


def write_csv(path: Path, header: list[str], rows: list[list[str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows([header, *rows])
    return path


def one_line(error: DrgEngineError) -> None:
    assert len(str(error).splitlines()) == 1
    assert str(error).encode()


# ------------------------------------------------------------------ whatever stands in the cells


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cells=st.lists(hostile, min_size=25, max_size=25), turn=st.integers(1, 24))
def test_front_pages_of_hostile_cells_lose_no_row(tmp_path: Path, cells: list[str], turn: int) -> None:
    rows = [[str(row), *(cells[(row * turn + at) % 25] for at in range(len(HEADER))), cells[row]] for row in range(20)]
    path = write_csv(tmp_path / "pages.csv", ["ROW_TAG", *HEADER, "NOTE"], rows)
    try:
        pages = read_front_page(path, "n041", code_edition="insurance", keep=("ROW_TAG", "NOTE"))
    except InputFileError as error:
        one_line(error)
        # Texts that turn Chinese when read in another encoding are refused, rightly or not.
        if "garbled" not in error.problem:
            raise
        return
    assert pages.table["ROW_TAG"].to_pylist() == [row[0] for row in rows]
    assert pages.table["NOTE"].to_pylist() == [row[-1] for row in rows]
    assert all(1 <= row <= 20 for row in pages.issues["row"].to_pylist())
    assert pages.cases.num_rows + pages.superseded.num_rows == 20
    grouped = drgengine.group(pages)
    assert grouped.num_rows == pages.cases.num_rows
    assert grouped["status"].null_count == 0


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=40), at=st.integers(0, 400), cut=st.integers(0, 30))
def test_changed_bytes_of_other_tables_are_read_or_refused(tmp_path: Path, data: bytes, at: int, cut: int) -> None:
    table = "国临版编码,医保版编码\nI10.x00,I10.x00\nA18.808,A17.000;A18.000\n".encode("gb18030")
    (tmp_path / "map.csv").write_bytes(table[:at] + data + table[at + cut :])
    folder = tmp_path / "list"
    folder.mkdir(exist_ok=True)
    tables = {
        "setlinfo.csv": b"setl_id,gend,age\nS1,1,60\nS2,2,61\n",
        "diseinfo.csv": b"setl_id,diag_code,maindiag_flag\nS1,I10,1\n",
    }
    for number, (name, whole) in enumerate(tables.items()):
        changed = whole[:at] + data + whole[at + cut :] if at % 2 == number else whole
        (folder / name).write_bytes(changed)
    for read in (lambda: load_code_map(tmp_path / "map.csv"), lambda: read_settlement(folder)):
        try:
            read()
        except DrgEngineError as error:
            one_line(error)


@pytest.mark.parametrize(
    "values",
    [
        pa.array([float("nan"), float("inf"), -float("inf"), -0.0, 1e308, 5e-324, None]),
        pa.array([2**63 - 1, -(2**63), 0, None, 131, -1, 20190102]),
        pa.array([2**64 - 1, 0, 1, 2, 3, 4, None], pa.uint64()),
        pa.array([-(2**31), 2**31 - 1, 0, None, 1, 2, 3], pa.int32()).view(pa.date32()),
        pa.array([-(2**63), 2**63 - 1, 0, None, 1, 2, 3]).view(pa.timestamp("s")),
        pa.array([-(2**63), 2**63 - 1, 0, None, 1, 2, 3]).view(pa.timestamp("ns", "UTC")),
        pa.array([True, False, None] * 2 + [True]),
        pa.nulls(7),
    ],
    ids=lambda values: str(values.type),
)
def test_typed_extremes(values: pa.Array) -> None:
    """Every cleaner takes every type; grouping takes or politely refuses the column."""
    for clean in (
        cleaning.clean_dates, cleaning.clean_weights, cleaning.clean_charges, cleaning.clean_identifier,
        cleaning.clean_department, cleaning.clean_hours, cleaning.clean_stay_days,
        lambda *given: cleaning.clean_domain(*given, "sex"),
    ):  # fmt: skip
        cleaned = clean(values, "c", 11)
        assert len(cleaned.values) == 7
        assert all(11 <= row <= 17 for issue in cleaned.issues for row in issue.rows.tolist())
    years, days = cleaning.clean_ages(values, values, None, None, 1, years_column="y", days_column="d")
    assert len(years.values) == len(days.values) == 7
    for name in ("sex", "age_years", "age_days", "stay_days", "birth_weight_g", "admission_date"):
        try:
            done = drgengine.group({"dx": [["I10.x00"]] * 7, name: values})
        except DrgEngineError as error:
            one_line(error)
        else:
            assert done["status"].null_count == 0


def test_ten_thousand_codes_in_one_list() -> None:
    lists = [["I10.x00"] * 10_000, [], None, [None, ""], ["I21.001"]]
    done = drgengine.group({"row": range(5), "dx": lists, "proc": [[], None, ["51.2300"] * 10_000, [], []]})
    assert done["row"].to_pylist() == [0, 1, 2, 3, 4]
    assert done["status"].null_count == 0


# ------------------------------------------------------------------ what the long run found


def no_utf8(values: list[bytes]) -> pa.Array:
    offsets = np.cumsum([0, *map(len, values)]).astype(np.int32)
    return pa.Array.from_buffers(
        pa.string(), len(values), [None, pa.py_buffer(offsets), pa.py_buffer(b"".join(values))]
    )


def test_parquet_text_that_is_no_utf8(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    honest = {"BAH": ["1", "2"], "XB": ["1", "2"], "JBDM": ["I10.x00", "I10.x00"]}
    pq.write_table(pa.table({**honest, "JBDM": no_utf8([b"I10.x00", b"I\xff0"])}), path)
    with pytest.raises(InputFileError, match="garbled"):
        read_front_page(path, "n041", code_edition="insurance")
    pq.write_table(pa.table({**honest, "H23": no_utf8([b"\xed\xa0\x80", b"W19"])}), path)
    table = read_front_page(path, "n041", code_edition="insurance").table
    assert table["external_cause"].to_pylist() == ["\ufffd" * 3, "W19"]


def dbf_of(cells: list[bytes]) -> bytes:
    """A dBase III table with one text column."""
    width = len(cells[0])
    head = struct.pack("<B3BIHH20x", 3, 24, 1, 1, len(cells), 65, 1 + width)
    field = struct.pack("<11scIBB14x", b"NAME_X", b"C", 0, width, 0)
    return head + field + b"\r" + b"".join(b" " + cell for cell in cells) + b"\x1a"


@pytest.mark.parametrize("kind", [pa.string(), pa.binary()], ids=str)
def test_bytes_that_are_no_utf8_in_any_table(tmp_path: Path, kind: pa.DataType) -> None:
    bad = no_utf8([b"\xff\xfe", b"\xed\xa0\x80"]).cast(kind, safe=False)
    page = {"BAH": ["1", "2"], "JBDM": ["I10.x00"] * 2, "BLZD": bad, "SFZH": bad, "CYKB": bad, "NL": bad}
    pq.write_table(pa.table(page), tmp_path / "a.parquet")
    assert read_front_page(tmp_path / "a.parquet", "n041", code_edition="clinical", salt="0" * 16).table.num_rows == 2
    (tmp_path / "list").mkdir()
    stays = ["S1", "S2"]
    tables = {
        "setlinfo": {"setl_id": stays, "gend": ["1", "2"], "age": ["60", "61"], "hi_type": bad, "nwb_age": bad},
        "diseinfo": {"setl_id": stays, "diag_code": ["I10.x00"] * 2, "maindiag_flag": ["1"] * 2, "diag_type": bad},
        "oprninfo": {"setl_id": stays, "oprn_oprt_code": ["51.2300"] * 2, "oprn_oprt_type": bad, "oprn_oprt_lv": bad},
        "icuinfo": {"setl_id": stays, "scs_cutd_inpool_time": bad, "scs_cutd_exit_time": bad, "scs_cutd_sum_dura": bad},
    }
    for name, columns in tables.items():
        pq.write_table(pa.table(columns), tmp_path / "list" / f"{name}.parquet")
    assert read_settlement(tmp_path / "list").table.num_rows == 2


def test_messages_of_strange_headers_are_one_line(tmp_path: Path) -> None:
    for header in ("国\x85码,医保版编码", "国\x1c码,\u2028", "a,b\x1d"):
        (tmp_path / "map.csv").write_text(f"{header}\nI10.x00,I10.x00\n", encoding="utf-8")
        with pytest.raises(InputFileError) as caught:
            load_code_map(tmp_path / "map.csv")
        one_line(caught.value)


def test_cells_that_end_in_half_a_character_are_counted_alike_in_all_batches(tmp_path: Path) -> None:
    path = tmp_path / "a.dbf"
    path.write_bytes(dbf_of([b"\xb7\xce\xd1"] * 6))
    told = []
    for batch_rows in (2, 100):
        with open_source(path, batch_rows=batch_rows) as source:
            assert sum(batch.num_rows for batch in source.batches()) == 6
            told.append(source.remarks)
    assert told[0] == told[1] == ("6 texts end in half a character, which is left out",)


def test_charges_beyond_all_measure(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(
        pa.table({"BAH": ["1"], "JBDM": ["I10.x00"], "ZFY": [1e307], "YLFUF": [1e308], "ZLCZF": [1e308]}), path
    )
    pages = read_front_page(path, "n041", code_edition="insurance")
    assert pages.table["total_charge"].to_pylist() == [None]
    assert pages.issues["rule"].to_pylist().count("number_unreadable") == 3


LONG = [
    "a" + " " * 60_000 + "b", "1" * 60_000 + "x", "†" + "0" * 60_000, "１" * 30_000, "1 " * 30_000 + "1", "(" * 60_000,
    "1." * 30_000, "I10.x00 " * 7_500 + "x", "†" * 60_000, "3月" * 20_000,
]  # fmt: skip


@pytest.mark.parametrize("text", LONG, ids=lambda text: repr(text[:3]))
def test_long_cells_take_no_quadratic_time(text: str) -> None:
    values = pa.array([text])
    started = time.process_time()
    mend_text(text)
    cleaning.clean_dates(values, "c", 1)
    cleaning.clean_ages(values, values, None, None, 1, years_column="y", days_column="d")
    cleaning.clean_charges(values, "c", 1)
    cleaning.clean_weights(values, "c", 1)
    cleaning.clean_identifier(values, "c", 1)
    cleaning.clean_hours(values, "c", 1)
    cleaning.clean_stay_days(values, "c", 1)
    cleaning.clean_domain(values, "c", 1, "payment")
    cleaning.clean_code_list(values, "c", "dx", 1, known=frozenset())
    drgengine.group({"dx": values, "age_years": values})
    assert time.process_time() - started < 2


# ------------------------------------------------------------------ formulas and scripts, end to end


@pytest.fixture(scope="module")
def injected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A front page export with a formula or a script in every cell, and its header too."""
    folder = tmp_path_factory.mktemp("injected")
    rows = [[text] * len(HEADER) + ["-5.5", text] for text in (*FORMULAS, SCRIPT)]
    stay = ["7", "1", "1", "1960-01-01", "60", "", "", "2019-01-02", "8", "2019-01-05"]
    for text in (*FORMULAS, SCRIPT):
        codes = [text, "3", "1", "I10.x00", "E11.900", *[""] * 5, "-100.5", "-100.5", text, ""]
        rows.append([*stay, *codes, "-5.5", text])
    return write_csv(folder / "<script>x<script>.csv", [*HEADER, "ZFJE", "=NOTE"], rows)


@pytest.mark.parametrize("ending", [".csv", ".csv.gz", ".parquet"])
def test_no_formula_leaves_in_a_file_for_spreadsheets(injected: Path, tmp_path: Path, ending: str) -> None:
    out, issues = tmp_path / f"cases{ending}", tmp_path / f"issues{ending}"
    summary = convert_file(
        injected, out, "n041", code_edition="insurance", issues=issues, keep=("=NOTE",), duplicates="keep"
    )
    assert summary.rows_written == 14
    if ending == ".parquet":
        # Parquet is no spreadsheet: texts stay as they are.
        assert pq.read_table(out)["=NOTE"].to_pylist()[:7] == [*FORMULAS, SCRIPT]
        return
    with open_source(out, keep_personal=True) as source:
        table = pa.Table.from_batches(list(source.batches()))
    for path in (out, issues):
        with open_source(path, keep_personal=True) as source:
            assert not [name for name in source.schema.names if name[:1] in "=+-@\t\r"]
            for batch in source.batches():
                for name, column in zip(batch.schema.names, batch.columns, strict=True):
                    dangerous = [text for text in column.to_pylist() if text and text[0] in "=+-@\t\r"]
                    # Numbers of numeric columns and a lone filler are no formulas.
                    assert all(re.fullmatch(r"-|[+-]?\d+(\.\d+)?", text) for text in dangerous), (
                        path.name,
                        name,
                        dangerous,
                    )
    assert table["'=NOTE"].to_pylist()[:2] == ["'=1+1", "'+cmd|' /C calc'!A0"]
    assert set(table["total_charge"].to_pylist()[7:]) == {"-100.5"}
    assert set(table["self_paid"].to_pylist()) == {"-5.5"}


@pytest.mark.parametrize("language", ["zh", "en"])
def test_no_script_reaches_the_page(injected: Path, tmp_path: Path, language: str) -> None:
    collector = QualityCollector(load_scheme("chs-drg-2.0"))
    out = tmp_path / "cases.parquet"
    convert_file(injected, out, "n041", code_edition="insurance", on_batch=collector.add)
    made = collector.report(source=injected.name, profile="<i>n041</i>", code_edition="insurance", counted={})
    text = write_page(made, tmp_path / "quality.html", language).read_text(encoding="utf-8")
    assert "<script" not in text
    assert "<i>" not in text
    assert "&lt;script&gt;" in text
