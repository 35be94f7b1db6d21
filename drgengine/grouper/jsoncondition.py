"""The JSON conditions of interchange tables -> conditions of the rule language."""

from __future__ import annotations

import math
from typing import Any

from drgengine.cases.codes import mend_code
from drgengine.grouper.conditions import (
    NUMBERS,
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

_OPS = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "=="}
_SCOPES = {f"{scope}_in": scope for scope in ("pdx", "sdx", "any_dx", "first_proc", "other_proc", "any_proc")}
_PREFIXES = {f"{scope}_prefix": scope for scope in ("pdx", "sdx", "any_dx")}
_PLAIN: dict[str, Condition] = {
    "true": Constant(True),
    "false": Constant(False),
    "has_sdx": Has("sdx"),
    "has_proc": Has("any_proc"),
    "has_other_proc": Has("other_proc"),
    "first_proc_is_operation": InList("first_proc", "operations"),
    "any_proc_is_operation": InList("any_proc", "operations"),
    "age_days_present": Known("age_days"),
    "birth_weight_present": Known("birth_weight_g"),
    "has_mcc": Severity("mcc"),
    "has_cc": Severity("cc"),
}


class ConditionError(ValueError):
    """A JSON condition that has no meaning."""


def read_condition(tree: Any) -> Condition:
    """The condition a JSON tree states; lists keep the names of their roles, as `@role`.

    raises ConditionError saying which part has no meaning

    >>> read_condition({"all": [{"atom": "pdx_in", "list": "dx"}, {"atom": "age_days", "op": "le", "value": 28}]})
    All(parts=(InList(scope='pdx', list='@dx'), Compare(name='age_days', op='<=', value=28.0)))
    """
    if not isinstance(tree, dict):
        raise ConditionError(f"{tree!r} is no condition")
    kinds = [key for key in ("all", "any", "not", "atom") if key in tree]
    if len(kinds) > 1:
        raise ConditionError(f'"{kinds[0]}" and "{kinds[1]}" stand in one object; nest them')
    for key, joined in (("all", All), ("any", AnyOf)):
        if key in tree:
            parts = tuple(read_condition(part) for part in _list(tree[key], key))
            if not parts:
                return Constant(key == "all")
            return parts[0] if len(parts) == 1 else joined(parts)
    if "not" in tree:
        return Not(read_condition(tree["not"]))
    if "atom" not in tree:
        raise ConditionError(f"{tree!r} has none of all, any, not, atom")
    return _atom(str(tree["atom"]), tree)


def _atom(name: str, tree: dict[str, Any]) -> Condition:
    if name in _PLAIN:
        return _PLAIN[name]
    if name in _SCOPES:
        if "codes" in tree and "list" in tree:
            raise ConditionError(f'atom "{name}" has "list" and "codes"; give one of them')
        if "codes" in tree:
            codes = tuple(code for raw in _list(tree["codes"], "codes") if (code := mend_code(str(raw))[0]))
            return InCodes(_SCOPES[name], codes) if codes else Constant(False)
        return InList(_SCOPES[name], f"@{_need(tree, 'list')}")
    if name in _PREFIXES:
        return StartsWith(_PREFIXES[name], (mend_code(str(_need(tree, "prefix")))[0],))
    if name == "count":
        return _count(tree)
    if name == "proc_group_hit":
        return InList("any_proc", f"@proc/{_need(tree, 'group')}")
    if name == "sex":
        if tree.get("op", "eq") != "eq":
            raise ConditionError(f'atom "sex" knows no "op" but eq, found {tree["op"]!r}')
        return Compare("sex", "==", _number(_need(tree, "value")))
    if name == "dept":
        is_it = Department(str(_need(tree, "value")).strip())
        op = tree.get("op", "eq")
        if op not in ("eq", "ne"):
            raise ConditionError(f"dept knows the comparisons eq and ne, not {op!r}")
        return is_it if op == "eq" else Not(is_it)
    if name == "discharge_disposition_in":
        values = tuple(_number(value) for value in _list(_need(tree, "values"), "values"))
        return OneOf("discharge_disposition", values) if values else Constant(False)
    if name in NUMBERS or name == "trauma_sites":
        op = str(_need(tree, "op"))
        if op not in _OPS:
            raise ConditionError(f"comparison {op!r} is unknown; use {', '.join(_OPS)}")
        return Compare(name, _OPS[op], _number(_need(tree, "value")))
    raise ConditionError(f"atom {name!r} is unknown")


def _count(tree: dict[str, Any]) -> Condition:
    scope, op = str(_need(tree, "scope")), str(_need(tree, "op"))
    if scope not in _SCOPES.values():
        raise ConditionError(f"scope {scope!r} cannot be counted; use {', '.join(_SCOPES.values())}")
    if op not in _OPS:
        raise ConditionError(f"comparison {op!r} is unknown; use {', '.join(_OPS)}")
    return Count(scope, f"@{_need(tree, 'list')}", _OPS[op], _number(_need(tree, "value")))


def _need(tree: dict[str, Any], key: str) -> Any:
    if key not in tree:
        raise ConditionError(f"atom {tree['atom']!r} lacks {key!r}")
    return tree[key]


def _list(value: Any, key: str) -> list[Any]:
    if not isinstance(value, list):
        raise ConditionError(f"{key!r} is {value!r}, not a list")
    return value


def _number(value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise ConditionError(f"{value!r} is no number") from None
    if not math.isfinite(number):
        raise ConditionError(f"{value!r} is no number that can be compared")
    return number
