"""Explanations: complete, in the order of the scheme, the same answer as the grouper, and fit to be shown."""

from __future__ import annotations

import json
import re
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from drawn import small_tables, write_tables
from test_sample_cases import CASES, DEFAULT_SCHEME, expected

import drgengine as de
from drgengine.errors import CaseTableError, DrgEngineError, SchemeError
from drgengine.grouper.interchange import import_scheme
from drgengine.synth import sample

ANSWER = ("status", "mdc", "adrg", "drg", "severity", "reason")
BY_ID = {case["id"]: case for _, case in CASES}
EXAMPLES = {
    "surgical": "C-cataract",
    "medical": "S-hf-renal-failure",
    "newborn": "P-1499-g",
    "trauma": "Z-head-and-leg",
    "ambiguous": "F-gallbladder-in-heart-failure",
    "ungroupable": "U-organism-as-principal",
    "invalid": "V-sex-and-age",
    "cancelled": "S-mcc-cancelled-cc-stays",
    "mended": "W-capital-x-in-procedure",
}


def facts(case: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in case.items() if key not in ("id", "title", "scheme", "expect", "why")}


loaded = cache(de.load_scheme)


def explained(case: dict[str, Any], language: str = "en") -> Any:
    return de.explain(facts(case), loaded(case.get("scheme", DEFAULT_SCHEME)), language=language)


def has_chinese(text: str) -> bool:
    return any("\u4e00" <= sign <= "\u9fff" for sign in text)


# ------------------------------------------------------------------------------------------------- the answer


def test_every_sample_case_gets_its_expected_answer() -> None:
    wrong = {}
    for _, case in CASES:
        answer = explained(case).to_dict()["answer"]
        if answer != expected(case):
            wrong[case["id"]] = answer
    assert wrong == {}


@pytest.mark.parametrize("scheme", ["chs-drg-2.0", "beijing-2022"])
def test_the_answer_is_that_of_group(scheme: str) -> None:
    cases, _ = sample(120, seed=8, dirty_share=0.3)
    grouped = de.group(cases, scheme).select(ANSWER).to_pylist()
    different = {
        record["case_id"]: answer
        for record, answer in zip(cases.to_pylist(), grouped, strict=True)
        if de.explain(record, loaded(scheme)).to_dict()["answer"] != answer
    }
    assert different == {}


# ------------------------------------------------------------------------------------------- the decision path


@pytest.mark.parametrize("name", EXAMPLES.values())
@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_step_has_a_fact(name: str, language: str) -> None:
    content = explained(BY_ID[name], language).to_dict()
    for step in content["path"]:
        assert step["fact"].strip(), step
        assert step["condition"].strip(), step
        assert isinstance(step["holds"], bool)
        if language == "zh":
            assert has_chinese(step["fact"]), step
        elif "body regions" not in step["fact"]:
            assert not has_chinese(step["fact"]), step
    assert bool(content["path"]) == (content["answer"]["status"] != "invalid")


@pytest.mark.parametrize("name", [n for k, n in EXAMPLES.items() if k != "invalid"])
def test_the_path_follows_the_scheme_without_a_gap(name: str) -> None:
    case = BY_ID[name]
    scheme = de.load_scheme(case.get("scheme", DEFAULT_SCHEME))
    content = explained(case).to_dict()
    path, order = content["path"], [mdc.code for mdc in scheme.mdcs]
    seen = [code for code, _ in groupby(step["mdc"] for step in path)]
    assert seen == order[: len(seen)]
    if content["answer"]["status"] == "ungroupable":
        assert seen == order
    rules = {mdc.code: [rule.id for rule in mdc.rules] for mdc in scheme.mdcs}
    for code, steps in groupby(path, lambda step: step["mdc"]):
        gate, *looked = list(steps)
        assert "rule" not in gate
        named = [rule for rule, _ in groupby(step["rule"] for step in looked)]
        assert named == rules[code][: len(named)]
        assert gate["holds"] or not looked
        if gate["holds"] and code != content["answer"]["mdc"]:
            assert named == rules[code]
    for rule, steps in groupby((s for s in path if "rule" in s), lambda step: step["rule"]):
        groups = [step["drg"] for step in steps if "drg" in step]
        known = next(r for _, r in scheme.rules if r.id == rule)
        assert groups == [group.drg for group in known.groups][: len(groups)]


