"""Counts, fall-back groups and the options of a scheme: notation, errors, answers by kernel and by reference, words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from drawn import Tables, small_tables, write_tables

import drgengine
from drgengine.errors import SchemeError
from drgengine.grouper.conditions import Count
from drgengine.grouper.expression import ExpressionError, parse, unparse
from drgengine.grouper.implication import implies
from drgengine.grouper.interchange import import_scheme
from drgengine.grouper.jsoncondition import ConditionError, read_condition
from drgengine.grouper.reference import Case, decide
from drgengine.grouper.schemefile import load_scheme

SCHEME = """\
id = "options"
title = { zh = "小方案", en = "Tiny scheme" }
authority = { zh = "某局", en = "Some bureau" }
version = "1"
OPTIONS
[codes]
diagnosis_edition = "icd10-yb-2.0"
procedure_edition = "icd9cm3-yb-2.0"
"""
RULES = """\
[[mdc]]
code = "P"
gate = "age_years == 0 and age_days < 29"

[[mdc.rule]]
adrg = "PU1"
kind = "medical"
when = "admission_weight_g < 1000"
groups = [{ drg = "PU19", when = "always" }]

[[mdc]]
code = "I"
gate = "pdx in GATE"

[[mdc.rule]]
adrg = "IC2"
kind = "surgical"
when = "count any_proc in @proc >= 2 and first_proc in @proc"
groups = [{ drg = "IC29", when = "always" }]

[[mdc.rule]]
adrg = "IC3"
kind = "surgical"
when = "first_proc in @proc"
groups = [{ drg = "IC39", when = "always" }]

[[mdc.rule]]
adrg = "IQY"
kind = "ambiguous"
when = "first_proc in operations"
otherwise = "ambiguous"

[[mdc.rule]]
adrg = "IR1"
kind = "medical"
when = "pdx in @dx and not first_proc in operations"
groups = [{ drg = "IR19", when = "always" }]

