"""Drawn rule texts and conditions of the configuration workbook, against an evaluator of its own."""

from __future__ import annotations

import operator
import re
import unicodedata
from collections.abc import Callable
from typing import ClassVar

import pytest
from drawn import DIAGNOSES, PROCEDURES, case_lists, make_scheme
from hypothesis import example, given, settings
from hypothesis import strategies as st

from drgengine.grouper.conditions import (
    COMPARISONS,
    DIAGNOSIS_SCOPES,
    PROCEDURE_SCOPES,
    All,
    AnyOf,
    Compare,
    Condition,
    Constant,
    Count,
    InList,
    Not,
    Severity,
)
from drgengine.grouper.reference import Case, evaluate
from drgengine.grouper.workbook.ruletext import RuleTextError, parse_rule, print_rule

draw_many = settings(deadline=None, max_examples=200, derandomize=True)

MCC, CC = Severity("mcc"), Severity("cc")


def pdx(name: str) -> InList:
    return InList("pdx", name)


def sdx(name: str) -> InList:
    return InList("sdx", name)


# --- drawn texts, against an evaluator of its own ---

SETS: dict[str, set[str]] = {
    "DI_A": {"A00", "A00.0", "A01.0"},
    "DI1_B": {"A00.00", "A02.0"},
    "EX_D": {"B00.0", "A00.1"},
    "OP_P": {"01", "01.0", "02.0"},
    "OP2_Q": {"01.00", "02.0x1", "02.0"},
}
LEVELS = {"MCC": {"A01.0": "1", "A02.0": "2"}, "CC": {"A00.1": "1", "B00.0": "2", "A00.0": "3"}}
TABLES = {"1": {"A00", "A00.1"}, "2": {"A01.0"}, "3": set[str]()}

SCHEME = make_scheme(
    [],
    {name: tuple(f"={code}" for code in sorted(SETS[name])) for name in ("DI_A", "DI1_B", "EX_D")}
    | {
        f"{level.lower()}.{table}": tuple(f"={c}" for c, n in codes.items() if n == table)
        for level, codes in LEVELS.items()
        for table in TABLES
    }
    | {f"excluded.{table}": tuple(f"={code}" for code in sorted(codes)) for table, codes in TABLES.items()},
    {name: tuple(f"={code}" for code in sorted(SETS[name])) for name in ("OP_P", "OP2_Q")},
)


class Evaluator:
    """Says whether a case meets a rule text, straight from the text: recursive descent, no tree of conditions."""

    OPERATORS: ClassVar = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt, "=": operator.eq}

    def __init__(self, text: str, case: Case) -> None:
        plain = unicodedata.normalize("NFKC", text).upper().replace("\\", " ")
        self.tokens = re.findall(r"[0-9.]+|\w+|[<>]=|\S", plain)
        self.case = case

    def holds(self) -> bool:
        answer = self.either() if self.tokens else True
        assert self.tokens == []
        return answer

    def next(self, *expected: str) -> bool:
        if self.tokens and self.tokens[0] in expected:
            self.tokens.pop(0)
            return True
        return False

    def either(self) -> bool:
        answer = self.both()
        while self.next("OR"):
            answer = self.both() or answer
        return answer

    def both(self) -> bool:
        answer = self.unary()
        while self.next("AND"):
            answer = self.unary() and answer
        return answer

    def unary(self) -> bool:
        if self.next("NOT"):
            return not self.unary()
        if self.next("("):
            answer = self.either()
            assert self.next(")")
            return answer
        if self.next("LENGTH"):
            assert self.next("(")
            name = self.tokens.pop(0)
            assert self.next("∩")
            found = {code for code in self.codes(self.names()) if code in SETS[name]}
            assert self.next(")")
            return self.compared(len(found))
        if self.tokens[0][0].isdigit():
            return float(self.tokens.pop(0)) != 0
        names = self.names()
        if names[0] in ("NL", "XB", "XSRTL", "XSRTZ"):
            return self.compared(self.number(names[0]))
        wanted = not self.next("NOT")
        assert self.next("IN")
        answers = [self.found(names, name) for name in self.names()]
        return any(answers) is wanted

    def names(self) -> list[str]:
        if not self.next("{"):
            return [self.tokens.pop(0)]
        found = [self.tokens.pop(0)]
        while self.next(","):
            found.append(self.tokens.pop(0))
        assert self.next("}")
        return found

    def codes(self, names: list[str]) -> list[str]:
        dx, proc = self.case.dx, self.case.proc
        fields = {"ZYZD": dx[:1], "QTZD": dx[1:], "ZYSS": proc[:1], "QTSS": proc[1:]}
        return [code for name in names for code in fields[name]]

    def found(self, names: list[str], name: str) -> bool:
        if name in LEVELS:
            tables = [LEVELS[name][code] for code in self.case.dx[1:] if code in LEVELS[name]]
            return any(self.case.dx[0] not in TABLES[table] for table in tables)
        return bool(SETS[name].intersection(self.codes(names)))

    def number(self, name: str) -> float | None:
        if name == "XB":
            return self.case.sex
        facts = {"NL": "age_years", "XSRTL": "age_days", "XSRTZ": "admission_weight_g"}
        return self.case.numbers.get(facts[name])

    def compared(self, have: float | None) -> bool:
        sign, value = self.tokens.pop(0), float(self.tokens.pop(0))
        sign = {"≥": ">=", "≤": "<="}.get(sign, sign)
        return have is not None and self.OPERATORS[sign](have, value)


