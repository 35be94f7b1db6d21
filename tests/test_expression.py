"""The rule notation: text to condition and back, and what a broken text is answered with."""

from __future__ import annotations

import json
from typing import Any

import pytest
from drawn import DX_LISTS, PROC_LISTS, case_lists, conditions, make_scheme
from hypothesis import given, settings
from hypothesis import strategies as st

from drgengine.grouper.conditions import (
    COMPARISONS,
    NUMBERS,
    All,
    AnyOf,
    Compare,
    Condition,
    Constant,
    Department,
    Has,
    InCodes,
    InList,
    Known,
    Not,
    OneOf,
    Severity,
    StartsWith,
    atoms,
)
from drgengine.grouper.expression import WORDS, ExpressionError, parse, unparse
from drgengine.grouper.jsoncondition import ConditionError, read_condition
from drgengine.grouper.reference import Case, decide
from drgengine.grouper.scheme import Mdc, Rule

draw_many = settings(deadline=None, max_examples=200, derandomize=True)


def read(text: str) -> Condition | ExpressionError:
    """The condition, or the error where there is none."""
    try:
        return parse(text)
    except ExpressionError as error:
        return error


def holds(condition: Condition, case: Case) -> bool:
    """Whether a valid case meets a condition, asked through a scheme of one rule."""
    rule = Rule("R", "R", "", "medical", condition, (), "R")
    dx = dict.fromkeys(DX_LISTS, ("A00", "-A00.1")) | {"mcc.1": ("=A01.0",), "cc.2": ("=A02.0",), "site.x": ("A01",)}
    scheme = make_scheme([Mdc("A", "", Constant(True), (rule,))], dx, dict.fromkeys(PROC_LISTS, ("01",)))
    return decide(scheme, case).status == "grouped"


@draw_many
@given(condition=conditions())
def test_writing_and_reading_again_gives_the_same_text(condition: Condition) -> None:
    text = unparse(condition)
    assert unparse(parse(text)) == text


@draw_many
@given(condition=conditions(), cases=case_lists())
def test_writing_and_reading_again_gives_the_same_meaning(condition: Condition, cases: list[Case]) -> None:
    again = parse(unparse(condition))
    assert [holds(again, case) for case in cases[:8]] == [holds(condition, case) for case in cases[:8]]


@draw_many
@given(condition=conditions())
def test_reading_keeps_the_atoms_in_their_order(condition: Condition) -> None:
    assert list(atoms(parse(unparse(condition)))) == list(atoms(condition))


@draw_many
@given(name=st.sampled_from(NUMBERS), value=st.floats(-1e6, 1e6).map(lambda v: round(v, 6)))
def test_numbers_keep_their_value(name: str, value: float) -> None:
    assert parse(unparse(Compare(name, "<=", value))) == Compare(name, "<=", value)


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("always", Constant(True)),
        ("never", Constant(False)),
        ("pdx in @dx", InList("pdx", "@dx")),
        ("any_dx in mcc.12", InList("any_dx", "mcc.12")),
        ("other_proc in @proc/2", InList("other_proc", "@proc/2")),
        ("any_proc in @FR21:proc", InList("any_proc", "@FR21:proc")),
        ("first_proc in {96.0400, 96.7201}", InCodes("first_proc", ("96.0400", "96.7201"))),
        ("sdx in {A18.808+I32.0*}", InCodes("sdx", ("A18.808+I32.0*",))),
        ("any_dx starts {P07.}", StartsWith("any_dx", ("P07.",))),
        ("has_sdx", Has("sdx")),
        ("has_proc", Has("any_proc")),
        ("has_other_proc", Has("other_proc")),
        ("age_days<=28", Compare("age_days", "<=", 28.0)),
        ("sex == 2", Compare("sex", "==", 2.0)),
        ("trauma_sites >= 2", Compare("trauma_sites", ">=", 2.0)),
        ("birth_weight_g known", Known("birth_weight_g")),
        ("discharge_disposition in {4, 5}", OneOf("discharge_disposition", (4.0, 5.0))),
        ('department == "重症 ICU"', Department("重症 ICU")),
        ("department == NICU", Department("NICU")),
        ("mcc", Severity("mcc")),
        ("cc", Severity("cc")),
        ("not not mcc", Not(Not(Severity("mcc")))),
        ("mcc or cc and never", AnyOf((Severity("mcc"), All((Severity("cc"), Constant(False)))))),
        ("(mcc or cc) and never", All((AnyOf((Severity("mcc"), Severity("cc"))), Constant(False)))),
        ("not mcc and cc", All((Not(Severity("mcc")), Severity("cc")))),
        ("not (mcc and cc)", Not(All((Severity("mcc"), Severity("cc"))))),
        ("((mcc))", Severity("mcc")),
    ],
)
def test_what_a_text_states(text: str, condition: Condition) -> None:
    assert parse(text) == condition


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("op", COMPARISONS)
def test_every_number_can_be_compared(name: str, op: str) -> None:
    assert parse(f"{name}{op}1500") == Compare(name, op, 1500.0)
    assert unparse(parse(f"{name}{op}1500")) == f"{name} {op} 1500"


