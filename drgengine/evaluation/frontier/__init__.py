"""Frontier models (前沿面模型): DEA, slack-based and additive models, cost efficiency, Malmquist index, bootstrap.

>>> from drgengine.evaluation.frontier import dea
>>> dea([[2.0], [4.0]], [[2.0], [3.0]]).score
array([1.  , 0.75])
"""

from __future__ import annotations

from drgengine.evaluation.frontier.envelopment import dea
from drgengine.evaluation.frontier.pricing import CostFrontier, cost_efficiency
from drgengine.evaluation.frontier.productivity import Productivity, malmquist
from drgengine.evaluation.frontier.result import Frontier
from drgengine.evaluation.frontier.slackmodels import additive, sbm
from drgengine.evaluation.frontier.smoothing import BootstrapScores, dea_bootstrap

__all__ = [
    "BootstrapScores",
    "CostFrontier",
    "Frontier",
    "Productivity",
    "additive",
    "cost_efficiency",
    "dea",
    "dea_bootstrap",
    "malmquist",
    "sbm",
]
