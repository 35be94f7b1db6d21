"""What a new scheme changes for a hospital (新旧方案影响分析): cases that move, severity, weight, by department."""

from drgengine.impact.compute import impact
from drgengine.impact.outputs import write_impact
from drgengine.impact.result import Check, Impact, Remark, SchemeName, WeightTotals
from drgengine.impact.weighttable import WeightTable, read_weights

__all__ = [
    "Check",
    "Impact",
    "Remark",
    "SchemeName",
    "WeightTable",
    "WeightTotals",
    "impact",
    "read_weights",
    "write_impact",
]
