"""Structured weights (结构化权重): every part of the charges weighs the same, so that prices of drugs do not decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from drgengine.cases.vocabulary import column_data, role_of
from drgengine.errors import EvaluationError
from drgengine.evaluation.mix.casecolumns import CHARGE, COST, CaseColumns, OpenCases, find_columns, open_cases
from drgengine.evaluation.mix.collect import Collector, read_amount
from drgengine.evaluation.mix.groupweights import GroupWeights
from drgengine.evaluation.mix.measures import Floats
from drgengine.evaluation.mix.unitstatistics import UnitStatistics
from drgengine.tomltable import read_toml

PARTS_FILE = Path(__file__).parents[2] / "data" / "evaluation" / "structured_weights.toml"


@dataclass(frozen=True, slots=True, eq=False)
class StructuredWeights(GroupWeights):
    """GroupWeights with what they are made of.

    parts : index DRG; cases, weight, raw (weight by the plain mean of the same charges), and per part its mean charge
        of the group over that of all cases (standardised, 1 = as the mean case)
    shares : part -> share used   money : part -> share of the charges, before standardising
    notes : (zh, en) pairs
    """

    parts: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)
    shares: Mapping[str, float] = field(default_factory=dict)
    money: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class _Sums:
    """Per group: cases, cases with charges, sums of the charges per part (groups, parts)."""

    groups: tuple[str, ...]
    cases: Floats
    known: Floats
    amounts: Floats


def structured_weights(
    cases: Any,
    *,
    parts: Mapping[str, Sequence[str]] | None = None,
    shares: Mapping[str, float] | None = None,
    max_stay_days: int | None = None,
    ungroupable: str = "0000",
) -> StructuredWeights:
    """Weights in which medical service, nursing, technology, drugs and management count alike (结构化权重).

    cases : grouped cases with the charge_* columns of the front page, as unit_statistics takes them; statistics hold no
        classes of charges
    parts : part -> columns; default data/evaluation/structured_weights.toml (医疗、护理、医技、药耗、管理). Columns
        that the table lacks count as no charge and are named in `notes`
    shares : part -> weight of the part, made to add up to 1; default equal (20 % of each of five)
    max_stay_days, ungroupable : as in unit_statistics; only included cases count

    w_j = sum_p share_p * (mean charge of part p in group j / mean charge of part p in all cases). A part nobody was
    charged for gives its share to the others. Cases without any charge are left out of the means; weights are scaled
    so that sum_j N_j w_j = sum_j N_j over the groups that have one. Negative amounts count as 0 and are noted.

    Source: Beijing's use of DRG for performance evaluation; provenance of the parts in the data file.
    Raises EvaluationError when no part has a charge, or a part or share is unknown.

    >>> table = {"drg": ["AA19", "BB19"], "charge_nursing": [10.0, 30.0], "charge_western_drug": [990.0, 10.0]}
    >>> found = structured_weights(pa.table(table))
    >>> {code: round(w, 3) for code, w in found.weights.items()}, float(found.parts.loc["AA19", "raw"].round(3))
    ({'AA19': 1.24, 'BB19': 0.76}, 1.923)
    """
    if isinstance(cases, UnitStatistics):
        problem = "statistics hold no classes of charges"
        raise EvaluationError("structured_weights", problem, "Give the grouped cases with their charge_* columns")
    columns = _part_columns(parts)
    opened = open_cases(cases)
    there = _class_columns(opened, columns)
    unusable: dict[str, int] = {}
    sums = _add_up(opened, columns, there, max_stay_days, ungroupable, unusable)
    notes = [_lacking_note(name, [c for c in names if c not in there]) for name, names in columns.items()]
    share, note = _shares(columns, shares, sums.amounts.sum(axis=0))
    notes += [*note, *[_unusable_note(column, count) for column, count in unusable.items()]]
    return _weights(sums, tuple(columns), share, tuple(note for note in notes if note is not None))


@cache
def _packaged() -> dict[str, Any]:
    return read_toml(PARTS_FILE, EvaluationError, "Install drgengine again")


def _part_columns(parts: Mapping[str, Sequence[str]] | None) -> dict[str, tuple[str, ...]]:
    if parts is None:
        return {part["id"]: tuple(part["columns"]) for part in _packaged()["part"]}
    columns = {name: tuple(names) for name, names in parts.items()}
    every = [name for names in columns.values() for name in names]
    twice = next((name for name in every if every.count(name) > 1), None)
    if twice is not None:
        raise EvaluationError("parts", f"the column {twice!r} stands in two places", "Count every charge once")
    if not every:
        raise EvaluationError("parts", "there is no part with a column", "Give a mapping from part to charge columns")
    return columns


def _class_columns(opened: OpenCases, columns: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Canonical column -> column of the table, only those there are."""
    wanted = {name for names in columns.values() for name in names}
    there = {name: name for name in opened.names if name in wanted}
    for name in opened.names:
        role = role_of(name)
        if role is not None and role.name in wanted and role.part == "":
            there.setdefault(role.name, name)
    if not there:
        titles = [column_data()["column"].get(name, {}).get("title", name) for name in sorted(wanted)[:3]]
        problem = f"there is no class of charges, such as {', '.join(titles)}"
        raise EvaluationError(opened.place, problem, "Give the charges of the front page, columns charge_*")
    return there


