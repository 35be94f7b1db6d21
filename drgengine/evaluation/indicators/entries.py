"""What an indicator (指标) and an input (数据项) are, and the tables of a file they are read from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from drgengine.errors import EvaluationError
from drgengine.evaluation.indicators.documents import check_source, cite
from drgengine.evaluation.indicators.formula import Formula, read_formula
from drgengine.tomltable import Table

DIRECTIONS = ("up", "down", "target", "monitor")
KINDS = ("flow", "stock", "level")
UNITS_OF = ("hospital", "department", "physician", "region", "any")
TABLES = {
    "front_page": ("病案首页", "front pages of discharges"),
    "case_mix": ("病例组合结果", "result of casemix() or readmissions()"),
    "ledger": ("财务账", "ledger and annual accounts"),
    "costing": ("成本核算结果", "result of cost accounting"),
    "personnel": ("人事", "personnel register"),
    "beds": ("床位", "bed and ward register"),
    "outpatient": ("门急诊", "outpatient register"),
    "pharmacy": ("药学", "pharmacy and prescriptions"),
    "quality": ("质控", "quality, infection and equipment registers"),
    "insurer": ("医保", "insurer"),
    "region": ("区域统计", "regional statistics"),
    "setting": ("参数", "a setting of the plan"),
}


@dataclass(frozen=True, slots=True)
class Input:
    """A named quantity that formulas use (数据项).

    table : where it comes from, a key of TABLES
    kind : over several periods a flow (流量) adds up, a stock (存量) is averaged, a level (水平, a ratio or index)
        cannot be rolled up and has to be computed for the longer period
    signed : may be below 0
    """

    name: str
    zh: str
    en: str
    unit: str
    table: str
    kind: str
    signed: bool


@dataclass(frozen=True, slots=True)
class Indicator:
    """An indicator of the catalogue (指标).

    formula : over inputs; None for an evidence slot (佐证项), whose value is given with source and date
    unit : of the value; direction : up (higher is better), down, target (a value is best), monitor (监测, not scored)
    of : what it describes: hospital, department, physician, region, any
    lines, national : policy lines (A01, B13, ...) and numbers of the national appraisal (T3, S5, ...) it answers
    bounds : values outside are none, and remarked   beside : indicators to be shown with it, lest it be misread
    source : citations, see documents.cite   note : convention or caveat
    """

    id: str
    zh: str
    en: str
    formula: Formula | None
    unit: str
    direction: str
    of: str
    lines: tuple[str, ...]
    national: tuple[str, ...]
    bounds: tuple[float, float] | None
    beside: tuple[str, ...]
    source: tuple[str, ...]
    note: str

    @property
    def evidence(self) -> bool:
        """Whether it can only be given with evidence."""
        return self.formula is None

    def cited(self, language: str = "en") -> str:
        """The source in words."""
        return cite(self.source, language)


def read_input(name: str, values: object, file: str) -> Input:
    """One table [input.NAME] of a file. Raises EvaluationError with file and key."""
    table = Table(f"{file} [input.{name}]", values, EvaluationError)
    if not name.isidentifier():
        raise EvaluationError(table.place, "a formula cannot name it", "Use letters, digits and _, no digit in front")
    found = Input(
        name,
        table.take("zh", str),
        table.take("en", str),
        table.take("unit", str),
        table.choice("table", tuple(TABLES)),
        table.choice("kind", KINDS, "flow"),
        table.take("signed", bool, False),
    )
    table.done()
    return found


def read_indicator(name: str, values: object, file: str, inputs: Mapping[str, Input], of: str) -> Indicator:
    """One table [indicator.ID] of a file. `of` : the default of key `of`. Raises EvaluationError with file and key."""
    table = Table(f"{file} [indicator.{name}]", values, EvaluationError)
    zh, en = table.take("zh", str), table.take("en", str)
    text = table.take("formula", str, "")
    evidence = table.take("evidence", bool, False)
    if bool(text) == evidence:
        problem = "it has a formula and is an evidence slot" if text else "it has no formula"
        raise EvaluationError(table.place, problem, "Give formula = ..., or evidence = true for a value with evidence")
    formula = read_formula(text, table.at("formula")) if text else None
    _check_names(formula, inputs, table)
    found = Indicator(
        name,
        zh,
        en,
        formula,
        table.take("unit", str),
        table.choice("direction", DIRECTIONS),
        table.choice("of", UNITS_OF, of),
        texts(table, "lines"),
        texts(table, "national"),
        _bounds(table),
        texts(table, "beside"),
        check_source(table.take("source", list), table.at("source")),
        table.take("note", str, ""),
    )
    table.done()
    return found


def texts(table: Table, key: str) -> tuple[str, ...]:
    """A list of texts, empty when the key is absent."""
    values: list[Any] = table.take(key, list, [])
    wrong = next((value for value in values if not isinstance(value, str)), None)
    if wrong is not None:
        raise EvaluationError(table.at(key), f"{wrong!r} is not a text", 'Write a list of texts such as ["A01"]')
    return tuple(values)


def _bounds(table: Table) -> tuple[float, float] | None:
    values: list[Any] = table.take("bounds", list, [])
    if not values:
        return None
    numbers = [value for value in values if isinstance(value, (int, float)) and not isinstance(value, bool)]
    if len(values) != 2 or len(numbers) != 2 or not numbers[0] < numbers[1]:
        raise EvaluationError(table.at("bounds"), f"{values!r} is no range", "Write [low, high]")
    return float(numbers[0]), float(numbers[1])


def _check_names(formula: Formula | None, inputs: Mapping[str, Input], table: Table) -> None:
    from difflib import get_close_matches

    for name in () if formula is None else formula.names:
        if name not in inputs:
            near = get_close_matches(name, inputs, n=1)
            remedy = f"Did you mean {near[0]}?" if near else f"Describe it as [input.{name}]"
            raise EvaluationError(table.at("formula"), f"no input is called {name!r}", remedy)