def test_the_last_step_is_the_one_that_decided() -> None:
    for kind in ("surgical", "medical", "newborn", "trauma"):
        content = explained(BY_ID[EXAMPLES[kind]]).to_dict()
        last = content["path"][-1]
        assert (last["holds"], last["drg"]) == (True, content["answer"]["drg"])
        assert [step["holds"] for step in content["path"] if "drg" in step].count(True) == 1


def test_a_retry_is_named(tmp_path: Path) -> None:
    meta = {"scheme": "small", "retry_each_other_procedure": True}
    import_scheme(write_tables(small_tables(), tmp_path / "tables", meta), tmp_path / "scheme")
    case = {"dx": ["I21.000"], "proc": ["01.0100", "37.2200"], "sex": 1, "age_years": 40}
    explanation = de.explain(case, tmp_path / "scheme")
    answer = de.group([case], tmp_path / "scheme").select(ANSWER).to_pylist()[0]
    assert explanation.to_dict()["answer"] == answer
    assert answer["status"] == "grouped"
    assert explanation.to_dict()["retried_with"] == "37.2200"
    assert "37.2200 as the only procedure" in str(explanation)


# ---------------------------------------------------------------------------------------- what the text says


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("kind", EXAMPLES)
def test_text_and_json_say_the_same(kind: str, language: str) -> None:
    explanation = explained(BY_ID[EXAMPLES[kind]], language)
    text, content = str(explanation), explanation.to_dict()
    assert json.loads(explanation.to_json()) == content
    assert text.endswith("\n")
    for code in [*content["case"]["dx"], *content["case"]["proc"]]:
        assert code in text
    for key in ("adrg", "drg"):
        assert (content["answer"][key] or "") in text
    assert not re.search(r"None|\bnan\b|Decision\(", text)
    assert has_chinese(text.splitlines()[0]) == (language == "zh")
    for step in content["path"]:
        assert f"MDC {step['mdc']}" in text or step["mdc"] in text


WORDS = {
    "surgical": {"en": "first procedure 13.4100x001 is on the procedure list of CB5", "zh": "13.4100x001 [手术]"},
    "medical": {"en": "N17.900 is listed as MCC", "zh": "有计入的 MCC：N17.900"},
    "newborn": {"en": "birth weight", "zh": "出生体重"},
    "trauma": {"en": "body regions", "zh": "损伤涉及 2 个部位"},
    "ambiguous": {"en": "FQY: ambiguous group; the first procedure is an operation, but no", "zh": "歧义组"},
    "ungroupable": {"en": "barred as principal diagnosis", "zh": "不得作为主要诊断"},
    "invalid": {"en": "Also: age is missing or not credible", "zh": "另有：年龄缺失或不可信"},
    "cancelled": {
        "en": "I50.900 is listed as MCC (exclusion list 90), but the principal diagnosis is on the same list",
        "zh": "I50.900 列为 MCC（排除表 90），主要诊断在同一排除表内：不计",
    },
    "mended": {"en": "06.4X00 -> 06.4x00", "zh": "编码修正：06.4X00 → 06.4x00"},
}  # fmt: skip


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("kind", WORDS)
def test_the_deciding_words(kind: str, language: str) -> None:
    text = str(explained(BY_ID[EXAMPLES[kind]], language))
    assert WORDS[kind][language] in text


def test_body_regions_are_named_in_english() -> None:
    facts_of_gate = [s["fact"] for s in explained(BY_ID["Z-head-and-leg"]).to_dict()["path"] if "regions" in s["fact"]]
    assert facts_of_gate
    assert not has_chinese(facts_of_gate[0])


def test_a_cancelled_severity_names_its_list() -> None:
    severity = explained(BY_ID["S-mcc-cancelled-cc-stays"]).to_dict()["severity"]
    assert {"code": "I50.900", "level": "MCC", "exclusion_list": "90", "cancelled": True} in severity
    assert {"code": "E87.600", "level": "CC", "exclusion_list": "48", "cancelled": False} in severity


def test_mended_codes_are_shown() -> None:
    explanation = de.explain({"dx": [" ｉ10.X00X002 ", "NULL", "A18.8†M49.0*"], "sex": 1, "age_years": 60})
    content = explanation.to_dict()
    assert content["case"]["dx"][0] == "I10.x00x002"
    assert {"raw": " ｉ10.X00X002 ", "code": "I10.x00x002"} in content["mended"]
    assert {"raw": "A18.8†M49.0*", "code": "A18.8+M49.0*"} in content["mended"]
    assert "(empty)" in str(explanation)


