"""What is added up per unit and group: names, meaning, and how exact whole numbers become yuan and days."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# In the order of the kernel's columns (tallykernel.py), all int64 and additive.
COUNTS = (
    "cases",
    "charge_known",
    "charge_fen",
    "charge_sq_high",
    "charge_sq_low",
    "cost_known",
    "cost_fen",
    "cost_sq_high",
    "cost_sq_low",
    "los_known",
    "los_days",
    "los_sq",
    "disposition_known",
    "deaths",
    "procedure_known",
    "with_procedure",
    "dx_known",
    "dx_count",
    "severity_asked",
    "cc",
    "mcc",
)
GROUP_COLUMNS = ("inclusion", "mdc", "adrg", "drg")
INCLUSIONS = ("included", "long_stay", "ambiguous", "ungroupable", "invalid")
AMOUNTS = ("charge", "cost", "los")
FEN = 100.0
# The square of an amount has to stay below 2**63.
LARGEST_FEN = 3_037_000_499
LARGEST_STAY = 2_000_000
MISSING_UNIT = "(missing)"


def amount_sums(columns: Any, amount: str) -> tuple[Floats, Floats, Floats]:
    """Number of known values, sum and sum of squares, float64, of charge or cost (yuan) or los (days).

    columns : mapping of the int64 columns of COUNTS
    """
    known = np.asarray(columns[f"{amount}_known"], dtype=np.float64)
    if amount == "los":
        return known, np.asarray(columns["los_days"], np.float64), np.asarray(columns["los_sq"], np.float64)
    total = np.asarray(columns[f"{amount}_fen"], dtype=np.float64) / FEN
    high = np.asarray(columns[f"{amount}_sq_high"], dtype=np.float64)
    low = np.asarray(columns[f"{amount}_sq_low"], dtype=np.float64)
    return known, total, (high * 2.0**32 + low) / FEN**2


def over(part: Any, whole: Any) -> Floats:
    """part / whole, NaN where whole is not above 0.

    >>> over([1.0, 1.0], [4.0, 0.0])
    array([0.25,  nan])
    """
    part, whole = np.broadcast_arrays(np.asarray(part, np.float64), np.asarray(whole, np.float64))
    return np.divide(part, whole, out=np.full(whole.shape, np.nan), where=whole > 0)
