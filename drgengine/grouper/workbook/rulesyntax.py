"""What a rule text that does not follow the grammar is answered with: problem, position, remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drgengine.grouper.workbook.rulewords import FIELDS, RuleTextError, shown, unknown

if TYPE_CHECKING:
    from lark import Token

COUNT_FORM = "Write length(OP_X ∩ {ZYSS, QTSS})>=2"
_CONDITION_FORM = "Write a condition such as ZYZD in DI_X or NL>=70 there"
_CHAIN_FORM = "Write two conditions, such as NL>=1 and NL<=6"


SIGNS = {
    "、": "Write a comma between names",
    ";": "Write a comma between names, `and` or `or` between conditions",
    "-": "Numbers below 0 do not occur; names are joined by _",
    "&": "Write `and`",
    "|": "Write `or`",
    "!": "Write `not` before the condition",
    "≠": "Write not (NL=70)",
    "'": "Write names without quotes",
    '"': "Write names without quotes",
    "[": "Write ( or {",
    "]": "Write ) or }",
}


class Syntax:
    """Where reading stopped.

    before : the tokens read; found : the one that does not fit, None for the end
    expected : kinds of tokens that would have fitted
    """

    def __init__(
        self, text: str, before: list[Token], found: Token | None, expected: set[str], variables: dict[str, str]
    ) -> None:
        self.text, self.before, self.found, self.expected, self.variables = text, before, found, expected, variables
        self.last = before[-1] if before else None
        self.kind = before[-1].type if before else ""
        self.open: list[Token] = []
        for token in before:
            if token.type in ("LPAR", "LBRACE"):
                self.open.append(token)
            elif token.type in ("RPAR", "RBRACE"):
                self.open.pop()

    def error(self) -> RuleTextError:
        """The message: by what was found, by what stands before it, and last by what is finished and what is open."""
        for look in (self._misplaced, self._before_a_condition, self._in_count, self._after_name, self._in_braces):
            answer = look()
            if answer:
                return answer
        return self._after_all()

    def _say(self, problem: str, remedy: str) -> RuleTextError:
        """At the token that does not fit, or right after the last one."""
        at = self.found.start_pos if self.found else self.last.end_pos if self.last else 0
        return RuleTextError(problem, (at or 0) + 1, remedy)

    def _written(self, token: Token | None) -> str:
        return "the end of the rule" if token is None else shown(self.text[token.start_pos : token.end_pos])

    def _is(self, *kinds: str) -> bool:
        return self.found is not None and self.found.type in kinds

    def _misplaced(self) -> RuleTextError | None:
        if self._is("CAP"):
            return self._say("∩ stands only inside length( ), between a set and its fields", COUNT_FORM)
        if self.kind == "NUMBER" and self._is("COMPARISON"):
            chained = len(self.before) > 1 and self.before[-2].type == "COMPARISON"
            what = "two comparisons are chained" if chained else "a number stands before the comparison"
            return self._say(what, _CHAIN_FORM if chained else "Write the variable first, such as NL>=1")
        if self.kind == "IN":
            return self._say(
                f"a set is missing after `in`, found {self._written(self.found)}", "Name one, such as DI_X"
            )
        if self.kind == "COMPARISON":
            what = f"a number is missing after {self.last}, found {self._written(self.found)}"
            return self._say(what, "Write one comparison (>= <= > < =) and a number, such as NL>=70")
        if self.kind == "NOT" and self.expected == {"IN"}:
            return self._say(f"`in` is missing after `not`, found {self._written(self.found)}", "Write `not in SET`")
        return None

    def _before_a_condition(self) -> RuleTextError | None:
        after_length = self.kind == "LPAR" and len(self.before) > 1 and self.before[-2].type == "LENGTH"
        if after_length or self.kind not in ("", "AND", "OR", "NOT", "LPAR"):
            return None
        if self.kind == "LPAR" and self._is("RPAR"):
            return self._say("nothing stands between the brackets", _CONDITION_FORM)
        where = f" after {self._written(self.last)}" if self.last else " at the beginning"
        return self._say(f"a condition is missing{where}, found {self._written(self.found)}", _CONDITION_FORM)

    def _after_name(self) -> RuleTextError | None:
        """After a field, a variable or fields in braces: there must be `in` or a comparison."""
        if self.kind not in ("NAME", "RBRACE") or "IN" not in self.expected or self.last is None:
            return None
        name = str(self.last)
        if self.kind == "NAME" and name not in (*FIELDS, *self.variables):
            problem, remedy = unknown(name, self.variables)
            return RuleTextError(problem, (self.last.start_pos or 0) + 1, remedy)
        if name in self.variables:
            return self._say(f"no comparison follows {name}", f"Write {name}>=1 or the like")
        if self.kind == "RBRACE" and self._is("COMPARISON"):
            return self._say("only a single variable can be compared", "Write `in` and a set after the braces")
        return self._say(f"no `in` follows {name}, found {self._written(self.found)}", f"Write {name} in SET")

    def _in_braces(self) -> RuleTextError | None:
        if not self.open or self.open[-1].type != "LBRACE":
            return None
        start = (self.open[-1].start_pos or 0) + 1
        if self.kind == "LBRACE" and self._is("RBRACE"):
            return self._say("the braces are empty", "Write one name or several between them")
        if self.kind == "NAME" and self.found is None:
            return self._say(f"the brace {{ at character {start} is never closed", "Write } after the last name")
        what = "a comma or } is missing" if self.kind == "NAME" else "a name is missing"
        remedy = "Separate the names by commas and close the braces, such as {MCC, CC}"
        return self._say(f"{what} in the braces, found {self._written(self.found)}", remedy)

    def _in_count(self) -> RuleTextError | None:
        """Inside length( ) and right after it."""
        if self.kind == "RPAR" and "COMPARISON" in self.expected:
            return self._say(f"no comparison follows length( ), found {self._written(self.found)}", COUNT_FORM)
        opened = next((k for k, token in enumerate(self.before) if self.open and token is self.open[-1]), 0)
        if self.kind != "LENGTH" and not (opened and self.before[opened - 1].type == "LENGTH"):
            return None
        missing = {"LENGTH": "( is missing after length", "LPAR": "a set is missing in length( )"}.get(self.kind)
        missing = missing or ("the fields are missing after ∩" if self.kind == "CAP" else "")
        missing = missing or ("∩ is missing in length( )" if "CAP" in self.expected else ") is missing after length(")
        return self._say(f"{missing}, found {self._written(self.found)}", COUNT_FORM)

    def _after_all(self) -> RuleTextError:
        """After a finished condition."""
        if self.found is None and self.open:
            start = (self.open[-1].start_pos or 0) + 1
            return self._say(f"the bracket ( at character {start} is never closed", "Write ) where it ends")
        if self._is("RBRACE") and self.open:
            return self._say(f"{self._written(self.found)} closes no brace", "Write ) where a bracket ends")
        if self._is("RPAR", "RBRACE"):
            return self._say(f"{self._written(self.found)} closes nothing", "Remove it, or open it further left")
        return self._say(f"{self._written(self.found)} follows a finished condition", "Join the two with `and` or `or`")
