"""The statistic behind a basis word (分摊参数): staff, area, income, workload ... of every department."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from drgengine.costing.bilingual import listed, phrase, sentences
from drgengine.costing.intake.vocabulary import basis_word, choice_word, table_word, tables
from drgengine.costing.model import CostModel
from drgengine.errors import CostingError

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]

BASIS_WORDS: tuple[str, ...] = (
    "staff",
    "hours",
    "pay",
    "area",
    "income",
    "outpatient_income",
    "inpatient_income",
    "orders",
    "orders_income",
    "workload.<indicator>",
    "table",
)
"""人员数, 工时, 薪酬, 面积, 执行收入, 门诊/住院执行收入, 开单工作量, 开单收入, 工作量, 分摊参数表."""

MEASURED_SELF = ("orders", "orders_income", "table")
"""Bases that can say how much a department serves itself; elsewhere the giver's own value is no service."""

_STAFF_COLUMNS = {"staff": "fte", "hours": "hours", "pay": "pay"}
_PATIENT_KIND = {"income": None, "outpatient_income": 1, "inpatient_income": 0}


@dataclass(frozen=True, slots=True)
class Statistic:
    """One value per department, in the order of the department table.

    value : NaN where it is blank (unknown); 0 is 0
    unlisted : departments without a row that count as 0: the source lists only those that have some
    source : table it comes from, for messages
    """

    value: Floats
    unlisted: npt.NDArray[np.bool_]
    source: str


