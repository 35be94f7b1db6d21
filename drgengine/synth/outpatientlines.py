"""Charges of clinics and of the examination centre: monthly totals per clinic and item (门诊、体检收费汇总)."""

from __future__ import annotations

import numpy as np

from drgengine.synth.chargelines import NOBODY, NON_PATIENT, OUTPATIENT, Lines
from drgengine.synth.hospitaldepartments import Departments
from drgengine.synth.hospitalitems import ORDERING, PARTS, REGISTRATION, Items
from drgengine.synth.settings import data


def outpatient_lines(
    departments: Departments, items: Items, income_fen: int, year: int, rng: np.random.Generator
) -> Lines:
    """Lines of a year, dated on the last day of each month; they come to about `income_fen`.

    Each clinic charges a few items of each fee class; the first one charges all that fit, and whatever it takes to
    leave no department without work.
    """
    facts = data("hospital_activity")["outpatient"]
    shares = data("hospital_services")["outpatient"]
    clinics = departments.clinics
    size = departments.size[clinics]
    income = income_fen * size / size.sum()
    everything = clinics[0]
    parts = []
    for clinic, paid in zip(clinics, income, strict=True):
        by_class = shares["examination" if departments.examination[clinic] else "shares"]
        whole = sum(by_class.values())
        for part, share in by_class.items():
            chosen = items.fitting(part, departments.codes[clinic])
            if clinic == everything:
                chosen = _more(items, part, chosen)
            elif part != REGISTRATION:
                chosen = np.sort(rng.permutation(chosen)[: facts["items"]])
            if chosen.size:
                parts.append(_monthly(items, chosen, clinic, paid * share / whole, clinic == everything, rng))
    clinic, item, month, qty = (np.concatenate(column) for column in zip(*parts, strict=True))
    ends = np.array([np.datetime64(f"{year + m // 12:04d}-{m % 12 + 1:02d}-01", "D") for m in range(1, 13)]) - 1
    executing = items.exec[item]
    return Lines(
        case=np.full(item.size, NOBODY, dtype=np.int32),
        kind=np.where(departments.examination[clinic], NON_PATIENT, OUTPATIENT).astype(np.int8),
        order=clinic.astype(np.int32),
        exec=np.where(executing == ORDERING, clinic, executing).astype(np.int32),
        item=item.astype(np.int32),
        qty=qty,
        price=items.price[item] / 100,
        fen=(qty * items.price[item]).astype(np.int64),
        day=ends.astype(np.int64)[month].astype(np.int32),
        reversal=np.zeros(item.size, dtype=bool),
    )


def _more(items: Items, part: str, chosen: np.ndarray) -> np.ndarray:
    """The items chosen, and one of each executing department that has none among them."""
    if part == REGISTRATION:
        return chosen
    others = np.flatnonzero((items.part == PARTS.index(part)) & ~items.registration & (items.goods == 0))
    others = others[~np.isin(items.exec[others], items.exec[chosen])]
    return np.concatenate([chosen, others[np.unique(items.exec[others], return_index=True)[1]]])


def _monthly(
    items: Items, chosen: np.ndarray, clinic: int, fen: float, least: bool, rng: np.random.Generator
) -> tuple[np.ndarray, ...]:
    """Clinic, item, month (0 to 11) and quantity of each line; `least`: every item has a line."""
    season = np.array(data("hospital_ledger")["level"]["outpatient_month"])
    weight = items.popularity[chosen] * np.sqrt(items.price[chosen])
    target = fen * (weight / weight.sum())[:, None] * (season / season.sum())[None, :]
    target *= np.exp(rng.normal(0, data("hospital_activity")["outpatient"]["noise"], target.shape))
    qty = np.rint(target / items.price[chosen][:, None])
    if least:
        qty[:, -1] = np.maximum(qty[:, -1], 1)
    row, month = np.nonzero(qty)
    return np.full(row.size, clinic), chosen[row], month, qty[row, month]
