"""Codes of value domains."""

from __future__ import annotations

import pyarrow as pa
import pytest
from cleaning_checks import read_one, rules_by_row, same_in_pieces
from hypothesis import given, settings
from hypothesis import strategies as st

from drgengine.formats.cleaning import clean_domain
from drgengine.formats.cleaning.texts import domain_data

TABLE = [
    ("sex", "1", 1, []),
    ("sex", "2", 2, []),
    ("sex", "0", 0, []),
    ("sex", "9", 0, []),
    ("sex", "男", 1, ["domain_word"]),
    ("sex", "F", 2, ["domain_word"]),
    ("sex", "m", 1, ["domain_word"]),
    ("sex", "2-女", 2, ["domain_word"]),
    ("sex", "2-男", 0, ["sex_unreadable"]),
    ("sex", "01", 1, ["domain_leading_zero"]),
    ("sex", "1.0", 1, ["number_tail"]),
    ("sex", "3", 0, ["sex_unreadable"]),
    ("sex", "１", 1, ["text_full_width"]),
    ("sex", "1 ", 1, ["text_blanks"]),
    ("sex", " 男", 1, ["domain_word", "text_blanks"]),
    ("sex", "-", None, ["filler"]),
    ("sex", "", None, []),
    ("sex", "1E+00", 0, ["number_in_scientific_form"]),
    ("disposition", "5", 5, []),
    ("disposition", "05", 5, ["domain_leading_zero"]),
    ("disposition", "死亡", 5, ["domain_word"]),
    ("disposition", "非医嘱离院", 4, ["domain_word"]),
    ("disposition", "自动出院", 4, ["domain_word"]),
    ("disposition", "转社区/乡镇", 3, ["domain_word"]),
    ("disposition", "#n/a", None, ["spreadsheet_error"]),
    ("sex", "＃ＮＡＭＥ？", None, ["spreadsheet_error"]),
    ("disposition", "6", None, ["disposition_unknown"]),
    ("disposition", "0", None, ["disposition_unknown"]),
    ("admission_condition", "4", "4", []),
    ("admission_condition", "有", "1", ["domain_word"]),
    ("admission_condition", "5", None, ["domain_unknown"]),
    ("admission_route", "9", "9", []),
    ("admission_route", "急诊", "1", ["domain_word"]),
    ("admission_route", "4", None, ["domain_unknown"]),
    ("payment", "1", "01", []),
    ("payment", "01", "01", []),
    ("payment", "9", "99", []),
    ("payment", "99", "99", []),
    ("payment", "1.0", "01", ["number_tail"]),
    ("payment", "001", "01", ["domain_leading_zero"]),
    ("payment", "10", None, ["domain_unknown"]),
    ("payment", "全自费", "06", ["domain_word"]),
    ("yes_no_plan", "2", "2", []),
    ("yes_no_plan", "有", "2", ["domain_word"]),
    ("yes_no_plan", "无", "1", ["domain_word"]),
    ("admission_condition", "无", "4", ["domain_word"]),
    ("payment", "无", None, ["filler"]),
    ("yes_no_plan", "3", None, ["domain_unknown"]),
]


@pytest.mark.parametrize(("domain", "raw", "value", "rules"), TABLE)
def test_table(domain, raw, value, rules):
    assert read_one(clean_domain, raw, domain) == (value, rules)


@pytest.mark.parametrize("values", [pa.array([1, 2, 7, None]), pa.array([1.0, 2.0, 7.0, None]).dictionary_encode()])
def test_typed_columns(values):
    found = clean_domain(values, "c", 1, "sex")
    assert found.values.equals(pa.array([1, 2, 0, None], pa.int8()))
    assert rules_by_row(found, 4) == [[], [], ["sex_unreadable"], []]


def test_words_and_codes_of_the_data_lead_into_the_domain():
    for entry in domain_data()["domain"].values():
        assert set(entry["words"].values()) <= set(entry["codes"].values())
        assert all(word == word.casefold() for word in entry["words"])


@settings(max_examples=50)
@given(st.lists(st.sampled_from(["1", "2", "02", "2.0", "女", "8", "-", ""]), max_size=20))
def test_dispositions_by_the_reference(texts):
    known = {"1": (1, []), "2": (2, []), "-": (None, []), "": (None, [])}
    known |= {"02": (2, ["domain_leading_zero"]), "2.0": (2, ["number_tail"])}
    found = clean_domain(pa.array(texts, pa.string()), "c", 1, "disposition")
    expected = [known.get(text, (None, ["disposition_unknown"])) for text in texts]
    assert list(zip(found.values.to_pylist(), rules_by_row(found, len(texts)), strict=True)) == expected
    assert found.counted.get("filler", 0) == texts.count("-")


@settings(max_examples=50)
@given(
    st.sampled_from(sorted(domain_data()["domain"])),
    st.lists(st.text(max_size=6) | st.text("0129.男女- ", max_size=5), max_size=10),
    st.integers(0, 10),
)
def test_any_text_in_any_batches(domain, texts, cut):
    same_in_pieces(clean_domain, texts, min(cut, len(texts)), domain)
