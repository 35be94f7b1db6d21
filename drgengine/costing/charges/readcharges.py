"""Charge lines (收费明细) of any number, added up in one pass, in memory that grows with distinct keys only."""

from __future__ import annotations

import datetime as dt
import os
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from drgengine.costing.charges.activity import Activity, item_activities, object_activities, order_activity, sorted_sums
from drgengine.costing.charges.chargebatches import CODES, ChargeBatch, ChargeFile, Task, open_charges, run_tasks, tasks
from drgengine.costing.charges.chargecodes import BLANK, CodeBook, Strangers
from drgengine.costing.charges.chargefindings import Faults, charge_findings
from drgengine.costing.charges.chargekernel import (
    COUNTS,
    FIRST_PAGE,
    add_kernel,
    add_object_kernel,
    key_kernel,
    rehash_kernel,
)
from drgengine.costing.charges.chargenumbers import read_days, read_flags, read_numbers, read_present
from drgengine.costing.charges.chargetables import ChargeTables, charge_tables
from drgengine.costing.intake.vocabulary import choice_of
from drgengine.costing.model import CostModel
from drgengine.errors import CostingError, DrgEngineError

Progress = Callable[[int, int | None], None]

BATCH_ROWS = 1 << 18
_FIRST_ROWS = 1 << 14
_PIECE_ROWS = 1 << 14  # keys and values of a piece stay in the processor's cache
_PATIENT_TYPES = ("inpatient", "outpatient", "non_patient")
_MOST = 9e18


def read_activity(
    model: CostModel, *, progress: Progress | None = None, batch_rows: int = BATCH_ROWS, threads: int | None = None
) -> Activity:
    """Add up the charge lines of a model by case, department, item, service unit and order.

    model.charges : a .parquet, .csv, .csv.gz or .xlsx file, or a folder of Parquet files; None gives an empty Activity
    progress : called with (lines read, lines in all or None) after every batch, in the calling thread
    batch_rows, threads : bounds of memory and of work side by side; the result does not depend on them

    Amounts are yuan in whole fen; a line that is none is rounded to it and counted. Reversed lines (冲销: a negative
    amount, or the reversal mark on a positive one) count with negative amount and quantity. A line belongs to its case;
    to the outpatients if it says so or has a visit number and no case; to non-patients if it says so; else it is
    unmatched. A blank ordering department is the executing one. Goods (药品、材料) are known by the items table.
    Policies: unknown_department, unknown_item, unmatched_case, missing_equivalent; whatever they let pass is a finding.

    Raises CostingError with everything they refuse, and with lines that lack a department, an item, a quantity or an
    amount; InputFileError for a file that cannot be read.

    >>> import pandas as pd, tempfile
    >>> from pathlib import Path
    >>> from drgengine.costing.model import Settings
    >>> settings = Settings("demo", "H", dt.date(2024, 1, 1), dt.date(2024, 12, 31), {})
    >>> tables = {
    ...     "departments": pd.DataFrame({"dept_code": ["D1"]}),
    ...     "items": pd.DataFrame({"item_code": ["A"]}),
    ...     "discharges": pd.DataFrame({"case_id": ["c1"]}),
    ... }
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "lines.csv")
    ...     _ = file.write_text("case_id,exec_dept,item_code,qty,amount\\nc1,D1,A,2,20.5\\nc1,D1,A,-1,-10.25\\n")
    ...     activity = read_activity(CostModel(Path(folder), settings, tables, file))
    >>> activity.service.amount.tolist(), activity.item.qty.tolist(), activity.reversal_lines
    ([10.25], [1.0], 1)
    """
    for name, value in (("batch_rows", batch_rows), ("threads", threads)):
        if value is not None and value < 1:
            raise DrgEngineError(f"argument {name}", f"{value} is too small", "Give a whole number from 1")
    run = _Pass(model, charge_tables(model))
    files = open_charges(model.charges) if model.charges is not None else []
    counted = [file.rows for file in files]
    total = sum(n for n in counted if n is not None) if None not in counted else None
    read = 0

    def done(rows: int) -> None:
        nonlocal read
        read += rows
        if progress is not None:
            progress(read, total)

    period = (model.settings.start, model.settings.end)

    def work() -> Iterator[Task]:
        for file in files:
            run.factors[file.path] = file
            yield from tasks(file, batch_rows, period)

    run_tasks(work(), threads or os.cpu_count() or 1, run.take, done)
    return run.activity()


