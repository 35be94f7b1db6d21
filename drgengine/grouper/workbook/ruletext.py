"""The rule language of the authority's configuration workbook: text to condition and back.

    ((ZYZD in DI_Z01) and (QTZD in {DI_Z02, DI_Z03})) or (NL>=70 and {ZYSS, QTSS} not in OP_ALL)

`ruletext.lark` holds the grammar. Letter case, blanks and full-width signs are free. Positions are those of the text as
given: the text is folded sign by sign before it is read, so that none moves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import lru_cache
from importlib import resources
from math import isfinite
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, cast

from drgengine.grouper.conditions import All, AnyOf, Compare, Condition, Constant, Count, InList, Not, Severity
from drgengine.grouper.workbook.rulesyntax import COUNT_FORM, SIGNS, Syntax
from drgengine.grouper.workbook.rulewords import (
    FIELDS,
    LEVEL_TEXT,
    LEVELS,
    SCOPE_TEXT,
    SCOPES,
    VARIABLES,
    RuleTextError,
    fold,
    shown,
    unknown,
    wrong_set,
)

if TYPE_CHECKING:
    from lark import Lark, Token

__all__ = ["MAX_DEPTH", "MAX_DIGITS", "VARIABLES", "RuleTextError", "parse_rule", "print_rule"]

MAX_DEPTH = 50
"""Levels of and, or, not inside one another; later steps walk the tree by recursion."""

MAX_DIGITS = 15
"""Digits of a number: so many survive every notation unchanged."""

_OPERATORS = {"=": "==", "≥": ">=", "≤": "<="}
_OPERATOR_TEXT = {"==": "=", ">=": ">=", "<=": "<=", ">": ">", "<": "<"}
_WORDS = ("AND", "OR", "NOT", "IN", "LENGTH")
_NAME = re.compile(r"[^\W\d_]\w*")


class _Node(NamedTuple):
    condition: Condition
    depth: int


def _fail(problem: str, token: Token, remedy: str) -> NoReturn:
    raise RuleTextError(problem, (token.start_pos or 0) + 1, remedy)


def parse_rule(text: str, variables: Mapping[str, str] = VARIABLES) -> Condition:
    """The condition that a rule text of the workbook states.

    text : one rule cell; nothing or blanks only is always true
    variables : variable -> numeric fact (`age_years`, `sex`, `los_days`, ...), letter case does not matter
    returns the condition tree; set names in upper case, several sets in braces as AnyOf in the written order
    raises RuleTextError with what is wrong, the character from 1 and a remedy

    >>> parse_rule("QTZD in MCC and NL>=70")
    All(parts=(Severity(level='mcc'), Compare(name='age_years', op='>=', value=70.0)))
    >>> parse_rule("{zyss, qtss} in OP_ARB")
    InList(scope='any_proc', list='OP_ARB')
    >>> parse_rule("ZYZ in DI_B00")
    Traceback (most recent call last):
    drgengine.grouper.workbook.rulewords.RuleTextError: character 1: 'ZYZ' is no variable. Did you mean 'ZYZD'?
    """
    from lark.exceptions import UnexpectedCharacters, UnexpectedToken

    names = _known(variables)
    parser = _parser(tuple(names.items()))
    folded = fold(text)
    try:
        return cast(Condition, parser.parse(folded))
    except UnexpectedCharacters as error:
        at = error.pos_in_stream or 0
        remedy = SIGNS.get(folded[at], "Remove it")
        raise RuleTextError(f"{text[at]!r} has no meaning here", at + 1, remedy) from None
    except UnexpectedToken as error:
        end = error.token.type == "$END"
        before = list(_until(parser, folded, len(folded) if end else error.token.start_pos or 0))
        raise Syntax(text, before, None if end else error.token, error.expected, names).error() from None


def _known(variables: Mapping[str, str]) -> dict[str, str]:
    return {fold(name): fact for name, fact in variables.items()}


def _until(parser: Lark, folded: str, stop: int) -> Iterator[Token]:
    """The tokens before a place; the same text was read up to there already."""
    for token in parser.lex(folded):
        if (token.start_pos or 0) >= stop:
            return
        yield token


@lru_cache(maxsize=16)
def _parser(variables: tuple[tuple[str, str], ...]) -> Lark:
    """Makes conditions while it reads: an LALR automaton, no recursion, no tree in between."""
    from lark import Lark

    grammar = resources.files(__package__).joinpath("ruletext.lark").read_text(encoding="utf-8")
    maker = cast(Any, _Maker(dict(variables)))
    return Lark(grammar, start="rule", parser="lalr", lexer="basic", transformer=maker)


class _Maker:
    """One method for each rule of the grammar, called with what its parts became."""

    def __init__(self, variables: dict[str, str]) -> None:
        self._variables = variables

    def rule(self, children: list[_Node]) -> Condition:
        return children[0].condition if children else Constant(True)

    def either(self, children: list[Any]) -> _Node:
        return _joined(AnyOf, children)

    def both(self, children: list[Any]) -> _Node:
        return _joined(All, children)

    def negation(self, children: list[Any]) -> _Node:
        word, part = children
        return _deeper(Not(part.condition), part.depth, word)

    def constant(self, children: list[Token]) -> _Node:
        value = _number(children[0])
        if value not in (0, 1):
            _fail(f"the number {children[0]} stands alone", children[0], "Compare it (NL>=70), or write 1 for always")
        return _Node(Constant(value == 1), 0)

    def fields(self, children: list[Token]) -> str:
        """The scope that the fields make together."""
        scopes = [FIELDS[self._field(name)] for name in children]
        for name, scope in zip(children, scopes, strict=True):
            if ("dx" in scope) != ("dx" in scopes[0]):
                _fail("diagnosis and procedure fields stand in one pair of braces", name, "Write two conditions")
        return SCOPES[frozenset(scopes)]

    def sets(self, children: list[Token]) -> list[Token]:
        return children

    def member(self, children: list[Any]) -> _Node:
        scope, sets = children[0], children[-1]
        parts = tuple(self._inside(scope, name) for name in sets)
        node = _Node(parts[0], 0) if len(parts) == 1 else _Node(AnyOf(parts), 1)
        return node if len(children) == 3 else _deeper(Not(node.condition), node.depth, children[1])

    def compare(self, children: list[Token]) -> _Node:
        name, sign, number = children
        if name in FIELDS:
            numbers = ", ".join(self._variables)
            _fail(f"{name} holds codes, no number", sign, f"Write `{name} in SET`, or compare one of {numbers}")
        if name not in self._variables:
            problem, remedy = unknown(name, self._variables)
            _fail(problem, name, remedy)
        fact, value = self._variables[name], _number(number)
        if fact == "sex" and (sign != "=" or value not in (1, 2)):
            _fail(f"{name}{sign}{number} cannot be asked", name, f"Write {name}=1 (male) or {name}=2 (female)")
        return _Node(Compare(fact, _OPERATORS.get(sign, str(sign)), value), 0)

    def count(self, children: list[Any]) -> _Node:
        _, name, scope, sign, number = children
        if name in LEVELS:
            _fail(f"{name} cannot be counted", name, f"Name a set. {COUNT_FORM}")
        atom = self._inside(scope, name)
        return _Node(Count(atom.scope, atom.list, _OPERATORS.get(sign, str(sign)), _number(number)), 0)

    def _field(self, name: Token) -> Token:
        if name in self._variables:
            _fail(f"{name} is a number, no field of codes", name, f"Compare it, such as {name}>=1")
        if name not in FIELDS:
            problem, remedy = unknown(name, self._variables)
            _fail(problem, name, remedy)
        return name

    def _inside(self, scope: str, name: Token) -> Any:
        """Severity for MCC and CC, InList otherwise."""
        if name in LEVELS:
            if scope != "sdx":
                _fail(f"{SCOPE_TEXT[scope]} has no severity", name, f"Only other diagnoses have: write QTZD in {name}")
            return Severity(LEVELS[name])
        problem = wrong_set(scope, str(name), self._variables)
        if problem:
            _fail(problem, name, f"Name a set of {'procedures (OP_...)' if 'proc' in scope else 'diagnoses (DI_...)'}")
        return InList(scope, str(name))


def _joined(kind: type[All] | type[AnyOf], children: list[Any]) -> _Node:
    """Parts with the words and, or between them."""
    parts: list[_Node] = children[::2]
    return _deeper(kind(tuple(part.condition for part in parts)), max(part.depth for part in parts), children[1])


def _deeper(condition: Condition, below: int, token: Token) -> _Node:
    if below >= MAX_DEPTH:
        problem = f"more than {MAX_DEPTH} levels of `and`, `or`, `not` lie in one another"
        _fail(problem, token, "Write it with fewer brackets")
    return _Node(condition, below + 1)


def _number(token: Token) -> float:
    if token.count(".") > 1:
        _fail(f"{shown(token)} is no number", token, "Write a number such as 70 or 999.5")
    if len(token) - token.count(".") > MAX_DIGITS:
        _fail(f"{shown(token)} has more than {MAX_DIGITS} digits", token, "Write a shorter number")
    return float(token)


def print_rule(condition: Condition, variables: Mapping[str, str] = VARIABLES) -> str:
    """The rule text of a condition, with no more brackets than needed; `parse_rule` makes the same condition of it.

    condition : what parse_rule can make; All and AnyOf of one part or of none are written by their meaning
    variables : as for parse_rule; of several names of one fact the first is taken
    raises RuleTextError for what the language cannot say (prefixes, codes on the spot, other facts, ...)

    >>> print_rule(parse_rule("( nl >= 70 )and(( QTZD IN{MCC,CC} ))"))
    'NL>=70 and QTZD in {MCC, CC}'
    """
    names = {fact: fold(name) for name, fact in reversed(list(variables.items()))}
    return _text(condition, names, 0)


def _text(condition: Condition, names: dict[str, str], depth: int) -> str:
    if depth > MAX_DEPTH:
        _cannot(f"more than {MAX_DEPTH} levels of and, or, not")
    condition = _plain(condition)
    match condition:
        case Constant() | All(()) | AnyOf(()):
            return "1" if condition in (Constant(True), All(())) else "0"
        case All(parts):
            return " and ".join(_inner(part, names, depth, All, AnyOf) for part in parts)
        case AnyOf(parts):
            return _membership(condition, " in ", names) or " or ".join(
                _inner(part, names, depth, AnyOf) for part in parts
            )
        case Not(part):
            inside = _membership(part, " not in ", names)
            return inside or f"not {_inner(part, names, depth, All, AnyOf)}"
        case Compare(name, op, value):
            return _comparison(name, op, value, names)
        case Count(scope, name, op, value):
            return f"length({_set(scope, name, names)} ∩ {_fields(scope)}){_operator(op)}{_digits(value)}"
    return _membership(condition, " in ", names) or _cannot(shown(repr(condition)))


def _inner(part: Condition, names: dict[str, str], depth: int, *bracketed: type) -> str:
    """A part inside another condition, in brackets where it would be read otherwise without."""
    part = _plain(part)
    text = _text(part, names, depth + 1)
    joined = isinstance(part, All | AnyOf) and isinstance(part, bracketed) and len(part.parts) > 1
    return f"({text})" if joined and not _membership(part, " in ", names) else text


def _plain(condition: Condition) -> Condition:
    """The condition without an All or AnyOf around a single part."""
    while isinstance(condition, All | AnyOf) and len(condition.parts) == 1:
        condition = condition.parts[0]
    return condition


def _membership(condition: Condition, word: str, names: dict[str, str]) -> str:
    """`FIELDS in SETS` where that says it all, else "": one set, or several looked up in the same fields."""
    parts = condition.parts if isinstance(condition, AnyOf) else (condition,)
    scopes, sets = set(), []
    for part in parts:
        if isinstance(part, Severity) and part.level in LEVEL_TEXT:
            scopes.add("sdx")
            sets.append(LEVEL_TEXT[part.level])
        elif isinstance(part, InList):
            scopes.add(part.scope)
            sets.append(_set(part.scope, part.list, names))
        else:
            return ""
    if len(scopes) != 1:
        return ""
    return f"{_fields(scopes.pop())}{word}{sets[0] if len(sets) == 1 else '{' + ', '.join(sets) + '}'}"


def _comparison(name: str, op: str, value: float, names: dict[str, str]) -> str:
    if name not in names:
        _cannot(f"the fact {name}")
    if name == "sex" and (op != "==" or value not in (1, 2)):
        _cannot(f"sex {op} {value:g}")
    return f"{names[name]}{_operator(op)}{_digits(value)}"


def _operator(op: str) -> str:
    return _OPERATOR_TEXT.get(op) or _cannot(f"the comparison {op}")


def _fields(scope: str) -> str:
    return SCOPE_TEXT.get(scope) or _cannot(f"the scope {scope}")


def _set(scope: str, name: str, names: dict[str, str]) -> str:
    _fields(scope)
    taken = {*_WORDS, *LEVELS}
    if not _NAME.fullmatch(name) or fold(name) != name or name in taken:
        _cannot(f"the set name {shown(name)}")
    problem = wrong_set(scope, name, set(names.values()))
    return name if not problem else _cannot(problem)


def _digits(value: float) -> str:
    if not isfinite(value) or value < 0:
        _cannot(f"the number {value}")
    text = f"{Decimal(repr(float(value) + 0.0)):f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    if len(text) - text.count(".") > MAX_DIGITS:
        _cannot(f"the number {value}, which has more than {MAX_DIGITS} digits")
    return text


def _cannot(what: str) -> NoReturn:
    raise RuleTextError(f"the rule language of the workbook cannot say {what}", 1, "Write the condition otherwise")
