"""Exports of invented discharges: layout, files, dirt planted where the truth says."""

from __future__ import annotations

import csv
import datetime
import gzip
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from drgengine.cases.issues import issue_rules
from drgengine.cli import app
from drgengine.errors import DrgEngineError, OutputFileError
from drgengine.formats.frontpage.schema import FRONT_PAGE_SCHEMA
from drgengine.synth import sample
from drgengine.synth.export import export
from drgengine.synth.exportdirt import dirt_kinds
from drgengine.synth.exportlayout import DIALECTS, HEADERS, load_layout, settlement_tables
from drgengine.synth.exportperson import identity_number
from drgengine.synth.settings import data

PAGES = ("hqms", "n041", "n042", "hn041", "hqms_p")


@pytest.fixture(scope="module")
def cases() -> pa.Table:
    drawn, _ = sample(2000, seed=3, dirty_share=0)
    infants = drawn.filter(pc.is_valid(drawn["age_days"]))
    return pa.concat_tables([infants.slice(0, 40), drawn.slice(0, 160)])


def _read(path: Path, encoding: str = "utf-8", delimiter: str = ",") -> list[list[str]]:
    with path.open(encoding=encoding, newline="") as file:
        return list(csv.reader(file, delimiter=delimiter))


# ---------------------------------------------------------------- layout
def test_hqms_has_the_columns_of_a_real_upload() -> None:
    layout = load_layout("hqms")
    codes = [column.code for column in layout.columns]
    assert len(codes) == len(set(codes)) == 811
    assert (layout.places("dx"), layout.places("proc")) == (41, 41)
    assert {"C06x40C", "C35x40C", "C47", "C50x05", "F05x40", "D34"} <= set(codes)


@pytest.mark.parametrize("dialect", [*PAGES, "opendrg"])
@pytest.mark.parametrize("style", HEADERS)
def test_headers_are_told_apart(dialect: str, style: str) -> None:
    headers = [column.header(style) for column in load_layout(dialect).columns]
    assert len(headers) == len(set(headers))


def test_layouts_agree_with_the_national_dictionary(shared: Path) -> None:
    with (shared / "reference" / "codes" / "hqms_field_dictionary.csv").open(encoding="utf-8-sig") as file:
        national = [row["code"] for row in csv.DictReader(file)]
    codes = [column.code for column in load_layout("hqms").columns]
    assert [code for code in codes if code in set(national)] == national


def test_settlement_tables_are_those_of_the_interface() -> None:
    assert set(settlement_tables()) == {"setlinfo", "diseinfo", "oprninfo", "icuinfo", "iteminfo"}


def test_check_digits_of_identity_numbers() -> None:
    weights = [2 ** (17 - place) % 11 for place in range(17)]
    for serial in range(30):
        number = identity_number(datetime.date(1990, 1, 1), serial)
        total = sum(weight * int(digit) for weight, digit in zip(weights, number, strict=False))
        assert (total + (10 if number[17] == "X" else int(number[17]))) % 11 == 1


# ---------------------------------------------------------------- clean stays
def test_a_clean_stay_is_consistent(cases: pa.Table, tmp_path: Path) -> None:
    truth = export(cases, tmp_path / "page.csv")
    assert truth.counts == {}
    assert truth.cases.schema == FRONT_PAGE_SCHEMA
    for row in truth.cases.to_pylist():
        assert row["admission_time"] < row["discharge_time"]
        assert row["los_days"] == max(1, (row["discharge_date"] - row["admission_date"]).days)
        assert all(row["admission_time"] <= when <= row["discharge_time"] for when in row["proc_date"])
        parts = sum(value for name, value in row.items() if name.startswith("charge_"))
        assert abs(row["total_charge"] - parts) < 0.01
        assert (row["age_days"] is None) == (row["age_years"] > 0)
    assert len(set(truth.cases["case_id"].to_pylist())) == cases.num_rows


