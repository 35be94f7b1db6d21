"""All tables of an evaluation as flat tables with canonical English column names (结果数据表)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from drgengine.evaluation.books.suppression import Bools, hidden_rows
from drgengine.evaluation.indicators.computing import Indicators
from drgengine.evaluation.outputs.drgcells import drg_cells, drg_groups
from drgengine.evaluation.yearly.alerts import CODING, PAIRS
from drgengine.evaluation.yearly.result import Evaluation


def result_tables(evaluation: Evaluation) -> dict[str, pd.DataFrame]:
    """Name -> table, in the order of data/evaluation/result_tables.toml; tables the evaluation lacks are left out.

    Every table has its keys as columns. Physicians are in the books only. DRG cells of fewer than
    privacy.smallest_cell cases stand together as (others), and no value of a DRG is shown from which one follows, see
    drgcells.shield(). Rates of deaths and readmissions need as many cases or stays; the events are counted whatever
    their number (funnels, mortality, flow), since a count of events among many cases tells nothing of one of them.
    Values of a whole hospital are what is evaluated and are shown whatever its size.
    """
    found = {}
    for name, make in _MAKERS.items():
        table = make(evaluation)
        if table is not None and len(table.columns):
            found[name] = table.reset_index(drop=True)
    return found


def _keyed(table: pd.DataFrame | None, key: str = "hospital_id") -> pd.DataFrame | None:
    """The index as first columns; a level without a name is called by `key`."""
    if table is None:
        return None
    if isinstance(table.index, pd.MultiIndex):
        return table.reset_index()
    return table.rename_axis(table.index.name or key).reset_index()


def _named(evaluation: Evaluation, table: pd.DataFrame | None) -> pd.DataFrame | None:
    """With the name of the hospital after its code."""
    keyed = _keyed(table)
    if keyed is not None and "name" in evaluation.hospitals.columns and "name" not in keyed.columns:
        names = evaluation.hospitals["name"].astype(str).to_dict()
        keyed.insert(1, "name", [names.get(code, "") for code in keyed["hospital_id"]])
    return keyed


def _league(evaluation: Evaluation) -> pd.DataFrame | None:
    table = _named(evaluation, evaluation.league)
    return table if table is None else table.sort_values(["peer_group", "rank"], kind="stable", na_position="last")


def _indicators(evaluation: Evaluation) -> pd.DataFrame:
    return _long(evaluation.current.indicators, "hospital_id")


def _region_indicators(evaluation: Evaluation) -> pd.DataFrame | None:
    region = evaluation.current.region
    return None if region is None else _long(region, "region")


def _long(found: Indicators, key: str) -> pd.DataFrame:
    """One row per unit and indicator: value, previous value, unit, origin, reason where there is none."""
    ids, units = list(found.values.columns), len(found.values)
    catalogue = [found.catalogue[name] for name in ids]
    previous = found.previous
    earlier = np.full(found.values.shape, np.nan)
    if previous is not None:
        earlier = previous.reindex(index=found.values.index, columns=ids).to_numpy(np.float64)
    missing = (
        found.missing.set_index(["unit", "indicator"])["reason"] if len(found.missing) else pd.Series(dtype=object)
    )
    missing = missing[~missing.index.duplicated()]
    table = pd.DataFrame(
        {
            key: np.repeat(found.values.index.to_numpy(dtype=object), len(ids)),
            "indicator": np.tile(np.array(ids, dtype=object), units),
            "indicator_zh": np.tile(np.array([one.zh for one in catalogue], dtype=object), units),
            "indicator_en": np.tile(np.array([one.en for one in catalogue], dtype=object), units),
            "value": found.values.to_numpy(np.float64).ravel(),
            "previous": earlier.ravel(),
            "unit": np.tile(np.array([one.unit for one in catalogue], dtype=object), units),
            "origin": found.origin.reindex(columns=ids).to_numpy(dtype=object).ravel(),
        }
    )
    table["reason"] = missing.reindex(pd.MultiIndex.from_frame(table[[key, "indicator"]])).fillna("").to_numpy(object)
    return table


def _funnels(evaluation: Evaluation) -> pd.DataFrame:
    parts = []
    for name, one in evaluation.funnels.items():
        part = _keyed(one.points)
        if part is not None:
            said: dict[str, Any] = {"indicator": name, "indicator_zh": one.zh, "indicator_en": one.en, "unit": one.unit}
            said |= {"kind": one.kind, "target": one.target, "phi": one.phi, "tau2": one.tau2}
            parts.append(pd.concat([pd.DataFrame(said, index=part.index), part], axis=1))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _agreement(evaluation: Evaluation) -> pd.DataFrame | None:
    return _keyed(evaluation.agreement.rename_axis("method"), "method")


def _quality(evaluation: Evaluation) -> pd.DataFrame | None:
    return _named(evaluation, evaluation.current.quality)


def _departments(evaluation: Evaluation) -> pd.DataFrame | None:
    parts = [_keyed(book.departments, "department_id") for book in evaluation.books.values()]
    kept = [
        part.assign(hospital_id=code)[["hospital_id", *part.columns]]
        for code, part in zip(evaluation.books, parts, strict=True)
        if part is not None and len(part)
    ]
    return pd.concat(kept, ignore_index=True) if kept else None


def _calibration(evaluation: Evaluation) -> pd.DataFrame | None:
    """Deciles of risk; deaths among fewer cases than may be shown are left out, and what would give them away."""
    table = _keyed(evaluation.current.calibration, "decile")
    if table is None or "cases" not in table.columns:
        return table
    counts = table["cases"].fillna(0).to_numpy(np.int64)
    some, hidden = counts > 0, np.zeros(len(table), np.bool_)
    one_group = np.zeros(int(some.sum()), np.int64)
    hidden[some] = hidden_rows(counts[some], one_group, evaluation.plan.privacy.smallest_cell)
    return _without(table, hidden, ("deaths", "expected", "observed_rate", "expected_rate"))


def _readmissions(evaluation: Evaluation) -> pd.DataFrame | None:
    """Readmissions among fewer stays than may be shown are left out."""
    if evaluation.current.readmissions is None:
        return None
    table = _keyed(evaluation.current.readmissions.table)
    if table is None or "index_stays" not in table.columns:
        return table
    hidden = (table["index_stays"] < evaluation.plan.privacy.smallest_cell).to_numpy()
    return _without(table, hidden & (table["index_stays"] > 0).to_numpy(), ("readmissions", "rate", "low", "high"))


def _without(table: pd.DataFrame, hidden: Bools, columns: tuple[str, ...]) -> pd.DataFrame:
    """The table with no values in these columns of the hidden rows."""
    found = table.copy()
    for name in columns:
        if name in found.columns and hidden.any():
            found[name] = found[name].astype(np.float64).mask(hidden)
    return found


def _evidence(evaluation: Evaluation) -> pd.DataFrame:
    parts = [evaluation.current.indicators.evidence]
    if evaluation.current.region is not None:
        parts.append(evaluation.current.region.evidence)
    kept = [part for part in parts if len(part)]
    columns = ["unit", "indicator", "value", "source", "date"]
    table = pd.concat(kept, ignore_index=True) if kept else pd.DataFrame(columns=columns)
    if "date" in table.columns:
        table["date"] = table["date"].astype(str)
    return table


def _remarks(evaluation: Evaluation) -> pd.DataFrame:
    """Notes on the method, remarks of the case mix, and on single inputs."""
    rows: list[dict[str, Any]] = []
    nobody = {"unit": "", "name": "", "value": np.nan}
    for kind, pairs in (("method", evaluation.notes), ("frontier", evaluation.frontier_notes)):
        rows += [{**nobody, "kind": kind, "remark_zh": zh, "remark_en": en} for zh, en in pairs]
    notes = evaluation.current.mix.notes
    rows += [{**nobody, "kind": "case mix", "remark_zh": text, "remark_en": text} for text in notes]
    for found in (evaluation.current.indicators, evaluation.current.region):
        for _, one in (found.remarks if found is not None else pd.DataFrame()).iterrows():
            unit = "" if one["unit"] is None or pd.isna(one["unit"]) else str(one["unit"])
            text = {"remark_zh": one["remark"], "remark_en": one["remark"]}
            rows.append({"kind": "input", "unit": unit, "name": one["name"], "value": one["value"], **text})
    columns = ["kind", "unit", "name", "value", "remark_zh", "remark_en"]
    table = pd.DataFrame(rows, columns=columns)
    table["value"] = pd.to_numeric(table["value"], errors="coerce")
    return table


def _decisions(evaluation: Evaluation) -> pd.DataFrame | None:
    return evaluation.decisions if len(evaluation.decisions.columns) else None


_Maker = Callable[[Evaluation], pd.DataFrame | None]
_MAKERS: Mapping[str, _Maker] = {
    "league": _league,
    "class_probabilities": lambda e: _named(e, e.class_probabilities),
    "dimensions": lambda e: _named(e, e.scores.dimensions),
    "contributions": lambda e: e.scores.contributions,
    "indicators": _indicators,
    "region_indicators": _region_indicators,
    "targets": lambda e: e.targets,
    "lines": lambda e: e.lines,
    "progress": lambda e: e.progress,
    "consistency": lambda e: e.consistency,
    "funnels": _funnels,
    "shrunk": lambda e: e.shrunk,
    "frontier": lambda e: _named(e, e.frontier),
    "productivity": lambda e: _named(e, e.productivity),
    "agreement": _agreement,
    "method_ranks": lambda e: _named(e, e.method_ranks),
    "weight_sensitivity": lambda e: _named(e, e.weight_sensitivity),
    "decisions": _decisions,
    "quality": _quality,
    "flow": lambda e: _keyed(e.current.mix.flow),
    "casemix": lambda e: _keyed(e.current.mix.table),
    "readmissions": _readmissions,
    "mortality": lambda e: _named(e, e.current.adjusted_mortality),
    "calibration": _calibration,
    "drift": lambda e: None if e.drift is None else _keyed(e.drift.table),
    "coding_alerts": lambda e: e.details.get("coding_alerts", pd.DataFrame(columns=list(CODING))),
    "pair_alerts": lambda e: e.details.get("pair_alerts", pd.DataFrame(columns=list(PAIRS))),
    "drg_cells": drg_cells,
    "departments": _departments,
    "anchors": lambda e: e.scores.anchors,
    "groups": drg_groups,
    "hospitals": lambda e: _keyed(e.hospitals),
    "evidence": _evidence,
    "remarks": _remarks,
}
TABLES = tuple(_MAKERS)
