"""How the cost of each service department is divided: giving x receiving statistics (分摊参数)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from drgengine.costing.allocation.problems import Problems
from drgengine.costing.bilingual import Bilingual, listed, phrase
from drgengine.costing.findings import finding
from drgengine.costing.intake.vocabulary import basis_word, table_word
from drgengine.costing.ledger.driverstats import BASIS_WORDS, MEASURED_SELF, DriverStatistics, Statistic
from drgengine.costing.model import CATEGORIES, CostModel, Finding, Severity
from drgengine.errors import CostingError

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

SHARE_WORDS = ("share", "shares", "比例", "分摊比例", "占比")
"""In the column driver of the table drivers: the values are shares and have to sum to 1."""

SHARE_TOLERANCE = 1e-6
_MOST_NAMED = 10


@dataclass(frozen=True, slots=True)
class DriverTable:
    """The statistics an allocation runs on.

    statistics : float64 DataFrame >= 0, index all departments that are not clinical, columns all departments, both in
        the order of the department table; 0 where the column does not receive from the row
    basis : Series giver -> basis word used, after fallbacks; "table" for rows of the table drivers
    asked : Series giver -> basis word asked for
    """

    statistics: pd.DataFrame
    basis: pd.Series
    asked: pd.Series
    findings: tuple[Finding, ...]


def driver_matrix(model: CostModel, activity: Any | None = None) -> DriverTable:
    """Statistics giving x receiving for every department that is not clinical; one driver per giver (单一参数).

    A giver's rows in the table drivers come first, then the column basis of the department table, then
    `allocation.basis` of its category. With the three-level method a department gives to the categories after its own
    (医辅、医技、临床), otherwise to all other departments.
    activity : what the charge lines hold, see costing/activity.py; None where they were not read

    Policies: missing_driver (a blank value; 0 is a value), zero_driver (no receiver has any: refuse, or the words of
    `fallback` in turn), share_sum. Each use is a Finding naming giver, driver and fallback.
    Raises CostingError, with all problems together, for an unknown basis word, an absent table, a negative value and
    whatever the policies refuse.
    """
    import pandas as pd

    asking = _Asking(model, activity)
    rows = [asking.row(giver) for giver in asking.givers]
    asking.notes_on_blanks()
    statistics = np.array(rows).reshape(len(rows), len(asking.codes))
    asking.fill_zero_rows(statistics)
    asking.problems.stop("drivers")
    index = pd.Index(asking.givers, name="from_dept", dtype=object)
    return DriverTable(
        pd.DataFrame(statistics, index=index, columns=pd.Index(asking.codes, name="to_dept", dtype=object)),
        pd.Series(asking.used, index=index, name="basis", dtype=object),
        pd.Series(asking.asked, index=index, name="asked", dtype=object),
        tuple(asking.findings),
    )


class _Asking:
    """One pass over the givers, collecting problems and findings."""

    def __init__(self, model: CostModel, activity: Any | None) -> None:
        table = model.tables["departments"]
        self.model = model
        self.problems = Problems()
        self.findings: list[Finding] = []
        self.statistics = DriverStatistics(model, activity)
        self.codes = self.statistics.departments
        self.category = dict(zip(self.codes, table["category"].astype(str), strict=True))
        self.active = _active(model)
        self.givers = [code for code in self.codes if self.category[code] != "clinical"]
        self.explicit = _ExplicitRows(model, self.codes, self.problems)
        self.asked = {code: self._basis(code, table) for code in self.givers}
        self.used = dict(self.asked)
        self._failed: set[str] = set()
        self._blank: dict[tuple[Bilingual, str], set[str]] = {}
        self._unlisted: dict[tuple[Bilingual, str], set[str]] = {}
        for code in sorted(self.explicit.rows):
            if code not in self.asked:
                self._note("warning", "drivers_unused", code)

    def _basis(self, code: str, table: Any) -> str:
        """The word for a giver: explicit rows, its own basis, the basis of its category."""
        if code in self.explicit.rows:
            return "table"
        if "basis" in table.columns:
            own = table["basis"].iloc[self.codes.index(code)]
            if isinstance(own, str) and own.strip():
                return own.strip()
        return self.model.settings.allocation.basis.get(self.category[code], "")

    def receivers(self, giver: str, word: str) -> Bools:
        """Who may receive from the giver."""
        own = self.category[giver]
        if self.model.settings.allocation.method == "three-level":
            after = CATEGORIES[CATEGORIES.index(own) + 1 :]
            return np.array([self.category[code] in after for code in self.codes])
        return np.array([code != giver or word in MEASURED_SELF for code in self.codes])

    def row(self, giver: str) -> Floats:
        """The giver's statistics by the word asked for; problems and findings are noted."""
        word = self.asked[giver]
        if word == "table" and giver in self.explicit.rows:
            return self._explicit_row(giver)
        try:
            if word == "table":
                raise CostingError(
                    f"department {giver}", 'its basis is "table" and the table drivers has no row for it', "Add rows"
                )
            return self._values(giver, word)
        except CostingError as error:
            self.problems.add(error.place, error.problem, error.remedy)
            self._failed.add(giver)
            return np.zeros(len(self.codes))

    def _explicit_row(self, giver: str) -> Floats:
        value, receives = self.explicit.rows[giver], self.receivers(giver, "table")
        if self.explicit.is_share[giver]:
            self._check_share_sum(giver, float(np.nansum(value)))
        self._note_left_out(giver, "table", value, receives)
        return self._completed(
            giver, "table", Statistic(value, np.zeros(len(value), bool), self.explicit.place), receives
        )

    def _values(self, giver: str, word: str) -> Floats:
        statistic, receives = self.statistics.of(word, giver), self.receivers(giver, word)
        if word in ("orders", "orders_income"):
            self._note_left_out(giver, word, statistic.value, receives)
        return self._completed(giver, word, statistic, receives)

    def _completed(self, giver: str, word: str, statistic: Statistic, receives: Bools) -> Floats:
        """Blanks and negative values dealt with; 0 for everybody else."""
        blank = np.isnan(statistic.value) & receives
        needed = blank & self.active
        if needed.any():
            named = basis_word(word) if word != "table" else phrase("table_of", giver=giver)
            self._blank.setdefault((named, statistic.source), set()).update(self._named(needed))
        unlisted = statistic.unlisted & receives & self.active
        if unlisted.any():
            self._unlisted.setdefault((basis_word(word), statistic.source), set()).update(self._named(unlisted))
        value = np.where(receives & ~blank, np.nan_to_num(statistic.value), 0.0)
        for n in np.flatnonzero(value < 0):
            self.problems.add(
                f"{statistic.source}, department {self.codes[n]}",
                f'driver "{word}" of giving department {giver} is negative: {value[n]:g}',
                "Correct the value; a driver is 0 or more",
            )
        return np.maximum(value, 0.0)

    def _named(self, chosen: Bools) -> list[str]:
        return [self.codes[n] for n in np.flatnonzero(chosen)]

    def _note_left_out(self, giver: str, word: str, value: Floats, receives: Bools) -> None:
        """Say how much of a measured statistic belongs to departments that do not receive."""
        left = np.where(receives, 0.0, np.nan_to_num(value))
        if left.any():
            whole = float(np.nansum(np.abs(value)))
            self._note(
                "note",
                "driver_left_out",
                giver,
                part=np.abs(left).sum() / whole,
                driver=basis_word(word),
                departments=listed(self._named(left != 0), _MOST_NAMED),
            )

    def _check_share_sum(self, giver: str, total: float) -> None:
        if abs(total - 1.0) <= SHARE_TOLERANCE or total == 0:
            return
        if self.model.settings.policies.share_sum == "refuse":
            self.problems.add(
                f"{self.explicit.place}, from_dept {giver}",
                f"its shares sum to {total:.6g} and not to 1",
                "Complete the shares, or set share_sum = 'normalise' under [policies]",
            )
        else:
            self._note("warning", "share_sum.scaled", giver, total=total)

    def notes_on_blanks(self) -> None:
        """One problem or finding per driver, not one per giver that uses it."""
        for (word, source), names in self._blank.items():
            named = listed([code for code in self.codes if code in names], _MOST_NAMED)
            if self.model.settings.policies.missing_driver == "refuse":
                self.problems.add(
                    source,
                    f'driver "{word}" is blank for {len(names)} receiving departments: {named}',
                    "Fill in the value (0 where there is none), or set missing_driver = 'zero' under [policies]",
                )
                continue
            values = {"driver": word, "n": len(names), "departments": named}
            self.findings.append(finding("warning", "missing_driver.zero", source, **values))
        for (word, source), names in self._unlisted.items():
            named = listed([code for code in self.codes if code in names], _MOST_NAMED)
            values = {"driver": word, "n": len(names), "departments": named}
            self.findings.append(finding("note", "unlisted_driver.run", source, **values))

    def fill_zero_rows(self, statistics: Floats) -> None:
        """Givers with cost and nothing to divide it by: refuse, or go down the fallback chain."""
        costly = self._costly()
        column = {code: n for n, code in enumerate(self.codes)}
        # Givers stand in the order in which three levels close; what one falls back to may make another costly.
        for at in sorted(range(len(self.givers)), key=lambda n: CATEGORIES.index(self.category[self.givers[n]])):
            giver = self.givers[at]
            if (
                giver in self._failed
                or statistics[at].any()
                or not (giver in costly or statistics[:, column[giver]].any())
            ):
                continue
            if self.model.settings.policies.zero_driver == "refuse":
                self.problems.add(
                    f"department {giver}",
                    f'driver "{self.asked[giver]}" is 0 for every receiving department, so that its cost cannot be '
                    "divided",
                    "Correct the driver, or set zero_driver = 'fallback' under [policies]",
                )
            else:
                statistics[at] = self._fallback(giver)

    def _fallback(self, giver: str) -> Floats:
        chain = self.model.settings.policies.fallback
        for word in chain:
            if word == self.asked[giver]:
                continue
            try:
                value = self._values(giver, word)
            except CostingError:
                continue
            if value.any():
                self.used[giver] = word
                asked, used = basis_word(self.asked[giver]), basis_word(word)
                self._note("warning", "zero_driver.fallback", giver, driver=asked, fallback=used)
                return value
        self.problems.add(
            f"department {giver}",
            f'driver "{self.asked[giver]}" and every fallback ({", ".join(chain)}) are 0 for every receiver',
            "Give the department a driver",
        )
        return np.zeros(len(self.codes))

    def _costly(self) -> set[str]:
        """Departments with ledger lines, and the one that takes lines of unknown departments."""
        ledger = self.model.tables.get("ledger")
        codes = set() if ledger is None else set(ledger.loc[ledger["amount"] != 0, "dept_code"].astype(str))
        return codes | {self.model.settings.policies.suspense_department}

    def _note(self, severity: Severity, key: str, giver: str, /, **values: object) -> None:
        self.findings.append(finding(severity, key, phrase("department", code=giver), **values))


