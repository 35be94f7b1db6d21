"""Everything a block of discharges is drawn from, made once from a scheme, the data files and the hospitals."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa

from drgengine.grouper.scheme import Scheme
from drgengine.grouper.schemefile import load_scheme
from drgengine.synth.codebook import CodeBook, make_codebook
from drgengine.synth.frequency import way_weights
from drgengine.synth.hospitals import Hospitals, make_hospitals
from drgengine.synth.pathways import Pathway, pathways
from drgengine.synth.pools import PoolMaker, Pools
from drgengine.synth.secondary import SecondaryPools, make_secondary_pools
from drgengine.synth.settings import KINDS, data, longest_prefix
from drgengine.synth.waypools import WayPools, make_way_pools

_PROFILE_STEPS = 2048


@dataclass(frozen=True)
class Plan:
    """What a block is drawn from. Arrays per way have shape (W,), in the order of `ways`.

    dx_texts, proc_texts : the codes as Arrow strings
    mdc, kind : positions in `mdcs` and KINDS; stay : median days; charge : factor; male : share of men
    profile : row of `ages`, the age profile of the way; code_profile : the same per diagnosis, -1 = the way's
    newborn, first_month, late, obstetric : bool, the way wants age 0, the first 28 days, a later day, a mother
    way_weight, code_weight : [from, to) grams of birth weight, shape (W, 2) and (D, 2), zeros where open
    ages : years (with fractions) at evenly spaced chances, shape (profiles, steps)
    """

    scheme: Scheme
    book: CodeBook
    dx_texts: pa.Array
    proc_texts: pa.Array
    hospitals: Hospitals
    ways: tuple[Pathway, ...]
    mdcs: tuple[str, ...]
    mdc: np.ndarray
    kind: np.ndarray
    stay: np.ndarray
    charge: np.ndarray
    male: np.ndarray
    profile: np.ndarray
    code_profile: np.ndarray
    profiles: tuple[str, ...]
    ages: np.ndarray
    newborn: np.ndarray
    first_month: np.ndarray
    late: np.ndarray
    obstetric: np.ndarray
    way_weight: np.ndarray
    code_weight: np.ndarray
    way_draw: Pools
    way_pools: WayPools
    secondary: SecondaryPools
    pools: Pools


def make_plan(scheme: str = "chs-drg-2.0", *, hospitals: int = 6, departments: int = 12, seed: int = 1) -> Plan:
    """The plan for a scheme and a set of hospitals (some seconds for the first plan of a scheme)."""
    loaded, book, ways = _scheme_parts(scheme)
    mdcs = tuple(mdc.code for mdc in loaded.mdcs)
    made = make_hospitals(hospitals, departments, mdcs, seed)
    maker = PoolMaker()
    way_pools = make_way_pools(loaded, book, ways, maker)
    ways, way_pools = _reachable(ways, way_pools)
    secondary = make_secondary_pools(loaded, book, maker)
    facts = [_mdc_facts(way.mdc) for way in ways]
    kind = np.array([kind_of(way) for way in ways], dtype=np.int8)
    profiles = tuple(data("ages")["profile"])
    stay, level = data("stay")["stay"]["median"], data("charges")["level"]
    newborn, first_month = np.array([w.newborn for w in ways]), np.array([w.first_month for w in ways])
    return Plan(
        scheme=loaded,
        book=book,
        dx_texts=pa.array(book.dx),
        proc_texts=pa.array(book.proc),
        hospitals=made,
        ways=ways,
        mdcs=mdcs,
        mdc=np.array([mdcs.index(way.mdc) for way in ways], dtype=np.int32),
        kind=kind,
        stay=np.array([stay.get(w.adrg, f["stay"][int(k > 0)]) for w, f, k in zip(ways, facts, kind, strict=True)]),
        charge=np.array([level["adrg"].get(w.adrg, 1.0) * level["mdc"].get(w.mdc, 1.0) for w in ways]),
        male=np.array([{1: 1.0, 2: 0.0}.get(w.sex, f["male"]) for w, f in zip(ways, facts, strict=True)]),
        profile=np.array([profiles.index(f["age"]) for f in facts], dtype=np.int16),
        code_profile=_code_profiles(book, profiles),
        profiles=profiles,
        ages=np.array([_age_table(data("ages")["profile"][name]) for name in profiles]),
        newborn=newborn,
        first_month=first_month,
        late=newborn & ~first_month & (kind == 0),
        obstetric=np.array([f["age"] == "childbearing" for f in facts]),
        way_weight=np.array([w.weight or (0, 0) for w in ways], dtype=np.float64),
        code_weight=_code_weights(book),
        way_draw=_way_draw(ways, kind, mdcs, made),
        way_pools=way_pools,
        secondary=secondary,
        pools=maker.finish(),
    )


@lru_cache(maxsize=4)
def _scheme_parts(scheme: str) -> tuple[Scheme, CodeBook, tuple[Pathway, ...]]:
    loaded = load_scheme(scheme)
    return loaded, make_codebook(loaded), tuple(pathways(loaded))


def kind_of(way: Pathway) -> int:
    """Position in KINDS: an ambiguous case had an operation."""
    return {"medical": 0, "non_or_procedure": 1}.get(way.kind, KINDS.index("surgical"))


def _mdc_facts(mdc: str) -> dict[str, Any]:
    usual = {"share": 0.5, "operative": 0.3, "male": 0.5, "stay": [7, 8], "age": "middle"}
    return data("case_mix")["mdc"].get(mdc, usual)


def _reachable(ways: tuple[Pathway, ...], pools: WayPools) -> tuple[tuple[Pathway, ...], WayPools]:
    """Without the ways whose lists leave nothing to draw from."""
    kept = np.flatnonzero(pools.possible)
    arrays = {f.name: getattr(pools, f.name)[kept] for f in fields(pools)}
    return tuple(ways[n] for n in kept), WayPools(**arrays)


def _way_draw(ways: tuple[Pathway, ...], kind: np.ndarray, mdcs: tuple[str, ...], hospitals: Hospitals) -> Pools:
    base = way_weights(ways, kind)
    mdc = np.array([mdcs.index(way.mdc) for way in ways])
    factor = np.where(kind[None, :] > 0, hospitals.operative[:, None], 1.0) * hospitals.mdc[:, mdc]
    return Pools([(np.flatnonzero(row > 0), row[row > 0]) for row in base[None, :] * factor])


def _code_profiles(book: CodeBook, profiles: tuple[str, ...]) -> np.ndarray:
    table = {prefix: profiles.index(name) for name, keys in data("diagnoses")["age"].items() for prefix in keys}
    return np.array(longest_prefix(book.dx, table, -1), dtype=np.int16)


def _code_weights(book: CodeBook) -> np.ndarray:
    classes = [entry for entry in data("ages")["weight"].values() if isinstance(entry, dict)]
    table = {prefix: entry["range"] for entry in classes for prefix in entry["prefixes"]}
    return np.array(longest_prefix(book.dx, table, [0, 0]), dtype=np.float64)


def _age_table(profile: dict[str, list[float]]) -> np.ndarray:
    edges, shares = np.array(profile["edges"], float), np.array(profile["shares"], float)
    chances = (np.arange(_PROFILE_STEPS) + 0.5) / _PROFILE_STEPS
    return np.interp(chances, np.concatenate([[0.0], np.cumsum(shares) / shares.sum()]), edges)