class _Own:
    """What one thread counts, and its room for the keys and values of a piece of a batch."""

    def __init__(self) -> None:
        self.keys = np.empty((4, _PIECE_ROWS), dtype=np.int64)
        self.values = np.empty((_PIECE_ROWS, 4), dtype=np.int64)
        self.counts = np.zeros(len(COUNTS), dtype=np.int64)
        self.absolute = np.zeros(3)
        self.tally = np.zeros((16, 2), dtype=np.int64)


class _Pass:
    """What all batches of one pass share. Batches are decoded side by side; adding them up is one at a time."""

    def __init__(self, model: CostModel, tables: ChargeTables) -> None:
        self.model, self.tables = model, tables
        self.strangers = Strangers()
        self.faults = Faults()
        self.factors: dict[Any, ChargeFile] = {}
        known = {
            "case_id": tables.case_number,
            "order_dept": tables.department_number,
            "exec_dept": tables.department_number,
            "item_code": tables.item_number,
        }
        zeros = {"order_dept": tables.departments, "exec_dept": tables.departments}
        self.books = {name: CodeBook(name, codes, self.strangers, zeros.get(name, ())) for name, codes in known.items()}
        self.books["patient_type"] = CodeBook("patient_type", {}, self.strangers, meaning=_patient_type)
        self._sizes = np.array(
            [
                tables.n_cases, len(tables.departments), len(tables.service_units), len(tables.item_codes),
                tables.suspense, _day(model.settings.start), _day(model.settings.end),
            ],
            dtype=np.int64,
        )  # fmt: skip
        if (tables.n_cases + 3) * len(tables.departments) * (len(tables.service_units) + 2) >= 2**62:
            raise CostingError("departments", "there are too many departments and service units", "Check the tables")
        self._small = (
            tables.department_unit, tables.item_factors, tables.item_goods, tables.item_unit, tables.other_factors
        )  # fmt: skip
        self._objects = np.zeros((max(_FIRST_ROWS, FIRST_PAGE * tables.n_cases), 4), dtype=np.int64)
        self._pages = np.zeros((tables.n_cases + 3, 3), dtype=np.int64)
        self._free = np.full(64, -1, dtype=np.int64)
        self._free[0] = 0
        self._hashed = [np.zeros((_FIRST_ROWS, 5), dtype=np.int64) for _ in range(2)]
        self._used = [np.zeros(1, dtype=np.int64) for _ in range(2)]
        self._lock = threading.Lock()
        self._hash_locks = [threading.Lock() for _ in range(2)]
        self._mine = threading.local()
        self._all: list[_Own] = []

    def _own(self) -> _Own:
        """This thread's own, with room for every code met so far."""
        own: _Own | None = getattr(self._mine, "own", None)
        if own is None:
            own = self._mine.own = _Own()
            with self._lock:
                self._all.append(own)
        known = len(self.strangers.codes)
        if known > len(own.tally):
            own.tally = _longer(own.tally, 2 * known)
        return own

    def take(self, batch: ChargeBatch) -> None:
        """Add a batch."""
        if batch.rows == 0:
            return
        codes = tuple(array for name in CODES for array in self._coded(batch, name))
        factor = self.factors[batch.path].factors.get("amount", 1.0)
        amount = read_numbers(batch, "amount", self.faults)
        values = (
            read_numbers(batch, "qty", self.faults),
            amount if factor == 1.0 else amount * factor,
            read_flags(batch, self.faults),
            read_present(batch),
            read_days(batch),
        )
        own = self._own()
        room = (own.keys, own.values, own.counts, own.absolute, own.tally)
        arguments: tuple[Any, ...] = (self._sizes, *codes, *values, *self._small, *room)
        for first in range(0, batch.rows, _PIECE_ROWS):
            count = key_kernel(first, min(first + _PIECE_ROWS, batch.rows), *arguments)
            largest = int(np.argmax(own.absolute))
            if own.absolute[largest] * max(len(self._all), 1) > _MOST:
                what = ("amounts", "weights", "quantities")[largest]
                raise CostingError(str(batch.path), f"the {what} are too large to be added up", "Check their unit")
            self._add(own.keys, own.values, count)

    def _coded(self, batch: ChargeBatch, name: str) -> tuple[Any, Any]:
        """Positions and map of a code column; an absent column is blank throughout."""
        column = batch.columns.get(name)
        if column is None:
            return np.zeros(batch.rows, dtype=np.int32), np.array([BLANK], dtype=np.int32)
        at, numbers = self.books[name].positions(column)
        if name in ("exec_dept", "item_code") and (column.null_count or (numbers[:-1] == BLANK).any()):
            rows = np.flatnonzero(numbers[at] == BLANK)
            self.faults.add(batch, name, "is blank", rows)
        return at, numbers

    def _add(self, keys: Any, values: Any, count: int) -> None:
        """Add lines to the tables, one thread to a table at a time; they grow when there is no room."""
        done = 0
        with self._lock:
            while done < count:
                done = add_object_kernel(self._objects, self._pages, self._free, keys[0], keys[1], values, done, count)
                if done < count:
                    self._objects = _longer(self._objects, _grown(len(self._objects), int(self._pages[:, 1].max())))
        for k, column in enumerate((1, 3)):
            done = 0
            with self._hash_locks[k]:
                while done < count:
                    done = add_kernel(self._hashed[k], self._used[k], keys[2 + k], values, column, done, count)
                    if done < count:
                        old = self._hashed[k]
                        self._hashed[k] = np.zeros((2 * len(old), 5), dtype=np.int64)
                        rehash_kernel(old, self._hashed[k])

    def activity(self) -> Activity:
        """The result; raises what the policies refuse."""
        tables = self.tables
        departments = len(tables.departments)
        tally = np.zeros((len(self.strangers.codes), 2), dtype=np.int64)
        totals = np.zeros(len(COUNTS), dtype=np.int64)
        for own in self._all:
            totals += own.counts
            tally[: len(own.tally)] += own.tally[: len(tally)]
        self._all = []
        objects, items, orders = (sorted_sums(table) for table in (self._objects, *self._hashed))
        number, codes = self._item_numbers()
        is_goods = np.zeros(len(number), dtype=bool)
        is_goods[: len(tables.item_goods)] = tables.item_goods > 0
        service, unit, goods = object_activities(objects, departments, len(tables.service_units))
        item, goods_item = item_activities(items, is_goods, number)
        counts = dict(zip(COUNTS, totals.tolist(), strict=True))
        activity = Activity(
            departments=tables.departments,
            item_codes=codes,
            service_units=tables.service_units,
            n_cases=tables.n_cases,
            service=service,
            unit=unit,
            goods=goods,
            item=item,
            goods_item=goods_item,
            order=order_activity(orders, departments),
            lines=counts["lines"],
            amount=counts["fen"] / 100.0,
            reversal_lines=counts["reversal_lines"],
            reversal_amount=counts["reversal_fen"] / 100.0,
            findings=(),
        )
        return charge_findings(activity, self.model, tables, counts, self.strangers, tally, self.faults)

    def _item_numbers(self) -> tuple[Any, tuple[str, ...]]:
        """Final item numbers by those of the kernel, and the codes: unknown items come last, by text."""
        known = len(self.tables.item_codes)
        unknown = sorted((code, k) for k, (role, code) in enumerate(self.strangers.codes) if role == "item_code")
        number = np.arange(known + len(self.strangers.codes), dtype=np.int32)
        for rank, (_, k) in enumerate(unknown):
            number[known + k] = known + rank
        return number, (*self.tables.item_codes, *(code for code, _ in unknown))


def _patient_type(text: str) -> int | None:
    choice = choice_of("patient_type", text)
    return None if choice is None else _PATIENT_TYPES.index(choice)


def _day(date: dt.date) -> int:
    return date.toordinal() - dt.date(1970, 1, 1).toordinal()


def _grown(rows: int, page: int) -> int:
    """The next size of a table, with room for a page twice as long as the longest."""
    return 2 * max(rows, page)


def _longer(array: Any, length: int) -> Any:
    longer = np.zeros((length, array.shape[1]), dtype=array.dtype)
    longer[: len(array)] = array
    return longer
