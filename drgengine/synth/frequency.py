"""How frequent every way through the scheme is (data/case_mix.toml)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from drgengine.synth.pathways import Pathway
from drgengine.synth.settings import data

_UNKNOWN_MDC = {"share": 0.5, "operative": 0.3}


def way_weights(ways: Sequence[Pathway], kind: np.ndarray) -> np.ndarray:
    """float64[W] summing to 1: MDC share x share of the kind within it x weight of the ADRG within the kind."""
    mix = data("case_mix")
    weights = np.zeros(len(ways))
    outside = np.array([way.outside for way in ways])
    shares = np.array([way.share for way in ways])
    for mdc in dict.fromkeys(way.mdc for way in ways):
        facts = mix["mdc"].get(mdc, _UNKNOWN_MDC)
        here = np.array([way.mdc == mdc for way in ways])
        classes = {
            "ambiguous": here & outside,
            "operative": here & ~outside & (kind > 0),
            "medical": here & ~outside & (kind == 0),
        }
        parts = {"ambiguous": mix["ambiguous_share"] / _ambiguous_reach(ways, outside)}
        parts["operative"] = (1 - parts["ambiguous"]) * facts["operative"]
        parts["medical"] = 1 - parts["ambiguous"] - parts["operative"]
        present = sum(parts[name] for name, mask in classes.items() if mask.any())
        for name, mask in classes.items():
            if mask.any() and parts[name] > 0:
                inside = _adrg_weights([ways[n] for n in np.flatnonzero(mask).tolist()]) * shares[mask]
                weights[mask] = facts["share"] * parts[name] / present * inside / inside.sum()
    return weights / weights.sum()


def _ambiguous_reach(ways: Sequence[Pathway], outside: np.ndarray) -> float:
    """Share of all cases in MDCs that have an ambiguous group."""
    mdcs = data("case_mix")["mdc"]
    total = {way.mdc: mdcs.get(way.mdc, _UNKNOWN_MDC)["share"] for way in ways}
    reached = {way.mdc for way, is_outside in zip(ways, outside, strict=True) if is_outside}
    return max(sum(total[mdc] for mdc in reached) / sum(total.values()), 0.05)


def _adrg_weights(ways: Sequence[Pathway]) -> np.ndarray:
    frequent = data("case_mix")["frequent"]
    named, tail = frequent["weight"], frequent["tail"]
    place: dict[str, int] = {}
    weights = []
    for way in ways:
        weight = named.get(way.rule, named.get(way.adrg))
        if weight is None:
            weight = tail / (place.setdefault(way.adrg, len(place)) + 2)
        weights.append(weight)
    return np.array(weights)
