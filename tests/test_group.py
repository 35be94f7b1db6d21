"""`group` in memory: every kind of table in, the same table and six columns out; anything else is refused."""

from __future__ import annotations

import copy
from collections.abc import Callable
from itertools import accumulate
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import drgengine as de
from drgengine.errors import CaseTableError, DrgEngineError, SchemeError
from drgengine.synth import sample

ANSWER = ["status", "mdc", "adrg", "drg", "severity", "reason"]
RESULT_TYPE = pa.dictionary(pa.int32(), pa.string())
PLAIN = ["case_id", "sex", "age_years", "age_days", "birth_weight_g", "los_days", "dx", "proc", "note"]


@pytest.fixture(scope="module")
def cases() -> pa.Table:
    table, _ = sample(300, seed=4, dirty_share=0.2)
    return table.append_column("note", pa.array([f"n{i}" for i in range(300)])).select(PLAIN)


@pytest.fixture(scope="module")
def expected(cases: pa.Table) -> list[dict[str, Any]]:
    return de.group(cases).select(ANSWER).to_pylist()


class Capsule:
    """An object that only speaks the Arrow stream protocol."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.table.__arrow_c_stream__(requested_schema)


def as_polars(table: pa.Table) -> Any:
    return pytest.importorskip("polars").from_arrow(table)


def as_pandas(table: pa.Table) -> Any:
    pytest.importorskip("pandas")
    return table.to_pandas()


def as_arrow_pandas(table: pa.Table) -> Any:
    return table.to_pandas(types_mapper=pytest.importorskip("pandas").ArrowDtype)


FORMS: dict[str, Callable[[pa.Table], Any]] = {
    "arrow table": lambda table: table,
    "record batch": lambda table: table.combine_chunks().to_batches()[0],
    "reader": lambda table: table.to_reader(max_chunksize=7),
    "arrow stream": Capsule,
    "dict of lists": lambda table: table.to_pydict(),
    "dict of arrays": lambda table: dict(zip(table.column_names, table.columns, strict=True)),
    "list of dicts": lambda table: table.to_pylist(),
    "pandas": as_pandas,
    "pandas with arrow types": as_arrow_pandas,
    "polars": as_polars,
}


@pytest.mark.parametrize("form", FORMS)
def test_every_kind_of_table(form: str, cases: pa.Table, expected: list[dict[str, Any]]) -> None:
    given = FORMS[form](cases)
    result = de.group(given)
    assert isinstance(result, pa.Table)
    assert result.column_names == [*PLAIN, *ANSWER]
    assert result.select(ANSWER).to_pylist() == expected
    assert result["note"].to_pylist() == cases["note"].to_pylist()


def test_the_input_is_not_changed(cases: pa.Table) -> None:
    given = cases.to_pydict()
    before = copy.deepcopy(given)
    de.group(given)
    assert given == before
    frame = as_pandas(cases)
    before_frame = frame.copy(deep=True)
    de.group(frame)
    assert list(frame.columns) == PLAIN
    assert frame.equals(before_frame)
    polars = as_polars(cases)
    de.group(polars)
    assert polars.columns == PLAIN
    schema, rows = cases.schema, cases.to_pylist()
    result = de.group(cases)
    assert (cases.schema, cases.to_pylist()) == (schema, rows)
    assert result.select(PLAIN).equals(cases)
    assert result.schema.field("dx") == cases.schema.field("dx")


def test_a_filtered_frame_keeps_its_rows_and_gains_no_index(cases: pa.Table, expected: list[dict[str, Any]]) -> None:
    frame = as_pandas(cases)
    part = frame[frame["los_days"] > 3].sort_values("note", ascending=False)
    result = de.group(part)
    assert result.column_names == [*PLAIN, *ANSWER]
    assert result["note"].to_pylist() == list(part["note"])
    assert result.select(ANSWER).to_pylist() == [expected[at] for at in part.index]


@pytest.mark.parametrize("threads", [1, 3])
def test_slices_and_chunks(threads: int, cases: pa.Table, expected: list[dict[str, Any]]) -> None:
    assert de.group(cases.slice(17, 101), threads=threads).select(ANSWER).to_pylist() == expected[17:118]
    pieces = [cases.slice(start, 13) for start in range(0, 300, 13)]
    chunked = pa.concat_tables([pieces[0], cases.slice(0, 0), *pieces[1:]])
    assert de.group(chunked, threads=threads).select(ANSWER).to_pylist() == expected
    ragged = chunked.set_column(PLAIN.index("sex"), "sex", cases["sex"].combine_chunks())
    assert de.group(ragged, threads=threads).select(ANSWER).to_pylist() == expected
    encoded = pa.concat_tables(
        [piece.set_column(0, "case_id", piece["case_id"].dictionary_encode()) for piece in pieces]
    )
    assert de.group(encoded, threads=threads).select(ANSWER).to_pylist() == expected


TEXT_TYPES = [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int16(), pa.string())]
LIST_TYPES: list[Callable[[pa.DataType], pa.DataType]] = [pa.list_, pa.large_list]


@pytest.mark.parametrize("text", TEXT_TYPES, ids=str)
@pytest.mark.parametrize("lists", LIST_TYPES, ids=["list", "large_list"])
def test_types_of_code_lists(
    lists: Callable[[pa.DataType], pa.DataType], text: pa.DataType, cases: pa.Table, expected: list[dict[str, Any]]
) -> None:
    table = cases
    for name in ("dx", "proc"):
        column = pa.array(cases[name].to_pylist(), lists(text))
        table = table.set_column(table.column_names.index(name), name, column)
    assert de.group(table).select(ANSWER).to_pylist() == expected


@pytest.mark.parametrize("kind", [pa.int8(), pa.uint64(), pa.float32(), pa.decimal128(6, 0), pa.string()], ids=str)
def test_types_of_numbers(kind: pa.DataType, cases: pa.Table, expected: list[dict[str, Any]]) -> None:
    table = cases
    for name in ("sex", "los_days"):
        column = pa.array([None if v is None else str(v) for v in cases[name].to_pylist()]).cast(kind)
        table = table.set_column(table.column_names.index(name), name, column)
    assert de.group(table).select(ANSWER).to_pylist() == expected


def test_result_columns_are_dictionaries(cases: pa.Table) -> None:
    result = de.group(cases)
    assert result.schema.types[-6:] == [RESULT_TYPE] * 6
    assert result.num_rows == cases.num_rows
    assert set(result["status"].to_pylist()) <= {"grouped", "ambiguous", "ungroupable", "invalid"}


def test_an_empty_table(cases: pa.Table) -> None:
    for empty in (cases.slice(0, 0), cases.schema.empty_table()):
        result = de.group(empty)
        assert (result.num_rows, result.column_names) == (0, [*PLAIN, *ANSWER])
        assert result.schema.types[-6:] == [RESULT_TYPE] * 6


def test_answers_of_each_status() -> None:
    table = {
        "dx": [["I50.900", "N17.900"], ["I10.x00x002"], ["I10.x00x002"], ["I10.x00x002"]],
        "proc": [[], ["06.4x00"], None, None],
        "sex": [1, 1, 1, 3],
        "age_years": [74, 60, 60, 60],
    }
    table["dx"][2] = ["I10"]
    assert [tuple(row.values()) for row in de.group(table).select(ANSWER).to_pylist()] == [
        ("grouped", "F", "FR2", "FR21", "MCC", None),
        ("ambiguous", "F", "FQY", "FQY", None, "operation_outside_mdc"),
        ("ungroupable", None, None, "0000", None, "principal_diagnosis_unknown"),
        ("invalid", None, None, None, None, "sex_invalid"),
    ]


def test_columns_prefix_and_scheme(cases: pa.Table, expected: list[dict[str, Any]]) -> None:
    renamed = cases.rename_columns(["geschlecht" if name == "sex" else name for name in PLAIN])
    result = de.group(renamed, columns={"geschlecht": "sex"}, prefix="x_")
    assert result.column_names[-6:] == [f"x_{name}" for name in ANSWER]
    assert result["x_drg"].to_pylist() == [row["drg"] for row in expected]
    again = de.group(result, "chs-drg-1.0", columns={"geschlecht": "sex"})
    assert again.column_names[-12:-6] == [f"x_{name}" for name in ANSWER]
    loaded = de.load_scheme("chs-drg-1.0")
    assert de.group(cases, loaded).select(ANSWER).equals(de.group(cases, scheme="chs-drg-1.0").select(ANSWER))


def test_a_result_is_not_grouped_over(cases: pa.Table) -> None:
    with pytest.raises(CaseTableError, match=r"status, mdc, adrg.*prefix"):
        de.group(de.group(cases))


REFUSED: dict[str, Any] = {
    "none": None,
    "a path": "cases.parquet",
    "a number": 5,
    "a generator": (row for row in ()),
    "an array": pa.array([1, 2]),
    "a dict of scalars": {"dx": "I10.x00x002", "sex": 1},
    "columns of several lengths": {"dx": [["I10.x00x002"]], "sex": [1, 2]},
    "a column of several types": {"dx": [["I10.x00x002"], [5]], "sex": [1, 2]},
    "an empty list": [],
    "a list of numbers": [1, 2],
    "a list of dicts and numbers": [{"dx": ["I10.x00x002"]}, 5],
    "a list of texts": ["I10.x00x002"],
    "an empty dict": {},
    "no diagnosis": {"sex": [1], "age_years": [63]},
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_table_of_cases_is_refused(what: str) -> None:
    with pytest.raises(CaseTableError) as refused:
        de.group(REFUSED[what])
    assert str(refused.value).startswith("cases: ")
    assert "\n" not in str(refused.value)


def test_a_column_of_two_types_is_refused_without_its_values() -> None:
    with pytest.raises(CaseTableError) as refused:
        de.group({"dx": [["I10.x00x002"], ["I10.x00x002"]], "guardian": [1, "张三"]})
    assert "张三" not in str(refused.value)


def test_a_scheme_that_is_none_is_refused(cases: pa.Table) -> None:
    with pytest.raises(SchemeError, match=r"chs-drg-9.*Nearest names: chs-drg"):
        de.group(cases, "chs-drg-9")
    with pytest.raises(SchemeError):
        de.group(cases, 5)


# ------------------------------------------------------------------------------------------------------- files


@pytest.mark.parametrize("options", [{"threads": -1}, {"batch_rows": 0}, {"batch_rows": -5}], ids=str)
def test_numbers_of_group_file_that_make_no_sense(cases: pa.Table, tmp_path: Path, options: dict[str, int]) -> None:
    pq.write_table(cases, tmp_path / "in.parquet")
    with pytest.raises((DrgEngineError, ValueError), match=next(iter(options))):
        de.group_file(tmp_path / "in.parquet", tmp_path / "out.parquet", **options)
    assert [p.name for p in tmp_path.iterdir()] == ["in.parquet"]


def not_utf8(*texts: bytes) -> pa.Array:
    """Text as some exporters write it into Parquet: GBK bytes under the name of UTF-8."""
    ends = accumulate(map(len, texts), initial=0)
    offsets = pa.py_buffer(b"".join(end.to_bytes(4, "little") for end in ends))
    return pa.StringArray.from_buffers(len(texts), offsets, pa.py_buffer(b"".join(texts)))


@pytest.mark.parametrize("column", ["dx", "dx in lists", "sex", "age_years"])
@pytest.mark.parametrize("where", ["memory", "file"])
def test_text_that_is_no_utf8(column: str, where: str, tmp_path: Path) -> None:
    """Either refused with file and column, or the one bad cell counts as unreadable; never a UnicodeDecodeError."""
    name = column.split()[0]
    good = {"dx": "I10.x00x002", "sex": "男", "age_years": "63"}[name]
    values: Any = not_utf8(good.encode(), "高".encode("gbk"))
    if column == "dx in lists":
        values = pa.ListArray.from_arrays(pa.array([0, 1, 2], pa.int32()), values)
    table = pa.table({"dx": [["I10.x00x002"]] * 2, "sex": [1] * 2, "age_years": [63] * 2} | {name: values})
    try:
        if where == "memory":
            statuses = de.group(table)["status"].to_pylist()
        else:
            pq.write_table(table, tmp_path / "in.parquet")
            de.group_file(tmp_path / "in.parquet", tmp_path / "out.parquet")
            statuses = pq.read_table(tmp_path / "out.parquet", columns=["status"])["status"].to_pylist()
    except DrgEngineError as error:
        refusal = str(error)
    else:
        refusal = ""
        assert statuses[0] == "grouped"
        assert statuses[1] in ("invalid", "ungroupable")
    assert not refusal or (name in refusal and ("in.parquet" in refusal or where == "memory"))
