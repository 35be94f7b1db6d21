"""What a decision is made by: formula, cap, amount, source, from data/evaluation/decisions.toml and the plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import Any

from drgengine.errors import EvaluationError
from drgengine.evaluation.indicators.documents import AGAIN, DATA, check_source, cite
from drgengine.evaluation.indicators.entries import texts
from drgengine.evaluation.indicators.formula import Formula, read_formula
from drgengine.tomltable import Table, read_toml

UNCERTAIN = ("neutral", "none", "keep", "scored")
Quantity = float | Formula | None


@dataclass(frozen=True, slots=True)
class Rule:
    """How one kind of decision is made (结果应用规则).

    formula : of the factor   amount : of the amount, over the same quantities, `factor` and `base`
    base, low, high, veto_high, neutral : numbers or formulas, None = none   total : to be shared out, NaN = no
    uncertain : what a hospital gets that is excluded or not separable: neutral, none, keep, or scored (what the formula
        gives whoever has a score, separable or not)
    quantities : numbers of its own for the formulas   lines : policy lines it answers
    """

    kind: str
    zh: str
    en: str
    unit: str
    formula: Formula
    amount: Formula
    base: Quantity
    total: float
    low: Quantity
    high: Quantity
    veto_high: Quantity
    neutral: Quantity
    uncertain: str
    pool: bool
    quantities: Mapping[str, float]
    lines: tuple[str, ...]
    source: tuple[str, ...]

    def cited(self, language: str = "en") -> str:
        """Source in words, after the policy lines."""
        lines = ", ".join(self.lines)
        return f"{lines}: {cite(self.source, language)}" if lines else cite(self.source, language)

    @property
    def formulas(self) -> tuple[Formula, ...]:
        """Every formula of the rule."""
        optional = (self.base, self.low, self.high, self.veto_high, self.neutral)
        return (self.formula, self.amount, *(one for one in optional if isinstance(one, Formula)))


@cache
def _shipped() -> Mapping[str, Any]:
    return read_toml(DATA / "decisions.toml", EvaluationError, AGAIN)


def decision_kinds() -> tuple[str, ...]:
    """The kinds of decision that are shipped.

    >>> decision_kinds()
    ('budget', 'director', 'wage', 'subsidy', 'posts', 'quota')
    """
    return tuple(_shipped())


def read_rules(settings: Mapping[str, Mapping[str, Any]] | None = None) -> tuple[Rule, ...]:
    """The rules of all kinds, shipped ones with what a plan replaces in them, and kinds of the plan's own.

    settings : `[decisions]` of a plan: kind -> keys as in data/evaluation/decisions.toml. A kind of its own needs zh,
        en, unit, formula and source
    Raises EvaluationError with kind, key, value and remedy.

    >>> rules = {rule.kind: rule for rule in read_rules({"budget": {"high": 1.1}, "wage": {"enabled": False}})}
    >>> rules["budget"].high, rules["budget"].low, "wage" in rules
    (1.1, 0.95, False)
    """
    given = settings or {}
    rules = []
    for kind in dict.fromkeys((*_shipped(), *given)):
        if kind not in _shipped() and not {"formula", "zh", "en"} & set(given[kind]):
            near = get_close_matches(kind, _shipped(), n=1)
            remedy = f"Did you mean {near[0]}?" if near else "A kind of your own needs zh, en, unit, formula and source"
            raise EvaluationError(f"[decisions.{kind}]", f"no decision is called {kind!r}", remedy)
        values = _merged(kind, given.get(kind, {}))
        if values.pop("enabled", True):
            rules.append(_rule(kind, values))
    return tuple(rules)


def _merged(kind: str, given: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        raise EvaluationError(f"[decisions.{kind}]", f"expected a table, found {given!r}", "Write it as a table")
    shipped = _shipped().get(kind, {})
    numbers = {**shipped.get("quantities", {}), **_table(given.get("quantities", {}), kind)}
    return {**shipped, **given, "quantities": numbers}


def _table(values: Any, kind: str) -> Mapping[str, Any]:
    if not isinstance(values, Mapping):
        problem = f"{values!r} is no table"
        raise EvaluationError(f"[decisions.{kind}], key 'quantities'", problem, "Write quantities = { name = 1.0 }")
    return values


def _rule(kind: str, values: dict[str, Any]) -> Rule:
    table = Table(f"[decisions.{kind}]", values, EvaluationError)
    inner = Table(f"[decisions.{kind}.quantities]", values["quantities"], EvaluationError)
    quantities = {name: float(inner.take(name, float)) for name in inner.values}
    table.take("quantities", dict)
    total = table.take("total", float, float("nan"))
    if total <= 0:
        raise EvaluationError(table.at("total"), f"{total} cannot be shared out", "Give a total above 0")
    rule = Rule(
        kind=kind,
        zh=table.take("zh", str),
        en=table.take("en", str),
        unit=table.take("unit", str),
        formula=read_formula(table.take("formula", str), table.at("formula")),
        amount=read_formula(table.take("amount", str, "factor"), table.at("amount")),
        base=_quantity(table, "base"),
        total=float(total),
        low=_quantity(table, "low"),
        high=_quantity(table, "high"),
        veto_high=_quantity(table, "veto_high"),
        neutral=_quantity(table, "neutral"),
        uncertain=table.choice("uncertain", UNCERTAIN, "none"),
        pool=table.take("pool", bool, False) or total == total,
        quantities=quantities,
        lines=texts(table, "lines"),
        source=check_source(table.take("source", list), table.at("source")),
    )
    table.done(("enabled",))
    _check(rule, table)
    return rule


def _quantity(table: Table, key: str) -> Quantity:
    """A number, or a formula over quantities; "" and absence are none."""
    value = table.values.get(key)
    if value is None or value == "":
        table.taken.append(key)
        return None
    if isinstance(value, str):
        return read_formula(table.take(key, str), table.at(key))
    return float(table.take(key, float))


def _check(rule: Rule, table: Table) -> None:
    if isinstance(rule.low, float) and isinstance(rule.high, float) and rule.low > rule.high:
        raise EvaluationError(table.place, f"low {rule.low:g} lies above high {rule.high:g}", "Exchange them")
    if rule.uncertain == "neutral" and rule.neutral is None:
        problem = "uncertain is neutral, and neutral is not given"
        raise EvaluationError(table.place, problem, "Say neutral = 1.0, or uncertain = none, keep or scored")
    if rule.pool and rule.base is None:
        problem = "factors are pooled by the base, and no base is named"
        raise EvaluationError(table.at("base"), problem, "Name the quantity the amounts start from")
