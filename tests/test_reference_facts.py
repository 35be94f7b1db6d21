"""How CHS-DRG schemes decide, fact by fact, on schemes small enough to follow by eye.

Every fact is asked of the reference and of the kernel (through `drgengine.group`).
"""

from __future__ import annotations

from typing import Any

import pytest
from drawn import make_scheme

import drgengine
from drgengine.grouper.expression import parse
from drgengine.grouper.reference import Case, Decision, decide
from drgengine.grouper.scheme import Group, Mdc, Rule, Scheme

DX = (
    "A00.0",
    "A00.1",
    "B20.0",
    "I21.0",
    "I21.1",
    "J96.0",
    "J96.1",
    "P07.0",
    "S01.0",
    "S02.0",
    "S41.0",
    "S71.0",
    "Z37.0",
)
PROC = ("37.2", "38.0", "96.0400", "96.7201", "99.0")
LISTS = {
    "heart": ("I21",),
    "hiv": ("B20",),
    "everything": ("A", "B", "I", "J", "P", "S", "Z"),
    "site.head": ("S01", "S02"),
    "site.arm": ("S41",),
    "site.leg": ("S71",),
}
PROC_LISTS = {"catheter": ("37",), "vessel": ("38",), "operations": ("37", "38")}


@pytest.fixture(autouse=True)
def _no_cache_folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """The small schemes bear one digest, so none of them may be kept: the folder lies below a file."""
    file = tmp_path_factory.getbasetemp() / "no-folder"
    file.write_text("a file", encoding="utf-8")
    monkeypatch.setenv("DRGENGINE_CACHE", str(file / "cache"))


def rule(code: str, when: str, *groups: tuple[str, str], otherwise: str = "next", adrg: str = "") -> Rule:
    kind = "ambiguous" if otherwise == "ambiguous" else "medical"
    made = tuple(Group(drg, "", parse(condition)) for drg, condition in groups)
    return Rule(code, adrg or code, "", kind, parse(when), made, otherwise)


def mdc(code: str, gate: str, *rules: Rule) -> Mdc:
    return Mdc(code, "", parse(gate), rules)


def scheme(*mdcs: Mdc, retry: bool = False, **more: tuple[str, ...]) -> Scheme:
    lists = LISTS | {name.replace("__", "."): patterns for name, patterns in more.items()}
    return make_scheme(list(mdcs), lists, PROC_LISTS, retry=retry, diagnoses=DX, procedures=PROC)


def answer(of: Scheme, dx: str, proc: str = "", *, sex: int = 1, department: str = "", **numbers: Any) -> Decision:
    """The decision on one case; reference and kernel must say the same in every column."""
    numbers = {"age_years": 40} | numbers
    case = Case(
        tuple(dx.split()), tuple(proc.split()), sex, {n: v for n, v in numbers.items() if v is not None}, department
    )
    found = decide(of, case)
    table = {"dx": [list(case.dx)], "proc": [list(case.proc)], "sex": [sex], "department_id": [department]}
    result = drgengine.group(table | {name: [value] for name, value in numbers.items()}, scheme=of).to_pylist()[0]
    for column in ("status", "mdc", "adrg", "drg", "severity", "reason"):
        assert result[column] == getattr(found, column), column
    return found


def drg(of: Scheme, dx: str, proc: str = "", **facts: Any) -> str | None:
    return answer(of, dx, proc, **facts).drg


# --- order ------------------------------------------------------------------------------------------------------


def test_mdcs_are_tried_in_the_order_of_the_scheme() -> None:
    hiv = mdc("Y", "any_dx in hiv", rule("YR1", "always", ("YR19", "always")))
    heart = mdc("F", "pdx in heart", rule("FR1", "always", ("FR19", "always")))
    assert drg(scheme(hiv, heart), "I21.0 B20.0") == "YR19"
    assert drg(scheme(heart, hiv), "I21.0 B20.0") == "FR19"
    assert drg(scheme(hiv, heart), "I21.0") == "FR19"


