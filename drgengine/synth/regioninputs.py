"""Inputs of the hospitals and of the invented region: ledger, staff, beds and counts that fit the discharges."""

from __future__ import annotations

import calendar
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from drgengine.synth.regioncases import RegionCases
from drgengine.synth.regionhospitals import YEARS, Region
from drgengine.synth.settings import data

Values = dict[str, np.ndarray]
_TAG = 8201
_SPLIT_DAYS = 3
_OPERATING, _INTERVENING = "ABCDEFGHJ", "KLMNPQ"
_CHARGES = {
    "drug": ("western_drug", "chinese_patent_drug", "chinese_herbal_drug"),
    "herbal": ("chinese_herbal_drug",),
    "material": ("examination_material", "treatment_material", "surgical_material"),
    "surgical_material": ("surgical_material",),
    "general_service": ("general_service",),
    "treatment": ("general_treatment", "nonsurgical_treatment", "rehabilitation", "tcm_treatment"),
    "surgery": ("surgical_treatment",),
    "nursing": ("nursing",),
    "imaging": ("imaging", "clinical_diagnosis"),
    "laboratory": ("laboratory", "pathology"),
}
"""Facts of the charges by parts of the front page."""


def hospital_inputs(region: Region, cases: RegionCases, seed: int) -> tuple[Values, Values]:
    """Inputs of the catalogue per hospital, previous and current year; NaN where they lack on purpose."""
    facts = [case_facts(region, table, year) for table, year in zip(cases.grouped, region.years, strict=True)]
    beds = _beds(region, facts[0])
    found = []
    for place, one in enumerate(facts):
        grown = np.rint(beds * (1.0 + 0.012 * place))
        one |= {"beds": grown, "open_bed_days": grown * one["days"]}
        found.append(_worked_out("region_inputs", one, region, place, seed))
    for gap in data("region")["missing"]:
        if gap["hospital"] in region.ids:
            for name in gap["inputs"]:
                found[YEARS.index(gap["year"])][name][region.ids.index(gap["hospital"])] = np.nan
    return found[0], found[1]


def region_inputs(
    region: Region, inputs: tuple[Values, Values], cases: RegionCases, seed: int
) -> tuple[Values, Values]:
    """Inputs of the region as a whole, one number each, previous and current year."""
    level3 = np.array([entry["level"] == "三级" for entry in region.entries])
    general = sum(entry["type"] == "综合" for entry in region.entries)
    found = []
    for place, values in enumerate(inputs):
        facts = {
            "beds_base": inputs[0]["beds"].sum(),
            "hospital_beds": values["beds"].sum(),
            "revenue": values["medical_revenue"].sum(),
            "discharges": float(cases.tables[place].num_rows),
            "level3_visits": values["visits"][level3].sum(),
            "count": float(len(region.ids)),
            "general2": float(general),
            "days": values["days"][0],
        }
        single = {name: np.array([value], dtype=np.float64) for name, value in facts.items()}
        found.append(_worked_out("region_counts", single, None, place, seed))
    return found[0], found[1]


def case_facts(region: Region, grouped: pa.Table, year: int) -> Values:
    """What inputs are worked out from, float64[hospitals] each."""
    place = {name: number for number, name in enumerate(region.ids)}
    hospital = np.array([place[name] for name in grouped["hospital_id"].to_pylist()])
    size = len(region.ids)

    def added(values: np.ndarray) -> np.ndarray:
        return np.bincount(hospital, values, minlength=size)

    def cents(parts: Sequence[str]) -> np.ndarray:
        amounts = sum(np.rint(grouped[part].to_numpy() * 100) for part in parts)
        return added(np.asarray(amounts)) / 100

    adrg = [str(code) if code is not None else "--" for code in grouped["adrg"].to_pylist()]
    facts = {
        "days": np.full(size, 366.0 if calendar.isleap(year) else 365.0),
        "discharges": added(np.ones(hospital.size)),
        "discharged_bed_days": added(grouped["los_days"].to_numpy().astype(np.float64)),
        "operations": added(np.array([float(code[1] in _OPERATING) for code in adrg])),
        "interventions": added(np.array([float(code[1] in _INTERVENING) for code in adrg])),
        "total_charges": cents(["total_charge"]),
        "split_stays": added(_split(grouped).astype(np.float64)),
    }
    return facts | {name: cents([f"charge_{part}" for part in parts]) for name, parts in _CHARGES.items()}


