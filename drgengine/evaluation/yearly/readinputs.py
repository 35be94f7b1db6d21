"""Inputs of hospitals and region, evidence, anchors and weights of a plan (数据项、佐证、标准值、权重表)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from drgengine.cases.vocabulary import fold
from drgengine.errors import EvaluationError
from drgengine.evaluation.indicators import Catalogue, join_inputs
from drgengine.evaluation.indicators.evidencetable import read_date
from drgengine.evaluation.mix.groupweights import GroupWeights, given_weights
from drgengine.evaluation.plan.settings import Period, Plan
from drgengine.evaluation.yearly.readtable import by_name_or_title, code, number_column, read_table, refuse_unknown

APART = 1e-9
REMARKS = ("file", "name", "remark")


def read_inputs(period: Period, hospitals: pd.Index, catalogue: Catalogue) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Hospitals x inputs of a period, NaN = not given; and the columns that are no input (file, name, remark).

    Raises EvaluationError: hospital not known or twice, a cell that is no number, two files that contradict each other.
    """
    parts: dict[str, Any] = {"hospitals": pd.DataFrame(index=hospitals)}
    remarks = []
    titles = by_name_or_title(catalogue.inputs)
    for path in period.inputs:
        table = read_table(path, "inputs")
        ids = _ids(table, "hospital_id", path)
        refuse_unknown(ids, hospitals, str(path), "hospitals are")
        twice = next((one for one in ids if list(ids).count(one) > 1), None)
        if twice is not None:
            raise EvaluationError(str(path), f"hospital {twice!r} stands there more than once", "Give each once")
        columns: dict[str, pd.Series] = {}
        for given in table.columns:
            name = titles.get(fold(str(given)))
            if given == "hospital_id":
                continue
            if name is None:
                if fold(str(given)) not in {fold(one) for one in ("name", "机构名称", "医院名称", "name_en")}:
                    remarks.append([path.name, given, _nearest(str(given), titles)])
                continue
            if name in columns:
                raise EvaluationError(str(path), f"input {name!r} stands in two columns", "Keep one of them")
            columns[name] = number_column(table, given, path)
        frame = pd.DataFrame({name: values.to_numpy() for name, values in columns.items()}, index=ids)
        parts[path.name if path.name not in parts else str(path)] = frame
    joined = join_inputs(parts).reindex(hospitals)
    return joined.astype(np.float64), pd.DataFrame(remarks, columns=list(REMARKS))


