"""Full cost of clinical departments, level by level, in whole fen (科室全成本)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from drgengine.costing.allocation.allocate import allocate
from drgengine.costing.allocation.cascade import Cascade, cascade
from drgengine.costing.allocation.result import Allocation, Step
from drgengine.costing.bilingual import phrase
from drgengine.costing.fen import Fen, to_yuan
from drgengine.costing.findings import finding
from drgengine.costing.intake.vocabulary import tables
from drgengine.costing.ledger.directcosts import DirectCosts
from drgengine.costing.ledger.drivers import DriverTable
from drgengine.costing.ledger.scope import in_scope, nested_totals
from drgengine.costing.model import CATEGORIES, CostModel, Finding

if TYPE_CHECKING:
    import pandas as pd

COLUMN_NAMES = ("element", "fund_source", "behaviour", "block")
DIRECT = "direct"
"""Level of a department's own cost in `DepartmentCosts.cells`."""


@dataclass(frozen=True, slots=True)
class DepartmentCosts:
    """Departments after allocation. All amounts are int64 fen; cells of 0 are left out.

    Columns of an allocation are (element, fund_source, behaviour, block); block is "administration" for what arose in
    administration and logistics (行政后勤) and "medical" for everything else.

    method : allocation method; category : dept_code -> category, in the order of the department table
    allocation : final = clinical departments; stage : final = clinical and technology (二级分摊后)
    cells : dept_code, level ("direct" or a level name), element, fund_source, behaviour, block, fen of clinical
        departments; per column the sum is exactly that of the ledger
    stage_cells : dept_code, element, fund_source, behaviour, block, fen of clinical and technology departments
    level_names : of the allocation in order; the levels of a step-down are added up by category of the giver
    levels : dept_code, category, the four column names, direct, one column per level (received at it), total (before
        giving: direct + received), given, final (total - given); all departments; every level foots: what is
        received at it was given at it
    after_level : level name, the four column names, fen: what all departments together hold after the level
    """

    method: str
    category: dict[str, str]
    allocation: Allocation
    stage: Allocation
    cells: pd.DataFrame
    stage_cells: pd.DataFrame
    level_names: tuple[str, ...]
    levels: pd.DataFrame
    after_level: pd.DataFrame
    findings: tuple[Finding, ...]

    def of_category(self, *categories: str) -> tuple[str, ...]:
        """Codes of the departments of these categories, in table order."""
        return tuple(code for code, category in self.category.items() if category in categories)


def department_costs(model: CostModel, direct: DirectCosts, drivers: DriverTable) -> DepartmentCosts:
    """Allocate every element, fund source and behaviour on its own through all levels (分项逐级分步结转).

    direct, drivers : see `direct_costs` and `driver_matrix`
    After the norm 国卫财务发〔2021〕4号 for the three-level method (formula as recalled); other methods by
    `allocation.method`. A clinical department of setting "both" is not split here.
    Raises CostingError where costs cannot be allocated: see `allocate`.
    """
    table = model.tables["departments"]
    category = dict(zip(table["dept_code"].astype(str), table["category"].astype(str), strict=True))
    fen = _by_block(direct.matrix, category)
    allocation = _allocate(model, fen, drivers, category, ("clinical",))
    stage = _allocate(model, fen, drivers, category, ("clinical", "technology"))
    values: Fen = fen.to_numpy()

    def level_of(step: Step) -> str:
        return category[str(step.givers[0])] if allocation.method == "step-down" else str(step.level)

    whole = cascade(allocation, values, level_of)
    before = cascade(stage, values, level_of)
    findings = _validity(model, fen)
    findings += [one for one in allocation.findings if one.rule != "negative_cost"]
    return DepartmentCosts(
        method=allocation.method,
        category=category,
        allocation=allocation,
        stage=stage,
        cells=_final_cells(allocation, fen, whole),
        stage_cells=_long(stage.final, fen.columns, before.final[stage.departments.get_indexer(stage.final)]),
        level_names=tuple(whole.received),
        levels=_levels(fen, whole, category),
        after_level=_after_level(fen, whole),
        findings=tuple(findings),
    )


def _by_block(matrix: pd.DataFrame, category: dict[str, str]) -> pd.DataFrame:
    """The ledger's matrix with the column level block: rows of administration in one half, the others in the other."""
    import pandas as pd

    administration = np.array([category[code] == "administration" for code in matrix.index])
    halves = []
    for block, rows in (("medical", ~administration), ("administration", administration)):
        values = np.where(rows[:, None], matrix.to_numpy(), 0)
        labels = [(*column, block) for column in matrix.columns]
        columns = pd.MultiIndex.from_tuples(labels, names=COLUMN_NAMES)
        halves.append(pd.DataFrame(values, index=matrix.index, columns=columns))
    both = pd.concat(halves, axis=1)
    used = both.to_numpy().any(axis=0)
    if not used.any():
        used[:1] = True
    return both.loc[:, used]