def wide(token: str) -> str:
    """Full-width signs for the half-width ones."""
    return "".join(chr(ord(sign) + 0xFEE0) if "!" <= sign <= "~" else sign for sign in token)


SHAPES: tuple[Callable[[str], str], ...] = (str, str, str.upper, str.lower, str.title, wide)
FIELDS = {
    "dx": (["ZYZD"], ["QTZD"], ["{", "ZYZD", ",", "QTZD", "}"], ["{", "QTZD", "}"]),
    "proc": (["ZYSS"], ["QTSS"], ["{", "QTSS", ",", "ZYSS", "}"]),
}
DX_SETS, PROC_SETS = ("DI_A", "DI1_B", "EX_D"), ("OP_P", "OP2_Q")
DRAWN_NUMBERS = st.sampled_from(("0", "1", "2", "28", "28.5", "29", "090", "1.", "2.0"))
DRAWN_SIGNS = st.sampled_from((">=", "<=", ">", "<", "=", "≥", "≤"))


@st.composite
def atom_tokens(draw: st.DrawFn) -> list[str]:
    """One member, comparison, count or number."""
    kind = draw(st.sampled_from(("member", "member", "member", "compare", "sex", "count", "constant")))
    if kind == "constant":
        return [draw(st.sampled_from("01"))]
    if kind == "sex":
        return ["XB", "=", draw(st.sampled_from("12"))]
    if kind == "compare":
        return [draw(st.sampled_from(("NL", "XSRTL", "XSRTZ"))), draw(DRAWN_SIGNS), draw(DRAWN_NUMBERS)]
    about = draw(st.sampled_from(("dx", "proc")))
    fields = draw(st.sampled_from(FIELDS[about]))
    names: tuple[str, ...] = DX_SETS if about == "dx" else PROC_SETS
    if kind == "count":
        return ["length", "(", draw(st.sampled_from(names)), "∩", *fields, ")", draw(DRAWN_SIGNS), draw(DRAWN_NUMBERS)]
    if "QTZD" in fields and "ZYZD" not in fields:
        names = (*names, "MCC", "CC")
    word = draw(st.sampled_from((["in"], ["not", "in"])))
    sets = draw(st.lists(st.sampled_from(names), min_size=1, max_size=3))
    braces = len(sets) > 1 or draw(st.booleans())
    listed = [part for name in sets for part in (",", name)][1:]
    return [*fields, *word, *(["{", *listed, "}"] if braces else listed)]


