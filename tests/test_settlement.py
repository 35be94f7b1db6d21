"""Settlement lists: linked tables become the same cases as a front page, and every row is accounted for."""

import csv
import datetime as dt
import gzip
from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import drgengine
from drgengine.errors import DrgEngineError, InputFileError
from drgengine.formats import read_front_page, read_settlement
from drgengine.formats.convertfolder import convert_folder
from drgengine.formats.frontpage import FRONT_PAGE_SCHEMA
from drgengine.formats.settlement.profile import settlement_profile, table_of

SETL = [
    "setl_id",
    "mdtrt_id",
    "fixmedins_code",
    "medcasno",
    "gend",
    "brdy",
    "age",
    "nwb_age",
    "adm_time",
    "dscg_time",
    "act_ipt_days",
    "dscg_way",
]
ONE = ["S1", "V1", "H1", "M1", "1", "1960-01-01", "65", "", "2025-03-01 08:00:00", "2025-03-04 09:00:00", "3", "1"]
DIAG = ["setl_id", "diag_type", "diag_code", "maindiag_flag", "adm_cond_type"]
OPRN = ["setl_id", "oprn_oprt_code", "oprn_oprt_type", "oprn_oprt_date"]
ITEM = ["setl_id", "med_chrgitm", "amt"]
CARE = ["setl_id", "scs_cutd_ward_type", "scs_cutd_inpool_time", "scs_cutd_exit_time", "scs_cutd_sum_dura"]


def write(path, header, *rows, encoding="gb18030"):
    opener = gzip.open if path.name.endswith(".gz") else open
    with opener(path, "wt", encoding=encoding, newline="") as file:
        csv.writer(file).writerows([header, *rows])


def one(**values):
    return [values.get(name, value) for name, value in zip(SETL, ONE, strict=True)]


@pytest.fixture
def folder(tmp_path):
    """One stay with two diagnoses; tests add tables or replace them."""
    write(tmp_path / "setlinfo.csv", SETL, ONE)
    diagnoses(tmp_path, ["S1", "1", "I10.x00", "0", "2"], ["S1", "1", "I21.001", "1", "1"])
    return tmp_path


def diagnoses(folder, *rows, header=DIAG):
    write(folder / "diseinfo.csv", header, *rows)


def row(folder, **options):
    """The only case, as a dict."""
    return read_settlement(folder, **options).table.to_pylist()[0]


def found(pages):
    """(row, column, rule) of the issues."""
    return [(i["row"], i["column"], i["rule"]) for i in pages.issues.to_pylist()]


def test_one_stay(folder):
    pages = read_settlement(folder)
    case = pages.table.to_pylist()[0]
    assert pages.table.schema == FRONT_PAGE_SCHEMA
    assert pages.profile == "settlement"
    expected = {
        "case_id": "S1",
        "record_no": "M1",
        "visit_no": "V1",
        "hospital_id": "H1",
        "sex": 1,
        "age_years": 65,
        "age_days": None,
        "los_days": 3,
        "discharge_disposition": 1,
        "admission_time": dt.datetime(2025, 3, 1, 8),
        "discharge_date": dt.date(2025, 3, 4),
        "dx": ["I21.001", "I10.x00"],
        "dx_condition": ["1", "2"],
        "proc": None,
        "pathology": None,
        "external_cause": None,
    }
    assert {name: case[name] for name in expected} == expected
    assert found(pages) == []
    assert pages.summary.missing == ("operation", "item", "care")
    assert pa.table(pages).num_rows == 1  # goes wherever an Arrow table goes


def test_infants_and_newborns(tmp_path):
    header = [*SETL, "nwb_bir_wt", "nwb_adm_wt", "vent_used_dura"]
    baby = one(brdy="2025-02-20", age="", nwb_age="9")
    write(tmp_path / "setlinfo.csv", header, [*baby, "3200", "3150", "1/13/24"])
    diagnoses(tmp_path, ["S1", "1", "P59.900", "1", "1"])
    pages = read_settlement(tmp_path)
    case = pages.table.to_pylist()[0]
    assert found(pages) == []  # the list wants no years below one year
    assert (case["age_years"], case["age_days"], case["birth_weight_g"], case["admission_weight_g"]) == (
        0,
        9,
        3200,
        3150,
    )
    assert case["ventilator_hours"] == pytest.approx(24 + 13 + 24 / 60)


@pytest.mark.parametrize(
    "flags",
    [
        ("1", "0"),
        ("M", "O"),
        ("m", "o"),
        ("是", "否"),
        ("主要诊断", "其他诊断"),
        ("1.0", "2"),
        ("1", ""),
        ("True", "FALSE"),
    ],
)
def test_main_flags_in_every_form(folder, flags):
    diagnoses(folder, ["S1", "1", "E11.900", flags[1], ""], ["S1", "1", "I21.001", flags[0], ""])
    assert row(folder)["dx"] == ["I21.001", "E11.900"]


