"""Front pages of every dialect become the same table; nothing of a person leaves; nothing depends on the batches."""

from __future__ import annotations

import datetime as dt
import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import drgengine
from drgengine import read_front_page
from drgengine.errors import DrgEngineError, InputFileError
from drgengine.formats import open_front_page
from drgengine.formats.frontpage.schema import FRONT_PAGE_SCHEMA

Row = dict[str, str]
NAME, ID_NUMBER, PHONE = "张三丰", "11010519491231002X", "13912345678"
SALT = "0123456789abcdef"

# One stay as five offices export it.
HQMS: Row = {
    "A01": "H1", "A48": "000017", "A49": "2", "A11": NAME, "A20": ID_NUMBER, "A27": PHONE, "A12C": "1",
    "A13": "1960-05-06", "A14": "58", "A16": "-", "B12": "2019-01-02 08:00:00", "B15": "2019-01-05 10:00:00",
    "B11C": "2", "B13C": "03.01", "B16C": "04.02", "B20": "3", "B34C": "1", "B36C": "1", "A46C": "01",
    "C03C": "K80.000", "C04N": "胆囊结石", "C05C": "1", "C06x01C": "E11.900", "C08x01C": "4", "C06x02C": "I10.x00",
    "C08x02C": "2", "C14x01C": "51.2300", "C16x01": "2019-01-03 09:00:00", "C17x01": "3", "C35x01C": "54.2100",
    "C37x01": "2019-01-03 09:30:00", "C38x01": "2", "D01": "1500.50", "D09": "500.50", "D11": "300.50", "D20": "1000",
    "D20x01": "200", "D20x02": "800", "D23": "200", "D23x01": "50",
}  # fmt: skip
N041: Row = {
    "USERNAME": "H1", "BAH": "000017", "ZYCS": "2", "XM": NAME, "SFZH": ID_NUMBER, "DH": PHONE, "XB": "1",
    "CSRQ": "1960-05-06", "NL": "58", "BAYZSNL": "-", "RYSJ": "2019-01-02", "RYSJS": "8", "CYSJ": "2019-01-05",
    "CYSJS": "10", "RYTJ": "2", "RYKB": "03.01", "CYKB": "04.02", "SJZYTS": "3", "LYFS": "1", "SFZZYJH": "1",
    "YLFKFS": "1", "JBBM": "R10.400", "ZYZD": "胆囊结石", "JBDM": "K80.000", "RYBQ": "1", "JBDM1": "E11.900",
    "RYBQ1": "4", "JBDM2": "I10.x00", "RYBQ2": "2", "SSJCZBM1": "51.2300", "SSJCZRQ1": "2019-01-03 09:00:00",
    "SHJB1": "3", "SSJCZBM2": "54.2100", "SSJCZRQ2": "2019-01-03 09:30:00", "SHJB2": "2", "ZFY": "1500.50",
    "ZFJE": "500.50", "YLFUF": "300.50", "SSZLF": "1000", "MAF": "200", "SSF": "800", "XYF": "200", "KJYWF": "50",
}  # fmt: skip
_WITHOUT_DX = {k: v for k, v in N041.items() if k not in ("JBDM", "JBDM1", "JBDM2", "JBBM")}
N042 = {**_WITHOUT_DX, "ZYZD_JBBM": "K80.000", "ZYZD_JBBM1": "E11.900", "ZYZD_JBBM2": "I10.x00", "ZB_JBBM": "A01"}
_WITHOUT_PROC = {k: v for k, v in _WITHOUT_DX.items() if not k.startswith("SSJCZBM")}
HN041 = {
    **_WITHOUT_PROC, "XY_JBDM": "K80.000", "XY_FJBM": "", "XY_JBDM1": "E11.900", "XY_JBDM2": "I10.x00",
    "SSBM1_S": "51.2300", "SSBM2_S": "54.2100",
}  # fmt: skip
HQMS_P: Row = {
    "P900": "H1", "P3": "000017", "P2": "2", "P4": NAME, "P13": ID_NUMBER, "P5": "1", "P6": "1960-05-06", "P7": "58",
    "P22": "2019-01-02 08:00:00", "P25": "2019-01-05 10:00:00", "P804": "2", "P23": "03.01", "P26": "04.02",
    "P27": "3", "P741": "1", "P830": "1", "P1": "1", "P321": "K80.000", "P805": "1", "P324": "E11.900",
    "P806": "4", "P327": "I10.x00", "P807": "2", "P490": "51.2300", "P491": "2019-01-03 09:00:00", "P820": "3",
    "P4911": "54.2100", "P4912": "2019-01-03 09:30:00", "P821": "2", "P782": "1500.50", "P751": "500.50",
    "P752": "300.50", "P763": "1000", "P764": "200", "P765": "800", "P769": "200", "P770": "50",
}  # fmt: skip
EXPORTS = {"hqms": HQMS, "n041": N041, "n042": N042, "hn041": HN041, "hqms_p": HQMS_P}
STAY: dict[str, Any] = {
    "source_row": 1,
    "case_id": "000017-2", "hospital_id": "H1", "record_no": "000017", "visit_no": "2", "sex": 1, "age_years": 58,
    "admission_time": dt.datetime(2019, 1, 2, 8), "discharge_time": dt.datetime(2019, 1, 5, 10),
    "admission_date": dt.date(2019, 1, 2), "discharge_date": dt.date(2019, 1, 5), "los_days": 3,
    "admission_route": "2", "planned_readmission": "1", "payment": "01", "admission_department_id": "03.01",
    "department_id": "04.02", "discharge_disposition": 1, "dx": ["K80.000", "E11.900", "I10.x00"],
    "dx_condition": ["1", "4", "2"], "dx_source": ["K80.000", "E11.900", "I10.x00"], "dx_status": ["as_given"] * 3,
    "proc": ["51.2300", "54.2100"], "proc_source": ["51.2300", "54.2100"], "proc_status": ["as_given"] * 2,
    "proc_date": [dt.datetime(2019, 1, 3, 9), dt.datetime(2019, 1, 3, 9, 30)], "proc_level": ["3", "2"],
    "total_charge": 1500.5, "self_paid": 500.5, "charge_general_service": 300.5, "charge_surgical_treatment": 1000.0,
    "charge_western_drug": 200.0, "of_which_anaesthesia": 200.0, "of_which_operation": 800.0,
    "of_which_antibacterial": 50.0,
}  # fmt: skip