def test_the_first_rule_that_holds_wins_and_then_its_first_group() -> None:
    rules = (
        rule("FB1", "first_proc in catheter", ("FB11", "mcc"), ("FB15", "always"), ("FB19", "always")),
        rule("FR1", "always", ("FR19", "always")),
    )
    of = scheme(mdc("F", "pdx in heart", *rules))
    assert drg(of, "I21.0", "37.2") == "FB15"
    assert drg(of, "I21.0", "38.0 37.2") == "FR19"


def test_an_mdc_without_a_matching_rule_passes_the_case_on() -> None:
    first = mdc("F", "pdx in heart", rule("FB1", "first_proc in catheter", ("FB19", "always")))
    later = mdc("X", "always", rule("XR1", "pdx in heart", ("XR19", "always")))
    assert answer(scheme(first, later), "I21.0").mdc == "X"
    assert answer(scheme(first, later), "I21.0", "37.2").mdc == "F"


@pytest.mark.parametrize(
    ("otherwise", "expected"),
    [("next", ("grouped", "FR1", "FR19")), ("FB1", ("grouped", "FB1", "FB1")), ("FB2", ("grouped", "FB2", "FB2")),
     ("ambiguous", ("ambiguous", "FB1", "FB1"))],
)  # fmt: skip
def test_when_no_group_of_a_rule_holds(otherwise: str, expected: tuple[str, str, str]) -> None:
    rules = (
        rule("FB1", "always", ("FB11", "age_years < 17"), otherwise=otherwise),
        rule("FR1", "always", ("FR19", "always")),
    )
    of = scheme(mdc("F", "pdx in heart", *rules))
    found = answer(of, "I21.0")
    assert (found.status, found.adrg, found.drg) == expected
    assert answer(of, "I21.0", age_years=16).drg == "FB11"


def test_several_rules_may_lead_to_one_adrg() -> None:
    rules = (
        rule("NA1_1", "first_proc in catheter", ("NA19", "always"), adrg="NA1"),
        rule("NA1_2", "first_proc in vessel", ("NA19", "always"), adrg="NA1"),
    )
    found = answer(scheme(mdc("N", "always", *rules)), "I21.0", "38.0")
    assert (found.adrg, found.drg) == ("NA1", "NA19")


def test_an_operation_outside_the_mdc_is_ambiguous_before_the_medical_rules() -> None:
    rules = (
        rule("FB1", "first_proc in catheter", ("FB19", "always")),
        rule("FQY", "first_proc in operations", otherwise="ambiguous"),
        rule("FR1", "always", ("FR19", "always")),
    )
    of = scheme(mdc("F", "pdx in heart", *rules))
    found = answer(of, "I21.0", "38.0")
    assert (found.status, found.mdc, found.adrg, found.drg) == ("ambiguous", "F", "FQY", "FQY")
    assert found.reason == "operation_outside_mdc"
    assert drg(of, "I21.0", "99.0") == "FR19"  # no operation
    assert drg(of, "I21.0", "99.0 38.0") == "FR19"  # not the first procedure


# --- severity ---------------------------------------------------------------------------------------------------

SPLIT = rule("FR1", "always", ("FR11", "mcc"), ("FR13", "cc"), ("FR15", "always"))


def severity_scheme(**lists: tuple[str, ...]) -> Scheme:
    return scheme(mdc("F", "pdx in heart", SPLIT), **lists)


