"""Who a record belongs to: case number, pseudonym, and which record of a stay counts."""

from __future__ import annotations

import hashlib
import re
import unicodedata

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from drgengine.cases.unreadable import as_utf8

_ID_15 = re.compile(r"\d{15}")
_ID_18 = re.compile(r"\d{17}[\dX]")
# GB 11643: weights of the 17 digits and the check characters of the remainders 0 to 10.
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"
_SHORTEST_SALT, _LONGEST_KEY = 16, 64
_SEPARATOR = "\x1f"
_NO_TIME = np.iinfo(np.int64).min
_STAY_COLUMNS = ("hospital_id", "record_no", "visit_no", "admission_time", "discharge_time")
_KEY = np.dtype([("high", "<u8"), ("low", "<u8")])


def case_ids(record_no: pa.Array, visit_no: pa.Array) -> pa.Array:
    """Record and visit number joined by "-"; the record number alone without a visit number; null without a record.

    >>> case_ids(pa.array(["7", "8", None]), pa.array(["2", None, "1"])).to_pylist()
    ['7-2', '8', None]
    """
    joined = pc.binary_join_element_wise(record_no, visit_no, "-")
    return pc.coalesce(joined, record_no)


def salt_key(salt: str | bytes) -> bytes:
    """The key of the pseudonyms; ValueError when it is so short that it could be guessed.

    A longer salt than a key may be is hashed first.
    """
    raw = salt.encode() if isinstance(salt, str) else bytes(salt)
    if len(raw) < _SHORTEST_SALT:
        raise ValueError(f"the salt has {len(raw)} bytes, {_SHORTEST_SALT} are needed")
    return raw if len(raw) <= _LONGEST_KEY else hashlib.blake2b(raw).digest()


def pseudonyms(id_numbers: pa.Array, key: bytes) -> pa.Array:
    """Keyed hash (blake2b, 32 hexadecimal digits) of identity numbers; null for what is none.

    The old form of 15 digits and the new one of 18 give the same pseudonym.

    >>> old, new, none = pseudonyms(pa.array(["110105491231002", "11010519491231002x", "-"]), b"0123456789abcdef")
    >>> old == new, len(old.as_py()), none.as_py()
    (True, 32, None)
    """
    encoded = as_utf8(id_numbers).cast(pa.string()).dictionary_encode()
    hashed = [_pseudonym(text, key) for text in encoded.dictionary.to_pylist()]
    return pa.array(hashed, pa.string()).take(encoded.indices)


def _pseudonym(text: str, key: bytes) -> str | None:
    number = "".join(unicodedata.normalize("NFKC", text).split()).upper()
    if _ID_15.fullmatch(number):
        number = f"{number[:6]}19{number[6:]}"
        total = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, number, strict=True))
        number += _CHECKS[total % 11]
    if not _ID_18.fullmatch(number):
        return None
    return hashlib.blake2b(number.encode(), key=key, digest_size=16).hexdigest()


class StayKeys:
    """Remembers of every record 16 bytes of its stay's key and 8 of its discharge, to find repeated uploads.

    A stay is known by hospital, record and visit number; without a visit number the admission stands for it, as the
    record number is the patient's. Records that lack both, or the record number, are never repeated.
    """

    def __init__(self) -> None:
        self._keys: list[np.ndarray] = []
        self._times: list[np.ndarray] = []
        self._rows: list[np.ndarray] = []

    def add(self, cases: pa.RecordBatch, first_row: int) -> None:
        """Take in one batch of cleaned cases."""
        hospital, record_no, visit_no, admission, discharge = (cases.column(name) for name in _STAY_COLUMNS)
        admitted = pc.binary_join_element_wise("@", admission.cast(pa.int64()).cast(pa.string()), "")
        keys = [hospital, record_no, pc.coalesce(visit_no, admitted)]
        at = np.flatnonzero(np.asarray(pc.and_(keys[1].is_valid(), keys[2].is_valid())))
        if not at.size:
            return
        known = [pc.fill_null(values.take(pa.array(at)), "") for values in keys]
        joined = pc.binary_join_element_wise(*known, _SEPARATOR).to_pylist()
        digests = b"".join(hashlib.blake2b(text.encode(), digest_size=16).digest() for text in joined)
        self._keys.append(np.frombuffer(digests, _KEY))
        times = pc.fill_null(discharge.take(pa.array(at)).cast(pa.int64()), _NO_TIME)
        self._times.append(np.asarray(times))
        self._rows.append((at + first_row).astype(np.int64))

    def superseded(self) -> tuple[np.ndarray, np.ndarray]:
        """Rows set aside, ascending, and for each the row that counts: the last by discharge, then by place."""
        if not self._keys:
            return np.empty(0, np.int64), np.empty(0, np.int64)
        keys, times, rows = (np.concatenate(parts) for parts in (self._keys, self._times, self._rows))
        order = np.lexsort((rows, times, keys["low"], keys["high"]))
        keys, rows = keys[order], rows[order]
        # The last of every run of equal keys counts.
        last = np.r_[keys[1:] != keys[:-1], True]
        run = np.cumsum(np.r_[0, last[:-1]])
        counts = rows[last][run]
        aside, by = rows[~last], counts[~last]
        ascending = np.argsort(aside)
        return aside[ascending], by[ascending]
