"""The charges of a settlement list: 14 classes, netted per settlement, as parts of the front page."""

from __future__ import annotations

from dataclasses import dataclass

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


def read_charges(
    table: InputTable, parent: np.ndarray, count: int, evidence: Evidence, *, line_by_line: bool
) -> Charges:
    """The charges of `count` settlements by part (收费项目类别 -> 首页费用分类), see data/profiles/settlement.toml.

    line_by_line : rows of a fee list, where a refund (退费) is a negative row and is netted; a class that stays below
        zero is reported. Otherwise rows are classes, and a negative amount is reported as it stands.
    """
    profile = settlement_profile()
    parts = [entry["part"] for entry in profile["charge_class"]] + [profile["unknown_class"]["part"]]
    names = list(dict.fromkeys(parts))
    place = np.array([names.index(part) for part in parts])
    domain = {word: at for at, entry in enumerate(profile["charge_class"]) for word in _words(entry)}
    kind = read_words(table.column("class"), table.shown("class"), domain, len(parts) - 1, len(parts) - 1)
    amount = clean_charges(table.column("amount"), table.shown("amount"), 1)
    below = [i for i in amount.issues if not (line_by_line and i.rule == "charge_negative")]
    valid = np.asarray(pc.is_valid(amount.values))
    use = valid & (parent >= 0)
    yuan = np.asarray(pc.fill_null(amount.values, 0.0))[use]
    cell = parent[use] * len(names) + place[kind.codes[use]]
    size = count * len(names)
    sums = np.round(np.bincount(cell, yuan, size), 2).reshape(count, len(names))
    there = (np.bincount(cell, minlength=size) > 0).reshape(count, len(names))
    evidence.count(amount, table.shown("amount"))
    evidence.issues += at_settlements([*kind.issues, *below], parent, table.file)
    if line_by_line:
        evidence.issues += _below_zero(sums, names, table.shown("amount"))
    total = pa.array(np.round(sums.sum(axis=1), 2), mask=~there.any(axis=1))
    found = {name: pa.array(sums[:, at], mask=~there[:, at]) for at, name in enumerate(names)}
    refunds = int(np.count_nonzero(yuan < 0)) if line_by_line else 0
    return Charges(found, total, refunds)


def _words(entry: dict[str, object]) -> list[str]:
    code = str(entry["code"])
    words = entry["words"]
    assert isinstance(words, list)
    return [code, code.lstrip("0"), *words]


def _below_zero(sums: np.ndarray, names: list[str], column: str) -> list[BatchIssue]:
    rows, places = np.nonzero(sums < 0)
    if not rows.size:
        return []
    values = [f"{sums[row, place]:.2f}" for row, place in zip(rows, places, strict=True)]
    return [BatchIssue(column, "charge_negative", rows + 1, values, None, [names[place] for place in places])]
