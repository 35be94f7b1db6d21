"""The files from which `trace` leads a case's cost back to ledger lines; no part of a run is repeated for it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from drgengine.costing.cases.poolsources import pool_sources
from drgengine.costing.ledger.directcosts import line_elements
from drgengine.costing.ledger.scope import in_scope
from drgengine.formats import open_sink

if TYPE_CHECKING:
    from drgengine.costing.compute import Computation

FILES = ("pools", "claims", "sources", "origins", "direct", "ledger")


def write_trace(folder: Path, made: Computation) -> None:
    """Write pools, claims, sources, origins, direct and ledger as Parquet.

    claims : pool, object, weight (who shares a pool); pools : pool, label, kind, centre_group, weight (of all claims)
    sources : pool, element, dept_code, fen; origins : dept_code, origin, share (of the origin's direct cost)
    direct : dept_code, element, fen in the scope of cases; ledger : the lines in that scope
    """
    folder.mkdir()
    assert made.pools is not None
    for name, columns in _tables(made).items():
        _write(columns, folder / f"{name}.parquet")


def _tables(made: Computation) -> dict[str, dict[str, Any]]:
    pools = made.pools
    assert pools is not None
    claims = pools.claims
    count = len(pools.pools.label)
    answer: dict[str, dict[str, Any]] = {
        "pools": {
            "pool": np.arange(count, dtype=np.int32),
            "label": list(pools.pools.label),
            "kind": ["services" if n < pools.services else "goods" for n in range(count)],
            "centre_group": list(pools.pools.centre_group),
            "weight": claims.sums(count),
        },
        "claims": {"pool": claims.pool, "object": claims.object, "weight": claims.weight},
    }
    sources = pool_sources(made.model, made.departments, pools)
    answer["sources"] = {name: sources[name].to_numpy() for name in sources}
    share = made.departments.stage.origin_share
    row, column = np.nonzero(share.to_numpy())
    answer["origins"] = {
        "dept_code": share.index.to_numpy(object)[row],
        "origin": share.columns.to_numpy(object)[column],
        "share": share.to_numpy()[row, column],
    }
    return answer | {"direct": _direct(made), "ledger": _ledger(made)}


def _direct(made: Computation) -> dict[str, Any]:
    """Direct cost per department and element in the scope of cases, fen."""
    matrix = made.direct.matrix
    category = made.departments.category
    row, column = np.nonzero(matrix.to_numpy())
    frame = matrix.columns.to_frame(index=False).iloc[column].reset_index(drop=True)
    frame["dept_code"] = matrix.index.to_numpy(object)[row]
    frame["block"] = [
        "administration" if category[code] == "administration" else "medical" for code in frame["dept_code"]
    ]
    frame["fen"] = matrix.to_numpy()[row, column]
    inside = frame[in_scope(frame, made.model.settings.cases.scope)]
    sums = inside.groupby(["dept_code", "element"], sort=False)["fen"].sum().reset_index()
    return {name: sums[name].to_numpy() for name in ("dept_code", "element", "fen")}


def _ledger(made: Computation) -> dict[str, Any]:
    """Ledger lines in the scope of cases, with the file and row they stand in."""
    category = made.departments.category
    ledger = made.model.tables["ledger"].copy()
    ledger["element"] = line_elements(ledger)
    codes = ledger["dept_code"].astype(str)
    ledger["block"] = np.where(codes.map(category) == "administration", "administration", "medical")
    inside = ledger[in_scope(ledger, made.model.settings.cases.scope)]
    texts = ("dept_code", "element", "period", "account", "fund_source", "voucher", "source_file")
    columns: dict[str, Any] = {name: _texts(inside[name]) for name in texts if name in inside}
    columns["amount"] = inside["amount"].to_numpy(float)
    if "source_row" in inside:
        columns["source_row"] = inside["source_row"].to_numpy(np.int64)
    return columns


def _texts(values: Any) -> Any:
    """A column as text, null where it is blank."""
    return values.astype("string").to_numpy(object, na_value=None)


def _write(columns: dict[str, Any], path: Path) -> None:
    import pyarrow as pa

    table = pa.table({name: pa.array(values) for name, values in columns.items()})
    with open_sink(path, table.schema, output_schema=table.schema) as sink:
        for batch in table.to_batches():
            sink.write(batch)
