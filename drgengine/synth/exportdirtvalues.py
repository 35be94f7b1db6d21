"""Dirt in texts, weights, value domains, charges and whole records."""

from __future__ import annotations

import datetime

from drgengine.synth.exportcells import is_charge, moment_text, yuan
from drgengine.synth.exportsoil import Planter, Soil
from drgengine.synth.exportstay import Stay, charge_names, needs_pathology

_FILLERS = ("-", "--", "—", "/", "\\", "null", "NULL", "无")
_BLANKS = (" {} ", "{}\u00a0", "\t{}", "{}\r\n", "\u3000{}")
_SCALARS = ("sex", "admission_route", "discharge_disposition", "department_id", "record_no", "los_days", "total_charge")
_SHEET_TAILS = ("sex", "discharge_disposition", "admission_route", "record_no", "visit_no", "age_years", "los_days")
_CODED = ("sex", "discharge_disposition", "admission_route", "planned_readmission")
_NULLABLE = ("payment", "department_id", "admission_department_id", "planned_readmission", "admission_route")
_WEIGHTS = ("birth_weight_g", "admission_weight_g")
_WORDS: dict[str, dict[str, tuple[str, ...]]] = {
    "sex": {"1": ("男", "M"), "2": ("女", "F")},
    "discharge_disposition": {"1": ("医嘱离院",), "2": ("医嘱转院",), "4": ("非医嘱离院",), "5": ("死亡",)},
    "admission_route": {"1": ("急诊",), "2": ("门诊",)},
}
_NO_CODE = {"payment": "42", "admission_route": "7", "planned_readmission": "5"}


def _there(soil: Soil, stay: Stay, keys: tuple[str, ...]) -> str:
    return soil.pick([key for key in keys if soil.has(key) and stay.cells[key]])


# ---------------------------------------------------------------- texts
def filler(soil: Soil, stay: Stay) -> bool:
    """A filler for a value that is not there, or is not told."""
    zero = [name for name in charge_names(stay.truth) if stay.truth[name] == 0]
    empty = [key for key in (*_WEIGHTS, "age_days") if soil.has(key) and not stay.cells[key]]
    key = soil.pick([key for key in (*_NULLABLE, *zero, *empty) if soil.has(key)])
    stay.truth[key] = None
    return soil.fill(stay, key, soil.pick(_FILLERS))


def text_blanks(soil: Soil, stay: Stay) -> bool:
    key = _there(soil, stay, (*_SCALARS, "admission_time", "birth_date"))
    value = stay.cells[key]
    return soil.put(stay, key, soil.pick(_BLANKS).format(value), "text_blanks", value)


def text_full_width(soil: Soil, stay: Stay) -> bool:
    key = _there(soil, stay, _SCALARS)
    value = stay.cells[key]
    wide = "".join(chr(ord(sign) + 0xFEE0) for sign in value)
    return soil.put(stay, key, wide, "text_full_width", value)


def number_tail(soil: Soil, stay: Stay) -> bool:
    key = _there(soil, stay, _SHEET_TAILS)
    value = stay.cells[key]
    return soil.put(stay, key, value + soil.pick((".0", ".00")), "number_tail", value)


def scientific(soil: Soil, stay: Stay) -> bool:
    stay.truth["hospital_id"] = None
    return soil.put(stay, "hospital_id", "1.23E+17", "number_in_scientific_form")


def scientific_record(soil: Soil, stay: Stay) -> bool:
    """The record number is lost, so it is missing."""
    _without_record(stay)
    soil.put(stay, "record_no", "", "record_number_missing")
    return soil.put(stay, "record_no", "4.51E+11", "number_in_scientific_form")


# ---------------------------------------------------------------- weights
def _weight(rule: str, forms: tuple[str, ...], *, lost: bool = False) -> Planter:
    def plant(soil: Soil, stay: Stay) -> bool:
        key = _there_or_not(soil)
        grams = int(stay.truth[key] or 10 * soil.rng.integers(150, 480))
        raw = soil.pick(forms).format(g=grams, k=f"{grams / 1000:g}", o=grams + 300)
        stay.truth[key] = None if lost else grams
        return soil.put(stay, key, raw, rule, stay.truth[key])

    return plant