def test_without_a_main_diagnosis_nothing_moves_up(folder):
    diagnoses(folder, ["S1", "1", "I21.001", "0", "1"], ["S1", "1", "I10.x00", "0", "2"])
    pages = read_settlement(folder)
    assert pages.table["dx"].to_pylist() == [["", "I21.001", "I10.x00"]]
    assert pages.table["dx_condition"].to_pylist() == [[None, "1", "2"]]
    assert (1, "diseinfo.diag_code", "principal_missing") in found(pages)
    assert pages.summary.tallies["settlements_without_main"] == 1
    assert drgengine.group(pages.table)["status"].to_pylist() == ["invalid"]


def test_several_main_diagnoses_leave_none(folder):
    diagnoses(folder, ["S1", "1", "I10.x00", "1", "1"], ["S1", "1", "I21.001", "1", "1"])
    pages = read_settlement(folder)
    assert pages.table["dx"].to_pylist() == [["", "I10.x00", "I21.001"]]
    assert found(pages) == [(1, "diseinfo.maindiag_flag", "principal_several")]
    assert pages.issues["raw"].to_pylist() == ["I10.x00、I21.001"]
    assert pages.issues["severity"].to_pylist() == ["error"]
    assert drgengine.group(pages.table)["status"].to_pylist() == ["invalid"]


def test_the_same_main_diagnosis_twice_is_one(folder):
    diagnoses(folder, ["S1", "1", "I21.001", "1", "1"], ["S1", "1", " I21.001", "1", "1"])
    pages = read_settlement(folder)
    assert pages.table["dx"].to_pylist() == [["I21.001", "I21.001"]]
    assert (1, "diseinfo.maindiag_flag", "principal_flagged_twice") in found(pages)
    assert not {"principal_missing", "principal_several"} & {rule for *_, rule in found(pages)}


def test_tcm_diagnoses_are_counted_and_left_out(folder):
    mains = [["S1", "2", "A04.03.12", "1", ""], ["S1", "中医主证", "B04", "1", ""]]
    diagnoses(folder, *mains, ["S1", "西医", "I21.001", "1", "1"])
    pages = read_settlement(folder)
    assert pages.table["dx"].to_pylist() == [["I21.001"]]
    assert found(pages) == []
    assert pages.summary.tallies["diagnoses_of_tcm"] == 2


def test_order_of_secondaries(folder):
    header = [*DIAG, "seq"]
    rows = [["S1", "1", code, flag, "", n] for code, flag, n in (("C", "0", "10"), ("B", "0", "9"), ("A", "1", "11"))]
    diagnoses(folder, *([*r[:2], r[2] + "10.x00", *r[3:]] for r in rows), header=header)
    assert row(folder)["dx"] == ["A10.x00", "C10.x00", "B10.x00"]
    assert row(folder, order_column="seq")["dx"] == ["A10.x00", "B10.x00", "C10.x00"]


def test_dagger_and_asterisk_in_two_rows_are_joined_only_in_a_known_order(folder):
    rows = [
        ["A18.800", "1"],
        ["I32.0*", "2"],
        ["J18.900", "3"],
        ["A18.800+I32.0*", "4"],
        ["I10.x00", "5"],
        ["I32.0*", "6"],
    ]
    diagnoses(folder, *(["S1", "1", code, "0" if n > "1" else "1", n, n] for code, n in rows), header=[*DIAG, "seq"])
    pages = read_settlement(folder)
    assert pages.table["dx"].to_pylist() == [[code for code, _ in rows]]
    assert pages.table["dx_condition"].to_pylist() == [["1", "2", "3", "4", None, None]]
    assert "code_dagger_joined" not in {rule for *_, rule in found(pages)}
    expected = ["A18.800+I32.0*", "J18.900", "A18.800+I32.0*", "I10.x00+I32.0*"]
    pages = read_settlement(folder, order_column="seq")
    assert pages.table["dx"].to_pylist() == [expected]
    assert pages.table["dx_condition"].to_pylist() == [["1", "3", "4", None]]
    with pytest.raises(InputFileError, match="'place' to order by"):
        read_settlement(folder, order_column="place")


def test_operations_main_in_front_and_repeated_at_the_same_second(folder):
    rows = [
        ["S1", "37.2200", "2", "2025-03-02 10:00:00"],
        ["S1", "36.0600", "1", "2025-03-02 10:00:00"],
        ["S1", "37.2200", "2", "2025-03-02 10:00:00"],
        ["S1", "37.2200", "2", "2025-03-02 10:01:00"],
    ]
    write(folder / "OPRNINFO.csv", OPRN, *rows)
    pages = read_settlement(folder)
    case = pages.table.to_pylist()[0]
    assert case["proc"] == ["36.0600", "37.2200", "37.2200", "37.2200"]
    assert [t.minute for t in case["proc_date"]] == [0, 0, 0, 1]
    assert found(pages) == [(1, "OPRNINFO.oprn_oprt_code", "procedure_repeated")]


