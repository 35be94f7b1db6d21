"""Discharges of the invented region over two years, with the planted stories in them."""

from __future__ import annotations

import calendar
import datetime as dt
import hashlib
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from drgengine.cases import CASE_SCHEMA
from drgengine.grouper.group import group
from drgengine.synth.block import BLOCK_ROWS, make_block
from drgengine.synth.plan import Plan
from drgengine.synth.regionhospitals import Region, region_plan
from drgengine.synth.regionreturns import DEATH, HOME, Stays, come_back
from drgengine.synth.settings import BAND_EDGES, data

_TAG = 8101
_MOST_DIAGNOSES = 11
_PARTS = tuple(name for name in CASE_SCHEMA.names if name.startswith("charge_"))


@dataclass(frozen=True)
class RegionCases:
    """Discharges of both years, sorted by year, hospital and day.

    tables : one per year, the columns of the case table   grouped : the same with the answers of the grouper
    """

    tables: tuple[pa.Table, pa.Table]
    grouped: tuple[pa.Table, pa.Table]


def draw_cases(region: Region, scheme: str, cases_per_year: int, seed: int) -> RegionCases:
    """Two years of discharges. Same arguments, same rows."""
    plan = region_plan(region, scheme, seed)
    facts = data("region")
    counts = (cases_per_year, round(cases_per_year * facts["current_growth"]))
    drawn = [_blocks(plan, seed, year, count, facts["dirty_share"]) for year, count in enumerate(counts)]
    table = pa.concat_tables([one for one, _ in drawn])
    hospital = np.concatenate([one for _, one in drawn])
    year = np.repeat([0, 1], counts)
    rng = [np.random.default_rng(np.random.SeedSequence([seed, _TAG, n])) for n in range(5)]
    table = _deeper_coding(table, plan, region, hospital, year, rng[0])
    table = _dearer(table, region, hospital, year)
    stays = _stays(table, region, hospital, year, rng[1])
    answers = group(_with_stays(table, stays, seed), scheme)
    columns = {name: np.array(answers[name].to_pylist(), dtype=object) for name in ("mdc", "drg", "status")}
    _excess_deaths(stays, columns["drg"], columns["status"] == "grouped", region, rng[2])
    come_back(stays, columns["mdc"], columns["status"] == "grouped", region, rng[3])
    final = _with_stays(table, stays, seed)
    for name in ("status", "mdc", "adrg", "drg", "severity", "reason"):
        final = final.append_column(name, answers[name].combine_chunks())
    return _by_year(final, stays)


