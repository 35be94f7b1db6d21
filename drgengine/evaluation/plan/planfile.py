"""plan.toml (评价方案): read with every mistake reported at once."""

from __future__ import annotations

import datetime
import os
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

from drgengine.errors import DrgEngineError, EvaluationError
from drgengine.evaluation.plan.keywords import SECTIONS
from drgengine.evaluation.plan.namecheck import check_names
from drgengine.evaluation.plan.planerror import plan_error
from drgengine.evaluation.plan.sectionvalues import paths, section
from drgengine.evaluation.plan.settings import ClassSettings, Language, Period, Plan, ScoreSettings
from drgengine.evaluation.scoring import Veto, read_vetoes
from drgengine.tomltable import Table, read_toml

PLAN_FILE = "plan.toml"
_NEW = "Check the path, or write a new plan with: drgengine evaluate new FOLDER"

CLASS_COLUMNS = ("hospital_id", "name", "name_en", "peer_group")
"""Names that stand beside the classes in the tables."""


def load_plan(path: str | os.PathLike[str]) -> Plan:
    """Read an evaluation plan (评价方案) and check it.

    path : plan.toml, or the folder it lies in; its files are looked for beside it, patterns such as "cases_*.parquet"
        are expanded and sorted
    Raises PlanError with every mistake at once, each with file, key, value, why and remedy: unknown keys and names,
    wrong kinds, numbers outside their limits, dates in the wrong order, files that are not there, shares that do not
    add up to 1. The tables themselves are read by the evaluation, and by check_plan.
    """
    plan, problems = collect_plan(path)
    if problems or plan is None:
        raise plan_error(str(plan_path(path)), problems)
    return plan


def plan_path(path: str | os.PathLike[str]) -> Path:
    """The file of a plan that is named by itself or by its folder."""
    named = Path(path)
    return named / PLAN_FILE if named.is_dir() else named


def collect_plan(path: str | os.PathLike[str]) -> tuple[Plan | None, list[DrgEngineError]]:
    """The plan and every mistake in it; None where what nothing replaces is missing."""
    file = plan_path(path).resolve()
    problems: list[DrgEngineError] = []
    try:
        head = Table(str(file), read_toml(file, EvaluationError, _NEW), EvaluationError, problems)
    except EvaluationError as error:
        return None, [error]
    folder = file.parent
    title = _text(head, "title", file.parent.name)
    region = _text(head, "region", "区域")
    title_en, region_en = head.take("title_en", str, "").strip(), head.take("region_en", str, "").strip()
    units = _units(head, folder)
    language: Any = head.choice("language", get_args(Language), "zh")
    columns = _texts(head, "peer_columns", ("level", "type"))
    catalogue = paths(head, "catalogue", folder)
    books = head.take("books", bool, True)
    periods = _periods(_sub(head, "period"), folder)
    chosen = _chosen(head, periods)
    settings = {field: _section(_sub(head, name), name, kind, folder) for name, (field, kind) in SECTIONS.items()}
    decisions = _decisions(_sub(head, "decisions"))
    head.done()
    if units is None or chosen is None:
        return None, problems
    current, previous, base = chosen
    plan = Plan(
        path=file,
        title=title,
        region=region,
        units=units,
        periods=periods,
        current=current,
        previous=previous,
        base=base,
        language=language,
        peer_columns=columns,
        catalogue=catalogue,
        decisions=decisions,
        books=books,
        title_en=title_en,
        region_en=region_en,
        files=(),
        **settings,
    )
    _check_classes(plan, head)
    check_names(plan, head)
    return _with_files(plan), problems


def _with_files(plan: Plan) -> Plan:
    from dataclasses import replace

    named: list[Path] = [plan.path, plan.units, *plan.catalogue]
    for one in plan.periods.values():
        named += [*one.cases, *one.statistics, *one.inputs, *one.costs]
        named += [path for path in (one.region, one.evidence) if path is not None]
    named += [path for path in (plan.mix.weights, plan.scores.tree_file, plan.scores.anchors) if path is not None]
    named += list(plan.targets.files)
    if plan.targets.plan is not None and plan.targets.plan.endswith(".toml"):
        named.append(Path(plan.targets.plan))
    return replace(plan, files=tuple(dict.fromkeys(named)))


