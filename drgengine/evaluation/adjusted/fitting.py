"""The logistic model: fit, predictions that did not see their own case, and the last shift of the intercept."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.special import expit

from drgengine.evaluation.adjusted.casevalues import CaseValues
from drgengine.evaluation.adjusted.design import Design
from drgengine.evaluation.adjusted.grouprisk import FoldCounts

Floats = npt.NDArray[np.float64]
STEP = 262_144
STEPS = 200
LEVEL_SPREAD = 1.0
MOST_UNITS = 500


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """Coefficients per own unit of each column and the intercept; se : from the information matrix, with the penalty.

    mean, spread : of the columns in the fitted cases   converged : whether the solver said so
    """

    coefficients: Floats
    se: Floats
    intercept: float
    mean: Floats
    spread: Floats
    converged: bool

    def linear(self, matrix: Floats) -> Floats:
        """Linear predictor of rows."""
        return matrix @ self.coefficients + self.intercept

    def shifted(self, by: float) -> Model:
        """The same with another intercept."""
        return Model(self.coefficients, self.se, self.intercept + by, self.mean, self.spread, self.converged)


def fit_logistic(matrix: Floats, died: Any, penalty: float, unit: Any = None) -> Model:
    """Logistic regression with a ridge penalty on the standardised columns (scikit-learn).

    penalty : lambda of lambda / 2 |b|^2 beside the log likelihood
    unit : int[n], number of the unit of each case; with it every unit has a level of its own while the coefficients
        are estimated, so that they come from comparisons within units; the levels are dropped afterwards
    The intercept is set so that expected deaths of the fitted cases add up to those observed.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    mean, spread = matrix.mean(axis=0), matrix.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    width = matrix.shape[1]
    full: Any = (matrix - mean) / spread
    if unit is not None:
        full = sparse.hstack([sparse.csr_matrix(full), _levels_of_units(unit)], format="csr")
    solver = "newton-cholesky" if unit is None else "newton-cg"
    model = LogisticRegression(C=1.0 / penalty, solver=solver, tol=1e-10 if unit is None else 1e-8, max_iter=STEPS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(full, died)
    p = model.predict_proba(full)[:, 1]
    coefficients = model.coef_[0, :width] / spread
    linear = matrix @ coefficients
    return Model(
        coefficients, _errors(full, p, penalty)[:width] / spread, balancing_shift(linear, float(np.sum(died))), mean,
        spread, bool(model.n_iter_[0] < STEPS),
    )  # fmt: skip


def _levels_of_units(unit: Any) -> Any:
    """A column per unit, of a size that lets the penalty of 1 act as a spread of LEVEL_SPREAD in log odds."""
    _, place = np.unique(unit, return_inverse=True)
    rows = np.arange(place.size)
    return sparse.csr_matrix((np.full(place.size, LEVEL_SPREAD), (rows, place)))


def _errors(full: Any, p: Floats, penalty: float) -> Floats:
    """Standard errors from the information matrix with the penalty, the free intercept included."""
    weight = p * (1.0 - p)
    weighted = full.multiply(weight[:, None]).tocsr() if sparse.issparse(full) else full * weight[:, None]
    inner = full.T @ weighted
    inner = inner.toarray() if sparse.issparse(inner) else inner
    edge = np.asarray(weighted.sum(axis=0)).reshape(-1)
    inner[np.diag_indices_from(inner)] += penalty
    information = np.block([[inner, edge[:, None]], [edge[None, :], np.array([[weight.sum()]])]])
    return np.asarray(np.sqrt(np.diag(np.linalg.pinv(information)))[:-1])


def crossed_risk(counts: FoldCounts | None, base: Floats | None, fold: Any, group: Any, without: int = -1) -> Floats:
    """Log odds of the DRG of each case: of the base period, or of the folds other than its own and `without`."""
    if base is not None:
        return base[group]
    assert counts is not None
    tables = [counts.without(*{k, without} - {-1}) for k in range(len(counts.deaths))]
    return np.asarray(np.stack(tables)[fold, group])


def honest_predictions(
    values: CaseValues, rows: Any, design: Design, counts: FoldCounts | None, base: Floats | None, fold: Any,
    penalty: float, unit: Any = None,
) -> Floats:  # fmt: skip
    """Probability of each of the rows by a model, and risks of DRGs, made without its fold; NaN where it cannot be."""
    died, group = values.died[rows], values.group[rows]
    honest = np.full(len(rows), np.nan)
    for k in range(int(fold.max()) + 1):
        inside = fold == k
        train = ~inside
        if not died[train].any() or died[train].all() or not inside.any():
            continue
        # Training cases, too, have risks that know nothing of the fold left out.
        risk = crossed_risk(counts, base, fold, group, k)
        own = None if unit is None else unit[train]
        model = fit_logistic(design.matrix(values, rows[train], risk[train]), died[train], penalty, own)
        honest[inside] = expit(model.linear(design.matrix(values, rows[inside], risk[inside])))
    return honest


def predict(values: CaseValues, rows: Any, design: Design, model: Model, risk: Floats) -> Floats:
    """Linear predictor of the rows, a part at a time."""
    parts = [
        model.linear(design.matrix(values, rows[at : at + STEP], risk[at : at + STEP]))
        for at in range(0, len(rows), STEP)
    ]
    return np.concatenate(parts) if parts else np.empty(0)


def balancing_shift(linear: Floats, deaths: float) -> float:
    """What to add to the intercept so that expected deaths are `deaths` (0 < deaths < cases).

    >>> shift = balancing_shift(np.array([-2.0, 0.0, 1.0]), 1.0)
    >>> round(float(expit(np.array([-2.0, 0.0, 1.0]) + shift).sum()), 9)
    1.0
    """
    shift = 0.0
    for _ in range(100):
        p = expit(linear + shift)
        step = (deaths - p.sum()) / max(float(np.sum(p * (1.0 - p))), 1e-300)
        shift += float(np.clip(step, -5.0, 5.0))
        if abs(step) < 1e-13:
            break
    return shift


def assign_folds(values: CaseValues, rows: Any, folds: int, by: str, seed: int) -> Any:
    """Fold of each of the rows: cases at random, or whole units, so that their deaths are spread evenly."""
    if by == "case":
        return (np.random.default_rng(seed).permutation(len(rows)) % folds).astype(np.int8)
    unit = values.unit[rows]
    size = len(values.units)
    deaths = np.bincount(unit, weights=values.died[rows], minlength=size)
    cases = np.bincount(unit, minlength=size)
    load = np.zeros((folds, 2))
    fold_of = np.zeros(size, np.int8)
    for u in np.lexsort((np.arange(size), -cases, -deaths)):
        k = int(np.lexsort((np.arange(folds), load[:, 1], load[:, 0]))[0])
        fold_of[u] = k
        load[k] += deaths[u], cases[u]
    return fold_of[unit]