def rule_tokens(depth: int = 3) -> st.SearchStrategy[list[str]]:
    """Whole rules, in every form of the grammar; `and` and `or` meet on one level too."""
    if depth == 0:
        return atom_tokens()
    below = rule_tokens(depth - 1)
    joined = st.tuples(below, st.sampled_from(("and", "or")), below).map(lambda t: [*t[0], t[1], *t[2]])
    return st.one_of(
        atom_tokens(), joined, joined, below.map(lambda t: ["(", *t, ")"]), below.map(lambda t: ["not", *t])
    )


@st.composite
def rule_texts(draw: st.DrawFn) -> str:
    """Rules with blanks of every kind, or none, between the tokens, and each token in some letter case and width."""
    text = ""
    for token in draw(rule_tokens()):
        shape = draw(st.sampled_from(SHAPES))
        blank = draw(st.sampled_from(("", "", " ", " ", "  ", "\n", "\u3000", "\u00a0", "\\\n", "\t")))
        needed = text and re.fullmatch(r"\w\w", text[-1] + token[0])
        text += (blank or " " if needed else blank) + shape(token)
    return text + draw(st.sampled_from(("", " ", "\n", "\\")))


@draw_many
@given(text=rule_texts())
def test_reading_writing_and_reading_again_is_stable(text: str) -> None:
    condition = parse_rule(text)
    written = print_rule(condition)
    assert parse_rule(written) == condition
    assert print_rule(parse_rule(written)) == written


@draw_many
@given(text=rule_texts(), cases=case_lists())
def test_a_condition_says_of_each_case_what_the_text_says(text: str, cases: list[Case]) -> None:
    condition = parse_rule(text)
    written = print_rule(condition)
    for case in cases:
        if not case.dx:
            continue
        wanted = Evaluator(text, case).holds()
        assert evaluate(SCHEME, case, condition).holds is wanted, (text, case)
        assert Evaluator(written, case).holds() is wanted, (written, case)


# --- drawn conditions ---

DX_NAMES, PROC_NAMES = (
    st.sampled_from(("DI_A", "DI2_B", "EX_1", "诊断")),
    st.sampled_from(("OP_P", "OP1_Q", "X", "INX")),
)
NUMBERS = st.one_of(st.integers(0, 10**15 - 1).map(float), st.decimals(0, 999_999, places=4).map(float))
LISTED = st.one_of(
    st.builds(InList, st.sampled_from(DIAGNOSIS_SCOPES), DX_NAMES),
    st.builds(InList, st.sampled_from(PROCEDURE_SCOPES), PROC_NAMES),
    st.sampled_from((MCC, CC)),
)
ATOMS = st.one_of(
    LISTED,
    LISTED,
    st.builds(Count, st.sampled_from(DIAGNOSIS_SCOPES), DX_NAMES, st.sampled_from(COMPARISONS), NUMBERS),
    st.builds(Count, st.sampled_from(PROCEDURE_SCOPES), PROC_NAMES, st.sampled_from(COMPARISONS), NUMBERS),
    st.builds(
        Compare,
        st.sampled_from(("age_years", "age_days", "admission_weight_g")),
        st.sampled_from(COMPARISONS),
        NUMBERS,
    ),
    st.builds(Compare, st.just("sex"), st.just("=="), st.sampled_from((1.0, 2.0))),
    st.builds(Constant, st.booleans()),
)


def sayable(depth: int = 3) -> st.SearchStrategy[Condition]:
    """Conditions that the language can say."""
    if depth == 0:
        return ATOMS
    below = sayable(depth - 1)
    parts = st.lists(below, min_size=2, max_size=3).map(tuple)
    braces = st.lists(LISTED, min_size=2, max_size=3).map(tuple)
    return st.one_of(ATOMS, braces.map(AnyOf), parts.map(AnyOf), parts.map(All), below.map(Not))


@draw_many
@given(condition=sayable())
@example(condition=AnyOf((pdx("DI_A"), pdx("DI_B"), sdx("DI_C"))))
@example(condition=Not(Not(AnyOf((MCC, sdx("DI_C"))))))
def test_writing_and_reading_gives_the_same_condition(condition: Condition) -> None:
    assert parse_rule(print_rule(condition)) == condition


