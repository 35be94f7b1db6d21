"""Why a unit has no score, in words."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from drgengine.evaluation.frontier.solve import FAILED, INFEASIBLE
from drgengine.evaluation.frontier.unitdata import Units

Floats = npt.NDArray[np.float64]


def reasons(status: tuple[str, ...], units: Units, returns: str, orientation: str) -> tuple[str | None, ...]:
    """One reason per unit, None for a unit with a score."""
    words: list[str | None] = []
    for row, word in enumerate(status):
        if word == INFEASIBLE:
            words.append(without_itself(units, row, returns, orientation))
        elif word == FAILED:
            words.append("neither the simplex method nor HiGHS found a solution; look for extreme numbers in the row")
        else:
            words.append(None)
    return tuple(words)


def without_itself(units: Units, row: int, returns: str, orientation: str) -> str:
    """Why the other units cannot stand in for this one (super-efficiency)."""
    others = np.arange(len(units.labels)) != row
    if not others.any():
        return "there is no other unit to compare with"
    if orientation == "input" or returns in ("crs", "ndrs"):
        most = units.outputs[others].max(axis=0) if returns in ("vrs", "nirs") else _unlimited(units, others)
        own = units.outputs[row]
        column = int(np.argmax(np.where(own > 0, own / np.where(most > 0, most, 1e-300), 0.0)))
        words, name, bound = "reach its outputs", units.output_names[column], f"at most {most[column]:g}"
        beyond = own[column] > most[column]
    else:
        least, own = units.inputs[others].min(axis=0), units.inputs[row]
        column = int(np.argmin(own / least))
        words, name, bound = "get by with its inputs", units.input_names[column], f"at least {least[column]:g}"
        beyond = own[column] < least[column]
    if not beyond:
        return f"no mix of the other units can {words}"
    return f"no mix of the other units can {words} ({name} {own[column]:g}; the others have {bound})"


def _unlimited(units: Units, others: npt.NDArray[np.bool_]) -> Floats:
    """With free scale only an output that no other unit has is out of reach."""
    most = units.outputs[others].max(axis=0)
    return np.where(most > 0, np.inf, 0.0)
