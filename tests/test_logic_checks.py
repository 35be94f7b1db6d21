"""Logic checks: every rule both ways, in the right column and row, whatever the batches."""

import datetime as dt
import re

import numpy as np
import pyarrow as pa
import pytest

from drgengine.cases.editions import load_edition
from drgengine.cases.issues import issue_rules
from drgengine.formats.checks import check_logic
from drgengine.formats.checks.limits import Beginnings, limits_of, logic_data
from drgengine.formats.frontpage.schema import FRONT_PAGE_SCHEMA

ALL = {name: name for name in FRONT_PAGE_SCHEMA.names}


def pages(*rows):
    """A batch of FRONT_PAGE_SCHEMA; what a row does not name is null."""
    return pa.RecordBatch.from_pylist([dict.fromkeys(FRONT_PAGE_SCHEMA.names) | row for row in rows], FRONT_PAGE_SCHEMA)


def rules(*rows, columns=ALL, **more):
    found = check_logic(pages(*rows), columns, 1, **more)
    return {(i.column, i.rule): (i.rows.tolist(), i.values) for i in found}


def kinds(**row):
    return {rule for _, rule in rules(row)}


@pytest.mark.parametrize(
    ("name", "code", "sex"),
    [
        ("dx", "N40.x00", 1),
        ("dx", "C61.x00", 1),
        ("dx", "D07.500", 1),
        ("dx", "B26.000+N51.1*", 1),
        ("dx", "O80.000", 2),
        ("dx", "D07.100", 2),
        ("dx", "C57.900", 2),
        ("dx", "Z37.000", 2),
        ("proc", "60.2901", 1),
        ("proc", "64.0x00", 1),
        ("proc", "74.1x00", 2),
        ("proc", "68.4900", 2),
        ("proc", "97.7101", 2),
    ],
)
def test_a_code_of_one_sex(name, code, sex):
    row = {"sex": 3 - sex, "dx": ["I10.x00"], "age_years": 30, "pathology": "M80000/3"} | {name: [code]}
    assert rules(row) == {(name, "sex_against_code"): ([1], [code])}
    assert kinds(**row | {"sex": sex}) == set()
    assert kinds(**row | {"sex": 0}) == set()
    assert kinds(**row | {"sex": None}) == set()


@pytest.mark.parametrize("code", ["I10.x00", "D07.900", "Z38.000", "C50.900", "L70.500", ""])
def test_codes_of_both_sexes(code):
    assert "sex_against_code" not in kinds(sex=1, dx=[code]) | kinds(sex=2, dx=[code])


@pytest.mark.parametrize("code", ["64.5x00x001", "71.7102", "58.4502", "57.8402"])
def test_procedures_of_both_sexes(code):
    assert kinds(sex=1, dx=["I10.x00"], proc=[code]) | kinds(sex=2, dx=["I10.x00"], proc=[code]) == set()


@pytest.mark.parametrize(
    ("code", "fits", "conflicts"),
    [
        ("P59.900", [(0, 3), (0, 200), (0, None)], [(1, None), (40, None)]),
        ("Z38.000", [(0, 0), (0, 28), (0, None)], [(0, 29), (1, None), (30, None)]),
        ("O80.000", [(9, None), (64, None)], [(8, None), (65, None), (0, 1)]),
        ("H25.900", [(15, None), (90, None)], [(14, None), (0, 5)]),
        ("H25.000x002", [(3, None)], []),
        ("I10.x00", [(0, 1), (99, None), (None, None)], []),
    ],
)
def test_a_code_of_an_age(code, fits, conflicts):
    for years, days in fits:
        assert kinds(age_years=years, age_days=days, dx=[code]) == set(), (years, days)
    for years, days in conflicts:
        assert kinds(age_years=years, age_days=days, dx=[code]) == {"age_against_code"}, (years, days)


def test_a_procedure_of_an_age():
    assert rules({"age_years": 70, "dx": ["I10.x00"], "proc": ["74.1x00"]}) == {
        ("proc", "age_against_code"): ([1], ["74.1x00"])
    }
    assert kinds(age_years=30, dx=["I10.x00"], proc=["74.1x00"]) == set()
    assert kinds(age_years=None, dx=["P59.900"], proc=["74.1x00"]) == set()


def stay(days, between):
    start = dt.date(2025, 3, 1)
    return {
        "dx": ["I10.x00"],
        "los_days": days,
        "admission_date": start,
        "discharge_date": start + dt.timedelta(between),
    }


@pytest.mark.parametrize(("days", "between"), [(3, 3), (1, 0), (0, 0), (None, 4), (2, -1), (1, 1)])
def test_a_stay_that_fits_its_dates(days, between):
    assert kinds(**stay(days, between)) == set()


@pytest.mark.parametrize(("days", "between"), [(4, 3), (2, 0), (0, 1), (3, 4)])
def test_a_stay_against_its_dates(days, between):
    assert rules(stay(days, between)) == {("los_days", "stay_against_dates"): ([1], [str(days)])}
    assert "los_days" not in {c for c, _ in rules(stay(days, between), columns={})}  # worked out, not stated


