"""drgengine: DRG grouping, hospital cost accounting and evaluation."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from drgengine.cases import IssueLog as IssueLog
    from drgengine.errors import DrgEngineError as DrgEngineError
    from drgengine.formats import read_front_page as read_front_page
    from drgengine.formats import read_settlement as read_settlement
    from drgengine.grouper.explain import explain as explain
    from drgengine.grouper.group import group as group
    from drgengine.grouper.schemefile import load_scheme as load_scheme
    from drgengine.grouper.stream import group_file as group_file

__version__ = "0.1.0"

_HOME = {
    "DrgEngineError": "drgengine.errors",
    "IssueLog": "drgengine.cases",
    "explain": "drgengine.grouper.explain",
    "group": "drgengine.grouper.group",
    "group_file": "drgengine.grouper.stream",
    "load_scheme": "drgengine.grouper.schemefile",
    "read_front_page": "drgengine.formats",
    "read_settlement": "drgengine.formats",
}
__all__ = [
    "DrgEngineError",
    "IssueLog",
    "__version__",
    "explain",
    "group",
    "group_file",
    "load_scheme",
    "read_front_page",
    "read_settlement",
]


def __getattr__(name: str) -> Any:
    """Public names are loaded when first used, so that `import drgengine` costs nothing."""
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'drgengine' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
