"""Evaluation of hospitals (医疗服务产出评价): case mix, indicators, scores, efficiency frontier.

Nothing is loaded before it is used.

>>> from drgengine import evaluation as ev
>>> ev.topsis([[5, 8], [7, 6]], [0.5, 0.5], [1, 1]).rank
array([2, 1])
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from drgengine.evaluation.adjusted import adjusted_mortality as adjusted_mortality
    from drgengine.evaluation.frontier import additive as additive
    from drgengine.evaluation.frontier import cost_efficiency as cost_efficiency
    from drgengine.evaluation.frontier import dea as dea
    from drgengine.evaluation.frontier import dea_bootstrap as dea_bootstrap
    from drgengine.evaluation.frontier import malmquist as malmquist
    from drgengine.evaluation.frontier import sbm as sbm
    from drgengine.evaluation.mix import casemix as casemix
    from drgengine.evaluation.mix import cmi_chain as cmi_chain
    from drgengine.evaluation.mix import cmi_drift as cmi_drift
    from drgengine.evaluation.mix import readmissions as readmissions
    from drgengine.evaluation.mix import risk_groups as risk_groups
    from drgengine.evaluation.mix import statistics_of_table as statistics_of_table
    from drgengine.evaluation.mix import structured_weights as structured_weights
    from drgengine.evaluation.mix import unit_statistics as unit_statistics
    from drgengine.evaluation.plan import load_plan as load_plan
    from drgengine.evaluation.scoring import agreement as agreement
    from drgengine.evaluation.scoring import critic_weights as critic_weights
    from drgengine.evaluation.scoring import efficacy_score as efficacy_score
    from drgengine.evaluation.scoring import entropy_weights as entropy_weights
    from drgengine.evaluation.scoring import rsr as rsr
    from drgengine.evaluation.scoring import topsis as topsis
    from drgengine.evaluation.scoring import vikor as vikor
    from drgengine.evaluation.uncertainty import bootstrap_chain as bootstrap_chain
    from drgengine.evaluation.uncertainty import funnel_limits as funnel_limits
    from drgengine.evaluation.uncertainty import rank_intervals as rank_intervals
    from drgengine.evaluation.uncertainty import separable_classes as separable_classes
    from drgengine.evaluation.uncertainty import shrink as shrink
    from drgengine.evaluation.uncertainty import weight_sensitivity as weight_sensitivity
    from drgengine.evaluation.yearly import evaluate as evaluate
    from drgengine.evaluation.yearly import run as run

_HOME = {
    "additive": "frontier",
    "adjusted_mortality": "adjusted",
    "agreement": "scoring",
    "bootstrap_chain": "uncertainty",
    "casemix": "mix",
    "cmi_chain": "mix",
    "cmi_drift": "mix",
    "cost_efficiency": "frontier",
    "critic_weights": "scoring",
    "dea": "frontier",
    "dea_bootstrap": "frontier",
    "efficacy_score": "scoring",
    "entropy_weights": "scoring",
    "evaluate": "yearly",
    "funnel_limits": "uncertainty",
    "load_plan": "plan",
    "malmquist": "frontier",
    "rank_intervals": "uncertainty",
    "readmissions": "mix",
    "risk_groups": "mix",
    "rsr": "scoring",
    "run": "yearly",
    "sbm": "frontier",
    "separable_classes": "uncertainty",
    "shrink": "uncertainty",
    "statistics_of_table": "mix",
    "structured_weights": "mix",
    "topsis": "scoring",
    "unit_statistics": "mix",
    "vikor": "scoring",
    "weight_sensitivity": "uncertainty",
}
__all__ = list(_HOME)


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(_HOME)
