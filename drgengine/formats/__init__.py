"""Files in and out (文件读写): tables of cases, front pages of every dialect, settlement lists; no grouping."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from drgengine.formats.sink import Sink, open_sink, refuse_same
from drgengine.formats.source import Source, list_parts, open_source

if TYPE_CHECKING:
    from drgengine.formats.frontpage.convertfile import convert_file
    from drgengine.formats.frontpage.pages import read_front_page
    from drgengine.formats.frontpage.reader import open_front_page
    from drgengine.formats.settlement import read_settlement

__all__ = [
    "Sink",
    "Source",
    "convert_file",
    "list_parts",
    "open_front_page",
    "open_sink",
    "open_source",
    "read_front_page",
    "read_settlement",
    "refuse_same",
]

_HOME = {
    "convert_file": "drgengine.formats.frontpage.convertfile",
    "open_front_page": "drgengine.formats.frontpage.reader",
    "read_front_page": "drgengine.formats.frontpage.pages",
    "read_settlement": "drgengine.formats.settlement",
}


def __getattr__(name: str) -> Any:
    """The readers of front pages and settlement lists are loaded when first used."""
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
