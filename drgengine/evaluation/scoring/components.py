"""Principal component score (主成分综合得分): a cross-check only, since a component is not performance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy.stats import chi2

from drgengine.errors import EvaluationError
from drgengine.evaluation.scoring.indicators import Floats, Indicators, read_directions
from drgengine.evaluation.scoring.missing import COVERAGE, prepare
from drgengine.evaluation.scoring.places import constant_columns, constant_words, places
from drgengine.evaluation.scoring.scored import Scored

ENOUGH_UNITS = 5  # units per indicator below which components are not stable
SUITABLE_KMO = 0.5


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class PcaScore(Scored):
    """Principal component scores, mean 0, without unit; may be negative.

    eigenvalues : all, largest first; explained : their shares; kept : number of components in the score
    loadings : [m, kept], unit vectors with the sign that makes their sum positive
    coefficients : [m], of the standardised and directed indicators; contributions are z x coefficient
    kmo : sampling adequacy (0..1), NaN when the correlations are singular; bartlett : (chi2, degrees, p), NaN likewise
    weights : NaN, the method takes none
    """

    eigenvalues: Floats
    explained: Floats
    kept: int
    loadings: Any
    coefficients: Any
    kmo: float
    bartlett: tuple[float, int, float]


def pca_score(
    matrix: Any,
    directions: Any,
    keep: Literal["share", "eigenvalue"] = "share",
    *,
    share: float = 0.8,
    missing: Literal["refuse", "median", "exclude"] = "refuse",
    minimum_coverage: float = COVERAGE,
    peers: Any = None,
) -> PcaScore:
    """Score from principal components (主成分分析), to compare with a score that has reasons, not to rank by.

    matrix : units x indicators, as measured; directions : +1, -1 (a cost indicator is turned round)
    keep : "share" - components until `share` of the variance; "eigenvalue" - components with eigenvalue above 1
    F_i = sum_k (lambda_k / sum lambda) score_ik over the kept components, of values standardised with n - 1.
    Each component gets the sign that makes the sum of its loadings positive. Constant indicators are left out, with a
    warning; fewer than 5 units per indicator, KMO below 0.5 and Bartlett's p of 0.05 or more give warnings.
    missing : as in drgengine.evaluation.scoring.missing.prepare; weights cannot be renewed here
    Raises EvaluationError: fewer than 3 units, fewer than 2 indicators that vary.

    >>> found = pca_score([[1, 2.0], [2, 1.5], [3, 4.0], [4, 3.0], [5, 6.0]], [1, 1])
    >>> found.kept, found.rank.tolist()
    (1, [5, 4, 3, 2, 1])
    """
    if missing not in ("refuse", "median", "exclude"):
        raise EvaluationError("missing", f"{missing!r} cannot be used here", "Take 'refuse', 'median' or 'exclude'")
    if keep not in ("share", "eigenvalue") or not 0.0 < share <= 1.0:
        raise EvaluationError("keep, share", f"{keep!r}, {share!r} are not known", "Take 'share' with 0.8")
    ready = prepare(matrix, None, missing=missing, minimum_coverage=minimum_coverage, peers=peers)
    source = ready.source
    direction = read_directions(directions, source)
    flat = constant_columns(ready.values)
    if ready.values.shape[0] < 3 or (~flat).sum() < 2:
        problem = f"{ready.values.shape[0]} units and {int((~flat).sum())} indicators that vary"
        raise EvaluationError("matrix", problem, "Components need at least 3 units and 2 indicators that vary")
    z = np.zeros_like(ready.values)
    own = ready.values[:, ~flat]
    z[:, ~flat] = direction[~flat] * (own - own.mean(axis=0)) / own.std(axis=0, ddof=1)
    values, vectors = _components(z[:, ~flat])
    kept = _kept(values, keep, share)
    loadings = np.zeros((direction.size, kept))
    loadings[~flat] = vectors[:, :kept]
    coefficients = loadings @ (values[:kept] / values[:kept].sum())
    shares = z * coefficients
    score = shares.sum(axis=1)
    kmo, bartlett = _suitability(z[:, ~flat])
    words = constant_words(flat, source.names, "it is left out") + _doubts(z.shape[0], z.shape[1], kmo, bartlett[2])
    return PcaScore(
        method=f"pca-{keep}",
        parameters={"keep": keep, "share": share, "directions": direction.tolist(), "missing": missing},
        score=ready.per_unit(score),
        rank=source.per_unit(places(ready.spread(score))),
        contributions=ready.matrix(shares),
        weights=source.per_indicator(np.full(direction.size, np.nan)),
        coverage=source.per_unit(ready.coverage),
        excluded=ready.excluded,
        warnings=(*ready.warnings, *words, "a component is not performance: use as a cross-check only"),
        eigenvalues=values,
        explained=values / values.sum(),
        kept=kept,
        loadings=_loading_table(loadings, source),
        coefficients=source.per_indicator(coefficients),
        kmo=kmo,
        bartlett=bartlett,
    )


def _components(z: Floats) -> tuple[Floats, Floats]:
    """Eigenvalues (largest first) and sign-fixed eigenvectors of the correlations."""
    from sklearn.decomposition import PCA

    found = PCA(svd_solver="full").fit(z)
    vectors = found.components_.T
    sums = vectors.sum(axis=0)
    # A sum of 0 up to rounding decides nothing: the first loading that is not 0 does.
    lead = vectors[np.abs(vectors).argmax(axis=0), np.arange(vectors.shape[1])]
    sign = np.where(np.abs(sums) > 1e-9, np.sign(sums), np.sign(lead))
    return np.maximum(found.explained_variance_, 0.0), vectors * sign


def _kept(values: Floats, keep: str, share: float) -> int:
    if keep == "eigenvalue":
        return max(1, int((values > 1.0).sum()))
    reached = np.cumsum(values) / values.sum()
    return int(np.searchsorted(reached, share - 1e-12) + 1)


def _suitability(z: Floats) -> tuple[float, tuple[float, int, float]]:
    """KMO and Bartlett's test of sphericity; NaN where the correlation matrix cannot be inverted."""
    many, wide = z.shape
    degrees = wide * (wide - 1) // 2
    correlations: Floats = np.asarray(np.corrcoef(z, rowvar=False))
    sign, log_determinant = np.linalg.slogdet(correlations)
    if sign <= 0 or np.linalg.cond(correlations) > 1e12:
        return float("nan"), (float("nan"), degrees, float("nan"))
    inverse = np.linalg.inv(correlations)
    scale = np.sqrt(np.outer(np.diag(inverse), np.diag(inverse)))
    off = ~np.eye(wide, dtype=np.bool_)
    simple, partial = float((correlations[off] ** 2).sum()), float(((inverse / scale)[off] ** 2).sum())
    kmo = simple / (simple + partial) if simple + partial > 0.0 else float("nan")
    statistic = -(many - 1 - (2 * wide + 5) / 6.0) * float(log_determinant)
    return kmo, (statistic, degrees, float(chi2.sf(statistic, degrees)))


def _doubts(many: int, wide: int, kmo: float, p: float) -> tuple[str, ...]:
    found = []
    if many <= ENOUGH_UNITS * wide:
        found.append(f"{many} units for {wide} indicators, more than {ENOUGH_UNITS * wide} are needed")
    if np.isnan(kmo):
        found.append("correlations are singular: KMO and Bartlett's test cannot be computed")
    elif kmo < SUITABLE_KMO:
        found.append(f"KMO {kmo:.3f} is below {SUITABLE_KMO}: too little in common for components")
    if p >= 0.05:
        found.append(f"Bartlett's test, p = {p:.3f}: the correlations may be chance")
    return tuple(found)


def _loading_table(loadings: Floats, source: Indicators) -> Any:
    if not source.labelled:
        return loadings
    return pd.DataFrame(loadings, index=source.names, columns=[f"F{at + 1}" for at in range(loadings.shape[1])])
