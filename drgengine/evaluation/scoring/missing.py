"""What a missing value does to a score: refuse, weigh anew, take the median of peers, or leave the unit out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from drgengine.errors import EvaluationError
from drgengine.evaluation.scoring.indicators import Bools, Floats, Indicators, read_matrix, read_weights

Missing = Literal["refuse", "reweight", "median", "exclude"]
WAYS: tuple[str, ...] = get_args(Missing)
COVERAGE = 0.7
ROUNDING = 1e-9  # 0.7 as a sum of weights may come out as 0.6999999999999999


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A matrix ready for a method: the units that count, and the weights of each.

    source : the matrix as given; weights : float64[m], sum 1
    kept : bool[n], units that are scored; excluded : unit -> reason for the others
    values : float64[k, m] of the kept units, NaN only with "reweight"
    row_weights : float64[k, m], weights renewed over what is present, 0 where missing, each row adds up to 1
    coverage : float64[n], share of the weights (0..1) whose indicator has a value of the unit's own
    """

    source: Indicators
    weights: Floats
    kept: Bools
    values: Floats
    row_weights: Floats
    coverage: Floats
    excluded: dict[Any, str]
    warnings: tuple[str, ...]

    def spread(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Values of the kept units at the places of all units, NaN for the others."""
        if self.kept.all():
            return values
        full = np.full((self.kept.size, *values.shape[1:]), np.nan)
        full[self.kept] = values
        return full

    def per_unit(self, values: npt.NDArray[Any]) -> Any:
        return self.source.per_unit(self.spread(values))

    def matrix(self, values: npt.NDArray[Any]) -> Any:
        return self.source.matrix(self.spread(values))

    @property
    def kept_units(self) -> pd.Index:
        return self.source.units[self.kept]


def prepare(
    matrix: Any,
    weights: Any = None,
    *,
    missing: Missing = "refuse",
    minimum_coverage: float = COVERAGE,
    peers: Any = None,
    normalise_weights: bool = False,
) -> Prepared:
    """Check matrix and weights and settle missing values (缺失值处理) before any method sees them.

    missing : "refuse" - an error names the first one; "reweight" - the weights of a unit are renewed over the
        indicators it has; "median" - the median of its peers is put in; "exclude" - a unit that lacks one is left out
    minimum_coverage : least share of the weights that a unit needs of its own with "reweight" and "median";
        below it the unit gets no score, with the reason
    peers : label per unit of its peer group, for "median"; None takes all units
    Units without a score do not influence the others: they leave before any extreme, mean or rank is taken.
    Raises EvaluationError: see read_matrix and read_weights; an option not known; no unit or no value left.

    >>> found = prepare([[1.0, 2.0], [3.0, np.nan], [np.nan, np.nan]], [0.8, 0.2], missing="reweight")
    >>> found.row_weights.tolist(), found.coverage.tolist(), found.excluded
    ([[0.8, 0.2], [1.0, 0.0]], [1.0, 0.8, 0.0], {2: 'coverage 0 % of the weights, at least 70 % are needed'})
    """
    if missing not in WAYS:
        raise EvaluationError("missing", f"{missing!r} is not known", f"Take one of {', '.join(WAYS)}")
    if not 0.0 <= minimum_coverage <= 1.0:
        raise EvaluationError("minimum_coverage", f"{minimum_coverage!r} is no share", "Give 0 to 1, for example 0.7")
    source = read_matrix(matrix)
    weight = read_weights(weights, source, rescale=normalise_weights)
    present = ~np.isnan(source.values)
    coverage = np.where(present.all(axis=1), 1.0, present @ weight)
    kept: Bools = np.ones(present.shape[0], dtype=np.bool_)
    excluded: dict[Any, str] = {}
    values = source.values
    warnings: tuple[str, ...] = ()
    if not present.all():
        if missing == "refuse":
            _refuse(source, present)
        if missing == "exclude":
            kept = np.asarray(present.all(axis=1))
            for at in np.flatnonzero(~kept):
                gone = ", ".join(repr(name) for name in source.names[~present[at]])
                excluded[source.units[at]] = f"no value for {gone}"
        else:
            kept = _covered(source, coverage, minimum_coverage, excluded)
        if missing == "median":
            values = _with_medians(source, present, kept, peers, excluded)
        filled = int((~present[kept]).sum())
        if filled:
            what = "replaced by the median of peers" if missing == "median" else "left out of the weights"
            warnings = (f"{filled} missing values {what}",)
    _something_left(source, values, kept)
    own = np.ascontiguousarray(values[kept])
    return Prepared(source, weight, kept, own, _row_weights(weight, own), coverage, excluded, warnings)


def _refuse(source: Indicators, present: Bools) -> None:
    row, column = (int(at[0]) for at in np.nonzero(~present))
    many = int((~present).sum())
    more = f", and {many - 1} more" if many > 1 else ""
    problem = f"unit {source.units[row]!r} has no value for indicator {source.names[column]!r}{more}"
    raise EvaluationError("matrix", problem, f"Fill it, or choose missing={WAYS[1]!r}, {WAYS[2]!r} or {WAYS[3]!r}")


def _covered(source: Indicators, coverage: Floats, least: float, excluded: dict[Any, str]) -> Bools:
    kept = (coverage >= least - ROUNDING) & (coverage > 0.0)
    for at in np.flatnonzero(~kept):
        share = f"coverage {100 * coverage[at]:.4g} % of the weights"
        excluded[source.units[at]] = f"{share}, at least {100 * least:.4g} % are needed"
    return kept


def _with_medians(source: Indicators, present: Bools, kept: Bools, peers: Any, excluded: dict[Any, str]) -> Floats:
    """Medians are of values really there, over the peers that are scored; a unit whose peers have none is left out."""
    group = _peer_numbers(peers, source)
    values = source.values.copy()
    lacking = []
    for row, column in zip(*np.nonzero(~present & kept[:, None]), strict=True):
        others = source.values[kept & (group == group[row]) & present[:, column], column]
        if others.size:
            values[row, column] = np.median(others)
        else:
            lacking.append((row, column))
    for row, column in lacking:
        kept[row] = False
        excluded[source.units[row]] = f"no peer has a value for {source.names[column]!r}"
    return values


def _peer_numbers(peers: Any, source: Indicators) -> npt.NDArray[np.int64]:
    many = len(source.units)
    if peers is None:
        return np.zeros(many, dtype=np.int64)
    if isinstance(peers, pd.Series) and source.labelled and not isinstance(peers.index, pd.RangeIndex):
        peers = peers.reindex(source.units)
    labels = pd.Series(list(peers), dtype=object)
    if len(labels) != many:
        raise EvaluationError("peers", f"{len(labels)} labels for {many} units", "Give the peer group of each unit")
    if labels.isna().any():
        unit = source.units[int(np.flatnonzero(labels.isna())[0])]
        raise EvaluationError("peers", f"unit {unit!r} has no peer group", "Give the peer group of each unit")
    return pd.factorize(labels)[0].astype(np.int64)


def _something_left(source: Indicators, values: Floats, kept: Bools) -> None:
    if not kept.any():
        remedy = "Fill the gaps, lower minimum_coverage, or drop the indicators that are mostly empty"
        raise EvaluationError("matrix", "no unit has enough values to be scored", remedy)
    empty = np.isnan(values[kept]).all(axis=0)
    if empty.any():
        name = source.names[int(np.flatnonzero(empty)[0])]
        raise EvaluationError("matrix", f"indicator {name!r} has no value at all", "Drop it, or set its source right")


def _row_weights(weight: Floats, values: Floats) -> Floats:
    if not np.isnan(values).any():
        return np.broadcast_to(weight, values.shape)
    rows = np.where(np.isnan(values), 0.0, weight)
    return rows / rows.sum(axis=1, keepdims=True)
