"""Batches -> plain arrays."""

import datetime as dt
import math
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drgengine.cases import IssueLog, pack, resolve_columns
from drgengine.cases.issues import issue_rules

NUMBERS = ("age_years", "age_days", "birth_weight_g", "los_days", "icu_hours", "discharge_disposition")


def packed(columns, numbers=(), department=False, first_row=0, mapping=None):
    batch = columns if isinstance(columns, pa.RecordBatch) else pa.record_batch(columns)
    found = resolve_columns(batch.schema, mapping)
    return pack(batch, found, numbers=numbers, department=department, first_row=first_row)


def lists(codes):
    texts = [codes.texts[i] for i in codes.index]
    return [texts[a:b] for a, b in zip(codes.offsets[:-1], codes.offsets[1:], strict=True)]


def remarks(cases):
    return {(issue.column, issue.rule): (issue.rows.tolist(), issue.values) for issue in cases.issues}


def number(values, name, kind=None):
    """The one number column and the rules met."""
    cases = packed({"dx": pa.array([["A"]] * len(values)), name: pa.array(values, kind)}, (name,))
    kept = [None if math.isnan(v) else v for v in cases.numbers[0]]
    return kept, {issue.rule: issue.rows.tolist() for issue in cases.issues}


def test_list_columns_keep_order_and_empty_places():
    cases = packed({"dx": [["A01", "B02"], None, [], [None, "C03"], ["", "null"]], "proc": [None] * 4 + [["37.34"]]})
    assert lists(cases.dx) == [["A01", "B02"], [], [], ["", "C03"], ["", ""]]
    assert lists(cases.proc) == [[], [], [], [], ["37.34"]]
    assert cases.dx.offsets.dtype == cases.dx.index.dtype == np.int32
    assert remarks(cases) == {("dx", "code_placeholder"): ([4], ["null"])}


def test_a_table_without_procedures():
    assert lists(packed({"dx": [["A"], ["B"]]}).proc) == [[], []]


def test_a_hole_in_slots_stays_and_is_reported():
    cases = packed({"dx3": ["C", None, None], "dx1": ["A", "", "G"], "dx2": [" ", "E", "-"]}, first_row=100)
    assert lists(cases.dx) == [["A", "", "C"], ["", "E"], ["G"]]
    assert remarks(cases)["dx2", "code_hole"] == ([100], [""])
    assert remarks(cases)["dx2", "code_placeholder"] == ([102], ["-"])


def test_a_missing_slot_number_is_an_empty_place():
    assert lists(packed({"dx1": ["A", "B"], "dx3": ["C", None]}).dx) == [["A", "", "C"], ["B"]]


@pytest.mark.parametrize(
    ("cell", "codes"),
    [
        ("A01|B02", ["A01", "B02"]),
        ("A01;B02", ["A01", "B02"]),
        ("A01,B02", ["A01", "B02"]),
        ("A01、B02；C03，D04", ["A01", "B02", "C03", "D04"]),
        ("A01 B02\u3000C03", ["A01", "B02", "C03"]),
        (" A01 | B02 | ", ["A01", "B02"]),
        ("A18.808+I32.0*|B02", ["A18.808+I32.0*", "B02"]),
        ("A01||B02", ["A01", "", "B02"]),
        ("|B02", ["", "B02"]),
        ("A01|", ["A01"]),
        ("", []),
        (None, []),
        ("A01", ["A01"]),
    ],
)
def test_delimited_text(cell, codes):
    assert lists(packed({"dx": pa.array([cell, "Z00"], pa.string())}).dx) == [codes, ["Z00"]]


@pytest.mark.parametrize(
    "rest",
    [
        {"dx_other": ["B|C", "", "D"]},
        {"dx_other": [["B", "C"], [], ["D"]]},
        {"dx_other1": ["B", "", "D"], "dx_other2": ["C", None, ""]},
    ],
)
def test_principal_with_secondary_columns(rest):
    cases = packed({"dx_principal": ["A", "E", None], **rest})
    assert lists(cases.dx) == [["A", "B", "C"], ["E"], ["", "D"]]


def test_null_lists_that_cover_elements_are_empty():
    values = pa.ListArray.from_arrays(
        pa.array([0, 1, 3, 4], pa.int32()),
        pa.array(["A", "B", "C", "D"]),
        mask=pa.array([False, True, False]),
    )
    assert lists(packed({"dx": values}).dx) == [["A"], [], ["D"]]


