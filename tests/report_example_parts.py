"""Further tables of the made-up evaluation: funnels, frontier, policy lines, decisions, books, region."""

from __future__ import annotations

import numpy as np
import pandas as pd

from drgengine.evaluation.indicators import compute_indicators, load_catalogue, policy_lines
from drgengine.evaluation.indicators.computing import Indicators
from drgengine.evaluation.mix.result import CaseMix
from drgengine.evaluation.yearly.result import Book, Funnel

DEA_INPUTS, DEA_OUTPUTS = ("doctors", "nurses", "beds", "business_cost"), ("total_weight", "visits")


def region_values() -> Indicators:
    """A region somewhat on its way from base to target."""
    inputs = {"population": 690_000.0, "beds": 4300.0, "hospital_beds": 3700.0, "public_hospital_beds": 1300.0}
    inputs |= {"county_public_beds": 1700.0, "nonpublic_beds": 2600.0, "doctors": 2010.0, "nurses": 2200.0}
    inputs |= {"pharmacists": 190.0, "general_practitioners": 199.0, "tcm_doctors": 340.0, "staff": 6500.0}
    catalogue = load_catalogue()
    names = [one.id for one in catalogue.indicators.values() if one.of in ("region", "any")]
    return compute_indicators(pd.DataFrame([inputs], index=["某市"]), catalogue, names)


def funnels(hospitals: pd.DataFrame, found: Indicators, mix: CaseMix) -> dict[str, Funnel]:
    """Low-risk mortality, readmission and charge index against volume."""
    cases = mix.table["cases"].reindex(hospitals.index).to_numpy(float)
    made = {}
    for name, sd in (("charge_index", 1.3), ("readmission_unplanned_31", 17.0), ("low_risk_mortality", 2.0)):
        one = found.catalogue[name]
        value = found.values[name].to_numpy()
        target = float(np.nanmean(value))
        grid = np.geomspace(cases.min() * 0.8, cases.max() * 1.1, 60)
        points, curve = _limits(cases, target, sd), _limits(grid, target, sd)
        points.index = hospitals.index
        points.insert(1, "value", value)
        flags = np.where(value > points["high_95"], "above 95", "")
        flags = np.where(value > points["high_998"], "above 99.8", flags)
        flags = np.where(value < points["low_95"], "below 95", flags)
        points["flag"] = np.where(value < points["low_998"], "below 99.8", flags)
        kind = "ratio" if one.unit == "index" else "share"
        made[name] = Funnel(name, one.zh, one.en, one.unit, kind, target, "病例数", "cases", points, curve, 2.1, 0.004)
    return made


def _limits(volume: np.ndarray, target: float, sd: float) -> pd.DataFrame:
    half = sd / np.sqrt(volume)
    columns = {"volume": volume, "low_95": target - 1.96 * half, "high_95": target + 1.96 * half}
    columns |= {"low_998": target - 3.09 * half, "high_998": target + 3.09 * half}
    return pd.DataFrame(columns).clip(lower=0.0)


