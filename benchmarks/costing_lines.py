"""Charge lines (收费明细) of a hospital's year for measuring, and the small tables that belong to them.

python benchmarks/costing_lines.py --lines 20000000 lines.parquet
"""

from __future__ import annotations

import argparse
import datetime
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from drgengine.costing.model import CostModel, ItemSettings, Settings

CASES = 50_000
DEPARTMENTS = 300
ITEMS = 3_000
CHUNK = 1 << 20
START, DAYS = datetime.date(2024, 1, 1), 366
FEE_CLASSES = (
    "床位费", "护理费", "诊察费", "检查费", "化验费", "治疗费", "手术费", "麻醉费", "西药费", "中成药费", "中草药费",
    "卫生材料费", "输血费", "其他费",
)  # fmt: skip
_INPATIENT, _OUTPATIENT, _NON_PATIENT = 0, 1, 2
_PATIENT_TYPES = ("住院", "门诊", "体检")
_ACTIVE_CASES = 1_400  # in hospital at a time
_OUTPATIENT_SHARE, _NON_PATIENT_SHARE, _REVERSAL_SHARE = 0.28, 0.01, 0.006


def departments(count: int = DEPARTMENTS) -> pd.DataFrame:
    """Administration, auxiliary, technology, clinical departments (科室), clinics before wards."""
    kinds = np.array(["administration", "auxiliary", "technology", "clinical"])
    category = kinds[np.searchsorted([0.10, 0.20, 0.35, 1.0], (np.arange(count) + 0.5) / count)]
    clinical = category == "clinical"
    setting = np.where(clinical, np.where(np.cumsum(clinical) <= clinical.sum() * 0.4, "outpatient", "inpatient"), None)
    codes = [f"{101 + number:04}" for number in range(count)]
    return pd.DataFrame(
        {
            "dept_code": codes,
            "dept_name": [f"科室{code}" for code in codes],
            "category": category,
            "setting": setting,
            "service_unit": codes,
        }
    )


def items(count: int = ITEMS, seed: int = 5) -> pd.DataFrame:
    """Service items, drugs and materials (项目、药品、材料); about half of them are goods."""
    rng = np.random.default_rng(seed)
    goods = rng.choice(["none", "drug", "material"], count, p=[0.5, 0.3, 0.2])
    price = np.round(rng.lognormal(3.2, 1.3, count), 2)
    fee = np.where(goods == "drug", rng.integers(8, 11, count), np.where(goods == "material", 11, -1))
    fee = np.where(fee < 0, rng.integers(0, 8, count), fee)
    fee_class = np.array(FEE_CLASSES)[fee]
    return pd.DataFrame(
        {
            "item_code": [f"{250000000 + 317 * number:09}-{number % 7}" for number in range(count)],
            "item_name": [f"{fee_class[number]}项目名称规格{number:05}号" for number in range(count)],
            "fee_class": fee_class,
            "price": price,
            "equivalent": np.round(price / 10, 2),
            "minutes": np.round(rng.uniform(1, 90, count), 1),
            "service_unit": np.where(rng.random(count) < 0.3, fee_class, None),
            "goods": goods,
            "unit_cost": np.where(goods == "none", np.nan, np.round(price * 0.97, 4)),
        }
    )


def model(charges: Path | None, method: str = "income") -> CostModel:
    """The cost model around a file of charge lines."""
    settings = Settings(
        name="benchmark",
        hospital="H",
        start=START,
        end=START + datetime.timedelta(days=DAYS - 1),
        tables={},
        items=ItemSettings(method=method),  # type: ignore[arg-type]
    )
    cases = pd.DataFrame({"case_id": _case_ids()})
    tables = {"departments": departments(), "items": items(), "discharges": cases}
    return CostModel(Path(), settings, tables, charges)


