"""Parts of risk-adjusted mortality: comorbidity codes, risks of groups, fit, measures of quality."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy.special import expit, logit
from scipy.stats import beta, betabinom
from sklearn.metrics import brier_score_loss, roc_auc_score

from drgengine.errors import EvaluationError
from drgengine.evaluation.adjusted import adjusted_mortality, load_comorbidities
from drgengine.evaluation.adjusted.comorbidity import SecondaryMasks
from drgengine.evaluation.adjusted.fitting import balancing_shift, fit_logistic
from drgengine.evaluation.adjusted.grouprisk import FoldCounts, log_odds, make_ladder
from drgengine.evaluation.adjusted.quality import (
    brier,
    c_statistic,
    calibration_deciles,
    calibration_line,
    hosmer_lemeshow,
)

GROUPS = load_comorbidities()


def named(code: str) -> list[str]:
    mask = GROUPS.mask_of(code)
    return [name for k, name in enumerate(GROUPS.ids) if mask >> k & 1]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("I21.401", ["infarction"]),
        ("I25.200", ["infarction"]),
        ("I25.103", []),
        ("I50.900x018", ["heart_failure"]),
        ("I42.0", ["heart_failure"]),
        ("I42.300", []),
        ("J44.000", ["lung"]),
        ("E11.900", ["diabetes"]),
        ("E11.200x021+N08.3*", ["diabetes_complicated"]),
        ("E11.500", ["diabetes_complicated"]),
        ("C34.900x001", ["cancer"]),
        ("C44.300", []),
        ("C78.000", ["metastasis"]),
        ("K74.600", ["liver_mild"]),
        ("K76.600", ["liver_severe"]),
        ("N18.900", ["kidney"]),
        ("Z99.200", ["kidney"]),
        ("M35.200", []),
        ("B24.x01", ["aids"]),
        ("G30.900+F00.9*", ["dementia"]),
        ("I60.000", ["cerebrovascular"]),
        ("Z95.800", ["vascular"]),
        ("z95.800", ["vascular"]),
        ("", []),
        ("I10.x00x002", []),
    ],
)
def test_codes_as_the_published_algorithm_assigns_them(code: str, expected: list[str]) -> None:
    assert named(code) == expected


def test_published_weights_and_the_milder_form_beside_the_severe_one() -> None:
    weight = dict(zip(GROUPS.ids, GROUPS.weight, strict=True))
    published = {
        "heart_failure": 2, "dementia": 2, "lung": 1, "rheumatic": 1, "liver_mild": 2, "diabetes_complicated": 1,
        "plegia": 2, "kidney": 1, "cancer": 2, "liver_severe": 4, "metastasis": 6, "aids": 4,
    }  # fmt: skip
    assert {name: w for name, w in weight.items() if w} == published
    assert len(GROUPS.ids) == 17
    both = GROUPS.mask_of("K74.6") | GROUPS.mask_of("K76.6")
    assert GROUPS.score(np.array([both, GROUPS.mask_of("K74.6")], np.uint32)).tolist() == [4, 2]


@pytest.mark.parametrize("kind", [pa.list_(pa.string()), pa.large_list(pa.string())])
def test_only_secondary_diagnoses_count(kind: pa.DataType) -> None:
    rows = [["I50.900", "J44.0"], ["J44.0"], [], None, ["C34.9", None, "C78.0", "I50.9"], ["I10", "N18.9"]]
    masks = SecondaryMasks(GROUPS).masks(pa.array(rows, kind))
    assert GROUPS.score(masks).tolist() == [1, 0, 0, 0, 8, 1]
    sliced = SecondaryMasks(GROUPS).masks(pa.array(rows, kind).slice(4))
    assert GROUPS.score(sliced).tolist() == [8, 1]


def test_comorbidities_enter_as_a_score_or_one_by_one() -> None:
    rng = np.random.default_rng(1)
    size = 6_000
    failing = rng.random(size) < 0.2
    died = rng.random(size) < np.where(failing, 0.12, 0.03)
    cases = pa.table(
        {
            "hospital_id": [f"H{k}" for k in rng.integers(0, 3, size)],
            "drg": ["FR25"] * size,
            "dx": [["I10.x00", "I50.900"] if sick else ["I50.900", "I10.x00"] for sick in failing],
            "discharge_disposition": np.where(died, 5, 1),
        }
    )
    truth = logit(0.12) - logit(0.03)
    score = adjusted_mortality(cases)
    assert score.coefficients.loc["charlson", "coefficient"] == pytest.approx(truth / 2, abs=0.12)
    groups = adjusted_mortality(cases, comorbidities="groups").coefficients
    assert groups.loc["heart_failure", "coefficient"] == pytest.approx(truth, abs=0.25)
    assert "lung" not in groups.index, "nobody has it"
    none = adjusted_mortality(cases, comorbidities="none")
    assert "charlson" not in none.coefficients.index
    assert none.c_statistic_honest < score.c_statistic_honest
    flat = [en for _, en in score.notes if "same in every case" in en]
    assert flat, "every case has one secondary diagnosis"
    assert "number of secondary diagnoses" in flat[0]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"I21-I22"', '"I22-I21"', "runs backwards"),
        ('"I21-I22"', '"heart"', "'heart' is no code or range"),
        ("weight = 0\n", "wieght = 0\n", "key 'weight' is missing"),
        ('["cancer", "metastasis"]', '["cancer", "mets"]', "no pair of groups"),
    ],
)
def test_a_broken_file_of_comorbidities_says_where(tmp_path: Path, old: str, new: str, words: str) -> None:
    packaged = Path(load_comorbidities.__wrapped__.__code__.co_filename).parents[2] / "data" / "evaluation"
    text = (packaged / "comorbidities.toml").read_text(encoding="utf-8")
    assert old in text
    broken = tmp_path / "broken.toml"
    broken.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(EvaluationError, match=words) as caught:
        load_comorbidities(broken)
    assert "broken.toml" in str(caught.value)


def test_risk_of_a_group_is_drawn_to_the_level_above_by_its_size() -> None:
    groups = ["FR21", "FR25", "FR29", "GB11", "GB13"]
    cases = np.array([5_000.0, 5_000.0, 3.0, 4_000.0, 4_000.0])
    deaths = np.array([500.0, 100.0, 0.0, 40.0, 20.0])
    ladder = make_ladder(groups, deaths, cases)
    risk = expit(log_odds(ladder, deaths, cases))
    assert risk[0] == pytest.approx(0.1, rel=0.02)
    assert risk[1] == pytest.approx(0.02, rel=0.05)
    assert 0.02 < risk[2] < 0.08, "three cases say nothing; the ADRG does"
    assert risk[3] == pytest.approx(0.01, rel=0.06)


def test_strength_of_shrinkage_is_the_likeliest() -> None:
    rng = np.random.default_rng(2)
    size = 400
    groups = [f"F{chr(65 + k // 20)}{k % 20 // 2 % 10}{k % 2 + 1}" for k in range(size)]
    cases = rng.integers(50, 500, size).astype(float)
    deaths = rng.binomial(cases.astype(int), beta(0.03 * 200, 0.97 * 200).rvs(size, random_state=rng)).astype(float)
    ladder = make_ladder(groups, deaths, cases)
    assert 80 < ladder.strengths[2] < 600, "drawn with 200"
    # The same likelihood by another formula, at the level of all against one mean.
    mean = deaths.sum() / cases.sum()
    fits = [betabinom.logpmf(deaths, cases, k * mean, k * (1 - mean)).sum() for k in (20, 200, 2_000)]
    assert fits[1] == max(fits)


def test_risk_without_a_fold_knows_nothing_of_it() -> None:
    fold, group = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    died = np.array([True, False, False, False])
    counts = FoldCounts.of(fold, group, died, 2, ["FR21", "GB11"])
    changed = FoldCounts.of(fold, group, np.array([False, True, False, False]), 2, ["FR21", "GB11"])
    ladder = counts.ladder
    np.testing.assert_allclose(
        counts.without(0), log_odds(ladder, np.zeros(2), np.ones(2)), err_msg="fold 1 has no death"
    )
    assert counts.without(1)[0] > changed.without(1)[0]
    same = FoldCounts(ladder, changed.deaths, changed.cases)
    np.testing.assert_array_equal(same.without(0), counts.without(0))


def newton(matrix: np.ndarray, died: np.ndarray, penalty: float) -> np.ndarray:
    """Ridge logistic regression as the books write it, standardised columns, free intercept."""
    z = (matrix - matrix.mean(axis=0)) / matrix.std(axis=0)
    full = np.column_stack([z, np.ones(len(z))])
    ridge = np.diag([penalty] * z.shape[1] + [0.0])
    b = np.zeros(full.shape[1])
    for _ in range(50):
        p = 1 / (1 + np.exp(-full @ b))
        b = b + np.linalg.solve(full.T @ (full * (p * (1 - p))[:, None]) + ridge, full.T @ (died - p) - ridge @ b)
    return b


def test_fit_equals_newton_steps_written_out() -> None:
    rng = np.random.default_rng(7)
    matrix = np.column_stack([rng.normal(50, 20, 4_000), rng.random(4_000) < 0.2])
    died = rng.random(4_000) < expit(-5 + 0.03 * matrix[:, 0] + matrix[:, 1])
    model = fit_logistic(matrix, died, 1.0)
    b = newton(matrix, died, 1.0)
    np.testing.assert_allclose(model.coefficients * matrix.std(axis=0), b[:-1], rtol=1e-6)
    assert expit(model.linear(matrix)).sum() == pytest.approx(died.sum(), rel=1e-9)
    assert model.converged
    assert model.se == pytest.approx([0.0035, 0.13], rel=0.3)


@pytest.mark.parametrize("deaths", [0.5, 10.0, 99.5])
def test_shift_of_the_intercept_balances_deaths(deaths: float) -> None:
    linear = np.linspace(-9, 4, 100)
    assert expit(linear + balancing_shift(linear, deaths)).sum() == pytest.approx(deaths, rel=1e-10)


def test_measures_equal_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(3)
    risk = rng.beta(1, 20, 3_000).round(3)
    died = rng.random(3_000) < risk
    assert c_statistic(risk, died) == pytest.approx(roc_auc_score(died, risk), rel=1e-12)
    assert brier(risk, died) == pytest.approx(brier_score_loss(died, risk), rel=1e-12)
    assert np.isnan(c_statistic(risk, np.zeros(3_000)))


def test_calibration_line_sees_level_and_spread() -> None:
    rng = np.random.default_rng(4)
    lp = rng.normal(-3, 1, 200_000)
    died = rng.random(lp.size) < expit(lp)
    assert calibration_line(expit(lp), died) == pytest.approx((0.0, 1.0), abs=0.03)
    intercept, _ = calibration_line(expit(lp - 0.5), died)
    assert intercept == pytest.approx(0.5, abs=0.03)
    _, slope = calibration_line(expit(2 * lp), died)
    assert slope == pytest.approx(0.5, abs=0.02)
    assert np.isnan(calibration_line([0.1, 0.1], [0, 0])).all()
    assert np.isnan(calibration_line([0.1, 0.1], [0, 1])[1])


def test_hosmer_lemeshow_of_a_printed_sum() -> None:
    # By hand: (12-10)^2 / (10 * 0.9) + (8-10)^2 / (10 * 0.9) + 0 = 8/9.
    table = pd.DataFrame({"cases": [100, 100, 100], "deaths": [12, 8, 50], "expected": [10.0, 10.0, 50.0]})
    found = hosmer_lemeshow(table)
    assert (found.chi2, found.df) == (pytest.approx(8 / 9), 1)
    assert found.p == pytest.approx(0.3458, abs=1e-4)
    assert np.isnan(hosmer_lemeshow(table.head(2)).p)


def test_cases_of_equal_risk_stay_in_one_decile() -> None:
    risk = np.array([0.1] * 50 + [0.2] * 50)
    table = calibration_deciles(risk, np.zeros(100))
    assert table["cases"].tolist() == [50, 50]
    assert table["expected"].tolist() == pytest.approx([5.0, 10.0])
