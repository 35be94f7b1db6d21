"""The growing table of cells that batches are added to (累计器)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from drgengine.evaluation.mix.measures import LARGEST_FEN, LARGEST_STAY
from drgengine.evaluation.mix.tallykernel import WIDTH, enter_cells, tally

_FIRST_CELLS = 1 << 12


@dataclass(frozen=True, slots=True, eq=False)
class BatchValues:
    """What a batch adds, all of length n, in the coding of the kernel (tallykernel.tally)."""

    charge: npt.NDArray[np.int64]
    cost: npt.NDArray[np.int64]
    los: npt.NDArray[np.int32]
    disposition: npt.NDArray[np.int8]
    procedures: npt.NDArray[np.int32]
    diagnoses: npt.NDArray[np.int32]
    severity: npt.NDArray[np.int8]


class Tally:
    """Cells of `parts` numbers each; memory grows with the number of cells, not of discharges."""

    def __init__(self, parts: int) -> None:
        self.filled = 0
        self.keys = np.zeros((_FIRST_CELLS, parts), np.int32)
        self.sums = np.zeros((_FIRST_CELLS, WIDTH), np.int64)
        self._slots = np.full(4 * _FIRST_CELLS, -1, np.int32)

    def add(self, keys: npt.NDArray[np.int32], values: BatchValues) -> None:
        """Add rows; keys int32 (n, parts), none negative."""
        row = 0
        while row < keys.shape[0]:
            row, self.filled = tally(
                keys,
                row,
                values.charge,
                values.cost,
                values.los,
                values.disposition,
                values.procedures,
                values.diagnoses,
                values.severity,
                self._slots,
                self.keys,
                self.sums,
                self.filled,
            )
            if row < keys.shape[0]:
                self._grow()

    def _grow(self) -> None:
        self.keys = np.concatenate([self.keys, np.zeros_like(self.keys)])
        self.sums = np.concatenate([self.sums, np.zeros_like(self.sums)])
        self._slots = np.full(4 * self.keys.shape[0], -1, np.int32)
        enter_cells(self.keys, self.filled, self._slots)


def minor_units(amounts: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.int64], dict[str, int]]:
    """Amounts in whole fen, 0 = not known; and how many could not be used, by reason. NaN is not known, without remark.

    >>> minor_units(np.array([12.345, np.nan, -1.0]))
    (array([1234,    0,    0]), {'not above 0': 1})
    """
    with np.errstate(invalid="ignore"):
        scaled = np.rint(amounts * 100.0)
        low, high = scaled <= 0, scaled > LARGEST_FEN
    unusable = {"not above 0": int(low.sum()), f"above {LARGEST_FEN / 100:,.0f}": int(high.sum())}
    known = np.where(low | high | np.isnan(scaled), 0.0, scaled)
    return known.astype(np.int64), {reason: count for reason, count in unusable.items() if count}


def whole_days(days: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.int32], dict[str, int]]:
    """Stays in whole days, -1 = not known; and how many could not be used, by reason."""
    with np.errstate(invalid="ignore"):
        wrong = (days < 0) | (days > LARGEST_STAY)
    known = np.where(wrong | np.isnan(days), -1.0, np.floor(days))
    count = int(wrong.sum())
    return known.astype(np.int32), {"below 0 or too large": count} if count else {}
