"""model.toml of a cost model folder: period, table files, methods and policies."""

from __future__ import annotations

import datetime
import math
from collections.abc import Sequence
from dataclasses import fields, replace
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from drgengine.costing.bilingual import listed, phrase, sentences, translated
from drgengine.costing.intake.vocabulary import TableWords, basis_of, shown_choices, tables
from drgengine.costing.model import (
    CATEGORIES,
    AllocationSettings,
    CaseSettings,
    ItemSettings,
    PaymentSettings,
    Policies,
    Settings,
    WeightSettings,
)
from drgengine.errors import CostingError, DrgEngineError, InputFileError
from drgengine.formats.source import check_input
from drgengine.tomltable import Table, read_toml

MODEL_FILE = "model.toml"
FILES_SEPARATOR = "; "
"""Between the files of one table in `Settings.tables`."""
YUAN_PER_UNIT = {"yuan": 1.0, "ten_thousand_yuan": 10_000.0}

_SECTIONS = {
    "allocation": AllocationSettings,
    "items": ItemSettings,
    "cases": CaseSettings,
    "weights": WeightSettings,
    "payment": PaymentSettings,
    "policies": Policies,
}
_QUANTILES = (
    "inverted_cdf",
    "averaged_inverted_cdf",
    "closest_observation",
    "interpolated_inverted_cdf",
    "hazen",
    "weibull",
    "linear",
    "median_unbiased",
    "normal_unbiased",
    "lower",
    "higher",
    "midpoint",
    "nearest",
)
_TINY = math.ulp(0.0)
# Smallest and largest value of numbers, both allowed.
_RANGES: dict[str, tuple[float, float]] = {
    "items.effective_minutes": (1.0, 1e7),
    "cases.disease_characters": (1, 20),
    "cases.mixed_variable_share": (0.0, 1.0),
    "weights.multiplier": (_TINY, 100.0),
    "weights.low_multiple": (0.0, 1.0),
    "weights.high_multiple": (1.0, 1000.0),
    "weights.low_percentile": (0.0, 50.0),
    "weights.high_percentile": (50.0, 100.0),
    "weights.shrink_cases": (0.0, 1e6),
    "weights.confidence": (0.5, 0.9999),
    "payment.rate": (_TINY, 1e7),
    "payment.coefficient": (_TINY, 100.0),
}


class _Keys(Table):
    """A table of model.toml; places of its keys are told in both languages."""

    def at(self, key: str) -> str:
        return phrase("key", place=self.place, key=key)


def read_settings(folder: str | Path) -> Settings:
    """What model.toml of a model folder says (模型设置); every key but name, period and tables has a default.

    `ledger_total` is returned in yuan whatever the unit. A table may be a list of files, which `table_files` gives.
    Raises CostingError with every mistake at once: unknown key, wrong type, unknown choice, number out of range, end
    before start, missing table file.
    """
    settings, problems = collect_settings(Path(folder))
    if problems or settings is None:
        raise joined(problems, str(Path(folder) / MODEL_FILE))
    return settings


def joined(problems: Sequence[DrgEngineError], place: str, most: int = 20) -> CostingError:
    """One error that tells several (first 20 and how many more)."""
    if len(problems) == 1:
        return CostingError(problems[0].place, problems[0].problem, problems[0].remedy)
    lines = [f"\n  {problem}" for problem in problems[:most]]
    if len(problems) > most:
        lines.append(f"\n  and {len(problems) - most} more.")
    return CostingError(place, f"{len(problems)} problems" + "".join(lines) + "\n", "Mend them and try again")


def table_files(settings: Settings, folder: Path, table: str) -> list[tuple[Path, str]]:
    """Files of a table: (path, name as model.toml calls it); empty when the model has no such table."""
    named = settings.tables.get(table, "")
    return [(folder / name, name) for name in named.split(FILES_SEPARATOR) if name]


