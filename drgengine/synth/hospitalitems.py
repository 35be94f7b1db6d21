"""The price list (项目字典, 药品耗材字典) of an invented hospital, and which items fit an amount."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from drgengine.cases import CASE_SCHEMA
from drgengine.synth.hospitaldepartments import Departments
from drgengine.synth.settings import data

PARTS = tuple(name.removeprefix("charge_") for name in CASE_SCHEMA.names if name.startswith("charge_"))
"""The 24 fee classes of the front page in its order."""
FEE_CLASSES = tuple(CASE_SCHEMA.field(f"charge_{part}").metadata[b"title"].decode() for part in PARTS)
GOODS = ("none", "drug", "material")
ORDERING = -1
# What is for some departments alone is what they do most.
_SPECIAL = 4.0
_PREFIX = {"none": "S", "drug": "D", "material": "M"}
REGISTRATION = "registration"


@dataclass(frozen=True)
class Items:
    """m items. part : place in PARTS; goods : place in GOODS; price in fen, cost of goods in yuan.

    exec : place of the executing department, ORDERING = the department that orders
    only : beginnings of department codes it is for, empty: all; registration : for clinics alone
    popularity : relative frequency
    """

    codes: tuple[str, ...]
    names: tuple[str, ...]
    units: tuple[str, ...]
    part: np.ndarray
    goods: np.ndarray
    price: np.ndarray
    cost: np.ndarray
    minutes: np.ndarray
    equivalent: np.ndarray
    exec: np.ndarray
    only: tuple[tuple[str, ...], ...]
    registration: np.ndarray
    service_unit: tuple[str, ...]
    popularity: np.ndarray

    def fitting(self, part: str, department: str) -> np.ndarray:
        """Items of a fee class (or "registration") that a department may charge, cheapest first."""
        chosen = self.registration if part == REGISTRATION else ~self.registration & (self.part == PARTS.index(part))
        spellings = (department, department.removeprefix(data("hospital_departments")["clinic"]["prefix"]))
        fits = [
            n for n in np.flatnonzero(chosen) if not self.only[n] or any(s.startswith(self.only[n]) for s in spellings)
        ]
        found = np.array(fits, dtype=np.int64)
        return found[np.argsort(self.price[found], kind="stable")]


def make_items(departments: Departments, rng: np.random.Generator) -> Items:
    """All items; their noise (popularity, purchase prices) comes from `rng`."""
    rows = list(_rows())
    place = departments.place
    price = np.rint(np.array([row["price"] for row in rows]) * 100).astype(np.int64)
    goods = np.array([GOODS.index(row["goods"]) for row in rows], dtype=np.int8)
    minutes = np.array([row["minutes"] for row in rows], dtype=np.float64)
    spread = data("hospital_goods")["spread"]
    cost = np.where(goods > 0, np.round(price / 100 * (1 + rng.uniform(-spread, spread, price.size)), 4), 0.0)
    executing = np.array([place[row["exec"]] if row["exec"] else ORDERING for row in rows], dtype=np.int32)
    # An equivalent of 1 is about 20 minutes of staff and 60 yuan of equipment and space.
    equivalent = np.where(goods > 0, 0.0, np.round(np.maximum(minutes / 40 + price / 12_000, 0.05), 2))
    return Items(
        codes=_codes(rows),
        names=tuple(row["name"] for row in rows),
        units=tuple(row["unit"] for row in rows),
        part=np.array([PARTS.index(row["part"]) for row in rows], dtype=np.int16),
        goods=goods,
        price=price,
        cost=cost,
        minutes=minutes,
        equivalent=equivalent,
        exec=executing,
        only=tuple(row["only"] for row in rows),
        registration=np.array([row["registration"] for row in rows], dtype=bool),
        service_unit=tuple(_unit(row, departments) for row in rows),
        popularity=np.exp(rng.normal(0, 0.6, price.size)) * np.where([bool(row["only"]) for row in rows], _SPECIAL, 1),
    )


def _rows() -> Iterator[dict[str, Any]]:
    services, goods, dispensary = data("hospital_services"), data("hospital_goods"), data("hospital_activity")
    for part in PARTS:
        for name, unit, price, minutes, executing, *only in services.get(part, ()):
            yield _row(part, name, unit, price, only, minutes=minutes, exec=executing)
    for name, unit, price, minutes, executing, *only in services["outpatient"][REGISTRATION]:
        yield _row("general_service", name, unit, price, only, minutes=minutes, exec=executing, registration=True)
    executing_of = dispensary["goods_exec"]
    for kind in GOODS[1:]:
        for part in PARTS:
            for name, unit, price, *only in goods[kind].get(part, ()):
                yield _row(part, name, unit, price, only, goods=kind, exec=executing_of.get(part, executing_of[kind]))


def _row(part: str, name: str, unit: str, price: float, only: list[str], **more: Any) -> dict[str, Any]:
    row = {"part": part, "name": name, "unit": unit, "price": price, "only": tuple(only)}
    return row | {"goods": "none", "minutes": 0.0, "exec": "", "registration": False} | more


def _codes(rows: list[dict[str, Any]]) -> tuple[str, ...]:
    """S, D or M, two digits of the fee class, three of the item."""
    count: dict[str, int] = {}
    codes = []
    for row in rows:
        head = f"{_PREFIX[row['goods']]}{PARTS.index(row['part']) + 1:02d}"
        count[head] = count.get(head, 0) + 1
        codes.append(f"{head}{count[head]:03d}")
    return tuple(codes)


def _unit(row: dict[str, Any], departments: Departments) -> str:
    """Service unit (服务单元): that of the executing department, or for what departments do themselves by kind."""
    if row["goods"] != "none":
        return ""
    if row["exec"]:
        return departments.unit[departments.place[row["exec"]]]
    units = data("hospital_activity")["unit_of_part"]
    return str(units["registration" if row["registration"] else row["part"]])


class Shelf:
    """Items of one fee class for one department, cheapest first, from which an amount takes what it can pay."""

    def __init__(self, items: Items, chosen: np.ndarray) -> None:
        self.chosen = chosen
        self.price = items.price[chosen]
        self.heap = np.concatenate([[0.0], np.cumsum(items.popularity[chosen])])

    def pick(self, fen: np.ndarray, largest: float, chance: np.ndarray) -> np.ndarray:
        """Place on the shelf of an item whose price goes into `fen` 1 to `largest` times, as nearly as there is one;
        -1 where the amount is below every price."""
        high = np.searchsorted(self.price, fen, side="right")
        low = np.minimum(np.searchsorted(self.price, fen / largest, side="left"), np.maximum(high - 1, 0))
        aim = self.heap[low] + chance * (self.heap[high] - self.heap[low])
        found = np.clip(np.searchsorted(self.heap, aim, side="right") - 1, low, np.maximum(high - 1, 0))
        return np.where(high > 0, found, -1)
