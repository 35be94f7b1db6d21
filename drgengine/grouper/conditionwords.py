"""Conditions in plain words: `mcc and age_years >= 70` is "MCC and age >= 70"."""

from __future__ import annotations

from collections.abc import Callable, Iterable

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
from drgengine.grouper.expression import ExpressionError, parse
from drgengine.grouper.remark import first
from drgengine.grouper.scheme import NOT_OPERATIONS, OPERATIONS

_SCOPES = {
    "pdx": "principal diagnosis",
    "sdx": "other diagnosis",
    "any_dx": "any diagnosis",
    "first_proc": "principal procedure",
    "other_proc": "other procedure",
    "any_proc": "any procedure",
}
_HAS = {"sdx": "an other diagnosis", "any_proc": "a procedure", "other_proc": "an other procedure"}
_NUMBERS = {
    "age_years": ("age", ""),
    "age_days": ("age", " days"),
    "birth_weight_g": ("birth weight", " g"),
    "admission_weight_g": ("admission weight", " g"),
    "los_days": ("stay", " days"),
    "icu_hours": ("intensive care", " hours"),
    "ventilator_hours": ("ventilation", " hours"),
    "discharge_disposition": ("way of discharge", ""),
    "trauma_sites": ("injured body regions", ""),
    "sex": ("sex", ""),
}
_SEXES = {1.0: "male", 2.0: "female"}
_COUNTS = {">=": "at least", ">": "more than", "<=": "at most", "<": "fewer than", "==": "exactly"}
_NAMED = {OPERATIONS: "a valid operation", NOT_OPERATIONS: "a procedure that is no operation"}


def condition_words(condition: Condition, named: Callable[[str], str] = str) -> str:
    """What a condition asks for, in plain English words.

    named : how a list is called in the sentence

    >>> condition_words(parse("(mcc or cc) and age_years >= 70"))
    '(MCC or CC) and age >= 70'
    >>> condition_words(parse("count any_proc in @proc >= 2 and not first_proc in operations"))
    'any procedure: at least 2 different codes of @proc and principal procedure is not a valid operation'
    """
    match condition:
        case All(parts):
            return " and ".join(_inner(part, named, AnyOf) for part in parts)
        case AnyOf(parts):
            return " or ".join(_inner(part, named, All) for part in parts)
        case Not(part):
            return _denied(part, named)
        case Constant(value):
            return "always" if value else "never"
        case Severity(level):
            return level.upper()
    return _atom_words(condition, named)


def _inner(part: Condition, named: Callable[[str], str], wrapped: type) -> str:
    text = condition_words(part, named)
    return f"({text})" if isinstance(part, wrapped) else text


def _denied(part: Condition, named: Callable[[str], str]) -> str:
    match part:
        case Severity(level):
            return f"no {level.upper()}"
        case Has(scope):
            return f"without {_HAS[scope]}"
        case InList(scope, name) if name in _NAMED:
            return f"{_SCOPES[scope]} is not {_NAMED[name]}"
        case InList(scope, name):
            return f"{_SCOPES[scope]} not in {named(name)}"
    return f"not ({condition_words(part, named)})"


def _atom_words(atom: Condition, named: Callable[[str], str]) -> str:
    match atom:
        case InList(scope, name) if name in _NAMED:
            return f"{_SCOPES[scope]} is {_NAMED[name]}"
        case InList(scope, name):
            return f"{_SCOPES[scope]} in {named(name)}"
        case InCodes(scope, codes):
            return f"{_SCOPES[scope]} is {_one_of(codes)}"
        case StartsWith(scope, prefixes):
            return f"{_SCOPES[scope]} starts with {_one_of(prefixes)}"
        case Count(scope, name, op, value):
            return f"{_SCOPES[scope]}: {_COUNTS[op]} {value:.15g} different codes of {named(name)}"
        case Has(scope):
            return f"with {_HAS[scope]}"
        case Compare("sex", "==", value) if value in _SEXES:
            return _SEXES[value]
        case Compare(name, op, value):
            what, unit = _NUMBERS[name]
            return f"{what} {'=' if op == '==' else op} {value:.15g}{unit}"
        case Known(name):
            return f"{_NUMBERS[name][0]} known"
        case OneOf(name, values):
            what, unit = _NUMBERS[name]
            return f"{what} is {_one_of(f'{value:.15g}' for value in values)}{unit}"
        case Department(value):
            return f"department {value}"
    raise TypeError(f"not a condition: {atom!r}")


def _one_of(texts: Iterable[str]) -> str:
    every = list(texts)
    return " or ".join(every) if len(every) <= 3 else f"one of {first(every)}"


def rule_words(text: str) -> str:
    """A rule text in plain words; a text that is no rule comes back as it is.

    >>> rule_words("pdx in @dx and age_days <= 28"), rule_words("after FR1")
    ('principal diagnosis in @dx and age <= 28 days', 'after FR1')
    """
    try:
        return condition_words(parse(text))
    except ExpressionError:
        return text