class _ExplicitRows:
    """The table drivers: from_dept -> value per department; NaN where a row is there and blank, 0 without a row."""

    def __init__(self, model: CostModel, codes: list[str], problems: Problems) -> None:
        self.rows: dict[str, Floats] = {}
        self.is_share: dict[str, bool] = {}
        self.place = model.settings.tables.get("drivers", table_word("drivers"))
        table = model.tables.get("drivers")
        if table is None:
            return
        position = {code: n for n, code in enumerate(codes)}
        for column in ("from_dept", "to_dept"):
            strange = sorted(set(table[column].astype(str)) - set(codes))
            if strange:
                problems.add(
                    f"{self.place}, column {column}",
                    f"{len(strange)} departments are not in the department table: {listed(strange, _MOST_NAMED)}",
                    "Add them to departments or correct the code",
                )
        known = table[table["from_dept"].astype(str).isin(codes) & table["to_dept"].astype(str).isin(codes)]
        for giver, rows in known.groupby(known["from_dept"].astype(str), sort=True):
            names = sorted(set(rows["driver"].dropna().astype(str))) if "driver" in rows.columns else []
            if len(names) > 1:
                problems.add(
                    f"{self.place}, from_dept {giver}",
                    f"it has {len(names)} drivers: {', '.join(names)}",
                    "Keep one driver per giving department and period",
                )
            value = np.zeros(len(codes))
            at = rows["to_dept"].astype(str).map(position).to_numpy(dtype=np.intp)
            np.add.at(value, at, rows["value"].to_numpy(dtype=np.float64, na_value=np.nan))
            self.rows[str(giver)] = value
            self.is_share[str(giver)] = bool(names) and names[0].strip().lower() in SHARE_WORDS


def _active(model: CostModel) -> Bools:
    """Departments valid at some day of the period."""
    import pandas as pd

    table = model.tables["departments"]
    active = np.ones(len(table), bool)
    if "valid_from" in table.columns:
        active &= ~(pd.to_datetime(table["valid_from"]) > pd.Timestamp(model.settings.end)).to_numpy()
    if "valid_to" in table.columns:
        active &= ~(pd.to_datetime(table["valid_to"]) < pd.Timestamp(model.settings.start)).to_numpy()
    return active


__all__ = ["BASIS_WORDS", "SHARE_WORDS", "DriverTable", "driver_matrix"]
