"""The charges of a settlement list: 14 classes, netted per settlement, as parts of the front page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from drgengine.cases.issues import BatchIssue
from drgengine.formats.cleaning import clean_charges
from drgengine.formats.settlement.evidence import Evidence, at_settlements
from drgengine.formats.settlement.profile import settlement_profile
from drgengine.formats.settlement.tables import InputTable
from drgengine.formats.settlement.words import read_words


@dataclass(frozen=True, slots=True, eq=False)
class Charges:
    """parts : charge column -> float64 yuan, null where the settlement has no row of the part

    total : the sum of all rows of a settlement, null where it has none; refunds : negative rows that were netted
    """

    parts: dict[str, pa.Array]
    total: pa.Array
    refunds: int


def read_charges(table: InputTable, parent: np.ndarray, count: int, evidence: Evidence) -> Charges:
    """The charges of `count` settlements by part (收费项目类别 -> 首页费用分类), see data/profiles/settlement.toml.

    table : the classes of the bill, or its lines. A refund (退费) is a negative row and is netted; only a class that
        stays below zero is reported, with its sum.
    """
    profile = settlement_profile()
    classes = [*profile["charge_class"], profile["unknown_class"]]
    unknown = len(classes) - 1
    domain = {word: at for at, entry in enumerate(profile["charge_class"]) for word in _words(entry)}
    kind = read_words(table.column("class"), table.shown("class"), domain, unknown, unknown)
    amount = clean_charges(table.column("amount"), table.shown("amount"), 1)
    single = [issue for issue in amount.issues if issue.rule != "charge_negative"]
    use = np.asarray(pc.is_valid(amount.values)) & (parent >= 0)
    yuan = np.asarray(pc.fill_null(amount.values, 0.0))[use]
    cell, size = parent[use] * len(classes) + kind.codes[use], count * len(classes)
    sums = np.bincount(cell, yuan, size).reshape(count, len(classes))
    rows = np.bincount(cell, minlength=size).reshape(count, len(classes))
    evidence.count(amount, table.shown("amount"))
    evidence.issues += at_settlements([*kind.issues, *single], parent, table.file)
    evidence.issues += _below_zero(np.round(sums, 2), [_title(entry) for entry in classes], table.shown("amount"))
    parts = {}
    for part in dict.fromkeys(entry["part"] for entry in classes):
        at = [number for number, entry in enumerate(classes) if entry["part"] == part]
        parts[part] = pa.array(np.round(sums[:, at].sum(axis=1), 2), mask=~rows[:, at].any(axis=1))
    total = pa.array(np.round(sums.sum(axis=1), 2), mask=~rows.any(axis=1))
    return Charges(parts, total, int(np.count_nonzero(yuan < 0)))


def _title(entry: dict[str, Any]) -> str:
    """How a class is named in issues, e.g. "09 西药费"."""
    return f"{entry['code']} {entry['words'][0]}" if "code" in entry else str(entry["part"])


def _words(entry: dict[str, Any]) -> list[str]:
    code = str(entry["code"])
    return [code, code.lstrip("0"), *entry["words"]]


def _below_zero(sums: np.ndarray, names: list[str], column: str) -> list[BatchIssue]:
    rows, places = np.nonzero(sums < 0)
    if not rows.size:
        return []
    values = [f"{sums[row, place]:.2f}" for row, place in zip(rows, places, strict=True)]
    return [BatchIssue(column, "charge_negative", rows + 1, values, None, [names[place] for place in places])]
