"""Breadth of a unit (服务广度): number of DRGs, rarefied number, MDCs covered and missing, shares by kind of ADRG."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
from scipy.special import gammaln

from drgengine.errors import EvaluationError
from drgengine.evaluation.mix.cellarrays import Cells
from drgengine.evaluation.mix.measures import Floats

KINDS = ("surgical", "procedure", "medical")
_CODE = re.compile(r"[A-Z]([A-Z])[0-9A-Z][0-9]?")


def group_kind(adrg: str) -> str | None:
    """Kind of a CHS-DRG group by the second letter: A-J surgical 外科, K-Q procedure 非手术室操作, R-Z medical 内科.

    None for a code of another form.

    >>> [group_kind(code) for code in ("FB1", "FM1", "FR2", "039")]
    ['surgical', 'procedure', 'medical', None]
    """
    match = _CODE.fullmatch(adrg)
    if match is None:
        return None
    return "surgical" if match[1] <= "J" else "procedure" if match[1] <= "Q" else "medical"


def kinds_of(cells: Cells, kinds: Mapping[str, str] | None) -> np.ndarray:
    """int64[j]: place in KINDS, -1 = not known; `kinds` maps DRG or ADRG codes and goes before the letters."""
    given = {} if kinds is None else dict(kinds)
    wrong = next((code for code, kind in given.items() if kind not in KINDS), None)
    if wrong is not None:
        raise EvaluationError(f"kinds, group {wrong}", f"{given[wrong]!r} is no kind", f"Known: {', '.join(KINDS)}")
    numbers = []
    for group, adrg in zip(cells.groups, cells.adrg_of, strict=True):
        family = cells.adrgs[adrg]
        kind = given.get(group) or given.get(family) or group_kind(family)
        numbers.append(-1 if kind is None else KINDS.index(kind))
    return np.array(numbers, np.int64)


def drg_counts(cells: Cells, thresholds: Sequence[int]) -> dict[int, Floats]:
    """Number of DRGs with at least m cases (DRG 组数), per threshold m."""
    return {m: cells.per_unit((cells.n >= m).astype(np.float64)) for m in thresholds}


def rarefied_breadth(cells: Cells, size: int) -> Floats:
    """Expected number of DRGs in a random sample of `size` cases: sum_j [1 - C(N-n_j, s) / C(N, s)].

    Takes the size of the unit out of the number of DRGs; NaN for units with fewer cases than `size`.
    """
    n = cells.n
    all_cases = cells.per_unit(n)
    whole = all_cases[cells.unit]
    rest = whole - n
    drawn_without = np.where(rest >= size, rest, size)
    enough = whole >= size
    total = np.where(enough, whole, size)
    log_none = gammaln(drawn_without + 1) - gammaln(drawn_without - size + 1)
    log_none -= gammaln(total + 1) - gammaln(total - size + 1)
    met = np.where(rest >= size, -np.expm1(np.minimum(log_none, 0.0)), 1.0)
    breadth = cells.per_unit(np.where(enough, met, 0.0))
    return np.where(all_cases >= size, breadth, np.nan)


def mdc_breadth(
    cells: Cells, expected: Sequence[str] | None, threshold: int
) -> tuple[tuple[str, ...], Floats, list[tuple[str, ...]]]:
    """MDCs expected, the number of them a unit covers, and those it lacks (缺失专业).

    expected : MDC codes; None = all that occur in the data   threshold : cases that make an MDC covered
    """
    present = sorted({mdc for mdc in cells.mdc_of if mdc is not None})
    codes = tuple(present if expected is None else dict.fromkeys(expected))
    place = {mdc: number for number, mdc in enumerate(codes)}
    of_group = np.array([place.get(mdc or "", len(codes)) for mdc in cells.mdc_of], np.int64)
    width = len(codes) + 1
    flat = np.bincount(cells.unit * width + of_group[cells.group], weights=cells.n, minlength=len(cells.units) * width)
    covered = flat.reshape(len(cells.units), width)[:, :-1] >= threshold
    missing = [tuple(codes[k] for k in np.flatnonzero(~row)) for row in covered]
    return codes, covered.sum(axis=1).astype(np.float64), missing