def test_unknown_codes_are_marked() -> None:
    text = str(de.explain({"dx": ["I10.x00x002", "Q99.zz"], "proc": ["00.zz"], "sex": 1, "age_years": 60}))
    assert text.count("[not in the code edition]") == 2


def test_code_names_come_from_a_mapping_or_a_csv(tmp_path: Path) -> None:
    case = {"dx": ["I10.x00x002"], "sex": 1, "age_years": 60}
    assert "I10.x00x002 原发性高血压" in str(de.explain(case, names={"I10.x00x002": "原发性高血压"}))
    for encoding in ("utf-8", "utf-8-sig", "gb18030"):
        file = tmp_path / f"{encoding}.csv"
        file.write_bytes("code,name\nI10.x00x002,原发性高血压\n".encode(encoding))
        for names in (file, str(file)):
            assert "I10.x00x002 原发性高血压" in str(de.explain(case, names=names))
    (tmp_path / "short.csv").write_text("code,name\nI10.x00x002\n")
    assert "None" not in str(de.explain(case, names=tmp_path / "short.csv"))
    (tmp_path / "wrong.csv").write_text("a,b\n1,2\n")
    for name, words in (("wrong.csv", "code,name"), ("none.csv", "cannot be read")):
        with pytest.raises(SchemeError, match=words):
            de.explain(case, names=tmp_path / name)


# -------------------------------------------------------------------------------------- why, and what was missed

SAID: list[tuple[dict[str, Any], str, str]] = [
    (
        {"dx": ["I50.900", "I48.100", "E87.600", "E11.900"]},
        "group FR25 (I48.100 listed as MCC but not counted: the principal diagnosis is on exclusion list 90 too; "
        "E87.600 counted as CC, but this ADRG is split by MCC only)",
        "细分到 FR25：I48.100 虽列为 MCC，但与主要诊断同在排除表 90，不计；E87.600 为 CC，本组只按 MCC 细分",
    ),
    ({"dx": ["I50.900"]}, "✓ FR25 心力衰竭、休克，不伴严重合并症或并发症  none of the groups above", "  其余情形"),
    ({"dx": ["I50.900", "E11.900"]}, "neither MCC nor CC: E11.900", "既非 MCC 也非 CC：E11.900"),
    (
        {"dx": ["I21.001", "J96.000"], "proc": ["36.0700x004"]},
        "it would count in a split; this ADRG is not split",
        "（若细分则计入；本组不细分，不影响结果）",
    ),
    (
        {"dx": ["I10.x00x002"], "proc": ["37.6700", "36.0700x004"]},
        "36.0700x004 (place 2) is on the procedure list of FM3, but FM3 looks at the first procedure only",
        "36.0700x004（第 2 位）在 FM3 的手术操作表内，但 FM3 只看第一手术操作：请核对主要手术的选择",
    ),
    (
        {"dx": ["I10.x00x002"], "proc": ["37.6700"]},
        "37.6700 is on the procedure list of FP1, but the principal diagnosis I10.x00x002 is not on",
        "37.6700 在 FP1 的手术操作表内，但主要诊断 I10.x00x002 不在 FP1 的诊断表内",
    ),
    (
        {"dx": ["P07.300x001"], "age_years": 0, "age_days": 1, "birth_weight_g": 1499},
        "birth weight 1499 g (asked: under 1500 g); 1 day old (asked: at most 28)",
        "出生体重 1499 克（＜1500 克）；日龄 1 天（≤28 天）",
    ),
    (
        {"dx": ["S36.002", "S22.400"]},
        "injuries in 2 body regions (at least 2 are needed): abdomen (S36.002), chest (S22.400)",
        "损伤涉及 2 个部位（要求至少 2 个部位）：腹部创伤（S36.002）、胸部创伤（S22.400）",
    ),
    (
        {"dx": ["N40.x00"], "sex": 2},
        "N40.x00 belongs to MDC M (Male reproductive system), which asks for sex male; the patient is female",
        "N40.x00 属 MDC M（男性生殖系统疾病及功能障碍），须为男性；本例为女",
    ),
    (
        {"dx": ["P07.101"]},
        "its condition is not met: age 70 years (asked: 0)",
        "但其条件不成立：年龄 70 岁（要求 0 岁）",
    ),
    (
        {"dx": ["I21.0"]},
        "! the principal diagnosis I21.0 is not in the code edition; codes that start with I21.0: I21.000 ",
        "! 主要诊断 I21.0 不在编码库；以 I21.0 开头的有：I21.000 ",
    ),
    ({"dx": ["B95.600"]}, "! B95.600 is barred as principal diagnosis", "! B95.600 不得作为主要诊断（灰码）"),
    (
        {"dx": ["I10.x00x002", "I10.x00x002"], "proc": ["36.0700x004"]},
        "no other diagnosis is on the list of other diagnoses of AH2",
        "所有其他诊断均不在 AH2 的其他诊断表内",
    ),
    (
        {"dx": ["I10.x00x002"], "年龄": "三十", "age_years": ...},
        '年龄 "三十": Not a number',
        "年龄“三十”：不是数字，按缺失处理",
    ),
    ({"dx": ["I10.x00x002"], "sexx": 1, "sex": ...}, "sexx (is it sex?)", "未识别的列：sexx（是否为 sex？）"),
]  # fmt: skip


