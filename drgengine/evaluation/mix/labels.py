"""Texts of a column numbered over all batches (标签编码)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from drgengine.errors import EvaluationError


class Labels:
    """Numbers 0.. of the texts of one column in the order of their appearance; null and blank texts share one."""

    def __init__(self, column: str) -> None:
        self.column = column
        self.known: pa.Array = pa.array([], pa.string())
        self._null = -1
        self._count = 0
        self._numbers = np.empty(0, np.int32)
        self._texts: list[str | None] = []

    def number(self, values: pa.Array) -> npt.NDArray[np.int32]:
        """int32[n]. Raises EvaluationError for codes that are floating point numbers."""
        encoded = self._encode(values)
        table = self._numbers_of(encoded.dictionary)
        indices = encoded.indices
        if indices.null_count:
            indices = pc.fill_null(indices, pa.scalar(len(table), indices.type))
            table = np.append(table, np.int32(self._null_number()))
        return table[indices.to_numpy(zero_copy_only=False)]

    def texts(self) -> list[str | None]:
        """The text of every number; None where the number stands for null."""
        return self._texts

    def _encode(self, values: pa.Array) -> pa.DictionaryArray:
        kind = values.type
        if pt.is_dictionary(kind):
            if pt.is_string(kind.value_type):
                return values
            return pa.DictionaryArray.from_arrays(values.indices, values.dictionary.cast(pa.string()))
        if pt.is_floating(kind) and values.null_count < len(values):
            shown = values.drop_null()[0].as_py()
            problem = f"the codes are numbers with a fraction, e.g. {shown!r}"
            raise EvaluationError(f"column {self.column}", problem, "Give codes as text or as whole numbers")
        return values.cast(pa.string()).dictionary_encode()

    def _numbers_of(self, dictionary: pa.Array) -> npt.NDArray[np.int32]:
        blank = pc.equal(pc.utf8_trim_whitespace(dictionary), "")
        dictionary = pc.if_else(blank, pa.scalar(None, pa.string()), dictionary)
        place = pc.index_in(dictionary, value_set=self.known)
        fresh = dictionary.filter(pc.and_(pc.is_null(place), pc.is_valid(dictionary)))
        if len(fresh):
            fresh = fresh.unique()
            self.known = pa.concat_arrays([self.known, fresh])
            new = np.arange(self._count, self._count + len(fresh), dtype=np.int32)
            self._numbers = np.concatenate([self._numbers, new])
            self._count += len(fresh)
            self._texts += fresh.to_pylist()
            place = pc.index_in(dictionary, value_set=self.known)
        if not place.null_count:
            return self._numbers[place.to_numpy(zero_copy_only=False)]
        filled = pc.fill_null(place, -1).to_numpy(zero_copy_only=False)
        return np.where(filled < 0, np.int32(self._null_number()), np.append(self._numbers, np.int32(0))[filled])

    def _null_number(self) -> int:
        if self._null < 0:
            self._null = self._count
            self._count += 1
            self._texts.append(None)
        return self._null
