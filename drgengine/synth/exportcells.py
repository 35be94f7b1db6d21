"""The cells of a clean export, from the truth of its stays."""

from __future__ import annotations

import datetime
from typing import Any

from drgengine.synth.exportlayout import Layout
from drgengine.synth.exportstay import Stay, invented_title

WHOLE = frozenset({"age_years", "age_days", "birth_weight_g", "admission_weight_g", "los_days", "total_days"})
HOURS = frozenset({"ventilator_hours"})
_TEXTS = (
    "hospital_id",
    "record_no",
    "visit_no",
    "admission_route",
    "planned_readmission",
    "sex",
    "department_id",
    "admission_department_id",
    "payment",
    "pathology",
    "external_cause",
    "discharge_disposition",
    *sorted(WHOLE - {"total_days"}),
)


def is_charge(key: str) -> bool:
    """Whether the column of this key holds yuan."""
    return key in ("total_charge", "self_paid") or key.startswith(("charge_", "of_which_"))


def fill_cells(stay: Stay, layout: Layout) -> None:
    """Write every value of a stay's truth into its cells, clean, and note what the dialect itself provokes."""
    cells, truth = stay.cells, stay.truth
    for key in _TEXTS:
        cells[key] = "" if truth[key] is None else str(truth[key])
    for key in filter(is_charge, truth):
        cells[key] = yuan(truth[key])
    cells["ventilator_hours"] = f"{truth['ventilator_hours'] or 0:g}"
    cells["birth_date"] = f"{truth['birth_date']:%Y-%m-%d}"
    for moment in ("admission", "discharge"):
        _write_moment(stay, layout, moment)
    cells["pathology_name"] = "虚构病理" if truth["pathology"] else ""
    cells["external_name"] = "虚构外因" if truth["external_cause"] else ""
    for place in range(len(truth["dx"])):
        write_slot(stay, "dx", place, place)
    for place in range(len(truth["proc"])):
        write_slot(stay, "proc", place, place)
    if truth["icu_hours"]:
        _write_icu(stay)
    cells["total_days"] = str((truth["admission_time"].date() - truth["birth_date"]).days)
    cells["dx.list"], cells["proc.list"] = "|".join(truth["dx"]), "|".join(truth["proc"])
    if layout.dialect == "hn041":
        _split_pairs(stay)


def write_slot(stay: Stay, kind: str, slot: int, at: int) -> None:
    """Write code number `at` of a list of the truth into a slot, with all that stands beside it."""
    cells, truth = stay.cells, stay.truth
    code = truth[kind][at]
    cells[f"{kind}.code.{slot}"] = code
    cells[f"{kind}.name.{slot}"] = invented_title(code) if code else ""
    if kind == "dx":
        cells[f"dx.cond.{slot}"] = truth["dx_condition"][at] or ""
    else:
        cells[f"proc.date.{slot}"] = moment_text(truth["proc_date"][at])
        cells[f"proc.level.{slot}"] = truth["proc_level"][at] or ""


def clear_slot(stay: Stay, kind: str, slot: int) -> None:
    """Empty a slot and all that stands beside it."""
    for part in ("code", "name", "cond", "date", "level", "added"):
        stay.cells.pop(f"{kind}.{part}.{slot}", None)


def moment_text(moment: Any) -> str:
    """A time as the interfaces want it, YYYY-MM-DD HH:MM:SS; nothing for None."""
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S}"


def yuan(amount: float | None) -> str:
    """An amount with two digits; zero as 0."""
    return "" if amount is None else f"{amount:.2f}" if amount else "0"


def _write_moment(stay: Stay, layout: Layout, moment: str) -> None:
    when = stay.truth[f"{moment}_time"]
    if layout.dates == "date and hour":
        stay.cells[f"{moment}_time"] = f"{when:%Y-%m-%d}"
        stay.cells[f"{moment}_hour"] = str(when.hour)
    else:
        stay.cells[f"{moment}_time"] = moment_text(when)


def _write_icu(stay: Stay) -> None:
    start = stay.truth["admission_time"]
    stay.cells["icu.kind.1"] = "9"
    stay.cells["icu.in.1"] = moment_text(start)
    stay.cells["icu.out.1"] = moment_text(start + datetime.timedelta(hours=stay.truth["icu_hours"]))


def _split_pairs(stay: Stay) -> None:
    for slot, code in enumerate(stay.truth["dx"]):
        dagger, plus, asterisk = code.partition("+")
        if plus:
            stay.cells[f"dx.code.{slot}"], stay.cells[f"dx.added.{slot}"] = dagger, asterisk
            stay.planted.append((f"dx.code.{slot}", "code_dagger_joined", dagger, code))
