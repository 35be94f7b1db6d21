"""The stays of a table as plain arrays, for what follows a patient from stay to stay."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from drgengine.cases.coerce import read_date, read_number
from drgengine.evaluation.mix.casecolumns import open_cases, stay_columns
from drgengine.evaluation.mix.cellarrays import unit_index
from drgengine.evaluation.mix.collect import adrg_of_drg, known_disposition, mdc_of_drg
from drgengine.evaluation.mix.defaults import defaults
from drgengine.evaluation.mix.labels import Labels

_NO_DATE = -1_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Stays:
    """Stays in the order of the rows, arrays of length n.

    unit : int64, place in `units`   patient : int64, -1 = not known (with same_hospital: patient within the hospital)
    admission, discharge : int32, days since 1970   dated : both are there and in order
    disposition : int16, 0 = not known or no code of the vocabulary   no_plan : no readmission planned within 31 days
    mdc : int64, -1 = not known   group, group_codes : number and (ADRG, DRG) codes of the group
    """

    units: pd.Index
    unit: npt.NDArray[np.int64]
    patient: npt.NDArray[np.int64]
    admission: npt.NDArray[np.int32]
    discharge: npt.NDArray[np.int32]
    dated: npt.NDArray[np.bool_]
    disposition: npt.NDArray[np.int16]
    no_plan: npt.NDArray[np.bool_]
    mdc: npt.NDArray[np.int64]
    group: npt.NDArray[np.int64]
    group_codes: tuple[tuple[str | None, str | None], ...]

    def in_groups(self, codes: Collection[str]) -> npt.NDArray[np.bool_]:
        """Whether the ADRG or the DRG of the stay is one of the codes."""
        if not self.group_codes:
            return np.zeros(self.unit.shape, np.bool_)
        inside = np.array([adrg in codes or drg in codes for adrg, drg in self.group_codes], np.bool_)
        return inside[self.group]


def read_stays(cases: Any, by: str | Sequence[str], same_hospital: bool) -> Stays:
    """Read the columns of stays; EvaluationError where patient_id or a date column is not there."""
    names = (by,) if isinstance(by, str) else tuple(by)
    opened = open_cases(cases)
    header = stay_columns(opened.names, names, same_hospital, opened.place)
    texts = ("patient_id", "hospital_id", "mdc", "adrg", "drg", "planned_readmission", *names)
    labels = {name: Labels(header[name]) for name in texts if name in header}
    parts: dict[str, list[np.ndarray]] = {}
    row = 0
    for batch in opened.batches(list(dict.fromkeys(header.values()))):
        for name, label in labels.items():
            parts.setdefault(name, []).append(label.number(batch.column(header[name])))
        for name in ("admission_date", "discharge_date"):
            days, _ = read_date(batch.column(header[name]), header[name], row)
            parts.setdefault(name, []).append(np.where(np.isnan(days), _NO_DATE, days).astype(np.int32))
        if "discharge_disposition" in header:
            column = header["discharge_disposition"]
            number, _ = read_number(batch.column(column), "discharge_disposition", column, row)
            parts.setdefault("disposition", []).append(np.where(known_disposition(number), number, 0).astype(np.int16))
        row += batch.num_rows
    arrays = {name: np.concatenate(values) for name, values in parts.items()}
    return _stays(arrays, {name: label.texts() for name, label in labels.items()}, names, same_hospital, row)


def _stays(
    arrays: dict[str, np.ndarray],
    texts: dict[str, list[str | None]],
    by: tuple[str, ...],
    same_hospital: bool,
    rows: int,
) -> Stays:
    empty = np.empty(0, np.int32)
    admission, discharge = (arrays.get(name, empty) for name in ("admission_date", "discharge_date"))
    drg = arrays.get("drg", np.zeros(rows, np.int32))
    drg_texts = texts.get("drg") or [None]
    if "mdc" in texts:
        mdc = _coded(arrays["mdc"], texts["mdc"])
    else:
        mdcs = [mdc_of_drg(code) for code in drg_texts]
        mdc = _coded(drg, mdcs)
    if "adrg" in texts:
        pair = arrays["adrg"].astype(np.int64) * len(drg_texts) + drg
        distinct, group = np.unique(pair, return_inverse=True)
        codes = [(texts["adrg"][p // len(drg_texts)], drg_texts[p % len(drg_texts)]) for p in distinct.tolist()]
    else:
        group, codes = drg.astype(np.int64), [(adrg_of_drg(code), code) for code in drg_texts]
    if "mdc" in by and "mdc" not in texts:
        texts["mdc"], arrays["mdc"] = [mdc_of_drg(code) for code in drg_texts], drg
    if "adrg" in by and "adrg" not in texts:
        texts["adrg"], arrays["adrg"] = [adrg_of_drg(code) for code in drg_texts], drg
    unit, units = _units(arrays, texts, by)
    plan = [text == defaults()["readmission"]["no_plan"] for text in texts.get("planned_readmission", [])]
    planned = np.array(plan, np.bool_)[arrays["planned_readmission"]] if plan else np.zeros(rows, np.bool_)
    return Stays(
        units,
        unit,
        _patients(arrays, texts, same_hospital),
        admission,
        discharge,
        (admission != _NO_DATE) & (discharge != _NO_DATE) & (discharge >= admission),
        arrays.get("disposition", np.zeros(rows, np.int16)),
        planned,
        mdc,
        group.astype(np.int64).reshape(-1),
        tuple(codes),
    )


def _coded(number: np.ndarray, texts: Sequence[str | None]) -> npt.NDArray[np.int64]:
    """Numbers by text (equal texts, equal numbers); -1 where there is none."""
    place = {text: at for at, text in enumerate(sorted({text for text in texts if text is not None}))}
    return np.array([-1 if text is None else place[text] for text in texts], np.int64)[number]


def _patients(
    arrays: dict[str, np.ndarray], texts: dict[str, list[str | None]], same_hospital: bool
) -> npt.NDArray[np.int64]:
    number = arrays["patient_id"].astype(np.int64)
    null = np.array([text is None for text in texts["patient_id"]], np.bool_)
    patient = np.where(null[number], -1, number)
    if not same_hospital:
        return patient
    hospitals = len(texts["hospital_id"])
    return np.where(patient < 0, -1, patient * hospitals + arrays["hospital_id"])


def _units(
    arrays: dict[str, np.ndarray], texts: dict[str, list[str | None]], by: tuple[str, ...]
) -> tuple[npt.NDArray[np.int64], pd.Index]:
    codes = np.zeros(len(arrays["patient_id"]), np.int64)
    for name in by:
        codes = codes * len(texts[name]) + arrays[name]
    distinct, inverse = np.unique(codes, return_inverse=True)
    columns: dict[str, list[str | None]] = {}
    for name in reversed(by):
        width = len(texts[name])
        columns[name] = [texts[name][p] for p in (distinct % width).tolist()]
        distinct = distinct // width
    number, units = unit_index(pa.table({name: pa.array(columns[name], pa.string()) for name in by}), by)
    return number[inverse.reshape(-1)], units