def _blocks(plan: Plan, seed: int, year: int, count: int, dirty: float) -> tuple[pa.Table, np.ndarray]:
    numbers = range(-(-count // BLOCK_ROWS))
    blocks = [make_block(plan, seed, 2 * number + year, dirty) for number in numbers]
    table = pa.concat_tables([block.table for block in blocks]).slice(0, count)
    return table, np.concatenate([block.hospital for block in blocks])[:count]


def _deeper_coding(
    table: pa.Table, plan: Plan, region: Region, hospital: np.ndarray, year: np.ndarray, rng: np.random.Generator
) -> pa.Table:
    """One more diagnosis, a complication by the lists of the scheme, for some cases of a hospital that upcodes."""
    share = region.effect("depth", 0.0)[hospital, year]
    major = region.effect("major", 0.0)[hospital, year]
    age = np.array(table["age_years"].to_pylist(), dtype=object)
    adult = np.array([a is not None and a >= BAND_EDGES[0] for a in age])
    codes = table["dx"].to_pylist()
    mother = np.array([bool(row) and str(row[0]).startswith(("O", "Z")) for row in codes])
    chosen = np.flatnonzero((rng.random(year.size) < share) & adult & ~mother)
    band = np.digitize(age[chosen].astype(int), BAND_EDGES) + 1
    pools = np.where(rng.random(chosen.size) < major[chosen], plan.secondary.mcc[band], plan.secondary.cc[band])
    texts = plan.dx_texts.take(pa.array(plan.pools.draw(rng, pools))).to_pylist()
    for row, text in zip(chosen.tolist(), texts, strict=True):
        if codes[row] and text not in codes[row] and len(codes[row]) < _MOST_DIAGNOSES:
            codes[row] = [codes[row][0], text, *codes[row][1:]]
    return _replaced(table, "dx", pa.array(codes, CASE_SCHEMA.field("dx").type))


def _dearer(table: pa.Table, region: Region, hospital: np.ndarray, year: np.ndarray) -> pa.Table:
    """Charges times the factors of hospital, year and family, in whole cents that sum exactly."""
    facts = data("region")
    level = region.effect("charge", 1.0)[hospital, year] * facts["price_growth"] ** year
    total = np.zeros(year.size, dtype=np.int64)
    for name in _PARTS:
        factor = level.copy()
        for family, members in facts["families"].items():
            if name.removeprefix("charge_") in members:
                factor *= region.effect(family, 1.0)[hospital, year]
                factor *= np.array([entry.get("parts", {}).get(family, 1.0) for entry in region.entries])[hospital]
        cents = np.rint(table[name].to_numpy() * factor * 100).astype(np.int64)
        total += cents
        table = _replaced(table, name, pa.array(cents / 100))
    return _replaced(table, "total_charge", pa.array(total / 100))


def _stays(table: pa.Table, region: Region, hospital: np.ndarray, year: np.ndarray, rng: np.random.Generator) -> Stays:
    """Stays times the factors of the stories, discharged on any day of their year."""
    old = table["los_days"].to_numpy().astype(np.int64)
    same_day = table["admission_date"].to_numpy() == table["discharge_date"].to_numpy()
    factor = region.effect("stay", 1.0)[hospital, year]
    # A fraction of a day becomes a day with its own chance, so that short stays shorten too.
    los = np.maximum(np.floor(old * factor + rng.random(old.size)), 1).astype(np.int64)
    los = np.where(factor == 1.0, old, los)
    span = np.where(same_day & (los == 1), 0, los)
    first, length = _calendar(region)
    discharged = first[year] + (rng.random(old.size) * length[year]).astype(np.int64)
    return Stays(
        hospital=hospital.astype(np.int64),
        year=year.astype(np.int64),
        sex=np.array(table["sex"].to_pylist(), dtype=object),
        age=np.array(table["age_years"].to_pylist(), dtype=object),
        los=los,
        admitted=discharged - span,
        discharged=discharged,
        disposition=table["discharge_disposition"].to_numpy().copy(),
        planned=np.array(table["planned_readmission"].to_pylist(), dtype=object),
        patient=np.arange(old.size),
        last_day=first + length - 1,
    )


def _calendar(region: Region) -> tuple[np.ndarray, np.ndarray]:
    """First day (days since 1970) and number of days of both years."""
    first = np.array([(dt.date(year, 1, 1) - dt.date(1970, 1, 1)).days for year in region.years])
    return first, np.array([366 if calendar.isleap(year) else 365 for year in region.years])


def low_risk_groups(stays: Stays, drg: np.ndarray, grouped: np.ndarray) -> set[str]:
    """Groups whose logarithm of mortality in the first year lies below mean minus one standard deviation, and those
    without a death among enough cases.
    """
    rows = np.flatnonzero(grouped & (stays.year == 0))
    names, place = np.unique(drg[rows].astype(str), return_inverse=True)
    cases = np.bincount(place)
    deaths = np.bincount(place, stays.disposition[rows] == DEATH)
    some = deaths > 0
    logs = np.log(deaths[some] / cases[some])
    low = np.zeros(names.size, dtype=bool)
    low[some] = logs < logs.mean() - logs.std(ddof=1)
    low |= ~some & (cases >= data("region")["low_risk_cases"])
    return set(names[low].tolist())


def _excess_deaths(
    stays: Stays, drg: np.ndarray, grouped: np.ndarray, region: Region, rng: np.random.Generator
) -> None:
    """Deaths in low-risk groups, beside those that were drawn."""
    low = np.isin(drg.astype(str), sorted(low_risk_groups(stays, drg, grouped)))
    per_thousand = region.effect("deaths", 0.0)
    for hospital, year in np.argwhere(per_thousand > 0).tolist():
        there = (stays.hospital == hospital) & (stays.year == year) & grouped
        wanted = round(float(per_thousand[hospital, year]) * int(there.sum()) / 1000)
        rows = np.flatnonzero(there & low & (stays.disposition == HOME))
        stays.disposition[rng.permutation(rows)[:wanted]] = DEATH


def _with_stays(table: pa.Table, stays: Stays, seed: int) -> pa.Table:
    hours = {name: np.minimum(table[name].to_numpy(), stays.los * 24.0) for name in ("icu_hours", "ventilator_hours")}
    columns = {
        "patient_id": pa.array([_pseudonym(seed, number) for number in stays.patient.tolist()]),
        "planned_readmission": pa.array(stays.planned.tolist(), pa.string()),
        "admission_date": pa.array(stays.admitted.astype(np.int32)).view(pa.date32()),
        "discharge_date": pa.array(stays.discharged.astype(np.int32)).view(pa.date32()),
        "los_days": pa.array(stays.los.astype(np.int32)),
        "discharge_disposition": pa.array(stays.disposition.astype(np.int32)),
        **{name: pa.array(values) for name, values in hours.items()},
    }
    for name, values in columns.items():
        table = _replaced(table, name, values)
    return table


def _pseudonym(seed: int, number: int) -> str:
    return hashlib.blake2b(f"{seed}:{number}".encode(), digest_size=8).hexdigest()


def _by_year(table: pa.Table, stays: Stays) -> RegionCases:
    """Rows of each year by hospital and day, numbered."""
    tables, grouped = [], []
    for year in (0, 1):
        rows = np.flatnonzero(stays.year == year)
        order = rows[np.lexsort((rows, stays.discharged[rows], stays.hospital[rows]))]
        one = table.take(pa.array(order))
        first = dt.date(1970, 1, 1) + dt.timedelta(days=int(stays.discharged[rows].min()))
        numbers = [f"{first.year}{n:08d}" for n in range(1, order.size + 1)]
        one = _replaced(one, "case_id", pa.array(numbers))
        grouped.append(one)
        tables.append(one.select(CASE_SCHEMA.names).cast(CASE_SCHEMA))
    return RegionCases((tables[0], tables[1]), (grouped[0], grouped[1]))


def _replaced(table: pa.Table, name: str, values: pa.Array) -> pa.Table:
    return table.set_column(table.schema.get_field_index(name), name, values)
