"""Charges, their sum and the parts of parts."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pytest
from cleaning_checks import read_one, rules_by_row, same_in_pieces
from hypothesis import given, settings
from hypothesis import strategies as st

from drgengine.formats.cleaning import check_charges, clean_charges

TABLE = [
    ("1234.5", 1234.5, []),
    ("0", 0.0, []),
    ("1,234.50", 1234.5, ["charge_separators"]),
    ("1,234,567", 1234567.0, ["charge_separators"]),
    ("1，234.50", 1234.5, ["charge_separators", "text_full_width"]),
    ("12,34", None, ["number_unreadable"]),
    ("￥1234.5", 1234.5, ["charge_currency"]),
    ("¥1234.5", 1234.5, ["charge_currency"]),
    ("1234.5元", 1234.5, ["charge_currency"]),
    ("￥1,234.50", 1234.5, ["charge_currency"]),
    ("-12.5", -12.5, ["charge_negative"]),
    ("-1,234.5", -1234.5, ["charge_negative"]),
    ("(1,234.50)", -1234.5, ["charge_negative"]),
    ("免费", None, ["number_unreadable"]),
    ("nan", None, ["filler"]),
    ("inf", None, ["number_unreadable"]),
    ("1.5E+03", 1500.0, ["number_in_exponent_form"]),
    ("-1.5E+03", -1500.0, ["charge_negative"]),
    ("1E+400", None, ["number_unreadable"]),
    ("#DIV/0!", None, ["spreadsheet_error"]),
    ("１２３", 123.0, ["text_full_width"]),
    (" 123 ", 123.0, ["text_blanks"]),
    ("-", None, ["filler"]),
    ("", None, []),
]


@pytest.mark.parametrize(("raw", "value", "rules"), TABLE)
def test_table(raw, value, rules):
    assert read_one(clean_charges, raw) == (value, rules)


@pytest.mark.parametrize("values", [pa.array([1.5, -2.0, None]), pa.array([Decimal("1.5"), Decimal("-2.0"), None])])
def test_typed_columns(values):
    found = clean_charges(values, "c", 1)
    assert found.values.to_pylist() == [1.5, -2.0, None]
    assert rules_by_row(found, 3) == [[], ["charge_negative"], []]


def test_infinite_number_is_unreadable():
    found = clean_charges(pa.array([float("inf"), 1.0]), "c", 1)
    assert found.values.to_pylist() == [None, 1.0]
    assert rules_by_row(found, 2) == [["number_unreadable"], []]


def test_sum_and_parts():
    parts = {
        "charge_western_drug": pa.array([60.0, 60.0, None, None, 0.1]),
        "charge_surgical_treatment": pa.array([40.05, 40.06, 100.0, None, 0.2]),
    }
    of_which = {
        "of_which_operation": (pa.array([40.055, 40.07, None, 5.0, 0.2]), "D20x02"),
        "of_which_physical_therapy": (pa.array([1e6] * 5), "D19x01"),
    }
    found = check_charges(pa.array([100.0, 100.0, 100.0, 100.0, 0.3]), "D01", parts, of_which, 1)
    assert [(i.column, i.rule, i.rows.tolist(), i.hints) for i in found] == [
        ("D01", "charge_sum_differs", [2], ["100.06"]),
        ("D20x02", "charge_part_above_whole", [2], ["40.06"]),
    ]
    assert check_charges(pa.array([1.0]), "D01", {}, {}, 1) == []


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 10**6), st.lists(st.integers(0, 10**6), min_size=3, max_size=3)), max_size=10))
def test_sum_in_whole_fen(rows):
    """In whole fen nothing is lost: more than five of them apart is reported."""
    near = [sum(parts) + at % 8 if at % 2 else fen for at, (fen, parts) in enumerate(rows)]
    parts = {str(k): pa.array([p[k] / 100 for _, p in rows], pa.float64()) for k in range(3)}
    found = check_charges(pa.array([fen / 100 for fen in near], pa.float64()), "c", parts, {}, 1)
    expected = [row + 1 for row, (_, p) in enumerate(rows) if abs(near[row] - sum(p)) > 5]
    assert [row for issue in found for row in issue.rows.tolist()] == expected


@settings(max_examples=50)
@given(st.lists(st.text(max_size=8) | st.text("0123456789.,-￥元()E+ ", max_size=12), max_size=10), st.integers(0, 10))
def test_any_text_in_any_batches(texts, cut):
    same_in_pieces(clean_charges, texts, min(cut, len(texts)))
