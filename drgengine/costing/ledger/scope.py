"""The four nested cost totals (医疗业务成本, 医疗成本, 医疗全成本, 医院全成本) as filters over the same cells.

After the norm 国卫财务发〔2021〕4号 as recalled:
  医疗业务成本  what arose in clinical, technology and auxiliary departments, without fiscal projects, other fiscal
              projects, research and teaching
  医疗成本     and what arose in administration and logistics
  医疗全成本   and what 财政项目拨款 and 非同级财政拨款项目 paid for
  医院全成本   and 科教经费 and what is not medical (资产处置, 上缴上级, 对附属单位补助, 其他费用)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from drgengine.costing.model import SCOPES, Scope
from drgengine.errors import CostingError

if TYPE_CHECKING:
    import pandas as pd

FUND_SOURCES: tuple[str, ...] = ("basic", "fiscal_project", "other_fiscal", "research_teaching", "non_medical")
"""资金来源: 基本支出, 财政项目拨款, 非同级财政拨款项目, 科教经费, 非医疗 (处置, 上缴, 补助, 其他)."""

FUNDS_IN_SCOPE: dict[Scope, tuple[str, ...]] = {
    "medical_business": FUND_SOURCES[:1],
    "medical": FUND_SOURCES[:1],
    "medical_full": FUND_SOURCES[:3],
    "hospital_full": FUND_SOURCES,
}

BLOCKS_IN_SCOPE: dict[Scope, tuple[str, ...]] = {
    "medical_business": ("medical",),
    "medical": ("medical", "administration"),
    "medical_full": ("medical", "administration"),
    "hospital_full": ("medical", "administration"),
}

SCOPE_TITLES: dict[Scope, str] = {
    "medical_business": "医疗业务成本",
    "medical": "医疗成本",
    "medical_full": "医疗全成本",
    "hospital_full": "医院全成本",
}


def in_scope(cells: pd.DataFrame, scope: Scope) -> npt.NDArray[np.bool_]:
    """Which cells count in a scope (核算口径).

    cells : rows with fund_source and block ("medical" or "administration": where the cost arose)
    returns bool array, one per row; each scope holds all of the one before it in `SCOPES`
    Raises CostingError for an unknown scope.

    >>> import pandas as pd
    >>> cells = pd.DataFrame({"fund_source": ["basic", "fiscal_project"], "block": ["administration", "medical"]})
    >>> [in_scope(cells, scope).tolist() for scope in SCOPES]
    [[False, False], [True, False], [True, True], [True, True]]
    """
    if scope not in FUNDS_IN_SCOPE:
        raise CostingError("scope", f'"{scope}" is not known', "Use one of " + ", ".join(SCOPES))
    fund = np.isin(np.asarray(cells["fund_source"], dtype=object).astype(str), FUNDS_IN_SCOPE[scope])
    block = np.isin(np.asarray(cells["block"], dtype=object).astype(str), BLOCKS_IN_SCOPE[scope])
    mask: npt.NDArray[np.bool_] = fund & block
    return mask


def nested_totals(cells: pd.DataFrame, by: Sequence[str] = ("dept_code",)) -> pd.DataFrame:
    """The four totals side by side, from `DepartmentCosts.cells`, `.stage_cells` or any cells with column fen.

    returns one row per value of `by` in order of appearance, one int64 column per scope, in fen
    """
    import pandas as pd

    keys = [cells[name] for name in by]
    columns: dict[str, Any] = {
        scope: cells["fen"].where(in_scope(cells, scope), 0).groupby(keys, sort=False, observed=True).sum()
        for scope in SCOPES
    }
    return pd.DataFrame(columns).astype(np.int64)
