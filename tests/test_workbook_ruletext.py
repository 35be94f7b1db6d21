"""The rule language of the configuration workbook: texts read, written again, and refused."""

from __future__ import annotations

import pickle
import time

import pytest
from hypothesis import settings

from drgengine.grouper.conditions import (
    All,
    AnyOf,
    Compare,
    Condition,
    Constant,
    Count,
    Department,
    Has,
    InCodes,
    InList,
    Known,
    Not,
    OneOf,
    Severity,
    StartsWith,
)
from drgengine.grouper.workbook.ruletext import MAX_DEPTH, VARIABLES, RuleTextError, parse_rule, print_rule

draw_many = settings(deadline=None, max_examples=200, derandomize=True)

MCC, CC = Severity("mcc"), Severity("cc")
ROBOT = InList("any_proc", "OP_ARB")
SURGICAL = InList("first_proc", "OP_ALL")


def read(text: str) -> Condition | RuleTextError:
    """The condition, or the error where there is none."""
    try:
        return parse_rule(text)
    except RuleTextError as error:
        return error


def years(op: str, value: float) -> Compare:
    return Compare("age_years", op, value)


def days(op: str, value: float) -> Compare:
    return Compare("age_days", op, value)


def pdx(name: str) -> InList:
    return InList("pdx", name)


def sdx(name: str) -> InList:
    return InList("sdx", name)


# --- the texts of the published workbook ---

NEWBORN = (
    "((NL=0) and (XSRTL>=29) and (XSRTL<366) and (ZYZD in DI_PV1) and (ZYSS not in OP_ALL)) or ((NL=0) and (XSRTL<29))"
)
TRAUMA = "((ZYZD in DI_Z01) and (QTZD in {DI_Z02, DI_Z03, DI_Z04})) or \\\n((ZYZD in DI_Z02) and (QTZD in DI_Z01))"
PUBLISHED = {
    "QTZD in MCC": MCC,
    "QTZD in CC": CC,
    "": Constant(True),
    "QTZD in {MCC, CC}": AnyOf((MCC, CC)),
    "QTZD in MCC and NL>=70": All((MCC, years(">=", 70))),
    "QTZD in CC and NL>=70": All((CC, years(">=", 70))),
    "NL>=70": years(">=", 70),
    "QTZD in {MCC, CC} and NL>=70": All((AnyOf((MCC, CC)), years(">=", 70))),
    "NL<=6": years("<=", 6),
    "{ZYSS, QTSS} in OP_ARB": ROBOT,
    "ZYZD in DI_OBD or QTZD in MCC": AnyOf((pdx("DI_OBD"), MCC)),
    "1": Constant(True),
    "length(OP_IC2 ∩ {ZYSS, QTSS})>=2 and ZYSS in OP_IC2": All(
        (Count("any_proc", "OP_IC2", ">=", 2), InList("first_proc", "OP_IC2"))
    ),
    "ZYSS in OP_ALL": SURGICAL,
    "{ZYSS, QTSS} in OP2_AC1": InList("any_proc", "OP2_AC1"),
    "ZYSS in OP1_AC1 and {ZYSS, QTSS} in OP2_AC1": All(
        (InList("first_proc", "OP1_AC1"), InList("any_proc", "OP2_AC1"))
    ),
    "XSRTZ<1000": Compare("admission_weight_g", "<", 1000),
    "ZYSS not in OP_ALL": Not(SURGICAL),
    "ZYZD in DI_B00": pdx("DI_B00"),
    NEWBORN: AnyOf(
        (
            All((years("==", 0), days(">=", 29), days("<", 366), pdx("DI_PV1"), Not(SURGICAL))),
            All((years("==", 0), days("<", 29))),
        )
    ),
    TRAUMA: AnyOf(
        (
            All((pdx("DI_Z01"), AnyOf((sdx("DI_Z02"), sdx("DI_Z03"), sdx("DI_Z04"))))),
            All((pdx("DI_Z02"), sdx("DI_Z01"))),
        )
    ),
    "XB = 1": Compare("sex", "==", 1),
    "QTZD in DI2_WB2 or (ZYZD in DI_WB2 and QTZD in DI1_WB2)": AnyOf(
        (sdx("DI2_WB2"), All((pdx("DI_WB2"), sdx("DI1_WB2"))))
    ),
}