@pytest.mark.parametrize(("case", "english", "chinese"), SAID, ids=lambda value: str(value)[:40])
def test_why_and_what_was_missed(case: dict[str, Any], english: str, chinese: str) -> None:
    record = {name: value for name, value in ({"sex": 1, "age_years": 70} | case).items() if value is not ...}
    assert english in str(de.explain(record, loaded(DEFAULT_SCHEME)))
    assert chinese in str(de.explain(record, loaded(DEFAULT_SCHEME), language="zh"))


def test_near_misses_are_those_of_the_ambiguous_mdc_and_few() -> None:
    record = {"dx": ["I10.x00x002"], "proc": ["37.6700", "36.0700x004"], "sex": 1, "age_years": 70}
    misses = de.explain(record, loaded(DEFAULT_SCHEME)).to_dict()["near_misses"]
    assert [(m["kind"], m["rule"], m["code"], m["position"]) for m in misses] == [
        ("later_procedure", "FM3", "36.0700x004", 2),
        ("diagnosis", "FP1", "37.6700", 1),
    ]
    many = {**record, "proc": ["37.6700", "36.0700x004", *["36.0600", "36.0601", "36.0602", "36.0700", "36.0701"]]}
    assert len(de.explain(many, loaded(DEFAULT_SCHEME)).to_dict()["near_misses"]) <= 5
    assert explained(BY_ID["S-hf-renal-failure"]).to_dict()["near_misses"] == []


def test_a_later_procedure_that_would_decide_is_the_one_named() -> None:
    cases, _ = sample(150, seed=5)
    scheme = loaded(DEFAULT_SCHEME)
    procedures = [code for record in cases.to_pylist() for code in record["proc"] or []]
    seen = 0
    for at, record in enumerate(cases.to_pylist()):
        first, *rest = procedures[3 * at % len(procedures) :][:3] or ["37.6700"]
        content = de.explain({**record, "proc": [first, *rest]}, scheme).to_dict()
        for miss in (m for m in content["near_misses"] if m["kind"] == "later_procedure"):
            others = [code for code in (first, *rest) if code != miss["code"]]
            path = de.explain({**record, "proc": [miss["code"], *others]}, scheme).to_dict()["path"]
            assert path[-1]["rule"] == miss["rule"]
            seen += 1
    assert seen


def test_numbers_in_json_are_whole_and_an_empty_department_is_null() -> None:
    content = de.explain({"dx": ["I10.x00x002"], "sex": 1, "age_years": 50, "icu_hours": 1.5}).to_dict()["case"]
    assert (content["age_years"], content["icu_hours"], content["department_id"]) == (50, 1.5, None)
    assert isinstance(content["age_years"], int)


def test_columns_of_a_file_are_not_called_slips() -> None:
    row = pa.RecordBatch.from_pylist([{"dx": ["I10.x00x002"], "sexx": 1, "age": "x"}])
    content = de.explain(row).to_dict()
    assert content["unknown_columns"] == []
    assert content["unread"] == [{"column": "age", "value": "x", "rule": "number_unreadable"}]
    named = {"dx": ["I10.x00x002"], "sexx": 1, "patient_sex_name": "x", "age": 60}
    assert de.explain(named, columns={"sexx": "sex"}).to_dict()["unknown_columns"] == []