def export(path: Path, rows: list[Row], *, encoding: str = "gb18030", delimiter: str = ",", seed: int = 0) -> Path:
    """A text export of the rows; a seed shuffles the columns."""
    headers = list(dict.fromkeys(header for row in rows for header in row))
    if seed:
        random.Random(seed).shuffle(headers)
    lines = [headers, *([row.get(header, "") for header in headers] for row in rows)]
    text = "\r\n".join(delimiter.join(f'"{cell}"' for cell in line) for line in lines)
    path.write_text(text + "\r\n", encoding=encoding)
    return path


def filled(table: pa.Table) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if value is not None} for row in table.to_pylist()]


def rules(pages: Any) -> list[tuple[int, str, str]]:
    return [(line["row"], line["column"], line["rule"]) for line in pages.issues.to_pylist()]


@pytest.mark.parametrize("dialect", EXPORTS)
def test_one_stay_is_the_same_in_every_dialect(dialect: str, tmp_path: Path) -> None:
    path = export(tmp_path / "export.csv", [EXPORTS[dialect]], seed=3)
    pages = read_front_page(path, code_edition="insurance")
    assert (pages.profile, pages.table.schema) == (dialect, FRONT_PAGE_SCHEMA)
    assert filled(pages.table) == [STAY]
    assert rules(pages) == []


@pytest.mark.parametrize(
    ("encoding", "delimiter", "ending"),
    [("gb18030", ",", "csv"), ("utf-8-sig", ";", "csv"), ("utf-8", "\t", "txt"), ("utf-16", ",", "csv")],
)
def test_encodings_and_delimiters(encoding: str, delimiter: str, ending: str, tmp_path: Path) -> None:
    path = export(tmp_path / f"export.{ending}", [HQMS], encoding=encoding, delimiter=delimiter)
    assert filled(read_front_page(path, code_edition="insurance").table) == [STAY]


def test_typed_parquet_is_read_too(tmp_path: Path) -> None:
    columns: dict[str, Any] = {name: [value] for name, value in HQMS.items()}
    columns |= {"A12C": [1], "A14": [58], "D01": [1500.5], "B12": [dt.datetime(2019, 1, 2, 8)]}
    columns |= {"A13": [dt.date(1960, 5, 6)], "B20": [3]}
    pq.write_table(pa.table(columns), tmp_path / "export.parquet")
    assert filled(read_front_page(tmp_path / "export.parquet", code_edition="insurance").table) == [STAY]