def collect_settings(folder: Path) -> tuple[Settings | None, list[DrgEngineError]]:
    """Settings and every mistake found; None when model.toml cannot be read at all or lacks what nothing replaces."""
    problems: list[DrgEngineError] = []
    path = folder / MODEL_FILE
    missing = "Name a folder that holds it, or write one with: drgengine cost new FOLDER"
    try:
        head = _Keys(str(path), read_toml(path, CostingError, missing), CostingError, problems)
    except CostingError as error:
        return None, [error]
    model = _sub(head, "model", required=True)
    name = model.take("name", str)
    hospital = model.take("hospital", str, "")
    unit: Any = model.choice("amount_unit", tuple(YUAN_PER_UNIT), "yuan")
    total = model.take("ledger_total", float, None)
    model.done()
    start, end = _period(_sub(head, "period", required=True))
    files = _files(_sub(head, "tables", required=True), folder)
    sections = {section: _section(_sub(head, section), kind) for section, kind in _SECTIONS.items()}
    head.done()
    if total is not None:
        total = round(total * YUAN_PER_UNIT[unit], 2)
    if name is None or start is None or end is None:
        return None, problems
    settings = Settings(name, hospital or "", start, end, files, unit, total, **sections)
    _check_together(settings, str(path), head)
    fallback = tuple(basis_of(basis) or basis for basis in settings.policies.fallback)
    return replace(settings, policies=replace(settings.policies, fallback=fallback)), problems


def _sub(head: Table, key: str, required: bool = False) -> Table:
    values = head.take(key, dict) if required else head.take(key, dict, {})
    return _Keys(f"{head.place} [{key}]", {} if values is None else values, CostingError, head.problems)


def _period(table: Table) -> tuple[datetime.date | None, datetime.date | None]:
    start, end = _day(table, "start"), _day(table, "end")
    table.done()
    if start and end and end < start:
        table.report(table.at("end"), *sentences("model.end_before_start", start=start, end=end))
    return start, end


def _day(table: Table, key: str) -> datetime.date | None:
    value = table.values.get(key)
    if not isinstance(value, str):
        return table.take(key, datetime.date)
    table.taken.append(key)
    table.report(table.at(key), *sentences("model.quoted_date", value=value))
    return None


def _files(table: Table, folder: Path) -> dict[str, str]:
    """Table name -> its file, or its files with FILES_SEPARATOR between; only files that are there."""
    known = tables()
    found: dict[str, str] = {}
    for name in known:
        if name not in table.values:
            if known[name].required and not get_close_matches(name, set(table.values) - set(known), n=1):
                table.report(table.place, *sentences("model.missing_table", name=name, table=known[name].label))
            continue
        named = _names(table, known[name])
        there = [file for file in named if _is_there(table, name, folder, file, known[name].streamed)]
        if there:
            found[name] = FILES_SEPARATOR.join(there)
    table.done(others=list(known))
    return found


def _names(table: Table, words: TableWords) -> list[str]:
    value = table.values[words.name]
    names = value if isinstance(value, list) else [value]
    if not names or not all(isinstance(name, str) and name.strip() for name in names):
        table.report(table.at(words.name), *sentences("model.no_file", value=value))
        return []
    if len(set(names)) < len(names):
        table.report(table.at(words.name), *sentences("model.file_twice", value=value))
        return []
    if words.streamed and len(names) > 1:
        table.report(table.at(words.name), *sentences("model.several_files", n=len(names)))
        return []
    return names


def _is_there(table: Table, name: str, folder: Path, file: str, streamed: bool) -> bool:
    place = table.at(name)
    if FILES_SEPARATOR.strip() in file:
        table.report(place, *sentences("model.semicolon", file=file))
        return False
    path = folder / file
    if streamed and path.is_dir():
        return True
    try:
        check_input(path)
    except InputFileError as error:
        problem = phrase("file_problem", file=file, problem=translated(error.problem))
        table.report(place, problem, error.remedy)
        return False
    return True


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _section(table: Table, kind: type) -> Any:
    """A dataclass of settings from its table; a wrong value leaves the default."""
    empty = kind()
    values: dict[str, Any] = {}
    for entry in fields(kind):
        values[entry.name] = _value(table, entry.name, _hints(kind)[entry.name], getattr(empty, entry.name))
    table.done()
    return replace(empty, **values)