def _sub(head: Table, key: str) -> Table:
    values = head.take(key, dict, {})
    return Table(f"{head.place} [{key}]", values, EvaluationError, head.problems)


def _text(head: Table, key: str, default: str) -> str:
    found = head.take(key, str, default)
    if found.strip():
        return found
    head.report(head.at(key), "the text is empty", "Write it, or remove the key")
    return default


def _texts(head: Table, key: str, default: tuple[str, ...]) -> tuple[str, ...]:
    found = head.take(key, list, list(default))
    wrong = next((one for one in found if not isinstance(one, str) or not one.strip()), None)
    if wrong is None:
        return tuple(dict.fromkeys(found))
    head.report(head.at(key), f"{wrong!r} is no name", 'Write a list of texts such as ["level", "type"]')
    return default


def _units(head: Table, folder: Path) -> Path | None:
    if "units" not in head.values:
        head.take("units", str)
        return None
    found = paths(head, "units", folder, several=False)
    if len(found) > 1:
        head.report(head.at("units"), f"{len(found)} files fit the pattern", "Name one table of hospitals")
    return found[0] if found else None


def _periods(head: Table, folder: Path) -> dict[str, Period]:
    found = {}
    for name, values in head.values.items():
        head.taken.append(name)
        place = f"{head.place[:-1]}.{name}]"
        table = Table(place, values, EvaluationError, head.problems)
        start, end = _day(table, "start"), _day(table, "end")
        one = Period(
            id=name,
            start=start or datetime.date.min,
            end=end or datetime.date.max,
            cases=paths(table, "cases", folder, folders=True),
            statistics=paths(table, "statistics", folder),
            inputs=paths(table, "inputs", folder),
            region=_single(table, "region", folder),
            evidence=_single(table, "evidence", folder),
            costs=paths(table, "costs", folder, folders=True),
        )
        table.done()
        _check_period(table, one, start is not None and end is not None)
        found[name] = one
    if not found:
        head.report(head.place, "there is no period", "Add a table such as [period.2025] with start, end and cases")
    return found


def _single(table: Table, key: str, folder: Path) -> Path | None:
    found = paths(table, key, folder, several=False)
    if len(found) > 1:
        table.report(table.at(key), f"{len(found)} files fit the pattern", "Name one")
    return found[0] if found else None


def _day(table: Table, key: str) -> datetime.date | None:
    given = table.values.get(key)
    if isinstance(given, str):
        table.taken.append(key)
        table.report(table.at(key), f"the date {given!r} stands in quotation marks", f"Write {key} = 2025-01-01")
        return None
    return table.take(key, datetime.date)


def _check_period(table: Table, one: Period, dated: bool) -> None:
    if dated and one.end < one.start:
        table.report(table.at("end"), f"{one.end} is before the start {one.start}", "Put the dates in order")
    if one.cases and one.statistics and "statistics" in table.values:
        table.report(table.at("statistics"), "there are cases too", "Give cases or statistics, not both")
    if "cases" not in table.values and "statistics" not in table.values:
        table.report(table.place, "there are neither cases nor statistics", "Add cases = [...] or statistics = [...]")
    for key in ("cases", "statistics"):
        if table.values.get(key) == []:
            table.report(table.at(key), "the list is empty", "Name a file, or leave the key out")
    if one.costs and not one.cases:
        table.report(table.at("costs"), "costs are joined to cases, and there are none", "Add cases, or remove costs")


def _chosen(head: Table, periods: Mapping[str, Period]) -> tuple[str, str | None, str] | None:
    current = _period_name(head, "current", periods, required=True)
    previous = _period_name(head, "previous", periods)
    base = _period_name(head, "base", periods)
    if current is None:
        return None
    if previous is not None:
        if previous == current:
            head.report(
                head.at("previous"), f"{previous!r} is the current period", "Name an earlier one or leave it out"
            )
        elif _dated(periods[previous]) and _dated(periods[current]) and periods[previous].end >= periods[current].start:
            problem = f"it ends {periods[previous].end}, after the current one begins ({periods[current].start})"
            head.report(head.at("previous"), problem, "Name an earlier period, or mend the dates")
    return current, previous, base or previous or current


