"""Weights of newborns, hours and days in hospital."""

from __future__ import annotations

import pyarrow as pa
import pytest
from cleaning_checks import read_one, rules_by_row, same_in_pieces
from hypothesis import given, settings
from hypothesis import strategies as st

from drgengine.formats.cleaning import clean_hours, clean_stay_days, clean_weights

WEIGHTS = [
    ("3200", 3200, []),
    ("3.2", 3200, ["weight_in_kg"]),
    ("9.99", 9990, ["weight_in_kg"]),
    ("0", None, ["weight_missing_mark"]),
    ("1", None, ["weight_missing_mark"]),
    ("3200g", 3200, ["weight_with_unit"]),
    ("3200克", 3200, ["weight_with_unit"]),
    ("3.2kg", 3200, ["weight_with_unit"]),
    ("0.85 KG", 850, ["text_blanks", "weight_with_unit"]),
    ("3200/2800", 3200, ["weight_several"]),
    ("3200,2800", 3200, ["weight_several"]),
    ("3200;2800", 3200, ["weight_several"]),
    ("3200、2800", 3200, ["weight_several"]),
    ("3200 2800", 3200, ["weight_several"]),
    ("3.2/2.8", 3200, ["weight_several"]),
    ("99", None, ["weight_out_of_range"]),
    ("100", 100, []),
    ("9999", 9999, []),
    ("10000", None, ["weight_out_of_range"]),
    ("-3200", None, ["weight_out_of_range"]),
    ("3200.0", 3200, ["number_tail"]),
    ("重", None, ["number_unreadable"]),
    ("３２００", 3200, ["text_full_width"]),
    ("３２００ｇ", 3200, ["text_full_width", "weight_with_unit"]),
    ("3.2E+03", 3200, ["number_in_exponent_form"]),
    ("3.2E0", 3200, ["weight_in_kg"]),
    ("3.2E5", None, ["weight_out_of_range"]),
    ("3,200", 3200, ["weight_separators"]),
    ("3，200", 3200, ["text_full_width", "weight_separators"]),
    ("3,200g", 3200, ["weight_separators"]),
    ("3,200/2,800", 3200, ["weight_several"]),
    ("0,320", None, ["weight_missing_mark"]),
    ("3200.5", 3201, ["weight_rounded"]),
    ("#REF!", None, ["spreadsheet_error"]),
    ("-", None, ["filler"]),
    ("/", None, ["filler"]),
    ("", None, []),
]
HOURS = [
    ("96", 96.0, []),
    ("96.5", 96.5, []),
    ("1/13/30", 37.5, []),
    ("0/0/0", 0.0, []),
    ("9.6E1", 96.0, ["number_in_exponent_form"]),
    ("-9.6E1", None, ["hours_negative"]),
    ("96小时", 96.0, ["number_with_unit"]),
    ("1天2小时30分", 26.5, ["number_with_unit"]),
    ("-1", None, ["hours_negative"]),
    ("*", None, ["filler"]),
    ("—", None, ["filler"]),
]
DAYS = [
    ("7", 7, []),
    ("7.0", 7, ["number_tail"]),
    ("7天", 7, ["number_with_unit"]),
    ("-7", None, ["stay_negative"]),
    ("7.5", None, ["number_unreadable"]),
    ("7E0", 7, ["number_in_exponent_form"]),
    ("7.5E0", None, ["number_unreadable"]),
    ("99999999999", None, ["number_unreadable"]),
    ("\\", None, ["filler"]),
]


@pytest.mark.parametrize(
    ("clean", "raw", "value", "rules"),
    [
        (clean, *row)
        for clean, table in ((clean_weights, WEIGHTS), (clean_hours, HOURS), (clean_stay_days, DAYS))
        for row in table
    ],
)
def test_table(clean, raw, value, rules):
    assert read_one(clean, raw) == (value, rules)


@pytest.mark.parametrize(
    ("values", "expected", "rules"),
    [
        (pa.array([3200, 0, 50]), [3200, None, None], [[], ["weight_missing_mark"], ["weight_out_of_range"]]),
        (pa.array([3200.0, 3.2]), [3200, 3200], [[], ["weight_in_kg"]]),
        (pa.array([float("inf"), float("nan")]), [None, None], [["number_unreadable"], []]),
    ],
)
def test_typed_columns(values, expected, rules):
    found = clean_weights(values, "c", 1)
    assert found.values.to_pylist() == expected
    assert found.values.type == pa.int32()
    assert rules_by_row(found, len(expected)) == rules


def weight_reference(number: float) -> tuple[int | None, list[str]]:
    """A bare number of the column of weights, as the national format has it."""
    if number in (0, 1):
        return None, ["weight_missing_mark"]
    if 1 < number < 10:
        return int(number * 1000 + 0.5), ["weight_in_kg"]
    if number < 100 or number > 9999:
        return None, ["weight_out_of_range"]
    return int(number + 0.5), []


@settings(max_examples=50)
@given(st.lists(st.integers(0, 12000) | st.integers(11, 99).map(lambda tenths: tenths / 10), max_size=20))
def test_bare_numbers_by_the_reference(numbers):
    texts = [str(number).removesuffix(".0") for number in numbers]
    found = clean_weights(pa.array(texts, pa.string()), "c", 1)
    expected = [weight_reference(float(text)) for text in texts]
    assert list(zip(found.values.to_pylist(), rules_by_row(found, len(texts)), strict=True)) == expected


@pytest.mark.parametrize("clean", [clean_weights, clean_hours, clean_stay_days])
@settings(max_examples=30)
@given(
    texts=st.lists(st.text(max_size=8) | st.text("0123456789./,;gk克天小时-E+ ", max_size=12), max_size=10),
    cut=st.integers(0, 10),
)
def test_any_text_in_any_batches(clean, texts, cut):
    same_in_pieces(clean, texts, min(cut, len(texts)))