def _allocate(
    model: CostModel, fen: pd.DataFrame, drivers: DriverTable, category: dict[str, str], kept: tuple[str, ...]
) -> Allocation:
    import pandas as pd

    givers = [code for code in drivers.statistics.index if category[code] not in kept]
    costs = pd.DataFrame(to_yuan(fen.to_numpy()), index=fen.index, columns=fen.columns)
    return allocate(
        costs,
        drivers.statistics.loc[givers],
        model.settings.allocation.method,
        order=giving_order(model, givers, category, kept),
        category=category,
        final=[code for code in fen.index if category[code] in kept],
        self_use=model.settings.policies.self_use,
        negative="allocate",
    )


def giving_order(model: CostModel, givers: list[str], category: dict[str, str], kept: tuple[str, ...]) -> list[str]:
    """Order in which departments give in a step-down: that of the model, otherwise by category and table.

    kept : categories that give nothing
    """
    order = model.settings.allocation.order
    if not order:
        return sorted(givers, key=lambda code: CATEGORIES.index(category[code]))
    return [code for code in order if code not in category or category[code] not in kept]


def _long(codes: pd.Index, columns: pd.MultiIndex, fen: Fen, **more: str) -> pd.DataFrame:
    """Cells that are not 0, by department and column."""
    import pandas as pd

    row, column = np.nonzero(fen)
    frame = {"dept_code": codes.to_numpy(dtype=object)[row]}
    frame |= {name: np.full(len(row), value, dtype=object) for name, value in more.items()}
    for level, name in enumerate(COLUMN_NAMES):
        frame[name] = columns.get_level_values(level).to_numpy(dtype=object)[column]
    frame["fen"] = fen[row, column]
    return pd.DataFrame(frame)


def _final_cells(allocation: Allocation, fen: pd.DataFrame, whole: Cascade) -> pd.DataFrame:
    import pandas as pd

    at = allocation.departments.get_indexer(allocation.final)
    parts = [_long(allocation.final, fen.columns, whole.direct[at], level=DIRECT)]
    # A final department gives nothing, so that its cost is what it had and what it received.
    parts += [_long(allocation.final, fen.columns, got[at], level=name) for name, got in whole.received.items()]
    return pd.concat(parts, ignore_index=True)


def _levels(fen: pd.DataFrame, whole: Cascade, category: dict[str, str]) -> pd.DataFrame:
    """One row per department and column that ever holds anything."""
    import pandas as pd

    received = np.stack(list(whole.received.values())) if whole.received else np.zeros((0, *fen.shape), np.int64)
    given: Fen = np.asarray(sum(whole.given.values(), np.zeros(fen.shape, np.int64)))
    row, column = np.nonzero((whole.direct != 0) | (received != 0).any(axis=0) | (given != 0))
    codes = fen.index.to_numpy(dtype=object)[row]
    frame = {"dept_code": codes, "category": np.array([category[code] for code in codes], dtype=object)}
    for level, name in enumerate(COLUMN_NAMES):
        frame[name] = fen.columns.get_level_values(level).to_numpy(dtype=object)[column]
    frame[DIRECT] = whole.direct[row, column]
    frame |= {name: got[row, column] for name, got in whole.received.items()}
    frame["total"] = frame[DIRECT] + received.sum(axis=0)[row, column]
    frame["given"] = given[row, column]
    frame["final"] = frame["total"] - frame["given"]
    return pd.DataFrame(frame)


def _after_level(fen: pd.DataFrame, whole: Cascade) -> pd.DataFrame:
    """What all departments together hold after each level, by column: direct + received - given so far."""
    import pandas as pd

    held = whole.direct.copy()
    parts = []
    for name, got in whole.received.items():
        held = held + got - whole.given[name]
        frame = fen.columns.to_frame(index=False)
        frame.insert(0, "level", name)
        parts.append(frame.assign(fen=held.sum(axis=0)))
    empty = [*("level", *COLUMN_NAMES), "fen"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=empty)


def _validity(model: CostModel, fen: pd.DataFrame) -> list[Finding]:
    """Departments with cost that were not open at any day of the period."""
    import pandas as pd

    table = model.tables["departments"]
    settings = model.settings
    cost = dict(zip(fen.index, fen.to_numpy().sum(axis=1), strict=True))
    findings = []
    for column, limit in (("valid_from", settings.end), ("valid_to", settings.start)):
        if column not in table.columns:
            continue
        days = pd.to_datetime(table[column])
        outside = days > pd.Timestamp(limit) if column == "valid_from" else days < pd.Timestamp(limit)
        for code, day in zip(table["dept_code"][outside].astype(str), days[outside], strict=True):
            if cost[code]:
                findings.append(
                    finding(
                        "warning",
                        "validity",
                        phrase("department", code=code),
                        float(to_yuan(cost[code])),
                        start=settings.start,
                        end=settings.end,
                        column=tables()["departments"].columns[column].named,
                        day=day.date(),
                    )
                )
    return findings


__all__ = ["DIRECT", "DepartmentCosts", "department_costs", "in_scope", "nested_totals"]
