"""What the chapters of the report show, gathered for the template."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from drgengine.evaluation.report.decisiontables import Decision, decision_tables
from drgengine.evaluation.report.drawnshare import drawn_sentence
from drgengine.evaluation.report.efficiencytables import drift_table, frontier_tables, productivity_table
from drgengine.evaluation.report.findings import Findings, findings
from drgengine.evaluation.report.hospitalpages import HospitalPage, hospital_pages
from drgengine.evaluation.report.leaguetable import excluded_rows, league_tables
from drgengine.evaluation.report.methodtables import (
    agreement_table,
    anchor_table,
    calibration_table,
    flow_table,
    hash_table,
    missing_table,
    mortality_table,
    quality_table,
    readmission_sentence,
    sensitivity_table,
    settings_table,
    tree_table,
)
from drgengine.evaluation.report.policyblocks import LineTable, line_tables, status_counts
from drgengine.evaluation.report.policytables import conflict_table, progress_table
from drgengine.evaluation.report.reading import Reading
from drgengine.evaluation.report.redflags import flags_by_hospital
from drgengine.evaluation.report.tables import Cell, Table

_RUN = 12


@dataclass(frozen=True, slots=True)
class ReportContent:
    """Everything but the charts of chapter 3."""

    title: str
    region: str
    period: str
    run_id: str
    findings: Findings
    league: Sequence[Table]
    league_notes: Sequence[Markup]
    compared: bool
    excluded: Sequence[tuple[Markup, Markup]]
    hospitals: Sequence[HospitalPage]
    statuses: Sequence[tuple[Cell, int]]
    lines: Sequence[LineTable]
    conflicts: Table | None
    conflict_text: Markup
    progress: Table | None
    frontier: Sequence[Table]
    frontier_notes: Sequence[str]
    productivity: Table | None
    productivity_empty: Markup
    drift: Table | None
    decisions: Sequence[Decision]
    annex: Sequence[Table | Markup]
    notes: Sequence[str]


def report_content(reading: Reading) -> ReportContent:
    """All tables and sentences of the report."""
    evaluation, words = reading.evaluation, reading.words
    flags = flags_by_hospital(reading)
    conflicts, conflict_text = conflict_table(reading)
    period = evaluation.plan.periods[evaluation.plan.current]
    return ReportContent(
        title=evaluation.plan.title_in(words.language),
        region=evaluation.plan.region_in(words.language),
        period=f"{period.start.isoformat()} – {period.end.isoformat()}",
        run_id=short_run(evaluation.run_id),
        findings=findings(reading, flags),
        league=league_tables(reading),
        league_notes=(drawn_sentence(reading), words("league.crude")),
        compared="comparable_score" in evaluation.league.columns and evaluation.previous is not None,
        excluded=excluded_rows(reading),
        hospitals=hospital_pages(reading, flags),
        statuses=status_counts(reading),
        lines=line_tables(reading),
        conflicts=conflicts,
        conflict_text=conflict_text,
        progress=progress_table(reading),
        frontier=frontier_tables(reading),
        frontier_notes=[words.text(zh, en) for zh, en in evaluation.frontier_notes],
        productivity=productivity_table(reading),
        productivity_empty=words("malmquist.empty" if evaluation.previous is not None else "malmquist.no_previous"),
        drift=drift_table(reading),
        decisions=decision_tables(reading),
        annex=_annex(reading),
        notes=[words.text(zh, en) for zh, en in evaluation.notes],
    )


def short_run(run_id: str) -> str:
    """The beginning of a run id, as far as a reader compares it; the annex has the whole."""
    return run_id[:_RUN]


def _annex(reading: Reading) -> list[Table | Markup]:
    """Tables and sentences of the method annex; what is lacking is said in a sentence."""
    words = reading.words
    return [
        settings_table(reading),
        flow_table(reading),
        readmission_sentence(reading),
        quality_table(reading) or words("hospital.no_quality"),
        tree_table(reading),
        anchor_table(reading) or words("method.no_anchors"),
        missing_table(reading) or words("method.nothing_missing"),
        agreement_table(reading) or words("method.no_agreement"),
        sensitivity_table(reading) or words("method.no_sensitivity"),
        mortality_table(reading) or words("method.no_mortality"),
        calibration_table(reading) or words("method.no_calibration"),
        hash_table(reading) or words("method.no_hashes"),
    ]
