"""A file of remarks on values, one row each."""

from __future__ import annotations

import os
from types import TracebackType

import numpy as np
import pyarrow as pa

from drgengine.cases import BatchIssue
from drgengine.cases.issues import issue_rules
from drgengine.formats import open_sink

SCHEMA = pa.schema(
    [
        ("row", pa.int64()),
        ("column", pa.string()),
        ("raw", pa.string()),
        ("cleaned", pa.string()),
        ("rule", pa.string()),
        ("severity", pa.string()),
        ("remedy", pa.string()),
        ("hint", pa.string()),
    ]
)


class IssueFile:
    """Writes row, column, raw, cleaned, rule, severity, remedy, hint in the order of the rows, whatever the batches.

    cleaned and hint are null where a rule changed nothing or has nothing to say.
    """

    def __init__(self, path: str | os.PathLike[str], language: str = "en") -> None:
        self._language = language
        self._sink = open_sink(path, SCHEMA)

    def write(self, issues: list[BatchIssue]) -> None:
        """Append the remarks of one batch."""
        found = [issue for issue in issues if issue.rows.size]
        if not found:
            return
        rules = issue_rules()
        columns: list[pa.Array] = [
            pa.array(np.concatenate([issue.rows for issue in found]), pa.int64()),
            _repeated([(issue.column, issue.rows.size) for issue in found]),
            pa.array([value for issue in found for value in issue.values], pa.string()),
            _parallel([(issue.cleaned, issue.rows.size) for issue in found]),
            _repeated([(issue.rule, issue.rows.size) for issue in found]),
            _repeated([(rules[issue.rule]["severity"], issue.rows.size) for issue in found]),
            _repeated([(rules[issue.rule][self._language], issue.rows.size) for issue in found]),
            _parallel([(issue.hints, issue.rows.size) for issue in found]),
        ]
        table = pa.Table.from_arrays(columns, schema=SCHEMA)
        order = np.lexsort(
            (
                np.concatenate([np.arange(issue.rows.size) for issue in found]),
                np.repeat(_ranks([(issue.column, issue.rule) for issue in found]), [i.rows.size for i in found]),
                columns[0].to_numpy(),
            )
        )
        self._sink.write(table.take(pa.array(order)).combine_chunks().to_batches()[0])

    def __enter__(self) -> IssueFile:
        self._sink.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._sink.__exit__(kind, error, trace)


def _repeated(texts: list[tuple[str, int]]) -> pa.Array:
    return pa.concat_arrays([pa.repeat(pa.scalar(text, pa.string()), times) for text, times in texts])


def _parallel(texts: list[tuple[list[str] | None, int]]) -> pa.Array:
    return pa.concat_arrays(
        [pa.nulls(size, pa.string()) if found is None else pa.array(found, pa.string()) for found, size in texts]
    )


def _ranks(keys: list[tuple[str, str]]) -> list[int]:
    place = {key: at for at, key in enumerate(sorted(set(keys)))}
    return [place[key] for key in keys]
