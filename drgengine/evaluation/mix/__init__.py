"""Case mix (病例组合): statistics per unit and group, indices, mortality, readmission, drift."""

from drgengine.evaluation.mix.aggregated import statistics_of_table
from drgengine.evaluation.mix.clustered import ClusteredErrors, clustered_errors
from drgengine.evaluation.mix.collect import unit_statistics
from drgengine.evaluation.mix.compute import casemix
from drgengine.evaluation.mix.drift import CmiChain, CmiDrift, cmi_chain, cmi_drift
from drgengine.evaluation.mix.exactintervals import binomial_interval, poisson_interval, rule_of_three
from drgengine.evaluation.mix.groupweights import GroupWeights, relative_weights
from drgengine.evaluation.mix.mortality import RiskGroups, risk_groups
from drgengine.evaluation.mix.readmission import Readmissions, readmissions
from drgengine.evaluation.mix.result import CaseMix
from drgengine.evaluation.mix.structuredweights import StructuredWeights, structured_weights
from drgengine.evaluation.mix.unitstatistics import UnitStatistics, load_statistics

__all__ = [
    "CaseMix",
    "ClusteredErrors",
    "CmiChain",
    "CmiDrift",
    "GroupWeights",
    "Readmissions",
    "RiskGroups",
    "StructuredWeights",
    "UnitStatistics",
    "binomial_interval",
    "casemix",
    "clustered_errors",
    "cmi_chain",
    "cmi_drift",
    "load_statistics",
    "poisson_interval",
    "readmissions",
    "relative_weights",
    "risk_groups",
    "rule_of_three",
    "statistics_of_table",
    "structured_weights",
    "unit_statistics",
]