def _add_up(
    opened: OpenCases,
    columns: Mapping[str, Sequence[str]],
    there: Mapping[str, str],
    max_stay_days: int | None,
    ungroupable: str,
    unusable: dict[str, int],
) -> _Sums:
    found = find_columns(opened.names, (), CHARGE, COST, opened.place)
    kept = ["drg", "status", *(["los_days", "admission_date", "discharge_date"] if max_stay_days is not None else [])]
    header = {name: found.header[name] for name in kept if name in found.header}
    collector = Collector(CaseColumns((), header), max_stay_days, ungroupable)
    amounts, counts = np.zeros((0, len(columns))), np.zeros((0, 2))
    for batch in opened.batches(list(dict.fromkeys([*header.values(), *there.values()]))):
        if not batch.num_rows:
            continue
        keys, _ = collector.prepare(batch)
        included = keys[:, 0] == 0
        group = keys[included, 3]
        charges = np.stack([_part(batch, names, there, unusable) for names in columns.values()], axis=1)[included]
        known = charges.sum(axis=1) > 0
        size = len(collector.labels["drg"].texts())
        amounts, counts = _grown(amounts, size), _grown(counts, size)
        for place in range(len(columns)):
            amounts[:, place] += np.bincount(group, weights=charges[:, place], minlength=size)
        counts[:, 0] += np.bincount(group, minlength=size)
        counts[:, 1] += np.bincount(group, weights=known, minlength=size)
        collector.row += batch.num_rows
    texts = collector.labels["drg"].texts()
    order = sorted((text, at) for at, text in enumerate(texts) if text is not None and counts[at, 0] > 0)
    at = np.array([place for _, place in order], np.int64)
    return _Sums(tuple(text for text, _ in order), counts[at, 0], counts[at, 1], amounts[at])


def _part(batch: pa.RecordBatch, names: Sequence[str], there: Mapping[str, str], unusable: dict[str, int]) -> Floats:
    """Charge of a part per case, yuan; an empty class is no charge."""
    total = np.zeros(batch.num_rows)
    for name in names:
        if name not in there:
            continue
        header = there[name]
        amount = read_amount(batch.column(header), header, unusable)
        wrong = (amount < 0) | np.isinf(amount)
        if wrong.any():
            key = f"{header}: negative or infinite"
            unusable[key] = unusable.get(key, 0) + int(wrong.sum())
        total += np.where(np.isfinite(amount) & ~wrong, amount, 0.0)
    return total


