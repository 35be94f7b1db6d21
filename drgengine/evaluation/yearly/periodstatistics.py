"""Statistics of a period by hospital, department and physician, out of cases or of files of statistics (期间统计)."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from drgengine.errors import EvaluationError, InputFileError
from drgengine.evaluation.mix import UnitStatistics, load_statistics, statistics_of_table, unit_statistics
from drgengine.evaluation.mix.collect import NO_DISPOSITION
from drgengine.evaluation.mix.measures import MISSING_UNIT
from drgengine.evaluation.plan.settings import Period, Plan
from drgengine.evaluation.yearly.casescan import cases_of_period
from drgengine.evaluation.yearly.groupedparts import LEVELS, GroupedCases, grouped_cases, matched_share
from drgengine.evaluation.yearly.readtable import code, number_column, read_table, refuse_unknown

Notes = list[tuple[str, str]]


@dataclass(frozen=True, slots=True, eq=False)
class PeriodData:
    """What a period's cases or statistics gave.

    statistics : by hospital_id, and department_id, physician_id where they are known
    cases : the grouped discharges, None for statistics   notes : (zh, en)
    outside : hospital -> discharges left out, as not of the period   checks : those of the notes that need a look
    """

    statistics: UnitStatistics
    cases: GroupedCases | None
    notes: tuple[tuple[str, str], ...]
    outside: dict[str, int] = field(default_factory=dict)
    checks: tuple[tuple[str, str], ...] = ()


def period_data(period: Period, plan: Plan, hospitals: pd.Index, scratch: Path) -> PeriodData:
    """Collect the statistics of a period. Raises EvaluationError naming hospitals that are not in the plan's table."""
    notes: Notes = []
    found = None
    outside: dict[str, int] = {}
    if period.cases:
        sorted_out = cases_of_period(grouped_cases(period, plan.mix.scheme, scratch), period, scratch)
        found, outside = sorted_out.cases, sorted_out.outside
        statistics = unit_statistics(found.path, list(found.by), max_stay_days=plan.mix.max_stay_days)
        notes += _case_notes(period, plan, found)
        place = ", ".join(path.name for path in period.cases)
    else:
        parts = [_read_statistics(path, period) for path in period.statistics]
        common = [name for name in LEVELS if all(name in part.by for part in parts)]
        rolled = [part.roll_up(common) for part in parts]
        statistics = rolled[0].merge(*rolled[1:])
        zh = f"{period.id}期只有汇总统计，没有病例：再入院率和风险调整死亡率无法计算。"
        notes.append((zh, f"Period {period.id} has statistics and no cases: no readmission, no adjusted mortality."))
        place = ", ".join(path.name for path in period.statistics)
    _check_hospitals(statistics, hospitals, place)
    checks = [*_outside_checks(period, outside), *_unusable_checks(period, statistics)]
    notes += [*_period_notes(period, statistics), *checks]
    return PeriodData(statistics, found, tuple(notes), outside, tuple(checks))


def _outside_checks(period: Period, outside: dict[str, int]) -> Notes:
    if not outside:
        return []
    many, shown = sum(outside.values()), [f"{name} {count}" for name, count in outside.items()]
    zh = f"{period.id}期有{many}例的出院日期不在{period.start}至{period.end}之内，未纳入：{'、'.join(shown)}"
    en = f"{many} discharges of {period.id} are not within {period.start} and {period.end} and were left out: "
    return [(zh, en + ", ".join(shown))]


def _unusable_checks(period: Period, statistics: UnitStatistics) -> Notes:
    """Dispositions that are no code: neither alive nor dead."""
    found = [(key, count) for key, count in statistics.unusable.items() if key.endswith(f": {NO_DISPOSITION}")]
    return [
        (
            f"{period.id}期“{key.split(': ')[0]}”有{count}个值不是离院方式代码（1—5、9），按未知处理，不计入存活或死亡",
            f"{count} values of {key.split(': ')[0]} in {period.id} are no code of a disposition (1 to 5, 9): not "
            "known, neither alive nor dead",
        )
        for key, count in found
    ]


def _check_hospitals(statistics: UnitStatistics, hospitals: pd.Index, place: str) -> None:
    ids = statistics.cells["hospital_id"].to_pandas().fillna(MISSING_UNIT)
    nameless = int(statistics.cells["cases"].to_numpy()[(ids == MISSING_UNIT).to_numpy()].sum())
    if nameless:
        raise EvaluationError(place, f"{nameless} discharges have no hospital_id", "Fill it in, or leave them out")
    refuse_unknown(set(ids), hospitals, place, "hospitals with discharges are")


def _read_statistics(path: Path, period: Period) -> UnitStatistics:
    name = path.name.lower()
    if name.endswith((".parquet", ".pq", ".parq")):
        try:
            note = pq.read_schema(path).metadata or {}
        except (pa.ArrowException, OSError) as error:
            raise InputFileError(str(path), f"cannot be read as Parquet ({error})", "Write the file again") from None
        if b"drgengine.unit_statistics" in note:
            loaded = load_statistics(path)
            if "hospital_id" not in loaded.by:
                problem = f"the statistics are by {', '.join(loaded.by)}"
                raise EvaluationError(str(path), problem, 'Collect them by "hospital_id" among others')
            return loaded
    table = read_table(path, "statistics")
    by = [level for level in LEVELS if level in table.columns]
    columns: dict[str, Any] = {}
    for column in table.columns:
        if column in (*by, "drg", "mdc", "adrg", "inclusion"):
            columns[column] = [code(value) for value in table[column]]
        elif column != "name":
            columns[column] = number_column(table, column, path).to_numpy()
    try:
        return statistics_of_table(pd.DataFrame(columns, index=table.index), by, period=(period.start, period.end))
    except EvaluationError as error:
        raise EvaluationError(f"{path}, {error.place}", error.problem, error.remedy) from None


def _case_notes(period: Period, plan: Plan, found: GroupedCases) -> Notes:
    notes: Notes = []
    if found.grouped_here:
        zh = f"{period.id}期病例按分组方案{plan.mix.scheme}分组。"
        notes.append((zh, f"Cases of {period.id} were grouped with the scheme {plan.mix.scheme}."))
    if found.costs is not None:
        share = matched_share(found.costs)
        zh = f"{period.id}期{found.costs.matched}例（{share:.1%}）匹配到病例成本。"
        en = f"{found.costs.matched} discharges of {period.id} ({share:.1%}) found their cost."
        notes.append((zh, en))
    return notes


def _period_notes(period: Period, statistics: UnitStatistics) -> Notes:
    if statistics.period is None:
        return []
    first, last = statistics.period
    if period.start <= first and last <= period.end:
        return []
    zh = f"注意：{period.id}期病例出院日期为{first}至{last}，超出方案所写的{period.start}至{period.end}。"
    en = f"Mind: discharges of {period.id} are from {first} to {last}, the plan says {period.start} to {period.end}."
    return [(zh, en)]
