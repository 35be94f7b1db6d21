"""Decisions (结果应用): budget factor, director appraisal, wage total, subsidy, posts, each with formula and cap."""

from drgengine.evaluation.decisions.propose import COLUMNS, decide
from drgengine.evaluation.decisions.rulefile import Rule, decision_kinds, read_rules

__all__ = ["COLUMNS", "Rule", "decide", "decision_kinds", "read_rules"]
