"""Invented discharges: the same for the same seed, plausible, and dirty exactly where the summary says so."""

import datetime as dt
import itertools
from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from drgengine.cases import CASE_SCHEMA
from drgengine.errors import DrgEngineError, OutputFileError
from drgengine.grouper.reference import Case, decide
from drgengine.grouper.schemefile import load_scheme
from drgengine.synth import generate, sample
from drgengine.synth.block import BLOCK_ROWS
from drgengine.synth.pools import Pools
from drgengine.synth.settings import data

ROWS = 20_000
PARTS = [name for name in CASE_SCHEMA.names if name.startswith("charge_")]


@pytest.fixture(scope="module")
def clean():
    return sample(ROWS, seed=3, dirty_share=0.0)[0]


def column(table, name):
    return table[name].to_numpy(zero_copy_only=False)


def principal(table):
    return pc.list_element(table["dx"], 0)


def begins(table, *prefixes):
    return np.array([code.startswith(prefixes) for code in principal(table).to_pylist()])


def decisions(table, scheme):
    numbers = ("age_years", "age_days", "birth_weight_g", "los_days", "icu_hours", "ventilator_hours")
    return [
        decide(
            scheme,
            Case(
                tuple(row["dx"]),
                tuple(row["proc"] or ()),
                row["sex"],
                {name: row[name] for name in numbers if row[name] is not None},
            ),
        )
        for row in table.to_pylist()
    ]


# ---------------------------------------------------------------- the same, however it is made
def test_same_seed_same_file_other_seed_other_rows(tmp_path):
    first = generate(tmp_path / "a.parquet", rows=3000, seed=5)
    again = generate(tmp_path / "b.parquet", rows=3000, seed=5)
    generate(tmp_path / "c.parquet", rows=3000, seed=6)
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    assert first.dirty == again.dirty
    assert not pq.read_table(tmp_path / "a.parquet").equals(pq.read_table(tmp_path / "c.parquet"))


def test_row_groups_and_length_do_not_change_the_rows(tmp_path):
    rows = BLOCK_ROWS + 777
    generate(tmp_path / "wide.parquet", rows=rows, seed=9)
    generate(tmp_path / "narrow.parquet", rows=rows, seed=9, row_group=5000)
    wide, narrow = (pq.ParquetFile(tmp_path / name) for name in ("wide.parquet", "narrow.parquet"))
    assert wide.num_row_groups == 1
    assert [narrow.metadata.row_group(n).num_rows for n in range(narrow.num_row_groups)] == [5000] * 6 + [3545]
    table = wide.read()
    assert table.equals(narrow.read())
    assert table.slice(0, 2000).equals(sample(2000, seed=9)[0])
    assert len(set(table["case_id"].to_pylist())) == rows


def test_schema_is_the_case_table(tmp_path):
    summary = generate(tmp_path / "a.parquet", rows=100)
    file = pq.ParquetFile(tmp_path / "a.parquet")
    assert file.schema_arrow == CASE_SCHEMA
    assert file.metadata.row_group(0).column(0).compression == "ZSTD"
    assert summary.rows == 100
    assert summary.bytes == (tmp_path / "a.parquet").stat().st_size
    assert sum(summary.by_hospital.values()) == 100
    assert "100 synthetic discharges" in summary.text()