def _value(table: Table, key: str, kind: Any, default: Any) -> Any:
    if get_origin(kind) is Literal:
        return table.choice(key, get_args(kind), default)
    if get_origin(kind) is tuple:
        return _texts(table, key, get_args(kind)[0], default)
    if get_origin(kind) is dict:
        return _basis(table, key, default)
    if kind in (bool, str, int):
        return _in_range(table, key, table.take(key, kind, default), default)
    return _in_range(table, key, table.take(key, float, default), default)


def _in_range(table: Table, key: str, value: Any, default: Any) -> Any:
    section = table.place.rpartition("[")[2].rstrip("]")
    low, high = _RANGES.get(f"{section}.{key}", (-math.inf, math.inf))
    if isinstance(value, float | int) and not isinstance(value, bool) and not low <= value <= high:
        if low > _TINY or low == 0:
            table.report(table.at(key), *sentences("model.out_of_range", value=value, low=low, high=high))
        else:
            table.report(table.at(key), *sentences("model.not_positive", value=value, high=high))
        return default
    return value


def _texts(table: Table, key: str, kind: Any, default: tuple[str, ...]) -> tuple[str, ...]:
    values = table.take(key, list, list(default))
    choices = get_args(kind) if get_origin(kind) is Literal else None
    for value in values:
        if not isinstance(value, str):
            table.report(table.at(key), *sentences("model.no_text", value=value))
            return default
        if choices and value not in choices:
            near = get_close_matches(value, choices, n=1)
            hint = phrase("did_you_mean", near=near[0]) if near else ""
            known = listed(choices, len(choices))
            table.report(table.at(key), *sentences("model.unknown_choice", value=value, hint=hint, choices=known))
            return default
    twice = [value for value in dict.fromkeys(values) if values.count(value) > 1]
    if twice:
        table.report(table.at(key), *sentences("model.twice", value=twice[0]))
        return default
    return tuple(values)


def _basis(table: Table, key: str, default: dict[str, str]) -> dict[str, str]:
    """`[allocation.basis]`: category -> driver, what is not named stays."""
    given = _Keys(f"{table.place[:-1]}.{key}]", table.take(key, dict, {}), CostingError, table.problems)
    found = dict(default)
    for category in CATEGORIES[:-1]:
        text = given.take(category, str, default[category])
        basis = basis_of(text)
        if basis is None:
            given.report(
                given.at(category), *sentences("model.unknown_driver", value=text, choices=shown_choices("basis"))
            )
        else:
            found[category] = basis
    given.done()
    return found


def _check_together(settings: Settings, path: str, head: Table) -> None:
    """What no key alone can show."""
    weights, cases, policies = settings.weights, settings.cases, settings.policies

    def report(section: str, key: str, said: tuple[str, str]) -> None:
        head.report(phrase("key", place=f"{path} [{section}]", key=key), *said)

    if not cases.methods:
        report("cases", "methods", sentences("model.no_method"))
    elif cases.main not in cases.methods:
        report("cases", "main", sentences("model.main_method", main=cases.main, methods=listed(cases.methods)))
    if weights.quantile not in _QUANTILES:
        near = get_close_matches(weights.quantile, _QUANTILES, n=1)
        hint = phrase("did_you_mean", near=near[0]) if near else ""
        known = listed(_QUANTILES, len(_QUANTILES))
        report("weights", "quantile", sentences("model.quantile", value=weights.quantile, hint=hint, choices=known))
    if policies.unknown_department == "suspense" and not policies.suspense_department:
        report("policies", "suspense_department", sentences("model.no_suspense"))
    if settings.payment.weights == "table" and "weights" not in head.values.get("tables", {}):
        report("payment", "weights", sentences("model.no_weights"))
    for basis in policies.fallback:
        if basis_of(basis) is None:
            said = sentences("model.unknown_driver", value=basis, choices=shown_choices("basis"))
            report("policies", "fallback", said)
