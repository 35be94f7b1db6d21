"""Charges of stays as lines (收费明细): what an item costs times how often, and together the charge to the fen."""

from __future__ import annotations

from dataclasses import dataclass, fields
from itertools import pairwise

import numpy as np

from drgengine.synth.hospitalcases import HospitalCases
from drgengine.synth.hospitaldepartments import Departments
from drgengine.synth.hospitalitems import ORDERING, PARTS, Items, Shelf
from drgengine.synth.settings import data

NOBODY = -1
INPATIENT, OUTPATIENT, NON_PATIENT = range(3)
# A line that takes what is left takes goods in parts of a pack, so that goods are charged at what they cost.
_PARTS_BELOW = 20


@dataclass(frozen=True)
class Lines:
    """m charge lines. case : row of the cases or NOBODY; kind : INPATIENT, ...; order, exec : places of departments.

    price in yuan; fen, of the whole line; day : days from 1970-01-01; reversal : takes back another line (冲销)
    """

    case: np.ndarray
    kind: np.ndarray
    order: np.ndarray
    exec: np.ndarray
    item: np.ndarray
    qty: np.ndarray
    price: np.ndarray
    fen: np.ndarray
    day: np.ndarray
    reversal: np.ndarray

    def take(self, rows: np.ndarray) -> Lines:
        """The lines at these places."""
        return Lines(*(getattr(self, field.name)[rows] for field in fields(self)))

    def joined(self, other: Lines) -> Lines:
        """These lines, then others."""
        return Lines(*(np.concatenate([getattr(self, f.name), getattr(other, f.name)]) for f in fields(self)))


