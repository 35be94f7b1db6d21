"""Indicators (指标): catalogue, trees of dimensions, values with reasons, targets and regional plans, all as data."""

from drgengine.evaluation.indicators.alarms import use_alarms
from drgengine.evaluation.indicators.casemixinputs import casemix_inputs
from drgengine.evaluation.indicators.catalogue import Catalogue, load_catalogue
from drgengine.evaluation.indicators.computing import Indicators, compute_indicators
from drgengine.evaluation.indicators.consistency import check_consistency
from drgengine.evaluation.indicators.entries import Indicator, Input
from drgengine.evaluation.indicators.formula import Formula, read_formula
from drgengine.evaluation.indicators.inputtable import join_inputs, roll_up_inputs
from drgengine.evaluation.indicators.linespage import PolicyLine, indicators_page, policy_lines
from drgengine.evaluation.indicators.progress import implied_range, plan_progress, recompute_base
from drgengine.evaluation.indicators.targetfile import (
    Identity,
    Stated,
    Target,
    TargetSet,
    load_identities,
    load_targets,
    target_names,
)
from drgengine.evaluation.indicators.targetstatus import check_targets
from drgengine.evaluation.indicators.treefile import Tree, load_tree, load_trees

__all__ = [
    "Catalogue",
    "Formula",
    "Identity",
    "Indicator",
    "Indicators",
    "Input",
    "PolicyLine",
    "Stated",
    "Target",
    "TargetSet",
    "Tree",
    "casemix_inputs",
    "check_consistency",
    "check_targets",
    "compute_indicators",
    "implied_range",
    "indicators_page",
    "join_inputs",
    "load_catalogue",
    "load_identities",
    "load_targets",
    "load_tree",
    "load_trees",
    "plan_progress",
    "policy_lines",
    "read_formula",
    "recompute_base",
    "roll_up_inputs",
    "target_names",
    "use_alarms",
]
