"""Mapping tables of the user, grey codes and signs of the other edition."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pyarrow as pa
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from drgengine.cases.editions import load_edition
from drgengine.cases.issues import issue_rules
from drgengine.errors import InputFileError
from drgengine.formats.cleaning.cleancodes import clean_code_list, clean_codes
from drgengine.formats.cleaning.codeflat import CodeSlot
from drgengine.formats.codemaps import (
    CodeMap,
    apply_codes,
    edition_signs,
    load_code_map,
    load_grey_codes,
)
from drgengine.formats.codemaps.maptable import code_key

DX = load_edition("icd10-yb-2.0").known
ROWS = [
    ("国临版编码", "国临版名称", "医保版2.0编码", "医保版2.0名称"),
    ("A01.000x002", "伤寒性脑膜炎", "A01.003", "名"),
    ("A06.400", "阿米巴肝脓肿", "A06.400+K77.0*", "名"),
    ("I10.x00", "高血压", "I10.x00", "名"),
    ("B01.900", "水痘", "B01.902", "名"),
    ("B01.900", "水痘", "B01.901", "名"),
    ("b01.900", "水痘", "B01.902", "名"),
    ("C34.900", "肺癌", "C34.900、C34.901", "名"),
    ("Z99.900", "依赖", "-", ""),
    ("", "", "", ""),
]


def _text(rows) -> str:
    return "\n".join(",".join(row) for row in rows) + "\n"


def _workbook(path: Path, rows) -> None:
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)


@pytest.fixture(scope="module")
def table(tmp_path_factory) -> CodeMap:
    path = tmp_path_factory.mktemp("map") / "map.csv"
    path.write_bytes(_text(ROWS).encode("gb18030"))
    return load_code_map(path)


def test_a_table_in_any_dress_reads_the_same(tmp_path, table):
    (tmp_path / "utf8.csv").write_text(_text(ROWS), encoding="utf-8-sig")
    _workbook(tmp_path / "map.xlsx", ROWS)
    shuffled = [("Insurance Code", "same", "clinical code")] + [(row[2], "1", row[0]) for row in ROWS[1:]]
    (tmp_path / "english.csv").write_text(_text(shuffled), encoding="utf-8")
    for name in ("utf8.csv", "map.xlsx", "english.csv"):
        assert load_code_map(tmp_path / name).entries == table.entries
    assert table.entries == {
        "A01000X002": ("A01.003",),
        "A06400": ("A06.400+K77.0*",),
        "I10X00": ("I10.x00",),
        "B01900": ("B01.902", "B01.901"),
        "C34900": ("C34.900", "C34.901"),
        "Z99900": (),
    }
    assert "I10.x00" in table.sources
    assert "C34.901" in table.targets


def test_look_up_ignores_case_and_dots_and_guesses_only_when_asked(table):
    assert table.find("i10X00") == (("I10.x00",), "exact", "I10X00")
    assert table.find("I10.x00x002") is None
    assert table.find("I10.x00x002", "extension").key == "I10X00"
    assert table.find("I10.x01", "category") is None
    with_category = CodeMap("", "dx", {"I10": ("I10.x00",)}, frozenset())
    assert with_category.find("I10.x01", "extension") is None
    assert with_category.find("I10.x00", "extension") is None
    assert with_category.find("I10.x01x002", "category").way == "category"
    assert table.find("Z99.900x001", "extension").targets == ()


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([("编码", "名称"), ("I10.x00", "高")], "no column holds the source codes"),
        ([("国临版编码", "医保名称"), ("I10.x00", "高")], "no column holds the target codes"),
        ([("国临版编码", "源编码", "医保版编码"), ("I10.x00", "", "I10.x00")], "2 columns"),
        ([("国临版编码", "医保版编码"), ("I10.x00", "I10.x00"), ("高血压", "I10.x00")], "row 2: '高血压'"),
        ([("国临版编码", "医保版编码"), ("I10.x00", "高血压")], "row 1: '高血压' in the column '医保版编码'"),
        ([("国临版编码", "医保版编码"), ("", "I10.x00")], "row 1: the target 'I10.x00' has no source code"),
        ([("国临版编码", "医保版编码"), ("", "")], "holds no code"),
    ],
)
def test_a_table_that_cannot_be_used_says_where_and_what(tmp_path, rows, words):
    path = tmp_path / "map.csv"
    path.write_text(_text(rows), encoding="utf-8")
    with pytest.raises(InputFileError) as caught:
        load_code_map(path)
    assert words in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_table_of_the_other_kind_is_refused(tmp_path):
    path = tmp_path / "map.csv"
    path.write_text(_text(ROWS), encoding="utf-8")
    with pytest.raises(InputFileError, match="no procedure code"):
        load_code_map(path, kind="proc")
    path.write_text("国临版手术编码,医保版手术编码\n81.51,81.5100\n", encoding="utf-8")
    assert load_code_map(path, kind="proc").find("8151").targets == ("81.5100",)


def test_grey_lists(tmp_path):
    for name, text in [
        ("bare.csv", "I10.x00\nE11.900\n"),
        ("headed.csv", "灰码\nI10.x00\nE11.900\n"),
        ("table.csv", "医保版编码,名称\nI10.x00,高血压\nE11.900,糖尿病\n,\n"),
    ]:
        (tmp_path / name).write_text(text, encoding="utf-8")
        assert load_grey_codes(tmp_path / name) == {"I10.x00", "E11.900"}
    (tmp_path / "bad.csv").write_text("灰码\nI10.x00\n高血压\n", encoding="utf-8")
    with pytest.raises(InputFileError, match="row 2: '高血压' is no code"):
        load_grey_codes(tmp_path / "bad.csv")


def test_every_status_slot_and_issue(table):
    slots = [
        CodeSlot(0, "C03C", pa.array(["A01.000X002", "I10.x00", "高血压"])),
        CodeSlot(1, "C06x01C", pa.array(["", "B01.900", "C34.900"])),
        CodeSlot(2, "C06x02C", pa.array(["Z99.900", "I10.x00x002", ""])),
    ]
    cleaned = clean_codes(slots, known=DX)
    mapped = apply_codes(
        cleaned, table, frozenset({"b01901"}), "dx", {0: "C03C", 1: "C06x01C", 2: "C06x02C"}, 5, known=DX
    )
    assert mapped.codes.to_pylist() == [
        ["A01.003", "", "Z99.900"],
        ["I10.x00", "B01.902", "B01.901", "I10.x00x002"],
        ["高血压", "C34.900", "C34.901"],
    ]
    assert mapped.source.to_pylist() == [
        ["A01.000x002", "", "Z99.900"],
        ["I10.x00", "B01.900", "B01.900", "I10.x00x002"],
        ["高血压", "C34.900", "C34.900"],
    ]
    assert mapped.status.to_pylist() == [
        ["mapped", "", "unmapped"],
        ["identical", "split", "grey", "unmapped"],
        ["unknown", "split", "split"],
    ]
    assert mapped.slots.to_pylist() == [[0, 1, 2], [0, 1, 1, 2], [0, 1, 1]]
    assert mapped.slots.type == pa.list_(pa.int16())
    assert [(i.column, i.rule, i.rows.tolist(), i.values, i.cleaned) for i in mapped.issues] == [
        ("C06x01C", "edition_grey", [6], ["B01.900"], None),
        ("C06x01C", "edition_split", [6, 7], ["B01.900", "C34.900"], ["B01.902|B01.901", "C34.900|C34.901"]),
        ("C06x02C", "edition_unmapped", [5, 6], ["Z99.900", "I10.x00x002"], None),
    ]
    assert all(issue.rule in issue_rules() for issue in mapped.issues)


def test_a_guess_is_reported_each_time(table):
    cleaned = clean_code_list(pa.array(["I10.x00x002|I10.x00x003", "I10.x00"]), "dx", known=DX)
    mapped = apply_codes(cleaned, table, None, "dx", {0: "dx"}, known=DX, fallback="extension")
    assert mapped.codes.to_pylist() == [["I10.x00", "I10.x00"], ["I10.x00"]]
    assert [(i.rule, i.rows.tolist(), i.cleaned, i.hints) for i in mapped.issues] == [
        ("edition_fallback", [1, 1], ["I10.x00"] * 2, ["extension I10X00"] * 2)
    ]


def test_without_a_table_nothing_changes_not_even_codes_with_two_meanings():
    cleaned = clean_code_list(pa.array(["A21.200|A49.100|Z99.977|高血压"]), "dx", known=DX)
    mapped = apply_codes(cleaned, None, None, "dx", {0: "dx"}, known=DX)
    assert mapped.codes.equals(cleaned.codes)
    assert mapped.source.equals(cleaned.codes)
    assert mapped.status.to_pylist() == [["as_given", "as_given", "unknown", "unknown"]]
    assert mapped.issues == []


CODES = st.sampled_from(["I10.x00", "I10.x00x002", "B01.900", "C34.900", "Z99.900", "A06.400", "高血压", "E11.900", ""])


@given(st.lists(st.lists(CODES, max_size=4), min_size=1, max_size=5), st.booleans(), st.booleans())
@settings(max_examples=40)
def test_against_a_plain_restatement(table, lists, with_table, with_grey):
    cleaned = clean_code_list(pa.array(lists, pa.list_(pa.string())), "dx", known=DX)
    grey = frozenset({"C34.901", "E11.900"}) if with_grey else None
    mapped = apply_codes(cleaned, table if with_table else None, grey, "dx", {0: "dx"}, known=DX)
    expected, unmapped = [], 0
    for codes in cleaned.codes.to_pylist():
        line = []
        for code in codes:
            targets = table.entries.get(code_key(code)) if with_table and code != "高血压" else None
            unmapped += bool(with_table and code and code != "高血压" and not targets)
            line += [(target, code, target in (grey or ())) for target in targets or (code,)]
        expected.append(line)
    assert [
        [(code, source, status == "grey") for code, source, status in zip(*row, strict=True)]
        for row in zip(mapped.codes.to_pylist(), mapped.source.to_pylist(), mapped.status.to_pylist(), strict=True)
    ] == expected
    assert sum(i.rows.size for i in mapped.issues if i.rule == "edition_unmapped") == unmapped


def _clinical(distinct: int, outside: int) -> dict[str, int]:
    codes = sorted(DX)[: distinct - outside] + [f"Z97.{number:03d}x977" for number in range(outside)]
    return dict.fromkeys(codes, 2)


@pytest.mark.parametrize(
    ("distinct", "outside", "looks_like"),
    [
        (99, 20, "unclear"),
        (100, 3, "clinical"),
        (100, 2, "unclear"),
        (299, 0, "unclear"),
        (400, 2, "insurance"),
        (400, 3, "unclear"),
    ],
)
def test_which_edition_a_file_looks_like(distinct, outside, looks_like):
    codes = _clinical(distinct, outside)
    for stated in ("clinical", "insurance"):
        signs = edition_signs({**codes, "高血压": 5, "I10": 9, "M8140/3": 7}, stated)
        assert (signs.distinct, signs.occurrences, signs.looks_like) == (distinct, 2 * distinct, looks_like)
        assert signs.share_known_insurance == pytest.approx(1 - outside / distinct)
        contradicts = looks_like not in ("unclear", stated)
        assert bool(signs.warning_en) == bool(signs.warning_zh) == contradicts
        if contradicts:
            assert str(distinct) in signs.warning_en
            assert f"{outside / distinct:.1%}" in signs.warning_zh


def test_codes_only_the_table_knows_are_a_sign():
    codes = _clinical(200, 4)
    sources = frozenset(code for code in codes if code not in DX)
    table = CodeMap("", "dx", {code_key(code): ("I10.x00",) for code in sources}, sources)
    assert edition_signs(codes, "insurance").looks_like == "unclear"
    signs = edition_signs(codes, "insurance", code_map=table)
    assert (signs.looks_like, signs.source_only) == ("clinical", 0.02)
    flat = [code for code, count in codes.items() for _ in range(count)]
    assert edition_signs(iter(flat), "insurance", code_map=table) == signs
    assert edition_signs(pa.array(flat), "insurance", code_map=table) == signs
    assert edition_signs(Counter(), "clinical").looks_like == "unclear"
