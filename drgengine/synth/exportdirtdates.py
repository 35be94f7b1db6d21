"""Dirt in dates and ages."""

from __future__ import annotations

import datetime

from drgengine.synth.exportcells import moment_text
from drgengine.synth.exportsoil import Planter, Soil
from drgengine.synth.exportstay import Stay

_DAY_ZERO = datetime.datetime(1899, 12, 30)
_UNREADABLE = ("不详", "2019-13-45", "0000-00-00", "1800-01-01", "99999999")
_TIMED = ("{y}/{m}/{d} {h}:00:00", "{y}{m:02d}{d:02d}{h:02d}0000", "{y}-{m}-{d} {h:02d}:00:00")
_DAILY = ("{y}/{m}/{d}", "{y}年{m}月{d}日", "{y}{m:02d}{d:02d}", "{y}-{m}-{d}", "{d}/{m}/{y}", "{m}/{d}/{y}")


def _moment(soil: Soil, stay: Stay, keys: tuple[str, ...]) -> tuple[str, datetime.datetime, bool]:
    """A column with a date, the time in it, and whether the time of day stands in the same cell."""
    key = soil.pick([key for key in keys if soil.has(key) and (key != "proc.date.0" or stay.truth["proc"])])
    if key == "birth_date":
        return key, datetime.datetime.combine(stay.truth["birth_date"], datetime.time()), False
    when = stay.truth["proc_date"][0] if key == "proc.date.0" else stay.truth[key]
    return key, when, key == "proc.date.0" or soil.layout.dates == "time"


def _read_as(when: datetime.datetime, timed: bool) -> str:
    return moment_text(when) if timed else f"{when:%Y-%m-%d}"


_KEYS = ("admission_time", "discharge_time", "birth_date", "proc.date.0")


def serial(soil: Soil, stay: Stay) -> bool:
    key, when, timed = _moment(soil, stay, _KEYS)
    days = (when - _DAY_ZERO) / datetime.timedelta(days=1) if timed else (when - _DAY_ZERO).days
    return 20000 <= days <= 60000 and soil.put(stay, key, str(days), "date_serial", _read_as(when, timed))


def rewritten(soil: Soil, stay: Stay) -> bool:
    key, when, timed = _moment(soil, stay, _KEYS)
    form = soil.pick(_TIMED if timed else _DAILY)
    no_zeros, day_first = form.startswith("{y}-"), form.endswith("/{y}")
    if (no_zeros and when.month > 9 and when.day > 9) or (day_first and when.day <= 12):
        return False
    raw = form.format(y=when.year, m=when.month, d=when.day, h=when.hour)
    return soil.put(stay, key, raw, "date_rewritten", _read_as(when, timed))


def ambiguous(soil: Soil, stay: Stay) -> bool:
    key, when, timed = _moment(soil, stay, _KEYS)
    raw = f"{when.month}/{when.day}/{when.year}" + (f" {when.hour}:00:00" if timed else "")
    return (
        when.day <= 12 and when.day != when.month and soil.put(stay, key, raw, "date_ambiguous", _read_as(when, timed))
    )


def unreadable(soil: Soil, stay: Stay) -> bool:
    if stay.truth["age_years"] < 1:
        return False
    key, _, _ = _moment(soil, stay, _KEYS)
    if key == "proc.date.0":
        stay.truth["proc_date"][0] = None
    elif key != "birth_date":
        stay.truth[key] = stay.truth[key.replace("_time", "_date")] = None
    return soil.put(stay, key, soil.pick(_UNREADABLE), "date_unreadable")


def hour_unreadable(soil: Soil, stay: Stay) -> bool:
    key = soil.pick(("admission_hour", "discharge_hour"))
    if not soil.has(key) or stay.truth["proc"]:
        return False
    moment = key.replace("hour", "time")
    stay.truth[moment] = stay.truth[moment].replace(hour=0)
    return soil.put(stay, key, soil.pick(("上午", "25", "x")), "number_unreadable")


def hour_with_unit(soil: Soil, stay: Stay) -> bool:
    """An hour in another form that is read without a word."""
    key = soil.pick(("admission_hour", "discharge_hour"))
    if not soil.has(key):
        return False
    hour = stay.truth[key.replace("hour", "time")].hour
    stay.cells[key] = soil.pick((f"{hour}时", f"{hour:02d}:00", f"{hour:02d}"))
    return True


def born_after(soil: Soil, stay: Stay) -> bool:
    if stay.truth["age_years"] < 1:
        return False
    born = stay.truth["admission_time"] + datetime.timedelta(days=10)
    return soil.put(stay, "birth_date", f"{born:%Y-%m-%d}", "birth_after_admission")