def _grown(sums: Floats, size: int) -> Floats:
    return np.concatenate([sums, np.zeros((size - len(sums), sums.shape[1]))]) if len(sums) < size else sums


def _shares(
    columns: Mapping[str, Sequence[str]], shares: Mapping[str, float] | None, totals: Floats
) -> tuple[Floats, list[tuple[str, str] | None]]:
    """Share per part, parts without a charge at 0; and what has to be said about it."""
    given = _given_shares(columns, shares)
    empty = totals <= 0
    used = np.where(empty, 0.0, given)
    if not used.sum() > 0:
        raise EvaluationError("structured_weights", "no part with a share has a charge", "Check the charge columns")
    names = [name for name, none in zip(columns, empty, strict=True) if none]
    note = None
    if names:
        note = (
            f"以下部分无费用，其权重分给其他部分：{'、'.join(names)}。",
            f"Nobody was charged for {', '.join(names)}; the other parts took over the share.",
        )
    return used / used.sum(), [note]


def _given_shares(columns: Mapping[str, Sequence[str]], shares: Mapping[str, float] | None) -> Floats:
    if shares is None:
        packaged = {part["id"]: float(part["share"]) for part in _packaged()["part"]}
        return np.array([packaged.get(name, 1.0 / len(columns)) for name in columns])
    wrong = next((name for name in shares if name not in columns), None)
    if wrong is not None:
        raise EvaluationError("shares", f"there is no part {wrong!r}", f"Known parts: {', '.join(columns)}")
    given = np.array([float(shares.get(name, 0.0)) for name in columns])
    if not (np.isfinite(given).all() and (given >= 0).all()):
        raise EvaluationError("shares", f"{dict(shares)!r} holds no shares", "Give numbers from 0")
    return given


def _weights(
    sums: _Sums, parts: tuple[str, ...], share: Floats, notes: tuple[tuple[str, str], ...]
) -> StructuredWeights:
    some = sums.known > 0
    groups = tuple(group for group, has in zip(sums.groups, some, strict=True) if has)
    n, known, amounts = sums.cases[some], sums.known[some], sums.amounts[some]
    totals = amounts.sum(axis=0)
    mean = amounts / known[:, None]
    overall = totals / known.sum()
    standard = np.divide(mean, overall, out=np.zeros_like(mean), where=overall > 0)
    weight, raw = standard @ share, mean.sum(axis=1)
    weight = weight * n.sum() / (n @ weight)
    raw = raw * n.sum() / (n @ raw)
    table = pd.DataFrame(
        {"cases": n.astype(np.int64), "weight": weight, "raw": raw}, index=pd.Index(groups, name="drg")
    )
    for place, name in enumerate(parts):
        table[name] = standard[:, place]
    left = int(sums.cases.sum() - known.sum())
    if left:
        notes += ((f"{left} 例无费用明细，未进入均值。", f"{left} cases without any class of charges are in no mean."),)
    source = f"structured weights, {len(parts)} parts, {len(groups)} groups, {int(known.sum())} cases"
    return StructuredWeights(
        dict(zip(groups, weight.tolist(), strict=True)), source, None, True, table,
        dict(zip(parts, share.tolist(), strict=True)),
        dict(zip(parts, (totals / totals.sum()).tolist(), strict=True)), notes,
    )  # fmt: skip


def _lacking_note(part: str, lacking: list[str]) -> tuple[str, str] | None:
    if not lacking:
        return None
    titles = [column_data()["column"].get(name, {}).get("title", name) for name in lacking]
    return (
        f"{part} 部分缺少以下费用列，按无费用计：{'、'.join(titles)}。",
        f"Part {part} lacks {', '.join(lacking)}, counted as no charge.",
    )


def _unusable_note(column: str, count: int) -> tuple[str, str]:
    return (
        f"{count} 个费用值无法使用（{column}），按 0 计。",
        f"{count} charges could not be used ({column}) and count as 0.",
    )