def test_a_procedure_outside_the_stay():
    moments = [
        dt.datetime(2025, 2, 28, 23, 59),
        dt.datetime(2025, 3, 1, 0, 0),
        None,
        dt.datetime(2025, 3, 4, 23, 59),
        dt.datetime(2025, 3, 5),
    ]
    row = stay(3, 3) | {"proc": ["00.0100"] * 5, "proc_date": moments}
    found = rules(row, columns={"proc_date": {0: "C16x01", 4: "C37x04"}})
    assert found == {
        ("C16x01", "procedure_outside_stay"): ([1], ["2025-02-28 23:59:00"]),
        ("C37x04", "procedure_outside_stay"): ([1], ["2025-03-05 00:00:00"]),
    }
    for absent in ({"admission_date": None, "discharge_date": None}, {"discharge_date": dt.date(2025, 2, 1)}):
        assert "procedure_outside_stay" not in kinds(**row | absent)
    assert rules(row | {"admission_date": None}) == {
        ("proc_date", "procedure_outside_stay"): ([1], ["2025-03-05 00:00:00"])
    }


@pytest.mark.parametrize("code", ["C34.900", "D00.000", "D48.900", "C97.x00"])
def test_a_tumour_needs_its_pathology(code):
    assert rules({"dx": [code, "I10.x00"]}) == {("pathology", "pathology_missing"): ([1], [""])}
    assert kinds(dx=[code], pathology="M80700/3") == set()
    assert kinds(dx=["I10.x00", code]) == set()
    assert not rules({"dx": [code]}, columns={})  # the input has no such column


@pytest.mark.parametrize("code", ["S72.000", "T14.900"])
def test_an_injury_needs_its_cause(code):
    assert rules({"dx": [code]}) == {("external_cause", "external_cause_missing"): ([1], [""])}
    assert kinds(dx=[code], external_cause="W19.900") == set()
    assert kinds(dx=["I10.x00", code]) == set()


def test_rows_without_principal_ask_for_nothing():
    assert rules({"dx": None}, {"dx": []}, {"dx": ["", "C34.900"]}, {"dx": ["D50.900"]}) == {}


def test_slots_name_the_columns_and_rows_their_numbers():
    batch = pages({"sex": 2, "dx": ["I10.x00", "N40.x00", "N40.x00"]}, {"sex": 2, "dx": ["N40.x00"]})
    slots = {"dx": pa.array([[0, 1, 3], [0]], pa.list_(pa.int16()))}
    found = check_logic(batch, {"dx": {0: "C03C", 1: "C06x01C", 3: "C06x03C"}}, 1, np.array([7, 9]), slots=slots)
    assert {i.column: i.rows.tolist() for i in found} == {"C06x01C": [7], "C06x03C": [7], "C03C": [9]}
    assert [i.hints for i in found] == [["for men (1)"]] * 3
    assert all(i.cleaned is None for i in found)  # nothing is changed


def test_batches_do_not_matter():
    rng = np.random.default_rng(20250301)
    codes = ["N40.x00", "O80.000", "P59.900", "C34.900", "S72.000", "I10.x00", ""]
    rows = [
        stay(int(rng.integers(0, 4)), int(rng.integers(-1, 4)))
        | {"sex": int(rng.integers(0, 3)), "age_years": int(rng.integers(0, 80)), "dx": list(rng.choice(codes, n))}
        for n in rng.integers(0, 4, 60)
    ]
    batch = pages(*rows)

    def lines(issues):
        return sorted((i.column, i.rule, r, v) for i in issues for r, v in zip(i.rows.tolist(), i.values, strict=True))

    parts = [i for at in range(0, 60, 7) for i in check_logic(batch.slice(at, 7), ALL, at + 1)]
    whole = check_logic(batch, ALL, 1)
    assert lines(parts) == lines(whole)
    assert len({i.rule for i in whole}) == 5
    assert check_logic(batch.slice(0, 0), ALL, 1) == []


def test_only_logic_rules_and_only_present_columns():
    assert {issue_rules()[i.rule]["kind"] for i in check_logic(pages({"sex": 1, "dx": ["O80.000"]}), ALL, 1)} == {
        "logic"
    }
    assert check_logic(pa.record_batch({"total_charge": [1.0]}), ALL, 1) == []


def test_every_beginning_is_in_the_insurance_edition():
    """A misprint in the data file would match nothing; categories used as asterisk codes only are named."""
    known = {"dx": set(), "proc": set()}
    for name, edition in (("dx", "icd10-yb-2.0"), ("proc", "icd9cm3-yb-2.0")):
        for code in load_edition(edition).codes:
            known[name].update(part[:n] for part in code.split("+") for n in range(2, 12))
    for entry in [*logic_data()["sex"], *logic_data()["age"]]:
        ends = [end for code in [*entry["codes"], *entry.get("except", [])] for end in re.split("-", code)]
        assert {end for end in ends if end not in known[entry["of"]]} <= {"87.99"}, entry
        assert entry["source"]


def test_ranges_and_exceptions():
    found = Beginnings(("D07.4-D07.6", "60-64"), ("64.5",))
    assert [c in found for c in ("D07.400", "D07.600", "D07.700", "64.0x00", "64.5x00", "65.0100")] == [
        True,
        True,
        False,
        True,
        False,
        False,
    ]
    with pytest.raises(ValueError, match="no range"):
        Beginnings(("A10-B20",))
    assert limits_of([], "dx").sex.size == 0