def reversed_dates(soil: Soil, stay: Stay) -> bool:
    if stay.truth["proc"] or stay.truth["age_years"] < 1:
        return False
    when = stay.truth["admission_time"] - datetime.timedelta(days=3)
    timed = soil.layout.dates == "time"
    stay.truth["discharge_time"], stay.truth["discharge_date"] = when, when.date()
    stay.cells["discharge_hour"] = str(when.hour)
    stay.unsure.add("los_days")
    return soil.put(
        stay, "discharge_time", moment_text(when) if timed else f"{when:%Y-%m-%d}", "discharge_before_admission"
    )


# ---------------------------------------------------------------- ages, where birth and admission are known
def _is_infant(stay: Stay) -> bool:
    return stay.truth["age_days"] is not None


def _age(rule: str, *, adult: tuple[str, ...] = (), infant: tuple[str, ...] = ()) -> Planter:
    def plant(soil: Soil, stay: Stay) -> bool:
        years, days = stay.truth["age_years"], stay.truth["age_days"]
        forms = infant if _is_infant(stay) else adult
        if not forms:
            return False
        raw = soil.pick(forms).format(y=years, d=days, m=(days or 0) // 30, n=years + 3)
        return soil.put(stay, "age_years", raw, rule, years)

    return plant


def age_filler(soil: Soil, stay: Stay) -> bool:
    soil.fill(stay, "age_years", "-")
    return soil.put(stay, "age_years", "-", "age_computed", stay.truth["age_years"])


def age_days_differ(soil: Soil, stay: Stay) -> bool:
    """Another number of days than birth and admission give."""
    if not _is_infant(stay) or not 20 <= stay.truth["age_days"] <= 300:
        return False
    raw = str(stay.truth["age_days"] + 7)
    return soil.put(stay, "age_days", raw, "age_differs", stay.truth["age_days"])


def age_days_in_months(soil: Soil, stay: Stay) -> bool:
    if not _is_infant(stay) or soil.layout.dialect not in ("n041", "n042") or stay.truth["age_days"] < 30:
        return False
    raw = f"{stay.truth['age_days'] // 30}.5"
    return soil.put(stay, "age_days", raw, "age_days_in_months", stay.truth["age_days"])


# ---------------------------------------------------------------- ages, where the birth is not known
def _alone(rule: str, raws: tuple[str, ...]) -> Planter:
    """Only the text of the age says how old an infant is."""

    def plant(soil: Soil, stay: Stay) -> bool:
        if not _is_infant(stay):
            return False
        raw = soil.pick(raws)
        day = stay.truth["admission_time"].date()
        stay.cells["birth_date"] = stay.cells["age_days"] = ""
        stay.truth["age_years"], stay.truth["age_days"] = 0, _days_of(raw, day)
        return soil.put(stay, "age_years", raw, rule, 0)

    return plant


def _days_of(raw: str, day: datetime.date) -> int:
    known = {"0.5": 182, "15/30": 15, "12天": 12, "3小时": 0}
    if raw in known:
        return known[raw]
    months, days = {"1/12": (1, 0), "3月": (3, 0), "5个月": (5, 0), "8 15/30": (8, 15)}[raw]
    return (day - _months_back(day, months)).days + days


def _months_back(day: datetime.date, months: int) -> datetime.date:
    month = day.year * 12 + day.month - 1 - months
    last = (datetime.date((month + 1) // 12, (month + 1) % 12 + 1, 1) - datetime.timedelta(days=1)).day
    return datetime.date(month // 12, month % 12 + 1, min(day.day, last))


PLANTERS: dict[str, Planter] = {
    "date_serial": serial,
    "date_rewritten": rewritten,
    "date_ambiguous": ambiguous,
    "date_unreadable": unreadable,
    "hour_unreadable": hour_unreadable,
    "hour_with_unit": hour_with_unit,
    "birth_after_admission": born_after,
    "discharge_before_admission": reversed_dates,
    "age_with_unit": _age("age_with_unit", adult=("{y}岁", "{y}Y", "Y{y}")),
    "age_infant_with_unit": _age("age_with_unit", infant=("{m}月", "{d}天", "{m}个月")),
    "age_unit_alone": _alone("age_with_unit", ("3月", "12天", "3小时", "5个月")),
    "age_as_fraction": _age("age_as_fraction", infant=("0.5", "1/12", "15/30", "8 15/30")),
    "age_fraction_alone": _alone("age_as_fraction", ("0.5", "1/12", "15/30", "8 15/30")),
    "age_negative": _age("age_negative", adult=("-1", "-40")),
    "age_over_130": _age("age_over_130", adult=("999", "188")),
    "age_computed": _age("age_computed", adult=("",), infant=("",)),
    "age_filler": age_filler,
    "age_differs": _age("age_differs", adult=("{n}",), infant=("1",)),
    "age_days_differ": age_days_differ,
    "age_days_in_months": age_days_in_months,
}
