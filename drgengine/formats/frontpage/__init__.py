"""Discharge front pages (住院病案首页) of every dialect -> case table, with evidence of what was cleaned."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from drgengine.formats.frontpage.schema import FRONT_PAGE_SCHEMA, OF_WHICH

if TYPE_CHECKING:
    from drgengine.formats.frontpage.convertfile import convert_file
    from drgengine.formats.frontpage.pages import FrontPages, read_front_page
    from drgengine.formats.frontpage.reader import FrontPageSource, open_front_page
    from drgengine.formats.frontpage.summary import ConvertSummary

__all__ = [
    "FRONT_PAGE_SCHEMA",
    "OF_WHICH",
    "ConvertSummary",
    "FrontPageSource",
    "FrontPages",
    "convert_file",
    "open_front_page",
    "read_front_page",
]

_HOME = {
    "ConvertSummary": "summary",
    "FrontPageSource": "reader",
    "FrontPages": "pages",
    "convert_file": "convertfile",
    "open_front_page": "reader",
    "read_front_page": "pages",
}


def __getattr__(name: str) -> Any:
    """The readers are loaded when first used: the schema alone serves much of the package."""
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
