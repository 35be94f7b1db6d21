"""Pools of secondary diagnoses and of further procedures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from drgengine.grouper.conditions import Compare, InList, atoms
from drgengine.grouper.scheme import Mdc, Scheme
from drgengine.synth.codebook import CodeBook
from drgengine.synth.pools import EMPTY, PoolMaker
from drgengine.synth.settings import BANDS, FEMALE, MALE, NEWBORN, OBSTETRIC, data, starting


@dataclass(frozen=True)
class SecondaryPools:
    """Numbers of pools.

    same_mdc : shape (MDCs,), diagnoses of the same MDC; comorbidity : shape (bands, 3), by sex
    mcc, cc : shape (bands,); site : body region per diagnosis, -1 none, shape (D,)
    other_site : shape (regions,), injuries elsewhere; birth : outcome of delivery, EMPTY if the edition has none
    dagger : codes with a dagger; barred : codes barred as principal diagnosis
    procedures : shape (bands,), without an operation; beside_operation : one pool
    """

    same_mdc: np.ndarray
    comorbidity: np.ndarray
    mcc: np.ndarray
    cc: np.ndarray
    site: np.ndarray
    other_site: np.ndarray
    birth: int
    dagger: int
    barred: int
    procedures: np.ndarray
    beside_operation: int


def make_secondary_pools(scheme: Scheme, book: CodeBook, maker: PoolMaker) -> SecondaryPools:
    """All pools beside those of the ways."""
    neutral = (book.sex == 0) & ~book.newborn & ~book.obstetric & ~book.gate_only
    plain = ~book.mcc & ~book.cc & ~book.barred & ~book.trauma & ~book.gate_only
    site = _sites(book)
    regions = int(site.max()) + 1
    injuries = [np.flatnonzero((site >= 0) & (site != region) & ~book.barred) for region in range(regions)]
    dagger = np.flatnonzero(np.array(["+" in code for code in book.dx]) & neutral & plain)
    barred = np.flatnonzero(book.barred & neutral)

    def even(name: str, places: np.ndarray) -> int:
        return maker.add(name, places, np.ones(places.size))

    return SecondaryPools(
        same_mdc=np.array([_same_mdc(mdc, book, plain, maker) for mdc in scheme.mdcs], dtype=np.int32),
        comorbidity=_comorbidities(book, maker, ~book.mcc & ~book.cc & ~book.trauma & ~book.gate_only),
        mcc=_complications("mcc", book, book.mcc, neutral, maker),
        cc=_complications("cc", book, book.cc & ~book.mcc, neutral, maker),
        site=site,
        other_site=np.array([even(f"other site {n}", places) for n, places in enumerate(injuries)], dtype=np.int32),
        birth=_births(book, maker),
        dagger=even("dagger", dagger),
        barred=even("barred", barred),
        procedures=_further(book, maker),
        beside_operation=_listed("operation", book, np.ones(len(book.proc), bool), maker),
    )


def _sites(book: CodeBook) -> np.ndarray:
    site = np.full(len(book.dx), -1, dtype=np.int8)
    regions = [places for name, places in book.dx_lists.items() if name.startswith("site.")]
    for region, places in enumerate(regions):
        site[places] = region
    return site


def _same_mdc(mdc: Mdc, book: CodeBook, plain: np.ndarray, maker: PoolMaker) -> int:
    gate = list(atoms(mdc.gate))
    sex = next((int(a.value) for a in gate if isinstance(a, Compare) and a.name == "sex"), 0)
    newborn = any(isinstance(a, Compare) and a.name == "age_years" for a in gate)
    lists = [book.dx_lists[a.list] for a in gate if isinstance(a, InList) and a.list in book.dx_lists]
    if not lists:
        return EMPTY
    places = np.unique(np.concatenate(lists))
    fits = plain & ((book.sex == 0) | (book.sex == sex)) & (book.newborn <= newborn)
    if sex != FEMALE:
        fits &= ~book.obstetric
    places = places[fits[places]]
    return maker.add(("same", mdc.code), places, book.dx_weight[places])


def _comorbidities(book: CodeBook, maker: PoolMaker, fits: np.ndarray) -> np.ndarray:
    numbers = np.full((len(BANDS), 3), EMPTY, dtype=np.int32)
    table = data("diagnoses")["comorbidity"]
    for band, name in enumerate(BANDS):
        for sex in (MALE, FEMALE):
            weights = np.zeros(len(book.dx))
            allowed = fits & ((book.sex == 0) | (book.sex == sex)) & (book.newborn <= (band == NEWBORN))
            if band != OBSTETRIC:
                allowed &= ~book.obstetric
            for prefix, entry in table.items():
                if name in entry:
                    weight = entry[name] * (entry.get("male", 1.0) if sex == MALE else 1.0)
                    _share(weights, book, prefix, weight, allowed)
            places = np.flatnonzero(weights)
            numbers[band, sex] = maker.add(("comorbidity", band, sex), places, weights[places])
    return numbers


def _complications(level: str, book: CodeBook, inside: np.ndarray, neutral: np.ndarray, maker: PoolMaker) -> np.ndarray:
    facts = data("diagnoses")["complication"]
    children = starting(book.dx, data("diagnoses")["complication"]["child"])
    fits = {
        "newborn": book.newborn | (neutral & starting(book.dx, ("Q2", "E8", "K65"))),
        "child": neutral & children,
        "obstetric": book.obstetric | (neutral & starting(book.dx, ("R57", "D62", "D65", "J96", "E87"))),
    }
    numbers = []
    for name in BANDS:
        allowed = inside & ~book.trauma & ~book.gate_only & fits.get(name, neutral)
        weights = np.zeros(len(book.dx))
        places = np.flatnonzero(allowed)
        if places.size:
            weights[places] = book.dx_weight[places] / book.dx_weight[places].sum() * facts["tail"]
        for prefix, weight in facts[level].items():
            _share(weights, book, prefix, weight, allowed)
        places = np.flatnonzero(weights)
        numbers.append(maker.add((level, name), places, weights[places]))
    return np.array(numbers, dtype=np.int32)


def _share(weights: np.ndarray, book: CodeBook, prefix: str, weight: float, allowed: np.ndarray) -> None:
    """Add a weight to the codes that begin with a prefix, in proportion to their own frequency."""
    places = book.dx_starting([prefix])
    places = places[allowed[places]]
    if places.size:
        weights[places] += weight * book.dx_weight[places] / book.dx_weight[places].sum()


def _births(book: CodeBook, maker: PoolMaker) -> int:
    table = data("diagnoses")["birth"]
    places = np.array([n for n, code in enumerate(book.dx) if code in table], dtype=np.int64)
    return maker.add("birth", places, np.array([table[book.dx[n]] for n in places]))


def _further(book: CodeBook, maker: PoolMaker) -> np.ndarray:
    harmless = ~book.operation & ~book.defining
    numbers = {name: _listed(name, book, harmless, maker) for name in ("medical", "newborn", "obstetric")}
    return np.array([numbers.get(band, numbers["medical"]) for band in BANDS], dtype=np.int32)


def _listed(name: str, book: CodeBook, allowed: np.ndarray, maker: PoolMaker) -> int:
    table = data("procedures")[name]
    places = np.array([n for n, code in enumerate(book.proc) if code in table and allowed[n]], dtype=np.int64)
    return maker.add(("procedures", name), places, np.array([table[book.proc[n]] for n in places]))