DIRTY: list[Row] = [
    {**HQMS, "C06x01C": "", "C06x03C": "j18.900", "C08x03C": "无", "A12C": "男", "D01": "1,500.50", "B20": ""},
    {**HQMS, "A48": "18", "C03C": "", "A14": "3月", "A13": "", "B15": "2019-01-01 10:00:00", "C35x01C": "51.2300",
     "C37x01": "2019-01-03 09:00:00"},
    {**HQMS, "A48": "", "A13": "1960/5/6", "D20x02": "1100", "A17": "3.2", "C47": "12",
     "C49x01": "2019-01-03 08:00:00", "C50x01": "2019-01-03 20:30:00", "C49x02": "2019-01-04", "C50x02": "2019-01-05"},
    {**HQMS, "B15": "2019-01-06 10:00:00"},
    {**HQMS, "B15": "2019-01-04 10:00:00", "B20": "2"},
]  # fmt: skip


def test_dirt_is_mended_and_told_by_row_and_header(tmp_path: Path) -> None:
    pages = read_front_page(export(tmp_path / "export.csv", DIRTY), code_edition="insurance")
    first, second, third, *_ = filled(pages.table)
    assert first["dx"] == ["K80.000", "", "I10.x00", "J18.900"]
    assert first["dx_condition"] == ["1", "4", "2", "4"]  # 无 is a word of this domain
    assert (first["los_days"], first["total_charge"]) == (3, 1500.5)
    assert second["dx"][:2] == ["", "E11.900"]
    assert "case_id" not in third
    assert (third["icu_hours"], third["ventilator_hours"], third["admission_weight_g"]) == (36.5, 12.0, 3200)
    assert {
        (1, "A12C", "domain_word"),
        (1, "C06x01C", "code_hole"),
        (1, "C06x03C", "code_lower_case"),
        (1, "D01", "charge_separators"),
        (2, "A14", "age_with_unit"),
        (2, "B15", "discharge_before_admission"),
        (2, "C03C", "principal_missing"),
        (2, "C35x01C", "procedure_repeated"),
        (3, "A13", "date_rewritten"),
        (3, "A17", "weight_in_kg"),
        (3, "A48", "record_number_missing"),
        (3, "D20x02", "charge_part_above_whole"),
        (5, "A48", "record_superseded"),
    } <= set(rules(pages))
    assert pages.summary.counted[("A16", "filler")] == 5


def test_the_last_upload_by_discharge_counts(tmp_path: Path) -> None:
    rows = [HQMS, {**HQMS, "A49": "3"}, {**HQMS, "B15": ""}, HQMS, {**HQMS, "A48": ""}, {**HQMS, "A48": ""}]
    pages = read_front_page(export(tmp_path / "export.csv", rows), code_edition="insurance")
    assert pages.superseded.to_pylist() == [{"row": 1, "counts": 4}, {"row": 3, "counts": 4}]
    hints = [line["hint"] for line in pages.issues.to_pylist() if line["rule"] == "record_superseded"]
    assert hints == ["row 4", "row 4"]


def test_without_a_visit_number_the_admission_tells_the_stays_apart(tmp_path: Path) -> None:
    plain = {name: value for name, value in HQMS.items() if name != "A49"}
    rows = [plain, {**plain, "B12": "2019-01-01 08:00:00", "B20": "4"}, plain, {**plain, "B12": ""}]
    pages = read_front_page(export(tmp_path / "export.csv", [*rows, rows[-1]]), code_edition="insurance")
    assert pages.superseded.to_pylist() == [{"row": 1, "counts": 3}]


@pytest.mark.parametrize("batch_rows", [1, 2, 3])
def test_nothing_depends_on_the_batches(batch_rows: int, tmp_path: Path) -> None:
    path = export(tmp_path / "export.csv", DIRTY)
    whole = read_front_page(path, code_edition="clinical", salt=SALT)
    parts = read_front_page(path, code_edition="clinical", salt=SALT, batch_rows=batch_rows)
    assert parts.table.equals(whole.table)
    assert parts.issues.equals(whole.issues)
    assert parts.superseded.equals(whole.superseded)
    assert parts.summary.counted == whole.summary.counted
    assert parts.summary.issues == whole.summary.issues


