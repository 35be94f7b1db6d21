"""Codes of other systems to cost units: the table dept_map (科室对照) and codes that lost their leading zeros."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from drgengine.costing.bilingual import listed, phrase
from drgengine.costing.fen import largest_remainder_columns, to_fen
from drgengine.costing.findings import finding
from drgengine.costing.intake.tables import ReadTable
from drgengine.costing.model import Finding

if TYPE_CHECKING:
    import pandas as pd

_WHOLE = re.compile(r"(\d+)\.0+")

Targets = Mapping[str, tuple[tuple[str, float], ...]]
"""Code of another system -> (cost unit, share), shares of a code sum to 1."""

SHARE_TOLERANCE = 1e-6


def targets_of(dept_map: pd.DataFrame | None, system: str) -> Targets:
    """Where the codes of a system lead (来源系统); rows of the system win over rows that name none.

    dept_map : the table of the model, None without
    system : finance, hr, assets or his

    >>> import pandas as pd
    >>> rows = pd.DataFrame([[None, "7", "D1", 1.0], ["hr", "7", "D2", 1.0]])
    >>> rows.columns = ["source_system", "source_code", "dept_code", "share"]
    >>> targets_of(rows, "hr"), targets_of(rows, "finance")
    ({'7': (('D2', 1.0),)}, {'7': (('D1', 1.0),)})
    """
    if dept_map is None:
        return {}
    own: dict[str, dict[str, float]] = {}
    common: dict[str, dict[str, float]] = {}
    rows = zip(
        dept_map["source_system"], dept_map["source_code"], dept_map["dept_code"], dept_map["share"], strict=True
    )
    for source_system, source, department, share in rows:
        if not isinstance(source, str) or not isinstance(department, str) or share != share:
            continue
        place = own if source_system == system else None if isinstance(source_system, str) else common
        if place is not None:
            shares = place.setdefault(source, {})
            shares[department] = shares.get(department, 0.0) + share
    return {source: tuple(shares.items()) for source, shares in (common | own).items()}


def settle_shares(table: ReadTable, normalise: bool) -> list[Finding]:
    """Shares of one source code must sum to 1; with `normalise` they are scaled in the frame and listed."""
    frame = table.frame
    keys = [frame["source_system"].fillna(""), frame["source_code"].fillna("")]
    sums = frame.groupby(keys, sort=False)["share"].transform("sum")
    findings = []
    off = ((sums - 1).abs() > SHARE_TOLERANCE) & frame["source_code"].notna() & frame["share"].notna()
    for (_, source), rows in frame[off].groupby([keys[0][off], keys[1][off]], sort=False):
        positions = rows.index.to_numpy()
        total = float(rows["share"].sum())
        place = table.place(positions, "share")
        if normalise and total > 0:
            frame.loc[positions, "share"] = rows["share"] / total
            findings.append(finding("warning", "share_sum.code_scaled", place, code=source, total=total))
        else:
            findings.append(finding("error", "share_sum.code", place, code=source, total=total))
    return findings


def map_departments(table: ReadTable, column: str, targets: Targets) -> list[Finding]:
    """Replace the codes of a column; a ledger line of a code with several targets becomes several lines.

    Amounts are split in whole fen with exact totals. Only the ledger can be split: elsewhere such codes are errors.
    """
    codes = table.frame[column]
    concerned = codes.isin(list(targets))
    if not concerned.any():
        return []
    findings = []
    split = {source for source, parts in targets.items() if len(parts) > 1} & set(codes[concerned])
    if split and table.words.name != "ledger":
        for source in sorted(split):
            shares = listed([f"{department} {share:g}" for department, share in targets[source]], 20)
            place = table.place(np.flatnonzero(codes == source), column)
            values = {"code": source, "shares": shares, "system": table.words.system}
            findings.append(finding("error", "split_outside_ledger", place, **values))
        split = set()
    amount = None
    if split:
        amount = _split(table, column, targets, split)
        codes = table.frame[column]
    single = {source: parts[0][0] for source, parts in targets.items() if len(parts) == 1}
    changed = codes.isin([source for source, department in single.items() if source != department])
    table.frame[column] = codes.where(~codes.isin(list(single)), codes.map(single))
    files = listed((name for _, name in table.files), 20)
    place = phrase("column", place=files, column=table.headers.get(column, column))
    if changed.any():
        findings.append(finding("note", "department_mapped.mapped", place, n=int(changed.sum())))
    if amount is not None:
        findings.append(finding("note", "department_mapped.split", place, amount[1], n=amount[0]))
    return findings


def _split(table: ReadTable, column: str, targets: Targets, split: set[str]) -> tuple[int, float]:
    """Split ledger lines in place; how many, and their amount in yuan."""
    codes = table.frame[column].to_numpy(dtype=object)
    amounts = table.frame["amount"].to_numpy(dtype=np.float64)
    repeats = np.array([len(targets[code]) if code in split else 1 for code in codes], dtype=np.int64)
    rows = np.repeat(np.arange(len(codes)), repeats)
    first = np.concatenate([[0], np.cumsum(repeats)[:-1]])
    new_codes, new_amounts = codes[rows], amounts[rows]
    for source in sorted(split):
        parts = targets[source]
        lines = np.flatnonzero((codes == source) & ~np.isnan(amounts))
        shares = np.array([share for _, share in parts])
        pieces = _pieces(amounts[lines], shares / shares.sum())
        for at, (department, _) in enumerate(parts):
            new_codes[first[codes == source] + at] = department
            new_amounts[first[lines] + at] = pieces[at]
    table.keep(rows)
    table.frame[column] = new_codes
    table.frame["amount"] = new_amounts
    concerned = np.isin(codes, list(split))
    return int(concerned.sum()), float(np.nansum(amounts[concerned]))


def _pieces(amounts: npt.NDArray[np.float64], shares: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Yuan float64[parts, lines] in whole fen; what an amount has beyond whole fen stays with the largest part."""
    fen = to_fen(amounts)
    pieces = largest_remainder_columns(np.outer(shares, fen.astype(np.float64)), fen) / 100.0
    pieces[int(shares.argmax())] += np.round(amounts - fen / 100.0, 9)
    return pieces