@pytest.mark.parametrize("dialect", PAGES)
def test_cells_hold_the_cases(dialect: str, cases: pa.Table, tmp_path: Path) -> None:
    truth = export(cases, tmp_path / "page.csv", dialect=dialect)
    header, *rows = _read(truth.path)
    columns = {column.key: header.index(column.code) for column in load_layout(dialect).columns if column.key}
    for row, case in zip(rows, truth.cases.to_pylist(), strict=True):
        assert row[columns["record_no"]] == case["record_no"]
        assert row[columns["sex"]] == str(case["sex"])
        listed = [row[columns[f"dx.code.{place}"]] for place in range(len(case["dx"]))]
        if dialect != "hn041":
            assert listed == case["dx"]
        assert [row[columns[f"proc.code.{place}"]] for place in range(len(case["proc"]))] == case["proc"]
        assert row[columns["person.name"]] in truth.personal


def test_a_patient_is_one_person(cases: pa.Table, tmp_path: Path) -> None:
    twice = pa.concat_tables([cases.slice(0, 5), cases.slice(0, 5)])
    truth = export(twice, tmp_path / "page.csv")
    header, *rows = _read(truth.path)
    place = header.index("A20")
    assert [row[place] for row in rows[:5]] == [row[place] for row in rows[5:]]
    assert truth.cases["visit_no"].to_pylist() == ["1"] * 5 + ["2"] * 5


def test_without_persons_fillers_stand_there(cases: pa.Table, tmp_path: Path) -> None:
    truth = export(cases.slice(0, 5), tmp_path / "page.csv", personal=False)
    header, *rows = _read(truth.path)
    assert {row[header.index("A11")] for row in rows} == {"-"}
    assert truth.personal == frozenset()


# ---------------------------------------------------------------- dirt
@pytest.mark.parametrize("dialect", PAGES)
def test_dirt_stands_where_the_truth_says(dialect: str, cases: pa.Table, tmp_path: Path) -> None:
    counts = dict.fromkeys(dirt_kinds(dialect), 1)
    truth = export(cases, tmp_path / "page.csv", dialect=dialect, encoding="gb18030", header="both", dirt=counts)
    header, *rows = _read(truth.path, "gb18030")
    assert len(rows) == truth.rows == cases.num_rows + 1
    for line in truth.planted.to_pylist():
        row = rows[line["row"] - 1]
        if line["column"] is None:
            assert (line["rule"], len(row) == len(header)) == ("row_ragged", False)
        elif len(row) == len(header) and line["rule"] not in ("record_number_missing", "number_in_scientific_form"):
            assert row[header.index(line["column"])] == line["raw"]
    reported = set(truth.counts)
    expected = {rule for kind in counts for rule in data("export_dirt")["kind"][kind]["rules"]}
    assert reported - {"code_dagger_joined"} == expected - {"code_dagger_joined"}
    assert reported <= set(issue_rules())


def test_a_share_is_spread_over_the_kinds(cases: pa.Table, tmp_path: Path) -> None:
    truth = export(cases, tmp_path / "page.csv", dirt=0.2, seed=4)
    # 40 of 200 records, a few of them read without a word.
    assert 30 <= len(set(truth.planted["row"].to_pylist())) + sum(truth.fillers.values()) <= 44
    assert len(set(truth.planted["rule"].to_pylist())) >= 25


@pytest.mark.parametrize("name", ["page.csv", "page.xlsx", "page.parquet", "page.csv.gz"])
def test_same_seed_same_bytes(name: str, cases: pa.Table, tmp_path: Path) -> None:
    path = tmp_path / name
    made = []
    for seed in (1, 1, 2):
        export(cases.slice(0, 60), path, dialect="n041", dirt={"code_blanks": 3, "filler": 3}, seed=seed)
        made.append(path.read_bytes())
    assert made[0] == made[1] != made[2]


# ---------------------------------------------------------------- files
def test_encodings_and_delimiters(cases: pa.Table, tmp_path: Path) -> None:
    path = tmp_path / "page.txt"
    few = cases.slice(0, 5)
    export(few, path, encoding="utf-8-sig", delimiter="\t", header="both")
    assert path.read_bytes().startswith("\ufeff组织机构代码(A01)\t".encode())
    export(few, path, encoding="gb18030", delimiter=";")
    assert "虚构名称".encode("gb18030") in path.read_bytes()
    packed = tmp_path / "page.csv.gz"
    export(few, packed)
    assert gzip.decompress(packed.read_bytes()).startswith(b"A01,A02,A48")