@draw_many
@given(condition=sayable())
def test_no_bracket_is_written_in_vain(condition: Condition) -> None:
    text = print_rule(condition)
    opened: list[int] = []
    for at, sign in enumerate(text):
        if sign == "(":
            opened.append(at)
        elif sign == ")":
            start = opened.pop()
            if not text[:start].endswith("length"):
                assert parse_rule(text[:start] + text[start + 1 : at] + text[at + 1 :]) != condition


# --- facts of single cases ---

NO_PROC = Case(("A00",), (), 1)


@pytest.mark.parametrize(
    ("text", "case", "holds"),
    [
        ("{ZYSS, QTSS} in OP_P", Case(("A00",), ("03.0", "01")), True),  # one of the fields is enough
        ("ZYSS in OP_P", Case(("A00",), ("03.0", "01")), False),
        ("QTZD in {DI_A, DI1_B}", Case(("B00.0", "A02.0")), True),  # the sets together
        ("length(OP_P ∩ {ZYSS, QTSS})>=2", Case(("A00",), ("01", "01")), False),  # one code twice is one
        ("length(OP_P ∩ {ZYSS, QTSS})>=2", Case(("A00",), ("01", "01.0")), True),
        ("NL<70", NO_PROC, False),  # missing: neither so nor so
        ("NL>=70", NO_PROC, False),
        ("XSRTL<29 or XSRTL>=29", NO_PROC, False),
        ("XSRTZ<1000 or XSRTZ>=1000", NO_PROC, False),
        ("not (NL>=70)", NO_PROC, True),
        ("ZYSS not in OP_P", NO_PROC, True),
        ("XSRTZ<1000", Case(("A00",), (), 1, {"admission_weight_g": 999}), True),
        ("XSRTZ<1000", Case(("A00",), (), 1, {"admission_weight_g": 1000}), False),
        ("XSRTL<29", Case(("A00",), (), 1, {"age_days": 28}), True),
        ("XSRTL<29", Case(("A00",), (), 1, {"age_days": 29}), False),
        ("QTZD in MCC", Case(("B00.0", "A01.0")), True),
        ("QTZD in MCC", Case(("A00", "A01.0")), False),  # cancelled by the principal diagnosis
        ("QTZD in MCC", Case(("A01.0",)), False),  # the principal one does not count itself
    ],
)
def test_single_cases(text: str, case: Case, holds: bool) -> None:
    assert evaluate(SCHEME, case, parse_rule(text)).holds is holds
    assert Evaluator(text, case).holds() is holds


def test_the_toy_sets_are_codes_of_the_editions() -> None:
    assert set().union(*SETS.values()) <= {*DIAGNOSES, *PROCEDURES}


# --- anything at all ---

PIECES = (
    [
        "ZYZD",
        "QTZD",
        "ZYSS",
        "NL",
        "XB",
        "in",
        "not",
        "and",
        "or",
        "(",
        ")",
        "{",
        "}",
        ",",
        "∩",
        "length",
        "MCC",
        "DI_A",
        "OP_A",
        ">=",
        "=",
        "1",
        "70",
        "1.2.3",
        "FOO",
        "#",
        "\\",
        "、",
        "{ZYSS,",
    ],
    ("length(OP_A ∩", "ZYZD in DI_A", "ZYZD in {", " "),
)
SOUP = st.lists(st.sampled_from((*PIECES[0], *PIECES[1])), max_size=12).map(" ".join)


def read(text: str) -> Condition | RuleTextError:
    """The condition, or the error where there is none."""
    try:
        return parse_rule(text)
    except RuleTextError as error:
        return error


@settings(draw_many, max_examples=1000)
@given(text=st.one_of(st.text(), st.text("ZYQDSNLin(){},∩<>=≥0123._ \\\n"), SOUP))
def test_any_text_is_read_or_refused_at_a_place_within(text: str) -> None:
    answer = read(text)
    if isinstance(answer, RuleTextError):
        assert 1 <= answer.position <= len(text) + 1
        assert answer.problem
        assert answer.remedy
    else:
        assert parse_rule(print_rule(answer)) == answer