@pytest.mark.parametrize(("text", "condition"), PUBLISHED.items())
def test_published_texts_mean_what_they_say(text: str, condition: Condition) -> None:
    assert parse_rule(text) == condition
    assert parse_rule(print_rule(condition)) == condition


READ = {
    "  \n": Constant(True),
    "\\\n": Constant(True),
    "0": Constant(False),
    "1.0": Constant(True),
    "ZYZD in DI_A OR ZYZD in DI_B And NL>1": AnyOf((pdx("DI_A"), All((pdx("DI_B"), years(">", 1))))),
    "(ZYZD in DI_A or ZYZD in DI_B) and NL>1": All((AnyOf((pdx("DI_A"), pdx("DI_B"))), years(">", 1))),
    "NL>1 and NL>2 and NL>3": All((years(">", 1), years(">", 2), years(">", 3))),
    "(NL>1 and NL>2) and ((NL>3))": All((All((years(">", 1), years(">", 2))), years(">", 3))),
    "not (NL>=70)": Not(years(">=", 70)),
    "NOT ZYZD NOT IN DI_A": Not(Not(pdx("DI_A"))),
    "not not NL>=70": Not(Not(years(">=", 70))),
    "not NL>1 and NL>2": All((Not(years(">", 1)), years(">", 2))),
    "QTZD in {MCC, DI_X}": AnyOf((MCC, sdx("DI_X"))),
    "QTZD not in {DI_X, CC}": Not(AnyOf((sdx("DI_X"), CC))),
    "{ QTZD } in { MCC }": MCC,
    "{QTZD,ZYZD} in DI_A": InList("any_dx", "DI_A"),
    "qtss IN Op_a": InList("other_proc", "OP_A"),
    "length ( OP_A ∩ { ZYSS , QTSS } ) > 2": Count("any_proc", "OP_A", ">", 2),
    "LENGTH(di_a∩QTZD)=1": Count("sdx", "DI_A", "==", 1),
    "XSRTZ>=999.5": Compare("admission_weight_g", ">=", 999.5),
    "NL≥70 and NL≦90": All((years(">=", 70), years("<=", 90))),
    "（ＺＹＺＤ　ｉｎ｛ＤＩ＿Ａ，ＤＩ＿Ｂ｝）ａｎｄ ＮＬ＞＝７０": All(
        (AnyOf((pdx("DI_A"), pdx("DI_B"))), years(">=", 70))
    ),
    "ＮＬ＜６．５": years("<", 6.5),
    "NL\u00a0=\u200b0": years("==", 0),
    "ZYZD in EX_7": pdx("EX_7"),
    "ZYSS in EX_7": InList("first_proc", "EX_7"),
    "ZYZD in 诊断集": pdx("诊断集"),
}


@pytest.mark.parametrize(("text", "condition"), READ.items())
def test_other_forms_are_read(text: str, condition: Condition) -> None:
    assert parse_rule(text) == condition


# --- what is refused: problem, character, remedy ---