def test_typed_files_hold_values(cases: pa.Table, tmp_path: Path) -> None:
    export(cases.slice(0, 5), tmp_path / "page.parquet")
    schema = pq.read_schema(tmp_path / "page.parquet")
    assert schema.field("D01").type == pa.float64()
    assert schema.field("B12").type == pa.timestamp("us")
    assert schema.field("A48").type == pa.string()
    wide = export(cases, tmp_path / "page.parquet", dirt={"text_full_width": 10})
    raws = set(wide.planted["raw"].to_pylist())
    assert raws <= {str(cell) for column in pq.read_table(wide.path).columns for cell in column.to_pylist()}


def test_dbase_has_its_shape(cases: pa.Table, tmp_path: Path) -> None:
    path = tmp_path / "old.dbf"
    export(cases.slice(0, 5), path, dialect="hqms_p")
    content = path.read_bytes()
    header, record = int.from_bytes(content[8:10], "little"), int.from_bytes(content[10:12], "little")
    assert int.from_bytes(content[4:8], "little") == 5
    assert (header - 33) // 32 == len(load_layout("hqms_p").columns)
    assert len(content) == header + 5 * record + 1
    assert "虚构名称".encode("gbk") in content


def test_settlement_tables_hold_every_code(cases: pa.Table, tmp_path: Path) -> None:
    truth = export(cases, tmp_path / "lists", dialect="settlement")
    header, *rows = _read(truth.path / "diseinfo.csv")
    codes = Counter(row[header.index("diag_code")] for row in rows)
    assert codes == Counter(code for codes in truth.cases["dx"].to_pylist() for code in codes)
    assert sum(row[header.index("maindiag_flag")] == "1" for row in rows) == cases.num_rows


# ---------------------------------------------------------------- what is refused
@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"dialect": "n043"}, ["'n043'", "hn041"]),
        ({"header": "latin"}, ["'latin'"]),
        ({"delimiter": "!"}, ["'!'"]),
        ({"encoding": "big5"}, ["'big5'", "gb18030"]),
        ({"dirt": {"stains": 1}}, ["stains"]),
        ({"dirt": {"age_days_differ": 90}}, ["age_days_differ", "more rows"]),
        ({"dirt": 0.9}, ["0.9"]),
        ({"dialect": "opendrg", "dirt": 0.1}, ["opendrg"]),
        ({"dialect": "n041", "dirt": {"hours_negative": 1}}, ["hours_negative"]),
    ],
)
def test_wrong_arguments_are_named(wrong: dict[str, object], words: list[str], cases: pa.Table, tmp_path: Path) -> None:
    with pytest.raises(DrgEngineError) as caught:
        export(cases.slice(40, 20), tmp_path / "page.csv", **wrong)  # type: ignore[arg-type]
    assert all(word in str(caught.value) for word in words)


@pytest.mark.parametrize(
    ("name", "how", "words"),
    [
        ("page.doc", {}, ["'.doc'", ".xlsx"]),
        ("page.dbf", {"dialect": "hqms"}, ["811", "dBase"]),
        ("nowhere/page.csv", {}, ["cannot be written"]),
        ("", {}, ["folder"]),
    ],
)
def test_impossible_files_are_refused(
    name: str, how: dict[str, str], words: list[str], cases: pa.Table, tmp_path: Path
) -> None:
    with pytest.raises(OutputFileError) as caught:
        export(cases.slice(40, 5), tmp_path / name, **how)  # type: ignore[arg-type]
    assert all(word in str(caught.value) for word in words)


# ---------------------------------------------------------------- command
def test_the_command_writes_export_and_truth(tmp_path: Path) -> None:
    page, truth = tmp_path / "page.csv", tmp_path / "planted.parquet"
    asked = ["synth", str(page), "--as", "hqms", "--encoding", "gb18030", "--rows", "200", "--dirty", "0.2"]
    done = CliRunner().invoke(app, [*asked, "--truth", str(truth)])
    assert done.exit_code == 0, done.output
    header, *rows = _read(page, "gb18030")
    assert (len(header), pq.read_table(truth).column_names[0]) == (811, "row")
    assert pq.read_table(truth).num_rows > 20
    assert len(rows) >= 200


def test_the_command_knows_the_dialects() -> None:
    from drgengine.commands import synth

    assert synth.DIALECTS == DIALECTS
