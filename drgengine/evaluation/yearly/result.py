"""Everything a yearly evaluation found (年度评价结果), as named tables; reports and files only show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from drgengine.evaluation.indicators.computing import Indicators
from drgengine.evaluation.indicators.treefile import Tree
from drgengine.evaluation.mix.drift import CmiDrift
from drgengine.evaluation.mix.readmission import Readmissions
from drgengine.evaluation.mix.result import CaseMix
from drgengine.evaluation.mix.unitstatistics import UnitStatistics
from drgengine.evaluation.plan.settings import Plan


@dataclass(frozen=True, slots=True, eq=False)
class PeriodResult:
    """What one period gave.

    statistics : by hospital (and department and physician where the cases name them)   mix : by hospital
    indicators : all of the catalogue that are of a hospital   region : those of the region, one row, or None
    quality : hospitals x discharges, grouped, grouping_rate, invalid, ungroupable, ambiguous, long_stay,
        without_weight, charge_known, stay_known, disposition_known (shares of the included), dx_per_case,
        input_coverage (share of the tree's indicators)
    adjusted_mortality : hospitals x deaths, expected, smr, low, high ..., or None where there are no cases to fit
    calibration : of the mortality model, deciles x cases, deaths, expected; None likewise
    """

    id: str
    statistics: UnitStatistics
    mix: CaseMix
    readmissions: Readmissions | None
    indicators: Indicators
    region: Indicators | None
    quality: pd.DataFrame
    adjusted_mortality: pd.DataFrame | None = None
    calibration: pd.DataFrame | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Scores of one period under fixed anchors and weights.

    table : hospitals x peer_group, score (0 to 100, NaN = excluded), rank (in the peer group, 1 = best), coverage,
        excluded (reason or "", in the language of the plan), excluded_zh, excluded_en
    dimensions : hospitals x dimension ids of the tree, 0 to 100
    contributions : long, one row per hospital and indicator of the tree: hospital_id, dimension, indicator, value, bad,
        good, points, weight (of this hospital, after missing ones are spread), contribution (sums to the score),
        peer_median (of the values), peer_median_points
    anchors : indicator, peer_group, bad, good, source (a Bilingual text where it was worked out), source_zh, source_en
    """

    table: pd.DataFrame
    dimensions: pd.DataFrame
    contributions: pd.DataFrame
    anchors: pd.DataFrame


@dataclass(frozen=True, slots=True, eq=False)
class Funnel:
    """A funnel (漏斗图): one indicator against volume.

    id, zh, en, unit : what is drawn   target : centre line   kind : ratio (SMR, index) or share
    points : hospitals x volume, value, low_95, high_95, low_998, high_998, flag ("", "above 95", "above 99.8",
        "below 95", "below 99.8")
    curve : volume, low_95, high_95, low_998, high_998 on a grid, for drawing
    overdispersion : phi and tau2 used, phi = 1 and tau2 = 0 where none
    """

    id: str
    zh: str
    en: str
    unit: str
    kind: str
    target: float
    volume_zh: str
    volume_en: str
    points: pd.DataFrame
    curve: pd.DataFrame
    phi: float = 1.0
    tau2: float = 0.0
    note_zh: str = ""
    note_en: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Book:
    """Departments and physicians of one hospital (科室与医师分册), small cells suppressed, physicians masked.

    departments : department_id x cases, total_weight, cmi, drg_count, charge_index, time_index, low_risk_mortality ...
        each with the value of the same department of peers (`peer_` columns) and remark
    physicians : physician (masked) x department_id and the same columns
    suppressed : number of rows not shown, by table
    """

    hospital_id: str
    departments: pd.DataFrame
    physicians: pd.DataFrame
    suppressed: Mapping[str, int]


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """A yearly evaluation. All tables with hospital_id as index hold the same hospitals in the same order.

    hospitals : name, name_en, level, type, peer_group, peer_group_en (as peer_group where no English name is given)
    league : peer_group, rank, rank_low, rank_high, rank_expected, p_top, class ("" where not separable or excluded),
        class_probability, class_before_veto, separable (bool), veto (text or "", in the language of the plan; veto_zh,
        veto_en in both), score, score_low, score_high, coverage, excluded (likewise, excluded_zh, excluded_en),
        previous_score (all indicators of the previous period: not to be compared with score, which has growths too),
        comparable_score, previous_comparable_score (both periods over the indicators that a hospital has in both, same
        anchors, weights renewed), comparable_rank, previous_rank (of these two, in the peer group, among hospitals
        that have both: the ends of a slope), change (comparable_score - previous_comparable_score), p_improved (share
        of draws in which it is above 0; NaN without a previous period), and for reading beside it cases, total_weight,
        cmi, drg_count, charge_index, time_index, low_risk_mortality, low_risk_expected (%, at the rates of all
        hospitals in the same period), drug_share, consumables_per_100, medical_service_share, inpatient_fee_growth,
        medical_surplus_rate, rank_worst (size of the peer group)
    class_probabilities : hospitals x class names
    targets : see check_targets, hospitals and the region (unit = region's name)
    lines : policy compliance, one row per line A01 to B33 and target: line, zh, en, scope (hospital, region, engine,
        none), indicator, indicator_zh, indicator_en, actual (region or median of hospitals), units, met, missed,
        target, target_text, status (met, near, missed, trend right, trend wrong, behind, no data, evidence,
        engine, out of scope, no target), gap, source_zh, source_en, remark_zh, remark_en
    progress : see plan_progress   consistency : see check_consistency
    funnels : by id   shrunk : long, hospital_id, indicator, raw, shrunk, low, high, reliability, mark
    frontier : hospitals x score, corrected, low, high, efficient, returns_to_scale, scale_efficiency, peers (text),
        status, reason, slack_NAME, target_NAME; None without one   frontier_notes : texts
    productivity : hospitals x malmquist, efficiency_change, technical_change, pure, scale, status, reason, or None
    agreement : method x method rank correlation of the places in the peer group; method_ranks : hospitals x methods,
        ranks in the peer group
    weight_sensitivity : hospitals x share of draws in which the class stays, share in which the rank moves by more
        than 2; drift : of the CMI, None without a previous period
    decisions : hospital_id, kind, zh, en, basis, factor, capped_factor, amount, unit, formula, cap, note
    books : by hospital_id
    notes : (zh, en) pairs for the method annex   seed, draws : of the bootstrap   hashes : file name -> sha256
    details : weights (GroupWeights), indicator_weights, left_out (indicator -> (zh, en)), untested_vetoes,
        mismatches and unknown_columns (by period), dimension_intervals (DIMENSION_low, _high), drawn_indicators,
        fixed_indicators, frontier_thin, base (PeriodResult), mortality (AdjustedMortality by period), chain_notes,
        risk_periods (period -> the one whose mortality makes its risk groups), coding_alerts (hospital_id, cmi_change,
        within, between, depth_before, depth_after, cases_before, cases_after, zh, en), pair_alerts (hospital_id, pair,
        index, index_value, rate, rate_value, limit, flag, zh, en), comparable_scores (Scores of current and previous
        period behind comparable_score, whose contributions split the change; None without a previous one), transfers
        (hospitals x known, transfers, share, high_95, flag, or None), left_out_share (of the tree's weight),
        outside_period (period -> hospital -> discharges left out), checks and remarks ((zh, en), data that need a look
        and those that do not change the exit code)
    """

    plan: Plan
    tree: Tree
    hospitals: pd.DataFrame
    current: PeriodResult
    previous: PeriodResult | None
    base_id: str
    scores: Scores
    previous_scores: Scores | None
    league: pd.DataFrame
    class_probabilities: pd.DataFrame
    targets: pd.DataFrame
    lines: pd.DataFrame
    progress: pd.DataFrame
    consistency: pd.DataFrame
    funnels: Mapping[str, Funnel]
    shrunk: pd.DataFrame
    frontier: pd.DataFrame | None
    frontier_notes: tuple[tuple[str, str], ...]
    productivity: pd.DataFrame | None
    agreement: pd.DataFrame
    method_ranks: pd.DataFrame
    weight_sensitivity: pd.DataFrame
    drift: CmiDrift | None
    decisions: pd.DataFrame
    books: Mapping[str, Book]
    notes: tuple[tuple[str, str], ...]
    seed: int
    draws: int
    hashes: Mapping[str, str]
    software: Mapping[str, str]
    run_id: str
    details: Mapping[str, Any] = field(default_factory=dict)
