"""Values of indicators (指标计算) per unit, with the reason wherever there is none."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from drgengine.evaluation.indicators.catalogue import Catalogue, load_catalogue
from drgengine.evaluation.indicators.entries import Indicator
from drgengine.evaluation.indicators.evidencetable import read_evidence
from drgengine.evaluation.indicators.formula import Bools, Failure, Floats, evaluate
from drgengine.evaluation.indicators.influence import influences
from drgengine.evaluation.indicators.inputtable import (
    REMARK_COLUMNS,
    as_frame,
    negative_values,
    read_inputs,
    unknown_columns,
    without_negatives,
)

MISSING_COLUMNS = ("unit", "indicator", "reason", "inputs")
NO_EVIDENCE = "evidence slot: no value with source and date is given"
PREVIOUSLY = " in the previous period"
SAME = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Indicators:
    """Indicators per unit (指标值).

    values : units x indicators, NaN where there is none   previous : the same for the previous period, or None
    origin : units x indicators, "computed", "evidence" or ""
    missing : one row per value that is lacking: unit, indicator, reason, inputs (names, comma between)
    coverage : per unit, share of the indicators with a value
    evidence : rows of the evidence table that were used
    inputs, previous_inputs : units x inputs, NaN = not known or impossible
    remarks : unit, name, value, remark: columns that are no input, values outside their bounds or below 0, evidence
        that differs from what was computed
    catalogue : where names, units, directions and sources are
    """

    values: pd.DataFrame
    previous: pd.DataFrame | None
    origin: pd.DataFrame
    missing: pd.DataFrame
    coverage: pd.Series
    evidence: pd.DataFrame
    remarks: pd.DataFrame
    catalogue: Catalogue
    inputs: pd.DataFrame = field(repr=False)
    previous_inputs: pd.DataFrame | None = field(repr=False)

    def inputs_of(self, indicator: str) -> pd.DataFrame:
        """The inputs behind an indicator: units x inputs of its formula, previous ones named NAME (previous)."""
        formula = self.catalogue[indicator].formula
        names = () if formula is None else formula.names
        found = self.inputs.reindex(columns=list(names))
        if self.previous_inputs is not None:
            earlier = self.previous_inputs.reindex(columns=list(names))
            found = found.join(earlier.rename(columns=lambda name: f"{name} (previous)"))
        return found

    def change_by_input(self, indicator: str) -> pd.DataFrame:
        """How much each input moved an indicator since the previous period (数据项贡献), units x inputs.

        Shapley split: the mean effect of an input over all orders in which inputs pass from previous to current. Rows
        add up to the change of the value; for a growth, which is a change already, to the growth. NaN where a value
        is lacking, and everywhere without a previous period.
        """
        formula = self.catalogue[indicator].formula
        names = [] if formula is None else list(formula.names)
        if formula is None or self.previous_inputs is None:
            return pd.DataFrame(np.nan, index=self.values.index, columns=names)
        now, before = (_columns(table) for table in (self.inputs, self.previous_inputs))
        return pd.DataFrame(influences(formula, now, before, len(self.values)), index=self.values.index)


def compute_indicators(
    inputs: Any,
    catalogue: Catalogue | None = None,
    ids: Iterable[str] | None = None,
    *,
    previous: Any = None,
    evidence: Any = None,
) -> Indicators:
    """Compute indicators of all units (指标计算).

    inputs : DataFrame, units (hospitals, departments, ...) x named inputs of the catalogue; NaN or None = not known.
        Columns that are no input are remarked
    catalogue : the shipped one by default; see load_catalogue   ids : indicators wanted, default all
    previous : the same table for the previous period, needed by growth; units that lack there have no growth
    evidence : table with unit, indicator, value, source, date. It fills evidence slots and values that cannot be
        computed; a computed value stays, and one that differs is remarked
    A missing input or a denominator of 0 gives NaN and a row in `.missing`, never 0. So do an input below 0 that cannot
    be and a value outside the bounds of its indicator; what stood there is in `.remarks`.
    Raises EvaluationError: inputs or evidence that cannot be read, an id that is not known.

    >>> table = pd.DataFrame({"bed_days": [900.0, 800.0], "open_bed_days": [1000.0, 0.0]}, index=["A", "B"])
    >>> found = compute_indicators(table, ids=["bed_occupancy"])
    >>> found.values["bed_occupancy"].to_list(), found.missing["reason"].to_list()
    ([90.0, nan], ['open_bed_days is 0'])
    """
    catalogue = load_catalogue() if catalogue is None else catalogue
    wanted = catalogue.select(ids)
    frame = as_frame(inputs, "inputs")
    given = read_inputs(frame, catalogue.inputs, "inputs")
    units = given.index
    remarks = unknown_columns(frame.columns, catalogue.inputs) + negative_values(given, catalogue.inputs, "")
    table, below = without_negatives(given, catalogue.inputs)
    earlier = None
    below_before: dict[str, Bools] = {}
    if previous is not None:
        before_all = read_inputs(previous, catalogue.inputs, "previous")
        text = "the unit is in the previous period only"
        gone = before_all.index.difference(units, sort=False)
        remarks += [{"unit": unit, "name": "", "value": np.nan, "remark": text} for unit in gone]
        earlier = before_all.reindex(units)
        remarks += negative_values(earlier, catalogue.inputs, PREVIOUSLY)
        earlier, below_before = without_negatives(earlier, catalogue.inputs)
    now = _columns(table)
    before = None if earlier is None else _columns(earlier)
    columns: dict[str, Floats] = {}
    reasons: list[pd.DataFrame] = []
    for one in wanted:
        computed, failures = _value(one, now, before, len(units))
        columns[one.id], outside = within_bounds(computed, one)
        remarks += _outside(computed, outside, one, units)
        failures = _below(failures, below, "") + [Failure(_bounds(one), "", outside)] * bool(outside.any())
        reasons.append(_reasons(one, columns[one.id], _below(failures, below_before, PREVIOUSLY), units))
    values = pd.DataFrame(columns, index=units, dtype=np.float64)
    origin = pd.DataFrame(np.where(values.notna(), "computed", ""), index=units, columns=values.columns, dtype=object)
    told = read_evidence(evidence, units, catalogue) if evidence is not None else pd.DataFrame()
    used, differing = _fill(values, origin, told, catalogue)
    remarks += differing
    missing = pd.concat(reasons, ignore_index=True) if reasons else pd.DataFrame(columns=list(MISSING_COLUMNS))
    return Indicators(
        values=values,
        previous=None if before is None else _previous(wanted, before, units),
        origin=origin,
        missing=_still(missing, values),
        coverage=values.notna().mean(axis=1).rename("coverage"),
        evidence=used,
        remarks=pd.DataFrame(remarks, columns=list(REMARK_COLUMNS)),
        catalogue=catalogue,
        inputs=table,
        previous_inputs=earlier,
    )


def _columns(table: pd.DataFrame) -> dict[str, Floats]:
    return {name: table[name].to_numpy(dtype=np.float64) for name in table.columns}


def _value(
    one: Indicator, now: dict[str, Floats], before: dict[str, Floats] | None, units: int
) -> tuple[Floats, list[Failure]]:
    if one.formula is None:
        everywhere = np.ones(units, np.bool_)
        return np.full(units, np.nan), [Failure(NO_EVIDENCE, "", everywhere)]
    return evaluate(one.formula, now, before, units)


def _previous(wanted: tuple[Indicator, ...], before: dict[str, Floats], units: pd.Index) -> pd.DataFrame:
    """Values of the previous period; a growth would need the one before it and is NaN."""
    columns = {one.id: within_bounds(_value(one, before, None, len(units))[0], one)[0] for one in wanted}
    return pd.DataFrame(columns, index=units, dtype=np.float64)


def _reasons(one: Indicator, values: Floats, failures: list[Failure], units: pd.Index) -> pd.DataFrame:
    """One row per unit without a value. Units that fail alike share the sentence."""
    lacking = np.flatnonzero(np.isnan(values))
    if not lacking.size:
        return pd.DataFrame(columns=list(MISSING_COLUMNS), dtype=object)
    failed = np.array([failure.units[lacking] for failure in failures]).T
    patterns, which = np.unique(failed, axis=0, return_inverse=True)
    texts, names = [], []
    for pattern in patterns:
        there = [failure for failure, hit in zip(failures, pattern, strict=True) if hit]
        texts.append("; ".join(dict.fromkeys(failure.what for failure in there)))
        names.append(", ".join(dict.fromkeys(failure.name for failure in there if failure.name)))
    which = which.ravel()
    return pd.DataFrame(
        {
            "unit": units.take(lacking).to_numpy(),
            "indicator": one.id,
            "reason": np.array(texts, dtype=object)[which],
            "inputs": np.array(names, dtype=object)[which],
        },
        dtype=object,
    )


def _fill(
    values: pd.DataFrame, origin: pd.DataFrame, given: pd.DataFrame, catalogue: Catalogue
) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    """Put evidence where nothing was computed; rows used, and remarks on those that differ from what was."""
    used, remarks = [], []
    for at in range(len(given)):
        unit, name, value = (given[column].iloc[at] for column in ("unit", "indicator", "value"))
        if name not in values.columns:
            text = "evidence for an indicator that is not asked for"
            remarks.append({"unit": unit, "name": name, "value": value, "remark": text})
            continue
        computed = values.at[unit, name]
        one = catalogue[name]
        if np.isnan(computed) and within_bounds(np.array([value]), one)[1].any():
            remarks.append({"unit": unit, "name": name, "value": value, "remark": _bounds(one)})
        elif np.isnan(computed):
            values.at[unit, name] = value
            origin.at[unit, name] = "evidence"
            used.append(at)
        elif abs(computed - value) > SAME * max(1.0, abs(computed)):
            text = f"the evidence differs from the computed {computed:.6g}, which stays"
            remarks.append({"unit": unit, "name": name, "value": value, "remark": text})
    return given.iloc[used].reset_index(drop=True), remarks


def _still(missing: pd.DataFrame, values: pd.DataFrame) -> pd.DataFrame:
    """Rows whose value evidence has not filled."""
    if missing.empty:
        return missing
    rows = values.index.get_indexer(pd.Index(missing["unit"].to_list(), tupleize_cols=values.index.nlevels > 1))
    columns = values.columns.get_indexer(pd.Index(missing["indicator"]))
    return missing[np.isnan(values.to_numpy()[rows, columns])].reset_index(drop=True)


def within_bounds(values: Floats, one: Indicator) -> tuple[Floats, Bools]:
    """Values with NaN where they cannot be, and where: bool of the same shape."""
    if one.bounds is None:
        return values, np.zeros(values.shape, np.bool_)
    low, high = one.bounds
    slack = SAME * max(abs(low), abs(high))
    with np.errstate(invalid="ignore"):
        outside = (values < low - slack) | (values > high + slack)
    return np.where(outside, np.nan, values), outside


def _bounds(one: Indicator) -> str:
    return "" if one.bounds is None else f"outside {one.bounds[0]:g} to {one.bounds[1]:g} {one.unit}: check its inputs"


def _outside(values: Floats, outside: Bools, one: Indicator, units: pd.Index) -> list[dict[str, Any]]:
    return [
        {"unit": unit, "name": one.id, "value": float(value), "remark": _bounds(one)}
        for unit, value in zip(units[outside], values[outside], strict=True)
    ]


def _below(failures: list[Failure], below: dict[str, Bools], when: str) -> list[Failure]:
    """The same failures; an input that is missing for being below 0 says so."""
    found = []
    for one in failures:
        there = below.get(one.name)
        if there is None or one.what != f"{one.name} is missing{when}":
            found.append(one)
            continue
        found.append(Failure(f"{one.name} is below 0{when}", one.name, one.units & there))
        if (one.units & ~there).any():
            found.append(Failure(one.what, one.name, one.units & ~there))
    return found
