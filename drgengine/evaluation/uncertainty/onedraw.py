"""One draw of the chain: noise in, columns of casemix() out."""

from __future__ import annotations

import numpy as np

from drgengine.evaluation.mix.breadth import KINDS
from drgengine.evaluation.mix.measures import AMOUNTS, Floats
from drgengine.evaluation.uncertainty import chainkernel as kernel
from drgengine.evaluation.uncertainty.chainpack import Packed
from drgengine.evaluation.uncertainty.chaintally import tally_columns

_INDEX_OF = {"charge": "charge_index", "cost": "cost_index", "los": "time_index"}
_MEAN_OF = {"charge": "mean_charge", "cost": "mean_cost", "los": "mean_stay"}
_TALLIES = (
    "discharges", "cases", "drg_count", "drg_count_5", "drg_count_10", "mdc_count", "mdc_coverage",
    "disposition_known", "expected_deaths", "low_risk_cases", "low_risk_expected_deaths", "mid_low_risk_cases",
    "mid_low_risk_expected_deaths",
)  # fmt: skip
_WEIGHTED = ("cases_weighted", "total_weight", "cmi", *(f"cmi_{kind}" for kind in KINDS), "high_weight_share")
_DEATHS = (
    "deaths", "mortality", "smr", "low_risk_deaths", "low_risk_mortality", "mid_low_risk_deaths",
    "mid_low_risk_mortality",
)  # fmt: skip


def _names_of(amount: str) -> tuple[str, ...]:
    index = _INDEX_OF[amount]
    return _MEAN_OF[amount], index, f"{index}_oe", f"{index}_shrunk"


ALL_COLUMNS = (*_TALLIES, *_WEIGHTED, *(name for amount in AMOUNTS for name in _names_of(amount)), *_DEATHS)


def varying_names(packed: Packed, mix_drawn: bool) -> frozenset[str]:
    """Those that differ from draw to draw."""
    amounts = (name for amount in packed.amounts for name in _names_of(amount))
    always = frozenset((*_WEIGHTED, *amounts, *_DEATHS))
    return always | frozenset(_TALLIES) if mix_drawn else always - {"cases_weighted"}


class Bench:
    """Room for one draw after the other; every thread has its own."""

    def __init__(self, packed: Packed, counts: dict[str, Floats] | None = None) -> None:
        self.packed = packed
        self.n = packed.cells.n
        # Columns of the observed numbers of cases, which draws with a fixed mix share.
        self.counts = tally_columns(packed, self.n, None) if counts is None else counts
        self.groups = packed.empty_groups()
        shape = packed.arrays.total.shape
        self.z, self.sums, self.known = np.zeros(shape), np.empty(shape), np.empty(shape)
        self.out = np.empty((kernel.OF_AMOUNTS + kernel.PER_AMOUNT * shape[0], len(packed.cells.units)))

    def observed(self, weight: Floats | None) -> tuple[dict[str, Floats], Floats]:
        """The columns without noise, and the weights of the groups."""
        arrays = self.packed.arrays
        found = self.counts | self._indices(self.n, arrays.known, arrays.total, weight)
        found |= self.packed.deaths.columns(found, self.packed.deaths.deaths)
        nothing = np.full(len(self.packed.cells.units), np.nan)
        return {name: found.get(name, nothing) for name in ALL_COLUMNS}, self.groups.weight.copy()

    def draw(self, rng: np.random.Generator, mix_drawn: bool, weight: Floats | None) -> dict[str, Floats]:
        """The columns of one draw that vary.

        weight : float64[j] in place of the weights of the packed statistics
        """
        arrays = self.packed.arrays
        ratio: Floats | None = None
        n, known = self.n, arrays.known
        if mix_drawn:
            n = rng.poisson(self.n).astype(np.float64)
            ratio = n / self.n
        rng.standard_normal(out=self.z)
        if ratio is None:
            kernel.kept_sums_kernel(arrays, self.z, self.sums)
        else:
            known = self.known
            kernel.drawn_sums_kernel(arrays, self.z, ratio, self.sums, known)
        found = self._indices(n, known, self.sums, weight)
        counts = self.counts if ratio is None else tally_columns(self.packed, n, ratio)
        found |= self.packed.deaths.columns(counts, self.packed.deaths.draw(rng, ratio))
        return found if ratio is None else found | counts

    def _indices(self, n: Floats, known: Floats, sums: Floats, weight: Floats | None) -> dict[str, Floats]:
        packed, groups, arrays = self.packed, self.groups, self.packed.arrays
        kernel.group_sums_kernel(arrays, n, known, sums, packed.leave_one_out, groups)
        if packed.plain is None:
            kernel.benchmark_kernel(arrays, packed.shrinkage, groups)
        if weight is not None:
            groups.weight[:] = weight
        elif packed.weight is None:
            if "charge" in packed.amounts:
                kernel.weight_kernel(packed.amounts.index("charge"), groups)
            else:
                groups.weight[:] = np.nan
        kernel.weighted_kernel(arrays, n, groups, packed.high_weight, self.out)
        kernel.index_kernel(arrays, known, sums, groups, packed.shrinkage, packed.leave_one_out, self.out)
        found = {name: self.out[row].copy() for row, name in enumerate(_WEIGHTED)}
        for place, amount in enumerate(packed.amounts):
            first = kernel.OF_AMOUNTS + kernel.PER_AMOUNT * place
            found |= {name: self.out[first + at].copy() for at, name in enumerate(_names_of(amount))}
        return found