def test_white_space_does_not_matter() -> None:
    assert parse("\n  pdx\tin  @dx\n  and(sex==1)") == parse("pdx in @dx and sex == 1")


BROKEN = {
    "": (1, ["end of the rule", "Known facts"]),
    "   ": (4, ["end of the rule"]),
    "pdx": (4, ["expected 'in'", "Write 'in'"]),
    "pdx on @dx": (5, ["expected 'in', found 'on'"]),
    "pdx in": (7, ["is no list", "@list"]),
    "pdx in (a)": (8, ["'(' is no list", "{CODE, CODE}"]),
    "pdx in {": (9, ["expected a value", "Write a value"]),
    "pdx in {}": (9, ["expected a value, found '}'"]),
    "pdx in {A00, }": (14, ["expected a value, found '}'"]),
    "pdx in {A00 A01}": (13, ["expected '}', found 'A01'"]),
    "pdx in {A00": (12, ["expected '}'", "end of the rule"]),
    "any_dx starts P07": (15, ["expected '{', found 'P07'"]),
    "pdx_in @dx": (1, ["'pdx_in' is no fact of a case", "Did you mean 'pdx'?"]),
    "age_year < 1": (1, ["'age_year'", "'age_years'"]),
    "qqqqqq": (1, ["'qqqqqq'", "Known facts", "trauma_sites"]),
    "and mcc": (1, ["'and' is no fact"]),
    "mcc and": (8, ["end of the rule"]),
    "mcc or or cc": (8, ["'or' is no fact"]),
    "not": (4, ["end of the rule"]),
    "(mcc": (5, ["expected ')'", "Write ')'"]),
    "mcc)": (4, ["')' follows a finished rule", "`and` or `or`"]),
    "()": (2, ["')' is no fact"]),
    "mcc cc": (5, ["'cc' follows a finished rule"]),
    "mcc, cc": (4, ["',' follows a finished rule"]),
    "age_years": (10, ["expected a comparison after age_years", "<=", "known"]),
    "age_years = 1": (11, ["'='"]),
    "age_years <> 1": (12, ["expected a value, found '>'"]),
    "age_years != 1": (11, ["'!='", "=="]),
    "age_years < old": (13, ["'old' is no number", "Write a number"]),
    "age_years <": (12, ["expected a value"]),
    "age_years < 1岁": (13, ["'1岁' is no number"]),
    "sex known": (5, ["expected a comparison after sex"]),
    "sex in {1, 2}": (5, ["expected a comparison after sex"]),
    "trauma_sites known": (14, ["expected a comparison after trauma_sites"]),
    "los_days in {1, two}": (17, ["'two' is no number"]),
    "department ICU": (12, ["expected '==', found 'ICU'"]),
    'department == "ICU': (15, ['"']),
    "MCC": (1, ["'MCC' is no fact", "mcc"]),
    "mcc\nand foo": (9, ["'foo' is no fact"]),
    "mcc; cc": (1, ["mcc;"]),
}


@pytest.mark.parametrize("text", BROKEN)
def test_a_broken_text_is_answered_with_place_reason_and_remedy(text: str) -> None:
    position, words = BROKEN[text]
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    message = str(caught.value)
    assert caught.value.position == position, message
    assert f"character {position}: " in message
    assert [word for word in words if word not in message] == [], message
    assert caught.value.remedy


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1_000", "1e999"])
def test_what_python_takes_for_a_number_but_nobody_writes_is_refused(value: str) -> None:
    with pytest.raises(ExpressionError, match="number"):
        parse(f"age_years < {value}")


