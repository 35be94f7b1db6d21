"""What charge lines say about a hospital, added up block by block: income, orders, use of goods, work done."""

from __future__ import annotations

import numpy as np

from drgengine.synth.chargelines import INPATIENT, Lines
from drgengine.synth.hospitaldepartments import Departments
from drgengine.synth.hospitalitems import GOODS, PARTS, Items

MONTHS = 12
_TESTS = ("laboratory", "pathology")
_OPERATION_MINUTES = 75


class Tally:
    """Sums over lines. d departments, u service units of what departments do themselves.

    lines : number; amount : fen by kind of patient, int64[3]; reversals : number
    income : service fen by executing department, int64[d]; units : the same by service unit, int64[d, u]
    goods : purchase cost in yuan by ordering department, kind (place in GOODS) and month, float64[d, 3, 12]
    orders_qty, orders_fen : services and drugs by ordering and executing department, [d, d]
    minutes : of staff by executing department; tests, operations, visits : quantities
    operations_by_ward : by ordering department
    """

    def __init__(self, departments: Departments, items: Items, months: np.ndarray) -> None:
        """months : first days of the 12 months, as days from 1970-01-01."""
        size = len(departments.codes)
        self.items = items
        self.months = months
        self.size = size
        self.unit_names = tuple(dict.fromkeys(unit for unit in items.service_unit if unit))
        self._unit = np.array([self.unit_names.index(unit) if unit else 0 for unit in items.service_unit])
        self._test = np.isin(items.part, [PARTS.index(part) for part in _TESTS])
        surgical = items.part == PARTS.index("surgical_treatment")
        self._operation = surgical & (items.minutes >= _OPERATION_MINUTES) & (items.goods == 0)
        self._operation &= items.exec != departments.place["J06"]
        self.lines = self.reversals = 0
        self.amount = np.zeros(3, dtype=np.int64)
        self.income = np.zeros(size, dtype=np.int64)
        self.units = np.zeros((size, len(self.unit_names)), dtype=np.int64)
        self.goods = np.zeros((size, len(GOODS), MONTHS))
        self.orders_qty = np.zeros((size, size))
        self.orders_fen = np.zeros((size, size), dtype=np.int64)
        self.minutes = np.zeros(size)
        self.tests = np.zeros(size)
        self.operations = np.zeros(size)
        self.operations_by_ward = np.zeros(size)
        self.visits = np.zeros(size)

    def add(self, lines: Lines) -> None:
        """Add a block of lines."""
        items, size = self.items, self.size
        goods = items.goods[lines.item]
        service = goods == 0
        self.lines += lines.item.size
        self.reversals += int(lines.reversal.sum())
        self.amount += _whole(lines.kind, lines.fen, 3)
        self.income += _whole(lines.exec[service], lines.fen[service], size)
        unit = lines.exec[service].astype(np.int64) * len(self.unit_names) + self._unit[lines.item[service]]
        self.units += _whole(unit, lines.fen[service], self.units.size).reshape(self.units.shape)
        bought = ~service
        month = np.searchsorted(self.months, lines.day[bought], side="right") - 1
        key = (lines.order[bought].astype(np.int64) * len(GOODS) + goods[bought]) * MONTHS + month
        cost = lines.qty[bought] * items.cost[lines.item[bought]]
        self.goods += np.bincount(key, cost, self.goods.size).reshape(self.goods.shape)
        ordered = goods != GOODS.index("material")
        pair = lines.order[ordered].astype(np.int64) * size + lines.exec[ordered]
        self.orders_qty += np.bincount(pair, lines.qty[ordered], size * size).reshape(size, size)
        self.orders_fen += _whole(pair, lines.fen[ordered], size * size).reshape(size, size)
        self.minutes += np.bincount(lines.exec, items.minutes[lines.item] * lines.qty, size)
        self._count(lines, size)

    def _count(self, lines: Lines, size: int) -> None:
        for chosen, by, sums in (
            (self._test, lines.exec, self.tests),
            (self._operation, lines.exec, self.operations),
            (self._operation, lines.order, self.operations_by_ward),
            (self.items.registration & (self.items.minutes < 20), lines.order, self.visits),
        ):
            rows = chosen[lines.item]
            sums[:] += np.bincount(by[rows], lines.qty[rows], size)

    @property
    def inpatient(self) -> int:
        """Fen charged to inpatients."""
        return int(self.amount[INPATIENT])


def _whole(key: np.ndarray, fen: np.ndarray, size: int) -> np.ndarray:
    """Sums of whole fen; float64 holds them exactly below 2^53."""
    return np.rint(np.bincount(key, fen, size)).astype(np.int64)