def _there_or_not(soil: Soil) -> str:
    return soil.pick([key for key in _WEIGHTS if soil.has(key)])


# ---------------------------------------------------------------- value domains
def domain_word(soil: Soil, stay: Stay) -> bool:
    key = soil.pick([key for key in _WORDS if soil.has(key)])
    value = stay.cells[key]
    return value in _WORDS[key] and soil.put(stay, key, soil.pick(_WORDS[key][value]), "domain_word", value)


def leading_zero(soil: Soil, stay: Stay) -> bool:
    key = _there(soil, stay, _CODED)
    value = stay.cells[key]
    return soil.put(stay, key, "0" + value, "domain_leading_zero", value)


def sex_unreadable(soil: Soil, stay: Stay) -> bool:
    stay.truth["sex"] = 0
    return soil.put(stay, "sex", soil.pick(("X", "3", "?")), "sex_unreadable")


def disposition_unknown(soil: Soil, stay: Stay) -> bool:
    stay.truth["discharge_disposition"] = None
    return soil.put(stay, "discharge_disposition", soil.pick(("7", "x", "88")), "disposition_unknown")


def domain_unknown(soil: Soil, stay: Stay) -> bool:
    key = soil.pick([key for key in _NO_CODE if soil.has(key)])
    stay.truth[key] = None
    return soil.put(stay, key, _NO_CODE[key], "domain_unknown")


def zeros_lost(soil: Soil, stay: Stay) -> bool:
    key = _there(soil, stay, ("department_id", "admission_department_id"))
    value = stay.cells[key]
    raw = ".".join(part.lstrip("0") for part in value.split("."))
    return raw != value and soil.put(stay, key, raw, "department_zeros_lost", value)


# ---------------------------------------------------------------- charges
def separators(soil: Soil, stay: Stay) -> bool:
    key, value = "total_charge", stay.truth["total_charge"]
    return value >= 1000 and soil.put(stay, key, f"{value:,.2f}", "charge_separators", yuan(value))


def currency(soil: Soil, stay: Stay) -> bool:
    key = _there(soil, stay, ("total_charge", "charge_western_drug", "charge_laboratory", "self_paid"))
    form = soil.pick(("¥{}", "￥{}", "{}元", "¥{:,.2f}"))
    raw = form.format(stay.truth[key]) if "," in form else form.format(stay.cells[key])
    return soil.put(stay, key, raw, "charge_currency", stay.cells[key] if raw != stay.cells[key] else None)


def negative(soil: Soil, stay: Stay) -> bool:
    """A refund larger than the charge; the total goes with it, so that the sums agree."""
    parts = [name for name in charge_names(stay.truth) if 0 < stay.truth[name] < 0.3 * stay.truth["total_charge"]]
    plain = [name for name in parts if "treatment" not in name and "drug" not in name]
    if not plain:
        return False
    key = soil.pick(plain)
    amount = stay.truth[key]
    stay.truth[key], stay.truth["total_charge"] = -amount, round(stay.truth["total_charge"] - 2 * amount, 2)
    stay.cells["total_charge"] = yuan(stay.truth["total_charge"])
    return soil.put(stay, key, yuan(-amount), "charge_negative")


def unreadable(soil: Soil, stay: Stay) -> bool:
    zero = [name for name in charge_names(stay.truth) if stay.truth[name] == 0]
    if not zero:
        return False
    key = soil.pick(zero)
    stay.truth[key] = None
    return soil.put(stay, key, soil.pick(("待结算", "abc", "12a")), "number_unreadable")


def sum_differs(soil: Soil, stay: Stay) -> bool:
    total = round(stay.truth["total_charge"] + 100, 2)
    stay.truth["total_charge"] = total
    return soil.put(stay, "total_charge", yuan(total), "charge_sum_differs")


def part_above(soil: Soil, stay: Stay) -> bool:
    key, parent = "of_which_antibacterial", "charge_western_drug"
    stay.truth[key] = round(stay.truth[parent] + 10, 2)
    return soil.has(key) and soil.put(stay, key, yuan(stay.truth[key]), "charge_part_above_whole")


