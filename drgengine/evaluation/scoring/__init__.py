"""Composite scores of units by indicators (综合评价): scales, weights, scores, agreement of methods, veto rules.

Nothing is loaded before it is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from drgengine.evaluation.scoring.bands import percentile_bands as percentile_bands
    from drgengine.evaluation.scoring.bands import target_ratio as target_ratio
    from drgengine.evaluation.scoring.blend import cap_weights as cap_weights
    from drgengine.evaluation.scoring.blend import combine_weights as combine_weights
    from drgengine.evaluation.scoring.blend import effective_number as effective_number
    from drgengine.evaluation.scoring.components import pca_score as pca_score
    from drgengine.evaluation.scoring.compromise import vikor as vikor
    from drgengine.evaluation.scoring.concordance import agreement as agreement
    from drgengine.evaluation.scoring.efficacy import efficacy_score as efficacy_score
    from drgengine.evaluation.scoring.grey import grey_relation as grey_relation
    from drgengine.evaluation.scoring.ideal import topsis as topsis
    from drgengine.evaluation.scoring.judgement import ahp_weights as ahp_weights
    from drgengine.evaluation.scoring.judgement import delphi_weights as delphi_weights
    from drgengine.evaluation.scoring.normalisation import Scale as Scale
    from drgengine.evaluation.scoring.normalisation import normalise as normalise
    from drgengine.evaluation.scoring.ranksum import rsr as rsr
    from drgengine.evaluation.scoring.scored import Scored as Scored
    from drgengine.evaluation.scoring.sums import weighted_geometric_mean as weighted_geometric_mean
    from drgengine.evaluation.scoring.sums import weighted_sum as weighted_sum
    from drgengine.evaluation.scoring.vetorules import Veto as Veto
    from drgengine.evaluation.scoring.vetorules import apply_vetoes as apply_vetoes
    from drgengine.evaluation.scoring.vetorules import read_vetoes as read_vetoes
    from drgengine.evaluation.scoring.weights import critic_detail as critic_detail
    from drgengine.evaluation.scoring.weights import critic_weights as critic_weights
    from drgengine.evaluation.scoring.weights import entropy_detail as entropy_detail
    from drgengine.evaluation.scoring.weights import entropy_weights as entropy_weights
    from drgengine.evaluation.scoring.weights import standard_deviation_weights as standard_deviation_weights
    from drgengine.evaluation.scoring.weights import variation_weights as variation_weights

_HOME = {
    "Scale": "normalisation",
    "Scored": "scored",
    "Veto": "vetorules",
    "agreement": "concordance",
    "ahp_weights": "judgement",
    "apply_vetoes": "vetorules",
    "cap_weights": "blend",
    "combine_weights": "blend",
    "critic_detail": "weights",
    "critic_weights": "weights",
    "delphi_weights": "judgement",
    "effective_number": "blend",
    "efficacy_score": "efficacy",
    "entropy_detail": "weights",
    "entropy_weights": "weights",
    "grey_relation": "grey",
    "normalise": "normalisation",
    "pca_score": "components",
    "percentile_bands": "bands",
    "read_vetoes": "vetorules",
    "rsr": "ranksum",
    "standard_deviation_weights": "weights",
    "target_ratio": "bands",
    "topsis": "ideal",
    "variation_weights": "weights",
    "vikor": "compromise",
    "weighted_geometric_mean": "sums",
    "weighted_sum": "sums",
}
__all__ = list(_HOME)


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(_HOME)
