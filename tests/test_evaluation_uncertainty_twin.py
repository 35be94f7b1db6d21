"""The kernels of a draw against their plain-Python twin on drawn cells, leave-one-out and given benchmarks included."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drgengine.evaluation.mix import statistics_of_table
from drgengine.evaluation.uncertainty.chainkernel import drawn_sums_kernel, kept_sums_kernel
from drgengine.evaluation.uncertainty.chainpack import CORRELATION, ChainSettings, Packed, pack
from drgengine.evaluation.uncertainty.onedraw import Bench
from drgengine.evaluation.uncertainty.reference_chain import drawn_sum, group_weights, unit_columns

# Few codes, so that hospitals share them; two ADRGs of two groups, and letters of all three kinds.
CODES = ["FB11", "FB15", "FK19", "FR21", "FR25"]
KINDS = {"B": "surgical", "K": "procedure", "R": "medical"}
NAMES = {"charge": ("mean_charge", "charge_index"), "cost": ("mean_cost", "cost_index")}
NAMES["los"] = ("mean_stay", "time_index")
AMOUNTS = ["charge", "cost", "los"]

cell = st.fixed_dictionaries(
    {
        "unit": st.sampled_from(["A", "B", "C"]),
        "drg": st.sampled_from(CODES),
        "n": st.integers(1, 6),
        "unknown": st.integers(0, 6),
        "means": st.tuples(*(st.integers(0, 9) for _ in AMOUNTS)),
        "spread": st.sampled_from([0.0, 0.5, 2.0]),
    }
)


def packed(cells: list[dict[str, Any]], shrinkage: float, leave_one_out: bool) -> Packed:
    rows = []
    for one in cells:
        row = {"hospital_id": one["unit"], "drg": one["drg"], "cases": one["n"]}
        known = max(one["n"] - one["unknown"], 0)
        for amount, mean in zip(AMOUNTS, one["means"], strict=True):
            row |= {f"{amount}_sum": known * mean, f"{amount}_known": known}
            row[f"{amount}_sumsq"] = known * mean**2 * (1 + one["spread"] ** 2)
        rows.append(row)
    settings = ChainSettings(None, None, None, shrinkage, leave_one_out, None, None, None, 1, CORRELATION)
    return pack(statistics_of_table(pd.DataFrame(rows)), settings)


@pytest.mark.kernel
@settings(max_examples=60)
@given(
    st.lists(cell, min_size=1, max_size=12, unique_by=lambda one: (one["unit"], one["drg"])),
    st.sampled_from([0.0, 20.0]),
    st.booleans(),
    st.booleans(),
    st.integers(0, 1000),
)
def test_a_draw_equals_its_twin(
    drawn: list[dict[str, Any]], shrinkage: float, leave_one_out: bool, mix_drawn: bool, seed: int
) -> None:
    ready = packed(drawn, shrinkage, leave_one_out)
    arrays, cells = ready.arrays, ready.cells
    rng = np.random.default_rng(seed)
    shape = arrays.total.shape
    z = rng.standard_normal(shape)
    ratio = rng.integers(0, 3, shape[1]) / 2.0 if mix_drawn else np.ones(shape[1])
    n = ready.cells.n * ratio
    sums, known = np.zeros(shape), arrays.known.copy()
    if mix_drawn:
        drawn_sums_kernel(arrays, z, ratio, sums, known)
    else:
        kept_sums_kernel(arrays, z, sums)
    bench = Bench(ready)
    found = bench._indices(n, known, sums, None)

    twins = []
    for c in range(shape[1]):
        code = cells.groups[cells.group[c]]
        one: dict[str, Any] = {"unit": cells.units[cells.unit[c]], "drg": code, "adrg": code[:3], "n": n[c]}
        one |= {"kind": KINDS[code[1]], "known": {}, "sum": {}}
        for a, amount in enumerate(ready.amounts):
            one["known"][amount] = arrays.known[a, c] * ratio[c]
            rows = [arrays.lower[a].tolist(), z[:, c].tolist()]
            square = arrays.square_cv[a, c]
            expected = drawn_sum(arrays.total[a, c], arrays.known[a, c], square, ratio[c], rows[1], rows[0])
            assert sums[a, c] == pytest.approx(expected, rel=1e-10, abs=1e-12)
            one["sum"][amount] = sums[a, c]
        twins.append(one)
    weights = group_weights(twins) if "charge" in ready.amounts else {}
    for u, unit in enumerate(cells.units):
        twin = unit_columns(twins, unit, weights, list(ready.amounts), shrinkage, leave_one_out, 2.0)
        named = {name: name for name in twin if "_" not in name or name.split("_")[-1] not in AMOUNTS}
        for amount in ready.amounts:
            mean, index = NAMES[amount]
            named[f"mean_{amount}"], named[f"index_{amount}"] = mean, index
            named[f"index_{amount}_oe"], named[f"index_{amount}_shrunk"] = f"{index}_oe", f"{index}_shrunk"
        for name, column in named.items():
            ours = found[column][u]
            assert math.isclose(ours, twin[name], rel_tol=1e-9, abs_tol=1e-9) or (
                math.isnan(ours) and math.isnan(twin[name])
            ), (name, ours, twin[name])