def mend_zeros(table: ReadTable, column: str, known: set[str]) -> list[Finding]:
    """Give codes their leading zeros back where exactly one known department has that code with zeros in front."""
    codes = table.frame[column]
    bare: dict[str, list[str]] = {}
    for code in known:
        bare.setdefault(code.lstrip("0"), []).append(code)
    mended: dict[str, str] = {}
    for code in codes.dropna().unique():
        near = bare.get(code.lstrip("0"), []) if code not in known else []
        if len(near) == 1 and code.lstrip("0"):
            mended[code] = near[0]
    if not mended:
        return []
    concerned = codes.isin(list(mended))
    place = table.place(np.flatnonzero(concerned), column)
    first = next(iter(mended.items()))
    table.frame[column] = codes.where(~concerned, codes.map(mended))
    return [finding("warning", "code_zeros", place, n=len(mended), raw=first[0], code=first[1])]


def mend_points(table: ReadTable, column: str, known: set[str]) -> list[Finding]:
    """Take the .0 of a spreadsheet off codes that are known without it, as in charge lines."""
    codes = table.frame[column]
    mended = {
        code: whole[1]
        for code in codes.dropna().unique()
        if code not in known and (whole := _WHOLE.fullmatch(code)) and whole[1] in known
    }
    if not mended:
        return []
    concerned = codes.isin(list(mended))
    place = table.place(np.flatnonzero(concerned), column)
    raw, code = next(iter(mended.items()))
    table.frame[column] = codes.where(~concerned, codes.map(mended))
    return [finding("warning", "code_is_number.point_zero", place, n=len(mended), raw=raw, code=code)]


def department_columns(table: ReadTable) -> list[str]:
    """Columns of a table that hold department codes."""
    return [column.name for column in table.words.columns.values() if column.kind == "department"]