@pytest.mark.parametrize(
    ("lists", "secondary", "expected"),
    [
        ({}, "J96.0", ("FR15", "none")),
        ({"mcc__1": ("J96.0",)}, "J96.0", ("FR11", "MCC")),
        ({"mcc__1": ("J96.0",)}, "J96.1", ("FR15", "none")),
        ({"cc__1": ("J96.0",)}, "J96.0", ("FR13", "CC")),
        ({"mcc__1": ("J96.0",), "cc__2": ("J96.1",)}, "J96.1 J96.0", ("FR11", "MCC")),
        # The principal diagnosis stands in the same exclusion list: cancelled.
        ({"mcc__1": ("J96.0",), "excluded__1": ("I21.0",)}, "J96.0", ("FR15", "none")),
        ({"cc__1": ("J96.0",), "excluded__1": ("I21.0",)}, "J96.0", ("FR15", "none")),
        # ... in another one, or only another principal diagnosis does: it counts.
        ({"mcc__1": ("J96.0",), "excluded__2": ("I21.0",)}, "J96.0", ("FR11", "MCC")),
        ({"mcc__1": ("J96.0",), "excluded__1": ("I21.1",)}, "J96.0", ("FR11", "MCC")),
        # A code without an exclusion list is never cancelled.
        ({"mcc__none": ("J96.0",), "excluded__1": ("I21.0",)}, "J96.0", ("FR11", "MCC")),
        # One cancelled MCC does not hide another one, nor a CC.
        ({"mcc__1": ("J96.0",), "mcc__2": ("J96.1",), "excluded__1": ("I21.0",)}, "J96.0 J96.1", ("FR11", "MCC")),
        ({"mcc__1": ("J96.0",), "cc__2": ("J96.0",), "excluded__1": ("I21.0",)}, "J96.0", ("FR13", "CC")),
        # The same code as principal and as secondary diagnosis.
        ({"mcc__1": ("I21.0",), "excluded__1": ("I21.0",)}, "I21.0", ("FR15", "none")),
        ({"mcc__1": ("I21.0",)}, "I21.0", ("FR11", "MCC")),
    ],
)
def test_mcc_and_cc_with_exclusions(
    lists: dict[str, tuple[str, ...]], secondary: str, expected: tuple[str, str]
) -> None:
    found = answer(severity_scheme(**lists), f"I21.0 {secondary}")
    assert (found.drg, found.severity) == expected


def test_the_principal_diagnosis_itself_is_no_complication() -> None:
    assert drg(severity_scheme(mcc__1=("I21.0",)), "I21.0") == "FR15"


def test_severity_is_told_only_where_a_group_asks_for_it() -> None:
    plain = mdc("F", "pdx in heart", rule("FR1", "always", ("FR19", "always")))
    assert answer(scheme(plain, mcc__1=("J96",)), "I21.0 J96.0").severity is None
    # It is told even where the group that wins comes before the one that asks.
    late = mdc("F", "pdx in heart", rule("FR1", "always", ("FR19", "always"), ("FR11", "mcc")))
    assert answer(scheme(late, mcc__1=("J96",)), "I21.0 J96.0").severity == "MCC"


# --- multiple trauma --------------------------------------------------------------------------------------------

TRAUMA = mdc("Z", "pdx starts {S} and trauma_sites >= 2", rule("ZZ1", "always", ("ZZ19", "always")))


@pytest.mark.parametrize(
    ("dx", "multiple"),
    [
        ("S01.0 S41.0", True),
        ("S01.0", False),
        ("S01.0 S02.0", False),  # one region, two injuries
        ("S01.0 S01.0", False),
        ("S01.0 A00.0 S71.0", True),
        ("A00.0 S01.0 S41.0", False),  # the principal diagnosis is no injury
    ],
)
def test_multiple_trauma_needs_two_regions(dx: str, multiple: bool) -> None:
    assert drg(scheme(TRAUMA), dx) == ("ZZ19" if multiple else "0000")


# --- missing values ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("op", ["<", "<=", ">", ">=", "=="])
@pytest.mark.parametrize("name", ["los_days", "icu_hours", "admission_weight_g", "discharge_disposition"])
def test_a_comparison_with_a_missing_value_is_false(name: str, op: str) -> None:
    of = scheme(mdc("F", "always", rule("FR1", f"{name} {op} 5", ("FR19", "always"))))
    assert drg(of, "I21.0") == "0000"
    value = {"<": 4, "<=": 5, ">": 6, ">=": 5, "==": 5}[op]
    assert drg(of, "I21.0", **{name: value}) == "FR19"