def test_mending_is_counted_by_occurrence_with_row_numbers():
    cases = packed({"dx": [["i10.x00"], ["A01", "i10.x00"], ["I10.x00"]]}, first_row=1000)
    assert lists(cases.dx) == [["I10.x00"], ["A01", "I10.x00"], ["I10.x00"]]
    assert remarks(cases) == {("dx", "code_lower_case"): ([1000, 1001], ["i10.x00", "i10.x00"])}


SAMPLE = [["A01", "i10.X00"], [], None, ["", "null", "C03"], [None], ["A01"] * 3]


def shapes():
    """The same lists in every Arrow type, and sliced."""
    text = pa.array(SAMPLE, pa.list_(pa.string()))
    yield text
    for item in (pa.large_string(), pa.string_view()):
        yield pa.array(SAMPLE, pa.list_(item))
        yield pa.array(SAMPLE, pa.large_list(item))
    yield pa.array(SAMPLE, pa.list_view(pa.string()))
    yield pa.array(SAMPLE, pa.large_list_view(pa.string()))
    for index in (pa.int8(), pa.uint16(), pa.int32(), pa.int64()):
        for item in (pa.string(), pa.large_string()):
            encoded = text.flatten().dictionary_encode().cast(pa.dictionary(index, item))
            yield pa.ListArray.from_arrays(text.offsets, encoded, mask=text.is_null())
    longer = pa.array([["Z"], *SAMPLE, ["Y", "X"]], pa.list_(pa.string()))
    yield longer.slice(1, len(SAMPLE))
    yield pa.ListArray.from_arrays(longer.offsets, longer.values.dictionary_encode()).slice(1, len(SAMPLE))


@pytest.mark.parametrize("values", list(shapes()), ids=lambda v: str(v.type))
def test_every_arrow_type_packs_the_same(values):
    cases = packed({"dx": values})
    assert lists(cases.dx) == [["A01", "I10.x00"], [], [], ["", "", "C03"], [""], ["A01"] * 3]
    assert remarks(cases)["dx", "code_capital_x"] == ([0], ["i10.X00"])
    assert remarks(cases)["dx", "code_hole"] == ([3], [""])


def test_fixed_size_lists_and_null_columns():
    assert lists(packed({"dx": pa.array([["A", "B"], ["C", "D"]], pa.list_(pa.string(), 2))}).dx) == [
        ["A", "B"],
        ["C", "D"],
    ]
    assert lists(packed({"dx": pa.nulls(2)}).dx) == [[], []]
    assert lists(packed({"dx": pa.nulls(2, pa.list_(pa.null()))}).dx) == [[], []]


code = st.sampled_from(["A01", "i10.X00", "", " ", "null", None, "B02+C03*"])
rows = st.lists(st.none() | st.lists(code, max_size=4), min_size=1, max_size=12)


@settings(deadline=None)
@given(rows, st.data())
def test_slices_pack_like_the_whole(values, data):
    array = pa.array(values, pa.list_(pa.string()))
    ages = pa.array([None if i % 3 == 0 else i - 2 for i in range(len(values))], pa.int32())
    whole = pa.record_batch({"dx": array, "age_years": ages, "sex": pa.array(["1"] * len(values))})
    start = data.draw(st.integers(0, len(values)))
    size = data.draw(st.integers(0, len(values) - start))
    part = packed(whole.slice(start, size), ("age_years",), first_row=start)
    full = packed(whole, ("age_years",))
    assert lists(part.dx) == lists(full.dx)[start : start + size]
    np.testing.assert_array_equal(part.numbers, full.numbers[:, start : start + size])
    for key, (rows_, _) in remarks(part).items():
        assert rows_ == [r for r in remarks(full)[key][0] if start <= r < start + size]


@settings(deadline=None)
@given(st.lists(st.lists(st.sampled_from(["A01", "B02", " i10.X00"]), min_size=1, max_size=4), min_size=1))
def test_all_forms_of_a_clean_list_agree(values):
    width = max(map(len, values))
    slots = {f"dx{k + 1}": pa.array([v[k] if k < len(v) else None for v in values], pa.string()) for k in range(width)}
    forms = [
        {"dx": values},
        slots,
        {name: column.dictionary_encode() for name, column in slots.items()},
        {"dx": ["|".join(v) for v in values]},
        {
            "dx_principal": [v[0] for v in values],
            "dx_other": pa.array([v[1:] for v in values], pa.list_(pa.string())),
        },
    ]
    expected = [[text.strip().replace("i", "I").replace("X", "x") for text in v] for v in values]
    for form in forms:
        assert lists(packed(form).dx) == expected


