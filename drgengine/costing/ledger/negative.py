"""Costs below zero after netting (负数成本: refunds, red vouchers, year-end adjustments): what the policy says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from drgengine.costing.bilingual import phrase
from drgengine.costing.fen import Fen, share_out, to_yuan
from drgengine.costing.findings import finding
from drgengine.costing.intake.vocabulary import choice_word, element_word, table_word
from drgengine.costing.model import CostModel, Finding
from drgengine.errors import CostingError

if TYPE_CHECKING:
    import pandas as pd

GROUP = ["dept_code", "element", "fund_source"]
ASIDE = [*GROUP, "fen"]


def settle_negative(
    model: CostModel, cells: pd.DataFrame, findings: list[Finding]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Net entry modes and behaviours within department x element x fund source, then deal with what stays negative.

    Fund sources are not netted against each other: that would move money between the cost scopes.
    cells : rows of dept_code, element, fund_source, entry_mode, behaviour, fen
    returns the cells left for allocation, and the amounts set aside (policy "carry") as dept_code, element,
    fund_source, fen
    Policies: "refuse" raises CostingError naming the cells; "allocate" leaves them; "carry" sets them aside on a line
    of their own, as the American cost report does for negative cost centres; "parent" moves them to the department's
    parent, up to the first one that stays positive.
    """
    cells = net_within(cells, findings)
    sums = cells.groupby(GROUP, sort=True)["fen"].sum()
    negative = sums[sums < 0]
    aside = negative.iloc[:0].reset_index()[ASIDE]
    if negative.empty:
        return cells, aside
    policy = model.settings.policies.negative_cost
    if policy == "refuse":
        _refuse(model, negative)
    if policy == "parent":
        return _to_parents(model, cells, findings), aside
    for (department, element, fund), fen in negative.items():
        findings.append(_finding(policy, department, element, fund, int(fen)))
    if policy == "carry":
        return _without(cells, negative), negative.reset_index()[ASIDE]
    return cells, aside


def net_within(cells: pd.DataFrame, findings: list[Finding]) -> pd.DataFrame:
    """Within a group of mixed signs, the smaller side is set off against the larger in proportion; sums stay."""
    below = cells.loc[cells["fen"] < 0, GROUP].drop_duplicates()
    if below.empty:
        return cells
    fen: Fen = cells["fen"].to_numpy().copy()
    groups = cells.groupby(GROUP, sort=True).indices
    offset = 0
    for key in sorted(below.itertuples(index=False, name=None)):
        rows = groups[key]
        part = fen[rows]
        whole = int(part.sum())
        if (part >= 0).all() or (part <= 0).all():
            continue
        kept = np.where(np.sign(part) == np.sign(whole), np.abs(part), 0).astype(np.float64)
        offset += int(min(part[part > 0].sum(), -part[part < 0].sum()))
        fen[rows] = share_out(kept, whole) if whole else 0
    if offset:
        amount = float(to_yuan(offset))
        findings.append(finding("note", "negative_cost.set_off", table_word("ledger"), amount, offset=amount))
    return cells.assign(fen=fen)


def _refuse(model: CostModel, negative: pd.Series) -> None:
    parts = [
        f"{department} {element} {fund} {to_yuan(fen):,.2f}" for (department, element, fund), fen in negative.items()
    ]
    more = f" and {len(parts) - 20} more" if len(parts) > 20 else ""
    raise CostingError(
        model.settings.tables.get("ledger", "ledger"),
        "negative after netting: " + ", ".join(parts[:20]) + more,
        "Correct the vouchers, or set negative_cost = 'allocate', 'carry' or 'parent' under [policies]",
    )


def _finding(policy: str, department: object, element: object, fund: object, fen: int, to: str = "") -> Finding:
    did = {
        "allocate": phrase("was_allocated"),
        "carry": phrase("was_set_aside"),
        "parent": phrase("was_moved", parent=to),
    }[policy]
    return finding(
        "warning",
        "negative_cost.settled",
        phrase("department", code=str(department)),
        float(to_yuan(fen)),
        element=element_word(str(element)),
        fund=choice_word("fund_source", str(fund)),
        cost=float(to_yuan(fen)),
        did=did,
    )


def _without(cells: pd.DataFrame, negative: pd.Series) -> pd.DataFrame:
    import pandas as pd

    gone = pd.MultiIndex.from_frame(cells[GROUP]).isin(negative.index)
    return cells[~gone].reset_index(drop=True)


def _to_parents(model: CostModel, cells: pd.DataFrame, findings: list[Finding]) -> pd.DataFrame:
    """Move negative groups upwards until none is left."""
    table = model.tables["departments"]
    codes = table["dept_code"].astype(str).tolist()
    parents = dict.fromkeys(codes, "")
    if "parent" in table.columns:
        named = table["parent"].astype(object)
        parents = dict(zip(codes, named.where(named.notna(), "").astype(str), strict=True))
    for _ in range(len(codes) + 1):
        sums = cells.groupby(GROUP, sort=True)["fen"].sum()
        negative = sums[sums < 0]
        if negative.empty:
            return cells
        for (department, element, fund), fen in negative.items():
            _check_parent(department, parents, f"{element} ({fund})", int(fen))
            findings.append(_finding("parent", department, element, fund, int(fen), parents[department]))
        moving = _rows_of(cells, negative)
        cells = cells.assign(dept_code=cells["dept_code"].where(~moving, cells["dept_code"].map(parents)))
        keys = [name for name in cells.columns if name != "fen"]
        cells = net_within(cells.groupby(keys, sort=True)["fen"].sum().reset_index(), findings)
    raise CostingError(
        "departments, column parent",
        "the parents of " + ", ".join(sorted({str(key[0]) for key in negative.index})) + " run in a circle",
        "Correct the column parent",
    )


def _rows_of(cells: pd.DataFrame, groups: pd.Series) -> pd.Series:
    import pandas as pd

    return pd.Series(pd.MultiIndex.from_frame(cells[GROUP]).isin(groups.index), index=cells.index)


def _check_parent(department: object, parents: dict[str, str], what: str, fen: int) -> None:
    parent = parents.get(str(department), "")
    if parent in parents and parent != department:
        return
    problem = f'its parent "{parent}" is not in the department table' if parent else "it has no parent"
    raise CostingError(
        f"department {department}",
        f"{what} is negative after netting, {to_yuan(fen):,.2f} yuan, and {problem}",
        "Fill the column parent of the department table or choose another policy negative_cost",
    )
