"""Grouping of tables in memory: any table of cases in, the same table and six result columns out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from drgengine.cases import BatchIssue, ColumnMap, IssueLog, PackedCodes, pack, resolve_columns
from drgengine.errors import CaseTableError
from drgengine.grouper.cache import compiled
from drgengine.grouper.compile import Compiled
from drgengine.grouper.kernel import group_kernel
from drgengine.grouper.reasons import reason_ungroupable
from drgengine.grouper.scheme import Scheme
from drgengine.grouper.schemefile import DEFAULT_SCHEME, load_scheme
from drgengine.grouper.tables import DAYS_OF_INFANT, REASONS, SEVERITIES, STATUSES

RESULT_COLUMNS = ("status", "mdc", "adrg", "drg", "severity", "reason")
BATCH_ROWS = 131_072


@dataclass(frozen=True, slots=True, eq=False)
class BatchAnswer:
    """What the grouper says of one batch.

    leaf int16 (n,), reason int8 (n,): numbers as in the kernel, reason -1 = none
    columns : the six result columns, dictionary-encoded, in the order of RESULT_COLUMNS
    issues : what was mended, unreadable or unknown
    """

    leaf: np.ndarray
    reason: np.ndarray
    columns: list[pa.DictionaryArray]
    issues: list[BatchIssue]


class Grouper:
    """One scheme made ready for tables of one layout. `answer` is pure and may run in several threads at once."""

    def __init__(self, scheme: Scheme, columns: ColumnMap) -> None:
        self.columns = columns
        self.compiled = made = compiled(scheme)
        self._dx = _Lookup(made.dx_codes, made.dx_signature, made.dx_prefixes, "code_unknown_diagnosis")
        self._proc = _Lookup(made.proc_codes, made.proc_signature, made.proc_prefixes, "code_unknown_procedure")
        self._department = {name: at for at, name in enumerate(made.departments, 1)}
        self._leaf_columns = _leaf_columns(made)
        self.drg_of_leaf: tuple[str | None, ...] = (None, made.ungroupable, *made.leaf_drg)

    def answer(self, batch: pa.RecordBatch, first_row: int) -> BatchAnswer:
        """Group a batch whose first row has the number first_row (for remarks)."""
        return self.answer_arguments(*self._prepare(batch, first_row))

    def answer_arguments(self, arguments: tuple[Any, ...], issues: list[BatchIssue]) -> BatchAnswer:
        """Group what is packed already: arguments as from `kernel_arguments`, and the issues of their packing."""
        group_kernel(*arguments)
        leaf, severity, reason = arguments[-3:]
        reason_ungroupable(self.compiled, arguments)
        columns = [column.take(leaf) for column in self._leaf_columns]
        columns += [_encoded(severity, SEVERITIES), _encoded(reason, REASONS)]
        return BatchAnswer(leaf, reason, columns, issues)

    def kernel_arguments(self, batch: pa.RecordBatch, first_row: int) -> tuple[Any, ...]:
        """What `answer` hands to the kernel for a batch, results last; for benchmarks of the kernel alone."""
        return self._prepare(batch, first_row)[0]

    def _prepare(self, batch: pa.RecordBatch, first_row: int) -> tuple[tuple[Any, ...], list[BatchIssue]]:
        made = self.compiled
        cases = pack(batch, self.columns, numbers=made.numbers, department=bool(made.departments), first_row=first_row)
        if made.counts_codes:  # renumbers the codes, so it goes before their signatures
            cases = replace(cases, dx=_each_code_once(cases.dx), proc=_each_code_once(cases.proc))
        dx, dx_issues = self._dx.signatures(cases.dx, self.columns.dx.rest or "dx", first_row)
        numbers = _days_of_infants(cases.numbers) if made.day_age_of_infants_only else cases.numbers
        proc_column = (self.columns.proc.rest if self.columns.proc else None) or "proc"
        proc, proc_issues = self._proc.signatures(cases.proc, proc_column, first_row)
        department = np.zeros(cases.n, np.int32)
        if cases.department is not None:
            number = np.array([self._department.get(text, 0) for text in cases.department.texts], np.int32)
            department = number[cases.department.index]
        results = np.empty(cases.n, np.int16), np.empty(cases.n, np.int8), np.empty(cases.n, np.int8)
        inputs = (
            np.arange(cases.n),
            cases.dx.offsets, cases.dx.index.view(np.uint32), dx,
            cases.proc.offsets, cases.proc.index.view(np.uint32), proc,
            cases.sex, numbers, department,
        )  # fmt: skip
        arguments = (made.tables, *(_read_only(array) for array in inputs), *results)
        return arguments, [*cases.issues, *dx_issues, *proc_issues]


def _each_code_once(codes: PackedCodes) -> PackedCodes:
    """The same codes with one number for each text: two texts may have become equal when they were mended."""
    place: dict[str, int] = {}
    number = np.array([place.setdefault(text, len(place)) for text in codes.texts], np.int32)
    return codes if len(place) == len(codes.texts) else replace(codes, index=number[codes.index], texts=[*place])


def _days_of_infants(numbers: np.ndarray) -> np.ndarray:
    """Numbers (k, n) with age in days only under one year; days of an infant without years make the years 0."""
    made = numbers.copy()
    years, days = made[0], made[1]
    years[np.isnan(years) & (days >= 0) & (days < DAYS_OF_INFANT)] = 0
    days[years >= 1] = np.nan
    return made


def _read_only(array: np.ndarray) -> np.ndarray:
    """The array as numba types it always alike; a mix of writable and read-only inputs is compiled for each mix."""
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view


class _Lookup:
    """Signatures of code texts, and remarks on texts that the edition does not know."""

    def __init__(self, codes: tuple[str, ...], signature: np.ndarray, prefixes: Mapping[str, int], rule: str) -> None:
        self.known = dict(zip(codes, signature.tolist(), strict=True))
        self.known[""] = 0
        self.prefixes = sorted(prefixes.items(), key=lambda item: -len(item[0]))
        self.rule = rule

    def signatures(self, packed: PackedCodes, column: str, first_row: int) -> tuple[np.ndarray, list[BatchIssue]]:
        """Signature of each distinct text, uint32 (texts,); an issue for each place that holds an unknown one."""
        numbers = np.array([self.known.get(text, -1) for text in packed.texts], np.int32)
        found, strange = numbers.view(np.uint32), numbers < 0
        unknown = np.flatnonzero(strange)
        if unknown.size == 0:
            return found, []
        for at in unknown.tolist():
            found[at] = next(number for prefix, number in self.prefixes if packed.texts[at].startswith(prefix))
        places = np.flatnonzero(strange[packed.index])
        if places.size == 0:
            return found, []
        rows = np.searchsorted(packed.offsets, places, side="right") - 1 + first_row
        values = [packed.texts[at] for at in packed.index[places].tolist()]
        return found, [BatchIssue(column, self.rule, rows.astype(np.int64), values)]


@dataclass(frozen=True, slots=True, eq=False)
class _LeafColumn:
    """A result column that depends on the leaf alone."""

    number_of_leaf: np.ndarray
    dictionary: pa.StringArray

    def take(self, leaf: np.ndarray) -> pa.DictionaryArray:
        return _with_nulls(self.number_of_leaf[leaf], self.dictionary)


def _leaf_columns(made: Compiled) -> list[_LeafColumn]:
    status = ["invalid", "ungroupable", *("ambiguous" if odd else "grouped" for odd in made.leaf_ambiguous)]
    texts: list[list[str | None]] = [
        list(status),
        [None, None, *made.leaf_mdc],
        [None, None, *made.leaf_adrg],
        [None, made.ungroupable, *made.leaf_drg],
    ]
    columns = []
    for column, values in enumerate(texts):
        words = list(STATUSES) if column == 0 else sorted({value for value in values if value is not None})
        number = {None: -1} | {word: at for at, word in enumerate(words)}
        columns.append(
            _LeafColumn(np.array([number[value] for value in values], np.int32), pa.array(words, pa.string()))
        )
    return columns


def _encoded(numbers: np.ndarray, words: tuple[str, ...]) -> pa.DictionaryArray:
    return _with_nulls(numbers.astype(np.int32), pa.array(words))


def _with_nulls(numbers: np.ndarray, dictionary: pa.StringArray) -> pa.DictionaryArray:
    """Numbers int32 into a dictionary; a negative one is null. Built from buffers, as pa.array would load pandas."""
    missing = numbers < 0
    valid = pa.py_buffer(np.packbits(~missing, bitorder="little")) if missing.any() else None
    indices = pa.Array.from_buffers(pa.int32(), numbers.size, [valid, pa.py_buffer(numbers)])
    return pa.DictionaryArray.from_arrays(indices, dictionary)


def result_fields(prefix: str = "") -> list[pa.Field]:
    """The fields of the result columns; a prefix keeps them apart from columns of the same name."""
    return [pa.field(prefix + name, pa.dictionary(pa.int32(), pa.string())) for name in RESULT_COLUMNS]


def refuse_taken_names(schema: pa.Schema, prefix: str, source: str) -> None:
    """Raise CaseTableError when a result column would have the name of a column that is there."""
    taken = [prefix + name for name in RESULT_COLUMNS if prefix + name in schema.names]
    if taken:
        raise CaseTableError(
            source,
            f"columns {', '.join(taken)} are there already and would be the names of results",
            "Rename them, or give the results a prefix (prefix='new_', --prefix new_)",
        )


def as_table(cases: Any) -> pa.Table:
    """Any table of cases as an Arrow table: Arrow, pandas, Polars, DuckDB, or a dict of columns.

    raises CaseTableError when it is nothing of the kind
    """
    try:
        if isinstance(cases, pa.Table):
            return cases
        if isinstance(cases, pa.RecordBatch):
            return pa.Table.from_batches([cases])
        if isinstance(cases, Mapping):
            return pa.table(dict(cases))
        if hasattr(cases, "iloc"):  # pandas; its index is no column of the cases
            return pa.Table.from_pandas(cases, preserve_index=False)
        if hasattr(cases, "__arrow_c_stream__"):
            return pa.table(cases)
        if isinstance(cases, list):
            return pa.Table.from_pylist(cases)
    except (pa.ArrowException, TypeError, ValueError, AttributeError):
        # What Arrow says may quote a value, which may be a name.
        raise CaseTableError(
            "cases", "not a table: columns of unequal length or of mixed types", "Pass a table with one type per column"
        ) from None
    raise CaseTableError(
        "cases", f"a {type(cases).__name__} is no table", "Pass an Arrow, pandas or Polars table, or a dict of columns"
    )


def numbered(
    batches: Iterator[pa.RecordBatch] | list[pa.RecordBatch], start: int = 1
) -> Iterator[tuple[pa.RecordBatch, int]]:
    """Batches with the number of their first row; rows are counted from 1."""
    held = list(batches)
    yield from zip(held, accumulate([b.num_rows for b in held], initial=start), strict=False)


def group(
    cases: Any,
    scheme: str | Path | Scheme = DEFAULT_SCHEME,
    *,
    columns: Mapping[str, str] | None = None,
    prefix: str = "",
    issues: IssueLog | None = None,
    threads: int = 1,
) -> pa.Table:
    """Assign a DRG to every case (病例入组).

    cases : pyarrow Table or RecordBatch, pandas or Polars DataFrame, anything with __arrow_c_stream__, or a dict of
        columns; English or Chinese column names; see drgengine.cases for what may stand in them
    scheme : packaged name (`chs-drg-2.0`, ...), path of a scheme folder, or a loaded Scheme
    columns : {name of a column in the table: canonical name}, for names that are not recognised
    prefix : put before the names of the result columns
    issues : an IssueLog that takes in every mended, unreadable or unknown value, with counts and first rows
    threads : how many threads share the work; the result does not depend on it
    returns pyarrow Table: all columns and rows of the input, untouched and in order, and status, mdc, adrg, drg,
        severity, reason (dictionary-encoded text)
    raises CaseTableError (columns), SchemeError (scheme); never for what stands in a row: such a row gets
        status `invalid` and a reason

    >>> group({"dx": [["I21.001"]], "sex": [1], "age_years": [63]})["adrg"].to_pylist()
    ['FR1']
    """
    table = as_table(cases)
    refuse_taken_names(table.schema, prefix, "cases")
    grouper = Grouper(load_scheme(scheme), resolve_columns(table.schema, columns, "cases"))
    work = list(numbered(table.to_batches(max_chunksize=BATCH_ROWS)))
    with ThreadPoolExecutor(max(threads, 1)) as pool:
        answers = list(pool.map(lambda item: grouper.answer(*item), work))
    for answer in answers:
        if issues is not None:
            issues.add(answer.issues)
    for at, field in enumerate(result_fields(prefix)):
        chunks = [answer.columns[at] for answer in answers]
        table = table.append_column(field, pa.chunked_array(chunks, field.type))
    return table