@pytest.mark.parametrize(
    ("flags", "order", "expected", "taken"),
    [
        (("2", "1", "1"), "abc", ["37.2200", "47.0100", "36.0600"], "37.2200"),
        (("2", "true", "true"), "321", ["36.0600", "37.2200", "47.0100"], "36.0600"),
        (("2", "2", ""), "abc", ["47.0100", "37.2200", "36.0600"], "47.0100"),
        (("", "", "main"), "231", ["36.0600", "47.0100", "37.2200"], "36.0600"),
        (("false", "true", "false"), "123", ["37.2200", "47.0100", "36.0600"], None),
    ],
)
def test_of_several_main_operations_or_none_the_first_leads(folder, flags, order, expected, taken):
    codes = ["47.0100", "37.2200", "36.0600"]
    rows = [["S1", code, flag, "", n] for code, flag, n in zip(codes, flags, order, strict=True)]
    write(folder / "oprninfo.csv", [*OPRN, "seq"], *rows)
    diagnoses(folder, ["S1", "1", "I21.001", "1", "1", "1"], header=[*DIAG, "seq"])
    pages = read_settlement(folder, order_column="seq")
    assert pages.table["proc"].to_pylist() == [expected]
    told = [i for i in pages.issues.to_pylist() if i["rule"] == "operation_main_unclear"]
    assert [(i["row"], i["column"], i["cleaned"]) for i in told] == (
        [(1, "oprninfo.oprn_oprt_type", taken)] if taken else []
    )


def test_the_main_operation_is_clear_when_only_one_code_may_lead(folder):
    write(folder / "oprninfo.csv", OPRN, ["S1", "-", "1", ""], ["S1", "37.2200", "1", ""], ["S1", " 37.2200", "1", ""])
    write(folder / "setlinfo.csv", SETL, ONE, one(setl_id="S2", mdtrt_id="V2"))
    pages = read_settlement(folder)
    assert pages.table["proc"].to_pylist()[0][0] == "37.2200"
    assert "operation_main_unclear" not in {rule for *_, rule in found(pages)}
    write(folder / "oprninfo.csv", OPRN[:2], ["S2", "37.2200"], ["S1", "36.0600"], ["S2", "47.0100"])
    assert (2, "oprninfo.oprn_oprt_code", "operation_main_unclear") in found(read_settlement(folder))


def test_a_missing_or_empty_table_is_remarked(folder):
    operations, fees = read_settlement(folder).summary.remarks
    assert ("oprninfo" in operations, "iteminfo" in fees) == (True, True)
    assert "手术病例会按内科入组" in read_settlement(folder, language="zh").summary.remarks[0]
    write(folder / "oprninfo.csv", OPRN)
    write(folder / "FEE_LIST_D.csv", ["setl_id", "med_chrgitm_type", "det_item_fee_sumamt"], ["S1", "01", "5"])
    assert read_settlement(folder).summary.remarks == (operations,)
    write(folder / "oprninfo.csv", OPRN, ["S1", "37.2200", "1", ""])
    assert read_settlement(folder).summary.remarks == ()


def test_an_operation_outside_the_stay_is_told_by_its_column(folder):
    write(folder / "oprninfo.csv", OPRN, ["S1", "37.2200", "1", "2025-03-09 10:00:00"])
    assert found(read_settlement(folder)) == [(1, "oprninfo.oprn_oprt_date", "procedure_outside_stay")]


def test_rows_without_a_settlement_are_reported_and_counted(folder):
    diagnoses(folder, ["S9", "1", "I10.x00", "1", "1"], ["S1", "1", "I21.001", "1", "1"], ["", "1", "E11.900", "0", ""])
    write(folder / "oprninfo.csv", OPRN, ["S8", "37.2200", "1", ""])
    write(folder / "iteminfo.csv", ITEM, ["S7", "01", "10"], ["S1", "01", "5"])
    write(folder / "icuinfo.csv", CARE, ["S6", "CCU", "", "", "0/5/0"])
    pages = read_settlement(folder)
    assert pages.summary.orphans == {"diagnosis": 2, "operation": 1, "item": 1, "care": 1}
    assert pages.summary.rows_of == {"settlement": 1, "diagnosis": 3, "operation": 1, "item": 2, "care": 1}
    missing = [(i["row"], i["column"], i["raw"]) for i in pages.issues.to_pylist() if i["rule"] == "settlement_missing"]
    assert sorted(missing) == [
        (1, "diseinfo.setl_id", "S9"),
        (1, "icuinfo.setl_id", "S6"),
        (1, "iteminfo.setl_id", "S7"),
        (1, "oprninfo.setl_id", "S8"),
        (3, "diseinfo.setl_id", ""),
    ]
    assert pages.table["dx"].to_pylist() == [["I21.001"]]


def test_a_settlement_without_diagnoses_stays(folder):
    write(folder / "setlinfo.csv", SETL, ONE, one(setl_id="S2", mdtrt_id="V2"))
    pages = read_settlement(folder)
    assert pages.table["case_id"].to_pylist() == ["S1", "S2"]
    assert found(pages) == [(2, "diseinfo.diag_code", "principal_missing")]
    assert pages.summary.tallies["settlements_without_diagnosis"] == 1
    assert drgengine.group(pages.table)["status"].to_pylist() == ["grouped", "invalid"]


