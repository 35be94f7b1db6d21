"""Dialects of the front page: what their files say, which one a file is, and what is refused."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from drgengine import read_front_page
from drgengine.errors import InputFileError
from drgengine.formats.frontpage.schema import FRONT_PAGE_SCHEMA, OF_WHICH
from drgengine.formats.profiles import choose_profile, claim_columns, load_profile, profile_names
from drgengine.formats.profiles.leftout import column_remarks
from drgengine.synth.export import export

CHARGES = [name for name in FRONT_PAGE_SCHEMA.names if name.startswith("charge_")]

HQMS = ["A01", "A48", "A49", "B12", "B15", "A12C", "A14", "C03C", "C06x01C", "C06x02C", "C14x01C", "D01"]
N041 = ["USERNAME", "BAH", "ZYCS", "XB", "NL", "ZYZD", "JBDM", "QTZD1", "JBDM1", "JBBM", "SSJCZBM1", "SSJCZBM2", "ZFY"]
N042 = ["BAH", "ZYCS", "XB", "NL", "ZYZD_JBBM", "ZB_JBBM", "ZYZD_JBBM1", "ZZ_JBBM1", "QTZD1", "SHJB1", "SSJCZBM1"]
HN041 = ["BAH", "ZYCS", "XB", "NL", "XY_JBDM", "XY_FJBM", "XY_JBDM1", "XY_FJBM1", "SSBM1_S", "SSBM2_S", "BZYZSNLT"]
HQMS_P = ["P3", "P2", "P5", "P7", "P321", "P324", "P3291", "P490", "P4911", "P45002", "P782"]
OPENDRG = ["Index", "gender", "age", "ageDay", "weight", "dept", "inHospitalTime", "leavingType"]
OPENDRG += ["ICD10_DRGS", "ICD9_DRGS", "drg"]
DIALECTS = {"hqms": HQMS, "n041": N041, "n042": N042, "hn041": HN041, "hqms_p": HQMS_P, "opendrg": OPENDRG}


@pytest.mark.parametrize("name", profile_names())
def test_headers_tell_the_dialect_wherever_they_stand(name: str) -> None:
    headers = DIALECTS[name]
    profile, found = choose_profile(headers)
    assert profile.name == name
    shuffled = headers.copy()
    random.Random(5).shuffle(shuffled)
    assert choose_profile(shuffled)[1] == found


@pytest.mark.parametrize("name", ["hqms", "n041", "n042", "hn041", "hqms_p"])
def test_a_dialect_knows_every_charge_once(name: str) -> None:
    known = {target[0] for layer in load_profile(name).layers if not layer.shared for target in layer.plain.values()}
    assert {*CHARGES, *OF_WHICH, "total_charge", "self_paid"} <= known


def test_slots_keep_the_number_of_their_header() -> None:
    found = claim_columns(["C06X07C", "C03C", "C06x40C", "C35x02C", "C14x01C"], load_profile("hqms"))
    assert found.slots == {"dx.code": {0: "C03C", 7: "C06X07C", 40: "C06x40C"},
                           "proc.code": {0: "C14x01C", 2: "C35x02C"}}  # fmt: skip
    pinyin = claim_columns(["JBDM", "QTZD8", "JBDM8", "SSJCZBM2", "SSJCZRQ1", "SSJCZBM1"], load_profile("n041"))
    assert pinyin.slots["dx.code"] == {0: "JBDM", 8: "JBDM8"}
    assert pinyin.slots["dx.name"] == {8: "QTZD8"}
    assert pinyin.slots["proc.code"] == {0: "SSJCZBM1", 1: "SSJCZBM2"}
    assert pinyin.slots["proc.date"] == {0: "SSJCZRQ1"}
    older = claim_columns(["P321", "P3281", "P324", "P45002"], load_profile("hqms_p"))
    assert older.slots == {"dx.code": {0: "P321", 1: "P324", 6: "P3281"}, "proc.code": {5: "P45002"}}


@pytest.mark.parametrize(
    ("header", "canonical"),
    [
        ("\ufeffA48", "record_no"),
        (" a48\u00a0", "record_no"),
        ("病案号（A48）", "record_no"),
        ("病案号(A48)", "record_no"),
        ("新生儿出生体重(克)(A18x01)", "birth_weight_g"),
        ("A18X01", "birth_weight_g"),
        ("Ｂ１５", "discharge_time"),
        ("病案号", "record_no"),
        ("d19X01", "of_which_physical_therapy"),
    ],
)
def test_a_header_is_known_in_any_spelling(header: str, canonical: str) -> None:
    assert claim_columns([header], load_profile("hqms")).scalars == {canonical: header}


@pytest.mark.parametrize(
    ("header", "canonical"),
    [("BAYZSNL", "age_days"), ("BZYZSNL", "age_days"), ("ZCYF", "charge_chinese_patent_drug"), ("QTF", "charge_other"),
     ("ZCYF1", "charge_chinese_herbal_drug"), ("QTFY", "charge_general_other"), ("RYSJS", "admission_hour")],
)  # fmt: skip
def test_traps_of_the_pinyin_headers(header: str, canonical: str) -> None:
    assert claim_columns([header], load_profile("n041")).scalars == {canonical: header}
    assert claim_columns([header], load_profile("n042")).scalars == {canonical: header}


def test_lookalikes_feed_nothing() -> None:
    lookalikes = ["HY", "GX", "ZY", "QKYHLB1", "QKYLB1", "MZZD", "JBBM", "年龄(月)", "ZB_JBBM", "ZZ_JBBM1"]
    for name in ("n041", "n042", "hn041"):
        assert claim_columns(lookalikes, load_profile(name)).headers == ()


def test_chinese_headers_alone_are_read_as_hqms_and_give_way_to_codes() -> None:
    profile, found = choose_profile(["病案号", "性别", "出院主要诊断编码", "其他诊断编码3"])
    assert profile.name == "hqms"
    assert found.slots["dx.code"] == {0: "出院主要诊断编码", 3: "其他诊断编码3"}
    assert claim_columns(["年龄", "A14"], load_profile("hqms")).scalars == {"age_years": "A14"}


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        (["病案号", "主要诊断编码", "手术及操作编码1", "手术及操作编码2"], "n041"),
        (["病案号", "主要诊断编码", "手术及操作编码1", "中医其他费"], "n042"),
        (["病案号", "主要诊断编码", "主要诊断附加编码"], "hn041"),
        (["病案号", "主要诊断编码", "手术操作编码1", "年龄不足1周岁的年龄"], "hqms_p"),
        (["病案号", "主要诊断编码", "主要手术操作编码", "年龄不足1周岁的年龄"], "hqms"),
        (["BAH", "XB", "主要诊断编码"], "n041"),
    ],
)
def test_chinese_headers_tell_the_dialect_where_they_differ(headers: list[str], name: str) -> None:
    profile, found = choose_profile(headers)
    assert profile.name == name
    assert set(found.headers) == set(headers)


def test_what_is_left_out_is_told() -> None:
    headers = ["C03C", "主要诊断编码", "BAH", "C06x1000C", "手术及操作编码1", "门（急）诊诊断编码", "A11"]
    procedures, codes, foreign, beside = column_remarks(headers, *choose_profile(headers))
    assert procedures.startswith("no procedure column")
    assert codes.endswith(": C06x1000C, 手术及操作编码1")
    assert foreign.endswith(": BAH (n041)")
    assert beside.endswith(": 主要诊断编码 (C03C is read)")
    assert column_remarks(HQMS, *choose_profile(HQMS)) == ()


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        (["C03C", "A14", "年龄（A14）"], ["'A14'", "'年龄（A14）'", "age_years"]),
        (["C03C", "C06x01C", "C06X1C"], ["'C06x01C'", "'C06X1C'", "dx.code, place 1"]),
        (["C03C", "主要诊断(C03C)", "A48"], ["'C03C'", "'主要诊断(C03C)'"]),
        (["JBDM", "ZYZD_JBBM"], ["several dialects", "n041 1", "n042 1", "--profile"]),
        (["主要诊断编码", "年龄不足1周岁的年龄"], ["several dialects", "hqms, n041, hqms_p", "unit"]),
        (["欧阳锋利", "column_2", "column_3"], ["first row holds a title"]),
        (["欧阳锋利"], ["columns: …"]),
        (["病案号", "科室", "欧阳锋利"], ["columns: 病案号, 科室, …"]),
        (["BAH", "XB", "NL"], ["no dialect", "n041 3", "--profile"]),
        (["A48", "ä¸»è¦è¯Šæ–­", "C03C"], ["garbled", "encoding"]),
        (["张三", "110101199003071233", "I10.x00", "63"], ["first row holds values"]),
    ],
)
def test_what_is_refused_names_the_headers(headers: list[str], words: list[str]) -> None:
    with pytest.raises(InputFileError) as caught:
        choose_profile(headers, source="export.csv")
    message = str(caught.value)
    assert message.startswith("export.csv")
    assert [word for word in words if word not in message] == []
    assert "\n" not in message
    assert "1101" not in message
    assert "欧阳" not in message


def test_a_named_profile_needs_its_principal_diagnosis() -> None:
    with pytest.raises(InputFileError, match="principal diagnosis by profile hqms"):
        choose_profile(N041, "hqms")
    with pytest.raises(InputFileError, match=re.escape("Use auto, hqms, n041")):
        choose_profile(N041, "n043")


def test_an_own_profile_extends_another(tmp_path: Path) -> None:
    own = tmp_path / "our_hospital.toml"
    own.write_text(
        'extends = "hqms"\nage_days_unit = "months"\n[columns]\nsex = ["XB_OWN"]\n'
        '[dx.other]\nfrom = 2\ncode = ["ZD#"]\n',
        encoding="utf-8",
    )
    profile, found = choose_profile(["C03C", "ZD2", "A12C", "XB_OWN", "A48"], str(own))
    assert (profile.name, profile.age_days_unit) == ("our_hospital", "months")
    assert found.scalars == {"sex": "XB_OWN", "record_no": "A48"}
    assert found.slots["dx.code"] == {0: "C03C", 1: "ZD2"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[columns]\nsexe = ["XB"]', ["'sexe'", "'sex'"]),
        ('[columns]\nsex = ["XB"]\nage_years = ["x b"]', ["'x b'", "'sex'"]),
        ('[columns]\ndx = ["JBDM"]', ["'dx'", "canonical"]),
        ('[columns]\nsex = "XB"', ["'sex'", "list"]),
        ('[names.columns]\nsexe = ["XB"]', ["[names.columns]", "'sexe'"]),
        ('[dx.other]\ncode = ["J#B#"]', ["'J#B#'", "'code'"]),
        ('[dx.other]\ncodes = ["JB#"]', ["'codes'", "'code'"]),
        ('age_days_unit = "weeks"', ["'weeks'", "months"]),
        ('[domains]\nsex = "gender"', ["'gender'", "disposition"]),
        ('[added]\ntotal_charge = ["X"]', ["'total_charge'", "charge"]),
        ('extends = "hqmss"', ["'hqmss'", "n041"]),
        ('extends = "broken.toml"', ["extend each other"]),
        ("sex = ", ["TOML"]),
    ],
)
def test_a_broken_profile_says_where(text: str, words: list[str], tmp_path: Path) -> None:
    path = tmp_path / "broken.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputFileError) as caught:
        load_profile(path)
    message = str(caught.value)
    assert [word for word in ["broken.toml", *words] if word not in message] == []


@pytest.mark.parametrize("name", ["hqms", "n041", "n042", "hn041", "hqms_p"])
def test_an_export_with_chinese_headers_reads_as_with_codes(name: str, tmp_path: Path) -> None:
    pages = []
    for header in ("code", "name"):
        export(40, tmp_path / "export.csv", dialect=name, header=header)
        pages.append(read_front_page(tmp_path / "export.csv", code_edition="insurance"))
    codes, names = pages
    assert (names.profile, names.summary.remarks) == (name, ())
    assert names.table.equals(codes.table)
    assert sum(map(len, names.table["proc"].to_pylist())) > 0
