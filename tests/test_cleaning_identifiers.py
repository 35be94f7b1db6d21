"""Record numbers, visit numbers and department codes."""

from __future__ import annotations

import pyarrow as pa
import pytest
from cleaning_checks import read_one, rules_by_row, same_in_pieces
from hypothesis import given, settings
from hypothesis import strategies as st

from drgengine.formats.cleaning import clean_department, clean_identifier

IDENTIFIERS = [
    ("00123", "00123", []),
    ("ZY-001", "ZY-001", []),
    ("123.0", "123", ["number_tail"]),
    ("0123.00", "0123", ["number_tail"]),
    ("1.5", "1.5", []),
    ("1.23E+17", None, ["number_in_scientific_form"]),
    ("1E5", "1E5", []),
    ("#NUM!", None, ["spreadsheet_error"]),
    ("１２３", "123", ["text_full_width"]),
    ("\t123\n", "123", ["text_blanks"]),
    ("12 3", "123", ["text_blanks"]),
    ("１２３.0", "123", ["number_tail", "text_full_width"]),
    ("null", None, ["filler"]),
    ("无", None, ["filler"]),
    ("--", None, ["filler"]),
    (" ", None, []),
    ("", None, []),
    (None, None, []),
]
DEPARTMENTS = [
    ("3.1", "03.01", ["department_zeros_lost"]),
    ("3.01", "03.01", ["department_zeros_lost"]),
    ("03.1", "03.01", ["department_zeros_lost"]),
    ("3", "03", ["department_zeros_lost"]),
    ("03.01", "03.01", []),
    ("03", "03", []),
    ("50.15", "50.15", []),
    ("3.1.2", "3.1.2", []),
    ("301", "301", []),
    ("心血管内科", "心血管内科", []),
    ("50.0", "50", ["number_tail"]),
    ("３.１", "03.01", ["department_zeros_lost", "text_full_width"]),
    ("—", None, ["filler"]),
]


@pytest.mark.parametrize(
    ("clean", "raw", "value", "rules"),
    [
        (clean, *row)
        for clean, rows in ((clean_identifier, IDENTIFIERS), (clean_department, DEPARTMENTS))
        for row in rows
    ],
)
def test_table(clean, raw, value, rules):
    assert read_one(clean, raw) == (value, rules)


def test_typed_columns():
    assert clean_identifier(pa.array([123, 10**18 + 1]), "c", 1).values.to_pylist() == ["123", "1000000000000000001"]
    found = clean_identifier(pa.array([123.0, 1.5, 1.234e17, None]), "c", 1)
    assert found.values.to_pylist() == ["123", "1.5", None, None]
    assert rules_by_row(found, 4) == [[], [], ["number_in_scientific_form"], []]
    assert clean_department(pa.array([3.1, 50.15]), "c", 1).values.to_pylist() == ["03.01", "50.15"]


def test_text_that_is_no_utf8():
    raw = pa.array([b"\xd6\xd0", b"1"])
    text = pa.Array.from_buffers(pa.string(), 2, raw.buffers())
    assert clean_identifier(text, "c", 1).values.to_pylist()[1] == "1"
    assert clean_identifier(raw, "c", 1).values.to_pylist()[1] == "1"


def department_reference(code: str) -> str:
    parts = code.split(".")
    short = len(parts) <= 2 and all(len(part) in (1, 2) for part in parts)
    return ".".join(part.rjust(2, "0") for part in parts) if short else code


@settings(max_examples=50)
@given(st.lists(st.lists(st.from_regex("[0-9]{0,2}[1-9]", fullmatch=True), min_size=1, max_size=3), max_size=20))
def test_departments_by_the_reference(drawn):
    codes = [".".join(parts) for parts in drawn]
    found = clean_department(pa.array(codes, pa.string()), "c", 1)
    expected = [department_reference(code) for code in codes]
    assert found.values.to_pylist() == expected
    changed = [["department_zeros_lost"] if a != b else [] for a, b in zip(codes, expected, strict=True)]
    assert rules_by_row(found, len(codes)) == changed


@pytest.mark.parametrize("clean", [clean_identifier, clean_department])
@settings(max_examples=50)
@given(texts=st.lists(st.text(max_size=6) | st.text("01.E+-null\t ", max_size=8), max_size=10), cut=st.integers(0, 10))
def test_any_text_in_any_batches(clean, texts, cut):
    same_in_pieces(clean, texts, min(cut, len(texts)))