def test_a_settlement_that_comes_twice_counts_once_by_its_last_discharge(folder):
    late = one(dscg_time="2025-03-05 09:00:00", act_ipt_days="4")
    write(folder / "setlinfo.csv", SETL, one(setl_id="S0", mdtrt_id="V0"), late, ONE)
    pages = read_settlement(folder)
    assert pages.superseded.to_pylist() == [{"row": 3, "counts": 2}]
    assert pages.table["dx"].to_pylist() == [[], ["I21.001", "I10.x00"], []]
    assert (3, "setl_id", "record_superseded") in found(pages)
    assert [r for r, _, rule in found(pages) if rule == "principal_missing"] == [1]


def settlements(folder, *rows):
    """Settlements S1, S2, ... of one visit unless `rows` say otherwise, each with a diagnosis of its own."""
    named = [{"setl_id": f"S{n}"} | row for n, row in enumerate(rows, 1)]
    write(folder / "setlinfo.csv", [*SETL, "setl_end_date"], *([*one(**r), r.get("end", "")] for r in named))
    codes = ["I21.001", "I10.x00", "E11.900", "J18.900"]
    diagnoses(folder, *([f"S{n}", "1", code, "1", "1"] for n, code in enumerate(codes[: len(rows)], 1)))


EARLY, LATE = "2025-03-04 09:00:00", "2025-03-05 09:00:00"


@pytest.mark.parametrize(
    ("rows", "superseded"),
    [
        ([{}, {}], [(1, 2)]),  # the last in the file
        ([{"dscg_time": LATE}, {"end": "2025-03-09"}], [(2, 1)]),  # the last discharge
        ([{"end": "2025-03-09"}, {"end": "2025-03-08"}, {}], [(2, 1), (3, 1)]),  # the last end of settlement
        ([{}, {"mdtrt_id": "V2"}, {"medcasno": "M2"}, {"fixmedins_code": "H2"}], []),
        ([{"medcasno": ""}, {"medcasno": ""}], []),
        ([{"mdtrt_id": ""}, {"mdtrt_id": ""}, {"mdtrt_id": "", "adm_time": EARLY}], [(1, 2)]),  # the admission
        ([{}, {"setl_id": "S1", "dscg_time": LATE}, {"dscg_time": LATE}], [(1, 3), (2, 3)]),  # over two steps
    ],
)
def test_a_visit_settled_again_counts_once(tmp_path, rows, superseded):
    settlements(tmp_path, *rows)
    pages = read_settlement(tmp_path)
    assert [(r["row"], r["counts"]) for r in pages.superseded.to_pylist()] == superseded
    told = [(i["row"], i["hint"]) for i in pages.issues.to_pylist() if i["rule"] == "record_superseded"]
    assert sorted(told) == [(row, f"row {counts}") for row, counts in superseded]


def test_of_a_visit_settled_again_each_settlement_keeps_its_codes_and_one_is_grouped(tmp_path):
    settlements(tmp_path, {"dscg_time": LATE, "act_ipt_days": "4"}, {}, {"mdtrt_id": "V2"})
    write(tmp_path / "oprninfo.csv", ["mdtrt_id", *OPRN], ["V1", "", "37.2200", "1", ""])  # the visit's last settlement
    pages = read_settlement(tmp_path)
    assert pages.table["dx"].to_pylist() == [["I21.001"], ["I10.x00"], ["E11.900"]]
    assert pages.table["proc"].to_pylist() == [["37.2200"], [], []]
    assert found(pages) == [(2, "medcasno", "record_superseded")]
    assert pages.cases["case_id"].to_pylist() == ["S1", "S3"]
    assert drgengine.group(pages).equals(drgengine.group(pages.table.take([0, 2])))
    assert pages.summary.tallies["settlements_without_diagnosis"] == 0
    diagnoses(tmp_path, ["S1", "1", "I21.001", "1", "1"], ["S3", "1", "I10.x00", "1", "1"])
    assert found(read_settlement(tmp_path)) == [(2, "medcasno", "record_superseded")]  # it need have no diagnoses


def test_convert_sets_settlements_of_a_visit_settled_again_aside(tmp_path):
    folder = tmp_path / "lists"
    folder.mkdir()
    settlements(folder, {}, {}, {"mdtrt_id": "V2"})
    summary = convert_folder(folder, tmp_path / "cases.parquet")
    assert (summary.rows_read, summary.rows_written, summary.rows_superseded) == (3, 2, 1)
    assert pq.read_table(tmp_path / "cases.parquet")["case_id"].to_pylist() == ["S2", "S3"]
    assert pq.read_table(tmp_path / "cases.superseded.parquet")["dx"].to_pylist() == [["I21.001"]]


