"""Planting dirt in the stays of an export (问题数据), each stay at most one kind."""

from __future__ import annotations

import copy
import datetime
from collections.abc import Mapping

import numpy as np

from drgengine.errors import DrgEngineError
from drgengine.synth import exportdirtcodes, exportdirtdates, exportdirtvalues
from drgengine.synth.exportcells import fill_cells
from drgengine.synth.exportsoil import Planter, Soil
from drgengine.synth.exportstay import Stay
from drgengine.synth.settings import data

_ON_ROWS = ("row_ragged", "record_superseded")
_PLANTERS: dict[str, Planter] = exportdirtcodes.PLANTERS | exportdirtdates.PLANTERS | exportdirtvalues.PLANTERS
# Kinds a dialect has no columns for.
_NOT_IN = {
    "hqms": {"age_days_in_months", "hour_unreadable", "hour_with_unit"},
    "n041": {"hours_negative"},
    "n042": {"hours_negative"},
    "hn041": {"hours_negative", "age_days_in_months", "code_dagger", "code_dagger_apart"},
    "hqms_p": {"age_days_in_months", "hour_unreadable", "hour_with_unit", "hours_negative"},
}


def dirt_kinds(dialect: str, *, text_file: bool = True, dagger_signs: bool = True) -> tuple[str, ...]:
    """Kinds of dirt planted by default in a dialect, in the order of data/export_dirt.toml.

    text_file : whether rows may be ragged, which only delimited text can be; dagger_signs : whether the file can hold †
    """
    unfit = _NOT_IN.get(dialect)
    if unfit is None:
        return ()
    unfit = unfit if dagger_signs else unfit | {"code_dagger"}
    return tuple(
        kind
        for kind, entry in data("export_dirt")["kind"].items()
        if kind not in unfit and entry.get("default", True) and (text_file or kind != "row_ragged")
    )


def dirt_counts(
    dirt: Mapping[str, int] | float | None,
    rows: int,
    dialect: str,
    text_file: bool,
    rng: np.random.Generator,
    *,
    dagger_signs: bool = True,
) -> dict[str, int]:
    """Kind -> number of records to soil; a share is spread evenly over all kinds of the dialect, the rest is drawn.

    Raises DrgEngineError for a kind the dialect cannot have and a share outside 0 to 0.5.
    """
    if not dirt:
        return {}
    kinds = dirt_kinds(dialect, text_file=text_file, dagger_signs=dagger_signs)
    if not kinds:
        raise DrgEngineError("argument dirt", f"a {dialect} export is written clean", "Leave the dirt away")
    if not isinstance(dirt, Mapping):
        if not 0 <= dirt <= 0.5:
            raise DrgEngineError("argument dirt", f"{dirt} is no share", "Give 0 to 0.5, or a number for each kind")
        each, more = divmod(round(rows * dirt), len(kinds))
        favoured = set(rng.permutation(len(kinds))[:more].tolist())
        return {kind: each + (place in favoured) for place, kind in enumerate(kinds)}
    known = data("export_dirt")["kind"]
    for kind, count in dirt.items():
        if kind not in known or kind in _NOT_IN[dialect] or (kind == "row_ragged" and not text_file) or count < 0:
            problem = f"{count} times {kind!r} cannot be planted in this {dialect} export"
            raise DrgEngineError("argument dirt", problem, f"Use numbers of: {', '.join(kinds)}")
    return {kind: dirt[kind] for kind in known if dirt.get(kind)}


def plant(stays: list[Stay], counts: Mapping[str, int], soil: Soil, *, exactly: bool) -> list[Stay]:
    """Soil `counts[kind]` of the stays, and return all of them with the records that came twice.

    exactly : DrgEngineError when too few stays can be soiled in the way asked for; otherwise as many as can be
    """
    for kind, count in counts.items():
        if kind not in _ON_ROWS and _plant_kind(stays, kind, count, soil) < count and exactly:
            raise _too_few(kind, count)
    clean = [at for at in soil.rng.permutation(len(stays)).tolist() if not stays[at].soiled]
    ragged, twice = counts.get("row_ragged", 0), counts.get("record_superseded", 0)
    if len(clean) < ragged + twice and exactly:
        raise _too_few("row_ragged or record_superseded", ragged + twice)
    for at in clean[:ragged]:
        stays[at].ragged = stays[at].soiled = True
        _make_empty(stays[at])
    again = {at: _twin(stays[at], soil) for at in clean[ragged : ragged + twice]}
    return _in_order(stays, again)


def _plant_kind(stays: list[Stay], kind: str, count: int, soil: Soil) -> int:
    planted = 0
    for at in soil.rng.permutation(len(stays)).tolist():
        if planted == count:
            break
        if stays[at].soiled:
            continue
        tried = copy.deepcopy(stays[at])
        if _PLANTERS[kind](soil, tried):
            tried.soiled = True
            stays[at] = tried
            planted += 1
    return planted


def _too_few(kind: str, count: int) -> DrgEngineError:
    return DrgEngineError("argument dirt", f"too few records to plant {count} times {kind}", "Give more rows")


def _make_empty(stay: Stay) -> None:
    for name, value in stay.truth.items():
        stay.truth[name] = [] if isinstance(value, list) else None
    stay.unsure.add("case_id")
    missing = (("", "row_ragged"), ("dx.code.0", "principal_missing"), ("record_no", "record_number_missing"))
    stay.planted = [(key, rule, "", None) for key, rule in missing]


def _twin(stay: Stay, soil: Soil) -> Stay:
    """The record that counts beside `stay`, which it supersedes or stands before in the file."""
    twin = copy.deepcopy(stay)
    stay.soiled = twin.soiled = True
    stay.counts, stay.twin = False, twin
    if soil.rng.random() < 0.5:
        twin.truth["discharge_time"] += datetime.timedelta(hours=1)
        twin.planted.clear()
        fill_cells(twin, soil.layout)
    stay.planted.append(("record_no", "record_superseded", stay.cells["record_no"], None))
    return twin


def _in_order(stays: list[Stay], again: dict[int, Stay]) -> list[Stay]:
    """Twins that end later stand before the record they supersede, the others further down."""
    result: list[Stay] = []
    late: list[Stay] = []
    for at, stay in enumerate(stays):
        twin = again.get(at)
        if twin is not None and twin.truth["discharge_time"] > stay.truth["discharge_time"]:
            result.append(twin)
        elif twin is not None:
            late.append(twin)
        result.append(stay)
    return result + late
