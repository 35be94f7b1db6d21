"""Conditions in plain words: `mcc and age_years >= 70` is "MCC and age >= 70", in Chinese "MCC 且 年龄≥70 岁"."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

from drgengine.errors import DrgEngineError
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
from drgengine.grouper.wording import DATA, LANGUAGES

_SEXES = {1.0: "male", 2.0: "female"}
_COUNTS = {">=": "at_least", ">": "more", "<=": "at_most", "<": "fewer", "==": "exactly"}
_SIGNS = {">=": "at_least", ">": "greater", "<=": "at_most", "<": "less", "==": "equal"}
_NAMED = (OPERATIONS, NOT_OPERATIONS)
Words = Mapping[str, str]


@cache
def _content() -> Mapping[str, Any]:
    return tomllib.loads((DATA / "schemediff.toml").read_text(encoding="utf-8"))


def diff_words(language: str) -> Words:
    """The words of comparisons in a language, zh or en. Raises DrgEngineError for another one."""
    if language not in LANGUAGES:
        raise DrgEngineError(f"language {language!r}", "there are no words for it", f"Use {' or '.join(LANGUAGES)}")
    words: Words = _content()[language]
    return words


def base_name(name: str) -> str:
    """The name of a group without what it says of its severity, which is that of its ADRG.

    >>> base_name("心力衰竭、休克，伴严重合并症或并发症")
    '心力衰竭、休克'
    """
    known = _content()["names"]
    at = max(name.rfind(ending) for ending in known["endings"])
    return name[:at] if at > 0 and any(word in name[at:] for word in known["severity"]) else name


def condition_words(condition: Condition, named: Callable[[str], str] = str, language: str = "en") -> str:
    """What a condition asks for, in plain words.

    named : how a list is called in the sentence; language : en or zh

    >>> condition_words(parse("(mcc or cc) and age_years >= 70"))
    '(MCC or CC) and age >= 70'
    >>> condition_words(parse("count any_proc in @proc >= 2 and not first_proc in operations"))
    'any procedure: at least 2 different codes of @proc and principal procedure is not a valid operation'
    >>> condition_words(parse("pdx in @dx and (mcc or cc) and age_years >= 70"), language="zh")
    '主要诊断在 @dx 内 且 （MCC 或 CC） 且 年龄≥70 岁'
    """
    words = diff_words(language)
    match condition:
        case All(parts):
            return words["and"].join(_inner(part, named, AnyOf, language) for part in parts)
        case AnyOf(parts):
            return words["or"].join(_inner(part, named, All, language) for part in parts)
        case Not(part):
            return _denied(part, named, language)
        case Constant(value):
            return words["always" if value else "never"]
        case Severity(level):
            return level.upper()
    return _atom_words(condition, named, words)


def _inner(part: Condition, named: Callable[[str], str], wrapped: type, language: str) -> str:
    text = condition_words(part, named, language)
    return diff_words(language)["bracket"].format(text=text).strip() if isinstance(part, wrapped) else text


def _denied(part: Condition, named: Callable[[str], str], language: str) -> str:
    words = diff_words(language)
    match part:
        case Severity(level):
            return words["no_severity"].format(level=level.upper())
        case Has(scope):
            return words["has_not"].format(what=words[f"has_{scope}"])
        case InList(scope, name):
            key = f"not_in_{name}" if name in _NAMED else "not_in_list"
            return words[key].format(scope=words[f"scope_{scope}"], list=named(name))
    return words["not"].format(text=condition_words(part, named, language))


def _atom_words(atom: Condition, named: Callable[[str], str], words: Words) -> str:
    match atom:
        case InList(scope, name):
            key = f"in_{name}" if name in _NAMED else "in_list"
            return words[key].format(scope=words[f"scope_{scope}"], list=named(name))
        case InCodes(scope, codes):
            return words["in_codes"].format(scope=words[f"scope_{scope}"], codes=_one_of(codes, words))
        case StartsWith(scope, prefixes):
            return words["starts"].format(scope=words[f"scope_{scope}"], codes=_one_of(prefixes, words))
        case Count(scope, name, op, value):
            how = words[f"count_{_COUNTS[op]}"]
            return words["count"].format(scope=words[f"scope_{scope}"], op=how, n=f"{value:.15g}", list=named(name))
        case Has(scope):
            return words["has"].format(what=words[f"has_{scope}"])
    return _fact_words(atom, words)


def _fact_words(atom: Condition, words: Words) -> str:
    """Conditions about anything but codes."""
    match atom:
        case Compare("sex", "==", value) if value in _SEXES:
            return words[_SEXES[value]]
        case Compare(name, op, value):
            what, unit, sign = words[f"number_{name}"], words[f"unit_{name}"], words[_SIGNS[op]]
            return words["compare"].format(name=what, op=sign, value=f"{value:.15g}", unit=unit)
        case Known(name):
            return words["known"].format(name=words[f"number_{name}"])
        case OneOf(name, values):
            texts = _one_of((f"{value:.15g}" for value in values), words)
            return words["one_of"].format(name=words[f"number_{name}"], values=texts, unit=words[f"unit_{name}"])
        case Department(value):
            return words["department"].format(value=value)
    raise TypeError(f"not a condition: {atom!r}")


def _one_of(texts: Iterable[str], words: Words) -> str:
    every = list(texts)
    return words["or"].join(every) if len(every) <= 3 else words["one_of_many"].format(codes=first(every))


def rule_words(text: str, language: str = "en") -> str:
    """A rule text in plain words; a text that is no rule comes back as it is.

    >>> rule_words("pdx in @dx and age_days <= 28"), rule_words("after FR1")
    ('principal diagnosis in @dx and age <= 28 days', 'after FR1')
    """
    try:
        return condition_words(parse(text), language=language)
    except ExpressionError:
        return text