def test_the_visit_links_where_the_settlement_is_absent(tmp_path):
    write(tmp_path / "setlinfo.csv", SETL, ONE, one(setl_id="", mdtrt_id="V2"))
    header = ["mdtrt_id", *DIAG]
    rows = [
        ["V2", "", "1", "E11.900", "1", ""],
        ["V1", "", "1", "I21.001", "1", ""],
        ["V2", "S1", "1", "I10.x00", "0", ""],
    ]
    diagnoses(tmp_path, *rows, header=header)
    pages = read_settlement(tmp_path)
    assert pages.table["dx"].to_pylist() == [["I21.001", "I10.x00"], ["E11.900"]]  # its own settlement comes first
    assert pages.table["case_id"].to_pylist() == ["S1", "V2"]


def test_the_visit_links_where_only_the_settlement_table_lacks_the_settlement(tmp_path):
    lists = [one(setl_id="-"), one(setl_id="", mdtrt_id="V2"), one(setl_id="S3", mdtrt_id="V3")]
    write(tmp_path / "setlinfo.csv", SETL, *lists)
    codes = [("S1", "V1", "I21.001"), ("S2", "V2", "E11.900"), ("S3", "V3", "I10.x00"), ("S9", "V3", "J18.900")]
    diagnoses(tmp_path, *([v, s, "1", code, "1", ""] for s, v, code in codes), header=["mdtrt_id", *DIAG])
    pages = read_settlement(tmp_path)
    assert pages.table["dx"].to_pylist() == [["I21.001"], ["E11.900"], ["I10.x00"]]
    assert found(pages) == [(4, "diseinfo.setl_id", "settlement_missing")]  # the visit was settled as S3, not as S9


def test_identifiers_as_a_spreadsheet_left_them(folder):
    write(folder / "setlinfo.csv", SETL, one(setl_id="7001.0"))
    diagnoses(folder, ["7001", "1", "I21.001", "1", ""], ["7001.00", "1", "I10.x00", "0", ""])
    assert row(folder)["dx"] == ["I21.001", "I10.x00"]


def test_charge_classes_become_parts(folder):
    write(folder / "setlinfo.csv", [*SETL, "medfee_sumamt", "psn_selfpay", "psn_ownpay"], [*ONE, "110.50", "20", "5.5"])
    rows = [["S1", "01", "10"], ["S1", "2", "20.25"], ["S1", "西药费", "30"], ["S1", "03", "50.25"], ["S1", "03", ""]]
    write(folder / "iteminfo.csv", ITEM, *rows)
    pages = read_settlement(folder)
    case = pages.table.to_pylist()[0]
    assert {n: v for n, v in case.items() if n.startswith("charge_") and v is not None} == {
        "charge_general_service": 30.25,
        "charge_western_drug": 30.0,
        "charge_imaging": 50.25,
    }
    assert (case["total_charge"], case["self_paid"]) == (110.5, 25.5)
    assert found(pages) == []
    write(folder / "iteminfo.csv", ITEM, *rows, ["S1", "14", "1"], ["S1", "膳食", "2"])
    pages = read_settlement(folder)
    assert pages.table["charge_other"].to_pylist() == [3.0]
    assert found(pages) == [(1, "iteminfo.med_chrgitm", "domain_unknown"), (1, "medfee_sumamt", "charge_sum_differs")]


def test_refunds_of_the_fee_list_are_netted_and_the_total_is_their_sum(folder):
    header = ["SETL_ID", "MED_CHRGITM_TYPE", "DET_ITEM_FEE_SUMAMT"]
    rows = [["S1", "09", "100.10"], ["S1", "09", "-40.05"], ["S1", "05", "-1"], ["S1", "05", "0.5"], ["S1", "07", "7"]]
    write(folder / "FEE_LIST_D.csv", header, *rows)
    pages = read_settlement(folder)
    case = pages.table.to_pylist()[0]
    assert (case["charge_western_drug"], case["charge_nursing"], case["total_charge"]) == (60.05, 7.0, 66.55)
    assert pages.summary.tallies["refunds"] == 2
    assert pages.summary.tallies["totals_from_items"] == 1
    assert found(pages) == [(1, "FEE_LIST_D.DET_ITEM_FEE_SUMAMT", "charge_negative")]  # the class that stays below 0
    write(folder / "iteminfo.csv", ITEM, ["S1", "01", "5"])
    assert read_settlement(folder).summary.ignored == ("FEE_LIST_D.csv",)


