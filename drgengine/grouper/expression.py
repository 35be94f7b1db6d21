"""The rule notation of scheme folders: text to condition and back.

    pdx in @dx and (any_proc in @proc/1 or not first_proc in operations) and age_days <= 28

`@name` is a list of the rule at hand, a bare name a list of the whole scheme, `{A, B}` codes on the spot.
`count any_proc in @proc >= 2` compares the number of different codes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from drgengine.grouper.conditions import (
    COMPARISONS,
    DIAGNOSIS_SCOPES,
    NUMBERS,
    PROCEDURE_SCOPES,
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

SCOPES = DIAGNOSIS_SCOPES + PROCEDURE_SCOPES
_HAS = {"has_sdx": "sdx", "has_proc": "any_proc", "has_other_proc": "other_proc"}
_HAS_TEXT = {scope: word for word, scope in _HAS.items()}
_COMPARED = (*NUMBERS, "sex", "trauma_sites")
WORDS = ("always", "never", "mcc", "cc", "department", "count", *_HAS, *_COMPARED, *SCOPES)
_NUMBER = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?(e[+-]?[0-9]{1,3})?")
_PLAIN = re.compile(r"""[^\s(){},<>="!]+""")
_TOKEN = re.compile(
    r"""\s*(?:(?P<op><=|>=|==|!=|<|>|=)|(?P<mark>[(){},])|"(?P<text>[^"]*)"|(?P<word>[^\s(){},<>="!]+))"""
)


class ExpressionError(ValueError):
    """A rule text that cannot be read; `position` counts characters from 1."""

    def __init__(self, problem: str, position: int, remedy: str) -> None:
        super().__init__(problem, position, remedy)
        self.problem, self.position, self.remedy = problem, position, remedy

    def __str__(self) -> str:
        return f"character {self.position}: {self.problem}. {self.remedy}"


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str  # op, mark, text, word, end
    text: str
    position: int


def _tokens(text: str) -> list[_Token]:
    found, at = [], 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            start = at + len(text[at:]) - len(text[at:].lstrip())
            raise ExpressionError(f"{text[start]!r} has no meaning here", start + 1, "Remove it or quote the text")
        found.append(_Token(match.lastgroup, match[match.lastgroup], match.start(match.lastgroup) + 1))
        at = match.end()
    return [*found, _Token("end", "end of the rule", len(text) + 1)]


class _Parser:
    def __init__(self, text: str) -> None:
        self.tokens = _tokens(text)
        self.at = 0

    def peek(self) -> _Token:
        return self.tokens[self.at]

    def take(self) -> _Token:
        token = self.tokens[self.at]
        self.at += token.kind != "end"
        return token

    def accept(self, text: str) -> bool:
        if self.peek().text == text and self.peek().kind in ("word", "mark", "op"):
            self.at += 1
            return True
        return False

    def expect(self, text: str) -> None:
        token = self.peek()
        if not self.accept(text):
            raise ExpressionError(f"expected {text!r}, found {token.text!r}", token.position, f"Write {text!r} there")

    def either(self) -> Condition:
        parts = [self.both()]
        while self.accept("or"):
            parts.append(self.both())
        return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))

    def both(self) -> Condition:
        parts = [self.negation()]
        while self.accept("and"):
            parts.append(self.negation())
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def negation(self) -> Condition:
        if self.accept("not"):
            return Not(self.negation())
        if self.accept("("):
            inner = self.either()
            self.expect(")")
            return inner
        return self.atom()

    def atom(self) -> Condition:
        token = self.take()
        word = token.text
        if token.kind != "word" or word not in WORDS:
            raise ExpressionError(f"{word!r} is no fact of a case", token.position, _nearest(word))
        if word in ("always", "never"):
            return Constant(word == "always")
        if word in ("mcc", "cc"):
            return Severity(word)
        if word in _HAS:
            return Has(_HAS[word])
        if word == "department":
            self.expect("==")
            return Department(self.value().text)
        if word == "count":
            return self.count()
        if word in SCOPES:
            return self.membership(word)
        return self.comparison(word)

    def membership(self, scope: str) -> Condition:
        if self.accept("starts"):
            return StartsWith(scope, self.texts())
        self.expect("in")
        if self.peek().text == "{":
            return InCodes(scope, self.texts())
        token = self.take()
        if token.kind != "word":
            raise ExpressionError(f"{token.text!r} is no list", token.position, "Name a list, @list or {CODE, CODE}")
        return InList(scope, token.text)

    def count(self) -> Condition:
        token = self.take()
        if token.text not in SCOPES:
            raise ExpressionError(
                f"{token.text!r} cannot be counted", token.position, f"Write one of {', '.join(SCOPES)} after count"
            )
        asked = self.membership(token.text)
        if not isinstance(asked, InList):
            raise ExpressionError(
                "only codes of a list are counted", token.position, "Write count SCOPE in LIST >= NUMBER"
            )
        return Count(asked.scope, asked.list, self.operator("the list"), self.number(self.value()))

    def comparison(self, name: str) -> Condition:
        if name in NUMBERS and self.accept("known"):
            return Known(name)
        if name in NUMBERS and self.accept("in"):
            return OneOf(name, tuple(self.number(token) for token in self.braces()))
        return Compare(name, self.operator(name), self.number(self.value()))

    def operator(self, what: str) -> str:
        token = self.take()
        if token.text not in COMPARISONS or token.kind != "op":
            raise ExpressionError(
                f"expected a comparison after {what}, found {token.text!r}",
                token.position,
                f"Use one of {' '.join(COMPARISONS)}, `in {{1, 2}}` or `known`",
            )
        return token.text

    def number(self, token: _Token) -> float:
        if not _NUMBER.fullmatch(token.text) or float(token.text) in (float("inf"), float("-inf")):
            raise ExpressionError(f"{token.text!r} is no number", token.position, "Write a number such as 28 or 0.5")
        return float(token.text)

    def value(self) -> _Token:
        token = self.take()
        if token.kind not in ("word", "text"):
            raise ExpressionError(f"expected a value, found {token.text!r}", token.position, "Write a value there")
        return token

    def texts(self) -> tuple[str, ...]:
        return tuple(token.text for token in self.braces())

    def braces(self) -> list[_Token]:
        self.expect("{")
        values = [self.value()]
        while self.accept(","):
            values.append(self.value())
        self.expect("}")
        for token in values:
            if not token.text:
                raise ExpressionError("an empty text stands in the braces", token.position, "Write a value there")
        return values