def test_sex_in_words_and_numbers():
    words = ["1", "2", "1.0", "男", "女性", "M", "female", "2女", " ２ ", "0", "x", "", None]
    cases = packed({"dx": [["A"]] * len(words), "性别": words})
    assert cases.sex.tolist() == [1, 2, 1, 1, 2, 1, 2, 2, 2, 0, 0, 0, 0]
    assert cases.sex.dtype == np.int8
    assert remarks(cases) == {("性别", "sex_unreadable"): ([9, 10], ["0", "x"])}
    numbers = packed({"dx": [["A"]] * 4, "sex": [1.0, 2.0, 9.0, None]})
    assert numbers.sex.tolist() == [1, 2, 0, 0]
    assert remarks(numbers)["sex", "sex_unreadable"] == (
        [2],
        ["9.0"],
    )


@pytest.mark.parametrize(
    ("name", "text", "value", "rule"),
    [
        ("age_years", "45", 45, None),
        ("age_years", "45岁", 45, None),
        ("age_years", "45Y", 45, None),
        ("age_years", "４５", 45, None),
        ("age_years", "3月", 0, "age_not_in_years"),
        ("age_years", "12天", 0, "age_not_in_years"),
        ("age_years", "0.5", 0, "age_not_whole"),
        ("age_years", "-1", None, "age_negative"),
        ("age_years", "999", None, "age_over_130"),
        ("age_years", "old", None, "number_unreadable"),
        ("age_years", "-", None, "number_placeholder"),
        ("age_years", "", None, None),
        ("age_days", "12天", 12, None),
        ("age_days", "24649", 24649, None),
        ("age_days", "-3", None, "age_negative"),
        ("age_days", "3月", None, "number_unreadable"),
        ("birth_weight_g", "3200g", 3200, None),
        ("birth_weight_g", "3,200", 3200, None),
        ("birth_weight_g", "3.2", 3.2, "weight_below_10"),
        ("birth_weight_g", "3.2kg", None, "number_unreadable"),
        ("birth_weight_g", "0", None, "weight_not_positive"),
        ("los_days", "-2", None, "stay_negative"),
        ("los_days", "1,234", 1234, None),
        ("icu_hours", "12.5", 12.5, None),
        ("icu_hours", "1/13/30", 37.5, None),
        ("icu_hours", "1,2", None, "number_unreadable"),
        ("discharge_disposition", "01", 1, None),
        ("discharge_disposition", "1.0", 1, None),
        ("discharge_disposition", "死亡", 5, None),
        ("discharge_disposition", "walked", None, "number_unreadable"),
    ],
)
def test_numbers_as_text(name, text, value, rule):
    kept, rules = number([None, text], name, pa.string())
    assert kept == [None, value]
    assert rules == ({rule: [1]} if rule else {})


KINDS = [pa.int8(), pa.int64(), pa.float32(), pa.float64(), pa.decimal128(5, 1), pa.string(), pa.string_view()]
KINDS += [pa.dictionary(pa.int8(), pa.int16()), pa.dictionary(pa.int8(), pa.string())]


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_numbers_of_every_type(kind):
    values = [45, None, -1]
    if "string" in str(kind):
        values = ["45", None, "-1"]
    if pa.types.is_decimal(kind):
        values = [Decimal("45.0"), None, Decimal("-1")]
    assert number(values, "age_years", kind) == ([45, None, None], {"age_negative": [2]})


def test_missing_columns_and_odd_floats():
    cases = packed({"dx": [["A"]] * 2}, NUMBERS)
    assert cases.numbers.shape == (6, 2)
    assert np.isnan(cases.numbers).all()
    assert number([math.nan, math.inf, 0.5], "age_years") == (
        [None, None, 0],
        {"number_unreadable": [1], "age_not_whole": [2]},
    )


