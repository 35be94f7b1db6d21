"""The hand-written cases of sample_cases/cases: patient, expected group, and why.

One pyarrow table per scheme is grouped once; every case is then a test of its own, so that a failure names
the file and the patient.
"""

from __future__ import annotations

import string
import tomllib
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import drgengine

FOLDER = Path(__file__).resolve().parents[1] / "sample_cases" / "cases"
DEFAULT_SCHEME = "chs-drg-2.0"
ANSWER = ("status", "mdc", "adrg", "drg", "severity", "reason")
CASE_TABLE = pa.schema(
    {
        "case_id": pa.string(),
        "sex": pa.int8(),
        "age_years": pa.int16(),
        "age_days": pa.int16(),
        "birth_weight_g": pa.int32(),
        "los_days": pa.int32(),
        "discharge_disposition": pa.int8(),
        "department_id": pa.string(),
        "icu_hours": pa.float64(),
        "dx": pa.list_(pa.string()),
        "proc": pa.list_(pa.string()),
    }
)
CASE_KEYS = set(CASE_TABLE.names) - {"case_id"} | {"id", "title", "scheme", "expect", "why"}
REASONS: dict[str, set[str | None]] = {
    "invalid": {
        "sex_invalid",
        "age_missing",
        "age_days_missing",
        "newborn_weight_missing",
        "principal_diagnosis_missing",
    },
    "ungroupable": {
        "principal_diagnosis_unknown",
        "principal_diagnosis_not_allowed",
        "principal_diagnosis_in_no_mdc",
        "mdc_condition_not_met",
        "no_rule_matched",
    },
    "ambiguous": {"operation_outside_mdc"},
    "grouped": {None},
}


def read_cases() -> list[tuple[str, dict[str, Any]]]:
    """All cases as (file name, case), in file order."""
    return [
        (path.name, case)
        for path in sorted(FOLDER.glob("*.toml"))
        for case in tomllib.loads(path.read_text(encoding="utf-8"))["case"]
    ]


CASES = read_cases()


def expected(case: dict[str, Any]) -> dict[str, str | None]:
    """The answer written in the case: what is left out is null, but ungroupable always means drg 0000."""
    answer = {name: case["expect"].get(name) for name in ANSWER}
    if answer["status"] == "ungroupable":
        answer["drg"] = answer["drg"] or "0000"
    return answer


def case_table(cases: list[dict[str, Any]]) -> pa.Table:
    rows = [{name: case.get(name) for name in CASE_TABLE.names} | {"case_id": case["id"]} for case in cases]
    return pa.Table.from_pylist(rows, schema=CASE_TABLE)


@pytest.fixture(scope="module")
def answers() -> dict[str, dict[str, str | None]]:
    """Case id -> the six answer columns, from one call of `group` per scheme."""
    by_scheme: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for _, case in CASES:
        by_scheme[case.get("scheme", DEFAULT_SCHEME)].append(case)
    found: dict[str, dict[str, str | None]] = {}
    for scheme, cases in by_scheme.items():
        rows = drgengine.group(case_table(cases), scheme=scheme).select(["case_id", *ANSWER]).to_pylist()
        assert [row["case_id"] for row in rows] == [case["id"] for case in cases], scheme
        found |= {row.pop("case_id"): row for row in rows}
    return found


@pytest.mark.parametrize(("file", "case"), CASES, ids=[case["id"] for _, case in CASES])
def test_case(file: str, case: dict[str, Any], answers: dict[str, dict[str, str | None]]) -> None:
    found = answers[case["id"]]
    wrong = {
        name: f"expected {want!r}, found {found[name]!r}"
        for name, want in expected(case).items()
        if found[name] != want
    }
    assert not wrong, f"{file}, {case['id']}: {case['title']}\n{wrong}\nbecause: {case['why']['en']}"


def test_there_are_at_least_a_hundred_cases_with_unique_ids() -> None:
    ids = Counter(case["id"] for _, case in CASES)
    assert [name for name, times in ids.items() if times > 1] == []
    assert len(CASES) >= 100


@pytest.mark.parametrize(("file", "case"), CASES, ids=[case["id"] for _, case in CASES])
def test_case_is_complete(file: str, case: dict[str, Any]) -> None:
    place = f"{file}, {case['id']}"
    assert set(case) <= CASE_KEYS, f"{place}: unknown key {set(case) - CASE_KEYS}"
    assert set(case["expect"]) <= set(ANSWER), f"{place}: unknown key in expect"
    assert all(isinstance(case[name], list) for name in ("dx", "proc")), f"{place}: dx and proc are lists"
    assert all(case["why"].get(language, "").strip() for language in ("zh", "en")), f"{place}: why"
    assert " / " in case["title"], f"{place}: title in both languages, divided by ' / '"
    assert case["expect"].get("reason") in REASONS[case["expect"]["status"]], f"{place}: reason"


def test_every_mdc_status_and_reason_is_covered() -> None:
    answers_20 = [case["expect"] for _, case in CASES if case.get("scheme", DEFAULT_SCHEME) == DEFAULT_SCHEME]
    grouped = {answer["mdc"] for answer in answers_20 if answer["status"] == "grouped"}
    assert grouped == set(string.ascii_uppercase)
    covered = {(answer["status"], answer.get("reason")) for answer in answers_20}
    assert covered == {(status, reason) for status, reasons in REASONS.items() for reason in reasons}
    assert {"MCC", "CC", "none", None} == {answer.get("severity") for answer in answers_20}


def test_the_earlier_schemes_are_covered() -> None:
    schemes = Counter(case.get("scheme", DEFAULT_SCHEME) for _, case in CASES)
    assert set(schemes) == {DEFAULT_SCHEME, "chs-drg-1.1", "chs-drg-1.0", "beijing-2022"}