def test_not_a_comparison_with_a_missing_value_is_true() -> None:
    of = scheme(mdc("F", "always", rule("FR1", "not los_days > 60", ("FR19", "always"))))
    assert drg(of, "I21.0") == "FR19"


def test_age_in_days_counts_from_zero_but_a_weight_does_not() -> None:
    of = scheme(mdc("P", "age_days known", rule("PR1", "birth_weight_g known", ("PR19", "always"))))
    assert drg(of, "P07.0", age_days=0, birth_weight_g=1) == "PR19"
    assert drg(of, "P07.0", age_days=0) == "0000"
    assert drg(of, "P07.0", birth_weight_g=1) == "0000"


# --- other procedures one by one ----------------------------------------------------------------------------------


def test_where_nothing_matches_the_other_procedures_are_tried_alone() -> None:
    rules = (
        rule("FB1", "first_proc in vessel and not any_proc in catheter", ("FB19", "always")),
        rule("FC1", "first_proc in {96.0400} and not has_other_proc", ("FC19", "always")),
    )
    made = mdc("F", "pdx in heart", *rules)
    assert drg(scheme(made), "I21.0", "99.0 38.0") == "0000"
    assert drg(scheme(made, retry=True), "I21.0", "99.0 38.0") == "FB19"
    assert drg(scheme(made, retry=True), "I21.0", "37.2 38.0") == "FB19"  # alone, the catheter is not there
    assert drg(scheme(made, retry=True), "I21.0", "99.0 96.0400 38.0") == "FC19"  # the first that matches, in order
    found = answer(scheme(made, retry=True), "I21.0", "99.0 37.2")
    assert (found.drg, found.reason, found.retried) == ("0000", "no_rule_matched", None)
    assert answer(scheme(made, retry=True), "I21.0", "99.0 38.0").retried == "38.0"


def test_an_empty_place_is_no_procedure_to_try_alone() -> None:
    of = scheme(mdc("F", "pdx in heart", rule("FR1", "not has_proc", ("FR19", "always"))), retry=True)
    cases = {"dx": [["I21.0"]] * 2, "proc": [["99.0", ""], []], "sex": [1, 1], "age_years": [40, 40]}
    assert drgengine.group(cases, scheme=of)["drg"].to_pylist() == ["0000", "FR19"]
    assert decide(of, Case(("I21.0",), ("99.0", ""), 1, {"age_years": 40})).drg == "0000"


def test_no_second_try_where_the_record_matches_as_it_is() -> None:
    rules = (rule("FB1", "first_proc in vessel", ("FB19", "always")), rule("FR1", "always", ("FR19", "always")))
    assert drg(scheme(mdc("F", "pdx in heart", *rules), retry=True), "I21.0", "99.0 38.0") == "FR19"


# --- scopes of procedures -----------------------------------------------------------------------------------------


def test_the_gate_of_the_first_mdc_looks_at_the_first_procedure() -> None:
    gate = "first_proc in operations or first_proc in {96.0400, 96.7201}"
    of = scheme(mdc("A", gate, rule("AH1", "any_proc in {96.7201}", ("AH19", "always"))))
    assert drg(of, "I21.0", "96.7201") == "AH19"
    assert drg(of, "I21.0", "37.2 96.7201") == "AH19"
    assert drg(of, "I21.0", "99.0 96.7201") == "0000"


