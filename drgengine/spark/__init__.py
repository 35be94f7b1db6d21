"""Spark: grouping and statistics of more discharges than one machine holds (extra `spark`, Java 17).

The package can be imported without PySpark; a call then says what to install.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from drgengine.spark.localcluster import local_cluster as local_cluster
    from drgengine.spark.mapped import group as group
    from drgengine.spark.sqlfunction import register as register
    from drgengine.spark.unitcells import unit_statistics as unit_statistics

_HOME = {
    "group": "drgengine.spark.mapped",
    "local_cluster": "drgengine.spark.localcluster",
    "register": "drgengine.spark.sqlfunction",
    "unit_statistics": "drgengine.spark.unitcells",
}
__all__ = ["group", "local_cluster", "register", "unit_statistics"]


def __getattr__(name: str) -> Any:
    """Names are loaded when first used: a worker that only counts need not load the grouper."""
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'drgengine.spark' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