def test_an_interrupted_run_leaves_no_file(tmp_path):
    def stop(done, rows):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate(tmp_path / "a.parquet", rows=100, progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_wrong_arguments_are_named(tmp_path):
    with pytest.raises(DrgEngineError, match="argument dirty_share"):
        sample(10, dirty_share=0.9)
    with pytest.raises(DrgEngineError, match="argument rows"):
        generate(tmp_path / "a.parquet", rows=0)
    with pytest.raises(OutputFileError, match="nowhere"):
        generate(tmp_path / "nowhere" / "a.parquet", rows=10)


# ---------------------------------------------------------------- plausible
def test_charges_sum_to_the_total_to_the_cent(clean):
    cents = [np.rint(column(clean, name) * 100).astype(np.int64) for name in PARTS]
    total = column(clean, "total_charge")
    assert np.array_equal(sum(cents), np.rint(total * 100).astype(np.int64))
    assert all(np.array_equal(column(clean, name), c / 100) for name, c in zip(PARTS, cents, strict=True))
    assert min(c.min() for c in cents) >= 0
    assert total.min() > 0


def test_dates_and_stay_agree(clean):
    admitted, discharged = column(clean, "admission_date"), column(clean, "discharge_date")
    days = (discharged - admitted).astype("timedelta64[D]").astype(int)
    assert np.array_equal(np.maximum(days, 1), column(clean, "los_days"))
    assert admitted.min() >= np.datetime64(dt.date(2025, 1, 1))
    assert discharged.max() <= np.datetime64(dt.date(2025, 12, 31))


def test_ventilator_within_stay_and_intensive_care(clean):
    icu, ventilator = column(clean, "icu_hours"), column(clean, "ventilator_hours")
    assert np.all(ventilator <= column(clean, "los_days") * 24)
    assert np.all(ventilator <= icu)
    assert 0.01 < np.mean(icu > 0) < 0.12


def test_sex_and_age_fit_the_principal_diagnosis(clean):
    sex, age = column(clean, "sex"), column(clean, "age_years")
    assert set(sex[begins(clean, "C51", "C53", "C56", "N80", "N83", "O")]) == {2}
    assert set(sex[begins(clean, "C61", "N40", "N47")]) == {1}
    mothers = age[begins(clean, "O")]
    assert mothers.min() >= 15
    assert mothers.max() <= 49
    assert set(age[begins(clean, "P")]) == {0}
    assert np.median(age[begins(clean, "H25")]) > 65
    assert np.median(age[begins(clean, "N40")]) > 65
    assert np.median(age[begins(clean, "J18.0")]) < 8


def test_secondary_diagnoses_fit_sex_and_newborns(clean):
    traits = data("diagnoses")["traits"]
    female, male = tuple(traits["female"]), tuple(traits["male"])
    for dx, sex, days in zip(clean["dx"].to_pylist(), column(clean, "sex"), clean["age_days"].to_pylist(), strict=True):
        assert not any(code.startswith(female if sex == 1 else male) for code in dx)
        assert days is not None or not any(code.startswith("P") for code in dx)
        assert len(set(dx)) == len(dx)


def test_days_of_life_and_weights_where_they_belong(clean):
    years, days = clean["age_years"].to_pylist(), clean["age_days"].to_pylist()
    weights = clean["birth_weight_g"].to_pylist()
    assert all((age == 0) == (day is not None) for age, day in zip(years, days, strict=True))
    assert all(
        (weight is not None) == (day is not None and day <= 28) for weight, day in zip(weights, days, strict=True)
    )
    known = np.array([weight for weight in weights if weight is not None])
    assert 2800 < known.mean() < 3300
    assert known.min() >= 500
    assert np.mean(known < 2500) > 0.05


def test_amounts_of_codes(clean):
    diagnoses, procedures = (pc.list_value_length(clean[name]).to_numpy() for name in ("dx", "proc"))
    assert 4 <= diagnoses.mean() <= 6
    assert diagnoses.min() >= 1
    assert 1.2 <= procedures.mean() <= 1.8
    assert 0.35 <= np.mean(procedures == 0) <= 0.47


def test_patients_come_back_as_themselves(clean):
    rows = clean.select(["patient_id", "hospital_id", "sex", "age_years", "admission_date", "discharge_date"])
    stays = {}
    for patient, hospital, sex, age, start, end in zip(*(c.to_pylist() for c in rows.columns), strict=True):
        stays.setdefault(patient, []).append((start, end, hospital, sex, age))
    returning = [sorted(found) for found in stays.values() if len(found) > 1]
    assert 0.05 < len(returning) / len(stays) < 0.3
    for found in returning:
        assert len({stay[2:] for stay in found}) == 1
        assert all(end <= start for (_, end, *_), (start, *_) in itertools.pairwise(found))
    gaps = [(b[0] - a[1]).days for found in returning for a, b in itertools.pairwise(found)]
    assert np.mean(np.array(gaps) <= 31) > 0.15


def test_hospitals_differ(clean):
    hospital = np.array(clean["hospital_id"].to_pylist())
    charge, births = column(clean, "total_charge"), begins(clean, "O")
    rows = Counter(hospital.tolist())
    assert sorted(rows) == [f"H00{n}" for n in range(1, 7)]
    assert rows["H006"] < 0.08 * ROWS
    assert births[hospital == "H003"].mean() > 3 * births[hospital != "H003"].mean()
    assert np.median(charge[hospital == "H004"]) > 1.15 * np.median(charge[hospital == "H005"])


def test_most_records_are_grouped_and_severity_is_as_stated(clean):
    scheme = load_scheme()
    found = decisions(clean.slice(0, 2500), scheme)
    status = Counter(decision.status for decision in found)
    assert status["grouped"] / 2500 > 0.96
    assert 0.01 <= status["ambiguous"] / 2500 <= 0.03
    assert status["invalid"] == 0
    kinds = {rule.id: rule.kind for _, rule in scheme.rules} | {rule.adrg: rule.kind for _, rule in scheme.rules}
    medical = [
        max((fact.level == "mcc") + 1 for fact in decision.severity_facts if not fact.cancelled)
        if any(not fact.cancelled for fact in decision.severity_facts)
        else 0
        for decision in found
        if decision.status == "grouped" and kinds[decision.adrg] == "medical"
    ]
    assert 0.09 <= np.mean(np.array(medical) == 2) <= 0.20
    assert 0.18 <= np.mean(np.array(medical) == 1) <= 0.33
    assert len({decision.adrg for decision in found}) > 250


def test_other_schemes_can_be_asked_for():
    table, _ = sample(500, seed=2, dirty_share=0.0, scheme="chs-drg-1.1", hospitals=1, departments=3)
    status = Counter(decision.status for decision in decisions(table, load_scheme("chs-drg-1.1")))
    assert status["grouped"] > 480
    assert set(table["hospital_id"].to_pylist()) == {"H001"}


# ---------------------------------------------------------------- dirty where it says so
def found_dirt(row, scheme, sexed):
    """The kind of dirt a scan finds in a record; None for a clean one."""
    dx, age, days, weight = row["dx"], row["age_years"], row["age_days"], row["birth_weight_g"]
    known, first, rest = scheme.diagnoses.known, dx[0], dx[1:]
    newborn = days is not None and days <= 28
    facts = {
        "sex_missing": row["sex"] in (None, 9),
        "age_missing": age is None,
        "age_negative": age == -1,
        "age_999": age == 999,
        "infant_without_days": age == 0 and days is None,
        "newborn_without_weight": newborn and weight is None,
        "weight_zero": weight == 0,
        "principal_missing": first == "",
        "code_lower_case": first[:1].islower(),
        "code_blanks": first != first.strip(),
        "code_full_width": first[:1] > "\uff00",
        "code_capital_x": "X" in first[1:],
        "principal_unknown": "x9" in first and first not in known,
        "principal_not_allowed": first in scheme.lists["not_principal"],
        "code_dagger": any("†" in code for code in rest),
        "secondary_empty": "" in rest,
        "secondary_twice": len(set(rest)) < len(rest),
        "secondary_unknown": any(code and "†" not in code and code not in known for code in rest),
        "procedures_null": row["proc"] is None,
        "sex_against_diagnosis": row["sex"] in (1, 2) and first.startswith(sexed[3 - row["sex"]]),
    }
    found = [kind for kind, holds in facts.items() if holds]
    assert len(found) <= 1, (found, row)
    return found[0] if found else None


def test_dirty_records_are_those_of_the_summary():
    table, summary = sample(ROWS, seed=11, dirty_share=0.05)
    scheme, traits = load_scheme(), data("diagnoses")["traits"]
    sexed = {1: tuple(traits["male"]), 2: tuple(traits["female"])}
    found = Counter(found_dirt(row, scheme, sexed) for row in table.to_pylist())
    assert found.pop(None) == ROWS - sum(summary.dirty.values())
    assert dict(found) == {kind: count for kind, count in summary.dirty.items() if count}
    assert set(summary.dirty) == set(data("dirty")["kind"])
    assert 0.04 < sum(summary.dirty.values()) / ROWS < 0.06
    assert min(summary.dirty.values()) > 0


# ---------------------------------------------------------------- parts
def test_pools_draw_in_proportion():
    pools = Pools([(np.array([7, 8, 9]), np.array([1.0, 2.0, 5.0])), (np.zeros(0, int), np.zeros(0))])
    drawn = pools.draw(np.random.default_rng(1), np.repeat([0, 1, -1], 80_000))
    assert np.array_equal(np.unique(drawn[80_000:]), [-1])
    shares = [np.mean(drawn[:80_000] == item) for item in (7, 8, 9)]
    np.testing.assert_allclose(shares, [0.125, 0.25, 0.625], atol=0.01)


def test_every_arrow_column_is_valid(clean):
    clean.validate(full=True)
    assert clean["dx"].type == pa.list_(pa.string())
