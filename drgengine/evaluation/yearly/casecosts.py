"""Costs of cases out of cost accounting, to be joined to discharges (病例成本)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from drgengine.cases.vocabulary import role_of
from drgengine.errors import EvaluationError
from drgengine.evaluation.yearly.readtable import code, number_column, read_table

_BETWEEN = "\x1f"


class CaseCosts:
    """Cost by hospital and case, or by case alone where the tables name no hospital.

    seen, matched : discharges asked for, and those that had a cost
    """

    def __init__(self, values: pd.Series, by_hospital: bool) -> None:
        self.values = values
        self.by_hospital = by_hospital
        self.seen = 0
        self.matched = 0

    def of(self, batch: pa.RecordBatch) -> npt.NDArray[np.float64]:
        """Cost per row of a batch with hospital_id and case_id, NaN where there is none."""
        if "case_id" not in batch.schema.names:
            raise EvaluationError("cases", "no column case_id, by which costs are joined", "Add it, or remove costs")
        keys = _texts(batch.column("case_id"))
        if self.by_hospital:
            keys = _texts(batch.column("hospital_id")).str.cat(keys, sep=_BETWEEN)
        found = self.values.reindex(keys).to_numpy(dtype=np.float64)
        self.seen += found.size
        self.matched += int(np.isfinite(found).sum())
        return found


def _texts(column: Any) -> pd.Series:
    if isinstance(column, pa.DictionaryArray):
        column = column.dictionary_decode()
    return column.cast(pa.string()).to_pandas().astype(object)


def read_costs(paths: Sequence[Path]) -> CaseCosts:
    """Cost tables: result folders of `drgengine cost` (their cases.parquet), or tables case_id, cost and hospital_id.

    Raises EvaluationError: several tables without hospital_id whose case numbers repeat, a case twice, no number.
    """
    parts, with_hospital = [], []
    for path in paths:
        frame = _read(path)
        with_hospital.append("hospital_id" in frame.columns)
        parts.append(frame)
    if any(with_hospital) and not all(with_hospital):
        lacking = paths[with_hospital.index(False)]
        raise EvaluationError(str(lacking), "it has no hospital_id, the other cost tables have", "Add the column")
    joined = pd.concat(parts, ignore_index=True)
    key = joined["case_id"]
    if all(with_hospital):
        key = joined["hospital_id"].str.cat(key, sep=_BETWEEN)
    twice = key[key.duplicated()]
    if len(twice):
        shown = str(twice.iloc[0]).replace(_BETWEEN, " ")
        remedy = "Give each case once" if all(with_hospital) else "Add hospital_id, or give each case once"
        raise EvaluationError(", ".join(path.name for path in paths), f"case {shown!r} stands there twice", remedy)
    return CaseCosts(pd.Series(joined["cost"].to_numpy(float), index=pd.Index(key, dtype=object)), all(with_hospital))


def _read(path: Path) -> pd.DataFrame:
    if path.is_dir():
        file = path / "cases.parquet"
        if not file.is_file():
            problem = "the folder holds no cases.parquet"
            raise EvaluationError(str(path), problem, "Name a result folder of `drgengine cost` or a table")
        path = file
    table = read_table(path, "costs")
    table = table.rename(
        columns={name: role.name for name in table.columns if (role := role_of(str(name))) is not None}
    )
    if "kind" in table.columns:  # cost objects that are no discharge, such as work in progress
        table = table[table["kind"] == "discharged"]
    columns: dict[str, Any] = {"case_id": [code(value) for value in table["case_id"]]}
    if "hospital_id" in table.columns and table["hospital_id"].notna().any():
        columns["hospital_id"] = [code(value) for value in table["hospital_id"]]
    columns["cost"] = number_column(table, "cost", path).to_numpy()
    return pd.DataFrame(columns).dropna(subset=["case_id"])
