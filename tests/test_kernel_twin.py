"""The kernel against its twin, the reference grouper, on drawn schemes and cases; and each kernel against its own."""

from __future__ import annotations

import dataclasses
import math
import operator
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from drawn import DIAGNOSES, DX_LISTS, UNKNOWN_DIAGNOSES, case_lists, conditions, diagnosis_lists, make_scheme, schemes
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import drgengine
from drgengine.grouper import kernel
from drgengine.grouper.compile import ASKED, Compiled, compile_scheme
from drgengine.grouper.conditions import (
    COMPARISONS,
    NUMBERS,
    All,
    AnyOf,
    Compare,
    Condition,
    Constant,
    InList,
    Not,
    StartsWith,
)
from drgengine.grouper.reasons import reason_ungroupable
from drgengine.grouper.reference import Case, decide, failed_checks
from drgengine.grouper.scheme import Group, Mdc, Rule, Scheme
from drgengine.grouper.tables import REASONS, SEVERITIES

pytestmark = [pytest.mark.kernel, pytest.mark.filterwarnings("error")]
# Failing examples are not made smaller: that would take minutes, and the seed of the cases cannot be.
draw_many = settings(
    deadline=None, max_examples=150, derandomize=True, suppress_health_check=list(HealthCheck), phases=[Phase.generate]
)
draw_some = settings(draw_many, max_examples=60)
records = case_lists()
Answer = tuple[str | None, ...]


@pytest.fixture(autouse=True)
def _no_cache_folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """All drawn schemes bear one digest, so none of them may be kept: the folder lies below a file."""
    file = tmp_path_factory.getbasetemp() / "no-folder"
    file.write_text("a file", encoding="utf-8")
    monkeypatch.setenv("DRGENGINE_CACHE", str(file / "cache"))


# --- packing by the shortest way, so that nothing of the package but the kernel is trusted --------------------------


def signature(code: str, codes: tuple[str, ...], of_code: np.ndarray, prefixes: dict[str, int]) -> int:
    if code == "":
        return 0
    if code in codes:
        return int(of_code[codes.index(code)])
    return prefixes[max((p for p in prefixes if code.startswith(p)), key=len)]


def dx_signatures(made: Compiled, case: Case) -> np.ndarray:
    return np.array([signature(c, made.dx_codes, made.dx_signature, made.dx_prefixes) for c in case.dx], np.uint32)


def proc_signatures(made: Compiled, case: Case) -> np.ndarray:
    return np.array(
        [signature(c, made.proc_codes, made.proc_signature, made.proc_prefixes) for c in case.proc], np.uint32
    )


def numbers_of(made: Compiled, drawn: list[Case]) -> np.ndarray:
    """Numbers as the kernel takes them: where a scheme asks so, days are those of infants alone."""
    rows = []
    for case in drawn:
        numbers = dict(case.numbers)
        days = numbers.get("age_days")
        if made.day_age_of_infants_only and days is not None:
            years = numbers.setdefault("age_years", 0.0 if 0 <= days < 366 else math.nan)
            numbers["age_days"] = math.nan if years >= 1 else days
        rows.append([numbers.get(name, math.nan) for name in made.numbers])
    return np.array(rows).T


def department_of(made: Compiled, case: Case) -> int:
    return made.departments.index(case.department) + 1 if case.department in made.departments else 0


def offsets(lists: list[np.ndarray]) -> np.ndarray:
    return np.cumsum([0, *map(len, lists)]).astype(np.int32)