@pytest.mark.parametrize(
    "kind", [pa.date32(), pa.date64(), pa.timestamp("ms"), pa.timestamp("s", "Asia/Shanghai"), "text"]
)
def test_stay_from_dates(kind):
    day = dt.datetime(2018, 6, 12, 8)
    ends = [dt.datetime(2018, 6, 15, 7), dt.datetime(2018, 6, 12, 20), dt.datetime(2018, 6, 1), None]
    if kind == "text":
        start, end = pa.array([str(day)] * 4), pa.array([None if e is None else e.isoformat() for e in ends])
    else:
        zoned = [
            x.replace(tzinfo=dt.timezone(dt.timedelta(hours=8))) if getattr(kind, "tz", None) else x
            for x in [day, *ends[:3]]
        ]
        start, end = pa.array([zoned[0]] * 4, kind), pa.array([*zoned[1:], None], kind)
    cases = packed({"dx": [["A"]] * 4, "入院日期": start, "出院日期": end}, ("los_days",))
    np.testing.assert_array_equal(cases.numbers[0], [3, 1, np.nan, np.nan])
    assert remarks(cases)["出院日期", "discharge_before_admission"][0] == [2]


def test_dates_must_be_iso():
    cases = packed({"dx": [["A"]] * 2, "B12": ["2018/6/12", "2018-06-31"], "B15": ["2018-06-20"] * 2}, ("los_days",))
    assert np.isnan(cases.numbers).all()
    assert remarks(cases) == {("B12", "date_unreadable"): ([0, 1], ["2018/6/12", "2018-06-31"])}


def test_department_is_trimmed_text():
    cases = packed({"dx": [["A"]] * 4, "dept": ["ICU", " 03.01 ", None, ""]}, department=True)
    assert [cases.department.texts[i] for i in cases.department.index] == ["ICU", "03.01", "", ""]
    assert packed({"dx": [["A"]]}, department=True).department.texts == [""]
    assert packed({"dx": [["A"]], "dept": ["ICU"]}).department is None
    coded = packed({"dx": [["A"]], "dept": [301]}, department=True)
    assert coded.department.texts[coded.department.index[0]] == "301"


def test_an_empty_batch_packs():
    cases = packed(
        pa.record_batch({"dx": pa.array([], pa.list_(pa.string())), "sex": pa.array([], pa.string())}),
        NUMBERS,
    )
    assert cases.n == 0
    assert cases.dx.offsets.tolist() == [0]
    assert packed(pa.record_batch({"dx1": pa.array([], pa.string())})).n == 0
    assert packed(pa.record_batch({"dx": pa.array([], pa.string())})).n == 0


def dirty(n):
    return pa.record_batch(
        {
            "dx": [["i10.x00", "null"] if i % 2 else ["A01"] for i in range(n)],
            "sex": [str(i % 4) for i in range(n)],
        }
    )


@pytest.mark.parametrize("size", [1, 7, 64, 200])
def test_issue_log_does_not_depend_on_batches_or_order(size):
    whole, parts = IssueLog(), [IssueLog() for _ in range(3)]
    whole.add(packed(dirty(200)).issues)
    for k, start in enumerate(range(0, 200, size)):
        parts[k % 3].add(packed(dirty(200).slice(start, size), first_row=start).issues)
    merged = IssueLog()
    for part in reversed(parts):
        merged.merge(part)
    assert merged.to_table().equals(whole.to_table())
    assert whole.counts["dx", "code_lower_case"] == 100
    assert whole.total == 300


def test_issue_table_has_remedies():
    log = IssueLog()
    assert log.to_table().num_rows == 0
    log.add(packed(dirty(100)).issues)
    table = log.to_table("zh")
    first = table.to_pylist()[0]
    assert table.column_names == ["row", "column", "value", "rule", "severity", "remedy", "count"]
    assert first["remedy"] == issue_rules()[first["rule"]]["zh"]
    assert max(table.group_by("rule").aggregate([("row", "count")])["row_count"].to_pylist()) == 20


# ------------------------------------------------------------------ text that is no UTF-8


def not_utf8(*texts):
    """Text as some exporters write it: the bytes as they are, under the name of UTF-8; None gives a null."""
    stored = pa.array(texts, pa.binary())
    return pa.StringArray.from_buffers(len(texts), *stored.buffers()[1:], stored.buffers()[0])


GBK = "高".encode("gbk")
LOST = GBK.decode("utf-8", "replace")


