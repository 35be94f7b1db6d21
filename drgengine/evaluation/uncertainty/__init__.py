"""How sure a result is (不确定性): bootstrap of the whole chain, rank intervals, funnels, shrinkage, classes.

Nothing is loaded before it is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from drgengine.evaluation.uncertainty.chaindraws import ChainDraws as ChainDraws
    from drgengine.evaluation.uncertainty.chaindraws import bootstrap_chain as bootstrap_chain
    from drgengine.evaluation.uncertainty.classes import Classes as Classes
    from drgengine.evaluation.uncertainty.classes import class_limits as class_limits
    from drgengine.evaluation.uncertainty.classes import separable_classes as separable_classes
    from drgengine.evaluation.uncertainty.funnel import FunnelLimits as FunnelLimits
    from drgengine.evaluation.uncertainty.funnel import funnel_limits as funnel_limits
    from drgengine.evaluation.uncertainty.rankdraws import RankIntervals as RankIntervals
    from drgengine.evaluation.uncertainty.rankdraws import rank_intervals as rank_intervals
    from drgengine.evaluation.uncertainty.scoredraws import ScoreDraws as ScoreDraws
    from drgengine.evaluation.uncertainty.scoredraws import score_draws as score_draws
    from drgengine.evaluation.uncertainty.shrinkage import Shrunk as Shrunk
    from drgengine.evaluation.uncertainty.shrinkage import shrink as shrink
    from drgengine.evaluation.uncertainty.weightdraws import weight_sensitivity as weight_sensitivity

_HOME = {
    "ChainDraws": "chaindraws",
    "Classes": "classes",
    "FunnelLimits": "funnel",
    "RankIntervals": "rankdraws",
    "ScoreDraws": "scoredraws",
    "Shrunk": "shrinkage",
    "bootstrap_chain": "chaindraws",
    "class_limits": "classes",
    "funnel_limits": "funnel",
    "rank_intervals": "rankdraws",
    "score_draws": "scoredraws",
    "separable_classes": "classes",
    "shrink": "shrinkage",
    "weight_sensitivity": "weightdraws",
}
__all__ = list(_HOME)


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(_HOME)