def _dated(one: Period) -> bool:
    """Whether both dates could be read; what was wrong with them is reported already."""
    return one.start != datetime.date.min and one.end != datetime.date.max


def _period_name(head: Table, key: str, periods: Mapping[str, Period], required: bool = False) -> str | None:
    found = head.take(key, str) if required else head.take(key, str, None)
    if found is None or found in periods:
        return found
    near = get_close_matches(found, periods, n=1)
    known = f"Did you mean {near[0]!r}?" if near else f"Periods: {', '.join(periods) or 'none'}"
    head.report(head.at(key), f"there is no [period.{found}]", known.rstrip("?"))
    return None


def _section(table: Table, name: str, kind: type, folder: Path) -> Any:
    skip = ("vetoes",) if kind is ScoreSettings else ("plan",) if name == "targets" else ()
    found = section(table, name, kind, folder, skip)
    if kind is ScoreSettings:
        found = _replaced(found, vetoes=_vetoes(table))
    if name == "targets":
        found = _replaced(found, plan=_plan_name(table, folder))
    table.done()
    return found


def _replaced(found: Any, **changes: Any) -> Any:
    from dataclasses import replace

    return replace(found, **changes)


def _plan_name(table: Table, folder: Path) -> str | None:
    """A shipped set by name, or a file as an absolute path."""
    found = table.take("plan", str, None)
    if found is not None and found.endswith(".toml"):
        given = paths(table, "plan", folder, several=False)
        return str(given[0]) if given else None
    return found


def _vetoes(table: Table) -> tuple[Veto, ...]:
    rules: list[Veto] = []
    for at, one in enumerate(table.take("veto", list, []), start=1):
        if not isinstance(one, dict):
            table.report(f"{table.place} veto {at}", f"{one!r} is no table", "Write [[scores.veto]] above its keys")
            continue
        try:
            rules += read_vetoes([one])
        except EvaluationError as error:
            table.report(f"{table.place} veto {at}", error.problem, error.remedy)
        except TypeError:
            table.report(f"{table.place} veto {at}", "limit is neither a number nor a text", "Give a number")
    return tuple(rules)


def _decisions(table: Table) -> dict[str, Mapping[str, Any]]:
    """Kind -> settings, which are read where decisions are made."""
    found: dict[str, Mapping[str, Any]] = {}
    for kind, values in table.values.items():
        if isinstance(values, dict):
            found[kind] = values
        else:
            table.report(table.at(kind), f"{values!r} is no table", f"Write [decisions.{kind}] above its keys")
    return found


def _check_classes(plan: Plan, head: Table) -> None:
    classes: ClassSettings = plan.classes
    place = f"{head.place} [classes]"
    if len(classes.names) != len(classes.shares):
        problem = f"{len(classes.names)} names and {len(classes.shares)} shares"
        head.report(f"{place}, key 'shares'", problem, "Give one share per class")
    elif abs(sum(classes.shares) - 1.0) > 1e-9:
        head.report(f"{place}, key 'shares'", f"they add up to {sum(classes.shares):.6g}", "Make them add up to 1")
    if len(classes.names) < 2:
        head.report(f"{place}, key 'names'", f"{len(classes.names)} class", "Name at least two, from best to worst")
    for name in classes.names:
        if not name.strip() or name in CLASS_COLUMNS:
            why = "is a column of the tables" if name.strip() else "is empty"
            head.report(f"{place}, key 'names'", f"the name {name!r} {why}", "Take another name, such as A")
    if any(share <= 0.0 for share in classes.shares):
        head.report(f"{place}, key 'shares'", f"{min(classes.shares):g} gives a class to nobody", "Give shares above 0")
    scores = plan.scores
    if not scores.bad_percentile < scores.good_percentile:
        problem = f"{scores.bad_percentile:g} is not below good_percentile {scores.good_percentile:g}"
        head.report(f"{head.place} [scores], key 'bad_percentile'", problem, "Give e.g. 10 and 90")
    low, high = scores.cap
    if not low <= 1.0 <= high:
        problem = f"{[low, high]} holds not 1, the mean weight"
        head.report(f"{head.place} [scores], key 'cap'", problem, "Write e.g. [0.5, 2.0]")