class DriverStatistics:
    """Looks statistics up, each table summed only once.

    activity : what the charge lines hold (None: not read); see costing/activity.py
    """

    def __init__(self, model: CostModel, activity: Any | None) -> None:
        self.model = model
        self.activity = activity
        self.departments: list[str] = model.tables["departments"]["dept_code"].astype(str).tolist()
        self._position = {code: n for n, code in enumerate(self.departments)}
        self._kept: dict[tuple[str, str], Statistic] = {}

    def of(self, word: str, giver: str) -> Statistic:
        """The statistic of a basis word; `giver` matters to orders only, where it is the executing department.

        Raises CostingError for an unknown word and where the model lacks the table for it.
        """
        key = (word, giver if word in ("orders", "orders_income") else "")
        if key not in self._kept:
            self._kept[key] = self._look_up(word, giver)
        return self._kept[key]

    def _look_up(self, word: str, giver: str) -> Statistic:
        if word in _STAFF_COLUMNS:
            return self._summed("staff", word, _STAFF_COLUMNS[word], blank_spoils=True)
        if word == "area":
            return self._summed("assets", word, "area_m2", blank_spoils=False)
        if word in _PATIENT_KIND:
            return self._income(word)
        if word in ("orders", "orders_income"):
            return self._orders("qty" if word == "orders" else "income", giver)
        if word.startswith("workload."):
            return self._workload(word.removeprefix("workload."))
        place, known = phrase("basis_of", giver=giver), listed(BASIS_WORDS, len(BASIS_WORDS))
        raise CostingError(place, *sentences("drivers.unknown", driver=word, known=known))

    def _table(self, name: str, word: str, column: str) -> Any:
        table = self.model.tables.get(name)
        if table is None or column not in table.columns or table[column].notna().sum() == 0:
            words = tables()[name]
            said = {"driver": basis_word(word), "column": words.columns[column].named, "table": words.named}
            raise CostingError(self._file(name), *sentences("drivers.no_column", key=name, **said))
        return table

    def _file(self, name: str) -> str:
        return self.model.settings.tables.get(name, phrase("table", table=table_word(name)))

    def _summed(self, name: str, word: str, column: str, blank_spoils: bool) -> Statistic:
        """Sum per department; NaN for departments without any value and, if blanks spoil, with a blank one."""
        table = self._table(name, word, column)
        value, seen, blank = self._add_up(table["dept_code"], table[column])
        value[~seen | (blank if blank_spoils else False)] = np.nan
        return Statistic(value, np.zeros(len(value), bool), self._file(name))

    def _add_up(self, codes: pd.Series, values: pd.Series) -> tuple[Floats, Any, Any]:
        """value, whether there is any value, whether there is a blank, per department."""
        size = len(self.departments)
        at = codes.astype(str).map(self._position).to_numpy(dtype=np.float64, na_value=-1)
        number = values.to_numpy(dtype=np.float64, na_value=np.nan)
        inside = at >= 0
        place, number = at[inside].astype(np.intp), number[inside]
        blank = np.isnan(number)
        value = _added(place, np.where(blank, 0.0, number), size)
        return value, np.bincount(place[~blank], minlength=size) > 0, np.bincount(place[blank], minlength=size) > 0

    def _workload(self, indicator: str) -> Statistic:
        table = self._table("workload", f"workload.{indicator}", "value")
        rows = table[table["indicator"].astype(str) == indicator]
        if rows.empty:
            known = listed([choice_word("indicator", one) for one in sorted(set(table["indicator"].dropna()))], 30)
            said = sentences("drivers.no_indicator", indicator=choice_word("indicator", indicator), known=known)
            raise CostingError(self._file("workload"), *said)
        value, seen, blank = self._add_up(rows["dept_code"], rows["value"])
        value[blank] = np.nan
        return Statistic(value, ~seen & ~blank, self._file("workload"))

    def _income(self, word: str) -> Statistic:
        """Income executed: an indicator of that name in workload, else the charge lines, else the order table."""
        workload = self.model.tables.get("workload")
        if workload is not None and (workload["indicator"].astype(str) == word).any():
            return self._workload(word)
        size = len(self.departments)
        none = np.zeros(size, bool)
        if self.activity is not None:
            order = self.activity.order
            kind = _PATIENT_KIND[word]
            chosen = order.exec_dept >= 0
            if kind is not None:
                chosen &= order.patient_kind == kind
            at = self._positions_of_activity()[order.exec_dept[chosen]]
            return Statistic(_added(at, order.amount[chosen], size), none, table_word("charges"))
        if word == "income" and "orders" in self.model.tables:
            table = self._table("orders", word, "income")
            value, _, blank = self._add_up(table["exec_dept"], table["income"])
            value[blank] = np.nan
            return Statistic(value, none, self._file("orders"))
        said = sentences("drivers.no_charges", driver=basis_word(word), indicator=word)
        raise CostingError(table_word("charges"), *said)

    def _orders(self, column: str, giver: str) -> Statistic:
        """What each department ordered from the giver: the order table (医技开单), else the charge lines."""
        size = len(self.departments)
        if "orders" in self.model.tables:
            table = self._table("orders", "orders" if column == "qty" else "orders_income", column)
            rows = table[table["exec_dept"].astype(str) == giver]
            value, _, blank = self._add_up(rows["order_dept"], rows[column])
            value[blank] = np.nan
            return Statistic(value, np.zeros(size, bool), self._file("orders"))
        if self.activity is None:
            driver = basis_word("orders" if column == "qty" else "orders_income")
            raise CostingError(table_word("orders"), *sentences("drivers.no_orders", giver=giver, driver=driver))
        order = self.activity.order
        position = self._positions_of_activity()
        chosen = (position[order.exec_dept] == self._position[giver]) & (order.order_dept >= 0)
        amount = (order.qty if column == "qty" else order.amount)[chosen]
        return Statistic(
            _added(position[order.order_dept[chosen]], amount, size), np.zeros(size, bool), table_word("charges")
        )

    def _positions_of_activity(self) -> npt.NDArray[np.intp]:
        """Place in the department table of each department number of the charge lines."""
        return np.array([self._position[code] for code in self.activity.departments], dtype=np.intp)  # type: ignore[union-attr]


def _added(place: npt.NDArray[np.intp], number: Floats, size: int) -> Floats:
    """Sum of the numbers of each place."""
    return np.bincount(place, number, size).astype(np.float64)