class Shelves:
    """What each ward may charge under each fee class."""

    def __init__(self, items: Items, wards: tuple[str, ...]) -> None:
        facts = data("hospital_activity")["lines"]
        self.items = items
        self.number = np.zeros((len(PARTS), len(wards)), dtype=np.int16)
        self.shelves: list[Shelf] = []
        self.largest: list[float] = []
        known: dict[bytes, int] = {}
        for row, part in enumerate(PARTS):
            for column, ward in enumerate(wards):
                chosen = items.fitting(part, ward)
                if chosen.tobytes() not in known:
                    known[chosen.tobytes()] = len(self.shelves)
                    self.shelves.append(Shelf(items, chosen))
                    self.largest.append(facts[part][1])
                self.number[row, column] = known[chosen.tobytes()]
        self.cheapest = np.array([shelf.price[0] for shelf in self.shelves])
        self.weight = np.array([facts[part][0] for part in PARTS], dtype=np.float64)

    def pick(self, shelf: np.ndarray, fen: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """An item for each amount, -1 where the shelf has none so cheap."""
        found = np.full(fen.size, -1, dtype=np.int64)
        chance = rng.random(fen.size)
        order = np.argsort(shelf, kind="stable")
        edges = np.searchsorted(shelf[order], np.arange(len(self.shelves) + 1))
        for number, (first, last) in enumerate(pairwise(edges)):
            rows = order[first:last]
            if rows.size:
                place = self.shelves[number].pick(fen[rows], self.largest[number], chance[rows])
                found[rows] = np.where(place >= 0, self.shelves[number].chosen[place], -1)
        return found


def stay_lines(
    cases: HospitalCases,
    rows: np.ndarray,
    departments: Departments,
    shelves: Shelves,
    per_case: float,
    rng: np.random.Generator,
) -> Lines:
    """The charge lines of some cases, in their order; those of a case and fee class sum to its charge exactly.

    per_case : lines wanted per case on average; every fee class that was charged has at least one
    """
    fen = cases.fen[rows]
    case, part = np.nonzero(fen)
    amount = fen[case, part]
    shelf = shelves.number[part, cases.ward[rows][case]]
    count = _line_counts(case, part, amount, shelf, shelves, cases.days[rows], per_case, rng)
    cell = np.repeat(np.arange(amount.size), count)
    last = np.zeros(cell.size, dtype=bool)
    last[np.cumsum(count) - 1] = True
    item, qty, price, paid = _split(cell, last, amount, shelf, shelves, rng)
    kept = item >= 0
    cell, item = cell[kept], item[kept]
    who = rows[case[cell]]
    order = _ordering(cases, who, departments, rng)
    executing = shelves.items.exec[item]
    day = cases.admitted[who] + np.floor(rng.random(cell.size) * cases.days[who]).astype(np.int32)
    lines = Lines(
        case=who.astype(np.int32),
        kind=np.full(cell.size, INPATIENT, dtype=np.int8),
        order=order,
        exec=np.where(executing == ORDERING, order, executing).astype(np.int32),
        item=item.astype(np.int32),
        qty=qty[kept],
        price=price[kept],
        fen=paid[kept],
        day=np.clip(day, cases.first_day, cases.last_day).astype(np.int32),
        reversal=np.zeros(cell.size, dtype=bool),
    )
    return _with_reversals(lines, rng)


def _line_counts(
    case: np.ndarray,
    part: np.ndarray,
    amount: np.ndarray,
    shelf: np.ndarray,
    shelves: Shelves,
    days: np.ndarray,
    per_case: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """Lines of each cell (case and fee class): more for long stays, no more than the amount can pay."""
    stay = np.sqrt(days / days.mean())
    weight = shelves.weight[part]
    share = weight / np.bincount(case, weight, days.size)[case]
    wanted = per_case * stay[case] * share
    count = np.maximum(np.floor(wanted + rng.random(wanted.size)), 1).astype(np.int64)
    return np.minimum(count, np.maximum(amount // (2 * shelves.cheapest[shelf]), 1))


def _split(
    cell: np.ndarray,
    last: np.ndarray,
    amount: np.ndarray,
    shelf: np.ndarray,
    shelves: Shelves,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Item (-1: no line), quantity, price in yuan and fen of each line; the last one of a cell takes what is left."""
    items = shelves.items
    part = rng.standard_exponential(cell.size)
    part *= (amount / np.bincount(cell, part, amount.size))[cell]
    item = np.full(cell.size, -1, dtype=np.int64)
    first = np.flatnonzero(~last)
    item[first] = shelves.pick(shelf[cell[first]], np.floor(part[first]), rng)
    priced = item >= 0
    price = np.where(priced, items.price[item], 1)
    qty = np.where(priced, np.floor(part / price), 0.0)
    fen = (qty * price).astype(np.int64) * priced
    end = np.flatnonzero(last)
    # float64 holds these sums exactly: they are whole fen far below 2^53.
    left = amount - np.bincount(cell, fen, amount.size).astype(np.int64)
    chosen = shelves.pick(shelf, left, rng)
    none = chosen < 0
    chosen[none] = np.array([shelves.shelves[n].chosen[0] for n in shelf[none]], dtype=np.int64)
    ratio = left / items.price[chosen]
    packs = np.where((items.goods[chosen] > 0) & (ratio < _PARTS_BELOW), np.round(ratio, 2), np.rint(ratio))
    least = np.where(items.goods[chosen] > 0, 0.01, 1.0)
    item[end], fen[end] = chosen, left
    qty[end] = np.maximum(packs, least)
    shown = np.round(price / 100, 4)
    shown[end] = np.round(left / 100 / qty[end], 4)
    return item, qty, shown, fen


def _ordering(cases: HospitalCases, who: np.ndarray, departments: Departments, rng: np.random.Generator) -> np.ndarray:
    """Ordering department: the ward, intensive care or the ward of a transfer, by days."""
    place = departments.place
    ward = np.array([place[code] for code in cases.wards], dtype=np.int32)
    at = rng.random(who.size) * cases.days[who]
    intensive = cases.intensive_days[who]
    moved = intensive + cases.other_days[who]
    order = np.where(at < moved, ward[cases.other[who]], ward[cases.ward[who]])
    if "ICU" in place:
        order = np.where(at < intensive, place["ICU"], order)
    return order.astype(np.int32)


def _with_reversals(lines: Lines, rng: np.random.Generator) -> Lines:
    """Some lines are charged once more and taken back."""
    count = lines.item.size // data("hospital_activity")["stay"]["reversal"]
    if not count:
        return lines
    again = lines.take(np.sort(rng.choice(lines.item.size, size=count, replace=False)))
    back = Lines(
        again.case,
        again.kind,
        again.order,
        again.exec,
        again.item,
        -again.qty,
        again.price,
        -again.fen,
        again.day,
        np.ones(count, dtype=bool),
    )
    joined = lines.joined(again).joined(back)
    return joined.take(np.argsort(joined.case, kind="stable"))