@pytest.mark.parametrize(
    ("file", "header"), [("iteminfo", ITEM), ("FEE_LIST_D", ["setl_id", "med_chrgitm_type", "det_item_fee_sumamt"])]
)
def test_only_classes_that_stay_below_zero_are_told(folder, file, header):
    rows = [["09", "100.10"], ["09", "-100.10"], ["01", "-5"], ["02", "8"], ["05", "-1"], ["5", "0.75"], ["14", "-2"]]
    write(folder / f"{file}.csv", header, *(["S1", *row] for row in rows))
    pages = read_settlement(folder)
    case = pages.table.to_pylist()[0]
    assert (case["charge_western_drug"], case["charge_general_service"], case["total_charge"]) == (0.0, 3.0, 0.75)
    told = [(i["row"], i["raw"], i["rule"], i["hint"]) for i in pages.issues.to_pylist()]
    assert told == [
        (1, "-5.00", "charge_negative", "01 床位费"),
        (1, "-0.25", "charge_negative", "05 治疗费"),
        (1, "-2.00", "charge_negative", "14 其他费"),
    ]
    assert pages.summary.tallies["refunds"] == 4


def test_intensive_care_and_its_dummies(folder):
    rows = [
        ["S1", "CCU", "2025-03-01 10:00:00", "2025-03-02 10:00:00", "1/0/0"],
        ["S1", "ICU", "2025-03-02 12:00:00", "2025-03-02 18:30:00", ""],
        ["S1", "*", "*", "*", "0/0/0"],
    ]
    write(folder / "icuinfo.csv", CARE, *rows)
    pages = read_settlement(folder)
    assert pages.table["icu_hours"].to_pylist() == [30.5]
    assert pages.summary.tallies["care_dummies"] == 1
    assert found(pages) == []
    write(folder / "icuinfo.csv", CARE, rows[2], ["S1", "-", "", "", "-"])
    pages = read_settlement(folder)
    assert pages.table["icu_hours"].to_pylist() == [None]
    assert pages.summary.tallies["care_dummies"] == 2


def test_the_platform_tables(tmp_path):
    write(tmp_path / "SETL_LIST_D_202503.csv.gz", [c.upper() for c in SETL], ONE)
    write(tmp_path / "Setl_D.csv", ["SETL_ID", "MEDFEE_SUMAMT", "PSN_NO"], ["S2", "1", "P2"], ["S1", "99.5", "P1"])
    rows = {"SETL_ID": ["S1", "S1"], "诊断代码": ["I10.x00", "I21.001"], "主诊断标志": ["0", "1"]}
    pq.write_table(pa.table(rows), tmp_path / "SETL_LIST_DIAG_D.parquet")
    write(tmp_path / "SETL_LIST_OPRN_D.csv", ["SETL_ID", "手术操作代码(OPRN_OPRT_CODE)"], ["S1", "37.2200"])
    write(tmp_path / "payinfo.csv", ["x"], ["1"])
    write(tmp_path / "notes.csv", ["x"], ["1"])
    pages = read_settlement(tmp_path)
    case = pages.table.to_pylist()[0]
    assert (case["dx"], case["proc"], case["total_charge"], case["patient_id"]) == (
        ["I21.001", "I10.x00"], ["37.2200"], 99.5, "P1",
    )  # fmt: skip
    assert (pages.summary.ignored, pages.summary.other) == (("payinfo.csv",), ("notes.csv",))
    assert pages.summary.orphans == {"settled": 1, "diagnosis": 0, "operation": 0}


def test_workbooks(folder):
    from openpyxl import Workbook

    book = Workbook()
    for line in (DIAG, ["S1", "1", "I21.001", 1, 2]):
        book.active.append(line)
    (folder / "diseinfo.csv").unlink()
    book.save(folder / "DiseInfo.xlsx")
    assert row(folder)["dx_condition"] == ["2"]


def test_issues_of_linked_rows_stand_at_their_settlement(folder):
    write(folder / "setlinfo.csv", SETL, one(setl_id="S0"), ONE)
    diagnoses(folder, ["S0", "1", "I21.001", "1", "9"], ["S1", "1", " i10.x00", "1", "有"], ["S9", "x", "y", "z", "q"])
    pages = read_settlement(folder)
    lines = [(i["row"], i["column"], i["rule"], i["hint"]) for i in pages.issues.to_pylist()]
    assert (1, "diseinfo.adm_cond_type", "domain_unknown", "row 1 of diseinfo.csv") in lines
    assert (2, "diseinfo.adm_cond_type", "domain_word", "row 2 of diseinfo.csv") in lines
    assert {(2, "diseinfo.diag_code", "code_blanks"), (2, "diseinfo.diag_code", "code_lower_case")} <= {
        x[:3] for x in lines
    }
    assert [x[:3] for x in lines if x[0] == 3] == [(3, "diseinfo.setl_id", "settlement_missing")]


def test_birth_is_never_quoted_and_names_are_not_read(folder):
    header = [*SETL, "psn_name", "certno"]
    write(folder / "setlinfo.csv", header, [*one(brdy="1961/2/3", age="64"), "张三", "110101196102031234"])
    text = str(read_settlement(folder).issues.to_pylist())
    assert "date_rewritten" in text
    assert not any(secret in text for secret in ("1961", "张三", "110101"))