[[mdc.rule]]
adrg = "I00"
kind = "fallback"
when = "always"
groups = [{ drg = "I000", when = "always" }]
"""
DIAGNOSES = "[GATE]\nM16 M17\n\n[IR1.dx]\nM16\n\n[not_principal]\n=M16.900\n"
PROCEDURES = "[IC2.proc]\n81.5\n\n[IC3.proc]\n81.5\n\n[operations]\n81.5 81.8\n\n[not_for_grouping]\n=81.5700x001\n"


def folder(place: Path, options: str = "", rules: str = RULES) -> Path:
    place.mkdir(exist_ok=True)
    files = {"scheme.toml": SCHEME.replace("OPTIONS", options), "rules.toml": rules}
    for name, text in (files | {"diagnoses.txt": DIAGNOSES, "procedures.txt": PROCEDURES}).items():
        (place / name).write_text(text, encoding="utf-8")
    return place


def answer(scheme: Path, dx: list[str], proc: tuple[str, ...] = (), **facts: Any) -> tuple[Any, ...]:
    """(status, drg, reason), the same by kernel and by reference."""
    facts = {"sex": 1, "age_years": 50} | facts
    row = {"dx": [dx], "proc": [list(proc)]} | {name: [value] for name, value in facts.items()}
    found = drgengine.group(row, scheme=scheme).select(["status", "mdc", "adrg", "drg", "reason"]).to_pylist()[0]
    sex = facts.pop("sex")
    numbers = {name: float(value) for name, value in facts.items() if value is not None}
    twin = decide(load_scheme(scheme), Case(tuple(dx), tuple(proc), sex, numbers))
    assert (twin.status, twin.mdc, twin.adrg, twin.drg, twin.reason) == tuple(found.values())
    return found["status"], found["drg"], found["reason"]


# --- counts -----------------------------------------------------------------------------------------------------


def test_a_count_is_read_and_written() -> None:
    assert parse("count any_proc in @proc >= 2") == Count("any_proc", "@proc", ">=", 2.0)
    assert unparse(parse("count  sdx in L<3")) == "count sdx in L < 3"
    assert read_condition({"atom": "count", "scope": "sdx", "list": "dx", "op": "ge", "value": 2}) == Count(
        "sdx", "@dx", ">=", 2.0
    )


@pytest.mark.parametrize(
    ("text", "position", "words"),
    [
        ("count proc in @proc >= 2", 7, "'proc'"),
        ("count any_proc in {A} >= 2", 7, "list"),
        ("count any_proc in @proc", 24, "comparison"),
        ("count any_proc in @proc >= two", 28, "number"),
        ("count any_proc starts {8} > 1", 7, "list"),
    ],
)
def test_a_count_that_cannot_be_read(text: str, position: int, words: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert words in str(caught.value)
    assert caught.value.position == position


def test_a_json_count_that_cannot_be_read() -> None:
    for tree in ({"scope": "proc", "op": "ge"}, {"scope": "sdx", "op": "more"}, {"scope": "sdx", "op": "ge"}):
        with pytest.raises(ConditionError):
            read_condition({"atom": "count", "list": "dx", **tree})


def test_what_follows_from_a_count() -> None:
    assert implies(parse("count any_proc in A >= 2"), parse("any_proc in A"))
    assert implies(parse("count first_proc in A > 0"), parse("has_proc"))
    assert implies(parse("count sdx in A >= 3"), parse("count sdx in A >= 2"))
    assert not implies(parse("count any_proc in A >= 0"), parse("any_proc in A"))
    assert not implies(parse("count any_proc in A >= 2"), parse("first_proc in A"))
    assert not implies(parse("count any_proc in A <= 2"), parse("any_proc in A"))


def test_different_codes_are_counted_once(tmp_path: Path) -> None:
    scheme = folder(tmp_path / "s")
    assert answer(scheme, ["M17.900"], ("81.5100", "81.5400")) == ("grouped", "IC29", None)
    assert answer(scheme, ["M17.900"], ("81.5100", "81.5100", "81.8000")) == ("grouped", "IC39", None)
    mended = drgengine.group(
        {"dx": [["M17.900"]], "proc": [["81.5400x004", "81.5400X004"]], "sex": [1], "age_years": [50]}, scheme=scheme
    )
    assert mended["drg"].to_pylist() == ["IC39"]


def test_spellings_of_one_code_leave_other_rows_alone(tmp_path: Path) -> None:
    scheme = folder(tmp_path / "s")
    rows = [["M17.900"], ["m17.900"], ["M16.000"], ["M17.900 ", "M16.000"], ["I10.x00x002"]]
    whole = drgengine.group({"dx": rows, "sex": [1] * 5, "age_years": [50] * 5}, scheme=scheme)
    alone = [
        drgengine.group({"dx": [row], "sex": [1], "age_years": [50]}, scheme=scheme).slice(0).to_pylist()[0]
        for row in rows
    ]
    assert [row["reason"] for row in alone] == whole["reason"].to_pylist()
    assert whole["drg"].to_pylist() == ["0000", "0000", "IR19", "0000", "0000"]


def test_a_count_in_words(tmp_path: Path) -> None:
    scheme = folder(tmp_path / "s")
    case = {"dx": ["M17.900"], "proc": ["81.5100", "81.5400"], "sex": 1, "age_years": 50}
    assert "2 different procedure in the procedure list of IC2: 81.5100, 81.5400 (asked: at least 2)" in str(
        drgengine.explain(case, scheme)
    )
    assert "不同编码 2 个：81.5100、81.5400（要求≥2）" in str(drgengine.explain(case, scheme, language="zh"))


# --- fall-back groups -------------------------------------------------------------------------------------------


def test_a_fall_back_group_is_no_group(tmp_path: Path) -> None:
    scheme = folder(tmp_path / "s")
    assert answer(scheme, ["M17.900"]) == ("ungroupable", "0000", "fallback_group")
    assert answer(scheme, ["M16.000"]) == ("grouped", "IR19", None)
    assert answer(scheme, ["M16.000"], ("81.8000",)) == ("ambiguous", "IQY", "operation_outside_mdc")
    assert answer(scheme, ["I10.x00x002"]) == ("ungroupable", "0000", "principal_diagnosis_in_no_mdc")
    text = str(drgengine.explain({"dx": ["M17.900"], "sex": 1, "age_years": 50}, scheme, language="zh"))
    assert "落入兜底组 I000：未入组" in text
    assert "兜底组不算入组" in text
    assert "I000" in str(drgengine.explain({"dx": ["M17.900"], "sex": 1, "age_years": 50}, scheme))


# --- options ----------------------------------------------------------------------------------------------------


def test_principal_diagnoses_are_refused_only_where_the_scheme_says_so(tmp_path: Path) -> None:
    lax, strict = folder(tmp_path / "lax"), folder(tmp_path / "strict", 'refused_principals = ["not_allowed"]')
    both = folder(tmp_path / "both", 'refused_principals = ["unknown", "not_allowed"]')
    newborn = {"age_years": 0, "age_days": 3, "admission_weight_g": 900, "birth_weight_g": 900}
    assert answer(lax, ["M16.900"]) == ("grouped", "IR19", None)
    assert answer(strict, ["M16.900"]) == ("ungroupable", "0000", "principal_diagnosis_not_allowed")
    assert answer(strict, ["M16.0"], **newborn) == ("grouped", "PU19", None)
    assert answer(both, ["M16.0"], **newborn) == ("ungroupable", "0000", "principal_diagnosis_unknown")
    text = str(drgengine.explain({"dx": ["M16.900"], "sex": 1, "age_years": 50}, strict, language="zh"))
    assert "方案规定此主要诊断不予入组" in text


def test_a_procedure_that_is_not_for_grouping_leaves_its_place_empty(tmp_path: Path) -> None:
    scheme = folder(tmp_path / "s")
    assert answer(scheme, ["M16.000"], ("81.5700x001",)) == ("grouped", "IR19", None)
    assert answer(scheme, ["M16.000"], ("81.5700x001", "81.5100")) == ("grouped", "IR19", None)
    assert answer(scheme, ["M16.000"], ("81.5100", "81.5700x001")) == ("grouped", "IC39", None)
    case = {"dx": ["M16.000"], "proc": ["81.5700x001"], "sex": 1, "age_years": 50}
    assert "81.5700x001 [不参与分组]" in str(drgengine.explain(case, scheme, language="zh"))


def test_a_scheme_may_ask_for_less(tmp_path: Path) -> None:
    usual = folder(tmp_path / "usual")
    less = folder(tmp_path / "less", 'checks = ["sex_invalid", "principal_diagnosis_missing"]')
    assert answer(usual, ["M16.000"], age_years=None) == ("invalid", None, "age_missing")
    assert answer(less, ["M16.000"], age_years=None) == ("grouped", "IR19", None)
    assert answer(less, ["M16.000"], age_years=0) == ("grouped", "IR19", None)
    assert answer(less, ["M16.000"], sex=0) == ("invalid", None, "sex_invalid")
    assert answer(less, [""]) == ("invalid", None, "principal_diagnosis_missing")


def test_days_count_for_infants_only(tmp_path: Path) -> None:
    checks = 'checks = ["sex_invalid", "principal_diagnosis_missing"]\n'
    rules = RULES.replace("age_years == 0 and age_days < 29", "age_days < 29")
    plain = folder(tmp_path / "plain", checks, rules)
    infants = folder(tmp_path / "infants", checks + "day_age_of_infants_only = true", rules)
    adult = {"age_years": 40, "age_days": 0, "admission_weight_g": 900}
    assert answer(plain, ["M16.000"], **adult) == ("grouped", "PU19", None)
    assert answer(infants, ["M16.000"], **adult) == ("grouped", "IR19", None)
    strict = folder(tmp_path / "strict", checks + "day_age_of_infants_only = true")
    days = {"age_years": None, "admission_weight_g": 900}
    assert answer(strict, ["M16.000"], age_days=28, **days) == ("grouped", "PU19", None)
    assert answer(strict, ["M16.000"], age_days=29, **days) == ("grouped", "IR19", None)
    assert answer(folder(tmp_path / "no", checks), ["M16.000"], age_days=28, **days) == ("grouped", "IR19", None)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ('checks = ["sex_invalid"]', ["'checks'", "'principal_diagnosis_missing' is missing"]),
        ('checks = ["sex_invalid", "principal_diagnosis_missing", "age"]', ["'checks'", "'age'", "age_missing"]),
        ('refused_principals = ["grey"]', ["'refused_principals'", "'grey'", "unknown, not_allowed"]),
        ('day_age_of_infants_only = "yes"', ["'day_age_of_infants_only'"]),
        ("refused_principals = true", ["'refused_principals'"]),
    ],
)
def test_options_that_cannot_be(tmp_path: Path, options: str, words: list[str]) -> None:
    with pytest.raises(SchemeError) as caught:
        load_scheme(folder(tmp_path / "s", options))
    for word in words:
        assert word in str(caught.value)


def test_interchange_tables_state_options_too(tmp_path: Path) -> None:
    tables: Tables = small_tables()
    tables["not_for_grouping.csv"] = [{"code": "37.2200"}]
    meta = {"scheme": "small", "checks": ["sex_invalid", "principal_diagnosis_missing"]}
    import_scheme(write_tables(tables, tmp_path / "tables", meta), tmp_path / "scheme")
    scheme = load_scheme(tmp_path / "scheme")
    assert scheme.checks == ("sex_invalid", "principal_diagnosis_missing")
    assert (
        list(scheme.procedure_patterns["not_for_grouping"]) == ["=37.2200"]
        or "37.2200" in scheme.lists["not_for_grouping"]
    )
    assert answer(tmp_path / "scheme", ["I21.000"], ("37.2200",), age_years=None)[0] == "ungroupable"
