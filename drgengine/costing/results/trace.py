"""From the cost of one case back to ledger lines and driver shares (成本追溯), out of the files of a run."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from drgengine.costing.results.manifest import read_manifest
from drgengine.errors import CostingError

CASES = "cases.parquet"


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """Where the cost of a case came from. Amounts in yuan; pandas DataFrames, the largest amounts first.

    case : one row of cases.parquet; centre, element : what was asked for, None for all
    amount : the cost traced
    pools : pool, label, centre_group, share (the case's part of the pool), pool_cost, amount
    departments : dept_code (where the cost stood after level 2), element, amount
    origins : origin (department whose direct cost it was), dept_code, element, share (of the origin's direct cost that
        ended in dept_code), amount
    ledger : source_file, source_row, period, account, voucher, dept_code, element, line_amount, amount (of this case)
    remainder : amount less the sum of ledger amounts: fen of rounding
    """

    case: dict[str, Any]
    centre: str | None
    element: str | None
    amount: float
    pools: Any
    departments: Any
    origins: Any
    ledger: Any

    @property
    def remainder(self) -> float:
        """What rounding to whole fen leaves: the traced cost less what the ledger lines say."""
        return float(self.amount - self.ledger["amount"].sum())


def trace_case(
    results: str | os.PathLike[str], case_id: str, *, centre: str | None = None, element: str | None = None
) -> Trace:
    """Lead a case's cost back to the ledger.

    results : result folder of a run; case_id : as in the discharges
    centre : only this cost-centre group (成本中心组); element : only this cost item or element, e.g. "personnel"
        (with all its details) or "personnel:nurse"

    Raises CostingError: no result folder, an unknown case, centre or element.
    """
    folder = Path(results)
    if read_manifest(folder) is None:
        raise CostingError(str(folder), "it holds no results of a costing run", "Name the folder given to -o")
    number, case = _case(folder, case_id)
    pools, claims, sources = (_read(folder, name) for name in ("pools", "claims", "sources"))
    mine = claims[(claims["object"] == number) & (claims["weight"] > 0)].merge(pools, on="pool", suffixes=("", "_all"))
    mine["share"] = mine["weight"] / mine["weight_all"]
    if centre is not None:
        mine = _only(mine, "centre_group", [centre], case_id)
    cells = mine.merge(sources, on="pool")
    if element is not None:
        wanted = [name for name in cells["element"].unique() if name == element or name.startswith(f"{element}:")]
        cells = _only(cells, "element", wanted or [element], case_id)
    cells["pool_cost"] = cells["fen"] / 100
    cells["amount"] = cells["share"] * cells["pool_cost"]
    by_pool = cells.groupby(["pool", "label", "centre_group", "share"], sort=False)[["pool_cost", "amount"]].sum()
    by_department = cells.groupby(["dept_code", "element"], sort=False)["amount"].sum().reset_index()
    origins = _origins(folder, by_department)
    return Trace(
        case,
        centre,
        element,
        _cost(folder, case_id, centre, element),
        _sorted(by_pool.reset_index()),
        _sorted(by_department),
        _sorted(origins),
        _sorted(_lines(folder, origins)),
    )


def _case(folder: Path, case_id: str) -> tuple[int, dict[str, Any]]:
    import pandas as pd

    if not (folder / CASES).exists():
        raise CostingError(str(folder), "the run costed no cases", "Give the model discharges and charge lines")
    cases = pd.read_parquet(folder / CASES)
    found = np.flatnonzero(cases["case_id"].astype(object) == case_id)
    if not found.size:
        near = [str(code) for code in cases["case_id"].dropna() if str(code).endswith(case_id.lstrip("0"))][:3]
        hint = f"Did you mean {' or '.join(near)}?" if near else "Case numbers stand in cases.parquet"
        raise CostingError(str(folder / CASES), f"there is no case {case_id!r}", hint)
    return int(found[0]), cases.iloc[int(found[0])].to_dict()


def _read(folder: Path, name: str) -> Any:
    import pandas as pd

    return pd.read_parquet(folder / "trace" / f"{name}.parquet")


def _only(cells: Any, column: str, wanted: list[str], case_id: str) -> Any:
    kept = cells[cells[column].isin(wanted)].copy()
    if not len(kept):
        known = ", ".join(sorted(map(str, cells[column].unique())))
        word = "centre" if column == "centre_group" else "element"
        raise CostingError(f"case {case_id}, {word} {wanted[0]!r}", "it has no such cost", f"It has {known}")
    return kept


def _cost(folder: Path, case_id: str, centre: str | None, element: str | None) -> float:
    """The cost traced, in whole fen, from the cube."""
    import pandas as pd

    cube = pd.read_parquet(folder / "case_cube.parquet", filters=[("case_id", "==", case_id)])
    inside = np.ones(len(cube), bool)
    if centre is not None:
        inside &= (cube["centre_group"].astype(str) == centre).to_numpy()
    if element is not None:
        names = cube["element"].astype(str)
        inside &= ((names == element) | names.str.startswith(f"{element}:")).to_numpy()
    return float(round(cube["cost"].to_numpy(float)[inside].sum(), 2))


def _origins(folder: Path, held: Any) -> Any:
    """Direct cost of which departments the amounts were: by share of what ended in the department, per element."""
    origins, direct = _read(folder, "origins"), _read(folder, "direct")
    flows = held.merge(origins, on="dept_code").merge(
        direct.rename(columns={"dept_code": "origin"}), on=["origin", "element"]
    )
    flows["ended"] = flows["share"] * flows["fen"]
    total = flows.groupby(["dept_code", "element"])["ended"].transform("sum")
    flows["amount"] *= np.divide(flows["ended"], total, out=np.zeros(len(flows)), where=total.to_numpy() != 0)
    return flows[["origin", "dept_code", "element", "share", "amount"]]


def _lines(folder: Path, origins: Any) -> Any:
    """The ledger lines of each origin and element, each with its part of the amount."""
    ledger = _read(folder, "ledger").rename(columns={"amount": "line_amount"})
    wanted = origins.groupby(["origin", "element"], sort=False)["amount"].sum().reset_index()
    found = ledger.merge(wanted.rename(columns={"origin": "dept_code"}), on=["dept_code", "element"])
    total = found.groupby(["dept_code", "element"])["line_amount"].transform("sum")
    found["amount"] *= np.divide(found["line_amount"], total, out=np.zeros(len(found)), where=total.to_numpy() != 0)
    return found


def _sorted(frame: Any) -> Any:
    return frame.sort_values("amount", ascending=False, kind="stable").reset_index(drop=True)
