"""Made-up hospitals for the report tests: DRG statistics and inputs of two years, from a seed."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from drgengine.evaluation.mix import casemix, readmissions, statistics_of_table
from drgengine.evaluation.mix.readmission import Readmissions
from drgengine.evaluation.mix.result import CaseMix
from drgengine.evaluation.mix.unitstatistics import UnitStatistics

GROUPS = [f"{mdc}{kind}{number}{end}" for mdc in "BEFGIN" for kind in "BR" for number in range(1, 7) for end in "135"]
PLACES = "安平永宁清河新城东湖西山南桥北关中兴和顺长乐金沙"
KINDS = (("三级", "综合"), ("二级", "综合"), ("二级", "中医"), ("三级", "专科"))


def hospital_table(count: int, rng: np.random.Generator) -> pd.DataFrame:
    """name, name_en, level, type, peer_group of `count` hospitals; one name tries to break out of the page."""
    rows = {}
    for at in range(count):
        level, kind = KINDS[int(rng.choice(4, p=(0.35, 0.4, 0.15, 0.1)))]
        place = PLACES[2 * (at % 11) : 2 * (at % 11) + 2]
        ending = {"综合": "人民医院", "中医": "中医医院", "专科": "专科医院"}[kind]
        name = f"{place}{'市' if level == '三级' else '县'}{ending}" if at < 11 else f"{place}第{at}{ending}"
        rows[f"H{at + 1:03d}"] = (name, f"{place}-{at + 1} Hospital", level, kind, f"{level}{kind}")
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["name", "name_en", "level", "type", "peer_group"])
    table.iloc[0, :2] = ("东区</script><b>&\"第一'医院", "East </script><b>& \"First' Hospital")
    table.index.name = "hospital_id"
    return table


def statistics(hospitals: pd.DataFrame, sizes: np.ndarray, rng: np.random.Generator, year: int) -> UnitStatistics:
    """One row per hospital and DRG, larger and better hospitals with harder groups."""
    weights = np.exp(rng.normal(0.0, 0.6, len(GROUPS)))
    rows = []
    for at, name in enumerate(hospitals.index):
        tilt = np.exp(np.log(weights) * (np.log(sizes[at]) - 8.0) * 0.35)
        counts = rng.multinomial(int(sizes[at]), tilt / tilt.sum())
        fee, stay = np.exp(rng.normal(0.0, 0.12)), np.exp(rng.normal(0.0, 0.1))
        for group, cases, weight in zip(GROUPS, counts, weights, strict=True):
            if not cases:
                continue
            charge, days = 9000.0 * weight * fee, 7.5 * weight**0.4 * stay
            risk = 0.0004 if weight < 0.7 else 0.012 * weight
            values = (charge, (charge * 1.3) ** 2, charge * 0.97, days, (days * 1.2) ** 2, rng.binomial(cases, risk))
            rows.append((name, group, int(cases), *values, int(cases * 2.7)))
    columns = ["hospital_id", "drg", "cases", "charge_mean", "sq", "cost_mean", "los_mean", "dsq", "deaths", "dx_count"]
    frame = pd.DataFrame(rows, columns=columns)
    frame["charge_sumsq"], frame["los_sumsq"] = frame.pop("sq") * frame["cases"], frame.pop("dsq") * frame["cases"]
    return statistics_of_table(frame, period=(dt.date(year, 1, 1), dt.date(year, 12, 31)))


def mix_of(found: UnitStatistics, weights: object = None) -> CaseMix:
    """Case mix per hospital; weights of another year where given."""
    return casemix(found, weights=weights)


def some_readmissions(hospitals: pd.DataFrame, rng: np.random.Generator, year: int) -> Readmissions:
    """A small table of stays, so that flow and settings are there; rates come from the inputs."""
    start = dt.date(year, 1, 1)
    days = rng.integers(0, 300, 4 * len(hospitals))
    table = pd.DataFrame(
        {
            "hospital_id": np.repeat(hospitals.index.to_numpy(), 4),
            "patient_id": [f"P{at // 2}" for at in range(4 * len(hospitals))],
            "drg": "FR25",
            "admission_date": [start + dt.timedelta(days=int(day)) for day in days],
            "discharge_date": [start + dt.timedelta(days=int(day) + 6) for day in days],
        }
    )
    return readmissions(table)


def inputs_table(hospitals: pd.DataFrame, mix: CaseMix, traits: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    """Inputs of the catalogue; some hospitals lack some, one has no beds, so that indicators are missing."""
    n = len(hospitals)
    cases = mix.table["cases"].reindex(hospitals.index).to_numpy(float)

    def near(middle: float, spread: float, trait: int) -> np.ndarray:
        return middle * np.exp(spread * (traits[:, trait] + 0.35 * rng.normal(size=n)))

    beds = np.round(cases / near(38.0, 0.15, 0))
    doctors, revenue = np.round(beds * near(0.42, 0.1, 1)), cases * near(14000.0, 0.12, 2)
    surgical, visits = np.round(cases * np.clip(near(0.35, 0.2, 3), 0, 0.8)), np.round(cases * near(17.0, 0.3, 4))
    service = revenue * near(0.31, 0.12, 5)
    table = pd.DataFrame(
        {
            "bed_days": beds * 365 * np.clip(near(0.8, 0.1, 0), 0.3, 1.05),
            "open_bed_days": beds * 365,
            "beds": beds,
            "days": 365.0,
            "day_operations": surgical * near(0.09, 0.3, 6),
            "elective_operations": surgical * 0.8,
            "discharged_bed_days": cases * near(8.2, 0.1, 7),
            "doctors": doctors,
            "nurses": np.round(doctors * near(1.25, 0.1, 6)),
            "pharmacists": np.round(beds * near(0.05, 0.2, 1)),
            "staff": np.round(beds * near(1.5, 0.08, 1)),
            "visits": visits,
            "clinic_visits": np.round(visits * 0.85),
            "surgical_discharges": surgical,
            "grade4_discharges": np.round(surgical * np.clip(near(0.14, 0.3, 3), 0, 1)),
            "mis_discharges": np.round(surgical * np.clip(near(0.2, 0.3, 3), 0, 1)),
            "complication_patients": np.round(surgical * near(0.006, 0.4, 8)),
            "elective_surgical_patients": surgical,
            "index_stays_31": np.round(cases * 0.85),
            "readmissions_unplanned_31": rng.binomial((cases * 0.85).astype(int), np.clip(near(0.028, 0.3, 8), 0, 1)),
            "medical_revenue": revenue,
            "total_revenue": revenue * 1.08,
            "drug_revenue": revenue * np.clip(near(0.29, 0.15, 9), 0, 0.6),
            "tcm_revenue": revenue * 0.02,
            "consumable_cost": revenue * near(0.155, 0.15, 9),
            "inpatient_revenue": revenue * 0.65,
            "outpatient_revenue": revenue * 0.35,
            "registration_revenue": service * 0.05,
            "bed_revenue": service * 0.15,
            "consultation_revenue": service * 0.1,
            "treatment_revenue": service * 0.35,
            "surgery_revenue": service * 0.2,
            "nursing_revenue": service * 0.13,
            "pharmacy_service_revenue": service * 0.02,
            "self_paid_amount": revenue * 0.65 * np.clip(near(0.11, 0.3, 4), 0, 1),
            "total_charges": revenue * 0.65,
            "staff_cost": revenue * near(0.38, 0.08, 5),
            "business_cost": revenue * 1.03,
            "energy_cost": revenue * near(0.013, 0.2, 6),
            "medical_surplus": revenue * (0.01 + 0.03 * traits[:, 2]),
            "liabilities": revenue * near(0.7, 0.2, 7),
            "assets": revenue * 1.6,
            "downward_referrals": np.round(cases * near(0.012, 0.5, 4)),
        },
        index=hospitals.index,
    )
    table.loc[rng.random(n) < 0.1, ["downward_referrals"]] = np.nan
    table.loc[rng.random(n) < 0.05, ["energy_cost", "assets"]] = np.nan
    return table
