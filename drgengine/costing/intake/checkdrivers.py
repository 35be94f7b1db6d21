"""Checks of allocation statistics: every department with cost needs a driver, complete, not negative, not all zero."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from drgengine.costing.bilingual import Bilingual, listed, phrase, translated
from drgengine.costing.intake.checking import Checking
from drgengine.costing.intake.vocabulary import basis_word, choice_word
from drgengine.costing.ledger.drivers import SHARE_TOLERANCE, SHARE_WORDS
from drgengine.costing.ledger.driverstats import DriverStatistics
from drgengine.costing.model import CATEGORIES
from drgengine.errors import CostingError

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]
_FROM_CHARGES = ("income", "outpatient_income", "inpatient_income", "orders", "orders_income")


def check_drivers(checking: Checking) -> None:
    """Everything about drivers (分摊参数), giver by giver in the order in which categories close.

    Statistics that come from charge lines are known only in a run and are left to it.
    """
    givers = _Givers(checking)
    for category in CATEGORIES[:-1]:
        for code, kind in givers.category.items():
            if kind == category:
                givers.check(code)
    givers.report_blanks()
    _negative_workload(checking)


class _Givers:
    def __init__(self, checking: Checking) -> None:
        self.checking = checking
        self.category = checking.category()
        self.codes = list(self.category)
        self.statistics = DriverStatistics(checking.model(), None)
        self.costly = np.array([checking.costs.get(code, 0.0) != 0 for code in self.codes])
        self.active = _active(checking)
        self.blank: dict[tuple[Bilingual, str], set[str]] = {}
        self.unlisted: dict[tuple[Bilingual, str], set[str]] = {}
        drivers = checking.frame("drivers")
        self.explicit = {} if drivers is None else dict(list(drivers.groupby("from_dept")))
        own = zip(checking.departments["dept_code"], checking.departments["basis"], strict=True)
        self.own = {code: basis for code, basis in own if isinstance(basis, str)}

    def check(self, giver: str) -> None:
        """Look at one department that gives its cost away, and let its receivers have some."""
        receives = self._receivers(giver)
        word, values = "table", None
        if giver in self.explicit:
            values = self._explicit(giver, receives)
        else:
            word = self.own.get(giver) or self.checking.settings.allocation.basis.get(self.category[giver], "")
            values = self._values(giver, word, receives)
        if values is None:
            self.costly |= receives
            return
        some = np.nan_to_num(np.where(receives, values, 0.0)) > 0
        if some.any():
            if self._is_costly(giver):
                self.costly |= some
        elif self._is_costly(giver):
            self._zero(giver, word)

    def _is_costly(self, giver: str) -> bool:
        return bool(self.costly[self.codes.index(giver)])

    def _receivers(self, giver: str) -> npt.NDArray[np.bool_]:
        if self.checking.settings.allocation.method == "three-level":
            after = CATEGORIES[CATEGORIES.index(self.category[giver]) + 1 :]
            return np.array([self.category[code] in after for code in self.codes])
        return np.array([code != giver for code in self.codes])

    def _values(self, giver: str, word: str, receives: Any) -> Floats | None:
        """The statistic of a giver, None where it is not known before the run or was reported."""
        if word == "table":
            if self._is_costly(giver):
                named = self.checking.named(giver)
                self.checking.add("error", "no_driver.no_rows", self._place(giver), department=named)
            return None
        if self._is_nothing(word):
            return np.zeros(len(self.codes))
        try:
            found = self.statistics.of(word, giver)
        except CostingError as error:
            if word in _FROM_CHARGES and self.checking.loaded.charges is not None:
                return None
            if self._is_costly(giver):
                said = {"problem": translated(error.problem), "remedy": translated(error.remedy)}
                named = self.checking.named(giver)
                self.checking.add("error", "no_driver.reason", error.place, department=named, **said)
            return None
        self._note_blanks(basis_word(word), found.source, np.isnan(found.value) & receives)
        missing = found.unlisted & receives & self.active & self.costly
        if missing.any():
            self.unlisted.setdefault((basis_word(word), found.source), set()).update(self._codes(missing))
        return found.value

    def _is_nothing(self, word: str) -> bool:
        """A statistic of charge lines in a model without them, which the run takes as 0 for everybody."""
        loaded, workload = self.checking.loaded, self.checking.frame("workload")
        if loaded.charges is not None or word not in _FROM_CHARGES:
            return False
        has_orders = "orders" in loaded.tables
        if word in ("orders", "orders_income") and has_orders:
            return False
        if workload is not None and (workload["indicator"] == word).any():
            return False
        return has_orders or self.checking.settings.policies.zero_driver == "fallback"

    def _explicit(self, giver: str, receives: Any) -> Floats:
        rows = self.explicit[giver]
        place = self.checking.place("drivers", rows.index.to_numpy(), "value")
        self._explicit_values(giver, rows, place)
        values = np.zeros(len(self.codes))
        at = {code: number for number, code in enumerate(self.codes)}
        for code, value in zip(rows["to_dept"], rows["value"], strict=True):
            if code in at:
                values[at[code]] += value
        if giver in self.category and self.category[giver] != "clinical":
            self._note_blanks(phrase("table_of", giver=giver), place, np.isnan(values) & receives)
        return values

    def _explicit_values(self, giver: str, rows: pd.DataFrame, place: str) -> None:
        below = rows[rows["value"] < 0]
        if len(below):
            where = self.checking.place("drivers", below.index.to_numpy(), "value")
            first = below["value"].iloc[0]
            self.checking.add("error", "negative_driver.drivers", where, n=len(below), giver=giver, value=first)
        names = rows["driver"].dropna().unique().tolist()
        if len(names) > 1:
            self.checking.add("error", "several_drivers", place, giver=giver, n=len(names), drivers=listed(names))
        if len(names) == 1 and names[0].strip().lower() in SHARE_WORDS:
            total = float(rows["value"].sum())
            if abs(total - 1) > SHARE_TOLERANCE:
                normalise = self.checking.settings.policies.share_sum == "normalise"
                self.checking.add(
                    "warning" if normalise else "error",
                    "share_sum.will_be_scaled" if normalise else "share_sum.department",
                    place,
                    department=giver,
                    total=total,
                )

    def _zero(self, giver: str, word: str) -> None:
        policies = self.checking.settings.policies
        fallback = policies.zero_driver == "fallback"
        others = listed(map(basis_word, policies.fallback))
        self.checking.add(
            "warning" if fallback else "error",
            "zero_driver.check",
            self._place(giver),
            self.checking.costs.get(giver, 0.0),
            department=self.checking.named(giver),
            driver=basis_word(word),
            fallback=phrase("will_try", drivers=others) if fallback else "",
        )

    def _note_blanks(self, word: Bilingual, source: str, blank: Any) -> None:
        needed = blank & self.active
        if needed.any():
            self.blank.setdefault((word, source), set()).update(self._codes(needed))

    def report_blanks(self) -> None:
        """One finding per driver, not one per giver that uses it."""
        policy = self.checking.settings.policies.missing_driver
        for (word, source), codes in self.blank.items():
            names = [self.checking.named(code) for code in self.codes if code in codes]
            self.checking.add(
                "warning" if policy == "zero" else "error",
                "missing_driver.will_be_zero" if policy == "zero" else "missing_driver.refused",
                source,
                driver=word,
                n=len(names),
                departments=listed(names),
            )
        for (word, source), codes in self.unlisted.items():
            names = [self.checking.named(code) for code in self.codes if code in codes]
            values = {"driver": word, "n": len(names), "departments": listed(names)}
            self.checking.add("note", "unlisted_driver.check", source, **values)

    def _codes(self, chosen: Any) -> list[str]:
        return [self.codes[at] for at in np.flatnonzero(chosen)]

    def _place(self, giver: str) -> str:
        rows = self.checking.loaded.tables["departments"].frame["dept_code"] == giver
        return self.checking.place("departments", rows, "basis")


def _active(checking: Checking) -> npt.NDArray[np.bool_]:
    """Departments valid at some day of the period."""
    begins, ends = checking.departments["valid_from"], checking.departments["valid_to"]
    start, end = np.datetime64(checking.settings.start), np.datetime64(checking.settings.end)
    active: npt.NDArray[np.bool_] = (~(begins > end) & ~(ends < start)).to_numpy(dtype=bool)
    return active


def _negative_workload(checking: Checking) -> None:
    workload = checking.frame("workload")
    if workload is None:
        return
    rows = np.flatnonzero(workload["value"] < 0)
    if rows.size:
        first = workload.iloc[rows[0]]
        checking.add(
            "error",
            "negative_driver.workload",
            checking.place("workload", rows, "value"),
            n=rows.size,
            indicator=choice_word("indicator", first["indicator"]),
            department=first["dept_code"],
            value=first["value"],
        )
