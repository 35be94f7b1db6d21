"""Errors of the grouper in the words of the caller: a Spark table, or a function of Spark SQL, has no map.toml."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from drgengine.errors import CaseTableError, DrgEngineError

Remedy = Callable[[str], str]
_FILE = r"in a mapping file \(--columns map\.toml\)"
_LINE = re.compile(rf' {_FILE}(?: with a line such as|:) "(.*)" = "(.*)"$')
_SET = re.compile(rf'set "(.*)" = "(.*)" {_FILE}$')


def for_table(remedy: str) -> str:
    """A remedy that speaks of a mapping file in terms of drgengine.spark.group.

    >>> for_table('Set one of them to "extra" in a mapping file (--columns map.toml): "XB" = "extra"')
    'Set one of them to "extra": columns={"XB": "extra"}'
    >>> for_table("Rename one of them")
    'Rename one of them'
    """
    return _SET.sub(r'set columns={"\1": "\2"}', _LINE.sub(r': columns={"\1": "\2"}', remedy))


def for_sql(remedy: str) -> str:
    """A remedy that speaks of a mapping file in terms of the arguments of the SQL function.

    >>> for_sql('Name the column in a mapping file (--columns map.toml) with a line such as "JB" = "dx_principal"')
    'Give it by name (dx => ...), or in the struct under that name (... AS dx)'
    """
    line = _LINE.search(remedy)
    if line is None:
        return _SET.sub("leave it out", remedy)
    if line[2] == "extra":
        return "Give only one of them"
    name = line[2].removesuffix("_principal")
    return f"Give it by name ({name} => ...), or in the struct under that name (... AS {name})"


@contextmanager
def told_with(remedy: Remedy) -> Iterator[None]:
    """Let an error of ours leave with the caller's remedy and, on an executor, without the trace of the worker."""
    try:
        yield
    except DrgEngineError as error:
        from pyspark import TaskContext

        if TaskContext.get() is not None:
            # Only this process is silenced, and Spark ends it because of the error.
            os.environ["SPARK_HIDE_TRACEBACK"] = "1"
        if isinstance(error, CaseTableError):
            raise CaseTableError(error.place, error.problem, remedy(error.remedy)) from None
        raise