def frontier(hospitals: pd.DataFrame, inputs: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Scores, intervals, peers, slacks and targets as a frontier would give."""
    n = len(hospitals)
    score = np.clip(rng.normal(0.88, 0.1, n), 0.5, 1.0)
    score[0] = 1.0
    corrected = score - np.abs(rng.normal(0.05, 0.01, n))
    table = pd.DataFrame(
        {
            "score": score,
            "corrected": corrected,
            "low": corrected - 0.05,
            "high": corrected + 0.04,
            "efficient": score >= 1.0,
            "returns_to_scale": rng.choice(["irs", "crs", "drs"], n),
            "scale_efficiency": np.clip(rng.normal(0.95, 0.03, n), 0, 1),
            "peers": [f"{hospitals.index[0]} (0.62), {hospitals.index[-1]} (0.31)"] * n,
            "status": "optimal",
            "reason": "",
        },
        index=hospitals.index,
    )
    for name in (*DEA_INPUTS, *DEA_OUTPUTS):
        table[f"slack_{name}"] = np.where(rng.random(n) < 0.4, inputs[name] * 0.03, 0.0)
        goal = inputs[name] * (score if name in DEA_INPUTS else 1.0)
        sign = -1.0 if name in DEA_INPUTS else 1.0
        table[f"target_{name}"] = goal + sign * table[f"slack_{name}"]
    table.loc[table.index[-1], ["score", "corrected", "low", "high"]] = np.nan
    table.loc[table.index[-1], ["status", "reason"]] = ["left out", "beds has no value"]
    return table


def productivity(hospitals: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Malmquist index and its parts."""
    parts = {name: np.exp(rng.normal(0.0, 0.05, len(hospitals))) for name in ("pure", "scale", "technical_change")}
    table = pd.DataFrame(parts, index=hospitals.index)
    table["efficiency_change"] = table["pure"] * table["scale"]
    table["malmquist"] = table["efficiency_change"] * table["technical_change"]
    table["status"], table["reason"] = "ok", ""
    return table


def lines(targets: pd.DataFrame, region: Indicators | None) -> pd.DataFrame:
    """One row per policy line and target."""
    catalogue, rows = load_catalogue(), []
    for line in policy_lines():
        if line.id[0] not in "AB":
            continue
        own = targets[targets["line"] == line.id]
        scope = "region" if line.id[0] == "B" else "hospital"
        base = {"line": line.id, "zh": line.zh, "en": line.en, "scope": scope, "remark_zh": "", "remark_en": line.how}
        if line.status in ("engine", "out of scope") or own.empty:
            status = line.status if line.status in ("engine", "out of scope", "evidence") else "no target"
            rows.append(base | {"scope": "engine" if status == "engine" else scope, "status": status})
            continue
        for name, part in own.groupby("indicator", sort=False):
            one = catalogue[str(name)]
            values = part["actual"].dropna()
            status = part["status"].mode().iloc[0]
            rows.append(
                base
                | {
                    "indicator": name,
                    "indicator_zh": one.zh,
                    "indicator_en": one.en,
                    "actual": values.median() if len(values) else np.nan,
                    "units": len(part),
                    "met": int(part["status"].isin(["met", "trend right", "near"]).sum()),
                    "missed": int(part["status"].isin(["missed", "trend wrong"]).sum()),
                    "target": part["target"].iloc[0],
                    "target_text": part["word"].iloc[0],
                    "status": status,
                    "gap": part["gap"].median(),
                    "source_zh": one.cited("zh"),
                    "source_en": one.cited("en"),
                }
            )
    texts = ["indicator", "indicator_zh", "indicator_en", "target_text", "source_zh", "source_en"]
    table = pd.DataFrame(rows)
    table[texts] = table[texts].fillna("").astype(object)
    return table


def decisions(hospitals: pd.DataFrame, league: pd.DataFrame) -> pd.DataFrame:
    """Two decisions per hospital."""
    rows = []
    for hospital in hospitals.index:
        score = league.at[hospital, "score"]
        factor = 0.8 + 0.4 * score / 100.0
        capped = float(np.clip(factor, 0.9, 1.1))
        note = "" if np.isfinite(score) else "excluded: no score"
        for kind, zh, en, unit in (
            ("budget", "预算系数", "Budget factor", ""),
            ("posts", "岗位数建议", "Proposed posts", "posts"),
        ):
            amount = league.at[hospital, "total_weight"] / 95.0 if kind == "posts" else np.nan
            formula, cap = "0.8 + 0.4 * score / 100", "0.9-1.1"
            rows.append((hospital, kind, zh, en, score, factor, capped, amount, unit, formula, cap, note))
    columns = [
        "hospital_id",
        "kind",
        "zh",
        "en",
        "basis",
        "factor",
        "capped_factor",
        "amount",
        "unit",
        "formula",
        "cap",
    ]
    return pd.DataFrame(rows, columns=[*columns, "note"])


def books(hospitals: pd.DataFrame, rng: np.random.Generator, count: int) -> dict[str, Book]:
    """Books of the first hospitals."""
    made = {}
    for hospital in hospitals.index[:count]:
        tables = []
        for names in ([f"D{at:02d}" for at in range(1, 9)], [f"M{at:03d}" for at in range(1, 31)]):
            n = len(names)
            table = pd.DataFrame({"cases": rng.integers(5, 900, n)}, index=names)
            if names[0][0] == "M":
                table.insert(0, "department_id", rng.choice([f"D{at:02d}" for at in range(1, 9)], n))
            table["total_weight"] = table["cases"] * np.exp(rng.normal(0, 0.3, n))
            table["cmi"], table["peer_cmi"] = table["total_weight"] / table["cases"], 1.0
            table["drg_count"] = rng.integers(1, 60, n)
            for name in ("charge_index", "time_index"):
                table[name], table[f"peer_{name}"] = np.exp(rng.normal(0, 0.15, n)), 1.0
            table["low_risk_mortality"], table["peer_low_risk_mortality"] = 0.0, 0.0002
            table["remark"] = np.where(table["cases"] < 50, "volume below minimum", "")
            tables.append(table)
        tables[0].index.name, tables[1].index.name = "department_id", "physician"
        made[hospital] = Book(hospital, tables[0], tables[1], {"departments": 1, "physicians": 4})
    return made