def _split(grouped: pa.Table) -> np.ndarray:
    """bool[n]: the patient is back in the same hospital within three days."""
    patient = np.unique(np.array(grouped["patient_id"].to_pylist()), return_inverse=True)[1]
    hospital = np.unique(np.array(grouped["hospital_id"].to_pylist()), return_inverse=True)[1]
    admitted = grouped["admission_date"].cast(pa.int32()).to_numpy()
    discharged = grouped["discharge_date"].cast(pa.int32()).to_numpy()
    order = np.lexsort((admitted, hospital, patient))
    same = (patient[order][1:] == patient[order][:-1]) & (hospital[order][1:] == hospital[order][:-1])
    soon = same & (admitted[order][1:] - discharged[order][:-1] <= _SPLIT_DAYS)
    found = np.zeros(patient.size, dtype=bool)
    found[order[:-1]] = soon
    return found


def _beds(region: Region, facts: Values) -> np.ndarray:
    """Beds by the occupancy of the previous year."""
    occupancy = np.array([entry["occupancy"] for entry in region.entries])
    return np.asarray(np.maximum(np.rint(facts["discharged_bed_days"] / facts["days"] / occupancy), 10.0))


def _worked_out(name: str, facts: Values, region: Region | None, place: int, seed: int) -> Values:
    """The inputs of a data file in their order, whole numbers unless they say otherwise."""
    known, found = dict(facts), {}
    for key, entry in data(name)["input"].items():
        value = sum(weight * known[term] for term, weight in entry["of"].items()) + entry.get("plus", 0.0)
        value = value * _ratio(entry, region) * entry.get("growth", 1.0) ** place
        value = value * _by_chance(entry, key, np.size(value), place, seed)
        if region is not None and place == YEARS.index("current"):
            value = value * np.array([entry.get("story", {}).get(story, 1.0) for story in region.stories])
        if "most" in entry:
            value = np.minimum(value, known[entry["most"]])
        known[key] = found[key] = np.round(np.asarray(value, dtype=np.float64), entry.get("decimals", 0))
    return found


def _ratio(entry: Mapping[str, Any], region: Region | None) -> np.ndarray | float:
    ratio = entry.get("ratio", 1.0)
    if not isinstance(ratio, dict):
        return float(ratio)
    kinds = region.kinds if region is not None else []
    return np.array([ratio.get(kind, ratio.get("other", 0.0)) for kind in kinds])


def _by_chance(entry: Mapping[str, Any], key: str, size: int, place: int, seed: int) -> np.ndarray:
    """A factor per unit that stays over the years, times one of the year; an input's draws depend on its name alone."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, _TAG, zlib.crc32(key.encode())]))
    lasting, yearly = rng.standard_normal(size), rng.standard_normal((len(YEARS), size))
    return np.asarray(np.exp(entry.get("spread", 0.0) * lasting + entry.get("change", 0.0) * yearly[place]))


def evidence_rows(region: Region, seed: int) -> list[tuple[str, str, str, str, str]]:
    """Unit, indicator, value, source and date of what is given and not computed, for the current year."""
    facts, year = data("region"), region.years[1]
    surveys, told, of_region = facts["evidence"], facts["published"], facts["region_evidence"]
    rows = []
    for name, entry in surveys.items():
        if isinstance(entry, dict):
            rng = np.random.default_rng(np.random.SeedSequence([seed, _TAG, zlib.crc32(name.encode())]))
            drawn = entry["value"] + entry["spread"] * rng.standard_normal(len(region.ids))
            for unit, story, value in zip(region.ids, region.stories, drawn.tolist(), strict=True):
                score = min(value * entry["story"].get(story, 1.0), entry["most"])
                rows.append((unit, name, f"{score:.1f}", surveys["source"], f"{year}-{surveys['date']}"))
    for unit in region.ids:
        for name in told["indicators"]:
            yes = name not in told["no"].get(unit, ())
            rows.append((unit, name, str(int(yes)), told["source"], f"{year}-{told['date']}"))
    for name, value in of_region.items():
        if isinstance(value, float):
            rows.append((facts["zh"], name, f"{value:.1f}", of_region["source"], f"{year}-{of_region['date']}"))
    return rows
