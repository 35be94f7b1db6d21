"""Best and worst points that do not move with the data (固定理想点): from policy, or from a base year."""

from __future__ import annotations

from typing import Any

import numpy as np

from drgengine.errors import EvaluationError
from drgengine.evaluation.scoring.indicators import Floats, Indicators, read_vector


def read_points(
    best: Any, worst: Any, source: Indicators, directions: Floats, values: Floats
) -> tuple[Floats, Floats, tuple[str, ...]]:
    """Best and worst value of each indicator, as given or else as found, and a warning where values lie beyond.

    Raises EvaluationError: a point with a name or value that cannot be used, best not better than worst.

    >>> from drgengine.evaluation.scoring.indicators import read_matrix
    >>> source = read_matrix([[1.0], [5.0]])
    >>> read_points(None, [6.0], source, np.array([-1.0]), source.values)
    (array([1.]), array([6.]), ())
    """
    low, high = np.nanmin(values, axis=0), np.nanmax(values, axis=0)
    top = np.where(directions > 0, high, low) if best is None else read_vector(best, source, "best")
    bottom = np.where(directions > 0, low, high) if worst is None else read_vector(worst, source, "worst")
    if best is None and worst is None:
        return top, bottom, ()
    wrong = directions * (top - bottom) <= 0.0
    if wrong.any():
        at = int(np.flatnonzero(wrong)[0])
        problem = f"indicator {source.names[at]!r}: best {top[at]:g} is not better than worst {bottom[at]:g}"
        remedy = f"Its direction is {directions[at]:+g}: correct the points or the direction"
        raise EvaluationError("best, worst", problem, remedy)
    beyond = ((directions * (values - top) > 0) | (directions * (bottom - values) > 0)).sum(axis=0)
    warnings = tuple(
        f"indicator {source.names[at]!r}: {beyond[at]} values beyond the fixed points count as the points"
        for at in np.flatnonzero(beyond).tolist()
    )
    return top, bottom, warnings
