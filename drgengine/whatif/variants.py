"""Variants of the records of a batch, and the grouper's answers to them, in pieces of bounded size."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from drgengine.cases import BatchIssue, PackedCodes, pack
from drgengine.grouper.group import BatchAnswer, Grouper
from drgengine.whatif.listkernel import left_out_kernel, lengths_of, marks_kernel, moved_kernel, pairs_kernel

PIECE_CODES = 8_000_000
"""Codes of the variants that are held at once."""
Lists = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """The diagnoses or the procedures of a batch.

    codes : texts and their places; number int32 (m,): equal texts have equal numbers, -1 = no code
    as_first, leaves : see listkernel.marks_kernel
    """

    codes: PackedCodes
    number: np.ndarray
    as_first: np.ndarray
    leaves: np.ndarray

    def place(self, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(record, place inside it) of positions in the flat list."""
        case = np.searchsorted(self.codes.offsets, at, side="right") - 1
        return case.astype(np.int64), (at - self.codes.offsets[case]).astype(np.int32)


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """A batch of cases packed for the kernel, with the texts of its codes.

    arguments : of group_kernel; issues : what was mended in the code lists
    """

    arguments: tuple[Any, ...]
    dx: Side
    proc: Side
    issues: list[BatchIssue]

    @property
    def n(self) -> int:
        return int(self.dx.codes.offsets.size) - 1


@dataclass(frozen=True, slots=True, eq=False)
class Variants:
    """Records to group instead of those of the batch: where they come from, and which place of each list is meant.

    case int64 (a,); dx_place, proc_place int32 (a,): 0 or less leaves the list as it is
    """

    case: np.ndarray
    dx_place: np.ndarray
    proc_place: np.ndarray

    def part(self, start: int, end: int) -> Variants:
        """The variants from start to end."""
        return Variants(self.case[start:end], self.dx_place[start:end], self.proc_place[start:end])


class VariantGrouper(Grouper):
    """Groups records and variants of them. Pure and thread-safe, as Grouper."""

    def packed(self, batch: pa.RecordBatch, first_row: int) -> Batch:
        """A batch whose first row has the number first_row."""
        arguments = self.kernel_arguments(batch, first_row)
        cases = pack(batch, self.columns, numbers=(), department=False, first_row=first_row)
        return Batch(arguments, _side(cases.dx), _side(cases.proc), cases.issues)

    def recorded(self, batch: Batch) -> BatchAnswer:
        """The answers to the records as they are."""
        return self.answer_arguments(batch.arguments, [])

    def moved(self, batch: Batch, variants: Variants) -> Iterator[tuple[Variants, BatchAnswer]]:
        """Answers with the codes at the places moved to the front, piece by piece."""
        return self._pieces(batch, variants, _moved)

    def left_out(self, batch: Batch, variants: Variants) -> Iterator[tuple[Variants, BatchAnswer]]:
        """Answers without the codes at the places, piece by piece."""
        return self._pieces(batch, variants, _left_out)

    def _pieces(
        self, batch: Batch, variants: Variants, lists: Callable[[Batch, str, np.ndarray, np.ndarray], Lists]
    ) -> Iterator[tuple[Variants, BatchAnswer]]:
        for start, end in _cuts(batch, variants):
            part = variants.part(start, end)
            dx = lists(batch, "dx", part.case, part.dx_place)
            proc = lists(batch, "proc", part.case, part.proc_place)
            yield part, self.answer_arguments(_arguments(batch, part.case, dx, proc), [])


def all_arrangements(batch: Batch, rows: np.ndarray) -> Variants:
    """Every diagnosis as principal with every procedure as first, for some records (int64), in the record's order."""
    dx, proc = _firsts(batch.dx), _firsts(batch.proc)
    total = int((dx[rows] * np.maximum(proc[rows], 1)).sum())
    case, dx_place, proc_place = np.empty(total, np.int64), np.empty(total, np.int32), np.empty(total, np.int32)
    pairs_kernel(
        rows, batch.dx.codes.offsets, batch.dx.as_first, batch.proc.codes.offsets, batch.proc.as_first,
        case, dx_place, proc_place,
    )  # fmt: skip
    return Variants(case, dx_place, proc_place)


def _firsts(side: Side) -> np.ndarray:
    ends = np.concatenate([[0], np.cumsum(side.as_first)])[side.codes.offsets]
    return np.diff(ends)


def _side(codes: PackedCodes) -> Side:
    first: dict[str, int] = {}
    number = np.array([first.setdefault(text, at) if text else -1 for at, text in enumerate(codes.texts)], np.int32)
    numbers = number[codes.index]
    as_first, leaves = np.empty(numbers.size, np.bool_), np.empty(numbers.size, np.bool_)
    marks_kernel(codes.offsets, numbers, as_first, leaves)
    return Side(codes, numbers, as_first, leaves)


def _cuts(batch: Batch, variants: Variants) -> Iterator[tuple[int, int]]:
    """Bounds of pieces that hold at most PIECE_CODES codes, or a single variant."""
    codes = lengths_of(batch.dx.codes.offsets, variants.case) + lengths_of(batch.proc.codes.offsets, variants.case)
    ends = np.cumsum(codes + 1)
    start = 0
    while start < ends.size:
        done = ends[start - 1] if start else 0
        end = max(int(np.searchsorted(ends, done + PIECE_CODES, side="right")), start + 1)
        yield start, end
        start = end


def _moved(batch: Batch, name: str, case: np.ndarray, place: np.ndarray) -> Lists:
    offsets, index, _ = _lists(batch, name)
    new_offsets = np.zeros(case.size + 1, offsets.dtype)
    np.cumsum(lengths_of(offsets, case), out=new_offsets[1:])
    new_index = np.empty(int(new_offsets[-1]), index.dtype)
    moved_kernel(case, place, offsets, index, new_offsets, new_index)
    return new_offsets, new_index


def _left_out(batch: Batch, name: str, case: np.ndarray, place: np.ndarray) -> Lists:
    offsets, index, number = _lists(batch, name)
    new_offsets = np.zeros(case.size + 1, offsets.dtype)
    new_index = np.empty(int(lengths_of(offsets, case).sum()), index.dtype)
    left_out_kernel(case, place, offsets, index, number, new_offsets, new_index)
    return new_offsets, new_index[: new_offsets[-1]]


def _lists(batch: Batch, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    at, side = (2, batch.dx) if name == "dx" else (5, batch.proc)
    return batch.arguments[at], batch.arguments[at + 1], side.number


def _arguments(batch: Batch, case: np.ndarray, dx: Lists, proc: Lists) -> tuple[Any, ...]:
    tables, _, _, _, dx_signature, _, _, proc_signature, sex, numbers, department, *results = batch.arguments
    inputs = (
        np.arange(case.size), *dx, dx_signature, *proc, proc_signature,
        sex[case], numbers[:, case], department[case],
    )  # fmt: skip
    return (tables, *(_read_only(array) for array in inputs), *(np.empty(case.size, r.dtype) for r in results))


def _read_only(array: np.ndarray) -> np.ndarray:
    """As Grouper hands its arrays to the kernel, so that no further form of it is compiled."""
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view
