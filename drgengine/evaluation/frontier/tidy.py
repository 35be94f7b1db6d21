"""From the solver's numbers to those of a result: own units of measurement, rounding dust swept off."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from drgengine.errors import EvaluationError
from drgengine.evaluation.frontier.programs import Technology
from drgengine.evaluation.frontier.result import Sides
from drgengine.evaluation.frontier.unitdata import Units, input_mix_remarks

Floats = npt.NDArray[np.float64]
DUST = 1e-10  # against the unit's own amounts


def one_of(name: str, value: str, known: tuple[str, ...], place: str = "dea") -> None:
    """Refuse an unknown word."""
    if value not in known:
        raise EvaluationError(f"{place} {name}", f"{value!r} is not known", f"Choose one of {', '.join(known)}")


def tidy_slacks(units: Units, tech: Technology, inputs: Floats, outputs: Floats, missing: Any) -> Sides:
    """Scaled slacks in the columns' own units; what is below DUST of the unit's own amount is 0; missing: NaN."""
    sides = []
    for slack, size, amount in (
        (inputs, tech.input_size, units.inputs),
        (outputs, tech.output_size, units.outputs),
    ):
        own = np.where(amount > 0, amount, size)
        clean = np.where(slack * size > DUST * own, slack * size, 0.0)
        clean[missing] = np.nan
        sides.append(clean)
    return Sides(sides[0], sides[1])


def peers_that_count(units: Units, intensities: Any, score: Floats) -> Any:
    """Intensities without those whose inputs are below DUST of the unit's own; rows without score are empty."""
    matrix = intensities.tocoo()
    share = (units.inputs[matrix.col] / units.inputs[matrix.row]).max(axis=1) * matrix.data
    keep = (share > DUST) & ~np.isnan(score[matrix.row])
    matrix.data = np.where(keep, matrix.data, 0.0)
    kept = matrix.tocsr()
    kept.eliminate_zeros()
    kept.sort_indices()
    return kept


def remarks_on(units: Units) -> tuple[str, ...]:
    """Warnings about the data in words."""
    thin = (
        f"{len(units.labels)} units are few for {units.inputs.shape[1]} inputs and {units.outputs.shape[1]} outputs: "
        "many scores are 1 whatever the units do",
    )
    return (*(thin if units.thin else ()), *input_mix_remarks(units))