def test_maps_and_grey_codes(folder, tmp_path):
    maps = tmp_path / "maps"
    maps.mkdir()
    write(
        maps / "dx.csv",
        ["国临版编码", "医保版2.0编码"],
        ["I21.001", "I21.002"],
        ["I10.x00", "I10.x01"],
        ["I10.x00", "I10.x02"],
    )
    case = row(folder, code_edition="clinical", dx_map=maps / "dx.csv")
    assert case["dx"] == ["I21.002", "I10.x01", "I10.x02"]
    assert case["dx_source"] == ["I21.001", "I10.x00", "I10.x00"]
    assert case["dx_condition"] == ["1", "2", "2"]
    assert row(folder, grey=frozenset({"I10.x00"}))["dx_status"][1] == "grey"
    with pytest.raises(DrgEngineError, match=r"target of mapping.*--code-edition clinical"):
        read_settlement(folder, dx_map=maps / "dx.csv")
    with pytest.raises(DrgEngineError, match="argument plus"):
        read_settlement(folder, plus="both")
    assert row(folder, known_dx=frozenset({"I10.x00"}))["dx_status"] == ["unknown", "as_given"]


def refuses(folder, *words):
    with pytest.raises(InputFileError) as caught:
        read_settlement(folder)
    assert all(word in str(caught.value) for word in words), str(caught.value)
    assert "\n" not in str(caught.value)


def test_refusals_name_what_is_missing(folder):
    refuses(folder / "absent", "absent", "Name the folder")
    refuses(folder / "setlinfo.csv", "Name the folder")
    write(folder / "DISEINFO_1.csv", DIAG)
    refuses(folder, "DISEINFO_1.csv and diseinfo.csv")
    (folder / "DISEINFO_1.csv").unlink()
    diagnoses(folder, ["S1", "x"], header=["setl_id", "diag_code"])
    refuses(folder, "main", "maindiag_flag")
    diagnoses(folder, ["I10.x00", "1"], header=["diag_code", "maindiag_flag"])
    refuses(folder, "diseinfo.csv", "setl_id")
    (folder / "diseinfo.csv").unlink()
    refuses(folder, "diagnosis table", "diseinfo")
    (folder / "setlinfo.csv").unlink()
    refuses(folder, "settlement table", "setlinfo")


def test_a_ragged_row_loses_nothing_else(folder):
    diagnoses(folder, ["S1", "1", "I21.001", "1", "1"], ["S1", "1"], ["S1", "1", "I10.x00", "0", "1"])
    pages = read_settlement(folder)
    assert pages.table["dx"].to_pylist() == [["I21.001", "I10.x00"]]
    assert {(2, "diseinfo.csv", "row_ragged"), (2, "diseinfo.setl_id", "settlement_missing")} <= set(found(pages))


def test_empty_linked_tables(folder):
    write(folder / "oprninfo.csv", OPRN)
    write(folder / "iteminfo.csv", ITEM)
    write(folder / "icuinfo.csv", CARE)
    diagnoses(folder)
    case = row(folder)
    assert (case["dx"], case["proc"], case["icu_hours"], case["total_charge"]) == ([], [], None, None)


def test_the_profile_is_whole():
    profile = settlement_profile()
    assert {entry["part"] for entry in profile["charge_class"]} <= set(FRONT_PAGE_SCHEMA.names)
    assert [entry["code"] for entry in profile["charge_class"]] == [f"{n:02d}" for n in range(1, 15)]
    for table, entry in profile["table"].items():
        assert all(table_of(name) == table for name in entry["names"])


TEXTS = st.sampled_from(
    ["", "-", "*", "S1", "S2", "1", "0", "M", "2", "I10.x00", "-5", "1/0/0", "2025-03-01", "９", "主", "x|y", "1e9"]
)


def table(header):
    return st.lists(st.lists(TEXTS, min_size=len(header), max_size=len(header)), max_size=6)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(table(SETL), table(DIAG), table(OPRN), table(ITEM), table(CARE))
def test_no_value_stops_the_reading_and_every_row_is_counted(tmp_path, lists, dx, proc, items, care):
    for name, header, rows in (
        ("setlinfo", SETL, lists),
        ("diseinfo", DIAG, dx),
        ("oprninfo", OPRN, proc),
        ("iteminfo", ITEM, items),
        ("icuinfo", CARE, care),
    ):
        write(tmp_path / f"{name}.csv", header, *rows)
    pages = read_settlement(tmp_path)
    summary, case = pages.summary, pages.table.to_pydict()
    assert pages.table.num_rows == summary.rows_read == len(lists)
    pages.table.validate(full=True)
    assert [len(a) for a in case["dx"]] == [len(b) for b in case["dx_condition"]]
    assert [len(a) for a in case["proc"]] == [len(b) for b in case["proc_date"]]
    assert summary.rows_of["diagnosis"] == len(dx)
    assert summary.orphans["diagnosis"] == sum(
        i["rule"] == "settlement_missing" and i["column"].startswith("diseinfo") for i in pages.issues.to_pylist()
    )
    assert pages.superseded.num_rows == sum(i["rule"] == "record_superseded" for i in pages.issues.to_pylist())
    assert drgengine.group(pages.table).num_rows == len(lists)