def write_lines(path: Path, lines: int, seed: int = 1) -> None:
    """A Parquet file of `lines` charge lines in the order of their dates, 13 columns, zstd."""
    schema = next(_chunks(1, 1, seed)).schema
    plain = pa.schema(
        [pa.field(f.name, f.type.value_type if pa.types.is_dictionary(f.type) else f.type) for f in schema]
    )
    with pq.ParquetWriter(path, plain, compression="zstd") as writer:
        for chunk in _chunks(lines, CHUNK, seed):
            writer.write_table(pa.Table.from_batches([chunk]).cast(plain), row_group_size=CHUNK)


def _case_ids() -> list[str]:
    return [f"ZY24{number:08}" for number in range(CASES)]


def _chunks(lines: int, size: int, seed: int) -> Iterator[pa.RecordBatch]:
    """Batches of lines; the cases of a batch are those that lie in hospital at that time."""
    rng = np.random.default_rng(seed)
    hospital, catalogue = departments(), items()
    category, setting = hospital["category"].to_numpy(), hospital["setting"].to_numpy()
    wards, clinics = np.flatnonzero(setting == "inpatient"), np.flatnonzero(setting == "outpatient")
    technical = np.flatnonzero((category == "technology") | (category == "auxiliary"))
    home = rng.choice(wards, CASES)
    performer = np.where(rng.random(ITEMS) < 0.55, rng.choice(technical, ITEMS), -1)  # -1: the ordering department
    popularity = rng.pareto(1.2, ITEMS) + 0.02
    cumulative = np.cumsum(popularity / popularity.sum())
    price = catalogue["price"].to_numpy()
    named = {name: pa.array(catalogue[name], pa.string()) for name in ("item_code", "item_name", "fee_class")}
    case_ids, dept_codes = pa.array(_case_ids()), pa.array(hospital["dept_code"], pa.string())
    for first in range(0, lines, size):
        n = min(size, lines - first)
        place = (first + np.arange(n)) / lines
        draw = rng.random(n)
        kind = np.where(draw < _OUTPATIENT_SHARE, _OUTPATIENT, _INPATIENT)
        kind[draw > 1 - _NON_PATIENT_SHARE] = _NON_PATIENT
        case = np.clip(place * CASES + rng.normal(0, _ACTIVE_CASES / 3, n), 0, CASES - 1).astype(np.int32)
        item = np.minimum(np.searchsorted(cumulative, rng.random(n)), ITEMS - 1).astype(np.int32)
        visit = (first // 5 + np.sort(rng.integers(0, max(1, n // 5), n))).astype(np.int64)
        ordering = np.where(kind == _INPATIENT, home[case], clinics[visit % clinics.size]).astype(np.int32)
        executing = np.where(performer[item] >= 0, performer[item], ordering).astype(np.int32)
        reversal = rng.random(n) < _REVERSAL_SHARE
        qty = np.where(rng.random(n) < 0.6, 1.0, rng.integers(1, 30, n)) * np.where(reversal, -1, 1)
        date = np.datetime64(START) + (place * DAYS).astype("timedelta64[D]")
        admitted = pa.array(kind != _INPATIENT)
        yield pa.RecordBatch.from_pydict(
            {
                "visit_id": pa.array(np.char.mod("V24%09d", visit)),
                "case_id": pa.DictionaryArray.from_arrays(pa.array(case, mask=admitted.to_numpy(False)), case_ids),
                "patient_type": pa.DictionaryArray.from_arrays(kind.astype(np.int32), list(_PATIENT_TYPES)),
                "order_dept": pa.DictionaryArray.from_arrays(ordering, dept_codes),
                "exec_dept": pa.DictionaryArray.from_arrays(executing, dept_codes),
                **{name: pa.DictionaryArray.from_arrays(item, values) for name, values in named.items()},
                "qty": qty,
                "price": price[item],
                "amount": np.rint(qty * price[item] * 100) / 100,
                "charge_date": pa.array(date),
                "reversal": reversal,
            }
        )


def main() -> None:
    """Write a file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", type=Path)
    parser.add_argument("--lines", type=int, default=20_000_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    write_lines(given.path, given.lines, given.seed)


if __name__ == "__main__":
    main()
