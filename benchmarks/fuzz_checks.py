"""What must hold of every answer to a hostile input (不变式)."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc


class Broken(AssertionError):  # noqa: N818
    """Something that must hold of every answer does not."""


def check_evidence(pages: Any) -> None:
    """Rows of the issues lie in the table and ascend; superseded rows too; the counts reconcile."""
    rows, count = pages.issues["row"].to_numpy(), pages.table.num_rows
    if rows.size and not (rows.min() >= 1 and rows.max() <= count):
        raise Broken(f"an issue of row {rows.min()} or {rows.max()} of {count}")
    gone = set(pages.superseded["row"].to_pylist())
    if len(gone) + pages.cases.num_rows != count or not gone.isdisjoint(pages.superseded["counts"].to_pylist()):
        raise Broken("superseded rows do not reconcile")
    if pages.summary.rows_read != count:
        raise Broken(f"{pages.summary.rows_read} rows told, {count} read")
    for name in ("dx_condition", "dx_source", "dx_status"):
        parallel(pages.table, "dx", name)
    for name in ("proc_date", "proc_level", "proc_source", "proc_status"):
        parallel(pages.table, "proc", name)


def parallel(table: pa.Table, codes: str, beside: str) -> None:
    """One element of the list beside for every code."""
    wrong = pc.not_equal(pc.list_value_length(table[codes]), pc.list_value_length(table[beside]))
    if pc.any(wrong).as_py():
        raise Broken(f"{beside} is not parallel to {codes}")


def check_evidence_of_list(pages: Any) -> None:
    """Lists beside the codes are parallel to them."""
    for name in ("dx_condition", "dx_source", "dx_status"):
        parallel(pages.table, "dx", name)


def same_tables(one: pa.Table, other: pa.Table) -> bool:
    """NaN is like NaN."""
    return one.schema == other.schema and (one.equals(other) or repr(one.to_pydict()) == repr(other.to_pydict()))


def same_answers(one: Any, other: Any) -> bool:
    """Whether two answers to one input are alike; NaN is like NaN."""
    if isinstance(one, pa.Table):
        return same_tables(one, other)
    if isinstance(one, tuple | list) and isinstance(other, tuple | list):
        return len(one) == len(other) and all(map(same_answers, one, other))
    return repr(one) == repr(other)
