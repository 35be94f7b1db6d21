"""Pools and claims (成本池与分配): every way to cost a case is a set of amounts and of those who share them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from drgengine.costing.bilingual import Bilingual, in_language, listed, phrase, word
from drgengine.costing.cases.cellkernel import add_rows_kernel, distribute_kernel
from drgengine.costing.findings import finding
from drgengine.costing.model import Finding
from drgengine.errors import CostingError

Fen = npt.NDArray[np.int64]
Column = tuple[str, str]
OUTPATIENT, NON_PATIENT, UNMATCHED, UNASSIGNED, UNUSED_CAPACITY = range(5)
"""Cost objects after the cases: object number = number of cases + this."""

_NAMED = 8
# What is left of amounts that cancel each other is float noise, and must not attract a pool.
_NOTHING = 5e-7


@dataclass(frozen=True, slots=True)
class Pools:
    """Amounts to be given out, in whole fen.

    label : what the pool is, e.g. a department, a service unit, "drugs"
    centre_group : cost-centre group (成本中心组) under which its cost appears in the cube
    department : code of the department it comes from, "" where it comes from several
    columns : (element, behaviour) of each column of fen
    fen : int64 (pools, columns)
    """

    label: tuple[str, ...]
    centre_group: tuple[str, ...]
    department: tuple[str, ...]
    columns: tuple[Column, ...]
    fen: Fen

    @property
    def totals(self) -> Fen:
        """Fen of each pool over all columns, int64 (pools,)."""
        return np.asarray(self.fen.sum(axis=1), np.int64)


@dataclass(frozen=True, slots=True)
class Claims:
    """Who shares a pool, and with what weight; sorted by pool and object, no pair twice.

    pool : int32 (claims,)
    object : int32 (claims,), number of the cost object
    weight : float64 (claims,), >= 0, finite
    """

    pool: npt.NDArray[np.int32]
    object: npt.NDArray[np.int32]
    weight: npt.NDArray[np.float64]

    def sums(self, pools: int) -> npt.NDArray[np.float64]:
        """Weight of each pool, float64 (pools,)."""
        return np.asarray(np.bincount(self.pool, self.weight, pools), np.float64)


def make_claims(
    pool: npt.ArrayLike, thing: npt.ArrayLike, weight: npt.ArrayLike, *, place: str, in_yuan: bool = False
) -> tuple[Claims, tuple[Finding, ...]]:
    """Sort claims and add up those of one object on one pool.

    A weight that is negative after that (more was reversed than charged, 冲销多于计费) counts as zero: a cost cannot be
    shared out in a negative part. It is listed as a finding "negative_claim", with its amount when the weight is in
    yuan.

    place : file or table the weights come from, for messages

    Raises CostingError: a weight is not a finite number.

    >>> claims, findings = make_claims([0, 0, 0], [5, 4, 5], [3.0, -2.0, 1.0], place="charges", in_yuan=True)
    >>> claims.object.tolist(), claims.weight.tolist(), findings[0].amount
    ([4, 5], [0.0, 4.0], -2.0)
    """
    pools, things, weights = np.asarray(pool, np.int32), np.asarray(thing, np.int32), np.asarray(weight, np.float64)
    if not np.isfinite(weights).all():
        row = int(np.flatnonzero(~np.isfinite(weights))[0])
        raise CostingError(
            place,
            f"the weight of a claim is {weights[row]} (object {things[row]})",
            "Amounts, quantities and days are finite numbers",
        )
    key = (pools.astype(np.int64) << 32) | things
    if key.size and not bool((key[1:] > key[:-1]).all()):
        order = np.argsort(key, kind="stable")
        key, weights = key[order], weights[order]
        first = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]]))
        key, weights = key[first], np.add.reduceat(weights, first)
    negative = weights < -_NOTHING
    findings: tuple[Finding, ...] = ()
    if negative.any():
        amount = float(weights[negative].sum())
        findings = (finding("warning", "negative_claim", place, amount if in_yuan else None, n=int(negative.sum())),)
    weights = np.where(weights > _NOTHING, weights, 0.0)
    claims = Claims((key >> 32).astype(np.int32), (key & 0xFFFFFFFF).astype(np.int32), weights)
    return claims, findings


def join(parts: Sequence[tuple[Pools, Claims]]) -> tuple[Pools, Claims]:
    """Several sets of pools with the same columns as one, in the order given."""
    columns = parts[0][0].columns
    if any(pools.columns != columns for pools, _ in parts):
        raise ValueError("pools with different columns cannot be joined")
    starts = np.cumsum([0] + [len(pools.label) for pools, _ in parts])
    pools = Pools(
        tuple(text for p, _ in parts for text in p.label),
        tuple(text for p, _ in parts for text in p.centre_group),
        tuple(text for p, _ in parts for text in p.department),
        columns,
        np.concatenate([p.fen for p, _ in parts]),
    )
    claims = Claims(
        np.concatenate([c.pool + np.int32(start) for (_, c), start in zip(parts, starts, strict=False)]).astype(
            np.int32
        ),
        np.concatenate([c.object for _, c in parts]),
        np.concatenate([c.weight for _, c in parts]),
    )
    return pools, claims


def give_idle(
    pools: Pools, claims: Claims, policy: Literal["refuse", "unassigned"], unassigned: int, *, activity: str
) -> tuple[Claims, tuple[Finding, ...]]:
    """Deal with pools that hold cost and have no claim (有成本无业务量): the policy `idle_pool`.

    unassigned : number of the object that takes them under the policy "unassigned"
    activity : what is missing, in words, best in both languages

    Also lists claims on pools that hold no cost ("activity_without_cost"): they get nothing.

    Raises CostingError under the policy "refuse", naming the largest pools.
    """
    weight = claims.sums(len(pools.label))
    filled = (pools.fen != 0).any(axis=1)
    idle = np.flatnonzero(filled & ~(weight > 0))
    findings: list[Finding] = []
    if idle.size:
        totals = pools.totals
        named = _name(pools, idle[np.argsort(-np.abs(totals[idle]), kind="stable")])
        cost = float(totals[idle].sum()) / 100
        values = {"n": idle.size, "activity": activity, "pools": named}
        told = finding("warning", "idle_pool.pools", phrase("cost_pools"), cost, **values)
        if policy == "refuse":
            remedy = 'Complete the activity, or set policies.idle_pool = "unassigned"'
            raise CostingError(told.place, told.problem, remedy)
        findings.append(told)
        claims = _insert(claims, idle, unassigned)
    free = np.flatnonzero(~filled & (weight > 0))
    if free.size:
        values = {"n": free.size, "activity": activity, "pools": listed((_label(pools, n) for n in free), _NAMED)}
        findings.append(finding("warning", "activity_without_cost.pools", phrase("cost_pools"), **values))
    return claims, tuple(findings)


def only_pools(claims: Claims, wanted: npt.NDArray[np.bool_]) -> Claims:
    """Claims on some pools, bool (pools,); the numbers of the pools stay."""
    if wanted.all():
        return claims
    kept = wanted[claims.pool]
    return Claims(claims.pool[kept], claims.object[kept], claims.weight[kept])


def _name(pools: Pools, which: npt.NDArray[np.int64]) -> Bilingual:
    totals = pools.totals
    return listed((phrase("pool", label=_label(pools, n), cost=totals[n] / 100) for n in which), _NAMED)


def _label(pools: Pools, number: np.int64) -> Bilingual:
    """Label of a pool: codes, and words of the engine such as "drugs", which have a Chinese name."""
    label = pools.label[number]
    return Bilingual(label, " ".join(in_language(word(part), "zh") for part in label.split(" ")))


def _insert(claims: Claims, idle: npt.NDArray[np.int64], thing: int) -> Claims:
    """Claims with one of weight 1 for each idle pool; claims of zero weight stay and get nothing."""
    made, _ = make_claims(
        np.concatenate([claims.pool, idle.astype(np.int32)]),
        np.concatenate([claims.object, np.full(idle.size, thing, np.int32)]),
        np.concatenate([claims.weight, np.ones(idle.size)]),
        place=phrase("cost_pools"),
    )
    return made


def distribute(pools: Pools, claims: Claims, row: npt.NDArray[np.int64], rows: int) -> Fen:
    """Give each pool to its claims: int64 (rows, columns), row[claim] says where a claim's part is added.

    Raises ValueError when a pool that holds cost has no claim; `give_idle` comes first.
    """
    pool_count = len(pools.label)
    weight = claims.sums(pool_count)
    if bool(((pools.fen != 0).any(axis=1) & ~(weight > 0)).any()):
        raise ValueError("a pool that holds cost has no claim")
    first = np.searchsorted(claims.pool, np.arange(pool_count + 1)).astype(np.int64)
    out = np.zeros((rows, len(pools.columns)), np.int64)
    distribute_kernel(first, np.ascontiguousarray(row, np.int64), claims.weight, np.ascontiguousarray(pools.fen), out)
    return out


def add_rows(row: npt.NDArray[Any], fen: Fen, rows: int) -> Fen:
    """Sum of the rows of fen that go to each of `rows` rows, int64; row (n,) says where each goes.

    >>> add_rows(np.array([1, 0, 1]), np.array([[1], [2], [3]]), 3).tolist()
    [[2], [4], [0]]
    """
    out = np.zeros((rows, fen.shape[1]), np.int64)
    add_rows_kernel(np.ascontiguousarray(row, np.int64), np.ascontiguousarray(fen, np.int64), out)
    return out


def pool_rates(pools: Pools, claims: Claims) -> Any:
    """Cost per unit of weight of each pool (费率, 成本收入比): label, centre_group, department, cost, weight, rate.

    A pandas DataFrame in the order of the pools; cost in yuan; rate is missing where a pool has no weight.
    """
    import pandas as pd

    cost, weight = pools.totals / 100, claims.sums(len(pools.label))
    rate = np.divide(cost, weight, out=np.full(cost.shape, np.nan), where=weight > 0)
    return pd.DataFrame(
        {
            "label": list(pools.label),
            "centre_group": list(pools.centre_group),
            "department": list(pools.department),
            "cost": cost,
            "weight": weight,
            "rate": rate,
        }
    )