def test_nothing_of_a_person_leaves(tmp_path: Path) -> None:
    rows = [{**row, "A13": "1960年5月6日", "A32": NAME, "C18x01": NAME} for row in DIRTY]
    for salt in (None, SALT):
        pages = read_front_page(export(tmp_path / "export.csv", rows), code_edition="insurance", salt=salt)
        written = f"{pages.table.to_pylist()}{pages.issues.to_pylist()}{pages.summary.as_dict()}"
        written += f"{pages.summary.issues.examples}"
        assert [secret for secret in (NAME, ID_NUMBER, ID_NUMBER[:-1], PHONE, "1960") if secret in written] == []
        assert (1, "A13", "date_rewritten") in rules(pages)
        assert set(pages.summary.dropped) == {"A11", "A20", "A27", "A32", "C18x01"}
        assert (pages.table["patient_id"].null_count == 0) is (salt is not None)


def test_pseudonyms_hold_over_files_and_differ_by_salt(tmp_path: Path) -> None:
    old = {**HQMS, "A20": "110105491231002"}
    unknown = {**HQMS, "A20": "-"}
    path = export(tmp_path / "export.csv", [HQMS, old, unknown, {**HQMS, "A20": ID_NUMBER.lower()}])
    one, same, none, lower = read_front_page(path, code_edition="insurance", salt=SALT).table["patient_id"].to_pylist()
    other = read_front_page(path, code_edition="insurance", salt=SALT[::-1]).table["patient_id"][0].as_py()
    assert (same, lower, none) == (one, one, None)
    assert other != one
    with pytest.raises(DrgEngineError, match="16 are needed"):
        read_front_page(path, code_edition="insurance", salt="short")


def test_a_ragged_row_stays_in_its_place(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text("A48,A12C,C03C\n1,1,I10.x00\n2,1\n3,2,J18.900\n", encoding="utf-8")
    pages = read_front_page(path, code_edition="insurance")
    assert pages.table["record_no"].to_pylist() == ["1", None, "3"]
    assert (2, "", "row_ragged") in rules(pages)
    assert pages.summary.rows_ragged == 1


def test_headers_and_totals_among_the_rows_are_no_cases(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    body = "1,7,I10.x00\n序号,A48,C03C\n序号,病案号,主要诊断编码\n2,8,J18.900\n合 计：,2,\n"
    path.write_text("序号,A48,C03C\n" + body, encoding="utf-8")
    pages = read_front_page(path, code_edition="insurance")
    assert pages.table["record_no"].to_pylist() == ["7", None, None, "8", None]
    assert pages.table["dx"].to_pylist() == [["I10.x00"], [], [], ["J18.900"], []]
    told = {(2, "C03C", "row_is_header"), (3, "C03C", "row_is_header"), (5, "序号", "row_is_total")}
    assert {line for line in rules(pages) if line[2].startswith("row_")} == told
    assert read_front_page(path, code_edition="insurance", batch_rows=1).issues.equals(pages.issues)


@pytest.mark.parametrize("batch_rows", [1, 100])
def test_a_delimiter_behind_every_row_is_no_cell(batch_rows: int, tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text('A48,C03C\n1,I10.x00,\n2,I10.x00,\n"3",J18.900\n4,J18.900,x\n5,J18.900,\n', encoding="utf-8")
    with pytest.raises(InputFileError, match="4 of the first 5 rows"):
        read_front_page(path, code_edition="insurance")
    path.write_text(path.read_text("utf-8").replace(",x", ","), encoding="utf-8")
    pages = read_front_page(path, code_edition="insurance", batch_rows=batch_rows)
    assert pages.table["record_no"].to_pylist() == ["1", "2", "3", "4", "5"]
    assert pages.summary.rows_ragged == 0
    assert "one delimiter more" in pages.summary.remarks[0]


def test_a_filled_cell_behind_the_header_is_found_late(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text("A48,C03C\n" + "1,I10.x00,\n" * 1100 + "2,I10.x00,x\n3,J18.900,\n", encoding="utf-8")
    pages = read_front_page(path, code_edition="insurance")
    assert pages.table["record_no"].to_pylist()[-2:] == [None, "3"]
    assert (1101, "", "row_ragged") in rules(pages)


def test_columns_to_keep(tmp_path: Path) -> None:
    path = export(tmp_path / "export.csv", [{**HQMS, "ward": "7 East"}])
    pages = read_front_page(path, code_edition="insurance", keep=("ward",))
    assert pages.table.schema.names == [*FRONT_PAGE_SCHEMA.names, "ward"]
    assert pages.table["ward"].to_pylist() == ["7 East"]
    with pytest.raises(InputFileError, match="personal data"):
        read_front_page(path, code_edition="insurance", keep=("A11",))
    for birth in ("A13", "CSRQ", "出生日期"):
        row = {**HQMS, birth: "1960-05-06"}
        with pytest.raises(InputFileError, match="personal data"):
            read_front_page(export(tmp_path / "birth.csv", [row]), code_edition="insurance", keep=(birth,))
    with pytest.raises(InputFileError, match="no column 'wards'"):
        read_front_page(path, code_edition="insurance", keep=("wards",))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"code_edition": "yb"}, ["code_edition", "'yb'", "clinical or insurance"]),
        ({"code_edition": "insurance", "dx_map": "map.csv"}, ["mapping table", "clinical"]),
        ({"code_edition": "clinical", "plus": "both"}, ["plus", "'both'"]),
        ({"code_edition": "clinical", "days_unit": "weeks"}, ["days_unit", "'weeks'"]),
        ({"code_edition": "clinical", "batch_rows": 0}, ["batch_rows"]),
    ],
)
def test_arguments_that_cannot_be(options: dict[str, Any], words: list[str], tmp_path: Path) -> None:
    path = export(tmp_path / "export.csv", [HQMS])
    with pytest.raises(DrgEngineError) as caught:
        read_front_page(path, **options)
    assert [word for word in words if word not in str(caught.value)] == []