def kernel_arguments(made: Compiled, drawn: list[Case]) -> tuple[Any, ...]:
    """What group_kernel takes, results last; equal codes bear one number, different ones others."""
    n = len(drawn)
    place: dict[str, int] = {}
    dx_index, proc_index = (
        np.array([place.setdefault(code, len(place)) for case in drawn for code in codes(case)], np.uint32)
        for codes in (lambda case: case.dx, lambda case: case.proc)
    )
    dx, proc = [dx_signatures(made, case) for case in drawn], [proc_signatures(made, case) for case in drawn]
    dx_all, proc_all = np.zeros(len(place), np.uint32), np.zeros(len(place), np.uint32)
    dx_all[dx_index], proc_all[proc_index] = np.concatenate(dx), np.concatenate(proc)
    return (
        made.tables, np.arange(n),
        offsets(dx), dx_index, dx_all,
        offsets(proc), proc_index, proc_all,
        np.array([case.sex for case in drawn], np.int8), numbers_of(made, drawn),
        np.array([department_of(made, case) for case in drawn], np.int32),
        np.full(n, 99, np.int16), np.full(n, 99, np.int8), np.full(n, 99, np.int8),
    )  # fmt: skip


def run_kernel(made: Compiled, drawn: list[Case]) -> list[Answer]:
    """(status, mdc, adrg, drg, severity, reason) of each case by the kernel alone."""
    arguments = kernel_arguments(made, drawn)
    kernel.group_kernel(*arguments)
    reason_ungroupable(made, arguments)
    leaf, severity, reason = arguments[-3:]
    answers: list[Answer] = []
    for at, hit, why in zip(leaf.tolist(), severity.tolist(), reason.tolist(), strict=True):
        rest = (SEVERITIES[hit] if hit >= 0 else None, REASONS[why] if why >= 0 else None)
        if at == 0:
            answers.append(("invalid", None, None, None, *rest))
        elif at == 1:
            answers.append(("ungroupable", None, None, made.ungroupable, *rest))
        else:
            status = "ambiguous" if made.leaf_ambiguous[at - 2] else "grouped"
            answers.append((status, made.leaf_mdc[at - 2], made.leaf_adrg[at - 2], made.leaf_drg[at - 2], *rest))
    return answers


def by_reference(scheme: Scheme, drawn: list[Case]) -> list[Answer]:
    found = [decide(scheme, case) for case in drawn]
    return [(d.status, d.mdc, d.adrg, d.drg, d.severity, d.reason) for d in found]


def as_table(drawn: list[Case]) -> pa.Table:
    codes = pa.list_(pa.string())
    columns = {
        "dx": pa.array([list(case.dx) for case in drawn], codes),
        "proc": pa.array([list(case.proc) for case in drawn], codes),
        "sex": pa.array([case.sex or None for case in drawn], pa.int8()),
        "department_id": pa.array([case.department or None for case in drawn], pa.string()),
    }
    return pa.table(columns | {name: pa.array([c.numbers.get(name) for c in drawn], pa.float64()) for name in NUMBERS})


def by_group(scheme: Scheme, drawn: list[Case]) -> list[Answer]:
    result = drgengine.group(as_table(drawn), scheme=scheme)
    return list(
        zip(*(result[name].to_pylist() for name in ("status", "mdc", "adrg", "drg", "severity", "reason")), strict=True)
    )


def without_zero_weights(case: Case) -> Case:
    """A weight of 0 g is no weight: reading a table drops it with a remark."""
    kept = {name: value for name, value in case.numbers.items() if value or not name.endswith("weight_g")}
    return Case(case.dx, case.proc, case.sex, kept, case.department)


# --- whole answers ----------------------------------------------------------------------------------------------


@draw_many
@given(scheme=schemes(), drawn=records)
def test_group_kernel_equals_the_reference(scheme: Scheme, drawn: list[Case]) -> None:
    assert run_kernel(compile_scheme(scheme), drawn) == by_reference(scheme, drawn)


@draw_some
@given(scheme=schemes(), drawn=records)
def test_group_equals_the_reference(scheme: Scheme, drawn: list[Case]) -> None:
    assert by_group(scheme, drawn) == by_reference(scheme, [without_zero_weights(case) for case in drawn])