@draw_many
@given(
    text=st.lists(
        st.sampled_from(
            [*WORDS, "in", "starts", "known", "and", "or", "not", "{", "}", "(", ")", ",", "1", "@dx", '"', "<", "="]
        )
    )
)
def test_any_words_are_read_or_refused_with_a_place(text: list[str]) -> None:
    joined = " ".join(text)
    found = read(joined)
    if isinstance(found, ExpressionError):
        assert 1 <= found.position <= len(joined) + 1
        assert found.problem
        assert found.remedy
    else:
        assert unparse(parse(unparse(found))) == unparse(found)


@draw_many
@given(text=st.text(max_size=20))
def test_any_text_is_read_or_refused_with_a_place(text: str) -> None:
    found = read(text)
    assert not isinstance(found, ExpressionError) or 1 <= found.position <= len(text) + 1


@pytest.mark.parametrize(
    "condition",
    [
        Department('ward "7"'),
        InCodes("pdx", ()),
        InCodes("pdx", ("A, B",)),
        InCodes("pdx", ("A B",)),
        StartsWith("any_dx", ("",)),
        OneOf("los_days", ()),
    ],
)
def test_a_condition_that_has_no_text_is_refused_or_comes_back_the_same(condition: Condition) -> None:
    """Such conditions come from interchange tables; a text that says something else must never be written."""
    try:
        text = unparse(condition)
    except ValueError:
        return
    assert parse(text) == condition


# --- the same conditions as JSON, as interchange tables state them ----------------------------------------------------

ALWAYS = {"atom": "true"}
NO_MEANING: list[tuple[Any, str]] = [
    ([], "is no condition"),
    ("true", "is no condition"),
    (None, "is no condition"),
    ({}, "none of all, any, not, atom"),
    ({"all": ALWAYS}, "not a list"),
    ({"any": "x"}, "not a list"),
    ({"not": [ALWAYS]}, "is no condition"),
    ({"atom": "pdx_on", "list": "dx"}, "'pdx_on' is unknown"),
    ({"atom": "pdx_in"}, "lacks 'list'"),
    ({"atom": "pdx_in", "codes": "A00"}, "not a list"),
    ({"atom": "any_dx_prefix"}, "lacks 'prefix'"),
    ({"atom": "sex"}, "lacks 'value'"),
    ({"atom": "sex", "value": "male"}, "'male' is no number"),
    ({"atom": "age_years", "value": 1}, "lacks 'op'"),
    ({"atom": "age_years", "op": "lt"}, "lacks 'value'"),
    ({"atom": "age_years", "op": "<", "value": 1}, "'<' is unknown; use lt"),
    ({"atom": "age_years", "op": "lt", "value": None}, "no number"),
    ({"atom": "dept", "op": "lt", "value": "ICU"}, "not 'lt'"),
    ({"atom": "discharge_disposition_in", "values": 5}, "not a list"),
    ({"all": [ALWAYS], "any": [ALWAYS]}, "any"),
    ({"atom": "sex", "op": "ne", "value": 1}, "op"),
    ({"atom": "pdx_in", "list": "dx", "codes": ["A00"]}, "codes"),
]


@pytest.mark.parametrize(("tree", "word"), NO_MEANING, ids=json.dumps)
def test_a_condition_without_meaning_is_refused(tree: Any, word: str) -> None:
    with pytest.raises(ConditionError) as caught:
        read_condition(tree)
    assert word in str(caught.value)


@pytest.mark.parametrize("tree", [{"atom": "pdx_in", "codes": []}, {"atom": "discharge_disposition_in", "values": []}])
def test_an_empty_list_on_the_spot_matches_nothing(tree: dict[str, Any]) -> None:
    assert read_condition(tree) == Constant(False)


@pytest.mark.parametrize("tree", [{"atom": "pdx_in", "codes": []}, {"atom": "discharge_disposition_in", "values": []}])
def test_nothing_to_choose_from_never_holds(tree: Any) -> None:
    assert read_condition(tree) == Constant(False)
