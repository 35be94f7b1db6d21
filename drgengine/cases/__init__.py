"""The case table (病例表): schema, known headers, mending and coercion with row-level issues."""

from drgengine.cases.columns import (
    CASE_SCHEMA,
    CodeColumns,
    ColumnMap,
    drop_personal,
    missing_required,
    resolve_columns,
)
from drgengine.cases.issues import ISSUE_SCHEMA, BatchIssue, IssueLog
from drgengine.cases.pack import PackedCases, PackedCodes, PackedTexts, pack

__all__ = [
    "CASE_SCHEMA",
    "ISSUE_SCHEMA",
    "BatchIssue",
    "CodeColumns",
    "ColumnMap",
    "IssueLog",
    "PackedCases",
    "PackedCodes",
    "PackedTexts",
    "drop_personal",
    "missing_required",
    "pack",
    "resolve_columns",
]
