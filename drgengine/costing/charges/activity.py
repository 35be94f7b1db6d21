"""What was done for whom and by whom (业务量): the charge lines of a period, added up by the keys costing needs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from drgengine.costing.charges.chargekernel import order_kernel
from drgengine.costing.model import Finding

Numbers = npt.NDArray[np.int32]
Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


class PatientKind(IntEnum):
    """Patient kind of an order (患者类型): 住院, 门急诊, other (体检, 外送, unknown)."""

    INPATIENT = 0
    OUTPATIENT = 1
    OTHER = 2


class GoodsClass(IntEnum):
    """Class of goods: 药品 or 卫生材料."""

    DRUG = 0
    MATERIAL = 1


@dataclass(frozen=True, slots=True)
class ServiceActivity:
    """Services per object and executing department (执行科室); sorted by (object, exec_dept), one row per pair.

    object int32[c], exec_dept int32[c]
    amount float64[c] : charged, yuan, each a whole number of fen / 100
    weight float64[c] : after the item method: income -> yuan charged, workload -> quantity, time and tdabc -> minutes,
        equivalent -> equivalents (当量)
    lines int64[c]
    """

    object: Numbers
    exec_dept: Numbers
    amount: Floats
    weight: Floats
    lines: Counts


@dataclass(frozen=True, slots=True)
class UnitActivity:
    """Services per object and service unit (服务单元); sorted by (object, service_unit). amount float64[c] in yuan."""

    object: Numbers
    service_unit: Numbers
    amount: Floats


@dataclass(frozen=True, slots=True)
class GoodsActivity:
    """Drugs and materials per object, ordering department (开单科室) and class; sorted by these.

    goods_class int32[c] : see GoodsClass
    cost float64[c] : purchase cost, yuan: quantity x unit_cost, or the amount where no unit cost is known (零加成)
    amount float64[c] : charged, yuan
    lines int64[c]
    """

    object: Numbers
    order_dept: Numbers
    goods_class: Numbers
    cost: Floats
    amount: Floats
    lines: Counts


@dataclass(frozen=True, slots=True)
class ItemActivity:
    """Services per executing department and item (医疗服务项目); sorted by (exec_dept, item)."""

    exec_dept: Numbers
    item: Numbers
    qty: Floats
    amount: Floats
    weight: Floats
    lines: Counts


@dataclass(frozen=True, slots=True)
class GoodsItemActivity:
    """Drugs and materials per executing department and item; sorted by (exec_dept, item)."""

    exec_dept: Numbers
    item: Numbers
    qty: Floats
    amount: Floats
    cost: Floats
    lines: Counts


@dataclass(frozen=True, slots=True)
class OrderActivity:
    """All lines, goods too, per ordering department, executing department and patient kind; sorted by these.

    patient_kind int32[c] : see PatientKind
    goods_amount float64[c] : the part of amount that is drugs and materials, yuan
    """

    order_dept: Numbers
    exec_dept: Numbers
    patient_kind: Numbers
    qty: Floats
    amount: Floats
    goods_amount: Floats


@dataclass(frozen=True, slots=True)
class Activity:
    """The charge lines (收费明细) of a model, added up.

    Objects are numbered: 0..n_cases-1 are the rows of the discharges table, then come `outpatient`, `non_patient` and
    `unmatched`. Departments, items and service units are numbered by their place in the tuples.

    departments : codes in the order of the department table
    item_codes : codes in the order of the items table, then those the table lacks (policy unknown_item), by text
    service_units : in the order of the department table, then of the items table
    lines : charge lines read; amount : their sum in yuan, = service.amount + goods.amount to the fen
    reversal_lines, reversal_amount : lines that take back others (冲销), netted above; yuan, <= 0
    findings : exceptions and uses of policies

    Every sum is one of whole fen or of millionths, so none depends on the order of the lines, on batches or threads.
    """

    departments: tuple[str, ...]
    item_codes: tuple[str, ...]
    service_units: tuple[str, ...]
    n_cases: int
    service: ServiceActivity
    unit: UnitActivity
    goods: GoodsActivity
    item: ItemActivity
    goods_item: GoodsItemActivity
    order: OrderActivity
    lines: int
    amount: float
    reversal_lines: int
    reversal_amount: float
    findings: tuple[Finding, ...]

    @property
    def outpatient(self) -> int:
        """Object number of all outpatients together (门急诊)."""
        return self.n_cases

    @property
    def non_patient(self) -> int:
        """Object number of work for others than patients (体检、外送)."""
        return self.n_cases + 1

    @property
    def unmatched(self) -> int:
        """Object number of lines whose case is not among the discharges."""
        return self.n_cases + 2

    @property
    def n_objects(self) -> int:
        """Cases and the three further objects."""
        return self.n_cases + 3


@dataclass(frozen=True, slots=True)
class Sums:
    """The hash tables of a pass as sorted arrays; parallel fields, whole fen and millionths in int64."""

    key: Counts
    lines: Counts
    fen: Counts
    weight: Counts
    qty: Counts


def sorted_sums(table: Any) -> Sums:
    """The rows of a table of chargekernel that hold something, by key."""
    rows = np.flatnonzero(table[:, 1])
    rows = rows[order_kernel(table[rows, 0])]
    columns = [table[rows, k] for k in range(table.shape[1])]
    if len(columns) == 4:
        columns.append(np.zeros(0, dtype=np.int64))
    return Sums(*columns)


def object_activities(
    sums: Sums, n_departments: int, n_units: int
) -> tuple[ServiceActivity, UnitActivity, GoodsActivity]:
    """Keys (object, department, slot): slot < n_units is the service unit, then drugs, then materials."""
    slots = n_units + 2
    slot = sums.key % slots
    pair = sums.key // slots
    goods = slot >= n_units
    service = ~goods
    starts, key = _runs(pair[service])
    services = ServiceActivity(
        (key // n_departments).astype(np.int32),
        (key % n_departments).astype(np.int32),
        _add(sums.fen[service], starts) / 100.0,
        _add(sums.weight[service], starts) / 1e6,
        _add(sums.lines[service], starts),
    )
    by_unit = (pair[service] // n_departments) * max(n_units, 1) + slot[service]
    order = np.argsort(by_unit, kind="stable")
    starts, key = _runs(by_unit[order])
    units = UnitActivity(
        (key // max(n_units, 1)).astype(np.int32),
        (key % max(n_units, 1)).astype(np.int32),
        _add(sums.fen[service][order], starts) / 100.0,
    )
    taken = pair[goods]
    bought = GoodsActivity(
        (taken // n_departments).astype(np.int32),
        (taken % n_departments).astype(np.int32),
        (slot[goods] - n_units).astype(np.int32),
        sums.weight[goods] / 1e6,
        sums.fen[goods] / 100.0,
        sums.lines[goods],
    )
    return services, units, bought


def item_activities(sums: Sums, is_goods: Any, number: Any) -> tuple[ItemActivity, GoodsItemActivity]:
    """Keys (department << 32 | item); is_goods bool[m] and number int32[m] (final) by the item of the key."""
    dept, raw = sums.key >> 32, sums.key & 0xFFFFFFFF
    item = number[raw]
    order = np.lexsort((item, dept))
    goods = is_goods[raw][order]
    dept, item = dept[order].astype(np.int32), item[order].astype(np.int32)
    qty, amount, weight = sums.qty[order] / 1e6, sums.fen[order] / 100.0, sums.weight[order] / 1e6
    lines = sums.lines[order]
    services, bought = ([a[m] for a in (dept, item, qty, amount, weight, lines)] for m in (~goods, goods))
    return ItemActivity(*services), GoodsItemActivity(*bought)


def order_activity(sums: Sums, n_departments: int) -> OrderActivity:
    """Keys ((ordering, executing), patient kind); weight holds the fen of goods."""
    pair, kind = sums.key // 3, sums.key % 3
    return OrderActivity(
        (pair // n_departments).astype(np.int32),
        (pair % n_departments).astype(np.int32),
        kind.astype(np.int32),
        sums.qty / 1e6,
        sums.fen / 100.0,
        sums.weight / 100.0,
    )


def _runs(key: Any) -> tuple[Any, Any]:
    """Where runs of equal keys begin, and their keys."""
    starts = np.flatnonzero(np.concatenate(([True], key[1:] != key[:-1]))) if key.size else np.zeros(0, dtype=np.int64)
    return starts, key[starts]


def _add(values: Any, starts: Any) -> Any:
    return np.add.reduceat(values, starts) if starts.size else np.zeros(0, dtype=values.dtype)
