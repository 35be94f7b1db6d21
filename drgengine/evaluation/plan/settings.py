"""What an evaluation plan (评价方案) says: data, case mix, scores, uncertainty, targets, decisions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from drgengine.evaluation.scoring.vetorules import Veto

Language = Literal["zh", "en"]


@dataclass(frozen=True, slots=True)
class Period:
    """`[period.ID]`: one period and the files it comes with (评价期). Paths are absolute.

    cases : Parquet, CSV or XLSX files of discharges, grouped or not   statistics : instead of cases, files of
        UnitStatistics.save(), or tables with one row per unit and DRG
    inputs : tables of hospitals x inputs of the catalogue   region : table of region inputs, one row or name and value
    evidence : unit, indicator, value, source, date   costs : case tables of `drgengine cost`, or result folders
    """

    id: str
    start: dt.date
    end: dt.date
    cases: tuple[Path, ...] = ()
    statistics: tuple[Path, ...] = ()
    inputs: tuple[Path, ...] = ()
    region: Path | None = None
    evidence: Path | None = None
    costs: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class MixSettings:
    """`[case_mix]`: see casemix() and readmissions().

    weights : table of DRG and weight, None = computed from the current period and used for all periods (固定权重)
    rarefaction : sample size of drg_breadth in all periods, None = cases of the smallest hospital of any period that
        reaches the minimum volume
    structured : weights from equal shares of the charge parts instead of the mean charge
    """

    scheme: str = "chs-drg-2.0"
    weights: Path | None = None
    structured: bool = False
    max_stay_days: int = 60
    low_risk_scores: tuple[int, ...] = (1,)
    leave_one_out: bool = False
    shrinkage: float | None = None
    expected_mdcs: tuple[str, ...] = ()
    mdc_threshold: int = 1
    rarefaction: int | None = None
    minimum: int | None = None
    readmission_windows: tuple[int, ...] = (7, 14, 15, 30, 31)


@dataclass(frozen=True, slots=True)
class ScoreSettings:
    """`[scores]`: tree, anchors, weights, missing values, vetoes (计分规则).

    tree : name of a shipped tree, or of one in tree_file   anchors : table indicator, bad, good, source and, where
        peer groups differ, peer_group; what it lacks is taken from the base period: good and bad are the percentiles
        `good_percentile` and `bad_percentile` of the values in the better direction; a policy target that is a number
        takes the place of good where `targets_as_good`
    how : sum or geometric   floor : least points of an indicator
    weights : expert (of the tree), entropy, critic or variation; with another than expert, `expert_share` of expert
    cap : least and largest weight as multiples of 1/m, for objective weights
    missing, minimum_coverage : see scoring.missing.prepare; there is no "refuse" in a plan
    cross_checks : methods whose agreement is shown
    vetoes : a breach caps the class
    """

    tree: str = "putuo"
    tree_file: Path | None = None
    anchors: Path | None = None
    bad_percentile: float = 10.0
    good_percentile: float = 90.0
    targets_as_good: bool = False
    how: Literal["sum", "geometric"] = "sum"
    floor: float = 0.0
    weights: Literal["expert", "entropy", "critic", "variation"] = "expert"
    expert_share: float = 0.7
    cap: tuple[float, float] = (0.5, 2.0)
    missing: Literal["reweight", "median", "exclude"] = "reweight"
    minimum_coverage: float = 0.7
    cross_checks: tuple[str, ...] = ("topsis", "vikor", "rsr", "geometric", "pca")
    vetoes: tuple[Veto, ...] = ()


@dataclass(frozen=True, slots=True)
class ClassSettings:
    """`[classes]`: classes from best to worst and the shares of a peer group they take (等级).

    shares : of the ranked units of a peer group, sum 1   probability : a class is given only from this probability on
    """

    names: tuple[str, ...] = ("A", "B", "C")
    shares: tuple[float, ...] = (0.25, 0.5, 0.25)
    probability: float = 0.8


@dataclass(frozen=True, slots=True)
class UncertaintySettings:
    """`[uncertainty]`: draws of the bootstrap (自助法), see uncertainty.bootstrap_chain.

    mix : "fixed" - cases are drawn within hospital and DRG; "drawn" - the number of cases per DRG is drawn too
    top : k of the probability to be among the best k   concentration : of the Dirichlet draws of weights
    """

    draws: int = 1000
    seed: int = 1
    level: float = 0.95
    top: int = 3
    mix: Literal["fixed", "drawn"] = "drawn"
    concentration: float = 50.0
    weight_draws: int = 1000


@dataclass(frozen=True, slots=True)
class FrontierSettings:
    """`[frontier]`: inputs and outputs of the efficiency frontier (DEA), by names of inputs of the catalogue."""

    inputs: tuple[str, ...] = ("doctors", "nurses", "beds", "business_cost")
    outputs: tuple[str, ...] = ("total_weight", "visits")
    replications: int = 1000
    level: float = 0.95


@dataclass(frozen=True, slots=True)
class TargetSettings:
    """`[targets]`: sets checked against the values.

    sets : shipped target sets for hospitals and region   files : further ones   plan : shipped set or file of a
        regional plan with base and target years   column : of the unit table that says a hospital's group for targets
        which are for a group
    """

    sets: tuple[str, ...] = ("putuo",)
    files: tuple[Path, ...] = ()
    plan: str | None = None
    column: str = "level"


@dataclass(frozen=True, slots=True)
class Privacy:
    """`[privacy]`: smallest_cell - cells of fewer cases are not shown; mask_physicians - numbers instead of codes."""

    smallest_cell: int = 5
    mask_physicians: bool = True


@dataclass(frozen=True, slots=True)
class Plan:
    """An evaluation plan, read and checked.

    units : table hospital_id, name, name_en, level, type, peer_group and further columns of the user
    peer_columns : columns whose values make the peer group where there is no column peer_group
    current, previous, base : ids of periods; base gives risk groups and anchors
    title_en, region_en : what an English report says, "" = as title and region
    decisions : `[decisions]`, kind -> its settings, see data/evaluation/decisions.toml
    files : every file of the plan, the plan itself first
    """

    path: Path
    title: str
    region: str
    units: Path
    periods: Mapping[str, Period]
    current: str
    previous: str | None
    base: str
    language: Language = "zh"
    peer_columns: tuple[str, ...] = ("level", "type")
    catalogue: tuple[Path, ...] = ()
    mix: MixSettings = field(default_factory=MixSettings)
    scores: ScoreSettings = field(default_factory=ScoreSettings)
    classes: ClassSettings = field(default_factory=ClassSettings)
    uncertainty: UncertaintySettings = field(default_factory=UncertaintySettings)
    frontier: FrontierSettings = field(default_factory=FrontierSettings)
    targets: TargetSettings = field(default_factory=TargetSettings)
    decisions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    privacy: Privacy = field(default_factory=Privacy)
    books: bool = True
    title_en: str = ""
    region_en: str = ""
    files: tuple[Path, ...] = ()

    def title_in(self, language: str) -> str:
        """The title for a report in this language."""
        return self.title_en if language == "en" and self.title_en else self.title

    def region_in(self, language: str) -> str:
        """The name of the region for a report in this language."""
        return self.region_en if language == "en" and self.region_en else self.region
