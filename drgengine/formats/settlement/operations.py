"""The operations of a settlement list: the one that leads in front, the others as they come."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from drgengine.cases.issues import BatchIssue
from drgengine.formats.cleaning import CleanedCodes, clean_dates
from drgengine.formats.settlement.diagnoses import Coding, read_flags
from drgengine.formats.settlement.evidence import Evidence, at_settlements
from drgengine.formats.settlement.joining import Gathered, gather
from drgengine.formats.settlement.profile import plain_word
from drgengine.formats.settlement.tables import InputTable

_FILLERS = ["", "-", "--", "—", "/"]


def read_operations(
    table: InputTable, parent: np.ndarray, count: int, coding: Coding, evidence: Evidence
) -> tuple[CleanedCodes, Gathered, dict[str, pa.Array]]:
    """Procedure codes (手术操作编码) of `count` settlements, the main one in front; by row proc_date and proc_level.

    Where several carry the main flag, or none does, the first of them leads and the settlement is reported
    """
    flags, order = read_flags(table), coding.sequence(table)
    lead, unclear = _leading(table, parent, flags.codes == 1, order)
    gathered = gather(parent, parent >= 0, lead, order, count)
    codes = coding.clean(table, gathered.lists(table.column("code")), "proc")
    evidence.count(codes, table.shown("code"))
    evidence.issues += [*codes.issues, *unclear, *at_settlements(flags.issues, parent, table.file)]
    when = clean_dates(table.column("time"), table.shown("time"), 1)
    times = evidence.below(when, table.shown("time"), parent, table.file).cast(pa.timestamp("s"))
    level = pc.utf8_trim_whitespace(table.column("level").cast(pa.string()))
    level = pc.if_else(pc.is_in(level, pa.array(_FILLERS)), None, level)
    return codes, gathered, {"proc_date": times, "proc_level": level}


def _leading(
    table: InputTable, parent: np.ndarray, flagged: np.ndarray, order: np.ndarray
) -> tuple[np.ndarray, list[BatchIssue]]:
    """bool: the row that leads each settlement; the issue of settlements where different codes might.

    Of the rows with the main flag (of all, where none has it) the first with a code leads, by order, then as in file.
    """
    index, plain, raw = _codes(table)
    coded = np.array([text not in _FILLERS for text in plain], bool)[index]
    rows = np.flatnonzero(parent >= 0)
    rows = rows[np.lexsort((rows, order[rows], ~coded[rows], ~flagged[rows], parent[rows]))]
    owner = parent[rows]
    start = np.r_[True, owner[1:] != owner[:-1]] if rows.size else np.empty(0, bool)
    first = rows[start][np.cumsum(start) - 1]
    lead = np.zeros(table.rows, bool)
    lead[first] = True
    rival = coded[rows] & (flagged[rows] == flagged[first])
    _, same = np.unique(plain, return_inverse=True)
    unclear = np.unique(owner[rival & (same[index[rows]] != same[index[first]])])
    if not unclear.size:
        return lead, []
    inside = rival & np.isin(owner, unclear)
    cuts = np.flatnonzero(np.diff(owner[inside])) + 1
    texts = np.split(raw[index[rows[inside]]], cuts)
    column = table.shown("main" if "main" in table.columns else "code")
    values, taken = ["、".join(part) for part in texts], [part[0] for part in texts]
    return lead, [BatchIssue(column, "operation_main_unclear", unclear + 1, values, taken)]


def _codes(table: InputTable) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Per row the number of its code text; the texts without differences in blanks, width or case, and as they are."""
    encoded = pc.fill_null(table.column("code").cast(pa.string()), "").dictionary_encode()
    raw = np.array(encoded.dictionary.to_pylist(), object)
    plain = np.array([plain_word(text).casefold() for text in raw], object)
    return np.asarray(encoded.indices).astype(np.int64), plain, raw