REFUSED: dict[str, tuple[int, str, str]] = {
    "(ZYZD in DI_A": (14, "the bracket ( at character 1 is never closed", "Write )"),
    "((NL>=70) and (NL>=2)": (22, "the bracket ( at character 1 is never closed", "Write )"),
    "ZYZD in DI_A)": (13, "')' closes nothing", "Remove it"),
    "(ZYZD in DI_A}": (14, "'}' closes no brace", "Write )"),
    "ZYZD in {DI_A": (14, "the brace { at character 9 is never closed", "Write }"),
    "{ZYZD, QTZD in DI_A": (13, "a comma or } is missing in the braces, found 'in'", "{MCC, CC}"),
    "ZYZD in {DI_A DI_B}": (15, "a comma or } is missing in the braces, found 'DI_B'", "commas"),
    "ZYZD in {DI_A, }": (16, "a name is missing in the braces, found '}'", "commas"),
    "{ZYZD,": (7, "a name is missing in the braces, found the end", "commas"),
    "ZYZD in {}": (10, "the braces are empty", "one name or several"),
    "{} in DI_A": (2, "the braces are empty", "one name or several"),
    "()": (2, "nothing stands between the brackets", "ZYZD in DI_X"),
    "NL>=70 and ZYZ in DI_A": (12, "'ZYZ' is no variable", "Did you mean 'ZYZD'?"),
    "XSRT<29": (1, "'XSRT' is no variable", "Did you mean 'XSRTZ'?"),
    "FOO": (1, "'FOO' is no variable", "Known variables: ZYZD, QTZD, ZYSS, QTSS, NL, XB, XSRTL, XSRTZ"),
    "DI_A in ZYZD": (1, "'DI_A' is no variable", "right of `in`"),
    "MCC and NL>=70": (1, "'MCC' is no variable", "Write QTZD in MCC"),
    "ZYZD#": (5, "'#' has no meaning here", "Remove it"),
    "ZYZD in {DI_A、DI_B}": (14, "'、' has no meaning here", "Write a comma"),
    "（NL>=70） ＆ XB=1": (10, "'＆' has no meaning here", "Write `and`"),
    "NL>=-1": (5, "'-' has no meaning here", "Numbers below 0"),
    "ZYZD in": (8, "a set is missing after `in`, found the end of the rule", "DI_X"),
    "ZYZD in  and NL>=1": (10, "a set is missing after `in`, found 'and'", "DI_X"),
    "ZYZD in (DI_A)": (9, "a set is missing after `in`, found '('", "DI_X"),
    "ZYZD not DI_A": (10, "`in` is missing after `not`, found 'DI_A'", "`not in SET`"),
    "ZYZD": (5, "no `in` follows ZYZD, found the end of the rule", "ZYZD in SET"),
    "ZYZD DI_A": (6, "no `in` follows ZYZD, found 'DI_A'", "ZYZD in SET"),
    "XB>1": (1, "XB>1 cannot be asked", "XB=1 (male) or XB=2 (female)"),
    "NL=0 and XB=3": (10, "XB=3 cannot be asked", "XB=1"),
    "ZYZD in MCC": (9, "ZYZD has no severity", "write QTZD in MCC"),
    "{ZYZD,QTZD} in CC": (16, "{ZYZD, QTZD} has no severity", "write QTZD in CC"),
    "ZYSS in {OP_A, MCC}": (16, "ZYSS has no severity", "write QTZD in MCC"),
    "{ZYZD, ZYSS} in DI_A": (8, "diagnosis and procedure fields stand in one pair", "two conditions"),
    "ZYSS in DI_A": (9, "'DI_A' is a set of diagnoses, ZYSS holds none", "(OP_...)"),
    "{ZYZD, QTZD} not in {DI_B, OP1_A}": (28, "'OP1_A' is a set of procedures, {ZYZD, QTZD} holds none", "(DI_...)"),
    "ZYZD in QTZD": (9, "QTZD is a variable, no set", "(DI_...)"),
    "NL in DI_A": (1, "NL is a number, no field of codes", "NL>=1"),
    "NL": (3, "no comparison follows NL", "NL>=1"),
    "ZYZD>=3": (5, "ZYZD holds codes, no number", "`ZYZD in SET`"),
    "{ZYZD,QTZD}>3": (12, "only a single variable can be compared", "`in` and a set"),
    "length(OP_A ∩ {ZYSS, ZYZD})>=2": (22, "diagnosis and procedure fields", "two conditions"),
    "length(DI_A ∩ ZYSS)>=2": (8, "'DI_A' is a set of diagnoses", "(OP_...)"),
    "length(MCC ∩ QTZD)>=1": (8, "MCC cannot be counted", "Name a set"),
    "length(OP_A ∩ ZYSS)": (20, "no comparison follows length( )", ">=2"),
    "length(OP_A, ZYSS)>=2": (12, "∩ is missing in length( ), found ','", "∩"),
    "length({ZYSS} ∩ OP_A)>=2": (8, "a set is missing in length( ), found '{'", "length(OP_X ∩"),
    "length(ZYSS ∩ OP_A)>=2": (15, "'OP_A' is no variable", "first in length( )"),
    "length(OP_A ∩ )>=2": (15, "the fields are missing after ∩", "∩ {ZYSS, QTSS}"),
    "length(OP_A ∩ {ZYSS, QTSS}>=2": (27, ") is missing after length(", "{ZYSS, QTSS})>=2"),
    "length OP_A": (8, "( is missing after length", "length("),
    "ZYZD ∩ DI_A": (6, "∩ stands only inside length( )", "length("),
    "ZYZD in DI_A ∩ DI_B": (14, "∩ stands only inside length( )", "length("),
    "NL>=": (5, "a number is missing after >=, found the end of the rule", "NL>=70"),
    "NL>= and NL<=3": (6, "a number is missing after >=, found 'and'", "NL>=70"),
    "NL==70": (4, "a number is missing after =, found '='", ">= <= > < ="),
    "NL>=NL": (5, "a number is missing after >=, found 'NL'", "NL>=70"),
    "NL>=1<=6": (6, "two comparisons are chained", "NL>=1 and NL<=6"),
    "1<=NL<=6": (2, "a number stands before the comparison", "NL>=1"),
    "5": (1, "the number 5 stands alone", "1 for always"),
    "NL>=1 or 2": (10, "the number 2 stands alone", "NL>=70"),
    "NL>=1.2.3": (5, "'1.2.3' is no number", "999.5"),
    "NL>=1234567890123456": (5, "has more than 15 digits", "shorter"),
    "ZYZD in DI_A ZYZD in DI_B": (14, "'ZYZD' follows a finished condition", "`and` or `or`"),
    "1 1": (3, "'1' follows a finished condition", "`and` or `or`"),
    "NL>=70岁": (7, "'岁' follows a finished condition", "`and` or `or`"),
    "NL>=70 or": (10, "a condition is missing after 'or', found the end", "ZYZD in DI_X"),
    "and NL>=70": (1, "a condition is missing at the beginning, found 'and'", "ZYZD in DI_X"),
    "NL>=70 and or NL>1": (12, "a condition is missing after 'and', found 'or'", "ZYZD in DI_X"),
    "not": (4, "a condition is missing after 'not'", "ZYZD in DI_X"),
    "((": (3, "a condition is missing after '('", "ZYZD in DI_X"),
}


