"""Writing the small tables of the invented region: CSV with Chinese headers and a byte order mark."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from drgengine.synth.regionhospitals import Region
from drgengine.synth.regioninputs import Values
from drgengine.synth.settings import data

if TYPE_CHECKING:
    from drgengine.evaluation.indicators import Input

_HOSPITALS = {
    "id": "机构代码",
    "name": "机构名称",
    "name_en": "英文名称",
    "level": "级别",
    "type": "类别",
    "peer_group": "比较组",
    "peer_group_en": "比较组英文",
}
_EVIDENCE = ("机构", "指标", "数值", "来源", "日期")
_ANCHORS = ("指标", "不允许值", "满意值", "来源", "比较组")


def write_hospitals(path: Path, region: Region) -> None:
    """The table of hospitals."""
    _write(path, list(_HOSPITALS.values()), [[str(entry[key]) for key in _HOSPITALS] for entry in region.entries])


def write_inputs(path: Path, region: Region, values: Values, known: Mapping[str, Input]) -> None:
    """Hospitals x inputs under the Chinese names of the catalogue, the name itself where it has none."""
    headers = [_HOSPITALS["id"], *(known[name].zh or name for name in values)]
    rows = [[unit, *(_cell(column[place]) for column in values.values())] for place, unit in enumerate(region.ids)]
    _write(path, headers, rows)


def write_region(path: Path, values: Values) -> None:
    """Inputs of the region: name and value."""
    _write(path, ("name", "value"), [[name, _cell(column[0])] for name, column in values.items()])


def write_evidence(path: Path, rows: Iterable[Sequence[str]]) -> None:
    """Values with source and date."""
    _write(path, _EVIDENCE, rows)


def write_anchors(path: Path) -> None:
    """Bad and good value per indicator and peer group, blank for all groups."""
    facts = data("region")["anchors"]
    rows = [
        [indicator, f"{bad:g}", f"{good:g}", facts["source"], "" if group == "all" else group]
        for group, pairs in facts.items()
        if isinstance(pairs, dict)
        for indicator, (bad, good) in pairs.items()
    ]
    _write(path, _ANCHORS, rows)


def _cell(value: float) -> str:
    """Whole numbers without a point; blank where there is none."""
    if math.isnan(value):
        return ""
    return str(int(value)) if float(value).is_integer() else f"{value:.2f}".rstrip("0")


def _write(path: Path, headers: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(headers)
        writer.writerows(rows)
