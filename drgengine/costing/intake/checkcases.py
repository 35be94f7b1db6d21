"""Checks of what cases are costed from: discharges, stays, items, service units, weights, visits and bed-days."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from drgengine.costing.bilingual import listed, phrase
from drgengine.costing.intake.checking import Checking, alternatives
from drgengine.costing.intake.deptmap import SHARE_TOLERANCE
from drgengine.costing.intake.vocabulary import choice_word, table_word, tables
from drgengine.costing.model import Severity
from drgengine.costing.objects.unitcosts import units_of
from drgengine.costing.objects.visits import ALL_VISITS, VISIT_INDICATORS

if TYPE_CHECKING:
    import pandas as pd

_LONGEST_HOURS = 24.0
_FAR = 0.2
_APART = 0.05
_SAME_VISITS = 0.5
_MOST_GROUPS = 20
"""Share by which two figures for one thing may differ before it is said."""


def check_cases(checking: Checking) -> None:
    """Everything beyond departments, ledger and drivers."""
    _together(checking)
    _volumes(checking)
    _discharges(checking)
    _stays(checking)
    _service_units(checking)
    _items(checking)
    _weights(checking)


def _together(checking: Checking) -> None:
    """Tables that need each other."""
    loaded = checking.loaded
    if loaded.charges is not None and "items" not in loaded.tables:
        checking.add("error", "missing_table.items", checking.place("charges"))
    for name, other in (("discharges", "charges"), ("charges", "discharges")):
        here = name in checking.settings.tables
        if here and other not in checking.settings.tables:
            words = {"name": table_word(name), "other": table_word(other), "key": other}
            checking.add("warning", "missing_table.cases", checking.place(name), **words)
    columns = loaded.charge_columns
    if columns and "case_id" not in columns and "discharges" in loaded.tables:
        label = tables()["charges"].columns["case_id"].label
        checking.add("error", "missing_column.case_id", checking.place("charges"), column=label)
    by_hours = checking.settings.cases.top_down_key == "hours" and loaded.charges is not None
    if by_hours and "discharges" in loaded.tables and "stays" not in loaded.tables:
        checking.add("error", "missing_table.hours", checking.key("cases", "top_down_key"))


def _volumes(checking: Checking) -> None:
    """Visits and bed-days of clinical departments with cost."""
    workload = checking.frame("workload")
    if workload is None:
        checking.add("note", "missing_table.workload", "model.toml [tables]")
        return
    _visits_agree(checking, workload)
    for setting, indicators, total in (
        ("outpatient", VISIT_INDICATORS, ALL_VISITS),
        ("inpatient", ("bed_days",), ""),
    ):
        counted = units_of(workload, indicators, total)
        frame = checking.departments
        clinical = frame[(frame["category"] == "clinical") & frame["setting"].isin([setting, "both"])]
        idle = [code for code in clinical["dept_code"] if checking.costs.get(code) and not counted.get(code, 0.0) > 0]
        for code in idle:
            checking.add(
                "warning",
                "no_volume.workload",
                checking.place("workload"),
                checking.costs[code],
                department=checking.named(code),
                cost=checking.costs[code],
                what=phrase("visits") if setting == "outpatient" else phrase("bed_days"),
                indicators=alternatives(choice_word("indicator", name) for name in indicators),
            )


def _visits_agree(checking: Checking, workload: pd.DataFrame) -> None:
    """Visits given together (门急诊人次) and apart (门诊人次, 急诊人次) have to be the same."""
    whole, parts = units_of(workload, (ALL_VISITS,)), units_of(workload, VISIT_INDICATORS)
    both = whole.index.intersection(parts.index)
    for code in [one for one in both if abs(whole[one] - parts[one]) > _SAME_VISITS]:
        rows = (workload["dept_code"] == code) & workload["indicator"].isin((ALL_VISITS, *VISIT_INDICATORS))
        checking.add(
            "error",
            "visits_differ",
            checking.place("workload", rows.to_numpy(), "value"),
            department=checking.named(str(code)),
            whole=whole[code],
            parts=parts[code],
        )


def _discharges(checking: Checking) -> None:
    cases = checking.frame("discharges")
    if cases is None:
        return
    codes = cases["case_id"]
    again = codes.duplicated(keep=False) & codes.notna()
    if again.any():
        repeated = list(dict.fromkeys(codes[again]))
        checking.add(
            "error",
            "duplicate_case.several",
            checking.place("discharges", again, "case_id"),
            n=len(repeated),
            cases=listed(repeated),
        )
    reversed_dates = cases["discharge_date"] < cases["admission_date"]
    if reversed_dates.any():
        first = cases[reversed_dates].iloc[0]
        checking.add(
            "error",
            "discharge_before_admission",
            checking.place("discharges", reversed_dates),
            n=int(reversed_dates.sum()),
            case=first["case_id"],
            discharged=first["discharge_date"],
            admitted=first["admission_date"],
        )
    _dates_in_period(checking, cases)
    _length_of_stay(checking, cases)
    if checking.loaded.charges is not None:
        _parents_of_groups(checking, cases)
    ungrouped = cases["drg"].isna() & cases["discharge_date"].notna()
    if ungrouped.any() and cases["drg"].notna().any():
        checking.add("note", "no_drg.blank", checking.place("discharges", ungrouped, "drg"), n=int(ungrouped.sum()))


def _parents_of_groups(checking: Checking, cases: pd.DataFrame) -> None:
    """A DRG stands in one ADRG, stated or its first three characters."""
    stated = cases[cases["drg"].notna() & (cases["status"].isna() | (cases["status"] == "grouped"))]
    parents = stated["adrg"].where(stated["adrg"].notna(), stated["drg"].str[:3])
    several = parents.groupby(stated["drg"]).nunique()
    for drg in several.index[several > 1][:_MOST_GROUPS]:
        rows = stated["drg"] == drg
        checking.add(
            "error",
            "duplicate_group.adrg",
            checking.place("discharges", stated.index[rows].to_numpy(), "adrg"),
            drg=drg,
            parents=listed(sorted(parents[rows].unique())),
        )


def _dates_in_period(checking: Checking, cases: pd.DataFrame) -> None:
    start, end = np.datetime64(checking.settings.start), np.datetime64(checking.settings.end)
    before = cases["discharge_date"] < start
    if before.any():
        checking.add(
            "error",
            "outside_period.before",
            checking.place("discharges", before, "discharge_date"),
            n=int(before.sum()),
            start=checking.settings.start,
        )
    after = cases["admission_date"] >= end + np.timedelta64(1, "D")
    if after.any():
        checking.add(
            "warning",
            "outside_period.after",
            checking.place("discharges", after, "admission_date"),
            n=int(after.sum()),
            end=checking.settings.end,
        )


def _length_of_stay(checking: Checking, cases: pd.DataFrame) -> None:
    days = (cases["discharge_date"] - cases["admission_date"]).dt.days.clip(lower=1)
    off = (days - cases["los_days"]).abs() > 1
    if off.any():
        first = cases[off].iloc[0]
        checking.add(
            "warning",
            "length_of_stay.dates",
            checking.place("discharges", off, "los_days"),
            n=int(off.sum()),
            case=first["case_id"],
            given=first["los_days"],
            counted=days[off].iloc[0],
        )


def _stays(checking: Checking) -> None:
    stays, cases = checking.frame("stays"), checking.frame("discharges")
    if stays is None:
        return
    if cases is not None:
        unknown = stays["case_id"].notna() & ~stays["case_id"].isin(set(cases["case_id"].dropna()))
        if unknown.any():
            refuse = checking.settings.policies.unmatched_case == "refuse"
            checking.add(
                "error" if refuse else "warning",
                "unmatched_case.stays",
                checking.place("stays", unknown, "case_id"),
                n=int(unknown.sum()),
                cases=listed(dict.fromkeys(stays["case_id"][unknown])),
            )
    lacking = stays["hours"].isna()
    if checking.settings.cases.top_down_key == "hours" and lacking.any():
        checking.add(
            "warning",
            "hours_from_days.check",
            checking.place("stays", lacking, "hours"),
            n=int(lacking.sum()),
        )
    _bed_days_agree(checking, stays)
    _repeated_stays(checking, stays)
    if cases is not None:
        _longer_than_the_case(checking, stays, cases)


def _repeated_stays(checking: Checking, stays: pd.DataFrame) -> None:
    again = stays.duplicated(keep=False) & stays["case_id"].notna()
    if again.any():
        repeated = list(dict.fromkeys(stays["case_id"][again]))
        place = checking.place("stays", again, "case_id")
        checking.add("warning", "duplicate_case.stays", place, n=int(again.sum()), cases=listed(repeated))


def _longer_than_the_case(checking: Checking, stays: pd.DataFrame, cases: pd.DataFrame) -> None:
    """Days in all wards together against the length of stay."""
    length = cases.drop_duplicates("case_id").set_index("case_id")["los_days"]
    stayed = stays.groupby("case_id")["bed_days"].sum()
    over = stayed[stayed > length.reindex(stayed.index) + 1]
    if len(over):
        first = str(over.index[0])
        checking.add(
            "warning",
            "length_of_stay.stays",
            checking.place("stays", stays["case_id"].isin(over.index).to_numpy(), "bed_days"),
            n=len(over),
            case=first,
            stayed=float(over.iloc[0]),
            given=float(length[first]),
        )


def _bed_days_agree(checking: Checking, stays: pd.DataFrame) -> None:
    workload = checking.frame("workload")
    if workload is None:
        return
    counted = workload[workload["indicator"] == "bed_days"].groupby("dept_code")["value"].sum()
    stayed = stays.groupby("dept_code")["bed_days"].sum()
    both = counted.index.intersection(stayed.index)
    apart = [code for code in both if abs(counted[code] - stayed[code]) > _APART * max(counted[code], 1.0)]
    if apart:
        told = listed(
            phrase("two_numbers", what=checking.named(code), first=counted[code], second=stayed[code]) for code in apart
        )
        checking.add(
            "warning",
            "bed_days_differ",
            checking.place("stays"),
            apart=_APART,
            departments=told,
        )


def _service_units(checking: Checking) -> None:
    units = checking.frame("service_units")
    if units is None:
        return
    normalise = checking.settings.policies.share_sum == "normalise"
    sums = units.groupby("dept_code")["share"].sum()
    for code, total in sums[(sums - 1).abs() > SHARE_TOLERANCE].items():
        checking.add(
            "warning" if normalise else "error",
            "share_sum.will_be_scaled" if normalise else "share_sum.department",
            checking.place("service_units", (units["dept_code"] == code).to_numpy(), "share"),
            department=checking.named(str(code)),
            total=total,
        )


def _items(checking: Checking) -> None:
    items = checking.frame("items")
    if items is None:
        return
    codes = items["item_code"]
    again = codes.duplicated(keep=False) & codes.notna()
    if again.any():
        columns = ["item_code", "goods", "price", "equivalent", "minutes", "service_unit", "unit_cost"]
        different = items.loc[again, columns].drop_duplicates()["item_code"].duplicated().any()
        checking.add(
            "error" if different else "note",
            "duplicate_item.different" if different else "duplicate_item.alike",
            checking.place("items", again, "item_code"),
            n=codes[again].nunique(),
            items=listed(dict.fromkeys(codes[again])),
        )
    _item_statistics(checking, items)
    goods = items[(items["goods"] != "none") & (items["price"] > 0) & items["unit_cost"].notna()]
    far = goods[(goods["unit_cost"] / goods["price"] - 1).abs() > _FAR]
    if len(far):
        first = far.iloc[0]
        checking.add(
            "warning",
            "goods_price",
            checking.place("items", far.index.to_numpy(), "unit_cost"),
            n=len(far),
            count=len(goods),
            far=_FAR,
            item=first["item_code"],
            unit_cost=first["unit_cost"],
            price=first["price"],
        )


def _item_statistics(checking: Checking, items: pd.DataFrame) -> None:
    method = checking.settings.items.method
    services = items[items["goods"] == "none"]
    name = {"equivalent": "equivalent", "time": "minutes", "tdabc": "minutes"}.get(method)
    if name is not None and len(services):
        lacking = services[services[name].isna()]
        if len(lacking):
            severity: Severity = "error" if len(lacking) == len(services) else "warning"
            by_price = checking.settings.policies.missing_equivalent == "price"
            checking.add(
                severity,
                "missing_equivalent.price" if by_price else "missing_equivalent.stops",
                checking.place("items", lacking.index.to_numpy(), name),
                n=len(lacking),
                count=len(services),
                column=tables()["items"].columns[name].named,
                method=method,
                items=listed(lacking["item_code"].dropna()),
            )
    minutes = services["minutes"].dropna()
    if len(minutes) >= 5 and 0 < float(minutes.max()) <= _LONGEST_HOURS and float(minutes.median()) < 3:
        checking.add(
            "warning",
            "minutes_unit",
            checking.place("items"),
            longest=float(minutes.max()),
        )


def _weights(checking: Checking) -> None:
    weights, cases = checking.frame("weights"), checking.frame("discharges")
    if weights is None:
        return
    groups = weights["drg"]
    again = groups.duplicated(keep=False) & groups.notna()
    if again.any():
        repeated = dict.fromkeys(groups[again])
        place = checking.place("weights", again, "drg")
        checking.add("error", "duplicate_group.weights", place, n=len(repeated), groups=listed(repeated))
    worthless = weights["weight"] <= 0
    if worthless.any():
        first = weights[worthless].iloc[0]
        place = checking.place("weights", worthless, "weight")
        shown = {"n": int(worthless.sum()), "group": first["drg"], "weight": first["weight"]}
        checking.add("error", "group_without_weight.not_positive", place, **shown)
    if cases is None or checking.settings.payment.weights != "table":
        return
    found = cases["drg"].dropna()
    lacking = found[~found.isin(set(groups))]
    if len(lacking):
        checking.add(
            "warning",
            "group_without_weight.missing",
            checking.place("weights"),
            n=lacking.nunique(),
            cases=len(lacking),
            groups=listed(sorted(set(lacking))),
        )
