"""The case-mix table (DRG 绩效指标): capability, efficiency and safety per hospital, department, physician or MDC."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from drgengine.errors import EvaluationError
from drgengine.evaluation.mix.breadth import KINDS, drg_counts, kinds_of, mdc_breadth, rarefied_breadth
from drgengine.evaluation.mix.casecolumns import CHARGE, COST
from drgengine.evaluation.mix.cellarrays import Cells, pack_cells
from drgengine.evaluation.mix.collect import unit_statistics
from drgengine.evaluation.mix.defaults import defaults, minimum_cases
from drgengine.evaluation.mix.expected import Benchmark, Expected, choose_benchmark, expected_per_case
from drgengine.evaluation.mix.flow import flow_table, grouping_rate
from drgengine.evaluation.mix.groupweights import GroupWeights, given_weights, weights_of_cells
from drgengine.evaluation.mix.indices import Index, log_interval, mean_and_error, mean_of_ratios, observed_over_expected
from drgengine.evaluation.mix.measures import AMOUNTS, Floats, over
from drgengine.evaluation.mix.mortality import RiskGroups, overall_mortality, risk_groups, risk_mortality, same_data
from drgengine.evaluation.mix.remarks import remarks
from drgengine.evaluation.mix.result import CaseMix
from drgengine.evaluation.mix.unitstatistics import UnitStatistics
from drgengine.evaluation.mix.winsor import winsorised_indices

_INDEX_OF = {"charge": "charge_index", "cost": "cost_index", "los": "time_index"}
_MEAN_OF = {"charge": "mean_charge", "cost": "mean_cost", "los": "mean_stay"}
_COUNT_THRESHOLDS = (1, 5, 10)


def casemix(
    cases: Any,
    by: str | Sequence[str] | None = None,
    weights: Any = None,
    *,
    benchmark: Any = None,
    base: UnitStatistics | RiskGroups | Mapping[str, float] | None = None,
    shrinkage: float | None = None,
    leave_one_out: bool = False,
    winsorise: tuple[float, float] | None = None,
    low_risk_scores: Sequence[int] | None = None,
    kinds: Mapping[str, str] | None = None,
    expected_mdcs: Sequence[str] | None = None,
    mdc_threshold: int = 1,
    rarefaction: int | None = None,
    minimum: int | None = None,
    confidence: float = 0.95,
    charge: str = CHARGE,
    cost: str = COST,
    max_stay_days: int | None = None,
    ungroupable: str = "0000",
) -> CaseMix:
    """Case-mix indices per unit (DRG 能力、效率、安全指标).

    cases : UnitStatistics, or anything unit_statistics() takes
    by : hospital_id (default), department_id, physician_id, mdc, or a list of columns
    weights : DRG -> weight (mapping, Series, GroupWeights); None = mean charge of the group / mean of all cases of the
        benchmark. Cases whose group has no weight stay out of total_weight and cmi; they are counted and listed
    benchmark : whose means C_j the indices compare with: None = all units of the same data, UnitStatistics of the
        region, or a table of means (index DRG; charge, cost, los)
    base : statistics of an earlier period, risk groups, or mortality per DRG, which give the risk groups; None = the
        same data, which the notes say
    shrinkage : cases k of the ADRG mean that a group's mean is mixed with in the *_shrunk columns (default 20)
    leave_one_out : take the unit's own cases out of its benchmark; only with the same data
    winsorise : two quantiles, e.g. (0.01, 0.99), at which case ratios are cut in *_winsorised; needs case-level data
    low_risk_scores : risk scores that make the low-risk group (default (1,); (0, 1) adds groups without a death)
    kinds : DRG or ADRG -> surgical | procedure | medical, where the second letter of the code does not tell
    expected_mdcs, mdc_threshold : MDCs a unit of its level should have, and the cases that make one covered
    rarefaction : sample size of drg_breadth; None = cases of the smallest unit that reaches the minimum volume
    minimum : cases below which a unit is flagged (default 30 physicians, 50 departments); nobody is dropped
    charge, cost, max_stay_days, ungroupable : as in unit_statistics

    Columns of `.table`: discharges, cases (included), grouping_rate 入组率, cases_weighted; drg_count, drg_count_5,
    drg_count_10 DRG 组数, drg_breadth, mdc_count, mdc_coverage, missing_mdcs 缺失专业; total_weight 总权重
    (of the cases with a weight), cmi with _se, _low, _high, cmi_surgical, cmi_procedure, cmi_medical,
    high_weight_share (RW >= 2); mean_charge, mean_cost, mean_stay; charge_index 费用消耗指数, cost_index 成本消耗指数,
    time_index 时间消耗指数: mean of ratios, the national convention, with _se, _low, _high, the same with _oe
    (observed / expected) and with _shrunk; mortality, its expectation, smr; low_risk_* and mid_low_risk_*
    低风险、中低风险组死亡率; below_minimum. NaN = cannot be said.

    Source: CHS-DRG performance evaluation as used by Chinese health authorities; formulas in the docstrings of the
    functions behind the columns. Raises EvaluationError, InputFileError.

    >>> table = pa.table({"hospital_id": ["H1"] * 2 + ["H2"] * 2, "drg": ["FB19", "FR25", "FR25", "FR25"],
    ...                   "total_charge": [9000.0, 1000.0, 1000.0, 1000.0]})
    >>> found = casemix(table).table.reset_index()
    >>> found[["hospital_id", "cases", "drg_count", "total_weight", "cmi", "charge_index"]].round(3)
      hospital_id  cases  drg_count  total_weight    cmi  charge_index
    0          H1      2          2         3.333  1.667           1.0
    1          H2      2          1         0.667  0.333           1.0
    """
    if not 0.0 < confidence < 1.0:
        raise EvaluationError("confidence", f"{confidence!r} is no share between 0 and 1", "Give e.g. 0.95")
    options = {"charge": charge, "cost": cost, "max_stay_days": max_stay_days, "ungroupable": ungroupable}
    statistics, cases = _statistics(cases, by, winsorise, options)
    cells = pack_cells(statistics)
    reference = choose_benchmark(benchmark, cells)
    if leave_one_out and not reference.same:
        problem = "leave_one_out needs the benchmark to be the same data"
        raise EvaluationError("benchmark", problem, "Leave benchmark out, or leave leave_one_out out")
    k = float(defaults()["benchmark"]["shrinkage_cases"] if shrinkage is None else shrinkage)
    expected = {name: expected_per_case(cells, reference, name, k, leave_one_out) for name in AMOUNTS}
    chosen = _weights(weights, cells, reference)
    weight = chosen.of(cells.groups)
    risks = _risks(base, cells)
    flow = flow_table(statistics, cells, weight, expected["charge"].plain)
    smallest = minimum_cases(statistics.by) if minimum is None else minimum
    size = _rarefaction_size(cells, rarefaction, smallest)
    codes, covered, missing = mdc_breadth(cells, expected_mdcs, mdc_threshold)
    low_risk = tuple(defaults()["mortality"]["low_risk_scores"] if low_risk_scores is None else low_risk_scores)
    columns: dict[str, Any] = {
        "discharges": flow["discharges"].to_numpy(),
        "cases": flow["included"].to_numpy(),
        "grouping_rate": grouping_rate(flow),
        **_breadth(cells, size),
        "mdc_count": covered.astype(np.int64),
        "mdc_coverage": over(covered, float(len(codes))),
        "missing_mdcs": [",".join(codes) for codes in missing],
        **_weighted(cells, weight, kinds, confidence),
        **_consumption(cells, expected, confidence),
        **overall_mortality(cells, risks, confidence),
        **risk_mortality(cells, risks, low_risk, "low_risk", confidence),
        **risk_mortality(cells, risks, defaults()["mortality"]["mid_low_risk_scores"], "mid_low_risk", confidence),
    }
    settings: dict[str, Any] = {
        "confidence": confidence,
        "shrinkage": k,
        "leave_one_out": leave_one_out,
        "rarefaction": size,
        "minimum": smallest,
        "low_risk_scores": low_risk,
        "expected_mdcs": codes,
        "mdc_threshold": mdc_threshold,
        "benchmark": reference.text,
        "weights": chosen.source,
        "risk_basis": risks.basis,
        **options,
    }
    if winsorise is not None:
        plain = {name: expected[name].plain for name in AMOUNTS}
        cut, settings["cuts"] = winsorised_indices(cases, cells, statistics.by, plain, winsorise, confidence, options)
        for name, index in cut.items():
            columns |= _index_columns(f"{name}_winsorised", index)
    columns["below_minimum"] = columns["cases"] < smallest
    table = pd.DataFrame(columns, index=cells.units)
    for name in _WHOLE:
        table[name] = table[name].round().astype(np.int64)
    lacking = _without_weight(cells, weight)
    settings["winsorise"] = winsorise
    notes = remarks(statistics, table, chosen, lacking, settings)
    return CaseMix(statistics.by, table, flow, chosen, lacking, risks, tuple(missing), settings, notes, cells, expected)


_WHOLE = (
    "drg_count",
    "drg_count_5",
    "drg_count_10",
    "cases_weighted",
    "disposition_known",
    "deaths",
    "deaths_unclassified",
    "low_risk_cases",
    "low_risk_deaths",
    "mid_low_risk_cases",
    "mid_low_risk_deaths",
)


def _statistics(
    cases: Any, by: str | Sequence[str] | None, winsorise: Any, options: dict[str, Any]
) -> tuple[UnitStatistics, Any]:
    """Statistics rolled up to `by`, and the cases in a form that can be read a second time."""
    if isinstance(cases, UnitStatistics):
        if winsorise is not None:
            problem = "statistics hold no single cases, so that ratios cannot be winsorised"
            raise EvaluationError("winsorise", problem, "Give the cases themselves, or leave winsorise out")
        return cases.roll_up(cases.by if by is None else by), None
    if winsorise is not None and not isinstance(cases, pa.Table) and hasattr(cases, "__arrow_c_stream__"):
        cases = pa.table(cases) if not hasattr(cases, "read_all") else cases.read_all()
    return unit_statistics(cases, "hospital_id" if by is None else by, **options), cases


def _weights(weights: Any, cells: Cells, reference: Benchmark) -> GroupWeights:
    if weights is not None:
        return given_weights(weights)
    return weights_of_cells(cells if reference.cells is None else reference.cells)


def _risks(base: UnitStatistics | RiskGroups | Mapping[str, float] | None, cells: Cells) -> RiskGroups:
    if base is None:
        return same_data(cells)
    return base if isinstance(base, RiskGroups) else risk_groups(base)


def _rarefaction_size(cells: Cells, rarefaction: int | None, smallest: int) -> int:
    if rarefaction is not None:
        if rarefaction < 1:
            raise EvaluationError("rarefaction", f"a sample of {rarefaction} cases", "Give at least 1")
        return rarefaction
    size = cells.per_unit(cells.n)
    large = size[size >= max(smallest, 1)]
    return int(large.min()) if large.size else 1


def _breadth(cells: Cells, size: int) -> dict[str, Any]:
    counts = drg_counts(cells, _COUNT_THRESHOLDS)
    named = {"drg_count" if m == 1 else f"drg_count_{m}": values for m, values in counts.items()}
    return {**named, "drg_breadth": rarefied_breadth(cells, size)}


def _weighted(cells: Cells, weight: Floats, kinds: Mapping[str, str] | None, confidence: float) -> dict[str, Any]:
    """Total weight, CMI with normal interval (weights taken as fixed), CMI by kind, share of cases with RW >= 2."""
    w = weight[cells.group]
    usable = np.isfinite(w)
    n = np.where(usable, cells.n, 0.0)
    w = np.where(usable, w, 0.0)
    cases, total = cells.per_unit(n), cells.per_unit(n * w)
    cmi, se = mean_and_error(cases, total, cells.per_unit(n * w * w))
    low, high = log_interval(cmi, se, confidence)
    columns: dict[str, Any] = {"cases_weighted": cases, "total_weight": np.where(cases > 0, total, np.nan)}
    columns |= {"cmi": cmi, "cmi_se": se, "cmi_low": low, "cmi_high": high}
    kind = kinds_of(cells, kinds)[cells.group]
    for number, name in enumerate(KINDS):
        inside = np.where(kind == number, n, 0.0)
        columns[f"cmi_{name}"] = over(cells.per_unit(inside * w), cells.per_unit(inside))
    high_weight = defaults()["benchmark"]["high_weight"]
    columns["high_weight_share"] = over(cells.per_unit(np.where(w >= high_weight, n, 0.0)), cases)
    return columns


def _consumption(cells: Cells, expected: dict[str, Expected], confidence: float) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    for amount, name in _INDEX_OF.items():
        known, total, _ = cells.amount(amount)
        columns[_MEAN_OF[amount]] = over(cells.per_unit(total), cells.per_unit(known))
        hoped = expected[amount]
        columns |= _index_columns(name, mean_of_ratios(cells, amount, hoped.plain, confidence))
        columns |= _index_columns(f"{name}_oe", observed_over_expected(cells, amount, hoped.plain, confidence))
        columns |= _index_columns(f"{name}_shrunk", mean_of_ratios(cells, amount, hoped.shrunk, confidence))
    return columns


def _index_columns(name: str, index: Index) -> dict[str, Floats]:
    return {name: index.value, f"{name}_se": index.se, f"{name}_low": index.low, f"{name}_high": index.high}


def _without_weight(cells: Cells, weight: Floats) -> pd.DataFrame:
    lacking = np.isnan(weight)
    n = cells.per_group(cells.n)
    codes = np.array(cells.groups, dtype=object)[lacking]
    return pd.DataFrame({"drg": codes, "cases": n[lacking].astype(np.int64)})