def _nearest(given: str, titles: dict[str, str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(fold(given), titles, n=1, cutoff=0.8)
    return "the column is no input" + (f"; did you mean {titles[near[0]]}?" if near else "")


def _ids(table: pd.DataFrame, name: str, path: Path) -> pd.Index:
    ids = [code(value) for value in table[name]]
    for row, one in zip(table.index, ids, strict=True):
        if one is None:
            raise EvaluationError(f"{path}, row {row}", f"there is no {name}", "Fill it in, or delete the row")
    return pd.Index(ids, name="hospital_id", dtype=object)


def read_region(period: Period, plan: Plan, catalogue: Catalogue) -> pd.DataFrame | None:
    """Inputs of the region, one row called as the region; None without a table."""
    if period.region is None:
        return None
    path = period.region
    table = read_table(path, "region")
    titles = by_name_or_title(catalogue.inputs)
    if {"name", "value"} <= set(table.columns):
        values = number_column(table, "value", path)
        pairs = [(str(name), value, row) for name, value, row in zip(table["name"], values, table.index, strict=True)]
    else:
        if len(table) != 1:
            problem = f"{len(table)} rows and no columns name and value"
            raise EvaluationError(str(path), problem, "Give name and value, or one row with one column per input")
        pairs = [
            (str(name), float(number_column(table, name, path).iloc[0]), 2)
            for name in table.columns
            if fold(str(name)) in titles
        ]
    found: dict[str, float] = {}
    for given, value, row in pairs:
        name = titles.get(fold(given))
        if name is None:
            remark = _nearest(given, titles).replace("the column is", f"{given!r} is")
            raise EvaluationError(f"{path}, row {row}", remark.rstrip("?"), "Take a name of docs/indicators.md")
        if name in found:
            raise EvaluationError(f"{path}, row {row}", f"input {name!r} stands there twice", "Give it once")
        found[name] = float(value)
    return pd.DataFrame([found], index=pd.Index([plan.region], name="region"), dtype=np.float64)


def read_evidence(
    period: Period, hospitals: pd.DataFrame, region: str, catalogue: Catalogue
) -> tuple[pd.DataFrame | None, pd.DataFrame | None]:
    """Evidence for hospitals and for the region, in the form of compute_indicators(); None where there is none.

    A unit is a hospital_id, the name of one hospital, or the name of the region.
    """
    if period.evidence is None:
        return None, None
    path = period.evidence
    table = read_table(path, "evidence")
    titles = by_name_or_title(catalogue.indicators)
    names = {str(name): one for one, name in hospitals["name"].items()}
    rows, region_rows = [], []
    seen: dict[tuple[Any, Any], Any] = {}
    for row, (unit, indicator, _, source, date) in zip(
        table.index, table[["unit", "indicator", "value", "source", "date"]].itertuples(index=False), strict=True
    ):
        place = f"{path}, row {row}"
        value = float(number_column(table.loc[[row]], "value", path).iloc[0])
        if np.isnan(value):
            raise EvaluationError(place, "there is no value", "Give a number; yes is 1, no is 0")
        named = titles.get(fold(str(indicator)))
        if named is None:
            try:
                catalogue[str(indicator)]
            except EvaluationError as error:
                raise EvaluationError(place, error.problem, error.remedy) from None
        if not isinstance(source, str) or not source.strip():
            raise EvaluationError(place, "there is no source", "Name the document the value stands in")
        who = code(unit)
        entry = {"indicator": named, "value": value, "source": source, "date": read_date(date, place)}
        if who not in hospitals.index:
            who = names.get(str(who), region if who in ("region", "区域") else who)
        if (who, named) in seen:
            problem = f"{unit!r}, indicator {named!r} stand already in row {seen[who, named]}"
            raise EvaluationError(place, problem, "Give one value")
        seen[who, named] = row
        if who in hospitals.index:
            rows.append({"unit": who, **entry})
        elif who == region:
            region_rows.append({"unit": region, **entry})
        else:
            problem = f"unit {unit!r} is neither a hospital nor the region {region!r}"
            raise EvaluationError(place, problem, "Take a hospital_id of the hospitals, or the region's name")
    return (pd.DataFrame(rows) if rows else None), (pd.DataFrame(region_rows) if region_rows else None)


def read_anchors(
    plan: Plan, catalogue: Catalogue, groups: set[str], directions: Mapping[str, int] | None = None
) -> pd.DataFrame:
    """Given anchors: indicator, peer_group ("" = all), bad, good, source.

    directions : of the tree, +1 or -1
    Raises EvaluationError: an indicator or peer group that is not known, twice the same, bad = good (or apart by less
    than rounding), no number, bad on the better side.
    """
    names = ["indicator", "peer_group", "bad", "good", "source"]
    path = plan.scores.anchors
    if path is None:
        return pd.DataFrame(columns=names)
    table = read_table(path, "anchors")
    titles = by_name_or_title(catalogue.indicators)
    rows: dict[tuple[str, str], list[Any]] = {}
    bad, good = (number_column(table, name, path) for name in ("bad", "good"))
    for row in table.index:
        place = f"{path}, row {row}"
        given = str(table.at[row, "indicator"])
        indicator = titles.get(fold(given)) or catalogue[given].id
        group = code(table.at[row, "peer_group"]) if "peer_group" in table.columns else None
        if group is not None and group not in groups:
            raise EvaluationError(place, f"no peer group is called {group!r}", f"Known: {', '.join(sorted(groups))}")
        if (indicator, group or "") in rows:
            raise EvaluationError(place, f"anchors of {indicator!r} stand there twice", "Give them once")
        low, high = float(bad[row]), float(good[row])
        if not abs(high - low) > APART * max(abs(low), abs(high)):
            problem = f"bad {low:.12g} and good {high:.12g} make no scale"
            raise EvaluationError(place, problem, "Give two different numbers")
        if (high - low) * (directions or {}).get(indicator, 0) < 0:
            better = "larger" if (directions or {})[indicator] > 0 else "smaller"
            problem = f"bad {low:g}, good {high:g}, but a {better} value is better in the tree"
            raise EvaluationError(place, problem, "Swap them, or mend the tree")
        source = table.at[row, "source"] if "source" in table.columns else None
        rows[indicator, group or ""] = [indicator, group or "", bad[row], good[row], source or path.name]
    return pd.DataFrame(list(rows.values()), columns=names)


def read_weights(plan: Plan) -> GroupWeights | None:
    """The weights of the plan's table, None without one. Raises EvaluationError: a DRG twice, a weight below 0."""
    path = plan.mix.weights
    if path is None:
        return None
    table = read_table(path, "weights")
    numbers = number_column(table, "weight", path)
    found: dict[str, float] = {}
    for row in table.index:
        drg = code(table.at[row, "drg"])
        if drg is None:
            raise EvaluationError(f"{path}, row {row}", "there is no DRG", "Fill it in, or delete the row")
        if drg in found:
            raise EvaluationError(f"{path}, row {row}", f"DRG {drg!r} stands there twice", "Give it once")
        found[drg] = float(numbers[row])
    checked = given_weights(found)
    return GroupWeights(checked.weights, f"table {path.name}, {len(checked.weights)} groups")