# ---------------------------------------------------------------- stays and records
def stay_negative(soil: Soil, stay: Stay) -> bool:
    stay.truth["los_days"] = None
    stay.unsure.add("los_days")  # may be worked out from the dates
    return soil.put(stay, "los_days", "-3", "stay_negative")


def hours_negative(soil: Soil, stay: Stay) -> bool:
    stay.truth["ventilator_hours"] = None
    return soil.has("ventilator_hours") and soil.put(stay, "ventilator_hours", "-5", "hours_negative")


def record_missing(soil: Soil, stay: Stay) -> bool:
    _without_record(stay)
    return soil.put(stay, "record_no", "", "record_number_missing")


def _without_record(stay: Stay) -> None:
    stay.truth["record_no"] = stay.truth["case_id"] = None
    stay.unsure.add("case_id")


# ---------------------------------------------------------------- values that do not fit one another
def stay_against_dates(soil: Soil, stay: Stay) -> bool:
    stay.truth["los_days"] += 5
    return soil.put(stay, "los_days", str(stay.truth["los_days"]), "stay_against_dates")


def procedure_outside(soil: Soil, stay: Stay) -> bool:
    if not stay.truth["proc"]:
        return False
    when = stay.truth["discharge_time"] + datetime.timedelta(days=3)
    stay.truth["proc_date"][0] = when
    return soil.put(stay, "proc.date.0", moment_text(when), "procedure_outside_stay")


def pathology_missing(soil: Soil, stay: Stay) -> bool:
    if not soil.has("pathology") or not needs_pathology(stay.truth["dx"][0]):
        return False
    stay.truth["pathology"] = None
    stay.cells["pathology_name"] = ""
    return soil.put(stay, "pathology", "", "pathology_missing")


def cause_missing(soil: Soil, stay: Stay) -> bool:
    if not soil.has("external_cause") or stay.truth["dx"][0][0] not in "ST":
        return False
    stay.truth["external_cause"] = None
    stay.cells["external_name"] = ""
    return soil.put(stay, "external_cause", "", "external_cause_missing")


def plain_charge(soil: Soil, stay: Stay) -> bool:
    """A charge in another form that is read without a word."""
    key = soil.pick([key for key in stay.cells if is_charge(key) and stay.truth[key] == 0 and soil.has(key)])
    stay.cells[key] = soil.pick(("0.0", "0.00", ""))
    if not stay.cells[key]:
        stay.truth[key] = None
    return True


PLANTERS: dict[str, Planter] = {
    "filler": filler,
    "text_blanks": text_blanks,
    "text_full_width": text_full_width,
    "number_tail": number_tail,
    "number_in_scientific_form": scientific,
    "record_in_scientific_form": scientific_record,
    "weight_in_kg": _weight("weight_in_kg", ("{k}",)),
    "weight_with_unit": _weight("weight_with_unit", ("{g}g", "{g}克", "{k}kg")),
    "weight_missing_mark": _weight("weight_missing_mark", ("0", "1"), lost=True),
    "weight_out_of_range": _weight("weight_out_of_range", ("50", "12000", "99"), lost=True),
    "weight_several": _weight("weight_several", ("{g}/{o}", "{g},{o}", "{g};{o}", "{g}、{o}")),
    "domain_word": domain_word,
    "domain_leading_zero": leading_zero,
    "domain_unknown": domain_unknown,
    "sex_unreadable": sex_unreadable,
    "disposition_unknown": disposition_unknown,
    "department_zeros_lost": zeros_lost,
    "charge_separators": separators,
    "charge_currency": currency,
    "charge_negative": negative,
    "charge_unreadable": unreadable,
    "charge_sum_differs": sum_differs,
    "charge_part_above_whole": part_above,
    "charge_plain": plain_charge,
    "stay_negative": stay_negative,
    "hours_negative": hours_negative,
    "record_number_missing": record_missing,
    "stay_against_dates": stay_against_dates,
    "procedure_outside_stay": procedure_outside,
    "pathology_missing": pathology_missing,
    "external_cause_missing": cause_missing,
}