@draw_some
@given(scheme=schemes(), drawn=records)
def test_group_does_not_depend_on_neighbours(scheme: Scheme, drawn: list[Case]) -> None:
    together = by_group(scheme, drawn)
    assert by_group(scheme, drawn[::-1]) == together[::-1]
    assert by_group(scheme, drawn[:1]) == together[:1]


@draw_some
@given(scheme=schemes(), drawn=records, choice=st.randoms(use_true_random=False))
def test_group_does_not_depend_on_spellings(scheme: Scheme, drawn: list[Case], choice: Random) -> None:
    """The same codes written in several ways within one table are the same codes, whatever other rows hold."""

    def respelled(codes: tuple[str, ...]) -> tuple[str, ...]:
        spellings = (str, str.lower, " {}".format, "{}　".format)
        return tuple(choice.choice(spellings)(code) if code else code for code in codes)

    other = [dataclasses.replace(case, dx=respelled(case.dx), proc=respelled(case.proc)) for case in drawn]
    assert by_group(scheme, other) == by_group(scheme, drawn)
    assert by_group(scheme, [*drawn, *other]) == by_group(scheme, drawn) * 2


# --- the candidate filter ---------------------------------------------------------------------------------------


def possible_rules(made: Compiled, case: Case) -> set[int]:
    """Numbers of the rules that the tables of candidates leave over for a valid case."""
    tables = made.tables
    dx, proc = dx_signatures(made, case), proc_signatures(made, case)
    by_first = tables.rules_by_first if proc.size > 1 else tables.rules_by_single
    plain = not (tables.dx_flags[dx] & ASKED).any()
    patient = 4 * (case.sex - 1) + 2 * (numbers_of(made, [case])[0, 0] < 1) + plain
    left = tables.rules_by_pdx[dx[0]] & tables.rules_by_patient[patient] & by_first[proc[0] if proc.size else 0]
    return {number for number in range(64 * left.size) if int(left[number >> 6]) >> (number & 63) & 1}


@draw_many
@given(scheme=schemes(), drawn=records)
def test_the_candidate_filter_keeps_every_rule_that_holds(scheme: Scheme, drawn: list[Case]) -> None:
    """Each rule in a scheme of its own, so that no earlier rule hides what the filter does to it."""
    made = compile_scheme(scheme)
    possible = {at: possible_rules(made, case) for at, case in enumerate(drawn) if not failed_checks(scheme, case)}
    for number, (mdc, rule) in enumerate(scheme.rules):
        alone = dataclasses.replace(rule, groups=(), kind="surgical", otherwise="ZZ9")
        only = dataclasses.replace(
            scheme, mdcs=(dataclasses.replace(mdc, rules=(alone,)),), retry_each_other_procedure=False
        )
        for at, left in possible.items():
            holds = decide(only, drawn[at]).status == "grouped"
            assert number in left or not holds, (rule.id, drawn[at])


def test_more_rules_than_a_word_holds() -> None:
    """130 rules: bits of three words, the rule that holds in each of them."""
    rules = tuple(
        Rule(
            f"A{n}", f"A{n}", "", "medical", InList("pdx", f"only.{n}"), (Group(f"A{n}9", "", Constant(True)),), "next"
        )
        for n in range(130)
    )
    codes = tuple(f"A{n:02d}.{m}" for n in range(13) for m in range(10))
    lists = {f"only.{n}": (f"={code}",) for n, code in enumerate(codes)}
    scheme = make_scheme([Mdc("A", "", Constant(True), rules)], lists, {}, diagnoses=codes)
    drawn = [Case((code,), (), 1, {"age_years": 40.0}) for code in codes]
    assert [answer[2] for answer in run_kernel(compile_scheme(scheme), drawn)] == [f"A{n}" for n in range(130)]


# --- single kernels against plain twins -------------------------------------------------------------------------


def single_rule(when: Condition, lists: dict[str, tuple[str, ...]], gate: Condition | None = None) -> Scheme:
    rule = Rule("AA1", "AA1", "", "medical", when, (Group("AA19", "", Constant(True)),), "next")
    procs = {"p": ("01", "-01.1"), "q": ("02.0", "=01"), "operations": ("01.0",)}
    return make_scheme([Mdc("A", "", gate or Constant(True), (rule,))], lists, procs)