def forms_of(texts):
    yield texts
    yield texts.cast(pa.large_string())
    yield texts.cast(pa.string_view())
    yield texts.dictionary_encode()


def test_a_code_that_is_no_utf8_is_a_code_unknown():
    lists_of = [pa.ListArray.from_arrays([0, 2, 3], form) for form in forms_of(not_utf8(b"A01", b"I10" + GBK, b" b02"))]
    for column in lists_of[:2] + lists_of[3:]:
        cases = packed({"dx": column}, first_row=10)
        assert lists(cases.dx) == [["A01", "I10" + LOST], ["B02"]]
        assert remarks(cases) == {
            ("dx", "text_not_utf8"): ([10], ["I10" + LOST]),
            ("dx", "code_blanks"): ([11], [" b02"]),
            ("dx", "code_lower_case"): ([11], [" b02"]),
        }


def test_slots_and_cells_with_several_codes_that_are_no_utf8():
    slots = {"dx1": ["A01", "B02", "C03"], "dx2": not_utf8(None, GBK, b"")}
    for columns in (slots, {"dx": not_utf8(b"A01|", b"B02; " + GBK, b"C03")}):
        cases = packed(columns)
        assert lists(cases.dx) == [["A01"], ["B02", LOST], ["C03"]]
        assert [rows for (_, rule), (rows, _) in remarks(cases).items() if rule == "text_not_utf8"] == [[1]]


@pytest.mark.parametrize("name", ["age_years", "icu_hours"])
def test_a_number_that_is_no_utf8_is_missing(name):
    for values in forms_of(not_utf8(b"63", GBK, None, b"x")):
        cases = packed({"dx": ["A"] * 4, name: values}, (name,))
        assert [None if math.isnan(v) else v for v in cases.numbers[0]] == [63, None, None, None]
        assert remarks(cases) == {
            (name, "text_not_utf8"): ([1], [LOST]),
            (name, "number_unreadable"): ([3], ["x"]),
        }


def test_sex_department_and_dates_that_are_no_utf8():
    columns = {
        "dx": ["A", "B"],
        "sex": not_utf8(GBK, "女".encode()),
        "dept": not_utf8(b"07", GBK),
        "B12": not_utf8(b"2024-01-01 08:00 " + GBK, b"2024-01-01"),
        "B15": ["2024-01-05", "2024-01-05"],
        "case_id": not_utf8(b"1", GBK),
    }
    cases = packed(columns, ("los_days",), department=True)
    assert cases.sex.tolist() == [0, 2]
    assert [cases.department.texts[at] for at in cases.department.index] == ["07", ""]
    assert math.isnan(cases.numbers[0][0])
    assert cases.numbers[0][1] == 4
    found = {column: rows for (column, rule), (rows, _) in remarks(cases).items() if rule == "text_not_utf8"}
    assert found == {"sex": [0], "dept": [1], "B12": [0]}
    assert len(cases.issues) == 3
    assert set(issue_rules()) >= {issue.rule for issue in cases.issues}


def test_columns_that_are_not_read_may_be_no_utf8():
    for bad in ({"note": not_utf8(GBK)}, {"case_id": not_utf8(GBK)}, {"B12": not_utf8(GBK)}):
        assert packed({"dx": ["A"], **bad}, ("los_days",)).issues == []


def test_all_values_of_an_issue_are_kept():
    n = 3000
    codes = [[f" a{i:04}", None, "B"] for i in range(n)]
    cases = packed({"dx": codes, "sex": ["?"] * n, "age_years": [999] * n}, ("age_years",))
    assert {rule for _, rule in remarks(cases)} == {
        "code_blanks",
        "code_lower_case",
        "code_hole",
        "sex_unreadable",
        "age_over_130",
    }
    assert all(len(issue.values) == issue.rows.size == n for issue in cases.issues)
    assert remarks(cases)["dx", "code_blanks"][1][-1] == " a2999"


def test_a_moment_in_nanoseconds_is_shown():
    moments = pa.array([5, 1], pa.timestamp("ns"))
    days = pa.array([dt.date(1970, 1, 2), dt.date(1969, 1, 1)])
    cases = packed({"dx": ["A", "B"], "B12": days.cast(pa.timestamp("ns")), "B15": moments}, ("los_days",))
    assert remarks(cases) == {("B15", "discharge_before_admission"): ([0], ["1970-01-01 00:00:00"])}