def test_a_name_that_is_missing_leaves_no_hole(tmp_path: Path) -> None:
    import_scheme(write_tables(small_tables(), tmp_path / "tables", {"scheme": "small"}), tmp_path / "scheme")
    for language in ("en", "zh"):
        text = str(de.explain({"dx": ["I21.000"], "sex": 1, "age_years": 40}, tmp_path / "scheme", language=language))
        assert not re.search(r"\S {3,}|（）|\(\)", text)


# ------------------------------------------------------------------------------------------------ what it takes


def test_chinese_columns_and_other_layouts() -> None:
    plain = de.explain({"dx": ["I50.900", "N17.900"], "proc": [], "sex": 1, "age_years": 74}).to_dict()
    others: list[dict[str, Any]] = [
        {"诊断编码": ["I50.900", "N17.900"], "手术操作编码": [], "性别": "男", "年龄（岁）": "74岁"},
        {"主要诊断编码": "I50.900", "其他诊断编码1": "N17.900", "性别": "1", "年龄": 74},
        {"dx_principal": "I50.900", "dx_other": "N17.900|", "sex": "M", "age": 74.0, "ward": {"a": 1}, "note": None},
        {"dx": "I50.900;N17.900", "sex": 1, "age_years": 74},
        {"dx": ("I50.900", "N17.900"), "sex": 1, "age_years": 74},
    ]
    for other in others:
        content = de.explain(other).to_dict()
        assert (content["case"], content["answer"]) == (plain["case"], plain["answer"])


MISSING = [
    {"dx": None, "sex": 1, "age_years": 60},
    {"dx": [], "sex": 1, "age_years": 60},
    {"dx": [None, "I10.x00x002"], "sex": 1, "age_years": 60},
    {"dx_principal": None, "dx_other": ["I10.x00x002"], "sex": 1, "age_years": 60},
    {"dx1": None, "dx2": "I10.x00x002", "sex": 1, "age_years": 60},
]


@pytest.mark.parametrize("record", MISSING, ids=str)
def test_a_record_without_principal_diagnosis_is_explained_as_invalid(record: dict[str, Any]) -> None:
    table = pa.Table.from_pylist([record])
    assert de.group(table)["reason"].to_pylist() == ["principal_diagnosis_missing"]
    assert de.explain(record).to_dict()["answer"]["reason"] == "principal_diagnosis_missing"


REFUSED: dict[str, Any] = {
    "no diagnosis": {"sex": 1},
    "a number as code": {"dx": 5, "sex": 1},
    "a list as age": {"dx": ["I10.x00x002"], "age_years": [63]},
    "a dict as age": {"dx": ["I10.x00x002"], "age_years": {"years": 63}},
    "an age beyond all numbers": {"dx": ["I10.x00x002"], "age_years": 10**30},
    "half a character": {"dx": ["\ud800"]},
    "two columns for one": {"dx": ["I10.x00x002"], "sex": 1, "性别": 2},
    "no mapping": [("dx", ["I10.x00x002"])],
    "nothing": None,
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_explained_is_refused_in_one_line(what: str) -> None:
    with pytest.raises(CaseTableError) as refused:
        de.explain(REFUSED[what])
    assert "\n" not in str(refused.value)


def test_a_language_or_scheme_there_is_none_of() -> None:
    with pytest.raises(DrgEngineError, match=r"'fr'.*en or zh"):
        de.explain({"dx": ["I10.x00x002"]}, language="fr")
    with pytest.raises(SchemeError, match=r"chs-drg-3.*Nearest names"):
        de.explain({"dx": ["I10.x00x002"]}, "chs-drg-3")


@pytest.mark.parametrize("dx", [["I10.x00x002"], [], 5], ids=str)
def test_personal_values_are_not_repeated(dx: Any) -> None:
    secrets = {"姓名": "张三丰", "身份证号": "110101199003071233", "电话": "13912345678", "现住址": "武当山一号"}
    record = {"case_id": "000017", "dx": dx, "sex": 1, "age_years": 60, **secrets}
    try:
        explanation = de.explain(record)
        shown = str(explanation) + explanation.to_json() + repr(explanation.case)
    except CaseTableError as error:
        shown = str(error)
    assert not [value for value in secrets.values() if value in shown]
