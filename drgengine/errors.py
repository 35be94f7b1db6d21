"""Errors a user can meet. Each one says where, what value, why, and what to do about it, in one line."""

from __future__ import annotations


class DrgEngineError(Exception):
    """Base of all errors that are the user's to mend; the command line turns them into one line and exit code 2.

    place : file, row, key or argument at fault
    problem : what is wrong, with the value
    remedy : what to do

    >>> str(DrgEngineError("cases.parquet", "no column holds the principal diagnosis", "Name it with --columns"))
    'cases.parquet: no column holds the principal diagnosis. Name it with --columns.'
    """

    def __init__(self, place: str, problem: str, remedy: str) -> None:
        super().__init__(place, problem, remedy)
        self.place = place
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.place}: {self.problem}. {self.remedy}{'' if self.remedy.endswith(('.', '?')) else '.'}"


class SchemeError(DrgEngineError):
    """A scheme folder, a scheme name or an interchange table that cannot be used."""


class CaseTableError(DrgEngineError):
    """A table of cases whose columns cannot be used."""


class InputFileError(DrgEngineError):
    """An input file that cannot be read."""


class OutputFileError(DrgEngineError):
    """An output place that cannot be written."""


class CostingError(DrgEngineError):
    """A cost model, a ledger, an allocation or a cost table that cannot be used."""


class EvaluationError(DrgEngineError):
    """A plan, a target, a matrix of indicators or a table that cannot be evaluated."""
