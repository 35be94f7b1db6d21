"""`evaluation.evaluate`: a plan in, everything a report shows out (年度评价)."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from drgengine.errors import EvaluationError
from drgengine.evaluation.indicators import Catalogue, Tree
from drgengine.evaluation.mix import CmiDrift, GroupWeights, RiskGroups, cmi_drift, relative_weights, risk_groups
from drgengine.evaluation.plan.namecheck import plan_catalogue, plan_targets, plan_tree, target_list
from drgengine.evaluation.plan.planfile import load_plan
from drgengine.evaluation.plan.settings import Plan
from drgengine.evaluation.yearly.alerts import find_alerts
from drgengine.evaluation.yearly.anchors import Anchors, Values, find_anchors
from drgengine.evaluation.yearly.comparable import comparable_notes, in_both
from drgengine.evaluation.yearly.datachecks import late_evidence, unknown_groups, weight_checks
from drgengine.evaluation.yearly.drawnscores import DrawnScores, chain_columns, draw_scores
from drgengine.evaluation.yearly.frontiertable import FrontierTables, frontier_tables
from drgengine.evaluation.yearly.funneltables import counted, funnels, shrunk_table
from drgengine.evaluation.yearly.leaguetable import Compared, League, interval, league_table, moves
from drgengine.evaluation.yearly.methodchecks import cross_checks, sensitivity
from drgengine.evaluation.yearly.methodnotes import Note, data_notes, distinct, score_notes
from drgengine.evaluation.yearly.periodresult import (
    PeriodParts,
    breadth_sample,
    earlier_of,
    period_parts,
    period_result,
)
from drgengine.evaluation.yearly.periodstatistics import PeriodData, period_data
from drgengine.evaluation.yearly.readinputs import read_anchors, read_weights
from drgengine.evaluation.yearly.readmissiondraws import readmission_draws
from drgengine.evaluation.yearly.readunits import read_units
from drgengine.evaluation.yearly.result import Book, Evaluation, PeriodResult
from drgengine.evaluation.yearly.riskperiods import risk_period
from drgengine.evaluation.yearly.runidentity import run_number, start_hashing
from drgengine.evaluation.yearly.scorecard import Scorecard, score_period
from drgengine.evaluation.yearly.scratchfolder import scratch_folder
from drgengine.evaluation.yearly.targettables import TargetTables, target_groups, target_tables
from drgengine.evaluation.yearly.weighting import indicator_weights

Progress = Callable[[int, int, str], None]
STEPS = ("data", "indicators", "scores", "uncertainty", "frontier", "targets", "books")
READMISSION_WINDOW = 31
READMISSIONS_DRAWN = (
    "再入院例数按Beta(d+1/2, n-d+1/2)分布抽取再入院率；两期独立抽样。",
    "Readmission rates are drawn from Beta(d + 1/2, n - d + 1/2); the two periods are drawn independently.",
)
NO_SPREAD = (
    "得分不随抽样变动（如统计数据没有平方和，或计分指标均为固定值）：不给出得分区间、名次区间和等级。",
    "No score moves between draws (no sums of squares, or only fixed indicators): no intervals and no classes.",
)


def evaluate(plan: Plan | str | os.PathLike[str], *, progress: Progress | None = None) -> Evaluation:
    """Evaluate the hospitals of a plan (年度医疗服务产出评价).

    plan : from load_plan(), or the path of plan.toml   progress : called with (steps done, steps in all, name)

    Both periods are scored under the same DRG weights, anchors and indicator weights. What is drawn by the bootstrap
    is what single cases move: case-mix inputs and the indicators whose formulas use them; everything else is fixed.
    Raises PlanError, EvaluationError, InputFileError: every mistake names file, value, why and remedy.
    """
    found = plan if isinstance(plan, Plan) else load_plan(plan)
    with scratch_folder() as scratch:
        hashing = start_hashing(found)
        try:
            made = _Run(found, scratch, progress)
            return made.evaluation(lambda: {seen.name: seen.sha256 for seen in hashing.result()})
        finally:
            hashing.stop()


def plan_files(plan: Plan) -> tuple[Path, ...]:
    """The cases or statistics of the current period."""
    return (*plan.periods[plan.current].cases, *plan.periods[plan.current].statistics)


class _Run:
    """The steps of one evaluation, in order; each leaves what later ones need."""

    def __init__(self, plan: Plan, scratch: Path, progress: Progress | None) -> None:
        self.plan = plan
        self.scratch = scratch
        self.progress = progress
        self.notes: list[Note] = []
        self.catalogue: Catalogue = plan_catalogue(plan)
        self.tree: Tree = plan_tree(plan, self.catalogue)
        self.hospitals = read_units(plan)
        self.leaves = self.tree.table()

    def step(self, name: str) -> None:
        if self.progress is not None:
            self.progress(STEPS.index(name), len(STEPS), name)

    def evaluation(self, hashes: Callable[[], Mapping[str, str]]) -> Evaluation:
        """All steps."""
        self.step("data")
        self.read()
        self.step("indicators")
        self.periods()
        self.step("scores")
        self.score()
        self.step("uncertainty")
        self.draw()
        self.step("frontier")
        frontier = frontier_tables(self.plan, self.hospitals, self.current, self.previous)
        self.step("targets")
        targets = target_tables(self.plan, self.hospitals, self.current, self.previous, self.catalogue)
        self.step("books")
        decisions, books = self.decisions(), self.books()
        if self.progress is not None:
            self.progress(len(STEPS), len(STEPS), "")
        return self.put_together(frontier, targets, decisions, books, hashes())

    def read(self) -> None:
        """Statistics of all periods, weights, risk groups."""
        plan = self.plan
        wanted = list(dict.fromkeys([plan.current, *([plan.previous] if plan.previous else []), plan.base]))
        self.data: dict[str, PeriodData] = {}
        for name in wanted:
            folder = self.scratch / f"period-{len(self.data)}"
            folder.mkdir()
            self.data[name] = period_data(plan.periods[name], plan, self.hospitals.index, folder)
        self.weights: GroupWeights = self._weights()
        made = {name: risk_groups(one.statistics.roll_up("hospital_id")) for name, one in self.data.items()}
        self.risk_periods = {name: risk_period(plan, name) for name in self.data}
        self.risks: dict[str, RiskGroups | None] = {
            name: None if source is None else made[source] for name, source in self.risk_periods.items()
        }

    def _weights(self) -> GroupWeights:
        given = read_weights(self.plan)
        current = self.data[self.plan.current]
        if given is not None:
            return given
        if not self.plan.mix.structured:
            made = relative_weights(current.statistics.roll_up("hospital_id"))
            if not made.weights:
                raise EvaluationError(
                    ", ".join(path.name for path in plan_files(self.plan)),
                    "no included discharge has a charge above 0, of which the DRG weights are made",
                    "Give charges (总费用), or a table of weights in [case_mix]",
                )
            return made
        from drgengine.evaluation.mix import structured_weights

        if current.cases is None:
            remedy = "Give cases, or set structured = false"
            raise EvaluationError("[case_mix], key 'structured'", "statistics hold no charge parts", remedy)
        found = structured_weights(current.cases.path, max_stay_days=self.plan.mix.max_stay_days)
        self.notes += found.notes
        return found

    def periods(self) -> None:
        """Case mix, inputs and indicators of all periods."""
        plan = self.plan
        sampled = replace(plan, mix=replace(plan.mix, rarefaction=breadth_sample(self.data.values(), plan)))
        self.drift = self._drift()
        parts: dict[str, PeriodParts] = {}
        for name, data in self.data.items():
            drift = self.drift if name == plan.current else None
            source = self.risk_periods[name]
            parts[name] = period_parts(
                data,
                plan.periods[name],
                sampled,
                self.hospitals,
                self.weights,
                self.risks[name],
                self.catalogue,
                drift,
                None if source is None else self.data[source].statistics,
            )
        self.parts = parts
        self.results: dict[str, PeriodResult] = {
            name: period_result(one, earlier_of(parts, one, plan), plan, self.hospitals, self.catalogue, self.tree)
            for name, one in parts.items()
        }
        self.current = self.results[plan.current]
        self.previous = None if plan.previous is None else self.results[plan.previous]
        self.notes += data_notes(plan, parts, self.weights)
        self.checks = [check for one in self.data.values() for check in one.checks]
        self.checks += weight_checks(plan, parts, self.weights)
        self.remarks = [*unknown_groups(parts, plan), *late_evidence(self.current, plan)]
        self.notes += [note for note in [*self.checks, *self.remarks] if note not in self.notes]

    def _drift(self) -> CmiDrift | None:
        plan = self.plan
        if plan.previous is None:
            return None
        old, new = (self.data[name].statistics.roll_up("hospital_id") for name in (plan.previous, plan.current))
        return cmi_drift(old, new, self.weights)

    def score(self) -> None:
        """Anchors, weights, scores of both periods."""
        plan = self.plan
        groups = self.hospitals["peer_group"]
        values = self.current.indicators.values
        base = self.results[plan.base].indicators.values
        directions = {str(name): int(direction) for name, direction in self.leaves["direction"].items()}
        given = read_anchors(plan, self.catalogue, set(groups), directions)
        self.anchors: Anchors = find_anchors(
            directions,
            Values(base, plan.base, values, plan.current),
            groups,
            given,
            target_list(plan_targets(plan, self.catalogue)),
            target_groups(plan, self.hospitals) or {},
            plan.scores,
            {str(name): self.catalogue[str(name)].bounds for name in self.leaves.index},
        )
        in_play = [
            name for name in self.leaves.index if name not in self.anchors.left_out and values[name].notna().any()
        ]
        self.left_out = dict(self.anchors.left_out)
        for name in self.leaves.index:
            if name not in in_play and name not in self.left_out:
                self.left_out[name] = ("本期没有任何机构有数值", "no hospital has a value in the current period")
        expert = self.leaves["weight"].loc[in_play]
        self.indicator_weights = (
            indicator_weights(expert, self.leaves["direction"], values, groups, plan.scores) if in_play else expert
        )
        self.in_play = float(expert.sum() / self.leaves["weight"].sum())
        self.card: Scorecard = self._card(values, self.in_play)
        self.card_before: Scorecard | None = None
        self.common: tuple[Scorecard, Scorecard] | None = None
        if self.previous is not None:
            before = self.previous.indicators.values
            self.card_before = self._card(before)
            now, then = (self._card(part) for part in in_both(values, before))
            self.common = now, then
            self.notes += comparable_notes(self.card.indicators, now.indicators, self.catalogue)

    def _card(self, values: pd.DataFrame, in_play: float | None = None) -> Scorecard:
        plan = self.plan
        return score_period(
            values,
            self.indicator_weights,
            self.anchors,
            self.hospitals,
            self.tree,
            plan.scores,
            plan.language,
            in_play or None,
        )

    def draw(self) -> None:
        """Bootstrap, league, funnels, shrinkage, checks of methods and weights."""
        plan = self.plan
        now, before = self._chain()
        draws = plan.uncertainty.draws
        settings = plan.scores
        self.drawn: DrawnScores = draw_scores(
            self.card, self.current.indicators, now, before, self.tree, settings, draws
        )
        compared: Compared | None = None
        if self.common is not None and self.previous is not None:
            card, card_before = self.common
            earlier = before if before is not None else {}
            compared = Compared(
                card,
                card_before,
                draw_scores(card, self.current.indicators, now, before, self.tree, settings, draws),
                draw_scores(card_before, self.previous.indicators, earlier, None, self.tree, settings, draws),
            )
        self.counted = counted(self.current, READMISSION_WINDOW, self.hospitals.index)
        self.funnels, funnel_notes = funnels(self.counted, self.hospitals.index)
        self.shrunk, shrunk_notes = shrunk_table(self.counted, plan)
        self.league: League = league_table(
            plan,
            self.hospitals,
            self.card,
            self.drawn,
            self.current,
            self.card_before,
            compared,
            self.funnels,
        )
        cases = self.data[plan.current].cases
        self.alerts = find_alerts(self.drift, self.current, cases, self.funnels, self.hospitals.index)
        groups = self.hospitals["peer_group"]
        values = self.current.indicators.values
        weights = self.indicator_weights
        directions = self.leaves["direction"]
        self.agreement, self.method_ranks, checks = cross_checks(plan, self.card, values, weights, directions, groups)
        self.sensitivity, more = sensitivity(plan, self.card, weights, groups)
        self.notes += score_notes(plan, self.tree, self.catalogue, weights, self.left_out, self.drawn, self.in_play)
        if not moves(self.drawn.scores) and np.isfinite(self.card.total).any():
            self.notes.append(NO_SPREAD)
        self.notes += [*self.chain_notes, *funnel_notes, *shrunk_notes, *checks, *more]

    def _chain(self) -> tuple[Mapping[str, Any], Mapping[str, Any] | None]:
        """Drawn inputs of both periods."""
        from drgengine.evaluation.uncertainty import bootstrap_chain

        plan, mix = self.plan, self.plan.mix
        current = self.parts[plan.current].hospital
        previous = None if plan.previous is None else self.parts[plan.previous].hospital
        computed = mix.weights is None and not mix.structured
        chain = bootstrap_chain(
            current,
            weights=None if computed else self.weights,
            risks=self.current.mix.risks,
            # Numbers of cases alone would make intervals that look too sure.
            mix=plan.uncertainty.mix if {"charge", "los"} <= current.squares else "fixed",
            draws=plan.uncertainty.draws,
            seed=plan.uncertainty.seed,
            shrinkage=mix.shrinkage,
            leave_one_out=mix.leave_one_out,
            low_risk_scores=mix.low_risk_scores,
            expected_mdcs=mix.expected_mdcs or None,
            mdc_threshold=mix.mdc_threshold,
            previous=previous,
            previous_risks=None if self.previous is None else self.previous.mix.risks,
        )
        self.chain = chain
        self.chain_notes: list[Note] = [(chain.method_text_zh, chain.method_text)]
        self.chain_notes += list(zip(chain.notes_zh, chain.notes, strict=True))
        if self.current.readmissions is not None:
            self.chain_notes.append(READMISSIONS_DRAWN)
        known = self.catalogue.inputs
        index = self.hospitals.index
        draws, seed = plan.uncertainty.draws, plan.uncertainty.seed
        now = {name: one for name, one in chain_columns(chain, index).items() if name in known}
        now |= readmission_draws(self.current.readmissions, index, draws, (seed, 0))
        if chain.previous is None:
            return now, None
        before = {name: one for name, one in chain_columns(chain.previous, index).items() if name in known}
        assert self.previous is not None
        return now, before | readmission_draws(self.previous.readmissions, index, draws, (seed, 1))

    def decisions(self) -> pd.DataFrame:
        """Decision exports by the plan's settings."""
        from drgengine.evaluation.decisions import decide

        mix = self.current.mix.table.reindex(self.hospitals.index)
        return decide(self.league.table, mix, self.current.indicators, self.plan.decisions)

    def books(self) -> Mapping[str, Book]:
        """Books of departments and physicians, where the statistics know them."""
        plan = self.plan
        statistics = self.current.statistics
        if not plan.books:
            return {}
        if len(statistics.by) < 2:
            self.notes.append(
                ("数据没有科室和医师，未编制分册。", "The data name no departments or physicians: no books.")
            )
            return {}
        from drgengine.evaluation.books import make_books

        previous = None if self.previous is None else self.previous.statistics
        return make_books(
            statistics,
            previous,
            weights=self.weights,
            risks=self.current.mix.risks,
            hospitals=self.hospitals,
            privacy=plan.privacy,
            mix_settings=plan.mix,
        )

    def put_together(
        self,
        frontier: FrontierTables,
        targets: TargetTables,
        decisions: pd.DataFrame,
        books: Mapping[str, Book],
        hashes: Mapping[str, str],
    ) -> Evaluation:
        """The result."""
        from drgengine.costing.results.manifest import software

        plan = self.plan
        return Evaluation(
            plan=plan,
            tree=self.tree,
            hospitals=self.hospitals,
            current=self.current,
            previous=self.previous,
            base_id=plan.base,
            scores=self.card.scores,
            previous_scores=None if self.card_before is None else self.card_before.scores,
            league=self.league.table,
            class_probabilities=self.league.class_probabilities,
            targets=targets.targets,
            lines=targets.lines,
            progress=targets.progress,
            consistency=targets.consistency,
            funnels=self.funnels,
            shrunk=self.shrunk,
            frontier=frontier.frontier,
            frontier_notes=tuple(frontier.notes),
            productivity=frontier.productivity,
            agreement=self.agreement,
            method_ranks=self.method_ranks,
            weight_sensitivity=self.sensitivity,
            drift=self.drift,
            decisions=decisions,
            books=books,
            notes=distinct([*self.notes, *targets.notes, *frontier.notes]),
            seed=plan.uncertainty.seed,
            draws=plan.uncertainty.draws,
            hashes=hashes,
            software=software(),
            run_id=run_number(hashes),
            details=self._details(frontier),
        )

    def _details(self, frontier: FrontierTables) -> dict[str, Any]:
        bounds = {}
        for name, draws in self.drawn.dimensions.items():
            low, high = interval(draws, self.plan.uncertainty.level)
            own = self.card.scores.dimensions[name].to_numpy(np.float64)
            bounds[f"{name}_low"], bounds[f"{name}_high"] = np.fmin(low, own), np.fmax(high, own)
        return {
            "weights": self.weights,
            "indicator_weights": self.indicator_weights,
            "left_out": self.left_out,
            "left_out_share": 1.0 - self.in_play,
            "outside_period": {name: one.outside for name, one in self.data.items()},
            "checks": tuple(self.checks),
            "remarks": tuple(self.remarks),
            "untested_vetoes": self.league.untested,
            "mismatches": {name: one.mismatches for name, one in self.parts.items()},
            "unknown_columns": {name: one.unknown for name, one in self.parts.items()},
            "dimension_intervals": pd.DataFrame(bounds, index=self.hospitals.index),
            "drawn_indicators": self.drawn.drawn,
            "fixed_indicators": self.drawn.fixed,
            "frontier_thin": frontier.thin,
            "base": self.results[self.plan.base],
            "mortality": {name: one.mortality for name, one in self.parts.items()},
            "chain_notes": self.chain.notes,
            "risk_periods": self.risk_periods,
            "comparable_scores": None if self.common is None else tuple(card.scores for card in self.common),
            "coding_alerts": self.alerts.coding,
            "pair_alerts": self.alerts.pairs,
            "transfers": self.alerts.transfers,
        }