def test_newborns_and_deliveries() -> None:
    small = rule("PS1", "birth_weight_g < 1500", ("PS19", "always"))
    other = rule("PV1", "always", ("PV19", "always"))
    of = scheme(
        mdc("P", "age_years == 0 and (pdx starts {P} or any_dx starts {P07.})", small, other),
        mdc("O", "sex == 2 and any_dx starts {Z37.}", rule("OR1", "always", ("OR19", "always"))),
    )
    newborn = {"age_years": 0, "age_days": 3}
    assert drg(of, "A00.0 P07.0", **newborn, birth_weight_g=1499) == "PS19"
    assert drg(of, "A00.0 P07.0", **newborn, birth_weight_g=1500) == "PV19"
    assert drg(of, "A00.0", **newborn, birth_weight_g=1499) == "0000"
    assert drg(of, "A00.0 Z37.0", sex=2) == "OR19"
    assert drg(of, "A00.0 Z37.0", sex=1) == "0000"
    assert drg(of, "P07.xyz P07.zyx", **newborn, birth_weight_g=900) == "PS19"  # codes no edition knows


# --- the check of the record --------------------------------------------------------------------------------------

OPEN = scheme(mdc("X", "always", rule("XR1", "always", ("XR19", "always"))))


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"sex": 0}, "sex_invalid"),
        ({"age_years": None}, "age_missing"),
        ({"age_years": 0}, "age_days_missing"),
        ({"age_years": 0, "age_days": 28}, "newborn_weight_missing"),
        ({"age_years": 0, "age_days": 28, "birth_weight_g": 0}, "newborn_weight_missing"),
        ({"age_years": 0, "age_days": 28, "birth_weight_g": 3000}, None),
        ({"age_years": 0, "age_days": 29}, None),
        ({"age_years": 0, "age_days": 0, "birth_weight_g": 3000}, None),
        ({"age_years": 1}, None),
        ({"age_years": 1, "age_days": 3}, None),
        ({"sex": 0, "age_years": None}, "sex_invalid"),
    ],
)
def test_which_records_are_valid(facts: dict[str, Any], reason: str | None) -> None:
    found = answer(OPEN, "I21.0", **facts)
    expected = ("grouped", "XR19", None) if reason is None else ("invalid", None, reason)
    assert (found.status, found.drg, found.reason) == expected


def test_an_empty_first_diagnosis_makes_the_record_invalid() -> None:
    for dx in ([], [""], ["", "I21.0"]):
        result = drgengine.group({"dx": [dx, ["I21.0"]], "sex": [1, 1], "age_years": [40, 40]}, scheme=OPEN).to_pylist()
        assert (result[0]["status"], result[0]["reason"]) == ("invalid", "principal_diagnosis_missing")
        assert result[1]["drg"] == "XR19"
        assert decide(OPEN, Case(tuple(dx), (), 1, {"age_years": 40})).reason == "principal_diagnosis_missing"


# --- nothing groups -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dx", "sex", "reason"),
    [
        ("I99.9", 1, "principal_diagnosis_unknown"),
        ("B20.0", 1, "principal_diagnosis_not_allowed"),
        ("A00.0", 1, "principal_diagnosis_in_no_mdc"),
        ("I21.0", 2, "mdc_condition_not_met"),
        ("I21.0", 1, "no_rule_matched"),
    ],
)
def test_why_nothing_groups(dx: str, sex: int, reason: str) -> None:
    of = scheme(mdc("F", "pdx in heart and sex == 1", rule("FR1", "never")), not_principal=("B20",))
    found = answer(of, dx, sex=sex)
    assert (found.status, found.drg, found.reason) == ("ungroupable", "0000", reason)


def test_the_bar_on_principal_diagnoses_only_names_the_reason() -> None:
    of = scheme(mdc("X", "pdx in everything", rule("XR1", "sex == 1", ("XR19", "always"))), not_principal=("B20",))
    assert drg(of, "B20.0") == "XR19"
    assert answer(of, "B20.0", sex=2).reason == "principal_diagnosis_not_allowed"


def test_an_unknown_secondary_code_does_not_stop_the_record() -> None:
    assert drg(OPEN, "I21.0 what", "ever") == "XR19"
