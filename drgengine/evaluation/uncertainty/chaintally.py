"""Columns of a draw that follow from the numbers of cases alone (例数类指标): cases, DRGs, MDCs, cases by risk."""

from __future__ import annotations

import numpy as np

from drgengine.evaluation.mix.measures import Floats, over
from drgengine.evaluation.uncertainty.chainpack import Packed

_THRESHOLDS = {"drg_count": 1.0, "drg_count_5": 5.0, "drg_count_10": 10.0}


def tally_columns(packed: Packed, n: Floats, ratio: Floats | None) -> dict[str, Floats]:
    """n : float64[c], cases of the draw; ratio : cases drawn / cases observed, None = all as observed."""
    cells = packed.cells
    cases = cells.per_unit(n)
    found = {"discharges": cases + packed.excluded, "cases": cases}
    for name, least in _THRESHOLDS.items():
        found[name] = cells.per_unit((n >= least).astype(np.float64))
    covered = _covered_mdcs(packed, n)
    found["mdc_count"] = covered
    found["mdc_coverage"] = over(covered, float(len(packed.mdcs)))
    return found | packed.deaths.counts(ratio)


def _covered_mdcs(packed: Packed, n: Floats) -> Floats:
    cells, width = packed.cells, len(packed.mdcs) + 1
    place = {mdc: number for number, mdc in enumerate(packed.mdcs)}
    of_group = np.array([place.get(mdc or "", width - 1) for mdc in cells.mdc_of], np.int64)
    units = len(cells.units)
    flat = np.bincount(cells.unit * width + of_group[cells.group], weights=n, minlength=units * width)
    reached = flat.reshape(units, width)[:, :-1] >= packed.mdc_threshold
    return np.asarray(reached.sum(axis=1), np.float64)