@pytest.mark.parametrize(("text", "said"), REFUSED.items())
def test_a_wrong_text_is_refused_with_place_and_remedy(text: str, said: tuple[int, str, str]) -> None:
    with pytest.raises(RuleTextError) as caught:
        parse_rule(text)
    position, problem, remedy = said
    assert (caught.value.position, problem in caught.value.problem, remedy in caught.value.remedy) == (
        position,
        True,
        True,
    ), str(caught.value)


def test_positions_are_those_of_the_text_as_given() -> None:
    with pytest.raises(RuleTextError) as caught:
        parse_rule("（ＮＬ＞＝７０）　and\\\n  ZYYD in DI_A")
    assert (caught.value.position, caught.value.remedy) == (17, "Did you mean 'ZYZD'?")
    with pytest.raises(RuleTextError) as caught:
        parse_rule("ZYZD in ﬁßǆ and ZYYD in DI_A")  # signs that become two in upper case or half width
    assert caught.value.position == 17


def test_the_error_survives_pickling_and_reads_as_one_line() -> None:
    with pytest.raises(RuleTextError) as caught:
        parse_rule("ZYZ in\nDI_A")
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value) == "character 1: 'ZYZ' is no variable. Did you mean 'ZYZD'?"


def test_variables_of_another_edition() -> None:
    other = dict(VARIABLES) | {"zyts": "los_days", "ZYTS2": "los_days"}
    condition = All((Compare("los_days", ">", 60), years("<", 1)))
    assert parse_rule("ZYTS>60 and nl<1", other) == condition
    assert print_rule(condition, other) == "ZYTS>60 and NL<1"
    with pytest.raises(RuleTextError, match="'ZYTS' is no variable"):
        parse_rule("ZYTS>60")


# --- depth, length, speed ---


def test_brackets_alone_nest_without_end() -> None:
    assert parse_rule("(" * 1000 + "NL>=7" + ")" * 1000) == years(">=", 7)


@pytest.mark.parametrize("start", ["not ", "NL>=1 and (", "NL>=1 or (NL>=2 and ", "ZYZD in DI_A and not ("])
def test_too_many_levels_are_refused(start: str) -> None:
    opened = start.count("(")
    for times in (1000, 10_000):
        with pytest.raises(RuleTextError, match="more than 50 levels"):
            parse_rule(start * times + "NL>=7" + ")" * opened * times)


def test_the_deepest_rule_is_read_and_written() -> None:
    deepest = "not " * MAX_DEPTH + "NL>=7"
    condition = parse_rule(deepest)
    assert print_rule(condition) == deepest
    with pytest.raises(RuleTextError, match="more than 50 levels"):
        print_rule(Not(condition))
    with pytest.raises(RuleTextError, match="more than 50 levels"):
        parse_rule("not " + deepest)
    for _ in range(5000):
        condition = All((condition,))
    assert print_rule(condition) == deepest


