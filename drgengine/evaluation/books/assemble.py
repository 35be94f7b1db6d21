"""Books of all hospitals (科室与医师分册) out of the statistics by hospital, department and physician."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from drgengine.errors import EvaluationError
from drgengine.evaluation.books.masking import masked_names, refuse_same_codes
from drgengine.evaluation.books.peers import FEWEST, beside_peers
from drgengine.evaluation.books.reservedlabels import free_labels
from drgengine.evaluation.books.suppression import Ints, hidden_rows
from drgengine.evaluation.books.unitindices import SHOWN, Method, add_previous, hide_rates, indices_of
from drgengine.evaluation.books.unitnumbers import Units, units_of, weight_of_units
from drgengine.evaluation.mix.defaults import minimum_cases
from drgengine.evaluation.mix.groupweights import given_weights, relative_weights
from drgengine.evaluation.mix.measures import MISSING_UNIT
from drgengine.evaluation.mix.mortality import RiskGroups
from drgengine.evaluation.mix.unitstatistics import UnitStatistics
from drgengine.evaluation.plan.settings import MixSettings, Privacy
from drgengine.evaluation.yearly.result import Book

OTHERS = "(others)"
"""Label of the row of those that are too small to be shown."""
PEERED = ("cases", "cmi", "drg_count", "charge_index", "time_index", "cost_index", "high_weight_share")
_CHANGES = ("previous_cmi", "cmi_change", "previous_charge_index", "charge_index_change")
DEPARTMENT_COLUMNS = (
    *SHOWN,
    *_CHANGES,
    *("peers", *(f"peer_{name}" for name in PEERED), "peer_low_risk_mortality"),
    *("cmi_rank", "charge_rank", "below_minimum", "remark", "remark_zh"),
)
PHYSICIAN_COLUMNS = ("department_id", *SHOWN, *_CHANGES, "weight_rank", "below_minimum", "remark", "remark_zh")
_SAID = {
    "pooled": ("病例少于{smallest}例的合并显示", "Those of fewer than {smallest} cases together"),
    "below": ("少于{minimum}例，不参与排名", "Fewer than {minimum} cases: not ranked"),
    "peers": ("同科室可比医院仅{peers}家，不作比较", "Only {peers} peer hospitals with this department: not compared"),
}


def make_books(
    statistics: UnitStatistics,
    previous: UnitStatistics | None = None,
    *,
    weights: Any = None,
    risks: RiskGroups | None = None,
    hospitals: pd.DataFrame,
    privacy: Privacy | None = None,
    mix_settings: MixSettings | None = None,
) -> dict[str, Book]:
    """Departments and physicians of every hospital (科室与医师分册).

    statistics, previous : of all hospitals, by hospital_id and department_id, physician_id or both; a level that was
        not kept gives an empty table
    weights : as in casemix(), for both periods; None = of this period   risks : groups of the base period
    hospitals : index hospital_id, column peer_group   privacy, mix_settings : of the plan

    Indices compare with all hospitals. Departments stand beside the median of the same department_id in other
    hospitals of the peer group that reach the minimum volume (50 cases); with fewer than 2 of them there is none.
    cmi_rank and charge_rank (1 = highest CMI, lowest index) are places among these, weight_rank a place in the
    hospital; below the minimum (physicians 30) a row is flagged and has no rank. Physicians are called P001, P002 ...
    by falling total weight; no key is written. Rows of fewer than privacy.smallest_cell cases, and as many more as it
    takes so that no difference to the total gives one away, stand together in the row (others), so that sums come
    out; such a row of still fewer cases is left out. Physicians of a department that stands in (others) stand there
    too. Low-risk deaths are hidden likewise by their cases, and with those of a department those of all its physicians.
    A department or physician whose own code is "(others)" is shown as "(others)*".
    previous_* and changes are under the same weights, the index against the hospitals of its own period.

    Raises EvaluationError for statistics that were not kept by hospital, and for physicians that are to be masked
    while departments carry their codes.
    """
    if "hospital_id" not in statistics.by or (previous is not None and "hospital_id" not in previous.by):
        by = ", ".join(statistics.by)
        remedy = 'Collect them with by=["hospital_id", "department_id", "physician_id"]'
        raise EvaluationError("books", f"the statistics were kept by {by or 'nothing'}, not by hospital", remedy)
    smallest = (privacy or Privacy()).smallest_cell
    masked = (privacy or Privacy()).mask_physicians
    chosen = relative_weights(statistics.roll_up(())) if weights is None else given_weights(weights)
    method = Method(chosen, risks, mix_settings or MixSettings(), smallest)
    statistics, previous = free_labels((OTHERS,), statistics, previous)
    if masked:
        refuse_same_codes(statistics)
    departments, home, few_departments = _departments(statistics, previous, method, hospitals)
    blank = departments.loc[departments["low_risk_cases"].isna(), ["hospital_id", "department_id"]]
    blank_departments = pd.MultiIndex.from_frame(blank) if "department_id" in statistics.by else None
    physicians, few_physicians = _physicians(statistics, previous, method, home, masked, blank_departments)
    by_department = dict(list(departments.groupby("hospital_id", sort=False)))
    by_physician = dict(list(physicians.groupby("hospital_id", sort=False)))
    books = {}
    for hospital in map(str, hospitals.index):
        suppressed = {"departments": few_departments.get(hospital, 0), "physicians": few_physicians.get(hospital, 0)}
        one = by_department.get(hospital, departments.iloc[:0]).set_index("department_id")
        two = by_physician.get(hospital, physicians.iloc[:0]).set_index("physician")
        books[hospital] = Book(hospital, one[list(DEPARTMENT_COLUMNS)], two[list(PHYSICIAN_COLUMNS)], suppressed)
    return books


def _departments(
    statistics: UnitStatistics, previous: UnitStatistics | None, method: Method, hospitals: pd.DataFrame
) -> tuple[pd.DataFrame, dict[tuple[str, str], str], dict[str, int]]:
    """Rows of all hospitals, the label under which each department is shown, and how many are not shown."""
    names = ["hospital_id", "department_id"]
    if "department_id" not in statistics.by:
        return pd.DataFrame(columns=[*names, *DEPARTMENT_COLUMNS]), {}, {}
    rolled = statistics.roll_up(names)
    units = units_of(rolled)
    labels = units.labels.assign(group=units.labels["hospital_id"])
    labels["shown"], suppressed = _pooled_labels(labels, units.cases, labels["department_id"], method.smallest)
    home = dict(zip(zip(labels["hospital_id"], labels["department_id"], strict=True), labels["shown"], strict=True))
    keys, number = _numbered(labels, ["hospital_id", "shown"])
    table = indices_of(method, rolled, units, number)
    table = pd.concat([keys.rename(columns={"shown": "department_id"}), table], axis=1)
    table = hide_rates(table, pd.factorize(table["hospital_id"])[0], method.smallest)
    before = None if previous is None else _before(previous, names, method, table)
    table = add_previous(table, before, method.smallest)
    table = table[table["cases"] >= method.smallest].reset_index(drop=True)
    groups = {str(name): value for name, value in hospitals["peer_group"].items()}
    table["peer_group"] = table["hospital_id"].map(groups)
    minimum = minimum_cases(["department_id"])
    table["below_minimum"] = table["cases"] < minimum
    usable = ~table["below_minimum"] & (table["department_id"] != OTHERS) & table["peer_group"].notna()
    beside = beside_peers(table, (*PEERED, "low_risk_mortality"), usable)
    beside[table["department_id"].to_numpy() == OTHERS] = np.nan
    table = pd.concat([table, beside], axis=1)
    place = table[usable].groupby(["peer_group", "department_id"])
    compared = usable & (table["peers"] >= FEWEST)
    table["cmi_rank"] = place["cmi"].rank(ascending=False, method="min").where(compared)
    table["charge_rank"] = place["charge_index"].rank(method="min").where(compared)
    table = _remarks(table, table["department_id"], minimum, method.smallest)
    order = np.lexsort((table["department_id"], table["department_id"] == OTHERS, table["hospital_id"]))
    return table.iloc[order], home, suppressed


def _physicians(
    statistics: UnitStatistics,
    previous: UnitStatistics | None,
    method: Method,
    home: dict[tuple[str, str], str],
    masked: bool,
    blank_departments: pd.MultiIndex | None,
) -> tuple[pd.DataFrame, dict[str, int]]:
    """Rows physician x department of all hospitals, and how many are not shown."""
    if "physician_id" not in statistics.by:
        return pd.DataFrame(columns=["hospital_id", "physician", *PHYSICIAN_COLUMNS]), {}
    names: list[str] = [name for name in ("hospital_id", "department_id", "physician_id") if name in statistics.by]
    rolled = statistics.roll_up(names)
    units = units_of(rolled)
    labels = units.labels.copy()
    if "department_id" in names:
        pairs = zip(labels["hospital_id"], labels["department_id"], strict=True)
        labels["department_id"] = pd.Series([home[pair] for pair in pairs], dtype=object)
    else:
        labels["department_id"] = ""
    weight = weight_of_units(rolled, units, method.weights.weights)
    labels["name"] = masked_names(labels["hospital_id"], labels["physician_id"], weight, masked)
    merged, whole = _numbered(labels, ["hospital_id", "department_id", "name", "physician_id"])
    cases = np.bincount(whole, weights=units.cases, minlength=len(merged)).astype(np.int64)
    merged["group"] = merged["hospital_id"] + "\0" + merged["department_id"]
    merged["shown"], suppressed = _pooled_labels(merged, cases, merged["name"], method.smallest)
    keys, number = _numbered(merged, ["hospital_id", "department_id", "shown"])
    table = pd.concat([keys, indices_of(method, rolled, units, number[whole])], axis=1)
    places = table[["hospital_id", "department_id"]]
    above = None if blank_departments is None else pd.MultiIndex.from_frame(places).isin(blank_departments)
    table = hide_rates(table, places.groupby(list(places)).ngroup().to_numpy(), method.smallest, above)
    before = None
    if previous is not None and set(names) <= set(previous.by):
        before = _physicians_before(previous, names, method, table, merged, home)
    table = add_previous(table, before, method.smallest).rename(columns={"shown": "physician"})
    table = table[table["cases"] >= method.smallest].reset_index(drop=True)
    minimum = minimum_cases(["physician_id"])
    table["below_minimum"] = table["cases"] < minimum
    named = ~table["physician"].isin([OTHERS, MISSING_UNIT])
    ranked = table["total_weight"].where(named & ~table["below_minimum"])
    table["weight_rank"] = ranked.groupby(table["hospital_id"]).rank(ascending=False, method="min")
    table = _remarks(table, table["physician"], minimum, method.smallest)
    keys_of_order = (-table["total_weight"], ~named, table["department_id"], table["hospital_id"])
    return table.iloc[np.lexsort(keys_of_order)], suppressed


def _pooled_labels(
    labels: pd.DataFrame, cases: Ints, names: pd.Series, smallest: int
) -> tuple[pd.Series, dict[str, int]]:
    """What each unit is shown as, and the number of units of a hospital that are not shown themselves."""
    group = pd.factorize(labels["group"])[0]
    some = cases > 0
    hidden = np.zeros(cases.size, np.bool_)
    hidden[some] = hidden_rows(cases[some], group[some].astype(np.int64), smallest)
    # A unit none of whose discharges could be used has nothing to show, and nothing to protect.
    shown = names.where(~(hidden | ~some), OTHERS)
    counts = labels.loc[hidden | ~some, "hospital_id"].value_counts()
    return shown, {str(name): int(count) for name, count in counts.items()}


def _numbered(labels: pd.DataFrame, names: list[str]) -> tuple[pd.DataFrame, Ints]:
    """Distinct labels in order, and the number of each row among them."""
    groups = labels.groupby(names, sort=True)
    number = groups.ngroup().to_numpy()
    first = np.unique(number, return_index=True)[1]
    return labels.iloc[first][names].reset_index(drop=True), number.astype(np.int64)


def _before(previous: UnitStatistics, names: list[str], method: Method, table: pd.DataFrame) -> pd.DataFrame | None:
    """Indices of the previous period on the rows of `table`; NaN for (others), whose members change."""
    if not set(names) <= set(previous.by):
        return None
    rolled = previous.roll_up(names)
    units = units_of(rolled)
    return _on_rows(method, rolled, units, units.labels, table, names)


def _physicians_before(
    previous: UnitStatistics,
    names: list[str],
    method: Method,
    table: pd.DataFrame,
    merged: pd.DataFrame,
    home: dict[tuple[str, str], str],
) -> pd.DataFrame:
    """The same for physicians, found by their codes; the department is the one it is shown as now."""
    rolled = previous.roll_up(names)
    units = units_of(rolled)
    labels = units.labels.copy()
    if "department_id" in names:
        pairs = zip(labels["hospital_id"], labels["department_id"], strict=True)
        labels["department_id"] = pd.Series([home.get(pair, "") for pair in pairs], dtype=object)
    else:
        labels["department_id"] = ""
    shown = merged.set_index(["hospital_id", "department_id", "physician_id"])["shown"]
    keys = pd.MultiIndex.from_frame(labels[["hospital_id", "department_id", "physician_id"]])
    labels["shown"] = shown.reindex(keys).fillna("").to_numpy()
    return _on_rows(method, rolled, units, labels, table, ["hospital_id", "department_id", "shown"])


def _on_rows(
    method: Method, rolled: UnitStatistics, units: Units, labels: pd.DataFrame, table: pd.DataFrame, names: list[str]
) -> pd.DataFrame:
    rows = pd.MultiIndex.from_frame(table[names])
    number = rows.get_indexer(pd.MultiIndex.from_frame(labels[names])).astype(np.int64)
    number = np.where((labels[names[-1]] == OTHERS).to_numpy() | (units.cases == 0), -1, number)
    used, dense = np.unique(number[number >= 0], return_inverse=True)
    number[number >= 0] = dense
    found = indices_of(method, rolled, units, number)
    found.index = pd.Index(used)
    return found.reindex(range(len(table))).set_axis(table.index)


def _remarks(table: pd.DataFrame, names: pd.Series, minimum: int, smallest: int) -> pd.DataFrame:
    """What a reader has to know of a row, in both languages."""
    pooled, below = (names == OTHERS).to_numpy(), table["below_minimum"].to_numpy()
    peers = table["peers"].to_numpy() if "peers" in table.columns else np.full(len(table), np.inf)
    for column, language in (("remark_zh", 0), ("remark", 1)):
        texts = []
        for at in range(len(table)):
            parts = []
            if pooled[at]:
                parts.append(_SAID["pooled"][language].format(smallest=smallest))
            elif below[at]:
                parts.append(_SAID["below"][language].format(minimum=minimum))
            if peers[at] < FEWEST:
                parts.append(_SAID["peers"][language].format(peers=int(peers[at])))
            texts.append(("；", "; ")[language].join(parts))
        table[column] = np.array(texts, dtype=object)
    return table