def severity_twin(scheme: Scheme, dx: tuple[str, ...]) -> set[str]:
    """Which levels count over the secondary diagnoses, by asking every list."""
    lists = scheme.lists
    found = set()
    for code in dx[1:]:
        for name in lists:
            level, _, number = name.partition(".")
            cancel = lists.get(f"excluded.{number}", ())
            if level in ("mcc", "cc") and code in lists[name] and dx[0] not in cancel:
                found.add(level)
    return found


@draw_some
@given(lists=diagnosis_lists(), drawn=records)
def test_severity_kernel(lists: dict[str, tuple[str, ...]], drawn: list[Case]) -> None:
    scheme = single_rule(Constant(True), lists)
    made = compile_scheme(scheme)
    for case in drawn:
        if case.dx:
            bits = kernel.severity_kernel(
                made.tables.dx_severity, made.tables.dx_cancels, dx_signatures(made, case), len(case.dx)
            )
            assert {level for level, bit in (("mcc", 1), ("cc", 2)) if bits & bit} == severity_twin(scheme, case.dx)


@draw_some
@given(when=conditions(), lists=diagnosis_lists(), drawn=records)
def test_one_condition(when: Condition, lists: dict[str, tuple[str, ...]], drawn: list[Case]) -> None:
    """A single rule under an open gate, and the same condition as the gate of an open rule."""
    always = Constant(True)
    for scheme in (
        single_rule(when, lists),
        single_rule(always, lists, gate=when),
        single_rule(when, lists, gate=when),
    ):
        assert run_kernel(compile_scheme(scheme), drawn) == by_reference(scheme, drawn)


@draw_some
@given(scheme=schemes(), drawn=records, odd=st.booleans())
def test_group_kernel_leaves_other_rows_alone(scheme: Scheme, drawn: list[Case], odd: bool) -> None:
    made = compile_scheme(scheme)
    whole, part = kernel_arguments(made, drawn), list(kernel_arguments(made, drawn))
    part[1] = part[1][odd::2]
    kernel.group_kernel(*whole)
    kernel.group_kernel(*part)
    for every, some in zip(whole[-3:], part[-3:], strict=True):
        assert (some[odd::2] == every[odd::2]).all()
        assert (some[not odd :: 2] == 99).all()


def reason_twin(scheme: Scheme, case: Case, gate_holds: bool) -> str:
    """The reasons in words, for a scheme whose only gate asks for list `a` of the principal diagnosis."""
    principal = case.dx[0]
    if principal not in DIAGNOSES:
        return "principal_diagnosis_unknown"
    if principal in scheme.lists["not_principal"]:
        return "principal_diagnosis_not_allowed"
    if principal not in scheme.lists["a"]:
        return "principal_diagnosis_in_no_mdc"
    return "no_rule_matched" if gate_holds else "mdc_condition_not_met"


@draw_some
@given(lists=diagnosis_lists(), drawn=records, open_gate=st.booleans())
def test_reasons(lists: dict[str, tuple[str, ...]], drawn: list[Case], open_gate: bool) -> None:
    asks = InList("pdx", "a")
    gate = AnyOf((asks, Constant(True))) if open_gate else All((asks, Constant(False)))
    scheme = single_rule(Constant(False), lists, gate)
    for case, answer in zip(drawn, run_kernel(compile_scheme(scheme), drawn), strict=True):
        if not failed_checks(scheme, case):
            assert answer[0] == "ungroupable"
            assert answer[-1] == reason_twin(scheme, case, open_gate)


