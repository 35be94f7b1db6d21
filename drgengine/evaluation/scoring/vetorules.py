"""Veto rules (一票否决, 等级上限): a breach of one indicator caps the class, whatever the score. Rules are data."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd

from drgengine.errors import EvaluationError
from drgengine.evaluation.scoring.indicators import read_matrix

CONDITIONS = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Veto:
    """One rule: if `indicator condition limit` holds for a unit, its class is `cap` or lower.

    limit : a number, or the name of a column with a limit per unit (such as an upper funnel limit)
    source : document or decision the rule comes from
    """

    indicator: Any
    condition: str
    limit: float | str
    cap: str
    source: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Vetoed:
    """Classes after veto rules.

    classes : per unit, Series or list as it came
    applied : one row per breach: unit, indicator, value, condition, limit, cap, before, after (of all rules), source
    untested : one row per unit and rule whose value or limit is missing: unit, indicator, reason
    """

    classes: Any
    applied: pd.DataFrame
    untested: pd.DataFrame


APPLIED = ("unit", "indicator", "value", "condition", "limit", "cap", "before", "after", "source")


def read_vetoes(rules: Iterable[Veto | Mapping[str, Any]]) -> tuple[Veto, ...]:
    """Rules from mappings (tables of a TOML file), each key checked.

    Raises EvaluationError: a key not known or lacking, a condition not known, a limit that is neither number nor name.

    >>> read_vetoes([{"indicator": "low_risk_mortality", "condition": ">", "limit": 0.02, "cap": "B"}])[0].cap
    'B'
    """
    known = {field.name for field in fields(Veto)}
    read = []
    for at, given in enumerate(rules):
        place = f"veto rule {at + 1}"
        if isinstance(given, Veto):
            rule = given
        else:
            unknown = [key for key in given if key not in known]
            lacking = [key for key in ("indicator", "condition", "limit", "cap") if key not in given]
            if unknown or lacking:
                problem = f"{unknown[0]!r} is not known" if unknown else f"{lacking[0]!r} is lacking"
                raise EvaluationError(place, problem, "Give indicator, condition, limit, cap and, if you can, source")
            rule = Veto(**given)
        if rule.condition not in CONDITIONS:
            shown = f"condition {rule.condition!r} is not known"
            raise EvaluationError(place, shown, f"Take one of {' '.join(CONDITIONS)}")
        if not isinstance(rule.limit, str) and not np.isfinite(rule.limit):
            raise EvaluationError(place, f"limit {rule.limit!r} is not finite", "Give a number or the name of a column")
        read.append(rule)
    return tuple(read)


def apply_vetoes(
    classes: Any, indicators: Any, rules: Iterable[Veto | Mapping[str, Any]], order: Sequence[str] = ("A", "B", "C")
) -> Vetoed:
    """Cap classes by veto rules (一票否决).

    classes : class per unit, a Series (matched by label) or a sequence in the order of `indicators`; a unit without
        class (None, NaN) stays without
    indicators : DataFrame, units x indicators, with the columns the rules name; rules : see Veto
    order : classes from best to worst
    A missing value or limit breaks no rule but is listed in `untested`, so that a gap is never a pass unseen.
    Raises EvaluationError: classes or caps that are not in `order`, units or columns that do not fit.

    >>> table = pd.DataFrame({"low_risk_mortality": [0.01, 0.05]}, index=["H1", "H2"])
    >>> rule = Veto(indicator="low_risk_mortality", condition=">", limit=0.02, cap="B")
    >>> apply_vetoes(pd.Series({"H1": "A", "H2": "A"}), table, [rule]).classes.to_dict()
    {'H1': 'A', 'H2': 'B'}
    """
    if not isinstance(indicators, pd.DataFrame):
        raise EvaluationError("indicators", "rules name columns, and it has none", "Give a DataFrame")
    read = read_vetoes(rules)
    named = [rule.indicator for rule in read] + [rule.limit for rule in read if isinstance(rule.limit, str)]
    for name in named:
        if name not in indicators.columns:
            raise EvaluationError("veto rules", f"indicator {name!r} is not in the table", "Add the column, or drop it")
    before = _classes(classes, indicators.index, order, read)
    after = list(before)
    breaches: list[dict[str, Any]] = []
    untested: list[dict[str, Any]] = []
    for rule in read:
        for at, (unit, value, limit) in enumerate(_tested(rule, indicators)):
            if np.isnan(value) or np.isnan(limit):
                reason = "no value" if np.isnan(value) else f"no limit in {rule.limit!r}"
                untested.append({"unit": unit, "indicator": rule.indicator, "reason": reason})
            elif CONDITIONS[rule.condition](value, limit):
                breaches.append(
                    {
                        "unit": unit,
                        "indicator": rule.indicator,
                        "value": value,
                        "condition": rule.condition,
                        "limit": limit,
                        "cap": rule.cap,
                        "before": before[at],
                        "after": at,
                        "source": rule.source,
                    }
                )
                if before[at] is not None:
                    after[at] = order[max(order.index(after[at]), order.index(rule.cap))]
    for row in breaches:
        row["after"] = after[row["after"]]
    return Vetoed(
        pd.Series(after, index=indicators.index, dtype=object) if isinstance(classes, pd.Series) else after,
        pd.DataFrame(breaches, columns=APPLIED),
        pd.DataFrame(untested, columns=("unit", "indicator", "reason")),
    )


def _classes(classes: Any, units: pd.Index, order: Sequence[str], rules: Sequence[Veto]) -> list[str | None]:
    for at, rule in enumerate(rules):
        if rule.cap not in order:
            problem = f"cap {rule.cap!r} is no class"
            raise EvaluationError(f"veto rule {at + 1}", problem, f"Take one of {', '.join(order)}")
    if isinstance(classes, pd.Series):
        lacking = [unit for unit in units if unit not in classes.index]
        if lacking or len(classes) != len(units):
            problem = f"unit {lacking[0]!r} has none" if lacking else f"{len(classes)} for {len(units)} units"
            raise EvaluationError("classes", problem, "Give one per row of indicators")
        classes = classes.loc[units]
    given = [None if pd.isna(one) else one for one in classes]
    if len(given) != len(units):
        raise EvaluationError("classes", f"{len(given)} for {len(units)} units", "Give one per row of indicators")
    for unit, one in zip(units, given, strict=True):
        if one is not None and one not in order:
            raise EvaluationError("classes", f"unit {unit!r}: {one!r} is no class", f"Take one of {', '.join(order)}")
    return given


def _tested(rule: Veto, indicators: pd.DataFrame) -> list[tuple[Any, float, float]]:
    values = read_matrix(indicators[[rule.indicator]], "indicators").values[:, 0]
    if isinstance(rule.limit, str):
        limits = read_matrix(indicators[[rule.limit]], "indicators").values[:, 0]
    else:
        limits = np.full(values.size, float(rule.limit))
    return list(zip(indicators.index, values.tolist(), limits.tolist(), strict=True))
