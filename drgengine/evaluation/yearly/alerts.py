"""Figures that look better for another reason than better care (需核实的信号): coding, early discharge, transfers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from drgengine.cases.coerce import read_number
from drgengine.errors import EvaluationError
from drgengine.evaluation.mix import CmiDrift
from drgengine.evaluation.mix.casecolumns import open_cases
from drgengine.evaluation.mix.collect import known_disposition
from drgengine.evaluation.mix.labels import Labels
from drgengine.evaluation.yearly.funneltables import Counted, funnels
from drgengine.evaluation.yearly.groupedparts import GroupedCases, canonical
from drgengine.evaluation.yearly.result import Funnel, PeriodResult
from drgengine.tomltable import read_toml

CODING = (
    *("hospital_id", "cmi_change", "within", "between", "depth_before", "depth_after", "cases_before", "cases_after"),
    *("zh", "en"),
)
PAIRS = ("hospital_id", "pair", "index", "index_value", "rate", "rate_value", "limit", "flag", "zh", "en")
TRANSFERS = "transfer_share"
SHOWN = 3
"""Digits of the sentences, to which the numbers in them are rounded, lest a 0 has a sign."""
_CASES = ("离院方式明确的病例数", "discharges with a known disposition")


@dataclass(frozen=True, slots=True, eq=False)
class Alerts:
    """coding, pairs : tables CODING and PAIRS   transfers : hospitals x known, transfers, share (%), high_95, flag, or
    None where dispositions are not known"""

    coding: pd.DataFrame
    pairs: pd.DataFrame
    transfers: pd.DataFrame | None


def find_alerts(
    drift: CmiDrift | None,
    current: PeriodResult,
    cases: GroupedCases | None,
    drawn: Mapping[str, Funnel],
    hospitals: pd.Index,
) -> Alerts:
    """Coding and pair alerts of a period; cases : its discharges, None where only statistics are known."""
    transfers = None if cases is None else transfer_counts(cases.path, hospitals)
    if transfers is not None:
        counts = Counted(
            TRANSFERS, "医嘱转院占比", "share of transfers to another hospital", "%", "share", transfers["transfers"],
            transfers["known"], None, _CASES, 100.0,
        )  # fmt: skip
        made, _ = funnels([counts], hospitals)
        drawn = {**drawn, **made}
        limits = made[TRANSFERS].points if TRANSFERS in made else pd.DataFrame(columns=["high_95", "flag"])
        transfers = transfers.join(limits[["high_95", "flag"]])
    indices = current.mix.table.reindex(hospitals)
    return Alerts(coding_alerts(drift, hospitals), pair_alerts(indices, drawn), transfers)


@cache
def rules() -> dict[str, Any]:
    """Thresholds and sentences, data/evaluation/alerts.toml."""
    path = Path(__file__).parents[2] / "data" / "evaluation" / "alerts.toml"
    return read_toml(path, EvaluationError, "Install drgengine again")


def coding_alerts(drift: CmiDrift | None, hospitals: pd.Index) -> pd.DataFrame:
    """Hospitals whose CMI rose within ADRGs while they coded more diagnoses (疑似高编), one row each, columns CODING.

    All of: CMI rose; within, the part within ADRGs at fixed weights, and the rise of diagnoses per case reach the
    thresholds of the rules; both periods have cases enough. A hospital without coding depth gives no row.
    """
    if drift is None:
        return pd.DataFrame(columns=list(CODING))
    rule, rows = rules()["coding"], []
    for unit, one in drift.table.reindex(hospitals).iterrows():
        depth = one["coding_depth_current"] - one["coding_depth_previous"]
        cases = min(one["cases_previous"], one["cases_current"])
        enough = cases >= rule["least_cases"] and one["change"] > 0
        if enough and one["within"] >= rule["least_within"] and depth >= rule["least_depth"]:
            numbers = [one["change"], one["within"], one["between"]]
            numbers += [one["coding_depth_previous"], one["coding_depth_current"]]
            said = {
                "before": one["cmi_previous"],
                "after": one["cmi_current"],
                "change": one["change"],
                "within": one["within"],
                "between": one["between"],
                "depth_before": one["coding_depth_previous"],
                "depth_after": one["coding_depth_current"],
            }
            said = {name: round(float(value), SHOWN) + 0.0 for name, value in said.items()}
            counts = [int(one["cases_previous"]), int(one["cases_current"])]
            rows.append([unit, *numbers, *counts, rule["zh"].format(**said), rule["en"].format(**said)])
    return pd.DataFrame(rows, columns=list(CODING))


def pair_alerts(indices: pd.DataFrame, drawn: Mapping[str, Funnel]) -> pd.DataFrame:
    """Hospitals with a low index beside a rate above its funnel (成对信号), one row per pair, columns PAIRS.

    indices : hospitals x indices, NaN = not known   drawn : funnels by rate; without one a pair is not tested
    limit is the upper 95 % limit drawn in the funnel, in the unit of the rate.
    """
    rows = []
    for rule in rules()["pair"]:
        funnel = drawn.get(rule["rate"])
        if funnel is None or rule["index"] not in indices.columns:
            continue
        for unit, value in indices[rule["index"]].items():
            if unit not in funnel.points.index or not value < rule["below"]:
                continue
            point = funnel.points.loc[unit]
            if not str(point["flag"]).startswith("above"):
                continue
            rate, limit = float(point["value"]), float(point["high_95"])
            said = {"value": value, "rate": rate, "limit": limit}
            texts = [rule[language].format(**said) for language in ("zh", "en")]
            rows.append(
                [unit, rule["id"], rule["index"], float(value), rule["rate"], rate, limit, point["flag"], *texts]
            )
    return pd.DataFrame(rows, columns=list(PAIRS))


def transfer_counts(cases: Any, hospitals: pd.Index) -> pd.DataFrame | None:
    """Hospitals x known (dispositions), transfers (to another hospital), share (%); None without dispositions.

    cases : grouped discharges, as casemix() takes them, with hospital_id
    """
    opened = open_cases(cases)
    header = canonical(opened.names)
    if not {"hospital_id", "discharge_disposition"} <= set(header):
        return None
    hospital, column = header["hospital_id"], header["discharge_disposition"]
    label, units, numbers, row = Labels(hospital), [], [], 0
    for batch in opened.batches([hospital, column]):
        units.append(label.number(batch.column(hospital)))
        numbers.append(read_number(batch.column(column), "discharge_disposition", column, row)[0])
        row += batch.num_rows
    if not units:
        return None
    codes = np.concatenate(numbers)
    names = np.array(label.texts(), dtype=object)[np.concatenate(units)]
    known = known_disposition(codes)
    table = pd.DataFrame(
        {"hospital": names, "known": known, "transfers": known & np.isin(codes, rules()["transfer"]["dispositions"])}
    )
    found = table.groupby("hospital")[["known", "transfers"]].sum().reindex(hospitals).astype(np.float64)
    found["share"] = found["transfers"] / found["known"].where(found["known"] > 0) * 100.0
    found.index.name = hospitals.name
    return found if found["known"].sum() > 0 else None