# ---------------------------------------------------------------- the same cases as a front page
CODES = [
    "I21.001",
    "I10.x00",
    "E11.900",
    "J18.900",
    "K35.900",
    "O80.000",
    "S72.000",
    "C34.900",
    "N18.900",
    "I50.900",
    "J96.000",
    "P07.100",
    "A41.900",
]
OPERATIONS = ["37.2200", "36.0600", "47.0100", "74.1x01", "79.3500", "96.0400", "39.9500", "06.3900", "00.6600"]


def drawn(rng, number):
    """A stay as a dict; the secondaries in the order of both files."""
    infant = rng.random() < 0.2
    start = dt.datetime(2025, 1, 1) + dt.timedelta(hours=int(rng.integers(0, 8000)))
    days = int(rng.integers(1, 40))
    return {
        "id": f"S{number}",
        "sex": str(rng.integers(1, 3)),
        "years": "" if infant else str(rng.integers(1, 95)),
        "days": str(rng.integers(0, 365)) if infant else "",
        "weight": str(rng.integers(50, 480) * 10) if infant else "",
        "start": start,
        "end": start + dt.timedelta(days=days),
        "stay": str(days),
        "way": str(rng.choice(["1", "2", "3", "4", "5", "9"])),
        "vent": int(rng.choice([0, 0, 5, 97])),
        "dx": list(rng.choice(CODES, int(rng.integers(1, 7)), replace=False)),
        "proc": list(rng.choice(OPERATIONS, int(rng.integers(0, 4)), replace=False)),
        "total": f"{rng.integers(100, 90000)}.50",
    }


def as_front_page(path, stays):
    header = ["A48", "A49", "A12C", "A14", "A16", "A18x01", "B12", "B15", "B20", "B34C", "C47", "D01"]
    header += ["C03C", *(f"C06x{n:02d}C" for n in range(1, 7)), "C14x01C", *(f"C35x{n:02d}C" for n in range(1, 4))]
    rows = []
    for s in stays:
        dx, proc = s["dx"] + [""] * (7 - len(s["dx"])), s["proc"] + [""] * (4 - len(s["proc"]))
        plain = [s["id"], "1", s["sex"], s["years"], s["days"], s["weight"], s["start"], s["end"], s["stay"], s["way"]]
        rows.append([*plain, s["vent"], s["total"], *dx, *proc])
    write(path, header, *rows)


def as_settlement(folder, stays, rng):
    """The same stays; the linked rows of all stays are shuffled, with the order of secondaries in a column."""
    header = [*SETL, "nwb_bir_wt", "vent_used_dura", "medfee_sumamt"]
    lists, dx, proc = [], [], []
    for s in stays:
        plain = [
            s["id"],
            "V" + s["id"],
            "",
            s["id"],
            s["sex"],
            "",
            s["years"],
            s["days"],
            s["start"],
            s["end"],
            s["stay"],
        ]
        lists.append([*plain, s["way"], s["weight"], f"{s['vent'] // 24}/{s['vent'] % 24}/0", s["total"]])
        dx += [[s["id"], "1", code, "0" if n else "1", n] for n, code in enumerate(s["dx"])]
        proc += [[s["id"], code, "2" if n else "1", n] for n, code in enumerate(s["proc"])]
    write(folder / "setlinfo.csv", header, *lists)
    write(folder / "diseinfo.csv", [*DIAG[:4], "n"], *(dx[k] for k in rng.permutation(len(dx))))
    write(folder / "oprninfo.csv", [*OPRN[:3], "n"], *(proc[k] for k in rng.permutation(len(proc))))


RESULT = ["status", "mdc", "adrg", "drg", "severity", "reason"]


def test_settlement_tables_group_like_the_same_front_pages(tmp_path):
    rng = np.random.default_rng(20250307)
    stays = [drawn(rng, number) for number in range(1, 401)]
    stays[0] |= {"dx": ["O80.000"], "sex": "2", "years": "30", "days": "", "weight": "", "proc": ["74.1x01"]}
    as_front_page(tmp_path / "page.csv", stays)
    as_settlement(tmp_path, stays, rng)
    page = read_front_page(tmp_path / "page.csv", code_edition="insurance").table
    lists = read_settlement(tmp_path, order_column="n").table
    same = [
        n
        for n in FRONT_PAGE_SCHEMA.names
        if n not in ("case_id", "visit_no", "dx_condition", "proc_date", "proc_level")
    ]
    for name in same:
        assert lists[name].to_pylist() == page[name].to_pylist(), name
    expected = drgengine.group(page).select(RESULT)
    assert drgengine.group(lists).select(RESULT).equals(expected)
    # The order of the secondaries means nothing, so the file order will do.
    unordered = drgengine.group(read_settlement(tmp_path).table)
    assert unordered.select(RESULT[:5]).equals(expected.select(RESULT[:5]))
    assert len(Counter(expected["adrg"].to_pylist())) > 15
    assert Counter(expected["status"].to_pylist())["grouped"] > 50