LONG = {
    "or": " or ".join(["QTZD in {MCC, DI_X}"] * 5000),
    "braces": "ZYZD in {" + ", ".join(["DI_A"] * 20_000) + "}",
    "name": "ZYZD in " + "A" * 100_000,
    "unknown": "A" * 100_000,
    "number": "1" * 100_000,
    "open": "(" * 100_000,
    "closed": ")" * 100_000,
    "blank": " " * 100_000,
    "joined": "NL>=70 and " * 10_000,
    "strange": "NL>=70 and " * 10_000 + "#",
}


@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
def test_long_texts_are_answered_soon(text: str) -> None:
    started = time.process_time()
    answer = read(text)
    if isinstance(answer, RuleTextError):
        assert len(str(answer)) < 300
    else:
        assert parse_rule(print_rule(answer)) == answer
    assert time.process_time() - started < 10


def test_the_rules_of_a_whole_workbook_are_read_within_a_second() -> None:
    rules = (list(PUBLISHED) * 100)[:1400]
    took = []
    for _ in range(3):
        started = time.process_time()
        for text in rules:
            parse_rule(text)
        took.append(time.process_time() - started)
    assert min(took) < 1


# --- writing ---


def test_conditions_are_written_as_the_workbook_writes_them() -> None:
    assert print_rule(AnyOf((MCC, CC))) == "QTZD in {MCC, CC}"
    assert print_rule(Not(AnyOf((ROBOT, InList("any_proc", "OP_B"))))) == "{ZYSS, QTSS} not in {OP_ARB, OP_B}"
    assert print_rule(AnyOf((MCC, pdx("DI_A")))) == "QTZD in MCC or ZYZD in DI_A"
    assert print_rule(All((AnyOf((MCC, pdx("DI_A"))), years("==", 6.5)))) == "(QTZD in MCC or ZYZD in DI_A) and NL=6.5"
    assert print_rule(Count("any_proc", "OP_IC2", ">=", 2)) == "length(OP_IC2 ∩ {ZYSS, QTSS})>=2"
    assert print_rule(Not(years(">=", 70))) == "not NL>=70"
    assert [print_rule(c) for c in (All(()), AnyOf(()), All((MCC,)))] == ["1", "0", "QTZD in MCC"]
    assert print_rule(Compare("admission_weight_g", "<", 1e14)) == "XSRTZ<100000000000000"
    assert print_rule(Compare("admission_weight_g", "<", 1e-7)) == "XSRTZ<0.0000001"


UNSAYABLE = (
    Has("sdx"),
    Known("age_years"),
    OneOf("age_years", (1.0,)),
    Department("ICU"),
    StartsWith("pdx", ("A",)),
    InCodes("pdx", ("A00",)),
    Severity("none"),
    Compare("los_days", ">", 1),
    Compare("age_years", "!=", 1),
    Compare("age_years", ">", -1),
    Compare("age_years", ">", float("nan")),
    Compare("age_years", ">", float("inf")),
    Compare("age_years", ">", 1e300),
    Compare("age_years", ">", 0.1 + 0.2),
    Compare("sex", ">", 1),
    Compare("sex", "==", 0),
    pdx("@dx"),
    pdx("MDC.dx"),
    pdx("di_a"),
    pdx(""),
    pdx("IN"),
    pdx("LENGTH"),
    pdx("MCC"),
    sdx("CC"),
    pdx("NL"),
    pdx("ZYZD"),
    pdx("OP_A"),
    InList("first_proc", "DI1_A"),
    InList("nowhere", "DI_A"),
    Count("any_proc", "MCC", ">=", 1),
    Count("any_proc", "DI_A", ">=", 1),
    Count("nowhere", "DI_A", ">=", 1),
    Count("pdx", "DI_A", "!=", 1),
)


@pytest.mark.parametrize("condition", UNSAYABLE, ids=repr)
def test_what_the_language_cannot_say_is_refused(condition: Condition) -> None:
    for tree in (condition, Not(condition), All((MCC, AnyOf((CC, condition))))):
        with pytest.raises(RuleTextError, match="the rule language of the workbook cannot say"):
            print_rule(tree)
