"""Published example cases of the 3.0 rules, with the rules they quote, through workbook, import, kernel and twin."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from smallworkbook import as_workbook, content, edition_file, replaced

import drgengine as de
from drgengine.grouper.reference import Case, decide
from drgengine.grouper.schemefile import load_scheme
from drgengine.grouper.workbook.importer import import_workbook

MCC, CC = "A19.000x012", "B05.801"
Expected = tuple[str, str | None]
Row = tuple[str, list[str], list[str], dict[str, Any], Expected]


def grouped(code: str) -> Expected:
    return "grouped", code


def ambiguous(code: str) -> Expected:
    return "ambiguous", code


NOT_GROUPED: Expected = ("ungroupable", "0000")
ROWS: list[Row] = [
    ("qy:BQY", ["D33.404"], ["43.3x00x003"], {}, ambiguous("BQY")),
    ("qy:PQY", ["P81.902"], ["77.8300x007"], {"age_years": 0, "age_days": 28}, ambiguous("PQY")),
    ("qy:PQY of day 29", ["P81.902"], ["77.8300x007"], {"age_years": 0, "age_days": 29}, NOT_GROUPED),
    ("qy:ZQY", ["S17.000x001", "S21.100x002"], ["30.0903"], {}, ambiguous("ZQY")),
    ("w:ZZ15", ["S17.000x001", "S21.100x002"], [], {}, grouped("ZZ15")),
    ("ZZ11", ["S21.100x002", "S17.000x001", MCC], [], {}, grouped("ZZ11")),
    ("ZB19", ["S21.100x002", "S17.000x001"], ["38.4000"], {}, grouped("ZB19")),
    ("one site twice is no trauma of several", ["S17.000x001", "S17.900"], [], {}, NOT_GROUPED),
    ("w:AA19", ["K63.800"], ["33.6x00"], {}, grouped("AA19")),
    ("w:AC19", ["K63.800"], ["52.8000", "55.6100"], {}, grouped("AC19")),
    ("AC19 swapped", ["K63.800"], ["55.6100", "52.8000"], {}, NOT_GROUPED),
    ("w:AH29", ["K63.800"], ["96.7201", "39.9500x007"], {}, grouped("AH29")),
    ("w:BB21", ["I61.003", MCC], ["38.4000"], {}, grouped("BB21")),
    ("BB23", ["I61.003", CC], ["38.4000"], {}, grouped("BB23")),
    ("w:BB25", ["I61.003"], ["38.4000"], {}, grouped("BB25")),
    ("w:BD13", ["D33.404", CC], ["80.5101"], {}, grouped("BD13")),
    ("BD13 by MCC", ["D33.404", MCC], ["80.5101"], {}, grouped("BD13")),
    ("w:BT13", ["J10.801+G94.8*", CC], [], {}, grouped("BT13")),
    ("w:BT3C", ["A52.106+H48.0*"], [], {"age_years": 6}, grouped("BT3C")),
    ("BT3 at 7", ["A52.106+H48.0*"], [], {"age_years": 7}, grouped("BT35")),
    ("BT3 at 6 with CC", ["A52.106+H48.0*", CC], [], {"age_years": 6}, grouped("BT33")),
    ("w:BV1E", ["G40.300x007", MCC], [], {"age_years": 70}, grouped("BV1E")),
    ("BV1F", ["G40.300x007", CC], [], {"age_years": 70}, grouped("BV1F")),
    ("BV1G", ["G40.300x007"], [], {"age_years": 70}, grouped("BV1G")),
    ("BV1 at 69", ["G40.300x007", MCC], [], {"age_years": 69}, grouped("BV11")),
    ("BV1 without age", ["G40.300x007", MCC], [], {}, grouped("BV11")),
    ("MCC and CC cancelled by the principal", ["G40.200", MCC, CC], [], {"age_years": 70}, grouped("BV1G")),
    ("MCC without a table", ["G40.200", "J96.000"], [], {}, grouped("BV11")),
    ("bh:BY11", ["S02.300", MCC], [], {"age_years": 70}, grouped("BY11")),
    ("CV1H", ["H25.900"], [], {"age_years": 70}, grouped("CV1H")),
    ("CV19", ["H25.900"], [], {"age_years": 69}, grouped("CV19")),
    ("FU1G", ["I45.901"], [], {"age_years": 70}, grouped("FU1G")),
    ("bv:FU1G", ["I45.901"], [], {"age_years": 69}, grouped("FU15")),
    ("GB19", ["K35.900"], ["48.6901", "68.4901"], {}, grouped("GB19")),
    ("bv:GB19", ["A00.000"], ["48.6901", "68.4901"], {}, NOT_GROUPED),
    ("GB40", ["K26.401"], ["48.4901", "17.4100"], {}, grouped("GB40")),
    ("bv:GB40", ["K26.401"], ["17.4100"], {}, grouped("GU25")),
    ("IC29", ["M16.900"], ["81.5100", "81.5400"], {}, grouped("IC29")),
    ("one joint twice is one joint", ["M16.900"], ["81.5100", "81.5100", "17.4900"], {}, grouped("IC39")),
    ("two joints behind another procedure", ["M16.900"], ["17.4100", "81.5100", "81.5400"], {}, NOT_GROUPED),
    ("LA20", ["N36.804"], ["55.5100", "17.4100"], {}, grouped("LA20")),
    ("LA20 by 17.4900", ["N36.804"], ["55.5100", "17.4900"], {}, grouped("LA25")),
    ("w:LJ1F", ["N36.804", CC], ["55.9206"], {"age_years": 70}, grouped("LJ1F")),
    ("w:MB10", ["S38.000"], ["40.2900x028", "17.4100"], {}, grouped("MB10")),
    ("MB10 of a woman", ["S38.000"], ["40.2900x028", "17.4100"], {"sex": 2}, NOT_GROUPED),
    ("w:NC10", ["D26.701"], ["67.4x07", "65.2505", "17.4100"], {"sex": 2}, grouped("NC10")),
    ("w:OB11", ["O32.802"], ["74.1x02", "68.3902"], {"sex": 2}, grouped("OB11")),
    ("w:OB21", ["O36.302", MCC], ["74.1x02"], {"sex": 2}, grouped("OB21")),
    ("OB25", ["O36.302", CC], ["74.1x02"], {"sex": 2}, grouped("OB25")),
    ("w:PS19", ["P81.902", "P07.200"], [], {"age_years": 0, "age_days": 28, "admission_weight_g": 999},
     grouped("PS19")),
    ("PS29", ["P81.902"], [], {"age_years": 0, "age_days": 28, "admission_weight_g": 1000}, grouped("PS29")),
    ("w:PS51", ["P81.902", MCC], [], {"age_years": 0, "age_days": 28, "admission_weight_g": 2500}, grouped("PS51")),
    ("no weight", ["P81.902"], [], {"age_years": 0, "age_days": 28}, NOT_GROUPED),
    ("days without years", ["P81.902"], [], {"age_days": 3, "admission_weight_g": 999}, grouped("PS19")),
    ("day 0 of an adult", ["I45.901"], [], {"age_years": 71, "age_days": 0}, grouped("FU1G")),
    ("w:PV11", ["P81.902", MCC], [], {"age_years": 0, "age_days": 365}, grouped("PV11")),
    ("PV15 on day 29", ["P81.902"], [], {"age_years": 0, "age_days": 29}, grouped("PV15")),
    ("day 366", ["P81.902", MCC], [], {"age_years": 0, "age_days": 366}, NOT_GROUPED),
    ("w:WB29", ["T20.300x009", "T31.100"], ["84.0102"], {}, grouped("WB29")),
    ("WB29 by the other pair", ["T21.300", "T31.200"], ["84.0102"], {}, grouped("WB29")),
    ("half of the other pair", ["T20.300x009", "T31.200"], ["84.0102"], {}, NOT_GROUPED),
    ("B00", ["I67.900"], [], {}, NOT_GROUPED),
    ("unknown principal", ["X99.999"], ["33.6x00"], {}, NOT_GROUPED),
    ("no sex", ["I61.003"], ["38.4000"], {"sex": 0}, ("invalid", None)),
]  # fmt: skip
FACTS = ("age_years", "age_days", "admission_weight_g")


def both_ways(folder: Path, rows: list[Row]) -> list[dict[str, Any]]:
    """The rows grouped by the kernel; the twin must say the same."""
    table = {
        "dx": [dx for _, dx, *_ in rows],
        "proc": [proc for _, _, proc, *_ in rows],
        "sex": [facts.get("sex", 1) for *_, facts, _ in rows],
        **{name: [facts.get(name) for *_, facts, _ in rows] for name in FACTS},
    }
    scheme = load_scheme(folder)
    answers = de.group(table, scheme).select(["status", "mdc", "adrg", "drg", "severity", "reason"]).to_pylist()
    for (name, dx, proc, facts, _), answer in zip(rows, answers, strict=True):
        numbers = {key: float(facts[key]) for key in FACTS if key in facts}
        twin = decide(scheme, Case(tuple(dx), tuple(proc), facts.get("sex", 1), numbers))
        assert {key: getattr(twin, key) for key in answer} == answer, name
    return answers


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("witness")
    import_workbook(as_workbook(content()), place / "scheme", edition=edition_file(place))
    return place / "scheme"


@pytest.mark.kernel
def test_the_examples_are_grouped_as_published(folder: Path) -> None:
    answers = both_ways(folder, ROWS)
    found = {row[0]: (answer["status"], answer["drg"]) for row, answer in zip(ROWS, answers, strict=True)}
    assert found == {row[0]: row[4] for row in ROWS}


def test_the_severity_is_that_of_the_record_where_the_rule_asks_for_it(folder: Path) -> None:
    rows: list[Row] = [
        ("", ["I61.003", MCC], ["38.4000"], {}, grouped("")),
        ("", ["H25.900", MCC], [], {}, grouped("")),
    ]
    assert [answer["severity"] for answer in both_ways(folder, rows)] == ["MCC", None]


def test_why_a_record_is_not_grouped(folder: Path) -> None:
    rows: list[Row] = [
        ("the fall-back group took it", ["I67.900"], [], {}, NOT_GROUPED),
        ("no rule of the MDC", ["K35.900"], [], {}, NOT_GROUPED),
        ("in no list", ["A00.000"], [], {}, NOT_GROUPED),
        ("unknown", ["X99.999"], ["33.6x00"], {}, NOT_GROUPED),
    ]
    reasons = ["fallback_group", "no_rule_matched", "principal_diagnosis_in_no_mdc", "principal_diagnosis_unknown"]
    assert [answer["reason"] for answer in both_ways(folder, rows)] == reasons


@pytest.fixture(scope="module")
def with_lists(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("lists")
    (place / "grey.csv").write_text("灰码\n17.4100\n17.4900\n17.4200\n43.3X00x003\n38.4000\n", encoding="utf-8")
    (place / "barred.txt").write_text("I45.901\nI61.003\n", encoding="utf-8")
    report = import_workbook(
        as_workbook(content()),
        place / "scheme",
        edition=edition_file(place),
        not_principal=place / "barred.txt",
        not_for_grouping=place / "grey.csv",
    )
    kept = [str(remark.text) for remark in report.remarks if remark.kind == "kept_for_grouping"]
    assert [text[:50] for text in kept] == ["2 codes of OP_ARB are used for grouping and taken "]
    return place / "scheme"


@pytest.mark.kernel
def test_lists_given_beside_the_workbook(with_lists: Path) -> None:
    rows: list[Row] = [
        ("a grey first procedure is none, and the second does not move up", ["I61.003"], ["43.3x00x003", "38.4000"], {},
         NOT_GROUPED),
        ("a grey operation makes no ambiguous case", ["K26.401"], ["43.3x00x003"], {}, grouped("GU25")),
        ("a grey code before the operation leaves no first procedure", ["K26.401"], ["17.4900", "48.4901"], {},
         grouped("GU25")),
        ("robot codes stay", ["N36.804"], ["55.5100", "17.4200"], {}, grouped("LA20")),
        ("17.4900 is no robot code", ["N36.804"], ["55.5100", "17.4900"], {}, grouped("LA25")),
        ("not allowed as principal", ["I45.901"], ["33.6x00"], {}, NOT_GROUPED),
    ]  # fmt: skip
    answers = both_ways(with_lists, rows)
    found = {row[0]: (answer["status"], answer["drg"]) for row, answer in zip(rows, answers, strict=True)}
    assert found == {row[0]: row[4] for row in rows}
    assert answers[-1]["reason"] == "principal_diagnosis_not_allowed"


def test_the_repair_before_the_ambiguous_group_can_be_switched_off(tmp_path: Path) -> None:
    edition = edition_file(tmp_path)
    edition.write_text(edition.read_text(encoding="utf-8").replace("ambiguous = true", "ambiguous = false"), "utf-8")
    import_workbook(as_workbook(content()), tmp_path / "scheme", edition=edition)
    trauma: Row = ("", ["S17.000x001", "S21.100x002"], ["30.0903"], {}, grouped("ZZ15"))
    assert both_ways(tmp_path / "scheme", [trauma])[0]["drg"] == "ZZ15"


def test_where_the_ambiguous_row_stands_first_nothing_is_repaired(tmp_path: Path) -> None:
    sheets = content()
    sheets["ADRG"] = replaced(sheets["ADRG"], "ZQY", c4="1.5")
    report = import_workbook(as_workbook(sheets), tmp_path / "scheme", edition=edition_file(tmp_path))
    assert "operation_test_added" not in {remark.kind for remark in report.remarks}
    rows = [row for row in ROWS if row[0] in ("qy:ZQY", "w:ZZ15")]
    assert [(answer["status"], answer["drg"]) for answer in both_ways(tmp_path / "scheme", rows)] == [
        ("ambiguous", "ZQY"),
        ("grouped", "ZZ15"),
    ]
