"""The words of the workbook's rule language, the error of its texts, and what every part of it needs."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from functools import lru_cache
from types import MappingProxyType

from drgengine.grouper.expression import ExpressionError

VARIABLES: Mapping[str, str] = MappingProxyType(
    {"NL": "age_years", "XB": "sex", "XSRTL": "age_days", "XSRTZ": "admission_weight_g"}
)
"""Variable of the workbook -> numeric fact of a case."""

FIELDS = {"ZYZD": "pdx", "QTZD": "sdx", "ZYSS": "first_proc", "QTSS": "other_proc"}
SCOPES = {
    frozenset({"pdx"}): "pdx",
    frozenset({"sdx"}): "sdx",
    frozenset({"pdx", "sdx"}): "any_dx",
    frozenset({"first_proc"}): "first_proc",
    frozenset({"other_proc"}): "other_proc",
    frozenset({"first_proc", "other_proc"}): "any_proc",
}
SCOPE_TEXT = {scope: field for field, scope in FIELDS.items()} | {
    "any_dx": "{ZYZD, QTZD}",
    "any_proc": "{ZYSS, QTSS}",
}
LEVELS = {"MCC": "mcc", "CC": "cc"}
LEVEL_TEXT = {level: name for name, level in LEVELS.items()}
_KIND = re.compile(r"(DI|OP)[0-9]*_")


class RuleTextError(ExpressionError):
    """A rule text of a workbook that cannot be read, or a condition that its language cannot say.

    position : character of the text as given, from 1 (one past the last sign where something is missing at the end)
    """


@lru_cache(maxsize=4096)
def _folded(sign: str) -> str:
    """One sign, half-width and in upper case where that is one sign again."""
    plain = unicodedata.normalize("NFKC", sign)
    plain = plain if len(plain) == 1 else sign
    upper = plain.upper()
    return {"≧": "≥", "≦": "≤", "⋂": "∩"}.get(plain, upper if len(upper) == 1 else plain)


def fold(text: str) -> str:
    """The text sign by sign half-width and in upper case; as long as before, so that no position moves."""
    return text.upper() if text.isascii() else "".join(map(_folded, text))


def shown(text: str) -> str:
    """A piece of a rule in quotes, cut where it is long."""
    return repr(str(text) if len(text) <= 40 else text[:40] + "...")


def wrong_set(scope: str, name: str, variables: Collection[str]) -> str:
    """Why a name cannot be the set that a scope is looked up in; "" if it can."""
    if name in FIELDS or name in variables:
        return f"{name} is a variable, no set"
    kind = _KIND.match(name)
    if kind and (kind[1] == "OP") != ("proc" in scope):
        what = "procedures" if kind[1] == "OP" else "diagnoses"
        return f"{shown(name)} is a set of {what}, {SCOPE_TEXT[scope]} holds none"
    return ""


def unknown(name: str, variables: Iterable[str]) -> tuple[str, str]:
    """Problem and remedy of a name that is no variable."""
    known = [*FIELDS, *variables]
    near = get_close_matches(name[:40], known, n=1, cutoff=0.5)
    remedy = f"Did you mean {near[0]!r}?" if near else f"Known variables: {', '.join(known)}"
    if name in LEVELS:
        remedy = f"Write QTZD in {name}"
    elif _KIND.match(name):
        remedy = "A set stands to the right of `in`, as in ZYZD in DI_X, or first in length( )"
    return f"{shown(name)} is no variable", remedy