def _nearest(word: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(word, WORDS, n=1, cutoff=0.5)
    return f"Did you mean {near[0]!r}?" if near else f"Known facts: {', '.join(WORDS)}"


def parse(text: str) -> Condition:
    """The condition that a rule text states.

    text : rule notation, as in the module's docstring
    returns the condition tree; list names stay as written (`@dx` is resolved by the scheme)
    raises ExpressionError with the position, what was found and a remedy

    >>> parse("pdx in @dx and age_days <= 28")
    All(parts=(InList(scope='pdx', list='@dx'), Compare(name='age_days', op='<=', value=28.0)))
    """
    parser = _Parser(text)
    condition = parser.either()
    rest = parser.peek()
    if rest.kind != "end":
        raise ExpressionError(f"{rest.text!r} follows a finished rule", rest.position, "Join with `and` or `or`")
    return condition


def unparse(condition: Condition) -> str:
    """The rule text of a condition; `parse(unparse(c))` gives a condition of the same meaning and text.

    raises ExpressionError for a value that the notation cannot hold (an empty text, a double quote)

    >>> unparse(parse("( pdx in @dx )and not sex==1"))
    'pdx in @dx and not sex == 1'
    """
    match condition:
        case All(parts):
            return " and ".join(_inner(part, AnyOf) for part in parts)
        case AnyOf(parts):
            return " or ".join(_inner(part) for part in parts)
        case Not(part):
            return f"not {_inner(part, All, AnyOf)}"
        case Constant(value):
            return "always" if value else "never"
        case InList(scope, name):
            return f"{scope} in {name}"
        case InCodes(scope, codes):
            return f"{scope} in {_braces(codes)}"
        case StartsWith(scope, prefixes):
            return f"{scope} starts {_braces(prefixes)}"
        case Count(scope, name, op, value):
            return f"count {scope} in {name} {op} {value:.15g}"
        case Has(scope):
            return _HAS_TEXT[scope]
        case Compare(name, op, value):
            return f"{name} {op} {value:.15g}"
        case Known(name):
            return f"{name} known"
        case OneOf(name, values):
            return f"{name} in {_braces([f'{value:.15g}' for value in values])}"
        case Department(value):
            return f"department == {_quoted(value)}"
        case Severity(level):
            return level


def _inner(part: Condition, *wrapped: type) -> str:
    text = unparse(part)
    return f"({text})" if isinstance(part, wrapped) and len(part.parts) > 1 else text  # type: ignore[union-attr]


def _braces(values: tuple[str, ...] | list[str]) -> str:
    if not values or not all(values):
        raise ExpressionError(f"{values!r} cannot be written", 1, "Name at least one value, none of them empty")
    return "{" + ", ".join(value if _PLAIN.fullmatch(value) else _quoted(value) for value in values) + "}"


def _quoted(value: str) -> str:
    if '"' in value:
        raise ExpressionError(f"{value!r} cannot be written", 1, 'Leave out the sign "')
    return f'"{value}"'