def check_twin(case: Case) -> str | None:
    """The record check of all schemes, as the manual words it."""
    years, days = case.numbers.get("age_years"), case.numbers.get("age_days")
    if case.sex not in (1, 2):
        return "sex_invalid"
    if years is None:
        return "age_missing"
    if years == 0 and days is None:
        return "age_days_missing"
    if years == 0 and days is not None and days <= 28 and case.numbers.get("birth_weight_g", 0) == 0:
        return "newborn_weight_missing"
    return "principal_diagnosis_missing" if case.dx[:1] in ((), ("",)) else None


@draw_some
@given(drawn=records)
def test_check_kernel(drawn: list[Case]) -> None:
    made = compile_scheme(single_rule(Constant(True), {"MDC.dx": (), "a": (), "b": (), "c": ()}))
    for case in drawn:
        dx = dx_signatures(made, case) if case.dx else np.zeros(1, np.uint32)
        asked = [case.numbers.get(name, math.nan) for name in ("age_years", "age_days", "birth_weight_g")]
        found = kernel.check_kernel(made.tables.dx_flags, dx, len(case.dx), case.sex, *asked, made.tables.options[1])
        assert (REASONS[found] if found >= 0 else None) == check_twin(case)


# --- corners that draws might miss ------------------------------------------------------------------------------


@pytest.mark.parametrize("code", UNKNOWN_DIAGNOSES)
def test_a_code_outside_the_edition_starts_like_a_text_but_stands_in_no_list(code: str) -> None:
    lists = {"a": ("A", "B", "C"), "b": (), "c": (), "MDC.dx": ()}
    case = Case((code,), (), 1, {"age_years": 40.0})
    for when, status in ((StartsWith("pdx", (code[:2],)), "grouped"), (InList("pdx", "a"), "ungroupable")):
        scheme = single_rule(when, lists)
        assert decide(scheme, case).status == status
        assert run_kernel(compile_scheme(scheme), [case])[0][0] == status


@pytest.mark.parametrize("op", COMPARISONS)
def test_comparisons_at_their_limits(op: str) -> None:
    """Sex and age decide which rules are candidates at all; both against every limit."""
    compare = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq}[op]
    known = {"age_days": 29.0, "birth_weight_g": 3000.0}
    drawn = [Case(("A00",), (), sex, known | {"age_years": age}) for sex in (1, 2) for age in (0.0, 1.0, 2.0, 130.0)]
    for value in (-1.0, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 130.0):
        for name, facts in (("age_years", [c.numbers["age_years"] for c in drawn]), ("sex", [c.sex for c in drawn])):
            for holds in (True, False):
                when: Condition = Compare(name, op, value) if holds else Not(Compare(name, op, value))
                found = run_kernel(compile_scheme(single_rule(when, dict.fromkeys(DX_LISTS, ()))), drawn)
                assert [a[0] == "grouped" for a in found] == [compare(fact, value) is holds for fact in facts]


def test_no_rows_and_no_rules() -> None:
    scheme = make_scheme([Mdc("A", "", Constant(True), ())], {}, {})
    made = compile_scheme(scheme)
    case = Case(("A00",), (), 2, {"age_years": 3.0})
    assert run_kernel(made, [case]) == [("ungroupable", None, None, "0000", None, "principal_diagnosis_in_no_mdc")]
    assert by_group(scheme, [case]) == run_kernel(made, [case])
    assert drgengine.group(as_table([case]).slice(0, 0), scheme=scheme).num_rows == 0


def test_an_answer_that_is_also_the_name_of_a_group() -> None:
    """`otherwise` may name any ADRG; the answer is then that code, even where a group bears the same name."""
    rule = Rule("AA1", "AA1", "", "medical", Constant(True), (Group("AA9", "", Constant(False)),), "AA9")
    scheme = make_scheme([Mdc("A", "", Constant(True), (rule,))], {}, {})
    case = Case(("A00",), (), 2, {"age_years": 3.0})
    assert run_kernel(compile_scheme(scheme), [case]) == by_reference(scheme, [case])
    assert run_kernel(compile_scheme(scheme), [case])[0][:4] == ("grouped", "A", "AA9", "AA9")
