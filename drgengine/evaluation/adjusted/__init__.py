"""Risk-adjusted mortality (风险调整死亡率): deaths against those expected of the same patients."""

from drgengine.evaluation.adjusted.adjust import adjusted_mortality
from drgengine.evaluation.adjusted.comorbidity import Comorbidities, load_comorbidities
from drgengine.evaluation.adjusted.result import AdjustedMortality

__all__ = ["AdjustedMortality", "Comorbidities", "adjusted_mortality", "load_comorbidities"]
