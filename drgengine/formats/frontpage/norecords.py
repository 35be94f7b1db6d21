"""Rows of an export that are no case (非病例行): headers repeated inside the data, and totals."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from drgengine.cases.issues import BatchIssue
from drgengine.cases.vocabulary import fold
from drgengine.formats.profiles import Found, Profile
from drgengine.formats.profiles.claims import read_header
from drgengine.formats.profiles.profilefile import FOLDER

_FIRST_COLUMNS = ("hospital_id", "record_no", "visit_no")
_MARKS = " \t\u3000:："


@dataclass(frozen=True, slots=True, eq=False)
class RecordFilter:
    """Finds the rows that are no case and empties them, so that every row keeps its number.

    found : the columns of the file; first : its first column when it is read, "" otherwise
    """

    profile: Profile
    found: Found
    first: str = ""

    def clean(self, batch: pa.RecordBatch, first_row: int) -> tuple[pa.RecordBatch, list[BatchIssue]]:
        """The batch with rows of nulls in the place of headers and totals, and what was found."""
        empty = np.zeros(batch.num_rows, bool)
        issues = []
        for rule, rows in (("row_is_header", self._headers(batch)), ("row_is_total", self._totals(batch))):
            for column, places in rows.items():
                fresh = places[~empty[places]]
                if fresh.size:
                    empty[fresh] = True
                    raw = [str(batch.column(column)[int(place)].as_py()).strip() for place in fresh]
                    issues.append(BatchIssue(column, rule, fresh + first_row, raw))
        if not empty.any():
            return batch, []
        taken = pa.array(np.arange(batch.num_rows), pa.int64(), mask=empty)
        arrays = [pc.take(column, taken) for column in batch.columns]
        return pa.RecordBatch.from_arrays(arrays, schema=batch.schema), issues

    def _headers(self, batch: pa.RecordBatch) -> dict[str, np.ndarray]:
        """Rows whose principal diagnosis is a header of it and whose cells are mostly headers."""
        principal = self.found.principal
        assert principal is not None
        values = _text(batch, principal)
        if values is None:
            return {}
        places = _among(values, (*_spellings(self.profile), principal.casefold()))
        whole = [place for place in places.tolist() if self._all_headers(batch, place)]
        return {principal: np.array(whole, np.int64)}

    def _all_headers(self, batch: pa.RecordBatch, place: int) -> bool:
        cells = [(name, batch.column(name)[place].as_py()) for name in batch.schema.names]
        filled = [(name, cell) for name, cell in cells if isinstance(cell, str) and cell.strip()]
        known = sum(fold(cell) == fold(name) or read_header(cell, self.profile) is not None for name, cell in filled)
        return known * 2 > len(filled)

    def _totals(self, batch: pa.RecordBatch) -> dict[str, np.ndarray]:
        """Rows without a principal diagnosis that begin with a word of a total."""
        rows: dict[str, np.ndarray] = {}
        principal = self.found.principal
        for name in dict.fromkeys([self.first, *(self.found.scalars.get(key, "") for key in _FIRST_COLUMNS)]):
            values = _text(batch, name)
            if values is not None:
                places = _among(values, _total_words())
                bare = [place for place in places.tolist() if not _filled(batch, principal, place)]
                rows[name] = np.array(bare, np.int64)
        return rows


def _text(batch: pa.RecordBatch, name: str | None) -> pa.Array | None:
    if not name or name not in batch.schema.names:
        return None
    values = batch.column(name)
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    return values if pa.types.is_string(values.type) or pa.types.is_large_string(values.type) else None


def _among(values: pa.Array, words: tuple[str, ...]) -> np.ndarray:
    """Places of the cells that are one of the words, without blanks, colons and case."""
    plain = pc.utf8_lower(pc.utf8_trim(values, characters=_MARKS))
    plain = pc.replace_substring(pc.replace_substring(plain, " ", ""), "\u3000", "")
    wanted = pa.array([word.replace(" ", "") for word in words], plain.type)
    return np.flatnonzero(np.asarray(pc.is_in(plain, value_set=wanted)))


def _filled(batch: pa.RecordBatch, name: str | None, place: int) -> bool:
    cell = batch.column(name)[place].as_py() if name else None
    return cell is not None and str(cell).strip(_MARKS + "-—/") != ""


def _spellings(profile: Profile) -> tuple[str, ...]:
    """Headers of the principal diagnosis, folded."""
    return tuple(form for layer in profile.layers for form, target in layer.plain.items() if target in _PRINCIPAL)


_PRINCIPAL = (("dx.code", 0), ("dx.list", 0))


@cache
def _total_words() -> tuple[str, ...]:
    return tuple(tomllib.loads((FOLDER / "rowwords.toml").read_text(encoding="utf-8"))["total"])