def test_a_mapping_table_and_grey_codes(tmp_path: Path) -> None:
    table = tmp_path / "map.csv"
    table.write_text("国临版编码,医保版编码\nA06.400,A06.400+K77.0*\nE11.900,E11.900\n", encoding="utf-8")
    rows = [{**HQMS, "C03C": "A06.400"}]
    pages = read_front_page(
        export(tmp_path / "export.csv", rows), code_edition="clinical", dx_map=table, grey={"E11.900"}
    )
    (case,) = pages.table.to_pylist()
    assert case["dx"] == ["A06.400+K77.0*", "E11.900", "I10.x00"]
    assert case["dx_source"] == ["A06.400", "E11.900", "I10.x00"]
    assert case["dx_status"] == ["mapped", "grey", "unmapped"]
    assert case["dx_condition"] == ["1", "4", "2"]


def test_tcm_services_are_part_of_their_class(tmp_path: Path) -> None:
    row = {**N042, "ZYZL": "30", "ZYL_ZYZD": "10", "ZYQT": "", "ZYWZ": "25", "ZFY": "1540.50"}
    pages = read_front_page(export(tmp_path / "export.csv", [row]), code_edition="insurance")
    assert pages.table["charge_tcm_treatment"].to_pylist() == [40.0]
    assert rules(pages) == []


def test_misread_text_stops(tmp_path: Path) -> None:
    path = export(tmp_path / "export.csv", [{**HQMS, "C04N": "锟斤拷锟斤拷"}], encoding="utf-8")
    with pytest.raises(InputFileError, match=r"column 'C04N'.*garbled.*--encoding"):
        read_front_page(path, code_edition="insurance")


def test_the_stream_is_bounded_and_closes(tmp_path: Path) -> None:
    path = export(tmp_path / "export.csv", DIRTY)
    told: list[int] = []
    taken = open_front_page(
        path, code_edition="insurance", batch_rows=2, on_issues=lambda found: told.append(len(found))
    )
    with taken as source:
        sizes = [batch.num_rows for batch in source.batches()]
    # The last batch has nothing to tell; the superseded records come behind it.
    assert (sizes, source.rows_read, len(told)) == ([2, 2, 1], 5, 3)
    assert source.columns["record_no"] == "A48"


def test_the_sample_of_opendrg_groups_as_read_plainly(shared: Path, tmp_path: Path) -> None:
    path = shared / "data" / "opendrg_sample_30.csv"
    pages = read_front_page(path, "opendrg", code_edition="insurance")
    drgengine.group_file(path, tmp_path / "plain.parquet", prefix="r_", columns={"Index": "case_id"})
    plain = pq.read_table(tmp_path / "plain.parquet")
    grouped = drgengine.group(pages)
    names = ["status", "mdc", "adrg", "drg", "severity"]
    assert [grouped[name].to_pylist() for name in names] == [plain[f"r_{name}"].to_pylist() for name in names]
    assert grouped["case_id"].to_pylist() == plain["Index"].to_pylist()
    assert grouped["status"].to_pylist().count("grouped") > 20
